"""From settled control flow to the actions, threads and variables of the System."""

from __future__ import annotations

from dataclasses import dataclass, replace

from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    Expr,
    and_,
    const,
    eq,
    not_,
    or_,
    var,
)
from dmaverify.ir.system import (
    Action,
    Check,
    Effect,
    Kind,
    LockOp,
    System,
    Thread,
    Var,
)
from dmaverify.ir.traverse import Rewriter, variables
from dmaverify.ir.types import Range, Type
from dmaverify.lang.lower.flow import Flow
from dmaverify.lang.lower.graph import Settled, effect_exprs, map_effect, number, pc_update
from dmaverify.lang.lower.world import AT, DONE, World
from dmaverify.span import NOWHERE, Span


@dataclass
class _Finished:
    actions: list[Action]
    thread: Thread


def finish(world: World, f: Flow) -> _Finished:
    settled = f.graph.settle(f.locals)
    count = number(settled, f.graph.start)
    pc_type = Range(0, max(1, count - 1))
    pc = f"{f.name}.pc"
    world.types[pc] = pc_type
    world.vars[pc] = Var(pc, pc_type, 0, Kind.PC, f.name)
    guard = world.contexts.guard(f)
    read = _locals_read(settled, f.locals)
    actions = []
    for s in settled:
        updates = {n: e for n, e in s.updates.items() if n not in f.locals or n in read}
        if s.targets:
            updates[pc] = pc_update(s.targets, pc_type)
        n = s.node
        at = n.at.find().number
        actions.append(
            Action(
                n.name or f.name,
                f.name,
                at,
                and_(guard, n.guard),
                n.inputs,
                s.effects,
                updates,
                None,
                n.locks,
                text=n.text,
                actor=f.actor,
                stack=n.stack,
                span=n.span,
            )
        )
    for name, t in f.locals.items():
        world.vars[name] = Var(name, t, t.default, Kind.LOCAL, f.name)
    ends = [f.end.find()]
    numbered = frozenset(p.number for p in ends if p.number is not None) | cut_points(f)
    labels = {name: p.find().number for name, p in f.labels.items()}
    thread = Thread(
        f.name,
        pc,
        f.actor,
        f.level,
        f.cpu is None and f.actor in {d.name for d in world.checked.devices},
        numbered,
        frozenset(p.find().number for p in f.idle if p.find().number is not None),  # type: ignore[misc]
        {n: k for n, k in labels.items() if k is not None},
        world.checked.threads[f.name].span if f.name in world.checked.threads else NOWHERE,
    )
    return _Finished(actions, thread)


def cut_points(f: Flow) -> frozenset[int]:
    """Where an ``assume`` may end a run."""
    points = (n.at.find().number for n in f.graph.nodes if n.cuts)
    return frozenset(p for p in points if p is not None)


def _locals_read(settled: list[Settled], locals_: dict[str, Type]) -> set[str]:
    """The locals whose values decide something, directly or through other locals."""
    found: set[str] = set()
    for s in settled:
        for effect in s.effects:
            found |= variables(*effect_exprs(effect))
        found |= variables(s.node.guard, *(x.lock for x in s.node.locks), *(c for c, _ in s.targets))
        found |= variables(*(e for n, e in s.updates.items() if n not in locals_))
    while True:
        more = set(found)
        for s in settled:
            more |= variables(*(e for n, e in s.updates.items() if n in found))
        if more == found:
            return found
        found = more


def unique(actions: list[Action]) -> list[Action]:
    """Actions with names that differ: a repeated one is numbered."""
    taken: dict[str, int] = {}
    found = []
    names = {a.name for a in actions}
    for a in actions:
        n = taken[a.name] = taken.get(a.name, 0) + 1
        if n == 1:
            found.append(a)
            continue
        name = f"{a.name}#{n}"
        while name in names:
            n += 1
            name = f"{a.name}#{n}"
        names.add(name)
        found.append(replace(a, name=name))
    return found


