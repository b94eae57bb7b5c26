"""The pytest plugin: ``.dma`` scenarios are tests, one for each property of each variant.

It is installed with the package and does nothing until a project asks for it, by ``dmaverify_paths`` in its configuration or by naming
a folder or file with scenarios on the command line. Until then nothing else of dmaverify is imported. docs/ci.md is the manual.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from dmaverify.pytest_plugin.items import DmaFile

MARKER = (
    "dma(scenario, variant, property, code, kind, expects): set by dmaverify on each test that stands for a property of a "
    "scenario; -m dma selects all of them"
)
GIVEN = "dmaverify_given"
"""Under this name the paths of the command line travel to the workers of xdist."""

_given: pytest.StashKey[tuple[Path, ...]] = pytest.StashKey()
_folders: pytest.StashKey[tuple[Path, ...] | None] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings; there are no options of the command line (``-o dmaverify_timeout=60`` overrides one)."""
    parser.addini(
        "dmaverify_paths",
        "folders whose .dma scenarios are tests. Without this setting: those that the command line names",
        type="paths",
        default=None,
    )
    parser.addini("dmaverify_timeout", "seconds for each variant of a scenario; what is not decided by then fails", default="")
    parser.addini("dmaverify_property_timeout", "seconds for each property of each variant", default="")
    parser.addini("dmaverify_engine", "engine, as dmaverify check --engine", default="auto")
    parser.addini("dmaverify_strict", "an assert that is never put to the test fails its property", type="bool", default=False)
    parser.addini("dmaverify_trace", "how a counterexample is told: calls, diff, full or off", default="calls")


def pytest_configure(config: pytest.Config) -> None:
    """Remember which paths were asked for."""
    config.addinivalue_line("markers", MARKER)
    folders = config.getini("dmaverify_paths")
    config.stash[_folders] = None if folders is None else tuple(p.resolve() for p in folders)
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.stash[_given] = tuple(map(Path, worker.get(GIVEN, ())))
    elif config.args_source is pytest.Config.ArgsSource.ARGS:
        here = config.invocation_params.dir
        config.stash[_given] = tuple((here / a.partition("::")[0]).resolve() for a in config.args)
    else:
        config.stash[_given] = ()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> DmaFile | None:
    """Scenarios that were asked for; modules, which are no tests, are passed over."""
    if file_path.suffix != ".dma" or not _asked_for(file_path, parent.config):
        return None
    from dmaverify.checking.discover import name_in

    if name_in(file_path) is None:
        return None
    from dmaverify.pytest_plugin.items import DmaFile

    return DmaFile.from_parent(parent, path=file_path)


def _asked_for(path: Path, config: pytest.Config) -> bool:
    """A file is asked for by its name; a folder's by the settings, or by the command line where no setting says otherwise."""
    path, given, folders = path.resolve(), config.stash[_given], config.stash[_folders]
    return path in given or any(folder in path.parents or folder == path for folder in (given if folders is None else folders))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: a worker sees the arguments only after the folders of the settings were put among them."""
    node.workerinput[GIVEN] = [os.fspath(p) for p in node.config.stash[_given]]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """xdist: the tests of one variant are answered by one run, so they go to one worker. ``--dist`` says otherwise."""
    asked = config.stash[_folders] or config.stash[_given]
    if not asked or config.getvalue("dist") != "load" or not _any_scenario(asked):
        return None
    from dmaverify.pytest_plugin.scheduling import ByVariant

    return ByVariant(config, log)


def _any_scenario(paths: tuple[Path, ...]) -> bool:
    return any(p.suffix == ".dma" or (p.is_dir() and next(p.rglob("*.dma"), None) is not None) for p in paths)
