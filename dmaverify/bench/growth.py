"""How the cost of our own search grows, and what more threads, presizing and slices make of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from dmaverify.bench import tools
from dmaverify.bench.cases import AC_SIZES, AC_WATCHED, DEVICES, THREADS, Case, ac
from dmaverify.bench.tools import Result, ToolFailed

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """One line of a table of growth."""

    label: str
    result: Result
    seconds: float
    """Median CPU seconds of the exploration."""


@dataclass
class Growth:
    """Tables by what grows."""

    tables: dict[str, list[Row]] = field(default_factory=dict)


def growth(rounds: int, folder: Path, tell: Tell, large: bool) -> Growth:
    """Pages, slots, devices and threads, each with all else fixed. What takes more than a few seconds is run once."""
    found = Growth()
    pages = [(p, 2) for p in range(2, 9 if large else 7)]
    full = [(p, 4) for p in range(4, 9 if large else 7)]
    slots = [(6, k) for k in range(1, 7 if large else 5)]
    for what, sizes in (("pages, two slots", pages), ("pages, four slots", full), ("slots, six pages", slots)):
        found.tables[what] = [_row(_size(p, k), f"AC({p},{k})", rounds, folder, tell) for p, k in sizes]
    for what, (file, prop, variants) in (("devices", DEVICES), ("threads", THREADS)):
        rows = []
        for number, variant in variants if large else variants[:3]:
            case = Case(f"{file.removesuffix('.dma')}.{variant or 'base'}", file, prop, 0, 0, variant)
            rows.append(_row(case, f"{number}: {case.name}", rounds, folder, tell))
        found.tables[what] = rows
    return found


def _size(pages: int, slots: int) -> Case:
    if (pages, slots) in AC_SIZES:
        return ac(pages, slots)
    return Case(f"AC({pages},{slots})", "ac.dma", "sound", 0, 0, params={"pages": pages, "slots": slots})


def _row(case: Case, label: str, rounds: int, folder: Path, tell: Tell) -> Row:
    tell(f"growth: {label}")
    results = [tools.explore(case, folder)]
    while len(results) < rounds and results[0].cpu < 5:
        results.append(tools.explore(case, folder))
    known = {(r.states, r.transitions) for r in results} | ({(case.states, case.transitions)} if case.states else set())
    if len(known) > 1:
        raise ToolFailed(f"{case.name}: " + " and ".join(f"{s:,} states, {t:,} transitions" for s, t in sorted(known)))
    return Row(label, results[0], median(r.cpu for r in results))


@dataclass(frozen=True)
class Parallel:
    """One and two threads on one case, by rounds; ``presized``: the table has room for all states from the start."""

    case: Case
    presized: bool
    one: list[Result]
    two: list[Result]

    @property
    def speedup(self) -> float:
        """Median over rounds of the CPU time of one thread against that of the busier of two."""
        return median(a.cpu / b.cpu for a, b in zip(self.one, self.two, strict=True))

    @property
    def wall_speedup(self) -> float:
        """The same in elapsed time, which says something only on a machine that does nothing else."""
        return median(a.wall / b.wall for a, b in zip(self.one, self.two, strict=True))


def parallel(case: Case, presized: bool, rounds: int, folder: Path, tell: Tell) -> Parallel:
    """One thread and two in turn; ToolFailed if they count differently."""
    found = Parallel(case, presized, [], [])
    for n in range(rounds):
        tell(f"threads: {case.name}{', presized' if presized else ''}: round {n + 1} of {rounds}")
        for threads, results in ((1, found.one), (2, found.two)):
            r = tools.explore(case, folder, threads=threads, presize=case.states if presized else 0)
            if (r.states, r.transitions) != (case.states, case.transitions):
                raise ToolFailed(f"{case.name}: {threads} threads count {r.states:,} states and {r.transitions:,} transitions")
            results.append(r)
    return found


@dataclass(frozen=True)
class Watched:
    """AC(8,4), decided by slices that each watch one page."""

    states: int
    seconds: list[float]
    """From prompt to verdict, elapsed, with all these states visited."""
    reduced: list[float]
    """The same, modulo symmetry."""


def watched(rounds: int, folder: Path, tell: Tell) -> Watched:
    """Check AC(8,4) as a user would, without the use of symmetry and with it.

    ToolFailed if the slices do not have the number of states that they must have.
    """
    seconds: list[float] = []
    reduced: list[float] = []
    states = 0
    case = ac(8, 4)
    for n in range(rounds):
        tell(f"slices: {case.name}: round {n + 1} of {rounds}")
        seconds.append(tools.check(case, folder, "--no-symmetry").wall)
        reduced.append(tools.check(case, folder).wall)
    counting = [*tools.command(case), "--engine", "explicit", "--no-symmetry", "--format", "json"]
    report = json.loads(tools.run(counting, folder).output)
    for p in report["scenarios"][0]["variants"][0]["properties"]:
        if p["name"] == case.prop:
            states = p["states"]
    if states != AC_WATCHED:
        raise ToolFailed(f"the slices of {case.name} have {states:,} states, not {AC_WATCHED:,}")
    return Watched(states, seconds, reduced)
