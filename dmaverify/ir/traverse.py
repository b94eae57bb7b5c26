"""Going through expressions: every node once, what is read, leaves replaced. Work is shared where expressions share nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from dmaverify.ir.expr import Expr, raw, rules


def walk(*roots: Expr) -> Iterator[Expr]:
    """Every node below the roots once, arguments before their users."""
    seen: set[int] = set()
    stack: list[tuple[Expr, bool]] = [(r, False) for r in reversed(roots)]
    while stack:
        node, done = stack.pop()
        if done:
            yield node
            continue
        if node.uid in seen:
            continue
        seen.add(node.uid)
        stack.append((node, True))
        stack.extend((a, False) for a in reversed(node.args) if a.uid not in seen)


_NO_NAMES: frozenset[str] = frozenset()


def _leaves(root: Expr) -> None:
    """Fill in which variables and inputs every node below ``root`` reads; each node is visited once in its life."""
    stack = [root]
    while stack:
        node = stack[-1]
        if node._variables is not None:
            stack.pop()
            continue
        missing = [a for a in node.args if a._variables is None]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if node.args:
            node._variables = _union([a._variables or _NO_NAMES for a in node.args])
            node._inputs = _union([a._inputs or _NO_NAMES for a in node.args])
        else:
            node._variables = frozenset((node.data,)) if node.op == "var" else _NO_NAMES
            node._inputs = frozenset((node.data,)) if node.op == "input" else _NO_NAMES


def _union(sets: list[frozenset[str]]) -> frozenset[str]:
    """The union; the very same object where one of the sets has all of it."""
    most = max(sets, key=len)
    return most if all(s is most or s <= most for s in sets) else most.union(*sets)


def variables(*roots: Expr) -> set[str]:
    """Names of the state variables that the expressions read."""
    found: set[str] = set()
    for r in roots:
        if r._variables is None:
            _leaves(r)
        found |= r._variables or _NO_NAMES
    return found


def inputs(*roots: Expr) -> set[str]:
    """Names of the inputs that the expressions read."""
    found: set[str] = set()
    for r in roots:
        if r._inputs is None:
            _leaves(r)
        found |= r._inputs or _NO_NAMES
    return found


class Rewriter:
    """Rebuilds expressions bottom-up with leaves replaced, sharing work between calls.

    ``leaf`` maps a ``var`` or ``input`` node to its replacement or None to keep it. Every rebuilt node goes through
    ``mk`` and is simplified.
    """

    def __init__(self, leaf: Callable[[Expr], Expr | None]) -> None:
        self._leaf = leaf
        self._done: dict[int, Expr] = {}
        self._keep: list[Expr] = []  # nodes are weakly interned; keep ours alive as long as their uids are keys

    def __call__(self, root: Expr) -> Expr:
        done, simplified = self._done, rules()
        stack = [root]
        while stack:
            node = stack[-1]
            if node.uid in done:
                stack.pop()
                continue
            if not self._concerns(node):
                done[node.uid] = node
                self._keep.append(node)
                continue
            missing = [a for a in node.args if a.uid not in done]
            if missing:
                stack += reversed(missing)
                continue
            stack.pop()
            new = node
            if node.args:
                args = tuple([done[a.uid] for a in node.args])
                if args != node.args:  # of the same types: nothing to check
                    new = simplified(node.op, args, node.type, node.data) or raw(node.op, node.type, args, node.data)
            elif node.op in ("var", "input"):
                new = self._leaf(node) or node
            done[node.uid] = new
            self._keep.append(node)
        return done[root.uid]

    def _concerns(self, node: Expr) -> bool:
        """Whether anything below the node may be replaced."""
        return True


class Replacing(Rewriter):
    """Puts ``values`` in the place of state variables and ``given`` in that of inputs, by name and all at once.

    What reads none of them is not looked into.
    """

    def __init__(self, values: Mapping[str, Expr], given: Mapping[str, Expr] | None = None) -> None:
        inputs = given or {}
        super().__init__(lambda n: values.get(n.data) if n.op == "var" else inputs.get(n.data))
        self._variables, self._inputs = values.keys(), inputs.keys()

    def _concerns(self, node: Expr) -> bool:
        if node._variables is None:
            _leaves(node)
        assert node._variables is not None
        assert node._inputs is not None
        return not (node._variables.isdisjoint(self._variables) and node._inputs.isdisjoint(self._inputs))


def substitute(root: Expr, values: Mapping[str, Expr]) -> Expr:
    """``root`` with state variables replaced (simultaneously)."""
    return Replacing(values)(root)
