"""Where each variable of a core System is in a native state: a few 64-bit words.

The top bit of the first word is never a variable's: the hash table marks its full slots with it. A variable stays within one
word unless it is wider than one; such a one takes whole words of its own. A System of at most 63 bits has one word, in which
everything is where ``Packing`` has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dmaverify.engines.pycode import Packing

WORD = 64
FIRST_WORD = 63
"""Bits of the first word that variables may have."""


class Piece(NamedTuple):
    """``bits`` of a variable, from its bit ``low`` on, are in ``word`` from bit ``shift`` on."""

    word: int
    shift: int
    bits: int
    low: int


class Layout:
    """The words of one System's states."""

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.pieces: dict[str, tuple[Piece, ...]] = {}
        if packing.bits <= FIRST_WORD:
            for v in packing.vars:
                self.pieces[v.name] = (Piece(0, packing.offset[v.name], v.type.bits, 0),)
            self.words = 1
        else:
            self.words = self._place()

    def _place(self) -> int:
        """Widest first, each into the first word that has room; yields the number of words."""
        room = [FIRST_WORD]
        for v in sorted(self.packing.vars, key=lambda v: -v.type.bits):
            bits = v.type.bits
            if bits > WORD:
                pieces = []
                for low in range(0, bits, WORD):
                    size = min(WORD, bits - low)
                    pieces.append(Piece(len(room), 0, size, low))
                    room.append(WORD - size)
                self.pieces[v.name] = tuple(pieces)
                continue
            at = next((n for n, free in enumerate(room) if free >= bits), len(room))
            if at == len(room):
                room.append(WORD)
            whole = WORD if at else FIRST_WORD
            self.pieces[v.name] = (Piece(at, whole - room[at], bits, 0),)
            room[at] -= bits
        return len(room)

    def to_words(self, state: int) -> list[int]:
        """The words of a state of the Python engine."""
        words = [0] * self.words
        for name, pieces in self.pieces.items():
            code = state >> self.packing.offset[name]
            for p in pieces:
                words[p.word] |= (code >> p.low & (1 << p.bits) - 1) << p.shift
        return words

    def to_state(self, words: Sequence[int]) -> int:
        """The state of the Python engine that these words are."""
        state = 0
        for name, pieces in self.pieces.items():
            for p in pieces:
                code = words[p.word] >> p.shift & (1 << p.bits) - 1
                state |= code << (self.packing.offset[name] + p.low)
        return state
