"""A scenario with parameters that may be anything: all of its instances at once.

The least instance is searched first, as it stands: it answers what can happen at all, and often violates what is violated anywhere.
What it leaves is decided for all values together, where procs may be called by contract. Such a verdict rests on the bodies: a proof
counts only if the bodies do what their contracts say, and a violation only if the instance that it is of, bodies and all, has it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from dmaverify.checking.contracts import Shown, show_all
from dmaverify.checking.decide import Decider
from dmaverify.checking.frontend import Model, concrete, load
from dmaverify.checking.options import Options
from dmaverify.checking.shares import Purse, Shares
from dmaverify.engines.base import Budget, Progress
from dmaverify.ir.expr import Expr, const, eq, le, var
from dmaverify.ir.pipeline import prepare
from dmaverify.ir.slice import Slice
from dmaverify.ir.traverse import variables
from dmaverify.ir.types import Int, Value
from dmaverify.verdict import Outcome, Word

MOST_PROBES = 80
"""How often the search for the least value asks the solver."""

PROBE_SECONDS = 20.0
"""What each question may take."""

LEAST = 0.01
"""Seconds for a body even if there is no time left: the answer may be known already."""


@dataclass
class Decided:
    """The outcome of one property, and the instance that its trace is of: ``values`` is empty where it is of none."""

    outcome: Outcome
    model: Model
    decider: Decider
    values: dict[str, Value]


class Family:
    """Decides the properties of a Model with ``free`` parameters."""

    def __init__(
        self,
        file: str,
        variant: str | None,
        model: Model,
        options: Options,
        progress: Callable[[Progress], None] | None,
        shares: Shares | None = None,
    ) -> None:
        self.file, self.variant, self.model, self.options, self.progress = file, variant, model, options, progress
        self.shares = shares or Shares(Purse(options.timeout, options.property_timeout))
        self.fixed: dict[str, int | str] = {**options.params, **dict(model.choice)}
        self.decider = self._decider(model, self.shares)
        self.least: Decider | None = None
        """Decides the least instance."""
        self.smallest: dict[str, int] = {}
        """The least value that each free parameter may have."""
        self.shown: dict[str, Shown] = {}
        """What is known of the bodies of the procs that are called by contract, by the scenario or by one of these bodies."""

    def _decider(self, model: Model, shares: Shares) -> Decider:
        return Decider(model.system, self.options, self.progress, model.by_name, tuple(p.name for p in model.probes), shares)

    def probed(self) -> dict[str, bool | None]:
        """The probes: passed in some instance, impossible in all, or undecided."""
        near = {} if self.least is None else self.least.probed()
        for name, passed in near.items():
            if passed and name in self.decider.probes:
                self.decider.probes[name] = True
        return self.decider.probed()

    def outcomes(self, wanted: tuple[str, ...]) -> Iterator[Decided]:
        """One outcome for each property, as soon as it is decided."""
        least = concrete(self.file, self.variant, self.fixed)
        values = {name: value for name, _ in self.model.free if (value := _given(least, name)) is not None}
        self.smallest = {name: value for name, value in values.items() if isinstance(value, int)}
        near: dict[str, Outcome] = {}
        decider = self.least = self._decider(least, self.shares.part(1 / 2))
        for o in decider.outcomes(tuple(n for n in wanted if n in least.properties)):
            near[o.prop] = o
            if o.word is Word.VIOLATED or o.covers.get(o.prop) or o.word is Word.NOT_APPLICABLE:
                yield Decided(o, least, decider, values)
        left = tuple(n for n in wanted if n not in near or not _final(near[n]))
        self.decider.meant.elsewhere = {n: {label for label, seen in o.exercised.items() if seen} for n, o in near.items()}
        for o in self.decider.outcomes(left):
            if o.prop in near:
                _exercised_there(o, near[o.prop])
            if o.trace is not None:
                yield self._instance(o)
            elif o.word.holds:
                yield Decided(self._by_contract(o), self.model, self.decider, {})
            else:
                yield Decided(o, self.model, self.decider, {})

    # -- proofs ---------------------------------------------------------------------------------------------

    def _by_contract(self, o: Outcome) -> Outcome:
        """The outcome, if the bodies do what was believed of them."""
        seconds = self.shares.allowed(("contracts",))
        options = replace(self.options, timeout=None if seconds is None else max(seconds, LEAST))
        o.contracts, why = show_all(self.file, self.variant, self.fixed, self.model.contracts, options, self.shown)
        if not why:
            return o
        unknown = Outcome(o.prop, Word.UNKNOWN, why, engine=o.engine, seconds=o.seconds)
        unknown.exercised, unknown.spans, unknown.covers = o.exercised, o.spans, dict.fromkeys(o.covers)
        return unknown

    # -- violations -----------------------------------------------------------------------------------------

    def _instance(self, o: Outcome) -> Decided:
        """The same violation (or way to a cover) in the instance that the trace is of; unknown if it has none."""
        assert o.trace is not None
        values = self._least(o)
        model = load(self.file, self.variant, {**self.fixed, **values})
        decider = self._decider(model, self.shares.for_one(o.prop))
        (found,) = decider.outcomes((o.prop,)) if o.prop in model.properties else (None,)
        if found is None or found.trace is None:
            at = ", ".join(f"{name} = {value}" for name, value in values.items())
            by = f"by contract of {', '.join(self.model.contracts)}: " if self.model.contracts else ""
            o.word, o.trace = Word.UNKNOWN, None
            o.reason = f"{by}what was found for {at} was not found again in that instance"
            o.covers = dict.fromkeys(o.covers)
            return Decided(o, self.model, self.decider, {})
        if found.trace.minimal and not (o.trace.minimal and o.trace.length == found.trace.length):
            # another value may do with less
            found.trace = replace(found.trace, minimal=False)
        _exercised_there(found, o)
        return Decided(found, model, decider, values)

    def _least(self, o: Outcome) -> dict[str, Value]:
        """Values of the free parameters with a trace of that length: of the first parameter the least one, of the next
        the least one beside it, and so on.
        """
        assert o.trace is not None
        initial = dict(o.trace.initial)
        values = {name: initial[name] for name, _ in self.model.free if name in initial}
        for name, _ in self.model.free:
            values.setdefault(name, 0)
        if o.word is not Word.VIOLATED:
            return values
        core = self.decider.core.system
        fixed: list[Expr] = []
        for name in [v.name for v in core.vars if v.name in values]:
            t = core.var(name).type
            if isinstance(t, Int):
                found = self._smallest(o, name, t, values, fixed)
                values.update(found)
                fixed.append(eq(var(name, t), const(values[name], t)))
        return values

    def _smallest(self, o: Outcome, name: str, t: Int, known: dict[str, Value], fixed: list[Expr]) -> dict[str, Value]:
        """Values with the least one of one parameter, of those for which a trace of that length exists."""
        assert o.trace is not None
        slices = [
            s for s in prepare(self.decider.core, (o.prop,), fuse=self.options.fuse, slice=self.options.slice).slices
            if any(v.name == name for v in s.system.vars)
        ]
        low, best = self.smallest.get(name, t.lo), known
        width = 1
        for _ in range(MOST_PROBES):
            high = int(best[name])
            if low >= high:
                break
            # most violations are there for small values already: near the least one first, then further away
            middle = min(low + width - 1, (low + high) // 2)
            limit = le(var(name, t), const(middle, t))
            found = self._with(o, slices, (*fixed, limit))
            if found is None:
                low, width = middle + 1, 2 * width
            else:
                best = {**best, **found}
        return best

    def _with(self, o: Outcome, slices: Sequence[Slice], limits: tuple[Expr, ...]) -> dict[str, Value] | None:
        """Values of the free parameters within the limits for which some slice has a trace of that length."""
        from dmaverify.engines.bmc import Bmc
        from dmaverify.engines.worker import Worker

        assert o.trace is not None
        for s in slices:
            # what the slice does not have cannot be limited there, and has no say in it
            known = {v.name for v in s.system.vars}
            limited = s.system.with_(assumptions=(*s.system.assumptions, *(e for e in limits if variables(e) <= known)))
            budget = Budget(PROBE_SECONDS, self.options.memory, o.trace.length)
            for answer in Worker(Bmc(seed=self.options.seed, probes=False)).run(limited, (o.prop,), budget):
                if answer.trace is not None and answer.trace.length <= o.trace.length:
                    initial = dict(answer.trace.initial)
                    return {name: initial[name] for name, _ in self.model.free if name in initial}
        return None


def _given(model: Model, name: str) -> Value | None:
    return None if model.compiled is None else model.compiled.params.get(name)


def _final(o: Outcome) -> bool:
    """Whether the least instance decides the property for all."""
    return o.word in (Word.VIOLATED, Word.NOT_APPLICABLE) or bool(o.covers.get(o.prop))


def _exercised_there(o: Outcome, other: Outcome) -> None:
    """What was put to the test in some instance was put to the test."""
    for label, seen in other.exercised.items():
        if seen or label not in o.exercised:
            o.exercised[label] = seen or o.exercised.get(label)
            o.spans.setdefault(label, other.where(label))
