"""What a native search has found out, and the ways to its states."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import NamedTuple

from dmaverify.engines.exploration import Exploration, Found
from dmaverify.engines.native.machine import Machine
from dmaverify.engines.native.table import Segment
from dmaverify.engines.successors import Compiled


class Level(NamedTuple):
    """States of one distance that the same number of steps of no weight leads to."""

    distance: int
    round: int
    segments: list[Segment]


@dataclass(frozen=True)
class NativeFound(Found):
    """A hit with the place of its state."""

    place: int = field(default=0, compare=False)


class NativeExploration(Exploration):
    """A search by native code. Ways to its states can be found until it is closed."""

    def __init__(self, compiled: Compiled, machine: Machine) -> None:
        super().__init__(compiled.system, compiled)
        self.machine = machine
        self.levels: list[Level] = []
        self._starts: list[tuple[int, int]] = []
        self._by_distance: dict[int, list[Level]] = {}

    def _index(self) -> None:
        """Make it quick to find the level of a state and the levels of a distance. Only when the search is over."""
        if not self._starts:
            self._starts = sorted((start, n) for n, level in enumerate(self.levels) for start, _ in level.segments)
            for level in self.levels:
                self._by_distance.setdefault(level.distance, []).append(level)

    def level_of(self, place: int) -> Level:
        """Which level a state is of."""
        self._index()
        return self.levels[self._starts[bisect_right(self._starts, (place, len(self.levels))) - 1][1]]

    def way(self, found: Found) -> list[tuple[int, int]]:
        assert isinstance(found, NativeFound)
        layout = self.machine.layout
        place, way = found.place, []
        while True:
            level = self.level_of(place)
            way.append((layout.to_state(self.machine.words(place)), level.distance))
            if level.distance == level.round == 0:
                return way[::-1]
            place = self._before(place, level)

    def _before(self, place: int, level: Level) -> int:
        """The least state that a step on a shortest way leads from."""
        machine = self.machine
        steps: list[tuple[int, int | None]] = [(w, None) for w in machine.weights if w]
        if level.round:
            steps = [(0, level.round - 1)]
        for weight, round in steps:
            levels = self._by_distance.get(level.distance - weight, [])
            segments = [s for x in levels if round in (None, x.round) for s in x.segments]
            best = machine.predecessor(place, weight, segments)
            if best is not None:
                return best
        raise AssertionError("a state without a predecessor")

    def close(self) -> None:
        self.machine.close()
