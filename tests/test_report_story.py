"""Stories: what the told trace says is what the replay did."""

from __future__ import annotations

import re

from dmaverify.report import page
from dmaverify.report.as_json import trace_from_json, trace_json
from dmaverify.report.counterexample import story_lines
from dmaverify.report.story import tell
from dmaverify.results import PropertyResult, ScenarioResult, VariantResult
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
