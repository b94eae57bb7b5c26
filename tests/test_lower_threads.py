"""What runs by itself: clients and their slots, devices, order, interrupts, locks, works and timers, boot,
hardware, faults.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dmaverify.engines.interp import Interpreter
from dmaverify.ir.system import System
from dmaverify.lang.compile import compile_contract, param_instances
from dmaverify.lang.diag import DmaError
from tests.support.lowered import compiled, ends, failures, system
from tests.support.naive_search import search

CLIENT = """
proc take_one(n: u32) -> u32? {
    if shared >= 2 { return null }
    shared += 1
    emit happened(n)
    return shared
}
proc give_back(n: u32) { shared -= 1 }
client user on cpu0 holding b[2] {
    may b = take_one(any of {u32(1), 2})
    may give_back(take b)
}
"""


def reached(s: System) -> set[str]:
    """The covers that some run passes."""
    return set(search(s, lambda a: 1).covers)


def test_a_client_fills_and_empties_its_slots(tmp_path: Path) -> None:
    s = system(tmp_path, CLIENT)
    assert {"user.b[0] is held", "user.b[1] is held"} <= reached(s)
    assert s.thread("user").idle == {0}
    slots = s.var("user.b").type
    assert slots.index.count == 2


def test_a_choice_among_constants_is_lowered_apart(tmp_path: Path) -> None:
    s = system(tmp_path, CLIENT)
    names = {a.name for a in s.actions if a.at == 0}
    assert names == {"user.take_one@13(1)", "user.take_one@13(2)", "user.give_back@14"}
    assert not [i for a in s.actions for i in a.inputs if i.name == "any"]


def test_a_null_result_leaves_the_slot_empty(tmp_path: Path) -> None:
    s = system(tmp_path, CLIENT.replace("shared >= 2", "shared >= 1"))
    assert "user.b[0] is held" in reached(s)
    assert "user.b[1] is held" not in reached(s)


def test_the_slot_is_empty_before_the_call_that_takes_it(tmp_path: Path) -> None:
    text = CLIENT.replace("{ shared -= 1 }", "{\n other = 1\n shared -= 1\n other = 0 }").replace("b[2]", "b[1]")
    found = reached(
        system(
            tmp_path,
            text + "cover gone: other == 1 and empty(user.b)\ncover kept: other == 1 and full(user.b)",
        )
    )
    assert "gone" in found
    assert "kept" not in found


def test_another_thread_may_look_at_what_is_held(tmp_path: Path) -> None:
    text = CLIENT + "client watcher on cpu1 { may look_at(user.b) }\n" + "proc look_at(n: u32?) { if n != null { other = n } }\n"
    s = system(tmp_path, text + "cover seen: other == 2")
    assert "seen" in reached(s)


def test_a_client_runs_only_while_its_condition_holds(tmp_path: Path) -> None:
    text = """
sequence run on cpu0 {
    shared = 1
  open: {}
    shared = 2
}
client user on cpu1 while run at open { may { other = shared } }
cover late: other == 2
cover early: other == 1
"""
    found = reached(system(tmp_path, text))
    assert "early" in found
    assert "late" in found  # the condition is asked for when an operation starts, not at each of its steps


def test_a_sequence_waits_for_those_before_it(tmp_path: Path) -> None:
    free = "sequence one on cpu0 { shared = 1 }\nsequence two on cpu1 { other = shared }"
    assert ends(system(tmp_path, free), "other") == {(0,), (1,)}
    ordered = free.replace("on cpu1", "on cpu1 after one")
    assert ends(system(tmp_path, ordered), "other") == {(1,)}
    reverse = free.replace("on cpu0", "on cpu0 before two")
    assert ends(system(tmp_path, reverse), "other") == {(1,)}
    asked = free.replace("{ other", "{ wait done one\n other")
    assert ends(system(tmp_path, asked), "other") == {(1,)}


def test_a_device_is_a_place_where_threads_run(tmp_path: Path) -> None:
    s = system(tmp_path, "device nic {}\nsequence run on nic { shared = 1 }")
    assert s.thread("run").is_device
    assert {a.actor for a in s.actions} == {"nic"}


# -- interrupts and locks ---------------------------------------------

IRQ = """
sequence run on cpu0 {{
    lock lk {0} {{
        shared = 1
        shared = 2
    }}
    shared = 3
}}
interrupt tick on cpu0 {{ other = shared }}
"""


def test_an_interrupt_comes_between_any_two_steps_unless_they_are_off(tmp_path: Path) -> None:
    on = system(tmp_path, IRQ.format("") + "cover inside: other == 1")
    assert "inside" in reached(on)
    off = system(
        tmp_path,
        IRQ.format("irqsave") + "cover inside: other == 1\ncover before: other == 2\ncover after: other == 3",
    )
    found = reached(off)
    assert "inside" not in found
    assert {"before", "after"} <= found


def test_an_interrupt_runs_to_its_end(tmp_path: Path) -> None:
    text = """
