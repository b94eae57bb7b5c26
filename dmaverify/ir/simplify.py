"""Identities that hold for every value: what ``expr.mk`` replaces by something equal and simpler while it builds.

One rule for each operator that has any. A rule gets the arguments, the type and the datum of the node that would be built and
returns an equal expression, or None. Rules never look at a state, so they are safe in every pass; each is tested against the
operator table on random values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, field, ite, mk, ne, not_, or_, raw, select
from dmaverify.ir.types import BOOL, Bool, Map, Opt, Record, Type


def _is(e: Expr, value: bool) -> bool:
    return e.op == "const" and e.data is value


def simplify(op: str, args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    """An equal, simpler expression, or None. Only identities that hold for every value of the type."""
    if args and all(a.op == "const" for a in args):
        from dmaverify.ir.ops import OPS

        return const(OPS[op].meaning([a.data for a in args], [a.type for a in args], type, data), type)
    rule = _RULES.get(op)
    return rule(args, type, data) if rule else None


def _simplify_not(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    return args[0].args[0] if args[0].op == "not" else None


def _simplify_junction(op: str, neutral: bool) -> Callable[[tuple[Expr, ...], Type, Any], Expr | None]:
    def rule(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
        flat: dict[int, Expr] = {}
        todo = list(reversed(args))
        while todo:
            a = todo.pop()
            if a.op == op:
                todo.extend(reversed(a.args))
            elif _is(a, not neutral):
                return a
            elif not _is(a, neutral):
                flat.setdefault(a.uid, a)
        for a in flat.values():
            if a.op == "not" and a.args[0].uid in flat:
                return FALSE if op == "and" else TRUE
        parts = tuple(flat.values())
        if not parts:
            return TRUE if neutral else FALSE
        if len(parts) == 1:
            return parts[0]
        return raw(op, BOOL, parts)

    return rule


def _simplify_eq(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    a, b = args
    if a is b:
        return TRUE
    if b.op == "const" and a.op != "const":
        a, b = b, a
    if isinstance(b.type, Bool) and a.op == "const":
        return b if a.data else not_(b)
    if a.op == "const":
        if b.op == "ite" and (b.args[1].op == "const" or b.args[2].op == "const"):
            # a comparison with a constant goes into the branches, where it mostly folds
            c, x, y = b.args
            return ite(c, eq(a, x), eq(a, y))
        if isinstance(b.type, Opt):
            if a.data is None:
                return not_(mk("present", (b,)))
            if b.op == "some":
                return eq(const(a.data, b.type.of), b.args[0])
    if a.op == "some" and b.op == "some":
        return eq(a.args[0], b.args[0])
    # as the text has it, a constant last: an order of nodes by age would depend on what the process did before
    return raw("eq", BOOL, (b, a) if a.op == "const" else (a, b))


def _simplify_ite(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    c, a, b = args
    if c.op == "const":
        return a if c.data else b
    if a is b:
        return a
    if c.op == "not":
        return ite(c.args[0], b, a)
    if isinstance(type, Bool):
        if a.op == "const":
            return or_(c, b) if a.data else and_(not_(c), b)
        if b.op == "const":
            return or_(not_(c), a) if b.data else and_(c, a)
    if a.op == "ite" and a.args[0] is c:
        return ite(c, a.args[1], b)
    if b.op == "ite" and b.args[0] is c:
        return ite(c, a, b.args[2])
    if a.op == "ite" and a.args[2] is b:
        return ite(and_(c, a.args[0]), a.args[1], b)
    return None


def _simplify_arith(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    a, b = args
    return a if b.op == "const" and b.data == 0 else (b if a.op == "const" and a.data == 0 else None)


def _simplify_zero_right(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    return args[0] if args[1].op == "const" and args[1].data == 0 else None


def _simplify_wrap(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (a,) = args
    if a.type == type:
        return a
    if a.op == "ite" and (a.args[1].op == "const" or a.args[2].op == "const"):
        return ite(a.args[0], mk("wrap", (a.args[1],), type), mk("wrap", (a.args[2],), type))
    return None


def _simplify_get(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (a,) = args
    if a.op == "some":
        return a.args[0]
    if a.op == "ite":
        x, y = a.args[1], a.args[2]
        if x.op in ("some", "const", "ite") or y.op in ("some", "const", "ite"):
            return ite(a.args[0], mk("get", (x,)), mk("get", (y,)))
    return None


def _simplify_present(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (a,) = args
    if a.op == "some":
        return TRUE
    if a.op == "ite":
        x, y = a.args[1], a.args[2]
        if x.op in ("some", "const", "ite") or y.op in ("some", "const", "ite"):
            return ite(a.args[0], mk("present", (x,)), mk("present", (y,)))
    return None


def _simplify_field(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (r,) = args
    assert isinstance(r.type, Record)
    if r.op == "rec":
        return r.args[r.type.positions[data]]
    if r.op == "with":
        return r.args[1] if r.data == data else field(r.args[0], data)
    if r.op == "ite" and any(x.op in ("rec", "const", "with", "ite") for x in r.args[1:]):
        return ite(r.args[0], field(r.args[1], data), field(r.args[2], data))
    return None


def _simplify_select(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    m, i = args
    if m.op == "fill":
        return m.args[0]
    if m.op == "const" and isinstance(m.type, Map) and len(set(m.data)) == 1:
        return const(m.data[0], m.type.of)
    if m.op == "store":
        if m.args[1] is i:
            return m.args[2]
        if m.args[1].op == "const" and i.op == "const":
            return select(m.args[0], i)
        return ite(eq(m.args[1], i), m.args[2], select(m.args[0], i))
    if m.op == "ite":
        return ite(m.args[0], select(m.args[1], i), select(m.args[2], i))
    return None


def _simplify_store(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    m, i, v = args
    if m.op == "store" and m.args[1] is i:
        return raw("store", type, (m.args[0], i, v))
    if v.op == "select" and v.args[0] is m and v.args[1] is i:
        return m
    return None


def _simplify_member(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    m, i = args
    if m.op == "const" and m.data == 0:
        return FALSE
    if m.op == "insert":
        return or_(eq(m.args[1], i), mk("member", (m.args[0], i)))
    if m.op == "remove":
        return and_(ne(m.args[1], i), mk("member", (m.args[0], i)))
    return None


_RULES: dict[str, Callable[[tuple[Expr, ...], Type, Any], Expr | None]] = {
    "not": _simplify_not,
    "and": _simplify_junction("and", True),
    "or": _simplify_junction("or", False),
    "eq": _simplify_eq,
    "ite": _simplify_ite,
    "add": _simplify_arith,
    "bor": _simplify_arith,
    "bxor": _simplify_arith,
    "sub": _simplify_zero_right,
    "shl": _simplify_zero_right,
    "shr": _simplify_zero_right,
    "wrap": _simplify_wrap,
    "get": _simplify_get,
    "present": _simplify_present,
    "field": _simplify_field,
    "select": _simplify_select,
    "store": _simplify_store,
    "member": _simplify_member,
}
