"""Goes through scenarios and their variants: does what the models show refine the contract, and was that expected?"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dmaverify.checking.discover import Found, find_scenarios, list_variants
from dmaverify.checking.events import Event, Reporter
from dmaverify.checking.options import Options
from dmaverify.checking.problems import internal_error, wrong_input
from dmaverify.checking.workers import Died, run_tasks
from dmaverify.engines.successors import DomainError
from dmaverify.lang.builtins import REFINES as PROPERTY
from dmaverify.lang.compile import Compiled, param_instances
from dmaverify.lang.diag import DmaError
from dmaverify.lang.link import load
from dmaverify.patches.compare import word_steps
from dmaverify.patches.machine import Machine
from dmaverify.patches.results import WordStep
from dmaverify.refinement.confirm import Replayed, confirm
from dmaverify.refinement.contract import Contract
from dmaverify.refinement.results import (
    BY_SETS,
    BY_SIMULATION,
    DIFFERS,
    REFINES,
    UNKNOWN,
    VACUOUS,
    Difference,
    ModelStep,
    Refinement,
    RefinementReport,
    ScenarioAnswer,
    VariantAnswer,
)
from dmaverify.refinement.search import Answer, search
from dmaverify.refinement.sides import Sides, both_sides, contract_name
from dmaverify.report.expectations import settle
from dmaverify.results import Expectation, PropertyResult
from dmaverify.verdict import Word

STATES = 200_000
"""States of either side that are looked at if nobody says how many."""

SECONDS = 300.0
"""What one variant may take if nobody says."""

_RANK = (DIFFERS, UNKNOWN, REFINES, VACUOUS)
"""Of the answers for several values of a parameter the first in this order is that of the whole."""

_WORDS = {DIFFERS: Word.VIOLATED, UNKNOWN: Word.UNKNOWN, REFINES: Word.EXHAUSTED, VACUOUS: Word.VACUOUS}


@dataclass(frozen=True)
class Task:
    """One variant to be looked at; ``name`` is that of the contract's module."""

    file: str
    variant: str | None
    params: tuple[tuple[str, int | str], ...]
    contract: str
    name: str
    view: str
    states: int
    seconds: float


def refine(
    paths: Sequence[Path],
    contract: str,
    *,
    variant: str | None = None,
    params: Mapping[str, int | str] | None = None,
    view: str = "addresses",
    states: int | None = None,
    timeout: float | None = None,
    jobs: int | None = 1,
    progress: Reporter | None = None,
) -> RefinementReport:
    """Whether scenarios over their models refine a contract, the name of a module or its file.

    Scenarios of a folder that expect something of other contracts only are passed over.
    ``view``: what is compared, as for ``prove``. ``states``: of either side, at most. ``timeout``: seconds for each variant.
    ``jobs``: worker processes; None: one for each CPU. Raises DmaError if the file of a contract cannot be read.
    """
    began = time.monotonic()
    report = RefinementReport(contract_name(contract))
    limits = view, states or STATES, timeout or SECONDS
    todo: list[tuple[ScenarioAnswer, int, Task]] = []
    for found in find_scenarios(paths):
        if found.in_folder and _of_others(found, report.contract):
            report.passed_over.append(found.name)
            continue
        listing = list_variants(found, Options(variant=variant))
        scenario = ScenarioAnswer(found.file, listing.name, listing.title, diagnostics=listing.diagnostics)
        report.scenarios.append(scenario)
        if listing.internal:
            scenario.variants.append(VariantAnswer(None, internal=listing.internal))
        for name in listing.variants:
            task = Task(found.file, name, tuple((params or {}).items()), contract, report.contract, *limits)
            todo.append((scenario, len(scenario.variants), task))
            scenario.variants.append(VariantAnswer(name))
    missing = set(range(len(todo)))

    def tell(n: int, finished: bool = False) -> None:
        if progress is not None:
            scenario, _, task = todo[n]
            what = scenario.name + (f".{task.variant}" if task.variant else "")
            progress(Event(len(todo) - len(missing), len(todo), what, "", finished))

    def finish(n: int, answer: VariantAnswer) -> None:
        scenario, place, _ = todo[n]
        scenario.variants[place] = answer
        missing.discard(n)
        tell(n, finished=True)

    tasks = [task for _, _, task in todo]
    workers = jobs or os.cpu_count() or 1
    report.interrupted = not run_tasks(tasks, work, workers, tell, finish, lambda n, died: _lost(tasks[n], died))
    gone = {id(todo[n][0].variants[todo[n][1]]) for n in missing}
    for scenario in report.scenarios:
        scenario.variants = [v for v in scenario.variants if id(v) not in gone]
    report.seconds = time.monotonic() - began
    return report


