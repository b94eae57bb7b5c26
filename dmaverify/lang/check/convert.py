"""What turns into what without being said, and what is said when it does not."""

from __future__ import annotations

from dataclasses import dataclass

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import MEMORY_SPACE
from dmaverify.lang.check.base import Body, Why, every, plain, text_of
from dmaverify.lang.symbols import CastRef, FuncSym
from dmaverify.span import Span


@dataclass
class Misfit:
    """Why one type does not turn into another."""

    code: str
    message: str
    label: str = ""
    fix: str | None = None
    sentence: str | None = None


ADDRESSES_DIFFER = (
    "Each address space counts from its own zero: an offset, a translation or a window lies "
    "between two of them."
)


def misfit(src: sem.SemType, dst: sem.SemType) -> Misfit | None:
    """None if a value of ``src`` may stand where a ``dst`` is wanted."""
    if isinstance(src, sem.ErrorT) or isinstance(dst, sem.ErrorT) or src == dst:
        return None
    if isinstance(dst, sem.OptT):
        return misfit(sem.strip(src), dst.of)
    if isinstance(src, sem.OptT):
        inner = misfit(src.of, dst)
        return inner or Misfit("DMA024", f"this may be null, and {plain(dst)} is wanted", str(src))
    if isinstance(src, sem.PlaceT) and memory_address(dst):
        return None
    if isinstance(src, sem.IntT) and isinstance(dst, sem.IntT):
        return _unit(src.unit, dst.unit, src, dst) or _value(src, dst)
    if isinstance(src, sem.RangeT) and isinstance(dst, sem.IntT):
        return None if dst.holds(src) else _value(src, dst)
    if isinstance(src, sem.IntT | sem.RangeT) and isinstance(dst, sem.RangeT):
        return None
    if isinstance(src, sem.SpaceT) and not src.is_address and isinstance(dst, sem.IntT | sem.RangeT):
        return misfit(src.base, dst)
    if _is_address(src) or _is_address(dst):
        return _space(src, dst)
    if isinstance(src, sem.TupleT) and isinstance(dst, sem.TupleT | sem.RecordT):
        wanted = dst.items if isinstance(dst, sem.TupleT) else tuple(f.ty for f in dst.fields.values())
        if len(wanted) == len(src.items):
            for a, b in zip(src.items, wanted, strict=True):
                inner = misfit(a, b)
                if inner is not None:
                    return inner
            return None
    if isinstance(dst, sem.SetT):
        elem = element_of(src)
        if elem is not None and elem == dst.of and isinstance(src, sem.SetT | sem.IterT | sem.RecordT):
            return None
        if isinstance(src, sem.PlaceT) and isinstance(dst.of, sem.IndexT) and dst.of.is_partition:
            return None
    if isinstance(src, sem.ListT) and isinstance(dst, sem.ListT) and src.of == dst.of:
        return None
    if isinstance(src, sem.IndexT | sem.ObjT | sem.EnumT) and isinstance(dst, sem.IntT):
        return Misfit("DMA020", f"{plain(src)} is no number", str(src), fix_number(src, dst))
    if isinstance(src, sem.IntT | sem.RangeT | sem.LitT) and isinstance(dst, sem.IndexT):
        return Misfit(
            "DMA020",
            f"a number where {plain(dst)} is wanted",
            str(src),
            f"Write  {dst}(…) : it is checked that there is one.",
        )
    return Misfit("DMA020", f"{plain(src)} where {plain(dst)} is wanted", str(src))


def fix_number(src: sem.SemType, dst: sem.SemType) -> str | None:
    """How to get the number of an index value."""
    return f"Write  {dst}(…)  for its number." if isinstance(src, sem.IndexT) else None


def element_of(t: sem.SemType) -> sem.SemType | None:
    """What ``in`` asks about and ``for`` runs over."""
    if isinstance(t, sem.SetT | sem.IterT | sem.ListT):
        return t.of
    if isinstance(t, sem.RecordT):
        return t.extent_of
    return None


def _is_address(t: sem.SemType) -> bool:
    return isinstance(t, sem.SpaceT) and t.is_address


def _unit(a: sem.Unit | None, b: sem.Unit | None, src: sem.SemType, dst: sem.SemType) -> Misfit | None:
    if a == b or a is None:
        return None
    if b is None:
        plain_dst = str(dst)
        return Misfit(
            "DMA022",
            f"{a} where a plain number is wanted",
            str(src),
            f"Write  {plain_dst}(…)  if the number is meant.",
        )
    verb = "are" if b != "order" else "is"
    fix = None
    if (a, b) == ("pages", "bytes"):
        fix = "Write  … << PAGE_SHIFT  for the bytes of so many pages."
    elif (a, b) == ("bytes", "pages"):
        fix = "Write  … >> PAGE_SHIFT  for the whole pages in so many bytes."
    elif (a, b) == ("order", "pages"):
        fix = "Write  1 << …  for the pages of an order."
    return Misfit("DMA022", f"{a} where {b} {verb} wanted", str(src), fix)


