"""Symmetry of a core System: which variables may change places so that the System stays the very same.

Nothing is believed here: a permutation of the variables counts if the renamed System *is* the System, item by item, up to the order
of actions and of commutative operands (``alike``). Where to look is told by colours: variables are coloured by what the System does
with them, ever finer, until colours tell nothing more. To find a permutation that takes x to y, both are marked and the colours
refined once more; if they then agree, they say where every other variable goes.

The permutations that are found are put together to groups of *elements* that may be exchanged at will (slots of a client, CPUs,
devices, with all their variables), for which there is a fast normal form: elements in ascending order. Where elements hold groups
of their own (threads with slots each), the inner ones are ordered first. What does not fit, such as a table with a row and a column
for each element, is tried permutation by permutation if these are few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from dmaverify.ir.alike import Label
from dmaverify.ir.colours import Colouring, Colours
from dmaverify.ir.renaming import Checker, Renaming, swap
from dmaverify.ir.system import System
from dmaverify.ir.traverse import walk

MOST_PERMUTATIONS = 48
"""A group that is no exchange of elements is used if it has no more permutations than this."""

MOST_PAIRS = 200
"""So many pairs of variables are tried."""

MOST_TRIES = 32
"""So many ways to go on where colours leave a choice, for each pair."""

MOST_NODES = 400_000
"""Nothing is looked for in a System with more expressions."""


@dataclass(frozen=True)
class Elements:
    """Things that may be exchanged at will: the variables of each, in corresponding order."""

    columns: tuple[tuple[str, ...], ...]

    @property
    def order(self) -> int:
        """How many permutations."""
        return math.factorial(len(self.columns))

    def generators(self) -> list[dict[str, str]]:
        """Exchanges of the first element with each of the others: all others are made of these."""
        return [swap(self.columns[0], c) for c in self.columns[1:]]


@dataclass(frozen=True)
class Few:
    """A group by all its permutations, the one that does nothing among them."""

    permutations: tuple[Renaming, ...]

    @property
    def order(self) -> int:
        """How many permutations."""
        return len(self.permutations)

    def generators(self) -> list[dict[str, str]]:
        """All permutations that do something."""
        return [dict(p) for p in self.permutations if p]


Stage = Elements | Few


@dataclass(frozen=True)
class Symmetry:
    """What may change places, as stages to be applied one after the other to get at a normal form.

    ``alike``: labels that some permutation exchanges with one another, by label.
    """

    stages: tuple[Stage, ...]
    alike: Mapping[Label, frozenset[Label]] = field(default_factory=dict)

    @property
    def order(self) -> int:
        """How many permutations the group has."""
        return math.prod(s.order for s in self.stages)

    def generators(self) -> list[dict[str, str]]:
        """Permutations of which all others are made."""
        return [g for s in self.stages for g in s.generators()]


def holds(system: System, symmetry: Symmetry) -> bool:
    """Whether every permutation of the group leaves the System as it is; looked at from the beginning."""
    checker = Checker(system)
    return all(checker.holds(g) for g in symmetry.generators())


def find(system: System) -> Symmetry | None:
    """The symmetry of a System, as far as it is found; None if there is none."""
    checker = Checker(system)
    if sum(1 for _ in walk(*(e for item in checker.items for r in item.roots for e in r.exprs))) > MOST_NODES:
        return None
    finder = _Finder(system, checker)
    stages = _stages(finder.groups(), finder.names)
    result = Symmetry(tuple(stages))
    # groups within elements are derived from one that was found
    if not stages or not all(checker.holds(g) for g in result.generators()):
        return None
    return Symmetry(result.stages, _orbits(p for g in result.generators() for p in checker.labels(g)))


def _orbits(pairs: Iterable[tuple[Label, Label]]) -> dict[Label, frozenset[Label]]:
    """Classes of labels, of those that are not alone."""
    of: dict[Label, set[Label]] = {}
    for a, b in pairs:
        whole = of.setdefault(a, {a}) | of.setdefault(b, {b})
        for label in whole:
            of[label] = whole
    return {label: frozenset(whole) for label, whole in of.items() if len(whole) > 1}


class _Finder:
    """Looks for permutations that exchange two variables each, with whatever has to go along."""

    def __init__(self, system: System, checker: Checker) -> None:
        self.names = [v.name for v in system.vars]
        self.place = {name: n for n, name in enumerate(self.names)}
        self.checker = checker
        self.colouring = Colouring(checker.items, checker.using, checker.invariant, checker.numbers)
        self.pairs = self.tries = 0

    def groups(self) -> list[Elements]:
        """Groups of elements, larger ones first; they may overlap."""
        found: list[Elements] = []
        used = {name for name, items in self.checker.using.items() if items}
        cells = [sorted(cell, key=self.place.__getitem__) for cell in self.colouring.base.cells() if cell <= used]
        for left in sorted(cells, key=lambda cell: self.place[cell[0]]):
            while len(left) > 1:
                first, *others = left
                moves = [g for s in found for g in s.generators()]
                swaps: list[Renaming] = []
                for n in others:
                    if n not in _orbit(first, moves) and (swap := self._exchange(first, n)) is not None:
                        swaps.append(swap)
                        moves.append(swap)
                found += self._put_together(first, swaps)
                orbit = _orbit(first, moves)
                left = [n for n in others if n not in orbit]
        return sorted(found, key=lambda s: -s.order)

    def _exchange(self, x: str, y: str) -> dict[str, str] | None:
        """A permutation that exchanges x and y, and others in pairs, and leaves the System as it is."""
        self.pairs += 1
        if self.pairs > MOST_PAIRS:
            return None
        self.tries = 0
        base = self.colouring.base
        return self._agree(self.colouring.marked(base, x, y), self.colouring.marked(base, y, x))

    def _agree(self, a: Colours, b: Colours) -> dict[str, str] | None:
        """The permutation that takes variables to those of the same colour; where colours leave a choice, to themselves.

        ``b`` is what the permutation makes of ``a``.
        """
        self.tries += 1
        renaming: dict[str, str] = {}
        choice: tuple[list[str], list[str]] | None = None
        for colour in a.changed | b.changed:
            here, there = a.cell(colour), b.cell(colour)
            if len(here) != len(there):
                return None
            go, come = (sorted(side, key=self.place.__getitem__) for side in (here - there, there - here))
            if len(go) == 1:
                renaming[go[0]] = come[0]
            elif go and (choice is None or (len(go), self.place[go[0]]) < (len(choice[0]), self.place[choice[0][0]])):
                choice = go, come
        if choice is None:
            back = all(renaming.get(there) == here for here, there in renaming.items())
            good = renaming and back and self.checker.holds(renaming) and not self.checker.does_nothing(renaming)
            return renaming if good else None
        first, others = choice[0][0], choice[1]
        for other in others:
            if self.tries >= MOST_TRIES:
                return None
            found = self._agree(self.colouring.marked(a, first, other), self.colouring.marked(b, other, first))
            if found is not None:
                return found
        return None

    def _put_together(self, first: str, swaps: Sequence[Renaming]) -> list[Elements]:
        """Groups of elements from permutations that exchange one variable with others."""
        left = sorted(swaps, key=len)
        result: list[Elements] = []
        while left:
            one = left.pop(0)
            # what all exchanges of one element have in common is that element
            own = next((c for s in left if len(s) == len(one) and _is_half(c := one.keys() & s.keys(), one)), None)
            if own is None:  # which side is whose is all the same
                own = {min(pair, key=lambda n: (n != first, self.place[n])) for pair in one.items()}
            column = tuple(sorted(own, key=self.place.__getitem__))
            columns = [column, tuple(one[n] for n in column)]
            for s in list(left):
                if len(s) == len(one) and own <= s.keys():
                    other = tuple(s[n] for n in column)
                    if not {n for c in columns for n in c} & set(other):
                        columns.append(other)
                        left.remove(s)
            result.append(Elements(tuple(columns)))
        return result


def _is_half(some: Set[str], swap: Renaming) -> bool:
    """Whether the permutation exchanges these variables with all others that it moves."""
    return 2 * len(some) == len(swap) and not any(swap[n] in some for n in some)


def _orbit(name: str, generators: Iterable[Renaming]) -> set[str]:
    """Where a variable may get to."""
    orbit, todo = {name}, [name]
    generators = list(generators)
    while todo:
        at = todo.pop()
        new = {g[at] for g in generators if at in g} - orbit
        orbit |= new
        todo += new
    return orbit


def _support(stage: Stage) -> frozenset[str]:
    return frozenset(n for g in stage.generators() for n in g)


def _stages(found: Sequence[Elements], names: Sequence[str]) -> list[Stage]:
    """What can be applied one after the other to get at a normal form."""
    chosen: list[Stage] = []
    left = list(found)
    while left:
        together = [left.pop(0)]
        names_of = _support(together[0])
        while more := [s for s in left if _support(s) & names_of]:
            together += more
            left = [s for s in left if s not in more]
            names_of |= frozenset().union(*map(_support, more))
        chosen += _joined(together, names)
    return chosen


def _joined(together: Sequence[Elements], names: Sequence[str]) -> Sequence[Stage]:
    """Stages for groups that overlap, larger ones first: from inside out as far as they lie within each other, or permutation by
    permutation if that makes more of it.
    """
    kept, best = [together[0]], [together[0]]
    for s in together[1:]:
        stages = _nested([*kept, s])
        if stages is not None:
            kept.append(s)
            best = stages
    if len(kept) == len(together):
        return best
    few = _few([g for s in together for g in s.generators()], names)
    return [few] if few.order > 2 * math.prod(s.order for s in best) else best


def _nested(together: Sequence[Elements]) -> list[Elements] | None:
    """The groups as stages, if of each two one moves nothing outside of one element of the other, or both are apart."""
    stages: list[Elements] = []
    for stage in sorted(together, key=lambda s: (len(_support(s)), s.columns)):
        support = _support(stage)
        inside: list[Elements] = []
        for s in stages:
            home = next((c for c in stage.columns if _support(s) <= set(c)), None)
            if home is None:
                if _support(s) & support:
                    return None
                continue
            # elements correspond exactly, so what is found in one of them is in all of them
            moved = _moved(s, swap(home, stage.columns[0])) if home != stage.columns[0] else s
            if all(_support(o) != _support(moved) for o in inside):
                if any(_support(o) & _support(moved) and not _is_within(o, moved) for o in inside):
                    return None
                inside.append(moved)
        stages = [s for s in stages if not _support(s) & support]
        stages += [s if c == stage.columns[0] else _moved(s, swap(stage.columns[0], c)) for c in stage.columns for s in inside]
        stages.append(stage)
    return stages


def _is_within(inner: Elements, outer: Elements) -> bool:
    """Whether a group moves nothing outside of one element of another."""
    return any(_support(inner) <= set(c) for c in outer.columns)


def _moved(stage: Elements, renaming: Renaming) -> Elements:
    """The same group about other variables."""
    return Elements(tuple(tuple(renaming.get(n, n) for n in c) for c in stage.columns))


def _few(generators: Sequence[Renaming], names: Sequence[str]) -> Few:
    """All permutations that these make, without those that make too many."""
    moved = [n for n in names if any(n in g for g in generators)]
    known = [tuple(moved)]
    used: list[Renaming] = []
    for g in generators:
        larger = _closure([*used, g], tuple(moved))
        if larger is not None:
            known = larger
            used.append(g)
    return Few(tuple({a: b for a, b in zip(moved, p, strict=True) if a != b} for p in known))


def _closure(generators: Sequence[Renaming], identity: tuple[str, ...]) -> list[tuple[str, ...]] | None:
    """The permutations that these make, each as what it makes of some variables; None if they are too many."""
    known = {identity: None}
    todo = [identity]
    while todo:
        images = todo.pop()
        for g in generators:
            new = tuple(g.get(n, n) for n in images)
            if new not in known:
                if len(known) == MOST_PERMUTATIONS:
                    return None
                known[new] = None
                todo.append(new)
    return list(known)


__all__ = ["Checker", "Elements", "Few", "Renaming", "Stage", "Symmetry", "find", "holds", "swap"]
