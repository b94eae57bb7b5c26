"""What all engines share: the budget, progress, cancellation, and the one interface that the rest of the tool sees."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from dmaverify.engines.siblings import Siblings
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome, Tried


@dataclass(frozen=True)
class Progress:
    """A sample of what a running engine does; absent figures are None."""

    engine: str
    states: int | None = None
    """Different ones."""
    frontier: int | None = None
    depth: int | None = None
    note: str = ""
    expanded: int | None = None
    """States whose successors are known."""
    rate: float | None = None
    """States expanded in a second, since the beginning."""
    memory: int | None = None
    """Bytes that the process uses."""


class Stopped(Exception):
    """A budget ran out or the user interrupted; ``reason`` is the word that ``unknown`` carries."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Budget:
    """Limits of one engine run. ``timeout`` in seconds, ``memory`` in bytes of resident memory, ``depth`` in trace length."""

    timeout: float | None = None
    memory: int | None = None
    depth: int | None = None
    states: int | None = None
    progress: Callable[[Progress], None] | None = None
    cancelled: Callable[[], bool] = lambda: False
    checkpoint: str | None = None
    """Folder for what a search needs to go on after its process has ended."""
    checkpoint_every: float = 60.0
    """Seconds between two checkpoints."""
    siblings: Siblings = field(default_factory=Siblings)
    """What searches of other slices have found out before."""
    started: float = field(default_factory=time.monotonic)
    _last_report: float = 0.0

    def left(self) -> float | None:
        """Seconds left, or None without a limit."""
        return None if self.timeout is None else self.timeout - (time.monotonic() - self.started)

    def check(self, sample: Callable[[], Progress] | None = None) -> None:
        """Raise ``Stopped`` when a limit is passed; report progress at most twice a second."""
        now = time.monotonic()
        if self.cancelled():
            raise Stopped("interrupted")
        if self.timeout is not None and now - self.started > self.timeout:
            raise Stopped("time")
        if self.memory is not None and resident_bytes() > self.memory:
            raise Stopped("memory")
        if self.progress and sample and now - self._last_report >= 0.5:
            self._last_report = now
            self.progress(sample())


def resident_bytes() -> int:
    """Resident memory of this process in bytes: the current figure where the system tells it, else the peak."""
    try:
        with open("/proc/self/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def signed(o: Outcome) -> Outcome:
    """The outcome, with a note of who found it out."""
    said = f"{o.word.value} ({o.reason})" if o.reason and not o.word.holds else o.word.value
    o.tried = (Tried(o.engine, said, o.seconds),)
    return o


class Engine(Protocol):
    """One search strategy.

    ``system`` is a flattened, sliced and fused System whose checks and always-instances are all of the properties asked
    for. The answer has one Outcome for each name in ``properties``; traces are in terms of the reference System (the
    ``parts`` of the actions). A budget that runs out yields ``unknown`` or ``bounded`` outcomes, not an exception.
    """

    name: str

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """Decide the properties within the budget."""
        ...
