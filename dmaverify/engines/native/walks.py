"""Random walks by native code."""

from __future__ import annotations

from dmaverify.engines.base import Budget, Progress, Stopped, resident_bytes
from dmaverify.engines.exploration import Tally
from dmaverify.engines.native.fields import Own, Stop
from dmaverify.engines.native.machine import Machine
from dmaverify.engines.native.search import inputs_of
from dmaverify.engines.successors import OBSERVER, Compiled, DomainError, Hit
from dmaverify.engines.walks import Met, Walks


def walk_natively(compiled: Compiled, seed: int, runs: int, steps: int, budget: Budget, threads: int = 1) -> Walks:
    """The same as ``walks.walk_in_python``; ``NotNative`` if the System, or this machine, is not made for it."""
    result = Walks(compiled, seed, steps)
    machine = Machine(compiled, threads, walking=steps + 1)
    try:
        if result.initial:
            _walk(result, machine, runs, budget)
    except Stopped as stop:
        result.reason = stop.reason
    except DomainError as error:
        result.reason = str(error)
    finally:
        result.runs, result.states = machine.total(Own.EXPANDED), machine.states
        result.transitions = machine.total(Own.TRANSITIONS)
        _take(result, machine)
        machine.close()
    return result


def _walk(result: Walks, machine: Machine, runs: int, budget: Budget) -> None:
    """All walks."""
    for n in range(len(result.compiled.targets)):
        machine.set_wanted(n, True)
    initial = [machine.layout.to_words(s) for s in result.initial]

    def watch() -> None:
        budget.check(lambda: Progress("walks", states=machine.states))

    watch()
    while (stop := machine.walk(initial, result.seed, runs, result.steps, watch)) is not Stop.NO:
        if stop is Stop.DOMAIN:
            number = max(t.own[Own.DOMAIN] for t in machine.threads)
            raise DomainError(machine.program.domains[number - 1])
        machine.table.grow(budget.memory, resident_bytes)


def _take(result: Walks, machine: Machine) -> None:
    """Take over what was recorded."""
    compiled = result.compiled
    tally = Tally(result, thorough=True, stops=False)
    actions = {n: a for a, numbers in compiled.target_numbers.items() for n in numbers}
    for n in range(len(compiled.targets)):
        best = machine.best(n)
        if best is None:
            continue
        hit = None
        if actions[n] != OBSERVER:
            hit = Hit(n, 0, actions[n], inputs_of(compiled.system.actions[actions[n]], best.inputs))
        tally.hit(n, Met(best.cost, machine.layout.to_state(best.words), hit, best.place))
    result.note_exercised(n for n in range(len(compiled.targets)) if machine.exercised(n))
