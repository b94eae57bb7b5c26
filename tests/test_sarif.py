"""Reports as SARIF: valid by the schema, rules that stay, traces as code flows at lines that exist."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dmaverify.cli.main import run
from dmaverify.report import sarif
from dmaverify.results import Report
from tests.support import reports
from tests.test_junit import NEVER
from tests.test_vacuity import write

SCHEMA = json.loads((reports.DATA / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))


def log(report: Report) -> Any:
    """The run of the log, validated."""
    data = json.loads(sarif.dumps(report))
    jsonschema.Draft7Validator(SCHEMA).validate(data)
    (run,) = data["runs"]
    return run


def test_the_schema_refuses_what_is_wrong() -> None:
    data = json.loads(sarif.dumps(Report()))
    data["runs"][0]["results"] = [{"message": {"txt": "?"}}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(SCHEMA).validate(data)


def test_a_counterexample_is_a_code_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report = reports.real(tmp_path)
    run = log(report)
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["ruleId"], rule["id"], rule["properties"]["tags"]) == ("no_overlap", "no_overlap", ["DMA101", "monitor"])
    assert "help" not in rule  # the project's own monitor, not the invariant of that name
    assert (result["kind"], result["level"]) == ("fail", "error")
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "models/boards/two-cpus.dma", "uriBaseId": "%SRCROOT%"}
    assert place["region"]["startLine"] == 8
    (false,) = [x for x in result["relatedLocations"] if x["message"]["text"] == "what is false"]
    assert false["physicalLocation"]["artifactLocation"]["uri"] == "models/pool.dma"
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == tmp_path.as_uri() + "/"
    story = report.scenario("two_cpus").variant("no_lock").property("no_overlap").story
    assert story is not None
    ((flow,),) = [f["threadFlows"] for f in result["codeFlows"]]
    steps = flow["locations"]
    assert [s["executionOrder"] for s in steps] == [s.index for s in story.steps]
    assert steps[-1]["importance"] == "essential"
    assert steps[-1]["location"]["message"]["text"].startswith("#6 cpu0, one: bitmap |= u32(1) << at")
    assert {"bitmap": {"text": "1"}}.items() <= next(s for s in steps if "bitmap" in s.get("state", {}))["state"].items()
    for step in steps:
        where = step["location"]["physicalLocation"]
        lines = (tmp_path / where["artifactLocation"]["uri"]).read_text(encoding="utf-8").splitlines()
        assert where["region"]["startLine"] <= len(lines)


def test_rules_and_fingerprints_stay_when_lines_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What code scanning recognises a finding by does not depend on where it stands."""
    monkeypatch.chdir(tmp_path)
    before = log(reports.real(tmp_path))["results"]
    board, pool = tmp_path / reports.BOARD, tmp_path / "models" / "pool.dma"
    for path in (board, pool):
        path.write_text("// moved\n\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    import dmaverify

    after = log(dmaverify.check(reports.BOARD, jobs=1))["results"]
    stays = [[(r["ruleId"], r["partialFingerprints"]) for r in results] for results in (before, after)]
    assert stays[0] == stays[1]
    assert before[0]["locations"] != after[0]["locations"]


def test_everything_that_can_go_wrong_is_there() -> None:
    run = log(reports.all_wrong())
    found = {r["ruleId"]: (r.get("kind", "fail"), r["level"]) for r in run["results"]}
    assert found == {
        "surprise": ("fail", "error"),
        "idle": ("fail", "warning"),
        "slow": ("open", "none"),
        "never": ("fail", "warning"),
        "DMA030": ("fail", "error"),
    }
    assert len(run["results"]) == 5  # what is wrong with two variants alike is said once
    wrong = run["results"][-1]
    assert wrong["message"]["text"] == "there is no module x\n  that anybody knows"
    assert wrong["locations"][0]["physicalLocation"]["region"] == {"startLine": 2, "startColumn": 5}
    rules = {r["id"]: r for r in run["tool"]["driver"]["rules"]}
    assert rules["DMA030"]["help"]["text"].startswith("DMA030: ")
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 5)
    notes = [n["message"]["text"] for n in invocation["toolExecutionNotifications"]]
    assert notes == ["b.w: it\x00broke", "error: no", "error: no property zero", "the run was stopped; verdicts may be missing"]


