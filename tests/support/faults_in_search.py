"""Faults in searches, in the code that is generated for them, and in the passes before them. See ``faults``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from dmaverify.engines import deadlocks, explicit, exploration, pycode
from dmaverify.engines import successors as successors_of
from dmaverify.engines.native import action as native_action
from dmaverify.engines.native import emit, kernel_base, layout, table
from dmaverify.ir import constants, footprint, liveness, pipeline, symmetry
from dmaverify.ir import slice as slicing
from dmaverify.ir.expr import TRUE
from dmaverify.ir.footprint import StepRule
from dmaverify.ir.rebuild import all_exprs
from dmaverify.ir.system import Kind
from dmaverify.ir.traverse import variables
from tests.support.fault import fault
from tests.support.guards import forget_compiled_code

# -- the Python engine ----------------------------------------------------------------------------------------------------


@fault("Python code", "operators in Python")
def quotients_rounded_down() -> Iterator[None]:
    """Signed division rounds to minus infinity, as Python's own does."""
    with patch.object(pycode, "helpers", lambda: {"sdiv": lambda a, b, half: a // b if b else -1, "srem": pycode._srem}), patch(
        "tests.support.guards.helpers", lambda: {"sdiv": lambda a, b, half: a // b if b else -1, "srem": pycode._srem}
    ):
        yield


@fault("Python code", "operators in Python")
def sums_that_never_wrap() -> Iterator[None]:
    """Signed sums, differences and products keep the bits that their type does not have."""
    true = pycode._wrapped
    with patch.object(pycode, "_wrapped", lambda source, t: f"({source})" if t.signed else true(source, t)):
        yield


@fault("Python code", "interpreter and search")
def last_update_is_lost() -> Iterator[None]:
    """A successor forgets the last variable that its action writes."""
    true = successors_of._ActionWriter._successor

    def successor(self: Any, news: list[Any], weight: Any, given: str) -> None:
        true(self, news[:-1] if len(news) > 2 else news, weight, given)

    with patch.object(successors_of._ActionWriter, "_successor", successor):
        yield


@fault("packer", "interpreter and search")
def fields_that_overlap() -> Iterator[None]:
    """In a packed state, the last variable shares a bit with the one before it."""
    true = pycode.Packing.__init__

    def init(self: Any, variables: Any) -> None:
        true(self, variables)
        if len(self.vars) > 1:
            self.offset[self.vars[-1].name] -= 1

    with patch.object(pycode.Packing, "__init__", init):
        yield


@fault("search", "shortest ways")
def first_way_is_kept() -> Iterator[None]:
    """A state keeps the distance of the first way that led to it, also if a shorter one is found."""
    true = explicit.Queue.push

    def push(self: explicit.Queue, state: int, cost: int, parent: int | None) -> None:
        if state not in self.cost:
            true(self, state, cost, parent)

    with patch.object(explicit.Queue, "push", push):
        yield


@fault("search", "interpreter and search")
def every_step_counts_one() -> Iterator[None]:
    """The search counts steps instead of adding up their weights."""
    true = explicit.Queue.push

    def push(self: explicit.Queue, state: int, cost: int, parent: int | None) -> None:
        true(self, state, 0 if parent is None else self.cost[parent] + 1, parent)

    with patch.object(explicit.Queue, "push", push):
        yield


@fault("search", "interpreter and search")
def everything_was_tested() -> Iterator[None]:
    """Every check counts as put to the test, so that nothing is vacuous."""
    true = exploration.Exploration.note_exercised

    def note(self: exploration.Exploration, targets: Any) -> None:
        true(self, range(len(self.compiled.targets)))

    with patch.object(exploration.Exploration, "note_exercised", note):
        yield


@fault("search", "interpreter and search")
def hardware_resolves_deadlocks() -> Iterator[None]:
    """A stuck state counts as alive if any other state follows it."""

    def nearest(self: deadlocks.Deadlocks) -> int | None:
        dead = [(cost, s) for s, cost in self.stuck.items() if not self.next[s] and not self._done(s)]
        return min(dead)[1] if dead else None

    with patch.object(deadlocks.Deadlocks, "nearest", nearest):
        yield


# -- native code ----------------------------------------------------------------------------------------------------------


@fault("native code", "operators in native code")
def native_comparison_without_sign() -> Iterator[None]:
    """Signed numbers are compared as if they were unsigned."""
    true = emit.Function.cmp

    def cmp(self: Any, kind: str, a: str, b: str, t: str = "i64") -> str:
        return true(self, {"slt": "ult", "sle": "ule"}.get(kind, kind), a, b, t)

    with patch.object(emit.Function, "cmp", cmp):
        yield


@fault("native code", "native code and Python")
def native_checks_without_path() -> Iterator[None]:
    """A check in native code is judged only in actions without inputs."""
    true = native_action.ActionWriter._effects

    def effects(self: Any, enabled: str = "true") -> None:
        if not self.action.inputs:
            true(self, enabled)

    with patch.object(native_action.ActionWriter, "_effects", effects):
        yield


@fault("native code", "native code and Python")
def native_stops_ignored() -> Iterator[None]:
    """Native code goes on behind a failed check that ends the run."""
    true = native_action.ActionWriter._body

    def body(self: Any) -> None:
        whole = self.action
        true(self) if not any(c.stop for c in whole.checks) else _unstopped(self, true)

    def _unstopped(self: Any, true: Callable[[Any], None]) -> None:
        effects = tuple(replace(e, stop=False) if hasattr(e, "stop") else e for e in self.action.effects)
        self.action = replace(self.action, effects=effects)
        true(self)

    with patch.object(native_action.ActionWriter, "_body", body):
        yield


@fault("hash table", "known numbers")
def table_compares_one_word() -> Iterator[None]:
    """Of a state of several words the hash table compares the first one and the tag of the hash, which is always the same."""
    forget_compiled_code()

    def same(self: Any, f: Any, pointer: str, words: list[str]) -> str:
        return str(true(self, f, pointer, words[:1]))

    true = kernel_base.Words._same
    with patch.object(kernel_base.Words, "_same", same), patch.object(kernel_base.Words, "_tag", staticmethod(lambda f, h: "0")):
        yield
    forget_compiled_code()


@fault("hash table", "known numbers")
def growing_table_loses_entries() -> Iterator[None]:
    """What runs over the end of a part while the table doubles is not put back, so that its states are found twice."""
    true = table.Table._double

    def double(self: Any, size: int) -> bool:
        with patch.object(self, "_insert", lambda *_: None):
            return true(self, size)

    with patch.object(table.Table, "_double", double):
        yield


@fault("native packer", "known numbers")
def native_fields_that_overlap() -> Iterator[None]:
    """In states of several words, a field begins where the one before it has its last bit."""
    true = layout.Layout._place

    def place(self: Any) -> int:
        words = true(self)
        for name, pieces in self.pieces.items():
            (p, *more) = pieces
            if not more and p.shift and p.bits == 2:
                self.pieces[name] = (p._replace(shift=p.shift - 1),)
        return words

    with patch.object(layout.Layout, "_place", place):
        yield


# -- passes ---------------------------------------------------------------------------------------------------------------


def _wrong_rule(rule: StepRule) -> AbstractContextManager[Any]:
    true = pipeline.fuse_system
    return patch.object(pipeline, "fuse_system", lambda system, facts, _: true(system, facts, rule))


@fault("fusion", "steps and statements")
def hardware_waits_for_steps() -> Iterator[None]:
    """The step rule does not count the hardware as somebody else, so that nothing comes between two of a thread's statements."""
    with _wrong_rule(StepRule(hardware_is_foreign=False)):
        yield


@fault("fusion", "steps and statements")
def locks_taken_inside_steps() -> Iterator[None]:
    """A step may take a second lock on its way, so that two locks in two orders never deadlock."""
    with _wrong_rule(StepRule(acquire_first=False)):
        yield


@fault("fusion", "steps and statements")
def visible_after_release() -> Iterator[None]:
    """A step goes on visibly after it has given back a lock."""
    with _wrong_rule(StepRule(nothing_after_release=False)):
        yield


@fault("fusion", "steps of random Systems")
def nobody_watches() -> Iterator[None]:
    """State properties do not count as somebody who looks between two statements."""
    with patch.object(footprint.Footprints, "_is_observed", lambda self, place, thread: False):
        yield


@fault("slicing", "slices and the whole")
def ways_are_not_needed() -> Iterator[None]:
    """A slice keeps an action without those that lead its thread there, unless they write something that matters."""
    with patch.object(slicing._Growing, "_with_way", lambda self, n, a: iter((n,))):
        yield


@fault("slicing", "slices and the whole")
def guards_of_hardware_do_not_matter() -> Iterator[None]:
    """A slice takes the hardware's guards to be true instead of keeping what they depend on."""
    true = slicing._Slicer.__init__

    def init(self: Any, core: Any, stops: bool) -> None:
        actions = tuple(replace(a, guard=TRUE) if a.thread is None else a for a in core.actions)
        true(self, core.with_(actions=actions), stops)

    with patch.object(slicing._Slicer, "__init__", init):
        yield


@fault("slicing", "slices and the whole")
def assumptions_tie_nothing() -> Iterator[None]:
    """A slice drops an assumption that speaks of a variable it keeps."""
    true = slicing._Slicer.cut

    def cut(self: Any, cone: Any, targets: Any) -> Any:
        return true(self, cone, targets).with_(assumptions=())

    with patch.object(slicing._Slicer, "cut", cut):
        yield


@fault("liveness", "interpreter and search")
def locals_die_early() -> Iterator[None]:
    """A local is cleared as soon as one more statement is between it and where it is read."""

    def live(graph: Any, own: set[str]) -> dict[int, set[str]]:
        found = true(graph, own)
        read = {p: variables(*(e for a in actions for e in all_exprs(a))) for p, actions in graph.actions.items()}
        return {p: names & read.get(p, set()) for p, names in found.items()}

    true = liveness._live
    with patch.object(liveness, "_live", live):
        yield


@fault("constants", "interpreter and search")
def open_values_are_constant() -> Iterator[None]:
    """A variable that may begin anywhere, and that nobody writes, is folded away as if it began with its default."""
    true = constants._Analysis.__init__

    def init(self: Any, system: Any) -> None:
        true(self, system)
        self.everywhere.update({v.name: v.type.default for v in system.vars if v.any_init})

    with patch.object(constants._Analysis, "__init__", init):
        yield


@fault("symmetry", "symmetry and everything")
def what_looks_alike_is_alike() -> Iterator[None]:
    """Two variables of one type and one beginning are exchanged without looking whether the System stays what it is."""

    def find(system: Any) -> symmetry.Symmetry | None:
        kinds: dict[Any, list[str]] = {}
        for v in system.vars:
            if not v.any_init and v.kind is not Kind.PC:
                kinds.setdefault((str(v.type), v.init), []).append(v.name)
        pairs = [names[:2] for names in kinds.values() if len(names) > 1]
        return symmetry.Symmetry((symmetry.Elements(tuple((n,) for n in pairs[0])),)) if pairs else None

    with patch.object(symmetry, "find", find):
        yield


@fault("symmetry", "symmetry and everything")
def labels_stay_where_they_are() -> Iterator[None]:
    """What was put to the test is not carried over to the elements that were exchanged."""
    with patch.object(symmetry.Checker, "labels", lambda self, renaming: []):
        yield
