"""The same monitor text as an online judge of events that come from elsewhere: a kernel's trace, real C, a
random run.

A handler reads arguments of events, ghosts and constants of the board only, so it can be run without a model.
Clauses that look at a model's state (``always``, ``lemma``) are *not judged* here, and the judgement says so.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dmaverify.evidence import forms, operators  # noqa: F401  (they register what evaluates which expression)
from dmaverify.evidence.codec import BadEvent, decode, decode_pieces
from dmaverify.evidence.evaluate import Env, Evaluator, initial
from dmaverify.evidence.patterns import match_all
from dmaverify.evidence.statements import Runner
from dmaverify.evidence.tables import Scalar, Table
from dmaverify.evidence.values import ABSENT
from dmaverify.evidence.world import World
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import EventSym, GhostSym, MonitorSym
from dmaverify.lang.tree import walk
from dmaverify.span import Span

KEPT = 100
"""Failures of one clause that are kept; the rest is counted."""

GAP, END = "gap", "end_of_stream"
"""Events of these names, where the text declares them, tell handlers of a loss and of the end."""


@dataclass(frozen=True)
class Failure:
    """A clause that an event made fail. ``event`` counts the events of the stream from 1."""

    label: str
    event: int
    name: str
    message: str


@dataclass
class Clause:
    """One assert of a monitor, and what became of it. ``failures``: the first ones; ``failed`` counts all."""

    label: str
    span: Span
    held: int = 0
    undecided: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """``failed``, ``held``, ``undecided`` or ``never reached``."""
        if self.failed:
            return "failed"
        if self.held:
            return "held"
        return "undecided" if self.undecided else "never reached"


@dataclass
class Judgement:
    """What a monitor says of a stream. ``not_judged`` counts its model clauses."""

    monitor: str
    code: str
    clauses: list[Clause]
    not_judged: int
    applies: bool = True
    """False: the board cannot have what the monitor speaks of."""
    events: int = 0
    """How many events it has a clause for."""

    @property
    def failed(self) -> bool:
        """Whether some clause failed."""
        return any(c.failed for c in self.clauses)

    @property
    def decided(self) -> bool:
        """Whether some clause held or failed."""
        return any(c.failed or c.held for c in self.clauses)


@dataclass(frozen=True)
class Instance:
    """A monitor with its arguments, if it has any. ``asked``: its judgement is wanted (else others read its
    ghosts).
    """

    name: str
    sym: MonitorSym
    args: Mapping[str, ast.Expr] = field(default_factory=dict)
    asked: bool = True


class Judge:
    """Runs monitors over a stream, event by event.

    ``events`` are the declared events by name. Arguments come as JSON values by name; one that is missing or
    null where the type has no null is absent. BadEvent is raised for an unknown event, an unknown argument or
    a value of the wrong type.
    """

    def __init__(self, instances: Iterable[Instance], events: Mapping[str, EventSym], world: World) -> None:
        self.world = world
        self.number = 0
        self.gaps = 0
        self.lost: int | None = 0
        """Events lost in gaps; None: nobody knows how many."""
        self.complete: bool | None = None
        """What the end of the stream said; None: it just stopped."""
        self.events = events
        self._ghosts: list[tuple[GhostSym, Table | Scalar]] = []
        self._running: list[_Running] = []
        common: dict[GhostSym, Table | Scalar] = {}
        found = list(instances)
        read = {m for i in found for m in read_by(i.sym)}
        for instance in found:
            running = _Running(self, instance, common)
            running.idle = not running.judgement.clauses and instance.sym not in read
            self._running.append(running)
            self._ghosts += running.own.items()
        world.on_cut = self._cut

    @property
    def judgements(self) -> list[Judgement]:
        """What the monitors say so far."""
        return [r.judgement for r in self._running if r.instance.asked]

    def feed(self, name: str, raw: Mapping[str, Any]) -> list[Failure]:
        """Judge one event; what it makes fail."""
        event = self.events.get(name)
        if event is None or name in (GAP, END):
            raise BadEvent(f"there is no event {name[:60]!a}" if event is None else f"{name} is written as a line of its own")
        alternatives = self._arguments(event, raw)
        self.number += 1
        return [f for values in alternatives for f in self._happen(event, values)]

    def gap(self, lost: int) -> list[Failure]:
        """Events are missing here (0: nobody knows how many): all that the ghosts hold is unknown until it is
        seen again.
        """
        self.gaps += 1
        self.lost = None if lost == 0 or self.lost is None else self.lost + lost
        for _, held in self._ghosts:
            held.forget()
        event = self.events.get(GAP)
        return [] if event is None else self._happen(event, [lost or ABSENT])

    def end(self, complete: bool) -> list[Failure]:
        """The stream ends; ``complete``: it holds everything that happened until then."""
        self.complete = complete
        event = self.events.get(END)
        return [] if event is None else self._happen(event, [complete])

    def _happen(self, event: EventSym, values: list[Any]) -> list[Failure]:
        failed: list[Failure] = []
        for running in self._running:
            if not running.idle:
                running.handle(event, values, failed)
        return failed

    def _arguments(self, event: EventSym, raw: Mapping[str, Any]) -> list[list[Any]]:
        """The values of the parameters; several lists where a stretch of memory is several pieces."""
        for given in raw:
            if not given.startswith("_") and all(p.name != given for p in event.params):
                names = ", ".join(p.name for p in event.params)
                raise BadEvent(f"{event.name} has no argument {given[:60]!a}; it has {names or 'none'}")
        columns: list[list[Any]] = []
        single = True
        for p in event.params:
            value = raw.get(p.name)
            if p.name not in raw:
                columns.append([ABSENT])
            elif isinstance(p.ty, sem.IndexT) and p.ty.kind == "blocks" and value is not None:
                pieces = decode_pieces(value, p.ty, p.name, self.world)
                columns.append([ABSENT] if pieces is ABSENT else list(pieces))
                single = single and len(columns[-1]) == 1
            else:
                columns.append([decode(value, p.ty, p.name, self.world)])
        if single:
            return [[column[0] for column in columns]]
        return [list(row) for row in itertools.product(*columns)]

    def _cut(self, index: sem.IndexT, old: int, new: int) -> None:
        """A piece of memory is two from now on: what was known of it is known of both."""
        for ghost, held in self._ghosts:
            if isinstance(held, Table) and isinstance(ghost.ty, sem.MapT):
                for place, key in enumerate(ghost.ty.keys):
                    if key is index:
                        held.split(place, old, new)


class _Running:
    """One monitor at work. ``common``: ghosts of monitors without parameters, which others may read."""

    def __init__(self, judge: Judge, instance: Instance, common: dict[GhostSym, Table | Scalar]) -> None:
        self.judge = judge
        self.instance = instance
        sym = instance.sym
        self.own: dict[GhostSym, Table | Scalar] = {}
        ghosts = common if not sym.params else dict(common)
        self._evaluator = Evaluator(judge.world, ghosts)
        for p in sym.params:
            given = instance.args.get(p.name, p.default)
            if p.local is not None and given is not None:
                self._evaluator.env[p.local.key] = self._evaluator.value(given, {})
        for ghost in sym.ghosts.values():
            self.own[ghost] = ghosts[ghost] = initial(self._evaluator, ghost)
        decl: ast.Monitor = sym.decl
        self._handlers: dict[EventSym, list[ast.Handler]] = {}
        for handler in decl.handlers:
            event = judge.events.get(handler.event)
            if event is None or event is not handler.ref:
                raise ValueError(f"the text of {sym.name} was checked anew, for another program, since then")
            self._handlers.setdefault(event, []).append(handler)
        self._clauses: dict[int, Clause] = {}
        of_model = {id(a) for clause in decl.always for a in walk(clause) if isinstance(a, ast.Assert)}
        for n, node in enumerate(asserts(decl), start=1):
            if id(node) not in of_model:
                self._clauses[id(node)] = Clause(f"{instance.name}.{n}", node.span)
        applies = True if decl.applies is None else self._evaluator.value(decl.applies, {})
        not_judged = len(decl.always) + len(decl.lemmas)
        clauses = list(self._clauses.values())
        self.judgement = Judgement(instance.name, decl.code, clauses, not_judged, applies is not False)
        self.idle = False
        """Nothing that it keeps decides anything here: only clauses about the model's state look at it."""
        self._failed: list[Failure] = []
        self._event = ""
        self._runner = Runner(self._evaluator, self._asserted)

    def handle(self, event: EventSym, values: list[Any], failed: list[Failure]) -> None:
        """Run the clauses for an event."""
        handlers = self._handlers.get(event)
        if handlers is None:
            return
        self.judgement.events += 1
        self._failed, self._event = failed, event.name
        for handler in handlers:
            env: Env = {}
            fits = match_all(handler.patterns, values, env, self._evaluator)
            if fits is ABSENT:
                self._runner.undecided(handler.body, env)
            elif fits:
                self._runner.run(handler.body, env)

    def _asserted(self, node: ast.Assert, outcome: Any, message: str) -> None:
        clause = self._clauses.get(id(node))
        if clause is None:
            return
        if outcome is ABSENT:
            clause.undecided += 1
        elif outcome:
            clause.held += 1
        else:
            clause.failed += 1
            failure = Failure(clause.label, self.judge.number, self._event, message)
            if self.instance.asked:
                self._failed.append(failure)
            if len(clause.failures) < KEPT:
                clause.failures.append(failure)


def read_by(monitor: MonitorSym) -> set[MonitorSym]:
    """The other monitors whose ghosts a monitor's text mentions."""
    refs = (getattr(node, "ref", None) for node in walk(monitor.decl))
    owners = {r.monitor for r in refs if isinstance(r, GhostSym) and r.monitor is not None}
    return owners - {monitor}


def asserts(monitor: ast.Monitor) -> list[ast.Assert]:
    """All asserts of a monitor in the order of the text: clause n is the n-th, those of ``always`` clauses
    counted too (they keep their numbers, though nobody judges them here). The compiler counts alike.
    """
    found = [n for n in walk(monitor) if isinstance(n, ast.Assert)]
    return sorted(found, key=lambda a: (a.span.line, a.span.column))
