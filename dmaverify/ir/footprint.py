"""What each action touches, and which actions others can notice.

A statement of a thread is *visible* if it writes a place that anybody else reads or writes, or reads one that anybody else
writes. Anybody else: other threads and handlers, devices, hardware that acts by itself, and observers (``always`` and
``cover`` read the states between steps). Places that all threads touch with one lock held, and nothing else touches at all,
do not count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from dmaverify.ir.expr import Expr, variables
from dmaverify.ir.locksets import LockFacts, lock_cells
from dmaverify.ir.pcgraph import graphs, places_read
from dmaverify.ir.rebuild import action_exprs
from dmaverify.ir.system import Action, System


@dataclass(frozen=True)
class StepRule:
    """Which statements may share a step. The tests switch each part off to see that it is missed.

    ``hardware_is_foreign``: what acts by itself counts as anybody else. ``acquire_first``: taking a lock starts a step.
    ``nothing_after_release``: once a lock is given back no visible statement follows in the step.
    """

    hardware_is_foreign: bool = True
    acquire_first: bool = True
    nothing_after_release: bool = True


SOUND = StepRule()
"""The step rule."""

_HARDWARE, _OBSERVER = " hardware", " observer"  # no thread is called like that


def _standing(pc: str, place: int) -> str:
    """The place "this thread stands there"; no variable is called like that."""
    return f"{pc} at {place}"


class Footprints:
    """Who touches what in one core System.

    Where a thread stands is a place for each value of its pc, if others only ask whether it stands *there*: then only
    the statements that come from there or go there touch it.
    """

    def __init__(self, system: System, facts: LockFacts, rule: StepRule = SOUND) -> None:
        self.system = system
        self.facts = facts
        self._devices = {t.name for t in system.threads if t.is_device}
        self._graphs = {g.thread.pc: g for g in graphs(system).values() if g.simple}
        self._lock_names = {id(a): self._locks(a) for a in system.actions}
        self.stops: dict[str, set[int]] = {}
        """By thread: places that a cover asks about, where steps therefore have to stop."""
        readers: dict[str, set[str]] = defaultdict(set)
        writers: dict[str, set[str]] = defaultdict(set)
        self._reads: dict[int, set[str]] = {}
        self._writes: dict[int, set[str]] = {}
        for a in system.actions:
            actor = self._actor(a)
            # taking and giving back a lock that all honour is not a touch
            reads = self._places(action_exprs(a)) - self._lock_names[id(a)]
            writes = self._written(a) - self._lock_names[id(a)]
            self._reads[id(a)], self._writes[id(a)] = reads, writes
            if a.thread is None and not rule.hardware_is_foreign:
                continue
            for v in reads:
                readers[v].add(actor)
            for v in writes:
                writers[v].add(actor)
        self._observe(readers)
        self._readers, self._writers = readers, writers
        self._guarded = {v for v in set(readers) | set(writers) if self._is_guarded(v)}

    def _actor(self, a: Action) -> str:
        return _HARDWARE if a.thread is None else a.thread

    def _locks(self, a: Action) -> set[str]:
        return {n for op in a.locks for n in lock_cells(op.lock) if n in self.facts.valid and n in a.updates}

    def _places(self, exprs: Iterable[Expr]) -> set[str]:
        """What expressions read: variables, and places of threads."""
        roots = list(exprs)
        names = variables(*roots)
        asked = places_read(roots, self._graphs)
        for pc, places in asked.items():
            names.discard(pc)
            graph = self._graphs[pc]
            names |= {_standing(pc, p) for p in (graph.places if places is None else places)}
        return names

    def _written(self, a: Action) -> set[str]:
        names = set(a.updates)
        for pc in names & self._graphs.keys():
            names.discard(pc)
            after = self._graphs[pc].after(a) or []
            if after != [a.at]:
                names |= {_standing(pc, p) for p in after}
                names |= set() if a.at is None else {_standing(pc, a.at)}
        return names

    def _observe(self, readers: dict[str, set[str]]) -> None:
        """What state properties read. Where they wait for a lock, they do not see what it guards in mid-update."""
        for w in self.system.always:
            free = {n for lock in w.stable for n in lock_cells(lock)}
            for v in self._places((w.cond, w.when)):
                if v in free or self.facts.of(v) & free:
                    continue
                readers[v].add(_OBSERVER)
        for c in self.system.covers:
            if self._stands(c.cond):
                continue
            for v in self._places((c.cond,)):
                readers[v].add(_OBSERVER)

    def _stands(self, cond: Expr) -> bool:
        """Whether a cover asks for nothing but that threads stand in certain places: then it is enough to stop there."""
        asked: dict[str, int] = {}
        for part in cond.args if cond.op == "and" else (cond,):
            places = places_read((part,), self._graphs)
            if part.op != "eq" or len(places) != 1:
                return False
            ((pc, at),) = places.items()
            if at is None or len(at) != 1 or pc in asked:
                return False
            (asked[pc],) = at
        for pc, place in asked.items():
            self.stops.setdefault(self._graphs[pc].thread.name, set()).add(place)
        return True

    def _is_guarded(self, place: str) -> bool:
        touching = self._readers[place] | self._writers[place]
        if touching & ({_HARDWARE, _OBSERVER} | self._devices):
            return False
        return bool(self.facts.of(place) & self.facts.valid)

    def visible(self, a: Action) -> bool:
        """Whether anybody else can notice the action, or it can notice them."""
        if a.thread is None or a.at is None:
            return True
        me = {self._actor(a)}
        # a lock that somebody looks at other than by taking it is a place like any other
        for v in self._writes[id(a)] | self._lock_names[id(a)]:
            if v not in self._guarded and (self._readers[v] - me or self._writers[v] - me):
                return True
        return any(v not in self._guarded and self._writers[v] - me for v in self._reads[id(a)])

    def acquires(self, a: Action) -> bool:
        """Whether the action takes a lock that all honour."""
        return any(op.op == "acquire" and self._honoured(op.lock) for op in a.locks)

    def releases(self, a: Action) -> bool:
        """Whether the action gives back a lock that all honour."""
        return any(op.op == "release" and self._honoured(op.lock) for op in a.locks)

    def _honoured(self, lock: Expr) -> bool:
        """Whether a lock, or each cell that it may be, is one that all honour."""
        cells = lock_cells(lock)
        return bool(cells) and cells <= self.facts.valid
