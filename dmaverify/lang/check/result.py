"""What checking a program yields, besides the annotations in its trees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dmaverify.lang import ast
from dmaverify.lang.diag import Diagnostic
from dmaverify.lang.program import Program
from dmaverify.lang.symbols import (
    ConstSym,
    CoverSym,
    DeviceSym,
    EventSym,
    FaultSym,
    FuncSym,
    LemmaSym,
    MonitorSym,
    OptionSym,
    ParamSym,
    PlaceSym,
    ProcSym,
    RegionSym,
    SpontaneousSym,
    ThreadSym,
    TypeSym,
    VarSym,
)

if TYPE_CHECKING:
    from dmaverify.lang.check.scope import Scopes
    from dmaverify.lang.layout import Layout


@dataclass(eq=False)
class Checked:
    """A program that was checked. Lists are in the order of ``program.modules`` and of the texts.

    ``layout`` is for the values that params have where a scenario gives one (the first of a domain
    otherwise); other instances make a ``Layout`` of their own. It is only there if there was no error.
    """

    program: Program
    scopes: Scopes
    diagnostics: list[Diagnostic] = field(default_factory=list)
    types: list[TypeSym] = field(default_factory=list)
    consts: list[ConstSym] = field(default_factory=list)
    options: list[OptionSym] = field(default_factory=list)
    params: list[ParamSym] = field(default_factory=list)
    vars: list[VarSym] = field(default_factory=list)
    funcs: list[FuncSym] = field(default_factory=list)
    procs: list[ProcSym] = field(default_factory=list)
    events: list[EventSym] = field(default_factory=list)
    spontaneous: list[SpontaneousSym] = field(default_factory=list)
    monitors: list[MonitorSym] = field(default_factory=list)
    lemmas: list[LemmaSym] = field(default_factory=list)
    covers: list[CoverSym] = field(default_factory=list)
    threads: dict[str, ThreadSym] = field(default_factory=dict)
    """Sequences, clients, interrupts; then initcalls, works and timers, by their names."""
    devices: list[DeviceSym] = field(default_factory=list)
    regions: list[RegionSym] = field(default_factory=list)
    places: list[PlaceSym] = field(default_factory=list)
    faults: dict[str, FaultSym] = field(default_factory=dict)
    attributes: dict[tuple[str, str, str], ast.Expr] = field(default_factory=dict)
    """What ``region`` and ``device`` blocks say: (const, region or device, field name or "") to the
    expression."""

    layout_: Layout | None = field(default=None, repr=False)

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors among the diagnostics."""
        return [d for d in self.diagnostics if d.severity == "error"]

    @property
    def layout(self) -> Layout:
        """The layout for the given values of the params."""
        assert self.layout_ is not None, "there were errors"
        return self.layout_
