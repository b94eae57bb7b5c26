"""Statements of a thread as nodes of its control flow graph. Calls are in ``inline``.

What one action is (see the language manual, "Steps"): a statement that reads or writes shared state is one
step; if it does both, the reads are one and the write is another (``x |= e`` is a load and a store); a
condition that reads shared state on both sides of ``and`` or ``or`` is a step for each side; ``atomic`` is
one step; ``assume``, ``wait``, taking and giving back a lock are a step each; everything else takes no time
and belongs to the step before it.
"""

from __future__ import annotations

from dataclasses import replace

from dmaverify.ir.expr import FALSE, TRUE, Expr, not_
from dmaverify.ir.system import LockOp
from dmaverify.lang import ast, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.context import Cell, Place, ev, read_place, run, write_place
from dmaverify.lang.lower.conversions import stored
from dmaverify.lang.lower.dispatch import label_target, leave_step, lower, lowers
from dmaverify.lang.lower.flow import Flow, Held, text_of
from dmaverify.lang.lower.graph import Point
from dmaverify.lang.lower.inline import hoist, inline, returned
from dmaverify.lang.lower.operators import arithmetic
from dmaverify.lang.lower.places import place_exprs, place_of
from dmaverify.lang.lower.pure import assign, components, failure
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.trees import nodes
from dmaverify.lang.lower.vals import Val, exprs_of


@lowers(ast.Block)
def _block(f: Flow, s: ast.Block) -> None:
    for inner in s.stmts:
        lower(f, inner)


# -- values ---------------------------------------------


@lowers(ast.Let)
def _let(f: Flow, s: ast.Let) -> None:
    if any(isinstance(v, ast.Uninitialised) for v in s.values):
        _let_poison(f, s)
        return
    step, values = _values(f, s.values, s.orelse, s, len(s.names))
    for n, value in zip(s.names, values, strict=True):
        local = f.world.local(n, n.name)
        if local is None:
            continue
        if n.ty is not None and not exprs_of(value) and n.ty.storable:
            value = stored(f.ctx(step), value, n.ty, n.span)
        f.introduce(step, local, value)
    f.commit(step, s)


def _let_poison(f: Flow, s: ast.Let) -> None:
    step = f.new_step()
    ctx = f.ctx(step)
    sources = s.values if len(s.values) == len(s.names) else [s.values[0]] * len(s.names)
    for n, v in zip(s.names, sources, strict=True):
        local = f.world.local(n, n.name)
        if local is None:
            continue
        if isinstance(v, ast.Uninitialised):
            f.introduce_poison(step, local, f.world.ir(n.ty))
        else:
            f.introduce(step, local, stored(ctx, ev(ctx, v), n.ty, v.span))
    f.commit(step, s)


def _values(f: Flow, exprs: list[ast.Expr], orelse: ast.Block | None, s: ast.Stmt, targets: int) -> tuple[Step, list[Val]]:
    """The values of right sides, one for each target, in a step that has not been committed yet."""
    for e in exprs:
        hoist(f, e)
    step = f.new_step()
    ctx = f.ctx(step)
    found = [(e, ev(ctx, e)) for e in exprs]
    if orelse is not None:
        assert len(found) == 1
        value = f.keep(step, found[0][1], "value", id(s))
        f.commit(step, s)
        found = [(exprs[0], _or_else(f, value, exprs[0], orelse))]
        step = f.new_step()
        ctx = f.ctx(step)
    values: list[Val] = []
    for e, value in found if targets else ():
        values += components(ctx, value, targets if len(exprs) == 1 else 1, e.span)
    return step, values


def _or_else(f: Flow, value: Val, e: ast.Expr, orelse: ast.Block) -> Val:
    """Branch to the ``else`` where the value failed; the value where it did not."""
    failed, good = failure(value, e.ty)
    bad, fine = Point(), Point()
    f.branch_on(f.new_step(), failed, bad, fine, e)
    f.at = bad if failed is not FALSE else None
    if f.at is not None:
        lower(f, orelse)
    f.at = fine if failed is not TRUE else None
    return good


@lowers(ast.Assign)
def _assign(f: Flow, s: ast.Assign) -> None:
    step, values = _values(f, s.values, s.orelse, s, len(s.targets))
    _store(f, step, list(zip(s.targets, values, strict=True)), s)


@lowers(ast.OpAssign)
def _op_assign(f: Flow, s: ast.OpAssign) -> None:
    hoist(f, s.value)
    step = f.new_step()
    ctx = f.ctx(step)
    value = arithmetic(ctx, s.op, ev(ctx, s.target), ev(ctx, s.value), s.target.ty, s.span)
    _store(f, step, [(s.target, value)], s)


