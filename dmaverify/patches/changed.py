"""Which declarations differ between two texts of a file, by name; and whether a scenario stands on any of it."""

from __future__ import annotations

from pathlib import Path

from dmaverify.lang import ast
from dmaverify.lang.compile import Compiled
from dmaverify.lang.diag import DmaError
from dmaverify.lang.link import load
from dmaverify.lang.parse import parse_text
from dmaverify.lang.reach import names_in
from dmaverify.patches.diff import Touched
from dmaverify.patches.results import Changed
from dmaverify.patches.sides import Side
from dmaverify.paths import shorten
from dmaverify.span import Span
from dmaverify.texts import overlaid, read_text


def changed_in(touched: Touched) -> Changed:
    """The declarations of a file that are not the same, blanks and comments aside; none named if a text does not parse."""
    name, old = _declarations(touched.before)
    other, new = _declarations(touched.after)
    names = [n for n in dict.fromkeys([*new, *old]) if old.get(n) != new.get(n)]
    return Changed(shorten(touched.path), other or name, tuple(names))


def _declarations(text: str | None) -> tuple[str, dict[str, tuple[str, ...]]]:
    """The module's name, and the words of each of its items by the item's name."""
    if text is None:
        return "", {}
    try:
        tree = parse_text(text)
    except DmaError:
        return "", {}
    lines = text.replace("\r\n", "\n").split("\n")
    found: dict[str, tuple[str, ...]] = {}
    for item in tree.items:
        name = name_of(item)
        found[name] = (*found.get(name, ()), *_words(item.span, lines))
    return tree.name, found


def name_of(item: ast.Item) -> str:
    """What an item of a file is called; an import by what it imports."""
    name = getattr(item, "name", "")
    if isinstance(name, str) and name:
        return name
    module = getattr(item, "module", None)
    kind = type(item).__name__.lower()
    return f"{kind} {module.text}" if isinstance(module, ast.DottedName) else kind


def _words(span: Span, lines: list[str]) -> list[str]:
    if span.line == span.end_line:
        parts = [lines[span.line - 1][span.column - 1 : span.end_column - 1]]
    else:
        parts = [lines[span.line - 1][span.column - 1 :], *lines[span.line : span.end_line - 1]]
        parts.append(lines[span.end_line - 1][: span.end_column - 1])
    return [w for part in parts for w in part.split("//")[0].split()]


def stands_on(file: str, side: Side) -> dict[str, str] | None:
    """The texts that a scenario is made of, by module; its own has the name of none. None if it cannot be read."""
    with overlaid(side.overlay):
        try:
            loaded = load(file)
            texts = {name: read_text(m.span.file) for name, m in loaded.modules.items()}
            texts[""] = read_text(file)
        except (DmaError, OSError, UnicodeDecodeError):
            return None
    return texts


def files_of(file: str, side: Side) -> set[str]:
    """The files that a scenario stands on, itself among them, as absolute paths; what cannot be read is left out."""
    with overlaid(side.overlay):
        try:
            spans = [m.span for m in load(file).modules.values()]
        except DmaError:
            spans = []
    return {str(Path(f).resolve()) for f in (file, *(s.file for s in spans))}


def used_by(compiled: Compiled, proc: str) -> frozenset[str]:
    """The names that a proc's text uses, and those that these use in turn: by their names alone, so rather too many."""
    by_name: dict[str, list[ast.Decl]] = {}
    for module in compiled.program.modules.values():
        for decl in module.decls.values():
            by_name.setdefault(decl.name, []).append(decl)
    seen, todo = {proc}, [proc]
    while todo:
        for decl in by_name.get(todo.pop(), ()):
            for name in names_in(decl) - seen:
                seen.add(name)
                todo.append(name)
    return frozenset(seen)
