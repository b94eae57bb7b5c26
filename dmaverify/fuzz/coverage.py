"""Which statements and branches the runs went through.

The System says so itself: every action, and every way out of an action with several, gets a cover of its own, and the passes carry it
along. So nothing is guessed from the runs afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from dmaverify.ir.expr import Expr, and_, not_, or_
from dmaverify.ir.pipeline import Core
from dmaverify.ir.system import Action, Reached, System
from dmaverify.ir.types import Value
from dmaverify.span import NOWHERE, Span

PREFIX = "covered "
"""Begins the names of these covers."""

MOST_WAYS = 64
"""An action with more ways out is no branch in any text."""


@dataclass(frozen=True)
class Point:
    """An action (``to`` is empty) or one way out of it, to the statement ``to``. ``who``: its thread, or itself."""

    who: str
    text: str
    span: Span
    to: str = ""
    to_span: Span = NOWHERE


@dataclass(frozen=True)
class Coverage:
    """How many actions and ways out of branches there are, and which of them no run took."""

    actions: int
    branches: int
    missed_actions: tuple[Point, ...]
    missed_branches: tuple[Point, ...]


def instrument(core: Core) -> tuple[Core, tuple[Point, ...]]:
    """The System with its covers; point n belongs to the cover ``covered n``."""
    points: list[Point] = []
    actions = []
    for action in core.system.actions:
        effects = [Reached(_next(points), action.guard)]  # its guard is true whenever it is taken
        points.append(_point(action))
        for to, condition in _ways_out(core.system, action):
            effects.append(Reached(_next(points), condition))
            points.append(replace(_point(action), to=to.text or to.name, to_span=to.span))
        actions.append(replace(action, effects=(*action.effects, *effects)))
    system = core.system.with_(actions=tuple(actions))
    return replace(core, flat=replace(core.flat, system=system)), tuple(points)


def coverage(points: tuple[Point, ...], seen: Iterable[str]) -> Coverage:
    """What the covers with these names add up to. A statement counts once, whichever threads and calls come by."""
    numbers = {int(name.removeprefix(PREFIX)) for name in seen}
    places: dict[tuple[Span, Span], tuple[Point, bool]] = {}
    for n, p in enumerate(points):
        first, taken = places.get((p.span, p.to_span), (p, False))
        places[p.span, p.to_span] = (first, taken or n in numbers)
    branches = [(p, taken) for p, taken in places.values() if p.to]
    actions = [(p, taken) for p, taken in places.values() if not p.to]
    return Coverage(
        len(actions),
        len(branches),
        tuple(p for p, taken in actions if not taken),
        tuple(p for p, taken in branches if not taken),
    )


def _next(points: list[Point]) -> str:
    return f"{PREFIX}{len(points)}"


def _point(action: Action) -> Point:
    return Point(action.thread or action.name, action.text or action.name, action.span)


def _ways_out(system: System, action: Action) -> list[tuple[Action, Expr]]:
    """The statements that may come next, with the condition of each; none if there is but one."""
    if action.thread is None:
        return []
    new = action.updates.get(system.thread(action.thread).pc)
    ways = _leaves(new, []) if new is not None else None
    if ways is None or not 1 < len(ways) <= MOST_WAYS:
        return []
    starts: dict[Value, Action] = {}
    for a in system.actions:
        if a.thread == action.thread and a.at is not None:
            starts.setdefault(a.at, a)
    return [(starts[place], or_(*conditions)) for place, conditions in ways.items() if place in starts]


def _leaves(e: Expr, path: list[Expr]) -> dict[Value, list[Expr]] | None:
    """The constants that the expression may be, each with its conditions; None if it may be anything else."""
    if e.is_const:
        return {e.value: [and_(*path)]}
    if e.op != "ite" or len(path) > MOST_WAYS:
        return None
    condition, then, otherwise = e.args
    left, right = _leaves(then, [*path, condition]), _leaves(otherwise, [*path, not_(condition)])
    if left is None or right is None:
        return None
    for place, conditions in right.items():
        left.setdefault(place, []).extend(conditions)
    return left
