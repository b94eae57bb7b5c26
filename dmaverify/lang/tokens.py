"""Cuts a text into words, numbers, signs and texts, and finds out which brackets belong together.

Whether a word is a keyword or a name, and whether the end of a line ends a statement, is decided later
(`words`), since it depends on what the grammar can take at that place.
"""

from __future__ import annotations

import re
from contextlib import suppress

from dmaverify.lang.diag import Diagnostics, Source
from dmaverify.lang.limits import MAX_ERRORS, MAX_NESTING, MAX_STRING, MAX_TOKENS, MAX_WORD
from dmaverify.span import Span

WORD, NUMBER, SIGN, STRING = "word", "number", "sign", "string"

_SIGNS = (
    "..=", "+..", "<<=", ">>=", "..", "=>", "->", "??", "==", "!=", "<=", ">=", "<<", ">>",
    "+=", "-=", "*=", "|=", "&=", "^=", "{", "}", "(", ")", "[", "]", ",", ";", ":", ".", "=",
    "<", ">", "+", "-", "*", "/", "%", "&", "|", "^", "~", "!", "?",
)  # fmt: skip

_TOKEN = re.compile(
    r"(?P<space>[ \t\r]+)|(?P<newline>\n)"
    r"|(?P<doc>///(?!/)[^\n]*)|(?P<comment>//[^\n]*)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<number>[0-9][A-Za-z0-9_]*)"
    r'|(?P<quote>")|(?P<sign>' + "|".join(re.escape(s) for s in _SIGNS) + ")"
)
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F][0-9a-fA-F_]*|0[bB][01][01_]*|[0-9][0-9_]*)([KMGT]?)\Z")
_PIECE = re.compile(r'[^"{}\\\n]+|\\.|\{\{|\}\}')
_SCALE = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_CLOSES = {")": "(", "]": "[", "}": "{"}
_MAX_VALUE = 1 << 64
_INTERPOLATION = '"{'
"""Stands on the bracket stack for the `{` of an expression inside a text."""


class Token:
    """A piece of the text.

    `newline`: the first on its line, in a place where that may end a statement.  `value`: of a number; of an
    opening bracket the index of the closing one.  `depth`: how many brackets are open around it.
    """

    __slots__ = ("col", "depth", "doc", "kind", "line", "newline", "sized", "text", "value")

    def __init__(self, kind: str, text: str, line: int, col: int, depth: int, newline: bool) -> None:
        self.kind = kind
        self.text = text
        self.line = line
        self.col = col
        self.depth = depth
        self.newline = newline
        self.value = 0
        self.sized = False
        self.doc: str | None = None

    def __repr__(self) -> str:
        return f"{self.kind} {self.text!r} {self.line}:{self.col}"

    def span(self, path: str) -> Span:
        """Where it stands."""
        return Span(path, self.line, self.col, self.line, self.col + max(1, len(self.text)))


class TooMany(Exception):
    """A limit was passed; what there is to say has been said."""


