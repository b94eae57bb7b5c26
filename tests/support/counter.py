"""A small System whose behaviour can be worked out by hand."""

from __future__ import annotations

from dmaverify.ir.expr import TRUE, Expr, const, eq, input_, le, lt, mk, ne, not_, or_, var
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Cover,
    Emit,
    Input,
    Kind,
    Property,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.types import BOOL, Int, Range, Type

U8, U32, U64 = Int(8), Int(32), Int(64)
X, CHOICE, N, B = var("x", U8), input_("i", U8), var("n", Range(0, 3)), var("b", BOOL)
PC = Range(0, 2)


def number(n: int, t: Type = U8) -> Expr:
    """A constant."""
    return const(n, t)


def counter() -> System:
    """A thread adds a chosen amount twice; hardware may flip a bit; x is to stay below 5, and the amount
    below 4."""
    add = mk("add", (X, CHOICE))
    amount = Input("i", U8, (1, 3, 4))
    too_much = Check("p", "p.amount", B, lt(CHOICE, number(4)), ("adding ", CHOICE, " to ", X))
    meant = Check("builtin", "p.meant", TRUE, ne(X, number(4)), ("four",), stop=True)
    return System(
        "counter",
        (
            Var("x", U8, 0),
            Var("b", BOOL, None, any_init=True),
            Var("t.pc", PC, 0, Kind.PC, "t"),
            Var("n", Range(0, 3), None, Kind.PARAM, any_init=True),
        ),
        (
            Action(
                "t.0",
                "t",
                0,
                inputs=(amount,),
                effects=(too_much, Emit("added", (("what", CHOICE), ("to", X)), le(number(3), CHOICE))),
                updates={"x": add, "t.pc": const(1, PC)},
                weight=const(1, U32),
            ),
            Action(
                "t.1",
                "t",
                1,
                guard=B,
                inputs=(amount,),
                effects=(meant, too_much, Reached("second", eq(CHOICE, number(1)))),
                updates={"x": add, "t.pc": const(2, PC)},
                weight=const(2, U32),
            ),
            Action("flip", None, None, updates={"b": not_(B)}, weight=const(0, U32)),
        ),
        (Thread("t", "t.pc", "cpu0", ends=frozenset({2})),),
        (Property("p", "P1", "monitor"), Property("builtin", "P2", "builtin")),
        (Always("p", "p.small", lt(X, number(5)), eq(N, const(1, N.type)), ("x is ", X)),),
        (Cover("three", eq(X, number(3))),),
        (le(N, const(1, N.type)), or_(B, le(N, const(0, N.type)))),
    )
