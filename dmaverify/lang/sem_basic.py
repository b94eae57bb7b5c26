"""Semantic types, first part: what all have in common, and those that are made of nothing else.  See `sem`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


ERROR = ErrorT()
VOID = VoidT()
NULL = NullT()
BOOL = BoolT()
LOCK = LockT()
PLACE = PlaceT()
LIT = LitT()
INTS: dict[str, IntT] = {str(t): t for t in (I8, I16, I32, I64, U8, U16, U32, U64)}
"""The integer types by name."""
