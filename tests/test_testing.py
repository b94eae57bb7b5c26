"""Implementations beside their models: the examples, what is compared, and what is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import seed, settings
from hypothesis.stateful import run_state_machine_as_test

from dmaverify.testing import Diverged, MonitorFailed, machine_for
from dmaverify.testing.conformance import NotConformable, plain

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "page_pool"

TAKE = """\
scenario take
enum Colour { red, green }
event taking(n: u32)
event took(n: u32, colour: Colour)
event refused()
event noise(n: u32)
var count : u32 = 0
var ready : bool = false
proc take_one() {
    emit taking(count)
    let lucky = any bool
    if lucky and count < 3 {
        count += 1
        emit noise(7)
        emit took(count, green)
    } else {
        emit refused()
    }
}
client user on cpu0 { may take_one() }
sequence set_up on cpu0 { ready = true }
monitor rising code T1 {
    ghost last : u32 = 0
    on took(n, colour) {
        assert n == last + 1, "{n} comes after {last}"
        assert colour == green, "it is red"
        last = n
    }
}
check only rising
"""


class Taker:
    """Takes while there is something left; ``wrong`` says what it does instead the third time."""

    answers = ("took", "refused")

    def __init__(self, wrong: Any = None, limit: int = 3) -> None:
        self.count, self.wrong, self.limit = 0, wrong, limit

    def taking(self, n: int) -> Any:
        assert n == self.count
        if self.count == 2 and self.wrong is not None:
            return self.wrong
        if self.count == self.limit:
            return {"event": "refused"}
        self.count += 1
        return [{"event": "took", "n": self.count}]


def tried(folder: Path, adapter: Callable[[], Any], scenario: str = TAKE, first: int = 0, **options: Any) -> None:
    """Some runs."""
    path = folder / "take.dma"
    path.write_text(scenario, encoding="utf-8")
    machine = machine_for(path, adapter, **options)
    run_state_machine_as_test(seed(first)(machine), settings=settings(machine.TestCase.settings, max_examples=25, database=None))


def module(name: str) -> Any:
    """A module of the example."""
    spec = spec_from_file_location(name, EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize("bug", [3, 6, 10])
def test_planted_mistakes_are_found_and_shrunk_from_any_seed(
    bug: int, tmp_path: Path, rounds: Callable[[int, int], int]
) -> None:
    """The number of a mistake is the least number of calls that show it."""
    pool = module("pool")
    if pool.compiler() is None:
        pytest.skip("pool.c needs a C compiler")
    library = pool.build(tmp_path, bug)
    for first in range(rounds(3, 20)):
        machine = machine_for(pool.SCENARIO, partial(pool.CPool, library))
        with pytest.raises(AssertionError) as found:
            run_state_machine_as_test(
                seed(first)(machine), settings=settings(machine.TestCase.settings, max_examples=300, database=None)
            )
        assert len(str(found.value).splitlines()) == 2 + bug, f"seed {first}: {found.value}"


@pytest.mark.parametrize(("compiler", "passed", "skipped"), [("no-such-compiler", 2, 1), (None, 6, 0)])
def test_the_examples_pass_or_say_that_they_are_skipped(compiler: str | None, passed: int, skipped: int, tmp_path: Path) -> None:
    if compiler is None and shutil.which("cc") is None:
        pytest.skip("pool.c needs a C compiler")
    shutil.copytree(EXAMPLE, tmp_path / "page_pool", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    env = {k: v for k, v in os.environ.items() if k != "CC"} | ({"CC": compiler} if compiler else {})
    command = [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", "-o", "dmaverify_paths=", "page_pool"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=120)
    assert done.returncode == 0, done.stdout
    assert f"{passed} passed" in done.stdout
    assert ("pool.c needs a C compiler" in done.stdout) is bool(skipped)


def test_an_implementation_may_do_anything_that_the_model_allows(tmp_path: Path) -> None:
    """The model may refuse at any time; one that never does before the end, and one that always does, are both right."""
    tried(tmp_path, Taker)
    tried(tmp_path, partial(Taker, limit=0))


def test_what_it_does_not_allow_is_told_with_the_calls_that_lead_to_it(tmp_path: Path) -> None:
    too_many = partial(Taker, wrong={"event": "took", "n": 3, "colour": "green"}, limit=2)
    with pytest.raises(Diverged) as found:
        tried(tmp_path, too_many, TAKE.replace("count < 3", "count < 2"))
    first, empty, *calls = str(found.value).splitlines()
    assert first == "the model answers refused(), the implementation took(n=3, colour=green)"
    assert not empty
    assert [line.split() for line in calls] == [
        ["1", "taking(n=0)", "took(n=1)"],
        ["2", "taking(n=1)", "took(n=2)"],
        ["3", "taking(n=2)", "took(n=3,", "colour=green)"],
    ]


@pytest.mark.parametrize("wrong", [None, [], {"event": "took", "n": 3, "colour": "red"}, {"event": "took", "n": 4}])
def test_monitors_and_answers_are_both_looked_at(wrong: Any, tmp_path: Path) -> None:
    """Nothing is wrong; silence where an answer is due; the monitor speaks first where it has something to say."""
    if wrong is None:
        tried(tmp_path, Taker)
        return
    with pytest.raises(Diverged if wrong == [] else MonitorFailed) as found:
        tried(tmp_path, partial(Taker, wrong=wrong))
    assert len(str(found.value).splitlines()) == 2 + 3
    if wrong == []:
        assert "the implementation nothing" in str(found.value)
    else:
        assert str(found.value).startswith("rising is violated: ")


def test_without_a_list_every_answer_is_expected(tmp_path: Path) -> None:
    class All(Taker):
        answers = None  # type: ignore[assignment]

        def taking(self, n: int) -> Any:
            took = super().taking(n)
            return took if isinstance(took, dict) else [{"event": "noise", "n": 7}, *took]

    tried(tmp_path, All)
    with pytest.raises(Diverged, match=r"noise\(n=7\), took"):
        tried(tmp_path, partial(type("Silent", (All,), {"taking": Taker.taking}), limit=1))


def test_a_model_that_is_wrong_itself_says_so(tmp_path: Path) -> None:
    with pytest.raises(MonitorFailed, match="the model itself violates rising: 2 comes after 0"):
        tried(tmp_path, type("Two", (Taker,), {"taking": lambda self, n: {"event": "took"}}), TAKE.replace("count += 1", "count += 2"))


@pytest.mark.parametrize(
    ("adapter", "scenario", "options", "message"),
    [
        (object, TAKE, {}, "the adapter has no method for any event"),
        (Taker, TAKE, {"calls": ["takes"]}, "has no event takes; it has noise, refused, taking, took"),
        (Taker, TAKE.replace("client user on cpu0 { may", "sequence user on cpu1 {"), {}, "has no client"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    adapter: Any, scenario: str, options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(NotConformable, match=message):
        tried(tmp_path, adapter, scenario, **options)


@pytest.mark.parametrize(("wrong", "message"), [("took", "an adapter answers with events"), ({"event": "shook"}, "there is no event")])
def test_an_adapter_that_speaks_nonsense_is_told_so(wrong: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=message):
        tried(tmp_path, partial(Taker, wrong=wrong))


def test_every_run_is_closed(tmp_path: Path) -> None:
    open_ones: set[int] = set()

    class Closing(Taker):
        def __init__(self) -> None:
            super().__init__(wrong={"event": "refused", "_why": "time"})
            open_ones.add(id(self))
            self.key = id(self)

        def close(self) -> None:
            open_ones.discard(self.key)

    tried(tmp_path, Closing)
    assert not open_ones


def test_machines_of_one_scenario_do_not_disturb_each_other(tmp_path: Path) -> None:
    """The texts of a process are shared; what one machine makes of them is its own."""
    path = tmp_path / "take.dma"
    path.write_text(TAKE, encoding="utf-8")
    first = machine_for(path, Taker)
    second = machine_for(path, Taker)
    for machine in (first, second, first):
        run_state_machine_as_test(machine, settings=settings(machine.TestCase.settings, max_examples=5, database=None))


def test_numbers_are_numbers_however_they_are_written() -> None:
    assert plain("0x10") == 16
    assert plain({"start": "0x1000", "size": 4096}) == (("size", 4096), ("start", 0x1000))
    assert plain([True, None, "green"]) == (True, None, "green")
