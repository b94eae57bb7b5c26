"""What verdicts are worth beside each other: vacuity, and limits of the model that were too small."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from dmaverify.checking.frontend import BOUND
from dmaverify.results import ProbeResult, PropertyResult
from dmaverify.verdict import Outcome, Word

_SHOWN = (Word.PROVED, Word.EXHAUSTED, Word.BOUNDED, Word.SAMPLED)
"""What vacuity takes the worth of."""


def assess(
    results: Sequence[tuple[PropertyResult, Outcome]], probes: Sequence[ProbeResult] = (), named: Container[str] = ()
) -> None:
    """Correct the words of the results in the light of all of them, and of the probes.

    ``named``: what the scenario asks for by name.
    """
    for r, outcome in results:
        if r.kind != "lemma" or r.name in named:  # other lemmas come with the models, whatever the board has
            _vacuity(r, outcome)
    if _nothing_succeeds(probes):
        for r, _ in results:
            if r.kind in ("monitor", "scenario") and r.word in _SHOWN:
                r.word, r.reason = Word.VACUOUS, "nothing that the scenario tries ever succeeds"
    bound = next((r for r, _ in results if r.name == BOUND and r.kind == "builtin"), None)
    if bound is not None and bound.word is Word.VIOLATED:
        why = bound.story.failure.message if bound.story and bound.story.failure else "a limit is too small"
        for r, _ in results:
            if r.kind != "cover" and (r.word.holds or r.word is Word.VACUOUS):
                r.word, r.reason = Word.UNKNOWN, f"bound: {why}"
        # running out says something about the model, nothing about the kernel: it is no violation of anything
        bound.word, bound.reason = Word.UNKNOWN, f"bound: {why}"


def _nothing_succeeds(probes: Sequence[ProbeResult]) -> bool:
    """Whether no sequence ends and no operation of a client succeeds, in a scenario that has any."""
    tried = [p.reached for p in probes if p.kind in ("end", "operation")]
    return bool(tried) and all(answer is False for answer in tried)


def _vacuity(r: PropertyResult, o: Outcome) -> None:
    """Whether the property was put to the test: an assert was if any instance of it was."""
    if r.word is Word.NOT_APPLICABLE or r.kind not in ("monitor", "scenario", "lemma"):
        return
    by_assert: dict[object, list[str]] = {}
    for label in o.exercised:
        if r.kind == "monitor" and "@" in label.removeprefix(f"{r.name}."):
            continue  # what a monitor's own text must not do, such as leaving a range: nobody asks about that
        by_assert.setdefault(o.spans.get(label, label), []).append(label)
    asked = {place: _any(o.exercised[x] for x in labels) for place, labels in by_assert.items()}
    never = [labels[0] for place, labels in by_assert.items() if asked[place] is False]
    r.untested = [(label, o.where(label)) for label in never]
    if r.kind != "monitor" or r.word in (Word.VIOLATED, Word.UNKNOWN) or any(asked.values()):
        return
    if None in asked.values():
        r.exercised_shown = False
    else:
        r.word = Word.VACUOUS


def _any(answers: Iterable[bool | None]) -> bool | None:
    """True if one is, else None if one is, else False."""
    seen = set(answers)
    return True if True in seen else None if None in seen else False
