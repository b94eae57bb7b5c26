"""Explicit search: every reachable state of a core System, nearest first.

The search is Dijkstra's with a bucket for each length, because steps may weigh nothing, one or more; where
all weights are one it is plain breadth-first search. So what it finds first it finds by a shortest trace.
States are single integers; what can happen in one is generated code (``successors``).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dmaverify.engines.base import Budget, Progress, Stopped
from dmaverify.engines.successors import Compiled, DomainError, Hit, Move, Target
from dmaverify.ir.parts import Expansion
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import Check, Reached, System
from dmaverify.span import Span
from dmaverify.verdict import Outcome, Trace, Word

DEADLOCK = "deadlock"
"""Name of the built-in property that only explicit engines decide."""

CHECK_EVERY = 1024
"""The budget is looked at once in so many states."""


class Queue:
    """States to expand by their distance; also remembers how each was reached."""

    def __init__(self) -> None:
        self.cost: dict[int, int] = {}
        self.parent: dict[int, int | None] = {}
        self._buckets: list[list[int]] = []
        self._at = 0

    def push(self, state: int, cost: int, parent: int | None) -> None:
        """A way to ``state``; kept if it is the shortest so far."""
        known = self.cost.get(state)
        if known is None or cost < known:
            self.cost[state] = cost
            self.parent[state] = parent
            while len(self._buckets) <= cost:
                self._buckets.append([])
            self._buckets[cost].append(state)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """(state, distance), nearest first, each state once; pushing meanwhile is what it is for."""
        while self._at < len(self._buckets):
            bucket = self._buckets[self._at]
            for state in bucket:  # grows while it is walked: steps that weigh nothing
                if self.cost[state] == self._at:
                    yield state, self._at
            self._buckets[self._at] = []
            self._at += 1

    @property
    def waiting(self) -> int:
        """How many states are waiting to be expanded, some of them twice."""
        return sum(map(len, self._buckets[self._at :]))

    def path(self, state: int) -> list[int]:
        """The states on the way to ``state``, both ends included."""
        states = [state]
        while (before := self.parent[states[-1]]) is not None:
            states.append(before)
        return states[::-1]


@dataclass(frozen=True)
class Found:
    """Where a target was hit: in ``state`` itself, or in the step ``hit`` that leaves it. Smaller is
    preferred.
    """

    cost: int
    state: int
    hit: Hit | None


@dataclass
class Exploration:
    """What one search found out. ``reason`` is empty if every reachable state was visited (or nothing was
    left to decide).
    """

    system: System
    compiled: Compiled
    queue: Queue = field(default_factory=Queue)
    found: dict[tuple[str, str, str], Found] = field(default_factory=dict)
    """By kind (``violated`` or ``reached``), property and label: the nearest hit."""
    exercised: set[tuple[str, str]] = field(default_factory=set)
    transitions: int = 0
    states: int = 0
    depth: int = 0
    complete: bool = False
    reason: str = ""
    deadlock: int | None = None
    """A nearest deadlocked state, if the search was asked for one."""

    def trace(self, found: Found, target: Target) -> Trace:
        """The way from an initial state to a hit, in steps of the reference System."""
        compiled, system = self.compiled, self.system
        states = self.queue.path(found.state)
        expansion = Expansion()
        for before, after in itertools.pairwise(states):
            move = self._move(before, after)
            action = system.actions[move.action]
            expansion.add(action, compiled.evaluator(action, before, move.inputs))
        if found.hit is not None:
            action = system.actions[found.hit.action]
            expansion.add(action, compiled.evaluator(action, found.state, found.hit.inputs), target.part)
        initial = tuple((v.name, compiled.packing.value(states[0], v.name)) for v in system.vars if v.any_init)
        return Trace(
            initial,
            tuple(expansion.steps),
            target.prop,
            target.label,
            expansion.length,
            True,
            found.hit is not None,
        )

    def _move(self, before: int, after: int) -> Move:
        """The first action that leads from one state to the other at the cost that the search counted."""
        moves: list[Move] = []
        self.compiled.moves(before, moves, [])
        cost = self.queue.cost[after] - self.queue.cost[before]
        return min((Move(*m) for m in moves if m[0] == after and m[1] == cost), key=lambda m: (m.action, m.inputs))


def explore(
    system: System, budget: Budget, *, deadlock: bool = False, thorough: bool = True, name: str = "explicit"
) -> Exploration:
    """Visit the reachable states of ``system``, nearest first, until nothing is left to decide.

    A property is decided for good once one of its checks has failed; ``thorough`` asks for the other checks
    too.
    """
    compiled = Compiled(system)
    result = Exploration(system, compiled)
    try:
        search = _Search(result, budget, name, thorough, deadlock)
        search.run()
    except Stopped as stop:
        result.reason = stop.reason
    except DomainError as error:
        result.reason = str(error)
    for n, target in enumerate(compiled.targets):
        if compiled.exercised[n]:
            result.exercised.add((target.prop, target.label))
    return result


class _Search:
    def __init__(self, result: Exploration, budget: Budget, name: str, thorough: bool, deadlock: bool) -> None:
        self.result, self.budget, self.name = result, budget, name
        self.compiled, self.queue = result.compiled, result.queue
        self.targets = result.compiled.targets
        self.thorough = thorough
        self.undecided = {self._key(n) for n in range(len(self.targets))}
        self.deadlocks = _Deadlocks(result.system, result.compiled) if deadlock else None

    def run(self) -> None:
        """The search itself."""
        result, queue, compiled, budget = self.result, self.queue, self.compiled, self.budget
        moves: list[Move] = []
        hits: list[Hit] = []
        seen: list[int] = []
        distance = 0
        for state in compiled.initial_states():
            queue.push(state, 0, None)
        for state, cost in queue:
            if cost > distance:
                self._settle(distance)
                distance = cost
                if self.targets and not self.undecided and self.deadlocks is None:
                    return
                if budget.depth is not None and cost > budget.depth:
                    result.depth = budget.depth
                    raise Stopped("depth")
            if result.states % CHECK_EVERY == 0:
                self._look_at_budget()
            result.states += 1
            result.depth = cost
            compiled.observe(state, seen)
            for target in seen:
                self._found(target, Found(cost, state, None))
            compiled.moves(state, moves, hits)
            for hit in hits:
                self._found(hit[0], Found(cost + hit[1], state, Hit(*hit)))
            for successor, weight, _, _ in moves:
                queue.push(successor, cost + weight, state)
            if self.deadlocks is not None:
                self.deadlocks.add(state, cost, moves, hits)
            result.transitions += len(moves)
            moves.clear()
            hits.clear()
            seen.clear()
        self._settle(distance)
        result.complete = True
        if self.deadlocks is not None:
            result.deadlock = self.deadlocks.nearest()

    def _key(self, target: int) -> tuple[str, str, str]:
        t = self.targets[target]
        return "violated" if t.kind in ("check", "always") else "reached", t.prop, t.label

    def _found(self, target: int, found: Found) -> None:
        """Keep the nearest hit of each label; among those of the same length the smallest state."""
        key = self._key(target)
        if key not in self.undecided:
            return
        best = self.result.found.get(key)
        if best is None or _order(found) < _order(best):
            self.result.found[key] = found

    def _settle(self, distance: int) -> None:
        """Everything nearer than the next distance is known: what was hit within this one is decided."""
        for key, found in self.result.found.items():
            if key in self.undecided and found.cost <= distance:
                self.undecided.discard(key)
                if not self.thorough and key[0] == "violated":
                    self.undecided -= {k for k in self.undecided if k[:2] == key[:2]}
        for n in range(len(self.targets)):
            if self._key(n) not in self.undecided and not (self.deadlocks and self.targets[n].stop):
                self.compiled.wanted[n] = 0

    def _look_at_budget(self) -> None:
        result, budget = self.result, self.budget
        if budget.states is not None and result.states >= budget.states:
            raise Stopped("states")
        budget.check(lambda: Progress(self.name, states=len(self.queue.cost), frontier=self.queue.waiting, depth=result.depth))


def _order(found: Found) -> tuple[int, int, tuple[int, ...]]:
    return found.cost, found.state, (-1,) if found.hit is None else (found.hit[2], *map(int, found.hit[3]))


class _Deadlocks:
    """Which states are deadlocked: some thread is not done, and no thread can ever move again, whatever the
    hardware does.
    """

    def __init__(self, system: System, compiled: Compiled) -> None:
        self.compiled = compiled
        tasks = {t.name for t in system.threads if not t.is_device}
        self.by_thread = [a.thread in tasks for a in system.actions]
        self.tasks = [t for t in system.threads if not t.is_device]
        self.stuck: dict[int, int] = {}
        self.next: dict[int, list[int]] = {}

    def add(self, state: int, cost: int, moves: Iterable[Move], hits: Iterable[Hit]) -> None:
        """Note a state where no thread can move. One that goes wrong (a failed ``stop`` check) is not stuck."""
        stops = (h for h in hits if self.compiled.targets[h[0]].stop)
        if not any(self.by_thread[m[2]] for m in itertools.chain(moves, stops)):
            self.stuck[state] = cost
            self.next[state] = [m[0] for m in moves]

    def nearest(self) -> int | None:
        """The nearest deadlocked state; of several the smallest."""
        alive = {s for s, after in self.next.items() if any(t not in self.stuck for t in after)}
        before: dict[int, list[int]] = {}
        for s, after in self.next.items():
            for t in after:
                before.setdefault(t, []).append(s)
        todo = list(alive)
        while todo:
            for s in before.get(todo.pop(), ()):
                if s not in alive:
                    alive.add(s)
                    todo.append(s)
        dead = [(cost, s) for s, cost in self.stuck.items() if s not in alive and not self._done(s)]
        return min(dead)[1] if dead else None

    def _done(self, state: int) -> bool:
        value = self.compiled.packing.value
        return all(value(state, t.pc) in t.ends | t.idle for t in self.tasks)


class ExplicitEngine:
    """The engine that the rest of the tool sees."""

    name = "explicit"

    def __init__(self, thorough: bool = True) -> None:
        self.thorough = thorough

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Decide the properties within the budget. Covers are reported with the property whose name begins
        theirs.
        """
        started = time.monotonic()
        result = explore(system, budget, deadlock=DEADLOCK in properties, thorough=self.thorough, name=self.name)
        seconds = time.monotonic() - started
        return [_outcome(result, p, seconds) for p in properties]


