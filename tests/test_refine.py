"""``refine``: what models show, against what an abstract contract allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dmaverify.checking.problems import Mismatch
from dmaverify.patches.machine import Machine
from dmaverify.patches.words import compare
from dmaverify.refinement.confirm import confirm
from dmaverify.refinement.contract import Contract
from dmaverify.refinement.results import BY_SETS, BY_SIMULATION, DIFFERS, REFINES, UNKNOWN, VACUOUS
from dmaverify.refinement.run import refine
from dmaverify.refinement.search import search
from dmaverify.refinement.sides import both_sides
from dmaverify.report.page import plain
from dmaverify.report.refinement import lines
from tests.support.refining import TAKERS, answered, ask, changed, made_in


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return made_in(tmp_path)


# -- answers


def test_a_model_that_keeps_the_contract_refines_it(project: Path) -> None:
    v = ask(project)
    a = answered(v)
    assert (a.word, a.how, a.view, v.status, v.mismatch) == (REFINES, BY_SIMULATION, "addresses", 0, "")
    assert dict(a.returns).keys() == {"get", "put"}
    assert a.hidden == ("looked",)
    assert not a.broken


def test_a_race_is_shown_with_what_the_contract_allows(project: Path) -> None:
    changed(project, "    lock lk {\n        got = pick()\n        if got is n { emit looked(n) }\n    }", "    got = pick()")
    v = ask(project)
    a = answered(v)
    assert (a.word, v.status) == (DIFFERS, 1)
    d = a.difference
    assert d is not None
    # both calls begin, one is given the number (and returns with it), and so is the other: nothing shorter differs
    assert d.length == 5
    assert [x.text for x in d.shared] == ["get()", "get()", "given(n = 0)", "get returns 0"]
    assert (d.last.text, d.call) == ("given(n = 0)", "get")
    allowed = {x.text for x in d.allowed if x.thread == d.last.thread}
    assert allowed == {"given(n = 1)", "given(n = 2)", "get returns null"}
    # the interpreter did it: both look before either marks
    said = [s.text for s in d.steps]
    assert said.count("mark[i] = true") == 2
    assert [x for s in d.steps for x in s.seen][:5] == [*(x.text for x in d.shared), d.last.text]


def test_the_report_has_both_sides_by_side(project: Path) -> None:
    changed(project, "    lock lk {\n        got = pick()\n        if got is n { emit looked(n) }\n    }", "    got = pick()")
    (project / "s.dma").write_text(TAKERS, encoding="utf-8")
    report = refine([project / "s.dma"], "promise")
    text = plain(lines(report))
    assert "DOES NOT REFINE, in 5 letters" in text
    assert "not as expected: expected holds, got VIOLATED" in text
    side = next(line for line in text.splitlines() if "* " in line)
    assert "given(n = 0)" in side and "get returns null" in side
    assert "given(n = 1)" in text
    assert "mark[i] = true" in text
    assert "lowest:14" in text
    assert "how the model gets there" not in plain(lines(report, trace="off"))
    assert len(plain(lines(report, trace="full"))) >= len(text)


def test_an_event_that_the_contract_names_and_never_emits_is_forbidden(project: Path) -> None:
    changed(project, "mark[n] = false", "mark[n] = false\n        emit panic(n)")
    a = answered(ask(project))
    assert a.difference is not None
    assert a.difference.last.text == "panic(n = 0)"
    assert "panic" not in a.hidden


def test_a_call_that_never_returns_is_a_difference(project: Path) -> None:
    changed(project, "    return got", "    wait mark[2]\n    return got")
    a = answered(ask(project, TAKERS.replace("client two on cpu1", "client two on cpu1 while false")))
    assert a.difference is not None
    assert a.difference.last.text.startswith("deadlock")


def test_a_failed_check_of_the_model_is_a_difference_and_its_own_limit_is_not(project: Path) -> None:
    changed(project, "mark[n] = false", "mark[n] = false\n        if n == 2 { mark[n + 1] = false }")
    a = answered(ask(project, TAKERS.replace("holding b[1]", "holding b[3]", 1)))
    assert a.difference is not None
    assert "built-in check" in a.difference.last.text
    changed(project, "var lk   : spinlock", "var lk   : spinlock\nobject Log max 1 {}")
    changed(project, "        if n == 2 { mark[n + 1] = false }", "        let l = new Log {}")
    v = ask(project)
    assert (answered(v).word, v.status) == (UNKNOWN, 3)
    assert "bound" in answered(v).reason


def test_the_way_to_a_shortest_word_has_no_idle_steps(project: Path) -> None:
    changed(project, "var lk   : spinlock", "var lk   : spinlock\nvar tick : bool = false\nspontaneous ticks { tick = not tick }")
    changed(project, "            mark[i] = true\n", "            mark[i] = true\n            if tick { emit panic(1) }\n")
    d = answered(ask(project)).difference
    assert d is not None
    assert [s.text for s in d.steps if not s.thread] == ["ticks()"] or sum(not s.thread for s in d.steps) == 1


# -- the driver's part


def test_behind_a_broken_demand_nothing_is_promised(project: Path) -> None:
    extra = "sequence wrong on cpu2 { put(1) }\n"
    v = ask(project, TAKERS + extra)
    a = answered(v)
    assert a.word == REFINES and a.broken
    report_text = plain(lines(refine([project / "s.dma"], "promise")))
    assert "the driver does what the contract forbids" in report_text


def test_where_nothing_is_compared_nothing_is_claimed(project: Path) -> None:
    text = "scenario wrong\nimport lowest\nsequence wrong on cpu0 { put(1)\n put(1) }\n"
    v = ask(project, text)
    assert (answered(v).word, v.status) == (VACUOUS, 4)
    assert "what the contract demands is not kept" in answered(v).reason


# -- contracts that are not label-deterministic


EARLY = """\
    atomic {
        let refused = any bool
"""


def test_a_contract_that_chooses_too_early_is_followed_by_sets(project: Path) -> None:
    file = project / "models" / "promise.dma"
    text = file.read_text(encoding="utf-8")
    # the choice stands before anything that somebody else could notice, so it belongs to the step of the call
    text = text.replace(EARLY, "    let refused = any bool\n    atomic {\n")
    file.write_text(text, encoding="utf-8")
    a = answered(ask(project))
    assert (a.word, a.how) == (REFINES, BY_SETS)
    assert "get" in a.ambiguous
    assert "not label-deterministic (back, get, given, put)" in plain(lines(refine([project / "s.dma"], "promise")))


# -- the same answers as a comparison by subsets on both sides


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("    lock lk {\n        got = pick()\n        if got is n { emit looked(n) }\n    }", "    got = pick()"),
        ("        emit back(n)\n        mark[n] = false", "        mark[n] = false\n        emit back(n)"),
        ("    if got is n { emit given(n) }\n", ""),
        ("    return got", "    return null"),
        ("return u32(i)", "return u32(0)"),
    ],
)
def test_two_ways_of_comparing_agree(project: Path, old: str, new: str) -> None:
    if old:
        changed(project, old, new)
    alone = TAKERS.replace("client two on cpu1 holding b[1] { may b = get()\n                                  may put(take b) }\n", "")
    for scenario in (alone, TAKERS):
        (project / "s.dma").write_text(scenario, encoding="utf-8")
        sides = both_sides(str(project / "s.dma"), None, {}, "promise")
        for view in ("results", "events", "addresses"):
            model, contract = Machine(sides.model, view, 50_000), Machine(sides.contract, view, 50_000)
            found = search(model, Contract(contract))
            other = compare(model, contract)
            assert not found.reason and not other.reason
            firsts = [len(f.shared) for f in other.found if f.side == 0]
            if found.difference is not None:
                assert firsts and min(firsts) <= len(found.difference.word)
            if scenario == alone:  # else others may act between two letters of one step of the contract
                assert (found.difference is not None) == bool(firsts)
                assert found.difference is None or len(found.difference.word) == min(firsts)
            one, by_one = (Machine(c, view, 50_000, fuse=False) for c in (sides.model, sides.contract))
            unfused = search(one, Contract(by_one))
            assert (unfused.difference is None) == (found.difference is None)


# -- nothing is shown that the interpreter has not done


def test_a_difference_that_is_none_is_an_error_of_the_tool(project: Path) -> None:
    changed(project, "    lock lk {\n        got = pick()\n        if got is n { emit looked(n) }\n    }", "    got = pick()")
    (project / "s.dma").write_text(TAKERS, encoding="utf-8")
    sides = both_sides(str(project / "s.dma"), None, {}, "promise")
    model = Machine(sides.model, "addresses", 50_000)
    found = search(model, Contract(Machine(sides.contract, "addresses", 50_000))).difference
    assert found is not None
    assert confirm(sides, model, found)
    allowed = next(x for x in found.allowed if x.thread == found.last.thread and x.text.startswith("given"))
    with pytest.raises(Mismatch, match="as letter 5"):
        confirm(sides, model, replace(found, last=allowed))
    with pytest.raises(Mismatch, match="shows more than was said, at letter 3"):
        confirm(sides, model, replace(found, word=found.word[:2], last=found.word[2]))
    with pytest.raises(Mismatch, match="a move of the model is gone"):
        confirm(sides, model, replace(found, path=found.path[::2]))


# -- variants, parameters, options


def test_what_a_variant_replaces_in_the_models_is_not_replaced_in_the_contract(project: Path) -> None:
    text = (
        TAKERS
        + """
option checks off
func most() -> u32 = 2
variant twice "the entry point itself is replaced" {
    replace proc get() {
        emit given(most() - 2)
        return u32(0)
    }
    expect refines(promise) violated in 5 steps
}
variant fewer {
    replace client two on cpu1 holding b[1] { may b = get() }
    remove func most
    replace proc pick() { return null }
}
"""
    )
    (project / "s.dma").write_text(text, encoding="utf-8")
    report = refine([project / "s.dma"], "promise", jobs=2)
    assert {v.name: (answered(v).word, v.status) for _, v in report.answers()} == {
        None: (REFINES, 0),
        "twice": (DIFFERS, 0),
        "fewer": (REFINES, 0),
    }
    assert report.exit_status == 0


def test_the_worst_value_of_a_parameter_counts(project: Path) -> None:
    text = TAKERS.replace("import lowest", "import lowest\nparam from : u32 in 0..3")
    text = text.replace("client two on cpu1 holding b[1] { may b = get()", "client two on cpu1 holding b[1] { may b = again(from)")
    helper = "proc again(n: u32) -> u32? {{\n{}\n}}\n"
    changed(project, "proc put", helper.format("    if n == 2 { emit panic(n) }\n    return null") + "proc put")
    changed(project, "proc put", helper.format("    return null") + "proc put", module="promise")
    v = ask(project, text)
    a = answered(v)
    assert (a.word, a.choice, a.instances) == (DIFFERS, (("from", "2"),), 3)
    assert answered(ask(project, text, params={"from": 1})).word == REFINES


def test_limits_leave_it_open(project: Path) -> None:
    v = ask(project, states=20)
    assert (answered(v).word, v.status) == (UNKNOWN, 3)
    assert answered(v).reason == "states: more than 20 on one side"
    wide = TAKERS.replace("import lowest", "import lowest\nparam n : u32 in 0..1000")
    wide = wide.replace("holding b[1]", "while n > 1 holding b[1]", 1)
    assert "may have any value" in answered(ask(project, wide)).reason
