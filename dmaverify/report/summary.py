"""The text report: a line for each verdict, a table for each scenario with variants, totals for a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmaverify.report import never, page, words
from dmaverify.report.counterexample import story_lines
from dmaverify.report.page import Line, text
from dmaverify.results import (
    INCONCLUSIVE,
    INTERNAL,
    OK,
    UNEXPECTED,
    PropertyResult,
    Report,
    ScenarioResult,
    VariantResult,
)
from dmaverify.verdict import Word

CELL = 13
"""Widest column heading of the summary table before it is broken at an underscore."""


@dataclass(frozen=True)
class TextOptions:
    """What the reader asked for. ``trace``: auto, calls, diff, full or off. ``verbose``: tables for folders
    too, and which engines were at each property of a single variant.
    """

    trace: str = "auto"
    all: bool = False
    """Counterexamples with the steps that they do not depend on."""
    verbose: bool = False
    debug: bool = False
    width: int = page.WIDTH


def report_lines(report: Report, options: TextOptions) -> list[Line]:
    """The whole report."""
    out: list[Line] = []
    for s in report.scenarios:
        out += part_lines(report, s, options)
    return out + end_lines(report)


def part_lines(report: Report, s: ScenarioResult, options: TextOptions) -> list[Line]:
    """One scenario as a part of a report: with several, one line is enough for what is as expected."""
    brief = len(report.scenarios) > 1 and not options.verbose
    lines = _brief(s, report, options) if brief else scenario_lines(s, options)
    return lines if brief and len(lines) == 1 else [*lines, ()]


def end_lines(report: Report) -> list[Line]:
    """What stands below all scenarios."""
    out = [text(line, "bad") for d in report.diagnostics for line in d.split("\n")]
    if len(report.scenarios) > 1:
        out += _totals(report)
    if report.interrupted:
        out.append(text("interrupted: what is shown above was finished before", "warn"))
    return out


def scenario_lines(s: ScenarioResult, options: TextOptions) -> list[Line]:
    """One scenario: its table or list of verdicts, then the counterexamples that were asked for."""
    out: list[Line] = [text(d) for d in s.diagnostics]
    if not s.variants:
        return out
    said = {tuple(v.diagnostics) for v in s.variants}
    if len(said) == 1 and any(said) and not any(v.properties or v.internal for v in s.variants):
        # the same is wrong with every variant: once is enough
        return out + [text(line) for d in s.variants[0].diagnostics for line in d.split("\n")]
    out += _heading(s)
    if len(s.variants) == 1:
        out += _list(s, s.variants[0], options)
    else:
        out += _table(s, options)
    missing = never.lines(s, options.width)
    out += [*missing, ()] if missing and len(s.variants) > 1 else missing
    for v in s.variants:
        out += _problems(v, options)
    for v in s.variants:
        for p in _told(v, options, alone=len(s.variants) == 1):
            out += [(), *story_lines(s, v, p, options.trace, options.width, options.all)]
    return out


def _heading(s: ScenarioResult) -> list[Line]:
    title = f' "{s.title}"' if s.title else ""
    name: Line = (("head", s.name),)
    if len(s.variants) == 1:
        v = s.variants[0]
        if v.name is not None:
            name = (*name, ("", f", variant {v.name}"))
            title = f' "{v.title}"' if v.title else ""
        if v.params:
            name = (*name, ("dim", "  with " + ", ".join(f"{k} = {x}" for k, x in v.params)))
    return [page.join(name, text(title))]


# -- one variant: a list -----------------------------------------------------------------------------------


def _list(s: ScenarioResult, v: VariantResult, options: TextOptions) -> list[Line]:
    quiet = [p for p in v.properties if p.kind == "builtin" and p.status == OK and p.word.holds]
    told = [p for p in v.properties if p not in quiet]
    names = max((len(p.name) for p in told), default=0)
    out: list[Line] = []
    for p in told:
        verdict = text(words.long_word(p), words.style_of(p))
        line = page.join(text(f"  {p.name:<{names}}  "), verdict)
        style = "" if p.status == OK else "warn"
        for remark in (words.blame_words(p), words.length_words(p), _remark(p)):
            if not remark:
                continue
            longer = page.join(line, text(f", {remark}", style))
            if page.width_of(longer) > options.width:
                out.append(line)
                longer = text(" " * (names + 6) + remark, style)
            line = longer
        out.append(line)
    if quiet:
        out += page.hanging(
            "", f"built-in checks hold: {', '.join(p.name for p in quiet)}", 2, 0, options.width
        )
    for p in v.properties:
        out += _explanations(p, options)
    # a counterexample says it again, with what it rests on itself
    return out if _told(v, options, alone=True) else out + _rests_on(v.notes, options.width)


def _rests_on(notes: Sequence[str], width: int) -> list[Line]:
    return page.hanging("", f"rests on {'; '.join(notes)}", 2, 0, width) if notes else []


def _remark(p: PropertyResult) -> str:
    if p.status != OK:
        return p.mismatch
    if p.expected is not None and p.expected.word not in ("holds", "reachable"):
        return "as expected"
    return ""


def _explanations(p: PropertyResult, options: TextOptions) -> list[Line]:
    out: list[Line] = []
    width = options.width
    if p.status != OK and p.expected is not None:
        out += page.hanging("", f"{p.name}: the expectation stands in {_at(p.expected.span)}", 4, 0, width)
    if p.word is Word.VACUOUS and p.reason:
        out.append(text(f"    {p.name}: {p.reason}"))
    elif p.word is Word.VACUOUS:
        out.append(text(f"    {p.name} was never put to the test:"))
        out += [page.right_edge(text(f"      {x}"), text(str(span), "dim"), width)[0] for x, span in p.untested]
        if not p.untested:
            out.append(text("      nothing that it speaks of ever happens in this scenario"))
    elif p.untested:
        out.append(text(f"    {p.name}: never put to the test:", "warn"))
        out += [
            page.right_edge(text(f"      {label}"), text(str(span), "dim"), width)[0]
            for label, span in p.untested
        ]
    if p.word is Word.UNKNOWN and p.states and not {"time", "memory", "states"}.isdisjoint(p.reason.split("; ")):
        out.append(text(f"    {p.name}: {words.plural(p.states, 'state')} visited so far, none of them bad", "dim"))
    if options.verbose and p.tried:
        by = "; ".join(f"{t.engine} {t.said}, {words.seconds(t.seconds)}" for t in p.tried)
        out += page.hanging("", f"{p.name}: {by}", 4, 0, width)
    if p.contracts and not p.word.holds:
        out += page.hanging("", f"{p.name} rests on the contract of {', '.join(p.contracts)}", 4, 0, width)
    for w in p.warnings:
        out += page.hanging("", f"warning: {p.name}: {w}", 4, 0, width)
    return out


# -- several variants: a table -----------------------------------------------------------------------------


def _table(s: ScenarioResult, options: TextOptions) -> list[Line]:
    names = list(dict.fromkeys(p.name for v in s.variants for p in v.properties))
    shown = [n for n in names if any(_notable(p) for v in s.variants for p in v.properties if p.name == n)]
    others = [n for n in names if n not in shown]
    first = max(len(never.variant_name(v)) for v in s.variants) + 2
    out: list[Line] = []
    for columns, last in _chunks(shown, first, bool(others), options.width):
        out += _block(s, columns, others if last else [], last)
    out.append(())
    out += _mismatches(s, options)
    out += page.hanging("", _footer(s), 2, 0, options.width)
    return out + _rests_on([n for n in s.variants[0].notes if all(n in v.notes for v in s.variants)], options.width)


def _notable(p: PropertyResult) -> bool:
    """Whether a verdict is worth a column: everything but *holds* as expected."""
    if p.kind == "cover":
        return p.status != OK or not p.reached
    return p.status != OK or not (p.word.holds or p.word is Word.NOT_APPLICABLE)


def _heads(name: str) -> list[str]:
    """A property's name in lines of at most ``CELL`` characters, broken at underscores."""
    lines = [""]
    for i, part in enumerate(name.split("_")):
        piece = f"_{part}" if i else part
        if lines[-1] and len(lines[-1]) + len(piece) > CELL:
            lines.append("")
        lines[-1] += piece
    return lines


