"""Expressions: literals, names, fields, indexing, ``if`` and ``match``. Operators are in ``operators``."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, field, mk, not_, select
from dmaverify.ir.types import BOOL, Enum, Index, Int, Map, Opt, Range, Record
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.context import (
    Binding,
    Cell,
    Ctx,
    Place,
    Unsupported,
    ev,
    ev_expr,
    evaluates,
    read_place,
    take_bits,
)
from dmaverify.lang.lower.conversions import get, require, stored_as, to_index
from dmaverify.lang.lower.vals import (
    I64,
    FuncV,
    ModuleV,
    NullV,
    RangeV,
    Val,
    convert,
    index_consts,
    pick,
    set_of,
)
from dmaverify.span import Span


@evaluates(ast.IntLit)
def _int(ctx: Ctx, e: ast.IntLit) -> Val:
    t = ctx.world.ir(e.ty)
    if isinstance(t, Int):
        return const(t.wrap(e.value), t)
    if isinstance(t, Range) and t.contains(e.value):
        return const(e.value, t)
    return to_index(ctx, const(e.value, I64), t, e.span)


@evaluates(ast.BoolLit)
def _bool(ctx: Ctx, e: ast.BoolLit) -> Val:
    return TRUE if e.value else FALSE


@evaluates(ast.NullLit)
def _null(ctx: Ctx, e: ast.NullLit) -> Val:
    if isinstance(e.ty, sem.OptT) and e.ty.storable:
        return const(None, ctx.world.ir(e.ty))
    return NullV()


# -- names ---------------------------------------------


def read_binding(ctx: Ctx, bound: Binding, span: Span) -> Val:
    """The current value of a local."""
    if isinstance(bound, Cell | Place) and bound.unset is not None:
        unset = ctx.step.read(bound.unset)
        assert isinstance(unset, Expr)
        require(ctx, "uninitialised", not_(unset), span, "read before it is set")
    if isinstance(bound, Cell):
        return ctx.step.read(bound.name)
    if isinstance(bound, Place):
        return read_place(ctx.step, bound)
    return bound


@evaluates(ast.Name)
def _name(ctx: Ctx, e: ast.Name) -> Val:
    return of_symbol(ctx, e.ref, e)


def of_symbol(ctx: Ctx, ref: object, e: ast.Expr) -> Val:
    """The value of what a name means."""
    w = ctx.world
    if isinstance(ref, symbols.LocalSym):
        bound = ctx.frame.env.get(ref.key)
        if bound is None:
            raise Unsupported(f"{ref.name} has no value here", e.span)
        return read_binding(ctx, bound, e.span)
    if isinstance(ref, symbols.ConstSym):
        return w.const(ref)
    if isinstance(ref, symbols.OptionSym):
        return w.option(ref)
    if isinstance(ref, symbols.ParamSym):
        return w.param(ref)
    if isinstance(ref, symbols.VarSym):
        return ctx.step.read(w.var(ref))
    if isinstance(ref, symbols.GhostSym):
        return ctx.step.read(w.ghost(ref, ctx.frame.monitor))
    if isinstance(ref, symbols.EnumCase):
        return case_value(ctx, ref, [], e.span)
    if isinstance(ref, symbols.FlagMember):
        return const(1 << ref.bit, w.ir(ref.ty))
    if isinstance(ref, symbols.DeviceSym | symbols.RegionSym):
        return const(ref.ordinal, w.ir(ref.ty))
    if isinstance(ref, symbols.TypeSym):
        return all_values(ctx, ref.ty, e.span)
    if isinstance(ref, symbols.FuncSym):
        return FuncV(ref)
    if isinstance(ref, symbols.BuiltinSym):
        return FuncV(None)
    if isinstance(ref, symbols.SlotSym):
        return w.slots.read(ctx, ref, e)
    if isinstance(ref, symbols.BitRef):
        return const((1 << ref.bits.width) - 1, w.ir(ref.owner)) if ref.bits.width > 1 else TRUE
    if isinstance(ref, symbols.PlaceField | symbols.PlaceSym | symbols.MonitorSym | symbols.ThreadSym):
        return ModuleV(ref)
    raise Unsupported("this name has no value", e.span)


def all_values(ctx: Ctx, ty: sem.SemType, span: Span) -> Val:
    """A type as the set of its values: of an object, of the instances that exist."""
    t = ctx.world.ir(ty)
    if isinstance(ty, sem.ObjT):
        used = ctx.step.read(ctx.world.object_used(ty))
        assert isinstance(used, Expr)
        return set_of(t, [(select(used, i), i) for i in index_consts(t)])
    if isinstance(t, Int):
        if t.width > 8:
            raise Unsupported(f"there are too many values of {ty} to go through", span)
        return RangeV(const(t.lo, Int(64, True)), const(t.hi + 1, Int(64, True)), t)
    return set_of(t, [(TRUE, i) for i in index_consts(t)])


def case_value(ctx: Ctx, case: symbols.EnumCase, payload: list[Expr], span: Span) -> Expr:
    """A value of an enum."""
    t = ctx.world.ir(case.ty)
    if not isinstance(t, Record):
        return const(case.ordinal, t)
    tag = t.fields[0][1]
    values: dict[str, Expr] = {t.fields[0][0]: const(case.ordinal, tag)}
    for name, value in zip(ctx.world.payload_fields(case), payload, strict=True):
        values[name] = stored_as(ctx, value, t.field_type(name), span)
    return mk("rec", [values.get(n) or const(ft.default, ft) for n, ft in t.fields], t)


@evaluates(ast.OptionRef)
def _option(ctx: Ctx, e: ast.OptionRef) -> Val:
    return ctx.world.option(e.ref)


# -- fields and indexes ---------------------------------------------


def object_place(ctx: Ctx, base: Expr, ref: symbols.FieldRef, span: Span) -> Place:
    """The field of an object; that the object exists is checked where objects of its type may be deleted."""
    owner = ref.owner
    assert isinstance(owner, sem.ObjT)
    if isinstance(base.type, Opt):
        base = get(ctx, base, span)
    if ctx.world.deleted(owner):
        used = ctx.step.read(ctx.world.object_used(owner))
        assert isinstance(used, Expr)
        require(ctx, "freed", select(used, base), span, f"a {owner} that has been deleted")
    return Place(ctx.world.object_field(owner, ref.name), (base,))


@evaluates(ast.Field)
def _field(ctx: Ctx, e: ast.Field) -> Val:
    ref = e.ref
    if isinstance(ref, symbols.FieldRef):
        base = ev(ctx, e.base)
        if isinstance(base, NullV):
            raise Unsupported("null has no fields", e.span)
        if isinstance(base, RangeV) and ref.name in ("first", "count"):
            from dmaverify.lang.lower.blocks import stretch_field

            return stretch_field(ctx, base, ref.name, ref.ty, e.span)
        assert isinstance(base, Expr)
        if ref.kind == "object":
            return read_place(ctx.step, object_place(ctx, base, ref, e.span))
        if isinstance(base.type, Opt):
            base = get(ctx, base, e.span)
        return field(base, ref.name)
    if isinstance(ref, symbols.BitRef):
        return take_bits(ev_expr(ctx, e.base), ref.bits)
    if isinstance(ref, symbols.BlockField):
        from dmaverify.lang.lower.blocks import block_field

        return block_field(ctx, e, ref)
    if isinstance(ref, symbols.AttrRef):
        table = ctx.world.const(ref.const)
        assert isinstance(table, Expr)
        row = select(table, ev_expr(ctx, e.base))
        return row if ref.field is None else field(row, ref.field.name)
    if isinstance(ref, symbols.GhostSym):
        owner = ev(ctx, e.base) if isinstance(e.base, ast.Name | ast.Call) else None
        return ctx.step.read(ctx.world.ghost(ref, ctx.world.instance_of(owner, ref, ctx.frame.monitor)))
    if isinstance(ref, symbols.FuncSym):
        from dmaverify.lang.lower.calls import call_func

        return call_func(ctx, ref, [ev(ctx, e.base)], e)
    return of_symbol(ctx, ref, e)


@evaluates(ast.Index)
def _index(ctx: Ctx, e: ast.Index) -> Val:
    value = ev_expr(ctx, e.base)
    for i in e.indexes:
        index = ev_expr(ctx, i)
        if isinstance(value.type, Opt):
            value = get(ctx, value, e.span)
        value = element(ctx, value, index, i.span)
    return value


def element(ctx: Ctx, value: Expr, index: Expr, span: Span) -> Expr:
    """A cell of a map or an element of a list."""
    if isinstance(value.type, Record):
        from dmaverify.lang.lower.conversions import is_list, list_parts

        assert is_list(value.type)
        count, _ = list_parts(value)
        at = convert(index, I64) if not isinstance(index.type, Int) or index.type != I64 else index
        require(ctx, "out of range", mk("lt", (at, mk("wrap", (count,), I64))), span, "no such element")
        cells = field(value, "cells")
        assert isinstance(cells.type, Map)
        return select(cells, mk("narrow", (at,), cells.type.index))
    assert isinstance(value.type, Map)
    return select(value, as_key(ctx, index, value.type.index, span))


def as_key(ctx: Ctx, index: Expr, wanted: object, span: Span) -> Expr:
    """An index expression as one of the type that a map asks for."""
    assert isinstance(wanted, Index | Enum | Range | type(BOOL))
    if index.type == wanted:
        return index
    if isinstance(index.type, Opt):
        return as_key(ctx, get(ctx, index, span), wanted, span)
    return to_index(ctx, index, wanted, span)


# -- choice of value ---------------------------------------------


@evaluates(ast.IfExpr)
def _if(ctx: Ctx, e: ast.IfExpr) -> Val:
    cond = patterns.condition(ctx, e.cond)
    if cond.is_const:
        return ev(ctx, e.then if cond.value else e.orelse)
    with ctx.step.assuming(cond):
        then = ev(ctx, e.then)
    with ctx.step.assuming(not_(cond)):
        orelse = ev(ctx, e.orelse)
    return merged(ctx, cond, then, orelse, e)


def merged(ctx: Ctx, cond: Expr, a: Val, b: Val, e: ast.Expr) -> Val:
    """One of two values, in the form that the expression's type asks for."""
    if isinstance(a, Expr) and isinstance(b, Expr) and a.type != b.type:
        ir = ctx.world.ir(e.ty)
        a, b = stored_as(ctx, a, ir, e.span), stored_as(ctx, b, ir, e.span)
    return pick(cond, a, b)


