"""Patterns: what ``is``, ``match`` and ``on`` compare with and take apart."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import plain
from dmaverify.lang.check.coverage import ANY, Pat, Row, missing, useful
from dmaverify.lang.check.quant import Quantities
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import ConstSym, EnumCase, FlagMember, LocalSym
from dmaverify.span import Span


class Patterns(Quantities):
    """Rules for patterns."""

    def pattern(self, p: ast.Pattern, t: sem.SemType, whole: bool = False, binds: bool = True) -> Pat:
        """Checks a pattern against a type and introduces what it binds. ``whole``: a bare name takes a ``T?``
        as it is."""
        p.ty = t
        if isinstance(p, ast.PatWild):
            return ANY
        if isinstance(p, ast.PatAlt):
            return Pat(alternatives=tuple(self.pattern(i, t, whole, binds=False) for i in p.items))
        if isinstance(p, ast.PatLit):
            return self._literal(p, t)
        if isinstance(p, ast.PatTuple):
            return self._tuple(p, t, binds)
        assert isinstance(p, ast.PatName)
        return self._name(p, t, whole, binds)

    def _some(self, t: sem.SemType, inner: Pat) -> Pat:
        return Pat("some", (inner,)) if isinstance(t, sem.OptT) else inner

    def _literal(self, p: ast.PatLit, t: sem.SemType) -> Pat:
        if isinstance(p.value, ast.NullLit):
            p.value.ty = t
            if isinstance(t, sem.OptT):
                return Pat("null")
            if not isinstance(t, sem.ErrorT):
                self.error("DMA024", f"{plain(t)} is never null", p.span)
            return ANY
        inner = sem.strip(t)
        self.infer(p.value, inner)
        self.coerce(p.value, inner)
        value: object = None
        if isinstance(p.value, ast.IntLit):
            value = p.value.value
        elif isinstance(p.value, ast.Unary) and isinstance(p.value.operand, ast.IntLit):
            value = -p.value.operand.value
        elif isinstance(p.value, ast.BoolLit):
            value = str(p.value.value).lower()
        elif isinstance(p.value, ast.Unary) and isinstance(p.value.operand, ast.Name):
            value = f"-{p.value.operand.name}"
        return self._some(t, Pat(str(value)))

    def _tuple(self, p: ast.PatTuple, t: sem.SemType, binds: bool) -> Pat:
        parts = self.parts(sem.strip(t))
        if parts is None or len(parts) != len(p.items):
            if not isinstance(t, sem.ErrorT):
                self.error("DMA053", f"{len(p.items)} values cannot be taken out of {plain(t)}", p.span)
            parts = (sem.ERROR,) * len(p.items)
        args = tuple(self.pattern(i, u, whole=True, binds=binds) for i, u in zip(p.items, parts, strict=True))
        return self._some(t, Pat("tuple", args))

    def _name(self, p: ast.PatName, t: sem.SemType, whole: bool, binds: bool) -> Pat:
        inner = sem.strip(t)
        case = self.case_of(inner, p.name) if isinstance(inner, sem.EnumT | sem.FlagsT) else None
        if isinstance(case, EnumCase):
            return self._some(t, self._case(p, case, binds))
        if p.args is not None:
            if not isinstance(inner, sem.ErrorT):
                cases = inner.cases if isinstance(inner, sem.EnumT) else {}
                self.error(
                    "DMA050", f"{plain(inner)} has no case {p.name}", p.span, fix=suggest(p.name, cases)
                )
            for a in p.args:
                self.pattern(a, sem.ERROR, True, binds)
            return ANY
        if isinstance(case, FlagMember):
            p.ref = case
            return self._some(t, Pat(p.name))
        hits = self.checker.scopes.find(self.scope, p.name) if self.local(p.name) is None else []
        if len(hits) == 1 and isinstance(hits[0], ConstSym) and not isinstance(inner, sem.ErrorT):
            p.ref = hits[0]
            self.checker.use(hits[0], p.span, self.owner)
            if self.checker.type_of(hits[0]) != inner:
                self.error(
                    "DMA020",
                    f"{plain(hits[0].ty)} compared with {plain(inner)}",
                    p.span,
                    notes=[(hits[0].span, "declared here")],
                )
            return self._some(t, Pat(f"constant {p.name}"))
        if isinstance(t, sem.EnumT) and not whole:
            self.error(
                "DMA050",
                f"{t} has no case {p.name}",
                p.span,
                fix=suggest(p.name, t.cases),
                notes=[(t.span, "declared here")],
            )
            return ANY
        if not binds:
            self.error("DMA062", f"{p.name} cannot be bound by one of several patterns", p.span)
            return ANY
        kept = t if whole else inner
        p.ref = LocalSym(p.name, kept, p.span, self.scope.name, p, kind="pattern")
        self.bind(p.ref)
        return ANY if whole else self._some(t, ANY)

    def _case(self, p: ast.PatName, case: EnumCase, binds: bool) -> Pat:
        p.ref = case
        args = p.args or []
        if len(args) != len(case.payload):
            self.error(
                "DMA053",
                f"{case.name} carries {len(case.payload)} value(s), and {len(args)} are taken",
                p.span,
                notes=[(case.span, "declared here")],
            )
        types = [*case.payload, *([sem.ERROR] * len(args))]
        inner = tuple(self.pattern(a, u, whole=True, binds=binds) for a, u in zip(args, types, strict=False))
        return Pat(case.name, inner)

    # -- arms
    # -----------------------------------------------------------------------------------------------------

    def arm(self, patterns: list[ast.Pattern], types: tuple[sem.SemType, ...], span: Span) -> Row:
        """The patterns of one arm; none is ``else``. What they bind is in the innermost frame."""
        if not patterns:
            return (ANY,) * len(types)
        if len(patterns) != len(types):
            self.error("DMA053", f"{len(patterns)} pattern(s) for {len(types)} value(s)", span)
        padded = [*types, *([sem.ERROR] * len(patterns))]
        row = tuple(self.pattern(p, t) for p, t in zip(patterns, padded, strict=False))
        return (*row, *([ANY] * (len(types) - len(row))))[: len(types)]

    def complete(
        self, rows: list[tuple[Row, Span, bool]], types: tuple[sem.SemType, ...], span: Span
    ) -> None:
        """All values are in some arm, and every arm is reached by some value."""
        if any(isinstance(t, sem.ErrorT) for t in types):
            return
        before: list[Row] = []
        for row, where, is_else in rows:
            if not is_else and not useful(before, row, types):
                self.error("DMA054", "this arm is never reached: the ones before it take every value", where)
            before.append(row)
        left = missing(before, types)
        if left is not None:
            what = ", ".join(left)
            self.error(
                "DMA054", f"the match has no arm for {what}", span, fix=f"Add  {what} -> …  or  else -> …"
            )
