"""Whether the arms of a match leave something out, and whether an arm can be reached.

The usual matrix algorithm: a row for each arm, a column for each value that is taken apart. A constructor is
a case, ``true``,
``null`` or a number; what has no finite list of constructors is only covered by a name or ``_``.
"""

from __future__ import annotations

from dataclasses import dataclass

from dmaverify.lang import sem


@dataclass(frozen=True)
class Pat:
    """A pattern reduced to what it accepts. ``ctor`` None accepts everything; ``alternatives`` any of
    several."""

    ctor: str | None = None
    args: tuple[Pat, ...] = ()
    alternatives: tuple[Pat, ...] = ()


ANY = Pat()
Row = tuple[Pat, ...]


def constructors(t: sem.SemType) -> dict[str, tuple[sem.SemType, ...]] | None:
    """All ways to build a value of the type, or None if there are too many to list."""
    if isinstance(t, sem.BoolT):
        return {"false": (), "true": ()}
    if isinstance(t, sem.EnumT):
        return {c.name: c.payload for c in t.cases.values()}
    if isinstance(t, sem.OptT):
        return {"null": (), "some": (t.of,)}
    if isinstance(t, sem.TupleT):
        return {"tuple": t.items}
    if isinstance(t, sem.RecordT):
        return {"tuple": tuple(f.ty for f in t.fields.values())}
    if isinstance(t, sem.RangeT) and t.hi - t.lo < 256:
        return {str(v): () for v in range(t.lo, t.hi + 1)}
    return None


def _expand(rows: list[Row]) -> list[Row]:
    out: list[Row] = []
    for row in rows:
        if row and row[0].alternatives:
            out.extend(_expand([(a, *row[1:]) for a in row[0].alternatives]))
        else:
            out.append(row)
    return out


def _specialise(rows: list[Row], ctor: str, arity: int) -> list[Row]:
    out: list[Row] = []
    for row in rows:
        head = row[0]
        if head.ctor is None:
            out.append(((ANY,) * arity) + row[1:])
        elif head.ctor == ctor:
            args = head.args if len(head.args) == arity else (ANY,) * arity
            out.append(args + row[1:])
    return out


def missing(rows: list[Row], types: tuple[sem.SemType, ...]) -> list[str] | None:
    """Values in no row, as text, one for each column; None if every value is in one."""
    if not types:
        return None if rows else []
    rows = _expand(rows)
    first, rest = types[0], types[1:]
    every = constructors(first)
    if every is not None:
        for ctor, payload in every.items():
            found = missing(_specialise(rows, ctor, len(payload)), payload + rest)
            if found is not None:
                inner, others = found[: len(payload)], found[len(payload) :]
                return [_written(ctor, inner), *others]
        return None
    named = {r[0].ctor for r in rows if r[0].ctor is not None}
    found = missing([r[1:] for r in rows if r[0].ctor is None], rest)
    if found is None:
        return None
    return ["anything else" if named else "_", *found]


def _written(ctor: str, args: list[str]) -> str:
    if ctor == "tuple":
        return "(" + ", ".join(args) + ")"
    if ctor == "some":
        return args[0] if args[0] != "_" else "a value"
    return f"{ctor}({', '.join(args)})" if args else ctor


def useful(rows: list[Row], row: Row, types: tuple[sem.SemType, ...]) -> bool:
    """Whether ``row`` accepts something that no earlier row does."""
    if not types:
        return not rows
    rows = _expand(rows)
    head = row[0]
    if head.alternatives:
        return any(useful(rows, (a, *row[1:]), types) for a in head.alternatives)
    first, rest = types[0], types[1:]
    every = constructors(first)
    if head.ctor is not None:
        payload = every.get(head.ctor, ()) if every is not None else ()
        args = head.args if len(head.args) == len(payload) else (ANY,) * len(payload)
        return useful(_specialise(rows, head.ctor, len(payload)), args + row[1:], payload + rest)
    if every is not None:
        return any(
            useful(_specialise(rows, c, len(p)), ((ANY,) * len(p)) + row[1:], p + rest)
            for c, p in every.items()
        )
    return useful([r[1:] for r in rows if r[0].ctor is None], row[1:], rest)
