"""Random runs: what they find is real, small, remembered, and can be done again."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dmaverify.checking.frontend import concrete
from dmaverify.cli.main import run
from dmaverify.fuzz.api import fuzz
from dmaverify.fuzz.arena import Arena
from dmaverify.fuzz.campaign import Campaign, Limits
from dmaverify.fuzz.campaign import run as campaign
from dmaverify.fuzz.decide import Fuzzed, FuzzOptions, fuzz_variant
from dmaverify.report import page
from dmaverify.report.fuzzing import test_of as text_of_test
from dmaverify.report.fuzzing import variant_lines
from dmaverify.results import ScenarioResult
from dmaverify.testing import Reproduced, reproduce
from dmaverify.verdict import Word

DATA = Path(__file__).parent / "data" / "lower"
BOARD = str(DATA / "models" / "boards" / "two-cpus.dma")

CHOICES = """\
scenario choices
import spec.kit
var low : u32 = 0
client one on cpu0 {
    may pick()
    may end()
}
proc pick() {
    let n = any of {u32(1), u32(2), u32(3)}
    if low + 1 == n { low = n } else { low = 0 }
}
proc end() {
    assert low != 3, "it is {low}"
    if low > 7 { shared = 1 }
}
sequence two on cpu1 { other = 1 }
"""


def project(folder: Path, text: str) -> str:
    """A scenario with its specification; its path."""
    shutil.copytree(DATA / "spec", folder / "spec")
    path = folder / "models" / "s.dma"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return str(path)


def fuzzed(file: str, variant: str | None = None, seconds: float | None = None, **options: Any) -> Fuzzed:
    """A variant after some runs, which must have been without errors."""
    done = fuzz_variant(file, variant, FuzzOptions(**{"runs": 100, "steps": 60, **options}), seconds)
    assert not done.result.internal, done.result.details
    assert not done.result.diagnostics
    return done


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("variant", "lengths"), [("no_lock", {"no_overlap": 6}), ("half", {"no_overlap": 25})])
def test_what_is_found_is_as_short_as_can_be(variant: str, lengths: dict[str, int], seed: int) -> None:
    """The lengths are those that the exhaustive search gives (``none shorter``)."""
    arena = Arena(concrete(BOARD, variant, {}))
    done = campaign(arena, "x", dict.fromkeys(lengths), (), Limits(400, None, 100), seed, None)
    assert {prop: done.found[prop].trace.length for prop in lengths} == lengths


def test_a_violation_is_replayed_and_told_with_a_test_that_shows_it_again(tmp_path: Path) -> None:
    file = project(tmp_path, CHOICES)
    done = fuzzed(file)
    (p,) = [p for p in done.result.properties if p.name == "asserts"]
    assert p.word is Word.VIOLATED
    assert p.status == 1
    assert p.story is not None
    assert p.story.failure is not None
    assert p.story.failure.message == "it is 3"
    assert isinstance(done.campaign, Campaign)
    schedule = done.campaign.found["asserts"].schedule
    assert [c.partition(" #")[2] for c in schedule if "#" in c] == ["0", "1", "2"]
    scenario = ScenarioResult(file, "choices")
    text = text_of_test(scenario, done.result, p, done.campaign)
    shown = page.plain(variant_lines(scenario, done.result, done.campaign, "auto", False))
    assert all(line.strip() in shown for line in text.splitlines())
    # the test that is printed is one: it fails as long as the violation can happen, and passes once it is mended
    (tmp_path / "test_again.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path / "test_again.py")]
    before = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert before.returncode == 1
    assert "asserts is violated: it is 3" in before.stdout
    Path(file).write_text(CHOICES.replace("low != 3", "low != 4"), encoding="utf-8")
    after = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert after.returncode == 0, after.stdout


def test_reproducing_says_what_is_wrong_with_a_schedule(tmp_path: Path) -> None:
    file = project(tmp_path, CHOICES)
    with pytest.raises(ValueError, match="nobody in choices is called nobody"):
        reproduce(file, prop="asserts", schedule=["nobody"])
    with pytest.raises(ValueError, match="has no property zero"):
        reproduce(file, prop="zero", schedule=[])
    reproduce(file, prop="asserts", schedule=["two", "two", "two", "two"])  # it has ended long before: nothing to report
    with pytest.raises(Reproduced, match=r"dram\+0x0 is given out again"):
        reproduce(
            BOARD, variant="no_lock", prop="no_overlap", schedule=["one.claim@8", "two.claim@12", "one", "one", "two", "two"]
        )


def test_coverage_counts_statements_and_ways(tmp_path: Path) -> None:
    """Missed is what cannot happen in these runs: the branch on a value that nobody sets."""
    file = project(tmp_path, CHOICES)
    done = fuzzed(file, runs=30)
    assert done.campaign is not None
    c = done.campaign.coverage
    assert [p.text for p in c.missed_actions] == ["shared = 1"]
    assert ("shared = 1", 14) in [(p.to, p.to_span.line) for p in c.missed_branches]
    few = fuzzed(file, runs=1, steps=1)
    assert few.campaign is not None
    assert len(few.campaign.coverage.missed_actions) > 1
    assert (few.campaign.coverage.actions, few.campaign.coverage.branches) == (c.actions, c.branches)


def test_yesterdays_failure_is_tried_first(tmp_path: Path) -> None:
    """With one run and another seed nothing would be found, but for the database; the failure of one variant is not another's."""
    options: dict[str, Any] = {"only": ("no_overlap",), "steps": 100}

    def runs(n: int, seed: int, variant: str = "half", file: str = BOARD, database: Path | None = None) -> Campaign:
        done = fuzzed(file, variant, runs=n, seed=seed, database=database, **options)
        assert done.campaign is not None
        return done.campaign

    wrong = tmp_path / "p"
    shutil.copytree(DATA, wrong)
    board = wrong / "models" / "boards" / "two-cpus.dma"
    text = board.read_text(encoding="utf-8")
    board.write_text(text.replace("expect no_overlap violated, marked violated", "expect no_overlap holds, marked violated"))
    database = tmp_path / "db"
    assert "no_overlap" not in runs(1, 1, file=str(board), database=database).found
    assert "no_overlap" in runs(400, 5, file=str(board), database=database).found
    again = runs(1, 1, file=str(board), database=database)
    assert again.remembered > 0
    assert "no_overlap" in again.found
    assert runs(1, 1, variant="no_lock", file=str(board), database=database).remembered == 0


