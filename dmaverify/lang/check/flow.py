"""Control flow: blocks, branches, loops, gotos; and what is reached."""

from __future__ import annotations

from dataclasses import dataclass, field

from dmaverify.lang import ast, sem
from dmaverify.lang.check.base import Flow, Mode, Why, plain
from dmaverify.lang.check.scope import suggest
from dmaverify.lang.check.stmts import Simple
from dmaverify.lang.symbols import LocalSym, ProcSym, Symbol
from dmaverify.lang.tree import walk

HANDLED: tuple[type, ...] = (
    ast.Block,
    ast.Let,
    ast.Assign,
    ast.OpAssign,
    ast.If,
    ast.Match,
    ast.For,
    ast.Return,
    ast.CallStmt,
    ast.Assert,
)
"""What an event clause and what it calls may consist of."""

ALLOWED: dict[Mode, tuple[type, ...]] = {
    Mode.PURE: (
        ast.Block,
        ast.Let,
        ast.Assign,
        ast.OpAssign,
        ast.If,
        ast.Match,
        ast.For,
        ast.CFor,
        ast.While,
        ast.Loop,
        ast.Repeat,
        ast.Break,
        ast.Continue,
        ast.Return,
        ast.Goto,
        ast.Labelled,
        ast.CallStmt,
        ast.Push,
    ),
    Mode.HANDLER: HANDLED,
    Mode.HELPER: HANDLED,
    Mode.CLAUSE: (ast.Block, ast.Let, ast.If, ast.Match, ast.For, ast.Return, ast.CallStmt, ast.Assert),
}


@dataclass
class Target:
    """The labels of one block, and where reading stands in it."""

    labels: dict[str, int]
    at: int = 0
    arriving: dict[str, list[tuple[Flow, set[LocalSym]]]] = field(default_factory=dict)


@dataclass
class Loop:
    """A loop that is being read; ``out`` are the flows of its breaks."""

    out: list[Flow] = field(default_factory=list)


