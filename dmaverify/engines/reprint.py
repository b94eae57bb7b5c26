"""A second printer for the obligations of a certificate, for the checker only.

It shares nothing with the encoder in ``smt``, only the list of what there is to show (``owed``): it works on the System as parsed from
text, gives every node of an expression a definition of its own, relates the states before and after a step by equations instead of
putting one into the other, and spells out shifts, ``bitlen`` and ``popcount`` in another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from dmaverify.engines.owed import Owed, Step
from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Action, Check, System
from dmaverify.ir.traverse import walk
from dmaverify.ir.types import Bool, Int, Type, Value


class Unprintable(ValueError):
    """The System has something that core IR does not."""


def _sort(t: Type) -> str:
    if isinstance(t, Bool):
        return "Bool"
    if isinstance(t, Int):
        return f"(_ BitVec {t.width})"
    raise Unprintable(f"type {t}")


def _value(value: Value, t: Type) -> str:
    if isinstance(t, Bool):
        return "true" if value else "false"
    return _number(int(value), _width(t))


def _number(n: int, width: int) -> str:
    return "#b" + format(n % (1 << width), f"0{width}b")


def _width(t: Type) -> int:
    if not isinstance(t, Int):
        raise Unprintable(f"type {t}")
    return t.width


def _signed(t: Type) -> bool:
    return isinstance(t, Int) and t.signed


class _Scope:
    """Definitions of expressions over one meaning of variables and inputs."""

    def __init__(self, lines: list[str], prefix: str, variables: Mapping[str, str], inputs: Mapping[str, str]) -> None:
        self.lines, self.prefix, self.variables, self.inputs = lines, prefix, variables, inputs
        self.names: dict[int, str] = {}
        self.keep: list[Expr] = []

    def name(self, root: Expr) -> str:
        """The name of the root's definition, after defining everything below it."""
        for node in walk(root):
            if node.uid not in self.names:
                text = self._text(node, [self.names[a.uid] for a in node.args])
                name = f"{self.prefix}{len(self.names)}"
                self.lines.append(f"(define-fun {name} () {_sort(node.type)} {text})")
                self.names[node.uid] = name
                self.keep.append(node)
        return self.names[root.uid]

    def _text(self, node: Expr, a: list[str]) -> str:
        op = node.op
        if op == "const":
            return _value(node.data, node.type)
        if op == "var":
            return self.variables[node.data]
        if op == "input":
            return self.inputs[node.data]
        if op == "not":
            return f"(not {a[0]})"
        if op == "and":
            return f"(and true true {' '.join(a)})"
        if op == "or":
            return f"(or false false {' '.join(a)})"
        if op == "eq":
            return f"(= {a[0]} {a[1]})"
        if op == "ite":
            return f"(ite {a[0]} {a[1]} {a[2]})"
        return _arithmetic(node, a)


_SAME = {
    "add": "bvadd",
    "sub": "bvsub",
    "mul": "bvmul",
    "band": "bvand",
    "bor": "bvor",
    "bxor": "bvxor",
    "neg": "bvneg",
    "bnot": "bvnot",
}
_BY_SIGN = {"div": ("bvudiv", "bvsdiv"), "rem": ("bvurem", "bvsrem"), "lt": ("bvult", "bvslt"), "le": ("bvule", "bvsle")}


def _arithmetic(node: Expr, a: list[str]) -> str:
    op, kind = node.op, node.args[0].type
    if op in _SAME:
        return f"({_SAME[op]} {' '.join(a)})"
    if op in _BY_SIGN:
        _width(kind)
        return f"({_BY_SIGN[op][_signed(kind)]} {a[0]} {a[1]})"
    if op == "wrap":
        to = _width(node.type)
        if isinstance(kind, Bool):
            return f"(ite {a[0]} {_number(1, to)} {_number(0, to)})"
        return _resize(a[0], _width(kind), to, _signed(kind))
    if op in ("shl", "shr"):
        return _shift(node, a)
    if op == "bitlen":
        text = _number(0, 32)
        for n in range(_width(kind)):  # the highest set bit is asked for first, so it is the outermost
            text = f"(ite (= ((_ extract {n} {n}) {a[0]}) #b1) {_number(n + 1, 32)} {text})"
        return text
    if op == "popcount":
        bits = [f"((_ zero_extend 31) ((_ extract {n} {n}) {a[0]}))" for n in range(_width(kind))]
        text = bits[0]
        for bit in bits[1:]:
            text = f"(bvadd {text} {bit})"
        return text
    raise Unprintable(f"operator {op}")


def _resize(text: str, width: int, to: int, signed: bool) -> str:
    if to <= width:
        return f"((_ extract {to - 1} 0) {text})"
    return f"((_ {'sign' if signed else 'zero'}_extend {to - width}) {text})"


