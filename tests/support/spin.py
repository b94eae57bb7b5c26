"""SPIN run on exported models: what it counted and what it found."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_spin = pytest.mark.skipif(
    shutil.which("spin") is None or shutil.which("gcc") is None, reason="needs spin and gcc (apt-get install spin gcc)"
)
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")


@dataclass(frozen=True)
class Counted:
    """``failures`` are assertions that SPIN found violated."""

    states: int
    transitions: int
    failures: int


def spin(folder: Path, model: str, *more: str) -> Counted:
    """Explore all of a Promela model; ``more`` are options of the verifier."""
    (folder / "model.pml").write_text(model)
    _run(folder, "spin", "-a", "model.pml")
    _run(folder, "gcc", "-O0", "-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-o", "pan", "pan.c")
    out = _run(folder, "./pan", "-m1000000", "-w20", *more)
    stored, transitions = re.search(r"(\d+) states, stored", out), re.search(r"(\d+) transitions", out)
    errors = re.search(r"errors: (\d+)", out)
    assert stored and transitions and errors and "max search depth too small" not in out, out
    return Counted(int(stored[1]), int(transitions[1]), int(errors[1]))


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
    return done.stdout
