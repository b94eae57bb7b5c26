"""The time of a check is shared: a property that takes for ever does not starve the others, nor the probes.

Clocks are false ones wherever an engine's time is measured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dmaverify.checking import decide as deciding
from dmaverify.checking import probes as probing
from dmaverify.checking.decide import Decider
from dmaverify.checking.options import Options
from dmaverify.checking.shares import PROBES, Purse, Shares
from dmaverify.cli.main import run
from dmaverify.engines.auto import Auto
from dmaverify.engines.base import Budget
from dmaverify.engines.pdr import engine as pdr
from dmaverify.ir.expr import const, lt, mk, var
from dmaverify.ir.system import Action, Always, Cover, Property, System, Var
from dmaverify.ir.types import Int
from dmaverify.verdict import Outcome, Word
from tests.test_vacuity import checked, write

FOR_EVER = 1e9


class FalseClock:
    """Says what it was told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# -- shares -------------------------------------------------------------------------------------------------------------


def test_everybody_gets_an_equal_part_of_what_is_left() -> None:
    clock = FalseClock()
    shares = Shares(Purse(40.0, clock=clock))
    shares.begin({"a": 1, "b": 2, PROBES: 1, "c": 0})
    assert shares.allowed(("a",)) == pytest.approx(40 / 3)
    clock.now += 4
    shares.took(("a",), 4)
    # b and the probes: the first of two slices of b is a quarter of that
    assert shares.allowed(("b",)) == pytest.approx(36 / 4)
    clock.now += 9
    shares.took(("b",), 9)
    assert shares.allowed(("b",)) == pytest.approx(27 / 3)
    shares.took(("b",), 0)
    assert shares.allowed((PROBES,)) == pytest.approx(27)
    clock.now += 99
    assert shares.allowed((PROBES,)) == 0


def test_a_slice_of_several_properties_has_what_they_have() -> None:
    shares = Shares(Purse(40.0, clock=FalseClock()))
    shares.begin({"a": 1, "b": 1, "c": 2})
    assert shares.allowed(("a", "c")) == pytest.approx(40 * 1.5 / 3)


def test_each_property_may_have_a_limit_of_its_own() -> None:
    clock = FalseClock()
    shares = Shares(Purse(None, 10.0, clock))
    shares.begin({"a": 2, "b": 1})
    assert shares.limited and shares.left() is None
    assert shares.allowed(("a",)) == pytest.approx(5)
    shares.took(("a",), 2)
    assert shares.allowed(("a", "b")) == pytest.approx(8 + 10)
    tight = Shares(Purse(6.0, 10.0, clock))
    tight.begin({"a": 1, "b": 1})
    assert tight.allowed(("a",)) == pytest.approx(3), "the tighter one counts"
    assert Shares(Purse()).allowed(("a",)) is None and not Shares(Purse()).limited


def test_what_is_spent_in_one_instance_is_not_there_for_the_next() -> None:
    purse = Purse(30.0, 12.0, clock := FalseClock())
    first = Shares(purse, 1 / 3)
    first.begin({"a": 1, "b": 1})
    assert first.allowed(("a",)) == pytest.approx(4), "a third of its own 12 seconds, which is less than half of 10"
    clock.now += 1
    first.took(("a",), 1)
    second = Shares(purse, 1 / 2)
    second.begin({"a": 1})
    assert second.allowed(("a",)) == pytest.approx(11 / 2)
    assert second.part(1 / 2).allowed(("a",)) == pytest.approx(11 / 4)
    assert second.for_one("a").left() == pytest.approx(11 / 2)


# -- properties ---------------------------------------------------------------------------------------------------------

NAMES = ("hard", "some", "easy")


def system() -> System:
    """A counter for each property, which has nothing to do with the others; and a probe."""
    t = Int(8)

    def counting(name: str) -> Action:
        more = mk("add", (var(name, t), const(1, t)))
        return Action(name, None, None, lt(var(name, t), const(200, t)), updates={name: more})

    return System(
        "counters",
        tuple(Var(n, t, 0) for n in (*NAMES, "far")),
        tuple(counting(n) for n in (*NAMES, "far")),
        properties=tuple(Property(n, "T100", "monitor") for n in NAMES),
        always=tuple(Always(n, f"{n}.1", lt(var(n, t), const(201, t))) for n in NAMES),
        covers=(Cover("far", lt(const(150, t), var("far", t))),),
    )


