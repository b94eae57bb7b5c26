"""Every way there is to compute an operator, as one function each, and the cases that they are compared on.

An engine is a function ``evaluate(op, values, arg_types, type, data) -> value``; the tests run all of
``ENGINES`` on all ``cases``. ``spelled_out`` is a second opinion on the operator table itself: it works on
strings of bits and on fractions, so that a slip in the table's Python (whose ``//``, ``%`` and ``>>`` are
not C's) cannot repeat itself here.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from dmaverify.engines.interp import Interpreter
from dmaverify.ir.expr import const, input_, raw, var
from dmaverify.ir.ops import OPS
from dmaverify.ir.system import System, Var
from dmaverify.ir.types import (
    BOOL,
    Bool,
    Enum,
    Flags,
    Index,
    Int,
    Map,
    Mask,
    Opt,
    Range,
    Record,
    Type,
    Value,
    index_values,
)
from tests.support.op_generated import generated
from tests.support.random_expr import ATTR, BUFFER, PAGE, SLOT, random_value

Evaluate = Callable[[str, Sequence[Value], Sequence[Type], Type, Any], Value]


class Case(NamedTuple):
    """One application of an operator."""

    op: str
    values: tuple[Value, ...]
    arg_types: tuple[Type, ...]
    type: Type
    data: Any = None

    @property
    def is_core(self) -> bool:
        """Whether only types of core IR occur."""
        return all(isinstance(t, Bool | Int) for t in (*self.arg_types, self.type))


WIDTHS = (1, 8, 32, 64)
INTS = tuple(Int(w, signed) for w in WIDTHS for signed in (False, True))
NARROW = (Range(0, 2), Range(-3, 200), Enum("Color", ("red", "green", "blue")), PAGE)
COUNTED = (BOOL, ATTR, Mask(PAGE), *NARROW)
OTHERS = (*COUNTED, Opt(PAGE), Opt(Int(8)), BUFFER, Map(SLOT, Opt(PAGE)), Map(Range(-1, 1), Int(8, True)))


def corners(t: Type) -> list[Value]:
    """Values where operators go wrong."""
    if isinstance(t, Int):
        w = t.width
        some = {
            0,
            1,
            2,
            3,
            7,
            w - 1,
            w,
            w + 1,
            t.lo,
            t.lo + 1,
            t.hi,
            t.hi - 1,
            -1,
            -2,
            -7,
            t.hi // 2,
            t.hi // 2 + 1,
        }
        return sorted(n for n in some if t.contains(n))
    if t.count <= 8 and isinstance(t, Bool | Range | Enum | Index | Flags | Mask):
        return index_values(t) if not isinstance(t, Flags | Mask) else list(range(t.count))
    return [t.default]


def _arguments(rng: random.Random, types: Sequence[Type], randoms: int) -> Iterator[tuple[Value, ...]]:
    """Corners with corners (a sample where they are many), and random values."""
    lists = [corners(t) for t in types]
    total = 1
    for values in lists:
        total *= len(values)
    if total <= 64:
        partial: list[tuple[Value, ...]] = [()]
        for values in lists:
            partial = [(*p, v) for p in partial for v in values]
        yield from partial
    else:
        for _ in range(64):
            yield tuple(rng.choice(values) for values in lists)
    for _ in range(randoms):
        yield tuple(random_value(rng, t) for t in types)


def signatures() -> Iterator[tuple[str, tuple[Type, ...], Type | None, Any]]:
    """Every operator with every sort of types that it takes."""
    t: Type
    index: Type
    of: Type
    for t in INTS:
        for op in ("add", "sub", "mul", "div", "rem", "band", "bor", "bxor", "lt", "le"):
            yield op, (t, t), None, None
        for amount in INTS:
            yield "shl", (t, amount), None, None
            yield "shr", (t, amount), None, None
            yield "wrap", (amount,), t, None
        for op in ("neg", "bnot", "bitlen", "popcount"):
            yield op, (t,), None, None
        for of in COUNTED:
            yield "wrap", (of,), t, None
        for of in NARROW:
            yield "narrow", (t,), of, None
    for t in (ATTR, Mask(PAGE)):
        for op in ("band", "bor", "bxor"):
            yield op, (t, t), None, None
        for op in ("bnot", "popcount"):
            yield op, (t,), None, None
    for t in NARROW:
        for op in ("lt", "le"):
            yield op, (t, t), None, None
    for t in (*INTS, *OTHERS):
        yield "eq", (t, t), None, None
        yield "ite", (BOOL, t, t), None, None
        if not isinstance(t, Opt):
            yield "some", (t,), None, None
            yield "present", (Opt(t),), None, None
            yield "get", (Opt(t),), None, None
        r = Record("R", (("a", t), ("b", BOOL), ("c", t)))
        yield "rec", (t, BOOL, t), r, None
        for name, of in r.fields:
            yield "field", (r,), None, name
            yield "with", (r, of), None, name
    for index in (BOOL, *NARROW[:1], *NARROW[2:], SLOT, Range(-1, 1)):
        for of in (BOOL, Int(8, True), Opt(PAGE)):
            m = Map(index, of)
            yield "select", (m, index), None, None
            yield "store", (m, index, of), None, None
            yield "fill", (of,), m, None
        if not isinstance(index, Bool):
            for op in ("member", "insert", "remove"):
                yield op, (Mask(index), index), None, None
    yield "not", (BOOL,), None, None
    for n in range(4):
        yield "and", (BOOL,) * n, None, None
        yield "or", (BOOL,) * n, None, None


def cases(rng: random.Random, randoms: int) -> Iterator[Case]:
    """Corner and ``randoms`` random values for every signature."""
    for op, types, own, data in signatures():
        result = OPS[op].check(types, own, data)
        for values in _arguments(rng, types, randoms):
            yield Case(op, values, types, result, data)


# -- the operator table ---------------------------------------------------------------------------------


def meaning(op: str, values: Sequence[Value], arg_types: Sequence[Type], t: Type, data: Any) -> Value:
    """What the table says."""
    return OPS[op].meaning(values, arg_types, t, data)


# -- the interpreter ------------------------------------------------------------------------------------


def interpreted(op: str, values: Sequence[Value], arg_types: Sequence[Type], t: Type, data: Any) -> Value:
    """The node with constants, variables and inputs in turn as its arguments, run by the interpreter."""
    system = System(
        "op", tuple(Var(f"v{n}", at, v) for n, (v, at) in enumerate(zip(values, arg_types, strict=True))), ()
    )
    run = Interpreter(system)
    given = {f"i{n}": v for n, v in enumerate(values)}
    makers = (
        lambda n, at: var(f"v{n}", at),
        lambda n, at: input_(f"i{n}", at),
        lambda n, at: const(values[n], at),
    )
    args = tuple(makers[n % 3](n, at) for n, at in enumerate(arg_types))
    return run.evaluate(raw(op, t, args, data), run.initial_state(), given)


# -- strings of bits and fractions ----------------------------------------------------------------------


def _bits(value: int, width: int) -> str:
    """Two's complement, the most significant bit first."""
    if value < 0:
        return _plus_one(_flip(_bits(-value, width)))
    text = ""
    for _ in range(width):
        value, low = divmod(value, 2)
        text = str(low) + text
    return text


