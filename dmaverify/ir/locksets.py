"""Which locks everybody honours, and which places are touched only with a lock held. Nobody declares it; it
is computed.

Two analyses of the same shape, and what either shows is used. Both follow each thread from place to place and
ask which locks it holds there on every way.

* On the core System, scalar by scalar: precise once constants are folded.
* On the full System, for arrays of locks: ``A[e]`` is touched only while ``L[e]`` is held, for the same index
  expression over variables that have not changed since. So each cell of A is guarded by its own lock although
  no index is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dmaverify.ir.expr import FALSE, TRUE, Expr, select, store, var
from dmaverify.ir.flatten import Flat
from dmaverify.ir.pcgraph import PcGraph, graphs
from dmaverify.ir.rebuild import action_exprs
from dmaverify.ir.system import Action, Kind, System
from dmaverify.ir.traverse import inputs, variables, walk
from dmaverify.ir.types import Map

Held = frozenset[Expr]
"""Lock expressions that are certainly held."""


@dataclass(frozen=True)
class LockFacts:
    """What is known about locks, in terms of core variables.

    ``valid``: variables that are taken only when free and given back only by who holds them. ``guards``: for
    each place and thread the valid locks that the thread holds whenever it touches the place (hardware and
    observers are not considered).
    """

    valid: frozenset[str] = frozenset()
    guards: Mapping[tuple[str, str], frozenset[str]] | None = None

    def of(self, place: str, thread: str) -> frozenset[str]:
        """The locks that a thread always holds when it touches a place."""
        return (self.guards or {}).get((place, thread), frozenset())

    def also(self, other: LockFacts) -> LockFacts:
        """What either knows."""
        keys = set(self.guards or {}) | set(other.guards or {})
        return LockFacts(self.valid | other.valid, {k: self.of(*k) | other.of(*k) for k in keys})


class _Holding:
    """Which locks each thread certainly holds, at each place."""

    def __init__(self, system: System) -> None:
        self.system = system
        written_by: dict[str, set[str | None]] = {}
        for a in system.actions:
            for name in a.updates:
                written_by.setdefault(name, set()).add(a.thread)
        self._written_by = written_by
        self.before: dict[tuple[str, int], Held] = {}
        for graph in graphs(system).values():
            if graph.simple:
                self._follow(graph)

    def _follow(self, graph: PcGraph) -> None:
        name = graph.thread.name
        assert graph.entry is not None
        self.before[name, graph.entry] = frozenset()
        todo = [graph.entry]
        while todo:
            place = todo.pop()
            for a in graph.actions.get(place, ()):
                after = self._after(a, name)
                for p in graph.after(a) or ():
                    old = self.before.get((name, p))
                    new = after if old is None else old & after
                    if new != old:
                        self.before[name, p] = new
                        todo.append(p)

    def at(self, a: Action) -> Held:
        """Held when the action starts."""
        if a.thread is None or a.at is None:
            return frozenset()
        return self.before.get((a.thread, a.at), frozenset())

    def during(self, a: Action) -> Held:
        """Held while the action touches things: what it takes itself counts."""
        return self.at(a) | {op.lock for op in a.locks if op.op == "acquire"}

    def _after(self, a: Action, thread: str) -> Held:
        held = set(self.during(a))
        for op in a.locks:
            if op.op == "release":
                held = {h for h in held if not _may_be_same(h, op.lock)}
        # what is held is also held by another name for its index
        copies = {
            renamed
            for name, e in a.updates.items()
            for h in held
            if (renamed := _renamed(h, e, name)) is not None and self._is_own(name, thread)
        }
        kept = {h for h in held if not inputs(h) and not _index_variables(h) & a.updates.keys()}
        return frozenset(h for h in kept | copies if all(self._is_own(n, thread) for n in _index_variables(h)))

    def _is_own(self, name: str, thread: str) -> bool:
        """Whether nobody else writes a variable."""
        return self._written_by.get(name, set()) <= {thread}


def lock_cells(lock: Expr) -> set[str]:
    """The core variables that a core lock expression may stand for."""
    if lock.op == "ite":
        return lock_cells(lock.args[1]) | lock_cells(lock.args[2])
    return {lock.data} if lock.op == "var" else set()


def _index_variables(lock: Expr) -> set[str]:
    return variables(lock.args[1]) if lock.op == "select" else (set() if lock.op == "var" else variables(lock))


def _renamed(lock: Expr, index: Expr, name: str) -> Expr | None:
    """``L[name]`` for a held ``L[index]`` when ``name := index`` is assigned."""
    if lock.op == "select" and lock.args[1] is index and not index.is_const:
        return select(lock.args[0], var(name, index.type))
    return None


def _may_be_same(a: Expr, b: Expr) -> bool:
    if not variables(a) & variables(b):
        return False
    if a.op == b.op == "select" and a.args[0] is b.args[0] and a.args[1].is_const and b.args[1].is_const:
        return a.args[1] is b.args[1]
    return True


def _honoured(system: System, holding: _Holding, roots: Iterable[str]) -> set[str]:
    """Lock variables that every action treats as locks."""
    good = set()
    for root in roots:
        v = system.var(root)
        if not v.any_init and v.init == v.type.default and all(_treats_well(a, root, v, holding) for a in system.actions):
            good.add(root)
    return good


def _treats_well(a: Action, root: str, v: object, holding: _Holding) -> bool:
    if root not in a.updates:
        return True
    new = current = None
    for op in a.locks:
        if _root(op.lock) != root:
            continue
        current = var(root, op.lock.args[0].type) if op.lock.op == "select" else op.lock
        value = TRUE if op.op == "acquire" else FALSE
        if op.lock.op == "select":
            new = store(current if new is None else new, op.lock.args[1], value)
        else:
            new = value
        if op.op == "acquire":
            conjuncts = a.guard.args if a.guard.op == "and" else (a.guard,)
            if not any(c.op == "not" and c.args[0] is op.lock for c in conjuncts):
                return False
        elif op.lock not in holding.at(a):
            return False
    return new is not None and a.updates[root] is new


def _root(lock: Expr) -> str | None:
    """The variable that holds a lock; None if the lock is not a variable or a cell of one."""
    node = lock.args[0] if lock.op == "select" else lock
    return str(node.data) if node.op == "var" else None


def _lock_roots(system: System) -> set[str]:
    return {r for a in system.actions for op in a.locks if (r := _root(op.lock)) is not None}


# -- core -----------------------------------------------------------------------------------------------


def core_facts(core: System) -> LockFacts:
    """What the scalar analysis shows."""
    roots = _lock_roots(core)
    if not roots:
        return LockFacts()
    holding = _Holding(core)
    valid = _honoured(core, holding, roots)
    common: dict[tuple[str, str], set[str]] = {}
    for a in core.actions:
        if a.thread is None:
            continue
        held = {str(h.data) for h in holding.during(a) if h.op == "var" and h.data in valid}
        for place in variables(*action_exprs(a)) | a.updates.keys():
            key = place, a.thread
            common[key] = common[key] & held if key in common else set(held)
    return LockFacts(frozenset(valid), {p: frozenset(locks) for p, locks in common.items() if locks})


# -- full -----------------------------------------------------------------------------------------------


def array_facts(flat: Flat) -> LockFacts:
    """What the analysis of whole arrays shows, in terms of core variables."""
    full = flat.full
    roots = _lock_roots(full)
    if not roots:
        return LockFacts()
    holding = _Holding(full)
    valid = _honoured(full, holding, roots)
    arrays = {v.name: v.type for v in full.vars if isinstance(v.type, Map) and v.kind is not Kind.PC}
    threads = [t.name for t in full.threads]
    guarded = {(n, t): {r for r in valid if _same_index(arrays, n, r)} for n in arrays for t in threads}
    for a in full.actions:
        if a.thread is None:
            continue
        held = holding.during(a)
        for name, index in _accesses(a, arrays):
            guarded[name, a.thread] &= {str(h.args[0].data) for h in held if h.op == "select" and h.args[1] is index}
    guards: dict[tuple[str, str], frozenset[str]] = {}
    for (name, thread), locks in guarded.items():
        for lock in locks:
            for place, of in _cellwise(flat, name, lock):
                guards[place, thread] = guards.get((place, thread), frozenset()) | {of}
    scalars = frozenset(n for r in valid for n in flat.layout[r])
    return LockFacts(scalars, guards)


def _same_index(arrays: Mapping[str, Map], name: str, lock: str) -> bool:
    return lock in arrays and lock != name and arrays[lock].index == arrays[name].index


def _cellwise(flat: Flat, name: str, lock: str) -> Iterator[tuple[str, str]]:
    """Core scalars of each cell of an array with the core lock of that cell."""
    places, locks = flat.layout[name], flat.layout[lock]
    each = len(places) // len(locks)
    for n, place in enumerate(places):
        yield place, locks[n // each]


def _accesses(a: Action, arrays: Mapping[str, Map]) -> Iterator[tuple[str, Expr | None]]:
    """Array variables that an action touches, with the index; None where it is the whole array."""
    roots: dict[int, frozenset[str]] = {}
    for node in walk(*action_exprs(a)):
        roots[node.uid] = _arrays_of(node, roots, arrays)
        for n, arg in enumerate(node.args):
            if not _looks_inside(node, n):
                yield from ((name, None) for name in roots[arg.uid])
        if node.op in ("select", "store"):
            yield from ((name, node.args[1]) for name in roots[node.args[0].uid])
    for target, e in a.updates.items():
        yield from ((name, None) for name in roots[e.uid] if name != target)
        if target in arrays and target not in roots[e.uid]:
            yield target, None  # overwritten as a whole


def _looks_inside(node: Expr, n: int) -> bool:
    """Whether an argument is an array of which the node takes one cell, or passes it on."""
    return (node.op in ("select", "store") and n == 0) or (node.op == "ite" and n > 0)


def _arrays_of(node: Expr, roots: Mapping[int, frozenset[str]], arrays: Mapping[str, Map]) -> frozenset[str]:
    """The array variables that a map-valued expression is made from."""
    if node.op == "var":
        return frozenset((node.data,)) if node.data in arrays else frozenset()
    if node.op == "store":
        return roots[node.args[0].uid]
    if node.op == "ite" and isinstance(node.type, Map):
        return roots[node.args[1].uid] | roots[node.args[2].uid]
    return frozenset()