def _chunks(shown: list[str], first: int, others: bool, width: int) -> list[tuple[list[str], bool]]:
    """The columns, in as many tables as the width of the page needs."""
    room = width - first - 2 - (8 if others else 0) - 14
    chunks: list[list[str]] = [[]]
    used = 0
    for name in shown:
        w = max(9, *map(len, _heads(name))) + 2
        if chunks[-1] and used + w > room:
            chunks.append([])
            used = 0
        chunks[-1].append(name)
        used += w
    return [(c, i == len(chunks) - 1) for i, c in enumerate(chunks)]


def _block(s: ScenarioResult, columns: list[str], others: list[str], last: bool) -> list[Line]:
    heads = [_heads(n) for n in columns]
    tail = [*(["others"] if others else []), *(["as expected"] if last else [])]
    rows: list[list[Line]] = []
    for i in range(max((len(h) for h in heads), default=1)):
        cells = [h[i] if i < len(h) else "" for h in heads]
        rows.append(
            [text("variant" if i == 0 else ""), *map(text, cells), *(text(t if i == 0 else "") for t in tail)]
        )
    for v in s.variants:
        row = [text(never.variant_name(v))]
        by_name = {p.name: p for p in v.properties}
        for n in columns:
            p = by_name.get(n)
            row.append(text(words.short_word(p), words.style_of(p)) if p else text("-", "dim"))
        if others:
            row.append(text("hold", "good") if any(n in by_name for n in others) else text("-", "dim"))
        if last:
            row.append(_verdict_on(v))
        rows.append(row)
    return [(), *page.table(rows)]


