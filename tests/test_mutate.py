"""Mutants of models: what is made of a text, who notices, and what is said about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dmaverify.cli.main import run
from dmaverify.lang.compile import compile_scenario
from dmaverify.lang.link import load
from dmaverify.lang.tree import dump
from dmaverify.mutation import run as running
from dmaverify.mutation.edits import applied
from dmaverify.mutation.results import MutantResult, MutationResult
from dmaverify.mutation.run import MutateOptions, mutate
from dmaverify.mutation.sites import Site, sites
from dmaverify.report.mutation import as_json
from tests.support.lowered import KIT

BOARD = Path(__file__).resolve().parent.parent / "models" / "boards" / "zero-size.dma"

DESK = """
enum Lamp { off, on, broken }
var lamp : Lamp = off
var busy : u32 = 0

proc take(n: u32) {
    lock desk_lock {
        if busy < 2 {
            busy += 1
            emit happened(busy)
        }
        lamp = on
    }
}
proc leave() {
    lock desk_lock {
        if busy > 0 { busy = busy - 1 }
    }
    flash = true
}
proc unused() { busy = 77 }
var flash : bool = false
var desk_lock : spinlock

monitor room code DMA900 {
    ghost most : u32 = 0
    on happened(n) { assert n < 3, "{n} at the desk"
                     most = n }
}
monitor idle code DMA901 { on happened(n) { assert n < 100 } }

sequence a on cpu0 {
    take(1)
    leave()
}
sequence b on cpu1 { take(1) }
"""


def written(folder: Path, text: str = DESK) -> str:
    """The scenario ``t`` with this text; its path."""
    for part in ("spec", "models"):
        (folder / part).mkdir(exist_ok=True)
    (folder / "spec" / "kit.dma").write_text((KIT / "spec" / "kit.dma").read_text())
    path = folder / "models" / "t.dma"
    path.write_text(f"scenario t\nimport spec.kit\nregion dram {{ at 0x8000_0000  size 8K }}\n{text}\n")
    return str(path)


def made(path: str) -> list[Site]:
    """The mutants of the base."""
    compiled = compile_scenario(path)
    return sites(compiled.program, compiled.system, compiled.asked)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> MutationResult:
    """All mutants of the desk, checked in this process."""
    return mutate(written(tmp_path_factory.mktemp("desk")), None, MutateOptions())


def find(result: MutationResult, kind: str, part: str) -> MutantResult:
    """The only mutant of a kind whose text (or what stands there instead) has this in it."""
    (one,) = (r for r in result.results if r.mutant.kind == kind and part in f"{r.mutant.text} {r.mutant.instead}")
    return one


def test_what_is_made_of_a_text(tmp_path: Path) -> None:
    found = [(s.mutant.kind, s.mutant.text, s.mutant.instead) for s in made(written(tmp_path))]
    for kind, text, instead in (
        ("unlock", "lock desk_lock … }", ""),
        ("delete", "if busy < 2 … }", ""),
        ("negate", "busy < 2", "negated"),
        ("bound", "busy < 2", "<= for <"),
        ("number", "if busy < 2 {", "2 becomes 3"),
        ("delete", "busy += 1", ""),
        ("emit", "emit happened(busy)", ""),
        ("swap", "lamp = on", "on becomes broken"),
        ("swap", "flash = true", "true becomes false"),
        ("event", "emit happened(busy)", ""),
    ):
        assert (kind, text.replace("desk_lock … }", "desk_lock { … }").replace("2 … }", "2 { … }"), instead) in found
    assert not any("77" in text or "assert" in text or "take(1)" in text for _, text, _ in found), "not used, no model, the question"


def test_spans_stay_and_the_text_is_whole_again(tmp_path: Path) -> None:
    path = written(tmp_path)
    program = load(path).program(None)
    before = {name: dump(list(m.decls.values())) for name, m in program.modules.items()}
    for site in made(path):
        assert site.mutant.span.file == path
        with applied(site.edits):
            pass
    program = load(path).program(None)
    assert {name: dump(list(m.decls.values())) for name, m in program.modules.items()} == before


def test_who_notices(result: MutationResult) -> None:
    assert (result.diagnostics, result.internal, result.interrupted) == ([], "", False)
    assert result.made == result.chosen == len(result.results) > 15
    assert result.verdicts["room"] == result.verdicts["idle"] == "holds"
    wider = find(result, "bound", "busy < 2")
    assert wider.state == "survived", "two threads take one each, whatever the bound"
    never = find(result, "event", "happened")
    assert never.state == "noticed"
    assert {(n.prop, n.after) for n in never.noticed} == {("room", "vacuous"), ("idle", "vacuous")}
    assert {n.prop for n in find(result, "negate", "busy < 2").noticed} == {"room", "idle"}


def test_a_property_that_survives_everything_is_weak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The event happens whatever is altered, and what is asked of it is always true."""
    text = """
    var seen : u32 = 0
    proc note() { seen += 1 }
    monitor empty code DMA902 { on happened(n) { assert n < 100 } }
    monitor full code DMA903 { always seen < 2 }
    sequence a on cpu0 { emit happened(1)
                         note() }
    """
    path = written(tmp_path, text)
    assert run(["mutate", path, "--only", "empty", "-j", "1"]) == 1
    out = capsys.readouterr().out
    assert "weak: it survives everything" in out and "weak: empty" in out
    found = mutate(path, None, MutateOptions())
    assert found.weak == ["empty"], "of two more than one it is asked by the other"


