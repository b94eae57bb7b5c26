"""Was it put to the test? Random walks through the reference System answer *yes* cheaply where an engine
could not say.
"""

from __future__ import annotations

from dmaverify.checking.walk import random_walks
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome

WALKS = 12
STEPS = 120


def exercise_by_walking(system: System, outcomes: list[Outcome], seed: int) -> None:
    """Set to true what a few walks (the same for the same seed) put to the test among what is undecided."""
    open_labels = {(o.prop, label) for o in outcomes for label, value in o.exercised.items() if value is None}
    if not open_labels:
        return
    seen: set[tuple[str, str]] = set()
    for _, walk in random_walks(system, seed, WALKS, STEPS):
        seen |= walk.exercised
        if open_labels <= seen:
            break
    for o in outcomes:
        for label, value in o.exercised.items():
            if value is None and (o.prop, label) in seen:
                o.exercised[label] = True
