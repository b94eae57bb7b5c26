"""Symbols: what a name in a text means. The checker makes one for each declaration and hangs it on ``ref`` in
the tree.

Symbols compare by identity. ``decl`` is the syntax node (after amendments: the one that counts), ``module``
the dotted name of the module or scenario in which it stands. A symbol's ``ty`` is never None once ``check``
has returned. What has no name of its own, a field or a conversion, is in ``refs``.

What ``ref`` may be (see also ``check/__init__.py`` for the whole contract):

=============  ===================================================================================
node           ``ref``
=============  ===================================================================================
``Name``       ConstSym VarSym GhostSym LocalSym ParamSym EnumCase FlagMember DeviceSym RegionSym
               SlotSym TypeSym (the set of its values) BitRef (a bit alone in a ``bits`` literal);
               before a dot also PlaceSym ThreadSym MonitorSym; what is called: as the Call
``OptionRef``  OptionSym
``Field``      FieldRef BitRef BlockField AttrRef GhostSym SlotSym PlaceField, FuncSym (``x.f`` for
               ``f(x)``); behind a module or an enum any symbol of a Name
``Call``       FuncSym ProcSym EventSym EnumCase CastRef BuiltinSym
``TypeName``   TypeSym, or None for the integer types, ``bool`` and ``spinlock``
``PatName``    EnumCase FlagMember ConstSym, or the LocalSym that it binds
``Handler``    EventSym
``Schedule``   ThreadSym
``Take``       SlotSym
``Done``       ThreadSym; ``AtLabel``: LabelSym
``PropRef``    MonitorSym LemmaSym, or a ``str``: the name of a built-in property
``Setting``    OptionSym AttrRef, or None for the words of the language (``at``, ``size`` …)
``OptionSet``  OptionSym
``Sequence``   ThreadSym, also for Client and Interrupt
=============  ===================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dmaverify.lang.builtins import BOOT
from dmaverify.lang.refs import *  # noqa: F403
from dmaverify.lang.sem import ERROR, VOID, IndexT, MapT, RecordT, SemType
from dmaverify.span import NOWHERE, Span

if TYPE_CHECKING:
    from dmaverify.lang import ast


@dataclass(eq=False)
class Symbol:
    """Anything with a name."""

    name: str
    ty: SemType = ERROR
    span: Span = NOWHERE
    module: str = ""
    decl: Any = field(default=None, repr=False)
    used: bool = field(default=False, repr=False)

    @property
    def what(self) -> str:
        """What kind of thing it is, for messages."""
        return WHAT[type(self)]


@dataclass(eq=False)
class TypeSym(Symbol):
    """The name of a type. As an expression it is the set of all values of it (of an object: of all live
    instances)."""


@dataclass(eq=False)
class ConstSym(Symbol):
    """``const``. ``value`` None: ``from_scenario`` (its key is Region or Device and the blocks fill it in),
    or open."""

    value: ast.Expr | None = None

    @property
    def from_scenario(self) -> bool:
        """Whether the scenario's region or device blocks give its values."""
        return (
            self.value is None
            and isinstance(self.ty, MapT)
            and len(self.ty.keys) == 1
            and isinstance(self.ty.keys[0], IndexT)
            and self.ty.keys[0].kind in ("region", "device")
        )


@dataclass(eq=False)
class OptionSym(Symbol):
    """``option``: a constant that a scenario may set. ``value`` is what it is set to (after hardware, option
    and variant items), else the default; an ``AnyType`` there means every value."""

    value: ast.Expr | None = None


@dataclass(eq=False)
class ParamSym(Symbol):
    """``param`` of a scenario: ``value`` alone, or every value of ``domain``."""

    value: ast.Expr | None = None
    domain: ast.Expr | None = None


@dataclass(eq=False)
class VarSym(Symbol):
    """``var`` of a module or scenario. ``init`` None: the default of the type; an ``AnyType``: any value."""

    init: ast.Expr | None = None


@dataclass(eq=False)
class GhostSym(Symbol):
    """``ghost`` of a monitor."""

    init: ast.Expr | None = None
    monitor: MonitorSym | None = None


LocalKind = Literal["param", "ref", "let", "loop", "pattern", "result"]


