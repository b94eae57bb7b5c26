"""No empty greens: for every kind of probe a scenario where it is passed and one where it is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import dmaverify
from dmaverify.cli.main import run
from dmaverify.results import VariantResult
from dmaverify.verdict import Word
from tests.support.lowered import KIT

MONITOR = """
monitor watch code DMA900 {
    ghost sum : u32 = 0
    on happened(n) { assert n < 5, "{n} is too much" }
    on touched(c)  { assert sum < 9 }
}
"""


def write(folder: Path, text: str) -> str:
    """A scenario ``t`` that sees ``spec.kit``; its path."""
    for part in ("spec", "models"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "spec" / "kit.dma").write_text((KIT / "spec" / "kit.dma").read_text())
    path = folder / "models" / "t.dma"
    path.write_text(f"scenario t\nimport spec.kit\nregion dram {{ at 0x8000_0000  size 8K }}\n{text}\n")
    return str(path)


def checked(folder: Path, text: str, **options: object) -> tuple[VariantResult, int]:
    """The base variant's result, and the exit status."""
    report = dmaverify.check(write(folder, text), **options)  # type: ignore[arg-type]
    assert report.scenario("t").diagnostics == []
    (v,) = report.scenario("t").variants
    assert (v.diagnostics, v.internal) == ([], "")
    return v, report.exit_status


def never(v: VariantResult) -> set[tuple[str, str]]:
    """The probes that are impossible, by kind and name."""
    return {(p.kind, p.name) for p in v.probes if p.reached is False}


# -- events that never happen ---------------------------------------------


def test_a_property_whose_events_never_happen_is_vacuous(tmp_path: Path) -> None:
    v, status = checked(tmp_path, MONITOR + "sequence go on cpu0 { shared = 1 }")
    watch = v.property("watch")
    assert (watch.word, status) == (Word.VACUOUS, 4)
    assert [label for label, _ in watch.untested] == ["watch.1", "watch.2"]
    assert [span.line for _, span in watch.untested] == [7, 8]


def test_one_whose_events_happen_is_not_and_says_what_was_not_asked(tmp_path: Path) -> None:
    text = MONITOR + "sequence go on cpu0 { emit happened(1) }"
    v, status = checked(tmp_path, text)
    watch = v.property("watch")
    assert (watch.word, status) == (Word.EXHAUSTED, 0)
    assert [label for label, _ in watch.untested] == ["watch.2"]
    assert checked(tmp_path, text, strict=True)[1] == 4
    both = text.replace("happened(1) }", "happened(1)\n emit touched(Cell.first!) }")
    assert checked(tmp_path, both, strict=True)[1] == 0


def test_vacuous_is_what_a_scenario_may_expect(tmp_path: Path) -> None:
    quiet = MONITOR + "sequence go on cpu0 { shared = 1 }\n"
    assert checked(tmp_path, quiet + "expect watch vacuous")[1] == 0
    asked = MONITOR + "sequence go on cpu0 { emit happened(1) }\n"
    v, status = checked(tmp_path, asked + "expect watch vacuous")
    assert (status, v.property("watch").mismatch) == (1, "expected vacuous, got exhausted")


# -- antecedents ---------------------------------------------


@pytest.mark.parametrize(
    "condition",
    [
        "n > 5 => n < 9",
        "n > 1 => (n > 5 => n < 9)",
        "(n > 5 => n < 9) and (n > 6 => n < 8)",
        "all p in Page where mark[p]: n < 9",
        "all p in Page where mark[p]: (n > 1 => n < 9)",
    ],
)
def test_an_assert_whose_antecedent_is_never_true_was_not_asked(tmp_path: Path, condition: str) -> None:
    text = f"""
monitor watch code DMA900 {{
    ghost mark : Page -> bool = false
    on happened(n) {{ assert {condition} }}
    on touched(c)  {{ mark[c.page] = true }}
}}
"""
    small, large = "emit happened(2)", "emit touched(Cell.first!)\n emit happened(7)"
    v, status = checked(tmp_path, text + f"sequence go on cpu0 {{ {small} }}")
    assert (v.property("watch").word, status) == (Word.VACUOUS, 4)
    v, status = checked(tmp_path, text + f"sequence go on cpu0 {{ {large} }}")
    assert (v.property("watch").word, status) == (Word.EXHAUSTED, 0)


def test_an_antecedent_changes_nothing_about_when_an_assert_fails(tmp_path: Path) -> None:
    text = "monitor watch code DMA900 { on happened(n) { assert n > 5 => n < 9 } }\n"
    v, status = checked(tmp_path, text + "sequence go on cpu0 { emit happened(9) }")
    assert (v.property("watch").word, status) == (Word.VIOLATED, 1)


