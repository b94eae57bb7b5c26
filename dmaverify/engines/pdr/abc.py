"""ABC's ``pdr`` in place of our own search, where ABC is installed and asked for. What it answers is checked like our own answers."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from dmaverify.engines.pdr.aiger import LOADED, Sequential, from_zero, of_problem, written
from dmaverify.engines.pdr.problem import Problem
from dmaverify.engines.pdr.queries import Cube
from dmaverify.engines.pdr.search import Safe, Unsafe

NAMES = ("abc", "berkeley-abc", "yosys-abc")
"""What the program is called, by where it comes from."""


class Failed(Exception):
    """ABC is not there, or did not answer."""


def executable() -> str | None:
    """Where ABC is; None if it is not installed."""
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


def search(problem: Problem, look: Callable[[], None]) -> Safe | Unsafe:
    """Decide a problem as ``Search.run`` does; ``look`` is called all the time and may raise."""
    program = executable()
    if program is None:
        raise Failed(f"ABC is not installed (no {', '.join(NAMES)} on the path)")
    sequential = from_zero(of_problem(problem))
    with tempfile.TemporaryDirectory(prefix="dmaverify-") as name:
        folder = Path(name)
        (folder / "p.aig").write_bytes(written(sequential, plain=True))
        _run([program, "-c", "read p.aig; pdr -d -I inv.pla; write_status status; write_cex -a cex"], folder, look)
        status = _text(folder / "status")
        if status.startswith("snl_UNSAT"):
            return Safe(_cubes(_text(folder / "inv.pla"), problem, sequential), int(status.split()[1]))
        if status.startswith("snl_SAT"):
            return _counterexample(_text(folder / "cex"), problem, sequential)
    raise Failed(f"ABC does not decide it: {status.strip() or 'no answer'}")


def _text(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.exists() else ""


def _run(command: list[str], folder: Path, look: Callable[[], None]) -> None:
    null = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, stdin=null, stdout=null, stderr=null) as process:
        try:
            while True:
                try:
                    process.wait(0.02)
                    return
                except subprocess.TimeoutExpired:
                    look()
        except BaseException:
            process.kill()
            raise


def _cubes(text: str, problem: Problem, sequential: Sequential) -> list[Cube]:
    """What its invariant excludes, as far as it is about states behind the loading of initial values."""
    loads = sequential.latches[0][3] == LOADED if sequential.latches else False
    names: list[str] = []
    found = []
    for line in text.splitlines():
        if line.startswith(".ilb"):
            names = line.split()[1:]
        elif line and line[0] in "01-":
            cube = {name: bit == "1" for name, bit in zip(names, line.split()[0], strict=True) if bit != "-"}
            if cube.pop(LOADED, True):
                literals = ((int(name[1:]), value) for name, value in cube.items())
                # without loading, latches that start with one are stored inverted
                turned = ((n, value != (not loads and bool(problem.resets[n - 1]))) for n, value in literals)
                found.append(frozenset(n if value else -n for n, value in turned))
    return found


def _counterexample(text: str, problem: Problem, sequential: Sequential) -> Unsafe:
    """Its counterexample: a line for the state of the latches, then one for the inputs of each step."""
    lines = [line for line in text.replace("# DONE", "").split("\n") if line][1:]
    count = len(problem.inputs)
    steps = [[int(bit) for bit in line] for line in lines]
    free = [n for n, reset in enumerate(problem.resets) if reset is None]
    initial = {node: int(bool(reset)) for node, reset in zip(problem.state, problem.resets, strict=True)}
    if sequential.latches and sequential.latches[0][3] == LOADED:
        while True:
            first, *steps = steps
            initial |= {problem.state[n]: bit for n, bit in zip(free, first[count:], strict=True)}
            values = problem.graph.values(initial)
            if values[problem.assumed >> 1] ^ problem.assumed & 1:
                break
    inputs = [{node: bit for (node, _), bit in zip(problem.inputs, step, strict=False)} for step in steps]
    return Unsafe(initial, inputs)
