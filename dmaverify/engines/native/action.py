"""One action as an LLVM function: guard, a loop for each input, checks, the successor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dmaverify.engines.native.emit import NotNative, Values, literal, resized, width
from dmaverify.engines.native.fields import Own
from dmaverify.engines.native.layout import Layout
from dmaverify.engines.native.text import Function
from dmaverify.engines.successors import DomainError, next_input, prefix_weight, values_of
from dmaverify.ir.expr import (
    FALSE,
    TRUE,
    U32,
    Expr,
    and_,
    const,
    not_,
    or_,
)
from dmaverify.ir.rebuild import effect_exprs
from dmaverify.ir.system import Action, Check, Input, Reached
from dmaverify.ir.traverse import inputs, walk
from dmaverify.ir.types import Bool, Int, Value

SHORT = 40
"""An action of so many instructions is written without branches."""

CHEAP = 6
"""A condition of so many instructions is tested together with others."""

CROWDED = 16
"""With more checks than this, what they look at is computed once for all of them, and not only where it is needed: most of it is
needed by many, and the text would be a multiple of what it says.
"""

MAIN = 1
"""The weight of the moves that ``main`` emits."""

PARAMETERS = "ptr noalias readonly align 8 %s, ptr noalias align 8 %out, ptr noalias align 8 %own"


@dataclass
class Module:
    """What all functions of a module have in common."""

    layout: Layout
    targets: Mapping[int, Sequence[int]]
    """Numbers of the targets of each action."""
    by_thread: Sequence[bool]
    """Whether each action is a task's."""
    domains: list[str] = field(default_factory=list)
    """Names of inputs that have too many values, by the number that ``Own.DOMAIN`` gets (less one)."""
    tables: list[str] = field(default_factory=list)
    """Constant arrays."""

    def table(self, values: list[int], bits: int, t: Bool | Int) -> str:
        """A constant array of input values."""
        name = f"@values{len(self.tables)}"
        cells = ", ".join(f"i{bits} {literal(v, t)}" for v in values)
        self.tables.append(f"{name} = private unnamed_addr constant [{len(values)} x i{bits}] [{cells}]")
        return name


def exercise(f: Function, target: int) -> None:
    """Note that the path of a target was seen true."""
    f.set(f.at(f.get(f.at("%own", Own.EXERCISED), "ptr"), target, "i8"), "1", "i8")


def _cost(*roots: Expr) -> int:
    """About how many instructions some expressions are."""
    return sum(1 for n in walk(*roots) if n.op != "const")


