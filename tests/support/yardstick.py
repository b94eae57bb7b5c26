"""AC(P, K): an allocator of P pages with K slots and a cache line for each page, as a core System in one or more words.

Its numbers of reachable states and transitions are known from several independent programs (model checkers and plain
enumerations), which makes it a yardstick: ``STATES``, ``TRANSITIONS``, ``DEPTH``.
"""

from __future__ import annotations

from dmaverify.ir.expr import TRUE, Expr, and_, const, eq, ite, mk, ne, not_, or_, var
from dmaverify.ir.system import Action, Always, Part, System, Var
from dmaverify.ir.types import BOOL, Int

STATES = {(4, 2): 3_229, (5, 2): 20_109, (6, 2): 108_473, (6, 4): 1_598_393, (7, 4): 12_123_621, (8, 4): 96_524_385}
TRANSITIONS = {(6, 2): 1_312_906, (6, 4): 21_537_484, (7, 4): 181_399_612, (8, 4): 1_613_397_836}
DEPTH = {(6, 2): 17, (6, 4): 22, (7, 4): 25, (8, 4): 28}

INVALID, CLEAN, DIRTY = 0, 1, 2
FREE = 3
_LINE, _ORDER = Int(2), Int(2)


def allocator(pages: int, slots: int, forgetful: bool = False, padding: int = 0) -> System:
    """The System. ``forgetful``: an allocation forgets the line of the last page. ``padding``: so many 60-bit constants beside."""
    bits, place = Int(pages), Int(max(1, (pages - 1).bit_length()))
    none = const(0, bits)
    bm = var("bm", bits)
    order = [var(f"ord{s}", _ORDER) for s in range(slots)]
    start = [var(f"start{s}", place) for s in range(slots)]
    line = [var(f"line{p}", _LINE) for p in range(pages)]
    zero = [var(f"z{p}", BOOL) for p in range(pages)]
    uncached = [var(f"u{p}", BOOL) for p in range(pages)]
    held = [_region(order[s], start[s], bits) for s in range(slots)]
    variables = [Var("bm", bits, 0)]
    for s in range(slots):
        variables += [Var(f"ord{s}", _ORDER, FREE), Var(f"start{s}", place, 0)]
    for p in range(pages):
        variables += [Var(f"line{p}", _LINE, 0), Var(f"z{p}", BOOL, False), Var(f"u{p}", BOOL, False)]
    variables += [Var(f"pad{n}", Int(60), 5) for n in range(padding)]
    actions: list[Action] = []

    def action(name: str, guard: Expr, updates: dict[str, Expr]) -> None:
        actions.append(Action(name, None, None, guard, updates=updates, parts=(Part(name, TRUE),)))

    def is_line(p: int, value: int) -> Expr:
        return eq(line[p], const(value, _LINE))

    for o in range(3):
        size = 1 << o
        region = {a: const(((1 << size) - 1) << a, bits) for a in range(0, pages - size + 1, size)}
        fits = {a: eq(mk("band", (bm, r)), none) for a, r in region.items()}
        first = {a: and_(fits[a], *(not_(fits[b]) for b in region if b < a)) for a in region}
        for s in range(slots if region else 0):
            taken, at = none, const(0, place)
            for a in region:
                taken, at = ite(first[a], region[a], taken), ite(first[a], const(a, place), at)
            updates = {"bm": mk("bor", (bm, taken)), f"ord{s}": const(o, _ORDER), f"start{s}": at}
            for p in range(pages):
                mine = or_(*(first[a] for a in region if a <= p < a + size))
                if not (forgetful and p == pages - 1):
                    updates[f"line{p}"] = ite(mine, const(INVALID, _LINE), line[p])
                updates[f"z{p}"] = ite(mine, TRUE, zero[p])
                updates[f"u{p}"] = ite(mine, TRUE, uncached[p])
            action(f"alloc{s}.{o}", and_(eq(order[s], const(FREE, _ORDER)), or_(*fits.values())), updates)
    for s in range(slots):
        updates = {"bm": mk("band", (bm, mk("bnot", (held[s],)))), f"ord{s}": const(FREE, _ORDER), f"start{s}": const(0, place)}
        updates.update({f"u{p}": and_(uncached[p], not_(_holds(held[s], p))) for p in range(pages)})
        action(f"free{s}", ne(order[s], const(FREE, _ORDER)), updates)
    for p in range(pages):
        z, u, row = f"z{p}", uncached[p], f"line{p}"
        invalid, clean, dirty = (const(n, _LINE) for n in (INVALID, CLEAN, DIRTY))
        no = const(False, BOOL)
        action(f"write.cached{p}", and_(not_(u), ne(line[p], dirty)), {row: dirty})
        action(f"write.uncached{p}", and_(u, zero[p]), {z: no})
        action(f"evict.dirty{p}", is_line(p, DIRTY), {row: invalid, z: no})
        action(f"evict.clean{p}", is_line(p, CLEAN), {row: invalid})
        action(f"flush{p}", is_line(p, DIRTY), {row: clean, z: no})
        action(f"device{p}", and_(_holds(bm, p), zero[p]), {z: no})
    always = [Always("clean", f"clean{p}", not_(and_(uncached[p], is_line(p, DIRTY)))) for p in range(pages)]
    for s in range(slots):
        for t in range(s):
            always.append(Always("apart", f"apart{t}.{s}", eq(mk("band", (held[s], held[t])), none)))
    return System(f"ac{pages}{slots}", tuple(variables), tuple(actions), always=tuple(always))


def _region(order: Expr, start: Expr, bits: Int) -> Expr:
    """The pages that a slot holds."""
    size = const(0, bits)
    for o in range(3):
        size = ite(eq(order, const(o, _ORDER)), const(bits.wrap((1 << (1 << o)) - 1), bits), size)
    return mk("shl", (size, start))


def _holds(region: Expr, p: int) -> Expr:
    return ne(mk("band", (region, const(1 << p, region.type))), const(0, region.type))
