"""The report as JSON, for machines. The schema is in docs/json.md; what it says is kept from version to
version.
"""

from __future__ import annotations

import json
from typing import Any

from dmaverify.report.expectations import word_of
from dmaverify.report.values import decode, encode
from dmaverify.results import (
    Call,
    Expectation,
    Failure,
    ProbeResult,
    PropertyResult,
    Report,
    ScenarioResult,
    Story,
    StoryStep,
    VariantResult,
)
from dmaverify.span import NOWHERE, Span
from dmaverify.verdict import Step, Trace

FORMAT = "dmaverify-report 1"
"""First member of every report. The number grows when a member changes its meaning or goes away."""


def dumps(report: Report) -> str:
    """The report as JSON text, members in the order of the schema."""
    return json.dumps(report_json(report), indent=2, ensure_ascii=False) + "\n"


def report_json(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    from dmaverify import __version__

    return {
        "format": FORMAT,
        "version": __version__,
        "exit_status": report.exit_status,
        "engine": report.engine,
        "seed": report.seed,
        "interrupted": report.interrupted,
        "diagnostics": report.diagnostics,
        "seconds": round(report.seconds, 3),
        "scenarios": [_scenario(s) for s in report.scenarios],
    }


def _scenario(s: ScenarioResult) -> dict[str, Any]:
    return {
        "file": s.file,
        "name": s.name,
        "title": s.title,
        "exit_status": s.exit_status,
        "diagnostics": s.diagnostics,
        "variants": [_variant(v) for v in s.variants],
    }


def _variant(v: VariantResult) -> dict[str, Any]:
    return {
        "name": v.name,
        "title": v.title,
        "exit_status": v.exit_status,
        "seconds": round(v.seconds, 3),
        "params": dict(v.params),
        "rests_on": list(v.notes),
        "warnings": v.warnings,
        "diagnostics": v.diagnostics,
        "internal_error": v.internal or None,
        "interrupted": v.interrupted,
        "properties": [_property(p) for p in v.properties],
        "probes": [_probe(p) for p in v.probes],
    }


def _probe(p: ProbeResult) -> dict[str, Any]:
    return {"name": p.name, "kind": p.kind, "passed": p.reached, "span": span_json(p.span)}


def _property(p: PropertyResult) -> dict[str, Any]:
    return {
        "name": p.name,
        "code": p.code or None,
        "kind": p.kind,
        "title": p.title,
        "verdict": word_of(p).lower() if p.kind == "cover" else p.word.value,
        "holds": p.word.holds if p.kind != "cover" else None,
        "reason": p.reason or None,
        "as_expected": p.as_expected,
        "status": p.status,
        "mismatch": p.mismatch or None,
        "expected": _expectation(p.expected),
        "depth": p.depth,
        "states": p.states,
        "transitions": p.transitions,
        "modulo_symmetry": p.symmetric,
        "slices": p.slices,
        "engine": p.engine or None,
        "tried": [{"engine": t.engine, "said": t.said, "seconds": round(t.seconds, 3)} for t in p.tried],
        "seconds": round(p.seconds, 3),
        "length": p.length,
        "minimal": p.minimal,
        "instances": p.instances or None,
        "choice": dict(p.choice),
        "exercised": p.exercised,
        "untested": [{"label": label, "span": span_json(span)} for label, span in p.untested],
        "lemmas": list(p.lemmas),
        "contracts": list(p.contracts),
        "bodies_proved": p.bodies,
        "certificate": p.certificate,
        "rests_on": list(p.rests_on),
        "warnings": p.warnings,
        "span": span_json(p.span),
        "trace": trace_json(p.trace),
        "story": _story(p.story),
        "again": p.again or None,
    }


def _expectation(e: Expectation | None) -> dict[str, Any] | None:
    if e is None:
        return None
    return {
        "verdict": e.word,
        "steps": None if e.steps is None else e.steps[0],
        "to_steps": None if e.steps is None else e.steps[1],
        "to_depth": e.depth,
        "blame": e.blame or None,
        "reason": e.reason or None,
        "span": span_json(e.span),
    }


def span_json(span: Span) -> dict[str, Any] | None:
    """A place in a text, or null."""
    if span == NOWHERE:
        return None
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def trace_json(t: Trace | None) -> dict[str, Any] | None:
    """A trace as ``dmaverify replay`` reads it back."""
    if t is None:
        return None
    return {
        "property": t.prop,
        "label": t.label,
        "length": t.length,
        "minimal": t.minimal,
        "in_step": t.in_step,
        "initial": {n: encode(v) for n, v in t.initial},
        "steps": [{"action": s.action, "inputs": {n: encode(v) for n, v in s.inputs}} for s in t.steps],
    }


def trace_from_json(data: dict[str, Any]) -> Trace:
    """What ``trace_json`` was given; KeyError or TypeError if the data is no trace."""
    return Trace(
        initial=tuple((n, decode(v)) for n, v in data["initial"].items()),
        steps=tuple(
            Step(s["action"], tuple((n, decode(v)) for n, v in s["inputs"].items())) for s in data["steps"]
        ),
        prop=data["property"],
        label=data["label"],
        length=data["length"],
        minimal=data["minimal"],
        in_step=data["in_step"],
    )


def _story(s: Story | None) -> dict[str, Any] | None:
    if s is None:
        return None
    return {
        "initial": dict(s.initial),
        "failure": _failure(s.failure),
        "earlier": [_failure(f) for f in s.earlier],
        "steps": [_step(st) for st in s.steps],
    }


def _failure(f: Failure | None) -> dict[str, Any] | None:
    if f is None:
        return None
    return {
        "property": f.prop,
        "code": f.code or None,
        "label": f.label,
        "step": f.step,
        "in_step": f.in_step,
        "message": f.message,
        "condition": f.condition,
        "values": dict(f.values),
        "span": span_json(f.span),
    }


def _step(st: StoryStep) -> dict[str, Any]:
    seen = st.seen_at
    return {
        "index": st.index,
        "number": st.number,
        "weight": st.weight,
        "action": st.action,
        "actor": st.actor,
        "thread": st.thread or None,
        "text": st.text,
        "inputs": dict(st.inputs),
        "stack": _stack(st.stack),
        "result": st.result or None,
        "events": list(st.events),
        "changes": [{"name": c.name, "old": c.old, "new": c.new} for c in st.changes],
        "marks": list(st.marks),
        "folded": st.folded,
        "span": span_json(st.span),
        "seen_at": seen and {"text": seen.text, "stack": _stack(seen.stack), "span": span_json(seen.span)},
    }


def _stack(calls: tuple[Call, ...]) -> list[dict[str, Any]]:
    return [{"proc": c.proc, "text": c.text, "span": span_json(c.span)} for c in calls]
