"""The native search finds what the search in Python finds: states, transitions, lengths, what was exercised, deadlocks."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

pytest.importorskip("llvmlite")

from dmaverify.engines import explicit, successors
from dmaverify.engines.base import Budget, Progress, resident_bytes
from dmaverify.engines.explicit import ExplicitEngine, PythonExploration, explore
from dmaverify.engines.native import action as native_action
from dmaverify.engines.native import jit, table
from dmaverify.engines.native import machine as machine_module
from dmaverify.engines.native import text as native_text
from dmaverify.engines.native.engine import explore_natively
from dmaverify.engines.native.exploration import NativeExploration
from dmaverify.engines.native.fields import Own
from dmaverify.engines.native.machine import Machine
from dmaverify.engines.native.search import Search
from dmaverify.engines.successors import Compiled
from dmaverify.ir.expr import FALSE, TRUE, U32, Expr, and_, const, eq, input_, ite, lt, mk, ne, or_, var
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.system import Action, Always, Check, Cover, Input, Part, Reached, System, Var
from dmaverify.ir.types import Int
from dmaverify.verdict import Outcome, Word
from tests.support.lock_programs import program
from tests.support.random_system import random_system
from tests.support.yardstick import DEPTH, STATES, TRANSITIONS, allocator

U4 = Int(4)
N = var("n", U4)
ONE = const(1, U4)


def natively(system: System, budget: Budget | None = None, *, deadlock: bool = False, threads: int = 1) -> NativeExploration:
    """The native search of a System."""
    compiled = Compiled(system)
    return explore_natively(compiled, budget or Budget(), deadlock=deadlock, thorough=True, name="explicit", threads=threads)


def same(python: PythonExploration, native: NativeExploration, traces: bool = True) -> None:
    """Everything that a search finds out is equal; traces may differ, but not in length, and are really there."""
    try:
        for what in ("states", "transitions", "depth", "complete", "reason", "exercised"):
            assert getattr(python, what) == getattr(native, what), what
        assert {k: (f.cost, f.state, f.hit) for k, f in python.found.items()} == {
            k: (f.cost, f.state, f.hit) for k, f in native.found.items()
        } or native.machine.layout.words > 1
        assert {k: f.cost for k, f in python.found.items()} == {k: f.cost for k, f in native.found.items()}
        assert (python.dead and python.dead.cost) == (native.dead and native.dead.cost)
        if traces:
            for found in (*native.found.values(), *([native.dead] if native.dead else [])):
                way = native.way(found)
                assert way[0][1] == 0 and way[0][0] in set(native.compiled.initial_states())
                for (before, start), (after, end) in itertools.pairwise(way):
                    assert native._move(before, after, end - start)
    finally:
        native.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_random_systems(threads: int, rounds: Callable[[int, int], int]) -> None:
    """Whole and sliced, fused and not, with weights of nothing, one and more."""
    rng = random.Random(31 + threads)
    for number in range(rounds(6, 300)):
        core = to_core(random_system(rng, 1 + number % 2))
        properties = tuple(p.name for p in core.system.properties if p.kind != "cover")
        parts = prepare(core, properties, slice=False, fuse=number % 2 == 0).slices
        for system in (parts[0].system, core.system):
            python = explore(system, Budget(states=4000), deadlock=True)
            if not python.reason:
                same(python, natively(system, deadlock=True, threads=threads))


def test_lock_programs(rounds: Callable[[int, int], int]) -> None:
    """Threads with locks: deadlocks among them."""
    for seed in range(rounds(6, 200)):
        system = to_core(program(seed)).system
        same(explore(system, Budget(), deadlock=True), natively(system, deadlock=True, threads=1 + seed % 2))


@pytest.mark.parametrize("threads", [1, 2])
def test_known_numbers(threads: int) -> None:
    """AC(6, 2), with a table that grows from next to nothing."""
    result = natively(allocator(6, 2), threads=threads)
    assert (result.states, result.transitions, result.depth, result.complete) == (
        STATES[6, 2],
        TRANSITIONS[6, 2],
        DEPTH[6, 2],
        True,
    )
    assert not result.found
    result.close()


def many_actions(count: int) -> System:
    """So many different actions over a few variables; each leads a little further."""
    word = Int(16)
    variables = [Var(f"v{n}", word, n) for n in range(12)] + [Var("at", Int(12), 0)]
    at = var("at", Int(12))
    actions = []
    for n in range(count):
        a, b, c = (var(f"v{(n + k) % 12}", word) for k in (1, 5, 7))
        changed: Expr = ite(lt(a, b), mk("add", (mk("bxor", (b, c)), const(n % 65_536, word))), mk("sub", (a, mk("mul", (b, c)))))
        guard = and_(eq(at, const(n % 4096, at.type)), or_(lt(a, const(60_000, word)), ne(b, c)))
        step = mk("add", (mk("wrap", (mk("band", (changed, const(7, word))),), at.type), const(1, at.type)))
        updates = {f"v{n % 12}": mk("band", (changed, const(3, word))), "at": mk("add", (at, step))}
        actions.append(Action(f"a{n}", None, None, guard, updates=updates, parts=(Part(f"a{n}", TRUE),)))
    return System("many", tuple(variables), tuple(actions), always=(Always("p", "p", ne(at, const(4095, at.type))),))


@pytest.mark.parametrize("threads", [1, 2])
def test_code_that_is_improved_on_the_way(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice, between two units of work; nothing is lost and nothing counted twice."""
    monkeypatch.setattr(machine_module, "TIDIED", 5)
    monkeypatch.setattr(machine_module, "OPTIMISED", 20)
    improved: list[int] = []
    improve = Machine.improve
    monkeypatch.setattr(Machine, "improve", lambda self: improved.append(self.total(Own.TRANSITIONS)) or improve(self))
    search = Search(Compiled(allocator(6, 2)), Budget(), deadlock=False, thorough=True, name="explicit", threads=threads)
    search.machine.quota = 3
    assert not improved
    result = search.explore()
    assert (result.states, result.transitions, result.complete) == (STATES[6, 2], TRANSITIONS[6, 2], True)
    assert len(improved) == 2 and 0 < improved[0] < improved[1] < TRANSITIONS[6, 2]
    assert not search.machine.worth_improving
    result.close()
    hot = Search(Compiled(allocator(4, 2)), Budget(), deadlock=False, thorough=True, name="explicit", hot=True)
    hot.explore().close()
    assert len(improved) == 2


