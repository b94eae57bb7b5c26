"""The command ``dmaverify``: its subcommands, and what becomes of errors. Nothing here knows how anything
is checked.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module

import click

from dmaverify import __version__
from dmaverify.results import BAD_INPUT, INCONCLUSIVE, INTERNAL, OK

COMMANDS = {
    "bench": "compare the explicit search with SPIN and rumur (for development)",
    "certify": "check the certificates of proofs",
    "check": "check scenarios and compare the verdicts with what they expect",
    "explain": "explain a code, an invariant, a verdict or an assumption",
    "export": "write a scenario in the language of another tool",
    "fuzz": "random runs of a model; what they find is shrunk",
    "ir": "print the transition system that a scenario means",
    "judge": "judge a stream of events by a monitor",
    "mutate": "which properties notice when a statement of a model is missing or different",
    "prove": "what a patch fixes, breaks and leaves as it was",
    "refine": "whether models show nothing that an abstract contract does not",
    "replay": "replay a counterexample from a JSON report, step by step",
    "resume": "go on with a check that was ended",
    "simulate": "walk through a scenario at random or by hand",
}
"""Each is ``command`` in the module of its name, loaded when it is needed."""


class Lazy(click.Group):
    """A group whose subcommands are modules, so that ``--version`` and a small check start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"dmaverify.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in COMMANDS:
            close = get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="dmaverify", message="%(prog)s %(version)s")
def cli() -> None:
    """Model checker for the Linux kernel's DMA memory management.

    Exit status: 0 everything is as expected; 1 a verdict contradicts what is expected; 2 wrong input; 3
    inconclusive; 4 vacuous; 5 internal error.
    """


def run(args: list[str]) -> int:
    """Run the command line; returns the exit status and never raises."""
    debug = "--debug" in args
    try:
        result = cli.main(args=args, prog_name="dmaverify", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else OK
    except click.exceptions.Exit as e:
        return e.exit_code
    except click.ClickException as e:
        e.show()
        return BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INCONCLUSIVE
    except BrokenPipeError:
        # whoever read our output has seen enough; without this Python complains once more when it flushes
        # at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as e:
        return _failed(e, debug)


def _failed(error: Exception, debug: bool) -> int:
    """Wrong input that nobody nearer has handled, or an internal error: one clear message, no traceback."""
    from dmaverify.checking.problems import internal_error, wrong_input

    diagnostics = wrong_input(error)
    if diagnostics is not None:
        click.echo("\n\n".join(diagnostics), err=True)
        return BAD_INPUT
    click.echo(internal_error(error), err=True)
    if debug:
        click.echo("".join(traceback.format_exception(error)), err=True)
    return INTERNAL
