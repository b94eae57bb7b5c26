"""Search modulo symmetry: fewer states, the same answers; and nothing is taken for symmetric that is not."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

import dmaverify
from dmaverify.checking.frontend import load, load_all, outline
from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import ExplicitEngine, PythonExploration, explore
from dmaverify.engines.exploration import DEADLOCK, Exploration
from dmaverify.engines.replay import replay
from dmaverify.engines.successors import Compiled, Target
from dmaverify.engines.symmetric import Reduction
from dmaverify.export.choose import chosen
from dmaverify.ir.expr import TRUE, U32, and_, const, not_, var
from dmaverify.ir.pipeline import Core, prepare, to_core
from dmaverify.ir.symmetry import Checker, Elements, Few, Stage, Symmetry, find, holds, swap
from dmaverify.ir.system import Action, Always, Part, System, Var
from dmaverify.ir.types import BOOL
from dmaverify.report.words import long_word
from dmaverify.verdict import Word
from tests.support.compare import explored
from tests.support.random_system import random_system
from tests.support.symmetric_systems import nested, one_of_many, table
from tests.support.texts import Do, acquire, release
from tests.support.texts import system as written
from tests.support.yardstick import STATES, allocator

ROOT = Path(__file__).resolve().parent.parent
AC = ROOT / "bench" / "ac.dma"
BOARD = ROOT / "models" / "boards"

CLASSES = {(6, 2): 62_049, (6, 4): 144_949, (7, 4): 968_339}
"""States of AC(P, K) with slots in ascending order, by enumeration in closed form."""

MOST = 3000
"""States of a random System that is looked at."""


def natively(compiled: Compiled, canonical: Reduction, deadlock: bool = False, threads: int = 1) -> Exploration:
    """The native search modulo symmetry."""
    from dmaverify.engines.native.engine import explore_natively

    return explore_natively(
        compiled, Budget(), deadlock=deadlock, thorough=True, name="explicit", threads=threads, canonical=canonical
    )


def searches(system: System, symmetry: Symmetry, deadlock: bool = False) -> list[Exploration]:
    """The same search modulo symmetry, by Python and by native code."""
    found: list[Exploration] = [
        explore(system, Budget(), deadlock=deadlock, canonical=Reduction(Compiled(system), symmetry))
    ]
    if find_spec("llvmlite") is not None:
        compiled = Compiled(system)
        found += [natively(compiled, Reduction(compiled, symmetry), deadlock, n) for n in (1, 2)]
    return found


def agrees(whole: PythonExploration, system: System, symmetry: Symmetry, deadlock: bool = True, core: Core | None = None) -> None:
    """Searches modulo symmetry say what the whole search says, by way of one state for each class; their traces are real."""
    canonical = Reduction(Compiled(system), symmetry)
    for state in list(whole.queue.cost)[:100]:
        for g in symmetry.generators():
            assert canonical(moved(state, g, canonical.compiled)) == canonical(state)
    classes = {canonical(s) for s, cost in whole.queue.cost.items() if cost <= whole.depth}
    for result in searches(system, symmetry, deadlock):
        try:
            assert result.states == len(classes)
            assert up_to_labels(result, symmetry) == up_to_labels(whole, symmetry)
            assert (result.dead and result.dead.cost) == (whole.dead and whole.dead.cost)
            assert result.exercised == whole.exercised
            for n, target in enumerate(result.compiled.targets):
                found = result.found.get(("violated" if target.kind in ("check", "always") else "reached", target.prop, target.label))
                if found is not None and (found.hit is None or found.hit[0] == n):
                    is_real(result, core, target, found.cost)
            if result.dead is not None:
                is_real(result, core, Target("deadlock", DEADLOCK, DEADLOCK), result.dead.cost)
        finally:
            result.close()


def moved(state: int, renaming: dict[str, str], compiled: Compiled) -> int:
    """What a permutation makes of a state."""
    packing = compiled.packing
    values = packing.unpack(state)
    return packing.pack({renaming.get(name, name): value for name, value in values.items()})


def up_to_labels(result: Exploration, symmetry: Symmetry) -> dict[tuple[object, ...], int]:
    """Lengths of what was found, labels that are exchanged for one another taken for one."""
    lengths: dict[tuple[object, ...], int] = {}
    for (kind, prop, label), found in result.found.items():
        key = kind, symmetry.alike.get((prop, label), (prop, label))
        lengths[key] = min(found.cost, lengths.get(key, found.cost))
    return lengths


def is_real(result: Exploration, core: Core | None, target: Target, length: int) -> None:
    """The trace to a target is a run of the reference System that ends where it says, and has the length that was counted."""
    kind = "violated" if target.kind in ("check", "always") else "reached"
    found = result.dead if target.kind == "deadlock" else result.found[kind, target.prop, target.label]
    assert found is not None
    trace = result.trace(found, target)
    assert trace.length == length
    if core is not None:
        done = replay(core.flat.full, core.flat.decode_trace(trace))
        if kind == "violated" and target.kind != "deadlock":
            assert done.failed is not None and done.failed.prop == target.prop


# -- random systems -------------------------------------------------------------------------------------


def threads_of_one_text(count: int, seed: int) -> Iterator[tuple[System, Core, int]]:
    """Random threads that can move, two or three times each, fused and not."""
    rng = random.Random(seed)
    for number in range(count):
        text = one_of_many(random_system(rng, 1 + number % 2), rng, 2 + number % 2)
        core = to_core(text)
        properties = tuple(p.name for p in text.properties)
        system = prepare(core, properties, slice=False, fuse=number % 2 == 0).slices[0].system
        if any(a.thread is not None and a.thread.endswith("'1") for a in system.actions):
            yield system, core, 2 + number % 2


def test_threads_of_one_text(rounds: Callable[[int, int], int]) -> None:
    """Are exchanged at will: the same verdicts, lengths and deadlocks, and what was exercised."""
    for system, core, count in threads_of_one_text(rounds(20, 1500), 11):
        symmetry = find(system)
        assert symmetry is not None and symmetry.order % math.factorial(count) == 0
        whole = explore(system, Budget(states=MOST), deadlock=True)
        if not whole.reason:
            agrees(whole, system, symmetry, core=core)


def test_one_thread_does_something_else(rounds: Callable[[int, int], int]) -> None:
    """A group does not hold for a System in which one copy differs, be it only in a weight or an initial value."""
    rng = random.Random(12)
    for system, _, _ in threads_of_one_text(rounds(30, 1000), 13):
        symmetry = find(system)
        assert symmetry is not None and holds(system, symmetry)
        stage = next(s for s in symmetry.stages if isinstance(s, Elements) and any(".pc" in n for n in s.columns[0]))
        mutant = mutated(system, rng, stage)
        assert not holds(mutant, symmetry)
        again = find(mutant)
        assert again is None or holds(mutant, again)


def mutated(system: System, rng: random.Random, stage: Elements) -> System:
    """The System with something different about the last of some exchangeable threads."""
    last = next(t for t in system.threads if t.pc in stage.columns[-1])
    pc = system.var(last.pc)
    actions = list(system.actions)
    n = rng.choice([n for n, a in enumerate(actions) if a.thread == last.name])
    a = actions[n]
    extra = var("extra", BOOL)
    match rng.randrange(6):
        case 0:
            return system.with_(vars=tuple(replace(v, init=1) if v is pc else v for v in system.vars))
        case 1:
            threads = tuple(replace(t, ends=t.ends ^ {0}) if t is last else t for t in system.threads)
            return system.with_(threads=threads)
        case 2:
            actions[n] = replace(a, guard=and_(a.guard, extra))
        case 3:
            actions[n] = replace(a, weight=const(7, U32))
        case 4:
            actions[n] = replace(a, updates={**a.updates, "extra": TRUE})
        case 5:
            del actions[n]
            return system.with_(actions=tuple(actions))
    return system.with_(vars=(*system.vars, Var("extra", BOOL, False)), actions=tuple(actions))


# -- groups of every shape ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "order", "kind"),
    [
        pytest.param(table(3), 6, Few, id="table of 3"),
        pytest.param(table(4), 24, Few, id="table of 4"),
        pytest.param(nested(2, 2), 8, Elements, id="2 with 2 each"),
        pytest.param(nested(3, 2), 48, Elements, id="3 with 2 each"),
        pytest.param(nested(2, 3), 72, Elements, id="2 with 3 each"),
    ],
)
def test_groups(system: System, order: int, kind: type[Stage]) -> None:
    """Pairs of elements, and elements that hold elements: the whole group is found, and what stands for a state is unique."""
    symmetry = find(system)
    assert symmetry is not None and symmetry.order == order and all(isinstance(s, kind) for s in symmetry.stages)
    agrees(explore(system, Budget()), system, symmetry, deadlock=False)


def test_too_many_permutations_for_one_by_one() -> None:
    """A part of the group is used."""
    system = table(5)
    symmetry = find(system)
    assert symmetry is not None and 1 < symmetry.order < 120 and holds(system, symmetry)


def test_variables_that_are_always_equal() -> None:
    """To exchange them changes no state, so they are left alone; not so if they can differ, from the beginning or later."""

    def both(initial: Var, *more: Action) -> System:
        flip = Action("flip", None, None, updates={"a": not_(var("a", BOOL)), "b": not_(var("b", BOOL))}, parts=(Part("flip", TRUE),))
        return System("both", (replace(initial, name="a"), replace(initial, name="b")), (flip, *more))

    closed, open_ = Var("", BOOL, False), Var("", BOOL, None, any_init=True)
    alone = [Action(f"set.{n}", None, None, updates={n: TRUE}, parts=(Part(f"set.{n}", TRUE),)) for n in "ab"]
    assert find(both(closed)) is None
    for system in (both(open_), both(closed, *alone)):
        symmetry = find(system)
        assert symmetry is not None and symmetry.order == 2


@pytest.mark.parametrize("padding", [0, 1, 3])
def test_states_of_several_words(padding: int) -> None:
    """Slots of an allocator, found by a violation as well."""
    for forgetful in (False, True):
        system = allocator(3, 3, forgetful, padding)
        symmetry = find(system)
        assert symmetry is not None and symmetry.order == 6
        agrees(explore(system, Budget()), system, symmetry, deadlock=False)


# -- the allocator that every figure is about -------------------------------------------------------------


def allocator_of(pages: int, slots: int) -> System:
    """AC(P, K) as it is shipped, unsliced."""
    model = load(str(AC), None, {"pages": str(pages), "slots": str(slots)})
    return chosen(model.system, ("sound",), slice=False).system


def test_pages_under_first_fit_are_refused() -> None:
    """Slots may be exchanged, pages may not: a hole of two pages is not the same wherever it is."""
    system = allocator_of(4, 3)
    symmetry = find(system)
    assert symmetry is not None
    (slots,) = symmetry.stages
    assert isinstance(slots, Elements)
    assert slots.columns == tuple((f"held[{n}]", f"start[{n}]") for n in range(3))
    checker = Checker(system)
    assert checker.holds(swap(("held[0]", "start[0]"), ("held[1]", "start[1]")))
    assert not checker.holds(swap(("held[0]",), ("held[1]",)))
    assert not checker.holds(swap(("held[0]", "start[0]"), ("held[1]", "start[2]")))
    of_page = [tuple(f"{name}[{p}]" for name in ("line", "zeroed", "uncached")) for p in range(4)]
    assert not any(checker.holds(swap(of_page[p], of_page[q])) for p in range(4) for q in range(p))


@pytest.mark.parametrize("size", [(6, 2), (6, 4), (7, 4)])
def test_known_numbers(size: tuple[int, int]) -> None:
    """As many classes as there are multisets of slots."""
    pytest.importorskip("llvmlite")
    system = allocator_of(*size)
    symmetry = find(system)
    assert symmetry is not None and symmetry.order == math.factorial(size[1])
    compiled = Compiled(system)
    result = natively(compiled, Reduction(compiled, symmetry), threads=2)
    assert (result.states, result.complete, result.found) == (CLASSES[size], True, {})
    result.close()


def test_the_option() -> None:
    """A report says that states are counted modulo symmetry; ``symmetry=False`` has all of them."""
    pytest.importorskip("llvmlite")
    for symmetry, states, words in ((True, CLASSES[6, 2], "62,049 states modulo symmetry"), (False, STATES[6, 2], "108,473 states")):
        report = dmaverify.check(
            AC, variant="base", params={"slots": 2}, engine="explicit", slice=False, symmetry=symmetry, jobs=1
        )
        ((_, _, verdict),) = [found for found in report.outcomes() if found[2].name == "sound"]
        assert (verdict.states, verdict.symmetric, long_word(verdict)) == (states, symmetry, f"exhausted ({words})")


@pytest.mark.parametrize("symmetry", [True, False])
def test_the_option_is_heard_by_the_short_search_before_slicing(symmetry: bool) -> None:
    """AC(4,2) is small modulo symmetry, and only then."""
    report = dmaverify.check(AC, variant="base", params={"pages": 4, "slots": 2}, symmetry=symmetry, jobs=1)
    ((_, _, verdict),) = [found for found in report.outcomes() if found[2].name == "sound"]
    assert (verdict.word, verdict.symmetric) == (Word.EXHAUSTED, symmetry)


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("forgetful", [True, False])
def test_the_engine(native: bool, forgetful: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches modulo symmetry what is not small, in Python if need be, and says the same as without."""
    if native:
        pytest.importorskip("llvmlite")
    else:
        monkeypatch.setattr("dmaverify.engines.native.engine.find_spec", lambda name: None)
    monkeypatch.setattr("dmaverify.engines.explicit.CHECK_EVERY", 1)
    system = allocator(3, 3, forgetful)
    with_, without = (ExplicitEngine(few=5, symmetry=s).run(system, ("apart", "clean"), Budget()) for s in (True, False))
    for a, b in zip(with_, without, strict=True):
        assert (a.word, a.trace and a.trace.length) == (b.word, b.trace and b.trace.length)
        assert (a.exercised, a.covers) == (b.exercised, b.covers)
        assert a.symmetric and not b.symmetric
        assert bool(a.warnings) is not native
        assert a.states < b.states
    assert (with_[1].word is Word.VIOLATED) is forgetful
    assert ExplicitEngine(few=100_000).run(system, ("apart",), Budget())[0].symmetric is False  # it is small
    assert ExplicitEngine().run(system, ("apart",), Budget())[0].symmetric  # symmetry is looked for before native code is made


