"""What became of the mutants of a scenario, as text and as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from dmaverify.mutation.results import Kind, MutantResult, MutationResult, PropertyTally
from dmaverify.report import page, words
from dmaverify.report.page import Line, text
from dmaverify.span import Span

SCHEMA = 1

DONE: dict[Kind, str] = {
    "delete": "statement deleted",
    "unlock": "lock not taken",
    "negate": "condition negated",
    "bound": "bound off by one",
    "number": "number off by one",
    "swap": "constant exchanged",
    "emit": "event not told here",
    "event": "event never told",
}

MOST_TEXT = 62


def lines(r: MutationResult, everything: bool) -> list[Line]:
    """Everything about one variant. ``everything``: also the mutants that somebody noticed, and those that are none."""
    head = page.join(text(r.name or os.path.basename(r.file), "head"), text(f", variant {r.variant}" if r.variant is not None else ""))
    out: list[Line] = []
    if r.diagnostics or r.internal:
        out += [head]
        out += [text(part) for d in r.diagnostics for part in d.split("\n")]
        return [*out, *(text(part, "bad") for part in r.internal.split("\n") if part), ()]
    out += page.right_edge(head, text(_summary(r)))
    if r.chosen:
        out += [(), *_table(r), (), *_properties(r.tallies, r.weak)]
    out += _listed(r.of("survived"), "nobody notices", "warn", more=True)
    out += _listed(r.of("undecided"), "undecided", "warn")
    out += _listed(r.of("failed"), "internal errors", "bad")
    if everything:
        out += _listed(r.of("noticed"), "noticed", "good", more=True)
        out += _listed(r.of("same"), "change nothing: the scenario does not get there", "dim")
        out += _listed(r.of("invalid"), "do not compile", "dim")
    return [*out, (), *_end(r), ()]


def _summary(r: MutationResult) -> str:
    part = f" of {words.number(r.made)}" if len(r.results) < r.made else ""
    return f"{words.number(len(r.results))}{part} mutants, {words.seconds(r.seconds)}"


def _table(r: MutationResult) -> list[Line]:
    """How many of each kind became what."""
    rows = [[text(""), *(text(t, "head") for t in ("made", "noticed", "not", "undecided", "change nothing", "invalid"))]]
    for kind, name in DONE.items():
        mine = [m for m in r.results if m.mutant.kind == kind]
        if mine:
            states = [m.state for m in mine]
            counts = [len(mine), *(states.count(s) for s in ("noticed", "survived", "undecided", "same", "invalid"))]
            rows.append([text(name), *(text(words.number(n) if n else "-") for n in counts)])
    return page.table(rows, gap=3)


def _properties(tallies: Sequence[PropertyTally], weak_ones: Sequence[str]) -> list[Line]:
    """Who noticed how often."""
    rows = [[text("property", "head"), text("as it is", "head"), text("notices", "head"), text("")]]
    for t in tallies:
        weak = text("weak: it survives everything", "bad") if t.name in weak_ones else text("")
        rows.append([text(t.name), text(t.verdict), text(f"{words.number(t.noticed)} of {words.number(t.of)}"), weak])
    return page.table(rows, gap=3)


def _listed(found: Sequence[MutantResult], title: str, style: str, more: bool = False) -> list[Line]:
    """Mutants with their places at the right edge. ``more``: who noticed."""
    if not found:
        return []
    out: list[Line] = [(), text(f"  {title}", style)]
    for r in found:
        m = r.mutant
        instead = f"   {m.instead}" if m.instead else ""
        what = page.cut(m.text, max(20, MOST_TEXT - len(instead))) + instead
        out += page.right_edge(text(f"    {m.kind:<7} {what}"), text(_at(m.span), "dim"))
        if more and r.noticed:
            by = ", ".join(f"{n.prop} {n.after}" + (f" in {n.length}" if n.length is not None else "") for n in r.noticed)
            out += page.hanging("", by, 12, 0)
        elif r.why:
            out += page.hanging("", r.why.split("\n")[0], 12, 0)
    return out


def _at(span: Span) -> str:
    return f"{span.file}:{span.line}"


def _end(r: MutationResult) -> list[Line]:
    changed = r.of("noticed", "survived", "undecided")
    noticed = len(r.of("noticed"))
    share = f"{noticed} of {words.plural(len(changed), 'mutant')} that {'changes' if len(changed) == 1 else 'change'} something noticed"
    weak = f"; weak: {', '.join(r.weak)}" if r.weak else ""
    out = [text(f"  {share}{weak}", "" if not r.weak else "warn")]
    if r.interrupted:
        out.append(text(f"  interrupted: {len(r.results)} of {words.plural(r.chosen, 'mutant')} were checked", "warn"))
    return out


def as_json(results: Sequence[MutationResult], status: int) -> str:
    """All of it for machines; the members are described in docs/mutate.md."""
    data = {"schema": SCHEMA, "status": status, "scenarios": [_scenario(r) for r in results]}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _scenario(r: MutationResult) -> dict[str, object]:
    return {
        "file": r.file,
        "name": r.name,
        "variant": r.variant,
        "made": r.made,
        "checked": len(r.results),
        "interrupted": r.interrupted,
        "seed": r.seed,
        "timeout": r.timeout,
        "seconds": round(r.seconds, 3),
        "diagnostics": r.diagnostics,
        "internal": r.internal,
        "properties": [
            {"name": t.name, "verdict": t.verdict, "noticed": t.noticed, "of": t.of, "weak": t.name in r.weak} for t in r.tallies
        ],
        "mutants": [_mutant(m) for m in r.results],
    }


def _mutant(r: MutantResult) -> dict[str, object]:
    m = r.mutant
    return {
        "number": m.number,
        "kind": m.kind,
        "file": m.span.file,
        "line": m.span.line,
        "column": m.span.column,
        "in": m.where,
        "text": m.text,
        "instead": m.instead,
        "state": r.state,
        "noticed": [{"property": n.prop, "before": n.before, "after": n.after, "length": n.length} for n in r.noticed],
        "undecided": list(r.undecided),
        "why": r.why,
        "seconds": round(r.seconds, 3),
    }
