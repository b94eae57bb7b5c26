"""Branches and loops of a thread."""

from __future__ import annotations

from collections.abc import Callable

from dmaverify.ir.expr import FALSE, TRUE, Expr, const, eq, ite, lt, mk, var
from dmaverify.ir.types import Range
from dmaverify.lang import ast
from dmaverify.lang.lower import patterns
from dmaverify.lang.lower.blocks import bind_element, domain
from dmaverify.lang.lower.context import Cell, Loop, Unsupported, ev
from dmaverify.lang.lower.conversions import require, stored
from dmaverify.lang.lower.dispatch import in_one_step, lower, lowers
from dmaverify.lang.lower.flow import Flow, Target, text_of
from dmaverify.lang.lower.graph import Point
from dmaverify.lang.lower.inline import hoist
from dmaverify.lang.lower.promises import after_round, at_head, before_round
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.trees import touches_shared
from dmaverify.lang.lower.unrolled import bound_of, join_label
from dmaverify.lang.lower.vals import I64, ordinal_of


def branch(f: Flow, e: ast.Expr, then: Point, orelse: Point, what: ast.Node) -> None:
    """Go on at one of two points; a side of ``and``, ``or`` that reads shared state after another did is a
    step of its own.
    """
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
    head, body, end, following = Point(), Point(), Point(), Point()
    rounds = _start(f, s, s.bound)
    f.resume(head)
    at_head(f, s)
    branch(f, s.cond, body, end, s)
    f.at = body
    _count(f, s, rounds)
    before = before_round(f, s)
    _in_loop(f, lambda: lower(f, s.body), end, following)
    f.resume(following)
    after_round(f, s, before)
    f.goto(head)
    f.at = end


@lowers(ast.Loop)
def _loop(f: Flow, s: ast.Loop) -> None:
    if _unrolls(s, s.bound):
        in_one_step(f, s)
        return
    head, end, following = Point(), Point(), Point()
    rounds = _start(f, s, s.bound)
    f.resume(head)
    at_head(f, s)
    _count(f, s, rounds)
    before = before_round(f, s)
    _in_loop(f, lambda: lower(f, s.body), end, following)
    f.resume(following)
    after_round(f, s, before)
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
    rounds = _start(f, s, s.bound)
    head, body, end, following = Point(), Point(), Point(), Point()
    f.resume(head)
    branch(f, s.cond, body, end, s)
    f.at = body
    _count(f, s, rounds)
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


def _start(f: Flow, s: ast.Stmt, bound: ast.Expr | None) -> Expr | None:
    """A counter for the rounds of a loop that may have so many only; None where nothing limits them."""
    if f.at is None:
        return None
    step = f.new_step()
    limit = bound_of(f.ctx(step), bound)
    if limit is None:
        return None
    t = Range(0, max(1, limit))
    name = f.local("rounds", t, id(s), mutable=True)
    step.write(name, const(0, t))
    f.commit(step, s, timeless=True)
    return var(name, t)


def _count(f: Flow, s: ast.While | ast.Loop | ast.CFor, rounds: Expr | None) -> None:
    """One more round begins: the limit allows it."""
    if rounds is None or f.at is None:
        return
    step = f.new_step()
    ctx = f.ctx(step)
    limit = bound_of(ctx, s.bound) or 0
    t = rounds.type
    require(ctx, "bound", lt(rounds, const(limit, t)), s.span, f"this loop runs more than {limit} times")
    step.write(str(rounds.data), mk("narrow", (mk("add", (ordinal_of(rounds), const(1, I64))),), t))
    f.commit(step, s, timeless=True)


def _unrolls(s: ast.Stmt, bound: ast.Expr | None) -> bool:
    """Whether a loop is unrolled within one step: it has a bound and touches the thread's own locals only."""
    return bound is not None and not touches_shared(s)
