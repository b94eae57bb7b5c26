"""``dmaverify explain CODE|INVARIANT|WORD``."""

from __future__ import annotations

import click


@click.command("explain", short_help="explain a code, an invariant, a verdict or an assumption")
@click.argument("words", nargs=-1, metavar="[CODE|INVARIANT|WORD]…")
def command(words: tuple[str, ...]) -> int:
    """Explain a diagnostic (DMA021), an invariant (zeroing, DMA103), a verdict (vacuous) or an assumption
    (A3).

    Without arguments: everything that can be explained.
    """
    from dmaverify.explain import lookup

    if not words:
        click.echo(lookup.overview())
        return 0
    for n, word in enumerate(words):
        text = lookup.explain(word)
        if text is None:
            close = lookup.suggestions(word)
            hint = (
                f" Did you mean {' or '.join(close)}?"
                if close
                else " Without an argument: all that there is."
            )
            raise click.UsageError(f"nothing is called {word!r}.{hint}")
        click.echo(("\n" if n else "") + text)
    return 0
