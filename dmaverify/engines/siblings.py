"""Slices that are searched one after the other, and what the search of one tells about those that are still to come.

Slices for the elements of one index (a page each, a line each) are the same program but for a few constants: where one of them has many
states, the others have as many. It decides nothing but how the others are searched.
"""

from __future__ import annotations

from dmaverify.ir.system import System
from dmaverify.ir.types import Type

Shape = tuple[tuple[Type, ...], tuple[tuple[str | None, int | None, int], ...]]
"""Types of the variables; of each action its thread, its place and how many inputs it has."""


def shape(system: System) -> Shape:
    """What slices for different elements have in common."""
    return tuple(v.type for v in system.vars), tuple((a.thread, a.at, len(a.inputs)) for a in system.actions)


class Siblings:
    """What is known about slices of one System so far."""

    def __init__(self) -> None:
        self._large: set[Shape] = set()

    def note_large(self, system: System) -> None:
        """A slice has turned out to have more states than are few."""
        self._large.add(shape(system))

    def is_large(self, system: System) -> bool:
        """Whether a slice of the same shape has."""
        return bool(self._large) and shape(system) in self._large
