"""Verdict words, traces and outcomes: what an engine answers and a report shows. The words' meanings are in
docs/verdicts.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dmaverify.span import NOWHERE, Span


class Word(Enum):
    """The eight things a verdict can say; never more than was shown."""

    PROVED = "proved"
    EXHAUSTED = "exhausted"
    BOUNDED = "bounded"
    SAMPLED = "sampled"
    VIOLATED = "violated"
    VACUOUS = "vacuous"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "n/a"

    @property
    def holds(self) -> bool:
        """Whether the property was shown for every reachable state."""
        return self in (Word.PROVED, Word.EXHAUSTED)


@dataclass(frozen=True)
class Step:
    """One action of the reference System with the values of its inputs."""

    action: str
    inputs: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Trace:
    """A way from an initial state to where a check fails or a cover is reached.

    ``initial``: values of variables that may start anywhere (params among them). ``steps`` are of the
    reference System. ``length`` is the sum of the weights of the steps; ``minimal`` says whether no shorter
    trace exists. The claimed check fails in the last step (``in_step``) or in the state after it.
    """

    initial: tuple[tuple[str, Any], ...]
    steps: tuple[Step, ...]
    prop: str
    label: str
    length: int
    minimal: bool
    in_step: bool


@dataclass(frozen=True)
class Tried:
    """One engine at one property. ``said``: a verdict word and why, or ``ended`` if somebody else was first."""

    engine: str
    said: str
    seconds: float


@dataclass
class Outcome:
    """What one engine (or several, merged) found out about one property."""

    prop: str
    word: Word
    reason: str = ""
    """For unknown: time, memory, depth, solver, domain, bound…, in words."""
    depth: int | None = None
    """For bounded: no trace of this length or less. For proved: k of k-induction."""
    none_within: int | None = None
    """For violated, beside the trace: no trace of this length or less, where somebody has searched that far."""
    states: int = 0
    transitions: int = 0
    symmetric: bool = False
    """Whether states that differ by a symmetry of the System are counted once."""
    slices: int = 0
    engine: str = ""
    seconds: float = 0.0
    tried: tuple[Tried, ...] = ()
    """Every engine of the portfolio that was at it."""
    trace: Trace | None = None
    exercised: dict[str, bool | None] = field(default_factory=dict)
    """Label of each check and always-instance: was it put to the test? None: not decided."""
    covers: dict[str, bool | None] = field(default_factory=dict)
    lemmas: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    certificate: str | None = None
    """Directory with the obligations that a second solver has checked."""
    warnings: list[str] = field(default_factory=list)
    spans: dict[str, Span] = field(default_factory=dict)
    """Where each exercised label stands."""

    def where(self, label: str) -> Span:
        """Span of a label, or NOWHERE."""
        return self.spans.get(label, NOWHERE)
