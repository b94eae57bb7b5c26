"""Every operator of core IR, as the solvers compute it, against the operator table: widths 1, 8, 32, 64, corner and random values.

The values reach the operator through an assumption, so that the solver's own bit-level circuits are what is tested and not
the constant folding of its rewriter; the printed text is parsed back by both solvers.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from typing import Any

import pytest

from dmaverify.engines.base import Budget
from dmaverify.engines.smt.encode import Encoder, no_inputs
from dmaverify.engines.smt.smtlib import Script, TextWriter, symbol
from dmaverify.engines.smt.solver import SOLVERS, SolverName, make_solver
from dmaverify.engines.smt.terms import NotCore, constant, decoded, sort_of
from dmaverify.ir.expr import Expr, raw, result_type, var
from dmaverify.ir.ops import OPS
from dmaverify.ir.types import BOOL, Int, Opt, Type, Value

WIDTHS = (1, 8, 32, 64)
INTS = tuple(Int(w, s) for w in WIDTHS for s in (False, True))
CASES = 9

BINARY = ("add", "sub", "mul", "div", "rem", "band", "bor", "bxor", "lt", "le", "eq")
UNARY = ("neg", "bnot", "bitlen", "popcount")


def shapes() -> Iterator[tuple[str, tuple[Type, ...], Type | None]]:
    """Operator, types of the operands, and the node's own type where it has one."""
    for t in INTS:
        yield from ((op, (t, t), None) for op in BINARY)
        yield from ((op, (t,), None) for op in UNARY)
        yield "ite", (BOOL, t, t), None
        yield "wrap", (BOOL,), t
        for other in INTS:
            yield "wrap", (t,), other
            yield "shl", (t, other), None
            yield "shr", (t, other), None
    yield "not", (BOOL,), None
    yield "eq", (BOOL, BOOL), None
    yield "ite", (BOOL, BOOL, BOOL), None
    for op in ("and", "or"):
        for n in range(4):
            yield op, (BOOL,) * n, None


