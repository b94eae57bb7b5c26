"""Reads the text form of a System back: ``parse(to_text(system)) == system``."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from dmaverify.ir.expr import TRUE, Expr
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Cover,
    Effect,
    Emit,
    Frame,
    Input,
    Kind,
    LockOp,
    Message,
    Part,
    Property,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.text import VERSION
from dmaverify.ir.text_lex import IrSyntaxError
from dmaverify.ir.text_parse_expr import ExprReader
from dmaverify.ir.types import Enum, Flags, Index, Record, Type, Value
from dmaverify.span import NOWHERE, Span

__all__ = ["IrSyntaxError", "parse"]

_SPAN = re.compile(r"@(.+?):(\d+):(\d+)(?:-(\d+)(?::(\d+))?)?")
_PROPERTY_KINDS = ("monitor", "lemma", "scenario", "builtin", "cover")


def parse(text: str) -> System:
    """The System that a text says; ``IrSyntaxError`` with line and column if it does not say one."""
    return _Parser(text).system()


class _Parser(ExprReader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.sources: dict[str, str] = {}
        self.vars: list[Var] = []
        self.threads: list[Thread] = []
        self.properties: list[Property] = []
        self.actions: list[Action] = []
        self.always: list[Always] = []
        self.covers: list[Cover] = []
        self.assumptions: list[Expr] = []
        self.domain: list[Expr] = []
        self.notes: list[str] = []

    def system(self) -> System:
        """The whole text."""
        self.expect("dmaverify-ir")
        at = self.here
        if self.number() != VERSION:
            self.fail(f"this is not version {VERSION} of the text form", at)
        name = self.string()
        readers: dict[str, Callable[[], None]] = {
            "source": self._source,
            "index": self._index,
            "enum": self._enum,
            "flags": self._flags,
            "record": self._record,
            **{k.value: self._var for k in Kind},
            "thread": self._thread,
            "property": self._property,
            "action": self._action,
            "given": self._let,
            "always": self._always,
            "cover": self._cover,
            "assume": lambda: self.assumptions.append(self.condition()),
            "domain": lambda: self.domain.append(self.condition()),
            "note": lambda: self.notes.append(self.string()),
        }
        while not self.take("end"):
            word = self.next()
            read = readers.get(word.text) if word.kind == "word" else None
            if read is None:
                self.fail(f"expected a declaration, found {word}", word)
            read()
            if word.text != "given":
                self.scope.lets.clear()
        if self.here.kind != "eof":
            self.fail(f"expected nothing behind the end, found {self.here}")
        return System(
            name,
            vars=tuple(self.vars),
            actions=tuple(self.actions),
            threads=tuple(self.threads),
            properties=tuple(self.properties),
            always=tuple(self.always),
            covers=tuple(self.covers),
            assumptions=tuple(self.assumptions),
            domain=tuple(self.domain),
            notes=tuple(self.notes),
        )

    def _source(self) -> None:
        short = self.name()
        self.sources[short] = self.string()

    def _span(self) -> Span:
        if self.here.kind != "span":
            return NOWHERE
        at = self.next()
        found = _SPAN.fullmatch(at.text)
        assert found is not None
        short, line, column, end, end_column = found.groups()
        if short not in self.sources:
            self.fail(f"there is no source {short}", at)
        begin = int(line), int(column)
        if end is None:
            stop = begin
        elif end_column is None:
            stop = begin[0], int(end)
        else:
            stop = int(end), int(end_column)
        return Span(self.sources[short], *begin, *stop)

    # -- types ------------------------------------------------------------------------------------------

    def _type_name(self) -> tuple[str, str]:
        """The name that the text uses, and the type's own."""
        at = self.here
        alias = self.name()
        if alias in self.types:
            self.fail(f"type {alias} is declared twice", at)
        return alias, self.string() if self.take("as") else alias

    def _index(self) -> None:
        alias, name = self._type_name()
        at = self.here
        size = self.number()
        if size < 1:
            self.fail("an index has at least one value", at)
        names = self.listed("{", "}", self.string) if self.sees("{") else []
        self.types[alias] = Index(name, size, tuple(names))

    def _enum(self) -> None:
        alias, name = self._type_name()
        self.types[alias] = Enum(name, tuple(self.listed("{", "}", self.name)))

    def _flags(self) -> None:
        alias, name = self._type_name()
        self.types[alias] = Flags(name, tuple(self.listed("{", "}", self.name)))

    def _record(self) -> None:
        alias, name = self._type_name()

        def one() -> tuple[str, Type]:
            field = self.name()
            self.expect(":")
            return field, self.type()

        self.types[alias] = Record(name, tuple(self.listed("{", "}", one)))

    # -- declarations -----------------------------------------------------------------------------------

    def _var(self) -> None:
        kind = Kind(self.tokens[self.place - 1].text)
        name = self.name()
        self.expect(":")
        t = self.type()
        self.expect("=")
        any_init = self.take("any")
        init: Value | None = None
        value_next = self.here.kind in ("name", "number") or self.sees("{", "[", "-", "true", "false", "null")
        if not any_init or value_next:
            init = self.value(t)
        owner = self.name() if self.take("owner") else None
        self.vars.append(Var(name, t, init, kind, owner, self._span(), any_init))
        self.scope.vars[name] = t

    def _thread(self) -> None:
        name = self.name()
        self.expect("pc")
        pc = self.name()
        self.expect("actor")
        actor = self.string()
        self.expect("level")
        level = self.name()
        device = self.take("device")
        ends = self.listed("{", "}", self.number) if self.take("ends") else []
        idle = self.listed("{", "}", self.number) if self.take("idle") else []
        labels: dict[str, int] = {}

        def label() -> None:
            text = self.string()
            self.expect(":")
            labels[text] = self.number()

        if self.take("labels"):
            self.listed("{", "}", label)
        self.threads.append(
            Thread(name, pc, actor, level, device, frozenset(ends), frozenset(idle), labels, self._span())
        )

    def _property(self) -> None:
        name = self.name()
        self.expect("code")
        code = self.string()
        self.expect("kind")
        at = self.next()
        kind: Any = at.text
        if at.kind not in ("name", "word") or kind not in _PROPERTY_KINDS:
            self.fail(f"expected one of {', '.join(_PROPERTY_KINDS)}, found {at}", at)
        title = self.string() if self.take("title") else ""
        applies = not self.take("inapplicable")
        rests: list[str] = []
        if self.take("rests"):
            rests.append(self.string())
            while self.take(","):
                rests.append(self.string())
        self.properties.append(Property(name, code, kind, title, applies, tuple(rests), self._span()))

    def _let(self) -> None:
        at = self.here
        name = self.name()
        if name in self.scope.lets:
            self.fail(f"{name} is named twice", at)
        self.expect("=")
        self.scope.lets[name] = self.expr()

    def _always(self) -> None:
        prop, label = self.name(), self.string()
        self.expect(":")
        cond = self.condition()
        when = self.condition() if self.take("when") else TRUE
        stable: list[Expr] = []
        if self.take("stable"):
            stable.append(self.condition())
            while self.take(","):
                stable.append(self.condition())
        message = self._message()
        self.always.append(Always(prop, label, cond, when, message, tuple(stable), self._span()))

    def _cover(self) -> None:
        name = self.name()
        self.expect(":")
        cond = self.condition()
        self.covers.append(Cover(name, cond, self._span()))

    # -- actions ----------------------------------------------------------------------------------------

    def _action(self) -> None:
        name = self.name()
        inputs = self.listed("(", ")", self._input) if self.sees("(") else []
        thread = self.name() if self.take("thread") else None
        at = self.number() if self.take("at") else None
        span = self._span()
        self.scope.inputs = {i.name: i.type for i in inputs}
        actor = text = ""
        stack: list[Frame] = []
        guard, weight = TRUE, None
        locks: list[LockOp] = []
        effects: list[Effect] = []
        updates: dict[str, Expr] = {}
        parts: list[Part] = []
        while True:
            word = self.here
            if self.take("actor"):
                actor = self.string()
            elif self.take("text"):
                text = self.string()
            elif self.take("frame"):
                stack.append(Frame(self.string(), self._span()))
            elif self.take("let"):
                self._let()
            elif self.take("when"):
                guard = self.condition()
            elif self.take("weight"):
                weight = self.expr()
            elif self.take("acquire"):
                locks.append(LockOp("acquire", self.condition()))
            elif self.take("release"):
                locks.append(LockOp("release", self.condition()))
            elif self.sees("emit", "check", "reached"):
                effects.append(self._effect())
            elif self.take("set"):
                variable = self.name()
                if variable in updates:
                    self.fail(f"{variable} is set twice", word)
                self.expect("=")
                updates[variable] = self.expr(self.scope.vars.get(variable))
            elif self.take("part"):
                parts.append(self._part())
            else:
                break
        self.scope.inputs = {}
        self.actions.append(
            Action(
                name,
                thread,
                at,
                guard=guard,
                inputs=tuple(inputs),
                effects=tuple(effects),
                updates=updates,
                weight=weight,
                locks=tuple(locks),
                parts=tuple(parts),
                text=text,
                actor=actor,
                stack=tuple(stack),
                span=span,
            )
        )

    def _input(self) -> Input:
        name = self.name()
        self.expect(":")
        t = self.type()
        values = tuple(self.listed("{", "}", lambda: self.value(t))) if self.take("in") else None
        return Input(name, t, values)

    def _part(self) -> Part:
        name = self.name()
        bindings = self._arguments_list()
        weight = self.number() if self.take("weight") else 1
        late = self.take("late")
        return Part(name, self._path(), bindings, weight, late)

    def _of_part(self) -> int:
        return self.number() if self.take("part") else 0

    def _effect(self) -> Effect:
        if self.take("emit"):
            event = self.name()
            args = self._arguments_list()
            path = self._path()
            return Emit(event, args, path, self._span())
        if self.take("reached"):
            cover = self.name()
            part = self._of_part()
            path = self._path()
            return Reached(cover, path, self._span(), part)
        self.expect("check")
        prop, label = self.name(), self.string()
        stop = self.take("stop")
        part = self._of_part()
        self.expect(":")
        cond = self.condition()
        path = self._path()
        message = self._message()
        return Check(prop, label, path, cond, message, self._span(), stop, part)

    def _arguments_list(self) -> tuple[tuple[str, Expr], ...]:
        def one() -> tuple[str, Expr]:
            name = self.name()
            self.expect("=")
            return name, self.expr()

        return tuple(self.listed("(", ")", one)) if self.sees("(") else ()

    def _path(self) -> Expr:
        return self.condition() if self.take("if") else TRUE

    def _message(self) -> Message:
        parts: list[str | Expr] = []
        if self.take("message"):
            while True:
                if self.here.kind == "string":
                    parts.append(self.string())
                elif self.take("{"):
                    parts.append(self.expr())
                    self.expect("}")
                else:
                    break
        return tuple(parts)
