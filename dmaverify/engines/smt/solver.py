"""One narrow interface over the two solvers. Neither is imported before a symbolic engine asks for it.

A solver works under a ``Budget``: a check that runs out of time or memory, or that the user interrupts, raises ``Stopped`` (or
``KeyboardInterrupt``); an answer is therefore always *satisfiable* or *unsatisfiable*.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol, TypeAlias

from dmaverify.engines.base import Budget
from dmaverify.engines.smt.terms import Writer

Term: TypeAlias = Any
"""A term of the solver at hand: opaque here, made by the solver's writer and given back to it."""

SolverName = Literal["z3", "bitwuzla"]
SOLVERS: tuple[SolverName, ...] = ("bitwuzla", "z3")

CHECK_EVERY = 0.05
"""Seconds between two looks at the budget while a solver works."""


class Solver(Protocol):
    """An incremental solver for quantifier-free bit-vectors."""

    name: str
    version: str

    @property
    def writer(self) -> Writer[Term]:
        """Makes the terms that this solver takes."""
        ...

    def fresh(self) -> Solver:
        """Another solver for the same terms, without any assertion. One question to a solver of its own is often answered
        far sooner than at a level of one that has been asked before: all that is known is simplified at once.
        """
        ...

    def add(self, term: Term) -> None:
        """Assert a condition at the current level."""
        ...

    def push(self) -> None:
        """Open a level."""
        ...

    def pop(self) -> None:
        """Drop the latest level with what was asserted there."""
        ...

    def check(self, assumptions: Sequence[Term] = ()) -> bool:
        """Whether the assertions and the assumptions are satisfiable together; ``Stopped`` if that was not decided."""
        ...

    def core(self) -> list[int]:
        """Positions of assumptions of the last check that already contradict the assertions (the check answered no)."""
        ...

    def value(self, term: Term) -> int | bool:
        """Value of a term in the model of the last check (it answered yes); bit-vectors as unsigned numbers."""
        ...


def other(name: SolverName) -> SolverName:
    """The solver that checks what ``name`` has found."""
    return "bitwuzla" if name == "z3" else "z3"


def make_solver(name: SolverName, budget: Budget, seed: int = 0) -> Solver:
    """A fresh solver with no assertions. Imports the solver's package."""
    if name == "z3":
        from dmaverify.engines.smt.z3_solver import Z3Solver

        return Z3Solver(budget, seed)
    from dmaverify.engines.smt.bitwuzla_solver import BitwuzlaSolver

    return BitwuzlaSolver(budget, seed)
