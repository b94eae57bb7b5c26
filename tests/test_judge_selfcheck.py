"""The judge against the compiler: a run of the reference System, told as plain events, fails at the same
events and clauses.

The two meanings of a monitor's text share the parser and the checker only, so that each finds the other's
mistakes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import dmaverify
from dmaverify.checking.walk import random_walk
from dmaverify.engines.interp import Failed, Interpreter
from dmaverify.engines.replay import replay
from dmaverify.evidence.events import Run, run_of
from dmaverify.evidence.report import judge_file
from dmaverify.evidence.selfcheck import SelfCheck, self_check, stream_of
from dmaverify.evidence.stream import write
from dmaverify.ir.expr import FALSE, TRUE
from dmaverify.ir.system import Check, Emit, System
from dmaverify.lang.compile import compile_scenario
from dmaverify.verdict import Step, Trace

BOARDS = Path(__file__).resolve().parent.parent / "models" / "boards"

SCENARIOS = [
    ("shared-pool.dma", None),
    ("shared-pool.dma", "v3_10"),
    ("shared-pool.dma", "unlocked_free"),
    ("racing-probes.dma", "v4_9"),
    ("wrong-size-free.dma", None),
    ("zero-size.dma", None),
    ("probing.dma", "disabled"),
    ("half-line.dma", "arm926"),
    ("rx-once.dma", None),
    ("rx-reuse.dma", "arm926"),
    ("rx-reuse.dma", "header_rewritten@arm926"),
    ("iova-reuse.dma", "no_sync"),
    ("pool-behind-smmu.dma", "no_pool"),
    ("c920-ethernet.dma", None),
    ("vexpress-clcd.dma", "not_exclusive"),
    ("vmap-fails.dma", "any_step@v4_9"),
]
WALKS = 63
"""For each scenario: a thousand together."""

FAILING = [
    ("shared-pool.dma", "v3_10"),
    ("racing-probes.dma", "v4_9"),
    ("wrong-size-free.dma", None),
    ("zero-size.dma", None),
    ("probing.dma", "disabled"),
    ("half-line.dma", "arm926"),
    ("rx-reuse.dma", "header_rewritten@arm926"),
    ("rollback.dma", "label_too_low"),
]
"""Where some event clause must fail on the way, so that it is not silence that agrees."""


def _first_failing(board: Board) -> tuple[Run, int, Failed]:
    """A run in which no_overlap fails, after how many steps, and what fails."""
    for run in board.runs(50):
        interp = Interpreter(run.system)
        for n, (state, action, given) in enumerate(run.steps, start=1):
            for failed in interp.step(state, action, given).failures:
                if failed.prop == "no_overlap":
                    return run, n, failed
    raise AssertionError("no run fails")


@pytest.mark.parametrize(("file", "variant"), SCENARIOS)
def test_random_runs_are_judged_alike(file: str, variant: str | None, rounds: Callable[[int, int], int]) -> None:
    board = Board(file, variant)
    check = SelfCheck(board.compiled)
    steps = 40 if (file, variant) in FAILING else 15
    for seed, run in enumerate(board.runs(rounds(WALKS, 10 * WALKS), steps)):
        assert check.run(run) == [], f"walk {seed}"
    if (file, variant) in FAILING:
        assert check.agreed


def test_a_thousand_runs_are_judged() -> None:
    assert len(SCENARIOS) * WALKS >= 1000


class Board:
    """A compiled scenario, without its endless representation in reports of failures."""

    def __init__(self, file: str, variant: str | None) -> None:
        self.compiled = compile_scenario(BOARDS / file, variant)

    def runs(self, walks: int, steps: int = 40) -> Iterator[Run]:
        """Random runs."""
        for seed in range(walks):
            walk = random_walk(self.compiled.system, random.Random(seed), steps)
            yield run_of(self.compiled.system, walk.states, walk.steps)


@pytest.fixture(scope="module")
def overlapping() -> Board:
    return Board("shared-pool.dma", "v3_10")


def test_a_replayed_trace_is_judged_alike(overlapping: Board) -> None:
    run, n, failed = _first_failing(overlapping)
    steps = [Step(action.name, tuple(given.items())) for _, action, given in run.steps[:n]]
    trace = Trace(tuple(run.frozen.items()), tuple(steps), failed.prop, failed.label, len(steps), False, True)
    assert self_check(overlapping.compiled, replay(run.system, trace)) == []


def _changed(run: Run, change: Callable[[object], object]) -> Run:
    """The run in a System some of whose effects are others."""
    actions = {a.name: replace(a, effects=tuple(change(e) for e in a.effects)) for a in run.system.actions}  # type: ignore[misc]
    system: System = run.system.with_(actions=tuple(actions.values()))
    return Run(system, run.initial, tuple((s, actions[a.name], g) for s, a, g in run.steps))


def test_a_check_that_the_compiler_lost_is_noticed(overlapping: Board) -> None:
    def lost(e: object) -> object:
        return replace(e, cond=TRUE) if isinstance(e, Check) and e.prop == "no_overlap" else e

    check = SelfCheck(overlapping.compiled)
    said = [d for r in overlapping.runs(30) for d in check.run(_changed(r, lost))]
    assert said
    assert all("the judge fails no_overlap" in d for d in said)


def test_a_check_that_the_compiler_made_up_is_noticed(overlapping: Board) -> None:
    def made_up(e: object) -> object:
        return replace(e, cond=FALSE) if isinstance(e, Check) and e.prop == "no_overlap" else e

    check = SelfCheck(overlapping.compiled)
    said = [d for r in overlapping.runs(5) for d in check.run(_changed(r, made_up))]
    assert any("the model fails no_overlap.1, the judge does not" in d for d in said)


def test_an_event_that_was_lost_is_noticed(overlapping: Board) -> None:
    def lost(e: object) -> object:
        return replace(e, path=FALSE) if isinstance(e, Emit) and e.event == "taken" else e

    check = SelfCheck(overlapping.compiled)
    assert any(check.run(_changed(r, lost)) for r in overlapping.runs(30))


def test_a_run_is_a_stream_that_the_command_judges(overlapping: Board, tmp_path: Path) -> None:
    """With the board's memory, and without knowing the board at all: the same clauses fail at the same
    events.
    """
    run, _, _ = _first_failing(overlapping)
    path = tmp_path / "run.jsonl"
    with path.open("w") as file:
        write(file, stream_of(overlapping.compiled, run, complete=True))
    on_board = judge_file(path, "no_overlap", str(BOARDS / "shared-pool.dma"), "v3_10")
    in_the_open = judge_file(path, "no_overlap")

    def failures(report: object) -> list[tuple[str, int]]:
        return [(f.label, f.event) for j in report.judgements for c in j.clauses for f in c.failures]  # type: ignore[attr-defined]

    assert failures(on_board)
    assert failures(on_board) == failures(in_the_open)
    assert on_board.complete is True


def test_the_name_of_a_bit_alone_sets_it_for_both(tmp_path: Path) -> None:
    """Both see that the assert is false; a counterexample on which they differ would be an internal error."""
    file = tmp_path / "bits.dma"
    file.write_text(
        "scenario bits\n"
        "bits prot : u64 { C 62, B 61 }\n"
        "event e(n: prot)\n"
        'monitor no_c code DMA900 { on e(n) { assert n & prot { C } == prot {}, "C is set" } }\n'
        'monitor no_b code DMA901 { on e(n) { assert n & (prot {} with { B }) == prot {}, "B is set" } }\n'
        "sequence run on cpu0 { emit e(prot { C }) }\n"
        "check no_c, no_b\n"
        "expect no_c violated, no_b holds\n",
        encoding="utf-8",
    )
    report = dmaverify.check(file, jobs=1)
    assert report.exit_status == 0 and not any(v.internal for s in report.scenarios for v in s.variants)
