"""What runs by itself: sequences, clients, interrupt handlers, boot, works and timers, and the hardware's own
actions.
"""

from __future__ import annotations

from itertools import product

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, select, store
from dmaverify.ir.system import Action
from dmaverify.ir.types import BOOL, Map, Type
from dmaverify.lang import ast, symbols
from dmaverify.lang.builtins import BOOT
from dmaverify.lang.lower import marks, patterns
from dmaverify.lang.lower.context import Ctx, Frame, Unsupported, ev, run
from dmaverify.lang.lower.contexts import level_of
from dmaverify.lang.lower.conversions import stored_as
from dmaverify.lang.lower.dispatch import lower
from dmaverify.lang.lower.flow import Flow
from dmaverify.lang.lower.graph import Point
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.vals import index_consts
from dmaverify.lang.lower.world import World

LEVELS = ("early", "pure", "core", "postcore", "arch", "subsys", "fs", "device", "late")
"""Initcall levels, first to last."""

MOST_INSTANCES = 4096
"""So many instances of one spontaneous action there may be."""


def start_guard(world: World, sym: symbols.ThreadSym) -> Expr:
    """What has to have ended before a thread starts."""
    first = [world.thread_done(t) for t in sym.after]
    for other in world.checked.threads.values():
        if sym in other.before:
            first.append(world.thread_done(other))
    if isinstance(sym.decl, ast.Sequence | ast.Client | ast.Interrupt) and not sym.before_boot:
        threads = world.checked.threads.values()
        if any(t.kind == "initcall" for t in threads):
            first.append(world.boot_done())
        else:  # nothing boots, so that what comes before is all that is waited for
            first += [world.thread_done(t) for t in threads if t.before_boot]
    return and_(*first)


def flow_for(world: World, sym: symbols.ThreadSym) -> Flow:
    """An empty flow for a thread."""
    actor = sym.device.name if sym.device is not None else (sym.cpu or sym.name)
    f = Flow(world, sym.name, actor)
    f.level = level_of(sym)
    f.cpu = sym.cpu if sym.device is None and sym.cpu else None
    world.contexts.flow = f
    world.contexts.held = []
    world.scan(getattr(sym.decl, "body", None))
    world.scan(getattr(sym.decl, "mays", None))
    return f


def sequence(world: World, sym: symbols.ThreadSym) -> Flow:
    """``sequence``: once from its start to its end."""
    decl = sym.decl
    assert isinstance(decl, ast.Sequence)
    f = flow_for(world, sym)
    guard = start_guard(world, sym)
    irq = f.level != "task"
    if guard is not TRUE or irq:
        step = f.new_step()
        step.require(guard)
        if irq:
            world.contexts.start(f, step)
        f.commit(step, decl, timeless=False, text=f"{sym.name} starts", name=f"{sym.name}.start")
    f.scope.frame.ret = sym.name
    lower(f, decl.body)
    f.resume(f.scope.ret.point)
    if irq:
        step = f.new_step()
        world.contexts.end(f, step)
        f.commit(step, decl, timeless=False, text=f"{sym.name} returns", name=f"{sym.name}.return")
    marks.ended(f, decl)
    if f.at is not None:
        f.at.stop = True
        f.resume(f.end)
    return f


def interrupt(world: World, sym: symbols.ThreadSym) -> Flow:
    """``interrupt``: any number of times, whenever its CPU lets it."""
    decl = sym.decl
    assert isinstance(decl, ast.Interrupt)
    f = flow_for(world, sym)
    idle = f.graph.start
    step = f.new_step()
    if decl.when is not None:
        world.scan(decl.when)
        step.require(patterns.condition(f.ctx(step), decl.when))
    step.require(start_guard(world, sym))
    world.contexts.start(f, step)
    f.commit(step, decl, timeless=False, text=f"interrupt {sym.name}", name=f"{sym.name}.start")
    f.scope.frame.ret = sym.name
    lower(f, decl.body)
    f.resume(f.scope.ret.point)
    step = f.new_step()
    world.contexts.end(f, step)
    f.commit(step, decl, timeless=False, text=f"{sym.name} returns", name=f"{sym.name}.return")
    f.goto(idle)
    f.idle.append(idle)
    return f


def boot(world: World, calls: list[symbols.ThreadSym]) -> Flow:
    """All initcalls, level by level, in one thread."""
    f = Flow(world, BOOT, "cpu0")
    f.cpu = "cpu0"
    world.contexts.flow = f
    world.contexts.held = []
    first = [world.thread_done(t) for t in world.checked.threads.values() if t.before_boot]
    if first:
        step = f.new_step()
        step.require(and_(*first))
        f.commit(step, None, timeless=False, name="boot.start")
    ordered = sorted(calls, key=lambda t: LEVELS.index(t.decl.level))
    for sym in ordered:
        world.scan(sym.decl.body)
        f.scope.frame.ret = sym.name
        f.scope.ret.point = Point()
        lower(f, sym.decl.body)
        f.resume(f.scope.ret.point)
    if f.at is not None:
        f.at.stop = True
        f.resume(f.end)
    return f


