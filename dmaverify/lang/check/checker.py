"""The checker of one program: declares everything, then checks each body once."""

from __future__ import annotations

from collections.abc import Iterable

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import MEMORY_SPACE
from dmaverify.lang.check import types
from dmaverify.lang.check.base import Mode, Why
from dmaverify.lang.check.declare import Declarer
from dmaverify.lang.check.flow import Flows
from dmaverify.lang.check.monitors import MonitorChecker
from dmaverify.lang.check.result import Checked
from dmaverify.lang.check.scenario import ScenarioChecker
from dmaverify.lang.check.scope import ModuleScope, Scopes
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.program import Program
from dmaverify.lang.symbols import (
    ConstSym,
    FuncSym,
    LabelSym,
    MonitorSym,
    OptionSym,
    Parameter,
    ParamSym,
    ProcSym,
    Symbol,
    ThreadSym,
    TypeSym,
    VarSym,
    record_const,
)
from dmaverify.span import Span

LONGEST_CHAIN = 50
"""So many definitions in a row may leave their types to one another."""


class Checker:
    """What all bodies of a program share."""

    def __init__(self, program: Program, diags: Diagnostics) -> None:
        self.program = program
        self.diags = diags
        self.scopes = Scopes(program)
        self.out = Checked(program, self.scopes)
        self.declarer = Declarer(self)
        self.uses: dict[Symbol | None, list[tuple[Symbol, Span]]] = {}
        """Who uses what, and where: for what is reached, for recursion and for what an event clause must not
        read."""
        self.scenario = ScenarioChecker(self)
        self.monitors = MonitorChecker(self)
        self.scenario_file = program.scenario.span.file if program.scenario is not None else ""
        self.objects = VarSym("the field of an object")
        """Stands for all fields of all objects among ``uses``."""
        self.ghost_writers: set[Symbol] = set()
        self.clause_calls: list[tuple[ProcSym, Span]] = []
        """Calls of a monitor's own procs by its model clauses: those must leave the ghosts alone."""
        self.atomics: list[tuple[Span, Symbol | None]] = []
        self._done: set[Symbol] = set()
        self._chain = 0

    # -- what bodies ask
    # ------------------------------------------------------------------------------------------

    def resolve(self, scope: ModuleScope, node: ast.Type) -> sem.SemType:
        """The meaning of a type."""
        return types.resolve(self, scope, node)

    def use(self, sym: Symbol, span: Span, owner: Symbol | None = None) -> None:
        """Notes that ``owner`` uses ``sym``."""
        sym.used = True
        self.uses.setdefault(owner, []).append((sym, span))

    def use_type(self, t: sem.SemType, span: Span, owner: Symbol | None) -> None:
        """Notes the use of a declared type."""
        for s in self.out.types:
            if s.ty is t:
                self.use(s, span, owner)

    @property
    def partitions(self) -> list[sem.IndexT]:
        """All partitions of the memory that are declared."""
        return [t.ty for t in self.out.types if isinstance(t.ty, sem.IndexT) and t.ty.is_partition]

    def memory_space(self, scope: ModuleScope) -> sem.SemType:
        """The type of ``start`` of a piece of memory: the space that is declared under that name, else plain
        bytes."""
        hits = [h for h in self.scopes.find(scope, MEMORY_SPACE) if isinstance(h, TypeSym)]
        if not hits:
            hits = [t for t in self.out.types if t.name == MEMORY_SPACE]
        return hits[0].ty if hits else sem.U64.with_unit("bytes")

    def attribute_consts(self, t: sem.SemType) -> list[ConstSym]:
        """The consts over Region or Device that the scenario fills in."""
        if not isinstance(t, sem.IndexT) or t.kind not in ("region", "device"):
            return []
        return [
            c for c in self.out.consts if isinstance(c.ty, sem.MapT) and c.from_scenario and c.ty.keys[0] is t
        ]

    def record_fields(self, const: ConstSym) -> Iterable[sem.Field]:
        """The fields of the record that a const maps to, or the const itself as one."""
        record = record_const(const)
        if record is not None:
            return record.fields.values()
        of = const.ty.of if isinstance(const.ty, sem.MapT) else sem.ERROR
        return [sem.Field(const.name, of, None, const.span)]

    def atomic_warning(self, span: Span, owner: Symbol | None) -> None:
        """``atomic`` outside of the hardware; said only if something reaches it."""
        self.atomics.append((span, owner))

    # -- types that are found from values
    # -------------------------------------------------------------------------

    def type_of(self, sym: Symbol) -> sem.SemType:
        """The type of a const, option, param or func, also where it is not written."""
        if sym in self._done or not isinstance(sym, ConstSym | OptionSym | ParamSym | FuncSym):
            return sym.ty
        decl = sym.decl
        written = getattr(decl, "type", None) is not None
        if isinstance(sym, FuncSym):
            written = decl.results is not None or not isinstance(decl.body, ast.Expr)
        if isinstance(sym, OptionSym) and written:
            self._option_type(sym)
        if written:
            return sym.ty
        if self._chain >= LONGEST_CHAIN:
            self.diags.error(
                "DMA025", f"{sym.name} is at the end of a long chain of definitions without types", sym.span
            )
            return sem.ERROR
        self._chain += 1
        self.finish(sym)  # where it is defined by itself its type is not known yet; ``graph`` says so
        self._chain -= 1
        return sym.ty

    def scope_of(self, sym: Symbol) -> ModuleScope:
        """Whose names a symbol's text sees: its module's, or the scenario's where that amends it."""
        scope = self.scopes.modules[sym.module]
        origin = scope.module.origin.get(sym.decl) if isinstance(sym.decl, ast.Decl) else None
        return (
            self.scopes.scenario
            if origin == self.program.name and self.program.scenario is not None
            else scope
        )

    def finish(self, sym: Symbol) -> None:
        """Checks the value or body of a symbol, once."""
        if sym in self._done:
            return
        self._done.add(sym)
        if isinstance(sym, ConstSym):
            self._const(sym)
        elif isinstance(sym, OptionSym):
            self._option(sym)
        elif isinstance(sym, ParamSym):
            self._param(sym)
        elif isinstance(sym, FuncSym):
            self._func(sym)
        elif isinstance(sym, ProcSym):
            self._proc(sym)

    def const_body(self, scope: ModuleScope, owner: Symbol | None = None) -> Flows:
        """A body for a constant expression."""
        return Flows(self, scope, Mode.CONST, owner)

    def initial(self, scope: ModuleScope, e: ast.Expr | None, ty: sem.SemType, owner: Symbol) -> None:
        """An initial value; of a map, the value of every cell."""
        if e is None:
            return
        body = self.const_body(scope, owner)
        want = ty.of if isinstance(ty, sem.MapT) else ty
        body.expect(e, want, Why(owner.name, owner.span))
        if isinstance(ty, sem.MapT) and e.ty == ty:
            e.conv = None

    def _const(self, sym: ConstSym) -> None:
        scope = self.scope_of(sym)
        if sym.value is None:
            return
        if sym.decl.type is None and isinstance(sym.ty, sem.ErrorT):
            sym.ty = sym.decl.ty = self.const_body(scope, sym).value(sym.value)
        else:
            self.initial(scope, sym.value, sym.ty, sym)

    def _option_type(self, sym: OptionSym) -> None:
        if isinstance(sym.ty, sem.ErrorT):
            sym.ty = sym.decl.ty = self.resolve(self.scope_of(sym), sym.decl.type)

    def _option(self, sym: OptionSym) -> None:
        decl: ast.OptionDecl = sym.decl
        scope = self.scope_of(sym)
        if decl.type is not None:
            self._option_type(sym)
        elif decl.default is not None:
            sym.ty = decl.ty = self.const_body(scope, sym).value(decl.default)
        if decl.default is not None and decl.type is not None:
            self.const_body(scope, sym).expect(decl.default, sym.ty, Why(f"the option {sym.name}", sym.span))
        if sym.value is not None and sym.value is not decl.default:
            self.const_body(self.scopes.scenario, sym).expect(
                sym.value, sym.ty, Why(f"the option {sym.name}", sym.span)
            )
        elif sym.value is None:
            self.diags.error(
                "DMA064",
                f"nothing says what the option {sym.name} is",
                sym.span,
                fix="Set it in the scenario, or give it a default.",
            )

    def _param(self, sym: ParamSym) -> None:
        scope = self.scope_of(sym)
        body = self.const_body(scope, sym)
        if sym.decl.type is None:
            if sym.value is None:
                self.diags.error("DMA025", f"nothing says of which type {sym.name} is", sym.span)
                return
            sym.ty = sym.decl.ty = body.value(sym.value)
        elif sym.value is not None:
            body.expect(sym.value, sym.ty, Why(f"the param {sym.name}", sym.span))
        if sym.domain is not None:
            if isinstance(sym.domain, ast.SetLit):
                body.infer(sym.domain, sem.SetT(sym.ty))
                body.coerce(sym.domain, sem.SetT(sym.ty))
            else:
                elem = body.domain(sym.domain, sym.ty)
                if isinstance(elem, sem.LitT):
                    body.settle_domain(sym.domain, sym.ty)
                elif elem != sym.ty and not isinstance(elem, sem.ErrorT):
                    self.diags.error(
                        "DMA020", f"values of type {elem} for a param of type {sym.ty}", sym.domain.span
                    )

    # -- bodies
    # ---------------------------------------------------------------------------------------------------

    def params(self, body: Flows, params: list[Parameter]) -> None:
        """Makes parameters visible in a body and checks their defaults."""
        for p in params:
            if p.local is not None:
                body.bind(p.local)
            if p.default is not None:
                self.const_body(body.scope, body.owner).expect(
                    p.default, p.ty, Why(f"the parameter {p.name}", p.span)
                )

    def _func(self, sym: FuncSym) -> None:
        scope = self.scope_of(sym)
        body = Flows(self, scope, Mode.PURE, sym, monitor=sym.monitor, result=sym.ty)
        self.params(body, sym.params)
        if isinstance(sym.body, ast.Block):
            if isinstance(sym.ty, sem.VoidT):
                self.diags.error(
                    "DMA055",
                    f"nothing says what {sym.name} returns",
                    sym.span,
                    fix="Write  -> <type>  behind the parameters.",
                )
            body.body(sym.body)
        elif sym.body is not None and sym.decl.results is None:
            sym.ty = sym.decl.ty = body.value(sym.body)
        elif sym.body is not None:
            self._result(body, sym.body, sym)

    def _result(self, body: Flows, e: ast.Expr, sym: FuncSym | ProcSym) -> None:
        body.start_body()
        if isinstance(sym.ty, sem.VoidT):
            body.call_stmt(ast.CallStmt(e.span, e, None)) if isinstance(e, ast.Call) else body.value(e)
            return
        if isinstance(sym, ProcSym):
            body.rhs(e, sym.ty)
        else:
            body.infer(e, sym.ty)
        body.coerce(e, sym.ty, Why(f"the result of {sym.name}", sym.span))

    def _proc(self, sym: ProcSym) -> None:
        scope = self.scope_of(sym)
        mode = Mode.STEPS if sym.monitor is None else Mode.HELPER
        body = Flows(self, scope, mode, sym, monitor=sym.monitor, result=sym.ty)
        self.params(body, sym.params)
        # an operation of the hardware is one, whoever says what it does
        if sym.atomic and not sym.module.startswith("spec.") and sym.monitor is None:
            self.atomic_warning(sym.span, sym)
        if sym.depth is not None:
            self.constant_int(scope, sym.depth, 1, 64)
        if isinstance(sym.body, ast.Block):
            for name, node in body.body(sym.body).items():
                sym.labels[name] = LabelSym(name, sem.BOOL, node.span, sym.module, node, owner=sym)
        elif sym.body is not None:
            self._result(body, sym.body, sym)
        for e in sym.requires:
            self.contract(scope, sym, e)
        for e in sym.ensures:
            self.contract(scope, sym, e)

    def contract(self, scope: ModuleScope, sym: ProcSym | FuncSym, e: ast.Expr) -> None:
        """A ``requires`` or ``ensures`` clause."""
        body = Flows(self, scope, Mode.CLAUSE, sym, result=sym.ty, contract=True)
        for p in sym.params:
            if p.local is not None:
                body.bind(p.local)
        body.condition(e)

    def clause(self, scope: ModuleScope, owner: Symbol | None, monitor: MonitorSym | None = None) -> Flows:
        """A body that looks at the model."""
        body = Flows(self, scope, Mode.CLAUSE, owner, monitor=monitor)
        if monitor is not None:
            for p in monitor.params:
                if p.local is not None:
                    body.bind(p.local)
        return body

    def steps(self, scope: ModuleScope, owner: Symbol, thread: ThreadSym | None = None) -> Flows:
        """A body that takes steps."""
        return Flows(self, scope, Mode.STEPS, owner, thread=thread)

    # -- constants
    # ------------------------------------------------------------------------------------------------

    def constant_int(
        self,
        scope: ModuleScope,
        e: ast.Expr,
        lo: int | None = None,
        hi: int | None = None,
        body: Flows | None = None,
    ) -> int | None:
        """The value of a constant number; None if it is none, which is reported."""
        from dmaverify.lang.consteval import NotConstant
        from dmaverify.lang.layout import Layout

        before = len(self.diags.errors)
        own = self.const_body(scope, body.owner if body is not None else None)
        own.number(e, "this")
        if len(self.diags.errors) > before:
            return None
        try:
            value = int(Layout(self.out).value(e))
        except NotConstant as why:
            self.diags.error("DMA068", f"this must be known before anything runs: {why}", e.span)
            return None
        if (lo is not None and value < lo) or (hi is not None and value > hi):
            limits = f"at least {lo}" if hi is None else f"from {lo} to {hi}"
            self.diags.error("DMA026", f"{value} where a number {limits} is wanted", e.span)
            return None
        return value
