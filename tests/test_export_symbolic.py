"""Systems in SMT-LIB and BTOR2: the same steps and the same failures, read back by others."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import z3

from dmaverify.checking.exporting import exported
from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import explore
from dmaverify.engines.successors import Compiled, Hit, Move
from dmaverify.export.btor2 import to_btor2
from dmaverify.export.choose import Exported, chosen
from dmaverify.export.formats import written
from dmaverify.export.smt2 import to_script, to_vmt
from dmaverify.ir.system import Action, System
from tests.support.btor2 import Btor2, read
from tests.support.random_system import random_system

MOST_STATES = 150


def _random(seed: int) -> Exported:
    """A random core System that is small enough to try every choice of every state."""
    system = random_system(random.Random(seed), 2, core=True)
    return chosen(system, tuple(p.name for p in system.properties if p.kind != "cover"), slice=False)


def _states(system: System) -> tuple[Compiled, dict[int, set[int]], dict[int, bool]]:
    """Reachable states, what can follow each (the state itself among it), and whether something fails there or next."""
    compiled = Compiled(system)
    todo = list(dict.fromkeys(compiled.initial_states()))
    after: dict[int, set[int]] = {}
    wrong: dict[int, bool] = {}
    for state in todo:
        if state in after:
            continue
        if len(after) == MOST_STATES:
            break
        moves: list[Move] = []
        hits: list[Hit] = []
        seen: list[int] = []
        compiled.moves(state, moves, hits)
        compiled.observe(state, seen)
        found = [compiled.targets[n] for n in (*seen, *(h[0] for h in hits))]
        wrong[state] = any(t.kind in ("check", "always") for t in found)
        after[state] = {state, *(m[0] for m in moves)}
        todo += after[state]
    return compiled, after, wrong


# -- BTOR2 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_btor2_steps_as_we_do(seed: int) -> None:
    """From every state, by every choice and input: the same successors, and *bad* exactly where something fails."""
    e = _random(seed)
    compiled, after, wrong = _states(e.system)
    m = read(to_btor2(e))
    bits = sum(m.widths[i] for i in m.inputs)
    if bits > 9:
        pytest.skip(f"{bits} bits of inputs are too many to try")
    number = {name: n for n, name in m.states.items()}
    _starts_alike(m, e, compiled)
    first = number.get("first!")
    for state, follow in after.items():
        values = compiled.packing.unpack(state)
        leaves = {number[_plain(v.name)]: int(values[v.name]) & ((1 << v.type.bits) - 1) for v in e.system.vars}
        if first is not None:
            leaves[first] = 0
        reached, bad = set(), False
        for given in itertools.product(*(range(1 << m.widths[i]) for i in m.inputs)):
            value = m.evaluate({**leaves, **dict(zip(m.inputs, given, strict=True))})
            assert all(value[c] for c in m.constraints)
            bad |= any(value[b] for b in m.bads)
            reached.add(sum(value[m.next[number[_plain(v.name)]]] << compiled.packing.offset[v.name] for v in e.system.vars))
        # a choice may also fit nothing that can be done, and then nothing changes
        assert reached | {state} == follow
        assert bad == wrong[state]


def _plain(name: str) -> str:
    return re.sub(r"\s+", "", name).replace(";", ",")


def _starts_alike(m: Btor2, e: Exported, compiled: Compiled) -> None:
    """Initial values are those of the System; open ones are open, within what is assumed."""
    number = {name: n for n, name in m.states.items()}
    starts = set(compiled.initial_states())
    open_ = [v for v in e.system.vars if v.any_init]
    found = set()
    constants = m.evaluate(dict.fromkeys((*m.states, *m.inputs), 0))
    for given in itertools.product(*(range(1 << v.type.bits) for v in open_)):
        leaves = {n: constants[m.init[n]] if n in m.init else 0 for n in m.states} | dict.fromkeys(m.inputs, 0)
        leaves |= {number[_plain(v.name)]: x for v, x in zip(open_, given, strict=True)}
        value = m.evaluate(leaves)
        if all(value[c] for c in m.constraints):
            found.add(sum(leaves[number[_plain(v.name)]] << compiled.packing.offset[v.name] for v in e.system.vars))
    assert found == starts


def test_btor2_of_a_scenario_is_well_formed(root: Path) -> None:
    """Numbers of 64 bits, threads, and names with spaces and brackets."""
    text = exported(str(root / "models/boards/vmap-fails.dma"), "btor2")
    assert isinstance(text, str)
    m = read(text)
    assert len(m.states) > 40
    assert m.bads


# -- SMT-LIB --------------------------------------------------------------------------------------------


def _formulas(text: str) -> dict[str, z3.BoolRef]:
    """The marked formulas of a VMT file by name, made by z3's reader."""
    marks = re.findall(r"^\(define-fun (\|(?:init|trans|good)!\d*\|)", text, re.MULTILINE)
    found = z3.parse_smt2_string(text + "".join(f"(assert {name})" for name in marks))
    return {name.strip("|"): formula for name, formula in zip(marks, found, strict=True)}


