"""Certificates of the engine pdr and the command that checks them: what is tampered with is refused."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dmaverify.cli.main import run
from dmaverify.engines import recheck
from dmaverify.engines.base import Budget
from dmaverify.engines.certificate import INVARIANT, Refused, derived, digest
from dmaverify.engines.owed import owed
from dmaverify.engines.pdr.circuit import Circuit
from dmaverify.engines.pdr.cnf import Cnf
from dmaverify.engines.pdr.correspondence import Reduced
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.engines.pdr.essence import Refuted, essence
from dmaverify.engines.pdr.invariant import Reader
from dmaverify.engines.pdr.sat import Sat
from dmaverify.engines.pdr.search import Safe, Search
from dmaverify.ir.expr import Expr, and_, const, eq, ite, le, mk, not_, or_, var
from dmaverify.ir.system import Always, Kind, Property, System, Var
from dmaverify.ir.text import to_text
from dmaverify.ir.text_parse import parse
from dmaverify.ir.types import BOOL, Int
from dmaverify.verdict import Word
from tests.support.random_system import random_system
from tests.support.symbolic_systems import locked, pool, step


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that was accepted."""
    folder = tmp_path_factory.mktemp("certificates")
    (outcome,) = Pdr(folder).run(locked(), ("atomic",), Budget())
    assert outcome.word is Word.PROVED and outcome.certificate is not None
    return Path(outcome.certificate)


@pytest.fixture
def copy(accepted: Path, tmp_path: Path) -> Path:
    """One's own copy of it."""
    shutil.copytree(accepted, tmp_path / "c")
    return tmp_path / "c"


