"""Values of constant expressions, computed with the operators of the IR itself.

Works on checked trees. Values are those of the IR's types (see ``dmaverify.ir.types``): ordinals for enums
and indexes, None for null, tuples for records. Whatever depends on the model's state is ``NotConstant``, and
so is what C leaves undefined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dmaverify.ir import types as ir
from dmaverify.ir.expr import mk
from dmaverify.lang import ast, sem
from dmaverify.lang.constops import Env, NotConstant, Operators, Returned, Value
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
    LocalSym,
    OptionSym,
    ParamSym,
    PlaceField,
    RegionSym,
    TypeSym,
    arrange,
)

if TYPE_CHECKING:
    from dmaverify.lang.layout import Layout


_DEPTH = 200


class Evaluator(Operators):
    """Computes constants under one choice of params."""

    def __init__(self, layout: Layout, params: Mapping[str, Value]) -> None:
        self.layout = layout
        self.params = params
        self._consts: dict[ConstSym | OptionSym | ParamSym, Value] = {}
        self._busy: set[object] = set()
        self._depth = 0

    # -- symbols
    # --------------------------------------------------------------------------------------------------

    def symbol(self, sym: ConstSym | OptionSym | ParamSym) -> Value:
        """The value of a const, option or param."""
        if sym in self._consts:
            return self._consts[sym]
        if sym in self._busy:
            raise NotConstant(f"{sym.name} is defined by itself")
        if isinstance(sym, ParamSym) and sym.name in self.params:
            return self.params[sym.name]
        value = sym.value
        if value is None and isinstance(sym, ParamSym):
            value = _first(sym)
        if value is None:
            raise NotConstant(f"nothing says what {sym.name} is")
        if isinstance(value, ast.AnyType):
            raise NotConstant(f"{sym.name} may have any value")
        self._busy.add(sym)
        try:
            result = self.value(value)
        finally:
            self._busy.discard(sym)
        if isinstance(sym.ty, sem.MapT) and value.ty != sym.ty:
            result = self.fill(sym.ty, result)
        self._consts[sym] = result
        return result

    def fill(self, t: sem.MapT, value: Value) -> Value:
        """A map with one value everywhere."""
        for key in reversed(t.keys):
            value = (value,) * len(ir.index_values(self.layout.ir_type(key)))
        return value

    # -- expressions
    # ----------------------------------------------------------------------------------------------

    def value(self, e: ast.Expr, env: Env | None = None) -> Value:
        """The value of a checked expression where it stands."""
        self._depth += 1
        try:
            if self._depth > _DEPTH:
                raise NotConstant("it is nested too deeply")
            v = self._value(e, env if env is not None else {})
        except RecursionError:
            raise NotConstant("it is nested too deeply") from None
        finally:
            self._depth -= 1
        return v if e.conv is None else self.convert(v, e.ty, e.conv)

    def convert(self, v: Value, src: sem.SemType, dst: sem.SemType) -> Value:
        """A value as one of another type: what ``conv`` asks for."""
        if isinstance(dst, sem.OptT):
            return None if v is None else self.convert(v, sem.strip(src), dst.of)
        if isinstance(src, sem.OptT):
            if v is None:
                raise NotConstant("it is null")
            src = src.of
        if isinstance(src, sem.PlaceT) and isinstance(v, PlaceField):
            v = self.layout.place(v)[0]
        if isinstance(src, sem.TupleT) and isinstance(v, tuple):
            items = (
                dst.items
                if isinstance(dst, sem.TupleT)
                else [f.ty for f in dst.fields.values()]
                if isinstance(dst, sem.RecordT)
                else []
            )
            return tuple(self.convert(x, a, b) for x, a, b in zip(v, src.items, items, strict=True))
        target = self.layout.ir_type(dst)
        if isinstance(target, ir.Int):
            return target.wrap(int(v))
        if isinstance(target, ir.Range | ir.Index) and isinstance(v, int) and not target.contains(v):
            raise NotConstant(f"{v} is no {dst}")
        return v

    def _value(self, e: ast.Expr, env: Env) -> Value:
        match e:
            case ast.IntLit():
                return e.value
            case ast.BoolLit():
                return e.value
            case ast.NullLit():
                return None
            case ast.Name():
                return self.named(e.ref, env, e.name)
            case ast.OptionRef():
                return self.symbol(e.ref)
            case ast.Field():
                return self._field(e, env)
            case ast.Index():
                return self._index(e, env)
            case ast.Call():
                return self._call(e, env)
            case ast.Cast():
                return self._cast(self.value(e.base, env), e.base, e.ty)
            case ast.UnitOf():
                return self.value(e.base, env)
            case ast.NonNull():
                v = self.value(e.base, env)
                if v is None:
                    raise NotConstant("it is null")
                return v
            case ast.Unary():
                return self._unary(e, env)
            case ast.Binary():
                return self._binary(e, env)
            case ast.IsPattern():
                v = self.value(e.base, env)
                return self.match(e.pattern, v, env)
            case ast.IfExpr():
                return self.value(e.then if self.value(e.cond, env) else e.orelse, env)
            case ast.MatchExpr():
                values = [self.value(s, env) for s in e.scrutinees]
                for arm in e.arms:
                    if all(self.match(p, v, env) for p, v in zip(arm.patterns, values, strict=False)):
                        return self.value(arm.value, env)
                raise NotConstant("no arm fits")
            case ast.RecordLit():
                return self._record(e.ty, e.inits, env, None)
            case ast.With():
                return self._record(e.ty, e.inits, env, self.value(e.base, env))
            case ast.TupleLit():
                return tuple(self.value(i, env) for i in e.items)
            case ast.LetExpr():
                env[id(e), e.name] = self.value(e.value, env)
                return self.value(e.body, env)
            case ast.SetLit():
                return self._set(e, env)
        raise NotConstant("it depends on more than constants")

    def named(self, sym: object, env: Env, name: str) -> Value:
        if isinstance(sym, LocalSym):
            if sym.key not in env:
                raise NotConstant(f"{name} is known only while the model runs")
            return env[sym.key]
        if isinstance(sym, ConstSym | ParamSym):
            return self.symbol(sym)
        if isinstance(sym, EnumCase):
            return self._case(sym, ())
        if isinstance(sym, FlagMember):
            return 1 << sym.bit
        if isinstance(sym, DeviceSym | RegionSym):
            return sym.ordinal
        if isinstance(sym, BitRef):
            return True
        raise NotConstant(f"{name} is known only while the model runs")

    def _case(self, sym: EnumCase, args: tuple[Value, ...]) -> Value:
        enum = sym.ty
        assert isinstance(enum, sem.EnumT)
        if not enum.has_payload:
            return sym.ordinal
        parts: list[Value] = [sym.ordinal]
        for c in enum.cases.values():
            for i, t in enumerate(c.payload):
                parts.append(args[i] if c is sym else self.layout.ir_type(t).default)
        return tuple(parts)

    def _field(self, e: ast.Field, env: Env) -> Value:
        ref = e.ref
        if isinstance(ref, EnumCase | ConstSym | DeviceSym | RegionSym):
            return self.named(ref, env, e.name)
        if isinstance(ref, PlaceField):
            return ref
        if isinstance(ref, FuncSym):
            return self._apply(ref, [self.value(e.base, env)])
        if isinstance(ref, BlockField) and isinstance(e.base, ast.Name) and isinstance(e.base.ref, TypeSym):
            return self._count(e.base.ref.ty, ref)
        base = self.value(e.base, env)
        base_t = e.base.conv or e.base.ty
        if isinstance(ref, FieldRef):
            names = list(base_t.fields) if isinstance(base_t, sem.RecordT) else list(base_t.field_names)
            return base[names.index(ref.name)]
        if isinstance(ref, BitRef):
            part = (base >> ref.bits.lo) & ((1 << ref.bits.width) - 1)
            return bool(part) if ref.bits.width == 1 else part
        if isinstance(ref, AttrRef):
            return self.layout.attribute(ref.const, base, ref.field.name if ref.field is not None else "")
        if isinstance(ref, BlockField):
            return self.layout.block_field(base_t, base, ref)
        raise NotConstant(f"{e.name} is known only while the model runs")

    def _count(self, t: sem.SemType, ref: BlockField) -> Value:
        values = ir.index_values(self.layout.ir_type(t))
        return {"count": len(values), "first": values[0], "last": values[-1]}[ref.kind]

    def _index(self, e: ast.Index, env: Env) -> Value:
        base = e.base
        if isinstance(base, ast.Name) and isinstance(base.ref, ConstSym) and base.ref.from_scenario:
            return self.layout.attribute(base.ref, self.value(e.indexes[0], env), None)
        value = self.value(base, env)
        for i in e.indexes:
            t = i.conv or i.ty
            value = value[ir.ordinal(self.layout.ir_type(t), self.value(i, env))]
        return value

    # -- operators

    def _cast(self, v: Value, e: ast.Expr, t: sem.SemType) -> Value:
        src = e.conv or e.ty
        if isinstance(t, sem.IndexT) and t.is_partition and isinstance(src, sem.SpaceT):
            return self.layout.block_at(t, v)
        return self.convert(v, src, t)

    # -- calls
    # ----------------------------------------------------------------------------------------------------

    def _call(self, e: ast.Call, env: Env) -> Value:
        ref = e.ref
        values = [a.value for a in e.args]
        if isinstance(ref, CastRef):
            return self._cast(self.value(values[0], env), values[0], ref.ty)
        if isinstance(ref, EnumCase):
            return self._case(ref, tuple(self.value(v, env) for v in values))
        if isinstance(ref, FuncSym):
            args = []
            for value, p in zip(arrange(e, ref.params), ref.params, strict=True):
                if value is not None:
                    args.append(self.value(value, env))
                elif p.default is not None:
                    args.append(self.value(p.default))
            return self._apply(ref, args)
        if isinstance(ref, BuiltinSym):
            return self._builtin(ref.name, values, env)
        raise NotConstant("it takes steps")

    def _builtin(self, name: str, values: list[ast.Expr], env: Env) -> Value:
        args = [self.value(v, env) for v in values]
        if name == "min":
            return min(args)
        if name == "max":
            return max(args)
        if name == "bit":
            t = self.layout.ir_type(values[0].conv or values[0].ty)
            return 0 <= args[1] < t.bits and bool(args[0] >> args[1] & 1)
        if name in ("bitlen", "popcount"):
            return mk(name, (self._typed(values[0], env),)).value
        raise NotConstant("it depends on more than constants")

    def _apply(self, func: FuncSym, args: list[Value]) -> Value:
        if func.body is None:
            raise NotConstant(f"nothing says what {func.name} is")
        env: Env = {p.local.key: a for p, a in zip(func.params, args, strict=True) if p.local is not None}
        self._depth += 1
        try:
            if self._depth > _DEPTH:
                raise NotConstant(f"{func.name} calls itself")
            if isinstance(func.body, ast.Block):
                return self._run(func, env)
            return self.value(func.body, env)
        finally:
            self._depth -= 1

    def _run(self, func: FuncSym, env: Env) -> Value:
        try:
            self._block(func.body, env)
        except Returned as r:
            return r.value
        raise NotConstant(f"{func.name} returns nothing")

    def _block(self, b: ast.Block, env: Env) -> None:
        for s in b.stmts:
            match s:
                case ast.Return() if len(s.values) == 1:
                    raise Returned(self.value(s.values[0], env))
                case ast.Return():
                    raise Returned(tuple(self.value(v, env) for v in s.values))
                case ast.Let() if len(s.names) == len(s.values) and s.orelse is None:
                    values = [self.value(v, env) for v in s.values]
                    env.update({(id(n), n.name): v for n, v in zip(s.names, values, strict=True)})
                case ast.If():
                    self._if(s, env)
                case ast.Block():
                    self._block(s, env)
                case _:
                    raise NotConstant("it depends on a func with loops or assignments")

    def _if(self, s: ast.If, env: Env) -> None:
        if self.value(s.cond, env):
            self._block(s.then, env)
        elif isinstance(s.orelse, ast.If):
            self._if(s.orelse, env)
        elif s.orelse is not None:
            self._block(s.orelse, env)

    # -- records and patterns


def _first(sym: ParamSym) -> ast.Expr:
    """The first of a param's values: it stands for all where a layout is asked for that no instance has
    chosen."""
    if isinstance(sym.domain, ast.Range):
        return sym.domain.lo
    if isinstance(sym.domain, ast.SetLit) and sym.domain.items:
        return sym.domain.items[0]
    raise NotConstant(f"{sym.name} may have any value")


__all__ = ["Evaluator", "NotConstant"]
