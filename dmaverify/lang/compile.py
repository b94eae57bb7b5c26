"""From a scenario file to a System: load, link, check, lay out, lower.

    compiled = compile_scenario("models/boards/shared-pool.dma", variant="v3_10")
    compiled.system              # the reference System: one action for each step of the text
    compiled.asked               # properties in the order in which they are asked for

A param with several values is one System for each (``param_instances`` lists them, smallest first), or a
frozen variable if it is named in ``symbolic``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

from dmaverify.ir.system import System
from dmaverify.ir.types import Bool, Enum, Index, Int, Range, Type, Value
from dmaverify.lang import ast, sem
from dmaverify.lang.check import check
from dmaverify.lang.check.result import Checked
from dmaverify.lang.consteval import NotConstant
from dmaverify.lang.diag import Diagnostic, Diagnostics, DmaError
from dmaverify.lang.layout import Layout
from dmaverify.lang.lower.alone import Body, contract_alone, is_wide, lemma_alone
from dmaverify.lang.lower.blocks import elements
from dmaverify.lang.lower.context import Ctx, Frame, Unsupported
from dmaverify.lang.lower.contracts import called_by, can_stand_alone, contracts_of
from dmaverify.lang.lower.scenario import Built, CoverInfo, build
from dmaverify.lang.lower.step import Step
from dmaverify.lang.lower.vals import RangeV
from dmaverify.lang.lower.world import World
from dmaverify.lang.program import Checks, Expectations, Program
from dmaverify.lang.standing import program_of
from dmaverify.span import NOWHERE, Span

MOST_INSTANCES = 64
"""A param with more values than this is a variable rather than a System for each of them."""


@dataclass(frozen=True)
class EventInfo:
    """An event's parameters: name, the type that the text gives it, and its IR type (None: never stored)."""

    name: str
    params: tuple[tuple[str, sem.SemType, Type | None], ...]


@dataclass
class Compiled:
    """A scenario, or one variant of it, for one choice of params."""

    name: str
    variant: str | None
    title: str
    path: str
    system: System
    asked: tuple[str, ...]
    """Names of the properties that the scenario asks about: monitors, lemmas, ``asserts``; in the order of
    the texts.
    """
    expectations: Expectations
    checks: Checks
    covers: tuple[CoverInfo, ...]
    """What should be reachable: by the scenario's word, and the probes against vacuity. Each is a cover of
    the System or a ``Reached`` effect of that name."""
    events: dict[str, EventInfo]
    params: dict[str, Value]
    diagnostics: list[Diagnostic]
    """Warnings; errors are raised."""
    program: Program
    checked: Checked
    sources: tuple[str, ...] = ()
    """The files that the scenario was made of."""
    cut_at: dict[str, frozenset[int]] = field(default_factory=dict)
    """For each thread, where an ``assume`` may end a run: standing there is no deadlock."""
    contracts: tuple[str, ...] = ()
    """Procs whose contract stands for their body."""
    promises: tuple[str, ...] = ()
    """Procs that ensure something and whose bodies run: that the bodies do so is shown by itself (``compile_contract``)."""
    free: tuple[str, ...] = ()
    """Params that are frozen variables."""
    asserts: dict[str, tuple[tuple[str, Span], ...]] = field(default_factory=dict)
    """For each monitor its asserts as they stand in the text, whether or not anything leads there."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What every verdict rests on, in words."""
        return self.system.notes


def checked_program(path: str | Path, variant: str | None = None) -> Checked:
    """The program of a scenario or variant, checked. Raises DmaError with everything that is wrong."""
    return check(program_of(path, variant))


def compile_scenario(
    path: str | Path,
    variant: str | None = None,
    params: Mapping[str, Value | str] | None = None,
    *,
    symbolic: Iterable[str] | None = None,
    contracts: Iterable[str] | None = None,
    monitors: Iterable[str] | None = None,
    marks: bool = False,
    watched: str = "",
) -> Compiled:
    """The System of a scenario.

    ``params``: values for params (numbers, truth values, or names of enum members and of indexes).
    ``symbolic``: params that become frozen variables; if it is not said, those with too many values for a
    System for each. ``contracts``: procs whose contract stands for their body; if it is not said, none, or
    all that have one where some param is a variable. ``monitors``: only these are composed in (the empty
    list: none), whatever the scenario asks for. ``marks``: entry-point calls say by events when they start and return.
    ``watched``: a monitor; which events make its ``always`` clauses false is marked as well.

    Raises DmaError.
    """
    checked = checked_program(path, variant)
    return compile_checked(checked, params, symbolic=symbolic, contracts=contracts, monitors=monitors, marks=marks, watched=watched)


