"""Core Systems as terms: frames of state variables, and the functional step from one frame to the next.

A step is chosen by a number. Actions of one thread that stand at different control points share a number, because the thread's
pc already tells them apart; so a step has about as many choices as there are actors. A number that fits no enabled action is a
step that changes nothing, which makes the step relation total: each frame has exactly one term for each variable.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dmaverify.engines.smt.encode import Encoder
from dmaverify.engines.smt.solver import Solver, Term
from dmaverify.engines.smt.terms import BOOL_SORT, Sort, Writer, constant, decoded, sort_of
from dmaverify.engines.traces import Pick
from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, input_, le, not_, or_, var
from dmaverify.ir.system import Action, Check, Input, System
from dmaverify.ir.types import Int, Type, Value


def standing(system: System, action: Action) -> Expr:
    """The action's thread stands where the action starts."""
    if action.thread is None or action.at is None:
        return TRUE
    pc = system.thread(action.thread).pc
    t = system.var(pc).type
    return eq(var(pc, t), const(action.at, t))


def allowed(i: Input) -> Expr:
    """The input has one of its values."""
    if i.values is None:
        return TRUE
    values = sorted(set(i.values))
    leaf = input_(i.name, i.type)
    if len(values) == i.type.count:
        return TRUE
    if isinstance(i.type, Int) and values and len(values) == values[-1] - values[0] + 1:
        low, high = const(values[0], i.type), const(values[-1], i.type)
        return and_(
            TRUE if values[0] == i.type.lo else le(low, leaf),
            TRUE if values[-1] == i.type.hi else le(leaf, high),
        )
    return or_(*(eq(leaf, const(v, i.type)) for v in values))


def enabled(system: System, action: Action) -> Expr:
    """The action can be taken, with these inputs."""
    return and_(standing(system, action), *(allowed(i) for i in action.inputs), action.guard)


def passes(check: Check) -> Expr:
    """The check does not fail."""
    return or_(not_(check.path), check.cond)


def choice_numbers(actions: Sequence[Action]) -> list[int]:
    """A number for each action; two actions share one only if no state enables both."""
    taken: dict[str, list[set[int]]] = {}
    slots: list[tuple[str | None, int]] = []
    for n, a in enumerate(actions):
        if a.thread is None or a.at is None:
            slots.append((None, n))
            continue
        groups = taken.setdefault(a.thread, [])
        k = next((k for k, group in enumerate(groups) if a.at not in group), len(groups))
        if k == len(groups):
            groups.append(set())
        groups[k].add(a.at)
        slots.append((a.thread, k))
    numbers: dict[tuple[str | None, int], int] = {}
    return [numbers.setdefault(slot, len(numbers)) for slot in slots]


@dataclass
class Frame:
    """The state after some steps, and (once it is asked for) the choice of the next one."""

    number: int
    variables: dict[str, Term]
    encode: Encoder[Term]
    cost: Term
    taken: list[Term] = field(default_factory=list)
    """For each action: it is the step from here."""
    read: dict[tuple[str, Type], Term] = field(default_factory=dict)
    """The input terms of the step from here, by name and type."""


COST_BITS = 32


