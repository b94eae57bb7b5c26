"""Conversions where an expression stands (``conv``), built-in checks of operators, and values as they are
stored.
"""

from __future__ import annotations

from pathlib import Path

from dmaverify.ir.expr import Expr, and_, const, eq, field, ite, le, lt, mk, not_, or_, select, some, store
from dmaverify.ir.obligations import of_node
from dmaverify.ir.types import Enum, Index, Int, Map, Mask, Opt, Range, Record, Type
from dmaverify.lang import sem
from dmaverify.lang.lower.context import Ctx, Unsupported
from dmaverify.lang.lower.vals import I64, NullV, RangeV, SetV, Val, as_mask, as_opt, as_set, convert, null_of
from dmaverify.span import Span

KINDS = {
    "shift out of range": ("arithmetic", "DMA080"),
    "division by zero": ("arithmetic", "DMA081"),
    "null": ("memory", "DMA082"),
    "out of range": ("memory", "DMA083"),
    "value changed": ("arithmetic", "DMA084"),
    "out of its range": ("arithmetic", "DMA083"),
    "freed": ("memory", "DMA010"),
    "uninitialised": ("uninitialised", "DMA012"),
    "bound": ("bound", "DMA085"),
    "not one": ("memory", "DMA086"),
}
"""Kinds of built-in checks: the property that each belongs to, and its code."""


def require(ctx: Ctx, kind: str, cond: Expr, span: Span, message: str = "") -> None:
    """A built-in check: where execution comes here, ``cond`` must hold. In the text of a monitor it is the
    monitor's.
    """
    prop, code = KINDS[kind]
    where = f"{kind.replace(' ', '_')}@{Path(span.file).name}:{span.line}:{span.column}"
    monitor = ctx.frame.monitor
    if monitor is not None:
        ctx.step.check(monitor.name, f"{monitor.name}.{where}", cond, (message or kind,), span, plain=True)
        return
    ctx.step.check(prop, where, cond, (f"{code}: {message or kind}",), span, stop=True, plain=True)


def op(ctx: Ctx, name: str, args: tuple[Expr, ...], span: Span, type_: Type | None = None) -> Expr:
    """An operation with the built-in check that goes with it."""
    result = type_ if type_ is not None else args[0].type
    if name == "get":
        assert isinstance(args[0].type, Opt)
        result = args[0].type.of
    check = of_node(name, args, result)
    if check is not None:
        kind = "out of its range" if name == "narrow" and isinstance(result, Range) else check[0]
        require(ctx, kind, check[1], span)
    return mk(name, args, type_)


def get(ctx: Ctx, value: Expr, span: Span) -> Expr:
    """The value of a nullable expression; that it is not null is checked."""
    return op(ctx, "get", (value,), span)


def to_index(ctx: Ctx, number: Expr, index: Type, span: Span) -> Expr:
    """The value of an index with that ordinal; that there is one is checked."""
    return op(ctx, "narrow", (convert(number, I64),), span, index)


def converted(ctx: Ctx, v: Val, to: sem.SemType, span: Span) -> Val:
    """``v`` as a value of the semantic type ``to``."""
    if isinstance(to, sem.OptT):
        ir = ctx.world.ir(to)
        if isinstance(v, NullV):
            return null_of(ir)
        if isinstance(v, Expr) and isinstance(v.type, Opt):
            if v.type == ir:
                return v
            inner = converted(ctx, mk("get", (v,)), to.of, span)
            assert isinstance(inner, Expr)
            return ite(mk("present", (v,)), some(inner), null_of(ir))
        inner = converted(ctx, v, to.of, span)
        if not isinstance(inner, Expr):
            inner = stored(ctx, inner, to.of, span)
        return as_opt(inner)
    if isinstance(v, Expr) and isinstance(v.type, Opt):
        if isinstance(to, sem.SetT):
            return as_set(v)
        v = get(ctx, v, span)
    if isinstance(to, sem.IntT | sem.SpaceT | sem.BitsT):
        if isinstance(v, Expr):
            return convert(v, ctx.world.ir(to))
        from dmaverify.lang.lower.blocks import stretch_of

        return convert(stretch_of(ctx, v, span).lo, ctx.world.ir(to))
    if isinstance(to, sem.RangeT) and isinstance(v, Expr):
        ir = ctx.world.ir(to)
        if v.type == ir:
            return v
        if isinstance(v.type, Range):
            assert isinstance(ir, Range)
            v = mk("wrap", (v,), I64)
        return op(ctx, "narrow", (v,), span, ir)
    if isinstance(to, sem.IndexT) and not isinstance(v, Expr):
        from dmaverify.lang.lower.blocks import block_of

        return block_of(ctx, v, to, span)
    if isinstance(to, sem.SetT) and not isinstance(v, SetV):
        from dmaverify.lang.lower.blocks import as_elements

        return as_elements(ctx, v, to, span)
    if isinstance(to, sem.TupleT | sem.RecordT) and isinstance(v, Expr) and isinstance(v.type, Record):
        ir = ctx.world.ir(to)
        if v.type == ir:
            return v
        assert isinstance(ir, Record)
        wanted = to.items if isinstance(to, sem.TupleT) else tuple(f.ty for f in to.fields.values())
        parts = []
        for (name, _), ty, (_, ir_part) in zip(v.type.fields, wanted, ir.fields, strict=True):
            part = field(v, name)
            if part.type != ir_part:
                part = stored(ctx, converted(ctx, part, ty, span), ty, span)
            parts.append(part)
        return mk("rec", parts, ir)
    return v


