"""Random runs of files and folders: what ``dmaverify fuzz`` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from dmaverify.api import unknown_properties
from dmaverify.checking.discover import find_scenarios, list_variants
from dmaverify.checking.options import Options
from dmaverify.fuzz.decide import Fuzzed, FuzzOptions, fuzz_variant
from dmaverify.results import Report, ScenarioResult, VariantResult

Told = Callable[[ScenarioResult, Fuzzed], None]


def fuzz(
    paths: Iterable[Path], variant: str | None, options: FuzzOptions, seconds: float | None = None, on_variant: Told | None = None
) -> Report:
    """Random runs of every scenario in ``paths``, or of one variant of each.

    ``seconds`` are shared by all variants; what one leaves is the others'. ``on_variant`` gets each variant as soon as it is done.
    Nothing is raised: wrong input, internal errors and an interrupt are part of the report.
    """
    began = time.monotonic()
    report = Report(seed=options.seed, engine="fuzz")
    todo: list[tuple[ScenarioResult, str | None]] = []
    for item in find_scenarios(list(paths)):
        found = list_variants(item, Options(variant=variant))
        if item.in_folder and not (found.variants or found.diagnostics or found.internal):
            continue
        scenario = ScenarioResult(item.file, found.name, found.title, diagnostics=found.diagnostics)
        if found.internal:
            scenario.variants.append(VariantResult(None, internal=found.internal, details=found.details))
        report.scenarios.append(scenario)
        todo += [(scenario, name) for name in found.variants]
    for n, (scenario, name) in enumerate(todo):
        share = None if seconds is None else max(0.0, seconds - (time.monotonic() - began)) / (len(todo) - n)
        fuzzed = fuzz_variant(scenario.file, name, options, share)
        scenario.variants.append(fuzzed.result)
        if on_variant is not None:
            on_variant(scenario, fuzzed)
        if fuzzed.result.interrupted:
            report.interrupted = True
            break
    unknown_properties(report, options.only)
    report.seconds = time.monotonic() - began
    return report
