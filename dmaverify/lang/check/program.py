"""Both passes over a whole program, in the order in which one thing needs the other."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Why
from dmaverify.lang.check.checker import Checker
from dmaverify.lang.check.graph import GraphChecker
from dmaverify.lang.check.scope import ModuleScope, suggest
from dmaverify.lang.symbols import (
    FuncSym,
    LemmaSym,
    MonitorSym,
    ProcSym,
    SpontaneousSym,
)


class ProgramChecker(Checker):
    """Checks everything that a program declares."""

    def run(self) -> None:
        """Both passes."""
        self.declarer.shells()
        self.scenario.set_options()
        self.declarer.fill()
        self.scenario.declare_threads()
        self.scenario.slot_types()
        out = self.out
        for group in (out.options, out.consts, out.params):
            for sym in group:
                self.finish(sym)
        self.scenario.blocks()
        self._defaults()
        for var in out.vars:
            self.initial(self.scope_of(var), var.init, var.ty, var)
        for call in (*out.funcs, *out.procs):
            self.finish(call)
        for event in out.events:
            for p in event.params:
                if p.default is not None:
                    self.const_body(self.scope_of(event), event).expect(p.default, p.ty, Why(p.name, p.span))
        for action in out.spontaneous:
            self._spontaneous(action)
        self._module_items()
        self.scenario.threads()
        self.scenario.properties()
        GraphChecker(self).run(self.monitors.handlers)

    def _defaults(self) -> None:
        for t in self.out.types:
            if isinstance(t.ty, sem.RecordT | sem.ObjT):
                for f in t.ty.fields.values():
                    self.initial(self.scope_of(t), f.default, f.ty, t)
            if isinstance(t.ty, sem.ObjT) and t.ty.max is not None:
                self.constant_int(self.scope_of(t), t.ty.max, 1, 64)
            if isinstance(t.ty, sem.IndexT):
                if t.ty.hi is not None:
                    self.constant_int(self.scope_of(t), t.ty.hi)
                if t.ty.lo is not None and self.constant_int(self.scope_of(t), t.ty.lo) not in (0, None):
                    fix = "Write a range, as in  var x : 1..=4 , where numbers are meant."
                    self.diags.error(
                        "DMA028", f"the values of {t.name} are counted from 0", t.ty.lo.span, fix=fix
                    )
                if t.ty.grain is not None:
                    self.const_body(self.scope_of(t), t).expect(
                        t.ty.grain, sem.I64.with_unit("bytes"), Why("the size of a block")
                    )

    def _spontaneous(self, action: SpontaneousSym) -> None:
        scope = self.scope_of(action)
        if action.when is not None:
            guard = self.clause(scope, action)
            for p in action.params:
                if p.local is not None:
                    guard.bind(p.local)
            guard.condition(action.when)
        body = self.steps(scope, action)
        self.params(body, action.params)
        for p in action.params:
            if not sem.index_like(p.ty) and not isinstance(p.ty, sem.ErrorT):
                self.diags.error(
                    "DMA028",
                    f"the hardware chooses {p.name}, and there are too many values of type {p.ty}",
                    p.span,
                )
        body.body(action.body)

    def _module_items(self) -> None:
        for scope in self.scopes.modules.values():
            module = scope.module
            for m in [s for s in scope.symbols.values() if isinstance(s, MonitorSym)]:
                self.monitors.monitor(m)
                self.out.lemmas.extend(m.lemmas.values())
            for lemma in module.lemmas.values():
                sym = LemmaSym(lemma.name, sem.BOOL, lemma.name_span, scope.name, lemma)
                self.out.lemmas.append(sym)
                self.monitors.lemma(sym)
            covers = (
                self.program.covers
                if module is self.program.scope and self.program.scenario
                else module.covers
            )
            for cover in covers:
                self.scenario.cover(cover, self.clause(scope, None))
            for e in module.ensures:
                self._ensures(scope, e)
            for r in module.requires:
                self._require(scope, r)

    def _ensures(self, scope: ModuleScope, e: ast.Ensures) -> None:
        hits = self.scopes.find(scope, e.name)
        if len(hits) != 1 or not isinstance(hits[0], ProcSym | FuncSym):
            self.diags.error(
                "DMA050",
                f"there is no proc {e.name} here",
                e.name_span,
                fix=suggest(e.name, self.scopes.visible_names(scope)),
            )
            return
        if isinstance(hits[0], ProcSym):
            hits[0].ensures.append(e.body)
        self.contract(scope, hits[0], e.body)

    def _require(self, scope: ModuleScope, r: ast.Require) -> None:
        from dmaverify.lang.consteval import NotConstant
        from dmaverify.lang.layout import Layout

        before = len(self.diags.errors)
        body = self.const_body(scope)
        body.condition(r.cond)
        body.message(r.message)
        if len(self.diags.errors) > before or self.program.scenario is None:
            return
        try:
            holds = Layout(self.out).value(r.cond)
        except NotConstant as why:
            self.diags.error("DMA068", f"what is required must be known before anything runs: {why}", r.span)
            return
        if not holds:
            text = (
                "".join(p for p in r.message.parts if isinstance(p, str))
                if r.message is not None
                else "the options say otherwise"
            )
            self.diags.error(
                "DMA073",
                f"{scope.name} cannot be on this board: {text}",
                self.program.scope.parts[0].name_span,
                notes=[(r.span, "required here")],
            )
