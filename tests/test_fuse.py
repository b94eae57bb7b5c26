"""Steps: what is put together, what must not be, and that lengths stay what they are in the reference
System.
"""

from __future__ import annotations

from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import DEADLOCK, ExplicitEngine, explore
from dmaverify.ir.expr import FALSE, TRUE, Expr, const, eq, input_, ite, lt, mk, ne, not_, or_, var
from dmaverify.ir.footprint import StepRule
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.system import Action, Always, Check, Input, Reached, System
from dmaverify.ir.types import BOOL, Int
from dmaverify.verdict import Word
from tests.support.compare import explored, fused
from tests.support.texts import Do, acquire, place, release, system

X, Y, Z = (var(n, BOOL) for n in "xyz")
LOCK, OTHER = var("lock", BOOL), var("other", BOOL)
BOOLS = dict.fromkeys(("x", "y", "z", "lock", "other"), BOOL)


def _check(cond: Expr, label: str = "l", path: Expr = TRUE, stop: bool = False) -> Check:
    return Check("builtin" if stop else "p", label, path, cond, stop=stop)


def _steps(text: System, rule: StepRule | None = None) -> dict[str, list[str]]:
    """The reference actions of each step, by thread."""
    core = to_core(text)
    whole = fused(core, ("p",)) if rule is None else fused(core, ("p",), rule)
    found: dict[str, list[str]] = {}
    for a in whole.actions:
        if a.thread is not None:
            found.setdefault(a.thread, []).append(" ".join(p.action for p in a.parts))
    return found


def _agree(text: System) -> None:
    core = to_core(text)
    assert explored(fused(core, ("p",)), deadlock=True) == explored(core.system, deadlock=True)


def test_a_locked_body_is_one_step_and_the_lock_vanishes() -> None:
    """Everything it touches is guarded."""
    body = [acquire(LOCK), Do({"x": not_(X)}), Do({"y": X}), release(LOCK)]
    text = system(BOOLS, {"a": body, "b": [*body, Do(effects=(_check(Y),))]})
    whole = fused(to_core(text), ("p",))
    assert [len(a.parts) for a in whole.actions] == [4, 4, 1]
    assert "lock" not in {v.name for v in whole.vars}
    _agree(text)


def test_a_second_visible_statement_starts_a_step() -> None:
    """The hardware sees the first of them; then the lock is state."""
    body = [acquire(LOCK), Do({"x": TRUE}), Do({"z": TRUE}), Do({"y": TRUE}), release(LOCK)]
    hardware = [Action(f"hw.{n}", None, None, v, updates={n: FALSE}) for n, v in (("x", X), ("y", Y))]
    other = [acquire(LOCK), Do({"z": FALSE}), release(LOCK)]
    text = system(BOOLS, {"a": body, "b": other}, hardware)
    assert _steps(text)["a"] == ["a.0 a.1 a.2", "a.3 a.4"]
    _agree(text)


def test_hardware_sees_a_secret_before_it_is_wiped() -> None:
    """As one step nobody would ever see it; as two the hardware copies it in between."""
    store_and_wipe = [Do({"x": TRUE}), Do({"x": FALSE})]
    evict = Action("evict", None, None, X, updates={"y": TRUE})
    text = system(BOOLS, {"cpu": store_and_wipe}, [evict], [Always("p", "secret", not_(Y))])
    assert _steps(text)["cpu"] == ["cpu.0", "cpu.1"]
    right = explored(fused(to_core(text), ("p",)))
    assert right.violated == {("p", "secret"): 2}
    blind = explored(fused(to_core(text), ("p",), StepRule(hardware_is_foreign=False)))
    assert blind.violated == {}


def _abba() -> System:
    one = [acquire(LOCK), acquire(OTHER), release(OTHER), release(LOCK)]
    two = [acquire(OTHER), acquire(LOCK), release(LOCK), release(OTHER)]
    return system(BOOLS, {"a": one, "b": two}, properties=("p", DEADLOCK))


def test_two_locks_in_two_orders_deadlock() -> None:
    """A nested acquire starts a step, or this deadlock would be gone."""
    assert _steps(_abba())["a"] == ["a.0", "a.1 a.2 a.3"]
    whole = fused(to_core(_abba()), ("p",))
    (outcome,) = ExplicitEngine().run(whole, (DEADLOCK,), Budget())
    assert outcome.word is Word.VIOLATED
    assert outcome.trace is not None
    assert [s.action for s in outcome.trace.steps] == ["a.0", "b.0"]
    wrong = fused(to_core(_abba()), ("p",), StepRule(acquire_first=False))
    assert explore(wrong, Budget(), deadlock=True).deadlock is None


