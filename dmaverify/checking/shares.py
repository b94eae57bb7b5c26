"""Who may take how much of the time that a check has, so that one hard property does not starve the others.

Everybody gets an equal part of what is left when their turn comes: of a variant's time each instance of its parameters, of that each
property, of that each slice which the property needs. What one does not use is there for the others. What ran out of time is tried
once more at the end, if it then gets a good deal more than before. Probes have a part like a property, so that they are answered too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

Clock = Callable[[], float]

PROBES = "probes"
"""Stands for all probes together, beside the names of properties."""

WORTH_IT = 1.25
"""So many times the seconds that somebody had must be there for another go; with less nothing else would come of it."""


class Purse:
    """The time of one variant, in seconds: ``timeout`` for everything, ``each`` for each property; None: no limit."""

    def __init__(self, timeout: float | None = None, each: float | None = None, clock: Clock = time.monotonic) -> None:
        self.clock = clock
        self.each = each
        self._until = None if timeout is None else clock() + timeout
        self._spent: dict[str, float] = {}

    def left(self) -> float | None:
        """What is left of the time for everything."""
        return None if self._until is None else max(0.0, self._until - self.clock())

    def of(self, name: str) -> float:
        """What is left of the time for one property, if there is a limit for each."""
        assert self.each is not None
        return max(0.0, self.each - self._spent.get(name, 0.0))

    def spend(self, name: str, seconds: float) -> None:
        """A property has had so much of its time."""
        self._spent[name] = self._spent.get(name, 0.0) + seconds


class Shares:
    """What one System gets of a purse, ``share`` of what is left in it, and how that is divided."""

    def __init__(self, purse: Purse, share: float = 1.0) -> None:
        self.purse = purse
        self._share = share
        left = purse.left()
        self._until = None if left is None else purse.clock() + share * left
        self._own: dict[str, float] = {}
        """Seconds that a property has of its own here, noted when it is first looked at."""
        self._rest: dict[str, float] = {}
        """How much of a property is still to be done in this round: 1 is all of it."""
        self._step: dict[str, float] = {}
        """How much of it one slice is."""

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return self._until is not None or self.purse.each is not None

    def left(self) -> float | None:
        """Seconds left for everything; None: no limit."""
        return None if self._until is None else max(0.0, self._until - self.purse.clock())

    def part(self, share: float) -> Shares:
        """Such a part of what is left, for another System that has to do with the same properties."""
        part = Shares(self.purse, self._share * share)
        left = self.left()
        part._until = None if left is None else self.purse.clock() + share * left
        return part

    def for_one(self, name: str) -> Shares:
        """What there is for one property, for another System in which it is looked at."""
        one = Shares(self.purse, self._share)
        allowed = self.allowed((name,))
        one._until = None if allowed is None else self.purse.clock() + allowed
        return one

    def begin(self, slices: Mapping[str, int]) -> None:
        """A round begins in which each of these names is looked at in so many slices."""
        self._step = {name: 1 / n for name, n in slices.items() if n}
        self._rest = dict.fromkeys(self._step, 1.0)

    def allowed(self, names: Iterable[str]) -> float | None:
        """Seconds for the next slice, which is for these names; None: no limit."""
        parts = {name: self._part(name) for name in names}
        limits: list[float] = []
        left = self.left()
        if left is not None:
            # what is due: what it is for, and everything that comes later
            later = sum(max(0.0, rest - parts.get(name, 0.0)) for name, rest in self._rest.items())
            due = sum(parts.values())
            limits.append(left * due / (due + later) if due else left)
        if self.purse.each is not None:
            limits.append(sum(self._of_its_own(name, part) for name, part in parts.items()))
        return min(limits) if limits else None

    def took(self, names: Iterable[str], seconds: float) -> None:
        """A slice for these names is done, and has taken so long."""
        parts = {name: self._part(name) for name in names}
        whole = sum(parts.values())
        for name, part in parts.items():
            used = seconds * part / whole
            self.purse.spend(name, used)
            if name in self._own:
                self._own[name] -= used
            self._rest[name] = max(0.0, self._rest.get(name, 0.0) - part)

    def _part(self, name: str) -> float:
        """What a slice is of what is to be done for a name; one that nobody had counted on is a whole one."""
        return self._step.get(name, 1.0)

    def _of_its_own(self, name: str, part: float) -> float:
        """Of the seconds that a property has of its own, those for one slice."""
        own = max(0.0, self._own.setdefault(name, self._share * self.purse.of(name)))
        rest = self._rest.get(name, 0.0)
        return own * min(1.0, part / rest) if rest > 0 else own
