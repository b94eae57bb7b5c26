"""And-inverter graphs and the bit-blaster: every operator of core IR against the operator table, and what a graph may simplify."""

from __future__ import annotations

import itertools
import random

import pytest

from dmaverify.engines.pdr.aig import FALSE, TRUE, Aig
from dmaverify.engines.pdr.blast import Blaster, NotCore, constant, decoded, width_of
from dmaverify.engines.pdr.cnf import Cnf
from dmaverify.engines.pdr.sat import Sat
from dmaverify.ir.expr import Expr, raw, var
from dmaverify.ir.types import BOOL, Int, Opt, Type, Value
from tests.test_smt_ops import BINARY, INTS, UNARY, build, meaning, shapes, tuples


def no_inputs(name: str, t: Type) -> list[int]:
    """There are none here."""
    raise AssertionError(name)


class Built:
    """The graph of one expression over variables."""

    def __init__(self, node: Expr, names: list[str], types: tuple[Type, ...]) -> None:
        self.graph, self.node = Aig(), node
        self.words = {n: [self.graph.leaf() for _ in range(width_of(t))] for n, t in zip(names, types, strict=True)}
        self.result = Blaster(self.graph, self.words, no_inputs)(node)

    def leaves(self, values: tuple[Value, ...]) -> dict[int, int]:
        """Values of the variables as values of leaf nodes."""
        found: dict[int, int] = {}
        for word, value in zip(self.words.values(), values, strict=True):
            found.update((bit >> 1, int(value) >> n & 1) for n, bit in enumerate(word))
        return found

    def evaluate(self, values: tuple[Value, ...]) -> Value:
        """By simulation."""
        nodes = self.graph.values(self.leaves(values))
        return decoded(sum((nodes[x >> 1] ^ x & 1) << n for n, x in enumerate(self.result)), self.node.type)

    def solve(self, values: tuple[Value, ...]) -> Value:
        """By the clauses of the graph, in a SAT solver."""
        leaves = sorted(self.leaves(values))
        cnf = Cnf(self.graph, leaves, self.result)
        solver = Sat(cnf, lambda: None)
        given = self.leaves(values)
        wanted = [cnf.literal(x) for x in self.result]
        solver.need(wanted)
        assert solver.solve([n if given[leaf] else -n for n, leaf in enumerate(leaves, 1)])
        model = set(solver.model())
        solver.close()
        return decoded(sum((x in model) << n for n, x in enumerate(wanted)), self.node.type)


def test_operators_mean_what_the_table_says() -> None:
    rng = random.Random(3)
    tried = set()
    for op, types, own in shapes():
        tried.add(op)
        names = [f"x{i}" for i in range(len(types))]
        built = Built(build(op, types, own, names), names, types)
        for values in tuples(op, types, rng):
            expected = meaning(built.node, values)
            assert built.evaluate(values) == expected, f"{op}{types} of {values}"
        if op not in ("mul", "div", "rem") or types[0] in INTS[:4]:
            assert built.solve(values) == expected, f"{op}{types} of {values} by clauses"
    assert tried == {"shl", "shr", "wrap", "ite", "not", "and", "or", *BINARY, *UNARY}


@pytest.mark.parametrize("op", ["add", "sub", "mul", "div", "rem", "lt", "le", "eq", "shl", "shr", "neg", "bitlen", "popcount"])
@pytest.mark.parametrize("t", [Int(3), Int(3, True)], ids=str)
def test_small_widths_in_full(op: str, t: Int) -> None:
    """Three bits are no power of two: shifts by more than the width, remainders and borders, all of them."""
    types: tuple[Type, ...] = (t,) if op in UNARY else (t, t)
    names = [f"x{i}" for i in range(len(types))]
    built = Built(build(op, types, None, names), names, types)
    for values in itertools.product(range(t.lo, t.hi + 1), repeat=len(types)):
        assert built.evaluate(values) == meaning(built.node, values), values


