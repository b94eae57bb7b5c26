"""The explicit engine and the code that it generates, on Systems whose states can be counted by hand."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from dmaverify.engines.base import Budget, Progress
from dmaverify.engines.explicit import DEADLOCK, ExplicitEngine, Queue, explore
from dmaverify.engines.pycode import DEEPEST, Packing, Writer, helpers
from dmaverify.engines.successors import Compiled, prefix_weight
from dmaverify.ir.evaluate import Evaluator
from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    U32,
    Expr,
    and_,
    const,
    eq,
    input_,
    ite,
    le,
    lt,
    mk,
    ne,
    not_,
    or_,
    var,
)
from dmaverify.ir.flatten import flatten
from dmaverify.ir.parts import Expansion
from dmaverify.ir.pipeline import to_core
from dmaverify.ir.system import Action, Always, Check, Cover, Input, Part, Reached, System, Thread, Var
from dmaverify.ir.types import BOOL, Int, Range
from dmaverify.verdict import Outcome, Word
from tests.support.compare import explored
from tests.support.random_expr import ExprMaker, random_value
from tests.support.texts import Do, acquire, release, system

U4 = Int(4)
N = var("n", U4)
ONE = const(1, U4)


def _count(limit: int, **more: object) -> System:
    """A counter that hardware raises up to a limit."""
    more_by_one = {"n": mk("add", (N, ONE))}
    up = Action("up", None, None, lt(N, const(limit, U4)), updates=more_by_one, parts=(Part("up", TRUE),))
    return System("count", (Var("n", U4, 0),), (up,)).with_(**more)


def _run(text: System, *properties: str, budget: Budget | None = None) -> list[Outcome]:
    return ExplicitEngine().run(text, properties, budget or Budget())


# -- states and generated code --------------------------------------------------------------------------


def test_packing_keeps_every_value() -> None:
    """Each variable has its own bits, signed ones too."""
    types = (BOOL, Int(1, True), Int(7), Int(64), Int(33, True), BOOL)
    packing = Packing([Var(f"v{n}", t, t.default) for n, t in enumerate(types)])
    assert packing.bits == 1 + 1 + 7 + 64 + 33 + 1
    rng = random.Random(3)
    for _ in range(50):
        values = {f"v{n}": random_value(rng, t) for n, t in enumerate(types)}
        assert packing.unpack(packing.pack(values)) == values


def test_generated_expressions(rounds: Callable[[int, int], int]) -> None:
    """Random core expressions, as conditions and as values, mean what the operator table says."""
    rng = random.Random(8)
    types = (BOOL, Int(3), Int(4, True), Int(8))
    variables = [Var(f"v{n}", t, t.default) for n, t in enumerate(types)]
    leaves: list[Expr] = [var(v.name, v.type) for v in variables] + [input_(f"i{n}", t) for n, t in enumerate(types)]
    packing = Packing(variables)
    for _ in range(rounds(300, 5000)):
        maker = ExprMaker(rng, leaves, types)
        root = maker.expr(rng.choice(types), 4)
        w = Writer(packing, {f"i{n}": f"i{n}" for n in range(len(types))})
        w.share(root)
        w.line(f"return {w.value(root)}" + (f", bool({w.test(root)})" if root.type == BOOL else ""))
        space = helpers()
        exec("\n".join(["def f(s, i0, i1, i2, i3):", *w.lines]), space)
        for _ in range(6):
            state = {v.name: random_value(rng, v.type) for v in variables}
            given = {f"i{n}": random_value(rng, t) for n, t in enumerate(types)}
            both = {**state, **given}
            wanted = Evaluator(lambda node, known=both: known[node.data])(root)  # type: ignore[misc]
            got = space["f"](packing.pack(state), *given.values())  # type: ignore[operator]
            assert got == ((wanted, wanted) if root.type == BOOL else wanted), root


def test_deep_expressions_compile() -> None:
    """Python's parser has a limit; the writer stays below it."""
    e: Expr = var("b", BOOL)
    for n in range(20 * DEEPEST):
        e = ite(eq(N, const(n % 16, U4)), not_(e), and_(e, eq(N, ONE)) if n % 2 else or_(e, lt(N, ONE)))
    text = System("deep", (Var("n", U4, 3), Var("b", BOOL, False)), (Action("a", None, None, updates={"b": e}),))
    assert explore(text, Budget()).complete


def test_bits_of_the_state_are_tested_at_once() -> None:
    """A guard that compares variables with constants is one comparison."""
    guard = and_(eq(N, const(5, U4)), var("b", BOOL), not_(var("c", BOOL)))
    text = System(
        "s",
        (Var("n", U4, 0), Var("b", BOOL, False), Var("c", BOOL, False)),
        (Action("a", None, None, guard, updates={"c": TRUE}),),
    )
    assert "s & 0x3f == 0x15" in Compiled(text).sources[0]


