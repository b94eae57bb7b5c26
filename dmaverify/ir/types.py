"""Types of the IR and their one encoding.

Every type has a finite set of values, a default value, and one encoding into bits, stated here and nowhere else:

=============== ============================================= ==========================================
type            value in Python                               bits
=============== ============================================= ==========================================
``Bool``        ``bool``                                      1
``Int(w, s)``   ``int``, signed values are negative           ``w``, two's complement
``Range(a, b)`` ``int`` from ``a`` to ``b``, both included    ``v - a`` in the fewest bits
``Enum``        ordinal                                       the ordinal
``Flags``       bit set as ``int``, bit i is member i         one bit each
``Index``       0..size-1                                     as a range
``Opt(T)``      ``None`` or a value of T                      present bit, then T; all zero when null
``Record``      tuple of field values in order                concatenation
``Map(I, T)``   tuple with one T for each value of I          concatenation
``Mask(I)``     bit set as ``int``                            one bit for each value of I
=============== ============================================= ==========================================

Encoding rule: equal values have equal bits, and the default of every type is all zero bits. So state equality is bit
equality, and clearing a variable is storing its default. Codes that no value has (a range of 3 in 2 bits) never occur.

Core IR (what ``flatten`` yields) uses only ``Bool`` and ``Int``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""A value of some IR type: bool, int, None, or a tuple of values (see the table above)."""


@dataclass(frozen=True)
class Type:
    """Base of all IR types; compares structurally."""

    @property
    def bits(self) -> int:
        """Number of bits of the encoding."""
        raise NotImplementedError

    @property
    def default(self) -> Value:
        """The value whose bits are all zero."""
        raise NotImplementedError

    def contains(self, value: Value) -> bool:
        """Whether ``value`` is a value of this type."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """How many values the type has."""
        raise NotImplementedError


@dataclass(frozen=True)
class Bool(Type):
    """Truth values."""

    @property
    def bits(self) -> int:
        return 1

    @property
    def default(self) -> Value:
        return False

    @property
    def count(self) -> int:
        return 2

    def contains(self, value: Value) -> bool:
        return isinstance(value, bool)

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True)
class Int(Type):
    """A machine integer of ``width`` bits that wraps; ``signed`` selects the meaning of ``/ % >> <`` and of widening."""

    width: int
    signed: bool = False

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError("an integer has at least one bit")

    @property
    def bits(self) -> int:
        return self.width

    @property
    def default(self) -> Value:
        return 0

    @property
    def count(self) -> int:
        return 1 << self.width

    @property
    def lo(self) -> int:
        """Smallest value."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def hi(self) -> int:
        """Largest value."""
        return (1 << (self.width - 1)) - 1 if self.signed else (1 << self.width) - 1

    def wrap(self, n: int) -> int:
        """The value of this type that is congruent to ``n`` modulo ``2**width``."""
        n &= (1 << self.width) - 1
        if self.signed and n >> (self.width - 1):
            n -= 1 << self.width
        return n

    def contains(self, value: Value) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.lo <= value <= self.hi

    def __str__(self) -> str:
        return f"{'i' if self.signed else 'u'}{self.width}"


def _bits_for(count: int) -> int:
    return max(1, (count - 1).bit_length())


