"""Statements inside one step: bodies of funcs, atomic blocks and procs, handlers of monitors."""

from __future__ import annotations

from dmaverify.ir.expr import FALSE, TRUE, Expr, const, eq, field, mk, not_
from dmaverify.ir.system import LockOp
from dmaverify.ir.types import Opt, Range, Record
from dmaverify.lang import ast, sem, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.calls import delete, introduce, push
from dmaverify.lang.lower.context import (
    Cell,
    Ctx,
    Place,
    ev,
    executes,
    read_place,
    run,
    write_place,
)
from dmaverify.lang.lower.conversions import get, stored, stored_as
from dmaverify.lang.lower.operators import arithmetic
from dmaverify.lang.lower.places import place_of
from dmaverify.lang.lower.vals import NullV, Val
from dmaverify.lang.sem import BitField
from dmaverify.span import Span


@executes(ast.Block)
def _block(ctx: Ctx, s: ast.Block) -> None:
    for inner in s.stmts:
        run(ctx, inner)
        # what follows a certain jump is dead, unless a label in it is jumped to
        if ctx.step.live is FALSE and not ctx.step.exits:
            break


def components(ctx: Ctx, value: Val, count: int, span: Span) -> list[Val]:
    """One value for each of several targets."""
    if count == 1:
        return [value]
    assert isinstance(value, Expr)
    if isinstance(value.type, Opt):
        value = get(ctx, value, span)
    assert isinstance(value.type, Record)
    assert len(value.type.fields) == count
    return [field(value, n) for n, _ in value.type.fields]


def failure(value: Val, ty: sem.SemType) -> tuple[Expr, Val]:
    """When the ``else`` after a value is taken, and the value where it is not."""
    if isinstance(value, NullV):
        return TRUE, value
    if isinstance(value, Expr) and isinstance(value.type, Opt):
        return not_(mk("present", (value,))), mk("get", (value,))
    assert isinstance(value, Expr)
    if isinstance(sem.strip(ty), sem.BoolT):
        return not_(value), value
    if isinstance(ty, sem.OptT):
        return FALSE, value
    return not_(eq(value, const(0, value.type))), value


def with_else(ctx: Ctx, value: Val, ty: sem.SemType, orelse: ast.Block | None) -> Val:
    """The value after its ``else`` has been taken where it failed."""
    if orelse is None:
        return value
    failed, good = failure(value, ty)
    ctx.step.when(failed, lambda: run(ctx, orelse))
    return good


@executes(ast.Let)
def _let(ctx: Ctx, s: ast.Let) -> None:
    values: list[Val] = []
    if len(s.values) == 1 and isinstance(s.values[0], ast.Uninitialised):
        for n in s.names:
            let_poison(ctx, n)
        return
    for v in s.values:
        if isinstance(v, ast.Uninitialised):
            values.append(NullV())
        else:
            value = with_else(ctx, ev(ctx, v), v.ty, s.orelse)
            if s.names:  # not for `pop from l`, which throws it away
                values += components(ctx, value, len(s.names) if len(s.values) == 1 else 1, v.span)
    for i, (n, value) in enumerate(zip(s.names, values, strict=True)):
        if len(s.values) == len(s.names) and isinstance(s.values[i], ast.Uninitialised):
            let_poison(ctx, n)
            continue
        local = ctx.world.local(n, n.name)
        if n.ty is not None and isinstance(value, NullV):
            value = stored(ctx, value, n.ty, n.span)
        if local is None:
            continue
        introduce(ctx, local, value)


def let_poison(ctx: Ctx, n: ast.LetName) -> None:
    """A local that is not set yet."""
    local = ctx.world.local(n, n.name)
    if local is None:
        return
    ir = ctx.world.ir(n.ty)
    name = ctx.step.fresh(n.name)
    flag = ctx.step.fresh(f"{n.name}.unset")
    ctx.step.write(name, const(ir.default, ir))
    ctx.step.write(flag, TRUE)
    ctx.frame.env[local.key] = Cell(name, flag)


def assign(ctx: Ctx, target: ast.Expr, value: Val) -> None:
    """Put a value into a place."""
    if isinstance(target, ast.Name) and isinstance(target.ref, symbols.LocalSym):
        bound = ctx.frame.env.get(target.ref.key)
        if isinstance(bound, Cell):
            put_local(ctx, bound, target.ref, value)
            return
    place = place_of(ctx, target)
    put(ctx, place, value, target)


def put_local(ctx: Ctx, cell: Cell, local: symbols.LocalSym, value: Val) -> None:
    """Assign to a local that has a variable."""
    if local.ty.storable and not isinstance(value, Expr):
        value = stored(ctx, value, local.ty, local.span)
    elif isinstance(value, Expr) and ctx.step.has(cell.name):
        old = ctx.step.read(cell.name)
        if isinstance(old, Expr) and old.type != value.type:
            value = stored_as(ctx, value, old.type, local.span)
    elif isinstance(value, Expr) and not cell.name.startswith("%"):
        value = stored_as(ctx, value, ctx.world.types[cell.name], local.span)
    ctx.step.write(cell.name, value)
    if cell.unset is not None:
        ctx.step.write(cell.unset, FALSE)


