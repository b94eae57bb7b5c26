"""``dmaverify check FILE…``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dmaverify.cli.common import (
    BYTES,
    OUT,
    SET,
    colour_option,
    debug_option,
    jobs_option,
    progress_option,
    set_option,
    variant_option,
    writable,
    write_reports,
)
from dmaverify.cli.progress import make_progress
from dmaverify.results import Report, ScenarioResult

ENGINES = ("auto", "explicit", "bmc", "induction", "pdr", "abc")


@click.command("check", short_help="check scenarios and compare the verdicts with what they expect")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--only",
    "--property",
    "-p",
    "only",
    multiple=True,
    metavar="PROPERTY",
    help="Only this property; repeatable.",
)
@variant_option
@set_option
@click.option(
    "--engine", default="auto", show_default=True, metavar="NAME", help=f"One of {', '.join(ENGINES)}."
)
@click.option("--format", "fmt", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--trace",
    type=click.Choice(["auto", "calls", "diff", "full", "off"]),
    default="auto",
    show_default=True,
    help="How counterexamples are told: as calls, as changed variables, with all states, or not at all. "
    "auto: calls, for what is unexpected, or for one variant.",
)
@click.option(
    "--all", "everything", is_flag=True, help="With calls: also steps that the failure does not depend on."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of everything that is chosen at random."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="For each variant. Properties get equal parts of it, and what others leave.",
)
@click.option(
    "--property-timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For each property of each variant."
)
@click.option("--memory", type=BYTES, metavar="SIZE", help="For each process: 512M, 4G.")
@click.option("--depth", type=click.IntRange(min=0), help="Longest trace to look for.")
@click.option(
    "--strict", is_flag=True, help="What is never put to the test counts as vacuous: asserts, ends, operations, assumes."
)
@click.option("--no-fuse", is_flag=True, help="One step for each statement.")
@click.option("--no-slice", is_flag=True, help="The whole system for each property.")
@click.option("--no-symmetry", is_flag=True, help="Also visit states that differ from others by a symmetry only.")
@click.option(
    "--certificates",
    type=click.Path(file_okay=False),
    help="Folder to keep the obligations of proofs in.",
)
@click.option("--junit", type=OUT, metavar="FILE", help="Also write the report there as JUnit XML.")
@click.option("--sarif", type=OUT, metavar="FILE", help="Also write what is not as expected there as SARIF 2.1.0.")
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Write to FOLDER what a long search needs to go on; 'dmaverify resume FOLDER' does, whatever has ended it.",
)
@click.option(
    "--checkpoint-every",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How often.",
)
@jobs_option
@click.option("--verbose", "-v", is_flag=True, help="Tables also of several files; of one variant, what each engine said.")
@progress_option
@colour_option
@debug_option
def command(
    files: tuple[str, ...],
    only: tuple[str, ...],
    variant: str | None,
    params: tuple[SET, ...],
    engine: str,
    fmt: str,
    trace: str,
    everything: bool,
    seed: int,
    timeout: float | None,
    property_timeout: float | None,
    memory: int | None,
    depth: int | None,
    strict: bool,
    no_fuse: bool,
    no_slice: bool,
    no_symmetry: bool,
    certificates: str | None,
    junit: Path | None,
    sarif: Path | None,
    checkpoint: str | None,
    checkpoint_every: float,
    jobs: int | None,
    verbose: bool,
    progress: bool | None,
    colour: bool | None,
    debug: bool,
) -> int:
    """Check every scenario in FILE… (of a folder: all below it) and compare the verdicts with what it
    expects.
    """
    from dmaverify.api import check
    from dmaverify.cli.resume import remember
    from dmaverify.report import page
    from dmaverify.report.summary import TextOptions, end_lines, part_lines

    writable(junit, sarif)
    if checkpoint is not None:
        remember(Path(checkpoint), click.get_current_context().params)
    style = TextOptions(trace, everything, verbose, debug)
    with make_progress(progress) as reporter:

        def show(report: Report, scenario: ScenarioResult) -> None:
            if reporter is not None:
                reporter.wipe()
            page.write(part_lines(report, scenario, style), sys.stdout, colour)
            sys.stdout.flush()

        report = check(
            files,
            variant=variant,
            only=only,
            engine=engine,
            params=dict(params),
            seed=seed,
            timeout=timeout,
            property_timeout=property_timeout,
            memory=memory,
            depth=depth,
            strict=strict,
            fuse=not no_fuse,
            slice=not no_slice,
            symmetry=not no_symmetry,
            certificates=certificates,
            checkpoint=checkpoint,
            checkpoint_every=checkpoint_every,
            jobs=jobs,
            progress=reporter,
            on_scenario=None if fmt == "json" else show,
        )
    if fmt == "json":
        from dmaverify.report.as_json import dumps

        click.echo(dumps(report), nl=False)
    else:
        page.write(end_lines(report), sys.stdout, colour)
    write_reports(report, junit, sarif)
    return report.exit_status
