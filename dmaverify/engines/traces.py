"""Traces from what an engine found: core actions with their inputs, run once more and expanded into reference steps.

An engine hands over the free initial values and the actions that it took. They are executed here in the engine's own System,
by the reference interpreter, so that a wrong model or a wrong predecessor is noticed before anything is replayed or shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dmaverify.engines.interp import Interpreter, State
from dmaverify.ir.expr import TRUE, input_
from dmaverify.ir.parts import Expansion
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import Action, Check, Part, Reached, System
from dmaverify.ir.types import Value
from dmaverify.span import Span
from dmaverify.verdict import Trace

Pick = tuple[Action, Mapping[str, Value]]
"""An action and a value for each of its inputs."""


class NotATrace(Exception):
    """What the engine found does not happen in its own System: an internal error."""


@dataclass(frozen=True)
class Failure:
    """What fails at the end of a run. ``part``: for a check, after which part of the last action; else None."""

    prop: str
    label: str
    part: int | None


@dataclass(frozen=True)
class Run:
    """An executed sequence of actions."""

    initial: tuple[tuple[str, Value], ...]
    picks: tuple[Pick, ...]
    states: tuple[State, ...]
    """One more than picks."""
    failures: tuple[Failure, ...]
    """In the last step, then (unless the step ends the run) in the state after it."""
    exercised: frozenset[tuple[str, str]]
    """(prop, label) of every check and always-instance that the run put to the test."""
    reached: frozenset[str]
    """Names of the covers that the run reached."""


def execute(system: System, initial: Mapping[str, Value], picks: Sequence[Pick]) -> Run:
    """Take the actions one after another from the initial state with these free values; ``NotATrace`` if that fails."""
    run = Interpreter(system)
    failures: list[Failure] = []
    exercised: set[tuple[str, str]] = set()
    reached: set[str] = set()
    stopped = False
    try:
        states = [run.initial_state(initial)]
        for n, (action, given) in enumerate(picks):
            if stopped:
                raise NotATrace(f"{action.name} is taken behind a failed check that ends the run")
            judged = run.judge(states[-1])
            result = run.step(states[-1], action, given)
            states.append(result.state)
            stopped = result.stopped
            exercised.update(judged.exercised, result.exercised)
            reached.update(judged.covers, result.reached)
            if n + 1 == len(picks):
                checks = (f.cause for f in result.failures)
                failures = [Failure(c.prop, c.label, c.part) for c in checks if isinstance(c, Check)]
    except ValueError as error:  # Blocked and BadInitial among them
        raise NotATrace(str(error)) from error
    if not stopped:
        judged = run.judge(states[-1])
        exercised.update(judged.exercised)
        reached.update(judged.covers)
        failures += [Failure(f.prop, f.label, None) for f in judged.failures]
    return Run(tuple(initial.items()), tuple(picks), tuple(states), tuple(failures), frozenset(exercised), frozenset(reached))


def parts_of(action: Action) -> Action:
    """The action, with itself as its only part if it names none (it is then an action of the reference System)."""
    if action.parts:
        return action
    weight = 1 if action.weight is None else int(action.weight.value)
    inputs = tuple((i.name, input_(i.name, i.type)) for i in action.inputs)
    return replace(action, parts=(Part(action.name, TRUE, inputs, weight),))


def trace(system: System, run: Run, failure: Failure, minimal: bool) -> Trace:
    """The run to one of its failures, in steps of the reference System."""
    interpreter = Interpreter(system)
    expansion = Expansion()
    for n, (state, (action, given)) in enumerate(zip(run.states, run.picks, strict=False)):
        last = failure.part if n + 1 == len(run.picks) else None
        expansion.add(parts_of(action), lambda e, s=state, g=given: interpreter.evaluate(e, s, g), last)  # type: ignore[misc]
    return Trace(
        run.initial,
        tuple(expansion.steps),
        failure.prop,
        failure.label,
        expansion.length,
        minimal,
        failure.part is not None,
    )


def violations(system: System, run: Run, minimal: bool = False) -> dict[str, Trace]:
    """The shortest trace for each property that fails at the end of the run."""
    found: dict[str, Trace] = {}
    for failure in run.failures:
        new = trace(system, run, failure, minimal)
        old = found.get(failure.prop)
        if old is None or new.length < old.length:
            found[failure.prop] = new
    return found


def witness(system: System, run: Run, cover: str, minimal: bool) -> Trace | None:
    """The run as a trace to a cover that is reached in its last step or last state; None if it is not."""
    interpreter = Interpreter(system)
    if cover in interpreter.judge(run.states[-1]).covers:
        return trace(system, run, Failure(cover, cover, None), minimal)
    if not run.picks:
        return None
    action, given = run.picks[-1]
    for e in action.effects:
        if isinstance(e, Reached) and e.cover == cover and interpreter.evaluate(e.path, run.states[-2], given):
            return trace(system, run, Failure(cover, cover, e.part), minimal)
    return None


def spans_of(system: System, prop: str) -> dict[str, Span]:
    """Where the checks, always-instances and covers of a property stand, by label."""
    spans = {w.label: w.span for w in system.always if w.prop == prop}
    spans.update({c.name: c.span for c in system.covers if belongs(c.name, prop)})
    for a in system.actions:
        for e in a.effects:
            if isinstance(e, Check) and e.prop == prop:
                spans[e.label] = e.span
            elif isinstance(e, Reached) and belongs(e.cover, prop):
                spans[e.cover] = e.span
    return spans
