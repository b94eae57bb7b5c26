"""Bounded model checking: is there a violation within so many steps? One more step at a time, in one incremental solver.

A step changes the state by the functional relation of ``smt.unroll``, so the first number of steps with a violation is the
least. Lengths of traces are sums of weights, which is the same where every step weighs one; where not, the search goes on from
a violation until no shorter trace is possible, or says that it cannot tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dmaverify.engines.base import Budget, Progress, Stopped
from dmaverify.engines.lengths import Lengths
from dmaverify.engines.never import NOT_HERE
from dmaverify.engines.smt.solver import SolverName, Term, make_solver
from dmaverify.engines.smt.unroll import COST_BITS, Frame, Unrolling
from dmaverify.engines.stuck import DEADLOCK
from dmaverify.engines.successors import prefix_weight
from dmaverify.engines.traces import NotATrace, Run, execute, parts_of, spans_of, violations, witness
from dmaverify.ir.expr import Expr, and_, not_
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import Reached, System
from dmaverify.verdict import Outcome, Trace, Word

DEFAULT_DEPTH = 40
"""How far to go when the budget has neither a depth nor a time limit."""

MORE_STEPS = 16
"""How many steps behind the first violation a shorter trace of more steps is looked for."""


@dataclass
class _Goal:
    """What the search knows about one property."""

    trace: Trace | None = None
    found_at: int = 0
    settled: bool = False
    """Nothing more is to be found out about it."""


@dataclass
class _Probe:
    """Something that is to be seen happening: a check's or always-instance's condition put to the test, or a cover."""

    key: tuple[str, str]
    """(property, label), or ("", cover)."""
    in_step: dict[int, list[Expr]] = field(default_factory=dict)
    """By number of the action."""
    in_state: list[Expr] = field(default_factory=list)
    run: Run | None = None
    """A run that ends with it."""


class Bmc:
    """The engine. ``solver`` does the work.

    ``probes`` False leaves ``exercised`` and ``covers`` undecided; ``violations`` False looks for those only, and says ``unknown``.
    """

    name = "bmc"

    def __init__(self, solver: SolverName = "bitwuzla", seed: int = 0, probes: bool = True, violations: bool = True) -> None:
        self.solver: SolverName = solver
        self.seed = seed
        self.probes = probes
        self.violations = violations
        self.publish: Callable[[list[Outcome]], None] | None = None
        """Told after each step what is known so far."""

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Search to the depth of the budget."""
        return _Search(self, system, properties, budget).run()


