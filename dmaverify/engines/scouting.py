"""Guesses against more of the System than could be sampled: most that are wrong are found wrong by running it.

States are visited by the hundred thousand and not kept as samples; each is compared with the guesses, by the bits.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeAlias

from dmaverify.engines.base import Budget
from dmaverify.engines.sampling import Samples
from dmaverify.engines.seeds import Seed

MOST_VISITED = 200_000

_Entry: TypeAlias = tuple[Seed, int, int, frozenset[int]]
"""A guess, where its variable's bits are in a packed state, their mask when shifted down, and the codes of its values."""


class _Bed:
    """Guesses by the places that they are about."""

    def __init__(self, samples: Samples, seeds: Sequence[Seed]) -> None:
        self.packing = samples.packing
        self.everywhere: dict[int, _Entry] = {}
        self.at: dict[tuple[str, int], dict[int, _Entry]] = {}
        self.pcs = [
            (pc, self.packing.offset[pc], (1 << self.packing.type[pc].bits) - 1)
            for pc in sorted({t.pc for t in samples.system.threads})
        ]
        for seed in seeds:
            self.add(seed)

    def add(self, seed: Seed) -> None:
        """Put a guess where it belongs."""
        packing = self.packing
        offset = packing.offset[seed.name]
        codes = frozenset(packing.place(seed.name, v) >> offset for v in seed.values)
        self._place(seed)[id(seed)] = (seed, offset, (1 << packing.type[seed.name].bits) - 1, codes)

    def _place(self, seed: Seed) -> dict[int, _Entry]:
        if seed.at is None:
            return self.everywhere
        pc, place = seed.at
        return self.at.setdefault((pc, self.packing.place(pc, place) >> self.packing.offset[pc]), {})

    def correct(self, state: int) -> None:
        """Stretch or drop the guesses that a state contradicts."""
        wrong = [e[0] for e in self.everywhere.values() if state >> e[1] & e[2] not in e[3]]
        for pc, offset, mask in self.pcs:
            here = self.at.get((pc, state >> offset & mask))
            if here:
                wrong += [e[0] for e in here.values() if state >> e[1] & e[2] not in e[3]]
        for seed in wrong:
            del self._place(seed)[id(seed)]
            wider = seed.with_value(self.packing.value(state, seed.name))
            if wider is not None:
                self.add(wider)

    def all(self) -> list[Seed]:
        """The guesses that are left."""
        return [e[0] for group in (self.everywhere, *self.at.values()) for e in group.values()]


def scout(samples: Samples, seeds: Sequence[Seed], budget: Budget, seed: int) -> list[Seed]:
    """The guesses, as far as no state contradicts them that can be reached from a sample in a few steps."""
    if samples.complete or samples.compiled is None:
        return list(seeds)
    bed = _Bed(samples, seeds)
    rng = random.Random(seed)
    known = set(samples.states)
    todo = list(samples.states)
    rng.shuffle(todo)
    visited = 0
    while todo and visited < MOST_VISITED:
        state = todo.pop()
        for after in samples.successors(state):
            if after not in known:
                known.add(after)
                visited += 1
                bed.correct(after)
                todo.append(after)
        if visited % 256 == 0:
            budget.check()
    return bed.all()
