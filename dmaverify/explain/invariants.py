"""The invariants of ``spec/``: names, codes and the English above them, read from the files themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dmaverify.paths import data_roots, shorten

_MONITOR = re.compile(r"^monitor\s+(?P<name>\w+)\s*(?P<params>\([^)]*\))?(?P<rest>[^{\n]*)", re.MULTILINE)
_CODE = re.compile(r"\bcode\s+(DMA\d+)")
_APPLIES = re.compile(r"\bapplies\s+when\s+(.+)")


@dataclass(frozen=True)
class Invariant:
    """One monitor of the specification."""

    name: str
    code: str
    doc: str
    """What the text above it says; for the main monitor of a file also what stands at the top of the file."""
    applies: str
    """The condition under which a board can have what it speaks of, as written; empty if always."""
    file: str
    line: int
    asserts: tuple[str, ...]
    """What its asserts say when they fail, with the values still to be filled in."""


@lru_cache(maxsize=1)
def invariants() -> tuple[Invariant, ...]:
    """All monitors, by code."""
    found: dict[str, Invariant] = {}
    for root in data_roots()[:1]:
        for file in sorted((root / "spec").rglob("*.dma")):
            for inv in _in_file(file):
                found.setdefault(inv.name, inv)
    return tuple(sorted(found.values(), key=lambda i: (i.code, i.name)))


def _in_file(file: Path) -> list[Invariant]:
    source = file.read_text(encoding="utf-8")
    out: list[Invariant] = []
    starts = [*_MONITOR.finditer(source)]
    ends = [s.start() for s in starts[1:]] + [len(source)]
    for m, following in zip(starts, ends, strict=False):
        code = _CODE.search(m["rest"])
        applies = _APPLIES.search(m["rest"])
        parts = [_doc_of_module(source)] if file.stem == m["name"] else []
        parts += [_doc_above(source, m.start())]
        out.append(
            Invariant(
                name=m["name"],
                code=code[1] if code else "",
                doc="\n\n".join(p for p in parts if p) or _doc_of_module(source),
                applies=applies[1].strip() if applies else "",
                file=shorten(file),
                line=source.count("\n", 0, m.start()) + 1,
                asserts=tuple(
                    re.findall(r"\bassert\b[^\n]*?,\s*\"([^\"]*)\"", source[m.start() : following])
                ),
            )
        )
    return out


def _doc_above(source: str, position: int) -> str:
    lines: list[str] = []
    for line in reversed(source[:position].splitlines()):
        if not line.startswith("///"):
            break
        lines.append(line[3:].strip())
    return "\n".join(reversed(lines))


def _doc_of_module(source: str) -> str:
    lines: list[str] = []
    for line in source.splitlines():
        if not line.startswith("///"):
            break
        lines.append(line[3:].strip())
    return "\n".join(lines)
