"""Changes of a System that must not change what is true of it, and some that may only make it more or less: metamorphic relations."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from dmaverify.ir.expr import TRUE, U32, Expr, const, input_, not_, var
from dmaverify.ir.rebuild import map_exprs
from dmaverify.ir.system import Action, Check, Kind, Message, System, Thread, Var
from dmaverify.ir.traverse import Rewriter
from dmaverify.ir.types import BOOL, Range

T = TypeVar("T")

Change = Callable[[System, random.Random], System]


def _messages(system: System, f: Callable[[Expr], Expr]) -> System:
    """The System with the expressions in its messages replaced, which ``map_exprs`` leaves alone."""

    def of(message: Message) -> Message:
        return tuple(f(m) if isinstance(m, Expr) else m for m in message)

    actions = tuple(
        replace(a, effects=tuple(replace(e, message=of(e.message)) if isinstance(e, Check) else e for e in a.effects))
        for a in system.actions
    )
    return system.with_(actions=actions, always=tuple(replace(w, message=of(w.message)) for w in system.always))


def renamed(system: System, rng: random.Random) -> System:
    """Other names for variables, actions, threads and inputs, in another alphabetical order."""

    def names(old: list[str], letter: str) -> dict[str, str]:
        numbers = rng.sample(range(100, 1000), len(old))
        return {name: f"{letter}{n}" for name, n in zip(old, numbers, strict=True)}

    of_var = names([v.name for v in system.vars], "v")
    of_thread = names([t.name for t in system.threads], "p")
    of_action = names([a.name for a in system.actions], "a")
    of_input = names(sorted({i.name for a in system.actions for i in a.inputs}), "i")

    def leaf(n: Expr) -> Expr | None:
        if n.op == "var":
            return var(of_var[n.data], n.type)
        return input_(of_input[n.data], n.type) if n.op == "input" else None

    rewrite = Rewriter(leaf)
    system = _messages(map_exprs(system, rewrite), rewrite)
    return system.with_(
        vars=tuple(replace(v, name=of_var[v.name], owner=of_thread.get(v.owner or "", v.owner)) for v in system.vars),
        threads=tuple(replace(t, name=of_thread[t.name], pc=of_var[t.pc]) for t in system.threads),
        actions=tuple(
            replace(
                a,
                name=of_action[a.name],
                thread=None if a.thread is None else of_thread[a.thread],
                inputs=tuple(replace(i, name=of_input[i.name]) for i in a.inputs),
                updates={of_var[v]: e for v, e in a.updates.items()},
            )
            for a in system.actions
        ),
    )


def shuffled(system: System, rng: random.Random) -> System:
    """Everything in another order."""

    def mixed(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(rng.sample(items, len(items)))

    return system.with_(
        vars=mixed(system.vars),
        actions=mixed(system.actions),
        threads=mixed(system.threads),
        properties=mixed(system.properties),
        always=mixed(system.always),
        covers=mixed(system.covers),
        assumptions=mixed(system.assumptions),
    )


def padded(system: System, rng: random.Random) -> System:
    """With a device and a thread that have nothing to do with anything else."""
    at = Range(0, 2)
    light, place, mine = var("unused.light", BOOL), "unused.pc", var("unused.mine", BOOL)
    blink = Action("unused.blink", None, None, updates={light.data: not_(light)}, weight=const(1, U32), actor="unused")
    first = Action("unused.0", "unused", 0, updates={mine.data: TRUE, place: const(1, at)}, weight=const(1, U32))
    second = Action("unused.1", "unused", 1, guard=mine, updates={place: const(2, at)}, weight=const(1, U32))
    variables = (
        Var(light.data, BOOL, False),
        Var(place, at, 0, Kind.PC, "unused"),
        Var(mine.data, BOOL, False, Kind.LOCAL, "unused"),
    )
    return system.with_(
        vars=(*variables, *system.vars),
        actions=(blink, first, *system.actions, second),
        threads=(Thread("unused", place, "cpu9", ends=frozenset({2})), *system.threads),
    )


def doubled(system: System, rng: random.Random) -> System:
    """With one action a second time, under another name."""
    if not system.actions:
        return system
    again = rng.choice(system.actions)
    return system.with_(actions=(*system.actions, replace(again, name=f"{again.name} again")))


def copied(system: System, rng: random.Random) -> System:
    """With a second variable that always has the value of another one, read in its place here and there."""
    chosen = [v for v in system.vars if v.kind is Kind.STATE and not v.any_init]
    if not chosen:
        return system
    v = rng.choice(chosen)
    twin = replace(v, name=f"{v.name} twin")
    put = Rewriter(lambda n: var(twin.name, n.type) if n.op == "var" and n.data == v.name else None)
    actions = []
    for a in system.actions:
        updates = dict(a.updates)
        if v.name in updates:
            updates[twin.name] = updates[v.name]
        read_twin = rng.random() < 0.5 and not a.locks
        actions.append(replace(a, updates=updates, guard=put(a.guard) if read_twin else a.guard))
    return system.with_(vars=(*system.vars, twin), actions=tuple(actions))


SAME: dict[str, Change] = {"renamed": renamed, "shuffled": shuffled, "padded": padded, "doubled": doubled}
"""What changes neither verdicts nor lengths, covers, what is exercised, or deadlocks."""

SAME_VERDICTS: dict[str, Change] = {"copied": copied}
"""What changes no verdict, cover or exercise; lengths may change, since there is more or less for others to notice."""


def without_hardware(system: System, rng: random.Random) -> System | None:
    """Without one thing that the hardware may do; None if it does nothing."""
    spontaneous = [a for a in system.actions if a.thread is None]
    if not spontaneous:
        return None
    gone = rng.choice(spontaneous)
    return system.with_(actions=tuple(a for a in system.actions if a is not gone))


def with_freer_hardware(system: System, rng: random.Random) -> System | None:
    """With hardware that may do one thing always; None if it may already."""
    bound = [a for a in system.actions if a.thread is None and a.guard is not TRUE]
    if not bound:
        return None
    freed = rng.choice(bound)
    return system.with_(actions=tuple(replace(a, guard=TRUE) if a is freed else a for a in system.actions))


def with_more_to_begin_with(system: System, rng: random.Random) -> System | None:
    """With a variable that may begin anywhere; None if there is none of few values."""
    fixed = [v for v in system.vars if v.kind is Kind.STATE and not v.any_init and v.type.count <= 4]
    if not fixed:
        return None
    open_ = rng.choice(fixed)
    return system.with_(vars=tuple(replace(v, init=None, any_init=True) if v is open_ else v for v in system.vars))


LESS: dict[str, Callable[[System, random.Random], System | None]] = {"without hardware": without_hardware}
"""What leaves fewer runs: nothing fails, is reached or put to the test that was not before."""

MORE: dict[str, Callable[[System, random.Random], System | None]] = {
    "freer hardware": with_freer_hardware,
    "more to begin with": with_more_to_begin_with,
}
"""What leaves more runs: whatever failed, was reached or put to the test still is."""
