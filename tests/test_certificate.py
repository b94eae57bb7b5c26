"""Certificates: accepted by the other solver in a fresh process; refused when anything about them is not as it should be."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dmaverify.engines import recheck
from dmaverify.engines.base import Budget
from dmaverify.engines.certificate import FILES, INVARIANT, OBLIGATIONS, Refused, certify, claim, digest, run_recheck, write
from dmaverify.engines.induction import Induction
from dmaverify.engines.owed import owed
from dmaverify.engines.reprint import Reprint, Unprintable
from dmaverify.engines.smt.solver import SOLVERS, SolverName
from dmaverify.ir.expr import TRUE, Expr, const, eq, lt, mk, raw, var
from dmaverify.ir.ops import OPS
from dmaverify.ir.system import Always, Check, Property, System, Var
from dmaverify.ir.types import BOOL, Int, Opt
from dmaverify.verdict import Word
from tests.support.symbolic_systems import frozen, locked, pool, step
from tests.test_smt_ops import INTS, build, meaning, shapes, tuples


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that was accepted."""
    folder = tmp_path_factory.mktemp("certificates")
    (outcome,) = Induction(certificates=folder).run(pool(16, 2), ("no_overlap",), Budget())
    assert outcome.word is Word.PROVED and outcome.certificate is not None
    return Path(outcome.certificate)


@pytest.fixture
def copy(accepted: Path, tmp_path: Path) -> Path:
    """One's own copy of it."""
    shutil.copytree(accepted, tmp_path / "c")
    return tmp_path / "c"


def change(folder: Path, name: str, edit: Callable[[str], str], *, hide: bool) -> None:
    """Edit a file; ``hide``: and make the manifest agree."""
    path = folder / name
    text = edit(path.read_text())
    assert text != path.read_text(), "the edit does nothing"
    path.write_text(text)
    if hide:
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["sha256"][name] = digest(text)
        if name in manifest["unsat"]:
            manifest["unsat"][name] = text.count("(check-sat)")
        (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("solver", SOLVERS)
def test_both_solvers_accept_it(accepted: Path, solver: SolverName) -> None:
    assert recheck.check(accepted, solver) > 10
    run_recheck(accepted, solver, Budget())  # in a fresh process


def test_what_it_consists_of(accepted: Path) -> None:
    names = {p.name for p in accepted.iterdir()}
    assert names == {"manifest.json", *FILES}
    manifest = json.loads((accepted / "manifest.json").read_text())
    assert manifest["property"] == "no_overlap" and manifest["found_by"] == "bitwuzla"
    assert manifest["unsat"]["step.smt2"] == 8
    assert "(define-fun inv.0" in (accepted / "init.smt2").read_text()


def test_the_command_line(accepted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert recheck.main([str(accepted), "--solver", "bitwuzla"]) == 0
    assert capsys.readouterr().out.startswith("accepted: ")
    assert recheck.main([str(tmp_path)]) == 1
    assert "refused: no manifest" in capsys.readouterr().out


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(copy: Path, name: str) -> None:
    change(copy, name, lambda text: text + "\n", hide=False)
    with pytest.raises(Refused, match="not the file that the manifest names"):
        recheck.check(copy, "bitwuzla")


def test_a_missing_file_is_refused(copy: Path) -> None:
    (copy / "step.smt2").unlink()
    with pytest.raises(Refused, match=r"step\.smt2"):
        recheck.check(copy, "bitwuzla")


@pytest.mark.parametrize("solver", SOLVERS)
def test_an_obligation_that_does_not_hold_is_refused(copy: Path, solver: SolverName) -> None:
    """The invariant is dropped from what may be assumed before a step."""

    def weaker(text: str) -> str:
        lines = text.splitlines()
        at = next(n for n, line in enumerate(lines) if line.startswith("(assert (and (inv."))
        return "\n".join([*lines[:at], *lines[at + 1 :]]) + "\n"

    change(copy, "step.smt2", weaker, hide=True)
    with pytest.raises(Refused, match=r"step\.smt2: answer \d+ of 8 is sat"):
        recheck.check(copy, solver)


def test_questions_that_are_left_out_are_missed(copy: Path) -> None:
    change(copy, "step.smt2", lambda text: text.replace("(check-sat)", "", 1), hide=True)
    with pytest.raises(Refused, match="asks 7 times, 8 are needed"):
        recheck.check(copy, "bitwuzla")


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_broken_script_is_refused(copy: Path, solver: SolverName) -> None:
    change(copy, "safe.smt2", lambda text: text.replace("inv.0", "inv.99", 1), hide=True)
    with pytest.raises(Refused):
        recheck.check(copy, solver)


def test_files_that_say_nothing_are_caught_by_the_second_printer(copy: Path) -> None:
    """All three scripts are made trivially unsatisfiable, and system.ir claims an invariant that is none."""
    for name in OBLIGATIONS:
        count = json.loads((copy / "manifest.json").read_text())["unsat"][name]
        change(copy, name, lambda _, n=count: "(assert false)\n" + "(check-sat)\n" * n, hide=True)  # type: ignore[misc]
    with pytest.raises(Refused, match=r"init\.smt2 does not say what system\.ir does"):
        recheck.check(copy, "bitwuzla")
    lines = (copy / "system.ir").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"always {INVARIANT} ")]
    assert len(kept) < len(lines)
    change(copy, "system.ir", lambda _: "\n".join(kept) + "\n", hide=True)
    with pytest.raises(Refused, match=r"always|step|check"):
        recheck.check(copy, "bitwuzla")


