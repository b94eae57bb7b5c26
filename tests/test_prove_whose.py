"""Whose a difference is that a patch makes: the fix's own, another change, or one that the fix needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dmaverify.patches.compare import BY_STEPS, Task, equality
from dmaverify.patches.diff import Touched
from dmaverify.patches.parts import _groups, _Text
from dmaverify.patches.prove import prove
from dmaverify.patches.sides import Side, with_patch
from dmaverify.report.page import plain
from dmaverify.report.patch import lines
from dmaverify.report.patch_json import dumps
from tests.support.patched import Pair

BUGS = Path(__file__).parent.parent / "models" / "bugs"


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


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


EMITS_ONLY = """\
var x, z : u8 = 0
monitor never_one code DMA901 {
    ghost last : u8 = 0
    on did(n) { last = n }
    always last != 1 or x == 7
}
proc first() { emit did(%d) }
proc second() { emit did(%d) }
proc third() { z = 1 }
sequence s on cpu0 {
    x = 1
    first()
    second()
    third()
}
check only never_one
"""
"""``first`` and ``second`` take no step: what they do is seen in the state behind ``x = 1``, when ``third`` has been called."""


def test_a_call_that_only_emits_may_be_the_fix_itself(pair: Pair) -> None:
    def fixes(before: str, after: str) -> set[tuple[str, tuple[str, ...]]]:
        found = equality(Task(Side(), Side(), pair.files(before, after), None, (), "events", 5_000, ("never_one",)))
        assert found.differences
        return {(d.call, d.fixed) for d in found.differences}

    report = pair.report(EMITS_ONLY % (3, 1), EMITS_ONLY % (3, 2))
    assert {p.name: p.verdict for _, _, p in report.all_properties()}["never_one"] == "fixes"
    assert fixes(EMITS_ONLY % (3, 1), EMITS_ONLY % (3, 2)) == {("second", ("never_one",))}
    # what ``first`` does is a change of its own, although it happens in the same step as the violation
    assert fixes(EMITS_ONLY % (3, 1), EMITS_ONLY % (4, 2)) == {("first", ())}
    # wrong for a moment that is no state: nothing is violated, and so nothing fixed
    assert fixes(EMITS_ONLY % (1, 2), EMITS_ONLY % (3, 2)) == {("first", ())}


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
