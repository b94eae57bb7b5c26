"""Options and helpers that several test files share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--campaign``: run the random campaigns at their full size."""
    parser.addoption("--campaign", action="store_true", help="run the random campaigns at their full size")


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> bool:
    """Whether the campaigns run at their full size."""
    return bool(request.config.getoption("--campaign"))


@pytest.fixture(scope="session")
def rounds(campaign: bool) -> Callable[[int, int], int]:
    """``rounds(usual, full)``: how many random cases to try in this run."""
    return lambda usual, full: full if campaign else usual


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT
