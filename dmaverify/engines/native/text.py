"""LLVM functions as text, written line by line.

Text is several times faster to make than llvmlite's builder objects, which matters for Systems with thousands of actions.
Loops and branches are context managers; variables that change are stack slots, which LLVM turns into registers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST = 400
"""Lines of a block without a branch, after which another one begins: the time that LLVM takes grows with the square of their number."""


class Function:
    """One function. Values are names (``%12``) or literals; types are written out by the caller, ``i64`` is the default."""

    def __init__(self, head: str, attributes: str = "nounwind") -> None:
        self._head, self._attributes = head, attributes
        self._entry: list[str] = []
        self._lines: list[str] = []
        self._fresh = 0
        self._ended = False
        self._block = 0
        """Where the block begins."""

    def __str__(self) -> str:
        head = f"define {self._head} {self._attributes} {{"
        return "\n".join([head, "entry:", *self._entry, "  br label %start", "start:", *self._lines, "}", ""])

    # -- lines ------------------------------------------------------------------------------------------

    def name(self) -> str:
        """A new value name."""
        self._fresh += 1
        return f"%v{self._fresh}"

    def let(self, source: str) -> str:
        """A new value."""
        if len(self._lines) - self._block > LONGEST:
            self.start(self.label())
        self._fresh += 1
        name = f"%v{self._fresh}"
        self._lines.append(f"  {name} = {source}")
        return name

    def at_entry(self, source: str) -> str:
        """A new value, computed at the start of the function."""
        name = self.name()
        self._entry.append(f"  {name} = {source}")
        return name

    def do(self, source: str) -> None:
        """An instruction without a value."""
        self._lines.append(f"  {source}")

    def ret(self, source: str = "void") -> None:
        """Return; nothing may follow in this block."""
        self.do(f"ret {source}")
        self._ended = True

    # -- blocks -----------------------------------------------------------------------------------------

    def label(self) -> str:
        """A new block name."""
        self._fresh += 1
        return f"b{self._fresh}"

    def start(self, label: str) -> None:
        """Begin a block; the one before falls through to it unless it has ended."""
        if not self._ended:
            self.do(f"br label %{label}")
        self._ended = False
        self._lines.append(f"{label}:")
        self._block = len(self._lines)

    def jump(self, label: str) -> None:
        """End the block."""
        if not self._ended:
            self.do(f"br label %{label}")
        self._ended = True

    def branch(self, condition: str, yes: str, no: str, likely: bool | None = None) -> None:
        """End the block with a choice."""
        weight = "" if likely is None else f", !prof !{0 if likely else 1}"
        self.do(f"br i1 {condition}, label %{yes}, label %{no}{weight}")
        self._ended = True

    @contextmanager
    def when(self, condition: str, likely: bool | None = None) -> Iterator[None]:
        """What is written inside happens only if the condition holds."""
        yes, done = self.label(), self.label()
        self.branch(condition, yes, done, likely)
        self.start(yes)
        yield
        self.start(done)

    @contextmanager
    def loop(self) -> Iterator[tuple[str, str]]:
        """For ever; yields the labels to jump to for the next round and for the end."""
        again, done = self.label(), self.label()
        self.start(again)
        yield again, done
        self.jump(again)
        self.start(done)

    @contextmanager
    def count(self, first: str, end: str) -> Iterator[str]:
        """For each i64 from ``first`` below ``end``; yields it."""
        i = self.var("i64")
        self.set(i, first)
        with self.loop() as (_, done):
            now = self.get(i)
            body = self.label()
            self.branch(self.cmp("ult", now, end), body, done)
            self.start(body)
            yield now
            self.set(i, self.add(now, "1"))

    # -- values -----------------------------------------------------------------------------------------

    def var(self, type: str = "i64") -> str:
        """A variable: a stack slot, to be used with ``get`` and ``set``."""
        return self.at_entry(f"alloca {type}")

    def get(self, var: str, type: str = "i64") -> str:
        """Value of a variable, or what a pointer points to."""
        return self.let(f"load {type}, ptr {var}")

    def set(self, var: str, value: str, type: str = "i64") -> None:
        """Assign."""
        self.do(f"store {type} {value}, ptr {var}")

    def at(self, pointer: str, index: str | int, type: str = "i64") -> str:
        """Address of an element."""
        return self.let(f"getelementptr inbounds {type}, ptr {pointer}, i64 {index}")

    def cmp(self, kind: str, a: str, b: str, type: str = "i64") -> str:
        """A comparison."""
        return self.let(f"icmp {kind} {type} {a}, {b}")

    def op(self, kind: str, a: str, b: str, type: str = "i64") -> str:
        """Any other operator with two operands of one type."""
        return self.let(f"{kind} {type} {a}, {b}")

    def add(self, a: str, b: str) -> str:
        """Sum."""
        return self.op("add", a, b)

    def pick(self, condition: str, a: str, b: str, type: str = "i64") -> str:
        """One of two values."""
        return self.let(f"select i1 {condition}, {type} {a}, {type} {b}")


def fields(f: Function, base: str) -> tuple[Callable[[int], str], Callable[[int, str], None]]:
    """Read and write the i64 members of a structure."""

    def read(index: int) -> str:
        return f.get(f.at(base, index))

    def write(index: int, value: str) -> None:
        f.set(f.at(base, index), value)

    return read, write


TRAILER = """
!0 = !{!"branch_weights", i32 64, i32 1}
!1 = !{!"branch_weights", i32 1, i32 64}
"""
