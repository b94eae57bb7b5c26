"""``dmaverify judge EVENTS.jsonl --monitor M``: monitors of the specification over events from elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from dmaverify.cli.common import colour_option, debug_option


@click.command("judge", short_help="judge a stream of events by a monitor")
@click.argument("events", type=click.Path(path_type=Path))
@click.option(
    "--monitor",
    "-m",
    "monitors",
    multiple=True,
    metavar="NAME|FILE",
    help="An invariant by name, or a file with monitors; repeatable.  [default: all invariants]",
)
@click.option("--scenario", metavar="FILE", help="The board that the events are from.")
@click.option("--variant", metavar="NAME", help="Of that scenario.")
@click.option("--format", "fmt", type=click.Choice(["text", "json"]), default="text", show_default=True)
@colour_option
@debug_option
def command(
    events: Path,
    monitors: tuple[str, ...],
    scenario: str | None,
    variant: str | None,
    fmt: str,
    colour: bool | None,
    debug: bool,
) -> int:
    """Judge the stream in EVENTS: one JSON object a line, an event with its arguments by name.

    Exit status: 1 if a clause failed, 3 if nothing was decided or events were lost, else 0.
    """
    from dmaverify.evidence.report import judge_file, lines_of, to_json
    from dmaverify.report import page

    report = judge_file(events, monitors or "all", scenario, None if variant == "base" else variant)
    if fmt == "json":
        click.echo(json.dumps(to_json(report), indent=2, ensure_ascii=False))
    else:
        page.write([page.text(line, style) for line, style in lines_of(report)], sys.stdout, colour)
    return report.exit_status
