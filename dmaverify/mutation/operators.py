"""What can be altered in a declaration: one entry for each kind of mutant, tried on every node below it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dmaverify.lang import ast
from dmaverify.lang.symbols import EnumCase
from dmaverify.mutation.edits import Edit, Place
from dmaverify.mutation.results import Kind
from dmaverify.span import Span

Alteration = tuple[Kind, Edit, Span, str]
"""The kind, the change, what it is about, and what stands there instead (for readers; may be empty)."""

DELETABLE = (ast.CallStmt, ast.Assign, ast.OpAssign, ast.Delete, ast.Push, ast.Schedule, ast.MightSleep, ast.For, ast.CFor, ast.Repeat)
"""Statements that a text can do without. A ``let`` gives names, a ``return`` a value: without them it mostly does not compile."""

OFF_BY_ONE: dict[str, str] = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "..": "..=", "..=": ".."}


def _deletions(place: Place) -> Iterator[Alteration]:
    """Statements; an ``if`` with everything in it where it has no ``else``."""
    node = place.node
    if place.index is None or not isinstance(place.parent, ast.Block):
        return
    if isinstance(node, DELETABLE) or (isinstance(node, ast.If) and node.orelse is None):
        yield "delete", place.put(), node.span, ""


def _locks(place: Place) -> Iterator[Alteration]:
    """The body of a lock without the lock, and of ``atomic`` without that."""
    node = place.node
    if isinstance(node, ast.Lock | ast.Atomic) and place.index is not None:
        yield "unlock", place.put(*node.body.stmts), node.span, ""


def _emits(place: Place) -> Iterator[Alteration]:
    """An event that is not told."""
    if isinstance(place.node, ast.Emit) and place.index is not None:
        yield "emit", place.put(), place.node.span, ""


def _negations(place: Place) -> Iterator[Alteration]:
    """Conditions of ``if`` and ``while``, as statements and as expressions."""
    node = place.node
    if isinstance(node, ast.If | ast.IfExpr):
        yield "negate", Edit(node, "cond", ast.Unary(node.cond.span, "not", node.cond)), node.cond.span, "negated"


def _bounds(place: Place) -> Iterator[Alteration]:
    """Comparisons and ranges that include their bound, or no more."""
    node = place.node
    if isinstance(node, ast.Binary | ast.Range) and node.op in OFF_BY_ONE:
        other = OFF_BY_ONE[node.op]
        yield "bound", Edit(node, "op", other), node.span, f"{other} for {node.op}"


def _numbers(place: Place) -> Iterator[Alteration]:
    """Numbers that are one more. Of sizes (``4K``) that is one byte."""
    node = place.node
    if isinstance(node, ast.IntLit) and not isinstance(place.parent, ast.PatLit):
        yield "number", Edit(node, "value", node.value + 1), node.span, f"{node.value + 1}"


def _swaps(place: Place) -> Iterator[Alteration]:
    """The other truth value; the next case of an enum, where neither carries anything."""
    node = place.node
    if isinstance(node, ast.BoolLit):
        yield "swap", Edit(node, "value", not node.value), node.span, "false" if node.value else "true"
    elif isinstance(node, ast.Name) and isinstance(node.ref, EnumCase) and not isinstance(place.parent, ast.Call):
        cases = list(getattr(node.ref.ty, "cases", {}).values())
        following = [c for c in (*cases[node.ref.ordinal + 1 :], *cases[: node.ref.ordinal]) if not c.payload]
        if following and not node.ref.payload:
            yield "swap", Edit(node, "name", following[0].name), node.span, following[0].name


OPERATORS: tuple[Callable[[Place], Iterator[Alteration]], ...] = (
    _deletions,
    _locks,
    _emits,
    _negations,
    _bounds,
    _numbers,
    _swaps,
)


def without_event(found: list[Place]) -> tuple[Edit, ...]:
    """No place tells an event any more. Several may stand in one list, so lists are made anew as a whole."""
    by_list: dict[tuple[int, str], tuple[ast.Node, str, set[int]]] = {}
    for place in found:
        assert place.index is not None
        _, _, gone = by_list.setdefault((id(place.parent), place.field), (place.parent, place.field, set()))
        gone.add(place.index)
    return tuple(
        Edit(node, name, [item for n, item in enumerate(getattr(node, name)) if n not in gone]) for node, name, gone in by_list.values()
    )


__all__ = ["OPERATORS", "Alteration", "without_event"]
