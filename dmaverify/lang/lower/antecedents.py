"""Where an assert says nothing: ``a => b`` where ``a`` is false, ``all x in s: b`` where ``s`` is empty.

There it holds whatever the model does, so it counts as put to the test only elsewhere. The condition becomes part of
the check's path, which changes nothing about when it fails.
"""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, or_
from dmaverify.lang import ast
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.choices import each
from dmaverify.lang.lower.context import Ctx


def antecedent(ctx: Ctx, e: ast.Expr) -> Expr:
    """When the condition ``e`` says anything; where this is false, ``e`` is true."""
    if not _is_conditional(e):
        return TRUE
    step = ctx.step
    quiet, guard, inputs = step.quiet, step.guard, list(step.inputs)
    step.quiet = True  # what is undefined in it is found where the condition itself is evaluated
    found = _says(ctx, e)
    step.quiet = quiet
    if len(step.inputs) != len(inputs):
        # a choice made for this would be another one than the condition's own
        step.guard, step.inputs = guard, inputs
        return TRUE
    return found


def _is_conditional(e: ast.Expr) -> bool:
    if isinstance(e, ast.Binary):
        return e.op == "=>" or (e.op == "and" and _is_conditional(e.left) and _is_conditional(e.right))
    return isinstance(e, ast.Quant) and e.kind == "all"


def _says(ctx: Ctx, e: ast.Expr) -> Expr:
    if not _is_conditional(e):
        return TRUE
    if isinstance(e, ast.Binary):
        if e.op == "and":
            return or_(_says(ctx, e.left), _says(ctx, e.right))
        left = patterns.condition(ctx, e.left)
        if left is FALSE:
            return FALSE
        with ctx.step.assuming(left):
            return and_(left, _says(ctx, e.right))
    assert isinstance(e, ast.Quant)
    found: Expr = FALSE
    for cond, _ in each(ctx, e.binders, e.where):
        with ctx.step.assuming(cond):
            found = or_(found, and_(cond, _says(ctx, e.body)))
        if found is TRUE:
            break
    return found
