"""Property-directed reachability: a proof grown from the states that must not be reached.

Frame k holds for all states that can be reached in at most k steps. It is a set of clauses, each the negation of a *cube* (a
partial state); a clause stands in the last frame where it is known to hold, and is meant in all earlier ones. States from which
something bad happens are shown, one step back after the other, to be unreachable in k steps, and each such proof is generalised
as far as it goes. When a frame is equal to the next one it is an inductive invariant.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field

from dmaverify.engines.pdr.queries import Cube, Queries

PATIENT = 15
"""From so many frames on, what is excluded from one frame is tried to be excluded from the next at once. That finds deep
counterexamples, where every frame would else begin anew; but proofs are found later."""


@dataclass(order=True)
class _Obligation:
    level: int
    order: int
    cube: Cube = field(compare=False)
    inputs: dict[int, int] = field(compare=False)
    """Of the step that leads on, by node of the problem's graph."""
    behind: _Obligation | None = field(compare=False)
    """Where that step leads; None: it is bad."""


@dataclass(frozen=True)
class Safe:
    """The negations of these cubes are an inductive invariant without bad states."""

    cubes: list[Cube]
    frames: int


@dataclass(frozen=True)
class Unsafe:
    """From this initial state (by node of the problem's graph) the inputs lead to what is bad."""

    initial: dict[int, int]
    inputs: list[dict[int, int]]


class Search(Queries):
    """One problem."""

    _number = 0

    def run(self) -> Safe | Unsafe:
        """Decide."""
        if not self._start.solve([]):
            return Safe([frozenset()], 0)
        self.new_frame()
        first = self.solvers[0]
        if first.solve([self.bad]):
            state, inputs = self._model(first)
            return Unsafe(self._state(state), [inputs])
        while True:
            self.new_frame()
            stable = self._propagate()
            if stable is not None:
                return Safe([c for f in self.frames[stable + 1 :] for c in f], len(self.frames) - 2)
            found = self._strengthen()
            if found is not None:
                return found

    def _strengthen(self) -> Unsafe | None:
        """Show that the last frame has no bad states."""
        top = len(self.frames) - 1
        while True:
            solver = self._fit(top)
            if not solver.solve([self.bad]):
                return None
            state, inputs = self._model(solver)
            cube = self._lifted(state, inputs, [self.bad])
            found = self._block(self._obligation(top, cube, inputs, None), top)
            if found is not None:
                return found

    def _obligation(self, level: int, cube: Cube, inputs: dict[int, int], behind: _Obligation | None) -> _Obligation:
        self._number += 1
        return _Obligation(level, -self._number, cube, inputs, behind)

    def _block(self, first: _Obligation, top: int) -> Unsafe | None:
        """Show that a cube cannot be reached, and all that leads there."""
        if self._initial(first.cube):
            return self._counterexample(first)
        queue = [first]
        while queue:
            self.look()
            o = queue[0]
            if any(o.cube >= c for f in self.frames[o.level :] for c in f):
                heapq.heappop(queue)
                self._again(queue, o, o.level + 1, top)
                continue
            smaller = self._reaches(o.level - 1, o.cube, itself=False)
            if smaller is None:
                state, inputs = self._model(self.solvers[o.level - 1])
                self._forget()
                cube = self._lifted(state, inputs, self.literals_behind(o.cube))
                before = self._obligation(o.level - 1, cube, inputs, o)
                if o.level == 1 or self._initial(cube):
                    return self._counterexample(before)
                heapq.heappush(queue, before)
                continue
            heapq.heappop(queue)
            level = self._learn(self._excluded(smaller, o.cube), o.level, top)
            self._again(queue, o, level + 1, top)
        return None

    def _again(self, queue: list[_Obligation], o: _Obligation, level: int, top: int) -> None:
        """Try to exclude it from a later frame, too."""
        if level <= top and top > PATIENT:
            heapq.heappush(queue, _Obligation(level, o.order, o.cube, o.inputs, o.behind))

    def _learn(self, cube: Cube, level: int, top: int) -> int:
        """Generalise a cube that cannot be reached at a level; the last level where that holds."""
        cube = self._generalised(cube, level)
        while level < top:
            smaller = self._reaches(level, cube, itself=False)
            if smaller is None:
                self._forget()
                break
            cube = self._excluded(smaller, cube)
            level += 1
        self._add(cube, level)
        return level

    def _generalised(self, cube: Cube, level: int) -> Cube:
        """The cube without as many literals as possible, such that it cannot be reached at the level."""
        # what was of little use lately goes first
        for x in sorted(cube, key=lambda x: (self._activity[abs(x)], -x)):
            rest = cube - {x}
            if x not in cube or not rest or self._initial(rest):
                continue
            smaller = self._reaches(level - 1, rest, itself=False)
            if smaller is None:
                self._forget()
            else:
                cube = self._excluded(smaller, rest)
        return cube

    def _add(self, cube: Cube, level: int) -> None:
        """Exclude a cube from all frames up to a level."""
        for frame in self.frames[1 : level + 1]:
            frame.difference_update([c for c in frame if cube <= c])
        self.frames[level].add(cube)
        clause = [-x for x in cube]
        for solver in self.solvers[1 : level + 1]:
            solver.add(clause)
        self.gain(cube)

    def _propagate(self) -> int | None:
        """Move clauses to the new frame and others; the number of a frame that is equal to the next one, if there is one."""
        for level in range(1, len(self.frames) - 1):
            for cube in sorted(self.frames[level], key=lambda c: (len(c), sorted(c))):
                if cube not in self.frames[level]:
                    continue
                smaller = self._reaches(level, cube, itself=True)
                if smaller is not None:
                    self._add(self._excluded(smaller, cube), level + 1)
            if not self.frames[level]:
                return level
        return None

    def _counterexample(self, first: _Obligation) -> Unsafe:
        """An initial state in the cube, and the inputs from there on."""
        if not self._start.solve(list(first.cube)):
            raise AssertionError("a cube without initial states")
        state, _ = self._model(self._start)
        inputs = []
        o: _Obligation | None = first
        while o is not None:
            inputs.append(o.inputs)
            o = o.behind
        return Unsafe(self._state(state), inputs)
