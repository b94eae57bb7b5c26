"""Compiles small scenarios for the tests of the lowerer, and runs them on the interpreter."""

from __future__ import annotations

from pathlib import Path

from dmaverify.engines.interp import Interpreter
from dmaverify.ir.system import Action, System
from dmaverify.ir.types import Enum, Index, Value
from dmaverify.ir.wellformed import wellformed
from dmaverify.lang.compile import Compiled, compile_scenario

KIT = Path(__file__).resolve().parent.parent / "data" / "lower"
BOARD = "region dram { at 0x8000_0000  size 8K }\n"


def compiled(folder: Path, text: str, more: str = "", **options: object) -> Compiled:
    """The scenario ``t`` with this text, which sees ``spec.kit`` (with ``more`` in it); its System is
    well-formed.
    """
    (folder / "spec").mkdir(exist_ok=True)
    (folder / "models").mkdir(exist_ok=True)
    (folder / "spec" / "kit.dma").write_text((KIT / "spec" / "kit.dma").read_text() + more)
    path = folder / "models" / "t.dma"
    board = "" if "region " in text else BOARD
    path.write_text(f"scenario t\nimport spec.kit\n{board}{text}\n")
    result = compile_scenario(path, **options)  # type: ignore[arg-type]
    assert wellformed(result.system) == []
    return result


def system(folder: Path, text: str, **options: object) -> System:
    """The System of that scenario."""
    return compiled(folder, text, **options).system


def shown(system: System, name: str, value: Value) -> Value:
    """A value with the names that the text gives it."""
    t = system.var(name).type
    if isinstance(t, Enum) and value is not None:
        return t.members[value]
    if isinstance(t, Index) and t.names and value is not None:
        return t.names[value]
    return value


def ends(system: System, *names: str, limit: int = 20_000) -> set[tuple[Value, ...]]:
    """The values of these variables in every state from which nothing can happen any more.

    A variable that nothing reads or writes is not part of the System: it is still 0.
    """
    known = {v.name for v in system.vars}
    run = Interpreter(system)
    found: set[tuple[Value, ...]] = set()
    todo = list(run.initial_states())
    seen = set(todo)
    while todo:
        state = todo.pop()
        moved = False
        for action, given in run.enabled(state):
            moved = True
            after = run.step(state, action, given)
            if not after.stopped and after.state not in seen:
                seen.add(after.state)
                todo.append(after.state)
        assert len(seen) < limit
        if not moved:
            found.add(tuple(shown(system, n, run.value(state, n)) if n in known else 0 for n in names))
    return found


def failures(system: System, limit: int = 20_000) -> set[tuple[str, str]]:
    """Property and label of everything that fails in some reachable state or step."""
    from tests.support.naive_search import search

    found = search(system, lambda a: 1)
    assert found.states < limit
    return set(found.violated)


def named(system: System, part: str) -> list[Action]:
    """The actions whose text starts like that."""
    return [a for a in system.actions if a.text.startswith(part)]
