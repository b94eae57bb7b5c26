"""One thread while its control flow graph is built: where it stands, its locals, and how a step becomes a
node.

A value that was computed is *stable* if it reads nothing that may change before it is used: constants and
locals that are assigned once. A stable value is bound to its name directly; any other is kept in a local
variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from dmaverify.ir.expr import FALSE, TRUE, Expr, default, var
from dmaverify.ir.system import Effect, Emit
from dmaverify.ir.system import Frame as IrFrame
from dmaverify.ir.traverse import inputs, variables
from dmaverify.ir.types import Type
from dmaverify.lang import ast, symbols
from dmaverify.lang.diag import source_line
from dmaverify.lang.lower.context import Binding, Cell, Ctx, Frame, Place
from dmaverify.lang.lower.graph import TURNED, Graph, Node, Point, effect_exprs
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.vals import Val, exprs_of, map_exprs
from dmaverify.lang.lower.world import World
from dmaverify.span import Span


@dataclass(eq=False)
class Held:
    """A lock that is held: how to give it back, and for each way out the point at which that is done."""

    lock: str
    release: Callable[[], None]
    ways: dict[int, Point] = field(default_factory=dict)


@dataclass(eq=False)
class Target:
    """Somewhere to jump to, and how many locks are held there."""

    point: Point
    held: int


@dataclass(eq=False)
class Scope:
    """One inlined call: where its jumps lead."""

    frame: Frame
    ret: Target
    labels: dict[str, Target] = field(default_factory=dict)
    loops: list[tuple[Target, Target]] = field(default_factory=list)
    depths: dict[str, int] = field(default_factory=dict)
    """For each label, how many locks of this call are held there."""
    single: bool = False
    """There is one ``return`` only, so that the value needs no variable."""
    value: Val | None = None
    path: str = ""


class Flow:
    """A thread that is being lowered."""

    def __init__(self, world: World, name: str, actor: str) -> None:
        self.world = world
        self.name = name
        self.actor = actor
        self.graph = Graph()
        self.at: Point | None = self.graph.start
        self.locals: dict[str, Type] = {}
        self.mutable: set[str] = set()
        self.own: set[str] = set()
        """State that only this thread touches, and that is no local: a client's slots."""
        self.held: list[Held] = []
        self.stack: tuple[IrFrame, ...] = ()
        self.scope = Scope(Frame(name), Target(Point(), 0), path=name)
        self.named: dict[tuple[str, int, str], str] = {}
        self.labels: dict[str, Point] = {}
        self.level = "task"
        self.cpu: str | None = None
        self.end = Point()
        """Where a sequence is when nothing is left to do."""
        self.idle: list[Point] = []

    # -- steps ---------------------------------------------

    @property
    def frame(self) -> Frame:
        """The frame of the call that is being lowered."""
        return self.scope.frame

    def new_step(self) -> Step:
        """A step that starts where the thread stands."""
        return Step(self.world.type_of)

    def ctx(self, step: Step) -> Ctx:
        """The context for lowering into a step."""
        return Ctx(self.world, step, self.frame)

    def is_own(self, name: str) -> bool:
        """Whether a variable is this thread's own, or never changes."""
        return name in self.locals or name in self.own or self.world.is_frozen(name)

    def reads_shared(self, exprs: Iterable[Expr]) -> bool:
        """Whether any of the expressions reads what others may write."""
        return any(not self.is_own(v) for v in variables(*exprs))

    def stable(self, exprs: Iterable[Expr]) -> bool:
        """Whether the values cannot change any more."""
        for e in exprs:
            for v in variables(e):
                if not self.is_own(v) or v in self.mutable or v in self.own:
                    return False
        return not any(has_input(e) for e in exprs)

    def commit(
        self,
        step: Step,
        what: ast.Node | None,
        *,
        next: list[tuple[Expr, Point]] | None = None,
        timeless: bool | None = None,
        text: str = "",
        cuts: bool = False,
        name: str = "",
    ) -> None:
        """Make a node of a step that does something, and go on behind it."""
        if self.at is None:
            return
        updates = step.updates()
        branches = next is not None
        effects = tuple(step.effects)
        if not branches and not updates and not effects and step.guard is TRUE and not step.inputs and not step.locks:
            return
        following = next if next is not None else [(TRUE, Point())]
        if timeless is None:
            timeless = self._is_timeless(step, updates, effects, following)
        span = what.span if what is not None else self.world.nowhere
        for held in self.held:
            for variable in updates:
                self.world.lock_writes.setdefault(variable, set()).add(held.lock)
        node = Node(
            self.at,
            following,
            step.guard,
            tuple(step.inputs),
            effects,
            updates,
            tuple(step.locks),
            timeless,
            cuts,
            name or self.step_name(span),
            text or (text_of(span) if what is not None else name),
            self.stack,
            span,
        )
        self.graph.add(node)
        self.at = following[0][1] if not branches else None

    def _is_timeless(
        self,
        step: Step,
        updates: dict[str, Expr],
        effects: tuple[Effect, ...],
        following: list[tuple[Expr, Point]],
    ) -> bool:
        if step.guard is not TRUE or step.inputs or step.locks:
            return False
        if any(name not in self.locals and name not in self.own for name in updates):
            return False
        reads = [*updates.values(), *(c for c, _ in following)]
        for e in effects:
            if not (isinstance(e, Emit) and e.event.startswith(TURNED)):  # who looks on takes no time
                reads += effect_exprs(e)
        return not self.reads_shared(reads)

    def step_name(self, span: Span) -> str:
        """The name of an action: thread, innermost proc and line, and the element of an unrolled loop."""
        proc = self.frame.name if self.stack else ""
        where = f"{self.name}.{proc}@{span.line}" if proc else f"{self.name}@{span.line}"
        return where + (f"[{self.frame.element}]" if self.frame.element else "")

    # -- jumps ---------------------------------------------

    def goto(self, point: Point) -> None:
        """Go on at a point."""
        if self.at is not None:
            self.at.find().become(point)
        self.at = None

    def resume(self, point: Point) -> None:
        """What follows is at ``point``, where the text before it also leads unless it has jumped away."""
        if self.at is not None:
            self.at.find().become(point)
        self.at = point

    def jump(self, target: Target) -> None:
        """Leave for a target, giving back the locks that are not held there."""
        if self.at is None:
            return
        if len(self.held) <= target.held:
            self.goto(target.point)
            return
        saved = self.held
        lock = self.held[-1]
        key = id(target)
        if key in lock.ways:
            self.goto(lock.ways[key])
            return
        way = lock.ways[key] = Point()
        self.resume(way)
        lock.release()
        self.held = saved[:-1]
        self.jump(target)
        self.held = saved

    def branch_on(self, step: Step, cond: Expr, then: Point, orelse: Point, what: ast.Node, text: str = "") -> None:
        """Commit a step that ends in a branch."""
        if cond is TRUE or cond is FALSE:
            self.commit(step, what, text=text)
            self.goto(then if cond is TRUE else orelse)
            return
        self.commit(step, what, next=[(cond, then), (TRUE, orelse)], text=text)

    # -- locals ---------------------------------------------

    def local(self, name: str, type_: Type, owner: int = 0, *, mutable: bool = False) -> str:
        """A variable of the thread; the same for the same declaration in the same call."""
        key = (self.scope.path, owner, name)
        known = self.named.get(key) if owner else None
        if known is not None and self.locals[known] == type_:
            return known
        base = f"{self.scope.path}.{name}"
        unique, n = base, 1
        while unique in self.world.types:
            n += 1
            unique = f"{base}'{n}"
        self.locals[unique] = type_
        self.world.types[unique] = type_
        if mutable:
            self.mutable.add(unique)
        if owner:
            self.named[key] = unique
        return unique

    def keep(self, step: Step, value: Val, name: str, owner: int = 0) -> Val:
        """The value as one that does not change any more: itself, or a local that the step sets."""
        exprs = exprs_of(value)
        if self.stable(exprs):
            return value
        counter = 0

        def kept(e: Expr) -> Expr:
            nonlocal counter
            if self.stable([e]):
                return e
            counter += 1
            suffix = "" if counter == 1 else f".{counter}"
            v = self.local(name + suffix, e.type, owner)
            step.write(v, e)
            return var(v, e.type)

        return map_exprs(value, kept)

    def introduce(self, step: Step, local: symbols.LocalSym, value: Binding) -> None:
        """Give a local its first value: bound directly where that is enough, else in a variable."""
        if isinstance(value, Place):
            path = tuple(self.keep(step, p, f"{local.name}.at") if isinstance(p, Expr) else p for p in value.path)
            self.frame.env[local.key] = replace(value, path=path)
            return
        if isinstance(value, Cell):
            self.frame.env[local.key] = value
            return
        if local.key not in self.world.assigned:
            self.frame.env[local.key] = self.keep(step, value, local.name, id(local))
            return
        from dmaverify.lang.lower.conversions import stored

        if local.ty.storable:
            value = stored(self.ctx(step), value, local.ty, local.span)
        assert isinstance(value, Expr)
        v = self.local(local.name, value.type, id(local), mutable=True)
        step.write(v, value)
        self.frame.env[local.key] = Cell(v)

    def introduce_poison(self, step: Step, local: symbols.LocalSym, type_: Type) -> None:
        """A local that is not set yet, with a flag that says so."""
        v = self.local(local.name, type_, id(local), mutable=True)
        flag = self.local(f"{local.name}.unset", TRUE.type, id(local), mutable=True)
        step.write(v, default(type_))
        step.write(flag, TRUE)
        self.frame.env[local.key] = Cell(v, flag)

    def settle_bindings(self, step: Step, before: dict[tuple[int, str], Binding]) -> None:
        """Keep what a condition has bound (``is``) and what might change before it is used."""
        env = self.frame.env
        for key, value in list(env.items()):
            if before.get(key) is value or isinstance(value, Cell | Place):
                continue
            env[key] = self.keep(step, value, key[1], key[0])


def has_input(e: Expr) -> bool:
    """Whether an expression depends on a choice of the step."""
    return bool(inputs(e))


def text_of(span: Span) -> str:
    """The text at a span; of several lines the first, up to where its block opens."""
    line = source_line(span)
    if span.end_line == span.line:
        text = line[span.column - 1 : span.end_column - 1]
    else:
        text = line[span.column - 1 :].split("//")[0].rstrip()
        text = text[:-1].rstrip() if text.endswith("{") else text
    return text.strip().rstrip(";")
