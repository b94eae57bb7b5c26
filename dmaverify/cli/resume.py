"""``dmaverify resume FOLDER``: a check that was ended goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

COMMAND = "command.json"
"""In the folder of checkpoints: how ``check`` was called."""


def remember(folder: Path, options: Mapping[str, Any]) -> None:
    """Note how ``check`` was called, for ``resume``."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {**options, "checkpoint": os.path.abspath(folder)}
    new = folder / f"{COMMAND}.new"
    new.write_text(json.dumps({"folder": os.getcwd(), "options": said}, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8")
    os.replace(new, folder / COMMAND)


@click.command("resume", short_help="go on with a check that was ended")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def command(ctx: click.Context, folder: Path) -> int:
    """Go on with the check that wrote its checkpoints to FOLDER (``check --checkpoint FOLDER``), with the same options and in the
    same directory. Searches go on where they were; everything else is done again.
    """
    from dmaverify.cli.check import command as check

    try:
        noted = json.loads((folder / COMMAND).read_text(encoding="utf-8"))
        where, options = noted["folder"], noted["options"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.UsageError(f"{folder} is not a folder that 'check --checkpoint' has written", ctx) from error
    try:
        os.chdir(where)
    except OSError as error:
        raise click.UsageError(f"the check was run in {where}, which is not there any more", ctx) from error
    options["files"] = tuple(options["files"])
    options["only"] = tuple(options["only"])
    options["params"] = tuple(map(tuple, options["params"]))
    for name in ("junit", "sarif"):
        options[name] = None if options.get(name) is None else Path(options[name])
    result: int = ctx.invoke(check, **options)
    return result
