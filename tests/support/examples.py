"""Commands and outputs in the documentation: finds them, runs them, and (as a program) writes the outputs
anew.

``<!-- example: COMMAND -->`` above a fenced block says that the block is the output of the command. Times
are left out of the comparison. ``python -m tests.support.examples`` refreshes all blocks.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/cli.md",
    "docs/verdicts.md",
    "docs/limits.md",
    "docs/json.md",
    "docs/ci.md",
    "docs/mutate.md",
    "docs/prove.md",
    "docs/refine.md",
    "docs/engines.md",
    "docs/proofs.md",
    "docs/trust.md",
)

_EXAMPLE = re.compile(r"<!-- example: (?P<command>dmaverify .*?) -->\n```\n(?P<output>.*?)```\n", re.DOTALL)
_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A command and the output that the page shows for it."""

    page: str
    command: str
    output: str


def examples() -> Iterator[Example]:
    """Every output that a page shows."""
    for page in PAGES:
        for m in _EXAMPLE.finditer((ROOT / page).read_text(encoding="utf-8")):
            yield Example(page, m["command"], m["output"])


def commands() -> Iterator[tuple[str, str]]:
    """Every ``dmaverify`` command in a shell block, with its page."""
    for page in PAGES:
        for block in _SHELL.findall((ROOT / page).read_text(encoding="utf-8")):
            for line in block.splitlines():
                # the whole folder has a test of its own, as it takes minutes
                if line.startswith("dmaverify ") and not re.search(r"models/boards/(\s|$)", line):
                    yield page, line.split("  #")[0].strip()


def programs() -> Iterator[tuple[str, str]]:
    """Every Python block, with its page."""
    for page in PAGES:
        for block in _PYTHON.findall((ROOT / page).read_text(encoding="utf-8")):
            yield page, block


def output_of(command: str) -> tuple[int, str]:
    """Exit status and output of a ``dmaverify`` command, run in the repository."""
    from dmaverify.cli.main import run

    out = io.StringIO()
    before = os.getcwd()
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(out):
            status = run(shlex.split(command)[1:])
    finally:
        os.chdir(before)
    return status, out.getvalue()


def without_times(text: str) -> str:
    """The text with every duration replaced, so that two runs can be compared."""
    return re.sub(r"\b\d+\.\d s\b|\b\d+ min \d+ s\b", "0.0 s", text)


_TABLE = re.compile(r"(<!-- invariants -->\n)(.*?)(<!-- /invariants -->)", re.DOTALL)


def invariant_table() -> str:
    """The invariants of the specification as the README lists them."""
    from dmaverify.explain.invariants import invariants

    rows = [f"| `{i.name}` | {i.code} | {first_sentence(i.doc)} |\n" for i in invariants()]
    return "| invariant | code | in a sentence |\n|---|---|---|\n" + "".join(rows)


def first_sentence(text: str) -> str:
    """The first sentence of a comment, on one line."""
    flat = " ".join(text.split())
    end = re.search(r"[.:;] ", flat)
    return (flat[: end.start()] if end else flat.rstrip(".")) + "."


def shown_table() -> str:
    """The table as it stands in the README."""
    m = _TABLE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert m is not None, "the README has no list of invariants"
    return m[2]


def refresh() -> None:
    """Write the outputs of all examples, and the list of invariants, into their pages."""
    for page in PAGES:
        path = ROOT / page
        text = path.read_text(encoding="utf-8")

        def block(m: re.Match[str]) -> str:
            status, output = output_of(m["command"])
            assert status in (0, 1), output
            return f"<!-- example: {m['command']} -->\n```\n{output}```\n"

        text = _TABLE.sub(lambda m: m[1] + invariant_table() + m[3], text)
        path.write_text(_EXAMPLE.sub(block, text), encoding="utf-8")


if __name__ == "__main__":
    refresh()