# -- works and timers ---------------------------------------------


def _pending(world: World, sym: symbols.ThreadSym) -> tuple[str, list[Type]]:
    """The variable that says for which arguments a work or timer is pending."""
    keys = [world.ir(p.ty) for p in sym.params]
    t: Type = BOOL
    for k in reversed(keys):
        t = Map(k, t)
    name = f"{sym.name}.pending"
    if name not in world.types:
        world.declare(name, t, t.default, sym.span)
    return name, keys


def _cell(whole: Expr, keys: list[Expr]) -> Expr:
    for k in keys:
        whole = select(whole, k)
    return whole


def _with(whole: Expr, keys: list[Expr], value: Expr) -> Expr:
    if not keys:
        return value
    return store(whole, keys[0], _with(select(whole, keys[0]), keys[1:], value))


def schedule(ctx: Ctx, s: ast.Schedule) -> None:
    """``schedule w(args)``, ``arm``: it is pending now; ``cancel``: it is not."""
    sym = s.ref
    assert isinstance(sym, symbols.ThreadSym)
    name, types = _pending(ctx.world, sym)
    keys = [stored_as(ctx, ev(ctx, a.value), t, a.span) for a, t in zip(s.args, types, strict=True)]
    whole = ctx.step.read(name)
    assert isinstance(whole, Expr)
    ctx.step.write(name, _with(whole, keys, FALSE if s.kind == "cancel" else TRUE))


def deferred(world: World, sym: symbols.ThreadSym) -> Flow:
    """``work`` and ``timer``: runs at some time after it was asked for, or never."""
    decl = sym.decl
    f = flow_for(world, sym)
    idle = f.graph.start
    name, types = _pending(world, sym)
    step = f.new_step()
    keys = [step.choose(p.name, t) for p, t in zip(sym.params, types, strict=True)]
    whole = step.read(name)
    assert isinstance(whole, Expr)
    step.require(_cell(whole, keys))
    step.write(name, _with(whole, keys, FALSE))
    for p, k in zip(sym.params, keys, strict=True):
        if p.local is not None:
            f.introduce(step, p.local, k)
    irq = f.level != "task" and f.cpu is not None
    if irq:
        world.contexts.start(f, step)
    f.commit(step, decl, timeless=False, text=f"{sym.kind} {sym.name}", name=f"{sym.name}.start")
    f.scope.frame.ret = sym.name
    lower(f, decl.body)
    f.resume(f.scope.ret.point)
    if irq:
        step = f.new_step()
        world.contexts.end(f, step)
        f.commit(step, decl, timeless=False, text=f"{sym.name} returns", name=f"{sym.name}.return")
    f.goto(idle)
    f.idle.append(idle)
    return f


# -- hardware ---------------------------------------------


def spontaneous(world: World, sym: symbols.SpontaneousSym) -> list[Action]:
    """One action for each combination of arguments; those that can never happen are left out."""
    world.scan(sym.decl)
    world.contexts.flow = None
    world.contexts.held = []
    domains: list[list[Expr]] = []
    count = 1
    for p in sym.params:
        t = world.ir(p.ty)
        domains.append(index_consts(t))
        count *= t.count
    if count > MOST_INSTANCES:
        raise Unsupported(f"{sym.name} has {count} instances, which are too many", sym.span)
    found: list[Action] = []
    actor = sym.module.split(".")[-1]
    for combination in product(*domains):
        step = Step(world.type_of)
        shown = ", ".join(world.label(v) for v in combination)
        frame = Frame(sym.name, element=shown)
        ctx = Ctx(world, step, frame)
        for p, value in zip(sym.params, combination, strict=True):
            assert p.local is not None
            frame.env[p.local.key] = value
        if sym.when is not None:
            step.require(patterns.condition(ctx, sym.when))
        if step.guard is FALSE:
            continue
        frame.ret = sym.name
        run(ctx, sym.body)
        name = f"{sym.name}({shown})" if shown else sym.name
        found.append(
            Action(
                name,
                None,
                None,
                step.guard,
                tuple(step.inputs),
                tuple(step.effects),
                step.updates(),
                None,
                tuple(step.locks),
                text=name,
                actor=actor,
                span=sym.span,
            )
        )
    return found
