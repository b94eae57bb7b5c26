"""AIGER: the circuit of a property in the format that hardware model checkers read (binary AIGER 1.9, and its 1.0 core).

The file's latches come in the order of the circuit's and bear their names in the symbol table, so that an invariant that another
tool finds can be said about variables again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dmaverify.engines.pdr.aig import FALSE, TRUE, Aig
from dmaverify.engines.pdr.circuit import Circuit
from dmaverify.engines.pdr.problem import Problem
from dmaverify.ir.system import System


@dataclass(frozen=True)
class Sequential:
    """A graph with its latches: node, next literal, reset (None: any value) and name; inputs are nodes with names."""

    graph: Aig
    inputs: list[tuple[int, str]]
    latches: list[tuple[int, int, bool | None, str]]
    bad: int
    assumed: int
    """What initial states satisfy beside the resets."""


def to_aiger(system: System, prop: str, *, plain: bool = False) -> bytes:
    """The core System with one property, in binary AIGER.

    The bad state is a ``B`` line of AIGER 1.9, latches that may start with any value say so, and assumptions about initial states
    are folded into it. ``plain``: version 1.0 only, for tools like ABC: the bad state is the one output, and every latch starts with
    zero (inverted where it does not, or loaded in a first step of its own where initial values are not all fixed).
    """
    circuit = Circuit(system)
    inputs = [(node, f"input.{n}") for n, node in enumerate(circuit.inputs)]
    latches = [
        (node, new, latch.reset, latch.name) for latch, node, new in zip(circuit.latches, circuit.state, circuit.next, strict=True)
    ]
    s = Sequential(circuit.graph, inputs, latches, circuit.bad(prop), circuit.assumed)
    return written(from_zero(s) if plain else without_assumptions(s), plain=plain)


def of_problem(problem: Problem) -> Sequential:
    """A reduced problem; latches and inputs are named by their numbers, from 1."""
    latches = zip(problem.state, problem.next, problem.resets, strict=True)
    return Sequential(
        problem.graph,
        [(node, f"i{n}") for n, (node, _) in enumerate(problem.inputs, 1)],
        [(node, new, reset, f"s{n}") for n, (node, new, reset) in enumerate(latches, 1)],
        problem.bad,
        problem.assumed,
    )


def _copied(s: Sequential) -> tuple[Aig, dict[int, int]]:
    """A new graph with the leaves of the old one, and where they are."""
    graph = Aig()
    return graph, {node: graph.leaf() for node in [n for n, _ in s.inputs] + [latch[0] for latch in s.latches]}


def without_assumptions(s: Sequential) -> Sequential:
    """The same with the assumptions folded into what is bad: an initial state that is none never becomes bad."""
    if s.assumed == TRUE:
        return s
    graph, known = _copied(s)
    later, lost = graph.leaf(), graph.leaf()
    roots = [*(latch[1] for latch in s.latches), s.bad, s.assumed]
    *nexts, bad, assumed = s.graph.copy_into(graph, roots, known)
    gone = graph.or_(lost, graph.and_(later ^ 1, assumed ^ 1))
    latches = [(known[n] >> 1, new, reset, name) for (n, _, reset, name), new in zip(s.latches, nexts, strict=True)]
    latches += [(later >> 1, TRUE, False, "later"), (lost >> 1, gone, False, "outside")]
    return Sequential(graph, [(known[n] >> 1, name) for n, name in s.inputs], latches, graph.and_(bad, gone ^ 1), TRUE)


LOADED = "loaded"
"""The latch that says that the initial values are there."""


def from_zero(s: Sequential) -> Sequential:
    """The same with every latch starting with zero.

    Where all initial values are fixed, latches that start with one are inverted. Else a latch ``loaded`` is added in front of
    the others, and an input for each free initial value behind the others: as long as it is zero the latches load their initial
    values, and it becomes one when those satisfy what is assumed.
    """
    graph, known = _copied(s)
    nodes = {n: known[n] >> 1 for n in known}
    roots = [*(latch[1] for latch in s.latches), s.bad]
    inputs = [(nodes[n], name) for n, name in s.inputs]
    if s.assumed == TRUE and all(reset is not None for _, _, reset, _ in s.latches):
        for n, _, reset, _ in s.latches:
            known[n] ^= int(bool(reset))
        *nexts, bad = s.graph.copy_into(graph, roots, known)
        inverted: list[tuple[int, int, bool | None, str]] = []
        for (n, _, reset, name), new in zip(s.latches, nexts, strict=True):
            inverted.append((nodes[n], new ^ int(bool(reset)), False, name))
        return Sequential(graph, inputs, inverted, bad, TRUE)
    loaded = graph.leaf()
    first = {}
    for n, _, reset, name in s.latches:
        first[n] = (TRUE if reset else FALSE) if reset is not None else graph.leaf()
        if reset is None:
            inputs.append((first[n] >> 1, f"initial.{name}"))
    # the assumptions are about the values that are being loaded
    starting = {**known, **first}
    (assumed,) = s.graph.copy_into(graph, [s.assumed], starting)
    *nexts, bad = s.graph.copy_into(graph, roots, known)
    latches: list[tuple[int, int, bool | None, str]] = [(loaded >> 1, graph.or_(loaded, assumed), False, LOADED)]
    for (n, _, _, name), new in zip(s.latches, nexts, strict=True):
        latches.append((nodes[n], graph.mux(loaded, new, first[n]), False, name))
    return Sequential(graph, inputs, latches, graph.and_(loaded, bad), TRUE)


def _number(n: int) -> bytes:
    """A difference as AIGER writes it: seven bits a byte, the lowest first."""
    found = bytearray()
    while n > 127:
        found.append(n & 127 | 128)
        n >>= 7
    return bytes([*found, n])


def written(s: Sequential, *, plain: bool) -> bytes:
    """The binary file. Assumptions must be gone (``without_assumptions``, ``from_zero``)."""
    leaves = [n for n, _ in s.inputs] + [latch[0] for latch in s.latches]
    place = {0: 0} | {node: 2 * k for k, node in enumerate(leaves, 1)}
    ands: list[int] = []
    for n in s.graph.cone([s.bad, *(latch[1] for latch in s.latches)]):
        if n not in place:
            place[n] = 2 * (len(leaves) + len(ands) + 1)
            ands.append(n)

    def literal(x: int) -> int:
        return place[x >> 1] ^ x & 1

    counts = [len(leaves) + len(ands), len(s.inputs), len(s.latches), int(plain), len(ands)]
    lines = ["aig " + " ".join(map(str, counts if plain else [*counts, 1]))]
    for node, new, reset, _ in s.latches:
        lines.append(f"{literal(new)}" + ("" if reset is False else f" {place[node] if reset is None else 1}"))
    lines.append(f"{literal(s.bad)}")
    out = bytearray(_lines(lines))
    for n in ands:
        high, low = sorted((literal(s.graph.left[n]), literal(s.graph.right[n])), reverse=True)
        out += _number(place[n] - high) + _number(high - low)
    names = [f"i{k} {name}" for k, (_, name) in enumerate(s.inputs)]
    names += [f"l{k} {latch[3]}" for k, latch in enumerate(s.latches)]
    return bytes(out + _lines([*names, f"{'o' if plain else 'b'}0 bad"]))


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
