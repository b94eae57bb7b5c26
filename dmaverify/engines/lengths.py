"""How lengths of traces relate to numbers of steps: what an engine that counts steps may say about lengths.

A step of a derived System may stand for several reference steps, or for none that counts. Traces are measured by the weights of
the parts (``ir.parts.Expansion``); the bounds here hold for every trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from dmaverify.engines.successors import prefix_weight
from dmaverify.engines.traces import parts_of
from dmaverify.ir.expr import TRUE, Expr
from dmaverify.ir.system import Action, System
from dmaverify.ir.types import Int


@dataclass(frozen=True)
class Lengths:
    """What the weights of a System's actions say."""

    system: System

    @cached_property
    def uniform(self) -> bool:
        """Every step adds exactly one, wherever it fails: the number of steps is the length."""
        return all(
            weight_bounds(a.weight) == (1, 1)
            and all(p.path is TRUE and p.weight == 1 and not p.late for p in a.parts)
            and len(a.parts) <= 1
            for a in self.system.actions
        )

    @cached_property
    def _zero_runs(self) -> list[int] | None:
        """For each thread, how many steps of weight 0 it can take in a row at most; None if there is no limit."""
        graphs: dict[str, dict[int, set[int]]] = {}
        for a in self.system.actions:
            if weight_bounds(a.weight)[0] > 0:
                continue
            targets = None if a.thread is None or a.at is None else self._targets(a)
            if targets is None or a.thread is None or a.at is None:
                return None
            graphs.setdefault(a.thread, {}).setdefault(a.at, set()).update(targets)
        owners = {t.pc: t.name for t in self.system.threads}
        for a in self.system.actions:
            if any(owners.get(name, a.thread) != a.thread for name in a.updates):
                return None  # somebody else moves the thread: runs could be joined
        runs = [_longest(graph) for graph in graphs.values()]
        return None if None in runs else [r for r in runs if r is not None]

    @cached_property
    def _last_may_be_free(self) -> bool:
        """Whether a trace may end with a step that adds nothing to its length, because a check fails early in it."""
        return any(weight_bounds(prefix_weight(parts_of(a), c.part))[0] == 0 for a in self.system.actions for c in a.checks)

    def covered(self, steps: int) -> int | None:
        """The greatest length of which every trace has at most ``steps`` steps; None if not even 0 is certain."""
        if self.uniform:
            return steps
        runs = self._zero_runs
        if runs is None:
            return None
        # each thread may have one run before its first step that counts, and one behind each step that counts
        found = (steps - sum(runs) - self._last_may_be_free) // (1 + max(runs, default=0))
        return found if found >= 0 else None

    def _targets(self, action: Action) -> set[int] | None:
        """Where the action's thread may stand behind it; None if that cannot be read off."""
        assert action.thread is not None
        new = action.updates.get(self.system.thread(action.thread).pc)
        if new is None:
            return {action.at} if action.at is not None else None
        leaves = list(_leaves(new))
        return {int(e.data) for e in leaves} if all(e.is_const for e in leaves) else None


def _leaves(e: Expr) -> Iterator[Expr]:
    """What a chain of choices may yield."""
    todo, seen = [e], set()
    while todo:
        node = todo.pop()
        if node.uid in seen:
            continue
        seen.add(node.uid)
        if node.op == "ite":
            todo.extend(node.args[1:])
        else:
            yield node


def weight_bounds(weight: Expr | None) -> tuple[int, int]:
    """Least and greatest value that a weight can have, as far as its constants tell."""
    if weight is None:
        return (1, 1)
    if weight.op == "const":
        return (int(weight.data), int(weight.data))
    if weight.op == "ite":
        (a, b), (c, d) = weight_bounds(weight.args[1]), weight_bounds(weight.args[2])
        return (min(a, c), max(b, d))
    assert isinstance(weight.type, Int)
    if weight.op == "add":
        bounds = [weight_bounds(a) for a in weight.args]
        low, high = sum(a for a, _ in bounds), sum(b for _, b in bounds)
        if high <= weight.type.hi:
            return (low, high)
    return (weight.type.lo, weight.type.hi)


def _longest(graph: dict[int, set[int]]) -> int | None:
    """Number of edges of the longest path; None if there is a cycle."""
    depth: dict[int, int] = {}
    busy: set[int] = set()

    def visit(node: int) -> int | None:
        if node in depth:
            return depth[node]
        if node in busy:
            return None
        busy.add(node)
        best = 0
        for target in graph.get(node, ()):
            if target not in graph:
                best = max(best, 1)
                continue
            below = visit(target)
            if below is None:
                return None
            best = max(best, below + 1)
        busy.discard(node)
        depth[node] = best
        return best

    longest = 0
    for start in graph:
        found = visit(start)
        if found is None:
            return None
        longest = max(longest, found)
    return longest
