"""Whether an engine that may say less than another (a bound, unknown) says something else."""

from __future__ import annotations

from dmaverify.engines.replay import replay
from dmaverify.ir.pipeline import Core
from dmaverify.ir.system import System
from dmaverify.verdict import Outcome, Word


def contradiction(exact: Outcome, other: Outcome) -> str:
    """What the two cannot both be right about; nothing if they can. ``exact`` is of a search that was complete."""
    if exact.word is Word.EXHAUSTED:
        if other.word is Word.VIOLATED:
            return "violated, and every state was visited"
    else:
        assert exact.trace is not None
        if other.word.holds:
            return "holds, and there is a counterexample"
        if other.word is Word.BOUNDED and (other.depth or 0) >= exact.trace.length:
            return f"none within {other.depth}, and there is one of {exact.trace.length}"
        if other.trace is not None and other.trace.length < exact.trace.length:
            return f"a trace of {other.trace.length}, and the shortest has {exact.trace.length}"
        if other.trace is not None and other.trace.minimal and other.trace.length > exact.trace.length:
            return f"{other.trace.length} is not the shortest: {exact.trace.length}"
    for label, seen in (other.exercised | other.covers).items():
        known = (exact.exercised | exact.covers).get(label)
        if None not in (seen, known) and seen != known:
            return f"{label}: {seen}, and not {known}"
    return ""


def happens(reference: System, core: Core, o: Outcome) -> None:
    """The trace of an outcome about a slice is a run of the reference System that shows what it claims, of the length it claims.

    Raises what ``replay`` raises, or ``AssertionError``.
    """
    if o.trace is None:
        assert o.word is not Word.VIOLATED, f"{o.prop} is violated, and there is no trace"
        return
    done = replay(reference, core.flat.decode_trace(o.trace))
    assert done.length == o.trace.length, f"{o.prop}: its length is {done.length}, and not {o.trace.length}"
    assert (done.failed is not None) == (o.word is Word.VIOLATED), f"{o.prop}: {o.word.value}, and the replay says otherwise"
