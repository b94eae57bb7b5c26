"""Every scenario that is shipped, every variant of it: the verdicts are the ones that its text expects."""

from __future__ import annotations

from pathlib import Path

import pytest

import dmaverify

ROOT = Path(__file__).resolve().parent.parent
BOARDS = sorted((ROOT / "models" / "boards").glob("*.dma"))

MOST_STATES = 200_000
"""States that one property of one variant may need."""


def test_there_are_boards() -> None:
    assert len(BOARDS) >= 15


@pytest.mark.parametrize("path", BOARDS, ids=lambda p: p.stem)
def test_verdicts_are_as_expected(path: Path) -> None:
    report = dmaverify.check(path, jobs=1)
    assert report.exit_status == 0, "\n".join(
        f"{variant}: {v.name} is {v.word.value} ({v.reason})" for _, variant, v in report.outcomes() if v.as_expected is False
    )
    for _, variant, verdict in report.outcomes():
        assert verdict.states <= MOST_STATES, (variant, verdict.name, verdict.states)
