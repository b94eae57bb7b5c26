"""From clauses over latches to conditions over variables: fewer of them, and such as a reader would write.

What never changes is said of whole variables; a cube that fixes the upper bits of a number is a range of it, one that fixes all
of them a value; clauses that say the same of many bits of some variables become one condition over the variables.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from dmaverify.engines.pdr.circuit import Circuit, Latch
from dmaverify.engines.pdr.essence import Invariant
from dmaverify.ir.expr import Expr, and_, const, eq, ite, le, mk, ne, not_, or_, var
from dmaverify.ir.types import Bool, Int, Value

_Part = tuple[Latch, bool]

FEW = 4
"""A number with at most so many values is described by them."""


class Reader:
    """Says what an invariant means."""

    def __init__(self, circuit: Circuit, invariant: Invariant) -> None:
        self.circuit, self.invariant = circuit, invariant
        self._fixed: dict[str, tuple[int, int]] = {}
        """For each number, the bits of it that never change, and their values."""
        self._never: dict[str, set[Value]] = {}
        """Known values that a variable does not have."""
        for n, value in invariant.constant.items():
            latch = circuit.latches[n]
            if latch.value is not None:
                if not value:
                    self._never.setdefault(latch.variable, set()).add(latch.value)
            else:
                mask, bits = self._fixed.get(latch.variable, (0, 0))
                self._fixed[latch.variable] = mask | 1 << latch.bit, bits | int(value) << latch.bit

        self._values: dict[str, list[Value]] = {}
        """The few values of some numbers whose bits go together."""
        self._enumerate()

    def _enumerate(self) -> None:
        """Find numbers of which all bits are fixed or follow very few."""
        bits: dict[str, list[tuple[int, int, bool]]] = {}
        gone = self.invariant.constant
        for n, latch in enumerate(self.circuit.latches):
            if latch.value is None and n not in gone:
                root = self.invariant.follows.get(n, n)
                bits.setdefault(latch.variable, []).append((latch.bit, root if root >= 0 else -root - 1, root < 0))
        for name, parts in bits.items():
            roots = sorted({root for _, root, _ in parts})
            if len(roots) == len(parts) or 1 << len(roots) > FEW:
                continue
            held = self._fixed.get(name, (0, 0))[1]
            found = set()
            for choice in itertools.product((False, True), repeat=len(roots)):
                of = dict(zip(roots, choice, strict=True))
                found.add(held | sum(1 << bit for bit, root, negated in parts if of[root] != negated))
            self._values[name] = sorted(found)

    def _var(self, name: str) -> Expr:
        return var(name, self.circuit.system.var(name).type)

    def _const(self, name: str, value: Value) -> Expr:
        t = self.circuit.system.var(name).type
        return const(t.wrap(value) if isinstance(t, Int) else bool(value), t)

    def _unchanging(self) -> list[Expr]:
        """What ternary simulation has found out, and which values variables have that were encoded by them."""
        found = [self._bits(name, mask, value) for name, (mask, value) in self._fixed.items() if name not in self._values]
        for name, values in self.circuit.known.items():
            found.append(self._among(name, [v for v in values if v not in self._never.get(name, ())]))
        return found + self._equalities()

    def _equalities(self) -> list[Expr]:
        """Which bits are always equal: of one number as its values, of two numbers of one type as masks."""
        found = [or_(*(eq(self._var(name), self._const(name, v)) for v in values)) for name, values in self._values.items()]
        masks: dict[tuple[str, str, bool], int] = {}
        together: dict[tuple[str, int], list[tuple[int, bool]]] = {}
        told: set[tuple[str, int]] = set()
        latches = self.circuit.latches
        for n, root in self.invariant.follows.items():
            a, negated = latches[n], root < 0
            b = latches[-root - 1 if negated else root]
            if a.variable in self._values:
                # its values say which of its bits are equal, so one of them is enough here
                if a.variable == b.variable or (a.variable, root) in told:
                    continue
                told.add((a.variable, root))
            if self._numbers(a, b) and a.bit == b.bit and a.variable != b.variable:
                key = (a.variable, b.variable, negated)
                masks[key] = masks.get(key, 0) | 1 << a.bit
            else:
                together.setdefault((a.variable, -root - 1 if negated else root), []).append((n, negated))
        found += [self._together(name, root, parts) for (name, root), parts in together.items()]
        for (name, other, negated), mask in masks.items():
            found.append(self._same(name, other, mask, negated))
        return found

    def _together(self, name: str, root: int, parts: list[tuple[int, bool]]) -> Expr:
        """Latches of one variable that are equal to one latch, or (where marked) to its negation."""
        latches, system = self.circuit.latches, self.circuit.system
        other = latches[root]
        if len(parts) == 1 or latches[parts[0][0]].value is not None:
            claims = [(latches[n].meaning(system), negated) for n, negated in parts]
            return and_(*(eq(x, not_(other.meaning(system)) if negated else other.meaning(system)) for x, negated in claims))
        low = sum(1 << latches[n].bit for n, negated in parts if negated)
        high = sum(1 << latches[n].bit for n, negated in parts if not negated)
        if other.variable == name:
            high |= 1 << other.bit
            part = mk("band", (self._var(name), self._const(name, low | high)))
            return or_(eq(part, self._const(name, low)), eq(part, self._const(name, high)))
        part = mk("band", (self._var(name), self._const(name, low | high)))
        return eq(part, ite(other.meaning(system), self._const(name, high), self._const(name, low)))

    def _numbers(self, a: Latch, b: Latch) -> bool:
        """Both are bits of numbers of one type."""
        t = self.circuit.system.var(a.variable).type
        return a.value is None and b.value is None and isinstance(t, Int) and t == self.circuit.system.var(b.variable).type

    def _same(self, name: str, other: str, mask: int, negated: bool) -> Expr:
        x, y, t = self._var(name), self._var(other), self.circuit.system.var(name).type
        assert isinstance(t, Int)
        if negated:
            y = mk("bnot", (y,))
        if mask == (1 << t.width) - 1:
            return eq(x, y)
        part = const(t.wrap(mask), t)
        return eq(mk("band", (x, part)), mk("band", (y, part)))

    def _among(self, name: str, values: list[Value]) -> Expr:
        x, t = self._var(name), self.circuit.system.var(name).type
        if isinstance(t, Int) and len(values) > 2 and values[-1] - values[0] + 1 == len(values):
            low = [] if values[0] == t.lo else [le(self._const(name, values[0]), x)]
            return and_(*low, le(x, self._const(name, values[-1])))
        return or_(*(eq(x, self._const(name, v)) for v in values))

    def _bits(self, name: str, mask: int, value: int) -> Expr:
        """These bits of the variable have these values."""
        x, t = self._var(name), self.circuit.system.var(name).type
        if isinstance(t, Bool):
            return x if value else not_(x)
        assert isinstance(t, Int)
        if name in self._values:
            return or_(*(eq(x, self._const(name, v)) for v in self._values[name] if v & mask == value))
        full = (1 << t.width) - 1
        fixed, held = self._fixed.get(name, (0, 0))
        every = mask | fixed
        whole = value | held
        if every == full:
            return eq(x, self._const(name, whole))
        open_ = (full ^ every).bit_length()
        if not t.signed and every == full ^ ((1 << open_) - 1):
            top = whole | (1 << open_) - 1
            low = [] if whole == 0 else [le(self._const(name, whole), x)]
            high = [] if top == full else [le(x, self._const(name, top))]
            return and_(*low, *high)
        return eq(mk("band", (x, self._const(name, mask))), self._const(name, value))

    def _excluded(self, cube: Iterable[_Part]) -> Expr:
        """No state has these values."""
        bits: dict[str, tuple[int, int]] = {}
        parts: list[Expr] = []
        for latch, holds in cube:
            if latch.value is not None:
                test = eq if holds else ne
                parts.append(test(self._var(latch.variable), self._const(latch.variable, latch.value)))
            else:
                mask, value = bits.get(latch.variable, (0, 0))
                bits[latch.variable] = mask | 1 << latch.bit, value | int(holds) << latch.bit
        parts += [self._bits(name, mask, value) for name, (mask, value) in bits.items()]
        return not_(and_(*parts))

    def facts(self) -> list[Expr]:
        """All of it: what never changes, what goes together, and the clauses, the shortest first."""
        parallel: dict[tuple[tuple[str, bool], ...], list[int]] = {}
        found: list[Expr] = []
        for cube in sorted(self.invariant.cubes, key=lambda c: (len(c), c)):
            parts = [(self.circuit.latches[n], holds) for n, holds in cube]
            place = self._alike(parts)
            if place is None:
                found.append(self._excluded(parts))
            else:
                parallel.setdefault(tuple((latch.variable, holds) for latch, holds in parts), []).append(place)
        wide = [self._everywhere(parts, places) for parts, places in parallel.items()]
        return list(dict.fromkeys([*self._unchanging(), *wide, *found]))

    def _alike(self, literals: list[_Part]) -> int | None:
        """The bit that all literals are about, if they are about one bit of several numbers of one type."""
        first = literals[0][0] if literals else None
        if first is None or first.value is not None:
            return None
        t = self.circuit.system.var(first.variable).type
        if not isinstance(t, Int) or t.width == 1 or any(latch.variable in self._values for latch, _ in literals):
            return None
        for latch, _ in literals:
            if latch.value is not None or latch.bit != first.bit or self.circuit.system.var(latch.variable).type != t:
                return None
        return first.bit

    def _everywhere(self, parts: tuple[tuple[str, bool], ...], places: list[int]) -> Expr:
        """At none of these bits do the variables have these values."""
        t = self.circuit.system.var(parts[0][0]).type
        assert isinstance(t, Int)
        mask = sum(1 << n for n in places)
        if len(parts) == 1:
            ((name, holds),) = parts
            return self._bits(name, mask, 0 if holds else mask)
        total = None if mask == (1 << t.width) - 1 else const(t.wrap(mask), t)
        for name, holds in parts:
            x = self._var(name) if holds else mk("bnot", (self._var(name),))
            total = x if total is None else mk("band", (total, x))
        assert total is not None
        return eq(total, const(0, t))
