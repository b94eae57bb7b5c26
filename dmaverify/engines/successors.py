"""A core System as generated Python functions: what can happen in a state, and what an observer sees in it.

One function for each action, looked up by where its thread stands. The functions append to lists that the
search owns, so that the search itself stays a plain loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from dmaverify.engines.pycode import Packing, Writer, helpers
from dmaverify.ir.evaluate import Evaluator
from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    U32,
    Expr,
    and_,
    const,
    ite,
    mk,
    not_,
    or_,
)
from dmaverify.ir.rebuild import effect_exprs
from dmaverify.ir.system import Action, Check, Input, Reached, System
from dmaverify.ir.traverse import inputs
from dmaverify.ir.types import Bool, Int, Value

MOST_VALUES = 1 << 16
"""An input or open initial value with more values than this is not tried."""


CROWDED = 16
"""With more checks than this, an action has the lengths up to all its parts computed, and not only where a check has failed."""

OBSERVER = -1
"""In the place of an action's number: what is judged in the state itself."""


class DomainError(ValueError):
    """Something has too many values to try each; ``name`` says what."""

    def __init__(self, name: str) -> None:
        super().__init__(f"domain of {name}")
        self.name = name


class Move(NamedTuple):
    """A way out of a state: where to, at which cost, by which action (its number) and inputs."""

    state: int
    cost: int
    action: int
    inputs: tuple[Value, ...]


class Hit(NamedTuple):
    """A check failed or a cover was reached in a step: which one, at which cost, by which action and
    inputs.
    """

    target: int
    cost: int
    action: int
    inputs: tuple[Value, ...]


@dataclass(frozen=True)
class Target:
    """What a search looks for, once for each place in the System: ``kind`` is ``check``, ``always``,
    ``cover`` or ``reached``.
    """

    kind: str
    prop: str
    label: str
    part: int | None = None
    stop: bool = False


def _too_many(name: str) -> None:
    raise DomainError(name)


MoveFn = Callable[[int, "list[Move]", "list[Hit]"], None]
ObserveFn = Callable[[int, "list[int]"], None]


def values_of(t: Bool | Int, name: str) -> tuple[Value, ...]:
    """All values of a core type, if they are not too many."""
    if isinstance(t, Bool):
        return (False, True)
    if t.count > MOST_VALUES:
        raise DomainError(name)
    return tuple(t.wrap(n) for n in range(t.count))


