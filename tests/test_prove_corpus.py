"""A corpus of patches: what is stated is read, compared, and told; and ``prove`` of a diff that stands on another."""

from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from dmaverify.checking.problems import WrongInput
from dmaverify.cli.main import run
from dmaverify.explain.lookup import explain
from dmaverify.lang.diag import DmaError
from dmaverify.patches.corpus import read_corpus, read_entry
from dmaverify.patches.corpus_run import Outcome, prove_corpus
from dmaverify.patches.prose import below, read_prose
from dmaverify.report.corpus import outcome_lines
from dmaverify.report.page import plain

HEADER = """\
/// wrong-sum: the sum is one too high.
/// breaks: SUM, OFF-BY1. kind: fix (of ours). size: S.
/// Seen in file.c of 1.0, and not in 2.0.
/// before: asserts violated. after: asserts holds.
module bugs.wrong_sum.before
"""

BODY = """\
event added(sum: u8)
var sum : u8 = 0
proc add(n: u8) {
    sum = sum + n + 1
    emit added(sum)
}
"""

SCENARIO = """\
/// Two numbers are added.
scenario wrong_sum
import bugs.wrong_sum.before
sequence s on cpu0 {
    add(1)
    add(2)
    assert sum == 3
}
check only asserts
expect asserts violated
"""

FIXED = BODY.replace("n + 1", "n")
HALF = BODY.replace("n + 1", "n + (if n > 1 { 1 } else { 0 })")


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A corpus of one entry: a fix, half of it, and the rest."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "models" / "bugs"
    entry = folder / "wrong-sum"
    entry.mkdir(parents=True)
    (entry / "before.dma").write_text(HEADER + BODY, encoding="utf-8")
    (entry / "scenario.dma").write_text(SCENARIO, encoding="utf-8")
    write(entry, "fix", BODY, FIXED, "")
    write(entry, "half", BODY, HALF, "The first number only.\nverdict: asserts does not fix\n\n")
    write(entry, "rest", HALF, FIXED, "The second one too.\non: half.diff\nverdict: asserts fixes\n\n")
    return folder


def write(entry: Path, name: str, old: str, new: str, prose: str) -> None:
    path = "a/models/bugs/wrong-sum/before.dma", "b/models/bugs/wrong-sum/before.dma"
    hunks = "".join(difflib.unified_diff((HEADER + old).splitlines(True), (HEADER + new).splitlines(True), *path))
    (entry / f"{name}.diff").write_text(prose + hunks, encoding="utf-8")


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def outcome(corpus: Path, name: str) -> tuple[Outcome, str]:
    report = prove_corpus(corpus, jobs=1)
    found = next(o for o in report.outcomes if o.step.name == name)
    return found, plain(outcome_lines(found))


# -- reading


def test_an_entry_is_read(corpus: Path) -> None:
    entry = read_entry(corpus / "wrong-sum")
    assert (entry.title, entry.classes) == ("the sum is one too high.", ("SUM", "OFF-BY1"))
    assert (entry.kind, entry.size) == ("fix (of ours)", "S")
    assert entry.about == "Seen in file.c of 1.0, and not in 2.0."
    assert [(s.name, [p.stem for p in s.on]) for s in entry.steps] == [("fix", []), ("half", []), ("rest", ["half"])]
    fix, half, rest = entry.steps
    assert [str(c) for c in (*fix.before, *fix.after)] == ["asserts violated", "asserts holds"]
    assert [str(c) for c in half.verdicts] == ["asserts does not fix"]
    assert half.prose == "The first number only."
    assert rest.before == (), "the header speaks of before.dma as it stands"


