"""A unified diff, applied in memory: the texts that its files have afterwards.

Parsing is unidiff's. A hunk goes where its old lines stand, near the line that it names; unlike ``patch`` nothing is guessed: a
hunk whose old lines stand nowhere, or twice equally near, is wrong input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dmaverify import texts
from dmaverify.checking.problems import WrongInput
from dmaverify.paths import shorten

if TYPE_CHECKING:
    from unidiff.patch import Hunk, PatchedFile

NOTHING = "/dev/null"


@dataclass(frozen=True)
class Touched:
    """A file that a patch changes: its text before and after, None where there is no such file."""

    path: Path
    before: str | None
    after: str | None


def read_patch(diff: Path, folders: Sequence[Path]) -> list[Touched]:
    """What a diff makes of the ``.dma`` files that it names, looked for below ``folders`` in their order, the overlay considered.

    Raises ``WrongInput`` if it is no unified diff, if it names no ``.dma`` file, or does not apply.
    """
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    try:
        patch = PatchSet(texts.read_text(diff))
    except (OSError, UnicodeDecodeError) as e:
        raise WrongInput(f"{shorten(diff)} cannot be read: {e}") from None
    except UnidiffParseError as e:
        raise WrongInput(f"{shorten(diff)} is not a unified diff: {e}") from None
    touched: dict[Path, Touched] = {}
    for file in patch:
        if not (_name(file.source_file).endswith(".dma") or _name(file.target_file).endswith(".dma")):
            continue  # documentation and the like: nothing that a verdict could depend on
        for t in _touched(file, diff, folders):
            known = touched.get(t.path)
            if known is not None and known.after is not None and t.after is not None:
                raise WrongInput(f"{shorten(diff)} changes {shorten(t.path)} twice")
            touched[t.path] = t
    if not touched:
        raise WrongInput(f"{shorten(diff)} changes no .dma file")
    return list(touched.values())


def _name(path: str | None) -> str:
    return (path or NOTHING).split("\t")[0]


def _touched(file: PatchedFile, diff: Path, folders: Sequence[Path]) -> Iterator[Touched]:
    old, new = _name(file.source_file), _name(file.target_file)
    if old == NOTHING:
        path = _place_for(new, folders)
        if texts.is_file(path):
            raise WrongInput(f"{shorten(diff)} adds {shorten(path)}, which is there already")
        yield Touched(path, None, _applied(file, "", diff))
        return
    source = _find(old, folders)
    if source is None:
        looked = ", ".join(shorten(f) or "." for f in folders)
        raise WrongInput(f"{shorten(diff)} changes {old}, and there is no such file below {looked}")
    try:
        before = texts.read_text(source)
    except (OSError, UnicodeDecodeError) as e:
        raise WrongInput(f"{shorten(source)} cannot be read: {e}") from None
    after = _applied(file, before, diff)
    if new == NOTHING:
        yield Touched(source, before, None)
    elif file.is_rename:
        yield Touched(source, before, None)
        yield Touched(_renamed(source, old, new), None, after)
    else:
        yield Touched(source, before, after)


def _shorter(name: str) -> Iterator[str]:
    """The name as diffs mean it, most likely first: without ``a/``, as it stands, without more folders in front."""
    parts = [p for p in name.split("/") if p not in ("", ".")]
    first = [1, 0] if parts and parts[0] in ("a", "b") else [0, 1]
    for n in [*first, *range(2, len(parts))]:
        if n < len(parts) and ".." not in parts[n:]:
            yield "/".join(parts[n:])


def _find(name: str, folders: Sequence[Path]) -> Path | None:
    for short in _shorter(name):
        for folder in folders:
            if texts.is_file(folder / short):
                return (folder / short).resolve()
    return None


def _place_for(name: str, folders: Sequence[Path]) -> Path:
    """Where a new file goes: beside files that are there, if any folder has such a place."""
    for short in _shorter(name):
        for folder in folders:
            if "/" in short and (folder / short).parent.is_dir():
                return (folder / short).resolve()
    return (folders[0] / next(_shorter(name), name)).resolve()


def _renamed(source: Path, old: str, new: str) -> Path:
    """The new place of a file, as far from its old one as the names say."""
    a, b = old.split("/"), new.split("/")
    if a[0] == "a" and b[0] == "b":
        a, b = a[1:], b[1:]
    kept = str(source)
    tail = "/".join(a)
    root = Path(kept[: -len(tail)]) if kept.endswith(tail) else source.parents[len(a) - 1]
    return (root / "/".join(b)).resolve()


# -- hunks


def _applied(file: PatchedFile, text: str, diff: Path) -> str:
    ends = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "":
        lines.pop()
    out: list[str] = []
    at = 0
    for number, hunk in enumerate(file, 1):
        old, new = _sides(hunk)
        start = _where(lines, old, hunk.source_start - (1 if hunk.source_length else 0), at)
        if start is None:
            raise WrongInput(
                f"{shorten(diff)} does not apply: hunk {number} of {_name(file.target_file)} (line {hunk.source_start}) "
                "does not find the lines that it changes"
            )
        out += lines[at:start]
        out += new
        at = start + len(old)
    out += lines[at:]
    return ends.join(out) + (ends if out else "")


def _sides(hunk: Hunk) -> tuple[list[str], list[str]]:
    """The old lines and the new ones, without their ends."""
    old = [line.value.rstrip("\r\n") for line in hunk if line.is_context or line.is_removed]
    new = [line.value.rstrip("\r\n") for line in hunk if line.is_context or line.is_added]
    return old, new


def _where(lines: list[str], old: list[str], named: int, least: int) -> int | None:
    """The place nearest to ``named`` where the old lines stand; None if there is none, or two are equally near."""
    last = len(lines) - len(old)
    if not old:
        return min(max(named, least), len(lines))
    places = [n for n in range(least, last + 1) if lines[n : n + len(old)] == old]
    if not places:
        return None
    places.sort(key=lambda n: abs(n - named))
    if len(places) > 1 and abs(places[0] - named) == abs(places[1] - named):
        return None
    return places[0]
