"""Native code computes what the operator table says: each operator at many widths, and random expressions."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Callable, Sequence

import pytest

pytest.importorskip("llvmlite")

from dmaverify.engines.native.emit import NotNative, Values, width
from dmaverify.engines.native.jit import CAREFUL, MUCH, NONE, PLAIN, QUICK, SOME, TIDY, Code, Effort
from dmaverify.engines.native.layout import Layout
from dmaverify.engines.native.memory import Array
from dmaverify.engines.native.text import TRAILER, Function
from dmaverify.engines.pycode import Packing
from dmaverify.ir.evaluate import Evaluator
from dmaverify.ir.expr import U32, Expr, raw, var
from dmaverify.ir.ops import OPS
from dmaverify.ir.system import Var
from dmaverify.ir.types import BOOL, Bool, Int, Type, Value
from tests.support.op_engines import corners, signatures
from tests.support.random_expr import ExprMaker, random_value, raw_build

WIDE = (Int(65), Int(70, True), Int(128))
WORDS = 4
"""Room for a result."""

EFFORTS = (NONE, PLAIN, QUICK, TIDY, CAREFUL, SOME, MUCH)


class Machine:
    """Expressions over some variables as one native function."""

    def __init__(self, variables: Sequence[Var], roots: Sequence[Expr], effort: Effort) -> None:
        self.layout = Layout(Packing(variables))
        self.roots = roots
        f = Function("void @all(ptr %s, ptr %out)")
        values = Values(f, self.layout, "%s")
        for n, root in enumerate(roots):
            bits = width(root.type)
            result = f.let(f"zext i{bits} {values(root)} to i{64 * WORDS}")
            f.do(f"store i{64 * WORDS} {result}, ptr {f.at('%out', n * WORDS)}, align 8")
        f.ret()
        self.code = Code((str(f) + TRAILER, effort))
        self.run = self.code.function("all", ctypes.c_void_p, ctypes.c_void_p)
        self.state, self.out = Array(self.layout.words), Array(WORDS * len(roots))

    def __call__(self, values: dict[str, Value]) -> list[Value]:
        """Their values in a state."""
        for n, word in enumerate(self.layout.to_words(self.layout.packing.pack(values))):
            self.state[n] = word
        self.run(self.state.address, self.out.address)
        found = []
        for n, root in enumerate(self.roots):
            code = sum(w << 64 * k for k, w in enumerate(self.out.slice(n * WORDS, WORDS)))
            found.append(bool(code) if isinstance(root.type, Bool) else root.type.wrap(code))  # type: ignore[attr-defined]
        return found


def core_signatures() -> list[tuple[str, tuple[Type, ...], Type]]:
    """Operators with core types only, among them some that are wider than a word."""
    found = []
    more = [(op, (t, t), None, None) for t in WIDE for op in ("add", "sub", "mul", "band", "bor", "bxor", "lt", "le", "eq")]
    more += [(op, (t,), None, None) for t in WIDE for op in ("neg", "bnot", "bitlen", "popcount")]
    more += [(op, (t, a), None, None) for t in WIDE for a in (Int(8), Int(8, True), t) for op in ("shl", "shr")]
    more += [("wrap", (a,), t, None) for t in (*WIDE, Int(8), Int(64, True)) for a in (*WIDE, BOOL, Int(8, True))]
    more += [("ite", (BOOL, t, t), None, None) for t in WIDE]
    for op, types, own, data in (*signatures(), *more):
        result = OPS[op].check(types, own, data)
        if all(isinstance(t, Bool | Int) for t in (*types, result)):
            found.append((op, types, result))
    return found


@pytest.mark.parametrize("effort", EFFORTS)
def test_every_operator(effort: Effort, rounds: Callable[[int, int], int]) -> None:
    """Corner and random values; unoptimised and optimised."""
    rng = random.Random(4)
    wanted = core_signatures()
    assert {op for op, _, _ in wanted} == {op for op in OPS if op in _CORE}
    types = sorted({t for _, ts, _ in wanted for t in ts}, key=str)
    variables = [Var(f"{t}.{n}", t, t.default) for t in types for n in range(3)]
    roots = [raw(op, t, tuple(var(f"{a}.{n}", a) for n, a in enumerate(ts)), None) for op, ts, t in wanted]
    machine = Machine(variables, roots, effort)
    for number in range(rounds(40, 400)):
        pick = (lambda t: rng.choice(corners(t))) if number % 2 else (lambda t: random_value(rng, t))
        state = {v.name: pick(v.type) for v in variables}
        for root, got in zip(roots, machine(state), strict=True):
            values = [state[a.data] for a in root.args]
            assert got == OPS[root.op].meaning(values, [a.type for a in root.args], root.type, None), (root, values)


_CORE = {
    *("not", "and", "or", "eq", "ite", "add", "sub", "mul", "div", "rem", "shl", "shr", "band", "bor", "bxor"),
    *("neg", "bnot", "lt", "le", "wrap", "bitlen", "popcount"),
}


@pytest.mark.parametrize("effort", EFFORTS)
def test_random_expressions(effort: Effort, rounds: Callable[[int, int], int]) -> None:
    """Built as they are, so that LLVM has constants to fold."""
    rng = random.Random(15 + EFFORTS.index(effort))
    types = (BOOL, Int(1), Int(1, True), Int(3), Int(8, True), U32, Int(33, True), Int(64), Int(64, True))
    variables = [Var(f"v{n}", t, t.default) for n, t in enumerate(types)]
    leaves = [var(v.name, v.type) for v in variables]
    maker = ExprMaker(rng, leaves, types, raw_build)
    for _ in range(rounds(2, 40)):
        roots = [maker.expr(rng.choice(types), 4) for _ in range(60)]
        machine = Machine(variables, roots, effort)
        for _ in range(20):
            state = {v.name: random_value(rng, v.type) for v in variables}
            evaluate = Evaluator(lambda node, known=state: known[node.data])  # type: ignore[misc]
            for root, got in zip(roots, machine(state), strict=True):
                assert got == evaluate(root), root


def test_layout_keeps_every_value() -> None:
    """In words that never use the first one's top bit; a narrow System has one word, as in Python."""
    rng = random.Random(3)
    for types in ((BOOL, Int(62)), (BOOL, Int(63)), (Int(64), BOOL, Int(130), Int(7), Int(60, True), Int(64, True))):
        packing = Packing([Var(f"v{n}", t, t.default) for n, t in enumerate(types)])
        layout = Layout(packing)
        assert layout.words == 1 or packing.bits > 63
        for _ in range(20):
            state = packing.pack({f"v{n}": random_value(rng, t) for n, t in enumerate(types)})
            words = layout.to_words(state)
            assert layout.to_state(words) == state
            assert words[0] < 1 << 63 and all(w < 1 << 64 for w in words)
            assert layout.words > 1 or words == [state]


def test_what_native_code_does_not_do() -> None:
    """Is said, so that the search in Python can do it."""
    wide = Int(128)
    a = var("a", wide)
    with pytest.raises(NotNative, match="128 bits"):
        Machine([Var("a", wide, 0)], [raw("div", wide, (a, a), None)], NONE)
