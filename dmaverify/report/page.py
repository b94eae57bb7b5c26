"""Lines of styled text, printed plainly into a pipe and in colour on a terminal. No meaning is in the
colour.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from typing import TextIO

Piece = tuple[str, str]
"""Style and text. Styles: good, bad, warn, dim, head, or empty."""
Line = tuple[Piece, ...]

STYLES = {"good": "green", "bad": "bold red", "warn": "yellow", "dim": "dim", "head": "bold"}
WIDTH = 110


def text(s: str, style: str = "") -> Line:
    """A line of one style."""
    return ((style, s),) if s else ()


def plain(lines: Iterable[Line]) -> str:
    """The lines without style, trailing blanks removed, each ended by a newline."""
    return "".join("".join(s for _, s in line).rstrip() + "\n" for line in lines)


def width_of(line: Line) -> int:
    """Number of characters of a line."""
    return sum(len(s) for _, s in line)


def pad(line: Line, width: int, right: bool = False) -> Line:
    """The line filled with blanks to a width (never cut)."""
    fill = " " * max(0, width - width_of(line))
    if not fill:
        return line
    return (("", fill), *line) if right else (*line, ("", fill))


def join(*lines: Line) -> Line:
    """Lines one after the other, as one line."""
    return tuple(piece for line in lines for piece in line)


def right_edge(left: Line, right: Line, width: int = WIDTH) -> list[Line]:
    """``left`` and, at the right edge of the page, ``right``; on a line of its own if both do not fit."""
    if width_of(left) + 2 + width_of(right) <= width:
        return [join(pad(left, width - width_of(right)), right)]
    return [left, pad(right, width, right=True)]


def cut(s: str, width: int) -> str:
    """The text, shortened with a mark if it is longer than the width."""
    return s if len(s) <= width else s[: max(1, width - 1)] + "…"


def hanging(label: str, body: str, indent: int = 2, label_width: int = 10, width: int = WIDTH) -> list[Line]:
    """A labelled paragraph: ``label     text`` with the text wrapped under itself."""
    room = max(20, width - indent - label_width)
    wrapped = [
        w for part in body.split("\n") for w in (textwrap.wrap(part, room, break_long_words=False) or [""])
    ]
    first = join(text(" " * indent), pad(text(label, "head"), label_width), text(wrapped[0]))
    return [first, *(text(" " * (indent + label_width) + w) for w in wrapped[1:])]


def table(rows: Sequence[Sequence[Line]], gap: int = 2, indent: int = 2) -> list[Line]:
    """Rows of cells in columns that are as wide as their widest cell; rows may be of different lengths."""
    columns = max((len(r) for r in rows), default=0)
    widths = [max((width_of(r[i]) for r in rows if i < len(r)), default=0) for i in range(columns)]
    out: list[Line] = []
    for r in rows:
        cells = [pad(c, widths[i] + gap) if i + 1 < len(r) else c for i, c in enumerate(r)]
        out.append(join(text(" " * indent), *cells))
    return out


def write(lines: Sequence[Line], stream: TextIO, colour: bool | None = None) -> None:
    """Print the lines to a stream; in colour if it is a terminal that has colours (or as ``colour`` says)."""
    if colour is None:
        colour = stream.isatty()
    if not colour:
        stream.write(plain(lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(Text.assemble(*((s, STYLES.get(style, "")) for style, s in line)), soft_wrap=True)
