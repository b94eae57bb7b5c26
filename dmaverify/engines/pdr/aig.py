"""And-inverter graphs: conjunctions and negations of leaves, each conjunction there once.

A *literal* is ``2 * node``, plus one for its negation. Node 0 is *false*, so literal 0 is false and literal 1 is true. Operands
stand before what is made of them, so one pass from the first node to the last evaluates everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

FALSE = 0
TRUE = 1

Word = list[int]
"""Literals of the bits of a number, the lowest first."""


class Aig:
    """A graph under construction. ``left[n]`` and ``right[n]`` are the operands of node n; both are -1 for a leaf."""

    def __init__(self) -> None:
        self.left = [-1]
        self.right = [-1]
        self._table: dict[tuple[int, int], int] = {}

    def leaf(self) -> int:
        """The literal of a new leaf."""
        self.left.append(-1)
        self.right.append(-1)
        return 2 * (len(self.left) - 1)

    def is_leaf(self, node: int) -> bool:
        """Whether the node is a leaf (the constant is one)."""
        return self.left[node] < 0

    @property
    def size(self) -> int:
        """Number of conjunctions."""
        return len(self._table)

    def and_(self, a: int, b: int) -> int:
        """``a and b``, simplified by what is to be seen one level down."""
        if a > b:
            a, b = b, a
        if a < 2:
            return b if a else FALSE
        if a == b:
            return a
        if a ^ b == 1:
            return FALSE
        simple = self._absorbed(a, b)
        if simple >= 0:
            return simple
        found = self._table.get((a, b))
        if found is None:
            self.left.append(a)
            self.right.append(b)
            found = self._table[a, b] = 2 * (len(self.left) - 1)
        return found

    def _absorbed(self, a: int, b: int) -> int:
        """What ``a and b`` amounts to if an operand of one decides it; else -1."""
        for x, y in ((a, b), (b, a)):
            n = y >> 1
            p, q = self.left[n], self.right[n]
            if p < 0:
                continue
            if y & 1:  # y is not (p and q)
                if x in (p ^ 1, q ^ 1):
                    return x
                if x == p:
                    return self.and_(x, q ^ 1)
                if x == q:
                    return self.and_(x, p ^ 1)
            else:
                if x in (p, q):
                    return y
                if x in (p ^ 1, q ^ 1):
                    return FALSE
        if not (a | b) & 1:
            p, q, r, s = self.left[a >> 1], self.right[a >> 1], self.left[b >> 1], self.right[b >> 1]
            if p >= 0 and r >= 0 and (p ^ r == 1 or p ^ s == 1 or q ^ r == 1 or q ^ s == 1):
                return FALSE
        return -1

    def or_(self, a: int, b: int) -> int:
        """``a or b``."""
        return self.and_(a ^ 1, b ^ 1) ^ 1

    def xor(self, a: int, b: int) -> int:
        """``a differs from b``."""
        if a < 2:
            return b ^ a
        if b < 2:
            return a ^ b
        # negations are taken out, so that one difference has one node
        x, y, odd = a & ~1, b & ~1, (a ^ b) & 1
        return self.and_(self.and_(x, y) ^ 1, self.and_(x ^ 1, y ^ 1) ^ 1) ^ odd

    def mux(self, c: int, a: int, b: int) -> int:
        """``a`` if ``c``, else ``b``."""
        if a == b:
            return a
        if c < 2:
            return a if c else b
        if a ^ b == 1:
            return self.xor(c, b)
        return self.and_(self.and_(c, a) ^ 1, self.and_(c ^ 1, b) ^ 1) ^ 1

    def all_of(self, literals: Iterable[int]) -> int:
        """Conjunction of any number of literals, as a balanced tree."""
        level = sorted(set(literals))
        while len(level) > 1:
            level = [self.and_(*level[i : i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
        return level[0] if level else TRUE

    def any_of(self, literals: Iterable[int]) -> int:
        """Disjunction of any number of literals."""
        return self.all_of([x ^ 1 for x in literals]) ^ 1

    # -- whole graphs ------------------------------------------------------------------------------------------------

    def cone(self, roots: Iterable[int]) -> list[int]:
        """The nodes below some literals, leaves and roots among them, operands first."""
        seen = bytearray(len(self.left))
        todo = [r >> 1 for r in roots]
        while todo:
            n = todo.pop()
            if not seen[n]:
                seen[n] = 1
                if self.left[n] >= 0:
                    todo.append(self.left[n] >> 1)
                    todo.append(self.right[n] >> 1)
        return [n for n, here in enumerate(seen) if here]

    def values(self, leaves: Mapping[int, int], mask: int = 1, nodes: Sequence[int] | None = None) -> list[int]:
        """The value of every node, in ``mask``-wide bit-parallel; ``leaves`` gives those of leaf nodes, others are 0."""
        left, right = self.left, self.right
        value = [0] * len(left)
        for n in range(1, len(left)) if nodes is None else nodes:
            a = left[n]
            if a < 0:
                value[n] = leaves.get(n, 0)
                continue
            b = right[n]
            x = value[a >> 1] ^ mask if a & 1 else value[a >> 1]
            value[n] = x & (value[b >> 1] ^ mask if b & 1 else value[b >> 1])
        return value

    def copy_into(self, target: Aig, roots: Sequence[int], known: dict[int, int]) -> list[int]:
        """Rebuild the cones of some literals in another graph; ``known`` maps nodes to literals there and is added to."""
        known[0] = FALSE
        for n in self.cone(roots):
            if n not in known:
                a, b = self.left[n], self.right[n]
                known[n] = target.leaf() if a < 0 else target.and_(known[a >> 1] ^ a & 1, known[b >> 1] ^ b & 1)
        return [known[r >> 1] ^ r & 1 for r in roots]
