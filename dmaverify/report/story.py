"""Tells a trace: runs it again in the reference System and writes down, in names, what each step did.

The trace has been replayed and judged before (``engines/replay.py``); nothing is decided here. What a step
shows is computed from the two states around it and from the action, never from a guess about what matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dmaverify.engines.interp import Failed, Interpreter, State, StepResult
from dmaverify.engines.stuck import DEADLOCK, stuck
from dmaverify.ir.system import Action, Always, Check, Frame, Kind, Statement, System
from dmaverify.ir.types import Value
from dmaverify.report import sources
from dmaverify.report.blocks import told_as
from dmaverify.report.values import cells, differences, show
from dmaverify.report.watch import Demand, Watched, cells_of, relevant_steps
from dmaverify.results import Call, Change, Failure, SeenAt, Story, StoryStep
from dmaverify.span import Span
from dmaverify.verdict import Trace

MOST_COLUMNS = 3


@dataclass
class _Run:
    """A trace with its states: ``states[k]`` is the state after step k, ``states[0]`` the initial one."""

    interp: Interpreter
    states: list[State]
    actions: list[Action]
    inputs: list[dict[str, Value]]
    results: list[StepResult]
    failures: list[tuple[int, bool, Failed]]
    """(step, in_step, what failed), in the order of time."""


def tell(system: System, trace: Trace) -> Story:
    """The story of a trace of this (reference) System."""
    run = _run(Interpreter(system), trace)
    claimed = _claimed(run, trace)
    failure = _failure(run, *claimed) if claimed else None
    watched = _watched(run, *claimed) if claimed else []
    columns = [w for w in watched if _changes(run, w) and system.var(w.var).kind is not Kind.LOCAL][
        :MOST_COLUMNS
    ]
    steps = _fold(_steps(run, columns), run, claimed)
    earlier = _earlier(run, trace.prop, len(run.actions))
    if claimed and failure is not None:
        failure = replace(failure, values=_values(run, claimed, steps))
        steps = _mark(steps, run, claimed, earlier)
    return Story(
        initial=tuple((n, show(v, system.var(n).type)) for n, v in trace.initial),
        columns=tuple(w.name for w in columns),
        column_start=tuple(w.shown(run.interp, run.states[0]) for w in columns),
        steps=tuple(steps),
        failure=failure,
        earlier=earlier,
    )


def _run(interp: Interpreter, trace: Trace) -> _Run:
    by_name = {a.name: a for a in interp.system.actions}
    state = interp.initial_state(dict(trace.initial))
    run = _Run(interp, [state], [], [], [], [(0, False, f) for f in interp.judge(state).failures])
    for n, step in enumerate(trace.steps, 1):
        action, given = by_name[step.action], dict(step.inputs)
        result = interp.step(state, action, given)
        state = result.state
        run.states.append(state)
        run.actions.append(action)
        run.inputs.append(given)
        run.results.append(result)
        run.failures += [(n, True, f) for f in result.failures]
        run.failures += [(n, False, f) for f in interp.judge(state).failures]
    deadlock = stuck(interp, state) if trace.prop == DEADLOCK else None
    if deadlock is not None:
        run.failures.append((len(trace.steps), False, deadlock))
    return run


# -- what is false -----------------------------------------------------------------------------------------

_Claim = tuple[int, bool, Failed]


def _claimed(run: _Run, trace: Trace) -> _Claim | None:
    """The failure that the trace was made for."""
    last = [c for c in run.failures if c[0] == len(run.actions) and c[2].prop == trace.prop]
    exact = [c for c in last if c[2].label == trace.label and c[1] == trace.in_step]
    return next(iter(exact or last), None)


def _judged_in(run: _Run, step: int, in_step: bool) -> tuple[State, dict[str, Value]]:
    """The state and inputs that a failure at this step was judged in."""
    if in_step:
        return run.states[step - 1], run.inputs[step - 1]
    return run.states[step], {}


def _failure(run: _Run, step: int, in_step: bool, failed: Failed) -> Failure:
    span = failed.cause.span
    code = next((p.code for p in run.interp.system.properties if p.name == failed.prop), "")
    return Failure(failed.prop, code, failed.label, step, in_step, failed.message, _condition(span), (), span)


def _condition(span: Span) -> str:
    """What an assert asserts, as it is written, without the message behind it."""
    return sources.text_of(span).split(', "')[0]


def _watched(run: _Run, step: int, in_step: bool, failed: Failed) -> list[Watched]:
    state, given = _judged_in(run, step, in_step)
    return cells_of(run.interp, failed.cause.cond, state, given)[0]


def _values(run: _Run, claim: _Claim, steps: list[StoryStep]) -> tuple[tuple[str, str], ...]:
    """The cells that the condition looked at, each with its value and the step that wrote it."""
    step, in_step, failed = claim
    state, given = _judged_in(run, step, in_step)
    watched, inputs = cells_of(run.interp, failed.cause.cond, state, given)
    out = list(inputs.items())
    for w in watched:
        writer = _last_change(run, w, step - 1 if in_step else step)
        since = f"   since #{steps[writer - 1].number}" if writer else ""
        out.append((w.name, w.shown(run.interp, state) + since))
    return tuple(out)


def _last_change(run: _Run, w: Watched, upto: int) -> int:
    for k in range(upto, 0, -1):
        if w.value(run.interp, run.states[k]) != w.value(run.interp, run.states[k - 1]):
            return k
    return 0


def _changes(run: _Run, w: Watched) -> bool:
    return _last_change(run, w, len(run.actions)) > 0


def _earlier(run: _Run, prop: str, last: int) -> tuple[Failure, ...]:
    """First failure of every other property before the last step. Lemmas are about the specification: left
    out.
    """
    lemmas = {p.name for p in run.interp.system.properties if p.kind == "lemma"}
    first: dict[str, Failure] = {}
    for step, in_step, failed in run.failures:
        if step < last and failed.prop != prop and failed.prop not in lemmas and failed.prop not in first:
            first[failed.prop] = _failure(run, step, in_step, failed)
    return tuple(first.values())


def _turned_false(run: _Run, claim: _Claim) -> int:
    """The step that made the claimed condition false for good, with all locals as they are at the end; 0:
    none.
    """
    step, in_step, failed = claim
    if not in_step or isinstance(failed.cause, Always):
        return 0
    final, given = _judged_in(run, step, in_step)
    own = [i for i, v in enumerate(run.interp.system.vars) if v.kind in (Kind.LOCAL, Kind.PC)]

    def false_in(k: int) -> bool:
        state = list(run.states[k])
        for i in own:
            state[i] = final[i]
        return not run.interp.evaluate(failed.cause.cond, tuple(state), given)

    k = step - 1
    while k > 0 and false_in(k - 1):
        k -= 1
    return k


def _mark(steps: list[StoryStep], run: _Run, claim: _Claim, earlier: tuple[Failure, ...]) -> list[StoryStep]:
    marks: dict[int, list[str]] = {}
    if earlier and earlier[0].step:
        marks.setdefault(earlier[0].step, []).append("cause")
    turned = _turned_false(run, claim)
    if 0 < turned < claim[0]:
        marks.setdefault(turned, []).append("made false")
    if claim[0]:
        marks.setdefault(claim[0], []).append("seen")
    seen_at = {claim[0]: _seen_at(run, claim)}
    return [
        replace(s, marks=tuple(marks[s.index]), folded=False, seen_at=seen_at.get(s.index)) if s.index in marks else s
        for s in steps
    ]


def _seen_at(run: _Run, claim: _Claim) -> SeenAt | None:
    """The statement whose event a monitor objects to, if the step's own statement is another one.

    An assert of the text itself needs no such line: it is quoted below the table, with its place.
    """
    step, in_step, failed = claim
    said: Statement | None = None
    if in_step and isinstance(failed.cause, Check):
        said = failed.cause.statement
    elif step and isinstance(failed.cause, Always):
        said = _only_event(run, step, _watched(run, *claim))
    if said is None or _within(failed.cause.span, said.span):
        return None
    return SeenAt(said.text, tuple(_call(f, n) for n, f in enumerate(said.stack)), said.span)


def _only_event(run: _Run, step: int, watched: list[Watched]) -> Statement | None:
    """Of a step that has changed of the watched cells nothing but ghosts: the event that did it, if there was one only."""
    old, new = run.states[step - 1], run.states[step]
    changed = [w for w in watched if w.value(run.interp, old) != w.value(run.interp, new)]
    events = run.results[step - 1].events
    if len(events) == 1 and changed and all(run.interp.system.var(w.var).kind is Kind.GHOST for w in changed):
        return events[0].emit.statement
    return None


def _within(inner: Span, outer: Span) -> bool:
    return (
        inner.file == outer.file
        and (outer.line, outer.column) <= (inner.line, inner.column)
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    )


# -- steps -------------------------------------------------------------------------------------------------


def _fold(steps: list[StoryStep], run: _Run, claim: _Claim | None) -> list[StoryStep]:
    """Fold what the failure does not depend on; without a failure, what nobody else could observe."""
    if claim is None:
        return [replace(s, folded=s.weight == 0 and not s.inputs) for s in steps]
    step, in_step, failed = claim
    state, given = _judged_in(run, step, in_step)
    demand = Demand(run.interp, state, given)
    demand.add(failed.cause.cond)
    demand.add(failed.cause.when if isinstance(failed.cause, Always) else failed.cause.path)
    before = step - 1 if in_step else step
    relevant = relevant_steps(run.interp, run.states, run.actions[:before], run.inputs, demand)
    return [replace(s, folded=s.index not in relevant and s.index != step) for s in steps]


def _steps(run: _Run, columns: list[Watched]) -> list[StoryStep]:
    out: list[StoryStep] = []
    number = 0
    for n, (action, given, result) in enumerate(zip(run.actions, run.inputs, run.results, strict=True), 1):
        old, new = run.states[n - 1], run.states[n]
        weight = run.interp.weight(action, old, given)
        number += weight
        changes = _differences(run, old, new)
        now_columns = [w.shown(run.interp, new) for w in columns]
        types = {i.name: i.type for i in action.inputs}
        inputs = tuple((k, show(v, types[k])) for k, v in given.items())
        told, place = told_as(
            action,
            [w.var for w in columns if w.value(run.interp, old) != w.value(run.interp, new)],
            [e.name for e in result.events],
            [v.name for v, x, y in zip(run.interp.system.vars, old, new, strict=True) if x != y and v.kind is Kind.STATE],
        )
        out.append(
            StoryStep(
                index=n,
                number=number,
                weight=weight,
                action=action.name,
                actor=action.actor or action.thread or "",
                thread=action.thread or "",
                text=told,
                inputs=inputs,
                stack=tuple(_call(f, n) for n, f in enumerate(action.stack)),
                result=_result(run, action, old, new, inputs),
                events=tuple(_event(e.name, e.args, dict(e.emit.args)) for e in result.events),
                changes=changes,
                state=_state(run, new),
                columns=tuple(now_columns),
                span=place,
            )
        )
    return out


def _call(frame: Frame, depth: int) -> Call:
    """A frame of the stack as the source spells the call: the whole statement where the thread itself
    calls.
    """
    text = sources.line_at(frame.call) if depth == 0 else sources.text_of(frame.call)
    return Call(frame.proc, text or f"{frame.proc}(…)", frame.call)


def _event(name: str, args: tuple[tuple[str, Value], ...], exprs: Mapping[str, object]) -> str:
    shown = (f"{k} = {show(v, exprs[k].type)}" for k, v in args)  # type: ignore[attr-defined]
    return f"{name}({', '.join(shown)})"


def _differences(run: _Run, old: State, new: State) -> tuple[Change, ...]:
    return tuple(
        Change(cell, a, b, local=v.kind is Kind.LOCAL)
        for v, x, y in zip(run.interp.system.vars, old, new, strict=True)
        if v.kind is not Kind.PC
        for cell, a, b in differences(v.name, x, y, v.type)
    )


def _state(run: _Run, state: State) -> tuple[tuple[str, str], ...]:
    return tuple(
        (cell, show(value, t))
        for v, x in zip(run.interp.system.vars, state, strict=True)
        if v.kind not in (Kind.PC, Kind.PARAM) and x != v.type.default
        for cell, value, t in cells(v.name, x, v.type)
        if value != t.default
    )


def _result(run: _Run, action: Action, old: State, new: State, inputs: tuple[tuple[str, str], ...]) -> str:
    """What the step chose, or what it left in a variable of its own thread."""
    if inputs:
        return ", ".join(f"{k} = {v}" for k, v in inputs)
    if action.thread is None:
        return ""
    own = [
        (v, y)
        for v, x, y in zip(run.interp.system.vars, old, new, strict=True)
        if v.kind is Kind.LOCAL and v.owner == action.thread and x != y and y != v.type.default
    ]
    if len(own) != 1:
        return ""
    v, value = own[0]
    return f"= {show(value, v.type, 40)}"
