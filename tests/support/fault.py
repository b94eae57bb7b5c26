"""What a fault is: the checker, broken on purpose in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

Break = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Fault:
    """``layer``: the part of the tool that it breaks. ``guard``: the name of the guard that has to notice (``guards``)."""

    name: str
    layer: str
    says: str
    guard: str
    enter: Break


FAULTS: list[Fault] = []


def fault(layer: str, guard: str) -> Callable[[Callable[[], Iterator[None]]], Break]:
    """Makes a fault of a function that breaks something, yields, and mends it; its docstring is the sentence."""

    def put(broken: Callable[[], Iterator[None]]) -> Break:
        enter = contextmanager(broken)
        assert broken.__doc__
        FAULTS.append(Fault(broken.__name__, layer, " ".join(broken.__doc__.split()), guard, enter))
        return enter

    return put
