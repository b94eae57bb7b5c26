"""For tests: an implementation beside a model, and what ``dmaverify fuzz`` has found once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dmaverify.testing.reproducing import Reproduced, reproduce

if TYPE_CHECKING:
    from dmaverify.testing.machine import Diverged, MonitorFailed, machine_for

__all__ = ["Diverged", "MonitorFailed", "Reproduced", "machine_for", "reproduce"]


def __getattr__(name: str) -> Any:
    # what reproduces a violation needs no Hypothesis
    if name in ("Diverged", "MonitorFailed", "machine_for"):
        from dmaverify.testing import machine

        return getattr(machine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
