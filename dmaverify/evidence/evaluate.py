"""Expressions of event clauses, evaluated on plain values with a third truth value.

This is the second meaning of a monitor's text: the compiler turns the same syntax tree into updates and
checks of a System. The two share the parser and the checker and nothing else, so that one can be held against
the other.

``ABSENT`` spreads through every operation, except where the other operands decide alone (``false and x``):
Kleene's logic. This file has names, fields, calls and conversions; ``operators``, ``forms`` and ``domains``
have the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from dmaverify.evidence.tables import Scalar, Table
from dmaverify.evidence.values import ABSENT, Stretch, default, known, show, wrap
from dmaverify.evidence.world import MAX_PIECES, World
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import (
    AttrRef,
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
    PlaceField,
    RegionSym,
    TypeSym,
    arrange,
)

Env = dict[tuple[int, str], Any]
"""Values of locals by the key of their symbol."""

MAX_DEPTH = 60
"""How deep funcs may call each other before the judge gives up on the value (the checker refuses recursion).
"""

_UNSET = object()

Handler = Callable[["Evaluator", Any, Env], Any]
HANDLERS: dict[type, Handler] = {}
"""What evaluates each kind of expression."""

H = TypeVar("H", bound=Handler)


def evaluates(*kinds: type) -> Callable[[H], H]:
    """Registers a function for kinds of expressions."""

    def register(handler: H) -> H:
        for kind in kinds:
            HANDLERS[kind] = handler
        return handler

    return register


class Evaluator:
    """Evaluates expressions against a world and the ghosts of the monitors.

    ``env`` has the arguments of the monitor, by the keys of its parameters.
    """

    def __init__(self, world: World, ghosts: Mapping[GhostSym, Table | Scalar], env: Env | None = None) -> None:
        self.world = world
        self.ghosts = ghosts
        self.env = env or {}
        self.notes: dict[int, Any] = {}
        """What other modules remember about nodes of the syntax tree, by their identity."""
        self._constants: dict[int, Any] = {}
        self._keys: dict[LocalSym, tuple[int, str]] = {}
        self._depth = 0

    # -- entry points

    def value(self, e: ast.Expr, env: Env) -> Any:
        """The value of ``e``, converted where the checker asks for it."""
        handler = HANDLERS.get(type(e))
        if handler is None:
            return ABSENT
        result = handler(self, e, env)
        to = e.conv
        if to is None:
            return result
        if type(result) is int and isinstance(to, sem.IntT | sem.SpaceT):
            return wrap(result, to)
        return self.convert(result, e.ty, to)

    def message(self, message: ast.Message | None, env: Env) -> str:
        """The text with its expressions evaluated."""
        if message is None:
            return ""
        return "".join(p if isinstance(p, str) else show(self.value(p, env), p.conv or p.ty) for p in message.parts)

    def key(self, sym: LocalSym) -> tuple[int, str]:
        """``sym.key``, remembered."""
        found = self._keys.get(sym)
        if found is None:
            found = self._keys[sym] = sym.key
        return found

    def ghost(self, sym: GhostSym) -> Any:
        """What a ghost holds: a value, or the table of a map."""
        held = self.ghosts.get(sym)
        if held is None:
            return ABSENT
        return held.value if isinstance(held, Scalar) else held

    # -- elements and conversions

    def elements(self, value: Any, ty: sem.SemType) -> Iterable[Any] | None:
        """What a set, range, extent or list iterates over, in order; None if that cannot be told."""
        if value is None:
            return ()
        if not known(value):
            return None
        of = ty.of if isinstance(ty, sem.IterT | sem.SetT | sem.ListT | sem.OptT) else ty
        if isinstance(value, Stretch):
            if isinstance(of, sem.IndexT) and of.is_partition:
                pieces = self.world.between(of, value.lo, value.hi)
                return None if pieces is ABSENT else pieces
            return range(value.lo, value.hi) if value.hi - value.lo <= MAX_PIECES else None
        if isinstance(value, frozenset):
            return None if not all(map(known, value)) else self.in_order(value, of)
        if isinstance(ty, sem.RecordT) and ty.extent_of is not None:
            return self._pieces(ty.extent_of, *value)
        return list(value) if isinstance(value, tuple) else [value]

    def in_order(self, values: Iterable[Any], ty: sem.SemType) -> list[Any]:
        """Values of one type, as the language orders them."""
        if isinstance(ty, sem.EnumT | sem.IndexT):
            all_values = None if isinstance(ty, sem.IndexT) and ty.kind == "blocks" else self.world.everything(ty)
            if all_values is not None and not isinstance(all_values, range):
                place = {v: n for n, v in enumerate(all_values)}
                return sorted(values, key=lambda v: place.get(v, -1))
        try:
            return sorted(values)
        except TypeError:  # records with a null inside
            return sorted(values, key=str)

    def _pieces(self, index: sem.IndexT, first: Any, count: int) -> list[Any] | None:
        if count > MAX_PIECES:
            return None
        if not index.is_partition:
            return list(range(first, first + count))
        pieces, at = [], first
        for _ in range(count):
            pieces.append(at)
            size = self.world.size(index, at)
            if size is ABSENT:
                return None
            at += size
        return pieces

    def convert(self, value: Any, ty: sem.SemType, to: sem.SemType) -> Any:
        """A value of type ``ty`` as one of type ``to``; see the table of the checker's contract."""
        if value is ABSENT:
            return value
        if isinstance(to, sem.OptT):
            return value if value is None else self.convert(value, sem.strip(ty), to.of)
        if value is None:
            return frozenset() if isinstance(to, sem.SetT) else ABSENT
        if isinstance(ty, sem.OptT):
            return self.convert(value, ty.of, to)
        if isinstance(to, sem.SetT):
            if isinstance(value, frozenset | Stretch):
                return value
            items = self.elements(value, ty)
            return ABSENT if items is None else frozenset(items)
        if isinstance(value, Stretch) and isinstance(ty, sem.PlaceT):
            return self.piece(value.lo, to) if isinstance(to, sem.IndexT) else value.lo
        if isinstance(ty, sem.TupleT) and isinstance(to, sem.TupleT | sem.RecordT) and isinstance(value, tuple):
            wanted = to.items if isinstance(to, sem.TupleT) else [f.ty for f in to.fields.values()]
            parts = zip(value, ty.items, wanted, strict=True)
            return tuple(v if a == b else self.convert(v, a, b) for v, a, b in parts)
        return wrap(value, to) if type(value) is int else value

    def piece(self, address: Any, index: sem.IndexT) -> Any:
        """The piece of memory that an address lies in; an index of another kind: the number itself."""
        if not index.is_partition:
            values = self.world.everything(index)
            return address if values is None or address in values else ABSENT
        at = self.world.at(index, address)
        return ABSENT if at is None else at

    # -- names

    def meaning(self, ref: Any, env: Env) -> Any:
        """The value of what a name refers to."""
        if isinstance(ref, LocalSym):
            key = self._keys.get(ref) or self.key(ref)
            found = env.get(key, _UNSET)
            return self.env.get(key, ABSENT) if found is _UNSET else found
        if isinstance(ref, GhostSym):
            return self.ghost(ref)
        if isinstance(ref, EnumCase):
            return ref.name
        if isinstance(ref, FlagMember):
            return frozenset([ref.name])
        if isinstance(ref, DeviceSym | RegionSym):
            return ref.name
        if isinstance(ref, TypeSym):
            values = self.world.everything(ref.ty)
            return ABSENT if values is None else frozenset(values)
        if isinstance(ref, ConstSym | ParamSym | OptionSym):
            return self.constant(ref)
        return self.world.place(ref) if isinstance(ref, PlaceField) else ABSENT

    def constant(self, ref: ConstSym | OptionSym | ParamSym) -> Any:
        """A constant, option or param: what the board says, else what its text says."""
        key = id(ref)
        if key not in self._constants:
            said = self.world.constant(ref)
            if said is ABSENT and isinstance(ref, ConstSym) and ref.value is not None:
                said = self.value(ref.value, {})
                if isinstance(ref.ty, sem.MapT) and not isinstance(said, Table):
                    said = Table(said)
            self._constants[key] = said
        return self._constants[key]

    def block_field(self, ref: BlockField, base: Any, ty: sem.SemType) -> Any:
        """What a piece of memory, a range or an index says of itself."""
        if isinstance(base, Stretch):
            ends = {"start": base.lo, "end": base.hi, "size": base.hi - base.lo}
            return {**ends, "first": base.lo, "last": base.hi - 1, "count": base.hi - base.lo}.get(ref.kind, ABSENT)
        if isinstance(base, frozenset | tuple):
            items = self.elements(base, ty)
            if items is None or (ref.kind != "count" and not base):
                return ABSENT
            ordered = list(items)
            return len(ordered) if ref.kind == "count" else ordered[-1 if ref.kind == "last" else 0]
        if not isinstance(ty, sem.IndexT) or not known(base):
            return ABSENT
        start = self.world.start(ty, base)
        if ref.kind == "start" or start is ABSENT:
            return start
        if ref.kind == "parent" and isinstance(ref.index, sem.IndexT):
            return self.piece(start, ref.index)
        if ref.kind == "children" and isinstance(ref.index, sem.IndexT):
            pieces = self.world.inside(ty, base, ref.index)
            return pieces if pieces is ABSENT else tuple(pieces)
        if ref.kind == "region":
            return self.piece(start, ref.ty) if isinstance(ref.ty, sem.IndexT) else ABSENT
        size = self.world.size(ty, base)
        return size if size is ABSENT or ref.kind == "size" else start + size

    # -- calls

    def call_func(self, ref: FuncSym, values: Sequence[Any], given: Sequence[ast.Expr | None] | None = None) -> Any:
        """What a func returns; ``given`` tells which arguments were left off."""
        env: Env = {}
        for i, p in enumerate(ref.params):
            if p.local is None:
                continue
            if i >= len(values) or (given is not None and given[i] is None):
                env[self.key(p.local)] = ABSENT if p.default is None else self.value(p.default, {})
            else:
                env[self.key(p.local)] = values[i]
        if ref.body is None or self._depth >= MAX_DEPTH:
            return ABSENT
        self._depth += 1
        try:
            if isinstance(ref.body, ast.Block):
                from dmaverify.evidence.statements import (
                    run_func,
                )  # statements need expressions, these seldom statements

                return run_func(self, ref.body, env)
            return self.value(ref.body, env)
        finally:
            self._depth -= 1


