"""What is known of each mutant and of each property. Plain data: it travels from worker processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from dmaverify.results import BAD_INPUT, INCONCLUSIVE, INTERNAL, OK, UNEXPECTED, worst
from dmaverify.span import Span

Kind = Literal["delete", "unlock", "negate", "bound", "number", "swap", "emit", "event"]
"""What is done to the text: a statement is deleted, a lock not taken, a condition negated, a comparison or a number off by one, a
truth value or a case of an enum exchanged, an event not told at one place, or nowhere.
"""

State = Literal["noticed", "survived", "undecided", "same", "invalid", "failed"]
"""``same``: the scenario does not get there, nothing changes. ``invalid``: it does not compile. ``failed``: an internal error."""


_STRONG = ("holds", "violated", "reached")
"""Verdicts that a mutant can be noticed by; who is vacuous already has nothing to lose."""


@dataclass(frozen=True)
class Mutant:
    """One altered place."""

    number: int
    kind: Kind
    text: str
    """What is altered, as the source has it."""
    span: Span
    where: str
    """The declaration that it is in."""
    instead: str = ""
    """What stands there now; empty where something is gone."""


@dataclass(frozen=True)
class Noticed:
    """A property that says something else about a mutant than about the model as it is."""

    prop: str
    before: str
    after: str
    length: int | None = None
    """Of the counterexample, if it is violated now."""


@dataclass(frozen=True)
class MutantResult:
    """What became of a mutant. ``why``: for ``undecided``, ``invalid`` and ``failed``, in words."""

    mutant: Mutant
    state: State
    noticed: tuple[Noticed, ...] = ()
    undecided: tuple[str, ...] = ()
    """Properties of which nothing is known within the budget."""
    why: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class PropertyTally:
    """How often one property noticed, among the mutants that change something and of which it was decided."""

    name: str
    verdict: str
    """Of the model as it is."""
    noticed: int
    of: int
    probed: bool = True
    """Whether it should notice: it was decided of the model as it is, and somebody wrote it."""

    @property
    def silent(self) -> bool:
        """Whether it should have noticed something and did not."""
        return self.probed and self.noticed == 0 and self.of > 0


@dataclass
class MutationResult:
    """Everything that one call of ``mutate`` found out about one variant of a scenario."""

    file: str
    name: str
    variant: str | None
    made: int = 0
    """Mutants that there are; ``results`` may have fewer."""
    chosen: int = 0
    """Mutants that were asked for."""
    results: list[MutantResult] = field(default_factory=list)
    verdicts: dict[str, str] = field(default_factory=dict)
    """Of each property of the model as it is."""
    builtin: tuple[str, ...] = ()
    """The properties among them that nobody wrote; they are never weak."""
    timeout: float | None = None
    seed: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    diagnostics: list[str] = field(default_factory=list)
    """What is wrong with the input, ready to print; then there are no mutants."""
    internal: str = ""

    def of(self, *states: State) -> list[MutantResult]:
        """The mutants in some state, in the order of the text."""
        return [r for r in self.results if r.state in states]

    @property
    def tallies(self) -> list[PropertyTally]:
        """Each property, in the order in which it is asked."""
        changed = self.of("noticed", "survived", "undecided")
        found = []
        for name, verdict in self.verdicts.items():
            noticed = sum(any(n.prop == name for n in r.noticed) for r in changed)
            decided = sum(name not in r.undecided for r in changed)
            found.append(PropertyTally(name, verdict, noticed, decided, verdict in _STRONG and name not in self.builtin))
        return found

    @property
    def weak(self) -> list[str]:
        """The properties that survive everything; none are known before every mutant was checked."""
        return [t.name for t in self.tallies if t.silent] if len(self.results) == self.made else []

    def status(self, strict: bool) -> int:
        """The exit status: 1 for a weak property, or (``strict``) a mutant that nobody notices; see docs/mutate.md."""
        parts = [OK]
        if self.diagnostics:
            parts.append(BAD_INPUT)
        if self.internal or self.of("failed"):
            parts.append(INTERNAL)
        if self.interrupted or (strict and self.of("undecided")):
            parts.append(INCONCLUSIVE)
        if self.weak or (strict and self.of("survived")):
            parts.append(UNEXPECTED)
        return worst(parts)


def status_of(results: Iterable[MutationResult], strict: bool) -> int:
    """The exit status of several variants."""
    return worst([OK, *(r.status(strict) for r in results)])
