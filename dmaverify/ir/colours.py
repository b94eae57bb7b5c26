"""Colours of variables: two have the same one as long as nothing that a System does with them tells them apart.

A colour is a number that depends on the role of a variable only, never on its name or place, so colours of different
colourings of one System can be compared.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

from dmaverify.ir.alike import Item, Numbers, Reader
from dmaverify.ir.traverse import variables


class Colours:
    """One colouring. ``touched``: variables whose colour is not that of the colouring that all begin with; ``changed``: colours that
    have gained or lost variables since then.
    """

    def __init__(self, of: dict[str, int], touched: Iterable[str] = (), changed: Iterable[int] = ()) -> None:
        self.of = of
        self.touched, self.changed = set(touched), set(changed)
        self._cells: dict[int, set[str]] = {}
        for name, colour in of.items():
            self._cells.setdefault(colour, set()).add(name)

    def copy(self) -> Colours:
        """One to be refined on its own."""
        return Colours(dict(self.of), self.touched, self.changed)

    def cell(self, colour: int) -> set[str]:
        """The variables of a colour."""
        return self._cells.get(colour, set())

    def cells(self) -> list[set[str]]:
        """Variables of equal colour, where these are several; in the order of the variables."""
        return [c for c in self._cells.values() if len(c) > 1]

    def set(self, name: str, colour: int) -> None:
        """Give a variable another colour."""
        old_colour = self.of[name]
        self._cells[old_colour].discard(name)
        self.of[name] = colour
        self._cells.setdefault(colour, set()).add(name)
        self.touched.add(name)
        self.changed |= {old_colour, colour}


class Colouring:
    """Refines colourings of one System. ``base`` is the finest that follows from the System alone."""

    def __init__(
        self, items: Sequence[Item], using: Mapping[str, Sequence[int]], invariant: Mapping[str, Hashable], numbers: Numbers
    ) -> None:
        self.items, self.using, self.numbers = items, using, numbers
        self._names = [[frozenset({*r.targets, *variables(*r.exprs)}) for r in item.roots] for item in items]
        self._known: dict[int, int] = {}
        colours = Colours({name: numbers(("colour", of)) for name, of in invariant.items()})
        self._refine(colours, set(invariant), everything=True)
        colours.touched.clear()
        colours.changed.clear()
        self.base = colours
        # numbers of expressions under the base colours, for all refinements to share
        reader = Reader(numbers, self.base.of.__getitem__, self._known)
        for item in items:
            reader.item(item)

    def marked(self, colours: Colours, *names: str) -> Colours:
        """The colours that follow if some variables are told from all others, and from each other."""
        new = colours.copy()
        for n, name in enumerate(names):
            new.set(name, self.numbers(("marked", n, colours.of[name])))
        self._refine(new, set(names))
        return new

    def _refine(self, colours: Colours, changed: set[str], everything: bool = False) -> None:
        """Tell apart what can be told apart, beginning with items that hold a variable whose colour has changed."""
        while changed:
            reader = Reader(self.numbers, colours.of.__getitem__, None if everything else self._known, colours.touched)
            seen: dict[str, list[int]] = {}
            for n in sorted({n for name in changed for n in self.using[name]}):
                item = self.items[n]
                number = reader.item(item)
                for r, names in zip(item.roots, self._names[n], strict=True):
                    root = reader.root(r)
                    for name in names:
                        if len(colours.cell(colours.of[name])) > 1:
                            seen.setdefault(name, []).append(self.numbers((number, root, name in r.targets)))
            changed = self._split(colours, seen)

    def _split(self, colours: Colours, seen: Mapping[str, list[int]]) -> set[str]:
        """Split cells by what was seen of their variables; yields those that have a new colour."""
        signs = {name: self.numbers(tuple(sorted(s))) for name, s in seen.items()}
        changed: set[str] = set()
        for colour in {colours.of[name] for name in signs}:
            cell = colours.cell(colour)
            if len({signs.get(name) for name in cell}) > 1:
                changed |= cell
        new = {name: self.numbers(("split", colours.of[name], signs.get(name))) for name in changed}
        for name, colour in new.items():
            colours.set(name, colour)
        return changed
