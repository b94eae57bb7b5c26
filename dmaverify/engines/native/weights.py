"""Which weights an action may have: the search takes the steps of each weight in a pass of their own."""

from __future__ import annotations

import itertools

from dmaverify.engines.native.emit import NotNative
from dmaverify.ir.expr import Expr
from dmaverify.ir.ops import OPS
from dmaverify.ir.system import Action
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Bool, Int, Value

HEAVIEST = 63
"""No step may weigh more."""

MOST = 24
"""An expression with more possible values than this counts as having any."""


def weights(action: Action) -> frozenset[int]:
    """All values that the weight may have (perhaps some more); ``NotNative`` if that cannot be said."""
    if action.weight is None:
        return frozenset({1})
    possible = _values(action.weight)
    if possible is None or max(possible) > HEAVIEST:
        raise NotNative(f"the weight of {action.name}")
    return frozenset(int(v) for v in possible)


def _values(root: Expr) -> frozenset[Value] | None:
    """What an expression may be, each operand taken on its own; None if these are too many."""
    known: dict[int, frozenset[Value] | None] = {}
    for node in walk(root):
        known[node.uid] = _of(node, [known[a.uid] for a in node.args])
    return known[root.uid]


def _of(node: Expr, args: list[frozenset[Value] | None]) -> frozenset[Value] | None:
    t = node.type
    assert isinstance(t, Bool | Int)
    every = None if t.count > MOST else frozenset((False, True) if isinstance(t, Bool) else (t.wrap(n) for n in range(t.count)))
    if node.op == "const":
        return frozenset({node.data})
    if node.op in ("var", "input"):
        return every
    if node.op == "ite":
        c, a, b = args
        chosen = [x for x, taken in ((a, True), (b, False)) if c is None or taken in c]
        if any(x is None for x in chosen):
            return every
        joined = frozenset().union(*(x for x in chosen if x is not None))
        return joined if len(joined) <= MOST else every
    sets = [a for a in args if a is not None]
    size = 1
    for s in sets:
        size *= len(s)
    if len(sets) < len(args) or size > MOST * MOST:
        return every
    types = [a.type for a in node.args]
    found = frozenset(OPS[node.op].meaning(v, types, t, node.data) for v in itertools.product(*sets))
    return found if len(found) <= MOST else every
