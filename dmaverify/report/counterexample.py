"""A counterexample as text: a table of steps told in calls, what is false at its end, how to see it again.

Marks are computed from the replay, never guessed: ``seen`` is the step at which the claimed check is false,
``made false`` the earlier step that made its condition false, ``cause`` the step of the first other
property that is violated in the same trace.
"""

from __future__ import annotations

import itertools
import os.path
import re
import textwrap
from dataclasses import dataclass, replace

from dmaverify.report import page, words
from dmaverify.report.page import Line, text
from dmaverify.results import Call, Failure, PropertyResult, ScenarioResult, Story, StoryStep, VariantResult
from dmaverify.span import Span

RESULT_WIDTH = 26
"""What a step returns or chooses is cut here."""

STATEMENT_WIDTH = 90
"""A statement is told up to here."""

COLUMN_WIDTH = 20
"""A column of state is not wider."""


def story_lines(
    s: ScenarioResult,
    v: VariantResult,
    p: PropertyResult,
    trace: str,
    width: int = page.WIDTH,
    everything: bool = False,
) -> list[Line]:
    """The counterexample of a property; ``trace`` is auto or calls (the default look), diff or full.

    ``everything``: the default look with the steps that it otherwise folds.
    """
    story = p.story
    if story is None:
        return []
    out = _head(s, v, p, width)
    chosen = [*p.choice, *story.initial]
    if chosen:
        out += page.hanging("chosen", ", ".join(f"{k} = {x}" for k, x in chosen), 2, 10, width)
        out.append(())
    out += steps_lines(story, trace, width, everything)
    out += [(), *_facts(v, p, story, trace not in ("diff", "full") and not everything, width)]
    return out


def steps_lines(story: Story, trace: str, width: int, everything: bool = False) -> list[Line]:
    """Only the steps, in the style that ``trace`` names."""
    if trace == "diff":
        return _diff(story, width)
    return _full(story, width) if trace == "full" else _calls(story, width, everything)


def _head(s: ScenarioResult, v: VariantResult, p: PropertyResult, width: int) -> list[Line]:
    left = page.join(
        text(p.name, "head"), text(" "), text(words.long_word(p), "bad"), text("  " + words.length_words(p))
    )
    where = s.name + (f", variant {v.name}" if v.name is not None else "")
    out = page.right_edge(left, text(where, "dim"), width)
    f = p.story.failure if p.story else None
    if f is not None and f.message:
        out += [(), *page.hanging("", f.message, 2, 0, width)]
    return [*out, ()]


# -- the default look --------------------------------------------------------------------------------------


@dataclass
class _Row:
    """One line of the table: a step, or a call that leads to steps (then ``step`` is None)."""

    actor: str
    thread: str
    indent: int
    text: str
    place: str
    step: StoryStep | None = None
    marks: tuple[str, ...] = ()


def _rows(story: Story, everything: bool) -> list[_Row]:
    """Calls and steps in the order of time. Calls that are entered together share a line.

    What a thread itself calls is always there; of other calls those that lead to a step that is shown.
    """
    rows: list[_Row] = []
    shown: dict[str, list[tuple[Call, int]]] = {}

    def enter(st: StoryStep, stack: tuple[Call, ...], visible: bool) -> int:
        """Rows for the calls that are entered now; how far what they lead to is indented."""
        who = st.thread or st.actor
        known = shown.get(who, [])
        common = 0
        while common < min(len(known), len(stack)) and known[common][0] == stack[common]:
            common += 1
        known = known[:common]
        entered = stack[common:] if visible else stack[common:1]
        indent = known[-1][1] + 1 if known else 0
        if entered:
            text = " > ".join([entered[0].text, *(c.proc for c in entered[1:])])
            rows.append(_Row(st.actor, st.thread, indent, text, _at(entered[0].span)))
            known = [*known, *((c, indent) for c in entered)]
            indent += 1
        shown[who] = known
        return indent

    for st in story.steps:
        visible = everything or not st.folded
        indent = enter(st, st.stack, visible)
        if visible:
            # a record's fields are in the statement that builds it
            result = f"  {page.cut(st.result, RESULT_WIDTH)}" if st.result and "{" not in st.result else ""
            told = page.cut(_brief(st.text), STATEMENT_WIDTH) + result
            marks = tuple(m for m in st.marks if m != "seen") if st.seen_at else st.marks
            rows.append(_Row(st.actor, st.thread, indent, told, _at(st.span), st, marks))
        if st.seen_at:
            deeper = st.seen_at.stack[len(st.stack) : len(st.stack) + 1]
            if deeper and deeper[0].span == st.span:  # the step is the call itself, as its arguments are looked at
                shown[st.thread or st.actor] = [*shown[st.thread or st.actor], (deeper[0], indent)]
            indent = enter(st, st.seen_at.stack, True)
            told = page.cut(_brief(st.seen_at.text), STATEMENT_WIDTH)
            rows.append(_Row(st.actor, st.thread, indent, told, _at(st.seen_at.span), None, ("seen",)))
    return rows


