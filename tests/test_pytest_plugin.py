"""Scenarios as tests of pytest, in projects of their own, each in a process of its own as a user would run it."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ElementTree
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from dmaverify.pytest_plugin import listing

pytest_plugins = ["pytester"]

DATA = Path(__file__).parent / "data" / "lower"
BOARD = "models/boards/two-cpus.dma"
VARIANTS = ("base", "no_lock", "half")
PROPERTIES = ("no_overlap", "marked", "bound")

MANY = """\
scenario many
import spec.kit
param n : u32 in 1..=2
monitor small code DMA199 {
    ghost most : u32 = 0
    on happened(k) {
        assert k <= 2, "{k} is more than 2"
        most = k
    }
}
sequence driver on cpu0 {
    add(n)
    emit happened(n)
    if n > 1 { assert shared == 1, "it is {shared}" }
}
check small
expect small holds
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with a specification, models and one scenario of three variants."""
    for part in ("spec", "models"):
        shutil.copytree(DATA / part, pytester.path / part)
    return pytester


def break_it(project: pytest.Pytester) -> None:
    """The scenario expects the wrong thing of two variants."""
    board = project.path / BOARD
    text = board.read_text(encoding="utf-8").replace("expect no_overlap holds, marked holds", "expect no_overlap violated")
    text = text.replace("use unlocked\n    expect no_overlap violated", "use unlocked\n    expect no_overlap holds")
    board.write_text(text, encoding="utf-8")


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    """One session, with nothing but its own arguments."""
    return project.runpytest_subprocess("-p", "no:hypothesispytest", *args, timeout=120)


def test_it_is_installed_with_the_package() -> None:
    assert [e.value for e in entry_points(group="pytest11", name="dmaverify")] == ["dmaverify.pytest_plugin"]


def test_a_folder_that_is_named_is_collected_and_passes(project: pytest.Pytester) -> None:
    """Every property of every variant, expected violations among them; modules are no tests."""
    result = run(project, "models/", "-v")
    result.assert_outcomes(passed=9)
    ids = re.findall(r"^(\S+) PASSED", result.stdout.str(), re.MULTILINE)
    assert ids == [f"{BOARD}::{v}::{p}" for v in VARIANTS for p in PROPERTIES]
    assert result.ret == 0


def test_it_costs_nothing_where_it_is_not_asked_for(project: pytest.Pytester) -> None:
    """Without a setting or an argument no scenario is collected, and nothing of the tool but the plugin is imported."""
    project.makepyfile(
        test_own="""
        import sys

        def test_imports():
            assert {m for m in sys.modules if m.partition(".")[0] in ("dmaverify", "lark", "z3", "networkx", "hypothesis")} <= {
                "dmaverify", "dmaverify.pytest_plugin",
            }
        """
    )
    result = run(project)
    result.assert_outcomes(passed=1)


def test_settings_say_which_folders_are_meant(project: pytest.Pytester) -> None:
    """With ``dmaverify_paths`` only what lies there, and files that are named one by one; -m and markers of conftest.py work."""
    project.makeini("[pytest]\ndmaverify_paths = models\naddopts = --strict-markers --strict-config\n")
    shutil.copytree(project.path / "models", project.path / "data" / "models")
    shutil.copytree(project.path / "spec", project.path / "data" / "spec")
    project.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            for item in items:
                if item.nodeid.endswith("half::marked"):
                    item.add_marker(pytest.mark.skip(reason="not now"))
                if item.nodeid.endswith("half::bound"):
                    item.add_marker(pytest.mark.xfail(strict=True))
        """
    )
    project.makepyfile(test_own="def test_it(): pass")
    listed = run(project, "--collect-only", "-q", "-m", "dma")
    assert "data/" not in listed.stdout.str()
    assert f"{BOARD}::half::marked" in listed.stdout.str()
    assert "test_own" not in listed.stdout.str()
    result = run(project, "-k", "half or test_it", "-rA")
    result.assert_outcomes(passed=2, skipped=1, failed=1)  # strict: bound does hold
    named = run(project, f"data/{BOARD}::base::bound", "-m", "dma(kind='builtin')")
    named.assert_outcomes(passed=1)


