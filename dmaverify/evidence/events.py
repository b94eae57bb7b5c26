"""What an engine or a random walk saw happen, as a stream of plain events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dmaverify.engines.interp import Interpreter, State
from dmaverify.evidence.codec import encode, from_ir
from dmaverify.evidence.stream import End, Event, Item
from dmaverify.evidence.world import World
from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action, Check, Emit, System
from dmaverify.ir.types import Value
from dmaverify.lang.check.result import Checked
from dmaverify.lang.layout import Layout
from dmaverify.verdict import Step

Taken = tuple[State, Action, Mapping[str, Value]]
"""A step of a run: the state before it, the action, and its inputs."""


@dataclass(frozen=True, repr=False)
class Run:
    """A run of a System: its initial state and its steps in order."""

    system: System
    initial: State
    steps: tuple[Taken, ...]

    @property
    def frozen(self) -> dict[str, Value]:
        """The values of what is open before the first step: options and params among it."""
        return {v.name: x for v, x in zip(self.system.vars, self.initial, strict=True) if v.any_init}


def run_of(system: System, states: Sequence[State], steps: Iterable[Step]) -> Run:
    """A run from its states (one more than steps) and the names of its actions."""
    actions = {a.name: a for a in system.actions}
    taken = tuple((s, actions[t.action], dict(t.inputs)) for s, t in zip(states, steps, strict=False))
    return Run(system, states[0], taken)


@dataclass(frozen=True)
class Happening:
    """An event of a run, or (``item`` None) what came before the first; ``failed``: labels of what failed at
    it.
    """

    item: Event | None
    failed: tuple[tuple[str, str], ...]


class Translator:
    """Turns effects of a compiled scenario into events."""

    def __init__(self, checked: Checked, layout: Layout, world: World) -> None:
        self._types = {e.name: {p.name: p.ty for p in e.params} for e in checked.events}
        self._layout = layout
        self._world = world

    def event(self, emit: Emit, evaluate: Any) -> Event:
        """An event with its arguments as JSON values; what is not said is left out."""
        types = self._types[emit.event]
        args: dict[str, Any] = {}
        for name, e in emit.args:
            ty = types[name]
            # what could not be stored (a func) is nothing that a stream could say
            if ty.storable and e.type == self._layout.ir_type(ty):
                args[name] = encode(from_ir(evaluate(e), ty, self._layout), ty, self._world)
        return Event(emit.event, args)

    def happenings(self, run: Run) -> Iterator[Happening]:
        """The events of a run, each with the checks that fail between it and the next one of its step."""
        interp = Interpreter(run.system)
        for state, action, given in run.steps:
            item: Event | None = None
            failed: list[tuple[str, str]] = []

            def evaluate(e: Expr, state: State = state, given: Mapping[str, Value] = given) -> Value:
                return interp.evaluate(e, state, given)

            for effect in action.effects:
                if isinstance(effect, Emit) and evaluate(effect.path):
                    if item is not None or failed:
                        yield Happening(item, tuple(failed))
                    item, failed = self.event(effect, evaluate), []
                elif isinstance(effect, Check) and evaluate(effect.path) and not evaluate(effect.cond):
                    failed.append((effect.prop, effect.label))
            if item is not None or failed:
                yield Happening(item, tuple(failed))


def to_events(run: Run, checked: Checked, layout: Layout, world: World, complete: bool = False) -> Iterator[Item]:
    """A run as the stream that a foreign source would have written of it."""
    for happening in Translator(checked, layout, world).happenings(run):
        if happening.item is not None:
            yield happening.item
    yield End(complete)
