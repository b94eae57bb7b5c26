"""Two texts to be compared, as a patch would make one of the other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dmaverify.lang.compile import Compiled, compile_scenario
from dmaverify.patches.compare import Task, equality
from dmaverify.patches.prove import prove
from dmaverify.patches.results import Equality, PatchReport
from dmaverify.patches.sides import Side, two_paths

HEAD = """\
scenario s
event did(what: u8)
event said(what: u8)
"""


@dataclass
class Pair:
    """Two scenarios to be compared."""

    folder: Path

    def files(self, before: str, after: str) -> tuple[str, str]:
        names = self.folder / "before.dma", self.folder / "after.dma"
        for path, text in zip(names, (before, after), strict=True):
            path.write_text(HEAD + text, encoding="utf-8")
        return str(names[0]), str(names[1])

    def systems(self, before: str, after: str) -> tuple[Compiled, Compiled]:
        one, other = (compile_scenario(f, marks=True) for f in self.files(before, after))
        return one, other

    def equality(self, before: str, after: str, view: str = "events", by_words: bool = False, states: int = 5_000) -> Equality:
        files = self.files(before, after)
        return equality(Task(Side(), Side(), files, None, (), view, states, ()), by_words)

    def report(self, before: str, after: str, **options: object) -> PatchReport:
        one, other = self.files(before, after)
        return prove(two_paths(Path(one), Path(other)), jobs=1, **options)  # type: ignore[arg-type]
