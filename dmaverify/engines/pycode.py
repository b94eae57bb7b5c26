"""Core expressions as Python source: a second implementation of the operators, for speed.

It takes no meaning from ``ir.ops``: the tests compare the two. A state is one Python integer; ``Packing``
says where each variable's bits are. Truth values may be 0 and 1 as well as False and True.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Var
from dmaverify.ir.types import Bool, Int, Type, Value

DEEPEST = 24
"""An expression nested deeper than this is split by a temporary; Python's parser has its own limit."""


class Packing:
    """Where the bits of each variable are in a state."""

    def __init__(self, variables: Iterable[Var]) -> None:
        self.vars = tuple(variables)
        self.offset: dict[str, int] = {}
        self.type: dict[str, Type] = {}
        at = 0
        for v in self.vars:
            self.offset[v.name], self.type[v.name] = at, v.type
            at += v.type.bits
        self.bits = at

    def mask(self, name: str) -> int:
        """The bits of a variable, in place."""
        return ((1 << self.type[name].bits) - 1) << self.offset[name]

    def pack(self, values: Mapping[str, Value]) -> int:
        """The state with these values; a value for each variable."""
        return sum(self.place(v.name, values[v.name]) for v in self.vars)

    def place(self, name: str, value: Value) -> int:
        """The bits of one value, in place."""
        return (int(value) & ((1 << self.type[name].bits) - 1)) << self.offset[name]

    def value(self, state: int, name: str) -> Value:
        """Value of one variable."""
        t = self.type[name]
        bits = (state >> self.offset[name]) & ((1 << t.bits) - 1)
        if isinstance(t, Bool):
            return bool(bits)
        assert isinstance(t, Int)
        return bits - (1 << t.width) if t.signed and bits >> (t.width - 1) else bits

    def unpack(self, state: int) -> dict[str, Value]:
        """Values of all variables."""
        return {v.name: self.value(state, v.name) for v in self.vars}


def helpers() -> dict[str, object]:
    """What generated code calls."""
    return {"sdiv": _sdiv, "srem": _srem}


def _sdiv(a: int, b: int, half: int) -> int:
    if b == 0:
        return 1 if a < 0 and half > 1 else -1  # one signed bit has no 1
    q = a // b if (a < 0) == (b < 0) else -(-a // b)
    return -half if q == half else q


def _srem(a: int, b: int) -> int:
    if b == 0:
        return a
    return -(-a % abs(b)) if a < 0 else a % abs(b)


