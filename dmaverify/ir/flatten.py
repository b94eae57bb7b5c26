"""From the full IR to core IR: only Bool and Int variables, one for each scalar of each value, and only core
operators.

What changes, beside the types:

* An action with an index-like input that chooses a cell becomes one action per value of that input (a
  *family*).
* Each core action has one ``Part``: the full action and the codes of its inputs (``encoding.pack``).
* Emits and messages are dropped: they label and explain steps of the full System, where every trace is
  replayed.
* Every code that an input may have is one that a value has: by ``values`` or by a conjunct of the guard.

Nothing is optimised here except that an instance whose guard is false is left out; see ``constants``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from dmaverify.ir import encoding
from dmaverify.ir.encoding import Tree, core_type, decode, encode, encode_scalar, leaves, pack
from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, input_, le, var
from dmaverify.ir.scalarise import Scalariser, indexing_inputs
from dmaverify.ir.system import (
    Action,
    Always,
    Check,
    Cover,
    Effect,
    Emit,
    Input,
    LockOp,
    Part,
    Reached,
    System,
    Thread,
    Var,
)
from dmaverify.ir.types import Int, Type, Value, index_values
from dmaverify.verdict import Step, Trace

MOST_INSTANCES = 4096
"""A family with more members than this keeps its index as an input."""

MOST_LISTED = 4096
"""An input with more codes than this gets a bound in the guard instead of a list of values."""


@dataclass(frozen=True)
class Flat:
    """A core System with the way back to the System that it came from."""

    full: System
    system: System
    layout: Mapping[str, tuple[str, ...]]
    """The core variables of each full variable, in the order of the encoding."""
    folded: Mapping[str, Value] = field(default_factory=dict)
    """Core variables that turned out constant and are gone from the System."""

    def decode_state(self, core: Mapping[str, Value]) -> dict[str, Value]:
        """Values of the full variables of which ``core`` (with what was folded away) knows every scalar."""
        known = {**self.folded, **core}
        state = {}
        for v in self.full.vars:
            names = self.layout[v.name]
            if all(n in known for n in names):
                state[v.name] = decode(v.type, iter([known[n] for n in names]))
        return state

    def encode_state(self, state: Mapping[str, Value]) -> dict[str, Value]:
        """Core values of a full state, folded ones included."""
        result: dict[str, Value] = {}
        for v in self.full.vars:
            result.update(zip(self.layout[v.name], encode(state[v.name], v.type), strict=True))
        return result

    def decode_step(self, step: Step) -> Step:
        """A step of the full System from one whose inputs are codes."""
        action = self._actions[step.action]
        types = {i.name: i.type for i in action.inputs}
        return Step(step.action, tuple((n, encoding.unpack(c, types[n])) for n, c in step.inputs))

    def decode_trace(self, trace: Trace) -> Trace:
        """A trace of the full System from one over core variables and codes."""
        known = self.decode_state(dict(trace.initial))
        free = {v.name: known.get(v.name) for v in self.full.vars if v.any_init}
        missing = [v for v in self.full.vars if v.any_init and v.name not in known]
        if missing:
            free.update(self._complete(dict(trace.initial), missing))
        return replace(trace, initial=tuple(free.items()), steps=tuple(map(self.decode_step, trace.steps)))

    @property
    def _actions(self) -> dict[str, Action]:
        cached: dict[str, Action] | None = self.__dict__.get("_by_name")
        if cached is None:
            cached = {a.name: a for a in self.full.actions}
            object.__setattr__(self, "_by_name", cached)
        return cached

    def _complete(self, core: Mapping[str, Value], missing: list[Var]) -> dict[str, Value]:
        """Values for variables that the slice does not have, such that every assumption holds."""
        from dmaverify.ir.solve import satisfy

        given = {**self.folded, **core}
        names = [n for v in missing for n in self.layout[v.name] if n not in given]
        chosen = satisfy((*self.system.assumptions, *self.system.domain), given, [self.system.var(n) for n in names])
        state = self.decode_state({**given, **chosen})
        return {v.name: state[v.name] for v in missing}


def flatten(system: System) -> Flat:
    """The core System of a full one."""
    return _Flattener(system).run()


class _Flattener:
    def __init__(self, system: System) -> None:
        self.full = system
        self.layout: dict[str, tuple[str, ...]] = {}
        self.trees: dict[str, Tree] = {}
        self.vars: list[Var] = []
        taken: set[str] = set()
        for v in system.vars:
            self._spread(v, taken)
        self.lower = Scalariser(self.trees)
        self.threads = {t.name: t for t in system.threads}

    def _spread(self, v: Var, taken: set[str]) -> None:
        scalars: list[Expr] = []
        names: list[str] = []
        # a variable with an open value has no value to spread
        inits = itertools.repeat(None) if v.any_init else encode(v.init, v.type)
        for (name, t), init in zip(leaves(v.type, v.name), inits, strict=False):
            while name in taken:
                name += "'"
            taken.add(name)
            names.append(name)
            core = core_type(t)
            scalars.append(var(name, core))
            self.vars.append(Var(name, core, init, v.kind, v.owner, v.span, v.any_init))
        self.layout[v.name] = tuple(names)
        self.trees[v.name] = encoding.build(v.type, iter(scalars))

    def run(self) -> Flat:
        full = self.full
        domain = [encoding.domain(v.type, self.trees[v.name]) for v in full.vars]
        open_domain = [d for v, d in zip(full.vars, domain, strict=True) if v.any_init]
        core = System(
            name=full.name,
            vars=tuple(self.vars),
            actions=tuple(a for action in full.actions for a in self._action(action)),
            threads=tuple(map(self._thread, full.threads)),
            properties=full.properties,
            always=tuple(map(self._always, full.always)),
            covers=tuple(Cover(c.name, self.lower.scalar(c.cond), c.span) for c in full.covers),
            assumptions=_conjuncts([*(self.lower.scalar(a) for a in full.assumptions), *open_domain]),
            notes=full.notes,
            domain=_conjuncts(domain),
        )
        return Flat(full, core, self.layout)

    def _code(self, thread: Thread, pc: int) -> int:
        return int(encode_scalar(pc, self.full.var(thread.pc).type))

    def _thread(self, t: Thread) -> Thread:
        return replace(
            t,
            pc=self.layout[t.pc][0],
            ends=frozenset(self._code(t, p) for p in t.ends),
            idle=frozenset(self._code(t, p) for p in t.idle),
            labels={name: self._code(t, p) for name, p in t.labels.items()},
        )

    def _always(self, w: Always) -> Always:
        scalar = self.lower.scalar
        return replace(w, cond=scalar(w.cond), when=scalar(w.when), message=(), stable=tuple(scalar(s) for s in w.stable))

    # -- actions ----------------------------------------------------------------------------------------

    def _action(self, a: Action) -> Iterator[Action]:
        family = [i for i in a.inputs if i.name in indexing_inputs(list(_exprs(a)))]
        domains = [i.values if i.values is not None else tuple(index_values(i.type)) for i in family]
        size = 1
        for d in domains:
            size *= len(d)
        if size > MOST_INSTANCES:
            family, domains = [], []
        for values in itertools.product(*domains):
            instance = self._instance(a, {i.name: v for i, v in zip(family, values, strict=True)})
            if instance.guard is not FALSE:
                yield instance

    def _instance(self, a: Action, fixed: Mapping[str, Value]) -> Action:
        trees: dict[str, Tree] = {}
        inputs: list[Input] = []
        limits: list[Expr] = []
        for i in a.inputs:
            if i.name in fixed:
                trees[i.name] = encoding.const_tree(fixed[i.name], i.type)
            else:
                trees[i.name], own, limit = _core_input(i)
                inputs += own
                limits.append(limit)
        lower = self.lower.with_inputs(trees)
        updates: dict[str, Expr] = {}
        for name, new in a.updates.items():
            old = encoding.flat(self.trees[name])
            for leaf, before, after in zip(self.layout[name], old, encoding.flat(lower(new)), strict=True):
                if after is not before:
                    updates[leaf] = after
        suffix = ",".join(f"{n}={v}" for n, v in fixed.items())
        bindings = tuple((i.name, pack(trees[i.name], i.type)) for i in a.inputs)
        at = a.at
        if at is not None and a.thread is not None:
            at = self._code(self.threads[a.thread], at)
        return replace(
            a,
            name=f"{a.name}{{{suffix}}}" if fixed else a.name,
            at=at,
            guard=and_(*limits, lower.scalar(a.guard)),
            inputs=tuple(inputs),
            effects=tuple(_effect(e, lower) for e in a.effects if not isinstance(e, Emit)),
            updates=updates,
            weight=None if a.weight is None else lower.scalar(a.weight),
            locks=tuple(LockOp(op.op, lower.scalar(op.lock)) for op in a.locks),
            parts=(Part(a.name, TRUE, bindings),),
        )


def _exprs(a: Action) -> Iterator[Expr]:
    yield a.guard
    yield from a.updates.values()
    yield from (op.lock for op in a.locks)
    for e in a.effects:
        yield e.path
        if isinstance(e, Check):
            yield e.cond


def _effect(e: Effect, lower: Scalariser) -> Effect:
    if isinstance(e, Check):
        return replace(e, path=lower.scalar(e.path), cond=lower.scalar(e.cond), message=())
    assert isinstance(e, Reached)
    return replace(e, path=lower.scalar(e.path))


def _core_input(i: Input) -> tuple[Tree, list[Input], Expr]:
    """The tree of an input, the core inputs that it becomes, and what the guard must say about them."""
    if encoding.is_scalar(i.type):
        core = core_type(i.type)
        leaf = input_(i.name, core)
        values = i.values and tuple(encode_scalar(v, i.type) for v in i.values)
        limit = TRUE
        if values is None and i.type.count != 1 << i.type.bits:
            values, limit = _limited(leaf, i.type)
        return leaf, [Input(i.name, core, values)], limit
    if i.values is not None:
        return _chosen(i, i.values)
    trees: list[Expr] = []
    inputs: list[Input] = []
    for name, t in leaves(i.type, i.name):
        trees.append(input_(name, core_type(t)))
        inputs.append(Input(name, core_type(t)))
    tree = encoding.build(i.type, iter(trees))
    return tree, inputs, encoding.domain(i.type, tree)


def _limited(leaf: Expr, t: Type) -> tuple[tuple[Value, ...] | None, Expr]:
    """A list of the codes that a type has, or a condition that says the same."""
    if t.count <= MOST_LISTED:
        return tuple(range(t.count)), TRUE
    return None, le(leaf, const(t.count - 1, core_type(t)))


def _chosen(i: Input, values: tuple[Value, ...]) -> tuple[Tree, list[Input], Expr]:
    """An input of a composite type is a number that says which of its values is meant."""
    core = Int(max(1, (len(values) - 1).bit_length()))
    which = input_(i.name, core)
    tree = encoding.pick([encoding.const_tree(v, i.type) for v in values], which)
    return tree, [Input(i.name, core, tuple(range(len(values))))], TRUE


def _conjuncts(exprs: list[Expr]) -> tuple[Expr, ...]:
    """The conjuncts of several conditions, each once."""
    found: dict[int, Expr] = {}
    for e in exprs:
        for part in e.args if e.op == "and" else (e,):
            if part is not TRUE:
                found[part.uid] = part
    return tuple(found.values())
