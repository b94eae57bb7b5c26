"""Makes the mutants of a scenario one after the other, checks each, and compares what is said of every property."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dmaverify.checking.events import Event, Reporter
from dmaverify.checking.frontend import BASE, load_all, outline
from dmaverify.checking.options import Options
from dmaverify.checking.problems import internal_error, wrong_input
from dmaverify.checking.variant import check_variant
from dmaverify.checking.workers import Died, run_tasks
from dmaverify.ir.system import System
from dmaverify.lang.program import Program
from dmaverify.lang.standing import program_of, standing_in
from dmaverify.mutation.edits import applied
from dmaverify.mutation.results import MutantResult, MutationResult, Noticed, State
from dmaverify.mutation.sites import Site, sites
from dmaverify.paths import shorten
from dmaverify.results import PropertyResult, VariantResult
from dmaverify.texts import current, overlaid
from dmaverify.verdict import Word

TIMEOUT = 20.0
"""Seconds for each mutant, if nothing else is said."""


PATIENCE = 10
"""The model as it is may take so many times as long: what is not decided of it nobody can notice."""


@dataclass(frozen=True)
class MutateOptions:
    """What a person may ask for. ``limit``: the first so many mutants; ``sample``: so many at random, by ``seed``.

    ``timeout``: seconds for each mutant.
    """

    only: tuple[str, ...] = ()
    params: Mapping[str, int | str] = field(default_factory=dict)
    timeout: float | None = TIMEOUT
    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    jobs: int = 1


@dataclass(frozen=True)
class _Task:
    """One mutant, by its number: whoever makes the mutants of that scenario in another process gets the same ones."""

    file: str
    variant: str | None
    options: Options
    number: int


def variants_of(file: str, wanted: str | None) -> list[str | None]:
    """The variants that a name stands for: None for the base if nothing is said. Raises DmaError."""
    _, _, names = outline(file)
    if wanted is None or wanted == BASE:
        return [None]
    return [n for n in names if wanted in (n, n.partition("@")[0])]


def mutate(file: str, variant: str | None, options: MutateOptions, progress: Reporter | None = None) -> MutationResult:
    """Check the mutants of one variant of a scenario. Wrong input, internal errors and interrupts are part of the result."""
    began = time.monotonic()
    result = MutationResult(file, "", variant, timeout=options.timeout, seed=options.seed)
    try:
        _mutate(result, options, progress)
    except KeyboardInterrupt:
        result.interrupted = True
    except Exception as e:
        diagnostics = wrong_input(e)
        if diagnostics is None:
            result.internal = internal_error(e)
        result.diagnostics += diagnostics or []
    result.seconds = time.monotonic() - began
    return result


def _mutate(result: MutationResult, options: MutateOptions, progress: Reporter | None) -> None:
    asked = Options(
        variant=result.variant or BASE,
        only=options.only,
        params=dict(options.params),
        timeout=options.timeout,
        seed=options.seed,
        overlay=current(),
    )
    _known.clear()  # a file may be another one than it was
    work = _work(result.file, result.variant, asked)
    result.name = work.program.name
    if work.base.diagnostics or work.base.internal:
        result.diagnostics, result.internal = list(work.base.diagnostics), work.base.internal
        return
    unknown = [n for n in options.only if n not in work.base.asked]
    if unknown:
        known = ", ".join(work.base.asked)
        result.diagnostics = [f"error: no property {n} is checked here; there are {known}" for n in unknown]
        return
    result.interrupted = work.base.interrupted
    result.verdicts = {p.name: _said(p) for p in work.base.properties}
    result.builtin = tuple(p.name for p in work.base.properties if p.kind == "builtin")
    result.made = len(work.sites)
    chosen = _chosen(result.made, options)
    result.chosen = len(chosen)
    if result.interrupted:
        return
    tasks = [_Task(result.file, result.variant, asked, n) for n in chosen]
    shown = shorten(result.file)
    found: dict[int, MutantResult] = {}

    def tell(position: int, finished: bool) -> None:
        if progress is not None:
            m = work.sites[chosen[position]].mutant
            what = f"{os.path.basename(shown)}: {m.kind} {os.path.basename(m.span.file)}:{m.span.line}"
            progress(Event(len(found), len(tasks), what, found[position].state if finished else "", finished))

    def finished(position: int, answer: MutantResult) -> None:
        found[position] = answer
        tell(position, True)

    def died(position: int, why: Died) -> MutantResult:
        return MutantResult(work.sites[chosen[position]].mutant, "failed", why=str(why))

    complete = run_tasks(tasks, _one, options.jobs, lambda n: tell(n, False), finished, died, lambda m: m.why == _INTERRUPTED)
    result.interrupted = not complete
    result.results = [found[n] for n in sorted(found) if not (result.interrupted and found[n].why == _INTERRUPTED)]


def _chosen(made: int, options: MutateOptions) -> Sequence[int]:
    """The numbers of the mutants to be checked, in order."""
    numbers = list(range(made))
    if options.sample is not None and options.sample < made:
        numbers = sorted(random.Random(options.seed).sample(numbers, options.sample))
    return numbers[: options.limit]


# -- one mutant ----------------------------------------------------------------------------------------------------------

_INTERRUPTED = "interrupted"


@dataclass
class _Work:
    """A scenario with its mutants: made once in each process."""

    program: Program
    systems: list[System]
    base: VariantResult
    sites: list[Site]


_known: dict[tuple[object, ...], _Work] = {}


def _work(file: str, variant: str | None, options: Options) -> _Work:
    key = (file, variant, options.only, tuple(options.params.items()), options.timeout, options.seed, options.overlay)
    if key not in _known:
        _known.clear()  # the trees that the mutants are made of belong to one scenario at a time
        with overlaid(dict(options.overlay)):
            program = program_of(file, variant)
            with standing_in(file, variant, program):
                systems = _systems(file, variant, options)
                longer = None if options.timeout is None else PATIENCE * options.timeout
                base = check_variant(file, variant, replace(options, timeout=longer))
                asked = [p.name for p in base.properties]
                _known[key] = _Work(program, systems, base, sites(program, systems[0], asked))
    return _known[key]


def _systems(file: str, variant: str | None, options: Options) -> list[System]:
    return [m.system for m in load_all(file, variant, options.params)]


def _one(task: _Task) -> MutantResult:
    """Make a mutant, check it, and say who notices."""
    began = time.monotonic()
    work = _work(task.file, task.variant, task.options)
    site = work.sites[task.number]
    with overlaid(dict(task.options.overlay)), applied(site.edits), standing_in(task.file, task.variant, work.program):
        answer = _checked(task, work, site)
    return replace(answer, seconds=time.monotonic() - began)


def _checked(task: _Task, work: _Work, site: Site) -> MutantResult:
    mutant = site.mutant
    try:
        if _systems(task.file, task.variant, task.options) == work.systems:
            return MutantResult(mutant, "same")
    except KeyboardInterrupt:
        return MutantResult(mutant, "undecided", why=_INTERRUPTED)
    except Exception as e:
        wrong = wrong_input(e)
        return MutantResult(mutant, "failed", why=internal_error(e)) if wrong is None else _invalid(site, wrong)
    found = check_variant(task.file, task.variant, replace(task.options, overlay=()))
    if found.interrupted:
        return MutantResult(mutant, "undecided", why=_INTERRUPTED)
    if found.diagnostics:
        return _invalid(site, found.diagnostics)
    if found.internal:
        return MutantResult(mutant, "failed", why=found.internal)
    return _compared(site, work.base, found)


def _invalid(site: Site, said: Sequence[str]) -> MutantResult:
    return MutantResult(site.mutant, "invalid", why=said[0].split("\n")[0] if said else "")


def _compared(site: Site, base: VariantResult, found: VariantResult) -> MutantResult:
    """Who says something else than of the model as it is."""
    after = {p.name: p for p in found.properties}
    noticed: list[Noticed] = []
    undecided: list[str] = []
    for p in base.properties:
        new, before = after.get(p.name), _said(p)
        # a built-in check that nothing could fail any more is not asked about: it holds
        now = "holds" if new is None and p.kind == "builtin" else "unknown" if new is None else _said(new)
        if now == "unknown" or before == "unknown":
            undecided.append(p.name)
        elif now != before:
            noticed.append(Noticed(p.name, before, now, None if new is None or new.word is not Word.VIOLATED else new.length))
    for p in found.properties:
        if p.word is Word.VIOLATED and all(p.name != b.name for b in base.properties):
            noticed.append(Noticed(p.name, "holds", "violated", p.length))  # a built-in check that nothing could fail before
    still = {p.name for p in base.properties if _said(p) != "unknown"}.intersection(undecided)
    nothing_known = all(_said(p) == "unknown" for p in base.properties)
    state: State = "noticed" if noticed else "undecided" if still or nothing_known else "survived"
    why = "; ".join(dict.fromkeys(p.reason for p in found.properties if p.name in still and p.reason))
    return MutantResult(site.mutant, state, tuple(noticed), tuple(undecided), why)


def _said(p: PropertyResult) -> str:
    """A verdict as far as it matters here: holds, violated, vacuous, n/a, unknown; of a cover, whether it is reached."""
    if p.kind == "cover":
        return "unknown" if p.reached is None else "reached" if p.reached else "unreachable"
    if p.word.holds:
        return "holds"
    return p.word.value if p.word in (Word.VIOLATED, Word.VACUOUS, Word.NOT_APPLICABLE) else "unknown"
