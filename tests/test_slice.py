"""Slicing, liveness, lock sets and weights on Systems small enough to say what must come out."""

from __future__ import annotations

import random
from collections.abc import Callable

from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import explore
from dmaverify.ir.expr import FALSE, TRUE, Expr, const, eq, input_, ite, lt, ne, not_, or_, select, store, var
from dmaverify.ir.flatten import flatten
from dmaverify.ir.footprint import Footprints
from dmaverify.ir.locksets import array_facts, core_facts
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.slice import Slice, belongs, slices
from dmaverify.ir.system import Action, Always, Check, Cover, Input, LockOp, Reached, System, Var
from dmaverify.ir.types import BOOL, Index, Int, Map, Range
from tests.support.compare import explored, sliced
from tests.support.random_system import random_system
from tests.support.texts import Do, acquire, place, release, system

X, Y, Z = (var(n, BOOL) for n in "xyz")
CELL = Index("Cell", 3)


def _check(cond: Expr, label: str = "l", prop: str = "p", path: Expr = TRUE, stop: bool = False) -> Check:
    return Check(prop, label, path, cond, stop=stop)


def _names(s: Slice) -> set[str]:
    return {v.name for v in s.system.vars}


def _two_sides() -> System:
    """Two threads that have nothing to do with each other."""
    return system(
        {"x": BOOL, "y": BOOL},
        {
            "a": [Do({"x": TRUE}), Do(effects=(_check(X, "a"),))],
            "b": [Do({"y": TRUE}), Do(effects=(_check(Y, "b", "q"),))],
        },
        properties=("p", "q"),
    )


def test_what_has_no_say_is_gone() -> None:
    """Each check has its own slice with its own thread, variables and places only."""
    parts = slices(flatten(_two_sides()).system, ("p", "q"))
    assert [_names(s) for s in parts] == [{"x", "a.pc"}, {"y", "b.pc"}]
    assert [s.properties for s in parts] == [("p",), ("q",)]
    assert [[t.name for t in s.system.threads] for s in parts] == [["a"], ["b"]]
    assert [s.properties for s in slices(flatten(_two_sides()).system, ("q",))] == [("q",)]


def test_a_guard_on_the_way_matters_and_one_behind_does_not() -> None:
    """What blocks a thread before a check is in its cone; what the thread does afterwards is not."""
    before = Do(guard=Y)
    after = Do(guard=Z)
    text = system(
        {"x": BOOL, "y": BOOL, "z": BOOL},
        {"a": [before, Do(effects=(_check(not_(X)),)), after], "b": [Do({"x": TRUE, "y": TRUE, "z": TRUE})]},
    )
    (part,) = slices(flatten(text).system, ("p",))
    assert _names(part) == {"x", "y", "a.pc", "b.pc"}
    assert [a.name for a in part.system.actions] == ["a.0", "a.1", "b.0"]


def test_cells_are_sliced_one_by_one() -> None:
    """State properties about each cell do not meet: the states add up instead of multiplying."""
    m, i = var("m", Map(CELL, Int(2))), input_("i", CELL)
    grow = Action(
        "grow",
        None,
        None,
        lt(select(m, i), const(3, Int(2))),
        (Input("i", CELL),),
        updates={"m": store(m, i, const(3, Int(2)))},
    )
    each = [Always("p", f"p.{n}", ne(select(m, const(n, CELL)), const(2, Int(2)))) for n in range(3)]
    text = system({"m": m.type}, {}, (grow,), each)
    parts = prepare(text, ("p",)).slices
    assert [_names(s) for s in parts] == [{"m[0]"}, {"m[1]"}, {"m[2]"}]
    assert [s.targets[0].label for s in parts] == ["p.0", "p.1", "p.2"]
    assert [len(explore(s.system, Budget()).queue.cost) for s in parts] == [2, 2, 2]
    assert len(explore(prepare(text, ("p",), slice=False).slices[0].system, Budget()).queue.cost) == 8


def test_a_smaller_cone_joins_a_larger_one() -> None:
    """One search decides both."""
    always = [Always("p", "both", or_(X, Y)), Always("p", "one", X)]
    text = system({"x": BOOL, "y": BOOL}, {"a": [Do({"x": TRUE})], "b": [Do({"y": X})]}, always=always)
    (part,) = slices(flatten(text).system, ("p",))
    assert [t.label for t in part.targets] == ["both", "one"]


def test_covers_belong_to_their_property() -> None:
    """A cover is asked for by name, or with the property whose name begins its own."""
    assert belongs("p.tested", "p")
    assert belongs("p", "p")
    assert not belongs("pq", "p")
    reached = Do(effects=(Reached("p.1.tested", X),))
    text = system({"x": BOOL, "y": BOOL}, {"a": [reached], "b": [Do({"x": TRUE, "y": TRUE})]}).with_(covers=(Cover("q", Y),))
    assert [_names(s) for s in slices(flatten(text).system, ("p",))] == [{"x", "a.pc", "b.pc"}]
    assert [_names(s) for s in slices(flatten(text).system, ("q",))] == [{"y", "b.pc"}]


