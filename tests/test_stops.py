"""Behind a failed built-in check nothing is meant: not in the rest of its step, not in the steps after it, in no engine and
in no slice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import dmaverify
from dmaverify.checking import decide
from dmaverify.checking import probes as walked
from dmaverify.engines.replay import replay
from dmaverify.results import VariantResult
from dmaverify.verdict import Word
from tests.support.lowered import compiled, failures, system

IN_ONE_STEP = """
var p : u32? = null
monitor watch code DMA900 { on happened(n) { assert n > 5 } }
sequence go on cpu0 { let n = p!
                      assert n == 1
                      emit happened(n) }
"""


def test_a_failed_check_ends_the_step_that_it_stands_in(tmp_path: Path) -> None:
    assert {p for p, _ in failures(system(tmp_path, IN_ONE_STEP))} == {"memory"}
    present = IN_ONE_STEP.replace("= null", "= 2")
    assert {p for p, _ in failures(system(tmp_path, present))} == {"asserts", "watch"}


def test_what_stands_before_it_is_judged(tmp_path: Path) -> None:
    text = "var p : u32? = null\nsequence go on cpu0 { atomic { assert shared == 1\n shared = p! } }"
    assert {p for p, _ in failures(system(tmp_path, text))} == {"asserts", "memory"}


LATER = """
var p : u32? = null
var z : u32 = 0
monitor watch code DMA900 { on happened(n) { assert n < 5 } }
sequence stir on cpu1 { repeat 60 { other += 1
                                    shared = other } }
sequence go on cpu0 { choose { HERE } or { z = p! }
                      z = 6
                      emit happened(z) }
cover six: z == 6
expect memory violated, watch violated
"""


def by_slices(path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> VariantResult:
    """The verdicts where nothing is decided by the first search of the whole."""
    monkeypatch.setattr(decide, "FEW_STATES", 0)
    return dmaverify.check(str(path), engine=engine, depth=10 if engine == "bmc" else None).scenario("t").variant()


@pytest.mark.parametrize("engine", ["explicit", "bmc"])
def test_a_violation_behind_a_failed_check_is_looked_for_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    # the way without the failure is longer, so that a slice without the check finds the other one first
    c = compiled(tmp_path, LATER.replace("HERE", "z = 1\n z = 2\n z = 3"))
    v = by_slices(tmp_path / "models" / "t.dma", engine, monkeypatch)
    watch, six = v.property("watch"), v.property("six")
    assert (watch.word, six.reached) == (Word.VIOLATED, True)
    for found in (watch, six):
        assert found.trace is not None
        replay(c.system, found.trace)
    assert v.property("memory").word is Word.VIOLATED


@pytest.mark.parametrize("engine", ["explicit", "bmc"])
def test_where_there_is_none_elsewhere_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    compiled(tmp_path, LATER.replace("HERE", "wait other == 99"))
    v = by_slices(tmp_path / "models" / "t.dma", engine, monkeypatch)
    expected = (Word.VACUOUS, False) if engine == "explicit" else (Word.BOUNDED, None)
    assert (v.property("watch").word, v.property("six").reached) == expected
    assert v.property("memory").word is Word.VIOLATED


@pytest.mark.parametrize("engine", ["auto", "explicit", "bmc"])
@pytest.mark.parametrize("asked", ["", "watch"], ids=["all", "alone"])
def test_what_is_put_to_the_test_only_behind_a_failed_check_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, asked: str
) -> None:
    """The slice for ``watch`` has no ``p!`` that fails, and gets to its assert; nobody else does."""
    text = LATER.replace("HERE", "wait other == 99").replace("n < 5", "n < 50").replace(", watch violated", "")
    compiled(tmp_path, text)
    monkeypatch.setattr(decide, "FEW_STATES", 0)
    depth = 10 if engine == "bmc" else None
    report = dmaverify.check(str(tmp_path / "models" / "t.dma"), engine=engine, depth=depth, only=asked or None)
    watch = report.scenario("t").variant().property("watch")
    assert True not in watch.exercised.values()
    assert (watch.word, watch.exercised_shown) == ((Word.BOUNDED, False) if engine == "bmc" else (Word.VACUOUS, True))


def test_where_the_check_fails_only_now_and_then_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled(tmp_path, LATER.replace("HERE", "z = 1").replace("n < 5", "n < 50").replace(", watch violated", ""))
    monkeypatch.setattr(walked, "WALKS", 0)
    v = by_slices(tmp_path / "models" / "t.dma", "explicit", monkeypatch)
    watch = v.property("watch")
    assert v.property("memory").word is Word.VIOLATED
    assert (watch.word, list(watch.exercised.values())) == (Word.EXHAUSTED, [True])
