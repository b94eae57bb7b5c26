"""``dmaverify fuzz FILE…``: random runs, and the shortest way to what they find."""

from __future__ import annotations

import secrets
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from dmaverify.cli.common import OUT, SET, colour_option, debug_option, set_option, variant_option, writable, write_reports
from dmaverify.results import ScenarioResult

RUNS = 200
"""Without a limit."""

DATABASE = Path(".hypothesis/examples")


@click.command("fuzz", short_help="random runs of a model; what they find is shrunk")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--runs", type=click.IntRange(min=1), help=f"Runs of each variant  [default: {RUNS}, without --time]")
@click.option(
    "--time", "seconds", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For all variants together."
)
@click.option("--steps", type=click.IntRange(min=1), default=100, show_default=True, help="Choices in each run.")
@click.option("--only", "--property", "-p", "only", multiple=True, metavar="PROPERTY", help="Only this property; repeatable.")
@variant_option
@set_option
@click.option("--seed", type=int, help="Of the runs  [default: another one each time, and printed]")
@click.option(
    "--database",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATABASE,
    show_default=True,
    help="Folder where failures are remembered, to be tried first next time.",
)
@click.option("--no-database", is_flag=True, help="Remember nothing.")
@click.option(
    "--trace",
    type=click.Choice(["auto", "calls", "diff", "full", "off"]),
    default="auto",
    show_default=True,
    help="How counterexamples are told; auto: calls, for what is unexpected.",
)
@click.option("--all", "everything", is_flag=True, help="Also steps that a failure does not depend on, and all that was missed.")
@click.option("--strict", is_flag=True, help="What was only sampled is inconclusive.")
@click.option("--junit", type=OUT, metavar="FILE", help="Also write the report there as JUnit XML.")
@click.option("--sarif", type=OUT, metavar="FILE", help="Also write what is not as expected there as SARIF 2.1.0.")
@colour_option
@debug_option
def command(
    files: tuple[str, ...],
    runs: int | None,
    seconds: float | None,
    steps: int,
    only: tuple[str, ...],
    variant: str | None,
    params: tuple[SET, ...],
    seed: int | None,
    database: Path,
    no_database: bool,
    trace: str,
    everything: bool,
    strict: bool,
    junit: Path | None,
    sarif: Path | None,
    colour: bool | None,
    debug: bool,
) -> int:
    """Run every scenario in FILE… (of a folder: all below it) at random, with Hypothesis.

    A violation that the scenario does not expect is shrunk, replayed, told, and printed as a test. Exit status: 1 if there is
    one, else 0; that nothing was found proves nothing (with --strict it is 3).
    """
    if find_spec("hypothesis") is None:
        raise click.UsageError("dmaverify fuzz needs Hypothesis: pip install 'dmaverify[fuzz]'")
    from dmaverify.fuzz.api import fuzz
    from dmaverify.fuzz.decide import Fuzzed, FuzzOptions
    from dmaverify.report import page
    from dmaverify.report.fuzzing import variant_lines

    writable(junit, sarif)
    if seed is None:
        seed = secrets.randbelow(1 << 32)
        click.echo(f"--seed {seed}", err=True)
    options = FuzzOptions(
        only,
        dict(params),
        runs if runs is not None or seconds is not None else RUNS,
        steps,
        seed,
        None if no_database else database,
        strict,
    )

    def show(scenario: ScenarioResult, fuzzed: Fuzzed) -> None:
        page.write(variant_lines(scenario, fuzzed.result, fuzzed.campaign, trace, everything, debug), sys.stdout, colour)
        sys.stdout.flush()

    report = fuzz(map(Path, files), variant, options, seconds, show)
    wrong = [*(text for scenario in report.scenarios for text in scenario.diagnostics), *report.diagnostics]
    for text in wrong:
        click.echo(text)
    if report.interrupted:
        click.echo("interrupted: what is shown above was finished before")
    write_reports(report, junit, sarif)
    return report.exit_status
