"""Nothing that an engine found is shown before the interpreter has done it in the reference System.

A claim that the interpreter does not confirm is an error of the tool: both sides are kept on disk, and the
run ends with status 5. One thing is no error: a slice for one property does not know the built-in checks of
others, so a path may run through a step behind which nothing is meant. Whoever decides properties tries again
with those checks kept (``decide``); where that was not possible, the built-in check is what there is to report.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

from dmaverify.checking.problems import Mismatch
from dmaverify.engines.interp import Failed
from dmaverify.engines.replay import Replay, ReplayMismatch, replay
from dmaverify.ir.system import System
from dmaverify.ir.text import to_text
from dmaverify.report.as_json import trace_json
from dmaverify.verdict import Outcome, Trace, Word

Judge = Callable[[Replay], list[str]]
"""Says how the runtime judge and the System disagree about a replayed trace; nothing if they agree."""


def confirm(o: Outcome, system: System, judge: Judge | None = None) -> None:
    """Replay the trace of an outcome, if it has one; ``Mismatch`` if it is not what it claims to be.

    ``judge`` looks at the replayed trace a second time, as a stream of events.
    Afterwards the trace is complete: inputs and initial values that the engine had no use for are filled in.
    """
    if o.trace is None:
        if o.word is Word.VIOLATED:
            raise Mismatch(f"{o.engine} says that {o.prop} is violated and has no trace")
        return
    try:
        replayed = replay(system, o.trace)
    except ReplayMismatch as e:
        if e.stop is None:
            raise Mismatch(_disagreement(o, str(e), system)) from e
        # it shows that the built-in check fails, and nothing about the property
        o.word, o.trace, o.covers = Word.UNKNOWN, None, dict.fromkeys(o.covers)
        o.reason = f"the trace that was found first fails {e.stop.prop} ({e.stop.message or e.stop.label})"
        return
    if o.word is Word.VIOLATED and replayed.failed is None:
        raise Mismatch(_disagreement(o, "the claimed check does not fail", system))
    if replayed.length != o.trace.length:
        raise Mismatch(_disagreement(o, f"its length is {replayed.length}, not {o.trace.length}", system))
    differences = judge(replayed) if judge is not None else []
    if differences:
        raise Mismatch(_disagreement(o, f"the runtime judge says otherwise: {differences[0]}", system))
    o.trace = replayed.trace


def stopped_by(system: System, trace: Trace) -> Failed | None:
    """The built-in check that fails on the way, if one does before the claim."""
    try:
        replay(system, trace)
    except ReplayMismatch as e:
        return e.stop
    return None


def _disagreement(o: Outcome, why: str, system: System) -> str:
    """Keep both sides, the System and the trace, and say where."""
    folder = Path(tempfile.mkdtemp(prefix="dmaverify-mismatch-"))
    (folder / "system.ir").write_text(to_text(system), encoding="utf-8")
    trace = json.dumps(trace_json(o.trace), indent=2, default=str)
    (folder / "trace.json").write_text(trace, encoding="utf-8")
    found = (
        f"{o.engine} found a violation of {o.prop}"
        if o.word is Word.VIOLATED
        else f"{o.engine} reached {o.prop}"
    )
    return f"{found} in a way that the interpreter does not confirm: {why}; kept in {folder}"
