# ruff: noqa: E501  (a table reads best with one rule on a line)
"""Scenarios: settings, memory, threads, what is checked and expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checked import examine_text, said

BOARD = """\
scenario s
{top}
region dram {{ {dram} }}
region vram {{ {vram} }}
device eth {{ {eth} }}
{body}
check only m
"""
MONITOR = "monitor m code DMA900 { on stored(c) { assert c.size > 0 } }\n"
DRAM = "at 0x8000_0000  size 8K"
VRAM = "at 0x1800_0000  size 4K"
DRIVER = "sequence driver on cpu0 {\n touch(1)\n shared = u32(eth.mask)\n}"


def board(top: str = "", dram: str = DRAM, vram: str = VRAM, eth: str = "", body: str = DRIVER) -> str:
    """A whole scenario."""
    return BOARD.format(top=top, dram=dram, vram=vram, eth=eth, body=body + "\n" + MONITOR)


RULES = [
    ("unknown hardware", board(top="hardware { wider }"), "DMA050", "wider", board(top="hardware { wide }")),
    ("hardware value", board(top="hardware { wide 3 }"), "DMA020", "3", board(top="hardware { no wide  mode lazy }")),
    ("hardware case", board(top="hardware { mode lax }"), "DMA050", "lax", board(top="hardware { mode lazy }")),
    ("unknown attribute", board(eth="snooops true"), "DMA067", "snooops", board(eth="snoops true")),
    ("attribute of another type", board(eth="mask true"), "DMA020", "true", board(eth="mask 0xffff")),
    ("attribute without a value", board(eth="mask"), "DMA067", "mask", board(eth="no snoops")),
    ("attribute that is too small", board(eth="mask -1"), "DMA026", "-1", board(eth="mask 3")),
    ("region of a device", board(eth="pool dram2"), "DMA050", "dram2", board(eth="pool dram")),
    ("no size", board(dram="at 0x8000_0000"), "DMA069", "dram", board()),
    ("no address", board(dram="size 8K"), "DMA069", "dram", board()),
    ("empty region", board(dram="at 0x8000_0000  size 0"), "DMA069", "dram", board()),
    ("region in pieces of pages", board(dram="at 0x8000_0800  size 8K"), "DMA069", "dram", board()),
    ("a part of a page", board(dram="at 0x8000_0000  size 5000"), "DMA069", "dram", board()),
    ("regions overlap", board(vram="at 0x8000_1000  size 4K"), "DMA070", "vram", board(vram="at 0x8000_1000  size 4K  overlaps")),
    ("region beyond the end", board(dram="at 0xffff_ffff_ffff_f000  size 8K"), "DMA069", "dram", board(dram="at 0xffff_ffff_ffff_e000  size 8K")),
    ("place nowhere", board(body=DRIVER + "\nplace p in ram { a: 64 }"), "DMA050", "ram", board(body="place p in dram { a: 64 }\n" + DRIVER.replace("touch(1)", "touch(u32(p.a.size))"))),
    ("place outside", board(body="place p in dram { a: 16K }\n" + DRIVER.replace("touch(1)", "touch(u32(p.a.size))")), "DMA069", "a",
     board(body="place p in dram { a: 8K }\n" + DRIVER.replace("touch(1)", "touch(u32(p.a.size))"))),
    ("empty place", board(body="place p in dram { a: 0 }\n" + DRIVER.replace("touch(1)", "touch(u32(p.a.size))")), "DMA069", "a",
     board(body="place p in dram { a: 1 }\n" + DRIVER.replace("touch(1)", "touch(u32(p.a.size))"))),
    ("unknown piece", board(body="place p in dram { a: 64 }\n" + DRIVER.replace("touch(1)", "touch(u32(p.b.size))")), "DMA050", "b",
     board(body="place p in dram { a: 64 }\n" + DRIVER.replace("touch(1)", "touch(u32(p.a.size))"))),
    ("on what", board(body=DRIVER.replace("cpu0", "cpu")), "DMA067", "cpu", board(body=DRIVER.replace("cpu0", "eth"))),
    ("after each other", board(body=DRIVER.replace("cpu0", "cpu0 after probe") + "\nsequence probe on cpu0 after driver { touch(1) }"), "DMA067",
     "driver", board(body=DRIVER.replace("cpu0", "cpu0 after probe") + "\nsequence probe on cpu0 { touch(1) }")),
    ("before boot and after what is after it", board(body=DRIVER.replace("cpu0", "cpu0 before boot after probe") + "\nsequence probe on cpu0 { touch(1) }"), "DMA067",
     "driver", board(body=DRIVER.replace("cpu0", "cpu0 before boot after probe") + "\nsequence probe on cpu0 before boot { touch(1) }")),
    ("before and after boot", board(body=DRIVER.replace("cpu0", "cpu0 before boot after boot")), "DMA067", "driver", board(body=DRIVER.replace("cpu0", "cpu0 before boot"))),
    ("a sequence called boot", board(body=DRIVER + "\nsequence boot on cpu1 { touch(1) }"), "DMA052", "boot", board(body=DRIVER + "\nsequence boots on cpu1 { touch(1) }")),
    ("a timer called boot", board(body=DRIVER + "\ntimer boot {}\nsequence o on cpu1 { arm boot() }"), "DMA052", "boot",
     board(body=DRIVER + "\ntimer t {}\nsequence o on cpu1 { arm t() }")),
    ("slot of what", board(body=DRIVER + "\nclient c on cpu0 holding b[2] { may touch(1) }"), "DMA025", "b",
     board(body=DRIVER + "\nclient c on cpu0 holding b[2] {\n may b = find(1)\n may touch(u32(take b))\n}")),
    ("nothing to take", board(body=DRIVER + "\nclient c on cpu0 { may touch(u32(take b)) }"), "DMA050", "take b",
     board(body=DRIVER + "\nclient c on cpu0 holding b[1]: Page { may touch(u32(take b)) }")),
    ("too many slots", board(body=DRIVER + "\nclient c on cpu0 holding b[100]: Page { may touch(u32(b)) }"), "DMA026", "100",
     board(body=DRIVER + "\nclient c on cpu0 holding b[1]: Page { may touch(u32(b)) }")),
    ("label of whom", board(body=DRIVER + "\nsequence o on cpu1 { wait driver at here }"), "DMA050", "driver at here",
     board(body=DRIVER.replace("touch(1)", "here: touch(1)") + "\nsequence o on cpu1 { wait driver at here }")),
    ("done when", board(body=DRIVER + "\ntimer t {}\nsequence o on cpu1 { wait done t }"), "DMA050", "done t",
     board(body=DRIVER + "\ntimer t {}\nsequence o on cpu1 { arm t() }")),
    ("done who", board(body=DRIVER + "\nsequence o on cpu1 { wait done drive }"), "DMA050", "done drive",
     board(body=DRIVER + "\nsequence o on cpu1 { wait done driver }")),
    ("unknown property", board(body=DRIVER + "\nexpect n holds"), "DMA071", "n", board(body=DRIVER + "\nexpect m holds")),
    ("monitor without its argument", board(body=DRIVER + "\nmonitor k(d: Device) code DMA901 { on taken(e, by) { assert by == d } }\nexpect k holds"), "DMA053", "k",
     board(body=DRIVER + "\nmonitor k(d: Device) code DMA901 { on taken(e, by) { assert by == d } }\nexpect k(eth) holds")),
    ("unknown fault", board(top="faults nomem at most 1"), "DMA072", "faults nomem at most 1", board(top="faults no_memory at most 1", body=DRIVER.replace("touch(1)", "if fault no_memory { touch(1) }"))),
    ("param out of its type", board(top="param n : u8 = 300", body=DRIVER.replace("touch(1)", "touch(n)")), "DMA026", "300",
     board(top="param n : u8 in 1..3", body=DRIVER.replace("touch(1)", "touch(n)"))),
    ("param values of another type", board(top="param n : u8 in {1, red}", body=DRIVER.replace("touch(1)", "touch(n)")), "DMA020", "red",
     board(top="param n : u8 in {1, 5}", body=DRIVER.replace("touch(1)", "touch(n)"))),
    ("cover with too many", board(body=DRIVER + "\ncover stored(_, red, 3)"), "DMA053", "stored(_, red, 3)", board(body=DRIVER + "\ncover stored(_, red)")),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "code", "place", "good"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_rule(tmp_path: Path, bad: str, code: str, place: str, good: str) -> None:
    """The wrong scenario has this one error at this place; the right one has none."""
    assert [s for s in said(examine_text(tmp_path, bad)) if s[0] != "DMA066"] == [(code, place)]
    assert said(examine_text(tmp_path, good)) == []


def test_unused(tmp_path: Path) -> None:
    """What a scenario declares and nobody uses is a warning."""
    body = (
        DRIVER
        + "\nvar idle : u32 = 0\nparam size : u32 = 3\nplace p in dram { a: 64 }\nproc nobody() { touch(1) }"
    )
    checked = examine_text(tmp_path, board(body=body.replace("shared = u32(eth.mask)", "touch(2)")))
    assert {d.severity for d in checked.diagnostics} == {"warning"}
    assert sorted(said(checked)) == [("DMA066", n) for n in ("eth", "idle", "nobody", "p", "size")]


def test_required(tmp_path: Path) -> None:
    """A module that asks something of the options is refused where they are set otherwise."""
    from tests.support.checked import BASE

    base = BASE + '\nrequire option.wide, "only wide ones"\n'
    assert [c for c, _ in said(examine_text(tmp_path, board(), base))] == ["DMA073"]
    assert said(examine_text(tmp_path, board(top="hardware { wide }"), base)) == []


def test_option_needs_a_value(tmp_path: Path) -> None:
    """An option without a default has to be set."""
    from tests.support.checked import BASE

    base = BASE + "\noption line : i64 bytes\n"
    assert said(examine_text(tmp_path, board(), base)) == [("DMA064", "line")]
    assert said(examine_text(tmp_path, board(top="hardware { line 64 }"), base)) == []
