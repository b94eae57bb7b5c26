"""Engines side by side, each in a process of its own: the first sound answer to a property wins, and who has nothing left to find
out is ended.

Entrants stand in the order in which they begin; there are as many at work as there are cores. A verdict does not depend on who is
first: engines that contradict each other are an internal error. So that the *trace* does not depend on it either, rounds end
after 1, 2, 4, 8… seconds, and a violation is settled only at the end of the round in which it was found: among several traces of
one length, that of the entrant that stands first is taken. A proof is settled when it is found, but not before the first round ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait

from dmaverify.engines.base import Budget, Engine, signed
from dmaverify.engines.worker import POLL, Child
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome, Tried, Word

Found = Mapping[str, Outcome]

FIRST_ROUND = 1.0
"""Seconds. Each further round is as long as all before it."""


@dataclass(frozen=True)
class Entrant:
    """One engine. ``limits``: its budget, asked for when it begins; None if nothing is left for it. ``wants``: the properties
    that it can still do something for.
    """

    engine: Engine
    limits: Callable[[], Budget | None]
    wants: Callable[[Found], tuple[str, ...]]


@dataclass
class _Running:
    rank: int
    entrant: Entrant
    child: Child
    begun: float


class Race:
    """One System, several engines, ``cores`` of them at a time."""

    def __init__(self, system: System, cores: int, joined: Callable[[Outcome, Outcome], Outcome]) -> None:
        self.system = system
        self.cores = cores
        self.joined = joined
        self._ranks: dict[str, int] = {}
        """Who gave the answer to a property that was decided."""
        self._until: dict[str, float] = {}
        """When the round ends in which it was found, in seconds since the start."""
        self._started = time.monotonic()

    def run(self, entrants: Sequence[Entrant], found: dict[str, Outcome]) -> None:
        """Let them run until nobody has anything left to do; ``found`` is what was known before, and takes what they find."""
        waiting = list(enumerate(entrants))
        running: list[_Running] = []
        try:
            while waiting or running:
                while waiting and len(running) < self.cores:
                    self._begin(*waiting.pop(0), found, running)
                if running:
                    wait([r.child.pipe for r in running], POLL)
                for r in [r for r in running if r.child.look()]:
                    self._take(r, found)
                    self._end(r, running)
                for r in running[:]:
                    if not self._has_work(r, found):
                        self._note(r, found)
                        self._end(r, running)
        finally:
            for r in running[:]:
                self._end(r, running)

    def _begin(self, rank: int, entrant: Entrant, found: Found, running: list[_Running]) -> None:
        wanted = entrant.wants(found)
        limits = entrant.limits() if wanted else None
        if limits is not None:
            child = Child(entrant.engine, self.system, wanted, limits)
            running.append(_Running(rank, entrant, child, time.monotonic()))

    @staticmethod
    def _end(r: _Running, running: list[_Running]) -> None:
        r.child.end()
        running.remove(r)

    def _take(self, r: _Running, found: dict[str, Outcome]) -> None:
        """What one has answered, beside what is known."""
        for o in r.child.answer:
            o.seconds = o.seconds or time.monotonic() - r.begun
            signed(o)
            before = found.get(o.prop)
            first = before is None or r.rank < self._ranks.get(o.prop, -1)
            both = o if before is None else self.joined(o, before) if first else self.joined(before, o)
            violated = both.word is Word.VIOLATED
            news = before is None or first or (both.word, both.trace) != (before.word, before.trace)
            if news and (violated or both.word.holds):
                self._ranks[o.prop] = r.rank
                end = _end_of_round(time.monotonic() - self._started)
                self._until.setdefault(o.prop, end if violated else min(end, FIRST_ROUND))
            found[o.prop] = both

    @staticmethod
    def _note(r: _Running, found: Found) -> None:
        """It was at it when somebody else was first."""
        gone = Tried(r.entrant.engine.name, "ended", time.monotonic() - r.begun)
        for p in r.child.properties:
            if p in found:
                found[p].tried = (*found[p].tried, gone)

    def _has_work(self, r: _Running, found: Found) -> bool:
        """Whether it can still find out something, or find the trace that is to be shown in this round."""
        wanted = set(r.entrant.wants(found))
        if wanted & set(r.child.properties):
            return True
        now = time.monotonic() - self._started
        return any(r.rank < self._ranks.get(p, -1) and now < self._until[p] for p in r.child.properties)


def _end_of_round(seconds: float) -> float:
    """When the round ends that is on then."""
    end = FIRST_ROUND
    while end < seconds:
        end *= 2
    return end
