"""Walks through the reference System: at random, or one choice at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from dmaverify.engines.interp import Failed, Interpreter, NotEnumerable, State
from dmaverify.ir.system import Action, System
from dmaverify.ir.types import Int, Value
from dmaverify.verdict import Step, Trace

Choice = tuple[Action, dict[str, Value]]

MOST_UNSEEN = 1_000
"""Steps that a thread takes in one turn at most, although nobody else could see them."""


@dataclass
class Walk:
    """A walk so far. ``states[k]`` is the state after ``steps[:k]``."""

    interp: Interpreter
    states: list[State]
    steps: list[Step] = field(default_factory=list)
    failures: list[tuple[int, Failed]] = field(default_factory=list)
    """(step, what failed) in the order of time."""
    exercised: set[tuple[str, str]] = field(default_factory=set)
    """(property, label) of everything that was put to the test on the way."""
    reached: set[str] = field(default_factory=set)
    """Covers and probes that were passed on the way."""
    stopped: bool = False
    """A failed built-in check: the state behind it means nothing."""

    @classmethod
    def start(cls, system: System, rng: random.Random) -> Walk:
        """A walk at an initial state; open initial values are chosen at random."""
        interp = Interpreter(system)
        walk = cls(interp, [_initial(interp, rng)])
        walk._judge()
        return walk

    @property
    def state(self) -> State:
        """Where the walk is."""
        return self.states[-1]

    def choices(self) -> list[Choice]:
        """What can happen next."""
        return [] if self.stopped else list(self.interp.enabled(self.state))

    def take(self, choice: Choice) -> None:
        """Take a step."""
        action, given = choice
        result = self.interp.step(self.state, action, given)
        self.steps.append(Step(action.name, tuple(given.items())))
        self.states.append(result.state)
        self.failures += [(len(self.steps), f) for f in result.failures]
        self.exercised.update(result.exercised)
        self.reached.update(result.reached)
        self.stopped = result.stopped
        if not self.stopped:
            self._judge()

    def settle(self, choice: Choice) -> None:
        """After ``choice``: go on with the same thread as long as nobody else could see it and there is no
        choice. A thread that does so for ever has its turn no longer when it comes round, or after ``MOST_UNSEEN`` steps.
        """
        been = {self.state}
        while not self.stopped and len(been) <= MOST_UNSEEN:
            following = self._unseen(choice[0])
            if following is None:
                return
            choice = following
            self.take(choice)
            if self.state in been:
                return
            been.add(self.state)

    def undo(self) -> None:
        """Take back the last step."""
        if self.steps:
            self.steps.pop()
            self.states.pop()
            self.failures = [f for f in self.failures if f[0] <= len(self.steps)]
            self.stopped = False

    def trace(self) -> Trace:
        """The walk as a trace (of nothing in particular)."""
        free = tuple((v.name, self.interp.value(self.states[0], v.name)) for v in self.interp.free())
        return Trace(free, tuple(self.steps), "", "", len(self.steps), False, False)

    def _judge(self) -> None:
        known = {(f.prop, f.label) for _, f in self.failures}
        judged = self.interp.judge(self.state)
        self.exercised.update(judged.exercised)
        self.reached.update(judged.covers)
        self.failures += [(len(self.steps), f) for f in judged.failures if (f.prop, f.label) not in known]

    def _unseen(self, action: Action) -> Choice | None:
        """The only step that the thread of ``action`` can take now, if it weighs nothing."""
        if action.thread is None:
            return None
        found: list[Choice] = []
        for a in self.interp.system.actions:
            if a.thread == action.thread and self.interp.stands(a, self.state):
                found += [(a, given) for given in self.interp.choices(a, self.state)]
        if len(found) == 1 and self.interp.weight(found[0][0], self.state, found[0][1]) == 0:
            return found[0]
        return None


def random_walk(system: System, rng: random.Random, steps: int) -> Walk:
    """A walk of at most so many choices; each actor is as likely as any other, whatever the number of its
    choices.
    """
    walk = Walk.start(system, rng)
    for _ in range(steps):
        by_actor: dict[str, list[Choice]] = {}
        for choice in walk.choices():
            by_actor.setdefault(choice[0].thread or choice[0].name, []).append(choice)
        if not by_actor:
            break
        choice = rng.choice(by_actor[rng.choice(sorted(by_actor))])
        walk.take(choice)
        walk.settle(choice)
    return walk


def random_walks(system: System, seed: int, runs: int, steps: int) -> Iterator[tuple[int, Walk]]:
    """Walks with their seeds: run n of seed s is run 0 of seed s + n."""
    for n in range(runs):
        yield seed + n, random_walk(system, random.Random(seed + n), steps)


def _initial(interp: Interpreter, rng: random.Random) -> State:
    free = interp.free()
    if not free:
        return interp.initial_state()
    try:
        states = list(_first(interp.initial_states(), 4096))
    except NotEnumerable:
        states = []
        for _ in range(1000):
            values = {v.name: _any(v.type, rng) for v in free}
            try:
                states.append(interp.initial_state(values))
                break
            except ValueError:
                continue
    if not states:
        raise ValueError("no initial state was found: the parameters cannot be as the scenario asks")
    return rng.choice(states)


def _any(t: object, rng: random.Random) -> Value:
    """A value of a type; of wide integers small ones and corners are as likely as all the rest."""
    from dmaverify.engines.interp import values_of

    if isinstance(t, Int) and t.width > 8:
        return rng.choice(
            (0, 1, t.lo, t.hi, t.wrap(rng.getrandbits(t.width)), t.wrap(1 << rng.randrange(t.width)))
        )
    return rng.choice(list(values_of(t)))  # type: ignore[arg-type]


def _first(states: Iterator[State], most: int) -> Iterator[State]:
    for n, s in enumerate(states):
        if n == most:
            return
        yield s
