"""The tool is broken on purpose in many places, and each time a guard notices: the guards can fail.

What is broken and who has to notice is in ``tests/support/faults_in_*.py``, the guards are in ``tests/support/guards.py``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dmaverify.checking.problems import Mismatch
from dmaverify.engines.auto import Disagreement
from dmaverify.engines.certificate import Refused
from dmaverify.engines.pdr.essence import Refuted
from dmaverify.engines.replay import ReplayMismatch
from dmaverify.engines.traces import NotATrace
from tests.support.faults import FAULTS, Fault
from tests.support.guards import GUARDS

pytest.importorskip("llvmlite")

NOTICED = (AssertionError, Disagreement, Mismatch, NotATrace, Refused, Refuted, ReplayMismatch)
"""How a guard says that something is wrong: a test's own comparison, or one of the tool's alarms. Any other exception is none."""


@pytest.mark.parametrize("name", GUARDS)
def test_a_guard_passes_on_the_tool_as_it_is(name: str) -> None:
    GUARDS[name]()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_guard_notices(fault: Fault) -> None:
    with fault.enter(), pytest.raises(NOTICED):
        GUARDS[fault.guard]()


def test_what_is_broken(root: Path) -> None:
    """Enough faults, in all layers, every guard is shown able to fail, and docs/trust.md says so."""
    assert len(FAULTS) >= 40
    page = (root / "docs" / "trust.md").read_text(encoding="utf-8")
    assert f"breaks the tool in {len(FAULTS)} places" in page
    for f in FAULTS:
        assert f"| {f.layer} | `{f.name}` | {f.says} | {f.guard} |" in page
    assert {f.guard for f in FAULTS} == set(GUARDS)
    assert len({f.name for f in FAULTS}) == len(FAULTS)
