"""What every scenario should do, and this one never does: probes that are not passed."""

from __future__ import annotations

from dmaverify.report import page, words
from dmaverify.report.page import Line, text
from dmaverify.results import ScenarioResult, VariantResult


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


def count(s: ScenarioResult) -> int:
    """How many they are."""
    return len({(p.name, p.span) for v in s.variants for p in v.probes if not p.reached})


def variant_name(v: VariantResult) -> str:
    """How tables call a variant."""
    return v.name if v.name is not None else "(base)"
