"""What a check found out, ready to be shown: plain data that crosses process borders and outlives the
Systems.

``Report`` → ``ScenarioResult`` (one file) → ``VariantResult`` → ``PropertyResult``. A counterexample is a
``Story``: the replayed trace, already told in names. Nothing here computes a verdict; reports (text, JSON)
read these records and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dmaverify.span import NOWHERE, Span
from dmaverify.verdict import Trace, Tried, Word

OK, UNEXPECTED, BAD_INPUT, INCONCLUSIVE, VACUOUS, INTERNAL = 0, 1, 2, 3, 4, 5
"""Exit statuses, by what they mean."""

RANK = (INTERNAL, BAD_INPUT, UNEXPECTED, VACUOUS, INCONCLUSIVE, OK)
"""Of several statuses the first in this order is the one of the whole."""


def worst(statuses: Iterator[int] | list[int] | tuple[int, ...]) -> int:
    """The status of a whole whose parts have these."""
    return min(statuses, key=RANK.index, default=OK)


@dataclass(frozen=True)
class Change:
    """One variable (or one cell of it) that a step changed; values as text."""

    name: str
    old: str
    new: str
    local: bool = False
    """A thread's own variable: of interest to that thread only."""


@dataclass(frozen=True)
class Call:
    """A call that leads to a step: the procedure, the call as the source spells it, and where."""

    proc: str
    text: str
    span: Span


@dataclass(frozen=True)
class SeenAt:
    """The statement behind a step, which takes no time itself, at which it is seen that something is wrong."""

    text: str
    stack: tuple[Call, ...]
    """The calls that lead to it, outermost first."""
    span: Span


@dataclass(frozen=True)
class StoryStep:
    """One step of the reference System, told.

    ``index`` counts every step from 1. ``number`` is the length of the trace up to and including this step;
    steps of weight 0 carry the number of the step that they follow (``weight`` tells them apart).
    """

    index: int
    number: int
    weight: int
    action: str
    actor: str
    thread: str
    text: str
    inputs: tuple[tuple[str, str], ...] = ()
    stack: tuple[Call, ...] = ()
    """The calls that lead to it, outermost first."""
    result: str = ""
    events: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    state: tuple[tuple[str, str], ...] = ()
    """Every variable after the step that is not at its default; for ``--trace full`` and JSON."""
    columns: tuple[str, ...] = ()
    """Values, after the step, of what the story's ``columns`` name."""
    marks: tuple[str, ...] = ()
    folded: bool = False
    """The failure does not depend on it: left out of the default view."""
    span: Span = NOWHERE
    seen_at: SeenAt | None = None
    """Where the mark `seen` belongs, if it is not the step's own statement."""


@dataclass(frozen=True)
class Failure:
    """A check or always-instance that is false somewhere along a trace."""

    prop: str
    code: str
    label: str
    step: int
    """Index of the step at which (``in_step``) or after which the condition is false; 0: initially."""
    in_step: bool
    message: str
    condition: str
    """As the source spells it; empty where no source text is at hand."""
    values: tuple[tuple[str, str], ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True)
class Story:
    """A counterexample or witness, told step by step from a replay in the reference System."""

    initial: tuple[tuple[str, str], ...]
    """Values that were chosen before the first step."""
    columns: tuple[str, ...]
    column_start: tuple[str, ...]
    steps: tuple[StoryStep, ...]
    failure: Failure | None
    earlier: tuple[Failure, ...] = ()
    """First failure of each other property in the same trace: what came before, and may be its cause."""

    @property
    def folded(self) -> int:
        """How many steps the default view leaves out."""
        return sum(s.folded for s in self.steps)


@dataclass(frozen=True)
class Expectation:
    """One ``expect`` as it applies to one property of one variant."""

    word: str
    """``holds``, ``violated``, ``vacuous``, ``unknown``, ``n/a``, ``reachable`` or ``unreachable``."""
    steps: tuple[int, int] | None = None
    """For ``violated in N to M steps``; ``N steps`` are N to N."""
    depth: int | None = None
    """For ``holds to N``."""
    blame: str = ""
    """``tradeoff``, ``driver``, ``config``: who is to blame for an expected violation."""
    reason: str = ""
    span: Span = NOWHERE

    def __str__(self) -> str:
        if self.steps is not None:
            least, most = self.steps
            return f"{self.word} in {least if least == most else f'{least} to {most}'} step{'s' if most != 1 else ''}"
        return f"{self.word} to {self.depth}" if self.depth is not None else self.word


