"""One random System, decided in every way there is: one answer.

*Complete* ways visit every state and have to agree in everything: which checks fail and in how many steps, which covers are reached,
what is put to the test, deadlocks. *Partial* ways (symbolic engines, the portfolio) may say less, and nothing else; each trace of
theirs is replayed in the reference System.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

from dmaverify.checking import decide as deciding
from dmaverify.checking.confirm import confirm
from dmaverify.checking.decide import Decider
from dmaverify.checking.options import Options
from dmaverify.engines import certificate, recheck
from dmaverify.engines.base import Budget, Engine
from dmaverify.engines.bmc import Bmc
from dmaverify.engines.explicit import ExplicitEngine, explore
from dmaverify.engines.exploration import Exploration
from dmaverify.engines.induction import Induction
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.engines.smt.solver import SolverName
from dmaverify.engines.successors import Compiled
from dmaverify.engines.symmetric import Reduction
from dmaverify.ir import symmetry as symmetries
from dmaverify.ir.pipeline import Core, prepare, to_core
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import System
from dmaverify.ir.text import to_text
from dmaverify.ir.text_parse import parse
from dmaverify.ir.types import BOOL, Int, Mask, Opt, Range
from dmaverify.verdict import Outcome, Word
from tests.support.agreement import contradiction, happens
from tests.support.compare import Findings, explored, findings, naively, sliced
from tests.support.lock_programs import program
from tests.support.naive_search import search
from tests.support.random_expr import PAGE, WIDE_TYPES
from tests.support.random_system import random_system
from tests.support.symmetric_systems import one_of_many
from tests.support.transformed import LESS, MORE, SAME, SAME_VERDICTS

MOST = 2_500
"""States of a System that is looked at; one with more is passed over."""

FEW = 400
"""States of a System that is also searched by the interpreter."""

DEPTH, BRIEFLY = 4, 0.25
"""How far bounded search goes, and for how many seconds on a slice: what it says of fewer steps counts as much."""

SECONDS = 5.0
"""For each symbolic engine on each slice; nearly all answer within a tenth of one."""

LOCAL_TYPES = (BOOL, Int(2), Int(2, True), Range(0, 2), PAGE, Opt(PAGE), Mask(PAGE))
"""Of few values, so that expressions find something to read."""

KINDS = ("types", "alike", "wide", "locks", "locals")


def system_of(seed: int) -> System:
    """A System for each seed, of five kinds in turn: over all types, with threads of one text, with wide numbers, about locks, with
    threads that are busy with their locals.
    """
    rng = random.Random(1_000_003 * seed)
    kind = KINDS[seed % len(KINDS)]
    turn = seed // len(KINDS)
    if kind == "types":
        return random_system(rng, 1 + turn % 3)
    if kind == "alike":
        return one_of_many(random_system(rng, 1 + turn % 2), rng, 2 + turn % 2)
    if kind == "locals":
        return random_system(rng, 1 + turn % 2, types=LOCAL_TYPES, lively=True)
    if kind == "wide":
        return random_system(rng, 1 + turn % 2, types=WIDE_TYPES)
    return program(seed)


@contextmanager
def certificates_here() -> Iterator[None]:
    """Certificates are checked by the same checker and solver in this process: starting one for each proof takes longest of all."""

    def check(folder: Path, solver: SolverName, budget: Budget) -> str:
        return str(recheck.check(folder, solver))

    fresh = certificate.run_recheck
    certificate.run_recheck = check  # type: ignore[assignment]
    try:
        yield
    finally:
        certificate.run_recheck = fresh


@dataclass
class Case:
    """A System with what is true of it."""

    seed: int
    system: System
    core: Core
    states: int
    truth: Findings
    """By search of the core System, statement by statement, in Python."""

    @property
    def asked(self) -> tuple[str, ...]:
        """Its properties."""
        return tuple(p.name for p in self.system.properties)

    @property
    def covers(self) -> tuple[str, ...]:
        """Its covers that are not a property's."""
        names = {c.name for c in self.system.covers}
        return tuple(sorted(n for n in names if not any(belongs(n, p) for p in self.asked)))


