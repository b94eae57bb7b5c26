"""One action while it is put together: symbolic execution with branches merged as it goes.

A ``Step`` starts in an arbitrary state. ``write`` records new values over that state; ``when`` runs two
branches and merges them with ``? :``; a jump out of a block turns the rest of the block off instead of
copying what follows (``leave`` and ``arrive``). So the work is linear in the text, however many paths there
are. Conditions of effects are over the old state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, default, eq, implies, input_, ite, not_, or_, var
from dmaverify.ir.system import Check, Effect, Emit, Input, LockOp, Message, Reached
from dmaverify.ir.types import Type, Value
from dmaverify.lang.lower.vals import Val, pick
from dmaverify.span import Span


class Step:
    """What happens in one action. Names of temporary variables start with ``%`` and never leave it."""

    def __init__(self, type_of: Callable[[str], Type]) -> None:
        self._type_of = type_of
        self.values: dict[str, Val] = {}
        self.live: Expr = TRUE
        self.path: Expr = TRUE
        self.exits: dict[object, Expr] = {}
        self.effects: list[Effect] = []
        self.inputs: list[Input] = []
        self.guard: Expr = TRUE
        self.locks: list[LockOp] = []
        self._fresh = 0
        self.quiet = False
        """Nothing that is evaluated now is checked (texts of messages)."""
        self._checked: set[tuple[str, Expr, Expr]] = set()

    # -- state ---------------------------------------------

    @property
    def here(self) -> Expr:
        """The condition under which execution stands here, over the old state and the inputs."""
        return and_(self.path, self.live)

    def fresh(self, name: str) -> str:
        """A new temporary variable."""
        self._fresh += 1
        return f"%{self._fresh}.{name}"

    def read(self, name: str) -> Val:
        """The current value of a variable."""
        value = self.values.get(name)
        if value is None:
            return var(name, self._type_of(name))
        return value

    def has(self, name: str) -> bool:
        """Whether a temporary has a value."""
        return name in self.values

    def write(self, name: str, value: Val) -> None:
        """Give a variable a new value, here."""
        if self.live is FALSE:
            return
        if self.live is not TRUE and (name in self.values or not name.startswith("%")):
            value = pick(self.live, value, self.read(name))
        self.values[name] = value

    def updates(self) -> dict[str, Expr]:
        """New values of state variables."""
        found: dict[str, Expr] = {}
        for name, value in self.values.items():
            if name.startswith("%"):
                continue
            assert isinstance(value, Expr)
            if not (value.op == "var" and value.data == name):
                found[name] = value
        return found

    # -- control ---------------------------------------------

    def when(self, cond: Expr, then: Callable[[], None], otherwise: Callable[[], None] | None = None) -> None:
        """Run one branch or the other, and merge what they did."""
        if self.live is FALSE:
            return
        if cond.is_const:
            branch = then if cond.value else otherwise
            if branch is not None:
                branch()
            return
        values, exits, path, live = self.values, self.exits, self.path, self.live
        base = and_(path, live)

        def run(c: Expr, body: Callable[[], None] | None) -> None:
            self.values, self.exits = dict(values), {}
            self.path, self.live = and_(base, c), TRUE
            if body is not None and self.path is not FALSE:
                body()

        run(cond, then)
        a_values, a_exits, a_live = self.values, self.exits, self.live
        run(not_(cond), otherwise)
        b_values, b_exits, b_live = self.values, self.exits, self.live
        self.path = path
        self.values = dict(values)
        outer_live = live
        for name in [*a_values, *(n for n in b_values if n not in a_values)]:
            x, y = a_values.get(name), b_values.get(name)
            merged: Val | None
            if x is y and x is not None:
                merged = x
            elif name.startswith("%") and (x is None or y is None):
                merged = y if x is None else x  # set on one side only: nobody may read it on the other
            else:
                x = var(name, self._type_of(name)) if x is None else x
                y = var(name, self._type_of(name)) if y is None else y
                merged = pick(cond, x, y)
            before = values.get(name)
            assert merged is not None
            if outer_live is not TRUE and merged is not before and (before is not None or not name.startswith("%")):
                before = var(name, self._type_of(name)) if before is None else before
                merged = pick(outer_live, merged, before)
            self.values[name] = merged
        self.exits = dict(exits)
        for key in [*a_exits, *(k for k in b_exits if k not in a_exits)]:
            left = ite(cond, a_exits.get(key, FALSE), b_exits.get(key, FALSE))
            self.exits[key] = or_(self.exits.get(key, FALSE), and_(outer_live, left))
        self.live = and_(outer_live, ite(cond, a_live, b_live))

    def leave(self, key: object) -> None:
        """Jump to where ``key`` arrives: nothing more happens until then."""
        self.exits[key] = or_(self.exits.get(key, FALSE), self.live)
        self.live = FALSE

    def arrive(self, key: object) -> None:
        """Where the jumps to ``key`` end."""
        self.live = or_(self.live, self.exits.pop(key, FALSE))

    @contextmanager
    def assuming(self, cond: Expr) -> Iterator[None]:
        """Evaluate something that is looked at only where ``cond`` holds (the right side of ``and``)."""
        path = self.path
        self.path = and_(path, cond)
        try:
            yield
        finally:
            self.path = path

    # -- effects ---------------------------------------------

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
        """An assert, here. ``plain``: one that nobody wrote, which is left out where it plainly holds."""
        path = self.here
        if path is FALSE or self.quiet:
            return
        if plain and (cond is TRUE or and_(path, not_(cond)) is FALSE):
            return
        key = (label, path, cond)
        if key in self._checked:
            return
        self._checked.add(key)
        self.effects.append(Check(prop, label, path, cond, message, span, stop))

    def checks_of(self, body: Callable[[], None]) -> list[Check]:
        """What a text that changes nothing would check here; it leaves no trace."""
        effects, checked, values = self.effects, self._checked, dict(self.values)
        self.effects, self._checked = [], set()
        body()
        found = [e for e in self.effects if isinstance(e, Check)]
        self.effects, self._checked, self.values = effects, checked, values
        return found

    def emit(self, event: str, args: tuple[tuple[str, Expr], ...], span: Span) -> None:
        """An event, here."""
        if self.here is not FALSE:
            self.effects.append(Emit(event, args, self.here, span))

    def reached(self, cover: str, span: Span, cond: Expr = TRUE) -> None:
        """A cover or probe, here."""
        path = and_(self.here, cond)
        if path is not FALSE:
            self.effects.append(Reached(cover, path, span))

    def require(self, cond: Expr) -> None:
        """The step can be taken only if, when execution comes here, ``cond`` holds."""
        self.guard = and_(self.guard, implies(self.here, cond))

    def choose(self, name: str, type_: Type, values: tuple[Value, ...] | None = None) -> Expr:
        """A new input. Where execution does not come here it has its default, so that no step is counted
        twice.
        """
        taken = {i.name for i in self.inputs}
        unique, n = name, 1
        while unique in taken:
            n += 1
            unique = f"{name}{n}"
        if values is not None and self.here is not TRUE and type_.default not in values:
            values = (type_.default, *values)
        self.inputs.append(Input(unique, type_, values))
        chosen = input_(unique, type_)
        here = self.here
        if here is not TRUE:
            self.guard = and_(self.guard, or_(here, eq(chosen, default(type_))))
        return chosen

    def unknown(self, name: str, type_: Type) -> Expr:
        """Any value of a type."""
        return self.choose(name, type_)

    def believe(self, cond: Expr) -> None:
        """What is known of unknown values, when execution comes here."""
        self.require(cond)
