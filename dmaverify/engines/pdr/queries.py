"""The questions of the search: what a frame's states lead to, asked of one SAT solver for each frame.

A solver knows the definitions that were asked for so far, the clauses of its frame and of all later ones, and (once that is known) that
nothing in it is bad. What is added for one question only is switched off behind it, and now and then a solver is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dmaverify.engines.pdr.cnf import Cnf
from dmaverify.engines.pdr.problem import Problem
from dmaverify.engines.pdr.sat import Sat

Cube = frozenset[int]
"""Latches that have these values: numbers from 1, negative for false."""

MOST_TEMPORARY = 1_000
"""A solver is made anew after so many clauses that were for one question only."""


class Enough(Exception):
    """So many questions were asked as were allowed."""


class Queries:
    """Frames and their solvers. ``look`` is called now and then, with the number of frames and clauses; it may raise.

    ``known``: cubes that are known to be unreachable. ``in_order``: in questions, literals come in the order of the latches, not by
    their activity. ``most``: how many questions may be asked before it is ``Enough``.
    """

    def __init__(
        self,
        problem: Problem,
        look: Callable[[int, int], None],
        known: Sequence[Cube] = (),
        in_order: bool = False,
        most: int | None = None,
    ) -> None:
        self.problem, self.known, self.in_order, self.most = problem, known, in_order, most
        self.asked = 0
        self._look = look
        self.count = len(problem.state)
        leaves = [*problem.state, *(here for here, _ in problem.inputs)]
        self.cnf = Cnf(problem.graph, leaves, [problem.bad, problem.assumed, *problem.next])
        self.bad = self.cnf.literal(problem.bad)
        self._next = [0, *(self.cnf.literal(x) for x in problem.next)]
        self._away = {-n if reset else n for n, reset in enumerate(problem.resets, 1) if reset is not None}
        """Literals that no initial state satisfies."""
        self._activity = [0.0] * (self.count + 1)
        self._gain = 1.0
        self._support: dict[int, int] = {}
        self.frames: list[set[Cube]] = [set()]
        self.solvers: list[Sat] = []
        self._start = Sat(self.cnf, self.look)
        """Knows what initial states satisfy, and nothing about steps."""
        self._begin(self._start)
        self._lift = Sat(self.cnf, self.look)
        self._last: tuple[Sat, int] = self._start, 0

    def look(self) -> None:
        """Tell how far it is."""
        self._look(len(self.frames) - 1, sum(map(len, self.frames)))

    def close(self) -> None:
        """Free the solvers."""
        for solver in (*self.solvers, self._start, self._lift):
            solver.close()

    def literals_behind(self, cube: Iterable[int]) -> list[int]:
        """What holds in a step if the state behind it is in the cube."""
        return [self._next[abs(x)] if x > 0 else -self._next[abs(x)] for x in cube]

    def gain(self, cube: Cube) -> None:
        """Note that the latches of a cube were of use."""
        self._gain *= 1.05
        for x in cube:
            self._activity[abs(x)] += self._gain
        if self._gain > 1e50:
            self._gain *= 1e-50
            self._activity = [a * 1e-50 for a in self._activity]

    def new_frame(self) -> None:
        """Add a frame that excludes nothing. The one before has no bad states."""
        if self.solvers:
            self.solvers[-1].add([-self.bad])
            self.frames.append(set())
        self.solvers.append(self._solver(len(self.frames) - 1))

    # -- solvers -----------------------------------------------------------------------------------------------------

    def _begin(self, solver: Sat) -> None:
        """Restrict a solver to initial states."""
        for literal in self._away:
            solver.add([-literal])
        assumed = self.cnf.literal(self.problem.assumed)
        solver.need([assumed])
        solver.add([assumed])
        for fact in self.problem.facts:
            solver.add(fact)

    def _solver(self, frame: int) -> Sat:
        """A solver that knows a frame."""
        solver = Sat(self.cnf, self.look)
        if frame == 0:
            self._begin(solver)
        for fact in self.problem.facts:
            solver.add(fact)
        for cubes in (self.known, *self.frames[max(1, frame) :]):
            for cube in cubes:
                solver.add([-x for x in cube])
        solver.need([self.bad])
        if frame < len(self.frames) - 1:
            solver.add([-self.bad])
        return solver

    def _fit(self, frame: int) -> Sat:
        """The solver of a frame, made anew if it has seen too much."""
        solver = self.solvers[frame]
        if solver.used > MOST_TEMPORARY:
            solver.close()
            solver = self.solvers[frame] = self._solver(frame)
        return solver

    def _model(self, solver: Sat) -> tuple[list[int], dict[int, int]]:
        """State literals and inputs (by node) of the last answer."""
        model = solver.model()
        state = model[: self.count]
        inputs = {}
        for place, (node, _) in enumerate(self.problem.inputs, self.count):
            inputs[node] = int(place < len(model) and model[place] > 0)
        state += [-n for n in range(len(state) + 1, self.count + 1)]
        return state, inputs

    def _state(self, literals: Iterable[int]) -> dict[int, int]:
        return {self.problem.state[abs(x) - 1]: int(x > 0) for x in literals}

    # -- questions ---------------------------------------------------------------------------------------------------

    def _by_activity(self, cube: Iterable[int]) -> list[int]:
        """The literals that were of use lately first (unless they are to come in order)."""
        if self.in_order:
            return sorted(cube, key=abs)
        activity = self._activity
        return sorted(cube, key=lambda x: (-activity[abs(x)], x))

    def _reaches(self, frame: int, cube: Cube, *, itself: bool) -> Cube | None:
        """Whether a step leads from the frame into the cube (not from inside the cube, unless ``itself`` is allowed).

        None: yes, and the solver has the model. Else a part of the cube that cannot be reached either.
        """
        self.asked += 1
        if self.most is not None and self.asked > self.most:
            raise Enough
        solver = self._fit(frame)
        literals = self._by_activity(cube)
        targets: dict[int, int] = {}
        for x in literals:
            new = self._next[abs(x)]
            targets.setdefault(new if x > 0 else -new, x)
        solver.need(list(targets))
        assumptions = list(targets)
        switch = 0
        if not itself:
            switch = solver.fresh()
            solver.add([-switch, *(-x for x in literals)])
            assumptions.insert(0, switch)
        reached = solver.solve(assumptions)
        if reached:
            self._last = solver, switch
            return None
        core = solver.core()
        if switch:
            solver.add([-switch])
        return frozenset(targets[x] for x in core if x != switch)

    def _forget(self) -> None:
        """Drop what was for the last question only."""
        solver, switch = self._last
        if switch:
            solver.add([-switch])

    def _initial(self, cube: Cube) -> bool:
        """Whether some initial state is in the cube."""
        if not self._away.isdisjoint(cube):
            return False
        if self.problem.assumed == 1:
            return True
        return self._start.solve(list(cube))

    def _excluded(self, cube: Cube, whole: Cube) -> Cube:
        """The cube with what it takes (of the whole, which has no initial states) to have no initial states."""
        if not self._away.isdisjoint(cube):
            return cube
        away = self._away & whole
        if away:
            return cube | {max(away, key=lambda x: (self._activity[abs(x)], -abs(x)))}
        if self._start.solve(self._by_activity(cube)):
            self._start.solve(self._by_activity(whole))
            return cube | frozenset(self._start.core())
        return cube

    def _reads(self, literals: Iterable[int]) -> int:
        """The latches and inputs that some literals depend on, as a set of bits."""
        found = 0
        for x in literals:
            v = abs(x)
            if v not in self._support:
                self._supports(v)
            found |= self._support[v]
        return found

    def _supports(self, root: int) -> None:
        todo = [root]
        leaves = self.count + len(self.problem.inputs)
        while todo:
            v = todo[-1]
            if v in self._support:
                todo.pop()
            elif v <= leaves:
                self._support[v] = 1 << v
            else:
                waiting = [u for u in self.cnf.reads[v] if u not in self._support]
                if waiting:
                    todo += waiting
                    continue
                mask = 0
                for u in self.cnf.reads[v]:
                    mask |= self._support[u]
                self._support[v] = mask

    def _lifted(self, state: Sequence[int], inputs: dict[int, int], targets: Sequence[int]) -> Cube:
        """The part of a state that, with these inputs, suffices for all of ``targets`` to hold in the step."""
        solver = self._lift
        if solver.used > MOST_TEMPORARY:
            solver.close()
            solver = self._lift = Sat(self.cnf, self.look)
        solver.need(targets)
        reads = self._reads(targets)
        switch = solver.fresh()
        solver.add([-switch, *(-x for x in targets)])
        given = [switch]
        for place, (node, _) in enumerate(self.problem.inputs, self.count + 1):
            if reads >> place & 1:
                given.append(place if inputs[node] else -place)
        given += self._by_activity(x for x in state if reads >> abs(x) & 1)
        if solver.solve(given):
            raise AssertionError("a step does not lead where the solver said")
        core = frozenset(x for x in solver.core() if abs(x) <= self.count)
        solver.add([-switch])
        return core
