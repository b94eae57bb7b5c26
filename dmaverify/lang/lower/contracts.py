"""Calls by contract: check what the callee requires, let it write whatever it may, and believe what it
ensures.
"""

from __future__ import annotations

from collections.abc import Iterable

from dmaverify.ir.expr import TRUE, Expr, and_, const, implies
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.calls import bindings, check_requires
from dmaverify.lang.lower.context import Ctx, Frame, Place, Unsupported, ev, read_place, write_place
from dmaverify.lang.lower.flow import Flow
from dmaverify.lang.lower.trees import nodes
from dmaverify.lang.lower.vals import Val
from dmaverify.lang.lower.world import World


class Contract:
    """A proc that is called by its contract."""

    def __init__(self, sym: symbols.ProcSym) -> None:
        self.sym = sym

    def call(self, f: Flow, call: ast.Call) -> Val:
        """The call as one step."""
        if f.at is None:
            ir = f.world.ir(self.sym.ty) if self.sym.ty is not sem.VOID else TRUE.type
            return const(ir.default, ir)
        step = f.new_step()
        value = self.within(f.ctx(step), call)
        kept = f.keep(step, value, "result", id(call))
        f.commit(step, call, timeless=False)
        return kept

    def within(self, ctx: Ctx, call: ast.Call) -> Val:
        """The call inside a step: the result."""
        sym, world, step = self.sym, ctx.world, ctx.step
        world.rests_on(sym.name)
        frame = Frame(sym.name, callees=(*ctx.frame.callees, sym))
        inner = ctx.inside(frame)
        world.scan(sym.requires)
        world.scan(sym.ensures)
        changed: list[tuple[Place, Expr]] = []
        for p, bound in zip(sym.params, bindings(ctx, sym, call), strict=True):
            assert p.local is not None
            if bound is None:
                assert p.default is not None
                bound = ev(inner, p.default)
            frame.env[p.local.key] = bound
            if isinstance(bound, Place):
                changed.append((bound, read_place(step, bound)))
        required = check_requires(inner, sym, call.span)
        before = dict(step.values)
        for place, old in changed:
            write_place(step, place, step.unknown("after", old.type))
        result: Val = TRUE
        if sym.ty is not sem.VOID:
            result = step.unknown("result", world.ir(sym.ty))
        frame.result = result

        def old_value(e: ast.Expr) -> Val:
            now = step.values
            step.values = before
            value = ev(inner, e)
            step.values = now
            return value

        frame.old = old_value
        quiet, step.quiet = step.quiet, True
        believed = and_(*(patterns.condition(inner, e) for e in sym.ensures))
        step.quiet = quiet
        # nothing is promised to a caller who breaks what is required; where no result could be given, the call would not be seen
        step.believe(implies(required, believed))
        return result


def contracts_of(world: World, names: Iterable[str]) -> dict[str, Contract]:
    """The contracts for these procs."""
    found: dict[str, Contract] = {}
    for name in sorted(names):
        sym = next((p for p in world.checked.procs if p.name == name), None)
        if sym is None:
            raise Unsupported(f"there is no proc {name} to call by contract", world.nowhere)
        if not sym.ensures:
            raise Unsupported(f"{name} ensures nothing, so it cannot be called by contract", sym.span)
        does = _does(sym)
        if does:
            raise Unsupported(f"{name} {does}: a proc that is called by contract changes its `ref` parameters only", sym.span)
        found[name] = Contract(sym)
    return found


def can_stand_alone(sym: symbols.ProcSym) -> bool:
    """Whether a proc may be called by contract: it ensures something, and does nothing but change ``ref`` parameters."""
    return bool(sym.ensures) and _does(sym) is None


def called_by(sym: symbols.ProcSym) -> list[symbols.ProcSym]:
    """The procs that a body calls, and those that they call, in the order of the text."""
    found: dict[int, symbols.ProcSym] = {}
    seen: set[int] = set()
    todo: list[object] = [sym.body]
    while todo:
        for x in nodes(todo.pop(0)):
            ref = getattr(x, "ref", None)
            if isinstance(ref, symbols.ProcSym | symbols.FuncSym) and id(ref) not in seen:
                seen.add(id(ref))
                todo.append(ref.body)
                if isinstance(ref, symbols.ProcSym):
                    found[id(ref)] = ref
    return list(found.values())


_SEEN = {
    ast.Emit: "emits an event",
    ast.New: "makes an object",
    ast.Delete: "deletes an object",
    ast.Take: "empties a slot",
    ast.Schedule: "schedules something",
    ast.Lock: "takes a lock",
    ast.MightSleep: "may sleep",
}
"""What others can notice, besides what is written."""


def _does(sym: symbols.ProcSym) -> str | None:
    """What a proc, or one that it calls, does besides changing its ``ref`` parameters, in words."""
    for x in nodes(sym.body, *(p.body for p in called_by(sym))):
        for t in _targets(x):
            base = t
            while isinstance(base, ast.Index | ast.Field | ast.NonNull):
                if isinstance(base, ast.Field) and isinstance(base.ref, symbols.VarSym | symbols.GhostSym):
                    break
                if isinstance(base, ast.Field) and isinstance(base.ref, symbols.FieldRef) and base.ref.kind == "object":
                    return f"writes a field of an object ({base.name})"
                base = base.base
            if not (isinstance(base, ast.Name) and (base.name == "_" or isinstance(base.ref, symbols.LocalSym))):
                return f"writes {base.name}" if isinstance(base, ast.Name | ast.Field) else "writes something"
        if type(x) in _SEEN:
            return _SEEN[type(x)]
    return None


def _targets(x: ast.Node) -> list[ast.Expr]:
    """What a statement or call may write."""
    if isinstance(x, ast.Assign):
        return x.targets
    if isinstance(x, ast.OpAssign):
        return [x.target]
    if isinstance(x, ast.Push | ast.Pop):
        return [x.list]
    if isinstance(x, ast.Call) and isinstance(x.ref, symbols.ProcSym):
        given = symbols.arrange(x, x.ref.params)
        return [a for a, p in zip(given, x.ref.params, strict=True) if p.by_ref and a is not None]
    return []
