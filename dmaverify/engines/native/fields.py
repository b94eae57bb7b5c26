"""What native code and Python share: two structures of 64-bit numbers, by the place of each member.

One ``Own`` for each thread, one ``Shared`` for all of them. Members that several threads write stand alone in a cache line.
"""

from __future__ import annotations

from enum import IntEnum


class Own(IntEnum):
    """One thread's structure."""

    STATE = 0  # address of the state that is being expanded
    INDEX = 1  # its place in the arena
    EXTRA = 2  # moves that were counted and not emitted
    MOVED = 3  # whether a task can move (or go wrong) in this state, or all are done
    DOMAIN = 4  # one more than the number of the input that has too many values; 0: none was met
    HITS = 5  # hits recorded
    EXERCISED = 6  # address: one byte for each target
    WANTED = 7  # address: one byte for each target
    BEST = 8  # address: the best hit of each target
    SCRATCH = 9  # address: the inputs of a hit
    OUT = 10  # address: successors of one state
    BATCH = 11  # address: successors that wait for the table, each with its hash before it
    WAITING = 12  # how many these are
    FILTER = 13  # address: states that were met of late
    NEXT = 14  # where the next new state goes in the arena
    END = 15  # and where this thread's block of the arena ends
    SEGMENT = 16  # where the open segment of new states begins
    SEGMENTS = 17  # address: closed segments, each a start and a length
    CLOSED = 18  # how many these are
    EXPANDED = 19  # states
    TRANSITIONS = 20
    NEW = 21  # states since the last report to Shared.COUNT
    AT = 22  # the segment of the frontier that the last unit of work was in
    BEFORE = 23  # units of work in the segments before it
    STUCK = 24  # address: places of states where no thread can move; 0: nobody asks
    STUCKS = 25  # how many these are
    EXPAND = 26  # address of the function that yields successors
    TARGET = 27  # address: the state whose predecessor is looked for
    FOUND = 28  # one more than the place of the best predecessor; 0: none
    UNITS = 29  # how many units of work this call may still do
    DISTANCE = 30  # cost of the states that are being expanded
    WEIGHTS = 31  # of the moves that the function `other` emits: bit n for weight n
    HIT = 32  # words of a recorded hit
    CANONICAL = 33  # address of the function that replaces a state by the one that stands for it, where symmetry is used
    CHOOSE = 34  # address of the function that yields the moves of each actor
    GROUPS = 35  # address: where the moves of each actor end
    SIZE = 40


class Shared(IntEnum):
    """What all threads share."""

    TABLE = 0  # address
    MASK = 1  # the table's size less one
    ARENA = 2  # address: all states, in the order in which they were found, but for blocks of several threads
    FRONTIER = 3  # address: segments to expand, each a start and a length
    SEGMENTS = 4  # how many
    LIMIT = 5  # with more states than this, the table must grow
    UNIT = 6  # states in a unit of work
    UNIT_NEXT = 8  # the next unit to be taken
    COUNT = 16  # states in the table, as far as reported
    ARENA_NEXT = 24  # the next block
    STOP = 32  # one of Stop; everybody returns at the end of a unit
    SIZE = 40


class Stop(IntEnum):
    """Why threads return before the work is done."""

    NO = 0
    GROW = 1
    PAUSE = 2
    DOMAIN = 3


BLOCK = 4096
"""States of the arena that a thread takes at a time."""

FULL = 1 << 63
"""Marks a slot of the table, and an entry of the filter, that is in use."""
