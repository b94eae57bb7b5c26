"""Expressions of the full IR as trees of core expressions: the lowering that ``flatten`` uses.

Each operator is lowered on its own, so the meaning of every full operator in terms of core ones is said once,
here. The tests compare it with the operator table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dmaverify.ir.encoding import (
    OptTree,
    Tree,
    const_tree,
    core_type,
    merge,
    pick,
    put,
    same,
)
from dmaverify.ir.expr import (
    TRUE,
    Expr,
    and_,
    const,
    eq,
    ite,
    le,
    mk,
    not_,
)
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Bool, Enum, Index, Int, Map, Range, Record, Type

_PLAIN = {
    "not",
    "and",
    "or",
    "add",
    "sub",
    "mul",
    "div",
    "rem",
    "shl",
    "shr",
    "band",
    "bor",
    "bxor",
    "neg",
    "lt",
    "le",
    "popcount",
}
"""Operators that mean the same on codes."""


class Scalariser:
    """Lowers expressions; work is shared between calls for whatever reads no input.

    ``variables`` gives the tree of each state variable. ``inputs`` of one action are set by ``with_inputs``.
    """

    def __init__(self, variables: Mapping[str, Tree]) -> None:
        self._variables = variables
        self._inputs: Mapping[str, Tree] = {}
        self._shared: dict[int, Tree] = {}
        self._own: dict[int, Tree] = {}
        self._reads_input: dict[int, bool] = {}
        self._keep: list[Expr] = []  # uids are keys only as long as their nodes live

    def with_inputs(self, inputs: Mapping[str, Tree]) -> Scalariser:
        """The same lowering for an action with these inputs."""
        self._inputs, self._own = inputs, {}
        return self

    def scalar(self, root: Expr) -> Expr:
        """The core expression of an expression of scalar type."""
        tree = self(root)
        assert isinstance(tree, Expr)
        return tree

    def __call__(self, root: Expr) -> Tree:
        """The tree of an expression."""
        for node in self._todo(root):
            if node.uid not in self._reads_input:
                self._reads_input[node.uid] = node.op == "input" or any(self._reads_input[a.uid] for a in node.args)
                self._keep.append(node)
            memo = self._own if self._reads_input[node.uid] else self._shared
            memo[node.uid] = self._lower(node, [self._done(a) for a in node.args])
        return self._done(root)

    def _known(self, node: Expr) -> bool:
        return node.uid in self._shared or node.uid in self._own

    def _done(self, node: Expr) -> Tree:
        return self._own[node.uid] if node.uid in self._own else self._shared[node.uid]

    def _todo(self, root: Expr) -> list[Expr]:
        """Nodes that have not been lowered yet, arguments first."""
        order: list[Expr] = []
        seen: set[int] = set()
        stack = [(root, False)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node.uid not in seen and not self._known(node):
                seen.add(node.uid)
                stack.append((node, True))
                stack.extend((a, False) for a in reversed(node.args))
        return order

    def _lower(self, node: Expr, args: list[Tree]) -> Tree:
        op = node.op
        if op == "const":
            return const_tree(node.data, node.type)
        if op == "var":
            return self._variables[node.data]
        if op == "input":
            return self._inputs[node.data]
        if op in _PLAIN:
            return mk(op, (_expr(a) for a in args))
        return _LOWER[op](node, args)


def _expr(tree: Tree) -> Expr:
    assert isinstance(tree, Expr)
    return tree


def _cells(tree: Tree) -> tuple[Tree, ...]:
    assert isinstance(tree, tuple)
    return tree


def _opt(tree: Tree) -> OptTree:
    assert isinstance(tree, OptTree)
    return tree


def _position(t: Type, name: str) -> int:
    assert isinstance(t, Record)
    return t.positions[name]


def _int(n: int, t: Int) -> Expr:
    return const(t.wrap(n), t)


def _wrap(a: Expr, source: Type, target: Int) -> Expr:
    """Any counted scalar to an integer type."""
    if isinstance(source, Bool):
        return ite(a, _int(1, target), _int(0, target))
    if isinstance(source, Range):
        # the code is v - lo, and addition modulo the width gives v back
        return mk("add", (mk("wrap", (a,), target), _int(source.lo, target)))
    return mk("wrap", (a,), target)


def _narrow(a: Expr, source: Type, target: Type) -> Expr:
    """An integer to a range, index or enum; outside: its default, whose code is zero."""
    assert isinstance(source, Int)
    lo, hi = (target.lo, target.hi) if isinstance(target, Range) else (0, target.count - 1)
    code = core_type(target)
    assert isinstance(code, Int)
    inside = []
    if lo > source.hi or hi < source.lo:
        return const(0, code)
    if lo > source.lo:
        inside.append(le(const(lo, source), a))
    if hi < source.hi:
        inside.append(le(a, const(hi, source)))
    return ite(and_(*inside), mk("sub", (mk("wrap", (a,), code), _int(lo, code))), const(0, code))


def _bnot(node: Expr, args: list[Tree]) -> Tree:
    a = _expr(args[0])
    if isinstance(node.type, Int):
        return mk("bnot", (a,))
    return mk("bxor", (a, const(node.type.count - 1, a.type)))


def _bit(at: Expr, t: Type) -> Expr:
    """The mask with the one element whose code is ``at``."""
    return mk("shl", (const(1, t), at))


def _member(node: Expr, args: list[Tree]) -> Tree:
    m, at = _expr(args[0]), _expr(args[1])
    if at.is_const:
        return not_(eq(mk("band", (m, _bit(at, m.type))), const(0, m.type)))
    return eq(mk("band", (mk("shr", (m, at)), const(1, m.type))), const(1, m.type))


def _with(node: Expr, args: list[Tree]) -> Tree:
    at = _position(node.type, node.data)
    return tuple(args[1] if i == at else f for i, f in enumerate(_cells(args[0])))


def _fill(node: Expr, args: list[Tree]) -> Tree:
    assert isinstance(node.type, Map)
    return (args[0],) * node.type.index.count


_LOWER: dict[str, Callable[[Expr, list[Tree]], Tree]] = {
    "eq": lambda node, a: same(a[0], a[1]),
    "ite": lambda node, a: merge(_expr(a[0]), a[1], a[2]),
    "bnot": _bnot,
    "wrap": lambda node, a: _wrap(_expr(a[0]), node.args[0].type, _target(node)),
    "narrow": lambda node, a: _narrow(_expr(a[0]), node.args[0].type, node.type),
    "bitlen": lambda node, a: mk("bitlen", (_expr(a[0]),)),
    "some": lambda node, a: OptTree(TRUE, a[0]),
    "present": lambda node, a: _opt(a[0]).present,
    "get": lambda node, a: _opt(a[0]).of,
    "rec": lambda node, a: tuple(a),
    "field": lambda node, a: _cells(a[0])[_position(node.args[0].type, node.data)],
    "with": _with,
    "select": lambda node, a: pick(_cells(a[0]), _expr(a[1])),
    "store": lambda node, a: put(_cells(a[0]), _expr(a[1]), a[2]),
    "fill": _fill,
    "member": _member,
    "insert": lambda node, a: mk("bor", (_expr(a[0]), _bit(_expr(a[1]), _expr(a[0]).type))),
    "remove": lambda node, a: mk("band", (_expr(a[0]), mk("bnot", (_bit(_expr(a[1]), _expr(a[0]).type),)))),
}


def _target(node: Expr) -> Int:
    assert isinstance(node.type, Int)
    return node.type


def indexing_inputs(roots: list[Expr]) -> set[str]:
    """Inputs that choose a cell of a map or an element of a mask somewhere in these expressions."""
    found: set[str] = set()
    for node in walk(*roots):
        if node.op in ("select", "store", "member", "insert", "remove"):
            at = node.args[1]
            found |= {n.data for n in walk(at) if n.op == "input" and isinstance(n.type, Index | Enum | Range | Bool)}
    return found
