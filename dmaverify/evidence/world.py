"""What a judge knows beside the events: which pieces of memory there are, and what the board's constants say.

A stream that comes from a kernel knows no scenario. Its memory is all addresses there are (``OpenWorld``), cut where the
partitions' own sizes cut it. A stream that comes from a scenario has that scenario's memory (``BoardWorld``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from dmaverify.evidence.values import ABSENT
from dmaverify.lang import sem
from dmaverify.lang.symbols import ConstSym, OptionSym, ParamSym

OPEN_CELL_BYTES = 64
"""Size of a piece of a partition ``by cut`` where no scenario says where to cut."""


class World(Protocol):
    """Memory and constants."""

    def at(self, index: sem.IndexT, address: int) -> int | None:
        """Start of the piece that ``address`` lies in; None if it lies in none."""
        ...

    def between(self, index: sem.IndexT, lo: int, hi: int) -> Iterable[int]:
        """Starts of the pieces that start at ``lo`` or above and below ``hi``, in order."""
        ...

    def size(self, index: sem.IndexT, start: int) -> int:
        """Bytes of the piece that starts there."""
        ...

    def everything(self, index: sem.SemType) -> Iterable[Any] | None:
        """All values of an index type, or None where there is no end of them."""
        ...

    def constant(self, sym: ConstSym | OptionSym | ParamSym) -> Any:
        """What the board says of a constant without a value of its own; ABSENT if nothing."""
        ...


class OpenWorld:
    """All addresses; nothing is known of devices, regions and options.

    ``grain`` evaluates the size of a partition's pieces in bytes.
    """

    def __init__(self, grains: dict[str, int]) -> None:
        self._grains = grains

    def _grain(self, index: sem.IndexT) -> int:
        return self._grains.get(index.name, OPEN_CELL_BYTES)

    def at(self, index: sem.IndexT, address: int) -> int | None:
        return None if index.kind == "region" else address - address % self._grain(index)

    def between(self, index: sem.IndexT, lo: int, hi: int) -> Iterable[int]:
        grain = self._grain(index)
        return range(-(-lo // grain) * grain, hi, grain)

    def size(self, index: sem.IndexT, start: int) -> int:
        return self._grain(index)

    def everything(self, index: sem.SemType) -> Iterable[Any] | None:
        if isinstance(index, sem.EnumT):
            return list(index.cases)
        if isinstance(index, sem.BoolT):
            return [False, True]
        if isinstance(index, sem.RangeT):
            return range(index.lo, index.hi + 1)
        return None

    def constant(self, sym: ConstSym | OptionSym | ParamSym) -> Any:
        return ABSENT
