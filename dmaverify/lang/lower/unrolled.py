"""Branches and loops inside one step: branches are merged, loops unrolled."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, not_
from dmaverify.lang import ast
from dmaverify.lang.lower import cuts, patterns, promises
from dmaverify.lang.lower.choices import each
from dmaverify.lang.lower.context import (
    Cell,
    Ctx,
    Loop,
    Unsupported,
    ev,
    ev_expr,
    executes,
    run,
)
from dmaverify.lang.lower.conversions import require, stored
from dmaverify.lang.lower.vals import Val
from dmaverify.span import Span

LONGEST = 1024
"""So often a loop without a bound of its own is unrolled before the text is refused."""


@executes(ast.If)
def _if(ctx: Ctx, s: ast.If) -> None:
    cond = patterns.condition(ctx, s.cond)
    orelse = s.orelse
    ctx.step.when(cond, lambda: run(ctx, s.then), None if orelse is None else lambda: run(ctx, orelse))


@executes(ast.Match)
def _match(ctx: Ctx, s: ast.Match) -> None:
    values = [ev(ctx, x) for x in s.scrutinees]

    def go(i: int) -> None:
        if i < len(s.arms):
            cond = patterns.arm(ctx, values, s.arms[i].patterns)
            ctx.step.when(cond, lambda: run(ctx, s.arms[i].body), lambda: go(i + 1))

    go(0)


@executes(ast.For)
def _for(ctx: Ctx, s: ast.For) -> None:
    step, frame = ctx.step, ctx.frame
    loop = Loop(object(), object())
    element = frame.element
    frame.loops.append(loop)
    for cond, chosen in each(ctx, s.binders, s.where):
        frame.element = join_label(element, [ctx.world.label(x) for x in chosen])
        step.when(cond, lambda: run(ctx, s.body))
        step.arrive(loop.next)
        if step.live is FALSE:
            break
    frame.element = element
    frame.loops.pop()
    step.arrive(loop.end)


def join_label(outer: str, parts: list[str]) -> str:
    """The elements of nested loops, for labels: each once; what is no constant has no name."""
    known = outer.split(", ") if outer else []
    return ", ".join(dict.fromkeys(x for x in [*known, *parts] if x))


def bound_of(ctx: Ctx, e: ast.Expr | None) -> int | None:
    """How often a loop runs at most."""
    if e is None:
        return None
    value = ev_expr(ctx, e)
    if not value.is_const:
        raise Unsupported("the bound of a loop is a constant", e.span)
    return int(value.value)


def _repeat(
    ctx: Ctx,
    cond: ast.Expr | None,
    step_stmt: ast.Stmt | None,
    body: ast.Block,
    limit: int | None,
    span: Span,
    promise: promises.Promising | None = None,
    counter: str | None = None,
) -> None:
    """A loop within a step. ``counter``: a variable of the loop alone, which nobody reads who has left it."""
    step = ctx.step
    if promise is not None and cuts.is_cut(ctx, promise):
        cuts.cut(ctx, promise)
        return
    loop = Loop(object(), object())
    ctx.frame.loops.append(loop)
    rounds = 0
    if limit is not None:
        limit = max(limit, ctx.world.rounds)
    while step.live is not FALSE:
        if promise is not None:
            promises.invariants(ctx, promise)
        here: Expr = TRUE if cond is None else patterns.condition(ctx, cond)
        if here is not TRUE:
            step.when(not_(here), lambda: step.leave(loop.end))
        if step.live is FALSE:
            break
        if limit is not None and rounds == limit:
            require(ctx, "bound", FALSE, span, f"this loop runs more than {limit} times")
            step.leave(object())
            break
        if rounds == LONGEST:
            raise Unsupported("this loop has no bound that can be seen", span, "Say `at most N`.")
        rounds += 1
        before = None if promise is None else promises.measure(ctx, promise)
        run(ctx, body)
        step.arrive(loop.next)
        if promise is not None and step.live is not FALSE:
            promises.less(ctx, promise, before)
        if step_stmt is not None:
            before_step = None if counter is None else step.values.get(counter)
            run(ctx, step_stmt)
            if counter is not None:
                step.values[counter] = _whoever(step.values[counter], before_step)
    ctx.frame.loops.pop()
    step.arrive(loop.end)


def _whoever(new: Val, old: Val | None) -> Val:
    """The new value also for runs that are not in the loop any more, whose value does not matter."""
    return new.args[1] if isinstance(new, Expr) and new.op == "ite" and new.args[2] is old else new


@executes(ast.CFor)
def _c_for(ctx: Ctx, s: ast.CFor) -> None:
    local = ctx.world.local(s, s.name)
    start = stored(ctx, ev(ctx, s.init), s.ty, s.span)
    name = ctx.step.fresh(s.name)
    ctx.step.write(name, start)
    if local is not None:
        ctx.frame.env[local.key] = Cell(name)
    _repeat(ctx, s.cond, s.step, s.body, bound_of(ctx, s.bound), s.span, counter=name)


@executes(ast.While)
def _while(ctx: Ctx, s: ast.While) -> None:
    _repeat(ctx, s.cond, None, s.body, bound_of(ctx, s.bound), s.span, s)


@executes(ast.Loop)
def _loop(ctx: Ctx, s: ast.Loop) -> None:
    _repeat(ctx, None, None, s.body, bound_of(ctx, s.bound), s.span, s)


@executes(ast.Repeat)
def _repeat_stmt(ctx: Ctx, s: ast.Repeat) -> None:
    n = bound_of(ctx, s.count)
    loop = Loop(object(), object())
    ctx.frame.loops.append(loop)
    for _ in range(n or 0):
        run(ctx, s.body)
        ctx.step.arrive(loop.next)
    ctx.frame.loops.pop()
    ctx.step.arrive(loop.end)