# -- search ---------------------------------------------------------------------------------------------


def test_every_state_is_visited_once() -> None:
    """And every transition counted."""
    (outcome,) = _run(_count(9, always=(Always("p", "p", le(N, const(9, U4))),)), "p")
    assert (outcome.word, outcome.states, outcome.transitions) == (Word.EXHAUSTED, 10, 9)
    assert outcome.exercised == {"p": True}
    assert explore(_count(9), Budget()).complete, "also with nothing to look for"


def test_a_violation_is_found_by_a_shortest_trace() -> None:
    """By jumps where there are any; the trace is in steps of the reference System."""
    i = input_("by", U4)
    jump = Action(
        "jump",
        None,
        None,
        inputs=(Input("by", U4, (2, 3)),),
        updates={"n": mk("add", (N, i))},
        parts=(Part("leap", TRUE, (("by", i),)),),
    )
    text = _count(15, always=(Always("p", "p", ne(N, const(8, U4))),))
    (outcome,) = _run(text.with_(actions=(*text.actions, jump)), "p")
    assert outcome.word is Word.VIOLATED
    assert outcome.trace is not None
    assert (outcome.trace.length, outcome.trace.minimal, outcome.trace.in_step) == (3, True, False)
    assert sorted(dict(s.inputs)["by"] for s in outcome.trace.steps) == [2, 3, 3]


def test_weights_may_be_nothing_and_may_depend_on_the_state() -> None:
    """The nearest state is the one with the least sum, not the one with the fewest steps."""
    to = {n: const(n, U4) for n in (1, 2, 3)}
    heavy = Action("heavy", None, None, eq(N, const(0, U4)), updates={"n": to[3]}, weight=const(5, U32))
    light = [
        Action("a", None, None, eq(N, const(0, U4)), updates={"n": to[1]}, weight=const(0, U32)),
        Action(
            "b",
            None,
            None,
            eq(N, to[1]),
            updates={"n": to[2]},
            weight=ite(eq(N, to[1]), const(3, U32), const(9, U32)),
        ),
        Action("c", None, None, eq(N, to[2]), updates={"n": to[3]}, weight=const(1, U32)),
    ]
    parts = [replace(a, parts=(Part(a.name, TRUE, (), w),)) for a, w in zip((heavy, *light), (5, 0, 3, 1), strict=True)]
    text = System("w", (Var("n", U4, 0),), tuple(parts), always=(Always("p", "p", ne(N, to[3])),))
    (outcome,) = _run(text, "p")
    assert outcome.trace is not None
    assert [s.action for s in outcome.trace.steps] == ["a", "b", "c"]
    assert outcome.trace.length == 4


def test_the_queue_yields_the_nearest_first() -> None:
    """A state that is reached again by a shorter way counts with that one only."""
    queue = Queue()
    queue.push(1, 0, None)
    queue.push(2, 4, 1)
    queue.push(3, 1, 1)
    seen = []
    for state, cost in queue:
        seen.append((state, cost))
        if state == 3:
            queue.push(2, 1, 3)
            queue.push(4, 2, 3)
    assert seen == [(1, 0), (3, 1), (2, 1), (4, 2)]
    assert queue.path(4) == [1, 3, 4]
    assert queue.waiting == 0


def test_a_failed_assert_does_not_end_the_path() -> None:
    """So one violated property does not hide another; a failed built-in check does end it."""

    def text(stop: bool) -> System:
        first = Check("first", "first", TRUE, FALSE, stop=stop)
        second = Check("second", "second", TRUE, FALSE)
        return flatten(system({"x": BOOL}, {"t": [Do(effects=(first,)), Do(effects=(second,))]})).system

    assert [o.word for o in _run(text(False), "first", "second")] == [Word.VIOLATED, Word.VIOLATED]
    stopped = _run(text(True), "first", "second")
    assert [o.word for o in stopped] == [Word.VIOLATED, Word.EXHAUSTED]
    assert stopped[1].exercised == {"second": False}


def test_put_to_the_test_or_not() -> None:
    """A check counts as exercised where its path holds, an always-instance where its condition applies."""
    never = Check("p", "never", eq(N, const(12, U4)), FALSE)
    sometimes = Check("p", "sometimes", eq(N, const(2, U4)), TRUE)
    up = replace(_count(5).actions[0], effects=(never, sometimes))
    always = (Always("q", "at", TRUE, eq(N, const(5, U4))), Always("q", "beyond", FALSE, eq(N, const(6, U4))))
    p, q = _run(_count(5, actions=(up,), always=always), "p", "q")
    assert p.exercised == {"never": False, "sometimes": True}
    assert q.exercised == {"at": True, "beyond": False}
    assert p.word is q.word is Word.EXHAUSTED


