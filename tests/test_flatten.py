"""Flatten: core Systems do what the full ones do, and every value finds its way back."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import explore
from dmaverify.engines.interp import Interpreter
from dmaverify.engines.replay import replay
from dmaverify.ir import encoding
from dmaverify.ir.evaluate import Evaluator
from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    U32,
    const,
    eq,
    input_,
    le,
    lt,
    mk,
    null,
    select,
    some,
    store,
    var,
)
from dmaverify.ir.flatten import MOST_INSTANCES, flatten
from dmaverify.ir.pipeline import to_core
from dmaverify.ir.solve import NoValuesError, satisfy
from dmaverify.ir.system import Action, Input, Kind, Part, System, Var
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import BOOL, Bool, Enum, Flags, Index, Int, Map, Mask, Opt, Range, Record, Type
from dmaverify.verdict import Step, Trace
from tests.support.compare import explored, findings, naively
from tests.support.naive_search import search
from tests.support.random_expr import random_value
from tests.support.random_system import random_system

PAGE = Index("Page", 3)
COLOR = Enum("Color", ("red", "green", "blue"))
ATTR = Flags("Attr", ("a", "b"))
PAIR = Record("Pair", (("at", PAGE), ("size", Int(8, True))))
TYPES: tuple[Type, ...] = (
    BOOL,
    Int(1),
    Int(7, True),
    Range(-3, 2),
    COLOR,
    ATTR,
    PAGE,
    Opt(PAGE),
    Opt(PAIR),
    Map(PAGE, Opt(Range(5, 9))),
    Map(BOOL, PAIR),
    Mask(PAGE),
    Record("Deep", (("m", Map(COLOR, Opt(PAIR))), ("b", BOOL))),
)


@pytest.mark.parametrize("t", TYPES, ids=str)
def test_values_come_back(t: Type) -> None:
    """Leaves and packed codes stand for exactly one value; the default is all zero."""
    rng = random.Random(5)
    leaves = list(encoding.leaves(t, "v"))
    assert len({name for name, _ in leaves}) == len(leaves)
    assert sum(encoding.core_type(leaf).bits for _, leaf in leaves) == t.bits
    assert not any(encoding.encode(t.default, t))
    for _ in range(50):
        value = random_value(rng, t)
        codes = list(encoding.encode(value, t))
        assert encoding.decode(t, iter(codes)) == value
        packed = Evaluator(lambda n: n.data)(encoding.pack(encoding.const_tree(value, t), t))
        assert encoding.unpack(packed, t) == value


def test_names_of_leaves() -> None:
    """Cells, fields and presence are told apart by name, enum cells by their member."""
    names = [n for n, _ in encoding.leaves(Map(COLOR, Opt(PAIR)), "v")]
    assert names[:3] == ["v[red]?", "v[red].at", "v[red].size"]
    assert [n for n, _ in encoding.leaves(Map(Range(-1, 0), BOOL), "v")] == ["v[-1]", "v[0]"]


def test_a_clash_of_names_is_resolved() -> None:
    """A variable that is called like a leaf of another one stays another one."""
    system = System("s", (Var("v", Opt(BOOL), None), Var("v?", BOOL, True)), ())
    flat = flatten(system)
    assert len({v.name for v in flat.system.vars}) == 3
    assert flat.decode_state({v.name: v.init for v in flat.system.vars}) == {"v": None, "v?": True}


def test_core_is_core() -> None:
    """Only Bool and Int are left, and only operators on them."""
    allowed = {"const", "var", "input", "not", "and", "or", "eq", "ite", "lt", "le", "wrap", "add", "sub"}
    allowed |= {"mul", "div", "rem", "shl", "shr", "band", "bor", "bxor", "neg", "bnot", "bitlen", "popcount"}
    for seed in range(40):
        core = flatten(random_system(random.Random(seed), 2)).system
        for node in walk(*core.exprs()):
            assert isinstance(node.type, Bool | Int), node
            assert node.op in allowed, node
        assert all(isinstance(v.type, Bool | Int) for v in core.vars)


def _family(values: tuple[int, ...] | None = None) -> System:
    m = var("m", Map(PAGE, BOOL))
    i, n = input_("i", PAGE), input_("n", Range(0, 2))
    take = Action(
        "take",
        None,
        None,
        le(n, const(1, n.type)),
        (Input("i", PAGE, values), Input("n", n.type)),
        updates={"m": store(m, i, TRUE), "n": n},
    )
    return System("s", (Var("m", m.type, (False,) * 3), Var("n", n.type, 0)), (take,))


def test_an_index_that_chooses_a_cell_makes_a_family() -> None:
    """One core action for each value; the other input stays, and each part says what the inputs were."""
    core = flatten(_family((0, 2))).system
    assert [a.name for a in core.actions] == ["take{i=0}", "take{i=2}"]
    last = core.actions[1]
    assert set(last.updates) == {"m[2]", "n"}
    assert [i.name for i in last.inputs] == ["n"]
    code = input_("n", Int(2))
    assert last.parts == (Part("take", TRUE, (("i", const(2, Int(2))), ("n", code))),)
    assert last.inputs[0].values == (0, 1, 2), "the code 3 is no value"


def test_a_family_that_is_too_large_keeps_its_input() -> None:
    """Then the cell is chosen by a cascade."""
    wide = Index("Wide", MOST_INSTANCES + 1)
    mask = var("s", Mask(Index("Wide", MOST_INSTANCES + 1)))
    a = Action("a", None, None, inputs=(Input("i", wide),), updates={"s": mk("insert", (mask, input_("i", wide)))})
    core = flatten(System("s", (Var("s", mask.type, 0),), (a,))).system
    assert [x.name for x in core.actions] == ["a"]
    assert core.actions[0].inputs[0].type == Int(13)
    assert core.actions[0].guard is not TRUE, "codes beyond the last value are excluded"


def test_inputs_of_composite_types() -> None:
    """With a list of values: a number that chooses one. Without: one core input for each leaf."""
    listed = Input("i", Opt(PAGE), (None, 2))
    free = Input("j", Opt(PAGE))
    updates = {"x": input_("i", Opt(PAGE)), "y": input_("j", Opt(PAGE))}
    a = Action("a", None, None, inputs=(listed, free), updates=updates)
    system = System("s", (Var("x", Opt(PAGE), None), Var("y", Opt(PAGE), None)), (a,))
    flat = flatten(system)
    result = explore(flat.system, Budget())
    assert result.complete
    reached = {tuple(flat.decode_state(result.compiled.packing.unpack(s)).values()) for s in result.queue.cost}
    assert reached == {(x, y) for x in (None, 2) for y in (None, 0, 1, 2)}
    step = flat.decode_step(Step("a", (("i", 0b101), ("j", 0))))
    assert dict(step.inputs) == {"i": 2, "j": None}


def test_states_agree_with_the_interpreter(rounds: Callable[[int, int], int]) -> None:
    """Walks of the full System and of the core one go through the same states, both ways."""
    for seed in range(rounds(60, 600)):
        rng = random.Random(seed)
        system = random_system(rng, 2)
        flat = flatten(system)
        full, core = Interpreter(system), Interpreter(flat.system)
        try:
            state = next(full.initial_states())
        except StopIteration:
            continue
        by_part: dict[str, list[Action]] = {}
        for a in flat.system.actions:
            by_part.setdefault(a.parts[0].action, []).append(a)
        for _ in range(12):
            coded = flat.encode_state(dict(zip((v.name for v in system.vars), state, strict=True)))
            assert flat.decode_state(coded) == dict(zip((v.name for v in system.vars), state, strict=True))
            packed = tuple(coded[v.name] for v in flat.system.vars)
            for holds in flat.system.domain:
                assert core.evaluate(holds, packed)
            wanted = {(a.name, full.step(state, a, g).state) for a, g in full.enabled(state)}
            got = set()
            for a, g in core.enabled(packed):
                after = dict(zip((v.name for v in flat.system.vars), core.step(packed, a, g).state, strict=True))
                got.add((a.parts[0].action, tuple(flat.decode_state(after).values())))
            assert got == wanted, seed
            if not wanted:
                break
            state = rng.choice(sorted(wanted, key=repr))[1]


def test_searches_agree(rounds: Callable[[int, int], int]) -> None:
    """The interpreter on the full System and generated code on the simplified core one find the same."""
    for seed in range(rounds(60, 800)):
        system = random_system(random.Random(seed), 1 + seed % 3)
        core = to_core(system)
        result = explore(core.system, Budget(states=700), deadlock=True)
        if result.reason:
            continue
        found = naively(search(system, lambda a, w=core.weights: w.get(a.name, 0)))  # type: ignore[misc]
        mine = findings(result)
        # a label that can never be put to the test may be gone
        assert mine.exercised == found.exercised, seed
        assert replace(mine, exercised=set()) == replace(found, exercised=set()), seed


def test_constants_are_folded_and_unreachable_places_dropped() -> None:
    """A variable that keeps its value goes, and with it what depends on another one."""
    x, y = var("x", Int(4)), var("y", Int(4))
    never = Action("never", None, None, eq(x, const(3, x.type)), updates={"y": const(9, y.type)})
    same = Action("same", None, None, lt(y, const(2, y.type)), updates={"x": const(1, x.type), "z": TRUE})
    system = System("s", (Var("x", x.type, 1), Var("y", y.type, 0), Var("z", BOOL, False)), (never, same))
    core = to_core(system)
    assert [v.name for v in core.system.vars] == ["z"]
    assert [a.name for a in core.system.actions] == ["same"]
    assert core.flat.folded == {"x": 1, "y": 0}
    assert core.flat.decode_state({"z": True}) == {"x": 1, "y": 0, "z": True}


def test_a_local_is_constant_where_it_is_read() -> None:
    """The argument of an inlined call is folded although the variable is not constant everywhere."""
    pc, local, m = Range(0, 2), var("t.i", PAGE), var("m", Map(PAGE, BOOL))
    from dmaverify.ir.system import Thread

    actions = (
        Action("set", "t", 0, updates={"t.i": const(2, PAGE), "t.pc": const(1, pc)}),
        Action(
            "use",
            "t",
            1,
            updates={"m": store(m, local, mk("not", (select(m, local),))), "t.pc": const(0, pc)},
        ),
    )
    system = System(
        "s",
        (
            Var("t.i", PAGE, 0, Kind.LOCAL, "t"),
            Var("m", m.type, (False,) * 3),
            Var("t.pc", pc, 0, Kind.PC, "t"),
        ),
        actions,
        (Thread("t", "t.pc", "t"),),
    )
    core = to_core(system).system
    assert [v.name for v in core.vars] == ["m[2]", "t.pc"]
    assert len(explore(core, Budget()).queue.cost) == 4


def test_dead_locals_are_zeroed() -> None:
    """What a local held makes no difference once nobody will read it."""
    from tests.support.texts import Do
    from tests.support.texts import system as text

    local = var("t.v", Int(4))
    choose = Do({"t.v": input_("v", Int(4))}, inputs=(Input("v", Int(4)),))
    use = Do({"x": lt(local, const(3, local.type))})
    core = to_core(text({"x": BOOL, "t.v": Int(4)}, {"t": [choose, use, Do({"x": FALSE})]})).system
    # 1 before, 16 after the choice, 2 after its use, 1 at the end
    assert len(explore(core, Budget()).queue.cost) == 20


def test_open_values_of_sliced_variables_are_completed() -> None:
    """A trace gets values for what its slice does not have, such that the assumptions hold."""
    a, b = var("a", Range(2, 9)), var("b", Range(2, 9))
    open_vars = tuple(Var(n, Range(2, 9), None, Kind.PARAM, any_init=True) for n in "ab")
    system = System("s", open_vars, (), assumptions=(lt(a, b), le(const(4, b.type), a)))
    flat = flatten(system)
    trace = flat.decode_trace(Trace((), (), "p", "p", 0, True, False))
    assert Interpreter(system).initial_state(dict(trace.initial))
    with pytest.raises(NoValuesError):
        satisfy(
            (FALSE, eq(var("a", Int(3)), const(7, Int(3))), lt(var("a", Int(3)), const(7, Int(3)))),
            {},
            [Var("a", Int(3), None, any_init=True)],
        )


def test_traces_replay_in_the_full_system(rounds: Callable[[int, int], int]) -> None:
    """Every trace that a search finds does in the reference System what it claims, at the length it
    claims.
    """
    shown = 0
    for seed in range(rounds(60, 600)):
        system = random_system(random.Random(seed), 1 + seed % 3)
        core = to_core(system)
        weights = core.weights
        reference = system.with_(actions=tuple(replace(a, weight=const(weights.get(a.name, 0), U32)) for a in system.actions))
        result = explore(core.system, Budget(states=2000))
        for (kind, prop, label), found in result.found.items():
            n = found.hit.target if found.hit else _observed(result.compiled.targets, prop, label)
            trace = core.flat.decode_trace(result.trace(found, result.compiled.targets[n]))
            replayed = replay(reference, trace)
            assert replayed.length == trace.length == found.cost
            assert (replayed.failed is not None) == (kind == "violated")
            shown += 1
    assert shown > 50


def _observed(targets: list, prop: str, label: str) -> int:  # type: ignore[type-arg]
    return next(n for n, t in enumerate(targets) if (t.prop, t.label) == (prop, label))


def test_wrong_wiring_is_noticed() -> None:
    """The comparison with the interpreter can fail: with one update dropped it does."""
    system = _family()
    core = to_core(system).system
    broken = core.with_(actions=tuple(replace(a, updates={}) for a in core.actions))
    assert len(explore(broken, Budget()).queue.cost) != search(system).states
    assert explored(broken).violated == {}


def test_null_in_a_record() -> None:
    """Nulls below the top level are told from zero values."""
    r = Record("R", (("o", Opt(Range(0, 1))), ("n", Int(2))))
    v = var("v", r)
    put = Action("put", None, None, updates={"v": mk("with", (v, some(const(0, Range(0, 1)))), data="o")})
    take = Action("take", None, None, updates={"v": mk("with", (v, null(Range(0, 1))), data="o")})
    system = System("s", (Var("v", r, (None, 0)),), (put, take))
    assert len(explore(flatten(system).system, Budget()).queue.cost) == 2
