"""Operators, records and patterns of constant expressions: one half of ``consteval``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dmaverify.ir import types as ir
from dmaverify.ir.expr import const, mk
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import (
    BitRef,
    EnumCase,
    LocalSym,
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


class NotConstant(Exception):
    """The expression has no value before anything runs; the text says why."""


class Returned(Exception):
    def __init__(self, value: Value) -> None:
        super().__init__()
        self.value = value


class Operators:
    """What needs no names. The other half is ``consteval.Evaluator``."""

    layout: Layout

    def value(self, e: ast.Expr, env: Env | None = None) -> Value:
        """The value of a checked expression where it stands."""
        raise NotImplementedError

    def convert(self, v: Value, src: sem.SemType, dst: sem.SemType) -> Value:
        """A value as one of another type."""
        raise NotImplementedError

    def fill(self, t: sem.MapT, value: Value) -> Value:
        """A map with one value everywhere."""
        raise NotImplementedError

    def named(self, sym: object, env: Env, name: str) -> Value:
        """What a name is worth."""
        raise NotImplementedError

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
        return bool(self.named(p.ref, env, p.name) == v)

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
