"""What an event costs does not depend on how much is known: counted, not timed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dmaverify.evidence.evaluate import Evaluator
from tests.support.streams import Line, allocated, feed, freeing, judge_for, page, returned, taken


def _steady(live: int, rounds: int) -> tuple[list[Line], list[Line]]:
    """Lines that bring ``live`` buffers into being, and then ``rounds`` times free one and take another."""
    rng = random.Random(live)
    held = list(range(live))
    start = [line for n in held for line in (taken(4 * n, 2), allocated(4 * n, 5000), _mapped(4 * n))]
    lines: list[Line] = []
    for n in range(live, live + rounds):
        at = rng.randrange(len(held))
        gone, held[at] = held[at], n
        unmap = {
            "event": "unmapping",
            "dev": "eth0",
            "at": page(4 * gone + 3),
            "size": 100,
            "dir": "TO_DEVICE",
        }
        lines += [
            unmap,
            freeing(4 * gone, 5000),
            returned(4 * gone, 2),
            taken(4 * n, 2),
            allocated(4 * n, 5000),
            _mapped(4 * n),
        ]
    return start, lines


def _mapped(n: int) -> Line:
    at = page(n + 3)
    return {"event": "mapped", "dev": "eth0", "at": at, "p": at, "size": 100, "dir": "TO_DEVICE"}


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many expressions were evaluated so far."""
    count = [0]
    plain = Evaluator.value

    def value(self: Evaluator, e: Any, env: Any) -> Any:
        count[0] += 1
        return plain(self, e, env)

    monkeypatch.setattr(Evaluator, "value", value)
    return count


@pytest.mark.parametrize(
    "monitor",
    ["no_overlap", "free_discipline", "ownership", "right_allocator", "small.lookup", "small.leaks"],
)
@pytest.mark.parametrize("gap", [False, True], ids=["whole", "gap"])
def test_the_cost_of_an_event_does_not_grow(monitor: str, gap: bool, evaluated: list[int]) -> None:
    costs = []
    for live in (50, 500):
        start, lines = _steady(live, 40)
        judge = judge_for(monitor)
        if gap:
            feed(judge, {"gap": 1})
        feed(judge, *start)
        before = evaluated[0]
        assert feed(judge, *lines) == []
        costs.append(evaluated[0] - before)
    assert costs[0] > 0
    assert costs[1] <= costs[0] * 1.2, costs


def test_what_went_back_to_its_default_is_not_kept() -> None:
    judge = judge_for("no_overlap")
    for n in range(200):
        feed(judge, taken(n), allocated(n), freeing(n), returned(n))
    assert sum(len(held.cells) for _, held in judge._ghosts) == 0  # type: ignore[union-attr]
