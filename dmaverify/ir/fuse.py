"""Steps: statements of a thread put together where nobody can look in between.

From a control point a step is the longest run ``(acquire? local*) visible? (release | local)*``. Only its
first statement may wait; at most one is visible (see ``footprint``). A step is built by symbolic composition
along the thread's control flow, branches merged, so there is one action for each first statement. Where it
stops is the next control point; a back edge stops it always.

**Length.** A statement that weighs something although nobody can notice it in this slice must not be paid for
before the thread needs it, or traces would be longer than in the reference System. Such *late* parts at the
end of a step are charged to the thread's next step. What waits at a control point is therefore one number;
where two steps would disagree about it, one of them is cut shorter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    U32,
    Expr,
    and_,
    const,
    eq,
    implies,
    input_,
    ite,
    mk,
    or_,
    var,
)
from dmaverify.ir.footprint import SOUND, Footprints, StepRule
from dmaverify.ir.locksets import LockFacts, core_facts
from dmaverify.ir.pcgraph import PcGraph, graphs, targets
from dmaverify.ir.rebuild import all_exprs, map_effect, map_part
from dmaverify.ir.system import Action, Check, Effect, Emit, Input, Part, System, Var
from dmaverify.ir.traverse import Replacing, Rewriter, inputs, walk
from dmaverify.ir.types import Bool, Value

MOST_PARTS = 80
"""A step of more statements than this is cut: never wrong, only less fused."""

MOST_NODES = 20_000
"""A step of more expression nodes than this is composed again from fewer statements."""


def fuse(core: System, facts: LockFacts | None = None, rule: StepRule = SOUND) -> System:
    """The core System with its threads moving in steps.

    ``facts``: what is known about locks beside what this System shows by itself.
    """
    known = core_facts(core)
    footprints = Footprints(core, known if facts is None else known.also(facts), rule)
    types = {v.name: v for v in core.vars}
    fused: dict[str, list[Action]] = {}
    for graph in graphs(core).values():
        if graph.simple and not (graph.thread.is_device and _holds_others_up(graph)):
            fused[graph.thread.name] = _ThreadFuser(graph, footprints, rule, types).run()
    actions: list[Action] = []
    for a in core.actions:
        if a.thread not in fused:
            actions.append(a)
        else:
            actions += fused[a.thread]  # all of them, where the thread's first action stood
            fused[a.thread] = []
    return core.with_(actions=tuple(actions))


def _holds_others_up(graph: PcGraph) -> bool:
    """Whether a device takes locks or may end the path.

    A deadlock is where no step of a device can help any more, which is asked step by step; such a device stays as it is.
    """
    mine = [a for actions in graph.actions.values() for a in actions]
    return any(a.locks or any(e.stop for e in a.checks) for a in mine)


class _Disagreement(Exception):
    """Two ways to one place leave different weights waiting there; ``place`` has to be a control point."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


_NOTHING = const(0, U32)


@dataclass(frozen=True)
class _Way:
    """Where a composition stands on one way through the statements, or on several that met."""

    path: tuple[Expr, ...] = ()
    """Conjuncts over the old state and the inputs."""
    values: dict[str, Expr] = field(default_factory=dict)
    alive: Expr = TRUE
    """No check that ends the path has failed so far."""
    weight: Expr = _NOTHING
    visible: bool = False
    released: bool = False
    late: int = 0
    """Weight of what nobody needs before the thread's next step."""
    late_from: int | None = None
    """Where the first statement of that weight starts."""

    @property
    def condition(self) -> Expr:
        """The path as one condition."""
        return and_(*self.path)

    def narrowed(self, condition: Expr) -> _Way:
        """The same way, on a condition."""
        more = condition.args if condition.op == "and" else (condition,)
        fresh = tuple(c for c in more if c is not TRUE and c not in self.path)
        return replace(self, path=self.path + fresh) if fresh else self


@dataclass
class _Step:
    """A step while it is composed."""

    inputs: list[Input] = field(default_factory=list)
    limits: list[Expr] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    open: dict[int, _Way] = field(default_factory=dict)
    stops: dict[int, _Way] = field(default_factory=dict)
    passed: set[int] = field(default_factory=set)
    """Places that it goes on from."""
    finished: Action | None = None
    """The action that takes it, without what the steps before it leave waiting."""
    too_large: bool = False


