"""Checks one variant of one scenario: compile, decide each property, replay what was found, compare."""

from __future__ import annotations

import shlex
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dmaverify.checking.options import Options
from dmaverify.checking.problems import Mismatch, internal_error, wrong_input
from dmaverify.checking.shares import Purse, Shares
from dmaverify.engines.base import Progress
from dmaverify.ir.system import System
from dmaverify.results import OK, ProbeResult, PropertyResult, VariantResult
from dmaverify.texts import overlaid
from dmaverify.verdict import Outcome, Trace, Word

if TYPE_CHECKING:
    from dmaverify.checking.frontend import Model
    from dmaverify.engines.replay import Replay
    from dmaverify.evidence.selfcheck import SelfCheck
    from dmaverify.lang.compile import Compiled

Note = Callable[[str], None]


def check_variant(
    file: str, variant: str | None, options: Options, note: Note | None = None
) -> VariantResult:
    """The verdicts on one variant. Never raises: wrong input and internal errors are part of the result.

    ``note`` is told what the engine is doing, in words, now and then.
    An interrupt (Ctrl-C) ends it early; the properties that are decided by then are kept.
    """
    with overlaid(dict(options.overlay)):
        return _check(file, variant, options, note)


def _check(file: str, variant: str | None, options: Options, note: Note | None) -> VariantResult:
    began = time.monotonic()
    result = VariantResult(variant)
    checking = _Checking(file, options, result, note)
    try:
        checking.run()
        checking.conclude()
    except KeyboardInterrupt:
        result.interrupted = True
        checking.conclude()
    except Exception as e:
        diagnostics = wrong_input(e)
        if diagnostics is not None:
            result.diagnostics = diagnostics
        else:
            result.internal = internal_error(e)
            result.details = "".join(traceback.format_exception(e))
    result.seconds = time.monotonic() - began
    return result


@dataclass
class _Part:
    """The outcome of one property for one instance of the parameters."""

    outcome: Outcome
    reference: System
    choice: tuple[tuple[str, str], ...]


