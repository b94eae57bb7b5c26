"""What a running check tells whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """``done`` of ``total`` variants are checked; ``what`` is being worked on or has just been
    ``finished``.
    """

    done: int
    total: int
    what: str
    note: str = ""
    finished: bool = False


Reporter = Callable[[Event], None]
