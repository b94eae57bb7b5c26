"""Expressions of event clauses, evaluated on plain values with a third truth value.

This is the second meaning of a monitor's text: the compiler turns the same syntax tree into updates and checks of a System.
The two share the parser and the checker and nothing else, so that one can be held against the other.

``ABSENT`` spreads through every operation, except where the other operands decide alone (``false and x``): Kleene's logic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from dmaverify.evidence.patterns import match
from dmaverify.evidence.values import ABSENT, default, int_type, show, wrap
from dmaverify.evidence.world import World
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import (
    BitRef,
    BlockField,
    BuiltinSym,
    CastRef,
    ConstSym,
    DeviceSym,
    EnumCase,
    FieldRef,
    FlagMember,
    FuncSym,
    GhostSym,
    LocalSym,
    OptionSym,
    ParamSym,
    RegionSym,
    TypeSym,
    arrange,
    local_key,
)

Env = dict[tuple[int, str], Any]
"""Values of locals by the key of their symbol."""

MAX_DEPTH = 60
"""How deep funcs may call each other before the judge gives up on the value (the checker refuses recursion)."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive numbers, addresses or pieces of memory: ``lo`` to below ``hi``."""

    lo: int
    hi: int


class Table:
    """A total map: its cells as far as they differ from ``rest``, the value of every other cell."""

    def __init__(self, rest: Any) -> None:
        self.rest = rest
        self.cells: dict[Any, Any] = {}

    def get(self, key: Any) -> Any:
        """The cell's value; ABSENT if the key is."""
        return ABSENT if _absent_inside(key) else self.cells.get(key, self.rest)

    def put(self, key: Any, value: Any) -> None:
        """Store; through an absent key any cell may have changed, so nothing is known any more."""
        if _absent_inside(key):
            self.forget()
        else:
            self.cells[key] = value

    def forget(self) -> None:
        """Events were lost: whatever was known may be wrong now."""
        self.cells.clear()
        self.rest = ABSENT


def _absent_inside(value: Any) -> bool:
    return value is ABSENT or (isinstance(value, tuple) and any(_absent_inside(v) for v in value))


