"""Finds what a word means: a code, an invariant, a verdict, an assumption."""

from __future__ import annotations

import textwrap
from difflib import get_close_matches
from importlib import import_module

from dmaverify.explain.invariants import Invariant, invariants
from dmaverify.explain.texts import ASSUMPTIONS, WORDS

WIDTH = 96

# modules that register codes of their own beside the table in dmaverify.lang.codes
_REGISTRARS = (
    "dmaverify.lang.check.codes",
    "dmaverify.lang.lower.codes",
    "dmaverify.evidence.codes",
    "dmaverify.patches.codes",
    "dmaverify.refinement.codes",
)


def explain(word: str) -> str | None:
    """The explanation as text, or None if nothing has that name."""
    key = word.strip()
    if key.upper() in ASSUMPTIONS:
        a = ASSUMPTIONS[key.upper()]
        return f"{key.upper()}: an assumption\n\n{_fill(a.text)}\n\nWhere it fails: {_fill(a.otherwise)}"
    if key.lower() in WORDS:
        return f"{key.lower()}: a verdict\n\n{_fill(WORDS[key.lower()])}"
    found = [i for i in invariants() if key in (i.name, i.name.replace("_", "-")) or key.upper() == i.code]
    return "\n\n".join(map(_invariant, found)) if found else _code(key)


def known() -> list[str]:
    """Everything that can be explained."""
    return [
        *codes(),
        *(i.code for i in invariants() if i.code),
        *(i.name for i in invariants()),
        *ASSUMPTIONS,
        *WORDS,
    ]


def codes() -> list[str]:
    """The codes of diagnostics."""
    return sorted(_table())


def suggestions(word: str) -> list[str]:
    """What may have been meant."""
    by_lower = {k.lower(): k for k in known()}
    return [by_lower[m] for m in get_close_matches(word.lower(), by_lower, n=3, cutoff=0.6)]


def overview() -> str:
    """One line for each thing that can be explained."""
    lines = ["Invariants:"]
    lines += [f"  {i.code or '-':8} {i.name:28} {_first_sentence(i.doc)}" for i in invariants()]
    lines += ["", "Diagnostics:"]
    lines += [f"  {number:8} {title}" for number, title in sorted(_table().items())]
    lines += ["", "Verdicts:     " + ", ".join(WORDS), "Assumptions:  " + ", ".join(ASSUMPTIONS)]
    return "\n".join(lines)


def _table() -> dict[str, str]:
    from dmaverify.lang.codes import CODES

    for module in _REGISTRARS:
        import_module(module)
    return {c.number: c.title for c in CODES.values()}


def _code(word: str) -> str | None:
    from dmaverify.lang.codes import CODES

    _table()
    code = CODES.get(word.upper())
    if code is None:
        return None
    out = [f"{code.number}: {code.title}", "", _fill(code.text)]
    for head, example in (("Wrong:", code.example), ("Right:", code.instead)):
        if example:
            out += ["", head, "", textwrap.indent(example, "    ")]
    return "\n".join(out)


def _invariant(i: Invariant) -> str:
    out = [f"{i.name}{f' [{i.code}]' if i.code else ''}: an invariant    {i.file}:{i.line}", "", _fill(i.doc)]
    if i.applies:
        out += ["", f"Applies when: {i.applies}   (otherwise the verdict is n/a)"]
    if i.asserts:
        out += ["", "What it says when it is violated:", "", *(f"    {a}" for a in dict.fromkeys(i.asserts))]
    return "\n".join(out)


def _fill(text: str) -> str:
    return "\n\n".join(textwrap.fill(p.replace("\n", " "), WIDTH) for p in text.split("\n\n"))


def _first_sentence(text: str) -> str:
    flat = " ".join(text.split())
    return textwrap.shorten(flat.split(". ")[0], 70, placeholder=" …")
