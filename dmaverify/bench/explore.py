"""One search, measured from inside: ``python -m dmaverify.bench.explore FILE PROPERTY …`` prints one JSON object.

Only the search counts as exploration; what comes before it (reading, slicing, compiling) is told apart. The System is the one
that ``dmaverify export`` writes with the same options, so that other tools explore the very same states.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dmaverify.engines.base import Budget, resident_bytes
from dmaverify.engines.exploration import Exploration
from dmaverify.ir.system import System


def main(arguments: list[str]) -> int:
    """Search, and print what it cost."""
    parser = argparse.ArgumentParser(prog="dmaverify.bench.explore")
    parser.add_argument("file")
    parser.add_argument("prop")
    parser.add_argument("--variant")
    parser.add_argument("--set", action="append", default=[], dest="params")
    parser.add_argument("--slice", action="store_true", help="only what the property depends on")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--presize", type=int, default=0, help="so many states are expected")
    parser.add_argument("--python", action="store_true", help="the search in Python")
    given = parser.parse_args(arguments)
    print(json.dumps(measured(given)))
    return 0


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """What one search did and cost. Seconds are of the CPU unless they are called ``wall``."""
    from dmaverify.checking.frontend import load
    from dmaverify.export.choose import chosen

    params = dict(p.split("=", 1) for p in given.params)
    system = chosen(load(given.file, given.variant, params).system, (given.prop,), slice=given.slice).system
    bits = sum(v.type.bits for v in system.vars)
    found: dict[str, Any] = {"bits": bits, "words": -(-bits // 64), "actions": len(system.actions), "threads": given.threads}
    begun = time.process_time()
    run = _python(system) if given.python else _native(system, given.threads, given.presize)
    found["compile"] = time.process_time() - begun
    resident = resident_bytes()
    begun, wall, before = time.process_time(), time.monotonic(), _by_thread()
    result = run()
    found["wall"] = time.monotonic() - wall
    found["cpu"] = time.process_time() - begun
    spent = {t: s - before.get(t, 0.0) for t, s in _by_thread().items()}
    # the main thread only waits where others work
    found["most"] = max(spent.values(), default=found["cpu"])
    assert not result.reason, result.reason
    found |= {"states": result.states, "transitions": result.transitions, "depth": result.depth}
    found["violated"] = any(key[0] == "violated" for key in result.found)
    found["memory"] = max(0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - resident)
    return found


def _python(system: System) -> Callable[[], Exploration]:
    from dmaverify.engines.explicit import explore

    return lambda: explore(system, Budget())


def _native(system: System, threads: int, presize: int) -> Callable[[], Exploration]:
    from dmaverify.engines.native.search import Search
    from dmaverify.engines.successors import Compiled

    search = Search(
        Compiled(system), Budget(), deadlock=False, thorough=True, name="explicit", threads=threads, presize=presize, hot=True
    )
    return search.explore


def _by_thread() -> dict[int, float]:
    """CPU seconds of each thread of this process that is alive; empty where the system does not tell."""
    found = {}
    for t in threading.enumerate():
        try:
            text = Path(f"/proc/self/task/{t.native_id}/schedstat").read_text()
        except OSError:
            continue
        found[t.native_id or 0] = int(text.split()[0]) / 1e9
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