def _value(src: sem.IntT | sem.RangeT, dst: sem.IntT) -> Misfit | None:
    if dst.holds(src):
        return None
    target = str(dst.with_unit(None))
    if isinstance(src, sem.IntT) and src.signed != dst.signed and src.width <= dst.width:
        what = f"a signed number where an unsigned one is wanted ({src} to {dst})"
        if not src.signed:
            what = f"an unsigned number where a signed one is wanted ({src} to {dst})"
    else:
        what = f"{plain(src)} may not fit into {plain(dst)}"
    return Misfit(
        "DMA023",
        what,
        str(src),
        f"Write  … as {dst} (checked: the value stays)  or  {target}(…) (cut, as a C cast).",
    )


def _space(src: sem.SemType, dst: sem.SemType) -> Misfit:
    if isinstance(src, sem.SpaceT) and isinstance(dst, sem.SpaceT):
        message = f"{plain(src)} where {plain(dst)} is wanted"
        return Misfit(
            "DMA021",
            message,
            str(src),
            sentence=ADDRESSES_DIFFER if src.is_address and dst.is_address else None,
        )
    if isinstance(dst, sem.SpaceT) and isinstance(src, sem.IntT | sem.RangeT):
        fix = f"Write  {dst}(…)  if the number is an address of that space."
        return Misfit("DMA021", f"a number where an address ({dst}) is wanted", str(src), fix)
    if isinstance(src, sem.SpaceT) and isinstance(dst, sem.IntT):
        fix = (
            f"Write  {dst.with_unit(None)}(…)  for the number; the difference of two addresses is a "
            "number of bytes."
        )
        return Misfit("DMA021", f"an address ({src}) where a number is wanted", str(src), fix)
    return Misfit("DMA020", f"{plain(src)} where {plain(dst)} is wanted", str(src))


