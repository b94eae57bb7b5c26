"""The report as SARIF 2.1.0 (OASIS), for code scanning: what is not as expected, at its line, with its trace as a code flow;
and as notes what never happens, or is never put to the test.

A rule is an invariant by its name, or a diagnostic by its code; both stay from version to version. The trace is one thread flow in
the order of time, and each location says who acts: viewers show the first thread flow of a result only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dmaverify.report import words
from dmaverify.report.never import untested
from dmaverify.report.single import headline, place, told
from dmaverify.results import (
    BAD_INPUT,
    INCONCLUSIVE,
    INTERNAL,
    OK,
    UNEXPECTED,
    ProbeResult,
    PropertyResult,
    Report,
    ScenarioResult,
    Story,
    StoryStep,
    VariantResult,
)
from dmaverify.span import NOWHERE, Span

SCHEMA = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
"""Stands for the folder that the tool was run in; names of files below it are relative to it."""

BASE = "base"

NEVER = "never"
"""The rule of what never happens: a note, and with --strict a warning."""

Json = dict[str, Any]

_HEAD = re.compile(r"(error|warning)\[(DMA\d+)\]: (.*)")
_PLACE = re.compile(r"  (\S.*):(\d+):(\d+)")
"""How the compiler prints what is wrong with a text: severity, code and message; where it is."""


def dumps(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(document(report), indent=2, ensure_ascii=False) + "\n"


def write(report: Report, path: Path) -> None:
    """Write the file. OSError if that is not possible."""
    path.write_text(dumps(report), encoding="utf-8")


def document(report: Report) -> Json:
    """The report as one run of a SARIF log."""
    from dmaverify import __version__

    rules = _Rules()
    results: list[Json] = []
    notes: list[Json] = []
    for s in report.scenarios:
        for v in s.variants:
            results += [_result(s, v, p, rules) for p in v.properties if p.status != OK]
            if v.probe_status != OK:
                results += [_never(s, [v], p, "warning", rules) for p in v.probes if not p.reached]
            if v.internal:
                notes.append(_note(f"{s.name}.{v.name or BASE}: {v.internal}"))
        results += _remarks(s, rules)
    for text in _wrong(report):
        result = _diagnostic(text, rules)
        if result is None:
            notes.append(_note(text))
        else:
            results.append(result)
    if report.interrupted:
        notes.append(_note("the run was stopped; verdicts may be missing"))
    driver = {
        "name": "dmaverify",
        "version": __version__,
        "semanticVersion": __version__,
        "shortDescription": {"text": "Model checker for the Linux kernel's DMA memory management"},
        "rules": rules.list,
    }
    invocation = {
        "executionSuccessful": report.exit_status not in (INTERNAL, BAD_INPUT) and not report.interrupted,
        "exitCode": report.exit_status,
        "toolExecutionNotifications": notes,
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "originalUriBaseIds": {ROOT: {"uri": Path.cwd().as_uri() + "/"}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _wrong(report: Report) -> list[str]:
    """What is wrong with the input. Often the same is wrong with every variant: it is said once."""
    found = [text for s in report.scenarios for told in (s.diagnostics, *(v.diagnostics for v in s.variants)) for text in told]
    return list(dict.fromkeys([*found, *report.diagnostics]))


class _Rules:
    """The rules that results refer to, each once."""

    def __init__(self) -> None:
        self.list: list[Json] = []
        self._index: dict[str, int] = {}

    def reference(self, rule: Json) -> Json:
        """The members of a result that name its rule."""
        name: str = rule["id"]
        if name not in self._index:
            self._index[name] = len(self.list)
            self.list.append(rule)
        return {"ruleId": name, "ruleIndex": self._index[name]}

    def of_property(self, p: PropertyResult) -> Json:
        """The rule of an invariant. ``bound(clcd, vram)`` is one use of the invariant ``bound``."""
        name = p.name.partition("(")[0]
        rule: Json = {"id": name, "properties": {"tags": [t for t in (p.code, p.kind) if t]}}
        if p.title:
            rule["shortDescription"] = {"text": p.title}
        help_text = _explained(name if _is_of_the_specification(name, p.span) else p.code if p.kind == "builtin" else "")
        if help_text:
            rule["help"] = {"text": help_text}
        return self.reference(rule)

    def of_code(self, code: str) -> Json:
        """The rule of a diagnostic."""
        text = _explained(code)
        rule: Json = {"id": code, "properties": {"tags": ["input"]}}
        if text:
            first = text.partition("\n")[0]
            rule |= {"shortDescription": {"text": first.partition(": ")[2] or first}, "help": {"text": text}}
        return self.reference(rule)


def _explained(word: str) -> str:
    """What ``dmaverify explain`` says, if it knows the word."""
    from dmaverify.explain.lookup import explain

    return (explain(word) if word else None) or ""


def _is_of_the_specification(name: str, span: Span) -> bool:
    """Whether it is the invariant that ``explain`` knows by this name, not one that the project calls the same."""
    from dmaverify.explain.invariants import invariants

    return any(i.name == name and os.path.abspath(i.file) == os.path.abspath(span.file) for i in invariants())


# -- results -----------------------------------------------------------------------------------------------


def _result(s: ScenarioResult, v: VariantResult, p: PropertyResult, rules: _Rules) -> Json:
    undecided = p.status == INCONCLUSIVE
    key = "/".join((s.name, v.name or BASE, p.name))
    result: Json = rules.of_property(p)
    result |= {
        "kind": "open" if undecided else "fail",
        "level": "none" if undecided else "error" if p.status == UNEXPECTED else "warning",
        "message": {"text": f"{s.name}, variant {v.name or BASE}: {p.name}: {headline(p, s.file)}\n\n{told(s, v, p)}".rstrip()},
        "locations": [_location(place(p, s.file), s.file)],
        "partialFingerprints": {"dmaverifyProperty/v1": hashlib.sha256(key.encode()).hexdigest()},
        "properties": {
            "scenario": s.name,
            "variant": v.name or BASE,
            "property": p.name,
            "verdict": p.word.value,
            "expected": str(p.expected) if p.expected is not None else None,
            "length": p.length,
            "minimal": p.minimal,
            "again": p.again,
        },
    }
    related = [_location(p.expected.span, s.file, "what the scenario expects")] if p.expected is not None else []
    if p.story is not None:
        if p.story.failure is not None:
            related.append(_location(p.story.failure.span, s.file, "what is false"))
        related += [_location(e.span, s.file, f"{e.prop} is violated in the same trace: {e.message}") for e in p.story.earlier]
        result["codeFlows"] = [_flow(p, p.story, s.file)]
    if related:
        result["relatedLocations"] = related
    return result


def _remarks(s: ScenarioResult, rules: _Rules) -> list[Json]:
    """What a check that is not strict has nothing against, and somebody should look at: each once for all variants."""
    found: dict[tuple[str, Span, bool | None], tuple[ProbeResult, list[VariantResult]]] = {}
    for v in s.variants:
        for p in v.probes:
            if v.probe_status == OK and not p.reached:
                found.setdefault((p.name, p.span, p.reached), (p, []))[1].append(v)
    return [
        *(_never(s, variants, p, "note", rules) for p, variants in found.values()),
        *(_untested(s, p, label, span, rules) for p, label, span in untested(s)),
    ]


def _untested(s: ScenarioResult, p: PropertyResult, label: str, span: Span, rules: _Rules) -> Json:
    """An assert that is never put to the test, of a property that is."""
    key = "/".join((s.name, p.name, label))
    return rules.of_property(p) | {
        "kind": "fail",
        "level": "note",
        "message": {"text": f"{s.name}: {p.name}: {label} is never put to the test"},
        "locations": [_location(place(p, s.file), s.file)],
        "relatedLocations": [_location(span, s.file, "what is never asked")],
        "partialFingerprints": {"dmaverifyUntested/v1": hashlib.sha256(key.encode()).hexdigest()},
    }


def _never(s: ScenarioResult, variants: list[VariantResult], p: ProbeResult, level: str, rules: _Rules) -> Json:
    """Something that never happens in some variants."""
    names = [v.name or BASE for v in variants]
    # a note is the same one whatever the variants are; what is wrong with a variant is wrong with that one
    key = "/".join((s.name, *(names if level != "note" else ()), p.name))
    rule = {
        "id": NEVER,
        "shortDescription": {"text": "Something that the scenario means to happen never does"},
        "properties": {"tags": ["strict"]},
    }
    where = f"variant {names[0]}" if len(names) == 1 else f"variants {', '.join(names)}"
    return rules.reference(rule) | {
        "kind": "open" if p.reached is None else "fail",
        "level": "none" if p.reached is None else level,
        "message": {"text": f"{s.name}, {where}: {words.probe_words(p)}"},
        "locations": [_location(p.span, s.file)],
        "partialFingerprints": {"dmaverifyProperty/v1": hashlib.sha256(key.encode()).hexdigest()},
    }


def _flow(p: PropertyResult, story: Story, file: str) -> Json:
    flow: Json = {"locations": [_step(step, file) for step in story.steps]}
    if not story.steps:  # false before anything happens; a flow has at least one location
        flow["locations"] = [{"location": _location(place(p, file), file, "before the first step")}]
    if story.initial:
        flow["initialState"] = {name: {"text": value} for name, value in story.initial}
    return {"message": {"text": words.length_words(p)}, "threadFlows": [flow]}


def _step(step: StoryStep, file: str) -> Json:
    who = ", ".join(filter(None, (step.actor, step.thread)))
    text = f"{who}: {step.text}" + (f"  {step.result}" if step.result else "")
    if step.weight:
        text = f"#{step.number} {text}"
    if step.marks:
        text += f"  <- {', '.join(step.marks)}"
    location: Json = {
        "location": _location(step.span, file, text),
        "nestingLevel": len(step.stack),
        "executionOrder": step.index,
        "importance": "essential" if step.marks else "unimportant" if step.folded else "important",
    }
    if step.changes:
        location["state"] = {c.name: {"text": c.new} for c in step.changes}
    return location


def _diagnostic(text: str, rules: _Rules) -> Json | None:
    """Wrong input as a result at its place; None if it has no code or no place."""
    first, *lines = text.split("\n")
    head = _HEAD.fullmatch(first)
    found = next(((n, m) for n, line in enumerate(lines) if (m := _PLACE.fullmatch(line))), None)
    if head is None or found is None:
        return None
    number, at = found
    line, column = int(at[2]), int(at[3])
    result = rules.of_code(head[2])
    result |= {
        "level": head[1],
        "message": {"text": "\n".join((head[3], *lines[:number]))},
        "locations": [_location(Span(at[1], line, column, line, column), at[1])],
    }
    return result


def _note(text: str) -> Json:
    return {"level": "error", "message": {"text": text}}


# -- places ------------------------------------------------------------------------------------------------


def _location(span: Span, file: str, message: str = "") -> Json:
    """A place in a file; of what no text spells out, the scenario."""
    physical: Json
    if span == NOWHERE:
        physical = {"artifactLocation": _artifact(file)}
    else:
        region = {"startLine": span.line, "startColumn": span.column}
        if (span.end_line, span.end_column) > (span.line, span.column):
            region |= {"endLine": span.end_line, "endColumn": span.end_column}
        physical = {"artifactLocation": _artifact(span.file), "region": region}
    return {"physicalLocation": physical} | ({"message": {"text": message}} if message else {})


def _artifact(file: str) -> Json:
    path = Path(os.path.abspath(file))
    try:
        return {"uri": quote(path.relative_to(Path.cwd()).as_posix()), "uriBaseId": ROOT}
    except ValueError:
        return {"uri": path.as_uri()}

