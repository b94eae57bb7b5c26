"""Proofs for every size: the pool of any size, what its lemmas are worth, and what the prover does for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmaverify.checking.family import Family
from dmaverify.checking.frontend import Model, load
from dmaverify.checking.options import Options
from dmaverify.engines.auto import lemmas_of
from dmaverify.engines.base import Budget
from dmaverify.engines.bmc import Bmc
from dmaverify.engines.certificate import INVARIANT, claim
from dmaverify.engines.induction import Induction
from dmaverify.engines.owed import owed
from dmaverify.engines.recheck import answers, questions
from dmaverify.engines.smt.solver import SolverName, make_solver
from dmaverify.engines.stated import Stated
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.system import Always, System
from dmaverify.ir.traverse import variables
from dmaverify.lang.compile import compile_scenario
from dmaverify.verdict import Word

ROOT = Path(__file__).resolve().parent.parent
WIDE = str(ROOT / "models" / "boards" / "wide-pool.dma")
POOL = str(ROOT / "models" / "boards" / "any-pool.dma")
CONTRACTS = ("bitmap_find_free_region", "bitmap_release_region")
CLAIMS = ("one_owner", "inside_pool", "aligned")


def _slice(system: System, prop: str) -> tuple[System, tuple[Always, ...]]:
    """What is to be proved for one property, and the lemmas that speak of nothing else."""
    core = to_core(system)
    (found,) = prepare(core, (prop,)).slices
    names = {v.name for v in found.system.vars}
    return found.system, tuple(w for w in lemmas_of(core.system) if variables(w.when, w.cond) <= names)


@pytest.mark.parametrize("prop", CLAIMS)
def test_pools_of_every_size(prop: str) -> None:
    model = load(POOL, None, {})
    assert model.contracts == CONTRACTS
    system, lemmas = _slice(model.system, prop)
    (o,) = Induction(hints=lemmas, learn=False).run(system, (prop,), Budget(120.0))
    assert o.word is Word.PROVED, o.reason


@pytest.mark.parametrize("prop", CLAIMS)
def test_sixteen_slots_and_any_number_of_pages(prop: str) -> None:
    """Slots are alike, so two questions are enough: about one call that takes, and one that gives back."""
    model = load(WIDE, None, {})
    assert dict(model.free)["pages"] == f"in 1..={2**62:#_x}"
    system, lemmas = _slice(model.system, prop)
    assert len(system.actions) == 2 * 16
    stated = Stated(system, (prop,), lemmas, Budget(120.0), "bitwuzla")
    facts = stated.proved()
    assert facts is not None and stated.near and len(stated.renamings) == 15
    states = [(f.name, f.condition) for f in facts if f.check is None]
    checks = [(f.action, f.check) for f in facts if f.check is not None and f.action is not None]
    claimed = claim(system, prop, states, checks)
    due = owed(claimed, prop, INVARIANT, stated.renamings, near=True)
    assert [len(due.steps), len({claimed.actions[s.action].name.split("(")[0] for s in due.steps})] == [2, 2]
    # with a fact less there is no proof, so these questions do ask something
    fewer = [w for w in lemmas if not w.label.startswith("apart")]
    assert (Stated(system, (prop,), fewer, Budget(60.0), "bitwuzla").proved() is None) == (prop == "one_owner")


def test_the_lemmas_are_needed_and_enough() -> None:
    system, lemmas = _slice(load(POOL, None, {}).system, "one_owner")
    assert Stated(system, ("one_owner",), lemmas, Budget(60.0), "bitwuzla").proved() is not None
    for name in ("taken_is_set", "apart"):
        fewer = [w for w in lemmas if w.prop != name]
        assert Stated(system, ("one_owner",), fewer, Budget(60.0), "bitwuzla").proved() is None, name


@pytest.mark.parametrize(
    ("variant", "prop"),
    [("unaligned", "aligned"), ("one_bit_fewer", "one_owner"), ("one_too_far", "inside_pool"), ("wrong_size", "one_owner")],
)
def test_a_search_that_is_wrong_is_found_out_by_its_contract(variant: str, prop: str) -> None:
    compiled = compile_scenario(POOL, variant, symbolic=("pages", "page"), contracts=CONTRACTS)
    system, lemmas = _slice(compiled.system, prop)
    assert Stated(system, (prop,), lemmas, Budget(60.0), "bitwuzla").proved() is None
    (o,) = Bmc(probes=False).run(system, (prop,), Budget(60.0, depth=6))
    assert o.word is Word.VIOLATED, o.reason


def test_three_slots_stand_for_any_number() -> None:
    model = load(POOL, "three_slots", {})
    core = to_core(model.system).system
    assert _slots(v.name for v in core.vars) == {0, 1, 2}
    for w in lemmas_of(core):
        assert len(_slots(variables(w.when, w.cond))) <= 2, w.label
    touched = [_slots({*a.updates, *variables(a.guard, *a.updates.values())}) for a in core.actions if a.thread is None]
    assert {0} in touched and {1} in touched and {2} in touched
    assert all(len(slots) <= 1 for slots in touched)


def _slots(names: object) -> set[int]:
    assert hasattr(names, "__iter__")
    return {int(m[1]) for n in names if (m := re.match(r"held\[(\d+)\]", n))}


SEVERAL = """
scenario several
param a : u32 in 0..1000
param b : u32 in 0..5000
sequence s on cpu0 { assert a < 3 or b < 700 or a + b == 703 }
"""


def _model(tmp_path: Path, text: str) -> tuple[str, Model]:
    path = tmp_path / "several.dma"
    path.write_text(text, encoding="utf-8")
    return str(path), load(str(path), None, {})


def test_the_smallest_of_several_parameters(tmp_path: Path) -> None:
    file, model = _model(tmp_path, SEVERAL)
    found = {d.outcome.prop: d for d in Family(file, None, model, Options(), None).outcomes(("asserts",))}
    assert found["asserts"].outcome.word is Word.VIOLATED
    assert found["asserts"].values == {"a": 3, "b": 701}


SCRIPT = """; two levels
(set-logic QF_BV)
(declare-const x (_ BitVec 4))
(assert (bvult x #x3))
(push 1)
(assert (= x #x5))
(check-sat)
(pop 1)
(push 1)
(assert (= x #x2))
(check-sat)
(push 1)
(assert (= x #x1))
(check-sat)
(pop 1)
(pop 1)
(check-sat)
"""


@pytest.mark.parametrize("solver", ["z3", "bitwuzla"])
def test_questions_of_a_script_one_by_one(solver: str) -> None:
    assert len(questions(SCRIPT)) == 4
    assert all("push" not in q and q.count("(check-sat)") == 1 for q in questions(SCRIPT))
    assert answers(SCRIPT, solver) == ["unsat", "sat", "unsat", "sat"]


@pytest.mark.parametrize("name", ["z3", "bitwuzla"])
def test_a_fresh_solver_knows_the_terms_and_nothing_else(name: SolverName) -> None:
    solver = make_solver(name, Budget(10.0))
    w = solver.writer
    x = w.symbol("x", 8)
    solver.add(w.apply("=", [x, w.bits(3, 8)]))
    other = solver.fresh()
    other.add(w.apply("=", [x, w.bits(4, 8)]))
    assert other.check() and other.value(x) == 4
    assert solver.check() and solver.value(x) == 3
