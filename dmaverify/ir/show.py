"""Values in words: how messages of checks and short notes write a value of the IR. For readers, not for
parsing back."""

from __future__ import annotations

from dmaverify.ir.types import (
    Bool,
    Enum,
    Flags,
    Index,
    Int,
    Map,
    Mask,
    Opt,
    Record,
    Type,
    Value,
    index_values,
    ordinal,
)

SHOWN_SET = "{}"
"""How the name of a record begins that stands for a set in a message: its fields are what is in the set, null what is not."""


def show(value: Value, t: Type) -> str:
    """``value`` as a reader would write it: names of members, hexadecimal for numbers of more than four
    digits."""
    if isinstance(t, Bool):
        return "true" if value else "false"
    if isinstance(t, Enum):
        return t.members[value]
    if isinstance(t, Flags):
        return "{" + ", ".join(m for i, m in enumerate(t.members) if value >> i & 1) + "}"
    if isinstance(t, Index):
        return t.names[value] if value < len(t.names) else f"{t.name} {value}"
    if isinstance(t, Opt):
        return "null" if value is None else show(value, t.of)
    if isinstance(t, Record) and t.name.startswith(SHOWN_SET):
        there = (show(v, ft) for (_, ft), v in zip(t.fields, value, strict=True) if v is not None)
        return "{" + ", ".join(dict.fromkeys(there)) + "}"
    if isinstance(t, Record):
        inner = ", ".join(f"{n}: {show(v, ft)}" for (n, ft), v in zip(t.fields, value, strict=True))
        return f"{t.name} {{{inner}}}"
    if isinstance(t, Map):
        cells = zip(index_values(t.index), value, strict=True)
        return "[" + ", ".join(f"{show(i, t.index)}: {show(v, t.of)}" for i, v in cells) + "]"
    if isinstance(t, Mask):
        members = (i for i in index_values(t.index) if value >> ordinal(t.index, i) & 1)
        return "{" + ", ".join(show(i, t.index) for i in members) + "}"
    return hex(value) if isinstance(t, Int) and abs(value) > 9999 else str(value)
