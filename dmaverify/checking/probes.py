"""Was it put to the test? Probes are covers that nobody wrote: each assert is asked, each sequence ends, each operation of
a client succeeds, something lies behind each ``assume``.

Most are answered by the way: the short search of the whole that comes first passes nearly all of them. What is left is
tried by random walks through the reference System, which answer *yes* cheaply, and only then by an engine, in a slice of
its own and with a small budget. So a probe costs something only where something is likely to be wrong.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from dmaverify.checking.shares import PROBES, WORTH_IT, Clock, Purse, Shares
from dmaverify.checking.walk import random_walks
from dmaverify.engines.base import Budget, Engine
from dmaverify.engines.interp import NotEnumerable
from dmaverify.ir.pipeline import Core, prepare
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome

if TYPE_CHECKING:
    from dmaverify.checking.options import Options

WALKS = 12
STEPS = 120

STATES = 20_000
"""What a search for one probe may visit."""

SECONDS = 10.0
"""What all probes of a System together may take that are decided by themselves."""

DEPTH = 16
"""How far a symbolic search for a probe goes."""


class Walks:
    """A few random walks through a System, the same for the same seed, taken when somebody first asks."""

    def __init__(self, system: System, seed: int) -> None:
        self.exercised: set[tuple[str, str]] = set()
        """(property, label) of what was put to the test so far."""
        self.reached: set[str] = set()
        """Covers and probes that were passed so far."""
        self._walks = random_walks(system, seed, WALKS, STEPS)

    def put_to_the_test(self, o: Outcome) -> None:
        """Set to true what is undecided in an outcome and was put to the test."""
        wanted = {(o.prop, label) for label, value in o.exercised.items() if value is None}
        while not wanted <= self.exercised and self._one_more():
            pass
        for prop, label in wanted & self.exercised:
            assert prop == o.prop
            o.exercised[label] = True

    def passed(self, probes: Iterable[str]) -> set[str]:
        """Those of the probes that were passed."""
        wanted = set(probes)
        while not wanted <= self.reached and self._one_more():
            pass
        return wanted & self.reached

    def _one_more(self) -> bool:
        """Take another walk; False if there is none."""
        # a choice among too many values, or no initial values that were guessed: nobody can walk there
        with contextlib.suppress(NotEnumerable, ValueError):
            for _, walk in self._walks:
                self.exercised |= walk.exercised
                self.reached |= walk.reached
                return True
        return False


def by_themselves(
    core: Core, probes: tuple[str, ...], options: Options, budget: Budget, shares: Shares
) -> dict[str, bool | None]:
    """Probes that nothing else has decided, each in the slice that it needs. They divide what time ``shares`` has for them."""
    found: dict[str, bool | None] = dict.fromkeys(probes, False)  # what is in no slice cannot happen
    clock, allowed = shares.purse.clock, shares.allowed((PROBES,))
    own = Shares(Purse(SECONDS if allowed is None else min(SECONDS, allowed), shares.purse.each, clock))
    # built-in checks are kept: what lies behind one that fails is not reached
    slices = prepare(core, probes, fuse=options.fuse, slice=options.slice, stops=True).slices
    todo = [(s.system, tuple(p for p in probes if p in s.properties), 0.0) for s in slices]
    found.update((p, None) for _, names, _ in todo for p in names)
    while todo:
        own.begin(Counter(p for _, names, _ in todo for p in names))
        late: list[tuple[System, tuple[str, ...], float]] = []
        for system, names, before in todo:
            allowed = own.allowed(names) or 0.0
            if allowed <= WORTH_IT * before:
                continue
            began = clock()
            answers, in_time = _tried(system, names, allowed, options, budget, clock)
            found.update(answers)
            own.took(names, clock() - began)
            if not in_time:
                late.append((system, tuple(p for p in names if found[p] is None), allowed))
        todo = late
    return found


def _tried(
    system: System, probes: tuple[str, ...], seconds: float, options: Options, budget: Budget, clock: Clock
) -> tuple[dict[str, bool | None], bool]:
    """What engines say of some probes of a slice within so many seconds, and whether that was time enough."""
    found: dict[str, bool | None] = dict.fromkeys(probes)
    until, in_time = clock() + seconds, True
    engines = engines_for(options)
    for n, (engine, depth) in enumerate(engines):
        open_ = tuple(p for p in probes if found[p] is None)
        if not open_:
            break
        # who comes first leaves something for the next
        part = max(0.0, until - clock()) / (len(engines) - n)
        limits = replace(budget, timeout=part, started=time.monotonic(), states=STATES, depth=depth, progress=None)
        outcomes = engine.run(system, open_, limits)
        found.update((o.prop, o.covers.get(o.prop)) for o in outcomes)
        in_time = in_time and not any("time" in o.reason for o in outcomes)
    return found, in_time or None not in found.values()


def engines_for(options: Options) -> list[tuple[Engine, int | None]]:
    """What tries a probe, each with the depth to which it looks."""
    from dmaverify.engines.explicit import ExplicitEngine

    explicit: tuple[Engine, int | None] = (ExplicitEngine(symmetry=options.symmetry), None)
    if options.engine == "explicit":
        return [explicit]
    from dmaverify.engines.bmc import Bmc
    from dmaverify.engines.worker import Worker

    symbolic: tuple[Engine, int | None] = (Worker(Bmc(seed=options.seed)), DEPTH)
    return [explicit, symbolic] if options.engine == "auto" else [symbolic]