def test_an_invariant_explains_itself(root: Path) -> None:
    """The rule of an invariant of the specification has the text of ``dmaverify explain``; an instance is no rule of its own."""
    report = reports.all_wrong()
    (p,) = [p for p in report.scenarios[0].variants[0].properties if p.name == "surprise"]
    spec = root / "spec" / "invariants" / "bound.dma"
    if not spec.exists():
        spec = next(f for f in (root / "spec").rglob("*.dma") if "monitor bound" in f.read_text(encoding="utf-8"))
    p.name, p.code = "bound(clcd, vram)", "DMA112"
    p.span = type(p.span)(str(spec), 1, 1, 1, 1)
    rule = next(r for r in log(report)["tool"]["driver"]["rules"] if r["id"] == "bound")
    assert rule["help"]["text"].startswith("bound [DMA112]: an invariant")


def test_files_elsewhere_have_absolute_names_with_escapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = reports.all_wrong()
    folder = tmp_path / "a b#c"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name, expected in ((f"{tmp_path}/x y.dma", f"{tmp_path.as_uri()}/x%20y.dma"), (f"{folder}/ü x.dma", "%C3%BC%20x.dma")):
        for p in report.scenarios[0].variants[0].properties:
            p.expected = None
            p.span = type(p.span)(name, 1, 1, 1, 2)
        run = log(report)
        assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == expected


def test_the_option_writes_the_file_and_keeps_the_status(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.sarif"
    board = reports.DATA / "lower" / reports.BOARD
    assert run(["check", str(board), "--variant", "half", "-j", "1", "--sarif", str(out)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["runs"][0]["results"] == []
    assert "VIOLATED" in capfd.readouterr().out
    (tmp_path / "bad.dma").write_text("scenario bad\nuse no.such.module\n", encoding="utf-8")
    assert run(["check", str(tmp_path / "bad.dma"), "--sarif", str(out)]) == 2
    (result,) = json.loads(out.read_text(encoding="utf-8"))["runs"][0]["results"]
    assert result["ruleId"] == "DMA030"


@pytest.mark.parametrize("strict", [False, True])
def test_what_never_happens_is_a_note_or_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strict: bool) -> None:
    """A note stands once for all variants; strictly, each variant is wrong by itself."""
    import dmaverify

    monkeypatch.chdir(tmp_path)
    write(tmp_path, NEVER)
    report = dmaverify.check("models/t.dma", strict=strict, jobs=1)
    results = log(report)["results"]
    found = [(r["ruleId"], r["kind"], r["level"]) for r in results]
    text = (tmp_path / "models" / "t.dma").read_text(encoding="utf-8").split("\n")

    def line(place: dict[str, Any]) -> str:
        return str(text[place["physicalLocation"]["region"]["startLine"] - 1])

    if strict:
        assert sorted(found) == sorted(2 * [("never", "fail", "warning"), ("watch", "fail", "warning")])
        assert len({r["partialFingerprints"]["dmaverifyProperty/v1"] for r in results}) == 4
        return
    assert found == [("never", "fail", "note"), ("watch", "fail", "note")]
    never, untested = results
    assert never["message"]["text"] == "t, variants base, quiet: stuck never reaches its end"
    assert "sequence stuck" in line(never["locations"][0])
    assert untested["message"]["text"] == "t: watch: watch.2 is never put to the test"
    assert "sum < 9" in line(untested["relatedLocations"][0])
    # an assert that some variant asks is none that nobody asks
    write(tmp_path, NEVER.replace("variant quiet { }", "variant quiet { sequence more on cpu2 { emit touched(Cell.first!) } }"))
    again = log(dmaverify.check("models/t.dma", jobs=1))["results"]
    assert [r["ruleId"] for r in again] == ["never"]
    assert again[0]["partialFingerprints"] == never["partialFingerprints"]


def test_what_was_not_decided_is_open() -> None:
    report = reports.all_wrong()
    (base, *_) = report.scenarios[0].variants
    base.probes[0], base.probe_status = replace(base.probes[0], reached=None), 0
    (never,) = [r for r in log(report)["results"] if r["ruleId"] == "never"]
    assert (never["kind"], never["level"]) == ("open", "none")
    assert "not decided" in never["message"]["text"]