class Evaluator:
    """Evaluates expressions against a world and the ghosts of the monitors."""

    def __init__(self, world: World, ghosts: dict[GhostSym, Any]) -> None:
        self.world = world
        self.ghosts = ghosts
        self._constants: dict[int, Any] = {}
        self._depth = 0

    # -- entry points

    def value(self, e: ast.Expr, env: Env) -> Any:
        """The value of ``e``, converted where the checker asks for it."""
        handler = _HANDLERS.get(type(e))
        if handler is None:
            return ABSENT
        result = handler(self, e, env)
        return result if e.conv is None else self._convert(result, e.ty, e.conv)

    def message(self, message: ast.Message | None, env: Env) -> str:
        """The text with its expressions evaluated."""
        if message is None:
            return ""
        return "".join(p if isinstance(p, str) else show(self.value(p, env), p.conv or p.ty) for p in message.parts)

    def bindings(self, binders: list[ast.Binder], where: ast.Expr | None, env: Env) -> Iterator[Env | None]:
        """The environments in which the binders have values that satisfy ``where``.

        Yields None once where it cannot be told which values there are (an absent domain, an undecided condition).
        """
        if not binders:
            if where is None:
                yield env
                return
            fits = self.value(where, env)
            if fits is ABSENT:
                yield None
            elif fits:
                yield env
            return
        first, rest = binders[0], binders[1:]
        domain = self._domain(first, where if not rest else None, env)
        if domain is None:
            yield None
            return
        for item in domain:
            inner = dict(env)
            if len(first.names) == 1:
                inner[local_key(first, first.names[0])] = item
            else:
                for name, part in zip(first.names, item, strict=True):
                    inner[local_key(first, name)] = part
            yield from self.bindings(rest, where, inner)

    # -- domains

    def _domain(self, binder: ast.Binder, where: ast.Expr | None, env: Env) -> Iterable[Any] | None:
        ty = binder.ty
        if binder.domain is not None and not (isinstance(binder.domain, ast.Name) and isinstance(binder.domain.ref, TypeSym)):
            return self.elements(self.value(binder.domain, env), binder.domain.conv or binder.domain.ty)
        if isinstance(ty, sem.IndexT) and ty.is_partition and ty.kind != "region" and where is not None:
            span = self._address_range(binder, where, env)
            if span is ABSENT:
                return None
            if span is not None:
                return self.world.between(ty, span.lo, span.hi)
        values = self.world.everything(ty)
        return values if values is not None else self._touched(ty)

    def _address_range(self, binder: ast.Binder, where: ast.Expr, env: Env) -> Any:
        """``x.start in a +.. n`` as a condition on ``x``: the only pieces that can satisfy ``where``. None: no such condition."""
        for part in _conjuncts(where):
            if (
                isinstance(part, ast.Binary)
                and part.op == "in"
                and isinstance(part.left, ast.Field)
                and isinstance(part.left.ref, BlockField)
                and part.left.ref.kind == "start"
                and isinstance(part.left.base, ast.Name)
                and part.left.base.name in binder.names
            ):
                span = self.value(part.right, env)
                return span if span is ABSENT or isinstance(span, Stretch) else None
        return None

    def _touched(self, ty: sem.SemType) -> list[Any]:
        """All values that some ghost map has a cell for: what was never mentioned has its default everywhere."""
        found: set[Any] = set()
        for ghost, held in self.ghosts.items():
            if isinstance(held, Table) and isinstance(ghost.ty, sem.MapT):
                for place, key_type in enumerate(ghost.ty.keys):
                    if key_type is ty or key_type == ty:
                        found.update(key[place] for key in held.cells)
        return sorted(found, key=str)

    def elements(self, value: Any, ty: sem.SemType) -> Iterable[Any] | None:
        """What a set, range, extent or list iterates over, in order; None if that cannot be told."""
        if value is ABSENT:
            return None
        if isinstance(value, Stretch):
            of = ty.of if isinstance(ty, sem.IterT | sem.SetT) else None
            if isinstance(of, sem.IndexT) and of.is_partition:
                return self.world.between(of, value.lo, value.hi)
            return range(value.lo, value.hi)
        if isinstance(value, frozenset):
            return None if any(_absent_inside(v) for v in value) else sorted(value, key=str)
        if isinstance(value, tuple) and isinstance(ty, sem.RecordT) and ty.extent_of is not None:
            first, count = value
            return None if _absent_inside(value) else self._pieces(ty.extent_of, first, count)
        return list(value)

    def _pieces(self, index: sem.IndexT, first: int, count: int) -> list[int]:
        pieces, at = [], first
        for _ in range(count):
            pieces.append(at)
            at += self.world.size(index, at) if index.is_partition else 1
        return pieces

    # -- conversions

    def _convert(self, value: Any, ty: sem.SemType, to: sem.SemType) -> Any:
        if value is ABSENT or value is None:
            return value
        if isinstance(to, sem.OptT):
            return self._convert(value, sem.strip(ty), to.of)
        if isinstance(to, sem.SetT) and not isinstance(value, frozenset | Stretch):
            items = self.elements(value, ty)
            return ABSENT if items is None else frozenset(items)
        if isinstance(to, sem.IndexT) and to.is_partition and isinstance(ty, sem.PlaceT):
            return self.world.at(to, value)
        return wrap(value, to) if isinstance(value, int) and not isinstance(value, bool) else value

    # -- names

    def name(self, e: ast.Name, env: Env) -> Any:
        """A name by what the checker found it to mean."""
        ref = e.ref
        if isinstance(ref, LocalSym):
            return env.get(ref.key, ABSENT)
        if isinstance(ref, GhostSym):
            return self.ghosts.get(ref, ABSENT)
        if isinstance(ref, EnumCase):
            return ref.name
        if isinstance(ref, FlagMember):
            return frozenset([ref.name])
        if isinstance(ref, DeviceSym | RegionSym):
            return ref.name
        if isinstance(ref, TypeSym):
            values = self.world.everything(ref.ty)
            return ABSENT if values is None else frozenset(values)
        if isinstance(ref, ConstSym | ParamSym):
            return self._constant(ref)
        return ABSENT

    def _constant(self, ref: ConstSym | OptionSym | ParamSym) -> Any:
        key = id(ref)
        if key not in self._constants:
            said = self.world.constant(ref)
            own = ref.value if isinstance(ref, ConstSym) else None
            self._constants[key] = self.value(own, {}) if said is ABSENT and own is not None else said
        return self._constants[key]

    def option(self, e: ast.OptionRef, env: Env) -> Any:
        """An option: what the board sets."""
        return self._constant(e.ref) if isinstance(e.ref, OptionSym) else ABSENT

    def field(self, e: ast.Field, env: Env) -> Any:
        """A field of a record or tuple, a bit field, or what a piece of memory says of itself."""
        ref = e.ref
        if isinstance(ref, GhostSym):
            return self.ghosts.get(ref, ABSENT)
        if isinstance(ref, EnumCase | FlagMember | ConstSym):
            return self.name(ast_name(e, ref), env)
        base = self.value(e.base, env)
        if base is ABSENT or base is None:
            return ABSENT
        if isinstance(ref, FieldRef):
            if ref.kind == "object":
                return ABSENT
            return base[_field_place(ref)]
        if isinstance(ref, BitRef):
            number = (base >> ref.bits.lo) & ((1 << ref.bits.width) - 1)
            return bool(number) if ref.bits.width == 1 else number
        if isinstance(ref, BlockField):
            return self._block_field(ref, base, e.base.conv or e.base.ty)
        if isinstance(ref, FuncSym):
            return self._call_func(ref, [base])
        return ABSENT

    def _block_field(self, ref: BlockField, base: Any, ty: sem.SemType) -> Any:
        if isinstance(base, Stretch):
            return {"first": base.lo, "last": base.hi - 1, "count": base.hi - base.lo}.get(ref.kind, ABSENT)
        if not isinstance(ty, sem.IndexT) or not isinstance(base, int):
            return ABSENT
        if ref.kind == "start":
            return base
        if ref.kind in ("end", "size"):
            size = self.world.size(ty, base)
            return size if ref.kind == "size" else base + size
        if ref.kind == "parent" and isinstance(ref.index, sem.IndexT):
            at = self.world.at(ref.index, base)
            return ABSENT if at is None else at
        if ref.kind == "children":
            return Stretch(base, base + self.world.size(ty, base))
        return ABSENT

    # -- calls

    def call(self, e: ast.Call, env: Env) -> Any:
        """A func, a conversion, a built-in, or an enum case with its payload."""
        ref = e.ref
        if isinstance(ref, FuncSym):
            given = arrange(e, ref.params)
            return self._call_func(ref, [None if a is None else self.value(a, env) for a in given], given)
        arguments = [self.value(a.value, env) for a in e.args]
        if isinstance(ref, EnumCase):
            return (ref.name, *arguments)
        if any(a is ABSENT for a in arguments):
            return ABSENT
        if isinstance(ref, CastRef):
            (value,) = arguments
            if isinstance(ref.ty, sem.IndexT):
                return self._to_index(value, ref.ty)
            return wrap(int(value), ref.ty)
        if isinstance(ref, BuiltinSym) and ref.name in _BUILTINS:
            return _BUILTINS[ref.name](*arguments)
        return ABSENT

    def _to_index(self, value: int, ty: sem.IndexT) -> Any:
        if not ty.is_partition:
            return value
        at = self.world.at(ty, value)
        return ABSENT if at is None else at

    def _call_func(self, ref: FuncSym, values: list[Any], given: list[ast.Expr | None] | None = None) -> Any:
        env: Env = {}
        for i, p in enumerate(ref.params):
            if p.local is None:
                continue
            left_off = i >= len(values) or (given is not None and given[i] is None)
            if left_off:
                env[p.local.key] = ABSENT if p.default is None else self.value(p.default, {})
            else:
                env[p.local.key] = values[i]
        if ref.body is None or self._depth >= MAX_DEPTH:
            return ABSENT
        self._depth += 1
        try:
            if isinstance(ref.body, ast.Block):
                from dmaverify.evidence.statements import run_func  # statements need expressions, and now and then the reverse

                return run_func(self, ref.body, env)
            return self.value(ref.body, env)
        finally:
            self._depth -= 1


