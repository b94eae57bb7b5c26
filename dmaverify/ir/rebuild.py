"""Systems and actions with every expression replaced; what passes that only rewrite are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action, Check, Effect, Emit, LockOp, Part, System

Map = Callable[[Expr], Expr]


def map_effect(e: Effect, f: Map) -> Effect:
    """An effect with its expressions replaced."""
    if isinstance(e, Check):
        return replace(e, path=f(e.path), cond=f(e.cond))
    if isinstance(e, Emit):
        return replace(e, path=f(e.path), args=tuple((n, f(x)) for n, x in e.args))
    return replace(e, path=f(e.path))


def map_part(p: Part, f: Map) -> Part:
    """A part with its expressions replaced."""
    return replace(p, path=f(p.path), bindings=tuple((n, f(x)) for n, x in p.bindings))


def map_action(a: Action, f: Map) -> Action:
    """An action with its expressions replaced."""
    return replace(
        a,
        guard=f(a.guard),
        effects=tuple(map_effect(e, f) for e in a.effects),
        updates={v: f(e) for v, e in a.updates.items()},
        weight=None if a.weight is None else f(a.weight),
        locks=tuple(LockOp(op.op, f(op.lock)) for op in a.locks),
        parts=tuple(map_part(p, f) for p in a.parts),
    )


def map_exprs(system: System, f: Map) -> System:
    """A System with its expressions replaced."""
    return system.with_(
        actions=tuple(map_action(a, f) for a in system.actions),
        always=tuple(replace(w, cond=f(w.cond), when=f(w.when), stable=tuple(map(f, w.stable))) for w in system.always),
        covers=tuple(replace(c, cond=f(c.cond)) for c in system.covers),
        assumptions=tuple(map(f, system.assumptions)),
        domain=tuple(map(f, system.domain)),
    )


def effect_exprs(e: Effect) -> Iterator[Expr]:
    """The expressions of an effect."""
    yield e.path
    if isinstance(e, Check):
        yield e.cond
    elif isinstance(e, Emit):
        yield from (x for _, x in e.args)


def action_exprs(a: Action) -> Iterator[Expr]:
    """The expressions of an action that decide what it does: all but those of locks and parts."""
    yield a.guard
    if a.weight is not None:
        yield a.weight
    yield from a.updates.values()
    for e in a.effects:
        yield from effect_exprs(e)


def all_exprs(a: Action) -> Iterator[Expr]:
    """Every expression of an action."""
    yield from action_exprs(a)
    yield from (op.lock for op in a.locks)
    for p in a.parts:
        yield p.path
        yield from (x for _, x in p.bindings)
