"""A pool in Python: a list of the free stretches, in order."""

from __future__ import annotations

from typing import Any


class FirstFit:
    """Hands out the first stretch of free pages that is long enough. Stretches that meet are joined."""

    def __init__(self, pages: int) -> None:
        self.free_stretches = [(0, pages)]

    def alloc(self, pages: int) -> int | None:
        """The first page of a block, or None."""
        for n, (first, length) in enumerate(self.free_stretches):
            if length >= pages:
                rest = [(first + pages, length - pages)] if length > pages else []
                self.free_stretches[n : n + 1] = rest
                return first
        return None

    def free(self, first: int, pages: int) -> None:
        """Take a block back."""
        self.free_stretches = self.joined(sorted([*self.free_stretches, (first, pages)]))

    def joined(self, stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The stretches, with one in the place of those that touch each other."""
        out: list[tuple[int, int]] = []
        for first, pages in stretches:
            if out and sum(out[-1]) == first:
                out[-1] = (out[-1][0], out[-1][1] + pages)
            else:
                out.append((first, pages))
        return out


class NeverJoined(FirstFit):
    """A planted mistake: what was given back in pieces is only ever handed out in pieces."""

    def joined(self, stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The stretches as they are."""
        return stretches


class PythonPool:
    """The adapter: a method for each call, which makes it and says what really happened."""

    def __init__(self, kind: type[FirstFit] = FirstFit) -> None:
        self.pool = kind(8)

    def allocating(self, pages: int) -> dict[str, Any]:
        """``alloc``."""
        first = self.pool.alloc(pages)
        if first is None:
            return {"event": "alloc_failed", "pages": pages}
        return {"event": "allocated", "first": first, "pages": pages}

    def freeing(self, first: int, pages: int) -> dict[str, Any]:
        """``free``."""
        self.pool.free(first, pages)
        return {"event": "freed"}
