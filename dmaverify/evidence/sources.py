"""From checked programs to judges: which monitors, which events, which world."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dmaverify.evidence.board import BoardWorld
from dmaverify.evidence.evaluate import Evaluator
from dmaverify.evidence.judge import Instance, Judge, read_by
from dmaverify.evidence.world import OpenWorld, World
from dmaverify.lang import sem
from dmaverify.lang.check import check
from dmaverify.lang.check.result import Checked
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.lang.layout import Layout
from dmaverify.lang.link import load
from dmaverify.lang.symbols import EventSym, MonitorSym
from dmaverify.paths import data_roots
from dmaverify.span import NOWHERE

ALL_INVARIANTS = "invariants.dma"
"""The module of ``spec/`` that imports every invariant."""


def checked_program(path: str | Path, variant: str | None = None) -> Checked:
    """A scenario or module, linked and checked."""
    return check(load(path).program(variant))


def open_world(checked: Checked) -> OpenWorld:
    """All addresses, for a stream of which no scenario is known."""
    partitions = [t.ty for t in checked.types if isinstance(t.ty, sem.IndexT) and t.ty.is_partition]
    world = OpenWorld([], lambda e: None)
    evaluator = Evaluator(world, {})
    return OpenWorld(partitions, lambda e: evaluator.value(e, {}))


def board_world(checked: Checked, params: Mapping[str, Any] | None = None, frozen: Mapping[str, Any] | None = None) -> BoardWorld:
    """A scenario's memory and constants, for one choice of its params."""
    given = {name: value for name, value in (params or {}).items() if value is not None}
    return BoardWorld(Layout(checked, given), frozen)


def events_of(checked: Checked) -> dict[str, EventSym]:
    """The declared events by name."""
    return {e.name: e for e in checked.events}


def all_instances(checked: Checked) -> list[Instance]:
    """What a scenario checks: every monitor without parameters unless it says which, and those that it names,
    with arguments.
    """
    found: dict[str, Instance] = {}
    checks = checked.program.checks
    if not checks.only:
        found = {m.name: Instance(m.name, m) for m in checked.monitors if not m.params}
    for p in checks.props:
        if isinstance(p.ref, MonitorSym):
            names = [x.name for x in p.ref.params]
            args = {a.name if a.name is not None else names[i]: a.value for i, a in enumerate(p.args)}
            found[p.text] = Instance(p.text, p.ref, args)
    return list(found.values())


def chosen(checked: Checked, names: Iterable[str]) -> list[Instance]:
    """The monitors of these names; DmaError for one that is not there or that needs arguments which nobody
    gives.
    """
    checks = {i.name: i for i in all_instances(checked)}
    known = {m.name: m for m in checked.monitors}
    found: list[Instance] = []
    for name in names:
        if name in checks:
            found.append(checks[name])
        elif name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
            raise DmaError([Diagnostic("DMA050", f"there is no monitor {name}; {hint}", NOWHERE)])
        elif known[name].params:
            message = f"the monitor {name} has parameters; a scenario that checks it says what they are"
            fix = "Give the scenario with --scenario, and the monitor as its `check` line writes it."
            raise DmaError([Diagnostic("DMA050", message, NOWHERE, fix=fix)])
        else:
            found.append(Instance(name, known[name]))
    return found


def with_support(checked: Checked, instances: Iterable[Instance]) -> list[Instance]:
    """The instances, and before them the monitors whose ghosts they read without being asked about."""
    found = list(instances)
    todo = list(found)
    while todo:
        for owner in read_by(todo.pop().sym):
            if not owner.params and all(i.sym is not owner for i in found):
                support = Instance(owner.name, owner, asked=False)
                found.append(support)
                todo.append(support)
    order = {m: n for n, m in enumerate(checked.monitors)}
    return sorted(found, key=lambda i: order[i.sym])


def make_judge(checked: Checked, instances: Iterable[Instance], world: World) -> Judge:
    """A judge for these monitors."""
    return Judge(with_support(checked, instances), events_of(checked), world)


def load_monitors(monitor: str, scenario: str | None, variant: str | None) -> tuple[Checked, list[Instance]]:
    """The program with the monitors that are asked for. ``monitor``: a name among all invariants (or those
    that the scenario imports), several with commas between them, ``all``, or a file with monitors.
    """
    path = Path(monitor)
    if scenario is not None:
        checked = checked_program(scenario, variant)
    elif monitor.endswith(".dma"):
        checked = checked_program(path)
    else:
        checked = checked_program(data_roots()[0] / "spec" / ALL_INVARIANTS)
    if scenario is not None and monitor == "all":
        return checked, all_instances(checked)
    if monitor.endswith(".dma") or monitor == "all":
        inside = checked.program.scope.name if monitor.endswith(".dma") and scenario is None else None
        own = [m for m in checked.monitors if not m.params and (inside is None or m.module == inside)]
        return checked, [Instance(m.name, m) for m in own or checked.monitors if not m.params]
    return checked, chosen(checked, split_names(monitor))


def split_names(text: str) -> list[str]:
    """``a, bound(x, y), b`` at the commas outside of brackets."""
    names, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            names.append("")
        else:
            names[-1] += c
    return [n.strip() for n in names if n.strip()]