def compile_checked(
    checked: Checked,
    params: Mapping[str, Value | str] | None = None,
    *,
    symbolic: Iterable[str] | None = None,
    contracts: Iterable[str] | None = None,
    monitors: Iterable[str] | None = None,
    marks: bool = False,
    watched: str = "",
) -> Compiled:
    """The same for a program that was checked already, and last of all that share its trees."""
    program = checked.program
    if program.scenario is None:
        raise DmaError([Diagnostic("DMA014", f"{program.name} is a module, and only a scenario can run", NOWHERE)])
    try:
        free = wide_params(checked) - set(params or ()) if symbolic is None else set(symbolic)
        given = _given(checked, params or {}, free)
        world = World(checked, Layout(checked, given), given, free)
        world.marks = {} if marks else None
        world.watched = watched
        if contracts is None:
            contracts = [p.name for p in checked.procs if can_stand_alone(p)] if free else []
        used = frozenset(contracts)
        built = build(world, monitors, lambda w: w.contracts.update(contracts_of(w, used)))
    except NotConstant as error:
        raise DmaError([Diagnostic("DMA089", str(error), program.scope.parts[0].name_span)]) from error
    return replace(_compiled(checked, built, given, used & world.called), free=tuple(sorted(free)))


def _compiled(checked: Checked, built: Built, given: dict[str, Value], contracts: frozenset[str]) -> Compiled:
    program = checked.program
    world = built.world
    diagnostics = Diagnostics()
    diagnostics.extend(program.warnings)
    diagnostics.extend(checked.diagnostics)
    sources = tuple(dict.fromkeys(p.span.file for m in program.modules.values() for p in m.parts))
    return Compiled(
        name=program.name,
        variant=program.variant,
        title=program.title or "",
        path=program.path,
        system=built.system,
        asked=built.asked,
        expectations=program.expects,
        checks=program.checks,
        covers=built.covers,
        events={**_events(checked, world), **_marks(world)},
        params={p.name: given.get(p.name) for p in checked.params},
        diagnostics=diagnostics.warnings,
        program=program,
        checked=checked,
        sources=sources,
        cut_at=built.cut_at,
        contracts=tuple(sorted(contracts)),
        promises=tuple(p.name for p in checked.procs if p.name in world.promises and can_stand_alone(p)),
        asserts=built.asserts,
    )


def _events(checked: Checked, world: World) -> dict[str, EventInfo]:
    found = {}
    for e in checked.events:
        found[e.name] = EventInfo(
            e.name,
            tuple((p.name, p.ty, world.ir(p.ty) if _kept(p.ty) else None) for p in e.params),
        )
    return found


def _marks(world: World) -> dict[str, EventInfo]:
    made = world.marks or {}
    return {name: EventInfo(name, tuple((n, ty, world.ir(ty)) for n, ty in params)) for name, params in made.items()}


def _kept(ty: sem.SemType) -> bool:
    return ty.storable and not isinstance(ty, sem.ErrorT)


def compile_body(
    path: str | Path,
    proc: str,
    variant: str | None = None,
    params: Mapping[str, Value | str] | None = None,
    *,
    rounds: int = 0,
    cutting: bool = True,
    by_contract: bool = True,
) -> Body:
    """What has to be shown for a contract: that the body of a proc ensures what it says, for all arguments.

    ``rounds``: loops with a bound are unrolled so often, if their own bound is smaller. That they run no further is a
    claim as well, of the property ``bound``. ``cutting``: loops that say what ``decreases`` are cut at their invariants instead.
    ``by_contract``: procs that ensure something are called by their contracts, unless they call this one.

    The System has no actions: its claims are about every initial state.
    """
    checked = checked_program(path, variant)
    sym = next((p for p in checked.procs if p.name == proc), None)
    if sym is None:
        raise DmaError([Diagnostic("DMA050", f"there is no proc {proc}", NOWHERE)])
    free = wide_params(checked) - set(params or ())
    given = _given(checked, params or {}, free)
    world = World(checked, Layout(checked, given), given, free)
    world.rounds = rounds
    if by_contract:
        called = (p.name for p in called_by(sym) if can_stand_alone(p) and sym not in called_by(p))
        world.contracts.update(contracts_of(world, called))
    return contract_alone(world, sym, cutting=cutting)


def compile_contract(
    path: str | Path,
    proc: str,
    variant: str | None = None,
    params: Mapping[str, Value | str] | None = None,
    *,
    rounds: int = 0,
) -> System:
    """The same with all loops unrolled and every body in its place."""
    return compile_body(path, proc, variant, params, rounds=rounds, cutting=False, by_contract=False).system


