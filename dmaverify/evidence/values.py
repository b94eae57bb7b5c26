"""Values of the runtime judge.

Numbers and addresses are Python ints, an enum case its name (with a payload: a tuple that starts with it), a
device or region its name, another piece of memory its start address, a record or tuple a tuple of its fields
in order, a set a frozenset, null None. ``ABSENT`` is a value that the source of the events did not tell:
whatever depends on it is undecided. ``UNTOUCHED`` stands for all values of an index that nothing has been
said about; every map holds for it what it holds by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from dmaverify.lang import sem


class _Unknown:
    """One of the two values below."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name

    def __bool__(self) -> bool:
        raise TypeError(f"an {self._name} value is neither true nor false")


ABSENT: Final = _Unknown("absent")
UNTOUCHED: Final = _Unknown("untouched")


@dataclass(frozen=True)
class Stretch:
    """Consecutive numbers, addresses or pieces of memory: ``lo`` to below ``hi``."""

    lo: int
    hi: int


def known(value: Any) -> bool:
    """Whether no part of the value is absent."""
    if value is ABSENT or value is UNTOUCHED:
        return False
    return type(value) is not tuple or all(map(known, value))


def int_type(ty: sem.SemType) -> sem.IntT | None:
    """The machine integer behind a type, or None if values of it do not wrap."""
    if isinstance(ty, sem.IntT):
        return ty
    if isinstance(ty, sem.SpaceT | sem.BitsT):
        return ty.base
    return None


def wrap(value: int, ty: sem.SemType) -> int:
    """``value`` as a value of ``ty``, modulo its width; what a range does not hold is its least value."""
    if 0 <= value < 1 << 31 and isinstance(ty, sem.IntT | sem.SpaceT) and _width(ty) >= 32:
        return value
    machine = int_type(ty)
    if machine is None:
        return ty.lo if isinstance(ty, sem.RangeT) and not ty.lo <= value <= ty.hi else value
    if machine.lo <= value <= machine.hi:
        return value
    value &= (1 << machine.width) - 1
    if machine.signed and value >> (machine.width - 1):
        value -= 1 << machine.width
    return value


def _width(ty: sem.IntT | sem.SpaceT) -> int:
    return ty.width if isinstance(ty, sem.IntT) else ty.base.width


def default(ty: sem.SemType) -> Any:
    """The value of a variable that nothing has been said about."""
    if isinstance(ty, sem.BoolT | sem.LockT):
        return False
    if isinstance(ty, sem.RangeT):
        return ty.lo
    if isinstance(ty, sem.EnumT):
        case = next(iter(ty.cases.values()))
        return (case.name, *map(default, case.payload)) if case.payload else case.name
    if isinstance(ty, sem.OptT):
        return None
    if isinstance(ty, sem.SetT | sem.FlagsT):
        return frozenset()
    if isinstance(ty, sem.ListT):
        return ()
    if isinstance(ty, sem.RecordT):
        return tuple(default(f.ty) for f in ty.fields.values())
    if isinstance(ty, sem.TupleT):
        return tuple(map(default, ty.items))
    if isinstance(ty, sem.IndexT):
        return ABSENT  # the first one there is, whatever that may be
    return 0


def show(value: Any, ty: sem.SemType) -> str:
    """A value as a message says it."""
    if value is ABSENT or value is UNTOUCHED:
        return "?"
    if value is None:
        return "null"
    if isinstance(ty, sem.OptT):
        return show(value, ty.of)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Stretch):
        of = ty.of if isinstance(ty, sem.IterT | sem.SetT) else ty
        return f"{show(value.lo, of)} .. {show(value.hi, of)}"
    if isinstance(ty, sem.RecordT):
        inner = ", ".join(f"{n}: {show(v, f.ty)}" for (n, f), v in zip(ty.fields.items(), value, strict=True))
        return f"{ty.name} {{ {inner} }}"
    if isinstance(ty, sem.TupleT):
        return "(" + ", ".join(show(v, t) for v, t in zip(value, ty.items, strict=True)) + ")"
    if isinstance(ty, sem.SetT):
        return "{" + ", ".join(sorted(show(v, ty.of) for v in value)) + "}"
    if isinstance(value, int) and _is_address(ty):
        return f"{value:#x}"
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(map(str, value))) + "}"
    if isinstance(value, tuple):
        return str(value[0]) if len(value) == 1 else f"{value[0]}({', '.join(map(str, value[1:]))})"
    return str(value)


def _is_address(ty: sem.SemType) -> bool:
    if isinstance(ty, sem.SpaceT):
        return ty.is_address
    return isinstance(ty, sem.BitsT) or (isinstance(ty, sem.IndexT) and ty.is_partition)