@evaluates(ast.MatchExpr)
def _match(ctx: Ctx, e: ast.MatchExpr) -> Val:
    values = [ev(ctx, s) for s in e.scrutinees]
    arms: list[tuple[Expr, Val]] = []
    rest: Expr = TRUE
    for arm in e.arms:
        cond = patterns.arm(ctx, values, arm.patterns)
        here = and_(rest, cond)
        if here is FALSE:
            continue
        with ctx.step.assuming(here):
            arms.append((cond, ev(ctx, arm.value)))
        rest = and_(rest, not_(cond))
        if rest is FALSE:
            break
    if not arms:
        raise Unsupported("no arm of this match can be taken", e.span)
    result = arms[-1][1]
    for cond, value in reversed(arms[:-1]):
        result = merged(ctx, cond, value, result, e)
    return result


@evaluates(ast.LetExpr)
def _let(ctx: Ctx, e: ast.LetExpr) -> Val:
    ctx.bind(e, e.name, ev(ctx, e.value))
    return ev(ctx, e.body)


@evaluates(ast.IsPattern)
def _is(ctx: Ctx, e: ast.IsPattern) -> Val:
    return patterns.condition(ctx, e)


@evaluates(ast.UnitOf)
def _unit(ctx: Ctx, e: ast.UnitOf) -> Val:
    return ev(ctx, e.base)


@evaluates(ast.Result)
def _result(ctx: Ctx, e: ast.Result) -> Val:
    if ctx.frame.result is None:
        raise Unsupported("`result` is the value of a proc in its `ensures`", e.span)
    return ctx.frame.result


@evaluates(ast.Old)
def _old(ctx: Ctx, e: ast.Old) -> Val:
    if ctx.frame.old is None:
        raise Unsupported("`old` stands in `ensures`", e.span)
    return ctx.frame.old(e.operand)
