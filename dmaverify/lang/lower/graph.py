"""Control flow of one thread: points, nodes between them, and how nodes become actions.

A thread is lowered to *nodes*: each leaves one point and leads to others. A node is either a *step* (it reads
or writes something shared, chooses, blocks, takes or gives back a lock) or *timeless* (it works on the
thread's own locals, branches, emits or asserts). What is timeless belongs to the step before it (language
manual, "Steps"): ``settle`` composes each step with everything timeless that follows it, up to the next
steps. Joins are merged with ``? :``, so a region of branches is walked once and not once for each path.

Locals are stored as their default wherever they are dead, so that a finished call leaves nothing behind in
the state.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    Expr,
    and_,
    const,
    default,
    ite,
    not_,
    or_,
    var,
)
from dmaverify.ir.system import Check, Effect, Emit, Frame, Input, LockOp, Reached, Statement
from dmaverify.ir.traverse import Replacing, Rewriter, variables
from dmaverify.ir.types import Range, Type
from dmaverify.span import NOWHERE, Span

TURNED = "turned "
"""How the mark begins of an event that makes the ``always`` clauses of a monitor false, for who asks about that monitor. Within
a step this is seen nowhere else: the clauses speak of states, and what the events of a step do is one change of the state."""


class Point:
    """A place in a thread's text. ``become`` makes two points one, which spares a goto between them."""

    __slots__ = ("_same", "number", "stop")

    def __init__(self) -> None:
        self._same: Point | None = None
        self.stop = False
        self.number: int | None = None

    def find(self) -> Point:
        """The representative of this point."""
        p = self
        while p._same is not None:
            p = p._same
        q = self
        while q._same is not None:
            q._same, q = p, q._same
        return p

    def become(self, other: Point) -> None:
        """From now on this point is ``other``."""
        mine, theirs = self.find(), other.find()
        if mine is not theirs:
            theirs.stop = theirs.stop or mine.stop
            mine._same = theirs


Values = dict[str, Expr]


@dataclass
class Node:
    """What happens between a point and the next ones. Conditions of ``next`` are over the old state; the last
    is true.
    """

    at: Point
    next: list[tuple[Expr, Point]]
    guard: Expr = TRUE
    inputs: tuple[Input, ...] = ()
    effects: tuple[Effect, ...] = ()
    updates: Values = field(default_factory=dict)
    locks: tuple[LockOp, ...] = ()
    timeless: bool = False
    cuts: bool = False
    """The guard is an ``assume``: a run may end in front of it."""
    name: str = ""
    text: str = ""
    stack: tuple[Frame, ...] = ()
    span: Span = NOWHERE

    def exprs(self) -> Iterator[Expr]:
        """Every expression that is evaluated in the old state."""
        yield self.guard
        yield from self.updates.values()
        yield from (op.lock for op in self.locks)
        yield from (c for c, _ in self.next)
        for e in self.effects:
            yield from effect_exprs(e)


def effect_exprs(e: Effect) -> Iterator[Expr]:
    """The expressions of an effect."""
    yield e.path
    if isinstance(e, Check):
        yield e.cond
        yield from (m for m in e.message if isinstance(m, Expr))
    elif isinstance(e, Emit):
        yield from (x for _, x in e.args)


def map_effect(e: Effect, path: Expr, rewrite: Rewriter | None) -> Effect:
    """The effect under ``path`` as well, its expressions rewritten."""
    f = rewrite if rewrite is not None else (lambda x: x)
    here = and_(path, f(e.path))
    if isinstance(e, Check):
        message = tuple(f(m) if isinstance(m, Expr) else m for m in e.message)
        return replace(e, path=here, cond=f(e.cond), message=message)
    if isinstance(e, Emit):
        return replace(e, path=here, args=tuple((n, f(x)) for n, x in e.args))
    assert isinstance(e, Reached)
    return replace(e, path=here)


@dataclass
class Settled:
    """A node with what follows it in no time; ``targets`` are points where the next step starts."""

    node: Node
    effects: tuple[Effect, ...]
    updates: Values
    targets: list[tuple[Expr, Point]]


