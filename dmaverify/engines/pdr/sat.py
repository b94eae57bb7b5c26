"""One incremental SAT solver of python-sat, with definitions loaded as they are needed and the budget watched."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dmaverify.engines.pdr.cnf import Cnf

# The package has no type stubs; a module object is typed as "any attribute", and this file is all that touches it.
_solvers: Any = importlib.import_module("pysat.solvers")

SOLVER = "minisat22"

CONFLICTS = 5_000
"""Between two looks at the budget."""


class Sat:
    """A solver over the variables of ``Cnf``, and more behind them (``fresh``)."""

    def __init__(self, cnf: Cnf, look: Callable[[], None], name: str = SOLVER) -> None:
        self.cnf, self._look = cnf, look
        self._solver = _solvers.Solver(name=name)
        self._loaded = bytearray(cnf.top + 1)
        self._next = cnf.top
        self.used = 0
        """How many fresh variables were taken."""

    def need(self, literals: Sequence[int]) -> None:
        """See to it that the solver knows what the literals mean."""
        clauses = self.cnf.load(literals, self._loaded)
        if clauses:
            self._solver.append_formula(clauses)

    def fresh(self) -> int:
        """A new variable."""
        self._next += 1
        self.used += 1
        return self._next

    def add(self, clause: Iterable[int]) -> None:
        """Add a clause; its definitions must be known."""
        self._solver.add_clause(clause)

    def solve(self, assumptions: Sequence[int]) -> bool:
        """Whether the clauses are satisfiable under the assumptions."""
        while True:
            self._solver.conf_budget(CONFLICTS)
            answer = self._solver.solve_limited(assumptions=assumptions)
            if answer is not None:
                return bool(answer)
            self._look()

    def core(self) -> list[int]:
        """Assumptions that cannot hold together."""
        return self._solver.get_core() or []

    def model(self) -> list[int]:
        """Literals that hold, one for each variable in order."""
        return list(self._solver.get_model())

    def close(self) -> None:
        """Free the solver."""
        self._solver.delete()
