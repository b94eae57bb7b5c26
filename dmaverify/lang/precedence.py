"""How operators bind: the parser hands over a flat sequence, and here it becomes a tree.

From tight to loose:  * / %   + -   << >>   &   ^   |   ??   .. ..= +..   == != < <= > >= in, not in, within,
is   not   and or   =>.  As in C, but that `&`, `^` and `|` bind tighter than comparisons: `map & bit == 0`
means what it looks like. Comparisons and ranges do not chain.  `=>` groups to the right, everything else to
the left.
"""

from __future__ import annotations

from dataclasses import dataclass

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.limits import MAX_OPERATORS
from dmaverify.span import Span

_LEVELS = (
    ("=>",),
    ("or",),
    ("and",),
    ("not",),
    ("==", "!=", "<", "<=", ">", ">=", "in", "not in", "within", "is"),
    ("..", "..=", "+.."),
    ("??",),
    ("|",),
    ("^",),
    ("&",),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
)
BINDING: dict[str, int] = {op: level for level, ops in enumerate(_LEVELS) for op in ops}
"""Operator to how tightly it binds."""

RIGHT = {"=>"}
ALONE = {op for level in (4, 5) for op in _LEVELS[level]}
RANGES = frozenset(_LEVELS[5])


@dataclass(slots=True, eq=False)
class Op:
    """An operator in a sequence; `pattern` for `is`."""

    text: str
    span: Span
    pattern: ast.Pattern | None = None


Item = ast.Expr | Op


class Resolver:
    """Turns one sequence into a tree."""

    def __init__(self, items: list[Item], diags: Diagnostics) -> None:
        self._items = items
        self._diags = diags
        self._at = 0

    def run(self) -> ast.Expr:
        """The tree."""
        if len(self._items) == 1:
            (only,) = self._items
            assert isinstance(only, ast.Expr)
            return only
        if len(self._items) > 2 * MAX_OPERATORS + 1:
            extra = self._items[2 * MAX_OPERATORS + 1]
            self._diags.error(
                "DMA005", f"one expression with more than {MAX_OPERATORS} operators", extra.span
            )
            return next(i for i in self._items if isinstance(i, ast.Expr))
        return self._climb(0)

    def _peek(self) -> Op | None:
        if self._at < len(self._items):
            item = self._items[self._at]
            if isinstance(item, Op):
                return item
        return None

    def _prefix(self) -> ast.Expr:
        item = self._items[self._at]
        self._at += 1
        if isinstance(item, Op):  # `not`: what follows it up to the next looser operator
            operand = self._climb(BINDING["not"])
            return ast.Unary(_cover(item.span, operand.span), "not", operand)
        return item

    def _climb(self, least: int) -> ast.Expr:
        left = self._prefix()
        previous: Op | None = None
        while (op := self._peek()) is not None:
            level = BINDING[op.text]
            if level < least:
                break
            if previous is not None and op.text in ALONE and BINDING[previous.text] == level:
                self._chained(previous, op)
            self._at += 1
            if op.pattern is not None:
                left = ast.IsPattern(_cover(left.span, op.pattern.span), left, op.pattern)
            else:
                right = self._climb(level if op.text in RIGHT else level + 1)
                span = _cover(left.span, right.span)
                if op.text in RANGES:
                    left = ast.Range(span, op.text, left, right)
                else:
                    left = ast.Binary(span, op.text, left, right, op.span)
            previous = op
        return left

    def _chained(self, first: Op, second: Op) -> None:
        what = (
            "a range of a range" if second.text in RANGES else f"`{first.text}` and `{second.text}` in a row"
        )
        self._diags.error(
            "DMA011",
            f"{what}: brackets must say which belongs together",
            second.span,
            notes=[(first.span, "the first one")],
            fix=None if second.text in RANGES else "Write  a < b and b < c  or put one of them in brackets.",
        )


def _cover(first: Span, last: Span) -> Span:
    return Span(first.file, first.line, first.column, last.end_line, last.end_column)
