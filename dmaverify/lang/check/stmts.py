"""Statements that compute and assign; control flow is in ``flow``."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Mode, Why, path_key, plain, text_of
from dmaverify.lang.check.exprs import Exprs, root_of
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import EventSym, LocalSym, ProcSym, SlotSym, ThreadSym
from dmaverify.lang.tree import walk
from dmaverify.span import Span


class Simple(Exprs):
    """Statements without statements in them, except for an ``else``."""

    def block_stmt(self, b: ast.Block) -> None:
        """A block; in ``flow``."""
        raise NotImplementedError

    # -- right-hand sides
    # -----------------------------------------------------------------------------------------

    def rhs(self, e: ast.Expr, want: sem.SemType | None, fails: bool = False) -> sem.SemType:
        """A whole right-hand side: procs may be called. ``fails``: an ``else`` follows."""
        if isinstance(e, ast.Call):
            e.conv = None
            t = self.call(e, want, steps=True)
            if isinstance(t, sem.VoidT):
                t = self.error("DMA020", f"{text_of(e.func)} returns nothing", e.span, notes=self._where(e))
            e.ty = t
            return t
        if isinstance(e, ast.Pop):
            e.conv = None
            e.ty = popped = self.pop(e)
            return popped
        t = self.infer(e, want)
        if fails and isinstance(e, ast.New) and isinstance(t, sem.ObjT):
            e.ty = perhaps = sem.opt(t)
            return perhaps
        return t

    def _where(self, e: ast.Call) -> list[tuple[Span | None, str]]:
        return [(e.ref.span, "declared here")] if isinstance(e.ref, ProcSym) else []

    def pop(self, e: ast.Pop) -> sem.SemType:
        """``pop x from l where c``."""
        t = self.place(e.list)
        elem = t.of if isinstance(t, sem.ListT) else None
        if elem is None:
            if not isinstance(t, sem.ErrorT):
                self.error("DMA020", f"{plain(t)} where a list is wanted", e.list.span)
            elem = sem.ERROR
        with self.block():
            if e.name is not None:
                self.introduce(e.name, elem, e, e.span, "loop")
            if e.where is not None:
                self.condition(e.where)
        return sem.opt(elem)

    def unfailed(self, e: ast.Expr, t: sem.SemType) -> sem.SemType | None:
        """What is left of a value after its ``else``: T of ``T?``; a named number or bool just did not fail.
        None: no such."""
        if isinstance(t, sem.ErrorT):
            return t
        if isinstance(t, sem.OptT):
            return t.of
        if isinstance(t, sem.BoolT) or (isinstance(t, sem.SpaceT) and not t.is_address):
            return t
        self.error("DMA024", f"{plain(t)} cannot fail, so there is no else", e.span)
        return None

    def otherwise(self, orelse: ast.Block | None) -> None:
        """The ``else`` of a let, assignment or call: it does not run off its end."""
        if orelse is None:
            return
        before = self.flow.copy()
        self.block_stmt(orelse)
        if self.flow.live:
            self.error(
                "DMA055",
                "this else runs off its end, and then there is no value",
                orelse.span,
                fix="End it with return, goto, break or continue.",
            )
        self.flow = before

    def values_for(
        self,
        values: list[ast.Expr],
        wants: list[sem.SemType | None],
        orelse: ast.Block | None,
        where: ast.Node,
    ) -> list[sem.SemType]:
        """The types of so many values: as many expressions, or one with several results."""
        if not wants:  # `pop from l`: what it gives is thrown away
            t = self.rhs(values[0], None, orelse is not None)
            if orelse is not None:
                self.unfailed(values[0], t)
            return []
        if len(values) == len(wants):
            types: list[sem.SemType] = []
            for v, want in zip(values, wants, strict=True):
                if isinstance(v, ast.Uninitialised):
                    v.ty = (
                        want
                        if want is not None
                        else self.error("DMA025", "nothing says of which type this is", v.span)
                    )
                    types.append(v.ty)
                    continue
                hint = want if orelse is None or want is None else sem.opt(want)
                t = self.rhs(v, hint, orelse is not None)
                if orelse is not None:
                    t = self.unfailed(v, t) or sem.ERROR
                    if want is not None and isinstance(v.ty, sem.OptT) and t != want:
                        self.coerce(v, sem.opt(want))
                elif want is not None:
                    self.coerce(v, want)
                else:
                    t = self.settle(v)
                types.append(t)
            return types
        if len(values) != 1:
            self.error("DMA053", f"{len(values)} values for {len(wants)} names", where.span)
            for v in values:
                self.infer(v)
            return [sem.ERROR] * len(wants)
        t = self.rhs(values[0], None, orelse is not None)
        if orelse is not None:
            t = self.unfailed(values[0], t) or sem.ERROR
        parts = self.parts(t)
        if parts is None or len(parts) != len(wants):
            if not isinstance(t, sem.ErrorT):
                self.error("DMA053", f"{len(wants)} names for {plain(t)}", where.span)
            return [sem.ERROR] * len(wants)
        if any(w is not None for w in wants):
            target = sem.TupleT(tuple(w if w is not None else p for w, p in zip(wants, parts, strict=True)))
            self.coerce(values[0], sem.opt(target) if orelse is not None else target)
            return list(target.items)
        return list(parts)

    # -- let and assignment
    # ---------------------------------------------------------------------------------------

    def let(self, s: ast.Let) -> None:
        """``let a, b = v, w else …``."""
        wants = [self.checker.resolve(self.scope, n.type) if n.type is not None else None for n in s.names]
        types = self.values_for(s.values, wants, s.orelse, s)
        self.otherwise(s.orelse)
        for i, (n, t, want) in enumerate(zip(s.names, types, wants, strict=True)):
            kept = want if want is not None else t
            if self.mode is Mode.STEPS and not kept.storable and not isinstance(kept, sem.ErrorT):
                kept = self.error(
                    "DMA028",
                    f"a {kept} cannot be kept in a local",
                    n.span,
                    fix="Use the expression where it is needed.",
                )
            n.ty = kept
            sym = self.introduce(n.name, kept, n, n.span, "let")
            if len(s.values) == len(s.names) and isinstance(s.values[i], ast.Uninitialised):
                self.maybe_unset.add(sym)
                self.flow.unset |= {sym}
                self.flow.void |= {sym}
            elif isinstance(kept, sem.OptT) and not isinstance(t, sem.OptT | sem.ErrorT | sem.NullT):
                self.flow.facts |= {("name", sym)}

    def assign(self, s: ast.Assign) -> None:
        """``a, b[i] = v, w else …``."""
        wants: list[sem.SemType | None] = []
        for t in s.targets:
            ty = self.place(t)
            wants.append(sem.opt(ty) if isinstance(root_of(t), SlotSym) else ty)
        before = self.flow.facts
        types = self.values_for(s.values, wants, s.orelse, s)
        self.flow.facts = before
        self.otherwise(s.orelse)
        for i, (target, want) in enumerate(zip(s.targets, wants, strict=True)):
            value = s.values[i] if len(s.values) == len(s.targets) else None
            self.written(target)
            if isinstance(value, ast.Uninitialised):
                continue
            known = types[i] if s.orelse is not None else self._plain_type(value)
            if (
                isinstance(want, sem.OptT)
                and known is not None
                and not isinstance(known, sem.OptT | sem.ErrorT | sem.NullT)
            ):
                key = path_key(target)
                if key is not None:
                    self.flow.facts |= {key}

    def _plain_type(self, value: ast.Expr | None) -> sem.SemType | None:
        """The type of a value before it was made nullable."""
        if value is None:
            return None
        return value.ty if isinstance(value.ty, sem.SemType) else None

    def written(self, target: ast.Expr) -> None:
        """What was known about the place is known no longer."""
        root = root_of(target)
        if root is None:
            return
        self.forget(root)
        if isinstance(root, LocalSym):
            root.assigned = True
            if isinstance(target, ast.Name):
                self.flow.unset -= {root}
                self.flow.void -= {root}

    def op_assign(self, s: ast.OpAssign) -> None:
        """``x += e``."""
        t = self.place(s.target)
        if isinstance(s.target, ast.Name):
            self.infer(s.target)  # it is read as well
            s.target.conv = None
        if isinstance(t, sem.SetT):
            right = self.infer(s.value, t if isinstance(s.value, ast.SetLit) else t.of)
            if not isinstance(right, sem.ErrorT):
                self.set_operator(s, t, right)
            self.written(s.target)
            return
        both = ast.Binary(s.span, s.op, s.target, s.value, s.span)
        result = self.arithmetic(both, t)
        wide = s.target.conv
        s.target.conv = None
        self.written(s.target)
        if isinstance(t, sem.ErrorT) or isinstance(result, sem.ErrorT):
            return
        if (
            wide is not None
            and isinstance(wide, sem.IntT)
            and isinstance(t, sem.IntT)
            and wide.with_unit(None) != t.with_unit(None)
        ):
            self.error(
                "DMA023",
                f"{wide} assigned to {plain(t)}",
                s.value.span,
                fix=f"Write  {t.with_unit(None)}({text_of(s.value)})  or  … as {t}.",
            )
        elif isinstance(t, sem.IntT) and isinstance(result, sem.IntT) and result.unit not in (None, t.unit):
            self.error("DMA022", f"{result.unit} assigned to {plain(t)}", s.span)

    # -- what happens
    # ---------------------------------------------------------------------------------------------

    def call_stmt(self, s: ast.CallStmt) -> None:
        """``f(x) else …``."""
        call: ast.Expr = s.call
        if isinstance(call, ast.Pop):
            t = self.rhs(call, None)
        else:
            call.conv = None
            t = self.call(s.call, None, steps=True)
            call.ty = t
            if not isinstance(s.call.ref, ProcSym) and not isinstance(t, sem.ErrorT):
                self.error("DMA062", f"{text_of(s.call.func)} computes a value, and nobody uses it", s.span)
        if s.orelse is not None:
            if isinstance(t, sem.VoidT):
                self.error("DMA024", f"{text_of(s.call.func)} returns nothing that could fail", s.call.span)
            else:
                self.unfailed(call, t)
            self.otherwise(s.orelse)

    def emit(self, s: ast.Emit) -> None:
        """``emit event(args)``."""
        func = s.event.func
        if not isinstance(func, ast.Name):
            self.error("DMA013", "emit is followed by an event", func.span)
            return
        sym = self.find(func.name, func.span, "event")
        func.ref = s.event.ref = sym
        func.ty = sem.VOID
        s.event.ty = sem.VOID
        if sym is None:
            for a in s.event.args:
                self.infer(a.value)
            return
        if not isinstance(sym, EventSym):
            self.error(
                "DMA062",
                f"{sym.name} is a {sym.what}, not an event",
                func.span,
                notes=[(sym.span, "declared here")],
            )
            return
        self.arguments(s.event, sym.name, sym.params)

    def schedule(self, s: ast.Schedule) -> None:
        """``schedule w(args)``, ``arm t(args)``, ``cancel t(args)``."""
        wanted = "work" if s.kind == "schedule" else "timer"
        sym = self.find(s.name, s.span, wanted)
        s.ref = sym
        if not isinstance(sym, ThreadSym) or sym.kind not in ("work", "timer"):
            if sym is not None:
                self.error("DMA062", f"{s.name} is no {wanted}", s.span, notes=[(sym.span, "declared here")])
            return
        if (sym.kind == "work") != (s.kind == "schedule") and s.kind != "cancel":
            self.error(
                "DMA062",
                f"a {sym.kind} is {'scheduled' if sym.kind == 'work' else 'armed'}",
                s.span,
                fix="Write  schedule  for a work,  arm  for a timer.",
            )
        call = ast.Call(s.span, ast.Name(s.span, s.name), s.args)
        self.arguments(call, s.name, sym.params)

    def delete(self, s: ast.Delete) -> None:
        """``delete e``."""
        t = self.value(s.target)
        if isinstance(t, sem.OptT) and isinstance(t.of, sem.ObjT):
            self.undefined("delete", s.target, t)
        elif not isinstance(t, sem.ObjT | sem.ErrorT):
            self.error("DMA020", f"{plain(t)} where an object is wanted", s.target.span)

    def push(self, s: ast.Push) -> None:
        """``push e to l``."""
        t = self.place(s.list)
        if isinstance(t, sem.ListT):
            self.expect(s.value, t.of, Why("an element of the list", s.list.span))
            return
        self.infer(s.value)
        if not isinstance(t, sem.ErrorT):
            self.error("DMA020", f"{plain(t)} where a list is wanted", s.list.span)

    def message(self, m: ast.Message | None) -> None:
        """The values in a text."""
        if m is None:
            return
        for part in m.parts:
            if not isinstance(part, str):
                self.value(part)

    def labels_of(self, body: ast.Block, taken: dict[str, ast.Labelled]) -> None:
        """All labels in a body; each may be there once."""
        for n in walk(body):
            if isinstance(n, ast.Labelled):
                if n.label in taken:
                    self.error(
                        "DMA052",
                        f"the label {n.label} is there already",
                        n.span,
                        notes=[(taken[n.label].span, "here")],
                    )
                else:
                    taken[n.label] = n

    def suggest_label(self, name: str, known: list[str]) -> str | None:
        """The nearest label."""
        return suggest(name, known)
