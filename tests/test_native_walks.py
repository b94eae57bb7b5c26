"""Random walks: the same by native code and in Python, choice by choice; what they find really happens."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

pytest.importorskip("llvmlite")

from dmaverify.engines.base import Budget
from dmaverify.engines.native.walks import walk_natively
from dmaverify.engines.replay import replay
from dmaverify.engines.successors import Compiled
from dmaverify.engines.walks import Met, Walks, walk_in_python
from dmaverify.ir.expr import TRUE, const, eq, input_, lt, mk, var
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.system import Action, Always, Input, Part, System, Var
from dmaverify.ir.types import Int
from tests.support.random_system import random_system
from tests.support.yardstick import allocator


def _facts(w: Walks) -> tuple[object, ...]:
    found = {k: (f.cost, f.state, f.run, f.hit and f.hit[2:]) for k, f in w.found.items() if isinstance(f, Met)}
    return w.runs, w.states, w.transitions, w.reason, w.exercised, found


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_walks(threads: int, rounds: Callable[[int, int], int]) -> None:
    """With weights of every kind, in one word and in several."""
    rng = random.Random(5 + threads)
    violated = 0
    for number in range(rounds(5, 100)):
        reference = random_system(rng, 1 + number % 2)
        core = to_core(reference)
        names = tuple(p.name for p in core.system.properties if p.kind != "cover")
        system = prepare(core, names, slice=False, fuse=number % 3 > 0).slices[0].system
        python = walk_in_python(Compiled(system), number, 40, 30, Budget())
        native = walk_natively(Compiled(system), number, 40, 30, Budget(), threads)
        assert _facts(python) == _facts(native)
        violated += sum(key[0] == "violated" for key in native.found)
        for (kind, prop, label), found in native.found.items():
            target = next(t for t in native.compiled.targets if (t.prop, t.label) == (prop, label))
            if found.hit is not None:
                target = native.compiled.targets[found.hit.target]
            trace = core.flat.decode_trace(native.trace(found, target))
            assert not trace.minimal
            if kind == "violated":
                assert replay(reference, trace).failed is not None
    assert violated


def test_wide_states_and_a_table_that_grows() -> None:
    """Many walks, more states than the table has room for at first."""
    for padding in (0, 3):
        system = allocator(6, 3, forgetful=True, padding=padding)
        python = walk_in_python(Compiled(system), 1, 60, 40, Budget())
        native = walk_natively(Compiled(system), 1, 60, 40, Budget(), 2)
        assert (python.runs, python.states, python.transitions) == (native.runs, native.states, native.transitions)
        assert {k: f.cost for k, f in python.found.items()} == {k: f.cost for k, f in native.found.items()}
    many = walk_natively(Compiled(allocator(6, 4)), 0, 20_000, 60, Budget(), 2)
    assert many.runs == 20_000 and many.states > 200_000 and not many.found


def test_one_walk_again() -> None:
    """Walk n of seed s is the first one of seed s + n; each actor is as likely as any other."""
    system = allocator(4, 2)
    whole = Walks(Compiled(system), 10, 25)
    for run in range(5):
        alone = Walks(Compiled(system), 10 + run, 25)
        assert [s for s, _, _ in whole.walk(run)] == [s for s, _, _ in alone.walk(0)]
    n = var("n", Int(8))
    up = Action("up", None, None, lt(n, const(200, n.type)), updates={"n": mk("add", (n, const(1, n.type)))}, parts=(Part("up", TRUE),))
    wide = input_("i", Int(6))
    stay = Action("stay", None, None, TRUE, (Input("i", Int(6)),), updates={"m": wide})
    walks = Walks(Compiled(System("s", (Var("n", Int(8), 0), Var("m", Int(6), 0)), (up, stay))), 0, 100)
    packing = walks.compiled.packing
    ends = [packing.value([s for s, _, _ in walks.walk(run)][-1], "n") for run in range(20)]
    assert 40 < sum(ends) / len(ends) < 60, "about half of the choices, although the other actor has 64"


def test_walks_that_are_stopped() -> None:
    """By the budget, by a domain, by nothing left to do."""
    system = allocator(5, 2)
    assert walk_natively(Compiled(system), 0, 1000, 10, Budget(cancelled=lambda: True)).reason == "interrupted"
    word = Int(64)
    wild = Action("any", None, None, eq(var("w", word), const(0, word)), (Input("i", word),), updates={"w": input_("i", word)})
    for walk in (walk_in_python, walk_natively):
        result = walk(Compiled(System("s", (Var("w", word, 0),), (wild,), always=(Always("p", "p", TRUE),))), 0, 5, 5, Budget())
        assert result.reason == "domain of any.i"
        result = walk(Compiled(System("s", (Var("w", word, 1),), (wild,))), 0, 5, 5, Budget())
        assert (result.reason, result.runs, result.states, result.transitions) == ("", 5, 1, 0)
