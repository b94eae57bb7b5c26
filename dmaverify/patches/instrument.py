"""What can be seen to happen, as variables: a System whose steps write down the events that they emit.

Passes drop events, and engines do not know them. So each step that emits sets ``seen.k.event`` to the number of its k-th event
and ``seen.k.EVENT.ARG`` to its arguments; whoever explores the System reads them off the state after the step and clears them.
One claim that mentions all of them (it says nothing) keeps them, and all that they depend on, in the slice for ``WORDS``; it
also makes every emitting statement visible, so that no two of them share a step.
A built-in check that fails ends the word: it becomes an event of its own, and whoever reads that goes no further.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dmaverify.ir.expr import FALSE, Expr, and_, const, default, eq, ite, ne, not_, var
from dmaverify.ir.system import Action, Always, Check, Emit, Property, System, Var
from dmaverify.ir.types import Map, Opt, Range, Record, Type, Value

WORDS = "observable words"
"""The property that the claim belongs to; no scenario can have one of this name."""

SEEN = "seen."
"""How the names of these variables begin."""

STOP = "stop "
"""How the event of a failed built-in check begins."""

FAILS = "fails "
"""How the event of a failed check of a property begins that was asked for: where it fails among what can be seen in a step."""

Typed = tuple[tuple[str, Type], ...]


@dataclass(frozen=True)
class Instrumented:
    """The System, and how to read what it has written down."""

    system: System
    events: tuple[str, ...]
    """Event n + 1 is the n-th; 0 is none."""
    slots: int
    """So many events may happen in one step."""
    args: Mapping[tuple[int, str], Typed]
    """By slot and event: the arguments that are written down, with their types."""


def kind_name(slot: int) -> str:
    """The variable that says which event is the slot's."""
    return f"{SEEN}{slot}.event"


def arg_name(slot: int, event: str, arg: str) -> str:
    """The variable that holds an argument."""
    return f"{SEEN}{slot}.{event}.{arg}"


def instrument(system: System, checks: Sequence[str] = ()) -> Instrumented:
    """The System with its events written down. ``checks``: properties whose claims are kept, and whose failures are events."""
    said = [list(_said(a, checks)) for a in system.actions]
    events = tuple(sorted({e.event for emits in said for e in emits}))
    slots = max(map(len, said), default=0)
    number = Range(0, max(1, len(events)))
    args: dict[tuple[int, str], dict[str, Type]] = {}
    for emits in said:
        for slot, e in enumerate(emits):
            known = args.setdefault((slot, e.event), {})
            for name, x in e.args:
                known[name] = x.type
    added = [Var(kind_name(s), number, 0) for s in range(slots)]
    for (slot, event), params in args.items():
        added += [Var(arg_name(slot, event, n), t, t.default) for n, t in params.items()]
    codes = {e: const(i, number) for i, e in enumerate(events, 1)}
    actions = tuple(_instrumented(a, emits, codes, checks) for a, emits in zip(system.actions, said, strict=True))
    always = tuple(w for w in system.always if w.prop in checks)
    if added:
        mentioned = FALSE  # as a parity, in which no constant can hide the others
        for v in added:
            mentioned = ne(mentioned, eq(var(v.name, v.type), const(_whole(v.type), v.type)))
        always = (*always, Always(WORDS, WORDS, mentioned))
    changed = system.with_(
        vars=(*system.vars, *added),
        actions=actions,
        always=always,
        covers=(),
        properties=(*system.properties, Property(WORDS, "", "scenario")),
    )
    return Instrumented(changed, events, slots, {k: tuple(v.items()) for k, v in args.items()})


def _whole(t: Type) -> Value:
    """A value in which nothing is null: who compares with it looks at every part."""
    if isinstance(t, Opt):
        return _whole(t.of)
    if isinstance(t, Record):
        return tuple(_whole(of) for _, of in t.fields)
    if isinstance(t, Map):
        return tuple(_whole(t.of) for _ in range(t.index.count))
    return t.default


def _said(a: Action, checks: Sequence[str]) -> Iterator[Emit]:
    """The events of an action, failures of built-in checks and of some properties among them, in their order."""
    for e in a.effects:
        if isinstance(e, Emit):
            yield e
        elif isinstance(e, Check) and (e.stop or e.prop in checks):
            path = and_(e.path, not_(e.cond))
            if path is not FALSE:
                yield Emit((STOP if e.stop else FAILS) + e.prop, (), path, e.span)


def _instrumented(a: Action, emits: Sequence[Emit], codes: Mapping[str, Expr], checks: Sequence[str]) -> Action:
    updates = dict(a.updates)
    for slot, e in enumerate(emits):
        code = codes[e.event]
        updates[kind_name(slot)] = ite(e.path, code, default(code.type))
        for name, x in e.args:
            updates[arg_name(slot, e.event, name)] = ite(e.path, x, default(x.type))
    kept = tuple(e for e in a.effects if isinstance(e, Check) and e.prop in checks)
    return replace(a, effects=kept, updates=updates)
