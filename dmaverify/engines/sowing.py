"""Which of the first guesses hold together: those that every action keeps, found by dropping the others.

The guesses know little of how variables hang together, so they allow states that are made of two samples, some variables from one,
some from the other. What breaks one step behind such states is found by running the System, at a fraction of the cost of asking
the solver, which then says what is left to drop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from dmaverify.engines.base import Budget
from dmaverify.engines.relative import Fact, Relative, Step
from dmaverify.engines.sampling import Samples
from dmaverify.engines.seeds import Seed
from dmaverify.ir.system import Kind
from dmaverify.ir.types import Value

CROSSES = 8000
"""So many crossed states in a row without anything new end the search for more."""

_Entry: TypeAlias = tuple[Fact, int, int, frozenset[int]]
"""A guess, where its variable's bits are in a packed state, their mask when shifted down, and the codes of its values."""


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
        self._everywhere: dict[int, _Entry] = {}
        self._at: dict[tuple[str, int], dict[int, _Entry]] = {}
        """By pc and the bits of its value."""
        packing = samples.packing
        self._pcs = [
            (pc, packing.offset[pc], (1 << packing.type[pc].bits) - 1) for pc in sorted({t.pc for t in samples.system.threads})
        ]
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
                self._break(answer.broken, answer.behind.__getitem__)
            else:
                del self._todo[action]
                self._rests_on[action] = answer
        return list(self.left.values())

    def _cross(self) -> None:
        """Cross samples, and drop what breaks one step behind those crossed states that the guesses still allow."""
        samples = self.samples
        if len(samples.states) < 2:
            return
        rng = random.Random(len(self.left))
        places = self._by_place()
        shared, own = self._groups()
        quiet = 0
        while quiet < CROSSES:
            quiet += 1
            if quiet % 64 == 0:
                self.budget.check()
            # places rather than states are drawn, because there are places that few samples are at
            state = rng.choice(rng.choice(places))
            for mask in own:
                if rng.random() < 0.5:
                    state = state & ~mask | rng.choice(rng.choice(places)) & mask
            if rng.random() < 0.5:
                other = rng.choice(samples.states)
                share = rng.random()
                mask = sum(m for m in shared if rng.random() < share)
                state = state & ~mask | other & mask
            if self._false_in(state) or not all(self._allowed(state)):
                continue
            for after in samples.successors(state):
                broken = self._false_in(after)
                if broken and all(self._allowed(after)):
                    quiet = 0
                    self._break(broken, partial(self.samples.packing.value, after))

    def _by_place(self) -> list[list[int]]:
        """The samples at each place of each thread."""
        found: dict[tuple[str, int], list[int]] = {}
        for s in self.samples.states:
            for pc, offset, mask in self._pcs:
                found.setdefault((pc, s >> offset & mask), []).append(s)
        return list(found.values()) or [self.samples.states]

    def _groups(self) -> tuple[list[int], list[int]]:
        """Where the bits of shared variables are, one by one, and those of each thread's own, together."""
        packing = self.samples.packing
        shared: list[int] = []
        own: dict[str, int] = {}
        for v in self.samples.system.vars:
            if v.kind in (Kind.LOCAL, Kind.PC) and v.owner is not None:
                own[v.owner] = own.get(v.owner, 0) | packing.mask(v.name)
            else:
                shared.append(packing.mask(v.name))
        return shared, list(own.values())

    def _add(self, fact: Fact) -> None:
        assert fact.seed is not None
        self.left[fact.number] = fact
        packing, name = self.samples.packing, fact.seed.name
        offset = packing.offset[name]
        codes = frozenset(packing.place(name, v) >> offset for v in fact.seed.values)
        self._place(fact)[fact.number] = (fact, offset, (1 << packing.type[name].bits) - 1, codes)

    def _place(self, fact: Fact) -> dict[int, _Entry]:
        assert fact.seed is not None
        if fact.seed.at is None:
            return self._everywhere
        pc, place = fact.seed.at
        packing = self.samples.packing
        return self._at.setdefault((pc, packing.place(pc, place) >> packing.offset[pc]), {})

    def _break(self, broken: Sequence[Fact], value: Callable[[str], Value]) -> None:
        """Drop or stretch guesses that are false in a state; what rested on them has to be shown again."""
        gone = set()
        for f in broken:
            assert f.seed is not None
            gone.add(f.number)
            del self.left[f.number]
            del self._place(f)[f.number]
            wider = f.seed.with_value(value(f.seed.name))
            if wider is not None:
                fact = self.fresh(wider)
                self._add(fact)
                for n in range(len(self.samples.system.actions)):
                    if self.relative.concerns(fact, n):
                        self._todo[n] = True
        for n, used in self._rests_on.items():
            if used & gone:
                self._todo[n] = True

    def _false_in(self, state: int) -> list[Fact]:
        """The guesses that a state contradicts."""
        found = [e[0] for e in self._everywhere.values() if state >> e[1] & e[2] not in e[3]]
        for pc, offset, mask in self._pcs:
            here = self._at.get((pc, state >> offset & mask))
            if here:
                found += [e[0] for e in here.values() if state >> e[1] & e[2] not in e[3]]
        return found
