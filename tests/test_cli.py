"""The command line by itself: usage errors, help, values of options, progress, what becomes of exceptions."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from dmaverify import __version__
from dmaverify.checking.events import Event
from dmaverify.cli.common import BYTES, parse_number
from dmaverify.cli.main import COMMANDS, run
from dmaverify.cli.progress import LineProgress


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["check"],
        ["chek"],
        ["check", "x.dma", "--no-such-option"],
        ["check", "x.dma", "--set", "size"],
        ["check", "x.dma", "--set", "=4"],
        ["check", "x.dma", "--memory", "lots"],
        ["check", "x.dma", "--timeout", "0"],
        ["check", "x.dma", "--format", "xml"],
        ["check", "x.dma", "--trace", "short"],
        ["explain", "no-such-thing-at-all"],
        ["replay", "no-such-file.json"],
        ["simulate"],
        ["ir"],
    ],
)
def test_wrong_usage_is_status_2_without_a_traceback(
    args: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(args) == 2
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    assert out + err


def test_a_misspelt_command_is_answered_with_the_nearest(capfd: pytest.CaptureFixture[str]) -> None:
    run(["chekc"])
    assert "Did you mean 'check'?" in capfd.readouterr().err


def test_version_and_help(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capfd.readouterr().out == f"dmaverify {__version__}\n"
    assert run(["--help"]) == 0
    out = capfd.readouterr().out
    assert all(re.search(rf"^  {c} ", out, re.MULTILINE) for c in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_is_documented(
    command: str, capfd: pytest.CaptureFixture[str], root: Path
) -> None:
    assert run([command, "--help"]) == 0
    options = set(re.findall(r"(?<!\S)--[a-z][a-z-]*", capfd.readouterr().out)) - {"--help", "--debug"}
    documented = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    assert f"## {command}" in documented
    if command == "check":
        assert {o for o in options if o not in documented} == set()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-3", -3),
        ("4K", 4096),
        ("0x10", 16),
        ("0x8000_0000", 1 << 31),
        ("1_000", 1000),
        ("2G", 2 << 30),
    ],
)
def test_numbers(text: str, number: int) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "GFP_ATOMIC", "4Kb", "0xg", "1.5", "--1"])
def test_what_is_no_number(text: str) -> None:
    assert parse_number(text) is None


def test_sizes() -> None:
    assert [BYTES.convert(s, None, None) for s in ("512M", "4G", "1000", "2KiB")] == [
        512 << 20,
        4 << 30,
        1000,
        2048,
    ]
    with pytest.raises(click.UsageError):
        BYTES.convert("0", None, None)


def test_progress_is_a_line_for_each_variant_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream, interactive=False)
    progress(Event(0, 2, "ring"))
    progress(Event(1, 2, "ring", finished=True))
    progress(Event(2, 2, "ring.no_flush", finished=True))
    progress.wipe()
    assert stream.getvalue() == "1/2 ring\n2/2 ring.no_flush\n"


def test_progress_on_a_terminal_is_one_line_that_is_wiped() -> None:
    stream = io.StringIO()
    progress = LineProgress(stream, interactive=True)
    progress.last -= 1
    progress(Event(0, 2, "ring"))
    progress.wipe()
    assert stream.getvalue().startswith("\r0/2")
    assert stream.getvalue().endswith("\r")
    assert "\n" not in stream.getvalue()


def test_nothing_heavy_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, dmaverify.cli.main as m; m.run(['--version']); "
        "print(sorted({'z3', 'lark', 'bitwuzla', 'networkx', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_output_into_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m dmaverify explain | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] in ("0", "141")
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
