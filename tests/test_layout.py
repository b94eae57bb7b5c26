
"""Where memory lies, how large types are, and what constants are worth."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dmaverify.ir import types as ir
from dmaverify.lang import sem
from dmaverify.lang.consteval import NotConstant
from dmaverify.lang.layout import Block, Layout
from dmaverify.lang.symbols import ConstSym
from tests.support.checked import BASE, examine_text

BOARD = """\
scenario s
{top}
hardware {{ line {line} }}
region high {{ at 0x9000_0000  size 4K {high} }}
region low  {{ at 0x8000_0000  size 8K {low} }}
device eth {{ {eth} }}
{body}
sequence driver on cpu0 {{ {steps} }}
"""
WITH_LINES = (
    BASE
    + "\noption line : i64 bytes = 64\nindex Line of memory by option.line\nproc load(at: phys, n: i64 bytes) { shared = u32(n) }\n"
)


def layout(
    folder: Path,
    *,
    line: str = "64",
    top: str = "",
    high: str = "",
    low: str = "",
    eth: str = "",
    body: str = "",
    steps: str = "touch(1)",
) -> Layout:
    """The layout of a board."""
    text = BOARD.format(line=line, top=top, high=high, low=low, eth=eth, body=body, steps=steps)
    checked = examine_text(folder, text, WITH_LINES)
    assert not checked.errors, checked.errors
    return checked.layout


def index(where: Layout, name: str) -> sem.IndexT:
    """The index type of that name."""
    (found,) = [t.ty for t in where.checked.types if t.name == name]
    assert isinstance(found, sem.IndexT)
    return found


def pieces(where: Layout, name: str) -> list[tuple[int, int]]:
    """Start and size of each block."""
    return [(b.start, b.size) for b in where.blocks(index(where, name))]


PAGES = [(0x8000_0000, 4096), (0x8000_1000, 4096), (0x9000_0000, 4096)]


def test_pages(tmp_path: Path) -> None:
    """Pages are numbered by address, whatever the order of the regions; each knows its region by the text's order."""
    where = layout(tmp_path)
    assert pieces(where, "Page") == PAGES
    assert [b.region for b in where.blocks(index(where, "Page"))] == [1, 1, 0]
    assert where.size(where.checked.scopes.region) == 2
    assert where.names(index(where, "Page")) == ("low+0x0", "low+0x1000", "high+0x0")


def test_one_cell_a_page(tmp_path: Path) -> None:
    """Where nothing is told apart a page is one cell, and one line stands for all its lines."""
    where = layout(tmp_path)
    assert pieces(where, "Cell") == PAGES
    assert pieces(where, "Line") == PAGES


def test_literal_cuts_every_page(tmp_path: Path) -> None:
    """A number of bytes in the scenario cuts each page, and where the cut falls into a line, the line's edges do as well."""
    where = layout(tmp_path, steps="load(0x8000_0000, 100)")
    edges = [0, 64, 100, 128, 4096]
    cells = [(base + a, b - a) for base, _ in PAGES for a, b in pairwise(edges)]
    assert pieces(where, "Cell") == cells
    lines = [(base + a, b - a) for base, _ in PAGES for a, b in ((0, 64), (64, 128), (128, 4096))]
    assert pieces(where, "Line") == lines


def test_large_lines(tmp_path: Path) -> None:
    """Lines as large as pages stay whole."""
    where = layout(tmp_path, line="4K", steps="load(0x8000_0000, 100)")
    assert pieces(where, "Line") == PAGES
    assert pieces(where, "Cell") == [(base + a, n) for base, _ in PAGES for a, n in ((0, 100), (100, 3996))]


def test_whole_pages_cut_nothing(tmp_path: Path) -> None:
    """Multiples of a page are no cuts; numbers of something else than bytes are none either."""
    where = layout(tmp_path, steps="load(0x8000_0000, 8K); touch(100)")
    assert pieces(where, "Cell") == PAGES


def test_places(tmp_path: Path) -> None:
    """Pieces follow one another from the start of their region, those of a second place behind the first."""
    where = layout(
        tmp_path,
        body="place a in low { head: 32, rest: 32 }\nplace b in low { x: 64 }",
        steps="load(a.head, 1K); load(a.rest, 1K); load(b.x, 4K)",
    )
    spots = {f"{f.place.name}.{f.name}": where.place(f) for f in where.places if f.place is not None}
    assert spots == {"a.head": (0x8000_0000, 32), "a.rest": (0x8000_0020, 32), "b.x": (0x8000_0040, 64)}
    first = [c for c in pieces(where, "Cell") if c[0] < 0x8000_1000]
    assert first == [
        (0x8000_0000, 32),
        (0x8000_0020, 32),
        (0x8000_0040, 64),
        (0x8000_0080, 896),
        (0x8000_0400, 3072),
    ]
    assert where.names(index(where, "Cell"))[:3] == ("a.head", "a.rest", "b.x")


