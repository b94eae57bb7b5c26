"""What a statement may do that means more than a new value: inject a fault, sleep."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, ite, not_, or_
from dmaverify.ir.types import BOOL
from dmaverify.lang import ast
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.context import Ctx, evaluates, executes
from dmaverify.lang.lower.vals import Val


@evaluates(ast.FaultExpr)
def _fault(ctx: Ctx, e: ast.FaultExpr) -> Val:
    """``fault NAME``: may be true while a budget is left."""
    world, step = ctx.world, ctx.step
    for b in world.budgets:
        if b.names is not None and e.name not in b.names:
            continue
        chosen = step.choose(f"fault_{e.name}", BOOL)
        left = step.read(b.variable)
        assert isinstance(left, Expr)
        step.require(or_(not_(chosen), not_(eq(left, const(0, b.type)))))
        fewer: Expr = left
        for i in range(1, b.type.hi + 1):
            fewer = ite(and_(chosen, eq(left, const(i, b.type))), const(i - 1, b.type), fewer)
        step.write(b.variable, fewer)
        step.reached(f"fault {e.name}", e.span, chosen)
        return chosen
    return FALSE


@executes(ast.MightSleep)
def _might_sleep(ctx: Ctx, s: ast.MightSleep) -> None:
    """``might_sleep``: not in an interrupt, not with a lock held."""
    cond = TRUE if s.cond is None else patterns.condition(ctx, s.cond)
    allowed = TRUE if ctx.world.contexts.may_sleep() else FALSE
    label = f"context.{ctx.frame.name}@{s.span.line}"
    text = "this may sleep, and nothing may here"
    ctx.step.check("context", label, or_(not_(cond), allowed), (text,), s.span)
