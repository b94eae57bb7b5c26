"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from dmaverify.results import Report

Command = TypeVar("Command", bound=Callable[..., Any])

SET = tuple[str, int | str]
"""A parameter and its value; numbers are numbers, everything else is left to the compiler."""


class Bytes(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A size: ``512M``, ``4G``, ``1000000``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        m = re.fullmatch(r"(\d+)\s*([KMGT]?)(i?B)?", str(value), re.IGNORECASE)
        if m is None or int(m[1]) == 0:
            self.fail(f"{value!r} is not a size; write 512M or 4G", param, ctx)
        return int(m[1]) << 10 * " KMGT".index(m[2].upper() or " ")


class Assignment(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """``name=value`` for a parameter of the scenario; sizes may be written 4K, 1M."""

    name = "param=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> SET:
        if isinstance(value, tuple):
            return value
        name, eq, text = str(value).partition("=")
        name, text = name.strip(), text.strip()
        if not eq or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name) or not text:
            self.fail(f"{value!r} is not of the form param=value", param, ctx)
        number = parse_number(text)
        return name, text if number is None else number


def parse_number(text: str) -> int | None:
    """The number that a text spells (decimal or 0x, ``_`` between digits, K, M, G behind a decimal), or
    None.
    """
    m = re.fullmatch(r"(-?)(0x[0-9a-fA-F_]+|[0-9][0-9_]*)([KMG]?)", text)
    if m is None:
        return None
    n = int(m[2].replace("_", ""), 0 if m[2].startswith("0x") else 10)
    return (int(m[1] + "1") * n) << 10 * " KMG".index(m[3] or " ")


BYTES = Bytes()
OUT = click.Path(dir_okay=False, path_type=Path)
"""A file to be written."""


def writable(*files: Path | None) -> None:
    """A usage error if one of the files cannot be written; said before the work is done, not after it."""
    for file in files:
        if file is not None:
            try:
                with file.open("a", encoding="utf-8"):
                    pass
            except OSError as e:
                raise click.UsageError(f"{file} cannot be written: {e.strerror}") from None


def write_reports(report: Report, junit: Path | None, sarif: Path | None) -> None:
    """Write the report in the formats of others, where that was asked for."""
    if junit is not None:
        from dmaverify.report.junit import write as write_junit

        write_junit(report, junit)
    if sarif is not None:
        from dmaverify.report.sarif import write as write_sarif

        write_sarif(report, sarif)


variant_option = click.option(
    "--variant", metavar="NAME", help="Only this variant; base for the scenario as it stands."
)
set_option = click.option(
    "--set",
    "params",
    multiple=True,
    type=Assignment(),
    metavar="PARAM=VALUE",
    help="Value of a parameter of the scenario; repeatable.",
)
jobs_option = click.option(
    "--jobs", "-j", type=click.IntRange(min=1), help="Worker processes  [default: one for each CPU]"
)
progress_option = click.option(
    "--progress/--no-progress", default=None, help="Progress on standard error  [default: on a terminal]"
)
colour_option = click.option("--color/--no-color", "colour", default=None, help="Colour  [default: on a terminal]")


def view_option(default: str) -> Callable[[Command], Command]:
    """``--view`` of commands that compare what can be seen of two sides."""
    return click.option(
        "--view",
        type=click.Choice(["results", "events", "addresses"]),
        default=default,
        show_default=True,
        help="What is compared: what calls return; all events, buffers by identity; or the numbers too.",
    )


debug_option = click.option("--debug", is_flag=True, help="Tracebacks of internal errors.")
