"""The corpus of bugs: every patch of every entry does what the entry states, and the page lists what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmaverify.patches.corpus import Claim, Entry, Step, read_entry
from dmaverify.patches.corpus_run import prove_corpus
from dmaverify.report.corpus import COLUMNS, end_lines, outcome_lines
from dmaverify.report.page import plain

ROOT = Path(__file__).parent.parent
BUGS = ROOT / "models" / "bugs"
PAGE = ROOT / "docs" / "bugs.md"

CLASSES = {
    *("OVL", "EXC", "ZERO", "MAP", "FBU", "CPU-STALE", "DEV-STALE", "LEAK", "UAF", "MASK"),
    *("TLB", "PERM", "LINE", "ENC", "RACE", "AVAIL"),
}
"""What a bug can break."""

FOLDERS = sorted(p.name for p in BUGS.iterdir() if p.is_dir())


@pytest.mark.parametrize("name", FOLDERS)
def test_bug(name: str) -> None:
    """Every patch of the entry gets the verdicts that are stated, and does nothing else to any property."""
    report = prove_corpus(BUGS, [name], jobs=1)
    told = [line for o in report.outcomes for line in outcome_lines(o)]
    assert report.exit_status == 0, "\n" + plain([*told, *end_lines(report)])
    assert report.outcomes


@pytest.mark.parametrize("name", FOLDERS)
def test_header(name: str) -> None:
    """Classes, kind and size are words that exist, and a fix of our own is called one."""
    entry = read_entry(BUGS / name)
    assert entry.classes and set(entry.classes) <= CLASSES
    kind = re.match(r"\w+", entry.kind)
    assert kind is not None and kind[0] in ("fix", "latent", "control")
    assert entry.size in ("S", "M", "L")
    if kind[0] == "latent":
        assert "our own" in entry.kind, "it has no fix, so fix.diff is one of ours: the header says so"
    assert re.search(r"\d", entry.about), "which version was looked at"
    fix = next(s for s in entry.steps if s.diff.name == "fix.diff")
    assert fix.after


def test_every_class_is_there() -> None:
    assert {c for name in FOLDERS for c in read_entry(BUGS / name).classes} == CLASSES


def rows() -> list[list[str]]:
    """The table of the page, a row as its cells."""
    lines = [x for x in PAGE.read_text(encoding="utf-8").splitlines() if x.startswith("|")]
    assert lines, "docs/bugs.md has no table"
    found = [[c.strip() for c in re.split(r"(?<!\\)\|", x)[1:-1]] for x in lines]
    assert tuple(found[0]) == COLUMNS
    return found[2:]


def test_the_page_lists_what_is_there() -> None:
    """Made anew by ``dmaverify prove --corpus models/bugs --page docs/bugs.md``; seconds may differ."""
    shown: list[tuple[str, str]] = []
    by_key = {}
    entry = ""
    for row in rows():
        link = re.match(r"\[(?P<id>[\w-]+)\]\((?P<to>[^)]+)\)", row[0])
        diff = re.search(r"`(?P<name>[\w.-]+\.diff)`", row[0])
        if link is not None:
            entry = link["id"]
            assert (PAGE.parent / link["to"]).resolve() == BUGS / entry
        shown.append((entry, diff["name"] if diff else "fix.diff"))
        by_key[shown[-1]] = row
    entries = [read_entry(BUGS / name) for name in FOLDERS]
    assert shown == [(e.name, s.diff.name) for e in entries for s in e.steps]
    for e in entries:
        for s in e.steps:
            _row_says(e, s, by_key[e.name, s.diff.name])


def _row_says(entry: Entry, step: Step, row: list[str]) -> None:
    _, classes, before, after, steps, engine, seconds = row
    assert classes == (", ".join(entry.classes) if step.after else "")
    for claims, cell in ((step.before, before), (step.after, after)):
        for c in claims:
            if c.word in ("violated", "holds"):
                assert any((" violated" in x) == (c.word == "violated") for x in _cells(c, cell)), (entry.name, str(c))
    for c in step.verdicts:
        assert any(f"**{c.word}" in x for x in _cells(c, after)), (entry.name, str(c))
    assert len(steps.split("<br>")) == len(before.split("<br>")) == len(after.split("<br>"))
    # what is fixed or broken has a counterexample, and so a length
    for told, length in zip(after.split("<br>"), steps.split("<br>"), strict=True):
        if re.search(r"\*\*(fixes|breaks|does not fix)", told) and "reachable" not in told:
            assert length.isdigit(), (entry.name, told)
    assert engine and float(seconds) >= 0


def _cells(claim: Claim, cell: str) -> list[str]:
    """The parts of a cell that are about what a claim is about."""
    found = []
    for part in cell.split("<br>"):
        name, _, _ = part.partition(": ")
        variant = name.rpartition(" in ")[2] if " in " in name else None
        bare = name.rpartition(" in ")[0] if variant else name
        if claim.fits(bare) and claim.variant in (None, variant or "base"):
            found.append(part)
    return found


def test_several_histories() -> None:
    """Half fixes, reverts, a patch that changes nothing: diffs that stand on each other get their true verdicts."""
    entries = [read_entry(BUGS / name) for name in FOLDERS]
    ladders = [e for e in entries if any(s.on for s in e.steps)]
    assert len(ladders) >= 4
    assert any(c.word == "changes nothing" for e in entries for s in e.steps for c in s.verdicts)
    assert any(c.word == "breaks" for e in entries for s in e.steps for c in s.verdicts)
