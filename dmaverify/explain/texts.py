"""Prose that belongs to no file of the specification: verdict words and assumptions. docs/ says the same,
at length.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    """One of A1 to A11: what is taken for granted, and what a verdict is worth where it fails."""

    text: str
    otherwise: str


ASSUMPTIONS = {
    "A1": Assumption(
        "The inner caches of all CPUs are coherent with each other, and maintenance by address, "
        "virtual or physical, reaches all of them.",
        "Nothing is said about CPUs that do not snoop each other, or about operations that stay on one core.",
    ),
    "A2": Assumption(
        "A line is filled only through a window that the CPU may use cacheably: a speculative fill "
        "needs a write-back translation.",
        "A core that prefetches through a device or non-cacheable mapping can see more than the model does.",
    ),
    "A3": Assumption(
        "A clean line is never written back.",
        "On a cache that writes clean victims to memory, data that a device has stored can be lost "
        "where the model says that it stays.",
    ),
    "A4": Assumption(
        "Dirty data may be written back at any time, in any order, line by line.",
        "This is the weakest assumption: a cache that evicts less has fewer behaviours.",
    ),
    "A5": Assumption(
        "A device keeps to its driver's protocol: no access before it is started, none after it is "
        "stopped, unless the scenario gives it a client that may do anything.",
        "Bugs that need a device out of control are found only with such a client.",
    ),
    "A6": Assumption(
        "Reserved regions that are not mapped (`no-map`) have no dirty lines when the kernel starts.",
        "Firmware that leaves dirty lines there can corrupt the first buffers of a pool.",
    ),
    "A7": Assumption(
        "There is one physical address space, and memory is encrypted only where a scenario uses "
        "`spec.hardware.encryption`.",
        "Without it, shared and private pages are outside.",
    ),
    "A8": Assumption(
        "What the page allocator and the contiguous allocator return belongs to nobody else.",
        "Defects of those allocators are outside; the models look at who uses them, and how.",
    ),
    "A9": Assumption(
        "The barriers inside the kernel's cache and TLB operations complete them: when the call "
        "returns, the operation has happened.",
        "Errata that break this are modelled only where a scenario says so.",
    ),
    "A10": Assumption(
        "Pages of an IOMMU are at least as large as a cache line.",
        "The models say nothing about such an IOMMU.",
    ),
    "A11": Assumption(
        "A `memset` through a non-cacheable window has reached memory when the handle is given to the "
        "driver.",
        "A write buffer that holds zeros back longer than that is not seen.",
    ),
}

WORDS = {
    "proved": "The property holds in every reachable state, at any depth. An inductive invariant is "
    "written out as "
    "SMT-LIB, and a second solver has confirmed it in a process of its own. The ranges, contracts "
    "and assumptions that "
    "it used are part of the verdict.",
    "exhausted": "Every reachable state of the scenario, sliced to what the property depends on, was "
    "visited, and none "
    "violates it.",
    "bounded": "No violation within the given number of steps. Nothing is claimed beyond.",
    "sampled": "No violation in the given number of random runs.",
    "violated": "There is a trace. The reference interpreter has replayed it, step by step, before "
    "it was shown.",
    "vacuous": "The property was never put to the test: what it speaks of cannot happen in this "
    "scenario. Often the "
    "scenario cannot do what its author thinks it does: an allocation that always fails, a window "
    "that is not what was "
    "asked for.",
    "unknown": "Time, memory, a bound or the solver gave up; the reason is said. It is neither a "
    "proof nor a violation.",
    "n/a": "The board cannot have what the property speaks of, such as a translation on a board "
    "without an IOMMU.",
    "holds": "Short for proved or exhausted: shown for every reachable state.",
}
