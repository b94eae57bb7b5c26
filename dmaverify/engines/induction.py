"""Proofs at any depth by one-step induction, with lemmas, and with invariants that are guessed from samples.

Everything that is to be shown, the properties and the lemmas, and what the encoding promises of every state, is assumed before
a step and shown behind it, for one action at a time. A step that breaks a fact starts in a state that is probably not reachable:
then a clause is learned that no sample contradicts and that excludes this state, and the clause has to be shown like everything else.
If there is no such clause, the broken fact is dropped, and what rested on it is shown again. What is left in the end is inductive,
whatever it was guessed from. A property is proved if it is among that, and if the certificate written of it is accepted by another
solver in a fresh process.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dmaverify.engines.base import Budget, Progress, Stopped
from dmaverify.engines.certificate import Certificate, Refused, certify
from dmaverify.engines.literals import Clause, Learner
from dmaverify.engines.relative import Fact, FactKind, Relative, Step, reads
from dmaverify.engines.sampling import Samples, sample
from dmaverify.engines.seeds import Seed, seeds
from dmaverify.engines.sowing import Sowing
from dmaverify.engines.smt.solver import SolverName, other
from dmaverify.engines.traces import spans_of
from dmaverify.ir.expr import TRUE, Expr, implies, not_, variables
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import Always, Check, Reached, System
from dmaverify.verdict import Outcome, Word

MOST_LEARNED = 1500
"""How many clauses may be learned before giving up."""

DEEPEST = 12
"""How long a chain of clauses, each guessed to show the one before, may be."""

MOST_JUDGED = 4000
"""How many of the samples clauses are measured against."""

SURPRISING = 8.0
"""A clause that so many samples would contradict, if its literals were independent, is worth guessing on its own."""

GUESSES = 4

TAKEN = 6
"""How many of those that are kept are taken."""

TRIED = 80
"""How many of the best clauses are tried together, in the hope that some are kept by every action at once."""


class Induction:
    """The engine.

    ``hints`` are lemmas from outside the System (of which only those over its variables count), ``learn`` False leaves out the
    guessing, ``certificates`` is the folder to write to (None: a temporary one, removed again).
    """

    name = "induction"

    def __init__(
        self,
        solver: SolverName = "bitwuzla",
        seed: int = 0,
        learn: bool = True,
        hints: Sequence[Always] = (),
        certificates: Path | None = None,
    ) -> None:
        self.solver: SolverName = solver
        self.seed = seed
        self.learn = learn
        self.hints = tuple(hints)
        self.certificates = certificates

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Prove the properties, or say ``unknown``."""
        return _Proof(self, system, properties, budget).run()


