"""The same monitor text as an online judge of events that come from elsewhere: a kernel's trace, real C, a random run.

A handler reads arguments of events, ghosts and constants of the board only, so it can be run without a model. Clauses that
look at a model's state (``always``, ``lemma``) are *not judged* here, and the judgement says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dmaverify.evidence.evaluate import Env, Evaluator, Table
from dmaverify.evidence.patterns import match
from dmaverify.evidence.statements import Runner
from dmaverify.evidence.values import ABSENT, BadEvent, decode, default
from dmaverify.evidence.world import World
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import EventSym, MonitorSym
from dmaverify.span import Span


@dataclass
class Clause:
    """One assert of a monitor, and what became of it. ``failures``: number of the event (from 1) and the message."""

    label: str
    span: Span
    held: int = 0
    undecided: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """``failed``, ``held``, ``undecided`` or ``never reached``."""
        if self.failures:
            return "failed"
        if self.held:
            return "held"
        return "undecided" if self.undecided else "never reached"


@dataclass
class Judgement:
    """What a monitor says of a stream. ``not_judged`` counts its model clauses."""

    monitor: str
    clauses: list[Clause]
    not_judged: int
    events: int = 0
    gaps: int = 0
    complete: bool | None = None
    """What the end of the stream said; None: it just stopped."""

    @property
    def failed(self) -> bool:
        """Whether some clause failed."""
        return any(c.failures for c in self.clauses)


class Judge:
    """Runs monitors over a stream, event by event.

    ``events`` are the declared events by name. Arguments come as JSON values by name; one that is missing or null where the
    type has no null is absent. BadEvent is raised for an unknown event, an unknown argument or a value of the wrong type.
    """

    def __init__(self, monitors: Iterable[MonitorSym], events: dict[str, EventSym], world: World) -> None:
        self._monitors = list(monitors)
        self._events = events
        self._evaluator = Evaluator(world, {})
        self._number = 0
        self._clauses: dict[int, Clause] = {}
        self.judgements: dict[str, Judgement] = {}
        for monitor in self._monitors:
            self._prepare(monitor)

    def _prepare(self, monitor: MonitorSym) -> None:
        for ghost in monitor.ghosts.values():
            of = ghost.ty.of if isinstance(ghost.ty, sem.MapT) else ghost.ty
            first = default(of) if ghost.init is None else self._evaluator.value(ghost.init, {})
            self._evaluator.ghosts[ghost] = Table(first) if isinstance(ghost.ty, sem.MapT) else first
        decl: ast.Monitor = monitor.decl
        models: list[ast.Assert] = []
        for clause_of_model in decl.always:
            _collect(clause_of_model.body, models)
        clauses = []
        for n, node in enumerate(asserts(decl), start=1):
            if node not in models:
                clause = Clause(f"{monitor.name}.{n}", node.span)
                self._clauses[id(node)] = clause
                clauses.append(clause)
        not_judged = len(decl.always) + len(decl.lemmas)
        self.judgements[monitor.name] = Judgement(monitor.name, clauses, not_judged)

    def feed(self, name: str, raw: dict[str, Any]) -> list[tuple[str, str]]:
        """Judge one event; the labels and messages of the clauses that it makes fail."""
        event = self._events.get(name)
        if event is None:
            raise BadEvent(f"there is no event {name}")
        self._number += 1
        values = self._arguments(event, raw)
        failed: list[tuple[str, str]] = []
        for monitor in self._monitors:
            self.judgements[monitor.name].events += 1
            for handler in monitor.decl.handlers:
                if handler.ref is event or handler.event == name:
                    self._handle(handler, values, failed)
        return failed

    def gap(self, lost: int) -> None:
        """Events are missing here: nothing that the ghosts hold can be relied on until it is seen again."""
        for judgement in self.judgements.values():
            judgement.gaps += 1
        for ghost, held in list(self._evaluator.ghosts.items()):
            if isinstance(held, Table):
                held.forget()
            else:
                self._evaluator.ghosts[ghost] = ABSENT
        if "gap" in self._events:
            self.feed("gap", {"lost": lost})

    def end(self, complete: bool) -> None:
        """The stream ends; ``complete``: it holds everything that happened until then."""
        for judgement in self.judgements.values():
            judgement.complete = complete
        if "end_of_stream" in self._events:
            self.feed("end_of_stream", {"complete": complete})

    def _arguments(self, event: EventSym, raw: dict[str, Any]) -> list[Any]:
        names = [p.name for p in event.params]
        for given in raw:
            if given not in names:
                raise BadEvent(f"{event.name} has no argument {given}; it has {', '.join(names) or 'none'}")
        return [decode(raw[p.name], p.ty, p.name) if p.name in raw else ABSENT for p in event.params]

    def _handle(self, handler: ast.Handler, values: list[Any], failed: list[tuple[str, str]]) -> None:
        def asserted(node: ast.Assert, outcome: Any, message: str) -> None:
            clause = self._clauses[id(node)]
            if outcome is ABSENT:
                clause.undecided += 1
            elif outcome:
                clause.held += 1
            else:
                clause.failures.append((self._number, message))
                failed.append((clause.label, message))

        env: Env = {}
        runner = Runner(self._evaluator, asserted)
        fits: Any = True
        for pattern, value in zip(handler.patterns, values, strict=False):
            one = match(pattern, value, env, self._evaluator)
            # a plain name always fits, also an argument that is absent
            one = True if isinstance(pattern, ast.PatName) and not pattern.args and one is ABSENT else one
            fits = one if fits is True or one is False else fits
        if fits is ABSENT:
            runner.undecided(handler.body, env)
        elif fits:
            runner.run(handler.body, env)


def asserts(monitor: ast.Monitor) -> list[ast.Assert]:
    """The asserts of a monitor's event clauses and helper procs, in the order of the text: clause n is the n-th of them all,
    those of ``always`` clauses counted too (they keep their numbers, though nobody judges them here)."""
    found: list[ast.Assert] = []
    parts: list[ast.Handler | ast.Always | ast.ProcDecl] = [*monitor.handlers, *monitor.always, *monitor.procs]
    for part in parts:
        _collect(part.body, found)
    return sorted(found, key=lambda a: (a.span.line, a.span.column))


def _collect(node: Any, found: list[ast.Assert]) -> None:
    if isinstance(node, ast.Assert):
        found.append(node)
    elif isinstance(node, ast.Block):
        for stmt in node.stmts:
            _collect(stmt, found)
    elif isinstance(node, ast.If):
        _collect(node.then, found)
        _collect(node.orelse, found)
    elif isinstance(node, ast.Match):
        for arm in node.arms:
            _collect(arm.body, found)
    elif isinstance(node, ast.For | ast.CFor | ast.While):
        _collect(node.body, found)
