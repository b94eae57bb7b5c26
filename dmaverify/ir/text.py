"""The text form of a System: everything that is in it, readable, and parsed back by ``text_parse`` to an
equal System.

One declaration after the other: the sources that spans point into, the named types, variables, threads,
properties, actions, and what is to hold. A sub-expression that is used more than once in a declaration is
named before its first use (by a ``let``, outside of actions ``given``), so the text is no longer than the
expressions are as graphs. A sketch::

    dmaverify-ir 1 "two pages"
    source f0 "dma-coherent.dma"
    index Page 2
    enum At { idle, found }
    var bm: mask Page = {} @f0:12:5-9
    pc driver.pc: 0..3 = 0 owner driver
    thread driver pc driver.pc actor "cpu0" level task
    property no_overlap code "DMA401" kind monitor
    action driver.alloc(p: Page) thread driver at 0 @f0:22:5-30
      when not (p in bm)
      weight 1u8
      emit allocated(page = p)
      check no_overlap "no_overlap.1": not (p in live) message "page " {p} " is live"
      set bm = insert(bm, p)
      set driver.pc = 1
    always agree "agree.1": live == bm
    end

Where the context says what type a number, ``null`` or a set is of, it stands bare (``set driver.pc = 1``);
elsewhere it says so itself (``1u8``, ``<null: Page?>``). ``text_lex`` has the words and ``docs`` of the
operators are in ``ops``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dmaverify.ir.expr import TRUE, Expr
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Effect,
    Emit,
    Input,
    Message,
    Property,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.text_expr import ExprPrinter, Names, type_text, value_text
from dmaverify.ir.text_lex import name_text, string_text
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Enum, Flags, Index, Map, Mask, Opt, Record, Type
from dmaverify.span import NOWHERE, Span

VERSION = 1


def to_text(system: System) -> str:
    """The whole System as text; ``text_parse.parse`` reads it back. The System must be well-formed."""
    return _Printer(system).print()


def expr_text(e: Expr) -> str:
    """One expression on one line, its shared parts named behind it."""
    names = Names(_named_types(n.type for n in walk(e)), {}, None)
    printer = ExprPrinter(names, (e,))
    shared = "; ".join(f"{name} = {printer.definition(n)}" for n, name in printer.lets_for(e))
    return printer.text(e) + (f" where {shared}" if shared else "")


def _types_in(t: Type) -> Iterator[Type]:
    """A type and the types that it is made of, parts first."""
    if isinstance(t, Opt):
        yield from _types_in(t.of)
    elif isinstance(t, Record):
        for _, f in t.fields:
            yield from _types_in(f)
    elif isinstance(t, Map):
        yield from _types_in(t.index)
        yield from _types_in(t.of)
    elif isinstance(t, Mask):
        yield from _types_in(t.index)
    yield t


def _named_types(types: Iterable[Type]) -> dict[Type, str]:
    """Each named type with the name it has in the text: its own, or a numbered one if another type is
    called the same."""
    aliases: dict[Type, str] = {}
    taken: set[str] = set()
    seen: set[Type] = set()
    for root in types:
        if root in seen:
            continue
        for t in _types_in(root):
            seen.add(t)
            if isinstance(t, Index | Enum | Flags | Record) and t not in aliases:
                alias, n = t.name, 1
                while alias in taken:
                    n += 1
                    alias = f"{t.name}#{n}"
                taken.add(alias)
                aliases[t] = alias
    return aliases


@dataclass(frozen=True)
class Slot:
    """A place for an expression in a clause; ``expected`` is its type where the text says it already."""

    expr: Expr
    expected: Type | None = None


Clause = list["str | Slot"]


class _Printer:
    def __init__(self, system: System) -> None:
        self.system = system
        self.types = _named_types(self._all_types())
        self._var_types = {v.name: v.type for v in system.vars}
        self.sources: dict[str, str] = {}
        self.lines: list[str] = []

    def _all_types(self) -> Iterator[Type]:
        for v in self.system.vars:
            yield v.type
        for a in self.system.actions:
            for i in a.inputs:
                yield i.type
        for n in walk(*self.system.exprs()):
            yield n.type

    def print(self) -> str:
        s = self.system
        for t, alias in self.types.items():
            self.lines.append(self._type(t, alias))
        self.lines += [self._var(v) for v in s.vars]
        self.lines += [self._thread(t) for t in s.threads]
        self.lines += [self._property(p) for p in s.properties]
        for a in s.actions:
            self._declare([self._head(a)], self._body(a), a.inputs)
        for w in s.always:
            self._declare(self._always(w))
        for c in s.covers:
            self._declare([[f"cover {name_text(c.name)}: ", Slot(c.cond), self._span(c.span)]])
        for e in s.assumptions:
            self._declare([["assume ", Slot(e)]])
        for e in s.domain:
            self._declare([["domain ", Slot(e)]])
        self.lines += [f"note {string_text(n)}" for n in s.notes]
        head = [f"dmaverify-ir {VERSION} {string_text(s.name)}"]
        head += [f"source {short} {string_text(file)}" for file, short in self.sources.items()]
        return "\n".join([*head, *self.lines, "end", ""])

    def _span(self, span: Span) -> str:
        if span == NOWHERE:
            return ""
        short = self.sources.setdefault(span.file, f"f{len(self.sources)}")
        text = f" @{short}:{span.line}:{span.column}"
        if span.end_line != span.line:
            return f"{text}-{span.end_line}:{span.end_column}"
        return text if span.end_column == span.column else f"{text}-{span.end_column}"

    # -- declarations -----------------------------------------------------------------------------------

    def _type(self, t: Type, alias: str) -> str:
        assert isinstance(t, Index | Enum | Flags | Record)
        own = "" if alias == t.name else f" as {string_text(t.name)}"
        name = name_text(alias) + own
        if isinstance(t, Index):
            names = f" {{ {', '.join(map(string_text, t.names))} }}" if t.names else ""
            return f"index {name} {t.size}{names}"
        if isinstance(t, Record):
            fields = ", ".join(f"{name_text(n)}: {type_text(f, self.types)}" for n, f in t.fields)
            return f"record {name} {{ {fields} }}"
        word = "enum" if isinstance(t, Enum) else "flags"
        return f"{word} {name} {{ {', '.join(map(name_text, t.members))} }}"

    def _var(self, v: Var) -> str:
        if v.any_init:
            init = "any" if v.init is None else f"any {value_text(v.init, v.type)}"
        elif v.type.contains(v.init):
            init = value_text(v.init, v.type)
        else:
            raise ValueError(f"{v.name}: {v.init!r} is not of type {v.type}")
        owner = "" if v.owner is None else f" owner {name_text(v.owner)}"
        of = type_text(v.type, self.types)
        return f"{v.kind.value} {name_text(v.name)}: {of} = {init}{owner}{self._span(v.span)}"

    def _thread(self, t: Thread) -> str:
        line = f"thread {name_text(t.name)} pc {name_text(t.pc)} actor {string_text(t.actor)}"
        line += f" level {name_text(t.level)}"
        if t.is_device:
            line += " device"
        if t.ends:
            line += f" ends {{ {', '.join(map(str, sorted(t.ends)))} }}"
        if t.idle:
            line += f" idle {{ {', '.join(map(str, sorted(t.idle)))} }}"
        if t.labels:
            line += f" labels {{ {', '.join(f'{string_text(k)}: {n}' for k, n in t.labels.items())} }}"
        return line + self._span(t.span)

    def _property(self, p: Property) -> str:
        line = f"property {name_text(p.name)} code {string_text(p.code)} kind {p.kind}"
        if p.title:
            line += f" title {string_text(p.title)}"
        if not p.applies:
            line += " inapplicable"
        if p.rests_on:
            line += f" rests {', '.join(map(string_text, p.rests_on))}"
        return line + self._span(p.span)

    # -- what has expressions ---------------------------------------------------------------------------

    def _declare(
        self, head: list[Clause], body: list[Clause] | None = None, inputs: Iterable[Input] = ()
    ) -> None:
        """Write the clauses, each behind the ``let`` lines that it is the first to need; those of the body
        indented.

        Outside of an action the word is ``given``, for a ``let`` there would belong to the action before it.
        """
        clauses = [*head, *(body or [])]
        roots = tuple(piece.expr for clause in clauses for piece in clause if isinstance(piece, Slot))
        names = Names(self.types, {i.name: i.type for i in inputs}, self.system)
        printer = ExprPrinter(names, roots)
        for n, clause in enumerate(clauses):
            indent, let = ("", "given") if n < len(head) else ("  ", "let")
            for piece in clause:
                if isinstance(piece, Slot):
                    for node, name in printer.lets_for(piece.expr):
                        self.lines.append(f"{indent}{let} {name} = {printer.definition(node)}")
            written = [p if isinstance(p, str) else printer.text(p.expr, p.expected) for p in clause]
            self.lines.append(indent + "".join(written))

    def _head(self, a: Action) -> Clause:
        line = f"action {name_text(a.name)}"
        if a.inputs:
            line += f"({', '.join(map(self._input, a.inputs))})"
        if a.thread is not None:
            line += f" thread {name_text(a.thread)}"
        if a.at is not None:
            line += f" at {a.at}"
        return [line + self._span(a.span)]

    def _input(self, i: Input) -> str:
        line = f"{name_text(i.name)}: {type_text(i.type, self.types)}"
        if i.values is None:
            return line
        return f"{line} in {{{', '.join(value_text(v, i.type) for v in i.values)}}}"

    def _body(self, a: Action) -> list[Clause]:
        clauses: list[Clause] = []
        if a.actor:
            clauses.append([f"actor {string_text(a.actor)}"])
        if a.text:
            clauses.append([f"text {string_text(a.text)}"])
        clauses += [[f"frame {string_text(f.proc)}{self._span(f.call)}"] for f in a.stack]
        if a.guard is not TRUE:
            clauses.append(["when ", Slot(a.guard)])
        if a.weight is not None:
            clauses.append(["weight ", Slot(a.weight)])
        clauses += [[f"{op.op} ", Slot(op.lock)] for op in a.locks]
        clauses += [self._effect(e) for e in a.effects]
        clauses += [[f"set {name_text(n)} = ", Slot(e, self._var_type(n))] for n, e in a.updates.items()]
        for p in a.parts:
            more = (f" weight {p.weight}" if p.weight != 1 else "") + (" late" if p.late else "")
            clauses.append([f"part {name_text(p.action)}", *_arguments(p.bindings), more, *_path(p.path)])
        return clauses

    def _var_type(self, name: str) -> Type | None:
        return self._var_types.get(name)

    def _effect(self, e: Effect) -> Clause:
        if isinstance(e, Emit):
            return [f"emit {name_text(e.event)}", *_arguments(e.args), *_path(e.path), self._span(e.span)]
        if isinstance(e, Reached):
            return [f"reached {name_text(e.cover)}{_of_part(e)}", *_path(e.path), self._span(e.span)]
        stop = " stop" if e.stop else ""
        line = f"check {name_text(e.prop)} {string_text(e.label)}{stop}{_of_part(e)}: "
        return [line, Slot(e.cond), *_path(e.path), *_message(e.message), self._span(e.span)]

    def _always(self, w: Always) -> list[Clause]:
        clause: Clause = [f"always {name_text(w.prop)} {string_text(w.label)}: ", Slot(w.cond)]
        if w.when is not TRUE:
            clause += [" when ", Slot(w.when)]
        for n, lock in enumerate(w.stable):
            clause += [", " if n else " stable ", Slot(lock)]
        return [[*clause, *_message(w.message), self._span(w.span)]]


def _arguments(args: tuple[tuple[str, Expr], ...]) -> Clause:
    clause: Clause = []
    for n, (name, e) in enumerate(args):
        clause += [f"{', ' if n else '('}{name_text(name)} = ", Slot(e)]
    return [*clause, ")"] if args else []


def _of_part(e: Check | Reached) -> str:
    return f" part {e.part}" if e.part else ""


def _path(path: Expr) -> Clause:
    return [] if path is TRUE else [" if ", Slot(path)]


def _message(message: Message) -> Clause:
    clause: Clause = [" message"] if message else []
    for part in message:
        clause += [f" {string_text(part)}"] if isinstance(part, str) else [" {", Slot(part), "}"]
    return clause
