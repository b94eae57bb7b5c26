"""Streams of events for tests of the judge: helpers, and a random source that makes plausible ones."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from dmaverify.evidence.judge import Failure, Judge
from dmaverify.evidence.sources import load_monitors, make_judge, open_world

SMALL = str(Path(__file__).resolve().parent.parent / "data" / "judge" / "small.dma")
BASE = 0x8000_0000

Line = dict[str, Any]


# One at a time: the syntax trees of two programs may be the same, and know what they meant in the last one only.
@lru_cache(maxsize=1)
def _loaded(monitor: str) -> Any:
    return load_monitors(monitor, None, None)


def judge_for(monitor: str) -> Judge:
    """A fresh judge in the open world: ``no_overlap``, ``all``, or ``small.leaks`` of the small module."""
    small = monitor.startswith("small")
    checked, instances = _loaded(SMALL if small else monitor)
    wanted = monitor.partition(".")[2]
    return make_judge(checked, [i for i in instances if not wanted or i.name == wanted], open_world(checked))


def feed(judge: Judge, *lines: Line) -> list[Failure]:
    """Feed lines as they stand in a file; what fails."""
    failed: list[Failure] = []
    for line in lines:
        if "event" in line:
            failed += judge.feed(line["event"], {k: v for k, v in line.items() if k != "event"})
        elif "gap" in line:
            failed += judge.gap(line["gap"])
        else:
            failed += judge.end(line.get("complete", False))
    return failed


def labels(judge: Judge, *lines: Line) -> list[tuple[int, str]]:
    """(event, label) of what fails."""
    return [(f.event, f.label) for f in feed(judge, *lines)]


def clause(judge: Judge, label: str) -> tuple[int, int, int]:
    """How often a clause failed, held and was undecided."""
    (found,) = (c for j in judge.judgements for c in j.clauses if c.label == label)
    return found.failed, found.held, found.undecided


def page(n: int) -> str:
    """Address of a page."""
    return hex(BASE + n * 4096)


def extent(n: int, pages: int = 1) -> Line:
    """An extent of pages."""
    return {"start": page(n), "size": pages * 4096}


def taken(n: int, pages: int = 1, by: str = "page_allocator") -> Line:
    """Pages are set aside."""
    return {"event": "taken", "what": extent(n, pages), "by": by}


def returned(n: int, pages: int = 1, by: str = "page_allocator") -> Line:
    """Pages come back."""
    return {"event": "returned", "what": extent(n, pages), "by": by}


def buffer(n: int, size: int) -> Line:
    """A buffer at a page."""
    return {"cpu": hex(BASE + n * 4096), "dma": page(n), "size": size}


def allocated(n: int, size: int = 4096, dev: str = "eth0", **more: Any) -> Line:
    """A driver gets a buffer at a page."""
    return {"event": "allocated", "dev": dev, "buf": buffer(n, size), "at": page(n), "attr": "WB", **more}


def freeing(n: int, size: int = 4096, dev: str = "eth0") -> Line:
    """A driver gives it back."""
    return {"event": "freeing", "dev": dev, "buf": buffer(n, size), "at": page(n)}


def piece(start: int, size: int) -> Line:
    """A piece of memory, ``start`` from the first page."""
    return {"start": hex(BASE + start), "size": size}


def random_stream(rng: random.Random, length: int, pages: int = 12) -> list[Line]:
    """Calls of a few drivers on a few pages, mostly in a sensible order, sometimes not."""
    lines: list[Line] = []
    while len(lines) < length:
        n, dev = rng.randrange(pages), rng.choice(("eth0", "usb0"))
        size = rng.choice((64, 100, 4096, 6000))
        whole = -(-size // 4096)
        mapping = {"dev": dev, "at": page(n), "size": size, "dir": rng.choice(("TO_DEVICE", "FROM_DEVICE"))}
        agent = rng.choice(("CPU", "DEVICE"))
        cell = piece(n * 4096 + rng.choice((0, 64, 100)), rng.choice((4, 64)))
        lines += rng.choice(
            (
                [taken(n, whole), allocated(n, size, dev)],
                [freeing(n, size, dev), returned(n, whole)],
                [{"event": "mapped", **mapping, "p": page(n)}],
                [{"event": "synced_for_cpu", **mapping, "p": page(n)}],
                [{"event": "unmapping", **mapping}, {"event": "unmapped", **mapping, "p": page(n)}],
                [{"event": "stored", "by": agent, "c": cell, "what": "newest"}],
                [{"event": "loaded", "by": agent, "c": cell, "got": rng.choice(("newest", "zero"))}],
                [{"event": "entered", "dev": dev, "which": rng.choice(("device_pool", "atomic_pool"))}],
                [{"event": "region_assigned", "dev": dev, "pool": extent(n, 4), "exclusive": True}],
            )
        )
    return lines[:length]
