"""The part of the native code that is the same for all Systems: expand states, and put what is new into the table.

The table is a power of two of 64-bit slots, open addressing, linear probing, indexed by the low bits of the hash. A slot is zero
(empty), or for states of one word the state itself with its top bit set, or for wider states the high 24 bits of the hash and
one more than the state's place in the arena; two states are the same only if all their words are. Nothing is ever removed.

A state's successors are looked up in two steps: when they are generated, each is hashed, dropped if the thread's small filter
has just seen it, and its slot is prefetched; when some hundreds wait, they are probed, and the slots are in the cache by then.
Slots are taken by compare-and-swap, so that any number of threads may do this at once.
"""

from __future__ import annotations

from dmaverify.engines.native.fields import BLOCK, FULL, Own, Shared, Stop
from dmaverify.engines.native.kernel_base import BATCH, PLACE, filter_bits
from dmaverify.engines.native.kernel_hits import Hits
from dmaverify.engines.native.kernel_table import Growth
from dmaverify.engines.native.kernel_walk import Walks
from dmaverify.engines.native.text import TRAILER, Function, fields


class Kernel(Growth, Hits, Walks):
    """Writes the module for states of so many words."""

    def text(self, walking: bool = False) -> str:
        """The module; ``walking``: for random walks, and not for searches."""
        functions = [self._flush(), self._screen(), self._rehash(), self._close(), self._record()]
        functions += [self._walk()] if walking else [self._run(), self._seed(), self._scan()]
        if self.words == 1:
            functions += [self._double(), self._first_empty(), self._insert()]
        return "\n".join([_DECLARATIONS, *map(str, functions), TRAILER])

    def _flush(self) -> Function:
        """Look up everything that waits; what is new goes to the table and the arena."""
        f = Function("void @flush(ptr noalias %own, ptr noalias %sh)", "nounwind noinline")
        own, set_own = fields(f, "%own")
        shared, _ = fields(f, "%sh")
        waiting = own(Own.WAITING)
        table, arena, batch = (f.let(f"inttoptr i64 {x} to ptr") for x in (shared(Shared.TABLE), shared(Shared.ARENA), own(Own.BATCH)))
        mask = shared(Shared.MASK)
        if self.words > 1:
            self._prefetch_candidates(f, waiting, table, arena, batch, mask)
        with f.count("0", waiting) as i:
            entry = f.at(batch, f.op("mul", i, str(self.words + 1)))
            h = f.get(entry)
            words = self._load(f, f.at(entry, 1))
            slot = f.var()
            f.set(slot, f.op("and", h, mask))
            done = f.label()
            if self.words == 1:
                self._probe_narrow(f, table, mask, slot, words, arena, done)
            else:
                self._probe_wide(f, table, mask, slot, h, words, arena, done)
            f.start(done)
        set_own(Own.WAITING, "0")
        f.ret()
        return f

    def _prefetch_candidates(self, f: Function, waiting: str, table: str, arena: str, batch: str, mask: str) -> None:
        """Have the states ready that the slots point to, where the tag says that they may be the same."""
        with f.count("0", waiting) as i:
            h = f.get(f.at(batch, f.op("mul", i, str(self.words + 1))))
            slot = f.get(f.at(table, f.op("and", h, mask)))
            tag = self._tag(f, h)
            same = f.cmp("ult", f.op("xor", slot, tag), str(1 << 40))
            with f.when(same):
                place = f.add(f.op("and", slot, str(PLACE)), "-1")
                self._prefetch(f, self._state_at(f, arena, place))

    def _reserve(self, f: Function) -> str:
        """The place of the next new state; takes a new block of the arena where the last is full."""
        own, set_own = fields(f, "%own")
        with f.when(f.cmp("eq", own(Own.NEXT), own(Own.END)), likely=False):
            block = f.let(f"atomicrmw add ptr {f.at('%sh', Shared.ARENA_NEXT)}, i64 {BLOCK} monotonic")
            with f.when(f.cmp("ne", block, own(Own.NEXT))):
                f.do("call void @close(ptr %own)")
                set_own(Own.SEGMENT, block)
                set_own(Own.NEXT, block)
            set_own(Own.END, f.add(block, str(BLOCK)))
        return own(Own.NEXT)

    def _accept(self, f: Function) -> None:
        own, set_own = fields(f, "%own")
        set_own(Own.NEXT, f.add(own(Own.NEXT), "1"))
        set_own(Own.NEW, f.add(own(Own.NEW), "1"))

    def _probe_narrow(self, f: Function, table: str, mask: str, slot: str, words: list[str], arena: str, done: str) -> None:
        key = f.op("or", words[0], str(FULL))
        with f.loop() as (again, _):
            pointer = f.at(table, f.get(slot))
            known = f.let(f"load atomic i64, ptr {pointer} monotonic, align 8")
            full, empty, other = f.label(), f.label(), f.label()
            f.branch(f.cmp("eq", known, "0"), empty, full)
            f.start(empty)
            won = f.let(f"cmpxchg ptr {pointer}, i64 0, i64 {key} monotonic monotonic")
            new = f.label()
            f.branch(f.let(f"extractvalue {{ i64, i1 }} {won}, 1"), new, again)  # lost: look at what is there now
            f.start(new)
            self._store(f, self._state_at(f, arena, self._reserve(f)), words)
            self._accept(f)
            f.jump(done)
            f.start(full)
            f.branch(f.cmp("eq", known, key), done, other)
            f.start(other)
            f.set(slot, self._step(f, mask, f.get(slot)))

    def _probe_wide(self, f: Function, table: str, mask: str, slot: str, h: str, words: list[str], arena: str, done: str) -> None:
        tag = self._tag(f, h)
        with f.loop() as (again, _):
            pointer = f.at(table, f.get(slot))
            known = f.let(f"load atomic i64, ptr {pointer} acquire, align 8")
            full, empty, other, compare = f.label(), f.label(), f.label(), f.label()
            f.branch(f.cmp("eq", known, "0"), empty, full)
            f.start(empty)
            place = self._reserve(f)
            self._store(f, self._state_at(f, arena, place), words)
            new_slot = f.op("or", tag, f.add(place, "1"))
            won = f.let(f"cmpxchg ptr {pointer}, i64 0, i64 {new_slot} acq_rel acquire")
            new = f.label()
            f.branch(f.let(f"extractvalue {{ i64, i1 }} {won}, 1"), new, again)
            f.start(new)
            self._accept(f)
            f.jump(done)
            f.start(full)
            f.branch(f.cmp("ult", f.op("xor", known, tag), str(1 << 40)), compare, other)
            f.start(compare)
            there = self._state_at(f, arena, f.add(f.op("and", known, str(PLACE)), "-1"))
            f.branch(self._same(f, there, words), done, other)
            f.start(other)
            f.set(slot, self._step(f, mask, f.get(slot)))

    def _screen(self) -> Function:
        """Hash successors, drop those that were met of late, prefetch, and let the others wait."""
        f = Function("void @screen(ptr noalias %own, ptr noalias %sh, ptr noalias %first, ptr %end)", "nounwind noinline")
        own, set_own = fields(f, "%own")
        shared, _ = fields(f, "%sh")
        table, batch, known = (
            f.let(f"inttoptr i64 {x} to ptr") for x in (shared(Shared.TABLE), own(Own.BATCH), own(Own.FILTER))
        )
        mask = shared(Shared.MASK)
        waiting, p = f.var(), f.var("ptr")
        f.set(waiting, own(Own.WAITING))
        f.set(p, "%first", "ptr")
        with f.loop() as (_, done):
            at = f.get(p, "ptr")
            body = f.label()
            f.branch(f.cmp("eq", at, "%end", "ptr"), done, body)
            f.start(body)
            self._canonical(f, at)
            f.set(p, f.at(at, self.words), "ptr")
            words = self._load(f, at)
            h = self._hash(f, words)
            marked = [f.op("or", words[0], str(FULL)), *words[1:]]
            place = f.op("mul", f.op("lshr", h, str(64 - filter_bits(self.words))), str(self.words))
            cell = f.at(known, place)
            # no branch: whether a state was just met is what nothing can predict
            fresh = f.let(f"zext i1 {f.op('xor', self._same(f, cell, marked), 'true', 'i1')} to i64")
            self._store(f, cell, marked)
            self._prefetch(f, f.at(table, f.op("and", h, mask)))
            n = f.get(waiting)
            entry = f.at(batch, f.op("mul", n, str(self.words + 1)))
            f.set(entry, h)
            self._store(f, f.at(entry, 1), words)
            f.set(waiting, f.add(n, fresh))
        set_own(Own.WAITING, f.get(waiting))
        f.ret()
        return f

    def _run(self) -> Function:
        """Expand the frontier."""
        f = Function("void @run(ptr noalias %own, ptr noalias %sh)")
        own, set_own = fields(f, "%own")
        shared, _ = fields(f, "%sh")

        def stop(reason: Stop) -> None:
            f.do(f"store atomic i64 {int(reason)}, ptr {f.at('%sh', Shared.STOP)} monotonic, align 8")

        def body(first: str, length: str) -> None:
            with f.count("0", length) as i:
                place = f.add(first, i)
                set_own(Own.MOVED, "0")
                out, end = self._expand(f, place)
                size = f.op("sub", f.let(f"ptrtoint ptr {end} to i64"), f.let(f"ptrtoint ptr {out} to i64"))
                emitted = f.op("udiv", size, str(8 * self.words))
                set_own(Own.TRANSITIONS, f.add(own(Own.TRANSITIONS), emitted))
                f.do(f"call void @screen(ptr %own, ptr %sh, ptr {out}, ptr {end})")
                with f.when(f.cmp("uge", own(Own.WAITING), str(BATCH))):
                    f.do("call void @flush(ptr %own, ptr %sh)")
                stuck = own(Own.STUCK)
                is_stuck = f.op("and", f.cmp("ne", stuck, "0"), f.cmp("eq", own(Own.MOVED), "0"), "i1")
                with f.when(is_stuck, likely=False):
                    cell = f.at(f.let(f"inttoptr i64 {stuck} to ptr"), own(Own.STUCKS))
                    f.set(cell, place)
                    set_own(Own.STUCKS, f.add(own(Own.STUCKS), "1"))
            set_own(Own.EXPANDED, f.add(own(Own.EXPANDED), length))
            new = own(Own.NEW)
            set_own(Own.NEW, "0")
            before = f.let(f"atomicrmw add ptr {f.at('%sh', Shared.COUNT)}, i64 {new} monotonic")
            with f.when(f.cmp("ugt", f.add(before, new), shared(Shared.LIMIT)), likely=False):
                stop(Stop.GROW)
            with f.when(f.cmp("ne", own(Own.DOMAIN), "0"), likely=False):
                stop(Stop.DOMAIN)

        self._units(f, body)
        f.do("call void @flush(ptr %own, ptr %sh)")
        f.let(f"atomicrmw add ptr {f.at('%sh', Shared.COUNT)}, i64 {own(Own.NEW)} monotonic")
        set_own(Own.NEW, "0")
        f.ret()
        return f

    def _seed(self) -> Function:
        """Put given states into the table."""
        f = Function("void @seed(ptr %own, ptr %sh, ptr %first, ptr %end)")
        f.do("call void @screen(ptr %own, ptr %sh, ptr %first, ptr %end)")
        f.do("call void @flush(ptr %own, ptr %sh)")
        f.ret()
        return f

    def _close(self) -> Function:
        """End the open segment of new states, and begin another behind it."""
        f = Function("void @close(ptr %own)")
        own, set_own = fields(f, "%own")
        length = f.op("sub", own(Own.NEXT), own(Own.SEGMENT))
        with f.when(f.cmp("ne", length, "0")):
            segments = f.let(f"inttoptr i64 {own(Own.SEGMENTS)} to ptr")
            cell = f.at(segments, f.op("mul", own(Own.CLOSED), "2"))
            f.set(cell, own(Own.SEGMENT))
            f.set(f.at(cell, 1), length)
            set_own(Own.CLOSED, f.add(own(Own.CLOSED), "1"))
            set_own(Own.SEGMENT, own(Own.NEXT))
        f.ret()
        return f


_DECLARATIONS = """declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
"""
