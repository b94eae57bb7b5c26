"""What the codes of the front of the compiler mean: `dmaverify explain DMA021` prints an entry of this table.

A new code is one more `Code(…)` in a table of this module, or a call of `register` by the module that reports
it.  Numbers are never given a second meaning.  DMA001 to DMA029: the text and its types; DMA030 to DMA049:
modules, versions and variants; from DMA100 on the codes belong to properties and are explained where a
monitor declares them.
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
        "The text does not follow the grammar at the place that is underlined. The message says what "
        "was found and what would have fitted. A statement ends at the end of its line or at `;`; a "
        "line goes on if it ends with an operator, a comma or an open bracket, or if the next one "
        "starts with an operator, `else`, `when`, `where` or a closing bracket. After a mistake "
        "reading goes on at the next declaration, so one run reports several.",
        "proc f() {\n    let = 3\n}",
        "proc f() {\n    let x = 3\n}",
    ),
    Code(
        "DMA002",
        "not a sign or word of the language",
        "A character, a number or a text that the language does not know: a stray sign, a number with "
        "letters in it, a text without its closing quote, a brace in a message that does not enclose "
        "an expression.",
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
        "A .dma file may have at most 1 MiB. Models are short; a longer one was probably generated, "
        "or is no model.",
    ),
    Code(
        "DMA005",
        "nested too deeply",
        "Brackets may be nested 100 deep, and one expression may have at most 200 operators in a row. "
        "Give the inner part a name (a func, a let).",
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
        "A .dma file starts with a `module NAME` or a `scenario NAME` line (documentation and "
        "comments may stand above it). An empty file has none.",
        "proc f() {}",
        "module linux.example\n\nproc f() {}",
    ),
    Code(
        "DMA008",
        "the file cannot be read",
        "There is no such file, or it may not be read, or it is a folder.",
    ),
    Code(
        "DMA009",
        "a word or text is too long",
        "A name or number may have 200 characters, a text in quotes 2,000.",
    ),
    Code(
        "DMA011",
        "write brackets to say which belongs together",
        "Comparisons do not chain, and a range is not part of another: `a < b < c` compares a truth "
        "value with c in C, and is read as a < b and b < c by people. Say what is meant.",
        "assert 0 <= p <= q",
        "assert 0 <= p and p <= q",
    ),
    Code(
        "DMA013",
        "this is written like something else",
        "The words are in a legal order and do not make a statement or declaration of this kind: an "
        "assignment to a value that has no place, a statement that computes and does nothing, an "
        "`emit` of something that is not an event, a body where none may be, a clause given twice.",
        "f(x) = 3",
        "y = f(x)",
    ),
    Code(
        "DMA014",
        "not in this kind of file",
        "Boards, devices, sequences, clients, checks and variants belong to a scenario; a module "
        "holds what scenarios share. A `module` line in the middle of a file starts nothing.",
    ),
)

register(
    Code(
        "DMA030",
        "no such module",
        "A module's name says where its file is: `linux.v6_12.arm64` is models/linux/v6.12/arm64.dma "
        "(`_` stands for `.` and `-` in names of files and folders), `spec.api` is spec/api.dma. It "
        "is looked for in the project that the scenario lies in and then in what comes with the tool.",
        "use linux.v6.12.arm64",
        "use linux.v6_12.arm64",
    ),
    Code(
        "DMA031",
        "modules in a circle",
        "Modules that import, use or amend each other may not come back to where they started. What "
        "two of them need belongs into a third one.",
    ),
    Code(
        "DMA032",
        "the module line and the place of the file differ",
        "The name behind `module` must be the one that the file's place gives. A copied file that "
        "kept its first line is the usual reason.",
    ),
    Code(
        "DMA033",
        "two modules for one place",
        "`use M` puts M in the place of the module that it amends, and only one can be there. Of two "
        "modules that amend the same one, either only one is used, or one of them amends the other. A "
        "variant's `use` takes the place of the scenario's; a scenario's goes before what the modules "
        "that it uses use in turn.",
        "use linux.v4_9.arm64, linux.v6_12.arm64",
        "use linux.v6_12.arm64",
    ),
    Code(
        "DMA034",
        "declared twice",
        "A name is declared once in a module and once in a scenario or in each of its variants.",
    ),
    Code(
        "DMA035",
        "nothing there to replace or remove",
        "`replace` and `remove` name a declaration of what is amended. If it is not there, the "
        "amendment would change nothing; a name was misspelt, or the base has changed.",
        "replace proc arch_sync_dma_for_devcie(at, size, dir) {}",
        "replace proc arch_sync_dma_for_device(at, size, dir) {}",
    ),
    Code(
        "DMA036",
        "there is one already",
        "What amends may give what the base left `open` and may add what the base does not have. To "
        "put another declaration in the place of one that is there, say `replace`.",
        "module linux.v9.drivers.x amends linux.drivers.x\n\nproc f(a) {}",
        "module linux.v9.drivers.x amends linux.drivers.x\n\nreplace proc f(a) {}",
    ),
    Code(
        "DMA037",
        "does not fit what it amends",
        "A declaration that gives or replaces another is of the same kind and has the same "
        "parameters, by name; their types and the result are inherited and may be left off.",
        "replace proc claim(p, order) { … }",
        "replace proc claim(pool, order) { … }",
    ),
    Code(
        "DMA038",
        "open, and nobody gives it",
        "A core leaves `open` what each version must say. Something that this scenario reaches needs "
        "it, and no module in use gives it: a `use` is missing, or the version is not complete.",
    ),
    Code(
        "DMA039",
        "changes nothing",
        "The amendment says what was there before. It is a warning: the declaration can be left out, "
        "or it was meant to differ.",
    ),
    Code(
        "DMA040",
        "no such variant",
        "`from` and `for` name variants of the same scenario: `for` those above it that are not made "
        "`for` others themselves, and `base` is the scenario as it stands.",
    ),
    Code(
        "DMA041",
        "no such step",
        "`replace step OWNER.LABEL` and `drop OWNER.LABEL` name a sequence, client or proc, and in it "
        "a label, or else a proc that it calls exactly once.",
        "replace step driver.for_cup {}",
        "replace step driver.for_cpu {}",
    ),
    Code(
        "DMA042",
        "no such option",
        "`option NAME VALUE` in a scenario sets an option that one of its modules declares. Where "
        "several declare one of that name, the module's name stands in front: `option "
        "linux.drivers.iommu.dma_iommu.strict off`.",
    ),
    Code(
        "DMA043",
        "a scenario is no module",
        "Only modules can be imported or used. Put what two scenarios share into a module.",
    ),
    Code(
        "DMA044",
        "no such thread",
        "`after`, `before` and `start` name sequences and clients of the scenario, or `boot`, which "
        "runs the initcalls.",
    ),
    Code(
        "DMA045",
        "one step, or several",
        "What takes the place of an `atomic proc` says whether it is one step for everybody as well (`replace "
        "atomic proc`) or whether others may come in between (`replace not atomic proc`). Leaving the word "
        "off would change what runs are possible, and nobody would see it.",
        "replace proc set_pte(d, t, s, e) { … }",
        "replace atomic proc set_pte(d, t, s, e) { … }",
    ),
)