def test_a_clause_about_the_state_that_is_never_in_force(tmp_path: Path) -> None:
    text = "monitor watch code DMA900 { always shared == 7 => other == 1 }\n"
    v, status = checked(tmp_path, text + "sequence go on cpu0 { shared = 6 }")
    assert (v.property("watch").word, status) == (Word.VACUOUS, 4)
    v, status = checked(tmp_path, text + "sequence go on cpu0 { other = 1\n shared = 7 }")
    assert (v.property("watch").word, status) == (Word.EXHAUSTED, 0)


def test_a_lemma_that_is_never_in_force_is_named(tmp_path: Path) -> None:
    text = "lemma high when shared == 7: other == 1\ncheck high\nsequence go on cpu0 { other = 1\n shared = N }\n"
    v, status = checked(tmp_path, text.replace("N", "6"))
    assert ([label for label, _ in v.property("high").untested], status) == (["high"], 0)
    assert checked(tmp_path, text.replace("N", "6"), strict=True)[1] == 4
    v, status = checked(tmp_path, text.replace("N", "7"), strict=True)
    assert (v.property("high").untested, status) == ([], 0)
    # one that comes with a model may have nothing to say about this board
    v, status = checked(tmp_path, text.replace("N", "6").replace("check high", ""), strict=True)
    assert (v.property("high").untested, status) == ([], 0)


# -- assume, sequences, clients, faults ---------------------------------------------

ASKED = MONITOR.replace("assert sum < 9", "sum = 0")


def test_an_assume_that_excludes_everything(tmp_path: Path) -> None:
    text = ASKED + "sequence go on cpu0 { let n = any of {u32(1), 2}\n emit happened(n)\n assume n > N }"
    v, status = checked(tmp_path, text.replace("N", "2"))
    assert never(v) == {("assume", "behind assume in go at line 12"), ("end", "go ends")}
    # what comes before it was tested, but a scenario that never gets to its end shows nothing
    assert (v.property("watch").word, status) == (Word.VACUOUS, 4)
    v, status = checked(tmp_path, text.replace("N", "1"))
    assert (never(v), v.property("watch").word, status) == (set(), Word.EXHAUSTED, 0)


def test_a_sequence_that_never_ends_is_named(tmp_path: Path) -> None:
    other = "sequence stuck on cpu1 {\n wait shared == N\n other = 1\n}\n"
    text = ASKED + "sequence go on cpu0 { shared = 1\n emit happened(1) }\n" + other
    v, status = checked(tmp_path, text.replace("N", "2"))
    assert (never(v), v.property("watch").word, status) == ({("end", "stuck ends")}, Word.EXHAUSTED, 0)
    assert checked(tmp_path, text.replace("N", "2"), strict=True)[1] == 4
    v, status = checked(tmp_path, text.replace("N", "1"), strict=True)
    assert (never(v), status) == (set(), 0)


def test_a_sequence_without_an_end_is_meant_so(tmp_path: Path) -> None:
    text = ASKED + "sequence go on cpu0 { loop {\n shared = 1\n emit happened(1)\n shared = 2 } }\n"
    v, status = checked(tmp_path, text, strict=True)
    assert (v.probes, v.property("watch").word, status) == ([], Word.EXHAUSTED, 0)


CLIENT = """
proc claim(n: u32) -> u32? {
    emit happened(n)
    if shared >= ROOM { return null }
    shared += 1
    return n
}
proc unclaim(n: u32) { shared -= 1 }
client user on cpu0 holding b[1] {
    may b = claim(any of {u32(1), 2})
    may unclaim(take b)
}
"""


def test_a_client_that_can_never_allocate_makes_the_scenario_vacuous(tmp_path: Path) -> None:
    text = ASKED + CLIENT
    v, status = checked(tmp_path, text.replace("ROOM", "0"))
    operations = {("operation", "user: b = claim(any of {u32(1), 2})"), ("operation", "user: unclaim(take b)")}
    assert never(v) == {*operations, ("slot", "user.b[0] is held")}
    assert (v.property("watch").word, status) == (Word.VACUOUS, 4)
    assert v.property("watch").reason == "nothing that the scenario tries ever succeeds"
    v, status = checked(tmp_path, text.replace("ROOM", "1"), strict=True)
    assert (never(v), v.property("watch").word, status) == (set(), Word.EXHAUSTED, 0)


def test_an_operation_that_never_succeeds_is_named_even_if_others_do(tmp_path: Path) -> None:
    text = ASKED + CLIENT.replace("    may unclaim", "    may let c = get()\n    may unclaim").replace("ROOM", "0")
    v, status = checked(tmp_path, text)
    assert len(never(v)) == 3
    assert (v.property("watch").word, status) == (Word.EXHAUSTED, 0)


