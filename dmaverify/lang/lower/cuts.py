"""Bodies that are shown to do what their contracts say: what nobody knows is a variable that may have any value, and loops are cut
at their invariants.

A loop that says what ``decreases`` is not unrolled. Its invariants hold where it begins; one round from any state in which they hold
keeps them, and makes what decreases less; what follows the loop goes on from any such state in which the loop ends. *Any state*: each
place that a round may write has an unknown value, all else the one from before the loop. What a round may write is found by running
it until nothing new is written, so that no invariant has to say it, and none can leave it out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, implies, input_, not_
from dmaverify.ir.system import Message
from dmaverify.ir.types import Type
from dmaverify.lang import ast
from dmaverify.lang.lower import patterns, promises
from dmaverify.lang.lower.context import Ctx, Loop, Unsupported, run
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.world import World
from dmaverify.span import Span


class Alone(Step):
    """The text of a body that nobody calls. Unknown values are frozen variables of the System; a check may rely on what was believed
    before it, and on nothing that is believed later.

    ``prop``: the property that the claims about loops belong to. ``cutting``: loops are cut at their invariants where they can be.
    """

    def __init__(self, world: World, prop: str, span: Span, cutting: bool) -> None:
        super().__init__(world.type_of)
        self.world, self.prop, self.cutting = world, prop, cutting
        self.span = span
        self.believed: Expr = TRUE
        self.loops: list[Span] = []
        """The loops that were cut."""
        self.unknowns: set[str] = set()
        """Variables with a value that nobody knows."""
        self._trials = 0

    def unknown(self, name: str, type_: Type) -> Expr:
        """Any value of a type, for the whole of the proof."""
        if self._trials:
            return input_(self.fresh(name), type_)
        value = self.world.frozen_variable(name, type_, self.span)
        self.unknowns.add(str(value.data))
        return value

    def believe(self, cond: Expr) -> None:
        """What is known from here on."""
        self.believed = and_(self.believed, implies(self.here, cond))

    def check(
        self,
        prop: str,
        label: str,
        cond: Expr,
        message: Message,
        span: Span,
        stop: bool = False,
        plain: bool = False,
    ) -> None:
        """A claim, here. Where contracts stand for bodies, asserts of the body are claims too: nobody else looks at them."""
        if self.cutting and prop == "asserts":
            prop = self.prop
        with self.assuming(self.believed):
            super().check(prop, label, cond, message, span, stop, plain)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Run something and take it back."""
        values, exits, live, path = dict(self.values), dict(self.exits), self.live, self.path
        effects, inputs, locks, checked = list(self.effects), list(self.inputs), list(self.locks), set(self._checked)
        guard, quiet, believed, loops = self.guard, self.quiet, self.believed, list(self.loops)
        self._trials += 1
        try:
            yield
        finally:
            self._trials -= 1
            self.values, self.exits, self.live, self.path = values, exits, live, path
            self.effects, self.inputs, self.locks, self._checked = effects, inputs, locks, checked
            self.guard, self.quiet, self.believed, self.loops = guard, quiet, believed, loops


def is_cut(ctx: Ctx, s: promises.Promising | None) -> bool:
    """Whether a loop is cut at its invariants here."""
    return s is not None and s.decreases is not None and isinstance(ctx.step, Alone) and ctx.step.cutting


def cut(ctx: Ctx, s: promises.Promising) -> None:
    """A loop, by its invariants."""
    step = ctx.step
    assert isinstance(step, Alone) and s.decreases is not None
    if step.live is FALSE:
        return
    if s.span not in step.loops:
        step.loops.append(s.span)
    _claimed(ctx, s, "begin", "the invariant does not hold where the loop begins")
    _forget(step, _changed(ctx, s), s.span)
    quiet, step.quiet = step.quiet, True
    for e in s.invariants:
        step.believe(patterns.condition(ctx, e))
    step.quiet = quiet
    loop = Loop(object(), object())
    before = _round(ctx, s, loop)
    if before is not None and step.live is not FALSE:
        label = f"{step.prop}.decreases@{_where(s.decreases.span)}"
        message = "what decreases does not become less in a round, or is negative before it"
        step.check(step.prop, label, promises.is_less(ctx, s, before), (message,), s.decreases.span)
        _claimed(ctx, s, "round", "a round of the loop does not keep the invariant")
    step.leave(object())  # any further round has been dealt with
    step.arrive(loop.end)


def _claimed(ctx: Ctx, s: promises.Promising, when: str, message: str) -> None:
    step = ctx.step
    assert isinstance(step, Alone)
    for e in s.invariants:
        step.check(step.prop, f"{step.prop}.{when}@{_where(e.span)}", patterns.condition(ctx, e), (message,), e.span)


def _where(span: Span) -> str:
    return f"{Path(span.file).name}:{span.line}:{span.column}"


def _round(ctx: Ctx, s: promises.Promising, loop: Loop) -> Expr | None:
    """The condition and one round, up to where the next one would begin; what has to decrease, as it was before the round."""
    step = ctx.step
    ctx.frame.loops.append(loop)
    if isinstance(s, ast.While):
        step.when(not_(patterns.condition(ctx, s.cond)), lambda: step.leave(loop.end))
    before = None
    if step.live is not FALSE:
        before = promises.measure(ctx, s)
        run(ctx, s.body)
    step.arrive(loop.next)
    ctx.frame.loops.pop()
    return before


def _changed(ctx: Ctx, s: promises.Promising) -> list[str]:
    """What a round may write: starting with what one writes, what it also writes where these may have any value, and so on."""
    step, frame = ctx.step, ctx.frame
    assert isinstance(step, Alone)
    found: dict[str, None] = {}
    while True:
        env = dict(frame.env)
        with step.trial():
            _forget(step, list(found), s.span)
            before = dict(step.values)
            _round(ctx, s, Loop(object(), object()))
            # a temporary that has no value yet belongs to the round
            written = [n for n, v in step.values.items() if v is not before.get(n)]
            new = [n for n in written if n not in found and (n in before or not n.startswith("%"))]
        frame.env = env
        if not new:
            return list(found)
        found.update(dict.fromkeys(new))


def _forget(step: Alone, names: list[str], span: Span) -> None:
    """Unknown values for these variables."""
    for name in names:
        old = step.read(name)
        plain = re.sub(r"^%\d+\.|'\d*$", "", name)
        if not isinstance(old, Expr):
            raise Unsupported(f"{plain} changes in this loop and cannot be stored, so the loop cannot be cut at its invariant", span)
        step.write(name, step.unknown(f"{plain}@{span.line}", old.type))
