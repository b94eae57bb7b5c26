"""How a value of any type is spread over core scalars, and back: the table of ``types.py`` in code.

A *tree* mirrors a type with an expression at each scalar: an ``Expr`` for a scalar type, ``OptTree`` for a
nullable one, a tuple for a record (one tree per field) and for a map (one per cell). Scalars of core type
stand for the others by their code: a range by ``v - lo``, an enum or index by its ordinal, flags and masks by
their bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, Union

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, ite, mk, not_
from dmaverify.ir.types import (
    BOOL,
    Bool,
    Enum,
    Index,
    Int,
    Map,
    Opt,
    Range,
    Record,
    Type,
    Value,
    index_values,
)


@dataclass(frozen=True)
class OptTree:
    """A nullable value: whether it is there, and what it is (all zero if it is not)."""

    present: Expr
    of: Tree


Tree: TypeAlias = Union[Expr, OptTree, "tuple[Tree, ...]"]


# -- scalars --------------------------------------------------------------------------------------------


def is_scalar(t: Type) -> bool:
    """Whether one core scalar holds a value of ``t``."""
    return not isinstance(t, Opt | Record | Map)


def core_type(t: Type) -> Bool | Int:
    """The core type that a scalar type becomes."""
    if isinstance(t, Bool | Int):
        return t
    if not is_scalar(t):
        raise ValueError(f"{t} is not a scalar type")
    return Int(t.bits)


def encode_scalar(value: Value, t: Type) -> Value:
    """Code of a value of a scalar type."""
    return value - t.lo if isinstance(t, Range) else value


def decode_scalar(code: Value, t: Type) -> Value:
    """Value of a scalar type from its code."""
    if isinstance(t, Bool):
        return bool(code)
    return code + t.lo if isinstance(t, Range) else code


def codes(t: Type) -> tuple[Value, ...] | None:
    """The codes that values of a scalar type have; None if that is every value of the core type."""
    if isinstance(t, Bool | Int) or t.count == 1 << t.bits:
        return None
    return tuple(range(t.count))


# -- leaves ---------------------------------------------------------------------------------------------


def index_label(t: Type, position: int) -> str:
    """How the name of a cell calls its index."""
    if isinstance(t, Enum):
        return t.members[position]
    if isinstance(t, Index) and t.names:
        return t.names[position]
    value = index_values(t)[position]
    return str(value).lower() if isinstance(t, Bool) else str(value)


def leaves(t: Type, path: str) -> Iterator[tuple[str, Type]]:
    """Names and scalar types of the leaves of a variable of type ``t``, in the order of the encoding.

    The cell 3 of ``v`` is ``v[3]``, its field f ``v[3].f``; whether ``v`` is there is ``v?``.
    """
    if isinstance(t, Opt):
        yield path + "?", BOOL
        yield from leaves(t.of, path)
    elif isinstance(t, Record):
        for name, of in t.fields:
            yield from leaves(of, f"{path}.{name}")
    elif isinstance(t, Map):
        for i in range(t.index.count):
            yield from leaves(t.of, f"{path}[{index_label(t.index, i)}]")
    else:
        yield path, t


def build(t: Type, scalars: Iterator[Expr]) -> Tree:
    """The tree of type ``t`` whose leaves are the next ``scalars``."""
    if isinstance(t, Opt):
        present = next(scalars)
        return OptTree(present, build(t.of, scalars))
    if isinstance(t, Record):
        return tuple(build(of, scalars) for _, of in t.fields)
    if isinstance(t, Map):
        return tuple(build(t.of, scalars) for _ in range(t.index.count))
    return next(scalars)


def flat(tree: Tree) -> Iterator[Expr]:
    """The leaves of a tree, in the order of ``leaves``."""
    if isinstance(tree, OptTree):
        yield tree.present
        yield from flat(tree.of)
    elif isinstance(tree, tuple):
        for t in tree:
            yield from flat(t)
    else:
        yield tree


def encode(value: Value, t: Type) -> Iterator[Value]:
    """Codes of the leaves of a value."""
    if isinstance(t, Opt):
        yield value is not None
        yield from encode(t.of.default if value is None else value, t.of)
    elif isinstance(t, Record):
        for (_, of), v in zip(t.fields, value, strict=True):
            yield from encode(v, of)
    elif isinstance(t, Map):
        for v in value:
            yield from encode(v, t.of)
    else:
        yield encode_scalar(value, t)


def decode(t: Type, scalars: Iterator[Value]) -> Value:
    """The value whose leaves have the next codes."""
    if isinstance(t, Opt):
        present = next(scalars)
        value = decode(t.of, scalars)
        return value if present else None
    if isinstance(t, Record):
        return tuple(decode(of, scalars) for _, of in t.fields)
    if isinstance(t, Map):
        return tuple(decode(t.of, scalars) for _ in range(t.index.count))
    return decode_scalar(next(scalars), t)


def const_tree(value: Value, t: Type) -> Tree:
    """A constant as a tree."""
    scalars = (const(c, core_type(leaf)) for c, (_, leaf) in zip(encode(value, t), leaves(t, ""), strict=True))
    return build(t, scalars)


# -- operations on whole trees --------------------------------------------------------------------------


def merge(c: Expr, a: Tree, b: Tree) -> Tree:
    """``if c then a else b``, leaf by leaf."""
    if a is b or c is TRUE:
        return a
    if c is FALSE:
        return b
    if isinstance(a, OptTree):
        assert isinstance(b, OptTree)
        return OptTree(ite(c, a.present, b.present), merge(c, a.of, b.of))
    if isinstance(a, tuple):
        assert isinstance(b, tuple)
        return tuple(merge(c, x, y) for x, y in zip(a, b, strict=True))
    assert isinstance(b, Expr)
    return ite(c, a, b)


def same(a: Tree, b: Tree) -> Expr:
    """Equality of two values of one type."""
    if isinstance(a, OptTree):
        assert isinstance(b, OptTree)
        if b.present is FALSE:  # what is not there has no other bits set
            return not_(a.present)
        if a.present is FALSE:
            return not_(b.present)
        return and_(eq(a.present, b.present), same(a.of, b.of))
    if isinstance(a, tuple):
        assert isinstance(b, tuple)
        return and_(*(same(x, y) for x, y in zip(a, b, strict=True)))
    assert isinstance(b, Expr)
    return eq(a, b)


def pick(cells: Sequence[Tree], at: Expr) -> Tree:
    """The cell with the position that ``at`` says (a code, or a Bool)."""
    if at.op == "const":
        return cells[int(at.value)]
    if at.op == "ite" and (at.args[1].op == "const" or at.args[2].op == "const"):
        return merge(at.args[0], pick(cells, at.args[1]), pick(cells, at.args[2]))
    result = cells[-1]
    for i in range(len(cells) - 2, -1, -1):
        result = merge(eq(at, _code(i, at.type)), cells[i], result)
    return result


def put(cells: Sequence[Tree], at: Expr, value: Tree) -> tuple[Tree, ...]:
    """The cells with one of them replaced."""
    return tuple(merge(eq(at, _code(i, at.type)), value, cell) for i, cell in enumerate(cells))


def _code(position: int, t: Type) -> Expr:
    return const(bool(position) if isinstance(t, Bool) else position, t)


def pack(tree: Tree, t: Type) -> Expr:
    """One core scalar for a whole value: itself for a scalar type, else the bits of the leaves, the first
    lowest.
    """
    if is_scalar(t):
        assert isinstance(tree, Expr)
        return tree
    whole = Int(t.bits)
    total, offset = const(0, whole), 0
    for leaf in flat(tree):
        bits = leaf.type.bits
        if isinstance(leaf.type, Bool):
            part = ite(leaf, const(1, whole), const(0, whole))
        else:
            # by way of the unsigned type of the same width, so that no sign spills into the next leaf
            part = mk("wrap", (mk("wrap", (leaf,), Int(bits)),), whole)
        total = mk("bor", (total, mk("shl", (part, const(offset, Int(32))))))
        offset += bits
    return total


def unpack(code: Value, t: Type) -> Value:
    """The value that ``pack`` stands for."""
    if is_scalar(t):
        return decode_scalar(code, t)

    def scalars() -> Iterator[Value]:
        rest = code
        for _, leaf in leaves(t, ""):
            own = core_type(leaf)
            bits = rest & ((1 << own.bits) - 1)
            rest >>= own.bits
            yield bool(bits) if isinstance(own, Bool) else own.wrap(bits)

    return decode(t, scalars())


def domain(t: Type, tree: Tree) -> Expr:
    """What holds of the leaves of every value: codes that values have, and zero behind a null."""
    if isinstance(tree, OptTree):
        assert isinstance(t, Opt)
        zero = [eq(leaf, const(leaf.type.default, leaf.type)) for leaf in flat(tree.of)]
        return ite(tree.present, domain(t.of, tree.of), and_(*zero))
    if isinstance(tree, tuple):
        return and_(*(domain(of, x) for of, x in zip(_parts(t), tree, strict=True)))
    if isinstance(t, Bool | Int) or t.count == 1 << t.bits:
        return TRUE
    return mk("le", (tree, const(t.count - 1, core_type(t))))


def _parts(t: Type) -> list[Type]:
    if isinstance(t, Record):
        return [of for _, of in t.fields]
    assert isinstance(t, Map)
    return [t.of] * t.index.count
