"""Random tiny systems with threads, locks, hardware that acts by itself, locals, inputs, asserts and
observers.

They are built statement by statement as a compiler would: one action for each statement, a lock as a
condition of the action that takes it. Small on purpose: a search of one takes milliseconds, and most
interactions need only two or three statements.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    Expr,
    and_,
    const,
    eq,
    input_,
    ite,
    mk,
    ne,
    not_,
    or_,
    select,
    store,
    var,
)
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Cover,
    Effect,
    Input,
    Kind,
    LockOp,
    Property,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.types import BOOL, Index, Int, Map, Range, Type

DIGIT = Int(1)
TRIT = Range(0, 2)
PAIR = Index("Pair", 2)


class Program:
    """Grows one random system."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.vars: list[Var] = []
        self.actions: list[Action] = []
        self.threads: list[Thread] = []
        self.labels = 0
        r = self.r
        self.locks = [f"lock{n}" for n in range(r.choice((0, 1, 1, 2)))]
        for name in self.locks:
            self.vars.append(Var(name, BOOL, False))
        self.shared: dict[str, Type] = {}
        self.guard_of: dict[str, str | None] = {}
        for n in range(r.randint(2, 3)):
            self.shared[f"x{n}"] = r.choice((BOOL, DIGIT, TRIT))
        for name, t in self.shared.items():
            self.vars.append(Var(name, t, t.default))
            # what is meant to be guarded is mostly, but not always, touched with its lock held only
            self.guard_of[name] = r.choice(self.locks) if self.locks and r.random() < 0.6 else None
        self.cells = r.random() < 0.25
        if self.cells:
            self.vars.append(Var("cell", Map(PAIR, BOOL), (False, False)))
            self.vars.append(Var("held", Map(PAIR, BOOL), (False, False)))

    # -- expressions ------------------------------------------------------------------------------------

    def value(self, t: Type, readable: dict[str, Type]) -> Expr:
        """A random expression of type ``t`` over some variables."""
        r = self.r
        same = [n for n, own in readable.items() if own == t]
        pick = r.random()
        if same and pick < 0.45:
            e = var(r.choice(same), t)
            if t == BOOL and r.random() < 0.3:
                return not_(e)
            if t == DIGIT and r.random() < 0.4:
                return mk("add", (e, const(1, DIGIT)))
            return e
        if pick < 0.6 and readable:
            return ite(self.test(readable), const(self.constant(t), t), const(self.constant(t), t))
        return const(self.constant(t), t)

    def constant(self, t: Type) -> object:
        """A random value."""
        if t == BOOL:
            return self.r.random() < 0.5
        return self.r.randint(0, 2 if t == TRIT else 1)

    def test(self, readable: dict[str, Type]) -> Expr:
        """A random condition over some variables."""
        if not readable:
            return self.r.choice((TRUE, FALSE))
        name = self.r.choice(list(readable))
        t = readable[name]
        e = var(name, t)
        one = e if t == BOOL else eq(e, const(self.constant(t), t))
        if self.r.random() < 0.3:
            one = not_(one)
        if self.r.random() < 0.2 and len(readable) > 1:
            return self.r.choice((and_, or_))(one, self.test(readable))
        return one

    # -- threads ----------------------------------------------------------------------------------------

    def thread(self, name: str) -> None:
        """A thread of a few statements: some alone, some in locked stretches, perhaps a loop around them."""
        r = self.r
        local: dict[str, Type] = {f"{name}.l{n}": r.choice((BOOL, DIGIT)) for n in range(r.randint(0, 2))}
        for n, t in local.items():
            self.vars.append(Var(n, t, t.default, Kind.LOCAL, name))
        body: list[Callable[[str, int, int], Action]] = []
        held: list[str] = []
        device = r.random() < 0.12  # devices honour no lock, and take none
        while len(body) < r.randint(2, 5):
            if self.locks and not device and r.random() < 0.45:
                self.locked(body, held, local)
            elif self.cells and local and not device and r.random() < 0.3:
                self.cell_access(body, local)
            else:
                body.append(self.statement(held, local))
        last = len(body)
        pc = f"{name}.pc"
        self.vars.append(Var(pc, Range(0, last), 0, Kind.PC, name))
        loops = r.random() < 0.3
        # now and then a thread does not start before the first one has ended
        follows = bool(self.threads) and r.random() < 0.15
        for at, make in enumerate(body):
            after = 0 if loops and at == last - 1 else at + 1
            action = make(name, at, after)
            if follows and at == 0:
                action = replace(action, guard=and_(action.guard, self.ended(self.threads[0])))
            self.actions.append(action)
        self.threads.append(Thread(name, pc, name, is_device=device, ends=frozenset({last})))

    def locked(self, body: list[Callable[[str, int, int], Action]], held: list[str], local: dict[str, Type]) -> None:
        """A locked stretch; now and then with a second lock inside, or with its lock given back too early."""
        lock = self.r.choice(self.locks)
        if lock in held:
            body.append(self.statement(held, local))
            return
        body.append(self.acquire(var(lock, BOOL), lambda v: {lock: v}))
        inside = [*held, lock]
        for _ in range(self.r.randint(1, 3)):
            if len(inside) == 1 and len(self.locks) > 1 and self.r.random() < 0.25:
                self.locked(body, inside, local)
            else:
                body.append(self.statement(inside, local))
        body.append(self.release(var(lock, BOOL), lambda v: {lock: v}))
        for _ in range(self.r.choice((0, 0, 1, 1, 2))):
            # what follows a release is where a step may not go on
            body.append(self.statement(held, local))

    def cell_access(self, body: list[Callable[[str, int, int], Action]], local: dict[str, Type]) -> None:
        """Choose a cell, lock it, touch it, unlock it; now and then without the lock."""
        careful = self.r.random() < 0.8
        index = mk("narrow", (mk("wrap", (var(next(iter(local)), local[next(iter(local))]),), Int(8)),), PAIR)
        cell, lock = var("cell", Map(PAIR, BOOL)), var("held", Map(PAIR, BOOL))
        if careful:
            body.append(self.acquire(select(lock, index), lambda v: {"held": store(lock, index, v)}))
        new = self.r.choice((TRUE, not_(select(cell, index))))
        check = Check("cells", self.label(), TRUE, not_(select(cell, index)))
        effects = (check,) if self.r.random() < 0.5 else ()

        def touch(name: str, at: int, after: int) -> Action:
            updates = {"cell": store(cell, index, new), f"{name}.pc": self.pc(name, after)}
            return Action(f"{name}.{at}.touch", name, at, effects=effects, updates=updates)

        body.append(touch)
        if careful:
            body.append(self.release(select(lock, index), lambda v: {"held": store(lock, index, v)}))

    def acquire(self, lock: Expr, write: Callable[[Expr], dict[str, Expr]]) -> Callable[[str, int, int], Action]:
        """Wait for a lock and take it."""

        def make(name: str, at: int, after: int) -> Action:
            updates = {**write(TRUE), f"{name}.pc": self.pc(name, after)}
            return Action(
                f"{name}.{at}.acquire",
                name,
                at,
                not_(lock),
                updates=updates,
                locks=(LockOp("acquire", lock),),
            )

        return make

    def release(self, lock: Expr, write: Callable[[Expr], dict[str, Expr]]) -> Callable[[str, int, int], Action]:
        """Give a lock back; now and then the same statement does something else too."""
        extra: dict[str, Expr] = {}
        if self.r.random() < 0.1:
            x, t = self.r.choice(list(self.shared.items()))
            extra[x] = self.value(t, {})

        def make(name: str, at: int, after: int) -> Action:
            updates = {**extra, **write(FALSE), f"{name}.pc": self.pc(name, after)}
            return Action(f"{name}.{at}.release", name, at, updates=updates, locks=(LockOp("release", lock),))

        return make

    def pc(self, name: str, at: int) -> Expr:
        """A place of a thread; its type is known only when the body is complete, so it is looked up later."""
        return const(at, next(v.type for v in self.vars if v.name == f"{name}.pc"))

    def statement(self, held: list[str], local: dict[str, Type]) -> Callable[[str, int, int], Action]:
        """One statement. What it touches fits the locks held, mostly."""
        r = self.r
        fits = {n: t for n, t in self.shared.items() if self.guard_of[n] is None or self.guard_of[n] in held}
        if r.random() < 0.07 or not fits:
            fits = dict(self.shared)
        readable = {**fits, **local}
        kind = r.choices(
            ("shared", "local", "branch", "assert", "await", "any", "both", "stop", "cover"),
            (30, 14, 10, 16, 5, 8, 8, 3, 3),
        )[0]
        updates: dict[str, Expr] = {}
        effects: list[Effect] = []
        given: list[Input] = []
        guard: Expr = TRUE
        branch: Expr | None = None
        if kind in ("shared", "both"):
            x = r.choice(list(fits))
            updates[x] = self.value(fits[x], readable)
        if kind in ("local", "both") and local:
            x = r.choice(list(local))
            updates[x] = self.value(local[x], readable)
        if kind == "any":
            target = r.choice(list({**fits, **local}))
            t = readable[target]
            given.append(Input("i", t))
            updates[target] = input_("i", t)
            if r.random() < 0.3:
                guard = ne(input_("i", t), self.value(t, readable))
        if kind == "branch":
            branch = self.test(readable)
        if kind in ("assert", "stop"):
            path = self.test(readable) if r.random() < 0.3 else TRUE
            prop = "builtin" if kind == "stop" else r.choice(("p", "q"))
            effects.append(Check(prop, self.label(), path, self.test(readable), stop=kind == "stop"))
        if kind == "cover":
            effects.append(Reached(f"p.{self.label()}", self.test(readable)))
        if kind == "await":
            guard = self.test(readable)

        def make(name: str, at: int, after: int) -> Action:
            new = self.pc(name, after)
            if branch is not None:
                # skip the next statement, if there is one that may be skipped
                new = ite(branch, self.skip(name, at, after), new)
            return Action(
                f"{name}.{at}.{kind}",
                name,
                at,
                guard,
                tuple(given),
                tuple(effects),
                {**updates, f"{name}.pc": new},
            )

        return make

    def skip(self, name: str, at: int, after: int) -> Expr:
        """Where a branch goes instead: over the next statement, even out of a locked stretch or into the
        loop.
        """
        last = next(v.type.count for v in self.vars if v.name == f"{name}.pc") - 1
        return self.pc(name, min(after + 1, last) if after > at else 0)

    def label(self) -> str:
        """A new label."""
        self.labels += 1
        return f"l{self.labels}"

    # -- the rest ---------------------------------------------------------------------------------------

    def hardware(self, n: int) -> None:
        """Something that happens by itself, once or whenever it may."""
        x, t = self.r.choice(list(self.shared.items()))
        if self.guard_of[x] is not None and self.r.random() < 0.5:
            return
        guard = self.test(self.shared) if self.r.random() < 0.7 else TRUE
        new = self.value(t, self.shared)
        effects: tuple[Effect, ...] = ()
        if self.r.random() < 0.2:
            effects = (Check("p", self.label(), TRUE, self.test(self.shared)),)
        self.actions.append(Action(f"hw{n}", None, None, and_(guard, ne(var(x, t), new)), (), effects, {x: new}))

    def standing(self, mixed: bool) -> Expr:
        """Some threads stand in certain places; ``mixed``: or do not, while something else holds."""
        asked = self.r.sample(self.threads, self.r.choice((1, 1, 2)))
        parts = []
        for t in asked:
            pc = next(v for v in self.vars if v.name == t.pc)
            last = pc.type.count - 1
            stands = eq(var(pc.name, pc.type), const(self.r.choice((last, last, self.r.randint(0, last))), pc.type))
            parts.append(not_(stands) if mixed and self.r.random() < 0.3 else stands)
        return and_(*parts, self.test(self.shared)) if mixed else and_(*parts)

    def ended(self, t: Thread) -> Expr:
        """The thread stands at its end."""
        pc = next(v for v in self.vars if v.name == t.pc)
        return eq(var(pc.name, pc.type), const(pc.type.count - 1, pc.type))

    def observer(self) -> Always | None:
        """A state property, judged anywhere or where the locks of what it reads are free."""
        r = self.r
        seen = {n: t for n, t in self.shared.items() if r.random() < 0.5}
        if not seen:
            return None
        locks = sorted({g for n in seen if (g := self.guard_of[n]) is not None})
        if r.random() < 0.5 or not locks:
            when = self.test(seen) if r.random() < 0.3 else TRUE
            return Always("q", self.label(), or_(self.test(seen), self.test(seen)), when)
        free = [var(n, BOOL) for n in locks]
        cond = or_(self.test(seen), self.test(seen))
        return Always("q", self.label(), cond, and_(*map(not_, free)), stable=tuple(free))


def program(seed: int) -> System:
    """The random system of that number."""
    p = Program(seed)
    for n in range(p.r.choice((2, 2, 2, 3))):
        p.thread(f"t{n}")
    for n in range(p.r.choice((0, 1, 1, 2))):
        p.hardware(n)
    always = tuple(w for w in (p.observer() for _ in range(p.r.choice((0, 1, 1, 2)))) if w is not None)
    covers: tuple[Cover, ...] = ()
    if p.r.random() < 0.3:
        covers = (Cover("p.cover", p.test(p.shared)),)
    if p.r.random() < 0.4:
        covers += (Cover("p.stands", p.standing(p.r.random() < 0.3)),)
    if p.r.random() < 0.15:
        always += (Always("q", p.label(), or_(not_(p.standing(True)), p.test(p.shared))),)
    names = ("p", "q", "cells", "builtin")
    properties = tuple(Property(n, n.upper(), "builtin" if n == "builtin" else "monitor") for n in names)
    return System(f"program{seed}", tuple(p.vars), tuple(p.actions), tuple(p.threads), properties, always, covers)
