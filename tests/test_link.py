"""Linking: modules are found, versions bound, amendments merged, variants made."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.lang.link import Loaded, load
from dmaverify.lang.program import Program
from dmaverify.lang.tree import walk

BASE = {
    "spec/api.dma": """
        module spec.api
        type phys : u64 bytes
        event taken(what: phys)
        func base_of(p: phys) -> phys = p
        """,
    "models/linux/core.dma": """
        /// What all versions share.
        module linux.core
        import spec.api
        option strict : bool = true
        open func size_of(p: phys) -> u64
        open func unused(p: phys) -> u64
        open const WIDTH : u32
        func half(x: u32) -> u32 = x / 2
        proc take(p: phys, n: u32) -> bool
            requires n > 0
            ensures result
        { emit taken(p);  return size_of(p) > 0 }
        proc free(p: phys) {
          book: note(p)
            unlock(p)
        }
        proc note(p: phys) {}
        proc unlock(p: phys) {}
        lemma marked: half(2) == 1
        """,
    "models/linux/v1.2/core-parts.dma": """
        module linux.v1_2.core_parts amends linux.core
        func size_of(p) = 1
        const WIDTH = 8
        """,
    "models/linux/v2/core.dma": """
        module linux.v2.core amends linux.v1_2.core_parts
        replace func half(x) = x >> 1
        replace func size_of(p) = 2
        proc extra(p: phys) {}
        remove lemma marked
        """,
    "models/linux/v1.2/arm.dma": """
        module linux.v1_2.arm
        import linux.core
        use linux.v1_2.core_parts
        """,
    "models/linux/v2/arm.dma": """
        module linux.v2.arm
        import linux.core
        use linux.v2.core
        """,
    "models/boards/b.dma": """
        /// A board.
        scenario b "a board"
        use linux.v1_2.arm
        hardware { page 4K, outer, smmu s0 { levels 2, iova 1..2 } }
        region dram { at 0, size 4K }
        device nic { mask 32, snoops false }
        option strict off
        param n : u32 = 1
        sequence driver on cpu0 {
          get: take(0, n)
          put: free(0)
        }
        client other on cpu1 holding x[1] { may x = take(0, 1) }
        check all
        expect all hold
        cover driver
        """,
}


def project(tmp_path: Path, **changes: str | None) -> Path:
    """A project on disk: the usual files, some changed, added (by path, `/` as `__`) or left out (None)."""
    files: dict[str, str | None] = dict(BASE)
    for key, text in changes.items():
        files[key.replace("__", "/") + ".dma"] = text
    for name, text in files.items():
        if text is not None:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text).lstrip("\n"))
    return tmp_path / "models" / "boards" / "b.dma"


def board(extra: str = "") -> str:
    """The usual board with some more lines."""
    return dedent(BASE["models/boards/b.dma"]) + dedent(extra)


def linked(tmp_path: Path, variant: str | None = None, **changes: str | None) -> Program:
    """The program of the usual project with some changes."""
    return load(project(tmp_path, **changes)).program(variant)


def failing(tmp_path: Path, variant: str | None = None, **changes: str | None) -> list[Diagnostic]:
    """What is wrong with it."""
    path = project(tmp_path, **changes)
    with pytest.raises(DmaError) as caught:
        load(path).program(variant)
    return [d for d in caught.value.diagnostics if d.severity == "error"]


def link_all(path: Path) -> None:
    """Makes the programs of a scenario and of all its variants."""
    loaded = load(path)
    for variant in (None, *loaded.variants):
        loaded.program(variant)


def value(program: Program, module: str, name: str) -> object:
    """The number that a func or const of the program is."""
    linked = program.module_of(module)
    assert linked is not None
    decl = linked.decls[name]
    assert isinstance(decl, ast.FuncDecl | ast.Const | ast.ParamDecl)
    e = decl.body if isinstance(decl, ast.FuncDecl) else decl.value
    return e.value if isinstance(e, ast.IntLit) else e


# ---- modules and versions


def test_a_scenario_with_its_modules(tmp_path: Path) -> None:
    p = linked(tmp_path)
    assert (p.name, p.variant, p.title) == ("b", None, "a board")
    assert list(p.modules) == ["spec.api", "linux.core", "linux.v1_2.arm", "b"]
    assert p.uses == {"linux.core": "linux.v1_2.core_parts"}
    assert p.aliases["linux.v1_2.core_parts"] == "linux.core"
    core = p.modules["linux.core"]
    assert [part.name for part in core.parts] == ["linux.core", "linux.v1_2.core_parts"]
    assert core.imports == ["spec.api"]
    assert (value(p, "linux.core", "size_of"), value(p, "linux.core", "WIDTH")) == (1, 8)
    assert list(core.decls)[:3] == ["size_of", "unused", "WIDTH"]
    assert core.origin[core.decls["size_of"]] == "linux.v1_2.core_parts"
    assert core.origin[core.decls["half"]] == "linux.core"
    assert p.warnings == []


def test_names_are_found_at_the_shortest_distance(tmp_path: Path) -> None:
    p = linked(tmp_path)
    assert [m.name for m, _ in p.find(p.scope, "half")] == ["linux.core"]
    assert [m.name for m, _ in p.find(p.scope, "phys")] == ["spec.api"]
    assert p.find(p.scope, "nothing") == []
    assert [m.name for m, _ in p.find_option(p.scope, "strict")] == ["linux.core"]
    assert [m.name for m in p.visible(p.scope)] == ["b", "linux.v1_2.arm", "linux.core", "spec.api"]
    assert p.find(p.modules["spec.api"], "half") == []


def test_a_version_over_a_version(tmp_path: Path) -> None:
    p = linked(tmp_path, models__boards__b=board().replace("v1_2.arm", "v2.arm"))
    core = p.modules["linux.core"]
    assert [part.name for part in core.parts] == ["linux.core", "linux.v1_2.core_parts", "linux.v2.core"]
    assert value(p, "linux.core", "size_of") == 2
    assert "extra" in core.decls
    assert "marked" not in core.lemmas


def test_amended_signatures_come_from_the_base(tmp_path: Path) -> None:
    p = linked(tmp_path, models__boards__b=board("replace proc take(p, n) { return true }\n"))
    take = p.modules["linux.core"].decls["take"]
    assert isinstance(take, ast.ProcDecl)
    assert [t.name for x in take.params for t in [x.type] if isinstance(t, ast.TypeName)] == ["phys", "u32"]
    assert take.results is not None
    assert (len(take.requires), len(take.ensures)) == (1, 1)
    assert p.modules["linux.core"].origin[take] == "b"
    assert value(p, "linux.core", "size_of") == 1
    again = load(tmp_path / "models/boards/b.dma").program(None)
    assert isinstance(again.modules["linux.core"].decls["take"], ast.ProcDecl)


def test_what_is_one_step_stays_one_unless_it_is_said(tmp_path: Path) -> None:
    extra = """
        variant one { replace atomic proc poke(p) { emit taken(p) } }
        variant several { replace not atomic proc poke(p) { emit taken(p) } }
        """
    loaded = load(project(tmp_path, **STEPS, models__boards__b=board(extra)))
    for name, atomic in (("one", True), ("several", False)):
        poke = loaded.program(name).modules["spec.api"].decls["poke"]
        assert isinstance(poke, ast.ProcDecl)
        assert poke.is_atomic == atomic
    # An empty body like that of the base is not the same if it takes steps.
    again = load(project(tmp_path, **STEPS, models__boards__b=board("variant v { replace not atomic proc poke(p) {} }\n")))
    assert again.program("v").warnings == []


def test_amending_in_one_program_leaves_others_alone(tmp_path: Path) -> None:
    loaded = load(project(tmp_path, models__boards__b=board("variant v { replace func half(x) = 7 }\n")))
    assert value(loaded.program("v"), "linux.core", "half") == 7
    assert isinstance(value(loaded.program(None), "linux.core", "half"), ast.Binary)


def test_what_a_scenario_uses_goes_before_what_its_modules_use(tmp_path: Path) -> None:
    p = linked(tmp_path, models__boards__b=board("use linux.v2.core\n"))
    assert p.uses == {"linux.core": "linux.v2.core"}


def test_importing_what_amends_puts_it_in_force(tmp_path: Path) -> None:
    text = board().replace("use linux.v1_2.arm", "import linux.v2.core")
    assert linked(tmp_path, models__boards__b=text).uses == {"linux.core": "linux.v2.core"}


def test_a_scenario_may_give_what_is_open(tmp_path: Path) -> None:
    text = board("func size_of(p) = 5\nconst WIDTH = 3\n").replace("use linux.v1_2.arm", "import linux.core")
    p = linked(tmp_path, models__boards__b=text)
    assert (value(p, "linux.core", "size_of"), value(p, "linux.core", "WIDTH")) == (5, 3)


def test_a_module_by_itself(tmp_path: Path) -> None:
    project(tmp_path)
    loaded = load(tmp_path / "models" / "linux" / "v2" / "core.dma")
    assert loaded.scenario is None
    assert loaded.variants == []
    p = loaded.program()
    assert p.scope.name == "linux.core"
    assert value(p, "linux.core", "size_of") == 2


def test_what_comes_with_the_tool_can_be_used_from_anywhere(tmp_path: Path, root: Path) -> None:
    if not (root / "spec" / "api.dma").exists():
        pytest.skip("no specification in this checkout")
    path = tmp_path / "s.dma"
    path.write_text("scenario s\nimport spec.api\n")
    p = load(path).program()
    assert "spec.api" in p.modules


def test_shipped_scenarios_link(root: Path) -> None:
    for path in sorted((root / "models" / "boards").glob("*.dma")):
        loaded = load(path)
        for variant in (None, *loaded.variants):
            assert loaded.program(variant).variant == variant


# ---- variants

VARIANTS = """
    variant v2 "another kernel" { use linux.v2.arm;  expect zeroing violated }
    variant big from v2 { param n = 3;  hardware { page 8K, smmu s0 { levels 3 } } }
    variant quiet for all but big { device nic { snoops true };  expect all hold }
    variant some_of for base, v2 { option strict on }
    """


def both(tmp_path: Path, extra: str) -> Loaded:
    """The usual board with some more lines, loaded."""
    return load(project(tmp_path, models__boards__b=board(extra)))


def test_the_names_of_variants(tmp_path: Path) -> None:
    loaded = both(tmp_path, VARIANTS)
    assert loaded.variants == ["v2", "big", "quiet", "quiet@v2", "some_of", "some_of@v2"]
    assert loaded.family("quiet") == ["quiet", "quiet@v2"]
    with pytest.raises(DmaError) as caught:
        loaded.program("none")
    assert caught.value.diagnostics[0].code == "DMA040"


def test_what_variants_change(tmp_path: Path) -> None:
    loaded = both(tmp_path, VARIANTS)
    base, big, quiet = loaded.program(None), loaded.program("big"), loaded.program("quiet@v2")
    assert (base.uses["linux.core"], big.uses["linux.core"]) == ("linux.v1_2.core_parts", "linux.v2.core")
    assert big.title == "another kernel"
    assert value(big, "b", "n") == 3
    assert big.params["n"].type is not None
    assert base.params["n"] is not big.params["n"]
    settings = {s.name: s for s in big.hardware}
    assert list(settings) == ["page", "outer", "smmu"]
    assert isinstance(settings["page"].value, ast.IntLit)
    assert settings["page"].value.value == 8192
    assert settings["smmu"].block is not None
    levels, iova = settings["smmu"].block
    assert isinstance(levels.value, ast.IntLit)
    assert (levels.value.value, iova.name) == (3, "iova")
    snoops = {s.name: s.value for s in quiet.devices["nic"].settings}
    assert isinstance(snoops["snoops"], ast.BoolLit)
    assert snoops["snoops"].value
    assert list(snoops) == ["mask", "snoops"]


def test_expectations_of_variants(tmp_path: Path) -> None:
    loaded = both(tmp_path, VARIANTS)
    base, v2, quiet = (
        loaded.program(None).expects,
        loaded.program("v2").expects,
        loaded.program("quiet@v2").expects,
    )
    assert base.by_subject == {}
    assert base.default is not None
    assert {k: e.verdict for k, e in v2.by_subject.items()} == {"zeroing": "violated"}
    assert v2.default is base.default
    assert quiet.by_subject == {}  # `all hold` says everything anew
    assert quiet.default is not base.default


def test_checks_and_faults(tmp_path: Path) -> None:
    extra = """
        faults a, b at most 2
        variant one { check only zeroing;  faults b at most 1 }
        variant two { check bound(nic, dram);  faults any at most 1 }
        """
    loaded = both(tmp_path, extra)
    one, two = loaded.program("one"), loaded.program("two")
    assert (one.checks.only, [p.text for p in one.checks.props]) == (True, ["zeroing"])
    assert (two.checks.only, [p.text for p in two.checks.props]) == (False, ["bound(nic, dram)"])
    assert [f.names for f in one.faults] == [["b"]]
    assert [f.names for f in two.faults] == [None]


def labels(program: Program, owner: str) -> dict[str, ast.Stmt | None]:
    """The labelled statements of a thread or proc."""
    decl = program.threads.get(owner) or program.find(program.scope, owner)[0][1]
    return {n.label: n.stmt for n in walk(decl) if isinstance(n, ast.Labelled)}


def test_steps_are_replaced_and_dropped(tmp_path: Path) -> None:
    extra = """
        variant a { replace step driver.put {} }
        variant b { drop driver.free }
        variant c { replace step free.book { note(1);  note(2) } }
        variant d { drop free.unlock }
        """
    loaded = both(tmp_path, extra)
    base = loaded.program(None)
    put = labels(loaded.program("a"), "driver")["put"]
    assert isinstance(put, ast.Block)
    assert put.stmts == []
    assert isinstance(labels(base, "driver")["put"], ast.CallStmt)
    assert labels(loaded.program("b"), "driver")["put"] is None
    book = labels(loaded.program("c"), "free")["book"]
    assert isinstance(book, ast.Block)
    assert len(book.stmts) == 2
    calls = [n.func.name for n in walk(loaded.program("d").modules["linux.core"].decls["free"])
             if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]  # fmt: skip
    assert calls == ["note"]
    assert isinstance(labels(base, "free")["book"], ast.CallStmt)


def test_threads_are_replaced_and_moved(tmp_path: Path) -> None:
    extra = """
        variant a { replace sequence driver on cpu2 { free(0) } }
        variant b { start other after driver }
        variant c { sequence third on cpu2 after other { free(0) } }
        variant d { remove client other }
        """
    loaded = both(tmp_path, extra)
    assert loaded.program("a").threads["driver"].on == "cpu2"
    other = loaded.program("b").threads["other"]
    assert isinstance(other, ast.Client)
    assert other.after == ["driver"]
    assert list(loaded.program("c").threads) == ["driver", "other", "third"]
    assert list(loaded.program("d").threads) == ["driver"]
    assert list(loaded.program(None).threads) == ["driver", "other"]


# ---- what is wrong

AMENDS = "module linux.v3.core amends linux.core\nfunc size_of(p) = 1\nconst WIDTH = 8\n"
END = 17
"""The line behind the usual board."""


def v2(text: str) -> dict[str, str]:
    """A second version with one more line (its fourth), in use."""
    return {
        "models__linux__v2__core": AMENDS.replace("v3", "v2") + text,
        "models__boards__b": board("use linux.v2.core\n"),
    }


STEPS = {
    "spec__api": BASE["spec/api.dma"]
    + """
        atomic proc poke(p: phys) {}
        open atomic proc ring(p: phys)
        """,
}
"""Two procs of hardware, one of which somebody else has to give."""

WRONG: list[tuple[str, dict[str, str], str, int, str]] = [
    # name, files that differ, code, line, a piece of what is said
    (
        "missing module",
        {"models__boards__b": "scenario b\nuse linux.v1_2.amr\n"},
        "DMA030",
        2,
        "linux.v1_2.arm",
    ),
    (
        "missing in a module",
        {"models__linux__core": "module linux.core\nimport spec.nothing\n"},
        "DMA030",
        2,
        "spec.nothing",
    ),
    (
        "circle",
        {"spec__api": "module spec.api\nimport linux.core\n"},
        "DMA031",
        2,
        "linux.core -> spec.api -> linux.core",
    ),
    ("itself", {"spec__api": "module spec.api amends spec.api\n"}, "DMA031", 1, "spec.api -> spec.api"),
    ("wrong name", {"spec__api": "module spec.other\n"}, "DMA032", 1, "spec.api"),
    ("a scenario is no module", {"spec__api": "scenario api\n"}, "DMA043", 3, "scenario"),
    (
        "two for one",
        {"models__linux__v3__core": AMENDS, "models__boards__b": board("use linux.v3.core, linux.v2.core\n")},
        "DMA033",
        END,
        "both take the place of linux.core",
    ),
    (
        "twice in a module",
        {"spec__api": "module spec.api\ntype a : u32\nconst a : u32 = 1\n"},
        "DMA034",
        3,
        "twice",
    ),
    ("twice in a scenario", {"models__boards__b": board("var nic : bool = false\n")}, "DMA034", END, "twice"),
    (
        "twice a variant",
        {"models__boards__b": board("variant v {}\nvariant v {}\n")},
        "DMA034",
        END + 1,
        "twice",
    ),
    (
        "replaces nothing",
        v2("replace func haf(x) = 1\n"),
        "DMA035",
        4,
        "half",
    ),
    (
        "removes nothing",
        v2("remove lemma half\n"),
        "DMA035",
        4,
        "no lemma `half`",
    ),
    (
        "there already",
        v2("func half(x) = 1\n"),
        "DMA036",
        4,
        "replace func half",
    ),
    (
        "another kind",
        v2("replace proc half(x) {}\n"),
        "DMA037",
        4,
        "a func",
    ),
    (
        "other parameters",
        v2("replace func half(y) = 1\n"),
        "DMA037",
        4,
        "(x)",
    ),
    (
        "no longer one step",
        {**STEPS, "models__boards__b": board("variant v { replace proc poke(p) {} }\n")},
        "DMA045",
        END,
        "replace atomic proc poke , or  replace not atomic proc poke ",
    ),
    (
        "open, and given in steps",
        {**STEPS, "models__boards__b": board("proc ring(p) {}\n")},
        "DMA045",
        END,
        "Write  atomic proc ring.",
    ),
    (
        "never was one step",
        {**STEPS, "models__boards__b": board("replace not atomic proc note(p) { unlock(p) }\n")},
        "DMA045",
        END,
        "Write  replace proc note .",
    ),
    (
        "another type",
        v2("replace func half(x: u64) = 1\n"),
        "DMA037",
        4,
        "type of x",
    ),
    (
        "another result",
        v2("replace func half(x) -> u64 = 1\n"),
        "DMA037",
        4,
        "result",
    ),
    (
        "open",
        {"models__boards__b": board().replace("use linux.v1_2.arm", "import linux.core")},
        "DMA038",
        5,
        "size_of",
    ),
    (
        "no variant below",
        {"models__boards__b": board("variant v from w {}\nvariant ww {}\n")},
        "DMA040",
        END,
        "w",
    ),
    ("a variant of itself", {"models__boards__b": board("variant v from v {}\n")}, "DMA040", END, "itself"),
    (
        "for one below",
        {"models__boards__b": board("variant v for w {}\nvariant w {}\n")},
        "DMA040",
        END,
        "below",
    ),
    (
        "no label",
        {"models__boards__b": board("variant v { drop driver.gett }\n")},
        "DMA041",
        END,
        "driver.get",
    ),
    ("no owner", {"models__boards__b": board("variant v { drop drivr.get }\n")}, "DMA041", END, "driver"),
    ("no option", {"models__boards__b": board("option strikt on\n")}, "DMA042", END, "strict"),
    (
        "no thread",
        {"models__boards__b": board("variant v { start other after drivr }\n")},
        "DMA044",
        END,
        "driver",
    ),
    (
        "no thread to wait for",
        {"models__boards__b": board("sequence s on cpu0 after drivr {}\n")},
        "DMA044",
        END,
        "driver",
    ),
]


@pytest.mark.parametrize(("name", "files", "code", "line", "piece"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_is_said_once(
    tmp_path: Path, name: str, files: dict[str, str], code: str, line: int, piece: str
) -> None:
    path = project(tmp_path, **files)
    with pytest.raises(DmaError) as caught:
        link_all(path)
    found = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert [(d.code, d.span.line) for d in found] == [(code, line)], str(caught.value)
    said = " ".join([found[0].message, found[0].fix or "", *(text for _, text in found[0].notes)])
    assert piece in said


def test_several_missing_modules_are_said_in_one_run(tmp_path: Path) -> None:
    found = failing(tmp_path, models__boards__b="scenario b\nuse linux.a, linux.b\nimport spec.c\n")
    assert [d.code for d in found] == ["DMA030"] * 3


def test_mistakes_inside_modules_are_said(tmp_path: Path) -> None:
    found = failing(
        tmp_path, spec__api="module spec.api\nproc f( {}\n", models__linux__core="module linux.core\n1\n"
    )
    assert {d.code for d in found} == {"DMA006", "DMA001"} or {d.code for d in found} == {"DMA001"}
    assert any(d.span.file.endswith("core.dma") for d in found)


def test_amendments_that_change_nothing_are_remarked(tmp_path: Path) -> None:
    extra = """
        variant a { replace func half(x) = x / 2 }
        variant b { device nic { mask 32 } }
        variant c { param n = 1 }
        """
    loaded = both(tmp_path, extra)
    for name in "abc":
        assert [d.code for d in loaded.program(name).warnings] == ["DMA039"], name


def test_a_long_chain_of_imports_is_an_error_and_no_crash(tmp_path: Path) -> None:
    project(tmp_path)
    for i in range(1500):
        (tmp_path / "spec" / f"m{i}.dma").write_text(f"module spec.m{i}\nimport spec.m{i + 1}\n")
    (tmp_path / "spec" / "m1500.dma").write_text("module spec.m1500\n")
    path = tmp_path / "models" / "boards" / "long.dma"
    path.write_text("scenario long\nimport spec.m0\n")
    with pytest.raises(DmaError) as caught:
        load(path)
    assert {d.code for d in caught.value.diagnostics} == {"DMA031"}


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = project(tmp_path)
    assert value(load(path).program(), "linux.core", "WIDTH") == 8
    part = tmp_path / "models/linux/v1.2/core-parts.dma"
    part.write_text(part.read_text().replace("WIDTH = 8", "WIDTH = 16"))
    assert value(load(path).program(), "linux.core", "WIDTH") == 16


def test_two_files_for_one_name(tmp_path: Path) -> None:
    path = project(tmp_path)
    (tmp_path / "models" / "linux" / "v1_2").mkdir()
    (tmp_path / "models" / "linux" / "v1_2" / "arm.dma").write_text("module linux.v1_2.arm\n")
    with pytest.raises(DmaError) as caught:
        load(path)
    (only,) = caught.value.diagnostics
    assert only.code == "DMA030"
    assert "could be" in only.message


def outcome(path: Path) -> set[str]:
    """The codes of what is wrong with a scenario; an empty one if nothing is."""
    try:
        link_all(path)
    except DmaError as e:
        return {d.code for d in e.diagnostics if d.render()}
    return {""}


def test_mutated_projects_link_or_give_errors(tmp_path: Path, rounds: Callable[[int, int], int]) -> None:
    """Whole lines taken out, doubled or moved between files: what still parses must link, or say why not."""
    rng = random.Random(7)
    extra = VARIANTS + "variant w { replace func half(x) = 7;  drop free.note;  start other after driver }"
    project(tmp_path, models__boards__b=board(extra))
    files = sorted(tmp_path.rglob("*.dma"))
    texts = {f: f.read_text().split("\n") for f in files}
    outcomes: set[str] = set()
    for _ in range(rounds(200, 5000)):
        chosen = rng.choice(files)
        lines = list(texts[chosen])
        for _ in range(rng.randint(1, 3)):
            i = rng.randrange(len(lines))
            match rng.randrange(3):
                case 0:
                    lines[i] = ""
                case 1:
                    lines.insert(i, rng.choice(texts[rng.choice(files)]))
                case _:
                    lines[i] = lines[i].replace(
                        rng.choice(("half", "core", "v2", "driver", "x", "n")), "other"
                    )
        chosen.write_text("\n".join(lines))
        outcomes |= outcome(tmp_path / "models" / "boards" / "b.dma")
        chosen.write_text("\n".join(texts[chosen]))
    assert {"", "DMA001", "DMA030", "DMA034", "DMA035", "DMA037"} <= outcomes
