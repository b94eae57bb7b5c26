"""Quantifiers, folds, comprehensions, and choices of an element."""

from __future__ import annotations

from collections.abc import Iterator

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, ite, lt, mk, not_, or_, some
from dmaverify.ir.types import Bool, Enum, Flags, Index, Int, Mask, Opt, Range, Record
from dmaverify.lang import ast, sem
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.blocks import (
    as_elements,
    bind_element,
    domain,
    elements,
)
from dmaverify.lang.lower.context import Ctx, Unsupported, ev, evaluates
from dmaverify.lang.lower.conversions import (
    require,
    stored_as,
)
from dmaverify.lang.lower.vals import (
    NullV,
    RangeV,
    SetV,
    Val,
    null_of,
    pick,
    set_of,
)
from dmaverify.lang.lower.values import all_values
from dmaverify.span import Span


def each(ctx: Ctx, binders: list[ast.Binder], where: ast.Expr | None) -> Iterator[tuple[Expr, list[Expr]]]:
    """All combinations of elements, bound in turn, each with the condition that it counts."""

    def go(i: int, cond: Expr, chosen: list[Expr]) -> Iterator[tuple[Expr, list[Expr]]]:
        if i == len(binders):
            if where is not None:
                with ctx.step.assuming(cond):
                    cond = and_(cond, patterns.condition(ctx, where))
            if cond is not FALSE:
                yield cond, chosen
            return
        with ctx.step.assuming(cond):
            candidates = domain(ctx, binders[i])
        for c, x in candidates:
            bind_element(ctx, binders[i], x)
            yield from go(i + 1, and_(cond, c), [*chosen, x])

    yield from go(0, TRUE, [])


@evaluates(ast.Quant)
def _quantifier(ctx: Ctx, e: ast.Quant) -> Val:
    parts: list[Expr] = []
    for cond, _ in each(ctx, e.binders, e.where):
        with ctx.step.assuming(cond):
            body = patterns.condition(ctx, e.body)
        parts.append(or_(not_(cond), body) if e.kind == "all" else and_(cond, body))
    if e.kind == "all":
        return and_(*parts)
    return or_(*parts) if e.kind == "some" else not_(or_(*parts))


@evaluates(ast.SetComp)
def _comprehension(ctx: Ctx, e: ast.SetComp) -> Val:
    assert isinstance(e.ty, sem.SetT)
    of = ctx.world.ir(e.ty.of)
    items: list[tuple[Expr, Expr]] = []
    for cond, _ in each(ctx, e.binders, e.where):
        with ctx.step.assuming(cond):
            items.append((cond, stored_as(ctx, ev(ctx, e.value), of, e.span)))
    return set_of(of, items)


@evaluates(ast.Fold)
def _fold(ctx: Ctx, e: ast.Fold) -> Val:
    ir = ctx.world.ir(e.ty)
    inner = ir.of if isinstance(ir, Opt) else ir
    found: list[tuple[Expr, Expr]] = []
    for cond, _ in each(ctx, [e.binder], e.where):
        if e.kind == "count":
            found.append((cond, const(1, inner)))
            continue
        assert e.value is not None
        with ctx.step.assuming(cond):
            found.append((cond, stored_as(ctx, ev(ctx, e.value), inner, e.span)))
    if e.kind in ("count", "sum"):
        total: Expr = const(0, inner)
        for cond, x in found:
            total = mk("add", (total, ite(cond, x, const(0, inner))))
        return total
    best, there = const(inner.default, inner), FALSE
    for cond, x in found:
        better = lt(x, best) if e.kind == "min" else lt(best, x)
        best = ite(and_(cond, or_(not_(there), better)), x, best)
        there = or_(there, cond)
    if isinstance(ir, Opt):
        return ite(there, some(best), null_of(ir))
    require(ctx, "not one", there, e.span, "there is no element")
    return best


