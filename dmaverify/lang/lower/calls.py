"""Calls inside one step: funcs, atomic procs and monitors' helpers are pasted in; objects, lists, faults."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, ite, mk, not_, or_, select, some, store
from dmaverify.ir.types import BOOL, Map, Opt, Record
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.context import (
    Binding,
    Cell,
    Ctx,
    Frame,
    Place,
    Unsupported,
    ev,
    ev_expr,
    evaluates,
    read_place,
    run,
    write_place,
)
from dmaverify.lang.lower.conversions import get, list_of, list_parts, require, stored, stored_as
from dmaverify.lang.lower.operators import builtin, cast
from dmaverify.lang.lower.places import place_of
from dmaverify.lang.lower.records import field_values
from dmaverify.lang.lower.vals import FuncV, Val, as_opt, index_consts, null_of
from dmaverify.lang.lower.values import case_value, read_binding
from dmaverify.span import Span

DEEPEST = 24
"""So many calls of funcs may be nested in one another; a func that calls itself reaches it."""


@evaluates(ast.Call)
def _call(ctx: Ctx, e: ast.Call) -> Val:
    ref = e.ref
    hoisted = ctx.frame.env.get((id(e), "()"))
    if hoisted is not None:
        return read_binding(ctx, hoisted, e.span)
    if isinstance(ref, symbols.FuncSym):
        return call_func(ctx, ref, arguments(ctx, ref, e), e)
    if isinstance(ref, symbols.ProcSym):
        contract = ctx.world.contract_of(ref)
        if contract is not None:
            return contract.within(ctx, e)
        return call_proc(ctx, ref, bindings(ctx, ref, e), e.span)
    if isinstance(ref, symbols.EnumCase):
        return case_value(ctx, ref, [ev_expr(ctx, a.value) for a in e.args], e.span)
    if isinstance(ref, symbols.CastRef):
        return cast(ctx, ev(ctx, e.args[0].value), ref.ty, e.span)
    if isinstance(ref, symbols.BuiltinSym):
        return builtin(ctx, ref.name, e)
    target = ev(ctx, e.func)
    if isinstance(target, FuncV):
        if target.decl is None:
            return TRUE
        return call_func(ctx, target.decl, [ev(ctx, a.value) for a in e.args], e)
    raise Unsupported("this cannot be called", e.span)


def arguments(ctx: Ctx, sym: symbols.CallableSym, e: ast.Call) -> list[Val | None]:
    """The values of a call's arguments, None for those that are left off."""
    return [None if a is None else ev(ctx, a) for a in symbols.arrange(e, sym.params)]


def call_func(ctx: Ctx, sym: symbols.FuncSym, args: list[Val | None] | list[Val], e: ast.Expr) -> Val:
    """The value of a func for these arguments."""
    if ctx.frame.callees.count(sym) >= DEEPEST:
        raise Unsupported(f"{sym.name} calls itself without an end", e.span)
    frame = Frame(sym.name, callees=(*ctx.frame.callees, sym), element=ctx.frame.element)
    frame.monitor = ctx.frame.monitor if sym.monitor is not None else None
    inner = ctx.inside(frame)
    ctx.world.scan(sym.body)
    bind_parameters(inner, sym, list(args))
    if isinstance(sym.body, ast.Block):
        return run_body(inner, sym.body, sym.ty, e.span)
    if sym.body is None:
        raise Unsupported(f"{sym.name} is open: the version in use does not say what it is", e.span)
    return ev(inner, sym.body)


def bind_parameters(inner: Ctx, sym: symbols.CallableSym, args: list[Val | None] | list[Binding | None]) -> None:
    """Give the parameters their values; one that is assigned to gets a variable of its own."""
    for p, value in zip(sym.params, args, strict=True):
        assert p.local is not None
        if value is None:
            if p.default is None:
                continue
            value = ev(inner, p.default)
        introduce(inner, p.local, value)


def introduce(ctx: Ctx, local: symbols.LocalSym, value: Binding) -> None:
    """Give a local its first value."""
    if local.key in ctx.world.assigned and not isinstance(value, Cell | Place):
        name = ctx.step.fresh(local.name)
        if isinstance(value, Expr) and local.ty.storable:
            value = stored(ctx, value, local.ty, local.span)
        ctx.step.write(name, value)
        value = Cell(name)
    ctx.frame.env[local.key] = value


