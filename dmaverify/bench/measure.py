"""Runs the tools in turn on the same models: one round is each tool once, so that what else the machine does hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from dmaverify.bench import tools
from dmaverify.bench.cases import Case
from dmaverify.bench.tools import Built, Ran, Result, ToolFailed
from dmaverify.checking.exporting import exported

OURS = "dmaverify"

AS_IT_COMES = "dmaverify, as it comes"
"""With slices, symmetry and whatever else it does unasked: the same verdict, and fewer states."""

Tell = Callable[[str], None]


@dataclass
class Comparison:
    """All rounds of one case. Lists are by tool, one entry for each round."""

    case: Case
    explored: dict[str, list[Result]] = field(default_factory=dict)
    prompt: dict[str, list[Ran]] = field(default_factory=dict)
    """From the shell's prompt to the verdict, compiling included."""

    @property
    def peers(self) -> list[str]:
        """The other tools."""
        return [name for name in self.explored if name != OURS]

    def cpu(self, tool: str) -> float:
        """Median CPU seconds of exploration."""
        return median(r.cpu for r in self.explored[tool])

    def ratio(self, tool: str) -> float:
        """How many times our CPU seconds the other tool needs: the median of the rounds' ratios."""
        pairs = zip(self.explored[tool], self.explored[OURS], strict=True)
        return median(theirs.cpu / ours.cpu for theirs, ours in pairs)

    def wall(self, tool: str) -> float:
        """Median seconds from prompt to verdict."""
        return median(r.wall for r in self.prompt[tool])

    def prompt_cpu(self, tool: str) -> float:
        """Median CPU seconds from prompt to verdict, of all processes and threads."""
        return median(r.cpu for r in self.prompt[tool])

    def wall_ratio(self, tool: str) -> float:
        """The same as ``ratio`` from prompt to verdict."""
        return median(t.wall / o.wall for t, o in zip(self.prompt[tool], self.prompt[OURS], strict=True))

    def best(self, family: str) -> str | None:
        """The fastest of the tools whose names begin so; None if there is none."""
        return min((n for n in self.peers if n.startswith(family)), key=self.cpu, default=None)


@dataclass
class _Peer:
    name: str
    build: Callable[[], Built]
    explore: Callable[[Built], Result]
    built: Built | None = None


def compare(case: Case, rounds: int, folder: Path, tell: Tell, skip: Iterable[str] = (), prompt: bool = True) -> Comparison:
    """Every tool on one case, ``rounds`` times in turn; ToolFailed if one counts differently from us.

    Both versions of a model for SPIN, the one that ``export`` writes and the one by hand, are compiled in each of the ways
    of ``tools.FLAGS``. ``skip``: tools whose names begin so.
    """
    peers = [p for p in _peers(case, folder) if not any(p.name.startswith(s) for s in skip)]
    names = [OURS, *(p.name for p in peers)]
    found = Comparison(case, {n: [] for n in names}, {n: [] for n in [*names, AS_IT_COMES]})
    for number in range(rounds):
        tell(f"{case.name}: round {number + 1} of {rounds}")
        _note(found, OURS, tools.explore(case, folder))
        if prompt:
            found.prompt[OURS].append(tools.check(case, folder, *tools.ALL_STATES))
            found.prompt[AS_IT_COMES].append(tools.check(case, folder))
        for p in peers:
            if p.built is None or prompt:
                # compiled anew in each round: that is part of what a user waits for
                p.built = p.build()
            result = p.explore(p.built)
            _note(found, p.name, result)
            cost = p.built.cost
            found.prompt[p.name].append(Ran("", cost.cpu + result.cpu, cost.wall + result.wall))
    return found


def _note(found: Comparison, tool: str, result: Result) -> None:
    case = found.case
    if (result.states, result.transitions) != (case.states, case.transitions):
        raise ToolFailed(
            f"{case.name}: {tool} counts {result.states:,} states and {result.transitions:,} transitions, "
            f"not {case.states:,} and {case.transitions:,}"
        )
    found.explored[tool].append(result)


def _peers(case: Case, folder: Path) -> list[_Peer]:
    peers: list[_Peer] = []
    for way, flags in tools.FLAGS.items():
        peers.append(_spin(f"SPIN, exported, {way}", lambda: _promela(case), flags, case, folder))
        if case.promela is not None:
            peers.append(_spin(f"SPIN, by hand, {way}", case.promela, flags, case, folder))
    if case.murphi is not None:
        write, here = case.murphi, folder / f"{case.name}-rumur"
        peers.append(_Peer("rumur", lambda: tools.build_rumur(write(), here), lambda b: tools.run_rumur(b, here)))
    return peers


def _spin(name: str, write: Callable[[], str], flags: tuple[str, ...], case: Case, folder: Path) -> _Peer:
    here = folder / f"{case.name}-{name.replace(', ', '-').replace(' ', '-')}"
    return _Peer(name, lambda: tools.build_spin(write(), flags, case.states, here), lambda b: tools.run_spin(b, here))


def reduced(case: Case, folder: Path) -> Result | None:
    """What SPIN does with its partial-order reduction on the model by hand; None if there is none."""
    if case.promela is None:
        return None
    here = folder / f"{case.name}-reduced"
    return tools.run_spin(tools.build_spin(case.promela(), tools.REDUCED, case.states, here), here)


def _promela(case: Case) -> str:
    text = exported(case.path, "promela", variant=case.variant, params=case.params, prop=case.prop, slice=False)
    assert isinstance(text, str)
    return text
