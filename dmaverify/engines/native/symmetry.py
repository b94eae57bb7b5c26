"""Normal forms modulo symmetry as native code: the same as ``engines.symmetric`` computes, in place.

One function for each stage. Elements are put in ascending order by a network of comparisons, without a branch: whether two are in
order is what nothing can predict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dmaverify.engines.native.emit import Values, width
from dmaverify.engines.native.layout import Layout
from dmaverify.engines.native.text import TRAILER, Function
from dmaverify.engines.symmetric import moved
from dmaverify.ir.symmetry import Elements, Few, Symmetry

NAME = "canonical"
"""The function ``void (ptr)`` that replaces a state."""


def text(symmetry: Symmetry, layout: Layout) -> str:
    """A module with that function."""
    stages = []
    for n, stage in enumerate(symmetry.stages):
        f = Function(f"internal void @stage{n}(ptr %s)")
        writer = _Stage(f, layout)
        if isinstance(stage, Elements):
            writer.elements(stage)
        else:
            writer.few(stage)
        f.ret()
        stages.append(str(f))
    f = Function(f"void @{NAME}(ptr %s)")
    for n in range(len(stages)):
        f.do(f"call void @stage{n}(ptr %s)")
    f.ret()
    return "\n".join([*stages, str(f), TRAILER])


class _Stage:
    """Writes one stage."""

    def __init__(self, f: Function, layout: Layout) -> None:
        self.f, self.layout = f, layout
        self.v = Values(f, layout, "%s")
        self._new: dict[int, str] = {}

    def elements(self, stage: Elements) -> None:
        """Elements in ascending order of their keys."""
        f = self.f
        keys = [self._take(c) for c in stage.columns]
        t = f"i{self._bits(stage.columns[0])}"
        for a, b in network(len(keys)):
            less = f.cmp("ult", keys[b], keys[a], t)
            keys[a], keys[b] = f.pick(less, keys[b], keys[a], t), f.pick(less, keys[a], keys[b], t)
        for c, key in zip(stage.columns, keys, strict=True):
            self._put(c, key)
        self._store()

    def few(self, stage: Few) -> None:
        """The least key of all that permutations make."""
        f, names = self.f, moved(stage)
        t = f"i{self._bits(names)}"
        best = ""
        for p in stage.permutations:
            back = {there: here for here, there in p.items()}
            key = self._take([back.get(n, n) for n in names])
            best = f.pick(f.cmp("ult", key, best, t), key, best, t) if best else key
        self._put(names, best)
        self._store()

    def _size(self, name: str) -> int:
        return width(self.layout.packing.type[name])

    def _bits(self, names: Sequence[str]) -> int:
        return sum(map(self._size, names))

    def _take(self, names: Sequence[str]) -> str:
        """A key made of some variables, the first of them least."""
        f, bits = self.f, self._bits(names)
        key, at = "", 0
        for name in names:
            size = self._size(name)
            value = self.v.variable(name, size)
            wide = f.let(f"zext i{size} {value} to i{bits}") if size < bits else value
            placed = f.op("shl", wide, str(at), f"i{bits}") if at else wide
            key = f.op("or", key, placed, f"i{bits}") if key else placed
            at += size
        return key

    def _put(self, names: Sequence[str], key: str) -> None:
        """Give the variables the values in a key."""
        f, bits, at = self.f, self._bits(names), 0
        for name in names:
            for p in self.layout.pieces[name]:
                low = at + p.low
                value = f.op("lshr", key, str(low), f"i{bits}") if low else key
                if bits != 64:
                    value = f.let(f"{'trunc' if bits > 64 else 'zext'} i{bits} {value} to i64")
                value = f.op("and", value, str((1 << p.bits) - 1))
                value = f.op("shl", value, str(p.shift)) if p.shift else value
                rest = f.op("and", self._new.get(p.word) or self.v.word(p.word), str(~(((1 << p.bits) - 1) << p.shift) & (1 << 64) - 1))
                self._new[p.word] = f.op("or", rest, value)
            at += self._size(name)

    def _store(self) -> None:
        for n, word in self._new.items():
            self.f.set(self.f.at("%s", n), word)


def network(n: int) -> Iterator[tuple[int, int]]:
    """Pairs to be put in order, one after the other, so that n things are sorted (Batcher's merge exchange)."""
    p = 1
    while p < n:
        k = p
        while k:
            for j in range(k % p, n - k, 2 * k):
                for i in range(min(k, n - j - k)):
                    if (i + j) // (2 * p) == (i + j + k) // (2 * p):
                        yield i + j, i + j + k
            k //= 2
        p *= 2