def _of_others(found: Found, name: str) -> bool:
    """Whether a scenario expects something of other contracts, and nothing of this one."""
    try:
        expected = load(found.file).program(None).expects.by_subject
    except DmaError:
        return False  # whoever looks at it says what is wrong
    about = [subject for subject in expected if subject.startswith(f"{PROPERTY}(")]
    return bool(about) and f"{PROPERTY}({name})" not in about


def _lost(task: Task, died: Died) -> VariantAnswer:
    return VariantAnswer(task.variant, internal=str(died))


def work(task: Task) -> VariantAnswer:
    """One variant's answer. What is wrong with the input, and errors of the tool, are part of it."""
    v = VariantAnswer(task.variant)
    try:
        v.answer, model = _answer(task)
        v.expected = _expected(model, task.name)
    except Exception as e:
        diagnostics = wrong_input(e)
        if diagnostics is None:
            v.internal = internal_error(e)
        v.diagnostics += diagnostics or []
        return v
    _settle(v)
    return v


def _answer(task: Task) -> tuple[Refinement, Compiled]:
    """The answer for all instances of a variant, and the model of one of them."""
    began = time.monotonic()
    params = dict(task.params)
    choices = [{k: x for k, x in c.items() if k not in params} for c in param_instances(task.file, task.variant)]
    choices = [dict(items) for items in dict.fromkeys(tuple(c.items()) for c in choices)]
    worst: Refinement | None = None
    pairs = elements = 0
    for choice in choices:
        sides = both_sides(task.file, task.variant, {**params, **choice}, task.contract)
        one = _instance(sides, task.view, task.states, began + task.seconds)
        one = replace(one, choice=tuple((k, str(x)) for k, x in choice.items()))
        pairs, elements = pairs + one.pairs, elements + one.states
        if worst is None or _RANK.index(one.word) < _RANK.index(worst.word):
            worst = one
        if one.word == DIFFERS or one.reason == "time":
            break
    assert worst is not None, "a scenario has at least one instance"
    whole = {"pairs": pairs, "states": elements, "seconds": time.monotonic() - began, "instances": len(choices)}
    return replace(worst, **whole), sides.model  # type: ignore[arg-type]


def _instance(sides: Sides, view: str, states: int, until: float) -> Refinement:
    blank = Refinement(UNKNOWN, view, hidden=sides.hidden)
    free = ", ".join(dict.fromkeys((*sides.model.free, *sides.contract.free)))
    if free:
        return replace(blank, reason=f"{free} may have any value, and words are compared for given values only")
    try:
        model = Machine(sides.model, view, states)
        contract = Contract(Machine(sides.contract, view, states))
        answer = search(model, contract, until)
    except DomainError as error:
        return replace(blank, reason=str(error))
    known = replace(
        blank,
        pairs=answer.pairs,
        states=answer.elements,
        returns=tuple(sorted(answer.returns.items())),
        broken=answer.broken,
        ambiguous=answer.ambiguous,
        how=BY_SETS if answer.ambiguous else BY_SIMULATION,
    )
    if answer.difference is not None:
        return replace(known, word=DIFFERS, difference=_told(sides, model, answer))
    if answer.reason:
        return replace(known, reason=answer.reason)
    if not answer.returns:
        why = "what the contract demands is not kept" if answer.broken else "no call ever returns"
        return replace(known, word=VACUOUS, reason=f"nothing is compared: {why}")
    return replace(known, word=REFINES)


def _told(sides: Sides, model: Machine, answer: Answer) -> Difference:
    """The difference, replayed, as plain data."""
    d = answer.difference
    assert d is not None
    steps = tuple(_step(r) for r in confirm(sides, model, d))
    *shared, last = word_steps((*d.word, d.last))
    return Difference(tuple(shared), last, tuple(WordStep(x.thread, x.text) for x in d.allowed), steps, last.call.partition("(")[0])


def _step(r: Replayed) -> ModelStep:
    action = r.record.action
    return ModelStep(action.thread or "", action.text, action.span, r.record.weight, tuple(x.text for x in r.seen))


# -- what was expected


def _expected(model: Compiled, name: str) -> Expectation | None:
    """What the scenario expects of this contract: ``expect refines(NAME) …``."""
    e = model.expectations.by_subject.get(f"{PROPERTY}({name})")
    return None if e is None else Expectation(e.verdict, e.steps, e.bound, e.blame or "", e.blame_text or "", e.span)


def _settle(v: VariantAnswer) -> None:
    """The status of an answer, by the same table as that of any verdict."""
    a = v.answer
    assert a is not None
    length = a.difference.length if a.difference is not None else None
    as_property = PropertyResult(PROPERTY, "", _WORDS[a.word], "refinement", reason=a.reason, length=length, minimal=True)
    as_property.expected = v.expected
    settle(as_property)
    v.status = as_property.status
    v.mismatch = as_property.mismatch if v.expected is not None else ""
