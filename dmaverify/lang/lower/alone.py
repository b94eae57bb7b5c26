"""Small Systems without any action: a lemma about funcs, or what a proc's body has to show for its contract.

Every argument is a frozen variable that may have any value; the claim is an ``always``. So a claim that holds
in every initial state holds for all arguments, at the full width of their types.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dmaverify.ir.expr import Expr, and_, implies, or_
from dmaverify.ir.system import Always, Check, Kind, Property, System
from dmaverify.ir.types import Int
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.builtins import BUILTIN_PROPERTIES
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.calls import call_proc
from dmaverify.lang.lower.codes import BUILTIN
from dmaverify.lang.lower.context import Binding, Ctx, Frame, Place, Unsupported, ev
from dmaverify.lang.lower.contexts import Contexts
from dmaverify.lang.lower.cuts import Alone
from dmaverify.lang.lower.slots import Slots
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.vals import Val, is_in
from dmaverify.lang.lower.world import World
from dmaverify.span import Span


def lemma_alone(world: World, lemma: ast.Lemma) -> System:
    """A lemma that speaks of funcs only, for all values of its variables."""
    world.scan(lemma)
    ctx = Ctx(world, Step(world.type_of), Frame(lemma.name))
    limits: list[Expr] = []
    for b in lemma.binders:
        ty = b.type.ty if b.type is not None else b.ty
        for name in b.names:
            t = world.ir(ty)
            free = world.frozen_variable(name, t, b.span)
            ctx.bind(b, name, free)
            if b.domain is not None:
                limits.append(is_in(free, ev(ctx, b.domain)))
    when: Expr = and_(*limits)
    if lemma.when is not None:
        with ctx.step.assuming(when):
            when = and_(when, patterns.condition(ctx, lemma.when))
    with ctx.step.assuming(when):
        claim = patterns.condition(ctx, lemma.body)
    found = [Always(lemma.name, lemma.name, claim, when, (f"lemma {lemma.name}",), (), lemma.body.span)]
    own = Property(lemma.name, "DMA092", "lemma", (lemma.doc or "").strip().split("\n")[0], span=lemma.span)
    return _system(world, f"lemma {lemma.name}", ctx.step, found, own)


@dataclass(frozen=True)
class Body:
    """What has to be shown of a body, as claims about every initial state of a System without actions."""

    system: System
    arguments: tuple[str, ...]
    """The variables that stand for arguments; others have a value that nobody knows: a choice, a loop's state, a call's result."""
    contracts: tuple[str, ...]
    """Procs that the body calls and whose contracts stand for their bodies."""
    loops: tuple[Span, ...]
    """Loops that are cut at their invariants."""


def contract_alone(world: World, sym: symbols.ProcSym, *, cutting: bool = False) -> Body:
    """What has to be shown for a contract: from every state that the proc requires, its body ensures what it
    says.

    ``cutting``: loops that say what ``decreases`` are cut at their invariants; else all are unrolled.
    """
    if not sym.ensures:
        raise Unsupported(f"{sym.name} ensures nothing", sym.span)
    name = f"contract {sym.name}"
    world.contexts = Contexts(world, [])
    world.slots = Slots(world)
    for part in (sym.requires, sym.ensures, sym.body):
        world.scan(part)
    step = Alone(world, name, sym.span, cutting)
    frame = Frame(sym.name)
    ctx = Ctx(world, step, frame)
    args: list[Binding | None] = []
    for p in sym.params:
        assert p.local is not None
        t = world.ir(p.ty)
        start = world.frozen_variable(p.name, t, p.span)
        bound: Binding = start
        if p.by_ref:
            place = world.declare(f"{p.name}'", t, t.default, p.span)
            step.values[place] = start
            bound = Place(place)
        args.append(bound)
        frame.env[p.local.key] = bound
    required: Expr = and_(*(patterns.condition(ctx, e) for e in sym.requires))
    before = dict(step.values)
    with step.assuming(required):
        frame.result = call_proc(ctx, sym, args, sym.span)

    def old(e: ast.Expr) -> Val:
        now, step.values = step.values, before
        value = ev(ctx, e)
        step.values = now
        return value

    frame.old = old
    if step.inputs:
        raise Unsupported(f"{sym.name} chooses something: its contract cannot be shown by itself", sym.span)
    found: list[Always] = []
    with step.assuming(required):
        for i, e in enumerate(sym.ensures):
            claim = patterns.condition(ctx, e)
            label = f"{name}.{i + 1}"
            found.append(Always(name, label, implies(step.live, claim), and_(required, step.believed), (label,), (), e.span))
    title = f"the body of {sym.name} does what its `ensures` says"
    own = Property(name, "DMA090", "lemma", title, span=sym.span)
    system = _system(world, name, step, found, own, bounds=True)
    arguments = tuple(v.name for v in system.vars if v.name not in step.unknowns)
    system = system.with_(vars=tuple(sorted(system.vars, key=lambda v: v.name in step.unknowns)))
    return Body(system, arguments, tuple(sorted(world.called)), tuple(step.loops))


def _system(
    world: World, name: str, step: Step, claims: list[Always], own: Property, *, bounds: bool = False
) -> System:
    """The claims, and the checks of what was evaluated.

    That bounds of the model are large enough is a claim as well (``bounds``), or is taken for granted.
    """
    assumed: list[Expr] = []
    checks: list[Always] = []
    for e in step.effects:
        if not isinstance(e, Check):
            continue
        if e.prop == "bound" and not bounds:
            assumed.append(implies(e.path, e.cond))
            world.notes.append(f"no bound is run over: {e.message[0] if e.message else ''} ({e.span})")
        elif e.prop in BUILTIN or e.prop == own.name:
            checks.append(Always(e.prop, e.label, e.cond, e.path, e.message, (), e.span))
    checks = _once(checks)
    names = dict.fromkeys(w.prop for w in checks if w.prop != own.name)
    builtin = [Property(n, BUILTIN[n], "builtin", BUILTIN_PROPERTIES.get(n, "")) for n in names]
    frozen = [v for v in world.vars.values() if v.kind is Kind.PARAM]
    return System(
        name=name,
        # what a proc is given by value comes before what it may change
        vars=tuple(sorted(frozen, key=lambda v: f"{v.name}'" in world.vars)),
        actions=(),
        properties=(own, *builtin),
        always=(*claims, *checks),
        assumptions=(*world.assumptions, *assumed),
        notes=tuple(dict.fromkeys(world.notes)),
    )


def _once(checks: list[Always]) -> list[Always]:
    """The checks without repetitions: a loop that is unrolled asks the same thing in each round."""
    found: dict[tuple[str, str, int], Always] = {}
    for w in checks:
        key = w.prop, w.label, w.cond.uid
        found[key] = replace(found[key], when=or_(found[key].when, w.when)) if key in found else w
    return list(found.values())


def is_wide(world: World, lemma: ast.Lemma) -> bool:
    """Whether a lemma speaks of all numbers of a wide type, so that it cannot be unrolled."""
    for b in lemma.binders:
        ty = b.type.ty if b.type is not None else b.ty
        if b.domain is None and ty is not None and not isinstance(ty, sem.ErrorT):
            t = world.ir(ty)
            if isinstance(t, Int) and t.width > 8:
                return True
    return False
