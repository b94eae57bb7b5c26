"""No verdict depends on chance: the same words, traces and covers whatever the seed.

Seeds turn what is sampled, guessed and walked at random; engines may answer sooner or later for it, and differently in nothing that
is shown. A run without ``--campaign`` takes three seeds of two quick boards and of some random Systems; with it, twenty seeds of
every board with every variant, and of three hundred Systems. What differs is told word by word.
"""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

import dmaverify
from dmaverify.checking import decide as deciding
from dmaverify.checking.confirm import confirm
from dmaverify.checking.decide import Decider
from dmaverify.checking.options import Options
from dmaverify.engines.base import Budget
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.ir.pipeline import prepare
from dmaverify.results import PropertyResult, Report
from dmaverify.verdict import Outcome, Word
from tests.support.soundness import Case, case_of, certificates_here

BOARDS = Path(__file__).resolve().parent.parent / "models" / "boards"
USUAL = ("outer-order", "zero-size")
FEW, MANY = 3, 20
SHARDS = 10
"""Pieces of the campaign of random Systems, so that it can be done piece by piece."""

Said = tuple[object, ...]


def said(p: PropertyResult) -> Said:
    """What a report says of a property, but for who answered; what was tested as in ``told``."""
    word = "holds" if p.word.holds else p.word.value
    reason = "" if p.word.holds else p.reason
    tested = {label: seen for label, seen in p.exercised.items() if p.word is not Word.VIOLATED or seen is False}
    return word, reason, p.status, p.length, p.minimal, p.choice, p.trace, p.reached, tuple(sorted(tested.items()))


def verdicts(report: Report) -> dict[tuple[str | None, str], Said]:
    """By variant and property (or probe)."""
    assert not report.diagnostics and not any(v.internal or v.diagnostics for s in report.scenarios for v in s.variants)
    found = {(v.name, p.name): said(p) for _, v, p in report.outcomes()}
    found |= {(v.name, f"probe {p.name}"): (p.reached,) for s in report.scenarios for v in s.variants for p in v.probes}
    return found


def same(first: dict[tuple[str | None, str], Said], other: dict[tuple[str | None, str], Said], where: object) -> None:
    """They are, word by word."""
    different = {name: (first.get(name), other.get(name)) for name in {**first, **other} if first.get(name) != other.get(name)}
    assert not different, (where, different)


@pytest.mark.campaign
@pytest.mark.parametrize("board", sorted(p.stem for p in BOARDS.glob("*.dma")))
def test_boards_say_the_same(board: str, campaign: bool) -> None:
    if not campaign and board not in USUAL:
        pytest.skip("with --campaign")
    variant = None if campaign else "base"
    path = BOARDS / f"{board}.dma"
    first = verdicts(dmaverify.check(path, variant=variant, seed=0, jobs=1))
    assert first
    for seed in range(1, MANY if campaign else FEW):
        same(first, verdicts(dmaverify.check(path, variant=variant, seed=seed, jobs=1)), (board, seed))


# -- random Systems -----------------------------------------------------------------------------------------------------


def answers(case: Case, seed: int, sliced: bool) -> dict[tuple[str | None, str], Said]:
    """What the tool says of a System, as it is asked from the command line; ``sliced``: without a short search of the whole before."""
    with patch.object(deciding, "SEARCHING", () if sliced else deciding.SEARCHING):
        decider = Decider(case.system, Options(seed=seed, cores=1))
        found: dict[tuple[str | None, str], Said] = {}
        for o in decider.outcomes((*case.asked, *case.covers)):
            confirm(o, decider.reference)
            found[None, o.prop] = told(o)
    return found


def told(o: Outcome) -> Said:
    """What an outcome says, but for who found it out. Of a violated property the search is over: what else it would have put to
    the test is left to walks, which may come across it or not.
    """
    word = "holds" if o.word.holds else o.word.value
    tested = {label: seen for label, seen in o.exercised.items() if o.word is not Word.VIOLATED or seen is False}
    depth = o.depth if o.word is Word.BOUNDED else None
    return word, depth, o.trace, tuple(sorted(tested.items())), tuple(sorted(o.covers.items()))


@pytest.mark.campaign
@pytest.mark.parametrize("shard", range(SHARDS), ids=lambda n: f"shard{n}-")
def test_random_systems_say_the_same(shard: int, campaign: bool) -> None:
    """Every other one in slices, and what these leave open by the portfolio."""
    systems = runs = questions = violated = 0
    with certificates_here():
        for number in range(shard, 10_000_000, SHARDS):
            if systems >= (30 if campaign else 2):
                break
            case = case_of(number)
            if case is None:
                continue
            systems += 1
            sliced = systems % 2 == 0
            first = answers(case, 0, sliced)
            questions += len(first)
            violated += sum(word[0] == Word.VIOLATED.value for word in first.values())
            for seed in range(1, MANY if campaign else FEW):
                same(first, answers(case, seed, sliced), (number, seed))
                runs += 1
    print(f"\nshard {shard}: {systems} systems, {questions} questions, {violated} violated, {runs + systems} runs")
    assert systems and questions


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
