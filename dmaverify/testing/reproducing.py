"""A violation that random runs have found, done again: the body of the test that ``dmaverify fuzz`` prints."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dmaverify.fuzz.arena import Arena
    from dmaverify.fuzz.walk import Walk

_CHOICE = re.compile(r"(.*?)(?: #(\d+))?")


class Reproduced(AssertionError):
    """The violation can still happen; the text is the counterexample."""


def reproduce(
    file: str | os.PathLike[str],
    *,
    variant: str | None = None,
    prop: str,
    schedule: Iterable[str],
    params: Mapping[str, int | str] | None = None,
) -> None:
    """Make these choices in the model, one after the other; raise ``Reproduced`` where the property is violated.

    A choice is the name of who acts, with `` #n`` where it has several ways to go on. That a choice cannot be made any more is what
    a fix looks like: then nothing is raised. ValueError if nobody of that name is in the model at all.
    """
    from dmaverify.checking.frontend import concrete
    from dmaverify.fuzz.arena import Arena, Claim
    from dmaverify.fuzz.walk import Walk

    model = concrete(os.fspath(file), variant, dict(params or {}))
    if prop not in model.properties:
        raise ValueError(f"{model.name} has no property {prop}; it has {', '.join(model.properties)}")
    arena = Arena(model)

    def on_false(walk: Walk, claim: Claim) -> None:
        if claim.prop == prop:
            raise Reproduced(_told(arena, walk, prop))

    walk = Walk(arena, on_false)
    choices = [_parsed(text) for text in schedule]
    first = choices.pop(0)[1] if choices and choices[0][0] == "start" else 0
    for name, _ in choices:
        if name not in arena.rules:
            raise ValueError(f"nobody in {model.name} is called {name}; there are {', '.join(arena.rules)}")
    if first >= len(arena.initial):
        return
    walk.begin(first)
    for name, way in choices:
        if not walk.can(name) or way >= len(walk.place.choices[name]):
            return
        walk.take(name, way)


def _parsed(text: str) -> tuple[str, int]:
    found = _CHOICE.fullmatch(text)
    assert found is not None  # the pattern takes any line
    return found[1], int(found[2] or 0)


def _told(arena: Arena, walk: Walk, prop: str) -> str:
    """The counterexample, replayed in the reference System."""
    from dmaverify.engines.replay import replay
    from dmaverify.report import page
    from dmaverify.report.counterexample import steps_lines
    from dmaverify.report.story import tell

    replayed = replay(arena.reference, walk.trace(prop))
    message = replayed.failed.message if replayed.failed is not None else ""
    steps = steps_lines(tell(arena.reference, replayed.trace), "calls", page.WIDTH)
    return f"{prop} is violated: {message}\n\n{page.plain(steps)}"
