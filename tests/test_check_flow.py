# ruff: noqa: E501  (a table reads best with one rule on a line)
"""Names, control flow, and what may stand where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.checked import BASE, examine_text, said

RULES = [
    ("unknown name", "func f() -> u32 = shard", "DMA050", "shard", "func f() -> u32 = shared"),
    ("unknown type", "var x : Colur = red", "DMA050", "Colur", "var x : Colour = red"),
    ("unknown option", "func f() -> bool = option.wid", "DMA050", "option.wid", "func f() -> bool = option.wide"),
    ("unknown proc", "proc p() { tuch(1) }", "DMA050", "tuch", "proc p() { touch(1) }"),
    ("unknown event", "proc p() { emit takn(1) }", "DMA050", "takn", "proc p(c: Cell) { emit stored(c, red) }"),
    ("unknown case", "func f(c: Colour) -> bool = match c { red -> true, gren -> false, else -> false }", "DMA050", "gren",
     "func f(c: Colour) -> bool = match c { red -> true, green -> false, else -> false }"),
    ("a local twice", "proc p() { let a = 1; let a = 2 }", "DMA052", "a", "proc p() { let a = 1; { let a = 2 } }"),
    ("too many arguments", "proc p() { touch(1, 2) }", "DMA053", "touch(1, 2)", "proc p() { touch(1) }"),
    ("too few arguments", "proc p() { touch() }", "DMA053", "touch()", "proc p() { touch(n: 1) }"),
    ("unknown parameter", "proc p() { touch(1, m: 2) }", "DMA053", "m: 2", "proc p() { touch(n: 2) }"),
    ("an argument twice", "func g(a: u32, b: u32 = 1) -> u32 = a\nfunc f() -> u32 = g(1, a: 2)", "DMA053", "a: 2",
     "func g(a: u32, b: u32 = 1) -> u32 = a\nfunc f() -> u32 = g(1, b: 2)"),
    ("incomplete match", "func f(c: Colour) -> u32 = match c { red -> 1, green -> 2 }", "DMA054", "match c { red -> 1, green -> 2 }",
     "func f(c: Colour) -> u32 = match c { red -> 1, green -> 2, blue -> 3 }"),
    ("incomplete inside", "func f(a: Shape?) -> u32 = match a { null -> 1, dot -> 2, circle(_) -> 3 }", "DMA054",
     "match a { null -> 1, dot -> 2, circle(_) -> 3 }", "func f(a: Shape?) -> u32 = match a { null -> 1, dot -> 2, circle(_) -> 3, box(_, _) -> 4 }"),
    ("incomplete pair", "func f(a: bool, b: bool) -> u32 = match a, b { true, _ -> 1, false, true -> 2 }", "DMA054",
     "match a, b { true, _ -> 1, false, true -> 2 }", "func f(a: bool, b: bool) -> u32 = match a, b { true, _ -> 1, false, _ -> 2 }"),
    ("numbers without else", "func f(n: u32) -> u32 = match n { 0 -> 1, 1 -> 2 }", "DMA054", "match n { 0 -> 1, 1 -> 2 }",
     "func f(n: u32) -> u32 = match n { 0 -> 1, 1 -> 2, else -> 3 }"),
    ("arm never reached", "func f(c: Colour) -> u32 = match c { red | green -> 1, red -> 2, else -> 3 }", "DMA054", "red -> 2",
     "func f(c: Colour) -> u32 = match c { red | green -> 1, blue -> 2 }"),
    ("no return", "func f(a: bool) -> u32 { if a { return 1 } }", "DMA055", "{ if a { return 1 } }", "func f(a: bool) -> u32 { if a { return 1 } else { return 2 } }"),
    ("return without a value", "proc p() -> u32 { return }", "DMA055", "return", "proc p() -> u32 { return 1 }"),
    ("return of nothing", "proc p() { return 1 }", "DMA055", "return 1", "proc p() { return }"),
    ("too many results", "proc p() -> u32 { return 1, 2 }", "DMA055", "return 1, 2", "proc p() -> (u32, u32) { return 1, 2 }"),
    ("else that goes on", "proc p() { let x = find(1) else { touch(2) } }", "DMA055", "{ touch(2) }", "proc p() { let x = find(1) else { touch(2); return } }"),
    ("behind a return", "proc p() { return; touch(1) }", "DMA056", "touch(1)", "proc p() { touch(1); return }"),
    ("label that nothing leads to", "proc p() {\n return\n out:\n touch(1)\n}", "DMA056", "out:",
     "proc p() {\n if shared == 1 { goto out }\n return\n out:\n touch(1)\n}"),
    ("never set", "proc p() { let x: u32 = uninitialised; touch(x) }", "DMA057", "x", "proc p() { let x: u32 = uninitialised; x = 1; touch(x) }"),
    ("never set in an expression", "proc p(a: bool) { let x: u32 = uninitialised; if a { touch(x + 1) } }", "DMA057", "x",
     "proc p(a: bool) { let x: u32 = uninitialised; if a { x = 1 }; touch(x) }"),
    ("goto backwards", "proc p() {\n again:\n touch(1)\n goto again\n}", "DMA058", "goto again", "proc p() {\n loop at most 3 { touch(1) }\n}"),
    ("goto nowhere", "proc p() {\n goto out\n}", "DMA058", "goto out", "proc p() {\n goto out\n out:\n touch(1)\n}"),
    ("goto into a block", "proc p(a: bool) {\n goto out\n { out: touch(1) }\n}", "DMA058", "goto out", "proc p(a: bool) {\n { goto out }\n out: touch(1)\n}"),
    ("goto past a let", "proc p(a: bool) {\n if a { goto out }\n let x = 1\n out:\n touch(u32(x))\n}", "DMA058", "x",
     "proc p(a: bool) {\n let x = 1\n if a { goto out }\n out:\n touch(u32(x))\n}"),
    ("proc in an expression", "proc p() { assert init(1) == 0 }", "DMA061", "init(1)", "proc p() { let err = init(1); assert err == 0 }"),
    ("proc in a func", "func f() -> errno = init(1)", "DMA061", "init(1)", "proc f() -> errno = init(1)"),
    ("proc as an argument", "proc p() { touch(u32(init(1))) }", "DMA061", "init(1)", "proc p() { let e = init(1); touch(u32(e)) }"),
    ("func changes a variable", "func f() -> u32 { shared = 1; return 1 }", "DMA062", "shared", "proc f() -> u32 { shared = 1; return 1 }"),
    ("func chooses", "func f() -> bool = any bool", "DMA062", "any bool", "proc f() -> bool { let b = any bool; return b }"),
    ("func emits", "func f(c: Cell) -> u32 { emit stored(c, red); return 1 }", "DMA062", "emit stored(c, red)", "proc f(c: Cell) -> u32 { emit stored(c, red); return 1 }"),
    ("a constant changes", "const N : u32 = 1\nproc p() { N = 2 }", "DMA062", "N", "var N : u32 = 1\nproc p() { N = 2 }"),
    ("a value changes", "proc p(c: Cell) { c.start = 1 }", "DMA062", "c.start", "proc p(b: Buffer) { b.size = 1 }"),
    ("break outside", "proc p() { break }", "DMA062", "break", "proc p() { loop { break } }"),
    ("a value nobody uses", "proc p() { count_of(1) }", "DMA062", "count_of(1)", "proc p() { touch(count_of(1)) }"),
    ("an event is emitted", "proc p(c: Cell) { stored(c, red) }", "DMA062", "stored(c, red)", "proc p(c: Cell) { emit stored(c, red) }"),
    ("recursion", "proc p(n: u32) { if n > 0 { p(n - 1) } }", "DMA063", "p", "proc p(n: u32) at most 3 deep { if n > 0 { p(n - 1) } }"),
    ("a func calls itself", "func f(n: u32) -> u32 = if n == 0 { 0 } else { f(n - 1) }", "DMA063", "f", "func f(n: u32) -> u32 = if n == 0 { 0 } else { n }"),
    ("else where nothing fails", "proc p() { let x = count_of(1) else return }", "DMA024", "count_of(1)", "proc p() { let x = find(1) else return }"),
    ("names for a result", "proc p() { let a, b = find(1) }", "DMA053", "let a, b = find(1)", "proc two() -> (u32, u32) { return 1, 2 }\nproc p() { let a, b = two() }"),
    ("not a constant", "index I shared", "DMA068", "shared", "index I 3"),
    ("an index from one", "index I 1 .. 4", "DMA028", "1", "index I 0 .. 4"),
    ("size divides by zero", "index I 3 / 0", "DMA068", "3 / 0", "index I 3 / 1"),
    ("defined by itself", "const A = B\nconst B = A", "DMA063", "A", "const A = 1\nconst B = A"),
    ("a lock that is none", "proc p(q: Pool) { lock q.size { } }", "DMA020", "q.size", "proc p(q: Pool) { lock q.lock { } }"),
    ("wrong compound", "proc p(b: Buffer) { b.size += shared == 1 }", "DMA027", "b.size += shared == 1", "proc p(b: Buffer) { b.size += 4K }"),
    ("narrowed compound", "proc p(n: u64) { shared += n }", "DMA023", "n", "proc p(n: u64) { shared += u32(n) }"),
    ("two patterns bind", "func f(c: Shape?) -> u32 = match c { circle(x) | box(_, _) -> 1, else -> 2 }", "DMA062", "x",
     "func f(c: Shape?) -> u32 = match c { circle(_) | box(_, _) -> 1, else -> 2 }"),
    ("ghost in a proc", "monitor m code DMA900 { ghost g : u32 = 0\n on stored(c) { g += 1 } }\nproc p() { touch(m.g) }", "DMA059", "m.g",
     "monitor m code DMA900 { ghost g : u32 = 0\n on stored(c) { g += 1 } }\nlemma l: m.g == 0"),
    ("another monitor's ghost", "monitor m code DMA900 { ghost g : u32 = 0 }\nmonitor k code DMA901 { on stored(c) { m.g = 1 } }", "DMA059", "m.g",
     "monitor m code DMA900 { ghost g : u32 = 0 }\nmonitor k code DMA901 { on stored(c) { assert m.g == 0 } }"),
    ("a handler reads the model", "monitor m code DMA900 { on stored(c) { assert shared == 0 } }", "DMA060", "shared",
     "monitor m code DMA900 { always { assert shared == 0 } }"),
    ("a handler reads it through a func", "func peek() -> u32 = shared\nfunc twice() -> u32 = peek() * 2\nmonitor m code DMA900 { on stored(c) { assert twice() == 0 } }",
     "DMA060", "twice", "func peek() -> u32 = shared\nmonitor m code DMA900 { always { assert peek() == 0 } }"),
    ("a handler looks into an object", "monitor m code DMA900 { ghost p : Pool? = null\n on stored(c) { if p is q { assert q.size == 0 } } }", "DMA060", "q.size",
     "monitor m code DMA900 { ghost p : Pool? = null\n on stored(c) { assert p == null } }"),
    ("a handler changes the model", "monitor m code DMA900 { on stored(c) { shared = 1 } }", "DMA060", "shared",
     "monitor m code DMA900 { ghost g : u32 = 0\n on stored(c) { g = 1 } }"),
    ("a clause changes a ghost", "monitor m code DMA900 { ghost g : u32 = 0\n always { g = 1 } }", "DMA062", "g = 1",
     "monitor m code DMA900 { ghost g : u32 = 0\n always { assert g == 0 } }"),
    ("a handler calls a proc", "monitor m code DMA900 { on stored(c) { touch(1) } }", "DMA061", "touch(1)",
     "monitor m code DMA900 { proc ok(n: u32) { assert n == 1 }\n on stored(c) { ok(1) } }"),
    ("a handler's helper reads the model", "monitor m code DMA900 { proc ok() { assert shared == 1 }\n on stored(c) { ok() } }", "DMA060", "ok",
     "monitor m code DMA900 { proc ok() { assert shared == 1 }\n always { ok() } }"),
    ("a clause's helper changes a ghost", "monitor m code DMA900 { ghost g : u32 = 0\n proc up() { g += 1 }\n always { up() } }", "DMA062", "up()",
     "monitor m code DMA900 { ghost g : u32 = 0\n proc up() { g += 1 }\n on stored(c) { up() } }"),
    ("too many event arguments", "monitor m code DMA900 { on stored(a, b, c) { } }", "DMA053", "on stored(a, b, c) { }", "monitor m code DMA900 { on stored(a, b) { } }"),
    ("on what is no event", "monitor m code DMA900 { on touch(a) { } }", "DMA062", "on touch(a) { }", "monitor m code DMA900 { on taken(a) { } }"),
    ("nothing says what is meant", "monitor m code DMA900 { ghost g : Cell -> bool = false\n always for c where red == blue { assert true } }", "DMA025", "c",
     "monitor m code DMA900 { ghost g : Cell -> bool = false\n always for c where g[c] { assert true } }"),
    ("hardware with too many choices", "spontaneous s(n: u32) { shared = n }", "DMA028", "n", "spontaneous s(n: Slot) { shared = u32(n) }"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "code", "place", "good"), [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_rule(tmp_path: Path, bad: str, code: str, place: str, good: str) -> None:
    """The wrong text has this one error at this place; the right one has none."""
    assert said(examine_text(tmp_path, bad)) == [(code, place)]
    assert [s for s in said(examine_text(tmp_path, good)) if s[0] != "DMA066"] == []


FINE = [
    "proc p(d: Device) { let x = pool[d]\n if x == null { return }\n x.size = 1 }",
    "proc p(d: Device) { let x = pool[d]\n if x == null { x = new Pool { base: 0, size: 1 } }\n x.size = 1\n pool[d] = x }",
    "proc p() { assume ring != null\n shared = u32(ring.size) }",
    "proc p() { while ring != null and ring.size > 0 at most 3 { ring = null } }",
    "proc p() { let e = init(1) else return\n init(2) else goto out\n touch(1)\n out: touch(2) }",
    "proc p() { let pg: Page? = null\n pg = find(1) else return\n let q: Page = pg }",
    "proc p(a: bool) { let x: u32 = uninitialised\n if a { x = 1 } else { x = 2 }\n touch(x) }",
    "proc p(a: bool) -> (ok: bool, at: Page?) { if a { return false, null }\n return true, find_it(1) }\nfunc find_it(n: u32) -> Page? = null",
    "proc p() { let ok, at = pair()\n if ok and at != null { shared = u32(at) } }\nproc pair() -> (bool, Page?) { return true, null }",
    "proc p() { for i in 0..4 { if i == 2 { break }\n touch(u32(i)) } }",
    "proc p() { for pos: u32 = 0; pos + 1 <= 8; pos += 1 at most 8 { touch(pos) } }",
    "proc p() { for s in Slot where u32(s) > 1 { touch(u32(s)) } }",
    "proc p(m: u64) { let map = m\n set_bit(map, 3) }",
    "proc p(q: Pool) { lock q.lock irqsave { set_bit(q.bitmap, 3) } }",
    "proc p() { choose { touch(1) } or { touch(2) } }",
    "proc p(s: Shape) { match s { dot -> touch(0)\n circle(r) -> touch(r)\n else -> {} } }",
    "proc p(d: Device) { if fault no_memory { return }\n pool[d] = null }",
    "proc p(e: Extent, d: Device) { for q in e { owner[q] = d }\n emit taken(e, d) }",
    "proc p() { let s = any in Slot; let c = any in {red, blue}; let q = any q in Page where owner[q] == null else return\n touch(u32(s)) }",
    "proc p() { let l: list max 2 of u32 = []\n push 1 to l\n if not full(l) and front(l) is x { touch(x) }\n let y = pop from l else return }",
    "proc p() at most 2 deep { p() }",
    "proc p(n: u32) -> u32 requires n > 0 ensures result == old shared { shared = n\n return n }",
    "proc q(n: u32) -> u32 { return n }\nensures q: result == n",
    "lemma l for q in Page when owner[q] != null: owner[q] is d and d.mask > 0",
    "lemma m for n: u64, k in 0..=3: n >> k <= n",
    'monitor m(d: Device) code DMA900 applies when option.wide { on taken(what, by) { if by == d { assert what.count > 0, "{what} is empty" } } }',
    "monitor m code DMA900 { ghost s : set of (Device, Page)\n on taken(e, d) { s += (d, e.first)\n assert (d, e.first) in s\n s -= (d, e.first) } }",
    "cover stored(_, red)\ncover shared == 3\ncover fault no_memory\nproc p() { if fault no_memory { return } }",
    "spontaneous tick(s: Slot) when shared > 0 { shared = 0 }",
    "work w(d: Device) { pool[d] = null }\nproc p(d: Device) { schedule w(d) }",
]


@pytest.mark.parametrize("text", FINE)
def test_fine(tmp_path: Path, text: str) -> None:
    """Texts without a mistake."""
    assert said(examine_text(tmp_path, text)) == []


def test_atomic_in_a_model(tmp_path: Path) -> None:
    """``atomic`` is for hardware: elsewhere it is a warning, not an error."""
    checked = examine_text(tmp_path, "proc p() { atomic { shared = 1 } }")
    assert [(d.code, d.severity) for d in checked.diagnostics] == [("DMA065", "warning")]


def test_suggestion(tmp_path: Path) -> None:
    """A name that is nearly right is named; one of another module is found there."""
    (d,) = examine_text(tmp_path, "proc p() { tuch(1) }").diagnostics
    assert d.fix == "Did you mean  touch ?"


def test_poison(tmp_path: Path) -> None:
    """A local that only some paths set is marked, so that reading it unset is found by running."""
    text = "proc p(a: bool) { let x: u32 = uninitialised\n let y: u32 = uninitialised\n if a { x = 1 }\n y = 2\n touch(x + y) }"
    checked = examine_text(tmp_path, text)
    assert said(checked) == []
    from dmaverify.lang import ast
    from dmaverify.lang.symbols import LocalSym
    from dmaverify.lang.tree import walk

    (proc,) = [p for p in checked.procs if p.name == "p"]
    poisoned = {
        n.ref.name: n.ref.poison
        for n in walk(proc.body)
        if isinstance(n, ast.Name) and isinstance(n.ref, LocalSym)
    }
    assert poisoned["x"]
    assert not poisoned["y"]


CHAINS = [
    ("\n".join(f"const C{i} = C{i + 1} + 1" for i in range(400)) + "\nconst C400 = 1", {"DMA025"}),
    (
        "\n".join(f"func g{i}(n: u32) -> u32 = g{i + 1}(n) + 1" for i in range(400))
        + "\nfunc g400(n: u32) -> u32 = n",
        set(),
    ),
    ("\n".join(f"proc g{i}() {{ g{i + 1}() }}" for i in range(400)) + "\nproc g400() {}", set()),
    (
        "\n".join(f"const C{i} : u32 = C{i + 1} + 1" for i in range(400))
        + "\nconst C400 : u32 = 1\nindex I C0",
        {"DMA068"},
    ),
    ("func f(n: u32) -> u32 = " + "+".join(["n"] * 200), set()),
    ("func f(n: bool) -> u32 = " + "if n { " * 60 + "1" + " } else { 2 }" * 60, set()),
]


@pytest.mark.parametrize(
    ("text", "codes"), CHAINS, ids=["types", "funcs", "procs", "values", "operators", "branches"]
)
def test_long_and_deep(tmp_path: Path, text: str, codes: set[str]) -> None:
    """Long chains of declarations and deep expressions are checked or refused, and never break the checker."""
    assert {c for c, _ in said(examine_text(tmp_path, text))} == codes


def test_ambiguous(tmp_path: Path) -> None:
    """A name that two equally near modules declare is refused where it is used, unless the module's name stands in front."""
    folder = tmp_path / "spec"
    folder.mkdir()
    (folder / "other.dma").write_text(
        "module spec.other\nfunc count_of(n: u32) -> u32 = n\nenum Mood { red, angry }\n"
    )
    text = "import spec.other\nfunc f(n: u32) -> u32 = count_of(n)\nfunc g() = red\nfunc h(c: Mood) -> bool = c == red\n"
    assert said(examine_text(tmp_path, text)) == [("DMA051", "count_of"), ("DMA051", "red")]
    assert (
        said(examine_text(tmp_path, "import spec.other\nfunc f(n: u32) -> u32 = spec.other.count_of(n)"))
        == []
    )


def test_every_code_is_tested() -> None:
    """Each code that the checker explains is provoked by some test of it."""
    from dmaverify.lang.check import codes

    explained = set(re.findall(r'"(DMA\d+)"', Path(codes.__file__).read_text(encoding="utf-8")))
    tests = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_check_*.py"))
    assert explained
    assert {c for c in explained if f'"{c}"' not in tests} == set()


def test_an_operation_of_the_hardware_stays_one_whoever_says_it(tmp_path: Path) -> None:
    """Who replaces an ``atomic proc`` has to say ``atomic`` again, and is not blamed for it."""
    text = "scenario s\nreplace atomic proc poke() { shared += 1 }\nsequence run on cpu0 { poke() }"
    assert said(examine_text(tmp_path, text, BASE + "atomic proc poke() { shared = 1 }\n")) == []
