"""Reads the expressions of the text form.

This takes two steps: a Pratt parser makes a tree of the words, then ``build`` makes typed nodes of it,
handing the expected type down to bare numbers, ``null`` and sets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dmaverify.ir.expr import FALSE, TRUE, Expr, IllTyped, const, input_, raw, var
from dmaverify.ir.ops import OPS, PREFIX
from dmaverify.ir.text_lex import Token
from dmaverify.ir.text_reader import Reader, number_of
from dmaverify.ir.types import BOOL, Enum, Flags, Index, Map, Mask, Record, Type

_INFIX = {e.spelling: e for e in OPS.values() if e.precedence and e.precedence < PREFIX and e.name != "not"}
"""The operators that stand between their operands."""


@dataclass(frozen=True)
class Tree:
    """A read expression without types. ``kind``: an operator, ``name``, ``bare`` (data: how to read it) or
    ``known``."""

    kind: str
    at: Token
    args: tuple[Tree, ...] = ()
    data: object = None
    type: Type | None = None


@dataclass
class Scope:
    """What names stand for."""

    vars: dict[str, Type] = field(default_factory=dict)
    inputs: dict[str, Type] = field(default_factory=dict)
    lets: dict[str, Expr] = field(default_factory=dict)


class ExprReader(Reader):
    """A reader that knows what names stand for and reads expressions."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.scope = Scope()

    # -- expressions ------------------------------------------------------------------------------------

    def expr(self, expected: Type | None = None) -> Expr:
        """A typed expression; ``expected`` is for bare numbers and the like, and nothing is converted to
        it."""
        return self.build(self.tree(), expected)

    def condition(self) -> Expr:
        """An expression of type bool."""
        at = self.here
        e = self.expr(BOOL)
        if e.type != BOOL:
            self.fail(f"expected a condition, this is of type {e.type}", at)
        return e

    def tree(self, least: int = 0) -> Tree:
        """Words of an expression whose operators bind at least that strongly."""
        return self.deeper(lambda: self._tree(least))

    def _tree(self, least: int) -> Tree:
        left = self._prefix()
        while True:
            at = self.here
            if at.kind not in ("sign", "word"):
                return left
            postfix = self._postfix(left)
            if postfix is not None:
                left = postfix
                continue
            negated = at.text == "!="
            entry = OPS["eq"] if negated else _INFIX.get(at.text)
            if entry is None or entry.precedence is None or entry.precedence < least:
                return left
            self.next()
            if entry.name in ("and", "or"):
                parts = [left, self.tree(entry.precedence + 1)]
                while self.take(at.text):
                    parts.append(self.tree(entry.precedence + 1))
                left = Tree(entry.name, at, tuple(parts))
                continue
            right = self.tree(entry.precedence + 1)
            left = Tree(entry.name, at, (right, left) if entry.name == "member" else (left, right))
            if negated:
                left = Tree("not", at, (left,))

    def _postfix(self, left: Tree) -> Tree | None:
        at = self.here
        if self.take("!"):
            return Tree("get", at, (left,))
        if self.take("->"):
            return Tree("field", at, (left,), self.name())
        if self.take("["):
            index = self.tree()
            args = (left, index, self.tree()) if self.take(":=") else (left, index)
            self.expect("]")
            return Tree("store" if len(args) == 3 else "select", at, args)
        if self.take("{"):
            name = self.name()
            self.expect(":=")
            value = self.tree()
            self.expect("}")
            return Tree("with", at, (left, value), name)
        return None

    def _prefix(self) -> Tree:
        at = self.next()
        if at.kind == "number":
            return self._literal(at, 1)
        if at.kind == "name":
            return self._name(at)
        if at.kind not in ("sign", "word"):
            self.fail(f"expected an expression, found {at}", at)
        read = _PREFIXES.get(at.text)
        if read is None:
            self.fail(f"expected an expression, found {at}", at)
        return read(self, at)

    def _literal(self, at: Token, sign: int) -> Tree:
        n, t = number_of(at)
        if t is None:
            return Tree("bare", at, data=sign * n)
        if not t.contains(sign * n):
            self.fail(f"{sign * n} is no value of {t}", at)
        return Tree("known", at, data=const(sign * n, t))

    def _name(self, at: Token) -> Tree:
        if self.sees("::", "#"):
            t = self.types.get(at.text)
            if self.take("::") and isinstance(t, Enum | Flags):
                return Tree("known", at, data=const(self.value(t), t))
            if self.take("#") and isinstance(t, Index):
                return Tree("known", at, data=const(self.value(t), t))
            self.fail(f"{at.text} has no such values", at)
        return Tree("name", at)

    def _read_minus(self, at: Token) -> Tree:
        if self.here.kind == "number":
            return self._literal(self.next(), -1)
        return Tree("neg", at, (self.tree(PREFIX),))

    def _read_if(self, at: Token) -> Tree:
        c = self.tree()
        self.expect("then")
        a = self.tree()
        self.expect("else")
        return Tree("ite", at, (c, a, self.tree()))

    def _read_group(self, at: Token) -> Tree:
        inner = self.tree()
        self.expect(")")
        return inner

    def _read_known(self, at: Token) -> Tree:
        """``<value: type>``: the type stands behind, so the value is read when it is known."""
        begin = self.place
        level = 0
        while level or not self.sees(":"):
            level += 1 if self.sees("{", "[") else -1 if self.sees("}", "]") else 0
            if self.next().kind == "eof":
                self.fail("this value has no type", at)
        self.next()
        t = self.type()
        self.expect(">")
        after, self.place = self.place, begin
        v = self.value(t)
        self.expect(":")
        self.place = after
        return Tree("known", at, data=const(v, t))

    def _read_bare_set(self, at: Token) -> Tree:
        """A set, whose elements are read when its type is known."""
        self.place -= 1
        begin = self.place
        while not self.sees("}"):
            if self.next().kind == "eof":
                self.fail("this set does not end", at)
        self.next()
        return Tree("bare", at, data=range(begin, self.place))

    def _read_leaf(self, at: Token) -> Tree:
        self.expect("(")
        name = self.name()
        self.expect(":")
        t = self.type()
        self.expect(")")
        return Tree("known", at, data=var(name, t) if at.text == "var" else input_(name, t))

    def _read_new(self, at: Token) -> Tree:
        t = self.type()

        def one() -> tuple[str, Tree]:
            name = self.name()
            self.expect(":")
            return name, self.tree()

        fields = self.listed("{", "}", one)
        if not isinstance(t, Record) or [n for n, _ in fields] != [n for n, _ in t.fields]:
            self.fail(f"these are not the fields of {t}", at)
        return Tree("rec", at, tuple(e for _, e in fields), type=t)

    def _read_cast(self, at: Token) -> Tree:
        self.expect("[")
        t = self.type()
        self.expect("]")
        self.expect("(")
        inner = self._read_group(at)
        return Tree(at.text, at, (inner,), type=t)

    def _read_function(self, at: Token) -> Tree:
        return Tree(at.text, at, tuple(self.listed("(", ")", self.tree)))

    # -- typing -----------------------------------------------------------------------------------------

    def build(self, tree: Tree, expected: Type | None) -> Expr:
        """The typed node of a tree."""
        if tree.kind == "known":
            assert isinstance(tree.data, Expr)
            return tree.data
        if tree.kind == "bare":
            return self._bare(tree, expected)
        if tree.kind == "name":
            return self._leaf(tree.at)
        args = self._arguments(tree, expected)
        try:
            t = OPS[tree.kind].check([a.type for a in args], tree.type, tree.data)
        except IllTyped as error:
            self.fail(str(error), tree.at)
        return raw(tree.kind, t, args, tree.data)

    def _bare(self, tree: Tree, expected: Type | None) -> Expr:
        if expected is None:
            self.fail("the type of this value is not known here", tree.at)
        v: object = tree.data
        if isinstance(v, range):
            back, self.place = self.place, v.start
            v = self.value(expected)
            self.place = back
        if not expected.contains(v):
            self.fail(f"this is no value of {expected}", tree.at)
        return const(v, expected)

    def _leaf(self, at: Token) -> Expr:
        name, scope = at.text, self.scope
        if name in scope.lets:
            return scope.lets[name]
        if name in scope.inputs:
            return input_(name, scope.inputs[name])
        if name not in scope.vars:
            self.fail(f"nothing is called {name} here", at)
        return var(name, scope.vars[name])

    def _arguments(self, tree: Tree, expected: Type | None) -> tuple[Expr, ...]:
        op, trees = tree.kind, tree.args
        if (
            op in ("add", "sub", "mul", "div", "rem", "band", "bor", "bxor", "eq", "lt", "le")
            and len(trees) == 2
        ):
            left = self.build(trees[0], expected if op not in ("eq", "lt", "le") else None)
            return left, self.build(trees[1], left.type)
        if op in ("shl", "shr"):
            return self.build(trees[0], expected), self.build(trees[1], None)
        if op in ("neg", "bnot"):
            return (self.build(trees[0], expected),)
        if op == "ite":
            c, a = self.build(trees[0], BOOL), self.build(trees[1], expected)
            return c, a, self.build(trees[2], expected or a.type)
        if op == "rec":
            assert isinstance(tree.type, Record)
            return tuple(self.build(e, t) for e, (_, t) in zip(trees, tree.type.fields, strict=True))
        first = self.build(trees[0], None) if trees else None
        inner: list[Type | None] = []
        if first is not None:
            t = first.type
            if isinstance(t, Map):
                inner = [t.index, t.of]
            elif isinstance(t, Mask):
                inner = [t.index]
            elif isinstance(t, Record) and isinstance(tree.data, str) and tree.data in t.positions:
                inner = [t.field_type(tree.data)]
        inner += [None] * len(trees)
        rest = tuple(self.build(e, t) for e, t in zip(trees[1:], inner, strict=False))
        return rest if first is None else (first, *rest)


_PREFIXES: Mapping[str, Callable[[ExprReader, Token], Tree]] = {
    "-": ExprReader._read_minus,
    "~": lambda r, at: Tree("bnot", at, (r.tree(PREFIX),)),
    "not": lambda r, at: Tree("not", at, (r.tree(OPS["not"].precedence or 0),)),
    "(": ExprReader._read_group,
    "<": ExprReader._read_known,
    "{": ExprReader._read_bare_set,
    "if": ExprReader._read_if,
    "true": lambda r, at: Tree("known", at, data=TRUE),
    "false": lambda r, at: Tree("known", at, data=FALSE),
    "null": lambda r, at: Tree("bare", at),
    "var": ExprReader._read_leaf,
    "input": ExprReader._read_leaf,
    "new": ExprReader._read_new,
    **dict.fromkeys(("wrap", "narrow", "fill"), ExprReader._read_cast),
    **dict.fromkeys(
        ("and", "or", "some", "present", "bitlen", "popcount", "insert", "remove"), ExprReader._read_function
    ),
}
