"""Facts and their one-step proofs: is each of a set of facts kept by every action, if all of them hold before it?

One incremental solver holds the state before a step as free symbols. A fact can be switched on as an assumption; so the solver
also says which facts a proof used, and a proof stays good until one of those is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from dmaverify.engines.base import Budget
from dmaverify.engines.seeds import Seed, places_behind
from dmaverify.engines.smt.encode import Encoder, no_inputs
from dmaverify.engines.smt.solver import Solver, SolverName, Term, make_solver
from dmaverify.engines.smt.terms import constant, decoded, sort_of
from dmaverify.engines.smt.unroll import enabled, passes
from dmaverify.ir.expr import TRUE, Expr, and_, not_
from dmaverify.ir.system import Check, System
from dmaverify.ir.traverse import variables
from dmaverify.ir.types import Type, Value

FactKind = Literal["domain", "assumption", "always", "hint", "check", "seed", "learned"]


@dataclass(eq=False)
class Fact:
    """Something that is to hold: of every reachable state (``condition``), or in every step of one action (``check``)."""

    number: int
    kind: FactKind
    name: str
    condition: Expr = TRUE
    action: int | None = None
    """For a check: which action it belongs to."""
    check: Check | None = None
    prop: str | None = None
    """The property (or lemma) that it is a part of."""
    depth: int = 0
    """How many facts stand between it and what is to be proved."""
    guesses: int = 0
    """How many of those were guessed in the hope that they can be shown."""
    about: set[str] = field(default_factory=set)
    """What it reads."""
    seed: Seed | None = None
    """For a guess: what was guessed."""


@dataclass(frozen=True)
class Step:
    """A counterexample to a one-step proof: the facts hold in ``state``, and some do not behind the action."""

    action: int
    state: Mapping[str, Value]
    """All of it, if the question was ``exact``."""
    broken: tuple[Fact, ...]
    behind: Mapping[str, Value]
    """Of the state behind the action what broken guesses about values are about."""
    inputs: dict[tuple[str, Type], Value]


class _Model(dict[str, Value]):
    """Values of variables in the solver's model, asked for when they are looked at: asking takes its time."""

    def __init__(self, system: System, solver: Solver, terms: Mapping[str, Term]) -> None:
        super().__init__()
        self._system, self._solver, self._terms = system, solver, terms

    def __missing__(self, name: str) -> Value:
        value = self[name] = decoded(self._solver.value(self._terms[name]), self._system.var(name).type)
        return value

    def complete(self) -> None:
        """Ask for all."""
        for v in self._system.vars:
            self[v.name]


