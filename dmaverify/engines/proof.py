"""One proof by induction: facts, what is claimed of them, and what is learned on the way.

A *fact* is believed until it breaks. Beliefs are taken for granted in the state before a step; only what is *claimed* has to be
shown behind it, by every action. The properties are claimed first; whatever the proof of a claim rests on is claimed in turn, so that
in the end all that was used has been shown, and what was merely believed and never used does not matter.

A claim that an action breaks is defended: the state before the step is probably not reachable, so clauses are sought that exclude
it and that no sample contradicts. If there is none, the fact is dropped (a guess about values may be stretched instead),
and the proofs that rested on it are done again.
"""

from __future__ import annotations

from collections.abc import Sequence

from dmaverify.engines.base import Budget, Progress
from dmaverify.engines.frozen import guesses
from dmaverify.engines.literals import Clause, Learner
from dmaverify.engines.relative import Fact, FactKind, Relative, Step, reads
from dmaverify.engines.sampling import Samples, sample
from dmaverify.engines.scouting import scout
from dmaverify.engines.seeds import Seed, seeds
from dmaverify.engines.smt.solver import SolverName
from dmaverify.ir.expr import TRUE, Expr, implies
from dmaverify.ir.system import Always, Check, System

MOST_LEARNED = 2000
"""How many clauses may be learned before giving up."""

DEEPEST = 12
"""How long a chain of clauses, each guessed to show the one before, may be."""

MOST_JUDGED = 4000
"""How many of the samples clauses are measured against."""

SURPRISING = 8.0
"""A clause that so many samples would contradict, if its literals were independent, is worth guessing on its own."""

GUESSES = 4
"""How many such guesses are tried for one state."""

TRIED = 80
"""How many of the best clauses are tried together, in the hope that some are kept by every action at once."""

TAKEN = 6
"""How many of those that are kept are taken."""


