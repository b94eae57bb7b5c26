"""A state machine of Hypothesis that makes the same calls to a model and to an implementation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from dmaverify.evidence.codec import BadEvent
from dmaverify.evidence.stream import Event
from dmaverify.fuzz.reduce import Pick, reduce
from dmaverify.ir.system import System
from dmaverify.testing.conformance import NotConformable, Operation, Reference, Seen, Way, seen

Adapter = Callable[[], Any]
"""Makes what stands between the machine and an implementation: for each event that is a call it has a method of that name."""


MOST_RUNS = 5_000
"""Shrinking ends after so many runs of the implementation."""

MOST_SCRIPTS = 8
"""Of more arguments that a call may have the first ones are tried for a shorter run."""


class Wrong(AssertionError):
    """An implementation is not what the model says; the text has all calls, and no more than it needs."""


class Diverged(Wrong):
    """The implementation has answered a call in a way that the model does not allow."""


class MonitorFailed(Wrong):
    """What really happened violates a monitor of the scenario."""


def machine_for(
    scenario: str | os.PathLike[str],
    adapter: Adapter,
    *,
    variant: str | None = None,
    params: Mapping[str, int | str] | None = None,
    calls: Iterable[str] | None = None,
) -> type[RuleBasedStateMachine]:
    """A state machine whose rules are the operations of the scenario's clients, made in the model and in an implementation.

    ``adapter`` (a class, mostly) is called for each run, without arguments; what it returns has a method for each event that is a
    *call*, which gets the event's arguments by name, and answers with the events that really happened: nothing, one, or a list of
    them, each as ``{"event": NAME, …}`` (what is left out is not compared). ``calls`` are the names of the events that are calls, by
    default those that the adapter has methods for. An attribute ``answers`` names the events that the implementation can report;
    without it every other event of the model is expected of it. A method ``close`` is called at the end of a run.

    After each call the answers are fed to the scenario's monitors, and compared with what the model allows; where it allows several
    answers, the implementation may give any. Raises what the compiler raises, and ValueError (``NotConformable``) where nothing can
    be compared.
    """
    from dmaverify.checking.frontend import concrete

    model = concrete(os.fspath(scenario), variant, dict(params or {}))
    if model.compiled is None:
        raise NotConformable(f"{model.name} is not compiled from a scenario")
    reference = Reference(model.compiled, _calls(model.system, adapter, calls))
    small = Smallest(reference, adapter)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.subject = Subject(reference, adapter())

        def make(self, operation: Operation, number: int) -> None:
            try:
                self.subject.call(operation, number)
            except Wrong as wrong:
                raise small.of(self.subject, wrong) from None

        def teardown(self) -> None:
            self.subject.close()

    rules = {operation.name: _rule(operation) for operation in reference.operations}
    machine: type[Machine] = type(f"{model.name}_machine", (Machine,), rules)
    # what is found is shrunk and told here, with the calls for steps
    machine.TestCase.settings = settings(
        deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate), verbosity=Verbosity.quiet
    )
    return machine


def _calls(system: System, adapter: Adapter, calls: Iterable[str] | None) -> list[str]:
    if calls is not None:
        return list(calls)
    events = {e.event for a in system.actions for e in a.emits}
    one = adapter if isinstance(adapter, type) else adapter()
    found = sorted(e for e in events if callable(getattr(one, e, None)))
    if one is not adapter:
        _close(one)
    if not found:
        raise NotConformable(
            f"the adapter has no method for any event of {system.name}: {', '.join(sorted(events))}; "
            "give it one for each call, or name the calls"
        )
    return found


def _close(adapter: Any) -> None:
    close = getattr(adapter, "close", None)
    if close is not None:
        close()


def _rule(operation: Operation) -> Any:
    def act(self: Any, data: Any) -> None:
        scripts = len(self.subject.scripts(operation))
        self.make(operation, data.draw(st.integers(0, scripts - 1)) if scripts > 1 else 0)

    act.__name__ = act.__qualname__ = operation.name
    return precondition(lambda self: self.subject.can(operation))(rule(data=st.data())(act))


class Subject:
    """An implementation under test, beside all states in which the model may be after the same calls and answers."""

    def __init__(self, reference: Reference, adapter: Any) -> None:
        self.reference, self.adapter = reference, adapter
        self.states = reference.start
        self.judge = reference.judge()
        self.told: list[tuple[Seen, tuple[Seen, ...]]] = []
        """Each call with its answers."""
        self.picks: list[Pick] = []
        """Each operation with the number of its script."""

    def can(self, operation: Operation) -> bool:
        """Whether the operation can begin."""
        return any(self.reference.can(s, operation) for s in self.states)

    def scripts(self, operation: Operation) -> list[tuple[Seen, ...]]:
        """The calls that an operation may consist of, in an order that does not depend on the run."""
        scripts = {w.calls for s in self.states for w in self.reference.ways(s, operation)}
        return sorted(scripts, key=lambda script: [(c.name, repr(c.args)) for c in script])

    def call(self, operation: Operation, number: int) -> None:
        """Make the calls of a script; ``MonitorFailed`` or ``Diverged`` if the answers are wrong."""
        script = self.scripts(operation)[number]
        self.picks.append((operation.name, number))
        ways = [w for s in self.states for w in self.reference.ways(s, operation) if w.calls == script]
        answers: list[Seen] = []
        for call in script:
            self.told.append((call, ()))
            self._judge(call)
            method = getattr(self.adapter, call.name)
            here = tuple(_answers(method(**dict(call.args))))
            self.told[-1] = (call, here)
            for answer in here:
                self._judge(answer)
            answers += here
        known = getattr(self.adapter, "answers", None)
        allowed = [w for w in ways if _agree(answers, [a for a in w.answers if known is None or a.name in known])]
        if not allowed:
            raise Diverged(self._differs(ways))
        false = [w.false[0] for w in allowed if w.false]
        if len(false) == len(allowed):
            raise MonitorFailed(self._story(f"the model itself violates {false[0]}; dmaverify check says more"))
        self.states = tuple(dict.fromkeys(w.state for w in allowed if not w.false))

    def close(self) -> None:
        """The run is over."""
        _close(self.adapter)

    def _judge(self, event: Seen) -> None:
        try:
            failures = self.judge.feed(event.name, event.raw)
        except BadEvent as e:
            raise TypeError(f"the adapter says {event}: {e}") from None
        if failures:
            raise MonitorFailed(self._story(f"{failures[0].label.partition('.')[0]} is violated: {failures[0].message}"))

    def _differs(self, ways: list[Way]) -> str:
        models = sorted({", ".join(map(str, w.answers)) or "nothing" for w in ways})
        real = ", ".join(map(str, self.told[-1][1])) or "nothing"
        return self._story(f"the model answers {' or '.join(models)}, the implementation {real}")

    def _story(self, what: str) -> str:
        width = max((len(str(call)) for call, _ in self.told), default=0)
        lines = [
            f"  {n:>3}  {call!s:<{width}}  {', '.join(map(str, answers))}".rstrip()
            for n, (call, answers) in enumerate(self.told, 1)
        ]
        return "\n".join([what, "", *lines])


class Smallest:
    """Shrinks what is found. What was shrunk once is shown again: Hypothesis repeats a failing run, and others are no better."""

    def __init__(self, reference: Reference, adapter: Adapter) -> None:
        self._reference, self._adapter = reference, adapter
        self._operations = {o.name: o for o in reference.operations}
        self._known: dict[type[Wrong], Wrong] = {}

    def of(self, subject: Subject, wrong: Wrong) -> Wrong:
        """The same failure after as few calls as can be found."""
        kind = type(wrong)
        if kind not in self._known:
            first = _Failed(subject.picks, len(subject.told), wrong)
            best = reduce(first, lambda picks: self._again(picks, kind), lambda f: f.calls, MOST_SCRIPTS, MOST_RUNS)
            self._known[kind] = best.wrong
        return kind(str(self._known[kind]))

    def _again(self, picks: Sequence[Pick], kind: type[Wrong]) -> _Failed | None:
        subject = Subject(self._reference, self._adapter())
        try:
            for name, number in picks:
                operation = self._operations[name]
                if subject.can(operation):
                    subject.call(operation, min(number, len(subject.scripts(operation)) - 1))
        except kind as wrong:
            return _Failed(subject.picks, len(subject.told), wrong)
        except Wrong:
            return None
        finally:
            subject.close()
        return None


@dataclass(frozen=True)
class _Failed:
    """A run that shows a failure in its last operation."""

    picks: list[Pick]
    calls: int
    wrong: Wrong


def _answers(answer: Any) -> Iterable[Seen]:
    """What an adapter's method returned, as events."""
    if answer is None:
        return []
    found = [answer] if isinstance(answer, Mapping) else list(answer)
    for one in found:
        if not isinstance(one, Mapping) or not isinstance(one.get("event"), str):
            raise TypeError(f"an adapter answers with events such as {{'event': 'allocated', 'at': 4096}}, not with {one!r}")
    return [seen(Event(one["event"], {k: v for k, v in one.items() if k != "event"})) for one in found]


def _agree(real: list[Seen], model: list[Seen]) -> bool:
    """Whether the answers are those of the model, as far as they go."""
    if [r.name for r in real] != [m.name for m in model]:
        return False
    return all(dict(m.args).get(k, v) == v for r, m in zip(real, model, strict=True) for k, v in r.args)
