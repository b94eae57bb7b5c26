"""Every scenario that is shipped, by native code and by Python, with each reduction on and off: one verdict, one length.

That is, for each property: with steps fused and not, with slices and without, modulo symmetry (where there is any) and not, each of
them by both searches. A run without ``--campaign`` takes some boards, and of the corpus of bugs a few that a seed chooses, as they
stand; with it, every variant of all. A search of more than ``MOST`` states is given up by both searches alike: what is said of it is
only that.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import ExplicitEngine, explore, reduction_of
from dmaverify.engines.exploration import outcome_of
from dmaverify.engines.successors import Compiled
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.slice import Slice
from dmaverify.lang.compile import checked_program as checked
from dmaverify.lang.compile import compile_scenario, param_instances, wide_params
from dmaverify.lang.link import load
from dmaverify.verdict import Outcome, Word

MODELS = Path(__file__).resolve().parent.parent / "models"
FILES = [
    *sorted((MODELS / "boards").glob("*.dma")),
    *sorted((MODELS / "bugs").glob("*/scenario.dma")),
    *sorted((MODELS / "refinement").glob("*.dma")),
]
SEED, FEW = 20, 3
"""What chooses from the corpus, and how many."""

MANY = 10**9
MOST = 150_000


def name_of(path: Path) -> str:
    """``boards/…``, ``bugs/…`` or ``refinement/…``."""
    short = path.parent if path.name == "scenario.dma" else path.with_suffix("")
    return str(short.relative_to(MODELS))


BUGS = [name_of(p) for p in FILES if p.name == "scenario.dma"]
USUAL = {
    *("boards/outer-order", "boards/rx-once", "boards/wrong-size-free", "boards/zero-size", "refinement/device-pool"),
    *random.Random(SEED).sample(BUGS, FEW),
}


@dataclass(frozen=True)
class Said:
    """What is said of one property by all slices together."""

    violated: bool
    length: int | None


@dataclass
class Compared:
    """What was compared of one variant: searches by both, how many of them modulo symmetry, and how many were given up."""

    searches: int = 0
    reduced: int = 0
    given_up: int = 0
    found: dict[str, dict[tuple[bool, bool], Said | None]] = field(default_factory=dict)


def said(outcomes: Sequence[Outcome]) -> Said | None:
    """None where a search did not come to its end."""
    lengths = [o.trace.length for o in outcomes if o.word is Word.VIOLATED and o.trace is not None]
    if any(o.word not in (Word.VIOLATED, Word.EXHAUSTED) for o in outcomes):
        return None
    return Said(bool(lengths), min(lengths, default=None))


def same(where: object, a: Sequence[Outcome], b: Sequence[Outcome], counts: bool) -> None:
    """Two searches of one slice, of which both or neither came to an end; ``counts``: of the same states."""
    for x, y in zip(a, b, strict=True):
        assert (x.word, x.exercised, x.covers) == (y.word, y.exercised, y.covers), (where, x.prop)
        assert (x.trace is None) == (y.trace is None), (where, x.prop)
        if x.trace is not None and y.trace is not None:
            assert x.trace.length == y.trace.length, (where, x.prop)
        if counts and x.word is not Word.UNKNOWN:
            assert (x.states, x.transitions) == (y.states, y.transitions), (where, x.prop)


def compare(where: object, part: Slice, so_far: Compared) -> list[Outcome]:
    """One slice by both searches, modulo symmetry and not; what native code says of it without."""
    system, properties, budget = part.system, part.properties, Budget(states=MOST)
    native = ExplicitEngine(thorough=False, few=0, symmetry=False).run(system, properties, budget)
    python = ExplicitEngine(thorough=False, few=MANY, symmetry=False).run(system, properties, budget)
    same((where, "native", "python"), native, python, True)
    so_far.searches += 1
    so_far.given_up += any(o.word is Word.UNKNOWN for o in native)
    canonical = reduction_of(Compiled(system))
    if canonical is not None:
        so_far.reduced += 1
        less = ExplicitEngine(thorough=False, few=0, symmetry=True).run(system, properties, budget)
        search = explore(system, budget, thorough=False, canonical=canonical)
        same((where, "modulo symmetry"), less, [outcome_of(search, p, 0.0, "explicit") for p in properties], True)
        for whole, small in zip(native, less, strict=True):
            if whole.word is not Word.UNKNOWN:
                same((where, "all", "modulo symmetry"), [whole], [small], False)
    return native


def compared(path: Path, variant: str | None, params: Mapping[str, object]) -> Compared:
    """One instance of one variant, fused and not, sliced and not."""
    compiled = compile_scenario(path, variant, dict(params))
    core = to_core(compiled.system)
    result = Compared()
    for fuse, slice in ((True, True), (False, True), (True, False), (False, False)):
        all_of: dict[str, list[Outcome]] = {}
        for part in prepare(core, compiled.asked, fuse=fuse, slice=slice, stops=True).slices:
            for n in compare((variant, params, fuse, slice), part, result):
                all_of.setdefault(n.prop, []).append(n)
        for prop, outcomes in all_of.items():
            result.found.setdefault(prop, {})[fuse, slice] = said(outcomes)
    return result


@pytest.mark.campaign
@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_native_code_and_python_agree_whatever_is_reduced(path: Path, campaign: bool) -> None:
    if not campaign and name_of(path) not in USUAL:
        pytest.skip("with --campaign")
    for variant in [None, *load(path).variants] if campaign else [None]:
        if wide_params(checked(path, variant)):
            continue  # for all values of a parameter: nothing that could be listed
        result = compared(path, variant, param_instances(path, variant)[0])
        print(name_of(path), variant, f"{result.searches} searches, {result.reduced} with symmetry, {result.given_up} given up")
        for prop, ways in result.found.items():
            known = {s for s in ways.values() if s is not None}
            assert len(known) <= 1, (variant, prop, ways)
            # what nothing in the scenario has a say in has no slice
            assert ways.get((True, True), Said(False, None)) is not None, (variant, prop)
            assert (True, True) in ways or not any(s.violated for s in known), (variant, prop, ways)
