"""Expressions: what a sequence computes is what it stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lowered import ends, failures, system

CASES = [
    # (declaration of x, expression, value)
    ("u32", "2 + 3 * 4", 14),
    ("u8", "u8(200) + u8(100)", 44),
    ("i32", "i32(7) / -2", -3),
    ("i32", "i32(-7) % 2", -1),
    ("i32", "i32(1) << 31", -(1 << 31)),
    ("u32", "~u32(0) >> 28", 15),
    ("u32", "twice(twice(3))", 12),
    ("i32", "first_bit(40)", 3),
    ("i32", "first_bit(0)", -1),
    ("u32", "min(u32(3), 5) + max(u32(3), 5)", 8),
    ("u32", "popcount(u32(0xf0)) + bitlen(u32(0xf0))", 12),
    ("bool", "bit(u32(4), 2) and not bit(u32(4), 1)", True),
    ("bool", "3 in 1..4 and 4 not in 1..4 and 4 in 1..=4 and 5 in 3 +.. 3", True),
    ("bool", "{R} within {R, W} and W in {R, W}", True),
    ("bool", "all s in Slot: some t in Slot where t != s: t != s", True),
    ("bool", "none s in Slot: s != s", True),
    ("u32", "count s in Slot", 3),
    ("u32", "sum n in 1..=4: u32(n)", 10),
    ("u32", "max n in 1..=4 where n < 4: u32(n)", 3),
    ("Colour", "if wide() { red } else { blue }", "blue"),
    ("Colour", "match u32(3) { 0 -> red, 3 -> green, else -> blue }", "green"),
    ("u32", "area(circle(4)) + area(box(2, 3)) + area(dot)", 10),
    ("i32", "Pair { a: 3 }.b + (Pair { a: 3 } with { b: 9 }).b", 16),
    ("i32", "half(8) ?? 1", 4),
    ("i32", "half(7) ?? 1", 1),
    ("i32", "half(8)!", 4),
    ("bool", "half(7) == null and half(8) == 4", True),
    ("i32", "if half(8) is h { h + 1 } else { 0 }", 5),
    ("bool", "match half(8)! { 4 | 5 -> true, else -> false }", True),
    ("u64", "u64(prot { TYPE: 2, C }) >> 5", (1 << 57) + 1),
    ("bool", "prot { C }.C and prot { TYPE: 3 }.TYPE == 3 and not prot {}.C", True),
    ("bool", "{red, green} == {green, red} and red in {red, blue} and {red} != {red, blue}", True),
    ("bool", "{ s for s in Slot where s != Slot(1) } == {Slot(0), Slot(2)}", True),
    ("bool", "({Slot(0)} + Slot(1)) - {Slot(0)} == {Slot(1)}", True),
    ("u32", "u32((first n in 1..9 where n % 4 == 0)!)", 4),
    ("u32", "u32((last n in 1..9 where n % 4 == 0)!)", 8),
    ("bool", "(first n in 1..3 where n == 5) == null", True),
    ("u32", "Page.count", 2),
    ("bool", "dram.start == 0x8000_0000 and dram.size == 8K", True),
    ("bool", "Page(phys(0x8000_1004)) == Page.last and Page.last!.start == 0x8000_1000", True),
    ("bool", "cells(dram.start, 4K) == { c for c in Cell where c.page == Page.first }", True),
    ("bool", "Page.first! within dram.start +.. 8K and not (Page.last! within dram.start +.. 4K)", True),
    ("bool", "(Page.last! - Page.first!) == 1 and Page.first! + 1 == Page.last", True),
    ("u64", "u64(i32(-1))", (1 << 64) - 1),
    ("i64 bytes", "i32(3) pages << PAGE_SHIFT", 12288),
    ("u8", "u32(0x1ff) wrap u8", 255),
]
FUNCS = """
func wide() -> bool = option.wide
func half(n: i32) -> i32? = if n % 2 == 0 { n / 2 } else { null }
func area(s: Shape) -> u32 = match s { dot -> 0, circle(r) -> r, box(a, b) -> a * b }
"""


@pytest.mark.parametrize(("ty", "text", "value"), CASES, ids=[c[1] for c in CASES])
def test_constant_expressions_are_folded(tmp_path: Path, ty: str, text: str, value: object) -> None:
    s = system(tmp_path, f"{FUNCS}\nvar x : {ty}\nsequence run on cpu0 {{ x = {text} }}")
    assert ends(s, "x") == {(value,)}
    (store,) = [a for a in s.actions if "x" in a.updates]
    assert store.updates["x"].is_const


@pytest.mark.parametrize(("ty", "text", "value"), CASES, ids=[c[1] for c in CASES])
def test_the_same_value_where_nothing_is_known_before(tmp_path: Path, ty: str, text: str, value: object) -> None:
    # the numbers come out of variables, so nothing folds and the IR has to compute
    hidden = text.replace("u32(3)", "three").replace("i32(7)", "seven").replace("half(8)", "half(eight)")
    top = "var three : u32 = 3\nvar seven : i32 = 7\nvar eight : i32 = 8\n"
    used = "three = three\n seven = seven\n eight = eight\n"
    s = system(tmp_path, f"{FUNCS}{top}\nvar x : {ty}\nsequence run on cpu0 {{\n {used} x = {hidden}\n}}")
    assert ends(s, "x") == {(value,)}


UNDEFINED = [
    ("y = 1 << z", "arithmetic", "z = 40"),
    ("y = 8 / z", "arithmetic", "z = 0"),
    ("y = n!", "memory", "n = null"),
    ("mark[Page(z)] = true", "memory", "z = 2"),
    ("y = z as u8", "arithmetic", "z = 300"),
    ("m = i32(z)", "arithmetic", "z = 9"),
]


@pytest.mark.parametrize(("text", "prop", "bad"), UNDEFINED, ids=[u[0] for u in UNDEFINED])
def test_what_c_leaves_undefined_is_a_check(tmp_path: Path, text: str, prop: str, bad: str) -> None:
    head = "var z : u32 = 1\nvar n : u32? = 1\nvar m : 0..4 = 0\nvar y : u32 = 0\n"
    body = text.replace("z as u8", "u32(z as u8)")
    good = system(tmp_path, f"{head}sequence run on cpu0 {{\n n = 2\n z = 1\n m = 1\n {body}\n}}")
    assert failures(good) == set()
    broken = system(tmp_path, f"{head}sequence run on cpu0 {{\n n = 2\n z = 1\n m = 1\n {bad}\n {body}\n}}")
    assert {p for p, _ in failures(broken)} == {prop}


def test_a_guard_protects_what_follows_it(tmp_path: Path) -> None:
    s = system(
        tmp_path,
        "var n : u32? = null\nvar y : u32 = 0\nsequence run on cpu0 {\n atomic { if n != null and n! > 3 { y = n! } }\n n = 4\n}",
    )
    assert failures(s) == set()


def test_reading_before_setting_is_found_on_the_one_path_that_does(tmp_path: Path) -> None:
    text = """
