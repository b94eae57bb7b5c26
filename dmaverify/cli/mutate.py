"""``dmaverify mutate FILE…``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from dmaverify.cli.common import SET, colour_option, debug_option, jobs_option, progress_option, set_option, variant_option
from dmaverify.cli.progress import make_progress


@click.command("mutate", short_help="which properties notice when a statement of a model is missing or different")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--only", "--property", "-p", "only", multiple=True, metavar="PROPERTY", help="Only this property; repeatable.")
@variant_option
@set_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N mutants.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="N mutants at random.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample, and of everything else that is chosen at random.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="For each mutant.",
)
@jobs_option
@click.option("--strict", is_flag=True, help="A mutant that nobody notices is status 1, one that is undecided 3.")
@click.option("--all", "everything", is_flag=True, help="Also list what was noticed, what changes nothing and what does not compile.")
@click.option("--format", "fmt", type=click.Choice(["text", "json"]), default="text", show_default=True)
@progress_option
@colour_option
@debug_option
def command(
    files: tuple[str, ...],
    only: tuple[str, ...],
    variant: str | None,
    params: tuple[SET, ...],
    limit: int | None,
    sample: int | None,
    seed: int,
    timeout: float,
    jobs: int | None,
    strict: bool,
    everything: bool,
    fmt: str,
    progress: bool | None,
    colour: bool | None,
    debug: bool,
) -> int:
    """Alter the models that the scenario in FILE uses, one place at a time and in memory only, check each mutant, and say which
    properties notice. What nobody notices is listed; a property that survives everything is weak.

    Exit status: 0; 1 if a property is weak; 2 wrong input; 3 interrupted; 5 internal error. What was found before an interrupt
    is shown.
    """
    from dmaverify.mutation.results import MutationResult, status_of
    from dmaverify.mutation.run import MutateOptions, mutate, variants_of
    from dmaverify.report import page
    from dmaverify.report.mutation import as_json, lines

    options = MutateOptions(only, dict(params), timeout, limit, sample, seed, jobs or os.cpu_count() or 1)
    results: list[MutationResult] = []
    with make_progress(progress) as reporter:
        for file in files:
            chosen = variants_of(_located(file), variant)
            if not chosen:
                raise click.UsageError(f"{file} has no variant {variant}")
            for name in chosen:
                if results and results[-1].interrupted:
                    break
                result = mutate(_located(file), name, options, reporter)
                results.append(result)
                if fmt == "text":
                    if reporter is not None:
                        reporter.wipe()
                    page.write(lines(result, everything), sys.stdout, colour)
                    sys.stdout.flush()
    status = status_of(results, strict)
    if fmt == "json":
        click.echo(as_json(results, status), nl=False)
    return status


def _located(file: str) -> str:
    from dmaverify.checking.discover import located

    return str(located(Path(file)))
