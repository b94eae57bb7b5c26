"""``prove``: verdicts before and after a patch, however the two sides are named."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from dmaverify import texts
from dmaverify.checking.problems import WrongInput
from dmaverify.cli.main import run
from dmaverify.patches.diff import read_patch
from dmaverify.patches.prove import prove
from dmaverify.patches.results import PatchReport
from dmaverify.patches.sides import two_paths, with_base, with_patch
from dmaverify.patches.verdict import judge
from dmaverify.report.page import plain
from dmaverify.report.patch import lines
from dmaverify.results import Expectation, PropertyResult
from dmaverify.verdict import Word

MODULE = """\
module counters
var count : u8 = 0
var flag  : bool = false
proc once() {
    count = count + 1
}
proc twice() {
    once()
    once()
}
"""

SCENARIO = """\
scenario counting
import counters
{monitors}
sequence driver on cpu0 {{ twice() }}
check only asserts
"""


def verdicts(report: PatchReport) -> dict[str, str]:
    return {p.name: p.verdict for _, _, p in report.all_properties()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project: a module, and a scenario that asserts two things about it."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "counters.dma").write_text(MODULE, encoding="utf-8")
    text = """\
scenario counting
import counters
sequence driver on cpu0 {
    twice()
    assert count == 2
}
"""
    (tmp_path / "counting.dma").write_text(text, encoding="utf-8")
    return tmp_path


# -- the verdict on a property


def result(word: Word, expected: str | None = None, **more: object) -> PropertyResult:
    r = PropertyResult("p", "", word, **more)  # type: ignore[arg-type]
    r.expected = None if expected is None else Expectation(expected)
    return r


@pytest.mark.parametrize(
    "before, after, verdict, status",
    [
        (Word.VIOLATED, Word.EXHAUSTED, "fixes", 0),
        (Word.VIOLATED, Word.PROVED, "fixes", 0),
        (Word.VIOLATED, Word.VIOLATED, "does not fix", 1),
        (Word.EXHAUSTED, Word.VIOLATED, "breaks", 1),
        (Word.VACUOUS, Word.VIOLATED, "breaks", 1),
        (Word.BOUNDED, Word.VIOLATED, "breaks", 1),
        (Word.PROVED, Word.EXHAUSTED, "keeps", 0),
        (Word.VACUOUS, Word.EXHAUSTED, "keeps", 0),
        (Word.VIOLATED, Word.VACUOUS, "unclear", 4),
        (Word.EXHAUSTED, Word.VACUOUS, "unclear", 4),
        (Word.VIOLATED, Word.UNKNOWN, "unclear", 3),
        (Word.UNKNOWN, Word.EXHAUSTED, "unclear", 3),
        (Word.SAMPLED, Word.EXHAUSTED, "unclear", 3),
    ],
)
def test_verdict_of_a_patch(before: Word, after: Word, verdict: str, status: int) -> None:
    from dmaverify.report.expectations import settle

    old, new = result(before), result(after)
    settle(new)
    found = judge("p", old, new)
    assert (found.verdict, found.status) == (verdict, status)


def test_a_bound_on_either_side_is_said() -> None:
    found = judge("p", result(Word.VIOLATED), result(Word.BOUNDED, depth=12))
    assert (found.verdict, found.depth) == ("fixes", 12)
    found = judge("p", result(Word.BOUNDED, depth=9), result(Word.BOUNDED, depth=12))
    assert (found.verdict, found.depth) == ("keeps", 9)
    assert judge("p", result(Word.BOUNDED, depth=9), result(Word.VIOLATED)).depth is None


def test_equal_sides_change_nothing_only_where_the_verdicts_agree() -> None:
    assert judge("p", result(Word.VIOLATED), result(Word.VIOLATED), equal=True).verdict == "changes nothing"
    assert judge("p", result(Word.PROVED), result(Word.EXHAUSTED), equal=True).verdict == "changes nothing"
    assert judge("p", result(Word.EXHAUSTED), result(Word.VIOLATED), equal=True).verdict == "breaks"


def test_what_is_broken_counts_whatever_is_expected() -> None:
    assert judge("p", result(Word.PROVED), result(Word.VIOLATED, "violated")).status == 1


def test_covers_are_as_they_should_be_or_not() -> None:
    yes, no = result(Word.EXHAUSTED, kind="cover", reached=True), result(Word.EXHAUSTED, kind="cover", reached=False)
    assert judge("c", no, yes).verdict == "fixes"
    assert judge("c", yes, no).verdict == "breaks"
    refused = result(Word.EXHAUSTED, "unreachable", kind="cover", reached=False)
    assert judge("c", refused, refused).verdict == "keeps"


# -- diffs


def diff_of(old: str, new: str, name: str) -> str:
    import difflib

    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{name}", f"b/{name}"))


def test_a_diff_is_applied_where_its_lines_stand(project: Path) -> None:
    new = MODULE.replace("count + 1", "count + 2")
    diff = project / "fix.diff"
    # the lines have moved since the diff was made
    diff.write_text(diff_of(MODULE, new, "models/counters.dma"), encoding="utf-8")
    file = project / "models" / "counters.dma"
    file.write_text("// a remark\n// another\n" + MODULE, encoding="utf-8")
    (touched,) = read_patch(diff, [project])
    assert touched.path == file.resolve()
    assert touched.after == "// a remark\n// another\n" + new
    assert file.read_text(encoding="utf-8").startswith("// a remark"), "no file is written"


@pytest.mark.parametrize("name", ["models/counters.dma", "counters.dma", "some/other/tree/models/counters.dma"])
def test_a_diff_finds_its_file(project: Path, name: str) -> None:
    diff = project / "fix.diff"
    diff.write_text(diff_of(MODULE, MODULE.replace("+ 1", "+ 2"), name), encoding="utf-8")
    (touched,) = read_patch(diff, [project, project / "models"])
    assert touched.path.name == "counters.dma"


def test_diffs_that_do_not_apply_are_wrong_input(project: Path) -> None:
    diff = project / "fix.diff"
    for text, said in [
        ("no diff at all\n", "changes no .dma file"),
        (diff_of(MODULE, MODULE.replace("+ 1", "+ 2"), "README.md"), "changes no .dma file"),
        (diff_of(MODULE, MODULE.replace("+ 1", "+ 2"), "absent.dma"), "no such file"),
        (diff_of(MODULE.replace("count", "total"), MODULE, "models/counters.dma"), "does not apply"),
    ]:
        diff.write_text(text, encoding="utf-8")
        with pytest.raises(WrongInput, match=said):
            read_patch(diff, [project])


def test_files_are_added_removed_and_renamed(project: Path) -> None:
    diff = project / "fix.diff"
    added = "".join(f"+{x}\n" for x in MODULE.splitlines())
    count = len(MODULE.splitlines())
    diff.write_text(f"--- /dev/null\n+++ b/models/more.dma\n@@ -0,0 +1,{count} @@\n{added}", encoding="utf-8")
    (touched,) = read_patch(diff, [project])
    assert (touched.path, touched.before, touched.after) == ((project / "models/more.dma").resolve(), None, MODULE)
    removed = added.replace("+", "-")
    diff.write_text(f"--- a/models/counters.dma\n+++ /dev/null\n@@ -1,{count} +0,0 @@\n{removed}", encoding="utf-8")
    # `count + 1` holds a sign of its own
    diff.write_text(diff.read_text().replace("count - 1", "count + 1"), encoding="utf-8")
    (touched,) = read_patch(diff, [project])
    assert touched.after is None
    head = "diff --git a/models/counters.dma b/models/numbers.dma\nsimilarity index 90%\nrename from models/counters.dma\n"
    text = diff_of(MODULE, MODULE.replace("module counters", "module numbers"), "models/counters.dma")
    text = text.replace("+++ b/models/counters.dma", "+++ b/models/numbers.dma")
    diff.write_text(f"{head}rename to models/numbers.dma\n{text}", encoding="utf-8")
    gone, there = read_patch(diff, [project])
    assert gone.after is None and gone.path.name == "counters.dma"
    assert there.path == (project / "models/numbers.dma").resolve() and there.after is not None


# -- texts in memory


def test_an_overlay_stands_in_the_place_of_files(project: Path) -> None:
    file = project / "models" / "counters.dma"
    new = project / "models" / "new" / "more.dma"
    with texts.overlaid({str(file.resolve()): None, str(new.resolve()): "module new.more\n"}):
        assert not texts.is_file(file)
        with pytest.raises(FileNotFoundError):
            texts.read_text(file)
        assert [p.name for p in texts.files_in(project / "models")] == ["new"]
        assert texts.is_folder(project / "models" / "new")
        assert texts.added_below(project) == [project / "models" / "new" / "more.dma"]
    assert texts.read_text(file) == MODULE


# -- the command


def test_a_patch_that_fixes(project: Path) -> None:
    file = project / "models" / "counters.dma"
    file.write_text(MODULE.replace("+ 1", "+ 2"), encoding="utf-8")
    diff = project / "fix.diff"
    diff.write_text(diff_of(MODULE.replace("+ 1", "+ 2"), MODULE, "models/counters.dma"), encoding="utf-8")
    report = prove(with_patch(diff, [project / "counting.dma"]), jobs=1, compare=False)
    assert verdicts(report)["asserts"] == "fixes"
    assert report.exit_status == 0
    assert [(c.module, c.declarations) for c in report.changed] == [("counters", ("once",))]
    text = plain(lines(report))
    assert "fixes asserts" in text and "before the patch:" in text and "after the patch:" not in text
    # the trace is told from the text of its own side
    assert "count = count + 2" in text and "count = count + 1" not in text
    assert f"dmaverify prove --patch {diff}" in text, "a check would not know the other text"


def test_a_patch_that_fixes_one_and_breaks_another_tells_both_traces(tmp_path: Path) -> None:
    common = """\
