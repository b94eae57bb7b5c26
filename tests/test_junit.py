"""Reports as JUnit XML: valid by the schema, readable by the library, and nothing passes that is not as expected."""

from __future__ import annotations

from pathlib import Path

import pytest
import xmlschema
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

import dmaverify
from dmaverify.cli.main import run
from dmaverify.report import junit
from dmaverify.results import Report
from tests.support import reports
from tests.test_vacuity import write

SCHEMA = xmlschema.XMLSchema(str(reports.DATA / "schemas" / "junit-10.xsd"))


def written(report: Report, folder: Path) -> JUnitXml:
    """The file, validated and read back."""
    path = folder / "out.xml"
    junit.write(report, path)
    SCHEMA.validate(str(path))
    return JUnitXml.fromfile(str(path))


def cases(xml: JUnitXml) -> dict[tuple[str, str], TestCase]:
    """All tests by class and name; none twice."""
    found = [((c.classname, c.name), c) for suite in xml for c in suite]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_a_counterexample_is_the_text_of_the_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    xml = written(reports.real(tmp_path), tmp_path)
    assert (xml.tests, xml.failures, xml.errors) == (9, 1, 0)
    failed = {where: c for where, c in cases(xml).items() if c.result}
    assert list(failed) == [("two_cpus.no_lock", "no_overlap")]
    (result,) = failed["two_cpus.no_lock", "no_overlap"].result
    assert isinstance(result, Failure)
    assert result.type == "DMA101"
    assert result.message == "expected holds, got VIOLATED at models/boards/two-cpus.dma:8: dram+0x0 is given out again"
    assert "emit taken(p)                             pool:18      <- seen" in result.text
    assert "dmaverify check models/boards/two-cpus.dma --variant no_lock --property no_overlap" in result.text


def test_everything_that_can_go_wrong_is_there(tmp_path: Path) -> None:
    """Failures are what the model is to blame for, errors what could not be decided; n/a is skipped."""
    xml = written(reports.all_wrong(), tmp_path)
    found = {where: [type(r) for r in c.result] for where, c in cases(xml).items()}
    assert found == {
        ("b.base", "good"): [],
        ("b.base", "surprise"): [Failure],
        ("b.base", "idle"): [Failure],
        ("b.base", "slow"): [Error],
        ("b.base", "bound(a, b)"): [],
        ("b.base", "none"): [Skipped],
        ("b.base", "probes"): [Failure],
        ("b.base", "interrupted"): [Error],
        ("b.v", "input"): [Error],
        ("b.w", "input"): [Error],
        ("b.w", "internal error"): [Error],
        ("m", "input"): [Error],
        ("dmaverify", "input"): [Error],
    }
    assert (xml.tests, xml.failures, xml.errors) == (13, 3, 7)
    assert cases(xml)["b.w", "internal error"].result[0].text == "it\N{REPLACEMENT CHARACTER}broke"


def test_a_wrong_property_name_or_an_interrupt_does_not_look_like_success(tmp_path: Path) -> None:
    xml = written(Report(interrupted=True, diagnostics=["error: no property zero"]), tmp_path)
    assert xml.errors == 2


def test_the_option_writes_the_file_and_keeps_the_status(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    board = reports.DATA / "lower" / reports.BOARD
    out = tmp_path / "out.xml"
    assert run(["check", str(board), "--variant", "no_lock", "-j", "1", "--junit", str(out)]) == 0
    SCHEMA.validate(str(out))
    assert JUnitXml.fromfile(str(out)).tests == 3
    assert "VIOLATED" in capfd.readouterr().out
    missing = tmp_path / "no" / "out.xml"
    assert run(["check", str(board), "--junit", str(missing)]) == 2
    assert "cannot be written" in capfd.readouterr().err


NEVER = """
monitor watch code DMA900 {
    on happened(n) { assert n < 5 }
    ghost sum : u32 = 0
    on touched(c)  { assert sum < 9 }
}
sequence stuck on cpu0 {
    emit happened(1)
    wait shared == 7
}
sequence driver on cpu1 { other = 1 }
variant quiet { }
"""


@pytest.mark.parametrize("strict", [False, True])
def test_what_never_happens_is_skipped_or_fails(tmp_path: Path, strict: bool) -> None:
    """The tests fail exactly if the exit status says so."""
    report = dmaverify.check(write(tmp_path, NEVER), strict=strict, jobs=1)
    xml = written(report, tmp_path)
    found = cases(xml)
    for variant in ("base", "quiet"):
        probes, watch = found[f"t.{variant}", "probes"], found[f"t.{variant}", "watch"]
        (result,) = probes.result
        assert type(result) is (Failure if strict else Skipped)
        assert result.message.startswith("stuck never reaches its end")
        if not strict:
            assert "t.dma" in probes.system_out
            assert watch.result == []
        assert "never put to the test: watch.2" in watch.system_out and "watch.1" not in watch.system_out
    assert (xml.failures + xml.errors > 0) == (report.exit_status != 0) == strict


def test_where_everything_happens_there_is_no_such_test(tmp_path: Path) -> None:
    happy = NEVER.replace("wait shared == 7", "emit touched(Cell.first!)")
    report = dmaverify.check(write(tmp_path, happy), jobs=1)
    found = cases(written(report, tmp_path))
    assert ("t.base", "probes") not in found
    assert "never" not in found["t.base", "watch"].system_out
