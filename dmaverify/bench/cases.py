"""What is compared: scenarios of ``bench/`` with the numbers of states that they must have, and who else explores them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent.parent / "bench"
"""Where the scenarios and the models of other tools are; only in a checkout."""


@cache
def _writers(name: str) -> Any:
    """The script of that name in ``bench/peers``; its functions make models for other tools."""
    spec = spec_from_file_location(f"dmaverify_bench_{name}", FOLDER / "peers" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def by_hand(script: str, function: str, *arguments: object) -> str:
    """A model for another tool, as one of the scripts in ``bench/peers`` writes it."""
    model: str = getattr(_writers(script), function)(*arguments)
    return model


@dataclass(frozen=True)
class Case:
    """A scenario, one property, unsliced. ``promela`` and ``murphi`` are models that somebody wrote by hand."""

    name: str
    file: str
    prop: str
    states: int
    transitions: int
    variant: str | None = None
    params: dict[str, int] = field(default_factory=dict)
    promela: Callable[[], str] | None = None
    murphi: Callable[[], str] | None = None

    @property
    def path(self) -> str:
        """The scenario's file."""
        return str(FOLDER / self.file)

    @property
    def options(self) -> list[str]:
        """What the command line is told beside the file and the property."""
        more = ["--variant", self.variant] if self.variant else []
        for name, value in self.params.items():
            more += ["--set", f"{name}={value}"]
        return more


AC_SIZES = {
    (4, 2): (3_229, 29_046),
    (5, 2): (20_109, 212_250),
    (6, 2): (108_473, 1_312_906),
    (6, 4): (1_598_393, 21_537_484),
    (7, 4): (12_123_621, 181_399_612),
    (8, 4): (96_524_385, 1_613_397_836),
}
"""Of AC(pages, slots): reachable states and transitions, found alike by several independent programs."""

AC_WATCHED = 211_848
"""States of all slices of AC(8,4), each of which watches one page."""


def ac(pages: int, slots: int) -> Case:
    """One size of the allocator above a cache."""
    states, transitions = AC_SIZES[pages, slots]
    return Case(
        f"AC({pages},{slots})",
        "ac.dma",
        "sound",
        states,
        transitions,
        params={"pages": pages, "slots": slots},
        promela=partial(by_hand, "ac", "ac_promela", pages, slots),
        murphi=partial(by_hand, "ac", "ac_murphi", pages, slots),
    )


def _receive(name: str, variant: str | None, states: int, transitions: int) -> Case:
    return Case(
        name,
        "receive.dma",
        "no_stale_read",
        states,
        transitions,
        variant,
        promela=partial(by_hand, "receive", "receive_promela", variant),
        murphi=partial(by_hand, "receive", "receive_murphi", variant),
    )


def _takers(variant: str, cpus: int, states: int, transitions: int) -> Case:
    return Case(
        f"takers.{variant}",
        "takers.dma",
        "one_owner",
        states,
        transitions,
        variant,
        promela=partial(by_hand, "takers", "takers_promela", cpus),
        murphi=partial(by_hand, "takers", "takers_murphi", cpus),
    )


WIDE = (
    _receive("receive", None, 732_736, 7_498_560),
    _receive("receive.left_address", "left_address", 732_736, 7_498_560),
    _receive("receive.addresses", "addresses", 846_400, 8_677_440),
    _takers("three", 3, 62_537, 187_611),
)
"""States of two, four, eight and again eight words of 64 bits, if they are stored as the System has them."""

COMPARED = (ac(4, 2), ac(6, 2), ac(6, 4), *WIDE)
"""What every run compares."""

LARGE = (ac(7, 4), _takers("four", 4, 6_292_848, 25_171_392))
"""What takes other tools a minute."""

DEVICES = ("cards.dma", "no_stale_read", ((1, None), (2, "two"), (3, "three"), (4, "four")))
THREADS = ("takers.dma", "one_owner", ((1, None), (2, "two"), (3, "three"), (4, "four")))
"""How cost grows: file, property, and the variant for each number."""


def named(name: str) -> Case:
    """The case of that name; KeyError if there is none."""
    return {c.name: c for c in (*COMPARED, *LARGE, ac(5, 2), ac(8, 4))}[name]