@evaluates(ast.Choice)
def _choice(ctx: Ctx, e: ast.Choice) -> Val:
    found: list[tuple[Expr, Val]] = []
    for cond, chosen in each(ctx, [e.binder], e.where):
        value: Val = chosen[0]
        if e.value is not None:
            with ctx.step.assuming(cond):
                value = ev(ctx, e.value)
        found.append((cond, value))
    if e.kind == "any":
        return choose(ctx, [(c, v) for c, v in found if isinstance(v, Expr)], e.ty, e.binder.names[0], e.span)
    if e.kind == "one":
        if not found:
            raise Unsupported("there is no element at all", e.span)
        conds = [c for c, _ in found]
        pairs = [and_(a, b) for i, a in enumerate(conds) for b in conds[i + 1 :]]
        require(ctx, "not one", and_(or_(*conds), *(not_(p) for p in pairs)), e.span, "not exactly one element")
    ordered = found if e.kind != "last" else found[::-1]
    if e.kind == "one":
        result = ordered[-1][1]
        for c, v in reversed(ordered[:-1]):
            result = pick(c, v, result)
        return result
    ir = ctx.world.ir(e.ty)
    nothing: Expr = null_of(ir)
    assert isinstance(nothing.type, Opt)
    answer = nothing
    for c, v in reversed(ordered):
        answer = ite(c, stored_as(ctx, v, nothing.type, e.span), answer)
    return answer


@evaluates(ast.AnyIn)
def _any_in(ctx: Ctx, e: ast.AnyIn) -> Val:
    split = ctx.frame.env.get((id(e), "any"))
    if isinstance(split, Expr):
        return split
    domain_value = ev(ctx, e.domain)
    if isinstance(domain_value, Expr) and isinstance(domain_value.type, Flags):
        raise Unsupported("say which flags are meant, with a set of flag sets", e.span)
    if not isinstance(domain_value, Expr | SetV | RangeV | NullV):
        assert isinstance(e.domain.ty, sem.SetT)
        domain_value = as_elements(ctx, domain_value, e.domain.ty, e.span)
    return choose(ctx, elements(ctx, domain_value, e.span), e.ty, "any", e.span)


@evaluates(ast.AnyType)
def _any_type(ctx: Ctx, e: ast.AnyType) -> Val:
    split = ctx.frame.env.get((id(e), "any"))
    if isinstance(split, Expr):
        return split
    t = ctx.world.ir(e.ty)
    if isinstance(e.ty, sem.ObjT):
        values = all_values(ctx, e.ty, e.span)
        return choose(ctx, elements(ctx, values, e.span), e.ty, "any", e.span)
    if isinstance(t, Bool | Int | Range | Enum | Index | Flags | Record | Opt | Mask):
        return ctx.step.unknown("any", t)
    raise Unsupported(f"any value of {e.ty} is too much to choose from", e.span)


def choose(ctx: Ctx, found: list[tuple[Expr, Expr]], ty: sem.SemType, name: str, span: Span) -> Expr:
    """One of the elements that are there: an input of the step. Null where there is none, if the type has
    one.
    """
    ir = ctx.world.ir(ty)
    of = ir.of if isinstance(ir, Opt) else ir
    found = [(c, stored_as(ctx, x, of, span)) for c, x in found if c is not FALSE]
    there = or_(*(c for c, _ in found))
    if not found:
        if isinstance(ir, Opt):
            return null_of(ir)
        ctx.step.require(FALSE)
        return const(of.default, of)
    step = ctx.step
    if len(found) == 1:
        value = found[0][1]
    elif all(x.is_const for _, x in found):
        values = tuple(dict.fromkeys(x.value for _, x in found))
        value = step.choose(name, of, values)
        allowed = or_(*(and_(c, eq(value, x)) for c, x in found))
        step.require(or_(allowed, and_(not_(there), eq(value, const(values[0], of)))))
    else:
        index = Range(0, len(found) - 1)
        k = step.choose(name, index)
        allowed = or_(*(and_(c, eq(k, const(i, index))) for i, (c, _) in enumerate(found)))
        step.require(or_(allowed, and_(not_(there), eq(k, const(0, index)))))
        value = found[-1][1]
        for i in range(len(found) - 2, -1, -1):
            value = ite(eq(k, const(i, index)), found[i][1], value)
    if isinstance(ir, Opt):
        return ite(there, some(value), null_of(ir))
    step.require(there)
    return value
