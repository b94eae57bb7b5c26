"""The set of all reachable states as an invariant: exact, accepted by another solver, refused where a state is missing."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.certificate import Refused, certify
from dmaverify.engines.determined import Determined, determined
from dmaverify.engines.induction import FEW_STATES, Induction
from dmaverify.engines.reached import all_states
from dmaverify.engines.worker import Worker
from dmaverify.ir.evaluate import Evaluator
from dmaverify.ir.expr import and_
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.system import System
from dmaverify.lang.compile import compile_scenario
from dmaverify.verdict import Outcome, Word
from tests.support.symbolic_systems import counter, locked, pool


@pytest.mark.parametrize("system", [locked(), pool(4, 2), counter(20)], ids=["locked", "pool", "counter"])
def test_the_invariant_is_true_of_the_reachable_states_and_no_others(system: System) -> None:
    found = all_states(system, Budget())
    assert found is not None
    names = [v.name for v in found.system.vars]
    values = [sorted({s[n] for s in found.states}, key=int) for n in range(len(names))]  # type: ignore[arg-type]
    reachable, condition = set(found.states), and_(*(c for _, c in found.facts()))
    for state in product(*values):
        here = dict(zip(names, state, strict=True))
        assert Evaluator(lambda e, here=here: here[e.data])(condition) == (state in reachable)  # type: ignore[misc]


def test_what_others_determine_is_left_out() -> None:
    """The second is the first's parity, the third is constant, the fourth is the sum of the first and the fifth."""
    states = [(n, n % 2, 7, n + m, m) for n in range(6) for m in range(3)]
    left, others = determined(states, [1, 2, 3])
    assert left == [0, 4]
    assert others == [Determined(1, (0,)), Determined(2, ()), Determined(3, (0, 4))]
    # one state more, and the parity is none: the first and the second do not tell each other any more
    left, others = determined([*states, (0, 1, 7, 0, 0)], [1, 2, 3])
    assert left == [0, 1, 4] and [d.number for d in others] == [2, 3]


def test_each_variable_goes_only_once() -> None:
    """Of two that tell each other one is left; and a lone state among many that are not looked at first is noticed."""
    states = [(n, n) for n in range(60)]
    assert determined(states, [0, 1]) == ([1], [Determined(0, (1,))])
    many = [(n % 2, n % 2, n) for n in range(5000)]
    many[4321] = (0, 1, 4321)
    assert determined(many, [0]) == ([0, 1, 2], []), "only all three tell, in too many cases"


def test_too_many_states_are_not_put_into_a_formula() -> None:
    assert all_states(counter(200), Budget(), most=50) is None
    assert all_states(counter(20), Budget(), most=50) is not None


def test_a_missing_state_is_noticed() -> None:
    """An invariant without one of the states is not kept by the action that leads there."""
    found = all_states(pool(4, 2), Budget())
    assert found is not None
    certify(found.system, "no_overlap", found.facts(), [], None, "z3", Budget())
    for n in (0, len(found.states) // 2, len(found.states) - 1):
        fewer = replace(found, states=found.states[:n] + found.states[n + 1 :])
        with pytest.raises(Refused):
            certify(found.system, "no_overlap", fewer.facts(), [], None, "z3", Budget())


def test_where_guessing_takes_too_long_all_states_are_the_invariant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dmaverify.engines.induction.QUICK", 0.0)
    (outcome,) = Induction(certificates=tmp_path).run(locked(), ("atomic",), Budget())
    assert outcome.word is Word.PROVED and outcome.depth == 1
    assert outcome.exercised == {"atomic.a": True, "atomic.b": True}
    assert outcome.certificate is not None and (Path(outcome.certificate) / "step.smt2").exists()
    (outcome,) = Induction().run(locked(correct=False), ("atomic",), Budget(timeout=20))
    assert outcome.word is Word.UNKNOWN


def test_where_states_are_few_nothing_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    guessed: list[str] = []

    def guess(self: Induction, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        guessed.extend(properties)
        return [Outcome(p, Word.UNKNOWN) for p in properties]

    monkeypatch.setattr(Induction, "_guessed", guess)

    def word(few: int, correct: bool = True) -> Word:
        guessed.clear()
        (outcome,) = Induction(few=few).run(locked(correct=correct), ("atomic",), Budget())
        return outcome.word

    assert word(few=100) is Word.PROVED and not guessed
    assert word(few=5) is Word.UNKNOWN and guessed == ["atomic"], "there are more states"
    assert word(few=0) is Word.UNKNOWN and guessed == ["atomic"]
    assert word(few=100, correct=False) is Word.UNKNOWN, "what a search violates is not proved"


@pytest.mark.slow
@pytest.mark.parametrize("variant", [None, "v4_9", "v5_10", "v6_1", "v6_12"])
def test_a_pool_that_two_cpus_share_is_proved(variant: str | None, root: Path, campaign: bool) -> None:
    """The lock of 3.18 and later keeps live allocations apart, at any depth: S21 of the usual size."""
    if not campaign and variant not in (None, "v6_12"):
        pytest.skip("with --campaign")
    core = to_core(compile_scenario(root / "models" / "boards" / "shared-pool.dma", variant).system)
    for part in prepare(core, ("no_overlap",)).slices:
        (outcome,) = Worker(Induction(few=FEW_STATES)).run(part.system, ("no_overlap",), Budget())
        assert outcome.word is Word.PROVED, outcome.reason
