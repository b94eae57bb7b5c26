"""The report of ``refine`` as text: an answer for each variant, and side by side what the model did and the contract allows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from dmaverify.patches.results import WordStep
from dmaverify.refinement.results import (
    BY_SETS,
    DIFFERS,
    REFINES,
    VACUOUS,
    Difference,
    Refinement,
    RefinementReport,
    ScenarioAnswer,
    VariantAnswer,
)
from dmaverify.report import page, words
from dmaverify.report.page import Line, text
from dmaverify.report.patch import folded, wrapped
from dmaverify.results import OK

SHOWN = 4
"""So many ways on of each kind are shown; the others are counted."""

_STYLE = {REFINES: "good", DIFFERS: "bad"}


def lines(report: RefinementReport, trace: str = "auto", everything: bool = False, width: int = page.WIDTH) -> list[Line]:
    """The whole report. ``trace``: ``auto`` tells the statements of the calls that are open where it differs, ``full`` those of
    the whole run, ``off`` tells no difference at all. ``everything``: calls that are over are not told in one line."""
    out: list[Line] = []
    for s in report.scenarios:
        out += [text(f"{s.name} over {report.contract}", "head")]
        out += [text(line, "bad") for d in s.diagnostics for line in d.split("\n")]
        out += page.table([_row(v) for v in s.variants if v.answer is not None])
        out += _problems(s, width)
        for v in s.variants:
            out += _remarks(v, everything, width)
        out.append(())
        for v in s.variants:
            if v.answer is not None and v.answer.difference is not None and trace != "off":
                out += [*_difference(s, v, v.answer.difference, report.contract, trace, everything, width), ()]
    return [*out, *_end(report)]


def _row(v: VariantAnswer) -> Sequence[Line]:
    a = v.answer
    assert a is not None
    said = text(answer_words(a), _STYLE.get(a.word, "warn"))
    return text(v.name or "base"), said, text(_expected(v), "" if v.status == OK else "bad")


def answer_words(a: Refinement) -> str:
    """``refines (simulation, 1,234 pairs of states)``, ``DOES NOT REFINE, after 12 letters``."""
    cost = words.plural(a.pairs, "pair") + " of states"
    several = f", for {words.number(a.instances)} values of its parameters" if a.instances > 1 else ""
    if a.word == REFINES:
        return f"refines ({a.how}, {cost}{several})"
    if a.difference is not None:
        chosen = ", ".join(f"{k} = {x}" for k, x in a.choice)
        return f"DOES NOT REFINE, in {words.plural(a.difference.length, 'letter')}" + (f", for {chosen}" if chosen else "")
    return f"{a.word.upper()} ({a.reason})"


def _expected(v: VariantAnswer) -> str:
    if v.expected is None:
        return ""
    if v.status != OK:
        return f"not as expected: {v.mismatch}"
    blame = f" as {v.expected.blame}" if v.expected.blame else ""
    return "as expected" + blame + (f": {v.expected.reason}" if v.expected.reason else "")


def _problems(s: ScenarioAnswer, width: int) -> list[Line]:
    """What is wrong with the input of variants, once for all of which it is said; and errors of the tool."""
    where: dict[str, list[str]] = {}
    for v in s.variants:
        for d in (*v.diagnostics, *([v.internal] if v.internal else [])):
            where.setdefault(d, []).append(v.name or "base")
    out: list[Line] = []
    for names, found in itertools.groupby(where.items(), lambda item: item[1]):
        out += page.hanging("", f"{', '.join(names)}:", 2, 0, width)
        out += [text(f"  {line}", "bad") for d, _ in found for line in d.split("\n")]
    return out


def _remarks(v: VariantAnswer, everything: bool, width: int) -> list[Line]:
    a = v.answer
    if a is None:
        return []
    out: list[Line] = []
    name = v.name or "base"
    if a.broken and a.word != VACUOUS:
        said = "in some runs the driver does what the contract forbids; nothing is compared behind that"
        out += page.hanging("", f"{name}: {said}", 2, 0, width)
    if a.how == BY_SETS:
        labels = ", ".join(a.ambiguous)
        said = f"the contract is not label-deterministic ({labels}): sets of its states were followed"
        out += page.hanging("", f"{name}: {said}", 2, 0, width)
    if everything and a.hidden:
        out += page.hanging("", f"{name}: the contract does not speak of {', '.join(a.hidden)}", 2, 0, width)
    return out


# -- a difference


def _difference(
    s: ScenarioAnswer, v: VariantAnswer, d: Difference, contract: str, trace: str, everything: bool, width: int
) -> Iterator[Line]:
    name = s.name + (f", variant {v.name}" if v.name is not None else "")
    yield text(f"{name}: after {words.plural(len(d.shared), 'letter')} that both can show", "head")
    told = [(x.thread, x.text) for x in d.shared] if everything else folded(d.shared)
    who = max((len(thread) for thread, _ in told), default=0)
    for thread, line in told:
        yield from page.hanging(thread, line, 4, who + 2, width)
    half = (width - 8) // 2
    left = ["the model", f"* {_said(d.last)}"]
    right = [f"what {contract} allows there", *_allowed(d)]
    cells = [[w for line in column for w in wrapped(line, half)] for column in (left, right)]
    for i in range(max(map(len, cells))):
        one, other = (c[i] if i < len(c) else "" for c in cells)
        yield text(f"    {one:<{half}}  {other}", "dim" if i == 0 else "")
    yield ()
    yield from _statements(d, trace, width)


def _said(x: WordStep) -> str:
    return f"{x.thread}  {x.text}".strip()


def _allowed(d: Difference) -> list[str]:
    """What the contract may show, the thread's own first; of many of one kind a few."""
    if not d.allowed:
        return ["  nothing more"]
    kinds: dict[tuple[str, str], list[WordStep]] = {}
    for x in d.allowed:
        kinds.setdefault((x.thread, x.text.partition("(")[0].partition(" ")[0]), []).append(x)
    out: list[str] = []
    for (_, kind), steps in sorted(kinds.items(), key=lambda item: (item[0][0] != d.last.thread, item[0])):
        out += [f"  {_said(x)}" for x in steps[:SHOWN]]
        if len(steps) > SHOWN:
            out.append(f"  … and {len(steps) - SHOWN} more of {kind}")
    return out


