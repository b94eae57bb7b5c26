"""What each operator of core IR means bit by bit. The tests compare it with the operator table, ``ir.ops``.

A truth value is a word of one bit. Numbers are in two's complement, the lowest bit first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dmaverify.engines.pdr.aig import FALSE, TRUE, Aig, Word
from dmaverify.ir.expr import Expr
from dmaverify.ir.types import Bool, Int, Type, Value

_RESULT_BITS = 32
"""``bitlen`` and ``popcount`` yield u32."""


class NotCore(ValueError):
    """A type or operator that core IR does not have."""


def width_of(t: Type) -> int:
    """Number of bits of a core type."""
    if isinstance(t, Bool):
        return 1
    if isinstance(t, Int):
        return t.width
    raise NotCore(f"{t} is not a type of core IR")


def constant(value: Value, t: Type) -> Word:
    """A value of a core type."""
    n = int(value)
    return [TRUE if n >> i & 1 else FALSE for i in range(width_of(t))]


def decoded(bits: int, t: Type) -> Value:
    """The value that some bits stand for."""
    if isinstance(t, Bool):
        return bool(bits)
    assert isinstance(t, Int)
    return t.wrap(bits)


def _signed(t: Type) -> bool:
    return isinstance(t, Int) and t.signed


class Blaster:
    """Blasts expressions over one meaning of variables and inputs; shared nodes are blasted once.

    ``inputs`` gives the word for an input's name and type, because two actions may use one name for inputs of different types.
    """

    def __init__(self, graph: Aig, variables: Mapping[str, Word], inputs: Callable[[str, Type], Word]) -> None:
        self.graph, self.variables, self.inputs = graph, variables, inputs
        self._done: dict[int, Word] = {}
        self._keep: list[Expr] = []  # numbers of nodes are keys only as long as the nodes live

    def __call__(self, root: Expr) -> Word:
        """The bits of an expression."""
        done = self._done
        stack = [root]
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

    def bit(self, root: Expr) -> int:
        """The literal of a condition."""
        return self(root)[0]

    def _node(self, node: Expr, a: list[Word]) -> Word:
        g, op = self.graph, node.op
        if op == "const":
            return constant(node.data, node.type)
        if op == "var":
            return self.variables[node.data]
        if op == "input":
            return self.inputs(node.data, node.type)
        if op == "not":
            return [a[0][0] ^ 1]
        if op == "and":
            return [g.all_of(x[0] for x in a)]
        if op == "or":
            return [g.any_of(x[0] for x in a)]
        if op == "eq":
            return [equal(g, a[0], a[1])]
        if op == "ite":
            return choose(g, a[0][0], a[1], a[2])
        return self._number(node, a)

    def _number(self, node: Expr, a: list[Word]) -> Word:
        g, op = self.graph, node.op
        kind = node.args[0].type if node.args else node.type
        if op == "wrap":
            width_of(kind)
            return resized(a[0], width_of(node.type), _signed(kind))
        if not isinstance(kind, Int):
            raise NotCore(f"operator {op} of {kind} is not in core IR")
        match op:
            case "add":
                return add(g, a[0], a[1])[0]
            case "sub":
                return subtract(g, a[0], a[1])
            case "neg":
                return negate(g, a[0])
            case "mul":
                return multiply(g, a[0], a[1])
            case "div" | "rem":
                quotient, remainder = divide(g, a[0], a[1], kind.signed)
                return quotient if op == "div" else remainder
            case "band":
                return [g.and_(x, y) for x, y in zip(a[0], a[1], strict=True)]
            case "bor":
                return [g.or_(x, y) for x, y in zip(a[0], a[1], strict=True)]
            case "bxor":
                return [g.xor(x, y) for x, y in zip(a[0], a[1], strict=True)]
            case "bnot":
                return [x ^ 1 for x in a[0]]
            case "lt":
                return [less(g, a[0], a[1], kind.signed)]
            case "le":
                return [less(g, a[1], a[0], kind.signed) ^ 1]
            case "shl" | "shr":
                return shift(g, a[0], a[1], left=op == "shl", fill=kind.signed, by_signed=_signed(node.args[1].type))
            case "bitlen":
                return bit_length(g, a[0])
            case "popcount":
                return population(g, a[0])
        raise NotCore(f"operator {op} is not in core IR")


def equal(g: Aig, a: Word, b: Word) -> int:
    """Whether two words are equal."""
    return g.all_of(g.xor(x, y) ^ 1 for x, y in zip(a, b, strict=True))


def choose(g: Aig, c: int, a: Word, b: Word) -> Word:
    """One word or the other."""
    return [g.mux(c, x, y) for x, y in zip(a, b, strict=True)]


def resized(a: Word, width: int, signed: bool) -> Word:
    """Truncated, or extended by its own sign."""
    return a[:width] + [a[-1] if signed else FALSE] * (width - len(a))


def add(g: Aig, a: Word, b: Word, carry: int = FALSE) -> tuple[Word, int]:
    """Sum and carry."""
    total = []
    for x, y in zip(a, b, strict=True):
        differ = g.xor(x, y)
        total.append(g.xor(differ, carry))
        carry = g.mux(differ, carry, x)
    return total, carry


def negate(g: Aig, a: Word) -> Word:
    """Zero minus the word."""
    return add(g, [x ^ 1 for x in a], [FALSE] * len(a), TRUE)[0]


def subtract(g: Aig, a: Word, b: Word) -> Word:
    """Difference, modulo the width."""
    return add(g, a, [x ^ 1 for x in b], TRUE)[0]


def less(g: Aig, a: Word, b: Word, signed: bool) -> int:
    """Whether a < b: decided by the highest bit in which they differ."""
    found = FALSE
    for n, (x, y) in enumerate(zip(a, b, strict=True)):
        if signed and n == len(a) - 1:
            x, y = y, x
        found = g.mux(g.xor(x, y), y, found)
    return found


def multiply(g: Aig, a: Word, b: Word) -> Word:
    """Product, modulo the width: shifted copies added up."""
    if sum(x < 2 for x in a) > sum(x < 2 for x in b):
        a, b = b, a
    total = [FALSE] * len(a)
    for n, bit in enumerate(b):
        if bit != FALSE:
            shifted = [FALSE] * n + [g.and_(x, bit) for x in a[: len(a) - n]]
            total = add(g, total, shifted)[0]
    return total


def divide(g: Aig, a: Word, b: Word, signed: bool) -> tuple[Word, Word]:
    """Quotient towards zero and remainder with the dividend's sign; by zero: as in SMT-LIB, and the dividend."""
    if not signed:
        return _long_division(g, a, b)
    # by zero the long division yields all ones and the dividend's magnitude; negated where a is negative that is 1, and a
    quotient, remainder = _long_division(g, choose(g, a[-1], negate(g, a), a), choose(g, b[-1], negate(g, b), b))
    return (
        choose(g, g.xor(a[-1], b[-1]), negate(g, quotient), quotient),
        choose(g, a[-1], negate(g, remainder), remainder),
    )