def test_a_system_without_the_property_is_refused(copy: Path) -> None:
    change(copy, "system.ir", lambda text: text.replace("no_overlap", "something_else"), hide=True)
    with pytest.raises(Refused, match="says nothing about no_overlap"):
        recheck.check(copy, "bitwuzla")


def invariant_of(*conditions: Expr) -> list[tuple[str, Expr]]:
    """Named facts."""
    return [(f"i{n}", c) for n, c in enumerate(conditions)]


def test_a_wrong_invariant_is_refused_in_a_fresh_process() -> None:
    system = pool(8, 2)
    own = [(w.label, w.cond) for w in system.always]
    with pytest.raises(Refused, match=r"step\.smt2"):
        certify(system, "no_overlap", own, [], None, "z3", Budget())
    wrong = eq(var("used", Int(8)), const(1, Int(8)))
    with pytest.raises(Refused, match=r"init\.smt2"):
        certify(system, "no_overlap", invariant_of(wrong), [], None, "z3", Budget())


def test_an_invariant_that_does_not_imply_the_property_is_refused() -> None:
    with pytest.raises(Refused, match=r"safe\.smt2"):
        certify(pool(8, 2), "no_overlap", invariant_of(TRUE), [], None, "bitwuzla", Budget())
    system = frozen(32)
    (check,) = system.actions[0].checks
    with pytest.raises(Refused, match=r"safe\.smt2"):
        certify(system, "fits", invariant_of(TRUE), [(0, check)], None, "bitwuzla", Budget())


def test_checks_that_merely_end_runs_need_not_be_shown() -> None:
    x = var("x", BOOL)
    effects = (Check("builtin", "b.1", TRUE, x, stop=True), Check("p", "p.1", TRUE, TRUE))
    system = System("s", (Var("x", BOOL, False),), (step("go", effects=effects),), (), (Property("p", "T", "monitor"),))
    assert certify(system, "p", [], [], None, "z3", Budget()).facts == 0
    # the same check as one of the property's own must be shown
    own = replace(effects[0], prop="p")
    system = system.with_(actions=(replace(system.actions[0], effects=(own,)),))
    with pytest.raises(Refused):
        certify(system, "p", [], [], None, "z3", Budget())


def test_threads_and_checks_are_in_the_certificate(tmp_path: Path) -> None:
    (outcome,) = Induction(certificates=tmp_path).run(locked(), ("atomic",), Budget())
    assert outcome.certificate == str(tmp_path / "atomic-1")
    (again,) = Induction(certificates=tmp_path).run(locked(), ("atomic",), Budget())
    assert again.certificate == str(tmp_path / "atomic-2"), "nothing is overwritten"
    manifest = json.loads((tmp_path / "atomic-1" / "manifest.json").read_text())
    assert manifest["unsat"]["safe.smt2"] == 2


def test_the_claimed_system_keeps_what_matters() -> None:
    system = locked()
    claimed = claim(system, "atomic", invariant_of(TRUE), [])
    assert [w.prop for w in claimed.always] == [INVARIANT]
    assert sum(len(list(a.checks)) for a in claimed.actions) == 2
    assert all(a.updates == b.updates for a, b in zip(claimed.actions, system.actions, strict=True))


# -- what is the same up to names, and what is near ----------------------------------------------------------------------


def counters(ends: tuple[int, ...]) -> System:
    """Counters that go up to an end each; below three, they say."""
    t = Int(3)
    n = [var(f"n{k}", t) for k in range(len(ends))]
    actions = tuple(
        step(f"up{k}", guard=lt(v, const(end, t)), updates={f"n{k}": mk("add", (v, const(1, t)))})
        for k, (v, end) in enumerate(zip(n, ends, strict=True))
    )
    always = tuple(Always("below", f"below{k}", lt(v, const(3, t))) for k, v in enumerate(n))
    variables = tuple(Var(f"n{k}", t, 0) for k in range(len(ends)))
    return System("counters", variables, actions, properties=(Property("below", "T", "monitor"),), always=always)


