"""A counterexample as text: a table of steps told in calls, what is false at its end, how to see it again.

Marks are computed from the replay, never guessed: ``seen`` is the step at which the claimed check is false,
``false from here`` the earlier step that made its condition false, ``cause`` the step of the first other
property that is violated in the same trace.
"""

from __future__ import annotations

import os.path

from dmaverify.report import page, words
from dmaverify.report.page import Line, text
from dmaverify.results import Failure, PropertyResult, ScenarioResult, Story, StoryStep, VariantResult

RESULT_WIDTH = 26
"""What a step returns or chooses is cut here."""


def story_lines(s: ScenarioResult, v: VariantResult, p: PropertyResult, trace: str, width: int) -> list[Line]:
    """The counterexample of a property; ``trace`` is auto or calls (the default look), diff or full."""
    story = p.story
    if story is None:
        return []
    out = _head(s, v, p, width)
    if story.initial:
        out += page.hanging("chosen", ", ".join(f"{k} = {x}" for k, x in story.initial), 2, 10, width)
        out.append(())
    out += steps_lines(story, trace, width)
    out += [(), *_facts(v, p, story, trace, width)]
    return out


def steps_lines(story: Story, trace: str, width: int) -> list[Line]:
    """Only the steps, in the style that ``trace`` names."""
    if trace == "diff":
        return _diff(story, width)
    return _full(story, width) if trace == "full" else _calls(story, width)


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


def _calls(story: Story, width: int) -> list[Line]:
    shown = [st for st in story.steps if not st.folded]
    numbered = len(str(max((st.number for st in story.steps), default=0)))
    who = max((len(st.actor) for st in shown), default=0)
    thread = max((len(st.thread) for st in shown), default=0)
    column_widths = [
        min(24, max(len(c), len(first), *(len(st.columns[i]) for st in shown if st.columns), 1))
        for i, (c, first) in enumerate(zip(story.columns, story.column_start, strict=True))
    ]
    where = max((len(_place(st)) for st in shown), default=0)
    mark = max((len(_marks(st)) for st in shown), default=0)
    fixed = (
        2 + numbered + 1 + 2 + who + 2 + thread + 2 + sum(w + 2 for w in column_widths) + 2 + where + 2 + mark
    )
    told = max(24, min(max((len(_told(st)) for st in shown), default=0), width - fixed))
    left = 2 + numbered + 1 + 2 + who + 2 + thread + 2

    out: list[Line] = []
    if story.columns:
        heads = "".join(f"  {page.cut(c, w):<{w}}" for c, w in zip(story.columns, column_widths, strict=True))
        out.append(text(" " * (left + told) + heads, "head"))
        values = "".join(
            f"  {page.cut(c, w):<{w}}" for c, w in zip(story.column_start, column_widths, strict=True)
        )
        out.append(page.join(text(" " * left + f"{'at the start':<{told}}", "dim"), text(values)))
    before = list(story.column_start)
    previous = ("", "")
    for st in shown:
        for call in st.calls:
            label = _who(st, previous, who, thread)
            previous = (st.actor, st.thread)
            line = page.cut("  " * call.depth + call.text, told)
            out.append(
                page.join(
                    text(" " * (2 + numbered + 3)),
                    text(label),
                    text(f"{line:<{told}}", "head"),
                    text(
                        " " * sum(w + 2 for w in column_widths)
                        + f"  {_base(call.span.file)}:{call.span.line}",
                        "dim",
                    ),
                )
            )
        tag = f"#{st.number}" if st.weight else ""
        cells: list[Line] = []
        for i, w in enumerate(column_widths):
            now = st.columns[i] if st.columns else before[i]
            changed = now != before[i]
            cells.append(text(f"  {page.cut(now, w) if changed else '':<{w}}", "warn" if changed else ""))
            before[i] = now
        out.append(
            page.join(
                text(f"  {tag:<{numbered + 1}}  "),
                text(_who(st, previous, who, thread)),
                text(f"{page.cut(_told(st), told):<{told}}"),
                *cells,
                text(f"  {_place(st):<{where}}", "dim"),
                text(f"  {_marks(st)}" if st.marks else "", "bad"),
            )
        )
        previous = (st.actor, st.thread)
    return out


def _who(st: StoryStep, previous: tuple[str, str], who: int, thread: int) -> str:
    """Actor and thread, blank where they are those of the line above."""
    now = (st.actor, st.thread)
    actor, name = ("", "") if now == previous else now
    return f"{actor:<{who}}  {name:<{thread}}  "


def _told(st: StoryStep) -> str:
    result = f"  {page.cut(st.result, RESULT_WIDTH)}" if st.result else ""
    return "  " * st.depth + st.text + result


def _place(st: StoryStep) -> str:
    return f"{_base(st.span.file)}:{st.span.line}"


def _base(path: str) -> str:
    return os.path.basename(path)


def _marks(st: StoryStep) -> str:
    return "<- " + ", ".join(st.marks) if st.marks else ""


# -- diff and full -----------------------------------------------------------------------------------------


def _title(st: StoryStep) -> Line:
    tag = f"#{st.number}" if st.weight else " " * len(f"#{st.number}")
    who = f"{st.actor} {st.thread}".strip()
    chosen = f"   with {', '.join(f'{k} = {v}' for k, v in st.inputs)}" if st.inputs else ""
    return page.join(
        text(f"  {tag:<5}{who:<16}", "head"),
        text(f"{st.text}{chosen}"),
        text(f"  {_marks(st)}" if st.marks else "", "bad"),
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


def _facts(v: VariantResult, p: PropertyResult, story: Story, trace: str, width: int) -> list[Line]:
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
    if trace not in ("diff", "full") and story.folded:
        out += page.hanging(
            "folded",
            f"{words.plural(story.folded, 'step')} that nobody else can see   (--trace full)",
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
