"""What was put to the test, and not only behind a failed built-in check.

Nothing is meant behind a built-in check that fails. A slice for something else does not have that check, and so may put an assert to
the test on a way that there is not. What it never puts to the test nobody does; what it does put to the test is believed where the
built-in checks hold. Where one of them fails, or nobody has asked, the interpreter's walks have to come across the assert, or a
small search of a slice that keeps those checks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dmaverify.checking.merge import union
from dmaverify.checking.probes import SECONDS, STATES, Walks, engines_for
from dmaverify.checking.shares import Purse, Shares
from dmaverify.engines.base import Budget
from dmaverify.ir.pipeline import Core, prepare
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome

if TYPE_CHECKING:
    from dmaverify.checking.options import Options


class Meant:
    """Looks again at what slices have put to the test. ``shares`` says what time there is."""

    def __init__(self, core: Core, walks: Walks, options: Options, budget: Budget, shares: Shares) -> None:
        self.core, self.walks, self.options, self.budget = core, walks, options, budget
        self.open = {e.prop for a in core.system.actions for e in a.checks if e.stop}
        """Properties of built-in checks of which nobody has said yet that they hold."""
        self.elsewhere: dict[str, set[str]] = {}
        """By property, what an instance of the same scenario is known to put to the test."""
        self._shares = shares

    def believed(self, o: Outcome) -> None:
        """Note an outcome of the whole, which has every check."""
        if o.word.holds:
            self.open.discard(o.prop)

    def settled(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The outcomes of slices; what is in doubt comes last, when it is known what the built-in checks do."""
        doubtful: list[Outcome] = []
        try:
            for o in outcomes:
                self.believed(o)
                if self.open and self._in_doubt(o):
                    doubtful.append(o)
                else:
                    yield o
        except KeyboardInterrupt:
            for o in doubtful:
                o.exercised.update(dict.fromkeys(self._in_doubt(o)))
                yield o
            raise
        clock, left = self._shares.purse.clock, self._shares.left()
        shares = Shares(Purse(SECONDS if left is None else min(SECONDS, left), None, clock))
        shares.begin({o.prop: 1 for o in doubtful})
        for o in doubtful:
            began = clock()
            if self.open:
                self._look_again(o, shares)
            shares.took((o.prop,), clock() - began)
            yield o

    def _in_doubt(self, o: Outcome) -> set[str]:
        """What slices say that they put to the test."""
        return {label for label, seen in o.exercised.items() if seen} - self.elsewhere.get(o.prop, set())

    def _look_again(self, o: Outcome, shares: Shares) -> None:
        """Only what is put to the test with the built-in checks in place counts."""
        asked = self._in_doubt(o)
        o.exercised.update(dict.fromkeys(asked))
        self.walks.put_to_the_test(o)
        if None not in (o.exercised[label] for label in asked):
            return
        parts: list[dict[str, bool | None]] = []
        for s in prepare(self.core, (o.prop,), fuse=self.options.fuse, stops=True).slices:
            mine = {t.label for t in s.targets if t.kind != "cover"}
            parts.append(dict.fromkeys(mine) | self._searched(s.system, o.prop, shares))
        known = union(parts)
        # what the passes have found to be unreachable is in no slice
        o.exercised.update((label, known.get(label, False)) for label in asked if not o.exercised[label])

    def _searched(self, system: System, prop: str, shares: Shares) -> dict[str, bool | None]:
        """What small searches say of a slice."""
        found: dict[str, bool | None] = {}
        for engine, depth in engines_for(self.options):
            if found and None not in found.values():
                break
            seconds = (shares.allowed((prop,)) or 0.0) / 2
            limits = replace(self.budget, timeout=seconds, started=time.monotonic(), states=STATES, depth=depth, progress=None)
            for outcome in engine.run(system, (prop,), limits):
                for label, seen in outcome.exercised.items():
                    found[label] = seen if found.get(label) is None else found[label]
        return found
