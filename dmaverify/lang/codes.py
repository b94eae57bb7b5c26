"""What the codes of the front of the compiler mean: `dmaverify explain DMA021` prints an entry of this table.

A new code is one more `Code(…)` in a table of this module, or a call of `register` by the module that reports it.  Numbers are
never given a second meaning.  DMA001 to DMA029: the text and its types; DMA030 to DMA049: modules, versions and variants;
from DMA100 on the codes belong to properties and are explained where a monitor declares them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One code: what is wrong in a few words, why, and what it looks like."""

    number: str
    title: str
    text: str
    example: str = ""
    """A piece of a `.dma` text that is wrong in this way."""
    instead: str = ""
    """The same piece as it should be."""


CODES: dict[str, Code] = {}


def register(*codes: Code) -> None:
    """Adds entries to the table; a number that is taken is an error of the program."""
    for code in codes:
        if code.number in CODES:
            raise ValueError(f"{code.number} is explained twice")
        CODES[code.number] = code


def explain(number: str) -> str | None:
    """The explanation as text, or None for an unknown code."""
    code = CODES.get(number.upper())
    if code is None:
        return None
    out = [f"{code.number}: {code.title}", "", code.text]
    if code.example:
        out += ["", "Wrong:", "", *("    " + line for line in code.example.splitlines())]
    if code.instead:
        out += ["", "Right:", "", *("    " + line for line in code.instead.splitlines())]
    return "\n".join(out)


register(
    Code(
        "DMA001",
        "this cannot stand here",
        "The text does not follow the grammar at the place that is underlined. The message says what was found and what "
        "would have fitted. A statement ends at the end of its line or at `;`; a line goes on if it ends with an operator, "
        "a comma or an open bracket, or if the next one starts with an operator, `else`, `when`, `where` or a closing "
        "bracket. After a mistake reading goes on at the next declaration, so one run reports several.",
        "proc f() {\n    let = 3\n}",
        "proc f() {\n    let x = 3\n}",
    ),
    Code(
        "DMA002",
        "not a sign or word of the language",
        "A character, a number or a text that the language does not know: a stray sign, a number with letters in it, a "
        "text without its closing quote, a brace in a message that does not enclose an expression.",
        "const N : u32 = 12abc",
        "const N : u32 = 12",
    ),
    Code(
        "DMA003",
        "not a text",
        "The file holds bytes that are no UTF-8 text, or a NUL. A .dma file is plain text.",
    ),
    Code(
        "DMA004",
        "the file is too large",
        "A .dma file may have at most 1 MiB. Models are short; a longer one was probably generated, or is no model.",
    ),
    Code(
        "DMA005",
        "nested too deeply",
        "Brackets may be nested 100 deep, and one expression may have at most 200 operators in a row. Give the inner part a "
        "name (a func, a let).",
    ),
    Code(
        "DMA006",
        "brackets do not match",
        "An opening bracket is never closed, or a closing one fits nothing. The message points at both ends.",
        "proc f() {\n    g(1, 2]\n}",
        "proc f() {\n    g(1, 2)\n}",
    ),
    Code(
        "DMA007",
        "neither a module nor a scenario",
        "A .dma file starts with a `module NAME` or a `scenario NAME` line (documentation and comments may stand above it). "
        "An empty file has none.",
        "proc f() {}",
        "module linux.example\n\nproc f() {}",
    ),
    Code("DMA008", "the file cannot be read", "There is no such file, or it may not be read, or it is a folder."),
    Code(
        "DMA009",
        "a word or text is too long",
        "A name or number may have 200 characters, a text in quotes 2,000.",
    ),
    Code(
        "DMA011",
        "write brackets to say which belongs together",
        "Comparisons do not chain, and a range is not part of another: `a < b < c` compares a truth value with c in C, and "
        "is read as a < b and b < c by people. Say what is meant.",
        "assert 0 <= p <= q",
        "assert 0 <= p and p <= q",
    ),
    Code(
        "DMA013",
        "this is written like something else",
        "The words are in a legal order and do not make a statement or declaration of this kind: an assignment to a value "
        "that has no place, a statement that computes and does nothing, an `emit` of something that is not an event, a body "
        "where none may be, a clause given twice.",
        "f(x) = 3",
        "y = f(x)",
    ),
    Code(
        "DMA014",
        "not in this kind of file",
        "Boards, devices, sequences, clients, checks and variants belong to a scenario; a module holds what scenarios share. "
        "A `module` line in the middle of a file starts nothing.",
    ),
)
