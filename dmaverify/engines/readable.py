"""An invariant for readers: what never happens and what always holds, and what the places of threads are that it names."""

from __future__ import annotations

from collections.abc import Iterator

from dmaverify.ir.expr import Expr
from dmaverify.ir.system import Kind, System
from dmaverify.ir.text_expr import ExprPrinter, Names
from dmaverify.ir.traverse import walk
from dmaverify.span import NOWHERE


def readable(system: System, prop: str, invariant: str) -> str:
    """The always-instances of the property ``invariant`` of a System, which show ``prop``, as text."""
    facts = [w for w in system.always if w.prop == invariant]
    lines = [
        f"What always holds in {system.name}, and shows {prop}.",
        "",
        *(_line(system, w.cond) for w in facts),
    ]
    places = list(_places(system, [w.cond for w in facts]))
    if places:
        lines += ["", "Where threads stand: before these statements.", "", *places]
    return "\n".join(lines) + "\n"


def _line(system: System, e: Expr) -> str:
    """``never`` and what is excluded, or ``always`` and what holds."""
    word = "always"
    if e.op == "not" and e.args[0].op != "eq":
        word, e = "never ", e.args[0]
    printer = ExprPrinter(Names({}, {}, system), (e,))
    lets = [f", {name} being {printer.definition(node)}" for node, name in printer.lets_for(e)]
    return f"{word} {printer.text(e)}{''.join(lets)}"


def _places(system: System, facts: list[Expr]) -> Iterator[str]:
    """The statements at the places that are named."""
    named: dict[str, set[int]] = {}
    for node in walk(*facts):
        if node.op == "eq" and {a.op for a in node.args} == {"var", "const"}:
            leaf, value = sorted(node.args, key=lambda a: a.op == "const")
            named.setdefault(leaf.data, set()).add(int(value.data))
    for v in system.vars:
        if v.kind is not Kind.PC:
            continue
        for place in sorted(named.get(v.name, ())):
            here = [a for a in system.actions if a.thread == v.owner and a.at == place]
            texts = dict.fromkeys(a.text if a.span == NOWHERE else f"{a.text} ({a.span})" for a in here)
            yield f"{v.name} == {place}: {' or '.join(texts) if texts else 'its end'}"
