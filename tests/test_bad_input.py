"""Bad input: each kind gives one clear error with code and place, and only `DmaError` ever comes out."""

from __future__ import annotations

import random
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dmaverify.lang import ast
from dmaverify.lang.codes import CODES, explain
from dmaverify.lang.diag import LIMIT, Diagnostic, Diagnostics, DmaError, Source, remember, render
from dmaverify.lang.limits import MAX_FILE_BYTES, MAX_NESTING, MAX_OPERATORS, MAX_STRING, MAX_TOKENS, MAX_WORD
from dmaverify.lang.parse import decode, parse_file, parse_source, parse_text
from dmaverify.span import Span

DATA = Path(__file__).parent / "data" / "lang"


def parse_bytes(data: bytes, name: str) -> ast.Module | ast.Scenario:
    """The tree of a file's contents."""
    return parse_source(decode(data, name))


def errors(text: str | bytes) -> list[Diagnostic]:
    """What is said about a text that is wrong."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    with pytest.raises(DmaError) as caught:
        parse_bytes(data, "t.dma")
    assert caught.value.diagnostics
    return caught.value.diagnostics


BAD: list[tuple[str, str, int, int, str]] = [
    # text, code, line, column, a piece of the message or the fix
    ("", "DMA007", 1, 1, "empty"),
    ("// nothing\n\n", "DMA007", 1, 1, "empty"),
    ("proc f() {}\n", "DMA007", 1, 1, "does not start with"),
    ("module m\nprco f() {}\n", "DMA001", 2, 1, "Did you mean  proc"),
    ("module m\nproc f() { retrun x }\n", "DMA001", 2, 19, "Did you mean  return"),
    ("module m\nproc f() { let = 3 }\n", "DMA001", 2, 16, "expected a name"),
    ("module m\nproc f() { if x = 3 {} }\n", "DMA001", 2, 17, "=="),
    ("module m\nproc f() { if a && b {} }\n", "DMA001", 2, 18, "and"),
    ("module m\nproc f() { if !a {} }\n", "DMA001", 2, 15, "not"),
    ("module m\nproc f() { i++ }\n", "DMA001", 2, 13, "+= 1"),
    ("module m\nproc f() { p->x = 1 }\n", "DMA001", 2, 13, "."),
    ("module m\n/* a comment */\n", "DMA001", 2, 1, "//"),
    ("module m\nproc f() {\n    x =\n}\n", "DMA001", 4, 1, "an expression"),
    ("module m\nfunc f() = a +\n", "DMA001", 2, 15, "the end of the file"),
    ("module m\nconst N u32 = 3\n", "DMA001", 2, 9, "`u32`"),
    ("module m\nscenario s\n", "DMA014", 2, 1, "once"),
    ("module m\nconst A : u32 = 'x\n", "DMA002", 2, 17, "'"),
    ("module m\nconst A : u32 = 12abc\n", "DMA002", 2, 17, "12abc"),
    ("module m\nconst A : u64 = 0x1_0000_0000_0000_0000\n", "DMA002", 2, 17, "64 bits"),
    ('module m\nproc f() { assert a, "open }" }\n', "DMA002", 2, 28, "}}"),
    ('module m\nproc f() { assert a, "open\n}\n', "DMA002", 2, 27, "not closed"),
    ('module m\nproc f() { assert a, "x {y" }\n', "DMA002", 2, 27, "`{`"),
    ('module m\nproc f() { assert a, "x { no y }" }\n', "DMA001", 2, 30, "{{"),
    ("module m\nproc f() {\n", "DMA006", 2, 10, "never closed"),
    ("module m\nproc f() {}\n}\n", "DMA006", 3, 1, "closes nothing"),
    ("module m\nproc f() { g(1, 2] }\n", "DMA006", 2, 18, "does not fit"),
    ("module m\nfunc f() = a < b < c\n", "DMA011", 2, 18, "in a row"),
    ("module m\nfunc f() = a == b != c\n", "DMA011", 2, 19, "in a row"),
    ("module m\nfunc f() = a .. b .. c\n", "DMA011", 2, 19, "range"),
    ("module m\nproc f() { g(x) = 3 }\n", "DMA013", 2, 12, "assigned"),
    ("module m\nproc f() { wmb }\n", "DMA013", 2, 12, "wmb()"),
    ("module m\nproc f() { a, b, c = 1, 2 }\n", "DMA013", 2, 12, "3 names and 2 values"),
    ("module m\nproc f() { emit a[1](2) }\n", "DMA013", 2, 17, "event"),
    ("module m\nproc f() { while a at most 1 at most 2 {} }\n", "DMA013", 2, 30, "twice"),
    ("module m\nproc f() { choose { a = 1 } }\n", "DMA013", 2, 12, "one way"),
    ("module m\nopen func f() = 3\n", "DMA013", 2, 11, "has a body"),
    ("module m\nopen type t : u32\n", "DMA013", 2, 1, "open"),
    ("module m\nfunc f() requires x = 3\n", "DMA013", 2, 10, "func"),
    ("module m\nbits b : u8 { A 1..3 }\n", "DMA013", 2, 15, "high..low"),
    ("module m\nflags F { a(u32) }\n", "DMA013", 2, 11, "carries nothing"),
    ("module m\nfunc f() = sum x in S\n", "DMA013", 2, 12, "value"),
    ("module m\nfunc f() = (first x, y in S)\n", "DMA013", 2, 22, "one name"),
    ("module m\nregion r { at 3 }\n", "DMA014", 2, 1, "scenario"),
    ("module m\nremove lemma l\n", "DMA014", 2, 1, "amends"),
    ("scenario s\nvariant v { variant w { } }\n", "DMA014", 2, 13, "from"),
    ("scenario s\nsequence q on cpu0 while x { }\n", "DMA013", 2, 20, "client"),
    ("scenario s\nparam p\n", "DMA013", 2, 1, "type"),
    ("scenario s\nexpect all violated\n", "DMA013", 2, 8, "hold"),
    ("scenario s\nexpect a voilated\n", "DMA001", 2, 10, "violated"),
    ("scenario s\nexpect cover x holds\n", "DMA013", 2, 8, "reachable"),
    ("scenario s\nexpect a violated as kernel\n", "DMA013", 2, 22, "tradeoff"),
    ("scenario s\nhardware { 4K }\n", "DMA001", 2, 12, "name"),
    ("scenario s\nvariant v for a but b {}\n", "DMA013", 2, 11, "for all"),
    ('scenario s "a {b}"\n', "DMA013", 1, 16, "title"),
]


@pytest.mark.parametrize(("text", "code", "line", "column", "piece"), BAD, ids=range(len(BAD)))
def test_one_clear_error(text: str, code: str, line: int, column: int, piece: str) -> None:
    found = errors(text)
    assert [(d.code, d.span.line, d.span.column) for d in found] == [(code, line, column)], render(found)
    (only,) = found
    assert piece in f"{only.message} {only.fix}"
    shown = only.render()
    assert shown.startswith(f"error[{code}]: ")
    assert f"t.dma:{line}:{column}" in shown


def test_binary_files() -> None:
    assert [d.code for d in errors(b"\x7fELF\x02\x01\x01\0\0\0")] == ["DMA003"]
    assert [d.code for d in errors(b"module m\n\xff\xfe\n")] == ["DMA003"]
    assert [d.code for d in errors("module m\nconst \ud800 : u32 = 1\n")] == ["DMA003"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.dma", tmp_path, tmp_path / "a\0b.dma", tmp_path / ("x" * 5000)):
        with pytest.raises(DmaError) as caught:
            parse_file(path)
        assert [d.code for d in caught.value.diagnostics] == ["DMA008"]


def test_too_large(tmp_path: Path) -> None:
    path = tmp_path / "braces.dma"
    path.write_text("{" * 10_000_000)
    with pytest.raises(DmaError) as caught:
        parse_file(path)
    (only,) = caught.value.diagnostics
    assert only.code == "DMA004"
    assert "10,000,000" in only.message
    assert [d.code for d in errors(b"{" * (MAX_FILE_BYTES + 1))] == ["DMA004"]
    assert [d.code for d in errors("module m\n" + "a " * (MAX_TOKENS + 1))] == ["DMA004"]


@pytest.mark.parametrize("bracket", ["{", "(", "["])
def test_nested_brackets(bracket: str) -> None:
    (only,) = errors("module m\nfunc f() = " + bracket * (MAX_FILE_BYTES - 100))
    assert (only.code, only.span.line) == ("DMA005", 2)
    # `f()` is closed before, so the first bracket too many is number MAX_NESTING behind the `=`.
    assert only.span.column == len("func f() = ") + MAX_NESTING + 1


DEEP: dict[str, str] = {
    "not": "module m\nfunc f() = " + "not " * 20_000 + "x\n",
    "minus": "module m\nfunc f() = " + "- " * 20_000 + "x\n",
    "elseif": "module m\nproc f() {\n" + "if a {} else " * 20_000 + "{}\n}\n",
    "quantifiers": "module m\nfunc f() = " + "all x in S: " * 20_000 + "x\n",
    "fields": "module m\nfunc f() = x" + ".y" * 20_000 + "\n",
    "bangs": "module m\nfunc f() = x" + "!" * 20_000 + "\n",
    "nulls": "module m\nvar x : T" + " ?" * 20_000 + "\n",
    "sets": "module m\nvar x : " + "set of " * 20_000 + "T\n",
    "labels": "module m\nproc f() {\n" + "a: " * 20_000 + "\n}\n",
    "arrows": "module m\nfunc f() = a" + " => a" * 5_000 + "\n",
    "sums": "module m\nfunc f() = a" + " + a" * (MAX_OPERATORS + 1) + "\n",
    "sums in brackets": "module m\nfunc f() = " + "(" * 50 + "a" + (" + a" * 100 + ")") * 50 + "\n",
    "lets": "module m\nfunc f() = " + "let a = 1; " * 5_000 + "a\n",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_depth_without_brackets(text: str) -> None:
    assert {d.code for d in errors(text)} == {"DMA005"}


def test_what_is_just_within_the_limits_is_no_error() -> None:
    parse_text("module m\nfunc f() = a" + " + a" * MAX_OPERATORS + "\n")
    parse_text("module m\nfunc f() = " + "(" * MAX_NESTING + "a" + ")" * MAX_NESTING + "\n")
    parse_text("module m\nconst " + "a" * MAX_WORD + " : u32 = 1\n")
    parse_text(f'module m\nproc f() {{ assert a, "{"x" * MAX_STRING}" }}\n')
    parse_text("module m\nproc f() {\n" + "    if a { b = 1 } else if c { b = 2 }\n" * 5000 + "}\n")


def test_long_words_and_texts() -> None:
    assert [d.code for d in errors("module m\nconst " + "a" * (MAX_WORD + 1) + " : u32 = 1\n")] == ["DMA009"]
    assert [d.code for d in errors(f'module m\nproc f() {{ assert a, "{"x" * (MAX_STRING + 1)}" }}\n')] == [
        "DMA009"
    ]
    assert [d.code for d in errors("module m\nconst A : u32 = 1" + "0" * MAX_WORD + "\n")] == ["DMA009"]


def test_many_errors_are_cut_off() -> None:
    found = errors("module m\n" + "proc f( = 3\n)\n" * 2000)
    assert len(found) <= 41
    found = errors("module m\n" + "const a ' b\n" * 2000)
    assert len(found) == 40


# ---- how errors look


def test_the_text_of_an_error() -> None:
    text = "module m\nproc f(dev: Device) -> Buffer {\n    return Buffer { cpu, dma: page.start, size }\n}\n"
    remember(Source("models/x.dma", text))
    remember(Source("spec/y.dma", "// one\n\nrecord Buffer { cpu: virt, dma: dma_addr }\n"))
    d = Diagnostic(
        "DMA021",
        "a CPU physical address where a bus address is wanted",
        Span("models/x.dma", 3, 31, 3, 41),
        notes=[
            (Span("spec/y.dma", 3, 28, 3, 31), "dma_addr: what the device puts on its bus"),
            (None, "A device may see memory somewhere else than the CPU does."),
        ],
        fix="Write  bus_of(dev, page.start) .",
        label="phys",
    )
    assert d.render() == (
        "error[DMA021]: a CPU physical address where a bus address is wanted\n"
        "  models/x.dma:3:31\n"
        "      |\n"
        "    3 |     return Buffer { cpu, dma: page.start, size }\n"
        "      |                               ^^^^^^^^^^ phys\n"
        "      |\n"
        "  spec/y.dma:3:  record Buffer { cpu: virt, dma: dma_addr }\n"
        "      |                                     --- dma_addr: what the device puts on its bus\n"
        "  A device may see memory somewhere else than the CPU does.\n"
        "  Write  bus_of(dev, page.start) ."
    )
    plain = d.to_json()
    assert (plain["code"], plain["file"], plain["line"], plain["column"]) == ("DMA021", "models/x.dma", 3, 31)
    assert plain["notes"] == [
        {
            "message": "dma_addr: what the device puts on its bus",
            "file": "spec/y.dma",
            "line": 3,
            "column": 28,
            "end_line": 3,
            "end_column": 31,
        },
        {"message": "A device may see memory somewhere else than the CPU does."},
    ]


def test_a_long_line_is_shown_in_part() -> None:
    (only,) = errors("module m\nconst A : u32 = " + "1 + " * 100 + "'\n")
    lines = only.render().split("\n")
    assert max(map(len, lines)) < 200
    mark = lines[4].index("^")
    assert lines[3][mark] == "'"


def test_a_collector_sorts_and_says_everything_once() -> None:
    diags = Diagnostics()
    here, above = Span("a", 3, 1, 3, 2), Span("a", 1, 1, 1, 2)
    diags.error("DMA001", "x", here)
    diags.error("DMA001", "x", here)
    diags.warning("DMA039", "y", above)
    assert [d.severity for d in diags.all] == ["warning", "error"]
    with pytest.raises(DmaError) as caught:
        diags.raise_errors()
    assert len(caught.value.diagnostics) == 2
    many = [Diagnostic("DMA001", str(i), here) for i in range(LIMIT + 5)]
    assert render(many).endswith("… and 5 more")


def test_codes_are_explained() -> None:
    assert explain("DMA001") is not None
    assert explain("dma006") is not None
    assert explain("DMA999") is None
    for code in CODES.values():
        assert re.fullmatch(r"DMA\d\d\d", code.number)
        assert code.title
        assert code.text.endswith(".")


# ---- mutations


PIECES = (
    "{", "}", "(", ")", "[", "]", ",", ";", ":", "=", "->", "=>", "..", "?", "!", "\n", " ", '"', "in",
    "where", "else", "module", "proc", "if", "all", "any", "new", "4K", "-", "|", "\0", "é", "///", "at most",
    "not", "match", "let", "for",
)  # fmt: skip


def mutate(text: str, rng: random.Random) -> str:
    """The text with some pieces taken out, doubled, exchanged or put in."""
    parts = re.findall(r"\w+|\s+|[^\w\s]", text)
    for _ in range(rng.randint(1, 6)):
        i = rng.randrange(len(parts))
        match rng.randrange(5):
            case 0:
                del parts[i]
            case 1:
                parts.insert(i, rng.choice(PIECES))
            case 2:
                parts[i] = rng.choice(parts)
            case 3:
                j = rng.randrange(len(parts))
                parts[i], parts[j] = parts[j], parts[i]
            case _:
                parts[i : i + rng.randint(1, 30)] = []
        parts = parts or [" "]
    return "".join(parts)


def garble(data: bytes, rng: random.Random) -> bytes:
    """The bytes with some changed, cut or put in."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        i = rng.randrange(len(out) + 1)
        match rng.randrange(3):
            case 0:
                out[i : i + 1] = bytes([rng.randrange(256)])
            case 1:
                out[i:i] = bytes([rng.randrange(32, 127)])
            case _:
                del out[i : i + rng.randint(1, 40)]
    return bytes(out)


