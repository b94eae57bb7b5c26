"""Reachable states by the thousand, found by walking about: what guesses at invariants are measured against.

Nothing is proved here. A walk may leave out behaviour (inputs with many values are sampled, open initial values are picked), so
what holds in all samples is only a candidate; what fails in one is certainly false.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dmaverify.engines.base import Budget
from dmaverify.engines.pycode import Packing, Writer, helpers
from dmaverify.engines.smt.encode import Encoder, no_inputs
from dmaverify.engines.smt.solver import SolverName, make_solver
from dmaverify.engines.smt.terms import constant, decoded, sort_of
from dmaverify.engines.successors import Compiled, DomainError, Hit, Move
from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action, Input, System
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Bool, Int, Type, Value

MOST_SAMPLES = 30_000
MOST_INITIAL = 12
"""How many picks of the open initial values are tried where not all can be."""
WALK = 60
"""Steps of a walk before it starts again."""
FEW = 16
"""An input with more values than this is sampled."""


class Samples:
    """Some reachable states of one System, packed."""

    def __init__(self, system: System, packing: Packing) -> None:
        self.system = system
        self.packing = packing
        self.states: list[int] = []
        self.exercised: set[tuple[str, str]] = set()
        """(prop, label) of checks and always-instances that were put to the test, and ("", cover) of covers reached."""
        self.violated: set[str] = set()
        """Properties of which a violation was met."""
        self.complete = False
        """The samples are all reachable states."""
        self.compiled: Compiled | None = None

    def some(self, most: int, seed: int) -> Samples:
        """At most so many of the samples, spread evenly."""
        if len(self.states) <= most:
            return self
        fewer = Samples(self.system, self.packing)
        fewer.states = random.Random(seed).sample(self.states, most)
        fewer.exercised, fewer.violated = self.exercised, self.violated
        return fewer

    def successors(self, state: int) -> list[int]:
        """States behind one step from a state, reachable or not; none if a check fails in one of the steps."""
        assert self.compiled is not None
        moves: list[Move] = []
        hits: list[Hit] = []
        self.compiled.moves(state, moves, hits)
        if any(self.compiled.targets[h[0]].kind == "check" for h in hits):
            return []
        return [m[0] for m in moves]

    def truth(self, literals: Sequence[Expr]) -> list[int]:
        """For each condition the set of samples where it holds, as bits."""
        columns = zip(*map(self.judge(literals), self.states), strict=True) if self.states else ([],) * len(literals)
        return [int("".join("1" if x else "0" for x in reversed(list(c))) or "0", 2) for c in columns]

    def all_satisfy(self, condition: Expr) -> bool:
        """Whether no sample contradicts the condition."""
        judge = self.judge([condition])
        return all(judge(s)[0] for s in self.states)

    def judge(self, literals: Sequence[Expr]) -> _Judge:
        """A function from a packed state to the values of the conditions."""
        return _Judge(self.packing, literals)


class _Judge:
    def __init__(self, packing: Packing, literals: Sequence[Expr]) -> None:
        self.literals = tuple(literals)
        w = Writer(packing, {})
        names = []
        for n, e in enumerate(self.literals):
            w.share(e)
            w.line(f"r{n} = {w.value(e)}")
            names.append(f"r{n}")
        space = helpers()
        source = "\n".join(["def judge(s):", *w.lines, f"    return ({''.join(n + ', ' for n in names)})"])
        exec(compile(source, "<literals>", "exec"), space)
        self._function = space["judge"]

    def __call__(self, state: int) -> tuple[bool, ...]:
        return self._function(state)  # type: ignore[operator,no-any-return]


def sample(system: System, budget: Budget, seed: int, solver: SolverName = "bitwuzla", most: int = MOST_SAMPLES) -> Samples:
    """Walk about in the System. ``Stopped`` if the budget runs out."""
    rng = random.Random(seed)
    packing = Packing(system.vars)
    samples = Samples(system, packing)
    seen: dict[int, None] = {}
    free = [v for v in system.vars if v.any_init]
    few = not free
    if free:
        size = 1
        for v in free:
            size *= v.type.count
        few = size <= FEW
    picks: Iterator[dict[str, Value]] = iter([{}]) if few else _initial_picks(system, budget, rng, solver)
    share = most if few else max(50, most // MOST_INITIAL)
    complete = few
    for pick in picks:
        complete &= _walk(system, pick, rng, budget, samples, seen, share)
    samples.states = list(seen)
    samples.complete = complete and len(seen) < most
    return samples


def _initial_picks(system: System, budget: Budget, rng: random.Random, name: SolverName) -> Iterator[dict[str, Value]]:
    """Open initial values that meet the assumptions: small, large and random ones, as far as the solver can fit them."""
    solver = make_solver(name, budget)
    w = solver.writer
    free = [v for v in system.vars if v.any_init]
    terms = {v.name: w.symbol(v.name, sort_of(v.type)) for v in free}
    fixed = {v.name: constant(w, v.init, v.type) for v in system.vars if not v.any_init}
    encode = Encoder(w, {**terms, **fixed}, no_inputs)
    for e in system.assumptions:
        solver.add(encode(e))
    if not solver.check():
        return
    known: set[tuple[Value, ...]] = set()
    for _ in range(MOST_INITIAL):
        solver.push()
        for v in rng.sample(free, len(free)):
            for _ in range(3):
                wish = w.apply("=", [terms[v.name], constant(w, _interesting(v.type, rng), v.type)])
                if solver.check([wish]):
                    solver.add(wish)
                    break
        solver.check()
        pick = {v.name: decoded(solver.value(terms[v.name]), v.type) for v in free}
        solver.pop()
        if tuple(pick.values()) not in known:
            known.add(tuple(pick.values()))
            yield pick


def _interesting(t: Type, rng: random.Random) -> Value:
    if isinstance(t, Bool):
        return rng.random() < 0.5
    assert isinstance(t, Int)
    kind = rng.randrange(4)
    if kind == 0:
        return t.wrap(rng.randrange(4))
    if kind == 1:
        return t.wrap(1 << rng.randrange(t.width))
    if kind == 2:
        return t.wrap((1 << rng.randrange(t.width)) - 1)
    return t.wrap(rng.getrandbits(t.width))


def _narrowed(system: System, pick: dict[str, Value], rng: random.Random, all_inputs: bool) -> System:
    """The System with these initial values, and with wide inputs that take a few values only."""
    constants = _constants(system)

    def narrow(action: Action, i: Input) -> Input:
        if i.values is not None:
            many = len(i.values) > FEW
            return replace(i, values=tuple(rng.sample(i.values, FEW))) if many else i
        if i.type.count <= FEW or (not all_inputs and _is_given(action, i)):
            return i
        values = set(constants.get(i.type, ())) | {_interesting(i.type, rng) for _ in range(6)}
        return replace(i, values=tuple(sorted(values))[:FEW])

    return system.with_(
        vars=tuple(replace(v, init=pick[v.name], any_init=False) if v.name in pick else v for v in system.vars),
        actions=tuple(replace(a, inputs=tuple(narrow(a, i) for i in a.inputs)) for a in system.actions),
    )


def _is_given(action: Action, i: Input) -> bool:
    """The guard equates the input with something, so that its values need not be tried."""
    conjuncts = action.guard.args if action.guard.op == "and" else (action.guard,)
    return any(g.op == "eq" and any(x.op == "input" and x.data == i.name for x in g.args) for g in conjuncts)


def _constants(system: System) -> dict[Type, set[Value]]:
    found: dict[Type, set[Value]] = {}
    for node in walk(*system.exprs()):
        if node.op == "const" and isinstance(node.type, Int):
            found.setdefault(node.type, set()).add(node.data)
    return found


def _walk(
    system: System,
    pick: dict[str, Value],
    rng: random.Random,
    budget: Budget,
    samples: Samples,
    seen: dict[int, None],
    most: int,
) -> bool:
    """Collect up to ``most`` new states; whether these are all that there are (nothing was narrowed or cut off)."""
    try:
        return _collect(system, _narrowed(system, pick, rng, False), rng, budget, samples, seen, most)
    except DomainError:
        # a wide input that the guard does not settle: then all of them take a few values only
        return _collect(system, _narrowed(system, pick, rng, True), rng, budget, samples, seen, most)


def _collect(
    system: System,
    narrowed: System,
    rng: random.Random,
    budget: Budget,
    samples: Samples,
    seen: dict[int, None],
    most: int,
) -> bool:
    compiled = Compiled(narrowed)
    samples.compiled = compiled
    limit = len(seen) + most
    initial = list(compiled.initial_states())
    todo = list(initial)
    for s in initial:
        seen.setdefault(s)
    successors: dict[int, list[int]] = {}
    moves: list[Move] = []
    hits: list[Hit] = []
    visible: list[int] = []

    def expand(state: int) -> list[int]:
        known = successors.get(state)
        if known is None:
            budget.check()
            moves.clear()
            hits.clear()
            visible.clear()
            compiled.observe(state, visible)
            compiled.moves(state, moves, hits)
            for n in (*visible, *(h[0] for h in hits)):
                target = compiled.targets[n]
                if target.kind in ("check", "always"):
                    samples.violated.add(target.prop)
                else:
                    samples.exercised.add(("", target.label))
            known = successors[state] = [m[0] for m in moves]
        return known

    # half of the samples are the nearest states, which cover all that happens early; the others come from walks
    at = 0
    while at < len(todo) and len(seen) < limit - most // 2:
        for s in expand(todo[at]):
            if s not in seen:
                seen[s] = None
                todo.append(s)
        at += 1
    complete = at == len(todo) and narrowed.actions == system.actions
    # walks prefer combinations of places where no sample is yet: what threads may do at once is what invariants are about
    pcs = 0
    for t in system.threads:
        pcs |= compiled.packing.mask(t.pc)
    places = {s & pcs for s in seen}
    novel = list(initial)
    idle = 0
    while at < len(todo) and initial and len(seen) < limit and idle < 200:
        before = len(seen)
        state = rng.choice((novel, novel[-50:], todo, initial)[rng.randrange(4)])
        for _ in range(WALK):
            ways = expand(state)
            if not ways or len(seen) >= limit:
                break
            new = [s for s in ways if s & pcs not in places]
            fresh = new or [s for s in ways if s not in seen]
            state = rng.choice(fresh or ways)
            if new:
                places.add(state & pcs)
                novel.append(state)
            if state not in seen:
                seen[state] = None
                todo.append(state)
        idle = 0 if len(seen) > before else idle + 1
    for n, target in enumerate(compiled.targets):
        if compiled.exercised[n] and target.kind in ("check", "always"):
            samples.exercised.add((target.prop, target.label))
    return complete