def ast_name(e: ast.Field, ref: Any) -> ast.Name:
    """``Enum.case`` or ``module.const`` as the plain name that it means."""
    name = ast.Name(e.span, e.name)
    name.ref, name.ty = ref, e.ty
    return name


def _field_place(ref: FieldRef) -> int:
    if isinstance(ref.owner, sem.RecordT):
        return list(ref.owner.fields).index(ref.name)
    assert isinstance(ref.owner, sem.TupleT)
    place = ref.owner.position(ref.name)
    return ref.owner.field_names.index(ref.name) if place is None else place


def _conjuncts(e: ast.Expr) -> Iterator[ast.Expr]:
    if isinstance(e, ast.Binary) and e.op == "and":
        yield from _conjuncts(e.left)
        yield from _conjuncts(e.right)
    else:
        yield e


_BUILTINS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "bit": lambda word, i: bool((word >> i) & 1) if i >= 0 else False,
    "popcount": lambda n: bin(n & ((1 << 64) - 1)).count("1") if isinstance(n, int) else len(n),
    "bitlen": lambda n: (n & ((1 << 64) - 1)).bit_length(),
}


# -- operators -------------------------------------------------------------------------------------------------------


def _binary(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Binary)
    if e.op in ("and", "or", "=>"):
        return _junction(self, e, env)
    a = self.value(e.left, env)
    if e.op == "??":
        return self.value(e.right, env) if a is None else a
    b = self.value(e.right, env)
    if e.op in ("in", "not in"):
        inside = _contains(self, b, e.right.conv or e.right.ty, a)
        return inside if inside is ABSENT or e.op == "in" else not inside
    if _absent_inside(a) or _absent_inside(b):
        return ABSENT if e.op not in ("==", "!=") else _compare_partly(a, b, e.op)
    if e.op == "within":
        return _within(self, a, e.left.conv or e.left.ty, b, e.right.conv or e.right.ty)
    return _arith(self, e, a, b)


