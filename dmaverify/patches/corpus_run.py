"""Proves the patches of a corpus and compares what they do with what is stated.

Stated is: of ``before.dma`` as it stands the words of ``before:``, of what the fix gives those of ``after:``, and the scenario's
own ``expect``; of every diff its verdicts. What a patch fixes or breaks beside that, and what is not decided, is not as stated.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dmaverify.checking.problems import internal_error, wrong_input
from dmaverify.checking.workers import Died, run_tasks
from dmaverify.patches.corpus import FIX, SCENARIO, Claim, Entry, Step, read_corpus
from dmaverify.patches.prove import prove
from dmaverify.patches.results import BREAKS, DOES_NOT_FIX, FIXES, KEEPS, NOTHING, UNCLEAR, PatchReport, PropertyChange
from dmaverify.patches.sides import with_patch
from dmaverify.results import BAD_INPUT, INCONCLUSIVE, INTERNAL, OK, UNEXPECTED, PropertyResult, Report, worst
from dmaverify.verdict import Word

SECONDS = 300.0
"""What a variant of one side may take if nobody says."""


@dataclass(frozen=True)
class Task:
    """The diffs of one entry, and how they are proved."""

    scenario: Path
    steps: tuple[Step, ...]
    engine: str = "auto"
    seed: int = 0
    timeout: float = SECONDS
    memory: int | None = None


@dataclass(frozen=True)
class Finding:
    """One property of one variant, and what the patch does to it."""

    variant: str | None
    change: PropertyChange
    stated: bool
    """Something is stated of it; what is not is shown only where it matters."""


@dataclass
class Outcome:
    """What one diff does, beside what is stated."""

    entry: Entry
    step: Step
    findings: list[Finding] = field(default_factory=list)
    unlike: list[str] = field(default_factory=list)
    """What is not as it is stated."""
    wrong: list[str] = field(default_factory=list)
    """What is wrong with the texts, ready to print."""
    internal: str = ""
    seconds: float = 0.0
    variants: int = 0

    @property
    def exit_status(self) -> int:
        """0 if everything is as stated, 1 if not; 2 and 5 for wrong input and errors of the tool."""
        return INTERNAL if self.internal else BAD_INPUT if self.wrong else UNEXPECTED if self.unlike else OK


@dataclass
class CorpusReport:
    """Everything that was proved, in the order of the entries."""

    folder: Path
    outcomes: list[Outcome]
    seconds: float = 0.0
    jobs: int = 1
    interrupted: bool = False
    diagnostics: list[str] = field(default_factory=list)
    """What is wrong with entries that cannot be read, ready to print."""

    @property
    def exit_status(self) -> int:
        """The worst of all."""
        own = [BAD_INPUT if self.diagnostics else OK, INCONCLUSIVE if self.interrupted else OK]
        return worst([*own, *(o.exit_status for o in self.outcomes)])


def prove_corpus(
    folder: Path,
    only: Iterable[str] = (),
    *,
    engine: str = "auto",
    seed: int = 0,
    timeout: float | None = None,
    memory: int | None = None,
    jobs: int | None = None,
    told: Callable[[Outcome], None] | None = None,
    started: Callable[[str, int, int], None] | None = None,
) -> CorpusReport:
    """Prove every diff of every entry of a folder (``only``: of these), several at a time.

    ``started`` is told what is begun, how many are finished and how many there are; ``told`` gets each outcome as soon as all
    before it are there too. Raises ``WrongInput`` if there are no such entries; what is wrong with an entry is in the report.
    """
    began = time.monotonic()
    entries, wrong = read_corpus(folder, only)
    tasks = [Task(e.folder / SCENARIO, e.steps, engine, seed, timeout or SECONDS, memory) for e in entries]
    workers = max(1, min(jobs or os.cpu_count() or 1, len(tasks)))
    done: dict[int, list[Outcome]] = {}
    delivered = 0

    def begin(n: int) -> None:
        if started is not None:
            started(entries[n].name, len(done), len(tasks))

    def finish(n: int, answers: list[PatchReport | Lost]) -> None:
        nonlocal delivered
        # what was interrupted says nothing about what is stated
        done[n] = [judge(entries[n], s, r) for s, r in zip(entries[n].steps, answers, strict=True) if not _interrupted(r)]
        while delivered in done:
            for outcome in done[delivered]:
                if told is not None:
                    told(outcome)
            delivered += 1

    def lost(n: int, died: Died) -> list[PatchReport | Lost]:
        return [Lost([], str(died)) for _ in entries[n].steps]

    complete = run_tasks(tasks, _work, workers, begin, finish, lost, lambda answers: any(map(_interrupted, answers)))
    outcomes = [o for n in sorted(done) for o in done[n]]
    return CorpusReport(folder, outcomes, time.monotonic() - began, workers, not complete, [d.render() for d in wrong])


@dataclass
class Lost:
    """There is no report: why."""

    wrong: list[str]
    internal: str = ""


def _interrupted(answer: PatchReport | Lost) -> bool:
    return isinstance(answer, PatchReport) and (answer.before.interrupted or answer.after.interrupted)


def _work(task: Task) -> list[PatchReport | Lost]:
    """One entry; never raises. What two of its diffs have in common is checked once."""
    known: dict[object, Report] = {}
    return [_prove(task, step, known) for step in task.steps]


def _prove(task: Task, step: Step, known: dict[object, Report]) -> PatchReport | Lost:
    try:
        return prove(
            with_patch(step.diff, [task.scenario], step.on),
            engine=task.engine,
            seed=task.seed,
            timeout=task.timeout,
            memory=task.memory,
            jobs=1,
            compare=any(c.word == NOTHING for c in step.verdicts),
            known=known,
        )
    except Exception as e:
        wrong = wrong_input(e)
        return Lost(wrong) if wrong is not None else Lost([], internal_error(e))


# -- what was found, and what is stated


def judge(entry: Entry, step: Step, report: PatchReport | Lost) -> Outcome:
    """Compare a report with what is stated about the diff."""
    out = Outcome(entry, step)
    if isinstance(report, Lost):
        out.wrong, out.internal = report.wrong, report.internal
        return out
    out.seconds = report.seconds
    out.wrong = list(_wrong(report))
    sides = report.before, report.after
    out.internal = next((v.internal for side in sides for s in side.scenarios for v in s.variants if v.internal), "")
    variants = [v for s in report.scenarios for v in s.variants]
    out.internal = out.internal or next((v.internal for v in variants if v.internal), "")
    if out.wrong or out.internal:
        return out
    out.variants = len(variants)
    found = [(v.name, p) for v in variants for p in v.properties]
    claims = (*step.before, *step.after, *step.verdicts)
    out.findings = [Finding(v, p, any(_about(c, v, p.name) for c in claims)) for v, p in found]
    for side_claims, which in ((step.before, "before"), (step.after, "after")):
        for c, mine in _matched(side_claims, found, out):
            if not _is([p.before if which == "before" else p.after for _, p in mine], c.word):
                said = ", ".join(f"{_named(v, p)} is {_word(p.before if which == 'before' else p.after)}" for v, p in mine)
                out.unlike.append(f"{which}: {said}; stated is `{c}`")
    for c, mine in _matched(step.verdicts, found, out):
        verdicts = {p.verdict for _, p in mine}
        if c.word not in verdicts or verdicts - _BESIDE[c.word] or any(p.depth is not None for _, p in mine):
            said = "; ".join(f"{_named(v, p)}: the patch {_does(p)}" for v, p in mine)
            out.unlike.append(f"{said}; stated is `{c}`")
    _implied(step, found, out)
    if not step.on:
        for v, p in found:
            if p.before is not None and p.before.status != OK:
                out.unlike.append(f"before: {_named(v, p)} is not as the scenario expects: {p.before.mismatch or _word(p.before)}")
    out.unlike = list(dict.fromkeys(out.unlike))
    return out


def _wrong(report: PatchReport) -> Iterator[str]:
    """What is wrong with the texts of either side; warnings are no reason why nothing was found out."""
    found: dict[str, list[str]] = {}
    for label, side in (("before", report.before), ("after", report.after)):
        texts = [*side.diagnostics, *(d for s in side.scenarios for d in s.diagnostics)]
        texts += [d for s in side.scenarios for v in s.variants for d in v.diagnostics]
        for d in dict.fromkeys(texts):
            if not d.startswith("warning"):
                found.setdefault(d, []).append(label)
    for d, labels in found.items():
        yield f"{' and '.join(labels)} the patch: {d}"


Found = tuple[str | None, PropertyChange]


def _about(c: Claim, variant: str | None, name: str) -> bool:
    return c.fits(name) and c.variant in (None, variant or "base")


_BESIDE = {
    FIXES: {FIXES, KEEPS, NOTHING},
    BREAKS: {BREAKS, KEEPS, NOTHING},
    DOES_NOT_FIX: {DOES_NOT_FIX, FIXES, KEEPS, NOTHING},
    KEEPS: {KEEPS, NOTHING},
    NOTHING: {NOTHING},
}
"""What may become of some properties of a name, or in some variants, where a patch does the first of them to the whole.

