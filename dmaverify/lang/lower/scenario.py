"""A whole program as a System: its threads, hardware, monitors, lemmas and covers, put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from dmaverify.ir.expr import TRUE, Expr, and_, const, eq, var
from dmaverify.ir.system import (
    Always,
    Check,
    Cover,
    Property,
    System,
)
from dmaverify.ir.types import Range
from dmaverify.lang import ast, symbols
from dmaverify.lang.builtins import BUILTIN_PROPERTIES
from dmaverify.lang.lower import clients, monitors, patterns, threads
from dmaverify.lang.lower.alone import is_wide
from dmaverify.lang.lower.codes import BUILTIN
from dmaverify.lang.lower.context import Ctx, Frame, ev
from dmaverify.lang.lower.contexts import Contexts
from dmaverify.lang.lower.finish import cut_points, ended_by_failures, finish, lock_contexts, referenced, stand_ins, unique
from dmaverify.lang.lower.flow import Flow
from dmaverify.lang.lower.records import equal
from dmaverify.lang.lower.slots import Slots
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.trees import nodes
from dmaverify.lang.lower.vals import Val
from dmaverify.lang.lower.world import Budget, World
from dmaverify.span import NOWHERE, Span


@dataclass(frozen=True)
class CoverInfo:
    """Something that should be reachable: what a scenario asks for, or a probe against vacuity."""

    name: str
    kind: str
    """``cover``, ``end`` of a sequence, ``slot`` is held, ``operation`` of a client ends, ``assume`` is
    passed, ``fault`` happens.
    """
    span: Span


@dataclass(eq=False)
class UserCover:
    """A ``cover`` of the text."""

    name: str
    sym: symbols.CoverSym

    def at_event(self, ctx: Ctx, event: symbols.EventSym, args: list[Val | None]) -> None:
        """The event happens: is it the one that the cover waits for?"""
        if self.sym.kind != "event" or self.sym.target is not event:
            return
        target = self.sym.decl.target
        cond: Expr = TRUE
        if isinstance(target, ast.Call):
            outer = ctx.inside(Frame("cover", monitor=None))
            ctx.world.scan(target)
            for e, value in zip(symbols.arrange(target, event.params), args, strict=True):
                if e is None or (isinstance(e, ast.Name) and e.name == "_"):
                    continue
                if value is None:
                    return
                cond = and_(cond, equal(value, ev(outer, e)))
        ctx.step.reached(self.name, self.sym.span, cond)


@dataclass
class Built:
    """The System and what belongs to it."""

    system: System
    asked: tuple[str, ...]
    covers: tuple[CoverInfo, ...]
    world: World
    cut_at: dict[str, frozenset[int]] = field(default_factory=dict)
    asserts: dict[str, tuple[tuple[str, Span], ...]] = field(default_factory=dict)
    """For each monitor that is asked about, its asserts as they stand in the text, whether or not anything leads there."""


def selected(world: World, only: Iterable[str] | None) -> tuple[list[monitors.Instance], list[str]]:
    """The monitors that run, and the names of the properties that are asked for. ``only``: overrides what the
    scenario says.
    """
    checks = world.program.checks
    found: dict[str, monitors.Instance] = {}
    if not checks.only:
        for sym in world.checked.monitors:
            if not sym.params:
                found[sym.name] = monitors.instance(world, sym, sym.name, [])
    lemmas: list[str] = []
    for p in checks.props:
        if isinstance(p.ref, symbols.MonitorSym):
            found[p.text] = monitors.instance(world, p.ref, p.text, p.args)
        elif isinstance(p.ref, symbols.LemmaSym):
            lemmas.append(p.ref.name)
    if only is not None:
        wanted = set(only)
        found = {n: i for n, i in found.items() if n in wanted}
    return list(found.values()), lemmas


def build(world: World, monitors_only: Iterable[str] | None, prepare: Callable[[World], None] | None = None) -> Built:
    """Lower a whole program."""
    checked = world.checked
    live = list(checked.threads.values())
    world.contexts = Contexts(world, live)
    world.slots = Slots(world)
    _budgets(world)
    _labels_asked(world)
    world.instances, lemma_names = selected(world, monitors_only)
    world.covers = [UserCover(c.name, c) for c in checked.covers]
    if prepare is not None:
        prepare(world)
    asked = [i.name for i in world.instances]
    _support(world)
    flows = _threads(world, live)
    hardware = [a for s in checked.spontaneous for a in threads.spontaneous(world, s)]
    world.contexts.flow = None
    always = [w for i in world.instances for w in monitors.always_of(world, i)]
    lemmas = _lemmas(world, lemma_names, monitors_only is None)
    for found in lemmas.values():
        always += found
    asked += [n for n in lemmas if n not in asked]
    covers = _state_covers(world)
    finished = [finish(world, f) for f in flows]
    actions = [a for found in finished for a in found.actions] + hardware
    system = System(
        name=world.program.name if world.program.variant is None else f"{world.program.name}.{world.program.variant}",
        vars=(),
        actions=tuple(map(ended_by_failures, unique(actions))),
        threads=tuple(found.thread for found in finished),
        always=tuple(always),
        covers=tuple(covers),
        assumptions=tuple(world.assumptions),
        notes=tuple(world.notes),
    )
    system = lock_contexts(world, system)
    system = stand_ins(world, system, flows)
    infos = _cover_infos(world, flows)
    system = system.with_(covers=(*system.covers, *_probes(world, flows)))
    system = referenced(world, system, flows)
    system = system.with_(properties=tuple(_properties(world, system, lemmas)))
    names = {p.name for p in system.properties}
    asked += [n for n in ("asserts",) if n in names]
    cut = {f.name: cut_points(f) for f in flows}
    asserts = {i.name: tuple((f"{i.name}.{n}", span) for n, span in i.asserts()) for i in world.instances}
    return Built(system, tuple(asked), tuple(infos), world, cut, asserts)


# -- preparation ---------------------------------------------


def _budgets(world: World) -> None:
    for f in world.program.faults:
        limit = 1
        if f.limit is not None:
            value = world.pure(f.limit)
            assert isinstance(value, Expr)
            limit = int(value.value)
        t = Range(0, max(1, limit))
        name = "faults_left" if f.names is None else "faults_left." + "_".join(f.names)
        world.budgets.append(Budget(f.names, world.declare(name, t, limit, f.span), t, f.span))


def _labels_asked(world: World) -> None:
    for t in world.checked.threads.values():
        for x in nodes(getattr(t.decl, "body", None), getattr(t.decl, "mays", None), getattr(t.decl, "while_", None)):
            if isinstance(x, ast.AtLabel):
                world.asked_labels.add((x.thread, x.label))
    for c in world.checked.covers:
        if c.kind == "label" and isinstance(c.target, symbols.LabelSym):
            world.asked_labels.add((c.target.owner.name, c.target.name))
        for x in nodes(c.decl):
            if isinstance(x, ast.AtLabel):
                world.asked_labels.add((x.thread, x.label))


def _support(world: World) -> None:
    """Monitors whose ghosts a selected monitor or lemma reads are needed too, though they are not asked
    about.
    """
    texts: list[object] = [i.decl for i in world.instances] + [le.decl for le in world.checked.lemmas]
    for x in nodes(*texts):
        ref = getattr(x, "ref", None)
        owner = ref.monitor if isinstance(ref, symbols.GhostSym) else None
        if owner is None or owner.params or any(i.sym is owner for i in world.instances):
            continue
        world.instances.insert(0, monitors.instance(world, owner, owner.name, []))


def _threads(world: World, live: list[symbols.ThreadSym]) -> list[Flow]:
    flows: list[Flow] = []
    calls = [t for t in live if t.kind == "initcall"]
    if calls:
        flows.append(threads.boot(world, calls))
    makers = {
        "sequence": threads.sequence,
        "client": clients.client,
        "interrupt": threads.interrupt,
        "work": threads.deferred,
        "timer": threads.deferred,
    }
    for t in live:
        if t.kind != "initcall":
            flows.append(makers[t.kind](world, t))
    return flows


def _lemmas(world: World, named: list[str], everything: bool) -> dict[str, list[Always]]:
    found: dict[str, list[Always]] = {}
    for lemma in world.checked.lemmas:
        if not everything and lemma.name not in named:
            continue
        inst = next((i for i in world.instances if i.sym is lemma.monitor), None) if lemma.monitor else None
        if lemma.monitor is not None and inst is None:
            continue
        if is_wide(world, lemma.decl):
            continue
        found[lemma.name] = monitors.lemma_instances(world, lemma.decl, lemma.name, inst)
    return found


# -- properties and covers ---------------------------------------------


def _properties(world: World, system: System, lemmas: dict[str, list[Always]]) -> list[Property]:
    found = []
    for i in world.instances:
        d = i.decl
        title = (d.doc or "").strip().split("\n")[0]
        found.append(Property(i.name, d.code, "monitor", title, monitors.applies(world, i), span=d.span))
    by_name = {le.name: le for le in world.checked.lemmas}
    for name in lemmas:
        d = by_name[name].decl
        found.append(Property(name, "DMA092", "lemma", (d.doc or "").strip().split("\n")[0], span=d.span))
    props = {e.prop for a in system.actions for e in a.effects if isinstance(e, Check)}
    if "asserts" in props:
        found.append(Property("asserts", "DMA091", "scenario", "what the scenario and its models assert"))
    for name, code in BUILTIN.items():
        title = BUILTIN_PROPERTIES.get(name, "a bound of the model is too small")
        found.append(Property(name, code, "builtin", title))
    return found


def _state_covers(world: World) -> list[Cover]:
    found = []
    for c in world.checked.covers:
        if c.kind == "condition":
            world.scan(c.decl)
            cond = patterns.condition(Ctx(world, Step(world.type_of), Frame(c.name)), c.decl.target)
            found.append(Cover(c.name, cond, c.span))
        elif isinstance(c.target, symbols.LabelSym) and isinstance(c.target.owner, symbols.ThreadSym):
            found.append(Cover(c.name, world.thread_at(c.target), c.span))
    return found


def _probes(world: World, flows: list[Flow]) -> list[Cover]:
    """Covers that nobody wrote: sequences end, slots are held."""
    found = []
    for f in flows:
        place = f.end.find().number
        if not f.idle and place is not None:  # one whose text has no end runs for ever, as it should
            t = world.types[f"{f.name}.pc"]
            found.append(Cover(f"{f.name} ends", eq(var(f"{f.name}.pc", t), const(place, t)), _span_of(world, f.name)))
    for t_sym in world.checked.threads.values():
        for ref in t_sym.slots.values():
            if id(ref) in world.slots.names:
                ctx = Ctx(world, Step(world.type_of), Frame(""))
                for n, (cond, _) in enumerate(world.slots.present(ctx, ref)):
                    found.append(Cover(f"{t_sym.name}.{ref.name}[{n}] is held", cond, ref.span))
    return found


def _span_of(world: World, name: str) -> Span:
    t = world.checked.threads.get(name)
    return t.span if t is not None else NOWHERE


def _cover_infos(world: World, flows: list[Flow]) -> list[CoverInfo]:
    found = [CoverInfo(c.name, "cover", c.sym.span) for c in world.covers]
    names = {c.name for c in found}
    found += [CoverInfo(c.name, "end" if c.name.endswith(" ends") else "slot", c.span) for c in _probes(world, flows)]
    found += [CoverInfo(n, "operation", s) for n, s in world.operations.items()]
    found += [CoverInfo(n, "assume", s) for n, s in world.assumes.items()]
    for b in world.budgets:
        # `faults any` means whatever may fail here, and does not promise that it can
        for fault in b.names or ():
            if f"fault {fault}" not in names:
                found.append(CoverInfo(f"fault {fault}", "fault", b.span))
    return found
