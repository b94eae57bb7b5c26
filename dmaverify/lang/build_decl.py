"""Makes nodes of declarations."""

from __future__ import annotations

from typing import Any

from dmaverify.lang import ast
from dmaverify.lang.build_expr import Base, Children, Where, only
from dmaverify.lang.build_stmt import Clause, StmtBuilder
from dmaverify.lang.lalr import Splice
from dmaverify.lang.tokens import Token
from dmaverify.span import Span


class Params(list[ast.Param]):
    """The parameters of something, so that they can be told from other children."""


class Default:
    """What stands behind `=`."""

    __slots__ = ("value",)

    def __init__(self, value: ast.Expr) -> None:
        self.value = value


def value_of(children: Children) -> ast.Expr | None:
    """The default among them, if there is one."""
    default = only(children, Default)
    return default.value if default else None


class DataBuilder(Base):
    """Constants, types and variables."""

    def on_decl(self, c: Children, a: Token, z: Token) -> Any:
        """Several names in one declaration are several nodes from here on."""
        for decl in c[0] if isinstance(c[0], list) else c:
            decl.doc = a.doc
        return Splice(c[0]) if isinstance(c[0], list) else c[0]

    def on_names(self, c: Children, a: Token, z: Token) -> list[Token]:
        return c

    def on_dotted(self, c: Children, a: Token, z: Token) -> ast.DottedName:
        return ast.DottedName(self.at(a, z), ".".join(t.text for t in c))

    def on_default(self, c: Children, a: Token, z: Token) -> Default:
        return Default(c[0])

    def on_const_value(self, c: Children, a: Token, z: Token) -> list[ast.Const]:
        kind = c[1] if isinstance(c[1], ast.Type) else None
        return [ast.Const(self.at(t, z), t.text, self.tok(t), kind, c[-1]) for t in c[0]]

    def on_const(self, c: Children, a: Token, z: Token) -> list[ast.Const]:
        return [const for group in c for const in group]

    def on_const_typed(self, c: Children, a: Token, z: Token) -> list[ast.Const]:
        return [ast.Const(self.at(t, z), t.text, self.tok(t), c[1], None) for t in c[0]]

    def on_type_decl(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.TypeDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1])

    def on_case(self, c: Children, a: Token, z: Token) -> ast.EnumCase:
        case = ast.EnumCase(self.at(a, z), c[0].text, self.tok(c[0]), c[1:])
        case.doc = a.doc
        return case

    def on_enum(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.EnumDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1:])

    def on_flags(self, c: Children, a: Token, z: Token) -> ast.Decl:
        for case in c[1:]:
            if case.payload:
                self.diags.error("DMA013", "a flag is a bit and carries nothing", case.span)
        return ast.FlagsDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1:])

    def on_bit_field(self, c: Children, a: Token, z: Token) -> ast.BitField:
        hi, lo = c[1].value, c[-1].value
        if not lo <= hi < 64:
            self.diags.error("DMA013", "bits are written high..low, from 63 to 0", self.at(a, z))
            hi = lo = 0
        return ast.BitField(self.at(a, z), c[0].text, self.tok(c[0]), hi, lo)

    def on_bits(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.BitsDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1], c[2:])

    def on_field(self, c: Children, a: Token, z: Token) -> ast.FieldDecl:
        decl = ast.FieldDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1], value_of(c))
        decl.doc = a.doc
        return decl

    def on_record(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.RecordDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1:])

    def on_object(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.ObjectDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1], c[2:])

    def on_index_open(self, c: Children, a: Token, z: Token) -> list[ast.Decl]:
        return [ast.IndexDecl(self.at(t, z), t.text, self.tok(t), None, None, None) for t in c[0]]

    def on_index_sized(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.IndexDecl(self.at(a, z), c[0].text, self.tok(c[0]), c[1], None, None)

    def on_index_blocks(self, c: Children, a: Token, z: Token) -> ast.Decl:
        by = None if isinstance(c[2], ast.Name) and c[2].name == "cut" else c[2]
        return ast.IndexDecl(self.at(a, z), c[0].text, self.tok(c[0]), None, c[1].text, by)

    def on_var(self, c: Children, a: Token, z: Token) -> list[ast.Decl]:
        return [ast.VarDecl(self.at(t, z), t.text, self.tok(t), c[1], value_of(c)) for t in c[0]]

    def on_ghost(self, c: Children, a: Token, z: Token) -> list[ast.Ghost]:
        return [ast.Ghost(self.at(t, z), t.text, self.tok(t), c[1], value_of(c)) for t in c[0]]

    def _option(
        self, name: ast.DottedName, kind: ast.Type | None, default: ast.Expr | None, span: Span
    ) -> ast.Decl:
        if "." in name.text:
            self.diags.error(
                "DMA013", "an option is declared by its own name, without the module's", name.span
            )
        return ast.OptionDecl(span, name.text, name.span, kind, default)

    def on_option(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return self._option(c[0], c[1], value_of(c), self.at(a, z))

    def on_option_untyped(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return self._option(c[0], None, value_of(c), self.at(a, z))


class CodeBuilder(StmtBuilder, DataBuilder):
    """Functions, procedures, monitors and the like."""

    def on_params(self, c: Children, a: Token, z: Token) -> Params:
        return Params(c)

    def on_param(self, c: Children, a: Token, z: Token) -> ast.Param:
        kind = c[1] if len(c) > 1 and isinstance(c[1], ast.Type) else None
        return ast.Param(self.at(a, z), c[0].text, self.tok(c[0]), kind, False, value_of(c))

    def on_param_ref(self, c: Children, a: Token, z: Token) -> ast.Param:
        return ast.Param(self.at(a, z), c[0].text, self.tok(c[0]), c[1], True, None)

    def on_results(self, c: Children, a: Token, z: Token) -> list[ast.ResultField]:
        kind = c[0]
        if isinstance(kind, ast.TypeTuple):
            return [ast.ResultField(f.span, f.name, f.type) for f in kind.fields]
        return [ast.ResultField(kind.span, None, kind)]

    def on_clause_depth(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("depth", c[0], a)

    def on_clause_requires(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("requires", c[0], a)

    def on_clause_ensures(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("ensures", c[0], a)

    def on_clauses(self, c: Children, a: Token, z: Token) -> tuple[Clause, ...]:
        return tuple(c)

    def on_body_expr(self, c: Children, a: Token, z: Token) -> ast.Expr:
        body: ast.Expr = c[0]
        return body

    def on_event(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.EventDecl(self.at(a, z), c[0].text, self.tok(c[0]), list(c[1]) if len(c) > 1 else [])

    @staticmethod
    def _body(last: Any) -> ast.Expr | ast.Block | None:
        return last if isinstance(last, ast.Expr | ast.Block) else None

    def on_func(self, c: Children, a: Token, z: Token) -> ast.Decl:
        for clause in only(c, tuple):
            self.diags.error(
                "DMA013",
                "a func takes no time and has no clauses; a lemma can say this",
                self.tok(clause.token),
            )
        results = next((x for x in c[2:] if isinstance(x, list)), None)
        func = ast.FuncDecl(self.at(a, z), c[0].text, self.tok(c[0]), list(c[1]), results, self._body(c[-1]))
        func.doc = a.doc
        return func

    def _proc(self, c: Children, a: Token, z: Token, is_atomic: bool) -> ast.ProcDecl:
        clauses: list[Clause] = list(only(c, tuple))
        results = next((x for x in c[2:] if isinstance(x, list)), None)
        proc = ast.ProcDecl(
            self.at(a, z),
            c[0].text,
            self.tok(c[0]),
            list(c[1]),
            results,
            is_atomic,
            self.one(clauses, "depth"),
            [x.value for x in clauses if x.kind == "requires"],
            [x.value for x in clauses if x.kind == "ensures"],
            self._body(c[-1]),
        )
        proc.doc = a.doc
        return proc

    def on_proc(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return self._proc(c, a, z, False)

    def on_atomic_proc(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return self._proc(c, a, z, True)

    def on_when(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("when", c[0], a)

    def on_spontaneous(self, c: Children, a: Token, z: Token) -> ast.Decl:
        when = only(c, Clause)
        params = list(only(c, Params) or [])
        return ast.Spontaneous(
            self.at(a, z), c[0].text, self.tok(c[0]), params, when.value if when else None, c[-1]
        )

    # ---- monitors

    def on_applies(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("applies", c[0], a)

    def on_handler(self, c: Children, a: Token, z: Token) -> ast.Handler:
        return ast.Handler(self.at(a, z), c[0].text, c[1:-1], c[-1])

    def on_stable(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("stable", None, a)

    def on_always_for(self, c: Children, a: Token, z: Token) -> ast.Always:
        where = only(c, Where)
        binders = next(x for x in c if isinstance(x, list) and x is not where)
        stable = isinstance(c[0], Clause)
        return ast.Always(self.at(a, z), stable, binders, where[0] if where else None, c[-1])

    def on_always_block(self, c: Children, a: Token, z: Token) -> ast.Always:
        stmts = [s for s in c if isinstance(s, ast.Stmt)]
        block = ast.Block(stmts[0].span if stmts else self.at(a, z), stmts)
        return ast.Always(self.at(a, z), isinstance(c[0], Clause) if c else False, [], None, block)

    def on_always_expr(self, c: Children, a: Token, z: Token) -> ast.Always:
        stable = isinstance(c[0], Clause)
        cond = c[1] if stable else c[0]
        message = only(c, ast.Message)
        span = Span(self.path, cond.span.line, cond.span.column, z.line, z.col + len(z.text))
        block = ast.Block(span, [ast.Assert(span, cond, message)])
        return ast.Always(self.at(a, z), stable, [], None, block)

    def on_monitor(self, c: Children, a: Token, z: Token) -> ast.Decl:
        parts: dict[type, list[Any]] = {}
        for part in (
            x for y in c for x in (y if isinstance(y, list) and not isinstance(y, Params) else (y,))
        ):
            parts.setdefault(type(part), []).append(part)
        params = list(only(c, Params) or [])
        code = next(t for t in c[1:] if isinstance(t, Token))
        applies = only(c, Clause)
        return ast.Monitor(
            self.at(a, z),
            c[0].text,
            self.tok(c[0]),
            params,
            code.text,
            applies.value if applies else None,
            parts.get(ast.Ghost, []),
            parts.get(ast.Handler, []),
            parts.get(ast.Always, []),
            parts.get(ast.Lemma, []),
            parts.get(ast.Cover, []),
            parts.get(ast.FuncDecl, []),
            parts.get(ast.ProcDecl, []),
        )

    # ---- lemmas and the like

    def on_for_binders(self, c: Children, a: Token, z: Token) -> list[ast.Binder]:
        binders: list[ast.Binder] = c[0]
        return binders

    def on_lemma_when(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("when", c[0], a)

    def on_lemma(self, c: Children, a: Token, z: Token) -> ast.Decl:
        when = only(c, Clause)
        binders = only(c, list) or []
        lemma = ast.Lemma(
            self.at(a, z), c[0].text, self.tok(c[0]), binders, when.value if when else None, c[-1]
        )
        lemma.doc = a.doc
        return lemma

    def on_cover(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Cover(self.at(a, z), self.text_of(c[0].span), c[0].span, c[0])

    def on_cover_named(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Cover(self.at(a, z), c[0].text, self.tok(c[0]), c[1])

    def text_of(self, span: Span) -> str:
        """What is written there, with single spaces."""
        raise NotImplementedError

    def on_ensures(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Ensures(self.at(a, z), c[0].text, self.tok(c[0]), c[1])

    def on_initcall(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Initcall(self.at(a, z), c[1].text, self.tok(c[1]), c[0].text, c[2])

    def on_work(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Work(self.at(a, z), c[0].text, self.tok(c[0]), list(only(c, Params) or []), c[-1])

    def on_timer(self, c: Children, a: Token, z: Token) -> ast.Decl:
        return ast.Timer(self.at(a, z), c[0].text, self.tok(c[0]), list(only(c, Params) or []), c[-1])
