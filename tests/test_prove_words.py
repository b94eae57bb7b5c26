"""What else a patch changes: equal IR, step by step, observable words in three views."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmaverify.lang.compile import compile_scenario
from dmaverify.patches.canonical import same
from dmaverify.patches.compare import BY_IR, BY_STEPS, BY_WORDS, Task, equality
from dmaverify.patches.machine import Label, Machine
from dmaverify.patches.sides import Side
from dmaverify.patches.stepwise import agree
from dmaverify.patches.words import compare
from dmaverify.report.page import plain
from dmaverify.report.patch import lines
from tests.support.patched import Pair

ROOT = Path(__file__).parent.parent
BOARDS = ROOT / "models" / "boards"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


# -- equal IR

WORK = """\
var count : u8 = 0
var flag  : bool = false
proc step(by: u8) -> u8 {
    let old = count
    count = old + by
    if flag { emit said(old) }
    emit did(count)
    return old
}
sequence one on cpu0 { let a = step(1) }
sequence two on cpu1 { flag = true }
"""

RENAMED = """\
// everything has moved, is called by other names, and stands in another order
var on  : bool = false
var sum : u8 = 0

sequence two on cpu1 { on = true }
sequence one on cpu0 {
    let result = step(1)
}
proc step(by: u8) -> u8 {
    let before = sum
    sum = before + by
    if on { emit said(before) }
    emit did(sum)
    return before
}
"""


def test_names_and_order_do_not_matter(pair: Pair) -> None:
    one, other = pair.systems(WORK, RENAMED)
    assert one.system != other.system
    assert same(one.system, other.system)
    found = pair.equality(WORK, RENAMED)
    assert (found.word, found.how) == ("equal", BY_IR)
    # and by words as well, from the same texts
    found = pair.equality(WORK, RENAMED, by_words=True)
    assert (found.word, found.how, found.view) == ("equal", BY_WORDS, "addresses")


@pytest.mark.parametrize(
    "old, new",
    [
        ("count = old + by", "count = old + by + 1"),
        ("if flag {", "if not flag {"),
        ("emit did(count)", "emit said(count)"),
        ("return old", "return count"),
        ("flag = true", "flag = false"),
        ("on cpu1", "on cpu2"),
        ("var count : u8 = 0", "var count : u8 = 1"),
        ("    emit did(count)\n", "    emit did(count)\n    emit did(count)\n"),
        ("let old = count\n    count = old + by", "count = count + by\n    let old = count - by"),
    ],
)
def test_what_is_more_than_a_name_is_seen(pair: Pair, old: str, new: str) -> None:
    assert old in WORK
    one, other = pair.systems(WORK, WORK.replace(old, new))
    assert not same(one.system, other.system)


def test_variables_that_look_alike_are_paired(pair: Pair) -> None:
    text = "".join(f"var v{i} : bool = false\n" for i in range(4))
    text += "sequence s on cpu0 {\n" + "".join(f"    v{i} = not v{(i + 1) % 4}\n" for i in range(4)) + "}\n"
    one, other = pair.systems(text, re.sub(r"\bv(\d)", r"w\1", text))
    assert same(one.system, other.system)
    shifted = text.replace("v3 = not v0", "v3 = not v1")
    assert not same(one.system, pair.systems(text, shifted)[1].system)


@pytest.mark.parametrize("board", ["half-line", "zero-size"])
def test_a_board_whose_lines_have_moved_is_the_same(board: str) -> None:
    from dmaverify.texts import overlaid, read_text

    file = BOARDS / f"{board}.dma"
    before = compile_scenario(file, marks=True)
    moved = {str(Path(s).resolve()): "// a remark\n\n" + read_text(s) for s in before.sources}
    with overlaid(moved):
        after = compile_scenario(file, marks=True)
    assert before.system != after.system
    assert same(before.system, after.system)


# -- step by step

ENDLESS = """\
var n : u32 = 0
event at(where: u32)
proc p(by: u32) {
    n = n * 2 + by
    emit at(n)
    if n % 3 == 0 { n = 0 }
}
client c on cpu0 { may p(any of {1, 2, 700}) }
"""

def test_other_arithmetic_is_shown_equal_at_any_depth(pair: Pair) -> None:
    other = ENDLESS.replace("n * 2 + by", "by + (n << 1)").replace("n % 3 == 0", "not (n % 3 != 0)")
    one, two = pair.systems(ENDLESS, other)
    assert not same(one.system, two.system)
    # the words would take 2 ** 32 states
    found = pair.equality(ENDLESS, other, states=100)
    assert (found.word, found.how, found.view) == ("equal", BY_STEPS, "addresses")


@pytest.mark.parametrize(
    "old, new",
    [
        ("n * 2", "n * 3"),
        ("emit at(n)", "emit at(n + 1)"),
        ("% 3", "% 4"),
        ("n = 0 }", "n = 1 }"),
        ("{1, 2, 700}", "{1, 2, 701}"),
        ("u32 = 0", "u32 = 1"),
        ("emit at(n)", "if n != 5 { emit at(n) }"),
    ],
)
def test_what_is_not_equal_is_not_shown_equal(pair: Pair, old: str, new: str) -> None:
    assert old in ENDLESS
    compiled = [compile_scenario(f, monitors=(), marks=True) for f in pair.files(ENDLESS, ENDLESS.replace(old, new))]
    one, other = (Machine(c, "addresses", 2_000) for c in compiled)
    assert agree(one, Machine(compiled[0], "addresses", 10))
    assert not agree(one, other)
    assert compare(one, other).found


def test_constants_that_passes_fold_away_are_compared(pair: Pair) -> None:
    text = "proc p() { emit did(%d) }\nsequence s on cpu0 { p() }\n"
    found = pair.equality(text % 3, text % 9)
    assert found.word == "different"
    assert {d.last.text for d in found.differences} == {"did(what = 3)", "did(what = 9)"}


def test_a_parameter_of_any_value(pair: Pair) -> None:
    text = """\
