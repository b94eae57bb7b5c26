"""Small Systems for tests, written down statement by statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dmaverify.ir.expr import FALSE, TRUE, Expr, const, not_
from dmaverify.ir.system import (
    Action,
    Always,
    Effect,
    Input,
    Kind,
    LockOp,
    Property,
    System,
    Thread,
    Var,
)
from dmaverify.ir.types import Range, Type


@dataclass
class Do:
    """One statement. ``to``: where it leads, as an expression over places; by default to the next one."""

    updates: dict[str, Expr] = field(default_factory=dict)
    guard: Expr = TRUE
    effects: tuple[Effect, ...] = ()
    inputs: tuple[Input, ...] = ()
    locks: tuple[LockOp, ...] = ()
    to: Expr | None = None


def acquire(lock: Expr, **more: Expr) -> Do:
    """Wait for a lock variable and take it."""
    return Do({lock.data: TRUE, **more}, not_(lock), locks=(LockOp("acquire", lock),))


def release(lock: Expr, **more: Expr) -> Do:
    """Give a lock variable back."""
    return Do({lock.data: FALSE, **more}, locks=(LockOp("release", lock),))


def place(at: int, of: int) -> Expr:
    """A place of a thread with ``of`` statements."""
    return const(at, Range(0, of))


def system(
    variables: Mapping[str, Type] | Mapping[str, Type | Var],
    threads: Mapping[str, Sequence[Do]],
    hardware: Sequence[Action] = (),
    always: Sequence[Always] = (),
    properties: Sequence[str] = ("p",),
    **more: object,
) -> System:
    """A System of threads that do one statement after the other; locals are called ``thread.name``."""
    declared: list[Var] = []
    for name, t in variables.items():
        if isinstance(t, Var):
            declared.append(t)
            continue
        owner = name.split(".")[0] if name.split(".")[0] in threads else None
        declared.append(Var(name, t, t.default, Kind.LOCAL if owner else Kind.STATE, owner))
    actions: list[Action] = []
    for name, body in threads.items():
        declared.append(Var(f"{name}.pc", Range(0, len(body)), 0, Kind.PC, name))
        for at, do in enumerate(body):
            to = do.to if do.to is not None else place(at + 1, len(body))
            updates = {**do.updates, f"{name}.pc": to}
            actions.append(Action(f"{name}.{at}", name, at, do.guard, do.inputs, do.effects, updates, locks=do.locks))
    return System(
        "text",
        tuple(declared),
        (*actions, *hardware),
        tuple(Thread(n, f"{n}.pc", n, ends=frozenset({len(b)})) for n, b in threads.items()),
        tuple(Property(p, p.upper(), "monitor") for p in properties),
        tuple(always),
    ).with_(**more)