def _store(f: Flow, step: Step, pairs: list[tuple[ast.Expr, Val]], s: ast.Stmt) -> None:
    """Assign; if the values or the ways to the targets read shared state and a target is shared, in a step of
    its own.
    """
    pairs = [(t, v) for t, v in pairs if not (isinstance(t, ast.Name) and t.name == "_")]
    ctx = f.ctx(step)
    shared = False
    reads: list[Expr] = []
    for target, value in pairs:
        if not _is_local(f, target):
            place = place_of(ctx, target)
            shared = shared or place.var not in f.locals
            reads += place_exprs(place)
        reads += exprs_of(value)
    if shared and f.reads_shared(reads):
        kept = [f.keep(step, v, "value", id(s) + i) for i, (_, v) in enumerate(pairs)]
        places: list[Place | None] = []
        for i, (target, _) in enumerate(pairs):
            if _is_local(f, target):
                places.append(None)
                continue
            place = place_of(ctx, target)
            path = [f.keep(step, p, "at", id(s) + i) if isinstance(p, Expr) else p for p in place.path]
            places.append(replace(place, path=tuple(path)))
        f.commit(step, s)
        step = f.new_step()
        ctx = f.ctx(step)
        for (target, _), value, place_or_none in zip(pairs, kept, places, strict=True):
            if place_or_none is None:
                assign(ctx, target, value)
            else:
                from dmaverify.lang.lower.pure import put

                put(ctx, place_or_none, value, target)
    else:
        for target, value in pairs:
            assign(ctx, target, value)
    f.commit(step, s)


def _is_local(f: Flow, target: ast.Expr) -> bool:
    if not (isinstance(target, ast.Name) and isinstance(target.ref, symbols.LocalSym)):
        return False
    return isinstance(f.frame.env.get(target.ref.key), Cell)


@lowers(ast.Break)
def _break(f: Flow, s: ast.Break) -> None:
    f.jump(f.scope.loops[-1][0])


@lowers(ast.Continue)
def _continue(f: Flow, s: ast.Continue) -> None:
    f.jump(f.scope.loops[-1][1])


@lowers(ast.Return)
def _return(f: Flow, s: ast.Return) -> None:
    returned(f, s)


@lowers(ast.Goto)
def _goto(f: Flow, s: ast.Goto) -> None:
    f.jump(label_target(f, s.label))


@lowers(ast.Labelled)
def _labelled(f: Flow, s: ast.Labelled) -> None:
    target = label_target(f, s.label)
    f.resume(target.point)
    if not f.stack:
        f.labels[s.label] = target.point
        if f.world.is_asked(f.name, s.label):
            target.point.stop = True
    if s.stmt is not None:
        lower(f, s.stmt)


# -- the rest ---------------------------------------------


@lowers(ast.CallStmt)
def _call(f: Flow, s: ast.CallStmt) -> None:
    ref = s.call.ref
    if isinstance(ref, symbols.ProcSym) and not ref.atomic:
        value = inline(f, s.call)
        if s.orelse is not None and f.at is not None:
            _or_else(f, value, s.call, s.orelse)
        return
    step = f.new_step()
    value = ev(f.ctx(step), s.call)
    if s.orelse is None:
        f.commit(step, s)
        return
    value = f.keep(step, value, "value", id(s))
    f.commit(step, s)
    _or_else(f, value, s.call, s.orelse)


@lowers(ast.Lock)
def _lock(f: Flow, s: ast.Lock) -> None:
    step = f.new_step()
    place = place_of(f.ctx(step), s.target)
    kept = Place(place.var, tuple(f.keep(step, p, "lock") if isinstance(p, Expr) else p for p in place.path))
    if step.updates():
        f.commit(step, s.target)
    else:
        f.commit(step, s)
    irq = s.irq is not None
    step = f.new_step()
    held = read_place(step, kept)
    f.world.lock_taken(f, kept, irq, s)
    step.require(not_(held))
    write_place(step, kept, TRUE)
    f.world.contexts.enter(f, step, irq)
    step.locks.append(LockOp("acquire", held))
    f.commit(step, s, timeless=False, text=f"lock {text_of(s.target.span)}")

    def release() -> None:
        step = f.new_step()
        held = read_place(step, kept)
        write_place(step, kept, FALSE)
        f.world.contexts.leave(f, step, irq)
        step.locks.append(LockOp("release", held))
        f.commit(step, s, timeless=False, text=f"unlock {text_of(s.target.span)}")

    f.held.append(Held(kept.var, release))
    f.world.contexts.held.append(irq)
    lower(f, s.body)
    f.world.contexts.held.pop()
    f.held.pop()
    if f.at is not None:
        release()


@lowers(ast.Atomic)
def _atomic(f: Flow, s: ast.Atomic) -> None:
    step = f.new_step()
    run(f.ctx(step), s.body)
    leave_step(f, step, s)


@lowers(ast.Assume)
def _assume(f: Flow, s: ast.Assume) -> None:
    step = f.new_step()
    cond = patterns.condition(f.ctx(step), s.cond)
    if cond is TRUE:
        f.commit(step, s)
        return
    step.require(cond)
    step.reached(f.world.assumed(f, s), s.span)
    f.commit(step, s, timeless=False, cuts=True)


@lowers(ast.Wait)
def _wait(f: Flow, s: ast.Wait) -> None:
    step = f.new_step()
    step.require(patterns.condition(f.ctx(step), s.cond))
    f.commit(step, s, timeless=False)


@lowers(ast.Assert)
def _assert(f: Flow, s: ast.Assert) -> None:
    hoist(f, s.cond)
    step = f.new_step()
    run(f.ctx(step), s)
    f.commit(step, s, timeless=not step.inputs)


@lowers(ast.Emit)
def _emit(f: Flow, s: ast.Emit) -> None:
    step = f.new_step()
    run(f.ctx(step), s)
    f.commit(step, s, timeless=not step.inputs and not has_choice(s.event))


def has_choice(e: ast.Node) -> bool:
    """Whether an event's arguments choose something: then looking is a step."""
    return any(isinstance(x, ast.AnyIn | ast.AnyType) or (isinstance(x, ast.Choice) and x.kind == "any") for x in nodes(e))
