"""``dmaverify simulate FILE``: what can happen, and what it did."""

from __future__ import annotations

import contextlib
import random
import sys
from typing import TYPE_CHECKING

import click

from dmaverify.cli.common import SET, debug_option, set_option, variant_option

if TYPE_CHECKING:
    from dmaverify.checking.walk import Walk
    from dmaverify.ir.system import System

HELP = "a number: take that step   Enter: the first   r: one at random   u: undo   s: state   q: quit"


@click.command("simulate", short_help="walk through a scenario at random or by hand")
@click.argument("file")
@variant_option
@set_option
@click.option(
    "--runs", type=click.IntRange(min=1), default=1, show_default=True, help="How many random walks."
)
@click.option(
    "--steps", type=click.IntRange(min=1), default=50, show_default=True, help="Choices in each walk."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the first walk; the next one adds 1."
)
@click.option(
    "--trace", type=click.Choice(["calls", "diff", "full", "off"]), default="calls", show_default=True
)
@click.option("--interactive", "-i", is_flag=True, help="Choose each step.")
@debug_option
def command(
    file: str,
    variant: str | None,
    params: tuple[SET, ...],
    runs: int,
    steps: int,
    seed: int,
    trace: str,
    interactive: bool,
    debug: bool,
) -> int:
    """Walk through a scenario. A walk shows what can happen; that it finds nothing means nothing.

    Exit status: 1 if some walk violated a property, else 0.
    """
    from dmaverify.checking.frontend import concrete
    from dmaverify.checking.walk import random_walks

    model = concrete(file, variant, dict(params))
    if interactive:
        return _by_hand(model.system, seed)
    if runs > 1:
        from dmaverify.engines.successors import DomainError

        with contextlib.suppress(DomainError):  # too many initial states to list; the interpreter draws one
            return _many(model.system, seed, runs, steps)
    found: dict[str, tuple[int, int, str]] = {}
    for n, walk in random_walks(model.system, seed, runs, steps):
        if runs == 1 and trace != "off":
            _tell(walk, trace)
        for step, failed in walk.failures:
            found.setdefault(failed.prop, (n, step, failed.message))
    for prop, (n, step, message) in found.items():
        click.echo(f"{prop} VIOLATED by the walk of seed {n}, after {step} statements: {message}")
    walked = f"{runs} walk{'s' if runs > 1 else ''} of at most {steps} choices from seed {seed}"
    click.echo(f"{walked}: {_violated(len(found))}")
    return 1 if found else 0


def _violated(many: int) -> str:
    return f"{many or 'no'} propert{'y' if many == 1 else 'ies'} violated"


def _many(system: System, seed: int, runs: int, steps: int) -> int:
    """Many walks, and what they came across."""
    from dmaverify.checking.sampled import sample

    found = sample(system, seed, runs, steps)
    for v in found.violations:
        click.echo(f"{v.prop} VIOLATED by the walk of seed {v.seed}, after {len(v.trace.steps)} statements: {v.message}")
    click.echo(f"{found.runs:,} walks of at most {steps} choices from seed {seed}: {_violated(len(found.violations))}")
    if found.reason:
        click.echo(f"there were to be {runs:,}; stopped: {found.reason}")
    tested, asserts = len(found.tested), len(found.tested | found.untested)
    reached, covers = len(found.reached), len(found.reached | found.missed)
    click.echo(
        f"sampled ({found.runs:,} runs): {found.choices:,} choices, {found.states:,} different states;"
        f" {tested} of {asserts} asserts put to the test, {reached} of {covers} covers and probes passed"
    )
    for prop, label in sorted(found.untested):
        click.echo(f"never put to the test: {prop}  {label}")
    return 1 if found.violations else 0


def _tell(walk: Walk, trace: str) -> None:
    from dmaverify.report import page
    from dmaverify.report.counterexample import steps_lines
    from dmaverify.report.story import tell

    page.write(steps_lines(tell(walk.interp.system, walk.trace()), trace, page.WIDTH), sys.stdout)


def _by_hand(system: object, seed: int) -> int:
    """The interactive walk; reads one line for each step, so that it can be scripted as well."""
    from dmaverify.checking.walk import Walk

    rng = random.Random(seed)
    walk = Walk.start(system, rng)  # type: ignore[arg-type]
    marks = [0]
    click.echo(HELP)
    while True:
        choices = walk.choices()
        click.echo()
        if not choices:
            click.echo(
                "nothing can happen any more"
                if not walk.stopped
                else "behind a failed check nothing is meant"
            )
        for n, (action, given) in enumerate(choices, 1):
            chosen = ", ".join(f"{k} = {_shown(action, k, v)}" for k, v in given.items())
            click.echo(
                f"  {n:3}  {action.actor or action.thread:10} {action.text}{'   ' + chosen if chosen else ''}"
            )
        try:
            answer = input("> ").strip().lower()
        except EOFError:
            return 1 if walk.failures else 0
        if answer == "q":
            return 1 if walk.failures else 0
        if answer == "u":
            marks.pop() if len(marks) > 1 else None
            while len(walk.steps) > marks[-1]:
                walk.undo()
        elif answer == "s":
            _state(walk)
        elif answer in ("", "r") and choices:
            _step(walk, marks, choices[0] if answer == "" else rng.choice(choices))
        elif answer.isdigit() and 1 <= int(answer) <= len(choices):
            _step(walk, marks, choices[int(answer) - 1])
        else:
            click.echo(HELP)


def _shown(action: object, name: str, value: object) -> str:
    from dmaverify.report.values import show

    types = {i.name: i.type for i in action.inputs}  # type: ignore[attr-defined]
    return show(value, types[name])


def _step(walk: Walk, marks: list[int], choice: object) -> None:
    from dmaverify.report.values import differences

    first, known = len(walk.steps), len(walk.failures)
    walk.take(choice)  # type: ignore[arg-type]
    walk.settle(choice)  # type: ignore[arg-type]
    marks.append(len(walk.steps))
    for v in walk.interp.system.vars:
        old, new = (walk.interp.value(s, v.name) for s in (walk.states[first], walk.state))
        for name, a, b in differences(v.name, old, new, v.type):
            click.echo(f"       {name}: {a} -> {b}")
    for _, failed in walk.failures[known:]:
        click.secho(f"       {failed.prop} VIOLATED: {failed.message}", fg="red")


def _state(walk: Walk) -> None:
    from dmaverify.report.values import show

    for v in walk.interp.system.vars:
        value = walk.interp.value(walk.state, v.name)
        if value != v.type.default:
            click.echo(f"       {v.name} = {show(value, v.type, 200)}")
