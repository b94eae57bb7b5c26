"""First guesses at invariants: which values a variable takes, everywhere and where a thread stands.

They say nothing about how variables hang together, except by way of a thread's place; but they take the garbage out of the states that
a one-step proof starts from (a free 64-bit variable that only ever holds three addresses), and with locks and program counters
they often are all that is needed. The values are those of the samples; a value that turns out to be missing is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dmaverify.engines.frozen import followers
from dmaverify.engines.sampling import Samples
from dmaverify.ir.expr import Expr, const, eq, implies, or_, var
from dmaverify.ir.system import Action, Kind, System, Var
from dmaverify.ir.types import Value

MOST_VALUES = 24
"""A variable with more values in the samples gets no guess."""

MOST_HERE = 8
"""The same for a guess about one place of a thread."""

MOST_SEEDS = 12_000


@dataclass(eq=False)
class Seed:
    """``name`` has one of ``values``; with ``at``, whenever that pc has that value."""

    name: str
    values: frozenset[Value]
    at: tuple[str, int] | None
    about_pc: bool = False

    def condition(self, system: System) -> Expr:
        """What the guess says."""
        t = system.var(self.name).type
        leaf = var(self.name, t)
        inside = or_(*(eq(leaf, const(v, t)) for v in sorted(self.values)))
        if self.at is None:
            return inside
        pc, place = self.at
        pc_type = system.var(pc).type
        return implies(eq(var(pc, pc_type), const(place, pc_type)), inside)

    def holds(self, state: Mapping[str, Value]) -> bool:
        """Whether the guess is true of a state."""
        return (self.at is not None and state[self.at[0]] != self.at[1]) or state[self.name] in self.values

    def with_value(self, value: Value) -> Seed | None:
        """The guess with one value more; None if that makes too many.

        What holds at one place is not stretched, except where other threads may be meanwhile: samples of rare places do not
        have them all.
        """
        if self.about_pc or (self.at is None and len(self.values) < MOST_VALUES):
            return Seed(self.name, self.values | {value}, self.at, self.about_pc)
        return None


def seeds(system: System, samples: Samples) -> list[Seed]:
    """Guesses from the samples, the most useful first."""
    columns = {v.name: _column(samples, v) for v in system.vars}
    everywhere: dict[str, frozenset[Value]] = {}
    found: list[Seed] = []
    open_ = followers(system)
    for v in system.vars:
        if v.kind is Kind.PARAM or v.name in open_:
            continue
        everywhere[v.name] = frozenset(columns[v.name])
        # no number of places is too many: which can be reached, and where other threads may be meanwhile, is what it is all about
        few = v.kind is Kind.PC or len(everywhere[v.name]) <= MOST_VALUES
        if few and len(everywhere[v.name]) < v.type.count:
            found.append(Seed(v.name, everywhere[v.name], None, v.kind is Kind.PC))
    own: list[Seed] = []
    others: list[Seed] = []
    for t in system.threads:
        places: dict[int, list[int]] = {}
        for n, at in enumerate(columns[t.pc]):
            places.setdefault(int(at), []).append(n)
        for at, here in sorted(places.items()):
            for v in system.vars:
                if v.name == t.pc or v.name not in everywhere:
                    continue
                mine = v.owner == t.name and v.kind is Kind.LOCAL
                if _private(v, t.name):
                    continue
                values = frozenset(map(columns[v.name].__getitem__, here))
                most = len(values) if v.kind is Kind.PC else MOST_HERE
                if len(values) <= most and len(values) < min(len(everywhere[v.name]), v.type.count):
                    (own if mine else others).append(Seed(v.name, values, (t.pc, at), v.kind is Kind.PC))
    return (found + own + others)[:MOST_SEEDS]


def _column(samples: Samples, v: Var) -> list[Value]:
    """The values of a variable in all samples."""
    packing = samples.packing
    offset, mask = packing.offset[v.name], (1 << v.type.bits) - 1
    decode: dict[int, Value] = {}
    column = []
    for s in samples.states:
        bits = s >> offset & mask
        if bits not in decode:
            decode[bits] = packing.value(s, v.name)
        column.append(decode[bits])
    return column


def _private(v: Var, thread: str) -> bool:
    """Whether the variable is another thread's own business."""
    return v.kind is Kind.LOCAL and v.owner != thread


def places_behind(action: Action, pc: str) -> frozenset[int] | None:
    """The values that ``pc`` may have behind the action, if it is set to constants; None if anything is possible."""
    new = action.updates.get(pc)
    if new is None:
        return None
    leaves: set[int] = set()
    todo = [new]
    while todo:
        node = todo.pop()
        if node.op == "ite":
            todo.extend(node.args[1:])
        elif node.is_const:
            leaves.add(int(node.value))
        else:
            return None
    return frozenset(leaves)
