"""Latches that always have one value, or always that of another latch: guessed from random runs, shown by induction.

Where a number has few values, most of its bits say the same; so do copies of a variable. The search then has fewer latches to
reason about, and every clause says more. What is guessed is shown for all at once: if all the guesses hold before a step they hold
behind it. Guesses that fail are dropped, and the rest is tried again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping

from dmaverify.engines.pdr.aig import Aig
from dmaverify.engines.pdr.circuit import Circuit
from dmaverify.engines.pdr.cnf import Cnf
from dmaverify.engines.pdr.problem import Clause, Problem, reduced
from dmaverify.engines.pdr.sat import Sat

LANES = 192
"""Random runs side by side."""

STEPS = 400
"""How long they are, at most."""

WORK = 3_000_000
"""How many conjunctions the runs may evaluate altogether. (Who knows less guesses more, and has more guesses to drop: the outcome is
the same.)"""

MOST_ROUNDS = 100
"""So often guesses are dropped before they are all given up."""

ANEW = 40
"""After so many rounds the solver is made anew."""

MOST = 150_000
"""Graphs with more conjunctions are left as they are."""

Class = list[int]
"""Latches of a problem (from 1) that start with the same value *relative to their resets* and are taken to keep to that; 0 stands
for what never changes."""


class Reduced:
    """The problem of a property of a circuit, reduced as far as it goes.

    ``first`` is without what never changes by ternary simulation and without what has no say, ``problem`` is also without latches
    that follow others: by its number in ``first``, to 0 for what never changes, else to the latch of ``first`` that it is equal
    to, negative if to its negation. ``kept``: the numbers in ``first`` of the latches of ``problem``.
    """

    def __init__(self, circuit: Circuit, prop: str, seed: int, look: Callable[[], None]) -> None:
        self.circuit = circuit
        self.bad = circuit.bad(prop)
        self.first = self.problem = reduced(circuit, self.bad, look)
        self.follows: dict[int, int] = {}
        self.kept = list(range(1, len(self.first.state) + 1))
        found = classes(self.first, seed, look) if self.first.graph.size <= MOST else []
        if found:
            self.problem, self.follows = merged(self.first, found)
            self.kept = [n for n in self.kept if n not in self.follows]


def classes(problem: Problem, seed: int, look: Callable[[], None]) -> list[Class]:
    """The classes that are kept by every step; those of one latch are left out."""
    found = _Runs(problem, random.Random(seed), look).guess()
    return _Induction(problem, found, random.Random(seed + 1), look).kept() if found else []


def _split(found: Iterable[Class], values: Mapping[int, int]) -> list[Class]:
    """Each class by the values of its members, relative to their resets; 0 has the value 0."""
    result = []
    for members in found:
        parts: dict[int, Class] = {}
        for n in members:
            parts.setdefault(values[n] if n else 0, []).append(n)
        result += [p for p in parts.values() if len(p) > 1]
    return result


class _Runs:
    """Random runs of all lanes at once, one bit of a number for each."""

    def __init__(self, problem: Problem, rng: random.Random, look: Callable[[], None]) -> None:
        self.problem, self.rng, self.look = problem, rng, look
        self.mask = (1 << LANES) - 1

    def guess(self) -> list[Class]:
        """Latches that went alike."""
        p = self.problem
        state = self._start()
        if state is None:
            return []
        found: list[Class] = [[0, *(n for n, reset in enumerate(p.resets, 1) if reset is not None)]]
        nodes = p.graph.cone([*p.next])
        for _ in range(min(STEPS, 1 + WORK // (1 + p.graph.size))):
            self.look()
            inputs = {here: self.rng.getrandbits(LANES) for here, _ in p.inputs}
            values = p.graph.values({**dict(zip(p.state, state, strict=True)), **inputs}, self.mask, nodes)
            state = [values[x >> 1] ^ (self.mask if x & 1 else 0) for x in p.next]
            found = _split(found, relative(p, state, self.mask))
            if not found:
                break
        return found

    def _start(self) -> list[int] | None:
        """Initial states in all lanes; None if chance finds none."""
        p, mask = self.problem, self.mask
        state = [self.rng.getrandbits(LANES) if r is None else mask * r for r in p.resets]
        values = p.graph.values(dict(zip(p.state, state, strict=True)), mask)
        good = values[p.assumed >> 1] ^ (mask if p.assumed & 1 else 0)
        if not good:
            return None
        first = good & -good
        # lanes that began wrongly repeat one that did not
        return [v & good | (mask & ~good if v & first else 0) for v in state]


def relative(problem: Problem, state: list[int], mask: int) -> dict[int, int]:
    """Values of latches, turned round where the latch starts with true."""
    return {n: v ^ (mask if r else 0) for n, (v, r) in enumerate(zip(state, problem.resets, strict=True), 1)}


class _Induction:
    def __init__(self, problem: Problem, found: list[Class], rng: random.Random, look: Callable[[], None]) -> None:
        self.problem, self.found, self.rng, self.look = problem, found, rng, look
        leaves = [*problem.state, *(here for here, _ in problem.inputs)]
        self.cnf = Cnf(problem.graph, leaves, problem.next)
        self.false = -self.cnf.top - 1
        self.nodes = problem.graph.cone(problem.next)

    def kept(self) -> list[Class]:
        """The classes after dropping what some step breaks; none if that takes too long."""
        rounds = 0
        solver: Sat | None = None
        while self.found:
            self.look()
            if solver is None or rounds % ANEW == 0:
                if solver is not None:
                    solver.close()
                solver = Sat(self.cnf, self.look)
                truth = solver.fresh()
                solver.add([truth])
                self.false = -truth
                for fact in self.problem.facts:
                    solver.add(fact)
            rounds += 1
            if rounds > MOST_ROUNDS:
                self.found = []
                break
            model = self._broken(solver)
            if model is None:
                break
            self._refine(model)
        if solver is not None:
            solver.close()
        return self.found

    def _now(self, n: int) -> int:
        """The literal that says that the latch is not what it started as."""
        return self.false if n == 0 else -n if self.problem.resets[n - 1] else n

    def _then(self, n: int) -> int:
        if n == 0:
            return self.false
        x = self.cnf.literal(self.problem.next[n - 1])
        return -x if self.problem.resets[n - 1] else x

    def _broken(self, solver: Sat) -> list[int] | None:
        """A state where all classes hold, with inputs that lead to one where some does not."""
        switch = solver.fresh()
        differ = [-switch]
        for first, *rest in self.found:
            solver.need([self.cnf.literal(self.problem.next[n - 1]) for n in (first, *rest) if n])
            a, x = self._now(first), self._then(first)
            for n in rest:
                b, y = self._now(n), self._then(n)
                solver.add([-switch, -a, b])
                solver.add([-switch, a, -b])
                if x != y:
                    d = solver.fresh()
                    solver.add([-d, x, y])
                    solver.add([-d, -x, -y])
                    differ.append(d)
        solver.add(differ)
        answer = solver.solve([switch])
        model = solver.model() if answer else None
        solver.add([-switch])
        return model

    def _refine(self, model: list[int]) -> None:
        """Split by what is behind the state of the model, with its inputs and with others."""
        p, mask = self.problem, (1 << LANES) - 1
        holds = [x > 0 for x in model[: self.cnf.top]]
        leaves = {node: mask * holds[n] for n, node in enumerate(p.state)}
        for n, (here, _) in enumerate(p.inputs, len(p.state)):
            # the lowest lane has the model's own inputs
            leaves[here] = self.rng.getrandbits(LANES) & ~1 | int(holds[n])
        values = p.graph.values(leaves, mask, self.nodes)
        state = [values[x >> 1] ^ (mask if x & 1 else 0) for x in p.next]
        before = sum(map(len, self.found))
        parts = len(self.found)
        self.found = _split(self.found, relative(p, state, mask))
        if (sum(map(len, self.found)), len(self.found)) == (before, parts):
            raise AssertionError("a step that breaks a class breaks none")


def merged(problem: Problem, found: list[Class]) -> tuple[Problem, dict[int, int]]:
    """The problem without the latches that follow others, and what those follow (as in ``Reduced``)."""
    follows: dict[int, int] = {}
    for first, *rest in found:
        for n in rest:
            same = first == 0 or problem.resets[n - 1] == problem.resets[first - 1]
            follows[n] = first if same else -first
    graph = Aig()
    known: dict[int, int] = {}
    for here, _ in problem.inputs:
        known[here] = graph.leaf()
    kept = [n for n in range(1, len(problem.state) + 1) if n not in follows]
    for n in kept:
        known[problem.state[n - 1]] = graph.leaf()
    for n, other in follows.items():
        value = int(bool(problem.resets[n - 1])) if other == 0 else known[problem.state[abs(other) - 1]] ^ int(other < 0)
        known[problem.state[n - 1]] = value
    roots = [problem.bad, problem.assumed, *(problem.next[n - 1] for n in kept)]
    inputs = [(known[here] >> 1, there) for here, there in problem.inputs]
    state = [known[problem.state[n - 1]] >> 1 for n in kept]
    bad, assumed, *nexts = problem.graph.copy_into(graph, roots, known)
    place = {n: k for k, n in enumerate(kept, 1)}
    facts = (_fact(f, problem, follows, place) for f in problem.facts)
    new = Problem(
        graph,
        [problem.latches[n - 1] for n in kept],
        state,
        nexts,
        [problem.resets[n - 1] for n in kept],
        inputs,
        bad,
        assumed,
        [f for f in facts if f is not None],
        problem.constant,
    )
    return new, follows


def _fact(fact: Clause, problem: Problem, follows: Mapping[int, int], place: Mapping[int, int]) -> Clause | None:
    """A fact in the new numbers; None if it says nothing any more."""
    found = set()
    for x in fact:
        n, sign = abs(x), 1 if x > 0 else -1
        other = follows.get(n, n)
        if other == 0:
            if bool(problem.resets[n - 1]) == (x > 0):
                return None
            continue
        found.add(place[abs(other)] * (sign if other > 0 else -sign))
    return None if any(-x in found for x in found) else tuple(sorted(found))
