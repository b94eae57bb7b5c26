"""Certificates: the inductive invariant behind a ``proved``, written out so that others can check it.

A certificate is a folder:

============== =====================================================================================================
system.ir      the core System in its text form; its always-instances of property ``invariant`` are the invariant
init.smt2      every initial state satisfies the invariant
step.smt2      every action keeps the invariant: one query for each action
safe.smt2      the invariant implies the property, and no check of it fails: one query for each place
invariant.txt  the invariant for readers
manifest.json  what is claimed, by whom it was found, the files' digests and how many answers ``unsat`` each must yield; renamings of
               variables that change nothing, and whether less than all that is known is taken for granted (see ``owed``)
============== =====================================================================================================

``certify`` has the folder checked before anybody may call the property proved; ``dmaverify.engines.recheck`` does that in a
fresh process, with the solver that did not find the proof, and checks the same claims a second time by obligations that it
prints itself from ``system.ir``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dmaverify.engines.base import Budget
from dmaverify.engines.owed import Owed, owed, to_show
from dmaverify.engines.readable import readable
from dmaverify.engines.smt.encode import Encoder, no_inputs
from dmaverify.engines.smt.smtlib import Script, Text, TextWriter
from dmaverify.engines.smt.solver import SolverName, other
from dmaverify.engines.smt.terms import constant, sort_of
from dmaverify.engines.smt.unroll import enabled, passes
from dmaverify.ir.expr import Expr, implies
from dmaverify.ir.renaming import Renaming, alike
from dmaverify.ir.system import Action, Always, Check, Property, System
from dmaverify.ir.text import to_text
from dmaverify.ir.traverse import variables
from dmaverify.ir.types import Type

FORMAT = 1
INVARIANT = "invariant"
OBLIGATIONS = ("init.smt2", "step.smt2", "safe.smt2")
FILES = ("system.ir", "invariant.txt", *OBLIGATIONS)


class Refused(Exception):
    """The certificate does not show what it claims; the text says where."""


@dataclass(frozen=True)
class Certificate:
    """An accepted certificate. ``folder`` None: it was written to a temporary place and removed."""

    folder: Path | None
    facts: int
    solver: str


def claim(
    system: System,
    prop: str,
    invariant: Sequence[tuple[str, Expr]],
    checks: Sequence[tuple[int, Check]],
) -> System:
    """The System of a certificate: the property, the invariant as always-instances, and only the checks that matter.

    Those are the ones to be shown (the property's own and those that the proof takes to pass) and those that end a run.
    """
    wanted = {(n, c) for n, c in checks}

    def trimmed(n: int, a: Action) -> Action:
        kept = tuple(
            replace(e, message=(), part=0) for e in a.effects if isinstance(e, Check) and (e.stop or e.prop == prop or (n, e) in wanted)
        )
        return replace(a, effects=kept, parts=(), weight=None, locks=())

    own = tuple(replace(w, message=(), stable=()) for w in system.always if w.prop == prop)
    facts = tuple(Always(INVARIANT, name, condition) for name, condition in invariant)
    names = {p.name for p in system.properties}
    extra = [Property(INVARIANT, "INV", "lemma")]
    used = {c.prop for a in system.actions for c in a.checks} | {prop}
    extra += [Property(p, "", "monitor") for p in sorted(used - names)]
    return system.with_(
        actions=tuple(trimmed(n, a) for n, a in enumerate(system.actions)),
        always=own + facts,
        covers=(),
        domain=(),
        properties=(*system.properties, *extra),
    )


class _Printer:
    """The three scripts of one claim."""

    def __init__(self, system: System, prop: str, owed: Owed) -> None:
        self.system, self.prop, self.owed = system, prop, owed
        self.facts = [w for w in system.always if w.prop == INVARIANT]
        self.order = {v.name: n for n, v in enumerate(system.vars)}

    def begin(self, title: str, facts: Iterable[int]) -> tuple[Script, TextWriter, dict[str, Text]]:
        """A script with the state declared and those facts of the invariant defined, each as a function of what it reads."""
        script, w = Script(), TextWriter()
        script.comment(title)
        script.lines.append("(set-logic QF_BV)")
        state: dict[str, Text] = {}
        for v in self.system.vars:
            script.declare(f"s.{v.name}", sort_of(v.type))
            state[v.name] = w.symbol(f"s.{v.name}", sort_of(v.type))
        for n in sorted(set(facts)):
            fact = self.facts[n]
            params = self._params(fact)
            names = {p: w.symbol(f"v.{p}", sort_of(self.system.var(p).type)) for p in params}
            body = Encoder(w, names, no_inputs)(implies(fact.when, fact.cond))
            script.define(f"inv.{n}", [(f"v.{p}", sort_of(self.system.var(p).type)) for p in params], body)
        return script, w, state

    def _params(self, fact: Always) -> list[str]:
        return sorted(variables(fact.when, fact.cond), key=self.order.__getitem__)

    def invariant(self, w: TextWriter, values: dict[str, Text], facts: Iterable[int]) -> Text:
        """These facts of the invariant about these values."""
        parts = [w.call(f"inv.{n}", [values[p] for p in self._params(self.facts[n])], 0) for n in facts]
        if not parts:
            return w.boolean(True)
        return parts[0] if len(parts) == 1 else w.apply("and", parts)

    def init(self) -> Script:
        """Initial states satisfy the invariant."""
        groups = self.owed.initially
        script, w, state = self.begin("Every initial state satisfies the invariant.", (k for facts in groups for k in facts))
        for v in self.system.vars:
            if not v.any_init:
                script.add(w.apply("=", [state[v.name], constant(w, v.init, v.type)]))
        encode = Encoder(w, state, no_inputs)
        for e in self.system.assumptions:
            script.add(encode(e))
        for facts in groups:
            if len(groups) > 1:
                script.push()
            script.add(w.apply("not", [self.invariant(w, state, facts)]))
            script.check()
            if len(groups) > 1:
                script.pop()
        return script

    def _taken(self, script: Script, w: TextWriter, state: dict[str, Text], action: Action) -> Encoder[Text]:
        """Open a level where the action can be taken."""
        script.comment(action.name)
        script.push()
        terms: dict[tuple[str, Type], Text] = {}
        for i in action.inputs:
            script.declare(f"i.{i.name}", sort_of(i.type))
            terms[i.name, i.type] = w.symbol(f"i.{i.name}", sort_of(i.type))
        encode = Encoder(w, state, lambda name, t: terms[name, t])
        script.add(encode(enabled(self.system, action)))
        return encode

    def step(self) -> Script:
        """Each action keeps the invariant. Facts that read nothing that the action changes are not asked about."""
        steps = self.owed.steps
        known = _common(s.given for s in steps)
        script, w, state = self.begin("Each action keeps the invariant.", (k for s in steps for k in (*s.kept, *s.given)))
        if known:
            script.add(self.invariant(w, state, known))
        for s in steps:
            action = self.system.actions[s.action]
            encode = self._taken(script, w, state, action)
            self._given(script, w, state, s.given, known)
            for c in action.checks:
                # a failed check either ends the run or is refuted in safe.smt2
                script.add(encode(passes(c)))
            after = {**state, **{name: encode(e) for name, e in action.updates.items()}}
            changed = [k for k in s.kept if not action.updates.keys().isdisjoint(self._params(self.facts[k]))]
            script.add(w.apply("not", [self.invariant(w, after, changed)]))
            script.check()
            script.pop()
        return script

    def _given(self, script: Script, w: TextWriter, state: dict[str, Text], facts: Sequence[int], known: Sequence[int]) -> None:
        """What is not yet said of the facts that hold."""
        if more := [k for k in facts if k not in set(known)]:
            script.add(self.invariant(w, state, more))

    def safe(self) -> Script:
        """The invariant implies the property, and its checks pass."""
        steps = [s for s in self.owed.steps if to_show(self.system.actions[s.action], self.prop)]
        given = [*(facts for _, facts in self.owed.always), *(s.given for s in steps)]
        known = _common(given)
        script, w, state = self.begin("The invariant implies the property; its checks pass.", (k for facts in given for k in facts))
        if known:
            script.add(self.invariant(w, state, known))
        encode = Encoder(w, state, no_inputs)
        for n, facts in self.owed.always:
            fact = self.system.always[n]
            script.comment(fact.label)
            script.push()
            self._given(script, w, state, facts, known)
            script.add(w.apply("not", [encode(implies(fact.when, fact.cond))]))
            script.check()
            script.pop()
        for s in steps:
            action = self.system.actions[s.action]
            for check in to_show(action, self.prop):
                inside = self._taken(script, w, state, action)
                self._given(script, w, state, s.given, known)
                script.add(w.apply("not", [inside(passes(check))]))
                script.check()
                script.pop()
        return script


def _common(facts: Iterable[Sequence[int]]) -> list[int]:
    """What is in all of them."""
    each = list(facts)
    return [k for k in each[0] if all(k in some for some in map(frozenset, each[1:]))] if each else []


def derived(system: System, prop: str, owed: Owed) -> dict[str, str]:
    """What is written of a claimed System beside itself: the obligations and what is for readers, by name of the file."""
    printer = _Printer(system, prop, owed)
    return {
        "invariant.txt": readable(system, prop, INVARIANT),
        "init.smt2": printer.init().text(),
        "step.smt2": printer.step().text(),
        "safe.smt2": printer.safe().text(),
    }


def write(system: System, prop: str, folder: Path, found_by: str, renamings: Sequence[Renaming] = (), near: bool = False) -> None:
    """Write the certificate of a claimed System (see ``claim``) to an empty or new folder.

    ``renamings`` leave the claimed System as it is; ``near``: see ``owed``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"system.ir": to_text(system), **derived(system, prop, owed(system, prop, INVARIANT, renamings, near))}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    manifest = {
        "format": FORMAT,
        "property": prop,
        "system": system.name,
        "invariant": [w.label for w in system.always if w.prop == INVARIANT],
        "found_by": found_by,
        "exchange": [sorted(r.items()) for r in renamings],
        "near": near,
        "unsat": {name: texts[name].count("(check-sat)") for name in OBLIGATIONS},
        "sha256": {name: digest(texts[name]) for name in FILES},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def digest(text: str) -> str:
    """SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def certify(
    system: System,
    prop: str,
    invariant: Sequence[tuple[str, Expr]],
    checks: Sequence[tuple[int, Check]],
    folder: Path | None,
    solver: SolverName,
    budget: Budget,
    found_by: str | None = None,
    renamings: Sequence[Renaming] = (),
    near: bool = False,
) -> Certificate:
    """Write a certificate and have it checked by ``solver`` in a fresh process; ``Refused`` if it does not hold.

    ``folder`` is where certificates go, each into a folder of its own; None: nothing is kept. ``found_by`` None: by the other solver.
    ``renamings`` may leave what is claimed as it is; if they do, what is the same up to them is checked once. ``near``: less is
    taken for granted than is known (see ``owed``).
    """
    claimed = claim(system, prop, invariant, checks)
    if renamings and alike(claimed, renamings) is None:
        renamings = ()
    place = Path(tempfile.mkdtemp(prefix="dmaverify-"))
    try:
        write(claimed, prop, place, found_by or other(solver), renamings, near)
        run_recheck(place, solver, budget)
        kept = None
        if folder is not None:
            kept = _free_name(folder, prop)
            shutil.copytree(place, kept)
        return Certificate(kept, len(invariant), solver)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _free_name(folder: Path, prop: str) -> Path:
    """A folder for this property that does not exist yet."""
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in prop)
    n = 1
    while (folder / f"{safe}-{n}").exists():
        n += 1
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{safe}-{n}"


def run_recheck(folder: Path, solver: SolverName, budget: Budget) -> str:
    """Start the checker; what it says. ``Refused`` with its reason unless it accepts, ``Stopped`` if the budget runs out first."""
    package = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    with subprocess.Popen(
        [sys.executable, "-m", "dmaverify.engines.recheck", str(folder), "--solver", solver],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
    ) as process:
        try:
            while True:
                try:
                    out, err = process.communicate(timeout=0.05)
                    break
                except subprocess.TimeoutExpired:
                    budget.check()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        lines = (out + err).strip().splitlines()
        raise Refused(lines[-1].removeprefix("refused: ") if lines else f"the checker ended with {process.returncode}")
    return out.strip()
