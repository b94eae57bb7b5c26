"""What stands behind a dot."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Mode, Why, plain, text_of
from dmaverify.lang.check.convert import misfit
from dmaverify.lang.check.names import Names
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.check.spaces import OFFSET
from dmaverify.lang.symbols import (
    AttrRef,
    BitRef,
    BlockField,
    BlockFieldKind,
    FieldRef,
    FuncSym,
    ModuleSym,
    MonitorSym,
    PlaceSym,
    Symbol,
    ThreadSym,
    TypeSym,
)


class Fields(Names):
    """Rules for fields."""

    # ---------------------------------------------------------------------------------------------------

    def field(self, e: ast.Field, want: sem.SemType | None) -> sem.SemType:
        """``base.name``."""
        holder = self._holder(e.base)
        if holder is not None:
            return self._member(e, holder)
        t = self.infer(e.base)
        if isinstance(t, sem.ErrorT):
            return t
        if isinstance(t, sem.LitT | sem.NullT):
            t = self.settle(e.base)
        found = self.field_of(t, e)
        if found is not None:
            return found
        if isinstance(t, sem.OptT):
            if self.has_field(t.of, e.name):
                shown = text_of(e.base)
                return self.error(
                    "DMA024",
                    f"{shown} may be null",
                    e.base.span,
                    label=str(t),
                    fix=f"Ask first (if {shown} != null …), or write  {shown}!.{e.name}  where it cannot be.",
                )
            t = t.of
        return self.error(
            "DMA027",
            f"{plain(t)} has no field {e.name}",
            e.name_span,
            label=str(t),
            fix=suggest(e.name, self.field_names(t)),
        )

    def has_field(self, t: sem.SemType, name: str) -> bool:
        """Whether there is such a field, for a message."""
        return name in self.field_names(t)

    def field_names(self, t: sem.SemType) -> list[str]:
        """The fields that a value of the type has."""
        names: list[str] = []
        if isinstance(t, sem.RecordT | sem.ObjT | sem.BitsT):
            names += list(t.fields)
        if isinstance(t, sem.TupleT):
            names += t.field_names
        if isinstance(t, sem.PlaceT) or (isinstance(t, sem.IndexT) and t.is_partition):
            names += ["start", "end", "size", "region"]
            for p in self.checker.partitions:
                names += [p.name.lower(), p.name.lower() + "s"]
        if isinstance(t, sem.IterT | sem.SetT):
            names += ["first", "last", "count"]
        names += [f.name for c in self.checker.attribute_consts(t) for f in self.checker.record_fields(c)]
        return names

    def field_of(self, t: sem.SemType, e: ast.Field) -> sem.SemType | None:
        """The type of the field, with ``e.ref`` set, or None if there is none."""
        name = e.name
        if isinstance(t, sem.RecordT | sem.ObjT) and name in t.fields:
            if isinstance(t, sem.ObjT):
                self.checker.use(self.checker.objects, e.span, self.owner)
                if self.mode is Mode.HANDLER:
                    return self.error(
                        "DMA060", f"an event clause looks into {plain(t)}, which belongs to the model", e.span
                    )
            ty = t.fields[name].ty
            e.ref = FieldRef(t, name, ty, "record" if isinstance(t, sem.RecordT) else "object")
            return ty
        if isinstance(t, sem.TupleT):
            at = t.position(name)
            if at is not None:
                e.ref = FieldRef(t, t.field_names[at], t.items[at], "tuple")
                return t.items[at]
        if isinstance(t, sem.BitsT) and name in t.fields:
            bits = t.fields[name]
            ty = sem.BOOL if bits.width == 1 else sem.RangeT(0, (1 << bits.width) - 1)
            e.ref = BitRef(t, bits, ty)
            return ty
        if isinstance(t, sem.PlaceT) or (isinstance(t, sem.IndexT) and t.is_partition):
            found = self._block_field(t, e)
            if found is not None:
                return found
        if isinstance(t, sem.IterT | sem.SetT) and name in ("first", "last", "count"):
            ty = sem.U32 if name == "count" else (t.of if isinstance(t, sem.IterT) else sem.opt(t.of))
            e.ref = BlockField(name, ty)  # type: ignore[arg-type]
            return ty
        return self._attribute(t, e) or self._as_call(t, e)

    def _block_field(self, t: sem.SemType, e: ast.Field) -> sem.SemType | None:
        kind: BlockFieldKind
        if e.name in ("start", "end"):
            ty: sem.SemType = self.checker.memory_space(self.scope)
        elif e.name == "size":
            ty = OFFSET
        elif e.name == "region":
            ty = self.checker.scopes.region
        else:
            for p in self.checker.partitions:
                if p is t or e.name not in (p.name.lower(), p.name.lower() + "s"):
                    continue
                kind = "parent" if e.name == p.name.lower() else "children"
                ty = p if kind == "parent" else sem.IterT(p)
                e.ref = BlockField(kind, ty, p)
                return ty
            return None
        e.ref = BlockField(e.name, ty)  # type: ignore[arg-type]
        return ty

    def _attribute(self, t: sem.SemType, e: ast.Field) -> sem.SemType | None:
        for const in self.checker.attribute_consts(t):
            for f in self.checker.record_fields(const):
                if f.name == e.name:
                    e.ref = AttrRef(const, f, f.ty)
                    self.checker.use(const, e.span, self.owner)
                    return f.ty
        return None

    def _as_call(self, t: sem.SemType, e: ast.Field) -> sem.SemType | None:
        """``x.f`` is ``f(x)`` for a func of one argument."""
        hits = self.checker.scopes.find(self.scope, e.name)
        if len(hits) != 1 or not isinstance(hits[0], FuncSym):
            return None
        func = hits[0]
        needed = [p for p in func.params if p.default is None]
        if not func.params or len(needed) > 1 or (needed and needed[0] is not func.params[0]):
            return None
        if misfit(t, func.params[0].ty) is not None:
            return None
        self.coerce(
            e.base, func.params[0].ty, Why(f"the parameter {func.params[0].name}", func.params[0].span)
        )
        e.ref = func
        self.checker.use(func, e.span, self.owner)
        return self.checker.type_of(func)

    # -----------------------------------------------------------

    def _holder(self, base: ast.Expr) -> Symbol | None:
        if isinstance(base, ast.Name):
            if self.local(base.name) is not None or (
                self.thread is not None and base.name in self.thread.slots
            ):
                return None
            if self.monitor_part(base.name) is not None:
                return None
            hits = self.checker.scopes.find(self.scope, base.name)
            if len(hits) == 1 and isinstance(hits[0], MonitorSym | ThreadSym | PlaceSym | TypeSym):
                base.ref, base.ty = hits[0], sem.VOID
                self.checker.use(hits[0], base.span, self.owner)
                return hits[0]
            return self.checker.scopes.find_module(base.name) if not hits else None
        if isinstance(base, ast.Field):
            dotted = _dotted(base)
            if dotted is not None and self.local(dotted.split(".")[0]) is None:
                return self.checker.scopes.find_module(dotted)
        return None

    def _member(self, e: ast.Field, holder: Symbol) -> sem.SemType:
        found: Symbol | None = None
        names: list[str] = []
        if isinstance(holder, MonitorSym):
            found, names = holder.ghosts.get(e.name), list(holder.ghosts)
        elif isinstance(holder, PlaceSym):
            place = holder.fields.get(e.name)
            if place is not None:
                e.ref = place
                return sem.PLACE
            names = list(holder.fields)
        elif isinstance(holder, ThreadSym):
            slot = holder.slots.get(e.name)
            if slot is not None:
                e.ref = slot
                return sem.opt(slot.ty)
            names = list(holder.slots)
        elif isinstance(holder, ModuleSym):
            scope = self.checker.scopes.modules[holder.module]
            found = scope.symbols.get(e.name) or next(iter(scope.cases.get(e.name, ())), None)
            names = [*scope.symbols, *scope.cases]
            if found is not None:
                self.checker.use(found, e.span, self.owner)
        elif isinstance(holder, TypeSym):
            if isinstance(holder.ty, sem.EnumT) and e.name in holder.ty.cases:
                found = holder.ty.cases[e.name]
            elif sem.index_like(holder.ty):
                t = self.infer(e.base)
                known = self.field_of(t, e)
                if known is not None:
                    return known
            names = [*holder.ty.cases] if isinstance(holder.ty, sem.EnumT) else ["count", "first", "last"]
        if found is None:
            return self.error(
                "DMA050",
                f"the {holder.what} {holder.name} has no {e.name}",
                e.name_span,
                fix=suggest(e.name, names),
            )
        e.ref = found
        return self.read(found, e.span)


def _dotted(e: ast.Expr) -> str | None:
    if isinstance(e, ast.Name):
        return e.name
    if isinstance(e, ast.Field):
        base = _dotted(e.base)
        return None if base is None else f"{base}.{e.name}"
    return None
