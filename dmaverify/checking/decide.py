"""Decides properties of a System: prepares the slices, runs an engine on each, joins the answers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dmaverify.checking.merge import merge
from dmaverify.checking.options import Options
from dmaverify.checking.probes import Walks, by_themselves
from dmaverify.checking.problems import WrongInput
from dmaverify.checking.shares import PROBES, WORTH_IT, Purse, Shares
from dmaverify.checking.tested import Meant
from dmaverify.engines.base import Budget, Engine, Progress
from dmaverify.ir.expr import const
from dmaverify.ir.pipeline import Core, prepare, to_core
from dmaverify.ir.slice import Slice
from dmaverify.ir.system import Check, System
from dmaverify.ir.types import Int
from dmaverify.span import Span
from dmaverify.verdict import Outcome, Word

DEADLOCK = "deadlock"
"""The built-in property about the graph of all states: it has no check of its own, and nothing may be
sliced away.
"""

SEARCHING = ("auto", "explicit")
"""Engines that begin with a short search of the whole."""

FEW_STATES = 2_500
"""What that search may visit. A System with more is sliced first."""

_WEIGHT = Int(32)


@dataclass
class _Late:
    """A property for which so many seconds were too few in a slice; ``number`` of the slice among those of the property."""

    part: Slice
    name: str
    number: int
    seconds: float


class Decider:
    """One System and what is to be found out about it.

    ``by_name``: properties that somebody asked for by name; they are never *not applicable*. ``probes``: covers that
    nobody asked for, and that ``probed`` answers afterwards.
    ``reference`` is the System with the weight of every action in it: in its terms traces come back, and are
    replayed. ``shares``: the time that there is; by default what the options say.
    """

    def __init__(
        self,
        system: System,
        options: Options,
        progress: Callable[[Progress], None] | None = None,
        by_name: frozenset[str] = frozenset(),
        probes: tuple[str, ...] = (),
        shares: Shares | None = None,
    ) -> None:
        self.options = options
        self.shares = shares or Shares(Purse(options.timeout, options.property_timeout))
        self.by_name = by_name
        self.probes: dict[str, bool | None] = dict.fromkeys(probes)
        self.core: Core = to_core(system)
        weights = self.core.weights
        self.reference = system.with_(
            actions=tuple(replace(a, weight=const(weights.get(a.name, 0), _WEIGHT)) for a in system.actions)
        )
        self.declared = {p.name for p in system.properties}
        """Properties; other names that are asked for are covers."""
        self.budget = Budget(
            None,  # that is for ``shares`` to say
            options.memory,
            options.depth,
            progress=progress,
            checkpoint=options.checkpoint,
            checkpoint_every=options.checkpoint_every,
        )
        self.engine = engine_named(options, self.core.system)
        self.walks = Walks(self.reference, options.seed)
        self.meant = Meant(self.core, self.walks, options, self.budget, self.shares)
        self._had = 0.0
        """Seconds that there were for the last slice."""

    def outcomes(self, properties: tuple[str, ...]) -> Iterator[Outcome]:
        """One outcome for each property, as soon as it is decided."""
        idle = {p.name for p in self.reference.properties if not p.applies} - self.by_name
        for name in properties:
            if name in idle:
                yield Outcome(name, Word.NOT_APPLICABLE)
        asked = tuple(n for n in properties if n not in idle)
        decided: set[str] = set()
        if asked and self.options.slice and self.options.engine in SEARCHING:
            for outcome in self._at_once(asked):
                decided.add(outcome.prop)
                yield outcome
        by_slices = self._by_slices(tuple(n for n in asked if n not in decided))
        yield from self.meant.settled(by_slices) if self.options.slice else by_slices

    def _at_once(self, asked: tuple[str, ...]) -> Iterator[Outcome]:
        """What a short search of the unsliced System decides: for most scenarios all, and sooner than
        slices are made.
        """
        from dmaverify.engines.explicit import ExplicitEngine

        (whole,) = prepare(self.core, asked, fuse=self.options.fuse, slice=False).slices
        limits = replace(self.budget, states=FEW_STATES)
        self.shares.begin(self._counted(dict.fromkeys(asked, 1)))
        engine = ExplicitEngine(thorough=False, symmetry=self.options.symmetry)
        for outcome in self._in_time(self._with_probes(whole), asked, engine, limits):
            self._note_probe(outcome)
            if outcome.prop in asked and (outcome.word.holds or outcome.word is Word.VIOLATED):
                self.meant.believed(outcome)
                yield self._joined(outcome.prop, [outcome])

    def _with_probes(self, whole: Slice) -> Slice:
        """The probes are asked as well, of a System from which nothing was sliced away."""
        return replace(whole, properties=(*whole.properties, *(n for n in self.probes if n not in whole.properties)))

    def _note_probe(self, o: Outcome) -> None:
        if o.prop in self.probes:
            self.probes[o.prop] = o.covers.get(o.prop, False if o.word.holds else None)

    def probed(self) -> dict[str, bool | None]:
        """The probes: passed, impossible, or undecided."""
        for name in self.walks.passed(self._open()):
            self.probes[name] = True
        if left := self._open():
            self.shares.begin({PROBES: 1})
            self.probes.update(by_themselves(self.core, left, self.options, self.budget, self.shares))
        return dict(self.probes)

    def _open(self) -> tuple[str, ...]:
        return tuple(name for name, answer in self.probes.items() if answer is None)

    def _by_slices(self, asked: tuple[str, ...]) -> Iterator[Outcome]:
        """Each property by the slices that its checks need."""
        searched = tuple(n for n in asked if n != DEADLOCK)
        slices = list(prepare(self.core, searched, fuse=self.options.fuse, slice=self.options.slice).slices)
        if DEADLOCK in asked:
            whole = prepare(self.core, (DEADLOCK,), fuse=self.options.fuse, slice=False).slices
            slices += [replace(s, properties=(DEADLOCK,)) for s in whole]
        if not self.options.slice and self.options.engine == "explicit":
            # the whole is searched to its end: by the way that answers the probes
            slices = [s if DEADLOCK in s.properties else self._with_probes(s) for s in slices]
        left = {n: sum(n in s.properties for s in slices) for n in asked}
        found: dict[str, list[Outcome]] = {n: [] for n in asked}
        late: list[_Late] = []
        for name in asked:
            if not left[name]:
                yield self._joined(name, [])
        self.shares.begin(self._counted(left))
        for s in slices:
            for outcome in self._in_time(s, tuple(n for n in s.properties if n in left), self.engine, self._limits(s, found)):
                name = outcome.prop
                self._note_probe(outcome)
                if name not in found:
                    continue  # decided with built-in checks kept
                if _out_of_time(outcome):
                    late.append(_Late(s, name, len(found[name]), self._had))
                found[name].append(outcome)
                left[name] -= 1
                if self._means_nothing(outcome):
                    yield self._joined(name, self._keeping_stops(name))
                    del found[name]
                elif not left[name] and not self._may_go_again(name, found, late):
                    yield self._joined(name, found.pop(name))
        yield from self._go_again(late, found)

    def _counted(self, slices: dict[str, int]) -> dict[str, int]:
        """In how many slices everything is looked at; all probes together count as one."""
        return {**slices, PROBES: 1} if self._open() else slices

    def _may_go_again(self, name: str, found: dict[str, list[Outcome]], late: Sequence[_Late]) -> bool:
        """Whether there may be another go for a property: where it is violated already, what is to be said of it is known."""
        violated = any(o.word is Word.VIOLATED for o in found[name])
        return self.shares.limited and not violated and any(o.name == name for o in late)

    def _go_again(self, late: list[_Late], found: dict[str, list[Outcome]]) -> Iterator[Outcome]:
        """What ran out of time once more, each property by itself, as long as others have left enough time for it."""
        while late := [o for o in late if o.name in found and self._may_go_again(o.name, found, late)]:
            self.shares.begin(self._counted(Counter(o.name for o in late)))
            later: list[_Late] = []
            for o in late:
                allowed = self.shares.allowed((o.name,))
                if o.name not in found or allowed is None or allowed <= WORTH_IT * o.seconds:
                    continue
                again = replace(o.part, properties=(o.name,))
                (outcome,) = self._in_time(again, (o.name,), self.engine, self._limits(again, found))
                if self._means_nothing(outcome):
                    yield self._joined(o.name, self._keeping_stops(o.name))
                    del found[o.name]
                    continue
                if _out_of_time(outcome):
                    later.append(replace(o, seconds=self._had))
                found[o.name][o.number] = _both(found[o.name][o.number], outcome)
            for name in dict.fromkeys(o.name for o in late if o.name in found):
                if not self._may_go_again(name, found, later):
                    yield self._joined(name, found.pop(name))
            late = later

    def _means_nothing(self, o: Outcome) -> bool:
        """Whether a trace goes on behind a failed built-in check, which its slice does not have."""
        from dmaverify.checking.confirm import stopped_by

        return o.trace is not None and o.prop != DEADLOCK and stopped_by(self.reference, o.trace) is not None

    def _keeping_stops(self, name: str) -> list[Outcome]:
        """A property (or cover) once more, in slices that keep the built-in checks on the way."""
        prepared = prepare(self.core, (name,), fuse=self.options.fuse, slice=self.options.slice, stops=True)
        found: dict[str, list[Outcome]] = {name: []}
        for s in prepared.slices:
            found[name] += self._in_time(s, (name,), self.engine, self._limits(s, found))
        return found[name]

    def _limits(self, s: Slice, found: dict[str, list[Outcome]]) -> Budget:
        """The budget for a slice: where all of its properties are violated already, only a shorter trace
        matters.
        """
        shortest: list[int] = []
        for name in s.properties:
            lengths = [
                o.trace.length for o in found.get(name, ()) if o.word is Word.VIOLATED and o.trace is not None
            ]
            if not lengths:
                return self.budget
            shortest.append(min(lengths))
        depth = max(0, max(shortest) - 1)
        return replace(
            self.budget, depth=depth if self.budget.depth is None else min(depth, self.budget.depth)
        )

    def _in_time(self, s: Slice, names: tuple[str, ...], engine: Engine, budget: Budget) -> list[Outcome]:
        """``_search`` with the time that these of its properties have for it."""
        clock = self.shares.purse.clock
        began, allowed = clock(), self.shares.allowed(names)
        self._had = allowed or 0.0
        outcomes = self._search(s, engine, replace(budget, timeout=allowed, started=time.monotonic()))
        self.shares.took(names, clock() - began)
        return outcomes

    def _search(self, s: Slice, engine: Engine, budget: Budget) -> list[Outcome]:
        """An engine's answers about one slice, in terms of the reference System."""
        outcomes = engine.run(s.system, s.properties, budget)
        for o in outcomes:
            if o.trace is not None:
                o.trace = self.core.flat.decode_trace(o.trace)
            for t in s.targets:
                if t.prop == o.prop and t.kind != "cover":
                    o.exercised.setdefault(t.label, None)
        return outcomes

    def _joined(self, name: str, parts: list[Outcome]) -> Outcome:
        outcome = merge(name, parts)
        for label, span in _labels(self.reference, name).items():
            # what the passes have found to be unreachable is in no slice
            outcome.exercised.setdefault(label, False)
            outcome.spans.setdefault(label, span)
        if name not in self.declared:
            # a cover that the passes have found to be unreachable is in no slice either
            outcome.covers.setdefault(name, False if outcome.word.holds else None)
        self.walks.put_to_the_test(outcome)
        return outcome


