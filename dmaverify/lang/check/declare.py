"""First pass: a symbol for every declaration, and the types that they name.

Types are declared in two rounds, since a record may name an enum that names an object that names the record:
first every name gets its (empty) type, then the insides are filled in.
"""

from __future__ import annotations

from typing import Any

from dmaverify.lang import ast, sem
from dmaverify.lang.check.declare_types import TypeDeclarer
from dmaverify.lang.check.scope import ModuleScope
from dmaverify.lang.symbols import (
    CallableSym,
    ConstSym,
    DeviceSym,
    EventSym,
    FuncSym,
    GhostSym,
    LemmaSym,
    LocalSym,
    MonitorSym,
    OptionSym,
    Parameter,
    ParamSym,
    PlaceField,
    PlaceSym,
    ProcSym,
    RegionSym,
    SpontaneousSym,
    Symbol,
    ThreadKind,
    ThreadSym,
    TypeSym,
    VarSym,
)


class Declarer(TypeDeclarer):
    """Makes the symbols of one program."""

    def shells(self) -> None:
        """A symbol for each declaration, a type without insides for each type."""
        for scope in self.checker.scopes.modules.values():
            for name, decl in scope.module.decls.items():
                sym = self._declare(scope, decl)
                if sym is not None:
                    scope.symbols[name] = sym
            for name, option in scope.module.options.items():
                sym = OptionSym(
                    name, span=option.name_span, module=scope.name, decl=option, value=option.default
                )
                scope.options[name] = sym
                self.out.options.append(sym)

    # -- one declaration
    # ------------------------------------------------------------------------------------------

    def _declare(self, scope: ModuleScope, d: ast.Decl) -> Symbol | None:
        common: dict[str, Any] = {"name": d.name, "span": d.name_span, "module": scope.name, "decl": d}
        if isinstance(
            d,
            ast.TypeDecl
            | ast.EnumDecl
            | ast.FlagsDecl
            | ast.BitsDecl
            | ast.RecordDecl
            | ast.ObjectDecl
            | ast.IndexDecl,
        ):
            ty = self.declared_type(scope, d)
            d.ty = ty
            sym = TypeSym(d.name, ty, d.name_span, scope.name, d)
            self.out.types.append(sym)
            return sym
        if isinstance(d, ast.Const):
            const = ConstSym(**common, value=d.value)
            self.out.consts.append(const)
            if d.type is not None:
                written = d.type
                self.later(lambda: self._set(const, self.checker.resolve(scope, written)))
            return const
        if isinstance(d, ast.VarDecl):
            var = VarSym(**common, init=d.init)
            self.out.vars.append(var)
            self.later(lambda: self._set(var, self._stored(scope, d.type)))
            return var
        if isinstance(d, ast.ParamDecl):
            param = ParamSym(**common, value=d.value, domain=d.domain)
            self.out.params.append(param)
            if d.type is not None:
                param_type = d.type
                self.later(lambda: self._set(param, self._stored(scope, param_type)))
            return param
        if isinstance(d, ast.EventDecl):
            event = EventSym(**common, ty=sem.VOID)
            self.out.events.append(event)
            self.later(lambda: self._params(scope, event, d.params))
            return event
        if isinstance(d, ast.FuncDecl):
            return self.func(scope, d, None)
        if isinstance(d, ast.ProcDecl):
            return self.proc(scope, d, None)
        if isinstance(d, ast.Spontaneous):
            action = SpontaneousSym(**common, ty=sem.VOID, body=d.body, when=d.when)
            self.out.spontaneous.append(action)
            self.later(lambda: self._params(scope, action, d.params))
            return action
        if isinstance(d, ast.Monitor):
            return self._monitor(scope, d)
        return self._scenario_decl(scope, d)

    def _set(self, sym: Symbol, ty: sem.SemType) -> None:
        sym.ty = ty
        sym.decl.ty = ty

    def _stored(self, scope: ModuleScope, node: ast.Type) -> sem.SemType:
        """The type of a variable, ghost or param; a set of anything may be one."""
        ty = self.checker.resolve(scope, node)
        if not ty.storable and not isinstance(ty, sem.SetT | sem.ErrorT):
            self.diags.error("DMA028", f"a {ty} cannot be stored", node.span)
            return sem.ERROR
        return ty

    # -- callables
    # ------------------------------------------------------------------------------------------------

    def func(self, scope: ModuleScope, d: ast.FuncDecl, monitor: MonitorSym | None) -> FuncSym:
        """A func of a module or monitor."""
        sym = FuncSym(d.name, sem.ERROR, d.name_span, scope.name, d, body=d.body, monitor=monitor)
        if monitor is None:
            self.out.funcs.append(sym)
        self.later(lambda: self._params(scope, sym, d.params))
        if d.results is not None:
            self.later(lambda: self._results(scope, sym, d.results))
        elif isinstance(d.body, ast.Block):
            self.later(lambda: self._set(sym, sem.VOID))
        return sym

    def proc(self, scope: ModuleScope, d: ast.ProcDecl, monitor: MonitorSym | None) -> ProcSym:
        """A proc of a module or monitor."""
        sym = ProcSym(
            d.name,
            sem.VOID,
            d.name_span,
            scope.name,
            d,
            body=d.body,
            atomic=d.is_atomic,
            depth=d.depth,
            requires=list(d.requires),
            ensures=list(d.ensures),
            monitor=monitor,
        )
        if monitor is None:
            self.out.procs.append(sym)
        self.later(lambda: self._params(scope, sym, d.params))
        self.later(lambda: self._results(scope, sym, d.results or []))
        return sym

    def _params(self, scope: ModuleScope, sym: CallableSym, params: list[ast.Param]) -> None:
        seen: set[str] = set()
        for p in params:
            if p.name in seen and p.name != "_":
                self.diags.error("DMA052", f"two parameters are called {p.name}", p.name_span)
            seen.add(p.name)
            if p.type is None:
                ty: sem.SemType = p.ty if isinstance(p.ty, sem.SemType) else sem.ERROR
                if isinstance(ty, sem.ErrorT):
                    self.diags.error(
                        "DMA025",
                        f"the parameter {p.name} has no type",
                        p.name_span,
                        fix=f"Write  {p.name}: <type>",
                    )
            else:
                ty = self.checker.resolve(scope, p.type)
            p.ty = ty
            kind = "ref" if p.by_ref else "param"
            local = LocalSym(p.name, ty, p.name_span, scope.name, p, kind=kind)  # type: ignore[arg-type]
            sym.params.append(Parameter(p.name, ty, p.by_ref, p.default, p.name_span, local))

    def _results(self, scope: ModuleScope, sym: CallableSym, results: list[ast.ResultField] | None) -> None:
        types = [self.checker.resolve(scope, r.type) for r in results or []]
        if not types:
            ty: sem.SemType = sem.VOID
        elif len(types) == 1:
            ty = types[0]
        else:
            names = tuple(r.name or "" for r in results or [])
            ty = sem.TupleT(tuple(types), names if any(names) else ())
        self._set(sym, ty)

    # -- monitors
    # -------------------------------------------------------------------------------------------------

    def _monitor(self, scope: ModuleScope, d: ast.Monitor) -> MonitorSym:
        sym = MonitorSym(d.name, sem.VOID, d.name_span, scope.name, d)
        self.out.monitors.append(sym)
        self.later(lambda: self._params(scope, sym, d.params))
        taken: dict[str, ast.Decl] = {}
        for part in [*d.ghosts, *d.funcs, *d.procs, *d.lemmas]:
            if part.name in taken:
                self._twice(part, taken[part.name])
                continue
            taken[part.name] = part
            if isinstance(part, ast.Ghost):
                ghost = GhostSym(
                    part.name, sem.ERROR, part.name_span, scope.name, part, init=part.init, monitor=sym
                )
                sym.ghosts[part.name] = ghost
                self.later(lambda g=ghost, p=part: self._set(g, self._stored(scope, p.type)))  # type: ignore[misc]
            elif isinstance(part, ast.FuncDecl):
                sym.funcs[part.name] = self.func(scope, part, sym)
            elif isinstance(part, ast.ProcDecl):
                sym.procs[part.name] = self.proc(scope, part, sym)
            else:
                sym.lemmas[part.name] = LemmaSym(
                    part.name, sem.BOOL, part.name_span, scope.name, part, monitor=sym
                )
        return sym

    def _twice(self, d: ast.Decl, before: ast.Decl) -> None:
        self.diags.error(
            "DMA052",
            f"{d.name} is declared twice",
            d.name_span,
            notes=[(before.name_span, "declared here first")],
        )

    # -- the scenario
    # ---------------------------------------------------------------------------------------------

    def _scenario_decl(self, scope: ModuleScope, d: ast.Decl) -> Symbol | None:
        checker = self.checker
        if isinstance(d, ast.Region):
            region = RegionSym(
                d.name, checker.scopes.region, d.name_span, scope.name, d, ordinal=len(self.out.regions)
            )
            self.out.regions.append(region)
            d.ty = region.ty
            return region
        if isinstance(d, ast.Device):
            device = DeviceSym(
                d.name, checker.scopes.device, d.name_span, scope.name, d, ordinal=len(self.out.devices)
            )
            self.out.devices.append(device)
            d.ty = device.ty
            return device
        if isinstance(d, ast.Place):
            place = PlaceSym(d.name, sem.VOID, d.name_span, scope.name, d)
            self.out.places.append(place)
            for f in d.fields:
                if f.name in place.fields:
                    self.diags.error("DMA052", f"two pieces of {d.name} are called {f.name}", f.name_span)
                    continue
                f.ty = sem.PLACE
                place.fields[f.name] = PlaceField(
                    f.name, sem.PLACE, f.name_span, scope.name, f, place=place, size=f.size
                )
            return place
        kinds: dict[type, ThreadKind] = {
            ast.Sequence: "sequence",
            ast.Client: "client",
            ast.Interrupt: "interrupt",
            ast.Initcall: "initcall",
            ast.Work: "work",
            ast.Timer: "timer",
        }
        kind = kinds.get(type(d))
        if kind is None:
            return None
        thread = ThreadSym(d.name, sem.VOID, d.name_span, scope.name, d, kind=kind)
        self.out.threads[d.name] = thread
        if isinstance(d, ast.Work | ast.Timer):
            holder = CallableSym(d.name, sem.VOID, d.name_span, scope.name, d, params=thread.params)
            self.later(lambda: self._params(scope, holder, d.params))
        return thread
