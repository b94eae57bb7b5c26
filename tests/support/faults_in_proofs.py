"""Faults in symbolic engines, certificates, replay and the portfolio. See ``faults``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast
from unittest.mock import patch

from dmaverify.checking import decide as deciding
from dmaverify.checking import merge as merging
from dmaverify.checking.tested import Meant
from dmaverify.engines import certificate, recheck, replay, reprint
from dmaverify.engines import lengths as lengths_of
from dmaverify.engines import owed as owing
from dmaverify.engines import relative as relative_of
from dmaverify.engines.interp import Failed, Interpreter
from dmaverify.engines.pdr import blast, circuit, correspondence, queries, search
from dmaverify.engines.pdr import engine as pdr_engine
from dmaverify.engines.pdr.essence import Invariant
from dmaverify.engines.smt import encode, unroll
from dmaverify.ir import renaming
from dmaverify.ir.expr import FALSE, TRUE
from dmaverify.ir.system import System
from tests.support.fault import fault

# -- symbolic engines -----------------------------------------------------------------------------------------------------


@fault("encoder", "operators in the solver")
def terms_without_sign() -> Iterator[None]:
    """In the encoder, signed numbers are compared as if they were unsigned."""
    with patch.dict(encode._SIGNED, {"lt": ("bvult", "bvult"), "le": ("bvule", "bvule")}):
        yield


@fault("encoder", "operators in the solver")
def shifts_of_any_distance() -> Iterator[None]:
    """In the encoder, a shift by more than the width (or less than nothing) shifts by the low bits of the amount."""

    def shift(w: Any, node: Any, args: list[Any]) -> Any:
        width, by = encode._int(node).width, encode._int(node.args[1])
        name = "bvshl" if node.op == "shl" else "bvashr" if encode._int(node).signed else "bvlshr"
        amount = encode._extend(w, args[1], by.width, width, False)
        mask = w.bits(max(0, width - 1), width)
        return w.apply(name, [args[0], w.apply("bvand", [amount, mask])])

    with patch.object(encode, "_shift", shift):
        yield


@fault("encoder", "engines and search")
def unrolling_runs_on() -> Iterator[None]:
    """Bounded search goes on behind a failed check that ends the run."""
    with patch.object(unroll.Unrolling, "goes_on", lambda self, frame: []):
        yield


@fault("encoder", "engines and search")
def threads_stand_anywhere() -> Iterator[None]:
    """Symbolic engines take an action of a thread wherever the thread stands."""
    with patch.object(unroll, "standing", lambda system, action: TRUE):
        yield


@fault("bounded search", "engines and search")
def bounds_too_large() -> Iterator[None]:
    """After so many steps bounded search claims a bound that is twice as long."""
    true = lengths_of.Lengths.covered

    def covered(self: Any, steps: int) -> int | None:
        found = true(self, steps)
        return None if found is None else 2 * found + 2

    with patch.object(lengths_of.Lengths, "covered", covered):
        yield


@fault("bit-blaster", "operators in bits")
def carries_get_lost() -> Iterator[None]:
    """The bit-blaster's adder loses the carry into its top bit."""
    true = blast.add

    def add(g: Any, a: list[int], b: list[int], carry: int = 0) -> tuple[list[int], int]:
        total, out = true(g, a, b, carry)
        return ([*total[:-1], g.xor(a[-1], b[-1])] if len(a) > 2 else total), out

    with patch.object(blast, "add", add):
        yield


@fault("bit-blaster", "engines and search")
def circuits_begin_with_zero() -> Iterator[None]:
    """In the circuit, a variable that may begin anywhere begins with zero."""
    true = circuit.Circuit._latch

    def latch(self: Any, made: circuit.Latch) -> int:
        return true(self, replace(made, reset=False) if made.reset is None else made)

    with patch.object(circuit.Circuit, "_latch", latch):
        yield


@fault("PDR", "certificates of PDR")
def search_gives_up_as_safe() -> Iterator[None]:
    """PDR says at once that nothing bad can be reached, and has no invariant that would show it."""
    with patch.object(pdr_engine, "decide", lambda problem, look: search.Safe([], 1)):
        yield


@fault("PDR", "certificates of PDR")
def search_and_its_proof_reader_lie() -> Iterator[None]:
    """The same, and what looks at the invariant afterwards lets everything pass."""
    with patch.object(pdr_engine, "decide", lambda problem, look: search.Safe([], 1)), patch.object(
        pdr_engine, "essence", lambda found, cubes, look: Invariant({}, {}, [])
    ):
        yield


@fault("PDR", "certificates of PDR")
def initial_states_are_excluded() -> Iterator[None]:
    """PDR excludes cubes although some initial state is in them."""
    with patch.object(queries.Queries, "_initial", lambda self, cube: False), patch.object(
        queries.Queries, "_excluded", lambda self, cube, whole: cube
    ):
        yield


@fault("PDR", "engines and search")
def guesses_are_believed() -> Iterator[None]:
    """Latches that went alike in random runs are merged without showing that they always do."""
    with patch.object(correspondence._Induction, "kept", lambda self: self.found), patch.object(correspondence, "STEPS", 2):
        yield


@fault("induction", "certificates of induction")
def every_step_is_shown() -> Iterator[None]:
    """Induction takes every fact to be kept by every action."""
    with patch.object(relative_of.Relative, "step", lambda self, action, wanted, given, exact=True: set()), patch(
        "dmaverify.engines.proof.Samples.all_satisfy", lambda self, condition: True
    ), _no_violations_in_samples():
        yield


