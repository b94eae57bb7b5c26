"""Pieces of memory, ranges, sets as things to go through or to compare: elements, parts, bounds."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, field, ite, le, lt, mk, not_, or_, select, some
from dmaverify.ir.types import Enum, Flags, Index, Int, Map, Mask, Opt, Range, Record
from dmaverify.ir.types import Type as IrType
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.constops import NotConstant
from dmaverify.lang.lower.context import Ctx, Unsupported, ev, ev_expr
from dmaverify.lang.lower.conversions import get, is_list, list_parts, require, stored, to_index
from dmaverify.lang.lower.vals import (
    I64,
    ModuleV,
    NullV,
    RangeV,
    SetV,
    Val,
    as_set,
    convert,
    in_range,
    index_consts,
    is_in,
    null_of,
    ordinal_of,
    set_of,
)
from dmaverify.span import Span

LONGEST = 256
"""So many elements of a range of plain numbers are gone through where its end is not a constant."""

MEMORY = Int(64, False)


def table(index: IrType, values: list[object], of: IrType) -> Expr:
    """A constant map over the blocks of memory; NotConstant if there is none."""
    if not values:
        raise NotConstant("the scenario speaks of memory and has no region")
    return const(tuple(values), Map(index, of))


def block_field(ctx: Ctx, e: ast.Field, ref: symbols.BlockField) -> Val:
    """``p.start``, ``c.page``, ``l.cells``, ``Page.count``, ``r.first``."""
    w = ctx.world
    if isinstance(e.base, ast.Name) and isinstance(e.base.ref, symbols.TypeSym) and ref.kind in ("count", "first", "last"):
        t = w.ir(e.base.ref.ty)
        if ref.kind == "count":
            return convert(const(t.count, I64), w.ir(ref.ty))
        element = index_consts(t)[0 if ref.kind == "first" else -1]
        return some(element) if isinstance(ref.ty, sem.OptT) else element
    base = ev(ctx, e.base)
    if isinstance(base, ModuleV):
        start, size = w.place(base.what)
        return _of_place(ctx, start, size, ref, e.span)
    if isinstance(base, RangeV):
        return stretch_field(ctx, base, ref.kind, ref.ty, e.span)
    assert isinstance(base, Expr)
    if isinstance(base.type, Opt):
        base = get(ctx, base, e.span)
    ty = sem.strip(e.base.conv or e.base.ty)
    if not isinstance(ty, sem.IndexT):
        return stretch_field(ctx, stretch_of(ctx, base, e.span), ref.kind, ref.ty, e.span)
    if ref.kind in ("start", "end", "size"):
        starts, ends = w.bounds(ty)
        numbers = {"start": starts, "end": ends, "size": [b - a for a, b in zip(starts, ends, strict=True)]}
        return convert(select(table(base.type, list(numbers[ref.kind]), MEMORY), base), w.ir(ref.ty))
    if ref.kind in ("parent", "region"):
        assert isinstance(ref.ty, sem.IndexT)
        parent = ref.index if isinstance(ref.index, sem.IndexT) else ref.ty
        return select(table(base.type, list(w.parents(ty, parent)), w.ir(ref.ty)), base)
    assert ref.kind == "children"
    assert isinstance(ref.index, sem.IndexT)
    spans = w.children(ty, ref.index)
    lo = select(table(base.type, [a for a, _ in spans], I64), base)
    hi = select(table(base.type, [b for _, b in spans], I64), base)
    return RangeV(lo, hi, w.ir(ref.index))


def _of_place(ctx: Ctx, start: int, size: int, ref: symbols.BlockField, span: Span) -> Val:
    w = ctx.world
    if ref.kind in ("start", "end", "size"):
        number = {"start": start, "end": start + size, "size": size}[ref.kind]
        return convert(const(number, MEMORY), w.ir(ref.ty))
    assert isinstance(ref.index, sem.IndexT) or isinstance(ref.ty, sem.IndexT)
    if ref.kind == "children":
        assert isinstance(ref.index, sem.IndexT)
        inside = blocks_in(ctx, ref.index, start, start + size)
        return RangeV(const(inside[0], I64), const(inside[-1] + 1, I64), w.ir(ref.index))
    index = ref.index if isinstance(ref.index, sem.IndexT) else ref.ty
    assert isinstance(index, sem.IndexT)
    starts, ends = w.bounds(index)
    for i, (a, b) in enumerate(zip(starts, ends, strict=True)):
        if a <= start < b:
            return const(i, w.ir(index))
    raise Unsupported("the place lies in no block of that kind", span)


def blocks_in(ctx: Ctx, index: sem.IndexT, start: int, end: int) -> list[int]:
    """The ordinals of the blocks that begin in a stretch of memory."""
    starts, _ = ctx.world.bounds(index)
    return [i for i, a in enumerate(starts) if start <= a < end]


def stretch_field(ctx: Ctx, r: RangeV, kind: str, ty: sem.SemType, span: Span) -> Val:
    """First, last or count of a range."""
    ir = ctx.world.ir(ty)
    if kind in ("count", "size"):
        return convert(mk("sub", (convert(r.hi, I64), convert(r.lo, I64))), ir)
    number = r.lo if kind in ("first", "start") else r.hi
    if kind == "last":
        number = mk("sub", (r.hi, const(1, r.hi.type)))
    if isinstance(ir, Opt):
        there = lt(r.lo, r.hi)
        of = ir.of
        element = convert(number, of) if isinstance(of, Int) else mk("narrow", (convert(number, I64),), of)
        return ite(there, some(element), null_of(ir))
    if isinstance(ir, Index | Enum | Range):
        return to_index(ctx, number, ir, span)
    return convert(number, ir)


def stretch_of(ctx: Ctx, v: Val, span: Span, ty: sem.SemType | None = None) -> RangeV:
    """A block, place, extent or range as a range."""
    w = ctx.world
    if isinstance(v, RangeV):
        return v
    if isinstance(v, ModuleV):
        start, size = w.place(v.what)
        return RangeV(const(start, MEMORY), const(start + size, MEMORY), MEMORY)
    if isinstance(v, Expr):
        if isinstance(v.type, Opt):
            v = get(ctx, v, span)
        if isinstance(v.type, Record) and [n for n, _ in v.type.fields] == ["first", "count"]:
            first = ordinal_of(field(v, "first"))
            return RangeV(first, mk("add", (first, convert(field(v, "count"), I64))), v.type.fields[0][1])
        if isinstance(ty, sem.IndexT) and ty.is_partition:
            starts, ends = w.bounds(ty)
            lo = select(table(v.type, list(starts), MEMORY), v)
            hi = select(table(v.type, list(ends), MEMORY), v)
            return RangeV(lo, hi, MEMORY)
    raise Unsupported("this is no stretch of anything", span)


def block_of(ctx: Ctx, v: Val, index: sem.IndexT, span: Span) -> Expr:
    """The one block that a place is or lies in."""
    assert isinstance(v, ModuleV)
    start, size = ctx.world.place(v.what)
    ref = symbols.BlockField("parent", index, index)
    found = _of_place(ctx, start, size, ref, span)
    assert isinstance(found, Expr)
    return found


def as_elements(ctx: Ctx, v: Val, to: sem.SetT, span: Span) -> Val:
    """A place, range or extent as the set of what is in it."""
    if isinstance(v, ModuleV) and isinstance(to.of, sem.IndexT):
        start, size = ctx.world.place(v.what)
        t = ctx.world.ir(to.of)
        return set_of(t, [(TRUE, const(i, t)) for i in blocks_in(ctx, to.of, start, start + size)])
    if isinstance(v, Expr) and isinstance(v.type, Mask):
        return v
    if isinstance(v, Expr) and isinstance(v.type, Record):
        return as_set(stretch_of(ctx, v, span))
    return as_set(v)


# -- going through ---------------------------------------------


def elements(ctx: Ctx, v: Val, span: Span) -> list[tuple[Expr, Expr]]:
    """Everything that may be in ``v``, in order, each with the condition that it is."""
    if isinstance(v, Expr) and isinstance(v.type, Opt) and isinstance(v.type.of, Record):
        v = get(ctx, v, span)
    if isinstance(v, Expr) and is_list(v.type):
        count, cells = list_parts(v)
        return [(lt(const(i, count.type), count), c) for i, c in enumerate(cells)]
    if isinstance(v, Expr) and isinstance(v.type, Flags):
        t = v.type
        singles = [const(1 << i, t) for i in range(len(t.members))]
        return [(mk("eq", (mk("band", (v, s)), s)), s) for s in singles]
    if isinstance(v, Expr) and isinstance(v.type, Record):
        v = stretch_of(ctx, v, span)
    if isinstance(v, ModuleV):
        raise Unsupported("say which part of the place is meant (`.cells`)", span)
    if isinstance(v, NullV):
        return []
    if not isinstance(v, RangeV):
        return [(c, e) for c, e in as_set(v).items if c is not FALSE]
    if not isinstance(v.of, Int) or v.of.width <= 8:
        return [(c, e) for e in index_consts_of(v.of) if (c := in_range(v, e)) is not FALSE]
    return _numbers(ctx, v, span)


def index_consts_of(t: IrType) -> list[Expr]:
    """All values of an index-like or small type."""
    if isinstance(t, Int):
        return [const(i, t) for i in range(t.lo, t.hi + 1)]
    return index_consts(t)


def _numbers(ctx: Ctx, r: RangeV, span: Span) -> list[tuple[Expr, Expr]]:
    """The numbers of a range; where its end is not known, up to a bound that is checked."""
    t = r.lo.type
    assert isinstance(t, Int)
    if r.lo.is_const and r.hi.is_const:
        if r.hi.value - r.lo.value > 65536:
            raise Unsupported("these are too many numbers to go through", span)
        return [(TRUE, const(i, t)) for i in range(r.lo.value, r.hi.value)]
    size = mk("sub", (r.hi, r.lo))
    found: list[tuple[Expr, Expr]] = []
    for i in range(LONGEST):
        x = mk("add", (r.lo, const(t.wrap(i), t)))
        inside = and_(lt(r.lo, r.hi), le(r.lo, x), lt(x, r.hi))
        if inside is FALSE:
            return found
        found.append((inside, x))
    with ctx.step.assuming(lt(r.lo, r.hi)):
        require(ctx, "bound", le(size, const(LONGEST, t)), span, f"more than {LONGEST} elements")
    return found


def domain(ctx: Ctx, b: ast.Binder) -> list[tuple[Expr, Expr]]:
    """The elements that a binder goes through."""
    if b.domain is not None:
        return elements(ctx, ev(ctx, b.domain), b.span)
    ty = b.type.ty if b.type is not None else b.ty
    from dmaverify.lang.lower.values import all_values

    return elements(ctx, all_values(ctx, ty, b.span), b.span)


def bind_element(ctx: Ctx, b: ast.Binder, e: Expr) -> None:
    """Give a binder's names one element."""
    if len(b.names) == 1:
        ctx.bind(b, b.names[0], e)
        return
    assert isinstance(e.type, Record)
    for name, (part, _) in zip(b.names, e.type.fields, strict=True):
        if name != "_":
            ctx.bind(b, name, field(e, part))


