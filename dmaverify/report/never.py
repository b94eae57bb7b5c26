"""What every scenario should do, and this one never does: probes that are not passed."""

from __future__ import annotations

from collections import Counter

from dmaverify.report import page, words
from dmaverify.report.page import Line, text
from dmaverify.results import OK, PropertyResult, ScenarioResult, VariantResult
from dmaverify.span import Span


def lines(s: ScenarioResult, width: int) -> list[Line]:
    """One line for each, with the variants where it is so and the place in the text."""
    found: dict[tuple[str, str], list[str]] = {}
    for v in s.variants:
        for p in v.probes:
            if not p.reached:
                found.setdefault((words.probe_words(p), str(p.span)), []).append(variant_name(v))
    out: list[Line] = []
    for (said, where), names in found.items():
        there = "" if len(names) == len(s.variants) else f" in {', '.join(names)}"
        out += page.right_edge(text(f"  {said}{there}", "warn"), text(where, "dim"), width)
    return out


def untested(s: ScenarioResult) -> list[tuple[PropertyResult, str, Span]]:
    """Asserts that are put to the test in no variant that has their property, though others of the property are: each with a
    result of the property, its label and its place.
    """
    everywhere: dict[tuple[str, str, Span], tuple[int, PropertyResult]] = {}
    had = Counter(p.name for v in s.variants for p in v.properties)
    for v in s.variants:
        for p in v.properties:
            for label, span in p.untested:
                n, first = everywhere.get((p.name, label, span), (0, p))
                everywhere[p.name, label, span] = n + 1, first
    return [(p, label, span) for (name, label, span), (n, p) in everywhere.items() if n == had[name] and p.status == OK]


def count(s: ScenarioResult) -> int:
    """How many they are."""
    return len({(p.name, p.span) for v in s.variants for p in v.probes if not p.reached})


def variant_name(v: VariantResult) -> str:
    """How tables call a variant."""
    return v.name if v.name is not None else "(base)"
