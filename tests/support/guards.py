"""Checks of the tool against itself, by name: what has to notice when a part of it is broken on purpose (``faults``).

Each passes on the tool as it is and is quick. The large campaigns do the same on many more Systems.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import dmaverify
from dmaverify.checking import decide
from dmaverify.engines import certificate, recheck
from dmaverify.engines.base import Budget, Engine
from dmaverify.engines.certificate import Refused
from dmaverify.engines.induction import Induction
from dmaverify.engines.native import jit, table
from dmaverify.engines.owed import NotAlike, owed
from dmaverify.engines.pdr.engine import Pdr
from dmaverify.engines.pycode import Packing, Writer, helpers
from dmaverify.engines.replay import ReplayMismatch, replay
from dmaverify.engines.reprint import Reprint
from dmaverify.engines.smt.encode import Encoder
from dmaverify.engines.smt.encode import no_inputs as no_terms
from dmaverify.engines.smt.solver import make_solver
from dmaverify.engines.smt.terms import constant, decoded, sort_of
from dmaverify.ir.expr import FALSE, TRUE, U32, Expr, const, eq, lt, mk, ne, raw, var
from dmaverify.ir.pipeline import to_core
from dmaverify.ir.system import Action, Always, Part, Property, System, Var
from dmaverify.ir.text_parse import parse
from dmaverify.ir.types import BOOL, Bool, Int, Type, Value
from dmaverify.verdict import Step, Trace, Word
from tests.support import racing, soundness
from tests.support.compare import explored, fused
from tests.support.lock_programs import program
from tests.support.lowered import compiled
from tests.support.symbolic_systems import counter, locked, pool
from tests.support.yardstick import STATES, allocator
from tests.test_aig import Built
from tests.test_smt_ops import build, meaning, shapes, tuples
from tests.test_stops import LATER

Guard = Callable[[], None]
GUARDS: dict[str, Guard] = {}


def guard(name: str) -> Callable[[Guard], Guard]:
    """Gives a guard its name."""

    def put(check: Guard) -> Guard:
        GUARDS[name] = check
        return check

    return put


# -- operators -----------------------------------------------------------------------------------------------------------

NARROW = (BOOL, Int(1), Int(8), Int(8, True))


def _cases() -> Iterator[tuple[Expr, list[str], tuple[Type, ...], tuple[Value, ...]]]:
    """Every operator of core IR at narrow types, with corner values."""
    rng = random.Random(12)
    for op, types, own in shapes():
        if types and all(t in NARROW for t in types) and own in (None, *NARROW):
            names = [f"x{n}" for n in range(len(types))]
            node = build(op, types, own, names)
            for values in tuples(op, types, rng)[:8]:
                yield node, names, types, values


def _expect(node: Expr, values: tuple[Value, ...], got: Value, where: str) -> None:
    assert got == meaning(node, values), f"{node.op} of {values} is {got} in {where}"


@guard("operators in Python")
def operators_in_python() -> None:
    """The source that the explicit engine generates computes what the operator table says."""
    for node, names, types, values in _cases():
        packing = Packing([Var(n, t, t.default) for n, t in zip(names, types, strict=True)])
        w = Writer(packing, {})
        w.share(node)
        w.line(f"return {w.value(node)}")
        space: dict[str, object] = dict(helpers())
        exec("\n".join(["def f(s):", *w.lines]), space)
        got = space["f"](packing.pack(dict(zip(names, values, strict=True))))  # type: ignore[operator]
        _expect(node, values, bool(got) if isinstance(node.type, Bool) else got, "generated Python")


@guard("operators in bits")
def operators_in_bits() -> None:
    """The bit-blaster's circuits compute what the operator table says."""
    for node, names, types, values in _cases():
        _expect(node, values, Built(node, names, types).evaluate(values), "the circuit")


@guard("operators in the solver")
def operators_in_the_solver() -> None:
    """The encoder's terms mean to the solver what the operator table says."""
    solver = make_solver("z3", Budget())
    w, wanted = solver.writer, []
    for k, (node, names, types, values) in enumerate(_cases()):
        leaves = {n: w.symbol(f"{n}.{k}", sort_of(t)) for n, t in zip(names, types, strict=True)}
        for n, t, value in zip(names, types, values, strict=True):
            solver.add(w.apply("=", [leaves[n], constant(w, value, t)]))
        result = w.symbol(f"r{k}", sort_of(node.type))
        solver.add(w.apply("=", [result, Encoder(w, leaves, no_terms)(node)]))
        wanted.append((result, node, values))
    assert solver.check([])
    for result, node, values in wanted:
        _expect(node, values, decoded(solver.value(result), node.type), "the solver")