def stored(ctx: Ctx, v: Val, ty: sem.SemType, span: Span) -> Expr:
    """A value in the form in which variables keep it."""
    ir = ctx.world.ir(ty)
    return stored_as(ctx, v, ir, span)


def stored_as(ctx: Ctx, v: Val, ir: Type, span: Span) -> Expr:
    """A value as one of the IR type ``ir``."""
    if isinstance(v, Expr):
        if v.type == ir:
            return v
        if isinstance(ir, Opt):
            if isinstance(v.type, Opt):
                inner = stored_as(ctx, mk("get", (v,)), ir.of, span)
                return ite(mk("present", (v,)), some(inner), null_of(ir))
            return some(stored_as(ctx, v, ir.of, span))
        if isinstance(v.type, Opt):
            return stored_as(ctx, get(ctx, v, span), ir, span)
        if isinstance(ir, Int):
            return convert(v, ir)
        if isinstance(ir, Range | Index | Enum) and isinstance(v.type, Int):
            return op(ctx, "narrow", (v,), span, ir)
        if isinstance(ir, Range) and isinstance(v.type, Range):
            return op(ctx, "narrow", (mk("wrap", (v,), I64),), span, ir)
        if is_list(ir) and is_list(v.type):
            return _resized(ctx, v, ir, span)
        if isinstance(ir, Mask) and v.type == ir.index:
            return mk("insert", (const(0, ir), v))
        if isinstance(ir, Map) and not isinstance(v.type, Map):
            return mk("fill", (stored_as(ctx, v, ir.of, span),), ir)  # one value for every key
        if isinstance(ir, Record) and isinstance(v.type, Record) and len(ir.fields) == len(v.type.fields):
            pairs = zip(v.type.fields, ir.fields, strict=True)
            return mk("rec", [stored_as(ctx, field(v, n), t, span) for (n, _), (_, t) in pairs], ir)
        raise Unsupported(f"a value of {v.type} cannot be kept as {ir}", span)
    if isinstance(v, NullV):
        return null_of(ir)
    if isinstance(ir, Mask) and isinstance(v, SetV | RangeV):
        return as_mask(v, ir.index)
    if is_cells(ir) and isinstance(v, SetV):
        return cells_of(ctx, v, ir, span)
    if is_list(ir) and isinstance(v, RangeV):
        return _listed(ctx, v, ir, span)
    if isinstance(ir, Record) and isinstance(v, RangeV) and [n for n, _ in ir.fields] == ["first", "count"]:
        first, count = ir.fields[0][1], ir.fields[1][1]
        return mk(
            "rec",
            [to_index(ctx, v.lo, first, span), convert(mk("sub", (v.hi, v.lo)), count)],
            ir,
        )
    raise Unsupported("a set or a range is not a value that can be kept", span)


# -- lists, and sets of anything but indexes: cells from the front, the rest cleared -----------


def is_list(t: Type) -> bool:
    """Whether this is the record that a ``list`` is kept as."""
    return isinstance(t, Record) and [n for n, _ in t.fields] == ["count", "cells"]


def is_cells(t: Type) -> bool:
    """Whether this is the map that a ``set`` of anything but indexes is kept as: sorted cells, the empty ones
    last.
    """
    return isinstance(t, Map) and isinstance(t.of, Opt) and isinstance(t.index, Range) and t.index.lo == 0


def list_parts(v: Expr) -> tuple[Expr, list[Expr]]:
    """How many elements, and all cells."""
    cells = field(v, "cells")
    assert isinstance(cells.type, Map)
    index = cells.type.index
    assert isinstance(index, Range)
    return field(v, "count"), [select(cells, const(i, index)) for i in range(index.lo, index.hi + 1)]


def list_of(ir: Type, count: Expr, cells: list[Expr]) -> Expr:
    """A list of these cells; those from ``count`` on are cleared, so that equal lists are equal records."""
    assert isinstance(ir, Record)
    counter, array = ir.fields[0][1], ir.fields[1][1]
    assert isinstance(array, Map)
    assert isinstance(counter, Range)
    whole: Expr = const(array.default, array)
    for i, c in enumerate(cells):
        blank = const(array.of.default, array.of)
        whole = store(whole, const(i, array.index), ite(lt(const(i, counter), count), c, blank))
    return mk("rec", [count, whole], ir)


