"""Which parts of the state a false condition is false because of.

A condition over maps and records mentions whole variables; a reader wants the few cells that were looked at.
``cells_of`` walks the condition as it was evaluated (only the branch that was taken, of a false conjunction
only what is false) and resolves every index to its value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dmaverify.engines.interp import Interpreter, State
from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Kind
from dmaverify.ir.types import Map, Record, Type, Value, ordinal
from dmaverify.report.values import show


@dataclass(frozen=True)
class Watched:
    """One cell: a variable and the way to a part of it (ordinals of maps, field names of records)."""

    var: str
    path: tuple[tuple[str, int], ...]
    """(text as ``[page 3]`` or ``.field``, position in the tuple)."""
    type: Type

    @property
    def name(self) -> str:
        """As a reader would write it."""
        return self.var + "".join(t for t, _ in self.path)

    def value(self, interp: Interpreter, state: State) -> Value:
        """The cell's value in a state."""
        v = interp.value(state, self.var)
        for _, position in self.path:
            v = v[position]
        return v

    def shown(self, interp: Interpreter, state: State) -> str:
        """The cell's value as text."""
        return show(self.value(interp, state), self.type)


class _Walk:
    def __init__(self, interp: Interpreter, state: State, given: Mapping[str, Value]) -> None:
        self.interp, self.state, self.given = interp, state, given
        self.found: dict[str, Watched] = {}
        self.inputs: dict[str, Expr] = {}
        self.seen: set[int] = set()

    def value(self, e: Expr) -> Value:
        return self.interp.evaluate(e, self.state, self.given)

    def visit(self, root: Expr) -> None:
        todo = [root]
        while todo:
            e = todo.pop()
            if e.uid in self.seen:
                continue
            self.seen.add(e.uid)
            todo.extend(reversed(self.parts(e)))

    def parts(self, e: Expr) -> tuple[Expr, ...]:
        """What of ``e`` has to be looked at further; cells are recorded on the way."""
        if e.op in ("and", "or"):
            decided = self.value(e) is (e.op == "or")
            return tuple(a for a in e.args if not decided or self.value(a) is (e.op == "or"))
        if e.op == "ite":
            return (e.args[0], e.args[1] if self.value(e.args[0]) else e.args[2])
        if e.op == "input":
            self.inputs[str(e.data)] = e
            return ()
        cell, rest = self.resolve(e)
        if cell is not None:
            self.found.setdefault(cell.name, cell)
        return rest

    def resolve(self, e: Expr) -> tuple[Watched | None, tuple[Expr, ...]]:
        """The cell that ``e`` reads, if it is a plain read, and what else it depends on."""
        if e.op == "var":
            return Watched(str(e.data), (), e.type), ()
        if e.op == "field" and isinstance(e.args[0].type, Record):
            base, rest = self.resolve(e.args[0])
            if base is None or not isinstance(base.type, Record):
                return base, rest
            return Watched(base.var, (*base.path, (f".{e.data}", base.type.positions[e.data])), e.type), rest
        if e.op in ("get", "present"):
            return self.resolve(e.args[0])
        if e.op == "select":
            return self.selected(e)
        return None, e.args

    def selected(self, e: Expr) -> tuple[Watched | None, tuple[Expr, ...]]:
        base, index = e.args
        at = self.value(index)
        while base.op == "store":  # an effect sees what its own statement has written before
            if self.value(base.args[1]) == at:
                return None, (base.args[2], index)
            base = base.args[0]
        if base.op == "ite":
            chosen = base.args[1] if self.value(base.args[0]) else base.args[2]
            inner, rest = self.selected_from(chosen, index, at)
            return inner, (base.args[0], *rest)
        return self.selected_from(base, index, at)

    def selected_from(self, base: Expr, index: Expr, at: Value) -> tuple[Watched | None, tuple[Expr, ...]]:
        cell, rest = self.resolve(base)
        if cell is None or not isinstance(cell.type, Map):
            return cell, (*rest, index)
        step = (f"[{show(at, cell.type.index)}]", ordinal(cell.type.index, at))
        return Watched(cell.var, (*cell.path, step), cell.type.of), (*rest, index)


def cells_of(
    interp: Interpreter, condition: Expr, state: State, given: Mapping[str, Value]
) -> tuple[list[Watched], dict[str, str]]:
    """The cells that the condition's value depends on, shared ones first, and the inputs that it reads."""
    walk = _Walk(interp, state, given)
    walk.visit(condition)
    hidden = (Kind.PC, Kind.PARAM)
    cells = [w for w in walk.found.values() if interp.system.var(w.var).kind not in hidden]
    cells.sort(key=lambda w: interp.system.var(w.var).kind is Kind.LOCAL)
    return cells, {n: show(given[n], e.type) for n, e in walk.inputs.items() if n in given}
