"""Replay: traces do in the reference System what they claim, or are refused with the reason."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from dmaverify.engines.interp import (
    Interpreter,
)
from dmaverify.engines.replay import ReplayMismatch, replay
from dmaverify.ir.expr import TRUE, and_, eq, input_, lt, not_, var
from dmaverify.ir.system import (
    Action,
    Cover,
    Input,
    Kind,
    System,
    Var,
)
from dmaverify.ir.types import BOOL
from dmaverify.verdict import Step, Trace
from tests.support.counter import CHOICE, U8, U64, B, X, counter, number
from tests.support.random_system import random_system


def trace(*steps: Step, label: str, in_step: bool, prop: str = "p", **initial: object) -> Trace:
    return Trace(tuple(initial.items()), steps, prop, label, 99, True, in_step)


def took(name: str, i: int | None = None) -> Step:
    return Step(name, () if i is None else (("i", i),))


def test_replay_of_a_failing_assert() -> None:
    done = replay(
        counter(),
        trace(
            took("flip"),
            took("t.0", 1),
            took("flip"),
            took("flip"),
            took("flip"),
            took("t.1", 4),
            label="p.amount",
            in_step=True,
            b=True,
            n=1,
        ),
    )
    assert done.failed is not None
    assert done.failed.message == "adding 4 to 1"
    assert done.final == (5, True, 2, 1)
    assert done.length == done.trace.length == 3
    assert [r.changed for r in done.records] == [("b",), ("x", "t.pc"), ("b",), ("b",), ("b",), ("x", "t.pc")]
    assert done.records[1].events == ()
    assert done.records[5].before == done.records[4].after == (1, True, 1, 1)
    assert [f.label for f in done.records[5].judgement.failures] == ["p.small"]
    assert done.value(done.final, "x") == 5


def test_replay_of_a_failing_state() -> None:
    done = replay(
        counter(), trace(took("t.0", 3), took("t.1", 3), label="p.small", in_step=False, b=True, n=1)
    )
    assert done.failed is not None
    assert done.failed.message == "x is 6"


def test_replay_of_covers() -> None:
    assert replay(counter(), trace(took("t.0", 3), label="three", in_step=False, b=True, n=0)).failed is None
    steps = took("t.0", 3), took("t.1", 1)
    assert replay(counter(), trace(*steps, label="second", in_step=True, b=True, n=0)).failed is None


def test_replay_fills_in_what_the_trace_leaves_out() -> None:
    """The first values that work: n needs b, and the inputs their guards."""
    done = replay(counter(), trace(took("t.0", 3), took("t.1", 3), label="p.small", in_step=False, n=1))
    assert done.trace.initial == (("b", True), ("n", 1))
    a = Action(
        "a",
        None,
        None,
        and_(lt(number(2), CHOICE), B),
        (Input("i", U8), Input("j", BOOL)),
        updates={"x": CHOICE},
    )
    system = System(
        "s", (Var("x", U8, 0), Var("b", BOOL, True)), (a,), covers=(Cover("c", eq(X, number(3))),)
    )
    done = replay(system, trace(took("a"), label="c", in_step=False, prop="c"))
    assert done.trace.steps == (Step("a", (("i", 3), ("j", False))),)
    assert done.length == 1


@pytest.mark.parametrize(
    ("claim", "step", "why"),
    [
        (trace(label="p.small", in_step=False, b=False, n=1), 0, "assumption 2"),
        (trace(label="p.small", in_step=False, b=True, n=1), 0, "does not fail in the state at the end"),
        (trace(label="p.amount", in_step=True, b=True, n=1), 0, "there is none"),
        (trace(took("nix"), label="p.small", in_step=False, b=True, n=1), 1, "there is no action nix"),
        (trace(took("t.1", 1), label="p.small", in_step=False, b=True, n=1), 1, "stands at 0"),
        (trace(took("t.0", 2), label="p.small", in_step=False, b=True, n=1), 1, "outside the domain"),
        (
            trace(took("t.0", 1), took("flip"), took("t.1", 1), label="p.small", in_step=False, b=True, n=1),
            3,
            "the guard is false",
        ),
        (
            trace(took("t.0", 4), label="p.small", in_step=True, b=True, n=1),
            1,
            "p.small of p does not fail in the last step; what fails is p: p.amount",
        ),
        (trace(took("t.0", 4), label="p.amount", in_step=False, b=True, n=1), 1, "in the state at the end"),
        (trace(took("t.0", 4), label="p.amount", in_step=True, prop="q", b=True, n=1), 1, "p.amount of q"),
        (
            trace(took("t.0", 4), took("t.1", 1), label="p.small", in_step=False, b=True, n=0),
            2,
            r"fails the check p.meant of builtin.*\(four\)",
        ),
        (
            trace(took("t.0", 4), took("t.1", 1), took("flip"), label="p.amount", in_step=True, b=True, n=0),
            2,
            "p.meant",
        ),
    ],
)
def test_replay_refuses_what_is_not_so(claim: Trace, step: int, why: str) -> None:
    with pytest.raises(ReplayMismatch, match=why) as caught:
        replay(counter(), claim)
    assert caught.value.step == step


def test_replay_of_a_failing_builtin_check() -> None:
    steps = took("t.0", 4), took("t.1", 1)
    done = replay(counter(), trace(*steps, label="p.meant", prop="builtin", in_step=True, b=True, n=0))
    assert done.failed is not None
    assert done.failed.stop


def test_replay_says_when_left_out_values_cannot_be_found() -> None:
    a = Action("a", None, None, lt(number(2**40, U64), input_("w", U64)), (Input("w", U64),))
    system = System("s", (Var("m", U64, None, Kind.PARAM, any_init=True),), (a,), covers=(Cover("c", TRUE),))
    with pytest.raises(ReplayMismatch, match=r"leaves the domain of a\.w open"):
        replay(system, trace(took("a"), label="c", in_step=False))
    assumed = system.with_(assumptions=(lt(number(2**40, U64), var("m", U64)),))
    with pytest.raises(ReplayMismatch, match="leaves m open"):
        replay(assumed, trace(label="c", in_step=False))
    impossible = system.with_(vars=(Var("m", U8, None, any_init=True),), assumptions=(not_(TRUE),))
    with pytest.raises(ReplayMismatch, match="no values for m"):
        replay(impossible, trace(label="c", in_step=False))


def test_random_walks_replay(rounds: Callable[[int, int], int]) -> None:
    """What a walk saw fail fails again in its replay, with the same states; one wrong step is noticed."""
    rng = random.Random(6)
    failures = wrong = 0
    for _ in range(rounds(150, 1000)):
        system = random_system(rng, rng.randint(1, 3))
        run = Interpreter(system)
        start = next(run.initial_states(), None)
        if start is None:
            continue
        state, steps, states = start, [], [start]
        initial = tuple((v.name, run.value(start, v.name)) for v in run.free())
        for _ in range(12):
            options = list(run.enabled(state))
            if not options:
                break
            chosen, given = rng.choice(options)
            result = run.step(state, chosen, given)
            steps.append(Step(chosen.name, tuple(given.items())))
            states.append(result.state)
            claims = [(f, True) for f in result.failures] + [
                (f, False) for f in run.judge(result.state).failures
            ]
            for f, in_step in claims if not result.stopped else []:
                done = replay(system, Trace(initial, tuple(steps), f.prop, f.label, 0, False, in_step))
                assert done.failed == f
                assert [done.initial, *(r.after for r in done.records)] == states
                failures += 1
                odd = replace(steps[-1], action="nix")
                with pytest.raises(ReplayMismatch):
                    replay(system, Trace(initial, (*steps[:-1], odd), f.prop, f.label, 0, False, in_step))
                wrong += 1
            if result.stopped:
                break
            state = result.state
    assert failures > 50
    assert wrong == failures
