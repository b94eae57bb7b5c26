"""Reports to be written in formats of others: a real one with counterexamples, and one in which everything went wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import dmaverify
from dmaverify.report.expectations import settle
from dmaverify.results import VACUOUS, Expectation, ProbeResult, PropertyResult, Report, ScenarioResult, VariantResult
from dmaverify.span import Span
from dmaverify.verdict import Word

DATA = Path(__file__).resolve().parent.parent / "data"
BOARD = "models/boards/two-cpus.dma"


def real(folder: Path) -> Report:
    """Two CPUs and a pool, of which the scenario expects too much in one variant; the folder must be the current one."""
    for part in ("spec", "models"):
        shutil.copytree(DATA / "lower" / part, folder / part)
    board = folder / BOARD
    text = board.read_text(encoding="utf-8")
    expected = "use unlocked\n    expect no_overlap"
    board.write_text(text.replace(f"{expected} violated", f"{expected} holds"), encoding="utf-8")
    return dmaverify.check(BOARD, jobs=1)


def all_wrong() -> Report:
    """One of everything that a report can say, besides a counterexample."""
    at = Span("models/b.dma", 7, 3, 7, 9)

    def prop(name: str, word: Word, expected: str | None, **more: object) -> PropertyResult:
        p = PropertyResult(name, "DMA199", word, title="it \x1b[1m holds", span=at)
        p.expected = None if expected is None else Expectation(expected, span=at)
        for k, v in more.items():
            setattr(p, k, v)
        settle(p)
        return p

    properties = [
        prop("good", Word.EXHAUSTED, "holds", states=5, seconds=0.25),
        prop("surprise", Word.EXHAUSTED, "violated"),
        prop("idle", Word.VACUOUS, "holds", exercised={"idle.1": False}),
        prop("slow", Word.UNKNOWN, "holds", reason="time"),
        prop("bound(a, b)", Word.VIOLATED, "violated"),
        prop("none", Word.NOT_APPLICABLE, None),
    ]
    wrong = "error[DMA030]: there is no module x\n  that anybody knows\n  models/b.dma:2:5\n      |\n    2 | use x\n"
    probes = [ProbeResult("driver ends", "end", at, False), ProbeResult("b is held", "slot", at, True)]
    base = VariantResult(None, properties=properties, interrupted=True, probes=probes, probe_status=VACUOUS)
    variants = [base, VariantResult("v", diagnostics=[wrong]), VariantResult("w", diagnostics=[wrong], internal="it\x00broke")]
    scenario = ScenarioResult("models/b.dma", "b", "a <title> & more", variants)
    unread = ScenarioResult("m.dma", "m", diagnostics=["error: no"])
    return Report([scenario, unread], seconds=1.23456, interrupted=True, diagnostics=["error: no property zero"])
