"""Changes of a syntax tree in place, to be undone: other values in a few fields of a few nodes. Spans stay what they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dmaverify.lang import ast
from dmaverify.lang.tree import fields


@dataclass(frozen=True)
class Edit:
    """One field of one node gets another value."""

    node: ast.Node
    field: str
    value: Any


@contextmanager
def applied(edits: Sequence[Edit]) -> Iterator[None]:
    """The tree with some changes, until the block ends."""
    before = [(e, getattr(e.node, e.field)) for e in edits]
    for e in edits:
        setattr(e.node, e.field, e.value)
    try:
        yield
    finally:
        for e, old in reversed(before):
            setattr(e.node, e.field, old)


@dataclass(frozen=True)
class Place:
    """Where a node hangs: in a field of its parent, or in a list that such a field holds."""

    node: ast.Node
    parent: ast.Node
    field: str
    index: int | None = None

    def put(self, *new: ast.Node) -> Edit:
        """Others in its place: any number in a list, else exactly one."""
        if self.index is None:
            (only,) = new
            return Edit(self.parent, self.field, only)
        items = list(getattr(self.parent, self.field))
        return Edit(self.parent, self.field, [*items[: self.index], *new, *items[self.index + 1 :]])


def places(root: ast.Node, only: Sequence[str] = ()) -> Iterator[Place]:
    """Everything below a node with the place where it hangs, in the order of the text. ``only``: below these fields of it."""
    stack: list[Place] = [p for p in _below(root) if not only or p.field in only][::-1]
    while stack:
        place = stack.pop()
        yield place
        stack += reversed(list(_below(place.node)))


def _below(parent: ast.Node) -> Iterator[Place]:
    for name in fields(type(parent)):
        value = getattr(parent, name)
        if isinstance(value, ast.Node):
            yield Place(value, parent, name)
        elif isinstance(value, list):
            for n, item in enumerate(value):
                if isinstance(item, ast.Node):
                    yield Place(item, parent, name, n)
