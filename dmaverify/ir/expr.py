"""Expressions of the IR: immutable, hash-consed, typed, total.

An expression is a node ``op(args)`` with a type and, for a few operators, a ``data`` word (the value of a constant, the name
of a variable, input or field). Two structurally equal expressions are the same Python object, so ``is`` compares them.

What each operator means is in ``ops.py``: one table, from which the interpreter computes and against which every other
engine is tested. This file only builds nodes. ``mk`` folds constants and applies identities that hold for every value, so
that a compiler may build freely; ``raw`` builds exactly what it is told (tests of the engines use it).

Operators (T any type, B bool, N an ``Int``; both operands of an arithmetic operator have the same type):

==============  =======================  ============================================================================
op              arguments                meaning
==============  =======================  ============================================================================
const           -                        ``data`` is the value
var / input     -                        state variable / chosen input named ``data``
not and or      B / B... / B...          ``and``, ``or`` are n-ary
eq              T T                      equality
ite             B T T                    if then else
add sub mul     N N                      wrap at the width
div rem         N N                      truncate towards zero; remainder takes the dividend's sign; x/0 as SMT-LIB
                                         (unsigned: all ones; signed: 1 if x < 0 else -1), x%0 = x; min/-1 = min
shl shr         N, any Int               amount < 0 or >= width gives 0 (signed shr: sign fill)
band bor bxor   N|Flags|Mask, same       bitwise
neg bnot        N / N|Flags|Mask         negation; complement
lt le           N|Range|Index|Enum       order (of ordinals)
wrap            N|Range|Enum|Index|Bool  to the Int type of the node: truncate, or extend by the source's own sign
|Flags|Mask
narrow          N                        to the Range, Index or Enum type of the node; outside: its default
bitlen          N                        to u32: position of the highest set bit of the unsigned bits plus one; 0 for 0
popcount        N|Flags|Mask             to u32: number of set bits
some            T                        to Opt(T)
present         Opt(T)                   B
get             Opt(T)                   T; of null: the default of T
rec             one per field            to the Record type of the node
field           Record                   field ``data``
with            Record, T                the record with field ``data`` replaced
select          Map(I, T), I             T
store           Map(I, T), I, T          the map with one cell replaced
fill            T                        to the Map type of the node: every cell has this value
member          Mask(I), I               B
insert remove   Mask(I), I               the set with / without the element
==============  =======================  ============================================================================
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from dmaverify.ir.types import (
    BOOL,
    Enum,
    Flags,
    Index,
    Int,
    Mask,
    Opt,
    Range,
    Type,
    Value,
    index_values,
    ordinal,
)

U32 = Int(32, False)


class Expr:
    """One node. Build with ``mk``, ``raw`` or the helpers below, never directly."""

    __slots__ = ("__weakref__", "_inputs", "_variables", "args", "data", "op", "type", "uid")

    op: str
    args: tuple[Expr, ...]
    type: Type
    data: Any
    uid: int
    _variables: frozenset[str] | None
    _inputs: frozenset[str] | None

    def __repr__(self) -> str:
        if self.op == "const":
            return f"{self.data!r}:{self.type}"
        if self.op in ("var", "input"):
            return str(self.data)
        inner = ", ".join(map(repr, self.args))
        return f"{self.op}{'.' + str(self.data) if self.data is not None else ''}({inner})"

    @property
    def is_const(self) -> bool:
        """Whether this is a constant."""
        return self.op == "const"

    @property
    def value(self) -> Value:
        """The value of a constant; ValueError for anything else."""
        if self.op != "const":
            raise ValueError("not a constant")
        return self.data


class IllTyped(ValueError):
    """An expression that the operator table does not allow: always a bug of the caller."""


_table: weakref.WeakValueDictionary[tuple[Any, ...], Expr] = weakref.WeakValueDictionary()
_next_uid = 0


def raw(op: str, type: Type, args: tuple[Expr, ...] = (), data: Any = None) -> Expr:
    """The node exactly as told, hash-consed. The types are not checked here (``wellformed`` does)."""
    # True == 1 in Python, so the class of the datum is part of the key
    key = (op, type, data, data.__class__, tuple(a.uid for a in args))
    node = _table.get(key)
    if node is None:
        global _next_uid
        _next_uid += 1
        node = Expr()
        node.op, node.type, node.args, node.data, node.uid = op, type, args, data, _next_uid
        node._variables = node._inputs = None
        _table[key] = node
    return node


def const(value: Value, type: Type) -> Expr:
    """A constant; ValueError if ``value`` is not a value of ``type``."""
    if not type.contains(value):
        raise ValueError(f"{value!r} is not a value of {type}")
    return raw("const", type, (), value)


TRUE = const(True, BOOL)
FALSE = const(False, BOOL)


def default(type: Type) -> Expr:
    """The constant whose bits are all zero."""
    return const(type.default, type)


def var(name: str, type: Type) -> Expr:
    """The value of a state variable."""
    return raw("var", type, (), name)


def input_(name: str, type: Type) -> Expr:
    """The value of an input of the action."""
    return raw("input", type, (), name)


def result_type(op: str, args: tuple[Expr, ...], type: Type | None, data: Any) -> Type:
    """Type of ``op(args)``; IllTyped if the table above does not allow it. ``type`` is needed where a node names its own."""
    entry = _table_of_operators().get(op)
    if entry is None:
        raise IllTyped(f"no operator {op}")
    found: Type = entry.check([a.type for a in args], type, data)
    return found


@cache
def rules() -> Callable[[str, tuple[Expr, ...], Type, Any], Expr | None]:
    """The identities that `mk` applies: an equal, simpler expression for a node to be built, or None."""
    from dmaverify.ir.simplify import simplify  # the rules build expressions themselves

    return simplify


@cache
def _table_of_operators() -> Mapping[str, Any]:
    from dmaverify.ir.ops import OPS  # the table needs Expr for its signatures

    return OPS


def mk(op: str, args: Iterable[Expr], type: Type | None = None, data: Any = None) -> Expr:
    """``op(args)`` with its type computed and checked, constants folded and value-preserving identities applied."""
    arguments = tuple(args)
    node_type = result_type(op, arguments, type, data)
    simple = rules()(op, arguments, node_type, data)
    if simple is not None:
        return simple
    return raw(op, node_type, arguments, data)


# -- helpers ---------------------------------------------------------------------------------------------------------


def not_(a: Expr) -> Expr:
    """Negation."""
    return mk("not", (a,))


def and_(*args: Expr) -> Expr:
    """Conjunction of any number of conditions; of none: true."""
    return mk("and", args)


def or_(*args: Expr) -> Expr:
    """Disjunction of any number of conditions; of none: false."""
    return mk("or", args)


def implies(a: Expr, b: Expr) -> Expr:
    """``a => b``."""
    return or_(not_(a), b)


def eq(a: Expr, b: Expr) -> Expr:
    """Equality of two values of one type."""
    return mk("eq", (a, b))


def ne(a: Expr, b: Expr) -> Expr:
    """Inequality."""
    return not_(eq(a, b))


def ite(c: Expr, a: Expr, b: Expr) -> Expr:
    """``if c then a else b``."""
    return mk("ite", (c, a, b))


def lt(a: Expr, b: Expr) -> Expr:
    """``a < b`` in the order of the type."""
    return mk("lt", (a, b))


def le(a: Expr, b: Expr) -> Expr:
    """``a <= b`` in the order of the type."""
    return mk("le", (a, b))


def some(a: Expr) -> Expr:
    """A value as a value of its nullable type."""
    return mk("some", (a,))


def null(type: Type) -> Expr:
    """Null of ``Opt(type)``."""
    return const(None, Opt(type))


def select(m: Expr, i: Expr) -> Expr:
    """One cell of a map."""
    return mk("select", (m, i))


def store(m: Expr, i: Expr, v: Expr) -> Expr:
    """A map with one cell replaced."""
    return mk("store", (m, i, v))


def field(r: Expr, name: str) -> Expr:
    """A field of a record."""
    return mk("field", (r,), data=name)


def index_constants(type: Type) -> list[Expr]:
    """All values of an index-like type as constants, in order."""
    return [const(v, type) for v in index_values(type)]


__all__ = [
    "FALSE",
    "TRUE",
    "U32",
    "Enum",
    "Expr",
    "Flags",
    "IllTyped",
    "Index",
    "Mask",
    "Range",
    "and_",
    "const",
    "default",
    "eq",
    "field",
    "implies",
    "index_constants",
    "input_",
    "ite",
    "le",
    "lt",
    "mk",
    "ne",
    "not_",
    "null",
    "or_",
    "ordinal",
    "raw",
    "result_type",
    "select",
    "some",
    "store",
    "var",
]
