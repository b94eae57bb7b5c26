"""Threads that run native code, and a main thread that stays free to look at the clock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

TICK = 0.05
"""Seconds between two looks of the main thread."""


class Pool:
    """So many threads, started when they are first needed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._inbox: list[queue.SimpleQueue[Callable[[int], None] | None]] = []
        self._done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def run(
        self,
        work: Callable[[int], None],
        *,
        alone: bool = False,
        watch: Callable[[], None] | None = None,
        stop: Callable[[], None] | None = None,
    ) -> None:
        """Call ``work(number)`` in every thread, or in the first one only, and wait.

        ``watch`` is called meanwhile. If it raises, or the user interrupts, ``stop`` is called, the threads are waited for and
        the exception goes on.
        """
        many = 1 if alone else self.size
        if not self._inbox:
            self._start()
        for inbox in self._inbox[:many]:
            inbox.put(work)
        failure: BaseException | None = None
        while many:
            try:
                error = self._done.get(timeout=TICK if failure is None else None)
                many -= 1
                failure = failure or error
            except queue.Empty:
                try:
                    if watch is not None:
                        watch()
                except BaseException as e:
                    failure = e
                    if stop is not None:
                        stop()
            except KeyboardInterrupt as e:
                failure = e
                if stop is not None:
                    stop()
        if failure is not None:
            raise failure

    def _start(self) -> None:
        for number in range(self.size):
            inbox: queue.SimpleQueue[Callable[[int], None] | None] = queue.SimpleQueue()
            self._inbox.append(inbox)
            threading.Thread(target=self._serve, args=(number, inbox), daemon=True, name=f"explicit-{number}").start()

    def _serve(self, number: int, inbox: queue.SimpleQueue[Callable[[int], None] | None]) -> None:
        while (work := inbox.get()) is not None:
            try:
                work(number)
                self._done.put(None)
            except BaseException as e:
                self._done.put(e)

    def close(self) -> None:
        """End the threads."""
        for inbox in self._inbox:
            inbox.put(None)
        self._inbox = []
