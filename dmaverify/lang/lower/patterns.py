"""Patterns and conditions: what ``is``, ``match`` and ``on`` ask, and which names they bind."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, field, mk, not_, or_
from dmaverify.ir.types import Opt, Record
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower.context import Ctx, Unsupported, ev, ev_expr
from dmaverify.lang.lower.vals import NullV, Val


def condition(ctx: Ctx, e: ast.Expr) -> Expr:
    """A truth value; what an ``is`` binds on the way holds in what follows."""
    if isinstance(e, ast.Binary) and e.op in ("and", "or", "=>"):
        left = condition(ctx, e.left)
        looked_at = left if e.op != "or" else not_(left)
        if looked_at is FALSE:
            return left if e.op != "=>" else TRUE
        with ctx.step.assuming(looked_at):
            right = condition(ctx, e.right)
        if e.op == "and":
            return and_(left, right)
        return or_(left, right) if e.op == "or" else or_(not_(left), right)
    if isinstance(e, ast.Unary) and e.op == "not":
        return not_(condition(ctx, e.operand))
    if isinstance(e, ast.IsPattern):
        return match(ctx, ev(ctx, e.base), e.pattern)
    return ev_expr(ctx, e)


def arm(ctx: Ctx, values: list[Val], patterns: list[ast.Pattern]) -> Expr:
    """Whether one arm of a ``match`` fits; no patterns: ``else``."""
    cond = TRUE
    for value, pattern in zip(values, patterns, strict=False):
        with ctx.step.assuming(cond):
            cond = and_(cond, match(ctx, value, pattern))
    return cond


def match(ctx: Ctx, value: Val, p: ast.Pattern) -> Expr:
    """Whether ``value`` fits the pattern; binds its names."""
    from dmaverify.lang.lower.records import equal

    if isinstance(p, ast.PatWild):
        return TRUE
    if isinstance(p, ast.PatAlt):
        return or_(*(match(ctx, value, q) for q in p.items))
    if isinstance(p, ast.PatLit):
        return equal(value, ev(ctx, p.value))
    if isinstance(p, ast.PatTuple):
        present, inner = _inside(value)
        assert isinstance(inner, Expr)
        assert isinstance(inner.type, Record)
        parts = [match(ctx, field(inner, n), q) for q, (n, _) in zip(p.items, inner.type.fields, strict=True)]
        return and_(present, *parts)
    assert isinstance(p, ast.PatName)
    ref = p.ref
    if isinstance(ref, symbols.LocalSym):
        if isinstance(value, NullV):
            ctx.bind(p, p.name, value)
            return TRUE if isinstance(ref.ty, sem.OptT) else FALSE
        present, inner = (TRUE, value) if isinstance(ref.ty, sem.OptT) else _inside(value)
        ctx.bind(p, p.name, inner)
        return present
    present, inner = _inside(value)
    if isinstance(ref, symbols.EnumCase):
        return and_(present, _case(ctx, inner, ref, p))
    if isinstance(ref, symbols.FlagMember):
        assert isinstance(inner, Expr)
        from dmaverify.lang.lower.values import of_symbol

        wanted = of_symbol(ctx, ref, p)  # type: ignore[arg-type]
        return and_(present, equal(inner, wanted))
    if isinstance(ref, symbols.ConstSym):
        return and_(present, equal(inner, ctx.world.const(ref)))
    raise Unsupported("nothing can be compared with this pattern", p.span)


def _inside(value: Val) -> tuple[Expr, Val]:
    """A nullable value as the condition that it is there and what it then is."""
    if isinstance(value, Expr) and isinstance(value.type, Opt):
        return mk("present", (value,)), mk("get", (value,))
    return TRUE, value


def _case(ctx: Ctx, value: Val, case: symbols.EnumCase, p: ast.PatName) -> Expr:
    from dmaverify.lang.lower.values import case_value

    assert isinstance(value, Expr)
    if not isinstance(value.type, Record):
        return mk("eq", (value, case_value(ctx, case, [], p.span)))
    tag, tag_type = value.type.fields[0]
    cond = mk("eq", (field(value, tag), const(case.ordinal, tag_type)))
    for q, name in zip(p.args or [], ctx.world.payload_fields(case), strict=False):
        cond = and_(cond, match(ctx, field(value, name), q))
    return cond
