"""Fewer choices that show the same: a list of choices, and an attempt that says what comes of one.

Hypothesis could do this too, but it does not know that a choice is a rule and one of its ways; and for it an attempt costs a hundred
times as much as for us.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Generic, Protocol, TypeVar

Pick = tuple[str, int]
"""Who acts, and in which of its ways."""

MOST_IN_PAIRS = 80
"""In longer lists no two choices far from each other are changed at once."""


class Shown(Protocol):
    """What an attempt has shown. ``picks``: the choices that were made; those that nobody could make are not among them."""

    @property
    def picks(self) -> list[Pick]: ...


T = TypeVar("T", bound=Shown)


def reduce(
    best: T, attempt: Callable[[Sequence[Pick]], T | None], length: Callable[[T], int], ways: int, most: int
) -> T:
    """The best that at most so many attempts lead to.

    ``attempt`` gets choices and passes over those that nobody can make; None: they do not show it. Fewer choices are better, then a
    smaller ``length``, then fewer changes of who acts, then lower ways. ``ways``: how many ways of a choice are tried.
    """
    reduction = _Reduction(best, attempt, length, most)
    passes = (_without_chunks, _without_pairs, lambda picks: _other_ways(picks, ways), _earlier)
    while any(reduction.improve(p) for p in passes):
        pass
    return reduction.best


class _Reduction(Generic[T]):
    def __init__(
        self, best: T, attempt: Callable[[Sequence[Pick]], T | None], length: Callable[[T], int], most: int
    ) -> None:
        self.best, self.attempt, self.length = best, attempt, length
        self.left = most
        self._tried: set[tuple[Pick, ...]] = set()

    def improve(self, candidates: Callable[[list[Pick]], Iterator[Sequence[Pick]]]) -> bool:
        """Try candidates until none is better; whether one was."""
        improved = False
        again = True
        while again:
            again = False
            for picks in candidates(list(self.best.picks)):
                if self.left <= 0:
                    return improved
                key = tuple(picks)
                if key in self._tried:
                    continue
                self._tried.add(key)
                self.left -= 1
                found = self.attempt(picks)
                if found is not None and self._size(found) < self._size(self.best):
                    self.best = found
                    improved = again = True
                    break
        return improved

    def _size(self, shown: T) -> Any:
        picks = shown.picks
        return len(picks), self.length(shown), sum(a[0] != b[0] for a, b in pairwise(picks)), picks


def _without_chunks(picks: list[Pick]) -> Iterator[Sequence[Pick]]:
    size = max(1, len(picks) // 2)
    while size:
        for i in range(len(picks) - size, -1, -1):
            yield picks[:i] + picks[i + size :]
        size //= 2


def _without_pairs(picks: list[Pick]) -> Iterator[Sequence[Pick]]:
    if len(picks) <= MOST_IN_PAIRS:
        for i in range(len(picks)):
            for j in range(i + 2, len(picks)):
                yield picks[:i] + picks[i + 1 : j] + picks[j + 1 :]


def _other_ways(picks: list[Pick], ways: int) -> Iterator[Sequence[Pick]]:
    """One choice made in another way; if that is a higher one, another choice is left out for it."""
    for i, (rule, way) in enumerate(picks):
        for other in range(ways):
            if other == way:
                continue
            changed = [*picks[:i], (rule, other), *picks[i + 1 :]]
            if other < way:
                yield changed
            if len(picks) <= MOST_IN_PAIRS:
                yield from (changed[:j] + changed[j + 1 :] for j in range(len(picks)) if j != i)


def _earlier(picks: list[Pick]) -> Iterator[Sequence[Pick]]:
    """One choice made earlier: what happens in one go reads better."""
    for j in range(1, len(picks)):
        for i in range(j - 1, -1, -1):
            yield [*picks[:i], picks[j], *picks[i:j], *picks[j + 1 :]]
