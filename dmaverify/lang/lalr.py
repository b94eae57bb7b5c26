"""The LALR(1) parser: lark turns `grammar.lark` into tables, and the loop here runs them.

The loop is our own because the lexer has to ask it questions (`accepts`), because each node needs the exact span of what
it was made from, and because it must stop by itself on hostile input.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import resources
from typing import Any, Protocol

from lark import Lark
from lark.lexer import Lexer, PatternStr

from dmaverify.lang.limits import MAX_STACK
from dmaverify.lang.tokens import Token, Tokens
from dmaverify.lang.words import Words


class Splice(list[Any]):
    """The children of a rule without a node of its own; they become children of the rule around it."""


class Handlers(Protocol):
    """Builds nodes: one method `on_RULE(children, first, last)` for each rule that has one."""


class _NoLexer(Lexer):
    """lark wants a lexer; the tables are used without it."""

    def __init__(self, conf: Any) -> None:
        pass

    def lex(self, data: Any) -> Any:
        return iter(())


class Rule:
    """One production, ready for the loop."""

    __slots__ = ("handler", "keep", "name", "origin", "size", "splice")

    def __init__(self, origin: str, name: str, keep: list[bool]) -> None:
        self.origin = origin
        self.name = name
        self.size = len(keep)
        self.keep = [i for i, kept in enumerate(keep) if kept]
        self.splice = origin.startswith("_")
        self.handler = "on_" + name


class Grammar:
    """The tables: `actions[state][terminal]` is a state to go to (int) or a Rule to reduce by."""

    def __init__(self, text: str) -> None:
        lark = Lark(text, parser="lalr", lexer=_NoLexer, start="file", maybe_placeholders=False)
        table = lark.parse_interactive("").parser_state.parse_conf.parse_table
        self.start: int = table.start_states["file"]
        self.end: int = table.end_states["file"]
        rules: dict[int, Rule] = {}
        self.actions: list[dict[str, int | Rule]] = [{} for _ in range(max(table.states) + 1)]
        for number, row in table.states.items():
            out = self.actions[number]
            for terminal, (action, arg) in row.items():
                if action.__name__ if hasattr(action, "__name__") else str(action) != "Reduce":
                    pass
                if isinstance(arg, int):
                    out[terminal] = arg
                    continue
                rule = rules.get(id(arg))
                if rule is None:
                    keep = [not (s.is_term and s.filter_out) for s in arg.expansion]
                    rule = rules[id(arg)] = Rule(arg.origin.name, arg.alias or arg.origin.name, keep)
                out[terminal] = rule
        self.terminals: dict[str, str] = {
            t.pattern.value: t.name for t in lark.terminals if isinstance(t.pattern, PatternStr)
        }
        self.text_of: dict[str, str] = {name: text for text, name in self.terminals.items()}

    def rule_names(self) -> set[str]:
        """The names of all rules and alternatives that make a node."""
        found = {a for row in self.actions for a in row.values() if isinstance(a, Rule)}
        return {r.name for r in found if not r.splice}


@functools.cache
def grammar() -> Grammar:
    """The language's tables, made once in a process."""
    return Grammar(resources.files("dmaverify.lang").joinpath("grammar.lark").read_text(encoding="utf-8"))
