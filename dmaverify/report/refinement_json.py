"""The report of ``refine`` as JSON, for programs. The members are explained in docs/refine.md."""

from __future__ import annotations

import json

from dmaverify import __version__
from dmaverify.patches.results import WordStep
from dmaverify.refinement.results import Difference, Refinement, RefinementReport, VariantAnswer

FORMAT = "dmaverify-refinement 1"


def dumps(report: RefinementReport) -> str:
    """One object, ended by a newline."""
    data = {
        "format": FORMAT,
        "version": __version__,
        "exit_status": report.exit_status,
        "contract": report.contract,
        "seconds": round(report.seconds, 3),
        "passed_over": report.passed_over,
        "scenarios": [
            {
                "name": s.name,
                "file": s.file,
                "diagnostics": s.diagnostics,
                "variants": [_variant(v) for v in s.variants],
            }
            for s in report.scenarios
        ],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _variant(v: VariantAnswer) -> dict[str, object]:
    return {
        "name": v.name,
        "exit_status": v.exit_status,
        "expected": None if v.expected is None else str(v.expected),
        "mismatch": v.mismatch,
        "diagnostics": v.diagnostics,
        "internal_error": v.internal or None,
        "answer": None if v.answer is None else _answer(v.answer),
    }


def _answer(a: Refinement) -> dict[str, object]:
    return {
        "word": a.word,
        "view": a.view,
        "how": a.how,
        "reason": a.reason,
        "pairs": a.pairs,
        "states": a.states,
        "seconds": round(a.seconds, 3),
        "choice": dict(a.choice),
        "instances": a.instances,
        "returns": dict(a.returns),
        "driver_breaks_contract": a.broken,
        "ambiguous": list(a.ambiguous),
        "hidden_events": list(a.hidden),
        "difference": None if a.difference is None else _difference(a.difference),
    }


def _difference(d: Difference) -> dict[str, object]:
    return {
        "shared": [_step(x) for x in d.shared],
        "last": _step(d.last),
        "allowed": [_step(x) for x in d.allowed],
        "call": d.call,
        "steps": [
            {"thread": s.thread, "text": s.text, "file": s.span.file, "line": s.span.line, "weight": s.weight, "seen": list(s.seen)}
            for s in d.steps
        ],
    }


def _step(x: WordStep) -> dict[str, object]:
    return {"thread": x.thread, "text": x.text, "call": x.call}
