"""``dmaverify bench``: our explicit search beside SPIN and rumur. For development."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from dmaverify.cli.common import debug_option


@click.command("bench", short_help="compare the explicit search with SPIN and rumur")
@click.option("--only", multiple=True, metavar="MODEL", help="Only this model, as AC(6,4) or receive; repeatable.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="How often each tool runs.")
@click.option("--skip", multiple=True, metavar="TOOL", help="Leave out tools whose names begin so; repeatable.")
@click.option("--large", is_flag=True, help="Also AC(7,4), where other tools take minutes, and larger sizes in tables of growth.")
@click.option("--compare-only", is_flag=True, help="No threads, no slices, no growth.")
@click.option("--least", type=(str, float), multiple=True, metavar="TOOL RATIO", help="Fail where AC(6,4) gains less; repeatable.")
@click.option("--page", type=click.Path(dir_okay=False), help="Write the page there.")
@click.option("--peers", type=click.Path(file_okay=False), help="Only write the models of the other tools into this folder.")
@debug_option
def command(
    only: tuple[str, ...],
    rounds: int,
    skip: tuple[str, ...],
    large: bool,
    compare_only: bool,
    least: tuple[tuple[str, float], ...],
    page: str | None,
    peers: str | None,
    debug: bool,
) -> int:
    """Count states and transitions with several tools, compare them exactly, and time the tools in turn.

    Needs a checkout of dmaverify, SPIN, rumur and gcc. Exit status: 1 if counts differ or a --least is missed.
    """
    from dmaverify.bench import suite
    from dmaverify.bench.tools import ToolFailed
    from dmaverify.checking.problems import WrongInput

    if peers is not None:
        for file in suite.write_peers(Path(peers)):
            click.echo(file)
        return 0
    plan = suite.Plan(only, rounds, skip, large, compare_only)
    try:
        with tempfile.TemporaryDirectory(prefix="dmaverify-bench-") as folder:
            measured = suite.measure(plan, Path(folder), lambda line: click.echo(line, err=True))
    except ToolFailed as e:
        click.echo(str(e), err=True)
        return 1
    except KeyError as e:
        raise WrongInput(f"there is no model {e.args[0]}") from e
    text = suite.text(measured)
    if page is None:
        click.echo(text)
    else:
        Path(page).write_text(text, encoding="utf-8")
    missed = suite.missed(measured, least)
    for line in missed:
        click.echo(line, err=True)
    return 1 if missed else 0
