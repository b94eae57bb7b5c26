"""Values of constant expressions, computed with the operators of the IR itself.

Works on checked trees. Values are those of the IR's types (see ``dmaverify.ir.types``): ordinals for enums
and indexes, None for null, tuples for records. Whatever depends on the model's state is ``NotConstant``, and
so is what C leaves undefined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dmaverify.ir import types as ir
from dmaverify.ir.expr import const, mk
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

Value = Any
Env = dict[tuple[int, str], Value]

OPERATORS = {
    "+": "add",
    "-": "sub",
    "*": "mul",
    "/": "div",
    "%": "rem",
    "&": "band",
    "|": "bor",
    "^": "bxor",
    "<<": "shl",
    ">>": "shr",
}
_DEPTH = 200


class NotConstant(Exception):
    """The expression has no value before anything runs; the text says why."""


class _Returned(Exception):
    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Evaluator:
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
            raise NotConstant(f"{sym.name} has several values")
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
                return self._name(e.ref, env, e.name)
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

    def _name(self, sym: object, env: Env, name: str) -> Value:
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
            return self._name(ref, env, e.name)
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
    # ------------------------------------------------------------------------------------------------

    def _typed(self, e: ast.Expr, env: Env) -> Any:
        t = self.layout.ir_type(e.conv or e.ty)
        return const(self.value(e, env), t)

    def _unary(self, e: ast.Unary, env: Env) -> Value:
        if e.op == "not":
            return not self.value(e.operand, env)
        if e.op == "-" and isinstance(e.operand, ast.IntLit):
            return -e.operand.value  # the least number of a signed type is no literal without its sign
        return mk("neg" if e.op == "-" else "bnot", (self._typed(e.operand, env),)).value

    def _binary(self, e: ast.Binary, env: Env) -> Value:
        if e.op in ("and", "or", "=>"):
            left = self.value(e.left, env)
            if e.op == "and":
                return bool(left and self.value(e.right, env))
            return (
                bool(left or self.value(e.right, env))
                if e.op == "or"
                else bool(not left or self.value(e.right, env))
            )
        if e.op in ("==", "!="):
            same = self.value(e.left, env) == self.value(e.right, env)
            return same if e.op == "==" else not same
        if e.op in ("<", "<=", ">", ">="):
            a, b = self._typed(e.left, env), self._typed(e.right, env)
            if e.op in (">", ">="):
                a, b = b, a
            return mk("lt" if e.op in ("<", ">") else "le", (a, b)).value
        if e.op in ("in", "not in"):
            return self._in(e, env) == (e.op == "in")
        if e.op == "??":
            left = self.value(e.left, env)
            return left if left is not None else self.value(e.right, env)
        if e.op not in OPERATORS:
            raise NotConstant("it depends on more than constants")
        return self._arithmetic(e, env)

    def _arithmetic(self, e: ast.Binary, env: Env) -> Value:
        left_t = e.left.conv or e.left.ty
        if isinstance(left_t, sem.IndexT):
            n = self.value(e.left, env) + (
                self.value(e.right, env) if e.op == "+" else -self.value(e.right, env)
            )
            return self.convert(n, sem.I64, e.ty) if isinstance(e.ty, sem.IndexT) else n
        a, b = self._typed(e.left, env), self._typed(e.right, env)
        if isinstance(left_t, sem.FlagsT):
            x, y = a.value, b.value
            return {"+": x | y, "|": x | y, "&": x & y, "-": x & ~y, "^": x ^ y}[e.op]
        if e.op in ("/", "%") and b.value == 0:
            raise NotConstant("it divides by zero")
        if e.op in ("<<", ">>") and not 0 <= b.value < a.type.width:
            raise NotConstant(f"it shifts by {b.value}")
        result = mk(OPERATORS[e.op], (a, b))
        target = self.layout.ir_type(e.ty)
        return target.wrap(result.value) if isinstance(target, ir.Int) else result.value

    def _set(self, e: ast.SetLit, env: Env) -> Value:
        values = [self.value(i, env) for i in e.items]
        t = e.ty
        if isinstance(t, sem.FlagsT):
            out = 0
            for v in values:
                out |= v
            return out
        if isinstance(t, sem.SetT) and t.is_mask:
            index = self.layout.ir_type(t.of)
            return sum({1 << ir.ordinal(index, v) for v in values})
        return frozenset(values)

    def _in(self, e: ast.Binary, env: Env) -> bool:
        x = self.value(e.left, env)
        if isinstance(e.right, ast.Range):
            lo, hi = self.value(e.right.lo, env), self.value(e.right.hi, env)
            if e.right.op == "+..":
                hi += lo
            return bool(lo <= x <= hi) if e.right.op == "..=" else bool(lo <= x < hi)
        if isinstance(e.right, ast.SetLit) and isinstance(e.right.ty, sem.SetT):
            return any(self.value(i, env) == x for i in e.right.items)
        t = e.right.conv or e.right.ty
        s = self.value(e.right, env)
        if isinstance(t, sem.FlagsT):
            return bool(x & s == x)
        if isinstance(t, sem.SetT) and t.is_mask:
            return bool(s >> ir.ordinal(self.layout.ir_type(t.of), x) & 1)
        raise NotConstant("it depends on more than constants")

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
        except _Returned as r:
            return r.value
        raise NotConstant(f"{func.name} returns nothing")

    def _block(self, b: ast.Block, env: Env) -> None:
        for s in b.stmts:
            match s:
                case ast.Return() if len(s.values) == 1:
                    raise _Returned(self.value(s.values[0], env))
                case ast.Return():
                    raise _Returned(tuple(self.value(v, env) for v in s.values))
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
    # ---------------------------------------------------------------------------------------

    def _record(self, t: sem.SemType, inits: list[ast.FieldInit], env: Env, base: Value) -> Value:
        if isinstance(t, sem.BitsT):
            word = base if base is not None else 0
            for i in inits:
                bits = t.fields[i.name or ""]
                mask = (1 << bits.width) - 1
                v = (
                    mask
                    if isinstance(i.value, ast.Name) and isinstance(i.value.ref, BitRef)
                    else int(self.value(i.value, env))
                )
                word = word & ~(mask << bits.lo) | (v & mask) << bits.lo
            return word
        given = {i.name: self.value(i.value, env) for i in inits}
        if isinstance(t, sem.TupleT):
            return tuple(
                given.get(n, base[k] if base is not None else None) for k, n in enumerate(t.field_names)
            )
        assert isinstance(t, sem.RecordT)
        out = []
        for k, f in enumerate(t.fields.values()):
            if f.name in given:
                out.append(given[f.name])
            elif base is not None:
                out.append(base[k])
            else:
                out.append(self.field_default(f))
        return tuple(out)

    def field_default(self, f: sem.Field) -> Value:
        """The value of a field that is left out."""
        if f.default is None:
            return self.layout.ir_type(f.ty).default
        v = self.value(f.default)
        return self.fill(f.ty, v) if isinstance(f.ty, sem.MapT) and f.default.ty != f.ty else v

    def match(self, p: ast.Pattern, v: Value, env: Env) -> bool:
        """Whether a value fits a pattern; what it binds is put into ``env``."""
        if isinstance(p, ast.PatWild):
            return True
        if isinstance(p, ast.PatAlt):
            return any(self.match(i, v, env) for i in p.items)
        if isinstance(p, ast.PatLit):
            return bool(self.value(p.value, env) == v)
        if isinstance(p, ast.PatTuple):
            return v is not None and all(self.match(i, x, env) for i, x in zip(p.items, v, strict=True))
        assert isinstance(p, ast.PatName)
        if isinstance(p.ref, LocalSym):
            if v is None and not isinstance(p.ref.ty, sem.OptT):
                return False
            env[p.ref.key] = v
            return True
        if isinstance(p.ref, EnumCase):
            return self._match_case(p, p.ref, v, env)
        return bool(self._name(p.ref, env, p.name) == v)

    def _match_case(self, p: ast.PatName, case: EnumCase, v: Value, env: Env) -> bool:
        enum = case.ty
        assert isinstance(enum, sem.EnumT)
        if v is None:
            return False
        if not enum.has_payload:
            return bool(v == case.ordinal)
        if v[0] != case.ordinal:
            return False
        at = 1
        for c in enum.cases.values():
            if c is case:
                break
            at += len(c.payload)
        return all(self.match(a, v[at + i], env) for i, a in enumerate(p.args or []))
