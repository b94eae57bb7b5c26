"""A core System as a sequential circuit: latches, inputs, the next value of each latch, and what is bad.

Each latch says something about one variable: that a bit of it is set, or (where the few values are known and so encoded) that it has
a certain value. That meaning stays with the latch, so whatever is found out about latches can be said about variables.

A step is chosen by a number, as in ``smt.unroll``: one that fits no enabled action changes nothing, and neither does an action
one of whose checks ends the run. So every choice has exactly one state behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dmaverify.engines.pdr.aig import Aig, Word
from dmaverify.engines.pdr.blast import Blaster, constant, decoded, equal, width_of
from dmaverify.engines.pdr.domains import values_of
from dmaverify.engines.smt.unroll import choice_numbers, enabled, passes
from dmaverify.engines.traces import Pick
from dmaverify.ir.expr import Expr, and_, const, eq, mk, not_, or_, var
from dmaverify.ir.system import Input, Kind, System, Var
from dmaverify.ir.types import Bool, Int, Type, Value


@dataclass(frozen=True)
class Latch:
    """One bit of state: bit ``bit`` of the variable, or (``value`` given) that the variable has that value.

    ``reset`` is its initial value; None: any.
    """

    variable: str
    bit: int
    reset: bool | None
    value: Value | None = None

    @property
    def name(self) -> str:
        """``x[3]`` or ``x==3``."""
        return f"{self.variable}[{self.bit}]" if self.value is None else f"{self.variable}=={self.value}"

    def meaning(self, system: System) -> Expr:
        """What the latch says, over the System's variables."""
        t = system.var(self.variable).type
        x = var(self.variable, t)
        if self.value is not None:
            return eq(x, const(self.value, t))
        if isinstance(t, Bool):
            return x
        assert isinstance(t, Int)
        return not_(eq(mk("band", (x, const(t.wrap(1 << self.bit), t))), const(0, t)))


