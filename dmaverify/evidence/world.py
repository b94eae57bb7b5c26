"""What a judge knows beside the events: which pieces of memory there are, and what the board's constants say.

A stream that comes from a kernel knows no scenario. Its memory is all addresses there are (``OpenWorld``). A
stream that comes from a scenario has that scenario's memory (``BoardWorld`` in ``board``).
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from dmaverify.evidence.values import ABSENT
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import ConstSym, OptionSym, ParamSym, PlaceField

MAX_PIECES = 1 << 16
"""More pieces of memory in one stretch than this are not gone through: what is said of them is undecided."""

Pieces = Sequence[int] | Any
"""Starts of pieces in order; ABSENT where it cannot be told which they are."""

OnCut = Callable[[sem.IndexT, int, int], None]
"""Hears that a piece (index, its start) was cut, and where the second half starts."""


class World(Protocol):
    """Memory and constants."""

    cuts: bool
    """Whether pieces of partitions ``by cut`` come into being as events mention them."""
    on_cut: OnCut

    def at(self, index: sem.IndexT, address: int) -> Any:
        """The piece that ``address`` lies in: its start (of a region: its name); None if it lies in none,
        ABSENT if unknown.
        """
        ...

    def between(self, index: sem.IndexT, lo: int, hi: int) -> Pieces:
        """The pieces that start at ``lo`` or above and below ``hi``."""
        ...

    def touching(self, index: sem.IndexT, lo: int, hi: int) -> Pieces:
        """The pieces that have a byte from ``lo`` to below ``hi``."""
        ...

    def inside(self, outer: sem.IndexT, piece: Any, inner: sem.IndexT) -> Pieces:
        """The pieces of the finer partition in a piece of the coarser one."""
        ...

    def start(self, index: sem.IndexT, piece: Any) -> Any:
        """Address of a piece's first byte; ABSENT if unknown."""
        ...

    def size(self, index: sem.IndexT, piece: Any) -> Any:
        """Bytes of a piece; ABSENT if unknown."""
        ...

    def everything(self, index: sem.SemType) -> Sequence[Any] | None:
        """All values of an index type, or None where there is no end of them."""
        ...

    def constant(self, sym: ConstSym | OptionSym | ParamSym) -> Any:
        """What the board says of a constant; ABSENT if nothing."""
        ...

    def place(self, sym: PlaceField) -> Any:
        """The stretch of memory of a named place."""
        ...


def small(index: sem.SemType) -> Sequence[Any] | None:
    """All values of the types that need no board to be known; None for others."""
    if isinstance(index, sem.EnumT):
        return list(index.cases)
    if isinstance(index, sem.BoolT):
        return [False, True]
    if isinstance(index, sem.RangeT):
        return range(index.lo, index.hi + 1)
    return None


class OpenWorld:
    """All addresses; nothing is known of devices, regions and options.

    Pieces of a partition with a size of its own start at multiples of it. A partition ``by cut`` has the
    pieces that the stream tells apart: blocks of the coarsest other partition, cut wherever a stretch that
    somebody asks for starts or ends. ``number`` evaluates a constant expression (ABSENT if the text alone
    does not say).
    """

    cuts = True

    def __init__(self, partitions: Iterable[sem.IndexT], number: Callable[[ast.Expr], Any]) -> None:
        self.on_cut: OnCut = lambda index, old, new: None
        self._number = number
        self._grains: dict[sem.IndexT, Any] = {}
        self._sizes: dict[sem.IndexT, Any] = {}
        self._cuts: dict[sem.IndexT, dict[int, list[int]]] = {}
        grains = [g for t in partitions if t.kind == "blocks" and (g := self._grain(t)) is not ABSENT]
        self._coarsest = max(grains, default=1 << 12)

    def _grain(self, index: sem.IndexT) -> Any:
        found = self._grains.get(index)
        if found is None:
            value = ABSENT if index.grain is None or index.kind == "region" else self._number(index.grain)
            found = self._grains[index] = value if isinstance(value, int) and value > 0 else ABSENT
        return found

    def at(self, index: sem.IndexT, address: int) -> Any:
        if index.kind == "blocks" and index.grain is None:
            block = address - address % self._coarsest
            edges = self._cuts.get(index, {}).get(block)
            return block if edges is None else edges[bisect.bisect_right(edges, address) - 1]
        grain = self._grain(index)
        return ABSENT if grain is ABSENT else address - address % grain

    def between(self, index: sem.IndexT, lo: int, hi: int) -> Pieces:
        if index.kind == "blocks" and index.grain is None:
            return self._cut_between(index, lo, hi)
        grain = self._grain(index)
        if grain is ABSENT or (hi - lo) // grain > MAX_PIECES:
            return ABSENT
        return range(-(-lo // grain) * grain, hi, grain)

    def touching(self, index: sem.IndexT, lo: int, hi: int) -> Pieces:
        if index.kind == "blocks" and index.grain is None:
            return self._cut_between(index, lo, hi)
        first = self.at(index, lo)
        return ABSENT if first is ABSENT else self.between(index, first, hi)

    def _cut_between(self, index: sem.IndexT, lo: int, hi: int) -> Pieces:
        """The pieces of a stretch, cut out of what they were part of."""
        if hi <= lo:
            return []
        if (hi - lo) // self._coarsest > MAX_PIECES:
            return ABSENT
        self._cut(index, lo)
        self._cut(index, hi)
        blocks = self._cuts[index]
        found: list[int] = []
        for block in range(lo - lo % self._coarsest, hi, self._coarsest):
            found += (e for e in blocks.get(block, (block,)) if lo <= e < hi)
        return found

    def _cut(self, index: sem.IndexT, address: int) -> None:
        block = address - address % self._coarsest
        edges = self._cuts.setdefault(index, {}).setdefault(block, [block])
        before = bisect.bisect_right(edges, address) - 1
        if edges[before] != address:
            edges.insert(before + 1, address)
            self.on_cut(index, edges[before], address)

    def inside(self, outer: sem.IndexT, piece: Any, inner: sem.IndexT) -> Pieces:
        size = self.size(outer, piece)
        return ABSENT if size is ABSENT else self.between(inner, piece, piece + size)

    def start(self, index: sem.IndexT, piece: Any) -> Any:
        return piece if index.kind == "blocks" else ABSENT

    def size(self, index: sem.IndexT, piece: Any) -> Any:
        if index.kind == "blocks" and index.grain is None:
            block = piece - piece % self._coarsest
            edges = self._cuts.get(index, {}).get(block, [block])
            after = bisect.bisect_right(edges, piece)
            return (edges[after] if after < len(edges) else block + self._coarsest) - piece
        return self._grain(index)

    def everything(self, index: sem.SemType) -> Sequence[Any] | None:
        if isinstance(index, sem.IndexT) and index.kind == "plain":
            hi = ABSENT if index.hi is None else self._number(index.hi)
            return range(hi + index.inclusive) if isinstance(hi, int) else None
        return small(index)

    def constant(self, sym: ConstSym | OptionSym | ParamSym) -> Any:
        return ABSENT

    def place(self, sym: PlaceField) -> Any:
        return ABSENT