class Slow:
    """An engine that needs so many seconds for each property; what it has had when."""

    name = "slow"

    def __init__(self, clock: FalseClock, needs: dict[str, float]) -> None:
        self.clock, self.needs = clock, needs
        self.had: list[tuple[str, float]] = []

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        (name,) = properties
        assert budget.timeout is not None
        self.had.append((name, round(budget.timeout, 3)))
        need = self.needs.get(name, 1.0)
        self.clock.now += min(need, budget.timeout)
        if need > budget.timeout:
            return [Outcome(name, Word.BOUNDED, "time", depth=7)]
        return [Outcome(name, Word.EXHAUSTED, covers={name: True} if name not in NAMES else {})]


@contextmanager
def only(engine: Slow, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This engine and no other, without a short search before."""
    with monkeypatch.context() as patch:
        patch.setattr(deciding, "SEARCHING", ())
        patch.setattr(deciding, "engine_named", lambda options, core: engine)
        patch.setattr(probing, "engines_for", lambda options: [(engine, None)])
        patch.setattr(probing, "WALKS", 0)
        yield


def decided(monkeypatch: pytest.MonkeyPatch, timeout: float | None, each: float | None, **needs: float) -> tuple[
    dict[str, Outcome], list[tuple[str, float]], dict[str, bool | None]
]:
    """Outcomes, who has had how many seconds, and the probes."""
    clock = FalseClock()
    engine = Slow(clock, needs)
    with only(engine, monkeypatch):
        decider = Decider(system(), Options(), probes=("far",), shares=Shares(Purse(timeout, each, clock)))
        found = {o.prop: o for o in decider.outcomes(NAMES)}
        answers = decider.probed()
    return found, engine.had, answers


def test_a_hard_property_leaves_the_others_their_part(monkeypatch: pytest.MonkeyPatch) -> None:
    found, had, probes = decided(monkeypatch, 40.0, None, hard=FOR_EVER)
    assert had[:3] == [("hard", 10.0), ("some", 10.0), ("easy", pytest.approx(14.5))]
    assert found["some"].word is found["easy"].word is Word.EXHAUSTED
    assert (found["hard"].word, found["hard"].reason, found["hard"].depth) == (Word.BOUNDED, "time", 7), "what was covered is kept"
    assert probes == {"far": True}, "half of what is left is the probes'"


def test_what_the_others_leave_is_for_the_hard_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found, had, probes = decided(monkeypatch, 40.0, None, hard=13.0)
    assert [o.word for o in found.values()] == [Word.EXHAUSTED] * 3
    assert had[0] == ("hard", 10.0) and had[3] == ("hard", 14.0), had
    assert probes == {"far": True}
    # two of them share it, and none goes again for so little more
    found, had, _ = decided(monkeypatch, 40.0, None, hard=FOR_EVER, some=FOR_EVER)
    assert [name for name, _ in had] == ["hard", "some", "easy", "far"]
    assert found["hard"].word is found["some"].word is Word.BOUNDED and found["easy"].word is Word.EXHAUSTED


def test_each_property_keeps_to_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    found, had, probes = decided(monkeypatch, None, 5.0, hard=FOR_EVER, some=4.0)
    assert had == [("hard", 5.0), ("some", 5.0), ("easy", 5.0), ("far", 5.0)]
    assert [o.word for o in found.values()] == [Word.EXHAUSTED] * 2 + [Word.BOUNDED]
    assert probes == {"far": True}


def test_a_probe_that_takes_for_ever_is_not_decided_and_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _, probes = decided(monkeypatch, 40.0, None, far=FOR_EVER)
    assert probes == {"far": None} and all(o.word is Word.EXHAUSTED for o in found.values())


# -- properties of one slice, one after the other -----------------------------------------------------------------------


def test_property_directed_reachability_shares_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FalseClock()
    had: list[tuple[str, float]] = []

    class Run:
        circuit = None

        def __init__(self, engine: object, system: System, prop: str, budget: Budget, circuit: object) -> None:
            self.prop, self.seconds = prop, budget.timeout or 0.0
            had.append((prop, round(self.seconds, 3)))

        def outcome(self) -> Outcome:
            need = {"hard": FOR_EVER, "some": 11.0}.get(self.prop, 1.0)
            clock.now += min(need, self.seconds)
            return Outcome(self.prop, Word.UNKNOWN, "time") if need > self.seconds else Outcome(self.prop, Word.PROVED)

    monkeypatch.setattr(pdr, "_Run", Run)
    monkeypatch.setattr("time.monotonic", clock)
    outcomes = pdr.Pdr().run(system(), ("hard", "some", "easy"), Budget(30.0, started=clock()))
    assert [o.word for o in outcomes] == [Word.UNKNOWN, Word.UNKNOWN, Word.PROVED]
    assert had == [("hard", 10.0), ("some", 10.0), ("easy", 10.0)]
    had.clear()
    outcomes = pdr.Pdr().run(system(), ("easy", "some", "hard"), Budget(24.0, started=clock()))
    assert had == [("easy", 8.0), ("some", 11.5), ("hard", 12.0)]
    assert [o.word for o in outcomes] == [Word.PROVED, Word.PROVED, Word.UNKNOWN]
    had.clear()
    outcomes = pdr.Pdr().run(system(), ("some", "easy"), Budget(18.0, started=clock()))
    assert had == [("some", 9.0), ("easy", 9.0)] and outcomes[0].word is Word.UNKNOWN, "eight seconds are no more than nine"


# -- engines of the portfolio, one after the other ----------------------------------------------------------------------


def test_a_search_that_does_not_end_leaves_something_for_the_other_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FalseClock()
    had: list[tuple[str, float]] = []

    class Endless:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
            assert budget.timeout is not None
            had.append((self.name, round(budget.timeout, 3)))
            clock.now += budget.timeout
            word = Word.PROVED if len(had) == 5 else Word.UNKNOWN
            return [Outcome(p, word, "time" if word is Word.UNKNOWN else "", engine=self.name) for p in properties]

    monkeypatch.setattr(Auto, "_engine", lambda self, stage, threads=None: Endless(stage.engine))
    monkeypatch.setattr("time.monotonic", clock)
    (outcome,) = Auto(cores=1).run(system(), ("hard",), Budget(20.0, started=clock()))
    assert [name for name, _ in had] == ["explicit", "induction", "pdr", "bmc", "induction"]
    assert had[0] == ("explicit", 10.0) and outcome.word is Word.PROVED


# -- a whole check ------------------------------------------------------------------------------------------------------

HARD = """
monitor hard code DMA901 { always shared != 0xffff_ffff }
monitor easy code DMA902 { on happened(n) { assert n < 5 } }
monitor wrong code DMA903 { on touched(c) { assert false, "touched" } }
sequence counting on cpu0 { loop { shared = shared + 1 } }
sequence driver on cpu1 {
    emit happened(1)
    emit touched(Cell.first!)
}
check only hard, easy, wrong
expect wrong violated
"""


@pytest.mark.parametrize("limit", ["timeout", "property_timeout"])
def test_a_scenario_with_one_property_that_nobody_decides(tmp_path: Path, limit: str) -> None:
    v, status = checked(tmp_path, HARD, **{limit: 3.0 if limit == "timeout" else 1.0}, engine="explicit", jobs=1)
    assert status == 3
    assert {p.name: p.word for p in v.properties if p.kind == "monitor"} == {
        "hard": Word.UNKNOWN, "easy": Word.EXHAUSTED, "wrong": Word.VIOLATED,
    }
    hard = v.property("hard")
    assert hard.reason == "time" and hard.states > 1_000
    assert [p.name for p in v.probes if p.reached is None] == []


def test_the_command_line_has_the_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, HARD)
    command = ["check", file, "--property-timeout", "0.5", "--engine", "explicit", "-p", "hard", "--variant", "base"]
    assert run(command) == 3
    out = capsys.readouterr().out
    assert "UNKNOWN (time)" in out
    assert re.search(r"hard: [\d,]{5,} states visited so far, none of them bad", out)
    assert run([*command[:3], "0", *command[4:]]) == 2
