"""The report of ``prove`` as JSON; the schema is in docs/prove.md."""

from __future__ import annotations

import json
from typing import Any

from dmaverify.patches.results import Difference, Equality, PatchReport, PropertyChange, Rest, VariantChange, WordStep
from dmaverify.report.as_json import report_json
from dmaverify.results import PropertyResult

FORMAT = "dmaverify-patch 1"
"""First member of every report. The number grows when a member changes its meaning or goes away."""


def dumps(report: PatchReport) -> str:
    """The report as JSON text."""
    return json.dumps(patch_json(report), indent=2, ensure_ascii=False) + "\n"


def patch_json(report: PatchReport) -> dict[str, Any]:
    """The report as plain data; ``before`` and ``after`` are reports of ``check``."""
    from dmaverify import __version__

    return {
        "format": FORMAT,
        "version": __version__,
        "exit_status": report.exit_status,
        "title": report.title,
        "seconds": round(report.seconds, 3),
        "diagnostics": report.diagnostics,
        "changed": [{"file": c.file, "module": c.module or None, "declarations": list(c.declarations)} for c in report.changed],
        "scenarios": [
            {"name": s.name, "untouched": s.untouched, "variants": [_variant(v) for v in s.variants]} for s in report.scenarios
        ],
        "before": report_json(report.before),
        "after": report_json(report.after),
    }


def _variant(v: VariantChange) -> dict[str, Any]:
    return {
        "name": v.name,
        "unchecked": v.unchecked,
        "exit_status": v.exit_status,
        "internal_error": v.internal or None,
        "properties": [_property(p) for p in v.properties],
        "equality": None if v.equality is None else _equality(v.equality),
    }


def _property(p: PropertyChange) -> dict[str, Any]:
    return {
        "name": p.name,
        "before": _word(p.before),
        "after": _word(p.after),
        "verdict": p.verdict,
        "depth": p.depth,
        "reason": p.reason or None,
        "status": p.status,
    }


def _word(r: PropertyResult | None) -> str | None:
    from dmaverify.report.expectations import word_of

    return None if r is None else word_of(r).lower()


def _equality(e: Equality) -> dict[str, Any]:
    return {
        "word": e.word,
        "how": e.how or None,
        "view": e.view or None,
        "equal_views": list(e.equal_views),
        "reason": e.reason or None,
        "states": e.states,
        "seconds": round(e.seconds, 3),
        "differences": [_difference(d) for d in e.differences],
        "rest": None if e.rest is None else _rest(e.rest),
    }


def _rest(r: Rest) -> dict[str, Any]:
    return {
        "where": list(r.where),
        "equality": None if r.equality is None else _equality(r.equality),
        "breaks": list(r.spared),
        "reason": r.reason or None,
    }


def _difference(d: Difference) -> dict[str, Any]:
    return {
        "side": d.side,
        "shared": [_step(s) for s in d.shared],
        "last": _step(d.last),
        "instead": [_step(s) for s in d.instead],
        "call": d.call or None,
        "thread": d.thread or None,
        "attributed_to": list(d.fixed),
        "needed": d.needed,
    }


def _step(s: WordStep) -> dict[str, Any]:
    return {"thread": s.thread or None, "text": s.text, "call": s.call or None}
