"""Names, fields and indexes: what can be read where."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.arith import Arith
from dmaverify.lang.check.base import Mode, Why, mentions, path_key, plain, text_of
from dmaverify.lang.check.convert import element_of
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import (
    CallableSym,
    ConstSym,
    EnumCase,
    FlagMember,
    GhostSym,
    LocalSym,
    ParamSym,
    SlotSym,
    Symbol,
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
                "DMA058",
                f"{sym.name} is read here, and a goto leads here past its let",
                span,
                notes=[(sym.span, "this let is skipped")],
                fix="Set it before the goto, or end its block before the label.",
            )
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
                "DMA060",
                f"an event clause reads {sym.name}, a variable of the model",
                span,
                notes=[(sym.span, "declared here")],
                fix="Let the event carry it, keep it in a ghost, or ask under  always .",
            )
        return sym.ty

    def _ghost(self, sym: GhostSym, span: Span) -> sem.SemType:
        if self.mode in (Mode.HANDLER, Mode.CLAUSE, Mode.HELPER) or self.monitor is sym.monitor:
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

    # -- what stands before a dot without being a value

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
