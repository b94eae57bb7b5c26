"""Which scenarios there are in what a person named, and which variants each has."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from dmaverify.checking.options import Options
from dmaverify.checking.problems import internal_error, wrong_input
from dmaverify.paths import data_roots
from dmaverify.texts import added_below, read_text, replaced

BASE = "base"
"""How the command line calls the scenario as it stands."""

_HEAD = re.compile(r"\A(?:[ \t]*(?://[^\n]*)?\r?\n)*[ \t]*scenario\s+(\w+)")


@dataclass(frozen=True)
class Found:
    """A file to check."""

    file: str
    name: str
    problem: str = ""
    in_folder: bool = False
    """Found below a folder, not named by itself."""


@dataclass(frozen=True)
class Job:
    """One variant of one scenario; ``scenario`` is its place in the report."""

    scenario: int
    file: str
    variant: str | None


@dataclass
class Listing:
    """What a scenario file declares, or what is wrong with it."""

    name: str
    title: str = ""
    variants: list[str | None] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    internal: str = ""
    """An error of the tool itself, and its traceback in ``details``."""
    details: str = ""


def find_scenarios(paths: Sequence[Path]) -> Iterator[Found]:
    """Files as they were named; of a folder every scenario below it, by path. Modules in a folder are
    passed over.
    """
    for named in paths:
        path = located(named)
        if not path.is_dir():
            yield Found(str(path), name_in(path) or path.stem)
            continue
        scenarios = [(f, name) for f in sorted({*path.rglob("*.dma"), *added_below(path)}) if (name := name_in(f)) is not None]
        if not scenarios:
            yield Found(str(path), path.name, f"error: there is no scenario in {path}")
        yield from (Found(str(f), name, in_folder=True) for f, name in scenarios)


def located(path: Path) -> Path:
    """The path itself, or the same below the data that was installed with the tool, if only that exists."""
    if not path.exists() and not path.is_absolute():
        for root in data_roots():
            if (root / path).exists():
                return root / path
    return path


def name_in(file: Path) -> str | None:
    """The name after ``scenario`` at the top of a file; None if it is no scenario or cannot be read."""
    try:
        if replaced(file):
            m = _HEAD.match(read_text(file))
        else:
            with file.open(encoding="utf-8", errors="replace") as f:
                m = _HEAD.match(f.read(1 << 16))
    except OSError:
        return None
    return m[1] if m else None


def list_variants(found: Found, options: Options) -> Listing:
    """The variants to check, the base first; wrong input becomes diagnostics."""
    listing = Listing(found.name)
    if found.problem:
        listing.diagnostics.append(found.problem)
        return listing
    from dmaverify.checking.frontend import outline

    try:
        listing.name, listing.title, names = outline(found.file)
    except Exception as e:
        diagnostics = wrong_input(e)
        if diagnostics is None:
            listing.internal = internal_error(e)
            listing.details = "".join(traceback.format_exception(e))
        listing.diagnostics += diagnostics or []
        return listing
    listing.variants += _chosen(names, options.variant)
    if not listing.variants and not found.in_folder:
        close = get_close_matches(options.variant or "", [*names, BASE], n=1)
        hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(names) or 'none'}"
        listing.diagnostics.append(f"error: {listing.name} has no variant {options.variant}{hint}")
    return listing


def _chosen(names: list[str], wanted: str | None) -> list[str | None]:
    """The base and all variants, or those that a name stands for: ``v`` also for each ``v@w``."""
    if wanted is None:
        return [None, *names]
    if wanted == BASE:
        return [None]
    return [n for n in names if wanted in (n, n.partition("@")[0])]
