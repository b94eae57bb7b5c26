"""``dmaverify refine IMPL… SPEC``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dmaverify.cli.common import SET, colour_option, debug_option, jobs_option, progress_option, set_option, variant_option, view_option
from dmaverify.cli.progress import make_progress


@click.command("refine", short_help="whether models show nothing that an abstract contract does not")
@click.argument("files", nargs=-1, required=True, metavar="IMPL… SPEC")
@variant_option
@set_option
@view_option("addresses")
@click.option("--format", "fmt", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--trace",
    type=click.Choice(["auto", "full", "off"]),
    default="auto",
    show_default=True,
    help="Of a difference: the statements of the calls that are open there, of the whole run, or nothing.",
)
@click.option("--all", "everything", is_flag=True, help="Tell calls that are over event by event, too.")
@click.option("--states", type=click.IntRange(min=1), help="Look at so many states of either side at most.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For each variant.")
@jobs_option
@progress_option
@colour_option
@debug_option
def command(
    files: tuple[str, ...],
    variant: str | None,
    params: tuple[SET, ...],
    view: str,
    fmt: str,
    trace: str,
    everything: bool,
    states: int | None,
    timeout: float | None,
    jobs: int | None,
    progress: bool | None,
    colour: bool | None,
    debug: bool,
) -> int:
    """Run scenarios (files or folders) over the models that they use, and over SPEC, a module (spec.contract) or its file, and
    decide whether every observable word of the models is one of SPEC.

    Exit status: 0 if every scenario refines, or what it expects of that; 1 if not; 3 if it could not be decided, 4 if nothing
    was compared.
    """
    from dmaverify.refinement.run import refine
    from dmaverify.report import page, refinement_json
    from dmaverify.report import refinement as text_report

    if len(files) < 2:
        raise click.UsageError("name scenarios and, behind them, the contract: dmaverify refine SCENARIO spec.contract")
    *named, contract = files
    with make_progress(progress) as reporter:
        report = refine(
            [Path(f) for f in named],
            contract,
            variant=variant,
            params=dict(params),
            view=view,
            states=states,
            timeout=timeout,
            jobs=jobs,
            progress=reporter,
        )
    if fmt == "json":
        click.echo(refinement_json.dumps(report), nl=False)
    else:
        page.write(text_report.lines(report, trace, everything), sys.stdout, colour)
    return report.exit_status