class Convert(Body):
    """Conversions of expressions that have a type."""

    def effective(self, e: ast.Expr) -> sem.SemType:
        """The type of an expression as it is used."""
        t = e.conv if e.conv is not None else e.ty
        return t if isinstance(t, sem.SemType) else sem.ERROR

    def coerce(self, e: ast.Expr, dst: sem.SemType, why: Why | None = None) -> bool:
        """Makes the expression a ``dst`` or says why it is none."""
        src = self.effective(e)
        if isinstance(src, sem.ErrorT) or isinstance(dst, sem.ErrorT):
            return True
        if isinstance(src, sem.NullT):
            if isinstance(dst, sem.OptT):
                self.retype_null(e, dst)
                return True
            self.report(e, Misfit("DMA024", f"null where {plain(dst)} is wanted"), dst, why)
            return False
        if isinstance(src, sem.LitT):
            return self.coerce_literal(e, src, dst, why)
        if isinstance(src, sem.SetT) and isinstance(src.of, sem.NullT | sem.LitT):
            return self.coerce_set(e, dst, why)
        if isinstance(e, ast.TupleLit) and isinstance(dst, sem.OptT | sem.TupleT | sem.RecordT):
            return self.coerce_tuple(e, dst, why)
        if isinstance(src, sem.OptT) and not isinstance(dst, sem.OptT) and may_choose(e):
            src = src.of
        m = misfit(src, dst)
        if (
            m is not None
            and m.code == "DMA022"
            and _said(e)
            and isinstance(dst, sem.IntT)
            and dst.unit is None
        ):
            m = None  # `u32(n)` says that the number is meant
        if m is not None:
            self.report(e, m, dst, why)
            return False
        e.conv = None if e.ty == dst else dst
        return True

    def retype_null(self, e: ast.Expr, dst: sem.SemType) -> None:
        """Gives ``null``, alone or at the end of branches, its type."""
        e.ty, e.conv = dst, None
        for branch in branches(e):
            if isinstance(self.effective(branch), sem.NullT):
                self.retype_null(branch, dst)
            else:
                self.coerce(branch, dst)

    def coerce_set(self, e: ast.Expr, dst: sem.SemType, why: Why | None) -> bool:
        """``{}``, and sets of numbers that have no type yet."""
        if isinstance(dst, sem.OptT) and isinstance(dst.of, sem.SetT):
            dst = dst.of
        if isinstance(dst, sem.SetT):
            e.ty = dst
            if isinstance(e, ast.SetLit):
                return every([self.coerce(i, dst.of) for i in e.items])
            if isinstance(e, ast.SetComp):
                return self.coerce(e.value, dst.of)
            return every([self.coerce(b, dst, why) for b in branches(e)])
        if isinstance(dst, sem.FlagsT) and isinstance(e, ast.SetLit) and not e.items:
            e.ty = dst
            return True
        self.report(e, Misfit("DMA020", f"a set where {plain(dst)} is wanted"), dst, why)
        return False

    def coerce_tuple(self, e: ast.TupleLit, dst: sem.SemType, why: Why | None) -> bool:
        """A tuple that is written out, element by element."""
        inner = sem.strip(dst)
        if isinstance(inner, sem.RecordT):
            wanted = tuple(f.ty for f in inner.fields.values())
        elif isinstance(inner, sem.TupleT):
            wanted = inner.items
        else:
            self.report(e, Misfit("DMA020", f"several values where {plain(dst)} is wanted"), dst, why)
            return False
        if len(wanted) != len(e.items):
            self.error("DMA053", f"{len(e.items)} values where {dst} has {len(wanted)}", e.span)
            return False
        ok = every([self.coerce(i, t) for i, t in zip(e.items, wanted, strict=True)])
        e.ty = inner
        e.conv = dst if isinstance(dst, sem.OptT) else None
        return ok

    # -- numbers without a type
    # -----------------------------------------------------------------------------------

    def coerce_literal(self, e: ast.Expr, src: sem.LitT, dst: sem.SemType, why: Why | None) -> bool:
        """A number takes the type that is asked for, if it fits."""
        inner = sem.strip(dst)
        if isinstance(inner, sem.SpaceT):
            base: sem.IntT | sem.RangeT = inner.base
        elif isinstance(inner, sem.IntT | sem.RangeT):
            base = inner
        else:
            m = misfit(sem.I32, inner)
            assert m is not None
            self.report(e, m, dst, why)
            return False
        unit = base.unit if isinstance(base, sem.IntT) else None
        if src.unit is not None and src.unit != unit and not (unit is None and isinstance(inner, sem.RangeT)):
            m = _unit(src.unit, unit, sem.LitT(src.unit), dst)
            assert m is not None
            self.report(e, m, dst, why)
            return False
        ok = self.retype(e, inner)
        e.conv = dst if isinstance(dst, sem.OptT) else e.conv
        return ok

    def retype(self, e: ast.Expr, t: sem.SemType) -> bool:
        """Pushes a number type down into an expression made of numbers only."""
        if not isinstance(e.ty, sem.LitT):
            return self.coerce(e, t)
        computed: sem.SemType = t
        if isinstance(t, sem.RangeT) and not isinstance(e, ast.IntLit | ast.IfExpr | ast.MatchExpr):
            computed = t.promoted
            e.conv = t
        e.ty = computed
        if isinstance(e, ast.IntLit):
            return self.literal_fits(e, e.value, t)
        if isinstance(e, ast.Unary):
            if e.op == "-" and isinstance(e.operand, ast.IntLit):
                e.operand.ty = computed
                return self.literal_fits(e, -e.operand.value, t)
            return self.retype(e.operand, computed)
        if isinstance(e, ast.Binary):
            if e.op in ("<<", ">>"):
                return self.retype(e.left, computed)
            plain_t = computed
            return every([self.retype(x, plain_t) for x in (e.left, e.right) if isinstance(x.ty, sem.LitT)])
        if isinstance(e, ast.UnitOf):
            return self.retype(e.base, computed)
        if isinstance(e, ast.Fold | ast.LetExpr):
            inside = e.body if isinstance(e, ast.LetExpr) else e.value
            return True if inside is None else self.retype(inside, computed)
        return every([self.retype(b, t) for b in branches(e)])

    def literal_fits(self, e: ast.Expr, value: int, t: sem.SemType) -> bool:
        """Whether a number that is written out is a value of the type."""
        limits = t.base if isinstance(t, sem.SpaceT) else t
        if isinstance(limits, sem.IntT | sem.RangeT) and not limits.lo <= value <= limits.hi:
            self.error("DMA026", f"{value} is no {t}: that goes from {limits.lo} to {limits.hi}", e.span)
            return False
        return True

    def settle(self, e: ast.Expr) -> sem.SemType:
        """Gives an expression that nothing asked for a type one of its own."""
        t = self.effective(e)
        if isinstance(t, sem.LitT):
            if t.unit == "bytes":
                self.retype(e, sem.I64.with_unit("bytes"))
            else:
                value = literal_value(e)
                fits = next(
                    (i for i in (sem.I32, sem.I64, sem.U64) if value is None or i.lo <= value <= i.hi),
                    sem.I64,
                )
                self.retype(e, fits.with_unit(t.unit))
        elif isinstance(t, sem.NullT):
            e.ty = self.error(
                "DMA025",
                "nothing says of which type this null is",
                e.span,
                fix="Write the type behind the name:  let p: Page? = null",
            )
        elif isinstance(t, sem.SetT) and isinstance(t.of, sem.NullT):
            e.ty = self.error("DMA025", "nothing says of what this set is", e.span)
        elif isinstance(t, sem.SetT) and isinstance(t.of, sem.LitT):
            self.coerce(e, sem.SetT(sem.I32.with_unit(t.of.unit)))
        elif isinstance(t, sem.ListT) and isinstance(t.of, sem.NullT):
            e.ty = self.error("DMA025", "nothing says of what this list is", e.span)
        elif isinstance(e, ast.TupleLit):
            for i in e.items:
                self.settle(i)
            items = tuple(self.effective(i) for i in e.items)
            e.ty = sem.ERROR if any(isinstance(i, sem.ErrorT) for i in items) else sem.TupleT(items)
        return self.effective(e)

    # -- messages
    # -------------------------------------------------------------------------------------------------

    def report(self, e: ast.Expr, m: Misfit, dst: sem.SemType, why: Why | None) -> None:
        """Says that an expression does not fit."""
        notes: list[tuple[Span | None, str]] = []
        if why is not None:
            notes.append((why.span, f"{why.text} is {plain(dst)}"))
        if m.sentence:
            notes.append((None, m.sentence))
        fix = m.fix
        shown = text_of(e)
        if fix and shown != "…":
            bracketed = (
                f"({shown})" if isinstance(e, ast.Binary | ast.IfExpr | ast.MatchExpr | ast.Range) else shown
            )
            fix = fix.replace("(…)", f"({shown})").replace("…", bracketed)
        if m.code == "DMA021" and fix is None:
            fix = self.translation(e, sem.strip(self.effective(e)), sem.strip(dst))
        if m.code == "DMA024" and fix is None and isinstance(self.effective(e), sem.OptT):
            fix = f"Ask first (if {shown} != null …), or write  {shown}!  where it cannot be."
        self.error(m.code, m.message, e.span, label=m.label, notes=notes, fix=fix)

    def translation(self, e: ast.Expr, src: sem.SemType, dst: sem.SemType) -> str | None:
        """Names the func that leads from one space to the other, if one can be seen."""
        for level in self.checker.scopes.levels(self.scope):
            for m in level:
                for f in m.symbols.values():
                    if (
                        isinstance(f, FuncSym)
                        and sem.strip(f.ty) == dst
                        and any(p.ty == src for p in f.params)
                    ):
                        args = ", ".join(text_of(e) if p.ty == src else p.name for p in f.params)
                        return f"Write  {f.name}({args})."
        return f"Write  {dst}({text_of(e)})  if the two numbers are known to agree."


