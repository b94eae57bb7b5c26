"""What ghosts hold: one value, or a total map that remembers only the cells that say something."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from typing import Any

from dmaverify.evidence.values import ABSENT, UNTOUCHED

Key = tuple[Any, ...]


class Scalar:
    """A ghost that is no map."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def forget(self) -> None:
        """Events were lost: whatever was known may be wrong now."""
        self.value = ABSENT


class Table:
    """A total map: its cells as far as they differ from ``rest``, the value of every other cell.

    Cells can be looked up by their value and by a part of their key. Such an index is made when it is first
    asked for, and kept from then on, so that no event costs more the more is known.
    """

    def __init__(self, rest: Any) -> None:
        self.rest = rest
        self.cells: dict[Key, Any] = {}
        self._by_value: dict[Any, dict[Key, None]] | None = None
        self._by_part: dict[int, dict[Any, dict[Key, None]]] = {}
        self._in_order: list[tuple[int, Key]] | None = None

    def get(self, key: Key) -> Any:
        """The cell's value; ABSENT if the key is and the cells differ."""
        for part in key:
            if part is ABSENT:
                return ABSENT if self.cells else self.rest
            if part is UNTOUCHED:
                return ABSENT if ABSENT in key else self.rest
        return self.cells.get(key, self.rest)

    def put(self, key: Key, value: Any) -> None:
        """Store. Through an absent key any cell may have changed, so nothing is known of any that the key
        could mean.
        """
        if ABSENT in key:
            for other in [k for k in self.cells if all(a is b or a is ABSENT or a == b for a, b in zip(key, k, strict=True))]:
                self._drop(other)
            self.rest = ABSENT
        elif UNTOUCHED in key:
            if value is ABSENT or value != self.rest:
                self.rest = value if len(key) == 1 else ABSENT
        else:
            if key in self.cells:
                self._drop(key)
            if value is not self.rest and (value is ABSENT or self.rest is ABSENT or value != self.rest):
                self._add(key, value)

    def forget(self) -> None:
        """Events were lost: whatever was known may be wrong now."""
        self.__init__(ABSENT)  # type: ignore[misc]

    def split(self, place: int, old: Any, new: Any) -> None:
        """What was one value of the index at that place of the keys is two now: ``new`` has the cells that
        ``old`` has.
        """
        for key in list(self.keys_of(place, old)):
            self._add((*key[:place], new, *key[place + 1 :]), self.cells[key])

    # -- finding

    def keys_of(self, place: int, part: Any) -> Iterable[Key]:
        """The cells whose key has that part at that place."""
        index = self._by_part.get(place)
        if index is None:
            index = self._by_part[place] = {}
            for key in self.cells:
                index.setdefault(key[place], {})[key] = None
        return index.get(part, ())

    def keys_with(self, value: Any) -> Iterable[Key]:
        """The cells that hold that value."""
        if self._by_value is None:
            self._by_value = {}
            for key, held in self.cells.items():
                self._by_value.setdefault(held, {})[key] = None
        return self._by_value.get(value, ())

    def keys_between(self, lo: int, hi: int) -> Iterable[Key]:
        """The cells that hold a number from ``lo`` to below ``hi``."""
        if self._in_order is None:
            self._in_order = sorted((v, k) for k, v in self.cells.items() if isinstance(v, int))
        first = bisect.bisect_left(self._in_order, (lo,))
        last = bisect.bisect_left(self._in_order, (hi,))
        return [key for _, key in self._in_order[first:last]]

    # -- keeping the indexes

    def _add(self, key: Key, value: Any) -> None:
        if key in self.cells:
            self._drop(key)
        self.cells[key] = value
        for place, index in self._by_part.items():
            index.setdefault(key[place], {})[key] = None
        if self._by_value is not None:
            self._by_value.setdefault(value, {})[key] = None
        if self._in_order is not None and isinstance(value, int):
            bisect.insort(self._in_order, (value, key))

    def _drop(self, key: Key) -> None:
        value = self.cells.pop(key)
        for place, index in self._by_part.items():
            _discard(index, key[place], key)
        if self._by_value is not None:
            _discard(self._by_value, value, key)
        if self._in_order is not None and isinstance(value, int):
            del self._in_order[bisect.bisect_left(self._in_order, (value, key))]


def _discard(index: dict[Any, dict[Key, None]], under: Any, key: Key) -> None:
    keys = index[under]
    del keys[key]
    if not keys:
        del index[under]
