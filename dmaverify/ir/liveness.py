"""Dead locals: a thread's own variable has its default value wherever no action of the thread will read what
it holds.

Without this, values that nobody will ever look at again multiply the states.
"""

from __future__ import annotations

from dataclasses import replace

from dmaverify.ir.expr import Expr, const, ite, or_, var
from dmaverify.ir.pcgraph import PcGraph, graphs, targets
from dmaverify.ir.rebuild import all_exprs, effect_exprs
from dmaverify.ir.system import Action, Kind, System, Var
from dmaverify.ir.traverse import variables


def zero_dead_locals(system: System) -> System:
    """The same System with locals at their default wherever they are dead."""
    locals_of = _private_locals(system)
    graph_of = graphs(system)
    new_inits: dict[str, Var] = {}
    rewritten: dict[int, Action] = {}
    for thread, own in locals_of.items():
        graph = graph_of[thread]
        if not graph.simple or not own:
            continue
        live = _live(graph, set(own))
        for actions in graph.actions.values():
            for a in actions:
                rewritten[id(a)] = _clear(a, graph, live, own)
        assert graph.entry is not None
        for name in set(own) - live.get(graph.entry, set()):
            new_inits[name] = replace(own[name], init=own[name].type.default, any_init=False)
    return system.with_(
        vars=tuple(new_inits.get(v.name, v) for v in system.vars),
        actions=tuple(rewritten.get(id(a), a) for a in system.actions),
    )


def _private_locals(system: System) -> dict[str, dict[str, Var]]:
    """The locals of each thread that nothing else reads or writes."""
    result: dict[str, dict[str, Var]] = {t.name: {} for t in system.threads}
    for v in system.vars:
        if v.kind is Kind.LOCAL and v.owner in result:
            result[v.owner][v.name] = v
    owner = {name: thread for thread, own in result.items() for name in own}
    seen_elsewhere: set[str] = set()
    for a in system.actions:
        touched = variables(*all_exprs(a)) | a.updates.keys()
        seen_elsewhere |= {name for name in touched if name in owner and owner[name] != a.thread}
    for w in system.always:
        seen_elsewhere |= variables(w.cond, w.when)
    for c in system.covers:
        seen_elsewhere |= variables(c.cond)
    seen_elsewhere |= variables(*system.assumptions)
    return {t: {n: v for n, v in own.items() if n not in seen_elsewhere} for t, own in result.items()}


def _live(graph: PcGraph, own: set[str]) -> dict[int, set[str]]:
    """What may still be read, at each place. A value that only feeds a dead local is not read."""
    live: dict[int, set[str]] = {p: set() for p in graph.places}
    always_read: dict[int, set[str]] = {}
    feeds: dict[int, dict[str, set[str]]] = {}
    for actions in graph.actions.values():
        for a in actions:
            outer: list[Expr] = [a.guard, *(x for e in a.effects for x in effect_exprs(e))]
            outer += [e for v, e in a.updates.items() if v not in own]
            outer += [x for x in (a.weight,) if x is not None]
            outer += [x for p in a.parts for x in (p.path, *(b for _, b in p.bindings))]
            always_read[id(a)] = variables(*outer) & own
            feeds[id(a)] = {v: variables(e) & own for v, e in a.updates.items() if v in own}
    changed = True
    while changed:
        changed = False
        for place in sorted(graph.actions, reverse=True):
            now = set(live[place])
            for a in graph.actions[place]:
                after = set().union(*(live[p] for p in graph.after(a) or ()))
                now |= always_read[id(a)]
                now |= {v for v in after if v not in feeds[id(a)]}
                for v in after & feeds[id(a)].keys():
                    now |= feeds[id(a)][v]
            if now != live[place]:
                live[place], changed = now, True
    return live


def _clear(a: Action, graph: PcGraph, live: dict[int, set[str]], own: dict[str, Var]) -> Action:
    """The action, clearing what is dead behind it."""
    assert a.at is not None
    pc = a.updates.get(graph.thread.pc)
    ways = targets(pc) if pc is not None else None
    after = graph.after(a) or (a.at,)
    updates = dict(a.updates)
    for name, v in own.items():
        zero = const(v.type.default, v.type)
        live_after = [p for p in after if name in live[p]]
        if not live_after:
            if name in live[a.at]:
                updates[name] = zero
            else:
                updates.pop(name, None)  # it was dead here already, so it has its default
        elif len(live_after) < len(after):
            # it outlives the action on some ways only
            assert ways is not None
            kept = or_(*(condition for condition, p in ways if name in live[p]))
            new = a.updates.get(name, var(name, v.type))
            updates[name] = ite(kept, new, zero)
    changed = updates.keys() != a.updates.keys() or any(updates[n] is not a.updates[n] for n in updates)
    return replace(a, updates=updates) if changed else a
