"""Streams of events as files: one JSON object in a line.

``{"event": "taken", "what": {"start": "0x80000000", "size": 4096}, "by": "page_allocator"}`` is an event with its arguments by name;
``{"gap": 3}`` says that three events (0: an unknown number) were lost here; ``{"end": true, "complete": true}`` that the stream
ends and holds everything. A line that starts with ``#`` and an empty line say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dmaverify.evidence.values import BadEvent
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
    """The items of a file with the place of each; DmaError (DMA090) for what is not one."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                span = Span(str(path), number, 1, number, max(2, len(line.rstrip()) + 1))
                if len(line) > MAX_LINE:
                    raise problem("the line is too long for an event", span)
                if line.strip() and not line.lstrip().startswith("#"):
                    yield span, _item(line, span)
    except OSError as e:
        raise problem(f"the file cannot be read: {e.strerror}", Span(str(path), 1, 1, 1, 2)) from None
    except UnicodeDecodeError:
        raise problem("the file is not text in UTF-8", Span(str(path), 1, 1, 1, 2)) from None


def problem(text: str, span: Span) -> DmaError:
    """What is wrong with the stream, as a diagnostic."""
    return DmaError([Diagnostic("DMA090", text, span, fix="One JSON object in a line; see `dmaverify explain DMA090`.")])


def _item(line: str, span: Span) -> Item:
    try:
        raw = json.loads(line)
    except (ValueError, RecursionError):
        raise problem("this is not a JSON object", span) from None
    if not isinstance(raw, dict):
        raise problem("this is JSON, but not an object", span)
    if "gap" in raw:
        lost = raw["gap"]
        if isinstance(lost, bool) or not isinstance(lost, int) or lost < 0:
            raise problem("`gap` is the number of events that were lost", span)
        return Gap(lost)
    if "end" in raw:
        return End(raw.get("complete") is True)
    name = raw.pop("event", None)
    if not isinstance(name, str):
        raise problem("an event needs its name: `\"event\": \"…\"`", span)
    return Event(name, raw)


def judge_into(judge: Any, items: Iterator[tuple[Span, Item]]) -> list[tuple[Span, str, str]]:
    """Feed a stream to a judge. Returns where which clause failed, with its message; DmaError for an event that cannot be."""
    failed: list[tuple[Span, str, str]] = []
    for span, item in items:
        try:
            if isinstance(item, Gap):
                judge.gap(item.lost)
            elif isinstance(item, End):
                judge.end(item.complete)
                break
            else:
                failed.extend((span, label, text) for label, text in judge.feed(item.name, item.args))
        except BadEvent as e:
            raise problem(str(e), span) from None
    return failed
