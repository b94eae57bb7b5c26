"""Whether two machines have the same observable words: both made deterministic side by side, breadth first.

A *subset* is where a machine may be after a word, known by what can be seen next and where that leads. A label that only one
side can show next ends a shortest word that the other side has not; labels that both can show are followed on.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from dmaverify.patches.machine import Element, Label, Machine, TooMany

Subset = dict[Label, frozenset[Element]]

EFFORT = 40
"""So many times the budget of elements may be walked through when subsets are closed under hidden moves."""

MOST_DIFFERENCES = 24
"""So many kinds of differences are kept."""


@dataclass(frozen=True)
class Found:
    """A word ``shared + last`` that only one side has (0: the first, 1: the second); ``instead``: what the other can show."""

    side: int
    shared: tuple[Label, ...]
    last: Label
    instead: tuple[Label, ...]

    @property
    def opened(self) -> int | None:
        """Where in the word the call starts during which it differs; None: outside of calls."""
        word = (*self.shared, self.last)
        for n in range(len(word) - 1, -1, -1):
            if word[n].thread != self.last.thread:
                continue
            if word[n].kind == "call":
                return n
            if word[n].kind in ("return", "end") and n < len(word) - 1:
                return None
        return None

    @property
    def call(self) -> str:
        """The proc during whose call it differs; empty outside of calls."""
        at = self.opened
        return "" if at is None else (*self.shared, self.last)[at].proc


@dataclass
class Answer:
    """What was found out. ``reason`` is empty if everything was looked at."""

    found: list[Found] = field(default_factory=list)
    pairs: int = 0
    elements: int = 0
    reason: str = ""


class _Side:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.closed: dict[frozenset[Element], int] = {}
        self.numbers: dict[frozenset[tuple[Label, frozenset[Element]]], int] = {}
        self.subsets: list[Subset] = []
        self.work = 0

    def close(self, start: frozenset[Element]) -> int:
        """The number of the subset that is reached from these elements without anything being seen."""
        known = self.closed.get(start)
        if known is not None:
            return known
        todo, seen = list(start), set(start)
        next_: dict[Label, set[Element]] = {}
        while todo:
            node = self.machine.node(todo.pop())
            for e in node.hidden:
                if e not in seen:
                    seen.add(e)
                    todo.append(e)
            for label, target in node.labelled:
                targets = next_.setdefault(label, set())
                if target is not None:
                    targets.add(target)
        self.work += len(seen)
        if self.work > EFFORT * self.machine.budget:
            raise TooMany
        subset = {label: frozenset(targets) for label, targets in next_.items()}
        key = frozenset(subset.items())
        number = self.numbers.get(key)
        if number is None:
            number = self.numbers[key] = len(self.subsets)
            self.subsets.append(subset)
        self.closed[start] = number
        return number


def compare(one: Machine, other: Machine, until: float | None = None) -> Answer:
    """Compare the words of two machines of the same view, at most until that moment (of ``time.monotonic``)."""
    answer = Answer()
    a, b = _Side(one), _Side(other)
    try:
        _explore(a, b, answer, until)
    except TooMany:
        answer.reason = f"states: more than {one.budget:,} on one side"
    except _Late:
        answer.reason = "time"
    answer.elements = len(one.nodes) + len(other.nodes)
    return answer


class _Late(Exception):
    """Time is up."""


def _explore(a: _Side, b: _Side, answer: Answer, until: float | None) -> None:
    start = a.close(a.machine.initial()), b.close(b.machine.initial())
    seen = {start}
    came: list[tuple[int, Label | None]] = [(-1, None)]
    todo = deque([(start, 0)])
    kinds: set[tuple[object, ...]] = set()
    while todo:
        if until is not None and time.monotonic() > until:
            raise _Late
        (left, right), entry = todo.popleft()
        answer.pairs += 1
        one, other = a.subsets[left], b.subsets[right]
        for label in sorted(one.keys() | other.keys()):
            if label in one and label in other:
                if not one[label] and not other[label]:
                    continue  # the run ends here on both sides
                pair = a.close(one[label]), b.close(other[label])
                if pair not in seen:
                    seen.add(pair)
                    came.append((entry, label))
                    todo.append((pair, len(came) - 1))
                continue
            side, instead = (0, other) if label in one else (1, one)
            found = Found(side, _word(came, entry), label, tuple(sorted(instead)))
            kind = side, found.call, label.kind, label.proc
            if kind not in kinds and len(kinds) < MOST_DIFFERENCES:
                kinds.add(kind)
                answer.found.append(found)


def _word(came: list[tuple[int, Label | None]], entry: int) -> tuple[Label, ...]:
    word: list[Label] = []
    while entry > 0:
        entry, label = came[entry]
        assert label is not None
        word.append(label)
    return tuple(reversed(word))


def violated_in_call(machine: Machine, word: tuple[Label, ...], at: int) -> bool | None:
    """Whether some run that shows a word violates the watched property of the machine from the start of the call at ``at`` on,
    on its way along the word or behind it, before anybody starts another call. None: too many states to tell.
    """
    try:
        elements = machine.initial()
        for n, label in enumerate(word):
            elements, passed = _after(machine, elements, label)
            if n > at and any(machine.violates(e) for e in passed):
                return True
        todo, seen = list(elements), set(elements)
        while todo:
            e = todo.pop()
            if machine.violates(e):
                return True
            node = machine.node(e)
            following = [*node.hidden, *(t for label, t in node.labelled if t is not None and label.kind != "call")]
            for t in following:
                if t not in seen:
                    seen.add(t)
                    todo.append(t)
    except TooMany:
        return None
    return False


def _after(machine: Machine, elements: frozenset[Element], label: Label) -> tuple[frozenset[Element], set[Element]]:
    """Where a label leads, and everything on the way there."""
    todo, seen, found = list(elements), set(elements), set()
    while todo:
        node = machine.node(todo.pop())
        found |= {t for known, t in node.labelled if known == label and t is not None}
        for e in node.hidden:
            if e not in seen:
                seen.add(e)
                todo.append(e)
    return frozenset(found), seen
