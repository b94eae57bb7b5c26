"""What clients hold: ``holding fb[2]`` is a map from slots to what is in them, null where a slot is empty."""

from __future__ import annotations

from dmaverify.ir.expr import Expr, and_, const, ite, mk, not_, or_, select, store
from dmaverify.ir.types import Index, Map, Opt
from dmaverify.lang import ast, symbols
from dmaverify.lang.lower.choices import choose
from dmaverify.lang.lower.context import Ctx, Place, Unsupported
from dmaverify.lang.lower.vals import Val, index_consts
from dmaverify.lang.lower.world import World
from dmaverify.span import Span


class Slots:
    """The slots of all clients of a scenario."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.names: dict[int, str] = {}
        self.chosen: dict[int, Expr] = {}
        """While a client's operation is lowered: the slot that it works on."""
        self.outside: dict[int, Val] = {}
        """Likewise: what the operation found in another client's slots."""
        self.probe: str | None = None
        """Likewise: the probe that the operation succeeds, if it does so by filling a slot."""

    def variable(self, ref: symbols.SlotSym) -> str:
        """The variable that holds a client's slots."""
        name = self.names.get(id(ref))
        if name is None:
            assert ref.client is not None
            assert ref.count is not None
            count = self.world.pure(ref.count)
            assert isinstance(count, Expr)
            if not count.is_const or count.value < 1:
                raise Unsupported("a client holds a constant number of things, at least one", ref.span)
            index = Index(f"{ref.client.name}.{ref.name}#", count.value)
            t = Map(index, Opt(self.world.ir(ref.ty)))
            name = self.world.declare(f"{ref.client.name}.{ref.name}", t, t.default, ref.span)
            self.names[id(ref)] = name
        return name

    def _now(self, ctx: Ctx, ref: symbols.SlotSym) -> tuple[Expr, list[Expr]]:
        held = ctx.step.read(self.variable(ref))
        assert isinstance(held, Expr)
        assert isinstance(held.type, Map)
        return held, index_consts(held.type.index)

    def present(self, ctx: Ctx, ref: symbols.SlotSym) -> list[tuple[Expr, Expr]]:
        """Each slot, with the condition that something is in it."""
        held, slots = self._now(ctx, ref)
        return [(mk("present", (select(held, i),)), i) for i in slots]

    def read(self, ctx: Ctx, ref: symbols.SlotSym, e: ast.Expr) -> Val:
        """The held thing that an operation works on; from outside any that is held, null if there is none."""
        if id(ref) in self.outside:
            return self.outside[id(ref)]
        held, _ = self._now(ctx, ref)
        if id(ref) in self.chosen:
            return mk("get", (select(held, self.chosen[id(ref)]),))
        found = [(c, mk("get", (select(held, i),))) for c, i in self.present(ctx, ref)]
        if len(found) > 1 and self.world.contexts.flow is None:
            what = f"there may be several {ref.name}, and only what takes steps can choose one"
            raise Unsupported(what, e.span, "Let an event carry it, and a ghost keep it.")
        return choose(ctx, found, e.ty, ref.name, e.span)

    def place(self, ctx: Ctx, ref: symbols.SlotSym, e: ast.Expr) -> Place:
        """Where a new thing goes: the slot that the operation works on, else the lowest that is empty."""
        if id(ref) in self.chosen:
            return Place(self.variable(ref), (self.chosen[id(ref)],))
        free = [(not_(c), i) for c, i in self.present(ctx, ref)]
        which = free[-1][1]
        for c, i in reversed(free[:-1]):
            which = ite(c, i, which)
        return Place(self.variable(ref), (which,))

    def filled(self, ctx: Ctx, value: Expr, span: Span) -> None:
        """An operation puts a value into a slot: it has succeeded, unless that is null."""
        if self.probe is not None and isinstance(value.type, Opt):
            ctx.step.reached(self.probe, span, mk("present", (value,)))

    def take(self, ctx: Ctx, e: ast.Take) -> Val:
        """``take fb``: what is held; the slot is empty from here on."""
        ref = e.ref
        assert isinstance(ref, symbols.SlotSym)
        held, _ = self._now(ctx, ref)
        at = self.chosen.get(id(ref))
        if at is None:
            raise Unsupported("`take` stands in an operation of the client that holds it", e.span)
        value = mk("get", (select(held, at),))
        assert isinstance(held.type, Map)
        ctx.step.write(self.variable(ref), store(held, at, const(None, held.type.of)))
        return value

    def fullness(self, ctx: Ctx, name: str, ref: symbols.SlotSym) -> Expr:
        """``full(fb)``, ``empty(fb)``."""
        conds = [c for c, _ in self.present(ctx, ref)]
        return and_(*conds) if name == "full" else not_(or_(*conds))