def test_a_fault_that_never_happens(tmp_path: Path) -> None:
    text = ASKED + "faults broken at most 1\nsequence go on cpu0 { if shared == N and fault broken { other = 1 }\n emit happened(1) }"
    v, status = checked(tmp_path, text.replace("N", "1"))
    assert (never(v), status) == ({("fault", "fault broken")}, 0)
    v, status = checked(tmp_path, text.replace("N", "0"), strict=True)
    assert (never(v), status) == (set(), 0)


# -- covers ---------------------------------------------


def test_a_cover_that_is_unreachable(tmp_path: Path) -> None:
    text = ASKED + "sequence go on cpu0 { shared = 3\n emit happened(1) }\ncover high: shared == N\n"
    v, status = checked(tmp_path, text.replace("N", "4"))
    assert (v.property("high").reached, status) == (False, 4)
    assert checked(tmp_path, text.replace("N", "4") + "expect cover high unreachable")[1] == 0
    v, status = checked(tmp_path, text.replace("N", "4") + "expect cover high reachable")
    assert (v.property("high").mismatch, status) == ("expected reachable, got unreachable", 1)
    v, status = checked(tmp_path, text.replace("N", "3"))
    assert (v.property("high").reached, status) == (True, 0)


def test_a_param_that_can_have_no_value(tmp_path: Path) -> None:
    text = ASKED + "param n : u32 in 5..N\nsequence go on cpu0 { emit happened(n - 4) }\n"
    (v,) = dmaverify.check(write(tmp_path, text.replace("N", "3"))).scenario("t").variants
    assert (len(v.diagnostics), v.exit_status) == (1, 2)
    assert "DMA067" in v.diagnostics[0]
    assert "its domain is empty" in v.diagnostics[0]
    assert checked(tmp_path, text.replace("N", "7"), strict=True)[1] == 0


# -- engines, reports ---------------------------------------------


@pytest.mark.parametrize("engine", ["explicit", "bmc", "auto"])
def test_engines_answer_probes_as_far_as_they_can(tmp_path: Path, engine: str) -> None:
    text = ASKED + CLIENT
    v, _ = checked(tmp_path, text.replace("ROOM", "1"), engine=engine)
    assert {p.reached for p in v.probes} == {True}
    v, _ = checked(tmp_path, text.replace("ROOM", "0"), engine=engine)
    # a bounded search says yes, and cannot say no: what it says no to was seen by the passes
    assert {p.kind: p.reached for p in v.probes}["operation"] is False
    assert {p.reached for p in v.probes} == ({None, False} if engine == "bmc" else {False})


def test_what_lies_far_away_is_found_by_a_slice_of_its_own(tmp_path: Path) -> None:
    # the counter keeps the search of the whole and the walks busy; the sequence does not depend on it
    busy = "sequence go on cpu1 {\n repeat 400 { shared += 1\n other = shared }\n}\n"
    slow = "sequence late on cpu0 { for p in Page { mark[p] = true }\n wait mark[Page.last!]\n emit happened(1) }\n"
    v, status = checked(tmp_path, ASKED + busy + slow)
    assert (never(v), status) == (set(), 0)


def test_reports_name_what_never_happens(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = "sequence stuck on cpu1 {\n wait shared == 2\n other = 1\n}\n"
    path = write(tmp_path, ASKED + "sequence go on cpu0 { shared = 1\n emit happened(1) }\n" + other)
    assert run(["check", path]) == 0
    out = capsys.readouterr().out
    assert "stuck never reaches its end" in out
    assert "t.dma:12:1" in out
    assert run(["check", path, "--strict"]) == 4
    capsys.readouterr()
    assert run(["check", path, "--format", "json"]) == 0
    (v,) = json.loads(capsys.readouterr().out)["scenarios"][0]["variants"]
    assert {p["name"]: p["passed"] for p in v["probes"]} == {"go ends": True, "stuck ends": False}


def test_checks_of_a_monitors_own_arithmetic_are_no_questions(tmp_path: Path) -> None:
    text = """
monitor watch code DMA900 {
    ghost calls : 0..3 = 0
    on happened(n) { if n > N { calls += 1 }
                     if n > M { assert calls > 0 } }
}
sequence go on cpu0 { emit happened(2) }
"""
    v, status = checked(tmp_path, text.replace("N", "1").replace("M", "2"))
    assert (v.property("watch").word, status) == (Word.VACUOUS, 4)
    v, status = checked(tmp_path, text.replace("N", "1").replace("M", "1"), strict=True)
    assert (v.property("watch").untested, status) == ([], 0)
