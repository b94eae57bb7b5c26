"""Statements of handlers and of funcs with a block, run on plain values.

A branch on an absent value cannot be decided. Then nothing that stands in it is done, its asserts count as
undecided, and whatever it would have assigned is absent from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from dmaverify.evidence.domains import bindings
from dmaverify.evidence.evaluate import Env, Evaluator, field_place
from dmaverify.evidence.operators import apply
from dmaverify.evidence.patterns import match_all
from dmaverify.evidence.tables import Scalar, Table
from dmaverify.evidence.values import ABSENT, UNTOUCHED, wrap
from dmaverify.lang import ast
from dmaverify.lang.symbols import FieldRef, GhostSym, LocalSym, ProcSym, arrange, local_key

MAX_ROUNDS = 100_000
"""A loop of a func that runs longer than this yields an absent value."""


class Flow(Enum):
    """How a statement ended."""

    ON = 0
    BREAK = 1
    CONTINUE = 2
    RETURN = 3
    LOST = 4  # in a func: which way it went cannot be told, so neither can its value


class Runner:
    """Runs statements; ``asserted(node, outcome, message)`` hears of every assert (outcome True, False or
    ABSENT).
    """

    def __init__(self, evaluator: Evaluator, asserted: Callable[[ast.Assert, Any, str], None]) -> None:
        self.evaluator = evaluator
        self._asserted = asserted
        self.result: Any = None

    def run(self, node: ast.Stmt, env: Env) -> Flow:
        """Run one statement (a block too)."""
        if isinstance(node, ast.Block):
            for stmt in node.stmts:
                handler = _STATEMENTS.get(type(stmt))
                flow = self.run(stmt, env) if handler is None else handler(self, stmt, env)
                if flow is not Flow.ON:
                    return flow
            return Flow.ON
        handler = _STATEMENTS.get(type(node))
        return Flow.ON if handler is None else handler(self, node, env)

    def undecided(self, node: ast.Stmt | None, env: Env) -> None:
        """The statement may or may not have been run: asserts are undecided, targets absent."""
        if node is None:
            return
        if isinstance(node, ast.Assert):
            self._asserted(node, ABSENT, "")
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._assign(target, ABSENT, env)
        elif isinstance(node, ast.OpAssign):
            self._assign(node.target, ABSENT, env)
        elif isinstance(node, ast.CallStmt):
            self._call(node, env, undecided=True)
        elif isinstance(node, ast.Block):
            for stmt in node.stmts:
                self.undecided(stmt, env)
        elif isinstance(node, ast.If):
            self.undecided(node.then, env)
            self.undecided(node.orelse, env)
        elif isinstance(node, ast.Match):
            for arm in node.arms:
                self.undecided(arm.body, env)
        elif isinstance(node, ast.For):
            for inner, _ in bindings(self.evaluator, node.binders, node.where, env, node.body):
                self.undecided(node.body, inner)
        elif isinstance(node, ast.Let):
            for name in node.names:
                env[local_key(name, name.name)] = ABSENT

    # -- kinds of statements

    def _let(self, node: ast.Let, env: Env) -> Flow:
        values = [self.evaluator.value(v, env) for v in node.values]
        if len(values) == 1 and len(node.names) > 1:
            values = [ABSENT] * len(node.names) if values[0] is ABSENT else list(values[0])
        for name, value in zip(node.names, values, strict=False):
            env[local_key(name, name.name)] = value
        return Flow.ON

    def _assignment(self, node: ast.Assign, env: Env) -> Flow:
        values = [self.evaluator.value(v, env) for v in node.values]
        if len(values) == 1 and len(node.targets) > 1:
            values = [ABSENT] * len(node.targets) if values[0] is ABSENT else list(values[0])
        for target, value in zip(node.targets, values, strict=True):
            self._assign(target, value, env)
        return Flow.ON

    def _op_assign(self, node: ast.OpAssign, env: Env) -> Flow:
        ev = self.evaluator
        old, new = ev.value(node.target, env), ev.value(node.value, env)
        combined = self._combined(node)
        value = apply(ev, combined, old, new)
        self._assign(node.target, wrap(value, node.target.ty) if type(value) is int else value, env)
        return Flow.ON

    def _combined(self, node: ast.OpAssign) -> ast.Binary:
        """The operation of ``x += e`` as an expression."""
        found: ast.Binary | None = self.evaluator.notes.get(id(node))
        if found is None:
            found = ast.Binary(node.span, node.op, node.target, node.value, node.span)
            found.ty = node.target.ty
            self.evaluator.notes[id(node)] = found
        return found

    def _assign(self, target: ast.Expr, value: Any, env: Env) -> None:
        if value is UNTOUCHED:
            value = ABSENT
        ref = getattr(target, "ref", None)
        if isinstance(ref, GhostSym):
            held = self.evaluator.ghosts.get(ref)
            if isinstance(held, Scalar):
                held.value = value
        elif isinstance(ref, LocalSym):
            env[self.evaluator.key(ref)] = value
        elif isinstance(target, ast.Index):
            table = self.evaluator.value(target.base, env)
            if isinstance(table, Table):
                table.put(tuple([self.evaluator.value(i, env) for i in target.indexes]), value)
        elif isinstance(target, ast.Field):
            whole = self.evaluator.value(target.base, env)
            if isinstance(whole, tuple) and isinstance(ref, FieldRef):
                place = field_place(ref)
                self._assign(target.base, (*whole[:place], value, *whole[place + 1 :]), env)
            else:
                self._assign(target.base, ABSENT, env)

    def _if(self, node: ast.If, env: Env) -> Flow:
        cond = self.evaluator.value(node.cond, env)
        if cond is ABSENT:
            lost = _returns(node)
            self.undecided(node, env)
            return Flow.LOST if lost else Flow.ON
        if cond:
            return self.run(node.then, env)
        return Flow.ON if node.orelse is None else self.run(node.orelse, env)

    def _match(self, node: ast.Match, env: Env) -> Flow:
        values = [self.evaluator.value(s, env) for s in node.scrutinees]
        for arm in node.arms:
            fits = match_all(arm.patterns, values, env, self.evaluator)
            if fits is ABSENT:
                self.undecided(node, env)
                return Flow.LOST if _returns(node) else Flow.ON
            if fits:
                return self.run(arm.body, env)
        return Flow.ON

    def _for(self, node: ast.For, env: Env) -> Flow:
        for inner, sure in bindings(self.evaluator, node.binders, node.where, env, node.body):
            if not sure:
                self.undecided(node.body, inner)
                if _returns(node):
                    return Flow.LOST
                continue
            flow = self.run(node.body, inner)
            if flow is Flow.BREAK:
                break
            if flow in (Flow.RETURN, Flow.LOST):
                return flow
        return Flow.ON

    def _c_for(self, node: ast.CFor, env: Env) -> Flow:
        env[local_key(node, node.name)] = self.evaluator.value(node.init, env)
        return self._rounds(node.cond, node.body, node.step, env)

    def _while(self, node: ast.While, env: Env) -> Flow:
        return self._rounds(node.cond, node.body, None, env)

    def _rounds(self, cond: ast.Expr, body: ast.Block, step: ast.Stmt | None, env: Env) -> Flow:
        for _ in range(MAX_ROUNDS):
            go_on = self.evaluator.value(cond, env)
            if go_on is ABSENT:
                self.undecided(body, env)
                return Flow.LOST
            if not go_on:
                return Flow.ON
            flow = self.run(body, env)
            if flow is Flow.BREAK:
                return Flow.ON
            if flow in (Flow.RETURN, Flow.LOST):
                return flow
            if step is not None:
                self.run(step, env)
        return Flow.LOST

    def _assert(self, node: ast.Assert, env: Env) -> Flow:
        outcome = self.evaluator.value(node.cond, env)
        text = self.evaluator.message(node.message, env) if outcome is False else ""
        self._asserted(node, outcome, text)
        return Flow.ON

    def _call(self, node: ast.CallStmt, env: Env, undecided: bool = False) -> Flow:
        ref = node.call.ref
        if isinstance(ref, ProcSym) and isinstance(ref.body, ast.Block):
            inner: Env = {}
            for p, given in zip(ref.params, arrange(node.call, ref.params), strict=True):
                if p.local is not None:
                    source = p.default if given is None else given
                    inner[p.local.key] = ABSENT if source is None else self.evaluator.value(source, env)
            if undecided:
                self.undecided(ref.body, inner)
            else:
                self.run(ref.body, inner)
        return Flow.ON

    def _return(self, node: ast.Return, env: Env) -> Flow:
        values = [self.evaluator.value(v, env) for v in node.values]
        self.result = None if not values else values[0] if len(values) == 1 else tuple(values)
        return Flow.RETURN


def _returns(node: ast.Stmt | None) -> bool:
    """Whether a ``return`` stands anywhere in the statement."""
    if isinstance(node, ast.Return):
        return True
    if isinstance(node, ast.Block):
        return any(_returns(s) for s in node.stmts)
    if isinstance(node, ast.If):
        return _returns(node.then) or _returns(node.orelse)
    if isinstance(node, ast.Match):
        return any(_returns(a.body) for a in node.arms)
    if isinstance(node, ast.For | ast.CFor | ast.While):
        return _returns(node.body)
    return False


def run_func(evaluator: Evaluator, body: ast.Block, env: Env) -> Any:
    """What a func with a block returns; ABSENT where that cannot be told."""
    runner = Runner(evaluator, lambda node, outcome, message: None)
    return runner.result if runner.run(body, env) is Flow.RETURN else ABSENT


_STATEMENTS: dict[type, Callable[[Runner, Any, Env], Flow]] = {
    ast.Let: Runner._let,
    ast.Assign: Runner._assignment,
    ast.OpAssign: Runner._op_assign,
    ast.If: Runner._if,
    ast.Match: Runner._match,
    ast.For: Runner._for,
    ast.CFor: Runner._c_for,
    ast.While: Runner._while,
    ast.Assert: Runner._assert,
    ast.CallStmt: Runner._call,
    ast.Return: Runner._return,
    ast.Break: lambda self, node, env: Flow.BREAK,
    ast.Continue: lambda self, node, env: Flow.CONTINUE,
}
