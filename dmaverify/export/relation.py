"""A core System as terms over current variables, inputs and a choice: what symbolic formats are made of.

The relation is functional: each variable has one next value, and a choice that fits no enabled action changes nothing. A
step whose failed check ends the run changes nothing either, so behind it there is nothing to be found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from dmaverify.engines.smt.encode import Encoder
from dmaverify.engines.smt.terms import Sort, T, Writer, constant, sort_of
from dmaverify.engines.smt.unroll import choice_numbers, enabled
from dmaverify.export.choose import Bad, Exported
from dmaverify.ir.expr import FALSE, TRUE, not_
from dmaverify.ir.types import Type

CHOICE = "choice!"
"""The symbol that says which action is taken."""


@dataclass
class Relation(Generic[T]):
    """The terms of one System; all are over ``variables`` and the symbols of ``inputs``."""

    variables: dict[str, tuple[T, Sort]]
    inputs: dict[str, tuple[T, Sort]]
    """By symbol: the choice, and inputs as ``name:type``."""
    initial: dict[str, T]
    """Values of the variables that have one."""
    assumptions: list[T]
    """What the initial states fulfil beside that."""
    next: dict[str, T]
    """Variables that some action changes."""
    bads: list[tuple[Bad, T]]


def relation(exported: Exported, writer: Writer[T]) -> Relation[T]:
    """The System, written by ``writer``; leaves are its symbols of the variables' names."""
    system = exported.system
    variables = {v.name: (writer.symbol(v.name, sort_of(v.type)), sort_of(v.type)) for v in system.vars}
    inputs: dict[str, tuple[T, Sort]] = {}

    def chosen(name: str, t: Type) -> T:
        # one step takes one action, so actions may share the symbol of an input
        symbol = f"{name}:{t}"
        if symbol not in inputs:
            inputs[symbol] = (writer.symbol(symbol, sort_of(t)), sort_of(t))
        return inputs[symbol][0]

    encode = Encoder(writer, {name: term for name, (term, _) in variables.items()}, chosen)
    numbers = choice_numbers(system.actions)
    width = max(1, max(numbers, default=0).bit_length())
    if numbers:
        inputs[CHOICE] = (writer.symbol(CHOICE, width), width)
    possible: list[T] = []
    goes_on: list[T] = []
    for n, (number, action) in enumerate(zip(numbers, system.actions, strict=True)):
        parts = [writer.apply("=", [inputs[CHOICE][0], writer.bits(number, width)])]
        condition = enabled(system, action)
        if condition is not TRUE:
            parts.append(encode(condition))
        possible.append(parts[0] if len(parts) == 1 else writer.apply("and", parts))
        ends = exported.ends(n)
        goes_on.append(possible[n] if ends is FALSE else writer.apply("and", [possible[n], encode(not_(ends))]))
    after: dict[str, T] = {}
    for going, action in zip(goes_on, system.actions, strict=True):
        for name, new in action.updates.items():
            after[name] = writer.apply("ite", [going, encode(new), after.get(name, variables[name][0])])
    bads = []
    for bad in exported.bads:
        term = encode(bad.cond)
        bads.append((bad, term if bad.action is None else writer.apply("and", [possible[bad.action], term])))
    return Relation(
        variables,
        inputs,
        {v.name: constant(writer, v.init, v.type) for v in system.vars if not v.any_init},
        [encode(a) for a in system.assumptions],
        after,
        bads,
    )


