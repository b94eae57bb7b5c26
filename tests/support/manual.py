"""The examples of the language manual: finds them, completes them by the rules that the manual states, and
runs them.

``python -m tests.support.manual`` writes the outputs that the manual shows anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.examples import ROOT

MANUAL = ROOT / "spec" / "language.md"

_BLOCK = re.compile(r"^```dma(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_OUTPUT = re.compile(r"^```sh\n(?P<command>dmaverify [^\n]*)\n```\n\n```text\n(?P<output>.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)

BOARD = "scenario example\nimport spec.api, spec.hardware.cache\nregion dram { at 0x8000_0000  size 8K }\ndevice nic {}\n"
"""What stands above a fragment, as the manual says."""


@dataclass(frozen=True)
class Example:
    """One block: where it is, what its first line says of it, and its text."""

    line: int
    section: str
    words: tuple[str, ...]
    text: str

    @property
    def code(self) -> str | None:
        """The code of the error or warning that the block must give."""
        return self.words[-1] if self.words and self.words[-1].startswith("DMA") else None

    @property
    def head(self) -> list[str]:
        """The words of its first line that is no comment."""
        lines = [line for line in self.text.splitlines() if line.strip() and not line.startswith("//")]
        return lines[0].split()

    @property
    def file(self) -> str:
        """Where the text stands in a project."""
        kind, name = self.head[:2] if not self.words or self.whole else ("scenario", "example")
        if kind == "scenario":
            return f"models/{name}.dma"
        folder = "" if name.startswith("spec.") else "models/"
        return f"{folder}{name.replace('.', '/')}.dma"

    @property
    def whole(self) -> bool:
        """Whether it is a file, and not a fragment of one."""
        return self.head[0] in ("module", "scenario")

    @property
    def complete(self) -> str:
        """The file that it stands for."""
        if self.whole:
            return self.text
        body = self.text
        if "steps" in self.words:
            body = "sequence run on cpu0 {\n" + body + "}\n"
        return BOARD + body


def examples() -> Iterator[Example]:
    """All ``dma`` blocks of the manual, in order."""
    text = MANUAL.read_text(encoding="utf-8")
    headings = [(m.start(), m[1]) for m in _HEADING.finditer(text)]
    for m in _BLOCK.finditer(text):
        section = next((name for at, name in reversed(headings) if at < m.start()), "")
        yield Example(text.count("\n", 0, m.start()) + 1, section, tuple(m["info"].split()), m["text"])


def project(folder: Path) -> None:
    """A project with all modules and scenarios of the manual in it."""
    (folder / "spec").mkdir(exist_ok=True)
    for example in examples():
        if example.whole and example.code is None:
            write(folder, example)


def write(folder: Path, example: Example) -> Path:
    """The file of an example, in a project."""
    path = folder / example.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example.complete, encoding="utf-8")
    return path


def outputs() -> Iterator[tuple[str, str]]:
    """Commands that the manual shows, with the outputs that it shows for them."""
    for m in _OUTPUT.finditer(MANUAL.read_text(encoding="utf-8")):
        yield m["command"], m["output"]


def output_of(folder: Path, command: str) -> str:
    """What a command prints, run in a project."""
    from dmaverify.cli.main import run

    out = io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out):
            run([*shlex.split(command)[1:], "--no-progress"])
    finally:
        os.chdir(before)
    return out.getvalue()


def refresh() -> None:
    """Write the outputs anew."""
    text = MANUAL.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        project(Path(name))

        def block(m: re.Match[str]) -> str:
            return f"```sh\n{m['command']}\n```\n\n```text\n{output_of(Path(name), m['command'])}```"

        MANUAL.write_text(_OUTPUT.sub(block, text), encoding="utf-8")


if __name__ == "__main__":
    refresh()
