"""``dmaverify ir FILE``: the transition system that a scenario means, before and after the passes."""

from __future__ import annotations

import click

from dmaverify.cli.common import SET, debug_option, set_option, variant_option


@click.command("ir", short_help="print the transition system that a scenario means")
@click.argument("file")
@variant_option
@set_option
@click.option("--core", is_flag=True, help="Flattened to booleans and machine integers.")
@click.option("--for", "prop", metavar="PROPERTY", help="Sliced and fused for one property.")
@click.option("--stats", is_flag=True, help="Only counts.")
@click.option("--no-fuse", is_flag=True, help="With --for: one step for each statement.")
@debug_option
def command(
    file: str,
    variant: str | None,
    params: tuple[SET, ...],
    core: bool,
    prop: str | None,
    stats: bool,
    no_fuse: bool,
    debug: bool,
) -> int:
    """Print the System of FILE in its text form, which can be read back."""
    from dmaverify.checking import anatomy
    from dmaverify.checking.frontend import load

    model = load(file, variant, dict(params))
    if stats:
        click.echo("\n".join(anatomy.statistics(model, fuse=not no_fuse)))
    elif prop is not None:
        click.echo(anatomy.sliced_text(model, prop, fuse=not no_fuse), nl=False)
    else:
        click.echo(anatomy.text(model.system, core), nl=False)
    return 0