def corners(t: Type, op: str, place: int, against: Type) -> list[Value]:
    """Values where something may go wrong."""
    if not isinstance(t, Int):
        return [False, True]
    found = {t.lo, t.hi, 0, t.wrap(1), t.wrap(-1), t.wrap(2), t.wrap(t.lo + 1), t.wrap(t.hi - 1), t.wrap(1 << (t.width // 2))}
    if op in ("shl", "shr") and place == 1:
        width = sort_of(against)
        found |= {n for n in (width - 1, width, width + 1, -width, 2 * width, t.hi, t.lo) if t.contains(n)}
    return sorted(found)


def tuples(op: str, types: tuple[Type, ...], rng: random.Random) -> list[tuple[Value, ...]]:
    """Corner values in random company, then random values."""
    found: list[tuple[Value, ...]] = []
    pools = [corners(t, op, place, types[0]) for place, t in enumerate(types)]
    for _ in range(CASES):
        found.append(tuple(rng.choice(pool) for pool in pools))
    for _ in range(CASES // 3):
        found.append(tuple(rng.randint(t.lo, t.hi) if isinstance(t, Int) else rng.random() < 0.5 for t in types))
    return found


def meaning(node: Expr, values: tuple[Value, ...]) -> Value:
    """What the table says."""
    return OPS[node.op].meaning(values, [a.type for a in node.args], node.type, node.data)


def build(op: str, types: tuple[Type, ...], own: Type | None, names: list[str]) -> Expr:
    """The node over variables, exactly as it stands: nothing folded."""
    args = tuple(var(n, t) for n, t in zip(names, types, strict=True))
    return raw(op, result_type(op, args, own, None), args)


@pytest.mark.parametrize("name", SOLVERS)
def test_operators_mean_what_the_table_says(name: SolverName) -> None:
    rng = random.Random(7)
    tried = set()
    for op, types, own in shapes():
        tried.add(op)
        solver = make_solver(name, Budget())
        w = solver.writer
        on = w.symbol("on", 0)
        expected = []
        for k, values in enumerate(tuples(op, types, rng)):
            names = [f"x{k}.{i}" for i in range(len(types))]
            node = build(op, types, own, names)
            leaves = {n: w.symbol(n, sort_of(t)) for n, t in zip(names, types, strict=True)}
            for n, t, value in zip(names, types, values, strict=True):
                solver.add(w.apply("=>", [on, w.apply("=", [leaves[n], constant(w, value, t)])]))
            result = w.symbol(f"r{k}", sort_of(node.type))
            solver.add(w.apply("=", [result, Encoder(w, leaves, no_inputs)(node)]))
            expected.append((result, node, values))
        assert solver.check([on])
        for result, node, values in expected:
            got = decoded(solver.value(result), node.type)
            assert got == meaning(node, values), f"{op}{types} -> {node.type} of {values} in {name}"
    assert tried == {"shl", "shr", "wrap", "ite", "not", "and", "or", *BINARY, *UNARY}


@pytest.mark.parametrize("name", SOLVERS)
def test_constant_shift_amounts(name: SolverName) -> None:
    """A constant amount has an encoding of its own."""
    solver = make_solver(name, Budget())
    w = solver.writer
    expected: list[tuple[Any, Expr, Value, int]] = []
    for t in INTS:
        for amount_type in (Int(8, True), Int(32, False)):
            for n in (-3, -1, 0, 1, t.width - 1, t.width, t.width + 1, 127):
                if not amount_type.contains(n):
                    continue
                for op in ("shl", "shr"):
                    x = f"x{len(expected)}"
                    node = raw(op, t, (var(x, t), raw("const", amount_type, (), n)))
                    value = t.wrap(0x9ABCDEF012345679)
                    leaf = w.symbol(x, t.width)
                    solver.add(w.apply("=", [leaf, constant(w, value, t)]))
                    expected.append((Encoder(w, {x: leaf}, no_inputs)(node), node, value, n))
    assert solver.check()
    for term, node, value, n in expected:
        assert decoded(solver.value(term), node.type) == meaning(node, (value, n)), (node, value)


def test_text_is_read_back_with_the_same_meaning() -> None:
    """All operators in one script that says "some result is wrong": both solvers must refute it."""
    rng = random.Random(11)
    writer, script = TextWriter(), Script()
    wrong = []
    for k, (op, types, own) in enumerate(shapes()):
        names = [f"x {k}|{i}" for i in range(len(types))]
        node = build(op, types, own, names)
        leaves = {}
        values = rng.choice(tuples(op, types, rng))
        for n, t, value in zip(names, types, values, strict=True):
            script.declare(n, sort_of(t))
            leaves[n] = writer.symbol(n, sort_of(t))
            script.add(writer.apply("=", [leaves[n], constant(writer, value, t)]))
        result = Encoder(writer, leaves, no_inputs)(node)
        right = constant(writer, meaning(node, values), node.type)
        wrong.append(writer.apply("not", [writer.apply("=", [result, right])]))
    script.push()
    script.add(writer.apply("or", wrong))
    script.check()
    script.pop()
    script.check()
    text = "(set-logic QF_BV)\n" + script.text()
    z3: Any = importlib.import_module("z3")
    context = z3.Context()
    assert z3.Z3_eval_smtlib2_string(context.ref(), text).split() == ["unsat", "sat"]


def test_symbols_are_quoted_where_they_must_be() -> None:
    names = ["a", "a.b", "owner[3]", "x|y", "x~1y", "x\\y", "~", "and", "~and", "bv3", "$t0", "?0", "3x", "x y", "not", "let"]
    written = [symbol(n) for n in names]
    assert len(set(written)) == len(names)
    assert written[:3] == ["a", "a.b", "|owner[3]|"]
    bare = {w.strip("|") for w in written}
    assert len(bare) == len(names), "|x| and x are the same symbol"
    assert not bare & {"and", "not", "bv3", "$t0", "?0", "let"}


def test_what_is_not_core_is_refused() -> None:
    solver = make_solver("bitwuzla", Budget())
    with pytest.raises(NotCore):
        sort_of(Opt(BOOL))
    with pytest.raises(NotCore):
        Encoder(solver.writer, {"x": solver.writer.symbol("x", 8)}, no_inputs)(raw("some", Opt(Int(8)), (var("x", Int(8)),)))
