"""Semantic types: what an expression of the language means, before it becomes an IR value.

The checker gives every expression one of these types; ``dmaverify.lang.layout`` maps each to an IR type.
Structural types (integers, maps, sets, tuples, nullable types) compare by their parts. Nominal types
(records, objects, enums, indexes, address spaces) compare by identity: two declarations are two types, even
with the same text.

============ ========================================= ========================================
type         written                                   IR type (``Layout.ir_type``)
============ ========================================= ========================================
``BoolT``    ``bool``                                  ``Bool``
``IntT``     ``i32``, ``u64 bytes``, ``i32 pages``     ``Int``; units are gone
``SpaceT``   ``type phys : u64 bytes``                 that of its base
``RangeT``   ``0..4``, ``1..=4``                       ``Range``
``EnumT``    ``enum E { a, b(u32) }``                  ``Enum``; with payloads ``Record``
``FlagsT``   ``flags F { R, W }``                      ``Flags``
``BitsT``    ``bits prot : u64 { .. }``                that of its base
``IndexT``   ``index I n``, blocks, Region, Device     ``Index``
``ObjT``     ``object Pool max 2 { .. }``              ``Index``: which of the instances
``RecordT``  ``record R { .. }``                       ``Record``
``TupleT``   ``(handled: bool, ret: Buffer?)``         ``Record`` with fields ``0``, ``1`` or names
``OptT``     ``T?``                                    ``Opt``
``MapT``     ``Level, Line -> T``                      ``Map``, one level for each key
``SetT``     ``set of T``                              ``Mask`` of what is index-like, else cells
``ListT``    ``list max N of T``                       ``Record`` of count and cells
``LockT``    ``spinlock``                              ``Bool``: held
``IterT``    ``a..b``, ``p.cells``                     none: taken apart where it is used
``PlaceT``   ``rx.data`` of a ``place``                none: where it lies is known
``VoidT``    a proc without a result                   none
``NullT``    ``null`` before it has a type             none: never left after checking
``LitT``     a number before it has a type             none: never left after checking
``ErrorT``   what an error was reported about          none
============ ========================================= ========================================

An enum with payloads is a record of ``tag`` and one field ``case.i`` for each payload value of each case;
payloads of other cases hold their defaults. A set that is no mask is an expression, or kept in
``Layout.capacity`` cells where it is the type of a variable or ghost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dmaverify.span import NOWHERE, Span

if TYPE_CHECKING:
    from dmaverify.lang import ast
    from dmaverify.lang.symbols import EnumCase

Unit = Literal["bytes", "pages", "order"]
"""What a number counts. ``None`` is a plain number. An ``order`` is the logarithm of a number of pages."""


class SemType:
    """Base of all semantic types."""

    @property
    def storable(self) -> bool:
        """Whether a variable, field or map cell may have this type."""
        return True

    def __str__(self) -> str:
        raise NotImplementedError


@dataclass(frozen=True)
class ErrorT(SemType):
    """The type of what has been reported already; it agrees with everything, so that one mistake is one
    error."""

    def __str__(self) -> str:
        return "<error>"


@dataclass(frozen=True)
class VoidT(SemType):
    """No value: what a proc without a result returns."""

    @property
    def storable(self) -> bool:
        return False

    def __str__(self) -> str:
        return "nothing"


@dataclass(frozen=True)
class NullT(SemType):
    """``null`` where nothing says yet what could be there."""

    @property
    def storable(self) -> bool:
        return False

    def __str__(self) -> str:
        return "null"


@dataclass(frozen=True)
class BoolT(SemType):
    """Truth values."""

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True)
class LitT(SemType):
    """A number that takes the type that its surroundings ask for: a literal, or arithmetic of literals only.

    ``unit`` is what its spelling says (``4K`` and ``4K + 1`` are bytes, ``4`` is anything).
    """

    unit: Unit | None = None

    @property
    def storable(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"number of {self.unit}" if self.unit else "number"


@dataclass(frozen=True)
class IntT(SemType):
    """A machine integer, wrapping as C's do under ``-fno-strict-overflow``, that may count something."""

    width: int
    signed: bool
    unit: Unit | None = None

    @property
    def lo(self) -> int:
        """Smallest value."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """Largest value."""
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    def with_unit(self, unit: Unit | None) -> IntT:
        """The same integer, counting something else."""
        return IntT(self.width, self.signed, unit)

    def holds(self, other: IntT | RangeT) -> bool:
        """Whether every value of ``other`` is a value of this type (units not considered)."""
        return self.lo <= other.lo and other.hi <= self.hi

    def __str__(self) -> str:
        name = f"{'i' if self.signed else 'u'}{self.width}"
        return f"{name} {self.unit}" if self.unit else name


I8, I16, I32, I64 = IntT(8, True), IntT(16, True), IntT(32, True), IntT(64, True)
U8, U16, U32, U64 = IntT(8, False), IntT(16, False), IntT(32, False), IntT(64, False)


@dataclass(frozen=True)
class RangeT(SemType):
    """The integers from ``lo`` to ``hi``, both included. Computing with one computes with an ``i32`` (or
    wider) number."""

    lo: int
    hi: int

    @property
    def promoted(self) -> IntT:
        """The integer type in which arithmetic with it is done."""
        for t in (I32, I64, U64):
            if t.holds(self):
                return t
        return I64

    def __str__(self) -> str:
        return f"{self.lo}..={self.hi}"


@dataclass(frozen=True)
class OptT(SemType):
    """``T?``: null or a T."""

    of: SemType

    @property
    def storable(self) -> bool:
        return self.of.storable

    def __str__(self) -> str:
        return f"({self.of})?" if isinstance(self.of, MapT) else f"{self.of}?"


@dataclass(frozen=True)
class TupleT(SemType):
    """An anonymous record. Fields without a name are called ``0``, ``1`` … Names do not distinguish tuple
    types."""

    items: tuple[SemType, ...]
    names: tuple[str, ...] = field(default=(), compare=False)
    """One for each item, or empty when none has a name; an unnamed item of a partly named tuple has the name
    ``""``."""

    def position(self, name: str) -> int | None:
        """Where the field of that name is."""
        if name in self.names:
            return self.names.index(name)
        if name.isdigit() and int(name) < len(self.items):
            return int(name)
        return None

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the fields in the IR record."""
        names = self.names or ("",) * len(self.items)
        return tuple(n or str(i) for i, n in enumerate(names))

    @property
    def storable(self) -> bool:
        return all(t.storable for t in self.items)

    def __str__(self) -> str:
        names = self.names or ("",) * len(self.items)
        return (
            "("
            + ", ".join(f"{n}: {t}" if n else str(t) for n, t in zip(names, self.items, strict=True))
            + ")"
        )


