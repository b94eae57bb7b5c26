"""Monitors: handlers in the emitting step, ghosts, clauses over the state, labels, probes; and that they
disturb nothing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dmaverify.engines.interp import Interpreter
from dmaverify.ir.system import Check, Emit, Kind, System
from dmaverify.ir.text import to_text
from dmaverify.ir.text_parse import parse
from tests.support.lowered import compiled, ends, failures, system

COUNTING = """
monitor counting code DMA900 {
    ghost sum  : u32 = 0
    ghost last : u32? = null
    on happened(n) {
        assert n < 5, "{n} is too much"
        sum += n
        last = n
    }
    always sum <= 6, "{sum} in all"
}
"""


def test_a_handler_runs_in_the_step_of_its_event(tmp_path: Path) -> None:
    s = system(
        tmp_path,
        COUNTING + "sequence run on cpu0 {\n shared = 3\n emit happened(3)\n shared = 4\n emit happened(4)\n}",
    )
    assert ends(s, "shared", "counting.sum", "counting.last") == {(4, 7, 4)}
    assert failures(s) == {("counting", "counting.2")}
    first, second = s.actions
    assert "counting.sum" in first.updates
    assert "counting.sum" in second.updates
    assert s.var("counting.sum").kind is Kind.GHOST


def test_an_assert_is_judged_with_the_values_of_the_event(tmp_path: Path) -> None:
    s = system(tmp_path, COUNTING + "sequence run on cpu0 {\n let n = any of {u32(1), 9}\n emit happened(n)\n}")
    assert ("counting", "counting.1") in failures(s)
    (check,) = [e for a in s.actions for e in a.effects if isinstance(e, Check)]
    assert check.message[1] == " is too much"


def test_a_failed_assert_does_not_end_the_run(tmp_path: Path) -> None:
    s = system(tmp_path, COUNTING + "sequence run on cpu0 {\n emit happened(9)\n other = 2\n}")
    assert ends(s, "other") == {(2,)}


EVERY = """
monitor every code DMA901 {
    ghost seen : Page -> bool = false
    on touched(c) {
        for p in Page where p == c.page {
            assert not seen[p], "{p} again"
            seen[p] = true
        }
    }
    always for p in Page where seen[p] { assert mark[p], "{p} is not marked" }
}
"""
TOUCH = "proc touch(c: Cell) {\n mark[c.page] = not late()\n emit touched(c)\n}\nfunc late() -> bool = {0}\n"


def test_checks_are_named_after_the_element_that_they_speak_of(tmp_path: Path) -> None:
    text = EVERY + TOUCH.replace("{0}", "false") + "sequence run on cpu0 { for c in Cell { touch(c) }\n touch(Cell.first!) }"
    s = system(tmp_path, text)
    labels = {e.label for a in s.actions for e in a.effects if isinstance(e, Check)}
    assert labels == {"every.1[dram+0x0]", "every.1[dram+0x1000]"}
    assert [w.label for w in s.always] == ["every.2[dram+0x0]", "every.2[dram+0x1000]"]
    assert failures(s) == {("every", "every.1[dram+0x0]")}


def test_an_always_clause_looks_at_every_state(tmp_path: Path) -> None:
    text = EVERY + TOUCH.replace("{0}", "true") + "sequence run on cpu0 { touch(Cell.first!) }"
    assert failures(system(tmp_path, text)) == {("every", "every.2[dram+0x0]")}


@pytest.mark.parametrize("only", [[], ["counting"], ["every"]])
def test_monitors_disturb_nothing(tmp_path: Path, only: list[str]) -> None:
    text = COUNTING + EVERY + TOUCH.replace("{0}", "false")
    text += "sequence run on cpu0 { for c in Cell { touch(c)\n emit happened(2) } }"
    whole = system(tmp_path, text)
    some = system(tmp_path, text, monitors=only)
    assert bare(some) == bare(whole)
    assert {p.name for p in some.properties if p.kind == "monitor"} == set(only)


def bare(s: System) -> list[object]:
    """The System without ghosts, and without what only monitors see."""
    ghosts = {v.name for v in s.vars if v.kind is Kind.GHOST}
    found: list[object] = [v for v in s.vars if v.name not in ghosts]
    for a in s.actions:
        updates = {n: e for n, e in a.updates.items() if n not in ghosts}
        effects = [e for e in a.effects if isinstance(e, Emit)]
        found.append((a.name, a.at, a.guard, a.inputs, updates, effects, a.locks, a.text))
    return found


def test_a_monitor_with_arguments_is_one_for_each_use(tmp_path: Path) -> None:
    text = """
monitor only(p: Page, most: u32 = 1) code DMA902 {
    ghost times : u32 = 0
    on touched(c) { if c.page == p { times += 1
                                     assert times <= most } }
}
proc touch(c: Cell) { emit touched(c) }
sequence run on cpu0 { touch(Cell.first!)
 touch(Cell.first!) }
