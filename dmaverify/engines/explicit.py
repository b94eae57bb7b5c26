"""Explicit search: every reachable state of a core System, nearest first.

The search is Dijkstra's with a bucket for each length, because steps may weigh nothing, one or more; where
all weights are one it is plain breadth-first search. So what it finds first it finds by a shortest trace.
States are single integers; what can happen in one is generated code (``successors``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dmaverify.engines.base import Budget, Progress, Stopped
from dmaverify.engines.deadlocks import Deadlocks
from dmaverify.engines.exploration import DEADLOCK, Exploration, Found, Tally, outcome_of
from dmaverify.engines.successors import Compiled, DomainError, Hit, Move
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome

if TYPE_CHECKING:
    from dmaverify.engines.symmetric import Reduction

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


class PythonExploration(Exploration):
    """A search in Python; its queue remembers how each state was reached."""

    def __init__(self, system: System, compiled: Compiled) -> None:
        super().__init__(system, compiled)
        self.queue = Queue()

    def way(self, found: Found) -> list[tuple[int, int]]:
        return [(s, self.queue.cost[s]) for s in self.queue.path(found.state)]


def explore(
    system: System,
    budget: Budget,
    *,
    deadlock: bool = False,
    thorough: bool = True,
    name: str = "explicit",
    compiled: Compiled | None = None,
    canonical: Reduction | None = None,
) -> PythonExploration:
    """Visit the reachable states of ``system``, nearest first, until nothing is left to decide.

    A property is decided for good once one of its checks has failed; ``thorough`` asks for the other checks
    too. ``compiled``: the functions of the System, if they are at hand and have not been used.
    ``canonical``: what replaces each state by the one that stands for it; its functions are used then.
    """
    compiled = canonical.compiled if canonical is not None else compiled or Compiled(system)
    result = PythonExploration(system, compiled)
    result.reduction = canonical
    try:
        search = _Search(result, budget, name, thorough, deadlock)
        search.run()
    except Stopped as stop:
        result.reason = stop.reason
    except DomainError as error:
        result.reason = str(error)
    result.note_exercised(n for n, seen in enumerate(compiled.exercised) if seen)
    return result


class _Search:
    def __init__(self, result: PythonExploration, budget: Budget, name: str, thorough: bool, deadlock: bool) -> None:
        self.result, self.budget, self.name = result, budget, name
        self.compiled, self.queue = result.compiled, result.queue
        self.tally = Tally(result, thorough, deadlock)
        self.deadlocks = Deadlocks(result.compiled) if deadlock else None

    def run(self) -> None:
        """The search itself."""
        result, queue, compiled, budget = self.result, self.queue, self.compiled, self.budget
        moves: list[Move] = []
        hits: list[Hit] = []
        seen: list[int] = []
        distance = 0
        canonical = result.reduction
        for state in compiled.initial_states():
            queue.push(state if canonical is None else canonical(state), 0, None)
        for state, cost in queue:
            if cost > distance:
                if self._settle(distance):
                    return
                distance = cost
                if budget.depth is not None and cost > budget.depth:
                    result.depth = budget.depth
                    raise Stopped("depth")
            if result.states % CHECK_EVERY == 0:
                self._look_at_budget()
            result.states += 1
            result.depth = cost
            compiled.observe(state, seen)
            for target in seen:
                self.tally.hit(target, Found(cost, state, None))
            compiled.moves(state, moves, hits)
            if canonical is not None:
                moves = canonical.moves(moves)
            for hit in hits:
                self.tally.hit(hit[0], Found(cost + hit[1], state, Hit(*hit)))
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
            dead = self.deadlocks.nearest()
            result.dead = None if dead is None else Found(queue.cost[dead], dead, None)

    def _settle(self, distance: int) -> bool:
        return self.tally.settle(distance, lambda n: self.compiled.wanted.__setitem__(n, 0))

    def _look_at_budget(self) -> None:
        result, budget = self.result, self.budget
        if budget.states is not None and result.states >= budget.states:
            raise Stopped("states")
        budget.check(lambda: Progress(self.name, states=len(self.queue.cost), frontier=self.queue.waiting, depth=result.depth))


class ExplicitEngine:
    """The engine that the rest of the tool sees: a search in Python, then by native code what turns out not to be small.

    Where a slice of the same shape was not small before, native code comes at once. ``few``: states up to which the search in Python
    goes on; None: by the size of the System. ``threads`` of native code; None: one for each CPU. Which of the two searches answers is
    decided by counts alone, never by a clock. ``symmetry``: what is not small is searched modulo the symmetry that is found in it.
    """

    name = "explicit"

    def __init__(self, thorough: bool = True, few: int | None = None, threads: int | None = None, symmetry: bool = True) -> None:
        self.thorough = thorough
        self.few = few
        self.threads = threads
        self.symmetry = symmetry

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Decide the properties within the budget. Covers are reported with the property whose name begins
        theirs.
        """
        started = time.monotonic()
        result = self._explore(system, DEADLOCK in properties, budget)
        try:
            seconds = time.monotonic() - started
            return [outcome_of(result, p, seconds, self.name) for p in properties]
        finally:
            result.close()

    def _explore(self, system: System, deadlock: bool, budget: Budget) -> Exploration:
        compiled = Compiled(system)
        few = few_states(compiled) if self.few is None else self.few
        if self.few is None and (budget.states is None or few < budget.states) and budget.siblings.is_large(system):
            few = 0
        if budget.states is not None:
            few = min(few, budget.states)
        thorough, name = self.thorough, self.name
        tiny = min(few, TINY) if self.symmetry and self.few is None else few
        if tiny or budget.states == 0:
            small = explore(system, replace(budget, states=tiny), deadlock=deadlock, thorough=thorough, name=name, compiled=compiled)
            if small.reason != "states" or tiny == budget.states:
                return small
        canonical = reduction_of(compiled) if self.symmetry else None
        if few and (canonical is not None or tiny < few):
            if canonical is not None:
                small = self._modulo(canonical, replace(budget, states=few), deadlock)
            else:
                small = explore(system, replace(budget, states=few), deadlock=deadlock, thorough=thorough, name=name)
            if small.reason != "states" or few == budget.states:
                return small
        budget.siblings.note_large(system)
        from dmaverify.engines.native.emit import NotNative
        from dmaverify.engines.native.engine import explore_natively

        try:
            return explore_natively(
                compiled,
                budget,
                deadlock=deadlock,
                thorough=thorough,
                name=name,
                threads=self.threads,
                canonical=canonical,
            )
        except NotNative as why:
            if canonical is None:
                result = explore(system, budget, deadlock=deadlock, thorough=thorough, name=name)
            else:
                result = self._modulo(canonical, budget, deadlock)
            result.warnings.append(f"searched in Python, which is slower than native code: {why}")
            return result

    def _modulo(self, canonical: Reduction, budget: Budget, deadlock: bool) -> PythonExploration:
        # the functions at hand have been used: they do not want any more what the search before decided
        fresh = type(canonical)(Compiled(canonical.compiled.system), canonical.symmetry)
        system = fresh.compiled.system
        return explore(system, budget, deadlock=deadlock, thorough=self.thorough, name=self.name, canonical=fresh)


def reduction_of(compiled: Compiled) -> Reduction | None:
    """The symmetry of a System, to search modulo it; None if it has none."""
    from dmaverify.engines.symmetric import Reduction
    from dmaverify.ir.symmetry import find

    symmetry = find(compiled.system)
    return None if symmetry is None else Reduction(compiled, symmetry)


FEW_STATES = 4_000
"""A search with fewer states is over in Python before native code would be ready to start."""


TINY = 1_000
"""A search with fewer states is over before symmetry would be found."""


def few_states(compiled: Compiled) -> int:
    """How many states are few for a System of this size: compiling takes the longer the more text there is."""
    return FEW_STATES + sum(map(len, compiled.sources)) // 5
