"""The scenario's own declarations: settings, threads, what is checked and expected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dmaverify.lang import ast, sem
from dmaverify.lang.builtins import BUILTIN_PROPERTIES, SETTING_WORDS
from dmaverify.lang.check.base import Mode, Why
from dmaverify.lang.check.flow import Flows
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.symbols import (
    AttrRef,
    CoverSym,
    DeviceSym,
    EventSym,
    FuncSym,
    LabelSym,
    LemmaSym,
    MonitorSym,
    OptionSym,
    Parameter,
    ProcSym,
    RegionSym,
    SlotSym,
    ThreadSym,
    returns_value,
)
from dmaverify.span import Span

if TYPE_CHECKING:
    from dmaverify.lang.check.checker import Checker


class ScenarioChecker:
    """Checks what is not a body of a module."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.program = checker.program
        self.out = checker.out
        self.diags = checker.diags

    # -- options
    # --------------------------------------------------------------------------------------------------

    def set_options(self) -> None:
        """``hardware`` and ``option`` lines become the values of options, before anything asks for them."""
        for s in self.program.hardware:
            self._hardware(s)
        for o in self.program.option_sets.values():
            sym = self._option(o.name, o.name_span)
            o.ref = sym
            if sym is not None:
                sym.value = o.value

    def _hardware(self, s: ast.Setting) -> None:
        sym = self._option(s.name, s.name_span)
        s.ref = sym
        if sym is not None:
            sym.value = setting_value(s)
        for inner in s.block or []:
            self._hardware(inner)

    def _option(self, name: str, span: Span) -> OptionSym | None:
        scopes = self.checker.scopes
        holder, _, last = name.rpartition(".")
        if holder:
            module = scopes.find_module(holder)
            hits = (
                [o]
                if module is not None and (o := scopes.modules[module.module].options.get(last)) is not None
                else []
            )
        else:
            hits = scopes.find_option(scopes.scenario, name)
        if not hits:
            hits = [o for m in scopes.modules.values() for n, o in m.options.items() if n == last]
        if len({id(h) for h in hits}) == 1:
            self.checker.use(hits[0], span)
            return hits[0]
        if hits:
            self.diags.error(
                "DMA051",
                f"two modules have an option {name}",
                span,
                notes=[(h.span, f"in {h.module}") for h in hits],
                fix="Put the module's name in front of it.",
            )
            return None
        names = [n for m in scopes.modules.values() for n in m.options]
        self.diags.error("DMA050", f"no module in use has an option {name}", span, fix=suggest(name, names))
        return None

    # -- regions, devices, places
    # ---------------------------------------------------------------------------------

    def blocks(self) -> None:
        """``region``, ``device`` and ``place``."""
        for r in self.out.regions:
            seen = {s.name for s in r.decl.settings}
            for word in ("at", "size"):
                if word not in seen:
                    self.diags.error(
                        "DMA069", f"the region {r.name} has no {word}", r.span, fix=f"Write  {word} …"
                    )
            for s in r.decl.settings:
                if s.name in SETTING_WORDS:
                    self._word(s)
                else:
                    self._attribute(r, s)
        for d in self.out.devices:
            for s in d.decl.settings:
                self._attribute(d, s)
        for region in self.out.regions:
            self._complete(region)
        for device in self.out.devices:
            self._complete(device)
        self._places()

    def _word(self, s: ast.Setting) -> None:
        body = self.checker.const_body(self.checker.scopes.scenario)
        if s.name == "overlaps":
            return
        if s.value is None:
            self.diags.error("DMA067", f"{s.name} needs a number", s.span)
            return
        if isinstance(s.value, ast.AnyType):
            self.diags.error(
                "DMA029",
                f"where memory is must be known: {s.name} any is not supported",
                s.span,
                fix="Use a param.",
            )
            return
        want: sem.SemType = sem.I64.with_unit("bytes")
        if s.name == "at":
            want = self.checker.memory_space(self.checker.scopes.scenario)
        body.expect(s.value, want, Why(s.name))

    def _attribute(self, owner: RegionSym | DeviceSym, s: ast.Setting) -> None:
        consts = self.checker.attribute_consts(owner.ty)
        for const in consts:
            for f in self.checker.record_fields(const):
                if f.name != s.name:
                    continue
                of = const.ty.of if isinstance(const.ty, sem.MapT) else sem.ERROR
                field = f if isinstance(of, sem.RecordT) else None
                s.ref = AttrRef(const, field, f.ty)
                value = setting_value(s)
                if s.value is None and not isinstance(f.ty, sem.BoolT):
                    self.diags.error(
                        "DMA067", f"{s.name} needs a value", s.span, notes=[(f.span, f"{f.name} is {f.ty}")]
                    )
                else:
                    self.checker.const_body(self.checker.scopes.scenario, owner).expect(
                        value, f.ty, Why(s.name, f.span)
                    )
                self.out.attributes[const.name, owner.name, f.name if field is not None else ""] = value
                self.checker.use(const, s.span, owner)
                return
        names = [f.name for c in consts for f in self.checker.record_fields(c)]
        if owner.what == "region":
            names += sorted(SETTING_WORDS)
        self.diags.error("DMA067", f"a {owner.what} has no {s.name}", s.name_span, fix=suggest(s.name, names))

    def _complete(self, owner: RegionSym | DeviceSym) -> None:
        from dmaverify.lang.check.literals import has_default

        for const in self.checker.attribute_consts(owner.ty):
            of = const.ty.of if isinstance(const.ty, sem.MapT) else sem.ERROR
            for f in self.checker.record_fields(const):
                key = (const.name, owner.name, f.name if isinstance(of, sem.RecordT) else "")
                if key not in self.out.attributes and f.default is None and not has_default(f.ty):
                    self.diags.error(
                        "DMA067",
                        f"the {owner.what} {owner.name} does not say its {f.name}",
                        owner.span,
                        notes=[(f.span, f"{f.ty}, without a default")],
                    )

    def _places(self) -> None:
        regions = {r.name: r for r in self.out.regions}
        for p in self.out.places:
            p.region = regions.get(p.decl.region)
            if p.region is None:
                self.diags.error(
                    "DMA050",
                    f"there is no region {p.decl.region}",
                    p.decl.region_span,
                    fix=suggest(p.decl.region, regions),
                )
            else:
                self.checker.use(p.region, p.decl.region_span, p)
            for f in p.fields.values():
                if f.size is not None:
                    body = self.checker.const_body(self.checker.scopes.scenario, p)
                    body.expect(f.size, sem.I64.with_unit("bytes"), Why(f"the size of {p.name}.{f.name}"))

    # -- threads
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
            elif name != "boot":
                self.diags.error(
                    "DMA050",
                    f"there is no sequence or client {name}",
                    t.span,
                    fix=suggest(name, [*self.out.threads, "boot"]),
                )
        return out

    def _order(self) -> None:
        later: dict[ThreadSym, list[ThreadSym]] = {t: list(t.after) for t in self.out.threads.values()}
        for t in self.out.threads.values():
            for b in t.before:
                later[b].append(t)
        done: set[ThreadSym] = set()
        for start in later:
            path: list[ThreadSym] = []
            if self._cycle(start, later, done, path):
                names = " after ".join(t.name for t in path)
                self.diags.error("DMA067", f"nothing can start: {names}", start.span)
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

    # -- what is asked
    # --------------------------------------------------------------------------------------------

    def properties(self) -> None:
        """``check``, ``expect``, ``faults`` and covers."""
        for p in self.program.checks.props:
            self._prop(p)
        for e in self.program.expects.by_subject.values():
            if isinstance(e.subject, ast.PropRef):
                self._prop(e.subject)
        for f in self.program.faults:
            for name in f.names or []:
                if name not in self.out.faults:
                    self.diags.error(
                        "DMA072",
                        f"nothing in the model asks for  fault {name}",
                        f.span,
                        fix=suggest(name, self.out.faults),
                    )
            if f.limit is not None:
                self.checker.constant_int(self.checker.scopes.scenario, f.limit, 0, 7)

    def _prop(self, p: ast.PropRef) -> None:
        monitors = {m.name: m for m in self.out.monitors}
        lemmas = {sym.name: sym for sym in self.out.lemmas}
        sym: MonitorSym | LemmaSym | None = monitors.get(p.name) or lemmas.get(p.name)
        if sym is None:
            if p.name in BUILTIN_PROPERTIES or p.name == self.program.name:
                p.ref = p.name
                return
            names = [*monitors, *lemmas, *BUILTIN_PROPERTIES]
            self.diags.error(
                "DMA071",
                f"there is no property {p.name}",
                p.span,
                fix=suggest(p.name, names) or "Is its module imported?",
            )
            return
        p.ref = sym
        self.checker.use(sym, p.span)
        params: list[Parameter] = sym.params if isinstance(sym, MonitorSym) else []
        body = self.checker.const_body(self.checker.scopes.scenario)
        call = ast.Call(p.span, ast.Name(p.span, p.name), p.args)
        call.ref = sym
        body.arguments(call, p.name, params)

    def cover(self, d: ast.Cover, body: Flows) -> CoverSym:
        """``cover e``: an event, a label, a fault, or a condition."""
        sym = CoverSym(d.name, sem.BOOL, d.name_span, body.scope.name, d)
        self.out.covers.append(sym)
        e = d.target
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name):
            hits = self.checker.scopes.find(body.scope, e.func.name)
            if len(hits) == 1 and isinstance(hits[0], EventSym):
                sym.kind, sym.target = "event", hits[0]
                self.checker.use(hits[0], e.span, sym)
                e.ref = e.func.ref = hits[0]
                e.ty = e.func.ty = sem.BOOL
                self._event_pattern(e, hits[0], body)
                return sym
        if isinstance(e, ast.FaultExpr):
            sym.kind, sym.target = "fault", e.name
            e.ty = sem.BOOL
            return sym
        if isinstance(e, ast.Name):
            event = self.checker.scopes.find(body.scope, e.name)
            if len(event) == 1 and isinstance(event[0], EventSym):
                sym.kind, sym.target = "event", event[0]
                e.ref, e.ty = event[0], sem.BOOL
                self.checker.use(event[0], e.span, sym)
                return sym
            labels = [t.labels[e.name] for t in self.out.threads.values() if e.name in t.labels]
            if labels and not event:
                sym.kind, sym.target = "label", labels[0]
                labels[0].used = True
                e.ref, e.ty = labels[0], sem.BOOL
                if len(labels) > 1:
                    self.diags.error(
                        "DMA051", f"two threads have a label {e.name}", e.span, fix="Write  thread at label ."
                    )
                return sym
        body.condition(e)
        return sym

    def _event_pattern(self, e: ast.Call, event: EventSym, body: Flows) -> None:
        if len(e.args) > len(event.params):
            self.diags.error(
                "DMA053",
                f"{event.name} has {len(event.params)} argument(s)",
                e.span,
                notes=[(event.span, "declared here")],
            )
        names = {p.name: p for p in event.params}
        for i, a in enumerate(e.args):
            p = (
                names.get(a.name)
                if a.name is not None
                else event.params[i]
                if i < len(event.params)
                else None
            )
            if a.name is not None and p is None:
                self.diags.error(
                    "DMA053", f"{event.name} has no argument {a.name}", a.span, fix=suggest(a.name, names)
                )
            if isinstance(a.value, ast.Name) and a.value.name == "_":
                a.value.ty = p.ty if p is not None else sem.ERROR
                continue
            if p is not None:
                body.expect(a.value, p.ty, Why(f"the argument {p.name}", p.span))


def setting_value(s: ast.Setting) -> ast.Expr:
    """The value of a setting; a word alone is ``true``, with ``no`` in front ``false``."""
    if s.value is None or s.negated:
        return ast.BoolLit(s.span, not s.negated)
    if isinstance(s.value, ast.Name) and s.value.name == "null":
        return ast.NullLit(s.value.span)
    return s.value
