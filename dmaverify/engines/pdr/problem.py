"""What is left of a circuit for one property: without latches that never change, and without what has no say in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dmaverify.engines.pdr.aig import Aig
from dmaverify.engines.pdr.circuit import Circuit

Clause = tuple[int, ...]
"""Latches of a problem, numbered from 1, negative where negated."""


@dataclass
class Problem:
    """A reduced circuit. Latch number k (from 1) is ``latches[k - 1]`` of the circuit and node ``state[k - 1]`` of the graph."""

    graph: Aig
    latches: list[int]
    state: list[int]
    next: list[int]
    resets: list[bool | None]
    inputs: list[tuple[int, int]]
    """Node here and node in the circuit's graph."""
    bad: int
    assumed: int
    facts: list[Clause]
    """Hold by what the latches mean."""
    constant: dict[int, bool]
    """Latches of the circuit that never change (which is shown by ternary simulation), and their values."""


def reduced(circuit: Circuit, bad: int, look: Callable[[], None] = lambda: None) -> Problem:
    """The problem of what is bad (a literal of the circuit). ``look`` is called now and then, to watch a budget."""
    constant = unchanging(circuit, bad, look)
    graph = Aig()
    known = {circuit.state[n]: int(value) for n, value in constant.items()}
    number = {node: n for n, node in enumerate(circuit.state)}
    inputs: list[tuple[int, int]] = []
    state: dict[int, int] = {}
    todo = [bad, circuit.assumed]
    found: dict[int, int] = {}  # next literals, by latch of the circuit
    outputs: list[int] = []
    pending: list[int] = []
    own = set(circuit.inputs)
    while todo:
        for node in circuit.graph.cone(todo):
            if node in known:
                continue
            if node in number:
                known[node] = graph.leaf()
                state[number[node]] = known[node] >> 1
            elif node in own:
                known[node] = graph.leaf()
                inputs.append((known[node] >> 1, node))
        results = circuit.graph.copy_into(graph, todo, known)
        if not outputs:
            outputs = results
        else:
            found.update(zip(pending, results, strict=True))
        # what is rebuilt may read less than what it was made of
        used = _leaves(graph, results)
        pending = [n for n, node in state.items() if node in used and n not in found]
        for n in pending:
            found[n] = -1
        todo = [circuit.next[n] for n in pending]
    kept = sorted(found)
    place = {n: k for k, n in enumerate(kept, 1)}
    facts = (_restricted(f, place, constant) for f in circuit.facts)
    used = _leaves(graph, [*outputs, *found.values()])
    return Problem(
        graph,
        kept,
        [state[n] for n in kept],
        [found[n] for n in kept],
        [circuit.latches[n].reset for n in kept],
        [(here, there) for here, there in inputs if here in used],
        outputs[0],
        outputs[1],
        [f for f in facts if f is not None],
        constant,
    )


def _leaves(graph: Aig, roots: list[int]) -> set[int]:
    return {n for n in graph.cone(roots) if graph.is_leaf(n)}


def _restricted(fact: list[int], place: dict[int, int], constant: dict[int, bool]) -> Clause | None:
    """The fact over the latches that are left; None if it is about others, too, or says nothing."""
    found = []
    for x in fact:
        n = abs(x) - 1
        if n in constant:
            if constant[n] == (x > 0):
                return None
        elif n in place:
            found.append(place[n] if x > 0 else -place[n])
        else:
            return None
    return tuple(found)


def unchanging(circuit: Circuit, bad: int, look: Callable[[], None] = lambda: None) -> dict[int, bool]:
    """Latches that have their initial value for ever, whatever the inputs: ternary simulation until nothing changes."""
    graph = circuit.graph
    left, right = graph.left, graph.right
    nodes = graph.cone([bad, circuit.assumed, *circuit.next])
    low, high = bytearray(b"\1" * len(left)), bytearray(b"\1" * len(left))  # may be false, may be true
    high[0] = 0
    held = {n: latch.reset for n, latch in enumerate(circuit.latches) if latch.reset is not None}
    for n, value in held.items():
        low[circuit.state[n]], high[circuit.state[n]] = not value, value
    nodes = [n for n in nodes if left[n] >= 0]
    while True:
        look()
        for n in nodes:
            a, b = left[n], right[n]
            x, y = a >> 1, b >> 1
            if a & 1:
                zero, one = high[x], low[x]
            else:
                zero, one = low[x], high[x]
            if b & 1:
                low[n], high[n] = zero | high[y], one & low[y]
            else:
                low[n], high[n] = zero | low[y], one & high[y]
        changed = []
        for n, value in held.items():
            new = circuit.next[n]
            other = (low if value else high)[new >> 1] if not new & 1 else (high if value else low)[new >> 1]
            if other:
                changed.append(n)
        if not changed:
            return {n: bool(value) for n, value in held.items()}
        for n in changed:
            del held[n]
            low[circuit.state[n]] = high[circuit.state[n]] = 1
