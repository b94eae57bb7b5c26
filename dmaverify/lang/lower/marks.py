"""Marks for who watches a System from outside: each entry-point call says when it starts and what it returns.

They are events of their own, ``call p``, ``return p`` and ``end thread``, and are made only where they are asked for
(``compile_scenario(marks=True)``): a verdict does not need them. An entry-point call is one that a sequence, a client or an
interrupt handler of the scenario makes itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from dmaverify.ir.expr import Expr
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower.context import Binding
from dmaverify.lang.lower.conversions import stored_as
from dmaverify.lang.lower.flow import Flow
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.vals import Val

CALL, RETURN, END = "call ", "return ", "end "
"""How the names of the marks begin."""

RESULT = "result"
"""The argument of a return."""


def wanted(f: Flow) -> bool:
    """Whether a call that is made here is an entry-point call to be marked."""
    if f.world.marks is None or f.stack:
        return False
    thread = f.world.checked.threads.get(f.name)
    return thread is not None and isinstance(thread.decl, ast.Sequence | ast.Client | ast.Interrupt)


def started(f: Flow, step: Step, sym: symbols.ProcSym, args: Sequence[Binding | None], call: ast.Call) -> None:
    """The call starts with the step that sets its parameters."""
    if not wanted(f):
        return
    ctx = f.ctx(step)
    shown: list[tuple[str, Expr]] = []
    types: list[tuple[str, sem.SemType]] = []
    for p, value in zip(sym.params, args, strict=True):
        if p.by_ref or value is None or not _kept(p.ty):
            continue
        shown.append((p.name, stored_as(ctx, value, f.world.ir(p.ty), call.span)))  # type: ignore[arg-type]
        types.append((p.name, p.ty))
    _emit(f, step, f"{CALL}{sym.name}", shown, types, call)


def returned(f: Flow, sym: symbols.ProcSym, value: Val, call: ast.Call) -> None:
    """The call is over, with this result."""
    if not wanted(f) or f.at is None:
        return
    step = f.new_step()
    shown: list[tuple[str, Expr]] = []
    types: list[tuple[str, sem.SemType]] = []
    if sym.ty is not sem.VOID and _kept(sym.ty):
        shown.append((RESULT, stored_as(f.ctx(step), value, f.world.ir(sym.ty), call.span)))
        types.append((RESULT, sym.ty))
    _emit(f, step, f"{RETURN}{sym.name}", shown, types, call)
    f.commit(step, call)


def ended(f: Flow, what: ast.Node) -> None:
    """The thread has nothing left to do."""
    if wanted(f) and f.at is not None:
        step = f.new_step()
        _emit(f, step, f"{END}{f.name}", [], [], what)
        f.commit(step, what)


def _kept(ty: sem.SemType) -> bool:
    return ty.storable and not isinstance(ty, sem.ErrorT)


def _emit(
    f: Flow, step: Step, name: str, shown: list[tuple[str, Expr]], types: list[tuple[str, sem.SemType]], what: ast.Node
) -> None:
    assert f.world.marks is not None
    f.world.marks[name] = tuple(types)
    step.emit(name, tuple(shown), what.span)
