"""Checkpoints of a native search: written while it runs, read by one that goes on where it was.

A search has a folder of its own. ``arena`` holds all states in the order in which they were found; a checkpoint appends those that are
new. ``position`` holds everything else, and how many bytes of ``arena`` belong to it, with their checksums; it is replaced by
renaming a complete new one. So whenever the process ends, ``position`` and the part of ``arena`` that it speaks of are whole. The hash
table is not written: it is filled again from the states.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dmaverify.engines.base import Budget, Stopped
from dmaverify.engines.native.exploration import Level, NativeExploration, NativeFound
from dmaverify.engines.native.search import Position, Search
from dmaverify.engines.successors import Compiled, Hit
from dmaverify.engines.symmetric import Reduction
from dmaverify.ir.text import to_text

FORMAT = 1
_PIECE = 1 << 24
"""Bytes of the arena that are read at a time."""


class Damaged(Exception):
    """A checkpoint cannot be used; the message says why."""


def folder_of(compiled: Compiled, deadlock: bool, thorough: bool, root: str, canonical: Reduction | None = None) -> Path:
    """The folder of one search below the one that the user named: by what is searched and how."""
    how = None if canonical is None else repr(canonical.symmetry.stages)
    what = json.dumps([FORMAT, to_text(compiled.system), deadlock, thorough, how])
    return Path(root) / f"search-{hashlib.sha256(what.encode()).hexdigest()[:24]}"


class Recorded(Search):
    """A search that writes checkpoints, and begins where the last one was, if there is one."""

    def __init__(
        self,
        compiled: Compiled,
        budget: Budget,
        *,
        deadlock: bool,
        thorough: bool,
        name: str,
        threads: int = 1,
        presize: int = 0,
        canonical: Reduction | None = None,
    ) -> None:
        super().__init__(
            compiled, budget, deadlock=deadlock, thorough=thorough, name=name, threads=threads, presize=presize, canonical=canonical
        )
        assert budget.checkpoint is not None
        self.folder = folder_of(compiled, deadlock, thorough, budget.checkpoint, canonical)
        self.sums: list[tuple[int, int]] = []
        """Of the pieces of the arena that are on the disk: where each ends, in bytes, and its checksum."""
        self.saved = False

    def explore(self) -> NativeExploration:
        """Go on, and write checkpoints meanwhile."""
        try:
            self._load()
        except Stopped as stop:
            self.result.reason = stop.reason
            return self.result
        except (Damaged, OSError, ValueError, KeyError, TypeError, IndexError) as error:
            # nothing of it has been taken over
            self.sums.clear()
            self.result.warnings.append(f"the checkpoint in {self.folder} is of no use ({error}): searched from the beginning")
        self._wait()
        result = super().explore()
        if self.saved or result.reason:
            self.save()  # so that to ask again costs nothing, and to ask with a larger budget only what is left
        return result

    def _wait(self) -> None:
        self.save_at = time.monotonic() + self.budget.checkpoint_every

    # -- writing ----------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write a checkpoint."""
        self.machine.abandon_blocks()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._append()
        text = json.dumps(self._record(), separators=(",", ":")).encode()
        new = self.folder / "position.new"
        with open(new, "wb") as f:
            f.write(b"%d\n" % zlib.crc32(text))
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        os.replace(new, self.folder / "position")
        _sync(self.folder)
        self.saved = True
        self._wait()

    def _append(self) -> None:
        """Bring ``arena`` up to date."""
        start, end = self.sums[-1][0] if self.sums else 0, self.machine.arena_bytes
        if end == start:
            return
        with open(self.folder / "arena", "r+b" if start else "wb") as f:
            f.truncate(start)  # what a process that was killed has left
            f.seek(start)
            sum = 0
            for at in range(start, end, _PIECE):
                piece = self.machine.arena.bytes(at, min(_PIECE, end - at))
                sum = zlib.crc32(piece, sum)
                f.write(piece)
            f.flush()
            os.fsync(f.fileno())
        self.sums.append((end, sum))

    def _record(self) -> dict[str, Any]:
        result, machine = self.result, self.machine
        return {
            "format": FORMAT,
            "sums": self.sums,
            "count": machine.states,
            "holes": machine.holes,
            "unit": machine.unit,
            "position": asdict(self.position),
            "levels": result.levels,
            "states": result.states,
            "transitions": result.transitions,
            "depth": result.depth,
            "exercised": sorted(self.exercised_targets()),
            "undecided": sorted(self.tally.undecided),
            "found": [(k, f.cost, f.state, f.hit, f.place) for k, f in result.found.items() if isinstance(f, NativeFound)],
            "stuck": self.stuck_places(),
        }

    # -- reading ----------------------------------------------------------------------------------------

    def _load(self) -> None:
        """Take over a checkpoint, if there is one; ``Damaged`` and others before anything is changed, if it is of no use."""
        try:
            first, _, text = (self.folder / "position").read_bytes().partition(b"\n")
        except FileNotFoundError:
            return
        if not first.isdigit() or int(first) != zlib.crc32(text):
            raise Damaged("its position is damaged")
        record = json.loads(text)
        if record["format"] != FORMAT:
            raise Damaged("it is of another version")
        sums = [(end, sum) for end, sum in record["sums"]]
        position = _position(record["position"])
        if record["unit"] != self.machine.unit and position.units:
            raise Damaged("it was made with another number of threads")
        found = {tuple(k): NativeFound(cost, state, _hit(hit), place) for k, cost, state, hit, place in record["found"]}
        undecided = {tuple(k) for k in record["undecided"]}
        levels = [Level(distance, round, [(a, n) for a, n in segments]) for distance, round, segments in record["levels"]]
        self._read_arena(sums)
        self.machine.resume(sums[-1][0], record["count"], [(a, b) for a, b in record["holes"]], self.budget.memory)
        result = self.result
        self.sums, self.position, result.levels = sums, position, levels
        result.states, result.transitions, result.depth = record["states"], record["transitions"], record["depth"]
        result.found.update(found)
        self.tally.undecided = undecided
        self.exercised = set(record["exercised"])
        self.stuck_before = list(record["stuck"])
        self.saved = True

    def _read_arena(self, sums: list[tuple[int, int]]) -> None:
        """Read the states into the arena, which nobody uses yet."""
        if not sums or sums[-1][0] > self.machine.arena.size:
            raise Damaged("its states do not fit into memory" if sums else "it has no states")
        start = 0
        with open(self.folder / "arena", "rb") as f:
            for end, wanted in sums:
                sum = 0
                for at in range(start, end, _PIECE):
                    piece = self.machine.arena.bytes(at, min(_PIECE, end - at))
                    if f.readinto(piece) != len(piece):
                        raise Damaged("its states are not all there")
                    sum = zlib.crc32(piece, sum)
                if sum != wanted:
                    raise Damaged("its states are damaged")
                start = end


def _position(d: dict[str, Any]) -> Position:
    position = Position(**d)
    position.before = {int(k): [(a, n) for a, n in v] for k, v in position.before.items()}
    for name in ("here", "new", "partial"):
        setattr(position, name, [(a, n) for a, n in getattr(position, name)])
    return position


def _hit(fields: list[Any] | None) -> Hit | None:
    if fields is None:
        return None
    target, cost, action, inputs = fields
    return Hit(target, cost, action, tuple(inputs))


def _sync(folder: Path) -> None:
    """Make sure that a rename in the folder is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
