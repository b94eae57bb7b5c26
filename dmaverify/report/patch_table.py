"""What became of each variant of several scenarios: the table at the end of a report of ``prove``."""

from __future__ import annotations

from dmaverify.patches.results import KEEPS, NOTHING, PatchReport, VariantChange
from dmaverify.report import page, words
from dmaverify.report.page import Line

LABEL = 36
"""So wide is the column of the scenarios; longer names push the text to the right."""


def view_words(view: str) -> str:
    """What a view compares, as it stands in a sentence."""
    return {"addresses": "events and addresses"}.get(view, view)


def table_of_all(report: PatchReport, width: int) -> list[Line]:
    """A row for each scenario, with what becomes of its variants; those that fare alike together."""
    out: list[Line] = []
    for s in report.scenarios:
        if s.untouched or not s.variants:
            continue
        ways: dict[str, list[str]] = {}
        for v in s.variants:
            ways.setdefault(in_short(v), []).append(v.name or "base")
        alike = len(ways) == 1 and len(s.variants) > 1
        label = f"{s.name}, {words.plural(len(s.variants), 'variant')}" if alike else s.name
        said = [way if len(ways) == 1 else f"{', '.join(names)}: {way}" for way, names in ways.items()]
        out += page.hanging(label, "\n".join(said), 0, max(LABEL, len(label) + 2), width)
    return [*out, ()] if out else []


def in_short(v: VariantChange) -> str:
    """What became of one variant: its verdicts where they are not kept, and whether anything else is different."""
    if v.unchecked:
        return "the same (equal IR)"
    sides = [side for side in (v.before, v.after) if side is not None]
    if v.internal or any(side.internal for side in sides):
        return "internal error"
    if any(side.diagnostics for side in sides):
        return "wrong input"
    if len(sides) < 2:
        return "only before" if v.after is None else "only after"
    verdicts: dict[str, list[str]] = {}
    for p in v.properties:
        if p.verdict not in (KEEPS, NOTHING):
            verdicts.setdefault(p.verdict, []).append(p.name)
    said = [f"{verdict} {', '.join(names)}" for verdict, names in verdicts.items()] or ["keeps every verdict"]
    return "; ".join([*said, *_else(v)])


def _else(v: VariantChange) -> list[str]:
    e = v.equality
    if e is None:
        return []
    if e.word == "equal":
        return [f"the same {view_words(e.view)} ({e.how})"]
    if e.word == "unknown":
        return [f"what else changes is unknown: {e.reason}"]
    return ["nothing new" if e.word == "fewer" else f"other {view_words(e.view)}"]
