"""The pool of pool.c behind the events of page_pool.dma."""

from __future__ import annotations

import ctypes
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SCENARIO = HERE / "page_pool.dma"


def compiler() -> list[str] | None:
    """The C compiler: ``$CC``, or ``cc``; None if there is none."""
    command = shlex.split(os.environ.get("CC", "cc"))
    return command if command and shutil.which(command[0]) else None


def build(folder: Path, bug: int = 0) -> ctypes.CDLL:
    """Compile pool.c, with one of its planted mistakes if ``bug`` says so, and load it."""
    command = compiler()
    assert command is not None, "there is no C compiler"
    library = folder / f"pool-{bug}.so"
    flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", f"-DPOOL_BUG={bug}"]
    subprocess.run([*command, *flags, "-o", str(library), str(HERE / "pool.c")], check=True)
    return ctypes.CDLL(str(library))


class Pool(ctypes.Structure):
    """``struct pool``, which is all zeros at first. Its fields are nobody's business: 16 bytes are more than it has."""

    _fields_ = [("_", ctypes.c_uint32 * 4)]


class CPool:
    """The adapter: a method for each call, which makes it and says what really happened."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.library, self.pool = library, Pool()

    def allocating(self, pages: int) -> dict[str, Any]:
        """``pool_alloc``."""
        first = self.library.pool_alloc(ctypes.byref(self.pool), pages)
        if first < 0:
            return {"event": "alloc_failed", "pages": pages}
        return {"event": "allocated", "first": first, "pages": pages}

    def freeing(self, first: int, pages: int) -> dict[str, Any]:
        """``pool_free``."""
        self.library.pool_free(ctypes.byref(self.pool), first, pages)
        return {"event": "freed"}
