"""BTOR2, the format of the hardware model checking competition: bit-vectors, one ``bad`` for each place that can go wrong.

Truth values are vectors of one bit. What initial states fulfil beside the values of their variables is a constraint on the
first step, told by a state that is one only then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dmaverify.engines.smt.terms import BOOL_SORT, Sort, constant
from dmaverify.export.choose import Exported
from dmaverify.export.relation import relation

_NAMES = {
    "bvadd": "add",
    "bvsub": "sub",
    "bvmul": "mul",
    "bvudiv": "udiv",
    "bvsdiv": "sdiv",
    "bvurem": "urem",
    "bvsrem": "srem",
    "bvneg": "neg",
    "bvand": "and",
    "bvor": "or",
    "bvxor": "xor",
    "bvnot": "not",
    "bvshl": "sll",
    "bvlshr": "srl",
    "bvashr": "sra",
    "bvult": "ult",
    "bvule": "ulte",
    "bvslt": "slt",
    "bvsle": "slte",
    "concat": "concat",
    "not": "not",
    "and": "and",
    "or": "or",
    "=>": "implies",
    "=": "eq",
    "ite": "ite",
}
_INDEXED = {"extract": "slice", "zero_extend": "uext", "sign_extend": "sext"}
_JUNCTIONS = ("and", "or", "bvand", "bvor", "bvxor", "bvadd", "bvmul")


class Btor2Writer:
    """Makes lines; a term is (number of its line, width)."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.leaves: dict[str, tuple[int, int]] = {}
        self._known: dict[str, int] = {}
        self._last = 0

    def add(self, text: str, note: str = "") -> int:
        """A line of its own; its number."""
        self._last += 1
        self.lines.append(f"{self._last} {text}" + (f" ; {note}" if note else ""))
        return self._last

    def _once(self, text: str) -> int:
        if text not in self._known:
            self._known[text] = self.add(text)
        return self._known[text]

    def sort(self, width: int) -> int:
        """The line of a bit-vector sort."""
        return self._once(f"sort bitvec {width}")

    def boolean(self, value: bool) -> tuple[int, int]:
        """One bit."""
        return self.bits(int(value), 1)

    def bits(self, value: int, width: int) -> tuple[int, int]:
        """A constant; in binary, which every reader knows."""
        value &= (1 << width) - 1
        return self._once(f"const {self.sort(width)} {value:0{width}b}"), width

    def symbol(self, name: str, sort: Sort) -> tuple[int, int]:
        """A leaf: a state if it was declared as one, else an input."""
        if name not in self.leaves:
            self.leaf("input", name, sort)
        return self.leaves[name]

    def leaf(self, kind: str, name: str, sort: Sort) -> tuple[int, int]:
        """Declare a ``state`` or an ``input``. Names have no spaces in BTOR2."""
        width = 1 if sort == BOOL_SORT else sort
        plain = re.sub(r"\s+", "", name).replace(";", ",")
        self.leaves[name] = self.add(f"{kind} {self.sort(width)} {plain}"), width
        return self.leaves[name]

    def apply(self, op: str, args: Sequence[tuple[int, int]], indices: Sequence[int] = ()) -> tuple[int, int]:
        """An operator; those that SMT-LIB has for any number of operands are written as several of two."""
        if op in _INDEXED:
            (node, width), *_ = args
            result = indices[0] - indices[1] + 1 if op == "extract" else width + indices[0]
            return self._once(f"{_INDEXED[op]} {self.sort(result)} {node} {' '.join(map(str, indices))}"), result
        if op in _JUNCTIONS and len(args) != 2:
            total = args[0]
            for a in args[1:]:
                total = self.apply(op, [total, a])
            return total
        name, width = _NAMES[op], args[-1][1]
        if op in ("=", "bvult", "bvule", "bvslt", "bvsle"):
            width = 1
        elif op == "concat":
            width = sum(w for _, w in args)
        return self._once(f"{name} {self.sort(width)} {' '.join(str(n) for n, _ in args)}"), width


def to_btor2(exported: Exported) -> str:
    """The whole model."""
    w = Btor2Writer()
    w.boolean(True)
    w.boolean(False)
    for v in exported.system.vars:
        if not v.any_init:
            # readers want an initial value in front of its state
            constant(w, v.init, v.type)
    for v in exported.system.vars:
        w.leaf("state", v.name, v.type.bits)
    r = relation(exported, w)
    for name, (value, width) in r.initial.items():
        w.add(f"init {w.sort(width)} {r.variables[name][0][0]} {value}")
    for name, ((node, width), _) in r.variables.items():
        after = r.next.get(name, (node, width))
        w.add(f"next {w.sort(width)} {node} {after[0]}")
    if r.assumptions:
        first, _ = w.leaf("state", "first!", 1)
        w.add(f"init {w.sort(1)} {first} {w.bits(1, 1)[0]}")
        w.add(f"next {w.sort(1)} {first} {w.bits(0, 1)[0]}")
        for term, _ in r.assumptions:
            w.add(f"constraint {w.apply('=>', [(first, 1), (term, 1)])[0]}")
    for bad, (term, _) in r.bads:
        w.add(f"bad {term}", f"{bad.prop} {bad.label}")
    return f"; {exported.system.name}\n" + "\n".join(w.lines) + "\n"
