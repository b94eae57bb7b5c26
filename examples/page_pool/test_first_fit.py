"""The pool in Python against the same model."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from first_fit import NeverJoined, PythonPool
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from dmaverify.testing import Diverged, machine_for

SCENARIO = Path(__file__).resolve().parent / "page_pool.dma"

TestFirstFit = machine_for(SCENARIO, PythonPool).TestCase
TestFirstFit.settings = settings(TestFirstFit.settings, max_examples=30)


def test_stretches_that_are_never_joined_are_noticed() -> None:
    machine = machine_for(SCENARIO, partial(PythonPool, NeverJoined))
    with pytest.raises(Diverged) as found:
        run_state_machine_as_test(machine)
    assert len(str(found.value).splitlines()) == 2 + 3
