"""Was it put to the test? Probes are covers that nobody wrote: each assert is asked, each sequence ends, each operation of
a client succeeds, something lies behind each ``assume``.

Most are answered by the way: the short search of the whole that comes first passes nearly all of them. What is left is
tried by random walks through the reference System, which answer *yes* cheaply, and only then by an engine, in a slice of
its own and with a small budget. So a probe costs something only where something is likely to be wrong.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

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


def by_themselves(core: Core, probes: tuple[str, ...], options: Options, budget: Budget) -> dict[str, bool | None]:
    """Probes that nothing else has decided, each in the slice that it needs."""
    found: dict[str, bool | None] = dict.fromkeys(probes, False)  # what is in no slice cannot happen
    until = time.monotonic() + (SECONDS if budget.timeout is None else min(SECONDS, budget.left() or 0.0))
    # built-in checks are kept: what lies behind one that fails is not reached
    for s in prepare(core, probes, fuse=options.fuse, slice=options.slice, stops=True).slices:
        open_ = tuple(p for p in probes if p in s.properties)
        found.update(dict.fromkeys(open_))
        for engine, depth in _engines(options):
            now = time.monotonic()
            if not open_ or now >= until:
                break
            limits = replace(budget, timeout=until - now, started=now, states=STATES, depth=depth, progress=None)
            for o in engine.run(s.system, open_, limits):
                found[o.prop] = o.covers.get(o.prop)
            open_ = tuple(p for p in open_ if found[p] is None)
    return found


def _engines(options: Options) -> list[tuple[Engine, int | None]]:
    """What tries a probe, each with the depth to which it looks."""
    from dmaverify.engines.explicit import ExplicitEngine

    explicit: tuple[Engine, int | None] = (ExplicitEngine(symmetry=options.symmetry), None)
    if options.engine == "explicit":
        return [explicit]
    from dmaverify.engines.bmc import Bmc
    from dmaverify.engines.worker import Worker

    symbolic: tuple[Engine, int | None] = (Worker(Bmc(seed=options.seed)), DEPTH)
    return [explicit, symbolic] if options.engine == "auto" else [symbolic]
