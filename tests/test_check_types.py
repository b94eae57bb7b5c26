# ruff: noqa: E501  (a table reads best with one rule on a line)
"""Types, units and address spaces: what fits, and what is said when it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checked import examine_text, said

# what it is about, a text that is wrong, its code, what is underlined, the text put right
RULES = [
    ("bool is no number", "const X : u32 = true", "DMA020", "true", "const X : u32 = 1"),
    ("number is no bool", "const X : bool = 1", "DMA020", "1", "const X : bool = true"),
    ("another enum", "const X : Colour = dot", "DMA020", "dot", "const X : Colour = red"),
    ("too large", "const X : u8 = 256", "DMA026", "256", "const X : u8 = 255"),
    ("too small", "const X : i8 = -129", "DMA026", "-129", "const X : i8 = -128"),
    ("negative unsigned", "const X : u32 = -1", "DMA026", "-1", "const X : u32 = 1"),
    (
        "a bus address is wanted",
        "func f(p: phys) -> dma_addr = p",
        "DMA021",
        "p",
        "func f(d: Device, p: phys) -> dma_addr = bus_of(d, p)",
    ),
    (
        "in a field",
        "func f(v: virt, p: phys) -> Buffer = Buffer { cpu: v, dma: p, size: 1 }",
        "DMA021",
        "p",
        "func f(v: virt, p: phys) -> Buffer = Buffer { cpu: v, dma: dma_addr(p), size: 1 }",
    ),
    ("sum of addresses", "func f(p: phys, q: phys) -> phys = p + q", "DMA021", "p + q", "func f(p: phys, q: i64 bytes) -> phys = p + q"),
    (
        "difference of two spaces",
        "func f(p: phys, v: virt) -> i64 bytes = p - v",
        "DMA021",
        "p - v",
        "func f(p: phys, v: phys) -> i64 bytes = p - v",
    ),
    ("compared spaces", "func f(p: phys, v: virt) -> bool = p < v", "DMA021", "p < v", "func f(p: phys, v: phys) -> bool = p < v"),
    (
        "address and number compared",
        "func f(p: phys, m: u64) -> bool = p <= m",
        "DMA021",
        "m",
        "func f(p: phys, m: u64) -> bool = u64(p) <= m",
    ),
    ("number is no address", "func f(n: u64) -> phys = n", "DMA021", "n", "func f(n: u64) -> phys = phys(n)"),
    ("address is no number", "func f(p: phys) -> u64 = p", "DMA021", "p", "func f(p: phys) -> u64 = u64(p)"),
    ("pages added to an address", "func f(p: phys, n: u32 pages) -> phys = p + n", "DMA022", "n",
     "func f(p: phys, n: u32 pages) -> phys = p + (n << PAGE_SHIFT)"),
    ("pages where bytes are wanted", "func f(n: i64 bytes) -> i64 pages = pages_in(n >> PAGE_SHIFT)", "DMA022",
     "n >> PAGE_SHIFT", "func f(n: i64 bytes) -> i64 pages = pages_in(n)"),
    ("bytes plus pages", "func f(n: i64 bytes, m: i64 pages) -> i64 bytes = n + m", "DMA022", "n + m",
     "func f(n: i64 bytes, m: i64 pages) -> i64 bytes = n + (m << PAGE_SHIFT)"),
    ("bytes compared with pages", "func f(n: i64 bytes, m: i64 pages) -> bool = n < m", "DMA022", "n < m",
     "func f(n: i64 bytes, m: i64 pages) -> bool = n >> PAGE_SHIFT < m"),
    ("bytes shifted up", "func f(n: i64 bytes) -> i64 bytes = n << PAGE_SHIFT", "DMA022", "n << PAGE_SHIFT",
     "func f(n: i64 pages) -> i64 bytes = n << PAGE_SHIFT"),
    ("pages shifted down", "func f(n: i64 pages) -> i64 pages = n >> PAGE_SHIFT", "DMA022", "n >> PAGE_SHIFT",
     "func f(n: i64 bytes) -> i64 pages = n >> PAGE_SHIFT"),
    ("a size is bytes", "const X : u32 pages = 4K", "DMA022", "4K", "const X : u32 pages = 4"),
    ("bytes times bytes", "func f(n: i64 bytes) -> i64 bytes = n * n", "DMA022", "n * n", "func f(n: i64 bytes) -> i64 bytes = n * 2"),
    ("bytes as a plain number", "func f(n: u32 bytes) -> u32 = count_of(n)", "DMA022", "n",
     "func f(n: u32 bytes) -> u32 = count_of(u32(n))"),
    ("pages called bytes", "func f(n: u32 pages) -> u32 bytes = n bytes", "DMA022", "n bytes",
     "func f(n: u32) -> u32 bytes = n bytes"),
    ("unit of no number", "func f(c: Colour) -> u32 pages = c pages", "DMA022", "c pages", "func f(c: u32) -> u32 pages = c pages"),
    ("narrowing", "func f(n: u64) -> u32 = n", "DMA023", "n", "func f(n: u64) -> u32 = n as u32"),
    ("signed to unsigned", "func f(n: i32) -> u32 = n", "DMA023", "n", "func f(n: i32) -> u32 = u32(n)"),
    ("unsigned to signed", "func f(n: u32) -> i32 = n", "DMA023", "n", "func f(n: u32) -> i64 = n"),
    ("signed against unsigned", "func f(n: i64, m: u64) -> bool = n < m", "DMA023", "n < m",
     "func f(n: i64, m: u64) -> bool = n < i64(m)"),
    ("minus an unsigned number", "func f(n: u32) -> u32 = -n", "DMA023", "-n", "func f(n: i32) -> i32 = -n"),
    ("may be null", "func f(b: Buffer?) -> virt = b.cpu", "DMA024", "b", "func f(b: Buffer?) -> virt = b!.cpu"),
    ("null where a value is wanted", "const X : u32 = null", "DMA024", "null", "const X : u32? = null"),
    ("never null", "func f(n: u32) -> bool = n == null", "DMA024", "n == null", "func f(n: u32?) -> bool = n == null"),
    ("never null either", "func f(n: u32) -> u32 = n ?? 1", "DMA024", "n", "func f(n: u32?) -> u32 = n ?? 1"),
    ("null of what", "const X = null", "DMA025", "null", "const X : u32? = null"),
    ("an index is no number", "func f(s: Slot) -> u32 = s", "DMA020", "s", "func f(s: Slot) -> u32 = u32(s)"),
    ("a number is no index", "func f(n: u32) -> Slot = n", "DMA020", "n", "func f(n: u32) -> Slot = Slot(n)"),
    ("index times", "func f(s: Slot) -> Slot = s * 2", "DMA027", "s", "func f(s: Slot) -> Slot = s + 2"),
    ("two indexes", "func f(s: Slot, p: Page) -> bool = s == p", "DMA020", "s == p", "func f(s: Slot, p: Slot) -> bool = s == p"),
    ("bytes added to an index", "func f(p: Page, n: u32 bytes) -> Page = p + n", "DMA022", "n",
     "func f(p: Page, n: u32 pages) -> Page = p + n"),
    ("no such field", "func f(b: Buffer) -> virt = b.cpus", "DMA027", "cpus", "func f(b: Buffer) -> virt = b.cpu"),
    ("nothing to index", "func f(n: u32) -> u32 = n[0]", "DMA027", "n", "func f(s: Slot, m: Page) -> bool = owner[m] == null"),
    ("wrong key", "func f(s: Slot) -> bool = owner[s] == null", "DMA020", "s", "func f(s: Page) -> bool = owner[s] == null"),
    ("too many keys", "func f(s: Page) -> bool = owner[s, s] == null", "DMA053", "owner[s, s]", "func f(s: Page) -> bool = owner[s] == null"),
    ("a bool is no bit", "func f(a: bool, b: bool) -> bool = a & b", "DMA027", "a & b", "func f(a: bool, b: bool) -> bool = a and b"),
    ("branches differ", "func f(a: bool) -> u32 = if a { 1 } else { red }", "DMA020", "red", "func f(a: bool) -> u32 = if a { 1 } else { 2 }"),
    ("a map over numbers", "var m : u32 -> bool = false", "DMA028", "u32", "var m : Slot -> bool = false"),
    ("a set in a field", "record X { s: set of phys }", "DMA028", "set of phys", "record X { s: set of Colour }"),
    ("a list without a limit", "var l : list of Page = []", "DMA029", "list of Page", "var l : list max 4 of Page = []"),
    ("a star", "func f(s: Slot) -> bool = owner[*] == null", "DMA029", "*", "func f() -> bool = some p in Page: owner[p] == null"),
    ("a set of bool", "var x : set of bool = {}", "DMA028", "set of bool", "var x : bool = false"),
    ("T??", "var x : (u32?)? = null", "DMA028", "(u32?)?", "var x : u32? = null"),
    ("bits that are not there", "bits b : u8 { X 8 }", "DMA028", "X 8", "bits b : u8 { X 7 }"),
    ("bits of what", "bits b : bool { X 0 }", "DMA028", "bool", "bits b : u8 { X 0 }"),
    ("an empty range", "var x : 4..4 = 4", "DMA028", "4..4", "var x : 4..=4 = 4"),
    ("too many bits", "const X : prot = prot { PBMT: 4 }", "DMA026", "4", "const X : prot = prot { PBMT: 3 }"),
    ("unknown bits", "const X : prot = prot { D }", "DMA050", "D", "const X : prot = prot { C }"),
    ("incomplete record", "const X = Buffer { cpu: 0, dma: 0 }", "DMA053", "Buffer { cpu: 0, dma: 0 }",
     "const X = Buffer { cpu: 0, dma: 0, size: 0 }"),
    ("a field twice", "const X = Buffer { cpu: 0, dma: 0, size: 0, cpu: 1 }", "DMA052", "cpu: 1", "const X = Buffer { 0, 0, size: 0 }"),
    ("payload missing", "const X : Shape = circle", "DMA053", "circle", "const X : Shape = circle(3)"),
    ("payload of another type", "const X : Shape = circle(true)", "DMA020", "true", "const X : Shape = box(3, 4)"),
    ("shift by bytes", "func f(n: u32, m: u32 bytes) -> u32 = n << m", "DMA022", "m", "func f(n: u32, m: u32) -> u32 = n << m"),
    ("order of an enum with payload", "func f(a: Shape, b: Shape) -> bool = a < b", "DMA027", "a < b", "func f(a: Colour, b: Colour) -> bool = a < b"),
    ("elements of a number", "func f(n: u32) -> bool = 1 in n", "DMA027", "n", "func f(n: u32) -> bool = 1 in 0..n"),
    ("element of another type", "func f(c: Colour) -> bool = c in {dot}", "DMA020", "dot", "func f(c: Colour) -> bool = c in {red, blue}"),
    ("a ref needs the type", "proc p() { var_test(shared) }\nproc var_test(n: ref u64) { n = 1 }", "DMA020", "shared",
     "proc p() { var_test(shared) }\nproc var_test(n: ref u32) { n = 1 }"),
    ("free of no lock", "func f(n: u32) -> bool = free(n)", "DMA020", "n", "func f(p: Pool) -> bool = free(p.lock)"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "code", "place", "good"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_rule(tmp_path: Path, bad: str, code: str, place: str, good: str) -> None:
    """The wrong text has this one error at this place; the right one has none."""
    assert said(examine_text(tmp_path, bad)) == [(code, place)]
    assert said(examine_text(tmp_path, good)) == []


FINE = [
    "func f(order: i32) -> u32 pages = 1 << order",
    "func f(p: Page, order: i32) -> Extent = Extent { p + 3, 1 << order }",
    "func f(n: i32 pages) -> i64 bytes = n << PAGE_SHIFT",  # computed in 32 bits, then widened, as in C
    "func f(n: i32 pages) -> i64 bytes = i64(n) << PAGE_SHIFT",
    "func f(n: u32, m: i64) -> i64 = n + m",
    "func f(n: u8, m: u32) -> u32 = n | m",
    "func f(p: phys) -> phys = p - p % PAGE_SIZE",
    "func f(p: phys, n: i64 bytes) -> phys = p & ~(PAGE_SIZE - 1)",
    "func f(p: phys, n: i64 bytes) -> bool = p in p +.. n",
    "func f(p: phys) -> i64 bytes = p - 0x1000 - (p - 1)",
    "func f(n: i64 pages) -> i64 bytes = n * PAGE_SIZE",
    "func f(n: i64 bytes) -> i64 pages = n / PAGE_SIZE",
    "func f(p: phys) -> u64 pages = p >> PAGE_SHIFT",
    "func f() -> errno = -ENOMEM",
    "func f(e: errno) -> i32 = e",
    "func f(e: errno) -> bool = e != 0",
    "func f(b: Buffer?) -> bool = b != null and b.size > 0",
    "func f(b: Buffer?) -> bool = b == null or b.size > 0",
    "func f(b: Buffer?) -> bool = b is x and x.size > 0",
    "func f(b: Buffer?) -> i64 bytes = if b == null { 0 } else { b.size }",
    "func f(d: Device) -> i32 pages = if pool[d] != null { pool[d].size } else { 0 }",
    "func f(s: Shape) -> u32 = match s { dot -> 0, circle(r) -> r, box(a, b) -> a * b }",
    "func f(e: prot) -> bool = e.C and e.PBMT == 2",
    "func f(e: prot) -> prot = e & prot { C } | prot { PBMT: 1 }",
    "func f(p: Perm) -> bool = R in p and p == {R, W} and p - {R} != {}",
    "func f(c: Colour) -> set of Colour = if c == red { {c, blue} } else { {} }",
    "func f(d: Device) -> u64 = d.mask",
    "func f(r: Region) -> phys = r.start",
    "func f(c: Cell) -> Page = c.page",
    "func f(p: Page) -> bool = all c in p.cells: c.start in p.start..p.end",
    "func f(e: Extent) -> bool = all p in e: owner[p] == null",
    "func f(a: Extent, b: Extent) -> bool = a within b and a.first in b",
    "func f() -> u32 = count p in Page where owner[p] != null",
    "func f() -> Page? = first p in Page where owner[p] == null",
    "func f(a: bool) -> i64? = if a { 1 } else { null }",
    "func f(n: u32?) -> u32? = n ?? null",
    "func f(x: (Page, virt)?) -> bool = x is (p, v) and v == 0",
    "func f(a: u32 bytes, b: u32) -> u32 bytes = min(a, b, 4K)",
    "func f(b: Buffer) -> Buffer = b with { size: 8K }",
    "func f(m: u64, n: i32) -> bool = bit(m, n) and popcount(m) > 1 and bitlen(m) == 3",
    "func f() -> bool = option.mode == lazy and not option.wide",
    "func half(n: u32) -> u32 = n / 2\nfunc f(n: u32) -> u32 = n.half",
    "func f(n: 0..8) -> u32 = n + 1",
    "func f(a: bool) -> u64 = ((1 << 3) - 1) << (if a { 1 } else { 2 })",
    "func same(p: phys, n: i64 bytes) = p +.. n\nfunc f(p: phys) -> bool = p in same(p, 1)",
    "func f(ps: set of (Device, Page), d: Device, p: Page) -> bool = (d, p) in ps",
]


@pytest.mark.parametrize("text", FINE)
def test_fine(tmp_path: Path, text: str) -> None:
    """Texts without a mistake."""
    assert said(examine_text(tmp_path, text)) == []


def test_space_message(tmp_path: Path) -> None:
    """The message says what was given, what is wanted and where that is said, and how to get from one to the other."""
    text = "func f(dev: Device, p: phys) -> Buffer = Buffer { cpu: 0, dma: p, size: 4K }"
    (d,) = examine_text(tmp_path, text).diagnostics
    shown = d.render()
    assert "a phys where a dma_addr is wanted" in shown
    assert "spec/base.dma" in shown
    assert "the field dma is a dma_addr" in shown
    assert d.fix == "Write  bus_of(d, p)."


def test_unit_message(tmp_path: Path) -> None:
    """The message for units names both, and the shift that turns one into the other."""
    text = "func f(n: i64 bytes) -> i64 pages = pages_in(n >> PAGE_SHIFT)"
    (d,) = examine_text(tmp_path, text).diagnostics
    assert d.message == "pages where bytes are wanted"
    assert d.label == "i64 pages"
    assert any("the parameter n is" in note for _, note in d.notes)
    assert d.fix is not None
    assert "<< PAGE_SHIFT" in d.fix


def test_no_cascade(tmp_path: Path) -> None:
    """One mistake, one error, whatever is done with its value."""
    text = "func f(n: u32) -> u32 = nothing + n * 2 - count_of(nothing)\nfunc g() -> bool = f(nothing) < 3"
    assert said(examine_text(tmp_path, text)) == [("DMA050", "nothing")] * 3


def test_several(tmp_path: Path) -> None:
    """Several mistakes in one run, in the order of the text."""
    text = "const A : u8 = 300\nfunc f(p: phys) -> virt = p\nvar v : Nowhere = 1\nfunc g(n: i32) -> u32 = n"
    assert [c for c, _ in said(examine_text(tmp_path, text))] == ["DMA026", "DMA021", "DMA050", "DMA023"]
