"""``refine`` at the command line and with wrong input: what does not fit, what is expected, folders, JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dmaverify.cli.main import run
from dmaverify.refinement.results import DIFFERS, REFINES
from dmaverify.refinement.run import refine
from dmaverify.report.page import plain
from dmaverify.report.refinement import lines
from tests.support.refining import TAKERS, answered, ask, changed, made_in


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return made_in(tmp_path)


DEMAND = "proc put(n: u32)\n    requires n < 3 and owned[n]\n{\n    atomic {\n        owned[n] = false\n        emit back(n)\n    }\n}"


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("module promise", "module promised", "DMA032", "promised"),
        (DEMAND, "proc put(m: u32) { emit back(m) }", "DMA093", "put is (m: "),
        (DEMAND, "proc put(n: u32) -> bool { emit back(n)\n return true }", "DMA093", "put returns (result: bool) in promise"),
        (DEMAND, "proc give_back(n: u32) { emit back(n) }", "DMA050", "stands in the place of all that it imports"),
        ("event given(n: u32)", "event given(n: u64)", "DMA093", "given is (n: u64)"),
    ],
)
def test_contracts_that_do_not_fit_are_wrong_input(project: Path, old: str, new: str, code: str, said: str) -> None:
    changed(project, old, new, module="promise")
    if "u64" in new:
        changed(project, "emit given(u32(found))", "emit given(u64(found))", module="promise")
    v = ask(project)
    assert v.exit_status == 2
    assert code in v.diagnostics[0] and said in "\n".join(v.diagnostics)
    assert "promise.dma" in v.diagnostics[0] or "s.dma" in v.diagnostics[0]
    assert not v.internal


def test_what_nobody_calls_may_stay_open(project: Path) -> None:
    changed(project, "module promise", "module promise\nopen proc more()\nproc most() { more() }", module="promise")
    assert answered(ask(project)).word == REFINES


def test_memory_must_be_cut_alike(project: Path) -> None:
    model = "module cuts\nimport spec.api\nevent seen(c: Cell)\nproc look(at: phys) { for c in cells(at, 100) { emit seen(c) } }\n"
    promise = "module uncut\nimport spec.api\nevent seen(c: Cell)\nproc look(at: phys) { for c in cells(at, 4K) { emit seen(c) } }\n"
    (project / "models" / "cuts.dma").write_text(model, encoding="utf-8")
    (project / "models" / "uncut.dma").write_text(promise, encoding="utf-8")
    text = """\
scenario cut
import cuts
region dram { at 0x8000_0000  size 4K }
sequence s on cpu0 { look(dram.start) }
variant v { replace proc look(at) { for c in cells(at, 200) { emit seen(c) } } }
"""
    assert answered(ask(project, text, "uncut", variant="base")).word == REFINES
    report = refine([project / "s.dma"], "uncut")
    assert plain(lines(report)).count("DMA094") == 1
    v = ask(project, text, "uncut", variant="v")
    assert v.exit_status == 2
    assert "DMA094" in v.diagnostics[0] and "200 bytes from 0x80000000 on are a Cell" in v.diagnostics[0]


def test_names_that_mean_nothing_are_wrong_input(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "s.dma"
    file.write_text(TAKERS, encoding="utf-8")
    promise = str(project / "models" / "promise.dma")
    for args, said in (
        ([str(file), "promises"], "DMA030"),
        ([str(file), str(file)], "DMA043"),
        ([promise, "promise"], "only a scenario can be"),
        ([str(file)], "name scenarios and, behind them, the contract"),
        ([str(file), str(project / "none.dma")], "DMA008"),
        ([str(file), "promise", "--variant", "no"], "has no variant no"),
    ):
        assert run(["refine", *args]) == 2, args
        out = capsys.readouterr()
        assert said in out.out + out.err
        assert "Traceback" not in out.out + out.err
    # by its file it is the same
    assert run(["refine", str(file), promise]) == 0


@pytest.mark.parametrize("wrong", ["refines", "refines()", "refines(3)", "refines(promise, promise)"])
def test_an_expectation_names_a_module(project: Path, wrong: str) -> None:
    v = ask(project, TAKERS.replace("refines(promise)", wrong))
    assert "DMA071" in v.diagnostics[0]


def test_a_check_leaves_alone_what_is_expected_of_refine(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "s.dma").write_text(TAKERS, encoding="utf-8")
    assert run(["check", str(project / "s.dma")]) == 0
    assert "refines" not in capsys.readouterr().out


def test_expected_differences_are_no_failures_and_missing_ones_are(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "s.dma"
    file.write_text(TAKERS.replace("refines(promise) holds", "refines(promise) violated"), encoding="utf-8")
    assert run(["refine", str(file), "promise"]) == 1
    assert "not as expected: expected violated, got exhausted" in capsys.readouterr().out
    changed(project, "    return got", "    return null")
    assert run(["refine", str(file), "promise"]) == 0
    assert "DOES NOT REFINE" in capsys.readouterr().out


def test_the_report_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(project, "    return got", "    return null")
    file = project / "s.dma"
    file.write_text(TAKERS, encoding="utf-8")
    assert run(["refine", str(file), "promise", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["format"], data["contract"], data["exit_status"]) == ("dmaverify-refinement 1", "promise", 1)
    (variant,) = data["scenarios"][0]["variants"]
    answer = variant["answer"]
    assert (answer["word"], variant["expected"]) == (DIFFERS, "holds")
    assert answer["difference"]["last"]["text"] == "get returns null"
    assert answer["difference"]["steps"][0]["file"].endswith(".dma")


def test_a_folder_is_asked_about_this_contract_only(project: Path) -> None:
    folder = project / "scenarios"
    folder.mkdir()
    (folder / "one.dma").write_text(TAKERS, encoding="utf-8")
    other = TAKERS.replace("scenario takers", "scenario others").replace("refines(promise)", "refines(promised)")
    (folder / "other.dma").write_text(other, encoding="utf-8")
    (folder / "silent.dma").write_text(TAKERS.replace("expect refines(promise) holds\n", ""), encoding="utf-8")
    report = refine([folder], "promise")
    assert [s.file.rpartition("/")[2] for s in report.scenarios] == ["one.dma", "silent.dma"]
    assert report.passed_over == ["others"]
    assert "1 scenario about other contracts" in plain(lines(report))
    assert [s.name for s in refine([folder / "other.dma"], "promise").scenarios] == ["others"]
    (folder / "silent.dma").unlink()
    assert refine([folder], "promises").exit_status == 4  # a name that nobody expects anything of
