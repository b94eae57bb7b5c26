"""What all functions of the kernel are made of: hashing, states in memory, units of work."""

from __future__ import annotations

from collections.abc import Callable

from dmaverify.engines.native.fields import Own, Shared
from dmaverify.engines.native.text import Function, fields

BATCH = 512
"""So many successors wait before they are looked up."""

FILTER = 1 << 15
"""Words of a thread's filter, about; it stays within the core's second-level cache."""

PLACE = (1 << 40) - 1
"""The bits of a slot that hold a place in the arena."""

_C1, _C2 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93


def filter_bits(words: int) -> int:
    """Binary logarithm of the number of states in a thread's filter."""
    return max(8, (FILTER // words).bit_length() - 1)


class Words:
    """Writes pieces of functions for states of so many words.

    ``symmetric``: every successor is handed to ``void (ptr)`` at ``Own.CANONICAL``, which may replace it in place, before
    anything else is done with it.
    """

    def __init__(self, words: int, symmetric: bool = False) -> None:
        self.words = words
        self.symmetric = symmetric

    def _hash(self, f: Function, words: list[str]) -> str:
        h = words[0]
        for n, w in enumerate(words):
            h = f.op("mul", f.op("xor", h, w) if n else h, str(_C1))
            h = f.op("xor", h, f.op("lshr", h, "32"))
        h = f.op("mul", h, str(_C2))
        return f.op("xor", h, f.op("lshr", h, "29"))  # the low bits must depend on everything

    def _load(self, f: Function, pointer: str) -> list[str]:
        return [f.get(f.at(pointer, n)) for n in range(self.words)]

    def _store(self, f: Function, pointer: str, words: list[str]) -> None:
        for n, w in enumerate(words):
            f.set(f.at(pointer, n), w)

    def _same(self, f: Function, pointer: str, words: list[str]) -> str:
        """Whether memory holds these words."""
        difference = "0"
        for n, w in enumerate(words):
            difference = f.op("or", difference, f.op("xor", f.get(f.at(pointer, n)), w))
        return f.cmp("eq", difference, "0")

    def _state_at(self, f: Function, arena: str, place: str) -> str:
        return f.at(arena, f.op("mul", place, str(self.words)))

    def _canonical(self, f: Function, state: str) -> None:
        """Replace a state by the one that stands for all that are symmetric to it."""
        if self.symmetric:
            own, _ = fields(f, "%own")
            f.do(f"call void {f.let(f'inttoptr i64 {own(Own.CANONICAL)} to ptr')}(ptr {state})")

    @staticmethod
    def _prefetch(f: Function, pointer: str) -> None:
        f.do(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 0, i32 3, i32 1)")

    @staticmethod
    def _step(f: Function, mask: str, slot: str) -> str:
        """The next slot, from the last one back to the first."""
        return f.op("and", f.add(slot, "1"), mask)

    @staticmethod
    def _tag(f: Function, h: str) -> str:
        """The part of a slot that is of the hash."""
        return f.op("and", h, str(((1 << 64) - 1) ^ PLACE))

    # -- functions --------------------------------------------------------------------------------------

    def _units(self, f: Function, body: Callable[[str, str], None]) -> None:
        """Take units of work from the frontier until there are none, or somebody says stop; ``body(first, length)``."""
        own, set_own = fields(f, "%own")
        shared, _ = fields(f, "%sh")
        unit = shared(Shared.UNIT)
        frontier = f.let(f"inttoptr i64 {shared(Shared.FRONTIER)} to ptr")
        with f.loop() as (_, done):
            stop = f.let(f"load atomic i64, ptr {f.at('%sh', Shared.STOP)} monotonic, align 8")
            ready, take = f.label(), f.label()
            f.branch(f.cmp("eq", stop, "0"), ready, done)
            f.start(ready)
            f.branch(f.cmp("eq", own(Own.UNITS), "0"), done, take)
            f.start(take)
            set_own(Own.UNITS, f.add(own(Own.UNITS), "-1"))
            number = f.let(f"atomicrmw add ptr {f.at('%sh', Shared.UNIT_NEXT)}, i64 1 monotonic")
            here = f.label()
            with f.loop():
                inside = f.label()
                f.branch(f.cmp("ult", own(Own.AT), shared(Shared.SEGMENTS)), inside, done)
                f.start(inside)
                segment = f.at(frontier, f.op("mul", own(Own.AT), "2"))
                length = f.get(f.at(segment, 1))
                units = f.op("udiv", f.add(length, f.add(unit, "-1")), unit)
                beyond = f.label()
                f.branch(f.cmp("ult", number, f.add(own(Own.BEFORE), units)), here, beyond)
                f.start(beyond)
                set_own(Own.BEFORE, f.add(own(Own.BEFORE), units))
                set_own(Own.AT, f.add(own(Own.AT), "1"))
            f.start(here)
            offset = f.op("mul", f.op("sub", number, own(Own.BEFORE)), unit)
            left = f.op("sub", length, offset)
            body(f.add(f.get(segment), offset), f.pick(f.cmp("ult", left, unit), left, unit))

    def _expand(self, f: Function, place: str) -> tuple[str, str]:
        """Where the successors of a state begin and end."""
        own, set_own = fields(f, "%own")
        arena = f.let(f"inttoptr i64 {fields(f, '%sh')[0](Shared.ARENA)} to ptr")
        out = f.let(f"inttoptr i64 {own(Own.OUT)} to ptr")
        state = self._state_at(f, arena, place)
        set_own(Own.STATE, f.let(f"ptrtoint ptr {state} to i64"))
        set_own(Own.INDEX, place)
        function = f.let(f"inttoptr i64 {own(Own.EXPAND)} to ptr")
        return out, f.let(f"call ptr {function}(ptr {state}, ptr {out}, ptr %own)")
