"""Proofs at any depth by one-step induction, with lemmas, and with invariants that are guessed from samples.

How a proof is found is in ``proof``; a property is proved if the certificate written of it is accepted by another solver in a
fresh process.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dmaverify.engines.base import Budget, Stopped
from dmaverify.engines.certificate import Certificate, Refused, certify
from dmaverify.engines.exploration import outcome_of
from dmaverify.engines.never import claims, covered, never, unclaimed, unreached
from dmaverify.engines.proof import Proof
from dmaverify.engines.reached import MOST_STATES, all_states
from dmaverify.engines.relative import Fact
from dmaverify.engines.smt.solver import SolverName, other
from dmaverify.engines.stated import Stated
from dmaverify.engines.traces import spans_of
from dmaverify.ir.expr import Expr, not_
from dmaverify.ir.renaming import Renaming
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import Always, Reached, System
from dmaverify.ir.traverse import variables
from dmaverify.verdict import Outcome, Word

QUICK = 10.0
"""Seconds that guessing has before other ways are tried."""

FEW_STATES = 10_000
"""With so many states, it is faster to visit them all than to guess what holds in them."""


class Induction:
    """The engine.

    ``hints`` are lemmas from outside the System (of which only those over its variables count), ``learn`` False leaves out the
    guessing, ``certificates`` is the folder to write to (None: a temporary one, removed again). ``few``: with at most so many
    states, the set of all of them is the first thing to be tried; 0 where a search has come before, to no end.
    """

    name = "induction"

    def __init__(
        self,
        solver: SolverName = "bitwuzla",
        seed: int = 0,
        learn: bool = True,
        hints: Sequence[Always] = (),
        certificates: Path | None = None,
        few: int = 0,
    ) -> None:
        self.solver: SolverName = solver
        self.seed = seed
        self.learn = learn
        self.hints = tuple(hints)
        self.certificates = certificates
        self.few = few

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Prove the properties, and that covers are never reached, or say ``unknown``."""
        covers = [p for p in properties if not claims(system, p) and covered(system, p)]
        found = {p: unclaimed(system, p) for p in properties if p not in covers and not claims(system, p)}
        for o in found.values():
            o.engine = o.engine or self.name
        others = tuple(p for p in properties if p not in covers and p not in found)
        found |= {o.prop: o for o in self._proved(system, others, budget)}
        for cover in covers:
            (proof,) = self._proved(never(system, cover), (cover,), budget)
            found[cover] = unreached(proof)
        return [found[p] for p in properties]


    def _proved(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """What guessing shows at once; of the rest, what the set of all states shows, if it is small; or else guess on."""
        if not properties:
            return []
        stated = self._from_what_is_stated(system, properties, budget)
        if stated:
            rest = self._proved_otherwise(system, tuple(p for p in properties if p not in stated), budget)
            by_name = stated | {o.prop: o for o in rest}
            return [by_name[p] for p in properties]
        return self._proved_otherwise(system, properties, budget)

    def _proved_otherwise(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        found = self._by_all_states(system, properties, budget, self.few) if properties and self.few else {}
        found |= {o.prop: o for o in self._guessed(system, tuple(p for p in properties if p not in found), budget)}
        return [found[p] for p in properties]

    def _guessed(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        if not properties:
            return []
        # where nothing happens there is nothing to guess
        quick = _at_most(QUICK, budget) if system.actions else budget
        found = _Run(self, system, properties, quick).outcomes()
        left = tuple(o.prop for o in found if o.word is not Word.PROVED and "time" in o.reason)
        if left:
            more = self._by_all_states(system, left, budget, MOST_STATES)
            left = tuple(p for p in left if p not in more)
            more.update((o.prop, o) for o in (_Run(self, system, left, budget).outcomes() if left else ()))
            found = [more.get(o.prop, o) for o in found]
        return found

    def _from_what_is_stated(self, system: System, properties: tuple[str, ...], budget: Budget) -> dict[str, Outcome]:
        """Proofs whose invariant is the properties and lemmas as they are written, if there are lemmas."""
        left = budget.left()
        run = _Run(self, system, properties, _at_most(QUICK if left is None else max(QUICK, left / 2), budget))
        hints = run.hints()
        found: dict[str, Outcome] = {}
        lemmas = {p.name for p in system.properties if p.kind == "lemma"}
        if not hints and not any(w.prop in lemmas for w in system.always):
            return found
        # most properties need little of what is known; the rest are shown together
        known = [*hints, *system.always]
        attempts: list[tuple[tuple[str, ...], list[Always]]] = [((p,), _about(known, _read_by(system, p))) for p in properties]
        attempts += [(some, known) for some in dict.fromkeys((properties, *((p,) for p in properties)))]
        with contextlib.suppress(Refused, Stopped):
            for some, given in attempts:
                wanted = tuple(p for p in some if p not in found)
                others = [h for h in given if h.prop not in wanted]
                stated = Stated(system, wanted, others, run.budget, self.solver, self.seed) if wanted else None
                facts = None if stated is None else stated.proved()
                for prop in wanted if facts is not None else ():
                    assert stated is not None and facts is not None
                    found[prop] = run.outcome(prop, "", facts, run.certify(prop, facts, stated.renamings, stated.near))
        return found

    def _by_all_states(self, system: System, properties: tuple[str, ...], budget: Budget, most: int) -> dict[str, Outcome]:
        """Proofs whose invariant is the set of all reachable states, where those are few and none is bad."""
        started = time.monotonic()
        found: dict[str, Outcome] = {}
        states = all_states(system, budget, most)
        if states is None:
            return found
        outcomes = [outcome_of(states.search, prop, 0.0, self.name) for prop in properties]
        hold = [o for o in outcomes if o.word is Word.EXHAUSTED]
        invariant = states.facts() if hold else []
        for o in hold:
            prop = o.prop
            checks = [(n, c) for n, a in enumerate(system.actions) for c in a.checks if c.prop == prop]
            try:
                certificate = certify(system, prop, invariant, checks, self.certificates, other(self.solver), budget)
            except (Refused, Stopped):
                continue
            found[prop] = replace(
                o,
                word=Word.PROVED,
                depth=1,
                states=0,
                transitions=0,
                seconds=time.monotonic() - started,
                certificate=None if certificate.folder is None else str(certificate.folder),
            )
        return found


def _at_most(seconds: float, budget: Budget) -> Budget:
    """The budget with so much time from now on, or what is left of it."""
    left = budget.left()
    return replace(budget, timeout=seconds if left is None else min(left, seconds), started=time.monotonic())


def _read_by(system: System, prop: str) -> set[str]:
    """The variables that a property speaks of."""
    places = [(w.when, w.cond) for w in system.always if w.prop == prop]
    places += [(c.path, c.cond) for a in system.actions for c in a.checks if c.prop == prop]
    return set().union(*(variables(*p) for p in places))


def _about(hints: Sequence[Always], names: set[str]) -> list[Always]:
    """The hints that speak of these variables only."""
    return [h for h in hints if variables(h.when, h.cond) <= names]


class _Run:
    def __init__(self, engine: Induction, system: System, properties: tuple[str, ...], budget: Budget) -> None:
        self.engine, self.system, self.properties, self.budget = engine, system, properties, budget
        self.started = time.monotonic()
        self.proof: Proof | None = None

    def outcomes(self) -> list[Outcome]:
        """All that there is to do, within the budget."""
        engine, reason = self.engine, ""
        needed: dict[str, list[Fact]] = {}
        certificates: dict[str, Certificate] = {}
        try:
            proof = self.proof = Proof(
                self.system, self.properties, self.hints(), self.budget, engine.solver, engine.seed, engine.learn
            )
            proof.run()
            for p in proof.open():
                needed[p] = proof.needed(p)
                certificates[p] = self.certify(p, needed[p])
        except Stopped as e:
            reason = e.reason
        except Refused as e:
            reason = f"the certificate was refused: {e}"
        return [self.outcome(p, reason, needed.get(p, []), certificates.get(p)) for p in self.properties]

    def hints(self) -> list[Always]:
        """Lemmas over the System's variables that it does not have itself."""
        known = {v.name for v in self.system.vars}
        own = {(w.cond.uid, w.when.uid) for w in self.system.always}
        return [h for h in self.engine.hints if variables(h.cond, h.when) <= known and (h.cond.uid, h.when.uid) not in own]

    def certify(self, prop: str, facts: list[Fact], renamings: Sequence[Renaming] = (), near: bool = False) -> Certificate:
        """Write the certificate and have it checked by the other solver in a fresh process."""
        return certify(
            self.system,
            prop,
            [(f.name, f.condition) for f in facts if f.check is None],
            [(f.action, f.check) for f in facts if f.check is not None and f.action is not None],
            self.engine.certificates,
            other(self.engine.solver),
            self.budget,
            renamings=renamings,
            near=near,
        )

    def outcome(self, prop: str, reason: str, needed: list[Fact], certificate: Certificate | None) -> Outcome:
        """What was found out about a property: proved if there is a certificate, whose facts are those needed."""
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
            outcome.reason = (self.proof.lost.get(prop) if self.proof else None) or reason or "not inductive"
        outcome.exercised = self._exercised(prop, needed, certificate is not None)
        seen = self._seen()
        covers = [c.name for c in self.system.covers]
        covers += [e.cover for a in self.system.actions for e in a.effects if isinstance(e, Reached)]
        outcome.covers = {c: ("", c) in seen or None for c in covers if belongs(c, prop)}
        return outcome

    def _exercised(self, prop: str, needed: list[Fact], proved: bool) -> dict[str, bool | None]:
        """What the walks have put to the test; of the rest, what the invariant shows to be impossible."""
        seen = self._seen()
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
                    if self.proof and all(self.proof.relative.follows(not_(path), needed, n) for n, path in where):
                        found[label] = False
        return found

    def _seen(self) -> set[tuple[str, str]]:
        """What the walks have put to the test."""
        return self.proof.samples.exercised if self.proof and self.proof.samples else set()
