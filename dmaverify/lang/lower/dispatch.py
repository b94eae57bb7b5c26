"""Which rule lowers which statement of a thread, and statements that are one step with jumps out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dmaverify.ir.expr import FALSE, TRUE, Expr
from dmaverify.lang import ast
from dmaverify.lang.lower.context import run
from dmaverify.lang.lower.flow import Flow, Target
from dmaverify.lang.lower.graph import Point
from dmaverify.lang.lower.step import Step

Rule = Callable[[Flow, Any], None]
RULES: dict[type, Rule] = {}


def lowers(*classes: type) -> Callable[[Rule], Rule]:
    """Registers the rule for statements of these classes."""

    def register(rule: Rule) -> Rule:
        for c in classes:
            RULES[c] = rule
        return rule

    return register


def lower(f: Flow, s: ast.Stmt) -> None:
    """Lower one statement; what cannot be reached is left out."""
    if f.at is None and not _has_label(s):
        return
    rule = RULES.get(type(s))
    if rule is not None:
        rule(f, s)
    else:
        in_one_step(f, s)


def _has_label(s: ast.Stmt) -> bool:
    return isinstance(s, ast.Labelled | ast.Block)


def in_one_step(f: Flow, s: ast.Stmt) -> None:
    """A statement as one step, with the jumps that lead out of it."""
    step = f.new_step()
    ctx = f.ctx(step)
    run(ctx, s)
    leave_step(f, step, s)


def leave_step(f: Flow, step: Step, s: ast.Stmt) -> None:
    """Commit a step whose text may have jumped: return, break, continue, goto."""
    ways: list[tuple[Expr, Target]] = []
    for key, cond in step.exits.items():
        target = _exit_target(f, key)
        if cond is not FALSE and target is not None:
            ways.append((cond, target))
    if not ways:
        f.commit(step, s)
        if step.live is FALSE:
            f.at = None
        return
    points = [(c, Point(), t) for c, t in ways]
    onward = Point()
    following = [(c, p) for c, p, _ in points]
    following.append((TRUE, onward if step.live is not FALSE else points[-1][1]))
    f.commit(step, s, next=following)
    for _, p, t in points:
        f.at = p
        f.jump(t)
    f.at = onward if step.live is not FALSE else None


def _exit_target(f: Flow, key: object) -> Target | None:
    if isinstance(key, tuple) and key[0] == "return":
        return f.scope.ret
    if isinstance(key, tuple) and key[0] == "label":
        return label_target(f, key[2])
    for (end, following), loop in zip(f.scope.loops, f.frame.loops, strict=True):
        if key is loop.end:
            return end
        if key is loop.next:
            return following
    return None


def label_target(f: Flow, name: str) -> Target:
    """Where a label of the call that is being lowered is."""
    target = f.scope.labels.get(name)
    if target is None:
        target = f.scope.labels[name] = Target(Point(), f.scope.ret.held + f.scope.depths.get(name, 0))
    return target
