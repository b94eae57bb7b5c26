"""Syntax tree, third part: patterns.  See `ast`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dmaverify.lang.ast_type import Node

if TYPE_CHECKING:
    from dmaverify.lang.ast_expr import Expr


@dataclass(slots=True, eq=False)
class Pattern(Node):
    """What `is`, `match` and `on` compare with and take apart."""

    ty: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class PatWild(Pattern):
    """`_`"""


@dataclass(slots=True, eq=False)
class PatName(Pattern):
    """`x`:

    an enum case or constant of that name if there is one, else a new name; `leaf(l)` (with `args`): a case.
    """

    name: str
    args: list[Pattern] | None
    ref: Any = field(default=None, init=False, repr=False)


@dataclass(slots=True, eq=False)
class PatLit(Pattern):
    """A number, `true`, `false`, `null`, or one of these (or a constant) with a minus sign."""

    value: Expr


@dataclass(slots=True, eq=False)
class PatTuple(Pattern):
    """`(a, b)`"""

    items: list[Pattern]


@dataclass(slots=True, eq=False)
class PatAlt(Pattern):
    """`A | B`; they bind no names."""

    items: list[Pattern]
