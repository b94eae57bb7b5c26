"""Streams as files: what is read, what is refused and where, and that no file leads to a traceback."""

from __future__ import annotations

import copy
import io
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from dmaverify.cli.judge import command
from dmaverify.cli.main import run
from dmaverify.evidence.report import judge_file
from dmaverify.evidence.stream import MAX_LINE, End, Event, Gap, judge_into, read, read_lines, write
from dmaverify.lang.diag import DmaError
from tests.support.streams import SMALL, allocated, freeing, judge_for, random_stream, returned, taken

TAKEN = json.dumps(taken(1))


def _file(tmp_path: Path, *lines: str | dict[str, object]) -> str:
    path = tmp_path / "events.jsonl"
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return str(path)


def test_items_are_read_with_their_lines(tmp_path: Path) -> None:
    path = _file(tmp_path, "# a comment", TAKEN, "", '{"gap": 0, "_time": 3}', '{"end": true, "complete": true}')
    found = [(span.line, item) for span, item in read(Path(path))]
    arguments = {k: v for k, v in taken(1).items() if k != "event"}
    assert found == [(2, Event("taken", arguments)), (4, Gap(0)), (5, End(True))]


def test_what_is_written_is_read_back() -> None:
    items = [Event("taken", {"what": {"start": "0x10", "size": 1}, "by": None}), Gap(3), End(False)]
    file = io.StringIO()
    write(file, items)
    file.seek(0)
    assert [item for _, item in read_lines(Path("x"), file)] == items


def test_arguments_behind_an_underscore_belong_to_the_source(tmp_path: Path) -> None:
    path = _file(tmp_path, {**taken(1), "_time": 1.5, "_cpu": 3})
    assert judge_file(path, "no_overlap").events == 1


BAD = {
    "no JSON": "nonsense",
    "half": '{"event": "taken"',
    "list": "[1, 2]",
    "number": "17",
    "null": "null",
    "nothing said": "{}",
    "name is a number": '{"event": 7}',
    "gap is a text": '{"gap": "three"}',
    "gap is negative": '{"gap": -1}',
    "gap is true": '{"gap": true}',
    "gap is huge": '{"gap": 1e99}',
    "end is false": '{"end": false}',
    "complete is a number": '{"end": true, "complete": 1}',
    "gap and more": '{"gap": 1, "what": 2}',
    "deep": "[" * 100_000,
    "deep object": '{"event": "taken", "what": ' + '{"a": ' * 5_000 + "1" + "}" * 5_001,
    "many digits": '{"event": "taken", "what": {"size": ' + "9" * 5_000 + "}}",
    "many digits as text": '{"event": "taken", "what": {"size": "' + "9" * 5_000 + '"}}',
    "too long": '{"event": "' + "a" * MAX_LINE + '"}',
    "surrogate": '{"event": "allocated", "dev": "\\ud800"}',
    "surrogate name": '{"event": "\\ud800"}',
    "behind the end": '{"end": true}\n{"end": true}',
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_line_that_is_no_event_is_one_clear_error(text: str, tmp_path: Path) -> None:
    path = _file(tmp_path, TAKEN, text)
    with pytest.raises(DmaError) as caught:
        judge_file(path, "no_overlap")
    (d,) = caught.value.diagnostics
    assert (d.code, d.span.file, d.span.line) == ("DMA095", path, 2 + text.count("\n"))
    d.render().encode("utf-8")


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", TAKEN.encode() + b"\n\x80\n", b"\x00" * 100])
def test_bytes_that_are_no_text_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(content)
    with pytest.raises(DmaError, match=r"UTF-8|JSON"):
        judge_file(path, "no_overlap")


def test_an_empty_stream_decides_nothing(tmp_path: Path) -> None:
    report = judge_file(_file(tmp_path), "no_overlap")
    assert (report.events, report.exit_status, report.inconclusive) == (0, 3, "no clause could be decided")


# -- the command


def _judge(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, args, standalone_mode=False)
    assert result.exception is None or isinstance(result.exception, DmaError), result.exc_info
    status = 2 if result.exception is not None else result.return_value
    return status, result.output if result.exception is None else str(result.exception)


END = {"end": True, "complete": True}


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([taken(1), taken(2), END], 0),
        ([taken(1), taken(2)], 0),
        ([taken(1), taken(1), END], 1),
        ([taken(1), taken(1), {"gap": 1}], 1),
        ([taken(1), {"gap": 1}, taken(2), END], 3),
        ([taken(1), {"end": True, "complete": False}], 3),
        ([returned(1)], 3),
        ([{"event": "no_such"}], 2),
    ],
)
def test_the_exit_status_says_what_was_found(lines: list[dict[str, object]], status: int, tmp_path: Path) -> None:
    path = _file(tmp_path, *lines)
    assert _judge(path, "--monitor", "no_overlap")[0] == status
    assert run(["judge", path, "--monitor", "no_overlap"]) == status


def test_the_text_names_line_event_and_values(tmp_path: Path) -> None:
    status, text = _judge(_file(tmp_path, "# boot", taken(1, 2), taken(2)), "-m", "no_overlap,zeroing")
    assert status == 1
    assert "no_overlap (DMA101): FAILED" in text
    assert "line 3, event 2 (taken): 0x80002000 is given out again; the allocation at 0x80001000 has it" in text
    assert "no_overlap.1  failed 1 time, held 11 times" in text
    assert "zeroing (DMA103): not judged" in text
    assert "not judged: 2 clauses about the model's state" in text


