"""What each operator of core IR means in bit-vector logic. Said once; the differential test compares it with ``ir.ops``.

SMT-LIB's operators agree with the table in ``ir.expr`` except where noted here: shift amounts have a type of their own and may
be negative or too large, and ``bitlen`` and ``popcount`` are built as networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, NoReturn

from dmaverify.engines.smt.terms import NotCore, T, Writer, constant, sort_of
from dmaverify.ir.expr import Expr
from dmaverify.ir.types import Bool, Int, Type

_PLAIN = {
    "not": "not",
    "and": "and",
    "or": "or",
    "eq": "=",
    "ite": "ite",
    "add": "bvadd",
    "sub": "bvsub",
    "mul": "bvmul",
    "neg": "bvneg",
    "band": "bvand",
    "bor": "bvor",
    "bxor": "bvxor",
    "bnot": "bvnot",
}
"""Operators that are one SMT-LIB operator at every type."""

_SIGNED = {
    "div": ("bvudiv", "bvsdiv"),
    "rem": ("bvurem", "bvsrem"),
    "lt": ("bvult", "bvslt"),
    "le": ("bvule", "bvsle"),
}
"""Operators where the type of the (first) operand chooses: unsigned, signed."""

_RESULT_BITS = 32
"""``bitlen`` and ``popcount`` yield u32."""


class Encoder(Generic[T]):
    """Encodes expressions over one fixed meaning of variables and inputs; shared nodes are encoded once.

    ``inputs`` gives the term for an input's name and type: names are an action's own, so two actions may use one name for
    inputs of different types.
    """

    def __init__(self, writer: Writer[T], variables: Mapping[str, T], inputs: Callable[[str, Type], T]) -> None:
        self.writer = writer
        self.variables = variables
        self.inputs = inputs
        self._done: dict[int, T] = {}
        self._keep: list[Expr] = []  # uids are keys only as long as their nodes live

    def __call__(self, root: Expr) -> T:
        done = self._done
        if root.uid in done:
            return done[root.uid]
        stack: list[Expr] = [root]
        while stack:
            node = stack[-1]
            if node.uid in done:
                stack.pop()
                continue
            waiting = [a for a in node.args if a.uid not in done]
            if waiting:
                stack.extend(waiting)
                continue
            stack.pop()
            done[node.uid] = self._node(node, [done[a.uid] for a in node.args])
            self._keep.append(node)
        return done[root.uid]

    def _node(self, node: Expr, args: list[T]) -> T:
        op, w = node.op, self.writer
        if op == "const":
            return constant(w, node.data, node.type)
        if op == "var":
            return self.variables[node.data]
        if op == "input":
            return self.inputs(node.data, node.type)
        if op in ("and", "or") and len(args) < 2:
            return args[0] if args else w.boolean(op == "and")
        if op in _PLAIN:
            return w.apply(_PLAIN[op], args)
        if op in _SIGNED:
            if isinstance(node.args[0].type, Bool):
                raise NotCore(f"{op} of bool")
            return w.apply(_SIGNED[op][_int(node.args[0]).signed], args)
        match op:
            case "wrap":
                return _wrap(w, node, args)
            case "shl" | "shr":
                return _shift(w, node, args)
            case "bitlen":
                return _bitlen(w, node, args)
            case "popcount":
                return _popcount(w, node, args)
        raise NotCore(f"operator {op} is not in core IR")


def _int(node: Expr) -> Int:
    if not isinstance(node.type, Int):
        raise NotCore(f"{node.op} of {node.type} is not in core IR")
    return node.type


def _extend(w: Writer[T], term: T, width: int, to: int, signed: bool) -> T:
    """``term`` of ``width`` bits as ``to`` bits: truncated, or extended by its own sign."""
    if to == width:
        return term
    if to < width:
        return w.apply("extract", [term], (to - 1, 0))
    return w.apply("sign_extend" if signed else "zero_extend", [term], (to - width,))


def _wrap(w: Writer[T], node: Expr, args: list[T]) -> T:
    source, to = node.args[0].type, _int(node).width
    if isinstance(source, Bool):
        return w.apply("ite", [args[0], w.bits(1, to), w.bits(0, to)])
    return _extend(w, args[0], sort_of(source), to, _int(node.args[0]).signed)


def _shift(w: Writer[T], node: Expr, args: list[T]) -> T:
    """SMT-LIB shifts by an amount of the operand's own width, read as unsigned; too large fills.

    So an amount of another width is brought to that width, and one that does not fit there, or is negative, is replaced by
    one that is certainly too large (all ones is at least the width, except for width 1, where 1 is exactly the width).
    """
    value, amount = args
    width, by = _int(node).width, _int(node.args[1])
    name = "bvshl" if node.op == "shl" else "bvashr" if _int(node).signed else "bvlshr"
    if node.args[1].op == "const":
        n = int(node.args[1].data)
        return w.apply(name, [value, w.bits(n if 0 <= n < width else -1, width)])
    too_large: list[T] = []
    if by.signed:
        too_large.append(w.apply("bvslt", [amount, w.bits(0, by.width)]))
    if by.width > width:
        high = w.apply("extract", [amount], (by.width - 1, width))
        too_large.append(w.apply("not", [w.apply("=", [high, w.bits(0, by.width - width)])]))
    same = _extend(w, amount, by.width, width, False)
    if too_large:
        test = too_large[0] if len(too_large) == 1 else w.apply("or", too_large)
        same = w.apply("ite", [test, w.bits(-1, width), same])
    return w.apply(name, [value, same])


def _bitlen(w: Writer[T], node: Expr, args: list[T]) -> T:
    """Binary search for the highest set bit: at each size, go on in the upper half if it is not zero."""
    width = _int(node.args[0]).width
    size = 1
    while size < width:
        size *= 2
    here = _extend(w, args[0], width, size, False)
    total = w.bits(0, _RESULT_BITS)
    while size > 1:
        half = size // 2
        upper = w.apply("extract", [here], (size - 1, half))
        some = w.apply("not", [w.apply("=", [upper, w.bits(0, half)])])
        here = w.apply("ite", [some, upper, w.apply("extract", [here], (half - 1, 0))])
        step = w.apply("ite", [some, w.bits(half, _RESULT_BITS), w.bits(0, _RESULT_BITS)])
        total = w.apply("bvor", [total, step])
        size = half
    return w.apply("bvadd", [total, w.apply("zero_extend", [here], (_RESULT_BITS - 1,))])


def _popcount(w: Writer[T], node: Expr, args: list[T]) -> T:
    """A tree of adders, each one bit wider than what it adds."""
    width = _int(node.args[0]).width
    level = [w.apply("extract", [args[0]], (i, i)) for i in range(width)] if width > 1 else [args[0]]
    bits = 1
    while len(level) > 1:
        wide = [w.apply("zero_extend", [x], (1,)) for x in level]
        level = [w.apply("bvadd", wide[i : i + 2]) if i + 1 < len(wide) else wide[i] for i in range(0, len(wide), 2)]
        bits += 1
    return _extend(w, level[0], bits, _RESULT_BITS, False)


def no_inputs(name: str, type: Type) -> NoReturn:
    """For expressions that read no inputs."""
    raise NotCore(f"input {name} outside an action")
