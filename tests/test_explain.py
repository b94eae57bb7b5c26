"""``dmaverify explain``: every code, invariant, verdict and assumption has an explanation, and near misses are answered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dmaverify.checking.frontend import assumptions_of
from dmaverify.cli.main import run
from dmaverify.explain import lookup
from dmaverify.explain.invariants import invariants
from dmaverify.explain.texts import ASSUMPTIONS
from dmaverify.verdict import Word


def test_everything_known_is_explained() -> None:
    for word in lookup.known():
        text = lookup.explain(word)
        assert text is not None, word
        assert len(text.split()) > 5, word


def test_every_code_that_the_compiler_uses_is_explained(root: Path) -> None:
    used = {
        code
        for file in (root / "dmaverify" / "lang").rglob("*.py")
        for code in re.findall(r'"(DMA0\d\d)"', file.read_text(encoding="utf-8"))
    }
    assert used
    assert {c for c in used if lookup.explain(c) is None} == set()


def test_every_monitor_has_a_code_and_says_what_it_is_for() -> None:
    found = invariants()
    assert found
    for i in found:
        assert i.doc, i.name
        assert re.fullmatch(r"DMA1\d\d", i.code), i.name
        text = lookup.explain(i.code)
        assert text is not None
        assert f"{i.name} [{i.code}]: an invariant" in text


def test_all_verdict_words_are_explained() -> None:
    for word in Word:
        assert lookup.explain(word.value) is not None


def test_assumptions_are_those_of_the_documentation(root: Path) -> None:
    text = (root / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = {m[1]: (m[2], m[3]) for m in re.finditer(r"^\| (A\d+) \| (.*?) \| (.*?) \|$", text, re.MULTILINE)}
    assert rows == {k: (a.text, a.otherwise) for k, a in ASSUMPTIONS.items()}
    assert list(rows) == [f"A{n}" for n in range(1, 12)]


def test_near_misses_are_answered(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "vacuos"]) == 2
    assert "Did you mean vacuous?" in capfd.readouterr().err
    assert run(["explain", "dma001", "Vacuous", "a3"]) == 0
    out = capfd.readouterr().out
    assert "DMA001: " in out
    assert "A3: an assumption" in out


def test_the_overview_names_everything(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    out = capfd.readouterr().out
    assert all(word in out for word in lookup.known())


def test_every_assumption_is_declared_by_a_file_that_models_what_rests_on_it(root: Path) -> None:
    files = [str(f) for folder in ("spec", "models") for f in (root / folder).rglob("*.dma")]
    assert list(assumptions_of(tuple(files))) == list(ASSUMPTIONS)
    assert assumptions_of((str(root / "spec" / "hardware" / "smmu.dma"),)) == ("A9", "A10")