def branches(e: ast.Expr) -> list[ast.Expr]:
    """The ends of an ``if`` or ``match`` expression or a ``let … ;`` body."""
    if isinstance(e, ast.IfExpr):
        return [e.then, e.orelse]
    if isinstance(e, ast.MatchExpr):
        return [a.value for a in e.arms]
    if isinstance(e, ast.LetExpr):
        return [e.body]
    return []


def may_choose(e: ast.Expr) -> bool:
    """Whether an empty choice cannot happen where its value is used at once: the step waits."""
    return isinstance(e, ast.AnyIn) or (isinstance(e, ast.Choice) and e.kind == "any")


def literal_value(e: ast.Expr) -> int | None:
    """The value of a number that is written out, perhaps with a sign."""
    if isinstance(e, ast.IntLit):
        return e.value
    if isinstance(e, ast.Unary) and e.op == "-" and isinstance(e.operand, ast.IntLit):
        return -e.operand.value
    return None


def _said(e: ast.Expr) -> bool:
    return isinstance(e, ast.Cast) or (isinstance(e, ast.Call) and isinstance(e.ref, CastRef))


def memory_address(t: sem.SemType) -> bool:
    """Whether ``t`` is the space in which memory itself is counted."""
    return isinstance(t, sem.SpaceT) and t.name == MEMORY_SPACE
