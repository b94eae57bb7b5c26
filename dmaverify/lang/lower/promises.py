"""What a loop promises: an ``invariant`` holds whenever the loop's head is reached, what ``decreases`` is less
after each round, and not negative before it. Both are asserts.
"""

from __future__ import annotations

from pathlib import Path

from dmaverify.ir.expr import TRUE, Expr, and_, const, le, lt
from dmaverify.ir.types import Int, Range
from dmaverify.lang import ast
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.context import Ctx, ev_expr
from dmaverify.lang.lower.flow import Flow
from dmaverify.span import Span

Promising = ast.While | ast.Loop


def invariants(ctx: Ctx, s: Promising) -> None:
    """Where the head is reached."""
    for e in s.invariants:
        _check(ctx, patterns.condition(ctx, e), "the invariant of the loop", e.span)


def measure(ctx: Ctx, s: Promising) -> Expr | None:
    """What has to decrease, before a round; None if nothing is promised."""
    return None if s.decreases is None else ev_expr(ctx, s.decreases)


def less(ctx: Ctx, s: Promising, before: Expr | None) -> None:
    """At the end of a round."""
    if s.decreases is not None and before is not None:
        _check(ctx, is_less(ctx, s, before), "what decreases does not", s.decreases.span)


def is_less(ctx: Ctx, s: Promising, before: Expr) -> Expr:
    """Whether what decreases is less than ``before``, which was not negative."""
    assert s.decreases is not None
    t = before.type
    assert isinstance(t, Int | Range)
    signed = t.signed if isinstance(t, Int) else t.lo < 0
    positive = le(const(0, t), before) if signed else TRUE
    return and_(positive, lt(ev_expr(ctx, s.decreases), before))


def _check(ctx: Ctx, cond: Expr, message: str, span: Span) -> None:
    where = f"{Path(span.file).stem}:{span.line}"
    monitor = ctx.frame.monitor
    prop, label = ("asserts", f"asserts@{where}") if monitor is None else (monitor.name, f"{monitor.name}.{where}")
    ctx.step.check(prop, label, cond, (message,), span)


# -- loops of a thread, round by round ---------------------------------------------


def at_head(f: Flow, s: Promising) -> None:
    """Invariants, where the thread stands; takes no time."""
    if s.invariants:
        step = f.new_step()
        invariants(f.ctx(step), s)
        f.commit(step, s, timeless=True)


def before_round(f: Flow, s: Promising) -> Expr | None:
    """Keeps what has to decrease."""
    if s.decreases is None or f.at is None:
        return None
    step = f.new_step()
    kept = f.keep(step, ev_expr(f.ctx(step), s.decreases), "decreases", id(s))
    f.commit(step, s, timeless=True)
    assert isinstance(kept, Expr)
    return kept


def after_round(f: Flow, s: Promising, before: Expr | None) -> None:
    """Compares it."""
    if before is not None and f.at is not None:
        step = f.new_step()
        less(f.ctx(step), s, before)
        f.commit(step, s, timeless=True)
