"""What the codes of built-in properties and of the lowerer mean; see ``dmaverify.lang.codes``."""

from __future__ import annotations

from dmaverify.lang.codes import CODES, Code, register

TABLE = (
    Code(
        "DMA010",
        "an object that is gone",
        "A field of an object is read or written, or the object is deleted, after it was deleted.",
        "delete pool\nlet n = pool.size",
        "let n = pool.size\ndelete pool",
    ),
    Code(
        "DMA012",
        "a local that was never set is read",
        "A `let … = uninitialised` is read on a way on which nothing was assigned to it, as in C where a "
        "return code is set on the error paths only. What it holds is arbitrary.",
    ),
    Code(
        "DMA080",
        "a shift by too much",
        "C leaves a shift by the width or more, or by a negative amount, undefined. The model computes 0 "
        "(signed, to the right: the sign everywhere), and this check fails, so that nothing is concluded.",
        "u32(1) << 32",
    ),
    Code(
        "DMA081",
        "a division by zero",
        "C leaves it undefined. The run ends here: what follows means nothing.",
    ),
    Code(
        "DMA082",
        "null where a value is needed",
        "An expression of type T? was null where its value was used: `x!`, a field of it, or an index.",
    ),
    Code(
        "DMA083",
        "outside of an index, range or memory",
        "A number that was used as an index or stored in a range is outside of it, or an address is in no region.",
    ),
    Code(
        "DMA084",
        "a conversion changes the value",
        "`x as T` promises that T holds x. Say `x wrap T` where C cuts it off.",
    ),
    Code(
        "DMA085",
        "a bound of the model is too small",
        "An `object … max N`, a list or set with a limit, a loop or a recursion ran over its bound. This is "
        "no error of the kernel: the verdict is `unknown (bound)` until the bound is raised.",
    ),
    Code(
        "DMA086",
        "not exactly one element",
        "`one x in S` found no element that fits, or more than one; or `min` of nothing.",
    ),
    Code(
        "DMA087",
        "a lock that an interrupt takes, held with interrupts on",
        "A handler on the same CPU takes the same lock: if it comes while the lock is held, it waits for ever.",
        "lock pool.lock { … }",
        "lock pool.lock irqsave { … }",
    ),
    Code("DMA088", "nothing can go on", "Every thread waits for something that cannot happen any more."),
    Code(
        "DMA089",
        "this cannot be compiled",
        "The text means something, and the compiler has no way to say it in a transition system. The message "
        "says what to write instead.",
    ),
    Code(
        "DMA090",
        "a call against what the callee requires",
        "A `requires` was false at a call: the caller's fault.",
    ),
    Code("DMA091", "an assert of the scenario or model is false", "An `assert` outside of any monitor failed."),
    Code(
        "DMA092",
        "a lemma is false",
        "A lemma says what its author believes of every reachable state. This one is wrong.",
    ),
    Code(
        "DMA116",
        "something may sleep where nothing may",
        "`might_sleep` is reached in an interrupt, in a softirq or with a spinlock held.",
        "lock pool.lock irqsave { might_sleep }",
    ),
)

for _code in TABLE:
    if _code.number not in CODES:
        register(_code)

BUILTIN = {
    "memory": "DMA082",
    "arithmetic": "DMA080",
    "context": "DMA116",
    "lock_context": "DMA087",
    "deadlock": "DMA088",
    "uninitialised": "DMA012",
    "misuse": "DMA090",
    "bound": "DMA085",
}
"""Built-in properties and their codes."""
