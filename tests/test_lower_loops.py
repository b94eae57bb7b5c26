"""Loops of threads that touch shared state: rounds, and the limit that `at most` sets."""

from __future__ import annotations

from pathlib import Path

import pytest

import dmaverify
from dmaverify.verdict import Word
from tests.support.lowered import ends, failures, system

LOOPS = {
    "while": "while shared < 3 at most N { shared += 1 }",
    "loop": "loop at most N { if shared == 3 { break }\n shared += 1 }",
    "for": "for i: u32 = 0; i < 3; i += 1 at most N { shared += 1 }",
    "nested": "repeat 2 { shared = 0\n while shared < 3 at most N { shared += 1 } }",
}


@pytest.mark.parametrize("kind", LOOPS)
def test_a_limit_is_checked_round_by_round(tmp_path: Path, kind: str) -> None:
    text = f"sequence run on cpu0 {{\n {LOOPS[kind]}\n}}"
    enough = 4 if kind == "loop" else 3
    s = system(tmp_path, text.replace("N", str(enough)))
    assert failures(s) == set()
    assert ends(s, "shared") == {(3,)}
    s = system(tmp_path, text.replace("N", str(enough - 1)))
    assert {p for p, _ in failures(s)} == {"bound"}


def test_running_over_a_limit_is_unknown(tmp_path: Path) -> None:
    text = """
sequence run on cpu0 { while shared < 3 at most 2 { shared += 1 }
                       assert shared == 3 }
monitor never code DMA900 { always shared != 4 }
"""
    system(tmp_path, text)
    report = dmaverify.check(str(tmp_path / "models" / "t.dma"))
    v = report.scenario("t").variant()
    assert {p.name: p.word for p in v.properties if p.kind != "cover"} == {
        "never": Word.UNKNOWN, "asserts": Word.UNKNOWN, "bound": Word.UNKNOWN
    }
    assert "runs more than 2 times" in v.property("never").reason
    assert report.exit_status == 3


def test_the_counter_is_gone_behind_the_loop(tmp_path: Path) -> None:
    text = "sequence run on cpu0 {\n while shared < 2 at most 2 { shared += 1 }\n other = 1\n}"
    s = system(tmp_path, text)
    assert ends(s, "run.rounds", "other") == {(0, 1)}
