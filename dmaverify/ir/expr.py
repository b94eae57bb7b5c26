"""Expressions of the IR: immutable, hash-consed, typed, total.

An expression is a node ``op(args)`` with a type and, for a few operators, a ``data`` word (the value of a constant, the name
of a variable, input or field). Two structurally equal expressions are the same Python object, so ``is`` compares them.

What each operator means is in ``ops.py``: one table, from which the interpreter computes and against which every other
engine is tested. This file only builds nodes. ``mk`` folds constants and applies identities that hold for every value, so
that a compiler may build freely; ``raw`` builds exactly what it is told (tests of the engines use it).

Operators (T any type, B bool, N an ``Int``; both operands of an arithmetic operator have the same type):

==============  =======================  ============================================================================
op              arguments                meaning
==============  =======================  ============================================================================
const           -                        ``data`` is the value
var / input     -                        state variable / chosen input named ``data``
not and or      B / B... / B...          ``and``, ``or`` are n-ary
eq              T T                      equality
ite             B T T                    if then else
add sub mul     N N                      wrap at the width
div rem         N N                      truncate towards zero; remainder takes the dividend's sign; x/0 as SMT-LIB
                                         (unsigned: all ones; signed: 1 if x < 0 else -1), x%0 = x; min/-1 = min
shl shr         N, any Int               amount < 0 or >= width gives 0 (signed shr: sign fill)
band bor bxor   N|Flags|Mask, same       bitwise
neg bnot        N / N|Flags|Mask         negation; complement
lt le           N|Range|Index|Enum       order (of ordinals)
wrap            N|Range|Enum|Index|Bool  to the Int type of the node: truncate, or extend by the source's own sign
|Flags|Mask
narrow          N                        to the Range, Index or Enum type of the node; outside: its default
bitlen          N                        to u32: position of the highest set bit of the unsigned bits plus one; 0 for 0
popcount        N|Flags|Mask             to u32: number of set bits
some            T                        to Opt(T)
present         Opt(T)                   B
get             Opt(T)                   T; of null: the default of T
rec             one per field            to the Record type of the node
field           Record                   field ``data``
with            Record, T                the record with field ``data`` replaced
select          Map(I, T), I             T
store           Map(I, T), I, T          the map with one cell replaced
fill            T                        to the Map type of the node: every cell has this value
member          Mask(I), I               B
insert remove   Mask(I), I               the set with / without the element
==============  =======================  ============================================================================
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from dmaverify.ir.types import (
    BOOL,
    Bool,
    Enum,
    Flags,
    Index,
    Int,
    Map,
    Mask,
    Opt,
    Range,
    Record,
    Type,
    Value,
    index_values,
    ordinal,
)

U32 = Int(32, False)


class Expr:
    """One node. Build with ``mk``, ``raw`` or the helpers below, never directly."""

    __slots__ = ("__weakref__", "_inputs", "_variables", "args", "data", "op", "type", "uid")

    op: str
    args: tuple[Expr, ...]
    type: Type
    data: Any
    uid: int
    _variables: frozenset[str] | None
    _inputs: frozenset[str] | None

    def __repr__(self) -> str:
        if self.op == "const":
            return f"{self.data!r}:{self.type}"
        if self.op in ("var", "input"):
            return str(self.data)
        inner = ", ".join(map(repr, self.args))
        return f"{self.op}{'.' + str(self.data) if self.data is not None else ''}({inner})"

    @property
    def is_const(self) -> bool:
        """Whether this is a constant."""
        return self.op == "const"

    @property
    def value(self) -> Value:
        """The value of a constant; ValueError for anything else."""
        if self.op != "const":
            raise ValueError("not a constant")
        return self.data


class IllTyped(ValueError):
    """An expression that the operator table does not allow: always a bug of the caller."""


_table: weakref.WeakValueDictionary[tuple[Any, ...], Expr] = weakref.WeakValueDictionary()
_next_uid = 0


def raw(op: str, type: Type, args: tuple[Expr, ...] = (), data: Any = None) -> Expr:
    """The node exactly as told, hash-consed. The types are not checked here (``wellformed`` does)."""
    # True == 1 in Python, so the class of the datum is part of the key
    key = (op, type, data, data.__class__, tuple(a.uid for a in args))
    node = _table.get(key)
    if node is None:
        global _next_uid
        _next_uid += 1
        node = Expr()
        node.op, node.type, node.args, node.data, node.uid = op, type, args, data, _next_uid
        node._variables = node._inputs = None
        _table[key] = node
    return node


def const(value: Value, type: Type) -> Expr:
    """A constant; ValueError if ``value`` is not a value of ``type``."""
    if not type.contains(value):
        raise ValueError(f"{value!r} is not a value of {type}")
    return raw("const", type, (), value)


TRUE = const(True, BOOL)
FALSE = const(False, BOOL)


def default(type: Type) -> Expr:
    """The constant whose bits are all zero."""
    return const(type.default, type)


def var(name: str, type: Type) -> Expr:
    """The value of a state variable."""
    return raw("var", type, (), name)


def input_(name: str, type: Type) -> Expr:
    """The value of an input of the action."""
    return raw("input", type, (), name)


def result_type(op: str, args: tuple[Expr, ...], type: Type | None, data: Any) -> Type:
    """Type of ``op(args)``; IllTyped if the table above does not allow it. ``type`` is needed where a node names its own."""
    from dmaverify.ir.ops import OPS  # the table needs Expr for its signatures

    entry = OPS.get(op)
    if entry is None:
        raise IllTyped(f"no operator {op}")
    return entry.check([a.type for a in args], type, data)


def mk(op: str, args: Iterable[Expr], type: Type | None = None, data: Any = None) -> Expr:
    """``op(args)`` with its type computed and checked, constants folded and value-preserving identities applied."""
    arguments = tuple(args)
    node_type = result_type(op, arguments, type, data)
    simple = _simplify(op, arguments, node_type, data)
    if simple is not None:
        return simple
    return raw(op, node_type, arguments, data)


# -- helpers ---------------------------------------------------------------------------------------------------------


def not_(a: Expr) -> Expr:
    """Negation."""
    return mk("not", (a,))


def and_(*args: Expr) -> Expr:
    """Conjunction of any number of conditions; of none: true."""
    return mk("and", args)


def or_(*args: Expr) -> Expr:
    """Disjunction of any number of conditions; of none: false."""
    return mk("or", args)


def implies(a: Expr, b: Expr) -> Expr:
    """``a => b``."""
    return or_(not_(a), b)


def eq(a: Expr, b: Expr) -> Expr:
    """Equality of two values of one type."""
    return mk("eq", (a, b))


def ne(a: Expr, b: Expr) -> Expr:
    """Inequality."""
    return not_(eq(a, b))


def ite(c: Expr, a: Expr, b: Expr) -> Expr:
    """``if c then a else b``."""
    return mk("ite", (c, a, b))


def lt(a: Expr, b: Expr) -> Expr:
    """``a < b`` in the order of the type."""
    return mk("lt", (a, b))


def le(a: Expr, b: Expr) -> Expr:
    """``a <= b`` in the order of the type."""
    return mk("le", (a, b))


def some(a: Expr) -> Expr:
    """A value as a value of its nullable type."""
    return mk("some", (a,))


def null(type: Type) -> Expr:
    """Null of ``Opt(type)``."""
    return const(None, Opt(type))


def select(m: Expr, i: Expr) -> Expr:
    """One cell of a map."""
    return mk("select", (m, i))


def store(m: Expr, i: Expr, v: Expr) -> Expr:
    """A map with one cell replaced."""
    return mk("store", (m, i, v))


def field(r: Expr, name: str) -> Expr:
    """A field of a record."""
    return mk("field", (r,), data=name)


def index_constants(type: Type) -> list[Expr]:
    """All values of an index-like type as constants, in order."""
    return [const(v, type) for v in index_values(type)]


def _is(e: Expr, value: bool) -> bool:
    return e.op == "const" and e.data is value


def _simplify(op: str, args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    """An equal, simpler expression, or None. Only identities that hold for every value of the type."""
    if args and all(a.op == "const" for a in args):
        from dmaverify.ir.ops import OPS

        return const(OPS[op].meaning([a.data for a in args], [a.type for a in args], type, data), type)
    rule = _RULES.get(op)
    return rule(args, type, data) if rule else None


def _simplify_not(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    return args[0].args[0] if args[0].op == "not" else None


def _simplify_junction(op: str, neutral: bool) -> Callable[[tuple[Expr, ...], Type, Any], Expr | None]:
    def rule(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
        flat: dict[int, Expr] = {}
        todo = list(reversed(args))
        while todo:
            a = todo.pop()
            if a.op == op:
                todo.extend(reversed(a.args))
            elif _is(a, not neutral):
                return a
            elif not _is(a, neutral):
                flat.setdefault(a.uid, a)
        for a in flat.values():
            if a.op == "not" and a.args[0].uid in flat:
                return FALSE if op == "and" else TRUE
        parts = tuple(flat.values())
        if not parts:
            return TRUE if neutral else FALSE
        if len(parts) == 1:
            return parts[0]
        return raw(op, BOOL, parts)

    return rule


def _simplify_eq(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    a, b = args
    if a is b:
        return TRUE
    if b.op == "const" and a.op != "const":
        a, b = b, a
    if isinstance(b.type, Bool) and a.op == "const":
        return b if a.data else not_(b)
    if a.op == "const":
        if b.op == "ite" and (b.args[1].op == "const" or b.args[2].op == "const"):
            # a comparison with a constant goes into the branches, where it mostly folds
            c, x, y = b.args
            return ite(c, eq(a, x), eq(a, y))
        if isinstance(b.type, Opt):
            if a.data is None:
                return not_(mk("present", (b,)))
            if b.op == "some":
                return eq(const(a.data, b.type.of), b.args[0])
    if a.op == "some" and b.op == "some":
        return eq(a.args[0], b.args[0])
    if a.uid > b.uid:
        a, b = b, a
    return raw("eq", BOOL, (a, b))


def _simplify_ite(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    c, a, b = args
    if c.op == "const":
        return a if c.data else b
    if a is b:
        return a
    if c.op == "not":
        return ite(c.args[0], b, a)
    if isinstance(type, Bool):
        if a.op == "const":
            return or_(c, b) if a.data else and_(not_(c), b)
        if b.op == "const":
            return or_(not_(c), a) if b.data else and_(c, a)
    if a.op == "ite" and a.args[0] is c:
        return ite(c, a.args[1], b)
    if b.op == "ite" and b.args[0] is c:
        return ite(c, a, b.args[2])
    if a.op == "ite" and a.args[2] is b:
        return ite(and_(c, a.args[0]), a.args[1], b)
    return None


def _simplify_arith(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    a, b = args
    return a if b.op == "const" and b.data == 0 else (b if a.op == "const" and a.data == 0 else None)


def _simplify_zero_right(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    return args[0] if args[1].op == "const" and args[1].data == 0 else None


def _simplify_wrap(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (a,) = args
    if a.type == type:
        return a
    if a.op == "ite" and (a.args[1].op == "const" or a.args[2].op == "const"):
        return ite(a.args[0], mk("wrap", (a.args[1],), type), mk("wrap", (a.args[2],), type))
    return None


def _simplify_get(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (a,) = args
    if a.op == "some":
        return a.args[0]
    if a.op == "ite":
        x, y = a.args[1], a.args[2]
        if x.op in ("some", "const", "ite") or y.op in ("some", "const", "ite"):
            return ite(a.args[0], mk("get", (x,)), mk("get", (y,)))
    return None


def _simplify_present(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (a,) = args
    if a.op == "some":
        return TRUE
    if a.op == "ite":
        x, y = a.args[1], a.args[2]
        if x.op in ("some", "const", "ite") or y.op in ("some", "const", "ite"):
            return ite(a.args[0], mk("present", (x,)), mk("present", (y,)))
    return None


def _simplify_field(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    (r,) = args
    assert isinstance(r.type, Record)
    if r.op == "rec":
        return r.args[r.type.positions[data]]
    if r.op == "with":
        return r.args[1] if r.data == data else field(r.args[0], data)
    if r.op == "ite" and any(x.op in ("rec", "const", "with", "ite") for x in r.args[1:]):
        return ite(r.args[0], field(r.args[1], data), field(r.args[2], data))
    return None


def _simplify_select(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    m, i = args
    if m.op == "fill":
        return m.args[0]
    if m.op == "const" and isinstance(m.type, Map) and len(set(m.data)) == 1:
        return const(m.data[0], m.type.of)
    if m.op == "store":
        if m.args[1] is i:
            return m.args[2]
        if m.args[1].op == "const" and i.op == "const":
            return select(m.args[0], i)
        return ite(eq(m.args[1], i), m.args[2], select(m.args[0], i))
    if m.op == "ite":
        return ite(m.args[0], select(m.args[1], i), select(m.args[2], i))
    return None


def _simplify_store(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    m, i, v = args
    if m.op == "store" and m.args[1] is i:
        return raw("store", type, (m.args[0], i, v))
    if v.op == "select" and v.args[0] is m and v.args[1] is i:
        return m
    return None


def _simplify_member(args: tuple[Expr, ...], type: Type, data: Any) -> Expr | None:
    m, i = args
    if m.op == "const" and m.data == 0:
        return FALSE
    if m.op == "insert":
        return or_(eq(m.args[1], i), mk("member", (m.args[0], i)))
    if m.op == "remove":
        return and_(ne(m.args[1], i), mk("member", (m.args[0], i)))
    return None


_RULES: dict[str, Callable[[tuple[Expr, ...], Type, Any], Expr | None]] = {
    "not": _simplify_not,
    "and": _simplify_junction("and", True),
    "or": _simplify_junction("or", False),
    "eq": _simplify_eq,
    "ite": _simplify_ite,
    "add": _simplify_arith,
    "bor": _simplify_arith,
    "bxor": _simplify_arith,
    "sub": _simplify_zero_right,
    "shl": _simplify_zero_right,
    "shr": _simplify_zero_right,
    "wrap": _simplify_wrap,
    "get": _simplify_get,
    "present": _simplify_present,
    "field": _simplify_field,
    "select": _simplify_select,
    "store": _simplify_store,
    "member": _simplify_member,
}


# -- traversal -------------------------------------------------------------------------------------------------------


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
        done = self._done
        if root.uid in done:
            return done[root.uid]
        for node in walk(root):
            if node.uid in done:
                continue
            if node.op in ("var", "input"):
                new = self._leaf(node) or node
            elif node.args:
                args = tuple(done[a.uid] for a in node.args)
                same = all(x is y for x, y in zip(args, node.args, strict=True))
                new = node if same else mk(node.op, args, node.type, node.data)
            else:
                new = node
            done[node.uid] = new
            self._keep.append(node)
        return done[root.uid]


def substitute(root: Expr, values: Mapping[str, Expr]) -> Expr:
    """``root`` with state variables replaced (simultaneously)."""
    return Rewriter(lambda n: values.get(n.data) if n.op == "var" else None)(root)


__all__ = [
    "FALSE",
    "TRUE",
    "U32",
    "Enum",
    "Expr",
    "Flags",
    "IllTyped",
    "Index",
    "Mask",
    "Range",
    "Rewriter",
    "and_",
    "const",
    "default",
    "eq",
    "field",
    "implies",
    "index_constants",
    "input_",
    "inputs",
    "ite",
    "le",
    "lt",
    "mk",
    "ne",
    "not_",
    "null",
    "or_",
    "ordinal",
    "raw",
    "result_type",
    "select",
    "some",
    "store",
    "substitute",
    "var",
    "variables",
    "walk",
]