def test_inputs_that_decide_nothing_get_a_value() -> None:
    """The trace still says what every input of the reference action was."""
    give = Do(
        {"x": input_("i", BOOL), "y": input_("j", Int(3))},
        inputs=(Input("i", BOOL), Input("j", Int(3), (5, 6))),
    )
    text = system({"x": BOOL, "y": Int(3)}, {"a": [give, Do(effects=(_check(not_(X)),))]})
    (part,) = prepare(text, ("p",), fuse=False).slices
    first = part.system.actions[0]
    assert [i.name for i in first.inputs] == ["i"]
    assert dict(first.parts[0].bindings)["j"] is const(5, Int(3))


def test_assumptions_keep_their_variables_together() -> None:
    """An open value that an assumption ties to a relevant one is relevant."""
    open_vars = {n: Var(n, Int(2), None, any_init=True) for n in ("x", "y", "z")}
    x, y = var("x", Int(2)), var("y", Int(2))
    text = system(dict(open_vars), {}, always=[Always("p", "p", lt(x, const(2, x.type)))], assumptions=(lt(x, y),))
    (part,) = slices(flatten(text).system, ("p",))
    assert _names(part) == {"x", "y"}


def test_built_in_checks_are_kept_on_request_only() -> None:
    """Without them a slice goes on where the System would not."""
    text = system(
        {"x": BOOL, "y": BOOL},
        {"a": [Do(effects=(_check(Y, "null", "builtin", stop=True),)), Do(effects=(_check(X),))]},
        properties=("p", "builtin"),
    )
    core = to_core(text)
    assert [_names(s) for s in slices(core.system, ("p",))] == [{"a.pc"}]
    assert explored(prepare(core, ("p",)).slices[0].system).violated == {("p", "l"): 0}
    assert sliced(core, ("p",)).violated == {}
    assert explored(core.system).violated == {("builtin", "null"): 0}


def test_a_lock_that_vanishes_takes_its_other_users_along() -> None:
    """After fusion a thread that only took the lock has no say any more."""
    lock = var("lock", BOOL)
    text = system(
        {"lock": BOOL, "x": BOOL, "y": BOOL},
        {
            "a": [
                acquire(lock),
                Do({"x": not_(X)}),
                Do({"x": not_(X)}),
                release(lock),
                Do(effects=(_check(X),)),
            ],
            "b": [acquire(lock), Do({"y": TRUE}), release(lock)],
        },
    )
    (fused_part,) = prepare(text, ("p",)).slices
    assert [t.name for t in fused_part.system.threads] == ["a"]
    (unfused,) = prepare(text, ("p",), fuse=False).slices
    assert [t.name for t in unfused.system.threads] == ["a", "b"]


def test_slices_find_what_the_whole_finds(rounds: Callable[[int, int], int]) -> None:
    """On random Systems with values of all types, lengths included."""
    for seed in range(rounds(120, 1500)):
        text = random_system(random.Random(seed), 1 + seed % 3)
        core = to_core(text)
        result = explore(core.system, Budget(states=3000))
        if result.reason:
            continue
        names = tuple(p.name for p in text.properties)
        assert sliced(core, names) == explored(core.system).of(names), seed


def test_threads_that_follow_one_another_are_not_foreign() -> None:
    """What a probe does before the clients start needs no lock, and is one step."""
    probe = [Do({"x": TRUE}), Do({"y": X}), Do({"x": Y})]
    ended = eq(var("probe.pc", Range(0, 3)), place(3, 3))
    client = [Do({"x": not_(X)}, guard=ended), Do({"y": X}), Do(effects=(_check(Y),))]
    text = system({"x": BOOL, "y": BOOL}, {"probe": probe, "client": client})
    core = to_core(text)
    assert all(w == 0 for w in core.weights.values())
    (part,) = prepare(core, ("p",)).slices
    assert [len(a.parts) for a in part.system.actions] == [3, 3]
    loose = system({"x": BOOL, "y": BOOL}, {"probe": probe, "client": [Do({"x": not_(X)}), *client[1:]]})
    assert all(w == 1 for w in to_core(loose).weights.values())


# -- locks ----------------------------------------------------------------------------------------------


def _locked(other: list[Do]) -> System:
    lock = var("lock", BOOL)
    body = [acquire(lock), Do({"x": not_(X)}), release(lock)]
    return system({"lock": BOOL, "x": BOOL}, {"a": body, "b": other})


def test_a_place_is_guarded_if_everybody_holds_the_lock() -> None:
    """One access without the lock, or a release by somebody who does not hold it, and it is not."""
    lock = var("lock", BOOL)
    well = _locked([acquire(lock), Do({"x": TRUE}), release(lock)])
    facts = core_facts(flatten(well).system)
    assert facts.valid == {"lock"}
    assert facts.of("x", "a") == facts.of("x", "b") == {"lock"}
    bare = core_facts(flatten(_locked([Do({"x": TRUE})])).system)
    assert bare.valid == {"lock"}
    assert bare.of("x", "a") == {"lock"}
    assert bare.of("x", "b") == set()
    assert core_facts(flatten(_locked([release(lock)])).system).valid == set()
    assert core_facts(flatten(_locked([Do({"lock": TRUE})])).system).valid == set()


