"""Proofs from what is stated: the properties, the lemmas of the specification, what the types promise, and nothing that is learned.

Where an author has written down why something holds, that is all there is to show. Every action is asked by itself whether it keeps
all facts together; what it breaks is no longer relied on, until nothing is broken or a property is. Of actions that are the same up to
the names of variables, which may be exchanged everywhere (slots of a client), one is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from dmaverify.engines.base import Budget
from dmaverify.engines.relative import Fact, FactKind, Relative, reads
from dmaverify.engines.smt.solver import SolverName
from dmaverify.ir.expr import TRUE, Expr, implies
from dmaverify.ir.renaming import Alike, Renaming, alike
from dmaverify.ir.symmetry import find
from dmaverify.ir.system import Always, Check, System

FEW = 200
"""With fewer facts times actions it is quicker to ask each than to look for what is the same."""


class Stated:
    """The facts of one System, and which of them every action keeps."""

    def __init__(
        self,
        system: System,
        properties: Sequence[str],
        hints: Sequence[Always],
        budget: Budget,
        solver: SolverName,
        seed: int = 0,
    ) -> None:
        self.system, self.properties = system, tuple(properties)
        self.relative = Relative(system, budget, solver, seed)
        self.facts: list[Fact] = []
        for n, e in enumerate(system.domain):
            self._add("domain", f"domain.{n}", e)
        for n, e in enumerate(system.assumptions):
            self._add("assumption", f"assumption.{n}", e)
        for w in system.always:
            if w.prop in self.properties:
                self._add("always", w.label, implies(w.when, w.cond), prop=w.prop)
        for h in hints:
            self._add("hint", h.label, implies(h.when, h.cond), prop=h.prop)
        for n, action in enumerate(system.actions):
            for c in action.checks:
                if c.prop in self.properties:
                    self._add("check", c.label, action=n, check=c, prop=c.prop)
        self.renamings: tuple[Renaming, ...] = ()
        """What may be exchanged everywhere, in the System and among the facts."""
        many = len(self.facts) * len(system.actions) >= FEW
        self.near = many
        """Whether each action needed no more than the facts near to it and to what it keeps (see ``owed``)."""
        self._alike: Alike | None = None
        self._place = {f.number: n for n, f in enumerate(f for f in self.facts if f.check is None)}
        """Of facts about states, among these."""
        if many:
            self._exchange()

    def _exchange(self) -> None:
        """Find out what is the same up to names."""
        states = [f for f in self.facts if f.check is None]
        whole = self.system.with_(always=tuple(Always(f"{f.kind} {f.prop}", str(f.number), f.condition) for f in states))
        symmetry = find(whole)
        if symmetry is not None:
            self.renamings = tuple(symmetry.generators())
            self._alike = alike(whole, self.renamings)

    def _without(self, facts: list[Fact], broken: list[Fact]) -> list[Fact]:
        """The facts without those that are broken, and without those that are like one: something breaks these as well."""
        gone = {self._class(f) for f in broken}
        return [f for f in facts if self._class(f) not in gone]

    def _class(self, fact: Fact) -> tuple[str, int]:
        if self._alike is None or fact.check is not None:
            return "fact", fact.number
        return "always", self._alike.always[self._place[fact.number]]

    def _asked(self, facts: list[Fact]) -> dict[int, list[Fact]]:
        """For each action the facts that have to be asked of it."""
        if self._alike is None:
            return {n: [f for f in facts if self.relative.concerns(f, n)] for n in range(len(self.system.actions))}
        of = {self._place[f.number]: f for f in facts if f.check is None}
        pairs = [(n, k) for n in range(len(self.system.actions)) for k, f in of.items() if self.relative.concerns(f, n)]
        found: dict[int, list[Fact]] = {n: [] for n in dict.fromkeys(self._alike.actions)}
        for n, k in self._alike.pairs(pairs):
            found.setdefault(n, []).append(of[k])
        for f in facts:
            if f.action in found and f.check is not None:
                found[f.action].append(f)
        return found

    def _add(
        self,
        kind: FactKind,
        name: str,
        condition: Expr = TRUE,
        action: int | None = None,
        check: Check | None = None,
        prop: str | None = None,
    ) -> None:
        fact = Fact(len(self.facts), kind, name, condition, action, check, prop)
        fact.about = reads(fact)
        self.facts.append(fact)

    def asked(self, fact: Fact) -> bool:
        """Whether the fact is a part of a property that is asked for."""
        return fact.kind in ("always", "check") and fact.prop in self.properties

    def proved(self) -> list[Fact] | None:
        """Facts that hold initially and that every action keeps together, among them all that is asked; None if those do not."""
        facts = self._without(self.facts, self.relative.initially_false(self.facts))
        if not all(f in facts for f in self.facts if self.asked(f)):
            return None
        # what is asked comes first: if it does not follow from everything, it does not from less
        for n, wanted in self._asked([f for f in facts if self.asked(f)]).items():
            if self._broken(n, wanted, facts):
                return None
        asked = self._asked(facts)
        todo = list(asked)
        while todo:
            broken = self._broken(todo[0], asked[todo[0]], facts)
            if not broken:
                todo.pop(0)
                continue
            if any(self.asked(f) for f in broken):
                return None
            facts = self._without(facts, broken)
            asked = self._asked(facts)
            # what rested on them is shown again; what has just been asked goes on being asked
            todo = [*todo, *(n for n in asked if n not in todo)]
        return facts

    def _broken(self, action: int, wanted: list[Fact], given: list[Fact]) -> list[Fact]:
        if not wanted:
            return []
        if self.near:
            near = set(self.relative.reads[action]).union(*(f.about for f in wanted))
            if not self.relative.broken(action, wanted, [f for f in given if f.check is not None or f.about <= near]):
                return []
        broken = self.relative.broken(action, wanted, given)
        self.near = self.near and bool(broken)
        return broken