@dataclass
class _Checking:
    file: str
    options: Options
    result: VariantResult
    note: Note | None
    models: list[Model] = field(default_factory=list)
    parts: dict[str, list[_Part]] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    """For which arguments the body of each proc that is called by contract was proved."""
    probed: dict[str, bool | None] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    """For which arguments a lemma or a contract was decided, in words; empty: for all."""
    purse: Purse = field(default_factory=Purse)
    """The time that there is, from when the first instance was compiled."""

    def run(self) -> None:
        """Decide every property for every instance, smallest first."""
        from dmaverify.checking.confirm import confirm
        from dmaverify.checking.decide import Decider
        from dmaverify.checking.frontend import load_all

        result, options = self.result, self.options
        for model in load_all(self.file, result.name, options.params):
            if not self.models:
                result.title, result.notes = model.title, (*model.system.notes, *_assumed(model.assumptions))
                result.warnings, result.params = list(model.warnings), model.params
                self.purse = Purse(options.timeout, options.property_timeout)
            self.models.append(model)
            result.asked = tuple(dict.fromkeys((*result.asked, *model.properties)))
            wanted = tuple(n for n in model.properties if not options.only or n in options.only)
            for name in wanted:  # an instance may have built-in checks that smaller ones do not have
                self.parts.setdefault(name, [])
            of_numbers = () if len(self.models) > 1 else tuple(n for n in wanted if n in model.numeric)
            self._lemmas(of_numbers, model, len(wanted))
            wanted = tuple(n for n in wanted if n not in model.numeric)
            shares = Shares(self.purse, 1 / (model.later + 1))
            if model.free:
                self._family(model, wanted, shares)
                continue
            probes = tuple(p.name for p in model.probes if not self.probed.get(p.name))
            decider = Decider(model.system, options, self._progress(), model.by_name, probes, shares)
            judge = None if model.compiled is None else _second_judge(model.compiled)
            for outcome in decider.outcomes(wanted):
                try:
                    confirm(outcome, decider.reference, judge)
                except Mismatch as e:
                    self._mismatch(e)
                    continue
                self.parts[outcome.prop].append(_Part(outcome, decider.reference, model.choice))
            if probes:
                self._probe(decider.probed())

    def _probe(self, answers: Mapping[str, bool | None]) -> None:
        """Note what the probes say for one instance of the parameters: what some instance passes is passed."""
        for name, answer in answers.items():
            known = self.probed.get(name, False)
            self.probed[name] = True if known or answer else None if known is None or answer is None else False

    def _family(self, model: Model, wanted: tuple[str, ...], shares: Shares) -> None:
        """Decide everything for all values of the free parameters at once."""
        from dmaverify.checking.confirm import confirm
        from dmaverify.checking.family import Family

        family = Family(self.file, self.result.name, model, self.options, self._progress(), shares)
        for d in family.outcomes(wanted):
            judge = None if d.model.compiled is None else _second_judge(d.model.compiled)
            try:
                confirm(d.outcome, d.decider.reference, judge)
            except Mismatch as e:
                self._mismatch(e)
                continue
            choice = (*model.choice, *((name, str(value)) for name, value in d.values.items()))
            self.parts[d.outcome.prop].append(_Part(d.outcome, d.decider.reference, choice))
        self.bodies.update((name, shown.limits) for name, shown in family.shown.items() if shown.holds)
        self._probe(family.probed())

    def _lemmas(self, names: tuple[str, ...], model: Model, wanted: int) -> None:
        """Decide lemmas about all numbers, and what procs ensure: by themselves, since no state has a say in them.

        ``wanted``: how many properties there are, with these.
        """
        from dmaverify.checking.confirm import confirm
        from dmaverify.checking.decide import Decider
        from dmaverify.checking.frontend import alone
        from dmaverify.checking.promises import nothing_to_show
        from dmaverify.lang.lower.context import Unsupported

        for n, name in enumerate(names):
            try:
                system, self.limits[name] = alone(self.file, self.result.name, self.options.params, name)
            except Unsupported as e:
                unknown = Outcome(name, Word.UNKNOWN, "; ".join(d.message for d in e.diagnostics))
                self.parts[name].append(_Part(unknown, nothing_to_show(name), model.choice))
                continue
            options, shares = replace(self.options, slice=False), Shares(self.purse, 1 / (wanted - n))
            decider = Decider(system, options, self._progress(), frozenset(names), shares=shares)
            for outcome in decider.outcomes((name,)):
                confirm(outcome, decider.reference, None)
                self.parts[name].append(_Part(outcome, decider.reference, model.choice))

    def _mismatch(self, e: Mismatch) -> None:
        """Note a claim that was not confirmed; the other properties are decided all the same."""
        self.result.internal = "\n".join(filter(None, (self.result.internal, internal_error(e))))
        self.result.details += "".join(traceback.format_exception(e))

    def _progress(self) -> Callable[[Progress], None] | None:
        note = self.note
        return None if note is None else lambda p: note(_progress(p))

    def conclude(self) -> None:
        """Make results of what was decided for every instance that was begun."""
        from dmaverify.checking.assess import assess
        from dmaverify.checking.merge import merge
        from dmaverify.report.expectations import of_probes, settle
        from dmaverify.report.story import tell

        results = []
        for name, parts in self.parts.items():
            violated = any(p.outcome.word is Word.VIOLATED for p in parts)
            # what no state has a say in is decided once
            due = sum(name in m.properties for m in self.models if m is self.models[0] or name not in m.numeric)
            if not parts or (len(parts) < due and not violated):
                continue
            outcome = merge(name, [p.outcome for p in parts])
            self._unreached(name, outcome)
            r = self._result(name, outcome)
            if outcome.trace is not None:
                part = next(p for p in parts if _same(p.outcome.trace, outcome.trace))
                r.trace, r.length, r.minimal = outcome.trace, outcome.trace.length, outcome.trace.minimal
                r.choice = part.choice
                if r.word is Word.VIOLATED:
                    r.story = tell(part.reference, outcome.trace)
            results.append((r, outcome))
        probes = {p.name: p for m in self.models for p in m.probes}
        answers = {n: p for n, p in probes.items() if n in self.probed}
        self.result.probes = [ProbeResult(p.name, p.kind, p.span, self.probed[n]) for n, p in answers.items()]
        assess(results, self.result.probes, {n for m in self.models for n in m.by_name})
        for r, _ in results:
            settle(r, self.options.strict)
        self.result.properties = [r for r, _ in results]
        self.result.probe_status = of_probes(self.result.probes) if self.options.strict else OK

    def _unreached(self, name: str, o: Outcome) -> None:
        """Asserts of a monitor to which nothing leads, because no event that happens here has to do with them."""
        known = {o.where(label) for label in o.exercised}
        for model in self.models:
            for label, span in model.asserts.get(name, ()):
                if span not in known:
                    o.exercised.setdefault(label, False)
                    o.spans.setdefault(label, span)

    def _result(self, name: str, o: Outcome) -> PropertyResult:
        model = next(m for m in self.models if name in m.properties)
        systems = (model.system, *(part.reference for part in self.parts[name]))
        known = {p.name: p for system in systems for p in system.properties}
        if name in model.covers:
            r = PropertyResult(name, "", o.word, "cover", span=model.covers[name])
            r.reached = o.covers.get(name)
        else:
            p = known[name]
            r = PropertyResult(name, p.code, o.word, p.kind, p.title, span=p.span, rests_on=p.rests_on)
        r.expected = model.expectations.get(name)
        r.reason, r.depth, r.engine, r.seconds, r.tried = o.reason, o.depth, o.engine, o.seconds, o.tried
        r.states, r.transitions, r.symmetric, r.slices = o.states, o.transitions, o.symmetric, o.slices
        r.lemmas, r.certificate, r.warnings = o.lemmas, o.certificate, list(o.warnings)
        r.contracts = o.contracts
        r.bodies = {name: self.bodies[name] for name in o.contracts if name in self.bodies}
        r.instances = ", ".join(filter(None, (_instances([m.choice for m in self.models]), _every(model.free))))
        r.instances = self.limits.get(name) or r.instances
        r.exercised = dict(o.exercised)
        r.again = _again(self.file, self.result.name, name, self.options)
        return r