def case_of(seed: int) -> Case | None:
    """The System of a seed; None if it has too many states, or an input of too many values."""
    system = system_of(seed)
    core = to_core(system)
    found = explore(core.system, Budget(states=MOST), deadlock=True)
    return None if found.reason else Case(seed, system, core, found.states, findings(found))


class Wrong(AssertionError):
    """Two ways contradict each other."""


def _same(case: Case, way: str, found: Findings, truth: Findings | None = None) -> None:
    expected = case.truth if truth is None else truth
    if found != expected:
        raise Wrong(f"seed {case.seed}, {way}: {found}\ninstead of {expected}")


# -- complete ways ------------------------------------------------------------------------------------------------------


def by_interpreter(case: Case) -> None:
    """The reference System, by the reference interpreter."""
    if case.states > FEW:
        return
    _same(case, "interpreter", naively(search(case.system, lambda a: case.core.weights.get(a.name, 0))))


def by_steps(case: Case) -> None:
    """Statements put together to steps."""
    _same(case, "fused", explored(_whole(case), deadlock=True))


def by_slices(case: Case) -> None:
    """Every property in slices, each asked alone and all together, fused and (now and then) not."""
    of = case.truth.of(case.asked)
    _same(case, "slices", sliced(case.core, case.asked), of)
    alone = case.asked[case.seed % len(case.asked)]
    _same(case, f"{alone} alone", sliced(case.core, (alone,)), case.truth.of((alone,)))
    if case.seed % 3 == 0:
        whole = Findings({}, {}, set())
        for s in prepare(case.core, case.asked, stops=True, fuse=False).slices:
            part = explored(s.system).of(case.asked)
            for key, n in part.violated.items():
                whole.violated[key] = min(n, whole.violated.get(key, n))
            whole.covers.update(part.covers)
            whole.exercised |= part.exercised
        _same(case, "slices of statements", whole, of)


def by_symmetry(case: Case) -> None:
    """One state for all that permutations make of it, in Python; and what is modulo symmetry in native code."""
    system = _whole(case)
    symmetry = symmetries.find(system)
    if symmetry is None:
        return
    alike = symmetry.alike

    def classes(labels: dict[tuple[str, str], int]) -> dict[frozenset[tuple[str, str]], int]:
        of: dict[frozenset[tuple[str, str]], int] = {}
        for label, n in labels.items():
            key = alike.get(label, frozenset((label,)))
            of[key] = min(n, of.get(key, n))
        return of

    def agree(way: str, result: Exploration) -> None:
        got = findings(result)
        if (classes(got.violated), got.covers, got.exercised, got.deadlock) != (
            classes(case.truth.violated),
            case.truth.covers,
            case.truth.exercised,
            case.truth.deadlock,
        ):
            raise Wrong(f"seed {case.seed}, {way}: {got}\ninstead of {case.truth}")

    agree("modulo symmetry", explore(system, Budget(), deadlock=True, canonical=Reduction(Compiled(system), symmetry)))
    if find_spec("llvmlite") is not None and case.seed % 2:
        compiled = Compiled(system)
        _natively(case, compiled, agree, "native, modulo symmetry", Reduction(compiled, symmetry))


def by_native_code(case: Case) -> None:
    """Fused or not, by one thread or two."""
    if find_spec("llvmlite") is None:
        return
    system = _whole(case) if case.seed % 2 else case.core.system
    _natively(case, Compiled(system), lambda way, result: _same(case, way, findings(result)), "native", None)


def _natively(
    case: Case, compiled: Compiled, then: Callable[[str, Exploration], None], way: str, canonical: Reduction | None
) -> None:
    from dmaverify.engines.native.emit import NotNative
    from dmaverify.engines.native.engine import explore_natively

    threads = 1 + case.seed // 2 % 2
    try:
        result = explore_natively(
            compiled, Budget(), deadlock=True, thorough=True, name="explicit", threads=threads, canonical=canonical
        )
    except NotNative:
        return
    try:
        then(way, result)
    finally:
        result.close()


def by_depths(case: Case) -> None:
    """A search that ends at a length knows what is within it, and nothing that is not true; a deeper one knows more."""
    before: dict[tuple[str, str], int] = {}
    for depth in (2, 5):
        found = explore(case.core.system, Budget(depth=depth))
        got = {key[1:]: f.cost for key, f in found.found.items() if key[0] == "violated"}
        within = {key: n for key, n in case.truth.violated.items() if n <= depth}
        if {k: n for k, n in got.items() if n <= depth} != within or not before.items() <= got.items():
            raise Wrong(f"seed {case.seed}, to depth {depth}: {got}\ninstead of {within}")
        before = within


