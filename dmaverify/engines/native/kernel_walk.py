"""Random walks. ``engines.walks`` walks in the same way in Python, choice by choice."""

from __future__ import annotations

from dmaverify.engines.native.fields import Own, Shared, Stop
from dmaverify.engines.native.kernel_base import BATCH, Words
from dmaverify.engines.native.text import Function, fields

STEP, MIX1, MIX2, SPREAD = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93
"""The constants of the generator (splitmix64), and what a walk's number is multiplied with to get its first state."""


class Walks(Words):
    """Writes the function that walks."""

    def _below(self, f: Function, state: str, limit: str) -> str:
        """The next random number below a limit of at most 32 bits."""
        z = f.add(f.get(state), str(STEP))
        f.set(state, z)
        for shift, factor in ((30, MIX1), (27, MIX2)):
            z = f.op("mul", f.op("xor", z, f.op("lshr", z, str(shift))), str(factor))
        z = f.op("xor", z, f.op("lshr", z, "31"))
        return f.op("lshr", f.op("mul", f.op("lshr", z, "32"), limit), "32")

    def _walk(self) -> Function:
        """Take walks until none is left or somebody says stop. Every state is judged, and put into the table if it is new.

        ``%initial``: so ``%many`` states to begin with. ``%groups``: actors. ``Own.INDEX`` is the walk's number, ``Own.DISTANCE`` how
        many choices led to a state.
        """
        f = Function(
            "void @walk(ptr noalias %own, ptr noalias %sh, ptr %initial, i64 %many, i64 %seed, i64 %runs, i64 %steps, i64 %groups)"
        )
        own, set_own = fields(f, "%own")
        shared, _ = fields(f, "%sh")
        here, random = f.at_entry(f"alloca [{self.words} x i64], align 8"), f.var()
        set_own(Own.STATE, f.let(f"ptrtoint ptr {here} to i64"))
        pointers = (Own.OUT, Own.GROUPS, Own.EXPAND, Own.CHOOSE)
        out, groups, judge, choose = (f.let(f"inttoptr i64 {own(x)} to ptr") for x in pointers)
        with f.loop() as (_, done):
            stop = f.let(f"load atomic i64, ptr {f.at('%sh', Shared.STOP)} monotonic, align 8")
            take, begin, ended = f.label(), f.label(), f.label()
            f.branch(f.cmp("eq", stop, "0"), take, done)
            f.start(take)
            number = f.let(f"atomicrmw add ptr {f.at('%sh', Shared.UNIT_NEXT)}, i64 1 monotonic")
            f.branch(f.cmp("ult", number, "%runs"), begin, done)
            f.start(begin)
            set_own(Own.INDEX, number)
            f.set(random, f.op("mul", f.add("%seed", number), str(SPREAD)))
            self._store(f, here, self._load(f, self._state_at(f, "%initial", self._below(f, random, "%many"))))
            with f.count("0", f.add("%steps", "1")) as step:
                set_own(Own.DISTANCE, step)
                f.let(f"call ptr {judge}(ptr {here}, ptr {out}, ptr %own)")
                f.do(f"call void @screen(ptr %own, ptr %sh, ptr {here}, ptr {f.at(here, self.words)})")
                with f.when(f.cmp("uge", own(Own.WAITING), str(BATCH))):
                    f.do("call void @flush(ptr %own, ptr %sh)")
                go = f.label()
                f.branch(f.cmp("eq", step, "%steps"), ended, go)
                f.start(go)
                f.let(f"call ptr {choose}(ptr {here}, ptr {out}, ptr %own)")
                self._choose(f, random, out, groups, here, ended)
                set_own(Own.TRANSITIONS, f.add(own(Own.TRANSITIONS), "1"))
            f.start(ended)
            set_own(Own.EXPANDED, f.add(own(Own.EXPANDED), "1"))
            new = own(Own.NEW)
            set_own(Own.NEW, "0")
            before = f.let(f"atomicrmw add ptr {f.at('%sh', Shared.COUNT)}, i64 {new} monotonic")
            for condition, reason in (
                (f.cmp("ugt", f.add(before, new), shared(Shared.LIMIT)), Stop.GROW),
                (f.cmp("ne", own(Own.DOMAIN), "0"), Stop.DOMAIN),
            ):
                with f.when(condition, likely=False):
                    f.do(f"store atomic i64 {int(reason)}, ptr {f.at('%sh', Shared.STOP)} monotonic, align 8")
        f.do("call void @flush(ptr %own, ptr %sh)")
        f.let(f"atomicrmw add ptr {f.at('%sh', Shared.COUNT)}, i64 {own(Own.NEW)} monotonic")
        set_own(Own.NEW, "0")
        f.ret()
        return f

    def _choose(self, f: Function, random: str, out: str, groups: str, here: str, ended: str) -> None:
        """Choose an actor among those that can do something, then one of its moves, and make it."""
        many, left, start = f.var(), f.var(), f.var("ptr")
        f.set(many, "0")
        f.set(start, out, "ptr")
        with f.count("0", "%groups") as g:
            end = f.get(f.at(groups, g), "ptr")
            some = f.let(f"zext i1 {f.cmp('ne', end, f.get(start, 'ptr'), 'ptr')} to i64")
            f.set(many, f.add(f.get(many), some))
            f.set(start, end, "ptr")
        go, found = f.label(), f.label()
        f.branch(f.cmp("eq", f.get(many), "0"), ended, go)
        f.start(go)
        f.set(left, self._below(f, random, f.get(many)))
        f.set(start, out, "ptr")
        chosen = f.var("ptr")
        with f.count("0", "%groups") as g:
            end = f.get(f.at(groups, g), "ptr")
            f.set(chosen, end, "ptr")
            some, following = f.label(), f.label()
            f.branch(f.cmp("eq", end, f.get(start, "ptr"), "ptr"), following, some)
            f.start(some)
            other = f.label()
            f.branch(f.cmp("eq", f.get(left), "0"), found, other)
            f.start(other)
            f.set(left, f.add(f.get(left), "-1"))
            f.start(following)
            f.set(start, end, "ptr")
        f.start(found)
        first = f.get(start, "ptr")
        begin, end = (f.let(f"ptrtoint ptr {p} to i64") for p in (first, f.get(chosen, "ptr")))
        moves = f.op("udiv", f.op("sub", end, begin), str(8 * self.words))
        self._store(f, here, self._load(f, self._state_at(f, first, self._below(f, random, moves))))
