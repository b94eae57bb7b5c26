"""Calls, conversions and the funcs of the language."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import BUILTINS
from dmaverify.lang.check.base import Mode, Why, plain, text_of
from dmaverify.lang.check.conds import Conditions
from dmaverify.lang.check.convert import literal_value, memory_address
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import (
    BuiltinSym,
    CallableSym,
    CastRef,
    EnumCase,
    EventSym,
    FuncSym,
    MonitorSym,
    Parameter,
    ProcSym,
    SlotSym,
    Symbol,
    TypeSym,
)
from dmaverify.span import Span


class Calls(Conditions):
    """Rules for calls."""

    def call(self, e: ast.Call, want: sem.SemType | None, steps: bool = False) -> sem.SemType:
        """``f(a, b)``; ``steps``: it is a whole right-hand side or a statement, so a proc may be called."""
        e.func.ty = sem.VOID
        if isinstance(e.func, ast.Name) and e.func.name in sem.INTS and self.local(e.func.name) is None:
            return self.cast_call(e, sem.INTS[e.func.name])
        sym = self._callee(e, want)
        if sym is None:
            for a in e.args:
                self.infer(a.value)
            return sem.ERROR
        e.ref = sym
        if isinstance(sym, TypeSym):
            return self.cast_call(e, sym.ty)
        if isinstance(sym, EnumCase):
            names = [n or f"value {i + 1}" for i, n in enumerate(sym.payload_names)]
            params = [Parameter(n, t, span=sym.span) for n, t in zip(names, sym.payload, strict=True)]
            self.arguments(e, sym.name, params)
            return sym.ty
        if isinstance(sym, BuiltinSym):
            return self.builtin(e, sym.name, want)
        if isinstance(sym, ProcSym):
            return self._proc(e, sym, steps)
        if isinstance(sym, FuncSym):
            ty = self.checker.type_of(sym)
            self.arguments(e, sym.name, sym.params)
            return ty
        for a in e.args:
            self.infer(a.value)
        if isinstance(sym, EventSym):
            return self.error(
                "DMA062",
                f"{sym.name} is an event",
                e.span,
                notes=[(sym.span, "declared here")],
                fix=f"Write  emit {text_of(e)}",
            )
        return self.error(
            "DMA027",
            f"{sym.name} is a {sym.what}, which cannot be called",
            e.func.span,
            notes=[(sym.span, "declared here")],
        )

    def _callee(self, e: ast.Call, want: sem.SemType | None) -> Symbol | None:
        if isinstance(e.func, ast.Name):
            case = self.case_of(sem.strip(want) if want is not None else None, e.func.name)
            if isinstance(case, EnumCase) and case.payload and self.local(e.func.name) is None:
                e.func.ref = case
                return case
            local = self.local(e.func.name)
            # a local never hides what can be called: `let pages = pages(size)` is the kernel's way of naming
            # things
            hits = self.checker.scopes.find(self.scope, e.func.name)
            if local is not None and not any(
                isinstance(h, CallableSym | TypeSym | BuiltinSym | EnumCase) for h in hits
            ):
                self.error(
                    "DMA027",
                    f"{e.func.name} is a local and cannot be called",
                    e.func.span,
                    notes=[(local.span, "introduced here")],
                )
                return None
            found = self.find(e.func.name, e.func.span, "func or proc")
            e.func.ref = found
            return found
        if isinstance(e.func, ast.Field):
            holder = self._holder(e.func.base)
            if isinstance(holder, MonitorSym):
                self.error("DMA059", f"the funcs of {holder.name} are its own", e.func.span)
                return None
            if holder is not None and holder.what in ("module", "type"):
                before = len(self.checker.diags.errors)
                scope = self.checker.scopes.modules.get(holder.module) if holder.what == "module" else None
                found = scope.symbols.get(e.func.name) if scope is not None else None
                if isinstance(holder.ty, sem.EnumT):
                    found = holder.ty.cases.get(e.func.name)
                if found is None and len(self.checker.diags.errors) == before:
                    self.error("DMA050", f"{holder.name} has no {e.func.name}", e.func.name_span)
                e.func.ref = found
                return found
        self.error("DMA027", "only what has a name can be called", e.func.span)
        return None

    def _proc(self, e: ast.Call, sym: ProcSym, steps: bool) -> sem.SemType:
        own = sym.monitor is not None and sym.monitor is self.monitor
        if self.mode is Mode.STEPS and sym.monitor is None:
            if not steps:
                self.error(
                    "DMA061",
                    f"{sym.name} is a proc: its call stands alone",
                    e.span,
                    notes=[(sym.span, "declared here")],
                    fix=f"Write  let result = {text_of(e)}  on a line of its own.",
                )
        elif not (own and steps and self.mode in (Mode.HANDLER, Mode.CLAUSE, Mode.HELPER)):
            self.error(
                "DMA061",
                f"{self.mode.value} calls a proc",
                e.span,
                notes=[(sym.span, f"{sym.name} takes steps")],
            )
        if own and self.mode is Mode.CLAUSE:
            self.checker.clause_calls.append((sym, e.span))
        self.arguments(e, sym.name, sym.params)
        return sym.ty

    # -- arguments
    # ------------------------------------------------------------------------------------------------

    def arguments(self, e: ast.Call, name: str, params: list[Parameter], optional: bool = False) -> None:
        """One value for each parameter; ``optional``: trailing ones may be left off."""
        known = {p.name: p for p in params}
        given: dict[str, ast.Arg] = {}
        for i, a in enumerate(e.args):
            p = known.get(a.name) if a.name is not None else params[i] if i < len(params) else None
            if p is None:
                self.infer(a.value)
                if a.name is not None:
                    self.error(
                        "DMA053", f"{name} has no parameter {a.name}", a.span, fix=suggest(a.name, known)
                    )
                elif i == len(params):
                    self.error(
                        "DMA053",
                        f"{name} takes {len(params)} argument(s), and {len(e.args)} are given",
                        e.span,
                        notes=_declared(e),
                    )
                continue
            if p.name in given:
                self.error(
                    "DMA053", f"{p.name} is given twice", a.span, notes=[(given[p.name].span, "here first")]
                )
            given[p.name] = a
            self._argument(a.value, p)
        missing = [p.name for p in params if p.name not in given and p.default is None]
        if missing and not optional and len(e.args) <= len(params):
            self.error("DMA053", f"{name} needs {', '.join(missing)} as well", e.span, notes=_declared(e))

    def _argument(self, value: ast.Expr, p: Parameter) -> None:
        why = Why(f"the parameter {p.name}", p.span if p.span.line else None)
        if not p.by_ref:
            self.expect(value, p.ty, why)
            return
        t = self.place(value)
        self.written(value)
        same = (
            isinstance(t, sem.IntT)
            and isinstance(p.ty, sem.IntT)
            and t.with_unit(None) == p.ty.with_unit(None)
        )
        if t != p.ty and not same and not isinstance(t, sem.ErrorT) and not isinstance(p.ty, sem.ErrorT):
            self.error(
                "DMA020",
                f"{plain(t)} where a place for {plain(p.ty)} is wanted",
                value.span,
                notes=[(p.span, f"{p.name} stands for the caller's own {p.ty}")],
            )

    def place(self, e: ast.Expr) -> sem.SemType:
        """Something that can be assigned to."""
        raise NotImplementedError

    def written(self, target: ast.Expr) -> None:
        """What was known about the place is known no longer."""
        raise NotImplementedError

    # -- conversions
    # ----------------------------------------------------------------------------------------------

    def cast_call(self, e: ast.Call, t: sem.SemType) -> sem.SemType:
        """``T(x)``."""
        if len(e.args) != 1 or e.args[0].name is not None:
            return self.error("DMA053", f"a conversion to {t} takes one value", e.span)
        got = self.convert_to(e, e.args[0].value, t)
        e.ref = CastRef(got)
        return got

    def cast(self, e: ast.Cast) -> sem.SemType:
        """``x as T``, ``x wrap T``."""
        return self.convert_to(e, e.base, self.checker.resolve(self.scope, e.type), cut=e.wrap)

    def convert_to(self, e: ast.Expr, x: ast.Expr, t: sem.SemType, cut: bool = True) -> sem.SemType:
        """An explicit conversion of ``x``; the unit stays unless ``t`` names one."""
        hint = t if isinstance(t, sem.IntT | sem.SpaceT) else None
        src = self.infer(x, hint)
        if isinstance(src, sem.ErrorT) or isinstance(t, sem.ErrorT):
            return t
        value = literal_value(x)
        if cut and value is not None and isinstance(t, sem.IntT) and not t.lo <= value <= t.hi:
            src = self.settle(x)
        if isinstance(src, sem.LitT):
            if isinstance(t, sem.IntT):
                t = t if t.unit else t.with_unit(src.unit)
                self.coerce(x, t)
                return t
            if isinstance(t, sem.SpaceT):
                self.coerce(x, t)
                return t
            self.coerce(x, sem.U64 if isinstance(t, sem.BitsT) else sem.I64 if src.unit else sem.I32)
            src = self.effective(x)
        if isinstance(src, sem.OptT):
            return self.undefined(f"a conversion to {t}", x, src)
        if isinstance(src, sem.PlaceT):
            space = self.checker.memory_space(self.scope)
            self.coerce(x, space)
            src = space
        unit = src.unit if isinstance(src, sem.IntT) else None
        if isinstance(t, sem.IntT) and isinstance(
            src,
            sem.IntT | sem.RangeT | sem.SpaceT | sem.BitsT | sem.EnumT | sem.IndexT | sem.BoolT | sem.FlagsT,
        ):
            if isinstance(src, sem.EnumT) and src.has_payload:
                return self.undefined(f"a conversion to {t}", x, src)
            if t.unit is not None and unit is not None and unit != t.unit:
                return self.error(
                    "DMA022", f"{unit} converted to {t.unit}", e.span, fix="Shift by PAGE_SHIFT."
                )
            return t if t.unit is not None else t.with_unit(unit)
        if isinstance(t, sem.SpaceT) and isinstance(src, sem.IntT | sem.RangeT | sem.SpaceT):
            if unit is not None and t.base.unit is not None and unit != t.base.unit:
                return self.error(
                    "DMA022", f"{unit} converted to an address, which counts {t.base.unit}", e.span
                )
            return t
        if isinstance(t, sem.BitsT) and isinstance(src, sem.IntT):
            return t
        if isinstance(t, sem.RangeT) and isinstance(src, sem.IntT | sem.RangeT):
            return t
        if isinstance(t, sem.IndexT):
            if t.is_partition and (memory_address(src) or (isinstance(src, sem.IndexT) and src.is_partition)):
                return t
            if isinstance(src, sem.IntT | sem.RangeT):
                return t
        if src == t:
            return t
        return self.error("DMA020", f"{plain(src)} cannot be converted to {plain(t)}", e.span)

    # -- funcs of the language
    # ------------------------------------------------------------------------------------

    def builtin(self, e: ast.Call, name: str, want: sem.SemType | None) -> sem.SemType:
        """A func of ``dmaverify.lang.builtins``."""
        least, most = BUILTINS[name]
        values = [a.value for a in e.args]
        if any(a.name for a in e.args) or len(values) < least or (most is not None and len(values) > most):
            for v in values:
                self.infer(v)
            return self.error(
                "DMA053", f"{name} takes {least if most == least else f'{least} or more'} argument(s)", e.span
            )
        if name in ("min", "max"):
            return self._extreme(e, values, want)
        first = values[0]
        t = self.place_or_value(first)
        if isinstance(t, sem.ErrorT):
            return t
        ok = {
            "bit": isinstance(t, sem.IntT | sem.BitsT),
            "popcount": isinstance(t, sem.IntT | sem.FlagsT) or (isinstance(t, sem.SetT) and t.is_mask),
            "bitlen": isinstance(t, sem.IntT),
            "free": isinstance(t, sem.LockT),
            "len": isinstance(t, sem.ListT),
            "front": isinstance(t, sem.ListT),
            "full": isinstance(t, sem.ListT) or _slot(first),
            "empty": isinstance(t, sem.ListT) or _slot(first),
        }[name]
        if not ok:
            return self.error("DMA020", f"{name} of {plain(t)}", first.span)
        if name == "bit":
            self.number(values[1], "the bit's place")
        if name == "front" and isinstance(t, sem.ListT):
            return sem.opt(t.of)
        return sem.BOOL if name in ("bit", "free", "full", "empty") else sem.U32

    def place_or_value(self, e: ast.Expr) -> sem.SemType:
        """The value of an expression; numbers get a type."""
        return self.value(e)

    def _extreme(self, e: ast.Call, values: list[ast.Expr], want: sem.SemType | None) -> sem.SemType:
        types = [self.infer(v) for v in values]
        known = [t for t in types if not isinstance(t, sem.LitT)]
        if any(isinstance(t, sem.ErrorT) for t in types):
            return sem.ERROR
        best = known[0] if known else want if isinstance(want, sem.IntT | sem.SpaceT) else sem.I32
        for t in known[1:]:
            if isinstance(best, sem.IntT) and isinstance(t, sem.IntT) and t.holds(best) and not best.holds(t):
                best = t.with_unit(t.unit or best.unit)
            elif isinstance(best, sem.IntT) and isinstance(t, sem.IntT):
                best = best.with_unit(best.unit or t.unit)
        if isinstance(best, sem.RangeT):
            best = best.promoted
        if not isinstance(best, sem.IntT | sem.SpaceT | sem.IndexT):
            return self.undefined(text_of(e.func), e, best)
        for v in values:
            self.coerce(v, best)
        return best


def _slot(e: ast.Expr) -> bool:
    return isinstance(e, ast.Name | ast.Field) and isinstance(e.ref, SlotSym)


def _declared(e: ast.Call) -> list[tuple[Span | None, str]]:
    return [(e.ref.span, "declared here")] if isinstance(e.ref, Symbol) and e.ref.span.line else []