def chunks() -> list[str]:
    """The samples in pieces of a few lines, each a file of its own: small, so that very many can be tried."""
    out: list[str] = []
    for path in sorted(DATA.glob("*.dma")):
        lines = path.read_text().split("\n")
        header = next(line for line in lines if line.startswith(("module", "scenario")))
        starts = [i for i, line in enumerate(lines) if re.match(r"[a-z]", line)]
        for a, b in zip(starts, [*starts[3:], len(lines), len(lines), len(lines)], strict=False):
            text = "\n".join(lines[a:b])
            out.append(text if text.startswith(("module", "scenario")) else f"{header}\n{text}\n")
    return out


@contextmanager
def cap(seconds: int) -> Iterator[None]:
    """Ends what does not come to an end by itself."""

    def late(*_: object) -> None:
        raise TimeoutError(f"no answer after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attempt(text: bytes) -> bool:
    """Whether it parses; anything but DmaError is a defect, and so is an error that cannot be shown."""
    failure: DmaError | None = None
    try:
        with cap(10):
            parse_bytes(text, "mutant.dma")
    except DmaError as e:
        failure = e
    if failure is None:
        return True
    assert failure.diagnostics
    assert all(d.code in CODES for d in failure.diagnostics)
    assert str(failure)
    assert [d.to_json() for d in failure.diagnostics]
    return False


@pytest.mark.campaign
def test_mutants_give_a_tree_or_errors(rounds: Callable[[int, int], int]) -> None:
    rng = random.Random(20240607)
    seeds = chunks()
    parsed = 0
    count = rounds(20_000, 200_000)
    for i in range(count):
        text = rng.choice(seeds)
        mutant = mutate(text, rng).encode("utf-8", "surrogatepass") if i % 2 else garble(text.encode(), rng)
        parsed += attempt(mutant)
    # Mutants that are all wrong (or all right) would test only half of it.
    assert count * 0.02 < parsed < count * 0.9


def test_whole_samples_cut_anywhere() -> None:
    for path in sorted(DATA.glob("*.dma")):
        data = path.read_bytes()
        for end in range(0, len(data), 97):
            attempt(data[:end])
