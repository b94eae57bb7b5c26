"""The one door to the compiler: from a file, a variant and parameters to Systems and what is expected of
them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dmaverify import texts
from dmaverify.checking.problems import WrongInput
from dmaverify.ir.system import Check, System
from dmaverify.results import Expectation
from dmaverify.span import Span

if TYPE_CHECKING:
    from dmaverify.lang import ast
    from dmaverify.lang.compile import Compiled
    from dmaverify.lang.symbols import ParamSym

BASE = "base"
"""How the command line calls the scenario as it stands."""

BOUND = "bound"
"""The built-in property that a limit of the model is large enough; where it fails, nothing is known."""

_COSTLY = ("deadlock",)
"""Built-in properties that are decided only if the scenario names them."""


PROBES = ("end", "operation", "slot", "assume", "fault")
"""The kinds of covers that are probes against vacuity."""


@dataclass(frozen=True)
class Probe:
    """A cover that nobody wrote; ``kind`` as in ``results.ProbeResult``."""

    name: str
    kind: str
    span: Span


@dataclass(frozen=True)
class Model:
    """One variant of a scenario for one choice of its parameters."""

    name: str
    title: str
    system: System
    properties: tuple[str, ...]
    """What is to be decided, in the order of reports: what the scenario checks, built-in properties,
    covers.
    """
    expectations: Mapping[str, Expectation] = field(default_factory=dict)
    by_name: frozenset[str] = frozenset()
    """Properties that the scenario names itself; they are never *not applicable*."""
    covers: Mapping[str, Span] = field(default_factory=dict)
    """Covers of the scenario among the properties."""
    probes: tuple[Probe, ...] = ()
    """Covers that nobody wrote: ends of sequences, operations of clients, ways past an ``assume``, faults."""
    asserts: Mapping[str, tuple[tuple[str, Span], ...]] = field(default_factory=dict)
    """For each monitor its asserts as they stand in the text, whether or not anything leads there."""
    contracts: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    """``A1`` … as the comments of the files used declare them (``assumes A1, A4``)."""
    warnings: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    """Values that the user has set, as text."""
    compiled: Compiled | None = None
    """What the compiler made, for the judge that looks at each trace a second time."""
    choice: tuple[tuple[str, str], ...] = ()
    """Values of the parameters that have several, as text: which instance this is."""
    later: int = 0
    """How many instances come after this one."""
    free: tuple[tuple[str, str], ...] = ()
    """Parameters that are frozen variables here, each with its domain as the text has it."""
    numeric: tuple[str, ...] = ()
    """Properties with a System of their own (``alone``): lemmas that speak of all numbers of a type, and what procs ensure."""


def outline(file: str) -> tuple[str, str, list[str]]:
    """Name and title of a scenario, and the names of its variants in the order of the text."""
    from dmaverify.lang.link import load as read

    loaded = read(file)
    if loaded.scenario is None:
        raise WrongInput(f"{file} is the module {loaded.name}, and only a scenario can be checked")
    return loaded.name, loaded.scenario.title or "", loaded.variants


def load(file: str, variant: str | None, params: Mapping[str, int | str]) -> Model:
    """Compile one variant (None or ``base``: the scenario as it stands), the smallest instance if it has
    several.
    """
    return next(load_all(file, variant, params))


def load_all(file: str, variant: str | None, params: Mapping[str, int | str]) -> Iterator[Model]:
    """One model for each choice of the parameters that have several values, smallest first."""
    from dmaverify.lang.compile import checked_program, compile_checked, compile_scenario, instances_of

    name = None if variant == BASE else variant
    given = tuple((k, str(v)) for k, v in params.items())
    checked = checked_program(file, name)
    instances = instances_of(checked)
    choices = list(dict.fromkeys(tuple((k, v) for k, v in instance.items() if k not in params) for instance in instances))
    for n, left in enumerate(choices, 1):
        chosen = {**params, **dict(left)}
        # trees carry what was found out about them, and whoever waits for the next instance may check another variant
        compiled = compile_scenario(file, name, chosen) if n > 1 else compile_checked(checked, chosen)
        yield replace(_model(compiled, given, tuple((k, str(v)) for k, v in left)), later=len(choices) - n)


def concrete(file: str, variant: str | None, params: Mapping[str, int | str]) -> Model:
    """The smallest instance, where also the parameters that may be anything have their least value."""
    from dmaverify.lang.compile import least_values

    least = least_values(file, None if variant == BASE else variant)
    return load(file, variant, {**least, **params})


def alone(file: str, variant: str | None, params: Mapping[str, int | str], name: str) -> tuple[System, str]:
    """The System of a lemma that speaks of numbers only, or of what a proc ensures: no actions, claims about every initial
    state. And the arguments that they are about, in words; empty if that is all.
    """
    from dmaverify.checking.promises import PREFIX, claim
    from dmaverify.lang.compile import compile_lemmas

    variant = None if variant == BASE else variant
    return claim(file, variant, params, name) if name.startswith(PREFIX) else (compile_lemmas(file, variant)[name], "")


def _model(c: Compiled, params: tuple[tuple[str, str], ...], choice: tuple[tuple[str, str], ...]) -> Model:
    from dmaverify.checking.promises import PREFIX
    from dmaverify.lang.symbols import LemmaSym

    covers = {i.name: i.span for i in c.covers if i.kind == "cover" and i.span.file == c.path}
    said = {name for name, e in c.expectations.by_subject.items() if e.verdict != "n/a"}
    named = frozenset(p.text for p in c.checks.props) | said
    builtin = _builtin(c.system, named)
    if c.checks.only:
        # running out of instances is always looked at: what lies behind it is in no verdict
        builtin = [n for n in builtin if n in named or n == BOUND]
    # a scenario that asks for a few things only does not ask what its procs ensure
    promises = () if c.checks.only else tuple(f"{PREFIX}{p}" for p in c.promises)
    numeric = tuple(p.text for p in c.checks.props if isinstance(p.ref, LemmaSym) and p.text not in c.asked)
    numeric = (*numeric, *promises)
    properties = (*c.asked, *numeric, *builtin, *covers)
    properties = (*properties, *_expected_too(c, properties))
    return Model(
        name=c.name,
        title=c.title,
        system=c.system,
        properties=tuple(dict.fromkeys(properties)),
        expectations=_expectations(c, properties, covers),
        by_name=named,
        covers=covers,
        probes=tuple(Probe(i.name, i.kind, i.span) for i in c.covers if i.kind in PROBES),
        asserts=c.asserts,
        contracts=c.contracts,
        assumptions=assumptions_of(c.sources),
        warnings=tuple(d.render() for d in c.diagnostics),
        params=params,
        choice=choice,
        compiled=c,
        free=tuple((p.name, _domain(p)) for p in c.checked.params if p.name in c.free),
        numeric=numeric,
    )


def _domain(p: ParamSym) -> str:
    """``in 4K..=1T`` as it stands in the text."""
    if p.domain is None:
        return ""
    span = p.domain.span
    lines = texts.read_text(span.file).splitlines()
    if span.line != span.end_line:
        return ""
    return f"in {lines[span.line - 1][span.column - 1 : span.end_column - 1]}"


_ASSUMES = re.compile(r"//[^\n]*\bassumes\s+(A\d+(?:\s*,\s*A\d+)*)")


def assumptions_of(files: tuple[str, ...]) -> tuple[str, ...]:
    """What the files of a scenario say that they take for granted, by number."""
    found: set[str] = set()
    for file in files:
        try:
            text = texts.read_text(file)
        except OSError:
            continue
        for m in _ASSUMES.finditer(text):
            found |= set(re.findall(r"A\d+", m[1]))
    return tuple(sorted(found, key=lambda a: int(a[1:])))


def _builtin(system: System, named: frozenset[str]) -> list[str]:
    """Built-in properties that something in the System could violate."""
    checked = {e.prop for a in system.actions for e in a.effects if isinstance(e, Check)}
    builtin = [p.name for p in system.properties if p.kind == "builtin"]
    return [n for n in builtin if n in checked or (n in _COSTLY and n in named)]


def _expected_too(c: Compiled, checked: tuple[str, ...]) -> list[str]:
    """Built-in properties that the scenario expects something of although nothing in it can violate them.

    What a text expects of a property that it does not check would never be looked at: that is wrong input. A variant
    inherits what its scenario expects, and may check less. What it expects of ``refine`` is not for a check to decide.
    """
    from dmaverify.lang.builtins import REFINES

    builtin = {p.name for p in c.system.properties if p.kind == "builtin"}
    found = []
    for name, e in c.expectations.by_subject.items():
        if name in checked or name.startswith(("cover ", f"{REFINES}(")):
            continue
        if name in builtin:
            found.append(name)
        elif _says_so_itself(c, e):
            raise WrongInput(f"{e.span}: {name} is expected to be {e.verdict}, and the scenario does not check it")
    return found


def _says_so_itself(c: Compiled, e: ast.Expectation) -> bool:
    """Whether an expectation stands in the variant that is compiled, not in what it is a variant of."""
    from dmaverify.lang import ast

    if c.variant is None or c.program.scenario is None:
        return True
    name = c.variant.split("@")[0]
    mine = [v.span for v in c.program.scenario.items if isinstance(v, ast.Variant) and v.name == name]
    return any(s.line <= e.span.line <= s.end_line for s in mine)


def _expectations(
    c: Compiled, properties: tuple[str, ...], covers: Mapping[str, Span]
) -> dict[str, Expectation]:
    found: dict[str, Expectation] = {}
    for name in properties:
        subject = c.expectations.by_subject.get(f"cover {name}" if name in covers else name)
        if subject is not None:
            found[name] = _expectation(subject)
        elif c.expectations.default is not None and name not in covers:
            found[name] = _expectation(c.expectations.default)
    return found


def _expectation(e: ast.Expectation) -> Expectation:
    return Expectation(e.verdict, e.steps, e.bound, e.blame or "", e.blame_text or "", e.span)
