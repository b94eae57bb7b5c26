"""Random well-formed Systems, small enough to explore and nasty enough to tell engines and passes apart.

``random_system(rng, size)`` gives threads of structured code (locks that are really contended, nested ones
too; branches, waiting, choices; loops of clients), hardware that writes shared variables whenever it likes,
two asserted properties, a state property with and without ``stable``, a monitor with ghosts, covers, a
param, and the built-in checks of what its expressions ask for.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    U32,
    Expr,
    const,
    input_,
    ite,
    le,
    ne,
    not_,
    or_,
    select,
    store,
    var,
)
from dmaverify.ir.obligations import obligations
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Cover,
    Effect,
    Emit,
    Input,
    Kind,
    LockOp,
    Message,
    Property,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.traverse import inputs, variables
from dmaverify.ir.types import BOOL, Index, Map, Range, Type
from dmaverify.span import Span
from tests.support.random_expr import CORE_TYPES, SMALL_TYPES, ExprMaker, random_value

PROPERTIES = (
    Property("guarded", "T001", "scenario", "asserted by the threads"),
    Property("watched", "T002", "monitor", "asserted by a monitor"),
    Property("kept", "T003", "lemma", "of every state"),
    Property("meant", "T004", "builtin", "operations mean something"),
)


@dataclass
class _Place:
    """One statement of a thread before its successors are known."""

    at: int
    guard: Expr = TRUE
    inputs: tuple[Input, ...] = ()
    effects: list[Effect] = field(default_factory=list)
    updates: dict[str, Expr] = field(default_factory=dict)
    locks: tuple[LockOp, ...] = ()
    branch: Expr | None = None
    other: int | None = None
    text: str = ""


def random_system(
    rng: random.Random,
    size: int = 2,
    *,
    core: bool = False,
    stops: bool = True,
    types: Sequence[Type] | None = None,
    lively: bool = False,
) -> System:
    """A System of about ``size`` (1 to 4) threads, locks and shared variables.

    ``core``: only types that core IR has. ``stops``: with the built-in checks of its expressions. ``types``: what variables may be.
    ``lively``: threads have much to do with their locals.
    """
    return _Maker(rng, size, core, stops, types, lively).make()


class _Maker:
    def __init__(
        self, rng: random.Random, size: int, core: bool, stops: bool, types: Sequence[Type] | None = None, lively: bool = False
    ) -> None:
        self.lively = lively
        self.rng, self.size, self.core, self.stops = rng, size, core, stops
        self.types = tuple(types) if types is not None else CORE_TYPES if core else SMALL_TYPES
        self.vars: list[Var] = []
        self.actions: list[Action] = []
        self.threads: list[Thread] = []
        self.line = 0
        self.checks = 0

    # -- pieces -----------------------------------------------------------------------------------------

    def span(self) -> Span:
        self.line += 1
        return Span("random.dma", self.line, 1, self.line, 9)

    def declare(self, name: str, t: Type, kind: Kind = Kind.STATE, owner: str | None = None) -> Expr:
        any_init = kind is Kind.STATE and self.rng.random() < 0.08 and t.count <= 4
        init = None if any_init else (t.default if self.rng.random() < 0.6 else random_value(self.rng, t))
        self.vars.append(Var(name, t, init, kind, owner, self.span(), any_init))
        return var(name, t)

    def expr(self, t: Type, leaves: list[Expr], depth: int = 2) -> Expr:
        """An expression that reads something, if a few tries find one."""
        maker = ExprMaker(self.rng, leaves, self.types)
        e = maker.expr(t, depth)
        for _ in range(4):
            if variables(e) or inputs(e):
                break
            e = maker.expr(t, depth)
        return e

    def likely(self, leaves: list[Expr]) -> Expr:
        """A condition that mostly holds: one that never fails tells nothing, one that always fails little
        more."""
        parts = [self.expr(BOOL, leaves, 1 + self.rng.randint(0, 1))]
        for e in self.rng.sample(leaves, min(len(leaves), self.rng.randint(1, 2))):
            parts.append(ne(e, const(random_value(self.rng, e.type), e.type)))
        return or_(*parts)

    def message(self, leaves: list[Expr]) -> Message:
        if not leaves or self.rng.random() < 0.5:
            return ()
        return ("it was ", self.rng.choice(leaves), " there")

    def check(self, prop: str, path: Expr, cond: Expr, leaves: list[Expr]) -> Check:
        self.checks += 1
        return Check(prop, f"{prop}.{self.checks}", path, cond, self.message(leaves), self.span())

    # -- the whole --------------------------------------------------------------------------------------

    def make(self) -> System:
        rng = self.rng
        self.param = self.declare_param()
        self._locks()
        self.shared = [
            self.declare(f"s{n}", rng.choice(self.types)) for n in range(rng.randint(1, 1 + self.size))
        ]
        # each of these is touched by threads with its lock held only, and by no hardware
        self.kept = [self.declare(f"k{n}", rng.choice(self.types)) for n in range(len(self.locks))]
        self.ghosts = [
            self.declare(f"watch.g{n}", rng.choice(self.types), Kind.GHOST, "watch")
            for n in range(rng.randint(0, 2))
        ]
        for n in range(rng.randint(1 if self.size == 1 else 2, max(2, self.size))):
            self._thread(f"t{n}")
        for n in range(rng.randint(0, 2)):
            self._hardware(n)
        always = self._always()
        covers = tuple(
            Cover(f"seen.{n}", self.expr(BOOL, self.shared), self.span()) for n in range(rng.randint(0, 2))
        )
        assumptions = (le(self.param, const(self.rng.randint(1, 2), self.param.type)),)
        return System(
            f"random {rng.randrange(10**6)}",
            tuple(self.vars),
            tuple(self.actions),
            tuple(self.threads),
            PROPERTIES,
            always,
            covers,
            assumptions,
            notes=("made at random",),
        )

    def declare_param(self) -> Expr:
        t: Type = self.types[2] if self.core else Range(0, 3)
        self.vars.append(Var("n", t, None, Kind.PARAM, None, self.span(), True))
        return var("n", t)

    def _locks(self) -> None:
        """Locks as variables of their own, or as cells of one map."""
        count = self.rng.randint(0 if self.size == 1 else 1, 2)
        if count and not self.core and self.rng.random() < 0.4:
            t = Map(Index("Lock", count), BOOL)
            self.vars.append(Var("locks", t, t.default, Kind.STATE, None, self.span()))
            self.locks = [select(var("locks", t), const(n, t.index)) for n in range(count)]
            return
        self.locks = []
        for n in range(count):
            self.vars.append(Var(f"lock{n}", BOOL, False, Kind.STATE, None, self.span()))
            self.locks.append(var(f"lock{n}", BOOL))

    def _set_lock(self, lock: Expr, value: Expr) -> dict[str, Expr]:
        if lock.op == "var":
            return {lock.data: value}
        whole, index = lock.args
        return {whole.data: store(whole, index, value)}

    # -- threads ----------------------------------------------------------------------------------------

    def _thread(self, name: str) -> None:
        rng = self.rng
        self.name = name
        self.code: list[_Place] = []
        pc = f"{name}.pc"
        self.locals = [(f"{name}.l{n}", rng.choice(self.types)) for n in range(rng.randint(2, 3) if self.lively else rng.randint(0, 2))]
        pc_place = len(self.vars)
        for local, t in self.locals:
            self.vars.append(Var(local, t, t.default, Kind.LOCAL, name, self.span()))
        self._block(rng.randint(2, 2 + self.size), [])
        end = len(self.code)
        client = rng.random() < 0.5
        pc_type: Type = U32 if self.core else Range(0, end)
        self.vars.insert(pc_place, Var(pc, pc_type, 0, Kind.PC, name, self.span()))
        for p in self.code:
            self._finish(p, name, pc, pc_type, client)
        self.threads.append(
            Thread(
                name,
                pc,
                actor=f"cpu{len(self.threads)}",
                is_device=rng.random() < 0.1,
                ends=frozenset() if client else frozenset({end}),
                idle=frozenset({0}) if client else frozenset(),
                labels={"begin": 0},
                span=self.span(),
            )
        )

    def _place(self) -> _Place:
        p = _Place(len(self.code))
        self.code.append(p)
        return p

    def _block(self, count: int, held: list[int]) -> None:
        for _ in range(count):
            free = [n for n in range(len(self.locks)) if n not in held]
            kind = self.rng.random()
            if kind < 0.25 and free:
                self._locked(self.rng.choice(free), held)
            elif kind < 0.38 and count > 1:
                p = self._place()
                p.branch = self.expr(BOOL, self.leaves(held))
                p.text = "if"
                self._block(1, held)
                p.other = len(self.code)
            else:
                self._statement(held)

    def _locked(self, lock: int, held: list[int]) -> None:
        take = self._place()
        take.guard = not_(self.locks[lock])
        take.updates = self._set_lock(self.locks[lock], TRUE)
        take.locks = (LockOp("acquire", self.locks[lock]),)
        take.text = f"lock {lock}"
        if self.rng.random() < 0.3:
            self._effects(take, self.leaves([*held, lock]))
        self._block(self.rng.randint(1, 2), [*held, lock])
        free = self._place()
        free.updates = self._set_lock(self.locks[lock], FALSE)
        free.locks = (LockOp("release", self.locks[lock]),)
        free.text = f"unlock {lock}"

    def leaves(self, held: list[int]) -> list[Expr]:
        """What a statement may read."""
        own = [var(n, t) for n, t in self.locals]
        return [*own * (4 if self.lively else 2), *self.shared, *(self.kept[n] for n in held), self.param]

    def _statement(self, held: list[int]) -> None:
        rng = self.rng
        p = self._place()
        leaves = self.leaves(held)
        kind = rng.random()
        if kind < 0.2:
            i = self._input(f"c{len(self.code)}")
            p.inputs = (i,)
            leaves = [*leaves, *[input_(i.name, i.type)] * 3]
        elif kind < 0.35:
            p.guard = self.likely(leaves)
        # what is written, the local ones and the guarded ones more often than the rest
        targets = [var(n, t) for n, t in self.locals] * (3 if self.lively else 1) + [self.kept[n] for n in held] * 2 + self.shared
        for target in rng.sample(targets, min(len(targets), rng.choice([0, 1, 1, 1, 2]))):
            p.updates[target.data] = self.expr(target.type, leaves)
        self._effects(p, leaves)
        p.text = f"statement {p.at}"

    def _input(self, name: str) -> Input:
        t = self.rng.choice([t for t in self.types if t.count <= 8])
        values = None
        if self.rng.random() < 0.4:
            values = tuple(dict.fromkeys(random_value(self.rng, t) for _ in range(3)))
        return Input(name, t, values)

    def _effects(self, p: _Place, leaves: list[Expr]) -> None:
        rng = self.rng
        path = self.expr(BOOL, leaves, 1) if rng.random() < 0.3 else TRUE
        if rng.random() < 0.3:
            p.effects.append(self.check("guarded", path, self.likely(leaves), leaves))
        if self.ghosts and rng.random() < 0.4:
            everything = [*leaves, *self.ghosts, *self.ghosts]
            argument = self.rng.choice(leaves)
            p.effects.append(Emit("happened", (("what", argument),), path, self.span()))
            p.effects.append(self.check("watched", path, self.likely(everything), everything))
            ghost = rng.choice(self.ghosts)
            p.updates[ghost.data] = ite(path, self.expr(ghost.type, everything), ghost)
        if rng.random() < 0.15:
            p.effects.append(Reached(f"passed.{rng.randint(0, 2)}", path, self.span()))

    def _finish(self, p: _Place, thread: str, pc: str, pc_type: Type, client: bool) -> None:
        end = len(self.code)

        def place(n: int) -> Expr:
            return const(0 if client and n == end else n, pc_type)

        after = place(p.at + 1)
        if p.branch is not None and p.other is not None:
            after = ite(p.branch, after, place(p.other))
        self._action(
            Action(
                f"{thread}.{p.at}",
                thread,
                p.at,
                p.guard,
                p.inputs,
                tuple(p.effects),
                p.updates | {pc: after},
                weight=const(1, U32),
                locks=p.locks,
                text=p.text,
                actor=f"cpu of {thread}",
                span=self.span(),
            )
        )

    # -- the rest ---------------------------------------------------------------------------------------

    def _hardware(self, n: int) -> None:
        leaves = [*self.shared, *self.shared, self.param]
        inputs: tuple[Input, ...] = ()
        if self.rng.random() < 0.4:
            inputs = (self._input("h"),)
            leaves = [*leaves, *(input_(i.name, i.type) for i in inputs)]
        target = self.rng.choice(self.shared)
        p = _Place(0)
        p.updates = {target.data: self.expr(target.type, leaves)}
        self._effects(p, leaves)
        self._action(
            Action(
                f"hw{n}",
                None,
                None,
                self.likely(leaves),
                inputs,
                tuple(p.effects),
                p.updates,
                weight=const(1, U32),
                text=f"hardware {n}",
                actor="memory",
                span=self.span(),
            )
        )

    def _action(self, a: Action) -> None:
        """Adds the action with the built-in checks of its expressions in front."""
        stops: list[Effect] = []
        if self.stops:
            roots = [a.guard, *(a.updates[name] for name in a.updates)]
            for root in roots:
                for o in obligations(root):
                    if self.rng.random() < 0.5:
                        label = f"{o.kind} in {a.name}"
                        stops.append(
                            Check("meant", label, o.path, o.condition, (o.kind,), self.span(), stop=True)
                        )
        self.actions.append(replace(a, effects=(*stops, *a.effects)))

    def _always(self) -> tuple[Always, ...]:
        found: list[Always] = []
        for n in range(self.rng.randint(0, 2)):
            if self.locks and self.rng.random() < 0.4:
                lock = self.rng.randrange(len(self.locks))
                leaves = [self.kept[lock], self.kept[lock], *self.shared, *self.ghosts]
                when: Expr = not_(self.locks[lock])
                stable: tuple[Expr, ...] = (self.locks[lock],)
            else:
                leaves = [*self.shared, *self.ghosts, self.param]
                when = self.likely(self.shared) if self.rng.random() < 0.3 else TRUE
                stable = ()
            cond = self.likely(leaves)
            found.append(Always("kept", f"kept.{n}", cond, when, self.message(leaves), stable, self.span()))
        return tuple(found)
