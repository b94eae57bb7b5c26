"""A corpus of patches: a folder of entries, each with what is stated about it. Reads them; ``corpus_run`` proves them.

An entry is a folder with ``before.dma`` (a module with a header that states the verdicts), ``scenario.dma`` and ``fix.diff``, and
any number of other diffs, each with the verdict that it is stated to get. The layout is told in docs/prove.md. Nothing here knows
what the properties, classes and kinds mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dmaverify.checking.problems import WrongInput
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.patches.codes import ENTRY
from dmaverify.patches.prose import Field, Prose, below, read_prose, span_of
from dmaverify.patches.results import BREAKS, DOES_NOT_FIX, FIXES, KEEPS, NOTHING
from dmaverify.paths import shorten
from dmaverify.span import Span

BEFORE, SCENARIO, FIX = "before.dma", "scenario.dma", "fix.diff"
"""The files of an entry."""

WORDS = ("violated", "holds", "vacuous", "reachable", "unreachable")
"""What a header may state of a property."""

VERDICTS = (FIXES, BREAKS, KEEPS, DOES_NOT_FIX, NOTHING)
"""What may be stated of a patch."""

_FIELDS = ("breaks", "kind", "size", "before", "after")
_CLASS = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*")


@dataclass(frozen=True)
class Claim:
    """What is stated of a property."""

    prop: str
    word: str
    """One of ``WORDS``, or one of ``VERDICTS``."""
    variant: str | None = None
    """Of this variant only, ``base`` for the scenario as it stands; None: of every one that no other claim names."""

    def __str__(self) -> str:
        return f"{self.prop} {self.word}" + (f" in {self.variant}" if self.variant else "")

    def fits(self, name: str) -> bool:
        """Whether a property of that name is meant: a name without parentheses means all of them."""
        return self.prop in (name, name.split("(")[0])


@dataclass(frozen=True)
class Step:
    """One diff of an entry."""

    diff: Path
    on: tuple[Path, ...]
    """What it stands on, the first to be applied first."""
    prose: str
    before: tuple[Claim, ...] = ()
    after: tuple[Claim, ...] = ()
    verdicts: tuple[Claim, ...] = ()

    @property
    def name(self) -> str:
        """The name of the diff without its ending."""
        return self.diff.stem


@dataclass(frozen=True)
class Entry:
    """One entry, as its header states it."""

    name: str
    folder: Path
    title: str
    classes: tuple[str, ...]
    kind: str
    """As the header has it, remarks in parentheses included."""
    size: str
    about: str
    """The rest of the header: where it was found, what was looked at."""
    steps: tuple[Step, ...]
    """``fix.diff`` first, then each diff behind the one that it stands on."""


def read_corpus(folder: Path, only: Iterable[str] = ()) -> tuple[list[Entry], list[Diagnostic]]:
    """The entries of a folder, in the order of their names, and what is wrong with those that cannot be read.

    ``only``: those of these names. Raises ``WrongInput`` if the folder has no entries or not these.
    """
    if not folder.is_dir():
        raise WrongInput(f"{shorten(folder)} is not a folder")
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and any(p.glob("*.dma")))
    if not folders:
        raise WrongInput(f"there is no entry in {shorten(folder)}: an entry is a folder with {BEFORE}, {SCENARIO} and {FIX}")
    wanted = list(only)
    names = [p.name for p in folders]
    for name in wanted:
        if name not in names:
            from difflib import get_close_matches

            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise WrongInput(f"{shorten(folder)} has no entry {name}{hint}")
    found: list[Entry] = []
    wrong: list[Diagnostic] = []
    for place in folders:
        if not wanted or place.name in wanted:
            try:
                found.append(read_entry(place))
            except DmaError as e:
                wrong += e.diagnostics
    return found, wrong


def read_entry(folder: Path) -> Entry:
    """One entry. Raises ``DmaError`` if it is not complete, or does not follow the layout."""
    return _Reader(folder).entry()


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wrong: list[Diagnostic] = []

    def entry(self) -> Entry:
        for name in (BEFORE, SCENARIO, FIX):
            if not (self.folder / name).is_file():
                self._error(f"{shorten(self.folder)} has no {name}", Span(shorten(self.folder / name), 1, 1, 1, 1))
        if self.wrong:
            raise DmaError(self.wrong)
        header = self._header()
        title, given = self._fields(header)
        classes = tuple(c.strip() for c in given["breaks"].text.split(",")) if "breaks" in given else ()
        for c in classes:
            if not _CLASS.fullmatch(c):
                self._error(f"{c!r} is not a class: classes are words in capitals", given["breaks"].span)
        before, after = (self._claims(given[k], WORDS) if k in given else () for k in ("before", "after"))
        steps = list(self._steps(before, after))
        if self.wrong:
            raise DmaError(self.wrong)
        kind = given["kind"].text
        about = given["about"].text
        return Entry(self.folder.name, self.folder, title, classes, kind, given["size"].text, about, tuple(_in_order(steps)))

    def _error(self, message: str, span: Span, fix: str | None = None) -> None:
        self.wrong.append(Diagnostic(ENTRY, message, span, fix=fix))

    # -- the header

    def _header(self) -> list[tuple[int, str]]:
        """The lines of the comment in front, with their numbers."""
        file = self.folder / BEFORE
        lines = []
        for n, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("///"):
                lines.append((n, line[3:].strip()))
            elif line.strip():
                break
        return lines

    def _fields(self, header: list[tuple[int, str]]) -> tuple[str, dict[str, Field]]:
        """The sentence, and the fields; ``about`` is what is none."""
        file = self.folder / BEFORE
        place = span_of(file, *(header[0] if header else (1, "")))
        text = " ".join(line for _, line in header)
        name, colon, rest = text.partition(":")
        title = re.match(r"\s*(.*?\.)(?=\s|$)", rest) if colon else None
        if name != self.folder.name or title is None:
            self._error(
                f"the comment at the top of {BEFORE} does not begin with the entry's name and a sentence",
                place,
                f"/// {self.folder.name}: one sentence.",
            )
            return "", {}
        left = rest[title.end() :]
        found: dict[str, Field] = {}
        for field in _FIELDS:
            m = re.search(rf"(?:^|(?<=\s)){field}:\s*(.*?)\.(?=\s|$)", left)
            line = next(((n, x) for n, x in header[1:] if re.search(rf"(?:^|\s){field}:", x)), None)
            if m is None or line is None or not m[1].strip():
                self._error(f"the comment at the top of {BEFORE} has no `{field}:`", place, f"the fields are {', '.join(_FIELDS)}")
                continue
            found[field] = Field(m[1].strip(), span_of(file, line[0], "/// " + line[1]))
            left = left[: m.start()] + left[m.end() :]
        found["about"] = Field(" ".join(left.split()), place)
        return title[1], found

    def _claims(self, field: Field, words: Iterable[str]) -> tuple[Claim, ...]:
        found: list[Claim] = []
        for part in _listed(field.text):
            m = re.fullmatch(rf"(?P<prop>\S.*?)\s+(?P<word>{'|'.join(words)})(?:\s+in\s+(?P<variant>\S+))?", part)
            if m is None:
                self._error(f"`{part}` is not PROPERTY and one of: {', '.join(words)}", field.span)
                continue
            claim = Claim(m["prop"], m["word"], m["variant"])
            if any((c.prop, c.variant) == (claim.prop, claim.variant) for c in found):
                self._error(f"{claim.prop} is stated twice", field.span)
            found.append(claim)
        return tuple(found)

    # -- the diffs

    def _steps(self, before: tuple[Claim, ...], after: tuple[Claim, ...]) -> Iterator[Step]:
        for diff in sorted(self.folder.glob("*.diff")):
            try:
                prose = read_prose(diff)
                on = tuple(below(diff))
            except UnicodeDecodeError:
                self._error(f"{shorten(diff)} is not UTF-8", Span(shorten(diff), 1, 1, 1, 1))
                continue
            except DmaError as e:
                self.wrong += e.diagnostics
                continue
            verdicts = self._verdicts(prose, diff)
            is_fix = diff.name == FIX
            yield Step(diff, on, prose.text, before if not on else (), after if is_fix else (), verdicts)

    def _verdicts(self, prose: Prose, diff: Path) -> tuple[Claim, ...]:
        if not prose.verdicts and diff.name != FIX:
            first = diff.read_text(encoding="utf-8").partition("\n")[0]
            fix = "verdict: PROPERTY does not fix"
            self._error(f"{shorten(diff)} states no verdict before its first `---`", span_of(diff, 1, first), fix)
        return tuple(c for f in prose.verdicts for c in self._claims(f, VERDICTS))


def _listed(text: str) -> list[str]:
    """The parts of a list, at the commas that stand in no parentheses."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [" ".join(p.split()) for p in parts if p.strip()]


def _in_order(steps: list[Step]) -> Iterator[Step]:
    """Each behind the one that it stands on, the fix before its fellows."""
    by_parent: dict[Path | None, list[Step]] = {}
    for s in sorted(steps, key=lambda s: (s.diff.name != FIX, s.diff.name)):
        by_parent.setdefault(s.on[-1] if s.on else None, []).append(s)

    def behind(parent: Path | None) -> Iterator[Step]:
        for s in by_parent.get(parent, ()):
            yield s
            yield from behind(s.diff)

    return behind(None)