def ended_by_failures(action: Action) -> Action:
    """The action, in which nothing happens any more once a built-in check has failed."""
    stops = [e for e in action.effects if isinstance(e, Check) and e.stop]
    if not stops or action.effects[-1] is stops[0]:
        return action
    effects: list[Effect] = []
    meant: Expr = TRUE
    for e in action.effects:
        effects.append(e if meant is TRUE else replace(e, path=and_(e.path, meant)))
        if isinstance(e, Check) and e.stop:
            meant = and_(meant, or_(not_(e.path), e.cond))
    return replace(action, effects=tuple(e for e in effects if e.path is not FALSE))


def lock_contexts(world: World, system: System) -> System:
    """The built-in property ``lock_context``: found by looking at who takes what where, and put as a check at
    the taking.
    """
    risky: dict[tuple[str, str], Span] = {}
    for name, cpu, level, _, _ in world.lock_uses:
        if level != "task" and cpu is not None:
            for other, other_cpu, other_level, off, span in world.lock_uses:
                if other == name and other_cpu == cpu and other_level == "task" and not off:
                    risky[(cpu, str(span))] = span
    if not risky:
        return system
    actions = []
    for a in system.actions:
        t = next((t for t in system.threads if t.name == a.thread), None)
        if t is not None and any(x.op == "acquire" for x in a.locks) and (t.actor, str(a.span)) in risky:
            text = ("an interrupt on this CPU takes the lock too, and would wait for ever",)
            check = Check("lock_context", f"lock_context@{a.span.line}", TRUE, FALSE, text, a.span)
            a = replace(a, effects=(*a.effects, check))
        actions.append(a)
    return system.with_(actions=tuple(actions))


# -- stand-ins ---------------------------------------------


def stand_ins(world: World, system: System, flows: list[Flow]) -> System:
    """Put conditions on pcs where the text asks whether a thread is done or at a label."""
    by_name = {f.name: f for f in flows}

    def at(f: Flow, place: int | None) -> Expr:
        if place is None:
            return FALSE
        t = world.types[f"{f.name}.pc"]
        return eq(var(f"{f.name}.pc", t), const(place, t))

    def leaf(n: Expr) -> Expr | None:
        if n.op != "var" or not isinstance(n.data, str) or not n.data.startswith("@"):
            return None
        if n.data.startswith(DONE):
            f = by_name.get(n.data[len(DONE) :]) or by_name.get("boot")
            return TRUE if f is None else at(f, f.end.find().number)
        thread, _, label = n.data[len(AT) :].partition(" ")
        f = by_name.get(thread)
        if f is None or label not in f.labels:
            return FALSE
        return at(f, f.labels[label].find().number)

    rewrite = Rewriter(leaf)
    actions = []
    for a in system.actions:
        actions.append(
            replace(
                a,
                guard=rewrite(a.guard),
                effects=tuple(map_effect(e, TRUE, rewrite) for e in a.effects),
                updates={n: rewrite(e) for n, e in a.updates.items()},
                locks=tuple(LockOp(x.op, rewrite(x.lock)) for x in a.locks),
            )
        )
    return system.with_(
        actions=tuple(a for a in actions if a.guard is not FALSE),
        always=tuple(replace(w, cond=rewrite(w.cond), when=rewrite(w.when)) for w in system.always),
        covers=tuple(replace(c, cond=rewrite(c.cond)) for c in system.covers),
    )


def referenced(world: World, system: System, flows: list[Flow]) -> System:
    """The variables that something reads or writes, in an order that does not change from run to run."""
    used: set[str] = set()
    for e in system.exprs():
        used |= variables(e)
    for a in system.actions:
        used |= set(a.updates)
    used |= {f"{f.name}.pc" for f in flows}
    order = [Kind.PARAM, Kind.STATE, Kind.PC, Kind.LOCAL, Kind.GHOST]
    rank = {k: i for i, k in enumerate(order)}
    found = [v for n, v in world.vars.items() if n in used]
    found.sort(key=lambda v: rank[v.kind])
    return system.with_(vars=tuple(found))
