"""Values of the judge from JSON and to JSON, and from values of a System.

A number may be written as text (``"0x8000_0000"``), a record is an object in which fields may be missing, a
tuple or set a list, an enum case its name, with a payload ``{"leaf": [1, 2]}``; a piece of memory is an
address, or ``{"start": …, "size": …}``.
"""

from __future__ import annotations

from typing import Any

from dmaverify.evidence.values import ABSENT, int_type
from dmaverify.evidence.world import World
from dmaverify.lang import sem
from dmaverify.lang.layout import Layout

MAX_DIGITS = 100
"""Characters in a number that is written as text."""


class BadEvent(ValueError):
    """An event that its declaration does not allow. The text says which field and why."""


# -- from JSON


def decode(raw: Any, ty: sem.SemType, where: str, world: World) -> Any:
    """The JSON value ``raw`` as a value of ``ty``; BadEvent with the field's name if it is none."""
    if isinstance(ty, sem.OptT):
        return None if raw is None else decode(raw, ty.of, where, world)
    if raw is None:
        return ABSENT
    if isinstance(ty, sem.IndexT) and ty.kind == "blocks":
        pieces = decode_pieces(raw, ty, where, world)
        if pieces is not ABSENT and len(pieces) != 1:
            raise BadEvent(f"{where} is {shorten(raw)}, which is {len(pieces)} pieces of memory where one is wanted")
        return pieces if pieces is ABSENT else pieces[0]
    value = _decode(raw, ty, where, world)
    if value is ABSENT:
        raise BadEvent(f"{where} is {shorten(raw)}, which is no value of {ty}")
    return value


def _decode(raw: Any, ty: sem.SemType, where: str, world: World) -> Any:
    """The value; ABSENT if ``raw`` is none."""
    if isinstance(ty, sem.BoolT):
        return raw if isinstance(raw, bool) else ABSENT
    if isinstance(ty, sem.EnumT):
        return _case(raw, ty, where, world)
    if isinstance(ty, sem.IndexT) and ty.kind in ("device", "region"):
        return _named(raw, ty, where, world)
    if isinstance(ty, sem.RecordT):
        if not isinstance(raw, dict):
            return ABSENT
        for name in raw:
            if name not in ty.fields:
                raise BadEvent(f"{where} has no field {shorten(name)}; it has {', '.join(ty.fields)}")
        return tuple(decode(raw[n], f.ty, f"{where}.{n}", world) if n in raw else ABSENT for n, f in ty.fields.items())
    if isinstance(ty, sem.TupleT):
        if not isinstance(raw, list) or len(raw) != len(ty.items):
            return ABSENT
        pairs = enumerate(zip(raw, ty.items, strict=True))
        return tuple(decode(r, t, f"{where}[{i}]", world) for i, (r, t) in pairs)
    if isinstance(ty, sem.SetT | sem.ListT):
        if not isinstance(raw, list):
            return ABSENT
        items = [decode(r, ty.of, f"{where}[{i}]", world) for i, r in enumerate(raw)]
        return frozenset(items) if isinstance(ty, sem.SetT) else tuple(items)
    if isinstance(ty, sem.FlagsT):
        if not isinstance(raw, list) or not all(isinstance(r, str) and r in ty.members for r in raw):
            return ABSENT
        return frozenset(raw)
    return _number_of(raw, ty, world)


def _case(raw: Any, ty: sem.EnumT, where: str, world: World) -> Any:
    name: Any = raw
    given: Any = []
    if isinstance(raw, dict) and len(raw) == 1:
        ((name, given),) = raw.items()
    case = ty.cases.get(name) if isinstance(name, str) else None
    if case is None or not isinstance(given, list) or len(given) != len(case.payload):
        return ABSENT
    if not case.payload:
        return case.name
    values = [decode(r, t, f"{where}.{case.name}", world) for r, t in zip(given, case.payload, strict=True)]
    return (case.name, *values)


def _named(raw: Any, ty: sem.IndexT, where: str, world: World) -> Any:
    if not isinstance(raw, str) or not raw or not raw.isprintable():
        return ABSENT
    names = world.everything(ty)
    if names is not None and raw not in names:
        raise BadEvent(f"{where} is {shorten(raw)}; the scenario has no such {ty.kind}")
    return raw


def _number_of(raw: Any, ty: sem.SemType, world: World) -> Any:
    number = parse_number(raw)
    if number is None:
        return ABSENT
    if isinstance(ty, sem.RangeT):
        return number if ty.lo <= number <= ty.hi else ABSENT
    if isinstance(ty, sem.IndexT | sem.ObjT):
        values = world.everything(ty)
        return number if values is None or number in values else ABSENT
    machine = int_type(ty)
    return number if machine is not None and machine.lo <= number <= machine.hi else ABSENT


