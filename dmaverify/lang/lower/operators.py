"""Operators, quantifiers, folds, comprehensions and choices."""

from __future__ import annotations

from collections.abc import Iterator

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, field, input_, ite, lt, mk, not_, or_, some
from dmaverify.ir.types import BOOL, Bool, Enum, Flags, Index, Int, Map, Mask, Opt, Range, Record
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.blocks import (
    as_elements,
    bind_element,
    contains,
    domain,
    elements,
    range_value,
    within,
)
from dmaverify.lang.lower.context import Ctx, Unsupported, ev, ev_expr, evaluates
from dmaverify.lang.lower.conversions import (
    converted,
    get,
    is_cells,
    is_list,
    list_parts,
    op,
    require,
    stored_as,
    to_index,
    with_element,
    without_element,
)
from dmaverify.lang.lower.vals import (
    I64,
    NullV,
    RangeV,
    SetV,
    Val,
    as_mask,
    as_set,
    convert,
    is_in,
    null_of,
    ordinal_of,
    pick,
    set_of,
    wider,
)
from dmaverify.lang.lower.values import all_values, equal
from dmaverify.span import Span

ARITHMETIC = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "rem",
    "&": "band",
    "|": "bor",
    "^": "bxor",
    "<<": "shl",
    ">>": "shr",
}


@evaluates(ast.Binary)
def _binary(ctx: Ctx, e: ast.Binary) -> Val:
    if e.op in ("and", "or", "=>"):
        return patterns.condition(ctx, e)
    if e.op in ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "within"):
        return _comparison(ctx, e)
    if e.op == "??":
        left = ev_expr(ctx, e.left)
        there = mk("present", (left,))
        with ctx.step.assuming(not_(there)):
            right = ev(ctx, e.right)
        inner = mk("get", (left,))
        if isinstance(e.ty, sem.OptT):
            if isinstance(right, NullV):
                return left
            return pick(there, some(inner), right)
        return pick(there, inner, right)
    return arithmetic(ctx, e.op, ev(ctx, e.left), ev(ctx, e.right), e.ty, e.span)


def _comparison(ctx: Ctx, e: ast.Binary) -> Expr:
    left, right = ev(ctx, e.left), ev(ctx, e.right)
    if e.op in ("==", "!="):
        same = equal(left, right)
        return same if e.op == "==" else not_(same)
    if e.op in ("in", "not in"):
        found = contains(ctx, left, right, e)
        return found if e.op == "in" else not_(found)
    if e.op == "within":
        return within(ctx, left, right, e)
    assert isinstance(left, Expr) and isinstance(right, Expr)
    a, b = alike(left, right)
    if e.op in (">", ">="):
        a, b = b, a
    return mk("lt" if e.op in ("<", ">") else "le", (a, b))


