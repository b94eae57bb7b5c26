"""Every scenario that is shipped: the native search says what the search in Python says."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

from dmaverify.checking.frontend import concrete
from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import DEADLOCK, explore
from dmaverify.engines.native.engine import explore_natively
from dmaverify.engines.successors import Compiled
from dmaverify.ir.pipeline import prepare, to_core
from tests.test_native import same

BOARDS = sorted((Path(__file__).resolve().parent.parent / "models" / "boards").glob("*.dma"))

MOST = 12_000
"""States of a System that is compared; its generated Python has at most five times as many bytes."""


@pytest.mark.slow
@pytest.mark.parametrize("path", BOARDS, ids=lambda p: p.stem)
def test_one_answer(path: Path) -> None:
    """States, transitions, lengths of traces, what was put to the test, deadlocks; sliced for each property, in steps."""
    core = to_core(concrete(str(path), None, {}).system)
    names = tuple(p.name for p in core.system.properties if p.kind != "cover")
    compared = 0
    for part in prepare(core, names).slices:
        compiled = Compiled(part.system)
        if sum(map(len, compiled.sources)) > 5 * MOST or compared == 2:
            continue
        deadlock = DEADLOCK in part.properties
        python = explore(part.system, Budget(states=MOST), deadlock=deadlock)
        if not python.reason:
            same(python, explore_natively(compiled, Budget(), deadlock=deadlock, thorough=True, name="explicit", threads=2))
            compared += 1
    if not compared:
        pytest.skip("nothing that can be listed and compiles in a moment")
