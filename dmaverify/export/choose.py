"""What is exported: one core System, and the conditions under which it has gone wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dmaverify.ir.expr import FALSE, Expr, and_, not_
from dmaverify.ir.fuse import fuse as fuse_system
from dmaverify.ir.pipeline import Core, prepare, simplify, to_core
from dmaverify.ir.slice import Slice, narrowed, targets_of
from dmaverify.ir.system import Check, Reached, System


class NotExportable(ValueError):
    """The System has something that the format cannot say; the text is for the user."""


@dataclass(frozen=True)
class Bad:
    """The System has gone wrong (or a cover is reached) where ``cond`` holds.

    ``action`` is the number of the action in which that happens, with the action's inputs in ``cond``; None is for a
    condition on states.
    """

    prop: str
    label: str
    cond: Expr
    action: int | None = None


@dataclass(frozen=True)
class Exported:
    """A core System with everything that a foreign tool is to look for."""

    system: System
    bads: tuple[Bad, ...]

    def in_state(self) -> list[Bad]:
        """Those that are judged in states."""
        return [b for b in self.bads if b.action is None]

    def in_step(self, action: int) -> list[Bad]:
        """Those that are judged when the action is taken."""
        return [b for b in self.bads if b.action == action]

    def ends(self, action: int) -> Expr:
        """The run ends with this action: a check failed behind which the state means nothing."""
        checks = self.system.actions[action].checks
        return not_(and_(*(not_(and_(c.path, not_(c.cond))) for c in checks if c.stop)))


def chosen(
    system: System, properties: Sequence[str], *, fuse: bool = True, slice: bool = True, number: int | None = None
) -> Exported:
    """One System that decides some properties: with only what any of them depends on, unless ``slice`` is False.

    ``number`` takes one of the slices that the engines search instead, counted from 1. Properties may be names of covers.
    """
    core = to_core(system)
    if number is not None:
        found = prepare(core, tuple(properties), fuse=fuse).slices
        if not 1 <= number <= len(found):
            raise NotExportable(f"there are {len(found)} slices, and no slice {number}")
        picked = found[number - 1]
    elif slice:
        picked = _joined(core, properties, fuse)
    else:
        (picked,) = prepare(core, tuple(properties), fuse=fuse, slice=False).slices
    return Exported(picked.system, tuple(_bads(picked.system, properties)))


def _joined(core: Core, properties: Sequence[str], fuse: bool) -> Slice:
    """One slice for all properties, by the steps that ``pipeline.prepare`` takes for each of several."""
    asked = tuple(properties)
    s = _simplified(narrowed(Slice(core.system, tuple(targets_of(core.system, asked)), asked)))
    if fuse:
        s = _simplified(replace(s, system=fuse_system(s.system, core.facts)))
        s = _simplified(narrowed(s))
    return s


def _simplified(s: Slice) -> Slice:
    return replace(s, system=simplify(s.system)[0])


def _bads(system: System, properties: Sequence[str]) -> list[Bad]:
    found: list[Bad] = []
    for n, action in enumerate(system.actions):
        for e in action.effects:
            if isinstance(e, Check) and e.prop in properties:
                found.append(Bad(e.prop, e.label, and_(e.path, not_(e.cond)), n))
            elif isinstance(e, Reached) and e.cover in properties:
                found.append(Bad(e.cover, e.cover, e.path, n))
    found += [Bad(a.prop, a.label, and_(a.when, not_(a.cond))) for a in system.always if a.prop in properties]
    found += [Bad(c.name, c.name, c.cond) for c in system.covers if c.name in properties]
    return [b for b in found if b.cond is not FALSE]


