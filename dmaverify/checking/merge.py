"""One verdict from the outcomes of a property's slices. The whole is never better than its weakest part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dmaverify.engines.never import NOTHING
from dmaverify.verdict import Outcome, Trace, Word

_WEAKEST_FIRST = (Word.UNKNOWN, Word.SAMPLED, Word.BOUNDED, Word.EXHAUSTED, Word.PROVED)


def merge(prop: str, outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome of a property that was decided in several slices, each for some of its checks.

    Violated if one slice is; then the shortest trace counts, and it is minimal only if no other slice can
    still hold a shorter one. Otherwise the weakest word counts: unknown, sampled, bounded (by the least
    depth), exhausted, proved.
    """
    if len(outcomes) == 1:
        return outcomes[0]
    if not outcomes:
        return Outcome(prop, Word.EXHAUSTED, NOTHING, engine="slicing")
    # of a slice with nothing but covers in it every engine knows that nothing is violated: the word is that of the others
    telling = [o for o in outcomes if o.reason != NOTHING] or outcomes
    violated = [o for o in outcomes if o.word is Word.VIOLATED and o.trace is not None]
    if violated:
        best = min(violated, key=lambda o: (_length(o), o.trace.label if o.trace else ""))
        trace = best.trace
        if trace is not None and trace.minimal and any(_may_be_shorter(o, trace.length) for o in outcomes):
            trace = replace(trace, minimal=False)
        result = replace(best, trace=trace, none_within=None)
    else:
        result = replace(min(telling, key=lambda o: (_WEAKEST_FIRST.index(o.word), o.depth or 0)))
    result.prop = prop
    result.states = sum(o.states for o in outcomes)
    result.transitions = sum(o.transitions for o in outcomes)
    result.symmetric = any(o.symmetric for o in outcomes)
    result.slices = sum(max(1, o.slices) for o in outcomes)
    result.tried = tuple(t for o in outcomes for t in o.tried)
    result.seconds = sum(o.seconds for o in outcomes)
    result.engine = ", ".join(dict.fromkeys(o.engine for o in telling if o.engine))
    result.exercised = union([o.exercised for o in outcomes])
    result.covers = union([o.covers for o in outcomes])
    result.lemmas = tuple(dict.fromkeys(x for o in outcomes for x in o.lemmas))
    result.contracts = tuple(dict.fromkeys(x for o in outcomes for x in o.contracts))
    result.warnings = list(dict.fromkeys(w for o in outcomes for w in o.warnings))
    result.spans = {label: span for o in outcomes for label, span in o.spans.items()}
    if result.word is Word.PROVED:
        result.depth = max(o.depth or 1 for o in outcomes)
    return result


def _length(o: Outcome) -> int:
    assert isinstance(o.trace, Trace)
    return o.trace.length


def _may_be_shorter(o: Outcome, length: int) -> bool:
    """Whether the slice may hold a violation of fewer steps than ``length`` that was not found."""
    match o.word:
        case Word.PROVED | Word.EXHAUSTED:
            return False
        case Word.VIOLATED:
            # a slice may have a longer trace, and nothing as short as that of another slice
            searched = o.none_within is not None and o.none_within >= length - 1
            return not searched and not (o.trace is not None and o.trace.minimal)
        case Word.BOUNDED:
            return (o.depth or 0) < length - 1
    return True


def union(parts: Sequence[dict[str, bool | None]]) -> dict[str, bool | None]:
    """Seen anywhere: true. Else undecided anywhere: undecided. Else false."""
    out: dict[str, bool | None] = {}
    for part in parts:
        for label, value in part.items():
            if label not in out or value is True or (value is None and out[label] is False):
                out[label] = value
    return out