class Flows(Simple):
    """Statements with statements in them."""

    def start_body(self) -> None:
        """Before the first statement of a body."""
        self.targets: list[Target] = []
        self.loops: list[Loop] = []

    def body(self, block: ast.Block) -> dict[str, ast.Labelled]:
        """A whole body: every label once, and a result on every path. Returns the labels."""
        self.start_body()
        labels: dict[str, ast.Labelled] = {}
        self.labels_of(block, labels)
        self.block_stmt(block)
        if self.flow.live and not isinstance(self.result, sem.VoidT | sem.ErrorT):
            self.error(
                "DMA055", f"not every path returns {plain(self.result)}", block.span, fix="Add a  return ."
            )
        return labels

    def block_stmt(self, b: ast.Block) -> None:
        """``{ … }``."""
        with self.block():
            self.statements(b.stmts)

    def statements(self, stmts: list[ast.Stmt]) -> None:
        """Statements in a row, in the innermost frame."""
        labels = {n: i for i, s in enumerate(stmts) for n in _label_names(s)}
        target = Target(labels)
        self.targets.append(target)
        told = False
        for i, s in enumerate(stmts):
            target.at = i
            if not self.flow.live and not told and not any(n in target.arriving for n in _label_names(s)):
                what = (
                    f"nothing leads to the label {s.label}"
                    if isinstance(s, ast.Labelled)
                    else "this is never reached"
                )
                self.error("DMA056", what, s.span)
                told = True
                self.flow.live = True
            self.statement(s)
        self.targets.pop()

    def statement(self, s: ast.Stmt) -> None:
        """One statement."""
        allowed = ALLOWED.get(self.mode)
        if allowed is not None and not isinstance(s, allowed):
            self.error("DMA062", f"{self.mode.value} has no such statement", s.span)
            return
        match s:
            case ast.Block():
                self.block_stmt(s)
            case ast.Let():
                self.let(s)
            case ast.Assign():
                self.assign(s)
            case ast.OpAssign():
                self.op_assign(s)
            case ast.If():
                self.if_stmt(s)
            case ast.Match():
                self.match_stmt(s)
            case ast.For() | ast.CFor() | ast.While() | ast.Loop() | ast.Repeat():
                self.loop_stmt(s)
            case ast.Break() | ast.Continue():
                self.leave_loop(s)
            case ast.Return():
                self.return_stmt(s)
            case ast.Goto():
                self.goto(s)
            case ast.Labelled():
                self.labelled(s)
            case ast.CallStmt():
                self.call_stmt(s)
            case ast.Lock():
                t = self.place(s.target)
                if not isinstance(t, sem.LockT | sem.ErrorT):
                    self.error("DMA020", f"{plain(t)} where a spinlock is wanted", s.target.span)
                self.block_stmt(s.body)
            case ast.Atomic():
                if not self.scope.name.startswith("spec."):
                    self.checker.atomic_warning(s.span, self.owner)
                self.block_stmt(s.body)
            case ast.Choose():
                self._arms([(lambda a=a: self.block_stmt(a)) for a in s.arms])
            case ast.Assume() | ast.Assert():
                self._assertion(s)
            case ast.Emit():
                self.emit(s)
            case ast.Wait():
                with self.block():
                    self.flow.facts |= self.condition(s.cond).yes
            case ast.MightSleep():
                if s.cond is not None:
                    self.junction_of(s.cond)
            case ast.Schedule():
                self.schedule(s)
            case ast.Delete():
                self.delete(s)
            case ast.Push():
                self.push(s)
            case _:
                raise AssertionError(f"no rule for {type(s).__name__}")

    def junction_of(self, e: ast.Expr) -> None:
        """A condition that tells nothing to what follows."""
        with self.block():
            self.condition(e)

    def _assertion(self, s: ast.Assume | ast.Assert) -> None:
        with self.block():
            truth = self.condition(s.cond)
            self.message(s.message)
        if isinstance(s, ast.Assume):
            self.flow.facts |= truth.yes

    # -- branches
    # -------------------------------------------------------------------------------------------------

    def if_stmt(self, s: ast.If) -> None:
        """``if c { … } else …``."""
        start = self.flow
        with self.block():
            truth = self.condition(s.cond)
            self.flow = start.copy()
            self.flow.facts |= truth.yes
            self.block_stmt(s.then)
        then = self.flow
        self.flow = start.copy()
        self.flow.facts |= truth.no
        if s.orelse is not None:
            if isinstance(s.orelse, ast.If):
                self.if_stmt(s.orelse)
            else:
                self.block_stmt(s.orelse)
        self.flow = Flow.join([then, self.flow])

    def match_stmt(self, s: ast.Match) -> None:
        """``match e { p -> … }``."""
        types = tuple(self.value(x) for x in s.scrutinees)
        start, ends, rows = self.flow, [], []
        for arm in s.arms:
            self.flow = start.copy()
            with self.block():
                rows.append((self.arm(arm.patterns, types, arm.span), arm.span, not arm.patterns))
                self.block_stmt(arm.body)
            ends.append(self.flow)
        self.complete(rows, types, s.span)
        self.flow = Flow.join(ends) if ends else start

    def _arms(self, arms: list[object]) -> None:
        start, ends = self.flow, []
        for run in arms:
            self.flow = start.copy()
            run()  # type: ignore[operator]
            ends.append(self.flow)
        self.flow = Flow.join(ends)

    # -- loops
    # ----------------------------------------------------------------------------------------------------

    def loop_stmt(self, s: ast.For | ast.CFor | ast.While | ast.Loop | ast.Repeat) -> None:
        """A loop: what its body assigns is unknown at its head."""
        changed = self._changed(s)
        loop = Loop()
        self.loops.append(loop)
        with self.block():
            if isinstance(s, ast.Repeat):
                self.number(s.count, "the count")
            if isinstance(s, ast.CFor):
                self._c_head(s)
            self._forget_names(changed)
            start = self.flow.copy()
            ends_itself = not isinstance(s, ast.Loop)
            no = frozenset()  # type: frozenset[tuple[object, ...]]
            if isinstance(s, ast.For):
                self.flow.facts |= self.restricted(s.binders, s.where, [s.body])
            elif isinstance(s, ast.While):
                truth = self.condition(s.cond)
                self.flow.facts |= truth.yes
                no = truth.no
            elif isinstance(s, ast.CFor):
                self.flow.facts |= self.condition(s.cond).yes
            if isinstance(s, ast.While | ast.Loop | ast.CFor) and s.bound is not None:
                self.checker.constant_int(self.scope, s.bound, 0, body=self)
            if isinstance(s, ast.While | ast.Loop):
                self._contract(s)
            self.block_stmt(s.body)
            if isinstance(s, ast.CFor):
                self.flow.live = True
                self.statement(s.step)
        self.loops.pop()
        after = start
        after.facts |= no if not loop.out else frozenset()
        after.live = ends_itself
        self.flow = Flow.join([after, *loop.out])

    def _c_head(self, s: ast.CFor) -> None:
        t = self.checker.resolve(self.scope, s.type)
        s.ty = t
        self.expect(s.init, t, Why(s.name, s.name_span))
        self.introduce(s.name, t, s, s.name_span, "loop")

    def _contract(self, s: ast.While | ast.Loop) -> None:
        mode, self.mode = self.mode, Mode.CLAUSE
        for i in s.invariants:
            self.junction_of(i)
        if s.decreases is not None:
            self.number(s.decreases, "what decreases")
        self.mode = mode

    def _changed(self, s: ast.Node) -> set[str]:
        """Names at the root of whatever a loop assigns, or hands to a proc that may assign it."""
        found: set[str] = set()
        for n in walk(s):
            targets: list[ast.Expr] = []
            if isinstance(n, ast.Assign):
                targets = n.targets
            elif isinstance(n, ast.OpAssign):
                targets = [n.target]
            elif isinstance(n, ast.Call) and isinstance(n.func, ast.Name):
                hits = self.checker.scopes.find(self.scope, n.func.name)
                refs = [p.by_ref for h in hits if isinstance(h, ProcSym) for p in h.params]
                targets = [a.value for a, r in zip(n.args, refs, strict=False) if r]
            for t in targets:
                while isinstance(t, ast.Field | ast.Index | ast.NonNull):
                    t = t.base
                if isinstance(t, ast.Name):
                    found.add(t.name)
        return found

    def _forget_names(self, changed: set[str]) -> None:
        self.flow.facts = frozenset(k for k in self.flow.facts if not any(n in changed for n in _names_in(k)))

    def leave_loop(self, s: ast.Break | ast.Continue) -> None:
        """``break``, ``continue``."""
        if not self.loops:
            self.error(
                "DMA062", f"{'break' if isinstance(s, ast.Break) else 'continue'} stands in a loop", s.span
            )
        elif isinstance(s, ast.Break):
            self.loops[-1].out.append(self.flow.copy())
        self.flow = Flow(live=False)

    # -- jumps
    # ----------------------------------------------------------------------------------------------------

    def return_stmt(self, s: ast.Return) -> None:
        """``return a, b``."""
        want = self.result
        if isinstance(want, sem.VoidT):
            for v in s.values:
                self.rhs(v, None)
            if s.values:
                what = (
                    f"{self.owner.name} has no result"
                    if isinstance(self.owner, Symbol)
                    else "there is no result here"
                )
                self.error("DMA055", what, s.span)
        elif not s.values:
            if not isinstance(want, sem.ErrorT):
                self.error("DMA055", f"a  return  without a value, and {plain(want)} is wanted", s.span)
        elif len(s.values) == 1:
            self.rhs(s.values[0], want)
            span = self.owner.span if self.owner is not None else None
            if isinstance(self.effective(s.values[0]), sem.LitT) and isinstance(want, sem.ErrorT):
                self.settle(s.values[0])
            self.coerce(s.values[0], want, Why("the result", span))
        elif isinstance(want, sem.TupleT) and len(want.items) == len(s.values):
            for v, t in zip(s.values, want.items, strict=True):
                self.expect(v, t, Why("the result"))
        else:
            for v in s.values:
                self.value(v)
            if not isinstance(want, sem.ErrorT):
                self.error("DMA055", f"{len(s.values)} values where {plain(want)} is wanted", s.span)
        self.flow = Flow(live=False)

    def goto(self, s: ast.Goto) -> None:
        """``goto label``."""
        for target in reversed(self.targets):
            if s.label not in target.labels:
                continue
            if target.labels[s.label] <= target.at:
                self.error(
                    "DMA058", f"goto {s.label} leads backwards", s.span, fix="Write a  loop  or  while ."
                )
            else:
                known = {sym for frame in self.frames for sym in frame.values()}
                target.arriving.setdefault(s.label, []).append((self.flow.copy(), known))
            self.flow = Flow(live=False)
            return
        names = [n for t in self.targets for n in t.labels]
        self.error(
            "DMA058",
            f"there is no label {s.label} in this block or one around it",
            s.span,
            fix=suggest(s.label, names),
        )

    def labelled(self, s: ast.Labelled) -> None:
        """``label: statement``."""
        arrived = self.targets[-1].arriving.pop(s.label, [])
        flows = [self.flow]
        for flow, known in arrived:
            skipped = frozenset(sym for sym in self.frames[-1].values() if sym not in known)
            flow.unset |= skipped
            flow.void |= skipped
            flows.append(flow)
        self.flow = Flow.join(flows)
        if s.stmt is not None:
            self.statement(s.stmt)


def _label_names(s: ast.Stmt) -> list[str]:
    names = []
    while isinstance(s, ast.Labelled):
        names.append(s.label)
        if s.stmt is None:
            break
        s = s.stmt
    return names


def _names_in(key: tuple[object, ...]) -> list[str]:
    out: list[str] = []
    for part in key:
        if isinstance(part, Symbol):
            out.append(part.name)
        elif isinstance(part, tuple):
            out += _names_in(part)
    return out