def test_checkpoints(tmp_path: Path) -> None:
    """A search modulo symmetry goes on where it was; one without begins from the beginning."""
    pytest.importorskip("llvmlite")
    system = allocator(5, 2)
    engine = ExplicitEngine(few=0, threads=1)
    (first,) = engine.run(system, ("apart",), Budget(states=3_000, checkpoint=str(tmp_path)))
    assert (first.word, first.reason, first.symmetric) == (Word.UNKNOWN, "states", True)
    (whole,) = ExplicitEngine(few=0, symmetry=False).run(system, ("apart",), Budget(checkpoint=str(tmp_path)))
    assert (whole.word, whole.states) == (Word.EXHAUSTED, STATES[5, 2])
    (rest,) = engine.run(system, ("apart",), Budget(checkpoint=str(tmp_path)))
    (again,) = engine.run(system, ("apart",), Budget())
    assert (rest.word, rest.states, rest.transitions) == (Word.EXHAUSTED, again.states, again.transitions)
    assert first.states < rest.states < whole.states


# -- two Systems that every reduction must get right -------------------------------------------------------


def secret_then_wiped(cpus: int) -> System:
    """CPUs that store a secret in a line of their own and then wipe it; the hardware may write back the line meanwhile."""
    names = [f"cpu{n}" for n in range(cpus)]
    lines = {f"{c}_{what}": BOOL for c in names for what in ("line", "memory")}
    wipes = {c: [Do({f"{c}_line": TRUE}), Do({f"{c}_line": not_(TRUE)})] for c in names}
    evictions = [
        Action(f"evict.{c}", None, None, var(f"{c}_line", BOOL), updates={f"{c}_memory": TRUE}, parts=(Part(f"evict.{c}", TRUE),))
        for c in names
    ]
    seen = and_(*(var(f"{c}_memory", BOOL) for c in names))
    return written(lines, wipes, evictions, [Always("p", "secret", not_(seen))])


