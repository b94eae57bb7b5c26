"""Deadlock as the interpreter sees it; a claim that it does not share is refused."""

from __future__ import annotations

import pytest

from dmaverify.engines.interp import Interpreter
from dmaverify.engines.replay import ReplayMismatch, replay
from dmaverify.engines.stuck import DEADLOCK, stuck
from dmaverify.ir.expr import FALSE, TRUE, not_, var
from dmaverify.ir.system import Action, System
from dmaverify.ir.types import BOOL
from dmaverify.verdict import Step, Trace
from tests.support.texts import Do, acquire, release, system

A, B, SET = (var(n, BOOL) for n in ("a", "b", "set"))


def crossed() -> System:
    """Two threads that take two locks in different orders."""
    one = [acquire(A), acquire(B), release(B), release(A)]
    two = [acquire(B), acquire(A), release(A), release(B)]
    return system({"a": BOOL, "b": BOOL}, {"one": one, "two": two})


def waits(*hardware: Action) -> System:
    """A thread that waits for ``set``."""
    return system({"set": BOOL}, {"one": [Do(guard=SET)]}, hardware)


def claim(*steps: str) -> Trace:
    return Trace((), tuple(Step(s, ()) for s in steps), DEADLOCK, DEADLOCK, len(steps), True, False)


def test_two_locks_in_two_orders() -> None:
    done = replay(crossed(), claim("one.0", "two.0"))
    assert done.failed is not None
    assert "one waits" in done.failed.message
    assert "two waits" in done.failed.message
    assert not Interpreter(done.system).evaluate(done.failed.cause.cond, done.final)


@pytest.mark.parametrize("steps", [(), ("one.0",), ("one.0", "one.1")])
def test_a_claim_that_is_not_so_is_refused(steps: tuple[str, ...]) -> None:
    with pytest.raises(ReplayMismatch, match="does not fail"):
        replay(crossed(), claim(*steps))


def test_what_the_hardware_may_still_do_counts() -> None:
    for hardware, dead in (
        ((), True),
        ((Action("flip", None, None, not_(SET), (), (), {"set": TRUE}),), False),
        ((Action("clear", None, None, TRUE, (), (), {"set": FALSE}),), True),
    ):
        run = Interpreter(waits(*hardware))
        assert (stuck(run, run.initial_state({})) is not None) is dead


def test_all_threads_at_their_ends_is_no_deadlock() -> None:
    run = Interpreter(system({"set": BOOL}, {"one": []}))
    assert stuck(run, run.initial_state({})) is None
