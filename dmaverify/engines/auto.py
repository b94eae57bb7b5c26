"""Which engine for which System: the portfolio that ``--engine auto`` stands for, and the engines by name.

One System (usually a slice) after the other. Explicit search comes first, because it decides small Systems at once, gives shortest
traces and answers what was exercised. What it leaves, because there are too many states or because something may have more values
than can be tried, all engines try side by side (``race``), as many at a time as there are cores: search with more states, a short
attempt at a proof by induction, property-directed reachability, a shallow search for violations, a longer attempt at a proof, a
deeper search. Words are joined so that it does not matter who was first: a violation (always replayed) counts more than a proof,
which two solvers have checked, and a proof more than a bound.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from dmaverify.engines.base import Budget, Engine, Stopped, signed
from dmaverify.engines.frozen import frozen
from dmaverify.engines.never import claims, covered
from dmaverify.ir.system import Always, System
from dmaverify.verdict import Outcome, Word

EngineName = Literal["auto", "explicit", "bmc", "induction", "pdr", "abc"]
ENGINES: tuple[EngineName, ...] = ("auto", "explicit", "bmc", "induction", "pdr", "abc")

DEADLOCK = "deadlock"
"""Decided by explicit search only."""


@dataclass(frozen=True)
class Stage:
    """One engine with the limits it gets beside those of the budget. ``share``: of what is left when it starts."""

    engine: Literal["explicit", "bmc", "induction", "pdr"]
    seconds: float | None = None
    share: float = 1.0
    states: int | None = None
    depth: int | None = None


STAGES = (
    Stage("explicit", states=1_000_000, share=0.5),
    Stage("induction", seconds=15.0, share=0.15),
    Stage("pdr", seconds=60.0, share=0.3),
    Stage("bmc", seconds=30.0, share=0.25, depth=10),
    Stage("induction", seconds=120.0, share=0.6),
    Stage("explicit", states=20_000_000, share=0.7),
    Stage("bmc", seconds=120.0),
)
"""What is tried for what is still open, in this order where there is one core only. The seconds bound what would otherwise not end;
a budget with a time limit stretches the last one."""

ANY_SIZE = (
    Stage("explicit", states=200_000, share=0.5),
    Stage("induction", seconds=20.0, share=0.2),
    Stage("pdr", seconds=20.0, share=0.2),
    Stage("bmc", seconds=10.0, share=0.25, depth=6),
    Stage("induction", seconds=120.0, share=0.6),
    Stage("bmc", seconds=120.0),
)
"""The same where a frozen variable may have too many values to try: search gets nowhere unless a slice is rid of it, and unrolling is
slow, so that a proof is tried early."""

EXERCISE = Stage("bmc", seconds=20.0, share=0.5, depth=30)
"""How far to look for a run that puts something proved to the test."""

_BEST_FIRST = (Word.VIOLATED, Word.PROVED, Word.EXHAUSTED, Word.BOUNDED, Word.SAMPLED, Word.UNKNOWN)


def make_engine(
    name: EngineName,
    *,
    seed: int = 0,
    lemmas: Sequence[Always] = (),
    certificates: Path | None = None,
    symmetry: bool = True,
    cores: int | None = None,
) -> Engine:
    """The engine of that name. Solvers are imported when it runs, and only if it needs them.

    ``lemmas``: those of the whole core System (``lemmas_of``). ``certificates``: where proofs are written to.
    ``symmetry``: whether explicit search may make use of it. ``cores``: how many engines the portfolio has at work at a time; None: as
    many as there are.
    """
    if name == "explicit":
        return _explicit(symmetry)
    if name == "auto":
        return Auto(seed, lemmas, certificates, symmetry, cores)
    return _symbolic(name, seed, lemmas, certificates, alone=True)


def lemmas_of(core: System) -> tuple[Always, ...]:
    """The always-instances of the lemmas of a core System."""
    names = {p.name for p in core.properties if p.kind == "lemma"}
    return tuple(w for w in core.always if w.prop in names)


def _explicit(symmetry: bool, few: int | None = None, threads: int | None = None) -> Engine:
    from dmaverify.engines.explicit import ExplicitEngine

    # one violated check decides a property; the others would have to be searched to the end
    return ExplicitEngine(thorough=False, symmetry=symmetry, few=few, threads=threads)


def _symbolic(
    name: str, seed: int, lemmas: Sequence[Always], certificates: Path | None, apart: bool = True, alone: bool = False
) -> Engine:
    """A symbolic engine; ``apart``: in a process of its own; ``alone``: no search has come before."""
    from dmaverify.engines.bmc import Bmc
    from dmaverify.engines.induction import FEW_STATES, Induction
    from dmaverify.engines.pdr.engine import Pdr
    from dmaverify.engines.worker import Worker

    engine: Engine
    if name == "bmc":
        engine = Bmc(seed=seed)
    elif name in ("pdr", "abc"):
        engine = Pdr(certificates, seed=seed, abc=name == "abc")
    else:
        engine = Induction(seed=seed, hints=lemmas, certificates=certificates, few=FEW_STATES if alone else 0)
    return Worker(engine) if apart else engine


class Auto:
    """The portfolio."""

    name = "auto"

    def __init__(
        self,
        seed: int = 0,
        lemmas: Sequence[Always] = (),
        certificates: Path | None = None,
        symmetry: bool = True,
        cores: int | None = None,
    ) -> None:
        self.seed = seed
        self.symmetry = symmetry
        self.lemmas = tuple(lemmas)
        self.certificates = certificates
        self.cores = cores or cpus()

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Decide the properties, by whatever engine can."""
        from dmaverify.engines.worker import possible

        found: dict[str, Outcome] = {}
        stages = ANY_SIZE if frozen(system) else STAGES
        together = self.cores > 1 and possible()
        alone = stages[: stages[0].engine == "explicit"] if together else stages
        for stage in alone:
            left = wanted(stage, system, properties, found)
            limits = _limits(stage, budget) if left else None
            if limits is None:
                continue
            for o in self._engine(stage).run(system, left, limits):
                signed(o)
                found[o.prop] = joined(found[o.prop], o) if o.prop in found else o
        if together:
            self._side_by_side(stages[len(alone) :], system, properties, found, budget)
        self._exercise(system, found, budget)
        return [found.get(p) or Outcome(p, Word.UNKNOWN, "time", engine=self.name) for p in properties]

    def _side_by_side(
        self, stages: Sequence[Stage], system: System, properties: tuple[str, ...], found: dict[str, Outcome], budget: Budget
    ) -> None:
        """All other stages, search before the others, for it is given what time is left."""
        if not any(wanted(stage, system, properties, found) for stage in stages):
            return
        from dmaverify.engines.race import Entrant, Race

        search = [s for s in stages if s.engine == "explicit"]
        others = [s for s in stages if s.engine != "explicit"]
        threads = max(1, self.cores - len(others))
        entrants = [
            Entrant(self._engine(s, threads), partial(_limits, s, budget), partial(wanted, s, system, properties))
            for s in (*search, *others)
        ]
        Race(system, self.cores, joined).run(entrants, found)

    def _exercise(self, system: System, found: dict[str, Outcome], budget: Budget) -> None:
        """Look for runs that put to the test what was proved, where the proof did not come across any."""
        left = tuple(p for p, o in found.items() if o.word is Word.PROVED and None in o.exercised.values())
        limits = _limits(EXERCISE, budget) if left else None
        if limits is None:
            return
        from dmaverify.engines.bmc import Bmc
        from dmaverify.engines.worker import Worker

        for o in Worker(Bmc(seed=self.seed, violations=False)).run(system, left, limits):
            found[o.prop] = replace(found[o.prop], exercised=_known(found[o.prop].exercised, o.exercised))

    def _engine(self, stage: Stage, threads: int | None = None) -> Engine:
        """The engine of a stage; with ``threads`` for one of several processes."""
        if stage.engine == "explicit":
            # in a race: what is left is not small
            return _explicit(self.symmetry) if threads is None else _explicit(self.symmetry, 0, threads)
        return _symbolic(stage.engine, self.seed, self.lemmas, self.certificates, apart=threads is None)


def cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def wanted(stage: Stage, system: System, properties: tuple[str, ...], found: Mapping[str, Outcome]) -> tuple[str, ...]:
    """The properties that a stage can do something for, when so much is known."""
    left = tuple(p for p in properties if p not in found or not _decided(found[p]))
    if stage.engine != "explicit":
        left = tuple(p for p in left if p != DEADLOCK)
    elif found and not _more_states_help(found, left):
        return ()
    if stage.engine in ("induction", "pdr"):
        left = tuple(p for p in left if _may_be_proved(system, p) and not _violated(found.get(p)))
    return left


def _limits(stage: Stage, budget: Budget) -> Budget | None:
    """The budget of a stage; None if nothing is left for it, or the user has had enough."""
    try:
        budget.check()
    except Stopped:
        return None
    now = time.monotonic()
    left = budget.left()
    seconds = stage.seconds
    if left is not None:
        last = stage in (STAGES[-1], ANY_SIZE[-1]) or seconds is None
        seconds = left * stage.share if last else min(seconds or left, left * stage.share)
    return replace(
        budget,
        timeout=seconds,
        started=now,
        states=_least(budget.states, stage.states),
        depth=_least(budget.depth, stage.depth),
    )


def _least(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def _decided(o: Outcome) -> bool:
    """Nothing better is to be hoped for."""
    return o.word.holds or (o.word is Word.VIOLATED and o.trace is not None and o.trace.minimal)


def _violated(o: Outcome | None) -> bool:
    """Whether all that is left to be found is a shorter trace."""
    return o is not None and o.word is Word.VIOLATED


def _may_be_proved(system: System, prop: str) -> bool:
    """Whether there is a check or always-instance to prove, or a cover to prove unreachable."""
    return claims(system, prop) or covered(system, prop)


def _more_states_help(found: Mapping[str, Outcome], left: Sequence[str]) -> bool:
    """Whether explicit search had to leave something open for want of states or of time, and not for another reason."""
    late = {p for p in left if p in found and any(t.engine == "explicit" and "time" in t.said for t in found[p].tried)}
    return bool(late) or any(p in found and "states" in found[p].reason for p in left)


class Disagreement(Exception):
    """One engine says that a property holds and another has a counterexample: an internal error."""


def joined(a: Outcome, b: Outcome) -> Outcome:
    """What two engines found out about one property of one System, the earlier one first; ``Disagreement`` if they contradict."""
    if Word.VIOLATED in (a.word, b.word) and (a.word.holds or b.word.holds):
        raise Disagreement(f"{a.prop}: {a.engine} says {a.word.value}, {b.engine} says {b.word.value}")
    best = min((a, b), key=_rank)
    other = b if best is a else a
    result = replace(
        best,
        states=max(a.states, b.states),
        transitions=max(a.transitions, b.transitions),
        symmetric=max(a, b, key=lambda o: o.states).symmetric,
        seconds=a.seconds + b.seconds,
        tried=(*a.tried, *b.tried),
        exercised=_known(a.exercised, b.exercised),
        covers=_known(a.covers, b.covers),
        spans={**a.spans, **b.spans},
        warnings=list(dict.fromkeys([*best.warnings])),
    )
    if best.word is Word.UNKNOWN:
        reasons = dict.fromkeys(r for r in (*a.reason.split("; "), *b.reason.split("; ")) if r)
        result.reason = "; ".join(reasons)
    if best.word is Word.BOUNDED and other.word is Word.UNKNOWN and not best.reason:
        result.reason = other.reason
    if best.word is Word.VIOLATED and best.trace is not None:
        # what one engine has searched tells whether the other's trace can be beaten
        within = best.none_within, other.none_within, other.depth if other.word is Word.BOUNDED else None
        result.none_within = max((n for n in within if n is not None), default=None)
        if result.none_within is not None and result.none_within >= best.trace.length - 1:
            result.trace = replace(best.trace, minimal=True)
    return result


def _rank(o: Outcome) -> tuple[int, int]:
    """Smaller is better: the word, then the shorter trace or the greater depth."""
    if o.trace is not None and o.word is Word.VIOLATED:
        return _BEST_FIRST.index(o.word), 2 * o.trace.length + (not o.trace.minimal)
    return _BEST_FIRST.index(o.word), -(o.depth or 0)


def _known(a: dict[str, bool | None], b: dict[str, bool | None]) -> dict[str, bool | None]:
    """Two partial answers about the same labels."""
    return {label: a.get(label) if a.get(label) is not None else b.get(label) for label in (*a, *b)}
