"""All expressions: which rule is for which."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.arith import COMPARISONS
from dmaverify.lang.check.base import Mode, Why, plain, text_of
from dmaverify.lang.check.calls import Calls
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import (
    BlockField,
    ConstSym,
    FaultSym,
    FieldRef,
    GhostSym,
    LocalSym,
    OptionSym,
    ParamSym,
    SlotSym,
    Symbol,
    ThreadSym,
    VarSym,
)


class Exprs(Calls):
    """Every expression gets its type here."""

    def infer(self, e: ast.Expr, want: sem.SemType | None = None) -> sem.SemType:
        """The type of an expression as it is used; ``want`` helps where the text alone does not say."""
        e.conv = None
        t = self._infer(e, want)
        e.ty = t
        if isinstance(e, ast.Name | ast.Field | ast.Index):
            return self.narrow(e, t)
        return t

    def _infer(self, e: ast.Expr, want: sem.SemType | None) -> sem.SemType:
        match e:
            case ast.IntLit():
                return sem.LitT("bytes" if e.sized else None)
            case ast.BoolLit():
                return sem.BOOL
            case ast.NullLit():
                return sem.NULL
            case ast.Name():
                return self.name(e, want)
            case ast.OptionRef():
                return self.option(e)
            case ast.Field():
                return self.field(e, want)
            case ast.Index():
                return self.index(e)
            case ast.Call():
                return self.call(e, want)
            case ast.Cast():
                return self.cast(e)
            case ast.Unary():
                return self.junction(e) if e.op == "not" else self.unary(e, want)
            case ast.Binary():
                return self._binary(e, want)
            case ast.IsPattern():
                return self.junction(e)
            case ast.Range():
                return self.range(e)
            case ast.IfExpr():
                return self.if_expr(e, want)
            case ast.MatchExpr():
                return self.match_expr(e, want)
            case ast.RecordLit():
                return self.record(e)
            case ast.With():
                return self.with_(e)
            case ast.New():
                return self.new(e)
            case ast.SetLit():
                return self.set_literal(e, want)
            case ast.SetComp():
                return self.comprehension(e, want)
            case ast.ListLit():
                return self.list_literal(e, want)
            case ast.TupleLit():
                return self.tuple_literal(e, want)
            case ast.Quant():
                return self.quantifier(e)
            case ast.Choice():
                return self.choice(e, want)
            case ast.Fold():
                return self.fold(e, want)
            case ast.AnyIn():
                return self.any_in(e, want)
            case ast.AnyType():
                return self.any_type(e, want)
            case _:
                return self._special(e, want)

    def _binary(self, e: ast.Binary, want: sem.SemType | None) -> sem.SemType:
        if e.op in ("and", "or", "=>"):
            return self.junction(e)
        if e.op in COMPARISONS:
            return self.comparison(e)
        if e.op in ("in", "not in", "within"):
            return self.membership(e)
        if e.op == "??":
            return self._default(e, want)
        return self.arithmetic(e, want)

    def _default(self, e: ast.Binary, want: sem.SemType | None) -> sem.SemType:
        left = self.infer(e.left, want)
        if isinstance(left, sem.ErrorT):
            self.infer(e.right)
            return left
        if not isinstance(left, sem.OptT):
            self.infer(e.right, left)
            return self.error("DMA024", f"{plain(left)} is never null: ?? has nothing to do", e.left.span)
        right = self.infer(e.right, left.of)
        target = left if isinstance(right, sem.OptT | sem.NullT) else left.of
        self.coerce(e.right, target, Why("the other side"))
        return target

    def _special(self, e: ast.Expr, want: sem.SemType | None) -> sem.SemType:
        match e:
            case ast.NonNull():
                t = self.infer(
                    e.base, sem.opt(want) if want is not None and not isinstance(want, sem.LitT) else None
                )
                if isinstance(e.base.ty, sem.OptT) and e.base.conv is not None:
                    e.base.conv = None
                    return e.base.ty.of
                if isinstance(t, sem.OptT):
                    return t.of
                return (
                    t
                    if isinstance(t, sem.ErrorT)
                    else self.error("DMA024", f"{plain(t)} is never null", e.span, fix="Leave out the  ! .")
                )
            case ast.UnitOf():
                return self._unit_annotation(e)
            case ast.LetExpr():
                with self.block():
                    t = self.value(e.value)
                    self.introduce(e.name, t, e, e.span, "let")
                    return self.infer(e.body, want)
            case ast.Uninitialised():
                return self.error(
                    "DMA062", "only a  let  or an assignment can leave something uninitialised", e.span
                )
            case ast.Result():
                if not self.contract:
                    return self.error("DMA062", "result is a word of  ensures", e.span)
                return self.result
            case ast.Old():
                if not self.contract:
                    self.error("DMA062", "old is a word of  ensures", e.span)
                return self.infer(e.operand, want)
            case ast.Pop():
                return self.error("DMA061", "pop takes a step: it stands alone on a right-hand side", e.span)
            case ast.FaultExpr():
                return self._fault(e)
            case ast.Done() | ast.AtLabel() | ast.Take():
                return self._thread(e)
            case ast.Star():
                return self.error("DMA029", "an index is one value", e.span)
        raise AssertionError(f"no rule for {type(e).__name__}")

    def _unit_annotation(self, e: ast.UnitOf) -> sem.SemType:
        t = self.infer(e.base)
        unit: sem.Unit = e.unit  # type: ignore[assignment]
        if isinstance(t, sem.LitT):
            if t.unit not in (None, unit):
                return self.error("DMA022", f"{t.unit} called {unit}", e.span)
            return sem.LitT(unit)
        if isinstance(t, sem.RangeT):
            self.coerce(e.base, t.promoted)
            t = t.promoted
        if not isinstance(t, sem.IntT):
            return (
                t
                if isinstance(t, sem.ErrorT)
                else self.error("DMA022", f"{plain(t)} does not count {unit}", e.span)
            )
        if t.unit not in (None, unit):
            fix = {"bytes": "<<", "pages": ">>"}.get(unit)
            return self.error(
                "DMA022",
                f"{t.unit} called {unit}",
                e.span,
                label=str(t),
                fix=f"Write  {text_of(e.base)} {fix} PAGE_SHIFT." if fix else None,
            )
        return t.with_unit(unit)

    def _fault(self, e: ast.FaultExpr) -> sem.SemType:
        if self.mode not in (Mode.STEPS, Mode.CLAUSE):
            return self.error(
                "DMA062", f"{self.mode.value} has no faults; only what takes steps fails", e.span
            )
        known = self.checker.out.faults
        known.setdefault(e.name, FaultSym(e.name, sem.BOOL, e.span, self.scope.name, e))
        return sem.BOOL

    def _thread(self, e: ast.Done | ast.AtLabel | ast.Take) -> sem.SemType:
        if isinstance(e, ast.Take):
            slot = self.thread.slots.get(e.slot) if self.thread is not None else None
            if slot is None:
                return self.error(
                    "DMA050", f"there is no slot {e.slot} here: a client says what it is  holding", e.span
                )
            e.ref = slot
            return slot.ty
        threads = self.checker.out.threads
        thread = threads.get(e.thread)
        if thread is None:
            return self.error(
                "DMA050", f"there is no sequence or client {e.thread}", e.span, fix=suggest(e.thread, threads)
            )
        if self.mode in (Mode.CONST, Mode.PURE, Mode.HANDLER):
            return self.error("DMA062", f"{self.mode.value} cannot ask where a sequence stands", e.span)
        if isinstance(e, ast.Done):
            if thread.kind in ("interrupt", "work", "timer"):
                return self.error("DMA050", f"{e.thread} is no sequence or client: it may run again and again", e.span)
            e.ref = thread
            return sem.BOOL
        label = thread.labels.get(e.label)
        if label is None:
            return self.error(
                "DMA050", f"{e.thread} has no label {e.label}", e.span, fix=suggest(e.label, thread.labels)
            )
        e.ref = label
        label.used = True
        return sem.BOOL

    # -- places
    # ---------------------------------------------------------------------------------------------------

    def place(self, e: ast.Expr) -> sem.SemType:
        """Something that can be assigned to: its declared type, whatever is known about its value."""
        if isinstance(e, ast.Name):
            local = self.local(e.name)
            if local is not None:  # writing it is no read
                e.ref, e.ty, e.conv = local, local.ty, None
                return local.ty
        t = self.infer(e)
        e.conv = None
        if isinstance(e.ty, sem.OptT):
            t = e.ty
        root = root_of(e)
        if isinstance(t, sem.ErrorT) or root is None:
            if root is None and not isinstance(t, sem.ErrorT):
                return self.error("DMA062", "this is a value; it has no place of its own", e.span)
            return t
        sym = root
        if isinstance(sym, ConstSym | OptionSym | ParamSym):
            return self.error(
                "DMA062",
                f"{sym.name} is a {sym.what}: it does not change",
                e.span,
                notes=[(sym.span, "declared here")],
            )
        if isinstance(sym, VarSym) and self.mode is not Mode.STEPS:
            return self.error(
                "DMA062",
                f"{self.mode.value} changes {sym.name}, a variable of the model",
                e.span,
                notes=[(sym.span, "declared here")],
            )
        if isinstance(sym, GhostSym) and self.mode not in (Mode.HANDLER, Mode.HELPER):
            return self.error(
                "DMA062", f"ghosts change under  on  only; {self.mode.value} changes {sym.name}", e.span
            )
        if isinstance(sym, GhostSym) and sym.monitor is not self.monitor:
            owner = sym.monitor.name if sym.monitor is not None else "?"
            return self.error("DMA059", f"{sym.name} belongs to {owner}; others may read it", e.span)
        if isinstance(sym, GhostSym) and self.owner is not None:
            self.checker.ghost_writers.add(self.owner)
        if isinstance(sym, LocalSym) and _through_object(e) and self.mode is not Mode.STEPS:
            return self.error("DMA062", f"{self.mode.value} changes an object", e.span)
        if not isinstance(sym, LocalSym | VarSym | GhostSym | SlotSym):
            return self.error("DMA062", f"{sym.name} is a {sym.what}: it does not change", e.span)
        bad = _fixed_field(e)
        if bad is not None:
            return self.error("DMA062", f"{bad} is where the memory is; it does not change", e.span)
        return t


def root_of(e: ast.Expr) -> Symbol | None:
    """What an assignment to the place changes: the variable, or the local through which an object is
    reached."""
    while isinstance(e, ast.Field | ast.Index | ast.NonNull):
        if isinstance(e, ast.Field) and isinstance(e.ref, Symbol):
            return e.ref
        e = e.base
    return (
        e.ref
        if isinstance(e, ast.Name) and isinstance(e.ref, Symbol) and not isinstance(e.ref, ThreadSym)
        else None
    )


def _through_object(e: ast.Expr) -> bool:
    while isinstance(e, ast.Field | ast.Index | ast.NonNull):
        if isinstance(e, ast.Field) and isinstance(e.ref, FieldRef) and e.ref.kind == "object":
            return True
        e = e.base
    return False


def _fixed_field(e: ast.Expr) -> str | None:
    while isinstance(e, ast.Field | ast.Index | ast.NonNull):
        if isinstance(e, ast.Field) and isinstance(e.ref, BlockField):
            return e.name
        e = e.base
    return None
