"""Constant propagation on core Systems: what never changes is folded away, what cannot happen is left out.

An optimistic analysis: every variable is supposed to keep its initial value until some action that can happen
gives it another one. A thread's own variables are followed from place to place (an inlined call's argument is
a constant there, although the variable is not one everywhere); all others have one value for the whole
System.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dmaverify.ir.evaluate import UNKNOWN, Evaluator
from dmaverify.ir.expr import FALSE, TRUE, Expr, const
from dmaverify.ir.pcgraph import PcGraph, graphs, targets
from dmaverify.ir.rebuild import action_exprs, all_exprs, map_action, map_exprs
from dmaverify.ir.system import Action, Kind, System
from dmaverify.ir.traverse import Replacing, Rewriter, variables
from dmaverify.ir.types import Value

Known = dict[str, Any]
"""Values of variables, or ``UNKNOWN``."""


def fold(system: System) -> tuple[System, dict[str, Value]]:
    """The same System with fewer variables and actions, and the values of the variables that are gone."""
    analysis = _Analysis(system)
    analysis.run()
    return analysis.apply()


class _Analysis:
    def __init__(self, system: System) -> None:
        self.system = system
        self.graphs = {n: g for n, g in graphs(system).items() if g.simple}
        written_by: dict[str, set[str | None]] = {}
        for a in system.actions:
            for v in a.updates:
                written_by.setdefault(v, set()).add(a.thread)
        self.own: dict[str, set[str]] = {n: set() for n in self.graphs}
        for var in system.vars:
            if var.kind is not Kind.LOCAL or var.owner not in self.graphs:
                continue
            if written_by.get(var.name, set()) <= {var.owner}:
                self.own[var.owner].add(var.name)
        self.owner = {v: t for t, names in self.own.items() for v in names}
        self.everywhere: Known = {v.name: UNKNOWN if v.any_init else v.init for v in system.vars}
        self.at: dict[tuple[str, int], Known] = {}
        self.readers: dict[str, list[int]] = {}
        for n, a in enumerate(system.actions):
            for v in variables(*action_exprs(a)):
                self.readers.setdefault(v, []).append(n)
        self.starting: dict[tuple[str, int], list[int]] = {}
        for n, a in enumerate(system.actions):
            if a.thread in self.graphs and a.at is not None:
                self.starting.setdefault((a.thread, a.at), []).append(n)
        # in the order of the control flow, so that most actions are looked at once
        order = {name: g.order() for name, g in self.graphs.items()}
        self.rank = [order.get(a.thread or "", {}).get(-1 if a.at is None else a.at, -1) for a in system.actions]
        self.todo: list[tuple[int, int]] = []
        self.waiting: set[int] = set()

    def run(self) -> None:
        """To the fixpoint."""
        for name, g in self.graphs.items():
            assert g.entry is not None
            self.at[name, g.entry] = {v: self.everywhere[v] for v in self.own[name]}
        self._again(range(len(self.system.actions)))
        while self.todo:
            _, n = heapq.heappop(self.todo)
            self.waiting.discard(n)
            self._visit(self.system.actions[n])

    def _again(self, numbers: Iterable[int]) -> None:
        for n in numbers:
            if n not in self.waiting:
                self.waiting.add(n)
                heapq.heappush(self.todo, (self.rank[n], n))

    def _graph(self, a: Action) -> PcGraph | None:
        return None if a.thread is None or a.at is None else self.graphs.get(a.thread)

    def _known_at(self, a: Action) -> Known | None:
        """What the action's thread knows where the action starts; None if it never stands there."""
        if a.thread is None or a.at is None:
            return {}
        if a.thread in self.graphs:
            return self.at.get((a.thread, a.at))
        pc = self.everywhere[self.system.thread(a.thread).pc]
        return {} if pc is UNKNOWN or pc == a.at else None

    def _evaluator(self, a: Action, here: Known) -> Evaluator:
        single = {i.name: i.values[0] for i in a.inputs if i.values is not None and len(i.values) == 1}

        def leaf(node: Expr) -> Any:
            if node.op == "input":
                return single.get(node.data, UNKNOWN)
            return here[node.data] if node.data in here else self.everywhere[node.data]

        return Evaluator(leaf)

    def _visit(self, a: Action) -> None:
        here = self._known_at(a)
        if here is None:
            return
        evaluate = self._evaluator(a, here)
        if evaluate(a.guard) is False:
            return
        graph = self._graph(a)
        # what nobody knows already, nobody learns
        new = {v: evaluate(e) for v, e in a.updates.items() if v in here or self.everywhere[v] is not UNKNOWN}
        for v, value in new.items():
            self._join_everywhere(v, value)
        if graph is None:
            return
        after = {v: new.get(v, value) for v, value in here.items()}
        for place in self._places(graph, a, evaluate):
            self._join_at(graph.thread.name, place, after)

    def _places(self, graph: PcGraph, a: Action, evaluate: Evaluator) -> list[int]:
        pc = a.updates.get(graph.thread.pc)
        if pc is None:
            assert a.at is not None
            return [a.at]
        return [place for condition, place in targets(pc) or () if evaluate(condition) is not False]

    def _join_everywhere(self, v: str, value: Any) -> None:
        old = self.everywhere[v]
        if old is UNKNOWN or (value is not UNKNOWN and value == old):
            return
        self.everywhere[v] = UNKNOWN
        self._again(self.readers.get(v, ()))

    def _join_at(self, thread: str, place: int, new: Known) -> None:
        old = self.at.get((thread, place))
        if old is None:
            self.at[thread, place] = dict(new)
            self._again(self.starting.get((thread, place), ()))
            return
        changed = False
        for v, value in new.items():
            if old[v] is not UNKNOWN and (value is UNKNOWN or value != old[v]):
                old[v] = UNKNOWN
                changed = True
        if changed:
            self._again(self.starting.get((thread, place), ()))

    # -- what follows -----------------------------------------------------------------------------------

    def apply(self) -> tuple[System, dict[str, Value]]:
        """The System with what is known put in."""
        system = self.system
        folded = {
            v.name: self.everywhere[v.name]
            for v in system.vars
            if v.kind is not Kind.PC and self.everywhere[v.name] is not UNKNOWN
        }
        types = {v.name: v.type for v in system.vars}
        constants = {v: const(value, types[v]) for v, value in folded.items()}
        common: Rewriter = Replacing(constants)
        rewriters: dict[tuple[str, int], Rewriter] = {}
        actions = []
        for a in system.actions:
            here = self._known_at(a)
            reads = variables(*all_exprs(a))
            if here is None:
                continue
            kept = {v: e for v, e in a.updates.items() if v not in folded}
            a = replace(a, updates=kept) if len(kept) < len(a.updates) else a
            local = {v for v in reads if here.get(v, UNKNOWN) is not UNKNOWN and v not in folded}
            rewrite = common
            if local:
                assert a.thread is not None
                assert a.at is not None
                key = a.thread, a.at
                if key not in rewriters:
                    rewriters[key] = _rewriter(constants, here, types)
                rewrite = rewriters[key]
            elif not reads & folded.keys():
                actions.append(a)
                continue
            a = _drop_idle_updates(map_action(a, rewrite))
            if a.guard is not FALSE:
                actions.append(a)
        rest = map_exprs(system.with_(actions=()), common)
        result = rest.with_(
            actions=tuple(actions),
            vars=tuple(v for v in system.vars if v.name not in folded),
            assumptions=tuple(a for a in rest.assumptions if a is not TRUE),
            domain=tuple(d for d in rest.domain if d is not TRUE),
        )
        return result, folded


def _rewriter(constants: dict[str, Expr], here: Known, types: dict[str, Any]) -> Rewriter:
    local = {v: const(value, types[v]) for v, value in here.items() if value is not UNKNOWN}
    known = {**constants, **local}
    return Replacing(known)


def _drop_idle_updates(a: Action) -> Action:
    kept = {v: e for v, e in a.updates.items() if not (e.op == "var" and e.data == v)}
    return a if len(kept) == len(a.updates) else replace(a, updates=kept)
