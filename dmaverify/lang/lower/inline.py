"""Calls of procs by threads: the body is lowered at the call, with locals and jump targets of its own."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, const, mk, var
from dmaverify.ir.system import Frame as IrFrame
from dmaverify.ir.types import Record
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import marks
from dmaverify.lang.lower.calls import bindings, check_requires, recursion_limit
from dmaverify.lang.lower.context import Binding, Frame, Unsupported, ev
from dmaverify.lang.lower.conversions import require, stored, stored_as
from dmaverify.lang.lower.dispatch import lower
from dmaverify.lang.lower.flow import Flow, Scope, Target
from dmaverify.lang.lower.graph import Point
from dmaverify.lang.lower.trees import in_one_step, lock_depths, procs, returns
from dmaverify.lang.lower.vals import Val


def has_proc(e: object) -> bool:
    """Whether an expression calls something that takes steps."""
    return bool(procs(e))


def hoist(f: Flow, e: ast.Expr) -> None:
    """Lower the calls in an expression that take steps, before the expression itself."""
    calls = procs(e)
    if not calls:
        return
    inner: set[int] = set()
    for call in calls:
        inner.update(id(c) for a in call.args for c in procs(a.value))
    for call in calls:
        if id(call) in inner:
            continue  # lowered with the arguments of the call around it
        value = inline(f, call)
        f.frame.env[(id(call), "()")] = value


def inline(f: Flow, call: ast.Call) -> Val:
    """Lower a call where the thread stands; its value afterwards."""
    sym = call.ref
    assert isinstance(sym, symbols.ProcSym)
    for a in call.args:
        hoist(f, a.value)
    contract = f.world.contract_of(sym)
    if contract is not None:
        return contract.call(f, call)
    if f.at is None:
        ir = f.world.ir(sym.ty) if sym.ty is not sem.VOID else TRUE.type
        return const(ir.default, ir)
    depth = f.frame.callees.count(sym)
    step = f.new_step()
    if depth:
        limit = recursion_limit(f.ctx(step), sym, call.span)
        if depth >= limit:
            require(f.ctx(step), "bound", FALSE, call.span, f"{sym.name} calls itself more than {limit} deep")
            f.commit(step, call)
            f.at = None
            return TRUE
    args = bindings(f.ctx(step), sym, call)
    outer = f.scope
    frame = Frame(sym.name, callees=(*outer.frame.callees, sym), element=outer.frame.element)
    path = f"{outer.path}.{sym.name}@{call.span.line}"
    scope = Scope(frame, Target(Point(), len(f.held)), path=f.world.call_path(path, call))
    if sym.body is None:
        raise Unsupported(f"{sym.name} is open: the version in use does not say what it is", call.span)
    f.world.scan(sym.body)
    f.world.runs_body(sym)
    f.scope = scope
    inner = f.ctx(step)
    given: list[tuple[symbols.LocalSym, Binding]] = []
    for p, value in zip(sym.params, args, strict=True):
        assert p.local is not None
        if value is None:
            if p.default is None:
                continue
            value = ev(inner, p.default)
        given.append((p.local, value))
        frame.env[p.local.key] = value
    check_requires(inner, sym, call.span)  # while names mean the arguments themselves: locals have them after this step only
    for local, value in given:
        f.introduce(step, local, value)
    f.scope = outer
    marks.started(f, step, sym, args, call)
    f.commit(step, call)
    f.scope = scope
    stack = f.stack
    f.stack = (*stack, IrFrame(sym.name, call.span))
    _result_variable(f, sym)
    body = sym.body
    if isinstance(body, ast.Block):
        scope.depths = lock_depths(body)
        lower(f, body)
    else:
        _tail(f, body, sym)
    f.resume(scope.ret.point)
    f.scope, f.stack = outer, stack
    value = _value(f, scope, sym)
    marks.returned(f, sym, value, call)
    return value


def _value(f: Flow, scope: Scope, sym: symbols.ProcSym) -> Val:
    """What a call has returned."""
    if sym.ty is sem.VOID:
        return TRUE
    if scope.single:
        if scope.value is None:  # the `return` cannot be reached
            f.at = None
            ir = f.world.ir(sym.ty)
            return const(ir.default, ir)
        return scope.value
    return var(scope.frame.ret, f.world.types[scope.frame.ret])


def _result_variable(f: Flow, sym: symbols.ProcSym) -> None:
    """A variable for the result, unless one ``return`` alone decides it."""
    scope = f.scope
    found = returns(sym.body)
    if isinstance(sym.body, ast.Block):
        inside = in_one_step(sym.body)
        scope.single = len(found) <= 1 and not any(id(r) in inside for r in found)
    else:
        scope.single = not (isinstance(sym.body, ast.IfExpr | ast.MatchExpr) and has_proc(sym.body))
    if sym.ty is sem.VOID or scope.single:
        scope.frame.ret = scope.path
        return
    scope.frame.ret = f.local("result", f.world.ir(sym.ty), id(sym))


def _tail(f: Flow, e: ast.Expr, sym: symbols.ProcSym) -> None:
    """A body that is an expression, in which calls may stand at the ends of branches."""
    if isinstance(e, ast.IfExpr) and has_proc(e):
        from dmaverify.lang.lower.branches import branch

        then, orelse = Point(), Point()
        branch(f, e.cond, then, orelse, e)
        f.at = then
        _tail(f, e.then, sym)
        f.at = orelse
        _tail(f, e.orelse, sym)
        return
    if f.at is not None:
        _give(f, [e], e)


def returned(f: Flow, s: ast.Return) -> None:
    """A ``return`` statement."""
    if s.values:
        _give(f, s.values, s)
    else:
        f.jump(f.scope.ret)


def _give(f: Flow, values: list[ast.Expr], s: ast.Node) -> None:
    scope = f.scope
    for e in values:
        hoist(f, e)
    if f.at is None:
        return
    step = f.new_step()
    ctx = f.ctx(step)
    sym = scope.frame.callees[-1]
    assert isinstance(sym, symbols.ProcSym)
    if len(values) == 1:
        value = ev(ctx, values[0])
    else:
        ir = f.world.ir(sym.ty)
        assert isinstance(ir, Record)
        pairs = zip(values, ir.fields, strict=True)
        value = mk("rec", [stored_as(ctx, ev(ctx, e), t, e.span) for e, (_, t) in pairs], ir)
    if sym.ty is not sem.VOID:
        if sym.ty.storable:
            value = stored(ctx, value, sym.ty, s.span)
        if scope.single:
            scope.value = f.keep(step, value, "result", id(sym))
        else:
            step.write(scope.frame.ret, value)
    f.commit(step, s)
    f.jump(scope.ret)