class _Proof:
    def __init__(self, engine: Induction, system: System, properties: tuple[str, ...], budget: Budget) -> None:
        self.engine, self.system, self.properties, self.budget = engine, system, properties, budget
        self.numbers = 0
        self.clauses: dict[int, Fact] = {}
        """Facts that were tried as clauses, by the number of their condition."""
        self.guessed: set[int] = set()
        """Clauses that were activated without being kept at once: not again."""
        self.active: dict[int, Fact] = {}
        self.pending: list[dict[int, Fact]] = [{} for _ in system.actions]
        """For each action, the facts that are not yet shown to be kept by it."""
        self.used: dict[tuple[int, int], set[int]] = {}
        """For a fact and an action, the facts that the proof rests on."""
        self.lost: dict[str, str] = {}
        """Properties that are not shown, and why."""
        self.learned = 0
        self.steps = 0
        self.samples: Samples | None = None
        self.started = time.monotonic()

    def run(self) -> list[Outcome]:
        """All that there is to do, within the budget."""
        reason = ""
        needed: dict[str, list[Fact]] = {}
        certificates: dict[str, Certificate] = {}
        try:
            self.relative = Relative(self.system, self.budget, self.engine.solver, self.engine.seed)
            if self.engine.learn:
                self.samples = sample(self.system, self.budget, self.engine.seed)
                hints = [e for h in self._hints() for e in (h.when, h.cond)]
                self.learner = Learner(self.system, self.samples.some(MOST_JUDGED, self.engine.seed), hints)
            self._start()
            if self._open():
                self._show()
            for p in self._open():
                needed[p] = self._closure([f for f in self.active.values() if f.prop == p and self._asked(f)])
                certificates[p] = self._certify(p, needed[p])
        except Stopped as e:
            reason = e.reason
        except Refused as e:
            reason = f"the certificate was refused: {e}"
        return [self._outcome(p, reason, needed.get(p, []), certificates.get(p)) for p in self.properties]

    # -- what is to be shown -----------------------------------------------------------------------------------------

    def _hints(self) -> list[Always]:
        known = {v.name for v in self.system.vars}
        own = {(w.cond.uid, w.when.uid) for w in self.system.always}
        return [
            h
            for h in self.engine.hints
            if variables(h.cond, h.when) <= known and (h.cond.uid, h.when.uid) not in own
        ]

    def _start(self) -> None:
        """The facts to begin with; those that do not even hold initially are gone at once."""
        for n, e in enumerate(self.system.domain):
            self._fact("domain", f"domain.{n}", e)
        for n, e in enumerate(self.system.assumptions):
            self._fact("assumption", f"assumption.{n}", e)
        for a in self.system.always:
            self._fact("always", a.label, implies(a.when, a.cond), a.prop)
        for h in self._hints():
            self._fact("hint", h.label, implies(h.when, h.cond), h.prop)
        for n, action in enumerate(self.system.actions):
            for c in action.checks:
                self._activate(self._new("check", c.label, action=n, check=c, prop=c.prop))
        for fact in self.relative.initially_false(list(self.active.values())):
            self._drop(fact, "it does not hold initially")
        if self.samples is not None:
            stated = [f for f in self.active.values() if f.check is None]
            everywhere = (1 << len(self.samples.states)) - 1
            for fact, truth in zip(stated, self.samples.truth([f.condition for f in stated]), strict=True):
                if truth != everywhere:
                    self._drop(fact, "a random walk contradicts it")
            for fact in [f for f in self.active.values() if f.check is not None and f.prop in self.samples.violated]:
                self._drop(fact, "a random walk violates it")
            if self._open():
                self._sow(self.samples)

    def _fact(self, kind: FactKind, name: str, condition: Expr, prop: str | None = None) -> None:
        self._activate(self._new(kind, name, condition, prop=prop))

    def _sow(self, samples: Samples) -> None:
        """Activate the first guesses, as far as every action keeps them."""
        given = list(self.active.values())
        for fact in Sowing(self.relative, samples, given, self._seeded, self.budget).run(seeds(self.system, samples)):
            self._activate(fact)

    def _seeded(self, seed: Seed) -> Fact:
        name = f"{seed.name}{'' if seed.at is None else f' at {seed.at[0]}={seed.at[1]}'}"
        fact = self._new("seed", name, seed.condition(self.system))
        fact.seed, fact.depth = seed, 1
        return fact

    def _new(
        self,
        kind: FactKind,
        name: str,
        condition: Expr = TRUE,
        action: int | None = None,
        check: Check | None = None,
        prop: str | None = None,
    ) -> Fact:
        fact = Fact(self.numbers, kind, name, condition, action, check, prop)
        self.numbers += 1
        fact.about = reads(fact)
        return fact

    def _activate(self, fact: Fact) -> None:
        self.active[fact.number] = fact
        for n in range(len(self.system.actions)):
            if self.relative.concerns(fact, n):
                self.pending[n][fact.number] = fact

    def _asked(self, fact: Fact) -> bool:
        return fact.kind in ("always", "check") and fact.prop in self.properties

    def _open(self) -> list[str]:
        """Properties that are asked for and not lost."""
        return [p for p in self.properties if p not in self.lost]

    def _drop(self, fact: Fact, why: str) -> None:
        """Give a fact up, and with it the proofs that used it."""
        del self.active[fact.number]
        for pending in self.pending:
            pending.pop(fact.number, None)
        if self._asked(fact) and fact.prop is not None:
            self.lost.setdefault(fact.prop, f"{fact.name}: {why}")
        for (number, action), used in list(self.used.items()):
            if fact.number in used or number == fact.number:
                del self.used[number, action]
                if number in self.active:
                    self.pending[action][number] = self.active[number]

    # -- showing it --------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Until every active fact is kept by every action, or nothing asked for is left."""
        while self._open():
            todo = [n for n, pending in enumerate(self.pending) if pending]
            if not todo:
                return
            self.budget.check(lambda: Progress("induction", note=f"{len(self.active)} facts, {len(todo)} actions to show"))
            # what is to be proved before what was only guessed
            action = min(todo, key=lambda n: (min(f.depth for f in self.pending[n].values()), n))
            least = min(f.depth for f in self.pending[action].values())
            wanted = [f for f in self.pending[action].values() if f.depth == least]
            answer = self.relative.step(action, wanted, list(self.active.values()))
            self.steps += 1
            if isinstance(answer, Step):
                self._broken(answer)
                continue
            for f in wanted:
                self.used[f.number, action] = answer
                self.pending[action].pop(f.number, None)

    def _broken(self, step: Step) -> None:
        """Exclude the state, or drop what breaks."""
        name = self.system.actions[step.action].name
        worth = [f for f in step.broken if f.kind not in ("assumption", "seed")]
        clauses = self._learn(step, worth) if worth and self.engine.learn else []
        if not clauses:
            for f in step.broken:
                self._drop(f, f"not kept by {name}")
        for clause in clauses:
            self.learned += 1
            clause.depth = min(f.depth for f in worth) + 1
            self._activate(clause)

    def _learn(self, step: Step, worth: list[Fact]) -> list[Fact]:
        """Facts that exclude the state and that no sample contradicts, preferably such as every action keeps."""
        assert self.samples is not None
        if self.learned >= MOST_LEARNED:
            return []
        state = self.samples.packing.pack(step.state)
        first = min(worth, key=lambda f: f.depth)
        about = self.relative.cause(step, first)
        guesses: list[Clause] = []
        for width in (1, 2, 3):
            clauses = self.learner.clauses(state, about, TRIED, width)
            kept = self._kept([self._trial(c) for c in clauses])
            if kept:
                return kept[:TAKEN]
            guesses += [c for c in clauses if c.surprise >= SURPRISING][:GUESSES]
        if first.depth >= DEEPEST:
            return []
        for clause in (*guesses, *self.learner.cubes(step.state, about)):
            guess = self._trial(clause)
            if guess.number not in self.active and guess.number not in self.guessed:
                self.guessed.add(guess.number)
                if self.samples.all_satisfy(guess.condition):
                    return [guess]
        return []

    def _trial(self, clause: Clause) -> Fact:
        """The fact that a clause stands for; the same clause is always the same fact."""
        condition = clause.condition
        fact = self.clauses.get(condition.uid)
        if fact is None:
            fact = self.clauses[condition.uid] = self._new("learned", "", condition)
            fact.name = f"learned.{fact.number}"
        return fact

    def _kept(self, trials: list[Fact]) -> list[Fact]:
        """Those of the facts that every action keeps, relative to each other and to the active ones."""
        left = {f.number: f for f in trials if f.number not in self.active}
        given = list(self.active.values())
        todo = {n: True for n in range(len(self.system.actions))}
        rests_on: dict[int, set[int]] = {}
        while todo and left:
            action = next(iter(todo))
            wanted = [f for f in left.values() if self.relative.concerns(f, action)]
            answer = self.relative.step(action, wanted, [*given, *left.values()]) if wanted else set()
            if not isinstance(answer, Step):
                del todo[action]
                rests_on[action] = answer
                continue
            for f in answer.broken:
                del left[f.number]
            broken = {f.number for f in answer.broken}
            todo.update((n, True) for n, used in rests_on.items() if used & broken)
        return list(left.values())

    # -- what came out -----------------------------------------------------------------------------------------------

    def _closure(self, goals: list[Fact]) -> list[Fact]:
        """The facts that the proof of the goals needs, found again one by one so that nothing superfluous is left."""
        needed = {f.number: f for f in goals}
        todo = list(goals)
        given = list(self.active.values())
        while todo:
            fact = todo.pop()
            for n in range(len(self.system.actions)):
                if not self.relative.concerns(fact, n):
                    continue
                answer = self.relative.step(n, [fact], given)
                assert not isinstance(answer, Step), "shown before"
                for number in answer - needed.keys():
                    needed[number] = self.active[number]
                    todo.append(needed[number])
        return [needed[n] for n in sorted(needed)]

    def _certify(self, prop: str, facts: list[Fact]) -> Certificate:
        """Write the certificate and have it checked by the other solver in a fresh process."""
        return certify(
            self.system,
            prop,
            [(f.name, f.condition) for f in facts if f.check is None],
            [(f.action, f.check) for f in facts if f.check is not None and f.action is not None],
            self.engine.certificates,
            other(self.engine.solver),
            self.budget,
        )

    def _outcome(self, prop: str, reason: str, needed: list[Fact], certificate: Certificate | None) -> Outcome:
        outcome = Outcome(
            prop,
            Word.UNKNOWN,
            slices=1,
            engine=Induction.name,
            seconds=time.monotonic() - self.started,
            spans=spans_of(self.system, prop),
        )
        if certificate is not None:
            outcome.word, outcome.depth = Word.PROVED, 1
            outcome.lemmas = tuple(sorted({f.prop for f in needed if f.prop and f.prop != prop}))
            outcome.certificate = None if certificate.folder is None else str(certificate.folder)
        else:
            outcome.reason = self.lost.get(prop) or reason or "not inductive"
        outcome.exercised = self._exercised(prop, needed, certificate is not None)
        seen = self.samples.exercised if self.samples is not None else set()
        covers = [c.name for c in self.system.covers]
        covers += [e.cover for a in self.system.actions for e in a.effects if isinstance(e, Reached)]
        outcome.covers = {c: ("", c) in seen or None for c in covers if belongs(c, prop)}
        return outcome

    def _exercised(self, prop: str, needed: list[Fact], proved: bool) -> dict[str, bool | None]:
        """What the walks have put to the test; of the rest, what the invariant shows to be impossible."""
        seen = self.samples.exercised if self.samples is not None else set()
        places: dict[str, list[tuple[int | None, Expr]]] = {}
        for w in self.system.always:
            if w.prop == prop:
                places.setdefault(w.label, []).append((None, w.when))
        for n, a in enumerate(self.system.actions):
            for c in a.checks:
                if c.prop == prop:
                    places.setdefault(c.label, []).append((n, c.path))
        found: dict[str, bool | None] = {}
        for label, where in places.items():
            found[label] = True if (prop, label) in seen else None
            if found[label] is None and proved:
                with contextlib.suppress(Stopped):
                    if all(self.relative.follows(not_(path), list(self.active.values()), n) for n, path in where):
                        found[label] = False
        return found
