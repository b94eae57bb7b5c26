"""What is compared with what: two sides, each a set of paths and the texts that stand in the place of some files."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dmaverify.checking.discover import Found, find_scenarios, located
from dmaverify.checking.problems import WrongInput
from dmaverify.lang.library import search_roots
from dmaverify.patches.diff import Touched, read_patch
from dmaverify.patches.prose import below
from dmaverify.paths import shorten
from dmaverify.texts import overlaid

SECONDS = 60
"""No question to git takes longer."""


@dataclass(frozen=True)
class Side:
    """One of the two."""

    overlay: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A scenario as it is on each side; None where it is on one only."""

    name: str
    before: str | None
    after: str | None
    in_folder: bool = False
    problem: str = ""


@dataclass(frozen=True)
class Comparison:
    """Both sides, the scenarios to look at, and what is known to differ in their files."""

    before: Side
    after: Side
    pairs: tuple[Pair, ...]
    touched: tuple[Touched, ...] = ()
    title: str = ""
    again: tuple[str, ...] = ()
    """The command that compares one scenario again, its file left off; empty where a check of either file says the same."""


def two_paths(before: Path, after: Path) -> Comparison:
    """Two files, or two folders whose scenarios are the same where their paths below are."""
    before, after = located(before), located(after)
    if before.is_dir() != after.is_dir():
        raise WrongInput("BEFORE and AFTER are two files or two folders")
    title = f"{shorten(before)} -> {shorten(after)}"
    if not before.is_dir():
        (one,), (other,) = list(find_scenarios([before])), list(find_scenarios([after]))
        return Comparison(Side(), Side(), (Pair(other.name, one.file, other.file),), _differing(before, after), title)
    old = _by_place(before)
    new = _by_place(after)
    pairs = []
    for place in dict.fromkeys([*new, *old]):
        a, b = old.get(place), new.get(place)
        name = (b or a).name  # type: ignore[union-attr]
        pairs.append(Pair(name, a.file if a else None, b.file if b else None, in_folder=True))
    if not pairs:
        raise WrongInput(f"there is no scenario in {shorten(before)} and {shorten(after)}")
    return Comparison(Side(), Side(), tuple(pairs), _differing_below(before, after), title)


def _by_place(folder: Path) -> dict[str, Found]:
    found = [f for f in find_scenarios([folder]) if not f.problem]
    return {Path(f.file).relative_to(folder).as_posix(): f for f in found}


def _differing(before: Path, after: Path) -> tuple[Touched, ...]:
    old, new = _text(before), _text(after)
    return () if old == new else (Touched(after, old, new),)


def _differing_below(before: Path, after: Path) -> tuple[Touched, ...]:
    places = {p.relative_to(root).as_posix() for root in (before, after) for p in root.rglob("*.dma")}
    found = []
    for place in sorted(places):
        old, new = _text(before / place), _text(after / place)
        if old != new:
            found.append(Touched(after / place, old, new))
    return tuple(found)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


# -- a diff, or a revision


def with_patch(diff: Path, files: Sequence[Path], on: Sequence[Path] | None = None) -> Comparison:
    """Files as they are, and as they are with a diff applied.

    ``on``: other diffs that are applied to both sides before, the first one first; None: those that the diff itself names
    (``prose.below``).
    """
    on = below(diff) if on is None else on
    files = [located(f) for f in files]
    folders = [Path.cwd()]
    for file in files:
        folders += [*search_roots(_below(file)), _folder(file)]
    folders.append(diff.resolve().parent)
    folders = list(dict.fromkeys(f.resolve() for f in folders))
    before: dict[str, str | None] = {}
    for other in on:
        with overlaid(before):
            given = read_patch(other, folders)
        before.update((str(t.path), t.after) for t in given)
    with overlaid(before):
        touched = read_patch(diff, folders)
    after = {**before, **{str(t.path): t.after for t in touched}}
    pairs = _same_paths(files, Side(before), Side(after))
    title = shorten(diff) + (f" on {', '.join(shorten(p) for p in on)}" if on else "")
    again = _again(*(x for p in on for x in ("--on", str(p))), "--patch", str(diff))
    return Comparison(Side(before), Side(after), pairs, tuple(touched), title, again)


def with_base(rev: str, files: Sequence[Path]) -> Comparison:
    """Files as they were in a revision of the git checkout that they are in, and as they are."""
    files = [located(f) for f in files]
    tops = {_git(_folder(f), "rev-parse", "--show-toplevel").strip() for f in files}
    before: dict[str, str | None] = {}
    touched = []
    for top in sorted(tops):
        root = Path(top)
        _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}", wrong=f"{top} has no revision {rev}")
        changed = _git(root, "diff", "--name-only", "--no-renames", "-z", rev, "--", "*.dma").split("\0")
        added = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", "*.dma").split("\0")
        known = set(_git(root, "ls-tree", "-r", "--name-only", "-z", rev).split("\0"))
        for name in sorted({*changed, *added} - {""}):
            path = (root / name).resolve()
            old = _git(root, "show", f"{rev}:{name}") if name in known else None
            if old != _text(path):
                before[str(path)] = old
                touched.append(Touched(path, old, _text(path)))
    pairs = _same_paths(files, Side(before), Side())
    return Comparison(Side(before), Side(), pairs, tuple(touched), f"since {rev}", _again("--base", rev))


def _git(folder: Path, *args: str, wrong: str = "") -> str:
    try:
        done = subprocess.run(["git", *args], cwd=folder, capture_output=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise WrongInput("--base needs git, and it is not installed") from None
    except subprocess.TimeoutExpired:
        raise WrongInput(f"git {args[0]} took longer than {SECONDS} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise WrongInput(wrong or f"git {args[0]} in {shorten(folder)}: {said[-1] if said else 'failed'}")
    try:
        return done.stdout.decode("utf-8")
    except UnicodeDecodeError:
        raise WrongInput(f"git {' '.join(args)}: the text is not UTF-8") from None


def _same_paths(files: Sequence[Path], before: Side, after: Side) -> tuple[Pair, ...]:
    """The scenarios in some files and folders, which may be there on one side only."""
    with overlaid(before.overlay):
        old = {str(Path(f.file).resolve()): f for f in find_scenarios(files)}
    with overlaid(after.overlay):
        new = {str(Path(f.file).resolve()): f for f in find_scenarios(files)}
    pairs = []
    for key in dict.fromkeys([*new, *old]):
        a, b = old.get(key), new.get(key)
        shown = b or a
        assert shown is not None
        one = a.file if a and _there(key, before) else None
        other = b.file if b and _there(key, after) else None
        if one is None and other is None:
            one = other = shown.file  # it cannot be read: whoever checks it says so
        pairs.append(Pair(shown.name, one, other, shown.in_folder, shown.problem))
    return tuple(pairs)


def _there(key: str, side: Side) -> bool:
    return side.overlay[key] is not None if key in side.overlay else Path(key).is_file()


def _again(*options: str) -> tuple[str, ...]:
    return "dmaverify", "prove", *options


def _folder(file: Path) -> Path:
    folder = file if file.is_dir() else file.parent
    if not folder.is_dir():
        raise WrongInput(f"{file} cannot be read: no such file or directory")
    return folder.resolve()


def _below(file: Path) -> Path:
    """A path whose parents are where the modules of ``file`` are looked for."""
    return file / "x.dma" if file.is_dir() else file