class _Search:
    def __init__(self, engine: Bmc, system: System, properties: tuple[str, ...], budget: Budget) -> None:
        self.engine, self.system, self.budget = engine, system, budget
        self.goals = {p: _Goal(settled=not engine.violations) for p in properties}
        self.lengths = Lengths(system)
        self.probes = _probes(system, properties) if engine.probes else []
        self.done = -1
        """Steps that are searched completely."""
        self.frames = 0
        self.started = time.monotonic()

    def run(self) -> list[Outcome]:
        """Search, then say what came out."""
        stopped = ""
        try:
            self._search()
        except Stopped as e:
            stopped = e.reason
        return self._outcomes(stopped)

    def _outcomes(self, stopped: str) -> list[Outcome]:
        return [self._outcome(p, goal, stopped) for p, goal in self.goals.items()]

    # -- the search --------------------------------------------------------------------------------------------------

    def _search(self) -> None:
        self.solver = make_solver(self.engine.solver, self.budget, self.engine.seed)
        self.unrolling = Unrolling(self.system, self.solver)
        steps = 0
        if not self.solver.check():
            # no initial state: nothing can happen, at any depth
            self.done = 1 << 30
            return
        while not self._finished(steps):
            self.frames = steps
            self.budget.check(self._sample)
            before = self._step(steps)
            self._violations(steps, before)
            self._settle(steps)
            self.done = steps
            self._look(steps, before)
            if before is not None:
                for term in self.unrolling.goes_on(before):
                    self.solver.add(term)
            steps += 1
            if self.engine.publish is not None:
                self.engine.publish(self._outcomes(""))

    def _finished(self, steps: int) -> bool:
        if all(g.settled for g in self.goals.values()) and all(p.run for p in self.probes):
            return True
        if not self.system.actions and steps > 0:
            return True
        limit = self.budget.depth
        if limit is None and self.budget.timeout is None:
            limit = DEFAULT_DEPTH
        if limit is None:
            return False
        covered = self.lengths.covered(steps - 1)
        if covered is None:
            # lengths say nothing about steps here (or not yet): count steps, with room for some that weigh nothing
            return steps > 2 * limit + MORE_STEPS
        return covered >= limit

    def _sample(self) -> Progress:
        return Progress(self.engine.name, depth=self.done if self.done >= 0 else None)

    def _step(self, steps: int) -> Frame | None:
        """Unroll so that there are ``steps`` steps; the frame before the last one, if there is one."""
        if steps == 0:
            return None
        self.unrolling.extend(lambda: self.budget.check(self._sample))
        return self.unrolling.frames[steps - 1]

    def _violations(self, steps: int, before: Frame | None) -> None:
        """Find all properties that can fail after exactly ``steps`` steps, shorter than known so far."""
        waiting = {p: self._bad(p, g, before) for p, g in self.goals.items() if not g.settled}
        waiting = {p: t for p, t in waiting.items() if t is not None}
        while waiting:
            run = self._model(self.unrolling.any_of(list(waiting.values())), steps)
            if run is None:
                return
            found = violations(self.system, run)
            progress = False
            for p in [p for p in waiting if p in found]:
                goal = self.goals[p]
                if goal.trace is None or found[p].length < goal.trace.length:
                    goal.found_at = goal.found_at or steps
                    goal.trace = found[p]
                    progress = True
                    better = None if self.lengths.uniform else self._bad(p, goal, before)
                    if better is None:
                        del waiting[p]
                    else:
                        waiting[p] = better
            self._seen(run)
            if not progress:
                raise NotATrace(f"the solver's model fails none of {', '.join(waiting)} after {steps} steps")

    def _bad(self, prop: str, goal: _Goal, before: Frame | None) -> Term | None:
        """``prop`` fails in the last step or in the last frame; shorter than the known trace, if there is one."""
        u, w = self.unrolling, self.unrolling.writer
        limit = None if goal.trace is None else w.bits(goal.trace.length, COST_BITS)
        bad: list[Term] = []
        if before is not None:
            for action, taken in zip(self.system.actions, before.taken, strict=True):
                for check in action.checks:
                    if check.prop != prop:
                        continue
                    parts = [taken, before.encode(and_(check.path, not_(check.cond)))]
                    if limit is not None:
                        last = u.weight(before, prefix_weight(parts_of(action), check.part))
                        parts.append(w.apply("bvult", [w.apply("bvadd", [before.cost, last]), limit]))
                    bad.append(w.apply("and", parts))
        frame = u.frames[-1]
        states = [frame.encode(and_(a.when, not_(a.cond))) for a in self.system.always if a.prop == prop]
        if states:
            conditions = [u.any_of(states)]
            if limit is not None:
                conditions.append(w.apply("bvult", [frame.cost, limit]))
            if before is not None:
                conditions += u.goes_on(before)
            bad.append(conditions[0] if len(conditions) == 1 else w.apply("and", conditions))
        return u.any_of(bad) if bad else None

    def _settle(self, steps: int) -> None:
        """Decide about which properties nothing more can be found out."""
        covered = self.lengths.covered(steps)
        for prop, goal in self.goals.items():
            if goal.settled:
                continue
            if goal.trace is None:
                goal.settled = not self._speaks(prop)
            elif self.lengths.uniform or goal.trace.length == 0 or (covered is not None and covered >= goal.trace.length - 1):
                goal.settled = True
                goal.trace = _with_minimal(goal.trace, True)
            elif steps >= goal.found_at + MORE_STEPS:
                goal.settled = True

    def _speaks(self, prop: str) -> bool:
        """Whether anything in the System can violate the property."""
        return any(c.prop == prop for a in self.system.actions for c in a.checks) or any(a.prop == prop for a in self.system.always)

    def _model(self, term: Term, steps: int) -> Run | None:
        """A run of so many steps in which the term holds; None if there is none, which the solver then remembers."""
        self.solver.push()
        self.solver.add(term)
        try:
            if self.solver.check():
                return execute(self.system, self.unrolling.initial(), self.unrolling.picks(steps))
        finally:
            self.solver.pop()
        self.solver.add(self.unrolling.writer.apply("not", [term]))
        return None

    # -- probes ------------------------------------------------------------------------------------------------------

    def _look(self, steps: int, before: Frame | None) -> None:
        """Find all probes that happen after exactly ``steps`` steps."""
        u = self.unrolling
        while True:
            terms: list[Term] = []
            for probe in self.probes:
                if probe.run:
                    continue
                if before is not None:
                    own = [probe.in_step.get(n, ()) for n in range(len(self.system.actions))]
                    terms.append(u.in_step(before, own))
                if probe.in_state:
                    here = u.in_state(u.frames[-1], probe.in_state)
                    goes_on = u.goes_on(before) if before is not None else []
                    terms.append(u.writer.apply("and", [here, *goes_on]) if goes_on else here)
            if not terms:
                return
            run = self._model(u.any_of(terms), steps)
            if run is None:
                return
            if not self._seen(run):
                raise NotATrace(f"the solver's model passes no probe after {steps} steps")

    def _seen(self, run: Run) -> bool:
        """Mark what the run put to the test; whether anything is new."""
        new = False
        for probe in self.probes:
            prop, label = probe.key
            if probe.run is None and (label in run.reached if prop == "" else probe.key in run.exercised):
                probe.run, new = run, True
        return new

    # -- outcomes ----------------------------------------------------------------------------------------------------

    def _outcome(self, prop: str, goal: _Goal, stopped: str) -> Outcome:
        own = [p for p in self.probes if p.key[0] == prop]
        covers = [p for p in self.probes if p.key[0] == "" and belongs(p.key[1], prop)]
        outcome = Outcome(
            prop,
            Word.UNKNOWN,
            slices=1,
            engine=self.engine.name,
            seconds=time.monotonic() - self.started,
            exercised={p.key[1]: p.run is not None or None for p in own},
            covers={p.key[1]: p.run is not None or None for p in covers},
            spans=spans_of(self.system, prop),
        )
        covered = self.lengths.covered(self.done) if self.done >= 0 else None
        if goal.trace is not None:
            outcome.word, outcome.trace = Word.VIOLATED, goal.trace
        elif prop == DEADLOCK:
            outcome.reason = NOT_HERE
        elif not self.engine.violations:
            outcome.reason = "not asked"
        elif covered is not None:
            outcome.word, outcome.depth = Word.BOUNDED, covered
            outcome.reason = stopped
            if not self.lengths.uniform:
                outcome.warnings.append(f"searched to {self.done} steps of the engine's own")
        else:
            outcome.reason = stopped or "bound: steps without weight say nothing about lengths"
        reached = next((p.run for p in covers if p.key[1] == prop), None)
        if reached is not None and goal.trace is None:
            # a cover asked for by name is decided by one run
            outcome.word, outcome.reason, outcome.depth = Word.EXHAUSTED, "", None
            outcome.trace = witness(self.system, reached, prop, self.lengths.uniform)
        return outcome


def _with_minimal(trace: Trace, minimal: bool) -> Trace:
    return Trace(trace.initial, trace.steps, trace.prop, trace.label, trace.length, minimal, trace.in_step)


def _probes(system: System, properties: Sequence[str]) -> list[_Probe]:
    """A probe for each check and always-instance of the properties, and for each cover."""
    found: dict[tuple[str, str], _Probe] = {}

    def probe(prop: str, label: str) -> _Probe:
        return found.setdefault((prop, label), _Probe((prop, label)))

    for n, action in enumerate(system.actions):
        for e in action.effects:
            if isinstance(e, Reached) and any(belongs(e.cover, p) for p in properties):
                probe("", e.cover).in_step.setdefault(n, []).append(e.path)
        for c in action.checks:
            if c.prop in properties:
                probe(c.prop, c.label).in_step.setdefault(n, []).append(c.path)
    for a in system.always:
        if a.prop in properties:
            probe(a.prop, a.label).in_state.append(a.when)
    for cover in system.covers:
        if any(belongs(cover.name, p) for p in properties):
            probe("", cover.name).in_state.append(cover.cond)
    return list(found.values())
