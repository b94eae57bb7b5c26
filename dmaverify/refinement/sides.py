"""Two Systems of one scenario: over the models that it names, and over a contract in their place.

The contract's side has the scenario's board, threads, parameters and own declarations. The contract stands in the place of all
modules that the scenario imports and uses, so what concerns only those is left out: settings of options that the contract does
not have, declarations that take the place of a module's, faults, questions and expectations.

Both sides speak of the calls that the scenario makes, and of the events that the contract's own files emit. All other events are
the implementation's own business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dmaverify.ir.system import Check, Effect, Emit, System
from dmaverify.lang import ast
from dmaverify.lang.check import check
from dmaverify.lang.compile import Compiled, EventInfo, compile_checked
from dmaverify.lang.diag import Diagnostic, Diagnostics, DmaError
from dmaverify.lang.layout import Layout
from dmaverify.lang.library import Library, search_roots, tree_of
from dmaverify.lang.link import Loaded, load
from dmaverify.lang.lower.marks import CALL, END, RETURN
from dmaverify.lang.program import Program
from dmaverify.lang.tree import changed, walk
from dmaverify.lang.variants import expand
from dmaverify.refinement.codes import CALLS, MEMORY
from dmaverify.span import NOWHERE, Span

DEMAND = "misuse"
"""The built-in property of what a ``requires`` asks. Where a driver breaks one of the contract's, nothing is promised."""

_BOARD = (ast.Region, ast.Place, ast.Device, ast.ParamDecl, ast.Sequence, ast.Client, ast.Interrupt)
_LEFT_OUT = (ast.Import, ast.Use, ast.Require, ast.Check, ast.Expect, ast.Faults, ast.Cover, ast.Ensures, ast.Lemma, ast.Monitor)
_PLACED = frozenset({"at", "size", "cut", "overlaps"})
"""Words of a board that are the language's own."""


@dataclass(frozen=True)
class Sides:
    """Both, compiled with the calls marked. Events that the contract does not speak of are gone."""

    model: Compiled
    contract: Compiled
    spoken: frozenset[str]
    """The events that the contract speaks of."""
    hidden: tuple[str, ...]
    """The model's other events."""


def contract_name(spec: str) -> str:
    """How reports call a contract: the name of its module."""
    tree = _tree_at(spec)
    return tree.name if tree is not None else spec


def both_sides(file: str, variant: str | None, params: Mapping[str, object], spec: str) -> Sides:
    """Compile a scenario over its models and over the contract ``spec``, the name of a module or its file.

    Raises DmaError.
    """
    loaded = load(file)
    program = loaded.program(variant)
    model = compile_checked(check(program), dict(params), monitors=(), marks=True)
    assert loaded.scenario is not None, "what compiles is a scenario"
    cuts = _cuts(model)  # before the trees that both sides share are annotated anew
    name = contract_name(spec)
    try:
        other = _over_contract(Path(file), loaded.scenario, variant, program, spec)
        contract = compile_checked(check(other), dict(params), monitors=(), marks=True)
    except DmaError as error:
        said = (None, f"This is the scenario's text over {name}, which stands in the place of all that it imports and uses.")
        raise DmaError([replace(d, notes=[*d.notes, said]) for d in error.diagnostics if d.severity == "error"]) from None
    spoken = _spoken(other, name)
    _same_cuts(cuts, _cuts(contract), model, name)
    _same_shape(model, contract, spoken, name)
    emitted = {e.event for a in model.system.actions for e in a.emits if not _is_mark(e.event)}
    return Sides(
        replace(model, system=_heard(model.system, spoken)),
        replace(contract, system=_demanding(_heard(contract.system, spoken))),
        spoken,
        tuple(sorted(emitted - spoken)),
    )


# -- the scenario over the contract


def _tree_at(spec: str) -> ast.Module | None:
    """The module in a file, if a contract is given as one."""
    if not spec.endswith(".dma") and "/" not in spec:
        return None
    tree = tree_of(Path(spec))
    if isinstance(tree, ast.Scenario):
        raise DmaError([Diagnostic("DMA043", f"{tree.name} is a scenario, and a contract is a module", tree.name_span)])
    return tree


def _over_contract(file: Path, scenario: ast.Scenario, variant: str | None, program: Program, spec: str) -> Program:
    diags = Diagnostics()
    tree = _tree_at(spec)
    roots = tuple(dict.fromkeys((*search_roots(file), *(search_roots(Path(spec)) if tree is not None else ()))))
    library = Library(roots, diags)
    if tree is not None:
        library.add(tree)
    name = ast.DottedName(scenario.name_span, tree.name if tree is not None else spec)
    here = ast.Import(scenario.name_span, name)
    library.follow([here])
    diags.raise_errors()
    layers = expand(scenario, Diagnostics())[variant] if variant is not None else []
    keep = _Keeper(program, library)
    items = [here, *keep.kept(i for i in scenario.items if not isinstance(i, ast.Variant))]
    own = {variant: [changed(layer, items=list(keep.kept(layer.items))) for layer in layers]} if variant is not None else {}
    return Loaded(file, changed(scenario, items=items), library, own).program(variant)