def run_body(inner: Ctx, body: ast.Block, ty: sem.SemType, span: Span) -> Val:
    """Run a body to its end or a ``return``; the value that it returns."""
    frame, step = inner.frame, inner.step
    frame.ret = step.fresh("result")
    run(inner, body)
    step.arrive(("return", frame.ret))
    if ty is sem.VOID:
        return TRUE
    if not step.has(frame.ret):
        if step.live is FALSE:
            ir = inner.world.ir(ty)
            return const(ir.default, ir)
        raise Unsupported("this never returns a value", span)
    return step.read(frame.ret)


def bindings(ctx: Ctx, sym: symbols.ProcSym, e: ast.Call) -> list[Binding | None]:
    """What a proc's parameters stand for: values, or for ``ref`` parameters the caller's places."""
    found: list[Binding | None] = []
    for p, a in zip(sym.params, symbols.arrange(e, sym.params), strict=True):
        if a is None:
            found.append(None)
        else:
            found.append(place_of(ctx, a) if p.by_ref else ev(ctx, a))
    return found


def call_proc(ctx: Ctx, sym: symbols.ProcSym, args: list[Binding | None], span: Span) -> Val:
    """Paste a proc into the step."""
    depth = ctx.frame.callees.count(sym)
    if depth:
        limit = recursion_limit(ctx, sym, span)
        if depth >= limit:
            require(ctx, "bound", FALSE, span, f"{sym.name} calls itself more than {limit} deep")
            ctx.step.leave(object())
            ir = ctx.world.ir(sym.ty) if sym.ty is not sem.VOID else BOOL
            return const(ir.default, ir)
    frame = Frame(sym.name, callees=(*ctx.frame.callees, sym), element=ctx.frame.element)
    frame.monitor = ctx.frame.monitor if sym.monitor is not None else None
    inner = ctx.inside(frame)
    if sym.body is None:
        raise Unsupported(f"{sym.name} is open: the version in use does not say what it is", span)
    ctx.world.scan(sym.body)
    ctx.world.runs_body(sym)
    bind_parameters(inner, sym, args)
    check_requires(inner, sym, span)
    if isinstance(sym.body, ast.Block):
        return run_body(inner, sym.body, sym.ty, span)
    return ev(inner, sym.body)


def check_requires(inner: Ctx, sym: symbols.ProcSym, span: Span) -> Expr:
    """What the callee asks of its caller: checked, and returned."""
    found: list[Expr] = []
    for i, e in enumerate(sym.requires):
        inner.world.scan(e)
        cond = patterns.condition(inner, e)
        label = f"misuse.{sym.name}.{i + 1}@{span.line}"
        inner.step.check("misuse", label, cond, (f"{sym.name} requires what is said here",), span)
        found.append(cond)
    return and_(*found)


def recursion_limit(ctx: Ctx, sym: symbols.ProcSym, span: Span) -> int:
    """How deep a proc may call itself."""
    if sym.depth is None:
        raise Unsupported(f"{sym.name} calls itself", span, "Say `at most N deep`.")
    limit = ev_expr(ctx, sym.depth)
    if not limit.is_const:
        raise Unsupported("how deep a proc calls itself is a constant", span)
    return int(limit.value)


# -- objects ---------------------------------------------


@evaluates(ast.New)
def _new(ctx: Ctx, e: ast.New) -> Val:
    ty = sem.strip(e.ty)
    assert isinstance(ty, sem.ObjT)
    w, step = ctx.world, ctx.step
    index = w.ir(ty)
    used = step.read(w.object_used(ty))
    assert isinstance(used, Expr)
    consts = index_consts(index)
    free = [not_(select(used, i)) for i in consts]
    room = or_(*free)
    may_fail = isinstance(e.ty, sem.OptT)  # an `else` follows: running out is a way to fail
    if not may_fail:
        require(ctx, "bound", room, e.span, f"more than {len(consts)} of {ty}")
    which = consts[-1]
    for f, i in reversed(list(zip(free[:-1], consts[:-1], strict=True))):
        which = ite(f, i, which)
    names = [f for f in ty.fields if not isinstance(ty.fields[f].ty, sem.LockT)]
    fields = {n: ty.fields[n] for n in names}
    values = field_values(ctx, fields, e.inits, {}, e.span)

    def make() -> None:
        step.write(w.object_used(ty), store(used, which, TRUE))
        for name, value in zip(names, values, strict=True):
            write_place(step, Place(w.object_field(ty, name), (which,)), value)

    step.when(room if may_fail else TRUE, make)
    return ite(room, some(which), null_of(Opt(index))) if may_fail else which


