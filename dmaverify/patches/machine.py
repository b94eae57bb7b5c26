"""One side of a comparison as an automaton: states, and moves that are hidden or labelled with what can be seen.

A *label* is a thread and a text. Which labels there are depends on the view:

* ``addresses``: every event and every mark of a call (``lang.lower.marks``), with all numbers.
* ``events``: the same, but an address is where it stands in a page, and which page of those that the word has named before.
  So is a piece of memory. What counts as an address is what the language types as one.
* ``results``: only the marks, and of addresses only whether they are null.

A run that can go on no more ends with a label of its own: every thread has ended, a deadlock, or a built-in check that fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field

from dmaverify.engines.successors import Compiled as Functions
from dmaverify.engines.successors import Hit, Move
from dmaverify.ir import encoding
from dmaverify.ir.pipeline import prepare, to_core
from dmaverify.ir.show import show
from dmaverify.ir.types import Index, Map, Mask, Opt, Record, Type, Value
from dmaverify.lang import sem
from dmaverify.lang.compile import Compiled
from dmaverify.lang.lower.graph import TURNED
from dmaverify.lang.lower.marks import CALL, END, RESULT, RETURN
from dmaverify.patches.instrument import FAILS, SEEN, STOP, WORDS, Instrumented, arg_name, instrument, kind_name

PAGE = 4096
"""Addresses of one block of so many bytes belong together, where the program names no blocks of memory itself."""

ENDED, STUCK = "every thread has ended", "deadlock: no thread goes on"
"""How a run ends that does not end with a built-in check."""


@dataclass(frozen=True)
class Letter:
    """Something seen: a mark of a call or an event, with its arguments as they are."""

    thread: str
    event: str
    args: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, order=True)
class Label:
    """What a view makes of a letter."""

    thread: str
    kind: str
    """``call``, ``return``, ``end``, ``event`` or ``mark``."""
    text: str
    proc: str = ""
    """For calls and returns: of what; for events: the event."""


Names = tuple[tuple[str, int], ...]
"""Blocks of memory, each with the kind of address that named it, in the order of their first appearance."""

Element = tuple[int, tuple[Letter, ...], Names]
"""A state, what has been seen in the step to it and is not yet read, and what has been named."""


class TooMany(Exception):
    """The budget of states is used up."""


@dataclass
class Node:
    """An element's moves."""

    hidden: tuple[Element, ...] = ()
    labelled: tuple[tuple[Label, Element | None], ...] = ()
    """None: nothing can be seen behind it."""