class _ThreadFuser:
    """Finds the control points of one thread and the steps that start there."""

    def __init__(self, graph: PcGraph, footprints: Footprints, rule: StepRule, variables: dict[str, Var]) -> None:
        self.graph = graph
        self.pc = graph.thread.pc
        self.rule = rule
        self.order = graph.order()
        self.vars = variables
        self.observed = footprints.stops.get(graph.thread.name, set())
        # a client's idle point is where the deadlock check and the reader look for it
        self.forced = set(graph.thread.idle) | self.observed
        mine = [a for actions in graph.actions.values() for a in actions]
        self.visible = {id(a): footprints.visible(a) for a in mine}
        self.acquires = {id(a): footprints.acquires(a) for a in mine}
        self.releases = {id(a): footprints.releases(a) for a in mine}
        self.composed: dict[tuple[int, int], _Step] = {}

    def run(self) -> list[Action]:
        """The steps of the thread, in the order of their control points."""
        while True:
            before = len(self.forced)
            actions = self._steps()
            if len(self.forced) == before:
                return actions

    def _force(self, d: _Disagreement) -> None:
        """Make a place a control point; what went on from there has to be composed again."""
        assert d.place not in self.forced
        self.forced.add(d.place)
        self.composed = {k: s for k, s in self.composed.items() if d.place not in s.passed}

    def _steps(self) -> list[Action]:
        """The steps, as far as the control points known so far allow; some more may turn out to be needed."""
        entry = self.graph.entry
        assert entry is not None
        # who looks whether the thread stands there wants everything before to be done
        waiting: dict[int, tuple[int, int | None]] = dict.fromkeys((entry, *self.observed), (0, None))
        steps: dict[int, list[Action]] = {}
        todo = [entry]
        while todo:
            place = todo.pop()
            steps[place] = []
            for a in self.graph.actions.get(place, ()):
                action, stops = self._composed_step(a, waiting[place][0])
                steps[place].append(action)
                for stop, way in stops.items():
                    known = waiting.setdefault(stop, (way.late, way.late_from))
                    try:
                        _agree(known, (way.late, way.late_from))
                    except _Disagreement as d:
                        if d.place not in self.forced:
                            self._force(d)
                    if stop not in steps and stop not in todo:
                        todo.append(stop)
        return [a for place in sorted(steps) for a in steps[place]]

    def _composed_step(self, first: Action, waiting: int) -> tuple[Action, dict[int, _Way]]:
        while True:
            try:
                return self._step(first, waiting)
            except _Disagreement as d:
                self._force(d)

    def _step(self, first: Action, waiting: int) -> tuple[Action, dict[int, _Way]]:
        most = MOST_PARTS
        while True:
            step = self._compose(first, most)
            if step.finished is None:
                step.finished = self._finish(first, step)
                step.too_large = len(step.parts) > 1 and sum(1 for _ in walk(*all_exprs(step.finished))) > MOST_NODES
            if not step.too_large:
                weight = step.finished.weight
                assert weight is not None
                return replace(step.finished, weight=mk("add", (weight, const(waiting, U32)))), step.stops
            most = len(step.parts) // 2

    # -- composing --------------------------------------------------------------------------------------

    def _compose(self, first: Action, most: int) -> _Step:
        key = id(first), most
        if key not in self.composed:
            self.composed[key] = self._composition(first, most)
        return self.composed[key]

    def _composition(self, first: Action, most: int) -> _Step:
        step = _Step()
        self._take(step, first, _Way(), is_first=True)
        while step.open:
            place = min(step.open, key=self.order.__getitem__)
            way = step.open.pop(place)
            chosen = self._may_follow(place, way, step, first) if len(step.parts) < most else None
            if chosen is None:
                self._arrive(step.stops, place, way)
                continue
            step.passed.add(place)
            for a, condition in chosen:
                self._take(step, a, way.narrowed(condition), is_first=False)
        return step

    def _may_follow(self, place: int, way: _Way, step: _Step, first: Action) -> list[tuple[Action, Expr]] | None:
        """The statements that go on from here in the same step, each with its condition; None: the step
        ends.
        """
        actions = self.graph.actions.get(place)
        if not actions or place in self.forced or not all(self._fits(a, way) for a in actions):
            return None
        known = {c.uid for c in (*way.path, *_conjuncts(first.guard))}
        rewrite = _rewriter(way.values, {})
        conditions = []
        for a in actions:
            guard = and_(*(g for g in _conjuncts(rewrite(a.guard)) if g.uid not in known))
            if self.acquires[id(a)]:
                # only without the rule: the whole step then waits for the lock
                step.limits.append(implies(way.condition, guard))
                guard = TRUE
            if inputs(guard):
                return None
            conditions.append(guard)
        # it may not wait: exactly one of them goes on, whatever the state
        if or_(*conditions) is not TRUE:
            return None
        for n, c in enumerate(conditions):
            if any(and_(c, d) is not FALSE for d in conditions[:n]):
                return None
        return list(zip(actions, conditions, strict=True))

    def _fits(self, a: Action, way: _Way) -> bool:
        """Whether the step rule lets a statement follow."""
        if self.acquires[id(a)] and self.rule.acquire_first:
            return False
        done = way.visible or way.released
        if self.visible[id(a)] and (way.visible or (way.released and self.rule.nothing_after_release)):
            return False
        if self.releases[id(a)] and (way.late or (done and _weight(a))):
            return False  # somebody may need the release and not what is late
        # where a check ends the path, others must have seen what came before
        return not (done and any(e.stop and e.cond is not TRUE for e in a.checks))

    def _take(self, step: _Step, a: Action, way: _Way, is_first: bool) -> None:
        """Add one statement and go on to where it leads."""
        here = way.condition
        renamed: dict[str, Expr] = {}
        for i in a.inputs:
            own = i if is_first else replace(i, name=f"{i.name}@{len(step.parts)}")
            renamed[i.name] = input_(own.name, own.type)
            step.inputs.append(own)
            if here is not TRUE:  # where the statement is not taken the input says nothing: one value will do
                step.limits.append(or_(here, eq(renamed[i.name], const(first_value(i), i.type))))
        rewrite = _rewriter(way.values, renamed)
        base, judged = len(step.parts), and_(here, way.alive)
        alive = way.alive
        for e in a.effects:
            new = map_effect(e, rewrite)
            if isinstance(new, Check) and new.stop:
                alive = and_(alive, implies(new.path, new.cond))
            new = replace(new, path=and_(judged, new.path))
            step.effects.append(new if isinstance(new, Emit) else replace(new, part=new.part + base))
        weight = _weight(a)
        visible, released = self.visible[id(a)], self.releases[id(a)]
        late = (way.visible or way.released) and not (visible or released) and bool(weight or way.late)
        for p in a.parts:
            new_part = map_part(p, rewrite)
            step.parts.append(replace(new_part, path=and_(here, new_part.path), late=late))
        values = {**way.values, **{v: rewrite(x) for v, x in a.updates.items() if v != self.pc}}
        after = replace(
            way,
            values=values,
            alive=alive,
            weight=way.weight if late else mk("add", (way.weight, const(weight, U32))),
            visible=way.visible or visible,
            released=way.released or released,
            late=way.late + weight if late else way.late,
            late_from=a.at if late and way.late_from is None else way.late_from,
        )
        for condition, place in self._leads_to(a, rewrite):
            if condition is FALSE:
                continue
            assert a.at is not None
            forward = self.order[place] > self.order[a.at]
            self._arrive(step.open if forward else step.stops, place, after.narrowed(condition))

    def _leads_to(self, a: Action, rewrite: Rewriter) -> Sequence[tuple[Expr, int]]:
        if self.pc not in a.updates:
            assert a.at is not None
            return [(TRUE, a.at)]
        found = targets(rewrite(a.updates[self.pc]))
        assert found is not None, "the thread's control flow was simple"
        return found

    def _arrive(self, at: dict[int, _Way], place: int, way: _Way) -> None:
        if place in at:
            _agree((at[place].late, at[place].late_from), (way.late, way.late_from))
            way = self._join(at[place], way)
        at[place] = way

    def _join(self, a: _Way, b: _Way) -> _Way:
        """Two ways that meet. Where both are impossible the result does not matter."""
        common = tuple(c for c in a.path if c in b.path)
        only_a = and_(*(c for c in a.path if c not in common))
        only_b = and_(*(c for c in b.path if c not in common))

        def value(name: str, of: dict[str, Expr]) -> Expr:
            return of[name] if name in of else var(name, self.vars[name].type)

        names = list(dict.fromkeys((*a.values, *b.values)))
        values = {n: ite(only_a, value(n, a.values), value(n, b.values)) for n in names}
        met = replace(
            a,
            path=common,
            values=values,
            alive=ite(only_a, a.alive, b.alive),
            weight=ite(only_a, a.weight, b.weight),
            visible=a.visible or b.visible,
            released=a.released or b.released,
            late_from=a.late_from if a.late_from is not None else b.late_from,
        )
        return met.narrowed(or_(only_a, only_b))

    def _finish(self, first: Action, step: _Step) -> Action:
        """The action that takes the whole step."""
        met: _Way | None = None
        pc_type = self.vars[self.pc].type
        for place in sorted(step.stops):
            way = step.stops[place]
            way = replace(way, values={**way.values, self.pc: const(place, pc_type)})
            met = way if met is None else self._join(met, way)
        assert met is not None, "a statement leads somewhere"
        updates = {n: x for n, x in met.values.items() if not (x.op == "var" and x.data == n)}
        more = len(step.parts) - len(first.parts)
        return replace(
            first,
            name=f"{first.name}+{more}" if more else first.name,
            guard=and_(first.guard, *step.limits),
            inputs=tuple(step.inputs),
            effects=tuple(step.effects),
            updates=updates,
            weight=met.weight,
            locks=(),
            parts=tuple(step.parts),
        )


def _agree(a: tuple[int, int | None], b: tuple[int, int | None]) -> None:
    """Raise ``_Disagreement`` unless two ways leave the same weight waiting."""
    if a[0] != b[0]:
        place = b[1] if b[0] else a[1]
        assert place is not None
        raise _Disagreement(place)


def _conjuncts(e: Expr) -> Iterator[Expr]:
    if e.op == "and":
        yield from e.args
    elif e is not TRUE:
        yield e


def _rewriter(values: dict[str, Expr], given: dict[str, Expr]) -> Rewriter:
    return Replacing(values, given)


def _weight(a: Action) -> int:
    return sum(p.weight for p in a.parts)


def first_value(i: Input) -> Value:
    """The value of an input on which nothing depends."""
    if i.values:
        return i.values[0]
    return False if isinstance(i.type, Bool) else 0