def _flip(bits: str) -> str:
    return bits.translate({ord("0"): "1", ord("1"): "0"})


def _sum(a: str, b: str, carry: bool) -> str:
    """A ripple-carry adder; what it carries out of the top is lost."""
    total = ""
    for x, y in zip(reversed(a), reversed(b), strict=True):
        ones = (x + y).count("1") + carry
        total, carry = str(ones % 2) + total, ones >= 2
    return total


def _plus_one(bits: str) -> str:
    return _sum(bits, "0" * len(bits), True)


def _number(bits: str, t: Int) -> int:
    """What a string of bits means in a type: the top bit of a signed one counts negatively."""
    n = 0
    for place, bit in enumerate(reversed(bits)):
        n += 2**place if bit == "1" else 0
    return n - 2 ** len(bits) if t.signed and bits[0] == "1" else n


def _towards_zero(x: Fraction) -> int:
    whole = 0
    while abs(x) >= 1:  # by halves, so that large quotients end
        part = 1
        while abs(x) >= 2 * part:
            part *= 2
        whole += part if x > 0 else -part
        x -= part if x > 0 else -part
    return whole


def _signed_or_not(t: Int, n: int) -> int:
    return _number(_bits(n, max(t.width, n.bit_length() + 1))[-t.width :], t)


