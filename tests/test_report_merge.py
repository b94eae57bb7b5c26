"""One verdict from several slices: never better than the weakest part, never shorter than what could be
known.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from dmaverify.checking.merge import merge
from dmaverify.engines.never import NOTHING
from dmaverify.verdict import Outcome, Trace, Word


def violated(length: int, minimal: bool = True) -> Outcome:
    return Outcome(
        "p", Word.VIOLATED, trace=Trace((), (), "p", f"p.{length}", length, minimal, True), states=10
    )


def test_the_weakest_word_counts() -> None:
    words = (Word.PROVED, Word.EXHAUSTED, Word.BOUNDED, Word.SAMPLED, Word.UNKNOWN)
    for n, weak in enumerate(words):
        for strong in words[: n + 1]:
            assert merge("p", [Outcome("p", strong), Outcome("p", weak)]).word is weak


def test_the_least_bound_counts() -> None:
    assert merge("p", [Outcome("p", Word.BOUNDED, depth=9), Outcome("p", Word.BOUNDED, depth=4)]).depth == 4


def test_one_violated_slice_is_enough_and_the_shortest_trace_is_shown() -> None:
    out = merge("p", [Outcome("p", Word.UNKNOWN), violated(7), violated(5)])
    assert out.word is Word.VIOLATED
    assert out.trace is not None
    assert out.trace.length == 5


@pytest.mark.parametrize(
    ("other", "minimal"),
    [
        (Outcome("p", Word.EXHAUSTED), True),
        (Outcome("p", Word.PROVED), True),
        (Outcome("p", Word.UNKNOWN), False),
        (Outcome("p", Word.SAMPLED), False),
        (Outcome("p", Word.BOUNDED, depth=4), True),
        (Outcome("p", Word.BOUNDED, depth=3), False),
        (violated(6), True),
        (violated(6, minimal=False), False),
        (replace(violated(6, minimal=False), none_within=3), False),
        (replace(violated(6, minimal=False), none_within=4), True),
    ],
)
def test_the_trace_is_minimal_only_if_no_slice_can_hold_a_shorter_one(other: Outcome, minimal: bool) -> None:
    out = merge("p", [violated(5), other])
    assert out.trace is not None
    assert out.trace.minimal is minimal


def test_figures_add_up_and_probes_are_joined() -> None:
    a = Outcome(
        "p",
        Word.EXHAUSTED,
        states=3,
        transitions=4,
        slices=1,
        exercised={"p.1": False, "p.2": None, "p.3": True},
    )
    b = Outcome(
        "p",
        Word.EXHAUSTED,
        states=5,
        transitions=6,
        slices=1,
        exercised={"p.1": True, "p.2": False, "p.3": None},
    )
    out = merge("p", [a, b])
    assert (out.states, out.transitions, out.slices) == (8, 10, 2)
    assert out.exercised == {"p.1": True, "p.2": None, "p.3": True}


def test_nothing_that_could_violate_it_is_an_exhausted_property_without_probes() -> None:
    out = merge("p", [])
    assert out.word is Word.EXHAUSTED
    assert out.exercised == {}


def test_a_slice_in_which_nothing_is_claimed_has_no_say_in_the_word() -> None:
    nothing = Outcome("p", Word.EXHAUSTED, NOTHING, covers={"p.x": None})
    for word in (Word.PROVED, Word.UNKNOWN, Word.BOUNDED):
        out = merge("p", [nothing, Outcome("p", word, covers={})])
        assert (out.word, out.reason, out.covers) == (word, "", {"p.x": None})
    assert merge("p", [nothing, nothing]).reason == NOTHING
