"""What random runs found, as text: verdicts, counterexamples with a test that shows them again, and what the runs went through."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from dmaverify.report import page, words
from dmaverify.report.counterexample import story_lines
from dmaverify.report.page import Line, text
from dmaverify.results import OK, UNEXPECTED, PropertyResult, ScenarioResult, VariantResult
from dmaverify.span import Span
from dmaverify.verdict import Word

if TYPE_CHECKING:
    from dmaverify.fuzz.campaign import Campaign
    from dmaverify.fuzz.coverage import Point

MOST_MISSED = 8
"""Statements that no run came by, and branches that none took, are listed up to here."""

BASE = "base"


def variant_lines(
    s: ScenarioResult, v: VariantResult, campaign: Campaign | None, trace: str, everything: bool, debug: bool = False
) -> list[Line]:
    """Everything about one variant."""
    out: list[Line] = [page.join(text(s.name, "head"), text(f", variant {v.name}" if v.name is not None else ""))]
    names = max((len(p.name) for p in v.properties), default=0)
    for p in v.properties:
        line = page.join(text(f"  {p.name:<{names}}  "), text(_verdict(p), words.style_of(p)))
        for remark in filter(None, (words.blame_words(p), words.length_words(p), _remark(p))):
            line = page.join(line, text(f", {remark}", "" if p.status == OK else "warn"))
        out.append(line)
    for d in v.diagnostics:
        out += map(text, d.split("\n"))
    if v.internal:
        out += [text(line, "bad") for line in v.internal.split("\n")]
        if debug:
            out += [text(line, "dim") for line in v.details.rstrip().split("\n")]
    if campaign is None:
        return [*out, ()]
    out += _went_through(v, campaign, everything)
    for p in v.properties:
        if p.story is not None and (p.status == UNEXPECTED or trace != "auto") and trace != "off":
            out += [(), *story_lines(s, v, p, trace, everything=everything)]
            out += [(), *_test(s, v, p, campaign)]
    return [*out, ()]


def _verdict(p: PropertyResult) -> str:
    if p.kind == "cover":
        return "reached" if p.reached else f"not reached in {p.reason}"
    return words.long_word(p)


def _remark(p: PropertyResult) -> str:
    if p.status != OK:
        return p.mismatch
    if p.word is Word.VIOLATED:
        return "as expected" if p.expected is not None else ""
    if p.word is Word.SAMPLED and p.expected is not None and p.expected.word == "violated":
        return "a violation is expected, and none was found"
    if p.word is Word.SAMPLED and p.exercised and not any(p.exercised.values()):
        return "never put to the test"
    return ""


def _went_through(v: VariantResult, campaign: Campaign, everything: bool) -> list[Line]:
    c = campaign.coverage
    runs = "the only run that there is" if campaign.only_run else words.plural(campaign.runs, "run")
    known = f"; {words.plural(campaign.remembered, 'failure')} of earlier runs tried first" if campaign.remembered else ""
    out = page.hanging("", f"{runs}, {words.plural(campaign.steps, 'step')}, {words.seconds(v.seconds)}{known}", 2, 0)
    missed_actions, missed_branches = len(c.missed_actions), len(c.missed_branches)
    out += page.hanging("statements", f"{c.actions - missed_actions} of {c.actions} taken", 2, 12)
    out += _missed([(p, p.text) for p in c.missed_actions], everything)
    if c.branches:
        out += page.hanging("branches", f"{c.branches - missed_branches} of {c.branches} ways taken", 2, 12)
        out += _missed([(p, f"{_brief(p.text)}  ->  {_brief(p.to)}") for p in c.missed_branches], everything)
    return out


def _missed(points: list[tuple[Point, str]], everything: bool) -> list[Line]:
    shown = points if everything else points[:MOST_MISSED]
    out: list[Line] = []
    for p, what in shown:
        out += page.right_edge(text(f"    never  {page.cut(what, 80)}"), text(_at(p.span), "dim"))
    if len(points) > len(shown):
        out.append(text(f"    and {len(points) - len(shown)} more   (--all)"))
    return out


def _at(span: Span) -> str:
    return f"{os.path.basename(span.file)}:{span.line}"


def _brief(statement: str) -> str:
    return page.cut(statement, 36)


def _test(s: ScenarioResult, v: VariantResult, p: PropertyResult, campaign: Campaign) -> list[Line]:
    """The violation as a test, which fails as long as it can happen."""
    return [text("  as a test:"), (), *(text(f"    {line}".rstrip()) for line in test_of(s, v, p, campaign).splitlines())]


def test_of(s: ScenarioResult, v: VariantResult, p: PropertyResult, campaign: Campaign) -> str:
    """The Python text of a test that does it again."""
    message = p.story.failure.message if p.story is not None and p.story.failure is not None else ""
    name = re.sub(r"\W+", "_", f"test_{s.name}_{v.name or BASE}_{p.name}").strip("_")
    schedule = campaign.found[p.name].schedule
    params = {**dict(v.params), **dict(p.choice)}
    lines = [
        "from dmaverify.testing import reproduce",
        "",
        "",
        f"def {name}() -> None:",
        f'    """{(message or p.name).translate(_QUOTES)}"""',
        "    reproduce(",
        f"        {s.file!r},",
        f"        variant={(v.name or BASE)!r},",
        f"        prop={p.name!r},",
        f"        params={params!r},",
        "        schedule=[",
        *(f"            {choice!r}," for choice in schedule),
        "        ],",
        "    )",
    ]
    return "\n".join(line for line in lines if not line.endswith("params={},")) + "\n"


_QUOTES = str.maketrans({'"': "'", "\\": "/"})
