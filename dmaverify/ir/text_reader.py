"""Reads the words, types and values of the text form."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from dmaverify.ir.text_lex import IrSyntaxError, Token, tokenize
from dmaverify.ir.types import BOOL, Bool, Enum, Flags, Int, Map, Mask, Opt, Range, Record, Type, Value

_DEEPEST = 100
"""Brackets and prefixes nested deeper than this are refused; the printer stays far below."""

_INT_AT_END = re.compile(r"([ui])([0-9]+)$")

_T = TypeVar("_T")


class Reader:
    """The words of a text and a place among them; reads types and values from there."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.place = 0
        self.types: dict[str, Type] = {}
        self._depth = 0

    # -- words ------------------------------------------------------------------------------------------

    @property
    def here(self) -> Token:
        """The next word."""
        return self.tokens[self.place]

    def fail(self, message: str, at: Token | None = None) -> NoReturn:
        """Give up with an error at a word, the next one if none is named."""
        token = at or self.here
        raise IrSyntaxError(token.line, token.column, message)

    def next(self) -> Token:
        """Take the next word."""
        token = self.here
        if token.kind != "eof":
            self.place += 1
        return token

    def sees(self, *texts: str) -> bool:
        """Whether the next word is one of these signs or reserved words."""
        return self.here.kind in ("sign", "word") and self.here.text in texts

    def take(self, text: str) -> bool:
        """Take the sign or reserved word if it is next."""
        if not self.sees(text):
            return False
        self.place += 1
        return True

    def expect(self, text: str) -> Token:
        """Take the sign or reserved word, which must be next."""
        if not self.sees(text):
            self.fail(f"expected {text!r}, found {self.here}")
        return self.next()

    def of_kind(self, kind: str, what: str) -> str:
        """Text of the next word, which must be of that kind."""
        if self.here.kind != kind:
            self.fail(f"expected {what}, found {self.here}")
        return self.next().text

    def name(self) -> str:
        """A name."""
        return self.of_kind("name", "a name")

    def string(self) -> str:
        """A string."""
        return self.of_kind("string", "a string")

    def number(self) -> int:
        """A number without type, perhaps with a sign."""
        sign = -1 if self.take("-") else 1
        token = self.here
        self.of_kind("number", "a number")
        n, t = number_of(token)
        if t is not None:
            self.fail(f"{token.text} says its type where none is wanted", token)
        return sign * n

    def listed(self, opening: str, closing: str, item: Callable[[], _T]) -> list[_T]:
        """Items between brackets, separated by commas."""
        self.expect(opening)
        items: list[_T] = []
        while not self.sees(closing):
            items.append(item())
            if not self.take(","):
                break
        self.expect(closing)
        return items

    def deeper(self, read: Callable[[], _T]) -> _T:
        """Read something one level further inside."""
        self._depth += 1
        if self._depth > _DEEPEST:
            self.fail("nested too deeply")
        try:
            return read()
        finally:
            self._depth -= 1

    # -- types and values -------------------------------------------------------------------------------

    def type(self) -> Type:
        """A type."""
        return self.deeper(self._type)

    def _type(self) -> Type:
        at = self.here
        try:
            if self.take("["):
                index = self.type()
                self.expect("]")
                self.expect("->")
                return Map(index, self.type())
            t: Type
            if self.take("("):
                t = self.type()
                self.expect(")")
            elif self.take("mask"):
                t = Mask(self._simple_type())
            else:
                t = self._simple_type()
            while self.take("?"):
                t = Opt(t)
            return t
        except ValueError as error:
            if isinstance(error, IrSyntaxError):
                raise
            self.fail(str(error), at)

    def _simple_type(self) -> Type:
        at = self.here
        if self.take("bool"):
            return BOOL
        if at.kind == "int":
            self.next()
            return int_type(at)
        if at.kind == "number" or self.sees("-"):
            lo = self.number()
            self.expect("..")
            return Range(lo, self.number())
        name = self.name()
        if name not in self.types:
            self.fail(f"there is no type {name}", at)
        return self.types[name]

    def value(self, t: Type) -> Value:
        """A value of a known type."""
        at = self.here
        v = self.deeper(lambda: self._value(t))
        if not t.contains(v):
            self.fail(f"this is no value of {t}", at)
        return v

    def _value(self, t: Type) -> Value:
        if isinstance(t, Bool):
            if not self.sees("true", "false"):
                self.fail(f"expected true or false, found {self.here}")
            return self.next().text == "true"
        if isinstance(t, Enum):
            return self._member(t.members)
        if isinstance(t, Flags):
            return sum(1 << n for n in set(self.listed("{", "}", lambda: self._member(t.members))))
        if isinstance(t, Opt):
            return None if self.take("null") else self.value(t.of)
        if isinstance(t, Record):
            left = [f for _, f in t.fields]
            return tuple(self.listed("{", "}", lambda: self.value(left.pop(0) if left else t)))
        if isinstance(t, Map):
            return tuple(cell for run in self.listed("[", "]", lambda: self._cells(t)) for cell in run)
        if isinstance(t, Mask):
            bits = 0
            for stretch in self.listed("{", "}", lambda: self._ordinals(t)):
                for n in stretch:
                    bits |= 1 << n
            return bits
        return self.number()

    def _member(self, members: tuple[str, ...]) -> int:
        at = self.here
        if at.kind == "number":
            n = self.number()
            if n >= len(members):
                self.fail(f"there are {len(members)} members", at)
            return n
        name = self.name()
        if name not in members:
            self.fail(f"there is no member {name}", at)
        return members.index(name)

    def _cells(self, t: Map) -> tuple[Value, ...]:
        at = self.here
        v = self.value(t.of)
        n = self.number() if self.take("*") else 1
        if n > t.index.count:
            self.fail(f"{t} has {t.index.count} cells", at)
        return (v,) * n

    def _ordinals(self, t: Mask) -> range:
        at = self.here
        lo = self.number()
        hi = self.number() if self.take("..") else lo
        if lo < 0 or hi >= t.index.count:
            self.fail(f"{t.index} has {t.index.count} values", at)
        return range(lo, hi + 1)


def number_of(token: Token) -> tuple[int, Type | None]:
    """A number's value, and the type that it says."""
    typed = _INT_AT_END.search(token.text)
    digits = token.text[: typed.start()] if typed else token.text
    try:
        n = int(digits, 16) if digits.startswith("0x") else int(digits)
    except ValueError:  # Python refuses numbers of thousands of digits
        raise IrSyntaxError(token.line, token.column, "this number is too long") from None
    return n, int_type(token) if typed else None


def int_type(token: Token) -> Int:
    """The integer type that a word names, or that a number says."""
    found = _INT_AT_END.search(token.text)
    assert found is not None
    sign, width = found.groups()
    if len(width) > 4:
        raise IrSyntaxError(token.line, token.column, f"an integer of {width} bits is too wide")
    return Int(int(width), sign == "i")
