"""Clients: again and again one of their operations, on slots that hold what they got."""

from __future__ import annotations

from itertools import product

from dmaverify.ir.expr import TRUE, Expr, mk, not_, or_, select
from dmaverify.ir.types import Int
from dmaverify.lang import ast, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.blocks import elements
from dmaverify.lang.lower.context import Unsupported, ev
from dmaverify.lang.lower.dispatch import lower
from dmaverify.lang.lower.flow import Flow, text_of
from dmaverify.lang.lower.graph import Point
from dmaverify.lang.lower.threads import flow_for, start_guard
from dmaverify.lang.lower.trees import nodes
from dmaverify.lang.lower.values import all_values
from dmaverify.lang.lower.world import World

MOST_ALTERNATIVES = 24
"""So many alternatives of one operation of a client are lowered apart, with constants in place of its
choices.
"""


def client(world: World, sym: symbols.ThreadSym) -> Flow:
    """``client``: again and again one of its operations, run to its end."""
    decl = sym.decl
    assert isinstance(decl, ast.Client)
    f = flow_for(world, sym)
    f.scope.frame.ret = sym.name
    idle = f.graph.start
    shared = _slots_seen_elsewhere(world, sym)
    for ref in sym.slots.values():
        name = world.slots.variable(ref)
        if id(ref) not in shared:
            f.own.add(name)
    for block in decl.mays:
        choices = _choices(f, block)
        for combination in product(*(values for _, values in choices)):
            f.at = idle
            names = []
            for (node, _), value in zip(choices, combination, strict=True):
                f.frame.env[(id(node), "any")] = value
                names.append(world.label(value))
            _operation(f, sym, decl, block, names, idle)
    f.idle.append(idle)
    return f


def _choices(f: Flow, block: ast.Block) -> list[tuple[ast.Expr, list[Expr]]]:
    """The choices of an operation among a few constants."""
    found: list[tuple[ast.Expr, list[Expr]]] = []
    total = 1
    looping = {id(y) for x in nodes(block) if isinstance(x, ast.While | ast.Loop | ast.CFor | ast.Repeat) for y in nodes(x)}
    for x in nodes(block):
        if id(x) in looping or not isinstance(x, ast.AnyIn | ast.AnyType):
            continue
        ctx = f.ctx(f.new_step())
        try:
            if isinstance(x, ast.AnyIn):
                values = elements(ctx, ev(ctx, x.domain), x.span)
            else:
                t = f.world.ir(x.ty)
                if isinstance(t, Int):
                    continue
                values = elements(ctx, all_values(ctx, x.ty, x.span), x.span)
        except (Unsupported, AssertionError):
            continue
        if not values or not all(c is TRUE and v.is_const for c, v in values):
            continue
        if total * len(values) > MOST_ALTERNATIVES:
            continue
        total *= len(values)
        found.append((x, [v for _, v in values]))
    return found


def _slots_seen_elsewhere(world: World, sym: symbols.ThreadSym) -> set[int]:
    mine = {id(s) for s in sym.slots.values()}
    found: set[int] = set()
    for other in world.checked.threads.values():
        if other is sym:
            continue
        for x in nodes(getattr(other.decl, "body", None), getattr(other.decl, "mays", None)):
            ref = getattr(x, "ref", None)
            if id(ref) in mine:
                found.add(id(ref))
    return found


def _operation(f: Flow, sym: symbols.ThreadSym, decl: ast.Client, block: ast.Block, names: list[str], idle: Point) -> None:
    world, slots = f.world, f.world.slots
    step = f.new_step()
    step.require(start_guard(world, sym))
    if decl.while_ is not None:
        world.scan(decl.while_)
        step.require(patterns.condition(f.ctx(step), decl.while_))
    slots.chosen.clear()
    slots.outside.clear()
    targets = {id(t) for x in nodes(block) if isinstance(x, ast.Assign) for t in x.targets if isinstance(t, ast.Name)}
    read: dict[symbols.SlotSym, None] = {}
    written: dict[symbols.SlotSym, None] = {}
    foreign: dict[symbols.SlotSym, ast.Expr] = {}
    for x in nodes(block):
        ref = getattr(x, "ref", None)
        if isinstance(ref, symbols.SlotSym):
            if ref.client is not sym:
                assert isinstance(x, ast.Expr)
                foreign[ref] = x
            elif id(x) in targets:
                written[ref] = None
            elif not _asks_fullness(block, x):
                read[ref] = None
    ctx = f.ctx(step)
    for ref in read:
        present = slots.present(ctx, ref)
        k = present[0][1] if len(present) == 1 else step.choose(ref.name, present[0][1].type)
        whole = step.read(slots.variable(ref))
        assert isinstance(whole, Expr)
        step.require(mk("present", (select(whole, k),)))
        kept = f.keep(step, k, f"{ref.name}#", id(ref))
        assert isinstance(kept, Expr)
        slots.chosen[id(ref)] = kept
    for ref in written:
        if ref not in read:
            step.require(or_(*(not_(c) for c, _ in slots.present(ctx, ref))))
    for ref, e in foreign.items():
        held = slots.read(ctx, ref, e)
        assert isinstance(held, Expr)
        step.require(or_(*(c for c, _ in slots.present(ctx, ref))))
        slots.outside[id(ref)] = f.keep(step, held, ref.name, id(ref))
    irq = f.level != "task" and f.cpu is not None
    if irq:
        world.contexts.start(f, step)
    text = text_of(block.stmts[0].span) if block.stmts else "nothing"
    call = _main_call(block)
    shown = f"{sym.name}.{call or 'may'}@{block.span.line}" + (f"({', '.join(names)})" if names else "")
    f.commit(step, block, timeless=False, text=text, name=shown)
    probe = world.operation(f"{sym.name}: {text}", block.span)
    slots.probe = probe if written else None
    lower(f, block)
    slots.probe = None
    if f.at is not None:
        if not written:
            step = f.new_step()
            step.reached(probe, block.span)
            f.commit(step, block, timeless=True)
        if irq:
            step = f.new_step()
            world.contexts.end(f, step)
            f.commit(step, block, timeless=False, text=f"{sym.name} returns", name=f"{shown}.return")
    f.goto(idle)
    slots.chosen.clear()
    slots.outside.clear()


def _asks_fullness(block: ast.Block, e: ast.Node) -> bool:
    return any(
        isinstance(x, ast.Call) and isinstance(x.ref, symbols.BuiltinSym) and any(a.value is e for a in x.args)
        for x in nodes(block)
    )


def _main_call(block: ast.Block) -> str:
    for x in nodes(block):
        if isinstance(x, ast.Call) and isinstance(x.ref, symbols.ProcSym):
            return x.ref.name
    return ""
