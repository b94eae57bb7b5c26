"""Stories: what the told trace says is what the replay did."""

from __future__ import annotations

import re

import pytest

import dmaverify
from dmaverify.report import page
from dmaverify.report.as_json import report_json, trace_from_json, trace_json
from dmaverify.report.counterexample import story_lines
from dmaverify.report.story import tell
from dmaverify.results import PropertyResult, Report, ScenarioResult, Story, VariantResult
from dmaverify.verdict import Word
from tests.support import racing


def lines(trace: str) -> str:
    story = tell(racing.system(), racing.trace())
    p = PropertyResult(
        "no_overlap",
        "DMA101",
        Word.VIOLATED,
        length=4,
        minimal=True,
        story=story,
        again="dmaverify check racing.dma",
    )
    s, v = ScenarioResult("racing.dma", "racing"), VariantResult(None, notes=("pages of 4K",))
    return page.plain(story_lines(s, v, p, trace, 110))


def test_steps_are_numbered_by_length_and_told_with_names() -> None:
    story = tell(racing.system(), racing.trace())
    assert [(s.number, s.actor, s.text) for s in story.steps] == [
        (1, "cpu0", "page = first_clear(used)"),
        (2, "cpu1", "page = first_clear(used)"),
        (3, "cpu0", "used = used + page"),
        (4, "cpu1", "used = used + page"),
    ]
    assert story.steps[0].inputs == (("p", "page 1 of pool"),)
    assert story.steps[2].events == ("taken(what = page 1 of pool)",)


def test_the_failure_has_its_message_and_the_cells_it_looked_at_with_their_writers() -> None:
    failure = tell(racing.system(), racing.trace()).failure
    assert failure is not None
    assert failure.message == "page 1 of pool is given out again; cpu0 has it"
    assert failure.step == 4
    assert failure.in_step
    assert dict(failure.values)["owner[page 1 of pool]"] == "cpu0   since #3"
    assert "owner[page 0 of pool]" not in dict(failure.values)


def test_columns_are_shared_cells_of_the_condition_that_changed() -> None:
    story = tell(racing.system(), racing.trace())
    assert story.columns == ("owner[page 1 of pool]",)
    assert story.column_start == ("null",)
    assert [s.columns for s in story.steps] == [("null",), ("null",), ("cpu0",), ("cpu1",)]


def test_marks_are_where_it_was_seen_and_where_it_became_false() -> None:
    story = tell(racing.system(), racing.trace())
    assert [s.marks for s in story.steps] == [(), (), ("made false",), ("seen",)]


def test_a_call_is_shown_once_for_each_thread() -> None:
    story = tell(racing.system(), racing.trace())
    assert [[c.proc for c in s.stack] for s in story.steps] == [["claim"]] * 4
    assert lines("calls").count("claim(…)") == 2


def test_text_in_calls() -> None:
    out = lines("calls")
    assert "no_overlap VIOLATED [DMA101]  4 steps, none shorter" in out
    assert "page 1 of pool is given out again; cpu0 has it" in out
    assert re.search(r"#3 +cpu0 +t0 +used = used \+ page +cpu0 +pool:11 +<- made false", out)
    assert re.search(r"#4 +cpu1 +t1 +used = used \+ page +cpu1 +pool:11 +<- seen", out)
    assert "pool.dma:31" in out
    assert "rests on  pages of 4K" in out
    assert "again     dmaverify check racing.dma" in out
    assert max(map(len, out.splitlines())) <= 110


def test_text_as_differences_and_in_full() -> None:
    diff = lines("diff")
    assert "owner[page 1 of pool]: null -> cpu0" in diff
    assert "used: {} -> {page 1 of pool}" in diff
    full = lines("full")
    assert "* owner[page 1 of pool] = cpu0" in full
    assert full.count("used = {page 1 of pool}") == 2


def test_a_trace_survives_json() -> None:
    trace = racing.trace()
    data = trace_json(trace)
    assert data is not None
    assert trace_from_json(data) == trace


