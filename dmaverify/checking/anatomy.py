"""What ``dmaverify ir`` shows: a System as text, before and after the passes, and how large its parts are."""

from __future__ import annotations

from dmaverify.checking.frontend import Model
from dmaverify.checking.problems import WrongInput
from dmaverify.ir.pipeline import SliceStats, prepare, to_core
from dmaverify.ir.system import System
from dmaverify.ir.text import to_text


def text(system: System, core: bool) -> str:
    """The reference System, or its core form."""
    return to_text(to_core(system).system if core else system)


def sliced_text(model: Model, prop: str, fuse: bool = True) -> str:
    """The slices that decide one property, one System after the other."""
    if prop not in {p.name for p in model.system.properties}:
        from difflib import get_close_matches

        close = get_close_matches(prop, [p.name for p in model.system.properties], n=1)
        raise WrongInput(f"there is no property {prop}" + (f"; did you mean {close[0]}?" if close else ""))
    slices = prepare(model.system, (prop,), fuse=fuse).slices
    if not slices:
        return f"# nothing in this scenario can violate {prop}\n"
    return "\n".join(to_text(s.system) for s in slices)


def statistics(model: Model, fuse: bool = True) -> list[str]:
    """Counts: the whole, each thread, and each slice with the states that an explicit search visits."""
    core = to_core(model.system)
    whole = prepare(core, model.properties, fuse=fuse)
    stats = whole.stats()
    out = [
        f"{model.name}: {stats.variables} variables, {stats.bits} bits, {stats.actions} actions "
        f"(reference: {len(model.system.vars)} variables, {len(model.system.actions)} actions)",
        "",
        f"  {'thread':24}{'statements':>12}{'visible':>10}",
        *(f"  {name:24}{n:12,}{stats.visible[name]:10,}" for name, n in stats.statements.items()),
        "",
        f"  {'slice for':34}{'checks':>8}{'vars':>6}{'bits':>6}{'actions':>9}{'points':>8}{'states':>10}",
    ]
    for s, figures in zip(whole.slices, stats.slices, strict=True):
        out.append(_slice_line(figures, _states(s.system)))
    return out


def _slice_line(figures: SliceStats, states: str) -> str:
    name = ", ".join(figures.properties)
    name = name if len(name) <= 32 else name[:31] + "…"
    return (
        f"  {name:34}{figures.targets:8,}{figures.variables:6,}{figures.bits:6,}{figures.actions:9,}"
        f"{sum(figures.control_points.values()):8,}{states:>10}"
    )


MOST_STATES = 200_000
"""``--stats`` counts so far; no property of a shipped scenario needs more."""


def _states(system: System) -> str:
    """Reachable states of a slice, counted by visiting them; ``> 200,000`` if they are more."""
    from dmaverify.engines.base import Budget
    from dmaverify.engines.explicit import explore

    found = explore(system, Budget(states=MOST_STATES))
    return (
        f"{found.states:,}"
        if not found.reason
        else f"> {found.states:,}"
        if found.reason == "states"
        else "?"
    )