def compile_lemmas(path: str | Path, variant: str | None = None) -> dict[str, System]:
    """A System for each lemma that speaks of all numbers of a type: about funcs only, without any action."""
    checked = checked_program(path, variant)
    given = _given(checked, {}, set())
    found = {}
    for lemma in checked.lemmas:
        world = World(checked, Layout(checked, given), given, set())
        if is_wide(world, lemma.decl):
            found[lemma.name] = lemma_alone(world, lemma.decl)
    return found


# -- params ---------------------------------------------


def param_instances(path: str | Path, variant: str | None = None) -> list[dict[str, Value]]:
    """Every choice of params that a scenario asks for, smallest first; one empty choice if it has none with a
    domain. Params that become frozen variables are left out.
    """
    return instances_of(checked_program(path, variant))


def instances_of(checked: Checked) -> list[dict[str, Value]]:
    """The same for a program that was checked already."""
    world = World(checked, Layout(checked), {}, set())
    wide = wide_params(checked)
    names: list[str] = []
    domains: list[list[Value]] = []
    for p in checked.params:
        if p.domain is None or p.name in wide:
            continue
        ctx = Ctx(world, Step(world.type_of), Frame(""))
        found = elements(ctx, world.pure(p.domain), p.span)
        names.append(p.name)
        domains.append(sorted({x.value for c, x in found if x.is_const}))
        if not domains[-1]:
            raise DmaError([Diagnostic("DMA067", f"{p.name} can have no value at all: its domain is empty", p.domain.span)])
    return [dict(zip(names, choice, strict=True)) for choice in product(*domains)]


def wide_params(checked: Checked) -> set[str]:
    """The params with too many values for a System for each: those with any value, or with a wide range."""
    found: set[str] = set()
    world = World(checked, Layout(checked), {}, set())
    for p in checked.params:
        if isinstance(p.value, ast.AnyType):
            found.add(p.name)
        elif p.domain is not None:
            domain = world.pure(p.domain)
            known = isinstance(domain, RangeV) and domain.lo.is_const and domain.hi.is_const
            if isinstance(domain, RangeV) and known and domain.hi.value - domain.lo.value > MOST_INSTANCES:
                found.add(p.name)
    return found


def least_values(path: str | Path, variant: str | None = None) -> dict[str, Value]:
    """The least value of each param that becomes a frozen variable; the default of its type if it may be anything."""
    checked = checked_program(path, variant)
    layout = Layout(checked)
    world = World(checked, layout, {}, set())
    wide = wide_params(checked)
    found: dict[str, Value] = {}
    for p in checked.params:
        if p.name in wide:
            domain = None if p.domain is None else world.pure(p.domain)
            found[p.name] = domain.lo.value if isinstance(domain, RangeV) else layout.ir_type(p.ty).default
    return found


def _given(checked: Checked, params: Mapping[str, Value | str], symbolic: set[str]) -> dict[str, Value]:
    """The value of each param that is no frozen variable."""
    known = {p.name: p for p in checked.params}
    for name in [*params, *symbolic]:
        if name not in known:
            raise DmaError([Diagnostic("DMA050", f"the scenario has no param {name}", NOWHERE)])
    layout = Layout(checked)
    given: dict[str, Value] = {}
    for name, p in known.items():
        if name in symbolic:
            continue
        ir = layout.ir_type(p.ty)
        if name in params:
            given[name] = _parsed(params[name], ir, name)
        elif p.value is not None and not isinstance(p.value, ast.AnyType):
            given[name] = layout.value(p.value)
        elif p.domain is not None:
            given[name] = _first(checked, layout, p.domain)
        else:
            raise Unsupported(f"{name} may have any value: name it as symbolic, or give it one", p.span)
    return given


def _first(checked: Checked, layout: Layout, domain: ast.Expr) -> Value:
    world = World(checked, layout, {}, set())
    found = elements(Ctx(world, Step(world.type_of), Frame("")), world.pure(domain), domain.span)
    return min(x.value for _, x in found if x.is_const)


def _parsed(value: Any, t: Type, name: str) -> Value:
    """A value as it is given on the command line."""
    if isinstance(value, str):
        members = t.members if isinstance(t, Enum) else t.names if isinstance(t, Index) else ()
        if value in members:
            return members.index(value)
        if isinstance(t, Bool) and value in ("true", "false", "on", "off"):
            return value in ("true", "on")
        if isinstance(t, Int | Range):
            value = _number(value)
    if isinstance(t, Bool) and value in (0, 1):
        value = bool(value)
    if not t.contains(value):
        raise DmaError([Diagnostic("DMA026", f"{value} is no value of {name}", NOWHERE)])
    return value


def _number(text: str) -> int | str:
    scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}.get(text[-1:], 1)
    digits = text[:-1] if scale > 1 else text
    try:
        return int(digits.replace("_", ""), 0) * scale
    except ValueError:
        return text