def test_a_verdict_that_is_not_expected_is_told_as_a_trace(project: pytest.Pytester) -> None:
    """The failure is the counterexample; the summary names the place; JUnit is pytest's own."""
    break_it(project)
    result = run(project, "models", "--junitxml=out.xml", "-o", "junit_family=xunit2")
    result.assert_outcomes(passed=7, failed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "no_overlap: expected violated, got exhausted",
            "no_overlap: expected holds, got VIOLATED",
            "no_overlap VIOLATED [[]DMA101[]]  6 steps, none shorter*two_cpus, variant no_lock",
            "*dram+0x0 is given out again",
            "*emit taken(p)*pool:18*<- seen",
            "*again     dmaverify check models/boards/two-cpus.dma --variant no_lock --property no_overlap",
            f"FAILED {BOARD}::no_lock::no_overlap - expected holds*",
        ]
    )
    assert "Traceback" not in result.stdout.str()
    root = ElementTree.parse(project.path / "out.xml").getroot()
    cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
    assert len(cases) == 9
    failed = {where: failure for where, c in cases.items() if (failure := c.find("failure")) is not None}
    assert set(failed) == {("models.boards.two-cpus.dma.base", "no_overlap"), ("models.boards.two-cpus.dma.no_lock", "no_overlap")}
    message = failed["models.boards.two-cpus.dma.no_lock", "no_overlap"].get("message") or ""
    assert re.search(r"two-cpus\.dma:8: dram\+0x0 is given out again$", message)


def test_the_first_failure_can_end_the_run_and_be_tried_first(project: pytest.Pytester) -> None:
    break_it(project)
    first = run(project, "models", "-x")
    first.assert_outcomes(failed=1)
    again = run(project, "models", "--last-failed")
    again.assert_outcomes(failed=1)


def test_workers_share_the_variants(project: pytest.Pytester) -> None:
    """With -n the verdicts and the traces are the same, and a variant is decided by one worker."""
    break_it(project)
    result = run(project, "models", "-n", "2", "-v")
    result.assert_outcomes(passed=7, failed=2)
    result.stdout.fnmatch_lines(["no_overlap VIOLATED [[]DMA101[]]  6 steps, none shorter*two_cpus, variant no_lock"])
    found = re.findall(r"^\[(gw\d)\].*(?:PASSED|FAILED) \S+\.dma::(\w+)::", result.stdout.str(), re.MULTILINE)
    workers = {v: {w for w, name in found if name == v} for v in VARIANTS}
    assert len(found) == 9
    assert all(len(w) == 1 for w in workers.values())


def test_wrong_input_is_an_error_of_the_collection(project: pytest.Pytester) -> None:
    (project.path / "models" / "bad.dma").write_text("scenario bad\nuse no.such.module\n", encoding="utf-8")
    result = run(project, "models")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["error[[]DMA030[]]: there is no module no.such.module", "  models/bad.dma:2:5"])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize("limit", ["timeout", "property_timeout"])
def test_what_was_not_decided_does_not_pass(project: pytest.Pytester, limit: str) -> None:
    """Bounded and vacuous are no verdicts to rely on."""
    result = run(project, "models", "-k", "base and marked", "-o", "dmaverify_engine=bmc", "-o", f"dmaverify_{limit}=0.3")
    result.assert_outcomes(failed=1, deselected=8)
    result.stdout.fnmatch_lines(["marked: expected holds, got *"])
    (project.path / "models" / "boards" / "still.dma").write_text(
        "scenario still\nuse locked\nregion dram { at 0x8000_0000  size 8K }\nsequence one on cpu0 { }\ncheck only no_overlap\n",
        encoding="utf-8",
    )
    result = run(project, "models/boards/still.dma")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["no_overlap: never put to the test"])


