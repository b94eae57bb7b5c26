"""Systems that are symmetric by construction: threads of one text, tables with a row and a column for each of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from dmaverify.ir.expr import (
    TRUE,
    U32,
    Expr,
    and_,
    const,
    eq,
    lt,
    mk,
    not_,
    or_,
    var,
)
from dmaverify.ir.rebuild import map_action
from dmaverify.ir.system import Action, Always, Check, Part, Property, System, Var
from dmaverify.ir.traverse import Rewriter
from dmaverify.ir.types import BOOL, Int


def copies(system: System, thread: str, count: int, *, labels: bool = False) -> System:
    """The System with so many threads of the text of one, each with locals of its own; other threads stay.

    ``labels``: the checks of each copy have labels of their own.
    """
    own = {v.name for v in system.vars if v.owner == thread}

    def named(k: int) -> Callable[[str], str]:
        return lambda name: f"{name}'{k}" if k else name

    def copied(items: tuple[Action, ...], k: int) -> Iterator[Action]:
        new = named(k)
        rewrite = Rewriter(lambda n: var(new(n.data), n.type) if n.op == "var" and n.data in own else None)
        for a in items:
            a = map_action(a, rewrite)
            effects = tuple(
                replace(e, label=f"{e.label}'{k}") if labels and isinstance(e, Check) else e for e in a.effects
            )
            updates = {new(v) if v in own else v: e for v, e in a.updates.items()}
            yield replace(a, name=new(a.name), thread=new(thread), updates=updates, effects=effects)

    variables = tuple(
        replace(v, name=named(k)(v.name), owner=named(k)(thread)) if v.name in own else v
        for v in system.vars
        for k in (range(count) if v.name in own else (0,))
    )
    theirs = tuple(a for a in system.actions if a.thread == thread)
    actions = tuple(a for a in system.actions if a.thread != thread)
    actions += tuple(a for k in range(count) for a in copied(theirs, k))
    threads = []
    for t in system.threads:
        if t.name == thread:
            threads += [replace(t, name=named(k)(t.name), pc=named(k)(t.pc)) for k in range(count)]
        else:
            threads.append(t)
    return system.with_(vars=variables, actions=actions, threads=tuple(threads))


def one_of_many(system: System, rng: random.Random, count: int) -> System:
    """A random System with fewer kinds of threads, one of them several times."""
    first, *others = rng.sample([t.name for t in system.threads], min(len(system.threads), rng.randint(1, 2)))
    kept = {first, *others}
    system = system.with_(
        vars=tuple(v for v in system.vars if v.owner in (None, "watch") or v.owner in kept),
        actions=tuple(a for a in system.actions if a.thread is None or a.thread in kept),
        threads=tuple(t for t in system.threads if t.name in kept),
    )
    return copies(system, first, count, labels=rng.random() < 0.5)


BYTE = Int(2)
ZERO, ONE, TWO = (const(n, BYTE) for n in range(3))


def _action(name: str, guard: Expr, **updates: Expr) -> Action:
    return Action(name, None, None, guard, updates=updates, weight=const(1, U32), parts=(Part(name, TRUE),))


def table(size: int) -> System:
    """Everybody may like everybody else, until two of them like each other: a cell for each pair, in both orders."""
    pairs = [(i, j) for i in range(size) for j in range(size) if i != j]
    likes = {p: var(f"likes{p[0]}{p[1]}", BOOL) for p in pairs}
    alone = {i: not_(or_(*(likes[i, j] for j in range(size) if j != i))) for i in range(size)}
    actions = [_action(f"like{i}{j}", alone[i], **{f"likes{i}{j}": TRUE}) for i, j in pairs]
    actions += [_action(f"leave{i}{j}", likes[i, j], **{f"likes{i}{j}": not_(TRUE)}) for i, j in pairs]
    always = [Always("p", f"{i}{j}", not_(and_(likes[i, j], likes[j, i]))) for i, j in pairs if i < j]
    return System(
        "table",
        tuple(Var(f"likes{i}{j}", BOOL, False) for i, j in pairs),
        tuple(actions),
        always=tuple(always),
        properties=(Property("p", "T001", "monitor"),),
    )


def nested(clients: int, slots: int) -> System:
    """Clients with slots each; what is in a slot grows, and no client may have one full while another has a different one full."""
    at = {(c, s): var(f"slot{c}_{s}", BYTE) for c in range(clients) for s in range(slots)}
    busy = {c: var(f"busy{c}", BOOL) for c in range(clients)}
    actions = []
    for (c, s), v in at.items():
        actions.append(_action(f"grow{c}_{s}", and_(busy[c], lt(v, TWO)), **{f"slot{c}_{s}": mk("add", (v, ONE))}))
        actions.append(_action(f"empty{c}_{s}", and_(not_(busy[c]), eq(v, TWO)), **{f"slot{c}_{s}": ZERO}))
    actions += [_action(f"turn{c}", TRUE, **{f"busy{c}": not_(busy[c])}) for c in busy]
    full = [and_(*(eq(at[c, s], TWO) for s in range(slots))) for c in range(clients)]
    return System(
        "nested",
        (*(Var(f"slot{c}_{s}", BYTE, 0) for c, s in at), *(Var(f"busy{c}", BOOL, False) for c in busy)),
        tuple(actions),
        always=(Always("p", "all", not_(and_(*full))),),
        properties=(Property("p", "T001", "monitor"),),
    )
