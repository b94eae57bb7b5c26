"""Where the threads of a core System can go: pc expressions taken apart, edges, and orders over them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from functools import lru_cache

from dmaverify.ir.expr import TRUE, Expr, and_, not_, or_
from dmaverify.ir.system import Action, System, Thread
from dmaverify.ir.traverse import walk


@lru_cache(maxsize=1 << 16)
def destinations(pc: Expr) -> tuple[int, ...] | None:
    """The places that a pc expression may say, each once; None if it is not a tree of constants."""
    found: dict[int, None] = {}
    todo, seen = [pc], {pc.uid}
    while todo:
        node = todo.pop()
        if node.op == "const":
            found[int(node.value)] = None
        elif node.op == "ite":
            todo += [a for a in node.args[:0:-1] if a.uid not in seen]
            seen.update(a.uid for a in node.args[1:])
        else:
            return None
    return tuple(found)


@lru_cache(maxsize=10_000)
def targets(pc: Expr) -> tuple[tuple[Expr, int], ...] | None:
    """The places that a pc expression may say, each once, with the condition; None if it is not a tree of
    constants.
    """
    found: dict[int, Expr] = {}
    todo = [(TRUE, pc)]
    while todo:
        path, node = todo.pop()
        if node.op == "const":
            place = int(node.value)
            found[place] = or_(found[place], path) if place in found else path
        elif node.op == "ite":
            c, a, b = node.args
            todo.append((and_(path, not_(c)), b))
            todo.append((and_(path, c), a))
        else:
            return None
    return tuple((condition, place) for place, condition in found.items())


def places_read(roots: Iterable[Expr], pcs: Container[str]) -> dict[str, set[int] | None]:
    """Which places of which pcs some expressions ask about.

    None: they use a pc in another way than ``pc == place``, so every place matters.
    """
    found: dict[str, set[int] | None] = {}

    def note(pc: str, place: int | None) -> None:
        known = found.setdefault(pc, set())
        if place is None:
            found[pc] = None
        elif known is not None:
            known.add(place)

    todo = list(roots)
    for root in todo:
        if root.op == "var" and root.data in pcs:
            note(root.data, None)
    for node in walk(*todo):
        for n, a in enumerate(node.args):
            if a.op == "var" and a.data in pcs:
                other = node.args[1 - n] if node.op == "eq" else a
                note(a.data, int(other.value) if other.op == "const" else None)
    return found


class PcGraph:
    """The control flow of one thread. ``edges[p]`` are the (action, places it may lead to) that start at
    p.
    """

    def __init__(self, system: System, thread: Thread) -> None:
        self.thread = thread
        self.actions: dict[int, list[Action]] = {}
        self.next: dict[int, set[int]] = {}
        self.simple = True
        """False: some pc expression is not understood, or an action starts anywhere; passes then leave the
        thread alone.
        """
        v = system.var(thread.pc)
        self.entry: int | None = None if v.init is None else int(v.init)
        for a in system.actions:
            if thread.pc in a.updates and a.thread != thread.name:
                self.simple = False
            if a.thread == thread.name:
                self._add(a)
        if self.entry is None:
            self.simple = False

    def _add(self, a: Action) -> None:
        if a.at is None:
            self.simple = False
            return
        self.actions.setdefault(a.at, []).append(a)
        places = self.after(a)
        if places is None:
            self.simple = False
        else:
            self.next.setdefault(a.at, set()).update(places)

    def after(self, a: Action) -> tuple[int, ...] | None:
        """Where an action of the thread may lead; None if that is not known."""
        new = a.updates.get(self.thread.pc)
        if new is None:
            return None if a.at is None else (a.at,)
        return destinations(new)

    @property
    def places(self) -> set[int]:
        """Every place that something starts at or leads to, and the entry."""
        found = set(self.actions) | {p for after in self.next.values() for p in after}
        return found if self.entry is None else found | {self.entry}

    def order(self) -> dict[int, int]:
        """Reverse postorder from the entry: an edge to a place that is not later is a back edge."""
        assert self.entry is not None

        def after(place: int) -> Iterator[int]:
            # the last first, so that places keep the order of the text where they can
            return iter(sorted(self.next.get(place, ()), reverse=True))

        seen = {self.entry}
        post: list[int] = []
        stack = [(self.entry, after(self.entry))]
        while stack:
            place, rest = stack[-1]
            for p in rest:
                if p not in seen:
                    seen.add(p)
                    stack.append((p, after(p)))
                    break
            else:
                stack.pop()
                post.append(place)
        return {p: n for n, p in enumerate(reversed(post))}


def graphs(system: System) -> dict[str, PcGraph]:
    """The control flow of each thread, by name."""
    return {t.name: PcGraph(system, t) for t in system.threads}
