"""Checks one variant of one scenario: compile, decide each property, replay what was found, judge vacuity,
compare.
"""

from __future__ import annotations

import shlex
import time
import traceback
from collections.abc import Callable

from dmaverify.checking.options import Options
from dmaverify.checking.problems import WrongInput, internal_error, wrong_input
from dmaverify.engines.base import Progress
from dmaverify.results import PropertyResult, VariantResult
from dmaverify.verdict import Outcome, Word

Note = Callable[[str], None]


def check_variant(
    file: str, variant: str | None, options: Options, note: Note | None = None
) -> VariantResult:
    """The verdicts on one variant. Never raises: wrong input and internal errors are part of the result.

    ``note`` is told what the engine is doing, in words, now and then.
    An interrupt (Ctrl-C) ends it early; the properties that are decided by then are kept.
    """
    began = time.monotonic()
    result = VariantResult(variant)
    try:
        _check(file, variant, options, result, note)
    except KeyboardInterrupt:
        result.interrupted = True
    except Exception as e:
        diagnostics = wrong_input(e)
        if diagnostics is not None:
            result.diagnostics = diagnostics
        else:
            result.internal = internal_error(e)
            result.details = "".join(traceback.format_exception(e))
    result.seconds = time.monotonic() - began
    return result


def _check(
    file: str, variant: str | None, options: Options, result: VariantResult, note: Note | None
) -> None:
    from dmaverify.checking.confirm import confirm
    from dmaverify.checking.decide import Decider
    from dmaverify.checking.frontend import load

    model = load(file, variant, options.params)
    result.title, result.notes, result.warnings = model.title, model.system.notes, list(model.warnings)
    result.params = model.params
    wanted = _wanted(model.properties, options.only)
    known = {p.name: p for p in model.system.properties}
    order = {name: n for n, name in enumerate(wanted)}
    try:
        decider = Decider(model.system, options, None if note is None else lambda p: note(_progress(p)))
        for outcome in decider.outcomes(wanted):
            p = known[outcome.prop]
            r = PropertyResult(
                p.name, p.code, outcome.word, p.kind, p.title, span=p.span, rests_on=p.rests_on
            )
            r.expected = model.expectations.get(p.name)
            r.again = _again(file, variant, p.name, options)
            _fill(r, outcome)
            if r.word is not Word.NOT_APPLICABLE:
                _vacuity(r, outcome)
            confirm(r, outcome, decider.reference)
            from dmaverify.report.expectations import settle

            settle(r, options.strict)
            result.properties.append(r)
    finally:
        result.properties.sort(key=lambda r: order[r.name])


def _wanted(asked: tuple[str, ...], only: tuple[str, ...]) -> tuple[str, ...]:
    """The properties to decide; asking for one that the scenario does not have is wrong input."""
    if not only:
        return asked
    from difflib import get_close_matches

    for name in only:
        if name not in asked:
            close = get_close_matches(name, asked, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it checks {', '.join(asked) or 'nothing'}"
            raise WrongInput(f"the scenario checks no property {name}; {hint}")
    return tuple(name for name in asked if name in only)


def _fill(r: PropertyResult, o: Outcome) -> None:
    r.reason, r.depth, r.engine, r.seconds = o.reason, o.depth, o.engine, o.seconds
    r.states, r.transitions, r.slices = o.states, o.transitions, o.slices
    r.lemmas, r.contracts, r.certificate = o.lemmas, o.contracts, o.certificate
    r.warnings, r.exercised = list(o.warnings), dict(o.exercised)
    if r.kind == "cover":
        r.reached = o.covers.get(r.name, None)


def _vacuity(r: PropertyResult, o: Outcome) -> None:
    """Whether the property was put to the test: an assert was if any instance of it was."""
    if r.kind not in ("monitor", "scenario"):
        return
    by_assert: dict[object, list[str]] = {}
    for label in o.exercised:
        by_assert.setdefault(o.spans.get(label, label), []).append(label)
    asked = {place: _any(o.exercised[x] for x in labels) for place, labels in by_assert.items()}
    never = [labels[0] for place, labels in by_assert.items() if asked[place] is False]
    r.untested = [(label, o.where(label)) for label in never]
    if r.word is Word.VIOLATED or r.word is Word.UNKNOWN:
        return
    if not any(asked.values()):
        if None in asked.values():
            r.exercised_shown = False
        else:
            r.word = Word.VACUOUS


def _any(answers: object) -> bool | None:
    """True if one is, else None if one is, else False."""
    seen = set(answers)  # type: ignore[call-overload]
    return True if True in seen else None if None in seen else False


def _progress(p: Progress) -> str:
    """``explicit: 12,000 states, depth 14``."""
    figures = [
        f"{p.states:,} states" if p.states is not None else "",
        f"depth {p.depth}" if p.depth is not None else "",
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