class ActionWriter:
    """Writes the function of one action: guard, a loop for each input, checks, the successor."""

    def __init__(self, module: Module, f: Function, number: int, action: Action, judge: bool) -> None:
        self.module, self.f, self.number, self.action = module, f, number, action
        self.judge = judge
        self.v = Values(f, module.layout, "%s")
        self.costs: dict[int, Expr] = {}
        """What the step adds to the length up to each of its parts, as far as asked for."""
        self.moves = 1
        self.out = f.var("ptr")

    def write(self) -> None:
        """Everything, from the first conjunct of the guard."""
        f, guard = self.f, self.action.guard
        if self._is_short():
            self._write_short()
            return
        f.set(self.out, "%out", "ptr")
        leave = f.label()
        parts = guard.args if guard.op == "and" else (() if guard is TRUE else (guard,))
        self._inputs(list(self.action.inputs), list(parts), leave)
        f.start(leave)
        f.ret(f"ptr {f.get(self.out, 'ptr')}")

    def _is_short(self) -> bool:
        """Whether the successor is sooner computed for nothing than a branch is mispredicted."""
        a = self.action
        if a.inputs or any(c.stop for c in a.checks) or (a.weight is not None and not a.weight.is_const):
            return False
        judged = [x for e in a.effects for x in effect_exprs(e)] if self.judge else []
        return _cost(a.guard, *a.updates.values(), *judged) <= SHORT

    def _write_short(self) -> None:
        """The successor is always written, and the buffer's end moves on only if the action is enabled."""
        f, v, a = self.f, self.v, self.action
        enabled = v(a.guard)
        if self.judge:
            if self.module.by_thread[self.number]:
                moved = f.at("%own", Own.MOVED)
                f.set(moved, f.op("or", f.get(moved), f.let(f"zext i1 {enabled} to i64")))
            self._effects(enabled)
        if not self.judge or a.weight is None or a.weight.value == MAIN:
            self._successor("%out")
            size = f.pick(enabled, str(self.module.layout.words), "0")
            f.ret(f"ptr {f.at('%out', size)}")
            return
        extra = f.at("%own", Own.EXTRA)
        f.set(extra, f.add(f.get(extra), f.let(f"zext i1 {enabled} to i64")))
        f.ret("ptr %out")

    def _inputs(self, todo: list[Input], guard: list[Expr], leave: str) -> None:
        """Test what can be tested with the inputs chosen so far, then choose the next one."""
        open_names = {i.name for i in todo}
        now = [g for g in guard if not inputs(g) & open_names]
        later = [g for g in guard if inputs(g) & open_names]
        f, v = self.f, self.v
        # cheap tests first: they leave most states at once
        cheap = [g for g in now if _cost(g) <= CHEAP]
        for group in (cheap, *([g] for g in sorted((g for g in now if _cost(g) > CHEAP), key=_cost))):
            if group:
                go = f.label()
                f.branch(v.junction("and", [v(g) for g in group]), go, leave)
                f.start(go)
        if not todo:
            self._body()
            return
        first, chosen = next_input(todo, later)
        rest = [i for i in todo if i is not first]
        t = first.type
        assert isinstance(t, Bool | Int)
        if chosen is not None:
            v.inputs[first.name] = v(chosen)
            if first.values is not None:
                hits = [f.cmp("eq", v(chosen), literal(x, t), f"i{width(t)}") for x in first.values]
                go = f.label()
                f.branch(v.junction("or", hits), go, leave)
                f.start(go)
            self._inputs(rest, later, leave)
            return
        try:
            values = first.values if first.values is not None else values_of(t, f"{self.action.name}.{first.name}")
        except DomainError as error:
            self.module.domains.append(error.name)
            f.set(f.at("%own", Own.DOMAIN), str(len(self.module.domains)))
            f.jump(leave)
            f.start(f.label())
            return
        self._loop(first, values, rest, later)

    def _loop(self, i: Input, values: tuple[Value, ...], rest: list[Input], guard: list[Expr]) -> None:
        """For each value of an input."""
        f, v, t = self.f, self.v, i.type
        assert isinstance(t, Bool | Int)
        bits = width(t)
        self.moves *= len(values)
        codes = [int(x) for x in values]
        with f.count("0", str(len(codes))) as n:
            if codes == list(range(codes[0], codes[0] + len(codes))) and bits <= 64:
                at = f.add(n, str(codes[0])) if codes[0] else n
                v.inputs[i.name] = f.let(f"trunc i64 {at} to i{bits}") if bits < 64 else at
            else:
                v.inputs[i.name] = f.get(f.at(self.module.table(codes, bits, t), n, f"i{bits}"), f"i{bits}")
            following = f.label()
            with v.scope():
                self._inputs(rest, guard, following)
            f.start(following)

    def _body(self) -> None:
        """What happens once the inputs are chosen and the guard holds."""
        f, v, action = self.f, self.v, self.action
        dead = or_(*(and_(e.path, not_(e.cond)) for e in action.checks if e.stop))
        weight = action.weight if action.weight is not None else const(1, U32)
        if self.judge:
            if self.module.by_thread[self.number]:
                f.set(f.at("%own", Own.MOVED), "1")
            self._effects()
        with v.scope():
            done = f.label()
            if dead is not FALSE:
                go = f.label()
                f.branch(v(dead), done, go, likely=False)
                f.start(go)
            if weight.is_const:
                self._move(not self.judge or weight.value == MAIN)
            else:
                emit, count = f.label(), f.label()
                f.branch(self._is_wanted(weight), emit, count)
                with v.scope():
                    f.start(count)
                    self._move(False)
                    f.jump(done)
                f.start(emit)
                self._move(True)
            f.start(done)

    def _is_wanted(self, weight: Expr) -> str:
        """Whether the move has the weight of this pass."""
        f, bits = self.f, width(weight.type)
        if self.judge:
            return f.cmp("eq", self.v(weight), str(MAIN), f"i{bits}")
        wide = resized(f, self.v(weight), Int(bits), 64)
        bit = f.op("lshr", f.get(f.at("%own", Own.WEIGHTS)), f.op("and", wide, "63"))
        return f.let(f"trunc i64 {bit} to i1")

    def _move(self, emit: bool) -> None:
        """A successor of this pass's weight, or one that is only counted."""
        f = self.f
        if emit:
            out = f.get(self.out, "ptr")
            self._successor(out)
            f.set(self.out, f.at(out, self.module.layout.words), "ptr")
        elif self.judge:
            counter = f.at("%own", Own.EXTRA)
            f.set(counter, f.add(f.get(counter), "1"))

    def _effects(self, enabled: str = "true") -> None:
        """Judge what the action says; it is enabled, or it says so."""
        f, v = self.f, self.v

        def path(e: Check | Reached) -> str:
            return v(e.path) if enabled == "true" else f.op("and", enabled, v(e.path), "i1")

        judged = [e for e in self.action.effects if isinstance(e, Check | Reached)]
        if len(judged) > CROWDED:
            for e in judged:
                v(self._cost(e.part))
                if isinstance(e, Check):
                    v(not_(e.cond))
        numbers = iter(self.module.targets.get(self.number, ()))
        for e in judged:
            n = next(numbers)
            taken = path(e)  # known to all that come behind, which have most of it in common
            with v.scope(), f.when(taken, likely=None if isinstance(e, Check) else False):
                if isinstance(e, Check):
                    exercise(f, n)
                    with v.scope(), f.when(v(not_(e.cond)), likely=False):
                        self._record(n, e.part)
                else:
                    self._record(n, e.part)

    def _cost(self, part: int) -> Expr:
        """What the step adds to the length up to and including one of its parts."""
        if part not in self.costs:
            self.costs[part] = prefix_weight(self.action, part)
        return self.costs[part]

    def _record(self, target: int, part: int) -> None:
        """A hit in this step, with its inputs."""
        f, v = self.f, self.v
        cost = self._cost(part)
        wide = f.let(f"zext i{width(cost.type)} {v(cost)} to i64")
        scratch = f.get(f.at("%own", Own.SCRATCH), "ptr")
        for n, i in enumerate(self.action.inputs):
            bits = width(i.type)
            if bits > 64:
                raise NotNative(f"an input of {bits} bits")
            sign = "s" if isinstance(i.type, Int) and i.type.signed else "z"
            value = v.inputs[i.name]
            f.set(f.at(scratch, n), f.let(f"{sign}ext i{bits} {value} to i64") if bits < 64 else value)
        f.do(f"call void @dmaverify_record(ptr %own, i64 {target}, i64 {wide}, i64 {len(self.action.inputs)})")

    def _successor(self, out: str) -> None:
        """Write the words of the new state."""
        f, v, layout = self.f, self.v, self.module.layout
        kept = dict.fromkeys(range(layout.words), (1 << 64) - 1)
        constant = dict.fromkeys(range(layout.words), 0)
        terms: dict[int, list[str]] = {n: [] for n in range(layout.words)}
        for name, new in self.action.updates.items():
            bits = width(new.type)
            for p in layout.pieces[name]:
                kept[p.word] &= ~(((1 << p.bits) - 1) << p.shift)
                if new.is_const:
                    code = int(new.value) & ((1 << bits) - 1)
                    constant[p.word] |= (code >> p.low & (1 << p.bits) - 1) << p.shift
                    continue
                value = f.op("lshr", v(new), str(p.low), f"i{bits}") if p.low else v(new)
                wide = f.let(f"zext i{bits} {value} to i64") if bits < 64 else value
                wide = f.let(f"trunc i{bits} {value} to i64") if bits > 64 else wide
                terms[p.word].append(f.op("shl", wide, str(p.shift)) if p.shift else wide)
        for n in range(layout.words):
            word = v.word(n)
            if kept[n] != (1 << 64) - 1:
                word = f.op("and", word, str(kept[n]))
            for term in (*terms[n], *([str(constant[n])] if constant[n] else [])):
                word = f.op("or", word, term)
            f.set(f.at(out, n), word)
