"""The Python interface: ``check`` does what ``dmaverify check`` does, which is nothing but this function
and a report.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from dmaverify.checking.discover import Job, find_scenarios, list_variants
from dmaverify.checking.events import Event, Reporter
from dmaverify.checking.options import Options
from dmaverify.checking.variant import check_variant
from dmaverify.checking.workers import Died, run_tasks
from dmaverify.results import Report, ScenarioResult, VariantResult

__all__ = ["check"]

PathLike = str | os.PathLike[str]


def check(
    path: PathLike | Iterable[PathLike],
    *,
    variant: str | None = None,
    only: str | Iterable[str] | None = None,
    engine: str = "auto",
    params: Mapping[str, int | str] | None = None,
    seed: int = 0,
    timeout: float | None = None,
    memory: int | None = None,
    depth: int | None = None,
    strict: bool = False,
    fuse: bool = True,
    slice: bool = True,
    certificates: PathLike | None = None,
    jobs: int | None = None,
    progress: Reporter | None = None,
) -> Report:
    """Check scenarios and compare the verdicts with what they expect.

    ``path``: files, or folders of which every scenario below is checked. ``variant``: one variant by name,
    ``base`` for the scenario as it stands; by default the base and all variants. ``only``: properties by
    name. ``params``: values of the scenario's parameters. ``timeout`` in seconds for each variant,
    ``memory`` in bytes of each process, ``depth`` in steps of a trace. ``certificates``: a folder to keep
    the obligations of proofs in. ``jobs``: worker processes, by default one for each CPU; with 1 everything
    runs in this process.

    Wrong input and internal errors are part of the report and of its ``exit_status``; they are not raised.
    """
    began = time.monotonic()
    options = Options(
        variant=variant,
        only=(only,) if isinstance(only, str) else tuple(only or ()),
        engine=engine,
        params=dict(params or {}),
        seed=seed,
        timeout=timeout,
        memory=memory,
        depth=depth,
        strict=strict,
        fuse=fuse,
        slice=slice,
        certificates=None if certificates is None else os.fspath(certificates),
    )
    report = Report(seed=seed, engine=engine)
    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    todo: list[Job] = []
    try:
        for item in find_scenarios([Path(p) for p in paths]):
            found = list_variants(item, options)
            if item.in_folder and not (found.variants or found.diagnostics or found.internal):
                continue  # it does not have the variant that was asked for; others may
            scenario = ScenarioResult(item.file, found.name, found.title, diagnostics=found.diagnostics)
            todo += [Job(len(report.scenarios), item.file, name) for name in found.variants]
            if found.internal:
                scenario.variants.append(VariantResult(None, internal=found.internal, details=found.details))
            report.scenarios.append(scenario)
        _run(report, todo, options, jobs or os.cpu_count() or 1, progress)
    except KeyboardInterrupt:
        report.interrupted = True
    report.seconds = time.monotonic() - began
    return report


def _run(report: Report, todo: list[Job], options: Options, jobs: int, progress: Reporter | None) -> None:
    """Check every variant; results go where they belong, in the order of the text, whoever is first."""
    results: dict[int, VariantResult] = {}
    tasks = [(job, options) for job in todo]

    def tell(position: int, note: str = "", finished: bool = False) -> None:
        if progress is not None:
            job = todo[position]
            what = report.scenarios[job.scenario].name + (f".{job.variant}" if job.variant else "")
            progress(Event(len(results), len(todo), what, note, finished))

    def finished(position: int, result: VariantResult) -> None:
        results[position] = result
        tell(position, finished=True)

    try:
        if jobs > 1 and len(tasks) > 1:
            report.interrupted = not run_tasks(
                tasks,
                _work,
                jobs,
                tell,
                finished,
                lambda n, d: _lost(todo[n], d),
            )
        else:
            for n, task in enumerate(tasks):
                tell(n)
                finished(n, _work_here(task, progress and partial(tell, n)))
                if results[n].interrupted:
                    report.interrupted = True
                    break
    finally:
        for n in sorted(results):
            report.scenarios[todo[n].scenario].variants.append(results[n])


def _work(task: tuple[Job, Options]) -> VariantResult:
    """One task, in whatever process; never raises."""
    job, options = task
    return check_variant(job.file, job.variant, options)


def _work_here(task: tuple[Job, Options], note: Callable[[str], None] | None) -> VariantResult:
    """One task in this process, where its engine can be watched."""
    job, options = task
    return check_variant(job.file, job.variant, options, note)


def _lost(job: Job, died: Died) -> VariantResult:
    return VariantResult(job.variant, internal=str(died))