def decode_pieces(raw: Any, ty: sem.IndexT, where: str, world: World) -> Any:
    """The pieces of a partition that are meant, a list; ABSENT where it cannot be told which they are."""
    start, size = raw, None
    if isinstance(raw, dict):
        if set(raw) != {"start", "size"}:
            raise BadEvent(f"{where} is {shorten(raw)}; a piece of memory has a start and a size")
        start, size = raw["start"], parse_number(raw["size"])
        if size is None or not 0 < size < 1 << 63:
            raise BadEvent(f"{where}.size is {shorten(raw['size'])}, which is no number of bytes")
    at = parse_number(start)
    if at is None or not 0 <= at < 1 << 64:
        raise BadEvent(f"{where} is {shorten(start)}, which is no address")
    if size is None:
        if ty.grain is None and world.cuts:
            raise BadEvent(f'{where} needs its size: {{"start": {shorten(start)}, "size": …}}')
        piece = world.at(ty, at)
        found: Any = None if piece is None else piece if piece is ABSENT else [piece]
    else:
        found = world.touching(ty, at, at + size)
    if found is None or found == []:
        raise BadEvent(f"{where} is {shorten(raw)}, which lies in no region of the scenario")
    return found


def parse_number(raw: Any) -> int | None:
    """A JSON number without a fraction, or a text that spells one as Python does (``0x``, ``_``)."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, str) and len(raw) <= MAX_DIGITS:
        try:
            return int(raw, 0)
        except ValueError:
            return None
    return None


def shorten(raw: Any) -> str:
    """A JSON value for a message, not too long and in plain signs."""
    text = ascii(raw)
    return text if len(text) <= 60 else text[:57] + "..."


# -- to JSON


def encode(value: Any, ty: sem.SemType, world: World) -> Any:
    """A value, no part of it absent, as the JSON value that ``decode`` reads it from."""
    if value is None:
        return None
    if isinstance(ty, sem.OptT):
        return encode(value, ty.of, world)
    if isinstance(ty, sem.IndexT) and ty.kind == "blocks":
        return {"start": hex(value), "size": world.size(ty, value)}
    if isinstance(ty, sem.RecordT):
        return {n: encode(v, f.ty, world) for (n, f), v in zip(ty.fields.items(), value, strict=True)}
    if isinstance(ty, sem.TupleT):
        return [encode(v, t, world) for v, t in zip(value, ty.items, strict=True)]
    if isinstance(ty, sem.SetT):
        return [encode(v, ty.of, world) for v in sorted(value, key=str)]
    if isinstance(ty, sem.ListT):
        return [encode(v, ty.of, world) for v in value]
    if isinstance(ty, sem.FlagsT):
        return [m for m in ty.members if m in value]
    if isinstance(ty, sem.EnumT) and isinstance(value, tuple):
        case = ty.cases[value[0]]
        return {case.name: [encode(v, t, world) for v, t in zip(value[1:], case.payload, strict=True)]}
    if isinstance(ty, sem.SpaceT) and ty.is_address:
        return hex(value)
    return value


# -- from a System


def from_ir(value: Any, ty: sem.SemType, layout: Layout) -> Any:
    """A value of the IR type of ``ty``, as the judge holds it."""
    if isinstance(ty, sem.OptT):
        return None if value is None else from_ir(value, ty.of, layout)
    if isinstance(ty, sem.EnumT):
        if not ty.has_payload:
            return list(ty.cases)[value]
        fields = layout.ir_type(ty).fields  # type: ignore[attr-defined]
        return _payload(value, [name for name, _ in fields], ty, layout)
    if isinstance(ty, sem.IndexT):
        if ty.kind == "blocks":
            return layout.blocks(ty)[value].start
        return layout.names(ty)[value] if ty.kind in ("device", "region") else value
    if isinstance(ty, sem.RecordT):
        return tuple(from_ir(v, f.ty, layout) for v, f in zip(value, ty.fields.values(), strict=True))
    if isinstance(ty, sem.TupleT):
        return tuple(from_ir(v, t, layout) for v, t in zip(value, ty.items, strict=True))
    if isinstance(ty, sem.FlagsT):
        return frozenset(m for i, m in enumerate(ty.members) if value >> i & 1)
    if isinstance(ty, sem.ListT):
        count, cells = value
        return tuple(from_ir(v, ty.of, layout) for v in cells[:count])
    if isinstance(ty, sem.SetT):
        if not ty.is_mask:
            return frozenset(from_ir(v, ty.of, layout) for v in value if v is not None)
        members = [i for i in range(value.bit_length()) if value >> i & 1]
        return frozenset(from_ir(_member(i, ty.of), ty.of, layout) for i in members)
    return value


def _payload(value: Any, names: list[str], ty: sem.EnumT, layout: Layout) -> Any:
    case = list(ty.cases.values())[value[0]]
    found = [value[names.index(f"{case.name}.{i}")] for i in range(len(case.payload))]
    if not found:
        return case.name
    return (case.name, *(from_ir(v, t, layout) for v, t in zip(found, case.payload, strict=True)))


def _member(code: int, ty: sem.SemType) -> Any:
    """The element of an index-like type with that code."""
    if isinstance(ty, sem.BoolT):
        return bool(code)
    return code + ty.lo if isinstance(ty, sem.RangeT) else code