def test_weights_are_what_others_can_notice() -> None:
    """Taking a lock and touching what others touch weigh one; guarded accesses, releases and locals
    nothing.
    """
    lock = var("lock", BOOL)
    text = system(
        {"lock": BOOL, "x": BOOL, "y": BOOL, "a.v": BOOL},
        {
            "a": [
                acquire(lock),
                Do({"x": not_(X)}),
                release(lock),
                Do({"a.v": Y}),
                Do({"y": var("a.v", BOOL)}),
            ],
            "b": [acquire(lock), Do({"x": TRUE}), release(lock), Do({"y": TRUE}, effects=(_check(Y),))],
        },
    )
    weights = to_core(text).weights
    assert [weights[f"a.{n}"] for n in range(5)] == [1, 0, 0, 1, 1]
    assert [weights[f"b.{n}"] for n in range(4)] == [1, 0, 0, 1]
    seen = to_core(text.with_(always=(Always("p", "w", X),))).weights
    assert seen["a.1"] == 1, "an observer looks at any time"
    calm = to_core(text.with_(always=(Always("p", "w", X, not_(lock), stable=(lock,)),))).weights
    assert calm["a.1"] == 0, "this one waits for the lock"
    hardware = Action("hw", None, None, not_(X), updates={"x": TRUE})
    assert to_core(text.with_(actions=(*text.actions, hardware))).weights["a.1"] == 1


def _cells(index: Expr, lock_index: Expr) -> System:
    held, m = var("held", Map(CELL, BOOL)), var("m", Map(CELL, BOOL))
    pick = input_("i", CELL)

    def body(name: str) -> list[Do]:
        local = var(f"{name}.i", CELL)
        here, there = (local if e is None else e for e in (index, lock_index))
        lock = select(held, there)
        return [
            Do({f"{name}.i": pick}, inputs=(Input("i", CELL),)),
            Do({"held": store(held, there, TRUE)}, not_(lock), locks=(LockOp("acquire", lock),)),
            Do({"m": store(m, here, not_(select(m, here)))}),
            Do({"m": store(m, here, not_(select(m, here)))}),
            Do({"held": store(held, there, FALSE)}, locks=(LockOp("release", lock),)),
        ]

    variables = {"held": held.type, "m": m.type, "a.i": CELL, "b.i": CELL}
    return system(variables, {"a": body("a"), "b": body("b")}, always=[])


def test_each_cell_is_guarded_by_its_own_lock() -> None:
    """Although no index is known: it is the same local at the lock and at the cell."""
    core = to_core(_cells(None, None))  # type: ignore[arg-type]
    assert core.facts.valid == {f"held[{n}]" for n in range(3)}
    assert all(core.facts.of(f"m[{n}]", t) == {f"held[{n}]"} for n in range(3) for t in "ab")
    footprints = Footprints(core.system, core.facts)
    touching = [a for a in core.system.actions if a.name in ("a.2", "b.3")]
    assert touching
    assert not any(footprints.visible(a) for a in touching)


def test_another_cell_than_the_locked_one_is_not_guarded() -> None:
    """A fixed lock for any cell guards them all; a fixed cell under any lock is not guarded."""
    fixed = const(1, CELL)
    one_lock = to_core(_cells(None, fixed))  # type: ignore[arg-type]
    assert all("held[1]" in one_lock.facts.of(f"m[{n}]", "a") for n in range(3))
    one_cell = to_core(_cells(fixed, None))  # type: ignore[arg-type]
    assert one_cell.facts.of("m[1]", "a") == set()


def test_a_reassigned_index_is_another_index() -> None:
    """The lock of the old index says nothing about the cell of the new one."""
    text = _cells(None, None)  # type: ignore[arg-type]
    again = [
        Action(
            a.name,
            a.thread,
            a.at,
            a.guard,
            a.inputs,
            a.effects,
            {**a.updates, f"{a.thread}.i": const(0, CELL)},
        )
        if a.at == 2
        else a
        for a in text.actions
    ]
    facts = array_facts(flatten(text.with_(actions=tuple(again))))
    assert facts.of("m[1]", "b") == set()


def test_branches_out_of_a_locked_stretch() -> None:
    """Where two ways meet only what both hold is held."""
    lock = var("lock", BOOL)
    leave = Do(to=ite(Y, place(3, 4), place(2, 4)))
    text = system(
        {"lock": BOOL, "x": BOOL, "y": BOOL},
        {"a": [acquire(lock), leave, release(lock), Do({"x": TRUE})], "b": [acquire(lock), Do({"x": FALSE})]},
    )
    facts = core_facts(flatten(text).system)
    assert facts.of("x", "a") == set()
    assert facts.of("x", "b") == {"lock"}
