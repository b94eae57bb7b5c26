"""One System's native search as an object: its code, its memory and its threads, without any idea of what is searched for."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dmaverify.engines.native import symmetry as normal
from dmaverify.engines.native.action import MAIN
from dmaverify.engines.native.actions import LARGE, Program, Writer
from dmaverify.engines.native.fields import BLOCK, Own, Shared, Stop
from dmaverify.engines.native.jit import MUCH, NONE, PLAIN, QUICK, SOME, TIDY, Code, Effort, kernel, record_name
from dmaverify.engines.native.kernel_base import BATCH, filter_bits
from dmaverify.engines.native.kernel_hits import hit_size
from dmaverify.engines.native.layout import Layout
from dmaverify.engines.native.memory import Array, Region, physical, reserve
from dmaverify.engines.native.pool import Pool
from dmaverify.engines.native.table import Segment, Table
from dmaverify.engines.successors import Compiled
from dmaverify.ir.symmetry import Symmetry

UNIT = 256
"""States of a unit of work; fewer where one state may have very many successors."""

MIDDLE = 6_000
"""Lines of a program from which on combining its instructions takes longer than all the rest, and is left out."""

HUGE = 60_000
"""Lines of a program from which on it is not optimised, but for what costs nothing; from ``LARGE`` on, only a little."""

TIDIED, OPTIMISED = 800, 5_000
"""So many transitions for each line of its text, and a program is worth being compiled once more: with some effort, with much."""

_POINTER = ctypes.c_void_p


@dataclass(frozen=True)
class Step:
    """A hit as it was recorded: cost, place and words of the state, inputs of the action."""

    cost: int
    place: int
    words: tuple[int, ...]
    inputs: tuple[int, ...]


class Thread:
    """What one thread owns: its structure, buffers, and the segments of new states that it has closed."""

    def __init__(self, machine: Machine) -> None:
        words, program = machine.layout.words, machine.program
        targets = max(1, len(machine.compiled.targets))
        self.own = Array(Own.SIZE)
        self.exercised = Array(-(-targets // 8))
        self.best = Array(targets * machine.hit)
        self._keep = [
            ("SCRATCH", Array(max(1, program.inputs))),
            ("OUT", Array((program.most_moves + 1) * words)),
            ("BATCH", Array((BATCH + program.most_moves + 1) * (words + 1))),
            ("FILTER", Array(words << filter_bits(words))),
            ("GROUPS", Array(max(1, program.groups))),
        ]
        for name, array in self._keep:
            self.own[Own[name]] = array.address
        self.segments = Region(16 << 24, huge=False)
        self.own[Own.EXERCISED] = self.exercised.address
        self.own[Own.BEST] = self.best.address
        self.own[Own.WANTED] = machine.wanted.address
        self.own[Own.SEGMENTS] = self.segments.address
        self.own[Own.HIT] = machine.hit

    def take_segments(self, close: Callable[[int], None]) -> list[Segment]:
        """The segments that were closed since the last time."""
        close(self.own.address)
        many = self.own[Own.CLOSED]
        flat = self.segments.words(0, 2 * many)
        self.own[Own.CLOSED] = 0
        return list(zip(flat[::2], flat[1::2], strict=True))


class Machine:
    """Code, table, arena and threads.

    ``presize``: so many states are expected; the table has room for them from the start. ``symmetry``: that states are replaced by.
    ``walking``: for random walks that meet so many states each, and not for searches. ``hot``: the code of a search is as fast as
    it can be from the start, and not only when there has been much to do for it.
    """

    def __init__(
        self,
        compiled: Compiled,
        threads: int = 1,
        presize: int = 0,
        symmetry: Symmetry | None = None,
        walking: int = 0,
        hot: bool = False,
    ) -> None:
        self.compiled, self.symmetry = compiled, symmetry
        self.layout = Layout(compiled.packing)
        self.program: Program = Writer(compiled, self.layout, walking > 0).program(record_name(self.layout.words))
        self.hit = hit_size(self.layout.words, self.program.inputs)
        common = kernel(self.layout.words, symmetry is not None, walking > 0)
        self.efforts = _efforts(self.program.lines)[-1 if hot or walking else 0 :]
        self.code = self._compiled()
        self._close = common.function("close", _POINTER)
        self.weights = sorted({MAIN, *self.program.others})
        if walking:
            self.weights = [MAIN]
            self._walk = common.function("walk", *([_POINTER] * 3), *([ctypes.c_uint64] * 5))
        else:
            self._run = common.function("run", _POINTER, _POINTER)
            self._scan = common.function("scan", _POINTER, _POINTER)
            self._seed = common.function("seed", _POINTER, _POINTER, _POINTER, _POINTER)
        self.wanted = Array(-(-max(1, len(compiled.targets)) // 8))
        self.shared = Array(Shared.SIZE)
        self.threads = [Thread(self) for _ in range(threads)]
        self._use_code()
        self.pool = Pool(threads)
        self.shared[Shared.UNIT] = self.unit = max(1, min(UNIT, (1 << 18) // self.program.most_moves))
        self.quota = 1 << 62
        """Units of work that a thread does in one call of ``work``."""
        self.holes: list[Segment] = []
        """Parts of the arena (first, end) that hold nothing and never will."""
        # what may still be found after the last look at the limit
        self.headroom = threads * (max(2 * self.unit * self.program.most_moves, walking) + BATCH + BLOCK)
        self._frontier = Array(2)
        self._units = 0
        self._make_arena()
        self.table = Table(
            self.shared,
            common,
            self.pool,
            self.layout.words,
            expected=presize,
            most=self.most,
            headroom=self.headroom,
            filled=self._filled,
        )

    # -- code -------------------------------------------------------------------------------------------

    def _compiled(self) -> Code:
        """The code of this System."""
        _, effort = self.efforts[0]
        modules = [(self.program.text, effort)]
        if self.symmetry is not None:
            modules.append((normal.text(self.symmetry, self.layout), effort if effort is MUCH else TIDY))
        return Code(*modules)

    def _use_code(self) -> None:
        """Have everybody call the code that there is now."""
        self._functions = {w: self.code.address("main" if w == MAIN else "other") for w in self.weights}
        if self.symmetry is not None:
            for t in self.threads:
                t.own[Own.CANONICAL] = self.code.address(normal.NAME)

    @property
    def worth_improving(self) -> bool:
        """Whether so much has been done with the code that better code will soon have paid for itself."""
        return len(self.efforts) > 1 and self.total(Own.TRANSITIONS) > self.efforts[1][0] * self.program.lines

    def improve(self) -> None:
        """Compile once more, with more effort; nobody may be at work."""
        self.efforts = self.efforts[1:]
        self.code = self._compiled()
        self._use_code()

    # -- memory -----------------------------------------------------------------------------------------

    def _make_arena(self) -> None:
        size = 8 * self.layout.words
        self.arena = reserve(2 * physical(), 4 * self.headroom * size)
        self.shared[Shared.ARENA] = self.arena.address
        self.most = self.arena.size // size - self.headroom
        """States for which there is room in the arena."""

    def spill(self) -> bool:
        """Move the arena to the disk, so that it does not count as memory; nobody may be at work. False if it is there already."""
        if self.arena.on_disk:
            return self.arena.trim()
        return self.arena.to_disk(self.arena_bytes)

    @property
    def arena_bytes(self) -> int:
        """How much of the arena is in use, in bytes."""
        return 8 * self.layout.words * self.shared[Shared.ARENA_NEXT]

    def abandon_blocks(self) -> None:
        """Have new states go to new blocks of the arena, so that what is there now never changes.

        All segments must have been taken.
        """
        for t in self.threads:
            first, end = t.own[Own.NEXT], t.own[Own.END]
            if first < end:
                self.holes.append((first, end))
                t.own[Own.NEXT] = t.own[Own.SEGMENT] = end

    def resume(self, used: int, states: int, holes: list[Segment], memory: int | None) -> None:
        """Take over an arena of so many bytes that was filled by somebody else; the machine must be new."""
        self.holes = holes
        self.shared[Shared.ARENA_NEXT] = used // (8 * self.layout.words)
        self.table.fill(states, used, memory)

    def _filled(self) -> list[Segment]:
        """The parts of the arena that hold states (first, end)."""
        holes = sorted([*self.holes, *((t.own[Own.NEXT], t.own[Own.END]) for t in self.threads)])
        ranges: list[Segment] = []
        at = 0
        for start, end in [*holes, (self.shared[Shared.ARENA_NEXT],) * 2]:
            if at < start:
                ranges.append((at, start))
            at = max(at, end)
        return ranges

    def close(self) -> None:
        """Give all memory back, and end the threads."""
        self.pool.close()
        self.table.region.close()
        self.arena.close()
        for t in self.threads:
            t.segments.close()

    # -- work -------------------------------------------------------------------------------------------

    @property
    def states(self) -> int:
        """States in the table, as far as reported."""
        return self.shared[Shared.COUNT]

    def total(self, field: Own) -> int:
        """Sum over all threads."""
        return sum(t.own[field] for t in self.threads)

    def seed(self, states: Sequence[Sequence[int]]) -> None:
        """Put states into the table."""
        words = self.layout.words
        own = self.threads[0].own
        room = self.program.most_moves
        for start in range(0, len(states), room):
            some = states[start : start + room]
            array = Array(max(1, len(some) * words))
            for n, s in enumerate(some):
                for k, w in enumerate(s):
                    array[n * words + k] = w
            while self.states + len(some) > self.shared[Shared.LIMIT]:
                self.table.grow(None, lambda: 0)
            self._seed(own.address, self.shared.address, array.address, array.address + 8 * words * len(some))
            self.shared[Shared.COUNT] += own[Own.NEW]
            own[Own.NEW] = 0

    def set_frontier(self, segments: Sequence[Segment], done: int = 0) -> None:
        """What the next calls of ``work`` work on, but for so many units of work, which have been done."""
        self._frontier = Array(max(2, 2 * len(segments)))
        for n, (start, length) in enumerate(segments):
            self._frontier[2 * n], self._frontier[2 * n + 1] = start, length
        self.shared[Shared.FRONTIER] = self._frontier.address
        self.shared[Shared.SEGMENTS] = len(segments)
        self.shared[Shared.UNIT_NEXT] = done
        self._units = sum(-(-n // self.unit) for _, n in segments)
        for t in self.threads:
            t.own[Own.AT] = t.own[Own.BEFORE] = 0

    def work(self, weight: int, distance: int, many: int, watch: Callable[[], None], scan: bool = False) -> Stop:
        """Take the steps of one weight from the frontier (of about so many states), from where the last call stopped.

        ``watch`` is called now and then; if it raises, all threads stop first.
        """
        self.shared[Shared.STOP] = Stop.NO
        function = self._scan if scan else self._run
        alone = many < 8 * self.shared[Shared.UNIT] or len(self.threads) == 1
        for t in self.threads:
            t.own[Own.EXPAND], t.own[Own.WEIGHTS], t.own[Own.DISTANCE] = self._functions[weight], 1 << weight, distance
            t.own[Own.UNITS] = self.quota

        def one(number: int) -> None:
            function(self.threads[number].own.address, self.shared.address)

        if many <= 4 * UNIT:
            one(0)  # so short that nobody waits
        else:
            self.pool.run(one, alone=alone, watch=watch, stop=self.pause)
        return Stop(self.shared[Shared.STOP])

    def walk(self, initial: Sequence[Sequence[int]], seed: int, runs: int, steps: int, watch: Callable[[], None]) -> Stop:
        """Take random walks; the first call of a machine begins with the first of them, others where the last one stopped."""
        self.shared[Shared.STOP] = Stop.NO
        array = Array(len(initial) * self.layout.words)
        for n, word in enumerate(w for state in initial for w in state):
            array[n] = word
        for t in self.threads:
            t.own[Own.EXPAND], t.own[Own.CHOOSE] = self._functions[MAIN], self.code.address("choose")
            t.own[Own.WEIGHTS] = (1 << 64) - 1

        def one(number: int) -> None:
            own = self.threads[number].own.address
            self._walk(own, self.shared.address, array.address, len(initial), seed, runs, steps, self.program.groups)

        self.pool.run(one, watch=watch, stop=self.pause)
        return Stop(self.shared[Shared.STOP])

    @property
    def full(self) -> bool:
        """Whether the table must grow before anything else is done."""
        return self.states > self.shared[Shared.LIMIT]

    @property
    def finished(self) -> bool:
        """Whether the frontier has been worked on to its end."""
        return self.units_done >= self._units

    @property
    def units_done(self) -> int:
        """Units of work of this frontier that have been taken; when nobody is at work, they are done."""
        return self.shared[Shared.UNIT_NEXT]

    def predecessor(self, place: int, weight: int, segments: Sequence[Segment]) -> int | None:
        """The least of some states from which one gets to the state at ``place`` by a step of that weight."""
        target = Array(self.layout.words)
        for n, w in enumerate(self.words(place)):
            target[n] = w
        for t in self.threads:
            t.own[Own.TARGET], t.own[Own.FOUND], t.own[Own.STUCK] = target.address, 0, 0
        self.set_frontier(segments)
        while not self.finished:
            self.work(weight, 0, sum(n for _, n in segments), lambda: None, scan=True)
        places = [t.own[Own.FOUND] - 1 for t in self.threads if t.own[Own.FOUND]]
        return min(places, key=lambda p: self.words(p)[::-1], default=None)

    def pause(self) -> None:
        """Have everybody who is at work return soon."""
        self.shared[Shared.STOP] = Stop.PAUSE

    def new_segments(self) -> list[Segment]:
        """Where the states are that were found since the last time."""
        return [s for t in self.threads for s in t.take_segments(self._close)]

    def words(self, place: int) -> list[int]:
        """A state."""
        return self.arena.words(place * self.layout.words, self.layout.words)

    # -- results ----------------------------------------------------------------------------------------

    def exercised(self, target: int) -> bool:
        """Whether the path of a target was seen true."""
        return any(t.exercised[target // 8] >> 8 * (target % 8) & 0xFF for t in self.threads)

    def set_wanted(self, target: int, wanted: bool) -> None:
        """Whether hits of a target are to be recorded."""
        byte = 0xFF << 8 * (target % 8)
        old = self.wanted[target // 8]
        self.wanted[target // 8] = old | byte if wanted else old & ~byte

    def best(self, target: int) -> Step | None:
        """The nearest hit of a target so far; of several the smallest state with the first inputs."""
        words, size = self.layout.words, self.hit
        found: Step | None = None
        for t in self.threads:
            cost, place, *rest = t.best.slice(target * size, size)
            if cost:
                step = Step(cost - 1, place, tuple(rest[:words]), tuple(ctypes.c_int64(x).value for x in rest[words:]))
                if found is None or _order(step) < _order(found):
                    found = step
        return found


def _efforts(lines: int) -> list[tuple[int, Effort]]:
    """How much to do for a program of so many lines: what at once, and what after so many transitions for each line."""
    if lines >= HUGE:
        return [(0, NONE)]
    if lines >= LARGE:
        return [(0, PLAIN), (OPTIMISED, SOME)]
    if lines >= MIDDLE:
        return [(0, QUICK), (OPTIMISED, MUCH)]
    return [(0, QUICK), (TIDIED, TIDY), (OPTIMISED, MUCH)]


def _order(s: Step) -> tuple[int, tuple[int, ...], tuple[int, ...], int]:
    return s.cost, s.words[::-1], s.inputs, s.place
