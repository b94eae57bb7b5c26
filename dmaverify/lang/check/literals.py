"""Values that are written out: records, bits, sets, lists, tuples, new objects."""

from __future__ import annotations

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Mode, Why, plain
from dmaverify.lang.check.fields import Fields
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import BitRef
from dmaverify.span import Span


class Literals(Fields):
    """Rules for values that are written out."""

    def record(self, e: ast.RecordLit) -> sem.SemType:
        """``T { f: v }``."""
        t = self.checker.resolve(self.scope, e.type)
        self.checker.use_type(t, e.type.span, self.owner)
        return self.inits(e, t, e.inits, complete=True)

    def new(self, e: ast.New) -> sem.SemType:
        """``new T { f: v }``: one more instance."""
        t = self.checker.resolve(self.scope, e.type)
        if self.mode is not Mode.STEPS:
            self.error("DMA062", f"{self.mode.value} makes no objects", e.span)
        if not isinstance(t, sem.ObjT | sem.ErrorT):
            return self.error("DMA027", f"{t} is not an object", e.type.span)
        return self.inits(e, t, e.inits, complete=True)

    def with_(self, e: ast.With) -> sem.SemType:
        """``r with { f: v }``."""
        t = self.value(e.base)
        if isinstance(t, sem.OptT):
            return self.undefined("with", e.base, t)
        if not isinstance(t, sem.RecordT | sem.TupleT | sem.BitsT | sem.ErrorT):
            return self.error("DMA027", f"with is not defined for {plain(t)}", e.span)
        return self.inits(e, t, e.inits, complete=False)

    def inits(self, e: ast.Expr, t: sem.SemType, inits: list[ast.FieldInit], complete: bool) -> sem.SemType:
        """The fields of a value; ``complete``: all that have no default must be there. Sets the names of the
        inits."""
        if isinstance(t, sem.ErrorT):
            for i in inits:
                if not isinstance(i.value, ast.Name):
                    self.infer(i.value)
            return t
        if isinstance(t, sem.BitsT):
            return self._bits(t, inits)
        if isinstance(t, sem.TupleT):
            fields = {n: sem.Field(n, ty) for n, ty in zip(t.field_names, t.items, strict=True)}
        elif isinstance(t, sem.RecordT | sem.ObjT):
            fields = t.fields
        else:
            return self.error("DMA027", f"{t} has no fields", e.span)
        self._fields(e, t, fields, inits, complete)
        return t

    def _fields(
        self,
        e: ast.Expr,
        t: sem.SemType,
        fields: dict[str, sem.Field],
        inits: list[ast.FieldInit],
        complete: bool,
    ) -> None:
        given: dict[str, Span] = {}
        order = list(fields)
        for place, i in enumerate(inits):
            if i.name is None:
                if isinstance(i.value, ast.Name) and i.value.name in fields:
                    i.name = i.value.name
                elif place < len(order) and complete:
                    i.name = order[place]
                else:
                    self.error("DMA053", f"{t} has no field at this place", i.span)
                    continue
            f = fields.get(i.name)
            if f is None:
                self.error(
                    "DMA050",
                    f"{t} has no field {i.name}",
                    i.span,
                    fix=suggest(i.name, fields),
                    notes=_declared(t),
                )
                self.infer(i.value)
                continue
            if i.name in given:
                self.error(
                    "DMA052",
                    f"the field {i.name} is given twice",
                    i.span,
                    notes=[(given[i.name], "here first")],
                )
            given[i.name] = i.span
            self.expect(i.value, f.ty, Why(f"the field {f.name}", f.span if f.span.line else None))
        missing = [
            f.name
            for f in fields.values()
            if f.name not in given and f.default is None and not has_default(f.ty)
        ]
        if complete and missing and (not isinstance(e, ast.New) or inits):
            self.error(
                "DMA053", f"{t} is not complete: {', '.join(missing)} missing", e.span, notes=_declared(t)
            )

    def _bits(self, t: sem.BitsT, inits: list[ast.FieldInit]) -> sem.SemType:
        given: dict[str, Span] = {}
        for i in inits:
            if i.name is None and isinstance(i.value, ast.Name):
                i.name = i.value.name
            bits = t.fields.get(i.name) if i.name is not None else None
            if i.name is None or bits is None:
                self.error(
                    "DMA050",
                    f"{t} has no bits {i.name or 'without a name'}",
                    i.span,
                    fix=suggest(i.name or "", t.fields),
                    notes=_declared(t),
                )
                continue
            if i.name in given:
                self.error(
                    "DMA052", f"{i.name} is given twice", i.span, notes=[(given[i.name], "here first")]
                )
            given[i.name] = i.span
            if isinstance(i.value, ast.Name) and i.value.name == i.name and self.local(i.name) is None:
                i.value.ref = BitRef(t, bits, sem.BOOL)
                i.value.ty, i.value.conv = sem.BOOL, None
            elif bits.width == 1:
                self.infer(i.value)
                if isinstance(self.effective(i.value), sem.LitT):
                    self.coerce(i.value, sem.RangeT(0, 1))
                else:
                    self.coerce(i.value, sem.BOOL)
            else:
                self.expect(
                    i.value,
                    sem.RangeT(0, (1 << bits.width) - 1),
                    Why(f"{i.name}, {bits.width} bits,", bits.span),
                )
        return t

    def set_literal(self, e: ast.SetLit, want: sem.SemType | None) -> sem.SemType:
        """``{}``, ``{a, b}``: a set, or flags where flags are wanted."""
        inner = sem.strip(want) if want is not None else None
        elem = inner.of if isinstance(inner, sem.SetT) else inner if isinstance(inner, sem.FlagsT) else None
        if not e.items:
            return inner if isinstance(inner, sem.SetT | sem.FlagsT) else sem.SetT(sem.NULL)
        types = [self.infer(i, elem) for i in e.items]
        if elem is not None:
            for i in e.items:
                self.coerce(i, elem)
            return inner if inner is not None else sem.ERROR
        flags = next((t for t in types if isinstance(t, sem.FlagsT)), None)
        if flags is not None:
            for i in e.items:
                self.coerce(i, flags)
            return flags
        known = next((t for t in types if not isinstance(t, sem.LitT | sem.NullT | sem.ErrorT)), None)
        if known is not None:
            for i in e.items:
                if isinstance(i, ast.TupleLit):
                    self.settle(i)
                self.coerce(i, known)
            known = self.effective(e.items[0]) if isinstance(e.items[0], ast.TupleLit) else known
            return sem.SetT(known)
        if any(isinstance(t, sem.ErrorT) for t in types):
            return sem.ERROR
        return sem.SetT(types[0])

    def list_literal(self, e: ast.ListLit, want: sem.SemType | None) -> sem.SemType:
        """``[]``, ``[a, b]``."""
        inner = sem.strip(want) if want is not None else None
        if isinstance(inner, sem.ListT):
            for i in e.items:
                self.expect(i, inner.of)
            if inner.max is not None and len(e.items) > inner.max:
                return self.error(
                    "DMA026", f"{len(e.items)} elements in a list of at most {inner.max}", e.span
                )
            return inner
        if not e.items:
            return sem.ListT(sem.NULL, 1)
        first = self.value(e.items[0])
        for i in e.items[1:]:
            self.expect(i, first)
        return first if isinstance(first, sem.ErrorT) else sem.ListT(first, len(e.items))

    def tuple_literal(self, e: ast.TupleLit, want: sem.SemType | None) -> sem.SemType:
        """``(a, b)``."""
        inner = sem.strip(want) if want is not None else None
        wanted: tuple[sem.SemType, ...] = ()
        if isinstance(inner, sem.TupleT):
            wanted = inner.items
        elif isinstance(inner, sem.RecordT):
            wanted = tuple(f.ty for f in inner.fields.values())
        hints = [*wanted, *([None] * len(e.items))]
        items = tuple(self.infer(i, h) for i, h in zip(e.items, hints, strict=False))
        if any(isinstance(t, sem.ErrorT) for t in items):
            return sem.ERROR
        return sem.TupleT(items)


def has_default(t: sem.SemType) -> bool:
    """Whether a field of the type may be left out: null, a free lock, an empty list or set, an empty map."""
    if isinstance(t, sem.MapT):
        return True
    return isinstance(t, sem.OptT | sem.LockT | sem.ListT | sem.SetT)


def _declared(t: sem.SemType) -> list[tuple[Span | None, str]]:
    return [(t.span, "declared here")] if isinstance(t, sem.NominalT) and t.span.line else []
