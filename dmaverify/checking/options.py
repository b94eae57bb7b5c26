"""What a person may ask of a check. Plain data: it travels to worker processes."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """Options of one run; the defaults are those of the command line.

    ``variant``: None checks the base and every variant; ``base`` only the scenario as it stands. ``only``:
    names of properties, empty for all that the scenario checks. ``params``: values as text or number.
    ``timeout`` is in seconds for each variant, which its properties share (``shares``), ``property_timeout`` for each
    property of each variant, ``memory`` in bytes of each process, ``depth`` a length of traces.
    """

    variant: str | None = None
    only: tuple[str, ...] = ()
    engine: str = "auto"
    params: dict[str, int | str] = field(default_factory=dict)
    seed: int = 0
    timeout: float | None = None
    property_timeout: float | None = None
    memory: int | None = None
    depth: int | None = None
    strict: bool = False
    fuse: bool = True
    slice: bool = True
    symmetry: bool = True
    cores: int | None = None
    """How many engines of the portfolio are at work at a time; None: as many as there are CPUs."""
    certificates: str | None = None
    """Folder for the obligations of proofs; None: they are checked and not kept."""
    overlay: tuple[tuple[str, str | None], ...] = ()
    """Texts in the place of files (``texts``)."""
    checkpoint: str | None = None
    """Folder in which explicit searches write what they need to go on after their process has ended."""
    checkpoint_every: float = 60.0
    """Seconds between two checkpoints."""
