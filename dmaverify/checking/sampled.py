"""Many random walks through a scenario, and what they came across: violations, asserts put to the test, covers reached.

The walks go through the System with its steps put together, by native code if there are many of them. What they find is
replayed in the reference System before it is told, like everything else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from dmaverify.engines.base import Budget, Progress
from dmaverify.engines.explicit import few_states
from dmaverify.engines.replay import replay
from dmaverify.engines.successors import Compiled
from dmaverify.engines.walks import Met, Walks, walk_in_python
from dmaverify.ir.expr import const
from dmaverify.ir.pipeline import Core, prepare, to_core
from dmaverify.ir.system import System
from dmaverify.ir.types import Int
from dmaverify.verdict import Trace


@dataclass(frozen=True)
class Violation:
    """One property's violation with the fewest choices: the walk's seed, its trace, and what fails, in words."""

    prop: str
    seed: int
    trace: Trace
    message: str


@dataclass(frozen=True)
class Sample:
    """What the walks came across. ``reason``: why there were fewer of them than asked for; else empty."""

    runs: int
    choices: int
    states: int
    violations: tuple[Violation, ...]
    tested: frozenset[tuple[str, str]]
    untested: frozenset[tuple[str, str]]
    """(property, label) of asserts; those that no walk put to the test."""
    reached: frozenset[str]
    missed: frozenset[str]
    """Covers and probes; those that no walk passed."""
    reason: str = ""


def sample(
    system: System, seed: int, runs: int, steps: int, progress: Callable[[Progress], None] | None = None, threads: int | None = None
) -> Sample:
    """So many walks of at most so many choices through a reference System; ``DomainError`` if it has too many initial states."""
    core = to_core(system)
    names = tuple(p.name for p in core.system.properties)
    (whole,) = prepare(core, names, slice=False).slices
    walks = _walks(Compiled(whole.system), seed, runs, steps, Budget(progress=progress), threads)
    targets = walks.compiled.targets
    asserts = {(t.prop, t.label) for t in targets if t.kind in ("check", "always")}
    covers = {t.label for t in targets if t.kind in ("cover", "reached")}
    tested = walks.exercised & asserts
    reached = {label for kind, _, label in walks.found if kind == "reached"}
    return Sample(
        walks.runs,
        walks.transitions,
        walks.states,
        tuple(_violations(core, system, walks)),
        frozenset(tested),
        frozenset(asserts - tested),
        frozenset(reached),
        frozenset(covers - reached),
        walks.reason,
    )


def _walks(compiled: Compiled, seed: int, runs: int, steps: int, budget: Budget, threads: int | None) -> Walks:
    """By native code if that is sooner ready; the walks are the same."""
    if runs * steps > 4 * few_states(compiled):
        from dmaverify.engines.native.emit import NotNative
        from dmaverify.engines.native.engine import cpus
        from dmaverify.engines.native.walks import walk_natively

        with contextlib.suppress(NotNative, MemoryError):
            return walk_natively(compiled, seed, runs, steps, budget, threads or cpus())
    return walk_in_python(compiled, seed, runs, steps, budget)


def _violations(core: Core, system: System, walks: Walks) -> list[Violation]:
    """For each property that some walk violated, the one with the fewest choices, replayed."""
    weights = core.weights
    reference = system.with_(actions=tuple(replace(a, weight=const(weights.get(a.name, 0), Int(32))) for a in system.actions))
    best: dict[str, Met] = {}
    label: dict[str, str] = {}
    for (kind, prop, name), found in sorted(walks.found.items()):
        assert isinstance(found, Met)
        if kind == "violated" and (prop not in best or found.cost < best[prop].cost):
            best[prop], label[prop] = found, name
    told = []
    for prop, found in best.items():
        places = (n for n, t in enumerate(walks.compiled.targets) if (t.prop, t.label) == (prop, label[prop]))
        target = walks.compiled.targets[found.hit.target if found.hit is not None else next(places)]
        replayed = replay(reference, core.flat.decode_trace(walks.trace(found, target)))
        failed = replayed.failed
        told.append(Violation(prop, walks.seed + found.run, replayed.trace, "" if failed is None else failed.message or failed.label))
    return told