class Writer:
    """Writes one Python function. The state is ``s``; inputs have the names given; temporaries are made as
    needed.
    """

    def __init__(self, packing: Packing, inputs: Mapping[str, str]) -> None:
        self.packing = packing
        self.inputs = inputs
        self.lines: list[str] = []
        self._indent = 1
        self._names: dict[int, str] = {}
        self._fresh = 0
        self._keep: list[Expr] = []  # uids are keys only as long as their nodes live

    def line(self, text: str) -> None:
        """One line at the current indentation."""
        self.lines.append("    " * self._indent + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """An indented block; temporaries that are made in it are forgotten behind it."""
        self.line(head)
        outer = dict(self._names)
        self._indent += 1
        yield
        self._indent -= 1
        self._names = outer

    def share(self, *roots: Expr) -> None:
        """Compute once, here, whatever these expressions use several times."""
        uses: dict[int, int] = {}
        order: list[Expr] = []
        stack = [(r, False) for r in reversed(roots)]
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
                continue
            uses[node.uid] = uses.get(node.uid, 0) + 1
            if uses[node.uid] == 1 and node.uid not in self._names and node.op != "const":
                stack.append((node, True))
                if not self._is_mask_test(node):
                    # the source of these operators names an operand twice
                    args = node.args * 2 if node.op in ("div", "rem", "shl", "shr") else node.args
                    stack.extend((a, False) for a in reversed(args))
        depth: dict[int, int] = {}
        for node in order:
            deep = 1 + max((depth.get(a.uid, 0) for a in node.args), default=0)
            shared = uses[node.uid] > 1 and node.op != "input" and not self._is_mask_test(node)
            if shared or deep > DEEPEST:
                self._fresh += 1
                name = f"t{self._fresh}"
                self.line(f"{name} = {self.value(node)}")
                self._names[node.uid] = name
                self._keep.append(node)
                deep = 0
            depth[node.uid] = deep

    # -- tests ------------------------------------------------------------------------------------------

    def _is_mask_test(self, node: Expr) -> bool:
        """Whether one ``and`` and one comparison of the state decide the condition."""
        if node.op == "eq":
            a, b = node.args
            return {a.op, b.op} == {"const", "var"}
        return node.op == "var" and isinstance(node.type, Bool)

    def _mask_test(self, node: Expr) -> tuple[int, int] | None:
        """Mask and value for a condition of the form ``var``, ``not var`` or ``var == const``."""
        wanted = True
        if node.op == "not":
            node, wanted = node.args[0], False
        if not self._is_mask_test(node):
            return None
        if node.op == "var":
            return self.packing.mask(node.data), self.packing.place(node.data, wanted)
        a, b = node.args
        name, value = (a, b) if a.op == "var" else (b, a)
        if not wanted:
            return None
        return self.packing.mask(name.data), self.packing.place(name.data, value.data)

    def is_bit_test(self, node: Expr) -> bool:
        """Whether ``conjunction`` can make the condition a part of its one comparison."""
        return self._mask_test(node) is not None

    def conjunction(self, parts: Sequence[Expr]) -> str:
        """A condition that is true where all parts are; those that look at bits of the state become one
        comparison.
        """
        mask = value = 0
        rest: list[str] = []
        for p in parts:
            test = self._mask_test(p)
            if test is None:
                rest.append(self.test(p))
            elif (value ^ test[1]) & mask & test[0]:
                return "False"
            else:
                mask, value = mask | test[0], value | test[1]
        if mask:
            rest.insert(0, f"s & {mask:#x} == {value:#x}")
        return " and ".join(rest) if rest else "True"

    def test(self, node: Expr) -> str:
        """Source of a condition; only its truth counts. Safe as an operand of ``not``, ``and`` and ``or``."""
        if node.uid in self._names:
            return self._names[node.uid]
        op = node.op
        if op == "var":
            return f"s & {self.packing.mask(node.data):#x}"
        if op == "not":
            return f"(not {self.test(node.args[0])})"
        if op == "and":
            return f"({self.conjunction(node.args)})"
        if op == "or":
            return f"({' or '.join(self.test(a) for a in node.args)})"
        test = self._mask_test(node)
        if test is not None:
            return f"s & {test[0]:#x} == {test[1]:#x}"
        return self.value(node)

    # -- values -----------------------------------------------------------------------------------------

    def value(self, node: Expr) -> str:
        """Source of a value, in parentheses where it is not one word."""
        if node.uid in self._names:
            return self._names[node.uid]
        op = node.op
        if op == "const":
            return f"({int(node.data)})" if node.data < 0 else str(int(node.data))
        if op == "var":
            return self._variable(node)
        if op == "input":
            return self.inputs[node.data]
        if op == "ite":
            c, a, b = node.args
            return f"({self.value(a)} if {self.test(c)} else {self.value(b)})"
        if op in ("and", "or", "not", "eq", "lt", "le"):
            return self._condition(node)
        return self._arithmetic(op, node.type, node.args, [self.value(a) for a in node.args])

    def _variable(self, node: Expr) -> str:
        t, at = node.type, self.packing.offset[node.data]
        source = f"(s >> {at} & {(1 << t.bits) - 1:#x})" if at else f"(s & {(1 << t.bits) - 1:#x})"
        if isinstance(t, Int) and t.signed:
            half = 1 << (t.width - 1)
            return f"(({source} ^ {half:#x}) - {half:#x})"
        return source

    def _condition(self, node: Expr) -> str:
        if node.op == "not":
            return f"(not {self.test(node.args[0])})"
        if node.op in ("and", "or"):
            return f"({f' {node.op} '.join(self.value(a) for a in node.args)})"
        test = self._mask_test(node)
        if test is not None:
            return f"(s & {test[0]:#x} == {test[1]:#x})"
        a, b = (self.value(x) for x in node.args)
        return f"({a} {_COMPARE[node.op]} {b})"

    def _arithmetic(self, op: str, t: Type, args: Sequence[Expr], v: Sequence[str]) -> str:
        if op in ("bitlen", "popcount"):
            method = "bit_length" if op == "bitlen" else "bit_count"
            return f"({v[0]} & {(1 << args[0].type.bits) - 1:#x}).{method}()"
        assert isinstance(t, Int)
        if op in _EXACT:
            return _wrapped(f"{v[0]} {_EXACT[op]} {v[1]}", t)
        if op in _BITWISE:  # Python's integers are two's complement of any width
            return f"({v[0]} {_BITWISE[op]} {v[1]})"
        if op == "neg":
            return _wrapped(f"-{v[0]}", t)
        if op == "bnot":
            return f"(~{v[0]})" if t.signed else f"({v[0]} ^ {t.hi:#x})"
        if op == "wrap":
            source = args[0].type
            fits = isinstance(source, Int) and t.lo <= source.lo and source.hi <= t.hi
            return v[0] if fits else _wrapped(v[0], t)
        if op in ("div", "rem"):
            return _division(op, v, t)
        if op in ("shl", "shr"):
            return _shift(op, v, args, t)
        raise ValueError(f"{op} is no core operator")


_COMPARE = {"eq": "==", "lt": "<", "le": "<="}
_EXACT = {"add": "+", "sub": "-", "mul": "*"}
_BITWISE = {"band": "&", "bor": "|", "bxor": "^"}


def _wrapped(source: str, t: Int) -> str:
    """The value of ``t`` that is congruent to ``source``."""
    if not t.signed:
        return f"({source} & {t.hi:#x})"
    half = 1 << (t.width - 1)
    return f"(({source} + {half:#x} & {2 * half - 1:#x}) - {half:#x})"


def _division(op: str, v: Sequence[str], t: Int) -> str:
    if t.signed:
        return f"sdiv({v[0]}, {v[1]}, {1 << (t.width - 1):#x})" if op == "div" else f"srem({v[0]}, {v[1]})"
    if op == "div":
        return f"({v[0]} // {v[1]} if {v[1]} else {t.hi:#x})"
    return f"({v[0]} % {v[1]} if {v[1]} else {v[0]})"


def _shift(op: str, v: Sequence[str], args: Sequence[Expr], t: Int) -> str:
    inside = _wrapped(f"({v[0]} << {v[1]})", t) if op == "shl" else f"({v[0]} >> {v[1]})"
    outside = f"(-1 if {v[0]} < 0 else 0)" if op == "shr" and t.signed else "0"
    amount = args[1]
    if amount.is_const:
        return inside if 0 <= amount.value < t.width else outside
    kind = amount.type
    assert isinstance(kind, Int)
    limits = f"0 <= {v[1]} < {t.width}" if kind.signed else f"{v[1]} < {t.width}"
    if not kind.signed and kind.hi < t.width:
        return inside
    return f"({inside} if {limits} else {outside})"
