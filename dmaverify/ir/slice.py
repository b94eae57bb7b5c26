"""Cone of influence: for each check only what can have a say in it.

A *slice* keeps the variables that a few checks depend on, the actions that change them, the threads that
perform those actions (with every guard on the way, for what blocks a thread matters) and nothing else. What
it finds holds in the whole System and the other way round, with one exception: a failed built-in check ends a
path, and a slice for something else does not know that check unless it is asked to keep such checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from dmaverify.ir.expr import Expr, const, ite
from dmaverify.ir.pcgraph import PcGraph, graphs
from dmaverify.ir.rebuild import effect_exprs
from dmaverify.ir.system import Action, Always, Check, Effect, Input, Kind, Part, Reached, System, Thread
from dmaverify.ir.traverse import Rewriter, inputs, variables
from dmaverify.ir.types import Bool, Value


@dataclass(frozen=True, order=True)
class Target:
    """What a slice is for: ``kind`` is ``check``, ``always`` or ``cover``; ``number`` tells instances of one
    label apart.
    """

    kind: str
    prop: str
    label: str
    number: int = 0


@dataclass(frozen=True)
class Slice:
    """A part of a core System and the targets that it decides."""

    system: System
    targets: tuple[Target, ...]
    properties: tuple[str, ...]
    """The properties, of those asked for, that the targets belong to."""


def belongs(cover: str, prop: str) -> bool:
    """Whether a cover is that property or one of its probes."""
    return cover == prop or cover.startswith(prop + ".")


def targets_of(core: System, properties: Iterable[str]) -> dict[Target, str]:
    """Everything that has to be decided for some properties, with the property."""
    asked = list(properties)
    found: dict[Target, str] = {}
    for a in core.actions:
        for e in a.effects:
            if isinstance(e, Check) and e.prop in asked:
                found[Target("check", e.prop, e.label)] = e.prop
            elif isinstance(e, Reached):
                found.update({Target("cover", e.cover, e.cover): p for p in asked if belongs(e.cover, p)})
    for n, w in enumerate(core.always):
        if w.prop in asked:
            found[Target("always", w.prop, w.label, n)] = w.prop
    for c in core.covers:
        found.update({Target("cover", c.name, c.name): p for p in asked if belongs(c.name, p)})
    return found


def slices(core: System, properties: Iterable[str], *, stops: bool = False) -> list[Slice]:
    """Slices that together decide the properties.

    Targets with equal cones share a slice, and one whose cone lies within another's joins it, if that is the
    same property's or differs in ghosts only: what is violated early must not wait for what has to be
    searched to its end. Targets of one property that differ in ghosts only are together as well: these mostly
    follow from the rest of the state, and searching it once for each would cost more than they do. With
    ``stops`` every slice keeps the built-in checks of its actions.
    """
    asked = targets_of(core, properties)
    slicer = _Slicer(core, stops)
    alike: dict[tuple[str, frozenset[str]], tuple[_Cone, list[Target]]] = {}
    for target in asked:
        cone = slicer.cone(target)
        key = asked[target], slicer.hard(cone)
        known, members = alike.get(key, (cone, []))
        alike[key] = known.together(cone), [*members, target]
    cones: dict[_Cone, list[Target]] = {}
    for cone, members in alike.values():
        cones.setdefault(cone, []).extend(members)
    groups: list[tuple[_Cone, list[Target]]] = []
    # largest first, so that each finds the cone that contains it; ties by the order of the text
    for cone, members in sorted(cones.items(), key=lambda item: -len(item[0].data) - len(item[0].actions)):
        for larger, others in groups:
            mine = {asked[t] for t in members}
            if cone.within(larger) and (mine <= {asked[t] for t in others} or slicer.hard(cone) == slicer.hard(larger)):
                others.extend(members)
                break
        else:
            groups.append((cone, list(members)))
    order = {t: n for n, t in enumerate(asked)}
    result = []
    for cone, members in groups:
        members.sort(key=order.__getitem__)
        props = tuple(dict.fromkeys(asked[t] for t in members))
        result.append(Slice(slicer.cut(cone, members), tuple(members), props))
    return sorted(result, key=lambda s: order[s.targets[0]])


def narrowed(s: Slice, *, stops: bool = False) -> Slice:
    """The slice without what has no say any more; after fusion that is whoever only took a lock that is
    gone.
    """
    slicer = _Slicer(s.system, stops)
    # the cut has renumbered what is left of the state properties, and only what is wanted is left
    targets = [t for t in s.targets if t.kind != "always"]
    targets += [Target("always", w.prop, w.label, n) for n, w in enumerate(s.system.always)]
    return replace(s, system=slicer.cut(_all(slicer.cone(t) for t in targets), targets))


def _all(cones: Iterable[_Cone]) -> _Cone:
    whole = _Cone(frozenset(), frozenset(), frozenset())
    for cone in cones:
        whole = whole.together(cone)
    return whole


@dataclass(frozen=True)
class _Cone:
    data: frozenset[str]
    control: frozenset[str]
    actions: frozenset[int]

    def within(self, other: _Cone) -> bool:
        """Whether another cone has all of this one."""
        return self.data <= other.data and self.control <= other.control | other.data and self.actions <= other.actions

    def together(self, other: _Cone) -> _Cone:
        """Everything that has a say in the targets of either."""
        data = self.data | other.data
        return _Cone(data, (self.control | other.control) - data, self.actions | other.actions)


class _Slicer:
    """Cones over one core System."""

    def __init__(self, core: System, stops: bool) -> None:
        self.core = core
        self.stops = stops
        self.ghosts = frozenset(v.name for v in core.vars if v.kind is Kind.GHOST)
        self.graphs = graphs(core)
        self.pc_of = {t.name: t.pc for t in core.threads}
        self.writers: dict[str, list[int]] = {}
        self.by_thread: dict[str, list[int]] = {}
        for n, a in enumerate(core.actions):
            if a.thread is not None:
                self.by_thread.setdefault(a.thread, []).append(n)
            for v in a.updates:
                self.writers.setdefault(v, []).append(n)
        self.reads_of: dict[tuple[int, str], set[str]] = {}
        self.guards = [variables(a.guard) for a in core.actions]
        self.joined = _joined(core)
        self.before = {name: _ways_to(g) for name, g in self.graphs.items()}

    def hard(self, cone: _Cone) -> frozenset[str]:
        """The variables of a cone that make its states many."""
        return (cone.data | cone.control) - self.ghosts

    def cone(self, target: Target) -> _Cone:
        """What has a say in one target."""
        return _Growing(self, target).run()

    def reads(self, action: int, updated: str) -> set[str]:
        """What the new value of a variable depends on."""
        key = action, updated
        if key not in self.reads_of:
            self.reads_of[key] = variables(self.core.actions[action].updates[updated])
        return self.reads_of[key]

    def cut(self, cone: _Cone, targets: list[Target]) -> System:
        """The part of the System that a cone spans, with only these targets in it."""
        core, wanted = self.core, set(targets)
        names = cone.data | cone.control
        always: list[Always] = []
        for n, w in enumerate(core.always):
            if Target("always", w.prop, w.label, n) in wanted:
                always.append(replace(w, stable=tuple(s for s in w.stable if variables(s) <= names)))
        kept = [self._action(core.actions[n], names, wanted) for n in sorted(cone.actions)]
        threads = [t for t in core.threads if t.pc in names]
        for t in threads:
            if t.pc in cone.control:
                kept = _join_dead_ends(t, kept)
        return core.with_(
            vars=tuple(v for v in core.vars if v.name in names),
            actions=tuple(kept),
            threads=tuple(threads),
            always=tuple(always),
            covers=tuple(c for c in core.covers if Target("cover", c.name, c.name) in wanted),
            assumptions=tuple(a for a in core.assumptions if variables(a) <= names),
            domain=tuple(d for d in core.domain if variables(d) <= names),
        )

    def _action(self, a: Action, names: frozenset[str], wanted: set[Target]) -> Action:
        effects = tuple(e for e in a.effects if self._keeps(e, wanted))
        updates = {v: e for v, e in a.updates.items() if v in names}
        exprs = [a.guard, *updates.values(), *(x for e in effects for x in effect_exprs(e))]
        exprs += [p.path for p in a.parts]
        exprs += [] if a.weight is None else [a.weight]
        used = inputs(*exprs)
        # an input that nothing depends on any more may have any value: the first
        free = {i.name: const(_first(i), i.type) for i in a.inputs if i.name not in used}
        parts = tuple(_bound(p, free) for p in a.parts) if free else a.parts
        locks = tuple(op for op in a.locks if variables(op.lock) <= names)
        kept = tuple(i for i in a.inputs if i.name in used)
        return replace(a, effects=effects, updates=updates, inputs=kept, parts=parts, locks=locks)

    def _keeps(self, e: Effect, wanted: set[Target]) -> bool:
        if isinstance(e, Check):
            return Target("check", e.prop, e.label) in wanted or (self.stops and e.stop)
        return isinstance(e, Reached) and Target("cover", e.cover, e.cover) in wanted


class _Growing:
    """One cone while it grows."""

    def __init__(self, slicer: _Slicer, target: Target) -> None:
        self.s = slicer
        self.target = target
        self.names: set[str] = set()
        self.control: set[str] = set()
        """Pcs that only say where a thread stands: their writers come in when they lead to something that is
        kept.
        """
        self.actions: set[int] = set()
        self.todo: list[str] = []

    def run(self) -> _Cone:
        """To the fixpoint."""
        core, t = self.s.core, self.target
        if t.kind == "always":
            w = core.always[t.number]
            self._need(variables(w.cond, w.when))
        elif t.kind == "cover":
            for c in core.covers:
                if c.name == t.label:
                    self._need(variables(c.cond))
        for n, a in enumerate(core.actions):
            own = [e for e in a.effects if self._is_target(e)]
            if own:
                self._keep(n)
                self._need(variables(*(x for e in own for x in effect_exprs(e))))
        while self.todo:
            name = self.todo.pop()
            for n in self.s.writers.get(name, ()):
                self._keep(n)
                self._need(self.s.reads(n, name))
            self._need(self.s.joined.get(name, set()))
        return _Cone(frozenset(self.names), frozenset(self.control - self.names), frozenset(self.actions))

    def _is_target(self, e: Effect) -> bool:
        if isinstance(e, Check):
            return self.target == Target("check", e.prop, e.label)
        return isinstance(e, Reached) and self.target == Target("cover", e.cover, e.cover)

    def _need(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.names:
                self.names.add(name)
                self.todo.append(name)

    def _keep(self, n: int) -> None:
        """Keep an action, and whatever may lead its thread to where it starts."""
        if n in self.actions:
            return
        s = self.s
        a = s.core.actions[n]
        for m in self._with_way(n, a):
            if m in self.actions:
                continue
            self.actions.add(m)
            kept = s.core.actions[m]
            self._need(s.guards[m])
            for name in kept.updates.keys() & self.names:
                self._need(s.reads(m, name))
            if kept.weight is not None:
                self._need(variables(kept.weight))
            self._need(variables(*(p.path for p in kept.parts)))
            if s.stops:
                stop = [e for e in kept.effects if isinstance(e, Check) and e.stop]
                self._need(variables(*(x for e in stop for x in (e.path, e.cond))))
            if kept.thread is not None:
                pc = s.pc_of[kept.thread]
                self.control.add(pc)
                if pc in kept.updates:
                    self._need(s.reads(m, pc))

    def _with_way(self, n: int, a: Action) -> Iterator[int]:
        """The action and every action of its thread from which it can be reached."""
        yield n
        if a.thread is None:
            return
        graph = self.s.graphs[a.thread]
        if not graph.simple or a.at is None:
            yield from self.s.by_thread[a.thread]
            return
        places = self.s.before[a.thread].get(a.at, set())
        for m in self.s.by_thread[a.thread]:
            if self.s.core.actions[m].at in places:
                yield m


def _join_dead_ends(thread: Thread, actions: list[Action]) -> list[Action]:
    """All places of a thread from which nothing starts any more become one; nobody can tell them apart."""
    starts = {a.at for a in actions if a.thread == thread.name}
    if None in starts:
        return actions
    ends: list[int] = []

    def place(pc: Expr) -> Expr:
        if pc.op == "ite":
            return ite(pc.args[0], place(pc.args[1]), place(pc.args[2]))
        if pc.op != "const" or pc.value in starts:
            return pc
        ends.append(pc.value)
        return const(ends[0], pc.type)

    result = []
    for a in actions:
        if a.thread == thread.name and thread.pc in a.updates:
            a = replace(a, updates={**a.updates, thread.pc: place(a.updates[thread.pc])})
        result.append(a)
    return result


def _ways_to(graph: PcGraph) -> dict[int, set[int]]:
    """For each place, the places from which it can be reached in one step or more."""
    before: dict[int, set[int]] = {}
    for p, after in graph.next.items():
        for q in after:
            before.setdefault(q, set()).add(p)
    result: dict[int, set[int]] = {}
    for place in graph.places:
        seen: set[int] = set()
        todo = [place]
        while todo:
            for p in before.get(todo.pop(), ()):
                if p not in seen:
                    seen.add(p)
                    todo.append(p)
        result[place] = seen
    return result


def _joined(core: System) -> dict[str, set[str]]:
    """For each open variable those that an assumption ties it to."""
    found: dict[str, set[str]] = {}
    for a in core.assumptions:
        names = variables(a)
        for n in names:
            found.setdefault(n, set()).update(names)
    return found


def _first(i: Input) -> Value:
    if i.values:
        return i.values[0]
    return False if isinstance(i.type, Bool) else 0


def _bound(p: Part, free: dict[str, Expr]) -> Part:
    rewrite = Rewriter(lambda n: free.get(n.data) if n.op == "input" else None)
    return replace(p, bindings=tuple((name, rewrite(e)) for name, e in p.bindings))