def test_what_is_expected_ends_no_run_and_is_no_failure() -> None:
    """A violation that the scenario expects is noted; not finding it is no failure either, unless --strict says so."""
    done = fuzzed(BOARD, "no_lock")
    by_name = {p.name: p for p in done.result.properties}
    assert by_name["no_overlap"].word is by_name["marked"].word is Word.VIOLATED
    assert done.result.exit_status == 0
    few = fuzzed(BOARD, "no_lock", runs=1, steps=1)
    assert {p.word for p in few.result.properties} == {Word.SAMPLED}
    assert few.result.exit_status == 0
    strict = fuzzed(BOARD, "no_lock", runs=1, steps=1, strict=True)
    assert strict.result.exit_status == 3


def test_a_model_with_one_run_is_run_once(tmp_path: Path) -> None:
    file = project(tmp_path, 'scenario s\nimport spec.kit\nsequence two on cpu1 {\n    other = 1\n    assert other == 2, "no"\n}\n')
    done = fuzzed(file)
    assert done.campaign is not None
    assert done.campaign.only_run
    assert done.result.properties[0].word is Word.VIOLATED
    assert done.campaign.found["asserts"].schedule == ()


def test_deadlocks_are_found_where_they_are_asked_for(tmp_path: Path) -> None:
    file = project(
        tmp_path,
        "scenario s\nimport spec.kit\n"
        "sequence a on cpu0 { lock lk { lock lk2 { shared = 1 } } }\n"
        "sequence b on cpu1 { lock lk2 { lock lk { shared = 2 } } }\n"
        "check deadlock\n",
    )
    done = fuzzed(file)
    p = next(p for p in done.result.properties if p.name == "deadlock")
    assert p.word is Word.VIOLATED
    assert done.campaign is not None
    assert set(done.campaign.found["deadlock"].schedule) == {"a", "b"}


def test_a_limit_of_the_model_is_no_violation(tmp_path: Path) -> None:
    """As for ``check``: where a bound is too small nothing is known."""
    loop = "var n : u32 = 0\nproc count() {\n    for i: i32 = 0; i < 9; i += 1 at most 4 { n += 1 }\n}\n"
    file = project(tmp_path, f"scenario s\nimport spec.kit\n{loop}sequence a on cpu0 {{ count() }}\ncheck only asserts\n")
    done = fuzzed(file)
    p = next(p for p in done.result.properties if p.name == "bound")
    assert p.word is Word.UNKNOWN
    assert p.reason.startswith("bound: ")
    assert done.result.exit_status == 3


def test_time_is_shared_and_a_seed_says_everything() -> None:
    """With a limit of time all variants get a turn; with a seed and no database two campaigns are the same."""
    told: list[Fuzzed] = []
    report = fuzz([Path(BOARD)], None, FuzzOptions(steps=40), 1.5, lambda s, f: told.append(f))
    assert [f.result.name for f in told] == [None, "no_lock", "half"]
    assert all(f.campaign is not None and f.campaign.runs > 0 for f in told)
    assert report.exit_status == 0
    one, two = (fuzzed(BOARD, "half", seed=3, runs=40).campaign for _ in range(2))
    assert one is not None
    assert two is not None
    assert (one.runs, one.steps, one.found, one.coverage) == (two.runs, two.steps, two.found, two.coverage)


def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Statuses 0, 1 and 2, reports in files, and a database where it was asked for."""
    file = project(tmp_path, CHOICES)
    monkeypatch.chdir(tmp_path)
    assert run(["fuzz", "models/s.dma", "--runs", "100", "--sarif", "out.sarif", "--junit", "out.xml", "--no-database"]) == 1
    out, err = capfd.readouterr()
    assert re.search(r"^  asserts +VIOLATED \[DMA\d+\].*nothing in the scenario expects it$", out, re.MULTILINE)
    assert "def test_choices_base_asserts() -> None:" in out
    assert re.search(r"statements +\d+ of \d+ taken", out)
    assert re.search(r"^--seed \d+$", err, re.MULTILINE)
    assert json.loads(Path("out.sarif").read_text(encoding="utf-8"))["runs"][0]["results"][0]["ruleId"] == "asserts"
    assert "<failure" in Path("out.xml").read_text(encoding="utf-8")
    assert not Path(".hypothesis").exists()
    Path(file).write_text(CHOICES.replace("low != 3", "low != 4"), encoding="utf-8")
    assert run(["fuzz", "models", "--runs", "20", "--seed", "1"]) == 0
    assert "sampled (" in capfd.readouterr().out
    assert run(["fuzz", "models/s.dma", "--only", "assert", "--runs", "5"]) == 2
    assert "did you mean asserts?" in capfd.readouterr().out
    assert run(["fuzz", "no-such-file.dma"]) == 2
    assert run(["fuzz", "models/s.dma", "--variant", "none"]) == 2