def test_a_stronger_property_notices(tmp_path: Path) -> None:
    text = """
    var seen : u32 = 0
    proc note() { if seen < 1 { seen += 1 } }
    monitor full code DMA903 { always seen < 2 }
    sequence a on cpu0 { note()
                         note()
                         note() }
    """
    found = mutate(written(tmp_path, text), None, MutateOptions(only=("full",)))
    assert found.weak == []
    assert {r.mutant.kind for r in found.of("noticed")} >= {"bound", "number"}
    assert all(n.prop == "full" and n.after == "violated" and n.length for r in found.of("noticed") for n in r.noticed)
    assert find(found, "delete", "if seen < 1").state == "survived"


def test_what_changes_nothing_and_what_does_not_compile(tmp_path: Path) -> None:
    text = """
    var seen : u32 = 0
    func big(n: u32) -> bool = n > 5
    proc note(n: u32) -> u32? { if big(n) { return null }
                                return n }
    proc more(n: u32) { let m = note(n)
                        if m == null { return }
                        seen = m }
    monitor full code DMA903 { always seen < 9 }
    sequence a on cpu0 { more(3) }
    """
    found = mutate(written(tmp_path, text), None, MutateOptions())
    gone = find(found, "delete", "if m == null")
    assert gone.state == "invalid" and "error[DMA024]" in gone.why
    assert not found.of("failed")


def test_options_choose_and_change_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = [s.mutant for s in made(path)]
    some = mutate(path, None, MutateOptions(sample=4, seed=3))
    assert some.chosen == len(some.results) == 4 and some.made == len(whole) and not some.weak
    again = mutate(path, None, MutateOptions(sample=4, seed=3))
    assert [(r.mutant, r.state, r.noticed) for r in again.results] == [(r.mutant, r.state, r.noticed) for r in some.results]
    assert [r.mutant for r in mutate(path, None, MutateOptions(limit=2)).results] == whole[:2]


def test_workers_find_the_same(tmp_path: Path, result: MutationResult) -> None:
    both = mutate(written(tmp_path), None, MutateOptions(jobs=2, limit=6))
    assert [(r.mutant.text, r.state, r.noticed) for r in both.results] == [
        (r.mutant.text, r.state, r.noticed) for r in result.results[:6]
    ]


def test_an_interrupt_keeps_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    true, done = running._one, []

    def interrupted(task: running._Task) -> MutantResult:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(task.number)
        return true(task)

    monkeypatch.setattr(running, "_one", interrupted)
    assert run(["mutate", written(tmp_path), "-j", "1"]) == 3
    out = capsys.readouterr().out
    assert "interrupted: 3 of" in out and "weak" not in out


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path)
    assert run(["mutate", path, "--limit", "5", "-j", "1", "--progress"]) == 0
    text = capsys.readouterr()
    assert "5 of" in text.out and "noticed" in text.out and f"{path}:" in text.out
    assert "5/5 t.dma:" in text.err
    survive = bool(mutate(path, None, MutateOptions(limit=5)).of("survived"))
    assert run(["mutate", path, "--limit", "5", "-j", "1", "--strict"]) == int(survive)
    capsys.readouterr()
    assert run(["mutate", path, "--limit", "2", "-j", "1", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    (scenario,) = data["scenarios"]
    assert scenario["checked"] == 2 and scenario["made"] > 15
    assert {"kind", "file", "line", "text", "state", "noticed", "in"} <= scenario["mutants"][0].keys()
    assert run(["mutate", path, "--only", "nothing"]) == 2
    assert "no property nothing is checked here" in capsys.readouterr().out
    assert run(["mutate", path, "--variant", "none"]) == 2
    assert run(["mutate", str(tmp_path / "none.dma")]) == 2


def test_the_json_says_what_the_text_says(result: MutationResult) -> None:
    data = json.loads(as_json([result], 0))["scenarios"][0]
    assert [m["state"] for m in data["mutants"]] == [r.state for r in result.results]
    assert {p["name"]: p["noticed"] for p in data["properties"]} == {t.name: t.noticed for t in result.tallies}


def test_a_shipped_board() -> None:
    """Zeroing is what the board does not ask about; its allocator is."""
    found = mutate(str(BOARD), None, MutateOptions(sample=3, seed=5))
    assert found.made > 100 and len(found.results) == 3 and not found.of("failed")
