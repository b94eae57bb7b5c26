"""Makes nodes of types, patterns and expressions: one method `on_RULE` for each rule of the grammar that has
a node.

A method gets the children that the grammar keeps (nodes, `Token`s of names and numbers), and the first and
last token.
"""

from __future__ import annotations

from typing import Any

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostics
from dmaverify.lang.lalr import Splice
from dmaverify.lang.precedence import Item, Op, Resolver
from dmaverify.lang.tokens import Token
from dmaverify.span import Span

Children = list[Any]


class Seq:
    """A flat sequence of operands and operators, not yet a tree."""

    __slots__ = ("items",)

    def __init__(self, items: list[Item]) -> None:
        self.items = items


class Where(list[Any]):
    """Marks the child of a `where` clause, so that it can be told from the others."""


def only(children: Children, kind: type) -> Any:
    """The one child of that class, or None."""
    return next((c for c in children if isinstance(c, kind)), None)


class Base:
    """What all builders share."""

    def __init__(self, path: str, diags: Diagnostics) -> None:
        self.path = path
        self.diags = diags

    def at(self, first: Token, last: Token) -> Span:
        """The span from one token to another."""
        return Span(self.path, first.line, first.col, last.line, last.col + len(last.text))

    def tok(self, token: Token) -> Span:
        """The span of one token."""
        return Span(self.path, token.line, token.col, token.line, token.col + len(token.text))

    def handlers(self) -> dict[str, Any]:
        """Rule name to the method that makes its node."""
        return {name[3:]: getattr(self, name) for name in dir(self) if name.startswith("on_")}

    def resolve(self, seq: Any) -> ast.Expr:
        """The tree of a sequence."""
        if isinstance(seq, Seq):
            return Resolver(seq.items, self.diags).run()
        assert isinstance(seq, ast.Expr)
        return seq


