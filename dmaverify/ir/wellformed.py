"""Well-formedness: what every System has to satisfy, and what passes and engines may rely on.

A complaint is always a bug of the compiler or of a pass, never of the user, so it is plain text for
developers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dmaverify.ir.expr import Expr, IllTyped
from dmaverify.ir.ops import OPS
from dmaverify.ir.system import Action, Check, Effect, Emit, Input, Kind, Message, System
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Bool, Int, Range, Type

_LEVELS = ("task", "softirq", "hardirq")


def wellformed(system: System, reference: System | None = None) -> list[str]:
    """What is wrong with a System, in words; nothing if it is well-formed.

    With ``reference`` the ``parts`` of the actions must be actions of that System, too.
    """
    return _Checker(system, reference).run()


class _Checker:
    def __init__(self, system: System, reference: System | None) -> None:
        self.system = system
        self.vars = {v.name: v for v in system.vars}
        self.ghosts = {v.name for v in system.vars if v.kind is Kind.GHOST}
        self.threads = {t.name: t for t in system.threads}
        self.properties = {p.name for p in system.properties}
        self.reference = None if reference is None else {a.name: a for a in reference.actions}
        self.complaints: list[str] = []
        # what was found out about an expression's nodes, apart from inputs, does not depend on where it
        # stands
        self._typed: dict[int, list[str]] = {}
        self._keep: list[Expr] = []

    def say(self, where: str, what: str) -> None:
        self.complaints.append(f"{where}: {what}")

    def run(self) -> list[str]:
        self._unique("variable", (v.name for v in self.system.vars))
        self._unique("action", (a.name for a in self.system.actions))
        self._unique("thread", (t.name for t in self.system.threads))
        self._unique("property", (p.name for p in self.system.properties))
        self._variables()
        self._threads()
        for action in self.system.actions:
            self._action(action)
        for w in self.system.always:
            where = f"always {w.label}"
            self._known_property(where, w.prop)
            self._condition(where, w.cond)
            self._condition(f"{where} when", w.when)
            for lock in w.stable:
                self._condition(f"{where} stable", lock)
            self._message(where, w.message, {})
        for c in self.system.covers:
            self._condition(f"cover {c.name}", c.cond)
        for n, promise in enumerate(self.system.domain):
            self._condition(f"domain {n + 1}", promise)
        for n, assumption in enumerate(self.system.assumptions):
            where = f"assumption {n + 1}"
            self._condition(where, assumption)
            for node in walk(assumption):
                v = self.vars.get(node.data) if node.op == "var" else None
                if v is not None and not v.any_init and v.kind is not Kind.PARAM:
                    self.say(where, f"{v.name} has a fixed initial value and is no param")
        return self.complaints

    # -- declarations -----------------------------------------------------------------------------------

    def _unique(self, what: str, names: Iterable[str]) -> None:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                self.say(f"{what} {name}", "is declared twice")
            seen.add(name)

    def _variables(self) -> None:
        for v in self.system.vars:
            where = f"variable {v.name}"
            if not v.any_init and not v.type.contains(v.init):
                self.say(where, f"the initial value {v.init!r} is not of type {v.type}")
            if v.kind in (Kind.LOCAL, Kind.PC) and v.owner not in self.threads:
                self.say(where, f"its owner {v.owner} is no thread")
            if v.kind is Kind.GHOST and v.owner is None:
                self.say(where, "a ghost has an owner")

    def _threads(self) -> None:
        for t in self.system.threads:
            where = f"thread {t.name}"
            pc = self.vars.get(t.pc)
            if pc is None or pc.kind is not Kind.PC:
                self.say(where, f"its pc {t.pc} is no variable of that kind")
                continue
            if t.level not in _LEVELS:
                self.say(where, f"no level {t.level}")
            for place in sorted({*t.ends, *t.idle, *t.labels.values()}):
                if not pc.type.contains(place):
                    self.say(where, f"{place} is no value of its pc: {pc.type}")

    # -- actions ----------------------------------------------------------------------------------------

    def _action(self, a: Action) -> None:
        where = f"action {a.name}"
        self._unique(f"{where} input", (i.name for i in a.inputs))
        given = {i.name: i.type for i in a.inputs}
        for i in a.inputs:
            self._input(where, i)
        if a.thread is None:
            if a.at is not None:
                self.say(where, "starts at a place of no thread")
        elif a.thread not in self.threads:
            self.say(where, f"there is no thread {a.thread}")
        elif a.at is not None:
            pc = self.vars.get(self.threads[a.thread].pc)
            if pc is not None and not pc.type.contains(a.at):
                self.say(where, f"{a.at} is no value of {pc.name}: {pc.type}")
        self._condition(f"{where} guard", a.guard, given)
        self._no_ghost(f"{where} guard", a.guard)
        if a.weight is not None:
            self._typed_expr(f"{where} weight", a.weight, given)
            self._no_ghost(f"{where} weight", a.weight)
            if not isinstance(a.weight.type, Int | Range):
                self.say(f"{where} weight", f"is of type {a.weight.type}")
            elif a.weight.op == "const" and a.weight.data < 0:
                self.say(f"{where} weight", "is negative")
        for lock in a.locks:
            self._condition(f"{where} {lock.op}", lock.lock, given)
            self._no_ghost(f"{where} {lock.op}", lock.lock)
        for e in a.effects:
            self._effect(where, e, given)
        for name, value in a.updates.items():
            self._update(where, name, value, given)
        self._parts(where, a, given)

    def _input(self, where: str, i: Input) -> None:
        if i.values is None:
            return
        if not i.values:
            self.say(f"{where} input {i.name}", "has no values")
        for value in i.values:
            if not i.type.contains(value):
                self.say(f"{where} input {i.name}", f"{value!r} is not of type {i.type}")

    def _effect(self, where: str, e: Effect, given: Mapping[str, Type]) -> None:
        if isinstance(e, Check):
            where = f"{where} check {e.label}"
            self._known_property(where, e.prop)
            self._condition(where, e.cond, given)
            self._message(where, e.message, given)
        elif isinstance(e, Emit):
            where = f"{where} emit {e.event}"
            for name, arg in e.args:
                self._typed_expr(f"{where} {name}", arg, given)
                self._no_ghost(f"{where} {name}", arg)
            self._no_ghost(f"{where} path", e.path)
        else:
            where = f"{where} reached {e.cover}"
        self._condition(f"{where} path", e.path, given)

    def _update(self, where: str, name: str, value: Expr, given: Mapping[str, Type]) -> None:
        where = f"{where} update of {name}"
        self._typed_expr(where, value, given)
        v = self.vars.get(name)
        if v is None:
            self.say(where, "there is no such variable")
            return
        if v.type != value.type:
            self.say(where, f"the variable is of type {v.type}, the value of {value.type}")
        if v.kind is Kind.PARAM:
            self.say(where, "a param is never written")
        if v.kind is not Kind.GHOST:
            self._no_ghost(where, value)

    def _parts(self, where: str, a: Action, given: Mapping[str, Type]) -> None:
        for p in a.parts:
            at = f"{where} part {p.action}"
            self._condition(f"{at} path", p.path, given)
            for name, value in p.bindings:
                self._typed_expr(f"{at} {name}", value, given)
            if self.reference is None:
                continue
            target = self.reference.get(p.action)
            if target is None:
                self.say(at, "there is no such action")
                continue
            takes = {i.name: i.type for i in target.inputs}
            for name, value in p.bindings:
                if name not in takes:
                    self.say(at, f"it has no input {name}")
                elif takes[name] != value.type:
                    self.say(at, f"input {name} is of type {takes[name]}, not {value.type}")

    # -- expressions ------------------------------------------------------------------------------------

    def _known_property(self, where: str, prop: str) -> None:
        if prop not in self.properties:
            self.say(where, f"there is no property {prop}")

    def _message(self, where: str, message: Message, given: Mapping[str, Type]) -> None:
        for part in message:
            if isinstance(part, Expr):
                self._typed_expr(f"{where} message", part, given)

    def _condition(self, where: str, e: Expr, given: Mapping[str, Type] | None = None) -> None:
        self._typed_expr(where, e, given or {})
        if not isinstance(e.type, Bool):
            self.say(where, f"is of type {e.type}, not a condition")

    def _no_ghost(self, where: str, e: Expr) -> None:
        for node in walk(e):
            if node.op == "var" and node.data in self.ghosts:
                self.say(where, f"reads the ghost {node.data}")

    def _typed_expr(self, where: str, e: Expr, given: Mapping[str, Type]) -> None:
        for node in walk(e):
            if node.op == "input":
                declared = given.get(node.data)
                if declared is None:
                    self.say(where, f"there is no input {node.data}")
                elif declared != node.type:
                    self.say(where, f"input {node.data} is of type {declared}, read as {node.type}")
                continue
            if node.uid not in self._typed:
                self._keep.append(node)
                self._typed[node.uid] = list(self._node(node))
            for what in self._typed[node.uid]:
                self.say(where, what)

    def _node(self, node: Expr) -> Iterable[str]:
        if node.op == "const":
            if not node.type.contains(node.data):
                yield f"{node.data!r} is not of type {node.type}"
        elif node.op == "var":
            v = self.vars.get(node.data)
            if v is None:
                yield f"there is no variable {node.data}"
            elif v.type != node.type:
                yield f"{v.name} is of type {v.type}, read as {node.type}"
        elif node.op not in OPS:
            yield f"there is no operator {node.op}"
        else:
            try:
                computed = OPS[node.op].check([a.type for a in node.args], node.type, node.data)
            except IllTyped as error:
                yield str(error)
            else:
                if computed != node.type:
                    yield f"{node.op} yields {computed}, the node says {node.type}"
