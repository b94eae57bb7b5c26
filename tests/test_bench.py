"""The benchmark: the same states everywhere, and a page that says what was measured. Nothing here looks at a clock."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dmaverify.bench import suite, tools
from dmaverify.bench.cases import COMPARED, FOLDER, WIDE, Case, ac, by_hand, named
from dmaverify.bench.growth import Growth, Parallel, Row, Watched, growth, parallel, watched
from dmaverify.bench.measure import AS_IT_COMES, OURS, Comparison, compare
from dmaverify.bench.page import Measured, page
from dmaverify.bench.tools import Ran, Result, ToolFailed
from dmaverify.checking.frontend import load
from dmaverify.cli.main import run
from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import explore
from dmaverify.export.choose import chosen
from tests.support.spin import needs_spin

needs_rumur = pytest.mark.skipif(
    shutil.which("rumur") is None or shutil.which("gcc") is None, reason="needs rumur and gcc (apt-get install rumur gcc)"
)


def _explored(case: Case) -> tuple[int, int, int]:
    """States, transitions and depth by the search in Python."""
    system = chosen(load(case.path, case.variant, case.params).system, (case.prop,), slice=False).system
    result = explore(system, Budget())
    assert result.complete
    assert not [k for k in result.found if k[0] == "violated"]
    return result.states, result.transitions, result.depth


# -- the scenarios --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pages", "slots", "depth"), [(4, 2, 11), (5, 2, 15), (6, 2, 17)])
def test_small_sizes_of_ac(pages: int, slots: int, depth: int) -> None:
    """Counts and depth that several independent programs agree on."""
    case = ac(pages, slots)
    assert _explored(case) == (case.states, case.transitions, depth)


@pytest.mark.parametrize(("pages", "slots"), [(4, 2), (8, 2)])
def test_the_seeded_fault_is_found(pages: int, slots: int) -> None:
    """An allocation that forgets the last page's line: as many steps as fill the pool by blocks of four, and one store."""
    system = chosen(load(str(FOLDER / "ac.dma"), "forgets", {"pages": pages, "slots": slots}).system, ("sound",)).system
    found = explore(system, Budget(), thorough=False).found
    assert min(f.cost for key, f in found.items() if key[0] == "violated") == pages // 4 + 1


@pytest.mark.parametrize(("file", "variant"), [("cards.dma", "two"), ("takers.dma", "two"), ("takers.dma", None)])
def test_what_grows_holds(file: str, variant: str | None) -> None:
    """The scenarios for tables of growth have the verdicts that they expect."""
    assert run(["check", str(FOLDER / file), "--variant", variant or "base", "--engine", "explicit"]) == 0


def test_cards_do_not_disturb_each_other() -> None:
    """Each card multiplies the states by those of one."""
    sizes = [_explored(Case("", "cards.dma", "no_stale_read", 0, 0, v))[0] for v in (None, "two")]
    assert sizes[1] == sizes[0] ** 2


