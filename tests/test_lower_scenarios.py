"""Whole scenarios: a small pool from text to verdict; all that come with the tool as far as their System."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmaverify.engines.interp import Interpreter
from dmaverify.ir.system import Kind
from dmaverify.ir.wellformed import wellformed
from dmaverify.lang.compile import compile_lemmas, compile_scenario, least_values, param_instances
from dmaverify.lang.diag import DmaError
from dmaverify.lang.link import load
from tests.conftest import ROOT
from tests.support.lowered import KIT, compiled, failures
from tests.support.naive_search import search

POOL = KIT / "models" / "boards" / "two-cpus.dma"
BOARDS = sorted((ROOT / "models" / "boards").glob("*.dma"))


@pytest.mark.parametrize("variant", [None, "no_lock", "half"])
def test_a_pool_of_pages_with_and_without_its_lock(variant: str | None) -> None:
    c = compile_scenario(POOL, variant)
    assert wellformed(c.system) == []
    assert c.asked == ("no_overlap", "marked")
    violated = {p for p, _ in failures(c.system)}
    expected = {n for n, e in c.expectations.by_subject.items() if e.verdict == "violated"}
    holds = {n for n, e in c.expectations.by_subject.items() if e.verdict == "holds"}
    assert expected <= violated
    assert not violated & (holds - expected)


def test_the_shortest_way_to_an_overlap_goes_through_both_cpus() -> None:
    c = compile_scenario(POOL, "no_lock")
    found = search(c.system, lambda a: 1)
    length = found.violated["no_overlap", "no_overlap.1"]
    # each CPU chooses, searches, and both have searched before either stores: load and store of `|=`
    assert length == 8


def test_the_same_text_gives_the_same_system() -> None:
    first, second = compile_scenario(POOL), compile_scenario(POOL, "no_lock")
    assert compile_scenario(POOL).system == first.system
    assert first.system != second.system


@pytest.mark.parametrize("path", BOARDS, ids=[p.stem for p in BOARDS])
def test_scenarios_that_come_with_the_tool_compile(path: Path) -> None:
    last = load(path).variants[-1:]
    for variant in [None, *last]:
        for params in param_instances(path, variant)[:2]:
            c = compile_scenario(path, variant, {**least_values(path, variant), **params})
            s = c.system
            assert wellformed(s) == []
            assert set(c.asked) <= {p.name for p in s.properties}
            run = Interpreter(s)
            state = run.initial_state()
            assert any(True for _ in run.enabled(state)) or not s.actions
            assert all(v.owner for v in s.vars if v.kind in (Kind.LOCAL, Kind.PC, Kind.GHOST))


def test_lemmas_about_all_numbers_stand_alone(tmp_path: Path) -> None:
    text = """
sequence run on cpu0 { shared = twice(1) }
lemma even for n: u32: twice(n) % 2 == 0
lemma wrong for n: u32, k in u32(0)..=3: twice(n) + k != 7
"""
    c = compiled(tmp_path, text)
    assert "even" not in c.asked
    alone = compile_lemmas(tmp_path / "models" / "t.dma")
    assert set(alone) == {"even", "wrong"}
    run = Interpreter(alone["even"])
    assert all(not run.judge(run.initial_state({"n": n})).failures for n in (0, 7, 2**31, 2**32 - 1))
    run = Interpreter(alone["wrong"])
    assert run.judge(run.initial_state({"n": 2, "k": 3})).failures
    assert alone["wrong"].assumptions or alone["wrong"].always[0].when.op != "const"


def test_memory_that_is_not_there_is_wrong_input(tmp_path: Path) -> None:
    """A scenario that uses pages and has no region."""
    path = tmp_path / "none.dma"
    path.write_text("scenario none\nuse linux.v6_12.arm64\ndevice d {}\nsequence s on cpu0 { let b = dma_alloc_coherent(d, 4K) }\n")
    with pytest.raises(DmaError) as error:
        compile_scenario(path)
    (said,) = error.value.diagnostics
    assert said.code == "DMA089" and "no region" in said.message and said.span.line == 1
