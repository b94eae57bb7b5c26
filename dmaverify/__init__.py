"""dmaverify: a model checker for the Linux kernel's DMA memory management.

>>> import dmaverify
>>> report = dmaverify.check("models/boards/mmap-tail.dma")  # doctest: +SKIP
>>> report.exit_status  # doctest: +SKIP
0
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dmaverify.api import check
    from dmaverify.results import Report

__version__ = "0.1.0"
__all__ = ["Report", "__version__", "check"]


def __getattr__(name: str) -> Any:
    # importing the package stays cheap: the solvers are loaded when the first check is asked for
    if name == "check":
        from dmaverify.api import check

        return check
    if name == "Report":
        from dmaverify.results import Report

        return Report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
