"""The mutants of a program: everything that can be altered in the declarations that a scenario uses.

The specification (``spec``) is what models are measured by, and is left alone, but for its events: an event that is told nowhere has
to make whoever waits for it vacuous. So are the scenario's own threads: they are the question.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dmaverify.ir.system import System
from dmaverify.lang import ast
from dmaverify.lang.program import LinkedModule, Program
from dmaverify.lang.reach import names_in
from dmaverify.lang.tree import walk
from dmaverify.mutation.edits import Edit, Place, places
from dmaverify.mutation.operators import OPERATORS, without_event
from dmaverify.mutation.results import Mutant
from dmaverify.span import Span
from dmaverify.texts import read_text

SPECIFICATION = "spec"
"""Modules of this name and below are not altered."""

MOST_TEXT = 100

_PARTS = ("body", "when")
"""Of a declaration; what a proc requires and ensures, and its parameters, are what others rely on."""

_CODE = (ast.ProcDecl, ast.FuncDecl, ast.Initcall, ast.Work, ast.Timer, ast.Spontaneous)


@dataclass(frozen=True)
class Site:
    """A mutant with what makes it one."""

    mutant: Mutant
    edits: tuple[Edit, ...]


def sites(program: Program, system: System, asked: Collection[str]) -> list[Site]:
    """All mutants, in the order of modules and texts.

    ``system`` is the reference System of the checked program, ``asked`` are the properties that are decided: an event that
    none of them waits for is not one to be missed.
    """
    found: list[Site] = []
    texts = _Texts()
    used = _used(program, system)
    told = {e.event for a in system.actions for e in a.emits} & _heard(program, asked)
    for module in program.modules.values():
        for decl in module.decls.values():
            if decl in used and _is_model(module, decl):
                found += _in(decl, told, texts, len(found))
    return [*found, *_events(program, told, texts, len(found))]


def _heard(program: Program, asked: Collection[str]) -> set[str]:
    """The events that some property waits for, or one whose ghosts it looks at."""
    monitors = {name: m for name, (_, m) in program.monitors().items()}
    todo = [m for name, m in monitors.items() if any(p == name or p.startswith(f"{name}(") for p in asked)]
    seen: set[ast.Monitor] = set()
    while todo:
        m = todo.pop()
        if m not in seen:
            seen.add(m)
            todo += [monitors[name] for name in names_in(m) & monitors.keys()]
    return {h.event for m in seen for h in m.handlers}


def _event(node: ast.Node) -> str | None:
    """The event that a statement tells."""
    func = node.event.func if isinstance(node, ast.Emit) else None
    return func.name if isinstance(func, ast.Name) else None


def _in(decl: ast.Decl, told: set[str], texts: _Texts, number: int) -> Iterator[Site]:
    """The mutants of one declaration."""
    seen: set[tuple[str, Span]] = set()
    for place in places(decl, _PARTS):
        if isinstance(place.node, ast.Type):
            continue
        for alter in OPERATORS:
            for kind, edit, span, instead in alter(place):
                if (kind, span) not in seen and (kind != "emit" or _event(place.node) in told):
                    seen.add((kind, span))
                    text = texts.line(span)
                    if kind in ("number", "swap"):  # a word says little without its line
                        text, instead = texts.around(span), f"{text} becomes {instead}"
                    yield Site(Mutant(number, kind, text, span, decl.name, instead), (edit,))
                    number += 1


def _events(program: Program, told: set[str], texts: _Texts, number: int) -> Iterator[Site]:
    """One mutant for each event: nobody tells it."""
    where: dict[str, list[Place]] = {}
    for module in program.modules.values():
        for decl in module.decls.values():
            if isinstance(decl, _CODE):
                for place in places(decl, _PARTS):
                    event = _event(place.node)
                    if event in told and place.index is not None:
                        where.setdefault(event, []).append(place)
    for event, found in where.items():
        first = found[0].node.span
        what = f"every emit {event}(…)" if len(found) > 1 else texts.line(first)
        yield Site(Mutant(number, "event", what, first, event), without_event(found))
        number += 1


def _is_model(module: LinkedModule, decl: ast.Decl) -> bool:
    origin = module.origin.get(decl, module.name)
    return isinstance(decl, _CODE) and origin.split(".")[0] != SPECIFICATION


def _used(program: Program, system: System) -> set[ast.Decl]:
    """The declarations that statements of the System come from, and those that these name: rather too many."""
    lines: dict[str, set[int]] = {}
    called = {f.proc for a in system.actions for f in a.stack}
    for a in system.actions:
        lines.setdefault(a.span.file, set()).add(a.span.line)
    code: dict[str, list[ast.Decl]] = {}
    for module in program.modules.values():
        for decl in module.decls.values():
            if isinstance(decl, _CODE):
                code.setdefault(decl.name, []).append(decl)
    used = {d for decls in code.values() for d in decls if d.name in called or _has(d, lines)}
    starts: list[ast.Node] = [*used, *program.threads.values()]
    todo = [name for d in starts for name in names_in(d)]
    seen: set[str] = set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for decl in code.get(name, ()):
            # a proc with statements of its own would have been met among the actions, if anything called it
            if decl not in used and not any(isinstance(n, ast.Stmt) and not isinstance(n, _PLAIN) for n in walk(decl)):
                used.add(decl)
                todo += names_in(decl)
    return used


_PLAIN = (ast.Block, ast.Return, ast.Let, ast.If, ast.Match)
"""Statements that leave no action behind."""


def _has(decl: ast.Decl, lines: dict[str, set[int]]) -> bool:
    span = decl.span
    return any(span.line <= n <= span.end_line for n in lines.get(span.file, ()))


class _Texts:
    """Source lines, each file read once."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def around(self, span: Span) -> str:
        """The line that a span begins in, without its comment."""
        lines = self._of(span)
        return _short(" ".join(lines[0].split("//")[0].split())) if lines else ""

    def _of(self, span: Span) -> list[str]:
        if span.file not in self._lines:
            try:
                self._lines[span.file] = read_text(span.file).splitlines()
            except OSError:
                self._lines[span.file] = []
        return self._lines[span.file][span.line - 1 : span.end_line]

    def line(self, span: Span) -> str:
        """The text of a span as one line, shortened."""
        lines = self._of(span)
        if not lines:
            return ""
        end = span.end_column - 1 if span.line == span.end_line else len(lines[0])
        text = " ".join(lines[0][span.column - 1 : end].split("//")[0].split())
        if span.line != span.end_line:
            text = f"{text} … }}" if text.endswith("{") else f"{text} …"
        return _short(text)


def _short(text: str) -> str:
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