class _Keeper:
    """Tells what of a scenario concerns the contract's side as well; asked for one layer after the other."""

    def __init__(self, program: Program, library: Library) -> None:
        items = [i for m in library.modules.values() for i in m.items]
        self.options = {i.name for i in items if isinstance(i, ast.OptionDecl)}
        self.words = _PLACED | {f.name for i in items if isinstance(i, ast.RecordDecl) for f in i.fields}
        self.own = set(program.scope.decls)
        """Names that are the scenario's, not those of a module whose declaration it takes the place of."""
        self.declared: set[str] = set()

    def kept(self, items: Iterator[ast.Item] | Sequence[ast.Item]) -> Iterator[ast.Item]:
        """The items of one layer that are kept, without the settings that are not."""
        for item in items:
            found = self._kept(item)
            if found is not None:
                yield found

    def _kept(self, item: ast.Item) -> ast.Item | None:
        if isinstance(item, _LEFT_OUT):
            return None
        if isinstance(item, ast.Hardware):
            return changed(item, settings=[s for s in item.settings if s.name in self.options])
        if isinstance(item, ast.OptionSet):
            return item if item.name.rpartition(".")[2] in self.options else None
        if isinstance(item, ast.Remove):
            return item if item.name in self.declared else None
        if isinstance(item, ast.ReplaceStep | ast.DropStep):
            return item if item.owner in self.declared else None
        if isinstance(item, ast.Decl):
            if not isinstance(item, _BOARD) and item.name not in self.own | self.declared:
                return None
            self.declared.add(item.name)
            if isinstance(item, ast.Region | ast.Device):
                return changed(item, settings=[s for s in item.settings if s.name in self.words])
        return item


# -- what both sides speak of


def _is_mark(event: str) -> bool:
    return event.startswith((CALL, RETURN, END))


def _spoken(program: Program, name: str) -> frozenset[str]:
    """The events that a contract emits, by the text of its files."""
    module = program.module_of(name)
    assert module is not None
    found: set[str] = set()
    for part in module.parts:
        for node in walk(part):
            if isinstance(node, ast.Emit) and isinstance(node.event.func, ast.Name):
                found.add(node.event.func.name)
    return frozenset(found)


def _heard(system: System, spoken: frozenset[str]) -> System:
    """The System without the events that nobody speaks of."""

    def kept(e: Effect) -> bool:
        return not isinstance(e, Emit) or e.event in spoken or _is_mark(e.event)

    return system.with_(actions=tuple(replace(a, effects=tuple(filter(kept, a.effects))) for a in system.actions))


def _demanding(system: System) -> System:
    """The System with what it demands of its driver as checks behind which nothing is promised, made once the call is seen."""

    def ordered(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
        demands = tuple(replace(e, stop=True) for e in effects if isinstance(e, Check) and e.prop == DEMAND)
        return (*(e for e in effects if not (isinstance(e, Check) and e.prop == DEMAND)), *demands)

    return system.with_(actions=tuple(replace(a, effects=ordered(a.effects)) for a in system.actions))


def _same_shape(model: Compiled, contract: Compiled, spoken: frozenset[str], name: str) -> None:
    """See that labels of both sides can be compared at all."""
    problems = Diagnostics()
    for event in sorted(model.events.keys() & contract.events.keys()):
        if not (_is_mark(event) or event in spoken):
            continue
        mine, others = _signature(model.events[event]), _signature(contract.events[event])
        if mine != others:
            what, _, proc = event.rpartition(" ")
            said = "returns" if what == RETURN.strip() else "is"
            text = f"{proc} {said} {_listed(others)} in {name}, and {_listed(mine)} in what {model.name} uses"
            problems.error(CALLS, text, _place(contract, proc))
    problems.raise_errors()


def _signature(event: EventInfo) -> tuple[tuple[str, object], ...]:
    return tuple((n, ir) for n, _, ir in event.params if ir is not None)


def _listed(params: tuple[tuple[str, object], ...]) -> str:
    return "(" + ", ".join(f"{n}: {t}" for n, t in params) + ")"


def _place(contract: Compiled, proc: str) -> Span:
    found = [d for _, d in contract.program.find(contract.program.scope, proc)]
    return found[0].name_span if found else _scenario_span(contract)


def _scenario_span(compiled: Compiled) -> Span:
    scenario = compiled.program.scenario
    return scenario.name_span if scenario is not None else NOWHERE


Cuts = dict[str, set[tuple[int, int]]]
"""The blocks of each partition of memory: where each starts, and its size."""


def _same_cuts(cut: Cuts, other: Cuts, model: Compiled, name: str) -> None:
    problems = Diagnostics()
    for kind in sorted(cut.keys() & other.keys()):
        if cut[kind] != other[kind]:
            at = min(cut[kind] ^ other[kind])
            side = f"in what {model.name} uses, and not over {name}" if at in cut[kind] else f"over {name}, and not otherwise"
            problems.error(MEMORY, f"{at[1]} bytes from {at[0]:#x} on are a {kind} {side}", _scenario_span(model))
    problems.raise_errors()


def _cuts(compiled: Compiled) -> Cuts:
    layout = Layout(compiled.checked, compiled.params)
    return {t.name: {(b.start, b.size) for b in layout.blocks(t)} for t in layout.partitions()}
