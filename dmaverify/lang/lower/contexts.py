"""Who may run when on a CPU: interrupts, held locks, and what may sleep.

The variables exist only where a scenario needs them: a CPU's level and count of reasons to keep interrupts
off if something runs in an interrupt there, and who holds the CPU if several tasks share it and take locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmaverify.ir.expr import TRUE, Expr, and_, const, eq, ite, lt, or_, var
from dmaverify.ir.types import Range
from dmaverify.lang import ast, symbols
from dmaverify.lang.builtins import BOOT
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.trees import with_callees

if TYPE_CHECKING:
    from dmaverify.lang.lower.flow import Flow
    from dmaverify.lang.lower.world import World

LEVEL = Range(0, 2)
LEVELS = {"task": 0, "softirq": 1, "hardirq": 2}
DEPTH = Range(0, 7)


def level_of(sym: symbols.ThreadSym) -> str:
    """The level at which a thread runs."""
    if sym.kind == "interrupt" or getattr(sym.decl, "irq", False):
        return "hardirq"
    return "softirq" if sym.kind == "timer" else "task"


def _runs_as(sym: symbols.ThreadSym) -> str:
    """The name of the flow that a thread's text is part of: all initcalls are one."""
    return BOOT if sym.kind == "initcall" else sym.name


class _Order:
    """Which threads have ended before which others start."""

    def __init__(self, threads: list[symbols.ThreadSym], hardware: list[symbols.SpontaneousSym]) -> None:
        self._before: dict[int, set[int]] = {id(t): set() for t in threads}
        boot = [t for t in threads if t.kind == "initcall"]
        early = [t for t in threads if t.before_boot]
        deferred = self._asked_for_late(threads, hardware)
        for t in threads:
            for a in t.after:
                self._before[id(t)].add(id(a))
            for b in t.before:
                self._before.setdefault(id(b), set()).add(id(t))
            if t.before_boot:
                for b in boot:
                    self._before[id(b)].add(id(t))
            elif t.kind in ("sequence", "client", "interrupt") or id(t) in deferred:
                self._before[id(t)].update(id(b) for b in boot or early)
        for n, b in enumerate(boot):  # one thread runs them all, one after the other
            self._before[id(b)].update(id(c) for c in boot[:n])

    @staticmethod
    def _asked_for_late(threads: list[symbols.ThreadSym], hardware: list[symbols.SpontaneousSym]) -> set[int]:
        """The works and timers that nothing asks for before boot is over: neither boot and what is before it, nor the hardware,
        nor another work or timer that may run as early.
        """
        asks: dict[int, set[int]] = {
            id(t): {id(x.ref) for x in with_callees([t.decl]) if isinstance(x, ast.Schedule)} for t in (*threads, *hardware)
        }
        early = {id(t) for t in hardware} | {id(t) for t in threads if t.before_boot or t.kind == "initcall"}
        while True:
            reached = early.union(*(asks[t] for t in early))
            if reached == early:
                return {id(t) for t in threads if t.kind in ("work", "timer")} - early
            early = reached

    def _reaches(self, start: symbols.ThreadSym, end: symbols.ThreadSym) -> bool:
        todo, seen = [id(start)], {id(start)}
        while todo:
            for x in self._before.get(todo.pop(), ()):
                if x == id(end):
                    return True
                if x not in seen:
                    seen.add(x)
                    todo.append(x)
        return False

    def overlap(self, a: symbols.ThreadSym, b: symbols.ThreadSym) -> bool:
        """Whether both may be under way at the same time."""
        return not self._reaches(a, b) and not self._reaches(b, a)


