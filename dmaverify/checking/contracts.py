"""Contracts that stand for bodies: does the body of a proc do what its ``ensures`` says, and for which arguments?

A verdict by contract rests on an assumption until the body is proved, bit by bit. A loop that says what ``decreases`` is cut at its
invariants, which is for all arguments; procs that ensure something are called by their contracts in turn, and their bodies proved too.
Any other loop is unrolled ``ROUNDS`` times; where that is enough for all arguments up to a number only, the verdict names the number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dmaverify.checking.options import Options
from dmaverify.engines.base import Budget, Engine
from dmaverify.ir.expr import Expr, and_, const, implies, le, not_, var
from dmaverify.ir.pipeline import to_core
from dmaverify.ir.system import Always, System
from dmaverify.ir.text import to_text
from dmaverify.ir.types import Int, Value
from dmaverify.verdict import Outcome, Word

if TYPE_CHECKING:
    from dmaverify.engines.smt.solver import SolverName
    from dmaverify.lang.lower.alone import Body

ROUNDS = 64
"""So often a loop of a body is unrolled, whatever the bound that its text gives for runs."""

SECONDS = 300.0
"""What the proof of a body may take where nobody says."""

BOUND = "bound"

BY_INVARIANT = "by loop invariant"


@dataclass(frozen=True)
class Shown:
    """What is known about the body of a proc that is called by its contract."""

    proc: str
    holds: bool
    limits: str = ""
    """``for bits <= 64``, ``for all arguments``, ``for all arguments by loop invariant``."""
    reason: str = ""
    """Why it is not shown."""
    certificate: str | None = None
    contracts: tuple[str, ...] = ()
    """Procs whose contracts stand for their bodies in this one."""


_known: dict[tuple[str, str | None], Shown] = {}
"""By the text of what had to be shown: the variants of a scenario mostly share it."""


def show(file: str, variant: str | None, params: Mapping[str, Value | str], proc: str, options: Options) -> Shown:
    """Prove the body of ``proc``, once for each text in each process. What it calls by contract is not looked at."""
    from dmaverify.lang.compile import compile_body

    body = compile_body(file, proc, variant, params, rounds=ROUNDS)
    key = to_text(body.system), options.certificates
    if key not in _known:
        shown = replace(_show(proc, body, options), contracts=body.contracts)
        if not shown.holds and "time" in shown.reason:
            return shown  # another time there may be more of it
        _known[key] = shown
    return _known[key]


def show_all(
    file: str, variant: str | None, params: Mapping[str, Value | str], procs: Sequence[str], options: Options, known: dict[str, Shown]
) -> tuple[tuple[str, ...], str]:
    """Prove the bodies of these procs and of those that they call by contract, as far as ``known`` does not have them yet.

    All of these, and why one of them is not shown; empty if all are.
    """
    todo = list(procs)
    for proc in todo:
        if proc not in known:
            known[proc] = show(file, variant, params, proc, options)
        if not known[proc].holds:
            return tuple(todo), known[proc].reason
        todo += [p for p in known[proc].contracts if p not in todo]
    return tuple(todo), ""


def _show(proc: str, body: Body, options: Options) -> Shown:
    core = to_core(body.system).system
    budget = Budget(options.timeout or SECONDS, options.memory)
    limited, limits = _limited(core, body, budget)
    # one proof for all that the body owes: its contract, that its loops end, and that it does nothing undefined
    claim = f"contract {proc}"
    system = limited.with_(always=tuple(replace(w, prop=claim) for w in limited.always))
    (proof,) = _prover(body, options).run(system if _in_pieces(body) else _whole(system, claim), (claim,), budget)
    if proof.word is Word.PROVED:
        return Shown(proc, True, limits, certificate=proof.certificate)
    (search,) = _search(options).run(system, (claim,), replace(budget, depth=0))
    if search.word is Word.VIOLATED:
        return Shown(proc, False, limits, _broken(proc, body, search))
    why = proof.reason or "not decided"
    return Shown(proc, False, limits, f"whether the body of {proc} does what its contract says is not known: {why}")


def _in_pieces(body: Body) -> bool:
    """Whether the claims about a body are better asked one by one: where loops are cut, each is about a round or what follows one."""
    return bool(body.loops or body.contracts)


def _whole(system: System, claim: str) -> System:
    """All claims as one: where loops are unrolled they have nearly everything in common."""
    if not system.always:
        return system
    whole = and_(*(implies(w.when, w.cond) for w in system.always))
    return system.with_(always=(Always(claim, claim, whole, span=system.always[0].span),))


def _prover(body: Body, options: Options) -> Engine:
    from dmaverify.engines.induction import Induction
    from dmaverify.engines.worker import Worker

    folder = None if options.certificates is None else Path(options.certificates)
    # of what was unrolled, the first question is asked piece by piece, the certificate as a whole, which is harder: for the better of
    # the two
    solver: SolverName = "bitwuzla" if _in_pieces(body) else "z3"
    return Worker(Induction(solver, seed=options.seed, learn=False, certificates=folder))


def _search(options: Options) -> Engine:
    from dmaverify.engines.bmc import Bmc
    from dmaverify.engines.worker import Worker

    return Worker(Bmc(seed=options.seed, probes=False))


def _limited(system: System, body: Body, budget: Budget) -> tuple[System, str]:
    """The System for those arguments for which no loop runs on after so many rounds, and which these are.

    The claim that no loop does is kept. Where no limit of one argument is enough it is taken for granted instead.
    """
    how = f" {BY_INVARIANT}" if body.loops else ""
    bounds = [w for w in system.always if w.prop == BOUND]
    if not bounds:
        return system, f"for all arguments{how}"
    for v in system.vars:
        if isinstance(v.type, Int) and v.type.hi > ROUNDS and v.name in body.arguments:
            small = le(var(v.name, v.type), const(ROUNDS, v.type))
            if not possible(system, small, bounds, budget):
                return system.with_(assumptions=(*system.assumptions, small)), f"for {v.name} <= {ROUNDS}{how}"
    believed = tuple(not_(and_(w.when, not_(w.cond))) for w in bounds)
    left = tuple(w for w in system.always if w.prop != BOUND)
    limits = f"as far as its loops end within {ROUNDS} rounds{how}"
    return system.with_(assumptions=(*system.assumptions, *believed), always=left), limits


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


def _broken(proc: str, body: Body, o: Outcome) -> str:
    """Arguments for which the body does something else, in words; of a loop that is cut, the state in which it may be."""
    assert o.trace is not None
    label, claim = o.trace.label, f"contract {proc}"
    failed = next(w for w in body.system.always if w.label == label)
    values = [(name, f"{name} = {value}") for name, value in o.trace.initial]
    told = ", ".join(text for name, text in values if name in body.arguments)
    state = ", ".join(text for name, text in values if name not in body.arguments)
    told = f"for {told}" if told else ""
    told += f"{', and ' if told else 'with '}{state}" if state else ""
    if label.startswith(f"{claim}.") and not label.removeprefix(f"{claim}.").isdigit():
        what = f"in the body of {proc} {_text(failed)}"
    elif state:
        does = "does what its contract says" if label.startswith(f"{claim}.") else "may do this"
        what = f"it does not follow that the body of {proc} {does}"
    else:
        does = "breaks its contract" if label.startswith(f"{claim}.") else "does something that C leaves undefined"
        what = f"the body of {proc} {does}"
    return f"{what} ({failed.span}) {told}".strip()


def _text(w: Always) -> str:
    return "".join(m for m in w.message if isinstance(m, str))