@dataclass(frozen=True)
class MapT(SemType):
    """A total map; every key is index-like (see ``index_like``)."""

    keys: tuple[SemType, ...]
    of: SemType

    def __str__(self) -> str:
        return f"{', '.join(map(str, self.keys))} -> {self.of}"


@dataclass(frozen=True)
class SetT(SemType):
    """A set. Of an index-like element it is a mask and may be stored anywhere; of anything else it is an
    expression, except as the type of a variable or ghost, where it is kept in ``capacity`` cells (None:
    inferred, see ``Layout.capacity``)."""

    of: SemType
    capacity: int | None = field(default=None, compare=False)

    @property
    def is_mask(self) -> bool:
        """Whether one bit for each possible element represents it."""
        return index_like(self.of)

    @property
    def storable(self) -> bool:
        return self.is_mask

    def __str__(self) -> str:
        return f"set of {self.of}"


@dataclass(frozen=True)
class ListT(SemType):
    """At most ``max`` elements in order, the first at the front. ``max`` None: a parameter that takes a list
    of any length."""

    of: SemType
    max: int | None = field(default=None, compare=False)

    @property
    def storable(self) -> bool:
        return self.max is not None and self.of.storable

    def __str__(self) -> str:
        return f"list of {self.of}"


@dataclass(frozen=True)
class IterT(SemType):
    """A stretch of consecutive numbers, addresses or index values: ``a..b``, ``a +.. n``, the blocks in a
    block.

    Never stored. A func given by ``= e`` without a result type may return one.
    """

    of: SemType

    @property
    def storable(self) -> bool:
        return False

    def __str__(self) -> str:
        return f"range of {self.of}"


@dataclass(frozen=True)
class PlaceT(SemType):
    """A named piece of memory. It stands for its address where an address is wanted and for its blocks where
    a set is."""

    @property
    def storable(self) -> bool:
        return False

    def __str__(self) -> str:
        return "place"


@dataclass(frozen=True)
class LockT(SemType):
    """A spinlock."""

    def __str__(self) -> str:
        return "spinlock"


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


ERROR = ErrorT()
VOID = VoidT()
NULL = NullT()
BOOL = BoolT()
LOCK = LockT()
PLACE = PlaceT()
LIT = LitT()
INTS: dict[str, IntT] = {str(t): t for t in (I8, I16, I32, I64, U8, U16, U32, U64)}
"""The integer types by name."""


def index_like(t: SemType) -> bool:
    """Whether ``t`` may index a map, be the element of a mask and be iterated over completely."""
    if isinstance(t, EnumT):
        return not t.has_payload
    return isinstance(t, BoolT | RangeT | IndexT | ObjT)


def strip(t: SemType) -> SemType:
    """``T`` of ``T?``, anything else itself."""
    return t.of if isinstance(t, OptT) else t


def opt(t: SemType) -> SemType:
    """``T?``; of a ``T?`` or an error, itself."""
    return t if isinstance(t, OptT | ErrorT) else OptT(t)