def rewrite(folder: Path, change: Callable[[System], System]) -> None:
    """Tamper with the System and write everything else so that it agrees: only the truth of it is left to be checked."""
    system = change(parse((folder / "system.ir").read_text()))
    manifest = json.loads((folder / "manifest.json").read_text())
    texts = {"system.ir": to_text(system), **derived(system, manifest["property"], owed(system, manifest["property"], INVARIANT))}
    for name, text in texts.items():
        (folder / name).write_text(text)
        manifest["sha256"][name] = digest(text)
    manifest["unsat"] = {name: texts[name].count("(check-sat)") for name in manifest["unsat"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def facts(system: System) -> list[Always]:
    """The invariant of a claimed System."""
    return [w for w in system.always if w.prop == INVARIANT]


def test_it_is_accepted_and_names_who_found_it(accepted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["certify", str(accepted.parent), "--solver", "both", "--show"]) == 0
    out = capsys.readouterr().out
    assert out.count("accepted: ") == 2 and "by z3" in out and "by bitwuzla" in out
    assert "found by pdr" in out
    assert "What always holds in locked, and shows atomic." in out
    assert "never  a.pc == 1 and b.pc == 1" in out


def test_each_clause_of_the_invariant_is_needed_or_kept_by_itself(accepted: Path, tmp_path: Path) -> None:
    """One fact after the other is left out: refused, except where the others prove the property without it."""
    refused = 0
    system = parse((accepted / "system.ir").read_text())
    for k in range(0, len(facts(system)), 3):
        folder = tmp_path / str(k)
        shutil.copytree(accepted, folder)
        dropped = facts(system)[k]
        rewrite(folder, lambda s, d=dropped: s.with_(always=tuple(w for w in s.always if w.label != d.label or w.prop != INVARIANT)))
        try:
            recheck.check(folder, "z3")
        except Refused:
            refused += 1
    assert refused > len(facts(system)) // 6


def test_a_literal_dropped_is_refused(copy: Path) -> None:
    """``never a and b`` becomes ``never a``."""

    def stronger(w: Always) -> Always:
        inner = w.cond.args[0]
        return Always(w.prop, w.label, not_(and_(*inner.args[1:])))

    def change(system: System) -> System:
        target = next(w for w in facts(system) if w.cond.op == "not" and w.cond.args[0].op == "and" and len(w.cond.args[0].args) > 1)
        return system.with_(always=tuple(stronger(w) if w is target else w for w in system.always))

    rewrite(copy, change)
    assert run(["certify", str(copy)]) == 1


def test_an_obligation_swapped_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each script is a good one, but not the one that belongs there; the manifest is made to agree."""
    a, b = (copy / "init.smt2").read_text(), (copy / "safe.smt2").read_text()
    (copy / "init.smt2").write_text(b)
    (copy / "safe.smt2").write_text(a)
    assert run(["certify", str(copy)]) == 1
    assert "init.smt2 is not the file that the manifest names" not in capsys.readouterr().err
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sha256"] |= {"init.smt2": digest(b), "safe.smt2": digest(a)}
    manifest["unsat"] |= {"init.smt2": b.count("(check-sat)"), "safe.smt2": max(2, a.count("(check-sat)"))}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    capsys.readouterr()
    assert run(["certify", str(copy)]) == 1
    assert "refused: " in capsys.readouterr().out


def test_steps_swapped_within_a_file_are_refused(copy: Path) -> None:
    """All answers are still ``unsat``; the file is not what system.ir asks for."""
    lines = (copy / "step.smt2").read_text().split("(push 1)")
    text = "(push 1)".join([lines[0], lines[2], lines[1], *lines[3:]])
    (copy / "step.smt2").write_text(text)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sha256"]["step.smt2"] = digest(text)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(Refused):
        recheck.check(copy, "bitwuzla")


def test_another_initial_state_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both threads begin inside the lock."""

    def change(system: System) -> System:
        return system.with_(vars=tuple(replace(v, init=1) if v.kind is Kind.PC else v for v in system.vars))

    rewrite(copy, change)
    assert run(["certify", str(copy)]) == 1
    assert "init.smt2: answer 1 of 1 is sat" in capsys.readouterr().out


def test_a_text_for_readers_that_says_something_else_is_refused(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (copy / "invariant.txt").read_text().replace("never", "always", 1)
    (copy / "invariant.txt").write_text(text)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["sha256"]["invariant.txt"] = digest(text)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    assert run(["certify", str(copy)]) == 1
    assert "invariant.txt does not say what system.ir does" in capsys.readouterr().out


def test_where_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["certify", str(tmp_path)]) == 2
    assert "no certificate" in capsys.readouterr().err
    (tmp_path / "manifest.json").write_text("[]")
    assert run(["certify", str(tmp_path)]) == 1
    assert "refused: the manifest is of another format" in capsys.readouterr().out


def test_time_can_run_out(accepted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["certify", str(accepted), "--timeout", "0.000001"]) == 3
    assert "not decided" in capsys.readouterr().out


# -- from latches to variables -----------------------------------------------------------------------------------------


def found(system: System, prop: str, separate: tuple[Kind, ...] = (Kind.PC,)) -> tuple[Circuit, Reduced, Safe]:
    """What the search finds, before it is made a certificate."""
    circuit = Circuit(system, separate)
    reduced = Reduced(circuit, prop, 0, lambda: None)
    answer = Search(reduced.problem, lambda frames, clauses: None).run()
    assert isinstance(answer, Safe)
    return circuit, reduced, answer


def same(circuit: Circuit, clauses: list[list[int]], facts: list[Expr]) -> bool:
    """Whether clauses over latches and conditions over variables hold in the same states."""
    conditions = [circuit.condition(e) for e in facts]
    solver = Sat(Cnf(circuit.graph, circuit.state, conditions), lambda: None)
    literals = [solver.cnf.literal(x) for x in conditions]
    solver.need(literals)
    for clause in circuit.facts:
        solver.add(clause)
    first, second = solver.fresh(), solver.fresh()
    broken = []
    for clause in clauses:
        solver.add([-first, *clause])
        broken.append(solver.fresh())
        for x in clause:
            solver.add([-broken[-1], -x])
    for x in literals:
        solver.add([-second, x])
    solver.add([-first, *(-x for x in literals)])
    solver.add([-second, *broken])
    return not solver.solve([first]) and not solver.solve([second])


def test_what_is_read_is_what_was_found(rounds: Callable[[int, int], int]) -> None:
    """On the pool, on locks with either encoding of places, and on random Systems: the same states satisfy both."""
    places, all_of_them = (Kind.PC,), (Kind.PC, Kind.STATE)
    cases: list[tuple[System, str, tuple[Kind, ...]]]
    cases = [(pool(8, 2), "no_overlap", ()), (locked(), "atomic", places), (locked(), "atomic", ()), (ring(), "p", all_of_them)]
    for system, prop, separate in cases:
        circuit, reduced, answer = found(system, prop, separate)
        invariant = essence(reduced, answer.cubes, lambda: None)
        assert same(circuit, invariant.clauses(), Reader(circuit, invariant).facts())
    told = 0
    for seed in range(rounds(40, 400)):
        system = random_system(random.Random(7000 + seed), 2, core=True)
        circuit = Circuit(system, (Kind.PC,))
        for p in system.properties:
            reduced = Reduced(circuit, p.name, seed, lambda: None)
            answer_or_not = Search(reduced.problem, lambda frames, clauses: None).run()
            if isinstance(answer_or_not, Safe):
                invariant = essence(reduced, answer_or_not.cubes, lambda: None)
                told += bool(invariant.cubes) + bool(invariant.follows)
                assert same(circuit, invariant.clauses(), Reader(circuit, invariant).facts()), (seed, p.name)
    assert told > 8


def ring() -> System:
    """A number with the values 0, 3, 12 and 15, two copies of it one step behind, and what they say about each other."""
    t = Int(4)
    x, y, z, up = var("x", t), var("y", t), var("z", t), var("up", BOOL)
    new: Expr = const(0, t)
    for value, following in ((12, 15), (3, 12), (0, 3)):
        new = ite(eq(x, const(value, t)), const(following, t), new)
    go = step("go", updates={"x": new, "y": mk("bnot", (x,)), "z": x, "up": not_(up)})
    variables = (Var("x", t, 0), Var("y", t, 0), Var("z", t, 15), Var("up", BOOL, False))
    claims = (Always("p", "p.1", eq(mk("band", (y, z)), const(0, t)), or_(up, le(const(1, t), x))),)
    return System("ring", variables, (go,), (), (Property("p", "T", "monitor"),), claims)


def test_clauses_that_are_no_invariant_are_refuted() -> None:
    circuit, reduced, answer = found(pool(8, 2), "no_overlap")
    with pytest.raises(Refuted):
        essence(reduced, answer.cubes[: len(answer.cubes) // 2], lambda: None)
    assert circuit.latches


def test_an_invariant_is_written_as_masks_values_and_ranges() -> None:
    circuit, reduced, answer = found(pool(8, 2), "no_overlap")
    t = Int(8)
    used, a, b = var("used", t), var("slot0", t), var("slot1", t)
    written = Reader(circuit, essence(reduced, answer.cubes, lambda: None)).facts()
    zero = const(0, t)
    assert eq(mk("band", (a, b)), zero) in written
    assert eq(mk("band", (mk("bnot", (used,)), a)), zero) in written
