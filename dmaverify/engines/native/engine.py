"""The native search as the rest of the tool sees it."""

from __future__ import annotations

import multiprocessing
import os
from importlib.util import find_spec

from dmaverify.engines.base import Budget
from dmaverify.engines.native.checkpoint import Recorded
from dmaverify.engines.native.emit import NotNative
from dmaverify.engines.native.exploration import NativeExploration
from dmaverify.engines.native.search import Search
from dmaverify.engines.successors import Compiled
from dmaverify.engines.symmetric import Reduction


def explore_natively(
    compiled: Compiled,
    budget: Budget,
    *,
    deadlock: bool,
    thorough: bool,
    name: str,
    threads: int | None = None,
    canonical: Reduction | None = None,
) -> NativeExploration:
    """The same as ``explicit.explore``, by native code; ``NotNative`` if the System, or this machine, is not made for it.

    ``threads``: default is one for each CPU. ``canonical``: as there.
    """
    if find_spec("llvmlite") is None:
        raise NotNative("llvmlite is not installed")
    try:
        kind = Search if budget.checkpoint is None else Recorded
        search = kind(
            compiled,
            budget,
            deadlock=deadlock,
            thorough=thorough,
            name=name,
            threads=threads or cpus(),
            canonical=canonical,
        )
    except MemoryError as error:
        raise NotNative("there is no address space for it") from error
    return search.explore()


def cpus() -> int:
    """CPUs that this process may use; one if it is a worker, of which there are as many as CPUs."""
    if multiprocessing.current_process().daemon:
        return 1
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
