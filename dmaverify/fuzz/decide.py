"""From a variant of a scenario to verdicts: what random runs can say about its properties."""

from __future__ import annotations

import shlex
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dmaverify.checking.problems import Mismatch, internal_error, wrong_input
from dmaverify.results import INCONCLUSIVE, OK, UNEXPECTED, PropertyResult, VariantResult
from dmaverify.verdict import Outcome, Word

if TYPE_CHECKING:
    from dmaverify.checking.frontend import Model
    from dmaverify.engines.replay import Replay
    from dmaverify.fuzz.arena import Arena
    from dmaverify.fuzz.campaign import Campaign


@dataclass(frozen=True)
class FuzzOptions:
    """What a person may ask of random runs. ``runs`` for each variant; ``steps``: choices in each run; ``database`` None: nowhere."""

    only: tuple[str, ...] = ()
    params: dict[str, int | str] = field(default_factory=dict)
    runs: int | None = None
    steps: int = 100
    seed: int = 0
    database: Path | None = None
    strict: bool = False


@dataclass
class Fuzzed:
    """The verdicts on a variant, what the runs went through, and the schedule of each violation."""

    result: VariantResult
    campaign: Campaign | None = None


def fuzz_variant(file: str, variant: str | None, options: FuzzOptions, seconds: float | None) -> Fuzzed:
    """Random runs of one variant, for so many seconds at most. Wrong input and internal errors are part of the result."""
    began = time.monotonic()
    fuzzed = Fuzzed(VariantResult(variant))
    try:
        _fuzz(file, variant, options, seconds, fuzzed)
    except KeyboardInterrupt:
        fuzzed.result.interrupted = True
    except Exception as e:
        told = wrong_input(e)
        if told is not None:
            fuzzed.result.diagnostics = told
        else:
            fuzzed.result.internal = internal_error(e)
            fuzzed.result.details = "".join(traceback.format_exception(e))
    fuzzed.result.seconds = time.monotonic() - began
    return fuzzed


def _fuzz(file: str, variant: str | None, options: FuzzOptions, seconds: float | None, fuzzed: Fuzzed) -> None:
    from dmaverify.checking.frontend import concrete
    from dmaverify.fuzz.arena import Arena
    from dmaverify.fuzz.campaign import Limits, run, tests_of

    model = concrete(file, variant, options.params)
    result = fuzzed.result
    result.title, result.params, result.warnings = model.title, model.params, list(model.warnings)
    assumed = f"assumptions {', '.join(model.assumptions)} (dmaverify explain A1)" if model.assumptions else ""
    result.notes = (*model.system.notes, *filter(None, (assumed,)))
    result.asked = tuple(n for n in model.properties if n not in model.numeric)
    arena = Arena(model)
    known = {p.name: p for p in model.system.properties}
    idle = {n for n, p in known.items() if not p.applies and n not in model.by_name}
    wanted = [n for n in result.asked if not options.only or n in options.only]
    properties = [_property(model, n) for n in wanted]
    claims = [p for p in properties if p.kind != "cover" and p.name not in idle]
    unexpected = {p.name: limit for p in claims for limit in _unexpected(p)}
    campaign = run(
        arena,
        f"{model.name}.{variant or 'base'}",
        unexpected,
        [p.name for p in claims if p.name not in unexpected or unexpected[p.name] is not None],
        Limits(options.runs, seconds, options.steps),
        options.seed,
        options.database,
    )
    fuzzed.campaign = campaign
    result.interrupted = campaign.interrupted
    tested = tests_of(arena, campaign)
    for p in properties:
        p.again = _again(file, variant, p.name, options)
        p.choice = model.choice
        if p.name in idle:
            p.word = Word.NOT_APPLICABLE
        else:
            p.exercised = dict(tested.get(p.name, {}))
            _decide(p, campaign, arena, model, result)
        _settle(p, options.strict)
    result.properties = properties


def _property(model: Model, name: str) -> PropertyResult:
    if name in model.covers:
        p = PropertyResult(name, "", Word.SAMPLED, "cover", span=model.covers[name])
    else:
        declared = next(d for d in model.system.properties if d.name == name)
        p = PropertyResult(name, declared.code, Word.SAMPLED, declared.kind, declared.title, span=declared.span)
        p.rests_on = declared.rests_on
    p.expected = model.expectations.get(name)
    return p


def _unexpected(p: PropertyResult) -> list[int | None]:
    """Up to which length a violation contradicts what is expected (None: any); empty if none does."""
    from dmaverify.report.expectations import settle

    if p.expected is not None and p.expected.word == "holds" and p.expected.depth is not None:
        return [p.expected.depth]
    trial = PropertyResult(p.name, p.code, Word.VIOLATED, p.kind, length=1 << 30, expected=p.expected)
    settle(trial)
    return [None] if trial.status == UNEXPECTED else []


def _decide(p: PropertyResult, campaign: Campaign, arena: Arena, model: Model, result: VariantResult) -> None:
    """The verdict; a violation is replayed in the reference System, and judged a second time, before anybody sees it."""
    from dmaverify.checking.confirm import confirm
    from dmaverify.report.story import tell

    p.engine = "fuzz"
    p.reason = "the only run that there is" if campaign.only_run else f"{campaign.runs:,} runs"
    if p.kind == "cover":
        p.reached = True if p.name in campaign.covers else None
        return
    found = campaign.found.get(p.name)
    if found is None:
        return
    outcome = Outcome(p.name, Word.VIOLATED, engine="fuzz", trace=found.trace)
    try:
        confirm(outcome, arena.reference, lambda replayed: _judged(model, replayed))
    except Mismatch as e:
        result.internal = "\n".join(filter(None, (result.internal, internal_error(e))))
        return
    p.word, p.trace, p.reason = outcome.word, outcome.trace, outcome.reason
    if p.trace is not None:
        p.length, p.minimal = p.trace.length, False
        p.story = tell(arena.reference, p.trace)


def _judged(model: Model, replayed: Replay) -> list[str]:
    """How the judge of foreign events disagrees with the model about a trace."""
    from dmaverify.evidence.selfcheck import self_check

    return [] if model.compiled is None else self_check(model.compiled, replayed)


def _settle(p: PropertyResult, strict: bool) -> None:
    """What the verdict means for the exit status. Whoever asks for runs gets runs: only ``strict`` asks for more than was shown."""
    from dmaverify.checking.frontend import BOUND
    from dmaverify.report.expectations import settle

    if p.name == BOUND and p.kind == "builtin" and p.word is Word.VIOLATED:
        # a limit of the model is too small: that says nothing about the kernel
        p.word, p.reason = Word.UNKNOWN, f"bound: {_message(p)}"
    settle(p)
    if p.status == INCONCLUSIVE and not strict and p.word in (Word.SAMPLED, Word.VIOLATED):
        p.status, p.mismatch = OK, ""


def _message(p: PropertyResult) -> str:
    return p.story.failure.message if p.story is not None and p.story.failure is not None else "a limit is too small"


def _again(file: str, variant: str | None, prop: str, options: FuzzOptions) -> str:
    parts = ["dmaverify", "fuzz", file, "--variant", variant or "base", "--only", prop]
    for name, value in options.params.items():
        parts += ["--set", f"{name}={value}"]
    if options.runs is not None:
        parts += ["--runs", str(options.runs)]
    return shlex.join([*parts, "--seed", str(options.seed)])
