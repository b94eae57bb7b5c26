"""From a run of a model that violates a property to one that contains nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from dmaverify.fuzz.arena import Arena, Claim
from dmaverify.fuzz.reduce import Pick, reduce
from dmaverify.fuzz.walk import Walk

MOST_RUNS = 30_000
"""Shrinking ends after so many runs of the model."""

MOST_WAYS = 8
"""Of more ways of a choice the first ones are tried."""


class _There(Exception):
    """The violation has happened again."""


def shrink(walk: Walk, prop: str) -> Walk:
    """A run with as few choices, and among those with as few steps, as can be found; ``walk`` if it does not show the violation."""
    start = walk.arena.initial.index(walk.start)
    found = _again(walk.arena, start, walk.picks, prop)
    if found is None:
        return walk
    return reduce(found, lambda picks: _again(walk.arena, start, picks, prop), lambda w: w.length, MOST_WAYS, MOST_RUNS)


def _again(arena: Arena, start: int, picks: Sequence[Pick], prop: str) -> Walk | None:
    """The run with these choices, up to where the property is violated; choices that nobody can make are passed over."""

    def on_false(walk: Walk, claim: Claim) -> None:
        if claim.prop == prop:
            raise _There

    walk = Walk(arena, on_false)
    try:
        walk.begin(start)
        for rule, way in picks:
            if walk.can(rule):
                walk.take(rule, min(way, len(walk.place.choices[rule]) - 1))
    except _There:
        return walk
    return None