@guard("operators in native code")
def operators_in_native_code() -> None:
    """The LLVM functions compute what the operator table says."""
    from tests.test_native_ops import Machine

    by_node: dict[Expr, list[tuple[list[str], tuple[Type, ...], tuple[Value, ...]]]] = {}
    for node, names, types, values in _cases():
        by_node.setdefault(node, []).append((names, types, values))
    of = {t: [f"{t}.{n}" for n in range(3)] for t in NARROW}
    variables = [Var(name, t, t.default) for t, names in of.items() for name in names]
    roots = [raw(n.op, n.type, tuple(raw("var", a.type, (), of[a.type][k]) for k, a in enumerate(n.args)), n.data) for n in by_node]
    machine = Machine(variables, roots, jit.TIDY)
    for turn in range(8):
        for k, (node, tried) in enumerate(by_node.items()):
            _, types, values = tried[turn % len(tried)]
            state = {v.name: v.type.default for v in variables}
            state |= {of[t][n]: v for n, (t, v) in enumerate(zip(types, values, strict=True))}
            _expect(node, values, machine(state)[k], "native code")


@guard("operators in the second printer")
def operators_in_the_second_printer() -> None:
    """What the checker of certificates prints means to a solver what the operator table says."""
    conditions = []
    for node, _, types, values in _cases():
        closed = raw(node.op, node.type, tuple(raw("const", t, (), v) for t, v in zip(types, values, strict=True)), node.data)
        conditions.append(raw("eq", BOOL, (closed, const(meaning(node, values), node.type))))
    claim = Always(certificate.INVARIANT, "i", raw("and", BOOL, tuple(conditions)))
    system = System("s", (Var("x", BOOL, False),), (), (), (Property(certificate.INVARIANT, "I", "lemma"),), (claim,))
    (_, text), *_ = Reprint(system, "p", certificate.INVARIANT).scripts(owed(system, "p", certificate.INVARIANT))
    assert recheck.answers(text, "bitwuzla") == ["unsat"], "an operator means something else"


# -- search, reductions, engines -------------------------------------------------------------------------------------------


def _campaign(way: Callable[[soundness.Case], object], seeds: Iterable[int]) -> None:
    with soundness.certificates_here():
        for seed in seeds:
            case = soundness.case_of(seed)
            if case is not None and case.states < 800:
                way(case)


# Systems of which it is known that one fault or another (``faults``) shows in them; a campaign has thousands


@guard("interpreter and search")
def interpreter_and_search() -> None:
    """Random Systems: the reference interpreter finds what the explicit search in Python finds."""
    _campaign(soundness.by_interpreter, (0, 1, 2, 3, 5, 7, 8, 34, 43))


@guard("steps and statements")
def steps_and_statements() -> None:
    """Programs with locks, fused and not. Of thousands only a few tell a wrong step rule; these do."""
    for seed in (33, 119, 1102):
        core = to_core(program(seed))
        steps = explored(fused(core, ("p", "q", "cells", "builtin")), deadlock=True)
        assert steps == explored(core.system, deadlock=True), seed


@guard("steps of random Systems")
def steps_of_random_systems() -> None:
    """Random Systems: steps find what statements find."""
    _campaign(soundness.by_steps, (0, 1, 2, 3, 28))


@guard("slices and the whole")
def slices_and_the_whole() -> None:
    """Random Systems: slices find together what the whole finds."""
    _campaign(soundness.by_slices, (0, 1, 3, 24, 34, 98))


@guard("symmetry and everything")
def symmetry_and_everything() -> None:
    """Random Systems: search modulo symmetry finds what search of everything finds."""
    _campaign(soundness.by_symmetry, (1, 42, 68, 121, 161))


@guard("native code and Python")
def native_code_and_python() -> None:
    """Random Systems: the native search finds what the search in Python finds."""
    _campaign(soundness.by_native_code, (0, 1, 9, 77, 79))


