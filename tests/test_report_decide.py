"""From a System to outcomes: slices, engine, the way back to the reference System, probes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dmaverify.checking.decide import Decider
from dmaverify.checking.options import Options
from dmaverify.checking.problems import WrongInput
from dmaverify.engines.replay import replay
from dmaverify.ir.expr import FALSE, TRUE
from dmaverify.ir.system import Check, Property, Reached
from dmaverify.verdict import Word
from tests.support import racing


@pytest.mark.parametrize("fuse", [True, False])
@pytest.mark.parametrize("slice", [True, False])
def test_the_race_is_found_in_terms_of_the_reference_system(fuse: bool, slice: bool) -> None:
    decider = Decider(racing.system(), Options(fuse=fuse, slice=slice))
    (outcome,) = decider.outcomes(("no_overlap",))
    assert outcome.word is Word.VIOLATED
    assert outcome.trace is not None
    replayed = replay(decider.reference, outcome.trace)
    assert replayed.failed is not None
    assert replayed.length == outcome.trace.length
    assert outcome.exercised == {"no_overlap.1": True}


def test_a_property_without_anything_that_could_violate_it_has_no_answered_question() -> None:
    system = racing.system()
    system = system.with_(properties=(*system.properties, Property("idle", "DMA199", "monitor")))
    first, *_ = Decider(system, Options()).outcomes(("idle",))
    assert (first.prop, first.word, first.exercised) == ("idle", Word.EXHAUSTED, {})


def test_a_check_that_cannot_be_reached_was_not_put_to_the_test() -> None:
    system = racing.system()
    first = system.actions[0]
    checks = (Check("idle", "idle.1", FALSE, FALSE), Check("idle", "idle.2", TRUE, TRUE))
    system = system.with_(
        actions=(replace(first, effects=checks), *system.actions[1:]),
        properties=(*system.properties, Property("idle", "DMA199", "monitor")),
    )
    (outcome,) = Decider(system, Options()).outcomes(("idle",))
    assert outcome.word.holds
    assert outcome.exercised == {"idle.1": False, "idle.2": True}


def test_a_cover_that_no_slice_has_is_unreachable() -> None:
    system = racing.system()
    first = system.actions[0]
    reached = (Reached("seen", TRUE), Reached("never", FALSE))
    system = system.with_(actions=(replace(first, effects=reached), *system.actions[1:]))
    outcomes = {o.prop: o for o in Decider(system, Options()).outcomes(("seen", "never"))}
    assert outcomes["seen"].covers == {"seen": True}
    assert outcomes["never"].covers == {"never": False}


def test_what_the_board_cannot_have_is_not_applicable() -> None:
    system = racing.system()
    system = system.with_(properties=(replace(system.properties[0], applies=False),))
    (outcome,) = Decider(system, Options()).outcomes(("no_overlap",))
    assert outcome.word is Word.NOT_APPLICABLE


def test_an_unknown_engine_is_answered_with_the_nearest() -> None:
    with pytest.raises(WrongInput, match="did you mean explicit"):
        Decider(racing.system(), Options(engine="explict"))
