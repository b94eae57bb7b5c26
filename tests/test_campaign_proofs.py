"""What search exhausts on the shipped boards, induction proves: by an invariant that a second solver has checked.

A run without ``--campaign`` takes a few; with it, each of the five invariants of the allocators wherever it holds.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import dmaverify
from dmaverify.results import Report
from dmaverify.verdict import Word

BOARDS = Path(__file__).resolve().parent.parent / "models" / "boards"
FIVE = ("no_overlap", "exclusivity_fallback", "zeroing", "iova_to_phys", "flush_before_uncached")
USUAL = (
    ("zero-size", "base", "no_overlap"),
    ("pool-behind-smmu", "identity@v4_9", "iova_to_phys"),
    ("pool-behind-smmu", "identity@v4_9", "exclusivity_fallback"),
    ("mmap-tail", "v4_9", "no_overlap"),
)
SECONDS = 300.0
"""For one property of one variant on a busy machine; on an idle one most take a second."""


def words(report: Report) -> dict[tuple[str, str], Word]:
    """(variant, property) to the verdict."""
    return {(variant.name or "base", found.name): found.word for _, variant, found in report.outcomes()}


@pytest.mark.parametrize("board, variant, prop", USUAL)
def test_some(board: str, variant: str, prop: str) -> None:
    report = dmaverify.check(
        BOARDS / f"{board}.dma", variant=variant, only=prop, engine="induction", timeout=SECONDS, jobs=1
    )
    assert words(report)[variant, prop] is Word.PROVED


@pytest.mark.campaign
@pytest.mark.parametrize("path", sorted(BOARDS.glob("*.dma")), ids=lambda p: p.stem)
def test_the_five_invariants_of_the_allocators(path: Path, campaign: bool) -> None:
    """Each of them, on each variant on which search finds that it holds."""
    if not campaign:
        pytest.skip("with --campaign")
    holds = [key for key, word in words(dmaverify.check(path, jobs=1)).items() if key[1] in FIVE and word.holds]
    for variant, prop in holds:
        report = dmaverify.check(path, variant=variant, only=prop, engine="induction", timeout=SECONDS, jobs=1)
        assert words(report)[variant, prop] is Word.PROVED, (variant, prop)