check only(Page.first!), only(Page.last!, 2), only(Page.first!, 2)
"""
    c = compiled(tmp_path, text)
    assert c.asked == ("only(Page.first!)", "only(Page.last!, 2)", "only(Page.first!, 2)")
    assert {p for p, _ in failures(c.system)} == {"only(Page.first!)"}
    assert {p.code for p in c.system.properties if p.kind == "monitor"} == {"DMA902"}


def test_a_monitor_may_say_to_which_boards_it_applies(tmp_path: Path) -> None:
    text = "monitor wide_only code DMA903 applies when option.wide { on happened(n) { assert n > 0 } }\n"
    run = "sequence run on cpu0 { emit happened(1) }"
    (off,) = [p for p in system(tmp_path, text + run).properties if p.kind == "monitor"]
    (on,) = [p for p in system(tmp_path, "option wide on\n" + text + run).properties if p.kind == "monitor"]
    assert (off.applies, on.applies) == (False, True)


def test_a_lemma_is_judged_where_its_condition_holds(tmp_path: Path) -> None:
    text = """
lemma equal when free(lk): shared == other
sequence run on cpu0 {{
    {0} {{ shared = 1
      other = 1 }}
}}
"""
    good = system(tmp_path, text.format("lock lk"))
    assert failures(good) == set()
    assert good.always[0].stable
    assert failures(system(tmp_path, text.format("if shared == 0"))) == {("equal", "equal")}


def test_a_stable_clause_is_not_judged_in_mid_update(tmp_path: Path) -> None:
    text = """
monitor same code DMA904 {{ always {0} {{ assert shared == other }} }}
sequence run on cpu0 {{ lock lk {{ shared = 1
 other = 1 }} }}
"""
    assert failures(system(tmp_path, text.format("stable"))) == set()
    assert failures(system(tmp_path, text.format(""))) == {("same", "same.1")}


def test_only_what_is_asked_is_composed_in(tmp_path: Path) -> None:
    text = COUNTING + EVERY + TOUCH.replace("{0}", "false")
    text += "sequence run on cpu0 { touch(Cell.first!)\n emit happened(9) }\n"
    c = compiled(tmp_path, text + "check only every")
    assert c.asked == ("every",)
    assert {p for p, _ in failures(c.system)} == set()
    assert compiled(tmp_path, text).asked == ("counting", "every")


def test_covers_of_every_kind(tmp_path: Path) -> None:
    text = """
sequence run on cpu0 {
    shared = 2
  here:
    emit happened(shared)
    if fault broken { other = 1 }
}
faults broken at most 1
cover happened(2)
cover happened(3)
cover never: shared == 7
cover here
cover fault broken
"""
    from tests.support.naive_search import search

    c = compiled(tmp_path, text)
    names = {i.name: i.kind for i in c.covers}
    asked = [n for n, kind in names.items() if kind == "cover"]
    assert len(asked) == 5
    found = search(c.system, lambda a: 1)
    reached = {n for n in asked if n in found.covers}
    assert len(reached) == 3
    assert not any("3" in n or n == "never" for n in reached)
    assert "run ends" in found.covers


def test_events_carry_what_they_say(tmp_path: Path) -> None:
    c = compiled(tmp_path, "sequence run on cpu0 { for c in Cell { emit touched(c) } }")
    emits = [e for a in c.system.actions for e in a.effects if isinstance(e, Emit)]
    assert [(e.event, e.args[0][0], e.args[0][1].value) for e in emits] == [
        ("touched", "c", 0),
        ("touched", "c", 1),
    ]
    assert [p[0] for p in c.events["happened"].params] == ["n"]


SHOWN = """
monitor shown code DMA900 {
    ghost held : set of phys = {}
    on happened(n) {
        if n == 1 { held += dram.start + 4K }
        if n == 2 { held += dram.start }
        assert n != 9, "{held}, { {p.start for p in Page where p.start in held} }, { {p for p in Page where p.start in held} }"
    }
}
"""


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([9], "{}, {}, {}"),
        ([1, 9], "{0x80001000}, {0x80001000}, {dram+0x1000}"),
        ([1, 2, 9], "{0x80000000, 0x80001000}, {0x80000000, 0x80001000}, {dram+0x0, dram+0x1000}"),
    ],
    ids=["empty", "one", "both"],
)
def test_a_set_in_a_message_is_what_is_in_it(tmp_path: Path, events: list[int], said: str) -> None:
    s = system(tmp_path, SHOWN + "sequence run on cpu0 {\n " + "\n ".join(f"emit happened({n})" for n in events) + "\n}")
    for given in (s, parse(to_text(s))):
        run = Interpreter(given)
        state = next(run.initial_states())
        (step,) = run.enabled(state)
        assert [f.message for f in run.step(state, *step).failures] == [said]
