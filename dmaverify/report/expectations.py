"""Compares verdicts with what a scenario expects. The table is in docs/verdicts.md.

A verdict that *contradicts* the expectation is status 1. One that falls short of it (nothing was tested, or
nothing was decided) is not a contradiction and keeps its own status, 4 or 3: only so can a person tell a
wrong model from a short budget.
"""

from __future__ import annotations

from collections.abc import Iterable

from dmaverify.results import INCONCLUSIVE, OK, UNEXPECTED, VACUOUS, Expectation, ProbeResult, PropertyResult
from dmaverify.verdict import Word

_UNDECIDED = (Word.BOUNDED, Word.SAMPLED, Word.UNKNOWN)


def settle(result: PropertyResult, strict: bool = False) -> None:
    """Set ``status`` and ``mismatch`` of a result from its verdict and its expectation.

    ``strict``: an assert that was never tested makes the property count as vacuous.
    """
    judge = _cover if result.kind == "cover" else _verdict
    result.status, result.mismatch = judge(result)
    if result.status != OK:
        return
    if strict and result.untested and result.word is not Word.VIOLATED:
        n = len(result.untested)
        result.status, result.mismatch = (
            VACUOUS,
            f"{n} of its asserts {'was' if n == 1 else 'were'} never tested (--strict)",
        )
    elif not result.exercised_shown and result.word.holds:
        result.status, result.mismatch = INCONCLUSIVE, "exercised: not shown"


def of_probes(probes: Iterable[ProbeResult]) -> int:
    """What probes mean for the exit status of a strict check."""
    answers = {p.reached for p in probes}
    return VACUOUS if False in answers else INCONCLUSIVE if None in answers else OK


def word_of(result: PropertyResult) -> str:
    """The verdict as one word, capital letters where it needs to be seen."""
    if result.kind == "cover":
        return {True: "reachable", False: "unreachable", None: "unknown"}[result.reached]
    loud = (Word.VIOLATED, Word.VACUOUS, Word.UNKNOWN)
    return result.word.value.upper() if result.word in loud else result.word.value


def _verdict(r: PropertyResult) -> tuple[int, str]:
    e = r.expected
    if e is None:
        return _without_expectation(r)
    if e.word == "holds":
        return _holds(r, e)
    if e.word == "violated":
        return _violated(r, e)
    if r.word.value == e.word:
        return OK, ""
    status = INCONCLUSIVE if r.word in _UNDECIDED else UNEXPECTED
    return status, _got(r, e)


def _without_expectation(r: PropertyResult) -> tuple[int, str]:
    if r.word is Word.VIOLATED:
        return UNEXPECTED, "violated, and nothing in the scenario expects it"
    if r.word is Word.VACUOUS:
        return VACUOUS, "never put to the test"
    if r.word in _UNDECIDED:
        return INCONCLUSIVE, _why(r)
    return OK, ""


def _holds(r: PropertyResult, e: Expectation) -> tuple[int, str]:
    if r.word.holds or r.word is Word.NOT_APPLICABLE:
        return OK, ""
    if e.depth is not None:
        if r.word is Word.BOUNDED and r.depth is not None and r.depth >= e.depth:
            return OK, ""
        if r.word is Word.VIOLATED and r.minimal and r.length is not None and r.length > e.depth:
            return OK, ""
    if r.word is Word.VIOLATED:
        return UNEXPECTED, _got(r, e)
    return (VACUOUS if r.word is Word.VACUOUS else INCONCLUSIVE), _got(r, e)


def _violated(r: PropertyResult, e: Expectation) -> tuple[int, str]:
    if r.word is not Word.VIOLATED:
        return (INCONCLUSIVE if r.word in _UNDECIDED else UNEXPECTED), _got(r, e)
    if e.steps is None or r.length is None:
        return OK, ""
    least, most = e.steps
    if least <= r.length <= most:
        return OK, ""
    if r.length > most and not r.minimal:
        return INCONCLUSIVE, f"expected {e}, got a trace of {r.length} steps that may not be the shortest"
    return UNEXPECTED, f"expected {e}, got VIOLATED in {r.length} steps"


def _cover(r: PropertyResult) -> tuple[int, str]:
    want = True if r.expected is None else r.expected.word in ("reachable", "reached")
    if r.reached is None:
        return INCONCLUSIVE, f"whether it is reachable was not decided ({r.reason or 'no engine could'})"
    if r.reached == want:
        return OK, ""
    if r.expected is None:
        return VACUOUS, "it is never reached"
    return UNEXPECTED, _got(r, r.expected)


def _got(r: PropertyResult, e: Expectation) -> str:
    return f"expected {e}, got {word_of(r)}" + (
        f" ({_why(r)})" if r.word in _UNDECIDED and r.kind != "cover" else ""
    )


def _why(r: PropertyResult) -> str:
    if r.word is Word.BOUNDED:
        return f"no violation within {r.depth} steps" + (f": {r.reason}" if r.reason else "")
    return r.reason or "not decided"