class Proof:
    """The state of one proof. ``run``, then ask ``lost``, ``needed`` and ``samples``."""

    def __init__(
        self,
        system: System,
        properties: Sequence[str],
        hints: Sequence[Always],
        budget: Budget,
        solver: SolverName,
        seed: int,
        learn: bool,
    ) -> None:
        self.system, self.properties, self.budget, self.seed = system, tuple(properties), budget, seed
        self.hints = hints
        self.learn = learn
        self.relative = Relative(system, budget, solver, seed)
        self.samples: Samples | None = None
        self.lost: dict[str, str] = {}
        """Properties that are not shown, and why."""
        self.active: dict[int, Fact] = {}
        self.pending: list[dict[int, Fact]] = [{} for _ in system.actions]
        """For each action, the claims that are not yet shown for it."""
        self.used: dict[tuple[int, int], set[int]] = {}
        """For a claim and an action, the facts that the proof rests on."""
        self.claimed: set[int] = set()
        self.learned = 0
        self.steps = 0
        self._open_start = any(v.any_init for v in system.vars)
        self._numbers = 0
        self._clauses: dict[int, Fact] = {}
        """Facts that were tried as clauses, by the number of their condition."""
        self._guessed: set[int] = set()
        """Clauses that were taken without being kept at once: not again."""

    def run(self) -> None:
        """Show every property that can be shown; the others are ``lost``. ``Stopped`` if the budget runs out."""
        if self.learn:
            self.samples = sample(self.system, self.budget, self.seed)
            self._following = guesses(self.system, self.samples)
            hints = [e for h in self.hints for e in (h.when, h.cond)] + [e for _, e in self._following]
            self._learner = Learner(self.system, self.samples.some(MOST_JUDGED, self.seed), hints)
        self._believe()
        for fact in list(self.active.values()):
            if self.asked(fact):
                self._claim(fact)
        while self.open():
            todo = [n for n, pending in enumerate(self.pending) if pending]
            if not todo:
                return
            self._show(todo)

    def open(self) -> list[str]:
        """Properties that are asked for and not lost."""
        return [p for p in self.properties if p not in self.lost]

    def asked(self, fact: Fact) -> bool:
        """Whether the fact is a part of a property that is asked for."""
        return fact.kind in ("always", "check") and fact.prop in self.properties

    def needed(self, prop: str) -> list[Fact]:
        """The facts that the proof of a property rests on, found again one by one so that little is superfluous."""
        goals = [f for f in self.active.values() if f.prop == prop and self.asked(f)]
        needed = {f.number: f for f in goals}
        todo = list(goals)
        given = [f for f in self.active.values() if f.number in self.claimed]
        while todo:
            fact = todo.pop()
            for n in range(len(self.system.actions)):
                if self.relative.concerns(fact, n):
                    answer = self.relative.step(n, [fact], given)
                    assert not isinstance(answer, Step), "shown before"
                    for number in answer - needed.keys():
                        needed[number] = self.active[number]
                        todo.append(needed[number])
        return [needed[n] for n in sorted(needed)]

    # -- beliefs -----------------------------------------------------------------------------------------------------

    def _believe(self) -> None:
        """The facts to begin with; those that some initial state or sample contradicts are gone at once."""
        for n, e in enumerate(self.system.domain):
            self._add(self._new("domain", f"domain.{n}", e))
        for n, e in enumerate(self.system.assumptions):
            self._add(self._new("assumption", f"assumption.{n}", e))
        for w in self.system.always:
            self._add(self._new("always", w.label, implies(w.when, w.cond), prop=w.prop))
        for h in self.hints:
            self._add(self._new("hint", h.label, implies(h.when, h.cond), prop=h.prop))
        for n, action in enumerate(self.system.actions):
            for c in action.checks:
                self._add(self._new("check", c.label, action=n, check=c, prop=c.prop))
        if self.samples is not None:
            stated = [f for f in self.active.values() if f.check is None]
            for f in stated:
                if not self.samples.all_satisfy(f.condition):
                    self._drop(f, "a random walk contradicts it")
            for f in [f for f in self.active.values() if f.check is not None and f.prop in self.samples.violated]:
                self._drop(f, "a random walk violates it")
            for name, e in self._following:
                self._add(self._new("learned", name, e))
            if self.open():
                for guess in scout(self.samples, seeds(self.system, self.samples), self.budget, self.seed):
                    self._add(self._guess(guess))
        for f in self.relative.initially_false(list(self.active.values())):
            self._drop(f, "it does not hold initially")

    def _new(
        self,
        kind: FactKind,
        name: str,
        condition: Expr = TRUE,
        action: int | None = None,
        check: Check | None = None,
        prop: str | None = None,
    ) -> Fact:
        fact = Fact(self._numbers, kind, name, condition, action, check, prop)
        self._numbers += 1
        fact.about = reads(fact)
        return fact

    def _guess(self, seed: Seed) -> Fact:
        where = "" if seed.at is None else f" at {seed.at[0]}={seed.at[1]}"
        fact = self._new("seed", f"{seed.name}{where}", seed.condition(self.system))
        fact.seed = seed
        return fact

    def _clause(self, clause: Clause) -> Fact:
        """The fact that a clause stands for; the same clause is always the same fact."""
        condition = clause.condition
        fact = self._clauses.get(condition.uid)
        if fact is None:
            fact = self._clauses[condition.uid] = self._new("learned", "", condition)
            fact.name = f"learned.{fact.number}"
        return fact

    def _add(self, fact: Fact) -> None:
        self.active[fact.number] = fact

    def _claim(self, fact: Fact) -> None:
        self.claimed.add(fact.number)
        for n in range(len(self.system.actions)):
            if self.relative.concerns(fact, n):
                self.pending[n][fact.number] = fact

    def _drop(self, fact: Fact, why: str) -> None:
        """Give a fact up, and with it the proofs that used it."""
        del self.active[fact.number]
        self.claimed.discard(fact.number)
        for pending in self.pending:
            pending.pop(fact.number, None)
        if self.asked(fact) and fact.prop is not None:
            self.lost.setdefault(fact.prop, f"{fact.name}: {why}")
        for (number, action), used in list(self.used.items()):
            if fact.number in used or number == fact.number:
                del self.used[number, action]
                if number in self.active:
                    self.pending[action][number] = self.active[number]

    # -- showing claims ----------------------------------------------------------------------------------------------

    def _show(self, todo: list[int]) -> None:
        """One question: the claims nearest to the properties that are open for one action."""
        self.budget.check(lambda: Progress("induction", note=f"{len(self.claimed)} facts, {len(todo)} actions to show"))
        action = min(todo, key=lambda n: (min(f.depth for f in self.pending[n].values()), n))
        least = min(f.depth for f in self.pending[action].values())
        wanted = [f for f in self.pending[action].values() if f.depth == least]
        self.steps += 1
        given = list(self.active.values())
        answer = self.relative.step(action, wanted, [f for f in given if f.number in self.claimed], exact=False)
        if isinstance(answer, Step):
            # what is claimed already is not enough
            answer = self.relative.step(action, wanted, given)
        if isinstance(answer, Step):
            self._defend(answer)
            return
        answer = self._fewer(action, wanted, answer)
        for f in wanted:
            self.used[f.number, action] = answer
            self.pending[action].pop(f.number, None)
        for number in answer - self.claimed:
            fact = self.active[number]
            fact.depth = least + 1
            fact.guesses = max(fact.guesses, min(f.guesses for f in wanted))
            self._claim(fact)

    def _fewer(self, action: int, wanted: list[Fact], used: set[int]) -> set[int]:
        """What the proof rests on, with as few new claims as a try for each can make it; what is hard to show goes first."""
        new = [self.active[n] for n in sorted(used - self.claimed)]
        new.sort(key=lambda f: (f.seed is None, f.seed is None or not f.seed.about_pc, f.number))
        for fact in new:
            if fact.number not in used:
                continue
            given = [f for n, f in self.active.items() if n in self.claimed or (n in used and f is not fact)]
            answer = self.relative.step(action, wanted, given, exact=False)
            if not isinstance(answer, Step):
                used = answer
        return used

    def _defend(self, step: Step) -> None:
        """Exclude the state before the step, or drop what breaks."""
        broken = min(step.broken, key=lambda f: (f.kind == "assumption", f.depth, f.number))
        clauses = self._learn(step, broken) if self.learn and broken.kind != "assumption" else []
        if clauses and self._open_start:
            # samples begin in some of the initial states only
            wrong = self.relative.initially_false(clauses)
            clauses = [c for c in clauses if c not in wrong]
        if clauses:
            self.learned += len(clauses)
            for clause in clauses:
                self._add(clause)
            return
        self._drop(broken, f"not kept by {self.system.actions[step.action].name}")
        wider = None if broken.seed is None else broken.seed.with_value(step.behind[broken.seed.name])
        if wider is not None:
            self._add(self._guess(wider))

    def _learn(self, step: Step, broken: Fact) -> list[Fact]:
        """Facts that exclude the state and that no sample contradicts, preferably such as every action keeps."""
        assert self.samples is not None
        if self.learned >= MOST_LEARNED:
            return []
        state = self.samples.packing.pack(step.state)
        about = self.relative.cause(step, broken)
        guesses: list[Clause] = []
        for width in (1, 2, 3):
            clauses = self._learner.clauses(state, about, TRIED, width)
            kept = self._kept([self._clause(c) for c in clauses])
            if kept:
                return kept[:TAKEN]
            guesses += [c for c in clauses if c.surprise >= SURPRISING][:GUESSES]
        if broken.guesses >= DEEPEST:
            return []
        for clause in (*guesses, *self._learner.cubes(step.state, about)):
            guess = self._clause(clause)
            if guess.number not in self.active and guess.number not in self._guessed:
                self._guessed.add(guess.number)
                guess.guesses = broken.guesses + 1
                if self.samples.all_satisfy(guess.condition):
                    return [guess]
        return []

    def _kept(self, trials: list[Fact]) -> list[Fact]:
        """Those of the facts that every action keeps, relative to each other and to what is believed."""
        left = {f.number: f for f in trials if f.number not in self.active}
        given = list(self.active.values())
        todo = dict.fromkeys(range(len(self.system.actions)), True)
        rests_on: dict[int, set[int]] = {}
        while todo and left:
            action = next(iter(todo))
            wanted = [f for f in left.values() if self.relative.concerns(f, action)]
            answer = self.relative.step(action, wanted, [*given, *left.values()], exact=False) if wanted else set()
            if not isinstance(answer, Step):
                del todo[action]
                rests_on[action] = answer
                continue
            broken = {f.number for f in answer.broken}
            left = {n: f for n, f in left.items() if n not in broken}
            todo.update((n, True) for n, used in rests_on.items() if used & broken)
        return list(left.values())