class TypeBuilder(Base):
    """Types."""

    def on_type_name(self, c: Children, a: Token, z: Token) -> ast.TypeName:
        return ast.TypeName(self.at(a, z), c[0].text, c[1].text if len(c) > 1 else None)

    def on_nullable(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeNullable(self.at(a, z), c[0])

    def on_set_type(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeSet(self.at(a, z), c[0])

    def on_list_type(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeList(self.at(a, z), None, c[0])

    def on_list_max_type(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeList(self.at(a, z), c[0], c[1])

    def on_map_type(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeMap(self.at(a, z), c[:-1], c[-1])

    def on_tuple_field(self, c: Children, a: Token, z: Token) -> ast.TupleField:
        return ast.TupleField(self.at(a, z), None, c[0])

    def on_tuple_field_named(self, c: Children, a: Token, z: Token) -> ast.TupleField:
        return ast.TupleField(self.at(a, z), c[0].text, c[1])

    def on_tuple_type(self, c: Children, a: Token, z: Token) -> ast.Type:
        if len(c) == 1 and c[0].name is None:
            inner: ast.Type = c[0].type
            return inner
        return ast.TypeTuple(self.at(a, z), c)

    def on_enum_type(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeEnum(self.at(a, z), c)

    def on_range_type(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeRange(self.at(a, z), c[0], c[1], False)

    def on_range_type_incl(self, c: Children, a: Token, z: Token) -> ast.Type:
        return ast.TypeRange(self.at(a, z), c[0], c[1], True)


class PatternBuilder(Base):
    """Patterns."""

    def on_patterns(self, c: Children, a: Token, z: Token) -> list[ast.Pattern]:
        return c

    def on_alternatives(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        first: ast.Pattern = c[0]
        return first if len(c) == 1 else ast.PatAlt(self.at(a, z), c)

    def on_pat_name(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        if c[0].text == "_":
            return ast.PatWild(self.at(a, z))
        return ast.PatName(self.at(a, z), c[0].text, None)

    def on_pat_case(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        return ast.PatName(self.at(a, z), c[0].text, c[1:])

    def on_pat_int(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        return ast.PatLit(self.at(a, z), ast.IntLit(self.at(a, z), c[0].value, c[0].sized))

    def on_pat_minus_int(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        number = ast.IntLit(self.tok(c[0]), c[0].value, c[0].sized)
        return ast.PatLit(self.at(a, z), ast.Unary(self.at(a, z), "-", number))

    def on_pat_minus_name(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        return ast.PatLit(self.at(a, z), ast.Unary(self.at(a, z), "-", ast.Name(self.tok(c[0]), c[0].text)))

    def on_pat_true(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        return ast.PatLit(self.at(a, z), ast.BoolLit(self.at(a, z), True))

    def on_pat_false(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        return ast.PatLit(self.at(a, z), ast.BoolLit(self.at(a, z), False))

    def on_pat_null(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        return ast.PatLit(self.at(a, z), ast.NullLit(self.at(a, z)))

    def on_pat_tuple(self, c: Children, a: Token, z: Token) -> ast.Pattern:
        first: ast.Pattern = c[0]
        return first if len(c) == 1 else ast.PatTuple(self.at(a, z), c)


class OperatorBuilder(Base):
    """Sequences of operands and operators, quantifiers and choices."""

    def on_seq(self, c: Children, a: Token, z: Token) -> Seq:
        return Seq(list(c))

    def on_seq_more(self, c: Children, a: Token, z: Token) -> Seq:
        seq: Seq = c[0]
        seq.items.extend(c[1:])
        return seq

    def on_seq_is(self, c: Children, a: Token, z: Token) -> Seq:
        seq: Seq = c[0]
        seq.items.append(Op("is", c[1].span, c[1]))
        return seq

    def on_not_term(self, c: Children, a: Token, z: Token) -> Splice:
        return Splice([Op("not", self.tok(a)), *c])

    def on_binary(self, c: Children, a: Token, z: Token) -> Op:
        return Op("not in" if a.text == "not" else a.text, self.at(a, z))

    def on_chain(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return self.resolve(c[0])

    def on_chain_tail(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return Resolver([*c[0].items, *c[1:]], self.diags).run()

    def on_not_tail(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Unary(self.at(a, z), "not", c[0])

    def on_where(self, c: Children, a: Token, z: Token) -> Where:
        return Where(c)

    def on_where_q(self, c: Children, a: Token, z: Token) -> Where:
        return Where(c)

    def on_binder_in(self, c: Children, a: Token, z: Token) -> list[ast.Binder]:
        domain = self.resolve(c[-1])
        return [ast.Binder(self.tok(t), [t.text], domain, None) for t in c[:-1]]

    def on_binder_type(self, c: Children, a: Token, z: Token) -> list[ast.Binder]:
        return [ast.Binder(self.tok(t), [t.text], None, c[-1]) for t in c[:-1]]

    def on_binder_tuple(self, c: Children, a: Token, z: Token) -> list[ast.Binder]:
        return [ast.Binder(self.at(a, z), [t.text for t in c[:-1]], self.resolve(c[-1]), None)]

    def on_binder_open(self, c: Children, a: Token, z: Token) -> list[ast.Binder]:
        return [ast.Binder(self.at(a, z), [c[0].text], None, None)]

    def on_binders(self, c: Children, a: Token, z: Token) -> list[ast.Binder]:
        return [b for group in c for b in group]

    def on_always_binders(self, c: Children, a: Token, z: Token) -> list[ast.Binder]:
        """Of `i, j in S` both get the domain, as in other lists of binders."""
        binders = [b for group in c for b in group]
        domain: ast.Expr | None = None
        kind: ast.Type | None = None
        for binder in reversed(binders):
            if binder.domain is not None or binder.type is not None:
                domain, kind = (binder.domain, binder.type) if len(binder.names) == 1 else (None, None)
            else:
                binder.domain, binder.type = domain, kind
        return binders

    def on_quant(self, c: Children, a: Token, z: Token) -> ast.Expr:
        where = only(c, Where)
        kind = {"forall": "all", "exists": "some"}.get(c[0].text, c[0].text)
        return ast.Quant(self.at(a, z), kind, c[1], where[0] if where else None, c[-1])

    def on_choice_value(self, c: Children, a: Token, z: Token) -> ast.Expr:
        value: ast.Expr = c[0]
        return value

    def _choice(self, c: Children) -> tuple[ast.Binder, ast.Expr | None, ast.Expr | None]:
        binders, rest = c[1], c[2:]
        if len(binders) > 1:
            self.diags.error("DMA013", f"`{c[0].text}` takes one name", binders[1].span)
        where = only(rest, Where)
        value = rest[-1] if rest and not isinstance(rest[-1], Where) else None
        return binders[0], where[0] if where else None, value

    def on_choice(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Choice(self.at(a, z), c[0].text, *self._choice(c))

    def on_fold(self, c: Children, a: Token, z: Token) -> ast.Expr:
        binder, where, value = self._choice(c)
        kind = c[0].text
        if (value is None) != (kind == "count"):
            what = "counts, and takes no value" if kind == "count" else "wants a value: `sum x in S : value`"
            self.diags.error("DMA013", f"`{kind}` {what}", self.tok(a))
        return ast.Fold(self.at(a, z), kind, binder, where, value)


class OperandBuilder(Base):
    """Single operands and what may follow them."""

    def on_name(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Name(self.at(a, z), c[0].text)

    def on_at_label(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.AtLabel(self.at(a, z), c[0].text, c[1].text)

    def on_int_lit(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.IntLit(self.at(a, z), c[0].value, c[0].sized)

    def on_true(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.BoolLit(self.at(a, z), True)

    def on_false(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.BoolLit(self.at(a, z), False)

    def on_null(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.NullLit(self.at(a, z))

    def on_result(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Result(self.at(a, z))

    def on_uninitialised(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Uninitialised(self.at(a, z))

    def on_group(self, c: Children, a: Token, z: Token) -> ast.Expr:
        inner: ast.Expr = c[0]
        return inner

    def on_tuple_lit(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.TupleLit(self.at(a, z), c)

    def on_record_body(self, c: Children, a: Token, z: Token) -> list[ast.FieldInit]:
        return c

    def on_init(self, c: Children, a: Token, z: Token) -> ast.FieldInit:
        return ast.FieldInit(self.at(a, z), None, c[0])

    def on_init_named(self, c: Children, a: Token, z: Token) -> ast.FieldInit:
        return ast.FieldInit(self.at(a, z), c[0].text, c[1])

    def on_record_lit(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.RecordLit(self.at(a, z), ast.TypeName(self.tok(c[0]), c[0].text, None), c[1])

    def on_new(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.New(self.at(a, z), c[0], [])

    def on_new_record(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.New(self.at(a, z), ast.TypeName(self.tok(c[0]), c[0].text, None), c[1])

    def on_member(self, c: Children, a: Token, z: Token) -> ast.Expr:
        base, name = c
        if isinstance(base, ast.Name) and base.name == "option":
            return ast.OptionRef(self.at(a, z), name.text)
        return ast.Field(self.at(a, z), base, name.text, self.tok(name))

    def on_subscript(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Index(self.at(a, z), c[0], c[1:])

    def on_star(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Star(self.at(a, z))

    def on_arg(self, c: Children, a: Token, z: Token) -> ast.Arg:
        return ast.Arg(self.at(a, z), None, c[0])

    def on_arg_named(self, c: Children, a: Token, z: Token) -> ast.Arg:
        return ast.Arg(self.at(a, z), c[0].text, c[1])

    def on_call(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Call(self.at(a, z), c[0], c[1:])

    def on_non_null(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.NonNull(self.at(a, z), c[0])

    def on_unit_of(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.UnitOf(self.at(a, z), c[0], c[1].text)

    def on_with(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.With(self.at(a, z), c[0], c[1])

    def on_cast_as(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Cast(self.at(a, z), c[0], c[1], False)

    def on_cast_wrap(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Cast(self.at(a, z), c[0], c[1], True)

    def on_negative(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Unary(self.at(a, z), "-", c[0])

    def on_complement(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Unary(self.at(a, z), "~", c[0])

    def on_old(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Old(self.at(a, z), c[0])

    def on_done(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Done(self.at(a, z), c[0].text)

    def on_take(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.Take(self.at(a, z), c[0].text)

    def on_fault(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.FaultExpr(self.at(a, z), c[0].text)

    def on_any_in(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.AnyIn(self.at(a, z), c[0])

    def on_any_type(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.AnyType(self.at(a, z), c[0])

    def on_if_expr(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.IfExpr(self.at(a, z), c[0], c[1], c[2])

    def on_exprs(self, c: Children, a: Token, z: Token) -> list[ast.Expr]:
        return c

    def on_expr_arm(self, c: Children, a: Token, z: Token) -> ast.ExprArm:
        return ast.ExprArm(self.at(a, z), c[0], c[1])

    def on_expr_arm_else(self, c: Children, a: Token, z: Token) -> ast.ExprArm:
        return ast.ExprArm(self.at(a, z), [], c[0])

    def on_match_expr(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.MatchExpr(self.at(a, z), c[0], c[1:])

    def on_set_lit(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.SetLit(self.at(a, z), c)

    def on_set_comp(self, c: Children, a: Token, z: Token) -> ast.Expr:
        where = only(c, Where)
        return ast.SetComp(self.at(a, z), c[0], c[1], where[0] if where else None)

    def on_list_lit(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.ListLit(self.at(a, z), c)

    def on_let_expr(self, c: Children, a: Token, z: Token) -> ast.Expr:
        return ast.LetExpr(self.at(a, z), c[0].text, c[1], c[2])


class ExprBuilder(TypeBuilder, PatternBuilder, OperatorBuilder, OperandBuilder):
    """Everything about types, patterns and expressions."""
