"""The contract made deterministic: which labels it can show next after a word, and where they lead.

Each letter is a moment of its own. Where one step of a contract shows several (an event and the return behind it), the first is
the step, and others may act before the rest of them; a thread goes on when all of its own were seen.

A contract is meant to be *label-deterministic*: whatever it may choose, the next labels say what it has chosen, so that one label
leads to one place, apart from what happens unseen behind it. Then a model refines it exactly if the contract simulates it. Nothing
here relies on that: a label may lead to several places, all of them are followed, and ``ambiguous`` says which labels do.
"""

from __future__ import annotations

from dataclasses import dataclass

from dmaverify.patches.instrument import STOP
from dmaverify.patches.machine import Element, Label, Letter, Machine, Names, TooMany

BOUND = "bound"
"""The property of a limit that a model sets itself: what lies behind it is not known."""

EFFORT = 40
"""So many times the budget of elements may be walked through when places are closed under unseen moves."""


def stopped(letters: tuple[Letter, ...]) -> str:
    """The built-in check that has failed, if that is the first thing to be seen."""
    event = letters[0].event if letters else ""
    return event[len(STOP) :] if event.startswith(STOP) else ""


@dataclass
class _Node:
    """An element's moves. Letters that are still to be seen are kept by thread, each thread's in their order."""

    hidden: tuple[Element, ...]
    labelled: tuple[tuple[Label, Element | None], ...]
    """None: nothing can be seen behind it."""
    failed: frozenset[str]
    """Built-in checks that fail in its moves."""


class Contract:
    """Sets of elements of the contract, numbered. Two that can show the same and lead to the same have one number."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.next: list[dict[Label, frozenset[Element]]] = []
        """By number: what can be seen next, and the elements right behind it."""
        self.free: list[bool] = []
        """By number: whether the driver has broken what the contract demands, so that anything may follow."""
        self.limits: set[str] = set()
        """Limits of the contract's own that were met: what lies behind them is not known."""
        self.ambiguous: set[str] = set()
        """Calls and events of which a label leads to several places."""
        self.nodes: dict[Element, _Node] = {}
        self._closed: dict[frozenset[Element], int] = {}
        self._numbers: dict[tuple[bool, frozenset[tuple[Label, frozenset[Element]]]], int] = {}
        self._work = 0

    def start(self) -> int:
        """Where it is before anything is seen."""
        return self.close(self.machine.initial())

    def follow(self, number: int, label: Label) -> int:
        """Where a label leads, which can be seen there."""
        targets = self.next[number][label]
        found = self.close(targets)
        if len(targets) > 1 and label.proc not in self.ambiguous:
            # one of them leads to all others without anything being seen
            in_order = sorted(targets, key=lambda e: (e[0], repr(e[1]), e[2]))
            if not any(self.close(frozenset((e,))) == found for e in in_order):
                self.ambiguous.add(label.proc)
        return found

    def close(self, start: frozenset[Element]) -> int:
        """The number of what is reached from these elements without anything being seen. Raises TooMany."""
        known = self._closed.get(start)
        if known is not None:
            return known
        todo, seen = list(start), set(start)
        found: dict[Label, set[Element]] = {}
        free = False
        while todo:
            node = self._node(todo.pop())
            self.limits |= node.failed & {BOUND}
            free = free or bool(node.failed - {BOUND})
            for t in node.hidden:
                if t not in seen:
                    seen.add(t)
                    todo.append(t)
            for label, target in node.labelled:
                targets = found.setdefault(label, set())
                if target is not None:
                    targets.add(target)
        self._work += len(seen)
        if self._work > EFFORT * self.machine.budget:
            raise TooMany
        subset = {label: frozenset(targets) for label, targets in found.items()}
        key = free, frozenset(subset.items())
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.next)
            self.next.append(subset)
            self.free.append(free)
        self._closed[start] = number
        return number

    # -- elements ---------------------------------------------------------------------------------------

    def _node(self, e: Element) -> _Node:
        known = self.nodes.get(e)
        if known is None:
            if len(self.nodes) >= self.machine.budget:
                raise TooMany
            known = self.nodes[e] = self._expand(e)
        return known

    def _expand(self, e: Element) -> _Node:
        state, pending, names = e
        machine = self.machine
        hidden: list[Element] = []
        labelled: list[tuple[Label, Element | None]] = []
        failed: set[str] = set()

        def show(after: int, letters: tuple[Letter, ...], others: tuple[Letter, ...]) -> None:
            """The letters of one thread, of which the first that the view shows is seen now."""
            known: Names = names
            for n, letter in enumerate(letters):
                if stopped(letters[n:]):
                    failed.add(stopped(letters[n:]))
                    return
                label, known = machine.label(letter, known)
                if label is not None:
                    rest = tuple(sorted((*others, *letters[n + 1 :]), key=lambda x: x.thread))
                    labelled.append((label, (after, rest, known)))
                    return
            if (after, others, known) != e:
                hidden.append((after, others, known))

        waiting = {x.thread for x in pending}
        for thread in waiting:
            show(state, tuple(x for x in pending if x.thread == thread), tuple(x for x in pending if x.thread != thread))
        moves, hits = machine.moves(state)
        for m in moves:
            if (machine.system.actions[m.action].thread or "") not in waiting:
                show(m.state & ~machine.out | machine.clear, machine.seen_in(m), pending)
        if not pending:
            acting = {machine.system.actions[n].thread for n in (*(m.action for m in moves), *(h.action for h in hits))}
            end = None if machine.tasks & acting else machine.ending(state)
            if end is not None:
                labelled.append((end, None))
        return _Node(tuple(dict.fromkeys(hidden)), tuple(dict.fromkeys(labelled)), frozenset(failed))