@dataclass
class Machine:
    """The automaton of one compiled System, in one view."""

    compiled: Compiled
    view: str
    budget: int
    """So many elements may be looked at."""
    watched: str = ""
    """A property that ``violates`` is asked about; then nothing is sliced away."""
    fuse: bool = True
    """False: one step for each statement; the words are the same."""
    nodes: dict[Element, Node] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.seen: Instrumented = instrument(self.compiled.system, (self.watched,) if self.watched else ())
        core = to_core(self.seen.system)
        asked = (WORDS, self.watched) if self.watched else (WORDS,)
        slices = prepare(core, asked, fuse=self.fuse, slice=not self.watched).slices
        self.flat = core.flat
        self.dumb = not slices
        """Nothing can ever be seen."""
        if self.dumb:
            return
        self.system = slices[0].system
        self.functions = Functions(self.system)
        targets = self.functions.targets
        for n, t in enumerate(targets):
            self.functions.wanted[n] = t.prop == self.watched
            self.functions.exercised[n] = 1
        self.packing = self.functions.packing
        self.out = 0
        self.clear = 0
        for v in self.system.vars:
            if v.name.startswith(SEEN):
                self.out |= self.packing.mask(v.name)
                self.clear |= self.packing.place(v.name, v.init)
        self.letters: dict[tuple[int, str], tuple[Letter, ...]] = {}
        self.types = {e.name: {n: ty for n, ty, _ in e.params} for e in self.compiled.events.values()}
        self.tasks = {t.name for t in self.system.threads if not t.is_device}
        self.standing: dict[int, Label | None] = {}
        self.fixed: dict[str, tuple[Value, ...]] = {}

    def seen_as(self, view: str) -> Machine:
        """The same System in another view."""
        other = copy(self)
        other.view, other.nodes = view, {}
        return other

    # -- the automaton ----------------------------------------------------------------------------------

    def initial(self) -> frozenset[Element]:
        """The elements to start from."""
        if self.dumb:
            return frozenset()
        return frozenset((s & ~self.out | self.clear, (), ()) for s in self.functions.initial_states())

    def node(self, e: Element) -> Node:
        """The moves of an element; ``TooMany`` if the budget is used up."""
        known = self.nodes.get(e)
        if known is None:
            if len(self.nodes) >= self.budget:
                raise TooMany
            known = self.nodes[e] = self._expand(e)
        return known

    def _expand(self, e: Element) -> Node:
        state, pending, names = e
        hidden: list[Element] = []
        labelled: list[tuple[Label, Element | None]] = []
        if pending:
            label, after = self.label(pending[0], names)
            if label is not None and label.kind == "mark":
                return Node((), ((label, None),))
            following = (state, pending[1:], after)
            if label is None:
                hidden.append(following)
            else:
                labelled.append((label, following))
            return Node(tuple(hidden), tuple(labelled))
        moves, hits = self.moves(state)
        for m in moves:
            seen = self.seen_in(m)
            target = (m.state & ~self.out | self.clear, seen, names)
            if target != e:
                hidden.append(target)
        tasks = [self.system.actions[n].thread in self.tasks for n in (*(m.action for m in moves), *(h.action for h in hits))]
        mark = None if any(tasks) else self.ending(state)
        if mark is not None:
            labelled.append((mark, None))
        return Node(tuple(dict.fromkeys(hidden)), tuple(dict.fromkeys(labelled)))

    def moves(self, state: int) -> tuple[list[Move], list[Hit]]:
        """What can happen in a state."""
        moves: list[Move] = []
        hits: list[Hit] = []
        self.functions.moves(state, moves, hits)
        return [Move(*m) for m in moves], [Hit(*h) for h in hits]

    def violates(self, e: Element) -> bool:
        """Whether the watched property fails in an element: in its state, or next in the step to it.

        The state is that behind the step. If it is a wrong one, it is the event that makes it so which fails.
        """
        state, pending, _ = e
        if pending and pending[0].event != TURNED + self.watched:
            return pending[0].event in (FAILS + self.watched, STOP + self.watched)
        found: list[int] = []
        self.functions.observe(state, found)
        return any(self.functions.targets[n].prop == self.watched for n in found)

    def ending(self, state: int) -> Label | None:
        """How a run ends here, if no thread can ever move again, whatever the hardware does."""
        if state not in self.standing:
            self.standing[state] = self._judge(state)
        return self.standing[state]

    def _judge(self, state: int) -> Label | None:
        todo, known = [state], {state}
        while todo:
            moves, hits = self.moves(todo.pop())
            actions = [m.action for m in moves] + [h.action for h in hits]
            if any(self.system.actions[n].thread in self.tasks for n in actions):
                return None
            for m in moves:
                after = m.state & ~self.out | self.clear
                if after not in known:
                    known.add(after)
                    todo.append(after)
        value = self.packing.value
        done = all(
            value(state, t.pc) in t.ends | t.idle for t in self.system.threads if t.name in self.tasks and t.pc in self.packing.offset
        )
        return Label("", "mark", ENDED if done else STUCK)

    # -- letters ----------------------------------------------------------------------------------------

    def seen_in(self, move: Move) -> tuple[Letter, ...]:
        """What can be seen in a move, in its order."""
        bits = move.state & self.out
        thread = self.system.actions[move.action].thread or ""
        key = bits, thread
        if key not in self.letters:
            self.letters[key] = tuple(self._read(move.state, thread)) if bits != self.clear else ()
        return self.letters[key]

    def _read(self, state: int, thread: str) -> Iterator[Letter]:
        for slot in range(self.seen.slots):
            code = self._value(state, kind_name(slot))
            if not code:
                continue
            event = self.seen.events[code - 1]
            params = self.seen.args[slot, event]
            yield Letter(thread, event, tuple((n, self._value(state, arg_name(slot, event, n))) for n, _ in params))

    def _value(self, state: int, name: str) -> Value:
        """The value of a variable of the instrumented System."""
        known = self.constants(name)
        leaves = zip(self.flat.layout[name], known, strict=True)
        scalars = [self.packing.value(state, leaf) if value is None else value for leaf, value in leaves]
        return encoding.decode(self.seen.system.var(name).type, iter(scalars))

    def constants(self, name: str) -> tuple[Value, ...]:
        """The scalars of a variable of the instrumented System that never change; None in the place of those that do."""
        if name not in self.fixed:
            of = self.seen.system.var(name)
            leaves = zip(self.flat.layout[name], encoding.encode(of.init, of.type), strict=True)
            kept = self.packing.offset
            self.fixed[name] = tuple(None if leaf in kept else self.flat.folded.get(leaf, first) for leaf, first in leaves)
        return self.fixed[name]

    def label(self, letter: Letter, names: Names) -> tuple[Label | None, Names]:
        """What the view makes of a letter, None if it does not show it; and what has been named afterwards."""
        kind, proc = _kind(letter.event)
        if kind == "mark":
            return Label(letter.thread, "mark", f"the built-in check {proc} fails: nothing is meant any more"), names
        if kind == "fails" or (self.view == "results" and kind == "event"):
            return None, names
        shower = _Shower(self.view, names)
        types = self.types.get(letter.event, {})
        of = {n: t for (slot, event), params in self.seen.args.items() if event == letter.event for n, t in params}
        shown = [(n, shower.show(v, of[n], types.get(n))) for n, v in letter.args]
        text = ", ".join(f"{n} = {v}" for n, v in shown if v)
        if kind == "return":
            result = next((v for n, v in shown if n == RESULT and v), "")
            said = f"{proc} returns {result}".rstrip()
        elif kind == "end":
            said = f"{proc} ends"
        else:
            said = f"{proc}({text})"
        return Label(letter.thread, kind, said, proc), shower.names


