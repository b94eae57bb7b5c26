"""Which of the first guesses hold together: those that every action keeps, found by dropping the others.

A step that breaks a guess leads to a state that the remaining guesses allow, reachable or not. From there the System is run: what
breaks on the way breaks as well, and to find that by running costs a fraction of asking the solver.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from dmaverify.engines.base import Budget
from dmaverify.engines.relative import Fact, Relative, Step
from dmaverify.engines.sampling import Samples
from dmaverify.engines.seeds import Seed
from dmaverify.ir.types import Value

CROSSES = 3000
"""So many crossed states in a row without anything new end the search for more."""

RIPPLE = 400
"""How many states are run through behind a broken guess."""


class Sowing:
    """Guesses (facts with a seed) on their way to an inductive subset, relative to facts that are given."""

    def __init__(
        self,
        relative: Relative,
        samples: Samples,
        given: Sequence[Fact],
        fresh: Callable[[Seed], Fact],
        budget: Budget,
    ) -> None:
        self.relative, self.samples, self.given, self.fresh, self.budget = relative, samples, given, fresh, budget
        self.left: dict[int, Fact] = {}
        self._everywhere: dict[int, Fact] = {}
        self._at: dict[tuple[str, Value], dict[int, Fact]] = {}
        self._pcs = sorted({t.pc for t in samples.system.threads})
        self._allowed = samples.judge([f.condition for f in given if f.check is None])
        self._todo: dict[int, bool] = {}
        self._rests_on: dict[int, set[int]] = {}

    def run(self, seeds: Sequence[Seed]) -> list[Fact]:
        """The guesses that hold together."""
        for s in seeds:
            self._add(self.fresh(s))
        self._cross()
        actions = range(len(self.samples.system.actions))
        self._todo = dict.fromkeys(actions, True)
        while self._todo and self.left:
            self.budget.check()
            action = next(iter(self._todo))
            wanted = [f for f in self.left.values() if self.relative.concerns(f, action)]
            if not wanted:
                del self._todo[action]
                continue
            answer = self.relative.step(action, wanted, [*self.given, *self.left.values()], exact=False)
            if isinstance(answer, Step):
                self._break(answer.broken, answer.behind)
                self._ripple(answer.behind)
            else:
                del self._todo[action]
                self._rests_on[action] = answer
        return list(self.left.values())

    def _cross(self) -> None:
        """Cross samples: states made of two of them that the guesses still allow, and what breaks one step behind those.

        The guesses know little of how variables hang together, so crossed states are much like what the solver comes up with.
        """
        packing, rng = self.samples.packing, random.Random(len(self.left))
        masks = [packing.mask(v.name) for v in self.samples.system.vars]
        quiet = 0
        while quiet < CROSSES and len(self.samples.states) > 1:
            self.budget.check()
            quiet += 1
            a, b = rng.choice(self.samples.states), rng.choice(self.samples.states)
            share = rng.random()
            mask = sum(m for m in masks if rng.random() < share)
            state = a & ~mask | b & mask
            values = packing.unpack(state)
            if self._false_in(values) or not all(self._allowed(state)):
                continue
            for after in self.samples.successors(state):
                if all(self._allowed(after)):
                    behind = packing.unpack(after)
                    broken = self._false_in(behind)
                    if broken:
                        quiet = 0
                        self._break(broken, behind)

    def _add(self, fact: Fact) -> None:
        assert fact.seed is not None
        self.left[fact.number] = fact
        self._place(fact)[fact.number] = fact

    def _place(self, fact: Fact) -> dict[int, Fact]:
        assert fact.seed is not None
        return self._everywhere if fact.seed.at is None else self._at.setdefault(fact.seed.at, {})

    def _break(self, broken: Sequence[Fact], state: Mapping[str, Value]) -> None:
        """Drop or stretch guesses that are false in a state; what rested on them has to be shown again."""
        gone = set()
        for f in broken:
            assert f.seed is not None
            gone.add(f.number)
            del self.left[f.number]
            del self._place(f)[f.number]
            wider = f.seed.with_value(state[f.seed.name])
            if wider is not None:
                fact = self.fresh(wider)
                self._add(fact)
                for n in range(len(self.samples.system.actions)):
                    if self.relative.concerns(fact, n):
                        self._todo[n] = True
        for n, used in self._rests_on.items():
            if used & gone:
                self._todo[n] = True

    def _false_in(self, state: Mapping[str, Value]) -> list[Fact]:
        """The guesses that a state contradicts."""
        groups = [self._everywhere, *(self._at.get((pc, state[pc]), {}) for pc in self._pcs)]
        return [f for g in groups for f in g.values() if f.seed is not None and state[f.seed.name] not in f.seed.values]

    def _ripple(self, start: Mapping[str, Value]) -> None:
        """Run on from a state that the guesses allow."""
        packing = self.samples.packing
        first = packing.pack(start)
        if not all(self._allowed(first)):
            return
        seen = {first}
        todo = deque([first])
        while todo and len(seen) < RIPPLE:
            for state in self.samples.successors(todo.popleft()):
                if state in seen or not all(self._allowed(state)):
                    continue
                seen.add(state)
                todo.append(state)
                values = packing.unpack(state)
                broken = self._false_in(values)
                if broken:
                    self._break(broken, values)
