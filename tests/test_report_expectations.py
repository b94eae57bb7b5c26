"""The table of docs/verdicts.md: what each expectation makes of each verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmaverify.report.expectations import settle
from dmaverify.results import Expectation, PropertyResult
from dmaverify.span import NOWHERE
from dmaverify.verdict import Word

WORDS = (
    Word.PROVED,
    Word.EXHAUSTED,
    Word.NOT_APPLICABLE,
    Word.VIOLATED,
    Word.VACUOUS,
    Word.BOUNDED,
    Word.SAMPLED,
    Word.UNKNOWN,
)
TABLE = {
    None: (0, 0, 0, 1, 4, 3, 3, 3),
    "holds": (0, 0, 0, 1, 4, 3, 3, 3),
    "violated": (1, 1, 1, 0, 1, 3, 3, 3),
    "vacuous": (1, 1, 1, 1, 0, 3, 3, 3),
    "n/a": (1, 1, 0, 1, 1, 3, 3, 3),
}


def result(word: Word, expected: Expectation | None = None, **more: object) -> PropertyResult:
    r = PropertyResult("p", "DMA101", word, expected=expected)
    for k, v in more.items():
        setattr(r, k, v)
    return r


@pytest.mark.parametrize("expected", TABLE)
def test_every_verdict_against_every_expectation(expected: str | None) -> None:
    for word, status in zip(WORDS, TABLE[expected], strict=True):
        r = result(word, Expectation(expected) if expected else None, depth=5)
        settle(r)
        assert (r.status, bool(r.mismatch)) == (status, status != 0), word


def test_the_documentation_has_the_same_table(root: Path) -> None:
    text = (root / "docs" / "verdicts.md").read_text(encoding="utf-8")
    for expected, statuses in TABLE.items():
        head = "nothing" if expected is None else f"`{expected}`"
        row = re.search(rf"^\| {re.escape(head)} \|([ \d|]+)\|$", text, re.MULTILINE)
        assert row is not None, head
        cells = [int(c) for c in row[1].split("|")]
        proved, exhausted, na, violated, vacuous, *undecided = statuses
        assert proved == exhausted
        assert len(set(undecided)) == 1
        assert cells == [proved, na, violated, vacuous, undecided[0]], head


@pytest.mark.parametrize(
    ("length", "minimal", "status"),
    [(6, True, 0), (6, False, 0), (7, True, 1), (5, True, 1), (5, False, 1), (7, False, 3)],
)
def test_violated_in_n_steps_pins_the_length(length: int, minimal: bool, status: int) -> None:
    r = result(Word.VIOLATED, Expectation("violated", steps=(6, 6)), length=length, minimal=minimal)
    settle(r)
    assert r.status == status
    assert ("6 steps" in r.mismatch) == (status != 0)


def test_holds_to_a_depth_is_satisfied_by_a_bound_that_reaches_it() -> None:
    cases = [
        (result(Word.BOUNDED, depth=20), 0),
        (result(Word.BOUNDED, depth=19), 3),
        (result(Word.EXHAUSTED), 0),
        (result(Word.VIOLATED, length=21, minimal=True), 0),
        (result(Word.VIOLATED, length=21, minimal=False), 1),
        (result(Word.VIOLATED, length=20, minimal=True), 1),
        (result(Word.VACUOUS), 4),
    ]
    for r, status in cases:
        r.expected = Expectation("holds", depth=20)
        settle(r)
        assert r.status == status, r


def test_a_bounded_result_does_not_satisfy_holds() -> None:
    r = result(Word.BOUNDED, Expectation("holds"), depth=1000)
    settle(r)
    assert r.status == 3
    assert r.mismatch == "expected holds, got bounded (no violation within 1000 steps)"


@pytest.mark.parametrize(
    ("expected", "reached", "status"),
    [
        (None, True, 0),
        (None, False, 4),
        (None, None, 3),
        ("reachable", True, 0),
        ("reachable", False, 1),
        ("unreachable", False, 0),
        ("unreachable", True, 1),
        ("unreachable", None, 3),
    ],
)
def test_covers(expected: str | None, reached: bool | None, status: int) -> None:
    r = result(Word.EXHAUSTED, Expectation(expected) if expected else None, kind="cover", reached=reached)
    settle(r)
    assert r.status == status


def test_strict_makes_an_untested_assert_count_as_vacuous() -> None:
    for strict, status in ((False, 0), (True, 4)):
        r = result(Word.EXHAUSTED, untested=[("p.2", NOWHERE)])
        settle(r, strict)
        assert r.status == status


def test_strict_does_not_touch_a_violation() -> None:
    r = result(Word.VIOLATED, Expectation("violated"), untested=[("p.2", NOWHERE)], length=3)
    settle(r, strict=True)
    assert r.status == 0


def test_not_shown_to_be_exercised_is_inconclusive() -> None:
    r = result(Word.PROVED, Expectation("holds"), exercised_shown=False)
    settle(r)
    assert (r.status, r.mismatch) == (3, "exercised: not shown")
