"""The engine ``pdr``: one property after the other, on the bits of the System, without lemmas from anybody.

What is found is not believed: an invariant becomes a certificate over the System's variables, which another solver checks in a
fresh process from the System's text; a counterexample is executed by the reference interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dmaverify.engines.base import Budget, Progress, Stopped
from dmaverify.engines.certificate import Refused, certify
from dmaverify.engines.lengths import Lengths
from dmaverify.engines.never import claims, covered, never, unclaimed, unreached
from dmaverify.engines.pdr import abc
from dmaverify.engines.pdr.circuit import Circuit
from dmaverify.engines.pdr.correspondence import Reduced
from dmaverify.engines.pdr.essence import essence, impossible
from dmaverify.engines.pdr.invariant import Reader
from dmaverify.engines.pdr.problem import Problem
from dmaverify.engines.pdr.restarts import decide
from dmaverify.engines.pdr.sat import SOLVER
from dmaverify.engines.pdr.search import Safe, Unsafe
from dmaverify.engines.smt.solver import SolverName
from dmaverify.engines.traces import NotATrace, execute, spans_of, violations
from dmaverify.ir.expr import implies
from dmaverify.ir.system import Kind, System
from dmaverify.verdict import Outcome, Word

SEPARATE = (Kind.PC,)
"""Kinds of variables that get a latch for each of their few values."""


AGAIN = 1.25
"""So many times the seconds that it had must be there for another go at a property that ran out of time."""


class Pdr:
    """The engine. ``certificates`` is the folder to write to (None: a temporary one, removed again); ``checker`` checks them.

    ``abc``: ABC searches instead of us (and the engine is called by its name).
    """

    def __init__(self, certificates: Path | None = None, checker: SolverName = "bitwuzla", seed: int = 0, abc: bool = False) -> None:
        self.name = "abc" if abc else "pdr"
        self.found_by = "pdr of ABC" if abc else f"pdr ({SOLVER})"
        self.abc = abc
        self.certificates = certificates
        self.seed = seed
        self.checker: SolverName = checker
        self.publish: Callable[[list[Outcome]], None] | None = None
        """Told after each property what is known so far."""

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Decide the properties, and whether covers are reached, within the budget."""
        shared: Circuit | None = None
        found: dict[str, Outcome] = {}
        open_: list[tuple[str, float | None]] = [(prop, None) for prop in properties]
        while open_:
            late: list[tuple[str, float | None]] = []
            for n, (prop, before) in enumerate(open_):
                limits = _part(budget, len(open_) - n)
                if before is not None and (limits.timeout or 0.0) <= AGAIN * before:
                    continue
                if claims(system, prop):
                    run = _Run(self, system, prop, limits, shared)
                    o, shared = run.outcome(), run.circuit
                elif covered(system, prop):
                    o = _cover(_Run(self, never(system, prop), prop, limits, None).outcome())
                else:
                    o = unclaimed(system, prop)
                    o.engine = o.engine or self.name
                if o.reason == "time" and len(properties) > 1:
                    late.append((prop, limits.timeout or 0.0))
                found[prop] = o
                if self.publish is not None:
                    self.publish(list(found.values()))
            open_ = late
        return [found[prop] for prop in properties]


def _part(budget: Budget, waiting: int) -> Budget:
    """The budget for the next of so many properties: an equal part of what is left."""
    left = budget.left()
    return budget if left is None else replace(budget, timeout=max(0.0, left) / waiting, started=time.monotonic())


