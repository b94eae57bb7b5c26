"""What procs ensure, where their bodies run: a claim about each body by itself, for all arguments, as a property of its own.

(Where the contract is called instead of the body, ``contracts`` shows the same, and the verdict on the caller names it.)
Where loops say what decreases and their invariants are strong enough, the claim is about all arguments. Where not, nothing is wrong
yet: loops run as often as their text allows; where that is enough for small arguments only, the verdict says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from dmaverify.checking.contracts import BOUND, BY_INVARIANT, possible
from dmaverify.engines.base import Budget, Stopped
from dmaverify.ir.expr import TRUE, Expr, and_, const, le, not_, var
from dmaverify.ir.pipeline import to_core
from dmaverify.ir.system import Property, System
from dmaverify.ir.types import Int

if TYPE_CHECKING:
    from dmaverify.lang.lower.alone import Body

PREFIX = "contract "

LIMITS = (64, 32, 16, 8, 4, 2, 1)
"""Bounds of an argument that are tried, largest first, where a loop does not run often enough for all of its values."""

SECONDS = 20.0
"""What the search for such a bound may take."""


def claim(file: str, variant: str | None, params: Mapping[str, int | str], name: str) -> tuple[System, str]:
    """A System without actions whose only property, called ``name``, is that a body does what its proc ensures, loops end
    and nothing undefined is done; and the arguments for which it is claimed, in words: ``bits <= 8``.
    """
    from dmaverify.lang.compile import compile_body

    proc = name.removeprefix(PREFIX)
    body = compile_body(file, proc, variant, params, by_contract=False)
    by_invariant = bool(body.loops) and _follows(body.system)
    if not by_invariant:
        body = compile_body(file, proc, variant, params, cutting=False, by_contract=False)
    limited, words = _limited(body)
    words += f" {BY_INVARIANT}" if by_invariant else ""
    own = tuple(p for p in limited.properties if p.name == name)
    return limited.with_(always=tuple(replace(w, prop=name) for w in limited.always), properties=own), words


def _follows(system: System) -> bool:
    """Whether every claim holds in every initial state, one by one; whoever decides the claim makes the certificate."""
    core = to_core(system).system
    budget = Budget(SECONDS)
    try:
        return not any(possible(core, TRUE, [w], budget) for w in core.always if w.prop != BOUND)
    except Stopped:
        return False


def nothing_to_show(name: str) -> System:
    """A System for a claim that cannot be put as one about initial states."""
    return System(name=name, vars=(), actions=(), properties=(Property(name, "DMA090", "lemma"),))


def _limited(body: Body) -> tuple[System, str]:
    system = body.system
    core = to_core(system).system
    bounds = [w for w in core.always if w.prop == BOUND]
    if not bounds:
        return system, "all arguments"
    # one that may run on a thousand times is no better for being unrolled in part
    budget = Budget(SECONDS)
    for v in core.vars:
        if isinstance(v.type, Int) and v.name in body.arguments:
            for n in LIMITS:
                small = le(var(v.name, v.type), const(n, v.type))
                if n < v.type.hi and not possible(core, small, bounds, budget):
                    return system.with_(assumptions=(*system.assumptions, small)), f"{v.name} <= {n}"
    believed: tuple[Expr, ...] = tuple(not_(and_(w.when, not_(w.cond))) for w in system.always if w.prop == BOUND)
    left = tuple(w for w in system.always if w.prop != BOUND)
    return system.with_(assumptions=(*system.assumptions, *believed), always=left), "arguments with which its loops end"
