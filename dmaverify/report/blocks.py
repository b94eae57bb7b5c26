"""What a step that is a whole block of statements is told as: the statements of the block that are seen from outside.

The System knows the block as one update of the state. Which of its statements wrote what is read from the text: a statement
is one that matters if it assigns to a variable that the reader watches and that the step has changed, or else emits an event
that happened. That may leave out a write behind a call; then the first statement stands for the block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dmaverify.ir.system import Action
from dmaverify.report import sources
from dmaverify.span import Span

SHORT = 40
"""A block on one line is told as it stands, up to here."""


def told_as(action: Action, watched: Iterable[str], events: Iterable[str], changed: Iterable[str]) -> tuple[str, Span]:
    """The text and place of a step. ``watched``, ``changed``: variables that it changed; ``events``: that happened in it."""
    text = action.text or sources.text_of(action.span) or action.name
    if not re.match(r"atomic\b", text) or (len(text) <= SHORT and "{" in text):
        return text, action.span
    pieces = sources.pieces_of(action.span)
    if not pieces:
        return text, action.span
    ways = [
        [*map(_assigns, watched)],
        [re.compile(rf"\bemit\s+{re.escape(e)}\b") for e in events],
        [*map(_assigns, changed)],
    ]
    hits = ([p for p in pieces if any(x.search(p[0]) for x in patterns)] for patterns in ways)
    found = next((h for h in hits if h), pieces[:1])
    return "atomic: " + "; ".join(piece for piece, _ in found), found[0][1]


def _assigns(variable: str) -> re.Pattern[str]:
    """What an assignment to a variable (or to the field of an object) looks like."""
    name = re.escape(variable.rpartition(".")[2].partition("'")[0])
    return re.compile(rf"\b{name}\b[^=;{{}}!<>]*?(<<|>>|[-+*&|^])?=(?!=)")
