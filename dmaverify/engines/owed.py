"""What has to be shown for a certificate: which facts each action keeps, from which facts, and where the property is claimed.

All of it, and by everything that is known; or less that comes to the same. Of what renamings of variables turn into each other, and
leave everything that is claimed as it is (``ir/renaming``), the first is owed. And facts that speak of other variables than an action
and what it is to keep (``near``) may be left out of what is taken for granted: a proof from less is a proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmaverify.ir.renaming import Renaming, alike
from dmaverify.ir.system import Action, Check, System
from dmaverify.ir.traverse import variables


class NotAlike(ValueError):
    """A renaming does not leave the System as it is."""


@dataclass(frozen=True)
class Step:
    """One action, by its place, keeps the facts ``kept`` if the facts ``given`` hold before it; its checks that are to be shown follow
    from ``given``. Facts go by their place among the facts.
    """

    action: int
    kept: tuple[int, ...]
    given: tuple[int, ...]


@dataclass(frozen=True)
class Owed:
    """``initially``: the facts that initial states satisfy, by questions. ``always``: places of always-instances of the property, each
    with the facts that it follows from.
    """

    initially: tuple[tuple[int, ...], ...]
    steps: tuple[Step, ...]
    always: tuple[tuple[int, tuple[int, ...]], ...]

    def questions(self, system: System, prop: str) -> dict[str, int]:
        """How many questions that makes, by the file in which they are asked."""
        checks = sum(len(to_show(system.actions[s.action], prop)) for s in self.steps)
        return {"init.smt2": len(self.initially), "step.smt2": len(self.steps), "safe.smt2": len(self.always) + checks}


def to_show(action: Action, prop: str) -> list[Check]:
    """The checks of an action of a claimed System that must be shown: all but those that merely end runs."""
    return [c for c in action.checks if c.prop == prop or not c.stop]


def reads(action: Action, system: System) -> set[str]:
    """Variables that decide whether an action can be taken, what it changes, and whether its checks pass."""
    found = variables(action.guard, *action.updates.values(), *(e for c in action.checks for e in (c.path, c.cond)))
    return found | ({system.thread(action.thread).pc} if action.thread is not None else set())


def owed(system: System, prop: str, invariant: str, renamings: Sequence[Renaming] = (), near: bool = False) -> Owed:
    """What is owed for a claimed System, whose always-instances of ``invariant`` are the facts; ``NotAlike`` if a renaming is none."""
    found = alike(system, renamings)
    if found is None:
        raise NotAlike("variables that are said to be alike are not")
    places = [n for n, w in enumerate(system.always) if w.prop == invariant]
    about = [variables(system.always[n].when, system.always[n].cond) for n in places]
    number = {n: k for k, n in enumerate(places)}

    def given(names: set[str]) -> tuple[int, ...]:
        return tuple(k for k, names_of in enumerate(about) if not near or names_of <= names)

    pairs = [
        (a, n)
        for a, action in enumerate(system.actions)
        for n in places
        if not near or not about[number[n]].isdisjoint(action.updates)
    ]
    kept: dict[int, list[int]] = {a: [] for a in found.actions}
    for a, n in found.pairs(pairs) if near else [pair for pair in pairs if pair[0] in kept]:
        kept.setdefault(a, []).append(number[n])
    steps = []
    for a in sorted(kept):
        names = reads(system.actions[a], system).union(*(about[k] for k in kept[a]))
        steps.append(Step(a, tuple(kept[a]), given(names)))
    first = [n for n, w in enumerate(system.always) if found.always[n] == n]
    initially = tuple(number[n] for n in first if n in number)
    # where nothing happens, that is all there is to show
    apart = not system.actions and bool(initially)
    return Owed(
        tuple((k,) for k in initially) if apart else (initially,),
        tuple(steps),
        tuple(
            (n, given(variables(system.always[n].when, system.always[n].cond))) for n in first if system.always[n].prop == prop
        ),
    )
