"""Operators: arithmetic as the language defines it, comparisons, Kleene's logic, sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dmaverify.evidence.evaluate import Env, Evaluator, evaluates
from dmaverify.evidence.values import ABSENT, UNTOUCHED, Stretch, int_type, known, wrap
from dmaverify.lang import ast, sem


@evaluates(ast.Binary)
def _binary(self: Evaluator, e: ast.Binary, env: Env) -> Any:
    op = e.op
    if op in ("and", "or", "=>"):
        return _junction(self, e, env)
    a = self.value(e.left, env)
    if op == "??":
        return self.value(e.right, env) if a is None else a
    return apply(self, e, a, self.value(e.right, env))


def apply(self: Evaluator, e: ast.Binary, a: Any, b: Any) -> Any:
    """A binary operation other than ``and``, ``or``, ``=>`` and ``??`` on the values of its operands."""
    op = e.op
    if op in ("in", "not in"):
        inside = _contains(self, b, e.right.conv or e.right.ty, a)
        return inside if inside is ABSENT or op == "in" else not inside
    if not known(a) or not known(b):
        return _compare_partly(a, b, op) if op in ("==", "!=") else ABSENT
    if op == "within":
        return _within(self, a, e.left.conv or e.left.ty, b, e.right.conv or e.right.ty)
    if op in _ORDER:
        return _compare(self, e, a, b)
    if isinstance(a, frozenset | Stretch) or isinstance(e.ty, sem.SetT | sem.FlagsT):
        return _sets(self, e, a, b)
    left = e.left.conv or e.left.ty
    if isinstance(left, sem.IndexT) and left.is_partition:
        return _along(self, left, op, a, b, isinstance(e.ty, sem.IndexT))
    return arithmetic(op, a, b, e.ty)


def _along(self: Evaluator, index: sem.IndexT, op: str, a: Any, b: Any, moves: bool) -> Any:
    """The piece some places after or before a piece, or how many places are between two."""
    pieces = self.world.everything(index)
    if pieces is None:
        size = self.world.size(index, a)
        if size is ABSENT or index.grain is None:
            return ABSENT
        return (a + b * size if op == "+" else a - b * size) if moves else (a - b) // size
    order = list(pieces)
    if not moves:
        return order.index(a) - order.index(b)
    place = order.index(a) + (b if op == "+" else -b)
    return order[place] if 0 <= place < len(order) else ABSENT


def _junction(self: Evaluator, e: ast.Binary, env: Env) -> Any:
    op = e.op
    a = self.value(e.left, env)
    if a is True:
        return True if op == "or" else self.value(e.right, env)
    if a is False:
        return self.value(e.right, env) if op == "or" else op == "=>"
    b = self.value(e.right, env)
    return b if b is (op != "and") else ABSENT


def _compare_partly(a: Any, b: Any, op: str) -> Any:
    """Equality of values with absent parts: different as soon as two known parts are."""
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        for x, y in zip(a, b, strict=True):
            if known(x) and known(y) and x != y:
                return op == "!="
    # a part of a record may be absent, the record itself is there
    elif (a is None and isinstance(b, tuple)) or (b is None and isinstance(a, tuple)):
        return op == "!="
    return ABSENT


def _contains(self: Evaluator, whole: Any, ty: sem.SemType, item: Any) -> Any:
    if whole is ABSENT or whole is UNTOUCHED or item is None or not known(item):
        return ABSENT
    if isinstance(whole, Stretch) and isinstance(item, int):
        return whole.lo <= item < whole.hi
    if isinstance(item, frozenset) and isinstance(ty, sem.FlagsT):
        return item <= whole
    if isinstance(whole, frozenset) and all(map(known, whole)):
        return item in whole
    items = self.elements(whole, ty)
    return ABSENT if items is None else item in items


def _within(self: Evaluator, a: Any, a_ty: sem.SemType, b: Any, b_ty: sem.SemType) -> Any:
    a, b = _bytes_of(self, a, a_ty), _bytes_of(self, b, b_ty)
    if isinstance(a, frozenset) and isinstance(b, frozenset):
        return a <= b
    if isinstance(a, Stretch) and isinstance(b, Stretch):
        return a.lo >= a.hi or (b.lo <= a.lo and a.hi <= b.hi)
    xs, ys = self.elements(a, a_ty), self.elements(b, b_ty)
    return ABSENT if xs is None or ys is None else set(xs) <= set(ys)


def _bytes_of(self: Evaluator, v: Any, ty: sem.SemType) -> Any:
    if isinstance(ty, sem.IndexT) and ty.is_partition:
        start, size = self.world.start(ty, v), self.world.size(ty, v)
        return v if start is ABSENT or size is ABSENT else Stretch(start, start + size)
    return v


def _compare(self: Evaluator, e: ast.Binary, a: Any, b: Any) -> bool:
    if e.op not in ("==", "!="):
        ty = sem.strip(e.left.conv or e.left.ty)
        if isinstance(a, str) and isinstance(b, str):
            order = list(self.world.everything(ty) or sorted((a, b)))
            a, b = order.index(a), order.index(b)
    return _ORDER[e.op](a, b)


def _sets(self: Evaluator, e: ast.Binary, a: Any, b: Any) -> Any:
    sides = []
    for value, ty in ((a, e.left.conv or e.left.ty), (b, e.right.conv or e.right.ty)):
        if isinstance(value, frozenset):
            sides.append(value)
            continue
        items = self.elements(value, ty) if isinstance(value, Stretch | tuple) and not _is_element(ty, e.ty) else None
        sides.append(frozenset(items) if items is not None else frozenset() if value is None else frozenset([value]))
    x, y = sides
    return x | y if e.op in ("+", "|") else x - y if e.op == "-" else x & y


def _is_element(ty: sem.SemType, of_set: sem.SemType) -> bool:
    return isinstance(of_set, sem.SetT) and sem.strip(ty) == of_set.of


def arithmetic(op: str, a: int, b: int, ty: sem.SemType) -> Any:
    """``a op b`` as machine integers of type ``ty``; ABSENT for a division by zero."""
    if op in ("<<", ">>"):
        machine = int_type(ty)
        outside = b < 0 or b >= (machine.width if machine else 64)
        if op == "<<":
            return 0 if outside else wrap(a << b, ty)
        return (-1 if a < 0 else 0) if outside else a >> b
    if op in ("/", "%"):
        if b == 0:
            return ABSENT
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return wrap(quotient if op == "/" else a - b * quotient, ty)
    return wrap(_NUMBERS[op](a, b), ty)


@evaluates(ast.Unary)
def _unary(self: Evaluator, e: ast.Unary, env: Env) -> Any:
    a = self.value(e.operand, env)
    if not known(a):
        return ABSENT
    if e.op == "not":
        return not a
    if isinstance(a, frozenset):
        ty = e.operand.ty
        return frozenset(ty.members) - a if isinstance(ty, sem.FlagsT) else ABSENT
    return wrap(-a if e.op == "-" else ~a, e.ty)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
_NUMBERS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
