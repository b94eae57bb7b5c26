"""The one door to the compiler: from a file, a variant and parameters to a System and what is expected of
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dmaverify.checking.problems import WrongInput
from dmaverify.ir.system import System
from dmaverify.results import Expectation


@dataclass(frozen=True)
class Model:
    """A compiled variant. ``properties``: what is to be checked, in the order of reports."""

    name: str
    title: str
    system: System
    properties: tuple[str, ...]
    expectations: Mapping[str, Expectation] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    """Values that the user has set, as text."""


def outline(file: str) -> tuple[str, str, list[str]]:
    """Name and title of a scenario, and the names of its variants in the order of the text."""
    from dmaverify.lang.link import load as read

    loaded = read(file)
    if loaded.scenario is None:
        raise WrongInput(f"{file} is the module {loaded.name}, and only a scenario can be checked")
    return loaded.name, loaded.scenario.title or "", loaded.variants


def load(file: str, variant: str | None, params: Mapping[str, int | str]) -> Model:
    """Compile one variant (None or ``base``: the scenario as it stands)."""
    raise NotImplementedError
