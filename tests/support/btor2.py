"""A reader of BTOR2 that runs models: written from the format's description, and sharing nothing with the writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


def _signed(x: int, width: int) -> int:
    return x - (1 << width) if x >> (width - 1) else x


def _divided(a: int, b: int, width: int) -> int:
    x, y = _signed(a, width), _signed(b, width)
    if y == 0:
        return 1 if x < 0 else -1
    return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


def _remainder(a: int, b: int, width: int) -> int:
    x, y = _signed(a, width), _signed(b, width)
    if y == 0:
        return x
    return abs(x) % abs(y) * (-1 if x < 0 else 1)


_BINARY: dict[str, Callable[[int, int, int], int]] = {
    "and": lambda a, b, w: a & b,
    "or": lambda a, b, w: a | b,
    "xor": lambda a, b, w: a ^ b,
    "implies": lambda a, b, w: (a ^ 1) | b,
    "add": lambda a, b, w: a + b,
    "sub": lambda a, b, w: a - b,
    "mul": lambda a, b, w: a * b,
    "udiv": lambda a, b, w: a // b if b else -1,
    "urem": lambda a, b, w: a % b if b else a,
    "sdiv": _divided,
    "srem": _remainder,
    "sll": lambda a, b, w: a << b if b < w else 0,
    "srl": lambda a, b, w: a >> b if b < w else 0,
    "sra": lambda a, b, w: _signed(a, w) >> min(b, w),
    "eq": lambda a, b, w: a == b,
    "ult": lambda a, b, w: a < b,
    "ulte": lambda a, b, w: a <= b,
    "slt": lambda a, b, w: _signed(a, w) < _signed(b, w),
    "slte": lambda a, b, w: _signed(a, w) <= _signed(b, w),
}


@dataclass
class Btor2:
    """A model that was read; AssertionError where the text is not well-formed."""

    widths: dict[int, int] = field(default_factory=dict)
    nodes: dict[int, list[str]] = field(default_factory=dict)
    """Operators and constants: the words of the line without its number."""
    states: dict[int, str] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    init: dict[int, int] = field(default_factory=dict)
    next: dict[int, int] = field(default_factory=dict)
    constraints: list[int] = field(default_factory=list)
    bads: list[int] = field(default_factory=list)

    def evaluate(self, leaves: Mapping[int, int]) -> dict[int, int]:
        """The value of every node; ``leaves`` gives those of states and inputs."""
        value = dict(leaves)
        for n, words in self.nodes.items():
            value[n] = self._value(words, value, self.widths[n]) & ((1 << self.widths[n]) - 1)
        return value

    def _value(self, words: list[str], value: Mapping[int, int], width: int) -> int:
        op, rest = words[0], words[2:]
        if op == "const":
            return int(rest[0], 2)
        args = [value[int(a)] for a in rest[: 1 if op in ("slice", "uext", "sext") else len(rest)]]
        own = self.widths[int(rest[0])]
        if op == "slice":
            return args[0] >> int(rest[2])
        if op == "uext":
            return args[0]
        if op == "sext":
            return _signed(args[0], own)
        if op == "not":
            return ~args[0]
        if op == "neg":
            return -args[0]
        if op == "ite":
            return args[1] if args[0] else args[2]
        if op == "concat":
            return args[0] << self.widths[int(rest[1])] | args[1]
        return _BINARY[op](args[0], args[1], own)


def read(text: str) -> Btor2:
    """Parse and check: numbers grow, sorts fit, every state has one next value, initial values stand before states."""
    m, sorts, last = Btor2(), dict[int, int](), 0
    for line in text.splitlines():
        words = line.split(";")[0].split()
        if not words:
            continue
        n, words = int(words[0]), words[1:]
        assert n > last
        last = n
        if words[0] == "sort":
            assert words[1] == "bitvec"
            sorts[n] = int(words[2])
            assert sorts[n] > 0
            continue
        if words[0] in ("bad", "constraint"):
            (m.bads if words[0] == "bad" else m.constraints).append(int(words[1]))
            assert m.widths[int(words[1])] == 1
            continue
        width = sorts[int(words[1])]
        if words[0] in ("init", "next"):
            state, node = int(words[2]), int(words[3])
            known = m.init if words[0] == "init" else m.next
            assert state in m.states
            assert state not in known
            assert m.widths[state] == m.widths[node] == width
            assert words[0] == "next" or node < state
            known[state] = node
            continue
        m.widths[n] = width
        if words[0] in ("state", "input"):
            (m.states if words[0] == "state" else m.inputs)[n] = words[2]
            continue
        _sorts_fit(m, words, width)
        m.nodes[n] = words
    assert set(m.next) == set(m.states)
    assert len(set(m.states.values())) == len(m.states)
    return m


def _sorts_fit(m: Btor2, words: list[str], width: int) -> None:
    op, rest = words[0], words[2:]
    if op == "const":
        assert len(rest[0]) == width
        return
    count = 1 if op in ("slice", "uext", "sext", "not", "neg") else 3 if op == "ite" else 2
    args = [m.widths[int(a)] for a in rest[:count]]
    if op == "slice":
        upper, lower = int(rest[1]), int(rest[2])
        assert args[0] > upper >= lower >= 0
        assert width == upper - lower + 1
    elif op in ("uext", "sext"):
        assert width == args[0] + int(rest[1])
    elif op == "concat":
        assert width == sum(args)
    elif op == "ite":
        assert args == [1, width, width]
    elif op in ("eq", "ult", "ulte", "slt", "slte"):
        assert args[0] == args[1]
        assert width == 1
    else:
        assert all(a == width for a in args)
    if op == "implies":
        assert width == 1