def _integer(op: str, v: Sequence[int], t: Int) -> int:
    a = _bits(v[0], t.width)
    b = _bits(v[1], t.width) if len(v) > 1 and op not in ("shl", "shr") else ""
    if op == "add":
        return _number(_sum(a, b, False), t)
    if op == "sub":
        return _number(_sum(a, _flip(b), True), t)
    if op == "neg":
        return _number(_plus_one(_flip(a)), t)
    if op == "mul":
        total = "0" * t.width
        for place, bit in enumerate(reversed(b)):
            if bit == "1":
                total = _sum(total, (a + "0" * place)[-t.width :], False)
        return _number(total, t)
    if op in ("div", "rem"):
        if v[1] == 0:
            by_zero = -1 if not t.signed or v[0] >= 0 else 1
            return v[0] if op == "rem" else _number(_bits(by_zero, t.width), t)
        quotient = _towards_zero(Fraction(v[0], v[1]))
        return _signed_or_not(t, quotient) if op == "div" else v[0] - quotient * v[1]
    if op == "shl":
        amount = v[1] if 0 <= v[1] < t.width else t.width
        return _number((a + "0" * amount)[-t.width :], t)
    if op == "shr":
        amount = v[1] if 0 <= v[1] < t.width else t.width
        filler = a[0] if t.signed else "0"
        return _number((filler * amount + a)[: t.width], t)
    return _number(_bitwise(op, a, b), t)


def _bitwise(op: str, a: str, b: str) -> str:
    if op == "bnot":
        return _flip(a)
    ones = {"band": ("11",), "bor": ("01", "10", "11"), "bxor": ("01", "10")}[op]
    return "".join("1" if x + y in ones else "0" for x, y in zip(a, b, strict=True))


def _as_set(t: Mask | Flags, value: int) -> set[int]:
    size = t.index.count if isinstance(t, Mask) else len(t.members)
    return {n for n in range(size) if _bits(value, size)[size - 1 - n] == "1"}


def _from_set(ordinals: set[int]) -> int:
    return sum(2**n for n in ordinals)


def _sets(op: str, v: Sequence[Value], ts: Sequence[Type]) -> Value:
    t = ts[0]
    assert isinstance(t, Mask | Flags)
    a = _as_set(t, v[0])
    if op == "popcount":
        return len(a)
    if op == "bnot":
        return _from_set(_as_set(t, t.count - 1) - a)
    if op in ("band", "bor", "bxor"):
        b = _as_set(t, v[1])
        return _from_set({"band": a & b, "bor": a | b, "bxor": a ^ b}[op])
    assert isinstance(t, Mask)
    place = index_values(t.index).index(v[1])
    if op == "member":
        return place in a
    return _from_set(a | {place} if op == "insert" else a - {place})


def spelled_out(op: str, v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    """The same operators, computed another way."""
    if op in ("not", "and", "or"):
        text = "".join("1" if x else "0" for x in v)
        return {"not": text == "0", "and": "0" not in text, "or": "1" in text}[op]
    if op == "ite":
        return dict(zip((True, False), v[1:], strict=True))[v[0]]
    if op == "eq":
        return repr(v[0]) == repr(v[1])
    if op in ("lt", "le"):
        gap = Fraction(v[1]) - Fraction(v[0])
        return gap > 0 or (op == "le" and gap == 0)
    if op == "wrap":
        assert isinstance(t, Int)
        value = int(v[0])
        wide = _bits(value, max(t.width, value.bit_length() + 1, 66))
        return _number(wide[-t.width :], t)
    if op == "narrow":
        return next((x for x in index_values(t) if x == v[0]), index_values(t)[0])
    if op in ("bitlen", "popcount") and isinstance(ts[0], Int):
        bits = _bits(v[0], ts[0].width)
        return len(bits.lstrip("0")) if op == "bitlen" else bits.count("1")
    if isinstance(ts[0] if ts else None, Mask | Flags) and op not in ("fill", "some", "rec"):
        return _sets(op, v, ts)
    if isinstance(t, Int) and op in (
        "add",
        "sub",
        "mul",
        "div",
        "rem",
        "neg",
        "shl",
        "shr",
        "band",
        "bor",
        "bxor",
        "bnot",
    ):
        return _integer(op, v, t)
    return _structured(op, v, ts, t, data)


def _structured(op: str, v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    whole = ts[0]
    if op == "some":
        return v[0]
    if op in ("present", "get"):
        return {"present": v[0] is not None, "get": t.default if v[0] is None else v[0]}[op]
    if op == "rec":
        return tuple(v)
    if op == "fill":
        assert isinstance(t, Map)
        return tuple(v[0] for _ in index_values(t.index))
    if op in ("field", "with"):
        assert isinstance(whole, Record)
        named = dict(zip([n for n, _ in whole.fields], v[0], strict=True))
        return named[data] if op == "field" else tuple((named | {data: v[1]}).values())
    assert isinstance(whole, Map), op
    cells = dict(zip(index_values(whole.index), v[0], strict=True))
    return cells[v[1]] if op == "select" else tuple((cells | {v[1]: v[2]}).values())


ENGINES: dict[str, Evaluate] = {
    "the operator table": meaning,
    "spelled out": spelled_out,
    "the interpreter": interpreted,
    "generated Python": generated,
}
"""All engines that compute operators of the full IR."""