def delete(ctx: Ctx, target: ast.Expr) -> None:
    """Give an object back; its fields are cleared, so that what is gone leaves no trace in the state."""
    which = ev_expr(ctx, target)
    if isinstance(which.type, Opt):
        which = get(ctx, which, target.span)
    ty = sem.strip(target.conv or target.ty)
    assert isinstance(ty, sem.ObjT)
    w, step = ctx.world, ctx.step
    used = step.read(w.object_used(ty))
    assert isinstance(used, Expr)
    require(ctx, "freed", select(used, which), target.span, f"a {ty} that has been deleted already")
    step.write(w.object_used(ty), store(used, which, FALSE))
    for name in ty.fields:
        variable = w.object_field(ty, name)
        t = w.types[variable]
        assert isinstance(t, Map)
        write_place(step, Place(variable, (which,)), const(t.of.default, t.of))


# -- lists ---------------------------------------------


def push(ctx: Ctx, value: ast.Expr, target: ast.Expr) -> None:
    """Put an element at the end of a list; that there is room is a bound of the model."""
    place = place_of(ctx, target)
    old = read_place(ctx.step, place)
    assert isinstance(old.type, Record)
    count, cells = list_parts(old)
    element = stored_as(ctx, ev(ctx, value), cells[0].type, value.span)
    counter = count.type
    full = mk("eq", (count, const(len(cells), counter)))
    require(ctx, "bound", not_(full), target.span, "a list is full")
    new = [ite(mk("eq", (count, const(i, counter))), element, c) for i, c in enumerate(cells)]
    more = count
    for i in range(len(cells)):
        more = ite(mk("eq", (count, const(i, counter))), const(i + 1, counter), more)
    write_place(ctx.step, place, list_of(old.type, more, new))


@evaluates(ast.Pop)
def _pop(ctx: Ctx, e: ast.Pop) -> Val:
    place = place_of(ctx, e.list)
    old = read_place(ctx.step, place)
    assert isinstance(old.type, Record)
    count, cells = list_parts(old)
    counter = count.type
    fits: list[Expr] = []
    for i, c in enumerate(cells):
        there = mk("lt", (const(i, counter), count))
        if e.where is not None:
            if e.name is not None:
                ctx.bind(e, e.name, c)
            with ctx.step.assuming(there):
                there = and_(there, patterns.condition(ctx, e.where))
        fits.append(there)
    result: Expr = null_of(cells[0].type)
    for f, c in reversed(list(zip(fits, cells, strict=True))):
        result = ite(f, as_opt(c), result)
    gone: Expr = FALSE
    rest: list[Expr] = []
    for i, c in enumerate(cells):
        gone = or_(gone, fits[i])
        following = cells[i + 1] if i + 1 < len(cells) else const(c.type.default, c.type)
        rest.append(ite(gone, following, c))
    less = count
    for i in range(1, len(cells) + 1):
        less = ite(and_(gone, mk("eq", (count, const(i, counter)))), const(i - 1, counter), less)
    write_place(ctx.step, place, list_of(old.type, less, rest))
    if e.name is not None:
        ctx.bind(e, e.name, mk("get", (result,)))
    return result


@evaluates(ast.Done)
def _done(ctx: Ctx, e: ast.Done) -> Val:
    return ctx.world.thread_done(e.ref)


@evaluates(ast.AtLabel)
def _at(ctx: Ctx, e: ast.AtLabel) -> Val:
    return ctx.world.thread_at(e.ref)


@evaluates(ast.Take)
def _take(ctx: Ctx, e: ast.Take) -> Val:
    return ctx.world.slots.take(ctx, e)
