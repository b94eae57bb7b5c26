"""The world of a scenario: its memory and its constants, as the compiler lays them out."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from typing import Any

from dmaverify.evidence.codec import from_ir
from dmaverify.evidence.tables import Table
from dmaverify.evidence.values import ABSENT, Stretch
from dmaverify.evidence.world import OnCut, Pieces, small
from dmaverify.lang import ast, sem
from dmaverify.lang.consteval import NotConstant
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.lang.layout import Block, Layout
from dmaverify.lang.symbols import ConstSym, OptionSym, ParamSym, PlaceField
from dmaverify.span import NOWHERE


class Ambiguous(DmaError):
    """Regions share memory: an address in an event does not say which piece is meant."""

    def __init__(self, index: sem.IndexT, layout: Layout) -> None:
        said = (r for r in layout.checked.regions if any(s.name == "overlaps" for s in r.decl.settings))
        span = next((r.span for r in said), NOWHERE)
        message = f"regions share memory, so an address in an event does not say which {index} is meant"
        fix = "Judge by a scenario whose regions lie apart, or by none."
        super().__init__([Diagnostic("DMA070", message, span, fix=fix)])


class BoardWorld:
    """A scenario's regions, devices, options and params.

    ``frozen`` has the values of options and params that the text leaves open, by name, as the System holds
    them.
    """

    cuts = False

    def __init__(self, layout: Layout, frozen: Mapping[str, Any] | None = None) -> None:
        self.on_cut: OnCut = lambda index, old, new: None
        self.layout = layout
        self._frozen = dict(frozen or {})
        self._blocks: dict[sem.IndexT, tuple[list[int], dict[Any, Block]]] = {}

    def _of(self, index: sem.IndexT) -> tuple[list[int], dict[Any, Block]]:
        """Starts in order, and the blocks by what the judge calls them."""
        found = self._blocks.get(index)
        if found is None:
            blocks = self.layout.blocks(index)
            named = {from_ir(b.number, index, self.layout): b for b in blocks}
            if len(named) < len(blocks):
                raise Ambiguous(index, self.layout)
            found = self._blocks[index] = (sorted(b.start for b in blocks), named)
        return found

    def at(self, index: sem.IndexT, address: int) -> Any:
        try:
            return from_ir(self.layout.block_at(index, address), index, self.layout)
        except NotConstant:
            return None

    def between(self, index: sem.IndexT, lo: int, hi: int) -> Pieces:
        starts, _ = self._of(index)
        return starts[bisect.bisect_left(starts, lo) : bisect.bisect_left(starts, hi)]

    def touching(self, index: sem.IndexT, lo: int, hi: int) -> Pieces:
        starts, named = self._of(index)
        last = bisect.bisect_left(starts, hi)
        return [s for s in starts[max(0, bisect.bisect_right(starts, lo) - 1) : last] if named[s].end > lo]

    def inside(self, outer: sem.IndexT, piece: Any, inner: sem.IndexT) -> Pieces:
        numbers = self.layout.inner(self._of(outer)[1][piece], inner)
        return [from_ir(n, inner, self.layout) for n in numbers]

    def start(self, index: sem.IndexT, piece: Any) -> Any:
        block = self._of(index)[1].get(piece)
        return ABSENT if block is None else block.start

    def size(self, index: sem.IndexT, piece: Any) -> Any:
        block = self._of(index)[1].get(piece)
        return ABSENT if block is None else block.size

    def everything(self, index: sem.SemType) -> Sequence[Any] | None:
        if isinstance(index, sem.IndexT):
            if index.kind == "blocks":
                return self._of(index)[0]
            if index.kind in ("device", "region"):
                owners: Sequence[Any] = self.layout.checked.devices if index.kind == "device" else self.layout.checked.regions
                return [o.name for o in owners]
            return range(self.layout.size(index))
        if isinstance(index, sem.ObjT):
            return range(self.layout.size(index))
        return small(index)

    def constant(self, sym: ConstSym | OptionSym | ParamSym) -> Any:
        if isinstance(sym, ConstSym):
            return self._from_scenario(sym) if sym.from_scenario else ABSENT
        key = f"option.{sym.name}" if isinstance(sym, OptionSym) else sym.name
        if key in self._frozen:
            return from_ir(self._frozen[key], sym.ty, self.layout)
        chosen = isinstance(sym, ParamSym) and sym.name in self.layout.params
        if not chosen and (sym.value is None or isinstance(sym.value, ast.AnyType)):
            return ABSENT
        try:
            return from_ir(self.layout.evaluator.symbol(sym), sym.ty, self.layout)
        except NotConstant:
            return ABSENT

    def _from_scenario(self, sym: ConstSym) -> Any:
        assert isinstance(sym.ty, sem.MapT)
        table = Table(ABSENT)
        for ordinal, name in enumerate(self.everything(sym.ty.keys[0]) or ()):
            try:
                table.put((name,), from_ir(self.layout.attribute(sym, ordinal, None), sym.ty.of, self.layout))
            except NotConstant:
                continue
        return table

    def place(self, sym: PlaceField) -> Any:
        block = self.layout.places[sym]
        return Stretch(block.start, block.end)
