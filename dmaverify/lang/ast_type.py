"""Syntax tree, first part: types, and what all nodes have.  See `ast`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dmaverify.span import Span

if TYPE_CHECKING:
    from dmaverify.lang.ast_decl import EnumCase
    from dmaverify.lang.ast_expr import Expr


@dataclass(slots=True, eq=False)
class Node:
    """Anything that stands somewhere in a file."""

    span: Span


@dataclass(slots=True, eq=False)
class DottedName(Node):
    """`linux.v6_12.arm64`: the name of a module."""

    text: str


@dataclass(slots=True, eq=False)
class Type(Node):
    """A type as it is written."""

    ty: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class TypeName(Type):
    """`Page`, `u64`, `i64 bytes`.  `unit` is bytes, pages, order or None."""

    name: str
    unit: str | None
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class TypeNullable(Type):
    """`T?`"""

    base: Type


@dataclass(slots=True, eq=False)
class TypeSet(Type):
    """`set of T`"""

    elem: Type


@dataclass(slots=True, eq=False)
class TypeList(Type):
    """`list of T`, `list max N of T`"""

    limit: Expr | None
    elem: Type


@dataclass(slots=True, eq=False)
class TypeMap(Type):
    """`Level, Line -> LineState`: a total map over index types, enums, devices…"""

    keys: list[Type]
    value: Type


@dataclass(slots=True, eq=False)
class TupleField(Node):
    """One place of a tuple type, perhaps with a name."""

    name: str | None
    type: Type


@dataclass(slots=True, eq=False)
class TypeTuple(Type):
    """`(Page, virt)`, `(Device, at: dma_addr)`"""

    fields: list[TupleField]


@dataclass(slots=True, eq=False)
class TypeRange(Type):
    """`0..8`, `1..=option.levels`"""

    lo: Expr
    hi: Expr
    inclusive: bool


@dataclass(slots=True, eq=False)
class TypeEnum(Type):
    """`enum { none, svpbmt, thead }` without a name of its own."""

    cases: list[EnumCase]