def _out_of_time(o: Outcome) -> bool:
    """Whether it was time that an engine did not have."""
    return o.word in (Word.UNKNOWN, Word.BOUNDED) and "time" in o.reason.split("; ")


def _both(before: Outcome, after: Outcome) -> Outcome:
    """Two goes at one property of one slice."""
    from dmaverify.engines.auto import joined

    return joined(before, after)


def _labels(system: System, prop: str) -> dict[str, Span]:
    labels = {w.label: w.span for w in system.always if w.prop == prop}
    for a in system.actions:
        labels.update({e.label: e.span for e in a.effects if isinstance(e, Check) and e.prop == prop})
    return labels


def engine_named(options: Options, core: System) -> Engine:
    """The engine of that name."""
    from dmaverify.engines.auto import ENGINES, lemmas_of, make_engine

    if options.engine not in ENGINES:
        from difflib import get_close_matches

        close = get_close_matches(options.engine, ENGINES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(ENGINES)}"
        raise WrongInput(f"there is no engine {options.engine}; {hint}")
    folder = Path(options.certificates) if options.certificates is not None else None
    return make_engine(
        options.engine,
        seed=options.seed,
        lemmas=lemmas_of(core),
        certificates=folder,
        symmetry=options.symmetry,
        cores=options.cores,
    )
