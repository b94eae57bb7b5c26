"""From a type as it is written to what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.check.scope import ModuleScope, suggest
from dmaverify.lang.symbols import TypeSym

if TYPE_CHECKING:
    from dmaverify.lang.check.checker import Checker


def resolve(checker: Checker, scope: ModuleScope, node: ast.Type) -> sem.SemType:
    """The type; ``node.ty`` and the ``ref`` of names in it are set. Mistakes are reported, then it is
    ERROR."""
    ty = _resolve(checker, scope, node)
    node.ty = ty
    return ty


def _resolve(checker: Checker, scope: ModuleScope, node: ast.Type) -> sem.SemType:
    diags = checker.diags
    if isinstance(node, ast.TypeName):
        return _named(checker, scope, node)
    if isinstance(node, ast.TypeNullable):
        base = resolve(checker, scope, node.base)
        if isinstance(base, sem.OptT):
            diags.error("DMA028", "T?? is not a type: null is null", node.span)
            return base
        return sem.opt(base)
    if isinstance(node, ast.TypeSet):
        elem = resolve(checker, scope, node.elem)
        if elem is sem.BOOL:
            diags.error("DMA028", "a set of bool is not a type", node.span, fix="Use two variables of type bool.")
            return sem.ERROR
        return elem if isinstance(elem, sem.ErrorT) else sem.SetT(elem)
    if isinstance(node, ast.TypeList):
        elem = resolve(checker, scope, node.elem)
        limit = None if node.limit is None else checker.constant_int(scope, node.limit, 1, 64)
        if node.limit is None:
            diags.error(
                "DMA029",
                "a list says how many elements it has at most",
                node.span,
                fix=f"Write  list max 4 of {elem}",
            )
            return sem.ERROR
        if limit is None or isinstance(elem, sem.ErrorT):
            return sem.ERROR
        return sem.ListT(elem, limit)
    if isinstance(node, ast.TypeMap):
        keys = [resolve(checker, scope, k) for k in node.keys]
        of = resolve(checker, scope, node.value)
        for k, written in zip(keys, node.keys, strict=True):
            if not sem.index_like(k) and not isinstance(k, sem.ErrorT):
                diags.error(
                    "DMA028",
                    f"a {k} cannot be the key of a map: it has no finite set of values",
                    written.span,
                )
                return sem.ERROR
        if isinstance(of, sem.ErrorT) or any(isinstance(k, sem.ErrorT) for k in keys):
            return sem.ERROR
        if not of.storable:
            diags.error("DMA028", f"a {of} cannot be stored in a map", node.value.span)
            return sem.ERROR
        return sem.MapT(tuple(keys), of)
    if isinstance(node, ast.TypeTuple):
        items = tuple(resolve(checker, scope, f.type) for f in node.fields)
        names = tuple(f.name or "" for f in node.fields)
        given = [n for n in names if n]
        if len(set(given)) < len(given):
            diags.error("DMA052", "two places of this tuple have one name", node.span)
        if any(isinstance(t, sem.ErrorT) for t in items):
            return sem.ERROR
        return items[0] if len(items) == 1 else sem.TupleT(items, names if given else ())
    if isinstance(node, ast.TypeRange):
        lo, hi = checker.constant_int(scope, node.lo), checker.constant_int(scope, node.hi)
        if lo is None or hi is None:
            return sem.ERROR
        top = hi if node.inclusive else hi - 1
        if top < lo:
            diags.error("DMA028", "this range has no values", node.span)
            return sem.ERROR
        return sem.RangeT(lo, top)
    assert isinstance(node, ast.TypeEnum)
    enum = sem.EnumT("enum { " + ", ".join(c.name for c in node.cases) + " }", node.span)
    checker.declarer.enum_cases(scope, enum, node.cases, declare=False)
    return enum


def _named(checker: Checker, scope: ModuleScope, node: ast.TypeName) -> sem.SemType:
    number = sem.INTS.get(node.name)
    if number is not None:
        return number.with_unit(node.unit)  # type: ignore[arg-type]
    found: sem.SemType
    if node.name in ("bool", "spinlock"):
        found = sem.BOOL if node.name == "bool" else sem.LOCK
    else:
        hits = checker.scopes.find(scope, node.name)
        types = [h for h in hits if isinstance(h, TypeSym)]
        if not types:
            _unknown(checker, scope, node, bool(hits))
            return sem.ERROR
        if len(types) > 1:
            checker.diags.error(
                "DMA051",
                f"{node.name} is a type of {types[0].module} and of {types[1].module}",
                node.span,
                notes=[(t.span, f"in {t.module}") for t in types],
            )
            return sem.ERROR
        node.ref = types[0]
        checker.use(types[0], node.span)
        found = types[0].ty
    if node.unit is not None:
        checker.diags.error("DMA022", f"only an integer type counts {node.unit}", node.span)
        return sem.ERROR
    return found


def _unknown(checker: Checker, scope: ModuleScope, node: ast.TypeName, otherwise: bool) -> None:
    names = [
        n for m in checker.scopes.modules.values() for n, s in m.symbols.items() if isinstance(s, TypeSym)
    ]
    checker.diags.error(
        "DMA050",
        f"{node.name} is not a type" if otherwise else f"there is no type {node.name} here",
        node.span,
        fix=suggest(node.name, [*names, *sem.INTS, "bool", "spinlock", "Region", "Device"]),
    )