def _junction(self: Evaluator, e: ast.Binary, env: Env) -> Any:
    a = self.value(e.left, env)
    decides = {"and": False, "or": True, "=>": False}[e.op]
    outcome = e.op != "and"
    if a is not ABSENT and a == decides:
        return outcome
    b = self.value(e.right, env)
    if b is not ABSENT and b is outcome:
        return outcome
    return ABSENT if a is ABSENT or b is ABSENT else b


def _compare_partly(a: Any, b: Any, op: str) -> Any:
    """Equality of values with absent parts: different as soon as two known parts are."""
    if isinstance(a, tuple) and isinstance(b, tuple) and len(a) == len(b):
        for x, y in zip(a, b, strict=True):
            if not _absent_inside(x) and not _absent_inside(y) and x != y:
                return op == "!="
    return ABSENT


def _contains(self: Evaluator, whole: Any, ty: sem.SemType, item: Any) -> Any:
    if whole is ABSENT or _absent_inside(item):
        return ABSENT
    if isinstance(whole, Stretch):
        return whole.lo <= item < whole.hi
    if isinstance(item, frozenset) and isinstance(ty, sem.FlagsT):
        return item <= whole
    items = self.elements(whole, ty)
    return ABSENT if items is None else item in set(items)


def _within(self: Evaluator, a: Any, a_ty: sem.SemType, b: Any, b_ty: sem.SemType) -> Any:
    def bytes_of(v: Any, ty: sem.SemType) -> Any:
        if isinstance(ty, sem.IndexT) and isinstance(v, int):
            return Stretch(v, v + self.world.size(ty, v))
        return v

    a, b = bytes_of(a, a_ty), bytes_of(b, b_ty)
    if isinstance(a, Stretch) and isinstance(b, Stretch):
        return b.lo <= a.lo and a.hi <= b.hi
    xs, ys = self.elements(a, a_ty), self.elements(b, b_ty)
    return ABSENT if xs is None or ys is None else set(xs) <= set(ys)


