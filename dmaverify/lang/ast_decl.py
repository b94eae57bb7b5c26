"""Syntax tree, fifth part: declarations and the files that hold them.  See `ast`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dmaverify.lang.ast_expr import Binder, Expr, Message
from dmaverify.lang.ast_pattern import Pattern
from dmaverify.lang.ast_stmt import Block
from dmaverify.lang.ast_type import DottedName, Node, TupleField, Type
from dmaverify.span import Span


@dataclass(slots=True, eq=False)
class Decl(Node):
    """Something with a name.  `doc` is the text of the `///` lines above it."""

    name: str
    name_span: Span
    doc: str | None = field(default=None, init=False)
    is_open: bool = field(default=False, init=False)
    is_replace: bool = field(default=False, init=False)
    ty: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Const(Decl):
    """`const N : T = e`; no value: open, or given by the scenario (`attr_of_device`); no type: amends."""

    type: Type | None
    value: Expr | None


@dataclass(slots=True, eq=False)
class TypeDecl(Decl):
    """`type phys : u64 bytes`: a type of its own over an integer type."""

    base: Type


@dataclass(slots=True, eq=False)
class EnumCase(Decl):
    """One case; `payload` is empty for most."""

    payload: list[TupleField]


@dataclass(slots=True, eq=False)
class EnumDecl(Decl):
    """`enum Pte { none, table(Table), leaf(Leaf) }`"""

    cases: list[EnumCase]


@dataclass(slots=True, eq=False)
class FlagsDecl(Decl):
    """`flags Perm { R, W }`"""

    members: list[EnumCase]


@dataclass(slots=True, eq=False)
class BitField(Decl):
    """`PBMT 62..61` (hi..lo, both included), `SO 63` (hi == lo)."""

    hi: int
    lo: int


@dataclass(slots=True, eq=False)
class BitsDecl(Decl):
    """`bits prot : u64 { … }`: named bits of an integer; they may overlap."""

    base: Type
    fields: list[BitField]


@dataclass(slots=True, eq=False)
class FieldDecl(Decl):
    """`name : T = default` in a record or object"""

    type: Type
    default: Expr | None


@dataclass(slots=True, eq=False)
class RecordDecl(Decl):
    """`record Buffer { … }`: a value"""

    fields: list[FieldDecl]


@dataclass(slots=True, eq=False)
class ObjectDecl(Decl):
    """`object Pool max 2 { … }`: a C struct behind a pointer"""

    limit: Expr
    fields: list[FieldDecl]


@dataclass(slots=True, eq=False)
class IndexDecl(Decl):
    """`index Page` (the scenario says how many), `index Slot 4`, `index Depth 0 .. option.levels`,
    `index Line of memory by option.line`.

    `extent`: a number (0..n) or a Range.  `memory`: the word after `of`.  `by`: the size of a block; None
    with `memory` set means `by cut`.
    """

    extent: Expr | None
    memory: str | None
    by: Expr | None


@dataclass(slots=True, eq=False)
class VarDecl(Decl):
    """`var state : Level, Line -> LineState = Invalid`"""

    type: Type
    init: Expr | None


@dataclass(slots=True, eq=False)
class OptionDecl(Decl):
    """`option outer : bool = false`"""

    type: Type | None
    default: Expr | None


@dataclass(slots=True, eq=False)
class Param(Decl):
    """A parameter.  `type` is None where a declaration amends another (the type comes from there)."""

    type: Type | None
    by_ref: bool
    default: Expr | None


@dataclass(slots=True, eq=False)
class EventDecl(Decl):
    """`event taken(what: Extent)`"""

    params: list[Param]


@dataclass(slots=True, eq=False)
class ResultField(Node):
    """One result of a func or proc, with a name where there are several."""

    name: str | None
    type: Type


@dataclass(slots=True, eq=False)
class FuncDecl(Decl):
    """`func f(x: T) -> U = e` or with a block.

    `body` is None where it is open; `results` None: comes from the base (or, not amending, is inferred from
    `= e`).
    """

    params: list[Param]
    results: list[ResultField] | None
    body: Expr | Block | None


@dataclass(slots=True, eq=False)
class ProcDecl(Decl):
    """`proc p(x: ref T) -> (a: A, b: B) at most N deep requires e ensures e { … }` or `= call`.

    `results` is None where nothing is written (no result, or it comes from the base).  `body` None: open.
    """

    params: list[Param]
    results: list[ResultField] | None
    is_atomic: bool
    depth: Expr | None
    requires: list[Expr]
    ensures: list[Expr]
    body: Expr | Block | None
    not_atomic: bool = field(default=False, init=False)
    """`replace not atomic proc …`: it takes steps where what it replaces is one step."""


@dataclass(slots=True, eq=False)
class Spontaneous(Decl):
    """`spontaneous evict(v: Level, l: Line) when e { … }`"""

    params: list[Param]
    when: Expr | None
    body: Block


@dataclass(slots=True, eq=False)
class Ghost(Decl):
    """`ghost owner : Page -> Page? = null`"""

    type: Type
    init: Expr | None


@dataclass(slots=True, eq=False)
class Handler(Node):
    """`on event(_, c, what) { … }`; fewer patterns than the event has arguments leave off the tail."""

    event: str
    patterns: list[Pattern]
    body: Block
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Always(Node):
    """`always [stable] [for x in S where c] { … }`, or `always e, "text"` (then `body` holds one Assert)."""

    stable: bool
    binders: list[Binder]
    where: Expr | None
    body: Block


@dataclass(slots=True, eq=False)
class Monitor(Decl):
    """`monitor zeroing(params) code DMA103 applies when e { … }`"""

    params: list[Param]
    code: str
    applies: Expr | None
    ghosts: list[Ghost]
    handlers: list[Handler]
    always: list[Always]
    lemmas: list[Lemma]
    covers: list[Cover]
    funcs: list[FuncDecl]
    procs: list[ProcDecl]


@dataclass(slots=True, eq=False)
class Lemma(Decl):
    """`lemma marked for p in S when c : e`"""

    binders: list[Binder]
    when: Expr | None
    body: Expr


@dataclass(slots=True, eq=False)
class Cover(Decl):
    """`cover e`, `cover name: e`: an event pattern (`alloc_failed(dev, _)`), a label, `fault NAME`, a
    condition.

    Without a name of its own, `name` is the text of e.
    """

    target: Expr


@dataclass(slots=True, eq=False)
class Ensures(Decl):
    """`ensures PROC: e` outside the proc; `name` is the proc's."""

    body: Expr


@dataclass(slots=True, eq=False)
class Initcall(Decl):
    """`initcall postcore dma_atomic_pool_init { … }`"""

    level: str
    body: Block


@dataclass(slots=True, eq=False)
class Work(Decl):
    """`work atomic_pool_work { … }`: process context, some time after `schedule`"""

    params: list[Param]
    body: Block


@dataclass(slots=True, eq=False)
class Timer(Decl):
    """`timer fq_timer(d: Domain) { … }`: softirq context, some time after `arm`"""

    params: list[Param]
    body: Block


@dataclass(slots=True, eq=False)
class Import(Node):
    """`import spec.api`: its names can be used here (one node per module)"""

    module: DottedName


@dataclass(slots=True, eq=False)
class Use(Node):
    """`use linux.v6_12.arm64`: takes the place of the module that it amends (one node per module)"""

    module: DottedName


@dataclass(slots=True, eq=False)
class Require(Node):
    """`require not option.speculative_fill [, "text"]`: must hold of the options, else the board cannot be"""

    cond: Expr
    message: Message | None


@dataclass(slots=True, eq=False)
class Remove(Node):
    """`remove lemma marked`"""

    kind: str
    name: str
    name_span: Span
