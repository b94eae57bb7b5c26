"""The report as JUnit XML, for CI systems: a suite for each scenario, a test for each property of each variant.

A verdict that contradicts what is expected, and a vacuous one, is a *failure*; what was not decided, wrong input and internal errors
are *errors*: nothing that is not as expected passes. ``n/a`` is *skipped*. What never happens in a variant is a test of its own,
``probes``: *skipped*, and with --strict a *failure*. So the tests fail if the exit status is not 0, and else they do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from junitparser import Attr, Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from dmaverify.report import words
from dmaverify.report.single import headline, never_text, property_text
from dmaverify.results import INCONCLUSIVE, OK, PropertyResult, Report, ScenarioResult, VariantResult
from dmaverify.verdict import Word

BASE = "base"

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Suite(TestSuite):
    """A suite that says which file it is from."""

    file = Attr()


def write(report: Report, path: Path) -> None:
    """Write the file. OSError if that is not possible."""
    document(report).write(str(path), pretty=True)


def document(report: Report) -> JUnitXml:
    """The report as a tree."""
    xml = JUnitXml("dmaverify")
    for scenario in report.scenarios:
        xml.add_testsuite(_suite(scenario))
    rest = list(_asked(report))
    if rest:
        suite = TestSuite("dmaverify")
        suite.add_testcases(rest)
        xml.add_testsuite(suite)
    for suite in xml:
        suite.time = round(suite.time, 3)
    xml.tests, xml.failures, xml.errors = (sum(getattr(suite, n) for suite in xml) for n in ("tests", "failures", "errors"))
    xml.time = round(report.seconds, 3)
    return xml


def _suite(s: ScenarioResult) -> TestSuite:
    suite = _Suite(_text(s.name))
    suite.file = _text(s.file)
    if s.title:
        suite.add_property("title", _text(s.title))
    cases = [_wrong(s.name, "input", "input", text) for text in s.diagnostics]
    for v in s.variants:
        cases += _variant(s, v)
    suite.add_testcases(cases)
    return suite


def _variant(s: ScenarioResult, v: VariantResult) -> Iterator[TestCase]:
    where = f"{s.name}.{v.name or BASE}"
    for p in v.properties:
        yield _property(s, v, p, where)
    if v.probe_status != OK:
        yield _wrong(where, "probes", "strict", never_text(v), Error if v.probe_status == INCONCLUSIVE else Failure)
    elif never := never_text(v):
        yield _never(where, never)
    for text in v.diagnostics:
        yield _wrong(where, "input", "input", text)
    if v.internal:
        yield _wrong(where, "internal error", "internal", v.internal)
    if v.interrupted:
        yield _wrong(where, "interrupted", "interrupted", "the run was stopped; verdicts may be missing")


def _property(s: ScenarioResult, v: VariantResult, p: PropertyResult, where: str) -> TestCase:
    case = TestCase(_text(p.name), _text(where), round(p.seconds, 3))
    if p.status != OK:
        kind = Error if p.status == INCONCLUSIVE else Failure
        result = kind(_text(headline(p, s.file)), p.code or p.word.value)
        result.text = _text(property_text(s, v, p))
        case.result = [result]
    elif p.word is Word.NOT_APPLICABLE:
        case.result = [Skipped("the board cannot have what the property speaks of")]
    out = [", ".join(filter(None, (words.long_word(p), words.length_words(p), p.engine)))]
    out += [f"never put to the test: {label}   {span}" for label, span in p.untested]
    case.system_out = _text("\n".join(out))
    return case


def _never(where: str, text: str) -> TestCase:
    """What never happens, and is no failure: the check is not strict."""
    first, *others = text.splitlines()
    case = TestCase("probes", _text(where), 0)
    case.result = [Skipped(_text(first + (f" (and {len(others)} more)" if others else "")), "never")]
    case.system_out = _text(text)
    return case


def _wrong(where: str, name: str, kind: str, text: str, result_type: type[Error | Failure] = Error) -> TestCase:
    case = TestCase(name, _text(where), 0)
    result = result_type(_text(text.split("\n")[0]), kind)
    result.text = _text(text)
    case.result = [result]
    return case


def _asked(report: Report) -> Iterator[TestCase]:
    """What is wrong with the whole: a property that nobody has, an interrupt."""
    for text in report.diagnostics:
        yield _wrong("dmaverify", "input", "input", text)
    if report.interrupted and not any(v.interrupted for s in report.scenarios for v in s.variants):
        yield _wrong("dmaverify", "interrupted", "interrupted", "the run was stopped; verdicts may be missing")


def _text(s: str) -> str:
    """The text without characters that XML has no way to write."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", s)
