"""What else a patch changes: equal IR, observable words in three views, differences and whose they are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from dmaverify.lang.compile import Compiled, compile_scenario
from dmaverify.patches.canonical import same
from dmaverify.patches.compare import BY_IR, BY_STEPS, BY_WORDS, Task, equality
from dmaverify.patches.diff import Touched
from dmaverify.patches.machine import Label, Machine
from dmaverify.patches.parts import _groups, _Text
from dmaverify.patches.prove import prove
from dmaverify.patches.results import Equality, PatchReport
from dmaverify.patches.sides import Side, two_paths, with_patch
from dmaverify.patches.stepwise import agree
from dmaverify.patches.words import compare
from dmaverify.report.page import plain
from dmaverify.report.patch import lines
from dmaverify.report.patch_json import dumps

ROOT = Path(__file__).parent.parent
BOARDS = ROOT / "models" / "boards"
BUGS = ROOT / "models" / "bugs"

HEAD = """\
scenario s
event did(what: u8)
event said(what: u8)
"""


@dataclass
class Pair:
    """Two scenarios to be compared."""

    folder: Path

    def files(self, before: str, after: str) -> tuple[str, str]:
        names = self.folder / "before.dma", self.folder / "after.dma"
        for path, text in zip(names, (before, after), strict=True):
            path.write_text(HEAD + text, encoding="utf-8")
        return str(names[0]), str(names[1])

    def systems(self, before: str, after: str) -> tuple[Compiled, Compiled]:
        one, other = (compile_scenario(f, marks=True) for f in self.files(before, after))
        return one, other

    def equality(self, before: str, after: str, view: str = "events", by_words: bool = False, states: int = 5_000) -> Equality:
        files = self.files(before, after)
        return equality(Task(Side(), Side(), files, None, (), view, states, ()), by_words)

    def report(self, before: str, after: str, **options: object) -> PatchReport:
        one, other = self.files(before, after)
        return prove(two_paths(Path(one), Path(other)), jobs=1, **options)  # type: ignore[arg-type]


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


# -- whose difference it is


GUARDED = """\
var held : bool = false
monitor once code DMA901 {
    ghost last : u8 = 0
    on did(n) {
        assert n != last
        last = n
    }
}
proc take() {
    let free = not held
    held = true
    if free%s { emit did(1) }
}
proc other() { emit said(%d) }
client s on cpu0 {
    may take()
    may other()
}
check only once
"""


def test_the_fix_and_another_change_are_told_apart(pair: Pair) -> None:
    report = pair.report(GUARDED % (" or true", 1), GUARDED % ("", 2))
    (v,) = report.scenarios[0].variants
    assert {p.name: p.verdict for p in v.properties}["once"] == "fixes"
    assert v.equality is not None
    whose = {(d.call, d.side): d.fixed for d in v.equality.differences if d.last.text.startswith(("did", "said"))}
    assert whose[("take", "before")] == ("once",)
    assert whose[("other", "before")] == whose[("other", "after")] == ()
    text = plain(lines(report))
    assert "the fix itself: take" in text and "another change: " in text


BEHIND = """\
var held : bool = false
var count : u8 = 0
monitor once code DMA901 {
    ghost last : u8 = 0
    on did(n) {
        assert n != last
        last = n
    }
}
proc take() {
    count = count + 1
    if not held or true { emit did(1) }
    held = true
}
proc later() { emit said(1) }
sequence s on cpu0 {
    take()
    take()
    later()
}
check only once
"""


def test_another_change_behind_the_fix_is_found(pair: Pair) -> None:
    """``later`` comes behind the difference that the fix makes, in every run: only with the fix in common can it be compared."""
    report = pair.report(BEHIND, BEHIND.replace(" or true", "").replace("said(1)", "said(2)"))
    found = report.scenarios[0].variants[0].equality
    assert found is not None and found.rest is not None
    assert {d.call for d in found.differences} == {"take"}
    assert [Path(w).name for w in found.rest.where] == ["after.dma:18"]
    rest = found.rest.equality
    assert rest is not None
    assert [(d.side, d.last.text, d.fixed) for d in rest.differences] == [
        ("before", "said(what = 1)", ()),
        ("after", "said(what = 2)", ()),
    ]
    text = plain(lines(report))
    assert "that is another change" in text and "the whole patch" in text
    data = json.loads(dumps(report))
    assert data["scenarios"][0]["variants"][0]["equality"]["rest"]["equality"]["word"] == "different"


def test_a_rest_that_changes_nothing_is_shown_equal(pair: Pair) -> None:
    report = pair.report(BEHIND, BEHIND.replace(" or true", "").replace("count + 1", "count + 2"))
    found = report.scenarios[0].variants[0].equality
    assert found is not None and found.rest is not None and found.rest.equality is not None
    assert [Path(w).name for w in found.rest.where] == ["after.dma:14"]
    assert (found.rest.equality.word, found.rest.equality.how) == ("equal", BY_STEPS)
    assert "changes nothing beside" in plain(lines(report))


def test_a_fix_that_needs_all_of_the_patch(pair: Pair) -> None:
    """A variable is added, set and asked: no part of that does without the others."""
    after = BEHIND.replace("var held", "var gone : bool = false\nvar held").replace("or true", "and not gone")
    after = after.replace("held = true", "gone = true")
    report = pair.report(BEHIND, after)
    found = report.scenarios[0].variants[0].equality
    assert found is not None and found.rest is not None
    assert (found.rest.where, found.rest.equality, found.rest.reason) == ((), None, "")
    text = " ".join(plain(lines(report)).split())
    assert "What comes behind a difference is not compared" in text and "the fix needs every part of the patch" in text


LATER = """\
var owed : bool = false
monitor paid code DMA901 {
    ghost gone : bool = false
    on did(_) { gone = true }
    on said(n) { assert n == 0 or gone }
}
proc work() {
    owed = true
    if false { emit did(1) }
}
proc pause() { emit said(0) }
proc finish() { emit said(1) }
sequence s on cpu0 {
    work()
    pause()
    finish()
}
check only paid
"""


def test_a_fix_in_an_earlier_call_is_another_change_which_the_fix_needs(pair: Pair) -> None:
    """What is violated in ``finish`` is fixed in ``work``; ``pause`` has nothing to do with it."""
    after = LATER.replace("if false", "if true")
    report = pair.report(LATER, after)
    found = report.scenarios[0].variants[0].equality
    assert found is not None
    assert {(d.call, d.fixed, d.needed) for d in found.differences} == {("work", (), True)}
    assert "In another change, which the fix needs: work" in " ".join(plain(lines(report)).split())
    # either piece of this one is a fix by itself: one is left out, and what only that one does the fix does not need
    report = pair.report(LATER, after.replace("owed = true", "emit did(7)"))
    found = report.scenarios[0].variants[0].equality
    assert found is not None and found.rest is not None and found.rest.equality is not None
    assert {(d.last.text, d.fixed, d.needed) for d in found.differences} == {("work returns", (), True), ("did(what = 7)", (), False)}
    assert len(found.rest.where) == 1 and found.rest.equality.word == "different"


def test_what_breaks_another_property_may_be_no_part_of_the_fix(pair: Pair) -> None:
    other = """\
