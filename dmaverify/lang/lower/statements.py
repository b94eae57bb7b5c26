"""Statements of a thread as nodes of its control flow graph. Calls are in ``inline``.

What one action is (see the language manual, "Steps"): a statement that reads or writes shared state is one step; if it does
both, the reads are one and the write is another (``x |= e`` is a load and a store); a condition that reads shared state on
both sides of ``and`` or ``or`` is a step for each side; ``atomic`` is one step; ``assume``, ``wait``, taking and giving back a lock are a step
each; everything else takes no time and belongs to the step before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, ite, lt, mk, not_, var
from dmaverify.ir.system import LockOp
from dmaverify.ir.types import Range
from dmaverify.lang import ast, symbols
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.blocks import bind_element, domain
from dmaverify.lang.lower.context import Cell, Ctx, Loop, Place, Unsupported, ev, read_place, run, write_place
from dmaverify.lang.lower.conversions import stored
from dmaverify.lang.lower.flow import Flow, Held, Scope, Target, text_of
from dmaverify.lang.lower.graph import Point
from dmaverify.lang.lower.inline import hoist, inline, returned
from dmaverify.lang.lower.operators import arithmetic
from dmaverify.lang.lower.places import place_exprs, place_of
from dmaverify.lang.lower.pure import assign, bound_of, components, failure, join_label
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.trees import touches_shared
from dmaverify.lang.lower.vals import Val, exprs_of

Rule = Callable[[Flow, Any], None]
RULES: dict[type, Rule] = {}


def lowers(*classes: type) -> Callable[[Rule], Rule]:
    """Registers the rule for statements of these classes."""

    def register(rule: Rule) -> Rule:
        for c in classes:
            RULES[c] = rule
        return rule

    return register


def lower(f: Flow, s: ast.Stmt) -> None:
    """Lower one statement; what cannot be reached is left out."""
    if f.at is None and not _has_label(s):
        return
    rule = RULES.get(type(s))
    if rule is not None:
        rule(f, s)
    else:
        in_one_step(f, s)


def _has_label(s: ast.Stmt) -> bool:
    return isinstance(s, ast.Labelled | ast.Block)


def in_one_step(f: Flow, s: ast.Stmt) -> None:
    """A statement as one step, with the jumps that lead out of it."""
    step = f.new_step()
    ctx = f.ctx(step)
    run(ctx, s)
    leave_step(f, step, s)


def leave_step(f: Flow, step: Step, s: ast.Stmt, text: str = "") -> None:
    """Commit a step whose text may have jumped: return, break, continue, goto."""
    ways: list[tuple[Expr, Target]] = []
    for key, cond in step.exits.items():
        target = _exit_target(f, key)
        if cond is not FALSE and target is not None:
            ways.append((cond, target))
    if not ways:
        f.commit(step, s, text=text)
        if step.live is FALSE:
            f.at = None
        return
    points = [(c, Point(), t) for c, t in ways]
    onward = Point()
    following = [(c, p) for c, p, _ in points]
    following.append((TRUE, onward if step.live is not FALSE else points[-1][1]))
    f.commit(step, s, next=following, text=text)
    for _, p, t in points:
        f.at = p
        f.jump(t)
    f.at = onward if step.live is not FALSE else None


def _exit_target(f: Flow, key: object) -> Target | None:
    if isinstance(key, tuple) and key[0] == "return":
        return f.scope.ret
    if isinstance(key, tuple) and key[0] == "label":
        return _label(f, key[2])
    for (end, following), loop in zip(f.scope.loops, f.frame.loops, strict=True):
        if key is loop.end:
            return end
        if key is loop.next:
            return following
    return None


def _label(f: Flow, name: str) -> Target:
    target = f.scope.labels.get(name)
    if target is None:
        target = f.scope.labels[name] = Target(Point(), f.scope.ret.held + f.scope.depths.get(name, 0))
    return target


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


def _values(
    f: Flow, exprs: list[ast.Expr], orelse: ast.Block | None, s: ast.Stmt, targets: int
) -> tuple[Step, list[Val]]:
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
    for e, value in found:
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
    """Assign; if the values or the ways to the targets read shared state and a target is shared, in a step of its own."""
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
            places.append(Place(place.var, tuple(path)))
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


# -- branches ---------------------------------------------


def branch(f: Flow, e: ast.Expr, then: Point, orelse: Point, what: ast.Node) -> None:
    """Go on at one of two points; a side of ``and``, ``or`` that reads shared state after another did is a step of its own."""
    if isinstance(e, ast.Unary) and e.op == "not":
        branch(f, e.operand, orelse, then, what)
        return
    if isinstance(e, ast.Binary) and e.op in ("and", "or", "=>") and _reads(f, e.left) and _reads(f, e.right):
        middle = Point()
        if e.op == "and":
            branch(f, e.left, middle, orelse, what)
        elif e.op == "or":
            branch(f, e.left, then, middle, what)
        else:
            branch(f, e.left, middle, then, what)
        f.at = middle
        branch(f, e.right, then, orelse, what)
        return
    hoist(f, e)
    step = f.new_step()
    before = dict(f.frame.env)
    cond = patterns.condition(f.ctx(step), e)
    f.settle_bindings(step, before)
    f.branch_on(step, cond, then, orelse, what, text_of(e.span))


def _reads(f: Flow, e: ast.Expr) -> bool:
    """Whether a condition reads shared state, or calls a proc."""
    from dmaverify.lang.lower.inline import has_proc

    if has_proc(e):
        return True
    step = f.new_step()
    try:
        cond = patterns.condition(f.ctx(step), e)
    except Unsupported:
        return False
    return f.reads_shared([cond])


@lowers(ast.If)
def _if(f: Flow, s: ast.If) -> None:
    then, orelse, end = Point(), Point(), Point()
    branch(f, s.cond, then, orelse, s)
    f.at = then
    lower(f, s.then)
    f.goto(end)
    f.at = orelse
    if s.orelse is not None:
        lower(f, s.orelse)
    f.resume(end)


@lowers(ast.Match)
def _match(f: Flow, s: ast.Match) -> None:
    for e in s.scrutinees:
        hoist(f, e)
    step = f.new_step()
    ctx = f.ctx(step)
    values = [f.keep(step, ev(ctx, e), "matched", id(s) + i) for i, e in enumerate(s.scrutinees)]
    f.commit(step, s.scrutinees[0])
    end = Point()
    for arm in s.arms:
        if f.at is None:
            break
        step = f.new_step()
        before = dict(f.frame.env)
        cond = patterns.arm(f.ctx(step), values, arm.patterns)
        f.settle_bindings(step, before)
        then, orelse = Point(), Point()
        f.branch_on(step, cond, then, orelse, s)
        f.at = then if cond is not FALSE else None
        if f.at is not None:
            lower(f, arm.body)
            f.goto(end)
        f.at = orelse if cond is not TRUE else None
    f.resume(end)


@lowers(ast.Choose)
def _choose(f: Flow, s: ast.Choose) -> None:
    end, start = Point(), f.at
    for i, arm in enumerate(s.arms):
        f.at = start
        step = f.new_step()
        f.commit(step, s, next=[(TRUE, p := Point())], timeless=False, text=f"choose arm {i + 1}")
        f.at = p
        lower(f, arm)
        f.goto(end)
    f.at = end


# -- loops ---------------------------------------------


def _in_loop(f: Flow, body: Callable[[], None], end: Point, following: Point) -> None:
    held = len(f.held)
    f.scope.loops.append((Target(end, held), Target(following, held)))
    f.frame.loops.append(Loop(object(), object()))
    body()
    f.scope.loops.pop()
    f.frame.loops.pop()


@lowers(ast.For)
def _for(f: Flow, s: ast.For) -> None:
    end = Point()
    element = f.frame.element
    _elements(f, s, 0, [], end)
    f.frame.element = element
    f.resume(end)


def _elements(f: Flow, s: ast.For, i: int, names: list[str], end: Point) -> None:
    """One copy of the body for each element, skipped where the element is not in the set."""
    if i == len(s.binders):
        following, start = Point(), Point()
        f.frame.element = join_label("", names)
        if s.where is not None:
            branch(f, s.where, start, following, s.where)
            f.at = start
        _in_loop(f, lambda: lower(f, s.body), end, following)
        f.resume(following)
        return
    b = s.binders[i]
    if b.domain is not None:
        hoist(f, b.domain)
    step = f.new_step()
    found = domain(f.ctx(step), b)
    if not all(x.is_const for _, x in found):
        # the elements are values that may change: all are read before the first round
        found = [(_kept(f, step, c, "there"), _kept(f, step, x, b.names[0])) for c, x in found]
    else:
        found = [(c if f.reads_shared([c]) else _kept(f, step, c, "there"), x) for c, x in found]
    f.commit(step, b, text=f"for {text_of(b.span)}")
    outer = f.frame.element
    for c, x in found:
        if f.at is None:
            break
        name = f.world.label(x)
        skip, take = Point(), Point()
        f.frame.element = join_label(outer, [*names, name])
        f.branch_on(f.new_step(), c, take, skip, b, f"{name} in {text_of(b.span)}")
        f.at = take
        bind_element(f.ctx(f.new_step()), b, x)
        _elements(f, s, i + 1, [*names, name], end)
        f.resume(skip)
    f.frame.element = outer


def _kept(f: Flow, step: Step, e: Expr, name: str) -> Expr:
    value = f.keep(step, e, name)
    assert isinstance(value, Expr)
    return value


@lowers(ast.While)
def _while(f: Flow, s: ast.While) -> None:
    if _unrolls(s, s.bound):
        in_one_step(f, s)
        return
    head, body, end = Point(), Point(), Point()
    f.resume(head)
    branch(f, s.cond, body, end, s)
    f.at = body
    _in_loop(f, lambda: lower(f, s.body), end, head)
    f.goto(head)
    f.at = end


@lowers(ast.Loop)
def _loop(f: Flow, s: ast.Loop) -> None:
    if _unrolls(s, s.bound):
        in_one_step(f, s)
        return
    head, end = Point(), Point()
    f.resume(head)
    _in_loop(f, lambda: lower(f, s.body), end, head)
    f.goto(head)
    f.at = end


@lowers(ast.CFor)
def _c_for(f: Flow, s: ast.CFor) -> None:
    if _unrolls(s, s.bound):
        in_one_step(f, s)
        return
    step = f.new_step()
    start = stored(f.ctx(step), ev(f.ctx(step), s.init), s.ty, s.span)
    name = f.local(s.name, start.type, id(s), mutable=True)
    step.write(name, start)
    local = f.world.local(s, s.name)
    if local is not None:
        f.frame.env[local.key] = Cell(name)
    f.commit(step, s)
    head, body, end, following = Point(), Point(), Point(), Point()
    f.resume(head)
    branch(f, s.cond, body, end, s)
    f.at = body
    _in_loop(f, lambda: lower(f, s.body), end, following)
    f.resume(following)
    lower(f, s.step)
    f.goto(head)
    f.at = end


@lowers(ast.Repeat)
def _repeat(f: Flow, s: ast.Repeat) -> None:
    step = f.new_step()
    n = bound_of(f.ctx(step), s.count) or 0
    if n <= 0:
        return
    end, following = Point(), Point()
    if n == 1:
        _in_loop(f, lambda: lower(f, s.body), end, following)
        f.resume(following)
        f.resume(end)
        return
    t = Range(0, n - 1)
    name = f.local("round", t, id(s), mutable=True)
    step.write(name, const(0, t))
    f.commit(step, s)
    head = Point()
    f.resume(head)
    _in_loop(f, lambda: lower(f, s.body), end, following)
    f.resume(following)
    step = f.new_step()
    count = var(name, t)
    more = count
    for i in range(n - 1):
        more = ite(eq(count, const(i, t)), const(i + 1, t), more)
    step.write(name, more)
    last = Point()
    f.branch_on(step, lt(count, const(n - 1, t)), head, last, s)
    f.at = last
    f.resume(end)


def _unrolls(s: ast.Stmt, bound: ast.Expr | None) -> bool:
    """Whether a loop is unrolled within one step: it has a bound and touches the thread's own locals only."""
    return bound is not None and not touches_shared(s)


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
    f.jump(_label(f, s.label))


@lowers(ast.Labelled)
def _labelled(f: Flow, s: ast.Labelled) -> None:
    target = _label(f, s.label)
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
    leave_step(f, step, s, text="atomic")


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
    from dmaverify.lang.lower.inline import nodes

    return any(
        isinstance(x, ast.AnyIn | ast.AnyType) or (isinstance(x, ast.Choice) and x.kind == "any")
        for x in nodes(e)
    )


__all__ = ["Ctx", "Scope", "and_", "branch", "lower", "mk"]
