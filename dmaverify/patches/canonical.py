"""Equal but for names and order: whether two Systems are the same up to a renaming of variables, control points and actions.

Both are coloured together. A colour is what an element looks like and how it is used; colours are refined until they tell no
more elements apart, and elements that still look alike are paired in their order. Whether the pairs are right is decided at the
end, by the colours themselves: they are interned structures, not hashes, so with every element of a colour of its own the same
structures mean the same System. A wrong pair can only make equal Systems look different.

Kept: threads, events, monitors and properties by their names. Left out: spans, texts, labels, the names of everything else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

from dmaverify.ir.expr import Expr
from dmaverify.ir.rebuild import action_exprs
from dmaverify.ir.system import Action, Check, Emit, Kind, Reached, System, Var
from dmaverify.ir.traverse import variables, walk

MOST_ROUNDS = 400
"""Colours are refined so often at most; a System of which more is needed counts as different."""

_COMMUTATIVE = frozenset({"and", "or", "add", "mul", "eq", "band", "bor", "bxor"})

Place = tuple[str, int]
"""A thread's pc variable and a control point."""


def same(one: System, other: System) -> bool:
    """Whether the Systems are equal up to names and order."""
    if len(one.actions) != len(other.actions) or len(one.threads) != len(other.threads):
        return False
    intern: dict[Hashable, int] = {}
    shared = _same_names(one, other)
    a, b = _Colouring(one, intern, shared), _Colouring(other, intern, shared)
    classes = 0
    for _ in range(MOST_ROUNDS):
        a.refine()
        b.refine()
        if a.profile() != b.profile():
            return False
        found = len(set(a.vars.values())) + len(set(a.places.values()))
        if found > classes:
            classes = found
            continue
        if found == len(a.vars) + len(a.places):
            return a.whole() == b.whole()
        # what still looks alike is paired in the order of the text, one class at a time
        colour = a.ambiguous()
        a.individualise(colour)
        b.individualise(colour)
        classes = 0
    return False


def _same_names(one: System, other: System) -> frozenset[str]:
    """Variables that both have with the same name and kind: not renamed."""
    old = {v.name: (v.kind, v.type) for v in one.vars if v.kind is not Kind.LOCAL}
    return frozenset(v.name for v in other.vars if old.get(v.name) == (v.kind, v.type) and v.kind is not Kind.PC)