def test_covers_are_found_with_a_trace() -> None:
    """A cover that is a property has the way there; others belong to the property whose name begins
    theirs.
    """
    up = replace(_count(5).actions[0], effects=(Reached("p.half", eq(N, const(2, U4))),))
    covers = (Cover("top", eq(N, const(5, U4))), Cover("p.beyond", eq(N, const(9, U4))))
    top, p = _run(_count(5, actions=(up,), covers=covers), "top", "p")
    assert top.covers == {"top": True}
    assert top.trace is not None
    assert top.trace.length == 5
    assert p.covers == {"p.half": True, "p.beyond": False}


def test_open_initial_values_are_tried_and_named() -> None:
    """As far as the assumptions allow; the trace says which."""
    k = var("k", U4)
    text = _count(15, always=(Always("p", "p", ne(N, k)),), assumptions=(lt(const(3, U4), k), lt(k, const(6, U4))))
    (outcome,) = _run(text.with_(vars=(*text.vars, Var("k", U4, None, any_init=True))), "p")
    assert outcome.trace is not None
    assert outcome.trace.initial == (("k", 4),)
    assert outcome.trace.length == 4


def test_what_has_too_many_values_is_unknown() -> None:
    """An input or initial value that cannot be enumerated; unless the guard says what it is."""
    wide, word = input_("i", Int(64)), var("w", Int(64))
    any_word = Action("any", None, None, inputs=(Input("i", Int(64)),), updates={"w": wide})
    text = System("s", (Var("w", Int(64), 0),), (any_word,), always=(Always("p", "p", TRUE),))
    (outcome,) = _run(text, "p")
    assert (outcome.word, outcome.reason) == (Word.UNKNOWN, "domain of any.i")
    given = replace(any_word, guard=eq(wide, mk("add", (word, const(1 << 62, word.type)))))
    (outcome,) = _run(text.with_(actions=(given,)), "p")
    assert (outcome.word, outcome.states) == (Word.EXHAUSTED, 4)
    (outcome,) = _run(text.with_(vars=(Var("w", Int(64), None, any_init=True),)), "p")
    assert outcome.reason == "domain of w"


def test_inputs_are_tried_in_order_and_filtered_early() -> None:
    """Two inputs whose guards restrict them one after the other."""
    i, j = input_("i", U4), input_("j", U4)
    guard = and_(lt(i, const(3, U4)), lt(i, j), ne(j, const(7, U4)))
    pick = Action(
        "pick",
        None,
        None,
        guard,
        (Input("i", U4), Input("j", U4, (1, 2, 7, 9))),
        updates={"n": mk("mul", (i, j))},
    )
    text = System("s", (Var("n", U4, 0),), (pick,))
    result = explore(text, Budget())
    wanted = {(a * b) % 16 for a in range(3) for b in (1, 2, 9) if a < b}
    assert {result.compiled.packing.value(s, "n") for s in result.queue.cost} == wanted | {0}


# -- deadlock -------------------------------------------------------------------------------------------


def test_deadlock_is_being_stuck_for_ever() -> None:
    """Not if everybody has ended, not while hardware can still help, and not where something goes wrong."""
    x, lock = var("x", BOOL), var("lock", BOOL)
    stuck = system({"x": BOOL}, {"t": [Do(guard=x)]}, properties=(DEADLOCK,))
    (outcome,) = _run(flatten(stuck).system, DEADLOCK)
    assert outcome.word is Word.VIOLATED
    assert outcome.trace is not None
    assert outcome.trace.steps == ()
    late_help = [
        Action("spin", None, None, not_(var("y", BOOL)), updates={"y": TRUE}),
        Action("help", None, None, var("y", BOOL), updates={"x": TRUE}),
    ]
    helped = system({"x": BOOL, "y": BOOL}, {"t": [Do(guard=x)]}, late_help)
    assert explored(flatten(helped).system, deadlock=True).deadlock is None
    twice = system({"lock": BOOL}, {"t": [acquire(lock), acquire(lock), release(lock)]})
    assert explored(to_core(twice).system, deadlock=True).deadlock == 1
    goes_wrong = system({"x": BOOL}, {"t": [Do(effects=(Check("b", "b", TRUE, FALSE, stop=True),))]})
    assert explored(flatten(goes_wrong).system, deadlock=True).deadlock is None


