"""Lemmas about all numbers are decided by themselves; what a scenario expects of what it does not check is an error."""

from __future__ import annotations

from pathlib import Path

import dmaverify

TEXT = """scenario a
var x : u32 = 0
sequence s on cpu0 {
    x = 1
    assert x == 1
}
lemma wrong for m: u64: m == 0
lemma right for m: u64: m & m == m
"""


def report(tmp_path: Path, lines: str) -> dmaverify.Report:
    file = tmp_path / "a.dma"
    file.write_text(TEXT + lines, encoding="utf-8")
    return dmaverify.check(file, jobs=1)


def words(r: dmaverify.Report) -> dict[str, str]:
    return {v.name: v.word.value for _, _, v in r.outcomes()}


def test_a_false_lemma_is_violated_and_a_true_one_proved(tmp_path: Path) -> None:
    found = report(tmp_path, "check only wrong, right\nexpect wrong violated, right holds\n")
    assert found.exit_status == 0
    assert words(found)["wrong"] == "violated"
    assert words(found)["right"] == "proved"


def test_a_false_lemma_that_is_expected_to_hold_is_told(tmp_path: Path) -> None:
    assert report(tmp_path, "check only wrong\nexpect wrong holds\n").exit_status == 1


def test_what_cannot_be_violated_is_not_violated_as_expected(tmp_path: Path) -> None:
    assert report(tmp_path, "check only asserts\nexpect arithmetic violated\n").exit_status == 1


def test_what_is_not_checked_cannot_be_expected(tmp_path: Path) -> None:
    module = "monitor k(n: u32) code DMA900 { always x < n, \"too large\" }\n"
    assert report(tmp_path, module + "check only k(3)\nexpect k(4) violated\n").exit_status == 2
    assert report(tmp_path, module + "check only k(3)\nexpect k(3) holds\n").exit_status == 0


def test_what_is_decided_once_is_told_beside_several_instances(tmp_path: Path) -> None:
    several = "param n : u32 in 1..=3\ncheck only asserts, right, wrong\nexpect asserts holds, right holds, wrong violated\n"
    found = report(tmp_path, several)
    assert words(found) == {"asserts": "exhausted", "right": "proved", "wrong": "violated"}
    assert found.exit_status == 0
