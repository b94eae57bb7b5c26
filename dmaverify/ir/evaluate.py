"""Evaluation of core expressions over values that may be unknown; what the passes know about constants rests
on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dmaverify.ir.expr import Expr
from dmaverify.ir.ops import OPS
from dmaverify.ir.types import Value


class _Unknown:
    def __repr__(self) -> str:
        return "unknown"


UNKNOWN: Final = _Unknown()
"""Some value, nobody knows which."""


class Evaluator:
    """Evaluates expressions under one assignment; shared nodes once.

    ``leaf`` gives the value of a ``var`` or ``input`` node, or ``UNKNOWN``. Of ``ite``, ``and`` and ``or``
    only what decides is looked at, and an ``ite`` whose condition is unknown is known if both branches agree.
    """

    def __init__(self, leaf: Callable[[Expr], Any]) -> None:
        self._leaf = leaf
        self._known: dict[int, Any] = {}
        self._keep: list[Expr] = []  # uids are keys only as long as their nodes live

    def __call__(self, root: Expr) -> Value:
        known = self._known
        todo = [root]
        while todo:
            node = todo[-1]
            if node.uid in known:
                todo.pop()
                continue
            needed = self._settle(node)
            if needed is not None:
                todo.append(needed)
            else:
                self._keep.append(node)
        return known[root.uid]

    def _settle(self, node: Expr) -> Expr | None:
        """Settle ``node``, or say which argument is needed first."""
        op, args, known = node.op, node.args, self._known
        if op == "const":
            known[node.uid] = node.data
        elif op in ("var", "input"):
            known[node.uid] = self._leaf(node)
        elif op == "ite":
            return self._ite(node)
        elif op in ("and", "or"):
            result: Any = op == "and"
            for a in args:
                if a.uid not in known:
                    return a
                if known[a.uid] is (op == "or"):
                    result = op == "or"
                    break
                if known[a.uid] is UNKNOWN:
                    result = UNKNOWN
            known[node.uid] = result
        else:
            for a in args:
                if a.uid not in known:
                    return a
            values = [known[a.uid] for a in args]
            if any(v is UNKNOWN for v in values):
                known[node.uid] = UNKNOWN
            else:
                known[node.uid] = OPS[op].meaning(values, [a.type for a in args], node.type, node.data)
        return None

    def _ite(self, node: Expr) -> Expr | None:
        c, a, b = node.args
        known = self._known
        if c.uid not in known:
            return c
        test = known[c.uid]
        wanted = (a, b) if test is UNKNOWN else ((a,) if test else (b,))
        for x in wanted:
            if x.uid not in known:
                return x
        values = [known[x.uid] for x in wanted]
        known[node.uid] = values[0] if all(v is not UNKNOWN and v == values[0] for v in values) else UNKNOWN
        return None
