"""The text report: a table for variants, a list for one, totals for a folder, and the lines that grep
finds.
"""

from __future__ import annotations

import io

from dmaverify.report import page
from dmaverify.report.expectations import settle
from dmaverify.report.summary import TextOptions, report_lines, scenario_lines
from dmaverify.results import Expectation, PropertyResult, Report, ScenarioResult, VariantResult
from dmaverify.span import Span
from dmaverify.verdict import Word

AT = Span("boards/ring.dma", 66, 5, 66, 20)


def prop(name: str, word: Word, expected: str | None = "holds", **more: object) -> PropertyResult:
    r = PropertyResult(name, "DMA105", word, states=100)
    r.expected = None if expected is None else Expectation(expected, span=AT)
    for k, v in more.items():
        setattr(r, k, v)
    r.again = f"dmaverify check boards/ring.dma --property {name}"
    settle(r)
    return r


def ring() -> ScenarioResult:
    base = VariantResult(
        None,
        properties=[
            prop("flush_before_uncached", Word.EXHAUSTED),
            prop("zeroing", Word.EXHAUSTED),
            prop("mask", Word.EXHAUSTED),
        ],
    )
    broken = VariantResult(
        "no_flush",
        properties=[
            prop("flush_before_uncached", Word.VIOLATED, "violated", length=6, minimal=True),
            prop("zeroing", Word.VIOLATED, "violated", length=7, minimal=True),
            prop("mask", Word.EXHAUSTED),
        ],
    )
    return ScenarioResult("boards/ring.dma", "ring", "a descriptor ring", [base, broken])


def text(s: ScenarioResult, **options: object) -> str:
    return page.plain(scenario_lines(s, TextOptions(**options)))  # type: ignore[arg-type]


def test_a_table_has_a_column_for_what_is_notable_and_one_for_the_rest() -> None:
    out = text(ring()).splitlines()
    assert out[0] == 'ring "a descriptor ring"'
    assert [line.split() for line in out[2:6]] == [
        ["variant", "flush_before", "zeroing", "others", "as", "expected"],
        ["_uncached"],
        ["(base)", "holds", "holds", "hold", "yes"],
        ["no_flush", "VIOLATED", "VIOLATED", "hold", "yes"],
    ]
    assert out[-1] == (
        "  holds = exhausted: every reachable state was visited. 2 variants, 3 properties each: 600 "
        "states, 0.0 s"
    )


def test_what_is_unexpected_is_said_with_the_place_of_the_expectation_and_the_command() -> None:
    s = ring()
    s.variants[1].properties[1] = prop("zeroing", Word.VIOLATED, "holds", length=7, minimal=True)
    out = text(s)
    assert "zeroing: expected holds, got VIOLATED" in out
    assert "boards/ring.dma:66:5" in out
    assert "dmaverify check boards/ring.dma --property zeroing" in out
    assert s.exit_status == 1
    (row,) = [line for line in out.splitlines() if line.startswith("  no_flush") and "hold" in line.split()]
    assert row.split()[-1] == "NO"


def test_one_variant_is_a_list_with_one_line_for_each_verdict() -> None:
    s = ring()
    s.variants = [s.variants[1]]
    out = text(s).splitlines()
    assert out[0] == "ring, variant no_flush"
    assert out[1].split("  ")[1] == "flush_before_uncached"
    assert "VIOLATED [DMA105]" in out[1]
    assert ", 6 steps, none shorter, as expected" in out[1]
    assert "exhausted (100 states)" in out[3]


def test_blame_is_repeated() -> None:
    p = prop("zeroing", Word.VIOLATED, "violated", length=5, minimal=False)
    p.expected = Expectation("violated", blame="tradeoff", reason="iommu.strict=0")
    out = text(ScenarioResult("f", "f", variants=[VariantResult(None, properties=[p])]))
    assert 'VIOLATED [DMA105], accepted as tradeoff "iommu.strict=0"' in out
    assert "5 steps, there may be a shorter one" in out


def test_a_vacuous_property_says_which_asserts_were_never_tested() -> None:
    p = prop("zeroing", Word.VACUOUS, None, exercised={"zeroing.1": False}, untested=[("zeroing.1", AT)])
    out = text(ScenarioResult("f", "f", variants=[VariantResult(None, properties=[p])]))
    assert "zeroing  VACUOUS, never put to the test" in out
    assert "zeroing.1" in out
    assert "boards/ring.dma:66:5" in out


def test_a_wide_table_is_broken_to_the_width_of_the_page() -> None:
    many = [
        prop(f"property_number_{i}", Word.VIOLATED, "violated", length=3, minimal=True) for i in range(20)
    ]
    s = ScenarioResult(
        "f", "f", variants=[VariantResult(None, properties=many), VariantResult("v", properties=many)]
    )
    lines = text(s).splitlines()
    assert max(map(len, lines)) <= 110
    assert sum(line.startswith("  variant") for line in lines) > 1
    assert sum("as expected" in line for line in lines) == 1


def test_a_folder_has_a_line_for_each_scenario_and_totals() -> None:
    report = Report([ring(), ring()], seconds=1.5)
    out = page.plain(report_lines(report, TextOptions())).splitlines()
    assert len(out) == 3
    assert out[0].split() == [
        *("ring", "2", "variants", "6", "verdicts", "2", "violated", "as", "expected"),
        *("600", "states", "0.0", "s"),
    ]
    assert out[-1] == "2 scenarios, 4 variants, 12 verdicts: all as expected. 1,200 states, 1.5 s"


def test_a_scenario_of_a_folder_that_is_not_as_expected_is_shown_in_full() -> None:
    bad = ring()
    bad.variants[0].properties[0] = prop("flush_before_uncached", Word.VACUOUS)
    out = page.plain(report_lines(Report([ring(), bad]), TextOptions()))
    assert "flush_before_uncached: expected holds, got VACUOUS" in out
    assert "1 not as expected" in out.splitlines()[-1]


def test_errors_of_the_input_are_shown_as_they_are() -> None:
    s = ScenarioResult("f.dma", "f", diagnostics=["error[DMA021]: no\n  f.dma:1:1"])
    assert text(s) == "error[DMA021]: no\n  f.dma:1:1\n"
    assert s.exit_status == 2


def test_what_is_wrong_with_every_variant_is_said_once() -> None:
    problem = ["error[DMA050]: the scenario has no param x"]
    variants = [VariantResult(n, diagnostics=list(problem)) for n in (None, "v")]
    assert text(ScenarioResult("f.dma", "f", variants=variants)) == problem[0] + "\n"


def test_an_internal_error_beats_everything_and_its_traceback_is_for_debugging() -> None:
    s = ring()
    s.variants[0].internal, s.variants[0].details = "KeyError: 'x'", "Traceback: …"
    assert "(base): KeyError: 'x'" in text(s)
    assert "Traceback" not in text(s)
    assert "Traceback" in text(s, debug=True)
    assert s.exit_status == 5


def test_without_a_terminal_there_are_no_escapes() -> None:
    stream = io.StringIO()
    page.write(scenario_lines(ring(), TextOptions()), stream)
    assert "\x1b" not in stream.getvalue()
