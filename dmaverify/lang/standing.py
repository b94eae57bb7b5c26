"""A program that stands in for what a file says: whoever compiles that variant of that file meanwhile gets it.

    with standing_in("board.dma", None, program):
        …                                  # every check of the base of board.dma is one of this program

The mutants of ``mutate`` are programs that no file holds. It is true in this process until the block ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmaverify.lang.link import load
from dmaverify.lang.program import Program

_standing: dict[tuple[str, str | None], Program] = {}


@contextmanager
def standing_in(path: str | Path, variant: str | None, program: Program) -> Iterator[None]:
    """Put a program in the place of one variant of a file."""
    key = str(path), variant
    before = _standing.get(key)
    _standing[key] = program
    try:
        yield
    finally:
        del _standing[key]
        if before is not None:
            _standing[key] = before


def program_of(path: str | Path, variant: str | None) -> Program:
    """The program of a scenario or variant: what stands in for it, or what its files say. Raises DmaError."""
    return _standing.get((str(path), variant)) or load(path).program(variant)