@dataclass(eq=False)
class LocalSym(Symbol):
    """A parameter, ``let``, loop or quantifier variable, or what a pattern binds.

    ``decl`` is the node that introduces it (Param, LetName, Binder, PatName, CFor, LetExpr, Pop) and ``key``
    identifies it there: a Binder or Pop may introduce several names. ``ref``: a parameter that stands for the
    caller's place.
    ``poison``: some read may come before it is set (``uninitialised``), so that the lowerer keeps a set flag
    and a check.
    """

    kind: LocalKind = "let"
    assigned: bool = False
    poison: bool = False

    @property
    def key(self) -> tuple[int, str]:
        """Identifies the local among all of a program; see ``local_key``."""
        return local_key(self.decl, self.name)


def local_key(node: object, name: str) -> tuple[int, str]:
    """The ``key`` of the local that ``node`` introduces under ``name``."""
    return id(node), name


@dataclass(eq=False)
class Parameter:
    """A parameter of a func, proc, event or monitor. ``default`` may be None. ``local`` is its symbol inside
    the body."""

    name: str
    ty: SemType
    by_ref: bool = False
    default: ast.Expr | None = None
    span: Span = NOWHERE
    local: LocalSym | None = None


@dataclass(eq=False)
class CallableSym(Symbol):
    """Something with parameters. ``ty`` is the type of what it returns (``VOID``, a type, or a TupleT)."""

    params: list[Parameter] = field(default_factory=list)
    body: Any = field(default=None, repr=False)
    """``ast.Expr``, ``ast.Block`` or None (open)."""


@dataclass(eq=False)
class FuncSym(CallableSym):
    """``func``: pure, an expression."""

    monitor: MonitorSym | None = None


@dataclass(eq=False)
class ProcSym(CallableSym):
    """``proc``: takes steps. ``depth``: how deep it may call itself. ``ensures`` includes those written
    outside of it."""

    atomic: bool = False
    depth: ast.Expr | None = None
    requires: list[ast.Expr] = field(default_factory=list)
    ensures: list[ast.Expr] = field(default_factory=list)
    monitor: MonitorSym | None = None
    """A helper of a monitor: asserts and ghost updates only, pasted into its handlers."""
    labels: dict[str, LabelSym] = field(default_factory=dict)


@dataclass(eq=False)
class EventSym(CallableSym):
    """``event``."""


@dataclass(eq=False)
class SpontaneousSym(CallableSym):
    """``spontaneous``: what the hardware does by itself. ``when`` is its guard over its parameters."""

    when: ast.Expr | None = None


@dataclass(eq=False)
class MonitorSym(CallableSym):
    """``monitor``. Its decl holds handlers and clauses."""

    ghosts: dict[str, GhostSym] = field(default_factory=dict)
    funcs: dict[str, FuncSym] = field(default_factory=dict)
    procs: dict[str, ProcSym] = field(default_factory=dict)
    lemmas: dict[str, LemmaSym] = field(default_factory=dict)
    model_clauses: bool = False
    """Whether some clause of it looks at the model, so that it is not judged on a foreign stream."""


@dataclass(eq=False)
class LemmaSym(Symbol):
    """``lemma``."""

    monitor: MonitorSym | None = None


@dataclass(eq=False)
class CoverSym(Symbol):
    """``cover``. ``kind`` says what its target is: a condition, an event pattern, a label or a fault."""

    kind: Literal["condition", "event", "label", "fault"] = "condition"
    target: Any = None
    """The ``EventSym`` or ``LabelSym``; the fault's name."""


@dataclass(eq=False)
class EnumCase(Symbol):
    """One alternative of an enum; ``ty`` is the enum. ``payload`` is empty for most; ``payload_names`` runs
    along it."""

    ordinal: int = 0
    payload: tuple[SemType, ...] = ()
    payload_names: tuple[str, ...] = ()


@dataclass(eq=False)
class FlagMember(Symbol):
    """One flag; ``ty`` is its FlagsT."""

    bit: int = 0


@dataclass(eq=False)
class DeviceSym(Symbol):
    """A device of the scenario; ``ordinal`` is its value in the index ``Device``."""

    ordinal: int = 0


