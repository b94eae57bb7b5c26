"""Regions, places, and the blocks that memory is made of. The rules for cuts are in ``layout``."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dmaverify.lang import ast, sem
from dmaverify.lang.constops import NotConstant
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.symbols import BlockField, PlaceField, RegionSym
from dmaverify.lang.tree import walk

if TYPE_CHECKING:
    from dmaverify.lang.check.result import Checked


MAX_BLOCKS = 4096
"""More blocks of one partition than this are refused: nothing would ever finish."""

_BODIES = (
    ast.Sequence
    | ast.Client
    | ast.Interrupt
    | ast.ParamDecl
    | ast.Const
    | ast.VarDecl
    | ast.ProcDecl
    | ast.FuncDecl
)
"""Where numbers of bytes are looked for that cut memory."""


def _bytes(t: object) -> bool:
    return isinstance(t, sem.IntT) and t.unit == "bytes"


@dataclass(frozen=True)
class Block:
    """A piece of memory: ``start`` is a physical address, ``region`` the ordinal of the region that it lies
    in."""

    number: int
    start: int
    size: int
    region: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.start + self.size


class Memory:
    """The part of a ``Layout`` that knows addresses. Values of expressions come from the other part."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked
        self._blocks: dict[sem.IndexT, tuple[Block, ...]] = {}

    def value(self, e: ast.Expr) -> Any:
        """The value of a checked constant expression; NotConstant if it is none."""
        raise NotImplementedError

    # ---------------------------------------------------------------------------------------------------

    @cached_property
    def regions(self) -> dict[RegionSym, Block]:
        """The regions, numbered in the order of the text."""
        out: dict[RegionSym, Block] = {}
        for r in self.checked.regions:
            words = {s.name: s for s in r.decl.settings}
            at, size = words.get("at"), words.get("size")
            if at is None or at.value is None or size is None or size.value is None:
                raise NotConstant(f"region {r.name} has no address or size")
            out[r] = Block(r.ordinal, int(self.value(at.value)), int(self.value(size.value)), r.ordinal)
        return out

    @cached_property
    def places(self) -> dict[PlaceField, Block]:
        """Where the pieces of places are."""
        at = {r: b.start for r, b in self.regions.items()}
        out: dict[PlaceField, Block] = {}
        for p in self.checked.places:
            if p.region is None:
                continue
            for f in p.fields.values():
                size = int(self.value(f.size)) if f.size is not None else 0
                out[f] = Block(len(out), at[p.region], size, p.region.ordinal)
                at[p.region] += size
        return out

    def place(self, f: PlaceField) -> tuple[int, int]:
        """Where a piece of a place starts, and its size."""
        return self.places[f].start, self.places[f].size

    def grain(self, t: sem.IndexT) -> int | None:
        """The size of a partition's blocks; None: by cut."""
        return int(self.value(t.grain)) if t.grain is not None else None

    def blocks(self, t: sem.IndexT) -> tuple[Block, ...]:
        """The blocks of a partition, by address."""
        if t not in self._blocks:
            self._blocks[t] = self._make(t)
        return self._blocks[t]

    def _make(self, t: sem.IndexT) -> tuple[Block, ...]:
        if t.kind == "region":
            return tuple(self.regions.values())
        regions = sorted(self.regions.values(), key=lambda b: b.start)
        grain = self.grain(t)
        spans: list[tuple[int, int, int]] = []
        for r in regions:
            edges = self._cuts(r) if grain is None else self._edges(r, grain)
            if len(spans) + len(edges) > MAX_BLOCKS:
                raise NotConstant(f"{t} would have more than {MAX_BLOCKS:,} values")
            spans += [(a, b, r.region) for a, b in pairwise(edges) if b > a]
        return tuple(Block(i, a, b - a, r) for i, (a, b, r) in enumerate(spans))

    def _edges(self, r: Block, grain: int) -> list[int]:
        """Where the blocks of one size in a region meet. Where nothing tells the blocks in a cell apart, one
        stands for all."""
        grains = self.grains()
        regular = [*range(r.start, r.end, grain), r.end]
        if not any(t.by_cut for t in self.partitions()) or grain == grains[-1]:
            return regular
        cells = set(self._cuts(r))
        return [e for e in regular if e in cells]

    def partitions(self) -> list[sem.IndexT]:
        return [s.ty for s in self.checked.types if isinstance(s.ty, sem.IndexT) and s.ty.kind == "blocks"]

    def grains(self) -> list[int]:
        return sorted({g for t in self.partitions() if (g := self.grain(t)) is not None and g > 0})

    @cached_property
    def literal_cuts(self) -> list[int]:
        """Offsets in a page at which some number of bytes of the scenario ends."""
        grains = self.grains()
        page = grains[-1] if grains else 0
        if not page:
            return []
        found: set[int] = set()
        program = self.checked.program
        file = program.scenario.span.file if program.scenario is not None else ""
        bodies: list[ast.Node] = [
            d for m in program.modules.values() for d in m.decls.values() if isinstance(d, _BODIES)
        ]
        for body in bodies:
            for n in walk(body):
                if isinstance(n, ast.IntLit) and n.span.file == file and _bytes(n.ty) and n.value % page:
                    found.add(n.value % page)
        return sorted(found)

    def _cuts(self, r: Block) -> list[int]:
        edges = {r.start, r.end}
        grains = self.grains()
        page = grains[-1] if grains else r.size
        edges.update(range(r.start, r.end, max(page, 1)))
        extra: set[int] = set()
        for b in self.places.values():
            if b.region == r.region:
                extra.update((b.start, b.end))
        decl = self.checked.regions[r.region].decl
        extra.update(
            r.start + int(self.value(s.value))
            for s in decl.settings
            if s.name == "cut" and s.value is not None
        )
        for base in range(r.start, r.end, max(page, 1)):
            extra.update(base + off for off in self.literal_cuts)
        for cut in extra:
            if not r.start < cut < r.end:
                continue
            edges.add(cut)
            for g in grains[:-1]:
                start = r.start + (cut - r.start) // g * g
                if start < cut:
                    edges.update((start, min(start + g, r.end)))
        return sorted(edges)

    def block_at(self, t: sem.IndexT, address: int) -> int:
        """The number of the block that holds an address; NotConstant if none does."""
        blocks = self.blocks(t)
        if t.kind == "region":
            hits = [b.number for b in blocks if b.start <= address < b.end]
            if hits:
                return hits[0]
            raise NotConstant(f"{address:#x} is in no region")
        i = bisect.bisect_right([b.start for b in blocks], address) - 1
        if i < 0 or address >= blocks[i].end:
            raise NotConstant(f"{address:#x} is in no region")
        return i

    def inner(self, outer: Block, t: sem.IndexT) -> range:
        """The numbers of the blocks of ``t`` that lie in ``outer`` or, where they are larger, reach into
        it."""
        blocks = self.blocks(t)
        if t.kind == "region":
            hits = [b.number for b in blocks if b.start < outer.end and outer.start < b.end]
            return range(hits[0], hits[-1] + 1) if hits else range(0)
        hits = [
            b.number
            for b in blocks
            if b.region == outer.region and b.start < outer.end and outer.start < b.end
        ]
        return range(hits[0], hits[-1] + 1) if hits else range(0)

    def parents(self, fine: sem.IndexT, coarse: sem.IndexT) -> list[int]:
        """For each block of ``fine``, the number of the block of ``coarse`` that holds its start."""
        return [self.parent(b, coarse) for b in self.blocks(fine)]

    def parent(self, inner: Block, t: sem.IndexT) -> int:
        """The block of the partition ``t`` that holds ``inner`` or, where ``inner`` is larger, the one at its
        start."""
        hits = self.inner(inner, t)
        return hits[0] if len(hits) else 0

    def block(self, t: sem.SemType, value: Any) -> Block:
        """The piece of memory that a value of a partition, or a place, stands for."""
        if isinstance(t, sem.PlaceT):
            assert isinstance(value, PlaceField)
            return self.places[value]
        assert isinstance(t, sem.IndexT)
        blocks: tuple[Block, ...] = self.blocks(t)
        return blocks[int(value)]

    def block_field(self, t: sem.SemType, value: Any, ref: BlockField) -> Any:
        """The value of ``start``, ``end``, ``size``, ``region`` or the parent of a piece of memory."""
        b = self.block(t, value)
        if ref.kind in ("start", "end", "size", "region"):
            return getattr(b, ref.kind)
        if ref.kind == "parent" and isinstance(ref.index, sem.IndexT):
            return self.parent(b, ref.index)
        raise NotConstant("the blocks of a block are no single value")

    # ---------------------------------------------------------------------------------------------

    def validate(self, diags: Diagnostics) -> None:
        """Reports regions, places and blocks that make no sense."""
        try:
            regions = self.regions
            ok = self._check_regions(diags, regions)
            ok = ok and self._check_grains(diags, regions)
            ok = ok and self._check_places(diags, regions)
            if ok:
                for t in self.partitions():
                    self.blocks(t)
        except NotConstant as why:
            where = (
                self.checked.regions[0].span
                if self.checked.regions
                else self.checked.program.scope.parts[0].name_span
            )
            diags.error("DMA068", f"the memory must be known before anything runs: {why}", where)

    def _check_regions(self, diags: Diagnostics, regions: dict[RegionSym, Block]) -> bool:
        before = len(diags.errors)
        for r, b in regions.items():
            if b.size <= 0:
                diags.error("DMA069", f"the region {r.name} has no bytes", r.span)
            elif b.end > 1 << 64:
                diags.error("DMA069", f"the region {r.name} ends beyond the last address", r.span)
        placed = sorted(regions.items(), key=lambda x: (x[1].start, x[1].end))
        for (r, b), (other, c) in pairwise(placed):
            said = any(s.name == "overlaps" for s in (*r.decl.settings, *other.decl.settings))
            if c.start < b.end and b.size > 0 and c.size > 0 and not said:
                diags.error(
                    "DMA070",
                    f"the regions {r.name} and {other.name} share memory from {c.start:#x} on",
                    other.span,
                    notes=[(r.span, f"{r.name} ends at {b.end:#x}")],
                    fix="Say  overlaps  in one of them if that is meant.",
                )
        return len(diags.errors) == before

    def _check_grains(self, diags: Diagnostics, regions: dict[RegionSym, Block]) -> bool:
        before = len(diags.errors)
        for t in self.partitions():
            grain = self.grain(t)
            if grain is None:
                continue
            if grain <= 0 or grain & (grain - 1):
                diags.error("DMA069", f"blocks of {grain} bytes: {t} needs a power of two", t.span)
                continue
            for r, b in regions.items():
                if (b.start % grain or b.size % grain) and grain == self.grains()[-1]:
                    diags.error(
                        "DMA069",
                        f"the region {r.name} is not made of whole {t.name.lower()}s of {grain:,} bytes",
                        r.span,
                        notes=[(t.span, "")],
                    )
        return len(diags.errors) == before

    def _check_places(self, diags: Diagnostics, regions: dict[RegionSym, Block]) -> bool:
        before = len(diags.errors)
        for f, b in self.places.items():
            assert f.place is not None
            assert f.place.region is not None
            region = regions[f.place.region]
            if b.size <= 0:
                diags.error("DMA069", f"{f.place.name}.{f.name} has no bytes", f.span)
            elif b.end > region.end:
                diags.error(
                    "DMA069",
                    f"{f.place.name}.{f.name} ends {b.end - region.end} bytes behind {f.place.region.name}",
                    f.span,
                    notes=[(f.place.region.span, f"{region.size:,} bytes")],
                )
        return len(diags.errors) == before