def _arith(self: Evaluator, e: ast.Binary, a: Any, b: Any) -> Any:
    op, ty = e.op, e.ty
    if op in _ORDER:
        if isinstance(e.left.ty, sem.EnumT) and op not in ("==", "!="):
            order = list(e.left.ty.cases)
            a, b = order.index(a), order.index(b)
        return _ORDER[op](a, b)
    if isinstance(a, frozenset):
        other = b if isinstance(b, frozenset) else (frozenset() if b is None else frozenset([b]))
        return a | other if op in ("+", "|") else a - other if op == "-" else a & other
    if op in ("<<", ">>"):
        machine = int_type(ty)
        width = machine.width if machine else 64
        outside = b < 0 or b >= width
        if op == "<<":
            return 0 if outside else wrap(a << b, ty)
        return (-1 if a < 0 else 0) if outside else a >> b
    if op in ("/", "%"):
        if b == 0:
            return ABSENT
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return wrap(quotient if op == "/" else a - b * quotient, ty)
    return wrap(_NUMBERS[op](a, b), ty)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}
_NUMBERS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}


def _unary(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Unary)
    a = self.value(e.operand, env)
    if a is ABSENT:
        return ABSENT
    if e.op == "not":
        return not a
    return wrap(-a if e.op == "-" else ~a, e.ty)


def _index(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Index)
    table = self.value(e.base, env)
    key = tuple(self.value(i, env) for i in e.indexes)
    if isinstance(table, Table):
        return table.get(key)
    return ABSENT


def _is(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.IsPattern)
    return match(e.pattern, self.value(e.base, env), env, self)


def _if(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.IfExpr)
    c = self.value(e.cond, env)
    if c is ABSENT:
        a, b = self.value(e.then, env), self.value(e.orelse, env)
        return a if a is not ABSENT and b is not ABSENT and a == b else ABSENT
    return self.value(e.then if c else e.orelse, env)


def _match(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.MatchExpr)
    values = [self.value(s, env) for s in e.scrutinees]
    for arm in e.arms:
        fits: Any = True
        for pattern, value in zip(arm.patterns, values, strict=False):
            one = match(pattern, value, env, self)
            fits = one if fits is True or one is False else fits
        if fits is ABSENT:
            return ABSENT
        if fits:
            return self.value(arm.value, env)
    return ABSENT


def _record(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.RecordLit)
    given = {i.name: self.value(i.value, env) for i in e.inits}
    if isinstance(e.ty, sem.RecordT):
        return tuple(
            given[n] if n in given else (self.value(f.default, {}) if f.default is not None else default(f.ty))
            for n, f in e.ty.fields.items()
        )
    if isinstance(e.ty, sem.BitsT):
        word = 0
        for name, value in given.items():
            bits = e.ty.fields[str(name)]
            if value is ABSENT:
                return ABSENT
            word |= (int(value) & ((1 << bits.width) - 1)) << bits.lo
        return word
    return ABSENT


def _with(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.With)
    base = self.value(e.base, env)
    if base is ABSENT or not isinstance(e.ty, sem.RecordT):
        return ABSENT
    cells = list(base)
    for init in e.inits:
        cells[list(e.ty.fields).index(str(init.name))] = self.value(init.value, env)
    return tuple(cells)


