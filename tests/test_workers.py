"""Tasks in worker processes and in turn: everything is done once, and an interrupt keeps what was finished."""

from __future__ import annotations

import pytest

from dmaverify.checking.workers import Died, run_tasks


def double(n: int) -> int:
    """Somebody presses Ctrl-C during the task 13."""
    if n == 13:
        raise KeyboardInterrupt
    return 2 * n


def done(tasks: list[int], jobs: int, last: int = -1) -> tuple[bool, dict[int, int], list[int]]:
    """Whether it came to its end, what was finished, what was begun; enough is known with the result ``last``."""
    finished: dict[int, int] = {}
    begun: list[int] = []

    def lost(n: int, why: Died) -> int:
        raise AssertionError(why)

    complete = run_tasks(tasks, double, jobs, begun.append, finished.__setitem__, lost, lambda result: result == last)
    return complete, finished, sorted(begun)


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_task_is_done_once(jobs: int) -> None:
    assert done([5, 6, 7, 8], jobs) == (True, {0: 10, 1: 12, 2: 14, 3: 16}, [0, 1, 2, 3])
    assert done([5], jobs) == (True, {0: 10}, [0])
    assert done([], jobs) == (True, {}, [])


def test_an_interrupt_in_turn_keeps_what_was_finished() -> None:
    assert done([5, 6, 13, 8], 1) == (False, {0: 10, 1: 12}, [0, 1, 2])


def test_a_task_that_took_note_of_an_interrupt_is_the_last_one() -> None:
    """Its result counts, as far as it goes, and nothing else is begun."""
    assert done([5, 6, 7, 8], 1, last=12) == (False, {0: 10, 1: 12}, [0, 1])