def _calls(story: Story, width: int, everything: bool) -> list[Line]:
    rows = _rows(story, everything)
    grouped = _switches(rows) <= len(rows) // 5
    if grouped:
        rows = _grouped(rows)
    numbered = len(str(max((st.number for st in story.steps), default=0))) + 1
    who = 0 if grouped else max((len(r.actor) for r in rows), default=0) + 2
    thread = 0 if grouped else max((len(r.thread) for r in rows), default=0) + 2
    heads = [_head_lines(c) for c in story.columns]
    cells = [
        min(COLUMN_WIDTH, max([*map(len, heads[i]), len(first), *_lengths(rows, i)]))
        for i, first in enumerate(story.column_start)
    ]
    where = max((len(r.place) for r in rows), default=0)
    left = 2 + numbered + 2 + who + thread
    room = width - left - sum(w + 2 for w in cells) - 2 - where
    told = max(24, min(room, max((len(_told(r)) for r in rows), default=0)))
    out = _column_heads(story, heads, cells, left, told)
    before = list(story.column_start)
    previous = ("", "")
    for r in rows:
        st = r.step
        tag = f"#{st.number}" if st is not None and st.weight else ""
        actor, name = ("", "") if grouped or (r.actor, r.thread) == previous else (r.actor, r.thread)
        previous = (r.actor, r.thread)
        first, *rest = textwrap.wrap(_told(r), told, subsequent_indent="  " * r.indent + "    ") or [""]
        start = f"  {tag:<{numbered}}  {actor:<{who}}{name:<{thread}}"
        line = page.join(
            text(start),
            text(f"{first:<{told}}", "" if st else "head"),
            *_values(st, before, cells),
            text(f"  {r.place:<{where}}", "dim"),
        )
        marks = text("  " + _marks(r.marks), "bad") if r.marks else ()
        if marks and page.width_of(line) + page.width_of(marks) > width:
            first_rest = text(" " * left + (rest[0] if rest else ""))
            out.append(line)
            out.append(page.join(first_rest, page.pad(marks, width - page.width_of(first_rest), right=True)))
            out += [text(" " * left + w) for w in rest[1:]]
        else:
            out += [page.join(line, marks), *(text(" " * left + w) for w in rest)]
    return out


def _switches(rows: list[_Row]) -> int:
    """How often somebody else goes on."""
    return sum((a.actor, a.thread) != (b.actor, b.thread) for a, b in itertools.pairwise(rows))


def _grouped(rows: list[_Row]) -> list[_Row]:
    """A line of its own for who acts, where that seldom changes: the columns are worth more otherwise."""
    out: list[_Row] = []
    previous = ("", "")
    for r in rows:
        if (r.actor, r.thread) != previous:
            previous = (r.actor, r.thread)
            out.append(
                _Row(r.actor, r.thread, 0, f"{r.actor}, {r.thread}:" if r.thread else f"{r.actor}:", "")
            )
        out.append(replace(r, indent=r.indent + 1))
    return out


def _lengths(rows: list[_Row], column: int) -> list[int]:
    return [len(r.step.columns[column]) for r in rows if r.step is not None and r.step.columns]


def _brief(statement: str) -> str:
    """A long statement without what stands in its innermost braces."""
    return re.sub(r"\{[^{}]*(\}|$)", "{…}", statement) if len(statement) > 40 else statement


def _told(r: _Row) -> str:
    return "  " * r.indent + r.text


def _head_lines(column: str) -> list[str]:
    """``no_overlap.held[page 3]`` as two lines, broken before the first index."""
    name, bracket, rest = column.partition("[")
    return [name, bracket + rest] if bracket else [name]