@dataclass(eq=False)
class RegionSym(Symbol):
    """A region of the scenario; ``ordinal`` is its value in the index ``Region``, in the order of the
    text."""

    ordinal: int = 0


@dataclass(eq=False)
class PlaceSym(Symbol):
    """``place``: named pieces of a region. Only its fields have values."""

    region: RegionSym | None = None
    fields: dict[str, PlaceField] = field(default_factory=dict)


@dataclass(eq=False)
class PlaceField(Symbol):
    """``rx.data``: a piece of memory; ``Layout.places`` says where. ``ty`` is ``PLACE``."""

    place: PlaceSym | None = None
    size: ast.Expr | None = None


@dataclass(eq=False)
class LabelSym(Symbol):
    """A label of a sequence or proc. ``owner`` is its ThreadSym or ProcSym."""

    owner: Any = None


ThreadKind = Literal["sequence", "client", "interrupt", "initcall", "work", "timer"]


@dataclass(eq=False)
class ThreadSym(Symbol):
    """Something that runs by itself."""

    kind: ThreadKind = "sequence"
    params: list[Parameter] = field(default_factory=list)
    device: DeviceSym | None = None
    """The device that it runs on; None: ``cpu`` says which CPU."""
    cpu: str = ""
    slots: dict[str, SlotSym] = field(default_factory=dict)
    labels: dict[str, LabelSym] = field(default_factory=dict)
    after: list[ThreadSym] = field(default_factory=list)
    before: list[ThreadSym] = field(default_factory=list)

    @property
    def before_boot(self) -> bool:
        """Whether it runs before the initcalls, and so before everything that waits for these."""
        return self.kind in ("sequence", "client") and BOOT in self.decl.before


@dataclass(eq=False)
class SlotSym(Symbol):
    """``holding fb[2]``: inside the client ``fb`` is one held (or, where it is assigned, one free) element;
    from outside,
    ``driver.fb`` is a ``T?``: any that is held. ``ty`` is the element type (never nullable)."""

    client: ThreadSym | None = None
    count: ast.Expr | None = None


@dataclass(eq=False)
class FaultSym(Symbol):
    """``fault NAME``: made at its first use."""


@dataclass(eq=False)
class BuiltinSym(Symbol):
    """A func of the language: min, max, bit, popcount, bitlen, free, full, front, indices."""


@dataclass(eq=False)
class ModuleSym(Symbol):
    """A module's name at the front of a dotted name."""


WHAT: dict[type, str] = {
    TypeSym: "type",
    ConstSym: "constant",
    OptionSym: "option",
    ParamSym: "parameter",
    VarSym: "variable",
    GhostSym: "ghost",
    LocalSym: "local",
    FuncSym: "func",
    ProcSym: "proc",
    EventSym: "event",
    SpontaneousSym: "spontaneous action",
    MonitorSym: "monitor",
    LemmaSym: "lemma",
    CoverSym: "cover",
    EnumCase: "enum case",
    FlagMember: "flag",
    DeviceSym: "device",
    RegionSym: "region",
    PlaceSym: "place",
    PlaceField: "place",
    LabelSym: "label",
    ThreadSym: "thread",
    SlotSym: "slot",
    FaultSym: "fault",
    BuiltinSym: "built-in func",
    ModuleSym: "module",
    CallableSym: "callable",
    Symbol: "name",
}


def arrange(call: ast.Call, params: list[Parameter]) -> list[ast.Expr | None]:
    """The argument for each parameter, in the order of the parameters; None where it is left off.

    Works on checked calls: names are known and nothing is given twice. A missing argument of a func or proc
    means its default; of an event it is absent.
    """
    found: dict[str, ast.Expr] = {}
    names = [p.name for p in params]
    for i, arg in enumerate(call.args):
        found[arg.name if arg.name is not None else names[i]] = arg.value
    return [found.get(n) for n in names]


def returns_value(sym: CallableSym) -> bool:
    """Whether calling it yields something."""
    return sym.ty is not VOID


def record_const(sym: ConstSym) -> RecordT | None:
    """The record that a const filled in by the scenario maps to, if it is one."""
    of = sym.ty.of if isinstance(sym.ty, MapT) else None
    return of if isinstance(of, RecordT) else None
