"""What each action touches, and which actions others can notice.

A statement of a thread is *visible* if it writes a place that anybody else reads or writes, or reads one that
anybody else writes. Anybody else: other threads and handlers, devices, hardware that acts by itself, and
observers (``always`` and ``cover`` read the states between steps). Places that all threads touch with one
lock held, and nothing else touches at all, do not count; nor do threads that have ended before this one
starts, or that start after it has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dmaverify.ir.expr import Expr
from dmaverify.ir.locksets import LockFacts, lock_cells
from dmaverify.ir.pcgraph import PcGraph, graphs, places_read
from dmaverify.ir.rebuild import action_exprs
from dmaverify.ir.system import Action, System
from dmaverify.ir.traverse import variables


@dataclass(frozen=True)
class StepRule:
    """Which statements may share a step. The tests switch each part off to see that it is missed.

    ``hardware_is_foreign``: what acts by itself counts as anybody else. ``acquire_first``: taking a lock
    starts a step. ``nothing_after_release``: once a lock is given back no visible statement follows in the
    step.
    """

    hardware_is_foreign: bool = True
    acquire_first: bool = True
    nothing_after_release: bool = True


SOUND = StepRule()
"""The step rule."""

_HARDWARE = " hardware"  # no thread is called like that


def _standing(pc: str, place: int) -> str:
    """The place "this thread stands there"; no variable is called like that."""
    return f"{pc} at {place}"


def _one_after_the_other(graph_of: Mapping[str, PcGraph]) -> tuple[set[tuple[str, str]], dict[str, set[int]]]:
    """Pairs of threads of which the second does not start before the first has ended; and where it waits
    for that.

    It waits at its entry, whatever it does first, for the other to stand where nothing starts any more.
    What either does in the middle of a step is nothing to the other.
    """
    waits: dict[str, set[str]] = {}
    places: dict[str, set[int]] = {}
    for graph in graph_of.values():
        starts = [] if graph.entry is None else graph.actions.get(graph.entry, [])
        ends = [dict(e for g in _conjuncts(a.guard) if (e := _ended(g, graph_of)) is not None) for a in starts]
        waits[graph.thread.name] = set.intersection(*map(set, ends)) - {graph.thread.name} if ends else set()
        for name, place in ((n, p) for end in ends for n, p in end.items()):
            places.setdefault(name, set()).add(place)
    pairs: set[tuple[str, str]] = set()
    for then, firsts in waits.items():
        todo, seen = list(firsts), set(firsts)
        while todo:
            more = waits.get(todo.pop(), set()) - seen
            seen |= more
            todo += more
        pairs |= {(first, then) for first in seen - {then}}
    return pairs, places


def _ended(condition: Expr, graph_of: Mapping[str, PcGraph]) -> tuple[str, int] | None:
    """The thread that stands where nothing starts if the condition holds, and where."""
    if condition.op != "eq":
        return None
    for pc, place in (condition.args, condition.args[::-1]):
        if pc.op == "var" and pc.data in graph_of and place.op == "const":
            graph = graph_of[pc.data]
            end = int(place.value)
            return None if end in graph.actions else (graph.thread.name, end)
    return None


def _conjuncts(e: Expr) -> tuple[Expr, ...]:
    return e.args if e.op == "and" else (e,)


class Footprints:
    """Who touches what in one core System.

    Where a thread stands is a place for each value of its pc, if others only ask whether it stands *there*:
    then only the statements that come from there or go there touch it.
    """

    def __init__(self, system: System, facts: LockFacts, rule: StepRule = SOUND) -> None:
        self.system = system
        self.facts = facts
        self._devices = {t.name for t in system.threads if t.is_device}
        self._graphs = {g.thread.pc: g for g in graphs(system).values() if g.simple}
        self._not_foreign = {t.name: {t.name} for t in system.threads}
        """The thread itself, and those that are never at work together with it."""
        pairs, places = _one_after_the_other(self._graphs)
        for first, then in pairs:
            self._not_foreign[first].add(then)
            self._not_foreign[then].add(first)
        self._lock_names = {id(a): self._locks(a) for a in system.actions}
        self.stops: dict[str, set[int]] = places
        """By thread: places that a cover or a later thread asks about, where steps therefore have to stop."""
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
        self._readers, self._writers = readers, writers
        self._observers = self._observe()
        self._guarded: dict[tuple[str, str], bool] = {}

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
            after = self._graphs[pc].after(a) or ()
            if after != (a.at,):
                names |= {_standing(pc, p) for p in after}
                names |= set() if a.at is None else {_standing(pc, a.at)}
        return names

    def _observe(self) -> dict[str, list[set[str]]]:
        """What state properties read, and for each reading the locks that it waits for."""
        found: dict[str, list[set[str]]] = defaultdict(list)
        for w in self.system.always:
            free = {n for lock in w.stable for n in lock_cells(lock)}
            for v in self._places((w.cond, w.when)) - free:
                found[v].append(free)
        for c in self.system.covers:
            if not self._stands(c.cond):
                for v in self._places((c.cond,)):
                    found[v].append(set())
        return found

    def _stands(self, cond: Expr) -> bool:
        """Whether a cover asks for nothing but that threads stand in certain places: then it is enough to
        stop there.
        """
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

    def _is_observed(self, place: str, thread: str) -> bool:
        """Whether a state property sees what the thread does to a place.

        One that waits for a lock does not see in mid-update what the thread only touches with that lock held.
        """
        held = self.facts.of(place, thread)
        return any(not held & free for free in self._observers.get(place, ()))

    def _is_guarded(self, place: str, thread: str) -> bool:
        """Whether all who may be at work together with the thread hold one lock whenever they touch a
        place.
        """
        key = place, thread
        if key not in self._guarded:
            touching = (self._readers[place] | self._writers[place]) - self._not_foreign[thread]
            common = self.facts.valid.intersection(*(self.facts.of(place, t) for t in touching | {thread}))
            alone = not touching & ({_HARDWARE} | self._devices)
            self._guarded[key] = alone and bool(common) and not self._is_observed(place, thread)
        return self._guarded[key]

    def visible(self, a: Action) -> bool:
        """Whether anybody else can notice the action, or it can notice them."""
        if a.thread is None or a.at is None:
            return True
        mine = self._not_foreign[a.thread]
        # a lock that somebody looks at other than by taking it is a place like any other
        for v in self._writes[id(a)] | self._lock_names[id(a)]:
            if self._is_guarded(v, a.thread):
                continue
            if self._readers[v] - mine or self._writers[v] - mine or self._is_observed(v, a.thread):
                return True
        return any(self._writers[v] - mine and not self._is_guarded(v, a.thread) for v in self._reads[id(a)])

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
