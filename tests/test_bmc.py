"""Bounded model checking: shortest traces, honest bounds, probes; and the same answers as explicit search on random Systems."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.bmc import Bmc
from dmaverify.engines.explicit import ExplicitEngine
from dmaverify.engines.lengths import Lengths, weight_bounds
from dmaverify.engines.replay import replay
from dmaverify.engines.smt.solver import SOLVERS, SolverName
from dmaverify.engines.smt.unroll import choice_numbers
from dmaverify.ir.expr import TRUE, U32, const, eq, ite, not_, var
from dmaverify.ir.pipeline import prepare
from dmaverify.ir.system import Always, Check, Property, System, Var
from dmaverify.ir.types import BOOL, Int
from dmaverify.verdict import Outcome, Word
from tests.support.random_system import random_system
from tests.support.symbolic_systems import counter, frozen, locked, pool, step


def one(system: System, prop: str, depth: int, solver: SolverName = "bitwuzla") -> Outcome:
    """The outcome for one property."""
    (outcome,) = Bmc(solver).run(system, (prop,), Budget(depth=depth))
    return outcome


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_shortest_counterexample_that_replays(solver: SolverName) -> None:
    system = pool(8, 3, broken=True)
    outcome = one(system, "no_overlap", 8, solver)
    assert outcome.word is Word.VIOLATED
    trace = outcome.trace
    assert trace is not None and trace.length == 3 and trace.minimal and not trace.in_step
    assert replay(system, trace).failed is not None


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_bound_is_a_bound(solver: SolverName) -> None:
    outcome = one(pool(8, 2), "no_overlap", 5, solver)
    assert (outcome.word, outcome.depth) == (Word.BOUNDED, 5)
    # one step less than the violation needs
    assert (one(pool(8, 3, broken=True), "no_overlap", 2).word, 2) == (Word.BOUNDED, 2)


def test_inputs_are_in_the_trace() -> None:
    outcome = one(counter(10, 4), "below", 5)
    trace = outcome.trace
    assert trace is not None and trace.length == 3 and trace.in_step
    assert sum(dict(s.inputs)["by"] for s in trace.steps) >= 10
    assert all(0 <= dict(s.inputs)["by"] <= 4 for s in trace.steps)


def test_probes_are_answered_as_far_as_they_were_seen() -> None:
    outcome = one(counter(6, 2), "below", 2)
    assert outcome.word is Word.BOUNDED
    assert outcome.exercised == {"below.1": True}
    assert outcome.covers == {"below.last": None, "below.never": None}, "the bound is too small to see it"
    assert one(counter(6, 2), "below", 3).covers["below.last"] is True


def test_a_cover_asked_for_by_name_comes_with_a_witness() -> None:
    outcome = one(counter(6, 2), "below.last", 4)
    assert outcome.covers["below.last"] is True
    assert outcome.trace is not None and outcome.trace.length == 3 and outcome.trace.in_step


def test_probes_can_be_all_that_is_asked_for() -> None:
    (outcome,) = Bmc(violations=False).run(counter(10, 4), ("below",), Budget(depth=9))
    assert outcome.word is Word.UNKNOWN and outcome.trace is None and outcome.exercised == {"below.1": True}


def test_a_violation_in_the_initial_state_has_length_zero() -> None:
    x = var("x", BOOL)
    system = System("s", (Var("x", BOOL, None, any_init=True),), (), (), (Property("p", "T", "monitor"),), (Always("p", "p.1", x),))
    trace = one(system, "p", 3).trace
    assert trace is not None and trace.length == 0 and trace.initial == (("x", False),)


def test_without_an_initial_state_nothing_can_happen() -> None:
    system = frozen(8).with_(assumptions=(not_(TRUE),))
    assert one(system, "fits", 3).word is Word.BOUNDED


def test_weights_count_and_not_steps() -> None:
    """One heavy step or two light ones: the least number of steps is not the least length."""
    x = var("x", Int(2))
    heavy = step("heavy", guard=eq(x, const(0, x.type)), updates={"x": const(3, x.type)})
    light = [step(f"light{n}", guard=eq(x, const(n, x.type)), updates={"x": const(m, x.type)}) for n, m in ((0, 1), (1, 3))]
    heavy = replace(heavy, weight=const(5, U32), parts=tuple(replace(p, weight=5) for p in heavy.parts))
    system = System(
        "s",
        (Var("x", x.type, 0),),
        (heavy, *light),
        (),
        (Property("p", "T", "monitor"),),
        (Always("p", "p.1", not_(eq(x, const(3, x.type)))),),
    )
    trace = one(system, "p", 8).trace
    assert trace is not None and trace.length == 2 and trace.minimal
    assert [s.action for s in trace.steps] == ["light0", "light1"]


def test_steps_without_weight_are_said_to_say_nothing_about_lengths() -> None:
    outcome = one(counter(200, 1, weight=0), "below", 5)
    assert outcome.word is Word.UNKNOWN and "weight" in outcome.reason


def test_a_run_ends_at_a_failed_builtin_check() -> None:
    x = var("x", BOOL)
    go = step("go", effects=(Check("builtin", "b.1", TRUE, x, stop=True),), updates={"x": TRUE})
    system = System(
        "s",
        (Var("x", BOOL, False),),
        (go,),
        (),
        (Property("builtin", "B", "builtin"), Property("p", "T", "monitor")),
        (Always("p", "p.1", not_(x)),),
    )
    found = {o.prop: o for o in Bmc().run(system, ("builtin", "p"), Budget(depth=3))}
    assert found["builtin"].word is Word.VIOLATED
    assert found["p"].word is Word.BOUNDED


def test_actions_that_exclude_each_other_share_a_number() -> None:
    system = locked()
    numbers = choice_numbers(system.actions)
    assert len(set(numbers)) == 2, "two threads with one action at each place"
    assert len(set(choice_numbers(pool(8, 2).actions))) == 8


def test_bounds_of_weights() -> None:
    c = var("c", BOOL)
    assert weight_bounds(None) == (1, 1)
    assert weight_bounds(ite(c, const(2, U32), const(0, U32))) == (0, 2)
    assert Lengths(counter(4)).covered(7) == 7
    assert Lengths(counter(4, weight=0)).covered(7) is None
    assert Lengths(locked()).uniform


def test_agrees_with_explicit_search_on_random_systems(rounds: Callable[[int, int], int]) -> None:
    compared = violated = 0
    for seed in range(rounds(12, 200)):
        system = random_system(random.Random(seed), 2)
        properties = tuple(p.name for p in system.properties)
        for part in prepare(system, properties, stops=True).slices:
            explicit = {o.prop: o for o in ExplicitEngine().run(part.system, part.properties, Budget(states=20_000))}
            bounded = {o.prop: o for o in Bmc().run(part.system, part.properties, Budget(depth=6))}
            for prop in part.properties:
                e, b = explicit[prop], bounded[prop]
                if e.reason:
                    continue
                compared += 1
                if b.word is Word.VIOLATED:
                    violated += 1
                    assert e.word is Word.VIOLATED and e.trace is not None and b.trace is not None, (seed, prop)
                    assert b.trace.length == e.trace.length or not b.trace.minimal, (seed, prop)
                elif b.word is Word.BOUNDED and e.word is Word.VIOLATED:
                    assert e.trace is not None and b.depth is not None and e.trace.length > b.depth, (seed, prop)
                for label, seen in b.exercised.items():
                    assert not (seen and e.exercised.get(label) is False), (seed, prop, label)
                for label, seen in b.covers.items():
                    assert not (seen and e.covers.get(label) is False), (seed, prop, label)
    assert compared > 30 and violated > 8


def test_deadlocks_are_not_bounded_by_who_does_not_look_for_them() -> None:
    (outcome,) = Bmc().run(locked(), ("deadlock",), Budget(depth=5))
    assert (outcome.word, outcome.depth) == (Word.UNKNOWN, None)
    assert outcome.reason == "only the search of all states finds deadlocks"