def put(ctx: Ctx, place: Place, value: Val, target: ast.Expr) -> None:
    """Assign to a place of the model's state, or of a record."""
    if place.path and isinstance(place.path[-1], BitField):
        assert isinstance(value, Expr)
        write_place(ctx.step, place, value)
        return
    old = read_place(ctx.step, place)
    new = stored_as(ctx, value, old.type, target.span)
    if isinstance(target, ast.Name) and isinstance(target.ref, symbols.SlotSym):
        ctx.world.slots.filled(ctx, new, target.span)
    write_place(ctx.step, place, new)
    if place.unset is not None:
        ctx.step.write(place.unset, FALSE)


@executes(ast.Assign)
def _assign(ctx: Ctx, s: ast.Assign) -> None:
    values: list[Val] = []
    for v in s.values:
        value = with_else(ctx, ev(ctx, v), v.ty, s.orelse)
        values += components(ctx, value, len(s.targets) if len(s.values) == 1 else 1, v.span)
    for target, value in zip(s.targets, values, strict=True):
        if isinstance(target, ast.Name) and target.name == "_":
            continue
        assign(ctx, target, value)


@executes(ast.OpAssign)
def _op_assign(ctx: Ctx, s: ast.OpAssign) -> None:
    old = ev(ctx, s.target)
    assign(ctx, s.target, arithmetic(ctx, s.op, old, ev(ctx, s.value), s.target.ty, s.span))


@executes(ast.Break)
def _break(ctx: Ctx, s: ast.Break) -> None:
    ctx.step.leave(ctx.frame.loops[-1].end)


@executes(ast.Continue)
def _continue(ctx: Ctx, s: ast.Continue) -> None:
    ctx.step.leave(ctx.frame.loops[-1].next)


@executes(ast.Return)
def _return(ctx: Ctx, s: ast.Return) -> None:
    frame = ctx.frame
    if s.values:
        if len(s.values) == 1:
            value = ev(ctx, s.values[0])
        else:
            ty = frame.callees[-1].ty
            ir = ctx.world.ir(ty)
            assert isinstance(ir, Record)
            parts = [stored_as(ctx, ev(ctx, v), t, v.span) for v, (_, t) in zip(s.values, ir.fields, strict=True)]
            value = mk("rec", parts, ir)
        if isinstance(value, NullV):
            value = stored(ctx, value, frame.callees[-1].ty, s.span)
        ctx.step.write(frame.ret, value)
    ctx.step.leave(("return", frame.ret))


@executes(ast.Goto)
def _goto(ctx: Ctx, s: ast.Goto) -> None:
    ctx.step.leave(("label", ctx.frame.ret, s.label))


@executes(ast.Labelled)
def _labelled(ctx: Ctx, s: ast.Labelled) -> None:
    ctx.step.arrive(("label", ctx.frame.ret, s.label))
    if s.stmt is not None:
        run(ctx, s.stmt)


# -- the rest ---------------------------------------------


@executes(ast.CallStmt)
def _call(ctx: Ctx, s: ast.CallStmt) -> None:
    value = ev(ctx, s.call)
    if s.orelse is not None:
        with_else(ctx, value, s.call.ty, s.orelse)


@executes(ast.Atomic)
def _atomic(ctx: Ctx, s: ast.Atomic) -> None:
    run(ctx, s.body)


@executes(ast.Lock)
def _lock(ctx: Ctx, s: ast.Lock) -> None:
    """Within one step a lock is a condition: nobody else holds it."""
    place = place_of(ctx, s.target)
    held = read_place(ctx.step, place)
    ctx.step.require(not_(held))
    ctx.step.locks += [LockOp("acquire", held), LockOp("release", held)]
    run(ctx, s.body)


@executes(ast.Choose)
def _choose(ctx: Ctx, s: ast.Choose) -> None:
    t = Range(0, len(s.arms) - 1)
    chosen = ctx.step.choose("arm", t)

    def go(i: int) -> None:
        if i == len(s.arms) - 1:
            run(ctx, s.arms[i])
        else:
            ctx.step.when(eq(chosen, const(i, t)), lambda: run(ctx, s.arms[i]), lambda: go(i + 1))

    go(0)


@executes(ast.Assume)
def _assume(ctx: Ctx, s: ast.Assume) -> None:
    ctx.step.require(patterns.condition(ctx, s.cond))


@executes(ast.Wait)
def _wait(ctx: Ctx, s: ast.Wait) -> None:
    ctx.step.require(patterns.condition(ctx, s.cond))


@executes(ast.Assert)
def _assert(ctx: Ctx, s: ast.Assert) -> None:
    from dmaverify.lang.lower.monitors import assertion

    assertion(ctx, s)


@executes(ast.Emit)
def _emit(ctx: Ctx, s: ast.Emit) -> None:
    from dmaverify.lang.lower.monitors import emit

    emit(ctx, s)


@executes(ast.Schedule)
def _schedule(ctx: Ctx, s: ast.Schedule) -> None:
    from dmaverify.lang.lower.threads import schedule

    schedule(ctx, s)


@executes(ast.Delete)
def _delete(ctx: Ctx, s: ast.Delete) -> None:
    delete(ctx, s.target)


@executes(ast.Push)
def _push(ctx: Ctx, s: ast.Push) -> None:
    push(ctx, s.value, s.list)
