"""The part of a patch that its fix needs, and the rest: texts between BEFORE and AFTER.

Words are not compared behind a difference: behind it the sides are in states that only they know, and nothing tells what is a
consequence of the fix there from what is not. The texts do. A patch is taken apart into *pieces*, places where lines differ; pieces
that share a name which only one side knows belong together. Pieces without which every fixed property still holds are the *rest*.
BEFORE with all the others is *the fix alone*; it shares the fix with AFTER at any depth, so whatever is different between those two
is another change, however far behind the first difference it lies.

The rest is found by leaving out blocks of pieces, halves of halves, each time with a check of the fixed properties: first the pieces
of a declaration together, then each for itself. What does not compile or is not decided without some piece needs it. So the fix alone
may be larger than it has to be, and the rest is never too large. Where a patch fixes a thing twice, one of the two is the rest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache

from dmaverify.api import check
from dmaverify.lang.diag import DmaError
from dmaverify.lang.parse import parse_text
from dmaverify.patches.changed import name_of
from dmaverify.patches.diff import Touched
from dmaverify.patches.sides import Side
from dmaverify.paths import shorten
from dmaverify.texts import overlaid

_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Piece:
    """Lines of one file that differ."""

    file: int
    """Position of the file among those that the patch touches."""
    old: tuple[int, int]
    """Positions of the lines before, the end exclusive."""
    new: tuple[int, int]
    """And after."""


Group = tuple[Piece, ...]
"""Pieces that are applied together or not at all."""


@dataclass(frozen=True)
class Halves:
    """What was found out: the texts of the fix alone, and where the rest stands."""

    fix: Side
    """AFTER without the rest."""
    rest: tuple[str, ...]
    """``file:line`` or ``file:first-last`` of AFTER; empty: the fix needs every part of the patch."""
    spared: tuple[str, ...] = ()
    """Properties that the whole patch breaks, and the fix alone does not."""
    reason: str = ""
    """Why it was not looked for, or not to the end."""


@dataclass(frozen=True)
class Asked:
    """One variant of one scenario and what has to hold in it."""

    file: str
    variant: str | None
    params: tuple[tuple[str, int | str], ...]
    fixed: tuple[str, ...]
    builtin: frozenset[str] = frozenset()
    """Those that hold as well where nothing is left that could violate them."""
    broken: tuple[str, ...] = ()
    seconds: float = 60.0
    """For the whole search."""


def split(touched: Sequence[Touched], after: Side, asked: Asked) -> Halves:
    """Take a patch apart. ``touched``: the files that the scenario stands on and that differ."""
    texts = [_Text(t) for t in touched]
    pieces = [p for n, t in enumerate(texts) for p in t.pieces(n)]
    search = _Search(texts, after, asked)
    needed = pieces
    for items in (True, False):
        groups = _groups(texts, needed, items)
        if len(groups) > 1:
            needed = sorted((p for g in search.needed(groups) for p in g), key=pieces.index)
    left = [p for p in pieces if p not in needed]
    where = tuple(texts[p.file].where(p) for p in left)
    return Halves(search.side(needed), where, search.spared(needed) if left else (), "time" if search.late else "")


class _Text:
    """A file of the patch, line by line on both sides."""

    def __init__(self, touched: Touched) -> None:
        self.touched = touched
        self.whole = touched.before is None or touched.after is None
        """The file is there on one side only: it is taken or left as it is."""
        self.old, self.new = ((t or "").replace("\r\n", "\n").split("\n") for t in (touched.before, touched.after))

    def pieces(self, number: int) -> Iterator[Piece]:
        """Where code differs; a line at a time where as many lines stand in the place of others."""
        if self.whole:
            yield Piece(number, (0, len(self.old)), (0, len(self.new)))
            return
        for tag, a, b, c, d in SequenceMatcher(None, self.old, self.new, autojunk=False).get_opcodes():
            if tag == "equal":
                continue
            if b - a == d - c:
                pairs = [((a + n, a + n + 1), (c + n, c + n + 1)) for n in range(b - a)]
            else:
                pairs = [((a, b), (c, d))]
            for old, new in pairs:
                if _code(self.old[slice(*old)]) != _code(self.new[slice(*new)]):
                    yield Piece(number, old, new)

    def text(self, taken: Sequence[Piece]) -> str | None:
        """BEFORE with some pieces of AFTER; None if there is no such file."""
        if self.whole:
            return self.touched.after if taken else self.touched.before
        out: list[str] = []
        at = 0
        for p in sorted(taken, key=lambda p: p.old):
            out += self.old[at : p.old[0]] + self.new[slice(*p.new)]
            at = p.old[1]
        return "\n".join(out + self.old[at:])

    def where(self, p: Piece) -> str:
        """The place as a report names it."""
        file = shorten(self.touched.path)
        if self.whole:
            return file
        first, last = p.new[0] + 1, p.new[1]
        return f"{file}:{first}-{last}" if last > first else f"{file}:{first}"

    def names(self, p: Piece) -> set[str]:
        """The words of a piece that only one side of the file knows."""
        old, new = (set(_WORD.findall(" ".join(_code(side)))) for side in (self.old, self.new))
        mine = set(_WORD.findall(" ".join((*_code(self.old[slice(*p.old)]), *_code(self.new[slice(*p.new)])))))
        return mine & (old ^ new)

    def items(self, p: Piece) -> set[str]:
        """The declarations that a piece is in; none if a text does not parse."""
        if self.whole:
            return set()
        sides = (self.touched.before, p.old), (self.touched.after, p.new)
        return {"in " + name for text, (a, b) in sides for name, first, last in _items(text or "") if first <= b and a < last}


@cache
def _items(text: str) -> tuple[tuple[str, int, int], ...]:
    """The declarations of a text with their first lines and last ones, from 1."""
    try:
        return tuple((name_of(i), i.span.line, i.span.end_line) for i in parse_text(text).items)
    except DmaError:
        return ()


def _code(lines: Sequence[str]) -> list[str]:
    """Lines without remarks and blanks."""
    return [x for line in lines if (x := " ".join(line.split("//")[0].split()))]


def _groups(texts: Sequence[_Text], pieces: Sequence[Piece], items: bool) -> list[Group]:
    """Pieces that share a new name or a lost one, together; with ``items`` also those of one declaration. In the order of the text."""
    groups: list[tuple[list[Piece], set[tuple[int, str] | str]]] = []
    for p in pieces:
        text = texts[p.file]
        keys: set[tuple[int, str] | str] = set(text.names(p))
        if items:
            keys |= {(p.file, name) for name in text.items(p)}
        mine: list[Piece] = []
        for g in [g for g in groups if g[1] & keys]:
            groups.remove(g)
            mine += g[0]
            keys |= g[1]
        groups.append(([*mine, p], keys))
    return [tuple(g) for g, _ in groups]


class _Search:
    def __init__(self, texts: Sequence[_Text], after: Side, asked: Asked) -> None:
        self.texts, self.after, self.asked = texts, after, asked
        self.until = time.monotonic() + asked.seconds
        self.late = False

    def side(self, taken: Sequence[Piece]) -> Side:
        """AFTER with the texts that these pieces make of BEFORE."""
        overlay = dict(self.after.overlay)
        for n, t in enumerate(self.texts):
            overlay[str(t.touched.path.resolve())] = t.text([p for p in taken if p.file == n])
        return Side(overlay)

    def needed(self, groups: list[Group]) -> list[Group]:
        """The groups without which some fixed property does not hold, or nobody can say."""
        kept = list(groups)
        middle = len(groups) // 2
        todo = [groups[middle:], groups[:middle]]  # the first half first
        while todo:
            block = todo.pop()
            if time.monotonic() > self.until:
                self.late = True
                break
            fewer = [g for g in kept if g not in block]
            if fewer and self.holds(fewer):
                kept = fewer
            elif len(block) > 1:
                middle = len(block) // 2
                todo += [block[middle:], block[:middle]]
        return kept

    def holds(self, taken: Sequence[Group]) -> bool:
        """Whether every fixed property holds with these groups alone."""
        return set(self.asked.fixed) == set(self._holding([p for g in taken for p in g], self.asked.fixed))

    def spared(self, taken: Sequence[Piece]) -> tuple[str, ...]:
        """The broken properties that hold with these pieces alone."""
        return tuple(self._holding(taken, self.asked.broken))

    def _holding(self, taken: Sequence[Piece], names: Sequence[str]) -> list[str]:
        """Those of some properties that hold with these pieces alone."""
        a = self.asked
        if not names:
            return []
        # a built-in check that nothing can violate cannot be asked for by its name
        only = () if a.builtin & set(names) else names
        with overlaid(self.side(taken).overlay):
            left = max(1.0, self.until - time.monotonic())
            report = check(a.file, variant=a.variant or "base", only=only, params=dict(a.params), timeout=left, jobs=1)
        found = [v for s in report.scenarios for v in s.variants]
        wrong = report.diagnostics + [d for s in report.scenarios for d in s.diagnostics] + [d for v in found for d in v.diagnostics]
        if not found or wrong or any(v.internal for v in found):
            return []
        holds = {p.name: p.word.holds for v in found for p in v.properties}
        return [name for name in names if holds.get(name, name in a.builtin)]