def test_long_blocks_and_many_checks(monkeypatch: pytest.MonkeyPatch, rounds: Callable[[int, int], int]) -> None:
    """What is written in another way where there is much of it finds out the same."""
    rng = random.Random(77)
    systems = [to_core(random_system(rng, 2)).system for _ in range(rounds(4, 60))]
    before = [explore(system, Budget(states=4000), deadlock=True) for system in systems]
    monkeypatch.setattr(native_text, "LONGEST", 3)
    monkeypatch.setattr(native_action, "CROWDED", 0)
    monkeypatch.setattr(successors, "CROWDED", 0)
    for system, known in zip(systems, before, strict=True):
        again = explore(system, Budget(states=4000), deadlock=True)
        assert (again.states, again.found, again.exercised) == (known.states, known.found, known.exercised)
        if not known.reason:
            same(known, natively(system, deadlock=True))


@pytest.mark.slow
def test_thousands_of_actions() -> None:
    """Are compiled, one function for each, and do what they do in Python."""
    system = many_actions(2000)
    same(explore(system, Budget()), natively(system))


# -- the engine -----------------------------------------------------------------------------------------


def _engine(system: System, *properties: str, budget: Budget | None = None, threads: int = 1) -> list[Outcome]:
    """The engine, so that hardly anything is small enough for Python."""
    return ExplicitEngine(few=1, threads=threads, symmetry=False).run(system, properties, budget or Budget())


