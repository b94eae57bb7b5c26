"""Checks a certificate: ``python -m dmaverify.engines.recheck FOLDER [--solver z3|bitwuzla] [--each]``.

Exit status 0: accepted. 1: refused, with the reason as the last line. Nothing is taken on trust but the meaning of core IR and
the solver: the files must be those of the manifest, every obligation must be unsatisfiable, and so must the obligations that
``reprint`` makes of ``system.ir``, which has to speak of the property that the manifest claims. The files must also be word by
word what is derived from ``system.ir``, so that nobody reads something else there.

A certificate may name renamings of variables that leave everything that it claims as it is. That they do is checked (``ir/renaming``);
then, of obligations that they turn into each other, the first is owed. ``--each``: what ``reprint`` asks are all of them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from dmaverify.engines.certificate import FILES, FORMAT, INVARIANT, Refused, derived, digest
from dmaverify.engines.owed import NotAlike, owed
from dmaverify.engines.reprint import Reprint, Unprintable
from dmaverify.ir.renaming import Renaming
from dmaverify.ir.system import System
from dmaverify.ir.text_parse import IrSyntaxError, parse


def answers(text: str, solver: str) -> list[str]:
    """What the solver prints for a script, by words. Each question is put to it by itself."""
    return [word for question in questions(text) for word in _ask(question, solver).split()]


def _ask(question: str, solver: str) -> str:
    return _by_z3(question) if solver == "z3" else _by_bitwuzla(question)


def questions(text: str) -> list[str]:
    """A script for each question of a script: what is said at the levels that are open where it is asked.

    Solvers are much better at one question than at many that share what is said before.
    """
    levels: list[list[str]] = [[]]
    found: list[str] = []
    for line in text.splitlines():
        if line == "(push 1)":
            levels.append([])
        elif line == "(pop 1)" and len(levels) > 1:
            levels.pop()
        else:
            levels[-1].append(line)
            if line == "(check-sat)":
                found.append("\n".join(said for level in levels for said in level) + "\n")
                levels[-1].pop()
    return found


def _by_z3(text: str) -> str:
    z3: Any = importlib.import_module("z3")
    context = z3.Context()
    try:
        return str(z3.Z3_eval_smtlib2_string(context.ref(), text))
    except z3.Z3Exception as error:
        raise Refused(f"z3: {error}") from error


def _by_bitwuzla(text: str) -> str:
    bitwuzla: Any = importlib.import_module("bitwuzla")
    parser = bitwuzla.Parser(bitwuzla.TermManager(), bitwuzla.Options())
    # the package prints its answers to the process's standard output and nowhere else
    sys.stdout.flush()
    with tempfile.TemporaryFile() as catch:
        kept = os.dup(1)
        os.dup2(catch.fileno(), 1)
        try:
            parser.parse(text, False, False)
        except bitwuzla.BitwuzlaException as error:
            raise Refused(f"bitwuzla: {error}") from error
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        catch.seek(0)
        return catch.read().decode()


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"no manifest: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Refused("the manifest is of another format")
    return manifest


def _texts(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """The files, which must be those of the manifest."""
    texts = {}
    for name in FILES:
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Refused(f"{name}: {error}") from error
        if digest(texts[name]) != manifest.get("sha256", {}).get(name):
            raise Refused(f"{name} is not the file that the manifest names")
    return texts


def _expect_unsat(what: str, text: str, number: int, solver: str) -> None:
    got = answers(text, solver)
    if got != ["unsat"] * number or number == 0:
        wrong = next((n for n, a in enumerate(got) if a != "unsat"), len(got))
        shown = got[wrong] if wrong < len(got) else "nothing"
        raise Refused(f"{what}: answer {wrong + 1} of {number} is {shown}, not unsat")


def _system(text: str) -> System:
    try:
        return parse(text)
    except IrSyntaxError as error:
        raise Refused(f"system.ir: {error}") from error


def _renamings(said: object) -> list[Renaming]:
    if not isinstance(said, list):
        raise Refused("the manifest's renamings are of another format")
    found: list[Renaming] = []
    for pairs in said:
        try:
            renaming = {str(here): str(there) for here, there in pairs}
        except (TypeError, ValueError) as error:
            raise Refused("the manifest's renamings are of another format") from error
        if len(renaming) != len(pairs):
            raise Refused("the manifest renames a variable twice")
        found.append(renaming)
    return found


def check(folder: Path, solver: str, each: bool = False) -> int:
    """The number of questions that were put to the solver; ``Refused`` if an obligation is not met."""
    manifest = _manifest(folder)
    texts = _texts(folder, manifest)
    done = 0
    system = _system(texts["system.ir"])
    prop = str(manifest.get("property"))
    claimed = any(w.prop == prop for w in system.always) or any(c.prop == prop for a in system.actions for c in a.checks)
    if not claimed:
        raise Refused(f"system.ir says nothing about {prop}")
    try:
        due = owed(system, prop, INVARIANT, _renamings(manifest.get("exchange", [])), manifest.get("near") is True)
    except NotAlike as error:
        raise Refused(f"the manifest exchanges too much: {error}") from error
    for name, needed in due.questions(system, prop).items():
        number = manifest.get("unsat", {}).get(name)
        if not isinstance(number, int) or (number < needed):
            raise Refused(f"{name} asks {number} times, {needed} are needed")
        if number:
            _expect_unsat(name, texts[name], number, solver)
        done += number
    try:
        for what, text in Reprint(system, prop, INVARIANT).scripts(owed(system, prop, INVARIANT) if each else due):
            _expect_unsat(what, text, 1, solver)
            done += 1
    except (Unprintable, KeyError) as error:
        raise Refused(f"system.ir: {error}") from error
    for name, text in derived(system, prop, due).items():
        if text != texts[name]:
            raise Refused(f"{name} does not say what system.ir does")
    return done


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m dmaverify.engines.recheck", description="Checks a certificate.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--solver", choices=("z3", "bitwuzla"), default="z3")
    parser.add_argument("--each", action="store_true", help="ask each obligation, also those that are the same up to names")
    options = parser.parse_args(arguments)
    try:
        done = check(options.folder, options.solver, options.each)
    except Refused as error:
        print(f"refused: {error}")
        return 1
    print(f"accepted: {done} obligations, by {options.solver}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
