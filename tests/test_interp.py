"""The reference interpreter and the replay of traces."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from dmaverify.engines.interp import (
    BadInitial,
    Blocked,
    Interpreter,
    NotEnumerable,
    State,
    domain,
    in_domain,
    values_of,
)
from dmaverify.ir.expr import Expr, and_, lt, raw, var
from dmaverify.ir.ops import OPS
from dmaverify.ir.show import show
from dmaverify.ir.system import (
    Action,
    Input,
    System,
    Var,
)
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import BOOL, Flags, Int, Map, Mask, Opt, Range, Record, Type
from dmaverify.ir.wellformed import wellformed
from tests.support.counter import CHOICE, U8, U32, U64, B, X, counter, number
from tests.support.random_expr import (
    AT,
    ATTR,
    BUFFER,
    PAGE,
    SLOT,
    SMALL_TYPES,
    ExprMaker,
    random_value,
    raw_build,
)
from tests.support.random_system import random_system

RUN = Interpreter(counter())


def action(name: str) -> Action:
    return next(a for a in counter().actions if a.name == name)


def test_the_sample_is_well_formed() -> None:
    assert wellformed(counter()) == []


# -- states and steps -----------------------------------------------------------------------------------


def test_initial_states_are_those_that_the_assumptions_allow() -> None:
    assert list(RUN.initial_states()) == [(0, False, 0, 0), (0, True, 0, 0), (0, True, 0, 1)]
    assert list(RUN.initial_states({"n": 1})) == [(0, True, 0, 1)]
    assert RUN.initial_state({"b": True, "n": 1}) == (0, True, 0, 1)


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ({"b": True}, "no initial value was chosen for n"),
        ({"b": True, "n": 2}, "assumption 1"),
        ({"b": False, "n": 1}, "assumption 2"),
        ({"b": True, "n": 4}, "4 is not a value of n"),
        ({"b": True, "n": 0, "x": 1}, "x has no open initial value"),
        ({"b": True, "n": 0, "nix": 1}, "nix has no open initial value"),
    ],
)
def test_bad_initial_choices_are_refused(choices: dict[str, object], why: str) -> None:
    with pytest.raises(BadInitial, match=why):
        RUN.initial_state(choices)


def test_enabled_lists_actions_and_inputs_in_order() -> None:
    found = [(a.name, tuple(i.values())) for a, i in RUN.enabled((0, True, 0, 0))]
    assert found == [("t.0", (1,)), ("t.0", (3,)), ("t.0", (4,)), ("flip", ())]
    assert [a.name for a, _ in RUN.enabled((0, False, 1, 0))] == ["flip"]
    assert [a.name for a, _ in RUN.enabled((0, True, 2, 0))] == ["flip"]


def test_guards_that_read_inputs_choose_among_them() -> None:
    a = Action("a", None, None, and_(B, lt(CHOICE, number(3))), (Input("i", U8), Input("j", BOOL)))
    run = Interpreter(System("s", (Var("b", BOOL, True),), (a,)))
    assert [tuple(i.items()) for _, i in run.enabled((True,))] == [
        (("i", n), ("j", j)) for n in range(3) for j in (False, True)
    ]
    assert list(run.enabled((False,))) == []


def test_a_step_does_everything_in_the_old_state() -> None:
    result = RUN.step((2, True, 0, 0), action("t.0"), {"i": 4})
    assert result.state == (6, True, 1, 0)
    assert [(f.prop, f.label, f.message) for f in result.failures] == [("p", "p.amount", "adding 4 to 2")]
    assert [(e.name, e.args) for e in result.events] == [("added", (("what", 4), ("to", 2)))]
    assert result.exercised == (("p", "p.amount"),)
    assert not result.stopped


def test_updates_are_simultaneous() -> None:
    y = var("y", U8)
    swap = Action("swap", None, None, updates={"x": y, "y": X})
    run = Interpreter(System("s", (Var("x", U8, 1), Var("y", U8, 2)), (swap,)))
    assert run.step((1, 2), swap, {}).state == (2, 1)


def test_effects_count_only_on_their_path() -> None:
    result = RUN.step((2, False, 0, 0), action("t.0"), {"i": 1})
    assert (result.failures, result.events, result.exercised) == ((), (), ())
    assert RUN.step((0, True, 1, 0), action("t.1"), {"i": 1}).reached == ("second",)
    assert RUN.step((0, True, 1, 0), action("t.1"), {"i": 3}).reached == ()


def test_a_failed_builtin_check_stops() -> None:
    result = RUN.step((4, True, 1, 0), action("t.1"), {"i": 4})
    assert result.stopped
    assert [f.label for f in result.failures] == ["p.meant", "p.amount"]


@pytest.mark.parametrize(
    ("state", "name", "given", "why"),
    [
        ((0, True, 1, 0), "t.0", {"i": 1}, "thread t stands at 1, the action starts at 0"),
        ((0, False, 1, 0), "t.1", {"i": 1}, "the guard is false"),
        ((0, True, 0, 0), "t.0", {"i": 2}, "2 is outside the domain of input i"),
        ((0, True, 0, 0), "t.0", {}, "input i has no value"),
        ((0, True, 0, 0), "t.0", {"i": 1, "j": 1}, "has no input j"),
    ],
)
def test_what_is_not_enabled_is_refused(state: State, name: str, given: dict[str, object], why: str) -> None:
    with pytest.raises(Blocked, match=why):
        RUN.step(state, action(name), given)


def test_states_are_judged() -> None:
    assert RUN.judge((7, True, 0, 0)).exercised == ()
    judged = RUN.judge((7, True, 0, 1))
    assert [(f.label, f.message) for f in judged.failures] == [("p.small", "x is 7")]
    assert judged.exercised == (("p", "p.small"),)
    assert RUN.judge((3, True, 0, 1)).covers == ("three",)


def test_changed_and_value() -> None:
    assert RUN.changed((0, True, 0, 0), (1, True, 2, 0)) == ("x", "t.pc")
    assert RUN.value((0, True, 2, 0), "t.pc") == 2


# -- domains -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [*SMALL_TYPES, Int(8, True), Map(PAGE, AT), Record("E", ())])
def test_all_values_of_a_type(t: Type) -> None:
    values = list(values_of(t))
    assert len(values) == len(set(values)) == t.count
    assert all(t.contains(v) for v in values)
    assert values[0] == t.default


@pytest.mark.parametrize(
    "t",
    [
        Int(9),
        Opt(Int(64)),
        Map(BOOL, Int(16)),
        Map(PAGE, Int(8)),
        Record("R", (("a", U32),)),
        Mask(Range(0, 99)),
    ],
)
def test_large_domains_are_not_tried(t: Type) -> None:
    with pytest.raises(NotEnumerable, match=r"domain of go\.i"):
        domain(Input("i", t), "go")
    assert list(domain(Input("i", t, (t.default,)), "go")) == [t.default]


def test_a_large_input_counts_only_where_its_action_could_be_taken() -> None:
    a = Action("a", None, None, B, (Input("w", U64),))
    run = Interpreter(System("s", (Var("b", BOOL, False),), (a,)))
    assert list(run.enabled((False,))) == []
    with pytest.raises(NotEnumerable, match=r"domain of a\.w") as caught:
        list(run.enabled((True,)))
    assert caught.value.name == "a.w"
    assert run.step((True,), a, {"w": 2**63}).state == (True,)


def test_in_domain() -> None:
    assert in_domain(Input("i", U8), 255)
    assert not in_domain(Input("i", U8), 256)
    assert not in_domain(Input("i", U8, (1, 2)), 3)


# -- expressions ----------------------------------------------------------------------------------------


def _plainly(e: Expr, values: dict[str, object]) -> object:
    """Recursion and the operator table, every argument evaluated."""
    if e.op == "const":
        return e.data
    if e.op == "var":
        return values[e.data]
    return OPS[e.op].meaning([_plainly(a, values) for a in e.args], [a.type for a in e.args], e.type, e.data)


def test_laziness_changes_no_value(rounds: Callable[[int, int], int]) -> None:
    rng = random.Random(4)
    for _ in range(rounds(300, 5000)):
        leaves = [var(f"x{n}", t) for n, t in enumerate(rng.sample(SMALL_TYPES, 6))]
        e = ExprMaker(rng, leaves, SMALL_TYPES, raw_build).expr(rng.choice(SMALL_TYPES), 5)
        run = Interpreter(System("x", tuple(Var(v.data, v.type, v.type.default) for v in leaves), ()))
        for _ in range(4):
            values = {v.data: random_value(rng, v.type) for v in leaves}
            assert run.evaluate(e, tuple(values.values())) == _plainly(e, values)


def test_what_does_not_decide_is_not_looked_at() -> None:
    gone = var("gone", BOOL)
    run = Interpreter(System("s", (Var("b", BOOL, True),), ()))
    assert run.evaluate(raw("or", BOOL, (B, gone)), (True,)) is True
    assert run.evaluate(raw("and", BOOL, (B, gone)), (False,)) is False
    assert run.evaluate(raw("ite", BOOL, (B, B, gone)), (True,)) is True
    with pytest.raises(KeyError):
        run.evaluate(raw("or", BOOL, (B, gone)), (False,))


def test_deep_and_shared_expressions_are_no_trouble() -> None:
    deep, shared = X, X
    for n in range(20_000):
        deep = raw("ite", U8, (B, raw("add", U8, (deep, number(n % 7))), number(1)))
        shared = raw("add", U8, (shared, shared)) if n < 500 else shared
    run = Interpreter(System("s", (Var("x", U8, 0), Var("b", BOOL, True)), ()))
    assert run.evaluate(deep, (0, True)) == sum(n % 7 for n in range(20_000)) % 256
    assert run.evaluate(shared, (3, True)) == (3 << 500) % 256
    assert sum(1 for _ in walk(shared)) == 501


def test_values_are_shown_for_readers() -> None:
    for value, t, text in [
        (True, BOOL, "true"),
        (12, U8, "12"),
        (0x12345, U32, "0x12345"),
        (-70000, Int(32, True), "-0x11170"),
        (1, AT, "found"),
        (0b11, ATTR, "{dirty, valid}"),
        (0, Flags("F", ("x",)), "{}"),
        (2, PAGE, "Page 2"),
        (1, SLOT, "right"),
        (None, Opt(PAGE), "null"),
        ((1, False), BUFFER, "Buffer {page: Page 1, live: false}"),
        ((None, 2), Map(SLOT, Opt(PAGE)), "[left: null, right: Page 2]"),
        (0b101, Mask(PAGE), "{Page 0, Page 2}"),
    ]:
        assert show(value, t) == text


# -- the random Systems ---------------------------------------------------------------------------------


def test_random_systems_are_worth_exploring() -> None:
    """Seeds repeat themselves; locks are waited for; checks of every sort fail somewhere and hold
    elsewhere."""
    assert random_system(random.Random(1)) == random_system(random.Random(1))
    seen: dict[str, int] = {}
    total = 60
    for seed in range(total):
        rng = random.Random(seed)
        run = Interpreter(random_system(rng, 1 + seed % 3))
        states = set(run.initial_states())
        todo = list(states)
        found: set[str] = set()
        while todo and len(states) < 400:
            state = todo.pop(0)
            found |= {f.prop for f in run.judge(state).failures}
            for a in run.system.actions:
                takes = any(op.op == "acquire" for op in a.locks)
                if takes and run.stands(a, state) and not run.evaluate(a.guard, state):
                    found.add("waiting")
            for a, given in run.enabled(state):
                result = run.step(state, a, given)
                found |= {f.prop for f in result.failures}
                if a.thread is None and result.state != state:
                    found.add("hardware writes")
                if not result.stopped and result.state not in states:
                    states.add(result.state)
                    todo.append(result.state)
        for what in found:
            seen[what] = seen.get(what, 0) + 1
    for what in ("waiting", "hardware writes", "guarded", "watched", "kept", "meant"):
        assert total // 12 <= seen[what] <= total - 6, (what, seen)
