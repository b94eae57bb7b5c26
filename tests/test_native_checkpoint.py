"""Checkpoints of native searches: whatever ends the process, the search goes on, and ends as if nothing had happened."""

from __future__ import annotations

import functools
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

from dmaverify.engines.base import Budget
from dmaverify.engines.explicit import explore
from dmaverify.engines.native import machine as machine_module
from dmaverify.engines.native import search as search_module
from dmaverify.engines.native.checkpoint import Recorded
from dmaverify.engines.native.exploration import NativeExploration
from dmaverify.engines.successors import Compiled
from dmaverify.ir.pipeline import to_core
from dmaverify.ir.system import System
from tests.support.random_system import random_system
from tests.support.yardstick import DEPTH, STATES, TRANSITIONS, allocator

OFTEN = 1e-6


class Ended(Exception):
    """In the place of whatever ends a process."""


class Mortal(Recorded):
    """Ends after so many checkpoints."""

    left = 0

    def save(self) -> None:
        super().save()
        self.left -= 1
        if self.left < 0:
            raise Ended


def lives(system: System, folder: Path, each: int, threads: int = 1, deadlock: bool = True) -> tuple[NativeExploration, int]:
    """A search that is ended after every so many checkpoints, to its end; and how often it was ended."""
    ended = 0
    while True:
        budget = Budget(checkpoint=str(folder), checkpoint_every=OFTEN)
        search = Mortal(Compiled(system), budget, deadlock=deadlock, thorough=True, name="explicit", threads=threads)
        search.left = each
        search.machine.quota = 2  # so that passes are interrupted in the middle
        try:
            result = search.explore()
            assert not result.warnings
            return result, ended
        except Ended:
            ended += 1
            search.result.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_search_in_many_lives(threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With hits, deadlocks and weights: the same in the end."""
    monkeypatch.setattr(search_module, "LOOK", 1)
    monkeypatch.setattr(machine_module, "UNIT", 3)
    monkeypatch.setattr(machine_module, "Code", functools.cache(machine_module.Code))  # each life compiles the same
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    rng = random.Random(7)
    seen = ended = 0
    while seen < 2:
        system = to_core(random_system(rng, 2)).system
        python = explore(system, Budget(states=1000), deadlock=True)
        if python.reason or python.states < 200:
            continue
        native, deaths = lives(system, tmp_path / str(seen), 25, threads)
        for what in ("states", "transitions", "depth", "complete", "reason", "exercised"):
            assert getattr(python, what) == getattr(native, what), what
        assert {k: f.cost for k, f in python.found.items()} == {k: f.cost for k, f in native.found.items()}
        assert (python.dead and python.dead.cost) == (native.dead and native.dead.cost)
        for found in native.found.values():
            assert native.way(found)[-1][0] == found.state
        native.close()
        seen, ended = seen + 1, ended + deaths
    assert ended > 2


def test_what_is_damaged_is_not_used(tmp_path: Path) -> None:
    """The search says so and begins again."""
    system = allocator(5, 2)
    budget = Budget(checkpoint=str(tmp_path), checkpoint_every=OFTEN)

    def search() -> NativeExploration:
        result = Recorded(Compiled(system), replace(budget), deadlock=False, thorough=True, name="explicit").explore()
        result.close()
        assert (result.states, result.complete) == (STATES[5, 2], True)
        return result

    assert not search().warnings
    assert not search().warnings, "and of use"
    (folder,) = tmp_path.iterdir()
    for name, spoil in (
        ("arena", lambda b: b[:5000] + bytes([b[5000] ^ 1]) + b[5001:]),
        ("arena", lambda b: b[:-9]),
        ("position", lambda b: b[:-3]),
        ("position", lambda b: b.replace(b'"count"', b'"Count"')),
    ):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(spoil(whole))
        (warning,) = search().warnings
        assert "of no use" in warning
        assert not search().warnings, "it is replaced by a good one"


def test_a_larger_budget_goes_on(tmp_path: Path) -> None:
    """Where a smaller one had stopped."""
    system = allocator(6, 2)

    def search(budget: Budget) -> NativeExploration:
        budget = replace(budget, checkpoint=str(tmp_path))
        result = Recorded(Compiled(system), budget, deadlock=False, thorough=True, name="explicit").explore()
        result.close()
        return result

    few = search(Budget(states=30_000))
    assert (few.complete, few.reason) == (False, "states") and few.states <= 30_000
    deep = search(Budget(depth=12))
    assert (deep.complete, deep.reason, deep.depth) == (False, "depth", 12)
    whole = search(Budget())
    assert (whole.states, whole.transitions, whole.depth) == (STATES[6, 2], TRANSITIONS[6, 2], DEPTH[6, 2])


SCENARIO = """
scenario mesh
index Cell 14
var at : Cell -> 0..3 = 0
spontaneous up(c: Cell) when at[c] < 2 and (u32(c) == 0 or some d in Cell: u32(d) + 1 == u32(c) and at[d] > 0) { at[c] = at[c] + 1 }
spontaneous down(c: Cell) when at[c] > 0 { at[c] = at[c] - 1 }
monitor room code DMA901 {
    always for c in Cell { assert at[c] < 4, "cell {c} is full" }
}
check only room
expect room holds
"""


@pytest.mark.slow
def test_killed_ten_times(tmp_path: Path) -> None:
    """At random moments, with no chance to tidy up; the verdict, the counts and the trace are those of a run in one piece."""
    text = tmp_path / "mesh.dma"
    text.write_text(SCENARIO)
    base = [sys.executable, "-m", "dmaverify"]
    check = ["check", str(text), "--engine", "explicit", "--no-slice", "--format", "json", "--jobs", "1"]
    folder = tmp_path / "checkpoints"
    root = str(Path(__file__).resolve().parent.parent)
    environment = {**os.environ, "PYTHONPATH": root}

    def run(*arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*base, *arguments], stdout=subprocess.PIPE, cwd=tmp_path, env=environment)

    whole, _ = run(*check).communicate(timeout=120)
    rng = random.Random(2)
    process = run(*check, "--checkpoint", str(folder), "--checkpoint-every", "0.01")
    saved = [0]
    while len(saved) <= 10:
        while process.poll() is None and _size(folder) <= saved[-1]:
            time.sleep(0.005)
        time.sleep(0.1 * rng.random())
        process.kill()
        process.communicate(timeout=120)
        saved.append(_size(folder))
        process = run("resume", str(folder))
    resumed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    assert saved == sorted(saved) and len(set(saved)) > 5, "each goes on where the one before was"
    assert _facts(whole) == _facts(resumed)


def _size(folder: Path) -> int:
    """How many bytes of states are in the folder of checkpoints."""
    return max((f.stat().st_size for f in folder.glob("search-*/arena")), default=0)


def _facts(report: bytes) -> list[tuple[object, ...]]:
    found = []
    for scenario in json.loads(report)["scenarios"]:
        for variant in scenario["variants"]:
            for p in variant["properties"]:
                found.append((p["name"], p["verdict"], p["states"], p["transitions"]))
    return found
