"""The model as a state machine of Hypothesis: a rule for each rule of the arena, made when the model is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from dmaverify.fuzz.arena import Arena, Claim
from dmaverify.fuzz.shrink import shrink
from dmaverify.fuzz.walk import Walk


class Violated(Exception):
    """A property is violated. Each property has a class of its own, so that Hypothesis tells them apart."""

    def __init__(self, claim: Claim) -> None:
        super().__init__(f"{claim.prop}: {claim.label}")
        self.claim = claim


class OutOfTime(KeyboardInterrupt):
    """The time is over. Of this kind, because it is the one that Hypothesis lets through without thinking that the test is flaky."""


class Log:
    """What the runs of one campaign have in common.

    ``unexpected``: properties whose violation ends a run, each with the greatest length at which it does (None: any). ``others``:
    properties whose violation is only noted.
    """

    def __init__(
        self, arena: Arena, unexpected: Mapping[str, int | None], others: Collection[str], out_of_time: Callable[[], bool]
    ) -> None:
        self.arena, self.out_of_time = arena, out_of_time
        self.unexpected, self.others = dict(unexpected), set(others)
        self.covers: set[str] = set()
        self.runs = 0
        self.steps = 0
        self.interrupted = False
        self.failing: dict[str, Walk] = {}
        """The best violation of each property whose violation ends a run, as long as Hypothesis is about it."""
        self.noted: dict[str, Walk] = {}
        """The best violation of each other property."""
        self._kinds: dict[str, type[Violated]] = {}

    def on_false(self, walk: Walk, claim: Claim) -> None:
        """Keep the run; raise if its end has come."""
        most = self.unexpected.get(claim.prop, -1)
        if most is None or walk.length + claim.cost <= most:
            _keep(self.failing, claim.prop, walk)
            kind = self._kinds.get(claim.prop)
            if kind is None:
                kind = self._kinds[claim.prop] = type(f"Violated_{claim.prop}", (Violated,), {})
            raise kind(claim)
        if claim.prop in self.others:
            _keep(self.noted, claim.prop, walk)

    @property
    def all_found(self) -> bool:
        """Whether every property has been violated: then there is nothing to look for."""
        return not self.unexpected and self.others <= self.noted.keys()

    def settle(self) -> None:
        """What was found is found: from now on it is only noted, so that the others get their turn."""
        for prop, walk in self.failing.items():
            self.noted[prop] = shrink(walk, prop)
            del self.unexpected[prop]
        self.failing = {}


def _keep(best: dict[str, Walk], prop: str, walk: Walk) -> None:
    """Fewer choices are better, then fewer steps."""
    known = best.get(prop)
    if known is None or (len(walk.schedule), len(walk.path)) < (len(known.schedule), len(known.path)):
        best[prop] = walk.copy()


def machine_class(log: Log) -> type[RuleBasedStateMachine]:
    """The class of the machine."""
    arena = log.arena

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.walk = Walk(arena, log.on_false, covers=log.covers)

        @initialize(data=st.data())
        def start(self, data: Any) -> None:
            self._begin(data)

        @precondition(lambda self: self.walk.ended)
        @rule(data=st.data())
        def again(self, data: Any) -> None:
            self._begin(data)

        def _begin(self, data: Any) -> None:
            if not log.failing and log.out_of_time():
                raise OutOfTime("the time is over")
            log.runs += 1
            most = len(arena.initial) - 1
            self.walk.begin(data.draw(st.integers(0, most)) if most else 0)

        def teardown(self) -> None:
            log.steps += len(self.walk.path)

    functions = [_function(n, r) for n, r in enumerate(arena.rules)]
    rules = {f.__name__: _rule(r, f) for r, f in zip(arena.rules, functions, strict=True)}
    return type("Machine", (Machine,), rules)


def _function(number: int, name: str) -> Callable[[Any, Any], None]:
    """Whoever the rule stands for goes on, in one of the ways that there are."""

    def act(self: Any, data: Any) -> None:
        ways = len(self.walk.place.choices[name])
        self.walk.take(name, data.draw(st.integers(0, ways - 1)) if ways > 1 else 0)

    act.__name__ = act.__qualname__ = f"rule{number:03}_{re.sub(r'[^A-Za-z0-9]+', '_', name).strip('_')}"
    return act


def _rule(name: str, act: Callable[[Any, Any], None]) -> Any:
    return precondition(lambda self: self.walk.can(name))(rule(data=st.data())(act))
