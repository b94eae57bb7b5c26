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

PR_SET_PDEATHSIG = 1
"""Of linux/prctl.h."""


class Publisher(Protocol):
    """An engine that tells what it knows so far, if ``publish`` is set."""

    publish: Callable[[list[Outcome]], None] | None


class Child:
    """An engine at work in a process of its own. ``answer`` is there when ``look`` has said that it is at its end."""

    def __init__(self, engine: Engine, system: System, properties: tuple[str, ...], budget: Budget) -> None:
        self.properties = properties
        self.answer: list[Outcome] = []
        self._name, self._budget = engine.name, budget
        self._latest: dict[str, Outcome] = {}
        self._deadline: float | None = None
        self._reason = "the engine's process ended"
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe(duplex=False)
        self._process: Any = context.Process(target=_child, args=(engine, system, properties, budget, theirs, os.getpid()), daemon=True)
        self._process.start()
        theirs.close()

    def look(self, wait: float = 0.0) -> bool:
        """Take in what it has sent, for which to wait at most so many seconds; True if it is at its end.

        Raises what the engine raised.
        """
        try:
            while self.pipe.poll(wait):
                kind, what = self.pipe.recv()
                if kind == "done":
                    self.answer = list(what)
                    return True
                if kind == "failed":
                    raise what
                if kind == "progress" and self._budget.progress is not None:
                    self._budget.progress(what)
                if kind == "found":
                    self._latest.update((o.prop, o) for o in what)
        except EOFError:
            return self._gone()
        if self._deadline is None:
            try:
                replace(self._budget, memory=None, progress=None).check()
                if self._budget.memory is not None and _resident(self._process.pid) > self._budget.memory:
                    raise Stopped("memory")
            except Stopped as e:
                # the child watches the same limits; it may be about to answer
                self._reason, self._deadline = e.reason, time.monotonic() + (GRACE if e.reason == "time" else 0.0)
        elif time.monotonic() > self._deadline:
            return self._gone()
        return self._gone() if not self._process.is_alive() and not self.pipe.poll() else False

    def _gone(self) -> bool:
        """It will not answer any more: what it reported last is all there is."""
        for p in self.properties:
            self.answer.append(self._latest.get(p) or Outcome(p, Word.UNKNOWN, self._reason, engine=self._name))
        return True

    def end(self) -> None:
        """End the process, whatever it is doing."""
        _end(self._process)
        self.pipe.close()


def possible() -> bool:
    """Whether this process can have children that know what it knows."""
    return "fork" in multiprocessing.get_all_start_methods() and not multiprocessing.current_process().daemon


class Worker:
    """Runs another engine in a child process; an engine itself."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.name = engine.name

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        """What the engine answers, or ``unknown`` with what it had found so far if it had to be ended."""
        if not possible():
            return self.engine.run(system, properties, budget)
        child = Child(self.engine, system, properties, budget)
        try:
            while not child.look(POLL):
                pass
            return child.answer
        finally:
            child.end()


def _child(
    engine: Engine, system: System, properties: tuple[str, ...], budget: Budget, pipe: Connection, parent: int
) -> None:
    """In the child: run, and report."""
    # an interrupt from the terminal reaches both; the parent decides what becomes of it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that temporary files go
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    _die_with(parent)

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


def _die_with(parent: int) -> None:
    """Have this process killed when its parent ends without a word, as by a signal; on Linux only, where there is prctl(2)."""
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it has ended already
        os._exit(1)


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