def test_an_idle_client_is_not_deadlocked() -> None:
    """A client that waits for its next choice is where it may stay."""
    text = flatten(system({"x": BOOL}, {"t": [Do(guard=var("x", BOOL))]})).system
    idle = text.with_(threads=tuple(replace(t, idle=frozenset({0})) for t in text.threads))
    assert explored(idle, deadlock=True).deadlock is None


# -- budget ---------------------------------------------------------------------------------------------


def test_a_budget_that_runs_out_is_said() -> None:
    """States, depth and interruption; what was found until then stays."""
    text = _count(15, always=(Always("p", "p", ne(N, const(15, U4))), Always("q", "q", ne(N, const(2, U4)))))
    p, q = _run(text, "p", "q", budget=Budget(depth=5))
    assert (p.word, p.depth) == (Word.BOUNDED, 5)
    assert p.exercised == {"p": True}
    assert q.word is Word.VIOLATED
    grid = System(
        "grid",
        tuple(Var(f"n{k}", U4, 0) for k in range(4)),
        tuple(Action(f"up{k}", None, None, updates={f"n{k}": mk("add", (var(f"n{k}", U4), ONE))}) for k in range(4)),
        always=(Always("p", "p", TRUE, FALSE),),
    )
    (few,) = _run(grid, "p", budget=Budget(states=3000))
    assert (few.word, few.reason) == (Word.UNKNOWN, "states")
    assert few.exercised == {"p": None}
    (stopped,) = _run(grid, "p", budget=Budget(cancelled=lambda: True))
    assert (stopped.word, stopped.reason) == (Word.UNKNOWN, "interrupted")
    samples: list[Progress] = []
    _run(grid, "p", budget=Budget(progress=samples.append))
    assert samples
    assert samples[0].engine == "explicit"


def test_the_same_twice() -> None:
    """Same System, same answer, to the last input."""
    for seed in range(10):
        from tests.support.lock_programs import program

        core = to_core(program(seed)).system
        first, second = (
            [(o.word, o.trace, o.exercised, o.covers, o.states) for o in _run(core, "p", "q", "cells")] for _ in range(2)
        )
        assert first == second


# -- parts ----------------------------------------------------------------------------------------------


def test_late_parts_wait_for_their_thread() -> None:
    """They are shown before the next step of the same thread, or not at all."""

    def action(thread: str, *names: str, late: tuple[str, ...] = ()) -> Action:
        return Action(names[0], thread, 0, parts=tuple(Part(n, TRUE, (), 1, n in late) for n in names))

    true: Callable[[Expr], object] = lambda e: e.value  # noqa: E731
    expansion = Expansion()
    expansion.add(action("a", "a1", "a2", late=("a2",)), true)
    expansion.add(action("b", "b1", "b2", late=("b2",)), true)
    expansion.add(action("a", "a3", "a4"), true, last=0)
    assert [s.action for s in expansion.steps] == ["a1", "b1", "a2", "a3"]
    assert expansion.length == 4


def test_prefix_weight_counts_up_to_the_part() -> None:
    """With what waited from the step before, and only the parts on the path."""
    b = var("b", BOOL)
    parts = (Part("x", TRUE, (), 1), Part("y", b, (), 1), Part("z", TRUE, (), 1, True))
    a = Action("x+2", "t", 0, weight=mk("add", (ite(b, const(2, U32), const(1, U32)), const(3, U32))), parts=parts)
    for value, wanted in ((True, (4, 5, 6)), (False, (4, 4, 5))):
        evaluate = Evaluator(lambda n, v=value: v)  # type: ignore[misc]
        assert tuple(evaluate(prefix_weight(a, n)) for n in range(3)) == wanted


def test_an_action_of_a_thread_that_starts_anywhere() -> None:
    """``at`` None: wherever the thread stands."""
    pc = Range(0, 1)
    from dmaverify.ir.system import Kind

    actions = (
        Action("go", "t", 0, updates={"t.pc": const(1, pc)}),
        Action("tick", "t", None, lt(N, const(3, U4)), updates={"n": mk("add", (N, ONE))}),
    )
    text = System("s", (Var("n", U4, 0), Var("t.pc", pc, 0, Kind.PC, "t")), actions, (Thread("t", "t.pc", "t"),))
    assert len(explore(to_core(text).system, Budget()).queue.cost) == 8


@pytest.mark.parametrize("thorough", [True, False])
def test_how_much_is_decided_after_a_violation(thorough: bool) -> None:
    """Other checks of the property are decided too, or left once it is violated."""
    text = _count(15, always=tuple(Always("p", f"{k}", ne(N, const(k, U4))) for k in (2, 9)))
    result = explore(text, Budget(), thorough=thorough)
    assert {key[2] for key in result.found} == ({"2", "9"} if thorough else {"2"})
    assert result.states < 16
