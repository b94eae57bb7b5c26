"""The funcs of the language itself: few, and none of a domain. Everything else is written in ``spec/``.

============  =======================================  ================================================
func          arguments                                result
============  =======================================  ================================================
min, max      numbers of one unit, or addresses        the widest of their types
bit           a number or ``bits``, the bit's place    bool; false outside of the width
popcount      a number, ``flags``, a stored set        u32: how many bits or elements there are
bitlen        a number                                 u32: place of the highest bit plus one; 0 for 0
free          a spinlock                               bool: nobody holds it
len           a list                                   u32
front         a list                                   ``T?``: its first element
full          a list, or a client's slot               bool: no room for another
empty         a list, or a client's slot               bool: nothing in it
============  =======================================  ================================================
"""

from __future__ import annotations

BUILTINS: dict[str, tuple[int, int | None]] = {
    "min": (2, None),
    "max": (2, None),
    "bit": (2, 2),
    "popcount": (1, 1),
    "bitlen": (1, 1),
    "free": (1, 1),
    "len": (1, 1),
    "front": (1, 1),
    "full": (1, 1),
    "empty": (1, 1),
}
"""Name to the least and greatest number of arguments."""

MEMORY_SPACE = "phys"
"""The declared type of ``start`` and ``end`` of a piece of memory: addresses as memory itself counts them."""

SHIFT, GRAIN = "PAGE_SHIFT", "PAGE_SIZE"
"""Constants of these names turn one unit into the other: ``pages << PAGE_SHIFT`` and ``pages * PAGE_SIZE``
are bytes."""

BOOT = "boot"
"""The thread that runs the initcalls: no scenario declares it, and ``after`` and ``before`` may name it."""

SETTING_WORDS = {"at", "size", "cut", "overlaps"}
"""Words of a ``region`` that the language itself understands; all others fill in what a const over Region
asks for."""

REFINES = "refines"
"""``expect refines(spec.contract) holds``: what a scenario expects of ``dmaverify refine``, which alone decides it."""

BUILTIN_PROPERTIES = {
    "memory": "a read or write outside of the memory, through null, of a deleted object, or out of an index",
    "arithmetic": "a shift, division or narrowing that C leaves undefined",
    "context": "something that may sleep where nothing may",
    "lock_context": "a lock that an interrupt handler takes too, held with interrupts on",
    "deadlock": "nothing can go on",
    "uninitialised": "a local read before it was set",
    "misuse": "a call against what the callee requires",
    "asserts": "what the scenario and its models assert",
    "bound": "a bound of the model is too small",
}
"""Properties that no monitor declares; a scenario may name them in ``check`` and ``expect``."""