@dataclass
class PropertyResult:
    """The verdict on one property of one variant, and whether it is the expected one."""

    name: str
    code: str
    word: Word
    kind: str = "monitor"
    title: str = ""
    reason: str = ""
    depth: int | None = None
    states: int = 0
    transitions: int = 0
    symmetric: bool = False
    """Whether states that differ by a symmetry are counted once."""
    slices: int = 0
    engine: str = ""
    seconds: float = 0.0
    tried: tuple[Tried, ...] = ()
    """Every engine of the portfolio that was at it, with what it said."""
    length: int | None = None
    minimal: bool | None = None
    exercised: dict[str, bool | None] = field(default_factory=dict)
    untested: list[tuple[str, Span]] = field(default_factory=list)
    """Asserts that were never put to the test although the property was."""
    lemmas: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    bodies: dict[str, str] = field(default_factory=dict)
    """For which arguments the body of each of these was proved: ``for bits <= 64``."""
    certificate: str | None = None
    rests_on: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)
    expected: Expectation | None = None
    status: int = OK
    """What this verdict means for the exit status, the expectation considered."""
    mismatch: str = ""
    """Why it is not as expected, in words; empty if it is."""
    trace: Trace | None = None
    story: Story | None = None
    reached: bool | None = None
    """For a cover: whether some state or step fulfils it."""
    exercised_shown: bool = True
    """False: no engine could decide whether the property was put to the test."""
    instances: str = ""
    """The parameter values that the verdict is for, ``n = 1..64``; empty if there is one instance only."""
    choice: tuple[tuple[str, str], ...] = ()
    """The parameter values of the instance that the trace is of."""
    again: str = ""
    """The command that shows it again."""
    span: Span = NOWHERE

    @property
    def as_expected(self) -> bool:
        """Whether nothing about this verdict needs attention."""
        return self.status == OK


@dataclass(frozen=True)
class ProbeResult:
    """Something that every scenario should do, and whether some run does it: nobody asked, but where it never happens,
    what was shown is worth less than it seems.
    """

    name: str
    kind: str
    """``end`` of a sequence, ``operation`` of a client succeeds, ``slot`` is held, ``assume`` is passed, ``fault`` happens."""
    span: Span = NOWHERE
    reached: bool | None = None
    """None: not decided."""


@dataclass
class VariantResult:
    """One variant of a scenario (``name`` None: the base) with the verdicts on its properties."""

    name: str | None
    title: str = ""
    asked: tuple[str, ...] = ()
    """Everything that could be asked about it."""
    properties: list[PropertyResult] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    """What is wrong with the input, ready to print; then there are no verdicts."""
    internal: str = ""
    """An internal error, in words; then verdicts may be missing."""
    interrupted: bool = False
    seconds: float = 0.0
    params: tuple[tuple[str, str], ...] = ()
    details: str = ""
    """For ``internal``: the traceback, shown with ``--debug`` only."""
    probes: list[ProbeResult] = field(default_factory=list)
    """What nobody asked about and every scenario should do."""
    probe_status: int = OK
    """What the probes mean for the exit status: nothing, unless the check is strict."""

    @property
    def exit_status(self) -> int:
        """The status of this variant alone."""
        parts = [self.probe_status, *(p.status for p in self.properties)]
        if self.internal:
            parts.append(INTERNAL)
        if self.diagnostics:
            parts.append(BAD_INPUT)
        if self.interrupted:
            parts.append(INCONCLUSIVE)
        return worst(parts)

    def property(self, name: str) -> PropertyResult:
        """The result of that name; KeyError if there is none."""
        for p in self.properties:
            if p.name == name:
                return p
        raise KeyError(name)


@dataclass
class ScenarioResult:
    """One file: its variants in the order of the text."""

    file: str
    name: str
    title: str = ""
    variants: list[VariantResult] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        """The status of this scenario alone."""
        return worst([v.exit_status for v in self.variants] + ([BAD_INPUT] if self.diagnostics else []))

    def variant(self, name: str | None = None) -> VariantResult:
        """The variant of that name (None: the base); KeyError if it was not checked."""
        for v in self.variants:
            if v.name == name:
                return v
        raise KeyError(name)


@dataclass
class Report:
    """Everything that one call of ``check`` found out."""

    scenarios: list[ScenarioResult] = field(default_factory=list)
    seconds: float = 0.0
    seed: int = 0
    engine: str = "auto"
    interrupted: bool = False
    diagnostics: list[str] = field(default_factory=list)
    """What is wrong with what was asked for, ready to print."""

    @property
    def exit_status(self) -> int:
        """The exit status of the command line for this report; the table is in docs/verdicts.md."""
        own = [INCONCLUSIVE] if self.interrupted else []
        own += [BAD_INPUT] if self.diagnostics else []
        return worst([s.exit_status for s in self.scenarios] + own)

    def scenario(self, name: str) -> ScenarioResult:
        """The scenario of that name; KeyError if it was not checked."""
        for s in self.scenarios:
            if s.name == name:
                return s
        raise KeyError(name)

    def outcomes(self) -> Iterator[tuple[ScenarioResult, VariantResult, PropertyResult]]:
        """Every verdict with where it belongs."""
        for s in self.scenarios:
            for v in s.variants:
                for p in v.properties:
                    yield s, v, p