param size : u32 = any u32
proc p(n: u32) -> u32 { return n * 2 }
event got(n: u32)
sequence s on cpu0 {
    let a = p(size)
    emit got(a)
}
"""
    assert pair.equality(text, text.replace("n * 2", "n + n")).how == BY_STEPS
    found = pair.equality(text, text.replace("n * 2", "n * 3"))
    assert found.word == "unknown" and "size may have any value" in found.reason


def test_a_contract_hides_nothing(pair: Pair) -> None:
    text = """\
param size : u32 = any u32
proc pick(n: u32) -> u32 ensures result <= n { return if n > 3 { 3 } else { n } }
event got(n: u32)
sequence s on cpu0 {
    let a = pick(size)
    emit got(a)
}
"""
    report = pair.report(text, text.replace("{ 3 }", "{ 2 }"))
    equality_ = report.scenarios[0].variants[0].equality
    assert equality_ is not None and equality_.word == "unknown"
    assert "pick is taken by its contract" in equality_.reason
    assert "changes nothing" not in {p.verdict for _, _, p in report.all_properties()}


# -- words


@pytest.mark.parametrize(
    "board, view", [("zero-size", "results"), ("half-line", "addresses"), ("rx-once", "events"), ("outer-order", "events")]
)
def test_a_board_is_equal_to_itself(board: str, view: str) -> None:
    """Fused against unfused: that steps are put together changes no word."""
    compiled = compile_scenario(BOARDS / f"{board}.dma", monitors=(), marks=True)
    answer = compare(Machine(compiled, view, 20_000), Machine(compiled, view, 20_000, fuse=False))
    assert (answer.found, answer.reason) == ([], "")
    assert answer.pairs > 3


def test_equal_words_from_different_texts(pair: Pair) -> None:
    before = "var a : u8 = 0\nproc p() {\n    a = 1\n    a = a + 1\n    emit did(a)\n}\nsequence s on cpu0 { p() }\n"
    after = "proc p() {\n    emit did(2)\n}\nsequence s on cpu0 { p() }\n"
    found = pair.equality(before, after)
    assert (found.word, found.how, found.view) == ("equal", BY_WORDS, "addresses")
    report = pair.report(before, after)
    assert "nothing: the same events and addresses on both sides" in plain(lines(report))


def test_the_shortest_difference(pair: Pair) -> None:
    text = """\
var n : u8 = 0
proc p() {
    n = n + 1
    emit did(if n == 3 { %d } else { n })
}
sequence s on cpu0 {
    p()
    p()
    p()
    p()
}
"""
    found = pair.equality(text % 3, text % 9)
    assert (found.word, found.how, found.equal_views) == ("different", BY_WORDS, ("results",))
    first, second = found.differences
    assert [s.text for s in first.shared] == ["p()", "did(what = 1)", "p returns", "p()", "did(what = 2)", "p returns", "p()"]
    assert {(d.side, d.last.text) for d in (first, second)} == {("before", "did(what = 3)"), ("after", "did(what = 9)")}
    assert {d.call for d in found.differences} == {"p"}
    assert pair.equality(text % 3, text % 9, view="results").word == "equal"


def test_refinement_has_a_direction(pair: Pair) -> None:
    either = "proc p() { emit did(any of {1, 2}) }\nsequence s on cpu0 { p() }\n"
    one = "proc p() { emit did(1) }\nsequence s on cpu0 { p() }\n"
    assert pair.equality(either, one).word == "fewer"
    assert pair.equality(one, either).word == "more"


def test_a_direction_for_some_parameters_is_none_for_all(pair: Pair) -> None:
    text = """\
