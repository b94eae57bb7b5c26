"""What ``refine`` found out, ready to be shown: plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dmaverify.patches.results import WordStep
from dmaverify.results import BAD_INPUT, INCONCLUSIVE, INTERNAL, OK, Expectation, worst
from dmaverify.results import VACUOUS as NOTHING
from dmaverify.span import Span

REFINES, DIFFERS, VACUOUS, UNKNOWN = "refines", "does not refine", "vacuous", "unknown"

BY_SIMULATION = "simulation"
BY_SETS = "simulation of sets of states"
"""How it was shown. By sets: some label of the contract leads to several places."""


@dataclass(frozen=True)
class ModelStep:
    """One statement of the model on the way to a difference, as the interpreter replayed it."""

    thread: str
    text: str
    span: Span
    weight: int
    seen: tuple[str, ...]
    """What was seen in it."""


@dataclass(frozen=True)
class Difference:
    """A shortest word of the model that is none of the contract's: all but the last letter is."""

    shared: tuple[WordStep, ...]
    last: WordStep
    allowed: tuple[WordStep, ...]
    """What the contract may show in the place of the last letter; what it may do there is one of these, and no other."""
    steps: tuple[ModelStep, ...]
    call: str = ""
    """The proc during whose call it differs; empty outside of calls."""

    @property
    def length(self) -> int:
        """The number of letters."""
        return len(self.shared) + 1


@dataclass(frozen=True)
class Refinement:
    """The answer for one variant."""

    word: str
    view: str
    how: str = ""
    reason: str = ""
    """For unknown: time, states, a bound, …, in words; for vacuous: why."""
    pairs: int = 0
    states: int = 0
    seconds: float = 0.0
    returns: tuple[tuple[str, int], ...] = ()
    """The calls whose return was seen, and in how many different pairs of states."""
    broken: bool = False
    """Whether the driver of the scenario breaks a demand of the contract in some run; nothing is compared behind that."""
    ambiguous: tuple[str, ...] = ()
    """Labels of the contract (their calls and events) that lead to several places."""
    hidden: tuple[str, ...] = ()
    """Events of the model of which the contract does not speak."""
    difference: Difference | None = None
    choice: tuple[tuple[str, str], ...] = ()
    """The parameter values of the instance that the answer is about, if it is about one."""
    instances: int = 1


@dataclass
class VariantAnswer:
    """One variant of a scenario (None: the base)."""

    name: str | None
    answer: Refinement | None = None
    expected: Expectation | None = None
    status: int = OK
    mismatch: str = ""
    """Why it is not as expected; empty if it is."""
    diagnostics: list[str] = field(default_factory=list)
    internal: str = ""

    @property
    def exit_status(self) -> int:
        """The status of this variant alone."""
        return worst([self.status] + ([BAD_INPUT] if self.diagnostics else []) + ([INTERNAL] if self.internal else []))


@dataclass
class ScenarioAnswer:
    """One scenario file."""

    file: str
    name: str
    title: str = ""
    variants: list[VariantAnswer] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)


@dataclass
class RefinementReport:
    """Everything that one call of ``refine`` found out."""

    contract: str
    scenarios: list[ScenarioAnswer] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    """Scenarios of folders that expect something of other contracts only."""
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def exit_status(self) -> int:
        """The exit status; the table is in docs/verdicts.md."""
        own = [INCONCLUSIVE] if self.interrupted else []
        own += [NOTHING] if self.passed_over and not self.scenarios else []
        own += [BAD_INPUT] if any(s.diagnostics for s in self.scenarios) else []
        return worst(own + [v.exit_status for _, v in self.answers()])

    def answers(self) -> Iterator[tuple[ScenarioAnswer, VariantAnswer]]:
        """Every answer with its scenario."""
        for s in self.scenarios:
            for v in s.variants:
                yield s, v