def test_json_says_the_same(tmp_path: Path) -> None:
    path = _file(tmp_path, taken(1), taken(1), {"gap": 4}, END)
    status, text = _judge(path, "-m", "no_overlap", "--format", "json")
    data = json.loads(text)
    assert (status, data["exit_status"], data["events"], data["gaps"], data["lost"]) == (1, 1, 2, 1, 4)
    (monitor,) = data["monitors"]
    assert (monitor["verdict"], monitor["clauses"][0]["failures"][0]["line"]) == ("failed", 2)


def test_monitors_are_found_by_name_in_files_and_all_together(tmp_path: Path) -> None:
    path = _file(tmp_path, taken(1), END)
    names = [j.monitor for j in judge_file(path, SMALL).judgements]
    assert names == ["leaks", "calls", "content", "lookup", "partial", "after_leaks"]
    assert len(judge_file(path, "all").judgements) > 8
    with pytest.raises(DmaError, match="did you mean no_overlap"):
        judge_file(path, "no_overlop")
    with pytest.raises(DmaError, match="has parameters"):
        judge_file(path, "bound")


def test_a_scenario_gives_memory_devices_and_arguments(tmp_path: Path, root: Path) -> None:
    board = str(root / "models" / "boards" / "vexpress-clcd.dma")
    outside = {**allocated(1), "dev": "clcd"}
    with pytest.raises(DmaError, match="the scenario has no such device"):
        judge_file(_file(tmp_path, allocated(1)), "all", board)
    report = judge_file(_file(tmp_path, outside), "bound(clcd, vram)", board)
    assert [(j.monitor, j.failed) for j in report.judgements] == [("bound(clcd, vram)", True)]


OVERLAP = """
scenario overlap
import spec.invariants.no_overlap
region a { at 0x8000_0000  size 8K }
region b { at 0x8000_0000  size 8K  overlaps }
sequence one on cpu0 { emit taken(Extent { start: 0x8000_0000, size: 4K }, page_allocator) }
sequence two on cpu1 { emit taken(Extent { start: 0x8000_0000, size: 4K }, page_allocator) }
check only no_overlap
expect no_overlap violated
"""


def test_regions_that_share_memory_are_no_board_to_judge_by(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = tmp_path / "overlap.dma"
    board.write_text(OVERLAP)
    assert run(["judge", _file(tmp_path, TAKEN), "--scenario", str(board)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error[DMA070]: regions share memory")
    assert "overlap.dma:5:8" in error
    # a counterexample of the model is shown all the same: only its second judge has nothing to say
    assert run(["check", str(board)]) == 0


def test_a_variant_needs_a_scenario(tmp_path: Path) -> None:
    assert run(["judge", _file(tmp_path, TAKEN), "-m", "no_overlap", "--variant", "v6_12"]) == 2
    assert run(["judge", str(tmp_path / "none.jsonl"), "-m", "no_overlap"]) == 2


# -- mutations


def _mutate(text: str, rng: random.Random) -> str:
    """The text with a few characters, tokens or lines changed."""
    pieces = [
        "{",
        "}",
        "[",
        "]",
        '"',
        ":",
        ",",
        "null",
        "-1",
        "1e9",
        "0x",
        "\\ud800",
        "event",
        "gap",
        "99999999999999999999",
    ]
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.choice((0, 1, 1, 2, 10, 80)))
        what = rng.choice(("", rng.choice(pieces), chr(rng.randrange(1, 300)), text[rng.randrange(len(text) + 1) :][:30]))
        text = text[:at] + what + text[to:]
    return text


def _replace(line: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """The event with one of its values left out or exchanged for another JSON value."""
    line = copy.deepcopy(line)
    inside = [v for v in line.values() if isinstance(v, dict)]
    holder = rng.choice([line, *inside])
    name = rng.choice(list(holder))
    if rng.random() < 0.3:
        del holder[name]
    else:
        old = holder[name]
        other = (
            None,
            0,
            -1,
            1 << 63,
            "0x8000_0000",
            "CPU",
            [],
            {},
            True,
            1.5,
            [old],
            {"start": 0, "size": 4096},
        )
        holder[name] = rng.choice((old, *other))
    return line


def test_mutated_streams_are_judged_or_refused(rounds: Callable[[int, int], int]) -> None:
    """Whatever the file holds: a judgement, or one diagnostic with its line. Never another exception."""
    outcomes = {"judged": 0, "refused": 0}
    for seed in range(rounds(2000, 20_000)):
        rng = random.Random(seed)
        lines = [
            *random_stream(rng, 6),
            {"gap": 2},
            allocated(1),
            freeing(1),
            {"end": True, "complete": True},
        ]
        at = rng.randrange(len(lines))
        lines[at] = _replace(lines[at], rng)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        text = _mutate(text, rng) if seed % 2 else text
        judge = judge_for("all")
        try:
            for _, failure in judge_into(judge, read_lines(Path("events.jsonl"), io.StringIO(text))):
                failure.message.encode("utf-8")
            outcomes["judged"] += 1
        except DmaError as e:
            (d,) = e.diagnostics
            assert d.code == "DMA095"
            assert 1 <= d.span.line <= text.count("\n") + 1
            d.render().encode("utf-8")
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 100


def test_the_page_about_it_shows_what_happens(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    page = (root / "docs" / "judge.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- example: dmaverify judge (.*?) -->\n```\n(.*?)```\n", page, re.DOTALL)
    program = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    assert program is not None
    status, text = _judge(*shown[1].split())
    assert (status, text) == (1, shown[2])
    exec(compile(program[1], "docs/judge.md", "exec"), {})