def test_what_is_stated_may_go_on_in_the_next_line_and_name_a_variant(corpus: Path) -> None:
    entry = corpus / "wrong-sum"
    change(entry / "half.diff", "verdict: asserts does not fix", "verdict: asserts does not fix,\n  stale(a, b) keeps in small.")
    _, half, _ = read_entry(entry).steps
    stated = [(c.prop, c.word, c.variant) for c in half.verdicts]
    assert stated == [("asserts", "does not fix", None), ("stale(a, b)", "keeps", "small")]


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        ("before.dma", "asserts violated", "asserts broken", "`asserts broken` is not PROPERTY and one of"),
        ("before.dma", " after: asserts holds.", "", "has no `after:`"),
        ("before.dma", "before: asserts violated.", "", "has no `before:`"),
        ("before.dma", "size: S.", "", "has no `size:`"),
        ("before.dma", "SUM, OFF", "Sum, OFF", "'Sum' is not a class"),
        ("before.dma", "/// wrong-sum:", "/// another:", "does not begin with the entry's name"),
        ("before.dma", "asserts violated", "asserts violated, asserts holds", "stated twice"),
        ("half.diff", "verdict: asserts does not fix\n", "", "states no verdict"),
        ("half.diff", "does not fix", "repairs", "`asserts repairs` is not PROPERTY and one of"),
        ("rest.diff", "on: half.diff", "on: quarter.diff", "stands on quarter.diff, and there is no such file"),
        ("half.diff", "verdict", "on: rest.diff\nverdict", "stand on each other: half.diff on rest.diff on half.diff"),
        ("rest.diff", "on: half.diff", "on: rest.diff", "stand on each other: rest.diff on rest.diff"),
    ],
)
def test_what_does_not_follow_the_layout_is_said(corpus: Path, file: str, old: str, new: str, said: str) -> None:
    path = corpus / "wrong-sum" / file
    change(path, old, new)
    with pytest.raises(DmaError) as caught:
        read_entry(path.parent)
    text = str(caught.value)
    assert said in text
    assert f"wrong-sum/{file}:" in text, "the place is named"
    assert all(d.code in ("DMA096", "DMA097") for d in caught.value.diagnostics)


def test_the_codes_are_explained() -> None:
    for code in ("DMA096", "DMA097"):
        text = explain(code)
        assert text is not None and "diff" in text


def test_an_entry_without_its_files(corpus: Path) -> None:
    (corpus / "wrong-sum" / "fix.diff").unlink()
    entries, wrong = read_corpus(corpus)
    assert entries == []
    assert [d.code for d in wrong] == ["DMA096"] and "has no fix.diff" in wrong[0].message
    # the others are proved nevertheless
    assert prove_corpus(corpus, jobs=1).exit_status == 2


def test_no_such_entry(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="no entry wrong-sun; did you mean wrong-sum"):
        read_corpus(corpus, ["wrong-sun"])
    with pytest.raises(WrongInput, match="there is no entry in"):
        read_corpus(tmp_path)


# -- proving