class Tokens:
    """All tokens of a text, in a list that ends with one of kind `$END`."""

    def __init__(self, source: Source, diags: Diagnostics) -> None:
        self.path = source.path
        self.tokens: list[Token] = []
        self._text = source.text
        self._diags = diags
        self._line = 1
        self._line_start = 0
        self._open: list[Token] = []
        self._fresh = False
        self._doc: list[str] = []
        self._doc_line = 0
        with suppress(TooMany):
            self._run()

    # The loop below runs once for each token, so that it avoids calls.
    def _run(self) -> None:
        text, match = self._text, _TOKEN.match
        pos = 1 if text.startswith("\ufeff") else 0
        self._line_start = pos
        end = len(text)
        while pos < end:
            m = match(text, pos)
            if m is None:
                pos = self._stray(pos)
                continue
            kind = m.lastgroup
            start, pos = pos, m.end()
            if kind == "space" or kind == "comment":
                continue
            if kind == "newline":
                self._line += 1
                self._line_start = pos
                self._fresh = True
            elif kind == "word":
                self._add(WORD, m.group(), start)
            elif kind == "sign":
                sign = m.group()
                if sign in "([{":
                    self._enter(self._add(SIGN, sign, start))
                elif sign in _CLOSES:
                    if sign == "}" and self._open and self._open[-1].text == _INTERPOLATION:
                        self._open.pop()
                        self._add("INTERP_CLOSE", "}", start)
                        pos = self._string(pos)
                    else:
                        self._leave(sign, start)
                else:
                    self._add(SIGN, sign, start)
            elif kind == "number":
                self._number(m.group(), start)
            elif kind == "doc":
                if not self._fresh and self.tokens:
                    continue  # behind something on the same line: an ordinary comment
                if self._doc and self._doc_line != self._line - 1:
                    self._doc.clear()
                self._doc.append(m.group()[3:].strip())
                self._doc_line = self._line
            else:
                pos = self._quote(start)
        for bracket in reversed(self._open):
            if bracket.text == _INTERPOLATION:
                self._error("DMA002", "the text is not closed", bracket.line, bracket.col, 1)
            else:
                self._error("DMA006", f"`{bracket.text}` is never closed", bracket.line, bracket.col, 1)
        self._add("$END", "", end)

    def _add(self, kind: str, text: str, start: int) -> Token:
        if len(self.tokens) >= MAX_TOKENS:
            self._error(
                "DMA004",
                f"the file has more than {MAX_TOKENS:,} words and signs",
                self._line,
                start - self._line_start + 1,
                1,
            )
            raise TooMany
        if len(text) > MAX_WORD and kind is not STRING:
            self._error(
                "DMA009",
                f"a word of {len(text):,} characters; at most {MAX_WORD} are allowed",
                self._line,
                start - self._line_start + 1,
                1,
            )
            raise TooMany
        opened = self._open
        token = Token(kind, text, self._line, start - self._line_start + 1, len(opened), False)
        if self._fresh:
            self._fresh = False
            token.newline = not opened or opened[-1].text == "{"
        if self._doc:
            token.doc = "\n".join(self._doc)
            self._doc.clear()
        self.tokens.append(token)
        return token

    def _enter(self, token: Token) -> None:
        if len(self._open) >= MAX_NESTING:
            self._error(
                "DMA005", f"brackets are nested more than {MAX_NESTING} deep", token.line, token.col, 1
            )
            raise TooMany
        self._open.append(token)

    def _leave(self, sign: str, start: int) -> None:
        col = start - self._line_start + 1
        fits = _CLOSES[sign]
        if not self._open:
            self._error("DMA006", f"`{sign}` closes nothing", self._line, col, 1)
            return
        opened = self._open[-1]
        if opened.text != fits:
            note = (opened.span(self.path), f"this `{opened.text[-1]}` is open")
            self._error("DMA006", f"`{sign}` does not fit", self._line, col, 1, note)
            # Go on as if the inner brackets had been forgotten, or else as if this one were the one that
            # fits.
            if any(t.text == fits for t in self._open):
                while self._open[-1].text != fits:
                    self._open.pop()
        self._open.pop()
        opened.value = len(self.tokens)
        token = self._add(SIGN, sign, start)
        token.depth = len(self._open)
        token.newline = token.newline and sign == "}"

    def _number(self, text: str, start: int) -> None:
        token = self._add(NUMBER, text, start)
        m = _NUMBER.match(text)
        if m is None:
            self._error("DMA002", f"`{text}` is not a number", token.line, token.col, len(text))
            return
        token.value = (
            int(m.group(1).replace("_", ""), 0 if m.group(1)[:2].lower() in ("0x", "0b") else 10)
            << _SCALE[m.group(2)]
        )
        token.sized = bool(m.group(2))
        if token.value >= _MAX_VALUE:
            self._error("DMA002", f"`{text}` does not fit into 64 bits", token.line, token.col, len(text))
            token.value = 0

    def _quote(self, start: int) -> int:
        if any(t.text == _INTERPOLATION for t in self._open):
            self._error(
                "DMA002", "a `{` in this text is not closed", self._line, start - self._line_start + 1, 1
            )
            while self._open[-1].text != _INTERPOLATION:
                self._open.pop()
            self._open.pop()
            self.tokens.append(
                Token("INTERP_CLOSE", "}", self._line, start - self._line_start + 1, len(self._open), False)
            )
            self._add("STR_END", '"', start)
            return start + 1
        self._add("STR_START", '"', start)
        return self._string(start + 1)

    def _string(self, pos: int) -> int:
        """Reads on inside a text, up to its end or the next `{`."""
        start = pos
        parts: list[str] = []
        while True:
            while m := _PIECE.match(self._text, pos):
                piece = m.group()
                parts.append(
                    {"{{": "{", "}}": "}"}.get(piece) or (_escape(piece) if piece[0] == "\\" else piece)
                )
                pos = m.end()
            if self._text[pos : pos + 1] != "}":
                break
            what = "`}` in a text encloses nothing; a brace as such is written `}}`"
            self._error("DMA002", what, self._line, pos - self._line_start + 1, 1)
            pos += 1
        if pos - start > MAX_STRING:
            self._error(
                "DMA009",
                f"a text of more than {MAX_STRING:,} characters",
                self._line,
                start - self._line_start + 1,
                1,
            )
            raise TooMany
        if parts:
            self._add(STRING, "".join(parts), start).kind = "STR_TEXT"
        col = pos - self._line_start + 1
        sign = self._text[pos : pos + 1]
        if sign == '"':
            self._add("STR_END", '"', pos)
            return pos + 1
        if sign == "{":
            token = self._add("INTERP_OPEN", "{", pos)
            self._enter(Token(SIGN, _INTERPOLATION, token.line, token.col, 0, False))
            return pos + 1
        self._error("DMA002", "the text is not closed at the end of its line", self._line, col, 1)
        self._add("STR_END", "", pos)
        return pos + 1 if sign == "\\" else pos

    def _stray(self, pos: int) -> int:
        char = self._text[pos]
        shown = f"`{char}`" if char.isprintable() else f"U+{ord(char):04X}"
        self._error(
            "DMA002", f"{shown} is no sign of the language", self._line, pos - self._line_start + 1, 1
        )
        return pos + 1

    def _error(
        self,
        code: str,
        message: str,
        line: int,
        col: int,
        width: int,
        note: tuple[Span | None, str] | None = None,
    ) -> None:
        self._diags.error(
            code, message, Span(self.path, line, col, line, col + width), notes=[note] if note else []
        )
        if self._diags.count >= MAX_ERRORS:
            raise TooMany


def _escape(piece: str) -> str:
    return {"\\n": "\n", "\\t": "\t"}.get(piece, piece[1:])
