"""What can be wrong with a contract and a scenario that is to run over it, for `dmaverify explain`."""

from __future__ import annotations

from dmaverify.lang.codes import Code, register

CALLS = "DMA093"
MEMORY = "DMA094"

register(
    Code(
        CALLS,
        "the contract's entry point is another one",
        "`dmaverify refine` runs the text of a scenario over its models and over the contract, and compares what can be seen of "
        "both. So what the scenario calls and what the contract speaks of has the same parameters on both sides: by name, in "
        "order, and of types with the same values.",
        "proc dma_map_single(dev: Device, from: virt, size: i64 bytes, dir: Direction) -> dma_addr { … }",
        "proc dma_map_single(dev: Device, at: virt, size: i64 bytes, dir: Direction) -> dma_addr { … }",
    ),
    Code(
        MEMORY,
        "the contract cuts memory otherwise",
        "Events that name blocks of memory can be compared only if both sides know the same blocks. Cells are cut where the "
        "scenario tells bytes apart and where lines of a cache meet, so the contract imports what says how long a line is, and "
        "a number of bytes that only a replaced body of the models mentions is also said by a `cut` of the region.",
        "region dram { at 0x8000_0000  size 8K }\nvariant v { replace proc prep(at, size) { maintain(inner, flush, at, 100) } }",
        "region dram { at 0x8000_0000  size 8K  cut 100 }",
    ),
)