def test_nothing_visible_follows_a_release() -> None:
    """Between the two another thread may take the lock."""
    body = [acquire(LOCK), Do({"x": TRUE}), release(LOCK), Do({"y": TRUE})]
    watch = [
        acquire(LOCK),
        Do({"b.v": X}),
        release(LOCK),
        Do(effects=(_check(or_(not_(var("b.v", BOOL)), Y)),)),
    ]
    text = system({**BOOLS, "b.v": BOOL}, {"a": body, "b": watch})
    assert _steps(text)["a"] == ["a.0 a.1 a.2", "a.3"]
    assert explored(fused(to_core(text), ("p",))).violated == {("p", "l"): 3}
    wrong = StepRule(nothing_after_release=False)
    assert _steps(text, wrong)["a"] == ["a.0 a.1 a.2 a.3"]
    assert explored(fused(to_core(text), ("p",), wrong)).violated == {}


def test_what_may_wait_starts_a_step() -> None:
    """A guard, and an input that the guard restricts; a guard that the path implies is no obstacle."""
    i = input_("i", Int(2))
    v = var("a.v", Int(2))
    wait = Do(guard=X)
    restricted = Do({"a.v": i}, lt(i, const(2, i.type)), inputs=(Input("i", i.type),))
    free = Do({"a.v": i}, inputs=(Input("i", i.type),))
    after = [Do({"x": eq(v, const(3, v.type))})]
    for middle, steps in (
        (wait, ["a.0", "a.1", "a.2"]),
        (restricted, ["a.0", "a.1 a.2"]),
        (free, ["a.0 a.1 a.2"]),
        (Do(guard=TRUE), ["a.0 a.1 a.2"]),
    ):
        text = system({**BOOLS, "a.v": Int(2)}, {"a": [Do({"z": TRUE}), middle, *after], "b": [Do({"x": TRUE})]})
        assert _steps(text)["a"] == steps
        _agree(text)


def test_branches_are_merged_and_their_inputs_renamed() -> None:
    """One action for the whole diamond; an input that is not asked for has one value."""
    i, v = input_("i", Int(2)), var("a.v", Int(2))
    body = [
        Do({"a.v": i}, inputs=(Input("i", i.type),), to=ite(Y, place(1, 4), place(2, 4))),
        Do(
            {"a.v": mk("add", (v, i))},
            inputs=(Input("i", i.type),),
            effects=(Reached("p.left", TRUE),),
            to=place(3, 4),
        ),
        Do({"a.v": const(0, i.type)}),
        Do({"x": eq(v, const(3, v.type))}, effects=(_check(ne(v, const(2, v.type))),)),
    ]
    text = system({**BOOLS, "a.v": Int(2)}, {"a": body, "b": [Do({"y": TRUE}), Do({"z": X})]})
    assert _steps(text)["a"] == ["a.0 a.1 a.2", "a.3"], "what decides the branch is visible"
    calm = text.with_(actions=tuple(a for a in text.actions if a.name != "b.0"))
    calm = calm.with_(vars=tuple(v if v.name != "y" else _open(v) for v in calm.vars))
    (step,) = [a for a in fused(to_core(calm), ("p",)).actions if a.thread == "a"]
    assert [p.action for p in step.parts] == ["a.0", "a.1", "a.2", "a.3"]
    assert [i.name for i in step.inputs] == ["i", "i@1"]
    _agree(text)
    _agree(calm)


def _open(v: object) -> object:
    from dataclasses import replace

    return replace(v, any_init=True, init=None)  # type: ignore[type-var]


def test_a_back_edge_ends_a_step() -> None:
    """Or a loop would never stop being composed."""
    v = var("a.v", Int(2))
    count = Do({"a.v": mk("add", (v, const(1, v.type)))})
    loop = Do(to=ite(eq(v, const(3, v.type)), place(2, 3), place(0, 3)))
    text = system({**BOOLS, "a.v": Int(2)}, {"a": [count, loop, Do({"x": TRUE})], "b": [Do(effects=(_check(X),))]})
    assert _steps(text)["a"] == ["a.0 a.1 a.2"]
    assert explored(fused(to_core(text), ("p",))).violated == {("p", "l"): 1}
    _agree(text)