def by_text(case: Case) -> None:
    """Written and read back, both Systems are what they were."""
    for system in (case.system, case.core.system):
        if parse(to_text(system)) != system:
            raise Wrong(f"seed {case.seed}: the text of {system.name} reads otherwise")


# -- metamorphic relations ------------------------------------------------------------------------------------------------


def by_relations(case: Case) -> Counter[str]:
    """What is true of changed Systems follows from what is true of this one. Two of the relations for each seed."""
    rng = random.Random(case.seed)
    relations: list[tuple[str, str]] = [
        *(("same", n) for n in SAME),
        *(("verdicts", n) for n in SAME_VERDICTS),
        *(("less", n) for n in LESS),
        *(("more", n) for n in MORE),
    ]
    done: Counter[str] = Counter()
    for kind, name in rng.sample(relations, 2):
        changed = {**SAME, **SAME_VERDICTS, **LESS, **MORE}[name](case.system, rng)
        if changed is None:
            continue
        core = to_core(changed)
        found = explore(core.system, Budget(states=20 * MOST), deadlock=True)
        if found.reason:
            continue
        done[name] += 1
        _related(case, kind, name, findings(found))
        if kind == "same":
            _same(case, f"{name}, in slices", sliced(core, case.asked), case.truth.of(case.asked))
    return done


def _related(case: Case, kind: str, name: str, got: Findings) -> None:
    if kind == "same":
        return _same(case, name, got)
    truth = case.truth
    small, large = (got, truth) if kind == "less" else (truth, got)
    both = (
        (small.violated.keys(), large.violated.keys()),
        (small.covers.keys(), large.covers.keys()),
        (small.exercised, large.exercised),
    )
    if not all(a <= b for a, b in both) or (kind == "verdicts" and any(a != b for a, b in both)):
        raise Wrong(f"seed {case.seed}, {name}: {got}\nand without the change {truth}")
    return None


# -- partial ways --------------------------------------------------------------------------------------------------------


