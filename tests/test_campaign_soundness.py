"""The soundness suite: random Systems, every engine, every reduction, and relations between Systems: one answer.

300 Systems always; 10,000 with ``--campaign``. Each shard is a run of its own, so the campaign can be done in pieces
(``pytest --campaign tests/test_campaign_soundness.py -k shard7- -s`` does and prints the eighth).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import pytest

from tests.support.soundness import campaign as judged

SHARDS = 20
FULL = 10_000
USUAL = 300


ONCE = (560, 863, 3280, 8244)
"""Systems by which something was found: a walk without an end, a lemma that was learned and is false at the start …"""


@pytest.mark.parametrize("seed", ONCE)
def test_what_was_found_once(seed: int) -> None:
    assert judged(iter((seed,)), 1).systems == 1


@pytest.mark.campaign
@pytest.mark.parametrize("shard", range(SHARDS), ids=lambda n: f"shard{n}-")
def test_one_answer(shard: int, campaign: bool, rounds: Callable[[int, int], int]) -> None:
    """Twenty shards of random Systems, none of them in two. Each by one of the symbolic engines in turn; in the
    campaign, one in twenty by all.
    """
    began = time.process_time()
    figures = judged(itertools.count(shard, SHARDS), rounds(USUAL, FULL) // SHARDS, everything=campaign)
    print(f"\nshard {shard}, {time.process_time() - began:.0f} s of CPU: {figures}")
    assert figures.systems == rounds(USUAL, FULL) // SHARDS
    assert figures.answers["auto violated"] and figures.answers["auto exhausted"], figures
