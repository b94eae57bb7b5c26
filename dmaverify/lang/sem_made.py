"""Semantic types, third part: those that are made of others, and questions that are asked of all.  See `sem`."""

from __future__ import annotations

from dataclasses import dataclass, field

from dmaverify.lang.sem_basic import BoolT, ErrorT, RangeT, SemType
from dmaverify.lang.sem_named import EnumT, IndexT, ObjT


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
