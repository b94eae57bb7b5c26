"""Makes nodes of scenarios, of what amends, and of whole files."""

from __future__ import annotations

from typing import Any

from dmaverify.lang import ast
from dmaverify.lang.build_decl import value_of
from dmaverify.lang.build_expr import Children, ExprBuilder, only
from dmaverify.lang.build_setting import SettingBuilder, join
from dmaverify.lang.build_stmt import Clause
from dmaverify.lang.diag import Diagnostics, Source
from dmaverify.lang.lalr import Splice
from dmaverify.lang.tokens import Token
from dmaverify.span import Span

_BLAME = ("tradeoff", "driver", "config")


class _Header:
    """The `module` or `scenario` line."""

    __slots__ = ("amends", "doc", "name", "span", "title")

    def __init__(
        self,
        name: ast.DottedName,
        amends: ast.DottedName | None,
        title: str | None,
        doc: str | None,
        span: Span,
    ) -> None:
        self.name = name
        self.amends = amends
        self.title = title
        self.doc = doc
        self.span = span


class _ModuleHeader(_Header):
    pass


class _ScenarioHeader(_Header):
    pass


class BoardBuilder(SettingBuilder):
    """The rest of a scenario."""

    def on_place_field(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.PlaceField(self.at(a, z), c[0].text, self.tok(c[0]), c[1])

    def on_place(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Place(self.at(a, z), c[0].text, self.tok(c[0]), c[1].text, self.tok(c[1]), c[2:])

    def on_domain(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("domain", c[0], a)

    def on_param_decl(self, c: Children, a: Token, z: Token) -> ast.Decl:
        kind = c[1] if len(c) > 1 and isinstance(c[1], ast.Type) else None
        domain = only(c, Clause)
        value = value_of(c)
        if kind is None and value is None and domain is None:
            self.diags.error("DMA013", "a param wants a type and a value: `param n : u32 = 4`", self.at(a, z))
        return ast.ParamDecl(
            self.at(a, z), c[0].text, self.tok(c[0]), kind, value, domain.value if domain else None
        )

    # ---- threads

    def on_in_irq(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("irq", True, a)

    def on_after(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("after", [t.text for t in c], a)

    def on_before(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("before", [t.text for t in c], a)

    def on_enabled_while(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("while", c[0], a)

    def on_slot(self, c: Children, a: Token, z: Token) -> ast.Slot:
        return ast.Slot(self.at(a, z), c[0].text, self.tok(c[0]), c[1], c[2] if len(c) > 2 else None)

    def on_holding(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("holding", c, a)

    def on_may(self, c: Children, a: Token, z: Token) -> ast.Block:
        return self.body(c[0])

    def on_sequence(self, c: Children, a: Token, z: Token) -> ast.Decl:
        clauses = [x for x in c if isinstance(x, Clause)]
        for clause in clauses:
            if clause.kind in ("while", "holding"):
                self.diags.error("DMA013", f"`{clause.kind}` belongs to a client", self.tok(clause.token))
        return ast.Sequence(
            self.at(a, z),
            c[0].text,
            self.tok(c[0]),
            c[1].text,
            self.tok(c[1]),
            bool(self.one(clauses, "irq")),
            self.one(clauses, "after") or [],
            self.one(clauses, "before") or [],
            c[-1],
        )

    def on_client(self, c: Children, a: Token, z: Token) -> ast.Decl:
        clauses = [x for x in c if isinstance(x, Clause)]
        return ast.Client(
            self.at(a, z),
            c[0].text,
            self.tok(c[0]),
            c[1].text,
            self.tok(c[1]),
            bool(self.one(clauses, "irq")),
            self.one(clauses, "after") or [],
            self.one(clauses, "before") or [],
            self.one(clauses, "while"),
            self.one(clauses, "holding") or [],
            [x for x in c if isinstance(x, ast.Block)],
        )

    def on_interrupt(self, c: Children, a: Token, z: Token) -> ast.Decl:
        when = only(c, Clause)
        return ast.Interrupt(
            self.at(a, z),
            c[0].text,
            self.tok(c[0]),
            c[1].text,
            self.tok(c[1]),
            when.value if when else None,
            c[-1],
        )

    # ---- questions and answers

    def on_prop(self, c: Children, a: Token, z: Token) -> ast.PropRef:
        span = self.at(a, z)
        return ast.PropRef(span, c[0].text, c[1:], self.text_of(span))

    def on_check(self, c: Children, a: Token, z: Token) -> ast.Node:
        everything = [p for p in c if p.name == "all" and not p.args]
        return ast.Check(self.at(a, z), bool(everything), False, [p for p in c if p not in everything])

    def on_check_only(self, c: Children, a: Token, z: Token) -> ast.Node:
        return ast.Check(self.at(a, z), False, True, c)

    def on_v_holds(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("holds", None, a)

    def on_v_holds_to(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("holds", c[0].value, a)

    def on_v_violated(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("violated", None, a)

    def on_v_violated_in(self, c: Children, a: Token, z: Token) -> Clause:
        least, most = c[0].value, c[-1].value
        if most < least:
            self.diags.error("DMA013", f"no trace has {least} to {most} steps", self.at(a, z))
        return Clause("violated", (least, most), a)

    def on_v_vacuous(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("vacuous", None, a)

    def on_v_unreachable(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("unreachable", None, a)

    def on_v_reachable(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("reachable", None, a)

    def on_v_na(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("n/a", None, a)

    def _expectation(self, subject: Any, c: Children, a: Token, z: Token) -> ast.Expectation:
        verdict: Clause = c[1]
        steps = verdict.value if verdict.kind == "violated" else None
        bound = verdict.value if verdict.kind == "holds" else None
        blame, text = c[2].value if len(c) > 2 else (None, None)
        return ast.Expectation(self.at(a, z), subject, verdict.kind, steps, bound, blame, text)

    def on_expectation(self, c: Children, a: Token, z: Token) -> ast.Expectation:
        prop: ast.PropRef = c[0]
        plain = prop.name in ("all", "others") and not prop.args
        if plain and c[1].kind not in ("holds", "vacuous", "n/a"):
            self.diags.error("DMA013", f"`{prop.name}` can only be expected to hold", self.at(a, z))
        return self._expectation(prop.name if plain else prop, c, a, z)

    def on_expectation_cover(self, c: Children, a: Token, z: Token) -> ast.Expectation:
        if c[1].kind not in ("unreachable", "reachable"):
            self.diags.error("DMA013", "a cover is `reachable` or `unreachable`", self.at(a, z))
        return self._expectation(c[0], c, a, z)

    def on_blame(self, c: Children, a: Token, z: Token) -> Clause:
        if c[0].text not in _BLAME:
            self.diags.error("DMA013", "who is to blame is `tradeoff`, `driver` or `config`", self.tok(c[0]))
        return Clause("blame", (c[0].text, self.plain(c[1]) if len(c) > 1 else None), a)

    def on_expect(self, c: Children, a: Token, z: Token) -> ast.Node:
        return ast.Expect(self.at(a, z), c)

    def on_faults(self, c: Children, a: Token, z: Token) -> ast.Node:
        names = [t.text for t in c[0]]
        return ast.Faults(
            self.at(a, z), None if names == ["any"] else names, c[1].value if len(c) > 1 else None
        )

    def on_start(self, c: Children, a: Token, z: Token) -> ast.Node:
        names, after = ([t.text for t in group] for group in c)
        return ast.Start(self.at(a, z), names, [] if after == ["nothing"] else after)


class FileBuilder(ExprBuilder, BoardBuilder):
    """Amendments, variants and whole files: the builder of the whole language."""

    def __init__(self, source: Source, diags: Diagnostics) -> None:
        super().__init__(source.path, diags)
        self._source = source

    def text_of(self, span: Span) -> str:
        """What is written there, with single spaces."""
        lines = [self._source.line(n) for n in range(span.line, span.end_line + 1)]
        lines[-1] = lines[-1][: span.end_column - 1]
        lines[0] = lines[0][span.column - 1 :]
        return " ".join(" ".join(lines).split())

    # ---- amendments

    def _marked(self, c: Children, a: Token, mark: str) -> Any:
        for decl in c:
            setattr(decl, mark, True)
            decl.doc = decl.doc or a.doc
        return Splice(c)

    def on_open_decl(self, c: Children, a: Token, z: Token) -> Any:
        for decl in c:
            body = (
                decl.body if isinstance(decl, ast.FuncDecl | ast.ProcDecl) else getattr(decl, "value", None)
            )
            if not isinstance(decl, ast.FuncDecl | ast.ProcDecl | ast.Const):
                self.diags.error("DMA013", "only a const, func or proc can be open", self.tok(a))
            elif body is not None:
                fix = "Leave off the body, or write `replace` where a version has another."
                self.diags.error("DMA013", f"`{decl.name}` is open and has a body", decl.name_span, fix=fix)
        return self._marked(c, a, "is_open")

    def on_replace_decl(self, c: Children, a: Token, z: Token) -> Any:
        return self._marked(c, a, "is_replace")

    def on_replace_not_atomic(self, c: Children, a: Token, z: Token) -> Any:
        decl = self._proc(c, a, z, False)
        decl.not_atomic = True
        return self._marked([decl], a, "is_replace")

    def on_replace_step(self, c: Children, a: Token, z: Token) -> ast.Node:
        name = join(self.tok(c[0]), self.tok(c[1]))
        return ast.ReplaceStep(self.at(a, z), c[0].text, c[1].text, name, c[2])

    def on_drop_step(self, c: Children, a: Token, z: Token) -> ast.Node:
        return ast.DropStep(self.at(a, z), c[0].text, c[1].text, join(self.tok(c[0]), self.tok(c[1])))

    def on_import_item(self, c: Children, a: Token, z: Token) -> Splice:
        return Splice([ast.Import(name.span, name) for name in c])

    def on_use_item(self, c: Children, a: Token, z: Token) -> Splice:
        return Splice([ast.Use(name.span, name) for name in c])

    def on_require(self, c: Children, a: Token, z: Token) -> ast.Node:
        return ast.Require(self.at(a, z), c[0], c[1] if len(c) > 1 else None)

    def on_remove(self, c: Children, a: Token, z: Token) -> ast.Node:
        return ast.Remove(self.at(a, z), c[0].text, c[1].text, self.tok(c[1]))

    def on_item(self, c: Children, a: Token, z: Token) -> Splice:
        return Splice(c)

    # ---- variants

    def on_from_variant(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("from", c[0].text, a)

    def on_for_variants(self, c: Children, a: Token, z: Token) -> Clause:
        names = [t.text for t in c[0]]
        but = [t.text for t in c[1]] if len(c) > 1 else []
        if but and names != ["all"]:
            self.diags.error("DMA013", "`but` goes with `for all`", self.tok(a))
        return Clause("for", (names, but), a)

    def on_variant_title(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("title", self.plain(c[0]), a)

    def on_variant(self, c: Children, a: Token, z: Token) -> ast.Decl:
        clauses = [x for x in c if isinstance(x, Clause)]
        names, but = self.one(clauses, "for") or ([], [])
        items = [x for x in c[1:] if isinstance(x, ast.Node)]
        return ast.Variant(
            self.at(a, z),
            c[0].text,
            self.tok(c[0]),
            self.one(clauses, "title"),
            self.one(clauses, "from"),
            names == ["all"],
            but,
            [] if names == ["all"] else names,
            items,
        )

    # ---- files

    def on_module_header(self, c: Children, a: Token, z: Token) -> _Header:
        return _ModuleHeader(c[0], c[1] if len(c) > 1 else None, None, a.doc, self.at(a, z))

    def on_scenario_header(self, c: Children, a: Token, z: Token) -> _Header:
        name = ast.DottedName(self.tok(c[0]), c[0].text)
        return _ScenarioHeader(name, None, self.plain(only(c, ast.Message)), a.doc, self.at(a, z))

    def on_file(self, c: Children, a: Token, z: Token) -> ast.Module | ast.Scenario | list[ast.Node]:
        """A list where there is no header: the rest of a file behind an error."""
        if not c or not isinstance(c[0], _Header):
            return c
        header, items = c[0], c[1:]
        span = self.at(a, z)
        file: ast.Module | ast.Scenario
        if isinstance(header, _ModuleHeader):
            file = ast.Module(span, header.name.text, header.name.span, header.amends, items)
        else:
            file = ast.Scenario(span, header.name.text, header.name.span, header.title, items)
        file.doc = header.doc
        return file
