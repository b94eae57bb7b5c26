"""Bodies whose loops are cut at their invariants: what is proved for all arguments, and what is not believed."""

from __future__ import annotations

from pathlib import Path

import pytest

import dmaverify
from dmaverify.checking.contracts import Shown, possible, show
from dmaverify.checking.options import Options
from dmaverify.cli.main import run
from dmaverify.engines.base import Budget
from dmaverify.ir.expr import TRUE
from dmaverify.ir.pipeline import to_core
from dmaverify.lang.compile import compile_body
from dmaverify.lang.diag import DmaError
from dmaverify.results import VariantResult
from dmaverify.verdict import Word
from tests.support.lowered import compiled

ROOT = Path(__file__).resolve().parent.parent

TWICE = """
param n : u32 in 0..1_000_000
proc twice(m: ref u32, n: u32)
    requires n <= 1_000_000
    ensures m == 2 * n
{
    let i: u32 = 0
    let k: u32 = 0
    m = 0
    while i < n at most 4
        invariant i <= n
        invariant m == 2 * i
        decreases n - i
    {
        i += 1
        m += 2
    }
    m += k
}
sequence go on cpu0 {
    twice(shared, n)
    assert shared == 2 * n
}
"""


def shown(folder: Path, text: str, proc: str = "twice") -> Shown:
    compiled(folder, text, contracts=())
    return show(str(folder / "models" / "t.dma"), None, {}, proc, Options())


def checked(folder: Path, text: str) -> VariantResult:
    compiled(folder, text, contracts=())
    v = dmaverify.check(str(folder / "models" / "t.dma")).scenario("t").variant()
    assert (v.diagnostics, v.internal) == ([], "")
    return v


def line_of(folder: Path, part: str) -> int:
    lines = (folder / "models" / "t.dma").read_text(encoding="utf-8").splitlines()
    return next(i for i, line in enumerate(lines, 1) if part in line)


def test_the_verdict_names_the_contract_and_how_its_body_is_proved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    p = checked(tmp_path, TWICE).property("asserts")
    assert (p.word, p.contracts, p.bodies) == (Word.PROVED, ("twice",), {"twice": "for all arguments by loop invariant"})
    assert run(["check", str(tmp_path / "models" / "t.dma")]) == 0
    assert "by contract of twice, whose body is proved for all arguments by loop invariant" in capsys.readouterr().out