TOLD = """
scenario told

var x, y : u32 = 0
event gone(n: u32)

proc outer(n: u32) {
    if n == 2 { inner(n) }
}
proc inner(n: u32) {
    emit gone(n)
    x = 0
}
sequence driver on cpu0 {
    x = 2
    outer(2)
    atomic {
        // at once
        let was = x
        y = was + 1
        if y == 1 { x = 3; emit gone(9) }
    }
    atomic { y = 7 }
    direct(y)
}
proc direct(n: u32) { emit gone(n) }
monitor nothing_goes code DMA900 { on gone(n) { assert n != 2, "gone {n}" } }
monitor no_two       code DMA905 { ghost last : u32 = 0
                                   on gone(n) { last = n }
                                   always last != 2 }
monitor no_going_7   code DMA906 { on gone(n) { assert n != 7 } }
monitor no_nine      code DMA901 { on gone(n) { assert n != 9 } }
monitor not_both     code DMA902 { always not (y == 1 and x == 3) }
monitor no_three     code DMA903 { always x != 3 }
monitor no_seven     code DMA904 { always y != 7 }
check nothing_goes
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    path = tmp_path_factory.mktemp("told") / "told.dma"
    path.write_text(TOLD.lstrip(), encoding="utf-8")
    return dmaverify.check(path, jobs=1)


def story_of(report: Report, name: str) -> Story:
    """The counterexample of a monitor."""
    (story,) = [p.story for p in report.scenarios[0].variants[0].properties if p.name == name]
    assert story is not None
    return story


def table_of(report: Report, name: str) -> list[str]:
    """The lines of its table that have a place."""
    (scenario,) = report.scenarios
    (p,) = [p for p in scenario.variants[0].properties if p.name == name]
    out = page.plain(story_lines(scenario, scenario.variants[0], p, "calls", 110))
    return [x.strip() for x in out.splitlines() if " told:" in x]


def test_an_event_is_shown_where_it_is_emitted(report: Report) -> None:
    assert [x.split() for x in table_of(report, "nothing_goes")] == [
        ["#1", "x", "=", "2", "told:14"],
        ["outer(2)", ">", "inner", "told:15"],
        ["emit", "gone(n)", "told:10", "<-", "seen"],
    ]
    seen = story_of(report, "nothing_goes").steps[-1].seen_at
    assert seen is not None
    assert [(c.proc, c.span.line) for c in seen.stack] == [("outer", 15), ("inner", 7)]
    (told,) = [p for p in report_json(report)["scenarios"][0]["variants"][0]["properties"] if p["name"] == "nothing_goes"]
    step = told["story"]["steps"][-1]
    assert (step["text"], step["seen_at"]["text"], step["seen_at"]["span"]["line"]) == ("x = 2", "emit gone(n)", 10)


def test_an_event_that_makes_a_ghost_wrong_is_shown_where_it_is_emitted(report: Report) -> None:
    rows = [x.split() for x in table_of(report, "nothing_goes")]
    rows[0].insert(4, "2")
    assert [x.split() for x in table_of(report, "no_two")] == rows


def test_a_call_that_is_the_step_is_shown_once(report: Report) -> None:
    assert [x.split() for x in table_of(report, "no_going_7")][-2:] == [
        ["#5", "direct(y)", "told:23"],
        ["emit", "gone(n)", "told:25", "<-", "seen"],
    ]


def test_an_event_of_the_step_itself_has_no_line_of_its_own(report: Report) -> None:
    assert story_of(report, "no_nine").steps[-1].seen_at is None
    assert table_of(report, "no_nine")[-1].startswith("#")


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("no_nine", "atomic: if y == 1 { x = 3; emit gone(9) }", 20),
        ("not_both", "atomic: y = was + 1; if y == 1 { x = 3; emit gone(9) }", 19),
        ("no_three", "atomic: if y == 1 { x = 3; emit gone(9) }", 20),
        ("no_seven", "atomic { y = 7 }", 22),
    ],
)
def test_of_a_block_that_is_one_step_the_statements_that_matter_are_told(
    report: Report, name: str, text: str, line: int
) -> None:
    last = story_of(report, name).steps[-1]
    assert (last.text, last.span.line) == (text, line)
