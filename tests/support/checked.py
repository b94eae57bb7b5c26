"""Checks texts against the checker: writes them into a project of their own, links and examines them."""

from __future__ import annotations

from pathlib import Path

from dmaverify.lang.check import Checked, examine
from dmaverify.lang.diag import Diagnostic, source_line
from dmaverify.lang.link import load

BASE = """\
module spec.base

type phys     : u64 bytes
type dma_addr : u64 bytes
type virt     : u64 bytes
type errno    : i32

const PAGE_SHIFT : u32       = 12
const PAGE_SIZE  : i64 bytes = 4K
const ENOMEM     : errno     = 12

index Page of memory by PAGE_SIZE
index Cell of memory by cut
index Slot 4

enum Colour  { red, green, blue }
enum Shape   { dot, circle(u32), box(u32, u32) }
flags Perm   { R, W }
bits prot : u64 { PBMT 62..61, C 5 }
record Buffer { cpu: virt, dma: dma_addr, size: i64 bytes }
record Extent { first: Page, count: u32 pages }
object Pool max 2 { base: virt, size: i32 pages, bitmap: u64 = 0, lock: spinlock }

option wide : bool = false
option mode : enum { off, lazy, strict } = off

record Attr { mask: u64 = 0xff, snoops: bool = false, pool: Region? = null }
const attr : Device -> Attr

var shared : u32 = 0
var owner  : Page -> Device? = null
var pool   : Device -> Pool? = null
var ring   : Buffer? = null

func bus_of(d: Device, p: phys) -> dma_addr = dma_addr(p)
func pages_in(n: i64 bytes) -> i64 pages = n >> PAGE_SHIFT
func count_of(n: u32) -> u32 = n

event taken(what: Extent, by: Device)
event stored(c: Cell, x: Colour)

proc touch(n: u32) { shared = n }
proc find(n: u32) -> Page? { return null }
proc set_bit(map: ref u64, at: u32) { map |= 1 << at }
proc init(n: u32) -> errno { return 0 }
"""


def examine_text(folder: Path, text: str, base: str = BASE) -> Checked:
    """The result for a module ``t`` (or a scenario, if the text starts with one) that imports
    ``spec.base``."""
    (folder / "spec").mkdir(exist_ok=True)
    (folder / "models").mkdir(exist_ok=True)
    (folder / "spec" / "base.dma").write_text(base)
    if text.lstrip().startswith("scenario"):
        head, _, rest = text.lstrip().partition("\n")
        whole = f"{head}\nimport spec.base\n{rest}"
    else:
        whole = f"module t\nimport spec.base\n{text}"
    path = folder / "models" / "t.dma"
    path.write_text(whole)
    return examine(load(path).program())


def said(checked: Checked) -> list[tuple[str, str]]:
    """Code and underlined text of every diagnostic."""
    return [(d.code, underlined(d)) for d in checked.diagnostics]


def underlined(d: Diagnostic) -> str:
    """The text that a diagnostic points at, up to the end of its line."""
    line = source_line(d.span)
    end = d.span.end_column - 1 if d.span.end_line == d.span.line else len(line)
    return line[d.span.column - 1 : end]
