"""Well-formedness and the built-in checks of expressions."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from dmaverify.engines.interp import Interpreter
from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    Expr,
    and_,
    const,
    eq,
    input_,
    ite,
    le,
    lt,
    mk,
    ne,
    not_,
    or_,
    raw,
    var,
)
from dmaverify.ir.obligations import obligations, of_node
from dmaverify.ir.ops import OPS
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Cover,
    Emit,
    Input,
    Kind,
    LockOp,
    Part,
    Property,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.types import BOOL, Int, Opt, Range, Type
from dmaverify.ir.wellformed import wellformed
from tests.support.random_expr import AT, PAGE, SMALL_TYPES, ExprMaker, random_value, raw_build
from tests.support.random_system import random_system

U8, I8, I32 = Int(8), Int(8, True), Int(32, True)
X, LOCK, GHOST, CHOICE = var("x", U8), var("lock", BOOL), var("g", U8), input_("i", U8)
PC = Range(0, 2)


def good() -> System:
    """A small System with nothing wrong."""
    return System(
        "good",
        (
            Var("x", U8, 0),
            Var("lock", BOOL, False),
            Var("t.pc", PC, 0, Kind.PC, "t"),
            Var("g", U8, 0, Kind.GHOST, "m"),
            Var("n", U8, None, Kind.PARAM, any_init=True),
        ),
        (
            Action(
                "go",
                "t",
                0,
                not_(LOCK),
                (Input("i", U8, (1, 2)),),
                (Check("p", "p.1", TRUE, lt(GHOST, X)), Emit("e", (("a", CHOICE),)), Reached("c", LOCK)),
                {"x": CHOICE, "g": CHOICE, "t.pc": const(1, PC)},
                const(1, U8),
                (LockOp("acquire", LOCK),),
                (Part("go", TRUE, (("i", CHOICE),)),),
            ),
        ),
        (Thread("t", "t.pc", "cpu0", ends=frozenset({2}), labels={"out": 1}),),
        (Property("p", "P1", "monitor"),),
        (Always("p", "p.2", eq(GHOST, X), stable=(LOCK,)),),
        (Cover("c", LOCK),),
        (le(var("n", U8), const(9, U8)),),
    )


def act(**changes: object) -> System:
    """The good System with its action changed."""
    system = good()
    return system.with_(actions=(replace(system.actions[0], **changes),))  # type: ignore[arg-type]


def with_var(v: Var) -> System:
    """The good System with one variable more."""
    return good().with_(vars=(*good().vars, v))


def with_thread(**changes: object) -> System:
    """The good System with its thread changed."""
    return good().with_(threads=(replace(good().threads[0], **changes),))  # type: ignore[arg-type]


def test_a_good_system_has_no_complaints() -> None:
    assert wellformed(good()) == []
    assert wellformed(good(), reference=good()) == []


def test_random_systems_are_well_formed(rounds: Callable[[int, int], int]) -> None:
    rng = random.Random(8)
    for _ in range(rounds(200, 2000)):
        system = random_system(rng, rng.randint(1, 4), core=rng.random() < 0.3)
        assert wellformed(system, reference=system) == []


@pytest.mark.parametrize(
    ("system", "complaint"),
    [
        (with_var(Var("x", U8, 0)), "variable x: is declared twice"),
        (good().with_(actions=good().actions * 2), "action go: is declared twice"),
        (good().with_(threads=good().threads * 2), "thread t: is declared twice"),
        (good().with_(properties=good().properties * 2), "property p: is declared twice"),
        (with_var(Var("y", U8, 256)), "256 is not of type u8"),
        (with_var(Var("y", U8, None)), "None is not of type u8"),
        (with_var(Var("y", U8, 0, Kind.LOCAL, "nobody")), "owner nobody is no thread"),
        (with_var(Var("y", U8, 0, Kind.GHOST)), "a ghost has an owner"),
        (with_thread(pc="x"), "its pc x is no variable of that kind"),
        (with_thread(pc="nix"), "its pc nix is no variable of that kind"),
        (with_thread(ends=frozenset({3})), "3 is no value of its pc"),
        (with_thread(idle=frozenset({-1})), "-1 is no value of its pc"),
        (with_thread(labels={"out": 9}), "9 is no value of its pc"),
        (with_thread(level="nmi"), "no level nmi"),
        (act(thread="u"), "there is no thread u"),
        (act(thread=None), "starts at a place of no thread"),
        (act(at=3), "3 is no value of t.pc"),
        (act(inputs=(Input("i", U8), Input("i", U8))), "input i: is declared twice"),
        (act(inputs=(Input("i", U8, ()),)), "has no values"),
        (act(inputs=(Input("i", U8, (1, 300)),)), "300 is not of type u8"),
        (act(inputs=()), "there is no input i"),
        (act(inputs=(Input("i", I8),)), "input i is of type i8, read as u8"),
        (act(guard=X), "guard: is of type u8, not a condition"),
        (act(guard=var("nix", BOOL)), "there is no variable nix"),
        (act(guard=var("x", BOOL)), "x is of type u8, read as bool"),
        (act(guard=eq(GHOST, X)), "guard: reads the ghost g"),
        (act(weight=GHOST), "weight: reads the ghost g"),
        (act(weight=LOCK), "weight: is of type bool"),
        (act(weight=const(-1, I8)), "weight: is negative"),
        (act(locks=(LockOp("release", X),)), "release: is of type u8"),
        (act(locks=(LockOp("release", eq(GHOST, X)),)), "release: reads the ghost g"),
        (act(updates={"nix": X}), "update of nix: there is no such variable"),
        (act(updates={"lock": X}), "the variable is of type bool, the value of u8"),
        (act(updates={"n": X}), "a param is never written"),
        (act(updates={"x": GHOST}), "update of x: reads the ghost g"),
        (act(effects=(Check("q", "q.1", TRUE, TRUE),)), "there is no property q"),
        (act(effects=(Check("p", "p.1", X, TRUE),)), "path: is of type u8"),
        (act(effects=(Check("p", "p.1", TRUE, X),)), "check p.1: is of type u8"),
        (
            act(effects=(Check("p", "p.1", TRUE, TRUE, (var("nix", U8),)),)),
            "message: there is no variable nix",
        ),
        (act(effects=(Emit("e", (("a", GHOST),)),)), "emit e a: reads the ghost g"),
        (act(effects=(Emit("e", (), eq(GHOST, X)),)), "emit e path: reads the ghost g"),
        (act(effects=(Reached("c", X),)), "reached c path: is of type u8"),
        (act(parts=(Part("go", X),)), "part go path: is of type u8"),
        (act(parts=(Part("go", TRUE, (("i", var("nix", U8)),)),)), "there is no variable nix"),
        (good().with_(always=(Always("q", "q.1", TRUE),)), "there is no property q"),
        (good().with_(always=(Always("p", "p.1", CHOICE),)), "there is no input i"),
        (good().with_(always=(Always("p", "p.1", TRUE, X),)), "when: is of type u8"),
        (good().with_(always=(Always("p", "p.1", TRUE, stable=(X,)),)), "stable: is of type u8"),
        (good().with_(covers=(Cover("c", X),)), "cover c: is of type u8"),
        (good().with_(assumptions=(eq(X, X) and ne(X, const(1, U8)),)), "x has a fixed initial value"),
        (good().with_(domain=(X,)), "domain 1: is of type u8"),
        (act(guard=raw("lt", BOOL, (X, I8_X := var("x", I8)))), "takes two values of one type"),
        (act(updates={"x": raw("add", U8, (I8_X, I8_X))}), "add yields i8, the node says u8"),
        (act(guard=raw("nix", BOOL, (X,))), "there is no operator nix"),
        (act(updates={"x": raw("const", U8, (), 256)}), "256 is not of type u8"),
    ],
)
def test_each_complaint(system: System, complaint: str) -> None:
    found = wellformed(system)
    assert any(complaint in c for c in found), found


@pytest.mark.parametrize(
    ("part", "complaint"),
    [
        (Part("nix", TRUE), "part nix: there is no such action"),
        (Part("go", TRUE, (("j", X),)), "it has no input j"),
        (Part("go", TRUE, (("i", TRUE),)), "input i is of type u8, not bool"),
    ],
)
def test_parts_are_actions_of_the_reference(part: Part, complaint: str) -> None:
    assert wellformed(act(parts=(part,))) == []
    found = wellformed(act(parts=(part,)), reference=good())
    assert any(complaint in c for c in found), found


# -- obligations ----------------------------------------------------------------------------------------

Y, S, P, C, D = var("y", U8), var("s", I32), var("p", Opt(PAGE)), var("c", BOOL), var("d", BOOL)


def _raw(op: str, *args: Expr, own: Type | None = None) -> Expr:
    return raw(op, OPS[op].check([a.type for a in args], own, None), args)


QUOTIENT = _raw("div", X, Y)
PAGE_OF_P = _raw("get", P)
PRESENT = mk("present", (P,))
NOT_ZERO = ne(Y, const(0, U8))


@pytest.mark.parametrize(
    ("expr", "wanted"),
    [
        (_raw("add", X, Y), []),
        (QUOTIENT, [("division by zero", TRUE, NOT_ZERO)]),
        (_raw("rem", X, Y), [("division by zero", TRUE, NOT_ZERO)]),
        (_raw("rem", X, const(2, U8)), []),
        (_raw("div", X, const(0, U8)), [("division by zero", TRUE, FALSE)]),
        (_raw("shl", X, Y), [("shift out of range", TRUE, lt(Y, const(8, U8)))]),
        (
            _raw("shr", S, S),
            [("shift out of range", TRUE, and_(le(const(0, I32), S), lt(S, const(32, I32))))],
        ),
        (_raw("shl", S, var("w", Int(3))), []),
        (
            _raw("shl", var("w", Int(1)), var("v", Int(1))),
            [("shift out of range", TRUE, lt(var("v", Int(1)), const(1, Int(1))))],
        ),
        (_raw("shl", X, const(7, U8)), []),
        (_raw("shl", X, const(8, U8)), [("shift out of range", TRUE, FALSE)]),
        (PAGE_OF_P, [("null", TRUE, PRESENT)]),
        (_raw("get", mk("some", (var("q", PAGE),))), []),
        (_raw("narrow", X, own=PAGE), [("out of range", TRUE, lt(X, const(3, U8)))]),
        (_raw("narrow", X, own=AT), [("out of range", TRUE, lt(X, const(3, U8)))]),
        (_raw("narrow", X, own=Range(0, 255)), []),
        (
            _raw("narrow", X, own=Range(1, 9)),
            [("out of range", TRUE, and_(le(const(1, U8), X), lt(X, const(10, U8))))],
        ),
        (_raw("narrow", X, own=Range(300, 400)), [("out of range", TRUE, FALSE)]),
        (_raw("ite", C, QUOTIENT, X), [("division by zero", C, NOT_ZERO)]),
        (_raw("ite", C, X, QUOTIENT), [("division by zero", not_(C), NOT_ZERO)]),
        (_raw("ite", NOT_ZERO, QUOTIENT, X), []),
        (_raw("ite", C, QUOTIENT, QUOTIENT), [("division by zero", TRUE, NOT_ZERO)]),
        (_raw("and", PRESENT, eq(PAGE_OF_P, const(1, PAGE))), []),
        (_raw("and", eq(PAGE_OF_P, const(1, PAGE)), PRESENT), [("null", TRUE, PRESENT)]),
        (_raw("and", C, D, eq(PAGE_OF_P, const(1, PAGE))), [("null", and_(C, D), PRESENT)]),
        (_raw("or", not_(PRESENT), eq(PAGE_OF_P, const(1, PAGE))), []),
        (_raw("or", C, eq(PAGE_OF_P, const(1, PAGE))), [("null", not_(C), PRESENT)]),
        (
            _raw("eq", _raw("ite", C, QUOTIENT, X), _raw("ite", D, QUOTIENT, X)),
            [("division by zero", or_(C, D), NOT_ZERO)],
        ),
        (_raw("eq", QUOTIENT, _raw("add", QUOTIENT, X)), [("division by zero", TRUE, NOT_ZERO)]),
        # met on one of two ways here, which is not enough; then on both
        (
            _raw("eq", _raw("ite", NOT_ZERO, QUOTIENT, X), _raw("ite", D, QUOTIENT, X)),
            [("division by zero", or_(NOT_ZERO, D), NOT_ZERO)],
        ),
        (
            _raw(
                "eq", _raw("ite", and_(C, NOT_ZERO), QUOTIENT, X), _raw("ite", and_(NOT_ZERO, D), QUOTIENT, X)
            ),
            [],
        ),
        (
            _raw("ite", eq(QUOTIENT, X), PAGE_OF_P, const(0, PAGE)),
            [("division by zero", TRUE, NOT_ZERO), ("null", eq(QUOTIENT, X), PRESENT)],
        ),
    ],
)
def test_obligations(expr: Expr, wanted: list[tuple[str, Expr, Expr]]) -> None:
    # a commutative rule may have ordered ``or_(C, D)`` either way
    found = [
        (o.kind, frozenset(a.uid for a in o.path.args) or o.path.uid, o.condition) for o in obligations(expr)
    ]
    assert found == [(k, frozenset(a.uid for a in p.args) or p.uid, c) for k, p, c in wanted]


def test_every_open_operator_has_a_condition() -> None:
    """Exactly the operators with a ``builtin`` word have one."""
    samples = {"shl": (X, Y), "shr": (X, Y), "div": (X, Y), "rem": (X, Y), "get": (P,), "narrow": (X,)}
    assert {name for name, op in OPS.items() if op.builtin} == set(samples)
    for name, args in samples.items():
        result = OPS[name].check([a.type for a in args], PAGE, None)
        found = of_node(name, args, result)
        assert found is not None
        assert found[0] == OPS[name].builtin
    assert of_node("add", (X, Y), U8) is None


def _naive(run: Interpreter, e: Expr, state: tuple[object, ...]) -> set[str]:
    """The kinds of checks that fail when ``e`` is evaluated from left to right as C would."""
    if e.op == "ite":
        c, a, b = e.args
        return _naive(run, c, state) | _naive(run, a if run.evaluate(c, state) else b, state)
    failed: set[str] = set()
    for arg in e.args:
        failed |= _naive(run, arg, state)
        if e.op in ("and", "or") and run.evaluate(arg, state) is (e.op == "or"):
            return failed
    values = [run.evaluate(a, state) for a in e.args]
    bad: Callable[[], bool] | None = {
        "shl": lambda: not 0 <= values[1] < e.type.bits,
        "shr": lambda: not 0 <= values[1] < e.type.bits,
        "div": lambda: values[1] == 0,
        "rem": lambda: values[1] == 0,
        "get": lambda: values[0] is None,
        "narrow": lambda: not e.type.contains(values[0]),
    }.get(e.op)
    return failed | {OPS[e.op].builtin or ""} if bad is not None and bad() else failed


def test_obligations_fail_exactly_where_evaluation_meets_them(rounds: Callable[[int, int], int]) -> None:
    rng = random.Random(9)
    types = [*SMALL_TYPES, Int(8), Int(8, True)]
    failing = 0
    for _ in range(rounds(300, 5000)):
        leaves = [var(f"x{n}", t) for n, t in enumerate(rng.sample(types, 6))]
        e = ExprMaker(rng, leaves, types, raw_build).expr(rng.choice(types), 4)
        run = Interpreter(System("x", tuple(Var(v.data, v.type, v.type.default) for v in leaves), ()))
        found = obligations(e)
        for _ in range(6):
            state = tuple(random_value(rng, v.type) for v in leaves)
            failed = {
                o.kind for o in found if run.evaluate(o.path, state) and not run.evaluate(o.condition, state)
            }
            assert failed == _naive(run, e, state)
            failing += bool(failed)
    assert failing > 100


def test_obligations_of_a_shared_graph_are_found_without_unfolding_it() -> None:
    e: Expr = _raw("div", X, Y)
    for n in range(100):
        e = ite(var(f"c{n}", BOOL), _raw("add", e, e), _raw("shl", e, Y))
    found = obligations(e)
    assert [o.kind for o in found] == ["division by zero", *["shift out of range"] * 100]
    assert [o.path for o in found[1:]] == [not_(var(f"c{n}", BOOL)) for n in range(100)]
    assert found[0].path is TRUE
