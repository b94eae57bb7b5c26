"""The System: a typed transition system with threads, hardware actions, effects and properties.

A *state* is a value for every variable. An *initial state* has each variable's initial value (any value where ``init`` is
None) and satisfies ``assumptions``. A *step* picks an action and values for its inputs, requires that its thread stands at
``at`` and that ``guard`` holds, evaluates effects and updates in the old state, and installs all updates at once.

The compiler emits the *reference System*: one action for each statement of each thread. Passes are functions from System to
System (``flatten``, ``slice``, ``fuse``); what an engine finds in a derived System is replayed in the reference System, which
is why a fused action remembers the ``parts`` that it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum as PyEnum
from typing import Literal

from dmaverify.ir.expr import TRUE, Expr
from dmaverify.ir.types import Type, Value
from dmaverify.span import NOWHERE, Span

Message = tuple["str | Expr", ...]
"""Text with expressions in it, to be evaluated in the state where it is shown."""


class Kind(PyEnum):
    """What a variable is for; passes and reports treat the kinds differently, the meaning is the same."""

    STATE = "var"
    LOCAL = "local"  # a thread's own: set to its default wherever it is dead
    GHOST = "ghost"  # owned by one monitor: no guard, input or other update may read it
    PC = "pc"  # where a thread stands
    PARAM = "param"  # chosen before the first step, never written


@dataclass(frozen=True)
class Var:
    """A state variable. ``init`` None means any value. ``owner`` is a thread (locals, pc) or a monitor (ghosts)."""

    name: str
    type: Type
    init: Value | None
    kind: Kind = Kind.STATE
    owner: str | None = None
    span: Span = NOWHERE
    any_init: bool = False
    """True: every value is an initial one. (``init`` alone cannot say so: None is also the null of a nullable type.)"""


@dataclass(frozen=True)
class Input:
    """A choice made when the action is taken: a value of ``type``, and one of ``values`` if those are given."""

    name: str
    type: Type
    values: tuple[Value, ...] | None = None


@dataclass(frozen=True)
class Frame:
    """One level of the call stack of a statement: the procedure, and where it was called from."""

    proc: str
    call: Span


@dataclass(frozen=True)
class Statement:
    """A statement as a reader would write it, the calls that lead to it (outermost first), and its place."""

    text: str
    stack: tuple[Frame, ...]
    span: Span


@dataclass(frozen=True)
class Check:
    """``assert``: whenever the action is taken and ``path`` holds, ``cond`` must hold (both in the old state).

    ``prop`` names the property that is violated otherwise; the run goes on, unless the property is a built-in one
    (``stop``), whose failure leaves a state that means nothing.
    """

    prop: str
    label: str
    path: Expr
    cond: Expr
    message: Message = ()
    span: Span = NOWHERE
    stop: bool = False
    part: int = 0
    """Which of the action's ``parts`` it belongs to: the trace to its failure ends with that part."""
    statement: Statement | None = field(default=None, compare=False)
    """Where it is made, if not by the action's own statement but by one behind it that takes no time. For readers: it is no
    part of the text form."""


@dataclass(frozen=True)
class Emit:
    """The step is labelled with this event when ``path`` holds. Arguments are evaluated in the old state."""

    event: str
    args: tuple[tuple[str, Expr], ...]
    path: Expr = TRUE
    span: Span = NOWHERE
    statement: Statement | None = field(default=None, compare=False)
    """As that of a check."""


@dataclass(frozen=True)
class Reached:
    """A cover or a vacuity probe inside an action: passed when the action is taken and ``path`` holds."""

    cover: str
    path: Expr
    span: Span = NOWHERE
    part: int = 0
    """Which of the action's ``parts`` it belongs to."""


Effect = Check | Emit | Reached


@dataclass(frozen=True)
class LockOp:
    """The action acquires or releases ``lock`` (a map cell or a variable of type bool, as an expression)."""

    op: Literal["acquire", "release"]
    lock: Expr


@dataclass(frozen=True)
class Part:
    """One action of the reference System that a derived action stands for, taken when ``path`` holds in the old state.

    ``bindings`` are values for the part's inputs: constants, or inputs and variables of the derived action's old state.
    ``weight`` is what the part adds to the length of a trace. A ``late`` part touches nothing that anybody else looks at:
    in a trace it stands just before the next step of its thread, and is left out if there is none.
    """

    action: str
    path: Expr
    bindings: tuple[tuple[str, Expr], ...] = ()
    weight: int = 1
    late: bool = False


