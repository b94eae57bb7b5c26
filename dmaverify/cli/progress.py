"""One line on standard error that says what is being done, overwritten as it changes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from dmaverify.checking.events import Event


class LineProgress:
    """Writes the line at most five times a second; a lock keeps worker threads apart."""

    def __init__(self, stream: TextIO, interactive: bool) -> None:
        self.stream, self.interactive = stream, interactive
        self.started = self.last = time.monotonic()
        self.done = self.total = 0
        self.shown = 0
        self.lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self.lock:
            self.done, self.total = event.done, event.total
            now = time.monotonic()
            if self.interactive and now - self.last >= 0.2:
                self.last = now
                self._show(event)
            elif not self.interactive and event.finished:
                self.stream.write(f"{self.done}/{self.total} {event.what}\n")
                self.stream.flush()

    def _show(self, event: Event) -> None:
        line = (
            f"{self.done}/{self.total}  {time.monotonic() - self.started:.0f} s  {event.what}  {event.note}"[
                :100
            ]
        )
        self.stream.write("\r" + line.ljust(self.shown))
        self.stream.flush()
        self.shown = len(line)

    def wipe(self) -> None:
        """Take the line away, so that something else can be written."""
        with self.lock:
            if self.interactive and self.shown:
                self.stream.write("\r" + " " * self.shown + "\r")
                self.stream.flush()
                self.shown = 0


@contextmanager
def make_progress(wanted: bool | None) -> Iterator[LineProgress | None]:
    """A reporter for the run, or None where nobody would see it (no terminal and not asked for)."""
    interactive = sys.stderr.isatty()
    if wanted is False or (wanted is None and not interactive):
        yield None
        return
    progress = LineProgress(sys.stderr, interactive)
    try:
        yield progress
    finally:
        progress.wipe()
