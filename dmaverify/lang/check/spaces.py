"""Shifts, addresses, indexes and sets as operands."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import SHIFT
from dmaverify.lang.check.base import plain, text_of
from dmaverify.lang.check.convert import ADDRESSES_DIFFER, Convert, element_of
from dmaverify.lang.symbols import ConstSym

OFFSET = sem.I64.with_unit("bytes")
"""The type of a size, and of the difference of two addresses."""


class Spaces(Convert):
    """Operators on what is no plain number. ``infer`` comes from the class that knows all expressions."""

    def infer(self, e: ast.Expr, want: sem.SemType | None = None) -> sem.SemType:
        """The type of an expression as it is used; ``want`` helps where the text alone does not say."""
        raise NotImplementedError

    def expect(self, e: ast.Expr, want: sem.SemType, why: object = None) -> sem.SemType:
        """Infers and makes it a ``want``."""
        self.infer(e, want)
        self.coerce(e, want, why)  # type: ignore[arg-type]
        return self.effective(e)

    def value(self, e: ast.Expr, want: sem.SemType | None = None) -> sem.SemType:
        """Infers and settles: the expression has a type of its own."""
        self.infer(e, want)
        return self.settle(e)

    def undefined(self, op: str, e: ast.Expr, *types: sem.SemType) -> sem.ErrorT:
        """The operator is not defined for such operands."""
        for t in types:
            if isinstance(t, sem.OptT):
                return self.error(
                    "DMA024",
                    f"{plain(t)} may be null, and {op} takes a value",
                    e.span,
                    fix="Ask first (if … != null …), or write  …!  where it cannot be.",
                )
        return self.error(
            "DMA027", f"{op} is not defined for {' and '.join(plain(t) for t in types)}", e.span
        )

    # ---------------------------------------------------------------------------------------------------

    def _shift(self, e: ast.Binary, left: sem.SemType, right: sem.SemType) -> sem.SemType:
        if isinstance(right, sem.SpaceT) and not right.is_address:
            self.coerce(e.right, right.base)
        elif isinstance(right, sem.RangeT):
            self.coerce(e.right, right.promoted)
        elif isinstance(right, sem.LitT):
            self.coerce(e.right, sem.I32.with_unit(right.unit))
        amount = self.effective(e.right)
        if not isinstance(amount, sem.IntT):
            return self.undefined(e.op, e, left, right)
        by_grain = is_named(e.right, SHIFT)
        if amount.unit not in (None, "order"):
            return self.error("DMA022", f"a shift by a number of {amount.unit}", e.right.span)
        if isinstance(left, sem.SpaceT) and left.is_address:
            if e.op == "<<":
                return self.error("DMA021", f"an address ({left}) shifted left is no address", e.span)
            self.coerce_raw(e.left, left.base.with_unit(None))
            return left.base.with_unit("pages" if by_grain else None)
        left = self._named(e.left, left, sem.I32)
        if isinstance(left, sem.RangeT):
            self.coerce(e.left, left.promoted)
            left = left.promoted
        if isinstance(left, sem.BitsT):
            return self.error("DMA027", f"shift the number:  {left.base}({text_of(e.left)}) {e.op} …", e.span)
        if not isinstance(left, sem.IntT | sem.LitT):
            return self.undefined(e.op, e, left, right)
        unit = left.unit
        if by_grain:
            source, target = ("pages", "bytes") if e.op == "<<" else ("bytes", "pages")
            if unit not in (None, source):
                fix = (
                    f"Write  >> {SHIFT}  for whole pages."
                    if e.op == "<<"
                    else f"Write  << {SHIFT}  for bytes."
                )
                return self.error(
                    "DMA022", f"{unit} {e.op} {SHIFT}: that turns {source} into {target}", e.span, fix=fix
                )
            unit = target  # type: ignore[assignment]
        elif amount.unit == "order" and e.op == "<<":
            if unit not in (None, "pages"):
                return self.error("DMA022", f"{unit} << order: an order counts pages", e.span)
            unit = "pages"
        return sem.LitT(unit) if isinstance(left, sem.LitT) else left.with_unit(unit)

    def _named(self, e: ast.Expr, t: sem.SemType, other: sem.SemType) -> sem.SemType:
        """A named number computes as itself with itself and literals, and as its base with other numbers."""
        if isinstance(t, sem.SpaceT) and not t.is_address and t != other and not isinstance(other, sem.LitT):
            self.coerce(e, t.base)
            return t.base
        return t

    def coerce_raw(self, e: ast.Expr, t: sem.IntT) -> None:
        """Takes the number of an address."""
        e.conv = t

    # ------------------------------------------------------------------------------------------------

    def _offset(self, e: ast.Expr, space: sem.SpaceT) -> bool:
        """What is added to an address: bytes, in the width of the address (sign-extended, as C does)."""
        t = self.effective(e)
        width = space.base.with_unit("bytes")
        if isinstance(t, sem.LitT):
            if t.unit in (None, "bytes"):
                return self.retype(e, OFFSET if literal_negative(e) else width)
            t = sem.I64.with_unit(t.unit)
        if isinstance(t, sem.RangeT):
            t = t.promoted
        if isinstance(t, sem.IntT):
            if t.unit in (None, "bytes"):
                e.conv = None if e.ty == width else width
                return True
            fix = f"Write  ({text_of(e)} << {SHIFT})." if t.unit == "pages" else None
            self.error(
                "DMA022",
                f"{t.unit} added to an address: addresses count bytes",
                e.span,
                label=str(t),
                fix=fix,
            )
            return False
        if isinstance(t, sem.SpaceT):
            self.error("DMA021", f"two addresses ({space} and {t}) cannot be added", e.span)
            return False
        self.undefined("+", e, space, t)
        return False

    def _address(self, e: ast.Binary, left: sem.SpaceT, right: sem.SemType) -> sem.SemType:
        if isinstance(right, sem.SpaceT) and right.is_address:
            if e.op == "-" and right == left:
                return OFFSET
            if right == left:
                return self.error(
                    "DMA021", f"two addresses have no {e.op}; their difference is a number of bytes", e.span
                )
            return self.error(
                "DMA021",
                f"{plain(left)} {e.op} {plain(right)}: addresses of two spaces",
                e.span,
                notes=[(None, ADDRESSES_DIFFER)],
                fix=self.translation(e.right, right, left),
            )
        if e.op in ("+", "-", "|"):
            return left if self._offset(e.right, left) else sem.ERROR
        number = sem.I64 if isinstance(right, sem.LitT) else right
        if not isinstance(number, sem.IntT) or e.op not in ("%", "/", "&"):
            return self.undefined(e.op, e, left, right)
        if not self._offset(e.right, left):
            return sem.ERROR
        if e.op == "&":
            return left
        self.coerce_raw(e.left, left.base.with_unit("bytes"))
        if e.op == "/":
            return left.base.with_unit(None)
        return OFFSET

    # --------------------------------------------------------------------------------------------------

    def _index(self, e: ast.Binary, left: sem.SemType, right: sem.SemType) -> sem.SemType:
        index, other, side = (left, right, e.right) if isinstance(left, sem.IndexT) else (right, left, e.left)
        assert isinstance(index, sem.IndexT)
        if isinstance(other, sem.IndexT):
            if other == index and e.op == "-":
                return sem.I32
            return self.undefined(e.op, e, left, right)
        if e.op == "+" or (e.op == "-" and side is e.right):
            if isinstance(other, sem.LitT):
                self.coerce(side, sem.I32.with_unit(other.unit))
                other = self.effective(side)
            if isinstance(other, sem.RangeT):
                self.coerce(side, other.promoted)
                other = self.effective(side)
            if isinstance(other, sem.IntT):
                if other.unit in ("bytes", "order"):
                    return self.error(
                        "DMA022",
                        f"{other.unit} added to a {index}: those are counted, not measured",
                        side.span,
                    )
                return index
            return self.undefined(e.op, e, left, right)
        own = e.left if side is e.right else e.right
        return self.error(
            "DMA027",
            f"{plain(index)} is no number",
            own.span,
            fix=f"Write  u32({text_of(own)}) {e.op} …  for its number.",
        )

    # -----------------------------------------------------------------------------------------------------

    def set_operator(self, e: ast.Binary | ast.OpAssign, left: sem.SetT, right: sem.SemType) -> sem.SemType:
        """``+ - & |`` with a set, or with one element or a nullable one."""
        value = e.right if isinstance(e, ast.Binary) else e.value
        if e.op not in ("+", "-", "&", "|"):
            return self.undefined(e.op, value, left, right)
        if isinstance(left.of, sem.NullT | sem.LitT):
            if not isinstance(e, ast.Binary) or not isinstance(right, sem.SetT):
                return self.error("DMA025", "nothing says of what this set is", value.span)
            self.coerce(e.left, right)
            return right
        if isinstance(right, sem.SetT | sem.IterT | sem.RecordT) and (
            isinstance(right, sem.SetT) or element_of(right) == left.of
        ):
            self.coerce(value, left)
            return left
        if e.op in ("&", "|"):
            return self.undefined(e.op, value, left, right)
        if isinstance(value, ast.Choice) or isinstance(right, sem.OptT):
            self.coerce(value, sem.opt(left.of))
        else:
            self.coerce(value, left.of)
        return left


def is_named(e: ast.Expr, name: str) -> bool:
    """Whether the expression is the constant of that name."""
    return isinstance(e, ast.Name) and isinstance(e.ref, ConstSym) and e.ref.name == name


def literal_negative(e: ast.Expr) -> bool:
    """Whether a number is written with a minus sign."""
    return isinstance(e, ast.Unary) and e.op == "-"
