"""Parameters of a called proc are known by their places: another name for one of them is nothing that can be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dmaverify.ir.system import Action, Effect, Emit
from dmaverify.lang.compile import Compiled, EventInfo
from dmaverify.lang.lower.marks import CALL

Names = Mapping[str, Mapping[str, str]]
"""By event: another name for each of its arguments."""


def named_like(compiled: Compiled, other: Compiled) -> Compiled:
    """The program with the marks of its calls as those of ``other`` are, wherever both take as many arguments of the same types."""
    names = dict(_names(compiled, other))
    if not names:
        return compiled
    actions = tuple(_renamed(a, names) for a in compiled.system.actions)
    events = {n: _event(e, names[n]) if n in names else e for n, e in compiled.events.items()}
    return replace(compiled, system=compiled.system.with_(actions=actions), events=events)


def _names(compiled: Compiled, other: Compiled) -> list[tuple[str, dict[str, str]]]:
    found = []
    for name, mine in compiled.events.items():
        theirs = other.events.get(name)
        if not name.startswith(CALL) or theirs is None or [t for _, _, t in mine.params] != [t for _, _, t in theirs.params]:
            continue
        pairs = {a: b for (a, _, _), (b, _, _) in zip(mine.params, theirs.params, strict=True)}
        # names that have changed places are what a caller by name would see
        if any(a != b for a, b in pairs.items()) and not any(a != b and a in pairs.values() for a, b in pairs.items()):
            found.append((name, pairs))
    return found


def _renamed(a: Action, names: Names) -> Action:
    if not any(isinstance(e, Emit) and e.event in names for e in a.effects):
        return a
    return replace(a, effects=tuple(_effect(e, names) for e in a.effects))


def _effect(e: Effect, names: Names) -> Effect:
    if isinstance(e, Emit) and e.event in names:
        return replace(e, args=tuple((names[e.event][n], x) for n, x in e.args))
    return e


def _event(e: EventInfo, names: Mapping[str, str]) -> EventInfo:
    return replace(e, params=tuple((names[n], ty, t) for n, ty, t in e.params))
