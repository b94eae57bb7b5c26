"""From the reference System to what engines search: flatten, weigh, slice, fuse, each with its clean-up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from dmaverify.ir.constants import fold
from dmaverify.ir.flatten import Flat, flatten
from dmaverify.ir.footprint import SOUND, StepRule
from dmaverify.ir.fuse import fuse as fuse_system
from dmaverify.ir.liveness import zero_dead_locals
from dmaverify.ir.locksets import LockFacts, array_facts, core_facts
from dmaverify.ir.slice import Slice, narrowed, slices, targets_of
from dmaverify.ir.system import System
from dmaverify.ir.weights import weigh


@dataclass(frozen=True)
class SliceStats:
    """How large one slice is."""

    properties: tuple[str, ...]
    targets: int
    variables: int
    bits: int
    actions: int
    control_points: dict[str, int]
    """By thread: places where a step starts."""


@dataclass(frozen=True)
class Stats:
    """How large things are: ``reference`` before, ``slices`` after slicing and fusing."""

    statements: dict[str, int]
    """By thread: statements of the core System."""
    visible: dict[str, int]
    """By thread: how many of them weigh something."""
    variables: int
    bits: int
    actions: int
    slices: tuple[SliceStats, ...]


@dataclass(frozen=True)
class Core:
    """The unsliced core System, weighed, with the way back and what is known about its locks."""

    flat: Flat
    facts: LockFacts
    weights: Mapping[str, int]
    """What each action of the reference System adds to the length of a trace."""

    @property
    def system(self) -> System:
        """The core System."""
        return self.flat.system


@dataclass(frozen=True)
class Prepared:
    """Slices for some properties, ready to be searched."""

    core: Core
    slices: tuple[Slice, ...]

    def stats(self) -> Stats:
        """How large things are."""
        core = self.core.system
        return Stats(
            statements={t.name: sum(a.thread == t.name for a in core.actions) for t in core.threads},
            visible={
                t.name: sum(a.thread == t.name and any(p.weight for p in a.parts) for a in core.actions) for t in core.threads
            },
            variables=len(core.vars),
            bits=sum(v.type.bits for v in core.vars),
            actions=len(core.actions),
            slices=tuple(map(_stats, self.slices)),
        )


def _stats(s: Slice) -> SliceStats:
    system = s.system
    return SliceStats(
        s.properties,
        len(s.targets),
        len(system.vars),
        sum(v.type.bits for v in system.vars),
        len(system.actions),
        {t.name: len({a.at for a in system.actions if a.thread == t.name}) for t in system.threads},
    )


def to_core(system: System) -> Core:
    """The core System of a reference System, simplified and weighed."""
    flat = flatten(system)
    core, folded = simplify(flat.system)
    flat = replace(flat, system=core, folded=folded)
    facts = core_facts(core).also(array_facts(flat))
    weighed, weights = weigh(core, facts)
    return Core(replace(flat, system=weighed), facts, weights)


def simplify(core: System) -> tuple[System, dict[str, object]]:
    """Constants folded and dead locals cleared, until nothing changes; and the values of what was folded
    away.
    """
    folded: dict[str, object] = {}
    while True:
        core, constants = fold(core)
        folded.update(constants)
        cleared = zero_dead_locals(core)
        if cleared == core:
            return core, folded
        core = cleared


def prepare(
    system: System | Core,
    properties: tuple[str, ...],
    *,
    fuse: bool = True,
    slice: bool = True,
    stops: bool = False,
    rule: StepRule = SOUND,
) -> Prepared:
    """What engines need to decide some properties. ``stops`` is explained at ``slices``."""
    core = system if isinstance(system, Core) else to_core(system)
    whole = core.system
    if slice:
        parts = slices(whole, properties, stops=stops)
    else:
        parts = [Slice(whole, tuple(targets_of(whole, properties)), tuple(properties))]
    return Prepared(core, tuple(_finished(s, core.facts, fuse, slice, stops, rule) for s in parts))


def _finished(s: Slice, facts: LockFacts, fuse: bool, slice: bool, stops: bool, rule: StepRule) -> Slice:
    if slice:
        s = _simplified(s)
    if fuse:
        s = _simplified(replace(s, system=fuse_system(s.system, facts, rule)))
    if fuse and slice:
        # once its locks are gone, a thread that only took them may be gone too
        s = _simplified(narrowed(s, stops=stops))
    return s


def _simplified(s: Slice) -> Slice:
    return replace(s, system=simplify(s.system)[0])
