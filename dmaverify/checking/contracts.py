"""Contracts that stand for bodies: does the body of a proc do what its ``ensures`` says, and for which arguments?

A verdict by contract rests on an assumption until the body is proved, bit by bit. Loops of the body are unrolled ``ROUNDS`` times;
where that is enough for all arguments up to a number only, the verdict names the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dmaverify.checking.options import Options
from dmaverify.engines.base import Budget, Engine
from dmaverify.ir.expr import Expr, and_, const, implies, le, not_, var
from dmaverify.ir.pipeline import to_core
from dmaverify.ir.system import Always, System
from dmaverify.ir.text import to_text
from dmaverify.ir.types import Int, Value
from dmaverify.verdict import Outcome, Word

ROUNDS = 64
"""So often a loop of a body is unrolled, whatever the bound that its text gives for runs."""

SECONDS = 300.0
"""What the proof of a body may take where nobody says."""

BOUND = "bound"


@dataclass(frozen=True)
class Shown:
    """What is known about the body of a proc that is called by its contract."""

    proc: str
    holds: bool
    limits: str = ""
    """``for bits <= 64``, or ``for all arguments``."""
    reason: str = ""
    """Why it is not shown."""
    certificate: str | None = None


_known: dict[tuple[str, str | None], Shown] = {}
"""By the text of what had to be shown: the variants of a scenario mostly share it."""


def show(file: str, variant: str | None, params: Mapping[str, Value | str], proc: str, options: Options) -> Shown:
    """Prove the body of ``proc``, once for each text in each process."""
    from dmaverify.lang.compile import compile_contract

    system = compile_contract(file, proc, variant, params, rounds=ROUNDS)
    key = to_text(system), options.certificates
    if key not in _known:
        shown = _show(proc, system, options)
        if not shown.holds and "time" in shown.reason:
            return shown  # another time there may be more of it
        _known[key] = shown
    return _known[key]


def _show(proc: str, reference: System, options: Options) -> Shown:
    core = to_core(reference).system
    budget = Budget(options.timeout or SECONDS, options.memory)
    limited, limits = _limited(core, budget)
    # one proof for all that the body owes: its contract, that its loops end, and that it does nothing undefined
    claim = f"contract {proc}"
    system = limited.with_(always=tuple(replace(w, prop=claim) for w in limited.always))
    whole = and_(*(implies(w.when, w.cond) for w in system.always))
    merged = system.with_(always=(Always(claim, claim, whole, span=system.always[0].span),)) if system.always else system
    (proof,) = _engine("induction", options).run(merged, (claim,), budget)
    if proof.word is Word.PROVED:
        return Shown(proc, True, limits, certificate=proof.certificate)
    (search,) = _engine("bmc", options).run(system, (claim,), replace(budget, depth=0))
    if search.word is Word.VIOLATED:
        return Shown(proc, False, limits, _broken(proc, system, search))
    why = proof.reason or "not decided"
    return Shown(proc, False, limits, f"whether the body of {proc} does what its contract says is not known: {why}")


def _engine(name: str, options: Options) -> Engine:
    from dmaverify.engines.bmc import Bmc
    from dmaverify.engines.induction import Induction
    from dmaverify.engines.worker import Worker

    if name == "bmc":
        return Worker(Bmc(seed=options.seed, probes=False))
    folder = None if options.certificates is None else Path(options.certificates)
    # the first question is asked piece by piece, the certificate as a whole, which is harder: for the better of the two
    return Worker(Induction("z3", seed=options.seed, learn=False, certificates=folder))


def _limited(system: System, budget: Budget) -> tuple[System, str]:
    """The System for those arguments for which no loop runs on after so many rounds, and which these are.

    The claim that no loop does is kept. Where no limit of one argument is enough it is taken for granted instead.
    """
    bounds = [w for w in system.always if w.prop == BOUND]
    if not bounds:
        return system, "for all arguments"
    for v in system.vars:
        if isinstance(v.type, Int) and v.type.hi > ROUNDS:
            small = le(var(v.name, v.type), const(ROUNDS, v.type))
            if not possible(system, small, bounds, budget):
                return system.with_(assumptions=(*system.assumptions, small)), f"for {v.name} <= {ROUNDS}"
    believed = tuple(not_(and_(w.when, not_(w.cond))) for w in bounds)
    left = tuple(w for w in system.always if w.prop != BOUND)
    return system.with_(assumptions=(*system.assumptions, *believed), always=left), f"as far as its loops end within {ROUNDS} rounds"


def possible(system: System, limit: Expr, bounds: list[Always], budget: Budget) -> bool:
    """Whether some arguments within the limit run over a bound."""
    from dmaverify.engines.smt.encode import Encoder, no_inputs
    from dmaverify.engines.smt.solver import make_solver
    from dmaverify.engines.smt.terms import constant, sort_of

    solver = make_solver("bitwuzla", budget)
    w = solver.writer
    values = {
        v.name: w.symbol(v.name, sort_of(v.type)) if v.any_init else constant(w, v.init, v.type) for v in system.vars
    }
    encode = Encoder(w, values, no_inputs)
    for e in (*system.assumptions, limit):
        solver.add(encode(e))
    solver.add(encode(not_(and_(*(not_(and_(b.when, not_(b.cond))) for b in bounds)))))
    return solver.check()


def _broken(proc: str, system: System, o: Outcome) -> str:
    """Arguments for which the body does something else, in words."""
    assert o.trace is not None
    label = o.trace.label
    span = next(w.span for w in system.always if w.label == label)
    args = ", ".join(f"{name} = {value}" for name, value in o.trace.initial)
    what = "breaks its contract" if label.startswith(o.prop) else "does something that C leaves undefined"
    return f"the body of {proc} {what} ({span}) for {args}"
