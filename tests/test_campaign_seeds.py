"""No verdict depends on chance: the same words, lengths and covers whatever the seed.

Seeds turn what is sampled, guessed and walked at random; engines may answer sooner or later for it, and differently in nothing that
is shown. A run without ``--campaign`` takes three seeds of two quick boards and of ten random Systems; with it, twenty seeds of six
boards with every variant, and of forty Systems.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import dmaverify
from dmaverify.engines.base import Budget
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.ir.pipeline import prepare
from dmaverify.results import PropertyResult, Report
from dmaverify.verdict import Word
from tests.support.soundness import Case, case_of, certificates_here

BOARDS = Path(__file__).resolve().parent.parent / "models" / "boards"
USUAL = ("outer-order", "zero-size")
QUICK = ("mmap-tail", "release-then-free", "rollback", "rx-once", *USUAL)
FEW, MANY = 3, 20


def said(p: PropertyResult) -> tuple[object, ...]:
    """What a report says of a property, but for who answered."""
    word = "holds" if p.word.holds else p.word.value
    return word, p.length, p.minimal, p.reached, p.status, tuple(sorted(p.exercised.items()))


def verdicts(report: Report) -> dict[tuple[str | None, str], tuple[object, ...]]:
    """By variant and property."""
    assert not report.diagnostics and not any(v.internal or v.diagnostics for s in report.scenarios for v in s.variants)
    return {(v.name, p.name): said(p) for _, v, p in report.outcomes()}


@pytest.mark.campaign
@pytest.mark.parametrize("board", QUICK)
def test_boards_say_the_same(board: str, campaign: bool) -> None:
    if not campaign and board not in USUAL:
        pytest.skip("with --campaign")
    variant = None if campaign else "base"
    path = BOARDS / f"{board}.dma"
    first = verdicts(dmaverify.check(path, variant=variant, seed=0, jobs=1))
    assert first
    for seed in range(1, MANY if campaign else FEW):
        assert verdicts(dmaverify.check(path, variant=variant, seed=seed, jobs=1)) == first, seed


def proofs(case: Case, seed: int) -> dict[str, str]:
    """What PDR says of each property of the whole, in words; what it guesses depends on the seed."""
    (whole,) = prepare(case.core, case.asked, slice=False).slices
    found = Pdr(seed=seed).run(whole.system, whole.properties, Budget(20))
    return {o.prop: "holds" if o.word.holds else o.word.value for o in found}


@pytest.mark.campaign
def test_proofs_say_the_same(campaign: bool) -> None:
    """Random Systems of all kinds, by an engine that guesses."""
    proved = 0
    with certificates_here():
        for number in range(40 if campaign else 10):
            case = case_of(number)
            if case is None or case.states > 300:
                continue
            first = proofs(case, 0)
            proved += Word.VIOLATED.value not in first.values()
            for seed in range(1, MANY if campaign else FEW):
                assert proofs(case, seed) == first, (number, seed)
    assert proved