def _outcome(result: Exploration, prop: str, seconds: float) -> Outcome:
    outcome = Outcome(
        prop,
        Word.EXHAUSTED,
        states=result.states,
        transitions=result.transitions,
        slices=1,
        engine=ExplicitEngine.name,
        seconds=seconds,
    )
    if result.reason:
        outcome.word, outcome.reason = Word.UNKNOWN, result.reason
        if result.reason == "depth":
            outcome.word, outcome.depth = Word.BOUNDED, result.depth
    violations: list[tuple[int, str, Found, Target]] = []
    for n, t in enumerate(result.compiled.targets):
        if t.kind in ("check", "always"):
            if t.prop != prop:
                continue
            outcome.exercised[t.label] = True if (prop, t.label) in result.exercised else _no(result)
            found = result.found.get(("violated", prop, t.label))
            if found is not None and _is_of(found, n):
                violations.append((found.cost, t.label, found, t))
        elif belongs(t.label, prop):
            found = result.found.get(("reached", t.prop, t.label))
            if found is None:
                outcome.covers.setdefault(t.label, _no(result))
            else:
                outcome.covers[t.label] = True
                if t.label == prop and _is_of(found, n):
                    outcome.word, outcome.reason, outcome.depth = Word.EXHAUSTED, "", None
                    outcome.trace = result.trace(found, t)
    if violations:
        _, _, found, target = min(violations, key=lambda v: v[:2])
        outcome.word, outcome.reason, outcome.depth = Word.VIOLATED, "", None
        outcome.trace = result.trace(found, target)
    if prop == DEADLOCK and result.deadlock is not None:
        dead = Found(result.queue.cost[result.deadlock], result.deadlock, None)
        outcome.word = Word.VIOLATED
        outcome.trace = result.trace(dead, Target("deadlock", DEADLOCK, DEADLOCK))
    outcome.spans = _spans(result.system, prop)
    return outcome


def _is_of(found: Found, target: int) -> bool:
    """Whether a hit is of this place, where several places carry one label."""
    return found.hit is None or found.hit[0] == target


def _no(result: Exploration) -> bool | None:
    """The answer about something that was not seen: no, if everything was visited."""
    return False if result.complete else None


def _spans(system: System, prop: str) -> dict[str, Span]:
    spans = {w.label: w.span for w in system.always if w.prop == prop}
    spans.update({c.name: c.span for c in system.covers if belongs(c.name, prop)})
    for a in system.actions:
        for e in a.effects:
            if isinstance(e, Check) and e.prop == prop:
                spans[e.label] = e.span
            elif isinstance(e, Reached) and belongs(e.cover, prop):
                spans[e.cover] = e.span
    return spans
