"""What of an inductive invariant is needed to show that nothing is bad, and what else it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dmaverify.engines.pdr.circuit import Circuit
from dmaverify.engines.pdr.cnf import Cnf
from dmaverify.engines.pdr.correspondence import Reduced
from dmaverify.engines.pdr.sat import Sat

Literal = tuple[int, bool]
"""A latch of the circuit and its value."""


class Refuted(Exception):
    """The clauses are not an inductive invariant without bad states: an internal error of the search."""


@dataclass(frozen=True)
class Invariant:
    """What always holds of a circuit's latches."""

    constant: dict[int, bool]
    follows: dict[int, int]
    """Latches that are equal to another one; to its negation: minus its number minus one."""
    cubes: list[list[Literal]]
    """No state has all the values of one of these."""

    def clauses(self) -> list[list[int]]:
        """All of it as clauses over latches, numbered from 1."""
        found = [[n + 1 if value else -n - 1] for n, value in self.constant.items()]
        for n, root in self.follows.items():
            other = root + 1 if root >= 0 else root
            found += [[-n - 1, other], [n + 1, -other]]
        return found + [[-n - 1 if value else n + 1 for n, value in cube] for cube in self.cubes]


def essence(reduced: Reduced, cubes: Sequence[frozenset[int]], look: Callable[[], None]) -> Invariant:
    """As little as possible of what reduction and search have found, such that it is still inductive and excludes what is bad.

    ``Refuted`` if not even all of it is.
    """
    problem = reduced.first
    items: list[list[list[int]]] = []
    for n, root in reduced.follows.items():
        if root == 0:
            items.append([[n if problem.resets[n - 1] else -n]])
        else:
            items.append([[-n, root], [n, -root]])
    merged = list(reduced.follows)
    numbers = [[reduced.kept[abs(x) - 1] * (1 if x > 0 else -1) for x in sorted(cube, key=abs)] for cube in cubes]
    items += [[[-x for x in cube]] for cube in numbers]
    used = _Used(reduced, items, look).run()
    latches = problem.latches
    follows: dict[int, int] = {}
    constant: dict[int, bool] = {}
    for k in (k for k in used if k < len(merged)):
        n = merged[k]
        root = reduced.follows[n]
        if root == 0:
            constant[latches[n - 1]] = bool(problem.resets[n - 1])
        else:
            follows[latches[n - 1]] = latches[root - 1] if root > 0 else -latches[-root - 1] - 1
    kept = [[(latches[abs(x) - 1], x > 0) for x in numbers[k - len(merged)]] for k in used if k >= len(merged)]
    roots = [problem.latches[abs(x) - 1] for k in used for clause in items[k] for x in clause]
    return Invariant(constant | _constants(reduced, roots), follows, kept)


def _constants(reduced: Reduced, latches: Sequence[int]) -> dict[int, bool]:
    """Of what never changes by ternary simulation, that which decides what is bad and what becomes of some latches."""
    circuit, constant = reduced.circuit, reduced.first.constant
    number = {node: n for n, node in enumerate(circuit.state)}
    todo = [reduced.bad, *(circuit.next[n] for n in latches)]
    found: dict[int, bool] = {}
    while todo:
        here = {number[node] for node in circuit.graph.cone(todo) if node in number}
        new = [n for n in sorted(here) if n in constant and n not in found]
        found.update((n, constant[n]) for n in new)
        todo = [circuit.next[n] for n in new]
    return found


class _Used:
    """Items (sets of clauses) that the proof of what is bad, and of what that uses, rests on."""

    def __init__(self, reduced: Reduced, items: list[list[list[int]]], look: Callable[[], None]) -> None:
        self.problem, self.items, self.look = reduced.first, items, look
        problem = self.problem
        self.cnf = Cnf(problem.graph, [*problem.state, *(here for here, _ in problem.inputs)], [problem.bad, *problem.next])
        self.solver = Sat(self.cnf, look)
        for fact in problem.facts:
            self.solver.add(fact)
        self.switches = [self.solver.fresh() for _ in items]
        for s, clauses in zip(self.switches, items, strict=True):
            for clause in clauses:
                self.solver.add([-s, *clause])
        self.found: dict[int, None] = {}

    def run(self) -> list[int]:
        """Their numbers, in order."""
        bad = self.cnf.literal(self.problem.bad)
        todo = self._used([bad])
        while todo:
            k = todo.pop()
            if k in self.found:
                continue
            self.found[k] = None
            for clause in self.items[k]:
                behind = [-self.cnf.literal(self.problem.next[abs(x) - 1]) * (1 if x > 0 else -1) for x in clause]
                todo += self._used([-bad, *dict.fromkeys(behind)])
        self.solver.close()
        return sorted(self.found)

    def _used(self, question: list[int]) -> list[int]:
        """Which items it takes to refute the question; what is used already comes first, so that the solver rather takes that."""
        self.look()
        self.solver.need(question)
        rest = [s for k, s in enumerate(self.switches) if k not in self.found]
        if self.solver.solve([*question, *(self.switches[k] for k in self.found), *rest]):
            raise Refuted
        first = self.switches[0] if self.switches else 0
        core = (x - first for x in self.solver.core())
        return [k for k in core if 0 <= k < len(self.items) and k not in self.found]


def impossible(circuit: Circuit, invariant: Invariant, conditions: dict[str, int], look: Callable[[], None]) -> set[str]:
    """Names of the conditions (literals of the circuit's graph) that hold in no state of the invariant."""
    cnf = Cnf(circuit.graph, [*circuit.state, *circuit.inputs], list(conditions.values()))
    solver = Sat(cnf, look)
    for clause in [*circuit.facts, *invariant.clauses()]:
        solver.add(clause)
    found = set()
    for name, root in conditions.items():
        literal = cnf.literal(root)
        solver.need([literal])
        if not solver.solve([literal]):
            found.add(name)
    solver.close()
    return found