def test_everything_is_as_stated(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Path("page.md")
    assert run(["prove", "--corpus", "models/bugs", "-j", "2", "--page", str(page)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "wrong-sum/fix.diff: fixes asserts" in lines[0]
    assert "wrong-sum/half.diff: does not fix asserts" in lines[1]
    assert "wrong-sum/rest.diff on half: fixes asserts" in lines[2]
    assert "3 of 3 patches of 1 entry as stated" in lines[3]
    text = page.read_text(encoding="utf-8")
    assert "[wrong-sum](models/bugs/wrong-sum) | SUM, OFF-BY1 | asserts: violated [DMA091]" in text
    assert "`rest.diff` on `half.diff`" in text
    assert "* `half.diff`: The first number only." in text
    assert "dmaverify prove --corpus models/bugs --page" in text


@pytest.mark.parametrize(
    "diff, file, old, new, said",
    [
        ("fix", "before.dma", "asserts violated", "asserts holds", "before: asserts is violated; stated is `asserts holds`"),
        ("fix", "before.dma", "after: asserts holds", "after: asserts violated", "after: asserts is exhausted; stated is"),
        ("fix", "before.dma", "asserts holds", "assertions holds", "`assertions holds` is stated, and no property there fits"),
        ("fix", "scenario.dma", "expect asserts violated", "expect asserts holds", "is not as the scenario expects"),
        ("half", "half.diff", "does not fix", "fixes", "asserts: the patch does not fix it; stated is `asserts fixes`"),
        ("half", "half.diff", "does not fix", "changes nothing", "the patch does not fix it; stated is"),
        ("rest", "rest.diff", "asserts fixes", "bound keeps", "asserts: the patch fixes it, and that is not stated"),
    ],
)
def test_what_is_not_as_stated_is_said(corpus: Path, diff: str, file: str, old: str, new: str, said: str) -> None:
    change(corpus / "wrong-sum" / file, old, new)
    found, text = outcome(corpus, diff)
    assert found.exit_status == 1
    assert said in text and "NOT AS STATED" in text


def test_a_patch_that_changes_nothing(corpus: Path) -> None:
    entry = corpus / "wrong-sum"
    write(entry, "same", BODY, BODY.replace("sum + n + 1", "1 + n + sum"), "verdict: asserts changes nothing\n")
    found, text = outcome(corpus, "same")
    assert found.exit_status == 0, text
    assert "changes nothing about asserts" in text


def test_variants_are_taken_together_unless_they_are_named(corpus: Path) -> None:
    entry = corpus / "wrong-sum"
    scenario = entry / "scenario.dma"
    variant = 'variant none "nothing is added" {\n    replace sequence s on cpu0 { assert sum == 0 }\n    expect all hold\n}\n'
    scenario.write_text(scenario.read_text(encoding="utf-8") + variant, encoding="utf-8")
    found, text = outcome(corpus, "fix")
    assert found.exit_status == 0, text
    assert "fixes asserts in base; keeps asserts in none" in text
    change(entry / "before.dma", "before: asserts violated.", "before: asserts violated, asserts holds in none.")
    assert outcome(corpus, "fix")[0].exit_status == 0
    change(entry / "before.dma", "asserts holds in none.", "asserts violated in none.")
    found, text = outcome(corpus, "fix")
    assert "before: asserts in none is exhausted" in text


def test_a_text_that_does_not_compile_is_wrong_input(corpus: Path) -> None:
    change(corpus / "wrong-sum" / "scenario.dma", "add(2)", "subtract(2)")
    found, text = outcome(corpus, "fix")
    assert found.exit_status == 2
    assert "before and after the patch: error[DMA0" in text


# -- one diff on another


def test_a_diff_that_stands_on_another(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = corpus / "wrong-sum"
    scenario = str(entry / "scenario.dma")
    assert [p.name for p in below(entry / "rest.diff")] == ["half.diff"]
    prose = read_prose(entry / "rest.diff")
    assert prose.on is not None and prose.on.text == "half.diff"
    # by what the diff says itself, and by what the user says
    assert run(["prove", "--no-compare", "-j", "1", "--patch", str(entry / "rest.diff"), scenario]) == 0
    said = capsys.readouterr().out
    assert "rest.diff on models/bugs/wrong-sum/half.diff" in said and "fixes asserts" in said
    assert "--on " in said, "how to see it again"
    change(entry / "rest.diff", "on: half.diff\n", "")
    args = ["prove", "--no-compare", "-j", "1", "--patch", str(entry / "rest.diff"), scenario]
    assert run(args) == 2
    assert "does not apply" in capsys.readouterr().err
    assert run([*args[:4], "--on", str(entry / "half.diff"), *args[4:]]) == 0
    assert "fixes asserts" in capsys.readouterr().out


def test_usage(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    diff = str(corpus / "wrong-sum" / "half.diff")
    scenario = str(corpus / "wrong-sum" / "scenario.dma")
    for args, said in [
        (["--corpus", "models/bugs", scenario], "FILE… cannot be used with --corpus"),
        (["--corpus", "models/bugs", "--patch", diff], "--patch cannot be used with --corpus"),
        (["--corpus", "models/bugs", "--format", "json"], "reported as text"),
        (["--corpus", "models/bugs", "--entry", "nothing"], "no entry nothing"),
        (["--entry", "wrong-sum", scenario], "belong to --corpus"),
        (["--on", diff, scenario], "--on says what --patch is applied to"),
        ([], "name the scenarios"),
    ]:
        assert run(["prove", *args]) == 2
        assert said in capsys.readouterr().err
