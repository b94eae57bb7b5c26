"""Conditions, and values that depend on them: what is known where."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Key, Truth, Why, path_key, plain
from dmaverify.lang.check.convert import branches, element_of, misfit
from dmaverify.lang.check.patterns import Patterns

NOTHING: frozenset[Key] = frozenset()


class Conditions(Patterns):
    """Rules for truth."""

    def condition(self, e: ast.Expr) -> Truth:
        """Checks that it is one; what ``is`` binds is in the innermost frame, for where it is true."""
        if isinstance(e, ast.Unary) and e.op == "not":
            with self.block():
                t = self.condition(e.operand)
            e.ty = sem.BOOL
            return Truth(t.no, t.yes)
        if isinstance(e, ast.Binary) and e.op in ("and", "or", "=>"):
            e.ty = sem.BOOL
            return self._junction(e)
        if isinstance(e, ast.IsPattern):
            return self._is(e)
        if isinstance(e, ast.Binary) and e.op in ("==", "!="):
            self.infer(e)
            facts = self._equality_facts(e)
            return Truth(facts, NOTHING) if e.op == "==" and not self._with_null(e) else self._null_facts(e)
        self.infer(e, sem.BOOL)
        self.coerce(e, sem.BOOL, Why("a condition"))
        return Truth()

    def _junction(self, e: ast.Binary) -> Truth:
        before = self.flow.facts
        if e.op == "and":
            a = self.condition(e.left)
            self.flow.facts = before | a.yes
            b = self.condition(e.right)
            self.flow.facts = before
            return Truth(a.yes | b.yes, a.no & b.no)
        with self.block():
            a = self.condition(e.left)
            self.flow.facts = before | (a.no if e.op == "or" else a.yes)
            with self.block():
                b = self.condition(e.right)
        self.flow.facts = before
        return Truth(a.yes & b.yes, a.no | b.no) if e.op == "or" else Truth(NOTHING, a.yes | b.no)

    def _is(self, e: ast.IsPattern) -> Truth:
        t = self.value(e.base)
        if e.base.conv is not None and isinstance(e.base.ty, sem.OptT):
            e.base.conv, t = None, e.base.ty  # known not to be null; asking again is legal
        self.pattern(e.pattern, t)
        e.ty = sem.BOOL
        key = path_key(e.base)
        if not isinstance(t, sem.OptT) or key is None or isinstance(e.pattern, ast.PatWild):
            return Truth()
        is_null = isinstance(e.pattern, ast.PatLit) and isinstance(e.pattern.value, ast.NullLit)
        some = frozenset({key})
        return Truth(NOTHING, some) if is_null else Truth(some, NOTHING)

    def _with_null(self, e: ast.Binary) -> bool:
        return isinstance(e.left, ast.NullLit) or isinstance(e.right, ast.NullLit)

    def _null_facts(self, e: ast.Binary) -> Truth:
        if not self._with_null(e):
            return Truth()
        other = e.right if isinstance(e.left, ast.NullLit) else e.left
        key = path_key(other)
        if key is None:
            return Truth()
        some = frozenset({key})
        return Truth(some, NOTHING) if e.op == "!=" else Truth(NOTHING, some)

    def _equality_facts(self, e: ast.Binary) -> frozenset[Key]:
        found: set[Key] = set()
        for a, b in ((e.left, e.right), (e.right, e.left)):
            key = path_key(a)
            if key is not None and isinstance(a.ty, sem.OptT) and not isinstance(b.ty, sem.OptT | sem.NullT):
                found.add(key)
        return frozenset(found)

    def junction(self, e: ast.Expr) -> sem.SemType:
        """A condition used as a value."""
        with self.block():
            self.condition(e)
        return sem.BOOL

    # -- values that depend on conditions
    # ---------------------------------------------------------------------------

    def if_expr(self, e: ast.IfExpr, want: sem.SemType | None) -> sem.SemType:
        """``if c { a } else { b }``."""
        with self.block():
            truth = self.condition(e.cond)
            self.valued(truth.yes, e.then, want)
        with self.block():
            self.valued(truth.no, e.orelse, want)
        return self.unify(e, want)

    def match_expr(self, e: ast.MatchExpr, want: sem.SemType | None) -> sem.SemType:
        """``match e { p -> v, … }``."""
        types = tuple(self.value(s) for s in e.scrutinees)
        rows = []
        for arm in e.arms:
            with self.block():
                row = self.arm(arm.patterns, types, arm.span)
                rows.append((row, arm.span, not arm.patterns))
                self.infer(arm.value, want)
        self.complete(rows, types, e.span)
        return self.unify(e, want)

    def unify(self, e: ast.Expr, want: sem.SemType | None) -> sem.SemType:
        """One type for all branches."""
        ends = branches(e)
        types = [self.effective(b) for b in ends]
        if any(isinstance(t, sem.ErrorT) for t in types):
            return sem.ERROR
        if want is not None and not isinstance(want, sem.LitT) and all(self._fits(b, want) for b in ends):
            for b in ends:
                self.coerce(b, want)
            return want
        known = [t for t in types if not _open(t)]
        if not known:
            return types[0] if all(t == types[0] for t in types) else self._joined_literals(types)
        best = known[0]
        for t in known[1:]:
            if misfit(best, t) is None:
                best = t
            elif misfit(t, best) is not None:
                return self._clash(ends, want, best, ends[types.index(t)])
        for b, t in zip(ends, types, strict=True):
            if _open(t) and not isinstance(t, sem.NullT) and not self._fits(b, best):
                return self._clash(ends, want, best, b)
        if any(isinstance(t, sem.NullT) for t in types):
            best = sem.opt(best)
        for b in ends:
            if not self.coerce(b, best):
                return sem.ERROR
        return best

    def _clash(
        self, ends: list[ast.Expr], want: sem.SemType | None, best: sem.SemType, bad: ast.Expr
    ) -> sem.ErrorT:
        """Branches that have no type in common: what is wanted says which one is wrong."""
        if want is not None and any(self._fits(b, want) for b in ends):
            for b in ends:
                self.coerce(b, want)
            return sem.ERROR
        t = self.effective(bad)
        return self.error("DMA020", f"one branch is {plain(best)}, another {plain(t)}", bad.span)

    def _fits(self, b: ast.Expr, want: sem.SemType) -> bool:
        t = self.effective(b)
        if isinstance(t, sem.NullT):
            return isinstance(want, sem.OptT)
        if isinstance(t, sem.LitT):
            inner = sem.strip(want)
            unit = (
                inner.unit
                if isinstance(inner, sem.IntT)
                else inner.base.unit
                if isinstance(inner, sem.SpaceT)
                else None
            )
            return isinstance(inner, sem.IntT | sem.SpaceT | sem.RangeT) and t.unit in (None, unit)
        if _open(t):
            return isinstance(sem.strip(want), sem.SetT)
        return misfit(t, want) is None

    def _joined_literals(self, types: list[sem.SemType]) -> sem.SemType:
        units = {t.unit for t in types if isinstance(t, sem.LitT)} - {None}
        if all(isinstance(t, sem.LitT) for t in types) and len(units) <= 1:
            return sem.LitT(units.pop() if units else None)
        return types[0]

    # -- membership
    # -----------------------------------------------------------------------------------------------

    def membership(self, e: ast.Binary) -> sem.SemType:
        """``x in S``, ``x not in S``, ``A within B``."""
        if e.op == "within":
            return self._within(e)
        if isinstance(e.right, ast.SetLit):
            t = self.infer(e.left)
            typed = not isinstance(t, sem.LitT | sem.NullT | sem.ErrorT)
            right = self.infer(
                e.right, None if not typed else t if isinstance(t, sem.FlagsT) else sem.SetT(sem.strip(t))
            )
        else:
            right = self.infer(e.right)
            t = self.infer(e.left, right if isinstance(right, sem.FlagsT) else element_of(right))
        if isinstance(right, sem.FlagsT):
            self.coerce(e.left, right)
            return sem.BOOL
        if isinstance(t, sem.FlagsT) and isinstance(e.right, ast.SetLit):
            self.coerce(e.right, t)
            return sem.BOOL
        of_left = None if isinstance(t, sem.LitT | sem.NullT) else sem.strip(t)
        if isinstance(right, sem.PlaceT):
            if isinstance(t, sem.IndexT) and t.is_partition:
                return sem.BOOL
            self.expect(e.left, self.checker.memory_space(self.scope))
            return sem.BOOL
        if isinstance(right, sem.IndexT) and right.is_partition:
            if not (isinstance(t, sem.IndexT) and t.is_partition):
                self.coerce(e.left, self.checker.memory_space(self.scope))
            return sem.BOOL
        if isinstance(right, sem.SetT | sem.IterT) and _open(right):
            self.settle_domain(e.right, of_left)
        elem = element_of(self.effective(e.right))
        if isinstance(right, sem.ErrorT) or isinstance(t, sem.ErrorT):
            return sem.BOOL
        if elem is None:
            self.error("DMA027", f"{plain(right)} has no elements", e.right.span)
            return sem.BOOL
        if isinstance(elem, sem.ErrorT):
            return sem.BOOL
        if (
            isinstance(e.right, ast.Name | ast.Range)
            and isinstance(t, sem.IntT)
            and isinstance(elem, sem.IntT)
        ):
            self._widen_either(e, t, elem)
        else:
            self.coerce(e.left, elem, Why("an element", e.right.span))
        return sem.BOOL

    def _widen_either(self, e: ast.Binary, t: sem.IntT, elem: sem.IntT) -> None:
        if misfit(t, elem) is not None and misfit(elem, t) is None and isinstance(e.right, ast.Range):
            for end in (e.right.lo, e.right.hi):
                self.coerce(end, t)
            e.right.ty = sem.IterT(t)
            return
        self.coerce(e.left, elem, Why("an element", e.right.span))

    def _within(self, e: ast.Binary) -> sem.SemType:
        left, right = self.infer(e.left), self.infer(e.right)
        if isinstance(left, sem.FlagsT) and left == right:
            return sem.BOOL
        a, b = self._covers(left), self._covers(right)
        if isinstance(left, sem.ErrorT) or isinstance(right, sem.ErrorT):
            return sem.BOOL
        if a is None or b is None:
            bad, t = (e.left, left) if a is None else (e.right, right)
            self.error("DMA027", f"{plain(t)} is no stretch or set of anything", bad.span)
        elif a != b and not (_pieces(a) and _pieces(b)):
            self.error("DMA020", f"a stretch of {a} within one of {b}", e.span)
        return sem.BOOL

    def _covers(self, t: sem.SemType) -> sem.SemType | None:
        if isinstance(t, sem.PlaceT) or (isinstance(t, sem.IndexT) and t.is_partition):
            return self.checker.memory_space(self.scope)
        return element_of(t)


def _pieces(t: sem.SemType) -> bool:
    return isinstance(t, sem.SpaceT) or (isinstance(t, sem.IndexT) and t.is_partition)


def _open(t: sem.SemType) -> bool:
    """Whether the type is still to be found."""
    if isinstance(t, sem.SetT | sem.ListT | sem.IterT):
        return isinstance(t.of, sem.NullT | sem.LitT)
    return isinstance(t, sem.NullT | sem.LitT)
