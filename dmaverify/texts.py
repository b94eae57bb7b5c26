"""Reads source texts, some of which may be given in memory: a patch is tried without a file being written.

    with overlaid({"/abs/models/pool.dma": "module pool …"}):
        …                                  # whoever reads that file now gets this text

An overlay maps absolute paths to texts, or to None where the file is taken for absent. It says what is true in this process
until the block ends; a worker process is told by ``Options.overlay``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Overlay = Mapping[str, str | None]
"""By absolute path, links resolved."""

_active: dict[str, str | None] = {}


@contextmanager
def overlaid(texts: Overlay) -> Iterator[None]:
    """Put these texts in the place of files, and nothing else: an overlay that is in force is left out meanwhile."""
    global _active
    before = _active
    _active = dict(texts)
    try:
        yield
    finally:
        _active = before


def current() -> tuple[tuple[str, str | None], ...]:
    """The overlay in force, as plain data."""
    return tuple(_active.items())


def replaced(path: str | Path) -> bool:
    """Whether the overlay says what is in that file, or that there is none."""
    return bool(_active) and _key(path) in _active


def read_text(path: str | Path) -> str:
    """The text of a file. Raises what reading a file raises."""
    if replaced(path):
        text = _active[_key(path)]
        if text is None:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return text
    return Path(path).read_text(encoding="utf-8")


def files_in(folder: Path) -> Iterator[Path]:
    """What is in a folder, with the overlay's files and without those that it takes for absent; and folders that it makes."""
    if folder.is_dir():
        for path in folder.iterdir():
            if not (replaced(path) and _active[_key(path)] is None):
                yield path
    if not _active:
        return
    here = Path(_key(folder))
    for name, text in _active.items():
        path = Path(name)
        if text is not None and here in path.parents:
            direct = folder / path.relative_to(here).parts[0]
            if not direct.exists():
                yield direct


def added_below(folder: Path) -> list[Path]:
    """The files of the overlay, at any depth below a folder, that are on no disk."""
    here = Path(_key(folder)) if _active else folder
    names = [Path(name) for name, text in _active.items() if text is not None]
    return [folder / p.relative_to(here) for p in names if here in p.parents and p.suffix == ".dma" and not p.exists()]


def is_file(path: Path) -> bool:
    """Whether there is such a file, the overlay considered."""
    return _active[_key(path)] is not None if replaced(path) else path.is_file()


def is_folder(path: Path) -> bool:
    """Whether there is such a folder, the overlay considered."""
    if path.is_dir():
        return True
    key = Path(_key(path)) if _active else path
    return any(text is not None and key in Path(name).parents for name, text in _active.items())


def _key(path: str | Path) -> str:
    try:
        return str(Path(path).resolve())
    except (OSError, ValueError, RuntimeError):
        return str(path)
