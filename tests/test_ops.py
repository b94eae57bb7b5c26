"""Operators: every engine computes the same, and building with ``mk`` changes no value."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice

import pytest

from dmaverify.engines.interp import Interpreter
from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    Expr,
    IllTyped,
    and_,
    const,
    eq,
    field,
    ite,
    mk,
    ne,
    not_,
    null,
    or_,
    raw,
    select,
    some,
    store,
    var,
)
from dmaverify.ir.ops import OPS
from dmaverify.ir.simplify import _RULES
from dmaverify.ir.system import System, Var
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import BOOL, Bool, Int, Map, Mask, Opt, Range, Type, index_values
from tests.support.op_engines import ENGINES, Case, cases, interpreted, meaning, spelled_out
from tests.support.random_expr import (
    AT,
    ATTR,
    BUFFER,
    PAGE,
    SLOT,
    SMALL_TYPES,
    ExprMaker,
    random_value,
    raw_build,
)

U8, I8 = Int(8), Int(8, True)


# -- the table ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "the operator table"])
def test_engines_compute_what_the_table_says(engine: str, rounds: Callable[[int, int], int]) -> None:
    """Corner and random values at widths 1, 8, 32 and 64, and of every other type."""
    seen = set()
    for case in cases(random.Random(20), rounds(3, 30)):
        seen.add(case.op)
        wanted = meaning(*case)
        assert ENGINES[engine](*case) == wanted, case
        assert case.type.contains(wanted), case
    assert seen == set(OPS)


@pytest.mark.parametrize(
    ("op", "values", "types", "wanted"),
    [
        ("div", (-7, 2), (I8, I8), -3),
        ("rem", (-7, 2), (I8, I8), -1),
        ("rem", (7, -2), (I8, I8), 1),
        ("div", (-128, -1), (I8, I8), -128),
        ("rem", (-128, -1), (I8, I8), 0),
        ("div", (5, 0), (U8, U8), 255),
        ("div", (5, 0), (I8, I8), -1),
        ("div", (-5, 0), (I8, I8), 1),
        ("rem", (-5, 0), (I8, I8), -5),
        ("shl", (1, 32), (Int(32, True), Int(32, True)), 0),
        ("shl", (1, 31), (Int(32, True), Int(32, True)), -(2**31)),
        ("shl", (1, -1), (Int(32), Int(32, True)), 0),
        ("shr", (-8, 1), (I8, U8), -4),
        ("shr", (-8, 8), (I8, U8), -1),
        ("shr", (200, 8), (U8, U8), 0),
        ("add", (255, 1), (U8, U8), 0),
        ("add", (127, 1), (I8, I8), -128),
        ("mul", (2**19, 2**12), (Int(32, True), Int(32, True)), -(2**31)),
        ("bitlen", (-1,), (I8,), 8),
        ("bitlen", (0,), (Int(64),), 0),
        ("popcount", (-1,), (Int(64, True),), 64),
        ("bnot", (1,), (ATTR,), 2),
        ("member", (0b100, 2), (Mask(PAGE), PAGE), True),
        ("get", (None,), (Opt(Range(1, 2)),), 1),
    ],
)
def test_values_that_c_or_smt_lib_gives(
    op: str, values: tuple[int, ...], types: tuple[Type, ...], wanted: int
) -> None:
    """Written out, since all engines here could share one misreading."""
    result = OPS[op].check(types, None, None)
    for engine in ENGINES.values():
        assert engine(op, values, types, result, None) == wanted


def test_widening_follows_the_sign_of_the_source() -> None:
    for value, source, target, wanted in [
        (-1, I8, Int(32), 2**32 - 1),
        (255, U8, Int(32, True), 255),
        (-1, I8, U8, 255),
        (300, Range(0, 400), U8, 44),
        (-1, Range(-1, 3), Int(16), 65535),
        (True, BOOL, U8, 1),
        (2, AT, U8, 2),
        (0b11, ATTR, Int(1), 1),
    ]:
        for engine in (meaning, spelled_out, interpreted):
            assert engine("wrap", (value,), (source,), target, None) == wanted


def test_narrowing_outside_gives_the_default() -> None:
    for value, target, wanted in [
        (3, Range(1, 3), 3),
        (4, Range(1, 3), 1),
        (-1, PAGE, 0),
        (2, AT, 2),
        (3, AT, 0),
    ]:
        for engine in (meaning, spelled_out, interpreted):
            assert engine("narrow", (value,), (Int(32, True),), target, None) == wanted


@pytest.mark.parametrize(
    ("op", "types", "own", "data"),
    [
        ("add", (U8, I8), None, None),
        ("add", (Range(0, 3), Range(0, 3)), None, None),
        ("and", (BOOL, U8), None, None),
        ("not", (BOOL, BOOL), None, None),
        ("eq", (U8, Int(16)), None, None),
        ("ite", (U8, U8, U8), None, None),
        ("ite", (BOOL, U8, I8), None, None),
        ("lt", (BOOL, BOOL), None, None),
        ("shl", (BOOL, U8), None, None),
        ("wrap", (U8,), None, None),
        ("wrap", (U8,), Range(0, 3), None),
        ("wrap", (Opt(U8),), U8, None),
        ("narrow", (Range(0, 3),), Range(0, 1), None),
        ("narrow", (U8,), BOOL, None),
        ("bitlen", (ATTR,), None, None),
        ("neg", (ATTR,), None, None),
        ("some", (Opt(U8),), None, None),
        ("get", (U8,), None, None),
        ("present", (U8,), None, None),
        ("rec", (BOOL, Opt(PAGE)), BUFFER, None),
        ("rec", (BOOL,), BOOL, None),
        ("field", (BUFFER,), None, "size"),
        ("with", (BUFFER, BOOL), None, "page"),
        ("select", (Map(SLOT, U8), PAGE), None, None),
        ("store", (Map(SLOT, U8), SLOT, I8), None, None),
        ("fill", (I8,), Map(SLOT, U8), None),
        ("member", (Mask(PAGE), SLOT), None, None),
        ("insert", (Map(PAGE, BOOL), PAGE), None, None),
    ],
)
def test_ill_typed_nodes_are_refused(
    op: str, types: tuple[Type, ...], own: Type | None, data: object
) -> None:
    with pytest.raises(IllTyped, match=op):
        OPS[op].check(types, own, data)
    with pytest.raises(IllTyped):
        mk(op, [var(f"x{n}", t) for n, t in enumerate(types)], own, data)


# -- simplification -------------------------------------------------------------------------------------


def _spread(rng: random.Random, leaves: list[Expr], n: int) -> tuple[Interpreter, list[tuple[object, ...]]]:
    """An interpreter for the leaves as variables, and some states."""
    system = System("x", tuple(Var(e.data, e.type, e.type.default) for e in leaves), ())
    return Interpreter(system), [tuple(random_value(rng, e.type) for e in leaves) for _ in range(n)]


def _same(a: Expr, b: Expr, leaves: list[Expr], rng: random.Random, n: int) -> None:
    assert a.type == b.type
    run, states = _spread(rng, leaves, n)
    for state in states:
        assert run.evaluate(a, state) == run.evaluate(b, state), (a, b, state)


def test_building_changes_no_value(rounds: Callable[[int, int], int]) -> None:
    """Random expressions, built once as they are and once with every simplification."""
    rng = random.Random(7)
    changed: set[str] = set()
    for _ in range(rounds(1500, 10_000)):
        leaves = [var(f"x{n}", t) for n, t in enumerate(rng.sample(SMALL_TYPES, 6))]
        leaves += [var(f"y{n}", e.type) for n, e in enumerate(leaves[:2])]
        types = [*SMALL_TYPES, Int(8), Int(8, True), Int(32), Int(64)]
        plain = ExprMaker(rng, leaves, types, raw_build).expr(rng.choice(types), rng.randint(2, 5))
        built: dict[int, Expr] = {}
        for node in walk(plain):
            args = tuple(built[a.uid] for a in node.args)
            built[node.uid] = mk(node.op, args, node.type, node.data) if node.args else node
            if node.args and built[node.uid] is not raw(node.op, node.type, args, node.data):
                changed.add(node.op)
        _same(plain, built[plain.uid], leaves, rng, 6)
    assert set(_RULES) <= changed, "a rule that this test never uses"


B = [var(f"b{n}", BOOL) for n in range(3)]
X, Y, Z = (var(n, U8) for n in "xyz")
NP, NQ = var("o", Opt(PAGE)), var("p", Opt(PAGE))
AT_I, AT_J = var("i", SLOT), var("j", SLOT)
M = var("m", Map(SLOT, U8))
R = var("r", BUFFER)
S = var("s", Mask(PAGE))
G = var("g", PAGE)
ZERO, ONE, FIVE = const(0, U8), const(1, U8), const(5, U8)
PAGE0, PAGE1 = const(0, PAGE), const(1, PAGE)
LEFT, RIGHT = const(0, SLOT), const(1, SLOT)
ALL_LEAVES = [*B, X, Y, Z, NP, NQ, AT_I, AT_J, M, R, S, G]


def _raw(op: str, *args: Expr, own: Type | None = None, data: object = None) -> Expr:
    return raw(op, OPS[op].check([a.type for a in args], own, data), args, data)


@pytest.mark.parametrize(
    ("plain", "wanted"),
    [
        (_raw("not", _raw("not", B[0])), B[0]),
        (_raw("and", B[0], TRUE, B[1], B[0]), and_(B[0], B[1])),
        (_raw("and", B[0], FALSE), FALSE),
        (_raw("and", B[0], _raw("not", B[0])), FALSE),
        (_raw("and"), TRUE),
        (_raw("or"), FALSE),
        (_raw("or", B[0], _raw("or", B[1], B[2])), or_(B[0], B[1], B[2])),
        (_raw("or", B[0], TRUE), TRUE),
        (_raw("or", _raw("not", B[0]), B[0]), TRUE),
        (_raw("eq", X, X), TRUE),
        (_raw("eq", B[0], TRUE), B[0]),
        (_raw("eq", FALSE, B[0]), not_(B[0])),
        (_raw("eq", NP, null(PAGE)), not_(mk("present", (NP,)))),
        (_raw("eq", _raw("some", G), const(1, Opt(PAGE))), eq(G, PAGE1)),
        (_raw("eq", _raw("some", G), _raw("some", PAGE0)), eq(G, PAGE0)),
        (_raw("eq", ONE, _raw("ite", B[0], ONE, FIVE)), B[0]),
        (_raw("eq", FIVE, X), eq(X, FIVE)),
        (_raw("ite", TRUE, X, Y), X),
        (_raw("ite", B[0], X, X), X),
        (_raw("ite", _raw("not", B[0]), X, Y), ite(B[0], Y, X)),
        (_raw("ite", B[0], TRUE, B[1]), or_(B[0], B[1])),
        (_raw("ite", B[0], FALSE, B[1]), and_(not_(B[0]), B[1])),
        (_raw("ite", B[0], B[1], TRUE), or_(not_(B[0]), B[1])),
        (_raw("ite", B[0], B[1], FALSE), and_(B[0], B[1])),
        (_raw("ite", B[0], _raw("ite", B[0], X, Y), Z), ite(B[0], X, Z)),
        (_raw("ite", B[0], X, _raw("ite", B[0], Y, Z)), ite(B[0], X, Z)),
        (_raw("ite", B[0], _raw("ite", B[1], X, Y), Y), ite(and_(B[0], B[1]), X, Y)),
        (_raw("add", X, ZERO), X),
        (_raw("add", ZERO, X), X),
        (_raw("bor", X, ZERO), X),
        (_raw("bxor", ZERO, X), X),
        (_raw("sub", X, ZERO), X),
        (_raw("shl", X, ZERO), X),
        (_raw("shr", X, ZERO), X),
        (_raw("add", FIVE, ONE), const(6, U8)),
        (_raw("wrap", X, own=U8), X),
        (
            _raw("wrap", _raw("ite", B[0], ONE, X), own=Int(16)),
            ite(B[0], const(1, Int(16)), mk("wrap", (X,), Int(16))),
        ),
        (_raw("get", _raw("some", G)), G),
        (_raw("get", _raw("ite", B[0], _raw("some", G), null(PAGE))), ite(B[0], G, PAGE0)),
        (_raw("present", _raw("some", G)), TRUE),
        (_raw("present", _raw("ite", B[0], _raw("some", G), null(PAGE))), B[0]),
        (_raw("field", _raw("rec", NP, B[0], own=BUFFER), data="live"), B[0]),
        (_raw("field", _raw("with", R, B[0], data="live"), data="live"), B[0]),
        (_raw("field", _raw("with", R, B[0], data="live"), data="page"), field(R, "page")),
        (_raw("select", _raw("fill", X, own=Map(SLOT, U8)), AT_I), X),
        (_raw("select", const((5, 5), Map(SLOT, U8)), AT_I), FIVE),
        (_raw("select", _raw("store", M, AT_I, X), AT_I), X),
        (_raw("select", _raw("store", M, LEFT, X), RIGHT), select(M, RIGHT)),
        (_raw("select", _raw("store", M, AT_I, X), AT_J), ite(eq(AT_I, AT_J), X, select(M, AT_J))),
        (
            _raw("select", _raw("ite", B[0], M, _raw("store", M, AT_I, X)), AT_I),
            ite(B[0], select(M, AT_I), X),
        ),
        (_raw("store", _raw("store", M, AT_I, X), AT_I, Y), store(M, AT_I, Y)),
        (_raw("store", M, AT_I, _raw("select", M, AT_I)), M),
        (_raw("member", const(0, Mask(PAGE)), G), FALSE),
        (_raw("member", _raw("insert", S, PAGE0), G), or_(eq(PAGE0, G), mk("member", (S, G)))),
        (_raw("member", _raw("remove", S, PAGE0), G), and_(ne(PAGE0, G), mk("member", (S, G)))),
    ],
)
def test_each_rule(plain: Expr, wanted: Expr) -> None:
    """The rule applies, and the value stays what the unsimplified node has."""
    built = mk(plain.op, plain.args, plain.type, plain.data)
    assert built is wanted
    _same(plain, built, ALL_LEAVES, random.Random(1), 40)


def test_nodes_that_no_rule_fits_stay() -> None:
    for plain in (
        _raw("sub", ZERO, X),
        _raw("add", X, ONE),
        _raw("eq", NP, NQ),
        _raw("mul", X, ONE),
        some(G),
    ):
        assert mk(plain.op, plain.args, plain.type, plain.data) is plain


def test_equal_nodes_are_one_object() -> None:
    assert raw("add", U8, (X, Y)) is raw("add", U8, (X, Y))
    assert const(1, U8) is not const(1, I8)
    assert const(True, BOOL) is not raw("const", U8, (), 1)


def test_cases_reach_every_width_and_sign() -> None:
    """The comparison above is worth its name only if its cases are what it says."""
    found: dict[str, set[tuple[int, bool]]] = {}
    for case in islice(cases(random.Random(1), 1), 200_000):
        assert isinstance(case, Case)
        for t in case.arg_types[:1]:
            if isinstance(t, Int):
                found.setdefault(case.op, set()).add((t.width, t.signed))
    wanted = {(w, s) for w in (1, 8, 32, 64) for s in (False, True)}
    for op in (
        "add",
        "sub",
        "mul",
        "div",
        "rem",
        "shl",
        "shr",
        "band",
        "neg",
        "lt",
        "le",
        "wrap",
        "narrow",
        "bitlen",
    ):
        assert found[op] == wanted


def test_every_small_type_counts_and_defaults_right() -> None:
    for t in SMALL_TYPES:
        assert t.contains(t.default)
        if isinstance(t, Bool | Range):
            assert len(index_values(t)) == t.count
