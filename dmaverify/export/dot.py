"""Graphviz: the reachable states of a small System and the steps between them."""

from __future__ import annotations

from dmaverify.engines.successors import Compiled, Hit, Move
from dmaverify.export.choose import Exported, NotExportable
from dmaverify.ir.types import Value

LINES = 12
"""A state shows at most so many variables."""


def to_dot(exported: Exported, most: int) -> str:
    """The graph; NotExportable if it has more than ``most`` states.

    A state shows what differs from the first one. Double: initial. Red: something fails there, or in the step.
    """
    system = exported.system
    compiled = Compiled(system)
    wanted = {(b.prop, b.label) for b in exported.bads}
    numbers: dict[int, int] = {}
    todo: list[int] = []

    def number(state: int) -> int:
        if state not in numbers:
            if len(numbers) == most:
                raise NotExportable(f"it has more than {most:,} states (--states N for more, --for PROPERTY for fewer)")
            numbers[state] = len(numbers)
            todo.append(state)
        return numbers[state]

    initial = [number(s) for s in compiled.initial_states()]
    first = compiled.packing.unpack(next(iter(numbers))) if numbers else {}
    out = [f"digraph {_quoted(system.name)} {{", "  node [shape=box, fontname=monospace]", "  edge [fontname=monospace]"]
    edges: list[str] = []
    for state in todo:  # grows while it is walked
        moves: list[Move] = []
        hits: list[Hit] = []
        seen: list[int] = []
        compiled.observe(state, seen)
        compiled.moves(state, moves, hits)
        marks = ["peripheries=2"] if numbers[state] in initial else []
        failed = [t for t in (compiled.targets[n] for n in seen) if (t.prop, t.label) in wanted]
        if failed:
            marks.append("color=red")
        label = [*_differences(compiled.packing.unpack(state), first), *(f"fails: {t.label}" for t in failed)]
        out.append(f"  s{numbers[state]} [{', '.join([f'label={_quoted(chr(10).join(label))}', *marks])}]")
        wrong = {
            (h[2], h[3]): compiled.targets[h[0]].label
            for h in hits
            if (compiled.targets[h[0]].prop, compiled.targets[h[0]].label) in wanted
        }
        for successor, _, action, given in moves:
            failing = wrong.pop((action, given), "")
            edges.append(_edge(f"s{numbers[state]}", f"s{number(successor)}", system.actions[action].name, failing))
        for k, ((action, _), label_) in enumerate(wrong.items()):
            # the run ends with this step
            end = f"e{numbers[state]}_{k}"
            edges.append(f'  {end} [label="", shape=point, color=red]')
            edges.append(_edge(f"s{numbers[state]}", end, system.actions[action].name, label_))
    return "\n".join([*out, *edges, "}", ""])


def _edge(start: str, end: str, name: str, wrong: str) -> str:
    label = f"{name}\nfails: {wrong}" if wrong else name
    return f"  {start} -> {end} [label={_quoted(label)}{', color=red' if wrong else ''}]"


def _differences(state: dict[str, Value], first: dict[str, Value]) -> list[str]:
    changed = [f"{name} = {_shown(v)}" for name, v in state.items() if v != first[name]]
    return changed if len(changed) <= LINES else [*changed[: LINES - 1], f"and {len(changed) - LINES + 1} more"]


def _shown(v: Value) -> str:
    return str(v).lower() if isinstance(v, bool) else str(v) if abs(v) < 1024 else hex(v)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\l")
    return f'"{escaped}"'
