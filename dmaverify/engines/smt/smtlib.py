"""SMT-LIB text: a writer whose terms are printed, and scripts made of them.

Terms share structure; the printed text names what is used more than once (``define-fun``), so that its size is that of the
graph and not of the tree, and a reader can follow it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

from dmaverify.engines.smt.terms import BOOL_SORT, CORE, OPERATORS, ORDER, Sort

_SIMPLE = re.compile(r"[A-Za-z_!%^&*+=<>/-][A-Za-z0-9_!@$%^&*+=<>.?/-]*\Z")
_TAKEN = frozenset({"true", "false", "let", "forall", "exists", "par", "_", "!", "as", "match", "distinct", "xor", *OPERATORS})


def symbol(name: str) -> str:
    """``name`` as an SMT-LIB symbol. Distinct names stay distinct, and none becomes an operator.

    Names that begin with ``$`` or ``?`` are the script's own (``$t3``, ``?0``); such names, and SMT-LIB's, get a mark in front.
    """
    if name in _TAKEN or name.startswith(("$", "?", "bv")):
        name = "~" + name
    elif _SIMPLE.match(name):
        return name
    else:
        name = name.replace("~", "~0")
    return "|" + name.replace("|", "~1").replace("\\", "~2") + "|"


def sort_text(sort: Sort) -> str:
    """The sort as SMT-LIB writes it."""
    return "Bool" if sort == BOOL_SORT else f"(_ BitVec {sort})"


@dataclass(frozen=True, eq=False)
class Text:
    """A term to be printed. Leaves have their text in ``op`` and no arguments."""

    op: str
    args: tuple[Text, ...]
    indices: tuple[int, ...]
    sort: Sort

    @property
    def head(self) -> str:
        """The operator as written."""
        return f"(_ {self.op} {' '.join(map(str, self.indices))})" if self.indices else self.op


class TextWriter:
    """Makes terms that are printed; equal terms are one object."""

    def __init__(self) -> None:
        self._table: dict[tuple[object, ...], Text] = {}

    def _make(self, op: str, args: tuple[Text, ...], indices: tuple[int, ...], sort: Sort) -> Text:
        key = (op, indices, sort, *map(id, args))
        found = self._table.get(key)
        if found is None:
            found = self._table[key] = Text(op, args, indices, sort)
        return found

    def boolean(self, value: bool) -> Text:
        """``true`` or ``false``."""
        return self._make("true" if value else "false", (), (), BOOL_SORT)

    def bits(self, value: int, width: int) -> Text:
        """A bit-vector constant, in hexadecimal where the width allows."""
        value &= (1 << width) - 1
        text = f"#x{value:0{width // 4}x}" if width % 4 == 0 else f"#b{value:0{width}b}"
        return self._make(text, (), (), width)

    def symbol(self, name: str, sort: Sort) -> Text:
        """The free constant of that name."""
        return self._make(symbol(name), (), (), sort)

    def call(self, name: str, args: Sequence[Text], sort: Sort) -> Text:
        """An application of a function that the script defines."""
        return self._make(symbol(name), tuple(args), (), sort)

    def apply(self, op: str, args: Sequence[Text], indices: Sequence[int] = ()) -> Text:
        """An operator applied to terms."""
        return self._make(op, tuple(args), tuple(indices), _sort(op, args, indices))


def _sort(op: str, args: Sequence[Text], indices: Sequence[int]) -> Sort:
    if op == "ite":
        return args[1].sort
    if op in CORE or op in ORDER:
        return BOOL_SORT
    if op == "extract":
        return indices[0] - indices[1] + 1
    if op in ("zero_extend", "sign_extend"):
        return args[0].sort + indices[0]
    if op == "concat":
        return sum(a.sort for a in args)
    return args[0].sort


def _below(root: Text, known: Container[int] = ()) -> tuple[list[Text], dict[int, int]]:
    """Nodes with arguments from the root down to known ones, arguments first, and how often each is used."""
    order: list[Text] = []
    uses: dict[int, int] = {id(root): 1}
    stack: list[tuple[Text, int]] = [(root, 0)]
    while stack:
        node, at = stack.pop()
        if id(node) in known or not node.args:
            continue
        if at == len(node.args):
            order.append(node)
            continue
        stack.append((node, at + 1))
        arg = node.args[at]
        uses[id(arg)] = uses.get(id(arg), 0) + 1
        if uses[id(arg)] == 1:
            stack.append((arg, 0))
    return order, uses


def _plain(node: Text, named: Mapping[int, str], done: dict[int, str]) -> str:
    """The text of a node whose arguments are already in ``done`` or leaves."""
    if not node.args:
        return node.op
    return f"({node.head} {' '.join(named.get(id(a)) or done.get(id(a)) or a.op for a in node.args)})"


def inline(root: Text) -> str:
    """One term as one line; shared parts are bound by nested ``let``."""
    order, uses = _below(root)
    named: dict[int, str] = {}
    done: dict[int, str] = {}
    lets: list[tuple[str, str]] = []
    for node in order:
        text = _plain(node, named, done)
        if uses[id(node)] > 1 and node is not root:
            named[id(node)] = f"?{len(lets)}"
            lets.append((named[id(node)], text))
        else:
            done[id(node)] = text
    result = done.get(id(root), root.op)
    for name, text in reversed(lets):
        result = f"(let (({name} {text})) {result})"
    return result


LONG = 100
"""A term whose text would be longer than this gets a name of its own."""


@dataclass
class Script:
    """An SMT-LIB script under construction. Its text is what solvers are given and what a certificate consists of."""

    lines: list[str] = field(default_factory=list)
    _names: dict[int, str] = field(default_factory=dict)
    _keep: list[Text] = field(default_factory=list)
    _scopes: list[set[int]] = field(default_factory=list)
    _count: int = 0

    def comment(self, text: str) -> None:
        """A line that solvers skip."""
        self.lines.extend(f"; {line}" for line in text.splitlines())

    def declare(self, name: str, sort: Sort) -> None:
        """A free constant."""
        self.lines.append(f"(declare-const {symbol(name)} {sort_text(sort)})")

    def define(self, name: str, params: Sequence[tuple[str, Sort]], body: Text) -> None:
        """A function."""
        inner = " ".join(f"({symbol(n)} {sort_text(s)})" for n, s in params)
        self.lines.append(f"(define-fun {symbol(name)} ({inner}) {sort_text(body.sort)} {inline(body)})")

    def _text(self, root: Text) -> str:
        """The text of a term; parts that are shared or long are defined first, once for each scope."""
        order, uses = _below(root, self._names)
        done: dict[int, str] = {}
        for node in order:
            text = _plain(node, self._names, done)
            if node is not root and (uses[id(node)] > 1 or len(text) > LONG):
                name = f"$t{self._count}"
                self._count += 1
                self.lines.append(f"(define-fun {name} () {sort_text(node.sort)} {text})")
                self._names[id(node)] = name
                self._keep.append(node)
                if self._scopes:
                    self._scopes[-1].add(id(node))
            else:
                done[id(node)] = text
        return self._names.get(id(root)) or done.get(id(root)) or root.op

    def add(self, term: Text) -> None:
        """Assert a condition."""
        text = self._text(term)
        self.lines.append(f"(assert {text})")

    def push(self) -> None:
        """Open a level: what is asserted and named inside ends with it."""
        self.lines.append("(push 1)")
        self._scopes.append(set())

    def pop(self) -> None:
        """Close the latest level."""
        self.lines.append("(pop 1)")
        for key in self._scopes.pop():
            del self._names[key]

    def check(self) -> None:
        """Ask."""
        self.lines.append("(check-sat)")

    def text(self) -> str:
        """The whole script."""
        return "\n".join(self.lines) + "\n"
