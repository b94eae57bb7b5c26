"""``dmaverify replay REPORT.json``: run the counterexamples of a report once more, without any engine."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from dmaverify.cli.common import debug_option


@click.command("replay", short_help="replay counterexamples of a JSON report, step by step")
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--scenario", metavar="NAME")
@click.option("--variant", metavar="NAME", help="base for the scenario as it stands.")
@click.option("--property", "-p", "prop", metavar="NAME")
@click.option("--trace", type=click.Choice(["calls", "diff", "full"]), default="diff", show_default=True)
@debug_option
def command(
    report: Path, scenario: str | None, variant: str | None, prop: str | None, trace: str, debug: bool
) -> int:
    """Compile the scenarios of REPORT again and replay its counterexamples in the interpreter.

    Exit status: 0 if each one happens as it says, 1 if one does not (the model has changed since).
    """
    found = list(_traces(_read(report), scenario, variant, prop))
    if not found:
        raise click.UsageError("the report has no such counterexample")
    return max(_replay(s, v, p, trace) for s, v, p in found)


def _read(path: Path) -> dict[str, Any]:
    from dmaverify.report.as_json import FORMAT

    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise click.UsageError(f"{path} is not a JSON report: {e}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise click.UsageError(f"{path} is not a report of the format {FORMAT!r}")
    return data


def _traces(data: dict[str, Any], scenario: str | None, variant: str | None, prop: str | None) -> Any:
    try:
        for s in data["scenarios"]:
            for v in s["variants"]:
                for p in v["properties"]:
                    if (
                        p["trace"] is not None
                        and scenario in (None, s["name"])
                        and variant in (None, v["name"] or "base")
                        and prop in (None, p["name"])
                    ):
                        yield s, v, p
    except (KeyError, TypeError) as e:
        raise click.UsageError(f"the report is damaged: {e}") from None


def _replay(s: dict[str, Any], v: dict[str, Any], p: dict[str, Any], trace: str) -> int:
    from dmaverify.checking.frontend import load
    from dmaverify.cli.common import parse_number
    from dmaverify.engines.replay import ReplayMismatch, replay
    from dmaverify.report import page
    from dmaverify.report.as_json import trace_from_json
    from dmaverify.report.counterexample import steps_lines
    from dmaverify.report.story import tell

    values = {**v["params"], **p["choice"]}
    params = {k: n if (n := parse_number(t)) is not None else t for k, t in values.items()}
    model = load(s["file"], v["name"] or "base", params)
    name = f"{s['name']}{'.' + v['name'] if v['name'] else ''} {p['name']}"
    try:
        replayed = replay(model.system, trace_from_json(p["trace"]))
    except ReplayMismatch as e:
        click.echo(f"{name}: does not happen: {e}", err=True)
        return 1
    message = f": {replayed.failed.message}" if replayed.failed else ""
    click.echo(f"{name}: happens, {replayed.length} steps{message}")
    page.write(steps_lines(tell(model.system, replayed.trace), trace, page.WIDTH), sys.stdout)
    return 0
