"""Source lines for reports: the text of a span, as the file has it now."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from dmaverify import texts
from dmaverify.span import Span


@lru_cache(maxsize=256)
def _kept(file: str) -> tuple[str, ...]:
    return _read(file)


def _lines(file: str) -> tuple[str, ...]:
    return _read(file) if texts.replaced(file) else _kept(file)


def _read(file: str) -> tuple[str, ...]:
    try:
        return tuple(texts.read_text(file).splitlines())
    except (OSError, UnicodeDecodeError):
        return ()


def text_of(span: Span) -> str:
    """The text of a span on one line, blanks collapsed, without comments; empty if it cannot be read."""
    lines = _lines(span.file)
    if (
        span.line < 1
        or span.end_line > len(lines)
        or (span.line, span.column) == (span.end_line, span.end_column)
    ):
        return ""
    if span.line == span.end_line:
        parts = [lines[span.line - 1][span.column - 1 : span.end_column - 1]]
    else:
        parts = [
            lines[span.line - 1][span.column - 1 :],
            *lines[span.line : span.end_line - 1],
            lines[span.end_line - 1][: span.end_column - 1],
        ]
    return " ".join(" ".join(p.split("//")[0] for p in parts).split())


def line_at(span: Span) -> str:
    """The whole first line of a span without its indentation; empty if it cannot be read."""
    lines = _lines(span.file)
    return lines[span.line - 1].split("//")[0].strip() if 1 <= span.line <= len(lines) else ""


def pieces_of(span: Span) -> list[tuple[str, Span]]:
    """What stands inside the braces of a block, line by line and cut at each `;` that no brace of the line encloses, without
    comments; each piece with its place."""
    found: list[tuple[str, Span]] = []
    lines = _lines(span.file)
    if not 1 <= span.line <= span.end_line <= len(lines):
        return found
    for number in range(span.line, span.end_line + 1):
        text = lines[number - 1]
        start = text.find("{", span.column - 1) + 1 if number == span.line else 0
        end = span.end_column - 2 if number == span.end_line else len(text)
        for at, piece in _statements(text[start:end].split("//")[0]):
            told = piece.strip()
            if told:
                left = start + at + len(piece) - len(piece.lstrip()) + 1
                found.append((told, Span(span.file, number, left, number, left + len(told))))
    return found


def _statements(line: str) -> Iterator[tuple[int, str]]:
    """The parts of a line between the `;` outside of its braces, with their offsets."""
    depth = start = 0
    for i, c in enumerate(line):
        depth += (c == "{") - (c == "}")
        if c == ";" and depth <= 0:
            yield start, line[start:i]
            start = i + 1
    yield start, line[start:]
