"""Values of the IR as a reader wants to see them: names of indexes, members of enums, hexadecimal
addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dmaverify.ir.types import (
    Bool,
    Enum,
    Flags,
    Index,
    Int,
    Map,
    Mask,
    Opt,
    Range,
    Record,
    Type,
    Value,
    index_values,
)

_BIG = 0x1_0000
"""Unsigned 64-bit numbers from here on are addresses more often than counts."""


def hexadecimal(n: int) -> str:
    """``0x8000_0000``: groups of four digits, as long numbers cannot be read otherwise."""
    digits = f"{abs(n):x}"
    groups: list[str] = []
    while len(digits) > 4:
        groups.insert(0, digits[-4:])
        digits = digits[:-4]
    return ("-" if n < 0 else "") + "0x" + "_".join([digits, *groups])


def show(value: Value, ty: Type, limit: int = 60) -> str:
    """One value as text; long maps and records are cut at about ``limit`` characters."""
    text = _show(value, ty)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _show(value: Value, ty: Type) -> str:
    match ty:
        case Bool():
            return "true" if value else "false"
        case Enum():
            return ty.members[value] if 0 <= value < len(ty.members) else str(value)
        case Index():
            return ty.names[value] if value < len(ty.names) else f"{ty.name.lower()} {value}"
        case Int():
            return hexadecimal(value) if ty.width >= 32 and abs(value) >= _BIG else str(value)
        case Range():
            return str(value)
        case Flags():
            return " | ".join(m for i, m in enumerate(ty.members) if value >> i & 1) or "0"
        case Opt():
            return "null" if value is None else _show(value, ty.of)
        case Record():
            inner = ", ".join(f"{n}: {_show(v, t)}" for (n, t), v in zip(ty.fields, value, strict=True))
            return f"{ty.name} {{ {inner} }}" if not ty.name.startswith("(") else f"({inner})"
        case Mask():
            return (
                "{"
                + ", ".join(
                    _show(v, ty.index) for i, v in enumerate(index_values(ty.index)) if value >> i & 1
                )
                + "}"
            )
        case Map():
            return _show_map(value, ty)
    return str(value)


def _show_map(value: Value, ty: Map) -> str:
    """Only cells that are not at their default, unless all cells are equal."""
    if len(value) > 1 and all(v == value[0] for v in value):
        return f"all {_show(value[0], ty.of)}"
    cells = (
        f"{_show(k, ty.index)}: {_show(v, ty.of)}"
        for k, v in zip(index_values(ty.index), value, strict=True)
        if v != ty.of.default
    )
    return "{" + ", ".join(cells) + "}"


Cell = tuple[str, Any, Type]
"""Name of a part of a variable, its value, its type."""


def cells(name: str, value: Value, ty: Type) -> list[Cell]:
    """The parts of a variable that change on their own: cells of maps, fields of records, down to scalars."""
    if isinstance(ty, Map):
        return [
            cell
            for k, v in zip(index_values(ty.index), value, strict=True)
            for cell in cells(f"{name}[{_show(k, ty.index)}]", v, ty.of)
        ]
    if isinstance(ty, Record):
        return [
            cell for (n, t), v in zip(ty.fields, value, strict=True) for cell in cells(f"{name}.{n}", v, t)
        ]
    return [(name, value, ty)]


def differences(name: str, old: Value, new: Value, ty: Type) -> list[tuple[str, str, str]]:
    """(cell, old, new) as text for each part of a variable that differs."""
    if old == new:
        return []
    return [
        (cell, show(a, t), show(b, t))
        for (cell, a, t), (_, b, _) in zip(cells(name, old, ty), cells(name, new, ty), strict=True)
        if a != b
    ]


def encode(value: Value) -> Any:
    """A value as JSON can hold it; tuples become lists."""
    return [encode(v) for v in value] if isinstance(value, tuple) else value


def decode(value: Any) -> Value:
    """What ``encode`` was given."""
    return tuple(decode(v) for v in value) if isinstance(value, list) else value


def assignment(values: Mapping[str, str]) -> str:
    """``a = 1, b = 2``."""
    return ", ".join(f"{k} = {v}" for k, v in values.items())