class Contexts:
    """The state of the scenario's CPUs."""

    def __init__(self, world: World, threads: list[symbols.ThreadSym]) -> None:
        self.world = world
        self.held: list[bool] = []
        """Locks that are held where the text is being lowered; True: with interrupts off."""
        self.flow: Flow | None = None
        self.irq_cpus = {t.cpu for t in threads if t.cpu and level_of(t) != "task"}
        tasks: dict[str, list[symbols.ThreadSym]] = {}
        for t in threads:
            if t.cpu and level_of(t) == "task" and t.device is None:
                tasks.setdefault(t.cpu, []).append(t)
        order = _Order(threads, world.checked.spontaneous)
        self.tasks: dict[str, list[str]] = {}
        """For each CPU the tasks that may be under way at the same time as another one there."""
        for cpu, there in tasks.items():
            names = [_runs_as(t) for t in there if any(order.overlap(t, u) for u in there if u is not t)]
            if names:
                self.tasks[cpu] = list(dict.fromkeys(names))

    # -- variables ---------------------------------------------

    def _declared(self, name: str, t: Range) -> str:
        if name not in self.world.types:
            self.world.declare(name, t, t.default, self.world.nowhere)
        return name

    def level_var(self, cpu: str) -> str:
        """What runs on a CPU: 0 tasks, 1 a softirq, 2 a hardirq."""
        return self._declared(f"{cpu}.level", LEVEL)

    def off_var(self, cpu: str) -> str:
        """How many reasons there are to keep interrupts off on a CPU."""
        return self._declared(f"{cpu}.irqs_off", DEPTH)

    def holder_var(self, cpu: str) -> str:
        """Which of a CPU's tasks may not be preempted: 0 none, else its place among them plus one."""
        return self._declared(f"{cpu}.holder", Range(0, len(self.tasks[cpu])))

    # -- the text ---------------------------------------------

    def irqs_off(self) -> bool:
        """Whether interrupts are certainly off where the text is being lowered."""
        return any(self.held) or (self.flow is not None and self.flow.level == "hardirq")

    def may_sleep(self) -> bool:
        """Whether what is being lowered may sleep."""
        return not self.held and (self.flow is None or self.flow.level == "task")

    def enter(self, f: Flow, step: Step, irq: bool) -> None:
        """What taking a lock does to the CPU."""
        if f.cpu is None:
            return
        if irq and f.cpu in self.irq_cpus:
            self._count(step, self.off_var(f.cpu), DEPTH, 1)
        if not self.held and self._shares(f):
            t = self.world.types[self.holder_var(f.cpu)]
            step.write(self.holder_var(f.cpu), const(self._rank(f), t))

    def leave(self, f: Flow, step: Step, irq: bool) -> None:
        """What giving it back does."""
        if f.cpu is None:
            return
        if irq and f.cpu in self.irq_cpus:
            self._count(step, self.off_var(f.cpu), DEPTH, -1)
        if len(f.held) <= 1 and self._shares(f):
            t = self.world.types[self.holder_var(f.cpu)]
            step.write(self.holder_var(f.cpu), const(0, t))

    def _shares(self, f: Flow) -> bool:
        """Whether another task of its CPU may be under way together with this one."""
        return f.level == "task" and f.cpu is not None and f.name in self.tasks.get(f.cpu, ())

    def _rank(self, f: Flow) -> int:
        assert f.cpu is not None
        return self.tasks[f.cpu].index(f.name) + 1

    def _count(self, step: Step, name: str, t: Range, by: int) -> None:
        now = step.read(name)
        assert isinstance(now, Expr)
        new = now
        for i in range(t.lo, t.hi + 1):
            if t.lo <= i + by <= t.hi:
                new = ite(eq(now, const(i, t)), const(i + by, t), new)
        step.write(name, new)

    # -- guards ---------------------------------------------

    def guard(self, f: Flow) -> Expr:
        """When any action of a thread may be taken: nothing of a higher level runs on its CPU, nobody holds
        the CPU.
        """
        if f.cpu is None:
            return TRUE
        cond = TRUE
        if f.cpu in self.irq_cpus and f.level == "task":
            cond = eq(var(self.level_var(f.cpu), LEVEL), const(0, LEVEL))
        if self._shares(f) and f"{f.cpu}.holder" in self.world.types:
            name = self.holder_var(f.cpu)
            t = self.world.types[name]
            cond = and_(cond, or_(*(eq(var(name, t), const(i, t)) for i in (0, self._rank(f)))))
        return cond

    def start(self, f: Flow, step: Step) -> None:
        """An interrupt begins: its CPU runs something of a lower level and lets interrupts in."""
        assert f.cpu is not None
        level = var(self.level_var(f.cpu), LEVEL)
        step.require(lt(level, const(LEVELS[f.level], LEVEL)))
        off = var(self.off_var(f.cpu), DEPTH)
        step.require(eq(off, const(0, DEPTH)))
        before = f.local("interrupted", LEVEL, 1, mutable=True)
        step.write(before, level)
        step.write(self.level_var(f.cpu), const(LEVELS[f.level], LEVEL))

    def end(self, f: Flow, step: Step) -> None:
        """It ends: what it interrupted goes on."""
        assert f.cpu is not None
        before = f.local("interrupted", LEVEL, 1, mutable=True)
        now = step.read(before)
        step.write(self.level_var(f.cpu), now)
