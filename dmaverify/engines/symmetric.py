"""Search modulo symmetry: each state is replaced by the one that stands for all that permutations make of it.

That one is the same for all of them (``ir/symmetry`` says why), so it does not matter which was met. Distances, verdicts, and what can
be reached up to names are those of the whole search. A way through states that stand for others is no run of the System; ``Reduction``
makes one of it, from a true initial state on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from dmaverify.engines.pycode import Packing
from dmaverify.engines.successors import Compiled, Hit, Move, Target
from dmaverify.ir.symmetry import Elements, Few, Stage, Symmetry

Normal = Callable[[int], int]


class Reduction:
    """The symmetry of one System at work. Call it to replace a state."""

    def __init__(self, compiled: Compiled, symmetry: Symmetry) -> None:
        self.compiled, self.symmetry = compiled, symmetry
        self._stages = [_function(s, compiled.packing) for s in symmetry.stages]

    def __call__(self, state: int) -> int:
        for stage in self._stages:
            state = stage(state)
        return state

    def moves(self, moves: Sequence[Move]) -> list[Move]:
        """The same moves, to states that stand for others."""
        return [Move(self(m[0]), m[1], m[2], m[3]) for m in moves]

    def exercised(self, seen: set[tuple[str, str]]) -> set[tuple[str, str]]:
        """What was put to the test in a search of everything, from what was in this one."""
        return seen.union(*(self.symmetry.alike.get(label, ()) for label in seen))

    def run(self, way: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """States of a true run that the states of a way stand for, each with its distance."""
        first = min(s for s in self.compiled.initial_states() if self(s) == way[0][0])
        states = [first]
        for (_, start), (after, end) in itertools.pairwise(way):
            moves: list[Move] = []
            self.compiled.moves(states[-1], moves, [])
            ways = [Move(*m) for m in moves if m[1] == end - start and self(m[0]) == after]
            states.append(min(ways, key=lambda m: (m.action, m.inputs)).state)
        return [(s, cost) for s, (_, cost) in zip(states, way, strict=True)]

    def hit(self, state: int, hit: Hit | None, target: Target) -> tuple[Hit | None, Target]:
        """What is hit in a state that another one stands for, where ``target`` is hit at the same cost."""
        compiled = self.compiled
        compiled.wanted[:] = b"\1" * len(compiled.wanted)

        def alike(n: int) -> bool:
            t = compiled.targets[n]
            label = t.label == target.label or (t.prop, t.label) in self.symmetry.alike.get((target.prop, target.label), ())
            return (t.kind, t.prop, t.part, t.stop) == (target.kind, target.prop, target.part, target.stop) and label

        if hit is None:
            if target.kind not in ("always", "cover"):
                return None, target
            seen: list[int] = []
            compiled.observe(state, seen)
            return None, min((compiled.targets[n] for n in seen if alike(n)), key=lambda t: t.label)
        hits: list[Hit] = []
        compiled.moves(state, [], hits)
        same = [Hit(*h) for h in hits if alike(h[0]) and h[1] == hit[1]]
        found = min(same, key=lambda h: (compiled.targets[h.target].label, h.action, h.inputs))
        return found, compiled.targets[found.target]


def _function(stage: Stage, packing: Packing) -> Normal:
    """A stage as generated code, as the successors are."""
    source = "\n    ".join(["def normal(s):", *(_elements(stage, packing) if isinstance(stage, Elements) else _few(stage, packing))])
    space: dict[str, Normal] = {}
    exec(compile(source, "<normal form>", "exec"), space)
    return space["normal"]


Field = tuple[int, int, int]
"""Bits of a key: where they are in the state, where in the key, how many."""


def _fields(names: Sequence[str], packing: Packing) -> list[Field]:
    """A key made of some variables, the first of them least."""
    fields: list[Field] = []
    at = 0
    for name in names:
        offset, bits = packing.offset[name], packing.type[name].bits
        if fields and fields[-1][0] + fields[-1][2] == offset:
            fields[-1] = (fields[-1][0], fields[-1][1], fields[-1][2] + bits)
        else:
            fields.append((offset, at, bits))
        at += bits
    return fields


def _take(fields: Sequence[Field]) -> str:
    return " | ".join(f"(s >> {offset} & {(1 << bits) - 1:#x}) << {at}" for offset, at, bits in fields)


def _put(key: str, fields: Sequence[Field]) -> str:
    return " | ".join(f"({key} >> {at} & {(1 << bits) - 1:#x}) << {offset}" for offset, at, bits in fields)


def _without(names: Sequence[str], packing: Packing) -> str:
    kept = (1 << packing.bits) - 1
    for name in names:
        kept &= ~packing.mask(name)
    return f"s & {kept:#x}"


def _elements(stage: Elements, packing: Packing) -> list[str]:
    """Elements in ascending order of their keys."""
    fields = [_fields(c, packing) for c in stage.columns]
    keys = [f"k{n}" for n in range(len(fields))]
    return [
        *(f"{k} = {_take(f)}" for k, f in zip(keys, fields, strict=True)),
        f"if {' <= '.join(keys)}: return s",
        f"{', '.join(keys)} = sorted(({', '.join(keys)}))",
        f"return {' | '.join([_without([n for c in stage.columns for n in c], packing), *map(_put, keys, fields)])}",
    ]


def _few(stage: Few, packing: Packing) -> list[str]:
    """The least key of all that permutations make."""
    names = moved(stage)
    keys = []
    for p in stage.permutations:
        back = {there: here for here, there in p.items()}
        keys.append(_take(_fields([back.get(n, n) for n in names], packing)))
    return [f"k = min({', '.join(keys)})", f"return {_without(names, packing)} | {_put('k', _fields(names, packing))}"]


def moved(stage: Few) -> list[str]:
    """The variables that some permutation moves, in the order of the key."""
    return sorted({n for p in stage.permutations for n in p})


