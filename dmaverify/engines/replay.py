"""Replay: nothing that an engine found is shown before the interpreter has done it in the reference System.

An engine works on a derived System (flattened, sliced, fused), so a trace may leave out what the derived
System has lost: inputs that decide nothing and open initial values that nothing reads. Those are filled in
here with the first values that work, and the trace that is shown has them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

from dmaverify.engines.interp import (
    BadInitial,
    Event,
    Failed,
    Interpreter,
    Judgement,
    NotEnumerable,
    State,
    domain,
    values_of,
)
from dmaverify.engines.stuck import DEADLOCK, stuck
from dmaverify.ir.system import Action, System
from dmaverify.ir.types import Value
from dmaverify.verdict import Step, Trace

MOST_TRIED = 10_000
"""How many combinations of left-out values are tried before giving up."""


class ReplayMismatch(Exception):
    """The trace does not do in the reference System what it claims; ``step`` counts from 1, 0 is the
    initial state. ``stop``: it goes on behind this failed built-in check."""

    def __init__(self, step: int, reason: str, stop: Failed | None = None) -> None:
        super().__init__(f"step {step}: {reason}" if step else f"initial state: {reason}")
        self.step = step
        self.reason = reason
        self.stop = stop


@dataclass(frozen=True)
class Record:
    """One replayed step. ``judgement`` is about the state after it."""

    number: int
    action: Action
    inputs: tuple[tuple[str, Value], ...]
    before: State
    after: State
    events: tuple[Event, ...]
    failures: tuple[Failed, ...]
    reached: tuple[str, ...]
    changed: tuple[str, ...]
    weight: int
    judgement: Judgement


@dataclass(frozen=True)
class Replay:
    """A replayed trace. ``failed`` is the claimed violation with its message; None for a trace to a cover.

    ``trace`` is the given one with left-out values filled in and the length computed anew.
    """

    system: System
    trace: Trace
    initial: State
    initial_judgement: Judgement
    records: tuple[Record, ...]
    failed: Failed | None
    length: int

    @property
    def final(self) -> State:
        """The state after the last step."""
        return self.records[-1].after if self.records else self.initial

    def value(self, state: State, name: str) -> Value:
        """Value of a variable in one of the states."""
        return state[[v.name for v in self.system.vars].index(name)]


def replay(system: System, trace: Trace) -> Replay:
    """Do the trace in the (reference) System and see that it shows what it claims; ``ReplayMismatch``
    otherwise."""
    run, initial, records = follow(system, trace)
    state = records[-1].after if records else initial
    judgement = run.judge(initial)
    deadlock = stuck(run, state) if trace.prop == DEADLOCK else None
    failed = deadlock or _claimed(trace, records, records[-1].judgement if records else judgement)
    length = sum(r.weight for r in records)
    steps = tuple(Step(r.action.name, r.inputs) for r in records)
    chosen = tuple((v.name, run.value(initial, v.name)) for v in run.free())
    shown = replace(trace, initial=chosen, steps=steps, length=length)
    return Replay(system, shown, initial, judgement, tuple(records), failed, length)


def follow(system: System, trace: Trace) -> tuple[Interpreter, State, list[Record]]:
    """Do the steps of a trace, whatever it claims: the interpreter, the initial state, and what each step did. The last step may
    fail a check that ends the run if the trace says ``in_step``; ``ReplayMismatch`` if something cannot be done."""
    run = Interpreter(system)
    actions = {a.name: a for a in system.actions}
    initial = _initial(run, trace)
    state = initial
    records: list[Record] = []
    for number, step in enumerate(trace.steps, 1):
        action = actions.get(step.action)
        if action is None:
            raise ReplayMismatch(number, f"there is no action {step.action}")
        given = _complete(run, state, action, dict(step.inputs), number)
        result = run.step(state, action, given)
        record = Record(
            number=number,
            action=action,
            inputs=tuple((i.name, given[i.name]) for i in action.inputs),
            before=state,
            after=result.state,
            events=result.events,
            failures=result.failures,
            reached=result.reached,
            changed=run.changed(state, result.state),
            weight=run.weight(action, state, given),
            judgement=run.judge(result.state),
        )
        records.append(record)
        if result.stopped and not (number == len(trace.steps) and trace.in_step):
            first = next(f for f in result.failures if f.stop)
            raise ReplayMismatch(
                number,
                f"{action.name} fails the check {first.label} of {first.prop}, behind which nothing is meant"
                + (f" ({first.message})" if first.message else ""),
                first,
            )
        state = result.state
    return run, initial, records


def _initial(run: Interpreter, trace: Trace) -> State:
    """The initial state of the trace; open values that it leaves out are the first that fit the
    assumptions."""
    given = dict(trace.initial)
    missing = [v for v in run.free() if v.name not in given]
    try:
        return run.initial_state(given | {v.name: v.type.default for v in missing})
    except BadInitial as error:
        if not missing:
            raise ReplayMismatch(0, str(error)) from error
        reason = str(error)
    try:
        tried = itertools.islice(itertools.product(*(values_of(v.type, v.name) for v in missing)), MOST_TRIED)
        for combination in tried:
            values = {v.name: value for v, value in zip(missing, combination, strict=True)}
            try:
                return run.initial_state(given | values)
            except BadInitial:
                continue
    except NotEnumerable as error:
        raise ReplayMismatch(0, f"the trace leaves {error.name.removeprefix('domain of ')} open") from error
    raise ReplayMismatch(0, f"no values for {', '.join(v.name for v in missing)} make it initial: {reason}")


def _complete(
    run: Interpreter, state: State, action: Action, given: dict[str, Value], number: int
) -> dict[str, Value]:
    """The inputs of a step, left-out ones with the first values that make the guard true; checks all of
    them."""
    missing = [i for i in action.inputs if i.name not in given]
    complete = given | {i.name: i.values[0] if i.values else i.type.default for i in missing}
    why = run.why_blocked(state, action, complete)
    if why is None:
        return complete
    if missing and run.stands(action, state):
        try:
            tried = itertools.product(*(domain(i, action.name) for i in missing))
            for combination in itertools.islice(tried, MOST_TRIED):
                values = {i.name: value for i, value in zip(missing, combination, strict=True)}
                if run.why_blocked(state, action, given | values) is None:
                    return given | values
        except NotEnumerable as error:
            raise ReplayMismatch(number, f"{action.name}: the trace leaves the {error} open") from error
    raise ReplayMismatch(number, f"{action.name}: {why}")


def _claimed(trace: Trace, records: list[Record], final: Judgement) -> Failed | None:
    """The violation that the trace claims, or None if it claims a cover that it reaches; ``ReplayMismatch``
    otherwise."""
    last = len(records)
    covers = {trace.label, trace.prop}
    if trace.in_step:
        if not records:
            raise ReplayMismatch(0, f"{trace.label} is to fail in a step, and there is none")
        failures, reached = records[-1].failures, records[-1].reached
    else:
        failures, reached = final.failures, final.covers
    for f in failures:
        if (f.prop, f.label) == (trace.prop, trace.label):
            return f
    if covers & set(reached):
        return None
    where = "in the last step" if trace.in_step else "in the state at the end"
    instead = ", ".join(f"{f.prop}: {f.label}" for f in failures)
    raise ReplayMismatch(
        last,
        f"{trace.label} of {trace.prop} does not fail {where}"
        + (f"; what fails is {instead}" if instead else ""),
    )