class Relative:
    """One-step queries about one System."""

    def __init__(self, system: System, budget: Budget, solver: SolverName, seed: int = 0) -> None:
        self.system = system
        self.solver = make_solver(solver, budget, seed)
        w = self.writer = self.solver.writer
        self.before: dict[str, Term] = {v.name: w.symbol(f"s.{v.name}", sort_of(v.type)) for v in system.vars}
        self._inputs: dict[tuple[str, Type], Term] = {}
        self.encode = Encoder(w, self.before, self._input)
        self._behind: dict[int, Encoder[Term]] = {}
        self._enabled = [enabled(system, a) for a in system.actions]
        self.reads = [
            variables(self._enabled[n], *a.updates.values(), *(e for c in a.checks for e in (c.path, c.cond)))
            for n, a in enumerate(system.actions)
        ]
        self._stops = [and_(*(passes(c) for c in a.checks if c.stop)) for a in system.actions]
        self._on: dict[int, Term] = {}
        self._leads_to: dict[tuple[int, str], frozenset[int] | None] = {}
        values = {
            v.name: w.symbol(f"init.{v.name}", sort_of(v.type)) if v.any_init else constant(w, v.init, v.type) for v in system.vars
        }
        self._initial: Encoder[Term] = Encoder(w, values, no_inputs)

    def _input(self, name: str, t: Type) -> Term:
        if (name, t) not in self._inputs:
            self._inputs[name, t] = self.writer.symbol(f"i.{name}:{t}", sort_of(t))
        return self._inputs[name, t]

    def behind(self, action: int) -> Encoder[Term]:
        """Encodes conditions over the state behind an action in terms of the state before it."""
        found = self._behind.get(action)
        if found is None:
            updates = self.system.actions[action].updates
            after = {**self.before, **{name: self.encode(e) for name, e in updates.items()}}
            found = self._behind[action] = Encoder(self.writer, after, no_inputs)
        return found

    def switch(self, fact: Fact) -> Term:
        """The assumption that turns a fact about states on."""
        found = self._on.get(fact.number)
        if found is None:
            found = self._on[fact.number] = self.writer.symbol(f"on.{fact.number}", 0)
            if fact.check is None:
                self.solver.add(self.writer.apply("=>", [found, self.encode(fact.condition)]))
        return found

    def concerns(self, fact: Fact, action: int) -> bool:
        """Whether the fact has to be shown for this action at all."""
        if fact.check is not None:
            return fact.action == action
        updates = self.system.actions[action].updates
        if fact.about.isdisjoint(updates):
            return False
        if fact.seed is None or fact.seed.at is None:
            return True
        # about one place of a thread: does the action lead there, or change something while the thread is there?
        pc, place = fact.seed.at
        leads_to = self._leads_to.get((action, pc))
        if leads_to is None and (action, pc) not in self._leads_to:
            leads_to = self._leads_to[action, pc] = places_behind(self.system.actions[action], pc)
        return leads_to is None or place in leads_to

    def initially_false(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those of the facts about states that some initial state contradicts."""
        states = [f for f in facts if f.check is None]
        if not self.system.actions:
            # that is all there is to show, and it is shown more easily piece by piece
            return [f for f in states if self._initially_false([f])]
        broken: list[Fact] = []
        while now := self._initially_false([f for f in states if f not in broken]):
            broken += now
        return broken

    def _initially_false(self, facts: Sequence[Fact]) -> list[Fact]:
        """Some of those that some initial state contradicts, if there are any."""
        if not facts:
            return []
        wrong = {f.number: self._not(self._initial(f.condition)) for f in facts}
        self.solver.push()
        try:
            for e in self.system.assumptions:
                self.solver.add(self._initial(e))
            self.solver.add(self._any(list(wrong.values())))
            return [f for f in facts if self.solver.value(wrong[f.number])] if self.solver.check() else []
        finally:
            self.solver.pop()

    def step(self, action: int, wanted: Sequence[Fact], given: Sequence[Fact], exact: bool = True) -> Step | set[int]:
        """Whether the action keeps the wanted facts, from states where the given ones hold: a counterexample, or which were used.

        Checks among ``given`` that belong to the action are taken to pass, except that no check is taken for granted when one
        of the action's own checks is wanted. Facts that have nothing to do with the question are left out at first; if not
        ``exact``, a counterexample need not respect them, and its state is not told.
        """
        states = self._near(action, wanted, given)
        everything = [f for f in given if f.check is None]
        fewer = len(states) < len(everything)
        answer = self._both(action, wanted, given, states, exact and not fewer)
        if exact and fewer and isinstance(answer, Step):
            return self._both(action, wanted, given, everything, True)
        return answer

    def _near(self, action: int, wanted: Sequence[Fact], given: Sequence[Fact]) -> list[Fact]:
        """Those of the given facts about states that can matter for what the action does to the wanted ones."""
        near = set(self.reads[action]).union(*(f.about for f in wanted))
        ties = [f for f in given if f.check is None and f.seed is None]
        growing = True
        while growing:
            growing = False
            for f in ties:
                if not f.about.isdisjoint(near) and not f.about <= near:
                    near |= f.about
                    growing = True
        a = self.system.actions[action]
        pc = None if a.thread is None or a.at is None else self.system.thread(a.thread).pc
        return [
            f
            for f in given
            if f.check is None
            and (
                not f.about.isdisjoint(near)
                if f.seed is None
                # about a place where the action's thread is not at it says nothing
                else f.seed.name in near and (f.seed.at is None or f.seed.at[0] != pc or f.seed.at[1] == a.at)
            )
        ]

    def _both(self, action: int, wanted: Sequence[Fact], given: Sequence[Fact], states: list[Fact], whole: bool) -> Step | set[int]:
        checks = [f for f in given if f.check is not None and f.action == action]
        own = [f for f in wanted if f.check is not None]
        kept = [f for f in wanted if f.check is None]
        used: set[int] = set()
        for group, assumed in ((own, []), (kept, checks)):
            if not group:
                continue
            answer = self._ask(action, group, states, assumed, whole)
            if isinstance(answer, Step):
                return answer
            used |= answer
        return used

    def broken(self, action: int, wanted: Sequence[Fact], given: Sequence[Fact]) -> list[Fact]:
        """Those of the wanted facts that some step of the action breaks, from a state where the given ones hold: none if it keeps all.

        As ``step`` without telling what was used or the state, by a solver of its own.
        """
        near = self._near(action, wanted, given)
        checks = [f for f in given if f.check is not None and f.action == action]
        own = [f for f in wanted if f.check is not None]
        kept = [f for f in wanted if f.check is None]
        for group, assumed in ((own, []), (kept, checks)):
            if not group:
                continue
            solver = self.solver.fresh()
            for f in near:
                solver.add(self.encode(f.condition))
            solver.add(self.encode(self._enabled[action]))
            if group is kept:
                solver.add(self.encode(self._stops[action]))
            for f in assumed:
                assert f.check is not None
                solver.add(self.encode(passes(f.check)))
            wrong = {f.number: self._wrong(action, f) for f in group}
            solver.add(self._any(list(wrong.values())))
            if solver.check():
                return [f for f in group if solver.value(wrong[f.number])]
        return []

    def _wrong(self, action: int, fact: Fact) -> Term:
        """That a step of the action breaks the fact."""
        return self._not(self.encode(passes(fact.check)) if fact.check else self.behind(action)(fact.condition))

    def _ask(self, action: int, wanted: list[Fact], states: list[Fact], checks: list[Fact], whole: bool) -> Step | set[int]:
        w, solver = self.writer, self.solver
        assumed = [*states, *checks]
        switches = [self.switch(f) for f in assumed]
        wrong = {f.number: self._wrong(action, f) for f in wanted}
        solver.push()
        try:
            solver.add(self.encode(self._enabled[action]))
            if wanted[0].check is None:
                # behind a check that ends the run nothing is claimed
                solver.add(self.encode(self._stops[action]))
            for f in checks:
                assert f.check is not None
                solver.add(w.apply("=>", [self.switch(f), self.encode(passes(f.check))]))
            solver.add(self._any(list(wrong.values())))
            if solver.check(switches):
                state = _Model(self.system, solver, self.before)
                behind = _Model(self.system, solver, self.behind(action).variables)
                # asking for one value after the other of a large state takes longer than finding it
                broken = tuple(f for f in wanted if (not f.seed.holds(behind) if f.seed is not None else solver.value(wrong[f.number])))
                if whole:
                    state.complete()
                    for f in broken:
                        if f.seed is not None:
                            behind[f.seed.name]
                given = {
                    (i.name, i.type): decoded(solver.value(self._input(i.name, i.type)), i.type)
                    for i in self.system.actions[action].inputs
                }
                return Step(action, state, broken, behind, given)
            return {assumed[k].number for k in solver.core()}
        finally:
            solver.pop()

    def cause(self, step: Step, fact: Fact) -> set[str]:
        """Variables whose values before the step, whatever the others', make it break the fact."""
        w, solver = self.writer, self.solver
        if fact.check is not None:
            kept = self.encode(passes(fact.check))
        else:
            kept = w.apply("or", [self.behind(step.action)(fact.condition), self._not(self.encode(self._stops[step.action]))])
        names = list(step.state)
        fixed = [w.apply("=", [self.before[n], constant(w, step.state[n], self.system.var(n).type)]) for n in names]
        solver.push()
        try:
            for (name, t), value in step.inputs.items():
                solver.add(w.apply("=", [self._input(name, t), constant(w, value, t)]))
            solver.add(w.apply("or", [kept, self._not(self.encode(self._enabled[step.action]))]))
            if solver.check(fixed):
                raise AssertionError("the step does not break the fact")
            return {names[k] for k in solver.core()}
        finally:
            solver.pop()

    def follows(self, condition: Expr, given: Sequence[Fact], action: int | None = None) -> bool:
        """Whether the condition holds in every state of the given facts (where the action can be taken, if one is named)."""
        solver = self.solver
        switches = [self.switch(f) for f in given if f.check is None]
        solver.push()
        try:
            if action is not None:
                solver.add(self.encode(self._enabled[action]))
            solver.add(self.encode(not_(condition)))
            return not solver.check(switches)
        finally:
            solver.pop()

    def _not(self, term: Term) -> Term:
        return self.writer.apply("not", [term])

    def _any(self, terms: Sequence[Term]) -> Term:
        return terms[0] if len(terms) == 1 else self.writer.apply("or", list(terms))


def reads(fact: Fact) -> set[str]:
    """Variables that a fact is about."""
    if fact.check is not None:
        return variables(fact.check.path, fact.check.cond)
    return variables(fact.condition)