sequence run on cpu0 { repeat 2 { other = shared } }
interrupt tick on cpu0 {
    shared = 1
    shared = 0
}
cover torn: other == 1
"""
    assert "torn" not in reached(system(tmp_path, text))
    elsewhere = text.replace("run on cpu0", "run on cpu1")
    assert "torn" in reached(system(tmp_path, elsewhere))


def test_a_lock_that_an_interrupt_takes_needs_interrupts_off(tmp_path: Path) -> None:
    text = "sequence run on cpu0 {{ lock lk {0} {{ shared = 1 }} }}\n"
    text += "interrupt tick on cpu0 {{ lock lk {{ other = 1 }} }}"
    assert {p for p, _ in failures(system(tmp_path, text.format("")))} == {"lock_context"}
    assert failures(system(tmp_path, text.format("irqsave"))) == set()
    elsewhere = text.format("").replace("tick on cpu0", "tick on cpu1")
    assert failures(system(tmp_path, elsewhere)) == set()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("sequence run on cpu0 { nap() }", False),
        ("sequence run on cpu0 { lock lk { nap() } }", True),
        ("sequence run on cpu0 in irq { nap() }", True),
        ("interrupt tick on cpu0 { nap() }", True),
        ("sequence run on cpu0 { lock lk { shared = 1 }\n nap() }", False),
    ],
)
def test_what_may_sleep_must_be_allowed_to(tmp_path: Path, text: str, wrong: bool) -> None:
    s = system(tmp_path, text + "\nproc nap() {\n might_sleep if shared == 0\n other = 1\n}")
    assert ({p for p, _ in failures(s)} == {"context"}) == wrong


def test_two_tasks_of_a_cpu_do_not_run_while_one_holds_a_lock(tmp_path: Path) -> None:
    text = """
sequence one on cpu0 { lock lk { shared = 1
 shared = 2 } }
sequence two on cpu0 { other = shared }
"""
    assert ends(system(tmp_path, text), "other") == {(0,), (2,)}
    assert ends(system(tmp_path, text.replace("two on cpu0", "two on cpu1")), "other") == {(0,), (1,), (2,)}


def test_crossed_locks_can_stop_everything(tmp_path: Path) -> None:
    text = """
sequence one on cpu0 { lock lk { shared = 1
 lock lk2 { shared = 2 } } }
sequence two on cpu1 { lock lk2 { shared = 3
 lock lk { shared = 4 } } }
"""
    s = system(tmp_path, text)
    assert search(s, lambda a: 1).deadlock is not None
    straight = text.replace("lock lk2 { shared = 3\n lock lk {", "lock lk { shared = 3\n lock lk2 {")
    assert search(system(tmp_path, straight), lambda a: 1).deadlock is None


# -- later ---------------------------------------------


def test_a_work_runs_once_for_each_time_it_was_asked_for_and_not_taken_up(tmp_path: Path) -> None:
    text = """
