"""Where the specification and the models are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_roots() -> tuple[Path, ...]:
    """Folders that hold ``spec/`` and ``models/``, the one to look in first at the front.

    A checkout comes first, so that an edited model is the one that is used even where a wheel is installed
    as well.
    """
    candidates = (_PACKAGE.parent, _PACKAGE / "_data")
    return tuple(root for root in candidates if (root / "spec").is_dir() and (root / "models").is_dir())


def shorten(path: str | Path) -> str:
    """A path as a report shows it: relative to the current folder where it lies below it, else as it is."""
    p = Path(path)
    try:
        return str(p.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(p)
