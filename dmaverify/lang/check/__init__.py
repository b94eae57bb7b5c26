"""Names, types, units and flow of a linked program.

``check(program)`` gives every name a meaning and every expression a type, in the syntax tree itself, and
reports what does not fit. The lowerer consumes the annotations. They hold until the next ``check`` of a
program that shares trees with this one.

The annotation contract
=======================

**Types.** Every expression has ``ty``, the type of the operation as such, and perhaps ``conv``, the type to
which its value is converted where it stands (no ``conv``: it is used as it is). What ``conv`` may ask for:

=====================  ================  =========================================================
``ty``                 ``conv``          meaning
=====================  ================  =========================================================
IntT RangeT SpaceT     IntT SpaceT       ``wrap``. Value-preserving, except for the offset that is
                                         added to an address (sign-extended, as C does). Where only
                                         units differ: nothing
IntT RangeT            RangeT            narrow, with the built-in check that it is inside
T                      ``U?``            T to U, then ``some``
``T?``                 ``U?``            inside the ``?``
``T?``                 U                 known, or to be chosen so, not to be null; built-in check
TupleT                 TupleT RecordT    field by field, by place
PlaceT                 SpaceT            where it starts
PlaceT IterT RecordT   SetT              the blocks or elements in it; the RecordT is an extent
=====================  ================  =========================================================

NullT, LitT and ErrorT never occur in a tree that was checked without an error: ``null`` has an OptT, a number
the type that its surroundings gave it (i32, or the first of i64 and u64 that holds it, where nothing did;
``4K``: i64 bytes).

**Operators**, after ``conv`` of the operands:

* ``+ - * / % & | ^`` on numbers and addresses: both operands have one IR type; the operation is done in it
  and the result is wrapped to ``ty``, which differs only for address ``-`` address and address ``%`` number
  (done in 64 bits unsigned; ``ty`` is i64 bytes). IndexT ``+ -`` a number of any type is the IndexT, with the
  built-in check that it stays inside; IndexT ``-`` IndexT is i32.
* ``+ - & |`` on FlagsT and SetT: union, difference, intersection, union. For a SetT the right side may be an
  element, or a ``T?`` whose null adds or removes nothing.
* ``<< >>``: the left side has ``ty`` up to its unit; the right side has any integer type.
* ``== !=``: one type on both sides; also records, tuples, sets, ``T?``. ``< <= > >=``: numbers, addresses,
  values of one index, of one enum (by their order).
* ``in``, ``not in``: the right side is an IterT, SetT, ListT, an extent, a place, a block, or FlagsT (then
  all flags of the left side must be in it). ``within``: both sides are any of IterT, SetT, extent, place,
  block, FlagsT.
* ``T? ?? T`` is T, ``T? ?? T?`` is ``T?``, ``e!`` is T.
* ``any in S`` and ``first``, ``last``, ``any x in S`` are a ``T?``, null where there is none; with ``conv`` T
  (of ``any`` only) the step can be taken only where there is one. ``one x in S`` is a T.

**Names.** See ``symbols``. A LocalSym's value is found under ``sym.key``; the node that introduces a local
introduces it under ``local_key(node, name)``. What ``is`` binds holds in what follows ``and`` and ``=>``, in
the ``then`` part, and behind ``where``. After ``x != null`` (also ``x == null or …``, ``if x == null { return
}``, ``assume``) the path x, which may be ``dma_mem[dev]``, is a T: its uses have ``ty`` ``T?`` and ``conv``
T.

**Literals.** Each FieldInit of a RecordLit, New, With has its ``name`` set. Where it was a bare name for a
bit of a ``bits`` type, the value is a Name with ``ref`` BitRef and ``ty`` BoolT: all ones. Fields that are
missing take the field's default.

**Initial values.** The value of a var, ghost, field or const with a MapT is that of every cell.

**Patterns.** ``ty`` is the type of what is matched. A PatName with a LocalSym binds. On a ``T?`` a bare new
name matches what is not null and binds a T, in ``is`` and ``match``; under ``on``, and inside of cases and
tuples, it takes whatever there is.

**Statements.** Let and Assign with one value for several targets: the value's ``ty`` is a TupleT (or
``TupleT?`` with ``else``). With ``else`` the value's ``ty`` is a ``T?`` (fails when null), a named number
(fails when not 0) or bool (fails when false); a ``new`` with ``else`` is a ``T?``. CallStmt with ``else``
likewise. ``return`` values have the result types."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dmaverify.lang.check import codes  # noqa: F401  (explains them)
from dmaverify.lang.check.program import ProgramChecker
from dmaverify.lang.check.result import Checked
from dmaverify.lang.diag import Diagnostics, DmaError
from dmaverify.lang.layout import Layout
from dmaverify.lang.limits import MAX_TREE_DEPTH
from dmaverify.lang.program import Program


def examine(program: Program) -> Checked:
    """Checks a linked program and says everything that is wrong or worth a remark in ``diagnostics``."""
    diags = Diagnostics()
    checker = ProgramChecker(program, diags)
    with _deep():
        checker.run()
    if not diags.errors:
        checker.out.layout_ = Layout(checker.out)
        if program.scenario is not None:
            checker.out.layout_.validate(diags)
    checker.out.diagnostics = diags.all
    return checker.out


@contextmanager
def _deep() -> Iterator[None]:
    """Room for trees of the depth that the parser lets through: some frames for each level."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 20 * MAX_TREE_DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def check(program: Program) -> Checked:
    """The same, raising ``DmaError`` where there are errors; warnings are in ``diagnostics``."""
    checked = examine(program)
    if checked.errors:
        raise DmaError(checked.diagnostics)
    return checked


__all__ = ["Checked", "check", "examine"]
