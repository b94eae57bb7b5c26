"""A core System as LLVM functions: what can happen in a state, and what an observer sees in it.

One function for each action; it appends the successors to a buffer and returns where the buffer then ends. The functions
``main`` and ``other`` call those of all actions that can be enabled where the threads stand. ``main`` judges checks,
always-instances and covers, counts every move and emits those of weight one; ``other`` emits those of the weights in
``Own.WEIGHTS``, and is there only if there are others than one. For random walks there is ``choose`` instead: it emits all moves,
and notes where those of each actor (a thread, or an action of nobody's) end.
Targets have the same numbers as in ``successors.Compiled``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dmaverify.engines.native.action import MAIN, PARAMETERS, ActionWriter, Module, exercise
from dmaverify.engines.native.emit import NotNative, Values, literal, width
from dmaverify.engines.native.fields import Own
from dmaverify.engines.native.layout import Layout
from dmaverify.engines.native.text import TRAILER, Function
from dmaverify.engines.native.weights import weights
from dmaverify.engines.successors import OBSERVER, Compiled
from dmaverify.ir.expr import FALSE, not_

MOST_MOVES = 1 << 20
"""More successors of one state than this are left to the Python engine."""

LARGE = 12_000
"""Lines of text from which on the functions of the actions are not inlined."""


@dataclass
class Program:
    """The text of a module and what the search must know about it."""

    text: str
    others: tuple[int, ...]
    """Weights other than one."""
    most_moves: int
    inputs: int
    """The most inputs of an action."""
    lines: int
    groups: int
    """Actors, for random walks."""
    domains: list[str] = field(default_factory=list)
    """Names of inputs that have too many values, by the number that ``Own.DOMAIN`` gets (less one)."""


class Writer:
    """Writes the functions of one System; ``walking``: for random walks."""

    def __init__(self, compiled: Compiled, layout: Layout, walking: bool = False) -> None:
        self.compiled, self.layout, self.walking = compiled, layout, walking
        self.groups = 0
        self.system = compiled.system
        tasks = {t.name for t in self.system.threads if not t.is_device}
        by_thread = [a.thread in tasks for a in self.system.actions]
        self.module = Module(layout, compiled.target_numbers, by_thread)
        self.weights = [weights(a) for a in self.system.actions]
        self.most_inputs = max((len(a.inputs) for a in self.system.actions), default=0)
        self.most_moves = 0

    def program(self, record: str) -> Program:
        """The whole module. ``record``: the name of the kernel's function that records hits."""
        every = sorted(set().union(*self.weights))
        others = tuple(w for w in every if w != MAIN)
        functions: list[str] = []
        functions += self._pass(judge=True)
        if others or self.walking:
            functions += self._pass(judge=False)
        lines = sum(text.count("\n") for text in functions)
        if lines > LARGE:
            functions = [f.replace("nounwind inlinehint", "nounwind noinline") for f in functions]
        if self.most_moves * self.layout.words > 4 * MOST_MOVES or self.most_moves > MOST_MOVES:
            raise NotNative(f"{self.most_moves} successors of one state")
        text = "\n".join([_DECLARATIONS, *self.module.tables, *functions, TRAILER])
        text = text.replace("@dmaverify_record(", f"@{record}(")
        return Program(text, others, max(1, self.most_moves), self.most_inputs, lines, self.groups, self.module.domains)

    def _pass(self, judge: bool) -> list[str]:
        """The functions of one pass: ``main``, which judges, or ``other`` or ``choose``."""
        suffix = "" if judge else ".other"
        functions: list[str] = []
        names: dict[int, str] = {}
        for number, action in enumerate(self.system.actions):
            if action.guard is FALSE or (not judge and not self.walking and self.weights[number] == {MAIN}):
                continue
            names[number] = f"@a{number}{suffix}"
            f = Function(f"internal fastcc ptr {names[number]}({PARAMETERS})", "nounwind inlinehint")
            writer = ActionWriter(self.module, f, number, action, judge)
            writer.write()
            functions.append(str(f))
            if judge:
                self.most_moves += writer.moves
        name = "main" if judge else "choose" if self.walking else "other"
        f = Function(f"ptr @{name}({PARAMETERS})")
        self._dispatch(f, names, judge)
        functions.append(str(f))
        return functions

    def _dispatch(self, f: Function, names: dict[int, str], judge: bool) -> None:
        """Call what can be enabled: by where each thread stands, then what may happen anywhere."""
        v = Values(f, self.layout, "%s")
        if judge:
            self._observe(f, v)
            with f.when(self._done(v)):
                f.set(f.at("%own", Own.MOVED), "1")
        out = f.var("ptr")
        f.set(out, "%out", "ptr")
        wanted = "0" if judge else f.get(f.at("%own", Own.WEIGHTS))

        def end_group() -> None:
            if self.walking and not judge:
                ends = f.let(f"inttoptr i64 {f.get(f.at('%own', Own.GROUPS))} to ptr")
                f.set(f.at(ends, self.groups), f.get(out, "ptr"), "ptr")
                self.groups += 1

        def call(number: int) -> None:
            if judge or self.walking:
                call_now(number)
                return
            possible = sum(1 << w for w in self.weights[number])
            with f.when(f.cmp("ne", f.op("and", wanted, str(possible)), "0")):
                call_now(number)

        def call_now(number: int) -> None:
            after = f.let(f"call fastcc ptr {names[number]}(ptr %s, ptr {f.get(out, 'ptr')}, ptr %own)")
            f.set(out, after, "ptr")

        placed: set[int] = set()
        for t in self.system.threads:
            places: dict[int, list[int]] = {}
            for number, a in enumerate(self.system.actions):
                if number in names and a.thread == t.name and a.at is not None:
                    places.setdefault(a.at, []).append(number)
                    placed.add(number)
            if not places:
                continue
            pc_type = self.layout.packing.type[t.pc]
            pc = v.variable(t.pc, width(pc_type))
            done = f.label()
            labels = {at: f.label() for at in places}
            cases = " ".join(f"i{width(pc_type)} {literal(at, pc_type)}, label %{label}" for at, label in labels.items())
            f.do(f"switch i{width(pc_type)} {pc}, label %{done} [{cases}]")
            f._ended = True
            for at, label in labels.items():
                f.start(label)
                for number in places[at]:
                    call(number)
                f.jump(done)
            f.start(done)
            end_group()
        for number in names:
            if number not in placed:
                call(number)
                end_group()
        f.ret(f"ptr {f.get(out, 'ptr')}")

    def _observe(self, f: Function, v: Values) -> None:
        """What always-instances and covers say about the state itself."""
        numbers = iter(self.module.targets.get(OBSERVER, ()))
        for a in self.system.always:
            n = next(numbers)
            with v.scope(), f.when(v(a.when)):
                exercise(f, n)
                with v.scope(), f.when(v(not_(a.cond)), likely=False):
                    f.do(f"call void @dmaverify_record(ptr %own, i64 {n}, i64 0, i64 0)")
        for c in self.system.covers:
            n = next(numbers)
            with v.scope(), f.when(v(c.cond), likely=False):
                f.do(f"call void @dmaverify_record(ptr %own, i64 {n}, i64 0, i64 0)")

    def _done(self, v: Values) -> str:
        """Whether every task is at an end or where it may idle."""
        done: list[str] = []
        for t in self.system.threads:
            if not t.is_device:
                pc_type = self.layout.packing.type[t.pc]
                pc = v.variable(t.pc, width(pc_type))
                places = sorted(t.ends | t.idle)
                done.append(v.junction("or", [v.f.cmp("eq", pc, literal(at, pc_type), f"i{width(pc_type)}") for at in places]))
        return v.junction("and", done)


_DECLARATIONS = "declare void @dmaverify_record(ptr, i64, i64, i64)\n"
