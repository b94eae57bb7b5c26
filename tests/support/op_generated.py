"""Operators by way of ``flatten`` and generated Python: both are second implementations of what the table
says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from dmaverify.engines.pycode import Packing, Writer, helpers
from dmaverify.ir import encoding
from dmaverify.ir.expr import input_, raw, var
from dmaverify.ir.scalarise import Scalariser
from dmaverify.ir.system import Var
from dmaverify.ir.types import Bool, Type, Value


@cache
def _compiled(op: str, arg_types: tuple[Type, ...], t: Type, data: Any) -> Callable[[Sequence[Value]], Value]:
    """Arguments are variables and inputs in turn, so that both ways to read a value are met."""
    names = [list(encoding.leaves(at, f"a{n}")) for n, at in enumerate(arg_types)]
    from_state = [n % 2 == 0 for n in range(len(arg_types))]
    make = [var if s else input_ for s in from_state]
    trees = [
        encoding.build(at, iter([make[n](name, encoding.core_type(leaf)) for name, leaf in names[n]]))
        for n, at in enumerate(arg_types)
    ]
    lower = Scalariser({f"a{n}": tree for n, tree in enumerate(trees) if from_state[n]})
    lower.with_inputs({f"a{n}": tree for n, tree in enumerate(trees) if not from_state[n]})
    root = raw(op, t, tuple(make[n](f"a{n}", at) for n, at in enumerate(arg_types)), data)
    results = list(encoding.flat(lower(root)))
    state = [Var(name, encoding.core_type(leaf), None) for n, own in enumerate(names) if from_state[n] for name, leaf in own]
    packing = Packing(state)
    arguments = {
        name: f"i{k}" for k, name in enumerate(name for n, own in enumerate(names) if not from_state[n] for name, _ in own)
    }
    writer = Writer(packing, arguments)
    writer.share(*results)
    writer.line(f"return [{', '.join(writer.value(r) for r in results)}]")
    space: dict[str, Any] = helpers()
    exec("\n".join([f"def f(s{''.join(', ' + a for a in arguments.values())}):", *writer.lines]), space)

    def run(values: Sequence[Value]) -> Value:
        codes = [list(encoding.encode(v, at)) for v, at in zip(values, arg_types, strict=True)]
        own = [c for n, some in enumerate(codes) if from_state[n] for c in some]
        given = [c for n, some in enumerate(codes) if not from_state[n] for c in some]
        out = space["f"](packing.pack(dict(zip((v.name for v in state), own, strict=True))), *given)
        leaf_types = [leaf for _, leaf in encoding.leaves(t, "")]
        exact = [bool(c) if isinstance(encoding.core_type(x), Bool) else c for c, x in zip(out, leaf_types, strict=True)]
        return encoding.decode(t, iter(exact))

    return run


def generated(op: str, values: Sequence[Value], arg_types: Sequence[Type], t: Type, data: Any) -> Value:
    """The operator flattened, written as Python and run."""
    return _compiled(op, tuple(arg_types), t, data)(values)
