"""Semantic types, second part: those that a declaration makes, each equal to itself only.  See `sem`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dmaverify.lang.sem_basic import I32, U64, IntT, SemType
from dmaverify.span import NOWHERE, Span

if TYPE_CHECKING:
    from dmaverify.lang import ast
    from dmaverify.lang.symbols import EnumCase


@dataclass(eq=False)
class NominalT(SemType):
    """A declared type: equal to itself only."""

    name: str
    span: Span = NOWHERE

    def __str__(self) -> str:
        return self.name


@dataclass(eq=False)
class SpaceT(NominalT):
    """A new type over an integer (``type phys : u64 bytes``, ``type errno : i32``).

    Over bytes it is an *address space*: difference of two addresses is bytes, address and bytes make an
    address, and nothing else mixes. Over a plain integer it is a *named number*: it computes with itself and
    with literals.
    """

    base: IntT = field(default_factory=lambda: I32)

    @property
    def is_address(self) -> bool:
        """Whether its values are addresses."""
        return self.base.unit == "bytes"


@dataclass
class Field:
    """A field of a record or object. ``default`` None: it has to be given."""

    name: str
    ty: SemType
    default: ast.Expr | None = None
    span: Span = NOWHERE


@dataclass(eq=False)
class RecordT(NominalT):
    """A record. If it is ``{ first: I, count: <integer> }`` for an index I, it is an *extent*: it may be
    iterated, and
    ``in`` and ``within`` are defined on it."""

    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def extent_of(self) -> IndexT | None:
        """The index of which this record is an extent."""
        if list(self.fields) != ["first", "count"]:
            return None
        first, count = self.fields["first"].ty, self.fields["count"].ty
        return first if isinstance(first, IndexT) and isinstance(count, IntT) else None


@dataclass(eq=False)
class ObjT(NominalT):
    """A reference to one of at most ``max`` instances (``Layout.size`` says how many)."""

    fields: dict[str, Field] = field(default_factory=dict)
    max: ast.Expr | None = None


@dataclass(eq=False)
class EnumT(NominalT):
    """Named alternatives, some perhaps with a payload."""

    cases: dict[str, EnumCase] = field(default_factory=dict)

    @property
    def has_payload(self) -> bool:
        """Whether some alternative carries values, so that the IR type is a record of a tag and payloads."""
        return any(c.payload for c in self.cases.values())


@dataclass(eq=False)
class FlagsT(NominalT):
    """A set of named bits, written ``{R, W}`` or ``R``."""

    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class BitField:
    """One named stretch of bits, ``hi`` and ``lo`` included. A single bit is a bool when it is read."""

    name: str
    hi: int
    lo: int
    span: Span = NOWHERE

    @property
    def width(self) -> int:
        """Number of bits."""
        return self.hi - self.lo + 1


@dataclass(eq=False)
class BitsT(NominalT):
    """An integer with named bits."""

    base: IntT = field(default_factory=lambda: U64)
    fields: dict[str, BitField] = field(default_factory=dict)


IndexKind = Literal["plain", "blocks", "region", "device"]


@dataclass(eq=False)
class IndexT(NominalT):
    """A finite set of its own. How many values it has is the layout's to say (``Layout.size``).

    ``plain``: ``index I n`` or ``index I 0 .. n`` (0..n-1); ``blocks``: a partition
    of the scenario's memory in pieces of ``grain`` bytes, or, where ``grain`` is None and ``by_cut``, in
    pieces between cuts; ``region`` and
    ``device``: the scenario's regions (a partition too, the coarsest) and devices.
    """

    kind: IndexKind = "plain"
    lo: ast.Expr | None = None
    hi: ast.Expr | None = None
    inclusive: bool = False
    grain: ast.Expr | None = None
    by_cut: bool = False

    @property
    def is_partition(self) -> bool:
        """Whether its values are pieces of memory, with ``start``, ``end``, ``size`` and so on."""
        return self.kind in ("blocks", "region")