def _resized(ctx: Ctx, v: Expr, ir: Type, span: Span) -> Expr:
    assert isinstance(ir, Record)
    count, cells = list_parts(v)
    counter = ir.fields[0][1]
    room = counter.count - 1
    size = mk("wrap", (count,), I64)
    require(ctx, "bound", le(size, const(room, I64)), span, "a list is full")
    return list_of(ir, mk("narrow", (size,), counter), cells[:room])


def _listed(ctx: Ctx, v: RangeV, ir: Type, span: Span) -> Expr:
    assert isinstance(ir, Record)
    counter, array = ir.fields[0][1], ir.fields[1][1]
    assert isinstance(array, Map)
    size = mk("sub", (convert(v.hi, I64), convert(v.lo, I64)))
    require(ctx, "bound", le(size, const(counter.count - 1, I64)), span, "a list is full")
    cells = []
    for i in range(counter.count - 1):
        at = mk("add", (convert(v.lo, I64), const(i, I64)))
        cells.append(mk("narrow", (at,), array.of) if not isinstance(array.of, Int) else convert(at, array.of))
    return list_of(ir, mk("narrow", (size,), counter), cells)


def less(a: Expr, b: Expr) -> Expr:
    """A total order on the values of any one type: what sorted cells are sorted by."""
    t = a.type
    if isinstance(t, Int | Range | Index | Enum):
        return lt(a, b)
    if isinstance(t, Opt):
        both = and_(mk("present", (a,)), mk("present", (b,)))
        return or_(
            and_(not_(mk("present", (a,))), mk("present", (b,))),
            and_(both, less(mk("get", (a,)), mk("get", (b,)))),
        )
    if isinstance(t, Record):
        result: Expr = const(False, eq(a, b).type)
        for name, _ in reversed(t.fields):
            x, y = field(a, name), field(b, name)
            result = or_(less(x, y), and_(eq(x, y), result))
        return result
    if isinstance(t, Mask):
        wide = Int(max(1, t.bits), False)
        return lt(mk("wrap", (a,), wide), mk("wrap", (b,), wide))
    return and_(not_(a), b)


def cell_values(v: Expr) -> list[Expr]:
    """The cells of a stored set."""
    assert isinstance(v.type, Map)
    return [select(v, const(i, v.type.index)) for i in range(v.type.index.count)]


def from_cells(cells: list[Expr], ir: Type) -> Expr:
    """A stored set of these cells."""
    assert isinstance(ir, Map)
    whole: Expr = const(ir.default, ir)
    for i, c in enumerate(cells):
        whole = store(whole, const(i, ir.index), c)
    return whole


def with_element(ctx: Ctx, v: Expr, x: Expr, cond: Expr, span: Span) -> Expr:
    """A stored set with one more element where ``cond`` holds; that there is room is a bound of the model."""
    cells = cell_values(v)
    wanted = some(x)
    there = or_(*(eq(c, wanted) for c in cells))
    insert = and_(cond, not_(there))
    last_free = not_(mk("present", (cells[-1],)))
    with ctx.step.assuming(insert):
        require(ctx, "bound", last_free, span, "a set is full")
    new: list[Expr] = []
    for i, c in enumerate(cells):
        before = or_(not_(mk("present", (c,))), less(wanted, c))  # the new one belongs at or before this cell
        if i == 0:
            value = ite(before, wanted, c)
        else:
            p = cells[i - 1]
            earlier = or_(not_(mk("present", (p,))), less(wanted, p))
            value = ite(earlier, p, ite(before, wanted, c))
        new.append(ite(insert, value, c))
    return from_cells(new, v.type)


def without_element(v: Expr, x: Expr, cond: Expr) -> Expr:
    """A stored set without one element where ``cond`` holds."""
    cells = cell_values(v)
    assert isinstance(v.type, Map)
    blank = const(None, v.type.of)
    wanted = some(x)
    gone = and_(cond, eq(cells[0], wanted))
    new: list[Expr] = []
    for i, c in enumerate(cells):
        if i > 0:
            gone = or_(gone, and_(cond, eq(c, wanted)))
        following = cells[i + 1] if i + 1 < len(cells) else blank
        new.append(ite(gone, following, c))
    return from_cells(new, v.type)


def cells_of(ctx: Ctx, v: SetV, ir: Type, span: Span) -> Expr:
    """A set expression as a stored set."""
    whole: Expr = const(ir.default, ir)
    assert isinstance(ir, Map)
    assert isinstance(ir.of, Opt)
    for c, e in v.items:
        whole = with_element(ctx, whole, stored_as(ctx, e, ir.of.of, span), c, span)
    return whole
