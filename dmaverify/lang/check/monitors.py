"""Monitors, lemmas and everything else that looks at runs without changing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Mode, Why
from dmaverify.lang.check.flow import Flows
from dmaverify.lang.check.scope import ModuleScope
from dmaverify.lang.symbols import EventSym, LemmaSym, MonitorSym, Symbol

if TYPE_CHECKING:
    from dmaverify.lang.check.checker import Checker


class MonitorChecker:
    """Checks the clauses of monitors."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.handlers: list[Symbol] = []
        """A stand-in for each event clause: what it uses must not lead to the model."""

    def monitor(self, m: MonitorSym) -> None:
        """One monitor."""
        d: ast.Monitor = m.decl
        scope = self.checker.scope_of(m)
        for p in m.params:
            if p.default is not None:
                self.checker.const_body(scope, m).expect(
                    p.default, p.ty, Why(f"the parameter {p.name}", p.span)
                )
        if d.applies is not None:
            self.checker.const_body(scope, m).condition(d.applies)
        for g in m.ghosts.values():
            self.checker.initial(scope, g.init, g.ty, g)
        for f in m.funcs.values():
            self.checker.finish(f)
        for proc in m.procs.values():
            self.checker.finish(proc)
        for h in d.handlers:
            self._handler(scope, m, h)
        for a in d.always:
            m.model_clauses = True
            body = self.checker.clause(scope, m, m)
            body.start_body()
            with body.block():
                body.flow.facts |= body.restricted(a.binders, a.where, [a.body])
                body.block_stmt(a.body)
        for lemma in m.lemmas.values():
            m.model_clauses = True
            self.lemma(lemma)
        for c in d.covers:
            self.checker.scenario.cover(c, self.checker.clause(scope, m, m))

    def _handler(self, scope: ModuleScope, m: MonitorSym, h: ast.Handler) -> None:
        stand_in = Symbol(f"on {h.event}", sem.VOID, h.span, scope.name, h)
        self.handlers.append(stand_in)
        self.checker.uses.setdefault(m, []).append((stand_in, h.span))
        body = Flows(self.checker, scope, Mode.HANDLER, stand_in, monitor=m)
        body.start_body()
        event = body.find(h.event, h.span, "event")
        h.ref = event
        params = event.params if isinstance(event, EventSym) else []
        if event is not None and not isinstance(event, EventSym):
            body.error(
                "DMA062",
                f"{h.event} is a {event.what}, not an event",
                h.span,
                notes=[(event.span, "declared here")],
            )
        elif event is not None and len(h.patterns) > len(params):
            body.error(
                "DMA053",
                f"{h.event} has {len(params)} argument(s), and {len(h.patterns)} are taken",
                h.span,
                notes=[(event.span, "declared here")],
            )
        for p in m.params:
            if p.local is not None:
                body.bind(p.local)
        with body.block():
            for i, pattern in enumerate(h.patterns):
                body.pattern(pattern, params[i].ty if i < len(params) else sem.ERROR, whole=True)
            body.block_stmt(h.body)

    def lemma(self, sym: LemmaSym) -> None:
        """One lemma, of a module or monitor."""
        d: ast.Lemma = sym.decl
        body = self.checker.clause(self.checker.scope_of(sym), sym, sym.monitor)
        with body.block():
            users: list[ast.Node] = [x for x in (d.when, d.body) if x is not None]
            facts = body.restricted(d.binders, None, users, numbers=True)
            if d.when is not None:
                facts |= body.condition(d.when).yes
            body.under(facts, d.body)