@guard("engines and search")
def engines_and_search() -> None:
    """Random Systems: no symbolic engine contradicts complete search, no certificate is refused, and all traces replay."""
    _campaign(soundness.by_engines, (0, 5, 25, 31, 42, 56, 57))


@guard("portfolio and search")
def portfolio_and_search() -> None:
    """Random Systems: what the tool says of each property is what is true of it, also if it has to slice."""
    _campaign(soundness.by_portfolio, (1, 2, 19, 57, 90))


@guard("failed checks on the way")
def failed_checks_on_the_way() -> None:
    """A property that only fails behind a failed built-in check does not fail, and one that is only put to the test there is not put
    to the test, also where its slice does not have that check.
    """
    text = LATER.replace("HERE", "wait other == 99")
    for fails in (True, False):
        with tempfile.TemporaryDirectory() as folder, patch.object(decide, "FEW_STATES", 0):
            compiled(Path(folder), text if fails else text.replace("n < 5", "n < 50"))
            variant = dmaverify.check(Path(folder) / "models" / "t.dma", engine="explicit", jobs=1).scenario("t").variant()
        assert not variant.internal and variant.property("watch").word is Word.VACUOUS


@guard("shortest ways")
def shortest_ways() -> None:
    """Where one step that counts leads to the same state as two that do not, the state is as near as those two make it."""
    t = Int(2)
    x = var("x", t)

    def step(name: str, start: int, end: int, weight: int) -> Action:
        part = Part(name, TRUE, (), weight)
        guard = eq(x, const(start, t))
        return Action(name, None, None, guard, updates={"x": const(end, t)}, weight=const(weight, U32), parts=(part,))

    steps = (step("far", 0, 2, 1), step("near", 0, 1, 0), step("nearer", 1, 2, 0))
    system = System("ways", (Var("x", t, 0),), steps, always=(Always("p", "p.1", ne(x, const(2, t))),))
    assert explored(system).violated == {("p", "p.1"): 0}


@guard("known numbers")
def known_numbers() -> None:
    """States of an allocator, by native code in one word and in several, with a table that grows: numbers known from elsewhere."""
    from dmaverify.engines.native.engine import explore_natively
    from dmaverify.engines.successors import Compiled

    for pages, padding in ((6, 0), (5, 3)):
        compiled = Compiled(allocator(pages, 2, padding=padding))
        with patch.multiple(table, PART=1, LOAD=0.95, FIRST=12):  # a table that grows early, in parts as small as they can be
            result = explore_natively(compiled, Budget(), deadlock=False, thorough=True, name="explicit", threads=1)
        states = result.states
        result.close()
        assert states == STATES[pages, 2], f"{states} states, and there are {STATES[pages, 2]}"


# -- proofs ---------------------------------------------------------------------------------------------------------------


def _false_claims() -> Iterator[tuple[System, str]]:
    """Systems with a property that does not hold of them."""
    yield pool(4, 2, broken=True), "no_overlap"
    yield counter(3), "below"
    yield locked(False), "atomic"


def _proofs_of_what_is_false(engine: Engine) -> None:
    for system, prop in _false_claims():
        (o,) = engine.run(system, (prop,), Budget(20))
        if "certificate was refused" in o.reason:
            raise Refused(o.reason)


@guard("certificates of induction")
def certificates_of_induction() -> None:
    """Of what is false no certificate is even tried; if one is, the checker in its own process refuses it."""
    _proofs_of_what_is_false(Induction())


@guard("certificates of PDR")
def certificates_of_pdr() -> None:
    """The same for PDR; ``Refuted`` if its own look at the invariant notices first."""
    _proofs_of_what_is_false(Pdr())


@contextmanager
def _accepted() -> Iterator[Path]:
    """A certificate that was accepted."""
    with tempfile.TemporaryDirectory() as folder:
        (o,) = Pdr(Path(folder)).run(locked(), ("atomic",), Budget())
        assert o.word is Word.PROVED and o.certificate is not None, o.reason
        yield Path(o.certificate)


def _rewritten(folder: Path, change: Callable[[System], System]) -> None:
    """Tamper with the System, and write everything else so that it agrees: only the truth of it is left to be checked."""
    certificate.write(change(parse((folder / "system.ir").read_text())), "atomic", folder, "nobody")


