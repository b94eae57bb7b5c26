"""Words of the text form: reserved ones, how names and strings are written, and the tokenizer that reads
them back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_WORDS = (
    "dmaverify-ir source index enum flags record var local ghost pc param thread property "
    "action always cover assume note end as any owner actor level device ends idle labels code "
    "kind title inapplicable rests at in text frame when weight acquire release emit check stop "
    "reached if message set part let stable late domain given bool mask not and or then else true false null "
    "input new wrap narrow fill some present bitlen popcount insert remove"
)
KEYWORDS = frozenset(_WORDS.split())
"""Words that are no names unless they stand in backquotes."""

_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*"
_PLAIN_NAME = re.compile(_NAME)
INT_TYPE = re.compile(r"([ui])([1-9][0-9]*)")

_TOKEN = re.compile(
    rf"""
      (?P<space>\s+|//[^\n]*)
    | (?P<header>dmaverify-ir\b)
    | (?P<string>"(?:[^"\\\n]|\\.)*")
    | (?P<quoted>`(?:[^`\\\n]|\\.)*`)
    | (?P<span>@{_NAME}:\d+:\d+(?:-\d+(?::\d+)?)?)
    | (?P<number>(?:0x[0-9a-f]+|\d+)(?:[ui][1-9]\d*)?)
    | (?P<name>{_NAME})
    | (?P<sign>:=|::|->|==|!=|<=|<<|>>|\.\.|[-()\[\]{{}}<>,:=?!+*/%&|^~\#])
    """,
    re.VERBOSE | re.ASCII,
)


class IrSyntaxError(ValueError):
    """The text is not a System; says where and why."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.line = line
        self.column = column
        self.message = message


@dataclass(frozen=True)
class Token:
    """One word. ``kind``: ``word`` (reserved), ``name``, ``string``, ``number``, ``span``, ``sign`` or
    ``eof``.

    ``text`` is what is written, except for names and strings, where it is what they stand for.
    """

    kind: str
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        return "the end of the text" if self.kind == "eof" else repr(self.text)


def name_text(name: str) -> str:
    """A name as it is written: plain where it can be, else in backquotes."""
    if _PLAIN_NAME.fullmatch(name) and name not in KEYWORDS and not INT_TYPE.fullmatch(name):
        return name
    return "`" + json.dumps(name)[1:-1].replace('\\"', '"').replace("`", "\\u0060") + "`"


def string_text(text: str) -> str:
    """A string as it is written."""
    return json.dumps(text)


def tokenize(text: str) -> list[Token]:
    """All words of a text, the last one of kind ``eof``."""
    tokens: list[Token] = []
    line, start, at = 1, 0, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        column = at - start + 1
        if found is None:
            raise IrSyntaxError(line, column, f"{text[at]!r} does not begin a word")
        kind, word = found.lastgroup or "", found.group()
        if kind == "space":
            line += word.count("\n")
            if "\n" in word:
                start = at + word.rindex("\n") + 1
        elif kind in ("string", "quoted"):
            tokens.append(
                Token("string" if kind == "string" else "name", _unquote(word, line, column), line, column)
            )
        elif kind == "header" or (kind == "name" and word in KEYWORDS):
            tokens.append(Token("word", word, line, column))
        elif kind == "name" and INT_TYPE.fullmatch(word):
            tokens.append(Token("int", word, line, column))
        else:
            tokens.append(Token(kind, word, line, column))
        at = found.end()
    tokens.append(Token("eof", "", line, len(text) - start + 1))
    return tokens


def _unquote(word: str, line: int, column: int) -> str:
    inner = word[1:-1] if word[0] == '"' else word[1:-1].replace('"', '\\"')
    try:
        return str(json.loads(f'"{inner}"'))
    except ValueError:
        raise IrSyntaxError(line, column, f"{word} has an escape that means nothing") from None
