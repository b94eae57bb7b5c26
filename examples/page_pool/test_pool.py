"""The pool in C against its model, as a project would test it: ``pytest examples/page_pool``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from pool import SCENARIO, CPool, build, compiler

from dmaverify.testing import machine_for

if compiler() is None:
    pytest.skip("pool.c needs a C compiler", allow_module_level=True)


def machine(folder: Path, bug: int = 0) -> Any:
    """Calls to pool.c and to the model."""
    return machine_for(SCENARIO, partial(CPool, build(folder, bug)))


def test_the_pool_does_what_the_model_does(tmp_path: Path) -> None:
    pool = machine(tmp_path)
    run_state_machine_as_test(pool, settings=settings(pool.TestCase.settings, max_examples=30))


@pytest.mark.parametrize("bug", [3, 6, 10])
def test_each_planted_mistake_is_found(bug: int, tmp_path: Path) -> None:
    """After the first line, which says what is wrong, stand as many calls as the mistake needs."""
    with pytest.raises(AssertionError) as found:
        run_state_machine_as_test(machine(tmp_path, bug))
    assert len(str(found.value).splitlines()) == 2 + bug, str(found.value)
