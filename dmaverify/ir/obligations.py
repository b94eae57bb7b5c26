"""Built-in checks: what an expression asks of its values where C leaves the operation open.

Every operator of the IR is total, so an expression always has a value; but the text that it was compiled
from may not mean anything when, say, a shift amount is too large. An *obligation* is the condition under
which the operation means what it says, together with the *path* under which the operation is looked at at
all: ``x != null and x! == 3`` looks at ``x!`` only where ``x`` is not null.

``mk`` folds operations on constants away, and their obligations with them. A compiler that wants those too
asks ``of_node`` before it builds the node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    Expr,
    and_,
    const,
    le,
    lt,
    mk,
    ne,
    not_,
    or_,
)
from dmaverify.ir.ops import OPS
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Enum, Index, Int, Range, Type


class Obligation(NamedTuple):
    """Whenever ``path`` holds, ``condition`` must hold. ``kind`` is the operator's ``builtin`` word."""

    kind: str
    path: Expr
    condition: Expr


def of_node(op: str, args: Sequence[Expr], result: Type) -> tuple[str, Expr] | None:
    """Kind and condition of the built-in check of ``op(args)`` as a node of type ``result``; None if there
    is none."""
    entry = OPS.get(op)
    if entry is None or entry.builtin is None:
        return None
    return entry.builtin, _condition(op, args, result)


def _condition(op: str, args: Sequence[Expr], result: Type) -> Expr:
    if op in ("shl", "shr"):
        assert isinstance(result, Int)
        return _between(args[1], 0, result.width - 1)
    if op in ("div", "rem"):
        return ne(args[1], const(0, args[1].type))
    if op == "get":
        return mk("present", (args[0],))
    assert op == "narrow", op
    assert isinstance(result, Range | Index | Enum)
    return _between(
        args[0], *((result.lo, result.hi) if isinstance(result, Range) else (0, result.count - 1))
    )


def _between(e: Expr, lo: int, hi: int) -> Expr:
    """``lo <= e <= hi``, without the halves that the type of ``e`` already says."""
    t = e.type
    assert isinstance(t, Int)
    if hi < t.lo or lo > t.hi:
        return FALSE
    above = TRUE if lo <= t.lo else le(const(lo, t), e)
    # ``e < hi + 1`` where that fits, since this is how guards are mostly written
    below = TRUE if hi >= t.hi else lt(e, const(hi + 1, t))
    return and_(above, below)


def obligations(root: Expr) -> list[Obligation]:
    """The obligations of all operators in an expression, innermost first, without those that are plainly
    met."""
    order = list(walk(root))
    checks: dict[int, tuple[str, Expr]] = {}
    relevant: set[int] = set()  # nodes with an obligation in or below them: only these need a path
    for node in order:
        check = of_node(node.op, node.args, node.type)
        if check is not None:
            checks[node.uid] = check
        if check is not None or any(a.uid in relevant for a in node.args):
            relevant.add(node.uid)
    paths: dict[int, Expr] = {root.uid: TRUE}
    # users come before their arguments here, so a node's path is complete when it is reached
    for node in reversed(order):
        if node.uid not in relevant:
            continue
        for arg, reached in _edges(node, paths[node.uid]):
            known = paths.get(arg.uid)
            paths[arg.uid] = reached if known is None else _either(known, reached)
    found: dict[Obligation, None] = {}
    for node in order:
        if node.uid not in checks:
            continue
        kind, condition = checks[node.uid]
        path = paths[node.uid]
        if condition is TRUE or path is FALSE or _implies(path, condition):
            continue
        found.setdefault(Obligation(kind, path, condition))
    return list(found)


def _edges(node: Expr, path: Expr) -> list[tuple[Expr, Expr]]:
    """The arguments of a node that is looked at under ``path``, each with the condition under which it is
    looked at."""
    if node.op == "ite":
        c, a, b = node.args
        return [(c, path), (a, and_(path, c)), (b, and_(path, not_(c)))]
    if node.op in ("and", "or"):
        edges = []
        for a in node.args:
            edges.append((a, path))
            path = and_(path, a if node.op == "and" else not_(a))
        return edges
    return [(a, path) for a in node.args]


def _either(one: Expr, other: Expr) -> Expr:
    """Their disjunction; two paths that part at a single condition and meet again are the path before it."""
    a = {e.uid: e for e in _parts(one)}
    b = {e.uid: e for e in _parts(other)}
    only_a = [e for uid, e in a.items() if uid not in b]
    only_b = [e for uid, e in b.items() if uid not in a]
    if len(only_a) == len(only_b) == 1 and not_(only_a[0]) is only_b[0]:
        return and_(*(e for uid, e in a.items() if uid in b))
    return or_(one, other)


def _parts(e: Expr) -> tuple[Expr, ...]:
    return e.args if e.op == "and" else (e,)


def _implies(path: Expr, condition: Expr) -> bool:
    """Whether ``path`` says each part of ``condition`` word for word (each way to get here, if there are
    several)."""
    if path.op == "or":
        return all(_implies(p, condition) for p in path.args)
    said = {a.uid for a in _parts(path)}
    return all(w.uid in said for w in _parts(condition))
