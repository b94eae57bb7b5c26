"""What the documentation shows is what happens: its commands succeed, its outputs are real, its programs
run.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.support.examples import (
    PAGES,
    Example,
    commands,
    examples,
    invariant_table,
    output_of,
    programs,
    shown_table,
    without_times,
)


@pytest.mark.parametrize("example", list(examples()), ids=lambda e: e.command)
def test_shown_outputs_are_real(example: Example) -> None:
    """If this fails after a change that was meant, refresh them: ``python -m tests.support.examples``."""
    _, output = output_of(example.command)
    assert without_times(output) == without_times(example.output)


@pytest.mark.parametrize(("page", "command"), sorted(set(commands())))
def test_commands_succeed(page: str, command: str) -> None:
    status, output = output_of(command)
    assert status == 0, output


@pytest.mark.parametrize(("page", "program"), list(programs()))
def test_programs_run(page: str, program: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    exec(compile(program, page, "exec"), {})


def test_the_readme_leads_with_a_counterexample_and_two_commands(root: Path) -> None:
    text = (root / "README.md").read_text(encoding="utf-8")
    first = next(examples())
    assert first.page == "README.md"
    assert "VIOLATED" in first.output
    assert "<- seen" in first.output
    assert len(re.findall(r"^pip install ", text, re.MULTILINE)) == 2


def test_links_lead_somewhere(root: Path) -> None:
    for page in PAGES:
        path = root / page
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert os.path.exists(path.parent / target), f"{page}: {target}"


def test_the_readme_lists_every_invariant() -> None:
    """Refreshed like the outputs: ``python -m tests.support.examples``."""
    assert shown_table() == invariant_table()
