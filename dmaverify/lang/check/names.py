"""Names, fields and indexes: what can be read where."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.arith import OFFSET, Arith
from dmaverify.lang.check.base import Mode, Why, mentions, path_key, plain, text_of
from dmaverify.lang.check.convert import element_of, misfit
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import (
    AttrRef,
    BitRef,
    BlockField,
    BlockFieldKind,
    CallableSym,
    ConstSym,
    EnumCase,
    FieldRef,
    FlagMember,
    FuncSym,
    GhostSym,
    LocalSym,
    ModuleSym,
    MonitorSym,
    ParamSym,
    PlaceSym,
    SlotSym,
    Symbol,
    ThreadSym,
    TypeSym,
    VarSym,
)
from dmaverify.span import Span


class Names(Arith):
    """Rules for names."""

    # -- a name
    # ---------------------------------------------------------------------------------------------------

    def name(self, e: ast.Name, want: sem.SemType | None) -> sem.SemType:
        """A bare name: a local; else a case of the enum that is wanted; else what the module sees."""
        found = self.lookup(e.name, sem.strip(want) if want is not None else None, e.span)
        if found is None:
            return sem.ERROR
        e.ref = found
        return self.read(found, e.span)

    def lookup(self, name: str, want: sem.SemType | None, span: Span) -> Symbol | None:
        """The symbol that a name means here."""
        local = self.local(name)
        if local is not None:
            return local
        if self.thread is not None and name in self.thread.slots:
            return self.thread.slots[name]
        case = self.case_of(want, name)
        return case if case is not None else self.find(name, span)

    def case_of(self, t: sem.SemType | None, name: str) -> EnumCase | FlagMember | None:
        """The case of that name if ``t`` is an enum or flags that has it."""
        if isinstance(t, sem.SetT | sem.IterT):
            t = t.of
        if isinstance(t, sem.EnumT):
            return t.cases.get(name)
        if isinstance(t, sem.FlagsT) and name in t.members:
            return FlagMember(name, t, t.span, bit=t.members.index(name))
        return None

    def read(self, sym: Symbol, span: Span) -> sem.SemType:
        """The type of what a symbol holds, if it can be read here."""
        if isinstance(sym, LocalSym):
            self._set_yet(sym, span)
            return sym.ty
        if isinstance(sym, ConstSym | ParamSym):
            return self.checker.type_of(sym)
        if isinstance(sym, VarSym):
            return self._model(sym, span)
        if isinstance(sym, GhostSym):
            return self._ghost(sym, span)
        if isinstance(sym, EnumCase):
            if sym.payload:
                return self.error(
                    "DMA053",
                    f"{sym.name} carries {len(sym.payload)} value(s)",
                    span,
                    notes=[(sym.span, "declared here")],
                    fix=f"Write  {sym.name}(…)",
                )
            return sym.ty
        if isinstance(sym, TypeSym):
            if sem.index_like(sym.ty):
                return sem.SetT(sym.ty)
            return self.error(
                "DMA027", f"{sym.name} is a type, and not a finite one: it has no set of values here", span
            )
        if isinstance(sym, SlotSym):
            return sym.ty
        if isinstance(sym, CallableSym):
            return self.error(
                "DMA027",
                f"{sym.name} is a {sym.what}; call it",
                span,
                notes=[(sym.span, "declared here")],
                fix=f"Write  {sym.name}(…)",
            )
        if sym.what in ("flag", "device", "region"):
            return sym.ty
        return self.error("DMA027", f"{sym.name} is a {sym.what} and has no value", span)

    def _set_yet(self, sym: LocalSym, span: Span) -> None:
        if sym not in self.flow.unset or not self.flow.live:
            return
        if sym not in self.maybe_unset:
            self.error(
                "DMA058", f"{sym.name} is read here, and a goto leads here past its let", span,
                notes=[(sym.span, "this let is skipped")], fix="Set it before the goto, or end its block "
                                                               "before the label.",
            )  # fmt: skip
        elif sym in self.flow.void:
            self.error(
                "DMA057",
                f"{sym.name} is read before it is set",
                span,
                notes=[(sym.span, "uninitialised here, and on every path to this place")],
            )
        sym.poison = True

    def _model(self, sym: VarSym, span: Span) -> sem.SemType:
        if self.mode is Mode.CONST:
            return self.error(
                "DMA068",
                f"{sym.name} is a variable: it is known only while the model runs",
                span,
                notes=[(sym.span, "declared here")],
            )
        if self.mode is Mode.HANDLER:
            return self.error(
                "DMA060", f"an event clause reads {sym.name}, a variable of the model", span, notes=[(sym.span, "declared here")],
                fix="Let the event carry it, keep it in a ghost, or ask under  always .",
            )  # fmt: skip
        return sym.ty

    def _ghost(self, sym: GhostSym, span: Span) -> sem.SemType:
        if self.mode in (Mode.HANDLER, Mode.CLAUSE) or self.monitor is sym.monitor:
            return sym.ty
        name = sym.monitor.name if sym.monitor is not None else "?"
        return self.error(
            "DMA059",
            f"{sym.name} is a ghost of {name}; the model cannot see it",
            span,
            notes=[(sym.span, "declared here")],
        )

    def option(self, e: ast.OptionRef) -> sem.SemType:
        """``option.name``."""
        hits = self.checker.scopes.find_option(self.scope, e.name)
        if not hits:
            names = [n for m in self.checker.scopes.modules.values() for n in m.options]
            return self.error(
                "DMA050", f"there is no option {e.name} here", e.span, fix=suggest(e.name, names)
            )
        if len(hits) > 1:
            return self.error(
                "DMA051",
                f"two modules have an option {e.name}",
                e.span,
                notes=[(h.span, "here") for h in hits],
            )
        e.ref = hits[0]
        self.checker.use(hits[0], e.span, self.owner)
        return self.checker.type_of(hits[0])

    # -- fields
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
                    "DMA024", f"{shown} may be null", e.base.span, label=str(t),
                    fix=f"Ask first (if {shown} != null …), or write  {shown}!.{e.name}  where it cannot be.",
                )  # fmt: skip
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

    # -- what stands before a dot without being a value
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

    # -- indexes
    # --------------------------------------------------------------------------------------------------

    def index(self, e: ast.Index) -> sem.SemType:
        """``base[i, j]``."""
        t = self.infer(e.base)
        if isinstance(t, sem.ErrorT):
            for i in e.indexes:
                self.infer(i)
            return t
        if isinstance(t, sem.ListT):
            if len(e.indexes) != 1:
                return self.error("DMA053", "a list has one index", e.span)
            self.number(e.indexes[0], "the index")
            return t.of
        if not isinstance(t, sem.MapT):
            if isinstance(t, sem.OptT):
                return self.undefined("[ ]", e.base, t)
            return self.error("DMA027", f"{plain(t)} has no elements to choose one of with [ ]", e.base.span)
        if len(e.indexes) != len(t.keys):
            return self.error(
                "DMA053", f"{len(e.indexes)} index(es) where the map has {len(t.keys)}", e.span, label=str(t)
            )
        for i, key in zip(e.indexes, t.keys, strict=True):
            if isinstance(i, ast.Star):
                i.ty = key
                self.error("DMA029", "an index is one value", i.span, fix=f"Write  some x in {key}: …[x …] …")
            else:
                self.expect(i, key, Why("the index"))
        return t.of

    def number(self, e: ast.Expr, what: str) -> sem.SemType:
        """A plain number of any integer type."""
        self.infer(e)
        t = self.settle(e)
        if isinstance(t, sem.RangeT):
            self.coerce(e, t.promoted)
        elif isinstance(t, sem.SpaceT) and not t.is_address:
            self.coerce(e, t.base)
        elif not isinstance(t, sem.IntT | sem.ErrorT):
            return self.error("DMA020", f"{plain(t)} where {what} is a number", e.span)
        return self.effective(e)

    # -- facts
    # ----------------------------------------------------------------------------------------------------

    def narrow(self, e: ast.Expr, t: sem.SemType) -> sem.SemType:
        """A ``T?`` that is known not to be null here is a T."""
        if not isinstance(t, sem.OptT):
            return t
        key = path_key(e)
        if key is not None and key in self.flow.facts:
            e.conv = t.of
            return t.of
        return t

    def forget(self, sym: Symbol) -> None:
        """After an assignment to it nothing is known of paths through it."""
        self.flow.facts = frozenset(k for k in self.flow.facts if not mentions(k, sym))

    def domain(self, e: ast.Expr, want: sem.SemType | None = None) -> sem.SemType:
        """The element type of what is iterated over or asked with ``in``; the expression's own type stays."""
        t = self.infer(e, want)
        if isinstance(t, sem.ErrorT):
            return t
        if isinstance(t, sem.SetT | sem.IterT) and isinstance(t.of, sem.LitT | sem.NullT):
            t = self.settle_domain(e, want)
        if isinstance(t, sem.PlaceT):
            return self.error(
                "DMA027",
                "a place has cells, lines, pages: say which",
                e.span,
                fix=f"Write  {text_of(e)}.cells",
            )
        elem = element_of(t)
        if elem is None:
            return self.error("DMA027", f"{plain(t)} has no elements", e.span, label=str(t))
        return elem

    def settle_domain(self, e: ast.Expr, want: sem.SemType | None) -> sem.SemType:
        """A set or range of numbers that have no type yet."""
        t = self.effective(e)
        of = want if isinstance(want, sem.IntT | sem.SpaceT) else sem.I32
        if isinstance(t, sem.IterT) and isinstance(e, ast.Range):
            unit = t.of.unit if isinstance(t.of, sem.LitT) else None
            if isinstance(of, sem.IntT):
                of = of if unit is None else of.with_unit(unit)
            self.retype(e.lo, of)
            if isinstance(self.effective(e.hi), sem.LitT):
                self.retype(e.hi, of)
            e.ty = stretch = sem.IterT(of)
            return stretch
        return self.settle(e)


def _dotted(e: ast.Expr) -> str | None:
    if isinstance(e, ast.Name):
        return e.name
    if isinstance(e, ast.Field):
        base = _dotted(e.base)
        return None if base is None else f"{base}.{e.name}"
    return None
