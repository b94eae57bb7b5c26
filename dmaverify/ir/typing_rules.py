"""Typing rules of the operators: from the types of the arguments to the type of the node, or ``IllTyped``.

A function here that takes an operator's name makes the rule for it, so that the error says which one was
misused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from dmaverify.ir.expr import IllTyped
from dmaverify.ir.types import BOOL, Bool, Int, Map, Mask, Opt, Record, Type

CheckFn = Callable[[Sequence[Type], "Type | None", Any], Type]
"""``rule(arg_types, own, data)``; ``own`` is the type that the node names, which counts where it is
needed."""


def _ill(op: str, types: Sequence[Type], why: str) -> NoReturn:
    raise IllTyped(f"{op}({', '.join(map(str, types))}): {why}")


def _arity(op: str, types: Sequence[Type], n: int) -> None:
    if len(types) != n:
        _ill(op, types, f"takes {n} argument{'s' if n != 1 else ''}")


def junction(op: str) -> CheckFn:
    """Any number of conditions."""

    def check(types: Sequence[Type], own: Type | None, data: Any) -> Type:
        if not all(isinstance(t, Bool) for t in types):
            _ill(op, types, "takes conditions")
        return BOOL

    return check


def negation(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """One condition."""
    _arity("not", types, 1)
    if not isinstance(types[0], Bool):
        _ill("not", types, "takes a condition")
    return BOOL


def equality(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """Two values of one type."""
    _arity("eq", types, 2)
    if types[0] != types[1]:
        _ill("eq", types, "takes two values of one type")
    return BOOL


def choice(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A condition and two values of one type."""
    _arity("ite", types, 3)
    if not isinstance(types[0], Bool) or types[1] != types[2]:
        _ill("ite", types, "takes a condition and two values of one type")
    return types[1]


def binary(op: str, *allowed: type[Type], gives: Type | None = None) -> CheckFn:
    """Two values of one of the ``allowed`` types, the result of the same type or of ``gives``."""

    def check(types: Sequence[Type], own: Type | None, data: Any) -> Type:
        _arity(op, types, 2)
        if types[0] != types[1] or not isinstance(types[0], allowed):
            _ill(op, types, "takes two values of one type among " + ", ".join(a.__name__ for a in allowed))
        return types[0] if gives is None else gives

    return check


def shift(op: str) -> CheckFn:
    """An integer and an amount of any integer type."""

    def check(types: Sequence[Type], own: Type | None, data: Any) -> Type:
        _arity(op, types, 2)
        if not isinstance(types[0], Int) or not isinstance(types[1], Int):
            _ill(op, types, "takes an integer and an amount")
        return types[0]

    return check


def unary(op: str, *allowed: type[Type], gives: Type | None = None) -> CheckFn:
    """One value of one of the ``allowed`` types, the result of the same type or of ``gives``."""

    def check(types: Sequence[Type], own: Type | None, data: Any) -> Type:
        _arity(op, types, 1)
        if not isinstance(types[0], allowed):
            _ill(op, types, "takes one of " + ", ".join(a.__name__ for a in allowed))
        return types[0] if gives is None else gives

    return check


def cast(op: str, source: tuple[type[Type], ...], target: tuple[type[Type], ...]) -> CheckFn:
    """A value of one of the ``source`` types to the node's own type, one of ``target``."""

    def check(types: Sequence[Type], own: Type | None, data: Any) -> Type:
        _arity(op, types, 1)
        if not isinstance(types[0], source):
            _ill(op, types, "takes one of " + ", ".join(a.__name__ for a in source))
        if not isinstance(own, target):
            _ill(op, types, f"cannot yield {own}")
        return own

    return check


def some(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A value that is not nullable yet."""
    _arity("some", types, 1)
    if isinstance(types[0], Opt):
        _ill("some", types, "a nullable value is not wrapped again")
    return Opt(types[0])


def _nullable(op: str, types: Sequence[Type]) -> Opt:
    _arity(op, types, 1)
    t = types[0]
    if not isinstance(t, Opt):
        _ill(op, types, "takes a nullable value")
    return t


def present(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A nullable value."""
    _nullable("present", types)
    return BOOL


def get(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A nullable value; gives what it holds."""
    return _nullable("get", types).of


def rec(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """One value for each field of the node's own record type."""
    if not isinstance(own, Record):
        _ill("rec", types, f"{own} is not a record")
    if list(types) != [t for _, t in own.fields]:
        _ill("rec", types, f"the fields of {own} are {', '.join(f'{n}: {t}' for n, t in own.fields)}")
    return own


def _record_field(op: str, types: Sequence[Type], data: Any) -> tuple[Record, Type]:
    r = types[0]
    if not isinstance(r, Record) or data not in r.positions:
        _ill(op, types, f"no field {data!r}")
    return r, r.field_type(data)


def field(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A record with a field ``data``."""
    _arity("field", types, 1)
    return _record_field("field", types, data)[1]


def replaced(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A record and a value for its field ``data``."""
    _arity("with", types, 2)
    record, of = _record_field("with", types, data)
    if types[1] != of:
        _ill("with", types, f"field {data} is of type {of}")
    return record


def select(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A map and its index."""
    _arity("select", types, 2)
    m = types[0]
    if not isinstance(m, Map) or types[1] != m.index:
        _ill("select", types, "takes a map and its index")
    return m.of


def store(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A map, its index and a value for the cell."""
    _arity("store", types, 3)
    m = types[0]
    if not isinstance(m, Map) or types[1] != m.index or types[2] != m.of:
        _ill("store", types, "takes a map, its index and a value of its cells")
    return m


def fill(types: Sequence[Type], own: Type | None, data: Any) -> Type:
    """A value for every cell of the node's own map type."""
    _arity("fill", types, 1)
    if not isinstance(own, Map) or types[0] != own.of:
        _ill("fill", types, f"{own} has no such cells")
    return own


def element(op: str, gives: Type | None = None) -> CheckFn:
    """A mask and an element of its index."""

    def check(types: Sequence[Type], own: Type | None, data: Any) -> Type:
        _arity(op, types, 2)
        m = types[0]
        if not isinstance(m, Mask) or types[1] != m.index:
            _ill(op, types, "takes a mask and an element of its index")
        return m if gives is None else gives

    return check
