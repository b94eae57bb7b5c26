"""Changes of a board's text that change nothing: names, the order of regions and devices, a device that nobody uses.

The texts stand in the place of the files in memory. A run without ``--campaign`` takes two boards; with it, more, with every variant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import dmaverify
from dmaverify.lang import ast
from dmaverify.lang.link import load
from dmaverify.texts import overlaid

BOARDS = Path(__file__).resolve().parent.parent / "models" / "boards"
USUAL = ("mmap-tail", "zero-size")
QUICK = ("outer-order", "release-then-free", "rollback", "rx-once", *USUAL)


def declared(path: Path, kind: type[ast.Decl]) -> list[ast.Decl]:
    """What a scenario declares of a kind, if each stands on lines of its own."""
    scenario = load(path).scenario
    assert scenario is not None
    return [d for d in scenario.items if isinstance(d, kind)]


def renamed(path: Path) -> str:
    """Other names for regions, devices and threads, in another alphabetical order."""
    text = path.read_text(encoding="utf-8")
    names = [d.name for kind in (ast.Region, ast.Device, ast.Sequence, ast.Client) for d in declared(path, kind)]
    for n, name in enumerate(names):
        text = re.sub(rf"(?<!as )\b{name}\b", f"z{len(names) - n}_{n}", text)  # `as driver` says who is to blame
    return text


def reversed_order(path: Path) -> str:
    """Regions in the reverse order, and devices in theirs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for kind in (ast.Region, ast.Device):
        spans = [d.span for d in declared(path, kind)]
        texts = [lines[s.line - 1 : s.end_line] for s in spans]
        for span, other in sorted(zip(spans, reversed(texts), strict=True), key=lambda x: -x[0].line):
            lines[span.line - 1 : span.end_line] = other
    return "\n".join(lines) + "\n"


def with_a_spare_device(path: Path) -> str:
    """A device that nobody uses."""
    lines = path.read_text(encoding="utf-8").splitlines()
    last = max(d.span.end_line for d in declared(path, ast.Device))
    return "\n".join([*lines[:last], "device spare_dev { }", *lines[last:]]) + "\n"


CHANGES: dict[str, Callable[[Path], str]] = {
    "renamed": renamed,
    "reversed": reversed_order,
    "a spare device": with_a_spare_device,
}


def verdicts(path: Path, variant: str | None) -> list[tuple[object, ...]]:
    """Variant, property, word and length; a cover is called by its text, which is another one where names are."""
    report = dmaverify.check(path, variant=variant, jobs=1)
    wrong = [d for s in report.scenarios for d in (*s.diagnostics, *(x for v in s.variants for x in (*v.diagnostics, v.internal)))]
    assert not any(wrong), wrong
    return [
        (v.name, "a cover" if p.kind == "cover" else p.name, "holds" if p.word.holds else p.word.value, p.length, p.reached)
        for _, v, p in report.outcomes()
    ]


@pytest.mark.campaign
@pytest.mark.parametrize("board", QUICK)
def test_nothing_changes(board: str, campaign: bool) -> None:
    if not campaign and board not in USUAL:
        pytest.skip("with --campaign")
    path, variant = BOARDS / f"{board}.dma", None if campaign else "base"
    before = verdicts(path, variant)
    for name, change in CHANGES.items():
        text = change(path)
        assert text != path.read_text(encoding="utf-8") or name == "reversed"
        with overlaid({str(path.resolve()): text}):
            assert verdicts(path, variant) == before, name
