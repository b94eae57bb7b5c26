"""Looks for a shortest word of a model that its contract has not: every element of the model, beside where the contract can be.

The pairs are gone through in the order of what was seen on the way. If each label that the model shows is one that the contract
shows there, then the pairs are a simulation (of the contract made deterministic), and every word of the model is one of the
contract's. Behind a demand that the driver breaks nothing is looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush

from dmaverify.patches.machine import Element, Label, Machine, TooMany
from dmaverify.refinement.contract import BOUND, Contract, stopped

LOOKS = 256
"""The clock is read once for so many pairs."""

Pair = tuple[Element, int]
"""Where the model is, and the number of where the contract can be."""


@dataclass(frozen=True)
class Difference:
    """A word that the model shows, and of which the contract can show all but the last label."""

    path: tuple[Element, ...]
    """The model's elements from an initial one to that which shows ``last``."""
    word: tuple[Label, ...]
    last: Label
    allowed: tuple[Label, ...]
    """What the contract can show there."""


@dataclass
class Answer:
    """What the search found out."""

    difference: Difference | None = None
    reason: str = ""
    """Why not everything was looked at, if it was not and there is no difference either."""
    pairs: int = 0
    elements: int = 0
    """Of the model and of the contract."""
    returns: Counter[str] = field(default_factory=Counter)
    """How often the return of a call of each proc was seen, in different pairs."""
    broken: bool = False
    """Whether the driver breaks a demand of the contract in some run."""
    ambiguous: tuple[str, ...] = ()


def search(model: Machine, contract: Contract, until: float | None = None) -> Answer:
    """Look at every pair that can be reached, at most until that moment (of ``time.monotonic``)."""
    answer = Answer()
    limits: set[str] = set()
    try:
        _explore(model, contract, answer, limits, until)
    except TooMany:
        answer.reason = f"states: more than {model.budget:,} on one side"
    except _Late:
        answer.reason = "time"
    limits |= contract.limits
    if limits and answer.difference is None and not answer.reason:
        answer.reason = f"{BOUND}: a limit that the models or the contract set themselves is met"
    answer.elements = len(model.nodes) + len(contract.nodes)
    answer.ambiguous = tuple(sorted(contract.ambiguous))
    return answer


class _Late(Exception):
    """Time is up."""


Cost = tuple[int, int]
"""Letters on the way, then moves: of the shortest words one with the fewest moves is told."""

Came = dict[Pair, tuple[Cost, Pair | None, Label | None]]
"""The cheapest way to a pair that is known: its cost, the pair before it, and the label if there is one."""


def _explore(model: Machine, contract: Contract, answer: Answer, limits: set[str], until: float | None) -> None:
    start = contract.start()
    came: Came = {(e, start): ((0, 0), None, None) for e in sorted(model.initial())}
    todo: list[tuple[Cost, int, Pair]] = [((0, 0), n, pair) for n, pair in enumerate(came)]
    found = len(todo)
    done: set[Pair] = set()
    while todo:
        cost, _, pair = heappop(todo)
        if pair in done:
            continue
        done.add(pair)
        answer.pairs += 1
        if until is not None and not answer.pairs % LOOKS and time.monotonic() > until:
            raise _Late
        e, number = pair
        if contract.free[number]:
            answer.broken = True
            continue
        if stopped(e[1]) == BOUND:
            limits.add(BOUND)
            continue
        node = model.node(e)
        can = contract.next[number]
        letters, moves = cost
        following: list[tuple[Pair, Label | None, Cost]] = []
        for label, target in sorted(node.labelled, key=lambda x: x[0]):
            if label not in can:
                answer.difference = _difference(came, pair, label, tuple(sorted(can)))
                return
            if label.kind == "return":
                answer.returns[label.proc] += 1
            if target is not None:
                following.append(((target, contract.follow(number, label)), label, (letters + 1, moves)))
        following += [((t, number), None, (letters, moves + 1)) for t in node.hidden]
        for p, seen, new in following:
            known = came.get(p)
            if known is None or new < known[0]:
                came[p] = new, pair, seen
                found += 1
                heappush(todo, (new, found, p))


def _difference(came: Came, pair: Pair, last: Label, allowed: tuple[Label, ...]) -> Difference:
    path: list[Element] = []
    word: list[Label] = []
    at: Pair | None = pair
    while at is not None:
        path.append(at[0])
        _, at, seen = came[at]
        if seen is not None:
            word.append(seen)
    return Difference(tuple(reversed(path)), tuple(reversed(word)), last, allowed)
