"""A model as something to play: in each state the rules that may act, and what each of them would do.

A rule is who acts: a thread goes on, a client begins one of its operations, the hardware takes one of its spontaneous actions. What a
rule may do in several ways (an input, a call that may fail) is a choice of its own. The moves are those of the generated code that the
explicit search uses; what is found is replayed in the reference System like everything else.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from dmaverify.engines.interp import Interpreter
from dmaverify.engines.stuck import DEADLOCK, stuck
from dmaverify.engines.successors import Compiled, Hit, Move
from dmaverify.fuzz.coverage import PREFIX, instrument
from dmaverify.ir.expr import const
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.system import System
from dmaverify.ir.types import Int, Value

if TYPE_CHECKING:
    from dmaverify.checking.frontend import Model

MOST_INITIAL = 4096
"""Of more initial states the first ones are tried."""

MOST_REMEMBERED = 100_000
"""States whose moves are kept."""

_WEIGHT = Int(32)


@dataclass(frozen=True)
class Claim:
    """A check or an always-instance that is false; ``cost``: the length that the step has added up to it."""

    prop: str
    label: str
    cost: int = 0


@dataclass(frozen=True)
class Choice:
    """One thing that may happen. ``after`` None: a built-in check fails, and the state behind it means nothing."""

    rule: str
    action: int
    inputs: tuple[Value, ...]
    after: int | None
    cost: int
    false: tuple[Claim, ...]
    covers: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A state: what may happen, by rule, and what is to be said about the state itself."""

    choices: Mapping[str, tuple[Choice, ...]]
    false: tuple[Claim, ...]
    covers: tuple[str, ...]

    @property
    def only(self) -> Choice | None:
        """The only thing that may happen, if there is one thing only."""
        if len(self.choices) == 1:
            (choices,) = self.choices.values()
            if len(choices) == 1:
                return choices[0]
        return None


class Arena:
    """One variant of a scenario, compiled for running about in it."""

    def __init__(self, model: Model) -> None:
        core, self.points = instrument(to_core(model.system))
        weights = core.weights
        self.reference: System = model.system.with_(
            actions=tuple(replace(a, weight=const(weights.get(a.name, 0), _WEIGHT)) for a in model.system.actions)
        )
        (whole,) = prepare(core, model.properties, slice=False).slices
        self.system = whole.system
        self.compiled = Compiled(self.system)
        self.rule_of = self._rules()
        self.rules: tuple[str, ...] = tuple(dict.fromkeys(self.rule_of))
        self.initial: tuple[int, ...] = tuple(islice(self.compiled.initial_states(), MOST_INITIAL))
        self.deadlocks = DEADLOCK in model.properties
        """Whether a deadlock is a violation here."""
        self._known: OrderedDict[int, Place] = OrderedDict()

    def _rules(self) -> list[str]:
        """The rule of each action: its thread's, or its own where the thread has several to choose from."""
        at = Counter((a.thread, a.at) for a in self.system.actions)
        names = [a.parts[0].action if a.parts else a.name for a in self.system.actions]
        return [
            a.thread if a.thread is not None and at[a.thread, a.at] == 1 else name
            for a, name in zip(self.system.actions, names, strict=True)
        ]

    def place(self, state: int) -> Place:
        """What may happen in a state."""
        known = self._known.get(state)
        if known is None:
            known = self._known[state] = self._look(state)
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return known

    def _look(self, state: int) -> Place:
        moves: list[Move] = []
        hits: list[Hit] = []
        seen: list[int] = []
        self.compiled.observe(state, seen)
        self.compiled.moves(state, moves, hits)
        found: dict[tuple[int, tuple[Value, ...]], tuple[int | None, int]] = {}
        for after, cost, action, given in moves:
            found[action, given] = (after, cost)
        marks: dict[tuple[int, tuple[Value, ...]], list[tuple[int, int]]] = {}
        for target, cost, action, given in hits:
            found.setdefault((action, given), (None, cost))
            marks.setdefault((action, given), []).append((target, cost))
        choices: dict[str, list[Choice]] = {}
        for (action, given), (then, cost) in sorted(found.items(), key=lambda item: item[0]):
            rule = self.rule_of[action]
            false, covers = self._meant(marks.get((action, given), []))
            choices.setdefault(rule, []).append(Choice(rule, action, given, then, cost, false, covers))
        false, covers = self._meant([(target, 0) for target in seen])
        return Place({r: tuple(c) for r, c in choices.items()}, false, covers)

    def _meant(self, hits: list[tuple[int, int]]) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
        """What is false, and which covers are reached."""
        false: list[Claim] = []
        covers: list[str] = []
        for n, cost in hits:
            target = self.compiled.targets[n]
            if target.kind in ("check", "always"):
                false.append(Claim(target.prop, target.label, cost))
            else:
                covers.append(target.label)
        return tuple(false), tuple(covers)

    def stuck(self, state: int) -> bool:
        """Whether a state in which nothing may happen is a deadlock, and not just the end."""
        values = tuple(self.compiled.packing.value(state, v.name) for v in self.system.vars)
        return stuck(Interpreter(self.system), values) is not None

    def tested(self) -> set[tuple[str, str]]:
        """(property, label) of everything that was put to the test wherever somebody looked."""
        return {(t.prop, t.label) for n, t in enumerate(self.compiled.targets) if self.compiled.exercised[n]}

    def labels(self) -> dict[str, list[str]]:
        """The labels of each property's checks and always-instances."""
        found: dict[str, list[str]] = {}
        for t in self.compiled.targets:
            if t.kind in ("check", "always") and t.label not in found.setdefault(t.prop, []):
                found[t.prop].append(t.label)
        return found

    def name_of(self, choice: Choice, state: int) -> str:
        """The choice as a schedule says it: its rule, and which of the ways if there are several."""
        ways = self.place(state).choices[choice.rule]
        return choice.rule if len(ways) == 1 else f"{choice.rule} #{ways.index(choice)}"


def is_coverage(cover: str) -> bool:
    """Whether the cover is one of ours, not of the scenario."""
    return cover.startswith(PREFIX)
