"""Names, types, units and flow of a linked program.

``check(program)`` gives every name a meaning and every expression a type, in the syntax tree itself, and
reports what does not fit. The lowerer consumes the annotations. They hold until the next ``check`` of a
program that shares trees with this one.

The annotation contract
=======================

**Types.** Every expression has ``ty``, the type of the operation as such, and perhaps ``conv``, the type to
which its value is converted where it stands (no ``conv``: it is used as it is). What ``conv`` may ask for:

========================  ==========================  ==================================================================
``ty``                    ``conv``                    meaning
========================  ==========================  ==================================================================
IntT RangeT SpaceT BitsT  IntT SpaceT                 IR ``wrap``. Value-preserving, except for the offset
that is added to an
                                                      address (sign-extended, as C does). Differing units
                                                      only: nothing.
IntT, RangeT              RangeT                      built-in check ``range``; narrow
T                         ``U?``                      T to U, then ``some``
``T?``                    ``U?``                      inside the ``?``
TupleT                    TupleT, RecordT             field by field (by place)
PlaceT                    SpaceT, IndexT              its start; the one block that it is or lies in
PlaceT IterT RecordT      SetT                        the set of the blocks (elements); the RecordT is an
extent
========================  ==========================  ==================================================================

``NullT``, ``LitT`` and ``ErrorT`` never occur in a tree that was checked without an error: ``null`` has an
``OptT``, a number the type that its surroundings gave it (``i32``, or the smallest of i64 and u64 that holds
it, where nothing did).

**Operators.** After ``conv`` of the operands:

* ``+ - * / % & | ^`` on numbers and addresses: both operands have one IR type; the operation is done in it
  and the result is wrapped to ``ty`` (which differs only for address ``-`` address and address ``%`` number:
  done in 64 bits unsigned, ``i64 bytes``). IndexT ``+ -`` a number of any type (``ty`` is the IndexT,
  built-in check that it stays inside); IndexT ``-`` IndexT (``ty`` i32).
* ``+ - & |`` on FlagsT and SetT: union, difference, intersection, union; for SetT the right side may be an
  element, or a
  ``T?`` whose null adds or removes nothing. ``maps -= m in maps where c`` is a SetT right side.
* ``<< >>``: the left side has ``ty`` up to its unit; the right side any integer type.
* ``== !=``: one type on both sides (after ``conv``), also records, tuples, sets, ``T?``. ``< <= > >=``:
  numbers, addresses, indexes of one type, enums (by their order).
* ``in``, ``not in``: the right side is an IterT, SetT, ListT, an extent, a place, or FlagsT (then the left
  side is FlagsT and the question is whether all of its flags are in it). ``within``: both sides are any of
  IterT, SetT, extent, place, block, FlagsT.
* ``??``: ``T? ?? T`` is T; ``T? ?? T?`` is ``T?``. ``e!`` is T. ``and or not =>``: bool.
* ``any in S`` has the type ``T?``, null where S is empty; with ``conv`` T, the step can only be taken where S
  is not empty. ``first``,
  ``last``, ``any x in S`` likewise. ``one x in S`` is a T.
* ``*`` as an index is refused: ``some v in Level: …`` says the same.

**Names.** See ``symbols``. A LocalSym's value is found under ``sym.key``; the node that introduces a local
introduces it under
``local_key(node, name)``. ``if``, ``and``, ``=>``, ``while``, ``if``-expressions and ``where`` pass on what
an ``is`` binds.
``x != null and …`` (also ``x == null or …``, ``if x == null { return }``) makes the local ``x`` (or a pure
path such as ``dma_mem[dev]`` in pure code) a T in what follows: the use then has ``ty`` ``T?`` and ``conv``
T, "known not to be null", with the built-in check all the same.

**Literals.** Each FieldInit of a RecordLit, New, With has its ``name`` set. Where it was a bare name for a
bit of a ``bits`` type, the value is a Name with ``ref`` BitRef and ``ty`` BoolT: all ones. Fields that are
missing take the field's default.

**Patterns.** ``ty`` is the type of what is matched. A PatName with ``ref`` LocalSym binds; on a ``T?`` a
pattern that is neither
``null``, ``_`` nor alone in a ``match`` arm with ``ref`` LocalSym of type ``T?`` matches T: ``e is x`` for a
``T?`` binds a T when not null.

**Statements.** Let and Assign with one value for several targets: the value's ``ty`` is a TupleT (or
``TupleT?`` with ``else``). With
``else``: the value's ``ty`` is ``T?`` (fails when null), a SpaceT or IntT *of the name errno* (fails when not
0), or BoolT (fails when false); each target gets T. CallStmt with ``else``: likewise. ``return`` values are
converted to the result types.
"""

from __future__ import annotations

from dmaverify.lang.check import codes  # noqa: F401  (explains them)
from dmaverify.lang.check.checker import Checker
from dmaverify.lang.check.result import Checked
from dmaverify.lang.diag import Diagnostics, DmaError
from dmaverify.lang.layout import Layout
from dmaverify.lang.program import Program


def examine(program: Program) -> Checked:
    """Checks a linked program and says everything that is wrong or worth a remark in ``diagnostics``."""
    diags = Diagnostics()
    checker = Checker(program, diags)
    checker.run()
    if not diags.errors:
        checker.out.layout_ = Layout(checker.out)
        if program.scenario is not None:
            checker.out.layout_.validate(diags)
    checker.out.diagnostics = diags.all
    return checker.out


def check(program: Program) -> Checked:
    """The same, raising ``DmaError`` where there are errors; warnings are in ``diagnostics``."""
    checked = examine(program)
    if checked.errors:
        raise DmaError(checked.diagnostics)
    return checked


__all__ = ["Checked", "check", "examine"]