def test_constants_take_part_in_every_operator() -> None:
    """With constants for leaves the graph simplifies itself to a constant."""
    rng = random.Random(4)
    for op, types, own in shapes():
        values = rng.choice(tuples(op, types, rng))
        node = build(op, types, own, [f"x{i}" for i in range(len(types))])
        graph = Aig()
        words = {f"x{i}": constant(v, t) for i, (v, t) in enumerate(zip(values, types, strict=True))}
        result = Blaster(graph, words, no_inputs)(node)
        assert graph.size == 0 and decoded(sum(x << n for n, x in enumerate(result)), node.type) == meaning(node, values), node


def test_what_is_not_core_is_refused() -> None:
    with pytest.raises(NotCore):
        width_of(Opt(BOOL))
    graph = Aig()
    with pytest.raises(NotCore):
        Blaster(graph, {"x": [graph.leaf()]}, no_inputs)(raw("present", BOOL, (var("x", Opt(BOOL)),)))


def test_equal_conjunctions_are_one_node() -> None:
    g = Aig()
    a, b, c = g.leaf(), g.leaf(), g.leaf()
    assert g.and_(a, b) == g.and_(b, a)
    assert g.size == 1
    assert (g.and_(a, TRUE), g.and_(a, FALSE), g.and_(a, a), g.and_(a, a ^ 1)) == (a, FALSE, a, FALSE)
    ab = g.and_(a, b)
    assert g.and_(ab, a) == ab and g.and_(ab, a ^ 1) == FALSE
    assert g.and_(ab ^ 1, a ^ 1) == a ^ 1 and g.and_(ab ^ 1, a) == g.and_(a, b ^ 1)
    assert g.and_(ab, g.and_(a ^ 1, c)) == FALSE
    assert g.mux(c, a, a) == a and g.mux(c, a, a ^ 1) == g.xor(c, a) ^ 1


def _random_graph(rng: random.Random, leaves: int, size: int) -> tuple[Aig, list[int], list[int]]:
    g = Aig()
    pool = [g.leaf() for _ in range(leaves)]
    own = [x >> 1 for x in pool]
    for _ in range(size):
        a, b, c = (rng.choice(pool) ^ rng.randint(0, 1) for _ in range(3))
        pool.append(rng.choice([g.and_(a, b), g.or_(a, b), g.xor(a, b), g.mux(a, b, c)]))
    return g, own, pool


def test_simplification_and_clauses_keep_the_function() -> None:
    """Random graphs: the SAT solver and the simulation agree on every node, for every input; so does a copy."""
    rng = random.Random(8)
    for _ in range(30):
        g, leaves, pool = _random_graph(rng, 5, 25)
        roots = [x for x in pool[-6:] if x > 1]
        cnf = Cnf(g, leaves, roots)
        solver = Sat(cnf, lambda: None)
        wanted = [cnf.literal(x) for x in roots]
        solver.need(wanted)
        other = Aig()
        known = {leaf: other.leaf() for leaf in leaves}
        copied = g.copy_into(other, roots, dict(known))
        for bits in itertools.product((0, 1), repeat=len(leaves)):
            values = g.values(dict(zip(leaves, bits, strict=True)))
            again = other.values({known[leaf] >> 1: bit for leaf, bit in zip(leaves, bits, strict=True)})
            assumed = [n if bit else -n for n, bit in enumerate(bits, 1)]
            for x, literal, y in zip(roots, wanted, copied, strict=True):
                holds = bool(values[x >> 1] ^ x & 1)
                assert bool(again[y >> 1] ^ y & 1) == holds
                assert solver.solve([*assumed, literal]) == holds
        solver.close()


def test_values_are_computed_for_many_inputs_at_once() -> None:
    g = Aig()
    a, b = g.leaf(), g.leaf()
    x = g.xor(a, b)
    mask = 0b1111
    values = g.values({a >> 1: 0b0101, b >> 1: 0b0011}, mask)
    assert values[x >> 1] ^ (mask if x & 1 else 0) == 0b0110
