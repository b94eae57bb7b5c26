"""Runs independent tasks in worker processes, or in turn in this one, and keeps the order of their results.

A solver that crashes, or that the system kills, takes one worker with it and costs one result, which says
so. An interrupt (Ctrl-C) reaches every worker; each hands back what it has so far.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

GRACE = 5.0
"""Seconds that workers have, after an interrupt, to hand back what they have."""


class Died(Exception):
    """A worker ended without an answer; the text says how."""


@dataclass
class _Worker(Generic[Task, Result]):
    process: BaseProcess
    pipe: Connection
    task: int | None = None


def run_tasks(
    tasks: Sequence[Task],
    work: Callable[[Task], Result],
    jobs: int,
    started: Callable[[int], None],
    finished: Callable[[int, Result], None],
    died: Callable[[int, Died], Result],
    enough: Callable[[Result], bool] = lambda result: False,
) -> bool:
    """Do every task, ``jobs`` at a time; False if interrupted. One job, or one task: no process is made.

    ``work`` must be importable. ``started`` and ``finished`` are called here, in the parent, with the task's
    position; ``died`` makes the result of a task whose worker is gone. ``enough``: whether a result says that
    the user has interrupted the work in this process, and that it took note of it itself.
    """
    if jobs < 2 or len(tasks) < 2:
        return _in_turn(tasks, work, started, finished, enough)
    method = "fork" if sys.platform.startswith("linux") else "spawn"
    context: Any = multiprocessing.get_context(method)  # the stubs do not know that contexts have processes
    waiting = list(range(len(tasks)))[::-1]
    workers: list[_Worker[Task, Result]] = []

    def hire() -> None:
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_serve, args=(theirs, work)
        )  # no daemon: engines have processes of their own
        process.start()
        theirs.close()
        workers.append(_Worker(process, ours))

    def feed(worker: _Worker[Task, Result]) -> None:
        if not waiting:
            return
        worker.task = waiting.pop()
        started(worker.task)
        worker.pipe.send(tasks[worker.task])

    def collect(worker: _Worker[Task, Result]) -> None:
        assert worker.task is not None
        position, worker.task = worker.task, None
        try:
            answer = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            workers.remove(worker)
            finished(position, died(position, Died(_obituary(worker.process.exitcode))))
            if waiting:
                hire()
                feed(workers[-1])
            return
        finished(position, answer)
        feed(worker)

    def busy() -> list[_Worker[Task, Result]]:
        return [w for w in workers if w.task is not None]

    complete = True
    try:
        for _ in range(min(jobs, len(tasks))):
            hire()
            feed(workers[-1])
        while busy():
            ready = wait([w.pipe for w in busy()])
            for w in busy():
                if w.pipe in ready:
                    collect(w)
    except KeyboardInterrupt:
        complete = False
        waiting.clear()
        _gather(busy(), collect)
    finally:
        for w in workers:
            w.pipe.close()
            w.process.join(0.2)
            if w.process.is_alive():
                w.process.kill()
    return complete


def _in_turn(
    tasks: Sequence[Task],
    work: Callable[[Task], Result],
    started: Callable[[int], None],
    finished: Callable[[int, Result], None],
    enough: Callable[[Result], bool],
) -> bool:
    try:
        for n, task in enumerate(tasks):
            started(n)
            answer = work(task)
            finished(n, answer)
            if enough(answer):
                return False
    except KeyboardInterrupt:
        return False
    return True


def _gather(busy: list[_Worker[Task, Result]], collect: Callable[[_Worker[Task, Result]], None]) -> None:
    """After an interrupt: ask the busy workers for what they have, and take what comes in time."""
    for w in busy:
        with contextlib.suppress(OSError, TypeError):
            signal_process(w.process, signal.SIGINT)
    while busy:
        with contextlib.suppress(KeyboardInterrupt):
            ready = wait([w.pipe for w in busy], GRACE)
            if not ready:
                return
            for w in [w for w in busy if w.pipe in ready]:
                busy.remove(w)
                collect(w)


def signal_process(process: BaseProcess, number: signal.Signals) -> None:
    """Send a signal to a worker that still runs."""
    import os

    if process.pid is not None and process.is_alive():
        os.kill(process.pid, number)


def _serve(pipe: Connection, work: Callable[[Task], Result]) -> None:
    """The life of a worker: tasks in, results out, until the parent closes its end."""
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            task = pipe.recv()
            pipe.send(work(task))


def _obituary(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = " (out of memory, perhaps)" if name == "SIGKILL" else ""
        return f"the worker process was ended by {name}{hint}"
    return f"the worker process ended with status {code}"
