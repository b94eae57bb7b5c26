"""The parser's tables: lark makes them of `grammar.lark`, which takes longer than most files take to check.

So they are kept in `tables.json`, which `python -m dmaverify.lang.tables` writes anew after a change of the grammar. Tables of
another grammar than the one at hand are not used: they are made at once instead.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import json
from importlib import resources
from importlib.resources.abc import Traversable
from operator import itemgetter
from pathlib import Path
from typing import Any

_UNSEEN = frozenset(
    {"SEP", "AT_MOST", "IN_IRQ", "NA", "BLOCK_OPEN", "STR_START", "STR_END", "INTERP_OPEN", "INTERP_CLOSE"}
)  # fmt: skip
"""Terminals that say nothing beyond the rule that they stand in."""


class Rule:
    """One production:

    how many symbols it takes off the stack, which of them the handler sees, and its name.
    """

    __slots__ = ("keep", "name", "origin", "size", "splice")

    def __init__(self, origin: str, name: str, keep: list[bool]) -> None:
        self.origin = origin
        self.name = name
        self.size = len(keep)
        self.keep = tuple(i for i, kept in enumerate(keep) if kept)
        self.splice = origin.startswith("_")


class Grammar:
    """The tables: `actions[state][symbol]` is a state to go to or a Rule to reduce by."""

    def __init__(self, plain: dict[str, Any]) -> None:
        """`plain` is what `make` returns."""
        symbols: list[str] = plain["symbols"]
        self.start: int = plain["start"]
        self.end: int = plain["end"]
        self.rules = [Rule(origin, name, keep) for origin, name, keep in plain["rules"]]
        self.actions: list[dict[str, int | Rule]] = [
            {symbols[s]: to if to >= 0 else self.rules[-1 - to] for s, to in zip(row[::2], row[1::2], strict=True)}
            for row in plain["actions"]
        ]
        self.terminals: dict[str, str] = plain["terminals"]
        header = {"module", "scenario"}
        self.starters = frozenset(
            t for t, name in self.terminals.items() if name in self.actions[self.start] and t not in header
        )
        """Words that a declaration starts with."""
        self.text_of: dict[str, str] = {name: text for text, name in self.terminals.items()}


def lark_of(text: str, debug: bool = False) -> Any:
    """lark's own parser of a grammar, without a lexer; `debug` makes it log the conflicts that it settles."""
    from lark import Lark
    from lark.lexer import Lexer

    class NoLexer(Lexer):
        """lark wants a lexer; its tables are used without one."""

        def __init__(self, conf: object) -> None:
            pass

        def lex(self, lexer_state: object, parser_state: object) -> Any:
            return iter(())

    return Lark(text, parser="lalr", lexer=NoLexer, start="file", maybe_placeholders=False, debug=debug)


def make(text: str) -> dict[str, Any]:
    """The tables of a grammar as plain data: a row of `actions` lists symbols (by number) and what they lead to in turns.

    That is a state, or `-1 - n` for a reduction by rule `n`.
    """
    from lark.lexer import PatternStr

    collecting = gc.isenabled()
    gc.disable()  # a third of the time otherwise: nothing of what is made here is garbage before the end
    try:
        lark = lark_of(text)
    finally:
        if collecting:
            gc.enable()
    table = lark.parse_interactive("").parser_state.parse_conf.parse_table
    rows = {n: sorted(((str(symbol), to) for symbol, (_, to) in row.items()), key=itemgetter(0)) for n, row in table.states.items()}
    # lark numbers the states differently each time: here they are numbered as they are reached
    order = {table.start_states["file"]: 0}
    for state in (todo := list(order)):
        for _, to in rows[state]:
            if isinstance(to, int) and to not in order:
                order[to] = len(order)
                todo.append(to)
    numbers: dict[str, int] = {}
    rules: dict[tuple[Any, ...], int] = {}
    actions: list[list[int]] = []
    for state in order:
        actions.append([])
        for symbol, to in rows[state]:
            if isinstance(to, int):
                target = order[to]
            else:
                keep = tuple(not (s.is_term and (s.filter_out or s.name in _UNSEEN)) for s in to.expansion)
                rule = str(to.origin.name), str(to.alias or to.origin.name), keep
                target = -1 - rules.setdefault(rule, len(rules))
            actions[-1] += numbers.setdefault(symbol, len(numbers)), target
    return {
        "digest": _digest(text),
        "start": 0,
        "end": order[table.end_states["file"]],
        "terminals": dict(sorted((t.pattern.value, t.name) for t in lark.terminals if isinstance(t.pattern, PatternStr))),
        "symbols": list(numbers),
        "rules": list(rules),
        "actions": actions,
    }


def grammar_text() -> str:
    """The text of `grammar.lark`."""
    return _beside("grammar.lark").read_text(encoding="utf-8")


@functools.cache
def grammar() -> Grammar:
    """The language's tables, read or made once in a process."""
    text = grammar_text()
    try:
        kept = json.loads(_beside("tables.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {}
    return Grammar(kept if kept.get("digest") == _digest(text) else make(text))


def as_text(plain: dict[str, Any]) -> str:
    """The tables as JSON, a line for each state."""
    head = {k: v for k, v in plain.items() if k != "actions"}
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in plain["actions"])
    return f'{json.dumps(head, separators=(",", ":"))[:-1]},"actions":[\n{rows}]}}\n'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _beside(name: str) -> Traversable:
    return resources.files("dmaverify.lang").joinpath(name)


if __name__ == "__main__":
    Path(str(_beside("tables.json"))).write_text(as_text(make(grammar_text())), encoding="utf-8")