@dataclass(frozen=True)
class Action:
    """One kind of step.

    ``thread`` None: the hardware or a device acts by itself, whenever ``guard`` holds. Otherwise the action is enabled only
    where the thread's pc equals ``at``. ``updates`` maps a variable to its new value; others keep theirs. ``weight`` is what
    the step adds to the length of a trace (an expression over the old state for fused actions, a constant otherwise).
    ``text`` is the statement as a reader would write it; ``stack`` are the calls that lead to it, outermost first.
    """

    name: str
    thread: str | None
    at: int | None
    guard: Expr = TRUE
    inputs: tuple[Input, ...] = ()
    effects: tuple[Effect, ...] = ()
    updates: dict[str, Expr] = field(default_factory=dict)
    weight: Expr | None = None
    locks: tuple[LockOp, ...] = ()
    parts: tuple[Part, ...] = ()
    text: str = ""
    actor: str = ""
    """Who acts, as reports say it: the thread's CPU or device, or the hardware unit."""
    stack: tuple[Frame, ...] = ()
    span: Span = NOWHERE

    @property
    def checks(self) -> Iterator[Check]:
        """The asserts among the effects."""
        return (e for e in self.effects if isinstance(e, Check))

    @property
    def emits(self) -> Iterator[Emit]:
        """The events among the effects."""
        return (e for e in self.effects if isinstance(e, Emit))


@dataclass(frozen=True)
class Thread:
    """A sequence, client, handler or device program.

    ``level``: ``task``, ``softirq`` or ``hardirq``. ``ends``: pcs where nothing is left to do; ``idle``: pcs where a client
    waits for its next choice. ``labels`` names source labels and other notable pcs.
    """

    name: str
    pc: str
    actor: str
    level: str = "task"
    is_device: bool = False
    ends: frozenset[int] = frozenset()
    idle: frozenset[int] = frozenset()
    labels: dict[str, int] = field(default_factory=dict)
    span: Span = NOWHERE


@dataclass(frozen=True)
class Always:
    """``cond`` holds in every state where ``when`` holds. One of possibly many instances of property ``prop``.

    ``stable`` lists the lock variables (cells as expressions) that must be free for the instance to be judged; ``when``
    already says so, the list lets fusion know that guarded places are not observed here in mid-update.
    """

    prop: str
    label: str
    cond: Expr
    when: Expr = TRUE
    message: Message = ()
    stable: tuple[Expr, ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True)
class Cover:
    """Some reachable state satisfies ``cond``. Covers inside actions are ``Reached`` effects with the same name."""

    name: str
    cond: Expr
    span: Span = NOWHERE


@dataclass(frozen=True)
class Property:
    """What a verdict is about: all checks and always-instances that carry its name.

    ``kind``: ``monitor``, ``lemma``, ``scenario`` (asserts of a sequence), ``builtin``, ``cover``. ``applies`` False: the board
    cannot have what the property speaks of (verdict ``n/a``).
    """

    name: str
    code: str
    kind: Literal["monitor", "lemma", "scenario", "builtin", "cover"]
    title: str = ""
    applies: bool = True
    rests_on: tuple[str, ...] = ()
    span: Span = NOWHERE


@dataclass(frozen=True)
class System:
    """The whole. Orders of ``vars`` and ``actions`` are the source's and are part of the text form."""

    name: str
    vars: tuple[Var, ...]
    actions: tuple[Action, ...]
    threads: tuple[Thread, ...] = ()
    properties: tuple[Property, ...] = ()
    always: tuple[Always, ...] = ()
    covers: tuple[Cover, ...] = ()
    assumptions: tuple[Expr, ...] = ()
    """Predicates over params and other ``any_init`` variables that hold initially."""
    domain: tuple[Expr, ...] = ()
    """Of a core System: what the encoding promises of every reachable state (no code that no value has, nothing behind a null).
    Engines that start from a free state may assume it; nobody else needs it."""
    notes: tuple[str, ...] = ()
    """What every verdict about this System rests on, in words."""

    def var(self, name: str) -> Var:
        """The variable of that name; KeyError if there is none."""
        return self._vars[name]

    @property
    def _vars(self) -> dict[str, Var]:
        cached: dict[str, Var] | None = self.__dict__.get("_by_name")
        if cached is None:
            cached = {v.name: v for v in self.vars}
            object.__setattr__(self, "_by_name", cached)
        return cached

    def thread(self, name: str) -> Thread:
        """The thread of that name; KeyError if there is none."""
        for t in self.threads:
            if t.name == name:
                return t
        raise KeyError(name)

    def with_(self, **changes: object) -> System:
        """A copy with some parts replaced."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def exprs(self) -> Iterable[Expr]:
        """Every expression of the System."""
        for a in self.actions:
            yield a.guard
            if a.weight is not None:
                yield a.weight
            yield from a.updates.values()
            yield from (op.lock for op in a.locks)
            for e in a.effects:
                yield e.path
                if isinstance(e, Check):
                    yield e.cond
                    yield from (m for m in e.message if isinstance(m, Expr))
                elif isinstance(e, Emit):
                    yield from (x for _, x in e.args)
            for p in a.parts:
                yield p.path
                yield from (x for _, x in p.bindings)
        for w in self.always:
            yield w.cond
            yield w.when
            yield from w.stable
            yield from (m for m in w.message if isinstance(m, Expr))
        yield from (c.cond for c in self.covers)
        yield from self.assumptions
        yield from self.domain
