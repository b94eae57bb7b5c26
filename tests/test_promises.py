"""What procs ensure is shown of their bodies, also where nobody calls them by contract."""

from __future__ import annotations

from pathlib import Path

import pytest

import dmaverify
from dmaverify.cli.main import run
from dmaverify.results import VariantResult
from dmaverify.verdict import Word
from tests.support.lowered import compiled

SET = """
var map : u64 = 0
proc set_bit(m: ref u64, i: u32)
    requires i < 64
    ensures m == old m | u64(1) << i
{
    BODY
}
sequence go on cpu0 { set_bit(map, 3) }
"""


def checked(folder: Path, text: str, **options: object) -> VariantResult:
    compiled(folder, text)
    report = dmaverify.check(str(folder / "models" / "t.dma"), **options)  # type: ignore[arg-type]
    v = report.scenario("t").variant()
    assert (v.diagnostics, v.internal) == ([], "")
    return v


def test_a_body_that_does_what_it_promises_is_proved_for_all_arguments(tmp_path: Path) -> None:
    p = checked(tmp_path, SET.replace("BODY", "m |= u64(1) << i")).property("contract set_bit")
    assert (p.word, p.instances, p.status) == (Word.PROVED, "all arguments", 0)


@pytest.mark.parametrize("body", ["m |= u64(1) << (i % 32)", "m ^= u64(1) << i", "if i == 63 { return }\n m |= u64(1) << i"])
def test_one_that_does_not_is_violated_though_the_scenario_never_calls_it_so(
    tmp_path: Path, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    v = checked(tmp_path, SET.replace("BODY", body))
    p = v.property("contract set_bit")
    assert (p.word, p.status) == (Word.VIOLATED, 1)
    assert run(["check", str(tmp_path / "models" / "t.dma"), "--only", "contract set_bit"]) == 1
    assert "contract set_bit VIOLATED" in capsys.readouterr().out


def test_doing_something_undefined_breaks_a_promise_too(tmp_path: Path) -> None:
    text = SET.replace("requires i < 64", "requires i < 70").replace("BODY", "m |= u64(1) << i")
    assert checked(tmp_path, text).property("contract set_bit").word is Word.VIOLATED


def test_a_loop_with_a_limit_is_claimed_for_what_the_limit_allows(tmp_path: Path) -> None:
    text = """
var map : u64 = 0
proc ones(m: ref u64, n: u32) -> u32
    ensures n > 0 => result <= n and m == old m
{
    let k : u32 = 0
    for i: u32 = 0; i < n; i += 1 at most 10 { if m & u64(1) << i != 0 { k += 1 } }
    return k
}
sequence go on cpu0 { let k = ones(map, 2) }
"""
    p = checked(tmp_path, text).property("contract ones")
    assert (p.word, p.instances) == (Word.PROVED, "n <= 8")


def test_a_proc_that_chooses_is_not_shown_by_itself(tmp_path: Path) -> None:
    text = "proc pick() -> u32\n ensures result < 3\n{ return any of {u32(1), 2} }\nsequence go on cpu0 { shared = pick() }"
    p = checked(tmp_path, text).property("contract pick")
    assert p.word is Word.UNKNOWN
    assert "chooses" in p.reason


def test_it_is_not_asked_where_a_scenario_asks_for_little(tmp_path: Path) -> None:
    text = SET.replace("BODY", "m ^= u64(1) << i") + "monitor m code DMA900 { always map != 1 }\ncheck only m\n"
    assert "contract set_bit" not in {p.name for p in checked(tmp_path, text).properties}
