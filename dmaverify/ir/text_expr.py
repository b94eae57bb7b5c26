"""How the text form writes types, values and expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dmaverify.ir.expr import Expr
from dmaverify.ir.ops import OPS, PREFIX
from dmaverify.ir.system import System
from dmaverify.ir.text_lex import name_text
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Bool, Enum, Flags, Index, Int, Map, Mask, Opt, Range, Record, Type, Value

POSTFIX = PREFIX + 1
COMPARE = OPS["eq"].precedence or 0

_DEEPEST = 24
"""An expression nested deeper than this is broken up by a ``let``."""
_SMALL = 3
"""A shared sub-expression of at most this many words is repeated rather than named."""


@dataclass
class Names:
    """What names mean where an expression stands. Without a System every name is taken as known (for notes
    to a reader)."""

    types: Mapping[Type, str]
    inputs: Mapping[str, Type]
    system: System | None

    def __post_init__(self) -> None:
        self.vars = {} if self.system is None else {v.name: v.type for v in self.system.vars}

    def plain(self, leaf: Expr) -> bool:
        """Whether the bare name of a ``var`` or ``input`` node stands for it here."""
        if self.system is None:
            return True
        if leaf.op == "input":
            return self.inputs.get(leaf.data) == leaf.type
        return leaf.data not in self.inputs and self.vars.get(leaf.data) == leaf.type


def type_text(t: Type, names: Mapping[Type, str]) -> str:
    """A type as it is written."""
    if isinstance(t, Index | Enum | Flags | Record):
        return name_text(names[t])
    if isinstance(t, Opt):
        inner = type_text(t.of, names)
        return f"({inner})?" if isinstance(t.of, Map) else f"{inner}?"
    if isinstance(t, Map):
        return f"[{type_text(t.index, names)}] -> {type_text(t.of, names)}"
    if isinstance(t, Mask):
        return f"mask {type_text(t.index, names)}"
    return str(t)


def number_text(n: int) -> str:
    """A number, hexadecimal from five digits on."""
    return str(n) if abs(n) < 10_000 else hex(n)


def value_text(v: Value, t: Type) -> str:
    """A value where its type is known."""
    if isinstance(t, Bool):
        return "true" if v else "false"
    if isinstance(t, Enum):
        return _member_text(t.members, v)
    if isinstance(t, Flags):
        return "{" + ", ".join(_member_text(t.members, i) for i in range(len(t.members)) if v >> i & 1) + "}"
    if isinstance(t, Opt):
        return "null" if v is None else value_text(v, t.of)
    if isinstance(t, Record):
        return "{" + ", ".join(value_text(x, f) for (_, f), x in zip(t.fields, v, strict=True)) + "}"
    if isinstance(t, Map):
        return "[" + ", ".join(_runs([value_text(x, t.of) for x in v])) + "]"
    if isinstance(t, Mask):
        return "{" + ", ".join(_stretches([i for i in range(t.count.bit_length()) if v >> i & 1])) + "}"
    return number_text(v)


def _member_text(members: tuple[str, ...], ordinal: int) -> str:
    """The member's name; its ordinal where two are called the same."""
    name = members[ordinal]
    return name_text(name) if members.index(name) == ordinal else str(ordinal)


def _runs(cells: list[str]) -> list[str]:
    """Equal neighbours written once, with how many they are."""
    runs: list[tuple[str, int]] = []
    for cell in cells:
        if runs and runs[-1][0] == cell:
            runs[-1] = (cell, runs[-1][1] + 1)
        else:
            runs.append((cell, 1))
    return [cell if n == 1 else f"{cell} * {n}" for cell, n in runs]


def _stretches(ordinals: list[int]) -> list[str]:
    """Ascending numbers, three and more in a row as ``a..b``."""
    parts: list[str] = []
    i = 0
    while i < len(ordinals):
        j = i
        while j + 1 < len(ordinals) and ordinals[j + 1] == ordinals[j] + 1:
            j += 1
        if j - i >= 2:
            parts.append(f"{ordinals[i]}..{ordinals[j]}")
        else:
            parts += [str(n) for n in ordinals[i : j + 1]]
        i = j + 1
    return parts


