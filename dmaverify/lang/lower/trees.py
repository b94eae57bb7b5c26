"""Questions about a piece of syntax tree: what occurs in it, and whether lowering it can take time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from dmaverify.lang import ast, sem, symbols

_CHILDREN: dict[type, tuple[str, ...]] = {}


def nodes(*roots: object) -> Iterator[ast.Node]:
    """Every node of these trees, in the order of the text."""
    todo = list(reversed(roots))
    while todo:
        x = todo.pop()
        if isinstance(x, list | tuple):
            todo.extend(reversed(x))
        elif isinstance(x, ast.Node):
            yield x
            names = _CHILDREN.get(type(x))
            if names is None:
                names = tuple(f.name for f in fields(x) if f.init and f.name not in ("span", "name", "name_span"))
                _CHILDREN[type(x)] = names
            for name in reversed(names):
                todo.append(getattr(x, name))


def with_callees(roots: Iterable[object]) -> Iterator[ast.Node]:
    """Every node of these trees and of the procs that they call, these once each."""
    todo = list(roots)
    seen: set[int] = set()
    while todo:
        for x in nodes(todo.pop()):
            yield x
            called = getattr(x, "ref", None)
            if isinstance(called, symbols.ProcSym) and id(called) not in seen:
                seen.add(id(called))
                todo.append(called.body)


def procs(e: object) -> list[ast.Call]:
    """The calls in an expression that take steps, in the order of the text."""
    return [x for x in nodes(e) if isinstance(x, ast.Call) and isinstance(x.ref, symbols.ProcSym) and not x.ref.atomic]


_TIME = (
    ast.Emit,
    ast.Wait,
    ast.Lock,
    ast.Atomic,
    ast.Assume,
    ast.AnyIn,
    ast.AnyType,
    ast.New,
    ast.Pop,
    ast.FaultExpr,
    ast.Done,
    ast.AtLabel,
    ast.Take,
    ast.Schedule,
    ast.MightSleep,
    ast.Delete,
    ast.Push,
    ast.Choose,
)


def touches_shared(root: object, seen: set[int] | None = None) -> bool:
    """Whether some of the text may read or write more than the thread's own locals."""
    seen = set() if seen is None else seen
    for x in nodes(root):
        if isinstance(x, _TIME) or (isinstance(x, ast.Choice) and x.kind == "any"):
            return True
        ref = getattr(x, "ref", None)
        if isinstance(ref, symbols.VarSym | symbols.GhostSym | symbols.SlotSym | symbols.ProcSym):
            return True
        if isinstance(ref, symbols.LocalSym) and ref.kind == "ref":
            return True
        if isinstance(ref, symbols.FieldRef) and ref.kind == "object":
            return True
        if isinstance(ref, symbols.TypeSym) and isinstance(ref.ty, sem.ObjT) and isinstance(x, ast.Name):
            return True
        if isinstance(ref, symbols.FuncSym) and id(ref) not in seen:
            seen.add(id(ref))
            if touches_shared(ref.body, seen):
                return True
    return False


def assigned_locals(body: object) -> set[tuple[int, str]]:
    """The keys of the locals that a text writes after their first value, or hands on as ``ref``."""
    found: set[tuple[int, str]] = set()
    for x in nodes(body):
        targets: list[ast.Expr] = []
        if isinstance(x, ast.Assign):
            targets = x.targets
        elif isinstance(x, ast.OpAssign):
            targets = [x.target]
        elif isinstance(x, ast.Push | ast.Pop):
            targets = [x.list]
        elif isinstance(x, ast.Call) and isinstance(x.ref, symbols.ProcSym):
            given = symbols.arrange(x, x.ref.params)
            targets = [a for a, p in zip(given, x.ref.params, strict=True) if p.by_ref and a is not None]
        for t in targets:
            while isinstance(t, ast.Index) or (isinstance(t, ast.Field) and not _is_object_field(t)):
                t = t.base
            if isinstance(t, ast.Name) and isinstance(t.ref, symbols.LocalSym):
                found.add(t.ref.key)
    return found


def _is_object_field(e: ast.Field) -> bool:
    return isinstance(e.ref, symbols.FieldRef) and e.ref.kind == "object"


def returns(body: object) -> list[ast.Return]:
    """The ``return`` statements of a body."""
    return [x for x in nodes(body) if isinstance(x, ast.Return)]


def in_one_step(body: object) -> set[int]:
    """Identities of the nodes of a body that stand inside ``atomic``, or in a loop that is unrolled within a
    step.
    """
    found: set[int] = set()
    for x in nodes(body):
        unrolled = isinstance(x, ast.While | ast.Loop | ast.CFor) and x.bound is not None and not touches_shared(x)
        if unrolled or isinstance(x, ast.Atomic):
            found.update(id(y) for y in nodes(x))
    return found


def lock_depths(body: object, depth: int = 0) -> dict[str, int]:
    """For each label of a body, how many ``lock`` blocks it stands in."""
    found: dict[str, int] = {}
    todo: list[tuple[object, int]] = [(body, depth)]
    while todo:
        x, d = todo.pop()
        if isinstance(x, list | tuple):
            todo.extend((y, d) for y in x)
        elif isinstance(x, ast.Node):
            if isinstance(x, ast.Labelled):
                found[x.label] = d
            inner = d + 1 if isinstance(x, ast.Lock) else d
            todo.extend((getattr(x, f.name), inner) for f in fields(x) if f.init and f.name != "span")
    return found