def exchange(a: int, b: int) -> dict[str, str]:
    return {f"n{a}": f"n{b}", f"n{b}": f"n{a}"}


def stated(system: System) -> list[tuple[str, Expr]]:
    return [(w.label, w.cond) for w in system.always]


@pytest.mark.parametrize("near", [False, True])
def test_of_what_is_alike_one_is_asked(near: bool, tmp_path: Path) -> None:
    system = counters((2, 2, 2, 1))
    renamings = [exchange(0, 1), exchange(0, 2)]
    made = certify(system, "below", stated(system), [], tmp_path, "z3", Budget(), renamings=renamings, near=near)
    assert made.folder is not None
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["unsat"] == {"init.smt2": 1, "step.smt2": 2, "safe.smt2": 2}
    few, each = (recheck.check(made.folder, "bitwuzla", each) for each in (False, True))
    assert each == few + 2 + 2, "two more actions, and two more that the property says, by the second printer"


def test_variables_that_are_not_alike_are_not_exchanged(tmp_path: Path) -> None:
    system = counters((2, 2, 1))
    made = certify(system, "below", stated(system), [], tmp_path, "z3", Budget(), renamings=[exchange(0, 2)])
    assert made.folder is not None, "only each is asked"
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["exchange"] == [] and manifest["unsat"]["step.smt2"] == 3
    for said in ([sorted(exchange(0, 2).items())], [[["n0", "n1"]]], [[["n0", "nobody"], ["nobody", "n0"]]], "n0", [[["n0"]]]):
        (made.folder / "manifest.json").write_text(json.dumps({**manifest, "exchange": said}))
        with pytest.raises(Refused, match=r"exchanges too much|another format"):
            recheck.check(made.folder, "z3")


def test_what_is_near_may_be_too_little() -> None:
    """What is known of the number that is copied is known by way of one that the action does not read."""
    system = counters((2, 2, 2))
    n = [var(f"n{k}", Int(3)) for k in range(3)]
    low = [lt(v, const(3, Int(3))) for v in n]
    system = system.with_(actions=(step("copy", updates={"n1": n[0]}),), always=(Always("below", "b", low[1]),))
    direct, roundabout = invariant_of(low[1], low[0]), invariant_of(low[1], eq(n[0], n[2]), low[2])
    assert certify(system, "below", direct, [], None, "z3", Budget(), near=True).facts == 2
    assert certify(system, "below", roundabout, [], None, "z3", Budget()).facts == 3
    with pytest.raises(Refused, match=r"step\.smt2"):
        certify(system, "below", roundabout, [], None, "z3", Budget(), near=True)


# -- the second printer ------------------------------------------------------------------------------------------------


def holds(expression: Expr) -> bool:
    """Whether the second printer and z3 think that a closed condition is true (an initial state that it names)."""
    system = System(
        "s",
        (Var("x", BOOL, False),),
        (),
        (),
        (Property(INVARIANT, "I", "lemma"),),
        (Always(INVARIANT, "i", expression),),
    )
    (_, text), *_ = Reprint(system, "p", INVARIANT).scripts(owed(system, "p", INVARIANT))
    return recheck.answers(text, "bitwuzla") == ["unsat"]


def test_the_second_printer_means_the_same_by_every_operator() -> None:
    rng = random.Random(5)
    conditions = []
    for op, types, own in shapes():
        names = [f"x{i}" for i in range(len(types))]
        node = build(op, types, own, names)
        for values in tuples(op, types, rng)[:6]:
            args = tuple(raw("const", t, (), v) for t, v in zip(types, values, strict=True))
            closed = raw(op, node.type, args)
            conditions.append(raw("eq", BOOL, (closed, const(meaning(node, values), node.type))))
    assert len(conditions) > 6 * len(INTS)
    assert {c.args[0].op for c in conditions} <= set(OPS)
    assert holds(raw("and", BOOL, tuple(conditions)))
    for c in conditions[::50]:
        assert not holds(raw("not", BOOL, (c,)))


def test_the_second_printer_refuses_what_is_not_core() -> None:
    system = System("s", (Var("x", Opt(BOOL), None),), ())
    with pytest.raises(Unprintable):
        list(Reprint(system, "p", INVARIANT).scripts(owed(system, "p", INVARIANT)))


def test_a_certificate_can_be_written_anywhere(tmp_path: Path) -> None:
    system = pool(8, 2, lemma=True)
    facts = [(w.label, w.cond) for w in system.always]
    folder = tmp_path / "deep" / "er"
    write(claim(system, "no_overlap", facts, []), "no_overlap", folder, "z3")
    assert recheck.check(folder, "bitwuzla") > 0
