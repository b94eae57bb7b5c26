"""What the whole lowering shares: constants, variables of the System, objects, faults, and what monitors are
selected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dmaverify.ir.expr import Expr, const, raw, var
from dmaverify.ir.system import Kind, Var
from dmaverify.ir.types import BOOL, Index, Map, Opt, Range, Record, Type, Value
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.check.result import Checked
from dmaverify.lang.layout import Layout
from dmaverify.lang.lower.context import Ctx, Frame, Key, Unsupported, ev
from dmaverify.lang.lower.conversions import stored
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.trees import assigned_locals, nodes, with_callees
from dmaverify.lang.lower.vals import ModuleV, Val, is_in
from dmaverify.span import NOWHERE, Span

if TYPE_CHECKING:
    from dmaverify.lang.lower.contexts import Contexts
    from dmaverify.lang.lower.contracts import Contract
    from dmaverify.lang.lower.flow import Flow
    from dmaverify.lang.lower.monitors import Instance
    from dmaverify.lang.lower.slots import Slots

DONE, AT = "@done ", "@at "
"""Prefixes of stand-ins for "this thread is at its end", "… at that label", until points have numbers."""


@dataclass(eq=False)
class Budget:
    """A ``faults`` line: which faults it allows, and the variable that counts how many are left."""

    names: list[str] | None
    variable: str
    type: Range
    span: Span


class World:
    """One program and one instance of its params, while it is lowered."""

    nowhere: Span = NOWHERE

    def __init__(self, checked: Checked, layout: Layout, params: Mapping[str, Value], symbolic: set[str]) -> None:
        self.checked = checked
        self.program = checked.program
        self.layout = layout
        self.given = params
        self.symbolic = symbolic
        self.types: dict[str, Type] = {}
        self.vars: dict[str, Var] = {}
        self.frozen: set[str] = set()
        self.assumptions: list[Expr] = []
        self.notes: list[str] = []
        self.instances: list[Instance] = []
        self.asked_labels: set[tuple[str, str]] = set()
        self.budgets: list[Budget] = []
        self.assigned: set[Key] = set()
        """Locals that are written after their first value; an object's field does not count for the reference
        to it.
        """
        self.locals_seen: dict[Key, symbols.LocalSym] = {}
        self.assumes: dict[str, Span] = {}
        self.operations: dict[str, Span] = {}
        self.lock_uses: list[tuple[str, str | None, str, bool, Span]] = []
        self.lock_writes: dict[str, set[str]] = {}
        self._scanned: dict[int, object] = {}
        self._irs: dict[int, tuple[sem.SemType, Type]] = {}
        self._consts: dict[int, Val] = {}
        self._names: dict[int, str] = {}
        self._taken: dict[str, object] = {}
        self._deleted: set[int] | None = None
        self._paths: dict[str, list[int]] = {}
        self.slots: Slots
        self.contexts: Contexts
        self.contracts: dict[str, Contract] = {}
        self.called: set[str] = set()
        """Procs that some call takes by their contract."""
        self.promises: set[str] = set()
        """Procs that ensure something and whose bodies run."""
        self.rounds = 0
        """A loop that is unrolled within a step gets so many rounds, where its own bound is smaller."""
        self.covers: list[Any] = []
        self.marks: dict[str, tuple[tuple[str, sem.SemType], ...]] | None = None
        """The marks of entry-point calls with their arguments, if they are asked for (``marks``)."""
        self.watched = ""
        """The monitor of which it is marked where in a step an event makes it false."""

    # -- types and constants ---------------------------------------------

    def ir(self, ty: sem.SemType) -> Type:
        """The IR type of a semantic type."""
        known = self._irs.get(id(ty))
        if known is None:
            known = (ty, self.layout.ir_type(ty))
            self._irs[id(ty)] = known
        return known[1]

    def type_of(self, name: str) -> Type:
        """The type of a variable."""
        return self.types[name]

    def pure(self, e: ast.Expr) -> Val:
        """The value of an expression that stands in no text that runs."""
        self.scan(e)
        return ev(Ctx(self, Step(self.type_of), Frame("")), e)

    def const(self, sym: symbols.ConstSym) -> Val:
        """The value of a constant."""
        known = self._consts.get(id(sym))
        if known is None:
            if sym.from_scenario:
                known = self._from_scenario(sym)
            elif sym.value is None:
                raise Unsupported(f"{sym.name} is open: the version in use does not say what it is", sym.span)
            else:
                known = self.pure(sym.value)
                if sym.ty.storable:
                    known = stored(Ctx(self, Step(self.type_of), Frame("")), known, sym.ty, sym.span)
            self._consts[id(sym)] = known
        return known

    def _from_scenario(self, sym: symbols.ConstSym) -> Val:
        """A constant over regions or devices, filled in by their blocks."""
        t = self.ir(sym.ty)
        assert isinstance(t, Map)
        return const(tuple(self.layout.attribute(sym, i, None) for i in range(t.index.count)), t)

    def option(self, sym: symbols.OptionSym) -> Val:
        """The value of an option."""
        known = self._consts.get(id(sym))
        if known is None:
            if sym.value is None:
                ir = self.ir(sym.ty)
                known = const(ir.default, ir)
            elif isinstance(sym.value, ast.AnyType):
                known = self.frozen_variable(f"option.{sym.name}", self.ir(sym.ty), sym.span)
            else:
                known = stored(Ctx(self, Step(self.type_of), Frame("")), self.pure(sym.value), sym.ty, sym.span)
            self._consts[id(sym)] = known
        return known

    def param(self, sym: symbols.ParamSym) -> Val:
        """The value of a param: the one of this instance, or a frozen variable."""
        known = self._consts.get(id(sym))
        if known is None:
            ir = self.ir(sym.ty)
            if sym.name in self.symbolic:
                known = self.frozen_variable(sym.name, ir, sym.span)
                if sym.domain is not None:
                    self.assumptions.append(is_in(known, self.pure(sym.domain)))
            elif sym.name in self.given:
                known = const(self.given[sym.name], ir)
            else:
                assert sym.value is not None
                known = stored(Ctx(self, Step(self.type_of), Frame("")), self.pure(sym.value), sym.ty, sym.span)
            self._consts[id(sym)] = known
        return known

    def frozen_variable(self, name: str, t: Type, span: Span) -> Expr:
        """A variable that keeps the value that it starts with, which may be any."""
        unique = self.declare(name, t, t.default, span, Kind.PARAM, any_init=True)
        self.frozen.add(unique)
        return var(unique, t)

    def is_frozen(self, name: str) -> bool:
        """Whether a variable keeps the value that it starts with."""
        return name in self.frozen

    # -- variables ---------------------------------------------

    def declare(
        self,
        name: str,
        t: Type,
        init: Value,
        span: Span,
        kind: Kind = Kind.STATE,
        owner: str | None = None,
        any_init: bool = False,
    ) -> str:
        """A variable of the System; its name is made unique."""
        unique, n = name, 1
        while unique in self.types:
            n += 1
            unique = f"{name}'{n}"
        self.types[unique] = t
        self.vars[unique] = Var(unique, t, init, kind, owner, span, any_init)
        return unique

    def var(self, sym: symbols.VarSym) -> str:
        """The variable of a ``var``."""
        name = self._names.get(id(sym))
        if name is None:
            t = self.ir(sym.ty)
            anything = isinstance(sym.init, ast.AnyType)
            init = t.default if anything or sym.init is None else self._initial(sym.init, sym.ty)
            name = self.declare(sym.name, t, init, sym.span, any_init=anything)
            self._names[id(sym)] = name
        return name

    def _initial(self, e: ast.Expr, ty: sem.SemType) -> Value:
        of: sem.SemType = ty
        keys: tuple[sem.SemType, ...] = ()
        if isinstance(ty, sem.MapT):
            of, keys = ty.of, ty.keys
        value = stored(Ctx(self, Step(self.type_of), Frame("")), self.pure(e), of if keys else ty, e.span)
        if not value.is_const:
            raise Unsupported("an initial value is a constant", e.span)
        plain: Value = value.value
        for k in reversed(keys):
            plain = (plain,) * self.ir(k).count
        return plain

    def ghost(self, sym: symbols.GhostSym, instance: Instance | None) -> str:
        """The variable of a ghost of an instance of its monitor."""
        if instance is None or sym.monitor is not instance.sym:
            instance = next((i for i in self.instances if i.sym is sym.monitor), None)
            if instance is None:
                raise Unsupported(f"the monitor of {sym.name} is not part of this check", sym.span)
        name = instance.ghosts.get(sym.name)
        if name is None:
            t = self.ir(sym.ty)
            init = t.default if sym.init is None else self._initial(sym.init, sym.ty)
            name = self.declare(f"{instance.name}.{sym.name}", t, init, sym.span, Kind.GHOST, instance.name)
            instance.ghosts[sym.name] = name
        return name

    def instance_of(self, base: Val | None, ref: symbols.GhostSym, current: Instance | None) -> Instance | None:
        """Whose ghost ``monitor.ghost`` is."""
        if isinstance(base, ModuleV):
            return next((i for i in self.instances if i.sym is base.what), None)
        return current

    def object_used(self, ty: sem.ObjT) -> str:
        """The variable that says which objects of a type exist."""
        return self._object_variable(ty, "used", BOOL, False)

    def object_field(self, ty: sem.ObjT, name: str) -> str:
        """The variable that holds a field of all objects of a type."""
        t = self.ir(ty.fields[name].ty)
        return self._object_variable(ty, name, t, t.default)

    def _object_variable(self, ty: sem.ObjT, what: str, t: Type, init: Value) -> str:
        key = f"{ty.name}.{what}"
        known = self._taken.get(key)
        if known is not None:
            assert isinstance(known, str)
            return known
        index = self.ir(ty)
        name = self.declare(key, Map(index, t), (init,) * index.count, ty.span)
        self._taken[key] = name
        return name

    def deleted(self, ty: sem.ObjT) -> bool:
        """Whether some text that may run deletes objects of a type."""
        if self._deleted is None:
            self._deleted = set()
            running = [t.decl for t in (*self.checked.threads.values(), *self.checked.spontaneous)]
            for x in with_callees(running):
                if isinstance(x, ast.Delete):
                    target = sem.strip(x.target.conv or x.target.ty)
                    self._deleted.add(id(target))
        return id(ty) in self._deleted

    # -- enums, blocks, places ---------------------------------------------

    def payload_fields(self, case: symbols.EnumCase) -> list[str]:
        """The fields of the enum's record that hold a case's payload."""
        return [f"{case.name}.{i}" for i in range(len(case.payload))]

    def bounds(self, index: sem.IndexT) -> tuple[list[int], list[int]]:
        """Where each block of a partition starts and ends."""
        blocks = self.layout.blocks(index)
        return [b.start for b in blocks], [b.end for b in blocks]

    def parents(self, fine: sem.IndexT, coarse: sem.IndexT) -> list[int]:
        """For each block of one partition, the block of another that it lies in."""
        return [self.layout.parent(b, coarse) for b in self.layout.blocks(fine)]

    def children(self, coarse: sem.IndexT, fine: sem.IndexT) -> list[tuple[int, int]]:
        """For each block of a partition, the blocks of another that lie in it: first, and after the last."""
        found = [self.layout.inner(b, fine) for b in self.layout.blocks(coarse)]
        return [(r.start, r.stop) for r in found]

    def place(self, what: Any) -> tuple[int, int]:
        """Where a place is, and how long."""
        if not isinstance(what, symbols.PlaceField):
            raise Unsupported(f"say which part of {getattr(what, 'name', 'it')} is meant", getattr(what, "span", NOWHERE))
        return self.layout.place(what)

    def label(self, x: Expr) -> str:
        """What reports call an element: its name, or nothing if it is no constant."""
        if not x.is_const:
            return ""
        if isinstance(x.type, Index) and x.type.names:
            return x.type.names[x.value]
        if hasattr(x.type, "members") and isinstance(x.value, int):
            members = x.type.members
            return str(members[x.value]) if x.value < len(members) else str(x.value)
        if isinstance(x.type, Opt | Record):
            return ""
        return str(x.value)

    # -- locals ---------------------------------------------

    def scan(self, body: object) -> None:
        """Note the locals of a text, so that a declaration knows what its uses say."""
        if body is None or id(body) in self._scanned:
            return
        self._scanned[id(body)] = body
        for x in nodes(body):
            ref = getattr(x, "ref", None)
            if isinstance(ref, symbols.LocalSym):
                self.locals_seen.setdefault(ref.key, ref)
        self.assigned |= assigned_locals(body)

    def local(self, node: object, name: str) -> symbols.LocalSym | None:
        """The local that a node introduces, None if nothing ever reads it."""
        return self.locals_seen.get(symbols.local_key(node, name))

    def call_path(self, path: str, call: ast.Call) -> str:
        """The path of a call, made unique among the calls of one line."""
        seen = self._paths.setdefault(path, [])
        if id(call) not in seen:
            seen.append(id(call))
        n = seen.index(id(call))
        return path if n == 0 else f"{path}'{n + 1}"

    # -- threads ---------------------------------------------

    def thread_done(self, sym: symbols.ThreadSym) -> Expr:
        """Whether a thread has ended: a stand-in until points have numbers."""
        name = DONE + sym.name
        self.types[name] = BOOL
        return raw("var", BOOL, (), name)

    def boot_done(self) -> Expr:
        """Whether all initcalls have run."""
        name = DONE + "boot"
        self.types[name] = BOOL
        return raw("var", BOOL, (), name)

    def thread_at(self, sym: symbols.LabelSym) -> Expr:
        """Whether a thread stands at a label: likewise."""
        name = f"{AT}{sym.owner.name} {sym.name}"
        self.types[name] = BOOL
        return raw("var", BOOL, (), name)

    def is_asked(self, thread: str, label: str) -> bool:
        """Whether something asks if a thread stands at a label."""
        return (thread, label) in self.asked_labels

    def assumed(self, f: Flow, s: ast.Assume) -> str:
        """The probe that says that something is reachable behind an ``assume``."""
        name = f"behind assume in {f.name} at line {s.span.line}"
        self.assumes[name] = s.span
        return name

    def operation(self, name: str, span: Span) -> str:
        """The probe that says that an operation of a client succeeds: it fills a slot, or if it fills none, comes to its end."""
        if self.operations.get(name, span) != span:
            name += f" at line {span.line}"
        self.operations[name] = span
        return name

    def rests_on(self, proc: str) -> None:
        """A call is by contract: every verdict says so."""
        if proc not in self.called:
            self.called.add(proc)
            self.notes.append(f"contract of {proc}")

    def runs_body(self, sym: symbols.ProcSym) -> None:
        """A call runs the body of a proc; if that ensures something, somebody has to show it."""
        if sym.ensures:
            self.promises.add(sym.name)

    def contract_of(self, sym: symbols.ProcSym) -> Contract | None:
        """The contract that stands for a proc's body, if it is to be called by contract."""
        return self.contracts.get(sym.name)

    def lock_taken(self, f: Flow, place: Any, irq: bool, s: ast.Lock) -> None:
        """Note who takes a lock, and how."""
        self.lock_uses.append((place.var, f.cpu, f.level, irq or self.contexts.irqs_off(), s.span))
