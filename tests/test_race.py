"""Engines side by side: who wins, who is ended, and that nothing depends on who is first."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import pytest

from dmaverify.engines.auto import Auto, Disagreement, Stage, joined, wanted
from dmaverify.engines.base import Budget
from dmaverify.engines.race import Entrant, Race
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome, Trace, Word
from tests.support.symbolic_systems import counter, pool


@dataclass
class Says:
    """An engine that says something after so many seconds, or (``after`` is None) never says anything."""

    word: Word
    after: float | None
    name: str
    length: int = 0
    reason: str = ""

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        time.sleep(1e6 if self.after is None else self.after)
        trace = Trace(((self.name, 0),), (), "p", "p.1", self.length, True, True) if self.length else None
        return [Outcome(p, self.word, self.reason, engine=self.name, trace=trace) for p in properties]


def open_properties(properties: tuple[str, ...], found: Mapping[str, Outcome]) -> tuple[str, ...]:
    """Those that are neither shown to hold nor violated."""
    return tuple(p for p in properties if p not in found or not (found[p].word.holds or found[p].word is Word.VIOLATED))


def race(*engines: Says, properties: tuple[str, ...] = ("p",), cores: int = 8) -> dict[str, Outcome]:
    """What is found if these run side by side."""
    found: dict[str, Outcome] = {}
    entrants = [Entrant(e, Budget, partial(open_properties, properties)) for e in engines]
    Race(counter(3), cores, joined).run(entrants, found)
    return found


def test_the_first_sound_answer_wins_and_the_others_are_ended() -> None:
    found = race(
        Says(Word.EXHAUSTED, None, "for ever"), Says(Word.UNKNOWN, 0, "clueless", reason="solver"), Says(Word.PROVED, 0.1, "quick")
    )
    assert (found["p"].word, found["p"].engine) == (Word.PROVED, "quick")


def test_no_more_than_there_are_cores() -> None:
    """With one core the second begins when the first has given up, and a third that nobody needs never does."""
    found = race(
        Says(Word.UNKNOWN, 0, "first", reason="states"), Says(Word.PROVED, 0, "second"), Says(Word.VIOLATED, 0, "liar", 3), cores=1
    )
    assert (found["p"].word, found["p"].engine) == (Word.PROVED, "second")


@pytest.fixture
def long_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, both answer in the first round."""
    monkeypatch.setattr("dmaverify.engines.race.FIRST_ROUND", 60.0)


@pytest.mark.usefixtures("long_round")
@pytest.mark.parametrize("late", [0.0, 0.3])
def test_the_trace_is_that_of_who_stands_first(late: float) -> None:
    """Whoever of the two is quicker: within one round the one in front is waited for."""
    found = race(Says(Word.VIOLATED, late, "front", 5), Says(Word.VIOLATED, 0.3 - late, "back", 5))
    assert found["p"].trace is not None and found["p"].trace.initial == (("front", 0),)


def test_who_is_not_done_in_the_round_is_not_waited_for() -> None:
    found = race(Says(Word.VIOLATED, None, "front", 5), Says(Word.VIOLATED, 0, "back", 5))
    assert found["p"].trace is not None and found["p"].trace.initial == (("back", 0),)


@pytest.mark.usefixtures("long_round")
def test_a_shorter_trace_counts_more_than_who_stands_first() -> None:
    found = race(Says(Word.VIOLATED, 0.2, "front", 5), Says(Word.VIOLATED, 0, "back", 4))
    assert found["p"].trace is not None and found["p"].trace.length == 4


@pytest.mark.usefixtures("long_round")
def test_a_contradiction_is_an_internal_error() -> None:
    with pytest.raises(Disagreement):
        race(Says(Word.PROVED, 0.2, "front"), Says(Word.VIOLATED, 0, "back", 4))


def test_the_portfolio_side_by_side_says_what_it_says_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One core or three: the same verdict, depth and length."""
    stages = (Stage("explicit", states=50), Stage("bmc", depth=4), Stage("explicit", states=100_000))
    monkeypatch.setattr("dmaverify.engines.auto.STAGES", stages)
    for broken in (False, True):
        system = pool(8, 3, broken=broken)
        (one,), (three,) = (Auto(cores=n).run(system, ("no_overlap",), Budget()) for n in (1, 3))
        assert (one.word, one.trace and one.trace.length) == (three.word, three.trace and three.trace.length)
        assert one.word is (Word.VIOLATED if broken else Word.EXHAUSTED)


def test_search_is_wanted_only_where_states_were_too_few() -> None:
    system, stage = pool(8, 2), Stage("explicit", states=10)
    few, domain = (Outcome("no_overlap", Word.UNKNOWN, reason) for reason in ("states", "domain of x"))
    assert wanted(stage, system, ("no_overlap",), {}) == wanted(stage, system, ("no_overlap",), {"no_overlap": few}) == ("no_overlap",)
    assert wanted(stage, system, ("no_overlap",), {"no_overlap": domain}) == ()