work later(s: Slot) { shared += 1 }
sequence run on cpu1 {
    schedule later(Slot(1))
    schedule later(Slot(1))
    schedule later(Slot(2))
}
cover once: shared == 1
cover thrice: shared == 3
cover more: shared == 4
"""
    found = reached(system(tmp_path, text))
    assert {"once", "thrice"} <= found
    assert "more" not in found


def test_a_timer_may_be_cancelled(tmp_path: Path) -> None:
    text = "timer late { other = 1 }\nsequence run on cpu1 {\n arm late\n cancel late\n shared = 1\n}\n"
    assert {(1,), (0,)} <= ends(system(tmp_path, text), "other")


def test_boot_runs_first_level_by_level(tmp_path: Path) -> None:
    text = """
sequence early on cpu1 before boot { shared = 1 }
sequence run on cpu0 { other = shared }
"""
    module = "initcall late second { shared = shared * 10 }\ninitcall arch first { shared += 4 }\n"
    assert ends(system(tmp_path, text, more=module), "other") == {(50,)}


def test_what_is_before_boot_is_over_first_where_nothing_boots(tmp_path: Path) -> None:
    text = """
sequence early on cpu1 before boot { shared = 1 }
sequence earlier on cpu0 before boot, early { other = shared }
sequence run on cpu0 { assert shared == 1 and other == 0 }
interrupt tick on cpu0 when mark[Page(0)] { assert shared == 1, "{other}" }
sequence late on cpu2 after run { mark[Page(0)] = true }
"""
    assert failures(system(tmp_path, text)) == set()


def test_a_lock_of_an_initcall_keeps_a_work_on_its_cpu_out(tmp_path: Path) -> None:
    module = """
initcall arch first { schedule later }
initcall late second { lock lk { shared = 1
                                 shared = 2 } }
work later { let seen = shared
             assert seen != 1 }
"""
    assert failures(system(tmp_path, "", more=module)) == set()
    assert failures(system(tmp_path, "", more=module.replace("lock lk ", ""))) != set()
    # what is asked for later only needs no turn on the CPU
    late = module.replace("{ schedule later }", "{}")
    holders = [v for v in system(tmp_path, "sequence run on cpu1 { schedule later }", more=late).vars if "holder" in v.name]
    assert holders == []


def test_waiting_for_an_early_sequence_is_all_that_it_costs(tmp_path: Path) -> None:
    text = """
sequence early on cpu1 before boot { shared = 1 }
sequence run on cpu0 { other = shared }
"""
    assert {a.text for a in system(tmp_path, text).actions} == {"shared = 1", "run starts", "other = shared"}


# -- hardware and faults ---------------------------------------------

HARDWARE = """
spontaneous flip(p: Page) when mark[p] and option.wide { mark[p] = false }
spontaneous set(p: Page) when not mark[p] and shared == 1 { mark[p] = true
                                                           emit happened(2) }
