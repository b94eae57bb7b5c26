"""What one run of the benchmark does, from what was asked for to the page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from dmaverify.bench import tools
from dmaverify.bench.cases import COMPARED, FOLDER, LARGE, WIDE, ac, named
from dmaverify.bench.growth import growth, parallel, watched
from dmaverify.bench.measure import compare, reduced
from dmaverify.bench.page import Measured, page
from dmaverify.checking.problems import WrongInput

Tell = Callable[[str], None]

CLAIMED = "AC(6,4)"
"""The model that least gains are promised for."""


@dataclass(frozen=True)
class Plan:
    """What was asked for. ``only``: names of models, empty for all; ``skip``: beginnings of names of tools."""

    only: tuple[str, ...] = ()
    rounds: int = 3
    skip: tuple[str, ...] = ()
    large: bool = False
    compare_only: bool = False


def measure(plan: Plan, folder: Path, tell: Tell) -> Measured:
    """Do it; ToolFailed where counts differ, KeyError for a model that there is not."""
    if not FOLDER.is_dir():
        raise WrongInput(f"the scenarios of the benchmark are in a checkout only, and there is no {FOLDER}")
    absent = [t for t in tools.missing() if not any(t.startswith(s.lower()) for s in plan.skip)]
    if absent:
        raise WrongInput(f"the comparison needs {', '.join(absent)} (apt-get install {' '.join(absent)})")
    cases = [named(n) for n in plan.only] if plan.only else [*COMPARED, *(LARGE if plan.large else ())]
    found = Measured(plan.rounds)
    for case in cases:
        # what takes others minutes is run once, and by those only that are not much slower on smaller sizes
        rounds = 1 if case in LARGE else plan.rounds
        skip = (*plan.skip, "rumur", "SPIN, exported, O3", "SPIN, by hand, O3") if case in LARGE else plan.skip
        found.comparisons.append(compare(case, rounds, folder, tell, skip))
        if case in WIDE and not any("spin".startswith(s.lower()) for s in plan.skip):
            result = reduced(case, folder)
            if result is not None:
                found.reduced[case.name] = result
    if plan.compare_only:
        return found
    threaded = ac(7, 4) if plan.large else ac(6, 4)
    found.parallel = [parallel(threaded, presized, plan.rounds, folder, tell) for presized in (False, True)]
    found.watched = watched(plan.rounds, folder, tell)
    found.growth = growth(plan.rounds, folder, tell, plan.large)
    return found


def text(measured: Measured) -> str:
    """The page."""
    return page(measured)


def missed(measured: Measured, least: Iterable[tuple[str, float]]) -> list[str]:
    """A line for each promise that was not kept: ``(tool, ratio)`` against the fastest tool whose name begins so."""
    lines = []
    comparison = next((c for c in measured.comparisons if c.case.name == CLAIMED), None)
    for tool, ratio in least:
        best = None if comparison is None else comparison.best(tool)
        if comparison is None or best is None:
            lines.append(f"{CLAIMED} was not compared with {tool}")
        elif comparison.ratio(best) < ratio:
            lines.append(f"{CLAIMED}: {comparison.ratio(best):.1f} times {best}, not {ratio:g} times")
    return lines


def write_peers(folder: Path) -> list[Path]:
    """The models by hand of the sizes that are kept in the repository, each written to its file."""
    texts: dict[str, str] = {}
    for case in (ac(4, 2), ac(6, 4), *WIDE):
        name = re.sub(r"\W+", "_", case.name).strip("_").lower()
        if case.promela is not None:
            texts[f"{name}.pml"] = case.promela()
        if case.murphi is not None:
            texts[f"{name}.m"] = case.murphi()
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in texts.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in texts]
