"""The types that declarations make: a name first, its insides when all names are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.check.scope import ModuleScope
from dmaverify.lang.symbols import EnumCase, FlagMember

if TYPE_CHECKING:
    from dmaverify.lang.check.checker import Checker


class TypeDeclarer:
    """Makes the types of one program."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.out = checker.out
        self.diags = checker.diags
        self._fill: list[Callable[[], None]] = []
        self._filled = False

    def fill(self) -> None:
        """The types that declarations name; those of consts, options and results that are not written are
        found later."""
        for fill in self._fill:
            fill()
        self._filled = True

    def later(self, what: Callable[[], None]) -> None:
        """What needs the names of all types."""
        if self._filled:
            what()
        else:
            self._fill.append(what)

    def declared_type(self, scope: ModuleScope, d: ast.Decl) -> sem.SemType:
        """The type that a declaration makes, perhaps without insides."""
        name, span = d.name, d.name_span
        if isinstance(d, ast.TypeDecl):
            space = sem.SpaceT(name, span)
            self.later(lambda: self._space(scope, space, d))
            return space
        if isinstance(d, ast.EnumDecl):
            enum = sem.EnumT(name, span)
            self.enum_cases(scope, enum, d.cases, declare=True)
            return enum
        if isinstance(d, ast.FlagsDecl):
            flags = sem.FlagsT(name, span)
            self._flags(scope, flags, d.members)
            return flags
        if isinstance(d, ast.BitsDecl):
            bits = sem.BitsT(name, span)
            self.later(lambda: self._bits(scope, bits, d))
            return bits
        if isinstance(d, ast.RecordDecl):
            record = sem.RecordT(name, span)
            self.later(lambda: self._fields(scope, record.fields, d.fields))
            return record
        if isinstance(d, ast.ObjectDecl):
            obj = sem.ObjT(name, span, max=d.limit)
            self.later(lambda: self._fields(scope, obj.fields, d.fields))
            return obj
        assert isinstance(d, ast.IndexDecl)
        index = sem.IndexT(name, span)
        if d.memory is not None:
            index.kind, index.grain, index.by_cut = "blocks", d.by, d.by is None
            if d.memory != "memory":
                self.diags.error(
                    "DMA028",
                    f"an index can be made of blocks of memory, not of {d.memory}",
                    d.span,
                    fix="Write  of memory by",
                )
        elif isinstance(d.extent, ast.Range):
            index.lo, index.hi, index.inclusive = d.extent.lo, d.extent.hi, d.extent.op == "..="
            d.extent.ty = sem.IterT(sem.I32)
        else:
            index.hi = d.extent
            if d.extent is None:
                self.diags.error(
                    "DMA028",
                    f"nothing says how many values {name} has",
                    span,
                    fix=f"Write  index {name} 4  or  index {name} of memory by …",
                )
        return index

    def _space(self, scope: ModuleScope, space: sem.SpaceT, d: ast.TypeDecl) -> None:
        base = self.checker.resolve(scope, d.base)
        if isinstance(base, sem.IntT):
            space.base = base
        elif not isinstance(base, sem.ErrorT):
            self.diags.error("DMA028", f"a new type is made of an integer type, not of {base}", d.base.span)

    def enum_cases(
        self, scope: ModuleScope, enum: sem.EnumT, cases: Iterable[ast.EnumCase], declare: bool
    ) -> None:
        """Fills in the cases; ``declare``: as names of the module as well."""
        for d in cases:
            if d.name in enum.cases:
                self.diags.error("DMA052", f"{d.name} is in {enum} twice", d.name_span)
                continue
            case = EnumCase(d.name, enum, d.name_span, scope.name, d, ordinal=len(enum.cases))
            enum.cases[d.name] = case
            d.ty = enum
            if declare:
                scope.cases.setdefault(d.name, []).append(case)
            if d.payload:
                case.payload = (sem.ERROR,) * len(d.payload)
                case.payload_names = tuple(f.name or "" for f in d.payload)
                self.later(lambda c=case, p=d.payload: self._payload(scope, c, p))  # type: ignore[misc]

    def _payload(self, scope: ModuleScope, case: EnumCase, fields: list[ast.TupleField]) -> None:
        case.payload = tuple(self._field_type(scope, f.type) for f in fields)

    def _flags(self, scope: ModuleScope, flags: sem.FlagsT, members: list[ast.EnumCase]) -> None:
        for d in members:
            if d.payload:
                self.diags.error("DMA028", "a flag carries nothing", d.span)
            if d.name in flags.members:
                self.diags.error("DMA052", f"{d.name} is in {flags} twice", d.name_span)
                continue
            d.ty = flags
            member = FlagMember(d.name, flags, d.name_span, scope.name, d, bit=len(flags.members))
            flags.members = (*flags.members, d.name)
            scope.cases.setdefault(d.name, []).append(member)

    def _bits(self, scope: ModuleScope, bits: sem.BitsT, d: ast.BitsDecl) -> None:
        base = self.checker.resolve(scope, d.base)
        if isinstance(base, sem.IntT) and not base.signed:
            bits.base = base
        elif not isinstance(base, sem.ErrorT):
            self.diags.error("DMA028", f"bits are those of an unsigned integer, not of {base}", d.base.span)
        for f in d.fields:
            if f.name in bits.fields:
                self.diags.error("DMA052", f"{f.name} is in {bits} twice", f.name_span)
            elif f.hi < f.lo or f.hi >= bits.base.width:
                self.diags.error(
                    "DMA028", f"{bits.base} has no bits {f.hi}..{f.lo}; write the higher one first", f.span
                )
            else:
                bits.fields[f.name] = sem.BitField(f.name, f.hi, f.lo, f.name_span)

    def _fields(self, scope: ModuleScope, fields: dict[str, sem.Field], decls: list[ast.FieldDecl]) -> None:
        for f in decls:
            ty = self._field_type(scope, f.type)
            f.ty = ty
            if f.name in fields:
                self.diags.error(
                    "DMA052",
                    f"two fields are called {f.name}",
                    f.name_span,
                    notes=[(fields[f.name].span, "the first")],
                )
                continue
            fields[f.name] = sem.Field(f.name, ty, f.default, f.name_span)

    def _field_type(self, scope: ModuleScope, node: ast.Type) -> sem.SemType:
        ty = self.checker.resolve(scope, node)
        if not ty.storable and not isinstance(ty, sem.ErrorT):
            why = (
                " (only of an index, enum or object, which has a bit for each element)"
                if isinstance(ty, sem.SetT)
                else ""
            )
            self.diags.error("DMA028", f"a {ty} cannot be stored in a field{why}", node.span)
            return sem.ERROR
        return ty
