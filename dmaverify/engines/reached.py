"""The set of all reachable states as formulas: an inductive invariant by itself.

Where search can visit every state, nothing has to be guessed for a proof: the states that it has seen are closed under
all actions, and whoever doubts that can have it shown by a solver. What some variables determine of others is said of these alone;
the rest is a decision diagram with a level for each variable and with equal parts shared, so that it stays small where the states
have a structure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dmaverify.engines.base import Budget
from dmaverify.engines.determined import determined
from dmaverify.engines.explicit import explore
from dmaverify.engines.exploration import Exploration
from dmaverify.engines.interp import NotEnumerable
from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, ite, or_, var
from dmaverify.ir.system import Kind, System, Var
from dmaverify.ir.types import Bool, Value

MOST_STATES = 20_000
"""More states than these are not put into a formula."""


@dataclass(frozen=True)
class AllStates:
    """Every reachable state of a core System (values in the order of its variables), and the search that visited them."""

    system: System
    states: list[tuple[Value, ...]]
    search: Exploration

    def facts(self) -> list[tuple[str, Expr]]:
        """Named conditions that are all true in exactly these states."""
        known = self.system.vars
        left, others = determined(self.states, sorted(range(len(known)), key=self._dispensable))
        grouped = sorted(left, key=lambda n: known[n].owner or "")
        smallest = min((self._diagram(order) for order in (left, left[::-1], grouped)), key=lambda d: len(d.nodes))
        found = [("every reachable state", smallest.condition())]
        for d in others:
            name = known[d.number].name
            if d.by:
                name += " by " + ", ".join(known[n].name for n in d.by)
            found.append((name, self._diagram([*d.by, d.number]).condition()))
        return [(name, condition) for name, condition in found if condition is not TRUE]

    def _dispensable(self, number: int) -> tuple[int, int]:
        """What is best told by others comes first; where threads stand tells most."""
        return _LAST.get(self.system.vars[number].kind, 2), -number

    def _diagram(self, order: Sequence[int]) -> _Diagram:
        """What these variables may be together."""
        rows = dict.fromkeys(tuple(s[n] for n in order) for s in self.states)
        return _Diagram([self.system.vars[n] for n in order], list(rows))


_LAST = {Kind.LOCAL: 0, Kind.GHOST: 1, Kind.PC: 3}
"""Ranks of kinds of variables, state in general being 2."""


def all_states(system: System, budget: Budget, most: int = MOST_STATES) -> AllStates | None:
    """Visit every state; None if there are more than ``most``, or too many ways to begin."""
    try:
        search = explore(system, replace(budget, states=most))
    except NotEnumerable:
        return None
    if not search.complete or search.states > most:  # the search looks at its limits now and then only
        return None
    value, names = search.compiled.packing.value, [v.name for v in system.vars]
    return AllStates(system, [tuple(value(s, name) for name in names) for s in search.queue.cost], search)


class _Diagram:
    """A node is the level of a variable and, for each value that some state has there, the number of the node to go on with."""

    def __init__(self, variables: Sequence[Var], states: list[tuple[Value, ...]]) -> None:
        self.vars = variables
        self.nodes: list[tuple[int, tuple[tuple[Value, int], ...]]] = [(len(variables), ())]
        """Node 0 is the end: every variable was looked at."""
        self._known: dict[tuple[int, tuple[tuple[Value, int], ...]], int] = {}
        self.root = self._node(states, 0)

    def _node(self, states: list[tuple[Value, ...]], level: int) -> int:
        if level == len(self.vars):
            return 0
        parts: defaultdict[Value, list[tuple[Value, ...]]] = defaultdict(list)
        for s in states:
            parts[s[level]].append(s)
        ways = tuple(sorted((value, self._node(part, level + 1)) for value, part in parts.items()))
        t = self.vars[level].type
        if isinstance(t, Bool) and len(ways) == 2 and ways[0][1] == ways[1][1]:
            return ways[0][1]  # either value will do
        node = level, ways
        if node not in self._known:
            self._known[node] = len(self.nodes)
            self.nodes.append(node)
        return self._known[node]

    def condition(self) -> Expr:
        """The formula. Nodes are numbered behind those that they lead to."""
        found: list[Expr] = [TRUE]
        for level, ways in self.nodes[1:]:
            v = self.vars[level]
            read = var(v.name, v.type)
            if isinstance(v.type, Bool):
                to = dict(ways)
                found.append(ite(read, *(found[to[b]] if b in to else FALSE for b in (True, False))))
                continue
            values: defaultdict[int, list[Value]] = defaultdict(list)
            for value, node in ways:
                values[node].append(value)
            found.append(
                or_(*(and_(or_(*(eq(read, const(x, v.type)) for x in xs)), found[node]) for node, xs in values.items()))
            )
        return found[self.root]
