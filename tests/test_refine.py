"""``refine``: what models show, against what an abstract contract allows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dmaverify.checking.problems import Mismatch
from dmaverify.cli.main import run
from dmaverify.patches.machine import Machine
from dmaverify.patches.words import compare
from dmaverify.refinement.confirm import confirm
from dmaverify.refinement.contract import Contract
from dmaverify.refinement.results import BY_SETS, BY_SIMULATION, DIFFERS, REFINES, UNKNOWN, VACUOUS, Refinement, VariantAnswer
from dmaverify.refinement.run import STATES, Task, refine, work
from dmaverify.refinement.search import search
from dmaverify.refinement.sides import both_sides
from dmaverify.report.page import plain
from dmaverify.report.refinement import lines

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "models" / "refinement"
CONTRACT = ROOT / "spec" / "contract.dma"

PROMISE = """\
module promise
event given(n: u32)
event back(n: u32)
event panic(n: u32)

var owned : [3] -> bool = false

/// Any number that nobody has, or none.
proc get() -> u32? {
    let got: u32? = null
    atomic {
        let refused = any bool
        let n = any i in 0..3 where not owned[i]
        if n is found {
            if not refused {
                owned[found] = true
                got = u32(found)
                emit given(u32(found))
            }
        }
    }
    if false { emit panic(0) }
    return got
}
proc put(n: u32)
    requires n < 3 and owned[n]
{
    atomic {
        owned[n] = false
        emit back(n)
    }
}
"""

MODEL = """\
module lowest
event given(n: u32)
event back(n: u32)
event panic(n: u32)
event looked(n: u32)

option checks : bool = true
var mark : [3] -> bool = false
var lk   : spinlock

proc pick() -> u32? {
    for i in 0..3 {
        if not mark[i] {
            mark[i] = true
            return u32(i)
        }
    }
    return null
}
proc get() -> u32? {
    let got: u32? = null
    lock lk {
        got = pick()
        if got is n { emit looked(n) }
    }
    if got is n { emit given(n) }
    return got
}
proc put(n: u32) {
    lock lk {
        emit back(n)
        mark[n] = false
    }
}
"""

TAKERS = """\
scenario takers
import lowest

client one on cpu0 holding b[1] { may b = get()
                                  may put(take b) }
client two on cpu1 holding b[1] { may b = get()
                                  may put(take b) }
expect refines(promise) holds
"""


def fitted(text: str) -> str:
    """The language has no index by number: a map over a range."""
    return text.replace("[3] -> bool", "0..3 -> bool")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A contract about numbers that are given out, and a model that gives the lowest one."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "promise.dma").write_text(fitted(PROMISE), encoding="utf-8")
    (tmp_path / "models" / "lowest.dma").write_text(fitted(MODEL), encoding="utf-8")
    return tmp_path


def ask(project: Path, scenario: str = TAKERS, contract: str = "promise", **options: object) -> VariantAnswer:
    file = project / "s.dma"
    file.write_text(scenario, encoding="utf-8")
    report = refine([file], contract, **options)  # type: ignore[arg-type]
    return report.scenarios[0].variants[-1]


def answered(v: VariantAnswer) -> Refinement:
    assert v.answer is not None, (v.diagnostics, v.internal)
    return v.answer


def changed(project: Path, old: str, new: str, module: str = "lowest") -> None:
    file = project / "models" / f"{module}.dma"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


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


# -- wrong input


DEMAND = "proc put(n: u32)\n    requires n < 3 and owned[n]\n{\n    atomic {\n        owned[n] = false\n        emit back(n)\n    }\n}"


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("module promise", "module promised", "DMA032", "promised"),
        (DEMAND, "proc put(m: u32) { emit back(m) }", "DMA093", "put is (m: "),
        (DEMAND, "proc put(n: u32) -> bool { emit back(n)\n return true }", "DMA093", "put returns (result: bool) in promise"),
        (DEMAND, "proc give_back(n: u32) { emit back(n) }", "DMA050", "stands in the place of all that it imports"),
        ("event given(n: u32)", "event given(n: u64)", "DMA093", "given is (n: u64)"),
    ],
)
def test_contracts_that_do_not_fit_are_wrong_input(project: Path, old: str, new: str, code: str, said: str) -> None:
    changed(project, old, new, module="promise")
    if "u64" in new:
        changed(project, "emit given(u32(found))", "emit given(u64(found))", module="promise")
    v = ask(project)
    assert v.exit_status == 2
    assert code in v.diagnostics[0] and said in "\n".join(v.diagnostics)
    assert "promise.dma" in v.diagnostics[0] or "s.dma" in v.diagnostics[0]
    assert not v.internal


def test_what_nobody_calls_may_stay_open(project: Path) -> None:
    changed(project, "module promise", "module promise\nopen proc more()\nproc most() { more() }", module="promise")
    assert answered(ask(project)).word == REFINES


def test_memory_must_be_cut_alike(project: Path) -> None:
    model = "module cuts\nimport spec.api\nevent seen(c: Cell)\nproc look(at: phys) { for c in cells(at, 100) { emit seen(c) } }\n"
    promise = "module uncut\nimport spec.api\nevent seen(c: Cell)\nproc look(at: phys) { for c in cells(at, 4K) { emit seen(c) } }\n"
    (project / "models" / "cuts.dma").write_text(model, encoding="utf-8")
    (project / "models" / "uncut.dma").write_text(promise, encoding="utf-8")
    text = """\
