"""Operators, quantifiers, folds, comprehensions and choices."""

from __future__ import annotations

from dmaverify.ir.expr import TRUE, Expr, and_, const, eq, ite, lt, mk, not_, or_, some
from dmaverify.ir.types import Bool, Enum, Flags, Index, Int, Map, Mask, Opt, Range
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.blocks import (
    contains,
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
from dmaverify.lang.lower.records import equal
from dmaverify.lang.lower.vals import (
    I64,
    NullV,
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
    assert isinstance(left, Expr)
    assert isinstance(right, Expr)
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
    if not isinstance(ir, Int):  # `x += e` where x is a range: computed as a number, and checked when it is stored
        ir = right.type if isinstance(right.type, Int) else I64
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
        assert isinstance(left.type, Map)
        assert isinstance(left.type.of, Opt)
        whole = left
        for c, x in _addends(ctx, right, left.type.of.of, span):
            whole = with_element(ctx, whole, x, c, span) if sign in ("+", "|") else without_element(whole, x, c)
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
    """``T(x)``: to a number modulo its width; to an index, the value with that number or the block at that
    address.
    """
    if not isinstance(value, Expr):
        return converted(ctx, value, ty, span)
    if isinstance(value.type, Opt):
        value = get(ctx, value, span)
    ir = ctx.world.ir(ty)
    if isinstance(ir, Int):
        return convert(value, ir)
    if isinstance(ty, sem.IndexT) and ty.is_partition and isinstance(value.type, Int) and value.type.width == 64:
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
        assert isinstance(first.type, Int)
        assert isinstance(args[1], Expr)
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
