"""What the codes of a corpus of patches mean, for `dmaverify explain`."""

from __future__ import annotations

from dmaverify.lang.codes import Code, register

ENTRY = "DMA096"
LADDER = "DMA097"

register(
    Code(
        ENTRY,
        "an entry of a corpus is not complete",
        "An entry is a folder with `before.dma`, `scenario.dma` and `fix.diff`. The comment at the top of `before.dma` begins with "
        "the folder's name and one sentence, and goes on with the fields `breaks:` (words in capitals), `kind:`, `size:`, `before:` "
        "and `after:`, each ended by a full stop. The last two are lists of `PROPERTY WORD`, or `PROPERTY WORD in VARIANT`, where "
        "the word is violated, holds, vacuous, reachable or unreachable. Every other `.diff` has, before its first `---`, a line "
        "`verdict:` with a list of `PROPERTY VERDICT`: fixes, breaks, keeps, does not fix, changes nothing. A name without what "
        "stands in its parentheses means every property of that name.",
        "/// before: no_overlap broken. after: no_overlap fixed.",
        "/// before: no_overlap violated. after: no_overlap holds.",
    ),
    Code(
        LADDER,
        "a diff that stands on no other",
        "A line `on: OTHER.diff` before the first `---` of a diff says that it applies to what another diff gives. That one is "
        "looked for beside it, and may stand on another in turn; the first of them applies to the files as they are.",
        "on: half.diff       (where there is no half.diff, or where half.diff stands on this one)",
        "on: first-half.diff",
    ),
)