@dataclass(frozen=True)
class Range(Type):
    """The integers from ``lo`` to ``hi``, both included. The default is ``lo`` (its code is zero)."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.hi < self.lo:
            raise ValueError("a range has at least one value")

    @property
    def bits(self) -> int:
        return _bits_for(self.count)

    @property
    def default(self) -> Value:
        return self.lo

    @property
    def count(self) -> int:
        return self.hi - self.lo + 1

    def contains(self, value: Value) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.lo <= value <= self.hi

    def __str__(self) -> str:
        return f"{self.lo}..{self.hi}"


@dataclass(frozen=True)
class Enum(Type):
    """Named alternatives. Two enums are the same type only if name and members agree."""

    name: str
    members: tuple[str, ...]

    @property
    def bits(self) -> int:
        return _bits_for(len(self.members))

    @property
    def default(self) -> Value:
        return 0

    @property
    def count(self) -> int:
        return len(self.members)

    def contains(self, value: Value) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(self.members)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Flags(Type):
    """A set of named bits."""

    name: str
    members: tuple[str, ...]

    @property
    def bits(self) -> int:
        return max(1, len(self.members))

    @property
    def default(self) -> Value:
        return 0

    @property
    def count(self) -> int:
        return 1 << len(self.members)

    def contains(self, value: Value) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < self.count

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Index(Type):
    """A finite set without arithmetic: 0..size-1. ``names`` (if given) are what reports call its values."""

    name: str
    size: int
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"index {self.name} has no values")

    @property
    def bits(self) -> int:
        return _bits_for(self.size)

    @property
    def default(self) -> Value:
        return 0

    @property
    def count(self) -> int:
        return self.size

    def contains(self, value: Value) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < self.size

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Opt(Type):
    """``T?``: null or a T. An Opt of an Opt is not a type."""

    of: Type

    def __post_init__(self) -> None:
        if isinstance(self.of, Opt):
            raise ValueError("T?? is not a type")

    @property
    def bits(self) -> int:
        return 1 + self.of.bits

    @property
    def default(self) -> Value:
        return None

    @property
    def count(self) -> int:
        return 1 + self.of.count

    def contains(self, value: Value) -> bool:
        return value is None or self.of.contains(value)

    def __str__(self) -> str:
        return f"{self.of}?"


@dataclass(frozen=True)
class Record(Type):
    """Named fields in order."""

    name: str
    fields: tuple[tuple[str, Type], ...]

    @cached_property
    def positions(self) -> dict[str, int]:
        """Field name to its place in the value tuple."""
        return {name: i for i, (name, _) in enumerate(self.fields)}

    def field_type(self, name: str) -> Type:
        """Type of the field ``name``; KeyError if there is none."""
        return self.fields[self.positions[name]][1]

    @property
    def bits(self) -> int:
        return sum(t.bits for _, t in self.fields)

    @property
    def default(self) -> Value:
        return tuple(t.default for _, t in self.fields)

    @property
    def count(self) -> int:
        n = 1
        for _, t in self.fields:
            n *= t.count
        return n

    def contains(self, value: Value) -> bool:
        return (
            isinstance(value, tuple)
            and len(value) == len(self.fields)
            and all(t.contains(v) for (_, t), v in zip(self.fields, value, strict=True))
        )

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Map(Type):
    """A total map from a finite index (``Index``, ``Enum``, ``Bool`` or ``Range``) to values."""

    index: Type
    of: Type

    def __post_init__(self) -> None:
        if not isinstance(self.index, Index | Enum | Bool | Range):
            raise ValueError(f"{self.index} cannot index a map")

    @property
    def bits(self) -> int:
        return self.index.count * self.of.bits

    @property
    def default(self) -> Value:
        return (self.of.default,) * self.index.count

    @property
    def count(self) -> int:
        return int(self.of.count**self.index.count)

    def contains(self, value: Value) -> bool:
        return isinstance(value, tuple) and len(value) == self.index.count and all(self.of.contains(v) for v in value)

    def __str__(self) -> str:
        return f"[{self.index}] -> {self.of}"


@dataclass(frozen=True)
class Mask(Type):
    """A set of values of an index type, one bit each."""

    index: Type

    def __post_init__(self) -> None:
        if not isinstance(self.index, Index | Enum | Range):
            raise ValueError(f"{self.index} cannot index a mask")

    @property
    def bits(self) -> int:
        return self.index.count

    @property
    def default(self) -> Value:
        return 0

    @property
    def count(self) -> int:
        return 1 << self.index.count

    def contains(self, value: Value) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < self.count

    def __str__(self) -> str:
        return f"mask {self.index}"


BOOL = Bool()


def ordinal(index: Type, value: Value) -> int:
    """Position of ``value`` among the values of an index type: what a map's tuple is indexed with."""
    return int(value) - index.lo if isinstance(index, Range) else int(value)


def index_values(index: Type) -> list[Value]:
    """All values of an index-like type, in order of their ordinals."""
    if isinstance(index, Bool):
        return [False, True]
    if isinstance(index, Range):
        return list(range(index.lo, index.hi + 1))
    return list(range(index.count))