param k : u8 in 0..2
proc p() { emit did(%s) }
sequence s on cpu0 { p() }
"""
    before = text % "if k == 0 { 1 } else { any of {1, 2} }"
    after = text % "if k == 0 { any of {1, 2} } else { 1 }"
    assert pair.equality(before, text % "1").word == "fewer"
    assert pair.equality(before, after).word == "different"


def test_the_moment_of_a_choice_is_no_difference(pair: Pair) -> None:
    """Words are compared, not branching: a simulation would fail here in one direction."""
    early = """\
proc p() {
    let x : u8 = any of {1, 2}
    emit did(0)
    emit did(x)
}
sequence s on cpu0 { p() }
"""
    late = """\
var done : bool = false
proc p() {
    emit did(0)
    done = true
    let x : u8 = any of {1, 2}
    emit did(x)
}
sequence s on cpu0 { p() }
"""
    assert pair.equality(early, late).word == "equal"


def test_a_deadlock_is_seen_where_no_event_is_missing(pair: Pair) -> None:
    text = """\
var l : spinlock
var m : spinlock
sequence one on cpu0 {
    lock l { lock m { emit did(1) } }
}
sequence two on cpu1 {
    lock %s { lock %s { emit did(1) } }
}
"""
    found = pair.equality(text % ("l", "m"), text % ("m", "l"))
    assert found.word == "more"
    assert [d.last.text for d in found.differences] == ["deadlock: no thread goes on"]


def test_a_failed_built_in_check_ends_the_word(pair: Pair) -> None:
    text = """\
object Thing max 1 { x: u8 }
proc p() {
    let t = new Thing { x: 1 }
    %s
    emit did(t.x)
}
sequence s on cpu0 { p() }
"""
    found = pair.equality(text % "", text % "delete t")
    assert any("built-in check" in d.last.text for d in found.differences if d.side == "after")
    assert any(d.last.text == "did(what = 1)" for d in found.differences if d.side == "before")


def test_over_budget_is_unknown(pair: Pair) -> None:
    text = "var n : u8 = 0\nproc p() {\n    n = n + 1\n    emit did(n)\n}\nclient c on cpu0 { may p() }\n"
    other = text.replace("n + 1", "(n + 1) & 0xff")
    assert pair.equality(text, other, by_words=True).word == "equal"
    found = pair.equality(text, other, by_words=True, states=50)
    assert found.word == "unknown"
    assert "states" in found.reason


def test_no_time_is_unknown(pair: Pair) -> None:
    files = pair.files(ENDLESS, ENDLESS.replace("% 3", "% 4"))
    found = equality(Task(Side(), Side(), files, None, (), "events", 100, (), seconds=0.0))
    assert (found.word, found.reason) == ("unknown", "time")


def test_views_hide_what_they_should(pair: Pair) -> None:
    text = """\
type place : u64 bytes
event put(at: place, size: u8)
proc p(at: place) -> place? {
    emit put(at, 1)
    emit put(at + 4K, 1)
    return at
}
sequence s on cpu0 { let a = p(%s) }
"""
    assert pair.equality(text % "0x10000", text % "0x20000", view="addresses").word == "different"
    moved = pair.equality(text % "0x10000", text % "0x20000")
    assert (moved.word, moved.view) == ("equal", "events")
    # where it stands in its page is seen, and so is which of the pages seen before it is
    assert pair.equality(text % "0x10000", text % "0x10004").word == "different"
    again = text.replace("at + 4K", "at")
    assert pair.equality(text % "0x10000", again % "0x10000").word == "different"
    assert pair.equality(text % "0x10000", again % "0x10000", view="results").word == "equal"


def test_labels_are_what_a_call_gets_and_returns(pair: Pair) -> None:
    compiled, _ = pair.systems(WORK, WORK)
    machine = Machine(compiled, "results", 1000)
    seen = {label for e in _reachable(machine) for label, _ in machine.node(e).labelled}
    assert Label("one", "call", "step(by = 1)", "step") in seen
    assert Label("one", "return", "step returns 0", "step") in seen
    assert Label("one", "end", "one ends", "one") in seen
    assert not any(x.kind == "event" for x in seen)


def _reachable(machine: Machine) -> list[object]:
    todo = list(machine.initial())
    known = set(todo)
    while todo:
        node = machine.node(todo.pop())
        for e in (*node.hidden, *(t for _, t in node.labelled if t is not None)):
            if e not in known:
                known.add(e)
                todo.append(e)
    return list(known)  # type: ignore[arg-type]


def test_another_name_for_a_parameter_is_no_difference(pair: Pair) -> None:
    text = "proc p(%s: u8, %s: u8) { emit did(%s) }\nsequence s on cpu0 { p(1, 2) }\n"
    before = text % ("a", "b", "a")
    for by_words in (False, True):
        found = pair.equality(before, text % ("first", "second", "first"), by_words=by_words)
        assert (found.word, found.view) == ("equal", "addresses")
    # a name that another parameter has taken is one
    found = pair.equality(before, text % ("b", "a", "b"))
    assert found.word == "different"
    assert {d.last.text for d in found.differences} == {"p(a = 1, b = 2)", "p(b = 1, a = 2)"}
