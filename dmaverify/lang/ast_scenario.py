"""Syntax tree, sixth part: what scenarios hold, and the two kinds of file.  See `ast`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dmaverify.lang.ast_decl import Decl
from dmaverify.lang.ast_expr import Arg, Expr
from dmaverify.lang.ast_stmt import Block
from dmaverify.lang.ast_type import DottedName, Node, Type
from dmaverify.span import Span


@dataclass(slots=True, eq=False)
class Setting(Node):
    """One word of `hardware`, `region`, `device`: `outer`, `no outer`, `page 4K`, `smmu s0 { levels 2 }`."""

    name: str
    name_span: Span
    negated: bool
    value: Expr | None
    block: list[Setting] | None
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Hardware(Node):
    """`hardware { … }`"""

    settings: list[Setting]


@dataclass(slots=True, eq=False)
class Region(Decl):
    """`region dram { at 0x8000_0000, size 16K }`"""

    settings: list[Setting]


@dataclass(slots=True, eq=False)
class PlaceField(Decl):
    """`header: 32`"""

    size: Expr


@dataclass(slots=True, eq=False)
class Place(Decl):
    """`place msg in dram { header: 32, data: 32 }`"""

    region: str
    region_span: Span
    fields: list[PlaceField]


@dataclass(slots=True, eq=False)
class Device(Decl):
    """`device nic { snoops false, behind s0 }`"""

    settings: list[Setting]


@dataclass(slots=True, eq=False)
class OptionSet(Node):
    """`option strict off`, `option linux.drivers.iommu.dma_iommu.strict any` (dotted where needed)"""

    name: str
    name_span: Span
    value: Expr
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class ParamDecl(Decl):
    """`param size :

    i64 bytes = 4K`, `param n : u32 in 1..64`, `… in {1, 2, 5}`; a variant may leave off the type.
    """

    type: Type | None
    value: Expr | None
    domain: Expr | None


@dataclass(slots=True, eq=False)
class Sequence(Decl):
    """`sequence driver on cpu0 [in irq] [after a, b] [before c] { … }`"""

    on: str
    on_span: Span
    irq: bool
    after: list[str]
    before: list[str]
    body: Block
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Slot(Decl):
    """`fb[2]`: a client holds at most two"""

    count: Expr
    type: Type | None


@dataclass(slots=True, eq=False)
class Client(Decl):
    """`client driver on cpu0 [in irq] [after a] [before b] [while e] [holding fb[2]] { may … }`"""

    on: str
    on_span: Span
    irq: bool
    after: list[str]
    before: list[str]
    while_: Expr | None
    holding: list[Slot]
    mays: list[Block]
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Interrupt(Decl):
    """`interrupt done on cpu0 [when e] { … }`"""

    on: str
    on_span: Span
    when: Expr | None
    body: Block
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class PropRef(Node):
    """`zeroing`, `bound(clcd, vram)`; `text` is how reports name it."""

    name: str
    args: list[Arg]
    text: str
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class Check(Node):
    """`check all`, `check a, b` (`all` False), `check only a, b`"""

    all: bool
    only: bool
    props: list[PropRef]


@dataclass(slots=True, eq=False)
class Expectation(Node):
    """One verdict that a scenario expects.

    `subject`: a PropRef, `"all"`, `"others"`, or (after `cover`) an Expr.
    `verdict`: holds, violated, vacuous, n/a, unreachable, reachable.  `steps`: `violated in N to M steps`.
    `bound`: `holds to N`.  `blame`: tradeoff, driver, config or None, with `blame_text`.
    """

    subject: PropRef | Expr | str
    verdict: str
    steps: tuple[int, int] | None
    bound: int | None
    blame: str | None
    blame_text: str | None


@dataclass(slots=True, eq=False)
class Expect(Node):
    """`expect a violated in 6 steps, b holds`; 6 steps are 6 to 6."""

    items: list[Expectation]


@dataclass(slots=True, eq=False)
class Faults(Node):
    """`faults vmap at most 1`; `names` is None for `any`; no limit written is 1."""

    names: list[str] | None
    limit: Expr | None


@dataclass(slots=True, eq=False)
class Start(Node):
    """`start a, b after c`, `start a after nothing` (`after` empty)"""

    names: list[str]
    after: list[str]


@dataclass(slots=True, eq=False)
class ReplaceStep(Node):
    """`replace step driver.for_cpu { … }`; `owner` a sequence, client or proc, `label` a label in it."""

    owner: str
    label: str
    name_span: Span
    body: Block


@dataclass(slots=True, eq=False)
class DropStep(Node):
    """`drop driver.release`:

    the labelled statement, or else the only call of that name in it, is left out.
    """

    owner: str
    label: str
    name_span: Span


@dataclass(slots=True, eq=False)
class Variant(Decl):
    """`variant v [title] [from w] [for all [but x] | for a, b] { amendments }`

    `for_all` with `but`; or `for_names` (`base` is the scenario itself); neither: on `base_variant` or the
    base.
    """

    title: str | None
    base_variant: str | None
    for_all: bool
    but: list[str]
    for_names: list[str]
    items: list[Item]


Item = Node
"""What a module, a scenario or a variant holds: a Decl, Import, Use, Require, Remove, or a scenario item."""


@dataclass(slots=True, eq=False)
class Module(Decl):
    """A file that starts with `module`.

    `name` is dotted.  `items` in the order of the file, imports included.
    """

    amends: DottedName | None
    items: list[Item]


@dataclass(slots=True, eq=False)
class Scenario(Decl):
    """A file that starts with `scenario`.  `items` in the order of the file, variants included."""

    title: str | None
    items: list[Item]
