"""What invariants are made of: the conditions that matter in a System, and clauses of two or three of them.

A *literal* is a condition over the state. The universe of literals is read off the System: its truth values, small sets of values,
the conditions that its guards and checks ask, and relations between variables of one type. A *clause* excludes a state by
saying that some of the literals that hold there never hold together. Whether they never did in the samples is a matter of
one bitwise "and" for each pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dmaverify.engines.frozen import followers
from dmaverify.engines.sampling import Samples
from dmaverify.ir.expr import (
    Expr,
    and_,
    const,
    eq,
    le,
    mk,
    not_,
    var,
)
from dmaverify.ir.system import Kind, System
from dmaverify.ir.traverse import inputs, substitute, variables, walk
from dmaverify.ir.types import Bool, Int, Value

FEW_VALUES = 48
"""A variable with at most so many values in the samples has a literal for each."""

MOST_RELATED = 40
"""Variables of one type are related pairwise if there are at most so many."""

MOST_BITS = 64
"""A set of bits with at most so many varying ones has a literal for each."""

MOST_LITERALS = 2500

MOST_IN_TRIPLES = 150
MOST_TRIPLES = 20_000

_JUNCTIONS = ("and", "or", "not")


def universe(system: System, samples: Samples, hints: Sequence[Expr] = ()) -> list[Expr]:
    """Positive literals, the ones that matter most first."""
    found: dict[int, Expr] = {}

    def add(e: Expr) -> None:
        if e.op == "not":
            e = e.args[0]
        if not e.is_const and variables(e):
            found.setdefault(e.uid, e)

    for e in itertools.chain(_values(system, samples), _bits(system, samples)):
        add(e)
    for e in itertools.chain(hints, _relations(system)):
        for atom in atoms(e):
            add(atom)
    for root in _conditions(system):
        for atom in atoms(root):
            add(atom)
    for a in system.actions:
        # what a condition says where this action has been: one step back
        for atom in atoms(*(c.cond for c in a.checks)):
            back = substitute(atom, a.updates)
            if not inputs(back):
                add(back)
    return list(found.values())[:MOST_LITERALS]


def atoms(*roots: Expr) -> list[Expr]:
    """The conditions below the roots that are no junctions and read no inputs."""
    return [
        n for n in walk(*roots) if isinstance(n.type, Bool) and n.op not in (*_JUNCTIONS, "const", "input", "ite") and not inputs(n)
    ]


def _conditions(system: System) -> Iterable[Expr]:
    for w in system.always:
        yield w.cond
        yield w.when
    for a in system.actions:
        for c in a.checks:
            yield c.cond
            yield c.path
        yield a.guard
    for a in system.actions:
        yield from a.updates.values()


def _values(system: System, samples: Samples) -> Iterable[Expr]:
    open_ = followers(system)
    for v in system.vars:
        leaf = var(v.name, v.type)
        if isinstance(v.type, Bool):
            yield leaf
            continue
        seen = {samples.packing.value(s, v.name) for s in samples.states}
        if len(seen) <= FEW_VALUES and v.name not in open_:
            yield from (eq(leaf, const(n, v.type)) for n in sorted(seen))
        else:
            yield eq(leaf, const(0, v.type))


def _bits(system: System, samples: Samples) -> Iterable[Expr]:
    """Single bits of what is used as a set of bits, if they vary."""
    masks = _used_as(system, ("band", "bor", "bnot"))
    for v in system.vars:
        if isinstance(v.type, Int) and v.type.width > 1 and v.kind is not Kind.PC and v.name in masks:
            offset = samples.packing.offset[v.name]
            ever = never = 0
            for s in samples.states:
                ever |= s >> offset
                never |= ~(s >> offset)
            varying = [i for i in range(v.type.width) if ever >> i & never >> i & 1]
            if len(varying) <= MOST_BITS:
                zero = const(0, v.type)
                yield from (eq(mk("band", (var(v.name, v.type), const(v.type.wrap(1 << i), v.type))), zero) for i in varying)


def _relations(system: System) -> Iterable[Expr]:
    """Equality, order, inclusion and disjointness of variables of one type, where the System computes such things."""
    masks, ordered = _used_as(system, ("band", "bor", "bnot")), _used_as(system, ("lt", "le", "add", "sub"))
    groups: dict[Int, list[str]] = {}
    for v in system.vars:
        if isinstance(v.type, Int) and v.kind is not Kind.PC and v.type.width > 1:
            groups.setdefault(v.type, []).append(v.name)
    for t, names in groups.items():
        if len(names) > MOST_RELATED:
            continue
        zero = const(0, t)
        for a, b in itertools.combinations(names, 2):
            x, y = var(a, t), var(b, t)
            yield eq(x, y)
            if a in masks and b in masks:
                yield eq(mk("band", (x, y)), zero)
                yield eq(mk("band", (x, mk("bnot", (y,)))), zero)
                yield eq(mk("band", (y, mk("bnot", (x,)))), zero)
            if a in ordered and b in ordered:
                yield le(x, y)
                yield le(y, x)


def _used_as(system: System, ops: Sequence[str]) -> set[str]:
    """Variables below (or assigned from) one of the operators."""
    found: set[str] = set()
    for node in walk(*system.exprs()):
        if node.op in ops:
            for a in node.args:
                found.update(_copied(a))
    while True:
        more = {name for a in system.actions for name, e in a.updates.items() if name not in found and variables(e) & found} | {
            other
            for a in system.actions
            for name, e in a.updates.items()
            if name in found
            for node in _copied(e)
            if (other := node) not in found
        }
        if not more:
            return found
        found |= more


def _copied(e: Expr) -> Iterable[str]:
    """Variables whose value the expression may simply pass on."""
    todo = [e]
    while todo:
        node = todo.pop()
        if node.op == "ite":
            todo.extend(node.args[1:])
        elif node.op == "var":
            yield node.data


@dataclass(frozen=True)
class Clause:
    """The literals never hold together. ``surprise``: how many samples would have all of them if they were independent."""

    literals: tuple[Expr, ...]
    surprise: float

    @property
    def condition(self) -> Expr:
        """What the clause says."""
        return not_(and_(*self.literals))


class Learner:
    """Finds clauses that no sample contradicts and that exclude a given state."""

    def __init__(self, system: System, samples: Samples, hints: Sequence[Expr] = ()) -> None:
        self.samples = samples
        self.literals = universe(system, samples, hints)
        self._judge = samples.judge(self.literals)
        self.size = len(samples.states)
        self._all = (1 << self.size) - 1
        self._truth = samples.truth(self.literals)
        self._read = [variables(e) for e in self.literals]
        self._open = followers(system)

    def holding(self, state: int) -> list[tuple[int, int, Expr]]:
        """For each literal that holds in the state (negations among them): its number, the samples with it, itself."""
        return [
            (n, self._truth[n], e) if value else (n, self._all ^ self._truth[n], not_(e))
            for n, (value, e) in enumerate(zip(self._judge(state), self.literals, strict=True))
        ]

    def clauses(self, state: int, about: set[str], most: int, width: int) -> list[Clause]:
        """Clauses of ``width`` literals over some variables that exclude the state, best first."""
        here = [h for h in self.holding(state) if self._read[h[0]] <= about]
        if width == 1:
            found = [Clause((e,), float(self.size)) for n, bits, e in here if bits == 0]
        else:
            here = [h for h in here if h[1]]  # what never held excludes the state by itself
            found = self._pairs(here) if width == 2 else self._triples(here)
        # the sort is stable and the universe is ordered by importance, so ties are decided by that
        found.sort(key=lambda c: -c.surprise)
        return found[:most]

    def _pairs(self, here: list[tuple[int, int, Expr]]) -> list[Clause]:
        found = []
        counts = [bits.bit_count() for _, bits, _ in here]
        for i, (_, a, x) in enumerate(here):
            for j in range(i):
                _, b, y = here[j]
                if a & b == 0:
                    found.append(Clause((y, x), counts[i] * counts[j] / self.size))
        return found

    def _triples(self, here: list[tuple[int, int, Expr]]) -> list[Clause]:
        found: list[Clause] = []
        here = here[:MOST_IN_TRIPLES]
        counts = [bits.bit_count() for _, bits, _ in here]
        for i, (_, a, x) in enumerate(here):
            for j in range(i):
                _, b, y = here[j]
                both = a & b
                if not both:
                    continue  # these two exclude the state by themselves
                for k in range(j):
                    _, c, z = here[k]
                    if both & c == 0 and a & c and b & c:
                        found.append(Clause((z, y, x), counts[i] * counts[j] * counts[k] / self.size**2))
            if len(found) > MOST_TRIPLES:
                break
        return found

    def cubes(self, state: Mapping[str, Value], about: set[str]) -> list[Clause]:
        """Clauses that some variables never have all these values, without most of those that they do not need.

        Variables that may have any value are left out: to exclude one value after the other leads nowhere.
        """
        parts: list[tuple[int, Expr]] = []
        bits = self._all
        for v in self.samples.system.vars:
            if v.name not in about or v.name in self._open:
                continue
            leaf = var(v.name, v.type)
            value = state[v.name]
            column = [self.samples.packing.value(s, v.name) == value for s in self.samples.states]
            here = int("".join("1" if x else "0" for x in reversed(column)) or "0", 2)
            parts.append((here, eq(leaf, const(value, v.type))))
            bits &= here
        if bits:
            return []
        # what holds most often tells least, so it goes first; or the other way round; or none goes
        usual = sorted(parts, key=lambda p: -p[0].bit_count())
        found = [self._without(parts, order) for order in (usual, usual[::-1], usual[1::2] + usual[::2], [])]
        return list(dict.fromkeys(Clause(tuple(e for _, e in kept), 0.0) for kept in found))

    def _without(self, parts: list[tuple[int, Expr]], order: list[tuple[int, Expr]]) -> list[tuple[int, Expr]]:
        """The parts without those, taken in this order, that are not needed to exclude every sample."""
        for part in order:
            rest = [p for p in parts if p is not part]
            left = self._all
            for here, _ in rest:
                left &= here
            if not left and rest:
                parts = rest
        return parts
