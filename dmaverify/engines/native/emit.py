"""Core expressions as LLVM values: a third implementation of the operators.

It takes no meaning from ``ir.ops``; the tests compare the two. A variable of w bits is an LLVM ``iw``. No instruction here has a
case that LLVM leaves open: shifts are by less than the width, divisors are not zero, nothing carries ``nsw`` or ``exact``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dmaverify.engines.native.layout import Layout
from dmaverify.engines.native.text import Function
from dmaverify.ir.expr import Expr
from dmaverify.ir.types import Bool, Int, Type, Value

WIDEST_DIVISION = 64
"""LLVM divides wider numbers by calling a library that is not at hand."""


class NotNative(Exception):
    """The System has something that native code is not made for; the message says what."""


def width(t: Type) -> int:
    """Bits of a core type."""
    if not isinstance(t, Bool | Int):
        raise NotNative(f"a value of type {t}")
    return t.bits


def literal(value: Value, t: Type) -> str:
    """A constant of a core type."""
    return str(int(value) & ((1 << width(t)) - 1)) if not isinstance(t, Bool) else ("true" if value else "false")


class Values:
    """The expressions of one function; each is computed once in every scope that it is visible in.

    ``words`` are the words of the state, by number; ``inputs`` the values of the action's inputs so far.
    """

    def __init__(self, f: Function, layout: Layout, state: str) -> None:
        self.f, self.layout, self.state = f, layout, state
        self.inputs: dict[str, str] = {}
        self._words: dict[int, str] = {}
        self._known: dict[int, str] = {}
        self._keep: list[Expr] = []  # uids are keys only as long as their nodes live

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is computed inside is forgotten behind it: it stands in a block that may not be passed."""
        outer = dict(self._known)
        yield
        self._known = outer

    def word(self, number: int) -> str:
        """A word of the state."""
        if number not in self._words:
            pointer = self.f.at_entry(f"getelementptr inbounds i64, ptr {self.state}, i64 {number}")
            self._words[number] = self.f.at_entry(f"load i64, ptr {pointer}")
        return self._words[number]

    def __call__(self, root: Expr) -> str:
        """The value of an expression."""
        known = self._known
        if root.uid in known:
            return known[root.uid]
        stack = [root]
        while stack:
            node = stack[-1]
            if node.uid in known:
                stack.pop()
                continue
            missing = [a for a in node.args if a.uid not in known]
            if missing:
                stack.extend(reversed(missing))
                continue
            stack.pop()
            self._keep.append(node)
            known[node.uid] = self._node(node)
        return known[root.uid]

    def _node(self, node: Expr) -> str:
        op = node.op
        if op == "const":
            return literal(node.data, node.type)
        if op == "var":
            return self.variable(node.data, width(node.type))
        if op == "input":
            return self.inputs[node.data]
        return self._operator(node, [self._known[a.uid] for a in node.args])

    def variable(self, name: str, bits: int) -> str:
        """A variable of the state."""
        f = self.f
        pieces = self.layout.pieces[name]
        if len(pieces) == 1:
            word = self.word(pieces[0].word)
            shifted = f.op("lshr", word, str(pieces[0].shift)) if pieces[0].shift else word
            return f.let(f"trunc i64 {shifted} to i{bits}") if bits < 64 else shifted
        total = "0"
        for p in pieces:
            wide = f.let(f"zext i64 {self.word(p.word)} to i{bits}")
            part = f.op("shl", wide, str(p.low), f"i{bits}") if p.low else wide
            total = f.op("or", total, part, f"i{bits}")
        return total

    def _operator(self, node: Expr, v: list[str]) -> str:
        f, op, t = self.f, node.op, f"i{width(node.type)}"
        if op in ("and", "or"):
            return self.junction(op, v)
        source = node.args[0].type
        s = f"i{width(source)}"
        if op == "not":
            return f.op("xor", v[0], "true", "i1")
        if op == "eq":
            return f.cmp("eq", v[0], v[1], s)
        if op in ("lt", "le"):
            sign = "s" if isinstance(source, Int) and source.signed else "u"
            return f.cmp(f"{sign}{op}", v[0], v[1], s)
        if op == "ite":
            return f.pick(v[0], v[1], v[2], t)
        if op in _PLAIN:
            return f.op(_PLAIN[op], v[0], v[1], t)
        if op == "neg":
            return f.op("sub", "0", v[0], t)
        if op == "bnot":
            return f.op("xor", v[0], "-1", t)
        if op == "wrap":
            return resized(f, v[0], source, width(node.type))
        if op in ("bitlen", "popcount"):
            return self._counted(op, v[0], width(source), width(node.type))
        if op in ("div", "rem"):
            return self._division(op, v, node.type)
        if op in ("shl", "shr"):
            return self._shift(op, v, node)
        raise NotNative(f"the operator {op}")

    def junction(self, op: str, v: list[str]) -> str:
        """``and`` or ``or`` of any number of truth values."""
        if not v:
            return "true" if op == "and" else "false"
        total = v[0]
        for other in v[1:]:
            total = self.f.op(op, total, other, "i1")
        return total

    def _counted(self, op: str, value: str, bits: int, result: int) -> str:
        f, t = self.f, f"i{bits}"
        if op == "popcount":
            count = f.let(f"call {t} @llvm.ctpop.{t}({t} {value})")
        else:
            zeros = f.let(f"call {t} @llvm.ctlz.{t}({t} {value}, i1 false)")
            count = f.op("sub", str(bits), zeros, t)  # every width fits into as many bits
        return resized(f, count, Int(bits), result)

    def _division(self, op: str, v: list[str], t: Type) -> str:
        assert isinstance(t, Int)
        if t.width > WIDEST_DIVISION:
            raise NotNative(f"a division of {t.width} bits")
        f, name = self.f, f"i{t.width}"
        zero = f.cmp("eq", v[1], "0", name)
        if not t.signed:
            safe = f.pick(zero, "1", v[1], name) if t.width > 1 else "true"
            result = f.op("udiv" if op == "div" else "urem", v[0], safe, name)
            return f.pick(zero, "-1" if op == "div" else v[0], result, name)
        # the least value by -1 overflows, so that -1 is dealt with apart
        minus = f.cmp("eq", v[1], "-1", name)
        safe = f.pick(f.op("or", zero, minus, "i1"), "1", v[1], name)
        plain = f.op("sdiv" if op == "div" else "srem", v[0], safe, name)
        result = f.pick(minus, f.op("sub", "0", v[0], name) if op == "div" else "0", plain, name)
        if op == "rem":
            return f.pick(zero, v[0], result, name)
        negative = f.cmp("slt", v[0], "0", name)
        return f.pick(zero, f.pick(negative, "1", "-1", name), result, name)

    def _shift(self, op: str, v: list[str], node: Expr) -> str:
        t, amount = node.type, node.args[1].type
        assert isinstance(t, Int) and isinstance(amount, Int)
        f, name, kind = self.f, f"i{t.width}", f"i{amount.width}"
        if not amount.signed and amount.hi < t.width:
            inside = "true"
        elif amount.signed and amount.hi < t.width:
            inside = f.cmp("sge", v[1], "0", kind)
        else:
            inside = f.cmp("ult", v[1], str(t.width), kind)  # a negative amount is a large unsigned one
        by = resized(f, f.pick(inside, v[1], "0", kind), Int(amount.width), t.width)
        if op == "shl":
            return f.pick(inside, f.op("shl", v[0], by, name), "0", name)
        if not t.signed:
            return f.pick(inside, f.op("lshr", v[0], by, name), "0", name)
        negative = f.cmp("slt", v[0], "0", name)
        return f.pick(inside, f.op("ashr", v[0], by, name), f.pick(negative, "-1", "0", name), name)


def resized(f: Function, value: str, source: Type, bits: int) -> str:
    """A value truncated, or extended by its own sign."""
    have = width(source)
    if have == bits:
        return value
    if have > bits:
        return f.let(f"trunc i{have} {value} to i{bits}")
    sign = "s" if isinstance(source, Int) and source.signed else "z"
    return f.let(f"{sign}ext i{have} {value} to i{bits}")


_PLAIN: Mapping[str, str] = {"add": "add", "sub": "sub", "mul": "mul", "band": "and", "bor": "or", "bxor": "xor"}
