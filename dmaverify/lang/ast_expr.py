"""Syntax tree, second part: expressions.  See `ast`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dmaverify.lang.ast_pattern import Pattern
from dmaverify.lang.ast_type import Node, Type, TypeName
from dmaverify.span import Span


@dataclass(slots=True, eq=False)
class Expr(Node):
    """An expression.

    `conv`: the type to which the value is converted where it stands, if that is not `ty`.
    """

    ty: Any = field(default=None, init=False, repr=False)
    conv: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class IntLit(Expr):
    """`64`, `0x8000_0000`, `4K`.  `sized`: written with K, M, G or T, so it is a number of bytes."""

    value: int
    sized: bool


@dataclass(slots=True, eq=False)
class BoolLit(Expr):
    """`true`, `false`; in settings also `on`, `off`."""

    value: bool


@dataclass(slots=True, eq=False)
class NullLit(Expr):
    """`null`"""


@dataclass(slots=True, eq=False)
class Uninitialised(Expr):
    """`uninitialised`, as the value of a `let` only: reading it is DMA012."""


@dataclass(slots=True, eq=False)
class Name(Expr):
    """A name:

    variable, constant, parameter, binder, enum case, index type, device; `_` in an event pattern.
    """

    name: str
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class OptionRef(Expr):
    """`option.outer`"""

    name: str
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Field(Expr):
    """`base.name`: a field, a built-in property (`p.start`), what a monitor holds (`no_overlap.owner`)."""

    base: Expr
    name: str
    name_span: Span
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Star(Expr):
    """`*` as an index: `state[*, l]`, any of them."""


@dataclass(slots=True, eq=False)
class Index(Expr):
    """`base[i, j]`; an index may be a `Star`."""

    base: Expr
    indexes: list[Expr]


@dataclass(slots=True, eq=False)
class Arg(Node):
    """One argument; `name` where it is given by name (`tables: false`)."""

    name: str | None
    value: Expr


@dataclass(slots=True, eq=False)
class Call(Expr):
    """`f(a, b, name: c)`: a func, proc, event, enum case with payload, or a type (`i64(x)`, a cast)."""

    func: Expr
    args: list[Arg]
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Cast(Expr):
    """`x as T` (checked: the value must not change) or `x wrap T` (cut to the width, as C does)."""

    base: Expr
    type: TypeName
    wrap: bool


@dataclass(slots=True, eq=False)
class NonNull(Expr):
    """`x!`: the value of a `T?` that must not be null."""

    base: Expr


@dataclass(slots=True, eq=False)
class UnitOf(Expr):
    """`n pages`: the number n, which had no unit, gets one (bytes, pages or order)."""

    base: Expr
    unit: str


@dataclass(slots=True, eq=False)
class Unary(Expr):
    """`-x`, `~x`, `not x`; `op` as written."""

    op: str
    operand: Expr


@dataclass(slots=True, eq=False)
class Binary(Expr):
    """`left op right`.

    `op` is one of  * / % + - << >> & ^ | ?? == != < <= > >= in, not in, within, and, or, =>
    """

    op: str
    left: Expr
    right: Expr
    op_span: Span


@dataclass(slots=True, eq=False)
class IsPattern(Expr):
    """`e is pattern`; names that the pattern binds hold in what follows `and`, and in the `then` part."""

    base: Expr
    pattern: Pattern


@dataclass(slots=True, eq=False)
class Range(Expr):
    """`a..b` (without b), `a..=b` (with b), `a +.. n` (n elements from a); `op` is the sign between them."""

    op: str
    lo: Expr
    hi: Expr


@dataclass(slots=True, eq=False)
class IfExpr(Expr):
    """`if c { a } else { b }`"""

    cond: Expr
    then: Expr
    orelse: Expr


@dataclass(slots=True, eq=False)
class ExprArm(Node):
    """`p, q -> value`: one pattern for each scrutinee; `patterns` is empty for `else`."""

    patterns: list[Pattern]
    value: Expr


@dataclass(slots=True, eq=False)
class MatchExpr(Expr):
    """`match e { p -> v, … }`"""

    scrutinees: list[Expr]
    arms: list[ExprArm]


@dataclass(slots=True, eq=False)
class FieldInit(Node):
    """`name: value`, or a value alone (`name` is None).

    A bare name alone stands for the field of that name if there is one (or for the bit or flag); any other
    value alone is for the field at its place.
    """

    name: str | None
    value: Expr


@dataclass(slots=True, eq=False)
class RecordLit(Expr):
    """`Buffer { cpu: v, dma, size: n }`; also for `bits` (`prot { C, B }`)."""

    type: TypeName
    inits: list[FieldInit]


@dataclass(slots=True, eq=False)
class With(Expr):
    """`r with { f: v }`: a copy with some fields changed."""

    base: Expr
    inits: list[FieldInit]


@dataclass(slots=True, eq=False)
class SetLit(Expr):
    """`{}`, `{a, b}`"""

    items: list[Expr]


@dataclass(slots=True, eq=False)
class SetComp(Expr):
    """`{ e for x in S where c }`"""

    value: Expr
    binders: list[Binder]
    where: Expr | None


@dataclass(slots=True, eq=False)
class ListLit(Expr):
    """`[]`, `[a, b]`"""

    items: list[Expr]


@dataclass(slots=True, eq=False)
class TupleLit(Expr):
    """`(a, b)`"""

    items: list[Expr]


@dataclass(slots=True, eq=False)
class Binder(Node):
    """`x in S`, `x : T`, `(a, b) in S`.

    `names` has more than one only for a tuple.  Of `i, j in S` both get the domain S (one Binder each).
    `domain` and `type` are both None where neither is written (`always for c where fresh[c]`): the checker
    infers it from use as an index.
    """

    names: list[str]
    domain: Expr | None
    type: Type | None
    ty: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Quant(Expr):
    """`all x in S where c: e`; `kind` is all, some or none (`forall` is all, `exists` is some)."""

    kind: str
    binders: list[Binder]
    where: Expr | None
    body: Expr


@dataclass(slots=True, eq=False)
class Choice(Expr):
    """`first|last|one|any x in S where c`, with `: value` a value computed from x.

    first, last, any: null if there is none (any: an input of the step); one: the only one there is.
    """

    kind: str
    binder: Binder
    where: Expr | None
    value: Expr | None


@dataclass(slots=True, eq=False)
class Fold(Expr):
    """`count x in S where c`, `sum|min|max x in S where c: value`"""

    kind: str
    binder: Binder
    where: Expr | None
    value: Expr | None


@dataclass(slots=True, eq=False)
class AnyIn(Expr):
    """`any in S`, `any of {a, b}`: some element of the set."""

    domain: Expr


@dataclass(slots=True, eq=False)
class AnyType(Expr):
    """`any bool`, `any u64`: some value of the type; `any` alone (in settings) has type None."""

    type: Type | None


@dataclass(slots=True, eq=False)
class Result(Expr):
    """`result` in `ensures`; `result.name` where there are several is a Field on it."""


@dataclass(slots=True, eq=False)
class Old(Expr):
    """`old e` in `ensures`: the value at the call."""

    operand: Expr


@dataclass(slots=True, eq=False)
class New(Expr):
    """`new T { f: v }`, `new T`"""

    type: TypeName
    inits: list[FieldInit]


@dataclass(slots=True, eq=False)
class Pop(Expr):
    """`pop from l`, `pop x from l where c`: takes the first (that fits) off a list; null if there is none."""

    name: str | None
    list: Expr
    where: Expr | None


@dataclass(slots=True, eq=False)
class FaultExpr(Expr):
    """`fault vmap`: true where the scenario's `faults` lets it happen."""

    name: str


@dataclass(slots=True, eq=False)
class Done(Expr):
    """`done driver`: that sequence has ended."""

    thread: str
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class AtLabel(Expr):
    """`driver at live`: that sequence stands at the label."""

    thread: str
    label: str
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Take(Expr):
    """`take fb`: what the slot holds; the slot is empty from here on."""

    slot: str
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class LetExpr(Expr):
    """`let p = e; body` in the body of a lemma or of a func given by `=`."""

    name: str
    value: Expr
    body: Expr


@dataclass(slots=True, eq=False)
class Message(Node):
    """A text with `{expr}` in it: text and expressions in turn."""

    parts: list[str | Expr]
