"""What an expression or statement is lowered in: the world, the action that is being put together, and the
frame of the call.

``ev`` and ``run`` look up what to do with a node by its class; the other files of this package register their
rules with ``evaluates`` and ``executes``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from dmaverify.ir.expr import Expr, const, ite, mk, ne, select, store
from dmaverify.ir.expr import field as ir_field
from dmaverify.ir.types import Bool, Int, Map, Opt, Record
from dmaverify.lang import ast, sem
from dmaverify.lang.diag import Diagnostic, DmaError
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.vals import Val
from dmaverify.span import Span

if TYPE_CHECKING:
    from dmaverify.lang.lower.world import World

Key = tuple[int, str]


@dataclass(frozen=True)
class Cell:
    """A local that is kept in a variable: of the System, or a temporary of the step."""

    name: str
    unset: str | None = None
    """A boolean variable that says that it has not been set (``uninitialised``)."""


@dataclass(frozen=True)
class Place:
    """Something that can be assigned: a variable, and the way to the part of it that is meant.

    ``path`` holds an index (an Expr), a field (its name), or a stretch of bits (a ``BitField`` of the
    language).
    """

    var: str
    path: tuple[Any, ...] = ()
    unset: str | None = None
    """As of a ``Cell``, where the whole of a local is meant."""

    def then(self, *more: Any) -> Place:
        """A part of this."""
        return Place(self.var, (*self.path, *more))


Binding = Val | Cell | Place


@dataclass
class Frame:
    """One call of a func or proc while it is inlined, or a thread's own text."""

    name: str
    env: dict[Key, Binding] = field(default_factory=dict)
    ret: str = ""
    """The temporary that holds the result."""
    callees: tuple[Any, ...] = ()
    """The calls that lead here, so that recursion is seen."""
    loops: list[Loop] = field(default_factory=list)
    monitor: Any = None
    """The instance of the monitor whose text this is: asserts are its checks and ghosts its own."""
    element: str = ""
    """The elements for which an unrolled loop is being lowered, for labels."""
    old: Callable[[ast.Expr], Val] | None = None
    result: Val | None = None


@dataclass(eq=False)
class Loop:
    """Where ``break`` and ``continue`` lead: exits of the step."""

    end: object
    next: object


@dataclass
class Ctx:
    """Everything that a rule needs."""

    world: World
    step: Step
    frame: Frame

    def inside(self, frame: Frame) -> Ctx:
        """The same step in another frame."""
        return Ctx(self.world, self.step, frame)

    def bind(self, node: object, name: str, value: Binding) -> None:
        """Introduce a local under the node that declares it."""
        self.frame.env[(id(node), name)] = value


class Unsupported(DmaError):
    """The text means something, and this compiler cannot say it in the IR."""

    def __init__(self, message: str, span: Span, fix: str | None = None) -> None:
        super().__init__([Diagnostic("DMA089", message, span, fix=fix)])


Evaluate = Callable[[Ctx, Any], Val]
Execute = Callable[[Ctx, Any], None]
EVALUATE: dict[type, Evaluate] = {}
EXECUTE: dict[type, Execute] = {}
F = TypeVar("F", bound=Callable[..., Any])


def evaluates(*classes: type) -> Callable[[F], F]:
    """Registers the rule for expressions of these classes."""

    def register(rule: F) -> F:
        for c in classes:
            EVALUATE[c] = rule
        return rule

    return register


def executes(*classes: type) -> Callable[[F], F]:
    """Registers the rule for statements of these classes inside one step."""

    def register(rule: F) -> F:
        for c in classes:
            EXECUTE[c] = rule
        return rule

    return register


def read_place(step: Step, place: Place) -> Expr:
    """What is there now."""
    value = step.read(place.var)
    assert isinstance(value, Expr)
    return _follow(value, place.path)