def test_cut_in_a_region(tmp_path: Path) -> None:
    """An explicit cut of one region does not cut the others."""
    where = layout(tmp_path, high="cut 256")
    assert pieces(where, "Cell") == [*PAGES[:2], (0x9000_0000, 256), (0x9000_0100, 3840)]


def test_parents(tmp_path: Path) -> None:
    """Each block knows the coarser block that it lies in."""
    where = layout(tmp_path, steps="load(0x8000_0000, 100)")
    page, cell, line = (index(where, n) for n in ("Page", "Cell", "Line"))
    assert where.parents(cell, page) == [0] * 4 + [1] * 4 + [2] * 4
    assert where.parents(cell, line) == [0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8]
    assert where.parents(page, where.checked.scopes.region) == [1, 1, 0]
    assert list(where.inner(where.blocks(page)[1], line)) == [3, 4, 5]
    assert where.block_at(page, 0x8000_1FFF) == 1
    with pytest.raises(NotConstant):
        where.block_at(page, 0x8000_2000)


def test_attributes(tmp_path: Path) -> None:
    """What a device's block says, and what it leaves to the default."""
    where = layout(tmp_path, eth="mask 0xffff  pool high")
    (attr,) = [c for c in where.checked.consts if c.name == "attr"]
    assert where.attribute(attr, 0, None) == (0xFFFF, False, 0)
    assert where.attribute(attr, 0, "snoops") is False


def test_objects_and_indexes(tmp_path: Path) -> None:
    """Sizes of objects and of indexes with bounds."""
    where = layout(tmp_path, top="index Depth 0..=2\nobject Thing max 1 + 2 { x: u32 }")
    assert where.size(index(where, "Depth")) == 3
    assert where.names(index(where, "Depth")) == ("0", "1", "2")
    (thing,) = [t.ty for t in where.checked.types if t.name == "Thing"]
    assert isinstance(thing, sem.ObjT)
    assert where.size(thing) == 3


def test_ir_types(tmp_path: Path) -> None:
    """Each semantic type has its IR type; units and spaces are gone."""
    where = layout(tmp_path)
    by_name = {t.name: t.ty for t in where.checked.types}
    page = where.ir_type(by_name["Page"])
    assert page == ir.Index("Page", 3, ("low+0x0", "low+0x1000", "high+0x0"))
    assert where.ir_type(by_name["phys"]) == ir.Int(64, False)
    assert where.ir_type(sem.I32.with_unit("pages")) == ir.Int(32, True)
    assert where.ir_type(sem.OptT(by_name["Page"])) == ir.Opt(page)
    assert where.ir_type(sem.MapT((by_name["Page"], sem.BOOL), by_name["Colour"])) == ir.Map(
        page, ir.Map(ir.BOOL, ir.Enum("Colour", ("red", "green", "blue")))
    )
    shape = where.ir_type(by_name["Shape"])
    assert isinstance(shape, ir.Record)
    assert [n for n, _ in shape.fields] == ["tag", "circle.0", "box.0", "box.1"]
    assert where.ir_type(sem.SetT(by_name["Colour"])) == ir.Mask(ir.Enum("Colour", ("red", "green", "blue")))
    assert where.ir_type(sem.RangeT(2, 5)) == ir.Range(2, 5)
    extent = where.ir_type(by_name["Extent"])
    assert extent == ir.Record("Extent", (("first", page), ("count", ir.Int(32, False))))


def test_capacity(tmp_path: Path) -> None:
    """A stored set has room for what clients hold."""
    where = layout(tmp_path, body="client c on cpu1 holding b[3]: Page { may touch(u32(take b)) }")
    t = where.ir_type(sem.SetT(sem.TupleT((sem.U32, sem.BOOL))))
    assert isinstance(t, ir.Map)
    assert t.index == ir.Range(0, 2)