class Circuit:
    """The circuit of a System.

    ``separate``: kinds of variables that get a latch for each value where the values are known to be few.
    """

    def __init__(self, system: System, separate: Sequence[Kind] = ()) -> None:
        self.system = system
        self.graph = Aig()
        self.latches: list[Latch] = []
        self.state: list[int] = []
        """The node of each latch."""
        self.inputs: list[int] = []
        """Nodes of inputs: of the choice, then of what actions read."""
        self.facts: list[list[int]] = []
        """Clauses over latches that hold by what the latches mean: numbers from 1, negative where negated."""
        self.known: dict[str, list[Value]] = {}
        """The variables that have a latch for each value, with these values."""
        self._few = values_of(system) if separate else {}
        self._separate = tuple(separate)
        self._words = {v.name: self._spread(v) for v in system.vars}
        self._read: dict[tuple[str, Type], Word] = {}
        self._blast = Blaster(self.graph, self._words, self._chosen)
        numbers = choice_numbers(system.actions)
        bits = max(1, (max(numbers, default=0) + 1).bit_length())
        self._choice = [self._input() for _ in range(bits)]
        decoder = [equal(self.graph, self._choice, constant(n, Int(bits))) for n in range(max(numbers, default=-1) + 1)]
        self.taken = [
            self.graph.and_(decoder[n], self._blast.bit(enabled(system, a))) for n, a in zip(numbers, system.actions, strict=True)
        ]
        """For each action: it is the step, whatever its checks say."""
        self.goes = [
            self.graph.all_of([t, *(self._blast.bit(passes(c)) for c in a.checks if c.stop)])
            for t, a in zip(self.taken, system.actions, strict=True)
        ]
        """For each action: it is the step, and no check ends the run."""
        self.next = self._behind()
        self.assumed = self.graph.all_of(self._blast.bit(e) for e in system.assumptions)
        """What initial states satisfy beside the resets."""

    # -- building ----------------------------------------------------------------------------------------------------

    def _input(self) -> int:
        literal = self.graph.leaf()
        self.inputs.append(literal >> 1)
        return literal

    def _chosen(self, name: str, t: Type) -> Word:
        if (name, t) not in self._read:
            self._read[name, t] = [self._input() for _ in range(width_of(t))]
        return self._read[name, t]

    def _latch(self, latch: Latch) -> int:
        literal = self.graph.leaf()
        self.latches.append(latch)
        self.state.append(literal >> 1)
        return literal

    def _spread(self, v: Var) -> Word:
        """The bits of a variable in terms of new latches."""
        values = self._few.get(v.name, ())
        if v.kind in self._separate and len(values) > 2:
            first = len(self.latches)
            hot = [self._latch(Latch(v.name, 0, v.init == value, value)) for value in values]
            self.known[v.name] = list(values)
            numbers = range(first + 1, first + len(values) + 1)
            self.facts.append(list(numbers))
            self.facts += [[-a, -b] for a in numbers for b in numbers if a < b]
            bits = [constant(value, v.type) for value in values]
            return [self.graph.any_of(h for h, word in zip(hot, bits, strict=True) if word[n]) for n in range(width_of(v.type))]
        resets = [None] * width_of(v.type) if v.any_init else [bool(b) for b in constant(v.init, v.type)]
        return [self._latch(Latch(v.name, n, reset)) for n, reset in enumerate(resets)]

    def _behind(self) -> list[int]:
        """The next value of each latch, as a sum of products: at most one action is the step."""
        g = self.graph
        cases: dict[str, list[tuple[int, Word]]] = {}
        for goes, a in zip(self.goes, self.system.actions, strict=True):
            for name, new in a.updates.items():
                cases.setdefault(name, []).append((goes, self._blast(new)))
        after: dict[str, Word] = {}
        for v in self.system.vars:
            own = cases.get(v.name, [])
            kept = g.any_of(goes for goes, _ in own) ^ 1
            after[v.name] = [
                g.any_of([*(g.and_(goes, word[n]) for goes, word in own), g.and_(kept, old)])
                for n, old in enumerate(self._words[v.name])
            ]
        return [self._next(latch, after[latch.variable]) for latch in self.latches]

    def _next(self, latch: Latch, word: Word) -> int:
        if latch.value is None:
            return word[latch.bit]
        return equal(self.graph, word, constant(latch.value, self.system.var(latch.variable).type))

    # -- what is asked -----------------------------------------------------------------------------------------------

    def bad(self, prop: str) -> int:
        """The property fails in this state, or in the step that is taken from it."""
        return self.graph.or_(self.bad_state(prop), self.bad_step(prop))

    def bad_state(self, prop: str) -> int:
        """The property fails in this state."""
        own = [w for w in self.system.always if w.prop == prop]
        return self.graph.any_of(self._blast.bit(and_(w.when, not_(w.cond))) for w in own)

    def bad_step(self, prop: str) -> int:
        """The property fails in the step that is taken from this state."""
        return self.graph.any_of(
            self.graph.and_(taken, self._blast.bit(not_(passes(c))))
            for taken, a in zip(self.taken, self.system.actions, strict=True)
            for c in a.checks
            if c.prop == prop
        )

    def condition(self, e: Expr) -> int:
        """A condition over the state."""
        return self._blast.bit(e)

    # -- what is answered --------------------------------------------------------------------------------------------

    def initial(self, values: Mapping[int, int]) -> dict[str, Value]:
        """The free initial values of a state, given by nodes of latches."""
        bits: dict[str, int] = {v.name: 0 for v in self.system.vars if v.any_init}
        for latch, node in zip(self.latches, self.state, strict=True):
            if latch.reset is None and values.get(node):
                bits[latch.variable] |= 1 << latch.bit
        return {name: decoded(n, self.system.var(name).type) for name, n in bits.items()}

    def picks(self, prop: str, initial: Mapping[int, int], inputs: Sequence[Mapping[int, int]]) -> list[Pick]:
        """The actions that some inputs choose one after another from a state, until the property fails."""
        in_state, in_step = self.bad_state(prop), self.bad_step(prop)
        found: list[Pick] = []
        state = dict(initial)
        for given in inputs:
            values = self.graph.values({**state, **given})
            true = [bool(v) for v in values]

            def of(literal: int, true: list[bool] = true) -> bool:
                return true[literal >> 1] != bool(literal & 1)

            if of(in_state):
                break
            for a, taken, goes in zip(self.system.actions, self.taken, self.goes, strict=True):
                if of(taken if of(in_step) else goes):
                    found.append((a, {i.name: self._given(i, given) for i in a.inputs}))
            if of(in_step):
                break
            state = {node: int(of(new)) for node, new in zip(self.state, self.next, strict=True)}
        return found

    def _given(self, i: Input, given: Mapping[int, int]) -> Value:
        word = self._read.get((i.name, i.type))
        if word is None:  # no expression reads it
            return i.values[0] if i.values else i.type.default
        return decoded(sum(given.get(bit >> 1, 0) << n for n, bit in enumerate(word)), i.type)

    def implied(self) -> list[Expr]:
        """What is taken for granted by encoding variables by their few values."""
        found = []
        for name, values in self.known.items():
            t = self.system.var(name).type
            found.append(or_(*(eq(var(name, t), const(v, t)) for v in values)))
        return found
