"""Statements of threads: where control goes, what happens on the way, and what one step is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmaverify.ir.system import Emit
from dmaverify.ir.traverse import variables
from tests.support.lowered import ends, failures, named, system

RUN = "sequence run on cpu0 {{\n{0}\n}}"

PROGRAMS = [
    ("if", "shared = 2\n if shared == 2 { other = 1 } else { other = 5 }", (2, 1)),
    ("else if", "if shared == 2 { other = 1 } else if shared == 0 { other = 3 } else { other = 5 }", (0, 3)),
    ("while", "while shared < 4 { shared += 1\n other += 2 }", (4, 8)),
    ("while with a local", "let n : u32 = 0\n while n < 3 { n += 1 }\n shared = n", (3, 0)),
    ("for over an index", "for s in Slot { shared += u32(popcount(u32(7))) }", (9, 0)),
    ("for where", "for n in 1..6 where n % 2 == 0 { shared += u32(n) }", (6, 0)),
    ("for over two", "for a in 0..2, b in 0..3 { shared += 1 }", (6, 0)),
    ("break", "for n in 1..9 { if n == 4 { break }\n shared += 1 }", (3, 0)),
    ("continue", "for n in 1..5 { if n == 2 { continue }\n shared += 1 }", (3, 0)),
    ("loop", "loop { shared += 1\n if shared == 3 { break } }", (3, 0)),
    ("repeat", "repeat 4 { shared += 1 }", (4, 0)),
    ("repeat once", "repeat 1 { shared += 1 }", (1, 0)),
    ("repeat continue", "repeat 3 { shared += 1\n if shared == 2 { continue }\n other += 1 }", (3, 2)),
    ("counting", "for i: u32 = 0; i < 3; i += 1 { shared += i }", (3, 0)),
    ("goto", "if shared == 0 { goto out }\n shared = 9\nout:\n other = 1", (0, 1)),
    (
        "goto past a lock",
        "lock lk { shared = 1\n if shared == 1 { goto out }\n shared = 2 }\nout:\n other = 3",
        (1, 3),
    ),
    ("match", "match shared {\n 0 -> { other = 7 }\n else -> { other = 8 } }", (0, 7)),
    ("a call", "shared = 3\n let x = get()\n other = x", (3, 3)),
    ("a call twice", "add(2)\n add(3)", (5, 0)),
    ("several results", "let f, n = look(4)\n if f { shared = n }", (4, 0)),
    ("several results, not found", "let f, n = look(0)\n if f { shared = 9 } else { other = n + 1 }", (0, 1)),
    ("else return", "put(20) else return\n other = 1", (0, 0)),
    ("else not taken", "put(4) else return\n other = 1", (4, 1)),
    ("else goto", "put(20) else goto bad\n other = 1\n return\nbad:\n other = 2", (0, 2)),
    ("let else", "let n = some_of(0) else { other = 5\n return }\n shared = n", (0, 5)),
    ("let else found", "let n = some_of(6) else return\n shared = n", (6, 0)),
    ("return out of a lock", "early()\n lock lk { other = 1 }", (7, 1)),
    ("atomic", "both(3)", (3, 3)),
    ("return out of atomic", "once()\n once()", (1, 2)),
    ("ref", "let a : u32 = 4\n bump(a)\n bump(shared)\n other = a", (1, 5)),
    ("the value of a call", "let n = grow()\n if n == 1 { other = 4 }", (1, 4)),
    ("a call that returns a call", "let n = again()\n other = n", (2, 2)),
    ("recursion", "down(3)", (3, 0)),
    ("multiple assignment", "shared, other = 1, 2\n shared, other = other, shared", (2, 1)),
]
PROCS = """
proc some_of(n: u32) -> u32? {
    if n == 0 { return null }
    return n
}
proc early() {
    lock lk {
        shared = 7
        if shared == 7 { return }
        shared = 8
    }
}
proc once() {
    atomic {
        if shared > 0 { other += 2
                        return }
        shared = 1
    }
}
proc bump(x: ref u32) { x += 1 }
proc grow() -> u32 {
    shared += 1
    return shared
}
proc again() -> u32 {
    let n = grow()
    let m = grow()
    return max(n, m)
}
proc down(n: i32) at most 4 deep {
    if n == 0 { return }
    shared += 1
    down(n - 1)
}
"""


@pytest.mark.parametrize(("name", "text", "values"), PROGRAMS, ids=[p[0] for p in PROGRAMS])
def test_a_single_thread_computes_what_it_says(tmp_path: Path, name: str, text: str, values: tuple[int, int]) -> None:
    s = system(tmp_path, PROCS + RUN.format(text))
    assert ends(s, "shared", "other") == {values}
    assert failures(s) <= {("asserts", "")}


@pytest.mark.parametrize(("name", "text", "values"), PROGRAMS, ids=[p[0] for p in PROGRAMS])
def test_every_lock_is_given_back_and_every_local_is_cleared(
    tmp_path: Path, name: str, text: str, values: tuple[int, int]
) -> None:
    s = system(tmp_path, PROCS + RUN.format(text))
    rest = [v.name for v in s.vars if v.name == "lk" or v.kind.value == "local"]
    (state,) = ends(s, *rest)
    assert list(state) == [s.var(n).type.default for n in rest]


def test_recursion_beyond_its_depth_is_a_bound(tmp_path: Path) -> None:
    s = system(tmp_path, PROCS + RUN.format("down(9)"))
    assert {p for p, _ in failures(s)} == {"bound"}


TWO = "sequence one on cpu0 {{ {0} }}\nsequence two on cpu1 {{ {0} }}"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("shared += 1", {(1,), (2,)}),
        ("shared = shared + 1", {(1,), (2,)}),
        ("atomic { shared += 1 }", {(2,)}),
        ("both(1)", {(2,)}),
        ("lock lk { shared += 1 }", {(2,)}),
        ("add(1)", {(1,), (2,)}),
    ],
)
def test_a_load_and_a_store_are_two_steps_unless_something_keeps_them_together(
    tmp_path: Path, text: str, values: set[tuple[int]]
) -> None:
    assert ends(system(tmp_path, TWO.format(text)), "shared") == values


def test_an_assignment_that_only_reads_or_only_writes_is_one_step(tmp_path: Path) -> None:
    s = system(tmp_path, RUN.format("let x = shared + other\n shared = x\n shared = 3"))
    assert [a.text for a in s.actions] == ["let x = shared + other", "shared = x", "shared = 3"]


def test_a_condition_that_reads_two_places_is_two_steps(tmp_path: Path) -> None:
    s = system(tmp_path, RUN.format("if shared == 1 and other == 2 { shared = 5 }"))
    assert sorted(a.text for a in s.actions) == ["other == 2", "shared = 5", "shared == 1"]
    one = system(tmp_path, RUN.format("let n : u32 = 1\n if shared == n and n == 1 { shared = 5 }"))
    assert len(one.actions) == 2


def test_what_touches_locals_only_takes_no_time(tmp_path: Path) -> None:
    s = system(tmp_path, RUN.format("let x = shared\n let y = x + 1\n if y > 3 { y = 0 }\n other = y"))
    assert [a.text for a in s.actions] == ["let x = shared", "other = y"]


def test_an_emit_belongs_to_the_step_before_it(tmp_path: Path) -> None:
    s = system(tmp_path, RUN.format("shared = 1\n let x = shared\n if x == 1 { emit happened(x) }\n other = 2"))
    (load,) = named(s, "let x")
    assert [e.event for e in load.effects if isinstance(e, Emit)] == ["happened"]
    assert not [e for a in named(s, "shared") + named(s, "other") for e in a.effects]


def test_a_loop_of_locals_alone_is_unrolled_into_the_step_before(tmp_path: Path) -> None:
    text = "let m = shared\n let i : u32 = 0\n while i < 5 and m & (1 << i) == 0 at most 5 { i += 1 }\n"
    text += " other = i"
    s = system(tmp_path, RUN.format(text))
    assert len(s.actions) == 2
    assert ends(s, "other") == {(5,)}


def test_elements_of_a_range_are_passed_one_by_one(tmp_path: Path) -> None:
    s = system(
        tmp_path,
        "sequence run on cpu0 {\n let at = place()\n for c in cells(at, 4K) { mark[c.page] = true } }\n"
        "proc place() -> phys { return any in {dram.start, dram.start + 4096} }",
    )
    writes = [a for a in s.actions if "mark" in a.updates]
    assert [a.name for a in writes] == ["run@6[dram+0x0]", "run@6[dram+0x1000]"]
    assert ends(s, "mark") == {((True, False),), ((False, True),)}


def test_wait_blocks_and_assume_cuts(tmp_path: Path) -> None:
    s = system(
        tmp_path,
        "sequence run on cpu0 {\n wait shared == 1\n other = 1\n assume shared == 0\n other = 2\n}\n"
        "sequence poke on cpu1 { shared = 1 }",
    )
    assert ends(s, "shared", "other") == {(1, 1)}
    (t,) = [t for t in s.threads if t.name == "run"]
    cut = [a.at for a in s.actions if a.text.startswith("assume")]
    assert set(cut) <= t.ends


def test_choose_takes_every_arm(tmp_path: Path) -> None:
    s = system(tmp_path, RUN.format("choose { shared = 1 } or { shared = 2 } or { other = 3 }"))
    assert ends(s, "shared", "other") == {(1, 0), (2, 0), (0, 3)}


def test_actions_have_names_of_their_own_and_say_where_they_come_from(tmp_path: Path) -> None:
    s = system(tmp_path, RUN.format("add(1)\n add(2)"))
    names = [a.name for a in s.actions]
    assert len(set(names)) == len(names)
    assert [[f.proc for f in a.stack] for a in s.actions] == [["add"]] * 4
    assert {a.stack[0].call.line for a in s.actions} == {5, 6}
    assert {a.actor for a in s.actions} == {"cpu0"}
    assert all(a.text == "shared += n" for a in s.actions)


def test_nothing_reads_a_variable_that_nobody_declared(tmp_path: Path) -> None:
    s = system(tmp_path, PROCS + "\n".join(f"sequence s{i} on cpu{i} {{\n{p[1]}\n}}" for i, p in enumerate(PROGRAMS)))
    assert variables(*s.exprs()) <= {v.name for v in s.vars}