WRONG = {
    "not initially true": ("m == 2 * i\n", "m == 2 * i + 1\n", "the invariant does not hold where the loop begins", "i + 1"),
    "not kept": ("m += 2", "m += 3", "a round of the loop does not keep the invariant", "invariant m =="),
    "too weak": ("        invariant m == 2 * i\n", "", "it does not follow that the body of twice does what its contract", "ensures"),
    "does not fall": ("decreases n - i", "decreases n", "what decreases does not become less", "decreases"),
    "falls below zero": ("decreases n - i", "decreases -5 - i32(i)", "is negative before it", "decreases"),
    "also written": ("m += 2\n", "m += 2\n k = 1\n", "it does not follow that the body of twice", "ensures"),
    "also written, rarely": ("m += 2\n", "m += 2\n if i == 7 { k = 1 }\n", "it does not follow that the body of twice", "ensures"),
    "also written, by a call": ("m += 2\n", "m += 2\n inc(k)\n", "it does not follow that the body of twice", "ensures"),
    "written by what is written": ("m += 2\n", "m += 2\n if j == 1 { k = 1 }\n j = 1\n", "it does not follow", "ensures"),
    "written before a break": ("m += 2\n", "m += 2\n if i == n { k = 1\n break }\n", "it does not follow that the body of", "ensures"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_loop_is_refused_and_the_line_named(tmp_path: Path, case: str) -> None:
    old, new, said, at = WRONG[case]
    text = TWICE.replace(old, new).replace("    m = 0\n", "    m = 0\n    let j: u32 = 0\n")
    s = shown(tmp_path, text + "proc inc(k: ref u32) { k += 1 }\n")
    assert not s.holds
    assert said in s.reason
    assert f"t.dma:{line_of(tmp_path, at)}:" in s.reason


def test_a_verdict_does_not_rest_on_a_body_that_is_not_shown(tmp_path: Path) -> None:
    p = checked(tmp_path, TWICE.replace("        invariant m == 2 * i\n", "")).property("asserts")
    assert p.word is Word.UNKNOWN
    assert "it does not follow" in p.reason


def test_arguments_are_told_apart_from_the_state_of_the_loop(tmp_path: Path) -> None:
    s = shown(tmp_path, TWICE.replace("m += 2", "m += 3"))
    line = line_of(tmp_path, "while")
    assert " for n = " in s.reason
    assert f", and m@{line} = " in s.reason or f", and i@{line} = " in s.reason


def test_loops_in_loops(tmp_path: Path) -> None:
    inner = """while k < 3
            invariant k <= 3 and i <= n and m == 6 * i + 2 * k
            decreases 3 - k
        { k += 1
          m += 2 }
        k = 0"""
    text = TWICE.replace("m == 2 * n\n{", "m == 6 * n\n{").replace("m == 2 * i", "m == 6 * i and k == 0")
    text = text.replace("m += 2\n", inner + "\n")
    text = text.replace("        i += 1\n", "").replace("k = 0\n", "k = 0\n        i += 1\n")
    assert shown(tmp_path, text).holds  # that i < n is still true after the inner loop, which does not write i
    s = shown(tmp_path, text.replace(" and m == 6 * i + 2 * k", ""))
    assert "a round of the loop does not keep the invariant" in s.reason


def test_without_decreases_a_loop_is_unrolled(tmp_path: Path) -> None:
    s = shown(tmp_path, TWICE.replace("        decreases n - i\n", ""))
    assert (s.holds, s.limits) == (True, "for n <= 64")


def test_asserts_of_a_body_are_claims_since_nobody_else_sees_them(tmp_path: Path) -> None:
    assert shown(tmp_path, TWICE.replace("m += k", "assert m <= 2_000_000\n m += k")).holds
    assert not shown(tmp_path, TWICE.replace("m += k", "assert m < 2_000_000\n m += k")).holds


def test_any_choice_of_a_body_counts(tmp_path: Path) -> None:
    text = TWICE.replace("m += 2\n", "let more = any bool\n if more { m += 2 } else { m += WAY }\n")
    assert shown(tmp_path, text.replace("WAY", "2")).holds
    assert not shown(tmp_path, text.replace("WAY", "3")).holds


# -- contracts within bodies ---------------------------------------------

OUTER = TWICE.replace("twice(shared, n)\n", "let k = outer(shared, n)\n    assert k <= n\n") + """
proc outer(m: ref u32, n: u32) -> u32
    requires n <= 1_000
    ensures m == 2 * n and result <= n
{
    twice(m, n)
    return least(n)
}
proc least(n: u32) -> u32
    ensures result <= n
{
    return n / 2
}
"""


def test_a_body_calls_by_contract_and_the_verdict_names_all_of_them(tmp_path: Path) -> None:
    text = OUTER.replace("1_000_000\nproc", "1_000\nproc")
    p = checked(tmp_path, text).property("asserts")
    assert (p.word, p.contracts) == (Word.PROVED, ("outer", "least", "twice"))
    ways = {"outer": "for all arguments", "least": "for all arguments", "twice": "for all arguments by loop invariant"}
    assert p.bodies == ways
    broken = checked(tmp_path, text.replace("m += 2\n", "m += 3\n")).property("asserts")
    assert broken.word is Word.UNKNOWN
    assert "twice" in broken.reason


def test_a_body_that_breaks_what_its_callee_requires_is_not_shown(tmp_path: Path) -> None:
    assert shown(tmp_path, OUTER, "outer").holds
    # what the callee promises cannot be kept there: it must not hide the call
    never = OUTER.replace("requires n <= 1_000\n", "").replace("ensures m == 2 * n\n{", "ensures m == 2 * n and n <= 1_000_000\n{")
    assert not shown(tmp_path, never, "outer").holds


def test_no_proc_rests_on_its_own_contract(tmp_path: Path) -> None:
    text = """
param n : u32 in 0..1_000
proc down(n: u32) -> u32 at most 3 deep
    ensures result == 7
{
    if n == 0 { return RESULT }
    let r = other(n - 1)
    return r
}
proc other(n: u32) -> u32 at most 3 deep
    ensures result == 7
{
    let r = down(n)
    return r
}
sequence go on cpu0 { let r = down(n)
                      assert r == 7 }
"""
    assert shown(tmp_path, text.replace("RESULT", "7"), "down").contracts == ()
    assert not shown(tmp_path, text.replace("RESULT", "8"), "down").holds


# -- what a call by contract leaves out ---------------------------------------------

PICK = """
param n : u32 in 0..1_000
event seen(k: u32)
proc deeper(k: u32) { if k > 500 { other = 1 } }
proc pick(m: ref u32, k: u32) -> u32
    requires k < 2_000
    ensures m == old m and result <= k
{
    BODY
    return k
}
sequence go on cpu0 {
    let r = pick(shared, n)
    assert r <= n and other == 0
}
monitor quiet code DMA900 {
    ghost s : bool = false
    on seen(_) { s = true }
    always not s
}
"""


@pytest.mark.parametrize(
    ("body", "prop", "does"),
    [("deeper(k)", "asserts", "writes other"), ("if k > 500 { emit seen(k) }", "quiet", "emits an event")],
)
def test_what_does_more_than_its_contract_says_is_not_called_by_it(tmp_path: Path, body: str, prop: str, does: str) -> None:
    v = checked(tmp_path, PICK.replace("BODY", body))
    assert (v.property(prop).word, v.property(prop).contracts) == (Word.VIOLATED, ())
    with pytest.raises(DmaError, match=does):
        compiled(tmp_path, PICK.replace("BODY", body), contracts=["pick"])


def test_a_call_against_what_is_required_is_seen_whatever_is_promised(tmp_path: Path) -> None:
    text = PICK.replace("BODY", "").replace("k < 2_000", "k < 500").replace("result <= k", "result <= k and k < 500")
    assert checked(tmp_path, text).property("misuse").word is Word.VIOLATED


# -- claims of their own ---------------------------------------------

ASKED = TWICE.replace("param n : u32 in 0..1_000_000", "const n : u32 = 2")


def test_a_claim_of_its_own_is_about_all_arguments_too(tmp_path: Path) -> None:
    p = checked(tmp_path, ASKED).property("contract twice")
    assert (p.word, p.instances) == (Word.PROVED, "all arguments by loop invariant")


def test_an_invariant_that_is_too_weak_violates_nothing(tmp_path: Path) -> None:
    p = checked(tmp_path, ASKED.replace("        invariant m == 2 * i\n", "")).property("contract twice")
    assert (p.word, p.instances) == (Word.PROVED, "n <= 4")
    p = checked(tmp_path, ASKED.replace("m += 2\n", "if i != 3 { m += 2 }\n")).property("contract twice")
    assert p.word is Word.VIOLATED


# -- the library's bitmaps, for any width ---------------------------------------------

WORDS = ROOT / "models" / "linux" / "lib" / "bitmap-words.dma"
POOL = ROOT / "models" / "boards" / "any-pool.dma"


def refuted(file: Path, proc: str) -> list[str]:
    """The claims about a body of bitmap-words.dma that some arguments, and some state of its loop, make false."""
    body = compile_body(file, proc, "any_width")
    core = to_core(body.system).system
    return [w.label for w in core.always if possible(core, TRUE, [w], Budget(60.0))]


PROCS = ("fetch", "find_next_bit", "bitmap_set", "bitmap_clear")
PROCS += ("bitmap_allocate_region", "bitmap_find_free_region", "bitmap_release_region")


@pytest.mark.parametrize("proc", PROCS)
def test_bitmaps_of_any_width(proc: str) -> None:
    assert refuted(POOL, proc) == []


MUTANTS = {
    "a region begins at any page": ("bitmap_find_free_region", "pos = end\n", "pos += 1\n"),
    "a region may end behind the map": ("bitmap_find_free_region", "while end <= bits at", "while end <= bits + 1 at"),
    "the last bit is not set": ("bitmap_set", "mask &= last_word_mask(size)\n        if p == its_word() { map |=",
                                "mask &= last_word_mask(size - 1)\n        if p == its_word() { map |="),
    "a word is left out": ("bitmap_set", "bits_to_set = 64\n        mask = ALL\n        p += 1",
                           "bits_to_set = 64\n        mask = ALL\n        p += 2"),
    "the search begins a word late": ("find_next_bit", "let idx = start / 64\n", "let idx = start / 64 + 1\n"),
    "the length wraps": ("bitmap_find_free_region", "bits <= 0x7fff_ffff", "bits <= 0x8000_0000"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_bitmaps_that_are_wrong_in_one_place(tmp_path: Path, mutant: str) -> None:
    proc, old, new = MUTANTS[mutant]
    text = WORDS.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    for path, words in ((POOL, POOL.read_text(encoding="utf-8")), (WORDS, text.replace(old, new))):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True)
        copy.write_text(words, encoding="utf-8")
    assert refuted(tmp_path / POOL.relative_to(ROOT), proc) != []
