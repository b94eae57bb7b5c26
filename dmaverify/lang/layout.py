"""Where the scenario's memory lies and how large its types are: from a checked program to numbers and IR
types.

A ``Layout`` is for one choice of params. Memory is the scenario's regions, in the order of their addresses.
An index ``of memory`` partitions it; its values are numbered by address. ``by SIZE``: blocks of that size,
starting at each region's start. ``by cut``: blocks that no piece of the scenario tells apart. Cuts are at

* the bounds of regions and of the blocks of the partition with the greatest size (the pages);
* the bounds of the pieces of each ``place``, and each ``cut N`` of a region (bytes from its start);
* at offset N mod page of every page, for every number of bytes N that the scenario writes out and that is no
  multiple of a page;
* where such a cut falls inside a smaller block (a line): that block's edges.

Pieces of ``place``: in the order of the text from the start of the region; places of one region follow one
another.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dmaverify.ir import types as ir
from dmaverify.lang import ast, sem
from dmaverify.lang.check.result import Checked
from dmaverify.lang.consteval import Evaluator, NotConstant
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.symbols import BlockField, ConstSym, EnumCase, PlaceField, RegionSym, record_const
from dmaverify.lang.tree import walk

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


class Layout:
    """Sizes, IR types, constants and memory of a checked program."""

    def __init__(self, checked: Checked, params: Mapping[str, Any] | None = None) -> None:
        self.checked = checked
        self.params = dict(params or {})
        self.evaluator = Evaluator(self, self.params)
        self._types: dict[sem.SemType, ir.Type] = {}
        self._sizes: dict[sem.SemType, int] = {}
        self._blocks: dict[sem.IndexT, tuple[Block, ...]] = {}

    # -- constants
    # ------------------------------------------------------------------------------------------------

    def value(self, e: ast.Expr) -> Any:
        """The value of a checked constant expression; NotConstant if it is none."""
        return self.evaluator.value(e)

    def attribute(self, const: ConstSym, ordinal: int, field: str | None) -> Any:
        """What the scenario says of a region or device: one field, or (None) the whole value of the const for
        it."""
        index = const.ty.keys[0] if isinstance(const.ty, sem.MapT) else None
        owners: list[Any] = list(
            self.checked.regions if index is self.checked.scopes.region else self.checked.devices
        )
        if ordinal >= len(owners):
            return self.ir_type(const.ty.of).default if isinstance(const.ty, sem.MapT) else None
        owner = owners[ordinal].name
        record = record_const(const)
        if record is None:
            return self._attribute(
                const, owner, "", const.ty.of if isinstance(const.ty, sem.MapT) else const.ty, None
            )
        if field is not None:
            f = record.fields[field]
            return self._attribute(const, owner, field, f.ty, f)
        return tuple(self._attribute(const, owner, f.name, f.ty, f) for f in record.fields.values())

    def _attribute(self, const: ConstSym, owner: str, name: str, ty: sem.SemType, f: sem.Field | None) -> Any:
        e = self.checked.attributes.get((const.name, owner, name))
        if e is not None:
            if isinstance(e, ast.AnyType):
                raise NotConstant(f"{owner}.{name} may have any value")
            return self.value(e)
        return self.evaluator.field_default(f) if f is not None else self.ir_type(ty).default

    # -- types
    # ----------------------------------------------------------------------------------------------------

    def size(self, t: sem.IndexT | sem.ObjT) -> int:
        """How many values an index has, or instances an object. Never less than one, as the IR wants it."""
        if t not in self._sizes:
            self._sizes[t] = max(1, self._size(t))
        return self._sizes[t]

    def _size(self, t: sem.IndexT | sem.ObjT) -> int:
        if isinstance(t, sem.ObjT):
            return int(self.value(t.max)) if t.max is not None else 1
        if t.kind == "region":
            return len(self.checked.regions)
        if t.kind == "device":
            return len(self.checked.devices)
        if t.kind == "blocks":
            return len(self.blocks(t))
        hi = int(self.value(t.hi)) if t.hi is not None else 1
        lo = int(self.value(t.lo)) if t.lo is not None else 0
        return hi - lo + (1 if t.inclusive else 0)

    def first_number(self, t: sem.IndexT) -> int:
        """The number of the first value of ``index I lo .. hi``; 0 for all others."""
        return int(self.value(t.lo)) if t.lo is not None else 0

    def names(self, t: sem.IndexT | sem.ObjT) -> tuple[str, ...]:
        """What reports call the values."""
        if isinstance(t, sem.ObjT):
            return tuple(f"{t.name.lower()} {i}" for i in range(self.size(t)))
        if t.kind == "region":
            return tuple(r.name for r in self.checked.regions) or ("none",)
        if t.kind == "device":
            return tuple(d.name for d in self.checked.devices) or ("none",)
        if t.kind == "blocks":
            return tuple(self._block_name(t, b) for b in self.blocks(t)) or ("none",)
        lo = self.first_number(t)
        return tuple(str(i + lo) for i in range(self.size(t)))

    def _block_name(self, t: sem.IndexT, b: Block) -> str:
        region = self.checked.regions[b.region]
        for place in self.places.values():
            if place.start <= b.start and b.end <= place.end:
                sym = next(f for f, p in self.places.items() if p is place)
                owner = sym.place.name if sym.place is not None else ""
                whole = (b.start, b.end) == (place.start, place.end)
                return f"{owner}.{sym.name}" if whole else f"{owner}.{sym.name}+{b.start - place.start:#x}"
        return f"{region.name}+{b.start - self.regions[region].start:#x}"

    def ir_type(self, t: sem.SemType) -> ir.Type:
        """The IR type of values of a semantic type; see the table in ``sem``."""
        found = self._types.get(t)
        if found is None:
            found = self._types[t] = self._ir_type(t)
        return found

    def _ir_type(self, t: sem.SemType) -> ir.Type:
        match t:
            case sem.BoolT() | sem.LockT():
                return ir.BOOL
            case sem.IntT():
                return ir.Int(t.width, t.signed)
            case sem.SpaceT() | sem.BitsT():
                return ir.Int(t.base.width, t.base.signed)
            case sem.RangeT():
                return ir.Range(t.lo, t.hi)
            case sem.OptT():
                return ir.Opt(self.ir_type(t.of))
            case sem.EnumT():
                return self._enum(t)
            case sem.FlagsT():
                return ir.Flags(t.name, t.members)
            case sem.IndexT() | sem.ObjT():
                return ir.Index(t.name, self.size(t), self.names(t))
            case sem.RecordT():
                return ir.Record(t.name, tuple((f.name, self.ir_type(f.ty)) for f in t.fields.values()))
            case sem.TupleT():
                return ir.Record(str(t), tuple(zip(t.field_names, map(self.ir_type, t.items), strict=True)))
            case sem.MapT():
                result = self.ir_type(t.of)
                for key in reversed(t.keys):
                    result = ir.Map(self.ir_type(key), result)
                return result
            case sem.SetT() if t.is_mask:
                return ir.Mask(self._maskable(t.of))
            case sem.SetT():
                return ir.Map(ir.Range(0, self.capacity(t) - 1), ir.Opt(self.ir_type(t.of)))
            case sem.ListT():
                return self.list_type(t)
        raise NotConstant(f"a {t} has no representation")

    def _maskable(self, t: sem.SemType) -> ir.Type:
        index = self.ir_type(t)
        return ir.Enum("bool", ("false", "true")) if isinstance(index, ir.Bool) else index

    def _enum(self, t: sem.EnumT) -> ir.Type:
        tag = ir.Enum(t.name, tuple(t.cases))
        if not t.has_payload:
            return tag
        fields: list[tuple[str, ir.Type]] = [("tag", tag)]
        for c in t.cases.values():
            fields += [(f"{c.name}.{i}", self.ir_type(p)) for i, p in enumerate(c.payload)]
        return ir.Record(t.name, tuple(fields))

    def list_type(self, t: sem.ListT) -> ir.Record:
        """A list: how many there are, and the cells; those behind the last hold the default."""
        limit = t.max or 1
        return ir.Record(
            str(t),
            (("count", ir.Range(0, limit)), ("cells", ir.Map(ir.Range(0, limit - 1), self.ir_type(t.of)))),
        )

    def capacity(self, t: sem.SetT) -> int:
        """How many elements a stored set has room for: what is declared, else as many as clients may hold and
        sequences take."""
        if t.capacity is not None:
            return t.capacity
        held = 0
        for thread in self.checked.threads.values():
            for slot in thread.slots.values():
                held += int(self.value(slot.count)) if slot.count is not None else 1
            if thread.kind == "sequence" and isinstance(thread.decl, ast.Sequence):
                held += sum(isinstance(n, ast.Let) for n in walk(thread.decl.body))
        held += sum(
            1
            for v in self.checked.vars
            if isinstance(v.decl, ast.VarDecl) and v.module == self.checked.program.scope.name
        )
        return max(2, min(held, 8))

    # -- memory
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

    def payload_fields(self, case: EnumCase) -> list[str]:
        """The names of the fields of an enum's IR record that hold a case's payload."""
        return [f"{case.name}.{i}" for i in range(len(case.payload))]

    def parents(self, fine: sem.IndexT, coarse: sem.IndexT) -> list[int]:
        """For each block of ``fine``, the number of the block of ``coarse`` that holds its start."""
        return [self.parent(b, coarse) for b in self.blocks(fine)]

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
            spans += [(a, b, r.region) for a, b in zip(edges, edges[1:], strict=False) if b > a]
        return tuple(Block(i, a, b - a, r) for i, (a, b, r) in enumerate(spans))

    def _edges(self, r: Block, grain: int) -> list[int]:
        """Where the blocks of one size in a region meet. Where nothing tells the blocks in a cell apart, one
        stands for all."""
        grains = self._grains()
        regular = [*range(r.start, r.end, grain), r.end]
        if not any(t.by_cut for t in self._partitions()) or grain == grains[-1]:
            return regular
        cells = set(self._cuts(r))
        return [e for e in regular if e in cells]

    def _partitions(self) -> list[sem.IndexT]:
        return [s.ty for s in self.checked.types if isinstance(s.ty, sem.IndexT) and s.ty.kind == "blocks"]

    def _grains(self) -> list[int]:
        return sorted({g for t in self._partitions() if (g := self.grain(t)) is not None and g > 0})

    @cached_property
    def literal_cuts(self) -> list[int]:
        """Offsets in a page at which some number of bytes of the scenario ends."""
        grains = self._grains()
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
        grains = self._grains()
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

    # -- what cannot be
    # ---------------------------------------------------------------------------------------------

    def validate(self, diags: Diagnostics) -> None:
        """Reports regions, places and blocks that make no sense."""
        try:
            regions = self.regions
            ok = self._check_regions(diags, regions)
            ok = ok and self._check_grains(diags, regions)
            ok = ok and self._check_places(diags, regions)
            if ok:
                for t in self._partitions():
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
        for (r, b), (other, c) in zip(placed, placed[1:], strict=False):
            said = any(s.name == "overlaps" for s in (*r.decl.settings, *other.decl.settings))
            if c.start < b.end and b.size > 0 and c.size > 0 and not said:
                diags.error(
                    "DMA070", f"the regions {r.name} and {other.name} share memory from {c.start:#x} on", other.span,
                    notes=[(r.span, f"{r.name} ends at {b.end:#x}")], fix="Say  overlaps  in one of them "
                                                                          "if that is meant.",
                )  # fmt: skip
        return len(diags.errors) == before

    def _check_grains(self, diags: Diagnostics, regions: dict[RegionSym, Block]) -> bool:
        before = len(diags.errors)
        for t in self._partitions():
            grain = self.grain(t)
            if grain is None:
                continue
            if grain <= 0 or grain & (grain - 1):
                diags.error("DMA069", f"blocks of {grain} bytes: {t} needs a power of two", t.span)
                continue
            for r, b in regions.items():
                if (b.start % grain or b.size % grain) and grain == self._grains()[-1]:
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
            assert f.place is not None and f.place.region is not None
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
