"""General work on syntax trees: going through them, comparing, copying."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Any, TypeVar

from dmaverify.lang import ast
from dmaverify.span import Span

N = TypeVar("N", bound=ast.Node)

_ANNOTATIONS = frozenset({"ty", "ref", "conv"})
_IGNORED = _ANNOTATIONS | {"span", "name_span", "op_span", "region_span", "on_span", "doc", "is_replace", "not_atomic"}
"""What two trees that say the same may differ in."""

_fields: dict[type, tuple[str, ...]] = {}


def fields(kind: type) -> tuple[str, ...]:
    """The names of a node class's fields that hold parts of the tree or plain values, without annotations and
    spans.
    """
    found = _fields.get(kind)
    if found is None:
        found = _fields[kind] = tuple(f.name for f in dataclasses.fields(kind) if f.name not in _IGNORED)
    return found


def children(node: ast.Node) -> Iterator[ast.Node]:
    """The nodes directly below, in the order of the text as far as the fields follow it."""
    for name in fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, ast.Node):
            yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, ast.Node):
                    yield item


def walk(node: ast.Node) -> Iterator[ast.Node]:
    """The node and everything below it, parents before children, in the order of `children`."""
    stack = [node]
    while stack:
        at = stack.pop()
        yield at
        stack.extend(reversed(list(children(at))))


def deeper_than(node: ast.Node, limit: int) -> ast.Node | None:
    """A node with more than `limit` nodes above it, if there is one.  Does not call itself."""
    level = [node]
    for _ in range(limit + 1):
        level = [c for n in level for c in children(n)]
        if not level:
            return None
    return level[0]


def same(a: Any, b: Any) -> bool:
    """Whether two trees (or lists of them, or plain values)

    say the same: places, comments and annotations aside.
    """
    stack = [(a, b)]
    while stack:
        x, y = stack.pop()
        if type(x) is not type(y):
            return False
        if isinstance(x, ast.Node):
            stack.extend((getattr(x, name), getattr(y, name)) for name in fields(type(x)))
        elif isinstance(x, list):
            if len(x) != len(y):
                return False
            stack.extend(zip(x, y, strict=True))
        elif isinstance(x, Span):
            continue
        elif x != y:
            return False
    return True


def changed(node: N, **values: Any) -> N:
    """A copy of the node with other values in some fields; what is below is shared, annotations are gone."""
    out = copy.copy(node)
    for name in _ANNOTATIONS:
        if hasattr(out, name):
            setattr(out, name, None)
    for name, value in values.items():
        setattr(out, name, value)
    return out


def replaced(root: N, old: ast.Node, new: ast.Node | None) -> N:
    """`root` with one node below it exchanged, or taken out of its list (`new` None);

    copies the path down to it only.
    """
    path = _path(root, old)
    if path is None:
        raise ValueError("the node is not in the tree")
    result: ast.Node | None = new
    below: ast.Node = old
    for node in reversed(path):
        for name in fields(type(node)):
            value = getattr(node, name)
            if value is below:
                result = changed(node, **{name: result})
                break
            if isinstance(value, list) and any(item is below for item in value):
                items = [result if item is below else item for item in value]
                result = changed(node, **{name: [item for item in items if item is not None]})
                break
        below = node
    assert result is not None
    return result  # type: ignore[return-value]


def _path(root: ast.Node, target: ast.Node) -> list[ast.Node] | None:
    """The nodes from the root down to the target's parent."""
    stack: list[tuple[ast.Node, tuple[ast.Node, ...]]] = [(root, ())]
    while stack:
        node, above = stack.pop()
        if node is target:
            return list(above)
        stack.extend((c, (*above, node)) for c in children(node))
    return None


def dump(node: Any, indent: int = 0) -> str:
    """The tree as text, for tests and for looking at it."""
    pad = "  " * indent
    if isinstance(node, list):
        return (
            "[]" if not node else "[\n" + "".join(f"{pad}  {dump(x, indent + 1)}\n" for x in node) + pad + "]"
        )
    if not isinstance(node, ast.Node):
        return repr(node)
    parts = [(name, getattr(node, name)) for name in fields(type(node))]
    shown = [f"{name}={dump(value, indent)}" for name, value in parts if value not in (None, [], False)]
    return f"{type(node).__name__}({', '.join(shown)})"
