"""An engine in a process of its own: what a solver does there can be ended at any moment, and cannot take us with it.

The child is forked, so that Systems need not be sent; it reports progress and what it has found so far through a pipe. Limits are
watched twice: by the engine itself, which then answers properly, and from here, where a child that does not react is ended after
a short grace and what it reported last is all there is. Where processes cannot be forked, the engine runs in this one.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, Protocol

from dmaverify.engines.base import Budget, Engine, Progress, Stopped
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome, Word

GRACE = 1.0
"""Seconds that a child gets to answer after a limit is passed."""

POLL = 0.05


class Publisher(Protocol):
    """An engine that tells what it knows so far, if ``publish`` is set."""

    publish: Callable[[list[Outcome]], None] | None


class Worker:
    """Runs another engine in a child process; an engine itself."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """What the engine answers, or ``unknown`` with what it had found so far if it had to be ended."""
        cannot = "fork" not in multiprocessing.get_all_start_methods()
        if cannot or multiprocessing.current_process().daemon:  # such a process may not have children
            return self.engine.run(system, properties, budget)
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(self.engine, system, properties, budget, theirs), daemon=True)
        child.start()
        theirs.close()
        try:
            return self._wait(child, ours, properties, budget)
        finally:
            _end(child)
            ours.close()

    def _wait(self, child: Any, pipe: Connection, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        latest: dict[str, Outcome] = {}
        deadline: float | None = None
        reason = "the engine's process ended"
        while True:
            try:
                while pipe.poll(POLL if deadline is None else min(POLL, GRACE)):
                    kind, what = pipe.recv()
                    if kind == "done":
                        return list(what)
                    if kind == "failed":
                        raise what
                    if kind == "progress" and budget.progress is not None:
                        budget.progress(what)
                    if kind == "found":
                        latest.update((o.prop, o) for o in what)
            except EOFError:
                break
            if deadline is None:
                try:
                    replace(budget, memory=None, progress=None).check()
                    if budget.memory is not None and _resident(child.pid) > budget.memory:
                        raise Stopped("memory")
                except Stopped as e:
                    # the child watches the same limits; it may be about to answer
                    reason, deadline = e.reason, time.monotonic() + (GRACE if e.reason == "time" else 0.0)
            elif time.monotonic() > deadline:
                break
            if not child.is_alive() and not pipe.poll():
                break
        return [latest.get(p) or Outcome(p, Word.UNKNOWN, reason, engine=self.name) for p in properties]


def _child(engine: Engine, system: System, properties: tuple[str, ...], budget: Budget, pipe: Connection) -> None:
    """In the child: run, and report."""
    # an interrupt from the terminal reaches both; the parent decides what becomes of it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that temporary files go
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)

    def send(kind: str, what: object) -> None:
        pipe.send((kind, what))

    def progress(p: Progress) -> None:
        send("progress", p)

    if hasattr(engine, "publish"):
        engine.publish = lambda found: send("found", found)
    own = replace(budget, progress=progress if budget.progress is not None else None)
    try:
        send("done", engine.run(system, properties, own))
    except BaseException as e:
        try:
            send("failed", e)
        except Exception:  # what cannot be sent is told in words
            send("failed", RuntimeError(f"{type(e).__name__}: {e}"))
    finally:
        pipe.close()


def _end(child: Any) -> None:
    """End the child and what it has started."""
    if child.is_alive():
        child.terminate()
        child.join(4 * POLL)
    if child.is_alive():
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
    child.join()


def _resident(pid: int) -> int:
    """Resident memory of another process in bytes; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