class Unrolling:
    """A System unrolled in one solver, a frame at a time."""

    def __init__(self, system: System, solver: Solver) -> None:
        self.system = system
        self.solver = solver
        self.writer: Writer[Term] = solver.writer
        self.numbers = choice_numbers(system.actions)
        # one number more than there are choices: a step that changes nothing is always possible
        self._bits = max(1, (max(self.numbers, default=0) + 1).bit_length())
        self._enabled = [enabled(system, a) for a in system.actions]
        self._stops = [[c for c in a.checks if c.stop] for a in system.actions]
        self.uniform = all(a.weight is None or (a.weight.is_const and a.weight.value == 1) for a in system.actions)
        """Every step weighs one, so that a frame's number is its cost."""
        variables = {
            v.name: solver.writer.symbol(f"{v.name}@0", sort_of(v.type)) if v.any_init else constant(solver.writer, v.init, v.type)
            for v in system.vars
        }
        self.frames = [self._frame(0, variables, solver.writer.bits(0, COST_BITS))]
        for e in system.assumptions:
            solver.add(self.frames[0].encode(e))

    def _frame(self, number: int, variables: dict[str, Term], cost: Term) -> Frame:
        read: dict[tuple[str, Type], Term] = {}

        def chosen(name: str, t: Type) -> Term:
            # one step takes one action, so actions may share the symbol of an input
            if (name, t) not in read:
                read[name, t] = self.writer.symbol(f"{name}:{t}!{number}", sort_of(t))
            return read[name, t]

        return Frame(number, variables, Encoder(self.writer, variables, chosen), cost, [], read)

    def choose(self, progress: Callable[[], None] = lambda: None) -> Frame:
        """The last frame, with its choice of a step."""
        frame = self.frames[-1]
        if frame.taken or not self.system.actions:
            return frame
        w = self.writer
        choice = w.symbol(f"choice!{frame.number}", self._bits)
        for number, condition in zip(self.numbers, self._enabled, strict=True):
            progress()
            here = w.apply("=", [choice, w.bits(number, self._bits)])
            if condition is not TRUE:
                here = w.apply("and", [here, frame.encode(condition)])
            frame.taken.append(here)
        return frame

    def extend(self, progress: Callable[[], None] = lambda: None) -> Frame:
        """Add the frame behind the next step."""
        w, frame = self.writer, self.choose(progress)
        news: dict[str, list[tuple[Term, Term]]] = {}
        costs: list[tuple[Term, Term]] = []
        for action, taken in zip(self.system.actions, frame.taken, strict=True):
            progress()
            for name, new in action.updates.items():
                news.setdefault(name, []).append((taken, frame.encode(new)))
            if not self.uniform:
                costs.append((taken, w.apply("bvadd", [frame.cost, self.weight(frame, action.weight)])))
        after = dict(frame.variables)
        for name, cases in news.items():
            after[name] = self._chosen(cases, after[name], sort_of(self.system.var(name).type))
        cost = w.bits(frame.number + 1, COST_BITS) if self.uniform else self._chosen(costs, frame.cost, COST_BITS)
        self.frames.append(self._frame(frame.number + 1, after, cost))
        return self.frames[-1]

    def _chosen(self, cases: list[tuple[Term, Term]], kept: Term, sort: Sort) -> Term:
        """The value of the case whose condition holds (at most one does), or what was there before.

        A sum of products rather than a chain of choices: solvers were about a third faster on it.
        """
        w = self.writer
        if len(cases) < 3:
            for condition, value in cases:
                kept = w.apply("ite", [condition, value, kept])
            return kept
        untouched = w.apply("not", [self.any_of([condition for condition, _ in cases])])
        cases = [*cases, (untouched, kept)]
        if sort == BOOL_SORT:
            return self.any_of([w.apply("and", [condition, value]) for condition, value in cases])
        zero = w.bits(0, sort)
        result = zero
        for condition, value in cases:
            masked = w.apply("ite", [condition, value, zero])
            result = masked if result is zero else w.apply("bvor", [result, masked])
        return result

    def goes_on(self, frame: Frame) -> list[Term]:
        """In the step from ``frame`` no check fails that ends the run."""
        return [
            self.writer.apply("=>", [taken, frame.encode(passes(check))])
            for taken, stops in zip(frame.taken, self._stops, strict=True)
            for check in stops
        ]

    def weight(self, frame: Frame, weight: Expr | None) -> Term:
        """A weight in ``COST_BITS`` bits."""
        if weight is None:
            return self.writer.bits(1, COST_BITS)
        width = sort_of(weight.type)
        term = frame.encode(weight)
        if width == COST_BITS:
            return term
        if width > COST_BITS:
            return self.writer.apply("extract", [term], (COST_BITS - 1, 0))
        return self.writer.apply("zero_extend", [term], (COST_BITS - width,))

    def any_of(self, terms: Sequence[Term]) -> Term:
        """One of the terms holds."""
        if not terms:
            return self.writer.boolean(False)
        return terms[0] if len(terms) == 1 else self.writer.apply("or", list(terms))

    def in_step(self, frame: Frame, conditions: Sequence[Sequence[Expr]]) -> Term:
        """The step from ``frame`` takes an action of which one condition holds; ``conditions`` are by action."""
        found = [
            self.writer.apply("and", [taken, frame.encode(c)])
            for taken, own in zip(frame.taken, conditions, strict=True)
            for c in own
            if c is not FALSE
        ]
        return self.any_of(found)

    def in_state(self, frame: Frame, conditions: Sequence[Expr]) -> Term:
        """One of the conditions holds in the frame."""
        return self.any_of([frame.encode(c) for c in conditions if c is not FALSE])

    # -- models ------------------------------------------------------------------------------------------------------

    def initial(self) -> dict[str, Value]:
        """Free initial values in the solver's model."""
        return {v.name: decoded(self.solver.value(self.frames[0].variables[v.name]), v.type) for v in self.system.vars if v.any_init}

    def picks(self, upto: int) -> list[Pick]:
        """The actions of the first ``upto`` steps in the solver's model; steps that change nothing are left out."""
        found: list[Pick] = []
        for frame in self.frames[:upto]:
            for action, taken in zip(self.system.actions, frame.taken, strict=True):
                if self.solver.value(taken):
                    found.append((action, {i.name: self._given(frame, i) for i in action.inputs}))
                    break
        return found

    def _given(self, frame: Frame, i: Input) -> Value:
        term = frame.read.get((i.name, i.type))
        if term is None:  # no expression reads it
            return i.values[0] if i.values else i.type.default
        return decoded(self.solver.value(term), i.type)
