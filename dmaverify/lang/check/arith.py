"""Operators on numbers, addresses, indexes, flags, bits and sets.

The rules of units and spaces are all here: see ``_number`` and ``_address``.
"""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import GRAIN, SHIFT
from dmaverify.lang.check.base import plain, text_of
from dmaverify.lang.check.convert import ADDRESSES_DIFFER, Convert, element_of, misfit
from dmaverify.lang.symbols import CastRef, ConstSym

Number = sem.IntT | sem.RangeT | sem.LitT

COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
OFFSET = sem.I64.with_unit("bytes")


class Arith(Convert):
    """Unary and binary operators. ``infer`` comes from the class that knows all expressions."""

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

    def undefined(self, op: str, e: ast.Expr, *types: sem.SemType) -> sem.ErrorT:
        """The operator is not defined for such operands."""
        for t in types:
            if isinstance(t, sem.OptT):
                return self.error(
                    "DMA024", f"{plain(t)} may be null, and {op} takes a value", e.span,
                    fix="Ask first (if … != null …), or write  …!  where it cannot be.",
                )  # fmt: skip
        return self.error(
            "DMA027", f"{op} is not defined for {' and '.join(plain(t) for t in types)}", e.span
        )

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

    def _named(self, e: ast.Expr, t: sem.SemType, other: sem.SemType) -> sem.SemType:
        """A named number computes as itself with itself and literals, and as its base with other numbers."""
        if isinstance(t, sem.SpaceT) and not t.is_address and t != other and not isinstance(other, sem.LitT):
            self.coerce(e, t.base)
            return t.base
        return t

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
        if ranges and isinstance(want, sem.IntT) and not isinstance(left, sem.IntT) and not isinstance(right, sem.IntT):
            if all(want.holds(r) for r in ranges):
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

    def coerce_raw(self, e: ast.Expr, t: sem.IntT) -> None:
        """Takes the number of an address."""
        e.conv = t

    # -- addresses
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
                "DMA021", f"{plain(left)} {e.op} {plain(right)}: addresses of two spaces", e.span, notes=[(None, ADDRESSES_DIFFER)],
                fix=self.translation(e.right, right, left),
            )  # fmt: skip
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

    # -- indexes
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

    # -- sets
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
                        "DMA021", f"{plain(a)} compared with {plain(b)}: addresses of two spaces", e.span,
                        notes=[(None, ADDRESSES_DIFFER)], fix=self.translation(e.right, b, a),
                    )  # fmt: skip
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
        assert isinstance(a, Number) and isinstance(b, Number)
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


def is_named(e: ast.Expr, name: str) -> bool:
    """Whether the expression is the constant of that name."""
    return isinstance(e, ast.Name) and isinstance(e.ref, ConstSym) and e.ref.name == name


def literal_negative(e: ast.Expr) -> bool:
    """Whether a number is written with a minus sign."""
    return isinstance(e, ast.Unary) and e.op == "-"


def needs_help(e: ast.Expr) -> bool:
    """Whether an expression may mean nothing by itself: a bare name, a set or a tuple that is written out."""
    return isinstance(e, ast.SetLit | ast.ListLit | ast.TupleLit | ast.NullLit | ast.Name | ast.IntLit)


def is_cast(e: ast.Expr) -> bool:
    """Whether the expression is an explicit conversion."""
    return isinstance(e, ast.Cast) or (isinstance(e, ast.Call) and isinstance(e.ref, CastRef))
