"""What search exhausts on the shipped boards, induction proves: by an invariant that a second solver has checked.

A run without ``--campaign`` takes a few; with it, each of the five invariants of the allocators wherever it holds. ``-s`` shows a
table: CPU seconds of each variant, those of the solvers and of the check of the certificates among them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
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


@dataclass
class Table:
    """What was tried: board, variant, its properties, how many of them were proved, CPU seconds for all of them."""

    rows: list[tuple[str, str, tuple[str, ...], int, float]] = field(default_factory=list)

    def add(self, board: str, variant: str, properties: tuple[str, ...], proved: int, seconds: float) -> None:
        """One variant, shown at once."""
        self.rows.append((board, variant, properties, proved, seconds))
        print(f"\n{board:18} {variant:30} {proved} of {len(properties)} proved {seconds:6.1f} s  {', '.join(properties)}", end="")

    def summary(self) -> str:
        """All of it in a line."""
        board, variant, properties, _, most = max(self.rows, key=lambda r: r[4])
        return (
            f"{sum(r[3] for r in self.rows)} of {sum(len(r[2]) for r in self.rows)} proved, in {len(self.rows)} variants; "
            f"{sum(r[4] for r in self.rows):.0f} s, most for {', '.join(properties)} of {board}.{variant}: {most:.1f} s"
        )


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    found = Table()
    yield found
    if found.rows:
        print("\n" + found.summary())


def cpu() -> float:
    """CPU seconds of this process and of those that it has started and waited for."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def words(report: Report) -> dict[tuple[str, str], Word]:
    """(variant, property) to the verdict."""
    return {(variant.name or "base", found.name): found.word for _, variant, found in report.outcomes()}


def not_proved(board: str, variant: str, properties: tuple[str, ...], table: Table) -> dict[str, Word]:
    """Try to prove them; the verdicts of those for which that fails."""
    began = cpu()
    report = dmaverify.check(
        BOARDS / f"{board}.dma", variant=variant, only=properties, engine="induction", timeout=SECONDS * len(properties), jobs=1
    )
    found = words(report)
    left = {p: found[variant, p] for p in properties if found[variant, p] is not Word.PROVED}
    table.add(board, variant, properties, len(properties) - len(left), cpu() - began)
    return left


@pytest.mark.parametrize("board, variant, prop", USUAL)
def test_some(board: str, variant: str, prop: str, table: Table) -> None:
    assert not not_proved(board, variant, (prop,), table)


@pytest.mark.campaign
@pytest.mark.parametrize("path", sorted(BOARDS.glob("*.dma")), ids=lambda p: p.stem)
def test_the_five_invariants_of_the_allocators(path: Path, campaign: bool, table: Table) -> None:
    """Each of them, on each variant on which search finds that it holds."""
    if not campaign:
        pytest.skip("with --campaign")
    holds: dict[str, tuple[str, ...]] = {}
    for (variant, prop), word in words(dmaverify.check(path, jobs=1)).items():
        if prop in FIVE and word.holds:
            holds[variant] = (*holds.get(variant, ()), prop)
    failed = {v: left for v, properties in holds.items() if (left := not_proved(path.stem, v, properties, table))}
    assert not failed
