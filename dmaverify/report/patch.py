"""The report of ``prove`` as text: what differs, the verdicts side by side, both traces where something breaks."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import replace

from dmaverify.patches.results import (
    BREAKS,
    DOES_NOT_FIX,
    FIXES,
    KEEPS,
    NOTHING,
    Difference,
    Equality,
    PatchReport,
    PropertyChange,
    Rest,
    ScenarioChange,
    VariantChange,
    WordStep,
)
from dmaverify.report import page, words
from dmaverify.report.counterexample import story_lines
from dmaverify.report.page import Line, text
from dmaverify.report.patch_table import table_of_all, view_words
from dmaverify.results import OK, PropertyResult
from dmaverify.texts import overlaid

_STYLE = {FIXES: "good", BREAKS: "bad", DOES_NOT_FIX: "warn"}

NAMED = 12
"""So many of the declarations of a file that differ are named."""

FIX_ITSELF, NEEDED, OTHER = "the fix itself", "another change, which the fix needs", "another change"
"""Whose a difference is."""

TOLD = 3
"""So many differences of one variant are told; the report as JSON has all."""


def lines(report: PatchReport, trace: str = "auto", everything: bool = False, width: int = page.WIDTH) -> list[Line]:
    """The whole report; ``trace`` and ``everything`` as for ``check``."""
    out = [*_head(report, width), ()]
    out += [text(line, "bad") for d in report.diagnostics for line in d.split("\n")]
    for side in (report.before, report.after):
        out += [text(line, "bad") for d in side.diagnostics for line in d.split("\n")]
    for s in report.scenarios:
        if not s.untouched:
            out += _scenario(report, s, trace, everything, width)
    if _is_several(report):
        out += table_of_all(report, width)
    return [*out, *_end(report)]


def _head(report: PatchReport, width: int) -> list[Line]:
    others = f"; {words.plural(report.elsewhere, 'other file')} that no scenario here stands on" if report.elsewhere else ""
    if not report.changed:
        return [text(f"{report.title}: no declaration differs that matters here{others}")]
    files = words.plural(len(report.changed), "file")
    count = sum(len(c.declarations) for c in report.changed)
    out = [text(f"{report.title}: {words.plural(count, 'declaration')} of {files} differ" + ("s" if count == 1 else "") + others)]
    for c in report.changed:
        more = len(c.declarations) - NAMED
        names = [*c.declarations[:NAMED], f"{more} more"] if more > 1 else c.declarations
        body = ", ".join(names) or "the whole file"
        out += page.hanging("", f"{c.module or c.file}: {body}", 4, 0, width)
    return out


def _scenario(report: PatchReport, s: ScenarioChange, trace: str, everything: bool, width: int) -> list[Line]:
    out: list[Line] = []
    if s.variants and all(v.unchecked for v in s.variants):
        return out
    for label, side in (("before", s.before), ("after", s.after)):
        if side is None:
            out.append(text(f"{s.name}: not there {label} the patch", "warn"))
        else:
            out += [text(f"{label}: {line}", "bad") for d in side.diagnostics for line in d.split("\n")]
    several = _is_several(report)
    for v in s.variants:
        if not (several and (v.unchecked or (not everything and _nothing_new(v)))):
            out += _variant(report, s, v, trace, everything, width)
    return out


def _is_several(report: PatchReport) -> bool:
    """Whether there is more than one variant: then a table at the end says what became of each."""
    return sum(len(x.variants) for x in report.scenarios) > 1


def _nothing_new(v: VariantChange) -> bool:
    """Whether one line is enough: every verdict is kept, is as expected, and nothing else is different."""
    sides = [side for side in (v.before, v.after) if side is not None]
    if len(sides) < 2 or v.internal or any(side.diagnostics or side.internal or side.interrupted for side in sides):
        return False
    kept = all(p.verdict in (KEEPS, NOTHING) and p.status == OK for p in v.properties)
    return kept and (v.equality is None or v.equality.word == "equal")


def _name(s: ScenarioChange, v: VariantChange) -> str:
    return s.name + (f", variant {v.name}" if v.name is not None else "")


def _variant(
    report: PatchReport, s: ScenarioChange, v: VariantChange, trace: str, everything: bool, width: int
) -> list[Line]:
    out: list[Line] = [text(_name(s, v), "head")]
    for label, side in (("before", v.before), ("after", v.after)):
        if side is None:
            out.append(text(f"  not there {label} the patch", "warn"))
        else:
            out += [text(f"  {label}: {line}", "bad") for d in side.diagnostics for line in d.split("\n")]
            out += [text(f"  {label}: {line}", "bad") for line in side.internal.split("\n") if line]
    out += [text(f"  {line}", "bad") for line in v.internal.split("\n") if line]
    if v.properties:
        out += _table(v)
    if v.equality is not None:
        out += _equality(v.equality, width, everything)
    out.append(())
    for p in v.properties:
        out += _traces(report, s, v, p, trace, everything, width)
    return out


def _table(v: VariantChange) -> list[Line]:
    quiet = [p for p in v.properties if _is_quiet(p)]
    rows: list[Sequence[Line]] = [(text("property", "dim"), text("before", "dim"), text("after", "dim"), ())]
    for p in v.properties:
        if p not in quiet:
            rows.append((text(p.name), _cell(p.before), _cell(p.after), text(verdict_words(p), _STYLE.get(p.verdict, ""))))
    out = page.table(rows) if len(rows) > 1 else []
    if quiet:
        kept = "hold before and after" if any(p.verdict == KEEPS for p in quiet) else "hold, and nothing changes"
        out += page.hanging("", f"built-in checks {kept}: {', '.join(p.name for p in quiet)}", 2, 0, page.WIDTH)
    return out


def _is_quiet(p: PropertyChange) -> bool:
    builtin = p.after is not None and p.after.kind == "builtin"
    return builtin and p.verdict in (KEEPS, NOTHING) and p.status == OK and p.after is not None and p.after.word.holds


def _cell(p: PropertyResult | None) -> Line:
    if p is None:
        return text("-")
    length = f", {words.plural(p.length, 'step')}" if p.length is not None and p.kind != "cover" else ""
    return text(words.long_word(p) + length)


def verdict_words(p: PropertyChange) -> str:
    """``fixes``, ``fixes up to 40 steps``, ``unclear: after it, it is never put to the test``."""
    limit = f" up to {words.plural(p.depth, 'step')}" if p.depth is not None else ""
    return p.verdict + limit + (f" ({p.reason})" if p.reason else "")


def _traces(
    report: PatchReport, s: ScenarioChange, v: VariantChange, p: PropertyChange, trace: str, everything: bool, width: int
) -> list[Line]:
    """The counterexample before where it is fixed, after where it is not, both where both are there to be compared."""
    if trace == "off":
        return []
    out: list[Line] = []
    before = p.verdict in (FIXES, DOES_NOT_FIX)
    after = p.verdict == BREAKS or (p.verdict == DOES_NOT_FIX and not _same_story(p))
    parts = ((before, "before", s.before, v.before, p.before, 0), (after, "after", s.after, v.after, p.after, 1))
    for wanted, label, scenario, variant, result, side in parts:
        if wanted and scenario is not None and variant is not None and result is not None and result.story is not None:
            if report.again:  # a check of the file would not know the other text
                named = "--variant", variant.name or "base", "--property", result.name
                result = replace(result, again=shlex.join((*report.again, scenario.file, *named)))
            with overlaid(report.sides[side].overlay):
                told = story_lines(scenario, variant, result, trace, width, everything)
            out += [text(f"{label} the patch:", "head"), *told, ()]
    return out


def _same_story(p: PropertyChange) -> bool:
    """Whether the trace after is that from before, so that telling it twice says nothing."""
    one, other = (r.trace if r is not None else None for r in (p.before, p.after))
    return one is not None and other is not None and (one.steps, one.initial) == (other.steps, other.initial)


# -- what else is different


def _equality(e: Equality, width: int, everything: bool) -> list[Line]:
    cost = f", {words.plural(e.states, 'state')}" if e.states else ""
    how = f" ({e.how}{cost})" if e.how else ""
    if e.word == "equal":
        finer = "" if e.view == "addresses" else f", {'addresses' if e.view == 'events' else 'events'} not considered"
        return page.hanging("else", f"nothing: the same {view_words(e.view)} on both sides{finer}{how}", 2, 8, width)
    if e.word == "unknown":
        return page.hanging("else", f"unknown: {e.reason}{how}", 2, 8, width)
    said = []
    for label in (FIX_ITSELF, NEEDED, OTHER):
        where = dict.fromkeys(_where(d) for d in e.differences if _whose(d) == label)
        if where:
            said.append(f"{label}: {', '.join(where)}")
    what = {
        "fewer": f"nothing new, and some {view_words(e.view)} of before are gone",
        "more": f"some new {view_words(e.view)}, and all of before",
    }.get(e.word, f"other {view_words(e.view)}")
    same = f"; the same {view_words(e.equal_views[-1])}" if e.equal_views else ""
    left = f"; not all was looked at: {e.reason}" if e.reason else ""
    behind = "" if e.rest is not None and e.rest.where else ". What comes behind a difference is not compared"
    out = page.hanging("else", f"{what}{same}{how}. In {'; '.join(said)}{left}{behind}", 2, 8, width)
    out += _differences(e, ("before", "after"), width, everything)
    return out if e.rest is None else [*out, *_rest(e.rest, e.differences, width, everything)]


def _differences(e: Equality, sides: tuple[str, str], width: int, everything: bool) -> list[Line]:
    out: list[Line] = []
    told: list[Difference] = []
    for d in e.differences:
        # the other side of one that is told already says nothing new
        if len(told) < TOLD and not any(d.shared == t.shared and (d.fixed, d.needed) == (t.fixed, t.needed) for t in told):
            out += difference_lines(d, e.differences, width, everything, sides)
            told.append(d)
    return out


def _rest(r: Rest, known: Sequence[Difference], width: int, everything: bool) -> list[Line]:
    """What the patch does beside its fix, with the fix in common; what is ``known`` already is not told twice."""
    more = f"; not all of it was looked for: {r.reason}" if r.reason else ""
    if not r.where:
        all_of_it = "the fix needs every part of the patch: none can be left out"
        said = "which part of the patch fixes was not found out: time" if r.reason else all_of_it
        return [(), *page.hanging("rest", said, 2, 8, width)]
    e = r.equality
    assert e is not None
    cost = f", {words.plural(e.states, 'state')}" if e.states else ""
    how = f" ({e.how}{cost})" if e.how else ""
    match e.word:
        case "equal":
            does = f"changes nothing beside: the same {view_words(e.view)}{how}"
        case "unknown":
            does = f"may change something beside: {e.reason}{how}"
        case _:
            where = ", ".join(dict.fromkeys(_where(d) for d in e.differences))
            does = f"is another change{how}: in {where}. What comes behind it is not compared"
    blame = f". {', '.join(r.spared)} {'is' if len(r.spared) == 1 else 'are'} broken by it and not by the fix" if r.spared else ""
    names = [*r.where[:NAMED], f"{len(r.where) - NAMED} more"] if len(r.where) > NAMED + 1 else r.where
    out: list[Line] = [(), *page.hanging("rest", f"the fix does without {', '.join(names)}, and that {does}{blame}{more}", 2, 8, width)]
    words_known = {(d.side, d.shared, d.last) for d in known}
    new = tuple(d for d in e.differences if (d.side, d.shared, d.last) not in words_known)
    return [*out, *_differences(replace(e, differences=new), ("the fix alone", "the whole patch"), width, everything)]


def _whose(d: Difference) -> str:
    return FIX_ITSELF if d.fixed else NEEDED if d.needed else OTHER


def _where(d: Difference) -> str:
    return d.call or f"{d.thread or 'hardware'}, outside of calls"


def difference_lines(
    d: Difference, all_of_them: Sequence[Difference], width: int, everything: bool, sides: tuple[str, str] = ("before", "after")
) -> list[Line]:
    """A shortest differing pair of traces: what both sides do, then side by side what each of them may do next.

    Marked by a star is what the other side cannot do. Calls that are over are told in one line, unless ``everything`` is.
    """
    whose = f"part of the fix of {', '.join(d.fixed)}" if d.fixed else _whose(d)
    out: list[Line] = [(), text(f"    {whose}: after {words.plural(len(d.shared), 'event')} that both sides can show", "head")]
    told = [(s.thread, s.text) for s in d.shared] if everything else folded(d.shared)
    who = max((len(thread) for thread, _ in told), default=0)
    for thread, line in told:
        out += page.hanging("", f"{thread:<{who}}  {line}", 6, 0, width)
    here = [x for x in all_of_them if x.shared == d.shared]
    columns: list[list[str]] = []
    for side, label in zip(("before", "after"), sides, strict=True):
        mine = [f"* {_said(x.last)}" for x in here if x.side == side]
        other = next((x for x in here if x.side != side), None)
        known = {_said(x.last) for x in here}
        both = [_said(x) for x in other.instead if _said(x) not in known] if other is not None else []
        columns.append([label, *mine, *(f"  {b}" for b in both)] if mine or both else [label, "  nothing more"])
    half = (width - 10) // 2
    cells = [[w for line in column for w in wrapped(line, half)] for column in columns]
    for i in range(max(map(len, cells))):
        left, right = (c[i] if i < len(c) else "" for c in cells)
        out.append(text(f"      {left:<{half}}  {right}", "dim" if i == 0 else ""))
    return out


def _said(s: WordStep) -> str:
    return f"{s.thread}  {s.text}".strip()


def wrapped(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent="      ", break_long_words=True) or [""]


def folded(word: Sequence[WordStep]) -> list[tuple[str, str]]:
    """The word with each call that is over as one line; of the others every event is told."""
    out: list[tuple[str, str] | None] = []
    opened: dict[str, list[int]] = {}
    for s in word:
        mine = opened.get(s.thread)
        if mine is None and s.call == s.text:
            opened[s.thread] = [len(out)]
        elif mine is not None:
            mine.append(len(out))
        out.append((s.thread, s.text))
        if mine is not None and s.returned:
            result = s.text.partition(" returns")[2].strip()
            out[mine[0]] = s.thread, s.call + (f" = {result}" if result else "")
            for n in mine[1:]:
                out[n] = None
            del opened[s.thread]
    return [x for x in out if x is not None]


# -- the end


def _end(report: PatchReport) -> list[Line]:
    out: list[Line] = []
    if report.before.interrupted or report.after.interrupted:
        out.append(text("interrupted: what is shown above was finished before", "warn"))
    untouched = sum(s.untouched for s in report.scenarios)
    verdicts: dict[str, list[str]] = {}
    for _, _, p in report.all_properties():
        if p.verdict not in (KEEPS, NOTHING):
            verdicts.setdefault(p.verdict, []).append(p.name)
    said = [f"{verdict} {', '.join(dict.fromkeys(names))}" for verdict, names in verdicts.items()]
    compared = [v for s in report.scenarios for v in s.variants]
    if not said and compared:
        same = all(v.unchecked or (v.properties and all(p.verdict == NOTHING for p in v.properties)) for v in compared)
        said = [NOTHING] if same else ["every verdict is kept"]
    if len(compared) > 1:
        worse, better = (sum(any(p.verdict == what for p in v.properties) for v in compared) for what in (BREAKS, FIXES))
        equal = sum(v.unchecked for v in compared)
        alike = f", {equal} the same by their IR and not checked" if equal else ""
        said.append(f"{words.plural(len(compared), 'variant')} compared: {better} better, {worse} worse{alike}")
    rest = f"; {words.plural(untouched, 'scenario')} untouched" if untouched else ""
    if said or rest:
        out.append(text(f"{', '.join(said) or 'nothing was checked'}{rest}. {words.seconds(report.seconds)}", "head"))
    return out