def test_larger_instances_may_have_more_properties(project: pytest.Pytester) -> None:
    """What is listed comes from the smallest instance; a failure that only a larger one can have is not lost."""
    board = project.path / "models" / "many.dma"
    board.write_text(MANY, encoding="utf-8")
    result = run(project, "models/many.dma", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*::small PASSED*", "*::others FAILED*", "asserts: violated, and nothing*", "*it is 2"])


def test_strict_has_a_test_for_what_never_happens(project: pytest.Pytester) -> None:
    board = project.path / BOARD
    text = board.read_text(encoding="utf-8")
    never = "var bell : bool = false\nsequence late on cpu0 { wait bell }\n\ncheck only"
    board.write_text(text.replace("check only", never), encoding="utf-8")
    run(project, "models", "-k", "base").assert_outcomes(passed=3, deselected=6)
    result = run(project, "models", "-k", "base", "-o", "dmaverify_strict=true", "--junitxml=out.xml")
    result.assert_outcomes(passed=3, failed=1, deselected=8)
    result.stdout.fnmatch_lines(["late never reaches its end *", "FAILED *::base::probes - *"])


def test_listings_are_remembered_until_a_source_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(DATA, tmp_path / "p")
    cache = tmp_path / "cache"
    cache.mkdir()
    board = str(tmp_path / "p" / BOARD)
    name, first = listing.Listings(cache).variants(board)
    assert name == "two_cpus"
    assert [v.variant for v in first] == [None, "no_lock", "half"]
    assert [p.name for p in first[0].props] == list(PROPERTIES)
    assert first[1].props[0].expects == "violated"
    assert first[1].props[0].code == "DMA101"
    assert first[0].props[2].kind == "builtin"

    def compiled(file: str, variant: str | None) -> tuple[listing.Listed, tuple[str, ...]]:
        return listing.Listed(variant, (), False), (file,)

    monkeypatch.setattr(listing, "_compiled", compiled)
    assert listing.Listings(cache).variants(board) == ("two_cpus", first)
    assert listing.Listings(None).variants(board)[1] != first
    pool = tmp_path / "p" / "models" / "pool.dma"  # not the scenario, but one of its modules
    pool.write_text(pool.read_text(encoding="utf-8") + "\n// a change\n", encoding="utf-8")
    assert listing.Listings(cache).variants(board)[1] != first


# -- docs/ci.md --------------------------------------------------------------------------------------------


def test_the_manual_can_be_followed(pytester: pytest.Pytester, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model of docs/ci.md passes with the specification of the package alone; the change that it describes fails as it shows."""
    text = (root / "docs" / "ci.md").read_text(encoding="utf-8")
    monkeypatch.setenv("CI", "true")  # there pytest does not cut lines
    found = re.search(r"<!-- file: (\S+) -->\n```\n(.*?)```", text, re.DOTALL)
    assert found is not None
    path, model = pytester.path / found[1], found[2]
    path.parent.mkdir()
    path.write_text(model, encoding="utf-8")
    result = run(pytester, "models/")
    result.assert_outcomes(passed=6)
    assert result.ret == 0
    assert "models/camera.dma ......    " in text
    lines = model.splitlines()
    assert "dma_alloc_coherent(camera, 4K)" in lines[17 - 1]
    path.write_text(model.replace("(camera, 4K)", "(camera, 100)"), encoding="utf-8")
    result = run(pytester, "models/")
    result.assert_outcomes(passed=5, failed=1)
    shown = re.findall(r"<!-- output: pytest models/ -->\n```\n(.*?)```", text, re.DOTALL)
    assert len(shown) == 2
    for block in shown:
        assert block in result.stdout.str()


def test_the_script_and_the_job_of_the_manual_do_the_same(root: Path) -> None:
    text = (root / "docs" / "ci.md").read_text(encoding="utf-8")
    (job,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (script,) = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    steps = re.findall(r"^ +run: (.*)$", job, re.MULTILINE)
    assert len(steps) == 4
    lines = [line.partition(" || ")[0] for line in script.splitlines()]
    assert [line for line in lines if line in steps] == steps
