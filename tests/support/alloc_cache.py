"""AC(P, K): an allocator of P pages for K slots, with a cache over the pages; the benchmark of the proof engines.

A slot holds 1, 2 or 4 pages, aligned to their number, at the least place that is free. A page's line is invalid, clean or dirty; its
memory is zeroed or not; it is mapped uncached or not. Allocating invalidates, zeroes and remaps. I1: what two slots hold does not
overlap. I3: no page that is mapped uncached has a dirty line.

``mask`` keeps what a slot holds as a mask of pages, ``index`` as order and start. Masks are P-bit numbers; which page an action is
about is an input with one bit set.
"""

from __future__ import annotations

from typing import Literal

from dmaverify.ir.expr import Expr, and_, const, eq, input_, ite, mk, ne, or_, var
from dmaverify.ir.system import Action, Always, Input, Property, System, Var
from dmaverify.ir.types import Int
from tests.support.symbolic_systems import step

Encoding = Literal["mask", "index"]
FREE = 3
"""The order of a slot that holds nothing."""


def alloc_cache(pages: int, slots: int, encoding: Encoding = "mask", *, flush: bool = True) -> System:
    """The benchmark. ``flush`` False: allocating forgets the line of the last page (I3 is violated)."""
    return _Maker(pages, slots, encoding, flush).system()


class _Maker:
    def __init__(self, pages: int, slots: int, encoding: Encoding, flush: bool) -> None:
        self.pages, self.slots, self.encoding, self.flush = pages, slots, encoding, flush
        self.t = Int(pages)
        self.place = Int(max(1, (pages - 1).bit_length()))
        self.order = Int(2)
        self.zero = const(0, self.t)

    def mask(self, name: str) -> Expr:
        return var(name, self.t)

    def _or(self, a: Expr, b: Expr) -> Expr:
        return mk("bor", (a, b))

    def _without(self, a: Expr, b: Expr) -> Expr:
        return mk("band", (a, mk("bnot", (b,))))

    def _has(self, a: Expr, page: Expr) -> Expr:
        return ne(mk("band", (a, page)), self.zero)

    def held(self, k: int) -> Expr:
        """The pages of a slot."""
        if self.encoding == "mask":
            return self.mask(f"slot{k}")
        order = var(f"order{k}", self.order)
        ones = self.zero
        for n in range(3):
            ones = ite(eq(order, const(n, self.order)), const((1 << (1 << n)) - 1, self.t), ones)
        return mk("shl", (ones, var(f"start{k}", self.place)))

    def free(self, k: int) -> Expr:
        """The slot holds nothing."""
        if self.encoding == "mask":
            return eq(self.mask(f"slot{k}"), self.zero)
        return eq(var(f"order{k}", self.order), const(FREE, self.order))

    def _alloc(self, k: int, n: int) -> Action:
        size = 1 << n
        places = range(0, self.pages - size + 1, size)
        blocks = [const(((1 << size) - 1) << at, self.t) for at in places]
        fits = [eq(mk("band", (self.mask("bm"), b)), self.zero) for b in blocks]
        region, start = self.zero, const(0, self.place)
        for at, block, condition in reversed(list(zip(places, blocks, fits, strict=True))):
            region = ite(condition, block, region)
            start = ite(condition, const(at, self.place), start)
        line = region if self.flush else self._without(region, const(1 << (self.pages - 1), self.t))
        updates = {
            "bm": self._or(self.mask("bm"), region),
            "dirty": self._without(self.mask("dirty"), line),
            "clean": self._without(self.mask("clean"), line),
            "zeroed": self._or(self.mask("zeroed"), region),
            "uncached": self._or(self.mask("uncached"), region),
        }
        if self.encoding == "mask":
            updates[f"slot{k}"] = region
        else:
            updates |= {f"order{k}": const(n, self.order), f"start{k}": start}
        return step(f"alloc{k}.{n}", guard=and_(self.free(k), or_(*fits)), updates=updates)

    def _free(self, k: int) -> Action:
        held = self.held(k)
        updates = {name: self._without(self.mask(name), held) for name in ("bm", "uncached")}
        if self.encoding == "mask":
            updates[f"slot{k}"] = self.zero
        else:
            updates |= {f"order{k}": const(FREE, self.order), f"start{k}": const(0, self.place)}
        return step(f"free{k}", guard=mk("not", (self.free(k),)), updates=updates)

    def _page(self, name: str, guard: Expr, **updates: Expr) -> Action:
        """An action about one page: ``page`` has one bit set."""
        page = input_("page", self.t)
        lower = mk("sub", (page, const(1, self.t)))
        single = and_(ne(page, self.zero), eq(mk("band", (page, lower)), self.zero))
        return step(name, inputs=(Input("page", self.t),), guard=and_(single, guard), updates=updates)

    def _pages(self) -> list[Action]:
        page = input_("page", self.t)
        dirty, clean, zeroed, uncached = map(self.mask, ("dirty", "clean", "zeroed", "uncached"))

        def no(e: Expr) -> Expr:
            return mk("not", (e,))

        cached = and_(no(self._has(uncached, page)), no(self._has(dirty, page)))
        unzeroed = self._without(zeroed, page)
        clear = self._without(dirty, page)
        return [
            self._page("write_cached", cached, dirty=self._or(dirty, page), clean=self._without(clean, page)),
            self._page("write_uncached", and_(self._has(uncached, page), self._has(zeroed, page)), zeroed=unzeroed),
            self._page("evict_dirty", self._has(dirty, page), dirty=clear, zeroed=unzeroed),
            self._page("evict_clean", self._has(clean, page), clean=self._without(clean, page)),
            self._page("flush", self._has(dirty, page), dirty=clear, clean=self._or(clean, page), zeroed=unzeroed),
            self._page("dev_write", and_(self._has(self.mask("bm"), page), self._has(zeroed, page)), zeroed=unzeroed),
        ]

    def system(self) -> System:
        variables = [Var(name, self.t, 0) for name in ("bm", "dirty", "clean", "zeroed", "uncached")]
        for k in range(self.slots):
            if self.encoding == "mask":
                variables.append(Var(f"slot{k}", self.t, 0))
            else:
                variables += [Var(f"order{k}", self.order, FREE), Var(f"start{k}", self.place, 0)]
        actions = [self._alloc(k, n) for k in range(self.slots) for n in range(3)]
        actions += [self._free(k) for k in range(self.slots)]
        apart = [
            Always("I1", f"apart{i}.{j}", eq(mk("band", (self.held(i), self.held(j))), self.zero))
            for i in range(self.slots)
            for j in range(i)
        ]
        kept = Always("I3", "uncached.dirty", eq(mk("band", (self.mask("dirty"), self.mask("uncached"))), self.zero))
        properties = (Property("I1", "T110", "monitor"), Property("I3", "T111", "monitor"))
        return System(
            f"ac {self.pages} {self.slots} {self.encoding}",
            tuple(variables),
            (*actions, *self._pages()),
            properties=properties,
            always=(*apart, kept),
        )