sequence run on cpu0 {{
    let x : u32 = uninitialised
    if shared == {0} {{ x = 1 }}
    other = x
}}"""
    assert failures(system(tmp_path, text.format(0))) == set()
    assert {p for p, _ in failures(system(tmp_path, text.format(1)))} == {"uninitialised"}


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("body, bad", [("x = how", False), ("if how == 0 { x = how }", True), ("if x == how { x = 1 }", True)])
def test_a_ref_parameter_is_as_unset_as_what_it_stands_for(tmp_path: Path, body: str, bad: bool, atomic: bool) -> None:
    call = "atomic { put(x, shared + 1) }" if atomic else "put(x, shared + 1)"
    text = f"""
proc put(x: ref u32, how: u32) {{ {body} }}
sequence run on cpu0 {{
    let x : u32 = uninitialised
    {call}
    other = x
}}"""
    assert {p for p, _ in failures(system(tmp_path, text))} == ({"uninitialised"} if bad else set())


def test_objects_are_taken_and_given_back(tmp_path: Path) -> None:
    s = system(
        tmp_path,
        """
var n : Node? = null
sequence run on cpu0 {
    n = new Node { value: 3 }
    let m = new Node
    n!.next = m
    shared = n!.next!.value + n!.value
    delete m
    let k = new Node { value: 1 }
    other = k.value
}""",
    )
    assert ends(s, "shared", "other") == {(8, 1)}


def test_using_a_deleted_object_is_found(tmp_path: Path) -> None:
    s = system(tmp_path, "sequence run on cpu0 {\n let n = new Node\n delete n\n shared = n.value\n}")
    assert {p for p, _ in failures(s)} == {"memory"}


def test_only_what_may_run_deletes(tmp_path: Path) -> None:
    """Whether an object still exists is looked at where it may be gone, which takes a step that others can notice."""
    module = "proc drop(n: Node) { drop_it(n) }\nproc drop_it(n: Node) { delete n }\nvar node : Node? = null\n"
    uses = "sequence run on cpu0 {\n node = new Node\n shared = node!.value\n}\n"
    other = "sequence other on cpu1 { wait node != null\n drop(node!) }\n"
    hardware = "spontaneous fail when node != null and other == 0 { delete node!\n other = 1 }\n"
    keeping = module.replace("delete n", "n.value = 0")
    assert system(tmp_path, uses, more=module).actions == system(tmp_path, uses, more=keeping).actions
    for deleting, more in ((other, module), (hardware, keeping)):
        assert "freed" in " ".join(x for _, x in failures(system(tmp_path, uses + deleting, more=more)))


def test_running_out_of_objects_is_a_bound_and_no_null(tmp_path: Path) -> None:
    s = system(tmp_path, "sequence run on cpu0 {\n repeat 3 { let n = new Node\n shared = n.value }\n}")
    assert {p for p, _ in failures(s)} == {"bound"}


def test_lists_keep_their_order(tmp_path: Path) -> None:
    s = system(
        tmp_path,
        """
var l : list max 3 of u32 = []
sequence run on cpu0 {
    push 5 to l
    push 6 to l
    push 7 to l
    let a = pop from l
    let b = pop x from l where x > 6
    shared = a! * 10 + b!
    other = len(l)
}""",
    )
    assert ends(s, "shared", "other") == {(57, 1)}


def test_a_choice_offers_each_element_once(tmp_path: Path) -> None:
    s = system(tmp_path, "sequence run on cpu0 {\n let n = any of {u32(2), 4, 6}\n shared = n\n}")
    assert ends(s, "shared") == {(2,), (4,), (6,)}


def test_a_choice_from_nothing_takes_its_else(tmp_path: Path) -> None:
    text = """
var allowed : set of Slot = {{}}
sequence run on cpu0 {{
    {0}
    let s = any in allowed else {{ other = 9
                                  return }}
    if s == Slot(1) {{ shared = 1 }} else {{ shared = 2 }}
}}"""
    assert ends(system(tmp_path, text.format("")), "shared", "other") == {(0, 9)}
    one = text.format("allowed += Slot(1)")
    assert ends(system(tmp_path, one), "shared", "other") == {(1, 0)}
    two = text.format("allowed += {Slot(0), Slot(1)}")
    assert ends(system(tmp_path, two), "shared", "other") == {(1, 0), (2, 0)}
