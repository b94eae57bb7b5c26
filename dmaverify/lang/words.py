"""Decides, in the midst of parsing, what a word is and whether the end of a line ends a statement.

A word of the grammar is a keyword only where the grammar can take that keyword.  Where it could take a name
as well, the words that follow decide, by the rules in `_HINTS`: `new` is the keyword before a name (`new
Table`) and otherwise a name (the content `new`); `none` is a quantifier before `x in`.
"""

from __future__ import annotations

from collections.abc import Callable

from dmaverify.lang.tokens import NUMBER, SIGN, WORD, Token

Accepts = Callable[[str], bool]

QUANTIFIERS = frozenset({"all", "forall", "some", "exists", "none"})
CHOICES = frozenset({"first", "last", "one", "any"})
FOLDS = frozenset({"count", "sum", "min", "max"})
UNITS = frozenset({"bytes", "pages", "order"})

_OPERATORS = frozenset(
    {"%", "<<", ">>", "&", "^", "??", "==", "!=", "<=", ">=", "<", ">", "+", "/", "+..", "=>"}
)
_OPERATOR_WORDS = frozenset({"and", "within"})
_ASSIGNS = frozenset({"+=", "-=", "*=", "|=", "&=", "^=", "<<=", ">>="})
_INFIX_WORDS = frozenset(
    {"and", "or", "in", "is", "within", "not", "as", "wrap", "with", "else", "where", "to", "from"}
)
_CONTINUES = frozenset({")", "]", ",", ".", "|", "*", "-", "=", "->", ":", "?"}) | _OPERATORS | _ASSIGNS
"""A line that starts with one of these goes on with the one before."""
_CONTINUES_WORDS = frozenset(
    {"and", "or", "is", "in", "within", "else", "when", "where", "requires", "ensures", "invariant",
     "decreases", "at", "not", "as", "with", "applies", "holding", "after", "before"}
)  # fmt: skip
_HEADS = frozenset(
    {"IF", "WHILE", "FOR", "MATCH", "LOCK", "WHEN", "REPEAT", "REQUIRES", "ENSURES", "OBJECT", "LOOP"}
)
"""Keywords after which, up to the block, a name before `{` is just a name."""
_AFTER_RECORD = frozenset({"{", "|", "and", "or", "*", "-"})
_BEFORE_OPERAND = frozenset(
    {
        "OP",
        "STAR",
        "MINUS",
        "VBAR",
        "OR",
        "IN",
        "NOT_IN",
        "IS",
        "NOT",
        "COMMA",
        "WITH",
        "TILDE",
        "EQUAL",
        "__DOT_DOT",
    }
)
"""After these `{` starts a set, not the block."""


