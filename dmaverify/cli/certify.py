"""``dmaverify certify DIR…``: checks certificates of proofs, each in a fresh process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dmaverify.cli.common import debug_option

if TYPE_CHECKING:
    from dmaverify.engines.smt.solver import SolverName


@click.command("certify", short_help="check the certificates of proofs")
@click.argument("folders", nargs=-1, required=True, metavar="DIR…", type=click.Path(path_type=Path))
@click.option(
    "--solver",
    type=click.Choice(["other", "z3", "bitwuzla", "both"]),
    default="other",
    show_default=True,
    help="Who checks. other: one that did not find the proof.",
)
@click.option("--show", is_flag=True, help="Print the invariants.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For each certificate and solver.")
@debug_option
def command(folders: tuple[Path, ...], solver: str, show: bool, timeout: float | None, debug: bool) -> int:
    """Check the certificates in DIR… and below: from the text of the system, in a fresh process, by a solver that did not find them.

    Exit status: 0 all are accepted, 1 one is refused, 2 there is none, 3 time ran out.
    """
    from dmaverify.checking.problems import WrongInput
    from dmaverify.results import INCONCLUSIVE, OK, worst

    found = [f for folder in folders for f in _certificates(folder)]
    if not found:
        raise WrongInput(f"there is no certificate in {', '.join(map(str, folders))}")
    status = OK
    for folder in found:
        for name in _checkers(folder, solver):
            status = worst([status, _check(folder, name, timeout)])
            if status == INCONCLUSIVE:
                break
        if show:
            click.echo((folder / "invariant.txt").read_text(encoding="utf-8"))
    return status


def _certificates(folder: Path) -> list[Path]:
    """The folder itself if it is one, else those below it, by name."""
    if (folder / "manifest.json").exists():
        return [folder]
    return sorted({path.parent for path in folder.glob("**/manifest.json")})


def _checkers(folder: Path, solver: str) -> tuple[SolverName, ...]:
    if solver == "z3":
        return ("z3",)
    if solver == "bitwuzla":
        return ("bitwuzla",)
    if solver == "both":
        return ("z3", "bitwuzla")
    return ("bitwuzla",) if _manifest(folder).get("found_by") == "z3" else ("z3",)


def _manifest(folder: Path) -> dict[str, object]:
    """What the manifest says; nothing, if it is none (the checker says what is wrong with it)."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _check(folder: Path, solver: SolverName, timeout: float | None) -> int:
    """Check one, say what came out; the exit status."""
    from dmaverify.engines.base import Budget, Stopped
    from dmaverify.engines.certificate import Refused, run_recheck
    from dmaverify.results import INCONCLUSIVE, OK, UNEXPECTED

    manifest = _manifest(folder)
    claim = f"{manifest.get('property')} of {manifest.get('system')}"
    try:
        answer = run_recheck(folder, solver, Budget(timeout=timeout))
    except Refused as e:
        click.echo(f"{folder}: refused: {e}")
        return UNEXPECTED
    except Stopped as e:
        click.echo(f"{folder}: not decided by {solver} ({e.reason})")
        return INCONCLUSIVE
    click.echo(f"{folder}: {claim}: {answer}; found by {manifest.get('found_by')}")
    return OK