def test_a_check_that_ends_the_path_hides_nothing() -> None:
    """What was visible before it was seen by others; so it starts a step. Effects behind it do not happen."""
    body = [
        Do({"x": TRUE}),
        Do(effects=(_check(FALSE, "null", stop=True),)),
        Do(effects=(_check(FALSE, "behind"),)),
    ]
    text = system(BOOLS, {"a": body, "b": [Do(effects=(_check(not_(X)),))]}, properties=("p", "builtin"))
    assert _steps(text)["a"] == ["a.0", "a.1 a.2"]
    found = explored(fused(to_core(text), ("p", "builtin")))
    assert set(found.violated) == {("p", "l"), ("builtin", "null")}
    _agree(text)


def test_a_trace_ends_with_the_part_that_fails() -> None:
    """A check in the middle of a step costs what leads to it, and no more."""
    body = [acquire(LOCK), Do(effects=(_check(FALSE),)), Do({"x": TRUE}), release(LOCK)]
    text = system(
        BOOLS,
        {"a": body, "b": [acquire(LOCK), Do({"z": X}), release(LOCK)]},
        [Action("hw", None, None, X, updates={"y": TRUE})],
    )
    assert _steps(text)["a"] == ["a.0 a.1 a.2 a.3"]
    (outcome,) = ExplicitEngine().run(fused(to_core(text), ("p",)), ("p",), Budget())
    assert outcome.trace is not None
    assert [s.action for s in outcome.trace.steps] == ["a.0", "a.1"]
    assert outcome.trace.length == 1
    _agree(text)


def test_late_parts_are_charged_when_their_thread_goes_on() -> None:
    """In this slice nobody looks at y; in the System somebody does, so writing it weighs one."""
    body = [Do({"x": TRUE}), Do({"y": TRUE}), Do({"z": TRUE})]
    watch = [Do(effects=(_check(not_(X), "x"),)), Do(effects=(_check(or_(not_(X), not_(Z)), "z"),))]
    hardware = [Action("hw", None, None, Y, updates={"y": FALSE})]
    text = system(BOOLS, {"a": body, "b": watch}, hardware)
    core = to_core(text)
    (part,) = prepare(core, ("p",)).slices
    steps = [a for a in part.system.actions if a.thread == "a"]
    assert [[(p.action, p.late) for p in a.parts] for a in steps] == [
        [("a.0", False), ("a.1", True)],
        [("a.2", False)],
    ]
    found = explored(part.system)
    assert found.violated == {("p", "x"): 2, ("p", "z"): 5} == explored(core.system).violated
    result = explore(part.system, Budget())
    by_label = {t.label: t for t in result.compiled.targets}
    short, long = (result.trace(result.found["violated", "p", n], by_label[n]) for n in "xz")
    assert [s.action for s in short.steps] == ["a.0", "b.0"]
    assert [s.action for s in long.steps] in (
        ["a.0", "a.1", "a.2", "b.0", "b.1"],
        ["a.0", "b.0", "a.1", "a.2", "b.1"],
    )


def test_ways_that_would_leave_different_weights_are_cut() -> None:
    """A control point where one way leaves something to be charged and another nothing is reached without
    it.
    """
    body = [
        Do({"x": TRUE}, to=ite(Z, place(2, 3), place(1, 3))),
        Do({"y": TRUE}),
        Do(guard=X, effects=(_check(FALSE),)),
    ]
    hardware = [
        Action("hw", None, None, Y, updates={"y": FALSE}),
        Action("flip", None, None, X, updates={"x": FALSE}),
    ]
    text = system({**BOOLS}, {"a": body}, hardware)
    text = text.with_(vars=tuple(_open(v) if v.name == "z" else v for v in text.vars))
    core = to_core(text)
    (part,) = prepare(core, ("p",)).slices
    assert not any(p.late for a in part.system.actions for p in a.parts)
    assert explored(part.system).violated == explored(core.system).violated == {("p", "l"): 2}


def test_stop_short_of_the_limit() -> None:
    """A step that would be too long is cut, and nothing changes."""
    from dmaverify.ir import fuse

    v = var("a.v", Int(8))
    body = [Do({"a.v": mk("add", (v, const(1, v.type)))}) for _ in range(100)] + [Do({"x": eq(v, const(100, v.type))})]
    text = system({**BOOLS, "a.v": Int(8)}, {"a": body, "b": [Do(effects=(_check(not_(X)),))]})
    core = to_core(text)
    whole = fuse.fuse(core.system)
    assert [len(a.parts) for a in whole.actions if a.thread == "a"] == [
        fuse.MOST_PARTS,
        101 - fuse.MOST_PARTS,
    ]
    assert explored(whole).violated == explored(core.system).violated == {("p", "l"): 2}