def alike(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """Two numbers in one type."""
    if a.type == b.type:
        return a, b
    t = wider(_number_type(a), _number_type(b))
    return convert(a, t), convert(b, t)


def _number_type(a: Expr) -> Int:
    return a.type if isinstance(a.type, Int) else I64


def arithmetic(ctx: Ctx, sign: str, left: Val, right: Val, ty: sem.SemType, span: Span) -> Val:
    """``left sign right``; the type of the result says what is computed."""
    if isinstance(ty, sem.SetT) or (isinstance(left, Expr) and is_cells(left.type)):
        return _set_operation(ctx, sign, left, right, ty, span)
    if isinstance(left, NullV) or isinstance(right, NullV) or not isinstance(left, Expr):
        raise Unsupported(f"`{sign}` is not defined here", span)
    assert isinstance(right, Expr)
    ir = ctx.world.ir(ty)
    if isinstance(left.type, Flags):
        if isinstance(right.type, Mask | Int):
            right = const(0, left.type)
        if sign == "-":
            return mk("band", (left, mk("bnot", (right,))))
        return mk({"+": "bor", "|": "bor", "&": "band", "^": "bxor"}[sign], (left, right))
    if isinstance(left.type, Index | Enum | Range) and isinstance(ir, Index | Enum):
        number = mk(ARITHMETIC[sign], (ordinal_of(left), convert(ordinal_of(right), I64)))
        return to_index(ctx, number, ir, span)
    if isinstance(left.type, Index | Enum) and isinstance(right.type, Index | Enum):
        return convert(mk(ARITHMETIC[sign], (ordinal_of(left), ordinal_of(right))), ir)
    assert isinstance(ir, Int)
    if not isinstance(left.type, Int):
        left = convert(left, ir)
    if not isinstance(right.type, Int):
        right = convert(right, left.type if sign in ("<<", ">>") else ir)
    if sign not in ("<<", ">>"):
        left, right = alike(left, right)
    return convert(op(ctx, ARITHMETIC[sign], (left, right), span), ir)


def _set_operation(ctx: Ctx, sign: str, left: Val, right: Val, ty: sem.SemType, span: Span) -> Val:
    assert isinstance(ty, sem.SetT)
    if isinstance(left, Expr) and is_cells(left.type):
        assert isinstance(left.type, Map) and isinstance(left.type.of, Opt)
        whole = left
        for c, x in _addends(ctx, right, left.type.of.of, span):
            whole = (
                with_element(ctx, whole, x, c, span) if sign in ("+", "|") else without_element(whole, x, c)
            )
        return whole
    of = ctx.world.ir(ty.of)
    addends = _addends(ctx, right, of, span)
    if isinstance(left, Expr) and isinstance(left.type, Mask):
        if isinstance(right, Expr) and isinstance(right.type, Mask):
            other = right if sign != "-" else mk("bnot", (right,))
            return mk("band" if sign in ("-", "&") else "bor", (left, other))
        mask: Expr = left
        if sign == "&":
            return mk("band", (left, as_mask(right, of)))
        for c, x in addends:
            mask = ite(c, mk("insert" if sign in ("+", "|") else "remove", (mask, x)), mask)
        return mask
    base = as_set(left)
    if sign in ("+", "|"):
        return set_of(of, [*base.items, *addends])
    other_set = SetV(of, tuple(addends))
    if sign == "-":
        return set_of(of, [(and_(c, not_(is_in(x, other_set))), x) for c, x in base.items])
    return set_of(of, [(and_(c, is_in(x, other_set)), x) for c, x in base.items])


def _addends(ctx: Ctx, v: Val, of: object, span: Span) -> list[tuple[Expr, Expr]]:
    """What a right side adds or removes: a set, one element, or perhaps one."""
    if isinstance(v, NullV):
        return []
    if isinstance(v, Expr) and not isinstance(v.type, Mask) and not is_cells(v.type):
        if isinstance(v.type, Opt):
            return [(mk("present", (v,)), stored_as(ctx, mk("get", (v,)), of, span))]  # type: ignore[arg-type]
        if not is_list(v.type):
            return [(TRUE, stored_as(ctx, v, of, span))]  # type: ignore[arg-type]
        return elements(ctx, v, span)
    return list(as_set(v).items)


@evaluates(ast.Unary)
def _unary(ctx: Ctx, e: ast.Unary) -> Val:
    if e.op == "not":
        return not_(patterns.condition(ctx, e.operand))
    value = ev_expr(ctx, e.operand)
    if e.op == "-":
        t = ctx.world.ir(e.ty)
        return mk("neg", (convert(value, t),))
    return mk("bnot", (value,))


@evaluates(ast.Range)
def _range(ctx: Ctx, e: ast.Range) -> Val:
    return range_value(ctx, e)


@evaluates(ast.Cast)
def _cast(ctx: Ctx, e: ast.Cast) -> Val:
    value = ev_expr(ctx, e.base)
    if e.wrap:
        return cast(ctx, value, e.ty, e.span)
    ir = ctx.world.ir(e.ty)
    if isinstance(ir, Int):
        new = convert(value, ir)
        back = convert(new, value.type) if isinstance(value.type, Int) else None
        if back is not None and not _holds(ir, value.type):
            sign = TRUE
            if isinstance(value.type, Int) and value.type.signed != ir.signed:
                zero_new, zero_old = const(0, ir), const(0, value.type)
                sign = eq(lt(new, zero_new), lt(value, zero_old))
            require(ctx, "value changed", and_(eq(back, value), sign), e.span)
        return new
    return converted(ctx, value, e.ty, e.span)


def _holds(t: Int, other: object) -> bool:
    return isinstance(other, Int) and t.lo <= other.lo and other.hi <= t.hi


def cast(ctx: Ctx, value: Val, ty: sem.SemType, span: Span) -> Val:
    """``T(x)``: to a number modulo its width; to an index, the value with that number or the block at that address."""
    if not isinstance(value, Expr):
        return converted(ctx, value, ty, span)
    if isinstance(value.type, Opt):
        value = get(ctx, value, span)
    ir = ctx.world.ir(ty)
    if isinstance(ir, Int):
        return convert(value, ir)
    if (
        isinstance(ty, sem.IndexT)
        and ty.is_partition
        and isinstance(value.type, Int)
        and value.type.width == 64
    ):
        starts, ends = ctx.world.bounds(ty)
        t = value.type
        hits = []
        for i, (a, b) in enumerate(zip(starts, ends, strict=True)):
            inside = and_(mk("le", (const(t.wrap(a), t), value)), lt(value, const(t.wrap(b), t)))
            hits.append((inside, const(i, ir)))
        require(ctx, "out of range", or_(*(c for c, _ in hits)), span, "there is no memory")
        result = const(ir.default, ir)
        for c, x in reversed(hits):
            result = ite(c, x, result)
        return result
    if isinstance(ir, Bool):
        return value
    return to_index(ctx, ordinal_of(value), ir, span) if value.type != ir else value


# -- quantifiers and folds ---------------------------------------------


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
        require(
            ctx, "not one", and_(or_(*conds), *(not_(p) for p in pairs)), e.span, "not exactly one element"
        )
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
        return ctx.step.choose("any", t)
    raise Unsupported(f"any value of {e.ty} is too much to choose from", e.span)


def choose(ctx: Ctx, found: list[tuple[Expr, Expr]], ty: sem.SemType, name: str, span: Span) -> Expr:
    """One of the elements that are there: an input of the step. Null where there is none, if the type has one."""
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


# -- funcs of the language ---------------------------------------------


def builtin(ctx: Ctx, name: str, e: ast.Call) -> Val:
    """``min``, ``bit``, ``popcount``, ``free``, ``len`` and so on."""
    slot = getattr(e.args[0].value, "ref", None)
    if name in ("empty", "full") and isinstance(slot, symbols.SlotSym):
        return ctx.world.slots.fullness(ctx, name, slot)
    args = [ev(ctx, a.value) for a in e.args]
    first = args[0]
    assert isinstance(first, Expr)
    if name in ("min", "max"):
        best = first
        for other in args[1:]:
            assert isinstance(other, Expr)
            best, x = alike(best, other)
            best = ite(lt(x, best), x, best) if name == "min" else ite(lt(best, x), x, best)
        return best
    if name == "bit":
        assert isinstance(first.type, Int) and isinstance(args[1], Expr)
        shifted = mk("shr", (mk("wrap", (first,), Int(first.type.width, False)), args[1]))
        return eq(mk("band", (shifted, const(1, shifted.type))), const(1, shifted.type))
    if name in ("popcount", "bitlen"):
        if is_cells(first.type) or isinstance(first.type, Mask):
            total: Expr = const(0, Int(32, False))
            for c, _ in as_set(first).items:
                total = mk("add", (total, ite(c, const(1, total.type), const(0, total.type))))
            return total
        return mk(name, (first,))
    if name == "free":
        return not_(first)
    count, cells = list_parts(first)
    assert isinstance(count.type, Range)
    if name == "len":
        return mk("wrap", (count,), Int(32, False))
    if name == "empty":
        return eq(count, const(0, count.type))
    if name == "full":
        return eq(count, const(count.type.hi, count.type))
    assert name == "front"
    return ite(lt(const(0, count.type), count), some(cells[0]), null_of(cells[0].type))


__all__ = ["BOOL", "arithmetic", "builtin", "cast", "choose", "each", "field", "input_", "symbols"]
