"""When parts of a core System are the same up to the names of variables and the order of commutative operands.

A System is taken apart into *items*: its actions, always-instances, covers, assumptions and threads. Every item, and every expression
in it, gets a number such that two have equal numbers if and only if they are the same once each variable is replaced by what a
table says of it. With a table of names that decides whether a renaming leaves the System as it is; with a table of colours, what
cannot be exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action, Check, Reached, System
from dmaverify.ir.traverse import variables

_ANY_ORDER = frozenset({"and", "or", "add", "mul", "band", "bor", "bxor", "eq"})
_NESTED = _ANY_ORDER - {"eq"}
"""Operators where brackets make no difference either: all of them wrap at a fixed width."""

MOST_OPERANDS = 1024
"""A sum of more is not taken apart."""

Label = tuple[str, str]
"""A property and the label of one of its checks."""


@dataclass(frozen=True)
class Root:
    """A piece of an item: what kind it is, the variables that it is about, and its expressions.

    ``label`` is not part of what is compared.
    """

    tag: Hashable
    targets: tuple[str, ...] = ()
    exprs: tuple[Expr, ...] = ()
    label: Label | None = None


@dataclass(frozen=True)
class Item:
    """A part of a System. The order of its roots does not matter."""

    tag: Hashable
    roots: tuple[Root, ...]
    names: frozenset[str]
    """The variables in it."""


class Numbers:
    """Equal things get equal numbers, different ones different numbers."""

    def __init__(self) -> None:
        self._known: dict[Hashable, int] = {}

    def __call__(self, thing: Hashable) -> int:
        return self._known.setdefault(thing, len(self._known))


class Reader:
    """Numbers expressions, roots and items, each variable taken for what ``leaf`` says.

    ``known`` are the numbers of expressions that hold none of the names in ``moved``; the others are worked out anew.
    """

    def __init__(
        self, numbers: Numbers, leaf: Callable[[str], int], known: dict[int, int] | None = None, moved: Iterable[str] = ()
    ) -> None:
        self._numbers, self._leaf = numbers, leaf
        self._common = {} if known is None else known
        self._moved = frozenset(moved)
        self._own: dict[int, int] = {}

    def item(self, item: Item) -> int:
        """Number of an item."""
        return self._numbers(("item", item.tag, tuple(sorted(map(self.root, item.roots)))))

    def root(self, root: Root) -> int:
        """Number of a root."""
        return self._numbers(("root", root.tag, tuple(map(self._leaf, root.targets)), tuple(map(self.expr, root.exprs))))

    def expr(self, root: Expr) -> int:
        """Number of an expression."""
        stack = [root]
        while stack:
            node = stack[-1]
            memo = self._common if self._is_common(node) else self._own
            if node.uid in memo:
                stack.pop()
                continue
            missing = [a for a in node.args if self._get(a) is None]
            if missing:
                stack += missing
                continue
            stack.pop()
            memo[node.uid] = self._number(node)
        number = self._get(root)
        assert number is not None
        return number

    def _is_common(self, node: Expr) -> bool:
        if node._variables is None:
            variables(node)  # fills it in
        assert node._variables is not None
        return self._moved.isdisjoint(node._variables)

    def _get(self, node: Expr) -> int | None:
        return (self._common if self._is_common(node) else self._own).get(node.uid)

    def _number(self, node: Expr) -> int:
        if node.op == "var":
            return self._leaf(node.data)
        if node.op in _ANY_ORDER:
            return self._numbers((node.op, node.type, self._all_operands(node)))
        args = tuple([self._get(a) for a in node.args])
        # True == 1 in Python, so the class of the datum counts too
        return self._numbers((node.op, node.type, node.data, node.data.__class__, args))

    def _all_operands(self, node: Expr) -> tuple[int, ...]:
        """Numbers of the operands in ascending order, those of nested nodes of the same operator among them."""
        found: list[Expr] = []
        stack = [node]
        while stack:
            for a in stack.pop().args:
                (stack if a.op == node.op and node.op in _NESTED and a.type == node.type else found).append(a)
            if len(found) > MOST_OPERANDS:
                found, stack = list(node.args), []
        return tuple(sorted(map(self.expr, found)))


def items_of(system: System) -> list[Item]:
    """Everything that a search reads of a System, but for its variables."""
    items = [_item("action", _action_roots(a, system)) for a in system.actions]
    for w in system.always:
        items.append(_item("always", [Root(("always", w.prop), (), (w.cond, w.when), (w.prop, w.label))]))
    items += [_item("cover", [Root(("cover", c.name), (), (c.cond,))]) for c in system.covers]
    items += [_item("assumption", [Root("assumption", (), (a,))]) for a in system.assumptions]
    for t in system.threads:
        items.append(_item("thread", [Root(("thread", t.is_device, t.ends, t.idle), (t.pc,))]))
    return items


def _item(tag: Hashable, roots: list[Root]) -> Item:
    names = {n for r in roots for n in r.targets} | variables(*(e for r in roots for e in r.exprs))
    return Item(tag, tuple(roots), frozenset(names))


def _action_roots(a: Action, system: System) -> list[Root]:
    roots = [Root(("inputs", tuple((i.name, i.type, i.values) for i in a.inputs)))]
    if a.thread is not None:
        roots.append(Root(("at", a.at), (system.thread(a.thread).pc,)))
    roots += [Root("guard", (), (g,)) for g in (a.guard.args if a.guard.op == "and" else (a.guard,))]
    roots += [Root("update", (name,), (new,)) for name, new in a.updates.items()]
    if a.weight is not None:
        roots.append(Root("weight", (), (a.weight,)))
    for e in a.effects:
        if isinstance(e, Check):
            roots.append(Root(("check", e.prop, e.part, e.stop), (), (e.path, e.cond), (e.prop, e.label)))
        elif isinstance(e, Reached):
            roots.append(Root(("reached", e.cover, e.part), (), (e.path,)))
    # which reference actions a step stands for is for traces; what they weigh decides the lengths of those that end within it
    roots += [Root(("part", n, p.weight, p.late), (), (p.path,)) for n, p in enumerate(a.parts)]
    return roots


def invariant_of(system: System) -> Mapping[str, Hashable]:
    """For each variable what must be equal for two of them to be exchanged, whatever the actions are."""
    return {v.name: (v.type, v.init, v.init.__class__, v.any_init) for v in system.vars}
