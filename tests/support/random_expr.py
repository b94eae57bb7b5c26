"""Random types, values and well-typed expressions over the whole IR."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from dmaverify.ir.expr import U32, Expr, const, mk, raw, result_type
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
)

PAGE = Index("Page", 3)
SLOT = Index("Slot", 2, ("left", "right"))
AT = Enum("At", ("idle", "found", "done"))
ATTR = Flags("Attr", ("dirty", "valid"))
BUFFER = Record("Buffer", (("page", Opt(PAGE)), ("live", BOOL)))

SMALL_TYPES: tuple[Type, ...] = (
    BOOL,
    Int(1),
    Int(2),
    Int(3, True),
    Range(0, 2),
    Range(-1, 3),
    AT,
    ATTR,
    PAGE,
    SLOT,
    Opt(PAGE),
    Opt(Range(1, 2)),
    BUFFER,
    Map(SLOT, BOOL),
    Map(BOOL, AT),
    Map(SLOT, Opt(PAGE)),
    Mask(PAGE),
)
"""Types of few values, one of every sort."""

CORE_TYPES: tuple[Type, ...] = (BOOL, Int(1), Int(2), Int(2, True), Int(3))

WIDE_TYPES: tuple[Type, ...] = (*SMALL_TYPES, Int(8), Int(32, True), U32, Int(64), Int(64, True), Opt(Int(16)))
"""The same, and numbers of machine width: arithmetic at 64 bits, sign extension, shifts out of range."""

ORDERED = (Int, Range, Index, Enum)
COUNTED = (Int, Range, Enum, Index, Bool, Flags, Mask)


def random_value(rng: random.Random, t: Type) -> Value:
    """A value of any type; for integers the corners are likely."""
    if isinstance(t, Bool):
        return rng.random() < 0.5
    if isinstance(t, Int | Range):
        corners = [n for n in (t.lo, t.lo + 1, -1, 0, 1, t.hi - 1, t.hi) if t.lo <= n <= t.hi]
        return rng.choice(corners) if rng.random() < 0.5 else rng.randint(t.lo, t.hi)
    if isinstance(t, Opt):
        return None if rng.random() < 0.3 else random_value(rng, t.of)
    if isinstance(t, Record):
        return tuple(random_value(rng, f) for _, f in t.fields)
    if isinstance(t, Map):
        return tuple(random_value(rng, t.of) for _ in range(t.index.count))
    return rng.randrange(t.count)


class ExprMaker:
    """Makes random expressions over given leaves.

    ``build`` is ``mk``-like or ``raw``-like: it gets the operator, the arguments, the type and the datum.
    ``types`` are the types that inner expressions may have.
    """

    def __init__(
        self,
        rng: random.Random,
        leaves: Sequence[Expr],
        types: Sequence[Type] = SMALL_TYPES,
        build: Callable[[str, tuple[Expr, ...], Type, object], Expr] | None = None,
    ) -> None:
        self.rng = rng
        self.leaves = list(leaves)
        self.types = list(types)
        self.core = all(isinstance(t, Bool | Int) for t in types)
        self.build = build or (lambda op, args, t, data: mk(op, args, t, data))

    def leaf(self, t: Type) -> Expr:
        """A variable or input of the type where there is one, else mostly a constant."""
        fitting = [e for e in self.leaves if e.type == t]
        if fitting and self.rng.random() < 0.8:
            return self.rng.choice(fitting)
        return const(random_value(self.rng, t), t)

    def some_type(self, *kinds: type[Type]) -> Type:
        """A type for an inner expression, mostly one of which there is a leaf."""
        fitting = [e.type for e in self.leaves if isinstance(e.type, kinds)]
        if fitting and self.rng.random() < 0.75:
            return self.rng.choice(fitting)
        return self.rng.choice([t for t in self.types if isinstance(t, kinds)])

    def expr(self, t: Type, depth: int) -> Expr:
        """An expression of type ``t`` with at most ``depth`` operators above each other."""
        if depth <= 0 or self.rng.random() < 0.15:
            return self.leaf(t)
        op, args, data = self._node(t, depth - 1)
        own = result_type(op, args, t, data)
        assert own == t, (op, own, t)
        return self.build(op, args, own, data)

    def _node(self, t: Type, d: int) -> tuple[str, tuple[Expr, ...], object]:
        options: list[Callable[[], tuple[str, tuple[Expr, ...], object]]] = [
            lambda: ("ite", (self.expr(BOOL, d), self.expr(t, d), self.expr(t, d)), None)
        ]
        for e in self.leaves:
            whole = e.type
            if isinstance(whole, Map) and whole.of == t:
                options.append(lambda m=whole: ("select", (self.expr(m, d), self.expr(m.index, d)), None))  # type: ignore[misc]
            elif isinstance(whole, Record):
                for name, f in whole.fields:
                    if f == t:
                        options.append(lambda r=whole, n=name: ("field", (self.expr(r, d),), n))  # type: ignore[misc]
            elif isinstance(whole, Opt) and whole.of == t:
                options.append(lambda o=whole: ("get", (self.expr(o, d),), None))  # type: ignore[misc]
        options += self._by_type(t, d)
        return self.rng.choice(options)()

    def _by_type(self, t: Type, d: int) -> list[Callable[[], tuple[str, tuple[Expr, ...], object]]]:
        one = self.expr
        rng = self.rng

        def pair(op: str, of: Type) -> tuple[str, tuple[Expr, ...], object]:
            return op, (one(of, d), one(of, d)), None

        if isinstance(t, Bool):
            return self._conditions(d)
        if isinstance(t, Int):
            numeric = [
                lambda: pair(rng.choice(["add", "sub", "mul", "div", "rem", "band", "bor", "bxor"]), t),
                lambda: (rng.choice(["shl", "shr"]), (one(t, d), one(self.some_type(Int), d)), None),
                lambda: (rng.choice(["neg", "bnot"]), (one(t, d),), None),
                lambda: ("wrap", (one(self.some_type(*COUNTED), d),), None),
            ]
            if t == U32:
                numeric.append(lambda: ("bitlen", (one(self.some_type(Int), d),), None))
                numeric.append(lambda: ("popcount", (one(self.some_type(Int, Flags, Mask), d),), None))
            return numeric
        if isinstance(t, Range | Index | Enum):
            return [lambda: ("narrow", (one(self.some_type(Int), d),), None)]
        if isinstance(t, Opt):
            return [lambda: ("some", (one(t.of, d),), None)] * 2
        if isinstance(t, Record):
            name, f = rng.choice(t.fields)
            return [
                lambda: ("rec", tuple(one(ft, d) for _, ft in t.fields), None),
                lambda: ("with", (one(t, d), one(f, d)), name),
            ]
        if isinstance(t, Map):
            return [
                lambda: ("store", (one(t, d), one(t.index, d), one(t.of, d)), None),
                lambda: ("fill", (one(t.of, d),), None),
            ]
        bits = [
            lambda: pair(rng.choice(["band", "bor", "bxor"]), t),
            lambda: ("bnot", (one(t, d),), None),
        ]
        if isinstance(t, Mask):
            element = t.index
            bits.append(lambda: (rng.choice(["insert", "remove"]), (one(t, d), one(element, d)), None))
        return bits

    def _conditions(self, d: int) -> list[Callable[[], tuple[str, tuple[Expr, ...], object]]]:
        one = self.expr
        rng = self.rng

        def compare(op: str, *kinds: type[Type]) -> tuple[str, tuple[Expr, ...], object]:
            t = self.some_type(*kinds)
            return op, (one(t, d), one(t, d)), None

        def present() -> tuple[str, tuple[Expr, ...], object]:
            return "present", (one(self.some_type(Opt), d),), None

        def member() -> tuple[str, tuple[Expr, ...], object]:
            t = self.some_type(Mask)
            assert isinstance(t, Mask)
            return "member", (one(t, d), one(t.index, d)), None

        options = [
            lambda: ("not", (one(BOOL, d),), None),
            lambda: (rng.choice(["and", "or"]), tuple(one(BOOL, d) for _ in range(rng.randint(2, 3))), None),
            lambda: compare("eq", Type),
            lambda: compare("eq", Type),
            lambda: compare(rng.choice(["lt", "le"]), *ORDERED),
        ]
        return options if self.core else [*options, present, member]


def raw_build(op: str, args: tuple[Expr, ...], t: Type, data: object) -> Expr:
    """Builds exactly the node, for ``ExprMaker``."""
    return raw(op, t, args, data)
