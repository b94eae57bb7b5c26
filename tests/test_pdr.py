"""The engine pdr: proofs without lemmas that another solver has checked, counterexamples that replay, and agreement with search."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

import dmaverify
from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import ExplicitEngine
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.engines.replay import replay
from dmaverify.ir.expr import FALSE, TRUE, const, eq, le, mk, var
from dmaverify.ir.pipeline import prepare
from dmaverify.ir.system import Always, Check, Property, System, Var
from dmaverify.ir.types import BOOL, Int
from dmaverify.verdict import Outcome, Word
from tests.support.random_system import random_system
from tests.support.symbolic_systems import counter, frozen, locked, pool, step


def one(system: System, prop: str, budget: Budget | None = None) -> Outcome:
    """The outcome for one property."""
    (outcome,) = Pdr().run(system, (prop,), budget or Budget())
    return outcome


def test_an_invariant_that_nobody_wrote_is_found() -> None:
    outcome = one(pool(16, 3), "no_overlap")
    assert (outcome.word, outcome.depth, outcome.lemmas) == (Word.PROVED, 1, ())


def test_a_counterexample_replays() -> None:
    system = pool(8, 3, broken=True)
    outcome = one(system, "no_overlap")
    assert outcome.word is Word.VIOLATED and outcome.trace is not None
    assert outcome.trace.length >= 3 and not outcome.trace.minimal
    assert replay(system, outcome.trace).failed is not None
    assert outcome.exercised[outcome.trace.label] is True


def test_inputs_are_in_the_trace() -> None:
    outcome = one(counter(10, 4), "below")
    assert outcome.trace is not None and outcome.trace.in_step
    assert sum(dict(s.inputs)["by"] for s in outcome.trace.steps) >= 10


def test_mutual_exclusion() -> None:
    assert one(locked(), "atomic").word is Word.PROVED
    assert one(locked(correct=False), "atomic").word is Word.VIOLATED


def test_for_every_value_of_a_parameter() -> None:
    assert one(frozen(64), "fits").word is Word.PROVED
    system = frozen(8, bounded=False)
    outcome = one(system, "fits")
    assert outcome.word is Word.VIOLATED and outcome.trace is not None
    assert dict(outcome.trace.initial)["size"] == 255 or dict(outcome.trace.initial)["size"] > 248
    assert replay(system, outcome.trace).failed is not None


def test_a_violation_in_the_initial_state_has_length_zero() -> None:
    x = var("x", BOOL)
    system = System("s", (Var("x", BOOL, None, any_init=True),), (), (), (Property("p", "T", "monitor"),), (Always("p", "p.1", x),))
    outcome = one(system, "p")
    assert outcome.trace is not None and outcome.trace.length == 0 and outcome.trace.minimal


def test_no_initial_state() -> None:
    """Assumptions that contradict each other: nothing can happen."""
    x = var("x", BOOL)
    free = Var("x", BOOL, None, any_init=True)
    system = System("s", (free,), (), (), (Property("p", "T", "monitor"),), (Always("p", "p.1", FALSE),), assumptions=(x, eq(x, FALSE)))
    assert one(system, "p").word is Word.PROVED


def test_what_the_encoding_promises_is_shown_and_not_assumed() -> None:
    x, t = var("x", Int(2)), Int(2)
    go = step("go", updates={"x": mk("add", (x, const(1, t)))})
    system = System(
        "s",
        (Var("x", t, 0),),
        (go,),
        (),
        (Property("p", "T", "monitor"),),
        (Always("p", "p.1", le(x, const(2, t))),),
        domain=(le(x, const(2, t)),),
    )
    assert one(system, "p").word is Word.VIOLATED


def test_a_check_that_ends_the_run_ends_it() -> None:
    """What comes behind a failed built-in check is no violation of something else; its own failure is one."""
    x, t = var("x", Int(2)), Int(2)
    stop = Check("meant", "m.1", TRUE, eq(x, const(0, t)), stop=True)
    go = step("go", effects=(stop,), updates={"x": mk("add", (x, const(1, t)))})
    system = System(
        "s",
        (Var("x", t, 0),),
        (go,),
        (),
        (Property("p", "T", "monitor"), Property("meant", "T", "builtin")),
        (Always("p", "p.1", le(x, const(1, t))),),
    )
    assert one(system, "p").word is Word.PROVED
    assert one(system, "meant").word is Word.VIOLATED


def test_what_can_never_be_tested_is_said() -> None:
    x = var("x", BOOL)
    go = step("go", effects=(Check("p", "p.1", x, FALSE), Check("p", "p.2", TRUE, TRUE)), updates={"x": x})
    system = System("s", (Var("x", BOOL, False),), (go,), (), (Property("p", "T", "monitor"),))
    outcome = one(system, "p")
    assert outcome.word is Word.PROVED and outcome.exercised == {"p.1": False, "p.2": None}


def test_covers_are_reached_or_never() -> None:
    reached = one(counter(10, 3), "below.last")
    assert reached.covers == {"below.last": True} and reached.trace is not None
    assert one(counter(10, 3), "below.never").covers == {"below.never": False}


def test_nothing_claimed_is_nothing_proved() -> None:
    outcome = one(pool(8, 2), "something_else")
    assert outcome.word is Word.UNKNOWN


def test_a_budget_that_runs_out_leaves_a_bound() -> None:
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 40

    outcome = one(pool(32, 4), "no_overlap", Budget(cancelled=cancelled))
    assert outcome.reason == "interrupted" and outcome.word in (Word.BOUNDED, Word.UNKNOWN)


def test_agrees_with_explicit_search_on_random_systems(rounds: Callable[[int, int], int]) -> None:
    proved = refuted = 0
    for seed in range(rounds(25, 400)):
        system = random_system(random.Random(5000 + seed), 2)
        properties = tuple(p.name for p in system.properties)
        prepared = prepare(system, properties, stops=True)
        for part in prepared.slices:
            explicit = {o.prop: o for o in ExplicitEngine().run(part.system, part.properties, Budget(states=20_000))}
            for o in Pdr().run(part.system, part.properties, Budget(timeout=30)):
                e = explicit[o.prop]
                if Word.UNKNOWN in (e.word, o.word) or e.word is Word.BOUNDED:
                    continue
                assert o.word.holds == e.word.holds, (seed, o.prop, o.word, e.word)
                if o.word is Word.VIOLATED:
                    refuted += 1
                    assert o.trace is not None and e.trace is not None and o.trace.length >= e.trace.length
                    assert replay(system, prepared.core.flat.decode_trace(o.trace)).failed is not None
                proved += o.word is Word.PROVED
                for label, seen in o.exercised.items():
                    known = e.exercised.get(label)
                    assert seen is None or known is None or seen == known, (seed, o.prop, label)
    assert proved > 20 and refuted > 10


BOARDS = Path(__file__).resolve().parent.parent / "models" / "boards"


@pytest.mark.parametrize("board", ["rx-once", "zero-size", "half-line"])
def test_boards_have_the_verdicts_of_explicit_search(board: str) -> None:
    file = BOARDS / f"{board}.dma"
    explicit = dmaverify.check(file, variant="base", engine="explicit", jobs=1).scenarios[0].variant()
    ours = dmaverify.check(file, variant="base", engine="pdr", jobs=1).scenarios[0].variant()
    compared = 0
    for verdict in ours.properties:
        other = explicit.property(verdict.name).word
        if verdict.word is not Word.UNKNOWN:
            assert verdict.word.holds == other.holds, verdict.name
            compared += 1
    assert compared >= 2
