"""Values of the runtime judge, and how JSON becomes one.

Numbers and addresses are Python ints, an enum case its name (with a payload: a tuple that starts with it), a device or region
its name, a piece of memory its start address, a record or tuple a tuple of its fields in order, a set a frozenset, null None.
``ABSENT`` is a value that the source of the events did not tell: whatever depends on it is undecided.
"""

from __future__ import annotations

from typing import Any, Final

from dmaverify.lang import sem


class _Absent:
    """The one value ``ABSENT``."""

    def __repr__(self) -> str:
        return "absent"

    def __bool__(self) -> bool:
        raise TypeError("an absent value is neither true nor false")


ABSENT: Final = _Absent()


class BadEvent(ValueError):
    """An event that its declaration does not allow. The text says which field and why."""


def int_type(ty: sem.SemType) -> sem.IntT | None:
    """The machine integer behind a type, or None if values of it do not wrap."""
    if isinstance(ty, sem.IntT):
        return ty
    if isinstance(ty, sem.SpaceT | sem.BitsT):
        return ty.base
    return None


def wrap(value: int, ty: sem.SemType) -> int:
    """``value`` as a value of ``ty``, modulo its width."""
    machine = int_type(ty)
    if machine is None:
        return value
    value &= (1 << machine.width) - 1
    if machine.signed and value >> (machine.width - 1):
        value -= 1 << machine.width
    return value


def default(ty: sem.SemType) -> Any:
    """The value of a variable that nothing has been said about."""
    if isinstance(ty, sem.BoolT):
        return False
    if isinstance(ty, sem.RangeT):
        return ty.lo
    if isinstance(ty, sem.EnumT):
        return next(iter(ty.cases))
    if isinstance(ty, sem.OptT):
        return None
    if isinstance(ty, sem.SetT):
        return frozenset()
    if isinstance(ty, sem.RecordT):
        return tuple(default(f.ty) for f in ty.fields.values())
    if isinstance(ty, sem.TupleT):
        return tuple(default(t) for t in ty.items)
    return 0


def decode(raw: Any, ty: sem.SemType, where: str) -> Any:
    """The JSON value ``raw`` as a value of ``ty``; BadEvent with the field's name if it is none.

    A number may be written as text (``"0x8000_0000"``); a record is an object in which fields may be missing.
    """
    if isinstance(ty, sem.OptT):
        return None if raw is None else decode(raw, ty.of, where)
    if raw is None:
        return ABSENT
    if isinstance(ty, sem.BoolT):
        if isinstance(raw, bool):
            return raw
    elif isinstance(ty, sem.EnumT):
        if isinstance(raw, str) and raw in ty.cases:
            return raw
    elif isinstance(ty, sem.IndexT) and ty.kind in ("device", "region"):
        if isinstance(raw, str):
            return raw
    elif isinstance(ty, sem.RecordT):
        if isinstance(raw, dict):
            _no_strangers(raw, list(ty.fields), where)
            return tuple(decode(raw.get(n), f.ty, f"{where}.{n}") for n, f in ty.fields.items())
    elif isinstance(ty, sem.TupleT):
        if isinstance(raw, list) and len(raw) == len(ty.items):
            return tuple(decode(r, t, f"{where}[{i}]") for i, (r, t) in enumerate(zip(raw, ty.items, strict=True)))
    elif isinstance(ty, sem.SetT | sem.FlagsT):
        if isinstance(raw, list):
            of = ty.of if isinstance(ty, sem.SetT) else None
            return frozenset(str(r) if of is None else decode(r, of, where) for r in raw)
    else:
        number = _number(raw)
        machine = int_type(ty)
        if number is not None and (machine is None or machine.lo <= number <= machine.hi):
            return number
    raise BadEvent(f"{where} is {raw!r}, which is not a value of {ty}")


def _no_strangers(raw: dict[str, Any], known: list[str], where: str) -> None:
    for name in raw:
        if name not in known:
            raise BadEvent(f"{where} has no field {name}; it has {', '.join(known)}")


def _number(raw: Any) -> int | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, str):
        try:
            return int(raw, 0)
        except ValueError:
            return None
    return None


def show(value: Any, ty: sem.SemType) -> str:
    """A value as a message says it."""
    if value is ABSENT:
        return "?"
    if value is None:
        return "null"
    if isinstance(ty, sem.OptT):
        return show(value, ty.of)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(ty, sem.RecordT):
        inner = ", ".join(f"{n}: {show(v, f.ty)}" for (n, f), v in zip(ty.fields.items(), value, strict=True))
        return f"{ty.name} {{ {inner} }}"
    if isinstance(ty, sem.TupleT):
        return "(" + ", ".join(show(v, t) for v, t in zip(value, ty.items, strict=True)) + ")"
    if isinstance(ty, sem.SetT):
        return "{" + ", ".join(sorted(show(v, ty.of) for v in value)) + "}"
    if isinstance(value, int) and (isinstance(ty, sem.SpaceT | sem.BitsT) or (isinstance(ty, sem.IndexT) and ty.is_partition)):
        return f"{value:#x}"
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(str, value))) + "}"
    return str(value)
