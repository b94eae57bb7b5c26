"""Growth of the hash table, in place."""

from __future__ import annotations

from dmaverify.engines.native.fields import FULL, Shared
from dmaverify.engines.native.kernel_base import Words
from dmaverify.engines.native.text import Function, fields


class Growth(Words):
    """Writes the functions that make the table larger. ``shared.MASK`` is already that of the new size when they run."""

    def _rehash(self) -> Function:
        """Put the states of a part of the arena, all of them different, into a table that does not hold them yet."""
        f = Function("void @rehash(ptr %sh, i64 %first, i64 %end, ptr noalias %buffer)")
        shared, _ = fields(f, "%sh")
        table, arena = (f.let(f"inttoptr i64 {shared(x)} to ptr") for x in (Shared.TABLE, Shared.ARENA))
        mask = shared(Shared.MASK)
        start = f.var()
        f.set(start, "%first")
        with f.loop() as (_, done):
            a = f.get(start)
            body = f.label()
            f.branch(f.cmp("ult", a, "%end"), body, done)
            f.start(body)
            far = f.add(a, "64")
            b = f.pick(f.cmp("ult", far, "%end"), far, "%end")
            with f.count(a, b) as place:
                h = self._hash(f, self._load(f, self._state_at(f, arena, place)))
                self._prefetch(f, f.at(table, f.op("and", h, mask)))
                f.set(f.at("%buffer", f.op("sub", place, a)), h)
            with f.count(a, b) as place:
                h = f.get(f.at("%buffer", f.op("sub", place, a)))
                if self.words == 1:
                    value = f.op("or", f.get(self._state_at(f, arena, place)), str(FULL))
                else:
                    value = f.op("or", self._tag(f, h), f.add(place, "1"))
                slot = f.var()
                f.set(slot, f.op("and", h, mask))
                with f.loop() as (_, placed):
                    pointer = f.at(table, f.get(slot))
                    known = f.let(f"load atomic i64, ptr {pointer} monotonic, align 8")
                    taken, free = f.label(), f.label()
                    f.branch(f.cmp("eq", known, "0"), free, taken)
                    f.start(free)
                    won = f.let(f"cmpxchg ptr {pointer}, i64 0, i64 {value} monotonic monotonic")
                    f.branch(f.let(f"extractvalue {{ i64, i1 }} {won}, 1"), placed, taken)
                    f.start(taken)
                    f.set(slot, self._step(f, mask, f.get(slot)))
            f.set(start, b)
        f.ret()
        return f

    def _double(self) -> Function:
        """Move the entries of slots from ``%first`` to ``%end``, both empty, to where they belong in a table of twice the size.

        The low bits of the hash say where: each stays about where it is, or goes as far beyond the old end. Yields the number of
        entries in ``%spill``: those that would go beyond ``%end``, or its counterpart, where another thread is at work.
        """
        f = Function("i64 @double(ptr noalias %sh, i64 %first, i64 %end, ptr noalias %spill, i64 %room)")
        shared, _ = fields(f, "%sh")
        table, new_mask = f.let(f"inttoptr i64 {shared(Shared.TABLE)} to ptr"), shared(Shared.MASK)
        old_size = f.add(f.op("lshr", new_mask, "1"), "1")
        spilled = f.var()
        f.set(spilled, "0")
        with f.count("%first", "%end") as i:
            cell = f.at(table, i)
            entry = f.get(cell)
            with f.when(f.cmp("ne", entry, "0")):
                f.set(cell, "0")
                h = self._hash(f, [f.op("and", entry, str(FULL - 1))])
                slot = f.var()
                f.set(slot, f.op("and", h, new_mask))
                # lower entries find a slot up to i, which is free now
                limit = f.pick(f.cmp("ult", f.get(slot), old_size), "%end", f.add("%end", old_size))
                placed, full = f.label(), f.label()
                with f.loop():
                    at = f.get(slot)
                    look, taken, free = f.label(), f.label(), f.label()
                    f.branch(f.cmp("ult", at, limit), look, full)
                    f.start(look)
                    here = f.at(table, at)
                    f.branch(f.cmp("eq", f.get(here), "0"), free, taken)
                    f.start(free)
                    f.set(here, entry)
                    f.jump(placed)
                    f.start(taken)
                    f.set(slot, f.add(at, "1"))
                f.jump(full)
                f.start(full)
                n = f.get(spilled)
                with f.when(f.cmp("ult", n, "%room")):
                    f.set(f.at("%spill", n), entry)
                f.set(spilled, f.add(n, "1"))
                f.start(placed)
        f.ret(f"i64 {f.get(spilled)}")
        return f

    def _insert(self) -> Function:
        """Put entries into the table that are not in it; nobody else may be at work."""
        f = Function("void @insert(ptr %sh, ptr %entries, i64 %many)")
        shared, _ = fields(f, "%sh")
        table, mask = f.let(f"inttoptr i64 {shared(Shared.TABLE)} to ptr"), shared(Shared.MASK)
        with f.count("0", "%many") as i:
            entry = f.get(f.at("%entries", i))
            slot = f.var()
            f.set(slot, f.op("and", self._hash(f, [f.op("and", entry, str(FULL - 1))]), mask))
            with f.loop() as (_, done):
                taken = f.label()
                f.branch(f.cmp("eq", f.get(f.at(table, f.get(slot))), "0"), done, taken)
                f.start(taken)
                f.set(slot, self._step(f, mask, f.get(slot)))
            f.set(f.at(table, f.get(slot)), entry)
        f.ret()
        return f

    def _first_empty(self) -> Function:
        """The first empty slot from ``%first`` on; there is one."""
        f = Function("i64 @first_empty(ptr %sh, i64 %first)")
        table = f.let(f"inttoptr i64 {fields(f, '%sh')[0](Shared.TABLE)} to ptr")
        i = f.var()
        f.set(i, "%first")
        with f.loop() as (_, done):
            at = f.get(i)
            taken = f.label()
            f.branch(f.cmp("eq", f.get(f.at(table, at)), "0"), done, taken)
            f.start(taken)
            f.set(i, f.add(at, "1"))
        f.ret(f"i64 {f.get(i)}")
        return f
