"""Every reachable state, nearest first, by native code.

States are found in the order of their distance: all at distance d before any at d + 1. Steps that weigh one lead from each
distance to the next; after them come those that weigh two, from the distance before, and so on; then steps that weigh nothing, round
after round until they lead to nothing new. So no distance is stored with a state: where it stands in the arena says it. A
shortest way is found backwards, by looking once more at the states one step nearer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dmaverify.engines.base import Budget, Progress, Stopped, resident_bytes
from dmaverify.engines.deadlocks import nearest_deadlock
from dmaverify.engines.exploration import Found, Tally
from dmaverify.engines.native.action import MAIN
from dmaverify.engines.native.exploration import Level, NativeExploration, NativeFound
from dmaverify.engines.native.fields import Own, Stop
from dmaverify.engines.native.machine import Machine
from dmaverify.engines.native.memory import Region
from dmaverify.engines.native.table import Segment
from dmaverify.engines.successors import OBSERVER, Compiled, DomainError, Hit
from dmaverify.engines.symmetric import Reduction
from dmaverify.ir.system import Action
from dmaverify.ir.types import Bool, Int, Type, Value

LOOK = 64
"""The budget is looked at once in so many small levels; in large ones, every moment."""

HEAVY, ZERO, JUDGE = "heavy", "zero", "judge"
"""What is done at each distance, in this order: take the steps that lead to it and weigh more than one; then those that weigh
nothing; then judge its states and take the steps that weigh one.
"""


@dataclass
class Position:
    """Where a search is: everything that it needs to go on, but for the states themselves and what was found."""

    distance: int = 0
    last: int = 0
    """The last distance so far that has states."""
    stage: str = HEAVY
    heavy: int = 0
    """How many of the weights above one have been dealt with at this distance."""
    round: int = 0
    here: list[Segment] = field(default_factory=list)
    """States at this distance; their steps of no weight have been taken."""
    new: list[Segment] = field(default_factory=list)
    """More of them; theirs have not."""
    partial: list[Segment] = field(default_factory=list)
    """What the pass that is under way has found before it was interrupted."""
    units: int = 0
    """How many units of work of that pass have been done."""
    before: dict[int, list[Segment]] = field(default_factory=dict)
    """States by distance, as far back as steps lead from."""


class Due(Exception):
    """It is time for a checkpoint."""


class Search:
    """One search. ``presize``, ``hot``: see ``Machine``. ``canonical``: see ``explicit.explore``."""

    def __init__(
        self,
        compiled: Compiled,
        budget: Budget,
        *,
        deadlock: bool,
        thorough: bool,
        name: str,
        threads: int = 1,
        presize: int = 0,
        canonical: Reduction | None = None,
        hot: bool = False,
    ) -> None:
        self.compiled, self.budget, self.name = compiled, budget, name
        self.deadlock, self.thorough = deadlock, thorough
        self.machine = Machine(compiled, threads, presize, symmetry=None if canonical is None else canonical.symmetry, hot=hot)
        self.result = NativeExploration(compiled, self.machine)
        self.result.reduction = canonical
        self.tally = Tally(self.result, thorough, deadlock)
        self.position = Position()
        self.exercised: set[int] = set()
        """Targets; those that were noted before the search was interrupted and resumed."""
        self.actions = {n: a for a, numbers in compiled.target_numbers.items() for n in numbers}
        self.stuck: list[Region] = []
        self.stuck_before: list[int] = []
        self.began = time.monotonic()
        self.under_way: Callable[[], int] = lambda: 0
        """How many states of the pass that is under way have been expanded and are not counted yet."""
        self.looks = 0
        self.waiting = 0
        self.save_at = float("inf")
        """When the next checkpoint is due, by the monotonic clock."""

    def explore(self) -> NativeExploration:
        """Visit the states."""
        result, machine = self.result, self.machine
        self._want()
        if self.deadlock:
            self.stuck = [Region(1 << 36, huge=False) for _ in machine.threads]
        try:
            if not machine.states:
                machine.seed([machine.layout.to_words(s) for s in self.compiled.initial_states()])
            self._distances()
            if result.complete and self.deadlock:
                result.dead = self._nearest_deadlock()
        except Stopped as stop:
            result.reason = stop.reason
        except DomainError as error:
            result.reason = str(error)
        finally:
            self.stuck_before = self.stuck_places()
            for region in self.stuck:
                region.close()
            self.stuck = []
        self._hits()
        result.note_exercised(self.exercised_targets())
        return result

    def save(self) -> None:
        """Write a checkpoint; who wants checkpoints replaces this, and sets ``save_at``."""

    def exercised_targets(self) -> set[int]:
        """Which targets have had their path seen true."""
        return self.exercised | {n for n in range(len(self.compiled.targets)) if self.machine.exercised(n)}

    def stuck_places(self) -> list[int]:
        """States where no task can move and some task is not done."""
        own = (t.own[Own.STUCKS] for t in self.machine.threads)
        return self.stuck_before + [p for region, many in zip(self.stuck, own, strict=False) for p in region.words(0, many)]

    # -- distances --------------------------------------------------------------------------------------

    def _distances(self) -> None:
        """Distance after distance, from where the position is."""
        machine, at = self.machine, self.position
        heaviest = max(machine.weights)
        heavy = [w for w in machine.weights if w > MAIN]
        while at.distance - at.last <= heaviest:
            if at.stage == HEAVY:
                while at.heavy < len(heavy):
                    distance = at.distance - heavy[at.heavy]
                    self._expand(heavy[at.heavy], at.before.get(distance, []), distance)
                    at.heavy += 1
                at.new, at.stage = self._found_segments(), ZERO
            if at.stage == ZERO:
                self._take_steps_of_no_weight()
                at.stage = JUDGE
            if at.here and self._judge():
                return
            at.before[at.distance] = at.here
            at.before.pop(at.distance - heaviest, None)
            at.distance, at.stage, at.heavy, at.round, at.here = at.distance + 1, HEAVY, 0, 0, []
        self._settle(at.last)
        self.result.complete = True

    def _take_steps_of_no_weight(self) -> None:
        at = self.position
        while at.new:
            if 0 in self.machine.weights:
                self._expand(0, at.new, at.distance)
            self.result.levels.append(Level(at.distance, at.round, at.new))
            at.here = at.here + at.new
            # without such steps, what is found now is one step further
            at.new = self._found_segments() if 0 in self.machine.weights else []
            at.round += 1

    def _judge(self) -> bool:
        """Judge the states at this distance and take the steps of weight one; whether nothing is left to decide before that."""
        at, budget = self.position, self.budget
        if at.distance > at.last and self._settle(at.last):
            return True
        at.last = at.distance
        if budget.depth is not None and at.distance > budget.depth:
            self.result.depth = budget.depth
            raise Stopped("depth")
        self.result.depth = at.distance
        many = sum(n for _, n in at.here)
        if not at.units and budget.states is not None and self.result.states + many > budget.states:
            raise Stopped("states")  # a level is visited as a whole, so that the count does not depend on the number of threads
        self._expand(MAIN, at.here, at.distance)
        self._hits()
        return False

    def _found_segments(self) -> list[Segment]:
        """What was found by the passes since the last time."""
        found = self.position.partial + self.machine.new_segments()
        self.position.partial = []
        return found

    def _expand(self, weight: int, segments: list[Segment], distance: int) -> None:
        """Take the steps of one weight from some states; with those of weight one, everything is judged and counted."""
        machine, at = self.machine, self.position
        many = sum(n for _, n in segments)
        if not many:
            return
        self.waiting = many
        machine.set_frontier(segments, at.units)
        for t, region in zip(machine.threads, self.stuck, strict=False):
            t.own[Own.STUCK] = region.address if weight == MAIN else 0
        count = self._counter(weight == MAIN)
        try:
            saved = False
            while True:
                try:
                    if not saved:  # else first some work: a checkpoint may take longer than the time between two
                        self._look()
                    saved = False
                    if machine.worth_improving:
                        machine.improve()
                    stop = machine.work(weight, distance, many, self._watch)
                except Due:
                    self._interrupt(count)
                    saved = True
                    continue
                except Stopped as limit:
                    if limit.reason == "memory" and machine.spill():
                        continue
                    self._leave()
                    raise
                if stop is Stop.NO or (stop is Stop.PAUSE and not machine.full):
                    if machine.finished:
                        break
                    continue
                if stop is Stop.DOMAIN:
                    number = max(t.own[Own.DOMAIN] for t in machine.threads)
                    raise DomainError(machine.program.domains[number - 1])
                try:
                    self._grow()
                except Stopped:
                    self._leave()
                    raise
        finally:
            count()
        at.units = 0

    def _counter(self, main: bool) -> Callable[[], None]:
        """A function that counts what was done since it was called last."""
        machine, result = self.machine, self.result
        fields = (Own.EXPANDED, Own.TRANSITIONS, Own.EXTRA)
        before = [machine.total(x) for x in fields]
        self.under_way = lambda: machine.total(Own.EXPANDED) - before[0] if main else 0

        def count() -> None:
            nonlocal before
            now = [machine.total(x) for x in fields]
            states, emitted, counted = (a - b for a, b in zip(now, before, strict=True))
            before = now
            if main:
                result.states += states
                result.transitions += emitted + counted

        return count

    def _interrupt(self, count: Callable[[], None]) -> None:
        """Write a checkpoint in the middle of a pass."""
        self._leave()
        count()
        self._hits()
        self.save()

    def _leave(self) -> None:
        """Note how far the pass that is under way has come."""
        at = self.position
        at.units = self.machine.units_done
        at.partial += self.machine.new_segments()

    def _grow(self) -> None:
        """Make the table larger; if there is not enough memory for it, after the arena has gone to the disk."""
        try:
            self.machine.table.grow(self.budget.memory, resident_bytes)
        except Stopped:
            if not self.machine.spill():
                raise
            self.machine.table.grow(self.budget.memory, resident_bytes)

    # -- budget -----------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Between levels: not each time, most levels of some Systems are tiny."""
        self.looks += 1
        if (self.looks - 1) % LOOK == 0 or self.waiting > 1024:
            self._watch()

    def _watch(self) -> None:
        self.budget.check(self._progress)
        if time.monotonic() > self.save_at:
            raise Due
        if self.machine.worth_improving:
            self.machine.pause()

    def _progress(self) -> Progress:
        machine = self.machine
        expanded = self.result.states + self.under_way()
        rate = expanded / max(1e-6, time.monotonic() - self.began)
        return Progress(
            self.name,
            states=machine.states,
            frontier=self.waiting,
            depth=self.result.depth,
            expanded=expanded,
            rate=rate,
            memory=resident_bytes(),
        )

    # -- hits -------------------------------------------------------------------------------------------

    def _want(self) -> None:
        """Have those hits recorded that may still decide something."""
        for n in range(len(self.compiled.targets)):
            self.machine.set_wanted(n, True)
        self.tally.drop(lambda n: self.machine.set_wanted(n, False))

    def _hits(self) -> None:
        """Take over what was recorded since the last time."""
        machine = self.machine
        if not machine.total(Own.HITS):
            return
        for t in machine.threads:
            t.own[Own.HITS] = 0
        for n in range(len(self.compiled.targets)):
            best = machine.best(n)
            if best is None:
                continue
            hit = None
            action = self.actions[n]
            if action != OBSERVER:
                distance = self._distance(best.place)
                hit = Hit(n, best.cost - distance, action, inputs_of(self.compiled.system.actions[action], best.inputs))
            state = machine.layout.to_state(best.words)
            self.tally.hit(n, NativeFound(best.cost, state, hit, best.place))

    def _distance(self, place: int) -> int:
        """Distance of a state, by the levels so far; the last ones are most likely."""
        for level in reversed(self.result.levels):
            if any(start <= place < start + n for start, n in level.segments):
                return level.distance
        raise AssertionError("a state of no level")

    def _settle(self, distance: int) -> bool:
        return self.tally.settle(distance, lambda n: self.machine.set_wanted(n, False))

    def _nearest_deadlock(self) -> Found | None:
        machine, result = self.machine, self.result
        candidates = {machine.layout.to_state(machine.words(p)): (result.level_of(p).distance, p) for p in self.stuck_places()}
        dead = nearest_deadlock(self.compiled, {s: cost for s, (cost, _) in candidates.items()}, self.budget.check, result.reduction)
        return None if dead is None else NativeFound(candidates[dead][0], dead, None, candidates[dead][1])


def inputs_of(action: Action, values: tuple[int, ...]) -> tuple[Value, ...]:
    """Recorded inputs of an action as the Python engine has them."""
    chosen = zip(action.inputs, values, strict=False)
    return tuple(v & 1 if isinstance(i.type, Bool) else _int(i.type).wrap(v) for i, v in chosen)


def _int(t: Type) -> Int:
    assert isinstance(t, Int)
    return t