def _long_division(g: Aig, a: Word, b: Word) -> tuple[Word, Word]:
    """Bit by bit; the remainder is one bit wider in between."""
    wide = [*b, FALSE]
    rest = [FALSE] * len(wide)
    quotient = []
    for bit in reversed(a):
        rest = [bit, *rest[:-1]]
        fits = less(g, rest, wide, False) ^ 1
        quotient.append(fits)
        rest = choose(g, fits, subtract(g, rest, wide), rest)
    return quotient[::-1], rest[:-1]


def shift(g: Aig, a: Word, by: Word, *, left: bool, fill: bool, by_signed: bool) -> Word:
    """Shifted by each bit of the amount in turn. An amount that is negative or too large leaves the filling only."""
    width = len(a)
    filling = a[-1] if fill and not left else FALSE
    outside = [by[-1]] if by_signed else []
    result = list(a)
    for n, bit in enumerate(by[:-1] if by_signed else by):
        if 1 << n >= width:
            outside.append(bit)
            continue
        distance = 1 << n
        moved = [FALSE] * distance + result[:-distance] if left else result[distance:] + [filling] * distance
        result = choose(g, bit, moved, result)
    return choose(g, g.any_of(outside), [filling] * width, result)


def bit_length(g: Aig, a: Word) -> Word:
    """Position of the highest set bit plus one."""
    result = [FALSE] * _RESULT_BITS
    for n, bit in enumerate(a):
        result = choose(g, bit, [TRUE if (n + 1) >> i & 1 else FALSE for i in range(_RESULT_BITS)], result)
    return result


def population(g: Aig, a: Word) -> Word:
    """Number of set bits: a tree of adders, each one bit wider than what it adds."""
    level: list[Word] = [[x] for x in a]
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        bits = max(map(len, level)) + 1
        level = [
            add(g, resized(p[0], bits, False), resized(p[1] if len(p) > 1 else [FALSE], bits, False))[0] for p in pairs
        ]
    return resized(level[0], _RESULT_BITS, False)
