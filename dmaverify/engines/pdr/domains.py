"""Which values a variable can have, where that is to be seen from what is stored in it: constants and copies of such variables."""

from __future__ import annotations

from dmaverify.engines.frozen import leaves
from dmaverify.ir.system import System
from dmaverify.ir.types import Bool, Value

MOST = 64
"""A variable with more values than this is not followed."""


def values_of(system: System) -> dict[str, list[Value]]:
    """For each number of few values, those that it may have in any reachable state, in order."""
    sources: dict[str, set[str]] = {}
    found: dict[str, set[Value]] = {}
    for v in system.vars:
        if not isinstance(v.type, Bool) and not v.any_init:
            found[v.name], sources[v.name] = {v.init}, set()
    for a in system.actions:
        for name, new in a.updates.items():
            if name not in found:
                continue
            for leaf in leaves(new):
                if leaf.is_const:
                    found[name].add(leaf.value)
                elif leaf.op == "var":
                    sources[name].add(leaf.data)
                else:
                    del found[name]
                    break
    return _closed(found, sources)


def _closed(found: dict[str, set[Value]], sources: dict[str, set[str]]) -> dict[str, list[Value]]:
    changed = True
    while changed:
        changed = False
        for name in list(found):
            if len(found[name]) > MOST or not sources[name] <= found.keys():
                del found[name]
                changed = True
                continue
            more = set[Value]().union(*(found[s] for s in sources[name])) - found[name]
            if more:
                found[name] |= more
                changed = True
    return {name: sorted(values) for name, values in found.items()}
