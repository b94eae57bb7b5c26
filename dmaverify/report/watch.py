"""Which parts of the state a value depends on, as it was computed in one state.

A condition over maps and records mentions whole variables; a reader wants the few cells that were looked at.
``Demand`` walks an expression the way it was evaluated: only the branch that was taken, of a false
conjunction only what is false, and every index resolved to its value. The same walk over the updates of a
trace, backwards, tells which steps a failure depends on (``relevant_steps``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dmaverify.engines.interp import Interpreter, State
from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action, Kind
from dmaverify.ir.traverse import variables
from dmaverify.ir.types import Map, Opt, Record, Type, Value, index_values, ordinal
from dmaverify.report.values import show

Path = tuple[int, ...]
"""The way to a part of a value: positions in its tuples."""

Cell = tuple[str, Path]
"""A variable and the way to a part of it."""


@dataclass(frozen=True)
class Watched:
    """A cell with the name that a reader gives it."""

    var: str
    path: Path
    type: Type
    name: str

    def value(self, interp: Interpreter, state: State) -> Value:
        """The cell's value in a state; None behind a null."""
        return part_of(interp.value(state, self.var), self.path)

    def shown(self, interp: Interpreter, state: State) -> str:
        """The cell's value as text."""
        value = self.value(interp, state)
        return "null" if value is None else show(value, self.type)


def part_of(value: Value, path: Path) -> Value:
    """The part of a value that a path leads to; None behind a null."""
    for position in path:
        if value is None:
            return None
        value = value[position]
    return value


class Demand:
    """Collects the cells and inputs that values depend on, in one state with one choice of inputs."""

    def __init__(self, interp: Interpreter, state: State, given: Mapping[str, Value]) -> None:
        self.interp, self.state, self.given = interp, state, given
        self.cells: dict[Cell, None] = {}
        self.inputs: dict[str, Expr] = {}
        self._seen: set[tuple[int, Path]] = set()

    def value(self, e: Expr) -> Value:
        """Value of an expression here."""
        return self.interp.evaluate(e, self.state, self.given)

    def add(self, root: Expr, path: Path = ()) -> None:
        """What the part ``path`` of the expression's value depends on."""
        todo = [(root, path)]
        while todo:
            e, at = todo.pop()
            if (e.uid, at) in self._seen:
                continue
            self._seen.add((e.uid, at))
            if e.op == "var":
                self.cells.setdefault((str(e.data), at))
            elif e.op == "input":
                self.inputs.setdefault(str(e.data), e)
            else:
                todo.extend(reversed(self._parts(e, at)))

    def _parts(self, e: Expr, path: Path) -> list[tuple[Expr, Path]]:
        """The expressions, each with a path, that this part of ``e`` depends on."""
        args = e.args
        match e.op:
            case "and" | "or":
                decided = self.value(e) is (e.op == "or")
                return [(a, ()) for a in args if not decided or self.value(a) is (e.op == "or")]
            case "ite":
                return [(args[0], ()), (args[1] if self.value(args[0]) else args[2], path)]
            case "select":
                assert isinstance(args[0].type, Map)
                return [(args[1], ()), (args[0], (ordinal(args[0].type.index, self.value(args[1])), *path))]
            case "field":
                assert isinstance(args[0].type, Record)
                return [(args[0], (args[0].type.positions[str(e.data)], *path))]
            case "get" | "some":
                return [(args[0], path)]
            case "store" if path:
                assert isinstance(e.type, Map)
                here = ordinal(e.type.index, self.value(args[1])) == path[0]
                return [(args[1], ()), (args[2], path[1:]) if here else (args[0], path)]
            case "with" if path:
                assert isinstance(e.type, Record)
                here = e.type.positions[str(e.data)] == path[0]
                return [(args[1], path[1:]) if here else (args[0], path)]
            case "rec" if path:
                return [(args[path[0]], path[1:])]
            case "fill":
                return [(args[0], path[1:])]
        return [(a, ()) for a in args]


def cells_of(
    interp: Interpreter, condition: Expr, state: State, given: Mapping[str, Value]
) -> tuple[list[Watched], dict[str, str]]:
    """The cells that the condition's value depends on, shared ones first, and the inputs that it reads."""
    demand = Demand(interp, state, given)
    demand.add(condition)
    hidden = (Kind.PC, Kind.PARAM)
    kinds = {v.name: v.kind for v in interp.system.vars}
    cells = [_named(interp, var, path) for var, path in demand.cells if kinds[var] not in hidden]
    cells.sort(key=lambda w: kinds[w.var] is Kind.LOCAL)
    return cells, {n: show(given[n], e.type) for n, e in demand.inputs.items() if n in given}


def _named(interp: Interpreter, var: str, path: Path) -> Watched:
    t: Type = interp.system.var(var).type
    name = var
    for position in path:
        t = t.of if isinstance(t, Opt) else t
        if isinstance(t, Map):
            name += f"[{show(index_values(t.index)[position], t.index)}]"
            t = t.of
        else:
            assert isinstance(t, Record)
            name += f".{t.fields[position][0]}"
            t = t.fields[position][1]
    return Watched(var, path, t, name)


def relevant_steps(
    interp: Interpreter,
    states: Sequence[State],
    actions: Sequence[Action],
    inputs: Sequence[Mapping[str, Value]],
    start: Demand,
) -> set[int]:
    """The steps (from 1) that wrote something that what ``start`` collected depends on, through any number
    of others.

    Data only: a step that merely led its thread on is not among them, but what a relevant step waited for is.
    """
    needed: set[Cell] = set(start.cells)
    relevant: set[int] = set()
    # where a thread stands and which locks are free leads from step to step without saying anything about
    # the data
    leading = {t.pc for t in interp.system.threads}
    leading |= {v for a in interp.system.actions for op in a.locks for v in variables(op.lock)}
    leading |= _written_by_locking(interp.system.actions)
    for k in range(len(actions), 0, -1):
        written = [
            (var, path)
            for var in actions[k - 1].updates
            if var not in leading
            for path in _changed(interp.value(states[k - 1], var), interp.value(states[k], var))
        ]
        hit = [(cell, n) for cell in written for n in needed if _overlap(cell, n)]
        if not hit:
            continue
        relevant.add(k)
        demand = Demand(interp, states[k - 1], inputs[k - 1])
        demand.add(actions[k - 1].guard)
        for (var, path), n in hit:
            demand.add(actions[k - 1].updates[var], path)
            if n[1] == path:
                needed.discard(n)
        needed |= {c for c in demand.cells if c[0] not in leading}
    return relevant


def _written_by_locking(actions: Sequence[Action]) -> set[str]:
    """Variables that only taking and giving back of locks changes: who holds one."""
    taking = {v for a in actions if a.locks for v in a.updates}
    return taking - {v for a in actions if not a.locks for v in a.updates}


def _overlap(a: Cell, b: Cell) -> bool:
    """Whether one is a part of the other."""
    n = min(len(a[1]), len(b[1]))
    return a[0] == b[0] and a[1][:n] == b[1][:n]


def _changed(old: Value, new: Value, path: Path = ()) -> list[Path]:
    """The smallest parts in which two values of one type differ."""
    if old == new:
        return []
    if isinstance(old, tuple) and isinstance(new, tuple):
        return [p for n, (a, b) in enumerate(zip(old, new, strict=True)) for p in _changed(a, b, (*path, n))]
    return [path]