scenario s
var a : bool = false
var b : bool = false
event did(what: bool)
monitor first code DMA901 {
    ghost n : bool = false
    on did(w) { n = w }
    always { assert not n or a }
}
monitor second code DMA902 {
    ghost n : bool = false
    on did(w) { n = w }
    always { assert not n or b }
}
sequence driver on cpu0 {
    %s = true
    emit did(true)
}
check only first, second
"""
    (tmp_path / "before.dma").write_text(common % "b", encoding="utf-8")
    (tmp_path / "after.dma").write_text(common % "a", encoding="utf-8")
    report = prove(two_paths(tmp_path / "before.dma", tmp_path / "after.dma"), jobs=1, compare=False)
    assert {n: v for n, v in verdicts(report).items() if n in ("first", "second")} == {"first": "fixes", "second": "breaks"}
    assert report.exit_status == 1
    text = plain(lines(report))
    assert "fixes first, breaks second" in text
    assert text.index("before the patch:") < text.index("after the patch:")


def test_since_a_revision(project: Path) -> None:
    def git(*args: str) -> None:
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@y", *args], cwd=project, check=True, capture_output=True)

    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    (project / "models" / "counters.dma").write_text(MODULE.replace("+ 1", "+ 2"), encoding="utf-8")
    report = prove(with_base("HEAD", [project]), jobs=1, compare=False)
    assert verdicts(report)["asserts"] == "breaks"
    assert report.exit_status == 1
    with pytest.raises(WrongInput, match="no revision"):
        with_base("nosuch", [project])


def test_folders_are_compared_place_by_place(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("after") / "tree"
    shutil.copytree(project, other)
    (other / "models" / "counters.dma").write_text(MODULE.replace("+ 1", "+ 2"), encoding="utf-8")
    (other / "lonely.dma").write_text("scenario lonely\nsequence s on cpu0 { assert true }\n", encoding="utf-8")
    report = prove(two_paths(project, other), jobs=1, compare=False)
    assert [s.name for s in report.scenarios] == ["counting", "lonely"]
    assert report.scenarios[1].before is None
    assert verdicts(report)["asserts"] in ("breaks", "unclear")
    assert "not there before the patch" in plain(lines(report))
    # nothing differs: nothing is checked
    same = prove(two_paths(project, project), jobs=1, compare=False)
    assert [s.untouched for s in same.scenarios] == [True]
    assert same.exit_status == 0


def test_a_side_that_does_not_compile_is_wrong_input(project: Path) -> None:
    diff = project / "fix.diff"
    diff.write_text(diff_of(MODULE, MODULE.replace("proc once", "proc one"), "models/counters.dma"), encoding="utf-8")
    report = prove(with_patch(diff, [project / "counting.dma"]), jobs=1)
    assert report.exit_status == 2
    text = plain(lines(report))
    assert "after: error[DMA0" in text and "before: error" not in text


def test_usage(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = str(project / "counting.dma")
    assert run(["prove", scenario]) == 2
    assert "BEFORE and AFTER" in capsys.readouterr().err
    assert run(["prove", "--base", "HEAD", "--patch", scenario, scenario]) == 2
    assert run(["prove", scenario, str(project)]) == 2
    assert "two files or two folders" in capsys.readouterr().err


def test_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = str(project / "counting.dma")
    assert run(["prove", "--format", "json", "-j", "1", scenario, scenario]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["format"] == "dmaverify-patch 1"
    (s,) = data["scenarios"]
    found = {p["name"]: p["verdict"] for p in s["variants"][0]["properties"]}
    assert found["asserts"] == "changes nothing"
    assert data["before"]["scenarios"][0]["name"] == "counting"
