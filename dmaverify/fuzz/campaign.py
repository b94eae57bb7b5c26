"""A campaign: so many random runs of one variant, or as many as the time allows, and what they found."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase
from hypothesis.stateful import run_state_machine_as_test

from dmaverify.fuzz.arena import Arena, is_coverage
from dmaverify.fuzz.coverage import Coverage, coverage
from dmaverify.fuzz.machine import Log, OutOfTime, Violated, machine_class
from dmaverify.fuzz.walk import Walk
from dmaverify.verdict import Trace

ROUND = 2_000
"""Examples of Hypothesis in one go where only the time is limited: it remembers all of them."""

MOST_RUNS = 1 << 40


@dataclass(frozen=True)
class Limits:
    """How long a campaign goes on: examples of Hypothesis, seconds, choices in each."""

    runs: int | None
    seconds: float | None
    steps: int


@dataclass(frozen=True)
class Found:
    """A violation: its trace, and the choices that lead to it."""

    trace: Trace
    schedule: tuple[str, ...]


@dataclass
class Campaign:
    """What a campaign found out. ``remembered``: examples of earlier campaigns, which were tried first."""

    runs: int
    steps: int
    found: dict[str, Found]
    covers: frozenset[str]
    coverage: Coverage
    tested: set[tuple[str, str]]
    remembered: int
    only_run: bool = False
    """There is but one run of this model, and it was made."""
    interrupted: bool = False
    """Somebody stopped it; what is here was found before."""


class Keyed(ExampleDatabase):
    """Examples under names of our own, so that they are found again whatever becomes of the generated class."""

    def __init__(self, database: ExampleDatabase, name: str) -> None:
        super().__init__()
        self._database, self._name = database, name.encode()

    def _key(self, key: bytes) -> bytes:
        # what Hypothesis puts behind its key tells minimal examples from others; in front of it stands a digest of the test
        _, dot, kind = key.partition(b".")
        return hashlib.sha256(self._name).digest()[:16] + dot + kind

    def save(self, key: bytes, value: bytes) -> None:
        self._database.save(self._key(key), value)

    def fetch(self, key: bytes) -> Iterable[bytes]:
        return self._database.fetch(self._key(key))

    def delete(self, key: bytes, value: bytes) -> None:
        self._database.delete(self._key(key), value)

    def remembered(self) -> int:
        """How many failures are known."""
        return len(set(self._database.fetch(self._key(b""))))


def run(
    arena: Arena,
    name: str,
    unexpected: Mapping[str, int | None],
    others: Collection[str],
    limits: Limits,
    first_seed: int,
    folder: Path | None,
) -> Campaign:
    """Run about until a limit is reached.

    A violation of an ``unexpected`` property (up to that length, None: any) is shrunk, one of the ``others`` only noted.
    ``folder``: where examples are remembered, None: nowhere. ``name``: what they are remembered by.
    """
    end = None if limits.seconds is None else time.monotonic() + limits.seconds
    log = Log(arena, unexpected, others, lambda: end is not None and time.monotonic() >= end)
    database = None if folder is None else Keyed(DirectoryBasedExampleDatabase(folder), name)
    remembered = database.remembered() if database is not None else 0
    only = _only_run(arena, log)
    log.settle()
    if not only:
        _search(log, limits, first_seed, database)
    return Campaign(
        runs=log.runs,
        steps=log.steps,
        found={prop: Found(walk.trace(prop), tuple(walk.schedule)) for prop, walk in log.noted.items()},
        covers=frozenset(c for c in log.covers if not is_coverage(c)),
        coverage=coverage(arena.points, filter(is_coverage, log.covers)),
        tested=arena.tested(),
        remembered=remembered,
        only_run=only,
        interrupted=log.interrupted,
    )


def _only_run(arena: Arena, log: Log) -> bool:
    """Make the run without any choice; whether that was all that the model can do."""
    if len(arena.initial) != 1:
        return False
    while True:
        walk = Walk(arena, log.on_false, covers=log.covers)
        log.runs += 1
        try:
            walk.begin()
        except Violated:
            log.settle()  # and once more, to see what is behind it
            continue
        log.steps += len(walk.path)
        return walk.ended


def _search(log: Log, limits: Limits, first_seed: int, database: ExampleDatabase | None) -> None:
    common = settings(
        stateful_step_count=limits.steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=database,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
    )
    left = limits.runs if limits.runs is not None else MOST_RUNS
    for n in itertools.count():
        size = min(ROUND, left)
        if size <= 0 or log.out_of_time() or log.all_found:
            return
        # earlier failures first, and only once
        phases = (*((Phase.reuse,) if n == 0 else ()), Phase.generate)
        machine: Any = machine_class(log)
        before = log.runs
        try:
            run_state_machine_as_test(seed(first_seed + n)(machine), settings=settings(common, max_examples=size, phases=phases))
            left -= size
        except OutOfTime:
            return
        except KeyboardInterrupt:
            log.interrupted = True
            return
        except Violated:
            left -= max(1, log.runs - before)
        log.settle()


def tests_of(arena: Arena, campaign: Campaign) -> Mapping[str, dict[str, bool | None]]:
    """For each property: which of its asserts were put to the test; None where no run did."""
    return {
        prop: {label: True if (prop, label) in campaign.tested else None for label in labels}
        for prop, labels in arena.labels().items()
    }

