"""``prove`` of whole folders: what is the same by its IR is not checked, and a table says what became of the rest."""

from __future__ import annotations

import difflib
import json
import re
import shutil
from pathlib import Path

import pytest

from dmaverify.cli.main import run
from dmaverify.patches.prove import prove
from dmaverify.patches.results import PatchReport
from dmaverify.patches.sides import with_patch
from dmaverify.report.page import plain
from dmaverify.report.patch import lines

ROOT = Path(__file__).parent.parent

MODULE = """\
module counters
var count : u8 = 0
event counted(n: u8)
proc once(by: u8) {
    count = count + by
    emit counted(count)
}
proc half(n: u8) -> u8 ensures result <= n { return n / 2 }
lemma halves for n: u64: n / 2 <= n
"""

SCENARIOS = {
    "plain": "scenario plain\nimport counters\nsequence s on cpu0 {\n    once(1)\n    assert count == 1\n}\n",
    "variants": """\
scenario variants
import counters
sequence s on cpu0 {
    once(1)
    assert count < 9
}
check only asserts
variant more {
    replace sequence s on cpu0 {
        let n = half(4)
        once(n)
        assert count < 9
    }
}
""",
    "numbers": "scenario numbers\nimport counters\ncheck only halves\n",
    "promise": "scenario promise\nimport counters\nsequence s on cpu0 { let n = half(2) }\n",
    "elsewhere": "scenario elsewhere\nsequence s on cpu0 { assert true }\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module, and scenarios that stand on it in different ways; one does not."""
    (tmp_path / "models").mkdir()
    (tmp_path / "boards").mkdir()
    (tmp_path / "models" / "counters.dma").write_text(MODULE, encoding="utf-8")
    for name, text in SCENARIOS.items():
        (tmp_path / "boards" / f"{name}.dma").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def patch(project: Path, new: str, name: str = "models/counters.dma") -> Path:
    old = (project / name).read_text(encoding="utf-8")
    assert new != old
    diff = project / "p.diff"
    hunks = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    diff.write_text("".join(hunks), encoding="utf-8")
    return diff


def proved(project: Path, new: str, name: str = "models/counters.dma", jobs: int = 1) -> PatchReport:
    return prove(with_patch(patch(project, new, name), [project / "boards"]), jobs=jobs)


def unchecked(report: PatchReport) -> dict[str, list[str]]:
    return {s.name: [v.name or "base" for v in s.variants if v.unchecked] for s in report.scenarios if not s.untouched}


@pytest.mark.parametrize("jobs", [1, 2])
def test_another_name_changes_nothing_and_nothing_is_checked(project: Path, jobs: int) -> None:
    new = MODULE.replace("count = count + by\n    emit counted(count)", "total = total + amount\n    emit counted(total)")
    new = new.replace("var count", "var total").replace("(by: u8)", "(amount: u8)")
    # what scenarios call it stays
    new = new.replace("total", "count").replace("proc once", "// moved\n\nproc once")
    report = proved(project, new, jobs=jobs)
    assert unchecked(report) == {"plain": ["base"], "variants": ["base", "more"], "numbers": ["base"], "promise": ["base"]}
    assert [s.name for s in report.scenarios if s.untouched] == ["elsewhere"]
    assert report.exit_status == 0 and report.before.scenarios == []
    text = plain(lines(report))
    assert re.search(r"^variants, 2 variants +the same \(equal IR\)$", text, re.MULTILINE)
    assert "changes nothing, 5 variants compared: 0 better, 0 worse, 5 the same by their IR and not checked" in text
    assert "not there" not in text


def test_what_is_different_is_checked(project: Path) -> None:
    report = proved(project, MODULE.replace("return n / 2 }", "return n / 4 }"))
    assert unchecked(report) == {"plain": ["base"], "variants": ["base"], "numbers": ["base"], "promise": []}
    more = next(s for s in report.scenarios if s.name == "variants").variants[1]
    assert more.equality is not None and more.equality.word == "different"
    text = plain(lines(report))
    assert re.search(r"^variants +base: the same \(equal IR\)\n +more: keeps every verdict; other events$", text, re.MULTILINE)


def test_lemmas_over_numbers_are_compared(project: Path) -> None:
    """Nothing runs in this scenario: its Systems are the same, and the lemma is not."""
    report = proved(project, MODULE.replace("n / 2 <= n", "n / 2 < n"))
    assert unchecked(report)["numbers"] == []
    (p,) = [p for s in report.scenarios if s.name == "numbers" for v in s.variants for p in v.properties if p.name == "halves"]
    assert p.verdict == "breaks"


def test_what_procs_ensure_is_compared(project: Path) -> None:
    """The System of the scenario is the same, as nothing in it looks at the promise."""
    report = proved(project, MODULE.replace("result <= n {", "result < n {"))
    assert unchecked(report)["promise"] == []
    (p,) = [p for s in report.scenarios if s.name == "promise" for v in s.variants for p in v.properties if p.name == "contract half"]
    assert p.verdict == "breaks"


def test_a_scenario_whose_own_text_differs_is_checked(project: Path) -> None:
    """Its System may be the same, and what it expects is not."""
    new = SCENARIOS["plain"] + "expect asserts violated\n"
    report = proved(project, new, "boards/plain.dma")
    assert unchecked(report) == {"plain": []}
    assert report.exit_status == 1


def test_a_scenario_that_is_named_is_checked(project: Path) -> None:
    diff = patch(project, MODULE.replace("proc once", "// moved\n\nproc once"))
    report = prove(with_patch(diff, [project / "boards" / "plain.dma"]), jobs=1)
    (v,) = report.scenarios[0].variants
    assert not v.unchecked and {p.verdict for p in v.properties} == {"changes nothing"}


def test_one_side_that_does_not_compile(project: Path) -> None:
    report = proved(project, MODULE.replace("proc half", "proc halve"))
    assert report.exit_status == 2
    text = plain(lines(report))
    assert "wrong input" in text and "after: error[DMA0" in text
    assert unchecked(report)["plain"] == ["base"]


def test_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    diff = patch(project, MODULE.replace("proc once", "// moved\n\nproc once"))
    assert run(["prove", "--format", "json", "-j", "1", "--patch", str(diff), "boards"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert {v["unchecked"] for s in data["scenarios"] for v in s["variants"]} == {True}


def test_boards_on_a_kernel_file_that_calls_things_by_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three boards, one of them with an allocator that is taken by its contract; a file that all of them stand on."""
    monkeypatch.chdir(ROOT)
    boards = tmp_path / "boards"
    boards.mkdir()
    for name in ("zero-size", "large-pool", "outer-order"):
        shutil.copy(ROOT / "models" / "boards" / f"{name}.dma", boards)
    name = "models/linux/drivers/base/dma-coherent.dma"
    old = (ROOT / name).read_text(encoding="utf-8")
    new = re.sub(r"\bpage_in\b", "page_at", old).replace("dma_mem", "mem_of")
    first, last = new.index("proc zero_fresh("), new.index("proc dma_alloc_from_coherent(")
    new = new[:first] + new[last:] + "\n" + new[first:last]  # another order
    hunks = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}")
    diff = tmp_path / "names.diff"
    diff.write_text("".join(hunks), encoding="utf-8")
    report = prove(with_patch(diff, [boards]), variant="base", jobs=1)
    assert unchecked(report) == {"large_pool": ["base"], "outer_order": ["base"], "zero_size": ["base"]}
    assert "changes nothing" in plain(lines(report))