scenario cut
import cuts
region dram { at 0x8000_0000  size 4K }
sequence s on cpu0 { look(dram.start) }
variant v { replace proc look(at) { for c in cells(at, 200) { emit seen(c) } } }
"""
    assert answered(ask(project, text, "uncut", variant="base")).word == REFINES
    report = refine([project / "s.dma"], "uncut")
    assert plain(lines(report)).count("DMA094") == 1
    v = ask(project, text, "uncut", variant="v")
    assert v.exit_status == 2
    assert "DMA094" in v.diagnostics[0] and "200 bytes from 0x80000000 on are a Cell" in v.diagnostics[0]


def test_names_that_mean_nothing_are_wrong_input(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "s.dma"
    file.write_text(TAKERS, encoding="utf-8")
    promise = str(project / "models" / "promise.dma")
    for args, said in (
        ([str(file), "promises"], "DMA030"),
        ([str(file), str(file)], "DMA043"),
        ([promise, "promise"], "only a scenario can be"),
        ([str(file)], "name scenarios and, behind them, the contract"),
        ([str(file), str(project / "none.dma")], "DMA008"),
        ([str(file), "promise", "--variant", "no"], "has no variant no"),
    ):
        assert run(["refine", *args]) == 2, args
        out = capsys.readouterr()
        assert said in out.out + out.err
        assert "Traceback" not in out.out + out.err
    # by its file it is the same
    assert run(["refine", str(file), promise]) == 0


@pytest.mark.parametrize("wrong", ["refines", "refines()", "refines(3)", "refines(promise, promise)"])
def test_an_expectation_names_a_module(project: Path, wrong: str) -> None:
    v = ask(project, TAKERS.replace("refines(promise)", wrong))
    assert "DMA071" in v.diagnostics[0]


def test_a_check_leaves_alone_what_is_expected_of_refine(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "s.dma").write_text(TAKERS, encoding="utf-8")
    assert run(["check", str(project / "s.dma")]) == 0
    assert "refines" not in capsys.readouterr().out


def test_expected_differences_are_no_failures_and_missing_ones_are(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = project / "s.dma"
    file.write_text(TAKERS.replace("refines(promise) holds", "refines(promise) violated"), encoding="utf-8")
    assert run(["refine", str(file), "promise"]) == 1
    assert "not as expected: expected violated, got exhausted" in capsys.readouterr().out
    changed(project, "    return got", "    return null")
    assert run(["refine", str(file), "promise"]) == 0
    assert "DOES NOT REFINE" in capsys.readouterr().out


def test_the_report_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(project, "    return got", "    return null")
    file = project / "s.dma"
    file.write_text(TAKERS, encoding="utf-8")
    assert run(["refine", str(file), "promise", "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert (data["format"], data["contract"], data["exit_status"]) == ("dmaverify-refinement 1", "promise", 1)
    (variant,) = data["scenarios"][0]["variants"]
    answer = variant["answer"]
    assert (answer["word"], variant["expected"]) == (DIFFERS, "holds")
    assert answer["difference"]["last"]["text"] == "get returns null"
    assert answer["difference"]["steps"][0]["file"].endswith(".dma")


# -- the contract of the DMA API


def shipped(file: str, variant: str, contract: str = "spec.contract") -> VariantAnswer:
    name = Path(contract).stem if contract.endswith(".dma") else contract
    named = None if variant == "base" else variant
    return work(Task(str(SHIPPED / f"{file}.dma"), named, (), contract, name, "addresses", STATES, 100.0))


@pytest.mark.parametrize(
    ("file", "variant"),
    [
        *(("device-pool", v) for v in ("v3_10", "v3_18", "v4_9", "v5_10", "v6_1", "base")),
        *(("own-memory", v) for v in ("passed_by@v3_10", "shown", "not_shown@v3_18", "no_bytes", "released_too_early")),
        *(("page-allocator", v) for v in ("v4_9", "base", "thead", "thead_v6_1", "atomic")),
        *(("streaming", v) for v in ("v7", "both_ways@thead", "no_for_cpu", "one_line")),
    ],
)
def test_allocators_refine_the_contract_or_show_where_not(file: str, variant: str) -> None:
    """Some of each family; all of them is ``dmaverify refine models/refinement spec.contract``."""
    v = shipped(file, variant)
    assert v.expected is not None
    assert (v.status, v.mismatch, v.internal, v.diagnostics) == (0, "", "", [])
    assert answered(v).how == BY_SIMULATION, "the contract is label-deterministic"


def test_every_family_is_there() -> None:
    assert {p.stem for p in SHIPPED.glob("*.dma")} >= {"device-pool", "iommu", "own-memory", "page-allocator", "streaming"}
    for p in SHIPPED.glob("*.dma"):
        assert "refines(spec.contract" in p.read_text(encoding="utf-8")


@pytest.mark.parametrize("variant", ["v5_10", "wrong_mask@v4_9"])
def test_an_iommu_has_a_contract_of_its_own(variant: str) -> None:
    v = shipped("iommu", variant, "spec.contract_iommu")
    assert v.expected is not None
    assert (v.status, v.mismatch) == (0, "")
    # the other one says nothing about such a device
    assert answered(shipped("iommu", "base")).word == VACUOUS


def test_a_folder_is_asked_about_this_contract_only(project: Path) -> None:
    folder = project / "scenarios"
    folder.mkdir()
    (folder / "one.dma").write_text(TAKERS, encoding="utf-8")
    other = TAKERS.replace("scenario takers", "scenario others").replace("refines(promise)", "refines(promised)")
    (folder / "other.dma").write_text(other, encoding="utf-8")
    (folder / "silent.dma").write_text(TAKERS.replace("expect refines(promise) holds\n", ""), encoding="utf-8")
    report = refine([folder], "promise")
    assert [s.file.rpartition("/")[2] for s in report.scenarios] == ["one.dma", "silent.dma"]
    assert report.passed_over == ["others"]
    assert "1 scenario about other contracts" in plain(lines(report))
    assert [s.name for s in refine([folder / "other.dma"], "promise").scenarios] == ["others"]
    (folder / "silent.dma").unlink()
    assert refine([folder], "promises").exit_status == 4  # a name that nobody expects anything of


def mutant(tmp_path: Path, old: str, new: str) -> str:
    text = CONTRACT.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    file = tmp_path / "mutant.dma"
    file.write_text(text.replace(old, new).replace("module spec.contract", "module mutant"), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("old", "new", "file", "last"),
    [
        pytest.param(
            "        if given == null { emit",
            "        if given == null and false { emit",
            "own-memory",
            "alloc_failed(",
            id="never fails",
        ),
        pytest.param(
            "size > 0 and meant_for",
            "p.start == p.region.start and size > 0 and meant_for",
            "device-pool",
            "allocated(",
            id="the same address each time",
        ),
        pytest.param("            owner[q] = null\n", "", "own-memory", "allocated(", id="no page twice"),
        pytest.param("if rest[c] { null } else { zero }", "newest", "own-memory", "loaded(", id="not zeroed"),
    ],
)
def test_a_contract_that_promises_something_else_is_refused(tmp_path: Path, old: str, new: str, file: str, last: str) -> None:
    report = refine([SHIPPED / f"{file}.dma"], mutant(tmp_path, old, new), variant="base")
    a = answered(next(v for _, v in report.answers()))
    assert a.difference is not None and a.word == DIFFERS
    assert a.difference.last.text.startswith(last)
    assert last in plain(lines(report))
    assert report.exit_status == 1  # nothing is expected of the mutant


@pytest.mark.parametrize(
    ("old", "new", "file", "variant"),
    [
        (
            "    and all q in Page where q.start in p.start +.. PAGE_ALIGN(size): owner[q] == null\n",
            "",
            "device-pool",
            "v3_10",
        ),
        ("if pool[dev] is own {", "if pool[dev] is own and r.no_map {", "own-memory", "passed_by@v3_10"),
        ("u64(d + (size - 1)) <= min_not_zero(mask, attr_of_device[dev].bus_limit)", "true", "own-memory", "beyond_the_mask@v6_1"),
        ("{ if rest[c] { known[c] = zero } }", "{ rest[c] = false }", "own-memory", "shown"),
    ],
    ids=["disjoint", "its own memory", "reachable", "zeroed"],
)
def test_each_promise_is_what_refuses_somebody(tmp_path: Path, old: str, new: str, file: str, variant: str) -> None:
    assert answered(shipped(file, variant, mutant(tmp_path, old, new))).word == REFINES
