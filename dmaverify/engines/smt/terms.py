"""The vocabulary that the encoder speaks: SMT-LIB's own operator names over two kinds of sort.

A *writer* turns applications of these operators into something: a z3 term, a bitwuzla term or text. The encoder knows only
this interface, so that what an operator of the IR means in logic is said once, in ``encode.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from dmaverify.ir.types import Bool, Int, Type, Value

T = TypeVar("T")

Sort = int
"""0 is Bool; n > 0 is a bit-vector of n bits."""

BOOL_SORT: Sort = 0

CORE = ("not", "and", "or", "=>", "=", "ite")
ARITH = ("bvadd", "bvsub", "bvmul", "bvudiv", "bvsdiv", "bvurem", "bvsrem", "bvneg")
BITS = ("bvand", "bvor", "bvxor", "bvnot", "bvshl", "bvlshr", "bvashr", "concat")
ORDER = ("bvult", "bvule", "bvslt", "bvsle")
INDEXED = ("extract", "zero_extend", "sign_extend")
OPERATORS: tuple[str, ...] = CORE + ARITH + BITS + ORDER + INDEXED
"""Everything that the encoder uses; each writer knows each of them."""


class Writer(Protocol[T]):
    """Makes terms of one kind."""

    def boolean(self, value: bool) -> T:
        """``true`` or ``false``."""
        ...

    def bits(self, value: int, width: int) -> T:
        """A bit-vector constant; ``value`` is taken modulo ``2**width``."""
        ...

    def symbol(self, name: str, sort: Sort) -> T:
        """A free constant. The same name gives the same constant."""
        ...

    def apply(self, op: str, args: Sequence[T], indices: Sequence[int] = ()) -> T:
        """``(op args)`` or ``((_ op indices) args)``."""
        ...


class NotCore(ValueError):
    """A type or operator that core IR does not have: ``flatten`` has not run, or a bug of the caller."""


def sort_of(type: Type) -> Sort:
    """The sort that encodes a type of core IR."""
    if isinstance(type, Bool):
        return BOOL_SORT
    if isinstance(type, Int):
        return type.width
    raise NotCore(f"{type} is not a type of core IR")


def constant(writer: Writer[T], value: Value, type: Type) -> T:
    """A value of a core type as a term."""
    if isinstance(type, Bool):
        return writer.boolean(bool(value))
    return writer.bits(int(value), sort_of(type))


def decoded(bits: int | bool, type: Type) -> Value:
    """The value of a core type that a model's bits stand for."""
    if isinstance(type, Bool):
        return bool(bits)
    assert isinstance(type, Int)
    return type.wrap(int(bits))
