"""The values that the inputs of an action may have, for formats that list every choice."""

from __future__ import annotations

import itertools

from dmaverify.engines.successors import Compiled, DomainError, values_of
from dmaverify.export.choose import NotExportable
from dmaverify.ir.system import Action, System
from dmaverify.ir.types import Bool, Int, Value

MOST_CHOICES = 4096
"""Of one action, or of initial states."""


def choices(action: Action) -> list[tuple[Value, ...]]:
    """Every combination of values of the action's inputs, those that the guard excludes among them."""
    domains: list[tuple[Value, ...]] = []
    size = 1
    for i in action.inputs:
        assert isinstance(i.type, Bool | Int)
        try:
            domains.append(tuple(i.values) if i.values is not None else values_of(i.type, i.name))
        except DomainError as e:
            raise _too_many(f"input {i.name} of {action.name}") from e
        size *= len(domains[-1])
        if size > MOST_CHOICES:
            raise _too_many(f"the inputs of {action.name}")
    return list(itertools.product(*domains))


def initial_states(system: System) -> list[dict[str, Value]]:
    """Every initial state."""
    compiled = Compiled(system)
    try:
        states = list(itertools.islice(compiled.initial_states(), MOST_CHOICES + 1))
    except DomainError as e:
        raise _too_many(f"variable {e.name}") from e
    if len(states) > MOST_CHOICES:
        raise _too_many("the variables that are open at the start")
    return [compiled.packing.unpack(s) for s in states]


def _too_many(what: str) -> NotExportable:
    return NotExportable(f"{what}: more than {MOST_CHOICES:,} values, and this format lists them one by one")
