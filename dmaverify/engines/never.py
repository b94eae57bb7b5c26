"""A cover as a property: that it is never reached can be proved like anything else."""

from __future__ import annotations

from dataclasses import replace

from dmaverify.engines.stuck import DEADLOCK
from dmaverify.ir.expr import FALSE, not_
from dmaverify.ir.slice import belongs
from dmaverify.ir.system import Action, Always, Check, Effect, Property, Reached, System
from dmaverify.verdict import Outcome, Word

NOT_HERE = "only the search of all states finds deadlocks"
"""Why an engine cannot say anything of them."""

NOTHING = "nothing in this scenario can violate it"
"""Why a property holds of which nothing is claimed."""


def never(system: System, cover: str) -> System:
    """The System with the claim, of a property called like the cover, that it is not reached."""

    def claim(e: Effect) -> Effect:
        if isinstance(e, Reached) and e.cover == cover:
            return Check(cover, cover, e.path, FALSE, span=e.span, part=e.part)
        return e

    def claimed(a: Action) -> Action:
        return replace(a, effects=tuple(map(claim, a.effects)))

    states = [Always(cover, cover, not_(c.cond), span=c.span) for c in system.covers if c.name == cover]
    return system.with_(
        actions=tuple(map(claimed, system.actions)),
        always=(*system.always, *states),
        covers=tuple(c for c in system.covers if c.name != cover),
        properties=(*system.properties, Property(cover, "", "monitor")),
    )


def claims(system: System, prop: str) -> bool:
    """Whether the System has a check or an always-instance of the property."""
    return any(w.prop == prop for w in system.always) or any(c.prop == prop for a in system.actions for c in a.checks)


def covered(system: System, cover: str) -> bool:
    """Whether the System has a cover of that name."""
    return any(c.name == cover for c in system.covers) or any(
        isinstance(e, Reached) and e.cover == cover for a in system.actions for e in a.effects
    )


def unclaimed(system: System, prop: str) -> Outcome:
    """About a property of which the System has covers only, or nothing at all: no state needs to be looked at to know that nothing
    violates it. What it covers is left open. Deadlocks are no claim of any action or state, and left to the search of all states;
    of what the System does not know nothing is known.
    """
    if prop == DEADLOCK:
        return Outcome(prop, Word.UNKNOWN, NOT_HERE, slices=1)
    if all(p.name != prop for p in system.properties):
        return Outcome(prop, Word.UNKNOWN, "nothing is claimed", slices=1)
    names = [c.name for c in system.covers]
    names += [e.cover for a in system.actions for e in a.effects if isinstance(e, Reached)]
    covers: dict[str, bool | None] = dict.fromkeys(n for n in names if belongs(n, prop))
    return Outcome(prop, Word.EXHAUSTED, NOTHING, slices=1, engine="slicing", covers=covers)


def unreached(proof: Outcome) -> Outcome:
    """What a proof of that claim says about the cover."""
    decided = proof.word is Word.PROVED
    return replace(
        proof,
        word=proof.word if decided else Word.UNKNOWN,
        exercised={},
        covers={proof.prop: False if decided else None},
        spans={},
    )
