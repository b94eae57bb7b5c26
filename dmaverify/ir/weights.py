"""What each action adds to the length of a trace: one if somebody can notice it or it takes a lock, else
nothing.

Computed once, on the core System with all properties of the scenario, before anything is sliced or fused. So
the length of a trace does not depend on what was asked, on the engine, or on how steps were put together.
"""

from __future__ import annotations

from dataclasses import replace

from dmaverify.ir.expr import U32, const
from dmaverify.ir.footprint import Footprints
from dmaverify.ir.locksets import LockFacts
from dmaverify.ir.system import Action, System


def weigh(core: System, facts: LockFacts) -> tuple[System, dict[str, int]]:
    """The System with weights, and the weight of each action of the reference System.

    All instances of one action weigh the same: the most that any of them does.
    """
    footprints = Footprints(core, facts)
    devices = {t.name for t in core.threads if t.is_device}
    weights: dict[str, int] = {}
    for a in core.actions:
        noticed = a.thread is None or a.thread in devices or footprints.visible(a) or footprints.acquires(a)
        for p in a.parts:
            weights[p.action] = max(weights.get(p.action, 0), int(noticed))
    return core.with_(actions=tuple(_weighted(a, weights) for a in core.actions)), weights


def _weighted(a: Action, weights: dict[str, int]) -> Action:
    parts = tuple(replace(p, weight=weights[p.action]) for p in a.parts)
    return replace(a, parts=parts, weight=const(sum(p.weight for p in parts), U32))
