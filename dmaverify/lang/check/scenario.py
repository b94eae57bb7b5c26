"""The scenario's own declarations: settings, threads, what is checked and expected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import BUILTIN_PROPERTIES, REFINES
from dmaverify.lang.check.base import Why
from dmaverify.lang.check.flow import Flows
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.check.threads import Threads
from dmaverify.lang.symbols import (
    CoverSym,
    EventSym,
    LemmaSym,
    MonitorSym,
    Parameter,
)

if TYPE_CHECKING:
    pass


class ScenarioChecker(Threads):
    """Checks what is not a body of a module."""

    # -- options

    # -- regions, devices, places

    # -- threads

    # -- what is asked
    # --------------------------------------------------------------------------------------------

    def properties(self) -> None:
        """``check``, ``expect``, ``faults`` and covers."""
        for p in self.program.checks.props:
            self._prop(p)
        for e in self.program.expects.by_subject.values():
            if isinstance(e.subject, ast.PropRef) and e.subject.name == REFINES:
                self._refines(e.subject)
            elif isinstance(e.subject, ast.PropRef):
                self._prop(e.subject)
        for f in self.program.faults:
            for name in f.names or []:
                if name not in self.out.faults:
                    self.diags.error(
                        "DMA072",
                        f"nothing in the model asks for  fault {name}",
                        f.span,
                        fix=suggest(name, self.out.faults),
                    )
            if f.limit is not None:
                self.checker.constant_int(self.checker.scopes.scenario, f.limit, 0, 7)

    def _refines(self, p: ast.PropRef) -> None:
        """``expect refines(MODULE) …``: the module is found when somebody asks (``dmaverify refine``)."""
        p.ref = p.name
        named = len(p.args) == 1 and p.args[0].name is None
        e = p.args[0].value if named else None
        while isinstance(e, ast.Field):
            e = e.base
        if not isinstance(e, ast.Name):
            self.diags.error("DMA071", "`refines` wants a module", p.span, fix="Write  expect refines(spec.contract) holds .")

    def _prop(self, p: ast.PropRef) -> None:
        monitors = {m.name: m for m in self.out.monitors}
        lemmas = {sym.name: sym for sym in self.out.lemmas}
        sym: MonitorSym | LemmaSym | None = monitors.get(p.name) or lemmas.get(p.name)
        if sym is None:
            if p.name in BUILTIN_PROPERTIES or p.name == self.program.name:
                p.ref = p.name
                return
            names = [*monitors, *lemmas, *BUILTIN_PROPERTIES]
            self.diags.error(
                "DMA071",
                f"there is no property {p.name}",
                p.span,
                fix=suggest(p.name, names) or "Is its module imported?",
            )
            return
        p.ref = sym
        self.checker.use(sym, p.span)
        params: list[Parameter] = sym.params if isinstance(sym, MonitorSym) else []
        body = self.checker.const_body(self.checker.scopes.scenario)
        call = ast.Call(p.span, ast.Name(p.span, p.name), p.args)
        call.ref = sym
        body.arguments(call, p.name, params)

    def cover(self, d: ast.Cover, body: Flows) -> CoverSym:
        """``cover e``: an event, a label, a fault, or a condition."""
        sym = CoverSym(d.name, sem.BOOL, d.name_span, body.scope.name, d)
        self.out.covers.append(sym)
        e = d.target
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name):
            hits = self.checker.scopes.find(body.scope, e.func.name)
            if len(hits) == 1 and isinstance(hits[0], EventSym):
                sym.kind, sym.target = "event", hits[0]
                self.checker.use(hits[0], e.span, sym)
                e.ref = e.func.ref = hits[0]
                e.ty = e.func.ty = sem.BOOL
                self._event_pattern(e, hits[0], body)
                return sym
        if isinstance(e, ast.FaultExpr):
            sym.kind, sym.target = "fault", e.name
            e.ty = sem.BOOL
            return sym
        if isinstance(e, ast.Name):
            event = self.checker.scopes.find(body.scope, e.name)
            if len(event) == 1 and isinstance(event[0], EventSym):
                sym.kind, sym.target = "event", event[0]
                e.ref, e.ty = event[0], sem.BOOL
                self.checker.use(event[0], e.span, sym)
                return sym
            labels = [t.labels[e.name] for t in self.out.threads.values() if e.name in t.labels]
            if labels and not event:
                sym.kind, sym.target = "label", labels[0]
                labels[0].used = True
                e.ref, e.ty = labels[0], sem.BOOL
                if len(labels) > 1:
                    self.diags.error(
                        "DMA051", f"two threads have a label {e.name}", e.span, fix="Write  thread at label ."
                    )
                return sym
        body.condition(e)
        return sym

    def _event_pattern(self, e: ast.Call, event: EventSym, body: Flows) -> None:
        if len(e.args) > len(event.params):
            self.diags.error(
                "DMA053",
                f"{event.name} has {len(event.params)} argument(s)",
                e.span,
                notes=[(event.span, "declared here")],
            )
        names = {p.name: p for p in event.params}
        for i, a in enumerate(e.args):
            p = (
                names.get(a.name)
                if a.name is not None
                else event.params[i]
                if i < len(event.params)
                else None
            )
            if a.name is not None and p is None:
                self.diags.error(
                    "DMA053", f"{event.name} has no argument {a.name}", a.span, fix=suggest(a.name, names)
                )
            if isinstance(a.value, ast.Name) and a.value.name == "_":
                a.value.ty = p.ty if p is not None else sem.ERROR
                continue
            if p is not None:
                body.expect(a.value, p.ty, Why(f"the argument {p.name}", p.span))