class Graph:
    """The nodes of one thread."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.start = Point()

    def add(self, node: Node) -> Node:
        """Put a node into the graph."""
        self.nodes.append(node)
        return node

    def settle(self, locals_: dict[str, Type]) -> list[Settled]:
        """Compose steps with the timeless nodes after them; drop what cannot be reached."""
        out: dict[Point, list[Node]] = {}
        for n in self.nodes:
            n.at = n.at.find()
            n.next = _exclusive((c, p.find()) for c, p in n.next)
            out.setdefault(n.at, []).append(n)
        start = self.start.find()
        self.start = start
        start.stop = True
        for nodes in out.values():
            if len(nodes) > 1 or not nodes[0].timeless:
                nodes[0].at.stop = True
        order = _timeless_order(start, out)
        alive = _liveness(self.nodes, locals_)
        settled: list[Settled] = []
        todo, seen = [start], {start}
        while todo:
            point = todo.pop(0)
            for node in out.get(point, ()):
                s = _compose(node, out, order, alive, locals_)
                settled.append(s)
                for _, p in s.targets:
                    if p not in seen:
                        seen.add(p)
                        todo.append(p)
        return settled


def _exclusive(pairs: Iterable[tuple[Expr, Point]]) -> list[tuple[Expr, Point]]:
    """Branches without those that cannot be taken, neighbours with one target joined."""
    found: list[tuple[Expr, Point]] = []
    for c, p in pairs:
        if c is FALSE:
            continue
        if found and found[-1][1] is p:
            found[-1] = (or_(found[-1][0], c), p)
        else:
            found.append((c, p))
        if c is TRUE:
            break
    return found


def _timeless_order(start: Point, out: dict[Point, list[Node]]) -> dict[Point, int]:
    """Topological number of each point that is no stop. Where timeless nodes form a cycle, its head becomes a
    stop.
    """
    while True:
        order: dict[Point, int] = {}
        on_path: set[Point] = set()
        done: set[Point] = set()
        post: list[Point] = []
        heads: list[Point] = []
        for root in [start, *out]:
            stack: list[tuple[Point, bool]] = [(root, False)]
            while stack:
                p, leave = stack.pop()
                if leave:
                    on_path.discard(p)
                    done.add(p)
                    post.append(p)
                    continue
                if p in done or p in on_path:
                    continue
                on_path.add(p)
                stack.append((p, True))
                for n in out.get(p, ()):
                    for _, q in n.next:
                        if q.stop or q not in out:
                            continue
                        if q in on_path:
                            heads.append(q)
                        elif q not in done:
                            stack.append((q, False))
        if not heads:
            for i, p in enumerate(reversed(post)):
                order[p] = i
            return order
        for h in heads:
            h.stop = True


def _liveness(nodes: list[Node], locals_: dict[str, Type]) -> dict[Point, frozenset[str]]:
    """For each point, the locals that something after it may read before it writes them."""
    uses: list[frozenset[str]] = []
    keeps: list[frozenset[str]] = []
    before: dict[Point, list[int]] = {}
    for i, n in enumerate(nodes):
        read = frozenset(v for v in variables(*n.exprs()) if v in locals_)
        uses.append(read)
        keeps.append(frozenset(v for v in n.updates if v in locals_))
        for _, p in n.next:
            before.setdefault(p, []).append(i)
    alive: dict[Point, frozenset[str]] = {}
    todo = list(range(len(nodes)))
    waiting = set(todo)
    none: frozenset[str] = frozenset()
    while todo:
        i = todo.pop()
        waiting.discard(i)
        n = nodes[i]
        after: set[str] = set()
        for _, p in n.next:
            after |= alive.get(p, none)
        now = uses[i] | (after - keeps[i])
        old = alive.get(n.at, none)
        if not now <= old:
            alive[n.at] = old | now
            for j in before.get(n.at, ()):
                if j not in waiting:
                    waiting.add(j)
                    todo.append(j)
    return alive


class _Arrivals:
    """States that reach one point under exclusive conditions."""

    def __init__(self) -> None:
        self.found: list[tuple[Expr, Values]] = []

    def merged(self, types: dict[str, Type]) -> tuple[Expr, Values]:
        """One condition and one state for all of them."""
        if len(self.found) == 1:
            return self.found[0]
        cond = or_(*(c for c, _ in self.found))
        return cond, _merge_states(self.found, types)


def _merge_states(found: list[tuple[Expr, Values]], types: dict[str, Type]) -> Values:
    names: dict[str, None] = {}
    for _, s in found:
        names.update(dict.fromkeys(s))
    merged: Values = {}
    for name in names:
        type_ = next(s[name].type for _, s in found if name in s)
        own = var(name, type_)
        value = found[-1][1].get(name, own)
        for c, s in reversed(found[:-1]):
            value = ite(c, s.get(name, own), value)
        merged[name] = value
    return merged


def _over(values: Values) -> Rewriter:
    """Puts current values in the place of variables."""
    return Replacing(values)


def _made_by(node: Node, e: Effect) -> Effect:
    """A check or event with the statement that makes it."""
    if isinstance(e, Reached):
        return e
    return replace(e, statement=Statement(node.text, node.stack, node.span))


def _compose(
    node: Node,
    out: dict[Point, list[Node]],
    order: dict[Point, int],
    alive: dict[Point, frozenset[str]],
    locals_: dict[str, Type],
) -> Settled:
    effects = list(node.effects)
    waiting: dict[Point, _Arrivals] = {}
    heap: list[tuple[int, Point]] = []
    stops: dict[Point, _Arrivals] = {}
    none: frozenset[str] = frozenset()

    def arrive(p: Point, cond: Expr, values: Values, kept: frozenset[str]) -> None:
        """``kept``: locals that may hold something; those that are dead at ``p`` are cleared."""
        if cond is FALSE:
            return
        living = alive.get(p, none)
        clean = dict(values)
        for name in sorted(kept | frozenset(values)):
            if name in locals_ and name not in living:
                clean[name] = default(locals_[name])
        where = stops if p.stop or p not in out else waiting
        if p not in where:
            where[p] = _Arrivals()
            if where is waiting:
                heapq.heappush(heap, (order[p], p))
        where[p].found.append((cond, clean))

    def leave(branches: list[tuple[Expr, Point]], cond: Expr, values: Values, kept: frozenset[str]) -> None:
        rest = cond
        for i, (c, p) in enumerate(branches):
            last = i == len(branches) - 1
            arrive(p, rest if last else and_(rest, c), values, kept)
            if not last:
                rest = and_(rest, not_(c))

    entering = alive.get(node.at, none)
    leave(node.next, TRUE, node.updates, entering)
    while heap:
        _, p = heapq.heappop(heap)
        cond, values = waiting.pop(p).merged(locals_)
        (m,) = out[p]
        rewrite = _over(values)
        effects.extend(_made_by(m, map_effect(e, cond, rewrite)) for e in m.effects)
        after = dict(values)
        after.update({name: rewrite(e) for name, e in m.updates.items()})
        leave([(rewrite(c), q) for c, q in m.next], cond, after, frozenset())
    arrivals = [(p, *a.merged(locals_)) for p, a in stops.items()]
    updates = _merge_states([(c, s) for _, c, s in arrivals], locals_) if arrivals else {}
    updates = {n: e for n, e in updates.items() if not (e.op == "var" and e.data == n)}
    targets = [(c, p) for p, c, _ in arrivals]
    return Settled(node, tuple(e for e in effects if e.path is not FALSE), updates, targets)


def number(settled: list[Settled], start: Point) -> int:
    """Give each point that is left a number, in the order of the text; returns how many there are."""
    points: dict[Point, None] = {start: None}
    for s in settled:
        points[s.node.at] = None
        for _, p in s.targets:
            points[p] = None
    for i, p in enumerate(points):
        p.number = i
    return len(points)


def pc_update(targets: list[tuple[Expr, Point]], pc_type: Range) -> Expr:
    """The new pc as an expression over the old state; ``targets`` have exclusive, exhaustive conditions."""
    values = [(c, const(p.find().number, pc_type)) for c, p in targets]
    result = values[-1][1]
    for c, v in reversed(values[:-1]):
        result = ite(c, v, result)
    return result
