"""Every engine on the same random Systems, larger than those of the engines' own tests: one answer.

An engine may say less than another (a bound, unknown), never something else. Only what search has visited completely is compared.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from dmaverify.engines.auto import ENGINES, make_engine
from dmaverify.engines.base import Budget
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome, Word
from tests.support.agreement import contradiction
from tests.support.random_system import random_system

SHARDS = 10
FULL = 200
USUAL = 10
OTHERS = tuple(e for e in ENGINES if e not in ("auto", "explicit"))
BUDGETS = {"bmc": Budget(timeout=20, depth=8)}


def exactly(system: System, properties: tuple[str, ...]) -> dict[str, Outcome]:
    """What search over all states says; nothing where there are too many."""
    found = make_engine("explicit").run(system, properties, Budget(states=30_000))
    return {o.prop: o for o in found if o.word in (Word.EXHAUSTED, Word.VIOLATED)}


@pytest.mark.campaign
@pytest.mark.parametrize("shard", range(SHARDS))
def test_engines_agree_on_larger_systems(shard: int, rounds: Callable[[int, int], int]) -> None:
    tally: Counter[str] = Counter()
    for seed in range(shard, rounds(USUAL, FULL), SHARDS):
        rng = random.Random(70_000 + seed)
        system = random_system(rng, rng.randint(3, 4))
        core = to_core(system)
        asked = tuple(p.name for p in system.properties)
        for part in prepare(core, asked, stops=True).slices:
            exact = exactly(part.system, part.properties)
            for name in OTHERS:
                budget = BUDGETS.get(name, Budget(timeout=20))
                for o in make_engine(name).run(part.system, tuple(exact), Budget(budget.timeout, depth=budget.depth)):
                    tally[o.word.value] += 1
                    assert not contradiction(exact[o.prop], o), (seed, o.prop, name, contradiction(exact[o.prop], o))
    assert tally[Word.VIOLATED.value] + tally[Word.PROVED.value] > 2, tally


def test_the_comparison_can_fail() -> None:
    holds, proved = Outcome("p", Word.EXHAUSTED, exercised={"p.1": False}), Outcome("p", Word.PROVED, exercised={"p.1": True})
    assert contradiction(holds, proved) == "p.1: True, and not False"
    assert contradiction(holds, Outcome("p", Word.VIOLATED))