def contains(ctx: Ctx, x: Val, v: Val, e: ast.Binary) -> Expr:
    """``x in v``."""
    from dmaverify.lang.lower.records import equal, flags_in

    if isinstance(v, Expr) and isinstance(v.type, Flags):
        assert isinstance(x, Expr)
        return flags_in(x, v)
    if isinstance(v, ModuleV | RangeV) or (isinstance(v, Expr) and isinstance(v.type, Record) and not is_list(v.type)):
        ty = sem.strip(e.left.conv or e.left.ty)
        if isinstance(v, ModuleV) and isinstance(ty, sem.IndexT):
            return within(ctx, x, v, e)
        v = stretch_of(ctx, v, e.span)
    if isinstance(v, Expr) and is_list(v.type):
        return or_(*(and_(c, equal(x, y)) for c, y in elements(ctx, v, e.span)))
    if not isinstance(x, Expr):
        x = stored(ctx, x, e.left.conv or e.left.ty, e.span)
    if isinstance(x.type, Opt):
        x = get(ctx, x, e.span)
    if isinstance(v, RangeV) and isinstance(v.of, Int) and isinstance(x.type, Index):
        raise Unsupported("say which address of the block is meant", e.span)
    return is_in(x, v)


def within(ctx: Ctx, a: Val, b: Val, e: ast.Binary) -> Expr:
    """``a within b``: nothing of a lies outside of b."""
    from dmaverify.lang.lower.records import flags_in, subset

    if isinstance(a, Expr) and isinstance(a.type, Flags) and isinstance(b, Expr):
        return flags_in(a, b)
    sets = [x for x in (a, b) if isinstance(x, SetV) or (isinstance(x, Expr) and isinstance(x.type, Mask))]
    if sets:
        index = as_set(sets[0]).of
        return subset(_as_blocks(ctx, a, index, e.left), _as_blocks(ctx, b, index, e.right))
    x_range = stretch_of(ctx, a, e.span, sem.strip(e.left.conv or e.left.ty))
    y_range = stretch_of(ctx, b, e.span, sem.strip(e.right.conv or e.right.ty))
    inside = and_(le(y_range.lo, x_range.lo), le(x_range.hi, y_range.hi))
    return or_(not_(lt(x_range.lo, x_range.hi)), inside)