"""


def test_hardware_acts_by_itself_one_action_for_each_element(tmp_path: Path) -> None:
    s = system(tmp_path, "sequence run on cpu0 { shared = 1 }", more=HARDWARE)
    own = [a.name for a in s.actions if a.thread is None]
    assert own == ["set(dram+0x0)", "set(dram+0x1000)"]  # `flip` can never happen
    assert {a.actor for a in s.actions if a.thread is None} == {"kit"}
    assert ends(s, "mark") == {((True, True),)}
    wide = system(tmp_path, "option wide on\nsequence run on cpu0 { shared = 1 }", more=HARDWARE)
    assert len([a for a in wide.actions if a.thread is None]) == 4


def test_faults_happen_as_often_as_they_may(tmp_path: Path) -> None:
    run = "sequence run on cpu0 { repeat 2 { if fault broken { shared += 1 } } }\n"
    assert ends(system(tmp_path, run), "shared") == {(0,)}
    assert ends(system(tmp_path, run + "faults broken at most 1"), "shared") == {(0,), (1,)}
    assert ends(system(tmp_path, run + "faults any at most 2"), "shared") == {(0,), (1,), (2,)}


# -- params, contracts, refusals ---------------------------------------------


def test_a_param_is_a_constant_or_a_frozen_variable(tmp_path: Path) -> None:
    text = "param n : u32 in 1..4\nsequence run on cpu0 { shared = n + 1 }"
    assert ends(system(tmp_path, text), "shared") == {(2,)}
    assert ends(system(tmp_path, text, params={"n": "3"}), "shared") == {(4,)}
    free = system(tmp_path, text, symbolic=["n"])
    assert free.var("n").any_init
    assert len(free.assumptions) == 1
    with pytest.raises(DmaError, match="no param m"):
        system(tmp_path, text, params={"m": 1})


CONTRACT = """
proc pick(m: ref u32, n: u32) -> u32
    requires n < 8
    ensures result < n
    ensures m == old m + 1
{
    m += 1
    return n - 1
}
sequence run on cpu0 {
    let k = pick(shared, 3)
    other = k
}
"""


def test_a_call_by_contract_may_do_what_the_contract_allows(tmp_path: Path) -> None:
    assert ends(system(tmp_path, CONTRACT), "shared", "other") == {(1, 2)}
    small = "var tiny : u8 = 7\n" + CONTRACT.replace("u32", "u8").replace("shared", "tiny").replace("= k", "= u32(k)")
    by_contract = compiled(tmp_path, small, contracts=["pick"])
    assert ends(by_contract.system, "tiny", "other") == {(8, 0), (8, 1), (8, 2)}
    assert by_contract.contracts == ("pick",)
    assert any("pick" in n for n in by_contract.system.notes)
    with pytest.raises(DmaError, match="ensures nothing"):
        compiled(tmp_path, "sequence run on cpu0 { add(1) }", contracts=["add"])


def test_what_a_callee_requires_is_checked_at_the_call(tmp_path: Path) -> None:
    assert failures(system(tmp_path, CONTRACT)) == set()
    assert {p for p, _ in failures(system(tmp_path, CONTRACT.replace("shared, 3", "shared, 9")))} == {"misuse"}
    given = "let n: u32 = any of {NS}\n    let k = pick(shared, n)"
    for ns, bad in (("2, 3", set()), ("3, 9", {"misuse"})):
        text = CONTRACT.replace("let k = pick(shared, 3)", given.replace("NS", ns))
        assert {p for p, _ in failures(system(tmp_path, text))} == bad


def test_a_contract_is_shown_for_all_arguments(tmp_path: Path) -> None:
    path = tmp_path / "models" / "t.dma"
    for text, holds in ((CONTRACT, True), (CONTRACT.replace("return n - 1", "return n"), False)):
        compiled(tmp_path, text)
        s = compile_contract(path, "pick")
        run = Interpreter(s)
        bad = set()
        for m in (0, 7, 2**32 - 1):
            for n in (1, 5, 7):
                state = run.initial_state({"m": m, "n": n})
                bad |= {f.label for f in run.judge(state).failures}
        assert (bad == set()) == holds


def test_a_param_with_very_many_values_is_a_variable_and_calls_go_by_contract(tmp_path: Path) -> None:
    text = CONTRACT.replace("sequence", "param most : u32 in 1..1_000_000\nsequence").replace("shared, 3", "shared, most & 7")
    c = compiled(tmp_path, text.replace("return n - 1", "return twice(n) - n - 1"))
    assert c.system.var("most").any_init
    assert c.contracts == ("pick",)
    assert param_instances(tmp_path / "models" / "t.dma") == [{}]
    few = compiled(tmp_path, text.replace("1_000_000", "4"))
    assert few.contracts == ()
    assert param_instances(tmp_path / "models" / "t.dma") == [{"most": 1}, {"most": 2}, {"most": 3}]
