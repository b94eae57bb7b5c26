"""What else a patch changes: the cheapest proof that both sides have the same observable words, or where they have not.

In this order, and the report names the one that answered:

* *equal IR*: the two Systems differ in names and order at most (``canonical``); nothing has to be explored.
* *step by step*: the same steps from any two states that agree, asked of a solver; at any depth, for all parameters (``stepwise``).
* *subset construction* over the observable words, the finest view first (``machine``, ``words``).

Whoever is asked anything but the first is asked about BEFORE against itself as well, and has to say that it is equal.

Words are not followed behind a difference; ``beside`` looks there.

Words speak of finitely many states: a scenario whose parameters may have any value is not compared by them. Where a contract
stands for the body of a proc, nothing is said if the patch changes anything that the body may use.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from dmaverify.checking.problems import Mismatch
from dmaverify.lang.compile import Compiled, compile_scenario, param_instances
from dmaverify.patches.canonical import same
from dmaverify.patches.changed import changed_in, used_by
from dmaverify.patches.diff import Touched
from dmaverify.patches.machine import Label, Machine
from dmaverify.patches.naming import named_like
from dmaverify.patches.results import Difference, Equality, WordStep
from dmaverify.patches.sides import Comparison, Side
from dmaverify.patches.stepwise import agree
from dmaverify.patches.words import Answer, Found, compare, violated_in_call
from dmaverify.texts import overlaid

VIEWS = ("results", "events", "addresses")
"""Coarsest first: who is equal in one is equal in those before it."""

STATES = 100_000
"""States of either side that are looked at if nobody says how many."""

SECONDS = 300.0
"""What the comparison of a variant may take if nobody says."""

BY_IR = "equal IR"
BY_STEPS = "step by step, at any depth"
BY_WORDS = "subset construction"


@dataclass(frozen=True)
class Task:
    """One variant to be compared; ``fixed``: properties violated before and not after."""

    before: Side
    after: Side
    files: tuple[str, str]
    variant: str | None
    params: tuple[tuple[str, int | str], ...]
    view: str
    states: int
    fixed: tuple[str, ...]
    changed: frozenset[str] = frozenset()
    """The names of the declarations that differ."""
    seconds: float = SECONDS
    builtin: frozenset[str] = frozenset()
    """Those of ``fixed`` that are built-in checks."""
    broken: tuple[str, ...] = ()
    """Properties violated after and not before."""
    touched: tuple[Touched, ...] = ()
    """The files that the scenario stands on and that differ."""


def changed_names(comparison: Comparison) -> frozenset[str]:
    """The names of all declarations that differ."""
    return frozenset(name for t in comparison.touched for name in changed_in(t).declarations)


def equality(task: Task, by_words: bool = False) -> Equality:
    """Compare one variant. ``by_words``: not by IR even where that would do (for tests)."""
    until = time.monotonic() + task.seconds
    how: list[str] = []
    seen: set[str] = set()
    worst: Equality | None = None
    for one, other, choice in instances(task):
        if time.monotonic() > until:
            answer = Equality("unknown", reason="time")
        else:
            answer = _instance(task, one, other, choice, by_words, until)
        how.append(answer.how)
        seen.add(answer.word)
        if worst is None or _RANK.index(answer.word) < _RANK.index(worst.word):
            worst = replace(answer, equal_views=answer.equal_views if worst is None else _common(answer, worst))
        else:
            worst = replace(worst, equal_views=_common(answer, worst), states=worst.states + answer.states)
        if answer.reason == "time":
            break
    if worst is None:
        return Equality("unknown", reason="the values of the parameters are not the same on both sides")
    if worst.word in ("fewer", "more") and seen - {worst.word, "equal"}:
        worst = replace(worst, word="different")  # in one direction for some parameters is in no direction for all
    return replace(worst, how=", ".join(dict.fromkeys(h for h in how if h)))


_RANK = ("different", "fewer", "more", "unknown", "equal")


def _common(a: Equality, b: Equality) -> tuple[str, ...]:
    return tuple(v for v in a.equal_views if v in b.equal_views)


Instance = tuple[Compiled, Compiled, tuple[tuple[str, object], ...]]


def instances(task: Task) -> Iterator[Instance]:
    """Both sides compiled, with the calls marked, for each choice of the parameters that have several values."""
    given = dict(task.params)
    choices = []
    for side, file in ((task.before, task.files[0]), (task.after, task.files[1])):
        with overlaid(side.overlay):
            found = param_instances(file, task.variant)
        left = [tuple((k, v) for k, v in c.items() if k not in given) for c in found]
        choices.append(list(dict.fromkeys(left)))
    if choices[0] != choices[1]:
        return
    for choice in choices[0]:
        values = {**given, **dict(choice)}
        yield *_both(task, values, None), choice


def _both(task: Task, values: Mapping[str, object], monitors: Sequence[str] | None) -> tuple[Compiled, Compiled]:
    one, other = (_compiled(task, side, values, monitors) for side in (0, 1))
    return one, named_like(other, one)


def _compiled(
    task: Task, side: int, values: Mapping[str, object], monitors: Sequence[str] | None, watched: str = ""
) -> Compiled:
    with overlaid((task.before, task.after)[side].overlay):
        return compile_scenario(task.files[side], task.variant, values, monitors=monitors, marks=True, watched=watched)


def _instance(
    task: Task, one: Compiled, other: Compiled, choice: tuple[tuple[str, object], ...], by_words: bool, until: float
) -> Equality:
    for proc in rests_on_changed(task, one, other):
        return Equality("unknown", reason=f"{proc} is taken by its contract, and what its body uses is different")
    if not by_words and same(one.system, other.system):
        return Equality("equal", BY_IR, "addresses", equal_views=VIEWS)
    values = {**dict(task.params), **dict(choice)}
    left, right = (Machine(c, VIEWS[-1], task.states) for c in _both(task, values, ()))
    if not by_words and agree(left, right):
        return Equality("equal", BY_STEPS, "addresses", equal_views=VIEWS)
    if one.free or other.free:
        free = ", ".join(dict.fromkeys((*one.free, *other.free)))
        return Equality("unknown", reason=f"{free} may have any value, and words are compared for given values only")
    if not same(one.system, one.system):
        raise Mismatch(f"{one.name} before the patch is not equal to itself by its IR")
    states = 0
    asked: tuple[str, Answer] | None = None
    equal: tuple[str, ...] = ()
    for view in reversed(VIEWS):  # who is equal in the finest is equal in all
        answer = compare(left.seen_as(view), right.seen_as(view), until)
        states += answer.elements
        if view == task.view or (view == "addresses" and asked is None):
            asked = view, answer
        if not answer.found and not answer.reason:
            equal = VIEWS[: VIEWS.index(view) + 1]
            break
        if answer.reason and not answer.found and view == task.view:
            break  # a coarser view would not say what was asked
    assert asked is not None
    if not asked[1].reason:
        _reflexive(left.seen_as(task.view), until)
    if task.view in equal:
        return Equality("equal", BY_WORDS, equal[-1], states=states, equal_views=equal)
    view, answer = asked
    if not answer.found:
        return Equality("unknown", BY_WORDS, view, answer.reason, states=states, equal_views=equal)
    differences = tuple(_differences(task, values, answer))
    sides = {d.side for d in differences}
    word = "different" if len(sides) > 1 or answer.reason else "fewer" if sides == {"before"} else "more"
    return Equality(word, BY_WORDS, view, answer.reason, differences, states, equal_views=equal)


def rests_on_changed(task: Task, one: Compiled, other: Compiled) -> list[str]:
    """The procs that are taken by their contracts although what their bodies use may differ."""
    procs = sorted({*one.contracts, *other.contracts})
    if not all(n.isidentifier() for n in task.changed):
        return procs
    return [p for p in procs if any(task.changed & used_by(c, p) for c in (one, other))]


def _reflexive(machine: Machine, until: float) -> None:
    """BEFORE is equal to itself, once with its steps fused and once without; else no answer of ours is worth anything."""
    if compare(machine, Machine(machine.compiled, machine.view, machine.budget, fuse=False), until).found:
        raise Mismatch(f"{machine.compiled.name} before the patch is not equal to itself by its words")


# -- differences


def _differences(task: Task, values: Mapping[str, object], answer: Answer) -> Iterator[Difference]:
    judge = _Attribution(task, values)
    for f in answer.found:
        word = word_steps((*f.shared, f.last))
        at = f.opened
        yield Difference(
            ("before", "after")[f.side],
            word[:-1],
            word[-1],
            tuple(WordStep(x.thread, x.text) for x in f.instead),
            f.call,
            f.last.thread,
            () if at is None else tuple(p for p in task.fixed if judge.fixed(p, f, at)),
        )


def word_steps(word: Sequence[Label]) -> tuple[WordStep, ...]:
    """The word with the call in which each of its letters lies."""
    open_: dict[str, str] = {}
    steps = []
    for x in word:
        if x.kind == "call":
            open_[x.thread] = x.text
        steps.append(WordStep(x.thread, x.text, open_.get(x.thread, ""), x.kind == "return"))
        if x.kind == "return":
            open_.pop(x.thread, None)
    return tuple(steps)


class _Attribution:
    """Whether a difference belongs to a fix: in BEFORE, the call in which it lies can violate the property by itself."""

    def __init__(self, task: Task, values: Mapping[str, object]) -> None:
        self.task, self.values = task, values
        self.machines: dict[str, Machine] = {}
        self.known: dict[tuple[str, tuple[Label, ...], int], bool] = {}

    def fixed(self, prop: str, found: Found, at: int) -> bool:
        """Whether some run of BEFORE violates the property in the call that starts at ``at``, or before another call starts."""
        word = found.shared
        if at == len(word):
            if found.side == 1:
                return False  # BEFORE does not make this call at all
            word = (*word, found.last)
        key = prop, word, at
        if key not in self.known:
            if prop not in self.machines:
                compiled = _compiled(self.task, 0, self.values, None, prop)
                self.machines[prop] = Machine(compiled, self.task.view, self.task.states, watched=prop)
            self.known[key] = violated_in_call(self.machines[prop], word, at) is True
        return self.known[key]


