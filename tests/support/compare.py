"""What a search found, in a form in which two searches can be compared."""

from __future__ import annotations

from dataclasses import dataclass

from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import explore
from dmaverify.engines.exploration import Exploration
from dmaverify.ir.footprint import SOUND, StepRule
from dmaverify.ir.pipeline import Core, prepare
from dmaverify.ir.system import System
from tests.support.naive_search import Found


@dataclass
class Findings:
    """Lengths of shortest traces, by property and label; what was put to the test; length to a deadlock."""

    violated: dict[tuple[str, str], int]
    covers: dict[str, int]
    exercised: set[tuple[str, str]]
    deadlock: int | None = None

    def of(self, properties: tuple[str, ...]) -> Findings:
        """Only what concerns some properties; no deadlock."""
        return Findings(
            {k: n for k, n in self.violated.items() if k[0] in properties},
            {c: n for c, n in self.covers.items() if c.split(".")[0] in properties},
            {k for k in self.exercised if k[0] in properties},
        )


def findings(result: Exploration) -> Findings:
    """What the explicit engine found."""
    assert not result.reason
    checks = {(t.prop, t.label) for t in result.compiled.targets if t.kind in ("check", "always")}
    return Findings(
        {key[1:]: f.cost for key, f in result.found.items() if key[0] == "violated"},
        {key[1]: f.cost for key, f in result.found.items() if key[0] == "reached"},
        result.exercised & checks,
        None if result.dead is None else result.dead.cost,
    )


def explored(system: System, deadlock: bool = False) -> Findings:
    """What the explicit engine finds in a core System."""
    return findings(explore(system, Budget(), deadlock=deadlock))


def naively(found: Found) -> Findings:
    """What the interpreter found."""
    return Findings(found.violated, found.covers, found.exercised, found.deadlock)


def fused(core: Core, properties: tuple[str, ...], rule: StepRule = SOUND) -> System:
    """The whole System in steps."""
    return prepare(core, properties, slice=False, rule=rule).slices[0].system


def sliced(core: Core, properties: tuple[str, ...]) -> Findings:
    """What all slices find together."""
    whole = Findings({}, {}, set())
    for s in prepare(core, properties, stops=True).slices:
        part = explored(s.system).of(properties)
        for key, n in part.violated.items():
            whole.violated[key] = min(n, whole.violated.get(key, n))
        whole.covers.update(part.covers)
        whole.exercised |= part.exercised
    return whole
