"""The parts of pdr: circuits that step like the interpreter, reductions that change no answer, AIGER, and ABC where it is installed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.interp import Interpreter
from dmaverify.engines.pdr import abc
from dmaverify.engines.pdr.aiger import to_aiger
from dmaverify.engines.pdr.circuit import Circuit
from dmaverify.engines.pdr.correspondence import Reduced, classes
from dmaverify.engines.pdr.domains import values_of
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.engines.pdr.essence import essence
from dmaverify.engines.pdr.problem import reduced
from dmaverify.engines.pdr.restarts import decide, inductive
from dmaverify.engines.pdr.search import Safe, Search
from dmaverify.ir.expr import and_, const, eq, ite, lt, mk, not_, var
from dmaverify.ir.pipeline import prepare
from dmaverify.ir.system import Always, Kind, Property, System, Var
from dmaverify.ir.types import BOOL, Bool, Int, Value
from dmaverify.verdict import Word
from tests.support.alloc_cache import alloc_cache
from tests.support.random_system import random_system
from tests.support.symbolic_systems import counter, frozen, locked, pool, step


def quiet() -> None:
    """Nobody watches."""


# -- circuits ----------------------------------------------------------------------------------------------------------


def latch_values(circuit: Circuit, state: Mapping[str, Value]) -> dict[int, int]:
    """A state as values of latches."""
    found = {}
    for latch, node in zip(circuit.latches, circuit.state, strict=True):
        value = state[latch.variable]
        found[node] = int(value == latch.value) if latch.value is not None else int(value) >> latch.bit & 1
    return found


@pytest.mark.parametrize("separate", [(), (Kind.PC,), (Kind.PC, Kind.STATE, Kind.LOCAL)], ids=["bits", "places", "values"])
def test_a_circuit_steps_like_the_interpreter(separate: tuple[Kind, ...], rounds: Callable[[int, int], int]) -> None:
    """Random walks: what the circuit takes is enabled, leads where the interpreter says, and is bad where a check fails."""
    taken = bad = 0
    for seed in range(rounds(30, 300)):
        rng = random.Random(seed)
        system = random_system(rng, 2, core=True)
        circuit, run = Circuit(system, separate), Interpreter(system)
        bads = {p.name: circuit.bad(p.name) for p in system.properties}
        free = {v.name: rng.choice([False, True] if isinstance(v.type, Bool) else range(2)) for v in system.vars if v.any_init}
        try:
            state = run.initial_state(free)
        except ValueError:
            continue
        for _ in range(25):
            now = {v.name: x for v, x in zip(system.vars, state, strict=True)}
            leaves = latch_values(circuit, now) | {node: rng.getrandbits(1) for node in circuit.inputs}
            values = circuit.graph.values(leaves)

            def of(x: int, values: list[int] = values) -> bool:
                return bool(values[x >> 1] ^ x & 1)

            chosen = [n for n, t in enumerate(circuit.taken) if of(t)]
            assert len(chosen) <= 1
            failing = {f.prop for f in run.judge(state).failures}
            after = state
            if chosen:
                action = system.actions[chosen[0]]
                given = {i.name: circuit._given(i, leaves) for i in action.inputs}
                assert run.why_blocked(state, action, given) is None
                result = run.step(state, action, given)
                failing |= {f.prop for f in result.failures}
                taken += 1
                if not result.stopped:
                    after = result.state
            bad += bool(failing)
            assert {p for p, literal in bads.items() if of(literal)} == failing
            behind = latch_values(circuit, {v.name: x for v, x in zip(system.vars, after, strict=True)})
            assert {node: int(of(x)) for node, x in zip(circuit.state, circuit.next, strict=True)} == behind
            state = after
    assert taken > 100 and bad > 20


def test_a_latch_says_what_it_means() -> None:
    circuit = Circuit(locked(), (Kind.PC,))
    names = [latch.name for latch in circuit.latches]
    assert names[:10] == ["lock[0]", *(f"shared[{n}]" for n in range(8)), "a.pc==0"]
    t = Int(8)
    assert circuit.latches[3].meaning(circuit.system) == not_(eq(mk("band", (var("shared", t), const(4, t))), const(0, t)))
    assert circuit.latches[9].meaning(circuit.system) == eq(var("a.pc", Int(3)), const(0, Int(3)))


def test_which_values_a_variable_may_have() -> None:
    t = Int(8)
    x, y = var("x", t), var("y", t)
    go = step("go", updates={"x": ite(eq(x, const(1, t)), const(7, t), y), "y": const(9, t), "z": mk("add", (x, y))})
    system = System("s", (Var("x", t, 0), Var("y", t, 1), Var("z", t, 0), Var("f", t, None, any_init=True)), (go,))
    assert values_of(system) == {"x": [0, 1, 7, 9], "y": [1, 9]}


# -- reductions --------------------------------------------------------------------------------------------------------


def copies() -> System:
    """x counts to ten, y and z repeat it (z inverted), and the upper bits of all never change."""
    t = Int(8)
    x, y, z = var("x", t), var("y", t), var("z", t)
    new = mk("add", (x, const(1, t)))
    go = step("go", guard=lt(x, const(10, t)), updates={"x": new, "y": new, "z": mk("bnot", (new,)), "flag": TRUE_UP})
    claim = Always("p", "p.1", and_(eq(x, y), eq(mk("bxor", (x, z)), const(255, t))))
    variables = (Var("x", t, 0), Var("y", t, 0), Var("z", t, 255), Var("flag", BOOL, False))
    return System("copies", variables, (go,), (), (Property("p", "T", "monitor"),), (claim,))


TRUE_UP = not_(var("flag", BOOL))


def test_latches_that_go_together_are_one() -> None:
    found = Reduced(Circuit(copies()), "p", 0, quiet)
    assert found.problem.bad == 0, "once they are equal, nothing can be bad"
    first = found.first
    names = [found.circuit.latches[n].name for n in first.latches]
    follows = {names[n - 1]: ("" if root == 0 else "-" * (root < 0) + names[abs(root) - 1]) for n, root in found.follows.items()}
    assert {k: v for k, v in follows.items() if k.startswith(("y", "z"))} == {
        f"{v}[{n}]": ("-" if v == "z" else "") + f"x[{n}]" for v in "yz" for n in range(4)
    } | {f"{v}[{n}]": "" for v in "yz" for n in range(4, 8) if f"{v}[{n}]" in follows}
    assert not any(k.startswith("flag") for k in names), "nothing depends on it"


def test_classes_do_not_depend_on_chance() -> None:
    problem = reduced(circuit := Circuit(locked(), (Kind.PC,)), circuit.bad("atomic"))
    found = {tuple(sorted(map(tuple, classes(problem, seed, quiet)))) for seed in range(4)}
    assert len(found) == 1


def test_reductions_change_no_answer(rounds: Callable[[int, int], int]) -> None:
    """Random Systems with and without, in three encodings."""
    safe = unsafe = 0
    for seed in range(rounds(40, 500)):
        system = random_system(random.Random(300 + seed), 2)
        properties = tuple(p.name for p in system.properties)
        for part in prepare(system, properties, stops=True).slices:
            for p in part.properties:
                answers = set()
                for separate in ((), (Kind.PC,), (Kind.PC, Kind.STATE, Kind.LOCAL)):
                    found = Reduced(Circuit(part.system, separate), p, seed, quiet)
                    for problem in (found.first, found.problem):
                        answers.add(type(Search(problem, lambda frames, clauses: None).run()))
                assert len(answers) == 1, (seed, p)
                safe += Safe in answers
                unsafe += Safe not in answers
    assert safe > 20 and unsafe > 10


# -- restarts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [1, 40, 300])
def test_a_search_that_is_given_up_leaves_what_always_holds(first: int) -> None:
    """However early the first searches end, the answer is the same, and the invariant is one."""
    cases = [(pool(8, 3), "no_overlap", True), (pool(8, 3, broken=True), "no_overlap", False), (locked(), "atomic", True)]
    for system, prop, safe in cases:
        found = Reduced(Circuit(system, (Kind.PC,)), prop, 0, quiet)
        answer = decide(found.problem, lambda frames, clauses: None, first)
        assert isinstance(answer, Safe) is safe
        if isinstance(answer, Safe):
            essence(found, answer.cubes, quiet)


def test_what_is_inductive_among_guesses() -> None:
    """Good clauses among bad ones: the bad ones go, and those that rest on them."""
    found = Reduced(Circuit(pool(8, 2)), "no_overlap", 0, quiet)
    answer = Search(found.problem, lambda frames, clauses: None).run()
    assert isinstance(answer, Safe)
    good = set(answer.cubes)
    bad = [frozenset({n}) for n in range(1, 9)] + [frozenset({-1, n}) for n in range(2, 9)]
    assert good <= set(inductive(found.problem, [*bad, *answer.cubes], quiet)) <= good | set(bad)
    assert inductive(found.problem, bad[:8], quiet) == []


# -- AIGER -------------------------------------------------------------------------------------------------------------


class Aiger:
    """A binary AIGER file, read and run."""

    def __init__(self, data: bytes) -> None:
        lines = data.split(b"\n", 1)
        head, rest = lines[0].split(), lines[1]
        assert head[0] == b"aig"
        top, inputs, latches, outputs, ands, *more = map(int, head[1:])
        assert top == inputs + latches + ands
        self.inputs, self.bads = inputs, outputs + sum(more)
        self.latches: list[tuple[int, int]] = []
        for n in range(latches):
            line, rest = rest.split(b"\n", 1)
            new, *reset = map(int, line.split())
            own = 2 * (inputs + n + 1)
            assert not reset or reset[0] in (1, own)
            self.latches.append((new, reset[0] if reset else 0))
        line, rest = rest.split(b"\n", 1)
        self.bad = int(line)
        self.ands = []
        at = 0

        def number() -> int:
            nonlocal at
            value = shift = 0
            while True:
                byte = rest[at]
                at += 1
                value |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    return value

        for n in range(ands):
            own = 2 * (inputs + latches + n + 1)
            high = own - number()
            low = high - number()
            assert own > high >= low
            self.ands.append((high, low))
        self.symbols = dict(line.split(" ", 1) for line in rest[at:].decode().splitlines())

    def step(self, state: list[int], inputs: list[int]) -> tuple[list[int], bool]:
        """The next state, and whether this one (with these inputs) is bad."""
        value = [0, *inputs, *state]

        def of(x: int) -> int:
            return value[x >> 1] ^ x & 1

        for high, low in self.ands:
            value.append(of(high) & of(low))
        return [of(new) for new, _ in self.latches], bool(of(self.bad))


CASES = [
    (pool(8, 3, broken=True), "no_overlap"),
    (counter(10, 4), "below"),
    (locked(False), "atomic"),
    (frozen(4, bounded=False), "fits"),
]


@pytest.mark.parametrize("system, prop", [*CASES, (frozen(4), "fits")], ids=lambda x: x.name if isinstance(x, System) else x)
@pytest.mark.parametrize("plain", [False, True])
def test_an_aiger_file_runs_like_the_circuit(system: System, prop: str, plain: bool) -> None:
    file, circuit = Aiger(to_aiger(system, prop, plain=plain)), Circuit(system)
    rng = random.Random(2)
    names = [latch.name for latch in circuit.latches]
    bad = circuit.bad(prop)
    seen = 0
    for _ in range(60):
        loading = plain and file.symbols.get("l0") == "loaded"
        real = [int(bool(latch.reset)) if latch.reset is not None else rng.getrandbits(1) for latch in circuit.latches]
        start = circuit.graph.values(dict(zip(circuit.state, real, strict=True)))
        allowed = bool(start[circuit.assumed >> 1] ^ circuit.assumed & 1)
        if plain:
            state = [0] * len(file.latches)
            if loading:
                free = [x for x, latch in zip(real, circuit.latches, strict=True) if latch.reset is None]
                state, wrong = file.step(state, [rng.getrandbits(1) for _ in circuit.inputs] + free)
                assert not wrong and state[0] == allowed
                if not allowed:
                    continue
        else:
            assert [file.symbols[f"l{n}"] for n in range(len(names))] == names
            state = real + [0] * (len(file.latches) - len(real))
        for _ in range(12):
            inputs = [rng.getrandbits(1) for _ in circuit.inputs]
            values = circuit.graph.values(dict(zip(circuit.state, real, strict=True)) | dict(zip(circuit.inputs, inputs, strict=True)))
            state, here = file.step(state, inputs + [0] * (file.inputs - len(inputs)))
            assert here == (allowed and bool(values[bad >> 1] ^ bad & 1))
            seen += here
            real = [values[x >> 1] ^ x & 1 for x in circuit.next]
            if loading:
                assert state[1:] == real
            elif plain:
                assert [x ^ int(bool(latch.reset)) for x, latch in zip(state, circuit.latches, strict=True)] == real
            else:
                assert state[: len(real)] == real
    assert seen or system.name != "locked"
    assert file.bads == 1


# -- ABC ---------------------------------------------------------------------------------------------------------------

installed = pytest.mark.skipif(abc.executable() is None, reason="ABC is not installed")


@installed
@pytest.mark.parametrize("system, prop", CASES, ids=lambda x: x.name if isinstance(x, System) else x)
def test_abc_finds_what_we_find(system: System, prop: str) -> None:
    (outcome,) = Pdr(abc=True).run(system, (prop,), Budget())
    assert outcome.word is Word.VIOLATED and outcome.engine == "abc"


@installed
def test_what_abc_proves_is_checked() -> None:
    for system, prop in [(pool(16, 3), "no_overlap"), (locked(), "atomic"), (frozen(32), "fits"), (copies(), "p")]:
        (outcome,) = Pdr(abc=True).run(system, (prop,), Budget())
        assert outcome.word is Word.PROVED, (system.name, outcome.reason)


@installed
def test_abc_agrees_on_random_systems(rounds: Callable[[int, int], int]) -> None:
    for seed in range(rounds(4, 100)):
        system = random_system(random.Random(600 + seed), 2)
        properties = tuple(p.name for p in system.properties)
        for part in prepare(system, properties, stops=True).slices:
            theirs = Pdr(abc=True).run(part.system, part.properties, Budget())
            for a, b in zip(theirs, Pdr().run(part.system, part.properties, Budget()), strict=True):
                assert a.word is b.word, (seed, a.prop, a.reason)


def test_without_abc_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (outcome,) = Pdr(abc=True).run(pool(8, 2), ("no_overlap",), Budget())
    assert outcome.word is Word.UNKNOWN and "ABC is not installed" in outcome.reason


# -- the benchmark -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["mask", "index"])
def test_the_allocator_and_its_cache(encoding: str) -> None:
    system = alloc_cache(8, 3, "mask" if encoding == "mask" else "index")
    for prop in ("I1", "I3"):
        (part,) = prepare(system, (prop,)).slices
        (outcome,) = Pdr().run(part.system, (prop,), Budget())
        assert outcome.word is Word.PROVED


def test_the_allocator_that_forgets_to_flush() -> None:
    (outcome,) = Pdr().run(alloc_cache(8, 2, flush=False), ("I3",), Budget())
    assert outcome.word is Word.VIOLATED and outcome.trace is not None and len(outcome.trace.steps) >= 2
