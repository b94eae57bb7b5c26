"""Every example of ``spec/language.md`` does what the manual says of it; its tables are those of the compiler.

* A block that starts with ``scenario`` is checked, all variants, by search where nobody ensures anything; all that it
  expects must be so, and it must expect something.
* A block that starts with ``module`` must be free of errors and warnings. It may be imported by others.
* ``dma fragment`` is the rest of a scenario, ``dma steps`` the body of a sequence in one (``BOARD``). It must
  compile, and its asserts must be reached and hold.
* ``error CODE`` or ``warning CODE`` behind these: it must give that one and no other.
"""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

import dmaverify
from dmaverify.engines.auto import EngineName
from dmaverify.lang import limits, words
from dmaverify.lang.builtins import BUILTIN_PROPERTIES, BUILTINS
from dmaverify.lang.codes import CODES
from dmaverify.lang.compile import checked_program, compile_scenario
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.lang.lower.threads import LEVELS
from dmaverify.lang.precedence import BINDING
from dmaverify.results import Report
from tests.support.examples import without_times
from tests.support.manual import MANUAL, Example, examples, output_of, outputs, project, write

ALL = list(examples())
TEXT = MANUAL.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that holds all files of the manual."""
    path = tmp_path_factory.mktemp("manual")
    project(path)
    return path


@pytest.mark.parametrize("example", ALL, ids=lambda e: f"{e.line}-{e.section[:24]}")
def test_example(example: Example, folder: Path) -> None:
    path = write(folder, example)
    if example.code is not None:
        found = diagnostics(path, example)
        assert [d.code for d in found] == [example.code], shown(found)
    elif example.whole and example.head[0] == "module":
        checked = checked_program(path)
        assert not checked.diagnostics, shown(checked.diagnostics)
    else:
        # whether a body does what its contract says for all arguments is nothing for search
        engine: EngineName = "auto" if "ensures" in example.text else "explicit"
        report = dmaverify.check(path, engine=engine, strict=not example.whole, jobs=1)
        assert report.exit_status == 0, failures(report)
        if example.whole:
            assert re.search(r"^\s*expect ", example.text, re.MULTILINE), "it expects nothing"
            assert not [w for s in report.scenarios for v in s.variants for w in v.warnings]


def diagnostics(path: Path, example: Example) -> list[Diagnostic]:
    """Everything that is said about the file of an example, other than that something is never used."""
    try:
        if example.file.startswith("models/") and example.complete.startswith("module"):
            found = checked_program(path).diagnostics
        else:
            found = compile_scenario(path).diagnostics
    except DmaError as error:
        found = error.diagnostics
    return [d for d in found if d.code != "DMA066" or example.code == "DMA066"]


def shown(found: list[Diagnostic]) -> str:
    return "\n".join(d.render() for d in found)


def failures(report: Report) -> str:
    """What is not as expected."""
    lines: list[str] = []
    for s in report.scenarios:
        lines += s.diagnostics
        for v in s.variants:
            lines += [*v.diagnostics, v.internal]
            for p in v.properties:
                if not p.as_expected:
                    lines.append(f"{v.name or 'base'}: {p.name} {p.word} {p.length} {p.mismatch} {p.untested}")
    return "\n".join(lines)


@pytest.mark.parametrize(("command", "output"), list(outputs()), ids=lambda text: text.split("\n")[0])
def test_shown_outputs_are_real(command: str, output: str, tmp_path: Path) -> None:
    """If this fails after a change that was meant, refresh them: ``python -m tests.support.manual``."""
    project(tmp_path)
    assert without_times(output_of(tmp_path, command)) == without_times(output)


def test_the_table_of_operators_is_the_parsers() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", section("Operators"), re.MULTILINE)
    top = max(BINDING.values())
    listed = {op: top + 1 - int(n) for n, ops in rows for op in re.findall(r"`([^`]+)`", ops)}
    listed = {op.replace("\\|", "|"): level for op, level in listed.items()}
    assert {op: n for op, n in listed.items() if op in BINDING} == BINDING


def test_the_limits_are_the_compilers() -> None:
    text = section("Limits").replace(",", "")
    for name in ("MAX_TOKENS", "MAX_NESTING", "MAX_OPERATORS", "MAX_WORD", "MAX_STRING", "MAX_ERRORS"):
        assert re.search(rf"\b{getattr(limits, name)}\b", text), name
    assert limits.MAX_FILE_BYTES == 1 << 20
    assert "1 MiB" in text


def test_everything_built_in_is_there() -> None:
    for name in [*BUILTINS, *BUILTIN_PROPERTIES, *LEVELS]:
        assert re.search(rf"`{name}\b", TEXT), name


def test_codes_that_are_named_exist() -> None:
    named = set(re.findall(r"\bDMA0\d\d\b", TEXT))
    assert named <= set(CODES), named - set(CODES)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (MANUAL.parent / target).exists(), target


def test_links_within_the_manual_lead_to_a_heading() -> None:
    headings = {slug(h) for h in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)}
    for target in re.findall(r"\]\(#([^)]+)\)", TEXT):
        assert target in headings, target


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(title: str) -> str:
    """The text under a heading, up to the next one of the same or a higher level."""
    m = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |^#{{1,2}} |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert m is not None, title
    return m[2]


def test_the_words_are_those_of_the_grammar() -> None:
    written = set(re.search(r"```text\n(.*?)```", section("Words"), re.DOTALL)[1].split())  # type: ignore[index]
    grammar = files("dmaverify.lang").joinpath("grammar.lark").read_text(encoding="utf-8")
    rules = [line for line in grammar.splitlines() if not line.startswith("//")]
    known = set(re.findall(r'"([a-z_]+)"', "\n".join(rules)))
    known |= words.QUANTIFIERS | words.CHOICES | words.FOLDS | words.UNITS | {"and", "within"}
    assert written == known, written ^ known
