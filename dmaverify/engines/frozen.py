"""Variables that follow a frozen one: what a size that may be anything leaves behind in the state.

Guesses about values (``seeds``) come from samples, and a sample has one size. Where a variable holds what was computed from a frozen
variable of many values, the guess is that it holds just that: ``count = size >> 12``, wherever the samples do not contradict it.
"""

from __future__ import annotations

from collections.abc import Iterator

from dmaverify.engines.sampling import Samples
from dmaverify.ir.expr import Expr, const, eq, implies, or_, var
from dmaverify.ir.system import Input, Kind, System
from dmaverify.ir.traverse import inputs, substitute, variables
from dmaverify.ir.types import Bool, Type

MANY = 256
"""A frozen variable or an input with more values than this is not known by its values."""

MOST_TERMS = 4
"""So many different expressions over frozen variables one variable may hold."""


def wide(t: Type) -> bool:
    """Whether a variable of this type may have too many values to name them."""
    return not isinstance(t, Bool) and t.count > MANY


def frozen(system: System) -> frozenset[str]:
    """The frozen variables of many values."""
    return frozenset(v.name for v in system.vars if v.kind is Kind.PARAM and v.any_init and wide(v.type))


def followers(system: System) -> frozenset[str]:
    """Variables whose values come from a frozen variable of many values, or from an input of many; the frozen ones too."""
    found = set(frozen(system))
    while True:
        before = len(found)
        for a in system.actions:
            free = {i.name for i in a.inputs if _is_wide(i)}
            for name, e in a.updates.items():
                if name not in found and wide(e.type) and any(_carries(leaf, found, free) for leaf in leaves(e)):
                    found.add(name)
        if len(found) == before:
            return frozenset(found)


def _is_wide(i: Input) -> bool:
    return i.values is None and wide(i.type)


def _carries(leaf: Expr, names: set[str], free: set[str]) -> bool:
    return not names.isdisjoint(variables(leaf)) or not free.isdisjoint(inputs(leaf))


def leaves(e: Expr) -> Iterator[Expr]:
    """What a value may be, whatever the conditions in it say."""
    seen: set[int] = set()
    todo = [e]
    while todo:
        node = todo.pop()
        if node.uid in seen:
            continue
        seen.add(node.uid)
        if node.op == "ite":
            todo.extend(node.args[1:])
        else:
            yield node


def terms(system: System) -> dict[str, list[Expr]]:
    """For each variable that follows frozen ones only: what it may hold, as expressions over those and constants."""
    base = frozen(system)
    known: dict[str, list[Expr]] = {name: [var(name, system.var(name).type)] for name in base}
    open_ = followers(system) - base
    changed = True
    while changed:
        changed = False
        for name in sorted(open_ - known.keys()):
            held = _held(system, name, known)
            if held is not None:
                known[name], changed = held, True
    return {name: held for name, held in known.items() if name not in base}


def _held(system: System, name: str, known: dict[str, list[Expr]]) -> list[Expr] | None:
    v = system.var(name)
    found: dict[int, Expr] = {}
    if not v.any_init:
        start = const(v.init, v.type)
        found[start.uid] = start
    # a variable that holds one thing only, once it is set, stands for that
    single = {n: real[0] for n, held in known.items() if len(real := [e for e in held if not e.is_const]) == 1}
    for a in system.actions:
        if name not in a.updates:
            continue
        for leaf in leaves(a.updates[name]):
            if leaf.op == "var" and leaf.data == name:
                continue
            e = substitute(leaf, single)
            if inputs(e) or not variables(e) <= frozen(system):
                return None
            found[e.uid] = e
    return list(found.values()) if len(found) <= MOST_TERMS else None


def guesses(system: System, samples: Samples) -> list[tuple[str, Expr]]:
    """Named guesses: what each follower holds, everywhere and where each thread stands, as far as the samples agree."""
    held = terms(system)
    found: list[tuple[str, Expr]] = []
    if not samples.states:
        return found
    for name in sorted(held):
        v = system.var(name)
        alike = [eq(var(name, v.type), e) for e in held[name]]
        somewhere = or_(*alike)
        if not samples.all_satisfy(somewhere):
            continue
        found.append((f"{name} follows", somewhere))
        columns = samples.truth(alike)
        for t in system.threads:
            if v.owner not in (None, t.name) and v.kind is Kind.LOCAL:
                continue
            pc = system.var(t.pc)
            places = sorted({int(samples.packing.value(s, t.pc)) for s in samples.states})
            here = [eq(var(t.pc, pc.type), const(p, pc.type)) for p in places]
            for p, at, column in zip(places, here, samples.truth(here), strict=True):
                fits = [e for e, truth in zip(alike, columns, strict=True) if not column & ~truth]
                found += [(f"{name} follows at {t.pc}={p}", implies(at, e)) for e in fits[:1]]
    return found