VALUES: list[tuple[str, Any]] = [
    ("const X : u32 = 7 * 6", 42),
    ("const X : i32 = 1 << 31", -(1 << 31)),
    ("const X : i32 = -7 / 2", -3),
    ("const X : i32 = -7 % 2", -1),
    ("const X : u8 = 200 + 100", 44),
    ("const X : dma_addr = ~0", (1 << 64) - 1),
    ("const X : i64 bytes = (100 + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1)", 4096),
    ("const A : i32 pages = 0x80000\nconst X : i64 bytes = A << PAGE_SHIFT", -(1 << 31)),
    ("const A : i32 pages = 0x80000\nconst X : i64 bytes = i64(A) << PAGE_SHIFT", 1 << 31),
    ("const X : bool = 3 in 1..3 or 3 in 1 +.. 3", True),
    ("const X : Colour? = if option.wide { null } else { blue }", 2),
    ("const X : Shape = box(3, 4)", (2, 0, 3, 4)),
    ("const S : Shape = box(3, 4)\nconst X : u32 = match S { box(a, b) -> a * b, else -> 0 }", 12),
    ("const X : prot = prot { PBMT: 2, C }", 2 << 61 | 1 << 5),
    ("const P : prot = prot { PBMT: 2, C }\nconst X : bool = P.C and P.PBMT == 2", True),
    ("const X : Perm = {R, W} - {R}", 2),
    ("const X : set of Colour = {red, blue}", 5),
    ("const B = Buffer { cpu: 1, dma: 2, size: 3 }\nconst X : i64 bytes = (B with { size: 8K }).size", 8192),
    ("func double(n: u32) -> u32 = n * 2\nconst X : u32 = double(21)", 42),
    (
        "func sign(n: i32) -> i32 { let m = n - 1\n if m < 0 { return -1 } else { return 1 } }\nconst X : i32 = sign(0)",
        -1,
    ),
    ("const X : u32 = min(3, 4) + bitlen(u32(8)) + popcount(u32(7))", 10),
    ("const A : u32? = null\nconst X : u32 = A ?? 5", 5),
    ("const X : u8 = u8(0x1ff)", 255),
    ("const X : i8 = i8(u8(255))", -1),
    ("const X : Slot = Slot(1) + 2", 3),
    ("const M : Slot -> u32 = 7\nconst X : u32 = M[Slot(2)]", 7),
    ("const X : u32 = Slot.count", 4),
]


@pytest.mark.parametrize(
    ("text", "value"), VALUES, ids=[t.rpartition("const X")[2].strip(" :") for t, _ in VALUES]
)
def test_constants(tmp_path: Path, text: str, value: object) -> None:
    """Constants are computed as C computes them, in the IR's own operators."""
    checked = examine_text(tmp_path, text)
    assert not checked.errors
    assert _const(checked.layout, "X") == value


def _const(where: Layout, name: str) -> object:
    (sym,) = [c for c in where.checked.consts if c.name == name]
    assert isinstance(sym, ConstSym)
    return where.evaluator.symbol(sym)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("func n() -> u32 = 0\nconst X : u32 = 1 / n()", "divides by zero"),
        ("func n() -> u32 = 32\nconst X : u32 = u32(1) << n()", "shifts by 32"),
        ("const A : u32? = null\nconst X : u32 = A!", "null"),
        ("const X : Slot = Slot(4)", "4 is no Slot"),
        ("func n() -> u32 { loop { return 1 } }\nconst X : u32 = n()", "loops"),
    ],
)
def test_no_constant(tmp_path: Path, text: str, why: str) -> None:
    """What C leaves undefined has no value before anything runs."""
    checked = examine_text(tmp_path, text)
    assert not checked.errors
    with pytest.raises(NotConstant, match=why):
        _const(checked.layout, "X")


def test_params(tmp_path: Path) -> None:
    """Each value of a param is a layout of its own."""
    where = layout(tmp_path, top="param n : u32 in 1..5\nconst X : u32 = n * 2", steps="touch(n)")
    assert _const(Layout(where.checked, {"n": 3}), "X") == 6
    assert _const(Layout(where.checked, {"n": 4}), "X") == 8


def test_first_of_a_param(tmp_path: Path) -> None:
    """Where nobody has chosen, the first of a param's values stands for all."""
    where = layout(
        tmp_path,
        top="param n : i64 bytes in 4K..16K",
        body="region more { at 0x1000_0000  size n }",
        steps="touch(u32(n))",
    )
    assert pieces(where, "Page")[0] == (0x1000_0000, 4096)
    other = Layout(where.checked, {"n": 8192})
    assert [b.start for b in other.blocks(index(where, "Page"))][:2] == [0x1000_0000, 0x1000_1000]


def test_block() -> None:
    """The end of a block is the first address behind it."""
    assert Block(0, 0x1000, 0x20, 0).end == 0x1020