def by_engines(case: Case, everything: bool = True) -> Counter[str]:
    """Bounded search, induction and PDR on every slice: nothing that complete search contradicts, and only traces that replay.

    Unless ``everything``: one of the three in turn.
    """
    tally: Counter[str] = Counter()
    engines: list[tuple[Engine, Budget]] = [
        (Bmc(solver="z3" if case.seed % 2 else "bitwuzla"), Budget(BRIEFLY, depth=DEPTH)),
        (Induction(solver="bitwuzla" if case.seed % 2 else "z3"), Budget(SECONDS)),
        (Pdr(checker="z3" if case.seed % 2 else "bitwuzla"), Budget(SECONDS)),
    ]
    if not everything:
        engines = [engines[case.seed // len(KINDS) % len(engines)]]
    reference = Decider(case.system, Options()).reference
    for part in prepare(case.core, case.asked, stops=True, fuse=case.seed % 5 > 0).slices:
        exact = {o.prop: o for o in ExplicitEngine(thorough=False).run(part.system, part.properties, Budget())}
        for engine, budget in engines:
            for o in engine.run(part.system, part.properties, Budget(budget.timeout, depth=budget.depth)):
                tally[f"{engine.name} {o.word.value}"] += 1
                why = contradiction(exact[o.prop], o)
                if "refused" in o.reason:
                    why = o.reason
                if why:
                    raise Wrong(f"seed {case.seed}, {o.prop}, {engine.name}: {why}")
                happens(reference, case.core, o)
    return tally


def by_portfolio(case: Case) -> Counter[str]:
    """The way that the tool goes: for small Systems, for those that must be sliced, and with every reduction off.

    Traces are confirmed as it does.
    """
    tally: Counter[str] = Counter()
    named = (*case.asked, *case.covers)
    ways: list[tuple[Options, tuple[str, ...]]] = [
        (Options(timeout=SECONDS), deciding.SEARCHING),
        (Options(timeout=SECONDS), ()),
        (Options(timeout=SECONDS, fuse=False, slice=False, symmetry=False), ()),
    ]
    for options, first in ways[: 2 + (case.seed % 4 == 0)]:
        with patch.object(deciding, "SEARCHING", first):  # without a short search of the whole before it is sliced
            decider = Decider(case.system, options)
            for o in decider.outcomes(named):
                confirm(o, decider.reference)
                tally[f"auto {o.word.value}"] += 1
                tally["auto perhaps not shortest"] += o.trace is not None and not o.trace.minimal
                _decided(case, o)
    return tally


def _decided(case: Case, o: Outcome) -> None:
    """A complete answer about a property, or a cover, is what is true of it."""
    truth = case.truth

    def wrong(why: str) -> Wrong:
        return Wrong(f"seed {case.seed}, {o.prop}, auto: {why}")

    stops = {e.prop for a in case.system.actions for e in a.checks if e.stop}
    unmeant = any(prop in stops for prop, _ in truth.violated)
    if o.prop in case.covers:
        reached = o.covers.get(o.prop)
        if reached is not (o.prop in truth.covers) and not (reached is None and unmeant):
            raise wrong(f"reached: {reached}")
        return
    lengths = [n for (prop, _), n in truth.violated.items() if prop == o.prop]
    if not (o.word.holds or o.word is Word.VIOLATED):
        # behind a failed built-in check, which a slice may not have, there may be any number of states
        if not unmeant or (o.word is Word.BOUNDED and lengths and (o.depth or 0) >= min(lengths)):
            raise wrong(f"{o.word.value} {o.depth} {o.reason}")
        return
    if (o.word is Word.VIOLATED) != bool(lengths):
        raise wrong(f"{o.word.value} {o.reason}")
    if o.trace is not None and (o.trace.length < min(lengths) or (o.trace.minimal and o.trace.length > min(lengths))):
        raise wrong(f"a trace of {o.trace.length}, and the shortest has {min(lengths)}")
    for label, seen in o.exercised.items():
        if seen is not None and seen is not ((o.prop, label) in truth.exercised):
            raise wrong(f"{label} put to the test: {seen}")


def _whole(case: Case) -> System:
    """All of it, in steps."""
    return prepare(case.core, case.asked, slice=False).slices[0].system


# -- everything ----------------------------------------------------------------------------------------------------------


@dataclass
class Figures:
    """What a campaign has done."""

    systems: int = 0
    passed_over: int = 0
    states: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        kinds = ", ".join(f"{n} {k}" for k, n in sorted(self.kinds.items()))
        answers = ", ".join(f"{k} {n}" for k, n in sorted(self.answers.items()))
        return f"{self.systems} systems ({kinds}; {self.passed_over} passed over), {self.states} states; {answers}"


COMPLETE = (by_interpreter, by_steps, by_slices, by_symmetry, by_native_code, by_depths, by_text)


COMPILED = 6
"""Native code is made for one System in so many: for small ones that takes longer than all searches together."""


def judge(case: Case, figures: Figures | None = None, everything: bool = True) -> Figures:
    """Decide a case in every way; ``Wrong`` (or what a guard of the tool itself raises) if two do not agree.

    Unless ``everything``: by one of the symbolic engines, and by native code now and then.
    """
    done = Figures() if figures is None else figures
    for way in COMPLETE:
        if everything or way is not by_native_code or case.seed // len(KINDS) % COMPILED == 0:
            way(case)
            done.ways[way.__name__.removeprefix("by_")] += 1
    done.answers.update(by_relations(case))
    done.answers.update(by_engines(case, everything))
    done.answers.update(by_portfolio(case))
    done.systems += 1
    done.states += case.states
    done.kinds[KINDS[case.seed % len(KINDS)]] += 1
    return done


def campaign(seeds: Iterator[int], count: int, everything: bool = True) -> Figures:
    """Judge so many Systems, passing over what is too large; of ``everything``, one in twenty in every way (else, see ``judge``)."""
    figures = Figures()
    with certificates_here():
        for seed in seeds:
            if figures.systems >= count:
                return figures
            case = case_of(seed)
            if case is None:
                figures.passed_over += 1
            else:
                judge(case, figures, everything and figures.systems % 20 == 0)
    return figures
