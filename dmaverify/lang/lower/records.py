"""Records, tuples, sets, lists: how they are written, and when two values are equal."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, mk, not_, or_
from dmaverify.ir.types import Flags, Int, Map, Opt, Record
from dmaverify.lang import ast, sem
from dmaverify.lang.lower.context import (
    Ctx,
    ev,
    ev_expr,
    evaluates,
    put_bits,
)
from dmaverify.lang.lower.conversions import get, list_of, stored, stored_as
from dmaverify.lang.lower.vals import (
    I64,
    NullV,
    RangeV,
    SetV,
    Val,
    as_set,
    set_of,
)
from dmaverify.span import Span


@evaluates(ast.RecordLit)
def _record(ctx: Ctx, e: ast.RecordLit) -> Val:
    t = ctx.world.ir(e.ty)
    if isinstance(e.ty, sem.BitsT):
        whole: Expr = const(0, t)
        for init in e.inits:
            assert init.name is not None
            whole = put_bits(whole, e.ty.fields[init.name], ev_expr(ctx, init.value))
        return whole
    assert isinstance(t, Record)
    assert isinstance(e.ty, sem.RecordT)
    return mk("rec", field_values(ctx, e.ty.fields, e.inits, dict(t.fields), e.span), t)


def field_values(
    ctx: Ctx,
    fields: dict[str, sem.Field],
    inits: list[ast.FieldInit],
    types: dict[str, object],
    span: Span,
) -> list[Expr]:
    """The value of each field: what is given, else its default."""
    given = {i.name: i.value for i in inits}
    values = []
    for name, f in fields.items():
        if name in given:
            values.append(stored(ctx, ev(ctx, given[name]), f.ty, given[name].span))
        elif f.default is not None:
            values.append(stored(ctx, ev(ctx, f.default), f.ty, f.default.span))
        else:
            ir = ctx.world.ir(f.ty)
            values.append(const(ir.default, ir))
    return values


@evaluates(ast.With)
def _with(ctx: Ctx, e: ast.With) -> Val:
    value = ev_expr(ctx, e.base)
    if isinstance(value.type, Opt):
        value = get(ctx, value, e.span)
    for init in e.inits:
        assert init.name is not None
        if isinstance(e.ty, sem.BitsT):
            value = put_bits(value, e.ty.fields[init.name], ev_expr(ctx, init.value))
            continue
        assert isinstance(value.type, Record)
        new = stored_as(ctx, ev(ctx, init.value), value.type.field_type(init.name), init.span)
        value = mk("with", (value, new), data=init.name)
    return value


@evaluates(ast.TupleLit)
def _tuple(ctx: Ctx, e: ast.TupleLit) -> Val:
    t = ctx.world.ir(e.ty)
    assert isinstance(t, Record)
    return mk(
        "rec",
        [stored_as(ctx, ev(ctx, x), ft, x.span) for x, (_, ft) in zip(e.items, t.fields, strict=True)],
        t,
    )


@evaluates(ast.SetLit)
def _set(ctx: Ctx, e: ast.SetLit) -> Val:
    if isinstance(e.ty, sem.FlagsT):
        flags = const(0, ctx.world.ir(e.ty))
        for x in e.items:
            flags = mk("bor", (flags, ev_expr(ctx, x)))
        return flags
    assert isinstance(e.ty, sem.SetT)
    of = ctx.world.ir(e.ty.of)
    return set_of(of, [(TRUE, stored_as(ctx, ev(ctx, x), of, x.span)) for x in e.items])


@evaluates(ast.ListLit)
def _list(ctx: Ctx, e: ast.ListLit) -> Val:
    t = ctx.world.ir(e.ty)
    assert isinstance(t, Record)
    counter, array = t.fields[0][1], t.fields[1][1]
    assert isinstance(array, Map)
    cells = [stored_as(ctx, ev(ctx, x), array.of, x.span) for x in e.items]
    blank = const(array.of.default, array.of)
    cells += [blank] * (array.index.count - len(cells))
    return list_of(t, const(len(e.items), counter), cells)


@evaluates(ast.NonNull)
def _non_null(ctx: Ctx, e: ast.NonNull) -> Val:
    return get(ctx, ev_expr(ctx, e.base), e.span)


def flags_in(a: Expr, b: Expr) -> Expr:
    """Whether all flags of ``a`` are in ``b``."""
    return mk("eq", (mk("band", (a, b)), a))


def equal(a: Val, b: Val) -> Expr:
    """Equality of any two values, sets among them."""
    if isinstance(a, NullV) or isinstance(b, NullV):
        x = b if isinstance(a, NullV) else a
        if isinstance(x, NullV):
            return TRUE
        return not_(mk("present", (x,))) if isinstance(x, Expr) and isinstance(x.type, Opt) else FALSE
    if isinstance(a, Expr) and isinstance(b, Expr):
        if a.type == b.type:
            return mk("eq", (a, b))
        if isinstance(a.type, Opt) and a.type.of == b.type:
            return and_(mk("present", (a,)), mk("eq", (mk("get", (a,)), b)))
        if isinstance(b.type, Opt) and b.type.of == a.type:
            return equal(b, a)
        if isinstance(a.type, Flags | Int) and isinstance(b.type, Flags | Int):
            return mk("eq", (mk("wrap", (a,), I64), mk("wrap", (b,), I64)))
    if isinstance(a, RangeV) and isinstance(b, RangeV):
        empty = and_(mk("le", (a.hi, a.lo)), mk("le", (b.hi, b.lo)))
        return or_(empty, and_(mk("eq", (a.lo, b.lo)), mk("eq", (a.hi, b.hi))))
    x, y = as_set(a), as_set(b)
    return and_(_subset(x, y), _subset(y, x))


def _subset(a: SetV, b: SetV) -> Expr:
    return and_(*(or_(not_(c), *(and_(d, mk("eq", (e, f))) for d, f in b.items)) for c, e in a.items))


def subset(a: Val, b: Val) -> Expr:
    """Whether every element of one set is in the other."""
    return _subset(as_set(a), as_set(b))
