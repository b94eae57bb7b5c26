"""Makes nodes of statements and messages."""

from __future__ import annotations

from typing import Any

from dmaverify.lang import ast
from dmaverify.lang.build_expr import Base, Children, Where, only
from dmaverify.lang.tokens import Token
from dmaverify.span import Span


class Clause:
    """A clause of a loop, proc or thread, until the node around it takes it."""

    __slots__ = ("kind", "token", "value")

    def __init__(self, kind: str, value: Any, token: Token) -> None:
        self.kind = kind
        self.value = value
        self.token = token


class StmtBuilder(Base):
    """Statements."""

    def place(self, expr: ast.Expr) -> ast.Expr:
        """`expr`, which must be something that can be assigned to."""
        if not isinstance(expr, ast.Name | ast.Field | ast.Index):
            self.diags.error("DMA013", "only a variable, a field or an element can be assigned to", expr.span)
        return expr

    def one(self, clauses: list[Clause], kind: str) -> Any:
        """The value of the one clause of that kind, or None."""
        found = [c for c in clauses if c.kind == kind]
        for extra in found[1:]:
            self.diags.error(
                "DMA013",
                "this is said twice",
                self.tok(extra.token),
                notes=[(self.tok(found[0].token), "here")],
            )
        return found[0].value if found else None

    def on_block(self, c: Children, a: Token, z: Token) -> ast.Block:
        return ast.Block(self.at(a, z), c)

    def on_labelled(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Labelled(self.at(a, z), c[0].text, c[1] if len(c) > 1 else None)

    def on_let_name(self, c: Children, a: Token, z: Token) -> ast.LetName:
        return ast.LetName(self.at(a, z), c[0].text, c[1] if len(c) > 1 else None)

    def on_else_clause(self, c: Children, a: Token, z: Token) -> ast.Block:
        return self.body(c[0])

    def _split(self, c: Children) -> tuple[list[Any], ast.Block | None]:
        return (c[:-1], c[-1]) if isinstance(c[-1], ast.Block) else (c, None)

    def _counts(self, names: int, values: list[ast.Expr], span: Span) -> None:
        if len(values) != names and len(values) != 1:
            self.diags.error("DMA013", f"{names} names and {len(values)} values", span)

    def on_let(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        c, orelse = self._split(c)
        names = [x for x in c if isinstance(x, ast.LetName)]
        values = c[len(names) :]
        self._counts(len(names), values, self.at(a, z))
        return ast.Let(self.at(a, z), names, values, orelse)

    def on_lvalues(self, c: Children, a: Token, z: Token) -> list[ast.Expr]:
        return [self.place(e) for e in c]

    def on_assign(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        c, orelse = self._split(c)
        self._counts(len(c[0]), c[1:], self.at(a, z))
        return ast.Assign(self.at(a, z), c[0], c[1:], orelse)

    def on_op_assign(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.OpAssign(self.at(a, z), self.place(c[0]), c[1].text[:-1], c[2])

    def on_call_stmt(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        call = c[0]
        if not isinstance(call, ast.Call):
            fix = f"Write  {call.name}()  if it is a call." if isinstance(call, ast.Name) else None
            self.diags.error("DMA013", "this computes something and does nothing with it", call.span, fix=fix)
            call = ast.Call(call.span, call, [])
        return ast.CallStmt(self.at(a, z), call, c[1] if len(c) > 1 else None)

    def on_else_part(self, c: Children, a: Token, z: Token) -> ast.Block | ast.If:
        part: ast.Block | ast.If = c[0]
        return part

    def on_if_stmt(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.If(self.at(a, z), c[0], c[1], c[2] if len(c) > 2 else None)

    def body(self, stmt: ast.Stmt) -> ast.Block:
        """A statement as a block."""
        return stmt if isinstance(stmt, ast.Block) else ast.Block(stmt.span, [stmt])

    def on_stmt_arm(self, c: Children, a: Token, z: Token) -> ast.StmtArm:
        return ast.StmtArm(self.at(a, z), c[0], self.body(c[1]))

    def on_stmt_arm_else(self, c: Children, a: Token, z: Token) -> ast.StmtArm:
        return ast.StmtArm(self.at(a, z), [], self.body(c[0]))

    def on_match(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Match(self.at(a, z), c[0], c[1:])

    def on_for(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        where = only(c, Where)
        return ast.For(self.at(a, z), c[0], where[0] if where else None, c[-1])

    def on_c_for(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        name, kind, init, cond, step, *rest = c
        bound = rest[0].value if len(rest) > 1 else None
        return ast.CFor(self.at(a, z), name.text, self.tok(name), kind, init, cond, step, bound, rest[-1])

    def on_limit(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("limit", c[0], a)

    def on_invariant(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("invariant", c[0], a)

    def on_decreases(self, c: Children, a: Token, z: Token) -> Clause:
        return Clause("decreases", c[0], a)

    def _loop(self, c: Children) -> tuple[Any, list[ast.Expr], Any, ast.Block]:
        clauses = [x for x in c if isinstance(x, Clause)]
        invariants = [x.value for x in clauses if x.kind == "invariant"]
        return self.one(clauses, "limit"), invariants, self.one(clauses, "decreases"), c[-1]

    def on_while(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.While(self.at(a, z), c[0], *self._loop(c))

    def on_loop(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Loop(self.at(a, z), *self._loop(c))

    def on_repeat(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Repeat(self.at(a, z), c[0], c[1])

    def on_return(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Return(self.at(a, z), c)

    def on_break(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Break(self.at(a, z))

    def on_continue(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Continue(self.at(a, z))

    def on_goto(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Goto(self.at(a, z), c[0].text)

    def on_irqsave(self, c: Children, a: Token, z: Token) -> str:
        return "irqsave"

    def on_irq_off(self, c: Children, a: Token, z: Token) -> str:
        return "irq"

    def on_lock(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Lock(self.at(a, z), c[0], c[1] if len(c) > 2 else None, c[-1])

    def on_atomic(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Atomic(self.at(a, z), c[0])

    def on_choose(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        if len(c) == 1:
            self.diags.error(
                "DMA013", "`choose` has one way only; another follows with `or { … }`", self.tok(a)
            )
        return ast.Choose(self.at(a, z), c)

    def on_assume(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Assume(self.at(a, z), c[0], c[1] if len(c) > 1 else None)

    def on_assert(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Assert(self.at(a, z), c[0], c[1] if len(c) > 1 else None)

    def on_emit(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Emit(self.at(a, z), self._call(c[0], "an event with its arguments, `emit taken(e)`"))

    def on_wait(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Wait(self.at(a, z), c[0])

    def on_might_sleep(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.MightSleep(self.at(a, z), c[0] if c else None)

    def _call(self, e: ast.Expr, wanted: str) -> ast.Call:
        if isinstance(e, ast.Call) and isinstance(e.func, ast.Name | ast.Field):
            return e
        if not isinstance(e, ast.Name | ast.Field):
            self.diags.error("DMA013", f"this wants {wanted}", e.span)
        return ast.Call(e.span, e, [])

    def _schedule(self, kind: str, c: Children, a: Token, z: Token) -> ast.Stmt:
        call = self._call(c[0], f"the name of a work or timer after `{kind}`")
        name = call.func.name if isinstance(call.func, ast.Name) else ""
        if not name:
            self.diags.error("DMA013", f"`{kind}` wants the name of a work or timer", call.span)
        return ast.Schedule(self.at(a, z), kind, name, call.args)

    def on_schedule(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return self._schedule("schedule", c, a, z)

    def on_arm(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return self._schedule("arm", c, a, z)

    def on_cancel(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return self._schedule("cancel", c, a, z)

    def on_delete(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Delete(self.at(a, z), c[0])

    def on_push(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Push(self.at(a, z), c[0], self.place(c[1]))

    def on_pop(self, c: Children, a: Token, z: Token) -> ast.Expr:
        where = only(c, Where)
        name = c[0].text if isinstance(c[0], Token) else None
        source = c[1] if name is not None else c[0]
        return ast.Pop(self.at(a, z), name, self.place(source), where[0] if where else None)

    def on_pop_stmt(self, c: Children, a: Token, z: Token) -> ast.Stmt:
        return ast.Let(self.at(a, z), [], [c[0]], c[1] if len(c) > 1 else None)

    # ---- texts

    def on_string(self, c: Children, a: Token, z: Token) -> ast.Message:
        return ast.Message(self.at(a, z), [x.text if isinstance(x, Token) else x for x in c])

    def on_interpolation(self, c: Children, a: Token, z: Token) -> ast.Expr:
        inner: ast.Expr = c[0]
        return inner

    def on_message(self, c: Children, a: Token, z: Token) -> ast.Message:
        message: ast.Message = c[0]
        return message

    def plain(self, message: ast.Message | None) -> str | None:
        """The text of a title, which may hold no expressions."""
        if message is None:
            return None
        for part in message.parts:
            if not isinstance(part, str):
                self.diags.error(
                    "DMA013", "a title holds no expressions; a brace as such is written `{{`", part.span
                )
        return "".join(p for p in message.parts if isinstance(p, str))
