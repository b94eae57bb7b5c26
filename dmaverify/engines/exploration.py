"""What a search of all reachable states finds out, whoever visits them: nearest hits, what was exercised, traces, outcomes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dmaverify.engines.successors import Compiled, Hit, Move, Target
from dmaverify.engines.traces import spans_of
from dmaverify.ir.parts import Expansion
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome, Trace, Word

if TYPE_CHECKING:
    from dmaverify.engines.symmetric import Reduction

DEADLOCK = "deadlock"
"""Name of the built-in property that only explicit engines decide."""

Key = tuple[str, str, str]
"""``violated`` or ``reached``, property and label: what is decided once for all places that carry the label."""


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
    found: dict[Key, Found] = field(default_factory=dict)
    """The nearest hit of each kind, property and label."""
    exercised: set[tuple[str, str]] = field(default_factory=set)
    transitions: int = 0
    states: int = 0
    depth: int = 0
    complete: bool = False
    reason: str = ""
    dead: Found | None = None
    """A nearest deadlocked state, if the search was asked for one."""
    warnings: list[str] = field(default_factory=list)
    reduction: Reduction | None = None
    """Set if states stand for all that are symmetric to them."""

    @property
    def deadlock(self) -> int | None:
        """The deadlocked state."""
        return None if self.dead is None else self.dead.state

    def way(self, found: Found) -> list[tuple[int, int]]:
        """The states on a shortest way to a hit's state, both ends included, each with its distance."""
        raise NotImplementedError

    def close(self) -> None:
        """Give back what the search holds; no traces can be asked for any more."""

    def trace(self, found: Found, target: Target) -> Trace:
        """The way from an initial state to a hit, in steps of the reference System."""
        compiled, system = self.compiled, self.system
        way, hit = self.way(found), found.hit
        if self.reduction is not None:
            way = self.reduction.run(way)
            hit, target = self.reduction.hit(way[-1][0], hit, target)
        expansion = Expansion()
        for (before, start), (after, end) in itertools.pairwise(way):
            move = self._move(before, after, end - start)
            action = system.actions[move.action]
            expansion.add(action, compiled.evaluator(action, before, move.inputs))
        if hit is not None:
            action = system.actions[hit.action]
            expansion.add(action, compiled.evaluator(action, way[-1][0], hit.inputs), target.part)
        initial = tuple((v.name, compiled.packing.value(way[0][0], v.name)) for v in system.vars if v.any_init)
        return Trace(
            initial,
            tuple(expansion.steps),
            target.prop,
            target.label,
            expansion.length,
            True,
            hit is not None,
        )

    def note_exercised(self, targets: Iterable[int]) -> None:
        """Targets whose path was seen true."""
        self.exercised |= {(self.compiled.targets[n].prop, self.compiled.targets[n].label) for n in targets}
        if self.reduction is not None:
            self.exercised = self.reduction.exercised(self.exercised)

    def _move(self, before: int, after: int, cost: int) -> Move:
        """The first action that leads from one state to the other at the cost that the search counted."""
        moves: list[Move] = []
        self.compiled.moves(before, moves, [])
        return min((Move(*m) for m in moves if m[0] == after and m[1] == cost), key=lambda m: (m.action, m.inputs))


class Tally:
    """Which hits are nearest, and what is still to be decided.

    ``thorough``: a violated property has its other checks decided too. ``stops``: hits of checks that end the path are wanted
    to the end, because who looks for deadlocks needs them.
    """

    def __init__(self, result: Exploration, thorough: bool, stops: bool) -> None:
        self.found, self.targets = result.found, result.compiled.targets
        self.thorough, self.stops = thorough, stops
        self.undecided = {self.key(n) for n in range(len(self.targets))}
        self.alike = {} if result.reduction is None else result.reduction.symmetry.alike
        """Labels that go the way of others."""

    def key(self, target: int) -> Key:
        """What a target decides."""
        t = self.targets[target]
        return "violated" if t.kind in ("check", "always") else "reached", t.prop, t.label

    def hit(self, target: int, found: Found) -> None:
        """Keep the nearest hit of each label; among those of the same length the smallest state."""
        key = self.key(target)
        if key not in self.undecided:
            return
        best = self.found.get(key)
        if best is None or _order(found) < _order(best):
            self.found[key] = found

    def settle(self, distance: int, drop: Callable[[int], None]) -> bool:
        """Everything nearer than the next distance is known: what was hit within this one is decided.

        Calls ``drop`` with every target that is not wanted any more; yields whether that are all.
        """
        for key, found in self.found.items():
            if key in self.undecided and found.cost <= distance:
                self.undecided.discard(key)
                self.undecided.difference_update((key[0], *label) for label in self.alike.get(key[1:], ()))
                if not self.thorough and key[0] == "violated":
                    self.undecided -= {k for k in self.undecided if k[:2] == key[:2]}
        self.drop(drop)
        return bool(self.targets) and not self.undecided and not self.stops

    def drop(self, drop: Callable[[int], None]) -> None:
        """Call ``drop`` with every target that is not wanted any more."""
        for n in range(len(self.targets)):
            if self.key(n) not in self.undecided and not (self.stops and self.targets[n].stop):
                drop(n)


def _order(found: Found) -> tuple[int, int, tuple[int, ...]]:
    return found.cost, found.state, (-1,) if found.hit is None else (found.hit[2], *map(int, found.hit[3]))


def outcome_of(result: Exploration, prop: str, seconds: float, engine: str) -> Outcome:
    """What a search says about one property."""
    outcome = Outcome(
        prop,
        Word.EXHAUSTED,
        states=result.states,
        transitions=result.transitions,
        symmetric=result.reduction is not None,
        slices=1,
        engine=engine,
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
    if prop == DEADLOCK and result.dead is not None:
        outcome.word = Word.VIOLATED
        outcome.trace = result.trace(result.dead, Target("deadlock", DEADLOCK, DEADLOCK))
    outcome.warnings = list(result.warnings)
    outcome.spans = spans_of(result.system, prop)
    return outcome


def _is_of(found: Found, target: int) -> bool:
    """Whether a hit is of this place, where several places carry one label."""
    return found.hit is None or found.hit[0] == target


def _no(result: Exploration) -> bool | None:
    """The answer about something that was not seen: no, if everything was visited."""
    return False if result.complete else None
