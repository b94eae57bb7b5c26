"""Deadlocks: some thread is not done, and no thread can ever move again, whatever the hardware does."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from dmaverify.engines.successors import Compiled, Hit, Move

if TYPE_CHECKING:
    from dmaverify.engines.symmetric import Reduction


class Deadlocks:
    """Which states are deadlocked: some thread is not done, and no thread can ever move again, whatever the
    hardware does.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.compiled, system = compiled, compiled.system
        tasks = {t.name for t in system.threads if not t.is_device}
        self.by_thread = [a.thread in tasks for a in system.actions]
        self.tasks = [t for t in system.threads if not t.is_device]
        self.stuck: dict[int, int] = {}
        self.next: dict[int, list[int]] = {}

    def add(self, state: int, cost: int, moves: Iterable[Move], hits: Iterable[Hit]) -> None:
        """Note a state, if it is stuck."""
        if self.is_stuck(moves, hits):
            self.stuck[state] = cost
            self.next[state] = [m[0] for m in moves]

    def is_stuck(self, moves: Iterable[Move], hits: Iterable[Hit]) -> bool:
        """Whether no task can move. A state where one goes wrong (a failed ``stop`` check) is not stuck."""
        stops = (h for h in hits if self.compiled.targets[h[0]].stop)
        return not any(self.by_thread[m[2]] for m in itertools.chain(moves, stops))

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


def nearest_deadlock(
    compiled: Compiled, stuck: Mapping[int, int], watch: Callable[[], None], canonical: Reduction | None = None
) -> int | None:
    """The nearest deadlocked state among ``stuck`` ones, which are given with their distances.

    All stuck states that others lead to, however far, must be among them, but for those where every task is done. ``watch`` is
    called now and then, and may raise. ``canonical``: as for the search.
    """
    graph = Deadlocks(compiled)
    for c in range(len(compiled.wanted)):
        compiled.wanted[c] |= compiled.targets[c].stop
    known = set(stuck)
    todo = list(stuck)
    moves: list[Move] = []
    hits: list[Hit] = []
    while todo:
        if len(known) % 1024 == 0:
            watch()
        state = todo.pop()
        compiled.moves(state, moves, hits)
        if canonical is not None:
            moves = canonical.moves(moves)
        if graph.is_stuck(moves, hits):
            # one that was not given is not a deadlock itself: it only leads on
            graph.stuck[state] = stuck.get(state, 0)
            graph.next[state] = [m[0] for m in moves]
            new = {m[0] for m in moves} - known
            known |= new
            todo += new
        moves.clear()
        hits.clear()
    return graph.nearest()
