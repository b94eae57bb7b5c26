"""Clauses for a graph. Conjunctions of conjunctions become one definition, and so do choices, so that there are few variables.

Latches have the numbers from 1 and inputs the next ones, so that a solver's model begins with what is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from dmaverify.engines.pdr.aig import Aig


class Cnf:
    """Definitions of the nodes below some roots, to be loaded into solvers as they are needed."""

    def __init__(self, graph: Aig, leaves: Sequence[int], roots: Sequence[int]) -> None:
        self.graph = graph
        self._var: dict[int, int] = {node: n for n, node in enumerate(leaves, 1)}
        uses = [0] * len(graph.left)
        for n in graph.cone(roots):
            if not graph.is_leaf(n):
                uses[graph.left[n] >> 1] += 1
                uses[graph.right[n] >> 1] += 1
        for r in roots:
            uses[r >> 1] += 2
        self._uses = uses
        below = self._needed([r >> 1 for r in roots])
        for n in sorted(below):
            if n not in self._var:
                self._var[n] = len(self._var) + 1
        self.top = len(self._var)
        """The highest number in use."""
        self.clauses: list[list[list[int]]] = [[] for _ in range(self.top + 1)]
        self.reads: list[list[int]] = [[] for _ in range(self.top + 1)]
        """For each variable, those that its definition reads."""
        for n, (kind, operands) in below.items():
            self._define(n, kind, operands)

    def literal(self, x: int) -> int:
        """The number of a literal of the graph, negative where negated."""
        v = self._var[x >> 1]
        return -v if x & 1 else v

    def _needed(self, todo: list[int]) -> dict[int, tuple[str, list[int]]]:
        found: dict[int, tuple[str, list[int]]] = {}
        while todo:
            n = todo.pop()
            if n in found:
                continue
            found[n] = self._shape(n)
            todo.extend(x >> 1 for x in found[n][1])
        return found

    def _choice(self, n: int) -> tuple[int, int, int] | None:
        """The node is ``not (c ? a : b)``: those three."""
        g = self.graph
        p, q = g.left[n], g.right[n]
        if not (p & 1 and q & 1) or g.is_leaf(p >> 1) or g.is_leaf(q >> 1):
            return None
        a, b, c, d = g.left[p >> 1], g.right[p >> 1], g.left[q >> 1], g.right[q >> 1]
        for x, then in ((a, b), (b, a)):
            for y, other in ((c, d), (d, c)):
                if x ^ y == 1:
                    return x, then, other
        return None

    def _shape(self, n: int) -> tuple[str, list[int]]:
        g = self.graph
        if g.is_leaf(n):
            return ("leaf" if n else "false"), []
        choice = self._choice(n)
        if choice is not None:
            return "choice", list(choice)
        operands: list[int] = []
        todo = [g.left[n], g.right[n]]
        while todo:
            x = todo.pop()
            m = x >> 1
            if x & 1 or g.is_leaf(m) or self._uses[m] > 1 or self._choice(m) is not None:
                operands.append(x)
            else:
                todo += [g.left[m], g.right[m]]
        return "and", sorted(set(operands))

    def _define(self, n: int, kind: str, operands: list[int]) -> None:
        v = self._var[n]
        self.reads[v] = [abs(self.literal(x)) for x in operands]
        if kind == "false":
            self.clauses[v] = [[-v]]
        elif kind == "choice":
            c, a, b = map(self.literal, operands)
            self.clauses[v] = [[-c, -a, -v], [-c, a, v], [c, -b, -v], [c, b, v]]
            if abs(a) != abs(b):
                self.clauses[v] += [[-a, -b, -v], [a, b, v]]
        elif kind == "and":
            literals = [self.literal(x) for x in operands]
            self.clauses[v] = [[-v, x] for x in literals] + [[v, *(-x for x in literals)]]

    def load(self, literals: Sequence[int], loaded: bytearray) -> list[list[int]]:
        """The clauses that define some literals and are not ``loaded`` yet."""
        found: list[list[int]] = []
        todo = [abs(x) for x in literals]
        while todo:
            v = todo.pop()
            if not loaded[v]:
                loaded[v] = 1
                found += self.clauses[v]
                todo += self.reads[v]
        return found