class _Colouring:
    """The colours of one System's variables and control points."""

    def __init__(self, system: System, intern: dict[Hashable, int], shared: frozenset[str]) -> None:
        self.system, self._intern = system, intern
        self.pcs = {t.pc: t.name for t in system.threads}
        used = {n for e in system.exprs() for n in variables(e)} | {n for a in system.actions for n in a.updates}
        self.vars = {
            v.name: self.intern(("var", v.name if v.name in shared else None, *_of_var(v)))
            for v in system.vars
            if v.name in used and v.name not in self.pcs
        }
        self.places: dict[Place, int] = {}
        named = _named_places(system, self.pcs)
        for t in system.threads:
            entry = system.var(t.pc).init
            found: set[int] = {int(entry or 0), *t.ends, *t.idle, *(n for pc, n in named if pc == t.pc)}
            found |= {a.at for a in system.actions if a.thread == t.name and a.at is not None}
            for n in sorted(found):
                self.places[t.pc, n] = self.intern(("place", t.name, n == entry, n in t.ends, n in t.idle))
        self.actions: list[int] = []
        self.uses: dict[str, list[int]] = {}
        self.visits: dict[Place, list[int]] = {}

    def intern(self, key: Hashable) -> int:
        """One number for each structure, the same on both sides."""
        return self._intern.setdefault(key, len(self._intern))

    def refine(self) -> None:
        """Colour everything by how it is used, given the colours so far."""
        self.uses = {n: [] for n in self.vars}
        self.visits = {p: [] for p in self.places}
        forms: dict[int, int] = {}
        self.actions = [self._action(a, forms) for a in self.system.actions]
        self._rest(forms)
        self.vars = {n: self.intern((c, tuple(sorted(self.uses[n])))) for n, c in self.vars.items()}
        self.places = {p: self.intern((c, tuple(sorted(self.visits[p])))) for p, c in self.places.items()}

    def profile(self) -> tuple[object, ...]:
        """What must be the same on both sides at any time."""
        return Counter(self.vars.values()), Counter(self.places.values()), Counter(self.actions)

    def whole(self) -> tuple[object, ...]:
        """The System by its colours."""
        forms: dict[int, int] = {}
        return Counter(self._action(a, forms) for a in self.system.actions), self._rest(forms), self._threads()

    def ambiguous(self) -> int:
        """A colour that several elements have."""
        counts = Counter(self.vars.values()) + Counter(self.places.values())
        return min(c for c, n in counts.items() if n > 1)

    def individualise(self, colour: int) -> None:
        """Give each element of a colour one of its own, in the order of the text."""
        alike = [n for n, c in self.vars.items() if c == colour]
        for i, n in enumerate(alike):
            self.vars[n] = self.intern((colour, "number", i))
        places = [p for p, c in self.places.items() if c == colour]
        for i, p in enumerate(sorted(places)):
            self.places[p] = self.intern((colour, "number", i))

    # -- structures -------------------------------------------------------------------------------------

    def _action(self, a: Action, forms: dict[int, int]) -> int:
        self._given = {i.name: n for n, i in enumerate(a.inputs)}
        if a.inputs:
            forms = {}  # inputs are known by their places in this action
        emits: list[int] = []
        others: list[int] = []
        for e in a.effects:
            if isinstance(e, Check):
                key = "check", e.prop, e.stop, self.form(e.path, forms), self.form(e.cond, forms)
                others.append(self.intern(key))
            elif isinstance(e, Emit):
                args = tuple((n, self.form(x, forms)) for n, x in e.args)
                emits.append(self.intern(("emit", e.event, self.form(e.path, forms), args)))
            elif isinstance(e, Reached):
                others.append(self.intern(("reached", self.form(e.path, forms))))
        updates = []
        for name, new in a.updates.items():
            if name in self.pcs:
                updates.append((self.intern(("pc", self.pcs[name])), self._target(name, new, forms)))
            else:
                updates.append((self.vars[name], self.form(new, forms)))
        pc = self._pc_of(a)
        at = self.places[pc, a.at] if pc is not None and a.at is not None else None
        weight = None if a.weight is None else self.form(a.weight, forms)
        locks = tuple((op.op, self.form(op.lock, forms)) for op in a.locks)
        inputs = tuple((i.type, i.values) for i in a.inputs)
        # the order of events is part of what can be seen; that of checks is not
        effects = tuple(emits), tuple(sorted(others))
        steps = self.form(a.guard, forms), inputs, effects, tuple(sorted(updates)), weight, locks
        colour = self.intern(("action", a.thread, at, *steps))
        self._note(a, colour, updates)
        return colour

    def _note(self, a: Action, colour: int, updates: list[tuple[int, int]]) -> None:
        """Remember who uses what."""
        if not self.uses and not self.visits:
            return
        read = {n for e in action_exprs(a) for n in variables(e)}
        for n in read & self.vars.keys():
            self.uses[n].append(self.intern(("read", colour)))
        for n in a.updates.keys() & self.vars.keys():
            self.uses[n].append(self.intern(("written", colour)))
        pc = self._pc_of(a)
        if pc is not None and a.at is not None:
            self.visits[pc, a.at].append(self.intern(("from", colour)))
        for name, new in a.updates.items():
            if name in self.pcs:
                for place in _constants(new):
                    self.visits[name, place].append(self.intern(("to", colour)))
        for asked in _asked(a.guard, self.pcs):
            self.visits[asked].append(self.intern(("asked", colour)))

    def _pc_of(self, a: Action) -> str | None:
        return None if a.thread is None else self.system.thread(a.thread).pc

    def _target(self, pc: str, e: Expr, forms: dict[int, int]) -> int:
        """Where a thread goes: a tree of choices with control points at its ends."""
        if e.op == "ite":
            return self.intern(("goes", self.form(e.args[0], forms), *(self._target(pc, x, forms) for x in e.args[1:])))
        if e.is_const:
            return self.places[pc, e.value]
        return self.form(e, forms)

    def form(self, root: Expr, forms: dict[int, int]) -> int:
        """The structure of an expression."""
        todo = [root]
        while todo:
            e = todo[-1]
            if e.uid in forms:
                todo.pop()
                continue
            asked = _place_asked(e, self.pcs)
            if asked is not None:
                forms[e.uid] = self.intern(("at", self.places[asked], self.pcs[asked[0]]))
                continue
            missing = [x for x in e.args if x.uid not in forms]
            if missing:
                todo += missing
                continue
            forms[e.uid] = self.intern(self._key(e, forms))
        return forms[root.uid]

    def _key(self, e: Expr, forms: dict[int, int]) -> Hashable:
        if e.op == "var":
            return ("pc", self.pcs[e.data]) if e.data in self.pcs else ("var", self.vars[e.data])
        if e.op == "input":
            return "input", self._given.get(e.data), e.type
        args = [forms[x.uid] for x in e.args]
        if e.op in _COMMUTATIVE:
            args.sort()
        return e.op, e.type, e.data, e.data.__class__, tuple(args)

    def _rest(self, forms: dict[int, int]) -> Hashable:
        """Claims, covers and assumptions."""
        s = self.system
        self._given = {}
        always = []
        for w in s.always:
            colour = self.intern(("always", w.prop, self.form(w.when, forms), self.form(w.cond, forms), len(w.stable)))
            always.append(colour)
            if self.uses:
                for n in {n for e in (w.when, w.cond) for n in variables(e)} & self.vars.keys():
                    self.uses[n].append(self.intern(("claimed", colour)))
        covers = sorted(self.form(c.cond, forms) for c in s.covers)
        assumed = sorted(self.form(x, forms) for x in s.assumptions)
        return tuple(sorted(always)), tuple(covers), tuple(assumed)

    def _threads(self) -> Hashable:
        s = self.system
        properties = frozenset((p.name, p.kind, p.applies) for p in s.properties)
        threads = frozenset((t.name, t.actor, t.level, t.is_device) for t in s.threads)
        return properties, threads


def _of_var(v: Var) -> tuple[object, ...]:
    return v.type, v.init, v.init.__class__, v.kind, v.owner, v.any_init


def _place_asked(e: Expr, pcs: dict[str, str]) -> Place | None:
    """The place, if the expression asks whether a thread stands there."""
    if e.op == "eq":
        for x, y in (e.args, e.args[::-1]):
            if x.op == "var" and x.data in pcs and y.is_const:
                return x.data, y.value
    return None


def _named_places(system: System, pcs: dict[str, str]) -> set[Place]:
    """Every control point that some expression names."""
    found = {place for e in system.exprs() for place in _asked(e, pcs)}
    for a in system.actions:
        found |= {(name, n) for name, new in a.updates.items() if name in pcs for n in _constants(new)}
    return found


def _asked(e: Expr, pcs: dict[str, str]) -> Iterable[Place]:
    return [place for x in walk(e) if (place := _place_asked(x, pcs)) is not None]


def _constants(e: Expr) -> set[int]:
    """The control points at the ends of a tree of choices."""
    if e.op == "ite":
        return _constants(e.args[1]) | _constants(e.args[2])
    return {e.value} if e.is_const else set()
