"""A word that only the model shows is done again before anybody is told: by the interpreter, statement by statement, in the
model's reference System; and once more against the contract, unfused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from dmaverify.checking.problems import Mismatch
from dmaverify.engines.interp import Interpreter, State
from dmaverify.engines.replay import Record, ReplayMismatch, follow
from dmaverify.ir.parts import Expansion
from dmaverify.ir.system import Check, Emit
from dmaverify.patches.instrument import STOP
from dmaverify.patches.machine import ENDED, STUCK, Label, Letter, Machine, Names, TooMany
from dmaverify.refinement.contract import Contract
from dmaverify.refinement.search import Difference
from dmaverify.refinement.sides import Sides
from dmaverify.verdict import Trace

MOST_STATES = 10_000
"""So many states behind a run that ends are looked at, to see that it has ended."""


@dataclass(frozen=True)
class Replayed:
    """One step of the interpreter, and what was seen in it."""

    record: Record
    seen: tuple[Label, ...]


def confirm(sides: Sides, model: Machine, difference: Difference) -> list[Replayed]:
    """The steps of the model to the label that the contract does not show; ``Mismatch`` if either side does not confirm it."""
    trace = _trace(model, difference)
    try:
        run, initial, records = follow(sides.model.system, trace)
    except ReplayMismatch as error:
        raise Mismatch(f"{sides.model.name}: what the model is said to show is not what it does: {error}") from error
    steps = list(_labelled(model, records))
    seen = [x for s in steps for x in s.seen]
    word = [*difference.word, difference.last]
    if _ends(difference.last):
        state = records[-1].after if records else initial
        seen.append(Label("", "mark", _end(run, state)))
    if seen[: len(word)] != word:
        n = next((n for n, (a, b) in enumerate(itertools.zip_longest(seen, word)) if a != b), 0)
        said = f"{seen[n].text if n < len(seen) else 'nothing'} and not {word[n].text if n < len(word) else 'nothing more'}"
        raise Mismatch(f"{sides.model.name}: the model is said to show something else than it does: {said}, as letter {n + 1}")
    _refused(sides, model, word)
    return steps


def _ends(label: Label) -> bool:
    """Whether a label says that the run is over without a failed check."""
    return label.text in (ENDED, STUCK)


def _trace(model: Machine, difference: Difference) -> Trace:
    """The steps of the reference System that lead to the last label."""
    packing, system = model.packing, model.system
    expansion = Expansion()
    for before, after in itertools.pairwise(difference.path):
        if before[1]:
            continue  # one more letter of the same step is read
        for move in model.moves(before[0])[0]:
            if move.state & ~model.out | model.clear == after[0] and model.seen_in(move) == after[1]:
                action = system.actions[move.action]
                expansion.add(action, model.functions.evaluator(action, before[0], move.inputs))
                break
        else:
            raise Mismatch(f"{model.compiled.name}: a move of the model is gone")
    start = difference.path[0][0]
    initial = tuple((v.name, packing.value(start, v.name)) for v in system.vars if v.any_init)
    stops = difference.last.kind == "mark" and not _ends(difference.last)
    trace = Trace(initial, tuple(expansion.steps), "", "", expansion.length, False, stops)
    return model.flat.decode_trace(trace)


def _labelled(model: Machine, records: list[Record]) -> Iterator[Replayed]:
    """What was seen in each step, as the machine's view has it."""
    names: Names = ()
    for r in records:
        seen: list[Label] = []
        for letter in _letters(r):
            label, names = model.label(letter, names)
            if label is not None:
                seen.append(label)
        yield Replayed(r, tuple(seen))


def _letters(r: Record) -> Iterator[Letter]:
    """The events of a step and the failures of built-in checks, in the order of its effects."""
    thread = r.action.thread or ""
    emitted = {id(e.emit): e for e in r.events}
    failed = {id(f.cause) for f in r.failures}
    for effect in r.action.effects:
        if isinstance(effect, Emit) and id(effect) in emitted:
            yield Letter(thread, effect.event, emitted[id(effect)].args)
        elif isinstance(effect, Check) and effect.stop and id(effect) in failed:
            yield Letter(thread, STOP + effect.prop, ())


def _end(run: Interpreter, state: State) -> str:
    """How a run has ended that nobody can see go on, in the machine's words; empty if it has not ended."""
    tasks = [t for t in run.system.threads if not t.is_device]
    names = {t.name for t in tasks}
    found: set[bool] = set()
    seen, todo = {state}, [state]
    while todo:
        here = todo.pop()
        moved = False
        for action, given in run.enabled(here):
            moved = moved or action.thread in names
            result = run.step(here, action, given)
            if result.events or result.stopped or len(seen) > MOST_STATES:
                return ""
            if result.state not in seen:
                seen.add(result.state)
                todo.append(result.state)
        if not moved:
            found.add(all(run.value(here, t.pc) in t.ends | t.idle for t in tasks))
    return "" if len(found) != 1 else ENDED if found.pop() else STUCK


def _refused(sides: Sides, model: Machine, word: list[Label]) -> None:
    """See that the contract, one statement after the other, shows all of the word but its last label."""
    contract = Contract(Machine(sides.contract, model.view, model.budget, fuse=False))
    try:
        number = contract.start()
        for n, label in enumerate(word):
            if contract.free[number] or (label in contract.next[number]) != (n + 1 < len(word)):
                said = "more" if n + 1 == len(word) or contract.free[number] else "less"
                raise Mismatch(f"{sides.contract.name}: the contract shows {said} than was said, at letter {n + 1}: {label.text}")
            if n + 1 < len(word):
                number = contract.follow(number, label)
    except TooMany:
        raise Mismatch(f"{sides.contract.name}: the contract has too many states to look at again") from None