def test_slices_of_one_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one was too large for Python, the next is not even tried there, and finds out the same."""
    tried: list[str] = []
    monkeypatch.setattr(explicit, "FEW_STATES", 50)
    monkeypatch.setattr(explicit, "explore", lambda system, *a, **k: tried.append(system.name) or explore(system, *a, **k))
    engine, budget = ExplicitEngine(symmetry=False), Budget()
    first = allocator(6, 2).with_(name="first")
    for name in ("first", "second"):
        (outcome,) = engine.run(first.with_(name=name), ("apart",), budget)
        assert (outcome.word, outcome.states) == (Word.EXHAUSTED, STATES[6, 2])
    assert tried == ["first"]
    (outcome,) = engine.run(first.with_(name="other"), ("apart",), Budget())
    assert tried == ["first", "other"] and outcome.states == STATES[6, 2]
    (outcome,) = engine.run(allocator(4, 2).with_(name="small"), ("apart",), budget)
    assert tried[-1] == "small" and outcome.states == STATES[4, 2]


@pytest.mark.parametrize("padding", [0, 3])
def test_a_violation_and_its_trace(padding: int) -> None:
    """A dirty line under an uncached page, by a shortest trace; narrow and wide; the same trace by any number of threads."""
    traces = []
    for threads in (1, 2, 3):
        native = natively(allocator(6, 2, forgetful=True, padding=padding), threads=threads)
        ((key, found),) = native.found.items()
        assert key == ("violated", "clean", "clean5")
        target = next(t for t in native.compiled.targets if t.label == "clean5")
        traces.append(native.trace(found, target))
        native.close()
    assert traces[0] == traces[1] == traces[2]
    assert traces[0].minimal and traces[0].length == 3 and "write.cached5" in [s.action for s in traces[0].steps]


def test_hits_in_steps_and_covers() -> None:
    """Checks and covers inside actions, with inputs; always-instances and covers of states; what was put to the test."""
    by = input_("by", Int(4, True))
    check = Check("p", "p.in", lt(const(0, by.type), by), ne(N, const(9, U4)))
    never = Check("p", "p.never", eq(N, const(14, U4)), FALSE)
    cover = Reached("p.half", eq(by, const(-1, by.type)))
    hop = Action(
        "hop",
        None,
        None,
        and_(ne(by, const(0, by.type)), lt(N, const(13, U4))),
        (Input("by", by.type, (2, -1, 3)),),
        (check, never, cover),
        {"n": mk("add", (N, mk("wrap", (by,), U4)))},
        parts=(Part("hop", TRUE, (("by", by),)),),
    )
    states = (Always("q", "q", ne(N, const(12, U4)), lt(const(3, U4), N)),)
    covers = (Cover("q.top", eq(N, const(15, U4))), Cover("q.gone", eq(N, const(14, U4))))
    system = System("hop", (Var("n", U4, 1),), (hop,), always=states, covers=covers)
    for thorough in (True, False):
        python = explore(system, Budget(), thorough=thorough)
        native = explore_natively(Compiled(system), Budget(), deadlock=False, thorough=thorough, name="explicit", threads=1)
        same(python, native)


def test_what_has_too_many_values() -> None:
    """Is an error if the search gets there, and only then."""
    wide = input_("i", Int(64))
    up = Action("up", None, None, lt(N, const(9, U4)), updates={"n": mk("add", (N, ONE))})
    for at, reason in ((5, "domain of any.i"), (12, "")):
        any_word = Action("any", None, None, eq(N, const(at, U4)), (Input("i", Int(64)),), updates={"w": wide})
        system = System("s", (Var("n", U4, 0), Var("w", Int(64), 0)), (up, any_word), always=(Always("p", "p", TRUE),))
        result = natively(system)
        assert (result.reason, result.complete) == (reason, not reason)
        result.close()
    given = replace(any_word, guard=and_(eq(N, ONE), eq(wide, mk("add", (var("w", Int(64)), const(1 << 62, Int(64)))))))
    same(explore(system.with_(actions=(up, given)), Budget()), natively(system.with_(actions=(up, given))))


def test_open_initial_values() -> None:
    """More than go into the table at first."""
    a, b = Var("a", Int(10), None, any_init=True), Var("b", Int(5), None, any_init=True)
    down = Action("down", None, None, ne(N, const(0, U4)), updates={"n": mk("sub", (N, ONE))})
    system = System("s", (a, b, Var("n", U4, 2)), (down,), assumptions=(lt(var("a", Int(10)), const(1000, Int(10))),))
    same(explore(system, Budget()), natively(system))


def test_deep_and_narrow() -> None:
    """Many levels of one state each."""
    word = Int(16)
    n = var("n", word)
    up = Action("up", None, None, lt(n, const(3000, word)), updates={"n": mk("add", (n, const(1, word)))}, parts=(Part("up", TRUE),))
    system = System("s", (Var("n", word, 0),), (up,), always=(Always("p", "p", ne(n, const(2999, word))),))
    same(explore(system, Budget()), natively(system))


def test_more_weights_than_passes() -> None:
    """A weight that may be anything is left to Python, and the outcome says so."""
    weight = mk("wrap", (var("w", Int(8)),), U32)
    n = var("n", Int(11))
    up = Action("up", None, None, updates={"n": mk("add", (n, const(1, n.type)))}, weight=weight)
    system = System("s", (Var("n", Int(11), 0), Var("w", Int(8), 3)), (up,), always=(Always("p", "p", TRUE),))
    (outcome,) = _engine(system, "p")
    assert (outcome.word, outcome.states) == (Word.EXHAUSTED, 2048)
    assert outcome.warnings == ["searched in Python, which is slower than native code: the weight of up"]


def test_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search in Python answers, and says why it does."""
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    jit.kernel.cache_clear()
    (outcome,) = _engine(allocator(4, 2), "apart")
    assert (outcome.word, outcome.states) == (Word.EXHAUSTED, STATES[4, 2])
    assert outcome.warnings == ["searched in Python, which is slower than native code: llvmlite is not installed"]