def opposite_order() -> System:
    """Two locks that two threads take in opposite order: exchanging threads and locks leaves it as it is."""
    one, two = var("one", BOOL), var("two", BOOL)
    return written(
        {"one": BOOL, "two": BOOL},
        {"a": [acquire(one), acquire(two), release(two), release(one)], "b": [acquire(two), acquire(one), release(one), release(two)]},
    )


@pytest.mark.parametrize("fuse", [False, True])
@pytest.mark.parametrize("slice", [False, True])
def test_hardware_sees_the_secrets(fuse: bool, slice: bool) -> None:
    """Each store and each eviction is a step, in every reduction."""
    for cpus in (1, 2, 3):
        core = to_core(secret_then_wiped(cpus))
        (part,) = prepare(core, ("p",), fuse=fuse, slice=slice).slices
        assert explored(part.system).violated == {("p", "secret"): 2 * cpus}
        symmetry = find(part.system)
        assert (symmetry.order if symmetry is not None else 1) == math.factorial(cpus)
        if symmetry is not None:
            agrees(explore(part.system, Budget()), part.system, symmetry, deadlock=False, core=core)


@pytest.mark.parametrize("fuse", [False, True])
def test_locks_in_opposite_order(fuse: bool) -> None:
    """The deadlock is two steps away, in every reduction."""
    core = to_core(opposite_order())
    (part,) = prepare(core, (DEADLOCK,), fuse=fuse, slice=False).slices
    whole = explore(part.system, Budget(), deadlock=True)
    assert whole.dead is not None and whole.dead.cost == 2
    symmetry = find(part.system)
    assert symmetry is not None and symmetry.order == 2
    agrees(whole, part.system, symmetry, core=core)


# -- the shipped scenarios ----------------------------------------------------------------------------------


def test_shipped_scenarios(campaign: bool) -> None:
    """Whatever is symmetric in them, whole and in slices, has the same answers modulo symmetry."""
    chosen_few = [(BOARD / "racing-probes.dma", "v4_9"), (ROOT / "bench" / "takers.dma", "two")]
    every = [(path, variant) for path in sorted(BOARD.glob("*.dma")) for variant in (None, *outline(str(path))[2])]
    met = 0
    for path, variant in chosen_few + every * campaign:
        for model in load_all(str(path), variant, {}):
            core = to_core(model.system)
            for slice in (False, True):
                for part in prepare(core, model.properties, slice=slice, stops=True).slices:
                    symmetry = find(part.system)
                    whole = explore(part.system, Budget(states=MOST), deadlock=not slice) if symmetry is not None else None
                    if symmetry is not None and whole is not None and not whole.reason:
                        agrees(whole, part.system, symmetry, deadlock=not slice, core=core)
                        met += 1
    assert met >= 2
