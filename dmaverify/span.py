"""Where something stands in a source text. Shared by all layers, so that every node, action and step can
say it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of text: file as the user named it, lines and columns from 1, end column exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Span("<built-in>", 1, 1, 1, 1)
"""For things that no text spells out (a built-in property, a test's System)."""