def _shift(node: Expr, a: list[str]) -> str:
    """Both operands in a width where the amount keeps its value and the operand's width can be named; out of range is asked."""
    width, by = _width(node.type), node.args[1].type
    wide = max(width, _width(by)) + 8
    amount = _resize(a[1], _width(by), wide, _signed(by))
    low, high = _number(0, wide), _number(width, wide)
    inside = f"(and (bvsle {low} {amount}) (bvslt {amount} {high}))"
    value = _resize(a[0], width, wide, _signed(node.type))
    if node.op == "shl":
        moved, outside = f"(bvshl {value} {amount})", _number(0, width)
    else:
        moved = f"(bvashr {value} {amount})"
        sign = f"(= ((_ extract {width - 1} {width - 1}) {a[0]}) #b1)"
        outside = f"(ite {sign} {_number(-1, width)} {_number(0, width)})" if _signed(node.type) else _number(0, width)
    return f"(ite {inside} ((_ extract {width - 1} 0) {moved}) {outside})"


class Reprint:
    """The obligations of one claim, each a script of its own that must be unsatisfiable."""

    def __init__(self, system: System, prop: str, invariant: str) -> None:
        self.system, self.prop = system, prop
        self.facts = [w for w in system.always if w.prop == invariant]
        self.old = {v.name: f"x{n}" for n, v in enumerate(system.vars)}
        self.new = {v.name: f"y{n}" for n, v in enumerate(system.vars)}

    def scripts(self, owed: Owed) -> Iterator[tuple[str, str]]:
        """(what it shows, text) for every obligation."""
        for facts in owed.initially:
            yield "initial states", self._init(facts)
        for step in owed.steps:
            yield f"step {self.system.actions[step.action].name}", self._step(step)
        for n, given in owed.always:
            w = self.system.always[n]
            lines = self._states()
            scope = self._assume(lines, given)
            lines += [f"(assert {scope.name(w.when)})", f"(assert (not {scope.name(w.cond)}))"]
            yield f"always {w.label}", _closed(lines)
        for step in owed.steps:
            action = self.system.actions[step.action]
            for check in action.checks:
                if check.prop == self.prop or not check.stop:
                    lines = self._states()
                    self._assume(lines, step.given)
                    scope = self._taken(lines, action)
                    lines += [f"(assert {scope.name(check.path)})", f"(assert (not {scope.name(check.cond)}))"]
                    yield f"check {check.label} in {action.name}", _closed(lines)

    def _states(self) -> list[str]:
        lines = ["(set-logic QF_BV)"]
        lines += [f"(declare-const {self.old[v.name]} {_sort(v.type)})" for v in self.system.vars]
        return lines

    def _assume(self, lines: list[str], given: Iterable[int]) -> _Scope:
        """These facts of the invariant hold in the old state."""
        scope = _Scope(lines, "p", self.old, {})
        for w in (self.facts[k] for k in given):
            lines.append(f"(assert (=> {scope.name(w.when)} {scope.name(w.cond)}))")
        return scope

    def _init(self, facts: Iterable[int]) -> str:
        lines = self._states()
        for v in self.system.vars:
            if not v.any_init:
                lines.append(f"(assert (= {self.old[v.name]} {_value(v.init, v.type)}))")
        scope = _Scope(lines, "p", self.old, {})
        lines += [f"(assert {scope.name(e)})" for e in self.system.assumptions]
        self._refute(lines, scope, facts)
        return _closed(lines)

    def _refute(self, lines: list[str], scope: _Scope, facts: Iterable[int]) -> None:
        """One of these facts of the invariant fails."""
        wrong = [f"(and {scope.name(w.when)} (not {scope.name(w.cond)}))" for w in (self.facts[k] for k in facts)]
        lines.append(f"(assert (or false false {' '.join(wrong)}))")

    def _taken(self, lines: list[str], action: Action) -> _Scope:
        """The action can be taken in the old state."""
        inputs = {}
        for n, i in enumerate(action.inputs):
            inputs[i.name] = f"i{n}"
            lines.append(f"(declare-const i{n} {_sort(i.type)})")
            if i.values is not None:
                cases = " ".join(f"(= i{n} {_value(v, i.type)})" for v in i.values)
                lines.append(f"(assert (or false false {cases}))")
        scope = _Scope(lines, "q", self.old, inputs)
        if action.thread is not None and action.at is not None:
            pc = self.system.thread(action.thread).pc
            lines.append(f"(assert (= {self.old[pc]} {_value(action.at, self.system.var(pc).type)}))")
        lines.append(f"(assert {scope.name(action.guard)})")
        return scope

    def _step(self, step: Step) -> str:
        action = self.system.actions[step.action]
        lines = self._states()
        self._assume(lines, step.given)
        scope = self._taken(lines, action)
        for c in action.checks:
            self._passed(lines, scope, c)
        for v in self.system.vars:
            lines.append(f"(declare-const {self.new[v.name]} {_sort(v.type)})")
            after = scope.name(action.updates[v.name]) if v.name in action.updates else self.old[v.name]
            lines.append(f"(assert (= {self.new[v.name]} {after}))")
        self._refute(lines, _Scope(lines, "r", self.new, {}), step.kept)
        return _closed(lines)

    def _passed(self, lines: list[str], scope: _Scope, check: Check) -> None:
        """The check does not fail in this step: if it does, the run ends or another obligation is not met."""
        lines.append(f"(assert (=> {scope.name(check.path)} {scope.name(check.cond)}))")


def _closed(lines: list[str]) -> str:
    return "\n".join([*lines, "(check-sat)"]) + "\n"
