"""Dijkstra's search on the interpreter: slow, obvious, and what the explicit engine is compared with."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from dmaverify.engines.interp import Interpreter, State
from dmaverify.ir.system import Action, System


@dataclass
class Found:
    """What there is to find in a System. Lengths are of shortest traces."""

    violated: dict[tuple[str, str], int] = field(default_factory=dict)
    exercised: set[tuple[str, str]] = field(default_factory=set)
    covers: dict[str, int] = field(default_factory=dict)
    states: int = 0
    deadlocks: list[State] = field(default_factory=list)
    deadlock: int | None = None


def search(system: System, weigh: Callable[[Action], int] | None = None) -> Found:
    """Visit every reachable state; ``weigh`` says what an action adds to the length (else the action
    does).
    """
    run = Interpreter(system)
    found = Found()
    tie = itertools.count()
    queue = [(0, next(tie), s) for s in run.initial_states()]
    done: set[State] = set()
    tasks = {t.name for t in system.threads if not t.is_device}
    stuck: dict[State, tuple[int, list[State]]] = {}
    while queue:
        cost, _, state = heapq.heappop(queue)
        if state in done:
            continue
        done.add(state)
        judged = run.judge(state)
        found.exercised.update(judged.exercised)
        for f in judged.failures:
            found.violated.setdefault((f.prop, f.label), cost)
        for c in judged.covers:
            found.covers.setdefault(c, cost)
        after = []
        moving = False
        for action, given in run.enabled(state):
            weight = weigh(action) if weigh else run.weight(action, state, given)
            step = run.step(state, action, given)
            found.exercised.update(step.exercised)
            for f in step.failures:
                key = f.prop, f.label
                found.violated[key] = min(cost + weight, found.violated.get(key, cost + weight))
            for c in step.reached:
                found.covers[c] = min(cost + weight, found.covers.get(c, cost + weight))
            moving = moving or action.thread in tasks
            if step.stopped:
                continue
            after.append(step.state)
            heapq.heappush(queue, (cost + weight, next(tie), step.state))
        if not moving:
            stuck[state] = cost, after
    found.states = len(done)
    _deadlocks(run, found, stuck)
    return found


def _deadlocks(run: Interpreter, found: Found, stuck: dict[State, tuple[int, list[State]]]) -> None:
    alive: set[State] = set()
    while True:
        more = {s for s, (_, after) in stuck.items() if any(t not in stuck or t in alive for t in after)} - alive
        if not more:
            break
        alive |= more
    for s, (cost, _) in stuck.items():
        done = all(run.value(s, t.pc) in t.ends | t.idle for t in run.system.threads if not t.is_device)
        if s not in alive and not done:
            found.deadlocks.append(s)
            found.deadlock = cost if found.deadlock is None else min(cost, found.deadlock)
