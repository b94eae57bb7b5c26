"""The set of all reachable states as an invariant: exact, accepted by another solver, refused where a state is missing."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.certificate import Refused, certify
from dmaverify.engines.induction import Induction
from dmaverify.engines.reached import all_states
from dmaverify.engines.worker import Worker
from dmaverify.ir.evaluate import Evaluator
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.lang.compile import compile_scenario
from dmaverify.verdict import Word
from tests.support.symbolic_systems import counter, locked, pool


def test_the_invariant_is_true_of_the_reachable_states_and_no_others() -> None:
    found = all_states(locked(), Budget())
    assert found is not None
    names = [v.name for v in found.system.vars]
    values = [sorted({s[n] for s in found.states}, key=int) for n in range(len(names))]  # type: ignore[arg-type]
    reachable, condition = set(found.states), found.invariant()
    for state in product(*values):
        here = dict(zip(names, state, strict=True))
        assert Evaluator(lambda e, here=here: here[e.data])(condition) == (state in reachable)  # type: ignore[misc]


def test_too_many_states_are_not_put_into_a_formula() -> None:
    assert all_states(counter(200), Budget(), most=50) is None
    assert all_states(counter(20), Budget(), most=50) is not None


def test_a_missing_state_is_noticed() -> None:
    """An invariant without one of the states is not kept by the action that leads there."""
    found = all_states(pool(4, 2), Budget())
    assert found is not None
    certify(found.system, "no_overlap", [("all", found.invariant())], [], None, "z3", Budget())
    for n in (0, len(found.states) // 2, len(found.states) - 1):
        fewer = replace(found, states=found.states[:n] + found.states[n + 1 :])
        with pytest.raises(Refused):
            certify(found.system, "no_overlap", [("fewer", fewer.invariant())], [], None, "z3", Budget())


def test_where_guessing_takes_too_long_all_states_are_the_invariant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dmaverify.engines.induction.QUICK", 0.0)
    (outcome,) = Induction(certificates=tmp_path).run(locked(), ("atomic",), Budget())
    assert outcome.word is Word.PROVED and outcome.depth == 1
    assert outcome.exercised == {"atomic.a": True, "atomic.b": True}
    assert outcome.certificate is not None and (Path(outcome.certificate) / "step.smt2").exists()
    (outcome,) = Induction().run(locked(correct=False), ("atomic",), Budget(timeout=20))
    assert outcome.word is Word.UNKNOWN


@pytest.mark.slow
@pytest.mark.parametrize("variant", [None, "v4_9", "v5_10", "v6_1", "v6_12"])
def test_a_pool_that_two_cpus_share_is_proved(variant: str | None, root: Path, campaign: bool) -> None:
    """The lock of 3.18 and later keeps live allocations apart, at any depth: S21 of the usual size."""
    if not campaign and variant not in (None, "v6_12"):
        pytest.skip("with --campaign")
    core = to_core(compile_scenario(root / "models" / "boards" / "shared-pool.dma", variant).system)
    for part in prepare(core, ("no_overlap",)).slices:
        (outcome,) = Worker(Induction()).run(part.system, ("no_overlap",), Budget())
        assert outcome.word is Word.PROVED, outcome.reason
