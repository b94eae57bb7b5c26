"""``dmaverify export FILE --to FORMAT``: the transition system in the language of another tool."""

from __future__ import annotations

from pathlib import Path

import click

from dmaverify.cli.common import SET, debug_option, set_option, variant_option
from dmaverify.export.formats import FORMATS


@click.command("export", short_help="write a scenario in the language of another tool")
@click.argument("file")
@click.option("--to", "form", required=True, type=click.Choice(tuple(FORMATS)), help="The language.")
@click.option("--for", "prop", metavar="PROPERTY", help="Only what this property or cover depends on.")
@click.option("--slice", "number", type=click.IntRange(min=1), metavar="N", help="With --for: one of its slices, from 1.")
@variant_option
@set_option
@click.option("--depth", type=click.IntRange(min=0), help="smt2: ask whether something fails within so many steps.")
@click.option("--states", type=click.IntRange(min=1), default=300, show_default=True, help="dot: at most so many.")
@click.option("--no-fuse", is_flag=True, help="One step for each statement.")
@click.option("--no-slice", is_flag=True, help="The whole system, also with --for.")
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="A file instead of standard output.")
@debug_option
def command(
    file: str,
    form: str,
    prop: str | None,
    number: int | None,
    variant: str | None,
    params: tuple[SET, ...],
    depth: int | None,
    states: int,
    no_fuse: bool,
    no_slice: bool,
    output: str | None,
    debug: bool,
) -> int:
    """Write the System of FILE for another tool: every step, and what makes it wrong.

    Without --for: everything that the scenario checks.
    """
    from dmaverify.checking.exporting import exported

    text = exported(
        file,
        form,
        variant=variant,
        params=dict(params),
        prop=prop,
        number=number,
        fuse=not no_fuse,
        slice=not no_slice and prop is not None,
        depth=depth,
        states=states,
    )
    if output is None:
        click.echo(text, nl=False)
    else:
        Path(output).write_bytes(text if isinstance(text, bytes) else text.encode())
    return 0
