"""What a model allows for a call: every way through it, as the events that a caller could see.

A call is one operation of a client (``may …``), from its start until the client is idle again. Everything else that the scenario does
by itself, its sequences above all, is done before the first call; hardware that acts by itself is left alone.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dmaverify.engines.interp import Interpreter, State
from dmaverify.evidence.events import Translator
from dmaverify.evidence.judge import Judge
from dmaverify.evidence.sources import all_instances, board_world, make_judge
from dmaverify.evidence.stream import Event
from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action, Check, Emit, Kind, Thread
from dmaverify.ir.types import Value
from dmaverify.lang.check import check
from dmaverify.lang.compile import Compiled
from dmaverify.span import Span

MOST_WAYS = 1_000
"""A call with more ways through it, or a start with more ways to it, is refused."""

MOST_STEPS = 10_000
"""A call with more steps is refused: it may never end."""

Args = Mapping[str, Any]


class NotConformable(ValueError):
    """The scenario cannot be compared with anything; the text says why."""


@dataclass(frozen=True)
class Seen:
    """An event as both sides tell it: numbers are numbers, and so are addresses."""

    name: str
    args: tuple[tuple[str, Any], ...]
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The arguments as JSON values."""

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={_shown(v)}' for k, v in self.args)})"


@dataclass(frozen=True)
class Way:
    """One way through a call: the events until it is back, the state then, and what the model itself says is false."""

    calls: tuple[Seen, ...]
    answers: tuple[Seen, ...]
    state: State
    false: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operation:
    """What a client may do: a line of the scenario. ``name`` is an identifier."""

    name: str
    text: str
    starts: tuple[Action, ...]


