"""Every scenario that is shipped, by native code and by Python, with each reduction on and off: one verdict, one length.

A run without ``--campaign`` takes the scenario as it stands of a few boards; with it, every variant of all. What has too many
states without a reduction is left out there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import ExplicitEngine
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.lang.compile import checked_program as checked
from dmaverify.lang.compile import compile_scenario, param_instances, wide_params
from dmaverify.lang.link import load
from dmaverify.verdict import Outcome, Word

BOARDS = sorted((Path(__file__).resolve().parent.parent / "models" / "boards").glob("*.dma"))
USUAL = ("outer-order", "rx-once", "wrong-size-free", "zero-size")
MANY = 10**9
MOST = 150_000


@dataclass(frozen=True)
class Said:
    """What is said of one property by all slices together."""

    violated: bool
    length: int | None


def said(outcomes: list[Outcome]) -> Said | None:
    """None where a search did not come to its end."""
    lengths = [o.trace.length for o in outcomes if o.word is Word.VIOLATED and o.trace is not None]
    if any(o.word not in (Word.VIOLATED, Word.EXHAUSTED) for o in outcomes):
        return None
    return Said(bool(lengths), min(lengths, default=None))


def variants(path: Path, everything: bool) -> list[str | None]:
    return [None, *load(path).variants] if everything else [None]


@pytest.mark.campaign
@pytest.mark.parametrize("path", BOARDS, ids=lambda p: p.stem)
def test_native_code_and_python_agree_whatever_is_reduced(path: Path, campaign: bool) -> None:
    if not campaign and path.stem not in USUAL:
        pytest.skip("with --campaign")
    for variant in variants(path, campaign):
        if wide_params(checked(path, variant)):
            continue
        compiled = compile_scenario(path, variant, param_instances(path, variant)[0])
        core = to_core(compiled.system)
        found: dict[str, dict[tuple[bool, bool], Said | None]] = {}
        for fuse, slice in ((True, True), (False, True), (True, False), (False, False)):
            parts = prepare(core, compiled.asked, fuse=fuse, slice=slice, stops=True).slices
            all_of: dict[str, list[Outcome]] = {}
            for part in parts:
                budget = Budget(states=MOST)
                native = ExplicitEngine(thorough=False, few=0, symmetry=False).run(part.system, part.properties, budget)
                for n in native:
                    all_of.setdefault(n.prop, []).append(n)
                if any(n.states > MOST // 10 for n in native) and not campaign:
                    continue
                python = ExplicitEngine(thorough=False, few=MANY, symmetry=False).run(part.system, part.properties, budget)
                for n, p in zip(native, python, strict=True):
                    assert (n.word, n.exercised, n.covers) == (p.word, p.exercised, p.covers), (variant, fuse, slice, n.prop)
                    if p.word is not Word.UNKNOWN:
                        assert (n.states, n.transitions) == (p.states, p.transitions), (variant, fuse, slice, n.prop)
                    if n.trace is not None and p.trace is not None:
                        assert n.trace.length == p.trace.length, (variant, fuse, slice, n.prop)
            for prop, outcomes in all_of.items():
                found.setdefault(prop, {})[fuse, slice] = said(outcomes)
        for prop, ways in found.items():
            known = {s for s in ways.values() if s is not None}
            assert len(known) <= 1, (variant, prop, ways)
            # what nothing in the scenario has a say in has no slice
            assert ways.get((True, True), Said(False, None)) is not None, (variant, prop)
            assert (True, True) in ways or not any(s.violated for s in known), (variant, prop, ways)
