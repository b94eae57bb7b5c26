"""Searches one after the other, each with more patience, and each with what the ones before have shown.

How long a search takes depends on luck: a few clauses of little use lead to many more. So a search that takes long is given up, and
another one begins with its literals in another order. What the first one knows of some frames only is lost, but those of its clauses
that are inductive together hold for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dmaverify.engines.pdr.cnf import Cnf
from dmaverify.engines.pdr.problem import Problem
from dmaverify.engines.pdr.queries import Cube, Enough
from dmaverify.engines.pdr.sat import Sat
from dmaverify.engines.pdr.search import Safe, Search, Unsafe

FIRST = 20_000
"""How many questions the first search may ask."""

GROWTH = 1.5


def decide(problem: Problem, look: Callable[[int, int], None], first: int = FIRST) -> Safe | Unsafe:
    """Search until one search decides. ``look`` is called all the time, with the number of frames and clauses; it may raise."""
    known: list[Cube] = []
    most, in_order = float(first), False
    while True:
        search = Search(problem, look, known, in_order, int(most))
        try:
            answer = search.run()
        except Enough:
            found = {c for f in search.frames for c in f}
            known = inductive(problem, [*known, *sorted(found, key=lambda c: (len(c), sorted(c)))], search.look)
        else:
            return answer if isinstance(answer, Unsafe) else Safe([*known, *answer.cubes], answer.frames)
        finally:
            search.close()
        most, in_order = most * GROWTH, not in_order


def inductive(problem: Problem, cubes: Sequence[Cube], look: Callable[[], None]) -> list[Cube]:
    """Those of the cubes (which no initial state is in) whose negations are inductive together: the most there are."""
    return _Inductive(problem, cubes, look).run()


class _Inductive:
    """``rests_on``: for a cube that was shown to be unreachable from outside the ones that are left, which of those it took."""

    def __init__(self, problem: Problem, cubes: Sequence[Cube], look: Callable[[], None]) -> None:
        self.problem, self.cubes, self.look = problem, list(dict.fromkeys(cubes)), look
        leaves = [*problem.state, *(here for here, _ in problem.inputs)]
        self.cnf = Cnf(problem.graph, leaves, [problem.bad, *problem.next])
        self.solver = Sat(self.cnf, look)
        for fact in problem.facts:
            self.solver.add(fact)
        bad = self.cnf.literal(problem.bad)
        self.solver.need([bad])
        self.solver.add([-bad])
        self.switches = [self.solver.fresh() for _ in self.cubes]
        for s, cube in zip(self.switches, self.cubes, strict=True):
            self.solver.add([-s, *(-x for x in cube)])
        self.left = dict.fromkeys(range(len(self.cubes)))
        self.rests_on: dict[int, set[int]] = {}

    def run(self) -> list[Cube]:
        """The cubes that are left when nothing has to be dropped any more."""
        todo = list(self.left)
        while todo:
            k = todo.pop()
            if k not in self.left or k in self.rests_on:
                continue
            self.look()
            behind = self._behind(self.cubes[k])
            self.solver.need(behind)
            if self.solver.solve([*behind, *(self.switches[n] for n in self.left)]):
                todo += self._drop(self._state())
            else:
                first = self.switches[0]
                self.rests_on[k] = {x - first for x in self.solver.core() if x >= first}
        self.solver.close()
        return [self.cubes[k] for k in self.left]

    def _behind(self, cube: Cube) -> list[int]:
        next_ = self.problem.next
        return list(dict.fromkeys(self.cnf.literal(next_[abs(x) - 1]) * (1 if x > 0 else -1) for x in sorted(cube, key=abs)))

    def _state(self) -> set[int]:
        """The state behind the step in the model, as literals."""
        model = self.solver.model()
        holds = [n < len(model) and model[n] > 0 for n in range(self.cnf.top)]
        leaves = [*self.problem.state, *(here for here, _ in self.problem.inputs)]
        values = self.problem.graph.values({node: int(holds[n]) for n, node in enumerate(leaves)})
        return {n if values[x >> 1] ^ x & 1 else -n for n, x in enumerate(self.problem.next, 1)}

    def _drop(self, state: set[int]) -> list[int]:
        """Drop the cubes that the state is in; those to be shown anew."""
        dropped = {k for k in self.left if self.cubes[k] <= state}
        for k in dropped:
            del self.left[k]
        again = [k for k, used in self.rests_on.items() if used & dropped]
        for k in again:
            del self.rests_on[k]
        return again