def _follow(value: Expr, path: tuple[Any, ...]) -> Expr:
    for p in path:
        if isinstance(p, Expr):
            value = select(value, p)
        elif isinstance(p, str):
            value = mk("get", (value,)) if isinstance(value.type, Opt) else value
            value = ir_field(value, p)
        else:
            value = take_bits(value, p)
    return value


def write_place(step: Step, place: Place, value: Expr) -> None:
    """Put something there."""
    if not place.path:
        step.write(place.var, value)
        return
    whole = step.read(place.var)
    assert isinstance(whole, Expr)
    step.write(place.var, _rebuilt(whole, place.path, value))


def _rebuilt(whole: Expr, path: tuple[Any, ...], value: Expr) -> Expr:
    if not path:
        return value
    p, rest = path[0], path[1:]
    if isinstance(p, Expr):
        assert isinstance(whole.type, Map)
        inner = value if not rest else _rebuilt(select(whole, p), rest, value)
        return store(whole, p, inner)
    if isinstance(p, str):
        if isinstance(whole.type, Opt):
            return mk("some", (_rebuilt(mk("get", (whole,)), path, value),))
        assert isinstance(whole.type, Record)
        inner = value if not rest else _rebuilt(ir_field(whole, p), rest, value)
        return mk("with", (whole, inner), data=p)
    return put_bits(whole, p, value)


def take_bits(value: Expr, bits: Any) -> Expr:
    """A stretch of bits of an integer: a number of the integer's type, or for a single bit a truth value."""
    t = value.type
    assert isinstance(t, Int)
    plain = Int(t.width, False)
    v = mk("wrap", (value,), plain)
    mask = const(((1 << bits.width) - 1) << bits.lo, plain)
    part = mk("band", (v, mask))
    if bits.width == 1:
        return ne(part, const(0, plain))
    return mk("wrap", (mk("shr", (part, const(bits.lo, plain))),), t)


def put_bits(whole: Expr, bits: Any, value: Expr) -> Expr:
    """An integer with a stretch of bits replaced."""
    t = whole.type
    assert isinstance(t, Int)
    mask = const(t.wrap(((1 << bits.width) - 1) << bits.lo), t)
    if isinstance(value.type, Bool):
        value = ite(value, const(t.wrap(1 << bits.lo), t), const(0, t))
    else:
        value = mk("band", (mk("shl", (mk("wrap", (value,), t), const(bits.lo, t))), mask))
    return mk("bor", (mk("band", (whole, mk("bnot", (mask,)))), value))


def ev(ctx: Ctx, node: ast.Expr) -> Val:
    """The value of an expression, converted to what is wanted where it stands."""
    rule = EVALUATE.get(type(node))
    if rule is None:
        raise Unsupported(f"{type(node).__name__} cannot stand here", node.span)
    value = rule(ctx, node)
    if node.conv is not None:
        nullable = isinstance(value, Expr) and isinstance(value.type, Opt)
        if nullable and _may_be_none(node) and not isinstance(node.conv, sem.OptT):
            # there must be an element to choose: without one the step cannot be taken
            assert isinstance(value, Expr)
            ctx.step.require(mk("present", (value,)))
            value = mk("get", (value,))
        from dmaverify.lang.lower.conversions import converted

        value = converted(ctx, value, node.conv, node.span)
    return value


def _may_be_none(node: ast.Expr) -> bool:
    return isinstance(node, ast.AnyIn) or (isinstance(node, ast.Choice) and node.kind != "one")


def ev_expr(ctx: Ctx, node: ast.Expr) -> Expr:
    """The same where the value must be an IR expression."""
    value = ev(ctx, node)
    if not isinstance(value, Expr):
        from dmaverify.lang.lower.conversions import stored

        return stored(ctx, value, node.conv or node.ty, node.span)
    return value


def run(ctx: Ctx, node: ast.Stmt) -> None:
    """Execute a statement within the step."""
    rule = EXECUTE.get(type(node))
    if rule is None:
        raise Unsupported(f"{type(node).__name__} cannot stand inside one step", node.span)
    rule(ctx, node)
