"""Monitors: handlers run where their events are emitted; clauses over the state become instances of
``always``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    Expr,
    and_,
    implies,
    ite,
    mk,
    not_,
    select,
    some,
    var,
)
from dmaverify.ir.show import SHOWN_SET
from dmaverify.ir.system import Always, Check, Message
from dmaverify.ir.traverse import variables
from dmaverify.ir.types import Enum, Index, Map, Range, Record
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.antecedents import antecedent
from dmaverify.lang.lower.choices import each
from dmaverify.lang.lower.context import Binding, Ctx, Frame, Key, ev, run
from dmaverify.lang.lower.conversions import cell_values, stored
from dmaverify.lang.lower.graph import TURNED
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.trees import nodes
from dmaverify.lang.lower.unrolled import join_label
from dmaverify.lang.lower.vals import NullV, RangeV, SetV, Val, as_mask, index_consts, null_of
from dmaverify.lang.lower.world import World
from dmaverify.span import Span


@dataclass(eq=False)
class Instance:
    """A selected monitor with its arguments, if it has any."""

    name: str
    sym: symbols.MonitorSym
    env: dict[Key, Binding] = field(default_factory=dict)
    ghosts: dict[str, str] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    """The place of each assert among those of the monitor, in the order of the text."""

    @property
    def decl(self) -> ast.Monitor:
        """The text."""
        decl = self.sym.decl
        assert isinstance(decl, ast.Monitor)
        return decl

    def asserts(self) -> list[tuple[int, Span]]:
        """The place of each assert among those of the monitor, with where it stands."""
        return [(i + 1, x.span) for i, x in enumerate(_asserts(self.decl))]


def instance(world: World, sym: symbols.MonitorSym, name: str, args: list[ast.Arg]) -> Instance:
    """Select a monitor."""
    found = Instance(name, sym)
    decl = found.decl
    world.scan(decl)
    found.numbers = {id(x): i + 1 for i, x in enumerate(_asserts(decl))}
    given = {a.name if a.name is not None else sym.params[i].name: a.value for i, a in enumerate(args)}
    for p in sym.params:
        assert p.local is not None
        value = given.get(p.name, p.default)
        if value is not None:
            found.env[p.local.key] = world.pure(value)
    return found


def _asserts(decl: ast.Monitor) -> list[ast.Assert]:
    """In the order of the text."""
    return sorted((x for x in nodes(decl) if isinstance(x, ast.Assert)), key=lambda x: (x.span.line, x.span.column))


def applies(world: World, inst: Instance) -> bool:
    """Whether the board can have what the monitor speaks of."""
    e = inst.decl.applies
    if e is None:
        return True
    world.scan(e)
    ctx = Ctx(world, Step(world.type_of), Frame(inst.name, env=dict(inst.env), monitor=inst))
    cond = patterns.condition(ctx, e)
    return cond is not FALSE


# -- events ---------------------------------------------


def emit(ctx: Ctx, s: ast.Emit) -> None:
    """An event: a label of the step, and all handlers of it."""
    event = s.event.ref
    assert isinstance(event, symbols.EventSym)
    args = [None if a is None else ev(ctx, a) for a in symbols.arrange(s.event, event.params)]
    happen(ctx, event, args, s)


def happen(ctx: Ctx, event: symbols.EventSym, args: list[Val | None], s: ast.Node) -> None:
    """The event with these arguments happens here; None: absent."""
    shown = []
    for p, value in zip(event.params, args, strict=True):
        if value is not None:
            shown.append((p.name, _shown(ctx, value, p.ty, s)))
    ctx.step.emit(event.name, tuple(shown), s.span)
    for cover in ctx.world.covers:
        cover.at_event(ctx, event, args)
    for inst in ctx.world.instances:
        handlers = [h for h in inst.decl.handlers if h.ref is event]
        watched = inst.name == ctx.world.watched and bool(handlers)
        stood = _stands(ctx, inst) if watched else TRUE
        for handler in handlers:
            _handle(ctx, inst, handler, args)
        if watched:
            ctx.step.when(and_(stood, not_(_stands(ctx, inst))), partial(ctx.step.emit, TURNED + inst.name, (), s.span))


def _stands(ctx: Ctx, inst: Instance) -> Expr:
    """Whether the ``always`` clauses of a monitor hold, as things are at this place of a step."""

    def clauses() -> None:
        for clause in inst.decl.always:
            _clause(ctx.inside(Frame(inst.name, env=dict(inst.env), monitor=inst)), clause)

    return and_(*(implies(e.path, e.cond) for e in ctx.step.checks_of(clauses) if e.prop == inst.name))


def _shown(ctx: Ctx, value: Val, ty: sem.SemType, s: ast.Node) -> Expr:
    if ty.storable:
        return stored(ctx, value, ty, s.span)
    if isinstance(value, Expr):
        return value
    if isinstance(value, RangeV) or (isinstance(value, SetV) and sem.index_like(ty)):
        return as_mask(value, value.of)
    return TRUE


def _handle(ctx: Ctx, inst: Instance, handler: ast.Handler, args: list[Val | None]) -> None:
    frame = Frame(inst.name, env=dict(inst.env), monitor=inst)
    inner = ctx.inside(frame)
    cond: Expr = TRUE
    pieces: list[str] = []
    for p, value in zip(handler.patterns, args, strict=False):
        if isinstance(p, ast.PatWild):
            continue
        if isinstance(value, Expr) and value.is_const and isinstance(p.ty, sem.IndexT) and p.ty.is_partition:
            pieces.append(ctx.world.label(value))  # which piece of memory: each is a target of its own for slicing
        if value is None:
            return  # what is absent is undecided: the handler says nothing about it
        with ctx.step.assuming(cond):
            cond = and_(cond, patterns.match(inner, value, p))
    frame.element = join_label("", pieces)
    ctx.step.when(cond, lambda: run(inner, handler.body))


def assertion(ctx: Ctx, s: ast.Assert) -> None:
    """An ``assert``: a check of its monitor's property, or of the scenario's."""
    inst = ctx.frame.monitor
    cond = patterns.condition(ctx, s.cond)
    element = ctx.frame.element
    if inst is None:
        prop, label = "asserts", f"asserts@{Path(s.span.file).stem}:{s.span.line}"
    else:
        prop, label = inst.name, f"{inst.name}.{inst.numbers[id(s)]}"
    if element:
        label += f"[{element}]"
    said = message(ctx, s.message)
    with ctx.step.assuming(antecedent(ctx, s.cond)):
        ctx.step.check(prop, label, cond, said, s.span)


def message(ctx: Ctx, m: ast.Message | None) -> Message:
    """A text with expressions; what is undefined in it is no error."""
    if m is None:
        return ()
    quiet, ctx.step.quiet = ctx.step.quiet, True
    found: list[str | Expr] = []
    for part in m.parts:
        if isinstance(part, str):
            found.append(part)
        else:
            found += _text(ctx, ev(ctx, part), part)
    ctx.step.quiet = quiet
    return tuple(found)


def _text(ctx: Ctx, value: Val, e: ast.Expr) -> list[str | Expr]:
    if isinstance(value, Expr):
        stored_set = isinstance(e.ty, sem.SetT) and isinstance(value.type, Map)
        return [_members(cell_values(value)) if stored_set else value]
    if isinstance(value, NullV):
        return ["null"]
    if isinstance(value, SetV):
        if isinstance(value.of, Index | Enum | Range):
            return [as_mask(value, value.of)]
        found = [ite(c, some(x), null_of(x.type)) for c, x in value.items]
        return [_members(found)] if found else ["{}"]
    if isinstance(value, RangeV):
        return [value.lo, " .. ", value.hi]
    return [getattr(getattr(value, "what", None), "name", "?")]


def _members(found: list[Expr]) -> Expr:
    """A set as a value that is only shown: of each element that may be in it, itself or null."""
    return mk("rec", found, Record(SHOWN_SET, tuple((str(i), x.type) for i, x in enumerate(found))))


# -- clauses over the state ---------------------------------------------


def always_of(world: World, inst: Instance) -> list[Always]:
    """All instances of a monitor's ``always`` clauses."""
    found: list[Always] = []
    for clause in inst.decl.always:
        step = Step(world.type_of)
        _clause(Ctx(world, step, Frame(inst.name, env=dict(inst.env), monitor=inst)), clause)
        found += _instances(world, inst.name, step, clause.stable)
    return found


