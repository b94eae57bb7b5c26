"""Induction: with lemmas, without them, for all values of a parameter; and never a proof of what explicit search refutes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from dmaverify.checking.decide import Decider
from dmaverify.checking.options import Options
from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import ExplicitEngine
from dmaverify.engines.induction import Induction
from dmaverify.engines.literals import Learner, atoms
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.engines.proof import Proof
from dmaverify.engines.relative import Fact, Relative, Step, reads
from dmaverify.engines.sampling import sample
from dmaverify.engines.scouting import scout
from dmaverify.engines.seeds import Seed, seeds
from dmaverify.engines.smt.solver import SOLVERS, SolverName
from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, implies, le, mk, not_, var
from dmaverify.ir.pipeline import prepare
from dmaverify.ir.system import Always, Check, Property, System, Var
from dmaverify.ir.types import BOOL, Int
from dmaverify.verdict import Outcome, Word
from tests.support.random_system import random_system
from tests.support.symbolic_systems import counter, frozen, locked, pool, step


def one(system: System, prop: str, engine: Induction | None = None) -> Outcome:
    """The outcome for one property."""
    (outcome,) = (engine or Induction()).run(system, (prop,), Budget())
    return outcome


@pytest.mark.parametrize("solver", SOLVERS)
def test_with_its_lemma(solver: SolverName) -> None:
    outcome = one(pool(32, 3, lemma=True), "no_overlap", Induction(solver, learn=False))
    assert (outcome.word, outcome.depth) == (Word.PROVED, 1)
    assert outcome.lemmas == ("marked",)


def test_without_the_lemma_one_step_is_not_enough() -> None:
    outcome = one(pool(8, 3), "no_overlap", Induction(learn=False))
    assert outcome.word is Word.UNKNOWN and "not kept by alloc" in outcome.reason


def test_the_lemma_can_come_from_outside() -> None:
    whole = pool(16, 3, lemma=True)
    lemmas = [w for w in whole.always if w.prop == "marked"]
    outcome = one(pool(16, 3), "no_overlap", Induction(learn=False, hints=lemmas))
    assert outcome.word is Word.PROVED and outcome.lemmas == ("marked",)


def test_a_lemma_that_is_false_is_dropped_and_the_rest_proved() -> None:
    system = pool(16, 2, lemma=True)
    wrong = Always("wrong", "wrong.1", eq(var("used", Int(16)), const(0, Int(16))))
    outcome = one(system.with_(always=(*system.always, wrong)), "no_overlap", Induction(learn=False))
    assert outcome.word is Word.PROVED and outcome.lemmas == ("marked",)


def test_an_invariant_that_nobody_wrote_is_found() -> None:
    outcome = one(pool(16, 3), "no_overlap")
    assert outcome.word is Word.PROVED and outcome.lemmas == ()
    assert all(outcome.exercised.values())


def test_mutual_exclusion() -> None:
    assert one(locked(), "atomic").word is Word.PROVED
    assert one(locked(correct=False), "atomic").word is Word.UNKNOWN


def test_for_every_value_of_a_parameter() -> None:
    assert one(frozen(64), "fits").word is Word.PROVED
    outcome = one(frozen(64, bounded=False), "fits")
    assert outcome.word is Word.UNKNOWN, "size may be next to the largest number"


def test_a_violated_property_is_never_proved() -> None:
    assert one(pool(8, 3, broken=True), "no_overlap").word is Word.UNKNOWN
    assert one(counter(10, 4), "below").word is Word.UNKNOWN


def test_what_is_proved_is_proved_beside_what_is_not() -> None:
    system = pool(8, 2)
    false = Always("never", "never.1", eq(var("used", Int(8)), const(0, Int(8))))
    system = system.with_(always=(*system.always, false), properties=(*system.properties, Property("never", "T", "monitor")))
    found = {o.prop: o.word for o in Induction().run(system, ("no_overlap", "never"), Budget())}
    assert found == {"no_overlap": Word.PROVED, "never": Word.UNKNOWN}


def test_what_the_encoding_promises_is_shown_and_not_assumed() -> None:
    """A domain that an action breaks does not help."""
    x, t = var("x", Int(2)), Int(2)
    go = step("go", updates={"x": mk("add", (x, const(1, t)))})
    system = System(
        "s",
        (Var("x", t, 0),),
        (go,),
        (),
        (Property("p", "T", "monitor"),),
        (Always("p", "p.1", le(x, const(2, t))),),
        domain=(le(x, const(2, t)),),
    )
    assert one(system, "p").word is Word.UNKNOWN


def test_what_can_never_be_tested_is_said() -> None:
    """The check is behind a path that the invariant shows to be impossible."""
    x = var("x", BOOL)
    go = step("go", effects=(Check("p", "p.1", x, FALSE),), updates={"x": x})
    system = System("s", (Var("x", BOOL, False),), (go,), (), (Property("p", "T", "monitor"),))
    outcome = one(system, "p")
    assert outcome.word is Word.PROVED and outcome.exercised == {"p.1": False}


def test_agrees_with_explicit_search_on_random_systems(rounds: Callable[[int, int], int]) -> None:
    proved = refuted = 0
    for seed in range(rounds(8, 200)):
        system = random_system(random.Random(1000 + seed), 2)
        properties = tuple(p.name for p in system.properties)
        for part in prepare(system, properties, stops=True).slices:
            explicit = {o.prop: o for o in ExplicitEngine().run(part.system, part.properties, Budget(states=20_000))}
            for o in Induction().run(part.system, part.properties, Budget(timeout=30)):
                e = explicit[o.prop]
                if e.word is Word.VIOLATED:
                    refuted += 1
                    assert o.word is Word.UNKNOWN, (seed, o.prop)
                proved += o.word is Word.PROVED
                for label, seen in o.exercised.items():
                    known = e.exercised.get(label)
                    assert seen is None or known is None or seen == known, (seed, o.prop, label)
    assert proved > 10 and refuted > 5


# -- the parts ---------------------------------------------------------------------------------------------------------


def facts(*conditions: Expr) -> list[Fact]:
    """Facts about states."""
    found = [Fact(n, "learned", f"f{n}", c) for n, c in enumerate(conditions)]
    for f in found:
        f.about = reads(f)
    return found


def test_a_step_tells_what_breaks_and_what_a_proof_used() -> None:
    t = Int(8)
    used, a, b = var("used", t), var("slot0", t), var("slot1", t)
    zero = const(0, t)
    system = pool(8, 2)
    apart, marked, other = facts(eq(mk("band", (a, b)), zero), eq(mk("band", (b, mk("bnot", (used,)))), zero), le(zero, used))
    relative = Relative(system, Budget(), "bitwuzla")
    answer = relative.step(0, [apart], [apart, other])
    assert isinstance(answer, Step)
    assert answer.broken == (apart,) and answer.state["slot1"] & ~answer.state["used"]
    assert relative.cause(answer, apart) >= {"slot1", "used"}
    used_facts = relative.step(0, [apart], [apart, marked, other])
    assert not isinstance(used_facts, Step)
    assert marked.number in used_facts and other.number not in used_facts
    free = next(n for n, action in enumerate(system.actions) if action.name == "free0")
    assert relative.concerns(apart, free) and relative.concerns(other, free)
    assert not relative.concerns(Fact(9, "learned", "", about={"slot1"}), free)


def test_samples_are_reachable_and_clauses_respect_them() -> None:
    system = pool(8, 2)
    samples = sample(system, Budget(), 1)
    assert samples.complete and not samples.violated
    learner = Learner(system, samples)
    state = samples.packing.pack({"used": 0, "slot0": 3, "slot1": 0})
    for width in (1, 2):
        for clause in learner.clauses(state, {"used", "slot0"}, 20, width):
            assert samples.all_satisfy(clause.condition)
            assert not samples.judge([clause.condition])(state)[0]
    assert learner.clauses(state, {"used", "slot0"}, 20, 1), "what a slot holds is marked"
    assert not learner.clauses(samples.states[0], {"used", "slot0", "slot1"}, 20, 2)
    cubes = learner.cubes({"used": 0, "slot0": 3, "slot1": 0}, {"used", "slot0"})
    assert cubes and all(samples.all_satisfy(c.condition) for c in cubes)


def test_open_initial_values_are_picked_by_the_assumptions() -> None:
    samples = sample(frozen(16), Budget(), 3)
    sizes = {samples.packing.value(s, "size") for s in samples.states}
    assert len(sizes) > 3 and max(sizes) <= 1 << 15


def test_guesses_about_values_are_corrected_by_running_on() -> None:
    system = counter(100, 1)
    samples = sample(system, Budget(), 0, most=20)
    assert not samples.complete
    wrong = Seed("n", frozenset(range(10)), None)
    assert all(right.values > wrong.values for right in scout(samples, [wrong], Budget(), 0))
    assert all(s.holds({"n": 0}) for s in seeds(system, samples))


def test_atoms_are_the_conditions_below_junctions() -> None:
    x, y = var("x", BOOL), var("y", Int(4))
    small = le(y, const(3, Int(4)))
    assert atoms(implies(x, and_(small, not_(x)))) == [x, small]
    assert atoms(TRUE) == []


def test_a_proof_rests_only_on_what_it_claims() -> None:
    proof = Proof(pool(16, 3), ("no_overlap",), (), Budget(), "bitwuzla", 0, True)
    proof.run()
    assert proof.open() == ["no_overlap"]
    needed = {f.number for f in proof.needed("no_overlap")}
    assert needed <= proof.claimed
    given = [proof.active[n] for n in needed]
    for action in range(len(proof.system.actions)):
        wanted = [f for f in given if proof.relative.concerns(f, action)]
        assert not wanted or not isinstance(proof.relative.step(action, wanted, given), Step)


@pytest.mark.parametrize("engine", [Induction(), Pdr()], ids=["induction", "pdr"])
def test_a_property_that_only_covers_something_is_violated_by_nothing(engine: Induction | Pdr) -> None:
    """There is nothing to prove, and no certificate of nothing."""
    system = counter(9)
    (count,) = system.actions
    claimless = system.with_(actions=(replace(count, effects=tuple(e for e in count.effects if not isinstance(e, Check))),))
    (outcome,) = engine.run(claimless, ("below",), Budget())
    assert (outcome.word, outcome.reason) == (Word.EXHAUSTED, "nothing in this scenario can violate it")
    assert outcome.covers["below.last"] is None
    proved, stuck = engine.run(pool(8, 2), ("no_overlap", "deadlock"), Budget())
    assert (proved.word, stuck.word) == (Word.PROVED, Word.UNKNOWN)
    assert stuck.reason == "only the search of all states finds deadlocks"


def test_as_a_whole_such_a_property_holds() -> None:
    system = counter(9)
    (count,) = system.actions
    last = tuple(e for e in count.effects if not isinstance(e, Check))
    idle = system.with_(actions=(replace(count, effects=last, parts=()),))
    for name in ("induction", "pdr", "auto", "explicit"):
        (found,) = Decider(idle, Options(engine=name)).outcomes(("below",))
        assert found.word is Word.EXHAUSTED and "refused" not in found.reason, name
