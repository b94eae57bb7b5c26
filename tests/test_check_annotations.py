
"""What the checker leaves in the tree for the lowerer: types, conversions, meanings of names."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest

from dmaverify.lang import ast, sem
from dmaverify.lang.check import Checked
from dmaverify.lang.link import load
from dmaverify.lang.symbols import (
    AttrRef,
    BitRef,
    BlockField,
    CastRef,
    EnumCase,
    FieldRef,
    FuncSym,
    LocalSym,
    TypeSym,
    VarSym,
    arrange,
    local_key,
)
from dmaverify.lang.tree import walk
from tests.support.checked import examine_text, said

N = TypeVar("N", bound=ast.Node)


def body(checked: Checked, name: str = "f") -> ast.Node:
    """The body of a func or proc."""
    (sym,) = [s for s in (*checked.funcs, *checked.procs) if s.name == name and s.module == "t"]
    assert isinstance(sym.body, ast.Node)
    return sym.body


def nodes(checked: Checked, kind: type[N], name: str = "f") -> list[N]:
    """All nodes of a kind in the body."""
    return [n for n in walk(body(checked, name)) if isinstance(n, kind)]


def clean(folder: Path, text: str) -> Checked:
    """A text without a mistake."""
    checked = examine_text(folder, text)
    assert said(checked) == []
    return checked


def test_widening_after_the_operation(tmp_path: Path) -> None:
    """``i32 << 12`` is computed in 32 bits; only its result is widened."""
    checked = clean(tmp_path, "func f(n: i32 pages) -> i64 bytes = n << PAGE_SHIFT")
    (shift,) = nodes(checked, ast.Binary)
    assert shift.ty == sem.I32.with_unit("bytes")
    assert shift.conv == sem.I64.with_unit("bytes")
    assert shift.left.conv is None


def test_operand_is_widened(tmp_path: Path) -> None:
    """Of two widths the narrower operand is widened before the operation."""
    checked = clean(tmp_path, "func f(n: u32, m: i64) -> i64 = n + m")
    (plus,) = nodes(checked, ast.Binary)
    assert plus.ty == sem.I64
    assert (plus.left.conv, plus.right.conv) == (sem.I64, None)


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("func f(n: u8) -> u8 = n + 1", ["u8"]),
        ("func f() -> u64 = (1 << 3) - 1", ["u64", "i32", "u64"]),
        ("func f(n: i64 bytes) -> bool = n < 4K", ["i64 bytes"]),
        ("func f(p: phys) -> bool = p == 0", ["phys"]),
        ("func f(p: phys) -> phys = p + 64", ["u64 bytes"]),
        ("func f(n: 1..=4) -> bool = n == 3", ["i32"]),
        ("func f() = 5", ["i32"]),
        ("func f() = 0x1_0000_0000", ["i64"]),
        ("func f() = 0xffff_ffff_ffff_ffff", ["u64"]),
        ("func f() = 4K", ["i64 bytes"]),
        ("func f(a: bool) -> u16? = if a { 3 } else { null }", ["u16"]),
        ("func f(n: u32 pages) -> u32 bytes = n * 4K", []),
    ],
)
def test_literals(tmp_path: Path, text: str, types: list[str]) -> None:
    """A number takes the type that its surroundings ask for, else i32, i64 or u64."""
    checked = examine_text(tmp_path, text)
    if not types:
        assert said(checked) == [("DMA022", "n * 4K")]
        return
    assert said(checked) == []
    assert [str(n.ty) for n in nodes(checked, ast.IntLit)] == types


def test_nullable(tmp_path: Path) -> None:
    """T to T? is recorded; a use that is known not to be null is recorded as well."""
    checked = clean(
        tmp_path,
        "proc f(b: Buffer?) -> Buffer? {\n if b == null { return null }\n shared = u32(b.size)\n return b!\n}",
    )
    uses = [n for n in nodes(checked, ast.Name) if n.name == "b"]
    assert [isinstance(n.ty, sem.OptT) for n in uses] == [True] * 3
    assert [str(n.conv) for n in uses] == ["None", "Buffer", "None"]
    (bang,) = nodes(checked, ast.NonNull)
    assert (str(bang.ty), str(bang.conv)) == ("Buffer", "Buffer?")
    nulls = nodes(checked, ast.NullLit)
    assert all(str(n.ty) == "Buffer?" for n in nulls)


def test_forgotten(tmp_path: Path) -> None:
    """After an assignment, and in a loop that assigns, nothing is known any more."""
    text = "proc f(b: Buffer?) {\n if b == null { return }\n b = null\n shared = u32(b.size)\n}"
    assert said(examine_text(tmp_path, text)) == [("DMA024", "b")]
    text = "proc f(b: Buffer?) {\n if b == null { return }\n while shared > 0 at most 2 {\n shared = u32(b.size)\n b = null\n }\n}"
    assert said(examine_text(tmp_path, text)) == [("DMA024", "b")]


def test_refs(tmp_path: Path) -> None:
    """Fields, calls and names know what they mean."""
    text = (
        "func f(d: Device, c: Cell, e: prot, b: Buffer) -> bool =\n"
        "    d.snoops and c.page.start == phys(b.dma) and e.C and b.size.pages_in > 0 and owner[c.page] == d and shared == 1"
    )
    checked = clean(tmp_path, text)
    kinds = {n.name: type(n.ref) for n in nodes(checked, ast.Field)}
    assert kinds == {
        "snoops": AttrRef, "page": BlockField, "start": BlockField, "dma": FieldRef, "C": BitRef, "size": FieldRef, "pages_in": FuncSym,
    }  # fmt: skip
    (cast,) = nodes(checked, ast.Call)
    assert isinstance(cast.ref, CastRef)
    names = {n.name: type(n.ref) for n in nodes(checked, ast.Name) if n.ref is not None}
    assert names["d"] is LocalSym
    assert names["owner"] is names["shared"] is VarSym


def test_enum_case_by_type(tmp_path: Path) -> None:
    """A bare case belongs to the enum that is wanted, even if another enum has one of that name."""
    text = "enum Other { blue, red }\nfunc f(c: Colour, o: Other) -> bool = c == red and blue == o"
    checked = clean(tmp_path, text)
    cases = [n.ref for n in nodes(checked, ast.Name) if isinstance(n.ref, EnumCase)]
    assert [(c.name, str(c.ty), c.ordinal) for c in cases] == [("red", "Colour", 0), ("blue", "Other", 0)]


def test_locals(tmp_path: Path) -> None:
    """A local is found under the node that introduces it."""
    checked = clean(tmp_path, "func f(e: Extent) -> bool = all p in e: some q in Page: p == q")
    (outer,) = [n for n in nodes(checked, ast.Quant) if n.kind == "all"]
    (inner,) = [n for n in nodes(checked, ast.Quant) if n.kind == "some"]
    found = {
        n.name: n.ref.key for n in nodes(checked, ast.Name) if isinstance(n.ref, LocalSym) and n.name in "pq"
    }
    assert found == {"p": local_key(outer.binders[0], "p"), "q": local_key(inner.binders[0], "q")}
    assert isinstance(inner.binders[0].domain, ast.Name)
    assert isinstance(inner.binders[0].domain.ref, TypeSym)
    assert str(inner.binders[0].domain.ty) == "set of Page"


def test_field_inits(tmp_path: Path) -> None:
    """Every init has its name, whichever way it was written."""
    text = "func f(cpu: virt, n: i64 bytes) -> Buffer = Buffer { cpu, 7, size: n }"
    (lit,) = nodes(clean(tmp_path, text), ast.RecordLit)
    assert [i.name for i in lit.inits] == ["cpu", "dma", "size"]
    (lit,) = nodes(clean(tmp_path, "func f() -> prot = prot { C, PBMT: 1 }"), ast.RecordLit)
    assert [i.name for i in lit.inits] == ["C", "PBMT"]
    assert isinstance(lit.inits[0].value, ast.Name)
    assert isinstance(lit.inits[0].value.ref, BitRef)


def test_arrange(tmp_path: Path) -> None:
    """Arguments by name and left off."""
    checked = clean(
        tmp_path, "func g(a: u32, b: u32 = 2, c: u32 = 3) -> u32 = a\nfunc f() -> u32 = g(c: 1, a: 5)"
    )
    (call,) = nodes(checked, ast.Call)
    values = arrange(call, call.ref.params)
    assert [v.value if isinstance(v, ast.IntLit) else None for v in values] == [5, None, 1]


def test_inherited_signature(tmp_path: Path) -> None:
    """What amends a module takes parameter and result types from there."""
    (tmp_path / "models").mkdir()
    core = "module core\nopen func size(n: i32 pages) -> i64 bytes\nopen const LIMIT : u8\nproc p(n: i32 pages) { let x = size(n) }\n"
    (tmp_path / "models" / "core.dma").write_text("module core\n" + core.partition("\n")[2])
    path = tmp_path / "models" / "v.dma"
    path.write_text(
        "module v amends core\nfunc size(n) = n bytes\nconst LIMIT = 256\nconst PAGE_SHIFT : u32 = 12\n"
    )
    from dmaverify.lang.check import examine

    checked = examine(load(path).program())
    assert said(checked) == [("DMA022", "n bytes"), ("DMA026", "256")]


def test_everything_has_a_type(tmp_path: Path) -> None:
    """After a check without an error no expression is left without a type."""
    from tests.test_check_flow import FINE as FLOW
    from tests.test_check_types import FINE as TYPES

    for text in [*FLOW, *TYPES]:
        checked = examine_text(tmp_path, text)
        for decl in checked.program.scope.decls.values():
            for n in walk(decl):
                if isinstance(n, ast.Expr):
                    for t in (n.ty, n.conv):
                        assert not isinstance(t, sem.ErrorT | sem.LitT | sem.NullT), (text, n)
                    assert isinstance(n.ty, sem.SemType), (text, n)
