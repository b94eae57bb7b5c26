"""The reference interpreter: what a System means, computed as plainly as possible.

Every other engine is compared with this one, so it takes nothing from them: an expression is evaluated node
by node with the meanings of the operator table, a step is an action whose guard holds, and nothing is
compiled or remembered.

A few points that the System leaves to its reader are settled here:

* All effects of an action are judged in the old state and independently of each other. When a check with
  ``stop`` fails, the step is still described in full, but ``StepResult.stopped`` says that the state behind
  it means nothing: no engine goes on from there.
* ``LockOp`` says which lock an action takes or frees, for passes and reports; that the lock is free is part
  of the guard and that it changes hands is part of the updates, so nothing is done about it here.
* An action of a thread whose ``at`` is None may be taken wherever the thread stands.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dmaverify.ir.expr import Expr
from dmaverify.ir.ops import OPS
from dmaverify.ir.show import show
from dmaverify.ir.system import Action, Always, Check, Emit, Input, Message, Reached, System, Var
from dmaverify.ir.traverse import inputs
from dmaverify.ir.types import (
    Bool,
    Enum,
    Flags,
    Index,
    Int,
    Map,
    Mask,
    Opt,
    Range,
    Record,
    Type,
    Value,
)

State = tuple[Value, ...]
"""A value for every variable, in the order of ``System.vars``."""

Inputs = Mapping[str, Value]
"""A value for every input of one action."""

WIDEST_ENUMERATED = 8
"""An integer of more bits than this is not enumerated; its action needs a list of ``values``."""

MOST_ENUMERATED = 1 << 16
"""A type with more values than this is not enumerated."""


class NotEnumerable(Exception):
    """The values of an input (or of a free initial value) are too many to try each; ``name`` says of
    which."""

    def __init__(self, name: str, t: Type) -> None:
        super().__init__(f"domain of {name}")
        self.name = name
        self.type = t


class BadInitial(ValueError):
    """The chosen initial values do not make an initial state; the text says why."""


class Blocked(ValueError):
    """The action cannot be taken with these inputs in this state; the text says why."""


@dataclass(frozen=True)
class Failed:
    """A check or an always-instance that does not hold, with its message in this state."""

    prop: str
    label: str
    message: str
    stop: bool
    cause: Check | Always


@dataclass(frozen=True)
class Event:
    """An event that a step is labelled with."""

    name: str
    args: tuple[tuple[str, Value], ...]
    emit: Emit


@dataclass(frozen=True)
class StepResult:
    """What one action did. ``exercised``: (prop, label) of every check whose path held."""

    state: State
    failures: tuple[Failed, ...]
    events: tuple[Event, ...]
    reached: tuple[str, ...]
    exercised: tuple[tuple[str, str], ...]
    stopped: bool


@dataclass(frozen=True)
class Judgement:
    """What one state says. ``exercised``: (prop, label) of every always-instance whose ``when`` holds."""

    failures: tuple[Failed, ...]
    exercised: tuple[tuple[str, str], ...]
    covers: tuple[str, ...]


def values_of(t: Type, name: str = "value") -> Iterator[Value]:
    """All values of a type, the default first, in the order of their codes; ``NotEnumerable`` if they are
    too many."""
    if not _enumerable(t):
        raise NotEnumerable(name, t)
    return _values(t)


def _enumerable(t: Type) -> bool:
    if isinstance(t, Int):
        return t.width <= WIDEST_ENUMERATED
    if isinstance(t, Opt):
        return _enumerable(t.of)
    if isinstance(t, Map):
        return _enumerable(t.of) and t.bits <= 64 and t.count <= MOST_ENUMERATED
    if isinstance(t, Record):
        return all(_enumerable(f) for _, f in t.fields) and t.count <= MOST_ENUMERATED
    return t.count <= MOST_ENUMERATED


def _values(t: Type) -> Iterator[Value]:
    if isinstance(t, Bool):
        return iter((False, True))
    if isinstance(t, Int):
        return (t.wrap(n) for n in range(t.count))
    if isinstance(t, Range):
        return iter(range(t.lo, t.hi + 1))
    if isinstance(t, Enum | Flags | Index | Mask):
        return iter(range(t.count))
    if isinstance(t, Opt):
        return itertools.chain([None], _values(t.of))
    if isinstance(t, Record):
        return itertools.product(*(list(_values(f)) for _, f in t.fields))
    assert isinstance(t, Map)
    return itertools.product(list(_values(t.of)), repeat=t.index.count)


def domain(i: Input, action: str = "") -> Iterator[Value]:
    """The values that an input may take; ``NotEnumerable`` if they are too many to try."""
    if i.values is not None:
        return iter(i.values)
    return values_of(i.type, f"{action}.{i.name}" if action else i.name)


def in_domain(i: Input, value: Value) -> bool:
    """Whether an input may take ``value``."""
    return i.type.contains(value) and (i.values is None or value in i.values)


class Interpreter:
    """Runs one System."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.position = {v.name: n for n, v in enumerate(system.vars)}
        self._pc = {t.name: self.position[t.pc] for t in system.threads}

    # -- states -----------------------------------------------------------------------------------------

    def value(self, state: State, name: str) -> Value:
        """Value of one variable."""
        return state[self.position[name]]

    def free(self) -> list[Var]:
        """The variables whose initial value is open."""
        return [v for v in self.system.vars if v.any_init]

    def initial_state(self, choices: Mapping[str, Value] | None = None) -> State:
        """The initial state with these choices for the open variables (each needs one); ``BadInitial`` if
        it is none."""
        choices = choices or {}
        for name in choices:
            if name not in self.position or not self.system.var(name).any_init:
                raise BadInitial(f"{name} has no open initial value")
        values = []
        for v in self.system.vars:
            if v.any_init and v.name not in choices:
                raise BadInitial(f"no initial value was chosen for {v.name}")
            value = choices[v.name] if v.any_init else v.init
            if not v.type.contains(value):
                raise BadInitial(f"{value!r} is not a value of {v.name}: {v.type}")
            values.append(value)
        state = tuple(values)
        for n, assumption in enumerate(self.system.assumptions):
            if not self.evaluate(assumption, state):
                raise BadInitial(f"assumption {n + 1} does not hold: {assumption!r}")
        return state

    def initial_states(self, choices: Mapping[str, Value] | None = None) -> Iterator[State]:
        """All initial states; ``choices`` pins some of the open variables. ``NotEnumerable`` if one has too
        many values."""
        pinned = choices or {}
        free = self.free()
        domains = [[pinned[v.name]] if v.name in pinned else list(values_of(v.type, v.name)) for v in free]
        for combination in itertools.product(*domains):
            chosen = {v.name: value for v, value in zip(free, combination, strict=True)}
            try:
                yield self.initial_state(chosen)
            except BadInitial:
                continue

    # -- expressions ------------------------------------------------------------------------------------

    def evaluate(self, root: Expr, state: State, given: Inputs | None = None) -> Value:
        """Value of an expression. Of ``ite``, ``and`` and ``or`` only what decides the value is looked at."""
        known: dict[int, Value] = {}
        todo = [root]
        while todo:
            node = todo[-1]
            if node.uid in known:
                todo.pop()
                continue
            needed = self._evaluate(node, known, state, given or {})
            if needed is not None:
                todo.append(needed)
        return known[root.uid]

    def _evaluate(self, node: Expr, known: dict[int, Value], state: State, given: Inputs) -> Expr | None:
        """Settle ``node``, or say which argument has to be settled first."""
        op, args = node.op, node.args
        if op == "const":
            known[node.uid] = node.data
        elif op == "var":
            known[node.uid] = state[self.position[node.data]]
        elif op == "input":
            known[node.uid] = given[node.data]
        elif op == "ite":
            if args[0].uid not in known:
                return args[0]
            branch = args[1] if known[args[0].uid] else args[2]
            if branch.uid not in known:
                return branch
            known[node.uid] = known[branch.uid]
        elif op in ("and", "or"):
            for a in args:
                if a.uid not in known:
                    return a
                if known[a.uid] is (op == "or"):
                    known[node.uid] = op == "or"
                    return None
            known[node.uid] = op == "and"
        else:
            for a in args:
                if a.uid not in known:
                    return a
            values = [known[a.uid] for a in args]
            known[node.uid] = OPS[op].meaning(values, [a.type for a in args], node.type, node.data)
        return None

    def render(self, message: Message, state: State, given: Inputs | None = None) -> str:
        """A message with its expressions evaluated."""
        return "".join(
            part if isinstance(part, str) else show(self.evaluate(part, state, given), part.type)
            for part in message
        )

    # -- steps ------------------------------------------------------------------------------------------

    def stands(self, action: Action, state: State) -> bool:
        """Whether the action's thread stands where the action starts."""
        return action.thread is None or action.at is None or state[self._pc[action.thread]] == action.at

    def why_blocked(self, state: State, action: Action, given: Inputs) -> str | None:
        """Why the action cannot be taken with these inputs, or None if it can."""
        if action.thread is not None and not self.stands(action, state):
            stand = state[self._pc[action.thread]]
            return f"thread {action.thread} stands at {stand}, the action starts at {action.at}"
        names = {i.name for i in action.inputs}
        for name in given:
            if name not in names:
                return f"the action has no input {name}"
        for i in action.inputs:
            if i.name not in given:
                return f"input {i.name} has no value"
            if not in_domain(i, given[i.name]):
                return f"{given[i.name]!r} is outside the domain of input {i.name}"
        if not self.evaluate(action.guard, state, given):
            return f"the guard is false: {action.guard!r}"
        return None

    def choices(self, action: Action, state: State) -> Iterator[dict[str, Value]]:
        """All values for the inputs with which the action can be taken; ``NotEnumerable`` if they cannot be
        tried."""
        if not self.stands(action, state):
            return
        if not inputs(action.guard) and not self.evaluate(action.guard, state):
            return
        domains = [list(domain(i, action.name)) for i in action.inputs]
        for combination in itertools.product(*domains):
            given = {i.name: value for i, value in zip(action.inputs, combination, strict=True)}
            if self.evaluate(action.guard, state, given):
                yield given

    def enabled(self, state: State) -> Iterator[tuple[Action, dict[str, Value]]]:
        """Everything that can happen next: actions in their order, inputs in the order of their domains."""
        for action in self.system.actions:
            for given in self.choices(action, state):
                yield action, given

    def step(self, state: State, action: Action, given: Inputs) -> StepResult:
        """Take an action; ``Blocked`` if it cannot be taken."""
        why = self.why_blocked(state, action, given)
        if why is not None:
            raise Blocked(f"{action.name}: {why}")
        failures: list[Failed] = []
        events: list[Event] = []
        reached: list[str] = []
        exercised: list[tuple[str, str]] = []
        for effect in action.effects:
            if not self.evaluate(effect.path, state, given):
                continue
            if isinstance(effect, Emit):
                args = tuple((n, self.evaluate(e, state, given)) for n, e in effect.args)
                events.append(Event(effect.event, args, effect))
            elif isinstance(effect, Reached):
                reached.append(effect.cover)
            else:
                exercised.append((effect.prop, effect.label))
                if not self.evaluate(effect.cond, state, given):
                    text = self.render(effect.message, state, given)
                    failures.append(Failed(effect.prop, effect.label, text, effect.stop, effect))
        after = list(state)
        for name, new in action.updates.items():
            after[self.position[name]] = self.evaluate(new, state, given)
        return StepResult(
            tuple(after),
            tuple(failures),
            tuple(events),
            tuple(reached),
            tuple(exercised),
            any(f.stop for f in failures),
        )

    def weight(self, action: Action, state: State, given: Inputs) -> int:
        """What taking the action in ``state`` adds to the length of a trace; one where the action does not
        say."""
        return 1 if action.weight is None else int(self.evaluate(action.weight, state, given))

    def judge(self, state: State) -> Judgement:
        """Which always-instances speak about this state, which of them fail, and which covers it reaches."""
        failures: list[Failed] = []
        exercised: list[tuple[str, str]] = []
        for instance in self.system.always:
            if not self.evaluate(instance.when, state):
                continue
            exercised.append((instance.prop, instance.label))
            if not self.evaluate(instance.cond, state):
                text = self.render(instance.message, state)
                failures.append(Failed(instance.prop, instance.label, text, False, instance))
        covers = tuple(c.name for c in self.system.covers if self.evaluate(c.cond, state))
        return Judgement(tuple(failures), tuple(exercised), covers)

    def changed(self, before: State, after: State) -> tuple[str, ...]:
        """Names of the variables that differ between two states, in their order."""
        return tuple(v.name for v, x, y in zip(self.system.vars, before, after, strict=True) if x != y)
