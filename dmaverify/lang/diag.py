"""What the front of the compiler has to say about a text: errors and warnings, with a place and a code.

A `Diagnostics` collects them, so that one run reports several; `DmaError` carries them to whoever called.
The text form is one block per diagnostic: what is wrong, where, the line with the place underlined, what else
is to be seen, what to write instead.  The words that explain a code at length are in `codes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dmaverify import texts
from dmaverify.span import NOWHERE, Span

Severity = Literal["error", "warning"]

LIMIT = 40
"""At most so many diagnostics are written out; the rest is counted."""

_WIDTH = 150
"""A source line longer than this is shown in part."""


class Source:
    """One file's text.  `path` is what diagnostics call it."""

    __slots__ = ("_lines", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._lines: list[str] | None = None

    def line(self, number: int) -> str:
        """The text of line `number` (from 1) without its end; empty beyond the last line."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines[number - 1].rstrip("\r") if 0 < number <= len(self._lines) else ""


_sources: dict[tuple[str, str | None], Source] = {}
"""By path, and by the text that stands in the place of the file's if one does."""


def remember(source: Source) -> None:
    """Keeps a text at hand, so that diagnostics can quote it."""
    _sources[_key(source.path)] = source


def _key(path: str) -> tuple[str, str | None]:
    try:
        return path, texts.read_text(path) if texts.replaced(path) else None
    except OSError:
        return path, None


def source_line(span: Span) -> str:
    """The line on which `span` starts; empty if the text is not known and cannot be read."""
    source = _sources.get(_key(span.file))
    if source is None:
        try:
            source = Source(span.file, texts.read_text(span.file))
        except (OSError, ValueError):
            source = Source(span.file, "")
        remember(source)
    return source.line(span.line)


@dataclass(slots=True, eq=False)
class Diagnostic:
    """One thing to say."""

    code: str
    message: str
    span: Span
    severity: Severity = "error"
    notes: list[tuple[Span | None, str]] = field(default_factory=list)
    """What else bears on it: a sentence, or a place with a few words to stand under it."""
    fix: str | None = None
    """What to write instead, as a sentence."""
    label: str = ""
    """A few words behind the underline."""

    def render(self) -> str:
        """The text form, several lines without an end of line behind the last."""
        out = [f"{self.severity}[{self.code}]: {self.message}"]
        if self.span is not NOWHERE:
            out.append(f"  {self.span}")
            text = source_line(self.span)
            if text.strip():
                shown, col, width = _window(text, self.span)
                out.append("      |")
                out.append(f"{self.span.line:5} | {shown}")
                out.append(f"      | {' ' * (col - 1)}{'^' * width} {self.label}".rstrip())
        for i, (span, note) in enumerate(self.notes):
            if span is None:
                out.append(f"  {note}")
                continue
            if i == 0:
                out.append("      |")
            head = f"  {span.file}:{span.line}:  "
            shown, col, width = _window(source_line(span), span)
            indent = len(shown) - len(shown.lstrip())
            out.append(head + shown.strip())
            column = len(head) + col - 1 - indent
            out.append(f"      |{' ' * max(1, column - 7)}{'-' * width} {note}")
        if self.fix:
            out.append(f"  {self.fix}")
        return "\n".join(out)

    def to_json(self) -> dict[str, object]:
        """Plain data for machine-readable reports."""
        return {
            "severity": self.severity,
            "code": self.code,
            "message": self.message,
            **_place(self.span),
            "label": self.label,
            "notes": [{"message": note, **(_place(span) if span else {})} for span, note in self.notes],
            "fix": self.fix,
        }


def _place(span: Span) -> dict[str, object]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _window(text: str, span: Span) -> tuple[str, int, int]:
    """The line as it is shown, and where in that the place starts and how long it is."""
    text = "".join(c if c.isprintable() else " " for c in text)
    col = min(span.column, len(text) + 1)
    end = span.end_column if span.end_line == span.line else len(text) + 1
    width = max(1, min(end, len(text) + 1) - col)
    if len(text) > _WIDTH:
        start = max(0, col - 1 - _WIDTH // 2)
        cut = text[start : start + _WIDTH]
        col -= start
        if start:
            cut, col = "…" + cut, col + 1
        if start + _WIDTH < len(text):
            cut += "…"
        text, width = cut, max(1, min(width, len(cut) - col + 1))
    return text, col, width


class DmaError(Exception):
    """The input is wrong; `diagnostics` says how.  At least one of them is an error."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(diagnostics[0].message if diagnostics else "")
        self.diagnostics = list(diagnostics)

    def __str__(self) -> str:
        return render(self.diagnostics)


class Diagnostics:
    """Collects diagnostics during one run over a text."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, Span, str], Diagnostic] = {}

    def add(self, diagnostic: Diagnostic) -> Diagnostic:
        """Keeps it, unless the same has been said about the same place already."""
        return self._items.setdefault((diagnostic.code, diagnostic.span, diagnostic.message), diagnostic)

    def error(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        notes: Iterable[tuple[Span | None, str]] = (),
        fix: str | None = None,
    ) -> Diagnostic:
        """Adds an error."""
        return self.add(Diagnostic(code, message, span, "error", list(notes), fix, label))

    def warning(
        self,
        code: str,
        message: str,
        span: Span,
        *,
        label: str = "",
        notes: Iterable[tuple[Span | None, str]] = (),
        fix: str | None = None,
    ) -> Diagnostic:
        """Adds a warning."""
        return self.add(Diagnostic(code, message, span, "warning", list(notes), fix, label))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Adds them all."""
        for d in diagnostics:
            self.add(d)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._items)

    @property
    def all(self) -> list[Diagnostic]:
        """Everything said, file by file from top to bottom."""
        return sorted(self._items.values(), key=lambda d: (d.span.file, d.span.line, d.span.column, d.code))

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors among them."""
        return [d for d in self.all if d.severity == "error"]

    @property
    def warnings(self) -> list[Diagnostic]:
        """The warnings among them."""
        return [d for d in self.all if d.severity == "warning"]

    def raise_errors(self) -> None:
        """Raises `DmaError` with everything said so far if any of it is an error."""
        if self.errors:
            raise DmaError(self.all)


def render(diagnostics: Sequence[Diagnostic], limit: int = LIMIT) -> str:
    """All of them as text, an empty line between two; beyond `limit` only how many more there are."""
    blocks = [d.render() for d in diagnostics[:limit]]
    if len(diagnostics) > limit:
        blocks.append(f"… and {len(diagnostics) - limit} more")
    return "\n\n".join(blocks)
