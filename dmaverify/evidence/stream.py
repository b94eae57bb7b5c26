"""Streams of events as files: one JSON object in a line.

``{"event": "taken", "what": {"start": "0x80000000", "size": 4096}, "by": "page_allocator"}`` is an event with
its arguments by name; ``{"gap": 3}`` says that three events (0: an unknown number) were lost here; ``{"end":
true, "complete": true}`` that the stream ends and holds everything. A line that starts with ``#`` and an
empty line say nothing; neither does an argument whose name starts with ``_`` (a source may keep its time
stamps there).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from dmaverify.evidence.codec import BadEvent
from dmaverify.evidence.codes import STREAM
from dmaverify.evidence.judge import Failure, Judge
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.span import Span

MAX_LINE = 1 << 20
"""Characters in one line; a longer one is not read."""


@dataclass(frozen=True)
class Event:
    """An event with its arguments by name, as JSON values."""

    name: str
    args: dict[str, Any]


@dataclass(frozen=True)
class Gap:
    """Events are missing; ``lost`` is how many, 0 if nobody knows."""

    lost: int


@dataclass(frozen=True)
class End:
    """Nothing follows. ``complete``: nothing is missing at the end either."""

    complete: bool


Item = Event | Gap | End


def read(path: Path) -> Iterator[tuple[Span, Item]]:
    """The items of a file with the place of each; DmaError for what is not one."""
    try:
        with path.open(encoding="utf-8") as file:
            yield from read_lines(path, file)
    except OSError as e:
        raise problem(f"the file cannot be read: {e.strerror}", Span(str(path), 1, 1, 1, 2)) from None


def read_lines(path: Path, file: IO[str]) -> Iterator[tuple[Span, Item]]:
    """The same for an open file; ``path`` is what diagnostics call it."""
    number = 0
    ended = False
    while True:
        number += 1
        start = Span(str(path), number, 1, number, 2)
        try:
            line = file.readline(MAX_LINE + 1)
        except UnicodeDecodeError:
            raise problem("the file is not text in UTF-8", start) from None
        if not line:
            return
        if len(line) > MAX_LINE:
            raise problem("the line is too long for an event", start)
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        span = Span(str(path), number, 1, number, max(2, len(line.rstrip()) + 1))
        if ended:
            raise problem("the stream goes on behind its end", span)
        item = _item(line, span)
        ended = isinstance(item, End)
        yield span, item


def write(file: IO[str], items: Iterable[Item]) -> None:
    """The items as lines that ``read`` reads back."""
    for item in items:
        if isinstance(item, Event):
            raw: dict[str, Any] = {"event": item.name, **item.args}
        elif isinstance(item, Gap):
            raw = {"gap": item.lost}
        else:
            raw = {"end": True, "complete": item.complete}
        file.write(json.dumps(raw) + "\n")


def problem(text: str, span: Span) -> DmaError:
    """What is wrong with the stream, as a diagnostic."""
    return DmaError([Diagnostic(STREAM, text, span, fix=f"See `dmaverify explain {STREAM}`.")])


def _item(line: str, span: Span) -> Item:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        raise problem("this is no JSON object", span) from None
    if not isinstance(raw, dict):
        raise problem("this is JSON, but no object", span)
    if "event" in raw:
        name = raw.pop("event")
        if not isinstance(name, str):
            raise problem("the name of an event is a text", span)
        return Event(name, raw)
    said = {k: v for k, v in raw.items() if not k.startswith("_")}
    lost = said.get("gap")
    if set(said) == {"gap"}:
        if isinstance(lost, bool) or not isinstance(lost, int) or not 0 <= lost < 1 << 64:
            raise problem("`gap` is the number of events that were lost", span)
        return Gap(lost)
    if said.get("end") is True and set(said) <= {"end", "complete"}:
        complete = said.get("complete", False)
        if not isinstance(complete, bool):
            raise problem("`complete` is true or false", span)
        return End(complete)
    raise problem('this is neither an event ("event": NAME), nor a gap ("gap": N), nor the end ("end": true)', span)


def judge_into(judge: Judge, items: Iterable[tuple[Span, Item]]) -> Iterator[tuple[Span, Failure]]:
    """Feed a stream to a judge: what fails, with the place of the event. DmaError for an event that cannot
    be.
    """
    for span, item in items:
        try:
            if isinstance(item, Event):
                failures = judge.feed(item.name, item.args)
            elif isinstance(item, Gap):
                failures = judge.gap(item.lost)
            else:
                failures = judge.end(item.complete)
        except BadEvent as e:
            raise problem(str(e), span) from None
        for failure in failures:
            yield span, failure