def _statements(d: Difference, trace: str, width: int) -> Iterator[Line]:
    """The statements that the model goes through: of the calls that are open where it differs, or all."""
    steps = [s for s in d.steps if s.weight or s.seen]
    if trace != "full":
        steps = steps[_opened(d) :]
    if not steps:
        return
    yield text("    how the model gets there", "dim")
    who = max(len(s.thread) for s in steps)
    for s in steps:
        left = text(f"    {s.thread or 'hardware':<{who}}  {page.cut(s.text, width - who - 40)}")
        yield from page.right_edge(left, text(f"{s.span.file.rpartition('/')[2].removesuffix('.dma')}:{s.span.line}", "dim"), width)


def _opened(d: Difference) -> int:
    """The first step of those calls that are not over where it differs, or that were not over when one of those began, and so on
    backwards."""
    steps = [s for s in d.steps if s.weight or s.seen]
    letters = [n for n, s in enumerate(steps) for _ in s.seen]
    open_: dict[str, int] = {}
    over: list[tuple[int, int]] = []
    for x, n in zip((*d.shared, d.last), letters, strict=False):
        if x.call == x.text:
            open_[x.thread] = n
        if x.returned and x.thread in open_:
            over.append((open_.pop(x.thread), n))
    first = min(open_.values(), default=max(0, len(steps) - 1))
    for began, ended in sorted(over, key=lambda call: -call[1]):
        if ended > first:
            first = min(first, began)
    return first


def _end(report: RefinementReport) -> list[Line]:
    if report.interrupted:
        return [text("interrupted: what is shown above was finished before", "warn")]
    count: dict[str, int] = {}
    for _, v in report.answers():
        if v.answer is not None:
            count[v.answer.word] = count.get(v.answer.word, 0) + 1
    said = ", ".join(f"{words.number(n)} {_counted(word, n)}" for word, n in count.items())
    wrong = sum(v.status != OK for _, v in report.answers())
    rest = f"; {words.plural(wrong, 'answer')} not as expected" if wrong else ""
    others = words.plural(len(report.passed_over), "scenario")
    rest += f"; {others} about other contracts" if report.passed_over else ""
    return [text(f"{said or 'nothing was looked at'}{rest}. {words.seconds(report.seconds)}", "head")]


def _counted(word: str, n: int) -> str:
    if n == 1:
        return word
    return {REFINES: "refine", DIFFERS: "do not refine"}.get(word, word)
