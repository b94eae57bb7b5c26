"""Says in words what could have stood where the parser found something else, and guesses what was meant."""

from __future__ import annotations

import itertools
from difflib import get_close_matches

from dmaverify.lang.diag import Diagnostic
from dmaverify.lang.lalr import SyntaxProblem
from dmaverify.lang.tables import grammar
from dmaverify.lang.tokens import NUMBER, SIGN, WORD, Token
from dmaverify.span import Span


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DECLARATIONS = _set(
    """FUNC PROC CONST TYPE ENUM FLAGS BITS RECORD OBJECT INDEX VAR OPTION EVENT SPONTANEOUS MONITOR LEMMA
    COVER ENSURES INITCALL WORK TIMER REGION PLACE DEVICE PARAM SEQUENCE CLIENT INTERRUPT VARIANT OPEN REPLACE
    IMPORT USE REQUIRE REMOVE DROP HARDWARE CHECK EXPECT FAULTS START ATOMIC"""
)
_STATEMENTS = _set(
    """LET IF MATCH FOR WHILE LOOP REPEAT RETURN BREAK CONTINUE GOTO LOCK ATOMIC CHOOSE ASSUME ASSERT EMIT
    WAIT MIGHT_SLEEP SCHEDULE ARM CANCEL DELETE PUSH POP NAME RNAME INT LPAR TRUE FALSE NULL RESULT LBRACE"""
)
_EXPRESSIONS = _set(
    """NAME RNAME INT LPAR TRUE FALSE NULL RESULT MINUS TILDE NOT OLD DONE TAKE FAULT ANY NEW IF MATCH LSQB
    LBRACE QUANT CHOICE FOLD UNINITIALISED POP"""
)
_OPERATORS = _set("OP STAR MINUS VBAR OR IN NOT_IN IS DOT LSQB LPAR BANG UNIT WITH AS WRAP AT")
_GROUPS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    # what to call them, terminals that must all be among the expected ones, terminals that are said by it
    ("a declaration", _set("FUNC PROC CONST"), _DECLARATIONS),
    ("a statement", _set("LET RETURN NAME"), _STATEMENTS),
    ("an expression", _set("NAME INT LPAR NULL NOT"), _EXPRESSIONS),
    ("a type", _set("NAME SET LIST"), _set("NAME SET LIST LPAR ENUM INT MINUS")),
    ("a pattern", _set("NAME INT NULL"), _set("NAME INT MINUS NULL TRUE FALSE LPAR")),
    ("an operator", _set("OP"), _OPERATORS),
    ("", _set("DOT LSQB BANG"), _set("DOT LSQB LPAR BANG UNIT WITH AT")),
)
_NAMES = {
    "NAME": "a name",
    "RNAME": "a name",
    "INT": "a number",
    "SEP": "the end of the line",
    "$END": "the end of the file",
    "STR_START": "a text",
    "STR_END": '`"`',
    "STR_TEXT": "a text",
    "INTERP_CLOSE": "`}`",
    "INTERP_OPEN": "`{`",
    "OP": "an operator",
    "OPASSIGN": "an assignment",
    "QUANT": "`all`",
    "CHOICE": "`any`",
    "FOLD": "`count`",
    "UNIT": "a unit",
    "AT_MOST": "`at most`",
    "NOT_IN": "`not in`",
    "IN_IRQ": "`in irq`",
    "NA": "`n/a`",
    "BLOCK_OPEN": "`{`",
}
_MOST = 6
"""More alternatives than these are not listed."""


def describe(problem: SyntaxProblem, tokens: list[Token], path: str, has_start: bool) -> Diagnostic:
    """The diagnostic for a token that cannot stand where it stands."""
    token = tokens[problem.index]
    at_line_end = problem.terminal == "SEP" and token.text != ";"
    span = Span(path, token.line, token.col, token.line, token.col + max(1, len(token.text)))
    if at_line_end:
        span = Span(
            path, token.line, token.col + len(token.text), token.line, token.col + len(token.text) + 1
        )
    elif problem.terminal == "$END" and problem.index:
        before = tokens[problem.index - 1]
        span = Span(
            path, before.line, before.col + len(before.text), before.line, before.col + len(before.text) + 1
        )
    if token.text in ("module", "scenario") and token.col == 1 and token.kind is WORD:
        return Diagnostic("DMA014", f"`{token.text}` stands once, at the start of a file", span)
    found = _found(problem.terminal, token, at_line_end)
    wanted = _wanted(problem.expected)
    message = f"{found} cannot stand here" + (f"; expected {wanted}" if wanted else "")
    return Diagnostic("DMA001", message, span, fix=_guess(problem, tokens))


def _found(terminal: str, token: Token, at_line_end: bool) -> str:
    if terminal == "$END":
        return "the end of the file"
    if at_line_end:
        return "the end of the line"
    if token.kind is WORD or token.kind is SIGN:
        return f"`{token.text}`"
    if token.kind is NUMBER:
        return f"the number `{token.text}`"
    return "`}`" if terminal == "INTERP_CLOSE" else "a text"


def _wanted(expected: set[str]) -> str:
    rest = set(expected)
    out: list[str] = []
    for name, needed, said in _GROUPS:
        if needed <= rest:
            rest -= said
            if name:
                out.append(name)
            if name == "an operator":
                rest -= {grammar().terminals[".."], grammar().terminals["..="]}
    if "$END" in rest and len(rest) + len(out) > 1:
        rest.discard("$END")
    texts = grammar().text_of
    out += sorted({_NAMES.get(t) or f"`{texts[t]}`" for t in rest} - set(out))
    if not out or len(out) > _MOST:
        return ""
    return out[0] if len(out) == 1 else ", ".join(out[:-1]) + " or " + out[-1]


_C_HABITS = {
    ("&", "&"): "Write  and  for `&&`.",
    ("|", "|"): "Write  or  for `||`.",
    ("+", "+"): "Write  += 1  for `++`.",
    ("/", "*"): "Comments start with  //  and end with the line.",
    ("-", ">"): "Write  .  for `->`.",
}


def _guess(problem: SyntaxProblem, tokens: list[Token]) -> str | None:
    token = tokens[problem.index]
    before = tokens[problem.index - 1] if problem.index else None
    for a, b in itertools.pairwise(tokens[max(0, problem.index - 1) : problem.index + 2]):
        habit = _C_HABITS.get((a.text, b.text))
        if habit is not None and a.line == b.line and a.col + 1 == b.col:
            return habit
    if token.text == "=" and "OP" in problem.expected:
        return "A comparison is written  == ."
    if token.text == "->" and "DOT" in problem.expected:
        return "Write  .  for `->`."
    if token.text == "!" and "NOT" in problem.expected:
        return "Write  not  for `!`."
    if "INTERP_CLOSE" in problem.expected or problem.terminal == "INTERP_CLOSE":
        return "In a text, `{` starts an expression; a brace as such is written  {{ ."
    texts = grammar().text_of
    words = [texts[t] for t in problem.expected if t in texts and texts[t].isidentifier()]
    if token.kind is WORD and (close := get_close_matches(token.text, words, 1, 0.7)):
        return f"Did you mean  {close[0]} ?"
    # A misspelt keyword was taken for a name: the mistake shows at the word behind it.
    if before is not None and before.kind is WORD and problem.last in ("NAME", "RNAME"):
        close = get_close_matches(before.text, [w for w in texts.values() if w.isidentifier()], 1, 0.75)
        if close and close[0] != before.text:
            return f"Did you mean  {close[0]}  for `{before.text}`?"
    return None
