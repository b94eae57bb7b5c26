"""z3 behind the interface of ``solver``: its incremental core for quantifier-free bit-vectors, in a context of its own."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Sequence
from typing import Any

from dmaverify.engines.base import Budget, Stopped
from dmaverify.engines.smt.solver import CHECK_EVERY, Term
from dmaverify.engines.smt.terms import Sort

# The package has no type stubs; a module object is typed as "any attribute", and this file is all that touches it.
_z3: Any = importlib.import_module("z3")

_UNARY: dict[str, str] = {"bvneg": "Z3_mk_bvneg", "bvnot": "Z3_mk_bvnot"}
_BINARY: dict[str, str] = {
    "bvadd": "Z3_mk_bvadd",
    "bvsub": "Z3_mk_bvsub",
    "bvmul": "Z3_mk_bvmul",
    "bvudiv": "Z3_mk_bvudiv",
    "bvsdiv": "Z3_mk_bvsdiv",
    "bvurem": "Z3_mk_bvurem",
    "bvsrem": "Z3_mk_bvsrem",
    "bvand": "Z3_mk_bvand",
    "bvor": "Z3_mk_bvor",
    "bvxor": "Z3_mk_bvxor",
    "bvshl": "Z3_mk_bvshl",
    "bvlshr": "Z3_mk_bvlshr",
    "bvashr": "Z3_mk_bvashr",
    "concat": "Z3_mk_concat",
}
_ORDER: dict[str, str] = {
    "bvult": "Z3_mk_bvult",
    "bvule": "Z3_mk_bvule",
    "bvslt": "Z3_mk_bvslt",
    "bvsle": "Z3_mk_bvsle",
    "=>": "Z3_mk_implies",
    "=": "Z3_mk_eq",
}


class Z3Writer:
    """Makes z3 terms. Operators go to z3's C interface by their SMT-LIB names: Python's operators on z3 terms mean other
    things (``<``, ``>>`` and ``/`` are the signed ones)."""

    def __init__(self) -> None:
        self.context = _z3.Context()
        self._true = _z3.BoolVal(True, self.context)
        self._false = _z3.BoolVal(False, self.context)
        self._symbols: dict[str, Term] = {}

    def boolean(self, value: bool) -> Term:
        """``true`` or ``false``."""
        return self._true if value else self._false

    def bits(self, value: int, width: int) -> Term:
        """A bit-vector constant."""
        return _z3.BitVecVal(value, width, self.context)

    def symbol(self, name: str, sort: Sort) -> Term:
        """The free constant of that name."""
        found = self._symbols.get(name)
        if found is None:
            found = _z3.Bool(name, self.context) if sort == 0 else _z3.BitVec(name, sort, self.context)
            self._symbols[name] = found
        return found

    def apply(self, op: str, args: Sequence[Term], indices: Sequence[int] = ()) -> Term:
        """An operator applied to terms."""
        ref = self.context.ref()
        asts = [a.ast for a in args]
        if op in _BINARY:
            return self._vector(getattr(_z3, _BINARY[op])(ref, *asts))
        if op in _ORDER:
            return self._truth(getattr(_z3, _ORDER[op])(ref, *asts))
        if op in _UNARY:
            return self._vector(getattr(_z3, _UNARY[op])(ref, *asts))
        match op:
            case "not":
                return self._truth(_z3.Z3_mk_not(ref, *asts))
            case "and" | "or":
                many: Callable[..., Any] = _z3.Z3_mk_and if op == "and" else _z3.Z3_mk_or
                return self._truth(many(ref, len(asts), (_z3.Ast * len(asts))(*asts)))
            case "ite":
                new = _z3.Z3_mk_ite(ref, *asts)
                return self._truth(new) if isinstance(args[1], _z3.BoolRef) else self._vector(new)
            case "extract":
                return self._vector(_z3.Z3_mk_extract(ref, indices[0], indices[1], *asts))
            case "zero_extend":
                return self._vector(_z3.Z3_mk_zero_ext(ref, indices[0], *asts))
            case "sign_extend":
                return self._vector(_z3.Z3_mk_sign_ext(ref, indices[0], *asts))
        raise ValueError(f"no operator {op}")

    def _vector(self, ast: Any) -> Term:
        return _z3.BitVecRef(ast, self.context)

    def _truth(self, ast: Any) -> Term:
        return _z3.BoolRef(ast, self.context)


class Z3Solver:
    """An incremental z3. A thread of ours looks at the budget while z3 works and interrupts it."""

    name = "z3"
    version: str = str(_z3.get_version_string())

    def __init__(self, budget: Budget, seed: int = 0, writer: Z3Writer | None = None) -> None:
        self.writer = writer or Z3Writer()
        self._seed = seed
        self._solver = _z3.SolverFor("QF_BV", ctx=self.writer.context)
        # ctrl_c: z3 must not take the signal from Python; the watcher sees to it that an interrupt ends the check
        self._solver.set("ctrl_c", False)
        self._solver.set("random_seed", seed)
        self._budget = budget
        self._assumed: list[Term] = []
        self._model: Any = None

    def fresh(self) -> Z3Solver:
        """Another solver for the same terms, without any assertion."""
        return Z3Solver(self._budget, self._seed, self.writer)

    def add(self, term: Term) -> None:
        """Assert a condition."""
        self._solver.add(term)

    def push(self) -> None:
        """Open a level."""
        self._solver.push()

    def pop(self) -> None:
        """Drop the latest level."""
        self._solver.pop()

    def check(self, assumptions: Sequence[Term] = ()) -> bool:
        """Whether the assertions and the assumptions are satisfiable together."""
        self._budget.check()
        self._model = None
        self._assumed = list(assumptions)
        answer = self._watched(lambda: self._solver.check(*self._assumed))
        if answer == _z3.unknown:
            raise Stopped("solver")
        return bool(answer == _z3.sat)

    def _watched(self, work: Callable[[], Any]) -> Any:
        """Run ``work`` in a thread while this one looks at the budget; so Python's signal handlers run here, too."""
        result: list[Any] = []
        failure: list[BaseException] = []

        def run() -> None:
            try:
                result.append(work())
            except _z3.Z3Exception as e:
                failure.append(Stopped("memory" if "memory" in str(e) else "solver"))
            except BaseException as e:
                failure.append(e)

        thread = threading.Thread(target=run, name="z3", daemon=True)
        thread.start()
        stop: BaseException | None = None
        while thread.is_alive():
            try:
                thread.join(CHECK_EVERY)
                if thread.is_alive() and stop is None:
                    self._budget.check()
            except BaseException as e:
                stop = e
            if stop is not None:
                # an interrupt that comes before z3 has started is lost, so it is repeated until the thread ends
                self.writer.context.interrupt()
        if stop is not None:
            raise stop
        if failure:
            raise failure[0]
        return result[0]

    def core(self) -> list[int]:
        """Positions of the assumptions that contradict the assertions."""
        ids = {t.get_id() for t in self._solver.unsat_core()}
        return [i for i, t in enumerate(self._assumed) if t.get_id() in ids]

    def value(self, term: Term) -> int | bool:
        """Value in the latest model."""
        if self._model is None:
            self._model = self._solver.model()  # asking z3 for it costs more than evaluating in it
        got = self._model.eval(term, model_completion=True)
        return bool(_z3.is_true(got)) if isinstance(term, _z3.BoolRef) else int(got.as_long())