class ExprPrinter:
    """Writes the expressions of one declaration, which share their ``let`` names."""

    def __init__(self, names: Names, roots: tuple[Expr, ...]) -> None:
        self.names = names
        self._lets: dict[int, str] = {}
        self._written: set[int] = set()
        uses: dict[int, int] = {}
        order = list(walk(*roots))
        for root in roots:
            uses[root.uid] = uses.get(root.uid, 0) + 1
        for node in order:
            for a in node.args:
                uses[a.uid] = uses.get(a.uid, 0) + 1
        size: dict[int, int] = {}
        depth: dict[int, int] = {}
        for node in order:
            words = 1 + sum(size[a.uid] for a in node.args)
            deep = 1 + max((depth[a.uid] for a in node.args), default=0)
            if node.args and ((uses[node.uid] > 1 and words > _SMALL) or deep > _DEEPEST):
                self._lets[node.uid] = ""
                words, deep = 1, 1
            size[node.uid], depth[node.uid] = words, deep

    def lets_for(self, root: Expr) -> list[tuple[Expr, str]]:
        """The named parts of ``root`` that have not been written yet, in the order in which they are to
        be."""
        fresh = []
        for node in walk(root):
            if node.uid in self._lets and node.uid not in self._written:
                self._written.add(node.uid)
                self._lets[node.uid] = name = self._fresh_name()
                fresh.append((node, name))
        return fresh

    def _fresh_name(self) -> str:
        n = len(self._written)
        name = f"t{n}"
        while name in self.names.vars or name in self.names.inputs:
            name += "_"
        return name

    def definition(self, node: Expr) -> str:
        """What a ``let`` stands for."""
        return self._operator(node, 0, None)

    def text(self, node: Expr, expected: Type | None = None, least: int = 0) -> str:
        """An expression. ``expected``: its type, where the context says it; ``least``: the weakest operator
        that needs no parentheses here."""
        name = self._lets.get(node.uid)
        if name is not None:
            return name
        if node.op == "const":
            return self._const(node, node.type if expected == node.type else None)
        if node.op in ("var", "input"):
            if self.names.plain(node):
                return name_text(node.data)
            return f"{node.op}({name_text(node.data)}: {type_text(node.type, self.names.types)})"
        return self._operator(node, least, expected)

    def _const(self, node: Expr, expected: Type | None) -> str:
        t, v = node.type, node.data
        if isinstance(t, Bool):
            return value_text(v, t)
        if isinstance(t, Int):
            return number_text(v) + ("" if expected else str(t))
        if isinstance(t, Index):
            return f"{type_text(t, self.names.types)}#{v}"
        if isinstance(t, Enum | Flags):
            return f"{type_text(t, self.names.types)}::{value_text(v, t)}"
        if expected and (isinstance(t, Range | Mask) or v is None):
            return value_text(v, t)
        return f"<{value_text(v, t)}: {type_text(t, self.names.types)}>"

    def _operator(self, node: Expr, least: int, expected: Type | None) -> str:
        op, args = node.op, node.args
        entry = OPS[op]
        prec = entry.precedence
        if op in ("and", "or") and len(args) < 2:
            return f"{op}({', '.join(self.text(a) for a in args)})"
        if op == "not" and args[0].op == "eq" and args[0].uid not in self._lets:
            prec = COMPARE
            text = self._pair(args[0], "!=", prec, None)
        elif prec is None or op in ("get", "field", "with", "select", "store", "rec"):
            return self._form(node)
        elif op == "ite":
            then = self.text(args[1], expected)
            other = self.text(args[2], expected or args[1].type)
            text = f"if {self.text(args[0])} then {then} else {other}"
        elif op == "not":
            text = f"not {self.text(args[0], None, prec)}"
        elif prec == PREFIX:
            inner = self.text(args[0], expected, PREFIX)
            # a sign before a number belongs to the number
            text = entry.spelling + (
                f"({inner})" if args[0].op == "const" or inner.startswith("-") else inner
            )
        elif op in ("and", "or"):
            text = f" {op} ".join(self.text(a, None, prec + 1) for a in args)
        elif op == "member":
            element = self.text(args[1], args[1].type, prec + 1)
            text = f"{element} in {self.text(args[0], None, prec + 1)}"
        else:
            text = self._pair(node, entry.spelling, prec, expected if prec > COMPARE else None)
        return f"({text})" if prec < least else text

    def _pair(self, node: Expr, sign: str, prec: int, expected: Type | None) -> str:
        a, b = node.args
        # comparisons do not chain; shift amounts have a type of their own
        left = self.text(a, expected, prec + 1 if prec == COMPARE else prec)
        right = self.text(b, None if node.op in ("shl", "shr") else a.type, prec + 1)
        return f"{left} {sign} {right}"

    def _form(self, node: Expr) -> str:
        """Operators that are written as functions or behind their operand."""
        op, args = node.op, node.args
        own = type_text(node.type, self.names.types) if op in ("wrap", "narrow", "fill", "rec") else ""
        if op == "rec":
            assert isinstance(node.type, Record)
            fields = zip(node.type.fields, args, strict=True)
            return f"new {own}{{{', '.join(f'{name_text(n)}: {self.text(a, t)}' for (n, t), a in fields)}}}"
        if own:
            return f"{op}[{own}]({self.text(args[0])})"
        first = self.text(args[0], None, POSTFIX)
        if op == "get":
            return f"{first}!"
        if op == "field":
            return f"{first}->{name_text(node.data)}"
        if op == "with":
            return f"{first}{{{name_text(node.data)} := {self.text(args[1], args[1].type)}}}"
        if op in ("select", "store"):
            value = f" := {self.text(args[2], args[2].type)}" if op == "store" else ""
            return f"{first}[{self.text(args[1], args[1].type)}{value}]"
        rest = "".join(f", {self.text(a, a.type)}" for a in args[1:])
        return f"{op}({self.text(args[0])}{rest})"
