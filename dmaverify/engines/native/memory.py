"""Large regions of memory that cost nothing until they are written to."""

from __future__ import annotations

import ctypes
import mmap
import os
import shutil
import tempfile
from typing import IO, Any

from dmaverify.engines.base import resident_bytes

HUGE = 2 << 20
_NO_RESERVE = 0x4000 if os.uname().sysname == "Linux" else 0x40

_FIXED = 0x10
"""MAP_FIXED, of which Python's module does not speak; the same number on Linux and macOS."""


def _libc() -> Any:
    """The C library's ``mmap`` and ``madvise``; None where there is none."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        number, pointer = ctypes.c_int, ctypes.c_void_p
        libc.mmap.argtypes, libc.mmap.restype = [pointer, ctypes.c_size_t, number, number, number, ctypes.c_long], pointer
        libc.madvise.argtypes = [pointer, ctypes.c_size_t, number]
    except (OSError, AttributeError, TypeError):
        return None
    return libc


_LIBC = _libc()


class Region:
    """So many bytes of zeros, aligned to 2 MiB. ``MemoryError`` if the system has no such address space left."""

    def __init__(self, size: int, huge: bool = True) -> None:
        self.size = size
        self._file: IO[bytes] | None = None
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
        try:
            self._map: mmap.mmap | None = mmap.mmap(-1, size + HUGE, flags=flags)
        except OSError as error:
            raise MemoryError(size) from error
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        self.address = -(-base // HUGE) * HUGE
        if huge and hasattr(mmap, "MADV_HUGEPAGE"):
            # without this the first touch of every 4 KiB is a fault, and every look-up a miss of the TLB
            self._map.madvise(mmap.MADV_HUGEPAGE)

    @property
    def on_disk(self) -> bool:
        """Whether a file is behind the memory."""
        return self._file is not None

    def to_disk(self, used: int) -> bool:
        """Put an unlinked temporary file behind the memory, of which ``used`` bytes are in use; the addresses stay.

        False if the system cannot do that, or has no room for a file of several times the size.
        """
        folder = tempfile.gettempdir()
        if _LIBC is None or shutil.disk_usage(folder).free < 4 * used:
            return False
        file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  it is open as long as the memory is in use
        size = self.size // mmap.PAGESIZE * mmap.PAGESIZE
        try:
            file.truncate(size)
            view = self.bytes(0, used)
            while view:
                view = view[os.write(file.fileno(), view) :]
        except OSError:
            file.close()
            return False
        shared = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED | _FIXED
        if _LIBC.mmap(self.address, size, *shared, file.fileno(), 0) != self.address:
            raise MemoryError("the memory of a search cannot be put on the disk")
        self._file = file
        return True

    def trim(self) -> bool:
        """Give back the memory of what is on the disk; it is read again when it is used. False if little was gained."""
        before = resident_bytes()
        _LIBC.madvise(self.address, self.size // mmap.PAGESIZE * mmap.PAGESIZE, mmap.MADV_DONTNEED)
        return before - resident_bytes() > 16 * HUGE

    def bytes(self, start: int, count: int) -> memoryview:
        """``count`` bytes from byte ``start`` on, to read or write."""
        return memoryview((ctypes.c_char * count).from_address(self.address + start)).cast("B")

    def words(self, start: int, count: int) -> list[int]:
        """``count`` 64-bit words from word ``start`` on."""
        return list((ctypes.c_uint64 * count).from_address(self.address + 8 * start))

    def close(self) -> None:
        """Give it back; the address must not be used any more."""
        if self._map is not None:
            self._map.close()
            self._map = None
        if self._file is not None:
            self._file.close()
            self._file = None


def reserve(size: int, least: int) -> Region:
    """A region of ``size`` bytes, or of as many as the system gives, but at least ``least``."""
    while True:
        try:
            return Region(size)
        except MemoryError:
            if size <= least:
                raise
            size = max(size // 2, least)


class Array:
    """So many 64-bit words for native code, aligned to a cache line, readable and writable from Python by index."""

    def __init__(self, size: int) -> None:
        self._memory = (ctypes.c_char * (8 * size + 64))()
        self.address = -(-ctypes.addressof(self._memory) // 64) * 64
        self._words = (ctypes.c_uint64 * size).from_address(self.address)

    def __getitem__(self, index: int) -> int:
        return self._words[index]

    def __setitem__(self, index: int, value: int) -> None:
        self._words[index] = value

    def slice(self, start: int, count: int) -> list[int]:
        """Several words."""
        return self._words[start : start + count]


def available() -> int:
    """Bytes of memory that may still be used without swapping, as far as the system tells; else a great many."""
    least = 1 << 62
    try:
        with open("/proc/meminfo", encoding="ascii") as f:
            for text in f:
                if text.startswith("MemAvailable:"):
                    least = int(text.split()[1]) * 1024
    except OSError:
        pass
    for limit, used in (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes")):
        try:
            with open(f"/sys/fs/cgroup/{limit}", encoding="ascii") as f, open(f"/sys/fs/cgroup/{used}", encoding="ascii") as g:
                least = min(least, int(f.read()) - int(g.read()))
        except (OSError, ValueError):
            continue
    return least


def physical() -> int:
    """Bytes of memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
