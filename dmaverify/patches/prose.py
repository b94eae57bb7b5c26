"""What a diff says about itself before its first hunk: prose, and the lines ``on:`` and ``verdict:``.

A diff with ``on: OTHER.diff`` applies to what that one gives; so half a fix, its revert and the fix of the fix are written down as
a ladder of diffs, each against the one before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.patches.codes import LADDER
from dmaverify.paths import shorten
from dmaverify.span import Span

_ON = re.compile(r"on:\s+(?P<name>\S+\.(?:diff|patch))")
_VERDICT = "verdict:"


@dataclass(frozen=True)
class Field:
    """A text and the line that it begins on."""

    text: str
    span: Span


@dataclass(frozen=True)
class Prose:
    """What stands before the first hunk of a diff."""

    text: str
    """Without the lines below; paragraphs are lines."""
    on: Field | None = None
    verdicts: tuple[Field, ...] = ()


def read_prose(diff: Path) -> Prose:
    """Read it. Raises ``OSError`` and ``UnicodeDecodeError`` as reading a file does."""
    told: list[str] = []
    on: Field | None = None
    verdicts: list[Field] = []
    lines = iter(enumerate(diff.read_text(encoding="utf-8").splitlines(), 1))
    for number, line in lines:
        if re.match(r"--- \S|diff --git ", line):
            break
        given = _ON.fullmatch(line.strip())
        if given is not None:
            on = Field(given["name"], span_of(diff, number, line))
        elif line.startswith(_VERDICT):
            span = span_of(diff, number, line)
            text = line[len(_VERDICT) :].strip()
            while text.endswith(","):  # a list that goes on in the next line
                text += " " + next(lines, (0, ""))[1].strip()
            verdicts.append(Field(text.rstrip(".").rstrip(), span))
        else:
            told.append(line.strip())
    return Prose(_paragraphs(told), on, tuple(verdicts))


def span_of(file: Path, number: int, line: str) -> Span:
    """A whole line of a file."""
    return Span(shorten(file), number, 1, number, len(line) + 1)


def _paragraphs(lines: list[str]) -> str:
    text = "\n".join(lines).strip()
    return "\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip())


def below(diff: Path) -> list[Path]:
    """The diffs that this one stands on, the first to be applied first. Raises ``DmaError`` if one is missing or there is no first."""
    found: list[Path] = []
    at = diff
    while True:
        try:
            on = read_prose(at).on
        except (OSError, UnicodeDecodeError):
            on = None  # whoever applies it says so
        if on is None:
            return found[::-1]
        other = at.parent / on.text
        if not other.is_file():
            beside = ", ".join(sorted(p.name for p in at.parent.glob("*.diff") if p != at)) or "no other diff"
            message = f"{shorten(at)} stands on {on.text}, and there is no such file"
            raise DmaError([Diagnostic(LADDER, message, on.span, fix=f"beside it there is {beside}")])
        if other.resolve() in {p.resolve() for p in (diff, *found)}:
            chain = " on ".join(p.name for p in (diff, *found, other))
            raise DmaError([Diagnostic(LADDER, f"diffs stand on each other: {chain}", on.span)])
        found.append(other)
        at = other
