"""Equal step by step, at any depth: from any two states that agree, the same steps are possible and lead to states that agree.

Asked of a solver, one question for each step of the two Systems that have been sliced to what can be seen. States agree if the
variables that both sides have are equal and each thread stands at places that are paired; what only one side has may be
anything. That holds at the start and is kept by every step, so it holds in every run, however long, and for every value of a
parameter that may have any: both sides have the same words in the finest view. Where it fails nothing is said: the sides may
still be equal (a step of one may be two of the other's, or an invariant may be needed).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dmaverify.engines.base import Budget, Stopped
from dmaverify.engines.smt.encode import Encoder
from dmaverify.engines.smt.solver import Solver, Term, make_solver
from dmaverify.engines.smt.terms import constant, sort_of
from dmaverify.ir.expr import TRUE
from dmaverify.ir.pcgraph import targets
from dmaverify.ir.system import Action, System
from dmaverify.ir.traverse import variables
from dmaverify.ir.types import Type
from dmaverify.patches.instrument import SEEN
from dmaverify.patches.machine import Machine

SECONDS = 20.0
"""What a proof may take if nobody says; it is mostly found at once or not at all."""


class _Differ(Exception):
    """The sides do not agree step by step."""


def agree(one: Machine, other: Machine, seconds: float = SECONDS) -> bool:
    """Whether two machines are shown equal in this way. False: not shown."""
    if one.dumb or other.dumb:
        return one.dumb and other.dumb
    if one.seen.events != other.seen.events or not _same_record(one, other):
        return False
    try:
        _Proof(one.system, other.system, make_solver("bitwuzla", Budget(timeout=seconds))).run()
    except (_Differ, Stopped):
        return False
    return True


def _same_record(one: Machine, other: Machine) -> bool:
    """Whether both write down what is seen in the same variables; what is constant on both sides has to have the same value."""
    names = {v.name for m in (one, other) for v in m.seen.system.vars if v.name.startswith(SEEN)}
    for name in names:
        if name not in one.flat.layout or name not in other.flat.layout or one.constants(name) != other.constants(name):
            return False
    return True


@dataclass
class _Proof:
    left: System
    right: System
    solver: Solver
    places: dict[str, dict[int, int]] = field(default_factory=dict)
    """By thread: the place on the right for each on the left."""

    def run(self) -> None:
        """Prove it; ``_Differ`` if it cannot be shown, ``Stopped`` if time is up."""
        if {(t.name, t.is_device) for t in self.left.threads} != {(t.name, t.is_device) for t in self.right.threads}:
            raise _Differ
        self.pcs = {t.pc for s in (self.left, self.right) for t in s.threads}
        self.common = dict(self._common())
        self._initially()
        for t in self.left.threads:
            self._pair_places(t.name)
        self._agreeing()
        for a, b in self._steps():
            self._equal_step(a, b)

    # -- states that agree ------------------------------------------------------------------------------

    def _common(self) -> Iterator[tuple[str, str]]:
        """The variables that both sides have: the name on the right, and that on the left.

        Locals carry the lines of calls in their names; without them they are the same where only lines have moved.
        """
        left = {v.name: v for v in self.left.vars if v.name not in self.pcs}
        right = {v.name: v for v in self.right.vars if v.name not in self.pcs}
        bare = {n: re.sub(r"@\d+", "", n) for n in (*left, *right)}
        once = [Counter(bare[n] for n in side) for side in (left, right)]
        by_bare = {bare[n]: n for n in left}
        for n, v in right.items():
            name = n if n in left else by_bare.get(bare[n])
            if name is None or (name != n and (once[0][bare[n]], once[1][bare[n]]) != (1, 1)):
                continue
            if left[name].type == v.type:
                yield n, name

    def _initially(self) -> None:
        """What both sides have starts with the same value, and with the same ones where several are possible."""
        for n, name in self.common.items():
            a, b = self.left.var(name), self.right.var(n)
            if (a.any_init, a.init) != (b.any_init, b.init):
                raise _Differ
        left, right = self._encoder(0, {}), self._encoder(1, {})
        for system, known in ((self.left, set(self.common.values())), (self.right, set(self.common))):
            if not variables(*system.assumptions) <= known:
                raise _Differ
        ours = self._all([left(e) for e in self.left.assumptions])
        self._must(self._iff(ours, self._all([right(e) for e in self.right.assumptions])))

    def _agreeing(self) -> None:
        """From here on the terms of the right side are those of states that agree with the left side's."""
        w = self.solver.writer
        self.sides = self._encoder(0, {}), self._encoder(1, {})
        for t in self.left.threads:
            pc = self._symbol(0, t.pc)
            at = [self._iff(pc, constant(w, p, self.left.var(t.pc).type)) for p in self.places[t.name]]
            self.solver.add(at[0] if len(at) == 1 else w.apply("or", at))
        for encode, system in zip(self.sides, (self.left, self.right), strict=True):
            for e in system.domain:
                self.solver.add(encode(e))

    # -- places -----------------------------------------------------------------------------------------

    def _pair_places(self, thread: str) -> None:
        """Walk both control flows of a thread side by side."""
        t, other = self.left.thread(thread), self.right.thread(thread)
        entry = self.left.var(t.pc).init, self.right.var(other.pc).init
        paired: dict[int, int] = {}
        todo = [(int(entry[0] or 0), int(entry[1] or 0))]
        while todo:
            mine, theirs = todo.pop()
            if mine in paired or theirs in paired.values():
                if paired.get(mine) != theirs:
                    raise _Differ
                continue
            paired[mine] = theirs
            if (mine in t.ends, mine in t.idle) != (theirs in other.ends, theirs in other.idle):
                raise _Differ
            for a, b in self._starting(thread, mine, theirs):
                todo += self._following(a, b, (t.pc, other.pc), (mine, theirs))
        self.places[thread] = paired

    def _starting(self, thread: str, mine: int, theirs: int) -> Iterator[tuple[Action, Action]]:
        ours = [a for a in self.left.actions if a.thread == thread and a.at == mine]
        others = [a for a in self.right.actions if a.thread == thread and a.at == theirs]
        if len(ours) != len(others):
            raise _Differ
        yield from zip(ours, others, strict=True)

    def _following(self, a: Action, b: Action, pcs: tuple[str, str], here: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """The pairs of places to which the two steps can lead together."""
        ours = targets(a.updates[pcs[0]]) if pcs[0] in a.updates else ((TRUE, here[0]),)
        others = targets(b.updates[pcs[1]]) if pcs[1] in b.updates else ((TRUE, here[1]),)
        if ours is None or others is None:
            raise _Differ
        if len(ours) == 1 and len(others) == 1:
            yield ours[0][1], others[0][1]
            return
        left, right = self._encoder(0, {}), self._encoder(1, _inputs(a, b))
        for c, mine in ours:
            for d, theirs in others:
                if self.solver.check([left(a.guard), right(b.guard), left(c), right(d)]):
                    yield mine, theirs

    # -- steps ------------------------------------------------------------------------------------------

    def _steps(self) -> Iterator[tuple[Action, Action]]:
        for t in self.left.threads:
            for mine, theirs in self.places[t.name].items():
                yield from self._starting(t.name, mine, theirs)
        ours = {a.name: a for a in self.left.actions if a.thread is None or a.at is None}
        others = {a.name: a for a in self.right.actions if a.thread is None or a.at is None}
        if ours.keys() != others.keys():
            raise _Differ
        for name, a in ours.items():
            yield a, others[name]

    def _equal_step(self, a: Action, b: Action) -> None:
        if a.thread != b.thread:
            raise _Differ
        left, right = self.sides[0], self._encoder(1, _inputs(a, b))
        w = self.solver.writer
        ours = {n: left(x) for n, x in a.updates.items()}
        others = {n: right(x) for n, x in b.updates.items()}
        same = []
        for n, name in self.common.items():
            if name in ours or n in others:
                before = self._symbol(0, name)
                same.append(self._iff(ours.get(name, before), others.get(n, before)))
        for t in self.left.threads:
            other = self.right.thread(t.name).pc
            if t.pc in ours or other in others:
                after = ours.get(t.pc, self._symbol(0, t.pc))
                behind = others.get(other, self._paired(t.name, self._symbol(0, t.pc)))
                same.append(self._iff(self._paired(t.name, after), behind))
        guard, its = left(a.guard), right(b.guard)
        assumed = []
        if a.thread is not None and a.at is not None:
            pc = self.left.thread(a.thread).pc
            assumed.append(self._iff(self._symbol(0, pc), constant(w, a.at, self.left.var(pc).type)))
        self._must(self._iff(guard, its), assumed)
        self._must(self._all(same), [*assumed, guard])

    # -- terms ------------------------------------------------------------------------------------------

    def _symbol(self, side: int, name: str) -> Term:
        return self.solver.writer.symbol(f"{side}.{name}", sort_of((self.left, self.right)[side].var(name).type))

    def _paired(self, thread: str, place: Term) -> Term:
        """The place on the right that is paired with one on the left."""
        w = self.solver.writer
        mine, theirs = (s.var(s.thread(thread).pc).type for s in (self.left, self.right))
        pairs = list(self.places[thread].items())
        term = constant(w, pairs[0][1], theirs)
        for p, q in pairs[1:]:
            term = w.apply("ite", [self._iff(place, constant(w, p, mine)), constant(w, q, theirs), term])
        return term

    def _encoder(self, side: int, inputs: Mapping[str, str]) -> Encoder[Term]:
        """Expressions of one side; those of the right over the left's variables, as far as they are known to agree."""
        system = (self.left, self.right)[side]
        known: dict[str, Term] = {}
        for v in system.vars:
            if side == 1 and v.name in self.common:
                known[v.name] = self._symbol(0, self.common[v.name])
            else:
                known[v.name] = self._symbol(side, v.name)
        if side == 1 and len(self.places) == len(self.left.threads):
            for t in self.right.threads:
                known[t.pc] = self._paired(t.name, self._symbol(0, self.left.thread(t.name).pc))

        def given(name: str, t: Type) -> Term:
            return self.solver.writer.symbol(f"input.{inputs.get(name, name)}:{t}", sort_of(t))

        return Encoder(self.solver.writer, known, given)

    def _iff(self, a: Term, b: Term) -> Term:
        return self.solver.writer.apply("=", [a, b])

    def _all(self, terms: list[Term]) -> Term:
        w = self.solver.writer
        return w.boolean(True) if not terms else terms[0] if len(terms) == 1 else w.apply("and", terms)

    def _must(self, claim: Term, assumed: list[Term] | None = None) -> None:
        if self.solver.check([*(assumed or ()), self.solver.writer.apply("not", [claim])]):
            raise _Differ


def _inputs(a: Action, b: Action) -> dict[str, str]:
    """The names of the left step's inputs by those of the right one's; ``_Differ`` if they are not of the same kind."""
    if [(i.type, i.values) for i in a.inputs] != [(i.type, i.values) for i in b.inputs]:
        raise _Differ
    return {j.name: i.name for i, j in zip(a.inputs, b.inputs, strict=True)}
