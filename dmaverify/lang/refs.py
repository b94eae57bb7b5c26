"""What fields and conversions refer to: things without a declaration of their own, so that they are no symbols. See ``symbols``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dmaverify.lang.sem import BitField, Field, SemType

if TYPE_CHECKING:
    from dmaverify.lang.symbols import ConstSym


@dataclass(eq=False)
class FieldRef:
    """A field of a record (RecordT), object (ObjT) or tuple (TupleT: ``name`` is the IR field name)."""

    owner: SemType
    name: str
    ty: SemType
    kind: Literal["record", "object", "tuple"]


@dataclass(eq=False)
class BitRef:
    """A named stretch of bits of a BitsT."""

    owner: SemType
    bits: BitField
    ty: SemType


BlockFieldKind = Literal["start", "end", "size", "region", "parent", "children", "first", "last", "count"]


@dataclass(eq=False)
class BlockField:
    """A built-in field of a piece of memory, a place, an iterable or a set of all values.

    ``parent``: the block of the coarser partition ``index`` that it lies in; ``children``: the blocks of the
    finer partition
    ``index`` in it (an IterT). ``first``, ``last``, ``count``: of an IterT or of ``IndexName.count``.
    """

    kind: BlockFieldKind
    ty: SemType
    index: SemType | None = None


@dataclass(eq=False)
class AttrRef:
    """``dev.coherent_mask``, short for ``attr_of_device[dev].coherent_mask``: ``const`` filled in by the
    scenario, and the field of its record (None: the const's value is no record and the setting carries the
    const's own name)."""

    const: ConstSym
    field: Field | None
    ty: SemType


@dataclass(eq=False)
class CastRef:
    """``i64(x)``, ``dma_addr(p)``, ``Page(at)``: an explicit conversion to ``ty``; the Call has one argument.

    To integers and spaces: wrap at the width, no check. To an index from a number: built-in check that it is
    in range; from an address (partitions only): the block that it lies in, built-in check that there is one.
    """

    ty: SemType
