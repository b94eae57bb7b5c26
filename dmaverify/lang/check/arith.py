"""Operators on numbers, addresses, indexes, flags, bits and sets.

The rules of units and spaces are all here: see ``_number`` and ``_address``.
"""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import GRAIN
from dmaverify.lang.check.base import plain, text_of
from dmaverify.lang.check.convert import ADDRESSES_DIFFER, misfit
from dmaverify.lang.check.spaces import Spaces, is_named

Number = sem.IntT | sem.RangeT | sem.LitT

COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}


class Arith(Spaces):
    """Unary and binary operators. ``infer`` comes from the class that knows all expressions."""

    # -- unary
    # ----------------------------------------------------------------------------------------------------

    def unary(self, e: ast.Unary, want: sem.SemType | None) -> sem.SemType:
        """``-x``, ``~x``; ``not`` is a condition."""
        t = self.infer(e.operand, want)
        if isinstance(t, sem.ErrorT | sem.LitT):
            return t
        if isinstance(t, sem.RangeT):
            self.coerce(e.operand, t.promoted)
            return t.promoted
        if isinstance(t, sem.IntT):
            if e.op == "-" and not t.signed:
                return self.error(
                    "DMA023",
                    f"minus an unsigned number ({t})",
                    e.span,
                    fix=f"Write  0 - {text_of(e.operand)}  if it may wrap.",
                )
            return t
        if isinstance(t, sem.SpaceT) and (not t.is_address or e.op == "~"):
            return t
        if e.op == "~" and isinstance(t, sem.FlagsT | sem.BitsT):
            return t
        if e.op == "~" and isinstance(t, sem.SetT) and t.is_mask:
            return t
        return self.undefined(e.op, e, t)

    # -- binary
    # ---------------------------------------------------------------------------------------------------

    def arithmetic(self, e: ast.Binary, want: sem.SemType | None) -> sem.SemType:
        """``+ - * / % & | ^ << >>``."""
        inner = sem.strip(want) if want is not None else None
        left = self.infer(e.left, inner)
        hint = left if not isinstance(left, sem.LitT | sem.NullT) else inner
        if isinstance(left, sem.SetT):
            hint = left
        right = self.infer(e.right, hint)
        if isinstance(left, sem.ErrorT) or isinstance(right, sem.ErrorT):
            return sem.ERROR
        if isinstance(left, sem.SetT):
            return self.set_operator(e, left, right)
        if isinstance(left, sem.FlagsT | sem.BitsT) and e.op in ("+", "-", "&", "|", "^"):
            if isinstance(left, sem.BitsT) and e.op in ("+", "-"):
                return self.undefined(e.op, e, left, right)
            self.coerce(e.right, left)
            return left
        if isinstance(left, sem.IndexT) or isinstance(right, sem.IndexT):
            return self._index(e, left, right)
        if e.op in ("<<", ">>"):
            return self._shift(e, left, right)
        if isinstance(left, sem.SpaceT) and left.is_address:
            return self._address(e, left, right)
        if isinstance(right, sem.SpaceT) and right.is_address:
            if isinstance(left, sem.LitT) and e.op in ("-", "&", "|", "%"):
                self.coerce(e.left, right)
                return self._address(e, right, right)
            if e.op == "+" and isinstance(left, Number):
                self._offset(e.left, right)
                return right
            return self.undefined(e.op, e, left, right)
        return self._number(e, left, right, inner)

    def _number(
        self, e: ast.Binary, left: sem.SemType, right: sem.SemType, want: sem.SemType | None
    ) -> sem.SemType:
        new_left = self._named(e.left, left, right)
        right = self._named(e.right, right, left)
        left = new_left
        if isinstance(left, sem.SpaceT) and isinstance(right, sem.SpaceT | sem.LitT):
            self.coerce(e.right, left)
            return left
        if isinstance(right, sem.SpaceT) and isinstance(left, sem.LitT):
            self.coerce(e.left, right)
            return right
        if isinstance(left, sem.BoolT) or isinstance(right, sem.BoolT):
            word = {"&": "and", "|": "or"}.get(e.op)
            fix = f"Write  {word}  between conditions." if word else None
            return self.error(
                "DMA027", f"{e.op} is not defined for {plain(left)} and {plain(right)}", e.span, fix=fix
            )
        if not isinstance(left, Number) or not isinstance(right, Number):
            return self.undefined(e.op, e, left, right)
        unit = self._unit_of(e, left, right)
        if unit == "error":
            return sem.ERROR
        if isinstance(left, sem.LitT) and isinstance(right, sem.LitT):
            return sem.LitT(unit)  # type: ignore[arg-type]
        common = self.common(e, left, right, want)
        if common is None:
            return sem.ERROR
        for side, t in ((e.left, left), (e.right, right)):
            own = t.unit if isinstance(t, sem.IntT | sem.LitT) else None
            self.convert_number(side, common.with_unit(own))
        return common.with_unit(unit)  # type: ignore[arg-type]

    def convert_number(self, e: ast.Expr, t: sem.IntT) -> None:
        """Widens, or gives a literal its type; the unit stays what it is."""
        src = self.effective(e)
        if isinstance(src, sem.LitT):
            self.retype(e, t)
        elif isinstance(src, sem.RangeT) or (isinstance(src, sem.IntT) and src != t):
            e.conv = None if e.ty == t else t

    def common(
        self, e: ast.Binary, left: Number, right: Number, want: sem.SemType | None = None
    ) -> sem.IntT | None:
        """The type in which both are computed: the wider one, if it holds all values of the other. A range by
        itself is computed in what is wanted, if that is known."""
        ranges = [t for t in (left, right) if isinstance(t, sem.RangeT)]
        alone = not isinstance(left, sem.IntT) and not isinstance(right, sem.IntT)
        if ranges and alone and isinstance(want, sem.IntT) and all(want.holds(r) for r in ranges):
            return want.with_unit(None)
        if isinstance(left, sem.LitT) and isinstance(right, sem.LitT):
            return sem.I32
        if isinstance(left, sem.LitT):
            left, right = right, left
        if isinstance(right, sem.LitT):
            return left if isinstance(left, sem.IntT) else left.promoted  # type: ignore[union-attr]
        assert not isinstance(left, sem.LitT)
        for a, b in ((left, right), (right, left)):
            if isinstance(a, sem.IntT) and a.holds(b):
                return a
        if isinstance(left, sem.RangeT) and isinstance(right, sem.RangeT):
            both = sem.RangeT(min(left.lo, right.lo), max(left.hi, right.hi))
            return both.promoted
        if isinstance(left, sem.RangeT) or isinstance(right, sem.RangeT):
            number = left if isinstance(left, sem.IntT) else right
            return number if isinstance(number, sem.IntT) else None
        fix = (
            f"Write which is meant:  {left.with_unit(None)}(…)  or  {right.with_unit(None)}(…), or  … as "
            f"{left} (checked)."
        )
        self.error(
            "DMA023",
            f"signed against unsigned: {left} {e.op} {right}",
            e.span,
            label=f"{left} and {right}",
            fix=fix,
        )
        return None

    def _unit_of(self, e: ast.Binary, left: Number, right: Number) -> str | None:
        a = left.unit if not isinstance(left, sem.RangeT) else None
        b = right.unit if not isinstance(right, sem.RangeT) else None
        if e.op == "*":
            if a is None or b is None:
                return a or b
            if {a, b} == {"pages", "bytes"} and (is_named(e.left, GRAIN) or is_named(e.right, GRAIN)):
                return "bytes"
            self.unit_error(e, a, b, f"{a} times {b}")
            return "error"
        if e.op == "/":
            if a == b:
                return None
            if b is None:
                return a
            if a is None and isinstance(left, sem.LitT):
                return None
            self.unit_error(e, a, b, f"{a or 'a plain number'} divided by {b}")
            return "error"
        if a is None or b is None or a == b:
            return a or b
        self.unit_error(e, a, b, f"{a} {e.op} {b}")
        return "error"

    def unit_error(self, e: ast.Binary, a: str | None, b: str | None, message: str) -> None:
        """Two units that do not go together."""
        fix = None
        if {a, b} == {"bytes", "pages"}:
            pages = e.left if a == "pages" else e.right
            fix = f"Write  ({text_of(pages)} << PAGE_SHIFT)  for the bytes of so many pages."
        self.error("DMA022", message, e.span, fix=fix)

    # -- shifts

    # -- addresses

    # -- indexes

    # -- sets

    # -- comparisons
    # ----------------------------------------------------------------------------------------------

    def comparison(self, e: ast.Binary) -> sem.SemType:
        """``== != < <= > >=``."""
        left, right = self.pair(e)
        if isinstance(left, sem.ErrorT) or isinstance(right, sem.ErrorT):
            return sem.BOOL
        ordered = e.op not in ("==", "!=")
        if ordered and (isinstance(left, sem.OptT) or isinstance(right, sem.OptT)):
            self.undefined(e.op, e, left, right)
            return sem.BOOL
        a, b = sem.strip(left), sem.strip(right)
        if isinstance(left, sem.NullT) or isinstance(right, sem.NullT):
            self._null_compare(e, left, right)
        elif isinstance(a, Number | sem.SpaceT) and isinstance(b, Number | sem.SpaceT):
            self._compare_numbers(e, left, right, a, b)
        elif ordered and not (
            isinstance(a, sem.IndexT | sem.EnumT)
            and a == b
            and not (isinstance(a, sem.EnumT) and a.has_payload)
        ):
            self.undefined(e.op, e, left, right)
        elif isinstance(left, sem.OptT) or isinstance(right, sem.OptT):
            target = left if isinstance(left, sem.OptT) else right
            if self.coerce(e.left, target):
                self.coerce(e.right, target)
        else:
            self._same(e, left, right)
        return sem.BOOL

    def pair(self, e: ast.Binary) -> tuple[sem.SemType, sem.SemType]:
        """Both sides, each helped by the other: a bare enum case on the left takes its meaning from the
        right."""
        first, second = (
            (e.right, e.left) if needs_help(e.left) and not needs_help(e.right) else (e.left, e.right)
        )
        t = self.infer(first)
        u = self.infer(second, sem.strip(t) if not isinstance(t, sem.LitT | sem.NullT) else None)
        return (t, u) if first is e.left else (u, t)

    def _null_compare(self, e: ast.Binary, left: sem.SemType, right: sem.SemType) -> None:
        null, other, side = (
            (e.left, e.right, right) if isinstance(left, sem.NullT) else (e.right, e.left, left)
        )
        if isinstance(side, sem.OptT):
            self.retype_null(null, side)
        elif isinstance(other.ty, sem.OptT):
            other.conv = None  # known not to be null, and asked once more: legal, if pointless
            self.retype_null(null, other.ty)
        elif isinstance(side, sem.NullT):
            self.settle(null)
        else:
            self.error("DMA024", f"{plain(side)} is never null", e.span)

    def _compare_numbers(
        self, e: ast.Binary, left: sem.SemType, right: sem.SemType, a: sem.SemType, b: sem.SemType
    ) -> None:
        if isinstance(a, sem.SpaceT) or isinstance(b, sem.SpaceT):
            if isinstance(a, sem.SpaceT) and isinstance(b, sem.SpaceT):
                target = left if isinstance(left, sem.OptT) else right
                if a != b and a.is_address and b.is_address:
                    self.error(
                        "DMA021",
                        f"{plain(a)} compared with {plain(b)}: addresses of two spaces",
                        e.span,
                        notes=[(None, ADDRESSES_DIFFER)],
                        fix=self.translation(e.right, b, a),
                    )
                    return
            else:
                space, number = (a, b) if isinstance(a, sem.SpaceT) else (b, a)
                assert isinstance(space, sem.SpaceT)
                if not space.is_address and not isinstance(number, sem.LitT):
                    self.coerce(e.left if space is a else e.right, space.base)
                    a, b = sem.strip(self.effective(e.left)), sem.strip(self.effective(e.right))
                    self._compare_numbers(e, self.effective(e.left), self.effective(e.right), a, b)
                    return
                target = space
            target = (
                sem.opt(sem.strip(target))
                if isinstance(left, sem.OptT) or isinstance(right, sem.OptT)
                else target
            )
            if self.coerce(e.left, target):
                self.coerce(e.right, target)
            return
        assert isinstance(a, Number)
        assert isinstance(b, Number)
        unit = self._unit_of(ast.Binary(e.span, "+", e.left, e.right, e.op_span), a, b)
        if unit == "error":
            return
        common = self.common(e, a, b)
        if common is None:
            return
        nullable = isinstance(left, sem.OptT) or isinstance(right, sem.OptT)
        for side in (e.left, e.right):
            t = sem.strip(self.effective(side))
            own = common.with_unit(t.unit if isinstance(t, sem.IntT | sem.LitT) else None)
            if nullable:
                target = sem.opt(own)
                if isinstance(t, sem.LitT):
                    self.retype(side, own)
                side.conv = None if side.ty == target else target
            else:
                self.convert_number(side, own)

    def _same(self, e: ast.Binary, left: sem.SemType, right: sem.SemType) -> None:
        """Two values of one type: the right one turns into the left one's, or the other way round."""
        if (
            misfit(right, left) is None
            or isinstance(left, sem.TupleT | sem.RecordT)
            or isinstance(e.right, ast.SetLit)
        ):
            self.coerce(e.right, left)
        elif misfit(left, right) is None or isinstance(e.left, ast.SetLit):
            self.coerce(e.left, right)
        else:
            self.error(
                "DMA020",
                f"{plain(left)} compared with {plain(right)}",
                e.span,
                label=f"{left} {e.op} {right}",
            )


def needs_help(e: ast.Expr) -> bool:
    """Whether an expression may mean nothing by itself: a bare name, a set or a tuple that is written out."""
    return isinstance(e, ast.SetLit | ast.ListLit | ast.TupleLit | ast.NullLit | ast.Name | ast.IntLit)
