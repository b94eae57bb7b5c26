"""The runtime judge in the open world: what fails and where, absent values, gaps, ends, pieces of memory."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest

from dmaverify.evidence.codec import BadEvent
from dmaverify.evidence.evaluate import Evaluator
from dmaverify.evidence.tables import Table
from dmaverify.evidence.values import ABSENT, UNTOUCHED, wrap
from dmaverify.evidence.world import OpenWorld
from dmaverify.lang import ast, sem
from dmaverify.lang.symbols import LocalSym
from dmaverify.span import NOWHERE
from tests.support.streams import (
    Line,
    allocated,
    clause,
    extent,
    feed,
    freeing,
    judge_for,
    labels,
    page,
    piece,
    random_stream,
    returned,
    taken,
)


def test_an_overlap_is_found_where_it_happens() -> None:
    judge = judge_for("no_overlap")
    assert labels(judge, taken(1, 2), taken(3), taken(2)) == [(3, "no_overlap.1")]
    assert labels(judge, returned(3), taken(3, by="atomic_pool")) == []
    assert labels(judge, returned(1, 2), taken(1)) == []


def test_messages_have_the_values() -> None:
    (failure,) = feed(judge_for("no_overlap"), taken(1, 2), taken(2))
    assert failure.message == f"{page(2)} is given out again; the allocation at {page(1)} has it"


def test_what_comes_back_is_looked_up_and_not_believed() -> None:
    judge = judge_for("no_overlap")
    assert labels(judge, taken(0, 4), returned(0, 1), taken(3)) == []
    assert labels(judge, taken(4, 2), returned(5, 1), taken(5)) == [(6, "no_overlap.1")]


def test_labels_count_all_asserts_in_the_order_of_the_text() -> None:
    judge = judge_for("free_discipline")
    failed = labels(judge, freeing(1), allocated(1, 100), freeing(1, 200), allocated(1, 9), freeing(1, 9))
    assert failed == [(1, "free_discipline.1"), (1, "free_discipline.2"), (3, "free_discipline.2")]


def test_clauses_about_the_model_are_not_judged() -> None:
    judge = judge_for("zeroing")
    feed(judge, taken(1), allocated(1))
    (judgement,) = judge.judgements
    assert judgement.clauses == []
    assert judgement.not_judged == 2
    assert not judgement.decided


@pytest.mark.parametrize("complete", [True, False, None])
def test_leaks_are_judged_at_a_complete_end_only(complete: bool | None) -> None:
    judge = judge_for("small.leaks")
    feed(judge, taken(1))
    failed = [] if complete is None else feed(judge, {"end": True, "complete": complete})
    assert [f.message for f in failed] == (["something is left"] if complete else [])


def test_what_was_known_before_a_gap_is_unknown_until_seen_again() -> None:
    judge = judge_for("small.leaks")
    feed(judge, taken(1), taken(2), {"gap": 3}, taken(2), returned(1), returned(2), returned(2))
    assert clause(judge, "leaks.1") == (1, 1, 1)


def test_leaks_are_told_of_what_was_born_behind_the_gap() -> None:
    end = {"end": True, "complete": True}
    before, behind = judge_for("small.leaks"), judge_for("small.leaks")
    assert feed(before, taken(1), {"gap": 0}, end) == []
    assert clause(before, "leaks.2") == (0, 0, 1)
    assert labels(behind, taken(1), {"gap": 0}, taken(2), end) == [(2, "leaks.2")]


def test_handlers_hear_of_a_gap_and_how_large_it_is() -> None:
    judge = judge_for("small.calls")
    assert labels(judge, {"gap": 7}, {"gap": 100}) == [(0, "calls.2")]
    feed(judge, {"gap": 0})
    assert clause(judge, "calls.2") == (1, 1, 1)
    assert (judge.gaps, judge.lost) == (3, None)


def test_a_pattern_is_undecided_where_its_argument_is_absent() -> None:
    judge = judge_for("small.calls")
    ask = {"event": "entered", "dev": "eth0", "which": "device_pool"}
    assert labels(judge, ask, ask) == [(2, "calls.1")]
    judge = judge_for("small.calls")
    feed(judge, {"event": "entered", "dev": "eth0"}, ask, {**ask, "dev": "usb0"})
    assert clause(judge, "calls.1") == (0, 1, 2)  # of eth0 nobody knows what it asked


def test_kleene_logic_decides_what_it_can() -> None:
    judge = judge_for("small.partial")
    feed(judge, {"event": "allocated", "buf": {"size": 5}})
    assert [clause(judge, f"partial.{n}") for n in (1, 2, 3, 4, 5)] == [
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 1),
        (0, 0, 1),
        (0, 1, 0),
    ]
    judge = judge_for("small.partial")
    feed(judge, {"event": "allocated", "attr": "NC"})
    assert [clause(judge, f"partial.{n}") for n in (1, 2, 3, 4, 5)] == [
        (0, 0, 1),
        (1, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
        (0, 0, 1),
    ]


def test_pieces_keep_what_is_known_of_them_when_they_are_cut() -> None:
    judge = judge_for("small.content")
    feed(judge, allocated(0, 4096))
    load = {"event": "loaded", "by": "CPU", "got": "newest"}
    store = {"event": "stored", "by": "CPU", "what": "newest"}
    failed = labels(judge, {**load, "c": piece(100, 8)}, {**store, "c": piece(102, 2)}, {**load, "c": piece(102, 2)})
    assert failed == [(2, "content.1")]
    # [100, 108) is three pieces by now: the middle one was stored to, the two others still are zero
    assert labels(judge, {**load, "c": piece(100, 8)}) == [(5, "content.1"), (5, "content.1")]
    assert labels(judge, {**load, "c": piece(5000, 8)}) == []


def test_all_ways_to_look_for_pages_find_them() -> None:
    judge = judge_for("small.lookup")
    unmap = {"event": "unmapping", "dev": "eth0", "dir": "TO_DEVICE"}
    feed(judge, allocated(0, 8192), allocated(5), allocated(9))
    assert labels(judge, {**unmap, "at": page(4), "size": 3 * 4096}) == [(4, "lookup.2")]
    assert labels(judge, {**unmap, "at": page(4), "size": 3 * 4096}) == []  # its bus address is gone
    assert labels(judge, freeing(0, 8192), {**unmap, "at": page(0), "size": 4096 * 2}) == []
    assert clause(judge, "lookup.2") == (1, 2, 0)
    assert clause(judge, "lookup.1") == (0, 1, 0)


def test_after_a_gap_a_lookup_by_value_is_undecided_for_what_was_not_seen() -> None:
    judge = judge_for("no_overlap")
    feed(judge, taken(1, 2), {"gap": 1}, taken(5), returned(1), taken(1))
    # nobody knows who had page 1 before, but page 5 is as it was
    assert clause(judge, "no_overlap.1")[0] == 0
    assert labels(judge, taken(5)) == [(5, "no_overlap.1")]


def test_ghosts_of_other_monitors_can_be_read() -> None:
    judge = judge_for("small.after_leaks")
    assert [j.monitor for j in judge.judgements] == ["after_leaks"]
    assert labels(judge, taken(1), freeing(1), freeing(2)) == [(3, "after_leaks.1")]


def test_devices_are_whatever_the_stream_calls_them() -> None:
    judge = judge_for("exclusivity_fallback")
    assign = {"event": "region_assigned", "dev": "0000:00:01.0", "pool": extent(0, 8), "exclusive": True}
    ask = {"event": "entered", "which": "page_allocator"}
    failed = labels(judge, assign, {**ask, "dev": "eth0"}, {**ask, "dev": "0000:00:01.0"})
    assert failed == [(3, "exclusivity_fallback.1"), (3, "exclusivity_fallback.2")]


def test_constants_of_a_board_that_nobody_knows_are_undecided() -> None:
    judge = judge_for("address_mask")
    feed(judge, allocated(1))
    assert clause(judge, "address_mask.1") == (0, 0, 1)


BAD: list[tuple[Line, str]] = [
    ({"event": "no_such"}, "there is no event"),
    ({"event": "end_of_stream", "complete": True}, "a line of its own"),
    ({"event": "taken", "whatever": 1}, "has no argument 'whatever'"),
    ({"event": "taken", "what": 5}, "no value of Extent"),
    ({"event": "taken", "what": {"start": "0x10", "length": 3}}, "no field 'length'"),
    ({"event": "taken", "what": {"start": -1}}, "no value of phys"),
    ({"event": "taken", "what": {"start": 1 << 64}}, "no value of phys"),
    ({"event": "taken", "what": {"start": "ten"}}, "no value of phys"),
    ({"event": "taken", "what": {"size": 1.5}}, "no value of i64"),
    ({"event": "taken", "by": "nobody"}, "no value of Allocator"),
    ({"event": "taken", "by": ["page_allocator"]}, "no value of Allocator"),
    ({"event": "allocated", "dev": ""}, "no value of Device"),
    ({"event": "allocated", "dev": "a\nb"}, "no value of Device"),
    ({"event": "region_assigned", "exclusive": 1}, "no value of bool"),
    ({"event": "loaded", "c": "0x10"}, "needs its size"),
    ({"event": "loaded", "c": {"start": "0x10", "size": 0}}, "no number of bytes"),
    ({"event": "loaded", "c": {"at": "0x10", "size": 4}}, "has a start and a size"),
]


@pytest.mark.parametrize(("line", "text"), BAD)
def test_events_that_cannot_be_are_refused(line: Line, text: str) -> None:
    with pytest.raises(BadEvent, match=text.replace("(", r"\(")):
        feed(judge_for("all"), line)


def test_a_refused_event_changes_nothing() -> None:
    judge = judge_for("no_overlap")
    with pytest.raises(BadEvent):
        feed(judge, {**taken(1), "by": "nobody"})
    assert (judge.number, labels(judge, taken(1))) == (0, [])


def test_absurdly_large_stretches_are_undecided_and_not_gone_through() -> None:
    judge = judge_for("no_overlap")
    feed(judge, {**taken(0), "what": {"start": 0, "size": (1 << 63) - 1}}, taken(1))
    assert clause(judge, "no_overlap.1")[0] == 0
    assert clause(judge, "no_overlap.1")[2] > 0


# -- knowing less never decides otherwise


def _outcomes(monitor: str, lines: list[Line]) -> list[tuple[dict[str, int], dict[str, int]]]:
    """For each line, how often each clause failed and was undecided."""
    judge = judge_for(monitor)
    clauses = [c for j in judge.judgements for c in j.clauses]
    found = []
    for line in lines:
        before = {c.label: (c.failed, c.undecided) for c in clauses}
        feed(judge, line)
        found.append(
            (
                {c.label: c.failed - before[c.label][0] for c in clauses},
                {c.label: c.undecided - before[c.label][1] for c in clauses},
            )
        )
    return found


def _lose(line: Line, rng: random.Random) -> Line:
    """The event with some of its arguments, or of their fields, left out."""
    less = copy.deepcopy(line)
    for name in [k for k in less if k != "event" and rng.random() < 0.3]:
        value = less[name]
        if isinstance(value, dict) and name != "c" and rng.random() < 0.5:
            del value[rng.choice(list(value))]
        else:
            del less[name]
    return less


@pytest.mark.parametrize("monitor", ["all", "small"])
@pytest.mark.parametrize("how", ["absent", "gaps"])
def test_knowing_less_never_decides_otherwise(monitor: str, how: str, rounds: Callable[[int, int], int]) -> None:
    compared = 0
    for seed in range(rounds(25, 500)):
        rng = random.Random(seed)
        lines = random_stream(rng, 40)
        full = _outcomes(monitor, lines)
        if how == "absent":
            less = [_lose(line, rng) if rng.random() < 0.3 else line for line in lines]
        else:
            less = [{"gap": 1} if rng.random() < 0.1 else line for line in lines]
        part = _outcomes(monitor, less)
        for n, ((failed, _), (failed_less, undecided)) in enumerate(zip(full, part, strict=True)):
            if "gap" in less[n]:
                continue
            for label, times in failed.items():
                assert failed_less[label] <= times, (seed, n, label, lines[n])
                if less[n] == lines[n] or "gap" not in less[n]:
                    assert failed_less[label] + undecided[label] >= min(times, 1), (seed, n, label, lines[n])
                compared += times
    assert compared > 50


# -- parts


def test_kleene_operators_agree_with_all_completions() -> None:
    world = OpenWorld([], lambda e: ABSENT)
    evaluator = Evaluator(world, {})
    a, b = (LocalSym(n, sem.BOOL, decl=object()) for n in "ab")

    def name(sym: LocalSym) -> ast.Name:
        e = ast.Name(NOWHERE, sym.name)
        e.ref, e.ty = sym, sem.BOOL
        return e

    for op in ("and", "or", "=>", "==", "!="):
        e = ast.Binary(NOWHERE, op, name(a), name(b), NOWHERE)
        e.ty = sem.BOOL
        for x, y in itertools.product((False, True, ABSENT), repeat=2):
            value = evaluator.value(e, {a.key: x, b.key: y})
            completions = {
                evaluator.value(e, {a.key: p, b.key: q})
                for p in ((x,) if x is not ABSENT else (False, True))
                for q in ((y,) if y is not ABSENT else (False, True))
            }
            if op in ("and", "or", "=>"):
                assert value is (ABSENT if len(completions) > 1 else completions.pop()), (op, x, y)
            else:
                assert value is ABSENT or {value} == completions


@pytest.mark.parametrize("seed", range(20))
def test_tables_find_what_they_hold(seed: int) -> None:
    rng = random.Random(seed)
    table, plain = Table(None), {}
    for _ in range(300):
        key = (rng.choice("xyz"), rng.randrange(8))
        value: Any = rng.choice((None, None, *range(6)))
        table.put(key, value)
        plain[key] = value
        wanted, lo = rng.randrange(6), rng.randrange(6)
        assert set(table.keys_with(wanted)) == {k for k, v in plain.items() if v == wanted}
        assert set(table.keys_of(0, "x")) == {k for k, v in plain.items() if k[0] == "x" and v is not None}
        assert set(table.keys_between(lo, lo + 2)) == {k for k, v in plain.items() if v in (lo, lo + 1)}
        assert all(table.get(k) == v for k, v in plain.items())
    assert len(table.cells) <= 24


def test_storing_through_an_absent_key_forgets_what_it_could_mean() -> None:
    table = Table(False)
    table.put(("x", 1), True)
    table.put(("y", 1), True)
    table.put(("x", ABSENT), True)
    assert table.get(("y", 1)) is True
    assert table.get(("x", 1)) is ABSENT
    assert table.get(("y", 2)) is ABSENT
    table.put(("y", 2), False)
    assert table.get(("y", 2)) is False


def test_storing_for_all_that_was_never_mentioned_leaves_the_rest() -> None:
    table = Table(False)
    table.put((1,), True)
    table.put((UNTOUCHED,), ABSENT)
    assert table.get((1,)) is True
    assert table.get((2,)) is ABSENT


@pytest.mark.parametrize(
    ("value", "ty", "result"),
    [
        (1 << 31, sem.I32, -(1 << 31)),
        (-1, sem.U64, (1 << 64) - 1),
        (300, sem.U8, 44),
        (200, sem.I8, -56),
        ((1 << 31) - 1, sem.I32, (1 << 31) - 1),
        (9, sem.RangeT(2, 5), 2),
    ],
)
def test_numbers_wrap_as_the_language_says(value: int, ty: sem.SemType, result: int) -> None:
    assert wrap(value, ty) == result
