"""Which variables are determined by others in all states of a set, and by which.

Much of a state says again what is said elsewhere in it: a local holds what its thread has just read, a ghost follows the state that it
watches. Of such a variable nothing has to be said for each state, but only what it is where a few others have certain values.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat

from dmaverify.ir.types import Value

MOST_READ = 4
"""By how many others a variable may be determined."""

MOST_CASES = 64
"""How many combinations of values these may have."""

SOME = 400
"""So many of the states are looked at to find candidates; whether they will do is asked of all."""


@dataclass(frozen=True)
class Determined:
    """In every state, the values of the variables ``by`` tell that of variable ``number`` (both by position)."""

    number: int
    by: tuple[int, ...]


def determined(states: Sequence[tuple[Value, ...]], order: Iterable[int]) -> tuple[list[int], list[Determined]]:
    """The variables that are left, and those that they determine, directly or by way of one another without a circle.

    ``order``: the variables that may go, the first one first.
    """
    columns = list(zip(*states, strict=True))
    rows = random.Random(0).sample(range(len(states)), min(SOME, len(states)))
    left = list(range(len(columns)))
    found: list[Determined] = []
    for n in order:
        others = [m for m in left if m != n]
        by = _by(columns, n, others, rows)
        if by is not None:
            left = others
            found.append(Determined(n, by))
    return left, found


def _by(columns: Sequence[Sequence[Value]], number: int, others: Sequence[int], rows: Sequence[int]) -> tuple[int, ...] | None:
    """A few of the others that determine the variable."""
    rows = list(rows)
    while True:
        chosen = _in_these(columns, number, others, rows)
        if chosen is None:
            return None
        known: dict[tuple[Value, ...], int] = {}
        here = zip(*(columns[c] for c in chosen), strict=True) if chosen else repeat((), len(columns[number]))
        for row, case in enumerate(here):
            first = known.setdefault(case, row)
            if columns[number][first] != columns[number][row]:
                rows += [first, row]  # these were not among the rows, or not both: they would have been told apart
                break
        else:
            return chosen if len(known) <= MOST_CASES else None


def _in_these(columns: Sequence[Sequence[Value]], number: int, others: Sequence[int], rows: Sequence[int]) -> tuple[int, ...] | None:
    """Variables that determine the value in these rows: each time the one that leaves the fewest rows to be told apart."""
    values = [columns[number][r] for r in rows]
    group = [0] * len(rows)
    chosen: list[int] = []
    wrong = _wrong(zip(group, values, strict=True))
    while wrong:
        if len(chosen) == MOST_READ or len(chosen) == len(others):
            return None
        rated = (
            (_wrong(zip(zip(group, map(columns[m].__getitem__, rows), strict=True), values, strict=True)), m)
            for m in others
            if m not in chosen
        )
        wrong, best = min(rated)
        chosen.append(best)
        numbers: dict[tuple[int, Value], int] = {}
        group = [numbers.setdefault((g, columns[best][r]), len(numbers)) for g, r in zip(group, rows, strict=True)]
    return tuple(chosen)


def _wrong(pairs: Iterable[tuple[object, Value]]) -> int:
    """How many rows have another value than most of their group."""
    count: dict[tuple[object, Value], int] = {}
    for pair in pairs:
        count[pair] = count.get(pair, 0) + 1
    most: dict[object, int] = {}
    for (group, _), n in count.items():
        most[group] = max(n, most.get(group, 0))
    return sum(count.values()) - sum(most.values())
