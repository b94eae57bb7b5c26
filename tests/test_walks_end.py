"""A random walk ends, also where a thread goes round for ever and nobody could see it."""

from __future__ import annotations

import random

import pytest

from dmaverify.checking import walk as walking
from dmaverify.checking.decide import Decider
from dmaverify.checking.options import Options
from dmaverify.checking.walk import random_walk
from dmaverify.ir.expr import U32, Expr, const, mk, ne, var
from dmaverify.ir.system import Action, Check, Kind, Property, System, Thread, Var
from dmaverify.ir.types import BOOL, Int, Range
from dmaverify.verdict import Word

PC = Range(0, 1)
WIDE = Int(32)


def going_round(counts: bool) -> System:
    """A thread that goes from 0 to 1 and back, and counts its rounds or not; another one that could be looked at."""
    n, x = var("t.n", WIDE), var("x", BOOL)

    def step(name: str, at: int, to: int, **updates: Expr) -> Action:
        return Action(name, "t", at, updates={**updates, "t.pc": const(to, PC)}, weight=const(0, U32))

    more = {"t.n": mk("add", (n, const(1, WIDE)))} if counts else {}
    never = Check("p", "p.1", ne(n, n), x)
    look = Action("u.0", "u", 0, effects=(never,), updates={"u.pc": const(1, PC)}, weight=const(1, U32))
    return System(
        "round",
        (
            Var("x", BOOL, False),
            Var("t.pc", PC, 0, Kind.PC, "t"),
            Var("t.n", WIDE, 0, Kind.LOCAL, "t"),
            Var("u.pc", PC, 0, Kind.PC, "u"),
        ),
        (step("t.0", 0, 1), step("t.1", 1, 0, **more), look),
        (Thread("t", "t.pc", "cpu0"), Thread("u", "u.pc", "cpu1", ends=frozenset({1}))),
        (Property("p", "P1", "scenario"),),
    )


@pytest.mark.parametrize("counts", [False, True])
def test_a_walk_ends(counts: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_UNSEEN", 20)
    walk = random_walk(going_round(counts), random.Random(1), 10)
    assert 0 < len(walk.steps) <= 10 * 21


def test_a_check_ends() -> None:
    """What is never put to the test is looked for by walks."""
    (outcome,) = Decider(going_round(False), Options()).outcomes(("p",))
    assert outcome.word is Word.EXHAUSTED and not any(outcome.exercised.values())