monitor small code DMA902 {
    on said(n) { assert n < 2 }
}
"""
    text = BEHIND.replace("check only once", other + "check only once, small")
    report = pair.report(text, text.replace(" or true", "").replace("said(1)", "said(2)"))
    found = report.scenarios[0].variants[0].equality
    assert found is not None and found.rest is not None
    assert found.rest.spared == ("small",)
    assert "small is broken by it and not by the fix" in " ".join(plain(lines(report)).split())
    # and here it is the fix that breaks it
    text = text.replace("emit did(1) }", "emit did(1) } else { emit said(9) }")
    report = pair.report(text, text.replace(" or true", "").replace("count + 1", "count + 2"))
    found = report.scenarios[0].variants[0].equality
    assert found is not None and found.rest is not None
    assert found.rest.where and found.rest.spared == ()


def test_pieces_of_a_patch(tmp_path: Path) -> None:
    """Lines that share a new name belong together, remarks are none, and half a patch is a text."""
    file = tmp_path / "m.dma"
    old = "module m\nvar a : u8 = 0\n\nproc p() { a = 1 }\n\nproc q() {\n    a = 2\n    a = 3\n}\n"
    new = "module m\nvar b : u8 = 0   // another name\n\nproc p() { b = 1 }\n\nproc q() {\n    b = 2\n    b = 4\n}\n"
    text = _Text(Touched(file, old, new))
    (whole,) = _groups([text], pieces := list(text.pieces(0)), items=False)
    assert [p.new for p in whole] == [(1, 2), (3, 4), (6, 7), (7, 8)]
    assert text.text(pieces) == new and text.text([]) == old
    kept = _Text(Touched(file, old, old.replace("a = 1", "a = 7").replace("a = 2", "a = 8").replace("= 3", "= 9  // nine")))
    pieces = list(kept.pieces(0))
    assert [[kept.where(p).rpartition(":")[2] for p in g] for g in _groups([kept], pieces, items=False)] == [["4"], ["7"], ["8"]]
    assert [[kept.where(p).rpartition(":")[2] for p in g] for g in _groups([kept], pieces, items=True)] == [["4"], ["7", "8"]]
    assert kept.text(pieces[1:2]) == old.replace("a = 2", "a = 8")
    remark = _Text(Touched(file, old, old.replace("var a", "// the first\nvar  a")))
    assert [p.new for p in remark.pieces(0)] == []


def test_a_patch_that_changes_nothing(pair: Pair) -> None:
    text = GUARDED % (" or true", 1)
    report = pair.report(text, text.replace("let free = not held", "let is_free = not held").replace("if free", "if is_free"))
    verdicts = {p.name: p.verdict for _, _, p in report.all_properties()}
    assert verdicts["once"] == "changes nothing"
    assert report.exit_status == 1, "it is violated, and nothing expects it"
    assert "changes nothing" in plain(lines(report))


def test_the_race_of_the_corpus_is_fixed_and_nothing_else_changes() -> None:
    folder = BUGS / "coh-no-lock-race"
    report = prove(with_patch(folder / "fix.diff", [folder / "scenario.dma"]), jobs=1)
    (v,) = report.scenarios[0].variants
    assert v.equality is not None
    assert (v.equality.word, v.equality.equal_views) == ("fewer", ("results",))
    assert {d.fixed for d in v.equality.differences} == {("no_overlap",)}