def _set(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.SetLit)
    items: list[Any] = []
    for item in e.items:
        value = self.value(item, env)
        if value is ABSENT:
            return ABSENT
        items.extend(value if isinstance(value, frozenset) else [value])
    return frozenset(items)


def _comprehension(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.SetComp)
    items = []
    for inner in self.bindings(e.binders, e.where, env):
        value = ABSENT if inner is None else self.value(e.value, inner)
        if value is ABSENT:
            return ABSENT
        items.append(value)
    return frozenset(items)


def _quant(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Quant)
    unknown = False
    for inner in self.bindings(e.binders, e.where, env):
        value = ABSENT if inner is None else self.value(e.body, inner)
        if value is ABSENT:
            unknown = True
        elif value != (e.kind == "all"):
            return e.kind == "some"
    return ABSENT if unknown else e.kind != "some"


def _choice(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Choice)
    found: list[Any] = []
    name = e.binder.names[0]
    for inner in self.bindings([e.binder], e.where, env):
        if inner is None:
            return ABSENT
        found.append(self.value(e.value, inner) if e.value is not None else inner[local_key(e.binder, name)])
    if e.kind == "one":
        return found[0] if len(found) == 1 else ABSENT
    if not found:
        return None
    return found[-1] if e.kind == "last" else found[0]


def _fold(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Fold)
    found: list[Any] = []
    for inner in self.bindings([e.binder], e.where, env):
        value: Any = ABSENT if inner is None else 1 if e.value is None else self.value(e.value, inner)
        if value is ABSENT:
            return ABSENT
        found.append(value)
    if e.kind in ("count", "sum"):
        return wrap(sum(found), e.ty)
    return (min if e.kind == "min" else max)(found, default=ABSENT)


def _range(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Range)
    lo, hi = self.value(e.lo, env), self.value(e.hi, env)
    if lo is ABSENT or hi is ABSENT:
        return ABSENT
    if e.op == "+..":
        hi = lo + hi
    elif e.op == "..=":
        hi += 1
    return Stretch(lo, max(lo, hi))


def _let(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.LetExpr)
    inner = dict(env)
    inner[local_key(e, e.name)] = self.value(e.value, env)
    return self.value(e.body, inner)


def _cast(self: Evaluator, e: ast.Expr, env: Env) -> Any:
    assert isinstance(e, ast.Cast)
    value = self.value(e.base, env)
    return value if value is ABSENT else wrap(int(value), e.ty)


def _same(attribute: str) -> Callable[[Evaluator, Any, Env], Any]:
    """The value of the one sub-expression: units and ``!`` change nothing here."""
    return lambda self, e, env: _not_null(self.value(getattr(e, attribute), env))


def _not_null(value: Any) -> Any:
    return ABSENT if value is None else value


_HANDLERS: dict[type, Callable[[Evaluator, Any, Env], Any]] = {
    ast.IntLit: lambda self, e, env: e.value,
    ast.BoolLit: lambda self, e, env: e.value,
    ast.NullLit: lambda self, e, env: None,
    ast.Name: lambda self, e, env: self.name(e, env),
    ast.OptionRef: lambda self, e, env: self.option(e, env),
    ast.Field: lambda self, e, env: self.field(e, env),
    ast.Call: lambda self, e, env: self.call(e, env),
    ast.Index: _index,
    ast.Binary: _binary,
    ast.Unary: _unary,
    ast.Cast: _cast,
    ast.NonNull: _same("base"),
    ast.UnitOf: _same("base"),
    ast.IsPattern: _is,
    ast.IfExpr: _if,
    ast.MatchExpr: _match,
    ast.RecordLit: _record,
    ast.With: _with,
    ast.SetLit: _set,
    ast.SetComp: _comprehension,
    ast.TupleLit: lambda self, e, env: tuple(self.value(i, env) for i in e.items),
    ast.Quant: _quant,
    ast.Choice: _choice,
    ast.Fold: _fold,
    ast.Range: _range,
    ast.LetExpr: _let,
}