def _column_heads(story: Story, heads: list[list[str]], cells: list[int], left: int, told: int) -> list[Line]:
    if not heads:
        return []
    out: list[Line] = []
    for n in range(max(map(len, heads))):
        names = (h[n] if n < len(h) else "" for h in heads)
        parts = (f"  {page.cut(c, w):<{w}}" for c, w in zip(names, cells, strict=True))
        out.append(text(" " * (left + told) + "".join(parts), "head"))
    start = (f"  {page.cut(c, w):<{w}}" for c, w in zip(story.column_start, cells, strict=True))
    out.append(page.join(text(" " * left + f"{'at the start':<{told}}", "dim"), text("".join(start))))
    return out


def _values(st: StoryStep | None, before: list[str], widths: list[int]) -> list[Line]:
    """The columns of a line: a value where it has changed, else nothing."""
    out: list[Line] = []
    for i, w in enumerate(widths):
        now = st.columns[i] if st is not None and st.columns else before[i]
        changed = now != before[i]
        out.append(text(f"  {page.cut(now, w) if changed else '':<{w}}", "warn" if changed else ""))
        before[i] = now
    return out


def _at(span: Span) -> str:
    return f"{os.path.basename(span.file).removesuffix('.dma')}:{span.line}"


def _marks(marks: tuple[str, ...]) -> str:
    return "<- " + ", ".join(marks)


# -- diff and full -----------------------------------------------------------------------------------------


def _title(st: StoryStep) -> Line:
    tag = f"#{st.number}" if st.weight else " " * len(f"#{st.number}")
    who = f"{st.actor} {st.thread}".strip()
    chosen = f"   with {', '.join(f'{k} = {v}' for k, v in st.inputs)}" if st.inputs else ""
    return page.join(
        text(f"  {tag:<5}{who:<16}", "head"),
        text(f"{st.text}{chosen}"),
        text(f"  {_marks(st.marks)}" if st.marks else "", "bad"),
    )


def _diff(story: Story, width: int) -> list[Line]:
    """Every step, and only the variables that it changed."""
    out: list[Line] = []
    for st in story.steps:
        out += page.right_edge(_title(st), text(str(st.span), "dim"), width)
        out += [text(f"         {e}", "dim") for e in st.events]
        out += [text(f"         {c.name}: {c.old} -> {c.new}") for c in st.changes]
    return out


def _full(story: Story, width: int) -> list[Line]:
    """Every step with the state behind it; variables at their default are left out."""
    out: list[Line] = []
    for st in story.steps:
        changed = {c.name for c in st.changes}
        out += page.right_edge(_title(st), text(str(st.span), "dim"), width)
        out += [text(f"         {e}", "dim") for e in st.events]
        out += [
            text(f"       {'*' if k in changed else ' '} {k} = {x}", "warn" if k in changed else "")
            for k, x in st.state
        ]
        out += [
            text(f"       * {c.name}: {c.old} -> {c.new}", "warn")
            for c in st.changes
            if c.name not in dict(st.state)
        ]
    return out


# -- what follows the table --------------------------------------------------------------------------------


def _facts(v: VariantResult, p: PropertyResult, story: Story, folding: bool, width: int) -> list[Line]:
    out: list[Line] = []
    f = story.failure
    if f is not None:
        out += _failure(f, story, width)
    for e in story.earlier:
        code = f" [{e.code}]" if e.code else ""
        out += page.hanging(
            "earlier",
            f"{e.prop}{code} is violated in the same trace, {_when(e, story)}: {e.message}",
            2,
            10,
            width,
        )
        out.append(page.pad(text(str(e.span), "dim"), width, right=True))
    if folding and story.folded:
        out += page.hanging(
            "folded",
            f"{words.plural(story.folded, 'statement')} that it does not depend on   (--all)",
            2,
            10,
            width,
        )
    rests = [*p.rests_on, *(n for n in v.notes if n not in p.rests_on)]
    if rests:
        out += page.hanging("rests on", "; ".join(rests), 2, 10, width)
    if p.again:
        # on one line however long: it is there to be copied
        out.append(page.join(text("  "), page.pad(text("again", "head"), 10), text(p.again)))
    return out


def _failure(f: Failure, story: Story, width: int) -> list[Line]:
    condition = f.condition or f.label
    left = page.join(text("  "), page.pad(text("false", "head"), 10), text(page.cut(condition, width - 12)))
    out = page.right_edge(left, text(str(f.span), "dim"), width)
    for name, value in f.values:
        out.append(text(f"            {name} = {value}"))
    return out


def _when(f: Failure, story: Story) -> str:
    if f.step == 0:
        return "before the first step"
    st = story.steps[f.step - 1]
    return f"at #{st.number}" if st.weight else f"after #{st.number}"
