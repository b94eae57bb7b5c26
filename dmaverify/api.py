"""The Python interface: ``check`` does what ``dmaverify check`` does, which is nothing but this function
and a report.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from dmaverify.checking.discover import Job, find_scenarios, list_variants
from dmaverify.checking.events import Event, Reporter
from dmaverify.checking.options import Options
from dmaverify.checking.variant import check_variant
from dmaverify.checking.workers import Died, run_tasks
from dmaverify.results import Report, ScenarioResult, VariantResult
from dmaverify.texts import current

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
    property_timeout: float | None = None,
    memory: int | None = None,
    depth: int | None = None,
    strict: bool = False,
    fuse: bool = True,
    slice: bool = True,
    symmetry: bool = True,
    certificates: PathLike | None = None,
    checkpoint: PathLike | None = None,
    checkpoint_every: float = 60.0,
    jobs: int | None = None,
    progress: Reporter | None = None,
    on_scenario: Callable[[Report, ScenarioResult], None] | None = None,
    leave_out: Collection[tuple[str, str | None]] = (),
) -> Report:
    """Check scenarios and compare the verdicts with what they expect.

    ``path``: files, or folders of which every scenario below is checked. ``variant``: one variant by name,
    ``base`` for the scenario as it stands; by default the base and all variants. ``only``: properties by
    name. ``params``: values of the scenario's parameters. ``timeout`` in seconds for each variant, of which its properties
    get equal parts, ``property_timeout`` in seconds for each property of each variant, ``memory`` in bytes of each process,
    ``depth`` in steps of a trace. ``certificates``: a folder to keep the obligations of proofs in.
    ``checkpoint``: a folder in which explicit searches write, every ``checkpoint_every`` seconds, what they need to go on;
    called again with the same arguments they do. ``jobs``: worker processes, by default one for each CPU; with 1 everything
    runs in this process. ``progress`` is told what is being done; ``on_scenario`` gets each scenario as soon
    as it is complete, in order. ``leave_out``: variants that are not checked, each by its file and its name.

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
        property_timeout=property_timeout,
        memory=memory,
        depth=depth,
        strict=strict,
        fuse=fuse,
        slice=slice,
        symmetry=symmetry,
        certificates=None if certificates is None else os.fspath(certificates),
        checkpoint=None if checkpoint is None else os.path.abspath(checkpoint),
        checkpoint_every=checkpoint_every,
        overlay=current(),
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
            left = [name for name in found.variants if (item.file, name) not in leave_out]
            todo += [Job(len(report.scenarios), item.file, name) for name in left]
            if found.internal:
                scenario.variants.append(VariantResult(None, internal=found.internal, details=found.details))
            report.scenarios.append(scenario)
        jobs = jobs or os.cpu_count() or 1
        options = replace(options, cores=max(1, jobs // max(1, min(jobs, len(todo)))))
        _Run(report, todo, options, progress, on_scenario).run(jobs)
        unknown_properties(report, options.only)
    except KeyboardInterrupt:
        report.interrupted = True
    report.seconds = time.monotonic() - began
    return report


def unknown_properties(report: Report, only: Iterable[str]) -> None:
    """Say so if a property that was asked for by name is checked nowhere."""
    known = list(dict.fromkeys(n for s in report.scenarios for v in s.variants for n in v.asked))
    for name in only:
        if known and name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            report.diagnostics.append(f"error: no property {name} is checked here; {hint}")


class _Run:
    """Checks every variant; results go where they belong, in the order of the text, whoever is first."""

    def __init__(
        self,
        report: Report,
        todo: list[Job],
        options: Options,
        progress: Reporter | None,
        on_scenario: Callable[[Report, ScenarioResult], None] | None,
    ) -> None:
        self.report, self.todo, self.options = report, todo, options
        self.progress, self.on_scenario = progress, on_scenario
        self.results: dict[int, VariantResult] = {}
        self.delivered = 0
        """Scenarios that are complete, or as complete as they will be."""

    def run(self, jobs: int) -> None:
        """Do it, in worker processes if there are several."""
        tasks = [(job, self.options) for job in self.todo]
        try:
            if jobs > 1 and len(tasks) > 1:
                complete = run_tasks(tasks, _work, jobs, self.tell, self.finished, self.lost)
                self.report.interrupted = not complete
            else:
                for n, task in enumerate(tasks):
                    self.tell(n)
                    self.finished(n, _work_here(task, self.progress and partial(self.tell, n)))
                    if self.results[n].interrupted:
                        self.report.interrupted = True
                        break
        finally:
            self._deliver(partly=True)

    def tell(self, position: int, note: str = "", finished: bool = False) -> None:
        """Report progress."""
        if self.progress is not None:
            job = self.todo[position]
            what = self.report.scenarios[job.scenario].name + (f".{job.variant}" if job.variant else "")
            self.progress(Event(len(self.results), len(self.todo), what, note, finished))

    def finished(self, position: int, result: VariantResult) -> None:
        """Take the result of a variant."""
        self.results[position] = result
        self.tell(position, finished=True)
        self._deliver()

    def lost(self, position: int, died: Died) -> VariantResult:
        """What there is to say where a worker is gone."""
        return VariantResult(self.todo[position].variant, internal=str(died))

    def _deliver(self, partly: bool = False) -> None:
        """Put results into their scenarios and hand over the scenarios that are complete, in order."""
        scenarios = self.report.scenarios
        while self.delivered < len(scenarios):
            here = [n for n, job in enumerate(self.todo) if job.scenario == self.delivered]
            if not partly and any(n not in self.results for n in here):
                return
            scenario = scenarios[self.delivered]
            scenario.variants += [self.results[n] for n in here if n in self.results]
            self.delivered += 1
            if self.on_scenario is not None and (scenario.variants or scenario.diagnostics):
                self.on_scenario(self.report, scenario)


def _work(task: tuple[Job, Options]) -> VariantResult:
    """One task, in whatever process; never raises."""
    job, options = task
    return check_variant(job.file, job.variant, options)


def _work_here(task: tuple[Job, Options], note: Callable[[str], None] | None) -> VariantResult:
    """One task in this process, where its engine can be watched."""
    job, options = task
    return check_variant(job.file, job.variant, options, note)
