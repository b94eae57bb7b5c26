"""Whatever runs over a set: quantifiers, choices, sums, comprehensions; and ranges."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Key, Mode, Truth, Why, plain
from dmaverify.lang.check.convert import element_of
from dmaverify.lang.check.literals import Literals
from dmaverify.lang.symbols import GhostSym, TypeSym, VarSym
from dmaverify.lang.tree import walk


class Quantities(Literals):
    """Rules for what binds names over a set."""

    def condition(self, e: ast.Expr) -> Truth:
        """A condition; names that it binds are in the innermost frame."""
        raise NotImplementedError

    # -- binders
    # --------------------------------------------------------------------------------------------------

    def binder(self, b: ast.Binder, users: list[ast.Node], numbers: bool = False) -> None:
        """Introduces the names of a binder. ``users``: where an index type is looked for if none is
        written."""
        elem: sem.SemType
        if b.domain is not None:
            elem = self.domain(b.domain)
        elif b.type is not None:
            elem = self.checker.resolve(self.scope, b.type)
            if (
                not sem.index_like(elem)
                and not isinstance(elem, sem.ErrorT)
                and not (numbers and isinstance(elem, sem.IntT | sem.SpaceT | sem.BitsT | sem.RecordT))
            ):
                elem = self.error(
                    "DMA027", f"there are too many values of type {elem} to look at each", b.type.span
                )
        else:
            elem = self._from_use(b, users)
        b.ty = elem
        if len(b.names) == 1:
            self.introduce(b.names[0], elem, b, b.span, "loop")
            return
        parts = self.parts(elem)
        if parts is None or len(parts) != len(b.names):
            if not isinstance(elem, sem.ErrorT):
                self.error("DMA053", f"{len(b.names)} names for {plain(elem)}", b.span)
            parts = (sem.ERROR,) * len(b.names)
        for name, t in zip(b.names, parts, strict=True):
            self.introduce(name, t, b, b.span, "loop")

    def parts(self, t: sem.SemType) -> tuple[sem.SemType, ...] | None:
        """What a tuple or record is made of."""
        if isinstance(t, sem.TupleT):
            return t.items
        if isinstance(t, sem.RecordT):
            return tuple(f.ty for f in t.fields.values())
        return None

    def _from_use(self, b: ast.Binder, users: list[ast.Node]) -> sem.SemType:
        name = b.names[0]
        for user in users:
            for n in walk(user):
                if not isinstance(n, ast.Index) or not isinstance(n.base, ast.Name):
                    continue
                for i, at in enumerate(n.indexes):
                    if isinstance(at, ast.Name) and at.name == name:
                        t = self._map_type(n.base.name)
                        if t is not None and i < len(t.keys):
                            return t.keys[i]
        return self.error("DMA025", f"nothing says what {name} runs over", b.span, fix=f"Write  {name} in …")

    def _map_type(self, name: str) -> sem.MapT | None:
        found = self.monitor_part(name)
        if found is None:
            hits = self.checker.scopes.find(self.scope, name)
            found = hits[0] if len(hits) == 1 else None
        t = found.ty if isinstance(found, GhostSym | VarSym) else None
        return t if isinstance(t, sem.MapT) else None

    def restricted(
        self, binders: list[ast.Binder], where: ast.Expr | None, users: list[ast.Node], numbers: bool = False
    ) -> frozenset[Key]:
        """Binders and their ``where``; returns what holds behind it."""
        for b in binders:
            self.binder(b, [*([where] if where is not None else []), *users], numbers)
        return self.condition(where).yes if where is not None else frozenset()

    # -- expressions
    # ----------------------------------------------------------------------------------------------

    def quantifier(self, e: ast.Quant) -> sem.SemType:
        """``all``, ``some``, ``none x in S where c: e``."""
        with self.block():
            facts = self.restricted(e.binders, e.where, [e.body], self.mode is Mode.CLAUSE)
            self.under(facts, e.body)
        return sem.BOOL

    def under(self, facts: frozenset[Key], cond: ast.Expr) -> None:
        """A condition where some facts are known, in a frame of its own."""
        before = self.flow.facts
        self.flow.facts = before | facts
        with self.block():
            self.condition(cond)
        self.flow.facts = before

    def valued(self, facts: frozenset[Key], e: ast.Expr, want: sem.SemType | None = None) -> sem.SemType:
        """A value where some facts are known."""
        before = self.flow.facts
        self.flow.facts = before | facts
        t = self.infer(e, want)
        self.flow.facts = before
        return t

    def choice(self, e: ast.Choice, want: sem.SemType | None) -> sem.SemType:
        """``first|last|one|any x in S where c [: value]``."""
        if e.kind == "any":
            self.may_choose_here(e)
        with self.block():
            facts = self.restricted([e.binder], e.where, [e.value] if e.value is not None else [])
            t = e.binder.ty
            if e.value is not None:
                self.valued(facts, e.value, sem.strip(want) if want else None)
                t = self.settle(e.value)
        if isinstance(t, sem.ErrorT) or e.kind == "one":
            return t  # type: ignore[no-any-return]
        return sem.opt(t)

    def fold(self, e: ast.Fold, want: sem.SemType | None) -> sem.SemType:
        """``count``, ``sum``, ``min``, ``max`` over a set."""
        with self.block():
            facts = self.restricted([e.binder], e.where, [e.value] if e.value is not None else [])
            t = e.binder.ty
            if e.value is not None:
                t = self.valued(facts, e.value, want)
                if isinstance(t, sem.LitT) and isinstance(want, sem.IntT):
                    self.coerce(e.value, want)
                t = self.settle(e.value)
                if isinstance(t, sem.RangeT):
                    self.coerce(e.value, t.promoted)
                    t = t.promoted
        if e.kind == "count":
            if e.value is not None:
                self.error(
                    "DMA053",
                    "count has no value to add up",
                    e.value.span,
                    fix="Write the condition after  where .",
                )
            return sem.U32
        if isinstance(t, sem.ErrorT):
            return t
        ordered = isinstance(t, sem.IntT) or (e.kind != "sum" and isinstance(t, sem.SpaceT | sem.IndexT))
        if not ordered:
            return self.undefined(e.kind, e, t)
        return t  # type: ignore[no-any-return]

    def comprehension(self, e: ast.SetComp, want: sem.SemType | None) -> sem.SemType:
        """``{ e for x in S where c }``."""
        hint = want.of if isinstance(want, sem.SetT) else None
        with self.block():
            facts = self.restricted(e.binders, e.where, [e.value])
            self.valued(facts, e.value, hint)
            t = self.settle(e.value)
        return t if isinstance(t, sem.ErrorT) else sem.SetT(t)

    def any_in(self, e: ast.AnyIn, want: sem.SemType | None) -> sem.SemType:
        """``any in S``."""
        self.may_choose_here(e)
        inner = sem.strip(want) if want is not None else None
        hint = sem.SetT(inner) if inner is not None else None
        t = self.domain(e.domain, hint)
        if isinstance(t, sem.LitT):
            t = element_of(self.settle(e.domain)) or sem.ERROR
        if isinstance(t, sem.ErrorT):
            return t
        if isinstance(e.domain, ast.SetLit):
            surely = bool(e.domain.items)
        else:
            surely = (
                isinstance(e.domain, ast.Name)
                and isinstance(e.domain.ref, TypeSym)
                and not isinstance(t, sem.ObjT)
            )
        return t if surely else sem.opt(t)

    def any_type(self, e: ast.AnyType, want: sem.SemType | None) -> sem.SemType:
        """``any T``; ``any`` alone in a setting."""
        if e.type is None:
            return (
                want
                if want is not None
                else self.error("DMA025", "any what?", e.span, fix="Write  any bool , any u64 …")
            )
        if self.mode is not Mode.CONST:
            self.may_choose_here(e)
        t = self.checker.resolve(self.scope, e.type)
        if not isinstance(t, sem.ErrorT) and (not t.storable or isinstance(t, sem.ObjT)):
            return self.error("DMA027", f"any value of type {t}: there is no such choice", e.span)
        return t

    def may_choose_here(self, e: ast.Expr) -> None:
        """Only what takes steps chooses."""
        if self.mode is not Mode.STEPS:
            self.error("DMA062", f"{self.mode.value} chooses nothing; only what takes steps can", e.span)

    def range(self, e: ast.Range) -> sem.SemType:
        """``a..b``, ``a..=b``, ``a +.. n``."""
        lo = self.infer(e.lo)
        hint = lo if not isinstance(lo, sem.LitT | sem.NullT) and e.op != "+.." else None
        hi = self.infer(e.hi, hint)
        if isinstance(lo, sem.ErrorT) or isinstance(hi, sem.ErrorT):
            return sem.ERROR
        if e.op == "+..":
            return self._from_base(e, lo, hi)
        if isinstance(lo, sem.SpaceT | sem.IndexT) or isinstance(hi, sem.SpaceT | sem.IndexT):
            of = lo if isinstance(lo, sem.SpaceT | sem.IndexT) else hi
            if self.coerce(e.lo, of) and self.coerce(e.hi, of):
                return sem.IterT(of)
            return sem.ERROR
        numbers = sem.IntT | sem.RangeT | sem.LitT
        if not isinstance(lo, numbers) or not isinstance(hi, numbers):
            return self.undefined(e.op, e, lo, hi)
        as_sum = ast.Binary(e.span, "+", e.lo, e.hi, e.span)
        unit = self._unit_of(as_sum, lo, hi)
        if unit == "error":
            return sem.ERROR
        if isinstance(lo, sem.LitT) and isinstance(hi, sem.LitT):
            return sem.IterT(sem.LitT(unit))  # type: ignore[arg-type]
        common = self.common(as_sum, lo, hi)
        if common is None:
            return sem.ERROR
        common = common.with_unit(unit)  # type: ignore[arg-type]
        self.convert_number(e.lo, common)
        self.convert_number(e.hi, common)
        return sem.IterT(common)

    def _from_base(self, e: ast.Range, lo: sem.SemType, hi: sem.SemType) -> sem.SemType:
        if isinstance(lo, sem.SpaceT) and lo.is_address:
            return sem.IterT(lo) if self._offset(e.hi, lo) else sem.ERROR
        if isinstance(lo, sem.IndexT):
            if isinstance(hi, sem.IntT) and hi.unit == "bytes":
                return self.error(
                    "DMA022", f"so many bytes from a {lo}: those are counted, not measured", e.hi.span
                )
            self.number(e.hi, "the length")
            return sem.IterT(lo)
        if isinstance(lo, sem.LitT):
            lo = self.settle(e.lo) if not isinstance(hi, sem.IntT) else hi
            self.coerce(e.lo, lo)
        if isinstance(lo, sem.RangeT):
            self.coerce(e.lo, lo.promoted)
            lo = lo.promoted
        if not isinstance(lo, sem.IntT):
            return self.undefined(e.op, e, lo, hi)
        self.coerce(e.hi, lo, Why("where the range starts", e.lo.span))
        return sem.IterT(lo)
