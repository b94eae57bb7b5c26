"""What an expression of the language becomes: an IR expression, or something that exists only while lowering.

Sets, stretches of numbers and funcs passed as arguments are never stored; they are taken apart where they are
used. ``pick`` merges two values under a condition, as a branch or a ``? :`` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, ite, le, lt, mk, not_, or_, select, some
from dmaverify.ir.types import Bool, Enum, Flags, Index, Int, Map, Mask, Opt, Range
from dmaverify.ir.types import Type as IrType


@dataclass(frozen=True)
class SetV:
    """The elements that are there when their condition holds. Conditions of equal elements add up."""

    of: IrType
    items: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True)
class RangeV:
    """The values ``v`` with ``lo <= v < hi``. For an index, ``lo`` and ``hi`` are ordinals as i64 and ``of``
    is the index.
    """

    lo: Expr
    hi: Expr
    of: IrType


@dataclass(frozen=True)
class FuncV:
    """A func as an argument; ``decl`` None is ``none``, which is true of everything."""

    decl: Any


@dataclass(frozen=True)
class NullV:
    """``null`` before it is known of what."""


@dataclass(frozen=True)
class ModuleV:
    """A name that only leads to others: a monitor, a place, a client."""

    what: Any


Val = Expr | SetV | RangeV | FuncV | NullV | ModuleV

I64 = Int(64, True)


class Unmergeable(Exception):
    """Two values that no single one stands for: the text says which is meant only while it runs."""


def pick(cond: Expr, a: Val, b: Val) -> Val:
    """``a`` where ``cond`` holds, else ``b``."""
    if cond is TRUE or a is b:
        return a
    if cond is FALSE:
        return b
    if isinstance(a, NullV) and isinstance(b, NullV):
        return a
    if isinstance(a, NullV) and isinstance(b, Expr):
        return pick(cond, null_of(b.type), as_opt(b))
    if isinstance(b, NullV) and isinstance(a, Expr):
        return pick(cond, as_opt(a), null_of(a.type))
    if isinstance(a, Expr) and isinstance(b, Expr):
        if a.type != b.type:
            if isinstance(a.type, Opt) and a.type.of == b.type:
                b = some(b)
            elif isinstance(b.type, Opt) and b.type.of == a.type:
                a = some(a)
        return ite(cond, a, b)
    if isinstance(a, SetV | Expr) and isinstance(b, SetV | Expr):
        x, y = as_set(a), as_set(b)
        items = [(and_(cond, c), e) for c, e in x.items] + [(and_(not_(cond), c), e) for c, e in y.items]
        return set_of(x.of, items)
    if isinstance(a, RangeV) and isinstance(b, RangeV):
        return RangeV(ite(cond, a.lo, b.lo), ite(cond, a.hi, b.hi), a.of)
    if a == b:
        return a
    raise Unmergeable


def set_of(of: IrType, items: list[tuple[Expr, Expr]]) -> SetV:
    """A set with conditions of equal elements joined and absent elements left out."""
    found: dict[Expr, Expr] = {}
    for c, e in items:
        if c is not FALSE:
            found[e] = or_(found[e], c) if e in found else c
    return SetV(of, tuple((c, e) for e, c in found.items()))


def index_consts(t: IrType) -> list[Expr]:
    """All values of an index-like type as constants."""
    if isinstance(t, Bool):
        return [const(False, t), const(True, t)]
    if isinstance(t, Range):
        return [const(v, t) for v in range(t.lo, t.hi + 1)]
    return [const(v, t) for v in range(t.count)]


def as_set(v: Val) -> SetV:
    """A mask or an optional value as a set expression; a set itself."""
    if isinstance(v, SetV):
        return v
    if isinstance(v, Expr) and isinstance(v.type, Mask):
        return set_of(v.type.index, [(mk("member", (v, i)), i) for i in index_consts(v.type.index)])
    if isinstance(v, Expr) and isinstance(v.type, Opt):
        return set_of(v.type.of, [(mk("present", (v,)), mk("get", (v,)))])
    if isinstance(v, Expr) and isinstance(v.type, Map) and isinstance(v.type.of, Opt):
        cells = [select(v, i) for i in index_consts(v.type.index)]
        return set_of(v.type.of.of, [(mk("present", (c,)), mk("get", (c,))) for c in cells])
    if isinstance(v, RangeV):
        return set_of(v.of, [(in_range(v, e), e) for e in index_consts(v.of)])
    if isinstance(v, Expr):
        return set_of(v.type, [(TRUE, v)])
    raise Unmergeable


def as_mask(v: Val, index: IrType) -> Expr:
    """A set as a stored mask over ``index``."""
    if isinstance(v, Expr) and isinstance(v.type, Mask):
        return v
    mask: Expr = const(0, Mask(index))
    for c, e in as_set(v).items:
        with_it = mk("insert", (mask, e))
        mask = ite(c, with_it, mask)
    return mask


def is_in(x: Expr, v: Val) -> Expr:
    """Whether ``x`` is an element."""
    if isinstance(v, RangeV):
        return in_range(v, x)
    if isinstance(v, Expr) and isinstance(v.type, Mask):
        return mk("member", (v, x))
    if isinstance(v, Expr) and isinstance(v.type, Flags):
        return ne_zero(mk("band", (v, x)))
    return or_(*(and_(c, eq(e, x)) for c, e in as_set(v).items))


def ne_zero(x: Expr) -> Expr:
    """Whether a number or flag set is not zero."""
    return not_(eq(x, const(0, x.type)))


def ordinal_of(x: Expr) -> Expr:
    """The ordinal of an index value as i64."""
    return x if x.type == I64 else mk("wrap", (x,), I64)


def in_range(r: RangeV, x: Expr) -> Expr:
    """``lo <= x < hi``, the three brought to one type first."""
    if isinstance(r.of, Index | Enum):
        o = ordinal_of(x)
        return and_(le(r.lo, o), lt(o, r.hi))
    if x.type != r.lo.type:
        if isinstance(x.type, Range):
            x = mk("wrap", (x,), r.lo.type)
        else:
            wide = wider(x.type, r.lo.type)
            lo, hi = convert(r.lo, wide), convert(r.hi, wide)
            x = convert(x, wide)
            return and_(le(lo, x), lt(x, hi))
    return and_(le(r.lo, x), lt(x, r.hi))


def wider(a: IrType, b: IrType) -> Int:
    """An integer type that holds the values of both where there is one, else 64 bits of the first's sign."""
    assert isinstance(a, Int)
    assert isinstance(b, Int)
    if a == b:
        return a
    if a.signed == b.signed:
        return a if a.width >= b.width else b
    signed, unsigned = (a, b) if a.signed else (b, a)
    if signed.width > unsigned.width:
        return signed
    return Int(64, unsigned.width < 64)


def convert(x: Expr, t: IrType) -> Expr:
    """A number as an integer of another type, modulo its width."""
    return x if x.type == t else mk("wrap", (x,), t)


def null_of(t: IrType) -> Expr:
    """The null of ``T?`` or of T's nullable type."""
    return const(None, t if isinstance(t, Opt) else Opt(t))


def as_opt(x: Expr) -> Expr:
    """A value as one of its nullable type."""
    return x if isinstance(x.type, Opt) else some(x)


def map_exprs(v: Val, f: Callable[[Expr], Expr]) -> Val:
    """The value with ``f`` applied to the expressions that it is made of."""
    if isinstance(v, Expr):
        return f(v)
    if isinstance(v, SetV):
        return set_of(v.of, [(f(c), f(e)) for c, e in v.items])
    if isinstance(v, RangeV):
        return RangeV(f(v.lo), f(v.hi), v.of)
    return v


def exprs_of(v: Val) -> list[Expr]:
    """The expressions that a value is made of."""
    if isinstance(v, Expr):
        return [v]
    if isinstance(v, SetV):
        return [x for pair in v.items for x in pair]
    if isinstance(v, RangeV):
        return [v.lo, v.hi]
    return []
