"""The hash table of a search: how it grows, in place, with everything in it."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Callable

from dmaverify.engines.base import Stopped
from dmaverify.engines.native.fields import Shared
from dmaverify.engines.native.jit import Code
from dmaverify.engines.native.memory import Array, available, physical, reserve
from dmaverify.engines.native.pool import Pool

FIRST = 16
"""Binary logarithm of the table's first size."""

LOAD = 0.6
"""How full the table gets."""

SHARE = 0.9
"""Of the memory that is available the table may not want more than this."""

REHASH = 1 << 16
"""States that a thread takes at a time when the table is filled again."""

PART = 1 << 16
"""Slots that a thread takes at a time when the table grows, or more."""

SPILL = 1 << 12
"""Entries that may run over the end of such a part."""

_POINTER, _NUMBER = ctypes.c_void_p, ctypes.c_uint64

Segment = tuple[int, int]
"""The place in the arena of the first of some states, and how many there are."""


class Table:
    """The table, empty. ``most``: states that there is room for elsewhere. ``headroom``: what may still come after it is full.

    ``filled`` tells which parts of the arena hold states (first, end).
    """

    def __init__(
        self,
        shared: Array,
        kernel: Code,
        pool: Pool,
        words: int,
        *,
        expected: int,
        most: int,
        headroom: int,
        filled: Callable[[], list[Segment]],
    ) -> None:
        self.shared, self.pool, self.words = shared, pool, words
        self.most, self.headroom, self.filled = most, headroom, filled
        self._rehash = kernel.function("rehash", _POINTER, _NUMBER, _NUMBER, _POINTER)
        if words == 1:
            self._spread = kernel.function("double", _POINTER, _NUMBER, _NUMBER, _POINTER, _NUMBER, result=_NUMBER)
            self._first_empty = kernel.function("first_empty", _POINTER, _NUMBER, result=_NUMBER)
            self._insert = kernel.function("insert", _POINTER, _POINTER, _NUMBER)
        bits = self._bits_for(max(expected, headroom))
        most_bytes = 1 << (physical() - 1).bit_length()
        self.region = reserve(max(most_bytes, 8 << bits), 8 << bits)
        shared[Shared.TABLE] = self.region.address
        self._set_size(bits)

    def _bits_for(self, states: int) -> int:
        return max(FIRST, math.ceil(math.log2((states + self.headroom) / LOAD)))

    def _set_size(self, bits: int) -> None:
        self.bits = bits
        self.shared[Shared.MASK] = (1 << bits) - 1
        self.shared[Shared.LIMIT] = min(int(LOAD * (1 << bits)) - self.headroom, self.most)

    def grow(self, memory: int | None, resident: Callable[[], int]) -> None:
        """Make the table larger, with everything in it. ``memory``: what the process may use, in bytes."""
        bits = self.bits + 1
        more = 8 << self.bits
        enough = self.shared[Shared.COUNT] <= self.most and 8 << bits <= self.region.size and more <= SHARE * available()
        if not enough or (memory is not None and resident() + more > memory):
            raise Stopped("memory")
        self._set_size(bits)
        if self.words > 1 or not self._double(1 << (bits - 1)):
            self._fill_again(1 << (bits - 1))

    def _double(self, size: int) -> bool:
        """Spread the entries of the first ``size`` slots over twice as many; False if that went wrong and the table is spoilt.

        Threads take parts that begin and end with an empty slot, so that no run of entries is in two of them.
        """
        shared, table = self.shared.address, self.region
        first = self._first_empty(shared, 0)
        spilled = table.words(0, first)  # their slots may be those of entries that went round the end
        ctypes.memset(table.address, 0, 8 * first)
        cuts = sorted({first, *(self._first_empty(shared, n) for n in range(0, size, max(PART, size // 256))), size})
        parts = list(itertools.pairwise(cut for cut in cuts if first <= cut <= size))
        buffers = [Array(SPILL) for _ in range(self.pool.size)]
        ok = True

        def work(number: int) -> None:
            nonlocal ok
            while parts:
                try:
                    start, end = parts.pop()
                except IndexError:
                    return
                many = self._spread(shared, start, end, buffers[number].address, SPILL)
                ok = ok and many <= SPILL
                spilled.extend(buffers[number].slice(0, min(many, SPILL)))

        self.pool.run(work, alone=size <= PART)
        if ok:
            entries = Array(max(1, len(spilled)))
            for n, entry in enumerate(spilled):
                entries[n] = entry
            self._insert(shared, entries.address, len(spilled))
        return ok

    def _fill_again(self, size: int) -> None:
        """Empty the table, of which ``size`` slots were in use, and put everything into it again."""
        ctypes.memset(self.region.address, 0, 8 * size)
        ranges = self._pieces()
        buffers = [Array(64) for _ in range(self.pool.size)]

        def work(number: int) -> None:
            while ranges:
                try:
                    first, end = ranges.pop()
                except IndexError:
                    return
                self._rehash(self.shared.address, first, end, buffers[number].address)

        self.pool.run(work, alone=len(ranges) < 2)

    def _pieces(self) -> list[Segment]:
        """The parts of the arena that hold states, in pieces for threads to take."""
        return [(n, min(n + REHASH, end)) for first, end in self.filled() for n in range(first, end, REHASH)]

    def fill(self, states: int, beside: int, memory: int | None) -> None:
        """Put so many states, which are in the arena, into the table, which must be new.

        ``beside``: bytes of memory that are used for other things.
        """
        bits = max(self.bits, self._bits_for(states))
        if (8 << bits) + beside > SHARE * available() or (memory is not None and (8 << bits) + beside > memory):
            raise Stopped("memory")
        self.shared[Shared.COUNT] = states
        self._set_size(bits)
        self._fill_again(0)
