"""Other tools and our own, run once: what they counted, and what they cost."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dmaverify.bench.cases import Case


class ToolFailed(Exception):
    """A tool did not do what was asked of it; the text says which and how."""


@dataclass(frozen=True)
class Ran:
    """A process that has ended. ``cpu`` is its user and system time, with that of its children."""

    output: str
    cpu: float
    wall: float


@dataclass(frozen=True)
class Result:
    """One exploration. ``cpu`` is of the exploration alone, of several threads the one that worked most."""

    states: int
    transitions: int
    cpu: float
    wall: float
    memory: int = 0
    """Bytes at the peak, beside those of the process before it began."""
    bits: int = 0
    total: float = 0.0
    """CPU seconds of all threads."""


def run(command: list[str], folder: Path, limit: float = 3600.0) -> Ran:
    """Run to the end; ToolFailed if it fails or takes longer than ``limit`` seconds."""
    with tempfile.TemporaryFile("w+", dir=folder) as out:
        begun = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=_environment())
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG if limit < 3600 else 0)
            if pid:
                break
            if time.monotonic() - begun > limit:
                process.kill()
                os.wait4(process.pid, 0)
                raise ToolFailed(f"{' '.join(command)}: not done after {limit:.0f} s")
            time.sleep(0.05)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        output = out.read()
    if process.returncode != 0:
        raise ToolFailed(f"{' '.join(command)} failed ({process.returncode}): {output[-1500:]}")
    return Ran(output, usage.ru_utime + usage.ru_stime, wall)


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parent.parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    # an installed package has its byte code beside it: the first run of a checkout keeps it, later ones start as a user's do
    return {**{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}, "PYTHONPATH": path}


def missing() -> list[str]:
    """Programs that a comparison needs and that are not here."""
    return [name for name in ("spin", "rumur", "gcc") if shutil.which(name) is None]


# -- our own --------------------------------------------------------------------------------------------


def explore(case: Case, folder: Path, *, threads: int = 1, presize: int = 0, python: bool = False) -> Result:
    """One search by our engine, in a process of its own, measured from inside."""
    command = [sys.executable, "-m", "dmaverify.bench.explore", case.path, case.prop, *case.options, "--threads", str(threads)]
    command += ["--presize", str(presize)] * (presize > 0) + ["--python"] * python
    found = json.loads(run(command, folder).output.splitlines()[-1])
    return Result(
        found["states"],
        found["transitions"],
        found["most"],
        found["wall"],
        found["memory"],
        found["bits"],
        found["cpu"],
    )


def check(case: Case, folder: Path, *options: str) -> Ran:
    """The command that a user types, from the prompt to the verdict."""
    return run([*command(case), "--trace", "off", *options], folder)


def command(case: Case) -> list[str]:
    """``dmaverify check`` of one property."""
    base = [] if case.variant else ["--variant", "base"]
    return [sys.executable, "-m", "dmaverify", "check", case.path, "--property", case.prop, *case.options, *base]


ALL_STATES = ("--engine", "explicit", "--no-slice", "--no-symmetry")
"""Options with which our search visits what other tools visit."""


# -- SPIN -----------------------------------------------------------------------------------------------

EXACT = ("-DSAFETY", "-DNOREDUCE", "-DNOFAIR")
"""All states, compared exactly."""

FLAGS = {
    "O2": ("-O2", *EXACT),
    "O3": ("-O3", "-march=native", "-DSFH", *EXACT),
}
"""Ways to compile SPIN's verifier for a depth-first search; the second was the fastest exact one that we found."""


REDUCED = ("-O2", "-DSAFETY", "-DNOFAIR")
"""With SPIN's partial-order reduction: fewer states, the same verdict."""


@dataclass(frozen=True)
class Built:
    """A program that explores one model."""

    command: list[str]
    cost: Ran
    """Of all that it took to make it."""


def build_spin(model: str, flags: tuple[str, ...], states: int, folder: Path) -> Built:
    """Promela to a program, compiled with ``flags``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.pml").write_text(model)
    spin = run(["spin", "-a", "model.pml"], folder)
    gcc = run(["gcc", "-w", *flags, "-o", "pan", "pan.c"], folder)
    # deep enough for any path, and about as many slots as states
    options = [f"-m{max(10_000, states + states // 10)}", f"-w{max(16, math.ceil(math.log2(states)) + 1)}"]
    return Built(["./pan", *options], Ran("", spin.cpu + gcc.cpu, spin.wall + gcc.wall))


def run_spin(built: Built, folder: Path) -> Result:
    """SPIN counts the way to the first state as a transition."""
    ran = run(built.command, folder)
    stored, transitions = re.search(r"(\d+) states, stored", ran.output), re.search(r"(\d+) transitions", ran.output)
    errors = re.search(r"errors: (\d+)", ran.output)
    if not stored or not transitions or not errors or "max search depth too small" in ran.output:
        raise ToolFailed(f"pan: {ran.output[-1500:]}")
    if int(errors[1]):
        raise ToolFailed(f"pan found a violation that is none: {ran.output[:500]}")
    return Result(int(stored[1]), int(transitions[1]) - 1, ran.cpu, ran.wall)


# -- rumur ----------------------------------------------------------------------------------------------


def build_rumur(model: str, folder: Path) -> Built:
    """Murphi to a program."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.m").write_text(model)
    rumur = run(["rumur", "--threads", "1", "--deadlock-detection", "off", "-o", "model.c", "model.m"], folder)
    gcc = run(["gcc", "-w", "-O3", "-march=native", "-mcx16", "-o", "model", "model.c", "-pthread"], folder)
    return Built(["./model"], Ran("", rumur.cpu + gcc.cpu, rumur.wall + gcc.wall))


def run_rumur(built: Built, folder: Path) -> Result:
    """Its counts are at the end of what it prints."""
    ran = run(built.command, folder)
    found = re.search(r"(\d+) states, (\d+) rules fired", ran.output)
    if not found or "No error found" not in ran.output:
        raise ToolFailed(f"rumur's checker: {ran.output[-1500:]}")
    return Result(int(found[1]), int(found[2]), ran.cpu, ran.wall)