@evaluates(ast.Name, ast.OptionRef)
def _name(self: Evaluator, e: ast.Name, env: Env) -> Any:
    return self.meaning(e.ref, env)


@evaluates(ast.Field)
def _field(self: Evaluator, e: ast.Field, env: Env) -> Any:
    ref = e.ref
    if isinstance(ref, GhostSym | EnumCase | FlagMember | ConstSym | OptionSym | PlaceField | DeviceSym | RegionSym):
        return self.meaning(ref, env)
    base = self.value(e.base, env)
    if isinstance(ref, BlockField):
        return self.block_field(ref, base, e.base.conv or e.base.ty)
    if base is None or base is ABSENT:
        return ABSENT
    if isinstance(ref, FieldRef):
        return ABSENT if ref.kind == "object" else base[field_place(ref)]
    if isinstance(ref, BitRef):
        number = (base >> ref.bits.lo) & ((1 << ref.bits.width) - 1)
        return bool(number) if ref.bits.width == 1 else number
    if isinstance(ref, AttrRef):
        table = self.constant(ref.const)
        found: Any = table.get((base,)) if isinstance(table, Table) else ABSENT
        if found is ABSENT or ref.field is None:
            return found
        owner = ref.const.ty.of if isinstance(ref.const.ty, sem.MapT) else None
        return found[list(owner.fields).index(ref.field.name)] if isinstance(owner, sem.RecordT) else ABSENT
    return self.call_func(ref, [base]) if isinstance(ref, FuncSym) else ABSENT