def _as_blocks(ctx: Ctx, v: Val, index: IrType, e: ast.Expr) -> Val:
    if isinstance(v, Expr) and v.type == index:
        return set_of(index, [(TRUE, v)])
    if isinstance(v, ModuleV | RangeV) or (isinstance(v, Expr) and isinstance(v.type, Record)):
        r = stretch_of(ctx, v, e.span)
        return as_set(r)
    return v


def range_value(ctx: Ctx, e: ast.Range) -> Val:
    """``a..b``, ``a..=b``, ``a +.. n``. One whose end wraps around is empty."""
    ty = e.ty
    of = ctx.world.ir(ty.of) if isinstance(ty, sem.IterT) else ctx.world.ir(ty)
    lo, hi = ev_expr(ctx, e.lo), ev_expr(ctx, e.hi)
    if isinstance(of, Index | Enum | Range):
        start = ordinal_of(lo)
        if e.op == "+..":
            end = mk("add", (start, convert(hi, I64)))
        else:
            end = ordinal_of(hi)
            if e.op == "..=":
                end = mk("add", (end, const(1, I64)))
        return RangeV(start, end, of)
    assert isinstance(of, Int)
    start = convert(lo, of)
    if e.op == "+..":
        n = convert(hi, of)
        return RangeV(start, mk("add", (start, n)), of)
    end = convert(hi, of)
    if e.op == "..=":
        end = mk("add", (end, const(of.wrap(1), of)))
    return RangeV(start, end, of)
