"""Hits, and the way back from them."""

from __future__ import annotations

from dmaverify.engines.native.fields import Own, Shared
from dmaverify.engines.native.kernel_base import Words
from dmaverify.engines.native.text import Function, fields


def hit_size(words: int, inputs: int) -> int:
    """Words of a recorded hit."""
    return 2 + words + inputs


class Hits(Words):
    """Writes the functions that record hits, and find predecessors of states."""

    def _scan(self) -> Function:
        """Find the least state of the frontier that has ``Own.TARGET`` among its successors."""
        f = Function("void @scan(ptr noalias %own, ptr noalias %sh)")
        own, _ = fields(f, "%own")

        def body(first: str, length: str) -> None:
            target = self._load(f, f.let(f"inttoptr i64 {own(Own.TARGET)} to ptr"))
            with f.count("0", length) as i:
                place = f.add(first, i)
                p, end = self._expand(f, place)
                at = f.var("ptr")
                f.set(at, p, "ptr")
                with f.loop() as (_, done):
                    here = f.get(at, "ptr")
                    look = f.label()
                    f.branch(f.cmp("eq", here, end, "ptr"), done, look)
                    f.start(look)
                    self._canonical(f, here)
                    f.set(at, f.at(here, self.words), "ptr")
                    with f.when(self._same(f, here, target), likely=False):
                        self._keep_least(f, place)

        self._units(f, body)
        f.ret()
        return f

    def _keep_least(self, f: Function, place: str) -> None:
        """Keep a predecessor if it is the first or smaller than the one that is kept."""
        own, set_own = fields(f, "%own")
        arena = f.let(f"inttoptr i64 {fields(f, '%sh')[0](Shared.ARENA)} to ptr")
        best = own(Own.FOUND)
        better = f.var("i1")
        f.set(better, "true", "i1")
        with f.when(f.cmp("ne", best, "0")):
            new = self._load(f, self._state_at(f, arena, place))
            old = self._load(f, self._state_at(f, arena, f.add(best, "-1")))
            less = "false"
            for a, b in zip(new, old, strict=True):  # the last word counts most
                less = f.pick(f.cmp("eq", a, b), less, f.cmp("ult", a, b), "i1")
            f.set(better, less, "i1")
        with f.when(f.get(better, "i1")):
            set_own(Own.FOUND, f.add(place, "1"))

    def _record(self) -> Function:
        """A target was hit in the state that is being expanded: keep the nearest hit of each target, of several the smallest.

        A hit is kept as one more than its cost (0: none), the state's place, its words, the inputs of the step.
        """
        f = Function("void @record(ptr %own, i64 %target, i64 %prefix, i64 %inputs)", "nounwind noinline cold")
        own, set_own = fields(f, "%own")
        wanted = f.get(f.at(f.let(f"inttoptr i64 {own(Own.WANTED)} to ptr"), "%target", "i8"), "i8")
        with f.when(f.cmp("ne", wanted, "0", "i8")):
            best = f.at(f.let(f"inttoptr i64 {own(Own.BEST)} to ptr"), f.op("mul", "%target", own(Own.HIT)))
            scratch = f.let(f"inttoptr i64 {own(Own.SCRATCH)} to ptr")
            words = self._load(f, f.let(f"inttoptr i64 {own(Own.STATE)} to ptr"))
            cost = f.add(f.add(own(Own.DISTANCE), "%prefix"), "1")
            less = f.var("i1")
            f.set(less, f.cmp("ult", own(Own.INDEX), f.get(f.at(best, 1))), "i1")

            def compare(kind: str, a: str, b: str) -> None:
                f.set(less, f.pick(f.cmp("eq", a, b), f.get(less, "i1"), f.cmp(kind, a, b), "i1"), "i1")

            given = f.at(best, 2 + self.words)
            with f.count("0", "%inputs") as n:  # the first input counts most, the last is compared first
                last = f.op("sub", f.add("%inputs", "-1"), n)
                compare("slt", f.get(f.at(scratch, last)), f.get(f.at(given, last)))
            for k, w in enumerate(words):
                compare("ult", w, f.get(f.at(best, 2 + k)))
            compare("ult", cost, f.get(best))
            better = f.op("or", f.cmp("eq", f.get(best), "0"), f.get(less, "i1"), "i1")
            with f.when(better):
                f.set(best, cost)
                f.set(f.at(best, 1), own(Own.INDEX))
                self._store(f, f.at(best, 2), words)
                with f.count("0", "%inputs") as n:
                    f.set(f.at(given, n), f.get(f.at(scratch, n)))
                set_own(Own.HITS, f.add(own(Own.HITS), "1"))
        f.ret()
        return f
