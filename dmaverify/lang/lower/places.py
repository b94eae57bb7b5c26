"""What can be assigned: variables, ghosts, locals, and parts of these."""

from __future__ import annotations

from dmaverify.ir.expr import Expr
from dmaverify.ir.types import Map, Opt, Record
from dmaverify.lang import ast, symbols
from dmaverify.lang.lower.context import Cell, Ctx, Place, Unsupported, ev_expr, read_place
from dmaverify.lang.lower.conversions import get


def place_of(ctx: Ctx, e: ast.Expr) -> Place:
    """The place that an expression names."""
    from dmaverify.lang.lower.values import as_key, object_place

    w = ctx.world
    if isinstance(e, ast.Name | ast.Field) and isinstance(e.ref, symbols.VarSym):
        return Place(w.var(e.ref))
    if isinstance(e, ast.Name | ast.Field) and isinstance(e.ref, symbols.GhostSym):
        return Place(w.ghost(e.ref, ctx.frame.monitor))
    if isinstance(e, ast.Name) and isinstance(e.ref, symbols.SlotSym):
        return w.slots.place(ctx, e.ref, e)
    if isinstance(e, ast.Name) and isinstance(e.ref, symbols.LocalSym):
        bound = ctx.frame.env.get(e.ref.key)
        if isinstance(bound, Cell):
            return Place(bound.name, (), bound.unset)
        if isinstance(bound, Place):
            return bound
    if isinstance(e, ast.Field) and isinstance(e.ref, symbols.FieldRef):
        if e.ref.kind == "object":
            return object_place(ctx, ev_expr(ctx, e.base), e.ref, e.span)
        return place_of(ctx, e.base).then(e.ref.name)
    if isinstance(e, ast.Field) and isinstance(e.ref, symbols.BitRef):
        return place_of(ctx, e.base).then(e.ref.bits)
    if isinstance(e, ast.Index):
        place = place_of(ctx, e.base)
        for i in e.indexes:
            now = read_place(ctx.step, place)
            index = ev_expr(ctx, i)
            if isinstance(index.type, Opt):
                index = get(ctx, index, i.span)
            if isinstance(now.type, Record):
                cells = now.type.field_type("cells")
                assert isinstance(cells, Map)
                place = place.then("cells", as_key(ctx, index, cells.index, i.span))
                continue
            assert isinstance(now.type, Map)
            place = place.then(as_key(ctx, index, now.type.index, i.span))
        return place
    raise Unsupported("this is not a place that can be assigned", e.span)


def place_exprs(place: Place) -> list[Expr]:
    """The index expressions on the way to a place."""
    return [p for p in place.path if isinstance(p, Expr)]