def _verdict_on(v: VariantResult) -> Line:
    status = v.exit_status
    if status == OK:
        return text("yes", "good")
    if status == INTERNAL:
        return text("internal error", "bad")
    if v.diagnostics:
        return text("input error", "bad")
    if v.interrupted:
        return text("interrupted", "warn")
    return (
        text("NO", "bad")
        if status == UNEXPECTED
        else text("open" if status == INCONCLUSIVE else "vacuous", "warn")
    )


def _mismatches(s: ScenarioResult, options: TextOptions) -> list[Line]:
    out: list[Line] = []
    width = max(len(never.variant_name(v)) for v in s.variants) + 2
    for v in s.variants:
        for p in v.properties:
            if p.status == OK:
                continue
            left = page.join(
                text("  "),
                page.pad(text(never.variant_name(v)), width),
                text(f"{p.name}: {p.mismatch}", words.style_of(p)),
            )
            where = p.expected.span if p.expected else p.span
            out += page.right_edge(left, text(_at(where), "dim"), options.width)
            if p.again:
                out.append(text(" " * (width + 2) + p.again, "dim"))
    return [*out, ()] if out else out


def _footer(s: ScenarioResult) -> str:
    results = [p for v in s.variants for p in v.properties]
    parts = [words.holds_words(results)] if words.holds_words(results) else []
    counts = {len(v.properties) for v in s.variants}
    each = (
        f"{words.plural(counts.pop(), 'property', 'properties')} each"
        if len(counts) == 1
        else f"{len(results)} verdicts"
    )
    parts.append(
        f"{words.plural(len(s.variants), 'variant')}, {each}: "
        f"{words.plural(sum(p.states for p in results), 'state')}, "
        f"{words.seconds(sum(v.seconds for v in s.variants))}"
    )
    untested = len({(label, span) for p in results for label, span in p.untested})
    if untested:
        were = "assert was" if untested == 1 else "asserts were"
        parts.append(f"{untested} {were} never put to the test in some variant: --variant NAME says which")
    return ". ".join(parts)


