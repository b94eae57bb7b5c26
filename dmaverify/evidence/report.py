"""What a judge found out about a file, as an object, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dmaverify.evidence.judge import KEPT, Clause, Failure, Judgement
from dmaverify.evidence.sources import board_world, load_monitors, make_judge, open_world
from dmaverify.evidence.stream import judge_into, read
from dmaverify.evidence.world import World
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.results import INCONCLUSIVE, OK, UNEXPECTED
from dmaverify.span import NOWHERE, Span

FORMAT = "dmaverify judgement 1"


@dataclass
class JudgeReport:
    """What was said of one stream. ``complete`` None: the stream does not say that it ends."""

    path: str
    events: int
    gaps: int
    lost: int | None
    complete: bool | None
    judgements: list[Judgement]
    places: dict[Failure, Span] = field(default_factory=dict)
    """Where the event of a failure stands in the file."""

    @property
    def failed(self) -> bool:
        """Whether some clause failed."""
        return any(j.failed for j in self.judgements)

    @property
    def inconclusive(self) -> str:
        """Why no failure says little; empty if it does not."""
        if not any(j.decided for j in self.judgements):
            return "no clause could be decided"
        if self.gaps:
            return "events were lost on the way"
        return "events were lost at the end" if self.complete is False else ""

    @property
    def exit_status(self) -> int:
        """1: a clause failed; 3: nothing was decided, or events were lost; else 0."""
        return UNEXPECTED if self.failed else INCONCLUSIVE if self.inconclusive else OK


def judge_file(
    path: str | Path, monitors: str | Iterable[str], scenario: str | None = None, variant: str | None = None
) -> JudgeReport:
    """Judge a stream of events by monitors.

    ``monitors``: names of invariants, ``all``, or a file with monitors. ``scenario``: the board whose memory,
    devices and constants the stream is about, and whose imports are the monitors to choose from. Raises
    DmaError.
    """
    if variant is not None and scenario is None:
        raise DmaError([Diagnostic("DMA040", f"{variant} is a variant of which scenario? Name its file.", NOWHERE)])
    named = monitors if isinstance(monitors, str) else ",".join(monitors)
    checked, instances = load_monitors(named, scenario, variant)
    world: World = open_world(checked) if scenario is None else board_world(checked)
    judge = make_judge(checked, instances, world)
    places: dict[Failure, Span] = {}
    seen: dict[str, int] = {}
    for span, failure in judge_into(judge, read(Path(path))):
        seen[failure.label] = seen.get(failure.label, 0) + 1
        if seen[failure.label] <= KEPT:
            places[failure] = span
    found = judge.judgements
    return JudgeReport(str(path), judge.number, judge.gaps, judge.lost, judge.complete, found, places)


# -- as text


def lines_of(report: JudgeReport) -> Iterator[tuple[str, str]]:
    """The report as lines with a style each: ``good``, ``bad``, ``warn`` or empty."""
    yield _head(report), ""
    width = max((len(c.label) for j in report.judgements for c in j.clauses), default=0)
    for j in report.judgements:
        yield "", ""
        yield f"{j.monitor} ({j.code}): {word_of(j)}", _STYLE.get(word_of(j), "")
        for c in j.clauses:
            yield f"  {c.label:{width}}  {_counts(c)}", ""
            for failure in c.failures[:3]:
                yield f"      {_place(report, failure)}: {failure.message or 'the condition is false'}", "bad"
            if c.failed > 3:
                yield f"      and {c.failed - 3} more", ""
        if j.not_judged:
            what = "clause" if j.not_judged == 1 else "clauses"
            yield f"  not judged: {j.not_judged} {what} about the model's state", ""
    if report.inconclusive and not report.failed:
        yield "", ""
        yield f"inconclusive: {report.inconclusive}", "warn"


_STYLE = {"FAILED": "bad", "held": "good", "undecided": "warn"}


def word_of(j: Judgement) -> str:
    """What is said of a monitor in a word."""
    if j.failed:
        return "FAILED"
    if not j.applies:
        return "n/a"
    if j.decided:
        return "held"
    if not j.clauses:
        return "not judged"
    return "undecided" if any(c.undecided for c in j.clauses) else "never reached"


def _head(report: JudgeReport) -> str:
    said = f"{report.path}: {report.events} event{'' if report.events == 1 else 's'}"
    if report.gaps:
        lost = "an unknown number" if report.lost is None else str(report.lost)
        said += f", {report.gaps} gap{'s' if report.gaps > 1 else ''} ({lost} lost)"
    ends = {None: "no end", True: "complete to its end", False: "incomplete at its end"}
    return f"{said}, {ends[report.complete]}"


def _counts(c: Clause) -> str:
    counts = (("failed", c.failed), ("held", c.held), ("undecided", c.undecided))
    return ", ".join(f"{word} {n} time{'' if n == 1 else 's'}" for word, n in counts if n) or "never reached"


def _place(report: JudgeReport, failure: Failure) -> str:
    span = report.places.get(failure)
    line = f"line {span.line}, " if span is not None else ""
    return f"{line}event {failure.event} ({failure.name})"


# -- as JSON


def to_json(report: JudgeReport) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "format": FORMAT,
        "stream": report.path,
        "events": report.events,
        "gaps": report.gaps,
        "lost": report.lost,
        "complete": report.complete,
        "inconclusive": report.inconclusive or None,
        "exit_status": report.exit_status,
        "monitors": [_monitor(report, j) for j in report.judgements],
    }


def _monitor(report: JudgeReport, j: Judgement) -> dict[str, Any]:
    return {
        "name": j.monitor,
        "code": j.code,
        "verdict": word_of(j).lower(),
        "applies": j.applies,
        "events": j.events,
        "not_judged": j.not_judged,
        "clauses": [_clause(report, c) for c in j.clauses],
    }


def _clause(report: JudgeReport, c: Clause) -> dict[str, Any]:
    return {
        "label": c.label,
        "file": c.span.file,
        "line": c.span.line,
        "outcome": c.outcome,
        "failed": c.failed,
        "held": c.held,
        "undecided": c.undecided,
        "failures": [{"event": f.event, "name": f.name, "line": _line(report, f), "message": f.message} for f in c.failures],
    }


def _line(report: JudgeReport, failure: Failure) -> int | None:
    span = report.places.get(failure)
    return None if span is None else span.line
