"""Values for a few open variables, found by trying: completes the initial state of a trace of a sliced
System.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from dmaverify.ir.evaluate import UNKNOWN, Evaluator
from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Var
from dmaverify.ir.traverse import variables
from dmaverify.ir.types import Bool, Int, Value

MOST_TRIED = 1 << 20
MOST_VALUES = 1 << 12


class NoValuesError(ValueError):
    """No values were found that meet the conditions."""


def satisfy(conditions: Iterable[Expr], given: Mapping[str, Value], free: list[Var]) -> dict[str, Value]:
    """Values for the ``free`` variables such that every condition over them (and ``given`` ones) holds.

    Variables that no condition joins are tried independently of each other. Conditions over anything else are
    left out.
    """
    names = {v.name for v in free}
    relevant = []
    for c in conditions:
        read = variables(c)
        if read & names and read <= names | set(given):
            relevant.append((c, read & names))
    chosen: dict[str, Value] = {}
    for group in _joined([v.name for v in free], [r for _, r in relevant]):
        own = [c for c, read in relevant if read & group]
        chosen.update(_try([v for v in free if v.name in group], own, given))
    return chosen


def _joined(names: list[str], sets: list[set[str]]) -> list[set[str]]:
    groups: list[set[str]] = [{n} for n in names]
    for s in sets:
        touching = [g for g in groups if g & s]
        groups = [g for g in groups if not g & s]
        groups.append(set().union(*touching))
    return groups


def _try(free: list[Var], conditions: list[Expr], given: Mapping[str, Value]) -> dict[str, Value]:
    domains = [_values(v.type) for v in free]
    for combination in itertools.islice(itertools.product(*domains), MOST_TRIED):
        values = dict(zip((v.name for v in free), combination, strict=True))
        state = {**given, **values}
        evaluate = Evaluator(lambda n, s=state: s.get(n.data, UNKNOWN))  # type: ignore[misc]
        if all(evaluate(c) is True for c in conditions):
            return values
    raise NoValuesError(f"no initial values found for {', '.join(v.name for v in free)}")


def _values(t: object) -> Iterable[Value]:
    if isinstance(t, Bool):
        return (False, True)
    assert isinstance(t, Int)
    # small numbers and the largest ones: an assumption about a wide number is mostly a bound
    if t.count <= MOST_VALUES:
        return [t.wrap(n) for n in range(t.count)]
    return [*range(MOST_VALUES), *(t.hi - n for n in range(16)), *(1 << b for b in range(t.width - 1))]
