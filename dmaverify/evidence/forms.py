"""Literals, branches, and everything that goes through a set."""

from __future__ import annotations

from typing import Any

from dmaverify.evidence.domains import bindings
from dmaverify.evidence.evaluate import Env, Evaluator, evaluates
from dmaverify.evidence.patterns import match, match_all
from dmaverify.evidence.tables import Table
from dmaverify.evidence.values import ABSENT, Stretch, default, known, wrap
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import BitRef, local_key


@evaluates(ast.IntLit, ast.BoolLit)
def _literal(self: Evaluator, e: ast.IntLit, env: Env) -> Any:
    return e.value


@evaluates(ast.NullLit)
def _null(self: Evaluator, e: ast.NullLit, env: Env) -> Any:
    return None


@evaluates(ast.NonNull, ast.UnitOf)
def _same(self: Evaluator, e: ast.NonNull, env: Env) -> Any:
    value = self.value(e.base, env)
    return ABSENT if value is None else value


@evaluates(ast.Index)
def _index(self: Evaluator, e: ast.Index, env: Env) -> Any:
    table = self.value(e.base, env)
    if isinstance(table, Table):
        return table.get(tuple([self.value(i, env) for i in e.indexes]))
    return ABSENT


@evaluates(ast.IsPattern)
def _is(self: Evaluator, e: ast.IsPattern, env: Env) -> Any:
    return match(e.pattern, self.value(e.base, env), env, self)


@evaluates(ast.IfExpr)
def _if(self: Evaluator, e: ast.IfExpr, env: Env) -> Any:
    c = self.value(e.cond, env)
    if c is ABSENT:
        a, b = self.value(e.then, env), self.value(e.orelse, env)
        return a if known(a) and known(b) and a == b else ABSENT
    return self.value(e.then if c else e.orelse, env)


@evaluates(ast.MatchExpr)
def _match(self: Evaluator, e: ast.MatchExpr, env: Env) -> Any:
    values = [self.value(s, env) for s in e.scrutinees]
    for arm in e.arms:
        fits = match_all(arm.patterns, values, env, self)
        if fits is ABSENT:
            return ABSENT
        if fits:
            return self.value(arm.value, env)
    return ABSENT


@evaluates(ast.RecordLit)
def _record(self: Evaluator, e: ast.RecordLit, env: Env) -> Any:
    given = _given(self, e.inits, env)
    if isinstance(e.ty, sem.RecordT):
        found = []
        for n, f in e.ty.fields.items():
            if n in given:
                found.append(given[n])
            else:
                found.append(default(f.ty) if f.default is None else self.value(f.default, {}))
        return tuple(found)
    return _with_bits(e.ty, 0, given) if isinstance(e.ty, sem.BitsT) else ABSENT


def _given(self: Evaluator, inits: list[ast.FieldInit], env: Env) -> dict[str | None, Any]:
    """What is written out; the name of a bit alone sets it."""
    return {
        i.name: -1 if isinstance(i.value, ast.Name) and isinstance(i.value.ref, BitRef) else self.value(i.value, env) for i in inits
    }


def _with_bits(ty: sem.BitsT, word: Any, given: dict[str | None, Any]) -> Any:
    for name, value in given.items():
        bits = ty.fields[str(name)]
        if value is ABSENT or word is ABSENT:
            return ABSENT
        mask = (1 << bits.width) - 1
        word = (word & ~(mask << bits.lo)) | ((int(value) & mask) << bits.lo)
    return wrap(word, ty)


@evaluates(ast.With)
def _with(self: Evaluator, e: ast.With, env: Env) -> Any:
    base = self.value(e.base, env)
    given = _given(self, e.inits, env)
    if isinstance(e.ty, sem.BitsT):
        return _with_bits(e.ty, base, given)
    if not isinstance(base, tuple) or not isinstance(e.ty, sem.RecordT):
        return ABSENT
    return tuple(given.get(n, v) for n, v in zip(e.ty.fields, base, strict=True))


@evaluates(ast.TupleLit, ast.ListLit)
def _tuple(self: Evaluator, e: ast.TupleLit, env: Env) -> Any:
    return tuple([self.value(i, env) for i in e.items])


@evaluates(ast.SetLit)
def _set(self: Evaluator, e: ast.SetLit, env: Env) -> Any:
    items: list[Any] = []
    for item in e.items:
        value = self.value(item, env)
        if not known(value):
            return ABSENT
        items.extend(value if isinstance(value, frozenset) else [value])
    return frozenset(items)


@evaluates(ast.SetComp)
def _comprehension(self: Evaluator, e: ast.SetComp, env: Env) -> Any:
    items = []
    for inner, sure in bindings(self, e.binders, e.where, env):
        value = self.value(e.value, inner)
        if not sure or not known(value):
            return ABSENT
        items.append(value)
    return frozenset(items)


@evaluates(ast.Quant)
def _quant(self: Evaluator, e: ast.Quant, env: Env) -> Any:
    body: ast.Expr | None = e.body
    if e.kind == "all":
        body = e.body.left if isinstance(e.body, ast.Binary) and e.body.op == "=>" else None
    unknown = False
    for inner, sure in bindings(self, e.binders, e.where, env, body):
        value = self.value(e.body, inner)
        if value is (e.kind == "all"):
            continue
        if value is ABSENT or not sure:
            unknown = True
        else:
            return e.kind == "some"
    return ABSENT if unknown else e.kind != "some"


@evaluates(ast.Choice)
def _choice(self: Evaluator, e: ast.Choice, env: Env) -> Any:
    found: list[Any] = []
    name = e.binder.names[0]
    for inner, sure in bindings(self, [e.binder], e.where, env):
        item = inner[local_key(e.binder, name)] if e.value is None else self.value(e.value, inner)
        if not sure or not known(item):
            return ABSENT
        found.append(item)
    if e.kind == "any" or (e.kind == "one" and len(found) != 1):
        return ABSENT
    if not found:
        return None
    return found[-1] if e.kind == "last" else found[0]


@evaluates(ast.Fold)
def _fold(self: Evaluator, e: ast.Fold, env: Env) -> Any:
    found: list[Any] = []
    for inner, sure in bindings(self, [e.binder], e.where, env):
        value = 1 if e.value is None else self.value(e.value, inner)
        if not sure or not known(value):
            return ABSENT
        found.append(value)
    if e.kind in ("count", "sum"):
        return wrap(sum(found), e.ty)
    return (min if e.kind == "min" else max)(found, default=ABSENT)


@evaluates(ast.Range)
def _range(self: Evaluator, e: ast.Range, env: Env) -> Any:
    lo, hi = self.value(e.lo, env), self.value(e.hi, env)
    if not known(lo) or not known(hi) or lo is None or hi is None:
        return ABSENT
    if e.op == "+..":
        hi = wrap(lo + hi, e.lo.conv or e.lo.ty)
    elif e.op == "..=":
        hi += 1
    return Stretch(lo, max(lo, hi))


@evaluates(ast.LetExpr)
def _let(self: Evaluator, e: ast.LetExpr, env: Env) -> Any:
    env[local_key(e, e.name)] = self.value(e.value, env)
    return self.value(e.body, env)
