"""Core expressions as C: statements that compute temporaries, and the expression that is left.

Every value is held in 64 bits, unsigned or signed as its type is, and always in range; truth values are ``int``. So an
operator is the one of C, and a mask or a sign extension behind it where it can leave the range. Nothing here is undefined in C.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dmaverify.export.choose import NotExportable
from dmaverify.ir.expr import Expr
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Bool, Int, Type

PRELUDE = """\
typedef unsigned long long U;
typedef long long S;
static inline S sext(U x, int n) { U m = (U)1 << (n - 1); x &= (m - 1) << 1 | 1; return (S)((x ^ m) - m); }
static inline U udiv(U a, U b, U ones) { return b ? a / b : ones; }
static inline U urem(U a, U b) { return b ? a % b : a; }
static inline U sdiv(S a, S b) { return b == 0 ? (U)(a < 0 ? 1 : -1) : b == -1 ? (U)0 - (U)a : (U)(a / b); }
static inline S srem(S a, S b) { return b == 0 ? a : b == -1 ? 0 : a % b; }
static inline U bits(U x) { return x ? 64 - __builtin_clzll(x) : 0; }
"""
"""What the expressions use; plain C99 with two builtins of gcc and clang."""

MOST_BITS = 64

Leaf = Callable[[Expr], str]


def number(value: int | bool) -> str:
    """A constant of any core type."""
    n = int(value)
    if n == -(1 << 63):
        return f"({n + 1}LL - 1)"
    if n < 0:
        return f"({n}LL)"
    return str(n) if n < 1 << 31 else f"{n:#x}ULL"


def mask(width: int) -> str:
    """All ones in ``width`` bits."""
    return number((1 << width) - 1)


class Block:
    """A sequence of C statements. What is used several times is computed once."""

    def __init__(self, leaf: Leaf, indent: str = "    ") -> None:
        self.leaf = leaf
        self.indent = indent
        self.lines: list[str] = []
        self._names: dict[int, str] = {}
        self._keep: list[Expr] = []  # uids are keys only as long as their nodes live

    def line(self, text: str) -> None:
        """One line."""
        self.lines.append(self.indent + text)

    def share(self, *roots: Expr) -> None:
        """Compute here, once, what these expressions use several times, and what is deeply nested."""
        uses: dict[int, int] = {r.uid: 1 for r in roots}
        order = list(walk(*roots))
        for node in order:
            for a in node.args * (2 if node.op in ("shl", "shr") else 1):
                uses[a.uid] = uses.get(a.uid, 0) + 1
        depth: dict[int, int] = {}
        for node in order:
            if node.uid in self._names or not node.args:
                continue
            deep = 1 + max(depth.get(a.uid, 0) for a in node.args)
            if uses[node.uid] > 1 or deep > 20:
                name = f"t{len(self._keep)}"
                self.line(f"const {_c_type(node.type)} {name} = {self.text(node)};")
                self._names[node.uid] = name
                self._keep.append(node)
                deep = 0
            depth[node.uid] = deep

    def text(self, node: Expr) -> str:
        """The value as a C expression, in brackets where it is not one word."""
        if node.uid in self._names:
            return self._names[node.uid]
        if node.op == "const":
            return number(node.data)
        if node.op in ("var", "input"):
            return self.leaf(node)
        return _operator(node, [self.text(a) for a in node.args])


def _c_type(t: Type) -> str:
    if isinstance(t, Bool):
        return "int"
    return "S" if _int(t).signed else "U"


def _int(t: Type) -> Int:
    if not isinstance(t, Int):
        raise NotExportable(f"{t} is not a type of core IR")
    if t.width > MOST_BITS:
        raise NotExportable(f"a number of {t.width} bits, and C has {MOST_BITS}")
    return t


def _in_range(source: str, t: Int) -> str:
    """The value of ``t`` that is congruent to ``source``, which has 64 bits."""
    if t.signed:
        return f"sext({source}, {t.width})"
    return f"({source})" if t.width == 64 else f"({source} & {mask(t.width)})"


_COMPARE = {"eq": "==", "lt": "<", "le": "<="}
_EXACT = {"add": "+", "sub": "-", "mul": "*"}
_BITWISE = {"band": "&", "bor": "|", "bxor": "^"}


def _operator(node: Expr, v: Sequence[str]) -> str:
    op, t = node.op, node.type
    if op == "not":
        return f"(!{v[0]})"
    if op in ("and", "or"):
        if not v:
            return number(op == "and")
        return f"({(' && ' if op == 'and' else ' || ').join(v)})"
    if op == "ite":
        return f"({v[0]} ? {v[1]} : {v[2]})"
    if op in _COMPARE:
        if isinstance(node.args[0].type, Int):
            # constants have no type of their own in C: say which comparison is meant
            kind = _c_type(node.args[0].type)
            return f"(({kind}){v[0]} {_COMPARE[op]} ({kind}){v[1]})"
        return f"({v[0]} {_COMPARE[op]} {v[1]})"
    if op in ("bitlen", "popcount"):
        source = f"((U){v[0]} & {mask(_int(node.args[0].type).width)})"
        return f"bits({source})" if op == "bitlen" else f"(U)__builtin_popcountll({source})"
    n = _int(t)
    if op in _EXACT:
        return _in_range(f"((U){v[0]} {_EXACT[op]} (U){v[1]})", n)
    if op in _BITWISE:  # of two values that are in range the result is, too
        return f"({v[0]} {_BITWISE[op]} {v[1]})"
    if op == "neg":
        return _in_range(f"((U)0 - (U){v[0]})", n)
    if op == "bnot":
        return _in_range(f"(~(U){v[0]})", n)
    if op == "wrap":
        source_type = node.args[0].type
        if isinstance(source_type, Bool):
            return _in_range(f"((U){v[0]})", n)
        source_int = _int(source_type)
        fits = n.lo <= source_int.lo and source_int.hi <= n.hi
        return f"(({_c_type(n)}){v[0]})" if fits else _in_range(f"((U){v[0]})", n)
    if op == "div":
        return _in_range(f"sdiv({v[0]}, {v[1]})", n) if n.signed else f"udiv({v[0]}, {v[1]}, {mask(n.width)})"
    if op == "rem":
        return f"srem({v[0]}, {v[1]})" if n.signed else f"urem({v[0]}, {v[1]})"
    if op in ("shl", "shr"):
        return _shift(node, v, n)
    raise NotExportable(f"{op} is no operator of core IR")


def _shift(node: Expr, v: Sequence[str], t: Int) -> str:
    """Amounts out of range are looked at first: C leaves them undefined."""
    outside = f"({v[0]} < 0 ? -1 : 0)" if node.op == "shr" and t.signed else "0"
    amount = node.args[1]
    if amount.is_const:
        if not 0 <= amount.value < t.width:
            return outside
        fits = "1"
    else:
        # a negative amount is a large one when it is read as unsigned
        fits = f"(U){v[1]} < {t.width}"
    if node.op == "shl":
        inside = _in_range(f"((U){v[0]} << {v[1]})", t)
    else:
        inside = f"(({_c_type(t)}){v[0]} >> {v[1]})"  # gcc and clang keep the sign
    return inside if fits == "1" else f"({fits} ? {inside} : {outside})"