class Reference:
    """A compiled scenario, asked call by call. ``calls``: names of the events that are calls, all others are answers."""

    def __init__(self, compiled: Compiled, calls: Collection[str]) -> None:
        self.system = compiled.system
        self.interp = Interpreter(self.system)
        self.calls = frozenset(calls)
        # a copy, since checking leaves its meaning in the trees, which all programs of a process share
        self._checked = check(copy.deepcopy(compiled.program))
        self._world = board_world(self._checked, compiled.params)
        self._translator = Translator(self._checked, self._world.layout, self._world)
        self._clients = {t.name: t for t in self.system.threads if t.idle}
        self.operations = tuple(self._operations())
        if not self.operations:
            raise NotConformable(f"{self.system.name} has no client: `client c on cpu0 {{ may f() }}` says which calls there are")
        known = {e.name for e in self._checked.events}
        for name in self.calls:
            if name not in known:
                raise NotConformable(f"{self.system.name} has no event {name}; it has {', '.join(sorted(known))}")
        self._ways: dict[tuple[State, str], tuple[Way, ...]] = {}
        self._enabled: dict[tuple[State, str], bool] = {}
        self._dead = {
            t.name: [n for n, v in enumerate(self.system.vars) if v.kind is Kind.LOCAL and v.owner == t.name]
            for t in self._clients.values()
        }
        self.start: tuple[State, ...] = tuple(self._begin())

    def judge(self) -> Judge:
        """The scenario's monitors, with nothing seen yet."""
        return make_judge(self._checked, all_instances(self._checked), self._world)

    def can(self, state: State, operation: Operation) -> bool:
        """Whether an operation can begin in a state."""
        key = (state, operation.name)
        if key not in self._enabled:
            self._enabled[key] = any(next(self.interp.choices(a, state), None) is not None for a in operation.starts)
        return self._enabled[key]

    def ways(self, state: State, operation: Operation) -> tuple[Way, ...]:
        """Every way through an operation from a state in which all clients are idle; none if it cannot begin."""
        key = (state, operation.name)
        if key not in self._ways:
            self._ways[key] = tuple(self._through(state, operation))
        return self._ways[key]

    # -- operations ------------------------------------------------------------------------------------------

    def _operations(self) -> Iterator[Operation]:
        """The lines of the clients, in their order."""
        lines: dict[tuple[str, Span], list[Action]] = {}
        for action in self.system.actions:
            client = self._clients.get(action.thread or "")
            if client is not None and action.at in client.idle:
                lines.setdefault((client.name, action.span), []).append(action)
        names: set[str] = set()
        for (client_name, span), starts in lines.items():
            what = starts[0].name.partition("@")[0].replace(".", "_")
            name = what if what not in names else f"{what}_{span.line}"
            names.add(name)
            yield Operation(name, f"{client_name}: {starts[0].text}", tuple(starts))

    def _begin(self) -> Iterator[State]:
        """The states in which everything but the clients and the hardware has come to its end."""
        todo = list(self.interp.initial_states())
        seen = set(todo)
        while todo:
            state = todo.pop()
            following = [s for s, _, _ in self._steps(state, [t for t in self.system.threads if t.name not in self._clients])]
            if not following:
                yield state
            todo += [s for s in following if s not in seen]
            seen.update(following)
            if len(seen) > MOST_STEPS:
                raise NotConformable(f"what {self.system.name} does before the first call has no end")

    def _steps(self, state: State, threads: list[Thread]) -> Iterator[tuple[State, list[Seen], list[str]]]:
        """What these threads may do next."""
        names = {t.name for t in threads}
        for action in self.system.actions:
            if action.thread in names and self.interp.stands(action, state):
                for given in self.interp.choices(action, state):
                    yield self._step(state, action, given)

    def _step(self, state: State, action: Action, given: Mapping[str, Value]) -> tuple[State, list[Seen], list[str]]:
        events: list[Seen] = []
        false: list[str] = []

        def evaluate(e: Expr) -> Value:
            return self.interp.evaluate(e, state, given)

        for effect in action.effects:
            if isinstance(effect, Emit) and evaluate(effect.path):
                events.append(seen(self._translator.event(effect, evaluate)))
            elif isinstance(effect, Check) and evaluate(effect.path) and not evaluate(effect.cond):
                false.append(f"{effect.prop}: {self.interp.render(effect.message, state, given) or effect.label}")
        return self.interp.step(state, action, given).state, events, false

    def _through(self, state: State, operation: Operation) -> Iterator[Way]:
        """Depth first. Of several starts that look alike to the other side (which slot is filled) one is enough."""
        known: set[str] = set()
        for action in operation.starts:
            client = self._clients[action.thread or ""]
            for given in self.interp.choices(action, state):
                ways = list(self._ends(client, *self._step(state, action, given)))
                look = json.dumps([[str(e) for e in (*w.calls, *w.answers)] for w in ways])
                if look not in known:
                    known.add(look)
                    yield from ways
                if len(known) > MOST_WAYS:
                    raise NotConformable(f"{operation.text} can begin in more than {MOST_WAYS} ways")

    def _ends(self, client: Thread, state: State, events: list[Seen], false: list[str]) -> Iterator[Way]:
        todo = [(state, tuple(events), tuple(false), 0)]
        ways = 0
        while todo:
            here, happened, wrong, depth = todo.pop()
            if self.interp.value(here, client.pc) in client.idle | client.ends:
                ways += 1
                yield self._way(self._at_rest(client, here), happened, wrong)
            elif depth > MOST_STEPS or ways > MOST_WAYS:
                raise NotConformable(f"a call of {client.name} has no end, or more than {MOST_WAYS} ways to it")
            else:
                todo += [
                    (after, (*happened, *more), (*wrong, *failed), depth + 1) for after, more, failed in self._steps(here, [client])
                ]

    def _at_rest(self, client: Thread, state: State) -> State:
        """The state without what the call has left in variables of its own: nobody will look at it any more."""
        values = list(state)
        for n in self._dead[client.name]:
            values[n] = self.system.vars[n].type.default
        return tuple(values)

    def _way(self, state: State, events: tuple[Seen, ...], false: tuple[str, ...]) -> Way:
        calls = tuple(e for e in events if e.name in self.calls)
        return Way(calls, tuple(e for e in events if e.name not in self.calls), state, false)


def seen(event: Event) -> Seen:
    """An event with plain numbers."""
    return Seen(event.name, tuple((k, plain(v)) for k, v in event.args.items()), event.args)


def plain(value: Any) -> Any:
    """A JSON value in which numbers that are written as text are numbers; lists are tuples."""
    if isinstance(value, str) and value[:2] in ("0x", "0X"):
        return int(value, 0)
    if isinstance(value, Mapping):
        return tuple(sorted((k, plain(v)) for k, v in value.items()))
    if isinstance(value, list | tuple):
        return tuple(plain(v) for v in value)
    return value


def _shown(value: Any) -> str:
    return hex(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0xFFFF else str(value)
