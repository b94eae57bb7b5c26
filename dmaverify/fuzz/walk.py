"""A run through a model, one choice after the other. Where only one thing can happen it happens by itself: no choice is spent on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from dmaverify.engines import traces
from dmaverify.engines.stuck import DEADLOCK
from dmaverify.fuzz.arena import Arena, Choice, Claim, Place
from dmaverify.ir.types import Bool, Value
from dmaverify.verdict import Trace

MOST_FORCED = 500
"""Steps in a row that happen by themselves; whatever goes round in circles becomes a choice after so many."""

OnFalse = Callable[["Walk", Claim], None]
"""Is told what is false, as soon as it is; it may raise an exception to end the run."""


@dataclass
class Walk:
    """Where a run is, and how it came there. ``schedule``: the choices that were made."""

    arena: Arena
    on_false: OnFalse
    state: int = 0
    path: list[tuple[int, Choice]] = field(default_factory=list)
    schedule: list[str] = field(default_factory=list)
    picks: list[tuple[str, int]] = field(default_factory=list)
    """The same as rules and numbers of their ways."""
    covers: set[str] = field(default_factory=set)
    """Everything reached by any run of this object."""
    start: int = 0
    length: int = 0
    ended: bool = True
    """Nothing can happen any more."""
    begun: int = 0
    """How many runs this object has begun."""

    def begin(self, number: int = 0) -> None:
        """A new run from initial state ``number``."""
        self.state = self.start = self.arena.initial[number]
        self.path, self.schedule, self.picks, self.length, self.ended = [], [], [], 0, False
        self.begun += 1
        if len(self.arena.initial) > 1:
            self.schedule.append(f"start #{number}")
        self._arrive()
        self._settle()

    @property
    def place(self) -> Place:
        """What may happen now."""
        return self.arena.place(self.state)

    def can(self, rule: str) -> bool:
        """Whether the rule may act."""
        return not self.ended and rule in self.place.choices

    def take(self, rule: str, number: int = 0) -> None:
        """Let a rule act, in the way of that number, and everything that happens by itself then."""
        choice = self.place.choices[rule][number]
        self.schedule.append(self.arena.name_of(choice, self.state))
        self.picks.append((rule, number))
        self._do(choice)
        self._settle()

    def copy(self) -> Walk:
        """The run as it is now; covers stay shared."""
        return replace(self, path=list(self.path), schedule=list(self.schedule), picks=list(self.picks))

    def _settle(self) -> None:
        for _ in range(MOST_FORCED):
            if self.ended:
                return
            choice = self.place.only
            if choice is None:
                self.ended = not self.place.choices
                if self.ended and self.arena.deadlocks and self.arena.stuck(self.state):
                    self.on_false(self, Claim(DEADLOCK, DEADLOCK))
                return
            self._do(choice)

    def _do(self, choice: Choice) -> None:
        self.path.append((self.state, choice))
        self.covers.update(choice.covers)
        for claim in choice.false:
            self.on_false(self, claim)
        self.length += choice.cost
        if choice.after is None:
            self.ended = True
        else:
            self.state = choice.after
            self._arrive()

    def _arrive(self) -> None:
        place = self.place
        self.covers.update(place.covers)
        for claim in place.false:
            self.on_false(self, claim)

    def trace(self, prop: str) -> Trace:
        """The run so far, which must have ended with a violation of the property, in steps of the reference System."""
        system, packing = self.arena.system, self.arena.compiled.packing
        initial = {v.name: packing.value(self.start, v.name) for v in system.vars if v.any_init}
        picks: list[traces.Pick] = []
        for _, choice in self.path:
            action = system.actions[choice.action]
            pairs = zip(action.inputs, choice.inputs, strict=True)
            picks.append((action, {i.name: _typed(value, i.type) for i, value in pairs}))
        run = traces.execute(system, initial, picks)
        if prop == DEADLOCK:
            return traces.trace(system, run, traces.Failure(DEADLOCK, DEADLOCK, None), minimal=False)
        return traces.violations(system, run)[prop]


def _typed(value: Value, t: object) -> Value:
    """Generated code calculates with numbers where the System has truth values."""
    return bool(value) if isinstance(t, Bool) else value
