"""SMT-LIB: a transition system in the notation of VMT, or a question about a number of steps.

VMT is SMT-LIB with marks: ``:next`` pairs a variable with what it is a step later, ``:init``, ``:trans`` and
``:invar-property`` say what a formula is for. Solvers that do not know the marks read over them.
"""

from __future__ import annotations

from dmaverify.engines.smt.smtlib import Script, Text, TextWriter, inline, sort_text, symbol
from dmaverify.engines.smt.terms import Sort, constant, sort_of
from dmaverify.export.choose import Exported
from dmaverify.export.relation import Relation, relation

_AFTER = "'"


def to_vmt(exported: Exported) -> str:
    """The transition system. Its properties are numbered in the order of the text, with their names in comments."""
    w = TextWriter()
    r = relation(exported, w)
    out = [f"; {exported.system.name}"]
    for name, (_, sort) in r.variables.items():
        now, after = symbol(name), symbol(name + _AFTER)
        out.append(f"(declare-fun {now} () {sort_text(sort)})")
        out.append(f"(declare-fun {after} () {sort_text(sort)})")
        out.append(f"(define-fun {symbol('state ' + name)} () {sort_text(sort)} (! {now} :next {after}))")
    out += [f"(declare-fun {symbol(name)} () {sort_text(sort)})" for name, (_, sort) in r.inputs.items()]
    out.append(f"(define-fun |init!| () Bool (! {inline(_initial(r, w))} :init true))")
    out.append(f"(define-fun |trans!| () Bool (! {inline(_step(r, w))} :trans true))")
    for n, (bad, term) in enumerate(r.bads):
        out.append(f"; {bad.prop} {bad.label}")
        good = inline(w.apply("not", [term]))
        out.append(f"(define-fun |good!{n}| () Bool (! {good} :invar-property {n}))")
    return "\n".join(out) + "\n"


def _initial(r: Relation[Text], w: TextWriter) -> Text:
    parts = [w.apply("=", [r.variables[name][0], value]) for name, value in r.initial.items()]
    return _all(w, [*parts, *r.assumptions])


def _step(r: Relation[Text], w: TextWriter) -> Text:
    parts = []
    for name, (term, sort) in r.variables.items():
        parts.append(w.apply("=", [w.symbol(name + _AFTER, sort), r.next.get(name, term)]))
    return _all(w, parts)


def _all(w: TextWriter, parts: list[Text]) -> Text:
    if not parts:
        return w.boolean(True)
    return parts[0] if len(parts) == 1 else w.apply("and", parts)


class _At(TextWriter):
    """Writes terms about one point of time: a variable is what it is then, an input is that of the step from there."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0
        self.known: dict[str, Text] = {}
        self.made: dict[str, Sort] = {}
        """Symbols that nobody has declared yet."""

    def symbol(self, name: str, sort: Sort) -> Text:
        """The term of that name at the time."""
        if name in self.known:
            return self.known[name]
        full = f"{name}@{self.time}"
        self.made[full] = sort
        return super().symbol(full, sort)

    def plain(self, name: str, sort: Sort) -> Text:
        """The symbol of exactly that name."""
        return super().symbol(name, sort)


def to_script(exported: Exported, depth: int) -> str:
    """A question for any solver: satisfiable if something fails within ``depth`` steps, with the values as the way there."""
    script, w = Script(), _At()
    system = exported.system
    script.comment(f"{system.name}: satisfiable if one of these fails within {depth} steps")
    for bad in exported.bads:
        script.comment(f"  {bad.prop} {bad.label}")
    script.lines.append("(set-logic QF_BV)")
    for v in system.vars:
        script.declare(f"{v.name}@0", sort_of(v.type))
        w.known[v.name] = w.plain(f"{v.name}@0", sort_of(v.type))
        if not v.any_init:
            script.add(w.apply("=", [w.known[v.name], constant(w, v.init, v.type)]))
    failed: list[Text] = []
    for time in range(depth + 1):
        w.time, w.made = time, {}
        r = relation(exported, w)
        for name, sort in w.made.items():
            script.declare(name, sort)
        if time == 0:
            for a in r.assumptions:
                script.add(a)
        # a check in the step from the last state would be one step more
        failed += [term for bad, term in r.bads if bad.action is None or time < depth]
        after = {name: _named(script, w, f"{name}@{time + 1}", term) for name, term in r.next.items()} if time < depth else {}
        w.known = {**w.known, **after}
    script.add(w.boolean(False) if not failed else failed[0] if len(failed) == 1 else w.apply("or", failed))
    script.check()
    return script.text()


def _named(script: Script, w: _At, name: str, term: Text) -> Text:
    """The term under a name that a reader (and a model) can find."""
    script.declare(name, term.sort)
    here = w.plain(name, term.sort)
    script.add(w.apply("=", [here, term]))
    return here
