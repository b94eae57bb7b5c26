"""Options, regions, devices and places of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import SETTING_WORDS
from dmaverify.lang.check.base import Why
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import (
    AttrRef,
    ConstSym,
    DeviceSym,
    OptionSym,
    RegionSym,
)
from dmaverify.span import Span

if TYPE_CHECKING:
    from dmaverify.lang.check.checker import Checker


class Settings:
    """What a scenario sets."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.program = checker.program
        self.out = checker.out
        self.diags = checker.diags

    # --------------------------------------------------------------------------------------------------

    def set_options(self) -> None:
        """``hardware`` and ``option`` lines become the values of options, before anything asks for them."""
        for s in self.program.hardware:
            self._hardware(s)
        for o in self.program.option_sets.values():
            sym = self._option(o.name, o.name_span)
            o.ref = sym
            if sym is not None:
                sym.value = o.value

    def _hardware(self, s: ast.Setting) -> None:
        sym = self._option(s.name, s.name_span)
        s.ref = sym
        names = [n for m in self.checker.scopes.modules.values() for n in m.options]
        if sym is not None and not (_says_bool(sym) and self._comma_missing(s, names)):
            sym.value = setting_value(s)
        for inner in s.block or []:
            self._hardware(inner)

    def _comma_missing(self, s: ast.Setting, names: list[str]) -> bool:
        """Whether a setting that is on or off has the next one for its value; reported."""
        if not isinstance(s.value, ast.Name) or s.value.name not in names:
            return False
        self.diags.error(
            "DMA067",
            f"{s.name} is on or off, and {s.value.name} is a setting of its own",
            s.value.span,
            fix=f"Write a comma between them:  {s.name}, {s.value.name} …",
        )
        return True

    def _option(self, name: str, span: Span) -> OptionSym | None:
        scopes = self.checker.scopes
        holder, _, last = name.rpartition(".")
        if holder:
            module = scopes.find_module(holder)
            hits = [o] if module is not None and (o := scopes.modules[module.module].options.get(last)) is not None else []
        else:
            hits = scopes.find_option(scopes.scenario, name)
        if not hits:
            hits = [o for m in scopes.modules.values() for n, o in m.options.items() if n == last]
        if len({id(h) for h in hits}) == 1:
            self.checker.use(hits[0], span)
            return hits[0]
        if hits:
            self.diags.error(
                "DMA051",
                f"two modules have an option {name}",
                span,
                notes=[(h.span, f"in {h.module}") for h in hits],
                fix="Put the module's name in front of it.",
            )
            return None
        names = [n for m in scopes.modules.values() for n in m.options]
        self.diags.error("DMA050", f"no module in use has an option {name}", span, fix=suggest(name, names))
        return None

    # ---------------------------------------------------------------------------------

    def blocks(self) -> None:
        """``region``, ``device`` and ``place``."""
        for r in self.out.regions:
            seen = {s.name for s in r.decl.settings}
            for word in ("at", "size"):
                if word not in seen:
                    self.diags.error("DMA069", f"the region {r.name} has no {word}", r.span, fix=f"Write  {word} …")
            for s in r.decl.settings:
                if s.name in SETTING_WORDS:
                    self._word(s)
                else:
                    self._attribute(r, s)
        for d in self.out.devices:
            for s in d.decl.settings:
                self._attribute(d, s)
        for region in self.out.regions:
            self._complete(region)
        for device in self.out.devices:
            self._complete(device)
        self._places()

    def _word(self, s: ast.Setting) -> None:
        body = self.checker.const_body(self.checker.scopes.scenario)
        if s.name == "overlaps":
            return
        if s.value is None:
            self.diags.error("DMA067", f"{s.name} needs a number", s.span)
            return
        if isinstance(s.value, ast.AnyType):
            self.diags.error(
                "DMA029",
                f"where memory is must be known: {s.name} any is not supported",
                s.span,
                fix="Use a param.",
            )
            return
        want: sem.SemType = sem.I64.with_unit("bytes")
        if s.name == "at":
            want = self.checker.memory_space(self.checker.scopes.scenario)
        body.expect(s.value, want, Why(s.name))

    def _attribute(self, owner: RegionSym | DeviceSym, s: ast.Setting) -> None:
        consts = self.checker.attribute_consts(owner.ty)
        for const in consts:
            for f in self.checker.record_fields(const):
                if f.name != s.name:
                    continue
                of = const.ty.of if isinstance(const.ty, sem.MapT) else sem.ERROR
                field = f if isinstance(of, sem.RecordT) else None
                s.ref = AttrRef(const, field, f.ty)
                value = setting_value(s)
                if isinstance(f.ty, sem.BoolT) and self._comma_missing(s, _field_names(self, consts)):
                    return
                if s.value is None and not isinstance(f.ty, sem.BoolT):
                    self.diags.error("DMA067", f"{s.name} needs a value", s.span, notes=[(f.span, f"{f.name} is {f.ty}")])
                else:
                    self.checker.const_body(self.checker.scopes.scenario, owner).expect(value, f.ty, Why(s.name, f.span))
                self.out.attributes[const.name, owner.name, f.name if field is not None else ""] = value
                self.checker.use(const, s.span, owner)
                return
        names = _field_names(self, consts)
        if owner.what == "region":
            names += sorted(SETTING_WORDS)
        self.diags.error("DMA067", f"a {owner.what} has no {s.name}", s.name_span, fix=suggest(s.name, names))

    def _complete(self, owner: RegionSym | DeviceSym) -> None:
        from dmaverify.lang.check.literals import has_default

        for const in self.checker.attribute_consts(owner.ty):
            of = const.ty.of if isinstance(const.ty, sem.MapT) else sem.ERROR
            for f in self.checker.record_fields(const):
                key = (const.name, owner.name, f.name if isinstance(of, sem.RecordT) else "")
                if key not in self.out.attributes and f.default is None and not has_default(f.ty):
                    self.diags.error(
                        "DMA067",
                        f"the {owner.what} {owner.name} does not say its {f.name}",
                        owner.span,
                        notes=[(f.span, f"{f.ty}, without a default")],
                    )

    def _places(self) -> None:
        regions = {r.name: r for r in self.out.regions}
        for p in self.out.places:
            p.region = regions.get(p.decl.region)
            if p.region is None:
                self.diags.error(
                    "DMA050",
                    f"there is no region {p.decl.region}",
                    p.decl.region_span,
                    fix=suggest(p.decl.region, regions),
                )
            else:
                self.checker.use(p.region, p.decl.region_span, p)
            for f in p.fields.values():
                if f.size is not None:
                    body = self.checker.const_body(self.checker.scopes.scenario, p)
                    body.expect(f.size, sem.I64.with_unit("bytes"), Why(f"the size of {p.name}.{f.name}"))


def _field_names(settings: Settings, consts: list[ConstSym]) -> list[str]:
    """What may be said of a region or device."""
    return [f.name for c in consts for f in settings.checker.record_fields(c)]


def _says_bool(option: OptionSym) -> bool:
    """Whether an option is declared as a truth value; its type is not known yet."""
    t = option.decl.type
    return isinstance(option.value, ast.BoolLit) if t is None else isinstance(t, ast.TypeName) and t.name == "bool"


def setting_value(s: ast.Setting) -> ast.Expr:
    """The value of a setting; a word alone is ``true``, with ``no`` in front ``false``."""
    if s.value is None or s.negated:
        return ast.BoolLit(s.span, not s.negated)
    if isinstance(s.value, ast.Name) and s.value.name == "null":
        return ast.NullLit(s.value.span)
    return s.value
