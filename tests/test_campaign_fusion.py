"""Statements and steps, all of a System and its slices, the interpreter and the generated code: one answer.

Compared are the failing checks with the lengths of their shortest traces, covers, what was put to the test,
and deadlocks. Three wrong step rules show that the campaign can fail.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dmaverify.ir.footprint import StepRule
from dmaverify.ir.pipeline import to_core
from tests.support.compare import explored, fused, naively, sliced
from tests.support.lock_programs import program
from tests.support.naive_search import search

SHARDS = 20
FULL = 20_000
USUAL = 5_000
ALL = ("p", "q", "cells", "builtin")
ASKED = ("p", "q", "cells")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_steps_and_statements_agree(shard: int, rounds: Callable[[int, int], int]) -> None:
    """Fused and unfused on every system; slices on every third, the interpreter on every tenth."""
    for seed in range(shard, rounds(USUAL, FULL), SHARDS):
        system = program(seed)
        core = to_core(system)
        statements = explored(core.system, deadlock=True)
        assert explored(fused(core, ALL), deadlock=True) == statements, seed
        turn = seed // SHARDS
        if turn % 3 == 0:
            assert sliced(core, ASKED) == statements.of(ASKED), seed
        if turn % 10 == 0:
            found = search(system, lambda a, w=core.weights: w.get(a.name, 0))  # type: ignore[misc]
            assert naively(found) == statements, seed


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(StepRule(hardware_is_foreign=False), id="spontaneous not foreign"),
        pytest.param(StepRule(acquire_first=False), id="nested acquire inside a step"),
        pytest.param(StepRule(nothing_after_release=False), id="visible after release"),
    ],
)
def test_wrong_rules_are_caught(rule: StepRule) -> None:
    """Each of the three wrong rules gives another verdict (not only another length) on some system."""
    for seed in range(USUAL):
        core = to_core(program(seed))
        right = explored(core.system, deadlock=True)
        wrong = explored(fused(core, ALL, rule), deadlock=True)
        verdicts = [(set(f.violated), f.exercised, f.deadlock is None) for f in (right, wrong)]
        if verdicts[0] != verdicts[1]:
            return
    pytest.fail("the campaign does not notice this rule")
