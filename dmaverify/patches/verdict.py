"""The verdict of a patch on a property, from the verdicts before and after. *Holds* is proved or exhausted, nothing less."""

from __future__ import annotations

from dmaverify.patches.results import BREAKS, DOES_NOT_FIX, FIXES, KEEPS, NOTHING, UNCLEAR, PropertyChange
from dmaverify.results import INCONCLUSIVE, OK, UNEXPECTED, VACUOUS, PropertyResult
from dmaverify.verdict import Word

_STANDING = {Word.VIOLATED: "violated", Word.BOUNDED: "bounded", Word.VACUOUS: "vacuous", Word.NOT_APPLICABLE: "n/a"}


def judge(name: str, before: PropertyResult | None, after: PropertyResult | None, equal: bool = False) -> PropertyChange:
    """The verdict on one property; ``equal``: both sides do the same, addresses included.

    The status is that of the verdict after the patch (what the scenario expects considered), with two exceptions: what a patch
    breaks is a failure whatever is expected, and what it fixes is none.
    """
    if before is None or after is None:
        side = "before" if before else "after"
        status = after.status if after is not None else OK
        return PropertyChange(name, before, after, UNCLEAR, f"only checked {side} it", None, status)
    b, a = _standing(before), _standing(after)
    depth = min((r.depth or 0 for r, s in ((before, b), (after, a)) if s == "bounded"), default=None)
    status = after.status
    match b, a:
        case _ if "unknown" in (b, a):
            side, r = ("before", before) if b == "unknown" else ("after", after)
            why = r.reason or "not decided"
            return PropertyChange(name, before, after, UNCLEAR, f"{side} it: {why}", None, status or INCONCLUSIVE)
        case "violated", "violated":
            verdict, depth = DOES_NOT_FIX, None
        case _, "violated":
            verdict, depth, status = BREAKS, None, UNEXPECTED
        case "violated", "holds" | "bounded":
            verdict = FIXES
            status = OK if a == "holds" else status
        case ("violated" | "holds" | "bounded", "vacuous") | ("violated" | "holds" | "bounded", "n/a"):
            why = "after it, it is never put to the test" if a == "vacuous" else "after it, it does not apply"
            return PropertyChange(name, before, after, UNCLEAR, why, None, status or VACUOUS)
        case _:
            verdict = KEEPS
    if equal and b == a:
        verdict = NOTHING
    return PropertyChange(name, before, after, verdict, "", depth, status)


def _standing(r: PropertyResult) -> str:
    """``holds``, ``violated``, ``bounded``, ``vacuous``, ``n/a`` or ``unknown``; a cover holds if it is as it should be."""
    if r.kind == "cover":
        if r.reached is None:
            return "unknown"
        wanted = r.expected is None or r.expected.word in ("reachable", "reached")
        return "holds" if r.reached == wanted else "violated"
    if r.word.holds:
        return "holds"
    return _STANDING.get(r.word, "unknown")
