"""Budgets, interruption and processes: limits are kept, partial results survive; and how the portfolio joins its answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from dmaverify.engines.auto import ENGINES, Auto, Disagreement, Stage, joined, lemmas_of, make_engine
from dmaverify.engines.base import Budget, Progress, Stopped
from dmaverify.engines.bmc import Bmc
from dmaverify.engines.induction import Induction
from dmaverify.engines.smt.solver import SOLVERS, SolverName, make_solver, other
from dmaverify.engines.worker import Worker
from dmaverify.ir.expr import TRUE, const, input_, lt, mk, var
from dmaverify.ir.system import Action, Input, Part, System
from dmaverify.ir.types import Int
from dmaverify.verdict import Outcome, Trace, Word
from tests.support.symbolic_systems import counter, frozen, locked, pool

FACTOR = (1 << 89) - 1
"""A prime: no product of two numbers of 48 bits, which no solver finds out soon."""


def after(calls: int) -> Callable[[], bool]:
    """A cancel signal that comes after so many looks at it."""
    left = iter(range(calls))
    return lambda: next(left, None) is None


def hard(name: SolverName, budget: Budget) -> Callable[[], bool]:
    """A question that takes a solver very long."""
    solver = make_solver(name, budget)
    w = solver.writer
    x, y = w.symbol("x", 96), w.symbol("y", 96)
    limit = w.bits(1 << 48, 96)
    for v in (x, y):
        solver.add(w.apply("bvult", [w.bits(1, 96), v]))
        solver.add(w.apply("bvult", [v, limit]))
    solver.add(w.apply("=", [w.apply("bvmul", [x, y]), w.bits(FACTOR, 96)]))
    return solver.check


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_stops_when_time_is_up(name: SolverName) -> None:
    with pytest.raises(Stopped) as stopped:
        hard(name, Budget(timeout=0.3))()
    assert stopped.value.reason == "time"


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_stops_when_memory_is_used_up(name: SolverName) -> None:
    with pytest.raises(Stopped) as stopped:
        hard(name, Budget(memory=1 << 20))()
    assert stopped.value.reason == "memory"


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_stops_when_it_is_cancelled(name: SolverName) -> None:
    check = hard(name, Budget(cancelled=after(3)))
    with pytest.raises(Stopped) as stopped:
        check()
    assert stopped.value.reason == "interrupted"


@pytest.mark.parametrize("name", SOLVERS)
def test_an_interrupt_reaches_through_a_solver(name: SolverName) -> None:
    check = hard(name, Budget())
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            check()
    finally:
        timer.join()


@pytest.mark.parametrize("name", SOLVERS)
def test_a_core_names_what_contradicts(name: SolverName) -> None:
    solver = make_solver(name, Budget())
    w = solver.writer
    p, q = w.symbol("p", 0), w.symbol("q", 0)
    solver.add(w.apply("=>", [p, q]))
    assert not solver.check([w.symbol("other", 0), p, w.apply("not", [q])])
    assert solver.core() == [1, 2]
    solver.push()
    solver.add(w.apply("not", [q]))
    assert solver.check() and solver.value(p) is False
    solver.pop()
    assert solver.check([p]) and solver.value(q) is True


def test_other() -> None:
    assert {other(name) for name in SOLVERS} == set(SOLVERS)


# -- engines under a budget ----------------------------------------------------------------------------------------------


def test_bmc_says_how_far_it_came() -> None:
    (outcome,) = Bmc().run(pool(16, 3), ("no_overlap",), Budget(cancelled=after(400)))
    assert outcome.word is Word.BOUNDED and outcome.reason == "interrupted"
    assert outcome.depth is not None and outcome.depth >= 1


def test_induction_says_why_it_stopped() -> None:
    (outcome,) = Induction().run(pool(16, 3), ("no_overlap",), Budget(cancelled=lambda: True))
    assert (outcome.word, outcome.reason) == (Word.UNKNOWN, "interrupted")


def test_an_engine_in_a_process_of_its_own_answers_the_same() -> None:
    for engine in (Bmc(), Induction()):
        here = engine.run(locked(), ("atomic",), Budget(depth=5))
        there = Worker(engine).run(locked(), ("atomic",), Budget(depth=5))
        assert [(o.prop, o.word, o.depth, o.exercised) for o in here] == [(o.prop, o.word, o.depth, o.exercised) for o in there]


@dataclass
class Stubborn:
    """An engine that finds something and then does not listen any more."""

    name: str = "stubborn"
    publish: Callable[[list[Outcome]], None] | None = None

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        if self.publish is not None:
            self.publish([Outcome(properties[0], Word.BOUNDED, depth=3)])
        while True:
            time.sleep(0.01)


class Failing:
    """An engine that crashes: ``how`` is an exception, or an exit status of its process."""

    name = "failing"

    def __init__(self, how: Exception | int) -> None:
        self.how = how

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        if isinstance(self.how, int):
            os._exit(self.how)
        raise self.how


def test_a_process_that_does_not_listen_is_ended_and_its_findings_kept() -> None:
    bounded, unknown = Worker(Stubborn()).run(counter(9), ("below", "other"), Budget(timeout=0.2))
    assert (bounded.word, bounded.depth) == (Word.BOUNDED, 3)
    assert (unknown.word, unknown.reason) == (Word.UNKNOWN, "time")


def test_a_crash_takes_nobody_along() -> None:
    (outcome,) = Worker(Failing(7)).run(counter(9), ("below",), Budget())
    assert outcome.word is Word.UNKNOWN and "ended" in outcome.reason
    with pytest.raises(ZeroDivisionError):
        Worker(Failing(ZeroDivisionError())).run(counter(9), ("below",), Budget())


def test_a_process_is_cancelled() -> None:
    (outcome,) = Worker(Stubborn()).run(counter(9), ("nothing",), Budget(cancelled=after(3)))
    assert outcome.word in (Word.UNKNOWN, Word.BOUNDED)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_the_process_too(how: signal.Signals) -> None:
    """What the process has started is gone as well: it holds the pipe, and the pipe comes to its end."""
    if how is not signal.SIGINT and sys.platform != "linux":
        pytest.skip("the child does not notice there")
    script = (
        "import tests.test_budget as t\nprint('ready', flush=True)\nt.Worker(t.Stubborn()).run(t.counter(9), ('below',), t.Budget())\n"
    )
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(0.5)
        process.send_signal(how)
        _, err = process.communicate(timeout=20)
    assert process.returncode != 0
    assert how is not signal.SIGINT or "KeyboardInterrupt" in err


def test_progress_comes_through() -> None:
    seen: list[Progress] = []
    Worker(Reporting()).run(counter(9), ("below",), Budget(progress=seen.append))
    assert seen == [Progress("reporting", depth=4)]


class Reporting:
    """An engine that reports once."""

    name = "reporting"

    def run(self, system: System, properties: tuple[str, ...], budget: Budget) -> list[Outcome]:
        budget.check(lambda: Progress("reporting", depth=4))
        return []


# -- the portfolio -------------------------------------------------------------------------------------------------------


def test_small_systems_are_searched() -> None:
    (outcome,) = make_engine("auto").run(pool(8, 2), ("no_overlap",), Budget())
    assert outcome.word is Word.EXHAUSTED and outcome.engine == "explicit"
    (outcome,) = make_engine("auto").run(pool(8, 3, broken=True), ("no_overlap",), Budget())
    assert outcome.word is Word.VIOLATED and outcome.trace is not None and outcome.trace.length == 3


def test_what_cannot_be_searched_is_proved() -> None:
    (outcome,) = make_engine("auto").run(frozen(64), ("fits",), Budget())
    assert outcome.word is Word.PROVED and outcome.engine in ("induction", "pdr"), "whoever is first"
    assert outcome.exercised == {"fits.1": True}


def test_what_cannot_be_searched_is_refuted() -> None:
    unlucky = counter(200, 3)
    wide = unlucky.with_(actions=tuple(_with_any_input(a) for a in unlucky.actions))
    (outcome,) = make_engine("auto").run(wide, ("below",), Budget(timeout=60))
    assert outcome.word is Word.VIOLATED and outcome.trace is not None and outcome.trace.length == 1


def _with_any_input(action: Action) -> Action:
    """The action with an input of 32 bits instead of a few values."""
    t, u8 = Int(32), Int(8)
    after = mk("add", (var("n", u8), mk("wrap", (input_("far", t),), u8)))
    (check,) = action.checks
    return replace(
        action,
        inputs=(Input("far", t),),
        effects=(replace(check, cond=lt(after, const(200, u8))),),
        updates={"n": after},
        parts=(Part("count", TRUE, (("far", input_("far", t)),)),),
    )


def test_each_engine_by_name() -> None:
    for name in ENGINES:
        (outcome,) = make_engine(name).run(locked(), ("atomic",), Budget(depth=8))
        expected = {"explicit": Word.EXHAUSTED, "auto": Word.EXHAUSTED, "bmc": Word.BOUNDED}
        assert outcome.word is expected.get(name, Word.PROVED)


def test_a_budget_that_is_used_up_is_said() -> None:
    (outcome,) = Auto().run(pool(16, 4), ("no_overlap",), Budget(timeout=1e-9))
    assert outcome.word is Word.UNKNOWN and outcome.reason == "time"


def test_the_portfolio_goes_on_where_one_engine_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = (Stage("explicit", states=50), Stage("bmc", depth=2), Stage("induction"))
    monkeypatch.setattr("dmaverify.engines.auto.STAGES", stages)
    (outcome,) = Auto().run(pool(16, 3), ("no_overlap",), Budget())
    assert outcome.word is Word.PROVED and outcome.states > 0
    monkeypatch.setattr("dmaverify.engines.auto.STAGES", stages[:2])
    (outcome,) = Auto().run(pool(16, 3), ("no_overlap",), Budget())
    assert (outcome.word, outcome.depth) == (Word.BOUNDED, 2)


def test_lemmas_of_a_system() -> None:
    system = pool(8, 2, lemma=True)
    assert [w.label for w in lemmas_of(system)] == ["marked0", "marked1"]


def trace(length: int, minimal: bool) -> Trace:
    """A trace of some length."""
    return Trace((), (), "p", "p.1", length, minimal, True)


def test_joining_what_two_engines_say() -> None:
    def outcome(word: Word, **rest: object) -> Outcome:
        return Outcome("p", word, **rest)  # type: ignore[arg-type]

    unknown = outcome(Word.UNKNOWN, reason="states", exercised={"a": True, "b": None}, states=7)
    proved = outcome(Word.PROVED, depth=1, exercised={"b": False}, engine="induction")
    for both in (joined(unknown, proved), joined(proved, unknown)):
        assert both.word is Word.PROVED and both.states == 7 and both.engine == "induction"
        assert both.exercised == {"a": True, "b": False}
    violated = outcome(Word.VIOLATED, trace=trace(5, False))
    assert joined(unknown, violated).word is Word.VIOLATED
    shorter = outcome(Word.VIOLATED, trace=trace(4, True))
    assert joined(violated, shorter).trace == shorter.trace == joined(shorter, violated).trace
    assert joined(violated, outcome(Word.BOUNDED, depth=4)).trace == trace(5, True), "nothing is shorter"
    assert joined(violated, outcome(Word.BOUNDED, depth=3)).trace == trace(5, False)
    so_far = joined(outcome(Word.BOUNDED, depth=3), violated)
    assert so_far.none_within == 3, "that nothing shorter than another slice's trace is there is not forgotten"
    assert joined(so_far, unknown).none_within == 3 and joined(outcome(Word.BOUNDED, depth=4), so_far).trace == trace(5, True)
    deep, deeper = outcome(Word.BOUNDED, depth=3), outcome(Word.BOUNDED, depth=9)
    assert joined(deep, deeper).depth == joined(deeper, deep).depth == 9
    assert joined(unknown, outcome(Word.UNKNOWN, reason="time")).reason == "states; time"


def test_engines_that_contradict_each_other_are_not_joined() -> None:
    violated = Outcome("p", Word.VIOLATED, trace=trace(5, False))
    for word in (Word.PROVED, Word.EXHAUSTED):
        with pytest.raises(Disagreement):
            joined(Outcome("p", word), violated)


def test_what_is_proved_is_shown_to_be_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that sees nothing leaves it to bounded search to exercise what was proved."""
    monkeypatch.setattr("dmaverify.engines.auto.STAGES", (Stage("induction"),))
    monkeypatch.setattr("dmaverify.engines.induction._Run._seen", lambda self: set())
    (outcome,) = Auto().run(locked(), ("atomic",), Budget())
    assert outcome.word is Word.PROVED
    assert outcome.exercised == {"atomic.a": True, "atomic.b": True}


def test_solvers_are_imported_only_when_they_are_needed() -> None:
    code = (
        "import sys\n"
        "from dmaverify.engines.auto import make_engine\n"
        "from dmaverify.engines.base import Budget\n"
        "from tests.support.symbolic_systems import pool\n"
        "make_engine('auto').run(pool(8, 2), ('no_overlap',), Budget())\n"
        "assert not {'z3', 'bitwuzla'} & set(sys.modules), sorted(sys.modules)\n"
    )
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