class Words:
    """Classifies the tokens of one text, in order."""

    def __init__(self, tokens: list[Token], terminals: dict[str, str], starters: frozenset[str]) -> None:
        self._tokens = tokens
        self._terminals = terminals
        self._starters = starters
        self._heads: dict[int, int] = {}
        self._head_is_for = False
        self._no_heads = False
        self._in_ensures = False

    # ------------------------------------------------------------------------------------------- ends of
    # statements

    def separates(self, i: int, last: str, accepts: Accepts) -> bool:
        """Whether a statement ends before token i, which is the first on its line.

        `last`: the terminal before it.
        """
        token = self._tokens[i]
        text = token.text
        if last in ("LBRACE", "SEP", "COLON", "BLOCK_OPEN", "") or text in ("}", ";") or token.kind == "$END":
            return False
        if token.kind is SIGN:
            if text in _CONTINUES and not self._is_arm(i):
                return False
            if text == "{" and (accepts("LBRACE") or accepts("BLOCK_OPEN")):
                return False
        elif token.kind is WORD and text in _CONTINUES_WORDS and self._goes_on(i, accepts):
            return False
        return accepts("SEP")

    def _is_arm(self, i: int) -> bool:
        """`-1 ->` and `-EBUSY ->` start an arm of a match."""
        return self._tokens[i].text == "-" and i + 2 < len(self._tokens) and self._tokens[i + 2].text == "->"

    def _goes_on(self, i: int, accepts: Accepts) -> bool:
        text, following = self._tokens[i].text, self._tokens[i + 1]
        if following.text in ("=", "->", "(", ".", "[") and text not in (
            "when",
            "where",
            "and",
            "or",
            "requires",
            "ensures",
        ):
            return False
        if text == "at":
            return following.text == "most" and accepts("AT_MOST")
        if text == "not":
            return following.text == "in" and accepts("NOT_IN")
        if text == "in" and following.text == "irq":
            return accepts("IN_IRQ")
        if text == "ensures" and self._tokens[i + 2].text == ":":
            return False
        if text in _OPERATOR_WORDS:
            return accepts("OP")
        return accepts(self._terminals[text])

    def separated(self) -> None:
        """A SEP was taken because of the end of a line."""
        self._heads.clear()
        self._no_heads = False
        self._in_ensures = False

    def semicolon(self) -> None:
        """A SEP was taken because of `;`: the heads end, but for that of `for i: T = 0; …; …`."""
        if not self._head_is_for:
            self._heads.clear()
        self._in_ensures = False

    # --------------------------------------------------------------------------------------------------
    # signs, words

    def classify(self, i: int, last: str, accepts: Accepts) -> tuple[str, int]:
        """The terminal that token i starts, and how many tokens it takes up."""
        token = self._tokens[i]
        kind = token.kind
        if kind is WORD:
            terminal, count = self._word(i, accepts)
            if terminal == "ENSURES" and self._tokens[i + 2].text == ":":
                self._no_heads = self._in_ensures = True
            elif terminal in _HEADS:
                self._head(terminal, token.depth)
            elif terminal == "LEMMA":
                self._no_heads = True
            return terminal, count
        if kind is NUMBER:
            return "INT", 1
        if kind is not SIGN:
            return kind, 1
        return self._sign(token, last, accepts), 1

    def _sign(self, token: Token, last: str, accepts: Accepts) -> str:
        text = token.text
        if text in _OPERATORS:
            return "OP"
        if text in _ASSIGNS:
            return "OPASSIGN"
        if text == "{":
            if last in ("ALWAYS", "STABLE") and accepts("BLOCK_OPEN"):
                return "BLOCK_OPEN"
            if last != "RNAME" and last not in _BEFORE_OPERAND:
                left = self._heads.get(token.depth, 0)
                if left:
                    self._heads[token.depth] = left - 1
                self._in_ensures = False
            self._heads.pop(token.depth + 1, None)
        elif text == "}":
            self._heads.pop(token.depth + 1, None)
        return self._terminals[text]

    def _head(self, terminal: str, depth: int) -> None:
        if terminal == "ENSURES":
            self._in_ensures = True
        if not self._no_heads:
            self._heads[depth] = self._heads.get(depth, 0) + 1
            self._head_is_for = terminal == "FOR"

    def _word(self, i: int, accepts: Accepts) -> tuple[str, int]:
        token, following = self._tokens[i], self._tokens[i + 1]
        text = token.text
        if (
            token.newline
            and token.col == 1
            and not token.depth
            and text in self._starters
            and following.kind is WORD
        ):
            return self._terminals[text], 1  # a declaration, even where the one before it is not complete
        if text == "result" and self._in_ensures and accepts("RESULT"):
            return "RESULT", 1
        if text in UNITS and not token.newline and accepts("UNIT"):
            return "UNIT", 1
        if text == "at" and following.text == "most" and accepts("AT_MOST"):
            return "AT_MOST", 2
        if text == "not" and following.text == "in" and accepts("NOT_IN"):
            return "NOT_IN", 2
        if text == "in" and following.text == "irq" and accepts("IN_IRQ"):
            return "IN_IRQ", 2
        if text == "n" and following.text == "/" and self._tokens[i + 2].text == "a" and accepts("NA"):
            return "NA", 3
        if text in _OPERATOR_WORDS and accepts("OP"):
            return "OP", 1
        if text in QUANTIFIERS or text in CHOICES or text in FOLDS:
            kind = "QUANT" if text in QUANTIFIERS else "CHOICE" if text in CHOICES else "FOLD"
            if self._binder_follows(i + 1) and accepts(kind):
                return kind, 1
        terminal = self._terminals.get(text)
        if terminal is not None and accepts(terminal) and self._is_keyword(i, text, accepts):
            return terminal, 1
        if following.text == "{" and not following.newline and self._starts_record(i) and accepts("RNAME"):
            return "RNAME", 1
        return "NAME", 1

    def _is_keyword(self, i: int, text: str, accepts: Accepts) -> bool:
        """Whether a word that could be a keyword here is one."""
        if text in ("true", "false", "null") or not (accepts("NAME") or accepts("RNAME")):
            return True
        hint = _HINTS.get(text)
        return hint is None or hint(self._tokens, i)

    def _starts_record(self, i: int) -> bool:
        """Whether the `{` behind name i belongs to it: not where a block is due, unless something follows it
        that follows no block."""
        if not self._heads.get(self._tokens[i].depth):
            return True
        close = self._tokens[i + 1].value
        if not i < close + 1 < len(self._tokens):
            return False
        after = self._tokens[close + 1]
        return not after.newline and (after.text in _OPERATORS or after.text in _AFTER_RECORD)

    def _binder_follows(self, i: int) -> bool:
        """Whether `x in`, `x, y in`, `x : T` or `(x, y) in` stands at token i."""
        tokens = self._tokens
        if tokens[i].text == "(":
            i += 1
            while tokens[i].kind is WORD and tokens[i + 1].text == ",":
                i += 2
            return tokens[i].kind is WORD and tokens[i + 1].text == ")" and tokens[i + 2].text == "in"
        while tokens[i].kind is WORD and tokens[i].text not in _INFIX_WORDS and tokens[i + 1].text == ",":
            i += 2
        return (
            tokens[i].kind is WORD
            and tokens[i].text not in _INFIX_WORDS
            and tokens[i + 1].text in ("in", ":")
        )


