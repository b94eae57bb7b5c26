"""The contract of the DMA API (``spec/contract.dma``): what keeps it, what does not, and that each of its promises counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from dmaverify.refinement.results import BY_SIMULATION, DIFFERS, REFINES, VACUOUS, VariantAnswer
from dmaverify.refinement.run import STATES, Task, refine, work
from dmaverify.report.page import plain
from dmaverify.report.refinement import lines
from tests.support.refining import answered

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "models" / "refinement"
CONTRACT = ROOT / "spec" / "contract.dma"


def shipped(file: str, variant: str, contract: str = "spec.contract") -> VariantAnswer:
    name = Path(contract).stem if contract.endswith(".dma") else contract
    named = None if variant == "base" else variant
    return work(Task(str(SHIPPED / f"{file}.dma"), named, (), contract, name, "addresses", STATES, 100.0))


@pytest.mark.parametrize(
    ("file", "variant"),
    [
        *(("device-pool", v) for v in ("v3_10", "v3_18", "v4_9", "v5_10", "v6_1", "base")),
        *(("own-memory", v) for v in ("passed_by@v3_10", "shown", "not_shown@v3_18", "no_bytes", "released_too_early")),
        *(("page-allocator", v) for v in ("v4_9", "base", "thead", "thead_v6_1", "atomic")),
        *(("streaming", v) for v in ("v7", "both_ways@thead", "no_for_cpu", "one_line")),
    ],
)
def test_allocators_refine_the_contract_or_show_where_not(file: str, variant: str) -> None:
    """Some of each family; all of them is ``dmaverify refine models/refinement spec.contract``."""
    v = shipped(file, variant)
    assert v.expected is not None
    assert (v.status, v.mismatch, v.internal, v.diagnostics) == (0, "", "", [])
    assert answered(v).how == BY_SIMULATION, "the contract is label-deterministic"


def test_every_family_is_there() -> None:
    assert {p.stem for p in SHIPPED.glob("*.dma")} >= {"device-pool", "iommu", "own-memory", "page-allocator", "streaming"}
    for p in SHIPPED.glob("*.dma"):
        assert "refines(spec.contract" in p.read_text(encoding="utf-8")


@pytest.mark.parametrize("variant", ["v5_10", "wrong_mask@v4_9"])
def test_an_iommu_has_a_contract_of_its_own(variant: str) -> None:
    v = shipped("iommu", variant, "spec.contract_iommu")
    assert v.expected is not None
    assert (v.status, v.mismatch) == (0, "")
    # the other one says nothing about such a device
    assert answered(shipped("iommu", "base")).word == VACUOUS


def mutant(tmp_path: Path, old: str, new: str) -> str:
    text = CONTRACT.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    file = tmp_path / "mutant.dma"
    file.write_text(text.replace(old, new).replace("module spec.contract", "module mutant"), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("old", "new", "file", "last"),
    [
        pytest.param(
            "        if given == null { emit",
            "        if given == null and false { emit",
            "own-memory",
            "alloc_failed(",
            id="never fails",
        ),
        pytest.param(
            "size > 0 and meant_for",
            "p.start == p.region.start and size > 0 and meant_for",
            "device-pool",
            "allocated(",
            id="the same address each time",
        ),
        pytest.param("            owner[q] = null\n", "", "own-memory", "allocated(", id="no page twice"),
        pytest.param("if rest[c] { null } else { zero }", "newest", "own-memory", "loaded(", id="not zeroed"),
    ],
)
def test_a_contract_that_promises_something_else_is_refused(tmp_path: Path, old: str, new: str, file: str, last: str) -> None:
    report = refine([SHIPPED / f"{file}.dma"], mutant(tmp_path, old, new), variant="base")
    a = answered(next(v for _, v in report.answers()))
    assert a.difference is not None and a.word == DIFFERS
    assert a.difference.last.text.startswith(last)
    assert last in plain(lines(report))
    assert report.exit_status == 1  # nothing is expected of the mutant


@pytest.mark.parametrize(
    ("old", "new", "file", "variant"),
    [
        (
            "    and all q in Page where q.start in p.start +.. PAGE_ALIGN(size): owner[q] == null\n",
            "",
            "device-pool",
            "v3_10",
        ),
        ("if pool[dev] is own {", "if pool[dev] is own and r.no_map {", "own-memory", "passed_by@v3_10"),
        ("u64(d + (size - 1)) <= min_not_zero(mask, attr_of_device[dev].bus_limit)", "true", "own-memory", "beyond_the_mask@v6_1"),
        ("{ if rest[c] { known[c] = zero } }", "{ rest[c] = false }", "own-memory", "shown"),
    ],
    ids=["disjoint", "its own memory", "reachable", "zeroed"],
)
def test_each_promise_is_what_refuses_somebody(tmp_path: Path, old: str, new: str, file: str, variant: str) -> None:
    assert answered(shipped(file, variant, mutant(tmp_path, old, new))).word == REFINES
