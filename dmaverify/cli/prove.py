"""``dmaverify prove BEFORE AFTER``, ``prove --patch FIX.diff FILE…``, ``prove --base REV FILE…``, ``prove --corpus DIR``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dmaverify.checking.events import Event
from dmaverify.cli.common import (
    BYTES,
    OUT,
    SET,
    colour_option,
    debug_option,
    jobs_option,
    progress_option,
    set_option,
    variant_option,
    view_option,
    writable,
)
from dmaverify.cli.progress import make_progress

if TYPE_CHECKING:
    from dmaverify.patches.sides import Comparison


@click.command("prove", short_help="what a patch fixes, breaks and leaves as it was")
@click.argument("files", nargs=-1, metavar="[BEFORE AFTER | FILE…]")
@click.option(
    "--patch",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A unified diff: BEFORE is FILE… as it is, AFTER is with the diff applied. No file is written.",
)
@click.option(
    "--on",
    "on",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --patch: BEFORE is FILE… with this diff applied; repeatable, in order.  [default: what `on:` in the patch says]",
)
@click.option("--base", metavar="REV", help="BEFORE is FILE… as it was in that revision of its git checkout.")
@click.option(
    "--corpus",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Every patch of every entry of a folder, compared with what the entry states.",
)
@click.option("--entry", "entries", multiple=True, metavar="ID", help="With --corpus: only this entry; repeatable.")
@click.option("--page", type=OUT, help="With --corpus: write the table of all entries there.")
@click.option("--only", "--property", "-p", "only", multiple=True, metavar="PROPERTY", help="Only this property; repeatable.")
@variant_option
@set_option
@click.option("--engine", default="auto", show_default=True, metavar="NAME", help="As for check.")
@click.option("--format", "fmt", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--trace",
    type=click.Choice(["auto", "calls", "diff", "full", "off"]),
    default="auto",
    show_default=True,
    help="How counterexamples are told, or off.",
)
@click.option("--all", "everything", is_flag=True, help="With calls: also steps that the failure does not depend on.")
@click.option("--compare/--no-compare", default=True, help="Also say what else is different.  [default: compare]")
@view_option("events")
@click.option("--states", type=click.IntRange(min=1), help="Compare so many states at most.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything that is chosen at random.")
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For each variant and side.")
@click.option("--memory", type=BYTES, metavar="SIZE", help="For each process: 512M, 4G.")
@click.option("--depth", type=click.IntRange(min=0), help="Longest trace to look for.")
@jobs_option
@progress_option
@colour_option
@debug_option
def command(
    files: tuple[str, ...],
    patch: Path | None,
    on: tuple[Path, ...],
    base: str | None,
    corpus: Path | None,
    entries: tuple[str, ...],
    page: Path | None,
    only: tuple[str, ...],
    variant: str | None,
    params: tuple[SET, ...],
    engine: str,
    fmt: str,
    trace: str,
    everything: bool,
    compare: bool,
    view: str,
    states: int | None,
    seed: int,
    timeout: float | None,
    memory: int | None,
    depth: int | None,
    jobs: int | None,
    progress: bool | None,
    colour: bool | None,
    debug: bool,
) -> int:
    """Check scenarios before and after a patch, and say for each property what the patch does to it: it fixes, does not fix,
    breaks or keeps it, or changes nothing; then whether anything else is different.

    Exit status: that of a check of AFTER, with two exceptions: what the patch breaks is 1, and what it fixes is 0, whatever
    is expected. With --corpus 0 if everything is as stated, 1 if not.
    """
    if corpus is not None:
        _refuse(files=files, patch=patch, on=on, base=base, only=only, variant=variant, params=params, depth=depth, states=states)
        if fmt != "text":
            raise click.UsageError("--corpus is reported as text")
        return _corpus(corpus, entries, page, engine, seed, timeout, memory, jobs, progress, colour)
    if entries or page is not None:
        raise click.UsageError("--entry and --page belong to --corpus")
    if not files:
        raise click.UsageError("name the scenarios, or a corpus by --corpus")
    from dmaverify.patches.prove import prove
    from dmaverify.report import page as pages
    from dmaverify.report import patch as text_report
    from dmaverify.report import patch_json

    comparison = _comparison(files, patch, on, base)
    with make_progress(progress) as reporter:
        report = prove(
            comparison,
            variant=variant,
            only=only,
            engine=engine,
            params=dict(params),
            seed=seed,
            timeout=timeout,
            memory=memory,
            depth=depth,
            jobs=jobs,
            compare=compare,
            view=view,
            states=states,
            progress=reporter,
        )
    if fmt == "json":
        click.echo(patch_json.dumps(report), nl=False)
    else:
        pages.write(text_report.lines(report, trace, everything), sys.stdout, colour)
    return report.exit_status


def _comparison(files: tuple[str, ...], patch: Path | None, on: tuple[Path, ...], base: str | None) -> Comparison:
    from dmaverify.patches.sides import two_paths, with_base, with_patch

    paths = [Path(f) for f in files]
    if patch is not None and base is not None:
        raise click.UsageError("--patch and --base are two ways to say what BEFORE is: give one of them")
    if on and patch is None:
        raise click.UsageError("--on says what --patch is applied to")
    if patch is not None:
        return with_patch(patch, paths, on or None)
    if base is not None:
        return with_base(base, paths)
    if len(paths) != 2:
        raise click.UsageError("name two files or two folders, BEFORE and AFTER, or use --patch or --base")
    return two_paths(*paths)


def _refuse(**given: object) -> None:
    """A usage error if an option is given that a corpus has no use for."""
    names = {"files": "FILE…", "params": "--set"}
    for name, value in given.items():
        if value not in (None, ()):
            raise click.UsageError(f"{names.get(name, '--' + name)} cannot be used with --corpus")


def _corpus(
    folder: Path,
    only: tuple[str, ...],
    page: Path | None,
    engine: str,
    seed: int,
    timeout: float | None,
    memory: int | None,
    jobs: int | None,
    progress: bool | None,
    colour: bool | None,
) -> int:
    import shlex

    from dmaverify.patches.corpus_run import Outcome, prove_corpus
    from dmaverify.report import corpus as told
    from dmaverify.report import page as pages

    writable(page)
    with make_progress(progress) as reporter:

        def started(what: str, done: int, total: int) -> None:
            if reporter is not None:
                reporter(Event(done, total, what))

        def finished(outcome: Outcome) -> None:
            if reporter is not None:
                reporter.wipe()
            pages.write(told.outcome_lines(outcome), sys.stdout, colour)
            sys.stdout.flush()

        report = prove_corpus(
            folder,
            only,
            engine=engine,
            seed=seed,
            timeout=timeout,
            memory=memory,
            jobs=jobs,
            told=finished,
            started=started,
        )
    pages.write(told.end_lines(report), sys.stdout, colour)
    if page is not None and not report.interrupted:
        chosen = "".join(f" --entry {shlex.quote(n)}" for n in only)
        command = f"dmaverify prove --corpus {shlex.quote(str(folder))}{chosen} --page {shlex.quote(str(page))}"
        page.write_text(told.page_text(report, page, command), encoding="utf-8")
    return report.exit_status
