"""What follows from who uses what: recursion, event clauses that reach the model, declarations that nobody
uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import ConstSym, FuncSym, OptionSym, ParamSym, ProcSym, Symbol, VarSym
from dmaverify.span import Span

if TYPE_CHECKING:
    from dmaverify.lang.check.checker import Checker


DEFINED = FuncSym | ProcSym | ConstSym | OptionSym | ParamSym


class GraphChecker:
    """Works on ``Checker.uses``."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.uses = checker.uses
        self._model: dict[Symbol, VarSym | None] = {}

    def run(self, handlers: list[Symbol]) -> None:
        """All rules."""
        self._recursion()
        for h in handlers:
            for sym, span in self.uses.get(h, []):
                if isinstance(sym, FuncSym) or (isinstance(sym, ProcSym) and sym.monitor is not None):
                    self._no_model(sym, span)
        for proc, span in self.checker.clause_calls:
            self._no_ghosts(proc, span)
        self._atomics()
        self._unused()

    def _atomics(self) -> None:
        out = self.checker.out
        reached: set[Symbol | None] = set()
        todo: list[Symbol] = [*out.threads.values(), *out.spontaneous]
        while todo:
            sym = todo.pop()
            if sym not in reached:
                reached.add(sym)
                todo += [used for used, _ in self.uses.get(sym, [])]
        for span, owner in self.checker.atomics:
            if owner in reached or self.checker.program.scenario is None:
                self.checker.diags.warning(
                    "DMA065",
                    "atomic hides interleavings that a kernel has",
                    span,
                    fix="Take a lock, or let each access be a step of its own.",
                )

    # -- recursion
    # ------------------------------------------------------------------------------------------------

    def _recursion(self) -> None:
        done: set[Symbol] = set()
        out = self.checker.out
        for start in [*out.consts, *out.options, *out.params, *out.funcs, *out.procs]:
            self._visit(start, [], done)

    def _visit(self, start: Symbol, path: list[Symbol], done: set[Symbol]) -> None:
        """Depth first without recursion: a text may chain its declarations as long as it likes."""
        waiting: list[Iterator[Symbol]] = [iter([start])]
        while waiting:
            sym = next(waiting[-1], None)
            if sym is None:
                waiting.pop()
                if path:
                    done.add(path.pop())
            elif sym in path:
                self._circle(path[path.index(sym) :])
            elif sym not in done:
                path.append(sym)
                waiting.append(
                    iter([used for used, _ in self.uses.get(sym, []) if isinstance(used, DEFINED)])
                )

    def _circle(self, circle: list[Symbol]) -> None:
        if any(isinstance(s, ProcSym) and s.depth is not None for s in circle):
            return
        first = circle[0]
        proc = isinstance(first, ProcSym)
        if not isinstance(first, FuncSym | ProcSym):
            names = " by ".join(s.name for s in [*circle, first])
            self.checker.diags.error("DMA063", f"defined by itself: {names}", first.span)
            return
        names = " calls ".join(s.name for s in [*circle, first])
        fix = f"Write  proc {first.name}(…) at most N deep ." if proc else None
        self.checker.diags.error("DMA063", f"{names}, and nothing says how deep", first.span, fix=fix)

    # -- event clauses
    # --------------------------------------------------------------------------------------------

    def _no_model(self, sym: Symbol, span: Span) -> None:
        var = self._reads(sym)
        if var is not None:
            self.checker.diags.error(
                "DMA060",
                f"an event clause calls {sym.name}, which reads {var.name}, of the model",
                span,
                notes=[(var.span if var.span.line > 1 or var.module else None, f"{var.name} is a variable")],
                fix="Let the event carry it, keep it in a ghost, or ask under  always .",
            )

    def _no_ghosts(self, proc: ProcSym, span: Span) -> None:
        seen: set[Symbol] = set()
        todo: list[Symbol] = [proc]
        while todo:
            sym = todo.pop()
            if sym in self.checker.ghost_writers:
                message = f"a model clause calls {proc.name}, and {sym.name} changes ghosts"
                self.checker.diags.error("DMA062", message, span, fix="Ghosts change under  on  only.")
                return
            if sym not in seen:
                seen.add(sym)
                todo += [u for u, _ in self.uses.get(sym, []) if isinstance(u, ProcSym)]

    def _reads(self, start: Symbol) -> VarSym | None:
        """A variable of the model that is read by way of ``start``."""
        if start not in self._model:
            seen: set[Symbol] = set()
            todo, found = [start], None
            while todo and found is None:
                sym = todo.pop()
                if sym in seen:
                    continue
                seen.add(sym)
                found = next((u for u, _ in self.uses.get(sym, []) if isinstance(u, VarSym)), None)
                todo += [u for u, _ in self.uses.get(sym, []) if isinstance(u, FuncSym | ProcSym)]
            self._model[start] = found
        return self._model[start]

    # -- unused
    # ---------------------------------------------------------------------------------------------------

    def _unused(self) -> None:
        program = self.checker.program
        if program.scenario is None:
            return
        scope = self.checker.scopes.scenario
        asked = (
            ast.VarDecl,
            ast.ParamDecl,
            ast.Const,
            ast.FuncDecl,
            ast.ProcDecl,
            ast.Place,
            ast.Device,
            ast.RecordDecl,
            ast.EnumDecl,
            ast.ObjectDecl,
            ast.EventDecl,
        )
        for name, decl in scope.module.decls.items():
            sym = scope.symbols.get(name)
            if isinstance(decl, asked) and sym is not None and not sym.used and not self._is_used(sym):
                self.checker.diags.warning("DMA066", f"the {sym.what} {name} is never used", decl.name_span)

    def _is_used(self, sym: Symbol) -> bool:
        return isinstance(sym.ty, sem.EnumT) and any(c.used for c in sym.ty.cases.values())
