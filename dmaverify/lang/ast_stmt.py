"""Syntax tree, fourth part: statements.  See `ast`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dmaverify.lang.ast_expr import Arg, Binder, Call, Expr, Message
from dmaverify.lang.ast_pattern import Pattern
from dmaverify.lang.ast_type import Node, Type
from dmaverify.span import Span


@dataclass(slots=True, eq=False)
class Stmt(Node):
    """A statement."""


@dataclass(slots=True, eq=False)
class Block(Stmt):
    """`{ … }`"""

    stmts: list[Stmt]


@dataclass(slots=True, eq=False)
class LetName(Node):
    """One name of a `let`."""

    name: str
    type: Type | None
    ty: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Let(Stmt):
    """`let a, b: T = v, w [else …]`; one value for several names is a call with several results or a tuple.

    `orelse` is run where the value is null, an errno other than 0, or false; it must not run off its end.
    """

    names: list[LetName]
    values: list[Expr]
    orelse: Block | None


@dataclass(slots=True, eq=False)
class Assign(Stmt):
    """`a, b[i] = v, w [else …]`"""

    targets: list[Expr]
    values: list[Expr]
    orelse: Block | None


@dataclass(slots=True, eq=False)
class OpAssign(Stmt):
    """`x |= e`: a load and a store.  `op` without the `=`."""

    target: Expr
    op: str
    value: Expr


@dataclass(slots=True, eq=False)
class If(Stmt):
    """`if c { … } else if … else { … }`; `orelse` of an `else if` is an `If`."""

    cond: Expr
    then: Block
    orelse: Block | If | None


@dataclass(slots=True, eq=False)
class StmtArm(Node):
    """`p, q -> statement`; `patterns` is empty for `else`."""

    patterns: list[Pattern]
    body: Block


@dataclass(slots=True, eq=False)
class Match(Stmt):
    """`match e, f { p, q -> … }`"""

    scrutinees: list[Expr]
    arms: list[StmtArm]


@dataclass(slots=True, eq=False)
class For(Stmt):
    """`for x in S, y in T where c { … }`"""

    binders: list[Binder]
    where: Expr | None
    body: Block


@dataclass(slots=True, eq=False)
class CFor(Stmt):
    """`for pos: u32 = 0; cond; pos += e at most 64 { … }`; `step` is an Assign or OpAssign."""

    name: str
    name_span: Span
    type: Type
    init: Expr
    cond: Expr
    step: Assign | OpAssign
    bound: Expr | None
    body: Block
    ty: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class While(Stmt):
    """`while c [at most N] [invariant e]* [decreases e] { … }`"""

    cond: Expr
    bound: Expr | None
    invariants: list[Expr]
    decreases: Expr | None
    body: Block


@dataclass(slots=True, eq=False)
class Loop(Stmt):
    """`loop [at most N] [invariant e]* { … }`"""

    bound: Expr | None
    invariants: list[Expr]
    decreases: Expr | None
    body: Block


@dataclass(slots=True, eq=False)
class Repeat(Stmt):
    """`repeat n { … }`"""

    count: Expr
    body: Block


@dataclass(slots=True, eq=False)
class Break(Stmt):
    """`break`"""


@dataclass(slots=True, eq=False)
class Continue(Stmt):
    """`continue`"""


@dataclass(slots=True, eq=False)
class Return(Stmt):
    """`return`, `return a, b`"""

    values: list[Expr]


@dataclass(slots=True, eq=False)
class Goto(Stmt):
    """`goto label`, forwards only"""

    label: str


@dataclass(slots=True, eq=False)
class Labelled(Stmt):
    """`label: statement`; `stmt` is None where the label ends a block."""

    label: str
    stmt: Stmt | None


@dataclass(slots=True, eq=False)
class CallStmt(Stmt):
    """`f(x) [else …]`"""

    call: Call
    orelse: Block | None


@dataclass(slots=True, eq=False)
class Lock(Stmt):
    """`lock l [irqsave|irq] { … }`"""

    target: Expr
    irq: str | None
    body: Block


@dataclass(slots=True, eq=False)
class Atomic(Stmt):
    """`atomic { … }`: one step for everybody"""

    body: Block


@dataclass(slots=True, eq=False)
class Choose(Stmt):
    """`choose { … } or { … }`"""

    arms: list[Block]


@dataclass(slots=True, eq=False)
class Assume(Stmt):
    """`assume e [, "text"]`"""

    cond: Expr
    message: Message | None


@dataclass(slots=True, eq=False)
class Assert(Stmt):
    """`assert e [, "text"]`"""

    cond: Expr
    message: Message | None


@dataclass(slots=True, eq=False)
class Emit(Stmt):
    """`emit event(args)`"""

    event: Call


@dataclass(slots=True, eq=False)
class Wait(Stmt):
    """`wait e`: blocks until e holds"""

    cond: Expr


@dataclass(slots=True, eq=False)
class MightSleep(Stmt):
    """`might_sleep [if e]`"""

    cond: Expr | None


@dataclass(slots=True, eq=False)
class Schedule(Stmt):
    """`schedule w(args)`, `arm t(args)`, `cancel t(args)`; `kind` is the word."""

    kind: str
    name: str
    args: list[Arg]
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Delete(Stmt):
    """`delete e`"""

    target: Expr


@dataclass(slots=True, eq=False)
class Push(Stmt):
    """`push e to l`"""

    value: Expr
    list: Expr
