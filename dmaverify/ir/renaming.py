"""Renamings of variables that leave a core System as it is, and what they make the same.

``Checker`` decides whether a permutation of the variables gives the very same System, item by item (``alike``). Whatever is derived
of a System, its runs and what has to be proved of it among them, is then the same up to these names: so one of the items that
renamings turn into each other speaks for all of them (``alike``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from dmaverify.ir.alike import Item, Label, Numbers, Reader, invariant_of, items_of
from dmaverify.ir.system import System

Renaming = Mapping[str, str]
"""Where the value of each variable goes; variables that are not in it keep theirs."""


def swap(a: Sequence[str], b: Sequence[str]) -> dict[str, str]:
    """The permutation that exchanges two rows of variables."""
    return {**dict(zip(a, b, strict=True)), **dict(zip(b, a, strict=True))}


class Checker:
    """Decides whether permutations leave one System as it is."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.items = items_of(system)
        self.numbers = Numbers()
        self.invariant = invariant_of(system)
        self._any_init = {v.name: v.any_init for v in system.vars}
        self._known: dict[int, int] = {}
        self._plain = Reader(self.numbers, self._name, self._known)
        self.using: dict[str, list[int]] = {v.name: [] for v in system.vars}
        for n, item in enumerate(self.items):
            for name in item.names:
                self.using[name].append(n)

    def _name(self, name: str) -> int:
        return self.numbers(("name", name))

    def touched(self, names: Iterable[str]) -> list[Item]:
        """The items that hold one of the variables."""
        return [self.items[n] for n in sorted({n for name in names for n in self.using[name]})]

    def holds(self, renaming: Renaming) -> bool:
        """Whether the renamed System is the System."""
        if set(renaming) != set(renaming.values()) or any(self.invariant[a] != self.invariant[b] for a, b in renaming.items()):
            return False
        touched = self.touched(renaming)
        reader = self._renamed(renaming)
        return Counter(map(self._plain.item, touched)) == Counter(map(reader.item, touched))

    def _renamed(self, renaming: Renaming) -> Reader:
        return Reader(self.numbers, lambda name: self._name(renaming.get(name, name)), self._known, renaming)

    def does_nothing(self, renaming: Renaming) -> bool:
        """Whether variables that are exchanged always have the same value, because they do so initially and whenever they are set."""
        one = {a: min(a, b) for a, b in renaming.items()}
        reader = self._renamed(one)
        for item in self.touched(renaming):
            new: dict[str, list[int]] = {}
            for r in item.roots:
                if r.tag == "update" and r.targets[0] in one:
                    new.setdefault(one[r.targets[0]], []).append(reader.expr(r.exprs[0]))
            if any(len(numbers) != 2 or numbers[0] != numbers[1] for numbers in new.values()):
                return False
        return not any(self._any_init[name] for name in renaming)

    def labels(self, renaming: Renaming) -> list[tuple[Label, Label]]:
        """Which label each label goes to, by a renaming that holds."""
        touched = self.touched(renaming)
        reader = self._renamed(renaming)
        there: dict[tuple[int, int], set[Label]] = {}
        for item in touched:
            number = self._plain.item(item)
            for r in item.roots:
                if r.label is not None:
                    there.setdefault((number, self._plain.root(r)), set()).add(r.label)
        pairs = []
        for item in touched:
            number = reader.item(item)
            for r in item.roots:
                if r.label is not None:
                    pairs += [(r.label, other) for other in there[number, reader.root(r)]]
        return pairs

    def exchanged(self, renaming: Renaming) -> list[tuple[int, int]]:
        """For each item that the renaming touches, one that it becomes, both by their places; of a renaming that holds."""
        places = sorted({n for name in renaming for n in self.using[name]})
        reader = self._renamed(renaming)
        there: dict[int, int] = {}
        for n in places:
            there.setdefault(self._plain.item(self.items[n]), n)
        return [(n, there[reader.item(self.items[n])]) for n in places]


class Alike:
    """Items of a System that renamings turn into each other. The first of them speaks for all."""

    def __init__(self, checker: Checker, renamings: Iterable[Renaming]) -> None:
        """The renamings must hold."""
        system = checker.system
        self._moves = [dict(checker.exchanged(r)) for r in renamings]
        # the items of a System begin with its actions; its always-instances follow
        self._behind = len(system.actions)
        self.actions = self._firsts(range(self._behind))
        """For each action the place of the first one that it is like."""
        self.always = [n - self._behind for n in self._firsts(range(self._behind, self._behind + len(system.always)))]
        """The same of always-instances."""

    def _firsts(self, items: range) -> list[int]:
        first = _Classes()
        for move in self._moves:
            for n in items:
                first.join(n, move.get(n, n))
        return [first(n) for n in items]

    def pairs(self, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Of pairs of an action and an always-instance, both by their places, those that are not like one before.

        What is wanted of one pair is wanted of those that it is like.
        """
        first = _Classes()
        number = {(a, w + self._behind): n for n, (a, w) in enumerate(wanted)}
        for move in self._moves:
            for (a, w), n in number.items():
                other = number.get((move.get(a, a), move.get(w, w)))
                if other is not None:
                    first.join(n, other)
        return [pair for n, pair in enumerate(wanted) if first(n) == n]


class _Classes:
    """Numbers put together; each class goes by its least number."""

    def __init__(self) -> None:
        self._less: dict[int, int] = {}

    def __call__(self, n: int) -> int:
        while n in self._less:
            n = self._less[n]
        return n

    def join(self, a: int, b: int) -> None:
        """Put two classes together."""
        a, b = self(a), self(b)
        if a != b:
            self._less[max(a, b)] = min(a, b)


def alike(system: System, renamings: Sequence[Renaming]) -> Alike | None:
    """What renamings of a System make the same; None unless all of them leave it as it is."""
    checker = Checker(system)
    if any(not r.keys() <= checker.invariant.keys() or not checker.holds(r) for r in renamings):
        return None
    return Alike(checker, renamings)
