"""Checks both sides of a comparison and says what became of each property, and what else is different."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from dmaverify.api import check
from dmaverify.checking.discover import Found, list_variants
from dmaverify.checking.events import Event, Reporter
from dmaverify.checking.options import Options
from dmaverify.patches.beside import compare_all
from dmaverify.patches.changed import changed_in, files_of, stands_on
from dmaverify.patches.compare import BY_IR, VIEWS
from dmaverify.patches.results import Changed, Equality, PatchReport, ScenarioChange, VariantChange
from dmaverify.patches.sides import Comparison, Pair, Side
from dmaverify.patches.unchanged import Same, find_same
from dmaverify.patches.verdict import judge
from dmaverify.results import PropertyResult, Report, ScenarioResult, VariantResult
from dmaverify.texts import overlaid
from dmaverify.verdict import Word


def prove(
    comparison: Comparison,
    *,
    variant: str | None = None,
    only: str | Iterable[str] | None = None,
    engine: str = "auto",
    params: Mapping[str, int | str] | None = None,
    seed: int = 0,
    timeout: float | None = None,
    memory: int | None = None,
    depth: int | None = None,
    jobs: int | None = None,
    compare: bool = True,
    view: str = "events",
    states: int | None = None,
    progress: Reporter | None = None,
    known: dict[object, Report] | None = None,
) -> PatchReport:
    """The verdicts before and after, and those of the patch.

    Options are those of ``dmaverify.check``. ``compare``: also whether anything else is different, in the ``view`` that is
    named, as far as ``states`` states of the two Systems together. Scenarios of a folder that stand on nothing that differs
    are not checked, and with ``compare`` neither are variants there whose IR is the same on both sides.
    ``known``: what earlier calls with the same options have checked, by the texts; it is added to.
    """
    began = time.monotonic()
    options: dict[str, object] = {
        "variant": variant,
        "only": only,
        "engine": engine,
        "params": params,
        "seed": seed,
        "timeout": timeout,
        "memory": memory,
        "depth": depth,
        "jobs": jobs,
    }
    changes: list[ScenarioChange] = []
    todo: list[tuple[ScenarioChange, Pair]] = []
    for pair in comparison.pairs:
        if pair.in_folder and variant is not None and not _has_variant(comparison, pair, variant):
            continue
        change = ScenarioChange(pair.name, None, None, untouched=pair.in_folder and _untouched(comparison, pair))
        changes.append(change)
        if not change.untouched:
            todo.append((change, pair))
    same = find_same(comparison, [p for _, p in todo], variant, params or {}, jobs, _part(progress, 0)) if compare else Same({})
    asked = [n for n in range(len(todo)) if same.left(n)]
    before = _check(comparison.before, {n: todo[n][1].before for n in asked}, same, options, known, _part(progress, 1))
    after = _check(comparison.after, {n: todo[n][1].after for n in asked}, same, options, known, _part(progress, 2))
    report = PatchReport(comparison.title, before, after, (comparison.before, comparison.after))
    report.changed, report.elsewhere = _changed(comparison, [pair for _, pair in todo])
    report.scenarios, report.again = changes, comparison.again
    one, other = iter(before.scenarios), iter(after.scenarios)
    for n, (change, pair) in enumerate(todo):
        if n in asked:
            change.before = next(one, None) if pair.before is not None else None
            change.after = next(other, None) if pair.after is not None else None
        change.variants = list(_variants(change.before, change.after, same, n))
    if compare and not compare_all(comparison, todo, params or {}, view, states, jobs, _part(progress, 3), timeout):
        after.interrupted = True
    for change in changes:
        for v in change.variants:
            if not v.unchecked:
                _judge(v)
    report.seconds = time.monotonic() - began
    return report


def _part(progress: Reporter | None, number: int) -> Reporter | None:
    """A reporter for one of the parts of the work, so that who watches sees which."""
    if progress is None:
        return None
    what = ("the same", "before", "after", "compare")[number]
    return lambda e: progress(Event(e.done, e.total, f"{what}: {e.what}", e.note, e.finished))


def _check(
    side: Side,
    files: dict[int, str | None],
    same: Same,
    options: dict[str, object],
    known: dict[object, Report] | None,
    progress: Reporter | None,
) -> Report:
    there = [f for f in files.values() if f is not None]
    if not there:
        return Report()
    out = frozenset((f, v) for n, f in files.items() if f is not None for v in same.variants.get(n, ()) if (n, v) in same.same)
    key = frozenset(side.overlay.items()), tuple(there), out
    if known is not None and key in known:
        return known[key]
    with overlaid(side.overlay):
        report = check(there, progress=progress, leave_out=out, **options)  # type: ignore[arg-type]
    if known is not None and not report.interrupted:
        known[key] = report
    return report


def _changed(comparison: Comparison, pairs: list[Pair]) -> tuple[tuple[Changed, ...], int]:
    """What differs in files that the scenarios stand on, and in how many other files something does."""
    used: set[str] = set()
    for pair in pairs:
        for file, side in ((pair.before, comparison.before), (pair.after, comparison.after)):
            if file is not None:
                used |= files_of(file, side)
    found, elsewhere = [], 0
    for t in comparison.touched:
        if str(t.path.resolve()) not in used:
            elsewhere += 1
        elif (c := changed_in(t)).declarations or None in (t.before, t.after):
            found.append(c)
    return tuple(found), elsewhere


def _has_variant(comparison: Comparison, pair: Pair, variant: str) -> bool:
    for side, file in ((comparison.before, pair.before), (comparison.after, pair.after)):
        if file is not None:
            with overlaid(side.overlay):
                listing = list_variants(Found(file, pair.name, in_folder=True), Options(variant=variant))
            if listing.variants or listing.diagnostics or listing.internal:
                return True
    return False


def _untouched(comparison: Comparison, pair: Pair) -> bool:
    """Whether the scenario stands on the same texts on both sides."""
    if pair.before is None or pair.after is None:
        return False
    one = stands_on(pair.before, comparison.before)
    return one is not None and one == stands_on(pair.after, comparison.after)


def _variants(before: ScenarioResult | None, after: ScenarioResult | None, same: Same, n: int) -> Iterable[VariantChange]:
    old = {v.name: v for v in before.variants} if before else {}
    new = {v.name: v for v in after.variants} if after else {}
    for name in dict.fromkeys([*same.variants.get(n, ()), *new, *old]):
        if (n, name) in same.same:
            equal = Equality("equal", BY_IR, VIEWS[-1], equal_views=VIEWS)
            yield VariantChange(name, None, None, equality=equal, unchecked=True)
        elif name in old or name in new:
            yield VariantChange(name, old.get(name), new.get(name))


def _judge(v: VariantChange) -> None:
    old = _properties(v.before)
    new = _properties(v.after)
    equal = v.equality is not None and "addresses" in v.equality.equal_views
    v.properties = []
    for name in dict.fromkeys([*new, *old]):
        before, after = old.get(name), new.get(name)
        if v.before is not None and v.after is not None:
            # a built-in check that nothing on one side could violate is not even listed there
            before, after = before or _idle(after), after or _idle(before)
        v.properties.append(judge(name, before, after, equal))


def _idle(p: PropertyResult | None) -> PropertyResult | None:
    if p is None or p.kind != "builtin":
        return None
    return PropertyResult(p.name, p.code, Word.EXHAUSTED, p.kind, p.title, "nothing there can violate it")


def _properties(v: VariantResult | None) -> dict[str, PropertyResult]:
    return {p.name: p for p in v.properties} if v is not None else {}