class Compiled:
    """The functions of one System; they are made when the first of them is needed.

    ``wanted[n]`` is cleared by the search when it needs no more hits of target n; ``exercised[n]`` is set by
    the functions when the path of target n was seen true.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.packing = Packing(system.vars)
        self.targets: list[Target] = []
        self.target_numbers: dict[int, list[int]] = {}
        """Targets of each action, in the order of its effects; at ``OBSERVER`` those of always-instances, then covers."""
        self.sources: list[str] = []
        for number, action in enumerate(system.actions):
            self.sources.append(self._action(number, action))
        self.sources.append(self._observer())
        self.wanted = bytearray(b"\1" * len(self.targets))
        self.exercised = bytearray(len(self.targets))

    @cached_property
    def _space(self) -> dict[str, object]:
        """What the generated source defines."""
        space = {
            "wanted": self.wanted,
            "exercised": self.exercised,
            "too_many": _too_many,
            **helpers(),
        }
        exec(compile("\n".join(self.sources), f"<{self.system.name}>", "exec"), space)
        return space

    @cached_property
    def _functions(self) -> list[MoveFn]:
        """The functions of the actions."""
        return [self._space[f"action{n}"] for n in range(len(self.system.actions))]  # type: ignore[misc]

    @cached_property
    def observe(self) -> ObserveFn:
        """The function of the observer."""
        return self._space["observe"]  # type: ignore[return-value]

    @cached_property
    def anywhere(self) -> list[MoveFn]:
        """The functions that are always tried."""
        return [f for f, a in zip(self._functions, self.system.actions, strict=True) if _pc_of(self.system, a) is None]

    @cached_property
    def by_pc(self) -> list[tuple[int, int, dict[int, list[MoveFn]]]]:
        """For each thread where its pc is (offset and mask) and the functions for each place where it may stand."""
        found: list[tuple[int, int, dict[int, list[MoveFn]]]] = []
        for t in self.system.threads:
            table: dict[int, list[MoveFn]] = {}
            for f, a in zip(self._functions, self.system.actions, strict=True):
                if a.thread == t.name and a.at is not None:
                    table.setdefault(a.at, []).append(f)
            if table:
                mask = (1 << self.packing.type[t.pc].bits) - 1
                found.append((self.packing.offset[t.pc], mask, table))
        return found

    def moves(self, state: int, moves: list[Move], hits: list[Hit]) -> None:
        """Append everything that can happen in ``state``."""
        for offset, mask, table in self.by_pc:
            for f in table.get(state >> offset & mask, ()):
                f(state, moves, hits)
        for f in self.anywhere:
            f(state, moves, hits)

    def initial_states(self) -> Iterator[int]:
        """The initial states, in the order of the values of the open variables."""
        system = self.system
        free = [v for v in system.vars if v.any_init]
        size = 1
        domains: list[tuple[Value, ...]] = []
        for v in free:
            assert isinstance(v.type, Bool | Int)
            domains.append(values_of(v.type, v.name))
            size *= len(domains[-1])
            if size > MOST_VALUES:
                raise DomainError(v.name)
        fixed = {v.name: v.init for v in system.vars if not v.any_init}
        for combination in itertools.product(*domains):
            values = {**fixed, **dict(zip((v.name for v in free), combination, strict=True))}
            evaluate = Evaluator(lambda n, known=values: known[n.data])  # type: ignore[misc]
            if all(evaluate(a) for a in system.assumptions):
                yield self.packing.pack(values)

    def evaluator(self, action: Action, state: int, given: tuple[Value, ...]) -> Evaluator:
        """Evaluates expressions over one state and the inputs of one action."""
        values = dict(zip((i.name for i in action.inputs), given, strict=True))

        def leaf(node: Expr) -> Value:
            if node.op == "var":
                return self.packing.value(state, node.data)
            value = values[node.data]
            return bool(value) if isinstance(node.type, Bool) else value

        return Evaluator(leaf)

    # -- source -----------------------------------------------------------------------------------------

    def _target(self, where: int, target: Target) -> int:
        self.targets.append(target)
        self.target_numbers.setdefault(where, []).append(len(self.targets) - 1)
        return len(self.targets) - 1

    def _action(self, number: int, action: Action) -> str:
        names = {i.name: f"i{n}" for n, i in enumerate(action.inputs)}
        w = Writer(self.packing, names)
        _ActionWriter(self, w, number, action, names).write()
        if not w.lines:
            w.line("pass")
        return "\n".join([f"def action{number}(s, moves, hits):", *w.lines, ""])

    def _observer(self) -> str:
        w = Writer(self.packing, {})
        for a in self.system.always:
            n = self._target(OBSERVER, Target("always", a.prop, a.label))
            with w.block(f"if wanted[{n}] or not exercised[{n}]:"):
                w.share(a.when)
                with w.block(f"if {w.test(a.when)}:"):
                    w.line(f"exercised[{n}] = 1")
                    w.share(a.cond)
                    with w.block(f"if not ({w.test(a.cond)}):"):
                        w.line(f"hits.append({n})")
        for c in self.system.covers:
            n = self._target(OBSERVER, Target("cover", c.name, c.name))
            with w.block(f"if wanted[{n}]:"):
                w.share(c.cond)
                with w.block(f"if {w.test(c.cond)}:"):
                    w.line(f"hits.append({n})")
        w.line("return")
        return "\n".join(["def observe(s, hits):", *w.lines, ""])


def _pc_of(system: System, a: Action) -> str | None:
    """The variable that says whether the action's thread stands at its start; None if it may start
    anywhere.
    """
    return None if a.thread is None or a.at is None else system.thread(a.thread).pc


def _conjuncts(guard: Expr) -> tuple[Expr, ...]:
    return guard.args if guard.op == "and" else (() if guard is TRUE else (guard,))


def next_input(todo: list[Input], guard: list[Expr]) -> tuple[Input, Expr | None]:
    """Which input to choose next, and the expression that the guard equates it with, if there is one.

    One that has too many values may be given by those that are chosen before it.
    """
    open_names = {i.name for i in todo}
    first = next((i for i in todo if i.values is not None or i.type.count <= MOST_VALUES), todo[0])
    for i in todo:
        chosen = _given_by(i, guard, open_names)
        if chosen is not None:
            return i, chosen
    return first, None


def _given_by(i: Input, guard: list[Expr], open_names: set[str]) -> Expr | None:
    """An expression that a conjunct of the guard equates the input with, without any that is still open."""
    for g in guard:
        if g.op == "eq":
            for x, y in (g.args, g.args[::-1]):
                if x.op == "input" and x.data == i.name and not inputs(y) & open_names:
                    return y
    return None


class _ActionWriter:
    """Writes the function of one action: guard, a loop for each input, checks, the successor."""

    def __init__(self, owner: Compiled, writer: Writer, number: int, action: Action, names: dict[str, str]) -> None:
        self.owner, self.w, self.number, self.action, self.names = owner, writer, number, action, names
        self.costs: dict[int, Expr] = {}

    def write(self) -> None:
        """Everything, from the first conjunct of the guard."""
        if self.action.guard is not FALSE:
            self._inputs(list(self.action.inputs), list(_conjuncts(self.action.guard)), "return")

    def _inputs(self, todo: list[Input], guard: list[Expr], leave: str) -> None:
        """Test what can be tested with the inputs chosen so far, then choose the next one."""
        open_names = {i.name for i in todo}
        now = [g for g in guard if not inputs(g) & open_names]
        later = [g for g in guard if inputs(g) & open_names]
        w = self.w
        if now:
            # cheap tests first: they leave most states at once
            cheap = [g for g in now if w.is_bit_test(g)]
            costly = [g for g in now if not w.is_bit_test(g)]
            if cheap:
                w.line(f"if not ({w.conjunction(cheap)}): {leave}")
            if costly:
                w.share(*costly)
                w.line(f"if not ({w.conjunction(costly)}): {leave}")
        if not todo:
            self._body()
            return
        first, chosen = next_input(todo, later)
        rest = [i for i in todo if i is not first]
        if chosen is not None:
            # the guard says which value it is
            w.share(chosen)
            w.line(f"{self.names[first.name]} = {w.value(chosen)}")
            if first.values is not None:
                w.line(f"if {self.names[first.name]} not in {self._list(first.values)}: {leave}")
            self._inputs(rest, later, leave)
            return
        assert isinstance(first.type, Bool | Int)
        name = f"{self.action.name}.{first.name}"
        try:
            values = first.values if first.values is not None else values_of(first.type, name)
        except DomainError:
            w.line(f"too_many({name!r})")  # an error only if the search gets here
            return
        with w.block(f"for {self.names[first.name]} in {self._list(values)}:"):
            self._inputs(rest, later, "continue")

    @staticmethod
    def _list(values: tuple[Value, ...]) -> str:
        numbers = [int(v) for v in values]
        if len(numbers) > 4 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return f"range({numbers[0]}, {numbers[-1] + 1})"
        return f"({''.join(f'{n}, ' for n in numbers)})"

    def _body(self) -> None:
        """What happens once the inputs are chosen and the guard holds."""
        w, action = self.w, self.action
        given = f"({''.join(self.names[i.name] + ', ' for i in action.inputs)})"
        news = list(action.updates.items())
        weight = action.weight if action.weight is not None else const(1, U32)
        judged = [x for e in action.effects for x in effect_exprs(e)]
        dead = or_(*(and_(e.path, not_(e.cond)) for e in action.checks if e.stop))
        # checks and updates of one action have most of their expressions in common, and so have the lengths up to many checks
        parts = [e.part for e in action.effects if isinstance(e, Check | Reached)]
        costs = [self._prefix(p) for p in parts] if len(parts) > CROWDED else []
        w.share(*judged, dead, *(x for _, x in news), weight, *costs)
        for e in action.effects:
            if isinstance(e, Check):
                self._check(e, given)
            elif isinstance(e, Reached):
                n = self.owner._target(self.number, Target("reached", e.cover, e.cover, e.part))
                with w.block(f"if wanted[{n}] and ({w.test(e.path)}):"):
                    w.line(f"hits.append(({n}, {self._cost(e.part)}, {self.number}, {given}))")
        if dead is FALSE:
            self._successor(news, weight, given)
        else:
            # the state behind a failed check of this kind means nothing
            with w.block(f"if not ({w.test(dead)}):"):
                self._successor(news, weight, given)

    def _check(self, e: Check, given: str) -> None:
        w = self.w
        n = self.owner._target(self.number, Target("check", e.prop, e.label, e.part, e.stop))
        with w.block(f"if (wanted[{n}] or not exercised[{n}]) and ({w.test(e.path)}):"):
            w.line(f"exercised[{n}] = 1")
            with w.block(f"if not ({w.test(e.cond)}):"):
                w.line(f"hits.append(({n}, {self._cost(e.part)}, {self.number}, {given}))")

    def _cost(self, part: int) -> str:
        """Source of what the step adds to the length up to and including one of its parts."""
        cost = self._prefix(part)
        self.w.share(cost)
        return self.w.value(cost)

    def _prefix(self, part: int) -> Expr:
        if part not in self.costs:
            self.costs[part] = prefix_weight(self.action, part)
        return self.costs[part]

    def _successor(self, news: list[tuple[str, Expr]], weight: Expr, given: str) -> None:
        w, packing = self.w, self.owner.packing
        kept = (1 << packing.bits) - 1
        constant = 0
        terms: list[str] = []
        for name, new in news:
            kept &= ~packing.mask(name)
            if new.is_const:
                constant |= packing.place(name, new.value)
            else:
                terms.append(self._placed(name, new))
        if news:
            terms.insert(0, f"s & {kept:#x}")
            if constant:
                terms.append(f"{constant:#x}")
        after = " | ".join(terms) if terms else "s"
        w.line(f"moves.append(({after}, {w.value(weight)}, {self.number}, {given}))")

    def _placed(self, name: str, new: Expr) -> str:
        packing = self.owner.packing
        t, at = packing.type[name], packing.offset[name]
        source = self.w.value(new)
        if isinstance(t, Int) and t.signed:
            source = f"({source} & {(1 << t.width) - 1:#x})"
        return f"({source} << {at})"


def prefix_weight(action: Action, part: int) -> Expr:
    """What a step adds to the length of a trace that ends with one of its parts.

    ``Action.weight`` may hold more than the action's own parts: late ones of the thread's step before.
    """
    before = action.weight if action.weight is not None else const(1, U32)
    total = const(0, U32)
    own = const(0, U32)
    for n, p in enumerate(action.parts):
        term = ite(p.path, const(p.weight, U32), const(0, U32))
        if n <= part:
            total = mk("add", (total, term))
        if not p.late:
            own = mk("add", (own, term))
    # weight == own + what waited; so what a check costs is weight - own + total
    return total if own is before else mk("add", (mk("sub", (before, own)), total))
