"""Deadlock as the interpreter sees it: some thread is not at its end, and no thread can go on, whatever devices
and hardware do. Nothing that an engine says about it is shown before this agrees.
"""

from __future__ import annotations

from dmaverify.engines.interp import Failed, Interpreter, State
from dmaverify.ir.expr import or_
from dmaverify.ir.system import Action, Always, Thread
from dmaverify.ir.traverse import inputs

DEADLOCK = "deadlock"
"""The property, and the label of its only claim."""

MOST_STATES = 10_000
"""So many states that devices and hardware can lead to are looked at."""


def stuck(run: Interpreter, state: State) -> Failed | None:
    """The deadlock in a state; None if there is none, or too much that the hardware could do to say so."""
    tasks = [t for t in run.system.threads if not t.is_device]
    waiting = {t.name: blocked for t in tasks if (blocked := _blocked(run, state, t))}
    if not waiting or _may_go_on(run, state, {t.name for t in tasks}):
        return None
    message = ", ".join(f"{name} waits in `{actions[0].text or actions[0].name}`" for name, actions in waiting.items())
    guards = [a.guard for actions in waiting.values() for a in actions if not inputs(a.guard)]
    first = next(iter(waiting.values()))[0]
    return Failed(DEADLOCK, DEADLOCK, message, False, Always(DEADLOCK, DEADLOCK, or_(*guards), span=first.span))


def _blocked(run: Interpreter, state: State, thread: Thread) -> list[Action]:
    """What a thread would do next, if it is neither at its end nor idle."""
    place = state[[v.name for v in run.system.vars].index(thread.pc)]
    if place in thread.ends | thread.idle:
        return []
    return [a for a in run.system.actions if a.thread == thread.name and run.stands(a, state)]


def _may_go_on(run: Interpreter, state: State, tasks: set[str]) -> bool:
    """Whether a thread can move, now or after steps of devices and hardware; also if that takes too long to see."""
    seen, todo = {state}, [state]
    while todo:
        here = todo.pop()
        for action, given in run.enabled(here):
            if action.thread in tasks or len(seen) > MOST_STATES:
                return True
            after = run.step(here, action, given).state
            if after not in seen:
                seen.add(after)
                todo.append(after)
    return False
