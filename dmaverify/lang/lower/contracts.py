"""Calls by contract: check what the callee requires, let it write whatever it may, and believe what it
ensures.
"""

from __future__ import annotations

from collections.abc import Iterable

from dmaverify.ir.expr import TRUE, Expr, and_, const
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
        check_requires(inner, sym, call.span)
        before = dict(step.values)
        for place, old in changed:
            write_place(step, place, step.choose("after", old.type))
        result: Val = TRUE
        if sym.ty is not sem.VOID:
            result = step.choose("result", world.ir(sym.ty))
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
        step.require(believed)
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
        written = _writes(sym)
        if written:
            raise Unsupported(f"{name} writes {written}: only its `ref` parameters may change", sym.span)
        found[name] = Contract(sym)
    return found


def can_stand_alone(sym: symbols.ProcSym) -> bool:
    """Whether a proc may be called by contract: it ensures something, and changes ``ref`` parameters only."""
    return bool(sym.ensures) and _writes(sym) is None


def _writes(sym: symbols.ProcSym) -> str | None:
    """A variable of the model that a proc writes other than through its parameters."""
    for x in nodes(sym.body):
        targets: list[ast.Expr] = []
        if isinstance(x, ast.Assign):
            targets = x.targets
        elif isinstance(x, ast.OpAssign):
            targets = [x.target]
        for t in targets:
            base = t
            while isinstance(base, ast.Index | ast.Field):
                base = base.base
            if isinstance(base, ast.Name) and isinstance(base.ref, symbols.VarSym):
                return base.name
    return None
