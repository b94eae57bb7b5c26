"""What ``prove`` found out, ready to be shown: plain data that crosses process borders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dmaverify.patches.sides import Side
from dmaverify.results import BAD_INPUT, INCONCLUSIVE, INTERNAL, OK, PropertyResult, Report, ScenarioResult, VariantResult, worst

FIXES, DOES_NOT_FIX, BREAKS, KEEPS, NOTHING, UNCLEAR = (
    "fixes",
    "does not fix",
    "breaks",
    "keeps",
    "changes nothing",
    "unclear",
)
"""The verdicts of a patch on one property. The first four may hold *up to* a depth only; then ``depth`` says which."""


@dataclass(frozen=True)
class PropertyChange:
    """One property before and after."""

    name: str
    before: PropertyResult | None
    after: PropertyResult | None
    verdict: str
    reason: str = ""
    """Why it is unclear."""
    depth: int | None = None
    """The verdict is for runs of at most so many steps."""
    status: int = OK


@dataclass(frozen=True)
class WordStep:
    """One thing that can be seen to happen: an event, or the start or end of a call."""

    thread: str
    text: str
    call: str = ""
    """The call during which it happens, as the thread makes it."""
    returned: bool = False
    """It is the return of that call."""


@dataclass(frozen=True)
class Difference:
    """A shortest word that one side has and the other has not; all but the last letter both have."""

    side: str
    """``before`` or ``after``: who has it."""
    shared: tuple[WordStep, ...]
    last: WordStep
    instead: tuple[WordStep, ...] = ()
    """What the other side may do at that point."""
    call: str = ""
    """The proc that the thread called, during which it happens; empty between calls."""
    thread: str = ""
    fixed: tuple[str, ...] = ()
    """The fixed properties to which it is attributed; empty: it is another change."""
    needed: bool = False
    """It is another change, and the part of the patch that its fix needs makes it all the same."""


@dataclass(frozen=True)
class Rest:
    """What a patch does beside its fix: what is different between the part of it that fixes and the whole."""

    where: tuple[str, ...] = ()
    """The places that the fix does without, ``file:line``; empty: it needs every one."""
    equality: Equality | None = None
    """The fix alone beside the whole patch; None where ``where`` is empty."""
    spared: tuple[str, ...] = ()
    """The properties that the whole patch breaks and the fix alone does not."""
    reason: str = ""
    """Why the places were not looked for, or not all of them."""


@dataclass(frozen=True)
class Equality:
    """Whether both sides have the same observable words, and how that was shown.

    ``word``: ``equal``, ``different``, ``fewer`` (AFTER does nothing that BEFORE does not), ``more`` (the other way round),
    or ``unknown`` with a ``reason``.
    """

    word: str
    how: str = ""
    view: str = ""
    """The finest view for which it is so; for a difference the view in which it was found."""
    reason: str = ""
    differences: tuple[Difference, ...] = ()
    states: int = 0
    seconds: float = 0.0
    equal_views: tuple[str, ...] = ()
    """The views in which both sides are equal."""
    rest: Rest | None = None
    """For a difference where something is fixed: what of it has nothing to do with the fix, at any depth."""


@dataclass
class VariantChange:
    """One variant before and after; None where it is on one side only."""

    name: str | None
    before: VariantResult | None
    after: VariantResult | None
    properties: list[PropertyChange] = field(default_factory=list)
    equality: Equality | None = None
    internal: str = ""
    """An error of the tool in the comparison."""
    unchecked: bool = False
    """Both sides are the same by their IR, and so are their verdicts, whatever they are: neither was checked."""

    @property
    def exit_status(self) -> int:
        """The status of this variant alone."""
        return worst([p.status for p in self.properties] + ([INTERNAL] if self.internal else []))


@dataclass
class ScenarioChange:
    """One scenario before and after."""

    name: str
    before: ScenarioResult | None
    after: ScenarioResult | None
    variants: list[VariantChange] = field(default_factory=list)
    untouched: bool = False
    """Nothing that it stands on differs: it was not checked."""


@dataclass(frozen=True)
class Changed:
    """A file that differs, and the declarations in it that do."""

    file: str
    module: str
    declarations: tuple[str, ...]


@dataclass
class PatchReport:
    """Everything that one call of ``prove`` found out."""

    title: str
    before: Report
    after: Report
    sides: tuple[Side, Side]
    changed: tuple[Changed, ...] = ()
    """What differs in the files that the scenarios stand on."""
    elsewhere: int = 0
    """So many other files differ."""
    scenarios: list[ScenarioChange] = field(default_factory=list)
    diagnostics: list[str] = field(default_factory=list)
    seconds: float = 0.0
    again: tuple[str, ...] = ()
    """The command that compares one scenario again, its file left off; empty where a check of either file says the same."""

    @property
    def exit_status(self) -> int:
        """As everywhere: 0 if AFTER is as expected and nothing is broken; wrong input on either side counts."""
        own = [v.exit_status for s in self.scenarios for v in s.variants]
        for report in (self.before, self.after):
            own += [self._of_input(report)]
        own += [BAD_INPUT] if self.diagnostics else []
        return worst(own)

    @staticmethod
    def _of_input(report: Report) -> int:
        """What is wrong beside the verdicts: input, internal errors, an interrupt."""
        found = [INCONCLUSIVE] if report.interrupted else []
        found += [BAD_INPUT] if report.diagnostics else []
        for s in report.scenarios:
            found += [BAD_INPUT] if s.diagnostics else []
            for v in s.variants:
                found += [INTERNAL] if v.internal else []
                found += [BAD_INPUT] if v.diagnostics else []
                found += [INCONCLUSIVE] if v.interrupted else []
        return worst(found)

    def all_properties(self) -> Iterator[tuple[ScenarioChange, VariantChange, PropertyChange]]:
        """Every verdict with where it belongs."""
        for s in self.scenarios:
            for v in s.variants:
                for p in v.properties:
                    yield s, v, p