@evaluates(ast.Call)
def _call(self: Evaluator, e: ast.Call, env: Env) -> Any:
    ref = e.ref
    if isinstance(ref, FuncSym):
        given = arrange(e, ref.params)
        return self.call_func(ref, [None if a is None else self.value(a, env) for a in given], given)
    arguments = [self.value(a.value, env) for a in e.args]
    if isinstance(ref, EnumCase):
        return (ref.name, *arguments)
    if not all(map(known, arguments)):
        return ABSENT
    if isinstance(ref, CastRef):
        return _cast_to(self, arguments[0], e.args[0].value, ref.ty)
    if isinstance(ref, BuiltinSym) and ref.name in _BUILTINS:
        return _BUILTINS[ref.name](*arguments)
    return ABSENT


@evaluates(ast.Cast)
def _cast(self: Evaluator, e: ast.Cast, env: Env) -> Any:
    value = self.value(e.base, env)
    return _cast_to(self, value, e.base, e.ty) if known(value) else ABSENT


def _cast_to(self: Evaluator, value: Any, source: ast.Expr, to: sem.SemType) -> Any:
    ty = source.conv or source.ty
    if isinstance(value, Stretch):
        value = value.lo
    if isinstance(to, sem.IndexT):
        return self.piece(value, to) if type(value) is int and ty is not to else value
    if isinstance(value, str):
        everything = self.world.everything(ty)
        return ABSENT if everything is None else list(everything).index(value)
    return wrap(int(value), to) if isinstance(value, int) else ABSENT


def field_place(ref: FieldRef) -> int:
    """Where a field stands in the tuple that its record or tuple is."""
    if isinstance(ref.owner, sem.RecordT):
        return list(ref.owner.fields).index(ref.name)
    assert isinstance(ref.owner, sem.TupleT)
    place = ref.owner.position(ref.name)
    return ref.owner.field_names.index(ref.name) if place is None else place


def initial(evaluator: Evaluator, ghost: GhostSym) -> Table | Scalar:
    """What a ghost holds before the first event."""
    of = ghost.ty.of if isinstance(ghost.ty, sem.MapT) else ghost.ty
    first = default(of) if ghost.init is None else evaluator.value(ghost.init, {})
    return Table(first) if isinstance(ghost.ty, sem.MapT) else Scalar(first)


_WORD = (1 << 64) - 1
_BUILTINS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "bit": lambda word, i: bool((word >> i) & 1) if 0 <= i < 64 else False,
    "popcount": lambda n: bin(n & _WORD).count("1") if isinstance(n, int) else len(n),
    "bitlen": lambda n: (n & _WORD).bit_length(),
    "len": len,
    "front": lambda items: items[0] if items else None,
    "empty": lambda items: not items,
}
