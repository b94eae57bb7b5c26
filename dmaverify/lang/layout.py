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

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dmaverify.ir import types as ir
from dmaverify.lang import ast, sem
from dmaverify.lang.consteval import Evaluator, NotConstant
from dmaverify.lang.memory import Block, Memory
from dmaverify.lang.symbols import ConstSym, EnumCase, record_const
from dmaverify.lang.tree import walk

if TYPE_CHECKING:
    from dmaverify.lang.check.result import Checked


class Layout(Memory):
    """Sizes, IR types, constants and memory of a checked program."""

    def __init__(self, checked: Checked, params: Mapping[str, Any] | None = None) -> None:
        super().__init__(checked)
        self.params = dict(params or {})
        self.evaluator = Evaluator(self, self.params)
        self._types: dict[sem.SemType, ir.Type] = {}
        self._sizes: dict[sem.SemType, int] = {}

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
        return hi + 1 if t.inclusive else hi

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
        return tuple(str(i) for i in range(self.size(t)))

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

    def payload_fields(self, case: EnumCase) -> list[str]:
        """The names of the fields of an enum's IR record that hold a case's payload."""
        return [f"{case.name}.{i}" for i in range(len(case.payload))]

    # -- what cannot be


__all__ = ["Block", "Layout"]
