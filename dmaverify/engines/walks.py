"""Random walks through a core System: what they come across, and how to take one of them again.

Each choice falls on an actor first (a thread, or an action of nobody's; each that can do anything is as likely as any other), then on
one of its moves. The walk with number n of seed s is the first one of seed s + n. Native code walks in exactly the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dmaverify.engines.base import Budget, Progress, Stopped
from dmaverify.engines.exploration import Exploration, Found, Tally
from dmaverify.engines.native.kernel_walk import MIX1, MIX2, SPREAD, STEP
from dmaverify.engines.successors import Compiled, DomainError, Hit, Move, Target
from dmaverify.verdict import Trace

_WORD = (1 << 64) - 1


class Generator:
    """The random numbers of one walk (splitmix64)."""

    def __init__(self, seed: int) -> None:
        self.state = seed * SPREAD & _WORD

    def below(self, limit: int) -> int:
        """The next number below a limit of at most 32 bits."""
        self.state = z = (self.state + STEP) & _WORD
        for shift, factor in ((30, MIX1), (27, MIX2)):
            z = ((z ^ z >> shift) * factor) & _WORD
        z ^= z >> 31
        return (z >> 32) * limit >> 32


@dataclass(frozen=True)
class Met(Found):
    """A hit on a walk; its cost is the number of choices that led there (and what the step itself adds)."""

    run: int = 0


class Walks(Exploration):
    """Random walks. ``states`` are the different ones that were met, ``transitions`` the choices made."""

    def __init__(self, compiled: Compiled, seed: int, steps: int) -> None:
        super().__init__(compiled.system, compiled)
        self.seed, self.steps = seed, steps
        self.runs = 0
        self.initial = list(compiled.initial_states())
        self.groups = _groups(compiled)

    def walk(self, run: int) -> Iterator[tuple[int, list[Move], list[Hit]]]:
        """The states of one walk, with what can happen in each."""
        random = Generator(self.seed + run)
        state = self.initial[random.below(len(self.initial))]
        for step in range(self.steps + 1):
            moves: list[Move] = []
            hits: list[Hit] = []
            self.compiled.moves(state, moves, hits)
            moves = [Move(*m) for m in moves]
            yield state, moves, hits
            if step == self.steps or not moves:
                return
            by_actor: dict[int, list[Move]] = {}
            for m in moves:
                by_actor.setdefault(self.groups[m.action], []).append(m)
            actor = sorted(by_actor)[random.below(len(by_actor))]
            state = by_actor[actor][random.below(len(by_actor[actor]))].state

    def way(self, found: Found) -> list[tuple[int, int]]:
        """The walk to a hit; steps from one state to the next as cheap as there are."""
        assert isinstance(found, Met)
        way: list[tuple[int, int]] = []
        before: list[Move] = []
        for state, moves, _ in self.walk(found.run):
            way.append((state, way[-1][1] + min(m.cost for m in before if m.state == state) if way else 0))
            if state == found.state:
                return way
            before = moves
        raise AssertionError("a hit that is on no walk")

    def trace(self, found: Found, target: Target) -> Trace:
        """The way from an initial state to a hit, in steps of the reference System; not a shortest one."""
        return replace(super().trace(found, target), minimal=False)


def _groups(compiled: Compiled) -> list[int]:
    """The number of the actor of each action, in the order in which moves are made."""
    system = compiled.system
    threads = {t.name: n for n, t in enumerate(system.threads)}
    return [
        threads[a.thread] if a.thread is not None and a.at is not None else len(threads) + n for n, a in enumerate(system.actions)
    ]


def walk_in_python(compiled: Compiled, seed: int, runs: int, steps: int, budget: Budget) -> Walks:
    """So many walks of at most so many choices."""
    result = Walks(compiled, seed, steps)
    tally = Tally(result, thorough=True, stops=False)
    seen: list[int] = []
    states: set[int] = set()
    try:
        for run in range(runs if result.initial else 0):
            budget.check(lambda: Progress("walks", states=len(states)))
            for length, (state, _, hits) in enumerate(result.walk(run)):
                states.add(state)
                compiled.observe(state, seen)
                for target in seen:
                    tally.hit(target, Met(length, state, None, run))
                for hit in hits:
                    tally.hit(hit[0], Met(length + hit[1], state, Hit(*hit), run))
                seen.clear()
                result.transitions += length > 0
            result.runs += 1
    except Stopped as stop:
        result.reason = stop.reason
    except DomainError as error:
        result.reason = str(error)
    result.states = len(states)
    result.note_exercised(n for n, was in enumerate(compiled.exercised) if was)
    return result
