"""Promela for SPIN: one process, every action one ``d_step``, with the conditions and updates in embedded C.

    spin -a FILE.pml
    gcc -O2 -DSAFETY -DNOREDUCE -o pan pan.c
    ./pan -m1000000 -w24

The reachable states are those of the System, one for one (SPIN counts one more where there are several initial states), and
so are the transitions. SPIN's own numbers end at 32 bits; C's do not, so operators mean in SPIN what they mean here. A failure
is an assertion that SPIN finds violated; ``-c0 -e`` makes it go on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dmaverify.export.ccode import PRELUDE, Block, number
from dmaverify.export.choose import Bad, Exported, NotExportable
from dmaverify.export.inputs import choices, initial_states
from dmaverify.ir.expr import FALSE, TRUE, Expr, and_, const, eq, not_, or_, var
from dmaverify.ir.system import Action, Var
from dmaverify.ir.types import Bool, Int, Value

MOST_BITFIELD = 32
"""Wider numbers are declared in C."""


MOST_TEXT = 16_000
"""Characters of C in one piece; SPIN reads no more than about 64,000."""


class Names:
    """C names of variables: readable and distinct, and none that SPIN has a use for."""

    def __init__(self, variables: Sequence[Var]) -> None:
        self._names: dict[str, str] = {}
        taken: set[str] = set()
        for v in variables:
            plain = "v_" + re.sub(r"\W+", "_", v.name).strip("_")
            name, n = plain, 2
            while name in taken:
                name, n = f"{plain}_{n}", n + 1
            taken.add(name)
            self._names[v.name] = name

    def __getitem__(self, name: str) -> str:
        return self._names[name]


def to_promela(exported: Exported) -> str:
    """The whole model."""
    return _Writer(exported).text()


def _comment(text: str) -> str:
    return "/* " + text.replace("*/", "* /").replace("\n", " ") + " */"


class _Writer:
    def __init__(self, exported: Exported) -> None:
        self.exported = exported
        self.system = exported.system
        self.names = Names(self.system.vars)
        self.inputs: list[str] = []
        """Of the action that is being written."""
        self.functions: list[str] = []
        self.options: list[str] = []

    def text(self) -> str:
        """Declarations, C functions, and the process."""
        starts = initial_states(self.system)
        if not starts:
            raise NotExportable("there is no initial state")
        for n, action in enumerate(self.system.actions):
            self._action(n, action)
        self._observer()
        initially = self._several(starts) if len(starts) > 1 else []
        out = [_comment(f"{self.system.name}: spin -a, then gcc -O2 -DSAFETY -DNOREDUCE -o pan pan.c; ./pan -m1000000"), ""]
        out += [self._declaration(v, starts[0][v.name]) for v in self.system.vars]
        out += ["", "c_decl {", PRELUDE + "}", "", *self._blocks(), ""]
        out += ["active proctype system() {", *initially, "end:", "    do", *self.options]
        if not self.options:
            out.append("    :: false")
        out += ["    od", "}", ""]
        return "\n".join(out)

    def _blocks(self) -> list[str]:
        """The functions, in pieces that SPIN can read."""
        out: list[str] = []
        size = MOST_TEXT
        for f in self.functions:
            if size + len(f) > MOST_TEXT:
                out += ["}", "c_code {"]
                size = 0
            out.append(f)
            size += len(f)
        return [*out[1:], "}"] if out else out

    # -- variables ------------------------------------------------------------------------------------------

    def _declaration(self, v: Var, value: Value) -> str:
        name, said = self.names[v.name], _comment(f"{v.name} : {v.type}")
        bits = int(value) & ((1 << v.type.bits) - 1)
        if isinstance(v.type, Bool):
            return f"bool {name} = {'true' if value else 'false'}; {said}"
        assert isinstance(v.type, Int)
        if v.type.width > MOST_BITFIELD:
            return f'c_state "U {name}" "Global" "{number(bits)}" {said}'
        if v.type.width == MOST_BITFIELD:
            signed = bits - (1 << 32) if bits >> 31 else bits
            return f"int {name} = {signed}; {said}"
        return f"unsigned {name} : {v.type.width} = {bits}; {said}"

    def _read(self, node: Expr) -> str:
        if node.op == "input":
            return f"i_{self.inputs.index(node.data)}"
        t, place = node.type, f"now.{self.names[node.data]}"
        if isinstance(t, Bool):
            return place
        assert isinstance(t, Int)
        if t.signed:
            return f"sext((U){place}, {t.width})"
        return f"((U)(unsigned){place})" if t.width <= MOST_BITFIELD else f"((U){place})"

    def _write(self, name: str, value: str) -> str:
        t = self.system.var(name).type
        if isinstance(t, Bool):
            return f"now.{self.names[name]} = {value};"
        return f"now.{self.names[name]} = (U){value} & {number((1 << t.bits) - 1)};"

    # -- actions --------------------------------------------------------------------------------------------

    def _action(self, n: int, action: Action) -> None:
        self.inputs = [i.name for i in action.inputs]
        combinations = choices(action)
        parameters = ", ".join(
            f"{'int' if isinstance(i.type, Bool) else 'S' if _signed(i.type) else 'U'} i_{k}" for k, i in enumerate(action.inputs)
        )
        ends = self.exported.ends(n)
        bads = self.exported.in_step(n)
        enabled = self._enabled(action)
        if enabled is FALSE:
            return
        self._condition(f"can_{n}", parameters, and_(enabled, not_(ends)), action.name)
        self._update(n, parameters, action)
        if bads:
            self._condition(f"bad_{n}", parameters, _any(bads), _labels(bads))
        last = bool(bads) and ends is not FALSE
        if last:
            self._condition(f"last_{n}", parameters, and_(enabled, ends, _any(bads)), f"{action.name} fails and ends the run")
        for given in combinations:
            # SPIN takes a name with a bracket right behind it for something with side effects
            call = f" ({', '.join(number(x) for x in given)})"
            check = f" assert(c_expr {{ !bad_{n}{call} }});" if bads else ""
            self.options.append(f"    :: d_step {{ c_expr {{ can_{n}{call} }} ->{check} c_code {{ do_{n}{call}; }} }}")
            if last:
                self.options.append(f"    :: d_step {{ c_expr {{ last_{n}{call} }} -> assert(false) }}")

    def _enabled(self, action: Action) -> Expr:
        if action.thread is None or action.at is None:
            return action.guard
        pc = self.system.thread(action.thread).pc
        t = self.system.var(pc).type
        return and_(eq(var(pc, t), const(action.at, t)), action.guard)

    def _condition(self, name: str, parameters: str, condition: Expr, said: str) -> None:
        """A function that tells whether a condition holds; what is cheap to test is tested first."""
        block = Block(self._read)
        parts = condition.args if condition.op == "and" else (condition,)
        cheap = [p for p in parts if _cheap(p)]
        rest = and_(*(p for p in parts if not _cheap(p)))
        if cheap:
            block.line(f"if (!({' && '.join(block.text(p) for p in cheap)})) return 0;")
        block.share(rest)
        block.line(f"return {block.text(rest)};")
        self._function("int", name, parameters, block, said)

    def _update(self, n: int, parameters: str, action: Action) -> None:
        block = Block(self._read)
        news = {name: e for name, e in action.updates.items() if e is not var(name, self.system.var(name).type)}
        block.share(*news.values())
        held: list[tuple[str, str]] = []
        for k, (name, e) in enumerate(news.items()):
            # all are computed before any is stored
            value = block.text(e)
            if not e.is_const and len(news) > 1:
                kind = "int" if isinstance(e.type, Bool) else "S" if _signed(e.type) else "U"
                block.line(f"const {kind} n{k} = {value};")
                value = f"n{k}"
            held.append((name, value))
        for name, value in held:
            block.line(self._write(name, value))
        self._function("void", f"do_{n}", parameters, block, action.text or action.name)

    def _function(self, result: str, name: str, parameters: str, block: Block, said: str) -> None:
        head = f"static {result} {name}({parameters or 'void'})"
        self.functions.append("\n".join([_comment(said), f"{head} {{", *block.lines, "}"]))

    # -- states ---------------------------------------------------------------------------------------------

    def _observer(self) -> None:
        """A step that asserts what must hold: possible only where it does not, so that it adds no transition."""
        self.inputs = []
        for k, bad in enumerate(self.exported.in_state()):
            self._condition(f"wrong_{k}", "", bad.cond, _labels([bad]))
            self.options.append(f"    :: d_step {{ c_expr {{ wrong_{k} () }} -> assert(false) }}")

    def _several(self, starts: list[dict[str, Value]]) -> list[str]:
        """A first step that chooses one of several initial states."""
        lines = ["    if"]
        for n, state in enumerate(starts):
            block = Block(self._read)
            for v in self.system.vars:
                if v.any_init:
                    block.line(self._write(v.name, number(int(state[v.name]) & ((1 << v.type.bits) - 1))))
            self._function("void", f"start_{n}", "", block, f"initial state {n}")
            lines.append(f"    :: d_step {{ true -> c_code {{ start_{n} (); }} }}")
        return [*lines, "    fi;"]


def _signed(t: object) -> bool:
    return isinstance(t, Int) and t.signed


def _cheap(e: Expr) -> bool:
    """Whether the condition compares one variable with a constant."""
    if e.op == "not":
        return _cheap(e.args[0])
    if e.op == "eq":
        return {a.op for a in e.args} <= {"var", "const"}
    return e.op in ("var", "const") and e is not TRUE


def _any(bads: list[Bad]) -> Expr:
    return or_(*(b.cond for b in bads))


def _labels(bads: list[Bad]) -> str:
    return "violated: " + ", ".join(dict.fromkeys(f"{b.prop} ({b.label})" for b in bads))
