"""Makes one module of a root and what amends it: whole declarations are given, replaced, removed or added."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TypeVar, cast

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.library import start_of
from dmaverify.lang.program import LinkedModule
from dmaverify.lang.tree import changed, same
from dmaverify.span import Span

D = TypeVar("D", bound=ast.Decl)

KINDS: dict[type, str] = {
    ast.Const: "const",
    ast.TypeDecl: "type",
    ast.EnumDecl: "enum",
    ast.FlagsDecl: "flags",
    ast.BitsDecl: "bits",
    ast.RecordDecl: "record",
    ast.ObjectDecl: "object",
    ast.IndexDecl: "index",
    ast.VarDecl: "var",
    ast.OptionDecl: "option",
    ast.EventDecl: "event",
    ast.FuncDecl: "func",
    ast.ProcDecl: "proc",
    ast.Spontaneous: "spontaneous",
    ast.Monitor: "monitor",
    ast.Lemma: "lemma",
    ast.Initcall: "initcall",
    ast.Work: "work",
    ast.Timer: "timer",
    ast.ParamDecl: "param",
    ast.Region: "region",
    ast.Place: "place",
    ast.Device: "device",
    ast.Sequence: "sequence",
    ast.Client: "client",
    ast.Interrupt: "interrupt",
}
"""How diagnostics (and `remove`) call each kind of declaration."""


def kind_of(decl: ast.Decl) -> str:
    """The word that declares such a thing."""
    return KINDS.get(type(decl), "declaration")


def space_of(module: LinkedModule, decl: ast.Decl | type[ast.Decl]) -> dict[str, ast.Decl]:
    """The name space that a declaration lives in."""
    kind = decl if isinstance(decl, type) else type(decl)
    if kind is ast.OptionDecl:
        return cast("dict[str, ast.Decl]", module.options)
    if kind is ast.Lemma:
        return cast("dict[str, ast.Decl]", module.lemmas)
    return module.decls


class Merger:
    """Puts the declarations of files into one `LinkedModule`."""

    def __init__(self, diags: Diagnostics) -> None:
        self._diags = diags

    def merge(self, parts: list[ast.Module]) -> LinkedModule:
        """One module of a root and what amends it, in that order."""
        module = LinkedModule(parts[0].name, list(parts))
        for part in parts:
            for item in part.items:
                self.add(module, item, part.name, part is not parts[0])
        return module

    def add(self, module: LinkedModule, item: ast.Item, origin: str, amends: bool) -> None:
        """One declaration of a file; `amends`: it may change what is there already."""
        if isinstance(item, ast.Import | ast.Use):
            return
        if isinstance(item, ast.Require):
            module.requires.append(item)
        elif isinstance(item, ast.Remove):
            self._remove(module, item)
        elif isinstance(item, ast.Cover):
            module.covers.append(item)
            module.origin[item] = origin
        elif isinstance(item, ast.Ensures):
            module.ensures.append(item)
            module.origin[item] = origin
        elif isinstance(item, ast.Decl):
            self._decl(module, item, origin, amends)

    def _decl(self, module: LinkedModule, decl: ast.Decl, origin: str, amends: bool) -> None:
        space = space_of(module, decl)
        base = space.get(decl.name)
        if base is not None and module.origin.get(base) == origin:
            self._diags.error(
                "DMA034",
                f"`{decl.name}` is declared twice",
                decl.name_span,
                notes=[(base.name_span, "the first time")],
            )
            return
        if base is None:
            if decl.is_replace:
                close = get_close_matches(decl.name, space, 1, 0.6)
                what = f"{module.name} has no {kind_of(decl)} `{decl.name}` to replace"
                fix = f"Did you mean  {close[0]} ?" if close else "Without `replace` it is a new declaration."
                self._diags.error("DMA035", what, decl.name_span, fix=fix)
                return
            space[decl.name] = decl
            module.origin[decl] = origin
            return
        if not (decl.is_replace or base.is_open):
            self._diags.error(
                "DMA036",
                f"{module.name} has a {kind_of(base)} `{decl.name}` already",
                decl.name_span,
                notes=[(base.name_span, "this one")],
                fix=f"Write  replace {kind_of(decl)} {decl.name}  if another is meant to take its place.",
            )
            return
        completed = self.complete(decl, base)
        if completed is not None:
            space[decl.name] = completed
            module.origin[completed] = origin

    def complete(self, decl: D, base: ast.Decl) -> D | None:
        """`decl` with what it inherits from what it amends;

        None where the two do not fit, which is reported.
        """
        if type(decl) is not type(base):
            self._diags.error(
                "DMA037",
                f"`{decl.name}` is a {kind_of(base)}, and a {kind_of(decl)} cannot take its place",
                decl.name_span,
                notes=[(base.name_span, f"the {kind_of(base)}")],
            )
            return None
        done: ast.Decl | None = decl
        if isinstance(decl, ast.FuncDecl | ast.ProcDecl) and isinstance(base, ast.FuncDecl | ast.ProcDecl):
            done = self._code(decl, base)
        elif isinstance(decl, ast.Const | ast.ParamDecl) and isinstance(base, ast.Const | ast.ParamDecl):
            if decl.type is not None and base.type is not None and not same(decl.type, base.type):
                self._differs(decl, base, "its type is another", decl.type)
                return None
            done = changed(decl, type=decl.type or base.type)
        elif isinstance(decl, ast.Spontaneous) and isinstance(base, ast.Spontaneous):
            params = self._params(decl, decl.params, base.params, base)
            done = None if params is None else changed(decl, params=params)
        if done is None:
            return None
        if done.doc is None:
            done = done if done is not decl else changed(decl)
            done.doc = base.doc
        if same(done, base):
            self._diags.warning(
                "DMA039",
                f"this {kind_of(decl)} is the same as the one that it replaces",
                decl.name_span,
                notes=[(base.name_span, "the other one")],
            )
        return done  # type: ignore[return-value]

    def _code(
        self, decl: ast.FuncDecl | ast.ProcDecl, base: ast.FuncDecl | ast.ProcDecl
    ) -> ast.FuncDecl | ast.ProcDecl | None:
        params = self._params(decl, decl.params, base.params, base)
        if params is None:
            return None
        if decl.results is not None and (base.results is None or not same(decl.results, base.results)):
            self._differs(decl, base, "its result is another", decl.results[0] if decl.results else decl)
            return None
        if isinstance(decl, ast.ProcDecl) and isinstance(base, ast.ProcDecl):
            self._one_step(decl, base)
        out = changed(decl, params=params, results=base.results)
        if isinstance(out, ast.ProcDecl) and isinstance(base, ast.ProcDecl):
            # The contract belongs to the name: callers rely on it whatever the body.
            out.requires = out.requires or base.requires
            out.ensures = out.ensures or base.ensures
            out.depth = out.depth or base.depth
        if out.body is None and not out.is_open:
            self._diags.error("DMA037", f"`{decl.name}` has no body", decl.name_span)
            return None
        return out

    def _one_step(self, decl: ast.ProcDecl, base: ast.ProcDecl) -> None:
        """Whether others see one step or several is never changed by leaving a word off."""
        notes: list[tuple[Span | None, str]] = [(base.name_span, "this one")]
        if base.is_atomic and not (decl.is_atomic or decl.not_atomic):
            fix = f"Write  {'' if base.is_open else 'replace '}atomic proc {decl.name}"
            if not base.is_open:
                fix += f" , or  replace not atomic proc {decl.name}  if others are to come in between"
            self._diags.error(
                "DMA045",
                f"`{decl.name}` is one step for everybody, and this would take several",
                decl.name_span,
                notes=notes,
                fix=f"{fix}.",
            )
        elif decl.not_atomic and not base.is_atomic:
            self._diags.error(
                "DMA045",
                f"`{decl.name}` is not atomic in what is amended either",
                decl.name_span,
                notes=notes,
                fix=f"Write  replace proc {decl.name} .",
            )

    def _params(
        self, decl: ast.Decl, own: list[ast.Param], theirs: list[ast.Param], base: ast.Decl
    ) -> list[ast.Param] | None:
        if [p.name for p in own] != [p.name for p in theirs]:
            listed = ", ".join(p.name for p in theirs)
            self._differs(decl, base, f"its parameters are ({listed})", decl)
            return None
        out: list[ast.Param] = []
        for mine, other in zip(own, theirs, strict=True):
            if mine.type is not None and other.type is not None and not same(mine.type, other.type):
                self._differs(decl, base, f"the type of {mine.name} is another", mine.type)
                return None
            param = changed(mine, type=mine.type or other.type, by_ref=mine.by_ref or other.by_ref)
            param.default = mine.default or other.default
            out.append(param)
        return out

    def _differs(self, decl: ast.Decl, base: ast.Decl, what: str, where: ast.Node) -> None:
        span = decl.name_span if where is decl else start_of(where.span)
        self._diags.error(
            "DMA037",
            f"`{decl.name}` does not fit what it amends: {what}",
            span,
            notes=[(base.name_span, "declared here")],
        )

    def _remove(self, module: LinkedModule, item: ast.Remove) -> None:
        kind = next((k for k, word in KINDS.items() if word == item.kind), None)
        if kind is None:
            self._diags.error("DMA035", f"`{item.kind}` is no kind of declaration", item.span)
            return
        space = space_of(module, kind)
        found = space.get(item.name)
        if found is None or type(found) is not kind:
            close = get_close_matches(item.name, space, 1, 0.6)
            fix = f"Did you mean  {close[0]} ?" if close else None
            self._diags.error(
                "DMA035", f"{module.name} has no {item.kind} `{item.name}`", item.name_span, fix=fix
            )
            return
        del space[item.name]