def _fixed(compiled: Compiled, state: int, mark: str = "") -> Iterator[z3.BoolRef]:
    for v in compiled.system.vars:
        value = compiled.packing.value(state, v.name)
        if isinstance(value, bool):
            yield z3.Bool(v.name + mark) == value
        else:
            yield z3.BitVec(v.name + mark, v.type.bits) == value


@pytest.mark.parametrize("seed", range(3))
def test_vmt_steps_as_we_do(seed: int) -> None:
    """From some states: every successor that we know, and no other."""
    e = _random(seed + 20)
    compiled, after, wrong = _states(e.system)
    parts = _formulas(to_vmt(e))
    good = [formula for name, formula in parts.items() if name.startswith("good")]
    assert len(good) == len(e.bads)
    starts = set(compiled.initial_states())
    for state in random.Random(seed).sample(sorted(after), min(12, len(after))):
        solver = z3.Solver()
        solver.add(*_fixed(compiled, state))
        assert (solver.check(parts["init!"]) == z3.sat) == (state in starts)
        assert (solver.check(z3.Not(z3.And(*good))) == z3.sat) == wrong[state]
        solver.add(parts["trans!"])
        for follow in after[state]:
            solver.push()
            solver.add(*_fixed(compiled, follow, "'"))
            assert solver.check() == z3.sat or follow == state
            solver.pop()
            solver.add(z3.Not(z3.And(*_fixed(compiled, follow, "'"))))
        assert solver.check() == z3.unsat


def test_scripts_ask_about_a_depth() -> None:
    """Satisfiable from the first number of steps on after which something fails, for z3 and for bitwuzla."""
    tried = 0
    for seed in range(40, 60):
        e = _random(seed)
        first = _first_failure(e)
        if first is None or not 0 < first < 6:
            continue
        tried += 1
        assert [_answer(to_script(e, d), seed % 2 == 0) for d in (first - 1, first)] == ["unsat", "sat"]
    assert tried > 3


def _first_failure(e: Exported) -> int | None:
    """Steps of the engine's own, each counting one, to the first failure."""
    uniform = e.system.with_(actions=tuple(_weighing_one(a) for a in e.system.actions))
    found = explore(uniform, Budget()).found
    props = {b.prop for b in e.bads}
    return min((f.cost for key, f in found.items() if key[0] == "violated" and key[1] in props), default=None)


def _weighing_one(action: Action) -> Action:
    return replace(action, weight=None, parts=tuple(replace(p, weight=1) for p in action.parts[:1]))


def _answer(script: str, by_z3: bool) -> str:
    if by_z3:
        solver = z3.SolverFor("QF_BV")
        solver.from_string(script)
        return str(solver.check())
    import bitwuzla

    tm = bitwuzla.TermManager()
    parser = bitwuzla.Parser(tm, bitwuzla.Options())
    parser.parse(script.replace("(check-sat)", ""), parse_file=False)
    return {bitwuzla.Result.SAT: "sat", bitwuzla.Result.UNSAT: "unsat"}[parser.bitwuzla().check_sat()]


# -- AIGER ----------------------------------------------------------------------------------------------


def test_aiger_is_for_one_property(root: Path) -> None:
    """Its header counts what the file has; the latches bear the names of variables."""
    data = exported(str(root / "bench/ac.dma"), "aiger", prop="sound", params={"pages": 4, "slots": 2})
    assert isinstance(data, bytes)
    maximum, inputs, latches, outputs, ands, bads = map(int, data.split(b"\n")[0].split()[1:])
    assert (maximum, outputs, bads) == (inputs + latches + ands, 0, 1)
    assert b"taken[0]" in data
    e = chosen(random_system(random.Random(1), 2, core=True), ("P", "Q"), slice=False)
    if len({b.prop for b in e.bads}) > 1:
        with pytest.raises(ValueError, match="one property"):
            written(e, "aiger")