def _second_judge(compiled: Compiled) -> Callable[[Replay], list[str]]:
    """How the judge of foreign events disagrees with the model about a trace; made when the first one
    comes.
    """
    made: list[SelfCheck] = []

    def judge(replayed: Replay) -> list[str]:
        from dmaverify.evidence.selfcheck import SelfCheck, run_of_replay

        if not made:
            made.append(SelfCheck(compiled))
        return made[0].run(run_of_replay(replayed))

    return judge


def _assumed(assumptions: tuple[str, ...]) -> tuple[str, ...]:
    """The assumptions as one note."""
    return (f"assumptions {', '.join(assumptions)} (dmaverify explain A1)",) if assumptions else ()


def _same(a: Trace | None, b: Trace) -> bool:
    return a is not None and (a.initial, a.steps, a.label) == (b.initial, b.steps, b.label)


def _instances(choices: list[tuple[tuple[str, str], ...]]) -> str:
    """``n = 1..64``: the parameter values that a verdict is for; empty if there is one instance only."""
    if len(choices) < 2:
        return ""
    values: dict[str, list[str]] = {}
    for choice in choices:
        for name, value in choice:
            known = values.setdefault(name, [])
            if value not in known:
                known.append(value)
    return ", ".join(f"{name} = {_values(v)}" for name, v in values.items())


def _every(free: tuple[tuple[str, str], ...]) -> str:
    """``every size in 4K..=1T``: the parameters that a verdict is for all values of."""
    return ", ".join(f"every {name} {domain}".rstrip() for name, domain in free)


def _values(values: list[str]) -> str:
    numbers = [int(v) for v in values if v.lstrip("-").isdigit()]
    if len(numbers) == len(values) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return f"{numbers[0]}..{numbers[-1]}"
    return ", ".join(values)


def _progress(p: Progress) -> str:
    """``explicit: 12,000,000 states (3,400,000 waiting), depth 14, 2.1 M/s, 410 MiB``."""
    waiting = f" ({p.states - p.expanded:,} waiting)" if p.states is not None and p.expanded is not None else ""
    figures = [
        f"{p.states:,} states{waiting}" if p.states is not None else "",
        f"depth {p.depth}" if p.depth is not None else "",
        f"{p.rate / 1e6:.1f} M/s" if p.rate is not None else "",
        f"{p.memory >> 20:,} MiB" if p.memory is not None else "",
    ]
    return f"{p.engine}: {', '.join(f for f in [*figures, p.note] if f)}"


def _again(file: str, variant: str | None, prop: str, options: Options) -> str:
    parts = ["dmaverify", "check", file, "--variant", variant or "base", "--property", prop]
    for name, value in options.params.items():
        parts += ["--set", f"{name}={value}"]
    if options.engine != "auto":
        parts += ["--engine", options.engine]
    if options.depth is not None:
        parts += ["--depth", str(options.depth)]
    if options.seed:
        parts += ["--seed", str(options.seed)]
    return shlex.join(parts)
