"""bitwuzla behind the interface of ``solver``."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import Any

from dmaverify.engines.base import Budget, Stopped
from dmaverify.engines.smt.solver import CHECK_EVERY, Term
from dmaverify.engines.smt.terms import Sort

# The package has no type stubs; a module object is typed as "any attribute", and this file is all that touches it.
_bitwuzla: Any = importlib.import_module("bitwuzla")
_K: Any = _bitwuzla.Kind

_KINDS: dict[str, Any] = {
    "not": _K.NOT,
    "and": _K.AND,
    "or": _K.OR,
    "=>": _K.IMPLIES,
    "=": _K.EQUAL,
    "ite": _K.ITE,
    "bvadd": _K.BV_ADD,
    "bvsub": _K.BV_SUB,
    "bvmul": _K.BV_MUL,
    "bvudiv": _K.BV_UDIV,
    "bvsdiv": _K.BV_SDIV,
    "bvurem": _K.BV_UREM,
    "bvsrem": _K.BV_SREM,
    "bvneg": _K.BV_NEG,
    "bvand": _K.BV_AND,
    "bvor": _K.BV_OR,
    "bvxor": _K.BV_XOR,
    "bvnot": _K.BV_NOT,
    "bvshl": _K.BV_SHL,
    "bvlshr": _K.BV_SHR,
    "bvashr": _K.BV_ASHR,
    "concat": _K.BV_CONCAT,
    "bvult": _K.BV_ULT,
    "bvule": _K.BV_ULE,
    "bvslt": _K.BV_SLT,
    "bvsle": _K.BV_SLE,
    "extract": _K.BV_EXTRACT,
    "zero_extend": _K.BV_ZERO_EXTEND,
    "sign_extend": _K.BV_SIGN_EXTEND,
}


class BitwuzlaWriter:
    """Makes bitwuzla terms."""

    def __init__(self) -> None:
        self.manager = _bitwuzla.TermManager()
        self._true = self.manager.mk_true()
        self._false = self.manager.mk_false()
        self._sorts: dict[Sort, Any] = {0: self.manager.mk_bool_sort()}
        self._symbols: dict[str, Term] = {}

    def _sort(self, sort: Sort) -> Any:
        found = self._sorts.get(sort)
        if found is None:
            found = self._sorts[sort] = self.manager.mk_bv_sort(sort)
        return found

    def boolean(self, value: bool) -> Term:
        """``true`` or ``false``."""
        return self._true if value else self._false

    def bits(self, value: int, width: int) -> Term:
        """A bit-vector constant."""
        return self.manager.mk_bv_value(self._sort(width), value & ((1 << width) - 1))

    def symbol(self, name: str, sort: Sort) -> Term:
        """The free constant of that name."""
        found = self._symbols.get(name)
        if found is None:
            found = self._symbols[name] = self.manager.mk_const(self._sort(sort), name)
        return found

    def apply(self, op: str, args: Sequence[Term], indices: Sequence[int] = ()) -> Term:
        """An operator applied to terms."""
        return self.manager.mk_term(_KINDS[op], list(args), list(indices))


class BitwuzlaSolver:
    """An incremental bitwuzla. The budget is looked at from the solver's own termination callback."""

    name = "bitwuzla"
    version: str = str(_bitwuzla.version())

    def __init__(self, budget: Budget, seed: int = 0, writer: BitwuzlaWriter | None = None) -> None:
        self.writer = writer or BitwuzlaWriter()
        self._seed = seed
        options = _bitwuzla.Options()
        options.set(_bitwuzla.Option.PRODUCE_MODELS, True)
        if writer is None:
            options.set(_bitwuzla.Option.PRODUCE_UNSAT_ASSUMPTIONS, True)
        options.set(_bitwuzla.Option.SEED, seed or 42)
        self._solver = _bitwuzla.Bitwuzla(self.writer.manager, options)
        self._budget = budget
        self._due = 0.0
        self._stop: BaseException | None = None
        self._assumed: list[Term] = []
        self._solver.configure_terminator(self._terminate)

    def _terminate(self) -> bool:
        """Called by the solver at its own points; nothing may be raised through it, so what is raised is kept."""
        try:
            now = time.monotonic()
            if now >= self._due:
                self._due = now + CHECK_EVERY
                self._budget.check()
        except BaseException as e:
            self._stop = e
        return self._stop is not None

    def fresh(self) -> BitwuzlaSolver:
        """Another solver for the same terms, without any assertion."""
        return BitwuzlaSolver(self._budget, self._seed, self.writer)

    def add(self, term: Term) -> None:
        """Assert a condition."""
        self._solver.assert_formula(term)

    def push(self) -> None:
        """Open a level."""
        self._solver.push(1)

    def pop(self) -> None:
        """Drop the latest level."""
        self._solver.pop(1)

    def check(self, assumptions: Sequence[Term] = ()) -> bool:
        """Whether the assertions and the assumptions are satisfiable together."""
        self._budget.check()
        self._stop, self._due = None, 0.0
        self._assumed = list(assumptions)
        answer = self._solver.check_sat(*self._assumed)
        if self._stop is not None:
            raise self._stop
        if answer == _bitwuzla.Result.UNKNOWN:
            raise Stopped("solver")
        return bool(answer == _bitwuzla.Result.SAT)

    def core(self) -> list[int]:
        """Positions of the assumptions that contradict the assertions."""
        ids = {t.id() for t in self._solver.get_unsat_assumptions()}
        return [i for i, t in enumerate(self._assumed) if t.id() in ids]

    def value(self, term: Term) -> int | bool:
        """Value in the latest model."""
        got = self._solver.get_value(term).value(2)
        return got if isinstance(got, bool) else int(got, 2)
