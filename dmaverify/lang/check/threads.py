"""Sequences, clients and interrupt handlers of a scenario; initcalls, works and timers of modules."""

from __future__ import annotations

import re

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import BOOT
from dmaverify.lang.check.base import Mode
from dmaverify.lang.check.flow import Flows
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.check.settings import Settings
from dmaverify.lang.symbols import (
    FuncSym,
    LabelSym,
    ProcSym,
    SlotSym,
    ThreadSym,
    returns_value,
)
from dmaverify.span import Span


class Threads(Settings):
    """What runs by itself."""

    # --------------------------------------------------------------------------------------------------

    def declare_threads(self) -> None:
        """Where threads run, in which order, their labels and slots: before any body asks."""
        devices = {d.name: d for d in self.out.devices}
        threads = self.out.threads
        for t in threads.values():
            d = t.decl
            if isinstance(d, ast.Sequence | ast.Client | ast.Interrupt):
                if re.fullmatch(r"cpu\d+", d.on):
                    t.cpu = d.on
                elif d.on in devices:
                    t.device = devices[d.on]
                    self.checker.use(t.device, d.on_span, t)
                else:
                    self.diags.error(
                        "DMA067",
                        f"{d.on} is neither a CPU (cpu0, cpu1 …) nor a device of the scenario",
                        d.on_span,
                        fix=suggest(d.on, devices),
                    )
                d.ref = t
            else:
                t.cpu = "cpu0"
            bodies = d.mays if isinstance(d, ast.Client) else [d.body]
            for body in bodies:
                found: dict[str, ast.Labelled] = {}
                Flows(self.checker, self.checker.scopes.scenario, Mode.STEPS, t).labels_of(body, found)
                for name, node in found.items():
                    t.labels[name] = LabelSym(name, sem.BOOL, node.span, t.module, node, owner=t)
            if isinstance(d, ast.Client):
                for s in d.holding:
                    if s.name in t.slots:
                        self.diags.error("DMA052", f"{d.name} has two slots {s.name}", s.span)
                    t.slots[s.name] = SlotSym(
                        s.name, sem.ERROR, s.name_span, t.module, s, client=t, count=s.count
                    )
        for t in threads.values():
            if t.name == BOOT:
                what = f"`{BOOT}` is what runs the initcalls, and `after {BOOT}` would mean either"
                self.diags.error("DMA052", what, t.span, fix=f"Give the {t.kind} another name.")
            if isinstance(t.decl, ast.Sequence | ast.Client):
                t.after = self._others(t, t.decl.after)
                t.before = self._others(t, t.decl.before)
        self._order()

    def _others(self, t: ThreadSym, names: list[str]) -> list[ThreadSym]:
        out = []
        for name in names:
            other = self.out.threads.get(name)
            if other is not None:
                out.append(other)
            elif name != BOOT:
                self.diags.error(
                    "DMA050",
                    f"there is no sequence or client {name}",
                    t.span,
                    fix=suggest(name, [*self.out.threads, BOOT]),
                )
        return out

    def _order(self) -> None:
        later: dict[ThreadSym, list[ThreadSym]] = {t: list(t.after) for t in self.out.threads.values()}
        early = [t for t in later if t.before_boot]
        for t in later:
            for b in t.before:
                later[b].append(t)
            if isinstance(t.decl, ast.Sequence | ast.Client) and (not t.before_boot or BOOT in t.decl.after):
                later[t] += early
        done: set[ThreadSym] = set()
        for start in later:
            path: list[ThreadSym] = []
            if self._cycle(start, later, done, path):
                names = " after ".join(t.name for t in path)
                said: list[tuple[Span | None, str]] = [
                    (t.span, f"before {BOOT}, so that all others start after it") for t in path[1:] if t.before_boot
                ]
                self.diags.error("DMA067", f"nothing can start: {names}", path[0].span, notes=said)
                return

    def _cycle(
        self,
        t: ThreadSym,
        later: dict[ThreadSym, list[ThreadSym]],
        done: set[ThreadSym],
        path: list[ThreadSym],
    ) -> bool:
        if t in path:
            path[:] = [*path[path.index(t) :], t]
            return True
        if t in done:
            return False
        path.append(t)
        if any(self._cycle(o, later, done, path) for o in later[t]):
            return True
        path.pop()
        done.add(t)
        return False

    def slot_types(self) -> None:
        """What a slot holds: as written, or what is first assigned to it."""
        for t in self.out.threads.values():
            for slot in t.slots.values():
                node: ast.Slot = slot.decl
                if node.type is not None:
                    slot.ty = sem.strip(self.checker.resolve(self.checker.scopes.scenario, node.type))
                else:
                    slot.ty = self._slot_type(t, slot)
                node.ty = slot.ty
                self.checker.constant_int(self.checker.scopes.scenario, node.count, 1, 64)

    def _slot_type(self, t: ThreadSym, slot: SlotSym) -> sem.SemType:
        from dmaverify.lang.tree import walk

        for may in t.decl.mays:
            for n in walk(may):
                if not isinstance(n, ast.Assign) or len(n.targets) != len(n.values):
                    continue
                for target, value in zip(n.targets, n.values, strict=True):
                    if (
                        isinstance(target, ast.Name)
                        and target.name == slot.name
                        and isinstance(value, ast.Call)
                        and isinstance(value.func, ast.Name)
                    ):
                        hits = self.checker.scopes.find(self.checker.scopes.scenario, value.func.name)
                        if (
                            len(hits) == 1
                            and isinstance(hits[0], ProcSym | FuncSym)
                            and returns_value(hits[0])
                        ):
                            return sem.strip(self.checker.type_of(hits[0]))
        self.diags.error(
            "DMA025",
            f"nothing says what the slot {slot.name} holds",
            slot.span,
            fix=f"Write  {slot.name}[2]: <type> , or assign to it.",
        )
        return sem.ERROR

    def threads(self) -> None:
        """The bodies of all threads."""
        for t in self.out.threads.values():
            scope = self.checker.scope_of(t)
            d = t.decl
            if isinstance(d, ast.Client):
                if d.while_ is not None:
                    self._steps(t).junction_of(d.while_)
                for may in d.mays:
                    self._steps(t).body(may)
                continue
            if isinstance(d, ast.Interrupt) and d.when is not None:
                self.checker.clause(scope, t).junction_of(d.when)
            body = self._steps(t)
            self.checker.params(body, t.params)
            body.body(d.body)

    def _steps(self, t: ThreadSym) -> Flows:
        return self.checker.steps(self.checker.scope_of(t), t, t)