All that a claim is about is taken together: violated if one of it is, holding if all of it does.
"""


def _matched(claims: Sequence[Claim], found: Sequence[Found], out: Outcome) -> Iterator[tuple[Claim, list[Found]]]:
    """Each claim with every property that it is about. A claim about nothing is not as stated."""
    for c in claims:
        mine = [(v, p) for v, p in found if _about(c, v, p.name)]
        if c.variant is None:  # what another claim says of one variant is not said of it here
            mine = [(v, p) for v, p in mine if not any(o.variant and _about(o, v, p.name) for o in claims)]
        if mine:
            yield c, mine
        else:
            names = ", ".join(dict.fromkeys(p.name for _, p in found)) or "nothing"
            out.unlike.append(f"`{c}` is stated, and no property there fits; checked is {names}")


def _implied(step: Step, found: Sequence[Found], out: Outcome) -> None:
    """What nothing is stated about: it is neither fixed nor broken, and it is decided.

    A fix whose header states both sides has stated its verdict with them.
    """
    both = step.diff.name == FIX and bool(step.before) and bool(step.after)
    for v, p in found:
        stated = any(_about(c, v, p.name) for c in step.verdicts)
        if both:
            stated = stated or all(any(_about(c, v, p.name) for c in side) for side in (step.before, step.after))
        if stated:
            continue
        if p.verdict in (FIXES, BREAKS):
            out.unlike.append(f"{_named(v, p)}: the patch {_does(p)}, and that is not stated")
        elif p.verdict == UNCLEAR or p.depth is not None:
            out.unlike.append(f"{_named(v, p)}: {_does(p)}")


def _is(results: Sequence[PropertyResult | None], word: str) -> bool:
    """Whether some results together are what is stated of them."""
    there = [r for r in results if r is not None]
    match word:
        case "violated":
            return any(r.word is Word.VIOLATED for r in there)
        case "holds":
            return len(there) == len(results) and all(r.word.holds and r.kind != "cover" for r in there)
        case "vacuous":
            return any(r.word is Word.VACUOUS for r in there)
        case "reachable":
            return any(r.reached is True for r in there)
        case _:
            return len(there) == len(results) and all(r.reached is False for r in there)


def _word(r: PropertyResult | None) -> str:
    if r is None:
        return "not there"
    if r.kind == "cover" and r.reached is not None:
        return "reachable" if r.reached else "unreachable"
    return r.word.value + (f" ({r.reason})" if r.reason and r.word is Word.UNKNOWN else "")


def _named(variant: str | None, p: PropertyChange) -> str:
    return p.name + (f" in {variant}" if variant else "")


def _does(p: PropertyChange) -> str:
    verb = {FIXES: "fixes it", BREAKS: "breaks it", KEEPS: "keeps it", DOES_NOT_FIX: "does not fix it", NOTHING: "changes nothing"}
    said = verb.get(p.verdict, f"{p.verdict}: {p.reason}")
    return said + (f", up to {p.depth} steps only" if p.depth is not None else "")