@contextmanager
def _no_violations_in_samples() -> Iterator[None]:
    from dmaverify.engines import proof

    true = proof.sample

    def sample(system: Any, budget: Any, seed: int) -> Any:
        found = true(system, budget, seed)
        found.violated.clear()
        return found

    with patch.object(proof, "sample", sample):
        yield


@fault("induction", "certificates of induction")
def nothing_is_false_initially() -> Iterator[None]:
    """Induction does not look whether its facts hold in the initial states, and assumes what is false of them."""
    from dmaverify.engines.proof import Proof

    true = Proof._believe

    def believe(self: Any) -> None:
        true(self)
        self._add(self._new("learned", "nonsense", FALSE))

    with patch.object(relative_of.Relative, "initially_false", lambda self, facts: []), patch.object(
        Proof, "_believe", believe
    ), patch("dmaverify.engines.proof.Samples.all_satisfy", lambda self, condition: True), _no_violations_in_samples():
        yield


# -- certificates and replay ---------------------------------------------------------------------------------------------


@fault("certificates", "tampered certificates")
def checker_accepts_any_answer() -> Iterator[None]:
    """The checker asks the solver and takes whatever it answers for unsat."""
    with patch.object(recheck, "_expect_unsat", lambda what, text, number, solver: None):
        yield


@fault("certificates", "tampered certificates")
def checker_reads_no_digests() -> Iterator[None]:
    """The checker does not compare the files with the manifest, nor with what is derived from the System."""
    with patch.object(recheck, "digest", lambda text: _Anything()), patch.object(recheck, "derived", lambda system, prop, owed: {}):
        yield


class _Anything(str):
    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


@fault("certificates", "exchanged variables")
def checker_believes_renamings() -> Iterator[None]:
    """The checker takes for the same what a certificate says is the same up to names."""
    checker = renaming.Checker
    with patch.object(checker, "holds", lambda self, renaming: True), patch.object(checker, "exchanged", _all_for_the_first):
        yield


def _all_for_the_first(self: renaming.Checker, names: renaming.Renaming) -> list[tuple[int, int]]:
    """Each action for the first one, each always-instance for the first one."""
    actions, always = len(self.system.actions), len(self.system.always)
    return [*((n, 0) for n in range(actions)), *((actions + n, actions) for n in range(always))]


@fault("certificates", "exchanged variables")
def nothing_is_asked_of_what_is_near() -> Iterator[None]:
    """Where only what is near to an action is taken for granted, it is not asked what it keeps."""
    true = owing.owed

    def less(system: System, prop: str, invariant: str, renamings: Any = (), near: bool = False) -> owing.Owed:
        due = true(system, prop, invariant, renamings, near)
        return replace(due, steps=tuple(replace(s, kept=()) for s in due.steps)) if near else due

    with patch.object(recheck, "owed", less), patch.object(certificate, "owed", less):
        yield


@fault("certificates", "operators in the second printer")
def second_printer_without_sign() -> Iterator[None]:
    """The checker's own printer compares signed numbers as if they were unsigned."""
    with patch.dict(reprint._BY_SIGN, {"lt": ("bvult", "bvult"), "le": ("bvule", "bvule")}):
        yield


@fault("certificates", "certificates of PDR")
def liar_with_empty_obligations() -> Iterator[None]:
    """PDR lies, and the first printer writes obligations that say nothing; only the checker's own printer is left to notice."""
    true = certificate._Printer

    class Silent(true):  # type: ignore[misc, valid-type]
        def safe(self) -> Any:
            return _vacuous(super().safe())

    def _vacuous(script: Any) -> Any:
        script.lines = [*(x for x in script.lines if x.startswith("(set-logic")), *_false(script)]
        return script

    def _false(script: Any) -> Sequence[str]:
        return ["(assert false)", *["(check-sat)"] * sum(x.count("(check-sat)") for x in script.lines)]

    with search_and_its_proof_reader_lie(), patch.object(certificate, "_Printer", Silent):
        yield


@fault("replay", "false traces")
def replay_ignores_guards() -> Iterator[None]:
    """The replay takes an action whether it is enabled or not."""
    with patch.object(Interpreter, "why_blocked", lambda self, state, action, given: None):
        yield


@fault("replay", "false traces")
def replay_believes_the_claim() -> Iterator[None]:
    """The replay does not look whether the claimed check fails at the end."""
    true = replay._claimed

    def claimed(trace: Any, records: Any, final: Any) -> Failed | None:
        try:
            return true(trace, records, final)
        except replay.ReplayMismatch:
            return cast(Failed, object())

    with patch.object(replay, "_claimed", claimed):
        yield


@fault("portfolio", "portfolio and search")
def first_slice_decides() -> Iterator[None]:
    """Of a property that is decided in several slices only the first one counts."""

    def merge(prop: str, outcomes: Sequence[Any]) -> Any:
        return merging.merge(prop, list(outcomes)[:1])

    with patch.object(deciding, "merge", merge):
        yield


@fault("portfolio", "failed checks on the way")
def paths_behind_failed_checks() -> Iterator[None]:
    """What was found in a slice behind a failed built-in check is not looked for again with the check kept."""
    with patch.object(deciding.Decider, "_means_nothing", lambda self, o: False):
        yield


@fault("portfolio", "failed checks on the way")
def slices_are_believed_about_tests() -> Iterator[None]:
    """What a slice without the built-in checks puts to the test counts, also behind one that fails."""
    with patch.object(Meant, "settled", lambda self, outcomes: iter(outcomes)):
        yield