def _kind(event: str) -> tuple[str, str]:
    for prefix in (CALL, RETURN, END):
        if event.startswith(prefix):
            return prefix.strip(), event[len(prefix) :]
    if event.startswith(STOP):
        return "mark", event[len(STOP) :]
    for prefix in (FAILS, TURNED):
        if event.startswith(prefix):
            return "fails", event[len(prefix) :]
    return "event", event


class _Shower:
    """Writes values as a view shows them."""

    def __init__(self, view: str, names: Names) -> None:
        self.view, self.names = view, names

    def show(self, value: Value, t: Type, ty: sem.SemType | None) -> str:
        """The value as text; empty if the view does not show it."""
        if self.view == "addresses" or ty is None:
            return show(value, t)
        if value is None:
            return "null"
        if isinstance(ty, sem.OptT):
            assert isinstance(t, Opt)
            return self.show(value, t.of, ty.of) or "not null"
        if isinstance(ty, sem.SpaceT) and ty.base.unit == "bytes":
            return self._address(value, ty.name)
        if isinstance(ty, sem.IndexT) and ty.is_partition and ty.kind != "region" and isinstance(t, Index):
            return self._name(ty.name, value)
        if isinstance(ty, sem.RecordT) and isinstance(t, Record):
            parts = [(n, self.show(v, ft, ty.fields[n].ty)) for (n, ft), v in zip(t.fields, value, strict=True)]
            return "{" + ", ".join(f"{n}: {s}" for n, s in parts if s) + "}"
        if isinstance(ty, sem.TupleT) and isinstance(t, Record):
            shown = [self.show(v, ft, of) for (_, ft), v, of in zip(t.fields, value, ty.items, strict=True)]
            return "(" + ", ".join(s for s in shown if s) + ")"
        if isinstance(t, Mask | Map) and self.view == "results":
            return ""
        return show(value, t)

    def _address(self, value: int, space: str) -> str:
        if self.view == "results":
            return "null" if value == 0 else ""
        if value in (0, (1 << 64) - 1):
            return hex(value)  # no address: what says that there is none
        return f"{self._name(space, value // PAGE)}+{value % PAGE:#x}"

    def _name(self, space: str, block: int) -> str:
        if self.view == "results":
            return ""
        key = space, block
        if key not in self.names:
            self.names = (*self.names, key)
        mine = [n for n in self.names if n[0] == space]
        return f"{space} {_letters(mine.index(key))}"


def _letters(n: int) -> str:
    """A, B, …, Z, AA, …"""
    out = ""
    n += 1
    while n:
        n, digit = divmod(n - 1, 26)
        out = chr(ord("A") + digit) + out
    return out
