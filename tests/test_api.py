"""``dmaverify.check`` and the command line above it, over a compiler and an engine that answer what the test
says.

What the real ones answer is tested with them; here it is each exit status, the order of results, and what
becomes of errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

import dmaverify
from dmaverify.checking import decide as deciding
from dmaverify.checking import frontend
from dmaverify.checking.frontend import Model
from dmaverify.checking.problems import WrongInput
from dmaverify.cli.main import run
from dmaverify.ir.expr import FALSE, TRUE
from dmaverify.ir.system import Check, System
from dmaverify.results import Expectation
from dmaverify.verdict import Outcome, Word
from tests.support import racing

TESTED = {"no_overlap.1": True}


class Fake:
    """A compiler and an engine. ``expected``: by variant; ``outcome``: what the engine says."""

    def __init__(self) -> None:
        self.variants: list[str] = []
        self.expected: dict[str | None, Expectation] = {}
        self.outcome = Outcome("no_overlap", Word.EXHAUSTED, states=7, engine="fake", exercised=dict(TESTED))
        self.error: BaseException | None = None

    def outline(self, file: str) -> tuple[str, str, list[str]]:
        return Path(file).stem, "a title", self.variants

    def load(self, file: str, variant: str | None, params: Mapping[str, int | str]) -> Model:
        return next(self.load_all(file, variant, params))

    def load_all(self, file: str, variant: str | None, params: Mapping[str, int | str]) -> Iterator[Model]:
        if isinstance(self.error, WrongInput):
            raise self.error
        expected = {"no_overlap": self.expected[variant]} if variant in self.expected else {}
        shown = tuple((k, str(v)) for k, v in params.items())
        yield Model(Path(file).stem, "a title", racing.system(), ("no_overlap",), expected, params=shown)

    def decide(self) -> Iterator[Outcome]:
        if self.error is not None:
            raise self.error
        yield replace(self.outcome)

    def decider(self, system: System, *_: object) -> Decided:
        return Decided(system, self.decide)


class Decided:
    """Stands for ``Decider``."""

    def __init__(self, system: System, decide: Callable[[], Iterator[Outcome]]) -> None:
        self.reference, self.decide = system, decide

    def outcomes(self, properties: tuple[str, ...]) -> Iterator[Outcome]:
        return (o for o in self.decide() if o.prop in properties)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    f = Fake()
    monkeypatch.setattr(frontend, "outline", f.outline)
    monkeypatch.setattr(frontend, "load", f.load)
    monkeypatch.setattr(frontend, "load_all", f.load_all)
    monkeypatch.setattr(deciding, "Decider", f.decider)
    return f


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "racing.dma"
    path.write_text("/// what it is\nscenario racing\n", encoding="utf-8")
    return str(path)


def violated() -> Outcome:
    return Outcome("no_overlap", Word.VIOLATED, trace=racing.trace(), engine="fake", exercised=dict(TESTED))


def test_0_as_expected(fake: Fake, file: str) -> None:
    report = dmaverify.check(file)
    assert report.exit_status == 0
    (p,) = report.scenario("racing").variant().properties
    assert (p.word, p.states, p.engine) == (Word.EXHAUSTED, 7, "fake")
    assert run(["check", file]) == 0


def test_0_an_expected_violation(fake: Fake, file: str) -> None:
    fake.outcome, fake.expected[None] = violated(), Expectation("violated", steps=(4, 4))
    assert run(["check", file]) == 0


def test_1_an_unexpected_violation_is_told(fake: Fake, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    fake.outcome = violated()
    assert run(["check", file]) == 1
    out = capsys.readouterr().out
    assert "no_overlap  VIOLATED [DMA101]" in out
    assert "<- seen" in out
    assert f"dmaverify check {file} --variant base --property no_overlap" in out


def test_1_a_wrong_expectation_says_which(fake: Fake, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    fake.expected[None] = Expectation("violated")
    assert run(["check", file]) == 1
    assert "expected violated, got exhausted" in capsys.readouterr().out


def test_1_another_length(fake: Fake, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    fake.outcome, fake.expected[None] = violated(), Expectation("violated", steps=(3, 3))
    assert run(["check", file]) == 1
    assert "expected violated in 3 steps, got VIOLATED in 4 steps" in capsys.readouterr().out


def test_2_wrong_input(fake: Fake, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    fake.error = WrongInput("there is no variant x")
    assert run(["check", file]) == 2
    out = capsys.readouterr().out
    assert "error: there is no variant x" in out
    assert "Traceback" not in out


def test_2_an_unknown_property_is_answered_with_the_nearest(
    fake: Fake, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", file, "--only", "no_overlp"]) == 2
    assert "did you mean no_overlap?" in capsys.readouterr().out


def test_3_not_decided(fake: Fake, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    fake.outcome = Outcome("no_overlap", Word.UNKNOWN, reason="time")
    assert run(["check", file]) == 3
    assert "UNKNOWN (time)" in capsys.readouterr().out


def test_3_not_shown_to_be_exercised(fake: Fake, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    fake.outcome.exercised = {"no_overlap.1": None}
    assert run(["check", file]) == 3
    assert "exercised: not shown" in capsys.readouterr().out


@pytest.mark.parametrize("exercised", [{}, {"no_overlap.1": False}])
def test_4_vacuous(fake: Fake, file: str, exercised: dict[str, bool | None]) -> None:
    fake.outcome.exercised = exercised
    assert dmaverify.check(file).scenario("racing").variant().property("no_overlap").word is Word.VACUOUS
    assert run(["check", file]) == 4


def test_0_vacuous_as_expected(fake: Fake, file: str) -> None:
    fake.outcome.exercised, fake.expected[None] = {}, Expectation("vacuous")
    assert run(["check", file]) == 0


def test_vacuity_never_beats_a_violation(fake: Fake, file: str) -> None:
    fake.outcome = violated()
    fake.outcome.exercised = {"no_overlap.1": False}
    assert run(["check", file]) == 1


def test_strict(fake: Fake, file: str) -> None:
    fake.outcome.exercised = {"no_overlap.1": True, "no_overlap.2": False}
    assert run(["check", file]) == 0
    assert run(["check", file, "--strict"]) == 4


def test_5_an_internal_error_is_one_message(
    fake: Fake, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.error = KeyError("x")
    assert run(["check", file]) == 5
    out = capsys.readouterr().out
    assert "internal error" in out
    assert "KeyError: 'x'" in out
    assert "Traceback" not in out
    assert run(["check", file, "--debug"]) == 5
    assert "Traceback" in capsys.readouterr().out


def test_5_a_counterexample_that_does_not_happen(
    fake: Fake, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = racing.trace()
    fake.outcome = replace(violated(), trace=replace(trace, steps=trace.steps[:2] + trace.steps[3:]))
    assert run(["check", file]) == 5
    out = capsys.readouterr().out
    assert "does not confirm" in out
    assert "VIOLATED" not in out
    kept = Path(out.split("kept in ")[1].split()[0])
    assert sorted(f.name for f in kept.iterdir()) == ["system.ir", "trace.json"]


def test_5_a_violation_without_a_trace(fake: Fake, file: str) -> None:
    fake.outcome = Outcome("no_overlap", Word.VIOLATED, engine="fake")
    assert run(["check", file]) == 5


def test_5_a_length_that_the_replay_does_not_confirm(fake: Fake, file: str) -> None:
    fake.outcome = replace(violated(), trace=replace(racing.trace(), length=3))
    assert run(["check", file]) == 5


def test_a_trace_through_a_failed_builtin_check_shows_nothing_about_the_property(
    fake: Fake, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = racing.system()
    first = system.actions[0]
    stop = Check("builtin.null", "null.1", TRUE, FALSE, ("null is used",), stop=True)
    broken = system.with_(actions=(replace(first, effects=(stop,)), *system.actions[1:]))
    model = Model("racing", "", broken, ("no_overlap",))
    monkeypatch.setattr(frontend, "load_all", lambda file, variant, params: iter([model]))
    fake.outcome = violated()
    (p,) = dmaverify.check(file).scenario("racing").variant().properties
    assert (p.word, p.status, p.story) == (Word.UNKNOWN, 3, None)
    assert p.reason == "the trace that was found first fails builtin.null (null is used)"


def test_an_interrupt_keeps_what_was_found(fake: Fake, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def decide() -> Iterator[Outcome]:
        yield replace(fake.outcome)
        raise KeyboardInterrupt

    monkeypatch.setattr(fake, "decide", decide)
    fake.variants = ["never"]
    report = dmaverify.check(file, jobs=1)
    assert report.interrupted
    assert [v.name for v in report.scenario("racing").variants] == [None]
    assert len(report.scenario("racing").variant().properties) == 1
    assert report.exit_status == 3


def test_variants_are_checked_in_the_order_of_the_text(fake: Fake, file: str) -> None:
    fake.variants = ["b", "a"]
    for jobs in (1, 2):
        report = dmaverify.check(file, jobs=jobs)
        assert [v.name for v in report.scenario("racing").variants] == [None, "b", "a"]
    assert [v.name for v in dmaverify.check(file, variant="base").scenario("racing").variants] == [None]
    assert [v.name for v in dmaverify.check(file, variant="a").scenario("racing").variants] == ["a"]


def test_a_variant_for_several_is_all_of_them(fake: Fake, file: str) -> None:
    fake.variants = ["a", "b", "b@a"]
    names = [v.name for v in dmaverify.check(file, variant="b").scenario("racing").variants]
    assert names == ["b", "b@a"]
    assert [v.name for v in dmaverify.check(file, variant="b@a").scenario("racing").variants] == ["b@a"]


def test_an_unknown_variant_is_answered_with_the_nearest(
    fake: Fake, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.variants = ["no_flush"]
    assert run(["check", file, "--variant", "noflush"]) == 2
    assert "has no variant noflush; did you mean no_flush?" in capsys.readouterr().out


def test_the_worst_status_is_that_of_the_whole(fake: Fake, file: str) -> None:
    fake.variants = ["a", "b"]
    fake.outcome.exercised = {}
    fake.expected = {None: Expectation("vacuous"), "a": Expectation("violated")}
    report = dmaverify.check(file)
    assert [v.exit_status for v in report.scenario("racing").variants] == [0, 1, 4]
    assert report.exit_status == 1


def test_a_folder_is_every_scenario_below_it(fake: Fake, file: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.dma").write_text("// licence\n\nscenario other\n", encoding="utf-8")
    (tmp_path / "module.dma").write_text("module m\n", encoding="utf-8")
    assert [s.name for s in dmaverify.check(tmp_path).scenarios] == ["racing", "other"]


def test_a_folder_without_scenarios_is_wrong_input(tmp_path: Path) -> None:
    assert run(["check", str(tmp_path)]) == 2


def test_a_worker_that_dies_costs_one_result(fake: Fake, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import signal

    parent = os.getpid()

    def decide() -> Iterator[Outcome]:
        if os.getpid() != parent and not Path(file + ".died").exists():
            Path(file + ".died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        yield replace(fake.outcome)

    monkeypatch.setattr(fake, "decide", decide)
    fake.variants = ["a", "b", "c"]
    report = dmaverify.check(file, jobs=2)
    variants = report.scenario("racing").variants
    assert [v.name for v in variants] == [None, "a", "b", "c"]
    assert sum("SIGKILL" in v.internal for v in variants) == 1
    assert report.exit_status == 5


def test_json_is_the_documented_object(
    fake: Fake, file: str, capsys: pytest.CaptureFixture[str], root: Path
) -> None:
    fake.outcome, fake.expected[None] = violated(), Expectation("violated", blame="driver", reason="why")
    assert run(["check", file, "--format", "json", "--set", "size=4K"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["format"] == "dmaverify-report 1"
    (p,) = data["scenarios"][0]["variants"][0]["properties"]
    assert (p["verdict"], p["length"], p["minimal"], p["as_expected"]) == ("violated", 4, True, True)
    assert p["expected"]["blame"] == "driver"
    assert data["scenarios"][0]["variants"][0]["params"] == {"size": "4096"}
    documented = (root / "docs" / "json.md").read_text(encoding="utf-8")
    step = p["story"]["steps"][0]
    for member in (
        *data,
        *data["scenarios"][0],
        *data["scenarios"][0]["variants"][0],
        *p,
        *p["trace"],
        *p["story"],
        *step,
    ):
        assert f"`{member}`" in documented, member


def test_the_same_run_gives_the_same_bytes(fake: Fake, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    fake.outcome = violated()
    outputs = []
    for _ in range(2):
        run(["check", file])
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


def test_replay_of_a_report(
    fake: Fake, file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.outcome = violated()
    run(["check", file, "--format", "json"])
    saved = tmp_path / "report.json"
    text = capsys.readouterr().out
    saved.write_text(text, encoding="utf-8")
    assert run(["replay", str(saved)]) == 0
    assert "happens, 4 steps: page 1 of pool is given out again; cpu0 has it" in capsys.readouterr().out
    saved.write_text(text.replace('"action": "t0.take"', '"action": "t0.find"'), encoding="utf-8")
    assert run(["replay", str(saved)]) == 1
    assert "does not happen" in capsys.readouterr().err


def test_simulate(
    fake: Fake, file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["simulate", file, "--runs", "40", "--seed", "3"]) == 1
    first = capsys.readouterr().out
    assert "no_overlap VIOLATED by the walk of seed" in first
    run(["simulate", file, "--runs", "40", "--seed", "3"])
    assert capsys.readouterr().out == first
    answers = iter(["2", "u", "2", "r", "s", "nonsense", "q"])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    assert run(["simulate", file, "-i"]) in (0, 1)
    out = capsys.readouterr().out
    assert "t0.page: null -> page 1 of pool" in out
    assert "a number: take that step" in out
