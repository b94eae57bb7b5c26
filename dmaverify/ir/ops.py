"""The operator table: what every operator of the IR accepts, yields and means.

This is the one place that says what an operator computes. The interpreter runs ``meaning`` as it stands;
every other engine has its own lowering, which the tests compare with this table. All meanings are total:
where C leaves an operation undefined, the table names a value, and ``builtin`` names the check that goes
with the operator (see ``obligations``).

``const``, ``var`` and ``input`` are leaves, not operators: they have no entry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dmaverify.ir import typing_rules as typing
from dmaverify.ir.expr import U32
from dmaverify.ir.types import (
    BOOL,
    Bool,
    Enum,
    Flags,
    Index,
    Int,
    Map,
    Mask,
    Range,
    Record,
    Type,
    Value,
    ordinal,
)

MeaningFn = Callable[[Sequence[Value], Sequence[Type], Type, Any], Value]

PREFIX = 11
"""Binding strength of prefix operators of the text form; infix ones bind weaker, postfix ones stronger."""


@dataclass(frozen=True)
class Op:
    """One operator.

    ``check`` is its typing rule. ``meaning(values, arg_types, type, data)`` is its value. ``spelling`` is
    how the text form writes it: with a ``precedence`` of 12 after its operand, of ``PREFIX`` before it,
    with a lower one between its operands, and with none as a function. ``builtin`` is the kind of the check
    that goes with the operator where C leaves a case open.
    """

    name: str
    check: typing.CheckFn
    meaning: MeaningFn
    text: str
    spelling: str
    precedence: int | None = None
    builtin: str | None = None


# -- meanings -------------------------------------------------------------------------------------------


def _int(t: Type) -> Int:
    assert isinstance(t, Int)
    return t


def _wrapped(compute: Callable[[int, int], int]) -> MeaningFn:
    """Integer arithmetic done exactly, then wrapped to the type of the node."""
    return lambda v, ts, t, data: _int(t).wrap(compute(v[0], v[1]))


def _quotient(a: int, b: int, t: Int) -> int:
    if b == 0:
        # SMT-LIB: unsigned all ones; signed 1 for a negative dividend, else -1
        return t.hi if not t.signed else t.wrap(1 if a < 0 else -1)
    q = abs(a) // abs(b)
    return t.wrap(q if (a < 0) == (b < 0) else -q)


def _remainder(a: int, b: int, t: Int) -> int:
    if b == 0:
        return a
    r = abs(a) % abs(b)
    return -r if a < 0 else r


def _shl(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    n = _int(t)
    return n.wrap(v[0] << v[1]) if 0 <= v[1] < n.width else 0


def _shr(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    if 0 <= v[1] < _int(t).width:
        return v[0] >> v[1]  # Python's is arithmetic, and an unsigned value is not negative
    return -1 if v[0] < 0 else 0


def _bnot(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    return t.wrap(~v[0]) if isinstance(t, Int) else (t.count - 1) ^ v[0]


def _wrap(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    return _int(t).wrap(int(v[0]))


def _narrow(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    return v[0] if t.contains(v[0]) else t.default


def _unsigned(value: int, t: Type) -> int:
    return value & ((1 << t.bits) - 1)


def _get(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    return t.default if v[0] is None else v[0]


def _position(t: Type, name: str) -> int:
    assert isinstance(t, Record)
    return t.positions[name]


def _with(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    i = _position(t, data)
    return (*v[0][:i], v[1], *v[0][i + 1 :])


def _select(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    return v[0][ordinal(ts[1], v[1])]


def _store(v: Sequence[Value], ts: Sequence[Type], t: Type, data: Any) -> Value:
    i = ordinal(ts[1], v[1])
    return (*v[0][:i], v[2], *v[0][i + 1 :])


def _bit(v: Sequence[Value], ts: Sequence[Type]) -> int:
    return 1 << ordinal(ts[1], v[1])


_BITS = (Int, Flags, Mask)
_ORDERED = (Int, Range, Index, Enum)
_COUNTED = (Int, Range, Enum, Index, Bool, Flags, Mask)

_ALL = [
    Op("not", typing.negation, lambda v, ts, t, d: not v[0], "negation", "not", 3),
    Op("and", typing.junction("and"), lambda v, ts, t, d: all(v), "all hold; of none: true", "and", 2),
    Op("or", typing.junction("or"), lambda v, ts, t, d: any(v), "some holds; of none: false", "or", 1),
    Op("eq", typing.equality, lambda v, ts, t, d: v[0] == v[1], "equality", "==", 4),
    Op("ite", typing.choice, lambda v, ts, t, d: v[1] if v[0] else v[2], "if then else", "if", 0),
    Op("add", typing.binary("add", Int), _wrapped(lambda a, b: a + b), "sum, wraps at the width", "+", 9),
    Op(
        "sub",
        typing.binary("sub", Int),
        _wrapped(lambda a, b: a - b),
        "difference, wraps at the width",
        "-",
        9,
    ),
    Op(
        "mul", typing.binary("mul", Int), _wrapped(lambda a, b: a * b), "product, wraps at the width", "*", 10
    ),
    Op(
        "div",
        typing.binary("div", Int),
        lambda v, ts, t, d: _quotient(v[0], v[1], _int(t)),
        "quotient, towards zero; by zero: all ones, signed: 1 if the dividend is negative, else -1",
        "/",
        10,
        "division by zero",
    ),
    Op(
        "rem",
        typing.binary("rem", Int),
        lambda v, ts, t, d: _remainder(v[0], v[1], _int(t)),
        "remainder with the dividend's sign; by zero: the dividend",
        "%",
        10,
        "division by zero",
    ),
    Op("shl", typing.shift("shl"), _shl, "shift left; amount out of range: 0", "<<", 8, "shift out of range"),
    Op(
        "shr",
        typing.shift("shr"),
        _shr,
        "shift right, signed: arithmetic; amount out of range: 0 or sign fill",
        ">>",
        8,
        "shift out of range",
    ),
    Op("band", typing.binary("band", *_BITS), lambda v, ts, t, d: v[0] & v[1], "bitwise and", "&", 7),
    Op("bor", typing.binary("bor", *_BITS), lambda v, ts, t, d: v[0] | v[1], "bitwise or", "|", 5),
    Op(
        "bxor", typing.binary("bxor", *_BITS), lambda v, ts, t, d: v[0] ^ v[1], "bitwise exclusive or", "^", 6
    ),
    Op(
        "neg",
        typing.unary("neg", Int),
        lambda v, ts, t, d: _int(t).wrap(-v[0]),
        "negation, wraps",
        "-",
        PREFIX,
    ),
    Op("bnot", typing.unary("bnot", *_BITS), _bnot, "bitwise complement", "~", PREFIX),
    Op("lt", typing.binary("lt", *_ORDERED, gives=BOOL), lambda v, ts, t, d: v[0] < v[1], "less", "<", 4),
    Op(
        "le", typing.binary("le", *_ORDERED, gives=BOOL), lambda v, ts, t, d: v[0] <= v[1], "at most", "<=", 4
    ),
    Op("wrap", typing.cast("wrap", _COUNTED, (Int,)), _wrap, "to an integer type, modulo its width", "wrap"),
    Op(
        "narrow",
        typing.cast("narrow", (Int,), (Range, Index, Enum)),
        _narrow,
        "to a range, index or enum; outside: its default",
        "narrow",
        builtin="out of range",
    ),
    Op(
        "bitlen",
        typing.unary("bitlen", Int, gives=U32),
        lambda v, ts, t, d: _unsigned(v[0], ts[0]).bit_length(),
        "position of the highest set bit plus one; 0 for 0",
        "bitlen",
    ),
    Op(
        "popcount",
        typing.unary("popcount", *_BITS, gives=U32),
        lambda v, ts, t, d: _unsigned(v[0], ts[0]).bit_count(),
        "number of set bits",
        "popcount",
    ),
    Op("some", typing.some, lambda v, ts, t, d: v[0], "as a nullable value", "some"),
    Op("present", typing.present, lambda v, ts, t, d: v[0] is not None, "is not null", "present"),
    Op("get", typing.get, _get, "the value; of null: the default", "!", 12, "null"),
    Op("rec", typing.rec, lambda v, ts, t, d: tuple(v), "a record of its fields", "{}"),
    Op("field", typing.field, lambda v, ts, t, d: v[0][_position(ts[0], d)], "a field", "->", 12),
    Op("with", typing.replaced, _with, "the record with one field replaced", "{:=}", 12),
    Op("select", typing.select, _select, "a cell of a map", "[]", 12),
    Op("store", typing.store, _store, "the map with one cell replaced", "[:=]", 12),
    Op(
        "fill",
        typing.fill,
        lambda v, ts, t, d: (v[0],) * _cells(t),
        "a map with one value everywhere",
        "fill",
    ),
    Op(
        "member",
        typing.element("member", BOOL),
        lambda v, ts, t, d: bool(v[0] & _bit(v, ts)),
        "is in",
        "in",
        4,
    ),
    Op(
        "insert",
        typing.element("insert"),
        lambda v, ts, t, d: v[0] | _bit(v, ts),
        "with the element",
        "insert",
    ),
    Op(
        "remove",
        typing.element("remove"),
        lambda v, ts, t, d: v[0] & ~_bit(v, ts),
        "without the element",
        "remove",
    ),
]


def _cells(t: Type) -> int:
    assert isinstance(t, Map)
    return t.index.count


OPS: dict[str, Op] = {op.name: op for op in _ALL}
"""The table, by operator name."""