def _before_name(tokens: list[Token], i: int) -> bool:
    following = tokens[i + 1]
    return following.kind is WORD and following.text not in _INFIX_WORDS and not following.newline


def _before_name_or_set(tokens: list[Token], i: int) -> bool:
    return tokens[i + 1].text in ("in", "of") or _before_name(tokens, i)


def _before_operand(tokens: list[Token], i: int) -> bool:
    following = tokens[i + 1]
    return (
        _before_name(tokens, i) or following.kind is NUMBER or following.text == "("
    ) and not following.newline


def _before_condition(tokens: list[Token], i: int) -> bool:
    negated = tokens[i + 1].text == "not" and not tokens[i + 1].newline and tokens[i + 2].text != "in"
    return negated or _before_operand(tokens, i)


def _pops(tokens: list[Token], i: int) -> bool:
    return tokens[i + 1].text == "from" or (tokens[i + 1].kind is WORD and tokens[i + 2].text == "from")


def _before(*words: str) -> Callable[[list[Token], int], bool]:
    return lambda tokens, i: tokens[i + 1].text in words


_HINTS: dict[str, Callable[[list[Token], int], bool]] = {
    "any": _before_name_or_set,
    "new": _before_name,
    "old": _before_operand,
    "done": _before_name,
    "take": _before_name,
    "fault": _before_name,
    "only": _before_name,
    "pop": _pops,
    "ref": _before_name,
    "set": _before("of"),
    "list": _before("of", "max"),
    "enum": _before("{"),
    "push": _before_operand,
    "schedule": _before_name,
    "arm": _before_name,
    "cancel": _before_name,
    "wait": _before_condition,
    "delete": _before_operand,
    "emit": _before_name,
    "lock": _before_operand,
    "goto": _before_name,
    "stable": lambda tokens, i: tokens[i + 1].text in ("for", "{") or _before_operand(tokens, i),
}
"""For words that are also likely names: whether they are the keyword, given what follows."""
