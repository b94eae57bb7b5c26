"""What became of a corpus of patches: a line for each of them, and the page that is generated from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dmaverify.patches.corpus_run import CorpusReport, Finding, Outcome
from dmaverify.patches.results import BREAKS, KEEPS, NOTHING
from dmaverify.report import page, words
from dmaverify.report.page import Line, text
from dmaverify.report.patch import verdict_words
from dmaverify.results import OK, PropertyResult

TITLE = "# The corpus of bugs"
MOST = 3
"""So many errors in its texts are told of one patch."""

COLUMNS = ("id", "class", "before", "after", "steps", "engine", "seconds")


def outcome_lines(o: Outcome, width: int = page.WIDTH) -> list[Line]:
    """One line if everything is as stated; else what is not, below it."""
    good = o.exit_status == OK
    on = f" on {', '.join(p.stem for p in o.step.on)}" if o.step.on else ""
    told = "; ".join(_grouped(o)) or "nothing was found out"
    head, *rest = page.hanging("", f"{o.entry.name}/{o.step.diff.name}{on}: {told}", 0, 25, width)
    first = text("as stated" if good else "NOT AS STATED", "good" if good else "bad")
    cost = text(words.seconds(o.seconds), "dim")
    out = [page.join(page.pad(first, 14), page.pad(cost, 9, right=True), text("  "), text(_plain(head).strip())), *rest]
    left = len(o.wrong) - MOST
    more = [f"{left} more"] if left > 0 else []
    for line in (*o.unlike, *o.wrong[:MOST], *more, *o.internal.splitlines()[:1]):
        out += [text(f"    {part}", "bad") for part in line.split("\n")]
    return out


def end_lines(report: CorpusReport) -> list[Line]:
    """The last line: how many are as stated."""
    good = sum(o.exit_status == OK for o in report.outcomes)
    entries = len({o.entry.name for o in report.outcomes})
    said = f"{good} of {words.plural(len(report.outcomes), 'patch', 'patches')} of {words.plural(entries, 'entry', 'entries')}"
    out = [text("interrupted: what is shown above was finished before", "warn")] if report.interrupted else []
    for d in report.diagnostics:
        out += [text(part, "bad") for part in d.split("\n")]
    return [*out, text(f"{said} as stated. {words.seconds(report.seconds)}", "head" if report.exit_status == OK else "bad")]


def _told(o: Outcome) -> list[Finding]:
    """What is said of a patch: what is stated about it, and what it does beside."""
    return [f for f in o.findings if f.stated or f.change.verdict not in (KEEPS, NOTHING)]


def _grouped(o: Outcome) -> Iterator[str]:
    """What a patch does, a verdict and a property at a time; variants are named where not all are alike."""
    groups: dict[tuple[str, str], list[str]] = {}
    for f in _told(o):
        groups.setdefault((verdict_words(f.change), f.change.name), []).append(f.variant or "base")
    for (verdict, name), variants in groups.items():
        about = "about " if verdict == NOTHING else ""
        where = f" in {', '.join(variants)}" if len(variants) < o.variants else ""
        yield f"{verdict} {about}{name}{where}"


def _name(f: Finding) -> str:
    return f.change.name + (f" in {f.variant}" if f.variant else "")


def _plain(line: Line) -> str:
    return "".join(s for _, s in line)


# -- the page


def page_text(report: CorpusReport, at: Path, command: str) -> str:
    """The page as Markdown, with links that hold in the folder of ``at``. ``command`` is how it was made."""
    from dmaverify import __version__

    folder = Path(os.path.relpath(report.folder.resolve(), at.resolve().parent)).as_posix()
    entries = list(dict.fromkeys(o.entry.name for o in report.outcomes))
    ladders = sum(any(len(o.step.on) for o in report.outcomes if o.entry.name == e) for e in entries)
    lines = [
        TITLE,
        "",
        f"{words.plural(len(entries), 'entry', 'entries')}, {words.plural(len(report.outcomes), 'patch', 'patches')}, "
        f"{words.plural(ladders, 'history', 'histories')} of several steps. Below an entry the other patches of it: half fixes, "
        "reverts, the fix of a fix, what changes nothing. *Exhausted* is said of the entry's scenario: all its states were visited. "
        "Of a *latent* entry no fix is known, and the one here is ours; of a *control* nothing is to be fixed, or a mode decides.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|---|---|---|---|--:|---|--:|",
    ]
    for o in report.outcomes:
        lines.append("| " + " | ".join(x.replace("|", "\\|") for x in _row(o, folder)) + " |")
    lines += ["", "## What they are", ""]
    for name in entries:
        lines += _about(name, report, folder)
    lines += [
        "## How this page was made",
        "",
        "```",
        command,
        "```",
        "",
        f"by dmaverify {__version__} in {words.seconds(report.seconds)}, {report.jobs} at a time. Steps are those of the "
        "counterexample; engines are those that decided before and after the patch; seconds are for both checks together, where "
        "what two patches of an entry have in common is checked once. "
        "The layout of an entry is told in [prove.md](prove.md#a-corpus-of-patches).",
    ]
    return "\n".join(lines) + "\n"


def _row(o: Outcome, folder: str) -> Iterator[str]:
    told = _told(o)
    if not o.step.on and o.step.after:
        kind = o.entry.kind.split(" ")[0]
        yield f"[{o.entry.name}]({folder}/{o.entry.name})" + (f" ({kind})" if kind != "fix" else "")
        yield ", ".join(o.entry.classes)
    else:
        on = f" on `{o.step.on[-1].name}`" if o.step.on else ""
        yield f"&nbsp;&nbsp;&nbsp;`{o.step.diff.name}`{on}"
        yield ", ".join(o.entry.classes) if o.step.after else ""
    yield "<br>".join(f"{_name(f)}: {_cell(f.change.before)}" for f in told)
    yield "<br>".join(f"{_name(f)}: {_cell(f.change.after)}, **{verdict_words(f.change)}**" for f in told)
    yield "<br>".join(_steps(f) for f in told)
    engines = [r.engine for f in told for r in (f.change.before, f.change.after) if r is not None and r.engine]
    yield ", ".join(dict.fromkeys(engines))
    yield f"{o.seconds:.1f}"


def _cell(r: PropertyResult | None) -> str:
    return "-" if r is None else words.long_word(r).replace("VIOLATED", "violated")


def _steps(f: Finding) -> str:
    """The length of the counterexample: that before the patch, or the one that it makes."""
    first, second = f.change.before, f.change.after
    r = second if f.change.verdict == BREAKS else first
    return "" if r is None or r.length is None or r.kind == "cover" else str(r.length)


def _about(name: str, report: CorpusReport, folder: str) -> Iterator[str]:
    mine = [o for o in report.outcomes if o.entry.name == name]
    entry = mine[0].entry
    yield f"**{name}** ({entry.kind}; size {entry.size}): {entry.title} {entry.about}".rstrip()
    yield ""
    for o in mine:
        if o.step.prose:
            yield f"* `{o.step.diff.name}`: {' '.join(o.step.prose.split())}"
    if any(o.step.prose for o in mine):
        yield ""