# -- budget and memory ----------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_a_budget_that_runs_out(threads: int) -> None:
    """Is said; what was found until then stays, and the counts do not depend on the number of threads."""
    system = allocator(6, 4, forgetful=True)
    (deep,) = _engine(system, "apart", budget=Budget(depth=5), threads=threads)
    assert (deep.word, deep.depth) == (Word.BOUNDED, 5)
    (few,) = _engine(system, "apart", budget=Budget(states=60_000), threads=threads)
    assert (few.word, few.reason) == (Word.UNKNOWN, "states")
    again = explore(system.with_(always=()), Budget(depth=deep.depth))
    assert deep.states == again.states and few.states <= 60_000
    looks = itertools.count()
    (stopped,) = _engine(system, "apart", budget=Budget(cancelled=lambda: next(looks) > 2), threads=threads)
    assert (stopped.word, stopped.reason) == (Word.UNKNOWN, "interrupted")
    (late,) = _engine(system, "apart", budget=Budget(timeout=1e-9), threads=threads)
    assert late.reason == "time"
    samples: list[Progress] = []
    _engine(system, "apart", budget=Budget(progress=samples.append), threads=threads)
    last = samples[-1]
    assert last.states and last.frontier and last.expanded and last.rate and last.memory and last.expanded <= last.states


def test_memory_that_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """First the states go to the disk, then the search ends in order."""
    spilled = []
    spill = Machine.spill
    monkeypatch.setattr(Machine, "spill", lambda self: spilled.append(self.states) or spill(self))
    (outcome,) = _engine(allocator(6, 4), "apart", budget=Budget(memory=resident_bytes() + (8 << 20)))
    assert (outcome.word, outcome.reason) == (Word.UNKNOWN, "memory")
    assert spilled and 0 < outcome.states < STATES[6, 4]


@pytest.mark.parametrize("padding", [0, 2])
def test_states_on_the_disk(padding: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are the same states, for the search and for traces."""
    grow = Search._grow

    def grow_there(self: Search) -> None:
        assert self.machine.spill() or self.machine.arena.on_disk
        self.machine.arena.trim()
        grow(self)

    monkeypatch.setattr(Search, "_grow", grow_there)
    monkeypatch.setattr(table, "FIRST", 12)
    monkeypatch.setattr(machine_module, "UNIT", 1)
    system = allocator(5, 2, forgetful=True, padding=padding)
    for threads in (1, 2):
        native = natively(system, threads=threads)
        assert native.machine.arena.on_disk
        same(explore(system, Budget()), native)


def test_a_table_that_must_be_filled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where growing in place goes wrong, which chance hardly ever does, nothing is lost."""
    monkeypatch.setattr(table.Table, "_double", lambda self, size: False)
    result = natively(allocator(6, 2), threads=2)
    assert (result.states, result.transitions) == (STATES[6, 2], TRANSITIONS[6, 2])
    result.close()


def test_runs_that_cross_the_parts_of_a_growing_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts as small as they can be: entries run over their ends all the time."""
    monkeypatch.setattr(table, "PART", 1)
    monkeypatch.setattr(table, "LOAD", 0.95)
    monkeypatch.setattr(table, "FIRST", 12)
    for threads in (1, 2):
        result = natively(allocator(6, 2), threads=threads)
        assert (result.states, result.transitions) == (STATES[6, 2], TRANSITIONS[6, 2])
        result.close()


@pytest.mark.slow
def test_a_million_states() -> None:
    """AC(6, 4), by one thread and two, in one word and in three, in no more memory than was said."""
    for threads, padding in ((1, 0), (2, 0), (1, 2), (2, 2)):
        result = natively(allocator(6, 4, padding=padding), threads=threads)
        assert (result.states, result.transitions, result.depth) == (STATES[6, 4], TRANSITIONS[6, 4], DEPTH[6, 4])
        machine = result.machine
        bytes_used = (8 << machine.table.bits) + machine.arena_bytes
        assert padding or bytes_used <= 40 * result.states
        result.close()
