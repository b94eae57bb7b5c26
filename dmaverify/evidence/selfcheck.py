"""Every trace and every random run is judged a second time: the runtime judge must fail at the same events
and clauses.

What is compared are event clauses. Clauses that look at the model's state (``always``, ``lemma``) are not
judged.
"""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

from dmaverify.engines.replay import Replay
from dmaverify.evidence.board import Ambiguous
from dmaverify.evidence.codec import BadEvent
from dmaverify.evidence.events import Run, Translator, to_events
from dmaverify.evidence.sources import all_instances, board_world, make_judge
from dmaverify.evidence.stream import Event, Item, read_lines, write
from dmaverify.lang.check import check
from dmaverify.lang.compile import Compiled

MOST = 20
"""Differences that are told; the rest is not looked for."""


def run_of_replay(replayed: Replay) -> Run:
    """The run that a replayed trace is."""
    steps = tuple((r.before, r.action, dict(r.inputs)) for r in replayed.records)
    return Run(replayed.system, replayed.initial, steps)


def self_check(compiled: Compiled, replayed: Replay) -> list[str]:
    """How the runtime judge and the System disagree about a replayed trace: nothing, if all is well."""
    return SelfCheck(compiled).run(run_of_replay(replayed))


def stream_of(compiled: Compiled, run: Run, complete: bool = False) -> list[Item]:
    """A run of a compiled scenario as a stream of plain events, which ``stream.write`` writes."""
    checked = check(compiled.program)
    world = board_world(checked, compiled.params, run.frozen)
    return list(to_events(run, checked, world.layout, world, complete))


class SelfCheck:
    """Compares runs of one compiled scenario.

    The program is checked anew, since another variant may have left its own meaning in the syntax trees that
    they share; so use one such object after the other.
    """

    def __init__(self, compiled: Compiled) -> None:
        self.agreed: Counter[str] = Counter()
        """How often both sides failed a clause at the same event, by label, in all runs so far."""
        self._compiled = compiled
        self._checked = check(compiled.program)
        system = compiled.system
        composed = {c.prop for a in system.actions for c in a.checks} | {p.name for p in system.properties}
        self._instances = [i for i in all_instances(self._checked) if i.name in composed]
        self._stops = {c.prop for a in system.actions for c in a.checks if c.stop}

    def run(self, run: Run) -> list[str]:
        """The differences between the checks that fail along a run and what the judge says of its events.

        Nothing is compared where regions overlap: events name pieces of memory by their addresses, the model by more.
        """
        try:
            return self._run(run)
        except Ambiguous:
            return []

    def _run(self, run: Run) -> list[str]:
        world = board_world(self._checked, self._compiled.params, run.frozen)
        judge = make_judge(self._checked, self._instances, world)
        judged = {c.label for j in judge.judgements for c in j.clauses}
        found: list[str] = []
        for happening in Translator(self._checked, world.layout, world).happenings(run):
            expected = sorted({label.partition("[")[0] for _, label in happening.failed} & judged)
            said: list[str] = []
            name = "a step without an event"
            if happening.item is not None:
                item = _through_json(happening.item)
                name = f"event {judge.number + 1} ({item.name})"
                try:
                    said = sorted({f.label for f in judge.feed(item.name, item.args)})
                except BadEvent as e:
                    found.append(f"{name}: {e}")
            found += [f"{name}: the model fails {label}, the judge does not" for label in expected if label not in said]
            found += [f"{name}: the judge fails {label}, the model does not" for label in said if label not in expected]
            self.agreed.update(set(expected) & set(said))
            if len(found) >= MOST or any(prop in self._stops for prop, _ in happening.failed):
                break  # the state behind a failed built-in check means nothing
        return found[:MOST]


def _through_json(event: Event) -> Event:
    """The event as it comes back from a file."""
    file = io.StringIO()
    write(file, [event])
    file.seek(0)
    ((_, item),) = read_lines(Path("<run>"), file)
    assert isinstance(item, Event)
    return item