class _Run:
    """One property of one System."""

    def __init__(self, engine: Pdr, system: System, prop: str, budget: Budget, circuit: Circuit | None) -> None:
        self.engine, self.system, self.prop, self.budget = engine, system, prop, budget
        self.circuit = circuit
        self.started = time.monotonic()
        self.frames = -1
        """Frames that are known to be without bad states."""

    def outcome(self) -> Outcome:
        """All that there is to do."""
        o = Outcome(self.prop, Word.UNKNOWN, slices=1, engine=self.engine.name, spans=spans_of(self.system, self.prop))
        o.exercised = dict.fromkeys(_labels(self.system, self.prop))
        try:
            self._decide(o)
        except Stopped as e:
            o.reason = e.reason
            depth = Lengths(self.system).covered(self.frames) if self.frames >= 0 else None
            if depth is not None:
                o.word, o.depth = Word.BOUNDED, depth
        except Refused as e:
            o.reason = f"the certificate was refused: {e}"
        except abc.Failed as e:
            o.reason = str(e)
        o.seconds = time.monotonic() - self.started
        return o

    def _decide(self, o: Outcome) -> None:
        self.budget.check()
        if self.circuit is None:
            self.circuit = Circuit(self.system, SEPARATE)
        circuit = self.circuit
        found = Reduced(circuit, self.prop, self.engine.seed, self.budget.check)
        answer = self._search(found.problem)
        if isinstance(answer, Unsafe):
            self._violated(o, circuit, found.problem, answer)
        else:
            self._proved(o, found, answer)

    def _search(self, problem: Problem) -> Safe | Unsafe:
        if self.engine.abc and problem.bad > 1 and problem.state:  # else there is nothing to be searched
            return abc.search(problem, lambda: self.budget.check(lambda: Progress(self.engine.name)))
        return decide(problem, self._look)

    def _look(self, frames: int, clauses: int) -> None:
        self.frames = frames - 1
        self.budget.check(lambda: Progress(self.engine.name, depth=frames, note=f"{clauses} clauses"))

    def _violated(self, o: Outcome, circuit: Circuit, problem: Problem, answer: Unsafe) -> None:
        there = {here: circuit.state[n] for here, n in zip(problem.state, problem.latches, strict=True)}
        initial = {node: int(bool(latch.reset)) for node, latch in zip(circuit.state, circuit.latches, strict=True)}
        initial |= {there[node]: value for node, value in answer.initial.items()}
        names = dict(problem.inputs)
        inputs = [{names[node]: value for node, value in given.items()} for given in answer.inputs]
        picks = circuit.picks(self.prop, initial, inputs)
        run = execute(self.system, circuit.initial(initial), picks)
        found = violations(self.system, run).get(self.prop)
        if found is None:
            raise NotATrace(f"the inputs found do not violate {self.prop}")
        o.word, o.trace = Word.VIOLATED, replace(found, minimal=found.length == 0)
        o.exercised = {label: (self.prop, label) in run.exercised or None for label in o.exercised}

    def _proved(self, o: Outcome, found: Reduced, answer: Safe) -> None:
        invariant = essence(found, answer.cubes, self.budget.check)
        facts = Reader(found.circuit, invariant).facts()
        own = [(w.label, implies(w.when, w.cond)) for w in self.system.always if w.prop == self.prop]
        checks = [(n, c) for n, a in enumerate(self.system.actions) for c in a.checks if c.prop == self.prop]
        named = [*own, *((f"found.{n}", e) for n, e in enumerate(facts, 1))]
        engine = self.engine
        certificate = certify(
            self.system, self.prop, named, checks, engine.certificates, engine.checker, self.budget, engine.found_by
        )
        o.word, o.depth = Word.PROVED, 1
        o.certificate = None if certificate.folder is None else str(certificate.folder)
        never_tested = impossible(found.circuit, invariant, _paths(found.circuit, self.prop), self.budget.check)
        o.exercised = {label: False if label in never_tested else None for label in o.exercised}


def _labels(system: System, prop: str) -> list[str]:
    found = [w.label for w in system.always if w.prop == prop]
    found += [c.label for a in system.actions for c in a.checks if c.prop == prop]
    return list(dict.fromkeys(found))


def _paths(circuit: Circuit, prop: str) -> dict[str, int]:
    """For each label of a property, the condition that it is put to the test."""
    system = circuit.system
    paths: dict[str, list[int]] = {}
    for w in system.always:
        if w.prop == prop:
            paths.setdefault(w.label, []).append(circuit.condition(w.when))
    for taken, a in zip(circuit.taken, system.actions, strict=True):
        for c in a.checks:
            if c.prop == prop:
                paths.setdefault(c.label, []).append(circuit.graph.and_(taken, circuit.condition(c.path)))
    return {label: circuit.graph.any_of(p) for label, p in paths.items()}


def _cover(o: Outcome) -> Outcome:
    """What the search for a violation of ``never`` says about the cover: that it is never reached, or how it is."""
    if o.word is not Word.VIOLATED:
        return unreached(o)
    return replace(o, word=Word.EXHAUSTED, exercised={}, covers={o.prop: True}, spans={})
