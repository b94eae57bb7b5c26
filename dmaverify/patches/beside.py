"""Compares every variant of a comparison, and says what a patch does beside its fix.

Words are not followed behind a difference. Where something is fixed, the part of the patch that its fix needs (``parts``) is compared
with the whole: what is different there is another change, however far behind the fix's difference it lies.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dmaverify.checking.events import Event, Reporter
from dmaverify.checking.problems import internal_error, wrong_input
from dmaverify.checking.workers import Died, run_tasks
from dmaverify.patches.changed import files_of
from dmaverify.patches.compare import SECONDS, STATES, Task, changed_names, equality
from dmaverify.patches.diff import Touched
from dmaverify.patches.parts import Asked, split
from dmaverify.patches.results import Difference, Equality, Rest, ScenarioChange, VariantChange
from dmaverify.patches.sides import Comparison, Pair
from dmaverify.results import PropertyResult, VariantResult
from dmaverify.verdict import Word

PART, SEARCH = 0.5, 60.0
"""So much of the time that is left, and so many seconds at most, are for finding the part of a patch that its fix needs."""


def compare_all(
    comparison: Comparison,
    todo: Sequence[tuple[ScenarioChange, Pair]],
    params: Mapping[str, int | str],
    view: str,
    states: int | None,
    jobs: int | None,
    progress: Reporter | None = None,
    seconds: float | None = None,
) -> bool:
    """Compare every variant that is there on both sides, in worker processes; the answers go into the variants. False if
    interrupted."""
    found: list[tuple[VariantChange, Task, str]] = []
    changed = changed_names(comparison)
    for change, pair in todo:
        if pair.before is None or pair.after is None:
            continue
        for v in change.variants:
            if v.before is None or v.after is None or _wrong(v.before) or _wrong(v.after):
                continue
            files = pair.before, pair.after
            fixed = _fixed(v)
            task = Task(
                comparison.before,
                comparison.after,
                files,
                v.name,
                tuple(params.items()),
                view,
                states or STATES,
                tuple(fixed),
                changed,
                seconds or SECONDS,
                frozenset(name for name, p in fixed.items() if p.kind == "builtin"),
                _broken(v),
                _standing_on(comparison, pair.before, pair.after),
            )
            found.append((v, task, change.name + (f".{v.name}" if v.name else "")))
    tasks = [task for _, task, _ in found]

    def tell(n: int, finished: bool = False) -> None:
        if progress is not None:
            progress(Event(n, len(tasks), found[n][2], "", finished))

    def finish(n: int, answer: Equality | str) -> None:
        if isinstance(answer, str):
            found[n][0].internal = answer
        else:
            found[n][0].equality = answer
        tell(n, finished=True)

    return run_tasks(tasks, _work, jobs or os.cpu_count() or 1, tell, finish, _lost)


def _wrong(v: VariantResult) -> bool:
    return bool(v.diagnostics or v.interrupted)


def _fixed(v: VariantChange) -> dict[str, PropertyResult]:
    """What is violated before and not after, as it was before."""
    assert v.before is not None and v.after is not None
    after = {p.name: p for p in v.after.properties}
    violated = [p for p in v.before.properties if p.word is Word.VIOLATED]
    # a built-in check that nothing can violate any more is not listed
    return {p.name: p for p in violated if (after[p.name].word.holds if p.name in after else p.kind == "builtin")}


def _broken(v: VariantChange) -> tuple[str, ...]:
    assert v.before is not None and v.after is not None
    before = {p.name for p in v.before.properties if p.word is Word.VIOLATED}
    return tuple(p.name for p in v.after.properties if p.word is Word.VIOLATED and p.name not in before)


def _standing_on(comparison: Comparison, before: str, after: str) -> tuple[Touched, ...]:
    if not comparison.touched:
        return ()
    used = files_of(before, comparison.before) | files_of(after, comparison.after)
    return tuple(t for t in comparison.touched if str(t.path.resolve()) in used)


def _lost(_: int, died: Died) -> str:
    return str(died)


def _work(task: Task) -> Equality | str:
    """One comparison; never raises. An error of the tool itself is a text."""
    began = time.monotonic()
    try:
        answer = equality(task)
        if answer.differences and task.fixed:
            answer = _beside(task, answer, began + task.seconds)
    except Exception as e:
        diagnostics = wrong_input(e)
        if diagnostics is None:
            return internal_error(e)
        answer = Equality("unknown", reason="; ".join(d.split("\n")[0] for d in diagnostics))
    return replace(answer, seconds=time.monotonic() - began)


def _beside(task: Task, answer: Equality, until: float) -> Equality:
    """The answer with what the patch does beside its fix, and with those differences marked that the fix needs."""
    left = until - time.monotonic()
    if left <= 0:
        return replace(answer, rest=Rest(reason="time"))
    asked = Asked(task.files[1], task.variant, task.params, task.fixed, task.builtin, task.broken, min(left * PART, SEARCH))
    halves = split(task.touched, task.after, asked)
    if not halves.rest:
        needed = () if halves.reason else answer.differences
        return replace(answer, differences=_marked(answer, needed), rest=Rest(reason=halves.reason))
    after = task.files[1], task.files[1]
    whole = equality(replace(task, before=halves.fix, files=after, fixed=(), seconds=max(1.0, until - time.monotonic())))
    needed = ()
    if any(not d.fixed for d in answer.differences):
        alone = replace(task, after=halves.fix, fixed=(), seconds=max(1.0, until - time.monotonic()))
        needed = equality(alone).differences
    return replace(answer, differences=_marked(answer, needed), rest=Rest(halves.rest, whole, halves.spared, halves.reason))


def _marked(answer: Equality, needed: Sequence[Difference]) -> tuple[Difference, ...]:
    """The differences, those marked that the fix alone makes as well."""
    words = {(d.side, d.shared, d.last) for d in needed}
    return tuple(replace(d, needed=not d.fixed and (d.side, d.shared, d.last) in words) for d in answer.differences)