def _with_a_falsehood(system: System) -> System:
    """A fact becomes one that nothing satisfies, from which everything follows."""
    facts = [w for w in system.always if w.prop == certificate.INVARIANT]
    return system.with_(always=tuple(replace(w, cond=FALSE) if w is facts[-1] else w for w in system.always))


def _without_facts(system: System) -> System:
    return system.with_(always=tuple(w for w in system.always if w.prop != certificate.INVARIANT))


def _with_a_larger_step(system: System) -> System:
    """One action does more than the invariant knows: it does not wait for the lock any more."""
    first, *rest = system.actions
    return system.with_(actions=(replace(first, guard=TRUE), *rest))


@guard("tampered certificates")
def tampered_certificates() -> None:
    """A certificate with a false fact, without facts, of a System that does more, or with another file: each is refused."""
    with _accepted() as folder:
        text, true = ((folder / name).read_text() for name in ("invariant.txt", "system.ir"))
        (folder / "invariant.txt").write_text("all is well\n")
        _refused(folder, "another invariant.txt")
        (folder / "invariant.txt").write_text(text)
        for change in (_with_a_falsehood, _without_facts, _with_a_larger_step):
            (folder / "system.ir").write_text(true)
            _rewritten(folder, change)
            _refused(folder, change.__name__.strip("_").replace("_", " "))


@guard("exchanged variables")
def exchanged_variables() -> None:
    """Of three counters two stay below three, and the third does not. It is not like the others, whatever a certificate says of it."""
    t = Int(3)
    counters = [var(f"n{k}", t) for k in range(3)]
    ends = (1, 1, 5)
    actions = tuple(
        Action(f"up{k}", None, None, lt(n, const(end, t)), updates={f"n{k}": mk("add", (n, const(1, t)))})
        for k, (n, end) in enumerate(zip(counters, ends, strict=True))
    )
    below = tuple(Always("below", f"below{k}", lt(n, const(3, t))) for k, n in enumerate(counters))
    system = System("counters", tuple(Var(f"n{k}", t, 0) for k in range(3)), actions, (), (Property("below", "T", "monitor"),), below)
    claimed = certificate.claim(system, "below", [(w.label, w.cond) for w in below], [])
    one, other = {"n0": "n1", "n1": "n0"}, {"n0": "n2", "n2": "n0"}
    for near in (False, True):
        for renamings in ([one], [one, other]):
            with tempfile.TemporaryDirectory() as folder, suppress(NotAlike):
                certificate.write(claimed, "below", Path(folder), "nobody", renamings, near)
                _refused(Path(folder), "a counter that goes too far")


def _refused(folder: Path, what: str) -> None:
    try:
        recheck.check(folder, "z3")
    except Refused:
        return
    raise AssertionError(f"accepted: {what}")


# -- replay ---------------------------------------------------------------------------------------------------------------


def _false_traces() -> Iterator[tuple[str, Trace]]:
    """Traces of a System that do not happen, or do not show what they claim."""
    true = racing.trace()
    a, b, c, d = true.steps
    yield "a step is missing", replace(true, steps=(a, b, d))
    yield "it ends too early", replace(true, steps=(a, b, c))
    yield "in another order", replace(true, steps=(a, c, b, d))
    yield "another page", replace(true, steps=(a, Step("t1.find", (("p", 0),)), c, d))
    yield "a value that there is not", replace(true, steps=(a, Step("t1.find", (("p", 2),)), c, d))
    yield "a thread goes on where it does not stand", replace(true, steps=(c, a, b, d))
    yield "another check", replace(true, label="no_overlap.2")


@guard("false traces")
def false_traces() -> None:
    """A trace that does not happen in the reference System is refused at its replay; one that does is not."""
    done = replay(racing.system(), racing.trace())
    assert done.failed is not None and done.length == racing.trace().length
    for what, trace in _false_traces():
        try:
            replay(racing.system(), trace)
        except ReplayMismatch:
            continue
        raise AssertionError(f"believed: {what}")


def forget_compiled_code() -> None:
    """Native code that is kept between searches is made again."""
    jit.kernel.cache_clear()
