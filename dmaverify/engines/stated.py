"""Proofs from what is stated: the properties, the lemmas of the specification, what the types promise, and nothing that is learned.

Where an author has written down why something holds, that is all there is to show. Every action is asked by itself whether it keeps
all facts together; what it breaks is no longer relied on, until nothing is broken or a property is.
"""

from __future__ import annotations

from collections.abc import Sequence

from dmaverify.engines.base import Budget
from dmaverify.engines.relative import Fact, FactKind, Relative, reads
from dmaverify.engines.smt.solver import SolverName
from dmaverify.ir.expr import TRUE, Expr, implies
from dmaverify.ir.system import Always, Check, System


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
        initially = {f.number for f in self.relative.initially_false(self.facts)}
        facts = [f for f in self.facts if f.number not in initially]
        if not all(f in facts for f in self.facts if self.asked(f)):
            return None
        # what is asked comes first: if it does not follow from everything, it does not from less
        if any(self._broken(n, [f for f in facts if self.asked(f)], facts) for n in range(len(self.system.actions))):
            return None
        todo = list(range(len(self.system.actions)))
        while todo:
            broken = self._broken(todo[0], facts, facts)
            if not broken:
                todo.pop(0)
                continue
            if any(self.asked(f) for f in broken):
                return None
            facts = [f for f in facts if f not in broken]
            # what rested on them is shown again; what has just been asked goes on being asked
            todo = [*todo, *(n for n in range(len(self.system.actions)) if n not in todo)]
        return facts

    def _broken(self, action: int, wanted: list[Fact], given: list[Fact]) -> list[Fact]:
        concerned = [f for f in wanted if self.relative.concerns(f, action)]
        return self.relative.broken(action, concerned, given) if concerned else []