def _clause(ctx: Ctx, clause: ast.Always) -> None:
    """The checks of a clause, for each of its elements."""
    for cond, chosen in each(ctx, clause.binders, clause.where):
        ctx.frame.element = join_label("", [ctx.world.label(x) for x in chosen])
        ctx.step.when(cond, partial(run, ctx, clause.body))


def _instances(world: World, prop: str, step: Step, stable: bool) -> list[Always]:
    found = []
    for e in step.effects:
        if isinstance(e, Check):
            locks = guarding(world, e.cond) if stable else ()
            when = and_(e.path, *(not_(x) for x in locks))
            found.append(Always(prop, e.label, e.cond, when, e.message, locks, e.span))
    return found


def guarding(world: World, cond: Expr) -> tuple[Expr, ...]:
    """The locks that somebody holds while writing a variable of the condition."""
    names = sorted({lock for v in variables(cond) for lock in world.lock_writes.get(v, ())})
    found: list[Expr] = []
    for name in names:
        t = world.types[name]
        lock = var(name, t)
        if isinstance(t, Map):
            found += [select(lock, i) for i in index_consts(t.index)]
        else:
            found.append(lock)
    return tuple(found)


def lemma_instances(world: World, lemma: ast.Lemma, name: str, inst: Instance | None) -> list[Always]:
    """All instances of a lemma."""
    world.scan(lemma)
    step = Step(world.type_of)
    frame = Frame(name, env=dict(inst.env) if inst else {}, monitor=inst)
    ctx = Ctx(world, step, frame)
    locks: list[Expr] = []
    for cond, chosen in each(ctx, lemma.binders, None):
        element = join_label("", [world.label(x) for x in chosen])
        label = f"{name}[{element}]" if element else name

        def clause(label: str = label) -> None:
            when: Expr = TRUE
            if lemma.when is not None:
                when = patterns.condition(ctx, lemma.when)
                locks.extend(_free_locks(lemma.when, ctx))
            with step.assuming(when):
                body = patterns.condition(ctx, lemma.body)
                step.check(name, label, body, (f"lemma {name}",), lemma.body.span)

        step.when(cond, clause)
    found = []
    for e in step.effects:
        if isinstance(e, Check) and e.prop == name:
            found.append(Always(name, e.label, e.cond, e.path, e.message, tuple(dict.fromkeys(locks)), e.span))
    return found


def _free_locks(when: ast.Expr, ctx: Ctx) -> list[Expr]:
    """The locks of ``free(l)`` in a lemma's ``when``."""
    found = []
    for x in nodes(when):
        if isinstance(x, ast.Call) and isinstance(x.ref, symbols.BuiltinSym) and x.ref.name == "free":
            lock = ev(ctx, x.args[0].value)
            if isinstance(lock, Expr):
                found.append(lock)
    return found