# -- what went wrong, totals -------------------------------------------------------------------------------


def _problems(v: VariantResult, options: TextOptions) -> list[Line]:
    out: list[Line] = []
    for d in v.diagnostics:
        out += [(), *map(text, d.rstrip("\n").split("\n"))]
    for w in v.warnings:
        out += page.hanging("", f"warning: {w}", 2, 0, options.width)
    if v.internal:
        out += [(), *(text(line, "bad") for line in f"{never.variant_name(v)}: {v.internal}".split("\n"))]
        if options.debug and v.details:
            out += [text(line, "dim") for line in v.details.rstrip().split("\n")]
    return out


def _told(v: VariantResult, options: TextOptions, alone: bool) -> list[PropertyResult]:
    """All counterexamples if a style was asked for, else the unexpected ones, or the first one of one
    variant.
    """
    told = sorted(
        (p for p in v.properties if p.story is not None and p.word is Word.VIOLATED), key=_causal_order
    )
    if options.trace == "off":
        return []
    if options.trace != "auto":
        return told
    unexpected = [p for p in told if p.status == UNEXPECTED]
    return unexpected or (told[:1] if alone else [])


def _causal_order(p: PropertyResult) -> tuple[int, int]:
    """Properties in whose trace nothing else was violated before come first, the shortest at the front."""
    return (len(p.story.earlier) if p.story else 0, p.length or 0)


def _brief(s: ScenarioResult, report: Report, options: TextOptions) -> list[Line]:
    if s.exit_status != OK or not s.variants:
        return scenario_lines(s, options)
    verdicts = [p for v in s.variants for p in v.properties]
    width = max(len(x.name) for x in report.scenarios)
    cells = [
        f"{s.name:<{width}}",
        f"{words.plural(len(s.variants), 'variant'):>11}",
        f"{words.plural(len(verdicts), 'verdict'):>13}",
        f"{sum(p.word is Word.VIOLATED for p in verdicts):>3} violated",
        "as expected",
        f"{words.plural(sum(p.states for p in verdicts), 'state'):>15}",
        f"{words.seconds(sum(v.seconds for v in s.variants)):>8}",
    ]
    if missing := never.count(s):
        cells.append(f"{missing} never happen{'s' if missing == 1 else ''} (--verbose)")
    return [text("  ".join(cells))]


def _totals(report: Report) -> list[Line]:
    variants = [v for s in report.scenarios for v in s.variants]
    verdicts = [p for v in variants for p in v.properties]
    off = sum(p.status != OK for p in verdicts)
    state = "all as expected" if not off and report.exit_status == OK else f"{number_off(off, report)}"
    line = (
        f"{words.plural(len(report.scenarios), 'scenario')}, {words.plural(len(variants), 'variant')}, "
        f"{words.plural(len(verdicts), 'verdict')}: {state}. "
        f"{words.plural(sum(p.states for p in verdicts), 'state')}, {words.seconds(report.seconds)}"
    )
    return [text(line, "good" if report.exit_status == OK else "bad")]


def number_off(off: int, report: Report) -> str:
    """What is not in order, counted."""
    parts = [f"{off} not as expected"] if off else []
    wrong = sum(bool(s.diagnostics) or any(v.diagnostics for v in s.variants) for s in report.scenarios)
    if wrong:
        parts.append(f"{words.plural(wrong, 'file')} with errors")
    broken = sum(bool(v.internal) for s in report.scenarios for v in s.variants)
    if broken:
        parts.append(words.plural(broken, "internal error"))
    return ", ".join(parts) or "not finished"


def _at(span: object) -> str:
    return str(span)


def told_properties(s: ScenarioResult, options: TextOptions) -> Sequence[PropertyResult]:
    """The properties whose counterexamples ``scenario_lines`` tells."""
    return [p for v in s.variants for p in _told(v, options, alone=len(s.variants) == 1)]