def test_wide_scenarios_are_as_wide_as_they_say() -> None:
    """Two, four and eight words of 64 bits."""
    words = []
    for case in WIDE:
        system = chosen(load(case.path, case.variant, case.params).system, (case.prop,), slice=False).system
        words.append(-(-sum(v.type.bits for v in system.vars) // 64))
    assert words == [2, 4, 8, 8]


# -- the other tools ------------------------------------------------------------------------------------


def test_the_models_of_other_tools_are_as_written(tmp_path: Path) -> None:
    """Those in ``bench/peers`` are what its scripts write."""
    written = suite.write_peers(tmp_path)
    kept = FOLDER / "peers"
    assert {f.name for f in written} == {f.name for f in kept.iterdir() if f.suffix in (".pml", ".m")}
    for f in written:
        assert f.read_text() == (kept / f.name).read_text(), f.name


@needs_spin
@needs_rumur
def test_all_tools_count_alike(tmp_path: Path) -> None:
    """AC(4,2): our search in a process of its own, SPIN's on both models, rumur's."""
    found = compare(ac(4, 2), 1, tmp_path, lambda line: None)
    assert set(found.explored) == {OURS, "SPIN, exported, O2", "SPIN, exported, O3", "SPIN, by hand, O2", "SPIN, by hand, O3", "rumur"}
    assert all(len(r) == 1 for r in found.explored.values())
    assert all(r[0].wall > 0 for r in found.prompt.values())
    with pytest.raises(ToolFailed, match="counts 3,229 states and 29,046 transitions, not 3,228"):
        compare(replace(ac(4, 2), states=3228), 1, tmp_path, lambda line: None, prompt=False)


@needs_spin
@pytest.mark.parametrize("case", WIDE, ids=lambda c: c.name)
def test_spin_counts_the_wide_models_by_hand(tmp_path: Path, case: Case) -> None:
    """As many states and transitions as the system that our passes make of the scenario."""
    assert case.promela is not None
    built = tools.build_spin(case.promela(), tools.FLAGS["O2"], case.states, tmp_path)
    result = tools.run_spin(built, tmp_path)
    assert (result.states, result.transitions) == (case.states, case.transitions)


@needs_rumur
@pytest.mark.parametrize("name", ["takers.three", pytest.param("receive.addresses", marks=pytest.mark.slow)])
def test_rumur_counts_the_wide_models_by_hand(tmp_path: Path, name: str) -> None:
    """The same again."""
    case = named(name)
    assert case.murphi is not None
    result = tools.run_rumur(tools.build_rumur(case.murphi(), tmp_path), tmp_path)
    assert (result.states, result.transitions) == (case.states, case.transitions)


def test_a_process_that_fails_is_told(tmp_path: Path) -> None:
    """With the end of what it said; one that takes too long is ended."""
    with pytest.raises(ToolFailed, match="failed \\(3\\): oh no"):
        tools.run(["sh", "-c", "echo oh no; exit 3"], tmp_path)
    with pytest.raises(ToolFailed, match="not done after"):
        tools.run(["sleep", "60"], tmp_path, limit=0.1)
    assert tools.run(["sh", "-c", "echo fine"], tmp_path).output == "fine\n"


# -- figures --------------------------------------------------------------------------------------------


def _comparison(name: str = suite.CLAIMED, spin: float = 4.0) -> Comparison:
    case = named(name)

    def results(*seconds: float) -> list[Result]:
        return [Result(case.states, case.transitions, s, s, 1 << 27, 50, s) for s in seconds]

    prompt = [Ran("", 1.0, 1.0), Ran("", 1.0, 2.0), Ran("", 1.0, 3.0)]
    return Comparison(
        case,
        {OURS: results(0.4, 0.5, 0.8), "SPIN, by hand, O2": results(spin, spin, spin), "rumur": results(30.0, 31.0, 32.0)},
        {OURS: prompt, AS_IT_COMES: prompt, "SPIN, by hand, O2": prompt[::-1], "rumur": prompt},
    )


def test_ratios_are_by_rounds() -> None:
    """The median of ratios, not the ratio of medians."""
    c = _comparison()
    assert (c.cpu(OURS), c.ratio("SPIN, by hand, O2"), c.ratio("rumur")) == (0.5, 8.0, 62.0)
    assert c.wall_ratio("SPIN, by hand, O2") == 1.0
    assert (c.best("SPIN"), c.best("TLC")) == ("SPIN, by hand, O2", None)


def test_promises_are_held_to() -> None:
    """A gain that is less than promised, or was not measured, is a line and a failure."""
    measured = Measured(3, [_comparison()])
    assert suite.missed(measured, [("SPIN", 8.0), ("rumur", 40.0)]) == []
    assert suite.missed(measured, [("SPIN", 8.1)]) == ["AC(6,4): 8.0 times SPIN, by hand, O2, not 8.1 times"]
    assert suite.missed(measured, [("TLC", 1.0)]) == ["AC(6,4) was not compared with TLC"]
    assert suite.missed(Measured(1, [_comparison("AC(4,2)")]), [("SPIN", 1.0)]) == ["AC(6,4) was not compared with SPIN"]


def test_the_page_says_what_was_measured() -> None:
    """Every table, with the figures in it."""
    case = ac(6, 4)
    one, two = [Result(case.states, case.transitions, 0.6, 0.7, 64 * case.states, 50, 0.6)], [Result(1, 1, 0.3, 0.4, 0, 50, 0.6)]
    row = Row("AC(5,2)", Result(20_109, 212_250, 0.25, 0.25, 0, 36, 0.25), 0.25)
    reduced = {"receive": Result(524_178, 5_218_594, 0.9, 1.0)}
    threads, slices = [Parallel(case, True, one, two)], Watched(211_848, [1.0, 1.2, 1.4], [1.1, 1.3, 1.6])
    text = page(Measured(3, [_comparison()], reduced, threads, slices, Growth({"pages": [row]})))
    for part in (
        "with 3 rounds",
        "| AC(6,4) | 50 | 1 | 1,598,393 | 21,537,484 | all agree |",
        "| AC(6,4) | **dmaverify** | 0.500 |  | 3.20 |",
        "|  | rumur | 31.000 | 62.0 | 0.05 |",
        "answers after 1.20 s from the prompt",
        "answers after 1.30 s.",
        "`receive` 524,178 states in 0.90 s",
        "| AC(6,4) | presized | 0.60 | 0.30 | 0.60 | 2.00 | 1.75 | 64 |",
        "| AC(5,2) | 36 | 20,109 | 212,250 | 0.250 | 0.08 |",
    ):
        assert part in text
    assert "## Threads" not in page(Measured(1, [_comparison()]))


def _fake(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.1, wrong: str = "") -> list[tuple[str, int, int]]:
    """Searches that take no time; what was asked for is noted. ``wrong`` is the name of a model that is counted wrongly."""
    asked: list[tuple[str, int, int]] = []

    def explore(case: Case, folder: Path, *, threads: int = 1, presize: int = 0, python: bool = False) -> Result:
        asked.append((case.name, threads, presize))
        off = case.name == wrong
        return Result(case.states + off, case.transitions, seconds / threads, seconds, 0, 40, seconds)

    monkeypatch.setattr(tools, "explore", explore)
    return asked


def test_growth_is_checked_against_what_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every size as often as there are rounds, unless it takes long; a wrong count is an error."""
    asked = _fake(monkeypatch)
    found = growth(2, tmp_path, lambda line: None, large=True)
    assert list(found.tables) == ["pages, two slots", "pages, four slots", "slots, six pages", "devices", "threads"]
    assert asked.count(("AC(8,4)", 1, 0)) == 2
    assert [r.label for r in found.tables["devices"]] == ["1: cards.base", "2: cards.two", "3: cards.three", "4: cards.four"]
    slow = _fake(monkeypatch, seconds=6.0)
    growth(2, tmp_path, lambda line: None, large=True)
    assert slow.count(("AC(8,4)", 1, 0)) == 1
    _fake(monkeypatch, wrong="AC(7,4)")
    with pytest.raises(ToolFailed, match=r"AC\(7,4\): 12,123,621 states, .* and 12,123,622 states"):
        growth(2, tmp_path, lambda line: None, large=True)
    assert "AC(7,4)" not in {r.label for rows in growth(1, tmp_path, lambda line: None, large=False).tables.values() for r in rows}


def test_threads_take_turns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One, two, one, two; with room for all states where that is asked for."""
    asked = _fake(monkeypatch)
    found = parallel(ac(6, 4), True, 2, tmp_path, lambda line: None)
    assert asked == [("AC(6,4)", n, 1_598_393) for n in (1, 2, 1, 2)]
    assert (found.speedup, found.wall_speedup) == (2.0, 1.0)
    _fake(monkeypatch, wrong="AC(6,4)")
    with pytest.raises(ToolFailed, match="1 threads count 1,598,394 states"):
        parallel(ac(6, 4), False, 1, tmp_path, lambda line: None)


def test_slices_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the report of the command itself."""
    monkeypatch.setattr(tools, "check", lambda case, folder, *options: Ran("", 1.0, 1.25 if options == ("--no-symmetry",) else 1.5))
    for states in (211_848, 211_847):
        report = {"scenarios": [{"variants": [{"properties": [{"name": "sound", "states": states}]}]}]}
        text = json.dumps(report)
        monkeypatch.setattr(tools, "run", lambda *a, text=text, **k: Ran(text, 1.0, 1.0))
        if states == 211_848:
            found = watched(2, tmp_path, lambda line: None)
            assert (found.seconds, found.reduced) == ([1.25, 1.25], [1.5, 1.5])
        else:
            with pytest.raises(ToolFailed, match="have 211,847 states, not 211,848"):
                watched(1, tmp_path, lambda line: None)


# -- the command ----------------------------------------------------------------------------------------


def test_wrong_names_and_missing_tools_are_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear line and status 2."""
    monkeypatch.setattr(tools, "missing", lambda: ["spin"])
    assert run(["bench", "--only", "AC(4,2)"]) == 2
    assert "needs spin (apt-get install spin)" in capsys.readouterr().err
    monkeypatch.setattr(tools, "missing", list)
    assert run(["bench", "--only", "AC(1,1)"]) == 2
    assert "there is no model AC(1,1)" in capsys.readouterr().err


def test_the_command_writes_peers_and_a_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page goes to a file; counts that differ are an error."""
    assert run(["bench", "--peers", str(tmp_path / "peers")]) == 0
    assert (tmp_path / "peers" / "ac_6_4.pml").read_text() == by_hand("ac", "ac_promela", 6, 4)
    monkeypatch.setattr(tools, "missing", list)
    monkeypatch.setattr(suite, "compare", lambda *a, **k: _comparison("AC(6,4)"))
    out = tmp_path / "performance.md"
    assert run(["bench", "--only", "AC(6,4)", "--compare-only", "--page", str(out), "--least", "SPIN", "8"]) == 0
    assert out.read_text().startswith("# Performance")
    assert run(["bench", "--only", "AC(6,4)", "--compare-only", "--page", str(out), "--least", "SPIN", "9"]) == 1
    assert "not 9 times" in capsys.readouterr().err

    def differs(*a: object, **k: object) -> Comparison:
        raise ToolFailed("AC(6,4): rumur counts 1 states and 2 transitions")

    monkeypatch.setattr(suite, "compare", differs)
    assert run(["bench", "--only", "AC(6,4)"]) == 1
    assert "rumur counts 1 states" in capsys.readouterr().err


def test_names_are_distinct() -> None:
    """Of cases."""
    assert len({c.name for c in COMPARED}) == len(COMPARED)
